/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * ecs_fim: the contract between the kernel module and its reader.
 *
 * This is the only file that both sides include.  Integers are in host byte
 * order (the device never leaves the host).  Every record starts with its
 * length, so a reader skips record types and attributes that it does not know.
 * What is here stays; what is not here may change.
 *
 *	fd = open("/dev/ecs_fim", O_RDONLY | O_CLOEXEC)	one reader, CAP_SYS_ADMIN
 *	ioctl(fd, FIM_IOC_INFO, &info)			which version am I talking to
 *	ioctl(fd, FIM_IOC_WATCH_ADD, &watch)		watch a directory tree
 *	read(fd, buf, size)				whole records only
 *	poll(fd)					POLLIN when a record waits
 *
 * Opened O_WRONLY it is nobody's reader, may be open any number of times, and takes
 * FIM_IOC_INFO and FIM_IOC_ARM only (EBADF).
 *
 * Watches and unread records outlive a close of the device: a restarted reader
 * finds a FIM_REC_SESSION record first and whatever happened meanwhile after it.
 */
#ifndef _UAPI_ECS_FIM_H
#define _UAPI_ECS_FIM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FIM_ABI_VERSION 1
#define FIM_DEVICE_PATH "/dev/ecs_fim"

/*
 * Records.
 *
 * A record is a struct fim_record, the fixed part of its type, then attributes.
 * All lengths are multiples of 8; the buffer given to read(2) must be at least
 * FIM_READ_MIN bytes or read fails with EINVAL and consumes nothing.
 */
#define FIM_RECORD_MAX 24576
#define FIM_READ_MIN   FIM_RECORD_MAX

/**
 * enum fim_record_type - what a record tells
 * @FIM_REC_EVENT: a change inside a watch happened (struct fim_event)
 * @FIM_REC_OVERFLOW: events were lost here in the sequence (struct fim_overflow)
 * @FIM_REC_SESSION: a reader opened the device (struct fim_session)
 * @FIM_REC_STATE: the module's own state changed (struct fim_state_change)
 */
enum fim_record_type {
	FIM_REC_EVENT = 1,
	FIM_REC_OVERFLOW = 2,
	FIM_REC_SESSION = 3,
	FIM_REC_STATE = 4,
};

/**
 * struct fim_record - the head of every record
 * @len: bytes of the whole record, this head included; a multiple of 8
 * @type: enum fim_record_type; skip the record if unknown
 * @fixed_len: bytes of this head plus the type's fixed part: attributes start
 *	here, so that a later module may append members to a fixed part
 * @seq: global sequence number, from 1 at module load, no gap: a number missing
 *	between two records is covered by a FIM_REC_OVERFLOW between them
 * @time_ns: wall clock, nanoseconds since 1970 (CLOCK_REALTIME), taken when the
 *	operation completed
 */
struct fim_record {
	__u32 len;
	__u16 type;
	__u16 fixed_len;
	__u64 seq;
	__u64 time_ns;
};

/**
 * enum fim_op - what happened
 * @FIM_OP_WRITE: settled content change: the last close of a file that was open
 *	for writing (covers write, splice, io_uring and stores through mmap).
 *	Without FIM_EV_MODIFIED only what the kernel does not announce can have
 *	changed it: stores through a mapping, libaio, swapped extents
 * @FIM_OP_CREATE: regular file created by open(2)
 * @FIM_OP_MKDIR: directory created
 * @FIM_OP_SYMLINK: symbolic link created
 * @FIM_OP_MKNOD: device, FIFO or socket created
 * @FIM_OP_LINK: a further name for an existing inode (also O_TMPFILE linked in)
 * @FIM_OP_DELETE: name removed (not a directory)
 * @FIM_OP_RMDIR: directory removed
 * @FIM_OP_RENAME: name moved; FIM_ATTR_OLD_* is where it was. One side may lie
 *	outside every watch (its watch id is then 0)
 * @FIM_OP_TRUNCATE: size set by truncate(2)/ftruncate(2)/O_TRUNC. When
 *	FIM_EV_OPEN_FOR_WRITE is set a FIM_OP_WRITE follows at the last close
 * @FIM_OP_MODE: permission bits changed
 * @FIM_OP_OWNER: owner or group changed
 * @FIM_OP_TIMES: time stamps set
 * @FIM_OP_XATTR: extended attribute set or removed; FIM_ATTR_XATTR_NAME
 * @FIM_OP_ACL: POSIX ACL set or removed
 * @FIM_OP_ATTRIB: some attribute changed, and the module could not tell which
 * @FIM_OP_FLAGS: flags (chattr), project or generation set by ioctl
 * @FIM_OP_MOUNT: something was mounted over the object: what is there from now
 *	on is not what is watched
 * @FIM_OP_UMOUNT: the last mount over the object was lifted; the actor is zero
 *	if a mount namespace ended
 * @FIM_OP_REMOUNT: the mount or filesystem whose root is the object gets new
 *	options
 * @FIM_OP_DEVICE: the block device under a watched filesystem is opened for
 *	writing; the object is its node, the watch one of those on it
 * @FIM_OP_LEND: the file is given to a loop device or becomes swap: the kernel
 *	writes to it from now on, unseen
 * @FIM_OP_ACCESS: only with FIM_EV_ATTEMPT: writing to the object (a directory:
 *	making, removing or renaming in it), or executing it, was refused
 * @FIM_OP_SIGNAL: somebody else sends the reader a signal, @code, and may
 * @FIM_OP_TRACE: somebody attaches to the reader, or opens its memory, and may
 * @FIM_OP_UNLOAD: delete_module(2) was called for the module; @code is EFAULT if
 *	whose name it was could not be read at that moment
 * @FIM_OP_ARM: the module cannot be unloaded from now on (FIM_IOC_ARM)
 * @FIM_OP_DISARM: it can
 *
 * The last five are about no object and no watch.
 */
enum fim_op {
	FIM_OP_WRITE = 1,
	FIM_OP_CREATE = 2,
	FIM_OP_MKDIR = 3,
	FIM_OP_SYMLINK = 4,
	FIM_OP_MKNOD = 5,
	FIM_OP_LINK = 6,
	FIM_OP_DELETE = 7,
	FIM_OP_RMDIR = 8,
	FIM_OP_RENAME = 9,
	FIM_OP_TRUNCATE = 10,
	FIM_OP_MODE = 11,
	FIM_OP_OWNER = 12,
	FIM_OP_TIMES = 13,
	FIM_OP_XATTR = 14,
	FIM_OP_ACL = 15,
	FIM_OP_ATTRIB = 16,
	FIM_OP_FLAGS = 17,
	FIM_OP_MOUNT = 18,
	FIM_OP_UMOUNT = 19,
	FIM_OP_REMOUNT = 20,
	FIM_OP_DEVICE = 21,
	FIM_OP_LEND = 22,
	FIM_OP_ACCESS = 23,
	FIM_OP_SIGNAL = 24,
	FIM_OP_TRACE = 25,
	FIM_OP_UNLOAD = 26,
	FIM_OP_ARM = 27,
	FIM_OP_DISARM = 28,
};

/*
 * struct fim_event, member flags
 *
 * FIM_EV_DIR: the object is a directory
 * FIM_EV_MODIFIED: WRITE: a write was seen on this open file, or may have been
 *	missed
 * FIM_EV_OPEN_FOR_WRITE: a FIM_OP_WRITE of this inode will follow
 * FIM_EV_ACTOR_OPENER: the actor is who opened the file, whoever closed it
 * FIM_EV_ACTOR_WRITER: the actor is the last who wrote to the file
 * FIM_EV_ACTOR_CLOSER: open or write were not seen: the actor is who dropped it
 *	last
 * FIM_EV_PATH_MISSING: no memory or too long: identity only, no FIM_ATTR_FS_PATH
 * FIM_EV_ACTOR_PARTIAL: no memory: ids are right, strings are missing
 * FIM_EV_ALIAS: reached by another name of the same inode. FIM_ATTR_FS_PATH is
 *	the watched name, FIM_ATTR_VIEW_PATH the one used (LINK: the one made)
 * FIM_EV_TRUNCATED: some attribute was cut to fit
 * FIM_EV_ATTEMPT: it was refused (EACCES, EPERM): nothing has changed
 * FIM_EV_UNCONFIRMED: it was about to happen; whether it did is not known
 * FIM_EV_ABOVE: the object lies above the watched directory (or is the device
 *	under it): @depth is 0, FIM_ATTR_FS_PATH is the object's
 */
#define FIM_EV_DIR	      (1U << 0)
#define FIM_EV_MODIFIED	      (1U << 1)
#define FIM_EV_OPEN_FOR_WRITE (1U << 2)
#define FIM_EV_ACTOR_OPENER   (1U << 3)
#define FIM_EV_ACTOR_WRITER   (1U << 4)
#define FIM_EV_ACTOR_CLOSER   (1U << 5)
#define FIM_EV_PATH_MISSING   (1U << 6)
#define FIM_EV_ACTOR_PARTIAL  (1U << 7)
#define FIM_EV_ALIAS	      (1U << 8)
#define FIM_EV_TRUNCATED      (1U << 9)
#define FIM_EV_ATTEMPT	      (1U << 10)
#define FIM_EV_UNCONFIRMED    (1U << 11)
#define FIM_EV_ABOVE	      (1U << 12)

/**
 * struct fim_object - one file system object
 * @fsid: statfs(2) f_fsid of its file system
 * @ino: inode number
 * @dev: device number as stat(2) gives it in st_dev (new_encode_dev()); differs
 *	from st_dev for overlayfs non-directories
 * @generation: inode generation, 0 where the file system has none
 */
struct fim_object {
	__u32 fsid[2];
	__u64 ino;
	__u32 dev;
	__u32 generation;
};

/**
 * struct fim_actor - who did it
 * @start_ns: start of the thread group leader, boottime ns: with @tgid a process
 *	is named once and for all, whatever pid reuse does
 * @exe_ino: inode number of the executable, 0 if unknown
 * @cgroup_id: cgroup v2 id of the actor's cgroup (default hierarchy), 0 if unknown
 * @exe_dev: device of the executable
 * @pid: thread id in the initial pid namespace
 * @tgid: process id in the initial pid namespace
 * @ppid: tgid of the real parent, in the initial pid namespace
 * @vpid: tgid in the process's own pid namespace
 * @uid: real uid, initial user namespace
 * @gid: real gid
 * @euid: effective uid
 * @egid: effective gid
 * @loginuid: audit login uid, 0xffffffff if unset
 * @sessionid: audit session id, 0xffffffff if unset
 * @mnt_ns: inode number of the mount namespace, 0 if unknown
 * @pid_ns: inode number of the pid namespace, 0 if unknown
 * @reserved: 0
 * @comm: thread name, NUL-padded; not trustworthy
 */
struct fim_actor {
	__u64 start_ns;
	__u64 exe_ino;
	__u64 cgroup_id;
	__u32 exe_dev;
	__u32 pid;
	__u32 tgid;
	__u32 ppid;
	__u32 vpid;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 loginuid;
	__u32 sessionid;
	__u32 mnt_ns;
	__u32 pid_ns;
	__u32 reserved;
	__u8 comm[16];
};

/**
 * struct fim_event - fixed part of a FIM_REC_EVENT
 * @rec: head
 * @op: enum fim_op
 * @flags: FIM_EV_*
 * @watch_id: watch in which the object is now, 0 if outside (rename out)
 * @old_watch_id: rename: watch in which it was, 0 if outside
 * @depth: how many trailing components of FIM_ATTR_FS_PATH lie below the
 *	watched directory: 0 is the directory itself
 * @old_depth: the same for FIM_ATTR_OLD_FS_PATH
 * @mode: the object's st_mode (type and permissions)
 * @nlink: the object's link count after the operation
 * @code: more about SIGNAL and UNLOAD, else 0
 * @object: the object itself
 * @dir: the directory that holds the name (rename: the new one); ino 0 if unknown
 * @old_dir: rename: the directory it came from
 * @size: size in bytes after the operation
 * @actor: who did it
 */
struct fim_event {
	struct fim_record rec;
	__u32 op;
	__u32 flags;
	__u32 watch_id;
	__u32 old_watch_id;
	__u16 depth;
	__u16 old_depth;
	__u32 mode;
	__u32 nlink;
	__u32 code;
	struct fim_object object;
	struct fim_object dir;
	struct fim_object old_dir;
	__u64 size;
	struct fim_actor actor;
};

/**
 * enum fim_attr_type - variable parts of an event
 * @FIM_ATTR_FS_PATH: path from the root of its file system, starts with '/'
 * @FIM_ATTR_VIEW_PATH: path as the acting process sees it (its root, its
 *	mounts); absent where the kernel cannot know it
 * @FIM_ATTR_OLD_FS_PATH: rename: the path before
 * @FIM_ATTR_OLD_VIEW_PATH: rename: the path before, as the process sees it
 * @FIM_ATTR_EXE: the actor's executable, as the process sees it
 * @FIM_ATTR_CGROUP: the actor's cgroup path (default hierarchy if mounted,
 *	else the first v1 hierarchy that is not the root)
 * @FIM_ATTR_XATTR_NAME: name of the extended attribute
 * @FIM_ATTR_PARENT_COMM: thread name of the real parent
 * @FIM_ATTR_ARGS: the actor's arguments as /proc/PID/cmdline has them: each ends
 *	in a NUL. At most the first 1024 bytes, and only what is in memory. The
 *	process can write there whatever it wants
 * @FIM_ATTR_PROCESS: struct fim_process
 * @FIM_ATTR_ANCESTORS: array of struct fim_ancestor, the parent first, at most
 *	16; a longer line is cut at the far end
 *
 * All but the last three are bytes without a NUL; nothing is escaped and nothing
 * is promised about their encoding.
 */
enum fim_attr_type {
	FIM_ATTR_FS_PATH = 1,
	FIM_ATTR_VIEW_PATH = 2,
	FIM_ATTR_OLD_FS_PATH = 3,
	FIM_ATTR_OLD_VIEW_PATH = 4,
	FIM_ATTR_EXE = 5,
	FIM_ATTR_CGROUP = 6,
	FIM_ATTR_XATTR_NAME = 7,
	FIM_ATTR_PARENT_COMM = 8,
	FIM_ATTR_ARGS = 9,
	FIM_ATTR_PROCESS = 10,
	FIM_ATTR_ANCESTORS = 11,
};

/**
 * struct fim_attr - one attribute
 * @type: enum fim_attr_type; skip if unknown
 * @len: bytes of @data; the next attribute starts at the next multiple of 8
 * @reserved: 0
 * @data: the bytes
 */
struct fim_attr {
	__u16 type;
	__u16 len;
	__u32 reserved;
	__u8 data[];
};

/*
 * struct fim_process, member flags
 *
 * FIM_PROC_NO_NEW_PRIVS: execve(2) grants it nothing
 * FIM_PROC_SECCOMP: its system calls are filtered
 * FIM_PROC_ARGS_CUT: FIM_ATTR_ARGS is not all of the arguments
 */
#define FIM_PROC_NO_NEW_PRIVS (1U << 0)
#define FIM_PROC_SECCOMP      (1U << 1)
#define FIM_PROC_ARGS_CUT     (1U << 2)

/**
 * struct fim_process - more about the actor: what is gone with it
 * @cap_effective: set of 1 << CAP_*, in the namespace @user_ns
 * @cap_permitted: the same
 * @cap_bounding: the same
 * @user_ns: inode number of the user namespace
 * @session: session id (setsid(2)), initial pid namespace
 * @pgid: process group, initial pid namespace
 * @tty: controlling terminal as stat(2) gives it in st_rdev, 0 if none
 * @args_len: bytes of all arguments
 * @flags: FIM_PROC_*
 */
struct fim_process {
	__u64 cap_effective;
	__u64 cap_permitted;
	__u64 cap_bounding;
	__u32 user_ns;
	__u32 session;
	__u32 pgid;
	__u32 tty;
	__u32 args_len;
	__u32 flags;
};

/**
 * struct fim_ancestor - one of the actor's ancestors
 * @start_ns: as in struct fim_actor
 * @exe_ino: inode number of the executable, 0 if unknown
 * @exe_dev: device of the executable
 * @tgid: process id in the initial pid namespace
 * @uid: real uid, initial user namespace
 * @reserved: 0
 * @comm: thread name, NUL-padded; not trustworthy
 */
struct fim_ancestor {
	__u64 start_ns;
	__u64 exe_ino;
	__u32 exe_dev;
	__u32 tgid;
	__u32 uid;
	__u32 reserved;
	__u8 comm[16];
};

/**
 * struct fim_overflow - fixed part of a FIM_REC_OVERFLOW
 * @rec: head; its @seq is the first lost sequence number
 * @last_seq: the last lost sequence number
 * @lost: how many records were lost: last_seq - rec.seq + 1
 * @first_time_ns: when the first was lost
 */
struct fim_overflow {
	struct fim_record rec;
	__u64 last_seq;
	__u64 lost;
	__u64 first_time_ns;
};

/**
 * struct fim_session - fixed part of a FIM_REC_SESSION
 * @rec: head. A session takes no number of its own: its @seq is that of the
 *	last record taken out before it (0 if none), so the next one's is @seq + 1
 * @session: how many times the device was opened since the module was loaded
 * @lost: records lost since load, all sessions
 * @unread: records that waited when this session began
 * @tgid: the reader
 * @reserved: 0
 */
struct fim_session {
	struct fim_record rec;
	__u64 session;
	__u64 lost;
	__u64 unread;
	__u32 tgid;
	__u32 reserved;
};

/**
 * enum fim_state_kind - changes of the module itself
 * @FIM_STATE_WATCH_ADDED: FIM_IOC_WATCH_ADD succeeded
 * @FIM_STATE_WATCH_REMOVED: FIM_IOC_WATCH_DEL; nothing of this watch follows
 * @FIM_STATE_WATCH_GONE: the file system was unmounted (actor zero), or the
 *	directory was removed; it had a FIM_OP_RMDIR before only if it was in use
 * @FIM_STATE_WATCH_MOVED: the watched directory itself, or one above it, was
 *	renamed: it is still watched, but the place where it was is not
 * @FIM_STATE_HOOK_LOST: a hook could not be installed, detail in @code; or it does
 *	not answer any more (ENOLINK)
 * @FIM_STATE_MARK_LOST: something came into a watch and could not be marked, for
 *	want of memory; or another module took a mark of ours away (ENOLINK), and its
 *	file system is heard as a whole until the watch is added again. Something may
 *	have been missed. Compare
 * @FIM_STATE_ROOT_MISSED: a new root could not be watched by rule (FIM_IOC_RULE_ADD);
 *	detail in @code
 */
enum fim_state_kind {
	FIM_STATE_WATCH_ADDED = 1,
	FIM_STATE_WATCH_REMOVED = 2,
	FIM_STATE_WATCH_GONE = 3,
	FIM_STATE_WATCH_MOVED = 4,
	FIM_STATE_HOOK_LOST = 5,
	FIM_STATE_MARK_LOST = 6,
	FIM_STATE_ROOT_MISSED = 7,
};

/**
 * struct fim_state_change - fixed part of a FIM_REC_STATE; attributes may follow
 * @rec: head
 * @state: enum fim_state_kind
 * @watch_id: the watch concerned, 0 if none
 * @code: positive errno where one explains the change, else 0
 * @reserved: 0
 * @actor: who did it, zero if it was the kernel
 */
struct fim_state_change {
	struct fim_record rec;
	__u32 state;
	__u32 watch_id;
	__u32 code;
	__u32 reserved;
	struct fim_actor actor;
};

/*
 * ioctl arguments.  @size is sizeof of the caller's struct: a smaller known
 * size is accepted, a larger one only if the excess is zero, as openat2(2) does.
 * EINVAL: size, flags or reserved members are wrong.  E2BIG: size is too large,
 * or the excess is not zero.  EFAULT: bad pointer.
 */

/* struct fim_info, member features */
#define FIM_FEATURE_OPEN_HOOK	(1ULL << 0) /* actor of a write is known from open on */
#define FIM_FEATURE_ATTR_HOOKS	(1ULL << 1) /* MODE/OWNER/TIMES/XATTR/ACL are told apart */
#define FIM_FEATURE_FLAGS_HOOKS (1ULL << 2) /* FLAGS */
#define FIM_FEATURE_MOUNT_HOOKS (1ULL << 3) /* MOUNT, UMOUNT, REMOUNT */
#define FIM_FEATURE_LEND_HOOKS	(1ULL << 4) /* LEND */
#define FIM_FEATURE_ATTEMPTS	(1ULL << 5) /* refused attempts */
#define FIM_FEATURE_LINK_HOOK	(1ULL << 6) /* a hard link made outside is told at once */
#define FIM_FEATURE_ROOT_HOOK	(1ULL << 7) /* new roots are watched by rule */
#define FIM_FEATURE_GUARD_HOOKS (1ULL << 8) /* SIGNAL, TRACE, UNLOAD */

/* struct fim_info, member audit */
#define FIM_AUDIT_ON  1U
#define FIM_AUDIT_OFF 2U /* audit_enabled is 0: records are dropped, and nobody is told */

/**
 * struct fim_info - FIM_IOC_INFO: about the module and its counters
 * @size: in: sizeof(struct fim_info)
 * @abi: FIM_ABI_VERSION of the module
 * @features: FIM_FEATURE_*
 * @ring_size: bytes of the ring
 * @ring_used: bytes waiting
 * @seq: last sequence number given out
 * @lost: records lost since load
 * @events: events produced since load, lost ones included
 * @filtered: notifications that were outside every watch
 * @path_missing: events sent with FIM_EV_PATH_MISSING
 * @actor_partial: events sent with FIM_EV_ACTOR_PARTIAL
 * @opener_missed: open-for-write records that did not fit the table
 * @session: number of this session
 * @watches: watches now
 * @reserved: 0
 * @later_missed: what a hook saw and could not note, for want of memory or room; each
 *	but a container's root, which is told by itself, is one of @lost
 * @attempts_unsaid: refused attempts that came too fast to be told
 * @marks: inodes with a mark of the module's, the watched directories apart
 * @wide: filesystems that are heard as a whole, because a directory in a watch
 *	may have no mark: FIM_IOC_WATCH_ADD of a watched directory ends that
 * @armed: 1 if it cannot be unloaded (FIM_IOC_ARM), else 0
 * @audit: FIM_AUDIT_*: whether the kernel's audit takes records; 0: an older module
 */
struct fim_info {
	__u32 size;
	__u32 abi;
	__u64 features;
	__u64 ring_size;
	__u64 ring_used;
	__u64 seq;
	__u64 lost;
	__u64 events;
	__u64 filtered;
	__u64 path_missing;
	__u64 actor_partial;
	__u64 opener_missed;
	__u64 session;
	__u32 watches;
	__u32 reserved;
	__u64 later_missed;
	__u64 attempts_unsaid;
	__u32 marks;
	__u32 wide;
	__u32 armed;
	__u32 audit;
};

/**
 * struct fim_watch - FIM_IOC_WATCH_ADD: watch the tree below an open directory
 * @size: in: sizeof(struct fim_watch)
 * @flags: in: 0
 * @fd: in: a directory, opened for reading or with O_PATH, of any file system
 *	with inodes that stay (not procfs or sysfs: EOPNOTSUPP)
 * @watch_id: out: id, from 1, never reused while the module is loaded
 * @root: out: identity of the directory
 * @reserved: in: 0
 *
 * The call walks the tree and marks its directories, so that only they are
 * heard. Of a directory that is watched already it does so again if that is of
 * use: after a directory came in by a rename (FIM_OP_RENAME, @old_watch_id 0),
 * whose children are not marked.
 *
 * EBADF: not an open descriptor. ENOTDIR: not a directory. ENOENT: a directory
 * that was removed. EEXIST: the same
 * directory is watched already (@watch_id is set to that watch). ENOSPC: too
 * many watches (FIM_WATCHES_MAX). ENOMEM.
 */
struct fim_watch {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 watch_id;
	struct fim_object root;
	__u64 reserved;
};

#define FIM_WATCHES_MAX 16384

/**
 * struct fim_watch_ref - FIM_IOC_WATCH_DEL: stop watching
 * @size: in: sizeof(struct fim_watch_ref)
 * @watch_id: in: id. ENOENT: no such watch
 *
 * When the call returns, every event that happened before it is readable, and
 * the last record of the watch is a FIM_REC_STATE FIM_STATE_WATCH_REMOVED.
 */
struct fim_watch_ref {
	__u32 size;
	__u32 watch_id;
};

#define FIM_ROOT_RULES_MAX     8
#define FIM_ROOT_RULE_PATH_MAX 64

/**
 * struct fim_root_rule - FIM_IOC_RULE_ADD: watch a directory of every new root
 * @size: in: sizeof(struct fim_root_rule)
 * @flags: in: 0
 * @path: in: the directory, relative to the root: "usr/bin". Ends with a NUL; without
 *	empty components, "." and ".."
 *
 * From now on, and until the module is unloaded, whenever a process makes a
 * directory its root by pivot_root(2), as runtimes do for each container, the
 * module itself watches what @path leads to in it: a FIM_STATE_WATCH_ADDED whose
 * actor is that process. On overlayfs that holds for every process, elsewhere for
 * those in a pid namespace of their own. FIM_IOC_WATCH_ADD of the directory gives EEXIST and the
 * id. Symbolic links do not lead out of the new root; what is mounted in it, the
 * root of pid 1, and file systems whose directories come without a call on this
 * host (NFS, FUSE) are passed over. At most half of FIM_WATCHES_MAX are used;
 * more, or no memory, is a FIM_STATE_ROOT_MISSED.
 *
 * EEXIST: there is this rule. ENOSPC: there are FIM_ROOT_RULES_MAX. EINVAL.
 */
struct fim_root_rule {
	__u32 size;
	__u32 flags;
	char path[FIM_ROOT_RULE_PATH_MAX];
};

/* struct fim_arm, member flags: disarm instead */
#define FIM_ARM_OFF (1U << 0)

/**
 * struct fim_arm - FIM_IOC_ARM: refuse to be unloaded, or allow it again
 * @size: in: sizeof(struct fim_arm)
 * @flags: in: 0 or FIM_ARM_OFF
 *
 * Outlives the reader: an armed module stays until somebody disarms it, which is an
 * event (FIM_OP_DISARM). EPERM: FIM_ARM_OFF needs CAP_SYS_MODULE as well.
 */
struct fim_arm {
	__u32 size;
	__u32 flags;
};

#define FIM_IOC_MAGIC	  0xF1
#define FIM_IOC_INFO	  _IOWR(FIM_IOC_MAGIC, 1, struct fim_info)
#define FIM_IOC_WATCH_ADD _IOWR(FIM_IOC_MAGIC, 2, struct fim_watch)
#define FIM_IOC_WATCH_DEL _IOW(FIM_IOC_MAGIC, 3, struct fim_watch_ref)
#define FIM_IOC_RULE_ADD  _IOW(FIM_IOC_MAGIC, 4, struct fim_root_rule)
#define FIM_IOC_ARM	  _IOW(FIM_IOC_MAGIC, 5, struct fim_arm)

#endif /* _UAPI_ECS_FIM_H */
