/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline file: taking it, reading it, looking things up in it. The format is
 * in userspace/README.md.
 *
 * Reading trusts nothing: the signature is checked over the bytes in memory before
 * the first of them is parsed, and the parser accepts exactly what the writer
 * writes: known members, paths in order, the trailer byte for byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib_private.h"

#define FORMAT		"ecs-fim-baseline"
#define FORMAT_VERSION	1
#define BASELINE_MAX	(1u << 30)
#define SIGNATURE_MAX	(64u << 10)
#define WHAT_SIZE	(FIM_PATH_MAX + 32)
#define PROGRESS_EVERY	64
#define BASELINE_MODE	0644
#define TRAILER_PATTERN "{\"count\":%zu,\"root_digest\":\"%s\"}"
#define TRAILER_SIZE	128

struct fim_baseline {
	struct fim_policy *policy;
	struct fim_json *header;
	struct fim_entry *entries;
	size_t count;
	char digest[FIM_SHA256_HEX_SIZE];
	char key_id[FIM_KEY_ID_SIZE];
};

/* ---- taking */

/**
 * struct writer - a baseline being taken
 * @params: what was asked for
 * @stage: the file
 * @hasher: over all bytes so far
 * @packages: who owns what
 * @count: objects written
 * @done: progress
 * @err: first object that could not be measured; the rest is still looked at, so
 *	that one run names them all
 */
struct writer {
	const struct fim_baseline_params *params;
	struct fim_stage *stage;
	struct fim_hasher *hasher;
	struct fim_packages *packages;
	size_t count;
	struct fim_progress done;
	int err;
};

static int write_line(struct writer *writer, const struct fim_json *json)
{
	char *line = NULL;
	size_t len;
	int err;

	err = fim_json_dump(json, &line, &len);
	if (err)
		return err;
	line[len] = '\n'; /* in place of the NUL */
	err = fim_hasher_update(writer->hasher, line, len + 1);
	if (!err)
		err = fim_stage_write(writer->stage, line, len + 1);
	free(line);
	return err;
}

static int write_header(struct writer *writer)
{
	const struct fim_baseline_params *params = writer->params;
	struct fim_json *header = fim_json_object();
	char created[FIM_TIME_SIZE], root[PATH_MAX];
	int err;

	fim_time_format(fim_time_now(), created);
	fim_json_set_str(header, "format", FORMAT);
	fim_json_set_int(header, "version", FORMAT_VERSION);
	fim_json_set_str(header, "created", created);
	fim_json_set_str(header, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(header, "hash", "sha256");
	fim_json_set_path(header, "root", realpath(params->root, root) ? root : params->root);
	fim_json_set(header, "policy", fim_policy_to_json(params->policy));
	fim_json_set_str(header, "policy_digest", fim_policy_digest(params->policy));
	fim_json_set(header, "provenance",
		     params->provenance ? fim_json_ref(params->provenance) : fim_json_object());
	err = write_line(writer, header);
	fim_json_free(header);
	return err;
}

static int write_trailer(struct writer *writer)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], trailer[TRAILER_SIZE];
	int err, len;

	err = fim_hasher_final(writer->hasher, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), hex);
	len = snprintf(trailer, sizeof(trailer), TRAILER_PATTERN "\n", writer->count, hex);
	return fim_stage_write(writer->stage, trailer, (size_t)len);
}

static void report_progress(struct writer *writer, const struct fim_state *state)
{
	writer->done.files++;
	if (state->has_digest)
		writer->done.bytes += state->size;
	if (writer->params->progress && writer->done.files % PROGRESS_EVERY == 0)
		writer->params->progress(writer->params->progress_ctx, &writer->done);
}

static bool is_root(const struct fim_policy *policy, const char *path)
{
	size_t i;

	for (i = 0; i < fim_policy_root_count(policy); i++)
		if (!strcmp(fim_policy_root(policy, i), path))
			return true;
	return false;
}

static int write_object(void *ctx, const struct fim_pool_result *result)
{
	struct writer *writer = ctx;
	struct fim_json *json;
	int err;

	if (result->err) {
		fim_log(LOG_ERR, "%s: cannot be measured: %s", result->path,
			strerror(-result->err));
		writer->err = writer->err ? writer->err : result->err;
		return fim_errno_is_ours(result->err) ? result->err : 0;
	}
	if (result->state.type == FIM_TYPE_NONE) {
		if (is_root(writer->params->policy, result->path))
			fim_log(LOG_WARNING,
				"%s: root of the policy is not there, or lies below a symbolic link",
				result->path);
		return 0;
	}
	json = fim_json_object();
	fim_json_set_path(json, "path", result->path);
	fim_state_to_json(&result->state, json);
	fim_json_set_str(json, "package", fim_packages_owner(writer->packages, result->path));
	err = write_line(writer, json);
	fim_json_free(json);
	writer->count++;
	report_progress(writer, &result->state);
	return err;
}

static int write_baseline(struct writer *writer, int root_fd)
{
	int err;

	err = fim_packages_load(root_fd, writer->params->policy, &writer->packages);
	if (!err)
		err = write_header(writer);
	if (!err)
		err = fim_walk(root_fd, writer->params->policy, write_object, writer);
	if (!err && writer->err) {
		fim_log(LOG_ERR, "no baseline was written: it would not be complete");
		err = writer->err;
	}
	if (!err)
		err = write_trailer(writer);
	if (!err)
		err = fim_stage_commit(writer->stage, BASELINE_MODE);
	return err;
}

int fim_open_root(const char *root)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		fd = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", root, strerror(-fd));
	}
	return fd;
}

int fim_baseline_create(const struct fim_baseline_params *params, const char *output,
			struct fim_progress *done_ret)
{
	struct writer writer = {.params = params};
	int root_fd, err;

	root_fd = fim_open_root(params->root);
	if (root_fd < 0)
		return root_fd;
	writer.hasher = fim_hasher_new();
	err = writer.hasher ? 0 : -ENOMEM;
	if (!err)
		err = fim_stage_open(output, &writer.stage);
	if (!err)
		err = write_baseline(&writer, root_fd);
	if (!err && done_ret)
		*done_ret = writer.done;
	fim_packages_free(writer.packages);
	fim_stage_free(writer.stage);
	fim_hasher_free(writer.hasher);
	close(root_fd);
	return err;
}

/* ---- reading */

/**
 * struct reader - a baseline being read
 * @path: name of the file, for messages
 * @bytes: the file
 * @len: its length
 * @line: number of the line that @what names
 * @what: "FILE:LINE"
 * @baseline: the result
 */
struct reader {
	const char *path;
	const char *bytes;
	size_t len;
	size_t line;
	char what[WHAT_SIZE];
	struct fim_baseline *baseline;
};

static int reject(const struct reader *reader, const char *reason)
{
	fim_log(LOG_ERR, "%s: %s", reader->what, reason);
	return -EINVAL;
}

static void set_line(struct reader *reader, size_t line)
{
	reader->line = line;
	snprintf(reader->what, sizeof(reader->what), "%s:%zu", reader->path, line);
}

/**
 * struct members - which members an object may have
 * @reader: for messages
 * @allowed: NULL-terminated names
 */
struct members {
	const struct reader *reader;
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
	fim_log(LOG_ERR, "%s: unknown member \"%s\"", members->reader->what, key);
	return -EINVAL;
}

static int members_check(const struct reader *reader, const struct fim_json *json,
			 const char *const *allowed)
{
	struct members members = {.reader = reader, .allowed = allowed};

	if (!fim_json_is_object(json))
		return reject(reader, "not an object");
	return fim_json_each(json, member_known, &members);
}

static int check_header(const struct reader *reader, const struct fim_json *header)
{
	static const char *const allowed[] = {"format",	       "version",    "created", "tool",
					      "hash",	       "root",	     "policy",	"root_hex",
					      "policy_digest", "provenance", NULL};
	const char *format = fim_json_get_str(header, "format");
	const char *hash = fim_json_get_str(header, "hash");
	const char *created = fim_json_get_str(header, "created");
	const char *root = fim_json_get_str(header, "root");
	int64_t time_ns;
	int err;

	if (!format || strcmp(format, FORMAT))
		return reject(reader, "not a baseline");
	if (fim_json_get_int(header, "version", 0) != FORMAT_VERSION)
		return reject(reader, "a version of the format that this program does not know");
	err = members_check(reader, header, allowed);
	if (err)
		return err;
	if (!hash || strcmp(hash, "sha256"))
		return reject(reader, "\"hash\" is not sha256");
	if (!created || fim_time_parse(created, &time_ns))
		return reject(reader, "\"created\" is not a time");
	if (!fim_json_get_str(header, "tool"))
		return reject(reader, "\"tool\" is missing");
	if (root ? *root != '/' : !fim_json_get_str(header, "root_hex"))
		return reject(reader, "\"root\" is not an absolute path");
	if (!fim_json_is_object(fim_json_get(header, "provenance")))
		return reject(reader, "\"provenance\" is not an object");
	return 0;
}

static int read_header(struct reader *reader, const char *line, size_t len)
{
	struct fim_baseline *baseline = reader->baseline;
	const char *digest;
	int err;

	err = fim_json_parse(line, len, reader->what, &baseline->header);
	if (!err)
		err = check_header(reader, baseline->header);
	if (!err)
		err = fim_policy_from_json(fim_json_get(baseline->header, "policy"), reader->what,
					   &baseline->policy);
	if (err)
		return err;
	digest = fim_json_get_str(baseline->header, "policy_digest");
	if (!digest || strcmp(digest, fim_policy_digest(baseline->policy)))
		return reject(reader, "\"policy_digest\" is not that of the policy");
	return 0;
}

/* What the policy says must hold for the line: nothing outside it was ever measured. */
static int check_path(const struct reader *reader, const char *path)
{
	const struct fim_baseline *baseline = reader->baseline;
	const char *fault = fim_path_fault(path);
	int order;

	if (fault) {
		fim_log(LOG_ERR, "%s: path %s", reader->what, fault);
		return -EINVAL;
	}
	if (!fim_policy_covers(baseline->policy, path))
		return reject(reader, "path is outside the roots of the policy");
	if (fim_policy_lookup(baseline->policy, path)->cls == FIM_CLASS_EXCLUDED)
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

static int read_path(const struct reader *reader, const struct fim_json *json, char **path_ret)
{
	char *path = NULL;
	size_t len;
	int err;

	err = fim_json_get_bytes(json, "path", &path, &len);
	if (err == -ENOENT || err == -EINVAL)
		return reject(reader, "\"path\" is missing, not a string or not hex");
	if (err)
		return err;
	err = strlen(path) == len ? check_path(reader, path) : reject(reader, "path has a NUL");
	if (err)
		free(path);
	else
		*path_ret = path;
	return err;
}

static int read_entry(const struct reader *reader, const struct fim_json *json,
		      struct fim_entry *entry)
{
	const struct fim_json *package = fim_json_get(json, "package");
	const struct fim_rule *rule;
	int err;

	err = read_path(reader, json, &entry->path);
	if (!err)
		err = fim_state_from_json(json, reader->what, &entry->state);
	if (err)
		return err;
	rule = fim_policy_lookup(reader->baseline->policy, entry->path);
	if (entry->state.type == FIM_TYPE_NONE)
		return reject(reader, "type \"none\" in a baseline");
	if (entry->state.type == FIM_TYPE_FILE && !entry->state.has_digest &&
	    fim_class_mask(rule->cls) & FIM_DIFF_DIGEST)
		return reject(reader, "\"sha256\" is missing");
	if (!package)
		return 0;
	if (!fim_json_str(package))
		return reject(reader, "\"package\" is not a string");
	entry->package = strdup(fim_json_str(package));
	return entry->package ? 0 : -ENOMEM;
}

static void entry_clear(struct fim_entry *entry)
{
	free(entry->path);
	free(entry->package);
	fim_state_clear(&entry->state);
}

static int read_object(struct reader *reader, const char *line, size_t len)
{
	static const char *const allowed[] = {"path",  "path_hex", "type",	 "mode",
					      "uid",   "gid",	   "size",	 "sha256",
					      "nlink", "target",   "target_hex", "rdev",
					      "flags", "xattrs",   "package",	 NULL};
	struct fim_baseline *baseline = reader->baseline;
	struct fim_entry entry = {0};
	struct fim_json *json = NULL;
	int err;

	err = fim_json_parse(line, len, reader->what, &json);
	if (err)
		return err;
	err = members_check(reader, json, allowed);
	if (!err)
		err = read_entry(reader, json, &entry);
	fim_json_free(json);
	if (err)
		entry_clear(&entry);
	else
		baseline->entries[baseline->count++] = entry;
	return err;
}

/* Compared as bytes: there is one way to write a trailer. */
static int check_trailer(struct reader *reader, const char *line, size_t len)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], expected[TRAILER_SIZE];
	int err, expected_len;
	size_t count;

	err = fim_sha256(reader->bytes, (size_t)(line - reader->bytes), digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), hex);
	expected_len =
		snprintf(expected, sizeof(expected), TRAILER_PATTERN, reader->baseline->count, hex);
	if ((size_t)expected_len == len && !memcmp(expected, line, len))
		return 0;
	if (len < 2 || strncmp(line, "{\"count\":", strlen("{\"count\":")))
		return reject(reader,
			      "the last line is not a trailer: the baseline is not complete");
	/* The line ends with '\n', which stops the conversion. */
	count = strtoul(line + strlen("{\"count\":"), NULL, 10);
	if (count != reader->baseline->count)
		return reject(reader, "the count in the trailer is not the number of objects");
	return reject(reader, "the root digest is not that of the lines above: they were changed");
}

static size_t count_lines(const char *bytes, size_t len)
{
	const char *end = bytes + len, *newline;
	size_t lines = 0;

	for (; bytes < end; bytes = newline + 1, lines++) {
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		if (!newline)
			break;
	}
	return lines;
}

static int read_lines(struct reader *reader)
{
	size_t lines = count_lines(reader->bytes, reader->len), len;
	const char *line = reader->bytes, *newline;
	int err = 0;

	set_line(reader, 1);
	if (!reader->len)
		return reject(reader, "the baseline is empty");
	if (memchr(reader->bytes, '\0', reader->len))
		return reject(reader, "not text: there is a NUL in it");
	set_line(reader, lines + 1);
	if (reader->bytes[reader->len - 1] != '\n')
		return reject(reader, "the last line is not complete");
	/* More than there can be entries: header and trailer are lines too. */
	reader->baseline->entries = calloc(lines + 1, sizeof(*reader->baseline->entries));
	if (!reader->baseline->entries)
		return -ENOMEM;
	for (reader->line = 0; reader->line < lines && !err; line = newline + 1) {
		newline = strchr(line, '\n');
		len = (size_t)(newline - line);
		set_line(reader, reader->line + 1);
		if (reader->line == 1)
			err = read_header(reader, line, len);
		else if (reader->line < lines)
			err = read_object(reader, line, len);
		else
			err = check_trailer(reader, line, len);
	}
	if (!err && lines < 2)
		err = reject(reader, "there is no trailer: the baseline is not complete");
	return err;
}

int fim_baseline_parse(const char *bytes, size_t len, const char *path,
		       struct fim_baseline **baseline_ret)
{
	struct reader reader = {.path = path, .bytes = bytes, .len = len};
	unsigned char digest[FIM_SHA256_SIZE];
	int err;

	reader.baseline = calloc(1, sizeof(*reader.baseline));
	if (!reader.baseline)
		return -ENOMEM;
	err = fim_sha256(bytes, len, digest);
	if (!err)
		err = read_lines(&reader);
	if (err) {
		fim_baseline_free(reader.baseline);
		return err;
	}
	fim_hex_encode(digest, sizeof(digest), reader.baseline->digest);
	*baseline_ret = reader.baseline;
	return 0;
}

static int check_signature(const char *path, const char *signature_path,
			   const char *const *key_paths, const char *bytes, size_t len,
			   char key_id_ret[FIM_KEY_ID_SIZE])
{
	static const char *const no_keys[] = {NULL};
	char *signature = NULL;
	size_t signature_len;
	int err;

	if (!signature_path) {
		fim_log(LOG_ERR, "%s: no signature was given to check", path);
		return -EKEYREJECTED;
	}
	err = fim_file_read(signature_path, SIGNATURE_MAX, &signature, &signature_len);
	if (err)
		return err;
	err = fim_signature_check(key_paths ? key_paths : no_keys, bytes, len,
				  (unsigned char *)signature, signature_len, key_id_ret, NULL);
	if (err == -ENOKEY)
		fim_log(LOG_ERR, "%s: no trusted key to check signature %s with", path,
			signature_path);
	else if (err == -EKEYREJECTED)
		fim_log(LOG_ERR,
			"%s: signature %s is not valid: the baseline or its signature was changed, or the key that signed is not trusted",
			path, signature_path);
	free(signature);
	return err;
}

int fim_baseline_open(const char *path, const char *signature_path, const char *const *key_paths,
		      struct fim_baseline **baseline_ret)
{
	struct fim_baseline *baseline = NULL;
	char key_id[FIM_KEY_ID_SIZE] = "";
	char *bytes = NULL;
	size_t len;
	int err;

	err = fim_file_read(path, BASELINE_MAX, &bytes, &len);
	if (!err && (signature_path || key_paths))
		err = check_signature(path, signature_path, key_paths, bytes, len, key_id);
	if (!err)
		err = fim_baseline_parse(bytes, len, path, &baseline);
	free(bytes);
	if (err)
		return err;
	memcpy(baseline->key_id, key_id, sizeof(key_id));
	*baseline_ret = baseline;
	return 0;
}

void fim_baseline_free(struct fim_baseline *baseline)
{
	size_t i;

	if (!baseline)
		return;
	for (i = 0; i < baseline->count; i++)
		entry_clear(&baseline->entries[i]);
	free(baseline->entries);
	fim_policy_free(baseline->policy);
	fim_json_free(baseline->header);
	free(baseline);
}

/* ---- asking */

const struct fim_policy *fim_baseline_policy(const struct fim_baseline *baseline)
{
	return baseline->policy;
}

const struct fim_json *fim_baseline_header(const struct fim_baseline *baseline)
{
	return baseline->header;
}

const char *fim_baseline_digest(const struct fim_baseline *baseline)
{
	return baseline->digest;
}

const char *fim_baseline_key_id(const struct fim_baseline *baseline)
{
	return baseline->key_id;
}

size_t fim_baseline_count(const struct fim_baseline *baseline)
{
	return baseline->count;
}

const struct fim_entry *fim_baseline_index(const struct fim_baseline *baseline, size_t index)
{
	return index < baseline->count ? &baseline->entries[index] : NULL;
}

static int entry_order(const void *path, const void *entry)
{
	return strcmp(path, ((const struct fim_entry *)entry)->path);
}

const struct fim_entry *fim_baseline_lookup(const struct fim_baseline *baseline, const char *path)
{
	return bsearch(path, baseline->entries, baseline->count, sizeof(*baseline->entries),
		       entry_order);
}

/* As sha256sum(1): a line with an escaped name begins with a backslash. */
static void write_sum(FILE *out, const char *root, const struct fim_entry *entry)
{
	char hex[FIM_SHA256_HEX_SIZE];
	const char *parts[] = {root, entry->path};
	const char *p;
	size_t i;

	fim_hex_encode(entry->state.sha256, sizeof(entry->state.sha256), hex);
	if (strpbrk(root, "\n\r\\") || strpbrk(entry->path, "\n\r\\"))
		fputc('\\', out);
	fprintf(out, "%s  ", hex);
	for (i = 0; i < 2; i++) {
		for (p = parts[i]; *p; p++) {
			if (*p == '\n')
				fputs("\\n", out);
			else if (*p == '\r')
				fputs("\\r", out);
			else if (*p == '\\')
				fputs("\\\\", out);
			else
				fputc(*p, out);
		}
	}
	fputc('\n', out);
}

int fim_baseline_export_sha256sums(const struct fim_baseline *baseline, FILE *out)
{
	const struct fim_entry *entry;
	char *root = NULL;
	size_t i, len;
	int err;

	err = fim_json_get_bytes(baseline->header, "root", &root, &len);
	if (err)
		return err;
	for (i = 0; i < baseline->count; i++) {
		entry = &baseline->entries[i];
		if (entry->state.type == FIM_TYPE_FILE && entry->state.has_digest)
			write_sum(out, len == 1 ? "" : root, entry);
	}
	free(root);
	if (fflush(out) || ferror(out)) {
		err = errno ? -errno : -EIO;
		fim_log(LOG_ERR, "cannot write digests: %s", strerror(-err));
	}
	return err;
}
