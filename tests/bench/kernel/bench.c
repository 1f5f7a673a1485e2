// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench OUTSIDE INSIDE: print, for each operation outside and inside the watched directory,
 * the median and the mean cost of one, in ticks of the time stamp counter. In a
 * guest under -icount shift=0 a tick is an executed instruction.
 *
 * bench --module DIR, --fanotify DIR, --inotify DIR: listen to DIR by that means
 * and read until killed, as a monitor does. --mark DIR: only the kernel's part of it, a
 * mark that never has anything to tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../../kmod/uapi/ecs_fim.h"

#define WARM_UP 100
#define RUNS	1000

static int kept;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void must(bool good, const char *what)
{
	if (!good)
		die(what);
}

static void open_write_close(void)
{
	int fd = open("file", O_WRONLY);

	must(write(fd, "x", 1) == 1 && !close(fd), "open_write_close");
}

static void open_read_close(void)
{
	char c;
	int fd = open("file", O_RDONLY);

	must(read(fd, &c, 1) == 1 && !close(fd), "open_read_close");
}

static void pwrite_once(void)
{
	must(pwrite(kept, "x", 1, 0) == 1, "pwrite");
}

static void create_close_unlink(void)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_EXCL, 0644);

	must(fd >= 0 && !close(fd) && !unlink("new"), "create_close_unlink");
}

static void rename_there_and_back(void)
{
	must(!rename("file", "file2") && !rename("file2", "file"), "rename");
}

static void chmod_once(void)
{
	static unsigned int i;

	must(!chmod("file", i++ % 2 ? 0600 : 0644), "chmod");
}

static void stat_once(void)
{
	struct stat st;

	must(!stat("file", &st), "stat");
}

static void getppid_once(void)
{
	syscall(SYS_getppid);
}

static const struct {
	const char *name;
	void (*run)(void);
} ops[] = {
	{"open_write_close", open_write_close},
	{"open_read_close", open_read_close},
	{"pwrite", pwrite_once},
	{"create_close_unlink", create_close_unlink},
	{"rename_twice", rename_there_and_back},
	{"chmod", chmod_once},
	{"stat", stat_once},
	{"getppid", getppid_once},
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void measure(const char *name, const char *where, void (*run)(void))
{
	static uint64_t ticks[RUNS];
	uint64_t begin, sum = 0;
	int i;

	for (i = 0; i < WARM_UP; i++)
		run();
	for (i = 0; i < RUNS; i++) {
		begin = __rdtsc();
		run();
		ticks[i] = __rdtsc() - begin;
		sum += ticks[i];
	}
	qsort(ticks, RUNS, sizeof(ticks[0]), compare);
	printf("%s %s %llu %llu\n", name, where, (unsigned long long)ticks[RUNS / 2],
	       (unsigned long long)(sum / RUNS));
}

static void measure_all(const char *dir, const char *where)
{
	size_t i;

	if (chdir(dir))
		die(dir);
	kept = open("file", O_RDWR | O_CREAT, 0644);
	must(kept >= 0 && pwrite(kept, "x", 1, 0) == 1, "file");
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		measure(ops[i].name, where, ops[i].run);
	close(kept);
}

static int module_open(const char *dir)
{
	struct fim_watch watch = {.size = sizeof(watch)};
	int fd = open(FIM_DEVICE_PATH, O_RDONLY);

	watch.fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || ioctl(fd, FIM_IOC_WATCH_ADD, &watch))
		die("watch");
	return fd;
}

/* As fapolicyd and the like do: the whole file system, directory and name in each event. */
static int fanotify_open(const char *dir)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME, 0);

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
				    FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO |
					    FAN_ATTRIB | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ONDIR,
				    AT_FDCWD, dir))
		die("fanotify");
	return fd;
}

static int inotify_open(const char *dir)
{
	int fd = inotify_init();

	if (fd < 0 || inotify_add_watch(fd, dir,
					IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_MODIFY |
						IN_CLOSE_WRITE) < 0)
		die("inotify");
	return fd;
}

/* One mark on one directory, for what does not happen: what every listener pays. */
static int mark_open(const char *dir)
{
	int fd = inotify_init();

	if (fd < 0 || inotify_add_watch(fd, dir, IN_DELETE_SELF) < 0)
		die("inotify");
	return fd;
}

static const struct {
	const char *option;
	int (*open)(const char *dir);
} listeners[] = {
	{"--module", module_open},
	{"--fanotify", fanotify_open},
	{"--inotify", inotify_open},
	{"--mark", mark_open},
};

static void listen_for_ever(int fd)
{
	static char buf[1 << 16];

	puts("ready");
	fflush(stdout);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	die("read");
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc == 3 && i < sizeof(listeners) / sizeof(listeners[0]); i++)
		if (!strcmp(argv[1], listeners[i].option))
			listen_for_ever(listeners[i].open(argv[2]));
	if (argc != 3) {
		fprintf(stderr,
			"usage: bench OUTSIDE INSIDE | bench --module|--fanotify|--inotify|--mark INSIDE\n");
		return 2;
	}
	measure_all(argv[1], "outside");
	measure_all(argv[2], "inside");
	return 0;
}
