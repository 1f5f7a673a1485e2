/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers' root file systems, found in the mount table and not by asking an
 * engine: a mount is there before the container's first instruction, whichever
 * engine made it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define HEARD_MS   100 /* until all is read that the source had to say of a root */
#define TREES_KEPT 256 /* roots that were unmounted: a stopped container may start again */

int mount_parse(char *line, struct mount *mount_ret)
{
	struct mount mount = {0};
	char *save = NULL;
	char *field = strtok_r(line, " \n", &save);
	char *end;

	if (!field)
		return -EINVAL;
	mount.id = strtol(field, &end, 10);
	if (*end)
		return -EINVAL;
	for (int i = 1; i <= 4 && field; i++)
		field = strtok_r(NULL, " \n", &save);
	if (!field)
		return -EINVAL;
	mount.point = field;
	while ((field = strtok_r(NULL, " \n", &save)) && strcmp(field, "-") != 0)
		;
	mount.type = strtok_r(NULL, " \n", &save);
	field = strtok_r(NULL, " \n", &save); /* source */
	mount.options = strtok_r(NULL, " \n", &save);
	if (!mount.type || !field || !mount.options)
		return -EINVAL;
	mount.point = strdup(mount.point);
	mount.type = strdup(mount.type);
	mount.options = strdup(mount.options);
	if (!mount.point || !mount.type || !mount.options) {
		mount_clear(&mount);
		return -ENOMEM;
	}
	fim_mount_unescape(mount.point);
	fim_mount_unescape(mount.options);
	*mount_ret = mount;
	return 0;
}

void mount_clear(struct mount *mount)
{
	free(mount->point);
	free(mount->type);
	free(mount->options);
	memset(mount, 0, sizeof(*mount));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* containerd's ids may be words. */
static void task_id(const char *point, char id_ret[FIM_CONTAINER_ID_SIZE])
{
	static const char tasks[] = "/io.containerd.runtime.v2.task/";
	const char *at = strstr(point, tasks);
	const char *id = at ? strchr(at + strlen(tasks), '/') : NULL;
	size_t len = id ? strcspn(++id, "/") : 0;

	if (!len || len >= FIM_CONTAINER_ID_SIZE || strcmp(id + len, "/rootfs") != 0)
		return;
	memcpy(id_ret, id, len);
	id_ret[len] = '\0';
}

/*
 *	/var/lib/docker/overlay2/LAYER/merged		Docker; LAYER is not the container's id
 *	/var/lib/containers/storage/overlay/LAYER/merged	Podman; the same
 *	/run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/rootfs	containerd
 *	/var/lib/docker/rootfs/overlayfs/ID		Docker with containerd's image store
 *
 * LAYER-init is mounted for a moment to prepare a container that does not exist yet.
 */
bool mount_is_container(const struct mount *mount, char id_ret[FIM_CONTAINER_ID_SIZE])
{
	bool merged = ends_with(mount->point, "/merged");

	id_ret[0] = '\0';
	if (strcmp(mount->type, "overlay") != 0 || ends_with(mount->point, "-init/merged"))
		return false;
	if (merged)
		return true;
	if (!ends_with(mount->point, "/rootfs") && !strstr(mount->point, "/rootfs/overlayfs/"))
		return false;
	if (!fim_cgroup_container_id(mount->point, id_ret))
		task_id(mount->point, id_ret);
	return true;
}

static struct tree *tree_mounted(struct daemon *d, const struct mount *mount)
{
	struct tree *tree = d->containers;

	while (tree &&
	       (tree->gone || tree->mount_id != mount->id || strcmp(tree->root, mount->point) != 0))
		tree = tree->next;
	return tree;
}

/* The same container, started again: what was found in it stays found. */
static struct tree *tree_return(struct daemon *d, const struct mount *mount,
				const struct layers *layers)
{
	struct tree *tree = d->containers;

	while (tree && (!tree->gone || strcmp(tree->root, mount->point) != 0 ||
			strcmp(tree->layers.dirs[0], layers->dirs[0]) != 0))
		tree = tree->next;
	return tree;
}

/*
 * What it changed before it was found is in its layer; but whoever watches new roots by
 * rule has told of it, too, and knows who: that first.
 */
static void settle_soon(struct tree *tree)
{
	tree->heard_ns = fim_time_now();
	tree->rescan_ms = now_ms() + HEARD_MS;
	tree->is_watched = true;
}

static void tree_add(struct daemon *d, const struct mount *mount, const char *id)
{
	struct layers layers;
	struct tree *tree;
	struct stat st;

	if (layers_parse(mount->options, mount->point, &layers))
		return; /* nothing can be written to it */
	if (stat(mount->point, &st) < 0) {
		layers_clear(&layers);
		return; /* unmounted again already */
	}
	tree = tree_return(d, mount, &layers);
	if (tree) {
		layers_clear(&layers);
		tree->gone = false;
	} else if (!tree_new(mount->point, &tree)) {
		tree->container = true;
		tree->layers = layers;
		tree->next = d->containers;
		d->containers = tree;
	} else {
		layers_clear(&layers);
		d->counters.no_memory++;
		return;
	}
	tree->dev = st.st_dev;
	tree->mount_id = mount->id;
	memcpy(tree->id, id, sizeof(tree->id));
	if (watch_container(d, tree)) {
		if (d->source.ops && d->source.ops->rule_add)
			settle_soon(tree);
		else
			settle_container(d, tree, "watch");
	}
	outsiders_want(d);
}

static void trees_forget(struct daemon *d)
{
	struct tree **at = &d->containers;
	size_t kept = 0;

	while (*at) {
		struct tree *tree = *at;

		if (!tree->gone || kept++ < TREES_KEPT) {
			at = &tree->next;
			continue;
		}
		*at = tree->next;
		tree_put(tree);
	}
}

/* @seen: NULL, or where the trees that are mounted go. */
static void mount_visit(struct daemon *d, char *line, struct tree **seen, size_t *seen_count,
			size_t seen_max)
{
	char id[FIM_CONTAINER_ID_SIZE];
	struct mount mount;
	struct tree *tree;

	if (mount_parse(line, &mount))
		return;
	if (mount_is_container(&mount, id)) {
		if (!tree_mounted(d, &mount))
			tree_add(d, &mount, id);
		tree = tree_mounted(d, &mount);
		if (seen && tree && *seen_count < seen_max)
			seen[(*seen_count)++] = tree;
	}
	mount_clear(&mount);
}

static bool contains(struct tree *const *trees, size_t count, const struct tree *tree)
{
	for (size_t i = 0; i < count; i++)
		if (trees[i] == tree)
			return true;
	return false;
}

#define SEEN_MAX 4096

/* False if the table could not be read to its end. */
static bool mounts_visit(struct daemon *d, struct tree **seen, size_t *seen_count)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool good;

	if (!file)
		return false;
	while (getline(&line, &size, file) > 0)
		mount_visit(d, line, seen, seen_count, SEEN_MAX);
	good = !ferror(file);
	fclose(file);
	free(line);
	return good;
}

void mounts_find(struct daemon *d)
{
	if (!d->config->watch_containers)
		return;
	mounts_visit(d, NULL, NULL);
}

void mounts_refresh(struct daemon *d)
{
	struct tree **seen = NULL;
	size_t seen_count = 0;

	watch_check(d);
	if (!d->config->watch_containers)
		return;
	seen = calloc(SEEN_MAX, sizeof(struct tree *));
	if (!seen || !mounts_visit(d, seen, &seen_count) || seen_count == SEEN_MAX)
		goto out;
	for (struct tree *tree = d->containers; tree; tree = tree->next) {
		if (tree->gone || tree->plain || contains(seen, seen_count, tree))
			continue;
		watch_forget_tree(d, tree);
		/* Mounted for a moment: an engine looked whether it can; nobody ran in it. */
		tree->is_watched = false;
		tree->rescan_ms = 0;
		tree->gone = true;
	}
	trees_forget(d);
out:
	free(seen);
}
