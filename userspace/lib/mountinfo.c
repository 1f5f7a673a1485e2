/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which places of the host a container sees, out of the kernel's mount tables: for
 * containers whose engine nobody can ask.  Pure: compares two texts of
 * /proc/PID/mountinfo (proc(5)), the host's and the container's.
 *
 * A bind mount has the device of the file system that it shows a part of, and the part's
 * path on it: the host's mount of the same device tells where that is on the host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define MOUNTS_MAX 65536

struct mount {
	const char *device; /* "MAJOR:MINOR" */
	char *root;	    /* on its file system */
	char *point;
	bool writable;
	const char *type;
};

struct mounts {
	struct mount *mount;
	size_t count, room;
	char *text; /* what the others point into */
};

void fim_mount_unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* False: not a line of such a table. */
static bool mount_read(char *line, struct mount *mount)
{
	char *field[6], *save = NULL, *word = strtok_r(line, " ", &save);
	size_t i;

	for (i = 0; i < 6 && word; i++, word = strtok_r(NULL, " ", &save))
		field[i] = word;
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " ", &save);
	mount->type = word ? strtok_r(NULL, " ", &save) : NULL;
	if (i < 6 || !mount->type || field[3][0] != '/' || field[4][0] != '/')
		return false;
	mount->device = field[2];
	mount->root = field[3];
	mount->point = field[4];
	fim_mount_unescape(mount->root);
	fim_mount_unescape(mount->point);
	mount->writable = strncmp(field[5], "rw", 2) == 0;
	return true;
}

static void mounts_clear(struct mounts *mounts)
{
	free(mounts->mount);
	free(mounts->text);
}

static int mounts_read(const char *text, struct mounts *mounts)
{
	char *line, *save = NULL;

	mounts->text = strdup(text);
	if (!mounts->text)
		return -ENOMEM;
	for (line = strtok_r(mounts->text, "\n", &save); line && mounts->count < MOUNTS_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		if (mounts->count == mounts->room) {
			size_t room = mounts->room ? 2 * mounts->room : 64;
			struct mount *larger = realloc(mounts->mount, room * sizeof(*larger));

			if (!larger)
				return -ENOMEM;
			mounts->mount = larger;
			mounts->room = room;
		}
		if (mount_read(line, &mounts->mount[mounts->count]))
			mounts->count++;
	}
	return 0;
}

/* Where the host sees it; NULL: nowhere. malloc'ed. The narrowest of its mounts counts. */
static char *host_place(const struct mounts *host, const struct mount *mount)
{
	const struct mount *best = NULL;
	char *joined, *clean;
	size_t i;

	for (i = 0; i < host->count; i++) {
		const struct mount *other = &host->mount[i];

		if (strcmp(other->device, mount->device) == 0 &&
		    fim_path_is_in(mount->root, other->root) &&
		    (!best || strlen(other->root) > strlen(best->root)))
			best = other;
	}
	if (!best)
		return NULL;
	if (asprintf(&joined, "%s/%s", best->point,
		     mount->root + (strcmp(best->root, "/") == 0 ? 0 : strlen(best->root))) < 0)
		return NULL;
	clean = fim_path_normalise(joined);
	free(joined);
	return clean;
}

/* Every container has these of its own, or the kernel shows the same to all. */
static bool is_everybodys(const struct mount *mount)
{
	static const char *const types[] = {"cgroup", "cgroup2", "sysfs", "mqueue", "devpts"};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(mount->type, types[i]) == 0)
			return true;
	return strcmp(mount->point, "/") == 0;
}

static bool shows_socket(const char *place)
{
	static const char *const sockets[] = {"/run/docker.sock", "/var/run/docker.sock",
					      "/run/containerd/containerd.sock",
					      "/run/dbus/system_bus_socket",
					      "/run/podman/podman.sock"};
	size_t i;

	for (i = 0; i < sizeof(sockets) / sizeof(*sockets); i++)
		if (fim_path_is_in(sockets[i], place))
			return true;
	return false;
}

static int add(struct fim_container *container, struct fim_flag flag, const char *place,
	       const struct mount *mount)
{
	if (asprintf(&flag.evidence, "mountinfo: %s on %s (%s)", place, mount->point,
		     mount->writable ? "rw" : "ro") < 0)
		return -ENOMEM;
	return fim_container_add_flag(container, &flag);
}

static int judge(const char *place, const struct mount *mount, struct fim_container *container)
{
	const struct fim_host_path *found = fim_host_path_lookup(place);
	struct fim_flag socket = {"kernel-socket", FIM_SEVERITY_CRITICAL, NULL, "5.32", ""};
	struct fim_flag path = {"kernel-host-path", FIM_SEVERITY_HIGH, NULL, "5.6", ""};
	int err = 0;

	if (shows_socket(place)) {
		container->effectively_privileged = true;
		err = add(container, socket, place, mount);
	}
	/* Read-only, only the whole place counts: see privilege.c. */
	if (err || !found || (!mount->writable && strcmp(found->path, place) != 0))
		return err;
	if (mount->writable)
		container->effectively_privileged |= found->gives_host;
	else
		path.severity = FIM_SEVERITY_MEDIUM;
	return add(container, path, place, mount);
}

int fim_mounts_judge(const char *host_text, const char *text, struct fim_container *container)
{
	struct mounts host = {.mount = NULL}, own = {.mount = NULL};
	int err = mounts_read(host_text, &host);
	size_t i;

	if (!err)
		err = mounts_read(text, &own);
	for (i = 0; i < own.count && !err; i++) {
		char *place = is_everybodys(&own.mount[i]) ? NULL
							   : host_place(&host, &own.mount[i]);

		if (place)
			err = judge(place, &own.mount[i], container);
		free(place);
	}
	mounts_clear(&host);
	mounts_clear(&own);
	return err;
}
