/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observed state of a path.
 *
 * One O_PATH descriptor pins the object; everything else is read through it, by way
 * of /proc/self/fd, so that what is hashed is what was looked at. Opening O_PATH has
 * no side effect on a FIFO or a device, and only regular files are opened further.
 *
 * Nothing is logged here: an object that cannot be read is a result, which the
 * caller reports as such.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <linux/fsverity.h>

#include "lib_private.h"
#include "rules_private.h"

#define READ_SIZE     (128u << 10)
#define READ_ATTEMPTS 3
#define READ_FLAGS    (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define XATTR_RETRIES 8
#define STATX_WANTED  STATX_BASIC_STATS
#define NSEC_PER_SEC  1000000000LL

#define FRESH_FLAGS (FIM_MEASURE_REFUSE_FRESH | FIM_MEASURE_HASTY)

/* What is read in about a millisecond: more than handing it to another thread costs. */
#define BIG_SIZE (2u << 20)
/* The largest file that a template is matched against. */
#define TEMPLATE_MAX (64u << 10)
#define VERITY_MAX   64

#define PROC_FD_SIZE 32

/**
 * struct how - how one object is observed
 * @digest: its content is read
 * @bounded: unless it is larger than FIM_MEASURE_BOUND
 * @may_grow: it may get longer meanwhile; @limit bytes are read
 * @limit: @may_grow: how much of it counts; UINT64_MAX: all that is there
 * @template: content that matches is replaced by what stands for any that does; NULL: none
 * @fresh: FIM_MEASURE_REFUSE_FRESH, FIM_MEASURE_HASTY or 0: what changed right now is waited for
 */
struct how {
	bool digest;
	bool bounded;
	uint32_t fresh;
	bool may_grow;
	uint64_t limit;
	const char *template;
};

/* ---- opening */

static void proc_fd(int fd, char path_ret[PROC_FD_SIZE])
{
	snprintf(path_ret, PROC_FD_SIZE, "/proc/self/fd/%d", fd);
}

/* O_NOATIME needs ownership or CAP_FOWNER; a measurement should leave no trace, but may. */
static int reopen_for_reading(int path_fd)
{
	char path[PROC_FD_SIZE];
	int fd;

	proc_fd(path_fd, path);
	fd = open(path, READ_FLAGS | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(path, READ_FLAGS);
	if (fd >= 0)
		return fd;
	/* The object is pinned: only /proc itself can be missing. */
	return errno == ENOENT ? -ENOSYS : -errno;
}

/* ---- attributes */

static int64_t time_ns(const struct statx_timestamp *time)
{
	return time->tv_sec * NSEC_PER_SEC + time->tv_nsec;
}

static enum fim_type type_of(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return FIM_TYPE_FILE;
	case S_IFDIR:
		return FIM_TYPE_DIR;
	case S_IFLNK:
		return FIM_TYPE_SYMLINK;
	case S_IFCHR:
		return FIM_TYPE_CHAR;
	case S_IFBLK:
		return FIM_TYPE_BLOCK;
	case S_IFIFO:
		return FIM_TYPE_FIFO;
	default:
		return FIM_TYPE_SOCKET;
	}
}

static void state_from_statx(const struct statx *stx, struct fim_state *state)
{
	state->type = type_of(stx->stx_mode);
	state->mode = stx->stx_mode & 07777;
	state->uid = stx->stx_uid;
	state->gid = stx->stx_gid;
	if (state->type == FIM_TYPE_FILE || state->type == FIM_TYPE_SYMLINK)
		state->size = stx->stx_size;
	if (state->type == FIM_TYPE_FILE)
		state->nlink = stx->stx_nlink;
	if (state->type == FIM_TYPE_CHAR || state->type == FIM_TYPE_BLOCK) {
		state->rdev_major = stx->stx_rdev_major;
		state->rdev_minor = stx->stx_rdev_minor;
	}
	state->immutable = stx->stx_attributes & STATX_ATTR_IMMUTABLE;
	state->append_only = stx->stx_attributes & STATX_ATTR_APPEND;
	state->dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
	state->ino = stx->stx_ino;
	state->ctime_ns = time_ns(&stx->stx_ctime);
	state->mtime_ns = time_ns(&stx->stx_mtime);
}

static int stat_fd(int fd, struct statx *stx_ret)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_WANTED, stx_ret) ? -errno : 0;
}

static int read_target(int path_fd, char **target_ret)
{
	char target[PATH_MAX + 1];
	ssize_t len;

	len = readlinkat(path_fd, "", target, sizeof(target));
	if (len < 0)
		return -errno;
	if ((size_t)len >= sizeof(target))
		return -ENAMETOOLONG;
	target[len] = '\0';
	*target_ret = strdup(target);
	return *target_ret ? 0 : -ENOMEM;
}

/**
 * struct source - where extended attributes are read from
 * @fd: opened for reading, or -1
 * @path: the object's magic link in /proc, for when @fd is -1: the O_PATH descriptor
 *	itself will not do. Not for l*xattr: the link leads to the object, and if that
 *	is a symlink, not any further
 */
struct source {
	int fd;
	char path[PROC_FD_SIZE];
};

static ssize_t source_get(const struct source *source, const char *name, void *value, size_t room)
{
	return source->fd >= 0 ? fgetxattr(source->fd, name, value, room)
			       : getxattr(source->path, name, value, room);
}

static ssize_t source_list(const struct source *source, char *names, size_t room)
{
	return source->fd >= 0 ? flistxattr(source->fd, names, room)
			       : listxattr(source->path, names, room);
}

static int read_xattr(const struct source *source, const char *name, struct fim_state *state)
{
	unsigned char *value = NULL;
	ssize_t len, room = -1;
	int i, err = -EAGAIN;

	for (i = 0; i < XATTR_RETRIES; i++) {
		len = source_get(source, name, value, room < 0 ? 0 : (size_t)room);
		if (len < 0 && errno == ERANGE) {
			room = -1;
			continue;
		}
		if (len < 0) {
			err = -errno;
			break;
		}
		if (room >= 0) {
			err = fim_state_add_xattr(state, name, value, (size_t)len);
			break;
		}
		free(value);
		room = len + 1; /* 0 would ask for the size again */
		value = malloc((size_t)room);
		if (!value) {
			err = -ENOMEM;
			break;
		}
	}
	free(value);
	return err == -ENODATA ? -EAGAIN : err; /* it was in the list an instant ago */
}

/* malloc'ed list of names as listxattr(2) gives it; 0 bytes: NULL */
static int list_xattrs(const struct source *source, char **names_ret, size_t *len_ret)
{
	char *names = NULL;
	ssize_t len = 0;
	int i, err;

	for (i = 0; i < XATTR_RETRIES; i++) {
		len = source_list(source, NULL, 0);
		if (len <= 0)
			break;
		free(names);
		names = malloc((size_t)len);
		if (!names)
			return -ENOMEM;
		len = source_list(source, names, (size_t)len);
		if (len >= 0 || errno != ERANGE)
			break;
	}
	if (len > 0) {
		*names_ret = names;
		*len_ret = (size_t)len;
		return 0;
	}
	err = len < 0 ? -errno : 0;
	free(names);
	if (err == -EOPNOTSUPP || err == -ENOSYS)
		err = 0; /* this file system has none */
	if (!err) {
		*names_ret = NULL;
		*len_ret = 0;
	}
	return err == -ENOENT ? -ENOSYS : err; /* no /proc */
}

static int read_xattrs(const struct source *source, struct fim_state *state)
{
	char *names = NULL, *name;
	size_t len = 0;
	int err;

	err = list_xattrs(source, &names, &len);
	for (name = names; !err && name < names + len; name += strlen(name) + 1)
		err = read_xattr(source, name, state);
	free(names);
	if (!err)
		fim_state_sort_xattrs(state);
	return err;
}

/* ---- content */

/* -EAGAIN: it has not the size that it had. */
static int read_digest(int fd, struct fim_hasher *hasher, struct fim_state *state)
{
	unsigned char buffer[READ_SIZE];
	uint64_t total = 0, left;
	ssize_t n;
	int err;

	err = fim_hasher_reset(hasher);
	/* A file that grows as fast as it is read must not hold us for ever. */
	while (!err && total < state->size) {
		left = state->size - total;
		n = read(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* That this was all of it the size will say, when it is asked for again. */
		if (!n)
			return -EAGAIN;
		total += (uint64_t)n;
		err = fim_hasher_update(hasher, buffer, (size_t)n);
	}
	/* Some files have content and no size, as in /proc: they cannot be held to either. */
	if (!err && !total && read(fd, buffer, 1) > 0)
		return -EAGAIN;
	if (!err)
		err = fim_hasher_final(hasher, state->sha256);
	state->has_digest = !err;
	return err;
}

int fim_template_digest(const char *template, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	char *text;
	int len, err;

	len = asprintf(&text, "ecs-fim template %s", template);
	if (len < 0)
		return -ENOMEM;
	err = fim_sha256(text, (size_t)len, digest_ret);
	free(text);
	return err;
}

int fim_template_match(const char *template, const char *bytes, size_t len, bool *matches_ret)
{
	struct fim_regex *regex = NULL;
	char *whole, error[160];
	int err, size;

	size = asprintf(&whole, "^(%s)$", template);
	if (size < 0)
		return -ENOMEM;
	err = fim_regex_new((struct fim_str){whole, (size_t)size}, &regex, error, sizeof(error));
	if (!err)
		err = fim_regex_match(regex, (struct fim_str){bytes, len}, matches_ret);
	fim_regex_free(regex);
	free(whole);
	return err;
}

/* Content that matches the template becomes what every such content becomes. */
static int read_template(int fd, const char *template, struct fim_state *state)
{
	char *bytes = malloc(TEMPLATE_MAX + 1);
	size_t total = 0;
	bool matches = false;
	ssize_t n = 1;
	int err = 0;

	if (!bytes)
		return -ENOMEM;
	while (n && total <= TEMPLATE_MAX) {
		n = read(fd, bytes + total, TEMPLATE_MAX + 1 - total);
		if (n < 0 && errno != EINTR) {
			err = -errno;
			break;
		}
		total += n > 0 ? (size_t)n : 0;
	}
	if (!err && total != state->size)
		err = -EAGAIN;
	if (!err)
		err = fim_template_match(template, bytes, total, &matches);
	if (!err && matches)
		err = fim_template_digest(template, state->sha256);
	else if (!err)
		err = fim_sha256(bytes, total, state->sha256);
	free(bytes);
	if (err)
		return err;
	state->has_digest = true;
	if (matches)
		state->size = 0;
	return 0;
}

static int read_content(int fd, const struct how *how, struct fim_hasher *hasher,
			struct fim_state *state)
{
	if (how->template && state->size <= TEMPLATE_MAX)
		return read_template(fd, how->template, state);
	if (how->may_grow && how->limit < state->size)
		state->size = how->limit;
	return read_digest(fd, hasher, state);
}

/* The kernel's own Merkle tree over the content, where the file has one. */
static int read_verity(int fd, struct fim_state *state)
{
	union {
		struct fsverity_digest digest;
		unsigned char room[sizeof(struct fsverity_digest) + VERITY_MAX];
	} measured = {.digest = {.digest_size = VERITY_MAX}};
	char text[8 + 2 * VERITY_MAX + 1] = "";
	const char *name;

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &measured))
		return errno == ENODATA || errno == ENOTTY || errno == EOPNOTSUPP ? 0 : -errno;
	name = measured.digest.digest_algorithm == FS_VERITY_HASH_ALG_SHA256   ? "sha256:"
	       : measured.digest.digest_algorithm == FS_VERITY_HASH_ALG_SHA512 ? "sha512:"
									       : NULL;
	if (!name || measured.digest.digest_size > VERITY_MAX)
		return -EOPNOTSUPP;
	memcpy(text, name, strlen(name));
	fim_hex_encode(measured.room + sizeof(struct fsverity_digest), measured.digest.digest_size,
		       text + strlen(name));
	state->verity = strdup(text);
	return state->verity ? 0 : -ENOMEM;
}

/*
 * A file that changed within the current tick can change again without its ctime
 * moving: let the tick pass first, and any later change shows.
 */
static bool changed_this_tick(const struct fim_state *state)
{
	int64_t age = fim_time_now() - state->ctime_ns;

	return age >= 0 && age <= FIM_TICK_NS; /* a ctime in the future is a clock that was set */
}

static bool same_moment(const struct statx *before, const struct statx *after)
{
	return before->stx_ino == after->stx_ino && before->stx_mode == after->stx_mode &&
	       before->stx_dev_major == after->stx_dev_major &&
	       before->stx_dev_minor == after->stx_dev_minor &&
	       time_ns(&before->stx_ctime) == time_ns(&after->stx_ctime) &&
	       time_ns(&before->stx_mtime) == time_ns(&after->stx_mtime) &&
	       before->stx_size == after->stx_size;
}

/* ---- the whole */

/* Content and attributes of one moment: any change in between moves the ctime. */
static int observe_attributes(int fd, const struct statx *before, struct fim_state *state)
{
	const struct source source = {.fd = fd};
	int err = read_xattrs(&source, state);

	if (!err && before->stx_attributes & STATX_ATTR_VERITY)
		err = read_verity(fd, state);
	return err;
}

static int observe_end(int fd, const struct statx *before, bool may_grow)
{
	struct statx after;
	int err = stat_fd(fd, &after);

	if (err)
		return err;
	if (may_grow)
		return after.stx_ino != before->stx_ino || after.stx_size < before->stx_size
			       ? -EAGAIN
			       : 0;
	return same_moment(before, &after) ? 0 : -EAGAIN;
}

static int observe_content(int fd, const struct statx *before, const struct how *how,
			   struct fim_hasher *hasher, struct fim_state *state)
{
	int err = observe_attributes(fd, before, state);

	if (!err)
		err = read_content(fd, how, hasher, state);
	return err ? err : observe_end(fd, before, how->may_grow);
}

static int measure_content(int path_fd, struct statx *stx, const struct how *how,
			   struct fim_hasher *hasher, struct fim_state *state)
{
	const struct timespec tick = {.tv_nsec = FIM_TICK_NS};
	int fd, err;

	if (how->fresh != FIM_MEASURE_HASTY && changed_this_tick(state)) {
		if (how->fresh)
			return -EBUSY;
		nanosleep(&tick, NULL);
		err = stat_fd(path_fd, stx);
		if (err)
			return err;
		state_from_statx(stx, state);
	}
	fd = reopen_for_reading(path_fd);
	if (fd < 0)
		return fd;
	err = observe_content(fd, stx, how, hasher, state);
	close(fd);
	return err;
}

static int measure_fd(int path_fd, const struct how *how, struct fim_hasher *hasher,
		      struct fim_state *state)
{
	struct source source = {.fd = -1};
	struct statx stx;
	int err;

	err = stat_fd(path_fd, &stx);
	if (err)
		return err;
	state_from_statx(&stx, state);
	if (state->type == FIM_TYPE_FILE && how->digest &&
	    !(how->bounded && state->size > FIM_MEASURE_BOUND))
		return measure_content(path_fd, &stx, how, hasher, state);
	if (state->type == FIM_TYPE_SYMLINK)
		err = read_target(path_fd, &state->target);
	proc_fd(path_fd, source.path);
	return err ? err : read_xattrs(&source, state);
}

static int measure(int dirfd, const char *path, const struct how *how, struct fim_hasher *hasher,
		   struct fim_state *state_ret)
{
	struct fim_state state = {0};
	int fd, i, err = -EAGAIN;

	for (i = 0; i < READ_ATTEMPTS && err == -EAGAIN; i++) {
		/* From the path again: what is being replaced has settled by now, perhaps. */
		fd = fim_open_beneath(dirfd, path, O_PATH);
		if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
			err = 0;
			break;
		}
		if (fd < 0) {
			err = fd;
			continue;
		}
		err = measure_fd(fd, how, hasher, &state);
		close(fd);
		if (err)
			fim_state_clear(&state);
	}
	if (!err)
		*state_ret = state;
	return err;
}

int fim_measure_at(int dirfd, const char *path, uint32_t flags, struct fim_hasher *hasher,
		   struct fim_state *state_ret)
{
	const struct how how = {.digest = !(flags & FIM_MEASURE_NO_DIGEST),
				.bounded = flags & FIM_MEASURE_BOUNDED,
				.fresh = flags & FRESH_FLAGS};

	return measure(dirfd, path, &how, hasher, state_ret);
}

static struct how how_for(const struct fim_rule *rule, const struct fim_state *expected)
{
	struct how how = {.digest = fim_class_mask(rule->cls) & FIM_DIFF_DIGEST};

	if (rule->cls == FIM_CLASS_TEMPLATED)
		how.template = rule->template;
	if (rule->cls == FIM_CLASS_APPEND_ONLY) {
		how.may_grow = true;
		how.limit = UINT64_MAX;
		if (expected && expected->type == FIM_TYPE_FILE && expected->has_digest)
			how.limit = expected->size;
	}
	return how;
}

int fim_measure_as(int dirfd, const char *path, uint32_t flags, const struct fim_rule *rule,
		   const struct fim_state *expected, struct fim_hasher *hasher,
		   struct fim_state *state_ret)
{
	struct how how = how_for(rule, expected);

	how.fresh = flags & FRESH_FLAGS;
	return measure(dirfd, path, &how, hasher, state_ret);
}

int fim_measure_known(int dirfd, const char *path, const struct fim_rule *rule,
		      const struct fim_state *expected, struct fim_hasher *hasher,
		      struct fim_state *state_ret)
{
	int err = fim_measure_as(dirfd, path, 0, rule, expected, hasher, state_ret);

	if (!err || fim_measure_at(dirfd, path, FIM_MEASURE_NO_DIGEST, hasher, state_ret))
		return err;
	return state_ret->type == FIM_TYPE_NONE ? 0 : err; /* it went away in between */
}

/*
 * Looked at before it is opened: what is not a regular file is not opened but by O_PATH.
 * Should it be swapped in between, O_NONBLOCK keeps a FIFO from holding us, and the
 * descriptor is not that of what was looked at. -ENOTSUP: this is not the way for it.
 */
static int entry_open(int dirfd, const char *name, uint32_t flags, const struct how *how,
		      struct fim_reading *reading_ret)
{
	struct statx *stx = &reading_ret->before;

	if (!how->digest || statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_WANTED, stx) ||
	    !S_ISREG(stx->stx_mode))
		return -ENOTSUP;
	if (flags & FIM_MEASURE_SMALL && stx->stx_size >= BIG_SIZE)
		return -EINPROGRESS;
	reading_ret->may_grow = how->may_grow;
	reading_ret->state = (struct fim_state){0};
	state_from_statx(stx, &reading_ret->state);
	if (changed_this_tick(&reading_ret->state))
		return -ENOTSUP;
	reading_ret->fd = openat(dirfd, name, READ_FLAGS | O_NOFOLLOW | O_NOATIME);
	return reading_ret->fd < 0 ? -ENOTSUP : 0;
}

static bool may_be_late(const struct how *how, const struct fim_state *expected)
{
	return how->digest && !how->template && !how->may_grow && expected &&
	       expected->type == FIM_TYPE_FILE && expected->has_digest && expected->size &&
	       expected->size < BIG_SIZE;
}

/*
 * If the content is the expected one, it was so when it was read, and the attributes are
 * what they are after that: what changes either later is later than the look at it, as is
 * what changes when both are done. Anything else is measured again, between two looks.
 */
static int begin_late(int dirfd, const char *name, const struct fim_state *expected,
		      struct fim_reading *reading)
{
	int fd = openat(dirfd, name, READ_FLAGS | O_NOFOLLOW | O_NOATIME);

	if (fd < 0)
		return -ENOTSUP;
	reading->fd = fd;
	reading->expected = expected;
	reading->state = (struct fim_state){.size = expected->size};
	return 0;
}

static int end_late(struct fim_reading *reading, const unsigned char digest[FIM_SHA256_SIZE])
{
	const struct fim_state *expected = reading->expected;
	struct statx after;
	int err = stat_fd(reading->fd, &after);

	if (err)
		return err;
	if (!S_ISREG(after.stx_mode) || after.stx_size != expected->size ||
	    memcmp(digest, expected->sha256, FIM_SHA256_SIZE) != 0)
		return -EAGAIN;
	state_from_statx(&after, &reading->state);
	return observe_attributes(reading->fd, &after, &reading->state);
}

int fim_measure_begin(int dirfd, const char *name, uint32_t flags, const struct fim_rule *rule,
		      const struct fim_state *expected, struct fim_reading *reading_ret)
{
	const struct how how = how_for(rule, expected);
	struct fim_reading *reading = reading_ret;
	int err;

	reading->expected = NULL;
	if (flags & FIM_MEASURE_LATE && may_be_late(&how, expected))
		return begin_late(dirfd, name, expected, reading);
	err = how.template ? -ENOTSUP : entry_open(dirfd, name, flags, &how, reading);
	if (err)
		return err;
	err = observe_attributes(reading->fd, &reading->before, &reading->state);
	if (how.may_grow && how.limit < reading->state.size)
		reading->state.size = how.limit;
	if (!err && reading->state.size)
		return 0;
	/* What has no size is asked whether it has content all the same. */
	fim_state_clear(&reading->state);
	close(reading->fd);
	return -ENOTSUP;
}

int fim_measure_end(struct fim_reading *reading, int err,
		    const unsigned char digest[FIM_SHA256_SIZE])
{
	if (!err)
		err = reading->expected
			      ? end_late(reading, digest)
			      : observe_end(reading->fd, &reading->before, reading->may_grow);
	close(reading->fd);
	if (err) {
		fim_state_clear(&reading->state);
		return err;
	}
	memcpy(reading->state.sha256, digest, FIM_SHA256_SIZE);
	reading->state.has_digest = true;
	return 0;
}

int fim_measure_entry(int dirfd, const char *name, uint32_t flags, const struct fim_rule *rule,
		      const struct fim_state *expected, struct fim_hasher *hasher,
		      struct fim_state *state_ret)
{
	const struct how how = how_for(rule, expected);
	struct fim_reading reading;
	int err = entry_open(dirfd, name, flags, &how, &reading);

	if (err == -EINPROGRESS)
		return err;
	if (!err) {
		err = observe_content(reading.fd, &reading.before, &how, hasher, &reading.state);
		close(reading.fd);
		if (!err) {
			*state_ret = reading.state;
			return 0;
		}
		fim_state_clear(&reading.state);
	}
	/* The long way, which waits and tries again. */
	return fim_measure_known(dirfd, name, rule, expected, hasher, state_ret);
}

enum fim_origin fim_origin_at(int dirfd, const char *name, const struct fim_state *state,
			      const struct fim_package_digest *digest)
{
	unsigned char md5[FIM_MD5_SIZE];
	int fd, err;

	if (state->type != FIM_TYPE_FILE)
		return FIM_ORIGIN_DIFFERS;
	if (digest->kind == FIM_PACKAGE_DIGEST_SHA256) {
		if (!state->has_digest)
			return FIM_ORIGIN_UNKNOWN;
		return memcmp(state->sha256, digest->bytes, FIM_SHA256_SIZE) ? FIM_ORIGIN_DIFFERS
									     : FIM_ORIGIN_PACKAGED;
	}
	fd = openat(dirfd, name, READ_FLAGS | O_NOFOLLOW);
	if (fd < 0)
		return FIM_ORIGIN_UNKNOWN;
	err = fim_md5_fd(fd, md5);
	close(fd);
	if (err)
		return FIM_ORIGIN_UNKNOWN;
	return memcmp(md5, digest->bytes, sizeof(md5)) ? FIM_ORIGIN_DIFFERS : FIM_ORIGIN_PACKAGED;
}
