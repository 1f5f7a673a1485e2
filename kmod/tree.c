// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the marks below and above the watched directories, and decides how much
 * of a filesystem is heard.
 *
 * A mark on the superblock ("wide") hears everything, and taxes everybody on
 * the filesystem. Marks on exactly the directories of the watches hear the same
 * of them and cost the others next to nothing. So a filesystem is wide only as
 * long as there may be a directory in a watch that has no mark: until it was
 * walked, and again when a directory comes in from elsewhere (its children are
 * not known), until the next walk. A directory that is made in a watch gets its
 * mark before mkdir(2) returns. Correctness never waits for a walk; cost does.
 *
 * Every inode has at most one mark of ours (root or node), with all events, so
 * that nothing is told twice and no mask has to change.
 *
 * nodes_lock protects the table, the lists and fs->wide and fs->stale. A node or
 * wide mark is found there before fsnotify knows it; whoever takes it out
 * destroys it; whoever added it looks afterwards whether it was taken out.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "ecs_fim.h"

/* A directory's inode stays in memory with its mark: about 1.5 KiB. */
#define NODES_MAX 65536

/* Strangers that come in during a walk make another necessary. */
#define WALKS_MAX 3

#define NAMES_SIZE 32768

/*
 * Nothing is charged to the cgroup of whoever makes a directory: with its limit
 * reached it would keep us from marking what it makes.
 */

static DEFINE_SPINLOCK(nodes_lock);
static DEFINE_HASHTABLE(nodes, 12);
static unsigned int nodes_count;
static unsigned int wide_count;

static struct fim_node *node_find(const struct inode *inode)
{
	struct fim_node *node;

	hash_for_each_possible_rcu(nodes, node, node, (unsigned long)inode) {
		if (node->inode == inode)
			return node;
	}
	return NULL;
}

static void node_unhash(struct fim_node *node)
{
	hash_del_rcu(&node->node);
	list_del_init(&node->of_fs);
	nodes_count--;
}

static void robbed(struct fim_fs *fs)
{
	WRITE_ONCE(fs->robbed, true);
	fim_check_now();
}

/*
 * We take a mark out of the table before we destroy it; a directory that is removed, or
 * unmounted, takes its own along. Everybody else has no business with it.
 */
void fim_node_gone(struct fim_node *node)
{
	bool found;

	spin_lock(&nodes_lock);
	found = hash_hashed(&node->node);
	if (found)
		node_unhash(node);
	spin_unlock(&nodes_lock);
	if (found && node->inode->i_nlink && node->inode->i_sb->s_flags & SB_ACTIVE)
		robbed(node->fs);
}

void fim_node_free(struct fim_node *node)
{
	fim_fs_put(node->fs);
	kfree(node->name);
	kfree_rcu(node, rcu);
}

void fim_wide_gone(struct fim_wide *wide)
{
	struct fim_fs *fs = wide->fs;
	bool found;

	spin_lock(&nodes_lock);
	found = fs->wide == wide;
	if (found) {
		fs->wide = NULL;
		wide_count--;
	}
	spin_unlock(&nodes_lock);
	if (found && fs->sb->s_flags & SB_ACTIVE)
		robbed(fs);
}

void fim_wide_free(struct fim_wide *wide)
{
	fim_fs_put(wide->fs);
	kfree_rcu(wide, rcu);
}

int fim_tree_widen(struct fim_fs *fs, bool stale)
{
	struct fim_wide *wide;
	bool is_wide, ended;
	int err;

	spin_lock(&nodes_lock);
	fs->stale += stale;
	is_wide = fs->wide;
	spin_unlock(&nodes_lock);
	if (is_wide)
		return 0;
	wide = kzalloc(sizeof(*wide), GFP_KERNEL);
	if (!wide)
		return -ENOMEM;
	refcount_inc(&fs->users);
	wide->fs = fs;
	fim_mark_setup(&wide->mark, FIM_MARK_WIDE);
	err = fim_mark_attach(&wide->mark, fs->sb);
	if (!err) {
		spin_lock(&nodes_lock);
		ended = fs->ended;
		if (!ended) {
			fs->wide = wide;
			wide_count++;
		}
		spin_unlock(&nodes_lock);
		if (ended)
			fim_mark_destroy(&wide->mark);
	}
	fim_mark_put(&wide->mark);
	/* Somebody else was faster: it is heard. */
	return err == -EEXIST ? 0 : err;
}

/* Under nodes_lock: take the wide mark out, with a reference. */
static struct fim_wide *wide_take(struct fim_fs *fs)
{
	struct fim_wide *wide = fs->wide;

	if (wide) {
		fim_mark_get(&wide->mark);
		fs->wide = NULL;
		wide_count--;
	}
	return wide;
}

void fim_tree_narrow(struct fim_fs *fs)
{
	struct fim_wide *wide = NULL;

	spin_lock(&nodes_lock);
	if (fim_fs_is_walked(fs, fs->stale))
		wide = wide_take(fs);
	spin_unlock(&nodes_lock);
	if (wide)
		fim_mark_del(&wide->mark);
}

/* Return: 0, -EEXIST, or another -errno. The innermost watch has it. */
static int node_insert(struct fim_node *node)
{
	struct fim_node *other;
	int err = 0;

	spin_lock(&nodes_lock);
	other = node_find(node->inode);
	if (node->fs->ended) {
		err = -ENOENT;
	} else if (other) {
		other->root_id = node->root_id ?: other->root_id;
		err = -EEXIST;
	} else if (nodes_count >= NODES_MAX) {
		err = -ENOSPC;
	} else {
		hash_add_rcu(nodes, &node->node, (unsigned long)node->inode);
		list_add(&node->of_fs, &node->fs->nodes);
		nodes_count++;
	}
	spin_unlock(&nodes_lock);
	return err;
}

/* fsnotify knows it, or not: is it in the table accordingly? */
static void node_settle(struct fim_node *node, int err)
{
	bool hashed;

	spin_lock(&nodes_lock);
	hashed = hash_hashed(&node->node);
	if (hashed && err)
		node_unhash(node);
	spin_unlock(&nodes_lock);
	if (!hashed && !err)
		fim_mark_destroy(&node->mark);
}

int fim_tree_add(struct fim_fs *fs, struct inode *inode, const struct fim_place *place,
		 const char *name)
{
	struct fim_node *node = kzalloc(sizeof(*node), GFP_KERNEL);
	int err;

	if (!node)
		return -ENOMEM;
	refcount_inc(&fs->users);
	node->inode = inode;
	node->fs = fs;
	INIT_LIST_HEAD(&node->of_fs);
	node->root_id = place ? place->root->id : 0;
	node->depth = place ? place->depth : 0;
	node->name = name ? kstrdup(name, GFP_KERNEL) : NULL;
	fim_mark_setup(&node->mark, FIM_MARK_NODE);
	err = node_insert(node);
	if (!err) {
		err = fim_mark_attach(&node->mark, inode);
		node_settle(node, err);
	} else if (err == -EEXIST && name) {
		fim_tree_rename(inode, place, name);
	}
	fim_mark_put(&node->mark);
	/* It had one, or is a root. */
	return err == -EEXIST ? 0 : err;
}

/* Under nodes_lock: out of the table, with a reference, to be destroyed. */
static void node_take(struct fim_node *node, struct list_head *taken)
{
	node_unhash(node);
	fim_mark_get(&node->mark);
	list_add(&node->of_fs, taken);
}

static void nodes_destroy(struct list_head *taken)
{
	struct fim_node *node, *next;

	list_for_each_entry_safe(node, next, taken, of_fs) {
		list_del_init(&node->of_fs);
		fim_mark_del(&node->mark);
	}
}

void fim_tree_del(struct inode *inode)
{
	struct fim_node *node;
	LIST_HEAD(taken);

	spin_lock(&nodes_lock);
	node = node_find(inode);
	if (node)
		node_take(node, &taken);
	spin_unlock(&nodes_lock);
	nodes_destroy(&taken);
}

void fim_tree_del_watch(struct fim_fs *fs, u32 id, u32 outer)
{
	struct fim_node *node, *next;
	LIST_HEAD(taken);

	spin_lock(&nodes_lock);
	list_for_each_entry_safe(node, next, &fs->nodes, of_fs) {
		if (node->root_id != id)
			continue;
		if (outer)
			node->root_id = outer;
		else
			node_take(node, &taken);
	}
	spin_unlock(&nodes_lock);
	nodes_destroy(&taken);
}

void fim_tree_end(struct fim_fs *fs)
{
	struct fim_node *node, *next;
	struct fim_wide *wide;
	LIST_HEAD(taken);

	spin_lock(&nodes_lock);
	fs->ended = true;
	wide = wide_take(fs);
	list_for_each_entry_safe(node, next, &fs->nodes, of_fs)
		node_take(node, &taken);
	spin_unlock(&nodes_lock);
	nodes_destroy(&taken);
	if (wide)
		fim_mark_del(&wide->mark);
}

/*
 * fsnotify keeps the flag of a directory's entries for itself, in every dentry that
 * comes to be there: it is what spares it from asking every parent.
 */
bool fim_tree_hears(const struct dentry *dentry)
{
	return READ_ONCE(dentry->d_flags) & DCACHE_FSNOTIFY_PARENT_WATCHED ||
	       READ_ONCE(d_inode(dentry)->i_fsnotify_mask) || READ_ONCE(wide_count) ||
	       fim_may_have_alias(dentry);
}

bool fim_tree_knows(const struct inode *inode)
{
	const struct fim_node *node = node_find(inode);

	return node && READ_ONCE(node->name);
}

char *fim_tree_name(const struct inode *inode, struct fim_place *place_ret)
{
	bool has_name = false;
	struct fim_node *node;
	char *name = NULL;
	u32 id = 0, depth;

	spin_lock(&nodes_lock);
	node = node_find(inode);
	if (node && node->name) {
		has_name = true;
		name = kstrdup(node->name, GFP_NOWAIT | __GFP_NOWARN);
		id = node->root_id;
		depth = node->depth;
	}
	spin_unlock(&nodes_lock);
	if (has_name && !name)
		fim_event_lost();
	if (!name)
		return NULL;
	if (!fim_place_find_id(id, place_ret)) {
		kfree(name);
		return NULL;
	}
	place_ret->depth = depth;
	return name;
}

void fim_tree_rename(const struct inode *inode, const struct fim_place *place, const char *name)
{
	char *new = name ? kstrdup(name, GFP_KERNEL) : NULL;
	struct fim_node *node;

	spin_lock(&nodes_lock);
	node = node_find(inode);
	if (node && !S_ISDIR(inode->i_mode)) {
		swap(node->name, new);
		if (place) {
			node->root_id = place->root->id;
			node->depth = place->depth;
		}
	}
	spin_unlock(&nodes_lock);
	kfree(new);
}

unsigned int fim_tree_count(unsigned int *wide_ret)
{
	*wide_ret = READ_ONCE(wide_count);
	return READ_ONCE(nodes_count);
}

int fim_tree_above(struct fim_fs *fs, struct dentry *dentry)
{
	struct dentry *parent, *at = dget(dentry);
	int err = 0;

	while (!err && !IS_ROOT(at)) {
		parent = dget_parent(at);
		dput(at);
		at = parent;
		err = fim_tree_add(fs, d_inode(at), NULL, NULL);
	}
	dput(at);
	return err;
}

/* A directory to walk. */
struct todo {
	struct list_head list;
	struct dentry *dentry;
};

/* Entries of one directory: each a byte of length, then the name. */
struct names {
	struct dir_context ctx;
	u8 *buf;
	u32 used;
};

struct walk {
	struct fim_root *root;
	const struct path *path;
	struct list_head todo;
	struct names names;
	/* room for one path */
	u8 *room;
};

static fim_filldir_ret take_name(struct dir_context *ctx, const char *name, int len, loff_t pos,
				 u64 ino, unsigned int type)
{
	struct names *names = container_of(ctx, struct names, ctx);

	if (len > NAME_MAX || (len == 1 && name[0] == '.') ||
	    (len == 2 && name[0] == '.' && name[1] == '.'))
		return FIM_FILLDIR_MORE;
	if (names->used + 1 + len > NAMES_SIZE)
		return FIM_FILLDIR_STOP;
	names->buf[names->used] = len;
	memcpy(names->buf + names->used + 1, name, len);
	names->used += 1 + len;
	return FIM_FILLDIR_MORE;
}

static int walk_push(struct walk *walk, struct dentry *dentry)
{
	struct todo *todo = kmalloc(sizeof(*todo), GFP_KERNEL);

	if (!todo)
		return -ENOMEM;
	todo->dentry = dget(dentry);
	/* Depth first: the list stays short. */
	list_add(&todo->list, &walk->todo);
	return 0;
}

/* A file that has several names is marked itself, with this one to tell. */
static int walk_file(struct walk *walk, struct dentry *dentry)
{
	struct fim_attrs attrs = {.buf = walk->room, .size = FIM_RECORD_MAX};
	struct fim_attr *attr = (void *)walk->room;
	struct fim_place place;
	int err;

	if (d_inode(dentry)->i_nlink < 2 || !fim_path_fs(&attrs, FIM_ATTR_FS_PATH, dentry, NULL))
		return 0;
	if (!fim_place_find(dentry, &place))
		return 0;
	attr->data[attr->len] = '\0';
	err = fim_tree_add(walk->root->fs, d_inode(dentry), &place, attr->data);
	fim_place_put(&place);
	return err;
}

static int walk_entry(struct walk *walk, struct dentry *dentry)
{
	struct fim_place place = {.root = walk->root};
	int err;

	if (d_really_is_negative(dentry) || d_inode(dentry)->i_sb != walk->root->fs->sb)
		return 0;
	if (!d_is_dir(dentry))
		return walk_file(walk, dentry);
	/* A watch of its own has its own walk. */
	if (fim_place_find_root(d_inode(dentry), &place)) {
		bool other = place.root != walk->root;

		fim_place_put(&place);
		if (other)
			return 0;
	}
	place.root = walk->root;
	/* Before it is read: what is made in it meanwhile is told. */
	err = fim_tree_add(walk->root->fs, d_inode(dentry), &place, NULL);
	return err ?: walk_push(walk, dentry);
}

static int walk_names(struct walk *walk, struct dentry *dir)
{
	struct names *names = &walk->names;
	struct dentry *dentry;
	u32 pos;
	int err = 0;

	for (pos = 0; pos < names->used && !err; pos += 1 + names->buf[pos]) {
		dentry = fim_compat_lookup(names->buf + pos + 1, names->buf[pos], dir);
		if (IS_ERR(dentry)) {
			err = PTR_ERR(dentry) == -ENOENT ? 0 : PTR_ERR(dentry);
			continue;
		}
		err = walk_entry(walk, dentry);
		dput(dentry);
		cond_resched();
	}
	return err;
}

static int walk_dir(struct walk *walk, struct dentry *dir)
{
	const struct path path = {.mnt = walk->path->mnt, .dentry = dir};
	struct file *file;
	int err;

	file = dentry_open(&path, O_RDONLY | O_DIRECTORY | O_NOATIME | O_LARGEFILE | FIM_O_SILENT,
			   current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file) == -ENOENT ? 0 : PTR_ERR(file);
	do {
		walk->names.used = 0;
		err = iterate_dir(file, &walk->names.ctx);
		/* It was removed. */
		if (err == -ENOENT)
			err = 0;
		else if (!err)
			err = walk_names(walk, dir);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	} while (!err && walk->names.used);
	fput(file);
	return err;
}

static int walk_all(struct walk *walk)
{
	int err = walk_push(walk, walk->path->dentry);
	struct todo *todo;

	while ((todo = list_first_entry_or_null(&walk->todo, struct todo, list))) {
		list_del(&todo->list);
		if (!err)
			err = walk_dir(walk, todo->dentry);
		dput(todo->dentry);
		kfree(todo);
	}
	return err;
}

void fim_tree_check(void)
{
	struct fim_fs *fs;
	int err;

	while ((fs = fim_fs_get_robbed())) {
		err = fim_tree_widen(fs, true);
		pr_warn_ratelimited("somebody took a mark away: it is heard by a wider one\n");
		fim_event_state(FIM_STATE_MARK_LOST, 0, err ? -err : ENOLINK, NULL);
		deactivate_super(fs->sb);
		fim_fs_put(fs);
	}
}

bool fim_tree_is_walkable(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case SQUASHFS_MAGIC:
		return true;
	}
	return false;
}

static u64 stale_of(const struct fim_fs *fs)
{
	u64 stale;

	spin_lock(&nodes_lock);
	stale = fs->stale;
	spin_unlock(&nodes_lock);
	return stale;
}

void fim_tree_walk(struct fim_root *root, const struct path *path)
{
	struct walk walk = {.root = root, .path = path, .names.ctx.actor = take_name};
	struct fim_fs *fs = root->fs;
	int err, walks = 0;
	u64 stale;

	if (!fim_tree_is_walkable(fs->sb))
		return;
	INIT_LIST_HEAD(&walk.todo);
	walk.names.buf = kvmalloc(NAMES_SIZE, GFP_KERNEL);
	walk.room = kvmalloc(FIM_RECORD_MAX, GFP_KERNEL);
	err = walk.names.buf && walk.room ? 0 : -ENOMEM;
	do {
		stale = stale_of(fs);
		err = err ?: fim_tree_above(fs, path->dentry);
		err = err ?: walk_all(&walk);
	} while (!err && stale != stale_of(fs) && ++walks < WALKS_MAX);
	WRITE_ONCE(root->walked, err ? 0 : stale + 1);
	kvfree(walk.names.buf);
	kvfree(walk.room);
	if (err)
		pr_warn_ratelimited("watch %u is not walked: error %d, it costs more\n", root->id,
				    err);
	fim_tree_narrow(fs);
}
