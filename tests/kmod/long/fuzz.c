// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz SECONDS [SEED]: ioctl(2), read(2), poll(2) and their like on the device,
 * with sizes, pointers and descriptors that are sometimes right, from several
 * threads, while others change what is watched. Prints TAP; whether the kernel
 * survived, its log tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../fimtest.h"

static atomic_int device = -1;
static atomic_ulong calls, good;
static time_t end;
/* Two pages, the second one without access: what ends at the border faults. */
static char *border;

struct rng {
	unsigned int seed;
};

static unsigned int pick(struct rng *rng, unsigned int n)
{
	return rand_r(&rng->seed) % n;
}

static void fill(struct rng *rng, void *bytes, size_t size)
{
	unsigned char *p = bytes;
	static const unsigned int sizes[] = {
		0,    4,    7,	  8,  sizeof(struct fim_watch), sizeof(struct fim_info),
		4095, 4096, 4097, -1U};
	unsigned int mode = pick(rng, 4);
	size_t i;

	for (i = 0; i < size; i++)
		p[i] = mode == 0 ? 0 : mode == 1 ? 0xff : pick(rng, 256);
	/* A size that may be accepted, and nothing else set: the way to the inside. */
	if (pick(rng, 2) && size >= 4) {
		if (pick(rng, 2))
			memset(p, 0, size);
		*(unsigned int *)p = sizes[pick(rng, ARRAY_SIZE(sizes))];
	}
}

static void *any_pointer(struct rng *rng, char *own, size_t size)
{
	size_t at = pick(rng, 300);

	switch (pick(rng, 12)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(uintptr_t)pick(rng, 65536);
	case 2:
		return (void *)0xffff888000000000UL;
	case 3:
		return (void *)(0x0000800000000000UL - pick(rng, 64));
	case 4:
		return (void *)-8UL;
	case 5:
		fill(rng, border + 4096 - at, at);
		return border + 4096 - at;
	case 6:
		return border + 4096;
	case 7:
		return (void *)(uintptr_t)any_pointer;
	}
	fill(rng, own, size);
	return own;
}

static int any_directory(struct rng *rng)
{
	static const char *const names[] = {"w",     "w/d0", "w/d1",	      "/",
					    "/proc", "/sys", "/dev",	      "/tmp",
					    "w/f0",  "/run", "/proc/self/fd", "/dev/ecs_fim"};

	return open(names[pick(rng, ARRAY_SIZE(names))],
		    pick(rng, 2) ? O_PATH : O_RDONLY | O_NONBLOCK);
}

static void one_ioctl(struct rng *rng)
{
	char own[8192];
	struct fim_watch watch = {.size = sizeof(watch)};
	struct fim_watch_ref ref = {.size = sizeof(ref), .watch_id = pick(rng, 2000)};
	unsigned int number = pick(rng, 12);
	unsigned long cmd = _IOC(pick(rng, 4), pick(rng, 8) ? FIM_IOC_MAGIC : pick(rng, 256),
				 number, pick(rng, 3) ? 16 * pick(rng, 8) : pick(rng, 16384));
	int result;

	switch (pick(rng, 4)) {
	case 0:
		watch.fd = pick(rng, 4) ? any_directory(rng) : (int)pick(rng, 64) - 2;
		result = ioctl(device, FIM_IOC_WATCH_ADD, &watch);
		if (watch.fd > 2)
			close(watch.fd);
		break;
	case 1:
		result = ioctl(device, FIM_IOC_WATCH_DEL, &ref);
		break;
	default:
		result = ioctl(device, cmd, any_pointer(rng, own, sizeof(own)));
	}
	good += !result;
	calls++;
}

static void one_read(struct rng *rng)
{
	/* As large as the largest read. */
	static _Thread_local char own[1 << 20];
	struct iovec iov[3] = {
		{own, pick(rng, 65536)}, {any_pointer(rng, own, 64), 4096}, {own, 30000}};
	struct pollfd pollfd = {.fd = device, .events = pick(rng, 65536)};

	switch (pick(rng, 8)) {
	case 0:
		good += readv(device, iov, 1 + pick(rng, 3)) > 0;
		break;
	case 1:
		good += read(device, any_pointer(rng, own, 64), pick(rng, 1 << 20)) > 0;
		break;
	case 2:
		good += pread(device, own, sizeof(own), pick(rng, 100)) > 0;
		break;
	case 3:
		good += poll(&pollfd, 1, pick(rng, 3)) > 0;
		break;
	case 4:
		good += write(device, own, pick(rng, 100)) > 0;
		break;
	case 5:
		good += mmap(NULL, 4096 * (1 + pick(rng, 64)),
			     PROT_READ | (pick(rng, 2) ? PROT_WRITE : 0), MAP_SHARED, device,
			     4096 * pick(rng, 4)) != MAP_FAILED;
		break;
	default:
		good += read(device, own, sizeof(own)) > 0;
	}
	calls++;
}

static void *caller(void *arg)
{
	struct rng rng = {(uintptr_t)arg};

	while (time(NULL) < end) {
		if (pick(&rng, 2))
			one_ioctl(&rng);
		else
			one_read(&rng);
	}
	return NULL;
}

/* The device goes and comes under the callers. */
static void *reopener(void *arg)
{
	struct rng rng = {(uintptr_t)arg};
	int fd;

	while (time(NULL) < end) {
		usleep(pick(&rng, 300000));
		fd = atomic_exchange(&device, -1);
		close(fd);
		while (time(NULL) < end) {
			fd = open(FIM_DEVICE_PATH,
				  (pick(&rng, 2) ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
			if (fd >= 0)
				break;
			usleep(1000);
		}
		atomic_store(&device, fd);
	}
	return NULL;
}

static void changer(unsigned int with_seed)
{
	struct rng rng = {with_seed};
	const char *a, *b;
	int fd;

	for (;;) {
		a = fmt("w/%sf%u", pick(&rng, 2) ? "" : "d0/", pick(&rng, 4));
		b = fmt("%s/f%u", pick(&rng, 2) ? "w/d1" : "o", pick(&rng, 4));
		fd = open(a, O_RDWR | O_CREAT, 0600);
		if (write(fd, "x", 1) != 1)
			pick(&rng, 2);
		close(fd);
		chmod(a, pick(&rng, 0777));
		rename(a, b);
		link(b, a);
		unlink(pick(&rng, 2) ? a : b);
		mkdir("w/d0", 0755);
		mkdir("w/d1", 0755);
		rename("w/d0", "w/d1/sub");
		rename("w/d1/sub", "w/d0");
		if (!pick(&rng, 50) && system("rm -rf w/d1"))
			continue;
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10;
	unsigned int with_seed = argc > 2 ? atoi(argv[2]) : 1, i;
	pthread_t threads[5];
	pid_t children[2];

	workdir();
	border = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (border == MAP_FAILED || mprotect(border + 4096, 4096, PROT_NONE) || mkdir("w", 0755) ||
	    mkdir("w/d0", 0755) || mkdir("w/d1", 0755) || mkdir("o", 0755))
		bail("cannot prepare");
	for (i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (!children[i])
			changer(with_seed + i);
	}
	device = device_open();
	end = time(NULL) + seconds;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, i ? caller : reopener,
			       (void *)(uintptr_t)(with_seed * 100 + i));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < ARRAY_SIZE(children); i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	note("%lu calls, %lu of them good, in %d s (seed %u)", calls, good, seconds, with_seed);
	ok(calls > (unsigned long)seconds, "the device was called all the time");
	ok(good > calls / 1000 && good < calls, "some calls succeed, some do not");
	close(device);
	i = device_open() < 0;
	ok(!i, "the device can still be opened");
	return done();
}
