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
 *	  watch.c	is it below a watched directory?
 *	  event.c	build the record
 *	    attr.c path.c actor.c
 *	  ring.c	give it a number, keep it
 *	chardev.c	the reader takes it
 *
 * Locks, outer first: watch.c's add_del_mutex, the fsnotify group's mutex,
 * then one of these, none inside another: watch.c's table_lock, opener.c's
 * table_lock, an intent bucket's lock, a ring's lock. rename_lock may be taken
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
#include <linux/xattr.h>

#include "uapi/ecs_fim.h"

/* main.c */

/**
 * struct fim_counters - what was not done as it should have been
 * @events: events produced, lost ones included
 * @path_missing: events without a path
 * @actor_partial: events whose actor has no strings
 * @opener_missed: open-for-write records thrown out of the full table
 */
struct fim_counters {
	atomic64_t events;
	atomic64_t path_missing;
	atomic64_t actor_partial;
	atomic64_t opener_missed;
};

extern struct fim_counters fim_counters;

/* Per CPU, because it counts what happens to everybody else's files. */
DECLARE_PER_CPU(u64, fim_filtered);

/* chardev.c: the device, its one reader, the ioctls */

int fim_chardev_init(void);
void fim_chardev_exit(void);

/**
 * fim_is_reader - is the current process the one that opened the device?
 *
 * What it does to watched files is its own business and not reported.
 */
bool fim_is_reader(void);

/* ring.c: records between producers and the reader */

/**
 * struct fim_ring - a bounded queue of whole records, the newest lose
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
 * fim_ring_put - number a record and queue it, or count it as lost
 * @ring: where
 * @rec: complete but for its seq, which is set here
 *
 * Wakes the reader if it sleeps. Does not sleep.
 */
void fim_ring_put(struct fim_ring *ring, struct fim_record *rec);

/**
 * fim_ring_peek - look at the head of the oldest record
 * @ring: where
 * @rec_ret: its head
 *
 * Return: false if nothing waits.
 */
bool fim_ring_peek(struct fim_ring *ring, struct fim_record *rec_ret);

/**
 * fim_ring_bytes - the oldest record's bytes, without copying them
 * @ring: where
 * @off: offset into the record
 * @len: bytes wanted from there, not beyond the record
 * @len_ret: how many of them lie in one piece
 *
 * Return: their address. Only the reader may call this, after fim_ring_peek().
 */
const void *fim_ring_bytes(const struct fim_ring *ring, u32 off, u32 len, u32 *len_ret);

/**
 * fim_ring_consume - free the oldest record
 * @ring: not empty. Only the reader may call this
 */
void fim_ring_consume(struct fim_ring *ring);

/* watch.c: the table of watched directories; is a dentry below one? */

/* What an fsnotify mark of ours is embedded in. */
struct fim_mark {
	struct fsnotify_mark fsn;
	enum {
		FIM_MARK_FS,
		FIM_MARK_ROOT
	} kind;
};

/**
 * struct fim_fs - a filesystem with at least one watch
 * @mark: its superblock mark; frees this struct when it goes
 * @node: in the table of filesystems, by @sb
 * @sb: pinned by nothing: whoever uses it got here through a live object of it
 * @roots: watches on it; protected by the table lock
 * @fsid: statfs(2) f_fsid
 * @rcu: to free it
 */
struct fim_fs {
	struct fim_mark mark;
	struct hlist_node node;
	struct super_block *sb;
	unsigned int roots;
	__kernel_fsid_t fsid;
	struct rcu_head rcu;
};

/**
 * struct fim_root - a watched directory
 * @mark: its inode mark, which pins the inode until unmount or rmdir; frees
 *	this struct when it goes
 * @node: in the table of roots, by @inode
 * @inode: the directory
 * @fs: its filesystem, as long as this root is in the table
 * @fsid: of the directory (one filesystem may have several: btrfs)
 * @id: watch id
 * @state: enum fim_state_kind that the last record of this watch will tell
 * @actor: and who did it
 * @users: the table, and every event under way that belongs to this watch
 * @done: the last user is gone
 * @rcu: to free it
 */
struct fim_root {
	struct fim_mark mark;
	struct hlist_node node;
	struct inode *inode;
	struct fim_fs *fs;
	__kernel_fsid_t fsid;
	u32 id;
	u32 state;
	struct fim_actor actor;
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
 * fim_fs_gone - the superblock mark of a filesystem goes
 * @fs: whose mark it is
 */
void fim_fs_gone(struct fim_fs *fs);

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
 * fim_watch_moved - a directory was renamed: say which watches it took along
 * @moved: the directory, at its new place
 */
void fim_watch_moved(struct dentry *moved);

/* mark.c: the fsnotify group and its marks; what happened */

int fim_mark_init(void);
void fim_mark_exit(void);

/**
 * fim_mark_add_fs - start hearing about everything on a filesystem
 * @fs: with sb set; it belongs to its mark from here on, also on failure
 *
 * Return: 0 or -errno.
 */
int fim_mark_add_fs(struct fim_fs *fs);

/**
 * fim_mark_add_root - pin a directory until unmount or rmdir
 * @root: with inode set; it belongs to its mark from here on, also on failure
 *
 * Return: 0 or -errno.
 */
int fim_mark_add_root(struct fim_root *root);

/**
 * fim_mark_get - keep a mark and what it is embedded in
 * @mark: known to be alive
 */
void fim_mark_get(struct fim_mark *mark);

/**
 * fim_mark_del - destroy a mark and give up the caller's reference
 * @mark: with a reference of the caller's. May sleep
 */
void fim_mark_del(struct fim_mark *mark);

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

/* actor.c: the current process as an actor */

void fim_actor_init(void);

/**
 * fim_actor_fill - who is the current process?
 * @actor: filled in
 * @exe: its executable, or NULL
 */
void fim_actor_fill(struct fim_actor *actor, struct file *exe);

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

/* opener.c: who opened a watched file for writing, who wrote to it */

/**
 * struct fim_opener - who is behind a settled write
 * @actor: the opener or the last writer
 * @exec_id: with start_ns and tgid of @actor: that process, running that program
 * @root: root directory of the actor, to compare, never to look at
 * @flags: FIM_EV_ACTOR_OPENER, _WRITER, _PARTIAL, FIM_EV_MODIFIED, _TRUNCATED
 * @foreign: somebody else than the reader opened it or wrote to it
 * @attrs: strings of @actor as attributes, the view path last; may be NULL
 * @attrs_len: bytes of @attrs
 * @view_len: bytes of @attrs that are the view path
 */
struct fim_opener {
	struct fim_actor actor;
	u64 exec_id;
	const void *root;
	u32 flags;
	bool foreign;
	u8 *attrs;
	u32 attrs_len;
	u32 view_len;
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

/* intent.c: which attribute is about to change */

/**
 * struct fim_intent - what a task is about to do to an inode
 * @op: FIM_OP_XATTR, FIM_OP_ACL, or 0: see @ia_valid
 * @ia_valid: ATTR_* of a notify_change()
 * @writer: the change goes through a file that is open for writing
 * @name: extended attribute
 */
struct fim_intent {
	u32 op;
	u32 ia_valid;
	bool writer;
	char name[XATTR_NAME_MAX + 1];
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
 * fim_intent_take - what did the current task mean to do to an inode?
 * @inode: which has just changed
 * @intent_ret: filled in on success
 *
 * Return: false if no hook saw it coming.
 */
bool fim_intent_take(const struct inode *inode, struct fim_intent *intent_ret);

/* event.c: records */

/**
 * struct fim_change - an operation, told by the kernel's objects
 * @op: enum fim_op
 * @flags: FIM_EV_* known so far
 * @fs: filesystem it happened on
 * @inode: the object, NULL if the filesystem does not tell
 * @dir: directory that holds the name, or NULL
 * @old_dir: rename: the directory it came from
 * @place: where it is
 * @old_place: rename: where it was
 * @dentry: the object, or the directory that holds @name
 * @name: NULL if @dentry is the object
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
	const struct fim_fs *fs;
	struct inode *inode;
	struct inode *dir;
	struct inode *old_dir;
	struct fim_place place;
	struct fim_place old_place;
	struct dentry *dentry;
	const struct qstr *name;
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
 * fim_object_fill - the identity of an inode
 * @object: filled in
 * @inode: NULL: all zero
 * @fsid: of its filesystem
 */
void fim_object_fill(struct fim_object *object, const struct inode *inode, __kernel_fsid_t fsid);

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

/* selftest.c: pure code, at load */

/**
 * fim_selftest - check the ring's arithmetic and the attribute layout
 *
 * Return: true if all is well; otherwise it has said what is not.
 */
bool fim_selftest(void);

#endif /* _ECS_FIM_H */
