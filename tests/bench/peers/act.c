// SPDX-License-Identifier: GPL-2.0-only
/*
 * act DIR OUT: changes files below DIR, each technique its own file and its own
 * process, and prints for each: name, the path that a monitor of DIR must tell,
 * the process that did it. OUT is a directory beside DIR.
 *
 * Descriptors and mappings are made first; then it prints "ready" and waits for
 * the file OUT/go, which whoever started the monitors makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../kmod/fimtest.h"

static const char *dir, *out;
/* Of the technique that runs: its file, the same name outside. */
static const char *path, *outside;
static int older_fd;
static char *older_map;

static int open_file(void)
{
	return open(path, O_RDWR | O_CLOEXEC);
}

static int write_close(int fd)
{
	return write(fd, "changed", 7) != 7 || close(fd);
}

static int act_write(void)
{
	return write_close(open_file());
}

static int act_append(void)
{
	return write_close(open(path, O_WRONLY | O_APPEND));
}

static int act_overwrite(void)
{
	return write_close(open(path, O_WRONLY | O_TRUNC));
}

static int act_exit(void)
{
	return write(open_file(), "changed", 7) != 7;
}

static int act_truncate(void)
{
	return truncate(path, 3);
}

static int act_splice(void)
{
	int fd = open_file(), p[2];

	return pipe(p) || write(p[1], "spliced", 7) != 7 ||
	       splice(p[0], NULL, fd, NULL, 7, 0) != 7 || close(fd);
}

static int act_sendfile(void)
{
	int from = open("/etc/hostname", O_RDONLY), fd = open_file();

	return sendfile(fd, from, NULL, 3) != 3 || close(fd);
}

static int act_copy_file_range(void)
{
	int from = open(fmt("%s/source", out), O_RDONLY), fd = open_file();

	return copy_file_range(from, NULL, fd, NULL, 3, 0) != 3 || close(fd);
}

static int act_punch(void)
{
	int fd = open_file();

	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) || close(fd);
}

static int act_map(void)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || close(fd))
		return 1;
	map[0] = 'M';
	return munmap(map, 4096);
}

static int act_aio(void)
{
	aio_context_t ctx = 0;
	int fd = open_file();
	struct iocb cb = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			  .aio_fildes = fd,
			  .aio_buf = (uintptr_t) "aio",
			  .aio_nbytes = 3};
	struct iocb *cbs[] = {&cb};
	struct io_event event;

	return syscall(SYS_io_setup, 1, &ctx) || syscall(SYS_io_submit, ctx, 1, cbs) != 1 ||
	       syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) != 1 || close(fd);
}

static int uring(struct io_uring_sqe request)
{
	struct io_uring_params params = {};
	int ring = uring_setup(&params);

	return ring < 0 ? ring : uring_one(ring, &params, &request);
}

static int act_uring_write(void)
{
	int fd = uring((struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
					     .fd = AT_FDCWD,
					     .addr = (uintptr_t)path,
					     .open_flags = O_WRONLY});

	return uring((struct io_uring_sqe){.opcode = IORING_OP_WRITE,
					   .flags = IOSQE_ASYNC,
					   .fd = fd,
					   .addr = (uintptr_t) "uring",
					   .len = 5}) != 5 ||
	       uring((struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd});
}

static int act_uring_rename(void)
{
	return uring((struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
					   .fd = AT_FDCWD,
					   .addr = (uintptr_t)path,
					   .len = (uint32_t)AT_FDCWD,
					   .addr2 = (uintptr_t)outside});
}

static int act_uring_unlink(void)
{
	return uring((struct io_uring_sqe){
		.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (uintptr_t)path});
}

/* The ring has the only reference, and drops it some time after the exit. */
static int act_uring_left(void)
{
	struct io_uring_params params = {};
	int ring = uring_setup(&params), fd = open_file();

	return ring < 0 || write(fd, "left", 4) != 4 ||
	       syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) || close(fd);
}

static int act_create(void)
{
	return write_close(open(path, O_WRONLY | O_CREAT, 0644));
}

static int act_unlink(void)
{
	return unlink(path);
}

static int act_rename_in(void)
{
	return rename(fmt("%s/source", out), path);
}

static int act_rename_out(void)
{
	return rename(path, outside);
}

static int act_link_in(void)
{
	return link(fmt("%s/source", out), path);
}

static int act_tmpfile(void)
{
	int fd = open(out, O_TMPFILE | O_RDWR, 0600);

	return linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, path, AT_SYMLINK_FOLLOW) ||
	       write_close(fd);
}

static int act_chmod(void)
{
	return chmod(path, 04755);
}

static int act_chown(void)
{
	return chown(path, 1, 1);
}

static int act_times(void)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};

	return utimensat(AT_FDCWD, path, times, 0);
}

static int act_xattr(void)
{
	return setxattr(path, "trusted.x", "1", 1, 0);
}

static int act_chattr(void)
{
	int fd = open(path, O_RDONLY), flags = FS_NODUMP_FL;

	return ioctl(fd, FS_IOC_SETFLAGS, &flags) || close(fd);
}

static int act_alias(void)
{
	return write_close(open(outside, O_WRONLY));
}

static int act_bind_mount(void)
{
	return mount(path, fmt("%s/source", out), NULL, MS_BIND, NULL) ||
	       write_close(open(fmt("%s/source", out), O_WRONLY)) || umount(fmt("%s/source", out));
}

static int act_own_mounts(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount(dir, "/mnt", NULL, MS_BIND, NULL) || chroot("/mnt") ||
	       write_close(open(strrchr(path, '/'), O_WRONLY));
}

static int act_proc_root(void)
{
	return write_close(open(fmt("/proc/%d/root%s", getppid(), path), O_WRONLY));
}

static int act_handle(void)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount_id, mount_fd = open(dir, O_RDONLY);

	return name_to_handle_at(AT_FDCWD, path, &h.handle, &mount_id, 0) ||
	       write_close(open_by_handle_at(mount_fd, &h.handle, O_WRONLY));
}

static int act_older_fd(void)
{
	return write_close(older_fd);
}

static int act_older_map(void)
{
	older_map[0] = 'M';
	return munmap(older_map, 4096);
}

static int act_buried(void)
{
	int sv[2], fds[2] = {-1, open_file()};

	if (write(fds[1], "buried", 6) != 6 || socketpair(AF_UNIX, SOCK_DGRAM, 0, sv))
		return 1;
	fds[0] = sv[1];
	return send_fds(sv[0], fds, 2);
}

/* Who opened it for writing gives it away; this process writes. */
static int act_given(void)
{
	int sv[2], fd;
	pid_t giver;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv))
		return 1;
	giver = fork();
	if (!giver) {
		fd = open_file();
		_exit(send_fds(sv[0], &fd, 1));
	}
	fd = receive_fd(sv[1]);
	return waitpid(giver, NULL, 0) != giver || write_close(fd);
}

static int act_exchange(void)
{
	return renameat2(AT_FDCWD, path, AT_FDCWD, fmt("%s/source", out), RENAME_EXCHANGE);
}

static int act_fanotify(void)
{
	return write_close(fanotify_fd(path));
}

/* The file by its path in an overlay, which nobody watches. */
static int act_overlay_upper(void)
{
	const char *merged = fmt("%s/merged", out);
	const char *options =
		fmt("lowerdir=%s/lower,upperdir=%s,workdir=%s/work,uuid=off", out, dir, out);

	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mkdir(merged, 0755) || mkdir(fmt("%s/lower", out), 0755) ||
	       mkdir(fmt("%s/work", out), 0755) ||
	       mount("overlay", merged, "overlay", 0, options) ||
	       write_close(open(fmt("%s%s", merged, strrchr(path, '/')), O_WRONLY));
}

static int act_mount_over(void)
{
	return mount(fmt("%s/source", out), path, NULL, MS_BIND, NULL);
}

static const struct way {
	const char *name;
	int (*act)(void);
	/* NEW: the file is not there before. HERE: this process acts, not a child. */
	enum {
		PLAIN,
		NEW,
		HERE
	} mode;
} techniques[] = {
	{"write", act_write, PLAIN},
	{"append", act_append, PLAIN},
	{"O_TRUNC and write", act_overwrite, PLAIN},
	{"write, then exit without close", act_exit, PLAIN},
	{"truncate(2)", act_truncate, PLAIN},
	{"splice", act_splice, PLAIN},
	{"sendfile", act_sendfile, PLAIN},
	{"copy_file_range", act_copy_file_range, PLAIN},
	{"fallocate, a hole", act_punch, PLAIN},
	{"shared mapping", act_map, PLAIN},
	{"libaio", act_aio, PLAIN},
	{"io_uring: openat, write, close", act_uring_write, PLAIN},
	{"io_uring: renameat", act_uring_rename, PLAIN},
	{"io_uring: unlinkat", act_uring_unlink, PLAIN},
	{"file left in an io_uring", act_uring_left, PLAIN},
	{"create", act_create, NEW},
	{"unlink", act_unlink, PLAIN},
	{"rename into the directory", act_rename_in, NEW},
	{"rename out of it", act_rename_out, PLAIN},
	{"hard link into it", act_link_in, NEW},
	{"O_TMPFILE, linked in, written", act_tmpfile, NEW},
	{"chmod", act_chmod, PLAIN},
	{"chown", act_chown, PLAIN},
	{"utimensat", act_times, PLAIN},
	{"setxattr", act_xattr, PLAIN},
	{"chattr (FS_IOC_SETFLAGS)", act_chattr, PLAIN},
	{"write through a hard link outside", act_alias, PLAIN},
	{"write through a bind mount", act_bind_mount, PLAIN},
	{"write in a mount namespace and chroot", act_own_mounts, PLAIN},
	{"write through /proc/PID/root", act_proc_root, PLAIN},
	{"write by file handle", act_handle, PLAIN},
	{"descriptor older than the monitor", act_older_fd, HERE},
	{"mapping older than the monitor", act_older_map, HERE},
	{"file buried in a socket", act_buried, PLAIN},
	{"descriptor received from another process", act_given, PLAIN},
	{"exchange with a file outside", act_exchange, PLAIN},
	{"descriptor that came with a fanotify event", act_fanotify, PLAIN},
	{"upper directory of an overlay", act_overlay_upper, PLAIN},
	{"mount over the file", act_mount_over, PLAIN},
};

static void run(const struct way *t, size_t n)
{
	int status = 0, sv[2];
	pid_t pid;

	path = fmt("%s/file%02zu", dir, n);
	outside = fmt("%s/file%02zu", out, n);
	write_file(fmt("%s/source", out), "source");
	sync();
	fflush(stdout);
	pid = t->mode == HERE ? getpid() : fork();
	if (t->mode == HERE)
		status = t->act();
	else if (!pid)
		_exit(t->act());
	if ((t->mode != HERE && waitpid(pid, &status, 0) != pid) || status)
		bail("%s: status %#x", t->name, status);
	/* Starts the collection of buried files; monitors get time to look. */
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) || close(sv[0]) || close(sv[1]))
		bail("socketpair: %s", strerror(errno));
	usleep(300000);
	printf("%s\t%s\t%d\n", t->name, path, pid);
	umount(path);
}

int main(int argc, char **argv)
{
	char page[8192] = "original";
	size_t i;
	int fd;

	if (argc != 3)
		bail("usage: act DIR OUT");
	dir = argv[1];
	out = argv[2];
	for (i = 0; i < ARRAY_SIZE(techniques); i++) {
		path = fmt("%s/file%02zu", dir, i);
		if (techniques[i].mode == NEW)
			continue;
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (write(fd, page, sizeof(page)) != sizeof(page) || close(fd))
			bail("write %s: %s", path, strerror(errno));
		if (techniques[i].act == act_alias && link(path, fmt("%s/file%02zu", out, i)))
			bail("link: %s", strerror(errno));
		if (techniques[i].act == act_older_fd)
			older_fd = open(path, O_WRONLY);
		if (techniques[i].act == act_older_map) {
			fd = open(path, O_RDWR);
			older_map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			close(fd);
		}
	}
	printf("ready\n");
	fflush(stdout);
	while (access(fmt("%s/go", out), F_OK))
		usleep(10000);
	for (i = 0; i < ARRAY_SIZE(techniques); i++)
		run(&techniques[i], i);
	return 0;
}
