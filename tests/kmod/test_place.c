// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is laid over a watched place, and lifted from it, by every call that can; and
 * what takes the place of a watched directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;
static int device;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

static void act(int (*fn)(void *), void *arg)
{
	int err;

	drain(device, &events);
	events_clear(&events);
	err = in_child(fn, arg);
	if (err)
		bail("the act failed: %d", err);
	drain_settled(device, &events);
}

/* The only event: of this op, at w/sub, by the child. */
static bool is_only(unsigned int op)
{
	const struct event *e = &events.events[0];

	return events.count == 1 && e->rec.type == FIM_REC_EVENT && e->ev.op == op &&
	       !strcmp(e->exe, self_exe()) && e->ev.actor.ppid == (uint32_t)getpid() &&
	       !strcmp(e->fs_path, fmt("%s/w/sub", dir));
}

static int act_umount(void *path)
{
	return umount(path);
}

/* fsopen(2), fsmount(2): a new file system comes by move_mount(2). */
static int act_fsmount(void *arg)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), mnt;

	(void)arg;
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return 1;
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return mnt < 0 || move_mount(mnt, "", AT_FDCWD, "w/sub", MOVE_MOUNT_F_EMPTY_PATH);
}

/* open_tree(2): a bind mount that mount(2) never sees. */
static int act_open_tree(void *arg)
{
	int mnt = open_tree(AT_FDCWD, "o/dir", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	(void)arg;
	return mnt < 0 || move_mount(mnt, "", AT_FDCWD, "w/sub", MOVE_MOUNT_F_EMPTY_PATH);
}

static int act_move_here(void *arg)
{
	(void)arg;
	return mount("o/dir", "w/sub", NULL, MS_MOVE, NULL);
}

static int act_move_away(void *arg)
{
	(void)arg;
	return move_mount(AT_FDCWD, "w/sub", AT_FDCWD, "o/dir", 0);
}

static void check_mounts(void)
{
	act(act_fsmount, NULL);
	check(is_only(FIM_OP_MOUNT), "a mount by fsmount(2) and move_mount(2)");
	act(act_umount, "w/sub");
	check(is_only(FIM_OP_UMOUNT), "and that it is lifted");
	act(act_open_tree, NULL);
	check(is_only(FIM_OP_MOUNT), "a bind mount by open_tree(2) and move_mount(2)");
	act(act_umount, "w/sub");
	check(is_only(FIM_OP_UMOUNT), "and that it is lifted, too");
	if (mount("tmpfs", "o/dir", "tmpfs", 0, NULL))
		bail("mount: %s", strerror(errno));
	act(act_move_here, NULL);
	check(is_only(FIM_OP_MOUNT), "a mount that is moved here");
	act(act_move_away, NULL);
	check(is_only(FIM_OP_UMOUNT), "and moved away");
	umount("o/dir");
}

static int act_exchange(void *arg)
{
	const char *const *names = arg;

	return renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE);
}

/* Another directory lies where the watched one was: its watch goes with it, and says so. */
static void check_exchange(int id, const char *const *names, const char *what)
{
	const struct event *e;

	act(act_exchange, (void *)names);
	e = find_state(&events, FIM_STATE_WATCH_MOVED);
	check(e && e->state.watch_id == (uint32_t)id && e->state.actor.ppid == (uint32_t)getpid(),
	      fmt("%s is exchanged: told, with the actor", what));
	ok(watch_add(device, "top/w") > 0 && watch_del(device, id) == 0,
	   "what is there now can be watched in its place");
}

int main(void)
{
	static const char *const roots[] = {"top/w", "other/w"}, *const parents[] = {"top",
										     "other"};
	int id;

	device = device_open();
	dir = workdir();
	/* Mounts are ours: what the test does must not spread. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		bail("unshare: %s", strerror(errno));
	if (system("mkdir -p w/sub o/dir top/w other/w && echo x >top/w/x && echo y >other/w/y"))
		bail("cannot make the tree");
	id = watch_add(device, "w");
	if (id <= 0)
		bail("cannot watch");
	check_mounts();
	watch_del(device, id);
	id = watch_add(device, "top/w");
	if (id <= 0)
		bail("cannot watch");
	check_exchange(id, roots, "the watched directory");
	drain(device, &events);
	id = watch_add(device, "top/w");
	if (id != -EEXIST)
		bail("the watch is gone");
	events_clear(&events);
	act(act_exchange, (void *)parents);
	check(find_state(&events, FIM_STATE_WATCH_MOVED) != NULL,
	      "a directory above it is exchanged: told");
	return done();
}
