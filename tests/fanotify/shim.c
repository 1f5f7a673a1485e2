// SPDX-License-Identifier: Apache-2.0
/*
 * Lets the module's test programs run with the daemon's fanotify source instead: what
 * they do to the device (open, ioctl, read, poll, close) is done to the source. Linked
 * with --wrap, so that the programs themselves are the same.
 *
 * The programs read when their children have ended; a daemon reads at once. So a child
 * waits before it ends until what it did was read: else nothing could be known of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/daemon/daemon.h"

int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
ssize_t __real_read(int fd, void *buf, size_t size);
int __real_close(int fd);
void __real__exit(int status) __attribute__((noreturn));
pid_t __real_waitpid(pid_t pid, int *status, int options);
void __wrap__exit(int status) __attribute__((noreturn));
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __wrap_read(int fd, void *buf, size_t size);
int __wrap_close(int fd);

static struct source source = {.fd = -1};
static pid_t owner;
static int to_owner[2] = {-1, -1}, to_child[2] = {-1, -1};
static unsigned char kept[8 << 20]; /* read before a child ended */
static size_t kept_len, kept_pos;

static bool is_source(int fd)
{
	return source.ops && fd == source.fd && getpid() == owner;
}

static int result(int err)
{
	if (err < 0)
		errno = -err;
	return err < 0 ? -1 : err;
}

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (strcmp(path, FIM_DEVICE_PATH) != 0)
		return __real_open(path, flags, mode);
	if (source.ops)
		return result(-EBUSY);
	owner = getpid();
	if (to_owner[0] < 0 && (pipe2(to_owner, O_CLOEXEC) || pipe2(to_child, O_CLOEXEC)))
		return -1;
	return source_fanotify_open(&source) ? result(-ENODEV) : source.fd;
}

static int watch_add(struct fim_watch *watch)
{
	uint32_t id = 0;
	int err = source.ops->watch_add(&source, watch->fd, &id);

	if (!err || err == -EEXIST)
		watch->watch_id = id;
	return result(err);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!is_source(fd))
		return __real_ioctl(fd, request, arg);
	switch (request) {
	case FIM_IOC_INFO:
		return result(source.ops->info(&source, arg));
	case FIM_IOC_WATCH_ADD:
		return watch_add(arg);
	case FIM_IOC_WATCH_DEL:
		return result(
			source.ops->watch_del(&source, ((struct fim_watch_ref *)arg)->watch_id));
	}
	return result(-ENOTTY);
}

static void keep(void)
{
	ssize_t len = 0;

	while (source.ops && sizeof(kept) - kept_len >= FIM_READ_MIN &&
	       (len = source.ops->read(&source, kept + kept_len, sizeof(kept) - kept_len)) > 0)
		kept_len += len;
}

/* Whole records. */
static ssize_t take_kept(unsigned char *buf, size_t size)
{
	size_t taken = 0;
	struct fim_record head;

	while (kept_pos < kept_len) {
		memcpy(&head, kept + kept_pos, sizeof(head));
		if (taken + head.len > size)
			break;
		memcpy(buf + taken, kept + kept_pos, head.len);
		taken += head.len;
		kept_pos += head.len;
	}
	if (kept_pos == kept_len)
		kept_pos = kept_len = 0;
	return taken;
}

void __wrap__exit(int status)
{
	struct pollfd ack = {.fd = to_child[0], .events = POLLIN};
	char c = 0;

	if (to_owner[1] >= 0 && getpid() != owner && source.ops) {
		if (write(to_owner[1], &c, 1) == 1 && poll(&ack, 1, 2000) == 1 &&
		    __real_read(to_child[0], &c, 1) < 0)
			status = 97;
	}
	__real__exit(status);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	struct pollfd ask = {.fd = to_owner[0], .events = POLLIN};
	pid_t ended;
	char c;

	if (getpid() != owner || !source.ops || options)
		return __real_waitpid(pid, status, options);
	while (!(ended = __real_waitpid(pid, status, WNOHANG))) {
		if (poll(&ask, 1, 1) != 1 || __real_read(to_owner[0], &c, 1) != 1)
			continue;
		keep();
		if (write(to_child[1], &c, 1) != 1)
			abort();
	}
	return ended;
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	ssize_t len;

	if (!is_source(fd))
		return __real_read(fd, buf, size);
	if (kept_len)
		return take_kept(buf, size);
	len = source.ops->read(&source, buf, size);
	return len < 0 ? result(len) : len;
}

int __wrap_close(int fd)
{
	struct source closing;

	if (!is_source(fd))
		return __real_close(fd);
	/* The source closes descriptors, too. */
	closing = source;
	source.ops = NULL;
	closing.ops->close(&closing);
	kept_len = kept_pos = 0;
	return 0;
}
