// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what is told about a process beyond its identity, because the process may
 * be gone before anybody can ask: its arguments, its power, its ancestors.
 *
 * Called where nothing may sleep, with locks of the VFS held: the arguments are
 * read only as far as they are in memory, which is where execve() left them.
 */
#include <linux/cred.h>
#include <linux/kdev_t.h>
#include <linux/mm_types.h>
#include <linux/ns_common.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "ecs_fim.h"

#define ARGS_MAX      1024
#define ANCESTORS_MAX 16
#define LOCK_TRIES    1000

/* Where the arguments of the current process are; 0: it has none (any more). */
static unsigned long args_find(unsigned long *start_ret)
{
	struct mm_struct *mm = current->mm;
	unsigned long start, end;

	if (!mm || current->flags & PF_KTHREAD)
		return 0;
	start = READ_ONCE(mm->arg_start);
	end = READ_ONCE(mm->arg_end);
	*start_ret = start;
	return end > start ? end - start : 0;
}

/* Return: FIM_PROC_ARGS_CUT if they are not whole. */
static u32 put_args(struct fim_attrs *attrs, unsigned long start, unsigned long len)
{
	u32 want = min_t(unsigned long, len, ARGS_MAX), done = 0;
	char *room = fim_attr_room(attrs, ARGS_MAX);

	if (!room || !access_ok((void __user *)start, want))
		return FIM_PROC_ARGS_CUT;
	/* Page by page: what is on the first stays readable when the second is not. */
	while (done < want) {
		unsigned long from = start + done;
		u32 part = min_t(unsigned long, want - done, PAGE_SIZE - offset_in_page(from));
		u32 left;

		pagefault_disable();
		left = __copy_from_user_inatomic(room + done, (void __user *)from, part);
		pagefault_enable();
		done += part - left;
		if (left)
			break;
	}
	fim_attr_commit(attrs, FIM_ATTR_ARGS, done);
	return done < len ? FIM_PROC_ARGS_CUT : 0;
}

static u32 tty_number(void)
{
	struct tty_struct *tty = get_current_tty();
	u32 number = tty ? new_encode_dev(tty_devnum(tty)) : 0;

	tty_kref_put(tty);
	return number;
}

static void process_fill(struct fim_process *process)
{
	const struct cred *cred = current_cred();

	memset(process, 0, sizeof(*process));
	process->cap_effective = fim_compat_cap(&cred->cap_effective);
	process->cap_permitted = fim_compat_cap(&cred->cap_permitted);
	process->cap_bounding = fim_compat_cap(&cred->cap_bset);
	process->user_ns = cred->user_ns->ns.inum;
	process->session = task_session_nr_ns(current, &init_pid_ns);
	process->pgid = task_pgrp_nr_ns(current, &init_pid_ns);
	process->tty = tty_number();
	if (task_no_new_privs(current))
		process->flags |= FIM_PROC_NO_NEW_PRIVS;
#ifdef CONFIG_SECCOMP
	if (current->seccomp.mode)
		process->flags |= FIM_PROC_SECCOMP;
#endif
}

/*
 * task_lock(), but not for ever: a process that is asked whether it may trace an
 * ancestor holds that lock already. Then the executable is not told.
 */
static struct file *exe_of(struct task_struct *task)
{
	struct file *exe = NULL;
	int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (!spin_trylock(&task->alloc_lock)) {
			cpu_relax();
			continue;
		}
		if (task->mm && !(task->flags & PF_KTHREAD))
			exe = fim_compat_mm_exe(task->mm);
		task_unlock(task);
		break;
	}
	return exe;
}

/* Called under RCU. */
static void ancestor_fill(struct fim_ancestor *ancestor, struct task_struct *task)
{
	struct file *exe;

	memset(ancestor, 0, sizeof(*ancestor));
	ancestor->start_ns = task->start_boottime;
	ancestor->tgid = task_tgid_nr(task);
	ancestor->uid = from_kuid(&init_user_ns, __task_cred(task)->uid);
	memcpy(ancestor->comm, task->comm, sizeof(ancestor->comm));
	exe = exe_of(task);
	if (!exe)
		return;
	ancestor->exe_ino = file_inode(exe)->i_ino;
	ancestor->exe_dev = new_encode_dev(file_inode(exe)->i_sb->s_dev);
	fput(exe);
}

static bool put_ancestors(struct fim_attrs *attrs)
{
	struct fim_ancestor *room =
		(void *)fim_attr_room(attrs, ANCESTORS_MAX * sizeof(struct fim_ancestor));
	struct task_struct *task;
	u32 count = 0;

	if (!room)
		return false;
	rcu_read_lock();
	task = rcu_dereference(current->real_parent);
	/* The idle task is everybody's first ancestor and its own. */
	while (task_tgid_nr(task) && count < ANCESTORS_MAX) {
		task = task->group_leader;
		ancestor_fill(&room[count++], task);
		task = rcu_dereference(task->real_parent);
	}
	rcu_read_unlock();
	fim_attr_commit(attrs, FIM_ATTR_ANCESTORS, count * sizeof(*room));
	return true;
}

bool fim_process_put(struct fim_attrs *attrs)
{
	struct fim_process process;
	unsigned long start, len;

	process_fill(&process);
	len = args_find(&start);
	process.args_len = min_t(unsigned long, len, U32_MAX);
	if (len)
		process.flags |= put_args(attrs, start, len);
	return fim_attr_put(attrs, FIM_ATTR_PROCESS, &process, sizeof(process)) &
	       put_ancestors(attrs);
}
