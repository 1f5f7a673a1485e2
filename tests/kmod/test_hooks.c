// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks cannot be switched off, and without them the module knows less but
 * works: it says so, and the operations are still reported.
 *
 * test_hooks [MODULE]: the module must not be loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fimtest.h"

#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"

static struct events events;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

/* 0 or -errno */
static int set_ftrace(const char *value)
{
	int fd = open(FTRACE_ENABLED, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

static int act(void *arg)
{
	int fd = open("w/file", O_WRONLY | O_APPEND);

	(void)arg;
	return write(fd, "x", 1) != 1 || close(fd) || close(open("w/file", O_WRONLY)) ||
	       chmod("w/file", 0600) || setxattr("w/file", "user.x", "1", 1, 0) ||
	       truncate("w/file", 0) || rename("w/file", "w/file2") || unlink("w/file2");
}

/* The ops in their order, ending with 0, and the flags of the two writes. */
static bool is_sequence(const unsigned int *ops, unsigned int first, unsigned int second)
{
	unsigned int writes[2] = {}, n = 0;
	size_t i;

	for (i = 0; i < events.count; i++) {
		const struct event *e = &events.events[i];

		if (e->rec.type != FIM_REC_EVENT || e->ev.op != *ops++)
			return false;
		if (e->ev.op == FIM_OP_WRITE && n < 2)
			writes[n++] = e->ev.flags;
		if (strcmp(e->exe, self_exe()) || e->ev.actor.ppid != (uint32_t)getpid())
			return false;
	}
	return !*ops && writes[0] == first && writes[1] == second;
}

static void run_act(int fd)
{
	write_file("w/file", "0123");
	drain(fd, &events);
	events_clear(&events);
	if (in_child(act, NULL))
		bail("the operations themselves failed");
	drain(fd, &events);
}

static void check_with_hooks(void)
{
	static const unsigned int ops[] = {FIM_OP_WRITE,    FIM_OP_WRITE,
					   FIM_OP_MODE,	    FIM_OP_XATTR,
					   FIM_OP_TRUNCATE, FIM_OP_RENAME,
					   FIM_OP_DELETE,   0};
	int fd = device_open();
	int err;

	err = set_ftrace("0");
	/* 7.x refuses to anybody */
	ok(err == -EBUSY || err == -EOPNOTSUPP,
	   "kernel.ftrace_enabled=0 is refused while the module is loaded");
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	run_act(fd);
	check(is_sequence(ops, FIM_EV_ACTOR_OPENER | FIM_EV_MODIFIED, FIM_EV_ACTOR_OPENER),
	      "and the hooks still work");
	close(fd);
}

static void check_without_hooks(void)
{
	static const unsigned int ops[] = {FIM_OP_WRITE,    FIM_OP_WRITE,
					   FIM_OP_ATTRIB,   FIM_OP_ATTRIB,
					   FIM_OP_TRUNCATE, FIM_OP_RENAME,
					   FIM_OP_DELETE,   0};
	struct fim_info info;
	struct event *e;
	int fd = device_open();

	info_get(fd, &info);
	ok(!info.features, "without hooks no feature is claimed");
	drain(fd, &events);
	e = find_state(&events, FIM_STATE_HOOK_LOST);
	check(e && e->state.code, "and a record says so, with the reason");
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	run_act(fd);
	check(is_sequence(ops, FIM_EV_ACTOR_WRITER | FIM_EV_MODIFIED,
			  FIM_EV_ACTOR_CLOSER | FIM_EV_MODIFIED),
	      "every operation is reported without hooks");
	write_file("w/own", "x");
	drain(fd, &events);
	events_clear(&events);
	write_file("w/own", "y");
	close(open("w/own", O_WRONLY));
	drain(fd, &events);
	check(!events.count, "what the reader does itself is not reported without hooks");
	close(fd);
}

int main(int argc, char **argv)
{
	char module[4096];
	int err;

	if (!realpath(argc > 1 ? argv[1] : "ecs_fim.ko", module))
		bail("no module: %s", strerror(errno));
	workdir();
	if (mkdir("w", 0755))
		bail("mkdir: %s", strerror(errno));
	err = module_load(module, "");
	if (err)
		bail("load: %s", strerror(-err));
	check_with_hooks();
	ok(!module_unload(), "the module unloads");
	err = set_ftrace("0");
	if (err) {
		skip(strerror(-err), "without ftrace");
		return done();
	}
	ok(!module_load(module, ""), "the module loads without ftrace");
	check_without_hooks();
	ok(!module_unload(), "and unloads again");
	ok(!set_ftrace("1"), "ftrace can be switched on again");
	return done();
}
