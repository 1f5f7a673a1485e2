/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's file system or one container's: what is expected at a path, what was
 * last recorded there, and how to measure it.  Owns the memory of known paths.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/openat2.h>
#include <unistd.h>

#include "daemon.h"

const char *const tree_scopes[TREE_SCOPES] = {"usr/bin", "usr/sbin", "etc"};

/*
 * A time stamp has the resolution of a timer tick: a change right after an
 * observation can leave ctime as it is.  An observation counts as proof only when
 * the file's last change was older than this.
 */
#define CTIME_TRUST_NS 100000000

static const struct fim_rule container_rule = {.cls = FIM_CLASS_STRICT};

static void known_free(struct map_node *node)
{
	struct known *known = (struct known *)node;

	if (known->last)
		fim_state_clear(known->last);
	free(known->last);
	free(known);
}

int tree_new(const char *root, struct tree **tree_ret)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	tree->refs = 1;
	tree->root = strdup(root);
	if (!tree->root || map_init(&tree->known) || map_init(&tree->pending)) {
		tree_put(tree);
		return -ENOMEM;
	}
	*tree_ret = tree;
	return 0;
}

struct tree *tree_get(struct tree *tree)
{
	tree->refs++;
	return tree;
}

void tree_put(struct tree *tree)
{
	if (!tree || --tree->refs)
		return;
	for (size_t i = 0; i < TREE_SCOPES; i++)
		free(tree->scopes[i]);
	layers_clear(&tree->layers);
	map_exit(&tree->known, known_free);
	free(tree->seen);
	/* Each pending path holds a reference: there is none. */
	map_exit(&tree->pending, NULL);
	free(tree->root);
	free(tree);
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

bool tree_covers(const struct daemon *d, const struct tree *tree, const char *path)
{
	if (!tree->container)
		return fim_policy_covers(fim_baseline_policy(d->baseline), path);
	for (size_t i = 0; i < TREE_SCOPES; i++)
		if (tree->scopes[i] && is_below(path, tree->scopes[i]))
			return true;
	return false;
}

const struct fim_rule *tree_rule(const struct daemon *d, const struct tree *tree, const char *path)
{
	if (tree->container)
		return &container_rule;
	return fim_policy_lookup(fim_baseline_policy(d->baseline), path);
}

uint32_t tree_mask(const struct daemon *d, const struct tree *tree, const char *path)
{
	uint32_t mask = fim_class_mask(tree_rule(d, tree, path)->cls);

	/* Copying a file up breaks its hard links, whatever the container did to it. */
	return tree->container ? mask & ~FIM_DIFF_NLINK : mask;
}

/* What @path was seen as: @known if that is one, else in the table beside the baseline; or NULL. */
static struct seen *seen_of(const struct daemon *d, const struct tree *tree, const char *path,
			    struct known *known)
{
	const struct fim_entry *entry;

	if (known)
		return &known->seen;
	if (tree->container || !tree->seen)
		return NULL;
	entry = fim_baseline_lookup(d->baseline, path);
	return entry ? &tree->seen[entry - fim_baseline_index(d->baseline, 0)] : NULL;
}

/* An image's layers stay as they are: what they do not have is looked for once. */
static int image_expected(struct daemon *d, const struct tree *tree, const char *path,
			  struct fim_state *state_ret)
{
	struct known *known = map_find(&tree->known, path);
	int err = 0;

	memset(state_ret, 0, sizeof(*state_ret));
	if (known && known->not_in_image)
		return 0;
	err = layers_measure(&tree->layers, 1, path, d->hasher, state_ret);
	if (known && !err)
		known->not_in_image = state_ret->type == FIM_TYPE_NONE;
	return err;
}

int tree_expected(struct daemon *d, const struct tree *tree, const char *path,
		  struct fim_state *state_ret)
{
	const struct fim_entry *entry;

	if (tree->container)
		return image_expected(d, tree, path, state_ret);
	entry = fim_baseline_lookup(d->baseline, path);
	if (entry)
		return fim_state_copy(&entry->state, state_ret);
	memset(state_ret, 0, sizeof(*state_ret));
	return 0;
}

int tree_last(struct daemon *d, const struct tree *tree, const char *path,
	      struct fim_state *state_ret)
{
	struct known *known = map_find(&tree->known, path);
	const struct seen *seen = seen_of(d, tree, path, known);
	struct fim_state state = {0};
	int err;

	if (known && known->last)
		err = fim_state_copy(known->last, &state);
	else
		err = tree_expected(d, tree, path, &state);
	if (err)
		return err;
	state.dev = seen ? seen->dev : 0;
	state.ino = seen ? seen->ino : 0;
	state.ctime_ns = seen ? seen->ctime_ns : 0;
	state.mtime_ns = seen ? seen->mtime_ns : 0;
	*state_ret = state;
	return 0;
}

int tree_open(struct daemon *d, const struct tree *tree, const char *path, int *fd_ret,
	      const char **rel_ret)
{
	const char *rel = path + strspn(path, "/");
	struct stat st;
	int fd;

	if (!tree->container) {
		const struct watch *watch = watch_covering(d, path);

		if (watch) {
			rel = path + strlen(watch->dir);
			rel += strspn(rel, "/");
			fd = fcntl(watch->dirfd, F_DUPFD_CLOEXEC, 3);
		} else {
			fd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		}
	} else {
		fd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* Unmounted: the directory under the mount point is not the container's. */
		if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != tree->dev)) {
			close(fd);
			return -ESTALE;
		}
	}
	if (fd < 0)
		return -errno;
	*fd_ret = fd;
	*rel_ret = rel;
	return 0;
}

/*
 * Whoever is root in a container makes a file of any size for nothing (holes), and
 * while it is read, nothing else is: beyond a bound only size and attributes count.
 */
static int container_measure(struct daemon *d, int fd, const char *rel, uint32_t flags,
			     struct fim_state *state_ret)
{
	int err = fim_measure_at(fd, rel, flags | FIM_MEASURE_BOUNDED, d->hasher, state_ret);

	if (!err)
		layers_strip(state_ret);
	return err;
}

/* In the terms of the path's class: what a template or growth allows is no change. */
static int host_measure(struct daemon *d, const struct tree *tree, int fd, const char *rel,
			const char *path, uint32_t flags, struct fim_state *state_ret)
{
	const struct fim_entry *entry = fim_baseline_lookup(d->baseline, path);

	if (flags & FIM_MEASURE_NO_DIGEST)
		return fim_measure_at(fd, rel, flags, d->hasher, state_ret);
	return fim_measure_as(fd, rel, flags, tree_rule(d, tree, path),
			      entry ? &entry->state : NULL, d->hasher, state_ret);
}

int tree_measure(struct daemon *d, const struct tree *tree, const char *path, uint32_t flags,
		 struct fim_state *state_ret)
{
	struct fim_state state = {0};
	const char *rel;
	int fd;
	int err = tree_open(d, tree, path, &fd, &rel);

	/* What is not compared need not be read. */
	if (!(tree_mask(d, tree, path) & FIM_DIFF_DIGEST))
		flags |= FIM_MEASURE_NO_DIGEST;
	if (err && tree->container)
		return layers_measure(&tree->layers, 0, path, d->hasher, state_ret);
	if (err)
		return err;
	if (tree->container)
		err = container_measure(d, fd, rel, flags, &state);
	else
		err = host_measure(d, tree, fd, rel, path, flags, &state);
	close(fd);
	if (!err)
		*state_ret = state;
	return err;
}

void tree_forget(struct tree *tree)
{
	map_clear(&tree->known, known_free);
	free(tree->seen);
	tree->seen = NULL;
}

/* Names come and go for ever: what is not there, as expected, need not be remembered. */
static void known_tidy(struct tree *tree, struct known *known, const struct fim_state *state)
{
	char *key = known->node.key;

	if (known->last || known->unreadable || state->type != FIM_TYPE_NONE)
		return;
	map_del(&tree->known, &known->node);
	free(key);
	known_free(&known->node);
}

static struct known *known_new(struct tree *tree, const char *path)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known && map_put(&tree->known, path, &known->node)) {
		free(known);
		return NULL;
	}
	return known;
}

static struct known *known_get(struct tree *tree, const char *path)
{
	struct known *known = map_find(&tree->known, path);

	return known ? known : known_new(tree, path);
}

static void seen_set(struct seen *seen, const struct fim_state *state)
{
	*seen = (struct seen){
		.dev = state->dev,
		.ino = state->ino,
		.ctime_ns = state->ctime_ns,
		.mtime_ns = state->mtime_ns,
		.size = state->size,
		.settled = fim_time_now() - state->ctime_ns > CTIME_TRUST_NS,
	};
}

void tree_observe(const struct daemon *d, struct tree *tree, const char *path,
		  const struct fim_state *state)
{
	struct known *known = map_find(&tree->known, path);
	struct seen *seen;

	/* Without memory the next change of the path costs one more digest. */
	if (!tree->container && !tree->seen)
		tree->seen = calloc(fim_baseline_count(d->baseline) + 1, sizeof(*tree->seen));
	seen = seen_of(d, tree, path, known);
	if (!seen) {
		known = known_new(tree, path);
		seen = known ? &known->seen : NULL;
	}
	if (seen)
		seen_set(seen, state);
	if (known)
		known_tidy(tree, known, state);
}

bool tree_unreadable(struct tree *tree, const char *path)
{
	struct known *known = known_get(tree, path);
	bool news = !known || !known->unreadable;

	if (known)
		known->unreadable = true;
	return news;
}

int tree_record(struct daemon *d, struct tree *tree, const char *path,
		const struct fim_state *state)
{
	struct known *known = known_get(tree, path);
	struct fim_state expected = {0};
	struct fim_state *last = NULL;
	int err;

	if (!known)
		return -ENOMEM;
	err = tree_expected(d, tree, path, &expected);
	if (err)
		return err;
	if (fim_state_diff(&expected, state) & tree_mask(d, tree, path)) {
		last = calloc(1, sizeof(*last));
		err = last ? fim_state_copy(state, last) : -ENOMEM;
	}
	fim_state_clear(&expected);
	if (err) {
		free(last);
		return err;
	}
	if (known->last)
		fim_state_clear(known->last);
	free(known->last);
	known->last = last;
	known->recorded_run = d->compare_run;
	seen_set(&known->seen, state);
	known_tidy(tree, known, state);
	return 0;
}

bool tree_is_untouched(const struct daemon *d, const struct tree *tree, const char *path,
		       const struct fim_state *stat)
{
	struct known *known = map_find(&tree->known, path);
	const struct seen *seen = seen_of(d, tree, path, known);

	return seen && seen->ino && seen->dev == stat->dev && seen->ino == stat->ino &&
	       seen->ctime_ns == stat->ctime_ns && seen->mtime_ns == stat->mtime_ns &&
	       seen->size == stat->size && seen->settled;
}

bool tree_is_settled(const struct daemon *d, const struct tree *tree, const char *path)
{
	const struct seen *seen = seen_of(d, tree, path, map_find(&tree->known, path));

	return seen && seen->ino && seen->settled;
}

static bool is_inode(const struct seen *seen, const struct fim_state *state)
{
	return seen->ino == state->ino && seen->dev == state->dev;
}

const char *tree_other_name(const struct daemon *d, const struct tree *tree, const char *path,
			    const struct fim_state *state)
{
	const struct known *known = NULL;

	while (state->ino && (known = map_next(&tree->known, known)))
		if (is_inode(&known->seen, state) && strcmp(known->node.key, path) != 0)
			return known->node.key;
	for (size_t i = 0; state->ino && tree->seen && i < fim_baseline_count(d->baseline); i++) {
		const struct fim_entry *entry = fim_baseline_index(d->baseline, i);

		if (is_inode(&tree->seen[i], state) && strcmp(entry->path, path) != 0 &&
		    !map_find(&tree->known, entry->path))
			return entry->path;
	}
	return NULL;
}

/* First entry of the baseline that is not before @path, in the order of bytes. */
static size_t baseline_lower_bound(const struct fim_baseline *baseline, const char *path)
{
	size_t low = 0;
	size_t high = fim_baseline_count(baseline);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(fim_baseline_index(baseline, mid)->path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int each_expected(struct daemon *d, const char *prefix, walk_fn fn, void *ctx)
{
	size_t i = baseline_lower_bound(d->baseline, prefix);
	size_t len = strlen(prefix);
	int err = 0;

	for (; i < fim_baseline_count(d->baseline) && !err; i++) {
		const char *path = fim_baseline_index(d->baseline, i)->path;

		if (strncmp(path, prefix, len) != 0)
			break;
		err = fn(ctx, path);
	}
	return err;
}

/* @fn may record paths, so the table is not walked while it is called. */
static int each_recorded(struct tree *tree, const char *prefix, walk_fn fn, void *ctx)
{
	size_t len = strlen(prefix);
	char **paths = calloc(tree->known.count + 1, sizeof(*paths));
	size_t count = 0;
	int err = paths ? 0 : -ENOMEM;

	for (struct known *known = NULL; !err && (known = map_next(&tree->known, known));) {
		if (!known->last || strncmp(known->node.key, prefix, len) != 0)
			continue;
		paths[count] = strdup(known->node.key);
		if (!paths[count++])
			err = -ENOMEM;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = fn(ctx, paths[i]);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return err;
}

int tree_each_below(struct daemon *d, struct tree *tree, const char *dir, walk_fn fn, void *ctx)
{
	char *prefix;
	int err = 0;

	if (asprintf(&prefix, "%s/", dir) < 0)
		return -ENOMEM;
	if (tree->container)
		err = layers_each_below(&tree->layers, 1, dir, fn, ctx);
	else
		err = each_expected(d, prefix, fn, ctx);
	if (!err)
		err = each_recorded(tree, prefix, fn, ctx);
	free(prefix);
	return err;
}
