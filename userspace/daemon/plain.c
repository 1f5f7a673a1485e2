/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers' root file systems that are directories: Docker's storage drivers vfs and
 * btrfs copy the image (btrfs: as a snapshot) instead of mounting layers over each other, so no
 * mount table shows them.  The engine is asked where they are when it says that it
 * created a container, which is before it starts it.
 *
 *	ROOT/image/DRIVER/layerdb/mounts/CONTAINER/mount-id	name of its directory
 *	ROOT/image/DRIVER/layerdb/mounts/CONTAINER/init-id	of the one it was copied from
 *	ROOT/vfs/dir/NAME, ROOT/btrfs/subvolumes/NAME
 *
 * The directory that it was copied from stays as long as the container: it is the image
 * (and the empty files that the engine mounts over), and so what came before a change.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define NAME_LEN 64 /* of a directory: digits of a random number, then perhaps "-init" */

static const char *directories_of(const char *driver)
{
	if (strcmp(driver, "vfs") == 0)
		return "vfs/dir";
	return strcmp(driver, "btrfs") == 0 ? "btrfs/subvolumes" : NULL;
}

static bool is_name(const char *text, size_t len)
{
	size_t digits = strspn(text, "0123456789abcdef");

	return digits == NAME_LEN &&
	       (len == digits || (len == digits + 5 && strcmp(text + digits, "-init") == 0));
}

/* Path of the directory that @file names; "" if it does not, NULL: no memory. */
static char *directory_read(const char *root, const char *driver, const char *id, const char *file)
{
	char *path, *name = NULL, *dir = NULL;
	size_t len = 0;

	if (asprintf(&path, "%s/image/%s/layerdb/mounts/%s/%s", root, driver, id, file) < 0)
		return NULL;
	if (fim_file_read(path, 256, &name, &len) || !is_name(name, len))
		dir = strdup("");
	else if (asprintf(&dir, "%s/%s/%s", root, directories_of(driver), name) < 0)
		dir = NULL;
	free(path);
	free(name);
	return dir;
}

int plain_root(const struct fim_json *inspect, char **root_ret, char **image_ret)
{
	const char *driver = fim_json_str(fim_json_at(inspect, "GraphDriver/Name"));
	const char *root = fim_json_str(fim_json_at(inspect, "Engine/DockerRootDir"));
	const char *id = fim_json_get_str(inspect, "Id");
	char *dir, *image;

	*root_ret = *image_ret = NULL;
	if (!driver || !root || root[0] != '/' || !id || !is_name(id, strlen(id)) ||
	    !directories_of(driver))
		return -ENOENT;
	dir = directory_read(root, driver, id, "mount-id");
	image = directory_read(root, driver, id, "init-id");
	if (dir && image && *dir && *image) {
		*root_ret = dir;
		*image_ret = image;
		return 0;
	}
	free(dir);
	free(image);
	return dir && image ? -ENOENT : -ENOMEM;
}

bool plain_is_known_driver(const char *driver)
{
	static const char *const mounted[] = {"", "overlay2", "overlay", "overlayfs"};

	for (size_t i = 0; i < sizeof(mounted) / sizeof(mounted[0]); i++)
		if (strcmp(driver, mounted[i]) == 0)
			return true;
	return directories_of(driver) != NULL;
}

static struct tree *tree_of(const struct daemon *d, const char *root)
{
	struct tree *tree = d->containers;

	while (tree && (!tree->plain || strcmp(tree->root, root) != 0))
		tree = tree->next;
	return tree;
}

static int layers_of(const char *root, const char *image, struct layers *layers)
{
	layers->dirs = calloc(2, sizeof(*layers->dirs));
	if (!layers->dirs)
		return -ENOMEM;
	layers->count = 2;
	layers->dirs[0] = strdup(root);
	layers->dirs[1] = strdup(image);
	return layers->dirs[0] && layers->dirs[1] ? 0 : -ENOMEM;
}

/* NULL: no memory. */
static struct tree *tree_make(struct daemon *d, const char *root, const char *image, const char *id,
			      const struct stat *st)
{
	struct tree *tree;

	if (tree_new(root, &tree))
		return NULL;
	if (layers_of(root, image, &tree->layers)) {
		tree_put(tree);
		return NULL;
	}
	tree->container = true;
	tree->plain = true;
	tree->dev = st->st_dev;
	snprintf(tree->id, sizeof(tree->id), "%s", id);
	tree->next = d->containers;
	d->containers = tree;
	return tree;
}

/* Directories and files of its scopes that somebody touched since then. */
struct since {
	int rootfd;
	int64_t time_ns;
	bool touched;
};

static int look(void *ctx, const char *path)
{
	struct since *since = ctx;
	int64_t ctime_ns;

	if (walk_ctime(since->rootfd, path, &ctime_ns) || ctime_ns >= since->time_ns)
		since->touched = true;
	return 0;
}

/*
 * What a container did before it was watched has a ctime of its own life.  Whoever is
 * only created has not lived: nothing need be compared then, and most never need it.
 */
static bool is_touched(const struct tree *tree, int64_t since_ns)
{
	struct since since = {.rootfd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC),
			      .time_ns = since_ns};
	int err = since.rootfd < 0 ? -errno : 0;

	for (size_t i = 0; i < TREE_SCOPES && !err && !since.touched; i++) {
		const char *scope = tree->scopes[i];

		if (!scope)
			continue;
		err = look(&since, scope);
		if (!err)
			err = walk(since.rootfd, scope + strspn(scope, "/"), scope, look, &since);
	}
	if (since.rootfd >= 0)
		close(since.rootfd);
	return err || since.touched;
}

/* The engine's answer tells how it was started last; the process may have ended since. */
bool plain_is_idle(const struct daemon *d, const struct tree *tree)
{
	const struct fim_container *container = tree->plain ? containers_find(d, tree->id) : NULL;
	char proc[32];

	if (!tree->plain)
		return false;
	if (!container || !container->running || container->pid <= 0)
		return true;
	snprintf(proc, sizeof(proc), "/proc/%lld", (long long)container->pid);
	return access(proc, F_OK) != 0;
}

/* @since_ns: nothing was done before that; 0: something may have been. */
static void compare(struct daemon *d, struct tree *tree, int64_t since_ns, int64_t until_ns)
{
	int64_t now = fim_time_now();

	if (!since_ns || is_touched(tree, since_ns - FIM_TICK_NS))
		settle_gap(d, tree, "watch", until_ns);
	tree->looked_ns = now;
}

/* It starts: what was done while it did not run was heard, but is not told before now. */
static void on_start(struct daemon *d, struct tree *tree, const struct fim_json *inspect)
{
	const char *text = fim_json_str(fim_json_at(inspect, "State/StartedAt"));
	int64_t until_ns;

	if (!text || fim_time_parse(text, &until_ns))
		until_ns = fim_time_now();
	if (until_ns <= tree->skipped_ns)
		until_ns = tree->skipped_ns + 1;
	compare(d, tree, tree->looked_ns, until_ns);
}

void plain_add(struct daemon *d, const struct engine_news *news)
{
	struct tree *tree = tree_of(d, news->root);
	struct stat st;

	if (!d->config->watch_containers)
		return;
	if (tree && !tree->gone) {
		if (container_has_started(news))
			on_start(d, tree, news->inspect);
		return;
	}
	if (stat(news->root, &st) < 0)
		return; /* removed again already */
	if (!tree)
		tree = tree_make(d, news->root, news->image, news->container->id, &st);
	if (!tree) {
		d->counters.no_memory++;
		return;
	}
	tree->gone = false;
	if (watch_container(d, tree))
		compare(d, tree, news->untouched_ns, d->source.ops ? fim_time_now() : INT64_MAX);
}

bool plain_skips(const struct daemon *d, struct tree *tree, const struct cause *cause)
{
	if (cause->container_id[0] || !plain_is_idle(d, tree))
		return false;
	tree->skipped_ns = cause->change->event.rec.time_ns;
	return true;
}

void plain_gone(struct daemon *d, const char *id)
{
	for (struct tree *tree = d->containers; tree; tree = tree->next) {
		if (!tree->plain || tree->gone || strcmp(tree->id, id) != 0)
			continue;
		watch_forget_tree(d, tree);
		tree->gone = true;
	}
}
