// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way to change a file's content that is not write(2): each is one WRITE,
 * with everything that is to know about who did it.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fimtest.h"

static int open_file(void)
{
	return open("w/file", O_RDWR | O_CLOEXEC);
}

static int act_writev(void)
{
	struct iovec iov[] = {{"one", 3}, {"two", 3}};
	int fd = open_file();

	return writev(fd, iov, 2) != 6 || close(fd);
}

static int act_pwritev2(void)
{
	struct iovec iov = {"append", 6};
	int fd = open_file();

	return pwritev2(fd, &iov, 1, -1, RWF_APPEND | RWF_DSYNC) != 6 || close(fd);
}

static int act_direct(void)
{
	int fd = open("w/file", O_RDWR | O_DIRECT);
	void *page;

	if (fd < 0)
		return technique_refused(EXDEV);
	if (posix_memalign(&page, 4096, 4096))
		return 1;
	memset(page, 'd', 4096);
	return write(fd, page, 4096) != 4096 || close(fd);
}

static int act_splice(void)
{
	int fd = open_file(), pipefd[2];

	return pipe(pipefd) || write(pipefd[1], "spliced", 7) != 7 ||
	       splice(pipefd[0], NULL, fd, NULL, 7, 0) != 7 || close(fd);
}

static int act_vmsplice(void)
{
	struct iovec iov = {"vmspliced", 9};
	int fd = open_file(), pipefd[2];

	return pipe(pipefd) || vmsplice(pipefd[1], &iov, 1, 0) != 9 ||
	       splice(pipefd[0], NULL, fd, NULL, 9, 0) != 9 || close(fd);
}

static int act_sendfile(void)
{
	int from = open("o/file", O_RDONLY), to = open_file();

	return sendfile(to, from, NULL, 7) != 7 || close(to);
}

static int act_copy_file_range(void)
{
	int from = open("o/file", O_RDONLY), to = open_file();

	if (copy_file_range(from, NULL, to, NULL, 7, 0) != 7)
		return technique_refused(EXDEV);
	return close(to);
}

static int fallocate_file(int mode, off_t offset, off_t len)
{
	char page[16384] = "x";
	int fd = open_file();

	if (pwrite(fd, page, sizeof(page), 0) != sizeof(page))
		return 1;
	if (fallocate(fd, mode, offset, len))
		return technique_refused(EXDEV);
	return close(fd);
}

static int act_allocate(void)
{
	return fallocate_file(0, 0, 65536);
}

static int act_punch_hole(void)
{
	return fallocate_file(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
}

static int act_zero_range(void)
{
	return fallocate_file(FALLOC_FL_ZERO_RANGE, 0, 4096);
}

static int act_collapse_range(void)
{
	return fallocate_file(FALLOC_FL_COLLAPSE_RANGE, 0, 4096);
}

static int act_insert_range(void)
{
	return fallocate_file(FALLOC_FL_INSERT_RANGE, 0, 4096);
}

static int act_clone(void)
{
	int from = open("o/file", O_RDONLY), to = open_file();

	return ioctl(to, FICLONE, from) ? technique_refused(EXDEV) : close(to);
}

static int act_clone_range(void)
{
	struct file_clone_range range = {.src_fd = open("o/file", O_RDONLY)};
	int to = open_file();

	return ioctl(to, FICLONERANGE, &range) ? technique_refused(EXDEV) : close(to);
}

static int map_and_store(int prot, int prot_later)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, prot, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || close(fd))
		return 1;
	if (prot_later && mprotect(map, 4096, prot_later))
		return 1;
	map[0] = 'M';
	return msync(map, 4096, MS_SYNC) || munmap(map, 4096);
}

static int act_map(void)
{
	return map_and_store(PROT_READ | PROT_WRITE, 0);
}

static int act_map_upgraded(void)
{
	return map_and_store(PROT_READ, PROT_READ | PROT_WRITE);
}

static int act_map_moved(void)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || close(fd))
		return 1;
	map = mremap(map, 4096, 8192, MREMAP_MAYMOVE);
	if (map == MAP_FAILED)
		return 1;
	map[0] = 'R';
	return munmap(map, 8192);
}

/* The kernel stores for us: read(2) into a shared mapping. */
static int act_map_read_into(void)
{
	int fd = open_file(), from = open("o/file", O_RDONLY);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return map == MAP_FAILED || close(fd) || read(from, map, 7) != 7 || munmap(map, 4096);
}

static int store_from_afar(void *arg)
{
	struct iovec local = {"afar", 4}, remote = {arg, 4};

	return process_vm_writev(getppid(), &local, 1, &remote, 1, 0) != 4;
}

/* Another process stores into our mapping: the file is ours. */
static int act_map_written_from_afar(void)
{
	int fd = open_file();
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return map == MAP_FAILED || close(fd) || in_child(store_from_afar, map) || map[0] != 'a' ||
	       munmap(map, 4096);
}

/* None of these changes anything. */
static int act_in_vain(void)
{
	int fd = open("w/file", O_RDONLY), none = open("w/none", O_WRONLY);
	int out = open("o/out", O_RDWR | O_CREAT, 0600);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	map[0] = 'P';
	return none >= 0 || write(fd, "x", 1) >= 0 || !fallocate(fd, 0, 0, 1) ||
	       mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ||
	       sendfile(fd, out, NULL, 1) >= 0 || copy_file_range(out, NULL, fd, NULL, 1, 0) >= 0 ||
	       sendfile(out, fd, NULL, 3) != 3 || munmap(map, 4096) || close(fd);
}

#define ONE_WRITE                                          \
	{                                                  \
		{                                          \
			FIM_OP_WRITE, "w/file", NULL, NULL \
		}                                          \
	}

static const struct technique techniques[] = {
	/* clang-format off */
	{ "writev", act_writev, ONE_WRITE, false },
	{ "pwritev2 that appends", act_pwritev2, ONE_WRITE, false },
	{ "O_DIRECT", act_direct, ONE_WRITE, false },
	{ "splice from a pipe", act_splice, ONE_WRITE, false },
	{ "vmsplice and splice", act_vmsplice, ONE_WRITE, false },
	{ "sendfile into the watch", act_sendfile, ONE_WRITE, false },
	{ "copy_file_range into the watch", act_copy_file_range, ONE_WRITE, false },
	{ "fallocate", act_allocate, ONE_WRITE, false },
	{ "fallocate that punches a hole", act_punch_hole, ONE_WRITE, false },
	{ "fallocate that zeroes", act_zero_range, ONE_WRITE, false },
	{ "fallocate that collapses", act_collapse_range, ONE_WRITE, false },
	{ "fallocate that inserts", act_insert_range, ONE_WRITE, false },
	{ "FICLONE", act_clone, ONE_WRITE, false },
	{ "FICLONERANGE", act_clone_range, ONE_WRITE, false },
	{ "a store through a shared mapping", act_map, ONE_WRITE, false },
	{ "a mapping made writable later", act_map_upgraded, ONE_WRITE, false },
	{ "a mapping that moves and grows", act_map_moved, ONE_WRITE, false },
	{ "read(2) into a shared mapping", act_map_read_into, ONE_WRITE, false },
	{ "process_vm_writev into a shared mapping", act_map_written_from_afar, ONE_WRITE, false },
	{ "what fails, reads, or maps privately is no event", act_in_vain, {}, false },
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
