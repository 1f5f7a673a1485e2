/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control itself consists of: program, configuration, keys, rules, baseline,
 * journal, module, units.  What the baseline covers of it is compared like everything else,
 * and no finding about it is of less than high severity.  What it does not cover (the
 * baseline and the journal cannot be in the baseline) is watched here: each change by
 * anybody but this daemon is a record.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon.h"

#define UNIT_PREFIX "ecs-fim"

static const char *const unit_dirs[] = {"/usr/lib/systemd/system", "/lib/systemd/system",
					"/etc/systemd/system"};
static const char *const programs[] = {"/usr/bin/ecs-fim", "/usr/sbin/ecs-fimd"};

static void place_add(struct own *own, const char *part, bool state, const char *path)
{
	struct own_place *place = &own->places[own->count];

	if (own->count == OWN_PLACES_MAX || !path[0])
		return;
	place->part = part;
	place->state = state;
	/* Events are told by the directory's real name. */
	place->path = realpath(path, NULL);
	if (!place->path && path[0] == '/')
		place->path = strdup(path);
	if (place->path)
		own->count++;
}

static void places_add(struct own *own, const char *part, char *const *paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		place_add(own, part, false, paths[i]);
}

static void modules_add(struct own *own)
{
	struct utsname name;
	char path[PATH_MAX];

	if (uname(&name))
		return;
	snprintf(path, sizeof(path), "/lib/modules/%s/extra/ecs_fim.ko", name.release);
	place_add(own, "module", false, path);
	snprintf(path, sizeof(path), "/lib/modules/%s/updates/dkms/ecs_fim.ko", name.release);
	place_add(own, "module", false, path);
}

static void units_add(struct own *own)
{
	for (size_t i = 0; i < sizeof(unit_dirs) / sizeof(unit_dirs[0]); i++) {
		char *dir = realpath(unit_dirs[i], NULL);
		char path[PATH_MAX];

		/* By its links a directory may have two names. */
		if (dir && !own_find(own, dir)) {
			snprintf(path, sizeof(path), "%s/" UNIT_PREFIX, dir);
			place_add(own, "unit", false, path);
			own->places[own->count - 1].prefix = true;
		}
		free(dir);
	}
}

void own_init(struct daemon *d)
{
	const struct fim_config *config = d->config;
	struct own *own = &d->own;
	char *deltas = fim_deltas_dir(config->baseline);

	own->program = realpath("/proc/self/exe", NULL);
	place_add(own, "program", false, own->program ? own->program : "");
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		place_add(own, "program", false, programs[i]);
	place_add(own, "configuration", false, d->config_path ? d->config_path : FIM_CONFIG_PATH);
	places_add(own, "key", config->trusted_keys);
	places_add(own, "rule", config->rules);
	place_add(own, "rule", false, config->exceptions);
	place_add(own, "baseline", true, config->baseline);
	place_add(own, "baseline", true, config->signature);
	place_add(own, "baseline", true, deltas ? deltas : "");
	place_add(own, "journal", true, config->journal_dir);
	modules_add(own);
	units_add(own);
	free(deltas);
}

void own_exit(struct daemon *d)
{
	for (size_t i = 0; i < d->own.count; i++)
		free(d->own.places[i].path);
	free(d->own.program);
	memset(&d->own, 0, sizeof(d->own));
}

const struct own_place *own_find(const struct own *own, const char *path)
{
	for (size_t i = 0; i < own->count; i++) {
		const struct own_place *place = &own->places[i];
		size_t len = strlen(place->path);

		if (strncmp(path, place->path, len) == 0 &&
		    (place->prefix || path[len] == '\0' || path[len] == '/'))
			return place;
	}
	return NULL;
}

/* ------------------------------------------------------------------------- watches */

/* Is a change there a finding without us? */
static bool is_compared(const struct daemon *d, const char *path)
{
	return tree_covers(d, d->host, path) && tree_mask(d, d->host, path);
}

/* The place if it is a directory, else the one that holds it; -ENOENT: there is none. */
static int dir_open(const struct own_place *place, char dir[PATH_MAX])
{
	int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char *slash;
	int fd;

	snprintf(dir, PATH_MAX, "%s", place->path);
	fd = place->prefix ? -1 : open(dir, flags);
	slash = strrchr(dir, '/');
	if (fd < 0 && slash && slash != dir) {
		*slash = '\0';
		fd = open(dir, flags);
	}
	return fd < 0 ? -errno : fd;
}

void own_watch(struct daemon *d)
{
	for (size_t i = 0; i < d->own.count; i++) {
		const struct own_place *place = &d->own.places[i];
		char dir[PATH_MAX];
		int err;
		int fd;

		if (is_compared(d, place->path))
			continue;
		fd = dir_open(place, dir);
		err = fd < 0 ? fd : watch_own(d, fd, dir);
		if (err && err != -ENOENT)
			control_set(d, COMPONENT_WATCH, CONTROL_INFO,
				    "%s, which is the control's own, cannot be watched: %s", dir,
				    strerror(-err));
	}
}

/* -------------------------------------------------------------------------- events */

static bool is_ours(const struct daemon *d, const struct fim_event *event, const char *exe)
{
	if (event->actor.tgid == (uint32_t)getpid())
		return true;
	/* What the ring kept of the run before us. */
	return (int64_t)event->rec.time_ns < d->started_ns && exe && d->own.program &&
	       strcmp(exe, d->own.program) == 0;
}

/* ecs-fim, which makes enrollments, changes' deltas and, without a daemon, records. */
static bool is_tool(const struct daemon *d, const struct fim_event *event, const char *exe)
{
	size_t dir = d->own.program ? strrchr(d->own.program, '/') - d->own.program + 1 : 0;
	struct stat st;

	/* In a mount namespace of its own everything may have that name. */
	if (!exe || stat(exe, &st) || (event->actor.exe_ino && event->actor.exe_ino != st.st_ino))
		return false;
	if (strcmp(exe, "/usr/bin/ecs-fim") == 0)
		return true;
	return dir && strncmp(exe, d->own.program, dir) == 0 && strcmp(exe + dir, "ecs-fim") == 0;
}

static bool is_change(const struct fim_event *event)
{
	if (event->op == FIM_OP_TIMES)
		return false;
	return event->op != FIM_OP_WRITE || event->flags & FIM_EV_MODIFIED;
}

int own_event(struct daemon *d, struct fim_change *change, const struct own_place *place,
	      const char *path)
{
	enum fim_severity severity = FIM_SEVERITY_HIGH;
	struct cause *cause;
	bool contained;
	int err;

	if (!is_change(&change->event)) {
		fim_change_free(change);
		return 0;
	}
	err = cause_new(d, change, d->host, &cause);
	if (err)
		return err;
	/* A program of a container may have any name. */
	contained = cause->container_id[0] != '\0';
	if (place->state && !contained && is_ours(d, &cause->change->event, cause->change->exe)) {
		cause_put(cause);
		return 0;
	}
	if (place->state && !contained && is_tool(d, &cause->change->event, cause->change->exe))
		severity = FIM_SEVERITY_LOW;
	d->counters.own++;
	err = place_own(d, cause, place, path, severity);
	cause_put(cause);
	return err;
}
