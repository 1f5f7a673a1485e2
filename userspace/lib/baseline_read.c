/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a baseline, or a delta to one.
 *
 * Nothing is trusted: the file is read once for its digest, which the signature is
 * checked against, and only then parsed. One of a usual size is kept in memory for that; a
 * larger one is read a second time, holding it to the same digest, so that its size does
 * not count against our memory. What is parsed is what was signed. The parser accepts exactly what the writer writes: known members, paths
 * in order, the trailer byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define SIGNATURE_MAX (64u << 10)
#define CHAIN_MAX     (256u << 10)
#define WHAT_SIZE     (FIM_PATH_MAX + 32)
#define WINDOW_SIZE   (256u << 10)
#define LINE_MAX_SIZE FIM_JSON_MAX_BYTES
/* Of some 70,000 objects; larger files are read twice. */
#define WHOLE_MAX (16u << 20)

/**
 * struct reader - a baseline being read
 * @path: name of the file, for messages
 * @is_delta: it is a delta
 * @facts: of the file
 * @offset: bytes read
 * @line: number of the line that @what names
 * @what: "FILE:LINE"
 * @hasher: over all bytes read; NULL: they are in memory, and @facts is of these
 * @last_package: text of the package named last
 * @ahead: reads the second half of the lines; NULL: nobody does
 * @place: where the path read last is
 * @root: root of the policy that it is below
 * @baseline: the result
 */
struct reader {
	const char *path;
	bool is_delta;
	struct fim_facts facts;
	uint64_t offset;
	size_t line;
	char what[WHAT_SIZE];
	struct fim_hasher *hasher;
	char *last_package;
	struct fim_ahead *ahead;
	struct fim_policy_place place;
	size_t root;
	struct fim_baseline *baseline;
};

static const char *what_of(struct reader *reader)
{
	snprintf(reader->what, sizeof(reader->what), "%s:%zu", reader->path, reader->line);
	return reader->what;
}

static int reject(struct reader *reader, const char *reason)
{
	fim_log(LOG_ERR, "%s: %s", what_of(reader), reason);
	return -EINVAL;
}

/**
 * struct members - which members an object may have
 * @reader: for messages
 * @allowed: NULL-terminated names
 */
struct members {
	struct reader *reader;
	const char *const *allowed;
};

/* A member that this version does not know may change what the others mean. */
static int member_known(void *ctx, const char *key, struct fim_json *value)
{
	const struct members *members = ctx;
	size_t i;

	(void)value;
	for (i = 0; members->allowed[i]; i++)
		if (!strcmp(members->allowed[i], key))
			return 0;
	fim_log(LOG_ERR, "%s: unknown member \"%s\"", what_of(members->reader), key);
	return -EINVAL;
}

static int members_check(struct reader *reader, const struct fim_json *json,
			 const char *const *allowed)
{
	struct members members = {.reader = reader, .allowed = allowed};

	if (!fim_json_is_object(json))
		return reject(reader, "not an object");
	return fim_json_each(json, member_known, &members);
}

/* ---- first line */

static bool is_time(const struct fim_json *header, const char *key)
{
	const char *text = fim_json_get_str(header, key);
	int64_t time_ns;

	return text && !fim_time_parse(text, &time_ns);
}

static bool is_digest(const struct fim_json *header, const char *key)
{
	const char *text = fim_json_get_str(header, key);

	return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int check_format(struct reader *reader, const struct fim_json *header,
			const char *const *allowed)
{
	const char *format = fim_json_get_str(header, "format");
	const char *hash = fim_json_get_str(header, "hash");
	int err;

	if (!format || strcmp(format, reader->is_delta ? FIM_DELTA_FORMAT : FIM_BASELINE_FORMAT))
		return reject(reader, reader->is_delta ? "not a delta" : "not a baseline");
	if (fim_json_get_int(header, "version", 0) != FIM_BASELINE_VERSION)
		return reject(reader, "a version of the format that this program does not know");
	err = members_check(reader, header, allowed);
	if (err)
		return err;
	if (!hash || strcmp(hash, "sha256"))
		return reject(reader, "\"hash\" is not sha256");
	if (!is_time(header, "created"))
		return reject(reader, "\"created\" is not a time");
	if (!fim_json_get_str(header, "tool"))
		return reject(reader, "\"tool\" is missing");
	return 0;
}

static int check_header(struct reader *reader, const struct fim_json *header)
{
	static const char *const allowed[] = {"format", "version",	 "created",    "tool",
					      "hash",	"expires",	 "root",       "root_hex",
					      "policy", "policy_digest", "provenance", "packages",
					      NULL};
	const char *root = fim_json_get_str(header, "root");
	int err;

	err = check_format(reader, header, allowed);
	if (err)
		return err;
	if (fim_json_get(header, "expires") && !is_time(header, "expires"))
		return reject(reader, "\"expires\" is not a time");
	if (root ? *root != '/' : !fim_json_get_str(header, "root_hex"))
		return reject(reader, "\"root\" is not an absolute path");
	if (!fim_json_is_object(fim_json_get(header, "provenance")))
		return reject(reader, "\"provenance\" is not an object");
	if (fim_json_get(header, "packages") &&
	    !fim_json_is_object(fim_json_get(header, "packages")))
		return reject(reader, "\"packages\" is not an object");
	return 0;
}

static int check_delta_header(struct reader *reader, const struct fim_json *header)
{
	static const char *const allowed[] = {"format", "version", "created", "tool",
					      "hash",	"kind",	   "base",    "previous",
					      "host",	"boot_id", "change",  NULL};
	const char *kind = fim_json_get_str(header, "kind");
	int err;

	err = check_format(reader, header, allowed);
	if (err)
		return err;
	if (!kind || (strcmp(kind, "enrollment") && strcmp(kind, "change")))
		return reject(reader, "\"kind\" is neither enrollment nor change");
	if (!is_digest(header, "base") || !is_digest(header, "previous"))
		return reject(reader, "\"base\" or \"previous\" is not 64 lower-case hex digits");
	if (!fim_json_is_object(fim_json_get(header, "change")))
		return reject(reader, "\"change\" is not an object");
	return 0;
}

static int read_header(struct reader *reader, const char *line, size_t len)
{
	struct fim_baseline *baseline = reader->baseline;
	const char *digest;
	int err;

	err = fim_json_parse(line, len, what_of(reader), &baseline->header);
	if (err)
		return err;
	if (reader->is_delta)
		return check_delta_header(reader, baseline->header);
	err = check_header(reader, baseline->header);
	if (!err)
		err = fim_policy_from_json(fim_json_get(baseline->header, "policy"),
					   what_of(reader), &baseline->policy);
	if (err)
		return err;
	digest = fim_json_get_str(baseline->header, "policy_digest");
	if (!digest || strcmp(digest, fim_policy_digest(baseline->policy)))
		return reject(reader, "\"policy_digest\" is not that of the policy");
	return 0;
}

/* ---- the lines between */

/* What the policy says must hold for the line: nothing outside it was ever measured. */
static int check_path(struct reader *reader, const char *path, const struct fim_rule **rule_ret)
{
	const struct fim_baseline *baseline = reader->baseline;
	const char *fault = fim_path_fault(path);
	int order;

	if (fault) {
		fim_log(LOG_ERR, "%s: path %s", what_of(reader), fault);
		return -EINVAL;
	}
	if (baseline->policy && !fim_policy_covers_next(baseline->policy, &reader->root, path))
		return reject(reader, "path is outside the roots of the policy");
	*rule_ret = baseline->policy
			    ? fim_policy_lookup_next(baseline->policy, &reader->place, path)
			    : NULL;
	if (*rule_ret && (*rule_ret)->cls == FIM_CLASS_EXCLUDED)
		return reject(reader, "path is excluded by the policy");
	if (!baseline->count)
		return 0;
	order = strcmp(baseline->entries[baseline->count - 1].path, path);
	if (!order)
		return reject(reader, "path is there twice");
	if (order > 0)
		return reject(reader, "path is out of order");
	return 0;
}

static int check_entry(struct reader *reader, const struct fim_entry *entry)
{
	const struct fim_rule *rule;
	int err;

	err = check_path(reader, entry->path, &rule);
	if (err)
		return err;
	if (entry->state.type == FIM_TYPE_NONE && !reader->is_delta)
		return reject(reader, "type \"none\" in a baseline");
	if (entry->state.type == FIM_TYPE_FILE && !entry->state.has_digest && rule &&
	    fim_class_mask(rule->cls) & FIM_DIFF_DIGEST & ~entry->state.unknown)
		return reject(reader, "\"sha256\" is missing");
	if (entry->link && (entry->state.type != FIM_TYPE_FILE || fim_path_fault(entry->link)))
		return reject(reader, "\"link\" is not a path, or not of a file");
	return 0;
}

static int get_path(struct reader *reader, const struct fim_json *json, const char *key,
		    char **path_ret)
{
	char message[64];
	char *path = NULL;
	size_t len;
	int err;

	err = fim_json_get_bytes(json, key, &path, &len);
	if (err == -ENOMEM)
		return err;
	if (err) {
		snprintf(message, sizeof(message), "\"%s\" is missing, not a string or not hex",
			 key);
		return reject(reader, message);
	}
	if (strlen(path) != len) {
		free(path);
		return reject(reader, "path has a NUL");
	}
	*path_ret = path;
	return 0;
}

static int get_text(struct reader *reader, const struct fim_json *json, const char *key,
		    char **text_ret)
{
	const struct fim_json *member = fim_json_get(json, key);
	char message[64];

	if (!member)
		return 0;
	if (!fim_json_str(member)) {
		snprintf(message, sizeof(message), "\"%s\" is not a string", key);
		return reject(reader, message);
	}
	*text_ret = strdup(fim_json_str(member));
	return *text_ret ? 0 : -ENOMEM;
}

static int get_origin(struct reader *reader, const struct fim_json *json,
		      enum fim_origin *origin_ret)
{
	const struct fim_json *member = fim_json_get(json, "origin");
	const char *text = fim_json_str(member);
	enum fim_origin origin;

	if (!member)
		return 0;
	for (origin = FIM_ORIGIN_PACKAGED; origin <= FIM_ORIGIN_UNPACKAGED; origin++)
		if (text && !strcmp(text, fim_origin_name(origin))) {
			*origin_ret = origin;
			return 0;
		}
	return reject(reader, "\"origin\" is unknown");
}

/* All that @entry points to is malloc'ed and @entry's, on failure too. */
static int entry_from_json(struct reader *reader, const struct fim_json *json,
			   struct fim_entry *entry)
{
	int err;

	err = get_path(reader, json, "path", &entry->path);
	if (!err)
		err = fim_state_from_json(json, what_of(reader), &entry->state);
	if (!err && (fim_json_get(json, "link") || fim_json_get(json, "link_hex")))
		err = get_path(reader, json, "link", &entry->link);
	if (!err)
		err = get_text(reader, json, "package", &entry->package);
	if (!err)
		err = get_text(reader, json, "why", &entry->why);
	if (!err)
		err = get_origin(reader, json, &entry->origin);
	return err;
}

static void entry_clear(struct fim_entry *entry)
{
	free(entry->path);
	free(entry->link);
	free(entry->package);
	free(entry->why);
	fim_state_clear(&entry->state);
}

static int read_slowly(struct reader *reader, const char *line, size_t len,
		       struct fim_entry *entry_ret)
{
	static const char *const allowed[] = {"path",	  "path_hex",	"type",	   "mode",
					      "uid",	  "gid",	"size",	   "sha256",
					      "nlink",	  "target",	"verity",  "flags",
					      "xattrs",	  "target_hex", "rdev",	   "link",
					      "link_hex", "origin",	"package", "unknown",
					      NULL,	  NULL};
	static const char *const delta_allowed[] = {"path",	"path_hex",   "type",	 "mode",
						    "uid",	"gid",	      "size",	 "sha256",
						    "nlink",	"target",     "verity",	 "flags",
						    "xattrs",	"target_hex", "rdev",	 "link",
						    "link_hex", "origin",     "package", "unknown",
						    "why",	NULL};
	struct fim_entry entry = {0};
	struct fim_json *json = NULL;
	int err;

	err = fim_json_parse(line, len, what_of(reader), &json);
	if (err)
		return err;
	err = members_check(reader, json, reader->is_delta ? delta_allowed : allowed);
	if (!err)
		err = entry_from_json(reader, json, &entry);
	if (!err)
		err = fim_arena_entry(&reader->baseline->arena, &entry, entry_ret);
	fim_json_free(json);
	entry_clear(&entry);
	return err;
}

static int read_object(struct reader *reader, const char *line, size_t len)
{
	struct fim_baseline *baseline = reader->baseline;
	struct fim_entry *entry = &baseline->entries[baseline->count];
	int err = 0;

	if (memchr(line, '\0', len))
		return reject(reader, "not text: there is a NUL in it");
	if (reader->ahead && entry == fim_ahead_first(reader->ahead)) {
		fim_ahead_end(reader->ahead, &baseline->arena);
		reader->ahead = NULL;
	}
	if (!entry->path &&
	    !fim_baseline_line(line, len, &baseline->arena, &reader->last_package, entry))
		err = read_slowly(reader, line, len, entry);
	if (!err)
		err = check_entry(reader, entry);
	baseline->count += !err;
	return err;
}

/* ---- last line */

/* Compared as bytes: there is one way to write a trailer. */
static int check_trailer(struct reader *reader, const char *line, size_t len)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], expected[FIM_TRAILER_SIZE], count[32] = "";
	int err, expected_len;

	err = reader->hasher ? fim_hasher_peek(reader->hasher, digest) : 0;
	if (err)
		return err;
	fim_hex_encode(reader->hasher ? digest : reader->facts.above, sizeof(digest), hex);
	expected_len = snprintf(expected, sizeof(expected), FIM_TRAILER_PATTERN,
				reader->baseline->count, hex);
	if ((size_t)expected_len == len && !memcmp(expected, line, len))
		return 0;
	if (len < 9 || memcmp(line, "{\"count\":", 9))
		return reject(reader,
			      "the last line is not a trailer: the baseline is not complete");
	memcpy(count, line + 9, len - 9 < sizeof(count) - 1 ? len - 9 : sizeof(count) - 1);
	if (strtoul(count, NULL, 10) != reader->baseline->count)
		return reject(reader, "the count in the trailer is not the number of objects");
	return reject(reader, "the root digest is not that of the lines above: they were changed");
}

/* ---- all of it */

static int read_line(struct reader *reader, const char *line, size_t len)
{
	reader->line++;
	if (reader->line == 1)
		return read_header(reader, line, len);
	if (reader->line < reader->facts.lines)
		return read_object(reader, line, len);
	return check_trailer(reader, line, len);
}

static int hash(struct reader *reader, const char *bytes, size_t len)
{
	return reader->hasher ? fim_hasher_update(reader->hasher, bytes, len) : 0;
}

/* The whole lines that @bytes begin with; how many bytes they were is in @used_ret. */
static int read_window(struct reader *reader, const char *bytes, size_t len, size_t *used_ret)
{
	const char *end = bytes + len, *line = bytes, *hashed = bytes, *newline;
	int err = 0;

	while (!err && line < end && (newline = memchr(line, '\n', (size_t)(end - line)))) {
		/* More lines than there were: the file is another one by now. */
		if (reader->line >= reader->facts.lines)
			return -EAGAIN;
		if (reader->line + 1 == reader->facts.lines) {
			err = hash(reader, hashed, (size_t)(line - hashed));
			hashed = line;
		}
		if (!err)
			err = read_line(reader, line, (size_t)(newline - line));
		line = newline + 1;
	}
	if (!err)
		err = hash(reader, hashed, (size_t)(line - hashed));
	*used_ret = (size_t)(line - bytes);
	return err;
}

static int check_facts(struct reader *reader)
{
	reader->line = 1;
	if (!reader->facts.size)
		return reject(reader, "the baseline is empty");
	reader->line = reader->facts.lines + 1;
	if (reader->facts.last != '\n')
		return reject(reader, "the last line is not complete");
	reader->line = 0;
	return 0;
}

/* @entries: zeroes, taken over; NULL: they are made here */
static int reader_open(struct reader *reader, struct fim_entry *entries)
{
	int err = check_facts(reader);

	if (!err)
		reader->baseline = calloc(1, sizeof(*reader->baseline));
	if (!reader->baseline) {
		free(entries);
		return err ? err : -ENOMEM;
	}
	/* More than there can be: header and trailer are lines too. */
	reader->baseline->entries = entries ? entries : fim_entries_new(reader->facts.lines);
	return reader->baseline->entries ? 0 : -ENOMEM;
}

/* @err: so far. What was parsed must be what was signed. */
static int reader_close(struct reader *reader, int err, struct fim_baseline **baseline_ret)
{
	unsigned char digest[FIM_SHA256_SIZE];

	if (!err && reader->facts.lines < 2) {
		reader->line = 2;
		err = reject(reader, "there is no trailer: the baseline is not complete");
	}
	if (!err && reader->hasher) {
		err = fim_hasher_final(reader->hasher, digest);
		if (!err && memcmp(digest, reader->facts.digest, sizeof(digest)) != 0)
			err = -EAGAIN;
	}
	if (!err && reader->line != reader->facts.lines)
		err = -EAGAIN;
	if (err == -EAGAIN) {
		fim_log(LOG_ERR, "%s: changed while it was being read", reader->path);
		err = -EINVAL;
	}
	fim_hasher_free(reader->hasher);
	if (err) {
		fim_baseline_free(reader->baseline);
		return err;
	}
	fim_hex_encode(reader->facts.digest, sizeof(digest), reader->baseline->digest);
	memcpy(reader->baseline->head, reader->baseline->digest, sizeof(reader->baseline->head));
	*baseline_ret = reader->baseline;
	return 0;
}

static void add_facts(struct fim_facts *facts, const char *bytes, size_t len)
{
	if (!len)
		return;
	facts->size += len;
	facts->last = bytes[len - 1];
	facts->lines += fim_lines_count(bytes, len);
}

static int bytes_parse(const char *bytes, const char *path, bool is_delta,
		       const struct fim_facts *facts, struct fim_entry *entries,
		       struct fim_baseline **baseline_ret)
{
	struct reader reader = {.path = path, .is_delta = is_delta, .facts = *facts};
	size_t len = facts->size, used;
	int err = reader_open(&reader, entries);

	if (!err)
		reader.ahead = fim_ahead_start(bytes, len, reader.baseline->entries);
	if (!err)
		err = read_window(&reader, bytes, len, &used);
	if (reader.baseline)
		fim_ahead_end(reader.ahead, &reader.baseline->arena);
	return reader_close(&reader, err, baseline_ret);
}

static int parse(const char *bytes, size_t len, const char *path, bool is_delta,
		 struct fim_baseline **baseline_ret)
{
	struct fim_facts facts;
	int err = fim_facts_of(bytes, len, &facts);

	return err ? err : bytes_parse(bytes, path, is_delta, &facts, NULL, baseline_ret);
}

int fim_baseline_parse(const char *bytes, size_t len, const char *path,
		       struct fim_baseline **baseline_ret)
{
	return parse(bytes, len, path, false, baseline_ret);
}

int fim_delta_parse(const char *bytes, size_t len, const char *path,
		    struct fim_baseline **delta_ret)
{
	return parse(bytes, len, path, true, delta_ret);
}

/* ---- from a file */

static int file_open(const char *path, int *fd_ret, uint64_t *size_ret)
{
	int fd, err = 0;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > (off_t)FIM_BASELINE_MAX)
		err = -EFBIG;
	if (!err) {
		*fd_ret = fd;
		*size_ret = (uint64_t)st.st_size;
		return 0;
	}
	fim_log(LOG_ERR, "%s: cannot read: %s", path,
		err == -EINVAL ? "not a regular file" : strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

static int file_facts(int fd, struct fim_facts *facts_ret)
{
	struct fim_hasher *hasher = fim_hasher_new();
	char *window = malloc(WINDOW_SIZE);
	struct fim_facts facts = {0};
	ssize_t n = 1;
	int err = hasher && window ? 0 : -ENOMEM;

	while (!err && n) {
		n = fim_read_some(fd, window, WINDOW_SIZE);
		if (n < 0) {
			err = (int)n;
			break;
		}
		add_facts(&facts, window, (size_t)n);
		err = facts.size > FIM_BASELINE_MAX ? -EFBIG
						    : fim_hasher_update(hasher, window, (size_t)n);
	}
	if (!err)
		err = fim_hasher_final(hasher, facts.digest);
	if (!err)
		*facts_ret = facts;
	free(window);
	fim_hasher_free(hasher);
	return err;
}

/* Whole lines are taken out of a window; the rest of the last one moves to its beginning. */
static int file_lines(struct reader *reader, int fd)
{
	size_t room = WINDOW_SIZE, len = 0, used = 0;
	char *window = malloc(room), *larger;
	ssize_t n = 1;
	int err = window ? 0 : -ENOMEM;

	while (!err && n) {
		if (len == room) {
			if (room >= LINE_MAX_SIZE) {
				reader->line++;
				err = reject(reader, "line is too long");
				break;
			}
			larger = realloc(window, 2 * room);
			if (!larger) {
				err = -ENOMEM;
				break;
			}
			window = larger;
			room *= 2;
		}
		n = fim_read_some(fd, window + len, room - len);
		if (n < 0) {
			err = (int)n;
			break;
		}
		len += (size_t)n;
		err = read_window(reader, window, len, &used);
		len -= used;
		memmove(window, window + used, len);
	}
	free(window);
	return err;
}

static int file_parse(int fd, const char *path, bool is_delta, const struct fim_facts *facts,
		      struct fim_baseline **baseline_ret)
{
	struct reader reader = {.path = path, .is_delta = is_delta, .facts = *facts};
	int err;

	reader.hasher = fim_hasher_new();
	err = reader.hasher ? reader_open(&reader, NULL) : -ENOMEM;
	if (!err)
		err = file_lines(&reader, fd);
	return reader_close(&reader, err, baseline_ret);
}

/* ---- with its signature */

static int load_file(void *ctx, char **bytes_ret, size_t *len_ret)
{
	return fim_file_read(ctx, FIM_BASELINE_MAX, bytes_ret, len_ret);
}

int fim_signature_check_digest(const char *path, const char *signature_path,
			       const char *const *key_paths,
			       const unsigned char digest[FIM_SHA256_SIZE],
			       char key_id_ret[FIM_KEY_ID_SIZE])
{
	static const char *const no_keys[] = {NULL};
	struct fim_signed what = {.load = load_file, .load_ctx = (void *)path};
	char *signature = NULL, *chain = NULL, *chain_path = NULL;
	size_t len, chain_len;
	int err;

	if (!signature_path) {
		fim_log(LOG_ERR, "%s: no signature was given to check", path);
		return -EKEYREJECTED;
	}
	err = fim_file_read(signature_path, SIGNATURE_MAX, &signature, &len);
	if (err)
		return err;
	if (asprintf(&chain_path, "%s.chain.pem", signature_path) < 0) {
		free(signature);
		return -ENOMEM;
	}
	/* Certificates are optional: most signatures are by a key that is trusted itself. */
	if (!access(chain_path, F_OK))
		err = fim_file_read(chain_path, CHAIN_MAX, &chain, &chain_len);
	memcpy(what.digest, digest, FIM_SHA256_SIZE);
	what.signature = (unsigned char *)signature;
	what.signature_len = len;
	what.chain = chain;
	what.chain_len = chain ? chain_len : 0;
	if (!err)
		err = fim_signed_check(key_paths ? key_paths : no_keys, &what, key_id_ret, NULL);
	if (err == -ENOKEY)
		fim_log(LOG_ERR, "%s: no trusted key to check signature %s with", path,
			signature_path);
	else if (err == -EKEYREJECTED)
		fim_log(LOG_ERR,
			"%s: signature %s is not valid: the file or its signature was changed, or the key that signed is not trusted",
			path, signature_path);
	free(chain_path);
	free(chain);
	free(signature);
	return err;
}

/*
 * Of a file that nobody trusted has signed no line is parsed; but whether it is what
 * its last line says tells a damaged file from one that another key signed.
 */
static void explain_rejection(const char *path, int fd, const struct fim_facts *facts)
{
	char tail[FIM_TRAILER_SIZE], *window = malloc(WINDOW_SIZE), *line = tail, *newline;
	struct fim_hasher *hasher = fim_hasher_new();
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE] = "";
	uint64_t left;
	size_t len;
	ssize_t n;

	len = facts->size < sizeof(tail) - 1 ? facts->size : sizeof(tail) - 1;
	if (!window || !hasher ||
	    pread(fd, tail, len, (off_t)(facts->size - len)) != (ssize_t)len || len < 2)
		goto out;
	tail[len] = '\0';
	newline = memrchr(tail, '\n', len - 1);
	line = newline ? newline + 1 : tail;
	left = facts->size - (size_t)(tail + len - line);
	for (; left; left -= (uint64_t)n) {
		n = fim_read_some(fd, window, left < WINDOW_SIZE ? left : WINDOW_SIZE);
		if (n <= 0 || fim_hasher_update(hasher, window, (size_t)n))
			goto out;
	}
	if (fim_hasher_final(hasher, digest))
		goto out;
	fim_hex_encode(digest, sizeof(digest), hex);
	if (facts->last != '\n')
		fim_log(LOG_ERR, "%s:%zu: the last line is not complete: the file was cut off",
			path, facts->lines + 1);
	else if (!strstr(line, hex))
		fim_log(LOG_ERR,
			"%s:%zu: the root digest is not that of the lines above: the file was changed after it was written",
			path, facts->lines);
	else
		fim_log(LOG_ERR,
			"%s:%zu: the root digest is that of the lines above: the file is whole, and not what this signature was made for",
			path, facts->lines);
out:
	fim_hasher_free(hasher);
	free(window);
}

static int check_expiry(const struct fim_baseline *baseline, const char *path)
{
	const char *expires = fim_json_get_str(baseline->header, "expires");
	int64_t time_ns;

	if (!expires || fim_time_parse(expires, &time_ns) || fim_time_now() < time_ns)
		return 0;
	fim_log(LOG_ERR, "%s: expired at %s: take and sign a new baseline", path, expires);
	return -EKEYEXPIRED;
}

static int open_any(const char *path, const char *signature_path, const char *const *key_paths,
		    bool is_delta, struct fim_baseline **baseline_ret)
{
	struct fim_baseline *baseline = NULL;
	char key_id[FIM_KEY_ID_SIZE] = "";
	bool check = signature_path || key_paths;
	struct fim_entry *entries = NULL;
	char *bytes = NULL;
	struct fim_facts facts;
	uint64_t size;
	int fd, err;

	err = file_open(path, &fd, &size);
	if (err)
		return err;
	err = size <= WHOLE_MAX ? fim_facts_load(fd, (size_t)size, &bytes, &entries, &facts)
				: file_facts(fd, &facts);
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	if (err)
		fim_log(LOG_ERR, "%s: %s", path,
			err == -EAGAIN ? "changed while it was being read" : strerror(-err));
	if (!err && check)
		err = fim_signature_check_digest(path, signature_path, key_paths, facts.digest,
						 key_id);
	if (err == -EKEYREJECTED)
		explain_rejection(path, fd, &facts);
	if (err)
		free(entries);
	else
		err = bytes ? bytes_parse(bytes, path, is_delta, &facts, entries, &baseline)
			    : file_parse(fd, path, is_delta, &facts, &baseline);
	if (!err && check)
		err = check_expiry(baseline, path);
	free(bytes);
	close(fd);
	if (err) {
		fim_baseline_free(baseline);
		return err == -EAGAIN ? -EINVAL : err;
	}
	memcpy(baseline->key_id, key_id, sizeof(key_id));
	*baseline_ret = baseline;
	return 0;
}

int fim_baseline_open(const char *path, const char *signature_path, const char *const *key_paths,
		      struct fim_baseline **baseline_ret)
{
	return open_any(path, signature_path, key_paths, false, baseline_ret);
}

int fim_delta_open(const char *path, const char *signature_path, const char *const *key_paths,
		   struct fim_baseline **delta_ret)
{
	return open_any(path, signature_path, key_paths, true, delta_ret);
}

int fim_file_digest(const char *path, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	struct fim_facts facts;
	uint64_t size;
	int fd, err;

	err = file_open(path, &fd, &size);
	if (err)
		return err;
	err = file_facts(fd, &facts);
	if (err)
		fim_log(LOG_ERR, "%s: cannot read: %s", path, strerror(-err));
	else
		memcpy(digest_ret, facts.digest, sizeof(facts.digest));
	close(fd);
	return err;
}

void fim_baseline_free(struct fim_baseline *baseline)
{
	if (!baseline)
		return;
	free(baseline->entries);
	for (size_t i = 0; i < baseline->delta_count; i++)
		fim_json_free(baseline->deltas[i].entries);
	free(baseline->deltas);
	fim_arena_free(&baseline->arena);
	fim_policy_free(baseline->policy);
	fim_json_free(baseline->header);
	free(baseline);
}
