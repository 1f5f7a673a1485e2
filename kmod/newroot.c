// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the rules about new roots: directories that are watched in each of them
 * ("etc", "usr/bin"), without asking the reader first. Every runtime makes a
 * container's root with pivot_root(2), well before the container's first
 * instruction.
 *
 * The hook is called before the operation and may not sleep: it notes the root,
 * and a worker adds the watches. Between pivot_root(2) and execve(2) a runtime
 * has more to do than the worker; but nothing makes it wait.
 *
 * An item pins its mount and dentry for as long as the worker takes.
 *
 * lock protects the list. Hooks take it; nothing sleeps under it. rules_mutex
 * protects the rules.
 */
#include <linux/fs_struct.h>
#include <linux/list.h>
#include <linux/magic.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "ecs_fim.h"

#define ITEMS_MAX 256
/* What is left of FIM_WATCHES_MAX is the reader's: who may make roots must not use it up. */
#define BY_RULE_MAX (FIM_WATCHES_MAX / 2)

struct item {
	struct list_head list;
	struct path path;
	struct fim_actor actor;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(items);
static unsigned int items_count;
static DEFINE_MUTEX(rules_mutex);
static char rules[FIM_ROOT_RULES_MAX][FIM_ROOT_RULE_PATH_MAX];
static unsigned int rules_count;

static void add_watches(struct work_struct *work);
static DECLARE_WORK(add_work, add_watches);

/* Components of letters, no "." or "..": it names something below the root. */
static bool is_relative(const char *path)
{
	const char *at = path;

	for (;;) {
		size_t len = strcspn(at, "/");

		if (!len || (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.'))))
			return false;
		if (!at[len])
			return true;
		at += len + 1;
	}
}

int fim_newroot_rule_add(const struct fim_root_rule *rule)
{
	unsigned int i;
	int err = 0;

	if (strnlen(rule->path, sizeof(rule->path)) == sizeof(rule->path) ||
	    !is_relative(rule->path))
		return -EINVAL;
	mutex_lock(&rules_mutex);
	for (i = 0; i < rules_count; i++) {
		if (!strcmp(rules[i], rule->path))
			err = -EEXIST;
	}
	if (!err && rules_count == FIM_ROOT_RULES_MAX)
		err = -ENOSPC;
	if (!err) {
		strscpy(rules[rules_count], rule->path, FIM_ROOT_RULE_PATH_MAX);
		WRITE_ONCE(rules_count, rules_count + 1);
	}
	mutex_unlock(&rules_mutex);
	return err;
}

/*
 * Engines unpack images in a root of their own, too: on the filesystem below the
 * overlays, and without a process id namespace.
 */
static bool is_containers(const struct path *root)
{
	return root->dentry->d_sb->s_magic == OVERLAYFS_SUPER_MAGIC ||
	       task_active_pid_ns(current) != &init_pid_ns;
}

void fim_newroot_note(const struct path *root)
{
	struct item *item;

	if (!READ_ONCE(rules_count) || !is_containers(root))
		return;
	item = READ_ONCE(items_count) < ITEMS_MAX
		       ? kzalloc(sizeof(*item), GFP_NOWAIT | __GFP_NOWARN)
		       : NULL;
	if (!item) {
		atomic64_inc(&fim_counters.later_missed);
		fim_event_state(FIM_STATE_ROOT_MISSED, 0, ENOMEM, NULL);
		return;
	}
	path_get(root);
	item->path = *root;
	fim_actor_now(&item->actor);
	spin_lock(&lock);
	list_add_tail(&item->list, &items);
	items_count++;
	spin_unlock(&lock);
	queue_work(system_highpri_wq, &add_work);
}

struct path fim_newroot_host(void)
{
	struct task_struct *init = init_pid_ns.child_reaper;
	struct path hosts = {};

	task_lock(init);
	if (init->fs)
		get_fs_root(init->fs, &hosts);
	task_unlock(init);
	return hosts;
}

/* A service with mounts of its own has the host's root all the same. */
static bool is_hosts(const struct path *root)
{
	struct path hosts = fim_newroot_host();
	bool same;

	same = hosts.dentry == root->dentry;
	path_put(&hosts);
	return same;
}

static void add_watch(const struct item *item, const char *rule)
{
	struct fim_watch watch = {};
	struct path path;
	int err;

	/* What is mounted there is not the root's: that has its own place. */
	err = vfs_path_lookup(item->path.dentry, item->path.mnt, rule,
			      LOOKUP_DIRECTORY | LOOKUP_NO_XDEV, &path);
	if (err == -ENOENT || err == -ENOTDIR || err == -EXDEV)
		return;
	if (!err) {
		err = fim_watch_count() < BY_RULE_MAX
			      ? fim_watch_add_path(&path, &item->actor, &watch)
			      : -ENOSPC;
		path_put(&path);
	}
	if (err && err != -EEXIST)
		fim_event_state(FIM_STATE_ROOT_MISSED, 0, -err, &item->actor);
}

static void add_watches(struct work_struct *work)
{
	struct item *item, *next;
	unsigned int i;
	LIST_HEAD(taken);

	spin_lock(&lock);
	list_splice_init(&items, &taken);
	items_count = 0;
	spin_unlock(&lock);
	list_for_each_entry_safe(item, next, &taken, list) {
		mutex_lock(&rules_mutex);
		if (fim_tree_is_walkable(item->path.dentry->d_sb) && !is_hosts(&item->path))
			for (i = 0; i < rules_count; i++)
				add_watch(item, rules[i]);
		mutex_unlock(&rules_mutex);
		path_put(&item->path);
		kfree(item);
	}
}

/* Hooks are gone: nothing is queued any more. */
void fim_newroot_exit(void)
{
	flush_work(&add_work);
}
