// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the hooks on security_*() call sites: where the kernel asks its security
 * modules, before an operation. Only they are asked who intends what; that it
 * happened is for fsnotify to say.
 *
 * One ftrace_ops for nearly all, because taking one away waits for every task.
 * They are PERMANENT: kernel.ftrace_enabled=0 is refused as long as they are
 * registered. A callback must not sleep: who unloads the module waits for tasks
 * that were preempted in one, not for sleepers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/mount.h>
#include <linux/string.h>
#include <uapi/linux/mount.h>

#include "compat.h"
#include "ecs_fim.h"

/* Every open of everybody comes here: it has an ftrace_ops of its own. */
static void notrace on_file_open(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
				 struct fim_hook_regs *regs)
{
	struct file *file = (struct file *)fim_compat_hook_arg(regs, 0);

	if (file->f_mode & FMODE_WRITE)
		fim_opener_open(file);
}

static void notrace on_setattr(struct fim_hook_regs *regs)
{
	fim_intent_setattr((struct dentry *)fim_compat_hook_arg(regs, FIM_HOOK_DENTRY_ARG),
			   (struct iattr *)fim_compat_hook_arg(regs, FIM_HOOK_DENTRY_ARG + 1));
}

/* Set or removed, attribute or ACL: they all say it at the same place. */
static void notrace on_xattr(struct fim_hook_regs *regs)
{
	fim_intent_xattr((struct dentry *)fim_compat_hook_arg(regs, FIM_HOOK_DENTRY_ARG),
			 (const char *)fim_compat_hook_arg(regs, FIM_HOOK_DENTRY_ARG + 1));
}

static void notrace on_file_setattr(struct fim_hook_regs *regs)
{
	fim_intent_flags((struct dentry *)fim_compat_hook_arg(regs, 0));
}

static void notrace on_ioctl(struct fim_hook_regs *regs)
{
	fim_notice_ioctl((struct file *)fim_compat_hook_arg(regs, 0), fim_compat_hook_arg(regs, 1),
			 fim_compat_hook_arg(regs, 2));
}

static void notrace on_link(struct fim_hook_regs *regs)
{
	fim_notice_link((struct dentry *)fim_compat_hook_arg(regs, 0),
			(struct dentry *)fim_compat_hook_arg(regs, 2));
}

static void notrace on_sb_mount(struct fim_hook_regs *regs)
{
	fim_notice_mount((const struct path *)fim_compat_hook_arg(regs, 1),
			 fim_compat_hook_arg(regs, 3));
}

static void notrace on_move_mount(struct fim_hook_regs *regs)
{
	fim_notice_mount((const struct path *)fim_compat_hook_arg(regs, 1), MS_MOVE);
}

static void notrace on_pivot_root(struct fim_hook_regs *regs)
{
	fim_newroot_note((const struct path *)fim_compat_hook_arg(regs, 1));
}

static void notrace on_umount(struct fim_hook_regs *regs)
{
	fim_later_lifted();
}

static void notrace on_swap(struct fim_hook_regs *regs)
{
	fim_notice_swap((struct file *)fim_compat_hook_arg(regs, 1));
}

static void notrace on_capable(struct fim_hook_regs *regs)
{
	fim_notice_refused((struct inode *)fim_compat_hook_arg(regs, FIM_CAPABLE_INODE_ARG),
			   fim_compat_hook_arg(regs, FIM_CAPABLE_INODE_ARG + 1));
}

static void notrace on_owner(struct fim_hook_regs *regs)
{
	fim_notice_owner((struct inode *)fim_compat_hook_arg(regs, FIM_CAPABLE_INODE_ARG));
}

static void notrace on_task_kill(struct fim_hook_regs *regs)
{
	fim_guard_signal((struct task_struct *)fim_compat_hook_arg(regs, 0),
			 fim_compat_hook_arg(regs, 2));
}

static void notrace on_ptrace(struct fim_hook_regs *regs)
{
	fim_guard_trace((struct task_struct *)fim_compat_hook_arg(regs, 0),
			fim_compat_hook_arg(regs, 1));
}

static void notrace on_delete_module(struct fim_hook_regs *regs)
{
	fim_guard_unload(fim_compat_syscall_arg(fim_compat_hook_arg(regs, 0)));
}

static void notrace on_delete_module32(struct fim_hook_regs *regs)
{
	fim_guard_unload(fim_compat_syscall_arg32(fim_compat_hook_arg(regs, 0)));
}

static struct hook {
	const char *name;
	void (*call)(struct fim_hook_regs *regs);
	u64 feature;
	bool wanted;
	/* where ftrace calls from; learnt at the first call */
	unsigned long ip;
} hooks[] = {
	{"security_inode_setattr", on_setattr, FIM_FEATURE_ATTR_HOOKS, true},
	{"security_inode_setxattr", on_xattr, FIM_FEATURE_ATTR_HOOKS, true},
	{"security_inode_removexattr", on_xattr, FIM_FEATURE_ATTR_HOOKS, true},
	{"security_inode_set_acl", on_xattr, FIM_FEATURE_ATTR_HOOKS, FIM_HAVE_ACL_HOOKS},
	{"security_inode_remove_acl", on_xattr, FIM_FEATURE_ATTR_HOOKS, FIM_HAVE_ACL_HOOKS},
	{"security_inode_link", on_link, FIM_FEATURE_LINK_HOOK, true},
	{"security_file_ioctl", on_ioctl, FIM_FEATURE_FLAGS_HOOKS, true},
	{"security_file_ioctl_compat", on_ioctl, FIM_FEATURE_FLAGS_HOOKS, true},
	{"security_inode_file_setattr", on_file_setattr, FIM_FEATURE_FLAGS_HOOKS,
	 FIM_HAVE_FILE_SETATTR},
	{"security_sb_mount", on_sb_mount, FIM_FEATURE_MOUNT_HOOKS, true},
	{"security_move_mount", on_move_mount, FIM_FEATURE_MOUNT_HOOKS, true},
	{"security_sb_umount", on_umount, FIM_FEATURE_MOUNT_HOOKS, true},
	{"security_sb_pivotroot", on_pivot_root, FIM_FEATURE_ROOT_HOOK, true},
	{"iomap_swapfile_activate", on_swap, FIM_FEATURE_LEND_HOOKS, IS_BUILTIN(CONFIG_FS_IOMAP)},
	{"generic_swapfile_activate", on_swap, FIM_FEATURE_LEND_HOOKS, true},
	{"capable_wrt_inode_uidgid", on_capable, FIM_FEATURE_ATTEMPTS, true},
	{"inode_owner_or_capable", on_owner, FIM_FEATURE_ATTEMPTS, true},
	{"security_task_kill", on_task_kill, FIM_FEATURE_GUARD_HOOKS, true},
	{"security_ptrace_access_check", on_ptrace, FIM_FEATURE_GUARD_HOOKS, true},
	{FIM_DELETE_MODULE, on_delete_module, FIM_FEATURE_GUARD_HOOKS, true},
	{FIM_DELETE_MODULE32, on_delete_module32, FIM_FEATURE_GUARD_HOOKS,
	 FIM_HAVE_DELETE_MODULE32},
};

static u64 features;

static noinline notrace struct hook *hook_learn(unsigned long ip)
{
	char name[KSYM_SYMBOL_LEN];
	int i;

	sprint_symbol_no_offset(name, ip);
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!strcmp(hooks[i].name, name)) {
			WRITE_ONCE(hooks[i].ip, ip);
			return &hooks[i];
		}
	}
	return NULL;
}

static void notrace callback(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct fim_hook_regs *regs)
{
	struct hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		if (READ_ONCE(hook->ip) == ip)
			break;
	}
	if (hook == hooks + ARRAY_SIZE(hooks))
		hook = hook_learn(ip);
	if (hook)
		hook->call(regs);
}

#define OPS_FLAGS (FTRACE_OPS_FL_PERMANENT | FIM_FTRACE_DIRECT | FIM_FTRACE_REGS)

static struct ftrace_ops ops = {.func = callback, .flags = OPS_FLAGS};
static struct ftrace_ops open_ops = {.func = on_file_open, .flags = OPS_FLAGS};
static bool registered, open_registered;

u64 fim_hook_features(void)
{
	return READ_ONCE(features);
}

static void lost(u64 *missing, const char *name, u64 feature, int err)
{
	pr_warn("cannot hook %s: error %d\n", name, err);
	*missing |= feature;
	fim_event_state(FIM_STATE_HOOK_LOST, 0, -err, NULL);
}

static int set_filter(struct ftrace_ops *to, const char *name, bool reset)
{
	return ftrace_set_filter(to, (unsigned char *)name, strlen(name), reset);
}

static void open_init(u64 *missing)
{
	static const char name[] = "security_file_open";
	int err = set_filter(&open_ops, name, true);

	err = err ?: register_ftrace_function(&open_ops);
	open_registered = !err;
	if (err)
		lost(missing, name, FIM_FEATURE_OPEN_HOOK, err);
}

/* The module works without: then it knows less about who and what. */
void fim_hook_init(void)
{
	u64 all = FIM_FEATURE_OPEN_HOOK, missing = 0;
	bool some = false;
	int i, err;

	open_init(&missing);
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].wanted)
			continue;
		all |= hooks[i].feature;
		err = set_filter(&ops, hooks[i].name, !some);
		if (err)
			lost(&missing, hooks[i].name, hooks[i].feature, err);
		else
			some = true;
	}
	/* Without a filter it would be called by every function. */
	err = some ? register_ftrace_function(&ops) : -ENOENT;
	registered = !err;
	if (err)
		lost(&missing, hooks[0].name, all & ~FIM_FEATURE_OPEN_HOOK, err);
	WRITE_ONCE(features, all & ~missing);
}

void fim_hook_exit(void)
{
	WRITE_ONCE(features, 0);
	if (registered)
		unregister_ftrace_function(&ops);
	if (open_registered)
		unregister_ftrace_function(&open_ops);
	ftrace_set_filter(&ops, NULL, 0, 1);
	ftrace_set_filter(&open_ops, NULL, 0, 1);
}
