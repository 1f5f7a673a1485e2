// SPDX-License-Identifier: GPL-2.0-only
/*
 * No memory: every allocation of every operation fails once, one after the
 * other (/proc/self/fail-nth). An operation that succeeds all the same must be
 * told, in full or with the flags that say what is missing; the device answers
 * ENOMEM and nothing is left behind. Needs a kernel with failslab.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../fimtest.h"

#define NTH_MAX 400

static struct events events;

static int open_and_write(void)
{
	int fd = open("w/file", O_WRONLY | O_CREAT, 0644);
	ssize_t len = fd < 0 ? -1 : write(fd, "x", 1);

	return fd < 0 || close(fd) || len != 1;
}

static int do_mkdir(void)
{
	return mkdir("w/new", 0755);
}

static int do_rename(void)
{
	return rename("w/file", "w/renamed");
}

static int do_unlink(void)
{
	return unlink("w/file");
}

static int do_chmod(void)
{
	return chmod("w/file", 0600);
}

static int do_setxattr(void)
{
	return setxattr("w/file", "trusted.x", "1", 1, 0);
}

static int do_link(void)
{
	return link("o/file", "w/link");
}

static int do_symlink(void)
{
	return symlink("x", "w/symlink");
}

static int do_truncate(void)
{
	return truncate("w/file", 1);
}

static const struct {
	const char *name;
	int (*act)(void);
	unsigned int op;
} cases[] = {
	{"open, write, close", open_and_write, FIM_OP_WRITE},
	{"mkdir", do_mkdir, FIM_OP_MKDIR},
	{"rename", do_rename, FIM_OP_RENAME},
	{"unlink", do_unlink, FIM_OP_DELETE},
	{"chmod", do_chmod, FIM_OP_MODE},
	{"setxattr", do_setxattr, FIM_OP_XATTR},
	{"link", do_link, FIM_OP_LINK},
	{"symlink", do_symlink, FIM_OP_SYMLINK},
	{"truncate", do_truncate, FIM_OP_TRUNCATE},
};

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

/* Let the n-th allocation of this task fail. */
static int arm(int n)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	if (fd < 0 || write(fd, fmt("%d", n), strlen(fmt("%d", n))) < 0)
		_exit(99);
	return fd;
}

/* Whether it came to that. */
static bool disarm(int fd)
{
	char text[16] = "";
	bool hit = pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	if (pwrite(fd, "0", 1, 0) != 1)
		_exit(99);
	close(fd);
	return hit;
}

struct attempt {
	size_t n_case;
	int nth;
};

/* Bit 0: the allocation failed. Bit 1: the operation did. */
static int act(void *arg)
{
	const struct attempt *attempt = arg;
	int fd = arm(attempt->nth);
	bool failed = cases[attempt->n_case].act();

	return disarm(fd) | failed << 1;
}

static void fresh(int fd)
{
	if (system("rm -rf w/* && echo 0123456789 >w/file"))
		bail("cannot make the tree");
	drain(fd, &events);
	events_clear(&events);
}

static void check_case(int fd, size_t n)
{
	struct attempt attempt = {n, 1};
	int hits = 0, survived = 0, silent = 0, wrong = 0, result;
	struct fim_info before, after;

	for (; attempt.nth <= NTH_MAX; attempt.nth++) {
		fresh(fd);
		info_get(fd, &before);
		result = in_child(act, &attempt);
		if (result < 0 || result == 99)
			bail("%s: status %d", cases[n].name, result);
		drain(fd, &events);
		info_get(fd, &after);
		if (!(result & 1))
			break;
		hits++;
		survived += !(result & 2);
		if (!(result & 2) && !find(&events, cases[n].op, 0)) {
			/* Told in another way? Without its intent, a change is ATTRIB. */
			if (!find(&events, FIM_OP_ATTRIB, 0) && after.lost == before.lost) {
				silent++;
				note("%s: silent when allocation %d fails", cases[n].name,
				     attempt.nth);
			}
		}
		wrong += result & 2 && find(&events, cases[n].op, 0) &&
			 cases[n].act != open_and_write;
	}
	note("%s: %d allocations failed, the operation survived %d of them", cases[n].name, hits,
	     survived);
	ok(hits && attempt.nth <= NTH_MAX, "%s: each allocation failed once", cases[n].name);
	ok(!silent, "%s: what succeeds without memory is told", cases[n].name);
	ok(!wrong, "%s: what fails for want of memory is no event", cases[n].name);
}

static void check_watch_add(int fd)
{
	struct fim_info info;
	int nth, hits = 0, odd = 0, id, nth_fd;
	bool hit;

	for (nth = 1; nth <= NTH_MAX; nth++) {
		int dirfd = open("o", O_RDONLY | O_DIRECTORY);

		nth_fd = arm(nth);
		id = watch_add_fd(fd, dirfd);
		hit = disarm(nth_fd);
		close(dirfd);
		odd += id <= 0 && id != -ENOMEM;
		if (id > 0)
			watch_del(fd, id);
		if (!hit)
			break;
		hits++;
	}
	info_get(fd, &info);
	note("FIM_IOC_WATCH_ADD: %d allocations failed", hits);
	ok(hits && !odd, "FIM_IOC_WATCH_ADD without memory is ENOMEM, or succeeds");
	ok(info.watches == 1, "and leaves no watch behind");
}

static void check_open(int fd)
{
	int nth, hits = 0, odd = 0, nth_fd;
	bool hit;

	close(fd);
	for (nth = 1; nth <= NTH_MAX; nth++) {
		nth_fd = arm(nth);
		fd = open(FIM_DEVICE_PATH, O_RDONLY | O_CLOEXEC);
		odd += fd < 0 && errno != ENOMEM && errno != ENFILE;
		hit = disarm(nth_fd);
		close(fd);
		if (!hit)
			break;
		hits++;
	}
	note("open of the device: %d allocations failed", hits);
	ok(hits && !odd, "opening the device without memory is ENOMEM, or succeeds");
}

int main(void)
{
	int fd = device_open();
	size_t i;

	workdir();
	if (access("/proc/thread-self/fail-nth", W_OK) ||
	    access("/sys/kernel/debug/failslab", F_OK)) {
		skip("no fault injection in this kernel", "allocations that fail");
		return done();
	}
	/* All kinds of memory, not only what may not be waited for. */
	if (!put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N") ||
	    !put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N") ||
	    !put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N") ||
	    !put("/sys/kernel/debug/fail_page_alloc/min-order", "0") ||
	    !put("/sys/kernel/debug/failslab/verbose", "0") ||
	    !put("/sys/kernel/debug/fail_page_alloc/verbose", "0"))
		bail("failslab: %s", strerror(errno));
	if (mkdir("w", 0755) || mkdir("o", 0755))
		bail("mkdir: %s", strerror(errno));
	write_file("o/file", "o");
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(fd, i);
	check_watch_add(fd);
	check_open(fd);
	return done();
}
