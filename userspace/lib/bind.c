/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which places of the host a container sees, and which of them should stay the
 * host's.  Pure: reads Docker's inspect document; symbolic links of the host are not
 * followed, since nobody can know here where they lead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

/*
 * struct reader - binds being collected
 * @room: allocated
 * @err: out of memory; later calls do nothing
 */
struct reader {
	struct fim_binds binds;
	size_t room;
	int err;
};

char *fim_path_normalise(const char *path)
{
	size_t len, out = 0;
	char *clean;

	clean = malloc(strlen(path) + 2);
	if (!clean)
		return NULL;
	while (*path) {
		while (*path == '/')
			path++;
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			while (out && clean[--out] != '/')
				;
		} else if (len && !(len == 1 && *path == '.')) {
			clean[out++] = '/';
			memcpy(clean + out, path, len);
			out += len;
		}
		path += len;
	}
	if (!out)
		clean[out++] = '/';
	clean[out] = '\0';
	return clean;
}

bool fim_path_is_in(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return true;
	return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* ---------------------------------------------------------------- document */

/* Takes over @shown, which may be NULL for want of memory. */
static void add_bind(struct reader *reader, const char *source, const struct fim_bind *like,
		     char *shown)
{
	struct fim_binds *binds = &reader->binds;
	char *clean = fim_path_normalise(source);
	struct fim_bind *larger;
	size_t room = reader->room ? 2 * reader->room : 8;

	if (clean && shown && binds->count == reader->room) {
		larger = realloc(binds->binds, room * sizeof(*larger));
		if (larger) {
			binds->binds = larger;
			reader->room = room;
		}
	}
	if (!clean || !shown || binds->count == reader->room) {
		free(clean);
		free(shown);
		reader->err = -ENOMEM;
		return;
	}
	binds->binds[binds->count] = *like;
	binds->binds[binds->count].source = clean;
	binds->binds[binds->count].shown = shown;
	binds->binds[binds->count].order = binds->count;
	binds->count++;
}

static bool is_shared(const char *propagation)
{
	return propagation &&
	       (strcmp(propagation, "shared") == 0 || strcmp(propagation, "rshared") == 0);
}

/* "source:destination[:option,…]"; a source without '/' is a volume. */
static void read_bind_string(struct reader *reader, const char *text)
{
	struct fim_bind like = {.writable = true};
	const char *end = strchr(text, ':'), *options, *option;
	char *source, *shown;
	size_t len;

	if (text[0] != '/' || !end)
		return;
	options = strchr(end + 1, ':');
	for (option = options ? options + 1 : ""; *option; option += len) {
		option += *option == ',';
		len = strcspn(option, ",");
		like.writable &= !(len == 2 && memcmp(option, "ro", 2) == 0);
		like.shared |= (len == 6 && memcmp(option, "shared", 6) == 0) ||
			       (len == 7 && memcmp(option, "rshared", 7) == 0);
	}
	source = strndup(text, (size_t)(end - text));
	if (!source || asprintf(&shown, "HostConfig.Binds=%s", text) < 0)
		reader->err = -ENOMEM;
	else
		add_bind(reader, source, &like, shown);
	free(source);
}

static char *show_mount(const char *field, const char *source, const char *target, bool writable)
{
	char *shown;

	if (asprintf(&shown, "%s: %s on %s (%s)", field, source, target ? target : "?",
		     writable ? "rw" : "ro") < 0)
		return NULL;
	return shown;
}

/* A volume of the local driver can be a bind in disguise: type=none, o=bind, device=/etc. */
static const char *mount_source(const struct fim_json *mount)
{
	const char *type = fim_json_get_str(mount, "Type");

	if (type && strcmp(type, "bind") == 0)
		return fim_json_get_str(mount, "Source");
	return fim_json_str(fim_json_at(mount, "VolumeOptions/DriverConfig/Options/device"));
}

static void read_mount(struct reader *reader, const struct fim_json *mount)
{
	const char *source = mount_source(mount);
	struct fim_bind like = {
		.writable = !fim_json_get_bool(mount, "ReadOnly", false),
		.shared = is_shared(fim_json_str(fim_json_at(mount, "BindOptions/Propagation"))),
	};

	if (source && source[0] == '/')
		add_bind(reader, source, &like,
			 show_mount("HostConfig.Mounts", source, fim_json_get_str(mount, "Target"),
				    like.writable));
}

/* The mounts in effect: also what came with VolumesFrom. */
static void read_mount_point(struct reader *reader, const struct fim_json *mount)
{
	const char *type = fim_json_get_str(mount, "Type");
	const char *source = fim_json_get_str(mount, "Source");
	struct fim_bind like = {
		.writable = fim_json_get_bool(mount, "RW", true),
		.shared = is_shared(fim_json_get_str(mount, "Propagation")),
	};

	if (type && strcmp(type, "bind") == 0 && source && source[0] == '/')
		add_bind(reader, source, &like,
			 show_mount("Mounts", source, fim_json_get_str(mount, "Destination"),
				    like.writable));
}

static int compare_binds(const void *a, const void *b)
{
	const struct fim_bind *left = a, *right = b;
	int order = strcmp(left->source, right->source);

	if (order == 0)
		order = (int)left->writable - (int)right->writable;
	if (order == 0)
		order = left->order < right->order ? -1 : 1;
	return order;
}

static void bind_clear(struct fim_bind *bind)
{
	free(bind->source);
	free(bind->shown);
}

/* The document says most of them twice. There may be many: sorting keeps that cheap. */
static void drop_doubles(struct fim_binds *binds)
{
	size_t i, kept = 0;

	if (!binds->count)
		return;
	qsort(binds->binds, binds->count, sizeof(*binds->binds), compare_binds);
	for (i = 1; i < binds->count; i++) {
		struct fim_bind *last = &binds->binds[kept], *bind = &binds->binds[i];

		if (strcmp(last->source, bind->source) == 0 && last->writable == bind->writable) {
			last->shared |= bind->shared;
			bind_clear(bind);
		} else {
			binds->binds[++kept] = *bind;
		}
	}
	binds->count = kept + 1;
}

int fim_binds_read(const struct fim_json *inspect, struct fim_binds *binds_ret)
{
	const struct fim_json *strings = fim_json_at(inspect, "HostConfig/Binds");
	const struct fim_json *mounts = fim_json_at(inspect, "HostConfig/Mounts");
	const struct fim_json *points = fim_json_get(inspect, "Mounts");
	struct reader reader = {.err = 0};
	const char *text;
	size_t i;

	for (i = 0; i < fim_json_count(strings) && !reader.err; i++) {
		text = fim_json_str(fim_json_index(strings, i));
		if (text)
			read_bind_string(&reader, text);
	}
	for (i = 0; i < fim_json_count(mounts) && !reader.err; i++)
		read_mount(&reader, fim_json_index(mounts, i));
	for (i = 0; i < fim_json_count(points) && !reader.err; i++)
		read_mount_point(&reader, fim_json_index(points, i));
	if (reader.err) {
		fim_binds_clear(&reader.binds);
		return reader.err;
	}
	drop_doubles(&reader.binds);
	*binds_ret = reader.binds;
	return 0;
}

void fim_binds_clear(struct fim_binds *binds)
{
	size_t i;

	for (i = 0; i < binds->count; i++)
		bind_clear(&binds->binds[i]);
	free(binds->binds);
	binds->binds = NULL;
	binds->count = 0;
}

/* -------------------------------------------------------------- host paths */

/* clang-format off */
static const struct fim_host_path host_paths[] = {
	{ "/",                       .gives_host = true },
	{ "/bin",                    .below = true, .gives_host = true },
	{ "/boot",                   .below = true, .gives_host = true },
	/* The nodes are there, but the device cgroup still says no: see find_devices(). */
	{ "/dev",                    .gives_host = false },
	{ "/etc",                    .below = true, .gives_host = true },
	/* Read, these are the host's secrets. */
	{ "/etc/shadow",             .below = true, .gives_host = true },
	{ "/etc/ssh",                .below = true, .gives_host = true },
	{ "/home",                   .gives_host = true }, /* authorized_keys of users with sudo */
	{ "/lib",                    .below = true, .gives_host = true },
	{ "/lib64",                  .below = true, .gives_host = true },
	{ "/proc",                   .below = true, .gives_host = true }, /* sys/kernel/core_pattern */
	{ "/root",                   .below = true, .gives_host = true },
	{ "/run",                    .gives_host = true }, /* the sockets */
	{ "/sbin",                   .below = true, .gives_host = true },
	{ "/sys",                    .below = true, .gives_host = true }, /* uevent_helper, release_agent */
	{ "/usr",                    .below = true, .gives_host = true },
	{ "/var",                    .gives_host = true },
	{ "/var/lib",                .gives_host = true },
	{ "/var/lib/containerd",     .below = true, .gives_host = true },
	{ "/var/lib/docker",         .below = true, .gives_host = true },
	/* One volume is what a volume is for; all of them are everybody's data. */
	{ "/var/lib/docker/volumes", .below = true, .harmless = true },
	{ "/var/lib/ecs",            .gives_host = true },
	{ "/var/lib/ecs/deps",       .below = true, .gives_host = true }, /* agents that run as root */
	{ "/var/lib/ecs-fim",        .below = true, .gives_host = false }, /* this control's own evidence */
	{ "/var/run",                .gives_host = true },
	{ "/var/log/audit",          .below = true, .gives_host = false },
	{ "/var/spool/cron",         .below = true, .gives_host = true },
};
/* clang-format on */

const struct fim_host_path *fim_host_path_lookup(const char *path)
{
	const struct fim_host_path *best = NULL;
	size_t i, len, best_len = 0;

	for (i = 0; i < sizeof(host_paths) / sizeof(host_paths[0]); i++) {
		len = strlen(host_paths[i].path);
		if (len < best_len || !fim_path_is_in(path, host_paths[i].path))
			continue;
		/* Of a harmless row only what is below is harmless. */
		if (strcmp(path, host_paths[i].path) == 0 ? host_paths[i].harmless
							  : !host_paths[i].below)
			continue;
		best = &host_paths[i];
		best_len = len;
	}
	return best && !best->harmless ? best : NULL;
}
