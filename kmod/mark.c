// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the fsnotify group, its marks, and the translation of what fsnotify
 * tells into what happened. Nothing else knows how events are subscribed to.
 *
 * The group has one superblock mark per watched filesystem, which delivers all
 * events, and one inode mark per watched directory, which delivers nothing and
 * pins the directory until unmount.
 *
 * Handlers run after the operation and inside it: under the locks of the VFS,
 * perhaps in reclaim, perhaps in an exiting process. They may not wait for
 * memory, and for nobody.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "compat.h"
#include "ecs_fim.h"

#define FS_MASK (FS_CREATE | FS_DELETE | FS_RENAME | FS_ATTRIB | FS_MODIFY | FS_CLOSE_WRITE)

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

/*
 * Emit a change of an inode that was reached through a dentry, if that or
 * another name of it is watched. The watched name is the one to tell.
 */
static bool find_watched_name(struct fim_change *change, struct dentry *dentry,
			      struct dentry **alias_ret)
{
	*alias_ret = NULL;
	/* A name that is gone tells less than one that is there. */
	if (!d_unhashed(dentry) || !fim_may_have_alias(dentry)) {
		if (fim_place_find(dentry, &change->place))
			return true;
	}
	if (fim_may_have_alias(dentry)) {
		*alias_ret = fim_place_find_alias(d_inode(dentry), &change->place);
		if (*alias_ret) {
			change->dentry = *alias_ret;
			change->flags |= FIM_EV_ALIAS;
			return true;
		}
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
	struct dentry *parent = parent_of(change->dentry);

	change->dir = parent ? d_inode(parent) : NULL;
	fim_event_emit(change);
	dput(parent);
}

/* The last close of a file that was open for writing. */
static void on_close_write(const struct fim_fs *fs, struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	struct fim_opener opener;
	struct dentry *alias;
	struct fim_change change = {
		.op = FIM_OP_WRITE,
		.fs = fs,
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
	if (!find_watched_name(&change, dentry, &alias)) {
		count_filtered();
	} else {
		if (!is_own_write(change.opener))
			emit_at_dentry(&change);
		fim_place_put(&change.place);
		dput(alias);
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

/* A name outside every watch for an inode that has one inside. */
static bool emit_link_outside(struct fim_change *change, const struct qstr *name)
{
	struct dentry *dir;

	if (change->inode->i_nlink < 2)
		return false;
	change->dentry = fim_place_find_alias(change->inode, &change->place);
	if (!change->dentry)
		return false;
	dir = d_find_any_alias(change->dir);
	change->flags |= FIM_EV_ALIAS;
	change->name = NULL;
	change->view_dentry = dir;
	change->view_name = name;
	emit_at_dentry(change);
	fim_place_put(&change->place);
	dput(dir);
	dput(change->dentry);
	return true;
}

/* @dentry is NULL for a link: there, fsnotify tells the inode. */
static void on_create(const struct fim_fs *fs, struct inode *dir, const struct qstr *name,
		      struct inode *inode, const struct dentry *dentry)
{
	struct fim_change change = {
		.op = dentry ? created_op(inode) : FIM_OP_LINK,
		.fs = fs,
		.inode = inode,
		.dir = dir,
	};

	if (emit_name(&change, name))
		return;
	if (!dentry && emit_link_outside(&change, name))
		return;
	count_filtered();
}

static void on_delete(const struct fim_fs *fs, struct inode *dir, const struct qstr *name,
		      struct inode *inode)
{
	bool is_dir = inode && S_ISDIR(inode->i_mode);
	struct fim_change change = {
		.op = is_dir ? FIM_OP_RMDIR : FIM_OP_DELETE,
		.fs = fs,
		.inode = inode,
		.dir = dir,
	};
	struct dentry *dentry;

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
static void on_rename(const struct fim_fs *fs, struct inode *old_dir, const struct qstr *old_name,
		      struct dentry *moved)
{
	struct dentry *parent = dget_parent(moved);
	struct dentry *old_parent = d_find_any_alias(old_dir);
	struct fim_change change = {
		.op = FIM_OP_RENAME,
		.fs = fs,
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
	if (now || before)
		fim_event_emit(&change);
	else
		count_filtered();
	if (d_is_dir(moved))
		fim_watch_moved(moved);
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

static void emit_change(struct fim_change *change, u32 mask)
{
	struct fim_intent intent;

	if (!fim_intent_take(change->inode, &intent)) {
		if (mask & FS_MODIFY)
			emit_op(change, FIM_OP_TRUNCATE, NULL);
		if (mask & FS_ATTRIB)
			emit_op(change, FIM_OP_ATTRIB, NULL);
	} else if (intent.op) {
		change->xattr = intent.name;
		emit_op(change, intent.op, &intent);
	} else {
		emit_setattr(change, &intent);
	}
}

/* Attributes, or the size by truncate(2) and its like. */
static void on_change(const struct fim_fs *fs, struct dentry *dentry, u32 mask)
{
	struct fim_change change = {
		.fs = fs,
		.inode = d_inode(dentry),
		.dentry = dentry,
		.view_dentry = dentry,
	};
	struct dentry *alias;

	if (!find_watched_name(&change, dentry, &alias)) {
		count_filtered();
		return;
	}
	emit_change(&change, mask);
	fim_place_put(&change.place);
	dput(alias);
}

static void on_path(const struct fim_fs *fs, const struct path *path, u32 mask)
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
	struct fsnotify_mark *mark = fsnotify_iter_sb_mark(iter);
	const struct path *path = fsnotify_data_path(data, data_type);
	struct dentry *dentry = fsnotify_data_dentry(data, data_type);
	struct inode *inode = fsnotify_data_inode(data, data_type);
	const struct fim_fs *fs;

	if (!mark)
		return 0;
	fs = container_of(mark, struct fim_fs, mark.fsn);
	if (path)
		on_path(fs, path, mask);
	else if (fim_is_reader())
		return 0;
	else if (mask & FS_CREATE)
		on_create(fs, dir, name, inode, dentry);
	else if (mask & FS_DELETE)
		on_delete(fs, dir, name, inode);
	else if (mask & FS_RENAME)
		on_rename(fs, dir, name, dentry);
	else if (mask & (FS_ATTRIB | FS_MODIFY) && dentry)
		on_change(fs, dentry, mask);
	/* What is left tells an inode's link count, after a name came or went. */
	return 0;
}

static void freeing_mark(struct fsnotify_mark *fsn, struct fsnotify_group *from)
{
	struct fim_mark *mark = container_of(fsn, struct fim_mark, fsn);

	if (mark->kind == FIM_MARK_FS)
		fim_fs_gone(container_of(mark, struct fim_fs, mark));
	else
		fim_root_gone(container_of(mark, struct fim_root, mark));
}

/* After a grace period of fsnotify's; lookups under RCU may still see it. */
static void free_mark(struct fsnotify_mark *fsn)
{
	struct fim_mark *mark = container_of(fsn, struct fim_mark, fsn);

	if (mark->kind == FIM_MARK_FS)
		kfree_rcu(container_of(mark, struct fim_fs, mark), rcu);
	else
		kfree_rcu(container_of(mark, struct fim_root, mark), rcu);
	atomic_dec(&marks_alive);
}

static const struct fsnotify_ops group_ops = {
	.handle_event = handle_event,
	.freeing_mark = freeing_mark,
	.free_mark = free_mark,
};

static void mark_init(struct fim_mark *mark, int kind, u32 mask)
{
	fsnotify_init_mark(&mark->fsn, group);
	mark->kind = kind;
	mark->fsn.mask = mask;
	atomic_inc(&marks_alive);
}

int fim_mark_add_fs(struct fim_fs *fs)
{
	int err;

	mark_init(&fs->mark, FIM_MARK_FS, FS_MASK);
	err = fim_compat_add_sb_mark(&fs->mark.fsn, fs->sb);
	fsnotify_put_mark(&fs->mark.fsn);
	return err;
}

int fim_mark_add_root(struct fim_root *root)
{
	int err;

	mark_init(&root->mark, FIM_MARK_ROOT, 0);
	err = fim_compat_add_inode_mark(&root->mark.fsn, root->inode);
	fsnotify_put_mark(&root->mark.fsn);
	return err;
}

void fim_mark_get(struct fim_mark *mark)
{
	refcount_inc(&mark->fsn.refcnt);
}

void fim_mark_del(struct fim_mark *mark)
{
	fsnotify_destroy_mark(&mark->fsn, group);
	fsnotify_put_mark(&mark->fsn);
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
