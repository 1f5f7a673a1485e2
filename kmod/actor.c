// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what is told about the process that does something: always current.
 *
 * Called from hooks (no sleeping) and from fsnotify, also on behalf of exiting
 * processes: mm, fs and nsproxy may be NULL and are looked at once each.
 */
#include <linux/audit.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/namei.h>
#include <linux/ns_common.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uidgid.h>

#include "compat.h"
#include "ecs_fim.h"

/* Longer cgroup paths are cut; Docker and ECS stay below 256. */
#define CGROUP_PATH_MAX 2048

/*
 * struct mnt_namespace is private to fs/. Its ns_common is found once, through
 * the inode of /proc/self/ns/mnt; -1 means unknown.
 */
static long mnt_ns_offset __ro_after_init = -1;

void __init fim_actor_init(void)
{
	struct ns_common *ns;
	struct inode *inode;
	struct path path;
	long offset;

	if (kern_path("/proc/self/ns/mnt", LOOKUP_FOLLOW, &path))
		return;
	inode = d_inode(path.dentry);
	ns = inode->i_private;
	offset = (long)ns - (long)current->nsproxy->mnt_ns;
	/* It is embedded, so it cannot be far. */
	if (offset >= 0 && offset < 512 && ns->inum == inode->i_ino)
		mnt_ns_offset = offset;
	path_put(&path);
}

static u32 mnt_ns_inum(void)
{
	struct nsproxy *nsproxy = current->nsproxy;
	struct ns_common *ns;

	if (!nsproxy || mnt_ns_offset < 0)
		return 0;
	ns = (void *)((long)nsproxy->mnt_ns + mnt_ns_offset);
	return ns->inum;
}

/* The name of a thread is padded and ends in NUL; it may change while it is read. */
void fim_actor_comm(struct fim_actor *actor)
{
	BUILD_BUG_ON(sizeof(actor->comm) != TASK_COMM_LEN);
	memcpy(actor->comm, current->comm, sizeof(actor->comm));
	actor->comm[sizeof(actor->comm) - 1] = '\0';
}

static void fill_task(struct fim_actor *actor)
{
	struct task_struct *task = current;
	struct pid_namespace *pid_ns;

	rcu_read_lock();
	actor->start_ns = task->group_leader->start_boottime;
	actor->ppid = task_tgid_nr(rcu_dereference(task->real_parent));
	actor->cgroup_id = cgroup_id(task_dfl_cgroup(task));
	rcu_read_unlock();
	actor->pid = task_pid_nr(task);
	actor->tgid = task_tgid_nr(task);
	actor->vpid = task_tgid_vnr(task);
	pid_ns = task_active_pid_ns(task);
	if (pid_ns)
		actor->pid_ns = pid_ns->ns.inum;
	actor->mnt_ns = mnt_ns_inum();
	fim_actor_comm(actor);
}

static void fill_cred(struct fim_actor *actor)
{
	const struct cred *cred = current_cred();

	actor->uid = from_kuid(&init_user_ns, cred->uid);
	actor->gid = from_kgid(&init_user_ns, cred->gid);
	actor->euid = from_kuid(&init_user_ns, cred->euid);
	actor->egid = from_kgid(&init_user_ns, cred->egid);
	actor->loginuid = from_kuid(&init_user_ns, audit_get_loginuid(current));
	actor->sessionid = audit_get_sessionid(current);
}

struct file *fim_actor_exe(void)
{
	struct mm_struct *mm = current->mm;

	if (!mm || current->flags & PF_KTHREAD)
		return NULL;
	return fim_compat_mm_exe(mm);
}

void fim_actor_fill(struct fim_actor *actor, struct file *exe)
{
	memset(actor, 0, sizeof(*actor));
	fill_task(actor);
	fill_cred(actor);
	if (exe) {
		actor->exe_ino = file_inode(exe)->i_ino;
		actor->exe_dev = new_encode_dev(file_inode(exe)->i_sb->s_dev);
	}
}

void fim_actor_now(struct fim_actor *actor)
{
	struct file *exe = fim_actor_exe();

	fim_actor_fill(actor, exe);
	if (exe)
		fput(exe);
}

/*
 * The default hierarchy, unless the process is at its root: then the first v1
 * hierarchy in which it is not. Called under RCU.
 */
static struct cgroup *current_cgroup(void)
{
	struct css_set *set = task_css_set(current);
	struct cgroup *cgroup = set->dfl_cgrp;
	int i;

	if (cgroup_parent(cgroup))
		return cgroup;
	for (i = 0; i < CGROUP_SUBSYS_COUNT; i++) {
		if (set->subsys[i] && cgroup_parent(set->subsys[i]->cgroup))
			return set->subsys[i]->cgroup;
	}
	return cgroup;
}

static bool put_cgroup(struct fim_attrs *attrs)
{
	char *room = fim_attr_room(attrs, CGROUP_PATH_MAX);
	int len;

	if (!room)
		return false;
	rcu_read_lock();
	len = cgroup_path(current_cgroup(), room, CGROUP_PATH_MAX);
	rcu_read_unlock();
	/* The length it would have had, or -E2BIG, depending on the kernel. */
	if (len < 0 || len >= CGROUP_PATH_MAX) {
		len = strnlen(room, CGROUP_PATH_MAX - 1);
		fim_attr_commit(attrs, FIM_ATTR_CGROUP, len);
		return false;
	}
	fim_attr_commit(attrs, FIM_ATTR_CGROUP, len);
	return true;
}

static bool put_parent_comm(struct fim_attrs *attrs)
{
	char comm[TASK_COMM_LEN];

	rcu_read_lock();
	memcpy(comm, rcu_dereference(current->real_parent)->comm, sizeof(comm));
	rcu_read_unlock();
	return fim_attr_put(attrs, FIM_ATTR_PARENT_COMM, comm, strnlen(comm, sizeof(comm)));
}

bool fim_actor_strings(struct fim_attrs *attrs, struct file *exe)
{
	bool whole = !exe || fim_path_open(attrs, FIM_ATTR_EXE, &exe->f_path);

	whole &= put_cgroup(attrs);
	whole &= put_parent_comm(attrs);
	whole &= fim_process_put(attrs);
	return whole;
}
