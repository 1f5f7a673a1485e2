/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names below a directory that others may be changing meanwhile.  Nothing is
 * followed, depth costs memory and not stack, and the number of names is bounded.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

struct walker {
	int rootfd;
	const char *rel;
	const char *name;
	walk_fn fn;
	void *ctx;
	size_t names;
	char **todo; /* directories still to read, relative to @rel */
	size_t todo_count;
	size_t todo_max;
};

static int todo_push(struct walker *w, const char *dir)
{
	if (w->todo_count == w->todo_max) {
		size_t max = w->todo_max ? 2 * w->todo_max : 64;
		char **todo = reallocarray(w->todo, max, sizeof(*todo));

		if (!todo)
			return -ENOMEM;
		w->todo = todo;
		w->todo_max = max;
	}
	w->todo[w->todo_count] = strdup(dir);
	if (!w->todo[w->todo_count])
		return -ENOMEM;
	w->todo_count++;
	return 0;
}

static DIR *dir_open(const struct walker *w, const char *dir)
{
	DIR *handle = NULL;
	char *path;
	int fd;

	if (asprintf(&path, "%s%s%s", w->rel, *w->rel && *dir ? "/" : "", dir) < 0)
		return NULL;
	fd = fim_open_beneath(w->rootfd, path, O_RDONLY | O_DIRECTORY);
	free(path);
	if (fd < 0) {
		errno = -fd;
	} else {
		handle = fdopendir(fd);
		if (!handle)
			close(fd);
	}
	return handle;
}

static bool is_dir(DIR *handle, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(handle), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int entry_visit(struct walker *w, DIR *handle, const char *dir, const struct dirent *entry)
{
	const char *slash = strcmp(w->name, "/") == 0 ? "" : w->name;
	char *path;
	int err;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	if (++w->names > WALK_MAX)
		return -EFBIG;
	if (asprintf(&path, "%s/%s%s%s", slash, dir, *dir ? "/" : "", entry->d_name) < 0)
		return -ENOMEM;
	err = w->fn(w->ctx, path);
	if (!err && is_dir(handle, entry))
		err = todo_push(w, path + strlen(slash) + 1);
	free(path);
	return err;
}

static int dir_visit(struct walker *w, const char *dir)
{
	DIR *handle = dir_open(w, dir);
	struct dirent *entry;
	int err = 0;

	if (!handle) /* gone again, or never was one */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ESTALE
			       ? 0
			       : -errno;
	while (!err && (entry = readdir(handle)))
		err = entry_visit(w, handle, dir, entry);
	closedir(handle);
	return err;
}

int walk(int rootfd, const char *rel, const char *name, walk_fn fn, void *ctx)
{
	struct walker w = {.rootfd = rootfd, .rel = rel, .name = name, .fn = fn, .ctx = ctx};
	int err = dir_visit(&w, "");

	while (!err && w.todo_count) {
		char *dir = w.todo[--w.todo_count];

		err = dir_visit(&w, dir);
		free(dir);
	}
	for (size_t i = 0; i < w.todo_count; i++)
		free(w.todo[i]);
	free(w.todo);
	return err;
}

int walk_ctime(int rootfd, const char *path, int64_t *ctime_ns_ret)
{
	struct stat st;

	if (fstatat(rootfd, path + strspn(path, "/"), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ctime_ns_ret = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec;
	return 0;
}
