// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module takes hooks and marks away (rogue/rogue.c): it is told, and what
 * was taken is replaced.
 *
 * test_check [MODULE [ROGUE]]: the module must not be loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;
static char rogue[4096];

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

/* The address of something of the module's, 0 if it is not told. */
static unsigned long symbol(const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], type, found[256], owner[256];
	unsigned long address, result = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx %c %255s %255s", &address, &type, found, owner) == 4 &&
		    !strcmp(owner, "[ecs_fim]") && !strcmp(found, name))
			result = address;
	if (file)
		fclose(file);
	return result;
}

static void act(const char *params)
{
	int err;

	events_clear(&events);
	err = module_load(rogue, params);
	if (err != -ECANCELED)
		bail("rogue %s: %s", params, strerror(-err));
}

static int by_child(void *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	return write(fd, "x", 1) != 1 || close(fd);
}

static unsigned int writes_told(int fd, const char *path)
{
	unsigned int count = 0;
	size_t i;

	drain(fd, &events);
	events_clear(&events);
	if (in_child(by_child, (void *)path))
		bail("%s: %s", path, strerror(errno));
	drain(fd, &events);
	for (i = 0; i < events.count; i++)
		count += events.events[i].rec.type == FIM_REC_EVENT &&
			 events.events[i].ev.op == FIM_OP_WRITE;
	return count;
}

static int hooks_tell_child(void *arg)
{
	(void)arg;
	write_file("w/file", "0123");
	return chmod("w/file", 0600) || chmod("w/file", 0644);
}

/* Who opened it, and what was changed, only hooks tell. */
static bool hooks_work(int fd)
{
	struct event *write, *mode;

	drain(fd, &events);
	events_clear(&events);
	if (in_child(hooks_tell_child, NULL))
		bail("the operations themselves failed");
	drain(fd, &events);
	write = find(&events, FIM_OP_WRITE, 0);
	mode = find(&events, FIM_OP_MODE, 1);
	return write && write->ev.flags & FIM_EV_ACTOR_OPENER && mode;
}

static void check_hooks(int fd, const char *ops, const char *name)
{
	struct fim_info info;
	struct event *e;

	act(fmt("ops=0x%lx", symbol(ops)));
	e = drain_until(fd, &events, FIM_REC_STATE, FIM_STATE_HOOK_LOST);
	check(e && e->state.code == ENOLINK, fmt("%s taken away is told", name));
	info_get(fd, &info);
	ok(info.features & FIM_FEATURE_OPEN_HOOK && info.features & FIM_FEATURE_ATTR_HOOKS,
	   "and every feature is there again");
	check(hooks_work(fd), "because it is put back");
}

static void check_mark(int fd, const char *dir)
{
	struct fim_info info;
	struct event *e;

	act(fmt("group=0x%lx path=%s/w/d", symbol("group"), dir));
	e = drain_until(fd, &events, FIM_REC_STATE, FIM_STATE_MARK_LOST);
	check(e && e->state.code == ENOLINK, "a directory's mark taken away is told");
	info_get(fd, &info);
	ok(info.wide == 1, "its file system is heard as a whole");
	check(writes_told(fd, "w/d/file") == 1, "so nothing is missed");
	ok(watch_add(fd, "w") == -EEXIST, "the reader adds the watch again");
	info_get(fd, &info);
	ok(!info.wide, "and the directory has a mark of its own again");
	check(writes_told(fd, "w/d/file") == 1, "by which it is heard");
	act(fmt("group=0x%lx path=%s/w", symbol("group"), dir));
	e = drain_until(fd, &events, FIM_REC_STATE, FIM_STATE_WATCH_GONE);
	check(e && !e->state.actor.tgid, "the mark of the watch itself is told as its end");
	ok(watch_add(fd, "w") > 0, "and it can be added again");
	check(writes_told(fd, "w/file") == 1, "and is heard");
}

int main(int argc, char **argv)
{
	char module[4096];
	const char *dir;
	int fd, err, i;

	if (!realpath(argc > 1 ? argv[1] : "ecs_fim.ko", module) ||
	    !realpath(argc > 2 ? argv[2] : "rogue.ko", rogue))
		bail("no module: %s", strerror(errno));
	dir = workdir();
	err = module_load(module, "check_s=1");
	if (err)
		bail("%s: %s", module, strerror(-err));
	if (mkdir("w", 0755) || mkdir("w/d", 0755))
		bail("mkdir: %s", strerror(errno));
	write_file("w/file", "x");
	write_file("w/d/file", "x");
	fd = device_open();
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	sleep(3);
	drain(fd, &events);
	check(!find_state(&events, FIM_STATE_HOOK_LOST) && hooks_work(fd),
	      "a check that finds nothing says nothing");
	if (symbol("open_ops") && symbol("ops") && symbol("group")) {
		check_hooks(fd, "open_ops", "the hook of opens");
		check_hooks(fd, "ops", "the other hooks");
		check_mark(fd, dir);
	} else {
		skip("the kernel does not tell addresses of data", "hooks and marks taken away");
	}
	close(fd);
	for (i = 0; (err = module_unload()) == -EWOULDBLOCK && i < 100; i++)
		usleep(10000);
	ok(!err, "the module unloads");
	return done();
}
