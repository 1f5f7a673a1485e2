// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that io_uring does to files without a system call of its own: in
 * the submitter's context, on a worker thread, on the polling thread, on files
 * that have no descriptor. The actor is who owns the ring.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fimtest.h"

static struct io_uring_params params;
static int ring;
/* IOSQE_*, and IORING_SETUP_*, of all requests of this round. */
static unsigned int request_flags, setup_flags;

/* @call has the opcode and its arguments; the result or -errno. */
static int run(struct io_uring_sqe call)
{
	if (!ring) {
		params = (struct io_uring_params){.flags = setup_flags, .sq_thread_idle = 1000};
		ring = uring_setup(&params);
	}
	if (ring < 0)
		return ring;
	call.flags |= request_flags;
	return uring_one(ring, &params, &call);
}

/* EINVAL and EOPNOTSUPP: this kernel's io_uring has no such call. */
static int status(int result, int good)
{
	if (result == -EINVAL || result == -EOPNOTSUPP || result == -ENOSYS)
		return UNSUPPORTED;
	return result != good;
}

static uint64_t ptr(const void *p)
{
	return (uintptr_t)p;
}

static int act_open_write_close(void)
{
	int fd = run((struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
					   .fd = AT_FDCWD,
					   .addr = ptr("w/new"),
					   .open_flags = O_WRONLY | O_CREAT,
					   .len = 0644});

	if (fd < 0)
		return status(fd, 0);
	if (run((struct io_uring_sqe){
		    .opcode = IORING_OP_WRITE, .fd = fd, .addr = ptr("new"), .len = 3}) != 3)
		return 1;
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd}), 0);
}

static int act_writev(void)
{
	struct iovec iov = {"vector", 6};
	int fd = open("w/file", O_WRONLY);

	return run((struct io_uring_sqe){
		       .opcode = IORING_OP_WRITEV, .fd = fd, .addr = ptr(&iov), .len = 1}) != 6 ||
	       close(fd);
}

static int act_fixed_file(void)
{
	int fd = open("w/file", O_WRONLY);

	/* The ring exists after the first request. */
	if (run((struct io_uring_sqe){.opcode = IORING_OP_NOP}) ||
	    syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) || close(fd))
		return ring < 0 ? UNSUPPORTED : 1;
	if (run((struct io_uring_sqe){.opcode = IORING_OP_WRITE,
				      .flags = IOSQE_FIXED_FILE,
				      .fd = 0,
				      .addr = ptr("fixed"),
				      .len = 5}) != 5)
		return 2;
	return syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_FILES, NULL, 0) != 0;
}

/* As before, but the ring drops the file some time after the exit. */
static int act_fixed_file_left(void)
{
	int fd = open("w/file", O_WRONLY);

	if (run((struct io_uring_sqe){.opcode = IORING_OP_NOP}) ||
	    syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) || close(fd))
		return ring < 0 ? UNSUPPORTED : 1;
	return run((struct io_uring_sqe){.opcode = IORING_OP_WRITE,
					 .flags = IOSQE_FIXED_FILE,
					 .fd = 0,
					 .addr = ptr("left"),
					 .len = 4}) != 4;
}

/* Opened into the ring: no descriptor at any time. */
static int act_direct_descriptor(void)
{
	int none = -1, err;

	if (run((struct io_uring_sqe){.opcode = IORING_OP_NOP}) ||
	    syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &none, 1))
		return ring < 0 ? UNSUPPORTED : 1;
	err = run((struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
					.fd = AT_FDCWD,
					.addr = ptr("w/file"),
					.open_flags = O_WRONLY,
					.file_index = 1});
	if (err)
		return status(err, 0);
	return run((struct io_uring_sqe){.opcode = IORING_OP_WRITE,
					 .flags = IOSQE_FIXED_FILE,
					 .fd = 0,
					 .addr = ptr("direct"),
					 .len = 6}) != 6;
}

static int act_fixed_buffer(void)
{
	/* Not memory that belongs to a file. */
	char *buffer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = {buffer, 4096};
	int fd = open("w/file", O_WRONLY);

	if (run((struct io_uring_sqe){.opcode = IORING_OP_NOP}) ||
	    syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1))
		return ring < 0 ? UNSUPPORTED : 1;
	return run((struct io_uring_sqe){
		       .opcode = IORING_OP_WRITE_FIXED, .fd = fd, .addr = ptr(buffer), .len = 6}) !=
		       6 ||
	       close(fd);
}

static int act_fallocate(void)
{
	int fd = open("w/file", O_WRONLY);
	int err = run((struct io_uring_sqe){
		.opcode = IORING_OP_FALLOCATE, .fd = fd, .off = 0, .addr = 65536, .len = 0});

	return status(err, 0) ?: close(fd);
}

static int act_splice(void)
{
	int fd = open("w/file", O_WRONLY), pipefd[2];
	int got;

	if (pipe(pipefd) || write(pipefd[1], "pipe", 4) != 4)
		return 1;
	got = run((struct io_uring_sqe){.opcode = IORING_OP_SPLICE,
					.fd = fd,
					.splice_fd_in = pipefd[0],
					.splice_off_in = -1ULL,
					.off = 0,
					.len = 4});
	return status(got, 4) ?: close(fd);
}

static int act_rename(void)
{
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
						.fd = AT_FDCWD,
						.addr = ptr("w/file"),
						.len = (uint32_t)AT_FDCWD,
						.addr2 = ptr("w/renamed")}),
		      0);
}

static int act_unlink(void)
{
	return status(run((struct io_uring_sqe){
			      .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = ptr("w/file")}),
		      0);
}

static int act_rmdir(void)
{
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT,
						.fd = AT_FDCWD,
						.addr = ptr("w/dir"),
						.unlink_flags = AT_REMOVEDIR}),
		      0);
}

static int act_mkdir(void)
{
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_MKDIRAT,
						.fd = AT_FDCWD,
						.addr = ptr("w/made"),
						.len = 0755}),
		      0);
}

static int act_symlink(void)
{
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_SYMLINKAT,
						.fd = AT_FDCWD,
						.addr = ptr("target"),
						.addr2 = ptr("w/symlink")}),
		      0);
}

static int act_link(void)
{
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_LINKAT,
						.fd = AT_FDCWD,
						.addr = ptr("o/file"),
						.len = (uint32_t)AT_FDCWD,
						.addr2 = ptr("w/link")}),
		      0);
}

static int act_xattr(void)
{
	/* trusted.*: every file system has it. */
	return status(run((struct io_uring_sqe){.opcode = IORING_OP_SETXATTR,
						.addr = ptr("trusted.x"),
						.addr2 = ptr("1"),
						.addr3 = ptr("w/file"),
						.len = 1}),
		      0);
}

/* All of these fail. */
static int act_in_vain(void)
{
	int result;

	if (run((struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
				      .fd = AT_FDCWD,
				      .addr = ptr("w/file"),
				      .open_flags = O_WRONLY | O_CREAT | O_EXCL,
				      .len = 0644}) >= 0)
		return 1;
	if (ring < 0)
		return UNSUPPORTED;
	result = run((struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
					   .fd = AT_FDCWD,
					   .addr = ptr("w/none"),
					   .len = (uint32_t)AT_FDCWD,
					   .addr2 = ptr("w/renamed")});
	if (result >= 0)
		return 2;
	result = run((struct io_uring_sqe){
		.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = ptr("w/dir")});
	if (result >= 0)
		return 3;
	return run((struct io_uring_sqe){.opcode = IORING_OP_MKDIRAT,
					 .fd = AT_FDCWD,
					 .addr = ptr("w/dir"),
					 .len = 0755}) >= 0;
}

static const struct technique techniques[] = {
	/* clang-format off */
	{ "openat, write, close", act_open_write_close, {
		{ FIM_OP_CREATE, "w/new", NULL, NULL }, { FIM_OP_WRITE, "w/new", NULL, NULL } }, false },
	{ "writev", act_writev, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "a write to a registered file", act_fixed_file, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "a registered file left to the exit", act_fixed_file_left, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "a file that never has a descriptor", act_direct_descriptor, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "a write from a registered buffer", act_fixed_buffer, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "fallocate", act_fallocate, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "splice", act_splice, TECHNIQUE_TELLS(FIM_OP_WRITE, "w/file"), false },
	{ "renameat", act_rename, {{ FIM_OP_RENAME, "w/renamed", "w/file", NULL }}, false },
	{ "unlinkat", act_unlink, TECHNIQUE_TELLS(FIM_OP_DELETE, "w/file"), false },
	{ "unlinkat of a directory", act_rmdir, TECHNIQUE_TELLS(FIM_OP_RMDIR, "w/dir"), false },
	{ "mkdirat", act_mkdir, TECHNIQUE_TELLS(FIM_OP_MKDIR, "w/made"), false },
	{ "symlinkat", act_symlink, TECHNIQUE_TELLS(FIM_OP_SYMLINK, "w/symlink"), false },
	{ "linkat", act_link, TECHNIQUE_TELLS(FIM_OP_LINK, "w/link"), false },
	{ "setxattr", act_xattr, TECHNIQUE_TELLS(FIM_OP_XATTR, "w/file"), false },
	{ "what fails is no event", act_in_vain, {}, false },
	/* clang-format on */
};

static const struct {
	const char *name;
	unsigned int request_flags, setup_flags;
} rounds[] = {
	{"io_uring", 0, 0},
	{"io_uring on a worker", IOSQE_ASYNC, 0},
	{"io_uring polled by the kernel", 0, IORING_SETUP_SQPOLL},
};

int main(void)
{
	int fd = device_open();
	const char *dir = workdir();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(rounds); i++) {
		request_flags = rounds[i].request_flags;
		setup_flags = rounds[i].setup_flags;
		for (j = 0; j < ARRAY_SIZE(techniques); j++) {
			struct technique technique = techniques[j];

			technique.name = fmt("%s: %s", rounds[i].name, technique.name);
			technique_check(fd, dir, &technique);
		}
	}
	return done();
}
