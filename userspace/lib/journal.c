/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This file owns the journal: appending records durably, and reading them back
 * with proof that none was changed, removed, inserted or reordered.
 *
 * What the chain cannot show: whole records cut off the end by someone who may
 * write the file.  The head digest is in every report and leaves the host with
 * it; a shorter journal does not contain that digest any more.
 *
 * A record is acknowledged only after fdatasync(), so a line without a newline at
 * the end of the file was never acknowledged: it is a crash, cut and said on open.
 */
#include "lib_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define SEGMENT_NAME "journal.ndjson"
/* Longest line, newline included: what the writer accepts and the reader buffers. */
#define MAX_LINE     ((size_t)1 << 20)
#define READ_SIZE    ((size_t)64 << 10)
#define BOOT_ID_SIZE 37

static const char no_digest[] = "0000000000000000000000000000000000000000000000000000000000000000";

struct fim_journal {
	int fd;
	char *path;
	off_t end; /* where the next record goes */
	uint64_t seq;
	char head[FIM_SHA256_HEX_SIZE];
	char boot_id[BOOT_ID_SIZE];
	int failed; /* -errno after which nothing more may be appended */
};

/* ------------------------------------------------------------------ lines */

struct line_reader {
	int fd;
	const char *name;
	char *buf; /* MAX_LINE + READ_SIZE */
	size_t start;
	size_t end;
	bool eof;
};

/*
 * *line_ret points into the buffer until the next call.  Returns 1 with a whole
 * line, 0 at the end of the file with what is left of it, -EMSGSIZE for a line
 * that no writer of ours can have made.
 */
static int line_next(struct line_reader *reader, const char **line_ret, size_t *len_ret)
{
	for (;;) {
		size_t len = reader->end - reader->start;
		char *line = reader->buf + reader->start;
		const char *newline = memchr(line, '\n', len);
		ssize_t got;

		if (newline || reader->eof) {
			*line_ret = line;
			*len_ret = newline ? (size_t)(newline - line) + 1 : len;
			reader->start += *len_ret;
			if (*len_ret > MAX_LINE)
				return -EMSGSIZE;
			return newline ? 1 : 0;
		}
		if (len > MAX_LINE)
			return -EMSGSIZE;
		memmove(reader->buf, line, len);
		reader->start = 0;
		reader->end = len;
		do
			got = read(reader->fd, reader->buf + len, READ_SIZE);
		while (got < 0 && errno == EINTR);
		if (got < 0) {
			int err = -errno;

			fim_log(LOG_ERR, "%s: cannot read: %s", reader->name, strerror(-err));
			return err;
		}
		reader->eof = got == 0;
		reader->end += (size_t)got;
	}
}

/* ------------------------------------------------------------------ check */

/*
 * struct scan - a walk over a journal
 * @hasher: set up once: a record is hashed faster than a hasher is made
 * @last_time: time of the last good record as written, "" if none
 * @good_end: offset after the last good record
 * @rest: bytes of an incomplete last line
 */
struct scan {
	struct fim_journal_check check;
	struct fim_hasher *hasher;
	char last_time[FIM_TIME_SIZE];
	off_t good_end;
	char *rest;
	size_t rest_len;
};

/* What of a record has to be right, whatever it is about. */
struct head {
	struct fim_span seq;
	struct fim_span time;
	struct fim_span boot_id;
	struct fim_span type;
	struct fim_span prev;
};

static int note_member(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		       const struct fim_span *value)
{
	struct head *head = ctx;
	const struct {
		const char *key;
		struct fim_span *span;
	} members[] = {{"seq", &head->seq},
		       {"time", &head->time},
		       {"boot_id", &head->boot_id},
		       {"type", &head->type},
		       {"prev", &head->prev}};
	size_t i;

	if (parent || key->len > 7)
		return 0;
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!fim_span_is(key, members[i].key))
			continue;
		/* Twice: no two readers would agree on which counts. */
		if (members[i].span->kind != FIM_SPAN_NONE)
			return -EINVAL;
		*members[i].span = *value;
	}
	return 0;
}

/* Returns what is wrong with the record, NULL if nothing; then @line_ret is filled. */
static const char *record_fault(const struct scan *scan, const char *line, size_t len,
				struct fim_line *line_ret)
{
	struct head head = {.seq = {.kind = FIM_SPAN_NONE}};
	char time[FIM_TIME_SIZE];
	size_t boot_len;

	if (fim_scan(line, len, note_member, &head))
		return "it is not a JSON object";
	if (fim_span_int(&head.seq, -1) != (int64_t)scan->check.records + 1)
		return "its number does not follow the one before";
	if (head.prev.kind != FIM_SPAN_STRING || !fim_span_is(&head.prev, scan->check.head))
		return "its prev is not the digest of the record before";
	if (!fim_span_copy(&head.time, time, sizeof(time)) ||
	    fim_time_parse(time, &line_ret->time_ns))
		return "it has no valid time";
	if (head.type.kind != FIM_SPAN_STRING || !head.type.len ||
	    head.boot_id.kind != FIM_SPAN_STRING)
		return "it has no type or boot_id";
	line_ret->text = line;
	line_ret->len = len;
	line_ret->seq = scan->check.records + 1;
	memcpy(line_ret->prev, scan->check.head, sizeof(line_ret->prev));
	if (!fim_span_copy(&head.type, line_ret->type, sizeof(line_ret->type)))
		*line_ret->type = '\0';
	boot_len = head.boot_id.len < sizeof(line_ret->boot_id) - 1 ? head.boot_id.len
								    : sizeof(line_ret->boot_id) - 1;
	memcpy(line_ret->boot_id, head.boot_id.text, boot_len);
	line_ret->boot_id[boot_len] = '\0';
	return NULL;
}

static int scan_fail(struct scan *scan, const char *name, const char *reason)
{
	scan->check.first_bad = scan->check.records + 1;
	snprintf(scan->check.reason, sizeof(scan->check.reason), "%s", reason);
	fim_log(LOG_ERR, "%s: record %" PRIu64 " is bad: %s", name, scan->check.first_bad, reason);
	return -EBADMSG;
}

/* The digest is needed only once the record is known to be good. */
static int scan_record(struct scan *scan, const char *name, const char *line, size_t len,
		       struct fim_line *line_ret)
{
	unsigned char digest[FIM_SHA256_SIZE];
	const char *fault;
	int err;

	fault = record_fault(scan, line, len - 1, line_ret);
	if (fault)
		return scan_fail(scan, name, fault);
	err = fim_hasher_reset(scan->hasher);
	if (!err)
		err = fim_hasher_update(scan->hasher, line, len);
	if (!err)
		err = fim_hasher_final(scan->hasher, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), scan->check.head);
	scan->check.records++;
	scan->good_end += (off_t)len;
	fim_time_format(line_ret->time_ns, scan->last_time);
	return 0;
}

/* scan->rest is the caller's to free, also on failure. */
static int scan_journal(int fd, const char *name, int (*fn)(void *ctx, const struct fim_line *line),
			void *ctx, struct scan *scan)
{
	struct line_reader reader = {.fd = fd, .name = name};
	const char *line = NULL;
	size_t len = 0;
	int err;

	memset(scan, 0, sizeof(*scan));
	memcpy(scan->check.head, no_digest, sizeof(no_digest));
	reader.buf = malloc(MAX_LINE + READ_SIZE);
	scan->hasher = fim_hasher_new();
	if (!reader.buf || !scan->hasher) {
		err = -ENOMEM;
		goto out;
	}
	while ((err = line_next(&reader, &line, &len)) > 0) {
		struct fim_line record;

		err = scan_record(scan, name, line, len, &record);
		if (err)
			goto out;
		err = fn ? fn(ctx, &record) : 0;
		if (err)
			goto out;
	}
	if (err == -EMSGSIZE)
		err = scan_fail(scan, name, "it is longer than any record may be");
	if (err || !len)
		goto out;
	scan->check.torn = true;
	scan->rest = malloc(len);
	if (!scan->rest) {
		err = -ENOMEM;
		goto out;
	}
	memcpy(scan->rest, line, len);
	scan->rest_len = len;
out:
	fim_hasher_free(scan->hasher);
	free(reader.buf);
	return err;
}

int fim_journal_scan(const char *path, int (*fn)(void *ctx, const struct fim_line *line), void *ctx,
		     struct fim_journal_check *check_ret)
{
	char *name = strdup(path);
	struct scan scan = {.rest = NULL};
	struct stat st;
	int fd = -1, err = -ENOMEM;

	if (!name)
		goto out;
	if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
		free(name);
		if (asprintf(&name, "%s/%s", path, SEGMENT_NAME) < 0) {
			name = NULL;
			goto out;
		}
	}
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", name, strerror(-err));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
		fim_log(LOG_ERR, "%s: not a regular file", name);
		goto out;
	}
	err = scan_journal(fd, name, fn, ctx, &scan);
	/* The verified part is an answer too: a report is made of it. */
	if (check_ret && (err == 0 || err == -EBADMSG))
		*check_ret = scan.check;
out:
	if (fd >= 0)
		close(fd);
	free(scan.rest);
	free(name);
	return err;
}

struct tree_reader {
	int (*fn)(void *ctx, const struct fim_json *record);
	void *ctx;
	struct fim_journal_check bad;
};

static int read_tree(void *ctx, const struct fim_line *line)
{
	struct tree_reader *reader = ctx;
	struct fim_json *record;
	int err;

	err = fim_json_parse(line->text, line->len, NULL, &record);
	if (err == -ENOMEM)
		return err;
	if (err) { /* a key twice: the only thing that fim_scan() lets pass */
		reader->bad.records = line->seq - 1;
		reader->bad.first_bad = line->seq;
		memcpy(reader->bad.head, line->prev, sizeof(reader->bad.head));
		snprintf(reader->bad.reason, sizeof(reader->bad.reason), "it has a key twice");
		return -EBADMSG;
	}
	err = reader->fn ? reader->fn(reader->ctx, record) : 0;
	fim_json_free(record);
	return err;
}

int fim_journal_read(const char *path, int (*fn)(void *ctx, const struct fim_json *record),
		     void *ctx, struct fim_journal_check *check_ret)
{
	struct tree_reader reader = {.fn = fn, .ctx = ctx};
	int err;

	err = fim_journal_scan(path, read_tree, &reader, check_ret);
	if (err == -EBADMSG && reader.bad.first_bad) {
		fim_log(LOG_ERR, "%s: record %" PRIu64 " is bad: %s", path, reader.bad.first_bad,
			reader.bad.reason);
		if (check_ret)
			*check_ret = reader.bad;
	}
	return err;
}

/* ------------------------------------------------------------------- open */

static int read_boot_id(char boot_id_ret[BOOT_ID_SIZE])
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	ssize_t got = -1;
	int fd, err = 0;

	errno = EIO; /* for a short read */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = read(fd, boot_id_ret, BOOT_ID_SIZE - 1);
	if (got != BOOT_ID_SIZE - 1) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot read: %s", path, strerror(-err));
	} else {
		boot_id_ret[BOOT_ID_SIZE - 1] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* A new name is durable only when its directory is. */
static int sync_dir(const char *path)
{
	int fd, err = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd)) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot synchronise: %s", path, strerror(-err));
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int make_dir(const char *dir)
{
	char *parent = NULL;
	size_t len = strlen(dir);
	int err;

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
	err = parent ? sync_dir(parent) : -ENOMEM;
	free(parent);
	return err;
}

static int open_segment(struct fim_journal *journal, const char *dir)
{
	struct stat st;
	int err;

	/* O_NOFOLLOW: the daemon is root and must not be led to write elsewhere. */
	journal->fd = open(journal->path,
			   O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (journal->fd < 0 || fstat(journal->fd, &st)) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", journal->path, strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		fim_log(LOG_ERR, "%s: not a regular file", journal->path);
		return -EINVAL;
	}
	if (flock(journal->fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		fim_log(LOG_ERR, "%s: %s", journal->path,
			err == -EBUSY ? "another process writes this journal" : strerror(-err));
		return err;
	}
	/* Also when it existed: an earlier run may have died before this. */
	return sync_dir(dir);
}

/* Cut the incomplete last line, then say so: the record carries what is needed to recognise it. */
static int cut_rest(struct fim_journal *journal, const struct scan *scan)
{
	struct fim_json *body, *detail;
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	int err;

	if (ftruncate(journal->fd, scan->good_end) || fdatasync(journal->fd)) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot cut an incomplete record: %s", journal->path,
			strerror(-err));
		return err;
	}
	err = fim_sha256(scan->rest, scan->rest_len, digest);
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
	fim_json_set_str(body, "since", *scan->last_time ? scan->last_time : NULL);
	fim_json_set_int(detail, "cut_bytes", (int64_t)scan->rest_len);
	fim_json_set_str(detail, "cut_sha256", hex);
	fim_json_set(body, "detail", detail);
	err = fim_journal_append(journal, "control", body, NULL, NULL);
	fim_json_free(body);
	if (!err)
		fim_log(LOG_WARNING, "%s: an incomplete last record of %zu bytes was cut",
			journal->path, scan->rest_len);
	return err;
}

int fim_journal_open(const char *dir, struct fim_journal **journal_ret)
{
	struct fim_journal *journal;
	struct scan scan = {.rest = NULL};
	int err;

	journal = calloc(1, sizeof(*journal));
	if (!journal)
		return -ENOMEM;
	journal->fd = -1;
	if (asprintf(&journal->path, "%s/%s", dir, SEGMENT_NAME) < 0) {
		journal->path = NULL;
		err = -ENOMEM;
		goto err_close;
	}
	err = read_boot_id(journal->boot_id);
	if (err)
		goto err_close;
	err = make_dir(dir);
	if (err)
		goto err_close;
	err = open_segment(journal, dir);
	if (err)
		goto err_close;
	err = scan_journal(journal->fd, journal->path, NULL, NULL, &scan);
	if (err)
		goto err_close;
	journal->seq = scan.check.records;
	journal->end = scan.good_end;
	memcpy(journal->head, scan.check.head, sizeof(journal->head));
	if (scan.check.torn) {
		err = cut_rest(journal, &scan);
		if (err)
			goto err_close;
	}
	free(scan.rest);
	*journal_ret = journal;
	return 0;

err_close:
	free(scan.rest);
	fim_journal_close(journal);
	return err;
}

void fim_journal_close(struct fim_journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->path);
	free(journal);
}

/* ----------------------------------------------------------------- append */

static const char *const common_members[] = {"seq", "time", "boot_id", "type", "prev"};

static int copy_member(void *ctx, const char *key, struct fim_json *value)
{
	struct fim_json *record = ctx;
	size_t i;

	/* A body must not be able to say what only the journal may say. */
	for (i = 0; i < sizeof(common_members) / sizeof(common_members[0]); i++)
		if (strcmp(key, common_members[i]) == 0)
			return -EINVAL;
	fim_json_set(record, key, fim_json_ref(value));
	return 0;
}

static int format_record(const struct fim_journal *journal, const char *type,
			 const struct fim_json *body, char **line_ret, size_t *len_ret)
{
	char time[FIM_TIME_SIZE], *line = NULL, *grown;
	struct fim_json *record;
	size_t len;
	int err;

	fim_time_format(fim_time_now(), time);
	record = fim_json_object();
	fim_json_set_int(record, "seq", (int64_t)journal->seq + 1);
	fim_json_set_str(record, "time", time);
	fim_json_set_str(record, "boot_id", journal->boot_id);
	fim_json_set_str(record, "type", type);
	fim_json_set_str(record, "prev", journal->head);
	err = fim_json_each(body, copy_member, record);
	if (!err)
		err = fim_json_dump(record, &line, &len);
	fim_json_free(record);
	if (err)
		return err;
	if (len + 1 > MAX_LINE) {
		free(line);
		return -EMSGSIZE;
	}
	grown = realloc(line, len + 2);
	if (!grown) {
		free(line);
		return -ENOMEM;
	}
	grown[len] = '\n';
	grown[len + 1] = '\0';
	*line_ret = grown;
	*len_ret = len + 1;
	return 0;
}

static int write_durably(struct fim_journal *journal, const char *line, size_t len)
{
	size_t done = 0;
	ssize_t got;
	int err;

	while (done < len) {
		got = write(journal->fd, line + done, len - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto err_cut;
		done += (size_t)got;
	}
	if (fdatasync(journal->fd) == 0)
		return 0;
	/*
	 * After a failed fdatasync() the kernel may drop the pages and report
	 * success next time: what is on the disk is unknown until it is read again.
	 */
	journal->failed = -EIO;
err_cut:
	err = -errno;
	if (ftruncate(journal->fd, journal->end))
		journal->failed = -EIO;
	return err;
}

int fim_journal_append(struct fim_journal *journal, const char *type, const struct fim_json *body,
		       uint64_t *seq_ret, char **line_ret)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char *line = NULL;
	size_t len = 0;
	int err = journal->failed;

	if (!err && (!*type || !fim_json_is_object(body)))
		err = -EINVAL;
	if (!err)
		err = format_record(journal, type, body, &line, &len);
	if (!err)
		err = fim_sha256(line, len, digest);
	if (!err)
		err = write_durably(journal, line, len);
	if (err) {
		fim_log(LOG_ERR, "%s: cannot append a %s record: %s", journal->path, type,
			strerror(-err));
		free(line);
		return err;
	}
	fim_hex_encode(digest, sizeof(digest), journal->head);
	journal->end += (off_t)len;
	journal->seq++;
	if (seq_ret)
		*seq_ret = journal->seq;
	if (line_ret) {
		line[len - 1] = '\0';
		*line_ret = line;
	} else {
		free(line);
	}
	return 0;
}
