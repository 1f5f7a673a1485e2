/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directories are watched.
 *
 * A mark on a file system tells of every change on it, with the handle of the
 * directory where it happened.  One lookup in this table says whether that is ours,
 * without a system call; a directory that is removed before its events are read is
 * still found here.  Owns nothing but memory.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fanotify.h"

#define DEPTH_MAX 128

void fan_key(const void *fsid, const struct file_handle *handle, char key_ret[FAN_KEY_SIZE])
{
	unsigned char bytes[8 + 4 + MAX_HANDLE_SZ];
	unsigned int len = handle->handle_bytes <= MAX_HANDLE_SZ ? handle->handle_bytes
								 : MAX_HANDLE_SZ;

	memcpy(bytes, fsid, 8);
	memcpy(bytes + 8, &handle->handle_type, 4);
	memcpy(bytes + 12, handle->f_handle, len);
	fim_hex_encode(bytes, 12 + len, key_ret);
}

static void unlink_child(struct fan_dir *dir)
{
	struct fan_dir **at;

	if (!dir->parent)
		return;
	for (at = &dir->parent->children; *at && *at != dir; at = &(*at)->sibling)
		;
	if (*at)
		*at = dir->sibling;
	dir->parent = NULL;
	dir->sibling = NULL;
}

static void link_child(struct fan_dir *dir, struct fan_dir *parent)
{
	dir->parent = parent;
	if (!parent)
		return;
	dir->sibling = parent->children;
	parent->children = dir;
}

static bool is_above(const struct fan_dir *dir, const struct fan_dir *other)
{
	for (; other; other = other->parent)
		if (other == dir)
			return true;
	return false;
}

int fan_dir_move(struct fan_dir *dir, struct fan_dir *parent, const char *name)
{
	char *copy = name ? strdup(name) : NULL;

	if (name && !copy)
		return -ENOMEM;
	/* Told late, or told wrong: never a ring. */
	if (is_above(dir, parent)) {
		free(copy);
		return -ELOOP;
	}
	unlink_child(dir);
	link_child(dir, parent);
	free(dir->name);
	dir->name = copy;
	return 0;
}

int fan_dir_enter(struct map *dirs, const char *key, struct fan_dir *parent, const char *name,
		  struct fan_dir **dir_ret)
{
	struct fan_dir *dir = map_find(dirs, key);
	int err = 0;

	if (dir) {
		*dir_ret = dir;
		/* A watched one that turns out to lie below another. */
		return parent ? fan_dir_move(dir, parent, name) : 0;
	}
	dir = calloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	err = fan_dir_move(dir, parent, name);
	if (!err)
		err = map_put(dirs, key, &dir->node);
	if (err) {
		unlink_child(dir);
		free(dir->name);
		free(dir);
		return err;
	}
	*dir_ret = dir;
	return 0;
}

struct level {
	struct map *dirs;
	struct fan_dir *dir;
	unsigned int depth;
	int mount_id;
};

static int add_below(const struct level *level, int fd);

static int handle_of(int fd, const char *name, char key_ret[FAN_KEY_SIZE], int *mount_id_ret)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.handle.handle_bytes = MAX_HANDLE_SZ};
	struct statfs fs;

	if (name_to_handle_at(fd, name, &u.handle, mount_id_ret, *name ? 0 : AT_EMPTY_PATH) < 0 ||
	    fstatfs(fd, &fs) < 0)
		return -errno;
	fan_key(&fs.f_fsid, &u.handle, key_ret);
	return 0;
}

static int add_child(const struct level *level, int fd, const char *name)
{
	struct level below = {.dirs = level->dirs, .depth = level->depth + 1};
	char key[FAN_KEY_SIZE];
	int child;
	int err;

	child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	err = handle_of(child, "", key, &below.mount_id);
	/* Something else is mounted there: not of this file system. */
	if (err || below.mount_id != level->mount_id || level->depth >= DEPTH_MAX) {
		close(child);
		return err;
	}
	err = fan_dir_enter(level->dirs, key, level->dir, name, &below.dir);
	if (!err)
		err = add_below(&below, child);
	else
		close(child);
	return err;
}

/* Takes over @fd. */
static int add_below(const struct level *level, int fd)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!stream) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (errno = 0, entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)
			err = add_child(level, fd, entry->d_name);
	}
	closedir(stream);
	return err;
}

int fan_dir_add(struct map *dirs, int fd, struct fan_dir *parent, const char *name,
		struct fan_dir **dir_ret)
{
	struct level level = {.dirs = dirs};
	char key[FAN_KEY_SIZE];
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (own < 0)
		return -errno;
	err = handle_of(own, "", key, &level.mount_id);
	if (!err)
		err = fan_dir_enter(dirs, key, parent, name, &level.dir);
	if (err) {
		close(own);
		return err;
	}
	*dir_ret = level.dir;
	return add_below(&level, own);
}

void fan_dir_forget(struct map *dirs, struct fan_dir *dir)
{
	while (dir->children) {
		struct fan_dir *child = dir->children;

		unlink_child(child);
		if (!child->watch)
			fan_dir_forget(dirs, child);
	}
	unlink_child(dir);
	map_del(dirs, &dir->node);
	free(dir->node.key);
	free(dir->name);
	free(dir);
}

struct fan_watch *fan_dir_path(const struct fan_dir *dir, char **path_ret, unsigned int *depth_ret)
{
	char *path = strdup("");
	unsigned int depth = 0;

	for (; path && dir && !dir->watch; dir = dir->parent) {
		char *longer;

		if (asprintf(&longer, "/%s%s", dir->name ? dir->name : "?", path) < 0)
			longer = NULL;
		free(path);
		path = longer;
		depth++;
	}
	if (!path || !dir) {
		free(path);
		return NULL;
	}
	*path_ret = path;
	*depth_ret = depth;
	return dir->watch;
}

static void node_free(struct map_node *node)
{
	struct fan_dir *dir = (struct fan_dir *)node;

	free(dir->name);
	free(dir);
}

void fan_dirs_free(struct map *dirs)
{
	map_exit(dirs, node_free);
}
