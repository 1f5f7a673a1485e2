// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes with another view of the files than ours: chroot, mount, pid and
 * user namespaces, overlay file systems. Namespaces made by hand, as a
 * container runtime makes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
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

/* What a process inside does to /etc/file, by names of its own. */
static int act_inside(void)
{
	int fd = open("/etc/file", O_WRONLY | O_APPEND);

	return write(fd, "x", 1) != 1 || close(fd) || chmod("/etc/file", 0640) ||
	       mkdir("/etc/dir", 0755) || rename("/etc/dir", "/etc/dir2") || rmdir("/etc/dir2") ||
	       unlink("/etc/file");
}

static int act_chroot(void *arg)
{
	return chroot(arg) || chdir("/") || act_inside();
}

static int act_inside_namespaces(void *arg)
{
	/* As runc does: its own mounts, the root replaced, the old one gone. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(arg, arg, NULL, MS_BIND, NULL) || chdir(arg) ||
	    syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return 1;
	return act_inside();
}

static int act_namespaces(void *arg)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID))
		return 1;
	pid = fork();
	if (!pid)
		_exit(act_inside_namespaces(arg));
	return waitpid(pid, &status, 0) != pid || status;
}

/* The container's root is mounted on itself and the old one lifted: not what this is about. */
static void drop_mounts(void)
{
	size_t i, kept = 0;

	for (i = 0; i < events.count; i++) {
		const struct event *e = &events.events[i];

		if (e->rec.type != FIM_REC_EVENT ||
		    (e->ev.op != FIM_OP_MOUNT && e->ev.op != FIM_OP_UMOUNT))
			events.events[kept++] = *e;
	}
	events.count = kept;
}

/* The events of act_inside(): file system path below @fs, view path as inside. */
static bool is_view_from_inside(const char *fs)
{
	static const struct {
		unsigned int op;
		const char *path;
		const char *old;
	} expect[] = {
		{FIM_OP_WRITE, "/etc/file", ""}, {FIM_OP_MODE, "/etc/file", ""},
		{FIM_OP_MKDIR, "/etc/dir", ""},	 {FIM_OP_RENAME, "/etc/dir2", "/etc/dir"},
		{FIM_OP_RMDIR, "/etc/dir2", ""}, {FIM_OP_DELETE, "/etc/file", ""},
	};
	size_t i;

	drop_mounts();
	if (events.count != ARRAY_SIZE(expect))
		return false;
	for (i = 0; i < ARRAY_SIZE(expect); i++) {
		const struct event *e = &events.events[i];

		if (e->ev.op != expect[i].op || strcmp(e->view_path, expect[i].path) ||
		    strcmp(e->fs_path, fmt("%s%s", fs, expect[i].path)) ||
		    strcmp(e->old_view_path, expect[i].old) || e->ev.depth != 2)
			return false;
		if (expect[i].old[0] && strcmp(e->old_fs_path, fmt("%s%s", fs, expect[i].old)))
			return false;
	}
	return true;
}

static void make_root(const char *root)
{
	if (system(fmt("rm -rf %s && mkdir -p %s/etc && echo 1 >%s/etc/file && chmod 755 . %s",
		       root, root, root, root)))
		bail("cannot make %s", root);
}

static void check_chroot(int fd)
{
	int id;

	make_root("root");
	id = watch_add(fd, "root");
	forget(fd);
	if (in_child(act_chroot, "root"))
		bail("chroot failed");
	drain(fd, &events);
	check(is_view_from_inside(fmt("%s/root", dir)),
	      "in a chroot: both paths, its own and that of the file system");
	watch_del(fd, id);
}

static bool all_from_namespaces(void)
{
	struct stat mnt, pid;
	size_t i;

	if (stat("/proc/self/ns/mnt", &mnt) || stat("/proc/self/ns/pid", &pid))
		return false;
	for (i = 0; i < events.count; i++) {
		const struct fim_actor *a = &events.events[i].ev.actor;

		if (a->vpid != 1 || a->tgid == 1 || !a->mnt_ns || a->mnt_ns == mnt.st_ino ||
		    !a->pid_ns || a->pid_ns == pid.st_ino)
			return false;
	}
	return i > 0;
}

static void check_namespaces(int fd)
{
	int id;

	make_root("root");
	id = watch_add(fd, "root");
	forget(fd);
	if (in_child(act_namespaces, "root"))
		bail("namespaces failed");
	drain(fd, &events);
	check(is_view_from_inside(fmt("%s/root", dir)),
	      "in a mount namespace of its own: both paths");
	check(all_from_namespaces(), "pid 1 of a pid namespace: both pids, and the namespaces");
	watch_del(fd, id);
}

static int act_user_namespace(void *arg)
{
	FILE *map;

	(void)arg;
	/* setuid() makes /proc/self root's; its own again, to write the map */
	if (setgid(1234) || setuid(1234) || prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		return 1;
	map = fopen("/proc/self/uid_map", "w");
	if (!map || fprintf(map, "0 1234 1") < 0 || fclose(map) || getuid())
		return 1;
	return mkdir("pub/dir", 0755);
}

static void check_user_namespace(int fd)
{
	struct event *e;
	int id;

	if (mkdir("pub", 0777) || chmod("pub", 0777))
		bail("mkdir: %s", strerror(errno));
	id = watch_add(fd, "pub");
	forget(fd);
	if (in_child(act_user_namespace, NULL))
		bail("user namespace failed");
	drain(fd, &events);
	e = find(&events, FIM_OP_MKDIR, 0);
	check(events.count == 1 && e && e->ev.actor.uid == 1234 && e->ev.actor.euid == 1234 &&
		      e->ev.actor.gid == 1234,
	      "root of a user namespace is who he is on the host");
	watch_del(fd, id);
}

/* The overlay is mounted below merged, as Docker does for a container. */
static void check_overlay(int fd)
{
	char merged[4096];
	struct event *e;
	int id;

	make_root("lower");
	snprintf(merged, sizeof(merged), "%s/merged", dir);
	if (system("mkdir -p merged upper work && mount -t tmpfs tmpfs work && mkdir work/u work/w") ||
	    mount("overlay", "merged", "overlay", 0,
		  fmt("lowerdir=%s/lower,upperdir=%s/work/u,workdir=%s/work/w", dir, dir, dir))) {
		skip(strerror(errno), "overlay");
		return;
	}
	id = watch_add(fd, "merged");
	ok(id > 0, "the root of an overlay can be watched");
	forget(fd);
	if (in_child(act_namespaces, merged))
		bail("in the overlay: failed");
	drain(fd, &events);
	check(is_view_from_inside(""), "in an overlay: its paths, through copy-up and whiteout");
	check(all_from_namespaces(), "in an overlay: the actor");
	e = find(&events, FIM_OP_WRITE, 0);
	check(e && e->ev.flags == (FIM_EV_ACTOR_OPENER | FIM_EV_MODIFIED) && e->ev.size == 3,
	      "in an overlay: a write is settled by who opened it");
	watch_del(fd, id);
	umount("merged");
	umount("work");
}

static int act_bind(void *arg)
{
	int fd;

	(void)arg;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("root", "/mnt", NULL, MS_BIND, NULL) || chdir("/"))
		return 1;
	fd = open("/mnt/etc/file", O_WRONLY);
	return write(fd, "x", 1) != 1 || close(fd);
}

static void check_volume(int fd)
{
	struct event *e;
	int id;

	make_root("root");
	id = watch_add(fd, "root");
	forget(fd);
	if (in_child(act_bind, NULL))
		bail("bind mount failed");
	drain(fd, &events);
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 1 && e && !strcmp(e->view_path, "/mnt/etc/file") &&
		      !strcmp(e->fs_path, fmt("%s/root/etc/file", dir)),
	      "through a volume: both paths");
	watch_del(fd, id);
}

static int act_in_cgroup(void *arg)
{
	FILE *procs = fopen(arg, "w");

	return !procs || fprintf(procs, "0") < 0 || fclose(procs) || mkdir("root/new", 0755) ||
	       rmdir("root/new");
}

static void check_one_cgroup(int fd, const char *dir_of, const char *path, const char *name)
{
	struct event *e;
	struct stat st;
	int id;

	make_root("root");
	if (mkdir(dir_of, 0755) || stat(dir_of, &st))
		bail("%s: %s", dir_of, strerror(errno));
	id = watch_add(fd, "root");
	forget(fd);
	if (in_child(act_in_cgroup, (void *)fmt("%s/cgroup.procs", dir_of)))
		bail("%s: cannot enter the cgroup", name);
	drain(fd, &events);
	e = find(&events, FIM_OP_MKDIR, 0);
	check(e && !strcmp(e->cgroup, path), name);
	if (!strncmp(dir_of, "/sys/fs", 7))
		check(e && e->ev.actor.cgroup_id == st.st_ino,
		      "the cgroup's id is its inode number");
	watch_del(fd, id);
	rmdir(dir_of);
}

static void check_cgroups(int fd)
{
	check_one_cgroup(fd, "/sys/fs/cgroup/fimtest", "/fimtest", "the cgroup is told");
	if (mkdir("v1", 0755) || mount("cgroup", "v1", "cgroup", 0, "pids")) {
		skip(strerror(errno), "a cgroup of version 1");
		return;
	}
	check_one_cgroup(fd, "v1/old", "/old",
			 "a cgroup of version 1 is told if there is no other");
	umount("v1");
}

int main(void)
{
	int fd = device_open();

	dir = workdir();
	check_chroot(fd);
	check_namespaces(fd);
	check_user_namespace(fd);
	check_volume(fd);
	check_overlay(fd);
	check_cgroups(fd);
	return done();
}
