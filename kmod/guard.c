// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what happens to the product instead of to a file: who signals or traces the
 * reader, who tries to unload the module, and whether it lets itself be unloaded.
 *
 * Hooks refuse nothing, they tell. What refuses an unload is a reference of the
 * module to itself, taken when it is armed; `rmmod -f` takes no notice of that,
 * and no module survives it.
 */
#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ecs_fim.h"

static DEFINE_MUTEX(arm_mutex);
static bool armed;

static void tell(u32 op, u32 code, u32 flags)
{
	fim_event_emit(&(struct fim_change){.op = op, .code = code, .flags = flags});
}

bool fim_guard_is_armed(void)
{
	return READ_ONCE(armed);
}

void fim_guard_arm(void)
{
	mutex_lock(&arm_mutex);
	if (!armed) {
		__module_get(THIS_MODULE);
		WRITE_ONCE(armed, true);
		tell(FIM_OP_ARM, 0, 0);
	}
	mutex_unlock(&arm_mutex);
}

int fim_guard_disarm(void)
{
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	mutex_lock(&arm_mutex);
	if (armed) {
		tell(FIM_OP_DISARM, 0, 0);
		WRITE_ONCE(armed, false);
		/* Not the last one: who asks has the device open. */
		module_put(THIS_MODULE);
	}
	mutex_unlock(&arm_mutex);
	return 0;
}

/* What it does to itself, and what says nothing, is nobody's attack. */
void fim_guard_signal(struct task_struct *task, int sig)
{
	if (sig && fim_is_reader_task(task) && !fim_is_reader())
		tell(FIM_OP_SIGNAL, sig, FIM_EV_UNCONFIRMED);
}

/*
 * To look at /proc/PID is no trace; to attach, to read or write its memory is. A tracer
 * reads memory at each of its system calls: told each time, the reader would read for ever
 * what its reading causes. Once a second says as much.
 */
void fim_guard_trace(struct task_struct *task, unsigned int mode)
{
	static unsigned long told_at;
	static pid_t told_of;

	if (!(mode & PTRACE_MODE_ATTACH) || !fim_is_reader_task(task))
		return;
	/* Two that come at once are told both. */
	if (READ_ONCE(told_of) == current->tgid && time_before(jiffies, READ_ONCE(told_at) + HZ))
		return;
	WRITE_ONCE(told_at, jiffies);
	WRITE_ONCE(told_of, current->tgid);
	tell(FIM_OP_TRACE, 0, FIM_EV_UNCONFIRMED);
}

/*
 * delete_module(2) is about to look for a module of this name. What cannot be read
 * without sleeping may be ours.
 */
void fim_guard_unload(const char __user *name)
{
	static const char own[] = KBUILD_MODNAME;
	char c;
	int i;

	for (i = 0; i < sizeof(own); i++) {
		if (copy_from_user_nofault(&c, name + i, 1)) {
			tell(FIM_OP_UNLOAD, EFAULT, FIM_EV_UNCONFIRMED);
			return;
		}
		if (c != own[i])
			return;
	}
	tell(FIM_OP_UNLOAD, 0, FIM_EV_UNCONFIRMED);
}
