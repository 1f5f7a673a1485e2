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

#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/string.h>
#include <uapi/linux/mount.h>

#include "compat.h"
#include "ecs_fim.h"

/* Who looks whether the hooks answer, and what did. */
static const struct task_struct *checker;
static u64 answered;

/* Every open of everybody comes here: it has an ftrace_ops of its own. */
static void notrace on_file_open(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
				 struct fim_hook_regs *regs)
{
	struct file *file = (struct file *)fim_compat_hook_arg(regs, 0);

	if (!(file->f_mode & FMODE_WRITE))
		return;
	if (unlikely(READ_ONCE(checker) == current))
		answered |= FIM_FEATURE_OPEN_HOOK;
	else
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
	if (unlikely(READ_ONCE(checker) == current)) {
		answered |= FIM_FEATURE_FLAGS_HOOKS;
		return;
	}
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

/* mount(2) and fsconfig(2) both come here. */
static void notrace on_sb_remount(struct fim_hook_regs *regs)
{
	fim_notice_reconfigured((struct super_block *)fim_compat_hook_arg(regs, 0));
}

static void notrace on_mount_setattr(struct fim_hook_regs *regs)
{
	unsigned long caller = fim_compat_hook_arg(regs, 0);

	fim_notice_mount_setattr(fim_compat_syscall_arg(caller, 0),
				 fim_compat_syscall_arg(caller, 2));
}

static void notrace on_mount_setattr32(struct fim_hook_regs *regs)
{
	unsigned long caller = fim_compat_hook_arg(regs, 0);

	fim_notice_mount_setattr(fim_compat_syscall_arg32(caller, 0),
				 fim_compat_syscall_arg32(caller, 2));
}

static void notrace on_pivot_root(struct fim_hook_regs *regs)
{
	fim_newroot_note((const struct path *)fim_compat_hook_arg(regs, 1));
}

static void notrace on_umount(struct fim_hook_regs *regs)
{
	fim_later_lifted(((const struct vfsmount *)fim_compat_hook_arg(regs, 0))->mnt_sb);
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
	fim_guard_unload(
		(const char __user *)fim_compat_syscall_arg(fim_compat_hook_arg(regs, 0), 0));
}

static void notrace on_delete_module32(struct fim_hook_regs *regs)
{
	fim_guard_unload(
		(const char __user *)fim_compat_syscall_arg32(fim_compat_hook_arg(regs, 0), 0));
}

static struct hook {
	const char *name;
	void (*call)(struct fim_hook_regs *regs);
	u64 feature;
	bool wanted;
	/* where ftrace calls from; learnt at the first call if it was not found before */
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
	{"security_sb_remount", on_sb_remount, FIM_FEATURE_MOUNT_HOOKS, true},
	{FIM_SYSCALL("mount_setattr"), on_mount_setattr, FIM_FEATURE_MOUNT_HOOKS,
	 FIM_HAVE_MOUNT_SETATTR},
	{FIM_SYSCALL32("mount_setattr"), on_mount_setattr32, FIM_FEATURE_MOUNT_HOOKS,
	 FIM_HAVE_MOUNT_SETATTR &&FIM_HAVE_SYSCALL32},
	{"security_sb_umount", on_umount, FIM_FEATURE_MOUNT_HOOKS, true},
	{"security_sb_pivotroot", on_pivot_root, FIM_FEATURE_ROOT_HOOK, true},
	{"iomap_swapfile_activate", on_swap, FIM_FEATURE_LEND_HOOKS, IS_BUILTIN(CONFIG_FS_IOMAP)},
	{"generic_swapfile_activate", on_swap, FIM_FEATURE_LEND_HOOKS, true},
	{"capable_wrt_inode_uidgid", on_capable, FIM_FEATURE_ATTEMPTS, true},
	{"inode_owner_or_capable", on_owner, FIM_FEATURE_ATTEMPTS, true},
	{"security_task_kill", on_task_kill, FIM_FEATURE_GUARD_HOOKS, true},
	{"security_ptrace_access_check", on_ptrace, FIM_FEATURE_GUARD_HOOKS, true},
	{FIM_SYSCALL("delete_module"), on_delete_module, FIM_FEATURE_GUARD_HOOKS, true},
	{FIM_SYSCALL32("delete_module"), on_delete_module32, FIM_FEATURE_GUARD_HOOKS,
	 FIM_HAVE_SYSCALL32},
};

/* What was installed, and what of it answers. */
static u64 installed;
static u64 features;

/* A guess which hook is at an address: mostly right, and looked at before it is used. */
#define GUESS_BITS 6
static struct hook *guesses[1 << GUESS_BITS];

static noinline notrace struct hook *hook_search(unsigned long ip)
{
	char name[KSYM_SYMBOL_LEN];
	struct hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		if (READ_ONCE(hook->ip) == ip)
			goto found;
	}
	sprint_symbol_no_offset(name, ip);
	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		if (strcmp(hook->name, name))
			continue;
		WRITE_ONCE(hook->ip, ip);
		goto found;
	}
	return NULL;
found:
	WRITE_ONCE(guesses[hash_long(ip, GUESS_BITS)], hook);
	return hook;
}

static void notrace callback(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct fim_hook_regs *regs)
{
	struct hook *hook = READ_ONCE(guesses[hash_long(ip, GUESS_BITS)]);

	if (!hook || READ_ONCE(hook->ip) != ip)
		hook = hook_search(ip);
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

/*
 * ftrace finds a name by asking for that of each function that it could trace: half a
 * second for every hook where the machine is slow. A kprobe finds it by one look into
 * the table of names; it is never armed.
 */
static struct kprobe probes[ARRAY_SIZE(hooks) + 1];
static struct kprobe *found[ARRAY_SIZE(probes)];
static unsigned int found_count;

static int set_filter(struct ftrace_ops *to, const char *name, bool reset, unsigned long *ip_ret)
{
	struct kprobe *probe = &probes[found_count];
	unsigned long ip = 0;

	probe->symbol_name = name;
	probe->flags = KPROBE_FLAG_DISABLED;
	if (!register_kprobe(probe)) {
		found[found_count++] = probe;
		ip = (unsigned long)probe->addr;
	} else {
		memset(probe, 0, sizeof(*probe));
	}
	if (ip && !ftrace_set_filter_ip(to, ip, 0, reset)) {
		*ip_ret = ip;
		return 0;
	}
	return ftrace_set_filter(to, (unsigned char *)name, strlen(name), reset);
}

static void forget_probes(void)
{
	if (found_count)
		unregister_kprobes(found, found_count);
	found_count = 0;
	memset(probes, 0, sizeof(probes));
}

static void open_init(u64 *missing)
{
	static const char name[] = "security_file_open";
	unsigned long ip;
	int err = set_filter(&open_ops, name, true, &ip);

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
		err = set_filter(&ops, hooks[i].name, !some, &hooks[i].ip);
		if (err)
			lost(&missing, hooks[i].name, hooks[i].feature, err);
		else
			some = true;
	}
	forget_probes();
	/* Without a filter it would be called by every function. */
	err = some ? register_ftrace_function(&ops) : -ENOENT;
	registered = !err;
	if (err)
		lost(&missing, hooks[0].name, all & ~FIM_FEATURE_OPEN_HOOK, err);
	installed = all & ~missing;
	WRITE_ONCE(features, installed);
}

static struct file *open_null(void)
{
	struct path root = fim_newroot_host(), path;
	struct file *file;
	int err = -ENOENT;

	if (root.dentry)
		err = vfs_path_lookup(root.dentry, root.mnt, "dev/null", LOOKUP_FOLLOW, &path);
	path_put(&root);
	if (err)
		return ERR_PTR(err);
	file = dentry_open(&path, O_WRONLY | O_LARGEFILE, current_cred());
	path_put(&path);
	return file;
}

/* One hook of each ftrace_ops: they live and die together. */
static u64 ask(int *err_ret)
{
	struct file *file;

	answered = 0;
	WRITE_ONCE(checker, current);
	file = open_null();
	*err_ret = IS_ERR(file) ? PTR_ERR(file) : 0;
	if (!*err_ret) {
		security_file_ioctl(file, 0, 0);
		filp_close(file, NULL);
	}
	WRITE_ONCE(checker, NULL);
	if (installed & FIM_FEATURE_FLAGS_HOOKS && !(answered & FIM_FEATURE_FLAGS_HOOKS))
		return installed & answered & FIM_FEATURE_OPEN_HOOK;
	return installed & (~FIM_FEATURE_OPEN_HOOK | answered);
}

/* Somebody else has unregistered it: it can be registered again. */
static bool put_back_one(struct ftrace_ops *one, bool was_registered)
{
	return was_registered && !(one->flags & FTRACE_OPS_FL_ENABLED) &&
	       !register_ftrace_function(one);
}

static bool put_back(void)
{
	return put_back_one(&open_ops, open_registered) | put_back_one(&ops, registered);
}

void fim_hook_check(void)
{
	u64 before = features, now, lost;
	int err, again;

	if (!installed)
		return;
	now = ask(&err);
	if (err) {
		/* Whoever cannot be asked may well answer. */
		pr_warn_once("cannot ask the hooks: error %d at /dev/null\n", err);
		return;
	}
	lost = before & ~now;
	if (now != installed && put_back())
		now = ask(&again);
	WRITE_ONCE(features, now);
	if (!lost)
		return;
	pr_warn("hooks did not answer: lost features %#llx, left %#llx\n", lost, now);
	fim_event_state(FIM_STATE_HOOK_LOST, 0, ENOLINK, NULL);
}

void fim_hook_exit(void)
{
	WRITE_ONCE(features, 0);
	installed = 0;
	if (ops.flags & FTRACE_OPS_FL_ENABLED)
		unregister_ftrace_function(&ops);
	if (open_ops.flags & FTRACE_OPS_FL_ENABLED)
		unregister_ftrace_function(&open_ops);
	ftrace_set_filter(&ops, NULL, 0, 1);
	ftrace_set_filter(&open_ops, NULL, 0, 1);
}
