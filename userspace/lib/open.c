/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening paths that others can change meanwhile: by openat2(2), or without it one
 * component at a time.
 *
 * It is missing before Linux 5.6; where systemd's RestrictSUIDSGID= is in force, as in
 * our own unit, it is answered with ENOSYS, as a filter cannot see the mode in its
 * argument; Docker's filter used to say EPERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "lib_private.h"

#define LINKS_MAX 40
#define DEPTH_MAX 128
#define DIR_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* -ENOSYS: it is not to be had. */
static int open2(int dirfd, const char *path, struct open_how *how)
{
	long fd;

	do
		fd = syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno == EPERM ? -ENOSYS : -errno;
	return (int)fd;
}

/* ---- no symbolic link */

static int open_component(int dirfd, const char *name, size_t len, int flags)
{
	char component[NAME_MAX + 1];
	int fd;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(component, name, len);
	component[len] = '\0';
	if (!strcmp(component, ".."))
		return -EXDEV;
	fd = openat(dirfd, component, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fim_open_beneath_stepwise(int dirfd, const char *path, int flags)
{
	int fd = -1, next;
	size_t len;

	if (*path == '/')
		return -EXDEV;
	do {
		len = strcspn(path, "/");
		next = open_component(fd < 0 ? dirfd : fd, path, len,
				      path[len] ? O_PATH | O_DIRECTORY : flags);
		if (fd >= 0)
			close(fd);
		fd = next;
		path += len + strspn(path + len, "/");
	} while (fd >= 0 && *path);
	return fd;
}

int fim_open_beneath(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	if (!*path)
		path = ".";
	fd = open2(dirfd, path, &how);
	return fd == -ENOSYS ? fim_open_beneath_stepwise(dirfd, path, flags) : fd;
}

int fim_open_same_mount(int dirfd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return open2(dirfd, name, &how);
}

/* ---- symbolic links that stay below a root */

/**
 * struct inside - where a walk stands
 * @fds: the directories from the root on, which ".." goes back through
 * @depth: how many of them there are
 * @links: symbolic links that were followed
 * @rest: what is still to go; replaced by what a link says
 */
struct inside {
	int fds[DEPTH_MAX];
	unsigned int depth;
	unsigned int links;
	char rest[PATH_MAX];
};

static void inside_up(struct inside *in, unsigned int depth)
{
	while (in->depth > depth)
		close(in->fds[--in->depth]);
}

/* @fd is a link: what it says comes before the rest. */
static int inside_follow(struct inside *in, int fd)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof(target) - 1);
	size_t rest = strlen(in->rest);

	if (len < 0)
		return -errno;
	if (++in->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)len + rest + 2 > sizeof(in->rest))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		inside_up(in, 1);
	memmove(in->rest + len + 1, in->rest, rest + 1);
	memcpy(in->rest, target, (size_t)len);
	in->rest[len] = '/';
	return 0;
}

static int inside_down(struct inside *in, const char *name)
{
	struct stat st;
	int fd = openat(in->fds[in->depth - 1], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISLNK(st.st_mode))
		err = inside_follow(in, fd);
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	else if (in->depth == DEPTH_MAX)
		err = -ENAMETOOLONG;
	else
		in->fds[in->depth++] = fd;
	if (err || S_ISLNK(st.st_mode))
		close(fd);
	return err;
}

static int inside_step(struct inside *in)
{
	char name[NAME_MAX + 1];
	size_t skip = strspn(in->rest, "/");
	size_t len = strcspn(in->rest + skip, "/");

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, in->rest + skip, len);
	name[len] = '\0';
	memmove(in->rest, in->rest + skip + len, strlen(in->rest + skip + len) + 1);
	if (!len || !strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		inside_up(in, in->depth > 1 ? in->depth - 1 : 1);
		return 0;
	}
	return inside_down(in, name);
}

int fim_open_dir_inside_stepwise(int rootfd, const char *path)
{
	struct inside *in;
	int err = 0;
	int fd;

	if (strlen(path) >= sizeof(in->rest))
		return -ENAMETOOLONG;
	fd = openat(rootfd, ".", DIR_FLAGS);
	if (fd < 0)
		return -errno;
	in = calloc(1, sizeof(*in));
	if (!in) {
		close(fd);
		return -ENOMEM;
	}
	in->fds[in->depth++] = fd;
	strcpy(in->rest, path);
	while (!err && in->rest[0])
		err = inside_step(in);
	if (!err)
		fd = in->fds[--in->depth];
	inside_up(in, 0);
	free(in);
	return err ? err : fd;
}

int fim_open_dir_inside(int rootfd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = open2(rootfd, *path ? path : ".", &how);

	return fd == -ENOSYS ? fim_open_dir_inside_stepwise(rootfd, path) : fd;
}
