/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a bundle: a host's journal of some days, as `ecs-fim bundle` wrote it.  Whoever
 * made the directory may be an attacker: paths are checked, files are opened below it
 * without following links, lines are bounded, and nothing counts that the manifest does
 * not name with a digest.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet.h"

#define MAX_MANIFEST (16u << 20)
#define MAX_LINE     ((size_t)1 << 20)
#define BUFFER	     (2 * MAX_LINE)
#define DAY_LEN	     10

/*
 * struct reader - a bundle being read
 * @dir: its directory
 * @prev: digest of the line before
 * @seq: its number
 * @place: where its files are below a day
 * @day: of the file at hand; @opens: its first line comes
 * @whole: over the bytes of the file at hand
 */
struct reader {
	struct fim_bundle *bundle;
	int dir;
	fim_bundle_fn fn;
	void *ctx;
	char prev[FIM_SHA256_HEX_SIZE];
	int64_t seq;
	char *place;
	char day[DAY_LEN + 1];
	bool opens;
	struct fim_hasher *whole;
	struct fim_hasher *one;
	char *buffer;
};

static int reject(struct reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int reject(struct reader *reader, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reader->bundle->reason, sizeof(reader->bundle->reason), fmt, args);
	va_end(args);
	return -EBADMSG;
}

/* ------------------------------------------------------------------- names */

/* What is part of a path must not be able to leave it. */
static char *encode(const char *text)
{
	static const char safe[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	char *name, *out;

	if (!text || !*text)
		text = "unknown";
	name = out = malloc(3 * strlen(text) + 1);
	if (!name)
		return NULL;
	for (const char *at = text; *at; at++) {
		if (strchr(safe, *at) || (*at == '.' && at != text))
			*out++ = *at;
		else
			out += sprintf(out, "%%%02X", (unsigned char)*at);
	}
	*out = '\0';
	return name;
}

char *fim_bundle_place(const char *account, const char *cluster, const char *host)
{
	char *a = encode(account), *c = encode(cluster), *h = encode(host), *place = NULL;

	if (a && c && h && asprintf(&place, "account=%s/cluster=%s/host=%s", a, c, h) < 0)
		place = NULL;
	free(a);
	free(c);
	free(h);
	return place;
}

/* ------------------------------------------------------------------- lines */

struct chained {
	int64_t seq;
	struct fim_span prev;
	struct fim_span time;
};

static int pick(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		const struct fim_span *value)
{
	struct chained *chained = ctx;

	if (parent)
		return 0;
	if (fim_span_is(key, "seq"))
		chained->seq = fim_span_int(value, 0);
	else if (fim_span_is(key, "prev"))
		chained->prev = *value;
	else if (fim_span_is(key, "time"))
		chained->time = *value;
	return 0;
}

/* @len: without the newline, which is there. */
static int read_line(struct reader *reader, const char *line, size_t len, const char *name)
{
	struct chained chained = {.seq = 0};
	unsigned char digest[FIM_SHA256_SIZE];
	int err;

	if (fim_scan(line, len, pick, &chained) || chained.seq <= 0)
		return reject(reader, "%s: a line after record %" PRId64 " is no record", name,
			      reader->seq);
	if (reader->seq && chained.seq != reader->seq + 1)
		return reject(reader, "%s: record %" PRId64 " follows record %" PRId64, name,
			      chained.seq, reader->seq);
	if (chained.prev.kind != FIM_SPAN_STRING || !fim_span_is(&chained.prev, reader->prev))
		return reject(reader, "%s: record %" PRId64 " does not continue the chain", name,
			      chained.seq);
	if (reader->opens && (chained.time.kind != FIM_SPAN_STRING || chained.time.len < DAY_LEN ||
			      memcmp(chained.time.text, reader->day, DAY_LEN) != 0))
		return reject(reader, "%s: record %" PRId64 " is of another day", name,
			      chained.seq);
	reader->opens = false;
	err = fim_hasher_reset(reader->one);
	if (!err)
		err = fim_hasher_update(reader->one, line, len + 1);
	if (!err)
		err = fim_hasher_final(reader->one, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), reader->prev);
	reader->seq = chained.seq;
	if (!reader->bundle->records++)
		reader->bundle->first_seq = chained.seq;
	reader->bundle->last_seq = chained.seq;
	memcpy(&reader->bundle->link, digest, sizeof(reader->bundle->link));
	return reader->fn ? reader->fn(reader->ctx, reader->bundle, line, len) : 0;
}

/* Lines of the buffer; how many bytes are left of one that is not whole. */
static int read_lines(struct reader *reader, size_t *len, const char *name)
{
	char *at = reader->buffer, *end;
	int err = 0;

	while (!err && (end = memchr(at, '\n', *len)) != NULL) {
		if ((size_t)(end - at) >= MAX_LINE)
			return reject(reader, "%s: a line is too long", name);
		err = read_line(reader, at, (size_t)(end - at), name);
		*len -= (size_t)(end - at) + 1;
		at = end + 1;
	}
	if (!err && *len >= MAX_LINE)
		return reject(reader, "%s: a line is too long", name);
	memmove(reader->buffer, at, *len);
	return err;
}

static int read_stream(struct reader *reader, int fd, const char *name, int64_t bytes)
{
	size_t held = 0;
	int64_t all = 0;
	ssize_t got;
	int err = 0;

	while (!err && (got = read(fd, reader->buffer + held, BUFFER - held)) != 0) {
		if (got < 0)
			return reject(reader, "%s: %s", name, strerror(errno));
		all += got;
		if (all > bytes)
			return reject(reader, "%s: is longer than the manifest says", name);
		err = fim_hasher_update(reader->whole, reader->buffer + held, (size_t)got);
		held += (size_t)got;
		if (!err)
			err = read_lines(reader, &held, name);
	}
	if (!err && (held || all != bytes))
		return reject(reader, "%s: is cut off", name);
	return err;
}

/* ------------------------------------------------------------------- files */

/*
 * "records/dt=2026-11-02/account=…/cluster=…/host=…/records.ndjson", of this host: other engines
 * take from the path whose records these are, and of which day.
 */
static bool is_path(const struct reader *reader, const char *path)
{
	static const char top[] = "records/dt=", file[] = "/records.ndjson";
	size_t len = strlen(reader->place), at = sizeof(top) - 1;

	if (!path || strncmp(path, top, at) != 0 ||
	    strlen(path) != at + DAY_LEN + 1 + len + sizeof(file) - 1)
		return false;
	for (size_t i = 0; i < DAY_LEN; i++)
		if (i == 4 || i == 7 ? path[at + i] != '-'
				     : path[at + i] < '0' || path[at + i] > '9')
			return false;
	at += DAY_LEN;
	return path[at] == '/' && memcmp(path + at + 1, reader->place, len) == 0 &&
	       strcmp(path + at + 1 + len, file) == 0;
}

/* No part of the path is a link. */
static int open_below(int dir, const char *path)
{
	char part[256];
	int at = dir, next;
	const char *end;

	for (;; path = end + 1) {
		end = strchrnul(path, '/');
		if ((size_t)(end - path) >= sizeof(part))
			next = -1;
		else {
			memcpy(part, path, (size_t)(end - path));
			part[end - path] = '\0';
			next = openat(at, part,
				      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
					      (*end ? O_DIRECTORY : 0));
		}
		if (at != dir)
			close(at);
		if (next < 0 || !*end)
			return next;
		at = next;
	}
}

static int read_file(struct reader *reader, const struct fim_json *file)
{
	const char *path = fim_json_get_str(file, "path"), *wanted;
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	struct stat stat;
	int fd, err;

	if (!is_path(reader, path))
		return reject(reader,
			      "manifest.json: names a file outside of records/dt=DAY/%.200s",
			      reader->place);
	if (strncmp(path + 11, reader->day, DAY_LEN) <= 0)
		return reject(reader, "manifest.json: its files are not in the order of days");
	memcpy(reader->day, path + 11, DAY_LEN);
	reader->opens = true;
	fd = open_below(reader->dir, path);
	if (fd < 0 || fstat(fd, &stat) || !S_ISREG(stat.st_mode)) {
		err = reject(reader, "%s: is missing, or no regular file", path);
		goto out;
	}
	err = fim_hasher_reset(reader->whole);
	if (!err)
		err = read_stream(reader, fd, path, fim_json_get_int(file, "bytes", -1));
	if (!err)
		err = fim_hasher_final(reader->whole, digest);
	if (err)
		goto out;
	fim_hex_encode(digest, sizeof(digest), hex);
	wanted = fim_json_get_str(file, "sha256");
	if (!wanted || strcmp(wanted, hex) != 0)
		err = reject(reader, "%s: does not have the digest that the manifest says", path);
	if (!*reader->bundle->first_day)
		snprintf(reader->bundle->first_day, sizeof(reader->bundle->first_day), "%.10s",
			 path + 11);
	snprintf(reader->bundle->last_day, sizeof(reader->bundle->last_day), "%.10s", path + 11);
out:
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_files(struct reader *reader, const struct fim_json *manifest)
{
	const struct fim_json *files = fim_json_get(manifest, "files");
	const struct fim_json *journal = fim_json_get(manifest, "journal");
	const char *prev = fim_json_get_str(journal, "prev"), *head;
	const char *verification = fim_json_get_str(journal, "verification");
	size_t i;
	int err = 0;

	if (!prev || strlen(prev) != FIM_SHA256_HEX_SIZE - 1)
		return reject(reader, "manifest.json: journal/prev is no digest");
	if (!verification || strcmp(verification, "verified") != 0)
		return reject(reader, "its journal was not verified when it was made");
	snprintf(reader->prev, sizeof(reader->prev), "%s", prev);
	memcpy(reader->bundle->prev, reader->prev, sizeof(reader->prev));
	for (i = 0; i < fim_json_count(files) && !err; i++)
		err = read_file(reader, fim_json_index(files, i));
	head = fim_json_get_str(journal, "head");
	if (!err && (!head || strcmp(head, reader->prev) != 0))
		return reject(reader, "the chain does not end where manifest.json says");
	memcpy(reader->bundle->head, reader->prev, sizeof(reader->prev));
	return err;
}

/* ------------------------------------------------------------- nothing else */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_manifest(const char *path)
{
	return !strcmp(path, "manifest.json") || !strcmp(path, "manifest.sig") ||
	       !strcmp(path, "manifest.pem");
}

/* Other engines read what is below records/, whether the manifest names it or not. */
static int find_others(struct reader *reader, FTS *fts, const char **named, size_t count)
{
	size_t top = strlen(reader->bundle->directory) + 1;
	FTSENT *entry;
	char *safe;
	int err = 0;

	while (!err && (entry = fts_read(fts)) != NULL) {
		const char *path = entry->fts_level ? entry->fts_path + top : "";

		if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP || is_manifest(path) ||
		    (count && bsearch(&path, named, count, sizeof(*named), by_text)))
			continue;
		safe = fim_escape(path, strlen(path));
		err = reject(reader, "%.200s: is there, and not in manifest.json",
			     safe && fim_is_utf8(safe, strnlen(safe, 200)) ? safe : "a file");
		free(safe);
	}
	return err;
}

static int check_others(struct reader *reader, const struct fim_json *manifest)
{
	const struct fim_json *files = fim_json_get(manifest, "files");
	char *const dirs[] = {(char *)reader->bundle->directory, NULL};
	const char **named = calloc(fim_json_count(files) + 1, sizeof(*named));
	FTS *fts = named ? fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL) : NULL;
	size_t count = fim_json_count(files);
	int err = -ENOMEM;

	if (!fts)
		goto out;
	/* All of them are paths: they were read. */
	for (size_t i = 0; i < count; i++)
		named[i] = fim_json_get_str(fim_json_index(files, i), "path");
	qsort(named, count, sizeof(*named), by_text);
	err = find_others(reader, fts, named, count);
	fts_close(fts);
out:
	free(named);
	return err;
}

/* ---------------------------------------------------------------- manifest */

static void take(const struct fim_json *manifest, const char *key, char *text_ret, size_t size)
{
	const char *text = fim_json_get_str(manifest, key);

	snprintf(text_ret, size, "%s", text && *text ? text : "unknown");
}

static int64_t seconds(const struct fim_json *manifest, const char *key)
{
	const char *text = fim_json_get_str(manifest, key);
	int64_t time_ns;

	return text && fim_time_parse(text, &time_ns) == 0 ? time_ns / FIM_NSEC_PER_SEC : 0;
}

static int read_small(struct reader *reader, const char *name, char **bytes_ret, size_t *len_ret)
{
	char path[FIM_PATH_MAX];
	struct stat stat;

	/* A link's target is no part of the bundle: it is not there where the bundle is kept. */
	if (fstatat(reader->dir, name, &stat, AT_SYMLINK_NOFOLLOW) || !S_ISREG(stat.st_mode))
		return reject(reader, "%s is missing, or no regular file", name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", reader->dir, name);
	if (fim_file_read(path, MAX_MANIFEST, bytes_ret, len_ret))
		return reject(reader, "%s cannot be read", name);
	return 0;
}

static int check_signature(struct reader *reader, const char *const *keys, const char *bytes,
			   size_t len)
{
	char *signature;
	size_t signature_len;
	int err = read_small(reader, "manifest.sig", &signature, &signature_len);

	if (err)
		return err;
	if (fim_signature_check(keys, bytes, len, (unsigned char *)signature, signature_len,
				reader->bundle->signer, NULL)) {
		*reader->bundle->signer = '\0';
		err = reject(reader, "manifest.json was not signed by a trusted key");
	}
	free(signature);
	return err;
}

static int read_manifest(struct reader *reader, const char *const *keys)
{
	struct fim_bundle *bundle = reader->bundle;
	struct fim_json *manifest = NULL;
	const char *format;
	char *bytes = NULL;
	size_t len;
	int err = read_small(reader, "manifest.json", &bytes, &len);

	if (err)
		return err;
	if (fim_json_parse(bytes, len, NULL, &manifest)) {
		err = reject(reader, "manifest.json is no JSON object");
		goto out;
	}
	/* Also of one that is rejected: it is rejected by name. */
	take(manifest, "account", bundle->account, sizeof(bundle->account));
	take(manifest, "cluster", bundle->cluster, sizeof(bundle->cluster));
	take(manifest, "host", bundle->host, sizeof(bundle->host));
	bundle->from_s = seconds(manifest, "from");
	bundle->to_s = seconds(manifest, "to");
	format = fim_json_get_str(manifest, "format");
	if (!format || strcmp(format, "ecs-fim-bundle") != 0 ||
	    fim_json_get_int(manifest, "version", 0) != 1)
		err = reject(reader, "manifest.json: not a bundle of version 1");
	if (!err && keys)
		err = check_signature(reader, keys, bytes, len);
	reader->place = fim_bundle_place(fim_json_get_str(manifest, "account"),
					 fim_json_get_str(manifest, "cluster"),
					 fim_json_get_str(manifest, "host"));
	if (!reader->place)
		err = -ENOMEM;
	if (!err)
		err = read_files(reader, manifest);
	if (!err)
		err = check_others(reader, manifest);
out:
	fim_json_free(manifest);
	free(bytes);
	return err;
}

int fim_bundle_read(const char *directory, const char *const *keys, fim_bundle_fn fn, void *ctx,
		    struct fim_bundle *bundle_ret)
{
	struct reader reader = {.bundle = bundle_ret, .fn = fn, .ctx = ctx};
	int err;

	*bundle_ret = (struct fim_bundle){.directory = directory};
	strcpy(bundle_ret->account, "unknown");
	strcpy(bundle_ret->cluster, "unknown");
	snprintf(bundle_ret->host, sizeof(bundle_ret->host), "%s", directory);
	reader.dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (reader.dir < 0)
		return reject(&reader, "%s", strerror(errno));
	reader.whole = fim_hasher_new();
	reader.one = fim_hasher_new();
	reader.buffer = malloc(BUFFER);
	err = reader.whole && reader.one && reader.buffer ? read_manifest(&reader, keys) : -ENOMEM;
	free(reader.place);
	free(reader.buffer);
	fim_hasher_free(reader.one);
	fim_hasher_free(reader.whole);
	close(reader.dir);
	return err;
}
