/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns CloudTrail log files: which there are, which were read, and which records were
 * seen.  CloudTrail delivers at least once; a record is known by its eventID.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "rules_private.h"

#define IDS_MAX	       (1u << 17) /* records remembered: duplicates come within minutes */
#define ID_SIZE	       16
#define FILES_MAX      (1u << 18)
#define STATE_MAX      FIM_JSON_MAX_BYTES
#define DEPTH_MAX      32
#define FILE_BYTES_MAX (4ull << 30) /* after decompression */
#define CHUNK	       (64u << 10)

/* A file that was read, as it was then: when it grows it is read again. */
struct seen_file {
	char *path;
	int64_t size;
	int64_t mtime_ns;
};

struct fim_cloudtrail {
	struct fim_cloudtrail_params params;
	struct fim_cloudtrail_totals totals;
	struct seen_file *files;
	size_t file_count;
	struct fim_names file_names; /* keys are the paths above */
	/* A ring of the last ids, and where each is in it, from 1: open addressing. */
	unsigned char (*ids)[ID_SIZE];
	uint32_t *slots;
	size_t id_count;
	size_t id_next;
	bool changed;
};

#define SLOTS (2 * IDS_MAX)

/* -------------------------------------------------------------------- ids */

static uint32_t id_slot(const unsigned char id[ID_SIZE])
{
	return (uint32_t)fim_str_hash((struct fim_str){(const char *)id, ID_SIZE}) % SLOTS;
}

static bool id_is_known(const struct fim_cloudtrail *c, const unsigned char id[ID_SIZE])
{
	uint32_t slot;

	for (slot = id_slot(id); c->slots[slot]; slot = (slot + 1) % SLOTS)
		if (!memcmp(c->ids[c->slots[slot] - 1], id, ID_SIZE))
			return true;
	return false;
}

/* Closes the gap that a removed entry leaves. */
static void id_remove(struct fim_cloudtrail *c, uint32_t at)
{
	uint32_t hole = id_slot(c->ids[at]), next;

	while (c->slots[hole] != at + 1)
		hole = (hole + 1) % SLOTS;
	for (next = (hole + 1) % SLOTS; c->slots[next]; next = (next + 1) % SLOTS) {
		uint32_t home = id_slot(c->ids[c->slots[next] - 1]);

		/* It may move if its home does not lie behind the hole. */
		if ((next - home) % SLOTS < (next - hole) % SLOTS)
			continue;
		c->slots[hole] = c->slots[next];
		hole = next;
	}
	c->slots[hole] = 0;
}

static void id_add(struct fim_cloudtrail *c, const unsigned char id[ID_SIZE])
{
	uint32_t slot = id_slot(id);

	if (c->id_count == IDS_MAX) {
		id_remove(c, (uint32_t)c->id_next);
		slot = id_slot(id);
	} else {
		c->id_count++;
	}
	while (c->slots[slot])
		slot = (slot + 1) % SLOTS;
	memcpy(c->ids[c->id_next], id, ID_SIZE);
	c->slots[slot] = (uint32_t)c->id_next + 1;
	c->id_next = (c->id_next + 1) % IDS_MAX;
}

/* A UUID is its own number; anything else is hashed. */
static int id_read(struct fim_str text, unsigned char id[ID_SIZE])
{
	static const size_t dashes[] = {8, 13, 18, 23};
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[2 * ID_SIZE + 1];
	size_t i, len = 0, dash = 0;
	int err;

	for (i = 0; text.len == 36 && i < 36; i++) {
		if (dash < 4 && i == dashes[dash] && text.bytes[i] == '-')
			dash++;
		else if (len < 2 * ID_SIZE)
			hex[len++] = text.bytes[i];
	}
	hex[len] = '\0';
	if (dash == 4 && len == 2 * ID_SIZE && !fim_hex_decode(hex, id, ID_SIZE))
		return 0;
	err = fim_sha256(text.bytes, text.len, digest);
	if (!err)
		memcpy(id, digest, ID_SIZE);
	return err;
}

/* ------------------------------------------------------------------ state */

static int file_add(struct fim_cloudtrail *c, const char *path, int64_t size, int64_t mtime_ns)
{
	uint32_t at = fim_names_find(&c->file_names, (struct fim_str){path, strlen(path)});
	struct seen_file *files;
	char *copy;
	int err;

	if (at != FIM_NAMES_NONE) {
		c->files[at].size = size;
		c->files[at].mtime_ns = mtime_ns;
		return 0;
	}
	/* The others are read again each time; their records are known by their ids. */
	if (c->file_count == FILES_MAX)
		return 0;
	if (!(c->file_count & (c->file_count - 1))) {
		size_t room = c->file_count ? 2 * c->file_count : 1;

		files = realloc(c->files, room * sizeof(*files));
		if (!files)
			return -ENOMEM;
		c->files = files;
	}
	copy = strdup(path);
	err = copy ? fim_names_set(&c->file_names, (struct fim_str){copy, strlen(copy)},
				   (uint32_t)c->file_count)
		   : -ENOMEM;
	if (err) {
		free(copy);
		return err;
	}
	c->files[c->file_count++] = (struct seen_file){copy, size, mtime_ns};
	return 0;
}

static int load_files(struct fim_cloudtrail *c, const struct fim_json *files)
{
	size_t i, len;
	char *path;
	int err = 0;

	for (i = 0; i < fim_json_count(files) && !err; i++) {
		const struct fim_json *file = fim_json_index(files, i);

		if (fim_json_get_bytes(file, "path", &path, &len))
			return -EINVAL;
		err = file_add(c, path, fim_json_get_int(file, "size", -1),
			       fim_json_get_int(file, "mtime_ns", -1));
		free(path);
	}
	return err;
}

static int load_ids(struct fim_cloudtrail *c, const struct fim_json *ids)
{
	unsigned char id[ID_SIZE];
	size_t i;

	for (i = 0; i < fim_json_count(ids); i++) {
		const char *hex = fim_json_str(fim_json_index(ids, i));

		if (!hex || fim_hex_decode(hex, id, ID_SIZE))
			return -EINVAL;
		if (!id_is_known(c, id))
			id_add(c, id);
	}
	return 0;
}

/* A state that cannot be read is no reason not to watch: then all is read once more. */
static void load_state(struct fim_cloudtrail *c)
{
	struct fim_json *state = NULL;
	char *text = NULL;
	size_t len;
	int err;

	if (access(c->params.state, F_OK) && errno == ENOENT)
		return;
	err = fim_file_read(c->params.state, STATE_MAX, &text, &len);
	if (!err)
		err = fim_json_parse(text, len, c->params.state, &state);
	free(text);
	if (!err && (fim_json_get_int(state, "version", 0) != 1 ||
		     load_files(c, fim_json_get(state, "files")) ||
		     load_ids(c, fim_json_get(state, "ids"))))
		fim_log(LOG_WARNING, "%s: not a state file; records may be seen again",
			c->params.state);
	fim_json_free(state);
}

int fim_cloudtrail_open(const struct fim_cloudtrail_params *params,
			struct fim_cloudtrail **cloudtrail_ret)
{
	struct fim_cloudtrail *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->params = *params;
	c->ids = malloc(IDS_MAX * sizeof(*c->ids));
	c->slots = calloc(SLOTS, sizeof(*c->slots));
	if (!c->ids || !c->slots) {
		fim_cloudtrail_close(c);
		return -ENOMEM;
	}
	if (params->state)
		load_state(c);
	*cloudtrail_ret = c;
	return 0;
}

void fim_cloudtrail_close(struct fim_cloudtrail *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->file_count; i++)
		free(c->files[i].path);
	free(c->files);
	fim_names_free(&c->file_names);
	free(c->ids);
	free(c->slots);
	free(c);
}

struct fim_cloudtrail_totals fim_cloudtrail_totals(const struct fim_cloudtrail *c)
{
	return c->totals;
}

static struct fim_json *files_to_json(const struct fim_cloudtrail *c)
{
	struct fim_json *array = fim_json_array(), *file;
	size_t i;

	for (i = 0; i < c->file_count; i++) {
		/* What is gone does not come back under its name. */
		if (access(c->files[i].path, F_OK) && errno == ENOENT)
			continue;
		file = fim_json_object();
		fim_json_set_path(file, "path", c->files[i].path);
		fim_json_set_int(file, "size", c->files[i].size);
		fim_json_set_int(file, "mtime_ns", c->files[i].mtime_ns);
		fim_json_append(array, file);
	}
	return array;
}

static struct fim_json *ids_to_json(const struct fim_cloudtrail *c)
{
	struct fim_json *array = fim_json_array();
	char hex[2 * ID_SIZE + 1];
	size_t i, first = c->id_count == IDS_MAX ? c->id_next : 0;

	for (i = 0; i < c->id_count; i++) {
		fim_hex_encode(c->ids[(first + i) % IDS_MAX], ID_SIZE, hex);
		fim_json_append_str(array, hex);
	}
	return array;
}

int fim_cloudtrail_save(struct fim_cloudtrail *c)
{
	struct fim_json *state;
	char *text;
	size_t len;
	int err;

	if (!c->params.state || !c->changed)
		return 0;
	state = fim_json_object();
	fim_json_set_int(state, "version", 1);
	fim_json_set(state, "files", files_to_json(c));
	fim_json_set(state, "ids", ids_to_json(c));
	err = fim_json_dump(state, &text, &len);
	fim_json_free(state);
	if (err)
		return err;
	err = fim_file_write_atomic(c->params.state, text, len, 0600);
	free(text);
	if (!err)
		c->changed = false;
	return err;
}

/* ---------------------------------------------------------------- reading */

/* One file on its way from bytes to records. */
struct reading {
	struct fim_cloudtrail *c;
	const char *path;
	struct fim_ct_stream *stream;
	struct fim_gzip *gzip;
	uint64_t bytes;
	int stopped; /* what the caller's function returned */
};

static int take_record(void *ctx, struct fim_str text, struct fim_str id_text)
{
	struct reading *reading = ctx;
	struct fim_cloudtrail *c = reading->c;
	unsigned char id[ID_SIZE];
	int err;

	c->changed = true;
	if (id_text.len) {
		err = id_read(id_text, id);
		if (err)
			return err;
		if (id_is_known(c, id)) {
			c->totals.duplicates++;
			return 0;
		}
	}
	err = c->params.record(c->params.ctx, text.bytes, text.len);
	if (err == -EINVAL) {
		c->totals.malformed++;
		return 0;
	}
	reading->stopped = err;
	if (err)
		return err;
	c->totals.records++;
	if (id_text.len)
		id_add(c, id);
	return 0;
}

static int take_plain(void *ctx, const char *bytes, size_t len)
{
	struct reading *reading = ctx;

	reading->bytes += len;
	if (reading->bytes > FILE_BYTES_MAX)
		return -EFBIG;
	return fim_ct_stream_feed(reading->stream, bytes, len);
}

static int take_bytes(struct reading *reading, const char *bytes, size_t len, bool is_first)
{
	int err = 0;

	if (is_first && len >= 2 && !memcmp(bytes, "\x1f\x8b", 2))
		err = fim_gzip_new(&reading->gzip);
	if (err)
		return err;
	if (reading->gzip)
		return fim_gzip_feed(reading->gzip, bytes, len, take_plain, reading);
	return take_plain(reading, bytes, len);
}

/* Two bytes at least in the first piece: they tell what it is. */
static ssize_t read_some(int fd, char *bytes, size_t size, bool is_first)
{
	size_t len = 0;

	do {
		ssize_t count = read(fd, bytes + len, size - len);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (!count)
			break;
		len += (size_t)count;
	} while (is_first && len < 2);
	return (ssize_t)len;
}

static int read_bytes(struct reading *reading, int fd)
{
	char bytes[CHUNK];
	bool is_first = true;
	ssize_t len;
	int err = 0;

	while (!err) {
		len = read_some(fd, bytes, sizeof(bytes), is_first);
		if (len < 0) {
			fim_log(LOG_ERR, "%s: %s", reading->path, strerror((int)-len));
			return (int)len;
		}
		if (!len)
			break;
		err = take_bytes(reading, bytes, (size_t)len, is_first);
		is_first = false;
	}
	if (!err && (!fim_ct_stream_is_whole(reading->stream) ||
		     (reading->gzip && !fim_gzip_is_done(reading->gzip))))
		err = -EINVAL;
	return err;
}

static const char *fault(int err)
{
	switch (err) {
	case -EINVAL:
		return "not JSON, or cut off";
	case -EMSGSIZE:
		return "a record is larger than 16 MiB";
	case -EBADMSG:
		return "damaged gzip data";
	case -EFBIG:
		return "larger than 4 GiB";
	default:
		return NULL;
	}
}

/* A damaged file is counted and left; what stood before the damage was evaluated. */
static int read_stream(struct fim_cloudtrail *c, int fd, const char *path)
{
	struct reading reading = {.c = c, .path = path};
	struct fim_ct_stream_params params = {take_record, &reading};
	int err = fim_ct_stream_new(&params, &reading.stream);

	if (err)
		return err;
	err = read_bytes(&reading, fd);
	c->totals.files++;
	c->totals.malformed += fim_ct_stream_malformed(reading.stream);
	if (err && !reading.stopped && fault(err)) {
		fim_log(LOG_WARNING, "%s: %s", path, fault(err));
		c->totals.malformed++;
		err = 0;
	}
	fim_ct_stream_free(reading.stream);
	fim_gzip_free(reading.gzip);
	return err;
}

static bool is_known(const struct fim_cloudtrail *c, const char *path, const struct stat *stat_buf)
{
	uint32_t at = fim_names_find(&c->file_names, (struct fim_str){path, strlen(path)});

	return at != FIM_NAMES_NONE && c->files[at].size == stat_buf->st_size &&
	       c->files[at].mtime_ns ==
		       (int64_t)stat_buf->st_mtim.tv_sec * 1000000000 + stat_buf->st_mtim.tv_nsec;
}

static int read_file(struct fim_cloudtrail *c, int fd, const char *path)
{
	struct stat stat_buf;
	int err;

	if (fstat(fd, &stat_buf)) {
		err = -errno;
		fim_log(LOG_ERR, "%s: %s", path, strerror(-err));
		return err;
	}
	if (!S_ISREG(stat_buf.st_mode))
		return read_stream(c, fd, path);
	if (is_known(c, path, &stat_buf))
		return 0;
	/* As it was before: what is appended meanwhile makes it a different one. */
	err = read_stream(c, fd, path);
	if (!err)
		err = file_add(c, path, stat_buf.st_size,
			       (int64_t)stat_buf.st_mtim.tv_sec * 1000000000 +
				       stat_buf.st_mtim.tv_nsec);
	c->changed = true;
	return err;
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && !strcmp(name + len - end_len, end);
}

static int wanted(const struct dirent *entry)
{
	/* Digests of log files are delivered beside them and hold no records. */
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "CloudTrail-Digest") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_dir(struct fim_cloudtrail *c, const char *path, unsigned depth);

/* Symbolic links below a directory are not followed. */
static int read_entry(struct fim_cloudtrail *c, const char *path, unsigned depth)
{
	int fd, err;
	struct stat stat_buf;

	if (lstat(path, &stat_buf))
		return 0; /* gone since */
	if (S_ISDIR(stat_buf.st_mode))
		return depth < DEPTH_MAX ? read_dir(c, path, depth + 1) : 0;
	if (!S_ISREG(stat_buf.st_mode) || is_known(c, path, &stat_buf) ||
	    (!ends_with(path, ".json") && !ends_with(path, ".json.gz")))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		fim_log(LOG_WARNING, "%s: %s", path, strerror(errno));
		c->totals.malformed += errno != ENOENT;
		return 0;
	}
	err = read_file(c, fd, path);
	close(fd);
	return err;
}

static int read_dir(struct fim_cloudtrail *c, const char *path, unsigned depth)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, wanted, by_name), i, err = 0;

	if (count < 0) {
		err = -errno;
		fim_log(LOG_ERR, "%s: %s", path, strerror(-err));
		return err;
	}
	for (i = 0; i < count; i++) {
		char *name = NULL;

		if (!err && asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
			err = -ENOMEM;
		if (!err)
			err = read_entry(c, name, depth);
		free(name);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int fim_cloudtrail_read(struct fim_cloudtrail *c, const char *path)
{
	struct stat stat_buf;
	int fd, err;

	if (!strcmp(path, "-"))
		return read_stream(c, STDIN_FILENO, "standard input");
	if (!stat(path, &stat_buf) && S_ISDIR(stat_buf.st_mode))
		return read_dir(c, path, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		fim_log(LOG_ERR, "%s: %s", path, strerror(-err));
		return err;
	}
	err = read_file(c, fd, path);
	close(fd);
	return err;
}

int fim_cloudtrail_read_entry(struct fim_cloudtrail *c, const char *path)
{
	return read_entry(c, path, 0);
}
