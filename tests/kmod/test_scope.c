// SPDX-License-Identifier: GPL-2.0-only
/*
 * What belongs to which watch, and what to none: several watches, nested ones,
 * hard links, watches that end; and that nothing else is ever reported.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

static void tree(void)
{
	if (system("rm -rf w v o && mkdir -p w/in/deep v o && echo 0123 >w/file && echo x >w/in/file &&"
		   "ln w/file o/alias && echo o >o/file && chmod 755 ."))
		bail("cannot make the tree");
}

static int must_add(int fd, const char *path)
{
	int id = watch_add(fd, path);

	if (id <= 0)
		bail("watch %s: %s", path, strerror(-id));
	return id;
}

static void forget(int fd)
{
	drain(fd, &events);
	events_clear(&events);
}

/* A shell does it. */
static int act_shell(void *arg)
{
	return system(arg) != 0;
}

static void run(int fd, const char *command)
{
	forget(fd);
	if (in_child(act_shell, (void *)command))
		bail("failed: %s", command);
	drain(fd, &events);
}

static void check_two_watches(int fd)
{
	struct event *e, *f;
	int w, v;

	tree();
	w = must_add(fd, "w");
	v = must_add(fd, "v");
	ok(w > 0 && v > 0 && w != v, "two watches have two ids");
	run(fd, "mkdir w/one v/two");
	e = find(&events, FIM_OP_MKDIR, 0);
	f = find(&events, FIM_OP_MKDIR, 1);
	check(events.count == 2 && e && e->ev.watch_id == (uint32_t)w && f &&
		      f->ev.watch_id == (uint32_t)v,
	      "each watch has its events");
	run(fd, "mv w/one v/one");
	e = find(&events, FIM_OP_RENAME, 0);
	check(events.count == 1 && e && e->ev.watch_id == (uint32_t)v &&
		      e->ev.old_watch_id == (uint32_t)w && e->ev.depth == 1 && e->ev.old_depth == 1,
	      "a rename from one watch to another names both");
	watch_del(fd, w);
	run(fd, "mkdir w/three v/three");
	e = find(&events, FIM_OP_MKDIR, 0);
	check(count_ops(&events) == 1 && e && e->ev.watch_id == (uint32_t)v,
	      "a deleted watch has no events, the other still has");
	watch_del(fd, v);
}

static void check_nested(int fd)
{
	struct event *e;
	int outer, inner;

	tree();
	outer = must_add(fd, "w");
	inner = must_add(fd, "w/in");
	run(fd, "mkdir w/in/deep/est");
	e = find(&events, FIM_OP_MKDIR, 0);
	check(events.count == 1 && e && e->ev.watch_id == (uint32_t)inner && e->ev.depth == 2,
	      "of nested watches the inner one has the event");
	run(fd, "chmod 700 w/in");
	e = find(&events, FIM_OP_MODE, 0);
	check(events.count == 1 && e && e->ev.watch_id == (uint32_t)inner && e->ev.depth == 0,
	      "a watched directory belongs to its own watch");
	watch_del(fd, inner);
	run(fd, "mkdir w/in/deep/er");
	e = find(&events, FIM_OP_MKDIR, 0);
	check(events.count == 1 && e && e->ev.watch_id == (uint32_t)outer && e->ev.depth == 3,
	      "without the inner watch the outer one has the event");
	watch_del(fd, outer);
}

static void check_same_directory(int fd)
{
	struct fim_watch watch = {.size = sizeof(watch)};
	struct stat st;
	int id, pathfd;

	tree();
	pathfd = open("w", O_PATH | O_DIRECTORY);
	id = watch_add_fd(fd, pathfd);
	ok(id > 0, "a descriptor opened with O_PATH is enough");
	ok(watch_add(fd, "w/in/..") == -EEXIST, "a directory is watched once: EEXIST");
	ok(!mkdir("o/bind", 0755) && !mount("w", "o/bind", NULL, MS_BIND, NULL) &&
		   watch_add(fd, "o/bind") == -EEXIST,
	   "a directory reached through another mount is the same: EEXIST");
	close(pathfd);
	run(fd, "mkdir o/bind/sub");
	check(events.count == 1 && !strcmp(events.events[0].fs_path, fmt("%s/w/sub", dir)) &&
		      events.events[0].ev.watch_id == (uint32_t)id,
	      "what happens below another mount of the directory is seen");
	run(fd, "echo x >>o/bind/file");
	check(events.count == 1 && !strcmp(events.events[0].fs_path, fmt("%s/w/file", dir)) &&
		      !strcmp(events.events[0].view_path, fmt("%s/o/bind/file", dir)),
	      "an open file tells the path through the mount that was used");
	umount("o/bind");
	watch_del(fd, id);
	watch.fd = open("w", O_RDONLY);
	if (ioctl(fd, FIM_IOC_WATCH_ADD, &watch) || fstat(watch.fd, &st))
		bail("cannot watch");
	ok(watch.root.ino == st.st_ino && watch.root.dev == st.st_dev &&
		   (watch.root.fsid[0] || watch.root.fsid[1]),
	   "the identity of the directory is told");
	ok(watch.watch_id != (uint32_t)id, "an id is not used again");
	close(watch.fd);
	watch_del(fd, watch.watch_id);
}

static void check_aliases(int fd)
{
	struct event *e;
	int id;

	tree();
	id = must_add(fd, "w");
	run(fd, "echo more >>o/alias");
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 1 && e && e->ev.flags & FIM_EV_ALIAS && e->ev.depth == 1 &&
		      !strcmp(e->fs_path, fmt("%s/w/file", dir)) &&
		      !strcmp(e->view_path, fmt("%s/o/alias", dir)) && e->ev.nlink == 2,
	      "a write through a hard link outside is seen, with both names");
	run(fd, "chmod 600 o/alias");
	e = find(&events, FIM_OP_MODE, 0);
	check(events.count == 1 && e && e->ev.flags == FIM_EV_ALIAS &&
		      !strcmp(e->fs_path, fmt("%s/w/file", dir)) &&
		      !strcmp(e->view_path, fmt("%s/o/alias", dir)),
	      "chmod of a hard link outside is seen");
	run(fd, ": >o/alias");
	e = find(&events, FIM_OP_TRUNCATE, 0);
	check(events.count == 2 && e && e->ev.flags == (FIM_EV_ALIAS | FIM_EV_OPEN_FOR_WRITE) &&
		      find(&events, FIM_OP_WRITE, 0),
	      "truncation of a hard link outside is seen");
	run(fd, "ln w/file o/alias2");
	e = drain_until(fd, &events, FIM_REC_EVENT, FIM_OP_LINK);
	check(events.count == 1 && e && e->ev.flags == FIM_EV_ALIAS && e->ev.nlink == 3 &&
		      !strcmp(e->fs_path, fmt("%s/w/file", dir)) &&
		      !strcmp(e->view_path, fmt("%s/o/alias2", dir)),
	      "a hard link made outside is seen");
	run(fd, "rm o/alias2 o/alias");
	check(!events.count, "a name that goes outside is no event");
	run(fd, "echo x >>w/file");
	check(events.count == 1 && !(events.events[0].ev.flags & FIM_EV_ALIAS),
	      "the watched name is no alias");
	watch_del(fd, id);
}

static void check_end_of_watch(int fd)
{
	struct event *e;
	struct fim_info info;
	int id, dirfd;

	tree();
	if (mkdir("w/gone", 0755))
		bail("mkdir: %s", strerror(errno));
	id = must_add(fd, "w/gone");
	run(fd, "rmdir w/gone");
	e = drain_until(fd, &events, FIM_REC_STATE, FIM_STATE_WATCH_GONE);
	check(events.count == 1 && e && e->state.watch_id == (uint32_t)id && e->state.actor.ppid &&
		      !strcmp((char *)e->state.actor.comm, "rmdir"),
	      "rmdir of the watched directory says that the watch is gone, and who did it");
	ok(watch_del(fd, id) == -ENOENT, "a watch that is gone cannot be deleted");
	info_get(fd, &info);
	ok(!info.watches, "nor is it counted");

	if (mkdir("w/gone", 0755))
		bail("mkdir: %s", strerror(errno));
	dirfd = open("w/gone", O_RDONLY);
	id = must_add(fd, "w/gone");
	run(fd, "rmdir w/gone");
	e = find(&events, FIM_OP_RMDIR, 0);
	check(events.count == 1 && e && e->ev.watch_id == (uint32_t)id && !e->ev.depth &&
		      !strcmp(e->fs_path, fmt("%s/w/gone", dir)),
	      "rmdir of the watched directory while it is open is an event of its watch");
	ok(watch_add_fd(fd, dirfd) == -ENOENT, "a removed directory cannot be watched: ENOENT");
	close(dirfd);
	e = drain_until(fd, &events, FIM_REC_STATE, FIM_STATE_WATCH_GONE);
	check(events.count == 2 && e == &events.events[1] && e->state.watch_id == (uint32_t)id,
	      "the watch is gone with the last use of the directory");

	id = must_add(fd, "w");
	ok(watch_del(fd, id + 1) == -ENOENT && watch_del(fd, 0) == -ENOENT,
	   "no such watch: ENOENT");
	forget(fd);
	run(fd, "mkdir w/last");
	watch_del(fd, id);
	drain(fd, &events);
	e = find_state(&events, FIM_STATE_WATCH_REMOVED);
	check(events.count == 2 && e == &events.events[1] && e->state.watch_id == (uint32_t)id &&
		      e->state.actor.tgid == (uint32_t)getpid(),
	      "the last record of a watch says that it was removed, and by whom");
}

static int act_fail(void *arg)
{
	(void)arg;
	if (setgid(12345) || setuid(12345))
		return 1;
	return open("w/file", O_WRONLY) >= 0 || open("w/new", O_WRONLY | O_CREAT, 0600) >= 0 ||
	       unlink("w/file") == 0 || mkdir("w/new", 0755) == 0 || rmdir("w/in") == 0 ||
	       rename("w/file", "w/file2") == 0 || link("w/file", "w/link") == 0 ||
	       symlink("x", "w/link") == 0 || chmod("w/file", 0777) == 0 ||
	       chown("w/file", 0, 0) == 0 || truncate("w/file", 0) == 0 ||
	       setxattr("w/file", "user.x", "1", 1, 0) == 0 || removexattr("w/file", "user.y") == 0;
}

static int act_fail_otherwise(void *arg)
{
	(void)arg;
	return open("w/file", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0 ||
	       open("w/in", O_WRONLY) >= 0 || mkdir("w/in", 0755) == 0 || rmdir("w/in") == 0 ||
	       unlink("w/in") == 0 || link("w/file", "w/in/file") == 0 ||
	       setxattr("w/file", "user.x", "1", 1, XATTR_REPLACE) == 0 ||
	       removexattr("w/file", "user.none") == 0 || truncate("w/in", 0) == 0;
}

/* Each with who it was and what it was on. */
static bool all_attempts(void)
{
	size_t i;

	for (i = 0; i < events.count; i++) {
		const struct event *e = &events.events[i];

		if (e->rec.type != FIM_REC_EVENT || !(e->ev.flags & FIM_EV_ATTEMPT) ||
		    (e->ev.op != FIM_OP_ACCESS && e->ev.op != FIM_OP_ATTRIB) ||
		    e->ev.actor.uid != 12345 || strcmp(e->exe, self_exe()) || !e->fs_path[0])
			return false;
	}
	return find(&events, FIM_OP_ACCESS, 0) && find(&events, FIM_OP_ATTRIB, 0);
}

static void check_nothing_else(int fd)
{
	struct fim_info before, after;
	int id;

	tree();
	id = must_add(fd, "w");
	forget(fd);
	if (in_child(act_fail, NULL))
		bail("an operation succeeded that must be refused");
	drain_settled(fd, &events);
	check(events.count && all_attempts(), "operations that are refused are told as attempts");
	events_clear(&events);
	if (in_child(act_fail_otherwise, NULL))
		bail("an operation succeeded that must fail");
	drain(fd, &events);
	check(!events.count, "operations that fail are no events");
	info_get(fd, &before);
	run(fd,
	    "mkdir o/d; echo x >>o/file; echo y >o/new; mv o/new o/d/; chmod 600 o/file;"
	    "rm -r o/d; ln o/file o/link; touch o/file; cat w/file w/in/file >/dev/null; ls -lR w >/dev/null");
	info_get(fd, &after);
	check(!events.count, "nothing outside the watch, and no reading, is an event");
	ok(after.filtered == before.filtered && after.events == before.events,
	   "nor is the module told of it");
	watch_del(fd, id);
	info_get(fd, &before);
	run(fd, "mkdir w/x; echo x >>w/file; rm -r w");
	info_get(fd, &after);
	check(!events.count && after.filtered == before.filtered,
	      "without a watch the filesystem is not even looked at");
}

/* 20 directories with names of 250 bytes: no path of it fits PATH_MAX. */
static int act_too_long(void *arg)
{
	char name[251];
	int i;

	(void)arg;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	if (chdir("w"))
		return 1;
	for (i = 0; i < 20; i++) {
		if (mkdir(name, 0755) || chdir(name))
			return 1;
	}
	return 0;
}

static void check_too_long(int fd)
{
	struct fim_info info;
	struct event *e;
	int id;

	tree();
	id = must_add(fd, "w");
	forget(fd);
	if (in_child(act_too_long, NULL))
		bail("cannot make deep directories");
	drain(fd, &events);
	e = find(&events, FIM_OP_MKDIR, 19);
	info_get(fd, &info);
	check(events.count == 20 && e && e->ev.depth == 20 && e->ev.object.ino && e->ev.dir.ino &&
		      e->ev.flags == (FIM_EV_DIR | FIM_EV_PATH_MISSING | FIM_EV_TRUNCATED) &&
		      !HAS(e, FIM_ATTR_FS_PATH) && !HAS(e, FIM_ATTR_VIEW_PATH) && e->exe[0] &&
		      info.path_missing,
	      "a path that is too long: identity, depth and actor, and a flag and counter");
	watch_del(fd, id);
}

int main(void)
{
	int fd = device_open();

	dir = workdir();
	check_two_watches(fd);
	check_nested(fd);
	check_same_directory(fd);
	check_aliases(fd);
	check_end_of_watch(fd);
	check_nothing_else(fd);
	check_too_long(fd);
	return done();
}
