/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions: old kernels are made to look new.
 * Each piece names the release that changed it and asks for the feature, not
 * for the version: distributions carry changes back.
 */
#ifndef _ECS_FIM_COMPAT_H
#define _ECS_FIM_COMPAT_H

#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/ftrace.h>
#include <linux/mm_types.h>
#include <linux/namei.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/unistd.h>

#include "conftest.h"

/* fsnotify: 6.9 passes objects, not their connectors. */
#ifdef FIM_HAVE_ADD_MARK_OBJECT
static inline int fim_compat_add_inode_mark(struct fsnotify_mark *mark, struct inode *inode)
{
	return fsnotify_add_mark(mark, inode, FSNOTIFY_OBJ_TYPE_INODE, 0);
}

static inline int fim_compat_add_sb_mark(struct fsnotify_mark *mark, struct super_block *sb)
{
	return fsnotify_add_mark(mark, sb, FSNOTIFY_OBJ_TYPE_SB, 0);
}
#else
static inline int fim_compat_add_inode_mark(struct fsnotify_mark *mark, struct inode *inode)
{
	return fsnotify_add_mark(mark, &inode->i_fsnotify_marks, FSNOTIFY_OBJ_TYPE_INODE, 0, NULL);
}

static inline int fim_compat_add_sb_mark(struct fsnotify_mark *mark, struct super_block *sb)
{
	return fsnotify_add_mark(mark, &sb->s_fsnotify_marks, FSNOTIFY_OBJ_TYPE_SB, 0, NULL);
}
#endif

/* 6.0: the group's mutex may be taken in reclaim. */
#ifndef FSNOTIFY_GROUP_NOFS
#define FSNOTIFY_GROUP_NOFS 0
#endif

#ifdef FIM_HAVE_ALLOC_GROUP_FLAGS
#define fim_compat_alloc_group(ops) fsnotify_alloc_group(ops, FSNOTIFY_GROUP_NOFS)
#else
#define fim_compat_alloc_group(ops) fsnotify_alloc_group(ops)
#endif

/* 7.0 took the list of an inode's aliases out of its union, and named an iterator. */
#ifdef for_each_alias
#define fim_d_alias d_alias
#else
#define fim_d_alias d_u.d_alias
#endif

/* 6.1: a directory's entries are taken with true for more, before with 0. */
#ifdef FIM_HAVE_FILLDIR_BOOL
typedef bool fim_filldir_ret;
#define FIM_FILLDIR_MORE true
#define FIM_FILLDIR_STOP false
#else
typedef int fim_filldir_ret;
#define FIM_FILLDIR_MORE 0
#define FIM_FILLDIR_STOP -ENOSPC
#endif

/* 6.14: an open that no other listener hears is not asked for by a flag any more. */
#ifdef __FMODE_NONOTIFY
#define FIM_O_SILENT __FMODE_NONOTIFY
#else
#define FIM_O_SILENT 0
#endif

/* 6.16: a name is a struct qstr. Takes the directory's lock itself. */
static inline struct dentry *fim_compat_lookup(const char *name, u32 len, struct dentry *dir)
{
#ifdef FIM_HAVE_LOOKUP_NOPERM
	struct qstr qstr = QSTR_INIT(name, len);

	return lookup_noperm_unlocked(&qstr, dir);
#else
	return lookup_one_len_unlocked(name, dir, len);
#endif
}

#ifndef FIM_HAVE_PATH_LOOKUP
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt, const char *name,
		    unsigned int flags, struct path *path);
#endif

/* 6.12: FMODE_NONOTIFY became one value of a field of bits. */
static inline bool fim_compat_file_is_silent(const struct file *file)
{
#ifdef FMODE_FSNOTIFY_NONE
	return FMODE_FSNOTIFY_NONE(file->f_mode);
#else
	return file->f_mode & FMODE_NONOTIFY;
#endif
}

/* 6.7: get_file_rcu() became a function that reads the pointer itself. */
static inline struct file *fim_compat_mm_exe(struct mm_struct *mm)
{
	struct file *file;

	rcu_read_lock();
#ifdef get_file_rcu
	file = rcu_dereference(mm->exe_file);
	if (file && !get_file_rcu(file))
		file = NULL;
#else
	file = get_file_rcu(&mm->exe_file);
#endif
	rcu_read_unlock();
	return file;
}

/*
 * 6.3: a capability set became one number. Before it was two words, low first:
 * on little-endian machines, the ones we run on, the same bytes.
 */
static inline u64 fim_compat_cap(const kernel_cap_t *cap)
{
	u64 set;

	BUILD_BUG_ON(sizeof(*cap) != sizeof(set));
	memcpy(&set, cap, sizeof(set));
	return set;
}

/* Function hooks. 5.11 wraps the registers. */
#ifdef FIM_HAVE_FTRACE_REGS
#define fim_hook_regs ftrace_regs
#else
#define fim_hook_regs pt_regs
#endif

/*
 * Called directly, without protection against recursion: nothing that a hook of
 * ours does calls a function that has one. 5.11 turned the flag around: before,
 * protection was what you got.
 */
#ifdef FIM_HAVE_FTRACE_RECURSION
#define FIM_FTRACE_DIRECT 0
#else
#define FIM_FTRACE_DIRECT FTRACE_OPS_FL_RECURSION_SAFE
#endif

/* Where arguments are saved at every traced call, all registers need not be. */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#define FIM_FTRACE_REGS 0
#else
#define FIM_FTRACE_REGS FTRACE_OPS_FL_SAVE_REGS
#endif

static __always_inline unsigned long fim_compat_hook_arg(struct fim_hook_regs *regs, unsigned int n)
{
#if defined(FIM_HAVE_FTRACE_REGS_ARGUMENT)
	return ftrace_regs_get_argument(regs, n);
#elif defined(FIM_HAVE_FTRACE_REGS) && defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
	return regs_get_kernel_argument(&regs->regs, n);
#elif defined(FIM_HAVE_FTRACE_REGS)
	return regs_get_kernel_argument(ftrace_get_regs(regs), n);
#else
	return regs_get_kernel_argument(regs, n);
#endif
}

/* 5.12 put a user namespace, 6.3 an idmap before the dentry of some hooks. */
#define FIM_HOOK_DENTRY_ARG                                                 \
	(__builtin_types_compatible_p(typeof(security_inode_setattr),       \
				      int(struct dentry *, struct iattr *)) \
		 ? 0                                                        \
		 : 1)

/* 6.2: POSIX ACLs left the extended attributes and got hooks of their own. */
#ifndef FIM_HAVE_ACL_HOOKS
#define FIM_HAVE_ACL_HOOKS 0
#endif

/* 6.17: chattr has a hook of its own, and fsnotify tells it. */
#ifndef FIM_HAVE_FILE_SETATTR
#define FIM_HAVE_FILE_SETATTR 0
#endif

/* 5.12: as for the dentry, of functions that take an inode. */
#define FIM_CAPABLE_INODE_ARG                                           \
	(__builtin_types_compatible_p(typeof(capable_wrt_inode_uidgid), \
				      bool(const struct inode *, int))  \
		 ? 0                                                    \
		 : 1)

/*
 * How a system call is called where a kernel has wrappers of them: with the registers of
 * the caller. A 32-bit program may call it too; on arm64 by the same function.
 */
#ifdef CONFIG_X86_64
#define FIM_SYSCALL(name)   "__x64_sys_" name
#define FIM_SYSCALL32(name) "__ia32_sys_" name
#define FIM_HAVE_SYSCALL32  IS_ENABLED(CONFIG_IA32_EMULATION)
/* The first three. */
static inline unsigned long fim_compat_syscall_arg32(unsigned long regs, unsigned int n)
{
	const struct pt_regs *caller = (const struct pt_regs *)regs;

	return (u32)(n == 0 ? caller->bx : n == 1 ? caller->cx : caller->dx);
}
#else
#define FIM_SYSCALL(name)   "__arm64_sys_" name
#define FIM_SYSCALL32(name) ""
#define FIM_HAVE_SYSCALL32  0
static inline unsigned long fim_compat_syscall_arg32(unsigned long regs, unsigned int n)
{
	return 0;
}
#endif
static inline unsigned long fim_compat_syscall_arg(unsigned long regs, unsigned int n)
{
	return regs_get_kernel_argument((struct pt_regs *)regs, n);
}

/* 5.12 */
#ifdef __NR_mount_setattr
#define FIM_HAVE_MOUNT_SETATTR 1
#else
#define FIM_HAVE_MOUNT_SETATTR 0
#endif

#endif /* _ECS_FIM_COMPAT_H */
