/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This file owns writing the journal: records become durable before the caller goes on,
 * segments are closed, compressed and, when their time is over, removed.
 *
 * Group commit: whoever finds nobody writing writes all that waits and synchronises it
 * once for everybody; the others wait for their record to be durable.  Nothing that was
 * acknowledged can be lost, so the loss window is none.
 *
 * Three positions: @durable is what the disk has for sure, @written what was handed to
 * the kernel, @now what is being put together.  A failed write goes back to @durable.
 * The key state on the disk follows @durable and never runs ahead of it: a state that is
 * ahead of the records means that records were cut off.
 *
 * Lock: @lock guards all members; the one that commits (@committing) gives it up while
 * it writes, and alone touches the descriptor and @written meanwhile.
 */
#include "journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <linux/fs.h>

#define DEFAULT_SEGMENT	  (UINT64_C(16) << 20)
#define DEFAULT_SEGMENT_S 86400
#define DEFAULT_RETENTION 366
#define DEFAULT_MAX	  (UINT64_C(1) << 30)
/* Beyond the limit there is room for the control to say so. */
#define CONTROL_RESERVE (UINT64_C(1) << 20)
#define BATCH_MAX	(FIM_JOURNAL_LINE_MAX * 4)
#define TYPE_MAX	31
/* The state of the keys is in the page cache at once, on the disk at least this often. */
#define SEAL_SYNC_NS FIM_NSEC_PER_SEC

struct position {
	uint64_t seq;
	off_t end; /* in the active segment */
	char head[FIM_SHA256_HEX_SIZE];
	struct fim_seal seal;
};

struct buffer {
	char *bytes;
	size_t len;
	size_t size;
};

struct fim_journal {
	struct fim_journal_params params;
	char *dir;
	char *path; /* of the active segment */
	char boot_id[FIM_BOOT_ID_SIZE];
	int dirfd; /* locked: one writer; the number stays the same */
	int fd;	   /* the active segment */
	int seal_fd;
	bool sealed;
	uint64_t closed_bytes;
	int64_t segment_ns; /* time of the first record of the active segment, 0: none */
	int64_t seal_synced_ns;
	pthread_t compressor;
	bool compressing;
	bool closed_one; /* a segment was closed: compress it, look for old ones */
	struct fim_hasher *hasher;

	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool committing;
	bool unsynced;	     /* @written is ahead of @durable */
	uint64_t generation; /* of failures: what waited then will never be durable */
	int failed;	     /* -errno after which nothing more may be appended */
	int last_error;
	bool was_removed; /* somebody removed the active segment, and it was written again */
	struct position now;
	struct position written;
	struct position durable;
	struct buffer waiting;
};

/* -------------------------------------------------------------------- files */

static int read_boot_id(char boot_id_ret[FIM_BOOT_ID_SIZE])
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	ssize_t got = -1;
	int fd, err = 0;

	errno = EIO; /* for a short read */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = read(fd, boot_id_ret, FIM_BOOT_ID_SIZE - 1);
	if (got != FIM_BOOT_ID_SIZE - 1) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot read: %s", path, strerror(-err));
	} else {
		boot_id_ret[FIM_BOOT_ID_SIZE - 1] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* A new name is durable only when its directory is. */
static int sync_fd(int fd, const char *name)
{
	int err;

	if (fsync(fd) == 0)
		return 0;
	err = -errno;
	fim_log(LOG_ERR, "%s: cannot synchronise: %s", name, strerror(-err));
	return err;
}

static int make_dir(const char *dir)
{
	char *parent = NULL;
	size_t len = strlen(dir);
	int err, fd;

	if (mkdir(dir, 0700)) {
		if (errno == EEXIST)
			return 0;
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot make directory: %s", dir, strerror(-err));
		return err;
	}
	while (len > 1 && dir[len - 1] == '/')
		len--;
	while (len > 0 && dir[len - 1] != '/')
		len--;
	parent = len ? strndup(dir, len) : strdup(".");
	if (!parent)
		return -ENOMEM;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : sync_fd(fd, parent);
	if (fd >= 0)
		close(fd);
	free(parent);
	return err;
}

/* Best effort: not every file system has these, and not everybody may set them. */
static void set_attributes(const struct fim_journal *journal, int fd, int attributes)
{
	int flags = 0;

	if (!journal->params.protect || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	if ((flags & (FS_APPEND_FL | FS_IMMUTABLE_FL)) == attributes)
		return;
	flags = (flags & ~(FS_APPEND_FL | FS_IMMUTABLE_FL)) | attributes;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		fim_log(LOG_DEBUG, "%s: attributes cannot be set: %s", journal->dir,
			strerror(errno));
}

static void set_attributes_of(const struct fim_journal *journal, const char *file, int attributes)
{
	int fd = openat(journal->dirfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	set_attributes(journal, fd, attributes);
	close(fd);
}

static int truncate_active(struct fim_journal *journal, off_t end)
{
	int err = 0;

	set_attributes(journal, journal->fd, 0);
	if (ftruncate(journal->fd, end))
		err = -errno;
	set_attributes(journal, journal->fd, FS_APPEND_FL);
	return err;
}

static int open_active(struct fim_journal *journal)
{
	struct stat st;
	int err;

	/* O_NOFOLLOW: the daemon is root and must not be led to write elsewhere. */
	journal->fd = openat(journal->dirfd, FIM_JOURNAL_ACTIVE,
			     O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			     0600);
	if (journal->fd < 0 || fstat(journal->fd, &st)) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", journal->path, strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		fim_log(LOG_ERR, "%s: not a regular file", journal->path);
		return -EINVAL;
	}
	set_attributes(journal, journal->fd, FS_APPEND_FL);
	/* Also when it existed: an earlier run may have died before this. */
	return sync_fd(journal->dirfd, journal->dir);
}

/* Locked: one writer. */
static int open_dir(const char *dir, int *fd_ret)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", dir, strerror(-err));
		return err;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		fim_log(LOG_ERR, "%s: %s", dir,
			err == -EBUSY ? "another process writes this journal" : strerror(-err));
		close(fd);
		return err;
	}
	*fd_ret = fd;
	return 0;
}

/* --------------------------------------------------------------------- keys */

/* In place, so that the keys of before are overwritten and not left behind. */
static int seal_store(struct fim_journal *journal, const struct fim_seal *seal, bool sync)
{
	unsigned char bytes[FIM_SEAL_STATE_SIZE];
	int err = 0;

	fim_seal_pack(seal, bytes);
	if (pwrite(journal->seal_fd, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
	    (sync && fdatasync(journal->seal_fd)))
		err = errno ? -errno : -EIO;
	explicit_bzero(bytes, sizeof(bytes));
	if (err)
		fim_log(LOG_ERR, "%s/%s: cannot write: %s", journal->dir, FIM_SEAL_STATE_NAME,
			strerror(-err));
	if (sync && !err)
		journal->seal_synced_ns = fim_time_now();
	return err;
}

static int seal_open(struct fim_journal *journal, struct fim_seal *seal_ret)
{
	unsigned char bytes[FIM_SEAL_STATE_SIZE + 1];
	ssize_t got;
	int err;

	journal->seal_fd = openat(journal->dirfd, FIM_SEAL_STATE_NAME,
				  O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (journal->seal_fd < 0 && errno == ENOENT)
		return 0;
	got = journal->seal_fd < 0 ? -1 : pread(journal->seal_fd, bytes, sizeof(bytes), 0);
	err = got < 0 ? -errno : fim_seal_unpack(bytes, (size_t)got, seal_ret);
	explicit_bzero(bytes, sizeof(bytes));
	if (err)
		fim_log(LOG_ERR, "%s/%s: %s", journal->dir, FIM_SEAL_STATE_NAME,
			err == -EBADMSG ? "damaged: records cannot be sealed any more"
					: strerror(-err));
	journal->sealed = !err;
	return err;
}

/* ------------------------------------------------------------------ records */

static const char *const common_members[] = {"seq", "time", "boot_id", "type", "prev", "seal"};

static int check_member(void *ctx, const char *key, struct fim_json *value)
{
	(void)ctx;
	(void)value;
	/* A body must not be able to say what only the journal may say. */
	for (size_t i = 0; i < sizeof(common_members) / sizeof(common_members[0]); i++)
		if (strcmp(key, common_members[i]) == 0)
			return -EINVAL;
	return 0;
}

static bool is_type(const char *type)
{
	size_t len = strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return len && len <= TYPE_MAX && !type[len];
}

/* The members of @body as text, without the braces. */
static int format_body(const char *type, const struct fim_json *body, char **text_ret,
		       size_t *len_ret)
{
	int err;

	if (!is_type(type) || !fim_json_is_object(body))
		return -EINVAL;
	err = fim_json_each(body, check_member, NULL);
	return err ? err : fim_json_dump(body, text_ret, len_ret);
}

static int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t size = buffer->size ? buffer->size : 4096;
	char *grown;

	while (size < buffer->len + more)
		size *= 2;
	if (size == buffer->size)
		return 0;
	grown = realloc(buffer->bytes, size);
	if (!grown)
		return -ENOMEM;
	buffer->bytes = grown;
	buffer->size = size;
	return 0;
}

static int add_seal(struct fim_journal *journal, const char *line, size_t len, int64_t time_ns,
		    char *text, size_t size)
{
	struct fim_seal *seal = &journal->now.seal;
	unsigned char digest[FIM_SHA256_SIZE];
	uint64_t epoch = fim_seal_epoch_of(seal, time_ns);
	char mac[FIM_SEAL_MAC_HEX + 1];
	int err = 0;

	if (epoch > seal->epoch)
		err = fim_seal_seek(seal, seal->next, epoch);
	epoch = seal->epoch;
	if (!err)
		err = fim_sha256(line, len, digest);
	if (!err)
		err = fim_seal_record(seal, digest, mac);
	if (!err)
		snprintf(text, size, ",\"seal\":\"%" PRIu64 ":%s\"", epoch, mac);
	return err;
}

/* Under the lock: the record's place in the chain is taken here. */
static int add_record(struct fim_journal *journal, const char *type, const char *body,
		      size_t body_len)
{
	char head[384], time[FIM_TIME_SIZE], tail[128] = "";
	unsigned char digest[FIM_SHA256_SIZE];
	struct buffer *out = &journal->waiting;
	int64_t time_ns = fim_time_now();
	char *line;
	size_t len;
	int err;

	fim_time_format(time_ns, time);
	len = (size_t)snprintf(head, sizeof(head),
			       "{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"boot_id\":\"%s\","
			       "\"type\":\"%s\",\"prev\":\"%s\"%s",
			       journal->now.seq + 1, time, journal->boot_id, type,
			       journal->now.head, body_len > 2 ? "," : "");
	if (len + body_len + sizeof(tail) > FIM_JOURNAL_LINE_MAX)
		return -EMSGSIZE;
	err = buffer_reserve(out, len + body_len + sizeof(tail));
	if (err)
		return err;
	line = out->bytes + out->len;
	memcpy(line, head, len);
	memcpy(line + len, body + 1, body_len - 2);
	len += body_len - 2;
	if (journal->sealed) {
		err = add_seal(journal, line, len, time_ns, tail, sizeof(tail));
		if (err)
			return err;
	}
	len += (size_t)sprintf(line + len, "%s}\n", tail);
	err = fim_hasher_reset(journal->hasher);
	if (!err)
		err = fim_hasher_update(journal->hasher, line, len);
	if (!err)
		err = fim_hasher_final(journal->hasher, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), journal->now.head);
	journal->now.seq++;
	journal->now.end += (off_t)len;
	out->len += len;
	if (!journal->segment_ns)
		journal->segment_ns = time_ns;
	return 0;
}

/* ----------------------------------------------------------------- segments */

static void remove_file(struct fim_journal *journal, const char *file)
{
	set_attributes_of(journal, file, 0);
	if (unlinkat(journal->dirfd, file, 0) && errno != ENOENT)
		fim_log(LOG_ERR, "%s/%s: cannot remove: %s", journal->dir, file, strerror(errno));
}

static int compress_segment(const struct fim_journal *journal, uint64_t first)
{
	static const char temporary[] = "segment.tmp";
	char plain[FIM_SEGMENT_NAME_SIZE], gzip[FIM_SEGMENT_NAME_SIZE];
	int from, to, err;

	fim_segment_name(first, false, plain);
	fim_segment_name(first, true, gzip);
	from = openat(journal->dirfd, plain, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return -errno;
	unlinkat(journal->dirfd, temporary, 0);
	to = openat(journal->dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	err = to < 0 ? -errno : fim_gzip_file(from, to);
	if (!err && fsync(to))
		err = -errno;
	/* One of both names is there at any time, with all that is in it. */
	if (!err) {
		set_attributes_of(journal, gzip, 0);
		if (renameat(journal->dirfd, temporary, journal->dirfd, gzip))
			err = -errno;
	}
	if (!err) {
		set_attributes(journal, to, FS_IMMUTABLE_FL);
		err = fsync(journal->dirfd) ? -errno : 0;
	}
	if (!err) {
		set_attributes(journal, from, 0);
		err = unlinkat(journal->dirfd, plain, 0) ? -errno : 0;
	}
	if (to >= 0)
		close(to);
	close(from);
	if (err)
		fim_log(LOG_WARNING, "%s/%s: cannot be compressed and stays as it is: %s",
			journal->dir, plain, strerror(-err));
	return err;
}

/* Touches closed segments only, by name: nothing that the writer has in hand. */
static void *compress_all(void *ctx)
{
	const struct fim_journal *journal = ctx;
	struct fim_segment *segments = NULL;
	size_t count = 0;

	if (fim_segments_list(journal->dirfd, &segments, &count))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (segments[i].plain)
			compress_segment(journal, segments[i].first);
	free(segments);
	return NULL;
}

static void compress_wait(struct fim_journal *journal)
{
	if (journal->compressing)
		pthread_join(journal->compressor, NULL);
	journal->compressing = false;
}

static void compress_start(struct fim_journal *journal)
{
	if (journal->params.keep_plain)
		return;
	journal->compressing = pthread_create(&journal->compressor, NULL, compress_all, journal) ==
			       0;
}

static uint64_t segment_size(const struct fim_journal *journal, const struct fim_segment *segment)
{
	char file[FIM_SEGMENT_NAME_SIZE];
	uint64_t bytes = 0;
	struct stat st;

	for (int gzip = 0; gzip < 2; gzip++) {
		fim_segment_name(segment->first, gzip, file);
		if (!fstatat(journal->dirfd, file, &st, AT_SYMLINK_NOFOLLOW))
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static void usage_refresh(struct fim_journal *journal)
{
	struct fim_segment *segments = NULL;
	size_t count = 0;

	if (fim_segments_list(journal->dirfd, &segments, &count))
		return;
	journal->closed_bytes = 0;
	for (size_t i = 0; i < count; i++)
		journal->closed_bytes += segment_size(journal, &segments[i]);
	free(segments);
}

static bool segment_is_full(const struct fim_journal *journal)
{
	if (!journal->written.end)
		return false;
	return (uint64_t)journal->written.end >= journal->params.segment_bytes ||
	       fim_time_now() - journal->segment_ns >=
		       (int64_t)journal->params.segment_s * FIM_NSEC_PER_SEC;
}

/* With the lock held and nobody writing. What waits goes into the next segment. */
static int close_segment(struct fim_journal *journal)
{
	char file[FIM_SEGMENT_NAME_SIZE];
	char head[64] = "";
	uint64_t first = 0;
	int err = 0;

	compress_wait(journal);
	if (pread(journal->fd, head, sizeof(head) - 1, 0) > 7)
		first = strtoull(head + 7, NULL, 10);
	if (fdatasync(journal->fd))
		err = -errno;
	fim_segment_name(first, false, file);
	set_attributes(journal, journal->fd, 0);
	if (!err &&
	    renameat2(journal->dirfd, FIM_JOURNAL_ACTIVE, journal->dirfd, file, RENAME_NOREPLACE))
		err = -errno;
	if (err) {
		set_attributes(journal, journal->fd, FS_APPEND_FL);
		fim_log(LOG_ERR, "%s: the segment cannot be closed: %s", journal->path,
			strerror(-err));
		return err;
	}
	set_attributes(journal, journal->fd, FS_IMMUTABLE_FL);
	close(journal->fd);
	journal->closed_bytes += (uint64_t)journal->written.end;
	journal->now.end -= journal->written.end;
	journal->written.end = 0;
	journal->durable = journal->written;
	journal->unsynced = false;
	journal->segment_ns = journal->waiting.len ? fim_time_now() : 0;
	journal->closed_one = true;
	err = open_active(journal);
	if (err)
		journal->failed = err;
	return err;
}

/* ------------------------------------------------------------------- commit */

static int copy_bytes(int from, int to, off_t end)
{
	char bytes[65536];
	off_t at = 0;
	int err = 0;

	while (!err && at < end) {
		size_t want = end - at < (off_t)sizeof(bytes) ? (size_t)(end - at) : sizeof(bytes);
		ssize_t got = pread(from, bytes, want, at);

		if (got > 0)
			err = fim_write_all(to, bytes, (size_t)got);
		else if (!got || errno != EINTR)
			err = got ? -errno : -EIO;
		at += got > 0 ? got : 0;
	}
	return err;
}

/*
 * The directory went too, with what was closed: the name is made again. It takes the place of
 * the old one under the same number, which the compressing thread may be using.
 */
static int renew_dir(struct fim_journal *journal)
{
	int fd = -1, err = make_dir(journal->dir);

	if (!err)
		err = open_dir(journal->dir, &fd);
	if (!err && dup3(fd, journal->dirfd, O_CLOEXEC) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * A file that was removed lives on as long as it is open: what it holds is written to a
 * new one of the same name, so that whoever removes the evidence only adds to it.
 */
static int keep_active(struct fim_journal *journal)
{
	struct stat st, dir;
	int old = journal->fd, err;

	if (fstat(old, &st) || fstat(journal->dirfd, &dir))
		return -errno;
	if (st.st_nlink)
		return 0;
	err = dir.st_nlink ? 0 : renew_dir(journal);
	if (!err)
		err = open_active(journal);
	if (!err && fstat(journal->fd, &st))
		err = -errno;
	/* Somebody else's file has the name: theirs is evidence as well. */
	if (!err && st.st_size)
		err = -EEXIST;
	if (!err)
		err = copy_bytes(old, journal->fd, journal->written.end);
	if (!err)
		err = sync_fd(journal->fd, journal->path);
	if (err) {
		if (journal->fd >= 0 && journal->fd != old)
			close(journal->fd);
		journal->fd = old;
		fim_log(LOG_ERR, "%s: was removed and cannot be made again: %s", journal->path,
			strerror(-err));
		return err;
	}
	close(old);
	journal->was_removed = true;
	return 0;
}

/* Back to what the disk has; everybody who waits is told so. */
static void go_back(struct fim_journal *journal, int err)
{
	if (truncate_active(journal, journal->durable.end))
		journal->failed = -EIO;
	journal->written = journal->now = journal->durable;
	journal->waiting.len = 0;
	journal->unsynced = false;
	journal->generation++;
	journal->last_error = err;
	if (!journal->durable.end)
		journal->segment_ns = 0;
	/* The hour's key was given up already; the next seal is of the same or a later one. */
}

/* Called with the lock held and nobody writing; gives the lock up meanwhile. */
static int commit(struct fim_journal *journal, bool sync)
{
	struct position position;
	struct buffer batch;
	int err = 0;

	/* One that cannot be closed goes on being written: that was reported. */
	if (segment_is_full(journal))
		close_segment(journal);
	batch = journal->waiting;
	position = journal->now;
	journal->waiting = (struct buffer){NULL, 0, 0};
	journal->committing = true;
	pthread_mutex_unlock(&journal->lock);
	err = journal->failed;
	if (!err)
		err = keep_active(journal);
	if (!err)
		err = fim_write_all(journal->fd, batch.bytes, batch.len);
	if (!err && sync && fdatasync(journal->fd)) {
		err = -errno;
		/*
		 * The kernel may drop the pages and report success next time: what is on
		 * the disk is unknown until it is read again.
		 */
		journal->failed = -EIO;
	}
	/* Its failure leaves the records as good as they are, but no more may follow. */
	if (!err && sync && journal->sealed &&
	    seal_store(journal, &position.seal,
		       fim_time_now() - journal->seal_synced_ns > SEAL_SYNC_NS))
		journal->failed = -EIO;
	pthread_mutex_lock(&journal->lock);
	journal->committing = false;
	/* The buffer is used again, unless another was made meanwhile. */
	batch.len = 0;
	if (!journal->waiting.bytes)
		journal->waiting = batch;
	else
		free(batch.bytes);
	if (err) {
		go_back(journal, err);
	} else {
		journal->written = position;
		journal->unsynced = !sync;
		if (sync)
			journal->durable = position;
	}
	fim_seal_clear(&position.seal);
	pthread_cond_broadcast(&journal->moved);
	return err;
}

/* ------------------------------------------------------------------- append */

static bool is_full(struct fim_journal *journal, const char *type, size_t len)
{
	uint64_t limit = journal->params.max_bytes;

	if (journal->params.full == FIM_JOURNAL_DROP)
		return false;
	if (!strcmp(type, "control") || !strcmp(type, "journal"))
		limit += CONTROL_RESERVE;
	limit -= (uint64_t)journal->now.end + len;
	if (journal->closed_bytes > limit)
		usage_refresh(journal); /* they were compressed since */
	return journal->closed_bytes > limit;
}

/* Wait for @seq to be durable, writing ourselves when nobody does. */
static int wait_durable(struct fim_journal *journal, uint64_t seq, uint64_t generation)
{
	while (journal->generation == generation && journal->durable.seq < seq) {
		if (journal->committing)
			pthread_cond_wait(&journal->moved, &journal->lock);
		else
			commit(journal, true);
	}
	return journal->generation == generation ? 0 : journal->last_error;
}

static char *copy_line(const char *line, size_t len)
{
	return strndup(line, len - 1);
}

static int append_locked(struct fim_journal *journal, const char *type, const char *text,
			 size_t len, bool durable, uint64_t *seq_ret, char **line_ret)
{
	uint64_t seq, generation;
	char *line = NULL;
	size_t before;
	int err;

	while (journal->waiting.len > BATCH_MAX && journal->committing)
		pthread_cond_wait(&journal->moved, &journal->lock);
	if (journal->failed)
		return journal->failed;
	if (is_full(journal, type, len))
		return -ENOSPC;
	before = journal->waiting.len;
	err = add_record(journal, type, text, len);
	if (err)
		return err;
	seq = journal->now.seq;
	generation = journal->generation;
	if (line_ret) {
		line = copy_line(journal->waiting.bytes + before, journal->waiting.len - before);
		if (!line)
			err = -ENOMEM; /* it is recorded all the same */
	}
	if (durable)
		err = wait_durable(journal, seq, generation) ? journal->last_error : err;
	else if (!journal->committing)
		err = commit(journal, false);
	if (err) {
		free(line);
		return err;
	}
	if (seq_ret)
		*seq_ret = seq;
	if (line_ret)
		*line_ret = line;
	return 0;
}

static int append(struct fim_journal *journal, const char *type, const struct fim_json *body,
		  bool durable, uint64_t *seq_ret, char **line_ret)
{
	char *text = NULL;
	size_t len = 0;
	int err = format_body(type, body, &text, &len);

	if (!err) {
		pthread_mutex_lock(&journal->lock);
		err = append_locked(journal, type, text, len, durable, seq_ret, line_ret);
		pthread_mutex_unlock(&journal->lock);
	}
	free(text);
	if (err)
		fim_log(LOG_ERR, "%s: cannot append a %s record: %s", journal->path, type,
			strerror(-err));
	return err;
}

/* ---------------------------------------------------------------- retention */

/* What retention has to know of the first record that stays. */
struct first_record {
	int64_t time_ns;
	char prev[FIM_SHA256_HEX_SIZE];
};

static int take_first(void *ctx, const struct fim_line *line)
{
	struct first_record *first = ctx;

	first->time_ns = line->time_ns;
	memcpy(first->prev, line->prev, sizeof(first->prev));
	return -ECANCELED; /* one is enough */
}

static int read_first(const struct fim_journal *journal, const struct fim_segment *segment,
		      struct first_record *first_ret)
{
	char file[FIM_SEGMENT_NAME_SIZE], *path;
	int err;

	if (segment)
		fim_segment_name(segment->first, !segment->plain, file);
	else
		strcpy(file, FIM_JOURNAL_ACTIVE);
	if (asprintf(&path, "%s/%s", journal->dir, file) < 0)
		return -ENOMEM;
	err = fim_journal_scan(path, take_first, first_ret, NULL);
	free(path);
	return err == -ECANCELED ? 0 : err ? err : -ENODATA;
}

/* Said before it is done: what is missing without a word is a fault. */
static int say_removed(struct fim_journal *journal, const struct fim_segment *next,
		       const struct first_record *first, const char *why, uint64_t bytes)
{
	struct fim_json *body = fim_json_object();
	char time[FIM_TIME_SIZE];
	int err;

	fim_time_format(first->time_ns, time);
	fim_json_set_str(body, "action", "removed");
	fim_json_set_int(body, "through", (int64_t)next->first - 1);
	fim_json_set_str(body, "head", first->prev);
	fim_json_set_str(body, "why", why);
	fim_json_set_str(body, "before", time);
	fim_json_set_int(body, "bytes", (int64_t)bytes);
	err = append(journal, "journal", body, true, NULL, NULL);
	fim_json_free(body);
	return err;
}

/*
 * Old enough, or in the way.  A segment counts as old when the record that follows it is:
 * its own last one is older still.
 */
static int retain(struct fim_journal *journal)
{
	int64_t keep_ns = (int64_t)journal->params.retention_days * FIM_DAY_NS;
	struct fim_segment *segments = NULL;
	struct first_record first = {0};
	uint64_t bytes = 0, total = 0;
	size_t count = 0, gone = 0;
	const char *why = NULL;
	int err = fim_segments_list(journal->dirfd, &segments, &count);

	for (size_t i = 0; i < count; i++)
		total += segment_size(journal, &segments[i]);
	/* The newest closed one stays in any case: the next start looks at it. */
	for (; !err && gone + 1 < count; gone++) {
		struct first_record next;
		bool full = journal->params.full == FIM_JOURNAL_DROP &&
			    total - bytes + journal->params.segment_bytes >
				    journal->params.max_bytes;

		err = read_first(journal, &segments[gone + 1], &next);
		if (err)
			break;
		if (!full && fim_time_now() - next.time_ns < keep_ns)
			break;
		why = full ? "space" : why ? why : "age";
		first = next;
		bytes += segment_size(journal, &segments[gone]);
	}
	if (gone && !err)
		err = say_removed(journal, &segments[gone], &first, why, bytes);
	for (size_t i = 0; i < gone && !err; i++) {
		char file[FIM_SEGMENT_NAME_SIZE];

		for (int gzip = 0; gzip < 2; gzip++) {
			fim_segment_name(segments[i].first, gzip, file);
			remove_file(journal, file);
		}
	}
	free(segments);
	pthread_mutex_lock(&journal->lock);
	usage_refresh(journal);
	pthread_mutex_unlock(&journal->lock);
	return err;
}

/* Between two records of the caller: a closed segment is compressed and old ones go. */
static void housekeep(struct fim_journal *journal)
{
	bool closed;

	pthread_mutex_lock(&journal->lock);
	closed = journal->closed_one;
	journal->closed_one = false;
	pthread_mutex_unlock(&journal->lock);
	if (!closed)
		return;
	retain(journal);
	pthread_mutex_lock(&journal->lock);
	if (!journal->compressing)
		compress_start(journal);
	pthread_mutex_unlock(&journal->lock);
}

int fim_journal_append(struct fim_journal *journal, const char *type, const struct fim_json *body,
		       uint64_t *seq_ret, char **line_ret)
{
	int err = append(journal, type, body, true, seq_ret, line_ret);

	housekeep(journal);
	return err;
}

int fim_journal_append_lazy(struct fim_journal *journal, const char *type,
			    const struct fim_json *body, uint64_t *seq_ret, char **line_ret)
{
	return append(journal, type, body, false, seq_ret, line_ret);
}

int fim_journal_sync(struct fim_journal *journal)
{
	int err = 0;

	pthread_mutex_lock(&journal->lock);
	while (journal->committing)
		pthread_cond_wait(&journal->moved, &journal->lock);
	if (journal->failed)
		err = journal->failed;
	else if (journal->unsynced || journal->waiting.len)
		err = wait_durable(journal, journal->now.seq, journal->generation);
	while (journal->committing)
		pthread_cond_wait(&journal->moved, &journal->lock);
	if (!err && journal->sealed)
		err = seal_store(journal, &journal->durable.seal, true);
	pthread_mutex_unlock(&journal->lock);
	return err;
}

void fim_journal_head(struct fim_journal *journal, uint64_t *seq_ret,
		      char head_ret[FIM_SHA256_HEX_SIZE])
{
	pthread_mutex_lock(&journal->lock);
	*seq_ret = journal->durable.seq;
	memcpy(head_ret, journal->durable.head, FIM_SHA256_HEX_SIZE);
	pthread_mutex_unlock(&journal->lock);
}

void fim_journal_usage(struct fim_journal *journal, uint64_t *used_ret, uint64_t *max_ret)
{
	pthread_mutex_lock(&journal->lock);
	*used_ret = journal->closed_bytes + (uint64_t)journal->now.end;
	*max_ret = journal->params.max_bytes;
	pthread_mutex_unlock(&journal->lock);
}

bool fim_journal_is_sealed(const struct fim_journal *journal)
{
	return journal->sealed;
}

bool fim_journal_was_removed(struct fim_journal *journal)
{
	bool was;

	pthread_mutex_lock(&journal->lock);
	was = journal->was_removed;
	journal->was_removed = false;
	pthread_mutex_unlock(&journal->lock);
	return was;
}

/* --------------------------------------------------------------------- open */

/* Cut the incomplete last line, then say so: the record carries what is needed to recognise it. */
static int cut_rest(struct fim_journal *journal, const struct fim_journal_end *end)
{
	struct fim_json *body, *detail;
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], time[FIM_TIME_SIZE];
	int err = truncate_active(journal, end->good_end);

	if (!err && fdatasync(journal->fd))
		err = -errno;
	if (err) {
		fim_log(LOG_ERR, "%s: cannot cut an incomplete record: %s", journal->path,
			strerror(-err));
		return err;
	}
	err = fim_sha256(end->rest, end->rest_len, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), hex);
	body = fim_json_object();
	detail = fim_json_object();
	fim_json_set_str(body, "component", "journal");
	fim_json_set_str(body, "state", "loss");
	fim_json_set_str(body, "cause",
			 "the last record was incomplete (crash or power loss) and was cut");
	fim_json_set_int(body, "lost", 1);
	fim_time_format(end->check.last_ns, time);
	fim_json_set_str(body, "since", end->check.last_ns ? time : NULL);
	fim_json_set_int(detail, "cut_bytes", (int64_t)end->rest_len);
	fim_json_set_str(detail, "cut_sha256", hex);
	fim_json_set(body, "detail", detail);
	err = append(journal, "control", body, true, NULL, NULL);
	fim_json_free(body);
	if (!err)
		fim_log(LOG_WARNING, "%s: an incomplete last record of %zu bytes was cut",
			journal->path, end->rest_len);
	return err;
}

/* Keys that are ahead of the records: somebody cut records off the end. */
static int seal_meets(const struct fim_journal *journal, const struct fim_seal *seal,
		      const struct fim_journal_end *end)
{
	uint64_t next = end->check.records ? end->check.first_seq + end->check.records : 1;

	if (!journal->sealed || seal->next == next)
		return 0;
	fim_log(LOG_ERR,
		"%s: record %" PRIu64
		" is bad: records were cut off the end: the keys are those of record %" PRIu64,
		journal->dir, next, seal->next);
	return -EBADMSG;
}

/*
 * A key that sealed nothing: a crash before the record that says so, and so before the key
 * was shown.  Nobody has it; the next who asks for sealing gets one.
 */
static void seal_forget(struct fim_journal *journal, const struct fim_seal *seal)
{
	if (!journal->sealed || seal->next != seal->first)
		return;
	fim_log(LOG_WARNING, "%s: sealing was begun and not finished: nothing is sealed",
		journal->dir);
	close(journal->seal_fd);
	journal->seal_fd = -1;
	journal->sealed = false;
	remove_file(journal, FIM_SEAL_STATE_NAME);
}

static int journal_start(struct fim_journal *journal)
{
	struct fim_journal_end end = {.rest = NULL};
	struct fim_seal seal = {0};
	int err = seal_open(journal, &seal);

	if (!err)
		err = fim_journal_read_end(journal->dir, journal->sealed ? &seal : NULL, &end);
	if (!err)
		err = seal_meets(journal, &seal, &end);
	if (!err)
		err = open_active(journal);
	if (err)
		goto out;
	seal_forget(journal, &seal);
	journal->now.seq = end.check.records ? end.check.first_seq + end.check.records - 1 : 0;
	journal->now.end = end.good_end;
	memcpy(journal->now.head, end.check.head, sizeof(journal->now.head));
	journal->now.seal = seal;
	journal->segment_ns = end.active_first ? end.active_time_ns : 0;
	journal->written = journal->durable = journal->now;
	/* The lines may be newer than the keys on the disk, if it was a crash. */
	if (journal->sealed)
		err = seal_store(journal, &seal, true);
	if (!err && end.rest)
		err = cut_rest(journal, &end);
	if (err)
		goto out;
	/* What is wrong with older segments stops nobody from writing: `verify` names it. */
	retain(journal);
	compress_start(journal);
out:
	fim_seal_clear(&seal);
	free(end.rest);
	return err;
}

static void params_default(struct fim_journal_params *params)
{
	if (!params->segment_bytes)
		params->segment_bytes = DEFAULT_SEGMENT;
	if (!params->segment_s)
		params->segment_s = DEFAULT_SEGMENT_S;
	if (!params->retention_days)
		params->retention_days = DEFAULT_RETENTION;
	if (!params->max_bytes)
		params->max_bytes = DEFAULT_MAX;
	/* What is removed to make room is a small part of the whole. */
	if (params->segment_bytes > params->max_bytes / 8)
		params->segment_bytes = params->max_bytes / 8;
}

int fim_journal_open(const struct fim_journal_params *params, struct fim_journal **journal_ret)
{
	struct fim_journal *journal = calloc(1, sizeof(*journal));
	int err = -ENOMEM;

	if (!journal)
		return -ENOMEM;
	journal->dirfd = journal->fd = journal->seal_fd = -1;
	journal->params = *params;
	params_default(&journal->params);
	pthread_mutex_init(&journal->lock, NULL);
	pthread_cond_init(&journal->moved, NULL);
	journal->hasher = fim_hasher_new();
	journal->dir = strdup(params->dir);
	if (asprintf(&journal->path, "%s/%s", params->dir, FIM_JOURNAL_ACTIVE) < 0)
		journal->path = NULL;
	if (!journal->hasher || !journal->dir || !journal->path)
		goto err_close;
	journal->params.dir = journal->dir;
	err = read_boot_id(journal->boot_id);
	if (!err)
		err = make_dir(journal->dir);
	if (!err)
		err = open_dir(journal->dir, &journal->dirfd);
	if (!err)
		err = journal_start(journal);
	if (err)
		goto err_close;
	*journal_ret = journal;
	return 0;

err_close:
	fim_journal_close(journal);
	return err;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void fim_journal_close(struct fim_journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		fim_journal_sync(journal);
	compress_wait(journal);
	close_fd(journal->fd);
	close_fd(journal->seal_fd);
	close_fd(journal->dirfd);
	fim_seal_clear(&journal->now.seal);
	fim_seal_clear(&journal->written.seal);
	fim_seal_clear(&journal->durable.seal);
	fim_hasher_free(journal->hasher);
	pthread_mutex_destroy(&journal->lock);
	pthread_cond_destroy(&journal->moved);
	free(journal->waiting.bytes);
	free(journal->dir);
	free(journal->path);
	free(journal);
}

/* --------------------------------------------------------------------- seal */

/* Under its name when it is whole: half a state would stop the next start. */
static int seal_create(struct fim_journal *journal, const struct fim_seal *seal)
{
	static const char temporary[] = FIM_SEAL_STATE_NAME ".new";
	int err = 0;

	unlinkat(journal->dirfd, temporary, 0);
	close_fd(journal->seal_fd);
	journal->seal_fd = openat(journal->dirfd, temporary,
				  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->seal_fd >= 0)
		err = seal_store(journal, seal, true);
	if (!err && (journal->seal_fd < 0 ||
		     renameat(journal->dirfd, temporary, journal->dirfd, FIM_SEAL_STATE_NAME))) {
		err = -errno;
		fim_log(LOG_ERR, "%s/%s: cannot make: %s", journal->dir, FIM_SEAL_STATE_NAME,
			strerror(-err));
	}
	return err ? err : sync_fd(journal->dirfd, journal->dir);
}

/* Before there is a key: one that nobody saw must never look like one that somebody has. */
static int unseen_create(const struct fim_journal *journal)
{
	int fd = openat(journal->dirfd, FIM_SEAL_UNSEEN_NAME,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		int err = -errno;

		fim_log(LOG_ERR, "%s/%s: cannot make: %s", journal->dir, FIM_SEAL_UNSEEN_NAME,
			strerror(-err));
		return err;
	}
	close(fd);
	return sync_fd(journal->dirfd, journal->dir);
}

static bool is_unseen(const struct fim_journal *journal)
{
	return !faccessat(journal->dirfd, FIM_SEAL_UNSEEN_NAME, F_OK, 0);
}

int fim_journal_seal_seen(struct fim_journal *journal)
{
	if (unlinkat(journal->dirfd, FIM_SEAL_UNSEEN_NAME, 0))
		return errno == ENOENT ? 0 : -errno;
	return sync_fd(journal->dirfd, journal->dir);
}

int fim_journal_seal(struct fim_journal *journal, char text_ret[FIM_SEAL_TEXT_SIZE])
{
	struct fim_json *body = fim_json_object();
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_seal_key key = {0};
	struct fim_seal seal = {0};
	bool again = journal->sealed;
	int err = -EEXIST;

	if (again && !is_unseen(journal))
		goto out;
	err = fim_journal_sync(journal);
	if (!err)
		err = unseen_create(journal);
	if (err)
		goto out;
	key.first = journal->durable.seq + 1;
	key.start_ns = fim_time_now() / FIM_NSEC_PER_SEC * FIM_NSEC_PER_SEC;
	err = fim_hex_decode(journal->durable.head, digest, sizeof(digest));
	memcpy(key.bound, digest, sizeof(key.bound));
	if (!err)
		err = fim_seal_key_new(&key);
	if (!err)
		err = fim_seal_start(&key, &seal);
	if (!err)
		err = seal_create(journal, &seal);
	if (err)
		goto out;
	journal->sealed = true;
	journal->now.seal = journal->written.seal = journal->durable.seal = seal;
	fim_json_set_str(body, "action", "sealed");
	if (again)
		fim_json_set_str(body, "why", "nobody is known to have seen the key before");
	err = append(journal, "journal", body, true, NULL, NULL);
	if (!err)
		fim_seal_key_format(&key, text_ret);
out:
	fim_json_free(body);
	fim_seal_clear(&seal);
	explicit_bzero(&key, sizeof(key));
	return err;
}
