// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the fsnotify group and the translation of what fsnotify tells into what
 * happened. Nothing else knows how events are subscribed to; which objects have
 * a mark is for watch.c (roots) and tree.c (all others).
 *
 * All marks have the same events, and fsnotify tells a group once whatever
 * number of marks hears it: where an event is, the dentry says, not the mark.
 *
 * Handlers run after the operation and inside it: under the locks of the VFS,
 * perhaps in reclaim, perhaps in an exiting process. They may not wait for
 * memory, and for nobody.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/magic.h>
#include <linux/slab.h>

#include "compat.h"
#include "ecs_fim.h"

#define MASK                                                                          \
	(FS_CREATE | FS_DELETE | FS_RENAME | FS_ATTRIB | FS_MODIFY | FS_CLOSE_WRITE | \
	 FS_EVENT_ON_CHILD)

/* BTRFS_FIRST_FREE_OBJECTID: the root of a subvolume. */
#define BTRFS_SUBVOLUME_INO 256

static struct fsnotify_group *group;
static atomic_t marks_alive = ATOMIC_INIT(0);

static void count_filtered(void)
{
	this_cpu_inc(fim_filtered);
}

static struct dentry *parent_of(struct dentry *dentry)
{
	return IS_ROOT(dentry) ? NULL : dget_parent(dentry);
}

/* The name that a change is told by, as long as it is. */
struct watched_name {
	struct dentry *alias;
	char *known;
};

static void watched_name_put(struct watched_name *name)
{
	dput(name->alias);
	kfree(name->known);
}

/* No name of it is in the dentry cache: one that was remembered. */
static bool find_known_name(struct fim_change *change, struct watched_name *name)
{
	name->known = fim_tree_name(change->inode, &change->place);
	if (!name->known)
		return false;
	change->known = name->known;
	change->dentry = NULL;
	change->flags |= FIM_EV_ALIAS;
	return true;
}

/*
 * Is the name by which an inode was reached, or another of it, in a watch? The
 * watched name is the one to tell.
 */
static bool find_watched_name(struct fim_change *change, struct dentry *dentry,
			      struct watched_name *name)
{
	*name = (struct watched_name){};
	/* A name that is gone tells less than one that is there. */
	if (!d_unhashed(dentry) || !fim_may_have_alias(dentry)) {
		if (fim_place_find(dentry, &change->place))
			return true;
	}
	if (fim_may_have_alias(dentry)) {
		name->alias = fim_place_find_alias(d_inode(dentry), &change->place);
		if (name->alias) {
			change->dentry = name->alias;
			change->flags |= FIM_EV_ALIAS;
			return true;
		}
		if (find_known_name(change, name))
			return true;
	}
	return d_unhashed(dentry) && fim_place_find(dentry, &change->place);
}

static bool is_own_write(const struct fim_opener *opener)
{
	if (!fim_is_reader())
		return false;
	if (opener)
		return !opener->foreign;
	/* Without a hook nothing is known about who opened it. */
	return !(fim_hook_features() & FIM_FEATURE_OPEN_HOOK);
}

static void emit_at_dentry(struct fim_change *change)
{
	struct dentry *parent = change->dentry ? parent_of(change->dentry) : NULL;

	change->dir = parent ? d_inode(parent) : NULL;
	fim_event_emit(change);
	dput(parent);
}

bool fim_mark_emit(struct fim_change *change, struct dentry *dentry)
{
	struct watched_name name;

	if (!find_watched_name(change, dentry, &name))
		return false;
	emit_at_dentry(change);
	fim_place_put(&change->place);
	watched_name_put(&name);
	return true;
}

/* The last close of a file that was open for writing. */
static void on_close_write(struct fim_fs *fs, struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	struct fim_opener opener;
	struct watched_name name;
	struct fim_change change = {
		.op = FIM_OP_WRITE,
		.volume = fs->volume,
		.inode = file_inode(file),
		.dentry = dentry,
		.path = &file->f_path,
	};

	if (!S_ISREG(change.inode->i_mode))
		return;
	if (fim_opener_take(file, &opener)) {
		change.opener = &opener;
		change.flags = opener.flags;
	} else {
		/* What happened before the table knew it may be a write. */
		change.flags = FIM_EV_ACTOR_CLOSER | FIM_EV_MODIFIED;
	}
	if (!find_watched_name(&change, dentry, &name)) {
		count_filtered();
	} else {
		if (!is_own_write(change.opener))
			emit_at_dentry(&change);
		fim_place_put(&change.place);
		watched_name_put(&name);
	}
	if (change.opener)
		fim_opener_free(&opener);
}

static u32 created_op(const struct inode *inode)
{
	if (!inode)
		return FIM_OP_CREATE;
	switch (inode->i_mode & S_IFMT) {
	case S_IFDIR:
		return FIM_OP_MKDIR;
	case S_IFLNK:
		return FIM_OP_SYMLINK;
	case S_IFREG:
		return FIM_OP_CREATE;
	}
	return FIM_OP_MKNOD;
}

/* A name below a directory appeared or went. False: not in a watch. */
static bool emit_name(struct fim_change *change, const struct qstr *name)
{
	struct dentry *dir = d_find_any_alias(change->dir);
	bool found;

	if (!dir)
		return false;
	found = fim_place_find(dir, &change->place);
	if (found) {
		change->place.depth++;
		change->dentry = dir;
		change->name = name;
		change->view_dentry = dir;
		change->view_name = name;
		fim_event_emit(change);
		fim_place_put(&change->place);
	}
	dput(dir);
	return found;
}

/* What cannot be marked has to be heard as part of everything. */
static void keep_stranger(struct fim_fs *fs)
{
	int err = fim_tree_widen(fs, true);

	if (err)
		fim_event_state(FIM_STATE_MARK_LOST, 0, -err, NULL);
}

/* A file with several names, or one that is open by another, has a mark of its own. */
static void keep_file(struct fim_fs *fs, struct inode *inode, const struct fim_place *place,
		      struct dentry *dentry, const struct qstr *name)
{
	struct fim_attrs attrs = {.buf = fim_buf_get(), .size = FIM_RECORD_MAX};
	struct fim_attr *attr = (void *)attrs.buf;
	int err = -ENOMEM;

	if (attrs.buf && fim_path_fs(&attrs, FIM_ATTR_FS_PATH, dentry, name)) {
		attr->data[attr->len] = '\0';
		err = fim_tree_add(fs, inode, place, attr->data);
	}
	fim_buf_put(attrs.buf);
	if (err)
		keep_stranger(fs);
}

/* A btrfs subvolume may be a snapshot: full from the start. */
static bool is_born_full(const struct dentry *dentry)
{
	const struct inode *inode = d_inode(dentry);

	return inode->i_sb->s_magic == BTRFS_SUPER_MAGIC && inode->i_ino == BTRFS_SUBVOLUME_INO;
}

/* A link: it has another name, or is open by none (O_TMPFILE). */
static bool has_other_access(const struct inode *inode, const struct dentry *dentry)
{
	return !dentry && (inode->i_nlink > 1 || atomic_read(&inode->i_writecount) > 0);
}

/*
 * What came into a watch gets its mark before the operation returns. Somebody
 * may have looked a new directory up and put something in: then it was too late.
 */
static void keep_created(struct fim_fs *fs, struct inode *dir, const struct qstr *name,
			 struct inode *inode, struct dentry *dentry)
{
	struct fim_place place = {};
	struct dentry *parent;

	if (!inode || !(S_ISDIR(inode->i_mode) || has_other_access(inode, dentry)))
		return;
	parent = d_find_any_alias(dir);
	if (parent && fim_place_find(parent, &place)) {
		place.depth++;
		if (!S_ISDIR(inode->i_mode))
			keep_file(fs, inode, &place, parent, name);
		else if (fim_tree_add(fs, inode, &place, NULL) ||
			 (dentry && (is_born_full(dentry) || !simple_empty(dentry))))
			keep_stranger(fs);
		fim_place_put(&place);
	}
	dput(parent);
}

/* A write through that name that nobody told, because there was no mark yet. */
static void tell_missed(struct fim_fs *fs, struct inode *inode, struct dentry *dentry)
{
	struct fim_opener opener;
	struct fim_change change = {
		.op = FIM_OP_WRITE,
		.volume = fs->volume,
		.inode = inode,
		.dentry = dentry,
		.opener = &opener,
	};

	while (atomic_read(&inode->i_writecount) <= 0 && fim_opener_take_inode(inode, &opener)) {
		change.flags = opener.flags | FIM_EV_MODIFIED;
		fim_mark_emit(&change, dentry);
		fim_opener_free(&opener);
	}
}

void fim_mark_link(struct inode *inode, struct dentry *dentry)
{
	struct fim_fs *fs = fim_fs_get(inode->i_sb);
	struct fim_change change = {.inode = inode, .dentry = dentry};
	struct watched_name name;

	if (!fs)
		return;
	if (find_watched_name(&change, dentry, &name)) {
		if (change.dentry)
			keep_file(fs, inode, &change.place, change.dentry, NULL);
		fim_place_put(&change.place);
		watched_name_put(&name);
		tell_missed(fs, inode, dentry);
	}
	fim_fs_put(fs);
}

static void keep_renamed(struct fim_fs *fs, struct dentry *moved, const struct fim_place *place,
			 bool inside, bool before)
{
	struct inode *inode = d_inode(moved);

	if (place->root && d_is_dir(moved) && !inside)
		keep_stranger(fs);
	if (d_is_dir(moved) || inode->i_nlink < 2)
		return;
	if (place->root)
		keep_file(fs, inode, place, moved, NULL);
	else if (before)
		fim_tree_rename(inode, NULL, NULL);
}

/* @dentry is NULL for a link: there, fsnotify tells the inode. */
static void on_create(struct fim_fs *fs, struct inode *dir, const struct qstr *name,
		      struct inode *inode, struct dentry *dentry)
{
	struct fim_change change = {
		.op = dentry ? created_op(inode) : FIM_OP_LINK,
		.volume = fs->volume,
		.inode = inode,
		.dir = dir,
	};

	keep_created(fs, dir, name, inode, dentry);
	if (!fim_is_reader() && !emit_name(&change, name))
		count_filtered();
}

static void on_delete(struct fim_fs *fs, struct inode *dir, const struct qstr *name,
		      struct inode *inode)
{
	bool is_dir = inode && S_ISDIR(inode->i_mode);
	struct fim_change change = {
		.op = is_dir ? FIM_OP_RMDIR : FIM_OP_DELETE,
		.volume = fs->volume,
		.inode = inode,
		.dir = dir,
	};
	struct dentry *dentry;

	if (fim_is_reader())
		return;
	/* A watched directory belongs to its own watch. */
	if (is_dir && fim_place_find_root(inode, &change.place)) {
		dentry = d_find_any_alias(dir);
		change.dentry = dentry;
		change.name = name;
		change.view_dentry = dentry;
		change.view_name = name;
		fim_event_emit(&change);
		fim_place_put(&change.place);
		dput(dentry);
		return;
	}
	if (!emit_name(&change, name))
		count_filtered();
}

/* @moved is at its new place already; @old_name in @old_dir is where it was. */
static void on_rename(struct fim_fs *fs, struct inode *old_dir, const struct qstr *old_name,
		      struct dentry *moved)
{
	struct dentry *parent = dget_parent(moved);
	struct dentry *old_parent = d_find_any_alias(old_dir);
	struct fim_change change = {
		.op = FIM_OP_RENAME,
		.volume = fs->volume,
		.inode = d_inode(moved),
		.dir = d_inode(parent),
		.old_dir = old_dir,
		.dentry = moved,
		.view_dentry = moved,
		.old_dentry = old_parent,
		.old_name = old_name,
	};
	bool now, before;

	now = fim_place_find(moved, &change.place);
	if (now && !change.place.depth) {
		/* A watched directory belongs to its own watch, here and there. */
		before = fim_place_find(moved, &change.old_place);
	} else {
		before = old_parent && fim_place_find(old_parent, &change.old_place);
		change.old_place.depth += before;
	}
	/* Marks are of one watch: what comes from another has none, either. */
	keep_renamed(fs, moved, &change.place, before && change.place.root == change.old_place.root,
		     before);
	if (!now && !before)
		count_filtered();
	else if (!fim_is_reader())
		fim_event_emit(&change);
	if (d_is_dir(moved) && fim_watch_moved(moved) && fim_tree_above(fs, moved))
		keep_stranger(fs);
	fim_place_put(&change.place);
	fim_place_put(&change.old_place);
	dput(old_parent);
	dput(parent);
}

static bool will_be_written(const struct inode *inode, const struct fim_intent *intent)
{
	/* truncate(2) is a writer itself as long as it lasts. */
	int others = atomic_read(&inode->i_writecount) - (intent ? 1 : 0);

	if (intent && intent->writer)
		return true;
	return others > 0 && fim_opener_has_inode(inode);
}

static void emit_op(struct fim_change *change, u32 op, const struct fim_intent *intent)
{
	u32 flags = change->flags;

	change->op = op;
	if (op == FIM_OP_TRUNCATE && will_be_written(change->inode, intent))
		change->flags |= FIM_EV_OPEN_FOR_WRITE;
	emit_at_dentry(change);
	change->flags = flags;
}

/* One notify_change() may change several things: one event for each. */
static void emit_setattr(struct fim_change *change, const struct fim_intent *intent)
{
	/* Times that follow from another change (ATTR_MTIME alone) are no change of their own. */
	static const struct {
		u32 ia_valid;
		u32 op;
	} ops[] = {
		{ATTR_SIZE, FIM_OP_TRUNCATE},
		{ATTR_UID | ATTR_GID, FIM_OP_OWNER},
		{ATTR_MODE, FIM_OP_MODE},
		{ATTR_TIMES_SET | ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_TOUCH, FIM_OP_TIMES},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		if (intent->ia_valid & ops[i].ia_valid)
			emit_op(change, ops[i].op, intent);
	}
}

/* Out of line: the compiler clears the name on the stack, used or not. */
static noinline void emit_named(struct fim_change *change, const struct fim_intent *intent)
{
	char name[XATTR_NAME_MAX + 1];

	fim_intent_take_name(change->inode, name);
	change->xattr = name[0] ? name : NULL;
	emit_op(change, intent->op, intent);
	change->xattr = NULL;
}

static void emit_change(struct fim_change *change, u32 mask)
{
	struct fim_intent intent;

	if (!fim_intent_take(change->inode, &intent)) {
		if (mask & FS_MODIFY)
			emit_op(change, FIM_OP_TRUNCATE, NULL);
		if (mask & FS_ATTRIB)
			emit_op(change, FIM_OP_ATTRIB, NULL);
	} else if (intent.op) {
		emit_named(change, &intent);
	} else {
		emit_setattr(change, &intent);
	}
}

/* Attributes, or the size by truncate(2) and its like. */
static void on_change(struct fim_fs *fs, struct dentry *dentry, u32 mask)
{
	struct fim_change change = {
		.volume = fs->volume,
		.inode = d_inode(dentry),
		.dentry = dentry,
		.view_dentry = dentry,
	};
	struct watched_name name;

	if (!find_watched_name(&change, dentry, &name)) {
		count_filtered();
		return;
	}
	emit_change(&change, mask);
	fim_place_put(&change.place);
	watched_name_put(&name);
}

static void on_path(struct fim_fs *fs, const struct path *path, u32 mask)
{
	/* Its only producer is fsnotify_file(), with the path inside the file. */
	struct file *file = container_of(path, struct file, f_path);

	if (mask & FS_MODIFY)
		fim_opener_modify(file);
	if (mask & FS_CLOSE_WRITE)
		on_close_write(fs, file);
}

static int handle_event(struct fsnotify_group *to, u32 mask, const void *data, int data_type,
			struct inode *dir, const struct qstr *name, u32 cookie,
			struct fsnotify_iter_info *iter)
{
	const struct path *path = fsnotify_data_path(data, data_type);
	struct dentry *dentry = fsnotify_data_dentry(data, data_type);
	struct inode *inode = fsnotify_data_inode(data, data_type);
	struct fim_fs *fs;

	if (!inode && !dir)
		return 0;
	fs = fim_fs_get((inode ?: dir)->i_sb);
	if (!fs)
		return 0;
	if (path)
		on_path(fs, path, mask);
	else if (mask & FS_CREATE)
		on_create(fs, dir, name, inode, dentry);
	else if (mask & FS_DELETE)
		on_delete(fs, dir, name, inode);
	else if (mask & FS_RENAME)
		on_rename(fs, dir, name, dentry);
	else if (mask & (FS_ATTRIB | FS_MODIFY) && dentry && !fim_is_reader())
		on_change(fs, dentry, mask);
	/* What is left tells an inode's link count, after a name came or went. */
	fim_fs_put(fs);
	return 0;
}

static void freeing_mark(struct fsnotify_mark *fsn, struct fsnotify_group *from)
{
	struct fim_mark *mark = container_of(fsn, struct fim_mark, fsn);

	switch (mark->kind) {
	case FIM_MARK_WIDE:
		return fim_wide_gone(container_of(mark, struct fim_wide, mark));
	case FIM_MARK_NODE:
		return fim_node_gone(container_of(mark, struct fim_node, mark));
	case FIM_MARK_ROOT:
		return fim_root_gone(container_of(mark, struct fim_root, mark));
	}
}

/* After a grace period of fsnotify's; lookups under RCU may still see it. */
static void free_mark(struct fsnotify_mark *fsn)
{
	struct fim_mark *mark = container_of(fsn, struct fim_mark, fsn);

	switch (mark->kind) {
	case FIM_MARK_WIDE:
		fim_wide_free(container_of(mark, struct fim_wide, mark));
		break;
	case FIM_MARK_NODE:
		fim_node_free(container_of(mark, struct fim_node, mark));
		break;
	case FIM_MARK_ROOT:
		fim_root_free(container_of(mark, struct fim_root, mark));
		break;
	}
	atomic_dec(&marks_alive);
}

static const struct fsnotify_ops group_ops = {
	.handle_event = handle_event,
	.freeing_mark = freeing_mark,
	.free_mark = free_mark,
};

void fim_mark_setup(struct fim_mark *mark, int kind)
{
	fsnotify_init_mark(&mark->fsn, group);
	mark->kind = kind;
	mark->fsn.mask = MASK;
	atomic_inc(&marks_alive);
}

int fim_mark_attach(struct fim_mark *mark, void *object)
{
	if (mark->kind == FIM_MARK_WIDE)
		return fim_compat_add_sb_mark(&mark->fsn, object);
	return fim_compat_add_inode_mark(&mark->fsn, object);
}

void fim_mark_get(struct fim_mark *mark)
{
	refcount_inc(&mark->fsn.refcnt);
}

void fim_mark_put(struct fim_mark *mark)
{
	fsnotify_put_mark(&mark->fsn);
}

void fim_mark_destroy(struct fim_mark *mark)
{
	fsnotify_destroy_mark(&mark->fsn, group);
}

void fim_mark_del(struct fim_mark *mark)
{
	fim_mark_destroy(mark);
	fim_mark_put(mark);
}

void fim_mark_wait(void)
{
	/* A mark that an unmount holds comes to fsnotify's reaper later. */
	while (atomic_read(&marks_alive)) {
		fsnotify_wait_marks_destroyed();
		if (atomic_read(&marks_alive))
			msleep(1);
	}
	/* The reaper still uses the group after it freed the last one. */
	fsnotify_wait_marks_destroyed();
}

int fim_mark_init(void)
{
	group = fim_compat_alloc_group(&group_ops);
	if (IS_ERR(group)) {
		pr_err("not loaded: cannot get an fsnotify group: error %ld\n", PTR_ERR(group));
		return PTR_ERR(group);
	}
	return 0;
}

void fim_mark_exit(void)
{
	fsnotify_put_group(group);
}
