// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the hooks on security_*() call sites: where the kernel asks its security
 * modules, before an operation. Only they are asked who intends what; that it
 * happened is for fsnotify to say.
 *
 * One ftrace_ops for all, because taking one away waits for every task. It is
 * PERMANENT: kernel.ftrace_enabled=0 is refused as long as it is registered.
 * A callback runs with preemption off and must not sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/string.h>

#include "compat.h"
#include "ecs_fim.h"

static void notrace on_file_open(struct fim_hook_regs *regs)
{
	fim_opener_open((struct file *)fim_compat_hook_arg(regs, 0));
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

static struct hook {
	const char *name;
	void (*call)(struct fim_hook_regs *regs);
	u64 feature;
	bool wanted;
	/* where ftrace calls from; learnt at the first call */
	unsigned long ip;
} hooks[] = {
	{"security_file_open", on_file_open, FIM_FEATURE_OPEN_HOOK, true},
	{"security_inode_setattr", on_setattr, FIM_FEATURE_ATTR_HOOKS, true},
	{"security_inode_setxattr", on_xattr, FIM_FEATURE_ATTR_HOOKS, true},
	{"security_inode_removexattr", on_xattr, FIM_FEATURE_ATTR_HOOKS, true},
	{"security_inode_set_acl", on_xattr, FIM_FEATURE_ATTR_HOOKS, FIM_HAVE_ACL_HOOKS},
	{"security_inode_remove_acl", on_xattr, FIM_FEATURE_ATTR_HOOKS, FIM_HAVE_ACL_HOOKS},
};

static u64 features;
static bool registered;

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

static struct ftrace_ops ops = {
	.func = callback,
	.flags = FTRACE_OPS_FL_PERMANENT | FIM_FTRACE_RECURSION | FIM_FTRACE_REGS,
};

u64 fim_hook_features(void)
{
	return READ_ONCE(features);
}

static void lost(u64 *missing, const struct hook *hook, int err)
{
	pr_warn("cannot hook %s: error %d\n", hook->name, err);
	*missing |= hook->feature;
	fim_event_state(FIM_STATE_HOOK_LOST, 0, -err, NULL);
}

/* The module works without: then it knows less about who and what. */
void fim_hook_init(void)
{
	u64 all = 0, missing = 0;
	bool some = false;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].wanted)
			continue;
		all |= hooks[i].feature;
		err = ftrace_set_filter(&ops, (unsigned char *)hooks[i].name, strlen(hooks[i].name),
					!some);
		if (err)
			lost(&missing, &hooks[i], err);
		else
			some = true;
	}
	/* Without a filter it would be called by every function. */
	err = some ? register_ftrace_function(&ops) : -ENOENT;
	registered = !err;
	if (err) {
		lost(&missing, &hooks[0], err);
		missing = all;
	}
	WRITE_ONCE(features, all & ~missing);
}

void fim_hook_exit(void)
{
	WRITE_ONCE(features, 0);
	if (registered)
		unregister_ftrace_function(&ops);
	ftrace_set_filter(&ops, NULL, 0, 1);
}
