/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This file owns reading a journal back with proof that no record was changed, removed,
 * inserted or reordered: by the chain for everyone, by the seals for who has the
 * verification key.  It writes nothing and needs no lock: a segment that is closed while
 * it is read is found again under its new name.
 *
 * What the chain cannot show is records cut off the end by someone who may write the
 * file, or rewritten together with all that follow.  The seals show both.
 *
 * A record is acknowledged only after fdatasync(), so a line without a newline at the end
 * of the last segment was never acknowledged: it is a crash, not a fault.
 */
#include "journal_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define SEAL_MEMBER	  ",\"seal\":\""
#define EPOCH_DIGITS	  10
#define DEFAULT_RETENTION 365
#define DAYS_SLACK	  2 /* a segment is removed whole, and clocks differ */

/* ------------------------------------------------------------------ names */

void fim_segment_name(uint64_t first, bool gzip, char name_ret[FIM_SEGMENT_NAME_SIZE])
{
	snprintf(name_ret, FIM_SEGMENT_NAME_SIZE, "journal-%020" PRIu64 ".ndjson%s", first,
		 gzip ? ".gz" : "");
}

/* 0: not the name of a closed segment. */
static uint64_t name_first(const char *name, bool *gzip_ret)
{
	char expected[FIM_SEGMENT_NAME_SIZE];
	uint64_t first;

	if (strncmp(name, "journal-", 8))
		return 0;
	first = strtoull(name + 8, NULL, 10);
	for (int gzip = 0; gzip < 2; gzip++) {
		fim_segment_name(first, gzip, expected);
		*gzip_ret = gzip;
		if (!strcmp(name, expected))
			return first;
	}
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct fim_segment *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

static int segment_add(struct fim_segment **segments, size_t *count, uint64_t first, bool gzip)
{
	struct fim_segment *grown;

	grown = realloc(*segments, (*count + 1) * sizeof(**segments));
	if (!grown)
		return -ENOMEM;
	*segments = grown;
	grown[(*count)++] = (struct fim_segment){.first = first, .plain = !gzip, .gzip = gzip};
	return 0;
}

int fim_segments_list(int dirfd, struct fim_segment **segments_ret, size_t *count_ret)
{
	struct fim_segment *segments = NULL;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t count = 0, kept = 0;
	int err = 0;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		bool gzip = false;
		uint64_t first = name_first(entry->d_name, &gzip);

		if (first)
			err = segment_add(&segments, &count, first, gzip);
	}
	closedir(dir);
	if (err) {
		free(segments);
		return err;
	}
	if (count)
		qsort(segments, count, sizeof(*segments), by_first);
	for (size_t i = 0; i < count; i++) {
		if (kept && segments[kept - 1].first == segments[i].first) {
			segments[kept - 1].plain |= segments[i].plain;
			segments[kept - 1].gzip |= segments[i].gzip;
		} else {
			segments[kept++] = segments[i];
		}
	}
	*segments_ret = segments;
	*count_ret = kept;
	return 0;
}

/* ------------------------------------------------------------------- walk */

/* struct walk - what is known while records are read
 * @query: what the caller wants
 * @check: for the caller
 * @next: number that the next record must have, 0: any
 * @closed: the segment being read is not the last one
 * @new: that there is no journal yet is no fault
 * @good_end: offset after the last good record of this segment
 * @segment_first: its first record, 0: none yet
 * @rest: incomplete last line
 * @has_key: @seal holds the keys for the next record
 * @first_epoch: of the first sealed record
 * @last_epoch: of the last
 */
struct walk {
	const struct fim_journal_query *query;
	struct fim_journal_check check;
	struct fim_hasher *hasher;
	uint64_t next;
	bool closed;
	bool new;
	off_t good_end;
	uint64_t segment_first;
	int64_t segment_ns;
	char *rest;
	size_t rest_len;
	bool has_key;
	struct fim_seal_key key;
	struct fim_seal seal;
	uint64_t first_epoch;
	uint64_t last_epoch;
	char start_prev[FIM_SHA256_HEX_SIZE];
	bool start_declared;
	unsigned char state[FIM_SEAL_STATE_SIZE + 1]; /* as it was before the first line was read */
	ssize_t state_len;
};

static int walk_bad(struct walk *walk, const char *name, uint64_t seq, const char *reason)
{
	walk->check.first_bad = seq;
	snprintf(walk->check.reason, sizeof(walk->check.reason), "%s", reason);
	fim_log(LOG_ERR, "%s: record %" PRIu64 " is bad: %s", name, seq, reason);
	return -EBADMSG;
}

static int walk_fail(struct walk *walk, const char *name, const char *reason)
{
	return walk_bad(walk, name, walk->next ? walk->next : 1, reason);
}

static bool is_digest(const struct fim_span *span)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];

	return fim_span_copy(span, hex, sizeof(hex)) &&
	       !fim_hex_decode(hex, digest, sizeof(digest));
}

/* Returns what is wrong with the record's head, NULL if nothing; then @line is filled. */
static const char *head_fault(const struct walk *walk, const struct fim_head *head,
			      struct fim_line *line)
{
	int64_t seq = fim_span_int(&head->seq, -1);
	char time[FIM_TIME_SIZE];
	size_t boot_len = head->boot_id.len;

	if (seq < 1 || (walk->next && (uint64_t)seq != walk->next))
		return "its number does not follow the one before";
	/* Of the first nothing is known but that it has to be one. */
	if (walk->next ? head->prev.kind != FIM_SPAN_STRING ||
				 !fim_span_is(&head->prev, walk->check.head)
		       : !is_digest(&head->prev))
		return "its prev is not the digest of the record before";
	if (!fim_span_copy(&head->time, time, sizeof(time)) || fim_time_parse(time, &line->time_ns))
		return "it has no valid time";
	if (head->type.kind != FIM_SPAN_STRING || !head->type.len ||
	    head->boot_id.kind != FIM_SPAN_STRING)
		return "it has no type or boot_id";
	line->seq = (uint64_t)seq;
	fim_span_copy(&head->prev, line->prev, sizeof(line->prev));
	if (!fim_span_copy(&head->type, line->type, sizeof(line->type)))
		*line->type = '\0';
	if (boot_len >= sizeof(line->boot_id))
		boot_len = sizeof(line->boot_id) - 1;
	memcpy(line->boot_id, head->boot_id.text, boot_len);
	line->boot_id[boot_len] = '\0';
	return NULL;
}

/* -------------------------------------------------------------------- seal */

/* Start of the seal member at the very end of the line; NULL: it has none. */
static const char *seal_find(const char *line, size_t len, uint64_t *epoch_ret,
			     const char **mac_ret)
{
	const char *end = line + len, *at;
	uint64_t epoch = 0, power = 1;
	unsigned int digits = 0;

	if (len < strlen(SEAL_MEMBER) + 2 + FIM_SEAL_MAC_HEX + 2 || memcmp(end - 2, "\"}", 2))
		return NULL;
	*mac_ret = end - 2 - FIM_SEAL_MAC_HEX;
	at = *mac_ret - 1;
	if (*at != ':')
		return NULL;
	while (--at > line && *at >= '0' && *at <= '9' && digits++ < EPOCH_DIGITS) {
		epoch += (uint64_t)(*at - '0') * power;
		power *= 10;
	}
	at++;
	if (!digits || digits > EPOCH_DIGITS || (digits > 1 && *at == '0') ||
	    (size_t)(at - line) < strlen(SEAL_MEMBER))
		return NULL;
	at -= strlen(SEAL_MEMBER);
	*epoch_ret = epoch;
	return memcmp(at, SEAL_MEMBER, strlen(SEAL_MEMBER)) ? NULL : at;
}

static const char *seal_fault(struct walk *walk, const struct fim_line *record)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char mac[FIM_SEAL_MAC_HEX + 1];
	const char *member, *theirs;
	uint64_t epoch;

	if (!walk->has_key || record->seq < walk->seal.next)
		return NULL;
	member = seal_find(record->text, record->len, &epoch, &theirs);
	if (!member)
		return "its seal is missing";
	if (epoch < walk->seal.epoch || epoch < walk->last_epoch)
		return "its seal claims an hour that was over";
	if (fim_seal_seek(&walk->seal, record->seq, epoch) || fim_hasher_reset(walk->hasher) ||
	    fim_hasher_update(walk->hasher, record->text, (size_t)(member - record->text)) ||
	    fim_hasher_final(walk->hasher, digest) || fim_seal_record(&walk->seal, digest, mac))
		return "its seal cannot be checked";
	if (memcmp(mac, theirs, FIM_SEAL_MAC_HEX))
		return "its seal is wrong";
	if (!walk->check.sealed++)
		walk->first_epoch = epoch;
	walk->last_epoch = epoch;
	/* Later than it says: the clock was set back, or the time is a lie. */
	if (fim_seal_epoch_of(&walk->seal, record->time_ns) < epoch && !walk->check.back_steps++)
		walk->check.first_back = record->seq;
	else if (fim_seal_epoch_of(&walk->seal, record->time_ns) > epoch)
		return "its time is later than its seal allows";
	return NULL;
}

/* ----------------------------------------------------------------- record */

/* A record of type journal says that older ones were removed. */
static void note_removal(struct walk *walk, const struct fim_line *line)
{
	struct fim_json *json;
	const char *action, *head, *why;

	if (walk->check.first_seq < 2 || fim_json_parse(line->text, line->len, NULL, &json))
		return;
	action = fim_json_get_str(json, "action");
	head = fim_json_get_str(json, "head");
	why = fim_json_get_str(json, "why");
	if (action && !strcmp(action, "removed") && head && !strcmp(head, walk->start_prev) &&
	    why && (uint64_t)fim_json_get_int(json, "through", 0) == walk->check.first_seq - 1) {
		walk->start_declared = true;
		walk->check.removed_ns = line->time_ns;
		snprintf(walk->check.removed_why, sizeof(walk->check.removed_why), "%s", why);
	}
	fim_json_free(json);
}

/* Where it begins is judged at the end, except that nothing is before the first. */
static void walk_start(struct walk *walk, const struct fim_line *line)
{
	walk->check.first_seq = line->seq;
	walk->check.first_ns = line->time_ns;
	memcpy(walk->start_prev, line->prev, sizeof(walk->start_prev));
	walk->next = line->seq;
	memcpy(walk->check.head, line->prev, sizeof(walk->check.head));
}

static const char *first_fault(const struct walk *walk)
{
	if (walk->next == 1 && strcmp(walk->check.head, FIM_JOURNAL_NO_DIGEST))
		return "its prev is not the digest of the record before";
	return NULL;
}

/* The key vouches for what was there before it. */
static const char *bound_fault(const struct walk *walk)
{
	unsigned char digest[FIM_SHA256_SIZE];

	if (!walk->has_key || walk->next != walk->key.first ||
	    fim_hex_decode(walk->check.head, digest, sizeof(digest)))
		return NULL;
	return memcmp(digest, walk->key.bound, FIM_SEAL_BOUND)
		       ? "the records before it are not those that the key was made for"
		       : NULL;
}

static const char *record_fault(struct walk *walk, const struct fim_read_line *read,
				struct fim_line *line)
{
	const char *fault;

	if (read->err)
		return "it is not a JSON object";
	fault = head_fault(walk, &read->head, line);
	if (!fault && !walk->next) {
		walk_start(walk, line);
		fault = first_fault(walk);
	}
	if (!fault)
		fault = bound_fault(walk);
	return fault ? fault : seal_fault(walk, line);
}

static int walk_record(struct walk *walk, const char *name, const struct fim_read_line *read)
{
	struct fim_line line = {
		.text = read->text, .len = read->len - 1, .members = &read->members};
	const char *fault = record_fault(walk, read, &line);
	int err;

	if (fault)
		return walk_fail(walk, name, fault);
	err = walk->query->fn ? walk->query->fn(walk->query->ctx, &line) : 0;
	if (err == -EBADMSG)
		return walk_fail(walk, name, "it has a key twice or a number out of range");
	if (err)
		return err;
	fim_hex_encode(read->digest, sizeof(read->digest), walk->check.head);
	if (!strcmp(line.type, "journal"))
		note_removal(walk, &line);
	if (!walk->segment_first) {
		walk->segment_first = line.seq;
		walk->segment_ns = line.time_ns;
	}
	walk->check.records++;
	walk->check.last_ns = line.time_ns;
	walk->good_end += (off_t)read->len;
	walk->next = line.seq + 1;
	return 0;
}

/* ---------------------------------------------------------------- segment */

/* Takes over @fd. */
static int walk_fd(struct walk *walk, int fd, const char *name, bool gzip)
{
	const struct fim_read_line *line = NULL;
	struct fim_lines *lines = NULL;
	const char *rest;
	size_t len;
	int err;

	walk->good_end = 0;
	walk->segment_first = 0;
	walk->check.segments++;
	err = fim_lines_open(fd, gzip, &lines);
	if (err)
		return err;
	while ((err = fim_lines_next(lines, &line)) > 0) {
		err = walk_record(walk, name, line);
		if (err)
			goto out;
	}
	if (err == -EMSGSIZE)
		err = walk_fail(walk, name, "it is longer than any record may be");
	else if (err == -EBADMSG && !walk->check.first_bad)
		err = walk_fail(walk, name, "the segment is not the gzip that was written");
	else if (err && err != -EBADMSG)
		fim_log(LOG_ERR, "%s: cannot read: %s", name, strerror(-err));
	if (err)
		goto out;
	rest = fim_lines_rest(lines, &len);
	if (!len)
		goto out;
	if (walk->closed) {
		err = walk_fail(walk, name, "it is incomplete, and not the last one");
		goto out;
	}
	walk->check.torn = true;
	walk->rest = malloc(len);
	if (!walk->rest) {
		err = -ENOMEM;
		goto out;
	}
	memcpy(walk->rest, rest, len);
	walk->rest_len = len;
out:
	fim_lines_close(lines);
	return err;
}

/* A descriptor of a regular file, or -errno; -ENOENT is not reported. */
static int open_file(int dirfd, const char *file, const char *name)
{
	struct stat st;
	int err, fd;

	fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err = -errno;
		if (err != -ENOENT)
			fim_log(LOG_ERR, "%s: cannot open: %s", name, strerror(-err));
		return err;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	fim_log(LOG_ERR, "%s: not a regular file", name);
	return -EINVAL;
}

/* The closed segment that begins with @first; -ENOENT: there is none. */
static int walk_closed(struct walk *walk, int dirfd, const char *dir, uint64_t first)
{
	char file[FIM_SEGMENT_NAME_SIZE];
	char *name;
	int err = 0, fd = -ENOENT;
	bool gzip = false;

	/* Compressing replaces one by the other: the second look at the first name is for that. */
	for (int i = 0; i < 3 && fd == -ENOENT; i++) {
		gzip = i == 1;
		fim_segment_name(first, gzip, file);
		fd = open_file(dirfd, file, file);
	}
	if (fd < 0)
		return fd;
	if (asprintf(&name, "%s/%s", dir, file) < 0) {
		close(fd);
		return -ENOMEM;
	}
	walk->closed = true;
	err = walk_fd(walk, fd, name, gzip);
	if (!err && walk->segment_first != first && walk->segment_first)
		err = walk_bad(walk, name, first, "it is not the one that the file is named after");
	else if (!err && !walk->segment_first)
		err = walk_bad(walk, name, first, "a closed segment is empty");
	free(name);
	return err;
}

/* First record's number without moving @fd; 0: none yet, or it has no such beginning. */
static uint64_t peek_first(int fd)
{
	char head[64] = "";

	if (pread(fd, head, sizeof(head) - 1, 0) <= 0 || strncmp(head, "{\"seq\":", 7))
		return 0;
	return strtoull(head + 7, NULL, 10);
}

/*
 * The active segment, and those that a writer closed since we looked: what is behind
 * the name is decided by the number that it begins with.
 */
static int walk_active(struct walk *walk, int dirfd, const char *dir)
{
	char *name;
	int err, fd;

	if (asprintf(&name, "%s/%s", dir, FIM_JOURNAL_ACTIVE) < 0)
		return -ENOMEM;
	for (;;) {
		fd = open_file(dirfd, FIM_JOURNAL_ACTIVE, name);
		if (fd < 0 && fd != -ENOENT) {
			err = fd;
			break;
		}
		if (walk->next && (fd < 0 || peek_first(fd) != walk->next)) {
			err = walk_closed(walk, dirfd, dir, walk->next);
			if (!err) {
				if (fd >= 0)
					close(fd);
				continue;
			}
			if (err != -ENOENT) {
				if (fd >= 0)
					close(fd);
				break;
			}
		}
		if (fd < 0) {
			/* Between closing one segment and making the next. */
			err = walk->next ? 0 : -ENOENT;
			if (err && !walk->new)
				fim_log(LOG_ERR, "%s: cannot open: %s", name, strerror(-err));
			break;
		}
		walk->closed = false;
		err = walk_fd(walk, fd, name, false);
		break;
	}
	free(name);
	return err;
}

/* -------------------------------------------------------------- directory */

/* True if the active segment is not the first one. */
static bool active_is_later(int dirfd)
{
	int fd = open_file(dirfd, FIM_JOURNAL_ACTIVE, FIM_JOURNAL_ACTIVE);
	bool later = fd >= 0 && peek_first(fd) > 1;

	if (fd >= 0)
		close(fd);
	return later;
}

/* Where to begin: all of them, the last closed one, or the one that holds a record. */
static size_t first_segment(const struct walk *walk, int dirfd, const struct fim_segment *segments,
			    size_t count, bool only_last)
{
	uint64_t from = walk->query ? walk->query->from_seq : 0, active = 0;
	size_t first = 0;
	int fd;

	if (only_last)
		return count ? count - 1 : 0;
	if (!from)
		return 0;
	while (first + 1 < count && segments[first + 1].first <= from)
		first++;
	fd = open_file(dirfd, FIM_JOURNAL_ACTIVE, FIM_JOURNAL_ACTIVE);
	if (fd >= 0) {
		active = peek_first(fd);
		close(fd);
	}
	return active && active <= from ? count : first;
}

static int walk_dir(struct walk *walk, int dirfd, const char *dir, bool only_last)
{
	struct fim_segment *segments = NULL;
	size_t count = 0;
	int err = fim_segments_list(dirfd, &segments, &count);

	/* The first one may have been closed between the two looks. */
	if (!err && !count && active_is_later(dirfd)) {
		free(segments);
		segments = NULL;
		err = fim_segments_list(dirfd, &segments, &count);
	}
	for (size_t i = first_segment(walk, dirfd, segments, count, only_last); i < count && !err;
	     i++) {
		if (walk->next && segments[i].first != walk->next) {
			err = walk_fail(walk, dir, "it is missing: no segment begins with it");
			break;
		}
		err = walk_closed(walk, dirfd, dir, segments[i].first);
		/* Removed by retention while we looked: begin with what is left. */
		if (err == -ENOENT && !walk->next)
			err = 0;
		else if (err == -ENOENT)
			err = -EAGAIN;
	}
	free(segments);
	return err ? err : walk_active(walk, dirfd, dir);
}

/* A journal that does not begin with record 1 must say why. */
static int start_check(struct walk *walk, const char *dir)
{
	if (walk->check.first_seq < 2 || walk->start_declared)
		return 0;
	walk->check.records = 0;
	return walk_bad(walk, dir, 1, "it and those after it are missing, and no record says why");
}

/*
 * With the key: what was removed must have been as old as it should be kept, by the
 * hours of the seals, which nobody can backdate; and the end must be the end.
 */
static int removal_check(struct walk *walk, const char *dir)
{
	int64_t days = walk->query->retention_days ? walk->query->retention_days
						   : DEFAULT_RETENTION;
	int64_t oldest_ns;

	if (!walk->check.sealed || walk->check.first_seq < 2 ||
	    walk->check.first_seq <= walk->key.first)
		return 0;
	oldest_ns = walk->key.start_ns + (int64_t)walk->first_epoch * FIM_SEAL_EPOCH_NS;
	if (fim_time_now() - oldest_ns >= (days - DAYS_SLACK) * FIM_DAY_NS &&
	    walk->check.removed_ns - oldest_ns >= (days - DAYS_SLACK) * FIM_DAY_NS)
		return 0;
	return walk_bad(walk, dir, walk->check.first_seq - 1,
			"it was removed before the time that records are to be kept");
}

/* Before the lines: a writer may go on meanwhile, and then they are ahead of it. */
static void state_read(struct walk *walk, int dirfd)
{
	int fd = open_file(dirfd, FIM_SEAL_STATE_NAME, FIM_SEAL_STATE_NAME);

	walk->state_len = -1;
	if (fd < 0)
		return;
	walk->state_len = pread(fd, walk->state, sizeof(walk->state), 0);
	close(fd);
}

static int tail_check(struct walk *walk, const char *dir)
{
	uint64_t next = walk->next ? walk->next : 1;
	struct fim_seal state, ours;
	int err = 0;

	if (walk->state_len < 0)
		return walk_bad(walk, dir, next,
				FIM_SEAL_STATE_NAME " is missing: records may have been cut off "
						    "the end");
	if (fim_seal_unpack(walk->state, (size_t)walk->state_len, &state) ||
	    fim_seal_start(&walk->key, &ours))
		return walk_bad(walk, dir, next, FIM_SEAL_STATE_NAME " is damaged");
	/* Before the keys are followed there: who can write the state chooses how far. */
	if (state.next > next)
		err = walk_bad(walk, dir, next, "it is missing: records were cut off the end");
	else if (state.first != ours.first || state.start_ns != ours.start_ns ||
		 fim_seal_seek(&ours, state.next, state.epoch) ||
		 memcmp(ours.record_key, state.record_key, FIM_SHA256_SIZE) ||
		 memcmp(ours.epoch_key, state.epoch_key, FIM_SHA256_SIZE))
		err = walk_bad(walk, dir, next, FIM_SEAL_STATE_NAME " belongs to another key");
	fim_seal_clear(&state);
	fim_seal_clear(&ours);
	return err;
}

/* All that only a whole journal can be asked. */
static int whole_check(struct walk *walk, const char *dir)
{
	int err = walk->query->from_seq ? 0 : start_check(walk, dir);

	if (err || !walk->query->key)
		return err;
	if ((walk->next ? walk->next : 1) < walk->key.first)
		return walk_bad(walk, dir, walk->next ? walk->next : 1,
				"it is missing: the key was made later");
	err = removal_check(walk, dir);
	return err ? err : tail_check(walk, dir);
}

static int walk_open(struct walk *walk, const struct fim_journal_query *query)
{
	walk->query = query;
	memcpy(walk->check.head, FIM_JOURNAL_NO_DIGEST, sizeof(FIM_JOURNAL_NO_DIGEST));
	walk->hasher = fim_hasher_new();
	if (!walk->hasher)
		return -ENOMEM;
	if (!query->key)
		return 0;
	if (fim_seal_key_parse(query->key, &walk->key)) {
		fim_log(LOG_ERR, "this is no verification key: mistyped, or not whole");
		return -EKEYREJECTED;
	}
	walk->has_key = true;
	return fim_seal_start(&walk->key, &walk->seal);
}

static void walk_close(struct walk *walk)
{
	fim_hasher_free(walk->hasher);
	fim_seal_clear(&walk->seal);
	explicit_bzero(&walk->key, sizeof(walk->key));
	explicit_bzero(walk->state, sizeof(walk->state));
}

int fim_journal_verify(const struct fim_journal_query *query, struct fim_journal_check *check_ret)
{
	struct walk walk = {.next = 0};
	struct stat st;
	int fd = -1, err = walk_open(&walk, query);

	if (err)
		goto out;
	if (stat(query->path, &st) == 0 && S_ISDIR(st.st_mode)) {
		fd = open(query->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && query->key)
			state_read(&walk, fd);
		err = fd < 0 ? -errno : walk_dir(&walk, fd, query->path, false);
		if (!err)
			err = whole_check(&walk, query->path);
	} else {
		size_t len = strlen(query->path);
		int file = open_file(AT_FDCWD, query->path, query->path);

		if (file == -ENOENT)
			fim_log(LOG_ERR, "%s: cannot open: %s", query->path, strerror(ENOENT));
		err = file < 0 ? file
			       : walk_fd(&walk, file, query->path,
					 len > 3 && !strcmp(query->path + len - 3, ".gz"));
	}
	/* The verified part is an answer too: a report is made of it. */
	if (check_ret && (err == 0 || err == -EBADMSG))
		*check_ret = walk.check;
out:
	if (fd >= 0)
		close(fd);
	free(walk.rest);
	walk_close(&walk);
	return err;
}

/* ---------------------------------------------------------------- readers */

int fim_journal_scan(const char *path, int (*fn)(void *ctx, const struct fim_line *line), void *ctx,
		     struct fim_journal_check *check_ret)
{
	struct fim_journal_query query = {.path = path, .fn = fn, .ctx = ctx};

	return fim_journal_verify(&query, check_ret);
}

struct tree_reader {
	int (*fn)(void *ctx, const struct fim_json *record);
	void *ctx;
};

static int read_tree(void *ctx, const struct fim_line *line)
{
	const struct tree_reader *reader = ctx;
	struct fim_json *record;
	int err = fim_json_parse(line->text, line->len, NULL, &record);

	if (err)
		return err == -ENOMEM ? err : -EBADMSG;
	err = reader->fn ? reader->fn(reader->ctx, record) : 0;
	fim_json_free(record);
	return err;
}

int fim_journal_read(const char *path, int (*fn)(void *ctx, const struct fim_json *record),
		     void *ctx, struct fim_journal_check *check_ret)
{
	struct tree_reader reader = {.fn = fn, .ctx = ctx};

	return fim_journal_scan(path, read_tree, &reader, check_ret);
}

int fim_journal_read_end(const char *dir, struct fim_seal *seal, struct fim_journal_end *end_ret)
{
	struct fim_journal_query query = {.path = dir};
	struct walk walk = {.new = true};
	int fd = -1, err = walk_open(&walk, &query);

	if (err)
		goto out;
	if (seal) {
		walk.has_key = true;
		walk.seal = *seal;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : walk_dir(&walk, fd, dir, true);
	if (err == -ENOENT && !walk.check.segments)
		err = 0;
	/* Where more is there, `verify` and every reader judge the beginning. */
	if (!err && walk.check.segments < 2)
		err = start_check(&walk, dir);
	if (err)
		goto out;
	if (seal)
		*seal = walk.seal;
	end_ret->check = walk.check;
	end_ret->active_first = walk.closed ? 0 : walk.segment_first;
	end_ret->active_time_ns = walk.segment_ns;
	end_ret->good_end = walk.closed ? 0 : walk.good_end;
	end_ret->rest = walk.rest;
	end_ret->rest_len = walk.rest_len;
	walk.rest = NULL;
out:
	if (fd >= 0)
		close(fd);
	free(walk.rest);
	walk_close(&walk);
	return err;
}
