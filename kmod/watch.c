// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the table of watched directories ("roots") and of their filesystems,
 * and answers whether a dentry lies below one.
 *
 * LOCKING
 * add_del_mutex makes adding and deleting watches exclusive. table_lock protects
 * the tables themselves, because fsnotify takes roots and filesystems out of
 * them at any time (fim_root_gone(), fim_fs_gone()). Lookups are under RCU.
 *
 * LIFETIME
 * A root lives as long as its inode mark, and the mark pins the inode: not with
 * a bare reference, which would keep the filesystem busy at unmount. Whoever
 * takes a root out of the table (WATCH_DEL, unmount, rmdir, unload: exactly one
 * of them finds it there) drops the table's user reference. The last user,
 * perhaps an event under way, ends the watch; so its last record is the last.
 * Users hold no reference to the mark: they are inside an fsnotify callback,
 * and fsnotify frees a mark only after a grace period of those.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/magic.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/rcupdate.h>
#include <linux/statfs.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "ecs_fim.h"

static DEFINE_MUTEX(add_del_mutex);
static DEFINE_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(roots, 12);
static DEFINE_HASHTABLE(filesystems, 6);
static LIST_HEAD(unused);
static unsigned int roots_count;
static u32 last_id;

static struct fim_root *root_find(const struct inode *inode)
{
	struct fim_root *root;

	hash_for_each_possible_rcu(roots, root, node, (unsigned long)inode) {
		if (root->inode == inode)
			return root;
	}
	return NULL;
}

static struct fim_fs *fs_find(const struct super_block *sb)
{
	struct fim_fs *fs;

	hash_for_each_possible_rcu(filesystems, fs, node, (unsigned long)sb) {
		if (fs->sb == sb)
			return fs;
	}
	return NULL;
}

/* The watch has no user any more: nothing of it can follow. */
static void root_put(struct fim_root *root)
{
	if (!refcount_dec_and_test(&root->users))
		return;
	if (root->state == FIM_STATE_WATCH_GONE)
		fim_event_state(FIM_STATE_WATCH_GONE, root->id, 0, &root->actor);
	complete(&root->done);
}

static void free_fs(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct fim_fs, rcu));
}

void fim_fs_put(struct fim_fs *fs)
{
	if (refcount_dec_and_test(&fs->users))
		call_rcu(&fs->rcu, free_fs);
}

struct fim_fs *fim_fs_get(const struct super_block *sb)
{
	struct fim_fs *fs;

	rcu_read_lock();
	fs = fs_find(sb);
	if (fs && !refcount_inc_not_zero(&fs->users))
		fs = NULL;
	rcu_read_unlock();
	return fs;
}

struct fim_fs *fim_fs_get_robbed(void)
{
	struct fim_fs *fs, *found = NULL;
	int i;

	spin_lock(&table_lock);
	hash_for_each(filesystems, i, fs, node) {
		/* It is in the table: so are its roots, and its superblock is alive. */
		if (found || !READ_ONCE(fs->robbed) || !atomic_inc_not_zero(&fs->sb->s_active))
			continue;
		WRITE_ONCE(fs->robbed, false);
		refcount_inc(&fs->users);
		found = fs;
	}
	spin_unlock(&table_lock);
	return found;
}

/*
 * Take a root out of the table, for a reason. The caller holds table_lock and
 * inherits the table's user reference: root_put() it. With the last root its
 * filesystem goes from the table at once: another may have its address soon.
 */
static void root_unhash(struct fim_root *root, u32 state)
{
	hash_del_rcu(&root->node);
	root->state = state;
	roots_count--;
	if (!--root->fs->roots) {
		hash_del_rcu(&root->fs->node);
		list_add(&root->fs->unused, &unused);
	}
}

/* The next filesystem without a watch, with the table's reference. */
static struct fim_fs *pop_unused(void)
{
	struct fim_fs *fs;

	spin_lock(&table_lock);
	fs = list_first_entry_or_null(&unused, struct fim_fs, unused);
	if (fs)
		list_del_init(&fs->unused);
	spin_unlock(&table_lock);
	return fs;
}

/* An unused filesystem still costs everybody on it: stop hearing about it. */
static void sweep_filesystems(void)
{
	struct fim_fs *fs;

	while ((fs = pop_unused())) {
		fim_tree_end(fs);
		fim_opener_forget(fs->sb);
		fim_fs_put(fs);
	}
}

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

/*
 * For watches that end by themselves: there, marks cannot be destroyed. Who adds a
 * watch may walk for minutes, and a worker that sleeps so long is a hung task.
 */
static void sweep(struct work_struct *work)
{
	if (!mutex_trylock(&add_del_mutex)) {
		schedule_delayed_work(&sweep_work, HZ);
		return;
	}
	sweep_filesystems();
	mutex_unlock(&add_del_mutex);
}

void fim_root_gone(struct fim_root *root)
{
	bool found;

	spin_lock(&table_lock);
	found = hash_hashed(&root->node);
	if (found)
		root_unhash(root, FIM_STATE_WATCH_GONE);
	spin_unlock(&table_lock);
	if (!found)
		return;
	/* A directory that is in nobody's use goes before its rmdir is told. */
	if (!root->inode->i_nlink)
		fim_actor_now(&root->actor);
	root_put(root);
	mod_delayed_work(system_wq, &sweep_work, 0);
}

void fim_root_free(struct fim_root *root)
{
	fim_fs_put(root->fs);
	kfree_rcu(root, rcu);
}

bool fim_fs_is_walked(const struct fim_fs *fs, u64 stale)
{
	struct fim_root *root;
	bool walked = true;
	int i;

	rcu_read_lock();
	hash_for_each_rcu(roots, i, root, node)
		walked &= root->fs != fs || root->walked == stale + 1;
	rcu_read_unlock();
	return walked;
}

/* No inode stays for a name there, or its events say nothing about files. */
static bool is_supported(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
		return false;
	}
	return !(sb->s_flags & SB_NOUSER);
}

/* The filesystem of a watch to come, with a reference; not in the table if new. */
static struct fim_fs *fs_new(struct super_block *sb, const struct fim_volume *volume)
{
	struct fim_fs *fs = fim_fs_get(sb);

	if (fs)
		return fs;
	fs = kzalloc(sizeof(*fs), GFP_KERNEL_ACCOUNT);
	if (!fs)
		return NULL;
	fs->sb = sb;
	fs->volume = *volume;
	if (sb->s_bdev) {
		fs->dev = sb->s_bdev->bd_dev;
		fs->disk = MKDEV(sb->s_bdev->bd_disk->major, sb->s_bdev->bd_disk->first_minor);
	}
	INIT_LIST_HEAD(&fs->nodes);
	INIT_LIST_HEAD(&fs->unused);
	refcount_set(&fs->users, 1);
	return fs;
}

/*
 * False: a filesystem lost its last watch meanwhile, perhaps this one, and its
 * marks are about to go.
 */
static bool root_insert(struct fim_root *root)
{
	struct fim_fs *fs = root->fs;
	bool usable;

	spin_lock(&table_lock);
	usable = list_empty(&unused) && (fs->roots || !fs_find(fs->sb));
	if (usable) {
		if (!fs->roots++) {
			refcount_inc(&fs->users);
			hash_add_rcu(filesystems, &fs->node, (unsigned long)fs->sb);
		}
		roots_count++;
		hash_add_rcu(roots, &root->node, (unsigned long)root->inode);
	}
	spin_unlock(&table_lock);
	return usable;
}

static struct fim_root *root_new(struct inode *inode, struct fim_fs *fs,
				 const struct fim_volume *volume)
{
	struct fim_root *root = kzalloc(sizeof(*root), GFP_KERNEL_ACCOUNT);

	if (!root)
		return NULL;
	refcount_inc(&fs->users);
	root->inode = inode;
	root->fs = fs;
	root->volume = *volume;
	root->id = last_id + 1;
	refcount_set(&root->users, 1);
	init_completion(&root->done);
	return root;
}

/* Its first record comes before the table knows it: its events come after that. */
static int root_begin(struct fim_root *root, const struct fim_actor *actor)
{
	int err;

	/* It may be in another watch, or above one. */
	fim_tree_del(root->inode);
	fim_mark_setup(&root->mark, FIM_MARK_ROOT);
	err = fim_mark_attach(&root->mark, root->inode);
	if (err)
		goto out;
	last_id = root->id;
	fim_event_state(FIM_STATE_WATCH_ADDED, root->id, 0, actor);
	if (!root_insert(root)) {
		err = -EAGAIN;
		fim_event_state(FIM_STATE_WATCH_REMOVED, root->id, EAGAIN, actor);
		fim_mark_destroy(&root->mark);
	}
out:
	fim_mark_put(&root->mark);
	return err;
}

/*
 * The whole filesystem is heard before the watch begins, until every directory
 * of it has a mark: nothing falls between.
 */
static int root_add(const struct path *path, const struct fim_volume *volume,
		    const struct fim_actor *actor, u32 *id_ret)
{
	struct inode *inode = d_inode(path->dentry);
	struct fim_fs *fs = fs_new(inode->i_sb, volume);
	struct fim_root *root = NULL;
	int err;

	if (!fs)
		return -ENOMEM;
	err = fim_tree_widen(fs, false);
	if (err)
		goto out;
	root = root_new(inode, fs, volume);
	err = root ? root_begin(root, actor) : -ENOMEM;
	if (err) {
		/* One that is new has no watch that would take its marks along. */
		if (!fs->roots)
			fim_tree_end(fs);
		goto out;
	}
	*id_ret = root->id;
	fim_tree_walk(root, path);
out:
	fim_fs_put(fs);
	return err;
}

/* Is it watched already? Then look for what has no mark yet. */
static bool walk_again(const struct path *path, u32 *id_ret)
{
	struct fim_place place = {};

	if (!fim_place_find_root(d_inode(path->dentry), &place))
		return false;
	*id_ret = place.root->id;
	if (!fim_fs_is_walked(place.root->fs, READ_ONCE(place.root->fs->stale)))
		fim_tree_walk(place.root, path);
	fim_place_put(&place);
	return true;
}

static int volume_of(const struct path *path, struct fim_volume *volume_ret)
{
	struct kstatfs statfs;
	struct kstat stat;
	int err = vfs_statfs(path, &statfs);

	err = err ?: vfs_getattr_nosec(path, &stat, STATX_INO, AT_STATX_DONT_SYNC);
	if (err)
		return err;
	volume_ret->fsid = statfs.f_fsid;
	volume_ret->dev = stat.dev;
	return 0;
}

static int add_locked(const struct path *path, const struct fim_actor *actor,
		      struct fim_watch *watch)
{
	struct fim_volume volume;
	int err;

	if (walk_again(path, &watch->watch_id))
		return -EEXIST;
	if (fim_watch_count() >= FIM_WATCHES_MAX)
		return -ENOSPC;
	err = volume_of(path, &volume);
	if (err)
		return err;
	err = root_add(path, &volume, actor, &watch->watch_id);
	if (!err)
		fim_object_fill(&watch->root, d_inode(path->dentry), &volume);
	return err;
}

int fim_watch_add_path(const struct path *path, const struct fim_actor *actor,
		       struct fim_watch *watch)
{
	struct inode *inode = d_inode(path->dentry);
	int err;

	if (!S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (!is_supported(inode->i_sb))
		return -EOPNOTSUPP;
	if (IS_DEADDIR(inode))
		return -ENOENT;
	mutex_lock(&add_del_mutex);
	do {
		sweep_filesystems();
		err = add_locked(path, actor, watch);
	} while (err == -EAGAIN);
	mutex_unlock(&add_del_mutex);
	return err;
}

int fim_watch_add(struct fim_watch *watch)
{
	struct fim_actor actor;
	struct file *file;
	int err;

	/* The file keeps the filesystem mounted and the directory alive. */
	file = fget_raw(watch->fd);
	if (!file)
		return -EBADF;
	fim_actor_now(&actor);
	err = fim_watch_add_path(&file->f_path, &actor, watch);
	fput(file);
	return err;
}

/*
 * A root out of the table and with a reference to its mark: the one with this
 * id, or with id 0 any.
 */
static struct fim_root *root_unhash_id(u32 id)
{
	struct fim_root *root;
	int i;

	spin_lock(&table_lock);
	hash_for_each(roots, i, root, node) {
		if (id && root->id != id)
			continue;
		fim_mark_get(&root->mark);
		/* It is in the table: so are its inode and superblock alive. */
		root->active = atomic_inc_not_zero(&root->inode->i_sb->s_active);
		root_unhash(root, FIM_STATE_WATCH_REMOVED);
		spin_unlock(&table_lock);
		return root;
	}
	spin_unlock(&table_lock);
	return NULL;
}

/* Returns when no event of this watch is under way any more. */
static void root_end(struct fim_root *root)
{
	root_put(root);
	wait_for_completion(&root->done);
}

/* A root whose last record is queued already is none. Called under RCU. */
static bool place_set(struct fim_place *place, struct fim_root *root, u32 depth)
{
	if (!root || !refcount_inc_not_zero(&root->users))
		return false;
	place->root = root;
	place->depth = depth;
	return true;
}

/* The watch of a filesystem with the next higher id. */
static bool place_next(const struct fim_fs *fs, u32 after, struct fim_place *place_ret)
{
	struct fim_root *root, *next = NULL;
	bool found;
	int i;

	rcu_read_lock();
	hash_for_each_rcu(roots, i, root, node)
	{
		if (root->fs == fs && root->id > after && (!next || root->id < next->id))
			next = root;
	}
	found = place_set(place_ret, next, 0);
	rcu_read_unlock();
	return found;
}

/* What lay in the watch that ended may lie above one that stays. */
static void mark_above(struct fim_fs *fs)
{
	struct fim_place place = {};
	struct dentry *dentry;
	u32 id = 0;

	while (place_next(fs, id, &place)) {
		id = place.root->id;
		dentry = d_find_any_alias(place.root->inode);
		if (dentry)
			fim_tree_above(fs, dentry);
		dput(dentry);
		fim_place_put(&place);
	}
}

/*
 * The watch around one that ends has its directories from now on. Without a
 * reference to the superblock nothing of it may be looked at: it is being
 * unmounted, and all of it goes.
 */
static void root_leave(struct fim_root *root)
{
	struct dentry *dentry = root->active ? d_find_any_alias(root->inode) : NULL;
	struct fim_place outer = {};
	struct fim_fs *fs = root->fs;

	if (dentry)
		fim_place_find(dentry, &outer);
	if (outer.root)
		fim_tree_widen(fs, false);
	fim_tree_del_watch(fs, root->id, outer.root ? outer.root->id : 0);
	fim_mark_del(&root->mark);
	if (outer.root)
		fim_tree_add(fs, d_inode(dentry), &outer, NULL);
	else if (dentry)
		mark_above(fs);
	fim_tree_narrow(fs);
	fim_place_put(&outer);
	dput(dentry);
}

int fim_watch_del(u32 id)
{
	struct super_block *sb = NULL;
	struct fim_actor actor;
	struct fim_root *root;
	struct fim_fs *fs;

	if (!id)
		return -ENOENT;
	mutex_lock(&add_del_mutex);
	root = root_unhash_id(id);
	if (root) {
		fs = root->fs;
		refcount_inc(&fs->users);
		sb = root->active ? fs->sb : NULL;
		root_end(root);
		fim_actor_now(&actor);
		fim_event_state(FIM_STATE_WATCH_REMOVED, id, 0, &actor);
		root_leave(root);
		sweep_filesystems();
		fim_fs_put(fs);
	}
	mutex_unlock(&add_del_mutex);
	if (sb)
		deactivate_super(sb);
	return root ? 0 : -ENOENT;
}

unsigned int fim_watch_count(void)
{
	return READ_ONCE(roots_count);
}

/* Called under RCU. */
static struct fim_root *walk_up(struct dentry *dentry, u32 *depth_ret)
{
	struct fim_root *root;
	u32 depth;

	for (depth = 0;; depth++) {
		struct inode *inode = d_inode_rcu(dentry);
		struct dentry *parent = READ_ONCE(dentry->d_parent);

		root = inode ? root_find(inode) : NULL;
		if (root || parent == dentry)
			break;
		dentry = parent;
	}
	*depth_ret = depth;
	return root;
}

/*
 * A rename during the walk may lead it astray: then once more, without any.
 * Called under RCU.
 */
static struct fim_root *walk_up_stable(struct dentry *dentry, u32 *depth_ret)
{
	unsigned int seq = read_seqbegin(&rename_lock);
	struct fim_root *root = walk_up(dentry, depth_ret);

	if (!read_seqretry(&rename_lock, seq))
		return root;
	read_seqlock_excl(&rename_lock);
	root = walk_up(dentry, depth_ret);
	read_sequnlock_excl(&rename_lock);
	return root;
}

/*
 * The first name of an inode that is in a watch, under RCU and i_lock, so that
 * the alias stays in the list. A name that is gone is none.
 */
static struct dentry *walk_aliases(struct inode *inode, struct fim_root **root_ret, u32 *depth_ret)
{
	struct dentry *alias;

	hlist_for_each_entry(alias, &inode->i_dentry, fim_d_alias) {
		if (d_unhashed(alias))
			continue;
		*root_ret = walk_up(alias, depth_ret);
		if (*root_ret)
			return alias;
	}
	*root_ret = NULL;
	return NULL;
}

/*
 * Called under RCU. Return: with a reference if the caller asked for one. The
 * reference is taken only when it is kept: dropping one may sleep.
 */
static struct dentry *find_alias(struct inode *inode, bool get, struct fim_root **root_ret,
				 u32 *depth_ret)
{
	unsigned int seq = read_seqbegin(&rename_lock);
	struct dentry *alias;
	bool stable;

	spin_lock(&inode->i_lock);
	alias = walk_aliases(inode, root_ret, depth_ret);
	stable = !read_seqretry(&rename_lock, seq);
	if (stable && alias && get)
		dget(alias);
	spin_unlock(&inode->i_lock);
	if (stable)
		return alias;
	read_seqlock_excl(&rename_lock);
	spin_lock(&inode->i_lock);
	alias = walk_aliases(inode, root_ret, depth_ret);
	if (alias && get)
		dget(alias);
	spin_unlock(&inode->i_lock);
	read_sequnlock_excl(&rename_lock);
	return alias;
}

bool fim_place_find(struct dentry *dentry, struct fim_place *place_ret)
{
	struct fim_root *root;
	bool found;
	u32 depth;

	rcu_read_lock();
	root = walk_up_stable(dentry, &depth);
	found = place_set(place_ret, root, depth);
	rcu_read_unlock();
	return found;
}

bool fim_place_find_id(u32 id, struct fim_place *place_ret)
{
	struct fim_root *root;
	bool found = false;
	int i;

	rcu_read_lock();
	hash_for_each_rcu(roots, i, root, node)
		found |= root->id == id && place_set(place_ret, root, 0);
	rcu_read_unlock();
	return found;
}

bool fim_place_find_root(struct inode *inode, struct fim_place *place_ret)
{
	bool found;

	rcu_read_lock();
	found = place_set(place_ret, root_find(inode), 0);
	rcu_read_unlock();
	return found;
}

struct dentry *fim_place_find_alias(struct inode *inode, struct fim_place *place_ret)
{
	struct dentry *alias;
	struct fim_root *root;
	bool found;
	u32 depth;

	rcu_read_lock();
	alias = find_alias(inode, true, &root, &depth);
	found = alias && place_set(place_ret, root, depth);
	rcu_read_unlock();
	if (found)
		return alias;
	dput(alias);
	return NULL;
}

void fim_place_put(struct fim_place *place)
{
	if (place->root)
		root_put(place->root);
}

bool fim_is_watched(struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct fim_root *root = NULL;
	bool known = false;
	u32 depth;

	if (!fim_tree_hears(dentry))
		return false;
	rcu_read_lock();
	if (fs_find(dentry->d_sb)) {
		root = walk_up_stable(dentry, &depth);
		if (!root && fim_may_have_alias(dentry)) {
			find_alias(inode, false, &root, &depth);
			known = !root && fim_tree_knows(inode);
		}
	}
	rcu_read_unlock();
	return root || known;
}

bool fim_is_watched_inode(struct inode *inode)
{
	struct fim_root *root = NULL;
	bool known = false;
	u32 depth;

	rcu_read_lock();
	if (fs_find(inode->i_sb)) {
		root = root_find(inode);
		if (!root)
			find_alias(inode, false, &root, &depth);
		known = !root && fim_tree_knows(inode);
	}
	rcu_read_unlock();
	return root || known;
}

bool fim_watch_has_device(dev_t dev)
{
	struct fim_fs *fs;
	bool found = false;
	int i;

	rcu_read_lock();
	hash_for_each_rcu(filesystems, i, fs, node)
		found |= fs->dev && (fs->dev == dev || fs->disk == dev);
	rcu_read_unlock();
	return found;
}

/* Called under RCU. */
static bool is_below(const struct fim_root *root, struct dentry *dir)
{
	struct inode *inode = root->inode;
	struct dentry *alias, *first = NULL;

	spin_lock(&inode->i_lock);
	hlist_for_each_entry(alias, &inode->i_dentry, fim_d_alias) {
		first = alias;
		break;
	}
	spin_unlock(&inode->i_lock);
	return first && is_subdir(first, dir);
}

bool fim_watch_is_above(struct dentry *dentry)
{
	struct fim_root *root;
	bool found = false;
	int i;

	if (!d_is_dir(dentry))
		return false;
	rcu_read_lock();
	if (fs_find(dentry->d_sb)) {
		hash_for_each_rcu(roots, i, root, node)
			found |= root->inode->i_sb == dentry->d_sb &&
				 root->inode != d_inode(dentry) && is_below(root, dentry);
	}
	rcu_read_unlock();
	return found;
}

static bool concerns(const struct fim_change *change, struct fim_root *root, struct dentry *dentry)
{
	dev_t dev = change->inode->i_rdev;

	if (change->op == FIM_OP_DEVICE)
		return root->fs->dev && (root->fs->dev == dev || root->fs->disk == dev);
	return root->inode->i_sb == dentry->d_sb && is_below(root, dentry);
}

void fim_watch_emit_below(struct fim_change *change, struct dentry *dentry)
{
	struct fim_root *root;
	int i;

	change->flags |= FIM_EV_ABOVE;
	change->dentry = dentry;
	rcu_read_lock();
	hash_for_each_rcu(roots, i, root, node)
	{
		if (!concerns(change, root, dentry) || !place_set(&change->place, root, 0))
			continue;
		fim_event_emit(change);
		root_put(root);
		/* Whatever lies on it may be changed: once is enough. */
		if (change->op == FIM_OP_DEVICE)
			break;
	}
	rcu_read_unlock();
	change->place.root = NULL;
}

bool fim_watch_moved(struct dentry *moved)
{
	struct fim_actor actor;
	struct fim_root *root;
	bool took = false;
	int i;

	fim_actor_now(&actor);
	rcu_read_lock();
	hash_for_each_rcu(roots, i, root, node)
	{
		if (root->inode->i_sb != moved->d_sb || !is_below(root, moved))
			continue;
		if (!refcount_inc_not_zero(&root->users))
			continue;
		fim_event_state(FIM_STATE_WATCH_MOVED, root->id, 0, &actor);
		root_put(root);
		took = true;
	}
	rcu_read_unlock();
	return took;
}

void fim_watch_exit(void)
{
	struct fim_root *root;

	mutex_lock(&add_del_mutex);
	while ((root = root_unhash_id(0))) {
		struct super_block *sb = root->active ? root->fs->sb : NULL;

		root_end(root);
		fim_mark_del(&root->mark);
		if (sb)
			deactivate_super(sb);
	}
	sweep_filesystems();
	mutex_unlock(&add_del_mutex);
	/* Unmounts under way may still be about to tell us, or have told sweep. */
	fim_mark_wait();
	cancel_delayed_work_sync(&sweep_work);
	sweep_filesystems();
	/* for free_fs() */
	rcu_barrier();
}
