// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what was told lately about processes that do things: building it takes
 * longer than everything else about an event, and a process rarely does one.
 *
 * A small table, the current process's description in the slot of its task. It
 * is used again as long as nothing that can change what it says has changed, and
 * no longer than KEPT: what a process wrote over its arguments, or an ancestor
 * that ended, is told late by so much. Whoever holds a description keeps it;
 * the table may replace it at any time. Nothing of the process is pinned but its
 * credentials; pointers are compared, never followed.
 *
 * A slot's lock protects its pointer. Nothing sleeps here.
 */
#include <linux/audit.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "ecs_fim.h"

#define SLOT_BITS 8
#define KEPT	  HZ

/* All strings together; beyond, processes are told without. */
#define STRINGS_MAX (16 << 20)

static struct slot {
	spinlock_t lock;
	struct fim_who *who;
} slots[1 << SLOT_BITS];

static atomic_long_t strings_total = ATOMIC_LONG_INIT(0);

void fim_who_put(struct fim_who *who)
{
	if (!who || !refcount_dec_and_test(&who->users))
		return;
	atomic_long_sub(who->len, &strings_total);
	put_cred(who->key.cred);
	kfree(who);
}

static void key_fill(struct fim_who_key *key)
{
	struct task_struct *task = current, *parent;

	memset(key, 0, sizeof(*key));
	key->task = task;
	key->start = task->start_boottime;
	key->exec_id = READ_ONCE(task->self_exec_id);
	key->cred = current_cred();
	key->flags = task->atomic_flags;
#ifdef CONFIG_SECCOMP
	key->seccomp = task->seccomp.mode;
#endif
	key->loginuid = from_kuid(&init_user_ns, audit_get_loginuid(task));
	key->sessionid = audit_get_sessionid(task);
	rcu_read_lock();
	key->css_set = task_css_set(task);
	key->cgroup = cgroup_id(task_dfl_cgroup(task));
	parent = rcu_dereference(task->real_parent);
	key->parent = parent;
	key->parent_start = parent->start_boottime;
	rcu_read_unlock();
	key->session = task->signal->pids[PIDTYPE_SID];
	key->pgrp = task->signal->pids[PIDTYPE_PGID];
	key->tty = task->signal->tty;
	key->nsproxy = task->nsproxy;
	key->root = task->fs ? READ_ONCE(task->fs->root.dentry) : NULL;
	key->exe = task->mm ? rcu_access_pointer(task->mm->exe_file) : NULL;
}

/* By the word: memcmp() goes by the byte on some machines. */
static bool is_equal(const struct fim_who_key *a, const struct fim_who_key *b)
{
	const u64 *x = (const void *)a, *y = (const void *)b;
	u64 differs = 0;
	int i;

	BUILD_BUG_ON(sizeof(*a) % sizeof(*x));
	for (i = 0; i < sizeof(*a) / sizeof(*x); i++)
		differs |= x[i] ^ y[i];
	return !differs;
}

/* A process that exits has lost some of it: it is who it was. */
static bool is_same(const struct fim_who *who, struct fim_who_key *key)
{
	if (!key->exe && current->flags & PF_EXITING) {
		key->exe = who->key.exe;
		key->root = key->root ?: who->key.root;
		key->nsproxy = key->nsproxy ?: who->key.nsproxy;
		key->tty = who->key.tty;
	}
	return is_equal(&who->key, key) && time_before(jiffies, READ_ONCE(who->made) + KEPT);
}

static struct fim_who *who_new(const struct fim_who_key *key)
{
	struct fim_attrs attrs = {.buf = fim_buf_get(), .size = FIM_RECORD_MAX};
	struct file *exe = fim_actor_exe();
	struct fim_who *who;
	u32 flags = 0;

	if (!attrs.buf)
		flags = FIM_EV_ACTOR_PARTIAL;
	else if (!fim_actor_strings(&attrs, exe))
		flags = FIM_EV_TRUNCATED;
	if (atomic_long_add_return(attrs.len, &strings_total) > STRINGS_MAX) {
		atomic_long_sub(attrs.len, &strings_total);
		attrs.len = 0;
		flags = FIM_EV_ACTOR_PARTIAL;
	}
	who = kmalloc(sizeof(*who) + attrs.len, GFP_NOWAIT | __GFP_NOWARN);
	if (who) {
		refcount_set(&who->users, 1);
		who->key = *key;
		get_cred(key->cred);
		who->made = jiffies;
		who->flags = flags;
		who->len = attrs.len;
		fim_actor_fill(&who->actor, exe);
		memcpy(who->attrs, attrs.buf, attrs.len);
	} else {
		atomic_long_sub(attrs.len, &strings_total);
	}
	fim_buf_put(attrs.buf);
	if (exe)
		fput(exe);
	return who;
}

struct fim_who *fim_who_get(void)
{
	struct slot *slot = &slots[hash_ptr(current, SLOT_BITS)];
	struct fim_who *who, *old;
	struct fim_who_key key;

	key_fill(&key);
	spin_lock(&slot->lock);
	who = slot->who;
	if (who && is_same(who, &key))
		refcount_inc(&who->users);
	else
		who = NULL;
	spin_unlock(&slot->lock);
	if (who)
		return who;
	who = who_new(&key);
	if (!who)
		return NULL;
	refcount_inc(&who->users);
	spin_lock(&slot->lock);
	old = slot->who;
	slot->who = who;
	spin_unlock(&slot->lock);
	fim_who_put(old);
	return who;
}

void fim_who_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		spin_lock_init(&slots[i].lock);
}

void fim_who_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		fim_who_put(slots[i].who);
}
