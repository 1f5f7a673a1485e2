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

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/magic.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "ecs_fim.h"

static DEFINE_MUTEX(add_del_mutex);
static DEFINE_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(roots, 12);
static DEFINE_HASHTABLE(filesystems, 6);
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

/*
 * Take a root out of the table, for a reason. The caller holds table_lock and
 * inherits the table's user reference: root_put() it.
 */
static void root_unhash(struct fim_root *root, u32 state)
{
	hash_del_rcu(&root->node);
	root->state = state;
	root->fs->roots--;
	roots_count--;
}

/* The next filesystem without a watch, out of the table and with a reference. */
static struct fim_fs *fs_unhash_unused(void)
{
	struct fim_fs *fs;
	int i;

	spin_lock(&table_lock);
	hash_for_each(filesystems, i, fs, node) {
		if (fs->roots)
			continue;
		hash_del_rcu(&fs->node);
		fim_mark_get(&fs->mark);
		spin_unlock(&table_lock);
		return fs;
	}
	spin_unlock(&table_lock);
	return NULL;
}

/* An unused filesystem still costs everybody on it: stop hearing about it. */
static void sweep_filesystems(void)
{
	struct fim_fs *fs;

	while ((fs = fs_unhash_unused()))
		fim_mark_del(&fs->mark);
}

/* For watches that end by themselves: there, marks cannot be destroyed. */
static void sweep(struct work_struct *work)
{
	mutex_lock(&add_del_mutex);
	sweep_filesystems();
	mutex_unlock(&add_del_mutex);
}

static DECLARE_WORK(sweep_work, sweep);

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
	schedule_work(&sweep_work);
}

void fim_fs_gone(struct fim_fs *fs)
{
	spin_lock(&table_lock);
	if (hash_hashed(&fs->node))
		hash_del_rcu(&fs->node);
	spin_unlock(&table_lock);
	fim_opener_forget(fs->sb);
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

/* The filesystem of a watch to come; an unused one is swept by the caller. */
static struct fim_fs *fs_get(struct super_block *sb, __kernel_fsid_t fsid)
{
	struct fim_fs *fs;
	int err;

	rcu_read_lock();
	fs = fs_find(sb);
	rcu_read_unlock();
	if (fs)
		return fs;
	fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	if (!fs)
		return ERR_PTR(-ENOMEM);
	fs->sb = sb;
	fs->fsid = fsid;
	err = fim_mark_add_fs(fs);
	if (err)
		return ERR_PTR(err);
	spin_lock(&table_lock);
	hash_add_rcu(filesystems, &fs->node, (unsigned long)sb);
	spin_unlock(&table_lock);
	return fs;
}

static int root_add(struct inode *inode, __kernel_fsid_t fsid, u32 *id_ret)
{
	struct fim_actor actor;
	struct fim_root *root;
	struct fim_fs *fs;
	int err;

	fs = fs_get(inode->i_sb, fsid);
	if (IS_ERR(fs))
		return PTR_ERR(fs);
	root = kzalloc(sizeof(*root), GFP_KERNEL);
	if (!root)
		return -ENOMEM;
	root->inode = inode;
	root->fs = fs;
	root->fsid = fsid;
	root->id = last_id + 1;
	refcount_set(&root->users, 1);
	init_completion(&root->done);
	err = fim_mark_add_root(root);
	if (err)
		return err;
	last_id = root->id;
	*id_ret = root->id;
	/* Before the table knows it: its events come after this record. */
	fim_actor_now(&actor);
	fim_event_state(FIM_STATE_WATCH_ADDED, root->id, 0, &actor);
	spin_lock(&table_lock);
	fs->roots++;
	roots_count++;
	hash_add_rcu(roots, &root->node, (unsigned long)inode);
	spin_unlock(&table_lock);
	return 0;
}

static int add_locked(const struct path *path, struct fim_watch *watch)
{
	struct inode *inode = d_inode(path->dentry);
	struct fim_root *root;
	struct kstatfs statfs;
	int err;

	rcu_read_lock();
	root = root_find(inode);
	if (root)
		watch->watch_id = root->id;
	rcu_read_unlock();
	if (root)
		return -EEXIST;
	if (fim_watch_count() >= FIM_WATCHES_MAX)
		return -ENOSPC;
	err = vfs_statfs(path, &statfs);
	if (err)
		return err;
	err = root_add(inode, statfs.f_fsid, &watch->watch_id);
	if (err)
		sweep_filesystems();
	else
		fim_object_fill(&watch->root, inode, statfs.f_fsid);
	return err;
}

int fim_watch_add(struct fim_watch *watch)
{
	struct inode *inode;
	struct file *file;
	int err;

	/* The file keeps the filesystem mounted and the directory alive. */
	file = fget_raw(watch->fd);
	if (!file)
		return -EBADF;
	inode = file_inode(file);
	if (!S_ISDIR(inode->i_mode)) {
		err = -ENOTDIR;
	} else if (!is_supported(inode->i_sb)) {
		err = -EOPNOTSUPP;
	} else if (IS_DEADDIR(inode)) {
		err = -ENOENT;
	} else {
		mutex_lock(&add_del_mutex);
		err = add_locked(&file->f_path, watch);
		mutex_unlock(&add_del_mutex);
	}
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

int fim_watch_del(u32 id)
{
	struct fim_actor actor;
	struct fim_root *root;

	if (!id)
		return -ENOENT;
	mutex_lock(&add_del_mutex);
	root = root_unhash_id(id);
	if (root) {
		root_end(root);
		fim_actor_now(&actor);
		fim_event_state(FIM_STATE_WATCH_REMOVED, id, 0, &actor);
		fim_mark_del(&root->mark);
		sweep_filesystems();
	}
	mutex_unlock(&add_del_mutex);
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

/* A root whose last record is queued already is none. Called under RCU. */
static bool place_set(struct fim_place *place, struct fim_root *root, u32 depth)
{
	if (!root || !refcount_inc_not_zero(&root->users))
		return false;
	place->root = root;
	place->depth = depth;
	return true;
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
	u32 depth;

	rcu_read_lock();
	if (fs_find(dentry->d_sb)) {
		root = walk_up_stable(dentry, &depth);
		if (!root && fim_may_have_alias(dentry))
			find_alias(inode, false, &root, &depth);
	}
	rcu_read_unlock();
	return root;
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

void fim_watch_moved(struct dentry *moved)
{
	struct fim_actor actor;
	struct fim_root *root;
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
	}
	rcu_read_unlock();
}

void fim_watch_exit(void)
{
	struct fim_root *root;

	mutex_lock(&add_del_mutex);
	while ((root = root_unhash_id(0))) {
		root_end(root);
		fim_mark_del(&root->mark);
	}
	sweep_filesystems();
	mutex_unlock(&add_del_mutex);
	/* Unmounts under way may still be about to tell us, or have told sweep. */
	fim_mark_wait();
	cancel_work_sync(&sweep_work);
}
