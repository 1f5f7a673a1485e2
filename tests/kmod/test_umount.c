// SPDX-License-Identifier: GPL-2.0-only
/*
 * File systems that are unmounted while they are watched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

static int act_shell(void *arg)
{
	return system(arg) != 0;
}

static void run(const char *command)
{
	if (in_child(act_shell, (void *)command))
		bail("failed: %s", command);
}

static void check_umount(int fd, const char *what, const char *mount_it)
{
	struct fim_info info;
	struct event *e;
	int top, sub;

	run(mount_it);
	run("mkdir mnt/sub mnt/other");
	top = watch_add(fd, "mnt");
	sub = watch_add(fd, "mnt/sub");
	if (top <= 0 || sub <= 0)
		bail("%s: cannot watch: %d %d", what, top, sub);
	drain(fd, &events);
	events_clear(&events);
	run("echo 1 >mnt/file; echo 2 >mnt/sub/file");
	drain(fd, &events);
	e = find(&events, FIM_OP_CREATE, 0);
	check(events.count == 4 && e && e->ev.watch_id == (uint32_t)top &&
		      !strcmp(e->fs_path, "/file") && !HAS(e, FIM_ATTR_VIEW_PATH),
	      fmt("%s: paths begin at the file system's root", what));
	e = find(&events, FIM_OP_WRITE, 1);
	check(e && e->ev.watch_id == (uint32_t)sub && strstr(e->view_path, "/mnt/sub/file"),
	      fmt("%s: an open file tells the path with its mount", what));
	events_clear(&events);
	ok(!umount("mnt"), "%s: a watch does not keep it mounted", what);
	drain(fd, &events);
	check(events.count == 2 && events.events[0].rec.type == FIM_REC_STATE &&
		      events.events[0].state.state == FIM_STATE_WATCH_GONE &&
		      events.events[1].state.state == FIM_STATE_WATCH_GONE &&
		      events.events[0].state.watch_id + events.events[1].state.watch_id ==
			      (uint32_t)(top + sub) &&
		      !events.events[0].state.actor.tgid,
	      fmt("%s: its watches are gone, and the reader is told", what));
	info_get(fd, &info);
	ok(!info.watches, "%s: no watch is left", what);
	ok(watch_del(fd, top) == -ENOENT, "%s: the watch cannot be deleted any more", what);
	events_clear(&events);
}

/* Milliseconds until nobody has the device but who asks for it. */
static int ms_until_free(const char *device)
{
	int ms, fd;

	for (ms = 0; ms < 5000; ms++) {
		fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			return ms;
		}
		usleep(1000);
	}
	return ms;
}

/*
 * What was only tried is looked at for a second, and what is looked at pins its file
 * system: not longer than somebody has it mounted.
 */
static void check_free(int fd)
{
	char device[64];
	FILE *pipe;
	int ms;

	run("rm -f img; truncate -s 8M img && mkfs.ext4 -qF img && mount -o loop img mnt");
	pipe = popen("losetup -nO NAME -j img", "r");
	if (!pipe || fscanf(pipe, "%63s", device) != 1)
		bail("no loop device");
	pclose(pipe);
	if (watch_add(fd, "mnt") <= 0)
		bail("cannot watch");
	run("touch mnt/file && mount -o remount,ro mnt");
	/* It refuses, after its hook. */
	run("! chattr +i mnt/file 2>/dev/null");
	ok(!umount("mnt"), "a refused chattr does not keep it mounted");
	ms = ms_until_free(device);
	ok(ms < 100, "and its device is free then: after %d ms", ms);
	drain(fd, &events);
	events_clear(&events);
}

/* The watch is added, goes with the mount or by itself, in any order. */
static void check_race(int fd)
{
	int i, id, status, added = 0;
	pid_t pid;

	for (i = 0; i < 40; i++) {
		run("mount -t tmpfs tmpfs mnt && mkdir mnt/sub");
		pid = fork();
		if (!pid) {
			usleep(i % 8 * 50);
			_exit(umount2("mnt", MNT_DETACH));
		}
		id = watch_add(fd, "mnt/sub");
		added += id > 0;
		if (i % 3 == 0 && id > 0)
			watch_del(fd, id);
		else if (i % 3 == 1)
			rmdir("mnt/sub");
		if (waitpid(pid, &status, 0) != pid || status)
			bail("umount failed: %d", status);
		rmdir("mnt/sub");
		drain(fd, &events);
		events_clear(&events);
	}
	note("%d of %d watches were added in time", added, i);
	ok(true, "watches are added, deleted and lost while the file system goes");
}

int main(void)
{
	struct fim_info info;
	int fd = device_open();

	workdir();
	if (mkdir("mnt", 0755))
		bail("mkdir: %s", strerror(errno));
	check_umount(fd, "tmpfs", "mount -t tmpfs tmpfs mnt");
	check_umount(fd, "ext4",
		     "dd if=/dev/zero of=img bs=1M count=8 status=none && mkfs.ext4 -q img &&"
		     "mount -o loop img mnt && rmdir mnt/lost+found");
	check_umount(fd, "ext4 again",
		     "mkfs.ext4 -qF img && mount -o loop img mnt && rmdir mnt/lost+found");
	if (!system("command -v mkfs.xfs >/dev/null && "
		    "{ modprobe -q xfs || grep -qw xfs /proc/filesystems; }"))
		check_umount(fd, "xfs",
			     "rm img && truncate -s 400M img && mkfs.xfs -q img &&"
			     "mount -o loop img mnt");
	else
		skip("not in this kernel", "xfs");
	check_free(fd);
	check_race(fd);
	usleep(200000);
	info_get(fd, &info);
	ok(!info.watches, "no watch is left");
	return done();
}
