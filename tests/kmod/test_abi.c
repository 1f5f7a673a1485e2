// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device against its users: who may open it, sizes, pointers, descriptors,
 * sessions, blocking reads, and a few seconds of nonsense.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fimtest.h"

#define FUZZ_SECONDS   5
#define KERNEL_ADDRESS ((void *)0xffffffff81000000UL)

static struct events events;

static bool fails(long result, int err)
{
	if (result == -1 && errno == err)
		return true;
	note("result %ld, %s instead of %s", result, strerror(errno), strerror(err));
	return false;
}

/* Who may open it */

static int act_open_without_capability(void *arg)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	(void)arg;
	if (syscall(SYS_capget, &header, data))
		return 1;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, data))
		return 1;
	return !fails(open(FIM_DEVICE_PATH, O_RDONLY), EPERM);
}

static int act_open_as_user(void *arg)
{
	(void)arg;
	return setgid(1234) || setuid(1234) || !fails(open(FIM_DEVICE_PATH, O_RDONLY), EACCES);
}

static int act_open_in_user_namespace(void *arg)
{
	FILE *map;

	(void)arg;
	if (syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */))
		return 1;
	map = fopen("/proc/self/uid_map", "w");
	if (!map || fprintf(map, "0 0 1") < 0 || fclose(map) || getuid())
		return 1;
	return !fails(open(FIM_DEVICE_PATH, O_RDONLY), EPERM);
}

static int act_open(void *arg)
{
	(void)arg;
	return !fails(open(FIM_DEVICE_PATH, O_RDONLY), EBUSY);
}

static void check_open(void)
{
	int fd;

	ok(!in_child(act_open_without_capability, NULL), "root without CAP_SYS_ADMIN: EPERM");
	ok(!in_child(act_open_as_user, NULL), "a user: EACCES");
	ok(!in_child(act_open_in_user_namespace, NULL), "root of a user namespace: EPERM");
	fd = device_open();
	ok(fails(open(FIM_DEVICE_PATH, O_RDONLY), EBUSY), "a second open: EBUSY");
	ok(!in_child(act_open, NULL), "a second process: EBUSY");
	close(fd);
	fd = device_open();
	ok(fd >= 0, "after the close the next may open");
	ok(fails(write(fd, "x", 1), EBADF), "a reader cannot write");
	close(fd);
	fd = open(FIM_DEVICE_PATH, O_RDWR);
	ok(fd >= 0 && fails(write(fd, "x", 1), EINVAL), "nor does the device take writes");
	close(fd);
}

/* Reading */

static void alarm_handler(int sig)
{
	(void)sig;
}

static int act_mkdir_later(void *arg)
{
	usleep(300000);
	return mkdir(arg, 0755);
}

static void check_read(int fd)
{
	static char buf[FIM_READ_MIN];
	const struct fim_session *session = (void *)buf;
	struct sigaction action = {.sa_handler = alarm_handler};
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	ssize_t len;
	pid_t pid;

	ok(poll(&pollfd, 1, 0) == 1 && pollfd.revents == POLLIN, "a new session is readable");
	ok(fails(read(fd, buf, 0), EINVAL) && fails(read(fd, buf, FIM_READ_MIN - 1), EINVAL),
	   "a buffer below FIM_READ_MIN: EINVAL");
	ok(fails(syscall(SYS_read, fd, NULL, FIM_READ_MIN), EFAULT) &&
		   fails(syscall(SYS_read, fd, KERNEL_ADDRESS, FIM_READ_MIN), EFAULT),
	   "a bad buffer: EFAULT");
	len = read(fd, buf, sizeof(buf));
	ok(len == sizeof(*session) && session->rec.type == FIM_REC_SESSION &&
		   session->tgid == (uint32_t)getpid(),
	   "none of these consumed the session's record");
	ok(fails(read(fd, buf, sizeof(buf)), EAGAIN), "nothing waits: EAGAIN");
	ok(poll(&pollfd, 1, 0) == 0, "nothing waits: not readable");

	if (watch_add(fd, ".") <= 0)
		bail("cannot watch");
	drain(fd, &events);
	fcntl(fd, F_SETFL, 0);
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	ok(fails(read(fd, buf, sizeof(buf)), EINTR), "a blocking read is interrupted by a signal");
	pid = fork();
	if (!pid)
		_exit(act_mkdir_later("later"));
	len = read(fd, buf, sizeof(buf));
	ok(len > 0 && ((struct fim_event *)buf)->op == FIM_OP_MKDIR,
	   "a blocking read wakes when a record comes");
	waitpid(pid, NULL, 0);
	pid = fork();
	if (!pid)
		_exit(act_mkdir_later("latest"));
	ok(poll(&pollfd, 1, 5000) == 1, "poll wakes when a record comes");
	waitpid(pid, NULL, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	drain(fd, &events);
	events_clear(&events);
}

/* A buffer whose end is not there: the records before the fault are delivered. */
static void check_partial_fault(int fd)
{
	char *map = mmap(NULL, 2 * FIM_READ_MIN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct fim_info before, after;
	ssize_t len;
	int i;

	if (map == MAP_FAILED || munmap(map + 4096, 2 * FIM_READ_MIN - 4096))
		bail("mmap: %s", strerror(errno));
	info_get(fd, &before);
	if (system("for i in $(seq 40); do mkdir fault.$i; done"))
		bail("mkdir");
	len = read(fd, map, FIM_READ_MIN);
	info_get(fd, &after);
	ok(len > 0 && len <= 4096 && after.seq == before.seq + 40,
	   "a buffer that ends in a hole takes whole records before it");
	munmap(map, 4096);
	drain(fd, &events);
	for (i = 1; i < (int)events.count; i++) {
		if (events.events[i].rec.seq != events.events[i - 1].rec.seq + 1)
			break;
	}
	ok(i == (int)events.count && events.events[events.count - 1].rec.seq == after.seq &&
		   events.count < 40,
	   "and the next read goes on where it ended");
	events_clear(&events);
}

/* ioctls */

static void check_sizes(int fd)
{
	struct {
		struct fim_info info;
		char more[8192];
	} big;
	struct fim_watch_ref ref = {};

	memset(&big, 0, sizeof(big));
	ok(fails(ioctl(fd, FIM_IOC_INFO, &big), EINVAL), "size 0: EINVAL");
	big.info.size = offsetof(struct fim_info, later_missed) - 1;
	ok(fails(ioctl(fd, FIM_IOC_INFO, &big), EINVAL), "a size that never was: EINVAL");
	big.info.size = offsetof(struct fim_info, later_missed);
	big.info.later_missed = 4711;
	ok(!ioctl(fd, FIM_IOC_INFO, &big) && big.info.later_missed == 4711,
	   "the size of the first version: nothing beyond it is written");
	big.info.later_missed = 0;
	big.info.size = sizeof(big.info) + 64;
	ok(!ioctl(fd, FIM_IOC_INFO, &big) && big.info.abi == FIM_ABI_VERSION,
	   "a larger struct whose excess is zero is accepted");
	big.more[63] = 1;
	ok(fails(ioctl(fd, FIM_IOC_INFO, &big), E2BIG), "an excess that is not zero: E2BIG");
	memset(&big, 0, sizeof(big));
	big.info.size = sizeof(big);
	ok(fails(ioctl(fd, FIM_IOC_INFO, &big), E2BIG), "more than a page: E2BIG");
	big.info.size = sizeof(big.info) + 64;
	ok(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, FIM_IOC_MAGIC, 1, sizeof(big.info) + 64), &big),
	   "the size in the ioctl's number does not matter");
	ref.size = sizeof(ref) - 4;
	ok(fails(ioctl(fd, FIM_IOC_WATCH_DEL, &ref), EINVAL), "WATCH_DEL checks the size");
}

static void check_pointers(int fd)
{
	static const unsigned long cmds[] = {FIM_IOC_INFO, FIM_IOC_WATCH_ADD, FIM_IOC_WATCH_DEL,
					     FIM_IOC_RULE_ADD, FIM_IOC_ARM};
	static void *const pointers[] = {NULL, (void *)1, KERNEL_ADDRESS, (void *)-1L,
					 (void *)0x8000000000000000UL};
	struct fim_watch *edge;
	bool good = true;
	size_t i, j;
	char *map;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (j = 0; j < ARRAY_SIZE(pointers); j++)
			good &= fails(ioctl(fd, cmds[i], pointers[j]), EFAULT);
	}
	ok(good, "null, odd, kernel and non-canonical pointers: EFAULT");
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(map + 4096, 4096);
	edge = (void *)(map + 4096 - 8);
	edge->size = sizeof(*edge);
	ok(fails(ioctl(fd, FIM_IOC_WATCH_ADD, edge), EFAULT),
	   "a struct that ends in a hole: EFAULT");
	/* Readable but not writable: the watch must not stay behind. */
	if (mkdir("readonly", 0755))
		bail("mkdir");
	edge = (void *)map;
	*edge = (struct fim_watch){.size = sizeof(*edge), .fd = open("readonly", O_RDONLY)};
	mprotect(map, 4096, PROT_READ);
	ok(fails(ioctl(fd, FIM_IOC_WATCH_ADD, edge), EFAULT), "a struct that is read-only: EFAULT");
	close(edge->fd);
	i = watch_add(fd, "readonly");
	ok((int)i > 0 && !watch_del(fd, i), "and the watch did not stay behind");
	munmap(map, 4096);
}

static void check_descriptors(int fd)
{
	static const struct {
		const char *path;
		int err;
	} paths[] = {
		{"/proc", EOPNOTSUPP},		{"/proc/self", EOPNOTSUPP},
		{"/sys", EOPNOTSUPP},		{"/sys/kernel/debug", EOPNOTSUPP},
		{"/sys/fs/cgroup", EOPNOTSUPP},
	};
	struct fim_watch watch = {.size = sizeof(watch), .fd = -1};
	int pipefd[2], sock, memfd, id;
	bool good = true;
	size_t i;

	ok(watch_add_fd(fd, -1) == -EBADF && watch_add_fd(fd, 9999) == -EBADF &&
		   watch_add_fd(fd, -100) == -EBADF && watch_add_fd(fd, 0x7fffffff) == -EBADF,
	   "no descriptor: EBADF");
	if (pipe(pipefd))
		bail("pipe");
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	memfd = syscall(SYS_memfd_create, "x", 0);
	ok(watch_add_fd(fd, pipefd[0]) == -ENOTDIR && watch_add_fd(fd, sock) == -ENOTDIR &&
		   watch_add_fd(fd, memfd) == -ENOTDIR && watch_add_fd(fd, fd) == -ENOTDIR,
	   "a pipe, a socket, a memfd, the device: ENOTDIR");
	close(pipefd[0]);
	close(pipefd[1]);
	close(sock);
	close(memfd);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		id = watch_add(fd, paths[i].path);
		if (id == -paths[i].err || id == -ENOENT)
			continue;
		note("%s: %d", paths[i].path, id);
		good = false;
	}
	ok(good, "file systems without files: EOPNOTSUPP");
	watch.flags = 1;
	ok(fails(ioctl(fd, FIM_IOC_WATCH_ADD, &watch), EINVAL), "unknown flags: EINVAL");
	watch.flags = 0;
	watch.reserved = 1;
	ok(fails(ioctl(fd, FIM_IOC_WATCH_ADD, &watch), EINVAL), "reserved member not 0: EINVAL");
	ok(fails(ioctl(fd, _IO(FIM_IOC_MAGIC, 77), 0), ENOTTY) &&
		   fails(ioctl(fd, _IO('x', 1), 0), ENOTTY) && fails(ioctl(fd, 0x5401, 0), ENOTTY),
	   "unknown ioctls: ENOTTY");
}

/* Nonsense */

static void check_fuzz(int fd)
{
	static union {
		struct fim_watch watch;
		struct fim_info info;
		uint32_t words[64];
	} arg;
	time_t end = time(NULL) + FUZZ_SECONDS;
	struct fim_arm disarm = {.size = sizeof(disarm), .flags = FIM_ARM_OFF};
	struct fim_info info;
	unsigned int seed = time(NULL), i;
	unsigned long calls = 0;
	int dirfd = open(".", O_RDONLY);

	note("seed %u", seed);
	while (time(NULL) < end) {
		unsigned int cmd = _IOC(rand_r(&seed) & 3,
					rand_r(&seed) % 8 ? FIM_IOC_MAGIC : rand_r(&seed) & 255,
					rand_r(&seed) % 6, rand_r(&seed) & 255);
		void *pointer = &arg;

		for (i = 0; i < ARRAY_SIZE(arg.words); i++)
			arg.words[i] = rand_r(&seed) % 4 ? 0 : rand_r(&seed);
		if (rand_r(&seed) % 4)
			arg.words[0] = rand_r(&seed) % 2 ? sizeof(arg.watch)
							 : (unsigned int)rand_r(&seed) % 300;
		if (rand_r(&seed) % 2)
			arg.watch.fd = rand_r(&seed) % 2 ? dirfd : rand_r(&seed) % 10;
		/* Its own copy of the device must survive: never a watch on stdio. */
		if (rand_r(&seed) % 16 == 0)
			pointer = (void *)(((unsigned long)rand_r(&seed) << 32) | rand_r(&seed));
		ioctl(fd, cmd, pointer);
		if (rand_r(&seed) % 64 == 0)
			drain(fd, &events);
		events_clear(&events);
		calls++;
	}
	note("%lu calls", calls);
	/* Some of them armed it. */
	if (ioctl(fd, FIM_IOC_ARM, &disarm))
		bail("FIM_IOC_ARM: %s", strerror(errno));
	info_get(fd, &info);
	ok(info.abi == FIM_ABI_VERSION, "the device survives random ioctls");
	close(dirfd);
}

static void check_info(int fd)
{
	struct fim_info info;

	info_get(fd, &info);
	ok(info.size == sizeof(info) && info.abi == FIM_ABI_VERSION && info.ring_size >= 65536 &&
		   info.ring_used <= info.ring_size && info.session >= 1 && !info.reserved,
	   "INFO tells the version and plausible numbers");
	ok(info.features ==
		   (FIM_FEATURE_OPEN_HOOK | FIM_FEATURE_ATTR_HOOKS | FIM_FEATURE_FLAGS_HOOKS |
		    FIM_FEATURE_MOUNT_HOOKS | FIM_FEATURE_LEND_HOOKS | FIM_FEATURE_ATTEMPTS |
		    FIM_FEATURE_LINK_HOOK | FIM_FEATURE_ROOT_HOOK | FIM_FEATURE_GUARD_HOOKS),
	   "all hooks are there");
}

int main(void)
{
	int fd;

	workdir();
	check_open();
	fd = device_open();
	check_read(fd);
	check_partial_fault(fd);
	check_info(fd);
	check_sizes(fd);
	check_pointers(fd);
	check_descriptors(fd);
	check_fuzz(fd);
	return done();
}
