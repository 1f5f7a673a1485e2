// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the building of records, and the memory to build them in.
 *
 * Called with locks of the VFS held and perhaps in reclaim: memory comes from
 * what is there at once, or a record goes out with identities only.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/slab.h>
#include <linux/ktime.h>

#include "ecs_fim.h"

/*
 * Buffers that are kept: enough for the CPUs of a large host, and there when
 * the system has no memory left. A mempool would ask the allocator first, which
 * clears what it gives out (init_on_alloc) and takes longer than all the rest.
 */
#define BUFFERS_KEPT 64

static struct kmem_cache *buf_cache;
static DEFINE_SPINLOCK(bufs_lock);
static void *bufs[BUFFERS_KEPT];
static unsigned int bufs_count;

void *fim_buf_get(void)
{
	void *buf = NULL;

	spin_lock(&bufs_lock);
	if (bufs_count)
		buf = bufs[--bufs_count];
	spin_unlock(&bufs_lock);
	return buf ?: kmem_cache_alloc(buf_cache, GFP_NOWAIT | __GFP_NOWARN);
}

void fim_buf_put(void *buf)
{
	if (!buf)
		return;
	spin_lock(&bufs_lock);
	if (bufs_count < BUFFERS_KEPT) {
		bufs[bufs_count++] = buf;
		buf = NULL;
	}
	spin_unlock(&bufs_lock);
	if (buf)
		kmem_cache_free(buf_cache, buf);
}

void fim_object_fill(struct fim_object *object, const struct inode *inode,
		     const struct fim_volume *volume)
{
	memset(object, 0, sizeof(*object));
	if (!inode)
		return;
	object->fsid[0] = volume->fsid.val[0];
	object->fsid[1] = volume->fsid.val[1];
	object->ino = inode->i_ino;
	/* btrfs has one number for each subvolume, and none of them is the superblock's. */
	object->dev = new_encode_dev(inode->i_sb->s_magic == BTRFS_SUPER_MAGIC && volume->dev
					     ? volume->dev
					     : inode->i_sb->s_dev);
	object->generation = inode->i_generation;
}

static const struct fim_volume *volume_at(const struct fim_change *change,
					  const struct fim_place *place)
{
	return place->root ? &place->root->volume : &change->volume;
}

static void fill_event(struct fim_event *event, const struct fim_change *change)
{
	const struct inode *inode = change->inode;
	const struct fim_place *place = &change->place, *old = &change->old_place;

	memset(event, 0, sizeof(*event));
	event->rec.len = sizeof(*event);
	event->rec.type = FIM_REC_EVENT;
	event->rec.fixed_len = sizeof(*event);
	event->rec.time_ns = ktime_get_real_ns();
	event->op = change->op;
	event->flags = change->flags;
	event->code = change->code;
	event->watch_id = place->root ? place->root->id : 0;
	event->old_watch_id = old->root ? old->root->id : 0;
	event->depth = min_t(u32, place->depth, U16_MAX);
	event->old_depth = min_t(u32, old->depth, U16_MAX);
	if (inode) {
		event->flags |= S_ISDIR(inode->i_mode) ? FIM_EV_DIR : 0;
		event->mode = inode->i_mode;
		event->nlink = inode->i_nlink;
		event->size = i_size_read(inode);
	}
	fim_object_fill(&event->object, inode, volume_at(change, place));
	fim_object_fill(&event->dir, change->dir, volume_at(change, place));
	fim_object_fill(&event->old_dir, change->old_dir, volume_at(change, old));
}

/* The others are about the module and its reader (guard.c). */
static bool is_of_object(const struct fim_change *change)
{
	return change->op < FIM_OP_SIGNAL;
}

static void put_bytes(struct fim_attrs *attrs, const u8 *bytes, u32 len)
{
	if (attrs->size - attrs->len < len)
		return;
	fim_copy(attrs->buf + attrs->len, bytes, len);
	attrs->len += len;
}

/* What is kept of the opener's time; a view made now is better. */
static bool is_kept_view(const struct fim_change *change)
{
	const struct fim_opener *opener = change->opener;

	return opener && ((change->path && fim_opener_view_is_good(opener)) ||
			  !(current->fs && fim_opener_is_current(opener)));
}

/* Its path from the root of the filesystem is known already. */
static bool is_kept_path(const struct fim_change *change)
{
	return change->opener && change->path && change->opener->view_is_fs &&
	       change->dentry == change->path->dentry && fim_opener_view_is_good(change->opener);
}

/* Does the process see the path that was put last? */
static bool is_view(const struct fim_change *change)
{
	if (change->path)
		return change->dentry == change->path->dentry && fim_path_is_view(change->path);
	return change->dentry && change->dentry == change->view_dentry &&
	       change->name == change->view_name && fim_path_name_is_view(change->dentry);
}

/* Return: false if a view was too long. */
static bool put_views(struct fim_attrs *attrs, const struct fim_change *change, bool has_path)
{
	const struct fim_attr *path = (const void *)attrs->buf;
	bool whole = true;

	if (is_kept_view(change))
		put_bytes(attrs, change->opener->view, change->opener->view_len);
	else if (has_path && is_view(change))
		whole = fim_attr_put(attrs, FIM_ATTR_VIEW_PATH, path->data, path->len);
	else if (change->path)
		whole = fim_path_open(attrs, FIM_ATTR_VIEW_PATH, change->path);
	else if (change->view_dentry)
		whole = fim_path_view(attrs, FIM_ATTR_VIEW_PATH, change->view_dentry,
				      change->view_name);
	if (change->old_dentry)
		whole &= fim_path_view(attrs, FIM_ATTR_OLD_VIEW_PATH, change->old_dentry,
				       change->old_name);
	return whole;
}

/* The first attribute. Return: false if there is none. */
static bool put_path(struct fim_attrs *attrs, const struct fim_change *change)
{
	const struct fim_attr *view;

	if (change->known)
		return fim_attr_put(attrs, FIM_ATTR_FS_PATH, change->known, strlen(change->known));
	if (is_kept_path(change)) {
		view = (const void *)change->opener->view;
		return fim_attr_put(attrs, FIM_ATTR_FS_PATH, view->data, view->len);
	}
	return change->dentry && fim_path_fs(attrs, FIM_ATTR_FS_PATH, change->dentry, change->name);
}

/* Return: FIM_EV_* to add. */
static u32 put_paths(struct fim_attrs *attrs, const struct fim_change *change)
{
	u32 flags = 0;
	bool has_path;

	if (!is_of_object(change))
		return 0;
	has_path = put_path(attrs, change);
	if (!has_path)
		flags |= FIM_EV_PATH_MISSING;
	if (change->old_dentry &&
	    !fim_path_fs(attrs, FIM_ATTR_OLD_FS_PATH, change->old_dentry, change->old_name))
		flags |= FIM_EV_PATH_MISSING;
	if (!put_views(attrs, change, has_path && !change->known))
		flags |= FIM_EV_TRUNCATED;
	if (change->xattr)
		fim_attr_put(attrs, FIM_ATTR_XATTR_NAME, change->xattr, strlen(change->xattr));
	return flags;
}

static u32 put_opener(struct fim_event *event, struct fim_attrs *attrs,
		      const struct fim_opener *opener)
{
	event->actor = opener->actor;
	if (attrs && opener->who)
		put_bytes(attrs, opener->who->attrs, opener->who->len);
	return opener->flags & (FIM_EV_ACTOR_PARTIAL | FIM_EV_TRUNCATED);
}

static u32 put_actor(struct fim_event *event, struct fim_attrs *attrs,
		     const struct fim_opener *opener)
{
	struct fim_who *who;
	u32 flags;

	if (opener)
		return put_opener(event, attrs, opener);
	who = fim_who_get();
	if (!who) {
		fim_actor_now(&event->actor);
		return FIM_EV_ACTOR_PARTIAL;
	}
	event->actor = who->actor;
	fim_actor_comm(&event->actor);
	if (attrs)
		put_bytes(attrs, who->attrs, who->len);
	flags = who->flags;
	fim_who_put(who);
	return flags;
}

static void queue(struct fim_event *event)
{
	atomic64_inc(&fim_counters.events);
	if (event->flags & FIM_EV_PATH_MISSING)
		atomic64_inc(&fim_counters.path_missing);
	if (event->flags & FIM_EV_ACTOR_PARTIAL)
		atomic64_inc(&fim_counters.actor_partial);
	fim_ring_put(&fim_ring, &event->rec);
}

/* Without memory. Out of line: the compiler clears it on the stack, used or not. */
static noinline void emit_bare(const struct fim_change *change)
{
	struct fim_event bare;

	fill_event(&bare, change);
	bare.flags |= FIM_EV_ACTOR_PARTIAL | (is_of_object(change) ? FIM_EV_PATH_MISSING : 0);
	put_actor(&bare, NULL, change->opener);
	queue(&bare);
}

void fim_event_emit(const struct fim_change *change)
{
	struct fim_event *event = fim_buf_get();
	struct fim_attrs attrs;

	if (!event)
		return emit_bare(change);
	fill_event(event, change);
	attrs.buf = (u8 *)(event + 1);
	attrs.size = FIM_RECORD_MAX - sizeof(*event);
	attrs.len = 0;
	event->flags |= put_paths(&attrs, change);
	event->flags |= put_actor(event, &attrs, change->opener);
	event->rec.len += attrs.len;
	queue(event);
	fim_buf_put(event);
}

void fim_event_state(u32 state, u32 id, u32 code, const struct fim_actor *actor)
{
	struct fim_state_change change = {
		.rec.len = sizeof(change),
		.rec.type = FIM_REC_STATE,
		.rec.fixed_len = sizeof(change),
		.rec.time_ns = ktime_get_real_ns(),
		.state = state,
		.watch_id = id,
		.code = code,
	};

	if (actor)
		change.actor = *actor;
	fim_ring_put(&fim_ring, &change.rec);
}

void fim_event_lost(void)
{
	struct fim_record rec = {.time_ns = ktime_get_real_ns()};

	atomic64_inc(&fim_counters.events);
	fim_ring_lose(&fim_ring, &rec);
}

void fim_event_exit(void)
{
	while (bufs_count)
		kmem_cache_free(buf_cache, bufs[--bufs_count]);
	kmem_cache_destroy(buf_cache);
}

int fim_event_init(void)
{
	/* Arguments are copied from the process straight into a record. */
	buf_cache = kmem_cache_create_usercopy("ecs_fim_record", FIM_RECORD_MAX, 8, 0, 0,
					       FIM_RECORD_MAX, NULL);
	if (!buf_cache)
		goto err;
	for (; bufs_count < min_t(unsigned int, BUFFERS_KEPT, 8 + 2 * num_online_cpus());
	     bufs_count++) {
		bufs[bufs_count] = kmem_cache_alloc(buf_cache, GFP_KERNEL);
		if (!bufs[bufs_count])
			goto err_cache;
	}
	return 0;

err_cache:
	fim_event_exit();
err:
	pr_err("not loaded: no memory for record buffers\n");
	return -ENOMEM;
}
