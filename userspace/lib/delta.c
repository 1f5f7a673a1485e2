/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deltas: writing one, and making them part of the baseline that they are for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

/* Of entries in the record of the baseline, which may have 1 MiB with everything else. */
#define TOLD_BYTES  (64u << 10)
#define ENTRY_BYTES 160 /* besides path and reason */

#define DELTA_SUFFIX ".ndjson"
#define DELTA_MODE   0644

static int refuse(const char *name, const char *path, const char *reason)
{
	fim_log(LOG_ERR, "%s: %s%s%s", name, path ? path : "", path ? ": " : "", reason);
	return -EINVAL;
}

/* ---- applying */

static const char *text_of(const struct fim_baseline *delta, const char *key)
{
	const char *text = fim_json_get_str(delta->header, key);

	return text ? text : "";
}

/* The first boot may settle what the policy leaves to it, and nothing else. */
static int check_entries(const struct fim_baseline *baseline, const struct fim_baseline *delta,
			 const char *name)
{
	bool enrollment = !strcmp(text_of(delta, "kind"), "enrollment");
	const struct fim_rule *rule;
	size_t i;

	for (i = 0; i < delta->count; i++) {
		const struct fim_entry *entry = &delta->entries[i];

		if (!fim_policy_covers(baseline->policy, entry->path))
			return refuse(name, entry->path, "outside the roots of the policy");
		rule = fim_policy_lookup(baseline->policy, entry->path);
		if (rule->cls == FIM_CLASS_EXCLUDED)
			return refuse(name, entry->path, "excluded by the policy");
		if (enrollment && rule->cls != FIM_CLASS_ONCE && rule->cls != FIM_CLASS_TEMPLATED)
			return refuse(name, entry->path,
				      "an enrollment may change once and templated paths only");
		if (entry->state.type == FIM_TYPE_FILE && !entry->state.has_digest &&
		    fim_class_mask(rule->cls) & FIM_DIFF_DIGEST & ~entry->state.unknown)
			return refuse(name, entry->path, "\"sha256\" is missing");
	}
	return 0;
}

static int merge(struct fim_baseline *baseline, const struct fim_baseline *delta)
{
	struct fim_entry *merged = calloc(baseline->count + delta->count + 1, sizeof(*merged));
	size_t i = 0, j = 0, count = 0;
	int order, err = 0;

	if (!merged)
		return -ENOMEM;
	while (!err && (i < baseline->count || j < delta->count)) {
		order = i == baseline->count ? 1
			: j == delta->count
				? -1
				: strcmp(baseline->entries[i].path, delta->entries[j].path);
		if (order < 0) {
			merged[count++] = baseline->entries[i++];
			continue;
		}
		i += !order;
		if (delta->entries[j].state.type != FIM_TYPE_NONE)
			err = fim_arena_entry(&baseline->arena, &delta->entries[j],
					      &merged[count++]);
		j++;
	}
	if (err) {
		free(merged);
		return err;
	}
	free(baseline->entries);
	baseline->entries = merged;
	baseline->count = count;
	return 0;
}

/* What an assessor asks of each: where, what the policy says of it, and who justified it. */
static struct fim_json *entry_json(const struct fim_baseline *baseline,
				   const struct fim_entry *entry)
{
	const struct fim_rule *rule = fim_policy_lookup(baseline->policy, entry->path);
	struct fim_json *json = fim_json_object();
	char hex[FIM_SHA256_HEX_SIZE];

	fim_json_set_bytes(json, "path", entry->path, strlen(entry->path));
	fim_json_set_str(json, "class", fim_class_name(rule->cls));
	fim_json_set_str(json, "type", fim_type_name(entry->state.type));
	if (entry->state.has_digest) {
		fim_hex_encode(entry->state.sha256, sizeof(entry->state.sha256), hex);
		fim_json_set_str(json, "sha256", hex);
	}
	if (entry->why)
		fim_json_set_bytes(json, "why", entry->why, strlen(entry->why));
	return json;
}

/* Of a change the journal tells as it is announced and ends. */
static void tell_entries(const struct fim_baseline *baseline, const struct fim_baseline *delta,
			 struct fim_json *entries)
{
	const struct fim_entry *entry;
	size_t i, room = TOLD_BYTES;

	for (i = 0; i < delta->count; i++) {
		size_t size;

		entry = &delta->entries[i];
		size = strlen(entry->path) + (entry->why ? strlen(entry->why) : 0) + ENTRY_BYTES;
		if (size > room)
			break;
		room -= size;
		fim_json_append(entries, entry_json(baseline, entry));
	}
}

static int note_delta(struct fim_baseline *baseline, const struct fim_baseline *delta)
{
	struct fim_delta_info *deltas, *info;

	deltas = reallocarray(baseline->deltas, baseline->delta_count + 1, sizeof(*deltas));
	if (!deltas)
		return -ENOMEM;
	baseline->deltas = deltas;
	info = &deltas[baseline->delta_count];
	memcpy(info->digest, delta->digest, sizeof(info->digest));
	memcpy(info->key_id, delta->key_id, sizeof(info->key_id));
	snprintf(info->kind, sizeof(info->kind), "%s", text_of(delta, "kind"));
	info->count = delta->count;
	info->entries = fim_json_array();
	if (!strcmp(info->kind, "enrollment"))
		tell_entries(baseline, delta, info->entries);
	baseline->delta_count++;
	return 0;
}

int fim_baseline_apply(struct fim_baseline *baseline, const struct fim_baseline *delta,
		       const char *name)
{
	int err;

	if (strcmp(text_of(delta, "base"), baseline->digest) != 0)
		return refuse(name, NULL, "is for another baseline");
	if (strcmp(text_of(delta, "previous"), baseline->head) != 0)
		return refuse(name, NULL, "does not follow what was applied last");
	if (!strcmp(text_of(delta, "kind"), "enrollment") && baseline->delta_count)
		return refuse(name, NULL, "an enrollment comes first, and there is one at most");
	err = check_entries(baseline, delta, name);
	if (!err)
		err = note_delta(baseline, delta);
	if (!err)
		err = merge(baseline, delta);
	if (err)
		return err;
	memcpy(baseline->head, delta->digest, sizeof(baseline->head));
	return 0;
}

static int is_delta_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(DELTA_SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       !strcmp(entry->d_name + len - suffix, DELTA_SUFFIX);
}

/**
 * struct found - a delta of the directory
 * @path: its file
 * @delta: NULL: not usable, or applied
 */
struct found {
	char *path;
	struct fim_baseline *delta;
};

/* The keys that may have signed @name: an enrollment brings one that was made for it. */
static const char **keys_for(const char *name, const char *const *key_paths, char *own)
{
	size_t count = 0, i;
	const char **keys;

	while (key_paths && key_paths[count])
		count++;
	keys = calloc(count + 2, sizeof(*keys));
	if (!keys)
		return NULL;
	for (i = 0; i < count; i++)
		keys[i] = key_paths[i];
	if (!strcmp(name, FIM_ENROLLMENT_NAME) && !access(own, F_OK))
		keys[count] = own;
	return keys;
}

static int open_signed(const char *name, const char *const *key_paths, const char *signature,
		       struct found *found)
{
	const char **keys = NULL;
	char *own = NULL;
	int err = -ENOMEM;

	if (asprintf(&own, "%.*s.pem", (int)(strlen(found->path) - strlen(DELTA_SUFFIX)),
		     found->path) < 0)
		return -ENOMEM;
	keys = keys_for(name, key_paths, own);
	if (keys)
		err = fim_delta_open(found->path, signature, keys, &found->delta);
	/* That key says "as it was then" and not "agreed to": it is good for nothing else. */
	if (!err && !strcmp(name, FIM_ENROLLMENT_NAME) &&
	    strcmp(text_of(found->delta, "kind"), "enrollment") != 0) {
		fim_baseline_free(found->delta);
		found->delta = NULL;
		err = refuse(found->path, NULL, "is not an enrollment");
	}
	free(keys);
	free(own);
	return err;
}

static int open_found(const char *dir, const char *name, const char *const *key_paths,
		      struct found *found)
{
	char *signature = NULL;
	int err = -ENOMEM;

	if (asprintf(&found->path, "%s/%s", dir, name) < 0) {
		found->path = NULL;
		return -ENOMEM;
	}
	if (asprintf(&signature, "%.*s.sig", (int)(strlen(found->path) - strlen(DELTA_SUFFIX)),
		     found->path) < 0)
		return -ENOMEM;
	if (access(signature, F_OK)) {
		fim_log(LOG_WARNING, "%s: not applied: it is not signed (no %s)", found->path,
			signature);
		err = 0;
	} else {
		err = open_signed(name, key_paths, signature, found);
		if (err && err != -ENOMEM) {
			fim_log(LOG_WARNING, "%s: not applied", found->path);
			err = 0;
		}
	}
	free(signature);
	return err;
}

/* The chain says the order, not the names. */
static int apply_chain(struct fim_baseline *baseline, struct found *found, size_t count)
{
	size_t i;
	int err = 0;

	for (i = 0; i < count && !err; i++) {
		struct fim_baseline *delta = found[i].delta;

		if (!delta || strcmp(text_of(delta, "base"), baseline->digest) != 0 ||
		    strcmp(text_of(delta, "previous"), baseline->head) != 0)
			continue;
		err = fim_baseline_apply(baseline, delta, found[i].path);
		fim_baseline_free(delta);
		found[i].delta = NULL;
		if (err == -EINVAL) {
			fim_log(LOG_WARNING, "%s: not applied", found[i].path);
			err = 0;
		} else {
			i = (size_t)-1; /* whatever follows it may stand before it */
		}
	}
	for (i = 0; i < count && !err; i++)
		if (found[i].delta)
			fim_log(LOG_WARNING,
				"%s: not applied: it is for another baseline, or what it follows is missing",
				found[i].path);
	return err;
}

int fim_baseline_apply_dir(struct fim_baseline *baseline, const char *dir,
			   const char *const *key_paths, size_t *applied_ret)
{
	size_t before = baseline->delta_count;
	struct dirent **entries = NULL;
	struct found *found = NULL;
	int count, i, err = 0;

	count = scandir(dir, &entries, is_delta_name, alphasort);
	if (count < 0) {
		err = errno == ENOENT ? 0 : -errno;
		if (err)
			fim_log(LOG_ERR, "%s: cannot read: %s", dir, strerror(-err));
		return err;
	}
	found = calloc((size_t)count + 1, sizeof(*found));
	err = found ? 0 : -ENOMEM;
	for (i = 0; i < count; i++) {
		if (!err)
			err = open_found(dir, entries[i]->d_name, key_paths, &found[i]);
		free(entries[i]);
	}
	free(entries);
	if (!err)
		err = apply_chain(baseline, found, (size_t)count);
	for (i = 0; found && i < count; i++) {
		fim_baseline_free(found[i].delta);
		free(found[i].path);
	}
	free(found);
	if (!err && applied_ret)
		*applied_ret = baseline->delta_count - before;
	return err;
}

/* ---- what holds on a host */

char *fim_deltas_dir(const char *baseline_path)
{
	const char *slash = strrchr(baseline_path, '/');
	char *dir;

	if (asprintf(&dir, "%.*sdeltas", slash ? (int)(slash + 1 - baseline_path) : 0,
		     baseline_path) < 0)
		return NULL;
	return dir;
}

int fim_baseline_open_current(const char *path, const char *signature_path,
			      const char *const *key_paths, struct fim_baseline **baseline_ret)
{
	struct fim_baseline *baseline = NULL;
	char *dir = NULL;
	int err;

	err = fim_baseline_open(path, signature_path, key_paths, &baseline);
	if (err)
		return err;
	dir = fim_deltas_dir(path);
	err = dir ? fim_baseline_apply_dir(baseline, dir, key_paths, NULL) : -ENOMEM;
	if (err)
		fim_baseline_free(baseline);
	else
		*baseline_ret = baseline;
	free(dir);
	return err;
}

bool fim_is_delta(const char *path)
{
	static const char start[] = "{\"format\":\"" FIM_DELTA_FORMAT "\"";
	char bytes[sizeof(start) - 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_delta;

	if (fd < 0)
		return false;
	is_delta = read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
		   !memcmp(bytes, start, sizeof(bytes));
	close(fd);
	return is_delta;
}

/* ---- writing */

/**
 * struct fim_delta_writer - a delta being made
 * @stage: the file
 * @hasher: over all bytes so far
 * @count: entries
 */
struct fim_delta_writer {
	struct fim_stage *stage;
	struct fim_hasher *hasher;
	size_t count;
};

int fim_line_write(struct fim_stage *stage, struct fim_hasher *hasher, const struct fim_json *json)
{
	char *line = NULL;
	size_t len;
	int err;

	err = fim_json_dump(json, &line, &len);
	if (err)
		return err;
	line[len] = '\n'; /* in place of the NUL */
	err = fim_hasher_update(hasher, line, len + 1);
	if (!err)
		err = fim_stage_write(stage, line, len + 1);
	free(line);
	return err;
}

int fim_trailer_write(struct fim_stage *stage, struct fim_hasher *hasher, size_t count)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], trailer[FIM_TRAILER_SIZE];
	int err, len;

	err = fim_hasher_peek(hasher, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), hex);
	len = snprintf(trailer, sizeof(trailer), FIM_TRAILER_PATTERN "\n", count, hex);
	err = fim_hasher_update(hasher, trailer, (size_t)len);
	return err ? err : fim_stage_write(stage, trailer, (size_t)len);
}

void fim_entry_to_json(const struct fim_entry *entry, struct fim_json *json)
{
	fim_json_set_path(json, "path", entry->path);
	fim_state_to_json(&entry->state, json);
	if (entry->link)
		fim_json_set_path(json, "link", entry->link);
	fim_json_set_str(json, "package", entry->package);
	if (entry->origin != FIM_ORIGIN_UNKNOWN)
		fim_json_set_str(json, "origin", fim_origin_name(entry->origin));
	fim_json_set_str(json, "why", entry->why);
}

static int write_header(struct fim_delta_writer *writer, const struct fim_baseline *baseline,
			const char *kind, const struct fim_json *change)
{
	struct fim_json *header = fim_json_object();
	char time[FIM_TIME_SIZE], host[256] = "";
	int err;

	fim_time_format(fim_time_now(), time);
	fim_json_set_str(header, "format", FIM_DELTA_FORMAT);
	fim_json_set_int(header, "version", FIM_BASELINE_VERSION);
	fim_json_set_str(header, "created", time);
	fim_json_set_str(header, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(header, "hash", "sha256");
	fim_json_set_str(header, "kind", kind);
	fim_json_set_str(header, "base", baseline->digest);
	fim_json_set_str(header, "previous", baseline->head);
	if (!gethostname(host, sizeof(host) - 1) && fim_is_utf8(host, strlen(host)))
		fim_json_set_str(header, "host", host);
	fim_json_set(header, "change", fim_json_ref(change));
	err = fim_line_write(writer->stage, writer->hasher, header);
	fim_json_free(header);
	return err;
}

int fim_delta_create(const struct fim_baseline *baseline, const char *kind,
		     const struct fim_json *change, const char *output,
		     struct fim_delta_writer **writer_ret)
{
	struct fim_delta_writer *writer = calloc(1, sizeof(*writer));
	int err = -ENOMEM;

	if (!writer)
		return -ENOMEM;
	writer->hasher = fim_hasher_new();
	if (writer->hasher)
		err = fim_stage_open(output, &writer->stage);
	if (!err)
		err = write_header(writer, baseline, kind, change);
	if (err)
		fim_delta_abandon(writer);
	else
		*writer_ret = writer;
	return err;
}

int fim_delta_add(struct fim_delta_writer *writer, const struct fim_entry *entry)
{
	struct fim_json *json = fim_json_object();
	int err;

	fim_entry_to_json(entry, json);
	err = fim_line_write(writer->stage, writer->hasher, json);
	fim_json_free(json);
	writer->count += !err;
	return err;
}

int fim_delta_finish(struct fim_delta_writer *writer, char digest_ret[FIM_SHA256_HEX_SIZE])
{
	unsigned char digest[FIM_SHA256_SIZE];
	int err;

	err = fim_trailer_write(writer->stage, writer->hasher, writer->count);
	if (!err)
		err = fim_hasher_final(writer->hasher, digest);
	if (!err)
		err = fim_stage_commit(writer->stage, DELTA_MODE);
	if (!err)
		fim_hex_encode(digest, sizeof(digest), digest_ret);
	fim_delta_abandon(writer);
	return err;
}

void fim_delta_abandon(struct fim_delta_writer *writer)
{
	if (!writer)
		return;
	fim_stage_free(writer->stage);
	fim_hasher_free(writer->hasher);
	free(writer);
}
