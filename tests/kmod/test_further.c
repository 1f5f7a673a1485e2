// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways that somebody would take who knows how monitors work: descriptors that
 * fsnotify ignores, an overlay whose upper directory is what is watched, files
 * that the kernel itself writes, calls that are newer than most monitors.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fimtest.h"

#define BTRFS_NAME_MAX		4087
#define BTRFS_IOC_SUBVOL_CREATE _IOW(0x94, 14, struct btrfs_args)
#define BTRFS_IOC_SNAP_CREATE	_IOW(0x94, 1, struct btrfs_args)
#define BTRFS_IOC_SNAP_DESTROY	_IOW(0x94, 15, struct btrfs_args)

struct btrfs_args {
	int64_t fd;
	char name[BTRFS_NAME_MAX + 1];
};

static int act_fanotify_write(void)
{
	int fd = fanotify_fd("w/file");

	if (fd < 0)
		return technique_refused(ENODEV);
	return write(fd, "silent", 6) != 6 || close(fd);
}

/* Told after a second, and when it is closed. */
static int act_fanotify_hold(void)
{
	int fd = fanotify_fd("w/file");

	if (fd < 0)
		return technique_refused(ENODEV);
	return write(fd, "silent", 6) != 6 || usleep(1500000) || close(fd);
}

static int act_fanotify_map(void)
{
	int fd = fanotify_fd("w/file");
	char *map;

	if (fd < 0)
		return technique_refused(ENODEV);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || close(fd))
		return 1;
	usleep(300000);
	map[0] = 'M';
	return 0;
}

/* The file is changed where it is watched, by its path in an overlay that is not. */
static int act_overlay_upper(void)
{
	/* From 6.6 its uuid would be written to the upper directory; 5.10 knows none. */
	const char *options = "lowerdir=o/lower,upperdir=w,workdir=o/work,uuid=off";
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir("o/lower", 0755) || mkdir("o/work", 0755) || mkdir("o/mnt", 0755))
		return 2;
	if (mount("overlay", "o/mnt", "overlay", 0, options) &&
	    mount("overlay", "o/mnt", "overlay", 0, fmt("%.*s", (int)strlen(options) - 9, options)))
		return technique_refused(ENODEV);
	fd = open("o/mnt/file", O_WRONLY);
	return fd < 0 || write(fd, "overlaid", 8) != 8 || close(fd);
}

static int act_tee(void)
{
	int fd = open("w/file", O_WRONLY), a[2], b[2];

	return pipe(a) || pipe(b) || write(a[1], "teed", 4) != 4 || tee(a[0], b[1], 4, 0) != 4 ||
	       splice(b[0], NULL, fd, NULL, 4, SPLICE_F_MOVE) != 4 || close(fd);
}

/* Submitted together: nothing but the kernel is between opening, writing and closing. */
static int act_uring_chain(void)
{
	struct io_uring_params p = {};
	int none = -1, ring = uring_setup(&p), i;
	struct io_uring_sqe *sqes;
	unsigned int *array, *tail;
	char *sq;

	if (ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &none, 1))
		return UNSUPPORTED;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(*array), PROT_READ | PROT_WRITE,
		  MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		    IORING_OFF_SQES);
	if (sq == MAP_FAILED || sqes == MAP_FAILED)
		return 1;
	array = (void *)(sq + p.sq_off.array);
	tail = (void *)(sq + p.sq_off.tail);
	sqes[0] = (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
					.flags = IOSQE_IO_LINK,
					.fd = AT_FDCWD,
					.addr = (uintptr_t) "w/new",
					.open_flags = O_WRONLY | O_CREAT,
					.len = 0644,
					.file_index = 1};
	sqes[1] = (struct io_uring_sqe){.opcode = IORING_OP_WRITE,
					.flags = IOSQE_IO_LINK | IOSQE_FIXED_FILE,
					.addr = (uintptr_t) "chain",
					.len = 5};
	sqes[2] = (struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .file_index = 1};
	for (i = 0; i < 3; i++)
		array[i] = i;
	__atomic_store_n(tail, 3, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 3, 3, IORING_ENTER_GETEVENTS, NULL, 0) != 3)
		return 2;
	return access("w/new", F_OK) ? UNSUPPORTED : 0;
}

/* By the memory of the process, not by its addresses. */
static int act_proc_mem(void)
{
	int fd = open("w/file", O_RDWR), mem = open("/proc/self/mem", O_RDWR);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return map == MAP_FAILED || close(fd) ||
	       pwrite(mem, "mem", 3, (off_t)(uintptr_t)map) != 3 || msync(map, 4096, MS_SYNC);
}

/* The kernel writes what a process leaves when it crashes. */
static int act_core(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	char old[256] = "", *cwd = getcwd(NULL, 0);
	int fd = open("/proc/sys/kernel/core_pattern", O_RDWR), status;
	ssize_t len = read(fd, old, sizeof(old) - 1);
	const char *pattern = fmt("%s/w/core", cwd);
	pid_t pid;

	free(cwd);
	if (len <= 0 || setrlimit(RLIMIT_CORE, &all) ||
	    pwrite(fd, pattern, strlen(pattern), 0) != (ssize_t)strlen(pattern))
		return 1;
	pid = fork();
	if (!pid) {
		technique_actor_is_me();
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (waitpid(pid, &status, 0) != pid || pwrite(fd, old, len, 0) != len)
		return 2;
	return WIFSIGNALED(status) && WCOREDUMP(status) ? 0 : UNSUPPORTED;
}

/* The kernel writes a line for each process that ends, in it and in a thread of its own. */
static int act_accounting(void)
{
	pid_t pid;

	if (acct("w/file"))
		return technique_refused(ENODEV);
	pid = fork();
	if (!pid)
		_exit(0);
	return waitpid(pid, NULL, 0) != pid || acct(NULL);
}

static int act_whiteout(void)
{
	if (syscall(SYS_renameat2, AT_FDCWD, "w/file", AT_FDCWD, "w/moved", 4 /* WHITEOUT */))
		return technique_refused(ENODEV);
	return 0;
}

static int act_link_of_fd(void)
{
	int fd = open("o/file", O_PATH);

	if (linkat(fd, "", AT_FDCWD, "w/empty", AT_EMPTY_PATH))
		return 1;
	return linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "w/magic",
		      AT_SYMLINK_FOLLOW);
}

/* Attributes by descriptors that can neither be read nor written. */
static int act_attributes_of_path_fd(void)
{
	int fd = open("w/file", O_PATH);
	const char *path = fmt("/proc/self/fd/%d", fd);

	if (chmod(path, 0604) || fchownat(fd, "", 1, 1, AT_EMPTY_PATH) ||
	    utimensat(AT_FDCWD, path, NULL, 0))
		return 1;
	if (setxattr(path, "trusted.fim", "x", 1, 0) || removexattr(path, "trusted.fim"))
		return technique_refused(ENODEV);
	return 0;
}

static int act_fchmodat2(void)
{
	if (syscall(452, AT_FDCWD, "w/file", 0601, AT_SYMLINK_NOFOLLOW))
		return technique_refused(ENODEV);
	return 0;
}

/* A file system that is mounted nowhere, then put over a directory, by descriptors alone. */
static int act_new_mount_api(void)
{
	int fs = syscall(SYS_fsopen, "tmpfs", 0), mnt;

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return technique_refused(ENODEV);
	mnt = syscall(SYS_fsmount, fs, 0, 0);
	if (mnt < 0)
		return technique_refused(ENODEV);
	if (syscall(SYS_move_mount, mnt, "", AT_FDCWD, "w/dir", MOVE_MOUNT_F_EMPTY_PATH))
		return 1;
	usleep(50000);
	return umount2("w/dir", MNT_DETACH);
}

static int act_pivot_root(void)
{
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir("o/mnt", 0755) || mount(".", "o/mnt", NULL, MS_BIND, NULL) || chdir("o/mnt") ||
	    syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return 1;
	fd = open("/w/file", O_WRONLY);
	return write(fd, "pivoted", 7) != 7 || close(fd);
}

static int subvolume(const char *dir, unsigned long request, int fd, const char *name)
{
	struct btrfs_args args = {.fd = fd};
	int at = open(dir, O_RDONLY | O_DIRECTORY);
	int err;

	strcpy(args.name, name);
	err = ioctl(at, request, &args);
	close(at);
	return err;
}

/* A directory that was never empty. */
static int act_snapshot(void)
{
	int from, fd;

	if (subvolume("o", BTRFS_IOC_SUBVOL_CREATE, 0, "volume"))
		return technique_refused(ENODEV);
	if (mkdir("o/volume/deep", 0755))
		return 1;
	write_file("o/volume/deep/file", "deep");
	from = open("o/volume", O_RDONLY | O_DIRECTORY);
	if (from < 0 || subvolume("w", BTRFS_IOC_SNAP_CREATE, from, "shot"))
		return 2;
	fd = open("w/shot/deep/file", O_WRONLY);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd))
		return 3;
	return subvolume("w", BTRFS_IOC_SNAP_DESTROY, 0, "shot");
}

static const struct technique techniques[] = {
	/* clang-format off */
	{ "a descriptor of fanotify's, which fsnotify ignores", act_fanotify_write, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "such a descriptor, not closed for long", act_fanotify_hold, {
		{ FIM_OP_WRITE, "w/file", NULL, NULL }, { FIM_OP_WRITE, "w/file", NULL, NULL } }, false },
	{ "a mapping of such a descriptor", act_fanotify_map, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "the upper directory of an overlay", act_overlay_upper, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), true },
	{ "tee and splice", act_tee, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "a chain of io_uring: open, write, close", act_uring_chain, {
		{ FIM_OP_CREATE, "w/new", NULL, NULL }, { FIM_OP_WRITE, "w/new", NULL, NULL } }, false },
	{ "/proc/self/mem", act_proc_mem, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "a core dump", act_core, {
		{ FIM_OP_CREATE, "w/core", NULL, NULL }, { FIM_OP_TRUNCATE, "w/core", NULL, NULL },
		{ FIM_OP_WRITE, "w/core", NULL, NULL } }, false },
	{ "a rename that leaves a whiteout", act_whiteout, {{ FIM_OP_RENAME, "w/moved", "w/file", NULL }}, false },
	{ "hard links of a descriptor", act_link_of_fd, {
		{ FIM_OP_LINK, "w/empty", NULL, NULL }, { FIM_OP_LINK, "w/magic", NULL, NULL } }, false },
	{ "attributes by an O_PATH descriptor", act_attributes_of_path_fd, {
		{ FIM_OP_MODE, "w/file", NULL, NULL }, { FIM_OP_OWNER, "w/file", NULL, NULL },
		{ FIM_OP_TIMES, "w/file", NULL, NULL }, { FIM_OP_XATTR, "w/file", NULL, NULL },
		{ FIM_OP_XATTR, "w/file", NULL, NULL } }, false },
	{ "fchmodat2", act_fchmodat2, TECHNIQUE_TELLS(FIM_OP_MODE, "w/file"), false },
	{ "fsmount, move_mount, and lifted", act_new_mount_api, {
		{ FIM_OP_MOUNT, "w/dir", NULL, NULL }, { FIM_OP_UMOUNT, "w/dir", NULL, NULL } }, true },
	{ "pivot_root", act_pivot_root, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), true },
	{ "a btrfs snapshot made in the watch", act_snapshot, {
		{ FIM_OP_MKDIR, "w/shot", NULL, NULL }, { FIM_OP_WRITE, "w/shot/deep/file", NULL, NULL },
		{ FIM_OP_RMDIR, "w/shot", NULL, NULL } }, true },
	/* clang-format on */
};

/* From 7.0 acct(2) opens the file once to look at it and once more to write. */
static const struct technique accounting[] = {
	{"process accounting", act_accounting, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), true},
	{"process accounting",
	 act_accounting,
	 {{FIM_OP_WRITE, "w/file", NULL, NULL}, {FIM_OP_WRITE, "w/file", NULL, NULL}},
	 true},
};

int main(void)
{
	int fd = device_open();
	const char *dir = workdir();
	struct utsname name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(techniques); i++)
		technique_check(fd, dir, &techniques[i]);
	uname(&name);
	technique_check(fd, dir, &accounting[atoi(name.release) >= 7]);
	return done();
}
