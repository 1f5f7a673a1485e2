// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is behind a settled write: the opener or the last writer, whoever drops
 * the file last, and however: munmap, exit, a kernel thread, another process.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;
/* One byte each way between a child and the test. */
static int to_child[2], to_test[2];

static void post(int *pipefd)
{
	if (write(pipefd[1], "!", 1) != 1)
		_exit(99);
}

static void await(int *pipefd)
{
	char c;

	if (read(pipefd[0], &c, 1) != 1)
		_exit(98);
}

static int open_file(void)
{
	return open("w/file", O_RDWR | O_CLOEXEC);
}

static int act_mmap(void *arg)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)arg;
	if (map == MAP_FAILED || close(fd))
		return 1;
	map[0] = 'M';
	post(to_test);
	await(to_child);
	return munmap(map, 4096);
}

static int act_mmap_exit(void *arg)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)arg;
	if (map == MAP_FAILED || close(fd))
		return 1;
	map[0] = 'E';
	return 0;
}

static int act_exit(void *arg)
{
	(void)arg;
	return write(open_file(), "x", 1) != 1;
}

static int act_killed(void *arg)
{
	(void)arg;
	if (write(open_file(), "x", 1) == 1)
		raise(SIGKILL);
	return 1;
}

static int act_write_fd(void *arg)
{
	return write(*(int *)arg, "child", 5) != 5;
}

static int act_child_writes(void *arg)
{
	int fd = open_file();

	(void)arg;
	return in_child(act_write_fd, &fd) || close(fd);
}

static int act_both_write(void *arg)
{
	int fd = open_file();

	(void)arg;
	return in_child(act_write_fd, &fd) || write(fd, "me", 2) != 2 || close(fd);
}

static int act_exec(void *arg)
{
	int fd = open("w/file", O_WRONLY);

	(void)arg;
	execl("./another", "another", "--write", fmt("%d", fd), NULL);
	return 1;
}

static int act_open_twice(void *arg)
{
	int one = open_file(), two = open_file();

	(void)arg;
	return write(one, "1", 1) != 1 || close(one) || close(two);
}

static int act_before_watch(void *arg)
{
	int fd = open_file();

	post(to_test);
	await(to_child);
	return (*(bool *)arg && write(fd, "late", 4) != 4) || close(fd);
}

static int act_moved_out(void *arg)
{
	int fd = open_file();

	(void)arg;
	return rename("w/file", "moved") || write(fd, "x", 1) != 1 || close(fd);
}

static int act_moved_in(void *arg)
{
	int fd = open("other", O_WRONLY);

	(void)arg;
	return rename("other", "w/other") || write(fd, "x", 1) != 1 || close(fd);
}

/* The file ends in a socket that only its own queue refers to. */
static int act_socket_cycle(void *arg)
{
	int sv[2], fds[2] = {-1, open_file()};

	(void)arg;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) || write(fds[1], "x", 1) != 1)
		return 1;
	fds[0] = sv[1];
	return send_fds(sv[0], fds, 2);
}

static int act_send_to_reader(void *arg)
{
	int fd = open_file();

	return write(fd, "x", 1) != 1 || send_fds(*(int *)arg, &fd, 1);
}

static int act_aio(void *arg)
{
	aio_context_t ctx = 0;
	int fd = open_file();
	struct iocb cb = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			  .aio_fildes = fd,
			  .aio_buf = (uintptr_t) "aio",
			  .aio_nbytes = 3};
	struct iocb *cbs[] = {&cb};
	struct io_event event;

	(void)arg;
	return syscall(SYS_io_setup, 1, &ctx) || syscall(SYS_io_submit, ctx, 1, cbs) != 1 ||
	       syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) != 1 || event.res != 3 ||
	       close(fd);
}

static int act_uring(void *arg)
{
	struct io_uring_params params = {};
	int ring = uring_setup(&params), fd = open_file();
	const struct io_uring_sqe request = {.opcode = IORING_OP_WRITE,
					     .flags = IOSQE_ASYNC,
					     .fd = fd,
					     .addr = (uintptr_t) "uring",
					     .len = 5};

	(void)arg;
	if (ring < 0)
		return 77;
	return uring_one(ring, &params, &request) != 5 || close(fd);
}

/* The ring holds the file; a kernel thread drops it some time after the exit. */
static int act_uring_exit(void *arg)
{
	struct io_uring_params params = {};
	int ring = uring_setup(&params), fd = open_file();

	(void)arg;
	if (ring < 0)
		return 77;
	return write(fd, "x", 1) != 1 ||
	       syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) || close(fd);
}

static void fresh(int fd)
{
	write_file("w/file", "0123456789");
	write_file("other", "other");
	drain(fd, &events);
	events_clear(&events);
}

static pid_t start(int (*fn)(void *), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(fn(arg));
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		bail("waitpid: %s", strerror(errno));
	return status;
}

/* One WRITE of w/file, by this process, with everything that is to know of it. */
static bool is_write_by(const struct event *e, unsigned int flags, pid_t pid)
{
	return e && e->ev.op == FIM_OP_WRITE && e->ev.flags == flags &&
	       (pid <= 0 || e->ev.actor.tgid == (uint32_t)pid) &&
	       !strcmp(e->fs_path, fmt("%s/w/file", dir)) && !strcmp(e->view_path, e->fs_path) &&
	       !strcmp(e->exe, self_exe()) && HAS(e, FIM_ATTR_CGROUP) && e->ev.actor.exe_ino &&
	       e->ev.actor.mnt_ns && e->ev.actor.start_ns;
}

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

#define OPENER	 FIM_EV_ACTOR_OPENER
#define WRITER	 FIM_EV_ACTOR_WRITER
#define CLOSER	 FIM_EV_ACTOR_CLOSER
#define MODIFIED FIM_EV_MODIFIED

static void check_mmap(int fd)
{
	pid_t pid;

	fresh(fd);
	pid = start(act_mmap, NULL);
	await(to_test);
	drain(fd, &events);
	check(!events.count, "a mapping keeps the write from settling");
	post(to_child);
	finish(pid);
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER, pid),
	      "a store through a mapping settles at munmap, unmodified as far as seen");

	fresh(fd);
	pid = start(act_mmap_exit, NULL);
	finish(pid);
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER, pid),
	      "a store through a mapping settles at exit");
}

static void check_exit(int fd)
{
	pid_t pid;

	fresh(fd);
	pid = start(act_exit, NULL);
	finish(pid);
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER | MODIFIED, pid),
	      "a write by a process that exits without close names executable and path");

	fresh(fd);
	pid = start(act_killed, NULL);
	finish(pid);
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER | MODIFIED, pid),
	      "a write by a process that is killed names executable and path");
}

static void check_writer(int fd)
{
	struct event *e;
	pid_t pid;

	fresh(fd);
	pid = start(act_child_writes, NULL);
	finish(pid);
	drain(fd, &events);
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 1 && is_write_by(e, WRITER | MODIFIED, 0) &&
		      e->ev.actor.ppid == (uint32_t)pid,
	      "the last writer is the actor, not the opener");

	fresh(fd);
	pid = start(act_both_write, NULL);
	finish(pid);
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], WRITER | MODIFIED, pid),
	      "of two writers the last one is the actor");

	fresh(fd);
	pid = start(act_exec, NULL);
	if (finish(pid))
		bail("./another failed");
	drain(fd, &events);
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 1 && e && e->ev.flags == (WRITER | MODIFIED) &&
		      e->ev.actor.tgid == (uint32_t)pid &&
		      !strcmp(e->exe, fmt("%s/another", dir)) &&
		      !strcmp((char *)e->ev.actor.comm, "another"),
	      "a process that opens, executes another program and writes: that program");

	fresh(fd);
	pid = start(act_open_twice, NULL);
	finish(pid);
	drain(fd, &events);
	check(events.count == 2 && is_write_by(&events.events[0], OPENER | MODIFIED, pid) &&
		      is_write_by(&events.events[1], OPENER, pid),
	      "each open of a file settles for itself");
}

static void check_before_watch(int fd)
{
	bool write_late = true;
	pid_t pid;
	int id;

	id = watch_add(fd, "w");
	watch_del(fd, id);
	fresh(fd);
	pid = start(act_before_watch, &write_late);
	await(to_test);
	id = watch_add(fd, "w");
	post(to_child);
	finish(pid);
	drain(fd, &events);
	check(events.count == 2 &&
		      is_write_by(find(&events, FIM_OP_WRITE, 0), WRITER | MODIFIED, pid),
	      "opened before the watch, written after it: the writer");
	watch_del(fd, id);

	write_late = false;
	fresh(fd);
	pid = start(act_before_watch, &write_late);
	await(to_test);
	id = watch_add(fd, "w");
	post(to_child);
	finish(pid);
	drain(fd, &events);
	check(events.count == 2 &&
		      is_write_by(find(&events, FIM_OP_WRITE, 0), CLOSER | MODIFIED, pid),
	      "opened before the watch and only closed after it: may have been written");
	watch_del(fd, id);
}

/* The kernel likes to use the same file structure for the next open. */
static void check_not_the_last_opener(int fd)
{
	bool write_late = false;
	int i, id, bad = 0;
	pid_t first, second;

	for (i = 0; i < 10; i++) {
		id = watch_add(fd, "w");
		fresh(fd);
		first = start(act_before_watch, &write_late);
		await(to_test);
		watch_del(fd, id);
		post(to_child);
		finish(first);
		second = start(act_before_watch, &write_late);
		await(to_test);
		id = watch_add(fd, "w");
		post(to_child);
		finish(second);
		drain(fd, &events);
		bad += !is_write_by(find(&events, FIM_OP_WRITE, 0), CLOSER | MODIFIED, second);
		watch_del(fd, id);
	}
	check(!bad, "what was closed while nobody watched is not taken for who opened it later");
}

static void check_moves(int fd)
{
	struct event *e;
	pid_t pid;

	fresh(fd);
	finish(start(act_moved_out, NULL));
	drain(fd, &events);
	check(events.count == 1 && find(&events, FIM_OP_RENAME, 0),
	      "a file moved out of the watch while open: its write is elsewhere");

	fresh(fd);
	pid = start(act_moved_in, NULL);
	finish(pid);
	drain(fd, &events);
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 2 && find(&events, FIM_OP_RENAME, 0) && e &&
		      e->ev.flags == (WRITER | MODIFIED) && e->ev.actor.tgid == (uint32_t)pid,
	      "a file moved into the watch while open: its write counts");
	unlink("w/other");
}

static void check_laundering(int fd)
{
	int sv[2], status, taken;
	pid_t pid;

	fresh(fd);
	pid = start(act_socket_cycle, NULL);
	finish(pid);
	/* Closing any socket starts the collection of unreachable ones. */
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) || close(sv[0]) || close(sv[1]))
		bail("socketpair: %s", strerror(errno));
	drain_until(fd, &events, FIM_REC_EVENT, FIM_OP_WRITE);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER | MODIFIED, pid),
	      "a file left in an unreachable socket names who opened it");

	fresh(fd);
	pid = start(act_uring_exit, NULL);
	status = finish(pid);
	if (WEXITSTATUS(status) == 77) {
		skip("no io_uring", "a file left in an io_uring names who opened it");
	} else {
		drain_until(fd, &events, FIM_REC_EVENT, FIM_OP_WRITE);
		check(!status && events.count == 1 &&
			      is_write_by(&events.events[0], OPENER | MODIFIED, pid),
		      "a file left in an io_uring names who opened it");
	}

	fresh(fd);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		bail("socketpair: %s", strerror(errno));
	pid = start(act_send_to_reader, &sv[1]);
	finish(pid);
	taken = receive_fd(sv[0]);
	if (taken < 0)
		bail("recvmsg: %s", strerror(errno));
	drain(fd, &events);
	check(!events.count, "a file that was handed on does not settle before it is closed");
	close(taken);
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER | MODIFIED, pid),
	      "a file handed to the reader, who closes it, is reported with who opened it");
	close(sv[0]);
	close(sv[1]);
}

static void check_aio_and_uring(int fd)
{
	int status;
	pid_t pid;

	fresh(fd);
	pid = start(act_aio, NULL);
	if (finish(pid))
		bail("libaio failed");
	drain(fd, &events);
	check(events.count == 1 && is_write_by(&events.events[0], OPENER, pid),
	      "libaio is not seen writing, its close settles");

	fresh(fd);
	pid = start(act_uring, NULL);
	status = finish(pid);
	if (WEXITSTATUS(status) == 77) {
		skip("no io_uring", "a write through io_uring");
		return;
	}
	drain_until(fd, &events, FIM_REC_EVENT, FIM_OP_WRITE);
	check(!status && events.count == 1 && (events.events[0].ev.flags & ~MODIFIED) == OPENER &&
		      is_write_by(&events.events[0], events.events[0].ev.flags, pid),
	      "a write through io_uring");
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 3 && !strcmp(argv[1], "--write"))
		return write(atoi(argv[2]), "another", 7) != 7;
	fd = device_open();
	dir = workdir();
	if (mkdir("w", 0755) || pipe2(to_child, O_CLOEXEC) || pipe2(to_test, O_CLOEXEC) ||
	    system(fmt("cp %s another", self_exe())))
		bail("cannot set up");
	check_before_watch(fd);
	check_not_the_last_opener(fd);
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	check_mmap(fd);
	check_exit(fd);
	check_writer(fd);
	check_moves(fd);
	check_laundering(fd);
	check_aio_and_uring(fd);
	return done();
}
