/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ecs_fim: private header. Its sections carry the names of the .c files.
 *
 * An operation travels like this:
 *
 *	hook.c		a security_*() call site runs, before the operation
 *	  opener.c	who opens a watched file for writing: kept until its close
 *	  intent.c	which attribute is about to change: kept until the change
 *	mark.c		fsnotify tells that the operation happened
 *	  tree.c	which inodes have a mark
 *	  watch.c	is it below a watched directory?
 *	  event.c	build the record
 *	    attr.c path.c actor.c
 *	  ring.c	give it a number, keep it
 *	chardev.c	the reader takes it
 *
 * Locks, outer first: watch.c's add_del_mutex, the fsnotify group's mutex,
 * then watch.c's table_lock, and one of these, none inside another: tree.c's
 * nodes_lock, opener.c's table_lock, an intent bucket's lock, a ring's lock. rename_lock may be taken
 * before an inode's i_lock (watch.c). Nothing here runs in interrupts.
 */
#ifndef _ECS_FIM_H
#define _ECS_FIM_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xattr.h>

#include "uapi/ecs_fim.h"

/* main.c */

/**
 * struct fim_counters - what was not done as it should have been
 * @events: events produced, lost ones included
 * @path_missing: events without a path
 * @actor_partial: events whose actor has no strings
 * @opener_missed: open-for-write records thrown out of the full table
 * @later_missed: what a hook saw and could not note
 * @attempts_unsaid: refused attempts beyond the rate
 */
struct fim_counters {
	atomic64_t events;
	atomic64_t path_missing;
	atomic64_t actor_partial;
	atomic64_t opener_missed;
	atomic64_t later_missed;
	atomic64_t attempts_unsaid;
};

extern struct fim_counters fim_counters;

/* Per CPU, because it counts what happens to everybody else's files. */
DECLARE_PER_CPU(u64, fim_filtered);

/**
 * fim_copy - copy a record or attributes
 * @to: aligned to 8 bytes
 * @from: aligned to 8 bytes
 * @len: a multiple of 8
 *
 * memcpy() copies by the byte on CPUs that say they are fast at it, which for
 * some hundred bytes they are not.
 */
static inline void fim_copy(void *to, const void *from, u32 len)
{
	const u64 *source = from;
	u64 *target = to;
	u32 words = len / 8;

	for (; words >= 4; words -= 4, source += 4, target += 4) {
		u64 a = source[0], b = source[1], c = source[2], d = source[3];

		target[0] = a;
		target[1] = b;
		target[2] = c;
		target[3] = d;
	}
	for (; words; words--) {
		*target++ = *source++;
		/* or the compiler makes it a memcpy() */
		barrier();
	}
}

/* chardev.c: the device, its one reader, the ioctls */

int fim_chardev_init(void);
void fim_chardev_exit(void);

/**
 * fim_is_reader - is the current process the one that opened the device?
 *
 * What it does to watched files is its own business and not reported.
 */
bool fim_is_reader(void);

/**
 * fim_is_reader_task - is it the process that has the device open?
 * @task: any
 */
bool fim_is_reader_task(struct task_struct *task);

/* ring.c: records between producers and the reader */

/**
 * struct fim_ring - a bounded queue of whole records, the newest lose
 * @wake: wakes the reader a little later
 * @lock: protects everything below except the bytes between tail and head,
 *	which belong to the reader
 * @readers: where the reader sleeps
 * @buf: the bytes
 * @size: of @buf; a multiple of 8
 * @head: where the next record goes
 * @tail: the oldest unread record
 * @used: bytes between them
 * @records: whole records between them
 * @seq: the last number given out
 * @tail_seq: the last number taken out
 * @lost: records lost since initialisation
 * @gap: records lost since the last one that fitted; lost == 0 if none
 */
struct fim_ring {
	struct delayed_work wake;
	spinlock_t lock;
	wait_queue_head_t readers;
	u8 *buf;
	u32 size;
	u32 head;
	u32 tail;
	u32 used;
	u64 records;
	u64 seq;
	u64 tail_seq;
	u64 lost;
	struct fim_overflow gap;
};

/* The ring that the device reads. */
extern struct fim_ring fim_ring;

/**
 * fim_ring_init - prepare a ring over a buffer of the caller's
 * @ring: to initialise
 * @buf: belongs to the caller, must live as long as @ring
 * @size: bytes, a multiple of 8
 */
void fim_ring_init(struct fim_ring *ring, void *buf, u32 size);

/**
 * fim_ring_exit - nobody is woken any more
 * @ring: nothing is put into it any more
 */
void fim_ring_exit(struct fim_ring *ring);

/**
 * fim_ring_put - number a record and queue it, or count it as lost
 * @ring: where
 * @rec: complete but for its seq, which is set here
 *
 * Wakes a reader that sleeps: at once when much waits, else within some
 * milliseconds, so that a burst wakes it once. Does not sleep.
 */
void fim_ring_put(struct fim_ring *ring, struct fim_record *rec);

/**
 * fim_ring_lose - number a record that could not be made, and count it as lost
 * @ring: where
 * @rec: its time; seq is set here
 *
 * Many in a row are told as one. Does not sleep.
 */
void fim_ring_lose(struct fim_ring *ring, struct fim_record *rec);

/**
 * fim_ring_move - go on in other memory
 * @ring: without a reader now
 * @buf: as large as what there is
 *
 * Return: what is not used any more, or NULL if too much waits: then @buf is not.
 */
void *fim_ring_move(struct fim_ring *ring, void *buf);

/**
 * struct fim_batch - whole records, the oldest first
 * @len: bytes of all of them
 * @last: of these, how many are before the last record
 * @records: how many
 */
struct fim_batch {
	u32 len;
	u32 last;
	u32 records;
};

/**
 * fim_ring_peek - what can be read
 * @ring: by its one reader
 * @room: bytes that it has room for
 * @records: at most so many
 * @batch_ret: filled in
 *
 * Return: false if there is nothing, or the oldest record has no room.
 */
bool fim_ring_peek(struct fim_ring *ring, u32 room, u32 records, struct fim_batch *batch_ret);

/**
 * fim_ring_bytes - the oldest records' bytes, without copying them
 * @ring: by its one reader
 * @off: from the oldest record's begin
 * @len: how many are wanted
 * @len_ret: how many lie together there, at most @len
 *
 * Return: their address. Only after fim_ring_peek(), and what it has found.
 */
const void *fim_ring_bytes(const struct fim_ring *ring, u32 off, u32 len, u32 *len_ret);

/**
 * fim_ring_consume - free the oldest records
 * @ring: by its one reader
 * @batch: from fim_ring_peek()
 */
void fim_ring_consume(struct fim_ring *ring, const struct fim_batch *batch);

/* watch.c: the table of watched directories; is a dentry below one? */

/* What an fsnotify mark of ours is embedded in. */
struct fim_mark {
	struct fsnotify_mark fsn;
	enum {
		FIM_MARK_WIDE,
		FIM_MARK_ROOT,
		FIM_MARK_NODE
	} kind;
};

/**
 * struct fim_volume - how userspace tells filesystems apart
 * @fsid: statfs(2) f_fsid
 * @dev: stat(2) st_dev of a directory
 */
struct fim_volume {
	__kernel_fsid_t fsid;
	dev_t dev;
};

/**
 * struct fim_fs - a filesystem with at least one watch
 * @node: in the table of filesystems, by @sb, as long as @roots
 * @unused: in the list of those that wait to be swept
 * @sb: pinned by nothing: whoever uses it got here through a live object of it
 * @roots: watches on it; protected by watch.c's table lock
 * @volume: of its first watch
 * @dev: the block device it lies on, 0 if none
 * @disk: the whole disk of that
 * @wide: superblock mark, or NULL; protected by tree.c's lock
 * @stale: how often a directory that has no mark came into a watch; the same lock
 * @ended: it gets no mark any more; the same lock
 * @robbed: somebody else took a mark of it away
 * @nodes: marks on inodes of it; the same lock
 * @users: the table, every root, node and wide mark, and whoever looks at it
 * @rcu: to free it
 */
struct fim_fs {
	struct hlist_node node;
	struct list_head unused;
	struct super_block *sb;
	unsigned int roots;
	struct fim_volume volume;
	dev_t dev;
	dev_t disk;
	struct fim_wide *wide;
	u64 stale;
	bool ended;
	bool robbed;
	struct list_head nodes;
	refcount_t users;
	struct rcu_head rcu;
};

/**
 * struct fim_root - a watched directory
 * @mark: its inode mark, which pins the inode until unmount or rmdir; frees
 *	this struct when it goes
 * @node: in the table of roots, by @inode
 * @inode: the directory
 * @fs: its filesystem, with a reference
 * @walked: fs->stale when the last walk of it began, plus 1; 0: none was whole
 * @volume: of the directory (one filesystem may have several: btrfs)
 * @id: watch id
 * @state: enum fim_state_kind that the last record of this watch will tell
 * @actor: and who did it
 * @active: it ends, and whoever ends it holds its superblock active
 * @users: the table, and every event under way that belongs to this watch
 * @done: the last user is gone
 * @rcu: to free it
 */
struct fim_root {
	struct fim_mark mark;
	struct hlist_node node;
	struct inode *inode;
	struct fim_fs *fs;
	u64 walked;
	struct fim_volume volume;
	u32 id;
	u32 state;
	struct fim_actor actor;
	bool active;
	refcount_t users;
	struct completion done;
	struct rcu_head rcu;
};

/**
 * struct fim_place - where something is, relative to a watch
 * @root: the innermost watch, or NULL if in none; holds a user reference
 * @depth: components below its directory
 */
struct fim_place {
	struct fim_root *root;
	u32 depth;
};

void fim_watch_exit(void);

/**
 * fim_watch_add - FIM_IOC_WATCH_ADD
 * @watch: checked but for @fd; watch_id and root are set on success, watch_id
 *	also on -EEXIST
 *
 * Return: 0 or -errno as the uapi header says.
 */
int fim_watch_add(struct fim_watch *watch);

/**
 * fim_watch_add_path - the same for a directory that the caller holds
 * @path: the directory
 * @actor: whose doing it is
 * @watch: as above, @fd is not looked at
 *
 * May sleep. Return: 0 or -errno as the uapi header says.
 */
int fim_watch_add_path(const struct path *path, const struct fim_actor *actor,
		       struct fim_watch *watch);

/**
 * fim_watch_del - FIM_IOC_WATCH_DEL
 * @id: the watch. Waits for its events under way, then queues its last record
 *
 * Return: 0 or -ENOENT.
 */
int fim_watch_del(u32 id);

/**
 * fim_watch_count - how many watches there are
 */
unsigned int fim_watch_count(void);

/**
 * fim_root_gone - the inode mark of a root goes: unmount or last rmdir
 * @root: whose mark it is
 *
 * Called by fsnotify for every mark, also for those that we destroy.
 */
void fim_root_gone(struct fim_root *root);

/**
 * fim_root_free - nobody sees a root any more
 * @root: whose mark is freed
 */
void fim_root_free(struct fim_root *root);

/**
 * fim_fs_get - the filesystem of a superblock, if it has a watch
 * @sb: to look up
 *
 * Return: with a reference, or NULL.
 */
struct fim_fs *fim_fs_get(const struct super_block *sb);

/**
 * fim_fs_put - give it back
 * @fs: from fim_fs_get(), or one with a reference of the caller's
 */
void fim_fs_put(struct fim_fs *fs);

/**
 * fim_fs_get_robbed - the next filesystem that lost a mark to somebody else
 *
 * Return: not @robbed any more, with a reference, and one to its superblock being
 * active; or NULL.
 */
struct fim_fs *fim_fs_get_robbed(void);

/**
 * fim_fs_is_walked - was every watch of it walked since the last stranger came?
 * @fs: to look at
 * @stale: its @stale. Called under tree.c's lock
 */
bool fim_fs_is_walked(const struct fim_fs *fs, u64 stale);

/**
 * fim_place_find - is a dentry at or below a watched directory?
 * @dentry: start here and walk up
 * @place_ret: filled in on success; give it back with fim_place_put()
 *
 * Return: false if it is in no watch.
 */
bool fim_place_find(struct dentry *dentry, struct fim_place *place_ret);

/**
 * fim_place_find_root - is an inode itself a watched directory?
 * @inode: to look up
 * @place_ret: as fim_place_find(), depth 0
 */
bool fim_place_find_root(struct inode *inode, struct fim_place *place_ret);

/**
 * fim_place_find_id - the watch with an id
 * @id: to look up
 * @place_ret: as fim_place_find(), depth 0
 */
bool fim_place_find_id(u32 id, struct fim_place *place_ret);

/**
 * fim_place_find_alias - is another name of an inode in a watch?
 * @inode: not a directory
 * @place_ret: as fim_place_find()
 *
 * Finds only names that are in the dentry cache.
 *
 * Return: that name, with a reference; NULL if there is none.
 */
struct dentry *fim_place_find_alias(struct inode *inode, struct fim_place *place_ret);

/**
 * fim_may_have_alias - can a dentry's inode be reached by another name?
 * @dentry: positive
 */
static inline bool fim_may_have_alias(const struct dentry *dentry)
{
	const struct inode *inode = d_inode(dentry);

	return !S_ISDIR(inode->i_mode) &&
	       (inode->i_nlink > 1 || (inode->i_nlink == 1 && d_unhashed(dentry)));
}

/**
 * fim_place_put - the event that needed a place is queued
 * @place: may be empty
 */
void fim_place_put(struct fim_place *place);

/**
 * fim_is_watched - is a dentry, or another name of its inode, in a watch?
 * @dentry: positive
 *
 * For hooks: takes no reference, does not sleep.
 */
bool fim_is_watched(struct dentry *dentry);

/**
 * fim_is_watched_inode - is a name of an inode in a watch?
 * @inode: to look up
 *
 * For hooks, as fim_is_watched(); finds names that are in the dentry cache.
 */
bool fim_is_watched_inode(struct inode *inode);

/**
 * fim_watch_is_above - is a watched directory below a dentry?
 * @dentry: a directory; itself does not count. Does not sleep
 */
bool fim_watch_is_above(struct dentry *dentry);

/**
 * fim_watch_has_device - does a watched filesystem lie on a block device?
 * @dev: the device, or the whole disk of it
 */
bool fim_watch_has_device(dev_t dev);

struct fim_change;

/**
 * fim_watch_emit_below - emit a change for every watch that it concerns
 * @change: with op and inode. Of FIM_OP_DEVICE: for one on the device
 * @dentry: a directory above them, or a device's node
 */
void fim_watch_emit_below(struct fim_change *change, struct dentry *dentry);

/**
 * fim_watch_moved - a directory was renamed: say which watches it took along
 * @moved: the directory, at its new place
 *
 * Return: true if there was one.
 */
bool fim_watch_moved(struct dentry *moved);

/* tree.c: which inodes of a watched filesystem have a mark */

/**
 * struct fim_node - a mark on a directory in a watch, or above one, or on a file
 *	with several names
 * @mark: frees this struct when it goes
 * @node: in the table of nodes, by @inode
 * @of_fs: in the list of @fs
 * @inode: pinned by the mark
 * @fs: its filesystem, with a reference
 * @root_id: the watch it was found in, 0: above one
 * @name: of a file with several names: a path that is watched; or NULL
 * @depth: components of @name below its watch
 * @rcu: to free it
 */
struct fim_node {
	struct fim_mark mark;
	struct hlist_node node;
	struct list_head of_fs;
	struct inode *inode;
	struct fim_fs *fs;
	u32 root_id;
	u32 depth;
	char *name;
	struct rcu_head rcu;
};

/**
 * struct fim_wide - a mark on a whole superblock
 * @mark: frees this struct when it goes
 * @fs: its filesystem, with a reference
 * @rcu: to free it
 */
struct fim_wide {
	struct fim_mark mark;
	struct fim_fs *fs;
	struct rcu_head rcu;
};

/**
 * fim_tree_widen - hear about everything on a filesystem, until it was walked
 * @fs: whose watches may hold directories without a mark
 * @stale: one such came in just now. May sleep
 *
 * Return: 0 or -errno; then something may be missed.
 */
int fim_tree_widen(struct fim_fs *fs, bool stale);

/**
 * fim_tree_is_walkable - directories come and go only by calls that fsnotify tells
 * @sb: a superblock
 */
bool fim_tree_is_walkable(const struct super_block *sb);

/**
 * fim_tree_walk - mark every directory of a watch, and those above it
 * @root: the watch
 * @path: its directory. May sleep
 *
 * Then, if nothing is left to find, stop hearing about the rest of the
 * filesystem. The caller holds watch.c's add_del_mutex.
 */
void fim_tree_walk(struct fim_root *root, const struct path *path);

/**
 * fim_tree_narrow - stop hearing about a whole filesystem, if all is marked
 * @fs: the filesystem. May sleep; the caller holds watch.c's add_del_mutex
 */
void fim_tree_narrow(struct fim_fs *fs);

/**
 * fim_tree_above - mark the directories above a watch, which may be renamed
 * @fs: the filesystem
 * @dentry: the watched directory. May sleep
 *
 * Return: 0 or -errno.
 */
int fim_tree_above(struct fim_fs *fs, struct dentry *dentry);

/**
 * fim_tree_add - mark one inode of a watch
 * @fs: its filesystem
 * @inode: a directory, or a file that has several names
 * @place: where, or NULL: above every watch. May sleep
 * @name: a watched path of it, or NULL
 *
 * Return: 0 also if it has a mark; or -errno.
 */
int fim_tree_add(struct fim_fs *fs, struct inode *inode, const struct fim_place *place,
		 const char *name);

/**
 * fim_tree_del - remove the mark of an inode, if it is a node's
 * @inode: to look up. May sleep
 */
void fim_tree_del(struct inode *inode);

/**
 * fim_tree_del_watch - a watch ended: so do the marks that were found in it
 * @fs: its filesystem
 * @id: of the watch
 * @outer: the watch around it that has them from now on, 0 if none. May sleep
 */
void fim_tree_del_watch(struct fim_fs *fs, u32 id, u32 outer);

/**
 * fim_tree_end - remove every mark but the roots' from a filesystem
 * @fs: that has no watch any more. May sleep
 */
void fim_tree_end(struct fim_fs *fs);

/**
 * fim_tree_hears - can a mark tell of what happens to a dentry?
 * @dentry: positive
 *
 * A few instructions, for everybody else's files: false only where no mark is, neither
 * on the inode nor on the directory nor on a whole filesystem, and where no other name
 * is that may have one.
 */
bool fim_tree_hears(const struct dentry *dentry);

/**
 * fim_tree_knows - is an inode one with several names of which one is watched?
 * @inode: to look up. Called under RCU
 */
bool fim_tree_knows(const struct inode *inode);

/**
 * fim_tree_name - the watched name of a file that was remembered
 * @inode: of the file
 * @place_ret: filled in on success; give it back with fim_place_put()
 *
 * Return: to be freed with kfree(); NULL if there is none. Does not sleep.
 */
char *fim_tree_name(const struct inode *inode, struct fim_place *place_ret);

/**
 * fim_tree_rename - a file with several names has (or lost) this one
 * @inode: of the file
 * @place: of the name, NULL: it is gone
 * @name: the path, NULL: it is gone
 */
void fim_tree_rename(const struct inode *inode, const struct fim_place *place, const char *name);

/* For mark.c: the mark of one goes. */
void fim_node_gone(struct fim_node *node);
void fim_node_free(struct fim_node *node);
void fim_wide_gone(struct fim_wide *wide);
void fim_wide_free(struct fim_wide *wide);

/**
 * fim_tree_count - how many nodes there are
 * @wide_ret: how many filesystems are heard as a whole
 */
unsigned int fim_tree_count(unsigned int *wide_ret);

/**
 * fim_tree_check - hear the whole of each filesystem that lost a mark. May sleep
 */
void fim_tree_check(void);

/* mark.c: the fsnotify group and its marks; what happened */

int fim_mark_init(void);
void fim_mark_exit(void);

/**
 * fim_mark_setup - make a mark that is attached to nothing
 * @mark: embedded in what is freed with it
 * @kind: FIM_MARK_*
 *
 * The caller has a reference.
 */
void fim_mark_setup(struct fim_mark *mark, int kind);

/**
 * fim_mark_attach - start hearing about an inode or superblock
 * @mark: initialised
 * @object: struct super_block for FIM_MARK_WIDE, struct inode for the others.
 *	May sleep
 *
 * Return: 0, -EEXIST: it has a mark of ours, or another -errno.
 */
int fim_mark_attach(struct fim_mark *mark, void *object);

/**
 * fim_mark_get - keep a mark and what it is embedded in
 * @mark: known to be alive
 */
void fim_mark_get(struct fim_mark *mark);

/**
 * fim_mark_put - give a reference up
 * @mark: with a reference of the caller's. May sleep
 */
void fim_mark_put(struct fim_mark *mark);

/**
 * fim_mark_destroy - stop hearing
 * @mark: with a reference of the caller's, which stays. May sleep
 */
void fim_mark_destroy(struct fim_mark *mark);

/**
 * fim_mark_del - fim_mark_destroy() and fim_mark_put()
 * @mark: with a reference of the caller's. May sleep
 */
void fim_mark_del(struct fim_mark *mark);

/**
 * fim_mark_emit - emit a change of an inode, if a name of it is watched
 * @change: with op, flags, inode, dentry
 * @dentry: a name of it. May sleep
 *
 * Return: false if none is.
 */
bool fim_mark_emit(struct fim_change *change, struct dentry *dentry);

/**
 * fim_mark_link - a watched file got a name outside: mark it
 * @inode: of the file
 * @dentry: a name of it. May sleep
 *
 * Tells what was written through that name before.
 */
void fim_mark_link(struct inode *inode, struct dentry *dentry);

/**
 * fim_mark_wait - return when every mark is freed and no handler runs
 */
void fim_mark_wait(void);

/* hook.c: the security_*() call sites */

void fim_hook_init(void);
void fim_hook_exit(void);

/**
 * fim_hook_features - FIM_FEATURE_* of the hooks that are installed
 */
u64 fim_hook_features(void);

/**
 * fim_hook_check - do the hooks still answer? Says so if not. May sleep
 */
void fim_hook_check(void);

/* attr.c: the variable part of a record */

/**
 * struct fim_attrs - attributes being written
 * @buf: where they go; a multiple of 8 bytes
 * @size: of @buf
 * @len: bytes written, a multiple of 8
 */
struct fim_attrs {
	u8 *buf;
	u32 size;
	u32 len;
};

/**
 * fim_attr_room - where the data of the next attribute goes
 * @attrs: to append to
 * @len: bytes that may be needed
 *
 * Return: room for at least @len bytes, or NULL if there is not so much.
 */
char *fim_attr_room(struct fim_attrs *attrs, u32 len);

/**
 * fim_attr_commit - append the attribute whose data was written to the room
 * @attrs: to append to
 * @type: enum fim_attr_type
 * @len: bytes of data
 */
void fim_attr_commit(struct fim_attrs *attrs, u16 type, u32 len);

/**
 * fim_attr_put - append an attribute
 * @attrs: to append to
 * @type: enum fim_attr_type
 * @data: copied
 * @len: bytes of @data
 *
 * Return: false if it does not fit.
 */
bool fim_attr_put(struct fim_attrs *attrs, u16 type, const void *data, u32 len);

/* path.c: paths as attributes */

/**
 * fim_path_fs - path from the root of the filesystem
 * @attrs: to append to
 * @type: enum fim_attr_type
 * @dentry: the object, or the directory that holds @name
 * @name: NULL if @dentry is the object
 *
 * Does not sleep. Return: false if it is too long or does not fit.
 */
bool fim_path_fs(struct fim_attrs *attrs, u16 type, struct dentry *dentry, const struct qstr *name);

/**
 * fim_path_open - path of an open file as the current process sees it
 * @attrs: to append to
 * @type: enum fim_attr_type
 * @path: of the file
 *
 * Appends nothing if the process has no root any more. Does not sleep.
 *
 * Return: false if it is too long.
 */
bool fim_path_open(struct fim_attrs *attrs, u16 type, const struct path *path);

/**
 * fim_path_view - path of a name as the current process sees it
 * @attrs: to append to
 * @type: enum fim_attr_type
 * @dentry: the object, or the directory that holds @name
 * @name: NULL if @dentry is the object
 *
 * Known only below the process's root and on the same filesystem: which mount
 * a name was reached through is not told. Appends nothing otherwise. May sleep.
 *
 * Return: false if it is too long.
 */
bool fim_path_view(struct fim_attrs *attrs, u16 type, struct dentry *dentry,
		   const struct qstr *name);

/**
 * fim_path_is_view - does the current process see an open file's path from the root of
 *	its filesystem?
 * @path: of the file
 *
 * So it is for most, and d_path() takes longer than to look.
 */
bool fim_path_is_view(const struct path *path);

/**
 * fim_path_name_is_view - the same of a name, as fim_path_view() would tell it
 * @dentry: the object, or the directory that holds the name
 */
bool fim_path_name_is_view(const struct dentry *dentry);

/* actor.c: the current process as an actor */

void fim_actor_init(void);

/**
 * fim_actor_fill - who is the current process?
 * @actor: filled in
 * @exe: its executable, or NULL
 */
void fim_actor_fill(struct fim_actor *actor, struct file *exe);

/**
 * fim_actor_comm - the current thread's name
 * @actor: whose @comm is set
 */
void fim_actor_comm(struct fim_actor *actor);

/**
 * fim_actor_now - fim_actor_fill() with the current process's executable
 * @actor: filled in
 */
void fim_actor_now(struct fim_actor *actor);

/**
 * fim_actor_strings - append executable, cgroup, parent, arguments, ancestors
 * @attrs: to append to
 * @exe: the executable, or NULL
 *
 * Does not sleep. Return: false if something was cut.
 */
bool fim_actor_strings(struct fim_attrs *attrs, struct file *exe);

/**
 * fim_actor_exe - the current process's executable
 *
 * Return: with a reference, or NULL: kernel threads and exiting processes.
 */
struct file *fim_actor_exe(void);

/* process.c: what is gone with the process */

/**
 * fim_process_put - append the current process's arguments, power and ancestors
 * @attrs: to append to
 *
 * Does not sleep. Return: false if something did not fit.
 */
bool fim_process_put(struct fim_attrs *attrs);

/* who.c: what was told about processes lately */

/*
 * What a description follows from: the current process, its ids, its place in the
 * tree of processes, in namespaces and cgroups, its program. Compared as bytes.
 * Only cred is pinned.
 */
struct fim_who_key {
	const void *task;
	u64 start;
	u64 exec_id;
	const struct cred *cred;
	u64 flags;
	const void *css_set;
	u64 cgroup;
	const void *parent;
	u64 parent_start;
	const void *session;
	const void *pgrp;
	const void *tty;
	const void *nsproxy;
	const void *root;
	const void *exe;
	u32 seccomp;
	u32 loginuid;
	u32 sessionid;
	u32 reserved;
};

/**
 * struct fim_who - a process, described
 * @users: the table, and whoever holds it
 * @key: what it follows from
 * @made: jiffies
 * @flags: FIM_EV_ACTOR_PARTIAL, FIM_EV_TRUNCATED
 * @actor: its @comm is of then
 * @len: bytes of @attrs
 * @attrs: executable, cgroup, parent, arguments, ancestors
 */
struct fim_who {
	refcount_t users;
	struct fim_who_key key;
	unsigned long made;
	u32 flags;
	struct fim_actor actor;
	u32 len;
	u8 attrs[] __aligned(8);
};

void fim_who_init(void);
void fim_who_exit(void);

/**
 * fim_who_get - describe the current process
 *
 * Does not sleep. Return: with a reference; NULL: no memory.
 */
struct fim_who *fim_who_get(void);

/**
 * fim_who_put - give it back
 * @who: from fim_who_get(), or NULL
 */
void fim_who_put(struct fim_who *who);

/* opener.c: who opened a watched file for writing, who wrote to it */

/**
 * struct fim_opener - who is behind a settled write
 * @actor: the opener or the last writer
 * @who: its description; NULL: no memory
 * @exec_id: with start_ns and tgid of @actor: that process, running that program
 * @root: root directory of the actor, to compare, never to look at
 * @flags: FIM_EV_ACTOR_OPENER, _WRITER, _PARTIAL, FIM_EV_MODIFIED, _TRUNCATED
 * @foreign: somebody else than the reader opened it or wrote to it
 * @view: FIM_ATTR_VIEW_PATH as an attribute; may be NULL
 * @view_len: bytes of @view
 * @renames: of rename_lock, when @view was made
 * @view_is_fs: @view was the path from the root of the filesystem as well
 */
struct fim_opener {
	struct fim_actor actor;
	struct fim_who *who;
	u64 exec_id;
	const void *root;
	u32 flags;
	bool foreign;
	bool view_is_fs;
	unsigned int renames;
	u32 view_len;
	u8 *view;
};

int fim_opener_init(void);
void fim_opener_exit(void);

/**
 * fim_opener_open - a file is being opened
 * @file: about to be opened; the open may still fail. Does not sleep
 */
void fim_opener_open(struct file *file);

/**
 * fim_opener_modify - a file was written to
 * @file: by the current process
 */
void fim_opener_modify(struct file *file);

/**
 * fim_opener_take - a file that was open for writing was dropped
 * @file: whose entry is taken out of the table
 * @opener_ret: filled in on success; give it back with fim_opener_free()
 *
 * Return: false if the table knows nothing.
 */
bool fim_opener_take(struct file *file, struct fim_opener *opener_ret);

/**
 * fim_opener_fill - the current process as the one behind something
 * @opener: filled in; give it back with fim_opener_free()
 * @flags: FIM_EV_*
 * @path: by which it reaches the object, or NULL. Does not sleep
 */
void fim_opener_fill(struct fim_opener *opener, u32 flags, const struct path *path);

/**
 * fim_opener_view - add the path of a name as the current process sees it
 * @opener: without one
 * @dentry: the directory
 * @name: in it
 */
void fim_opener_view(struct fim_opener *opener, struct dentry *dentry, const struct qstr *name);

/**
 * fim_opener_view_is_good - is what was kept as @view still the path?
 * @opener: from fim_opener_take() or fim_opener_fill()
 */
bool fim_opener_view_is_good(const struct fim_opener *opener);

/**
 * fim_opener_modify_all - what the current process has open may be changed unseen
 */
void fim_opener_modify_all(void);

/**
 * fim_opener_take_inode - a file whose close was perhaps not told
 * @inode: nobody has it open for writing
 * @opener_ret: as of fim_opener_take()
 *
 * Return: false if the table knows nothing.
 */
bool fim_opener_take_inode(const struct inode *inode, struct fim_opener *opener_ret);

/**
 * fim_opener_forget - a filesystem is not watched any more
 * @sb: whose files may be closed from now on without being told
 */
void fim_opener_forget(const struct super_block *sb);

/**
 * fim_opener_free - free what an opener owns
 * @opener: from fim_opener_take()
 */
void fim_opener_free(struct fim_opener *opener);

/**
 * fim_opener_is_current - is the actor the current process, running the same
 *	program?
 * @opener: from fim_opener_take()
 */
bool fim_opener_is_current(const struct fim_opener *opener);

/**
 * fim_opener_has_inode - was a file opened for writing and not dropped?
 * @inode: of the file
 */
bool fim_opener_has_inode(const struct inode *inode);

/* notice.c: what hooks see and fsnotify never tells. None of it sleeps. */

/**
 * fim_notice_ioctl - an ioctl is about to be done
 * @file: on which
 * @cmd: which
 * @arg: of it, perhaps an address in the process
 */
void fim_notice_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/**
 * fim_notice_swap - a file is about to be swapped to
 * @file: by swapon(2)
 */
void fim_notice_swap(struct file *file);

/**
 * fim_notice_silent - a file is opened for writing, and fsnotify is told to ignore it
 * @file: what a listener of fanotify(7) gets, or overlayfs opens below
 */
void fim_notice_silent(struct file *file);

/**
 * fim_notice_device - a block device is opened for writing
 * @file: its node
 */
void fim_notice_device(struct file *file);

/**
 * fim_notice_mount - something is about to be mounted, moved or remounted
 * @path: where
 * @flags: MS_*, as mount(2) takes them
 */
void fim_notice_mount(const struct path *path, unsigned long flags);

/**
 * fim_notice_reconfigured - a filesystem is about to get new options
 * @sb: it; the caller holds its s_umount
 */
void fim_notice_reconfigured(struct super_block *sb);

/**
 * fim_notice_mount_setattr - mount_setattr(2) is called
 * @fd: its first argument
 * @flags: its third
 */
void fim_notice_mount_setattr(unsigned int fd, unsigned int flags);

/**
 * fim_notice_refused - an access is refused but for a capability
 * @inode: to which
 * @cap: CAP_*
 */
void fim_notice_refused(struct inode *inode, int cap);

/**
 * fim_notice_link - a file is about to get a further name
 * @old: a name that it has
 * @new: the name that it gets, negative
 */
void fim_notice_link(struct dentry *old, struct dentry *new);

/**
 * fim_notice_owner - something only the owner of an inode may do
 * @inode: whose
 */
void fim_notice_owner(struct inode *inode);

/* newroot.c: what is watched in every new root */

void fim_newroot_exit(void);

/**
 * fim_newroot_host - the root of process 1
 *
 * Kernel threads have another one, from 7.0 an empty one. Return: with a reference;
 * empty if there is none.
 */
struct path fim_newroot_host(void);

/**
 * fim_newroot_rule_add - FIM_IOC_RULE_ADD
 * @rule: checked but for @path
 *
 * Return: 0 or -errno as the uapi header says.
 */
int fim_newroot_rule_add(const struct fim_root_rule *rule);

/**
 * fim_newroot_note - the current process is about to make a directory its root
 * @root: the directory
 *
 * Does not sleep.
 */
void fim_newroot_note(const struct path *root);

/* later.c: what a hook saw and nothing tells the outcome of */

/**
 * enum fim_later_when - when something noted is an event
 * @FIM_LATER_NOW: it is
 * @FIM_LATER_CHANGED: when the inode's flags, generation or ctime have changed
 * @FIM_LATER_COVERED: when something is mounted on the inode's dentry
 * @FIM_LATER_LINKED: when the inode has one more name
 * @FIM_LATER_SETTLED: when nobody has the inode open for writing, however long that takes
 */
enum fim_later_when {
	FIM_LATER_NOW,
	FIM_LATER_CHANGED,
	FIM_LATER_COVERED,
	FIM_LATER_LINKED,
	FIM_LATER_SETTLED,
};

void fim_later_exit(void);

/**
 * fim_later - note what the current process is about to do, for an event
 * @op: enum fim_op
 * @flags: FIM_EV_*
 * @when: it is an event
 * @inode: the object, alive
 * @path: by which the process reaches it, or NULL
 *
 * Does not sleep.
 */
void fim_later(u32 op, u32 flags, enum fim_later_when when, struct inode *inode,
	       const struct path *path);

/**
 * fim_later_link - a watched file is about to get a name outside every watch
 * @inode: of the file
 * @name: the name, negative
 */
void fim_later_link(struct inode *inode, struct dentry *name);

/**
 * fim_later_silent - a watched file is open for writing, and fsnotify will not tell its close
 * @inode: of the file
 * @path: by which the process reaches it. Does not sleep
 */
void fim_later_silent(struct inode *inode, const struct path *path);

/**
 * fim_later_lifted - the current process is about to lift a mount
 * @sb:		what is mounted there, or NULL if it is only moved
 */
void fim_later_lifted(const struct super_block *sb);

/* intent.c: which attribute is about to change */

/**
 * struct fim_intent - what a task is about to do to an inode
 * @op: FIM_OP_XATTR, FIM_OP_ACL, FIM_OP_FLAGS, or 0: see @ia_valid
 * @ia_valid: ATTR_* of a notify_change()
 * @writer: the change goes through a file that is open for writing
 */
struct fim_intent {
	u32 op;
	u32 ia_valid;
	bool writer;
};

void fim_intent_init(void);

/**
 * fim_intent_setattr - notify_change() is about to ask the filesystem
 * @dentry: of the inode
 * @attr: what is to change. Does not sleep
 */
void fim_intent_setattr(struct dentry *dentry, const struct iattr *attr);

/**
 * fim_intent_xattr - an extended attribute is about to be set or removed
 * @dentry: of the inode
 * @name: of the attribute. Does not sleep
 */
void fim_intent_xattr(struct dentry *dentry, const char *name);

/**
 * fim_intent_flags - flags, project or the like are about to be set
 * @dentry: of the inode. Does not sleep
 */
void fim_intent_flags(struct dentry *dentry);

/**
 * fim_intent_take - what did the current task mean to do to an inode?
 * @inode: which has just changed
 * @intent_ret: filled in on success
 *
 * Return: false if no hook saw it coming.
 */
bool fim_intent_take(const struct inode *inode, struct fim_intent *intent_ret);

/**
 * fim_intent_take_name - which extended attribute, after fim_intent_take() said that it is one
 * @inode: which has just changed
 * @name_ret: XATTR_NAME_MAX + 1 bytes; empty if it is none, or was forgotten meanwhile
 */
void fim_intent_take_name(const struct inode *inode, char *name_ret);

/* event.c: records */

/**
 * struct fim_change - an operation, told by the kernel's objects
 * @op: enum fim_op
 * @flags: FIM_EV_* known so far
 * @code: as in struct fim_event
 * @volume: where it happened, as far as no watch says it better
 * @inode: the object, NULL if the filesystem does not tell
 * @dir: directory that holds the name, or NULL
 * @old_dir: rename: the directory it came from
 * @place: where it is
 * @old_place: rename: where it was
 * @dentry: the object, or the directory that holds @name
 * @name: NULL if @dentry is the object
 * @known: its path, if there is no @dentry
 * @view_dentry: as @dentry, for the name that the process used
 * @view_name: as @name, for the name that the process used
 * @path: of the open file if there is one; @view_dentry then is not used
 * @old_dentry: rename: the old directory
 * @old_name: rename: the old name
 * @xattr: name of an extended attribute, or NULL
 * @opener: who did it; NULL: the current process
 */
struct fim_change {
	u32 op;
	u32 flags;
	u32 code;
	struct fim_volume volume;
	struct inode *inode;
	struct inode *dir;
	struct inode *old_dir;
	struct fim_place place;
	struct fim_place old_place;
	struct dentry *dentry;
	const struct qstr *name;
	const char *known;
	struct dentry *view_dentry;
	const struct qstr *view_name;
	const struct path *path;
	struct dentry *old_dentry;
	const struct qstr *old_name;
	const char *xattr;
	const struct fim_opener *opener;
};

int fim_event_init(void);
void fim_event_exit(void);

/**
 * fim_event_emit - build the record of a change and queue it
 * @change: what happened
 */
void fim_event_emit(const struct fim_change *change);

/**
 * fim_event_state - queue a FIM_REC_STATE
 * @state: enum fim_state_kind
 * @id: the watch concerned, 0 if none
 * @code: positive errno or 0
 * @actor: who did it; NULL: the kernel
 */
void fim_event_state(u32 state, u32 id, u32 code, const struct fim_actor *actor);

/**
 * fim_event_lost - a change may have happened that no event can tell
 *
 * It takes the number that the event would have had.
 */
void fim_event_lost(void);

/**
 * fim_object_fill - the identity of an inode
 * @object: filled in
 * @inode: NULL: all zero
 * @volume: it is on
 */
void fim_object_fill(struct fim_object *object, const struct inode *inode,
		     const struct fim_volume *volume);

/**
 * fim_buf_get - memory for one record
 *
 * Return: FIM_RECORD_MAX bytes, not cleared; NULL if there are none at the
 * moment. Does not sleep.
 */
void *fim_buf_get(void);

/**
 * fim_buf_put - give it back
 * @buf: from fim_buf_get(), or NULL
 */
void fim_buf_put(void *buf);

/* guard.c: what happens to the module and its reader */

/**
 * fim_guard_arm - refuse to be unloaded from now on
 */
void fim_guard_arm(void);

/**
 * fim_guard_disarm - allow it again
 *
 * Return: 0 or -EPERM (CAP_SYS_MODULE is needed).
 */
int fim_guard_disarm(void);

/**
 * fim_guard_is_armed - is it armed?
 */
bool fim_guard_is_armed(void);

/**
 * fim_guard_signal - the current process sends a signal, and may
 * @task: to whom
 * @sig: which; 0 only asks
 */
void fim_guard_signal(struct task_struct *task, int sig);

/**
 * fim_guard_trace - the current process traces another one, and may
 * @task: whom
 * @mode: PTRACE_MODE_*
 */
void fim_guard_trace(struct task_struct *task, unsigned int mode);

/**
 * fim_guard_unload - the current process calls delete_module(2)
 * @name: of the module
 */
void fim_guard_unload(const char __user *name);

/* check.c: what everything relies on, looked at now and then */

void fim_check_init(void);

/**
 * fim_check_exit - look no more
 *
 * Once before what is looked at goes, and once after the last mark, which may still
 * have asked for it.
 */
void fim_check_exit(void);

/**
 * fim_check_now - look soon
 */
void fim_check_now(void);

/* selftest.c: pure code, at load */

/**
 * fim_selftest - check the ring's arithmetic and the attribute layout
 *
 * Return: true if all is well; otherwise it has said what is not.
 */
bool fim_selftest(void);

#endif /* _ECS_FIM_H */
