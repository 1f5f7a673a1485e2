// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes behind somebody's back: who did it is told though somebody else, or a
 * kernel thread, drops the file last, and the object is told though it was
 * reached by another name, another mount, another process's eyes.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static int open_file(void)
{
	return open("w/file", O_RDWR | O_CLOEXEC);
}

/* Put the file into a socket that only its own queue refers to; then nobody has it. */
static int bury(int fd)
{
	int sv[2], fds[2] = {-1, fd};

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv))
		return 1;
	fds[0] = sv[1];
	if (send_fds(sv[0], fds, 2) || close(sv[0]) || close(sv[1]) || close(fd))
		return 1;
	/* Closing any socket starts the collection of unreachable ones. */
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) || close(sv[0]) || close(sv[1]);
}

static int act_bury(void)
{
	int fd = open_file();

	return write(fd, "x", 1) != 1 || bury(fd);
}

static int act_map_and_bury(void)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return 1;
	map[0] = 'M';
	return munmap(map, 4096) || bury(fd);
}

static int act_map_unmapped_after_burial(void)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || bury(fd))
		return 1;
	map[0] = 'M';
	return 0;
}

/* The child of a technique writes through what it is handed. */
static int receive_and_write(void *arg)
{
	int fd = receive_fd(*(int *)arg);

	technique_actor_is_me();
	return write(fd, "handed", 6) != 6 || close(fd);
}

static int act_handed_over(void)
{
	int sv[2], fd = open_file();

	return socketpair(AF_UNIX, SOCK_STREAM, 0, sv) || send_fds(sv[1], &fd, 1) || close(fd) ||
	       in_child(receive_and_write, &sv[0]);
}

static int receive_and_close(void *arg)
{
	return close(receive_fd(*(int *)arg));
}

static int act_handed_over_to_close(void)
{
	int sv[2], fd = open_file();

	return write(fd, "mine", 4) != 4 || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) ||
	       send_fds(sv[1], &fd, 1) || close(fd) || in_child(receive_and_close, &sv[0]);
}

static int steal_and_write(void *arg)
{
	int pidfd = syscall(SYS_pidfd_open, getppid(), 0), fd;

	fd = syscall(SYS_pidfd_getfd, pidfd, *(int *)arg, 0);
	if (fd < 0)
		return UNSUPPORTED;
	technique_actor_is_me();
	return write(fd, "stolen", 6) != 6 || close(fd);
}

static int act_stolen(void)
{
	int fd = open_file();

	return in_child(steal_and_write, &fd) ?: close(fd);
}

static int store_later(void *arg)
{
	((char *)arg)[0] = 'L';
	return 0;
}

/* The mapping is inherited; who opened it is gone when it goes. */
static int act_map_inherited(void)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || close(fd))
		return 1;
	if (!fork()) {
		usleep(100000);
		_exit(store_later(map));
	}
	return 0;
}

static int act_through_proc_fd(void)
{
	int reader = open("w/file", O_RDONLY);
	int fd = open(fmt("/proc/self/fd/%d", reader), O_WRONLY);

	return close(reader) || write(fd, "proc", 4) != 4 || close(fd);
}

static int act_through_o_path(void)
{
	int path = open("w/file", O_PATH);
	int fd = open(fmt("/proc/self/fd/%d", path), O_WRONLY);

	return close(path) || write(fd, "path", 4) != 4 || close(fd);
}

static int act_through_proc_root(void)
{
	int fd = open(fmt("/proc/%d/root%s/w/file", getppid(), getcwd(NULL, 0)), O_WRONLY);

	return write(fd, "root", 4) != 4 || close(fd);
}

static int act_through_proc_cwd(void)
{
	int fd = open(fmt("/proc/%d/cwd/w/file", getppid()), O_WRONLY);

	return write(fd, "cwd", 3) != 3 || close(fd);
}

static int act_through_bind_mount(void)
{
	int fd;

	if (mkdir("o/mnt", 0755) || mount("w", "o/mnt", NULL, MS_BIND, NULL))
		return 1;
	fd = open("o/mnt/file", O_WRONLY);
	return write(fd, "bind", 4) != 4 || close(fd) || umount("o/mnt");
}

static int act_through_file_bind_mount(void)
{
	int fd;

	if (mount("w/file", "o/file", NULL, MS_BIND, NULL))
		return 1;
	fd = open("o/file", O_WRONLY);
	return write(fd, "bind", 4) != 4 || close(fd) || umount("o/file");
}

/* A mount that is nowhere: open_tree(2), no path leads to it. */
static int act_through_detached_mount(void)
{
	int tree = syscall(428 /* open_tree */, AT_FDCWD, "w", 1 /* OPEN_TREE_CLONE */), fd;

	if (tree < 0)
		return UNSUPPORTED;
	fd = openat(tree, "file", O_WRONLY);
	return write(fd, "tree", 4) != 4 || close(fd) || close(tree);
}

static int act_in_own_mounts(void)
{
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	if (mkdir("o/mnt", 0755) || mount("w", "o/mnt", NULL, MS_BIND, NULL))
		return 1;
	fd = open("o/mnt/file", O_WRONLY);
	return write(fd, "mntns", 5) != 5 || close(fd);
}

static int act_in_user_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return UNSUPPORTED;
	fd = open("w/file", O_WRONLY);
	return write(fd, "userns", 6) != 6 || close(fd);
}

static int act_chrooted(void)
{
	int fd;

	if (chroot("w"))
		return 1;
	fd = open("/file", O_WRONLY);
	return write(fd, "chroot", 6) != 6 || close(fd);
}

static int act_through_dirfd(void)
{
	int dirfd = open("w", O_PATH | O_DIRECTORY), fd;

	if (chdir("/"))
		return 1;
	fd = openat(dirfd, "file", O_WRONLY);
	return write(fd, "dirfd", 5) != 5 || close(fd) ||
	       renameat(dirfd, "file", dirfd, "renamed") || unlinkat(dirfd, "renamed", 0);
}

static int act_closed_by_exec(void)
{
	int fd = open_file();

	if (write(fd, "exec", 4) != 4)
		return 1;
	execl("/bin/true", "true", NULL);
	return 1;
}

static int act_killed(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		technique_actor_is_me();
		if (write(open_file(), "kill", 4) != 4)
			_exit(1);
		raise(SIGKILL);
	}
	return waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status);
}

static int sharer(void *arg)
{
	technique_actor_is_me();
	return write(*(int *)arg, "share", 5) != 5;
}

/* Two processes, one table of descriptors: the last to go closes. */
static int act_shared_table(void)
{
	static char stack[65536];
	int fd = open_file(), status;
	pid_t pid = clone(sharer, stack + sizeof(stack), CLONE_FILES | SIGCHLD, &fd);

	return waitpid(pid, &status, 0) != pid || status || close(fd);
}

static int act_tmpfile_linked_in(void)
{
	int fd = open("o", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		return UNSUPPORTED;
	return linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "w/tmp",
		      AT_SYMLINK_FOLLOW) ||
	       write(fd, "tmp", 3) != 3 || close(fd);
}

static int act_by_handle(void)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount_id, mount_fd = open(".", O_RDONLY), fd;

	if (name_to_handle_at(AT_FDCWD, "w/file", &h.handle, &mount_id, 0))
		return UNSUPPORTED;
	fd = open_by_handle_at(mount_fd, &h.handle, O_WRONLY);
	return write(fd, "handle", 6) != 6 || close(fd);
}

static int act_through_hard_link(void)
{
	int fd;

	if (link("w/file", "o/alias"))
		return 1;
	/* The link is confirmed some milliseconds after it was made, and told then. */
	for (int i = 0; i < 4; i++)
		usleep(50000);
	fd = open("o/alias", O_WRONLY);
	return write(fd, "alias", 5) != 5 || close(fd);
}

#define ONE_WRITE                                          \
	{                                                  \
		{                                          \
			FIM_OP_WRITE, "w/file", NULL, NULL \
		}                                          \
	}
#define ONE_WRITE_SEEN(path)                               \
	{                                                  \
		{                                          \
			FIM_OP_WRITE, "w/file", NULL, path \
		}                                          \
	}

static const struct technique techniques[] = {
	/* clang-format off */
	{ "a file buried in a socket", act_bury, ONE_WRITE, false },
	{ "a store through a mapping, the file buried in a socket", act_map_and_bury, ONE_WRITE, false },
	{ "a mapping that outlives its buried file", act_map_unmapped_after_burial, ONE_WRITE, false },
	{ "a descriptor handed over: who wrote", act_handed_over, ONE_WRITE, false },
	{ "a descriptor handed over to be closed: who wrote", act_handed_over_to_close, ONE_WRITE, false },
	{ "a descriptor taken with pidfd_getfd: who wrote", act_stolen, ONE_WRITE, false },
	{ "a mapping that a child inherits: who opened", act_map_inherited, ONE_WRITE, false },
	{ "opened again through /proc/self/fd", act_through_proc_fd, ONE_WRITE, false },
	{ "opened through an O_PATH descriptor", act_through_o_path, ONE_WRITE, false },
	{ "opened through /proc/PID/root", act_through_proc_root, ONE_WRITE, false },
	{ "opened through /proc/PID/cwd", act_through_proc_cwd, ONE_WRITE, false },
	{ "a bind mount", act_through_bind_mount, ONE_WRITE_SEEN("o/mnt/file"), false },
	{ "a bind mount of the file", act_through_file_bind_mount, ONE_WRITE_SEEN("o/file"), false },
	{ "a mount that is nowhere", act_through_detached_mount, ONE_WRITE, true },
	{ "a mount namespace of its own", act_in_own_mounts, ONE_WRITE_SEEN("o/mnt/file"), false },
	{ "a user namespace", act_in_user_namespace, ONE_WRITE, false },
	{ "a chroot", act_chrooted, ONE_WRITE, true },
	{ "relative to a descriptor of the directory", act_through_dirfd, {
		{ FIM_OP_WRITE, "w/file", NULL, NULL }, { FIM_OP_RENAME, "w/renamed", "w/file", NULL },
		{ FIM_OP_DELETE, "w/renamed", NULL, NULL } }, false },
	{ "closed by execve", act_closed_by_exec, ONE_WRITE, false },
	{ "closed by a kill", act_killed, ONE_WRITE, false },
	{ "a table of descriptors that two processes share: who wrote", act_shared_table, ONE_WRITE, false },
	{ "O_TMPFILE outside, linked in, then written", act_tmpfile_linked_in, {
		{ FIM_OP_LINK, "w/tmp", NULL, NULL }, { FIM_OP_WRITE, "w/tmp", NULL, NULL } }, true },
	{ "opened by handle", act_by_handle, ONE_WRITE, true },
	{ "a hard link made outside and written", act_through_hard_link, {
		{ FIM_OP_LINK, "w/file", NULL, "o/alias" }, { FIM_OP_WRITE, "w/file", NULL, "o/alias" } }, false },
	/* clang-format on */
};

int main(void)
{
	int fd = device_open();
	const char *dir = workdir();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(techniques); i++)
		technique_check(fd, dir, &techniques[i]);
	return done();
}
