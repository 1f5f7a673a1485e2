/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files in, whole files out.
 *
 * Writing: the bytes go to a file without a name in the target's directory
 * (O_TMPFILE). Only a complete, synced file gets a name, first a temporary one
 * because linkat(2) cannot replace, then rename(2) puts it in place. Signals are
 * held back between those two calls, so that SIGINT leaves the old file or the new
 * one and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib_private.h"

#define STAGE_BUFFER  (64u << 10)
#define NAME_ATTEMPTS 100

/* ---- reading */

static int read_all(int fd, size_t size_hint, size_t max_bytes, char **bytes_ret, size_t *len_ret)
{
	size_t room = size_hint + 2, len = 0; /* one byte to see the end, one for the NUL */
	char *bytes = malloc(room), *larger;
	ssize_t n;
	int err;

	if (!bytes)
		return -ENOMEM;
	for (;;) {
		n = read(fd, bytes + len, room - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = -errno;
			goto err_free;
		}
		if (!n)
			break;
		len += (size_t)n;
		if (len > max_bytes) {
			err = -EFBIG;
			goto err_free;
		}
		if (len < room - 1)
			continue;
		room *= 2;
		larger = realloc(bytes, room);
		if (!larger) {
			err = -ENOMEM;
			goto err_free;
		}
		bytes = larger;
	}
	bytes[len] = '\0';
	*bytes_ret = bytes;
	*len_ret = len;
	return 0;

err_free:
	free(bytes);
	return err;
}

int fim_file_read(const char *path, size_t max_bytes, char **bytes_ret, size_t *len_ret)
{
	struct stat st;
	int fd, err;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	if (fstat(fd, &st)) {
		err = -errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > 0 && (uintmax_t)st.st_size > max_bytes)
		err = -EFBIG;
	else
		err = read_all(fd, (size_t)st.st_size, max_bytes, bytes_ret, len_ret);
out:
	if (err == -EFBIG)
		fim_log(LOG_ERR, "%s: larger than %zu bytes", path, max_bytes);
	else if (err == -EINVAL)
		fim_log(LOG_ERR, "%s: not a regular file", path);
	else if (err)
		fim_log(LOG_ERR, "%s: cannot read: %s", path, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- writing */

/**
 * struct fim_stage - a file on its way
 * @path: final name, for messages
 * @name: last component of @path
 * @dirfd: its directory
 * @fd: the nameless file
 * @used: bytes in @buffer
 * @buffer: not yet written
 */
struct fim_stage {
	char *path;
	char *name;
	int dirfd;
	int fd;
	size_t used;
	char buffer[STAGE_BUFFER];
};

int fim_write_all(int fd, const void *data, size_t len)
{
	const char *bytes = data;
	ssize_t n;

	while (len) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A fresh name beside the target: .NAME.01234567 */
static void temporary_name(const char *name, char temporary_ret[NAME_MAX + 1])
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint32_t)fim_time_now();
	/* A name of NAME_MAX bytes leaves no room: only its beginning is used. */
	snprintf(temporary_ret, NAME_MAX + 1, ".%.200s.%08x", name, number);
}

static int file_create(const struct fim_stage *stage, char temporary_ret[NAME_MAX + 1])
{
	int i, fd;

	for (i = 0; i < NAME_ATTEMPTS; i++) {
		temporary_name(stage->name, temporary_ret);
		fd = openat(stage->dirfd, temporary_ret,
			    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int stage_file(struct fim_stage *stage)
{
	char temporary[NAME_MAX + 1];
	int fd;

	fd = openat(stage->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
		return -errno;
	/* A file system without O_TMPFILE: the name lives for an instant. */
	fd = file_create(stage, temporary);
	if (fd >= 0)
		unlinkat(stage->dirfd, temporary, 0);
	return fd;
}

static int stage_directory(struct fim_stage *stage)
{
	char *copy = strdup(stage->path);
	struct stat st;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	stage->dirfd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (stage->dirfd < 0) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot open its directory: %s", stage->path, strerror(-err));
	} else if (!fstatat(stage->dirfd, stage->name, &st, AT_SYMLINK_NOFOLLOW) &&
		   !S_ISREG(st.st_mode)) {
		/* rename(2) would replace e.g. the symbolic link /dev/stdout. */
		err = -EINVAL;
		fim_log(LOG_ERR, "%s: exists and is not a regular file", stage->path);
	}
	free(copy);
	return err;
}

int fim_stage_open(const char *path, struct fim_stage **stage_ret)
{
	const char *slash = strrchr(path, '/');
	struct fim_stage *stage;
	int err = -ENOMEM;

	stage = malloc(sizeof(*stage));
	if (!stage)
		return -ENOMEM;
	stage->dirfd = -1;
	stage->fd = -1;
	stage->used = 0;
	stage->path = strdup(path);
	stage->name = strdup(slash ? slash + 1 : path);
	if (!stage->path || !stage->name)
		goto err_free;
	if (!*stage->name) {
		err = -EISDIR;
		fim_log(LOG_ERR, "%s: names a directory", path);
		goto err_free;
	}
	err = stage_directory(stage);
	if (err)
		goto err_free;
	stage->fd = stage_file(stage);
	if (stage->fd < 0) {
		err = stage->fd;
		fim_log(LOG_ERR, "%s: cannot create: %s", path, strerror(-err));
		goto err_free;
	}
	*stage_ret = stage;
	return 0;

err_free:
	fim_stage_free(stage);
	return err;
}

static int stage_flush(struct fim_stage *stage)
{
	int err = fim_write_all(stage->fd, stage->buffer, stage->used);

	if (err)
		fim_log(LOG_ERR, "%s: cannot write: %s", stage->path, strerror(-err));
	stage->used = 0;
	return err;
}

int fim_stage_write(struct fim_stage *stage, const void *bytes, size_t len)
{
	const char *from = bytes;
	size_t part;
	int err;

	while (len) {
		part = STAGE_BUFFER - stage->used;
		part = part < len ? part : len;
		memcpy(stage->buffer + stage->used, from, part);
		stage->used += part;
		from += part;
		len -= part;
		if (stage->used == STAGE_BUFFER) {
			err = stage_flush(stage);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Where the nameless file cannot get a name (no O_TMPFILE, no /proc), a copy gets it. */
static int stage_copy(struct fim_stage *stage, mode_t mode, char temporary_ret[NAME_MAX + 1])
{
	off_t offset = 0;
	ssize_t n;
	int fd, err = 0;

	fd = file_create(stage, temporary_ret);
	if (fd < 0)
		return fd;
	while ((n = pread(stage->fd, stage->buffer, STAGE_BUFFER, offset)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		err = n < 0 ? -errno : fim_write_all(fd, stage->buffer, (size_t)n);
		if (err)
			break;
		offset += n;
	}
	if (!err && (fchmod(fd, mode) || fsync(fd)))
		err = -errno;
	close(fd);
	if (err)
		unlinkat(stage->dirfd, temporary_ret, 0);
	return err;
}

static int stage_link(struct fim_stage *stage, mode_t mode, char temporary_ret[NAME_MAX + 1])
{
	char proc[32];
	int i;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", stage->fd);
	for (i = 0; i < NAME_ATTEMPTS; i++) {
		temporary_name(stage->name, temporary_ret);
		if (!linkat(AT_FDCWD, proc, stage->dirfd, temporary_ret, AT_SYMLINK_FOLLOW))
			return 0;
		if (errno != EEXIST)
			break;
	}
	return stage_copy(stage, mode, temporary_ret);
}

/* link, rename */
static int stage_publish(struct fim_stage *stage, mode_t mode)
{
	char temporary[NAME_MAX + 1];
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = stage_link(stage, mode, temporary);
	if (!err && renameat(stage->dirfd, temporary, stage->dirfd, stage->name)) {
		err = -errno;
		unlinkat(stage->dirfd, temporary, 0);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int fim_stage_commit(struct fim_stage *stage, mode_t mode)
{
	int err = stage_flush(stage);

	if (err)
		return err;
	/* fchmod(2): the caller's mode, whatever the umask. */
	if (fchmod(stage->fd, mode) || fsync(stage->fd))
		err = -errno;
	if (!err)
		err = stage_publish(stage, mode);
	/* Without this a power cut may bring back the old name. */
	if (!err && fsync(stage->dirfd) && errno != EINVAL)
		err = -errno;
	if (err)
		fim_log(LOG_ERR, "%s: cannot write: %s", stage->path, strerror(-err));
	return err;
}

void fim_stage_free(struct fim_stage *stage)
{
	if (!stage)
		return;
	if (stage->fd >= 0)
		close(stage->fd);
	if (stage->dirfd >= 0)
		close(stage->dirfd);
	free(stage->name);
	free(stage->path);
	free(stage);
}

int fim_file_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode)
{
	struct fim_stage *stage = NULL;
	int err;

	err = fim_stage_open(path, &stage);
	if (err)
		return err;
	err = fim_stage_write(stage, bytes, len);
	if (!err)
		err = fim_stage_commit(stage, mode);
	fim_stage_free(stage);
	return err;
}
