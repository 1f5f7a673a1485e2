/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directories the source watches, and which tree and path each stands for.
 * Owns the host watches' directory descriptors: what is measured after an event is
 * what the watch is on, also when its path was covered by a mount meanwhile.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define ANNOUNCE_MS 10000

static void watch_free(struct watch *watch)
{
	if (watch->dirfd >= 0)
		close(watch->dirfd);
	tree_put(watch->tree);
	free(watch->dir);
	free(watch);
}

static void watch_say(struct daemon *d, const char *action, const struct tree *tree,
		      const char *dir)
{
	struct fim_json *body = fim_json_object();

	fim_json_set_str(body, "action", action);
	fim_json_set_str(body, "scope", tree->container ? "container" : "host");
	fim_json_set_path(body, "path", *dir ? dir : "/");
	if (tree->container && tree->id[0])
		fim_json_set_str(body, "container_id", tree->id);
	record_append(d, "watch", body, NULL);
}

static void announce(struct daemon *d, struct watch *watch)
{
	watch->said = true;
	watch_say(d, "added", watch->tree, watch->dir);
}

/* Takes over @fd. */
static int watch_put(struct daemon *d, struct tree *tree, int fd, const char *dir)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	uint32_t id = 0;
	int err;

	if (!watch) {
		close(fd);
		return -ENOMEM;
	}
	watch->dirfd = fd;
	watch->tree = tree_get(tree);
	watch->dir = strdup(strcmp(dir, "/") == 0 ? "" : dir);
	err = watch->dir ? d->source.ops->watch_add(&d->source, fd, &id) : -ENOMEM;
	/* The module keeps watches when a reader goes: this is ours of the run before. */
	if (err == -EEXIST)
		err = 0;
	if (err || watch_find(d, id)) {
		watch_free(watch);
		return err;
	}
	watch->id = id;
	if (tree->container) {
		close(watch->dirfd);
		watch->dirfd = -1;
	}
	watch->next = d->watches;
	d->watches = watch;
	watch->added_ms = now_ms();
	if (!tree->container)
		announce(d, watch);
	return 0;
}

/*
 * An engine mounts a container's root several times before it starts it, and tells
 * the id later than the mount table shows the mount: a record is written when it can
 * name the container, or when nobody does.
 */
void watch_announce(struct daemon *d)
{
	int64_t now = now_ms();

	for (struct watch *watch = d->watches; watch; watch = watch->next) {
		struct tree *tree = watch->tree;
		const char *id = watch->said || tree->id[0] ? NULL
							    : containers_id_of(d, tree->root);

		if (id)
			memcpy(tree->id, id, sizeof(tree->id));
		if (!watch->said && (tree->id[0] || now - watch->added_ms > ANNOUNCE_MS))
			announce(d, watch);
	}
}

/* The module walks a directory that is watched already when it is added again. */
static void watch_walk(struct daemon *d, struct watch *watch)
{
	uint32_t id;
	const char *rel;
	int fd = -1;

	watch->unmarked = false;
	if (!watch->tree->container) {
		d->source.ops->watch_add(&d->source, watch->dirfd, &id);
		return;
	}
	if (tree_open(d, watch->tree, watch->dir, &fd, &rel))
		return;
	if (*rel) {
		int dirfd = fim_open_dir_inside(fd, rel);

		close(fd);
		fd = dirfd;
	}
	if (fd >= 0) {
		if (d->source.ops->watch_add(&d->source, fd, &id) == 0 && id != watch->id)
			d->source.ops->watch_del(&d->source, id); /* not the one we meant */
		close(fd);
	}
}

void watch_mark(struct daemon *d)
{
	bool any = false;

	if (!d->source.ops)
		return;
	for (struct watch *watch = d->watches; watch; watch = watch->next)
		any |= watch->unmarked;
	/* What is heard of a file system is for all its watches together. */
	for (struct watch *watch = any ? d->watches : NULL; watch; watch = watch->next)
		watch_walk(d, watch);
}

struct watch *watch_find(const struct daemon *d, uint32_t id)
{
	struct watch *watch = d->watches;

	while (watch && watch->id != id)
		watch = watch->next;
	return watch;
}

struct watch *watch_covering(const struct daemon *d, const char *path)
{
	struct watch *best = NULL;

	for (struct watch *watch = d->watches; watch; watch = watch->next)
		if (!watch->tree->container && !watch->own && fim_path_is_in(path, watch->dir) &&
		    (!best || strlen(watch->dir) > strlen(best->dir)))
			best = watch;
	return best;
}

char *watch_path(const struct watch *watch, const char *fs_path, unsigned int depth)
{
	const char *below = fim_path_below(fs_path, depth);
	char *path;

	if (!below)
		return NULL;
	if (asprintf(&path, "%s%s%s", watch->dir, depth ? "/" : "", below) < 0)
		return NULL;
	if (path[0] == '\0') { /* the root of a tree */
		free(path);
		path = strdup("/");
	}
	return path;
}

static void watch_del(struct daemon *d, struct watch *watch)
{
	struct watch **at = &d->watches;

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	watch_free(watch);
}

static bool is_same(const struct watch *watch, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(watch->dirfd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* A policy root that is still the directory that is watched. */
static bool is_watched(const struct daemon *d, const char *root, int fd)
{
	const struct watch *watch = watch_covering(d, root);

	return watch && strcmp(watch->dir, root) == 0 && is_same(watch, fd);
}

/* Another directory has the name now: let go of the one that had it. */
static void drop_stale(struct daemon *d, const char *root)
{
	struct watch *watch = watch_covering(d, root);

	if (!watch || strcmp(watch->dir, root) != 0)
		return;
	if (d->source.ops)
		d->source.ops->watch_del(&d->source, watch->id);
	watch_say(d, "gone", watch->tree, watch->dir);
	watch_del(d, watch);
}

/*
 * A root that does not exist (yet) is seen to appear from the next directory above
 * that does.  Never from "/": watching everything to see one name costs more than
 * the comparison that finds it too.
 */
static int watch_ancestor(struct daemon *d, const char *root)
{
	char *dir = strdup(root);
	int err = -ENOENT;

	while (dir && err == -ENOENT) {
		char *slash = strrchr(dir, '/');
		int fd;

		if (!slash || slash == dir)
			break;
		*slash = '\0';
		fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0) {
			err = -errno;
			continue;
		}
		if (is_watched(d, dir, fd)) {
			close(fd);
			err = 0;
		} else {
			err = watch_put(d, d->host, fd, dir);
		}
	}
	free(dir);
	return err;
}

static int watch_root(struct daemon *d, const char *root)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0 && errno == ENOENT)
		return watch_ancestor(d, root);
	if (fd < 0)
		return -errno;
	if (is_watched(d, root, fd)) {
		close(fd);
		return 0;
	}
	drop_stale(d, root);
	err = watch_put(d, d->host, fd, root);
	return err;
}

static bool has_own_watch(const struct daemon *d, const char *dir)
{
	const struct watch *watch = watch_covering(d, dir);

	return watch && strcmp(watch->dir, dir) == 0;
}

/* True if the watch only waited for a root below it to appear, and it did. */
static bool is_spare(const struct daemon *d, const struct watch *watch)
{
	const struct fim_policy *policy = fim_baseline_policy(d->baseline);

	for (size_t i = 0; i < fim_policy_root_count(policy); i++) {
		const char *root = fim_policy_root(policy, i);

		if (strcmp(root, watch->dir) == 0 ||
		    (fim_path_is_in(root, watch->dir) && !has_own_watch(d, root)))
			return false;
	}
	return !watch->tree->container && !watch->own;
}

static void drop_spare(struct daemon *d)
{
	struct watch *next;

	for (struct watch *watch = d->watches; watch; watch = next) {
		next = watch->next;
		if (!is_spare(d, watch))
			continue;
		d->source.ops->watch_del(&d->source, watch->id);
		watch_say(d, "gone", watch->tree, watch->dir);
		watch_del(d, watch);
	}
}

void watch_host(struct daemon *d)
{
	const struct fim_policy *policy = fim_baseline_policy(d->baseline);
	bool complete = true;

	if (!d->source.ops)
		return;
	for (size_t i = 0; i < fim_policy_root_count(policy); i++) {
		const char *root = fim_policy_root(policy, i);
		int err = watch_root(d, root);

		/* A file or a link: its directory is not ours to watch. */
		if (err == -ENOTDIR || err == -ELOOP) {
			control_set(d, COMPONENT_WATCH, CONTROL_INFO,
				    "%s is not a directory: only comparisons see it", root);
		} else if (err) {
			complete = false;
			control_set(d, COMPONENT_WATCH, CONTROL_DEGRADED,
				    "%s cannot be watched: %s", root, strerror(-err));
		}
	}
	drop_spare(d);
	own_watch(d);
	if (complete)
		control_set(d, COMPONENT_WATCH, CONTROL_UP,
			    "every directory of the policy is watched");
}

/* Is what is at the watch's place what is watched? */
static bool is_in_place(const struct watch *watch)
{
	int fd =
		open(*watch->dir ? watch->dir : "/", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool same = fd >= 0 && is_same(watch, fd);

	if (fd >= 0)
		close(fd);
	return same;
}

void watch_check(struct daemon *d)
{
	struct watch *watch = d->watches;

	while (watch && (watch->tree->container || is_in_place(watch)))
		watch = watch->next;
	if (!watch)
		return;
	control_set(d, COMPONENT_WATCH, CONTROL_DEGRADED,
		    "%s is another directory since something was mounted or unmounted",
		    *watch->dir ? watch->dir : "/");
	/* What was seen of the old one still needs its watch. */
	events_read(d);
	watch_host(d);
	comparison_want(d, TRIGGER_WATCH);
}

static struct watch *watch_of_own(const struct daemon *d, const char *dir)
{
	struct watch *watch = d->watches;

	while (watch && (!watch->own || strcmp(watch->dir, dir) != 0))
		watch = watch->next;
	return watch;
}

int watch_own(struct daemon *d, int fd, const char *dir)
{
	struct watch *watch = watch_of_own(d, dir);
	struct watch *first;
	int err;

	if (watch && is_same(watch, fd)) {
		close(fd);
		return 0;
	}
	if (watch) {
		d->source.ops->watch_del(&d->source, watch->id);
		watch_del(d, watch);
	}
	first = d->watches;
	err = watch_put(d, d->host, fd, dir);
	/* None is new if a policy names the same directory. */
	if (d->watches != first)
		d->watches->own = true;
	return err;
}

/* Path of @fd inside the tree; symbolic links are resolved by then. */
static char *path_in_tree(const struct tree *tree, int fd)
{
	char proc[64];
	char path[4096];
	size_t root_len = strlen(tree->root);
	ssize_t len;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	len = readlink(proc, path, sizeof(path) - 1);
	if (len < 0)
		return NULL;
	path[len] = '\0';
	if (!fim_path_is_in(path, tree->root))
		return NULL;
	return strdup(path[root_len] ? path + root_len : "/");
}

/* Watch @dir (relative), or the deepest directory above it that exists. */
static int watch_scope(struct daemon *d, struct tree *tree, int rootfd, const char *dir, size_t i)
{
	char name[64];
	char *slash;
	char *real;
	int fd;
	int err;

	snprintf(name, sizeof(name), "%s", dir);
	/* A link may point anywhere inside the container: what counts is where it leads. */
	while ((fd = fim_open_dir_inside(rootfd, name)) < 0) {
		if (strcmp(name, ".") == 0)
			return fd;
		slash = strrchr(name, '/');
		if (slash)
			*slash = '\0';
		else
			strcpy(name, ".");
	}
	real = path_in_tree(tree, fd);
	if (!real) {
		close(fd);
		return -ESTALE;
	}
	free(tree->scopes[i]);
	tree->scopes[i] = NULL;
	if (strcmp(name, dir) == 0)
		tree->scopes[i] = strdup(real);
	else if (asprintf(&tree->scopes[i], "/%s", dir) < 0)
		tree->scopes[i] = NULL;
	/* Without a source the scopes still tell comparisons where to look. */
	err = tree->scopes[i] ? 0 : -ENOMEM;
	if (!err && d->source.ops)
		err = watch_put(d, tree, fd, real);
	else
		close(fd);
	free(real);
	return err;
}

/* Unmounted: the directory under the mount point is not the container's. */
static bool is_root_there(const struct tree *tree, int rootfd)
{
	struct stat st;

	return fstat(rootfd, &st) == 0 && st.st_dev == tree->dev;
}

/* An engine mounts roots only to see whether it can: of those, too, nothing is left. */
static bool is_root_gone(const struct tree *tree)
{
	int fd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool gone = fd < 0 || !is_root_there(tree, fd);

	if (fd >= 0)
		close(fd);
	return gone;
}

bool watch_container(struct daemon *d, struct tree *tree)
{
	int rootfd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (rootfd < 0)
		return false;
	if (!is_root_there(tree, rootfd)) {
		close(rootfd);
		return false;
	}
	for (size_t i = 0; i < TREE_SCOPES; i++) {
		int err = watch_scope(d, tree, rootfd, tree_scopes[i], i);

		if (err && err != -ESTALE && !is_root_gone(tree))
			control_set(d, COMPONENT_WATCH, CONTROL_DEGRADED,
				    "%s below %s cannot be watched: %s", tree_scopes[i], tree->root,
				    strerror(-err));
	}
	close(rootfd);
	return true;
}

void watch_changed(struct daemon *d, uint32_t id, uint32_t state)
{
	struct watch *watch = watch_find(d, id);
	bool moved = state == FIM_STATE_WATCH_MOVED;
	struct tree *tree;

	if (!watch)
		return;
	tree = tree_get(watch->tree);
	if (watch->said)
		watch_say(d, moved ? "moved" : "gone", tree, watch->dir);
	if (!tree->container) {
		control_set(d, COMPONENT_WATCH, CONTROL_DEGRADED, "%s %s", watch->dir,
			    moved ? "was moved: its place is not watched"
				  : "is gone: it is not watched");
		if (moved && d->source.ops)
			d->source.ops->watch_del(&d->source, id);
		watch_del(d, watch);
		watch_host(d);
		comparison_want(d, TRIGGER_WATCH);
	} else {
		if (moved && d->source.ops)
			d->source.ops->watch_del(&d->source, id);
		watch_del(d, watch);
		/* Unmounted, or the container replaced the directory. */
		rescan_want(tree);
	}
	tree_put(tree);
}

void watch_forget_tree(struct daemon *d, struct tree *tree)
{
	struct watch *next;

	/* The module lets go by itself when the file system goes, but that may be later. */
	for (struct watch *watch = d->watches; watch && d->source.ops; watch = watch->next)
		if (watch->tree == tree)
			d->source.ops->watch_del(&d->source, watch->id);
	/* What happened until then is readable now, and needs the watch to be understood. */
	events_read(d);
	for (struct watch *watch = d->watches; watch; watch = next) {
		next = watch->next;
		if (watch->tree != tree)
			continue;
		if (watch->said)
			watch_say(d, "gone", tree, watch->dir);
		watch_del(d, watch);
	}
}

void watch_exit(struct daemon *d)
{
	while (d->watches)
		watch_del(d, d->watches);
}
