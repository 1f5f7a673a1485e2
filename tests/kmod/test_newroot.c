// SPDX-License-Identifier: GPL-2.0-only
/*
 * New roots: what the module watches by rule, before anybody asks for it. A root is
 * made as a container runtime makes it, on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

static void forget(int fd)
{
	drain(fd, &events);
	events_clear(&events);
}

static int rule_add(int fd, const char *path)
{
	struct fim_root_rule rule = {.size = sizeof(rule)};

	memcpy(rule.path, path, strnlen(path, sizeof(rule.path)));
	return ioctl(fd, FIM_IOC_RULE_ADD, &rule) ? -errno : 0;
}

static void check_rules(int fd)
{
	static const char *const bad[] = {"",	   "/",	       "/etc", "etc/",	 "usr//bin", ".",
					  "./etc", "usr/../x", "..",   "etc/..", "usr/./bin"};
	char name[FIM_ROOT_RULE_PATH_MAX + 1];
	struct fim_root_rule rule = {.size = sizeof(rule), .flags = 1, .path = "etc"};
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(rule_add(fd, bad[i]) == -EINVAL, "no rule: '%s'", bad[i]);
	memset(name, 'a', sizeof(name));
	ok(rule_add(fd, name) == -EINVAL, "no rule: a path without an end");
	ok(ioctl(fd, FIM_IOC_RULE_ADD, &rule) && errno == EINVAL, "no rule: unknown flags");
	rule.size = sizeof(rule) - 1;
	ok(ioctl(fd, FIM_IOC_RULE_ADD, &rule) && errno == EINVAL, "no rule: a size too small");
	ok(rule_add(fd, "etc") == -EEXIST && rule_add(fd, "usr/bin") == -EEXIST,
	   "rules outlive the reader: EEXIST");
	for (n = 2; n < FIM_ROOT_RULES_MAX; n++) {
		if (rule_add(fd, fmt("other%d", n)))
			break;
	}
	ok(n == FIM_ROOT_RULES_MAX && rule_add(fd, "more") == -ENOSPC, "too many rules: ENOSPC");
}

static void make_root(const char *root)
{
	if (system(fmt(
		    "rm -rf %s && mkdir -p %s/etc %s/usr/bin && echo 1 >%s/etc/file && chmod 755 . %s",
		    root, root, root, root, root)))
		bail("cannot make %s", root);
}

static int pivot(const char *root)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount(root, root, NULL, MS_BIND | MS_REC, NULL) || chdir(root) ||
	       syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/");
}

/* A runtime has more to do, too, before it starts the program. */
static int act_root(void *arg)
{
	int fd;

	if (pivot(arg))
		return 1;
	usleep(300000);
	fd = open("/usr/bin/x", O_WRONLY | O_CREAT, 0755);
	return write(fd, "x", 1) != 1 || close(fd) || chmod("/etc/file", 0600) ||
	       mkdir("/tmp", 0755);
}

static int act_pivot(void *arg)
{
	return pivot(arg);
}

static int act_container(void *arg)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return 1;
	pid = fork();
	if (!pid)
		_exit(act_root(arg));
	return waitpid(pid, &status, 0) != pid || status;
}

static unsigned int count_states(unsigned int state)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < events.count; i++)
		count += events.events[i].rec.type == FIM_REC_STATE &&
			 events.events[i].state.state == state;
	return count;
}

/* Nobody added a watch: what is done in the root is told all the same, and nothing twice. */
static void check_root(int fd, const char *root, int (*act)(void *), const char *what)
{
	struct event *added, *create, *mode;
	int id;

	forget(fd);
	if (in_child(act, (void *)root))
		bail("%s: failed", what);
	drain(fd, &events);
	added = find_state(&events, FIM_STATE_WATCH_ADDED);
	create = find(&events, FIM_OP_CREATE, 0);
	mode = find(&events, FIM_OP_MODE, 0);
	check(added && count_states(FIM_STATE_WATCH_ADDED) == 2 &&
		      !count_states(FIM_STATE_ROOT_MISSED),
	      fmt("%s: both directories are watched", what));
	check(added && create && added->state.actor.tgid == create->ev.actor.tgid,
	      fmt("%s: the watch tells who made the root", what));
	check(create && !strcmp(create->view_path, "/usr/bin/x") && create->ev.depth == 1,
	      fmt("%s: a new file is told", what));
	check(mode && !strcmp(mode->view_path, "/etc/file") &&
		      mode->ev.watch_id != create->ev.watch_id,
	      fmt("%s: a change in the other", what));
	check(!find(&events, FIM_OP_MKDIR, 0), fmt("%s: nothing of the rest", what));
	id = watch_add(fd, fmt("%s/etc", root));
	check(id == -EEXIST, fmt("%s: the reader finds it watched already", what));
}

static int act_hosts(void *arg)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("/", arg, NULL, MS_BIND | MS_REC, NULL) || chdir(arg) ||
	       syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/");
}

/* A service of the host with mounts of its own: its root is the host's. */
static void check_hosts_root(int fd)
{
	struct stat ours, hosts;

	if (stat("/", &ours) || stat("/proc/1/root", &hosts))
		bail("stat: %s", strerror(errno));
	if (ours.st_dev != hosts.st_dev) {
		skip("this program's root is not pid 1's", "the root of pid 1");
		return;
	}
	if (mkdir("hosts", 0755))
		bail("mkdir: %s", strerror(errno));
	forget(fd);
	if (in_child(act_hosts, (void *)fmt("%s/hosts", dir)))
		bail("the host's root: failed");
	drain_settled(fd, &events);
	check(!find_state(&events, FIM_STATE_WATCH_ADDED), "the root of pid 1 is no new one");
}

/* Whoever made the root may have made a link of it. */
static void check_link(int fd)
{
	char root[4096];

	snprintf(root, sizeof(root), "%s/linked", dir);
	if (system(fmt(
		    "mkdir -p linked/usr/bin outside && ln -s ../../../../../../../..%s/outside linked/etc",
		    dir)))
		bail("cannot make %s", root);
	forget(fd);
	if (in_child(act_container, root) == 0)
		bail("a link: /etc/file is there");
	drain_settled(fd, &events);
	check(count_states(FIM_STATE_WATCH_ADDED) == 1, "a link does not lead out of the root");
}

static void check_plain(int fd)
{
	char root[4096];

	snprintf(root, sizeof(root), "%s/plain", dir);
	make_root(root);
	forget(fd);
	if (in_child(act_pivot, root))
		bail("a directory as root: failed");
	drain_settled(fd, &events);
	check(!find_state(&events, FIM_STATE_WATCH_ADDED),
	      "a directory as root, as who unpacks an image does: it is no container");
	check_root(fd, root, act_container, "a directory as root");
}

/* As Docker does for a container. */
static void check_overlay(int fd)
{
	char root[4096];

	make_root("lower");
	snprintf(root, sizeof(root), "%s/merged", dir);
	if (system("mkdir -p merged work && mount -t tmpfs tmpfs work && mkdir work/u work/w") ||
	    mount("overlay", "merged", "overlay", 0,
		  fmt("lowerdir=%s/lower,upperdir=%s/work/u,workdir=%s/work/w", dir, dir, dir))) {
		skip(strerror(errno), "overlay");
		return;
	}
	check_root(fd, root, act_root, "an overlay as root");
	forget(fd);
	ok(!umount("merged"), "the overlay is not kept busy");
	drain_settled(fd, &events);
	check(count_states(FIM_STATE_WATCH_GONE) == 2, "its watches go with it");
	umount("work");
}

int main(void)
{
	struct fim_info info;
	int fd = device_open();

	info_get(fd, &info);
	ok(info.features & FIM_FEATURE_ROOT_HOOK, "the hook is there");
	dir = workdir();
	make_root("unruled");
	forget(fd);
	if (in_child(act_pivot, (void *)fmt("%s/unruled", dir)))
		bail("without rules: failed");
	drain_settled(fd, &events);
	check(!find_state(&events, FIM_STATE_WATCH_ADDED), "without rules nothing is watched");
	if (rule_add(fd, "etc") || rule_add(fd, "usr/bin"))
		bail("no rules: %s", strerror(errno));
	check_plain(fd);
	check_overlay(fd);
	check_link(fd);
	check_hosts_root(fd);
	close(fd);
	fd = device_open();
	check_rules(fd);
	return done();
}
