// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the judgement of what hooks see and fsnotify never tells: ioctls that
 * change attributes or swap contents, mounts, devices, and what was refused.
 * Called from hooks: nothing sleeps, everything is only noted (later.c).
 */
#include <linux/blkdev.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <uapi/linux/fscrypt.h>
#include <uapi/linux/fsverity.h>
#include <uapi/linux/mount.h>

#include "compat.h"
#include "ecs_fim.h"

/* Private to their filesystems: ext4.h, xfs_fs.h. Without the size of the argument. */
#define IOC_MOVE_EXT	    _IOC(0, 'f', 15, 0)
#define IOC_EXT4_SWAP_BOOT  _IOC(0, 'f', 17, 0)
#define IOC_EXT4_SETVERSION _IOC(0, 'f', 4, 0)
#define IOC_XFS_SWAPEXT	    _IOC(0, 'X', 109, 0)
#define IOC_XFS_EXCHANGE    _IOC(0, 'X', 129, 0)
#define IOC_XFS_COMMIT	    _IOC(0, 'X', 131, 0)
#define IOC_KIND(cmd)	    _IOC(0, _IOC_TYPE(cmd), _IOC_NR(cmd), 0)

static bool attempts = true;
module_param(attempts, bool, 0644);
MODULE_PARM_DESC(attempts, "report refused attempts (default Y)");

/* So many in a second; whoever tries a thousand times is told as well by forty. */
static DEFINE_RATELIMIT_STATE(attempts_limit, HZ, 40);

static bool is_watched(const struct file *file)
{
	return !fim_is_reader() && fim_is_watched(file->f_path.dentry);
}

static void notice_flags(struct file *file)
{
	/* From 7.0 it has a hook of its own, and fsnotify tells the outcome. */
	if (!FIM_HAVE_FILE_SETATTR && is_watched(file))
		fim_later(FIM_OP_FLAGS, 0, FIM_LATER_CHANGED, file_inode(file), &file->f_path);
}

/* A loop device is given a file: from here on it writes, whoever writes to it. */
static void notice_loop(unsigned long fd)
{
	struct file *file = fget(fd);

	if (!file)
		return;
	if (file->f_mode & FMODE_WRITE && is_watched(file))
		fim_later(FIM_OP_LEND, 0, FIM_LATER_NOW, file_inode(file), &file->f_path);
	fput(file);
}

static u32 loop_config_fd(unsigned long arg)
{
	u32 fd = U32_MAX;

	pagefault_disable();
	if (__get_user(fd, (u32 __user *)arg))
		fd = U32_MAX;
	pagefault_enable();
	return fd;
}

void fim_notice_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (IOC_KIND(cmd)) {
	case IOC_KIND(FS_IOC_SETFLAGS):
	case IOC_KIND(FS_IOC_FSSETXATTR):
		notice_flags(file);
		break;
	case IOC_KIND(FS_IOC_SETVERSION):
	case IOC_EXT4_SETVERSION:
	case IOC_KIND(FS_IOC_ENABLE_VERITY):
	case IOC_KIND(FS_IOC_SET_ENCRYPTION_POLICY):
		if (is_watched(file))
			fim_later(FIM_OP_FLAGS, 0, FIM_LATER_CHANGED, file_inode(file),
				  &file->f_path);
		break;
	case IOC_MOVE_EXT:
	case IOC_EXT4_SWAP_BOOT:
	case IOC_XFS_SWAPEXT:
	case IOC_XFS_EXCHANGE:
	case IOC_XFS_COMMIT:
		fim_opener_modify_all();
		break;
	}
	if (!S_ISBLK(file_inode(file)->i_mode))
		return;
	if (cmd == LOOP_SET_FD || cmd == LOOP_CHANGE_FD)
		notice_loop(arg);
	else if (cmd == LOOP_CONFIGURE)
		notice_loop(loop_config_fd(arg));
}

void fim_notice_swap(struct file *file)
{
	if (is_watched(file))
		fim_later(FIM_OP_LEND, 0, FIM_LATER_NOW, file_inode(file), &file->f_path);
}

void fim_notice_silent(struct file *file)
{
	struct inode *inode = file_inode(file);

	/* Of overlayfs it has the path there, and the inode below. */
	if (!fim_is_reader() && fim_is_watched_inode(inode))
		fim_later_silent(inode, &file->f_path);
}

void fim_notice_device(struct file *file)
{
	if (fim_watch_has_device(file_inode(file)->i_rdev))
		fim_later(FIM_OP_DEVICE, FIM_EV_UNCONFIRMED, FIM_LATER_NOW, file_inode(file),
			  &file->f_path);
}

/* Inside, fsnotify tells it. */
void fim_notice_link(struct dentry *old, struct dentry *new)
{
	if (!fim_is_reader() && fim_is_watched(old) && !fim_is_watched(new->d_parent))
		fim_later_link(d_inode(old), new);
}

/* At or below a watched directory, or above one. */
static bool concerns_watch(struct dentry *dentry)
{
	return fim_is_watched(dentry) || fim_watch_is_above(dentry);
}

void fim_notice_mount(const struct path *path, unsigned long flags)
{
	struct dentry *dentry = path->dentry;

	if (flags & MS_MOVE)
		fim_later_lifted(NULL);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) && !(flags & MS_BIND))
		return;
	/* Of the filesystem: fim_notice_reconfigured(). */
	if ((flags & (MS_REMOUNT | MS_BIND)) == MS_REMOUNT)
		return;
	if (!concerns_watch(dentry))
		return;
	if (flags & MS_REMOUNT)
		fim_later(FIM_OP_REMOUNT, FIM_EV_UNCONFIRMED, FIM_LATER_NOW, d_inode(dentry), path);
	else if (d_mountpoint(dentry))
		fim_later(FIM_OP_MOUNT, FIM_EV_UNCONFIRMED, FIM_LATER_NOW, d_inode(dentry), path);
	else
		fim_later(FIM_OP_MOUNT, 0, FIM_LATER_COVERED, d_inode(dentry), path);
}

void fim_notice_reconfigured(struct super_block *sb)
{
	struct dentry *root = sb->s_root;

	if (root && concerns_watch(root))
		fim_later(FIM_OP_REMOUNT, FIM_EV_UNCONFIRMED, FIM_LATER_NOW, d_inode(root), NULL);
}

/*
 * By a descriptor of a mount, as mount(8) and systemd do it. Whose mount a name is
 * cannot be asked here: that may sleep.
 */
void fim_notice_mount_setattr(unsigned int fd, unsigned int flags)
{
	struct file *file = flags & AT_EMPTY_PATH ? fget_raw(fd) : NULL;

	if (!file)
		return;
	fim_notice_mount(&file->f_path, MS_REMOUNT | MS_BIND);
	fput(file);
}

/* The same access is checked more than once: first without taking references. */
static bool is_new_attempt(const struct inode *inode)
{
	static const struct inode *last_inode;
	static const struct task_struct *last_task;
	static unsigned long last;
	static DEFINE_SPINLOCK(last_lock);
	bool is_new;

	spin_lock(&last_lock);
	is_new = last_inode != inode || last_task != current || last != jiffies;
	last_inode = inode;
	last_task = current;
	last = jiffies;
	spin_unlock(&last_lock);
	return is_new;
}

static void attempt(u32 op, struct inode *inode)
{
	if (fim_is_reader() || !fim_is_watched_inode(inode) || !is_new_attempt(inode))
		return;
	if (!__ratelimit(&attempts_limit)) {
		atomic64_inc(&fim_counters.attempts_unsaid);
		return;
	}
	fim_later(op, FIM_EV_ATTEMPT, FIM_LATER_NOW, inode, NULL);
}

/* As capable_wrt_inode_uidgid() will find. */
static bool is_capable(const struct inode *inode, int cap)
{
	struct user_namespace *ns = current_user_ns();

	return kuid_has_mapping(ns, inode->i_uid) && kgid_has_mapping(ns, inode->i_gid) &&
	       ns_capable_noaudit(ns, cap);
}

/*
 * The kernel asks for a capability because the permission bits refuse. For
 * reading it asks for CAP_DAC_READ_SEARCH first, which tells the two apart.
 */
void fim_notice_refused(struct inode *inode, int cap)
{
	static DEFINE_PER_CPU(const void *, reads);

	if (!READ_ONCE(attempts))
		return;
	if (cap == CAP_DAC_READ_SEARCH) {
		this_cpu_write(reads, inode);
		return;
	}
	if (cap == CAP_DAC_OVERRIDE && this_cpu_xchg(reads, NULL) == inode)
		return;
	if (cap != CAP_DAC_OVERRIDE && cap != CAP_CHOWN && cap != CAP_FOWNER)
		return;
	if (!is_capable(inode, cap))
		attempt(cap == CAP_CHOWN ? FIM_OP_ATTRIB : FIM_OP_ACCESS, inode);
}

/* Only an owner may; who is none needs a capability. */
void fim_notice_owner(struct inode *inode)
{
	if (!READ_ONCE(attempts) || uid_eq(current_fsuid(), inode->i_uid))
		return;
	if (!is_capable(inode, CAP_FOWNER))
		attempt(FIM_OP_ATTRIB, inode);
}
