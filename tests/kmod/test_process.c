// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told about a process that is gone when its event is read: arguments,
 * power, ancestors.  Every actor below has ended before the device is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

/* Children are this program with other arguments: it does what the first one says. */
static pid_t spawn(char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (pid)
		return pid;
	execv(self_exe(), argv);
	_exit(127);
}

static pid_t spawn_and_wait(char *const argv[])
{
	pid_t pid = spawn(argv);
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		bail("a child failed: %d", status);
	return pid;
}

static int child_main(char **argv)
{
	if (!strcmp(argv[1], "make"))
		return close(open(argv[2], O_CREAT | O_WRONLY, 0600));
	if (!strcmp(argv[1], "write"))
		return write(atoi(argv[2]), argv[3], 1) != 1;
	if (!strcmp(argv[1], "rename-args")) {
		memset(argv[3], 'x', strlen(argv[3]));
		return close(open(argv[2], O_CREAT | O_WRONLY, 0600));
	}
	if (!strcmp(argv[1], "drop")) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0);
		setsid();
		return close(open(argv[2], O_CREAT | O_WRONLY, 0600));
	}
	if (!strcmp(argv[1], "nest")) { /* nest DEPTH FILE: its own ancestor, that often */
		char depth[16];
		char *const less[] = {argv[0], "nest", depth, argv[3], NULL};
		char *const make[] = {argv[0], "make", argv[3], NULL};
		int n = atoi(argv[2]);

		snprintf(depth, sizeof(depth), "%d", n - 1);
		spawn_and_wait(n ? less : make);
		return 0;
	}
	return 1;
}

static const struct event *created(int fd, const char *name)
{
	events_clear(&events);
	drain(fd, &events);
	for (size_t i = 0; i < events.count; i++) {
		const struct event *e = &events.events[i];
		const char *slash = strrchr(e->fs_path, '/');

		if (e->rec.type == FIM_REC_EVENT && e->ev.op == FIM_OP_CREATE && slash &&
		    !strcmp(slash + 1, name))
			return e;
	}
	events_print(&events);
	bail("no event about %s", name);
}

static bool has_args(const struct event *e, const char *args, size_t len)
{
	return e->args_len == len && !memcmp(e->args, args, len) && e->process.args_len == len &&
	       !(e->process.flags & FIM_PROC_ARGS_CUT);
}

static void arguments(int fd)
{
	static const char wanted[] = "p\0make\0a\0two words\0\xff\n\0";
	char *const argv[] = {"p", "make", "a", "two words", "\xff\n", NULL};
	char *const empty[] = {"", "make", "b", "", NULL};
	char *const renamed[] = {"p", "rename-args", "c", "secret", NULL};
	char *many[600] = {"p", "make", "d"};
	const struct event *e;

	spawn_and_wait(argv);
	e = created(fd, "a");
	check(has_args(e, wanted, sizeof(wanted) - 1), "arguments, whatever bytes they are");
	spawn_and_wait(empty);
	check(has_args(created(fd, "b"), "\0make\0b\0", 9), "empty arguments");
	spawn_and_wait(renamed);
	check(has_args(created(fd, "c"), "p\0rename-args\0c\0xxxxxx", 23),
	      "what a process wrote over its arguments, as /proc has it");
	for (int i = 3; i < 599; i++)
		many[i] = "0123456789";
	spawn_and_wait(many);
	e = created(fd, "d");
	check(e->args_len == 1024 && e->process.args_len == 9 + 596 * 11 &&
		      e->process.flags & FIM_PROC_ARGS_CUT,
	      "long arguments are cut, and said to be");
}

static void writers(int fd)
{
	char number[16];
	char *const first[] = {"p", "write", number, "1", NULL};
	char *const second[] = {"p", "write", number, "2", NULL};
	const struct event *e;
	pid_t pid;
	int file = open("shared", O_CREAT | O_WRONLY, 0600);

	snprintf(number, sizeof(number), "%d", file);
	spawn_and_wait(first);
	pid = spawn_and_wait(second);
	close(file);
	events_clear(&events);
	drain(fd, &events);
	e = find(&events, FIM_OP_WRITE, 0);
	check(e && e->ev.actor.tgid == (unsigned int)pid && e->ev.flags & FIM_EV_ACTOR_WRITER &&
		      !memcmp(e->args + e->args_len - 2, "2", 2),
	      "of two writers, children of one parent, running one program: the last one's");
}

static void power(int fd)
{
	char *const argv[] = {"p", "drop", "power", NULL};
	const struct event *e;
	pid_t pid = spawn_and_wait(argv);

	e = created(fd, "power");
	check(e->process.flags & FIM_PROC_NO_NEW_PRIVS && e->process.user_ns &&
		      e->process.cap_effective & (1ULL << CAP_CHOWN) &&
		      e->process.cap_bounding & (1ULL << CAP_CHOWN) &&
		      !(e->process.cap_bounding & (1ULL << CAP_SYS_BOOT)),
	      "capabilities and no_new_privs");
	check(e->process.session == (unsigned int)pid && e->process.pgid == (unsigned int)pid &&
		      !e->process.tty,
	      "a session of its own, without a terminal");
}

static void ancestors(int fd)
{
	char *const three[] = {"p", "nest", "2", "line", NULL};
	char *const many[] = {"p", "nest", "20", "long", NULL};
	const struct event *e;
	pid_t top = spawn_and_wait(three);
	bool good;

	e = created(fd, "line");
	good = e->ancestor_count >= 5 && e->ancestors[0].tgid == e->ev.actor.ppid &&
	       e->ancestors[2].tgid == (unsigned int)top &&
	       e->ancestors[3].tgid == (unsigned int)getpid();
	for (size_t i = 0; good && i < 4; i++)
		good = e->ancestors[i].exe_ino == e->ev.actor.exe_ino &&
		       e->ancestors[i].exe_dev == e->ev.actor.exe_dev &&
		       e->ancestors[i].start_ns >= e->ancestors[i + 1].start_ns &&
		       !strncmp((const char *)e->ancestors[i].comm, "test_process", 16);
	check(good, "ancestors that are gone: who, since when, which program");
	check(e->ancestors[e->ancestor_count - 1].tgid == 1, "the last one is process 1");
	spawn_and_wait(many);
	e = created(fd, "long");
	check(e->ancestor_count == 16 && e->ancestors[0].tgid == e->ev.actor.ppid,
	      "of a long line the nearest");
}

int main(int argc, char **argv)
{
	int fd;

	if (argc > 1)
		return child_main(argv);
	fd = device_open();
	workdir();
	watch_add(fd, ".");
	drain(fd, &events);
	arguments(fd);
	writers(fd);
	power(fd);
	ancestors(fd);
	return done();
}
