/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's handles to places: the directory of a watch, the object's attributes,
 * paths outside of every watch.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fanotify.h"

/*
 * A descriptor through which handles are opened.  It is kept during one call only: it
 * would pin the mount, and a container could not be stopped.
 *
 * The watched directory, or the next above it that is still there and of
 * that system.
 */
static int fs_open_at(const char *dir, const void *fsid)
{
	char path[PATH_MAX];
	char *slash = path;
	struct statfs fs;
	int fd;

	snprintf(path, sizeof(path), "%s", dir);
	do {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && fstatfs(fd, &fs) == 0 &&
		    !memcmp(&fs.f_fsid, fsid, sizeof(fs.f_fsid)))
			return fd;
		if (fd >= 0)
			close(fd);
		slash = strrchr(path, '/');
		if (slash)
			slash[slash == path && slash[1]] = '\0';
	} while (slash && path[0]);
	return -1;
}

static int fs_open(struct fan *fan, const void *fsid)
{
	if (fan->fs_fd >= 0 && memcmp(fan->fs_id, fsid, sizeof(fan->fs_id)) == 0)
		return fan->fs_fd;
	if (fan->fs_fd >= 0)
		close(fan->fs_fd);
	fan->fs_fd = -1;
	memcpy(fan->fs_id, fsid, sizeof(fan->fs_id));
	for (int list = 0; list < 2 && fan->fs_fd < 0; list++)
		for (struct fan_watch *watch = list ? fan->uppers : fan->watches;
		     watch && fan->fs_fd < 0; watch = watch->next)
			if (!memcmp(watch->fsid, fsid, sizeof(watch->fsid)))
				fan->fs_fd = fs_open_at(watch->dir, fsid);
	return fan->fs_fd;
}

void fan_fs_close(struct fan *fan)
{
	if (fan->fs_fd >= 0)
		close(fan->fs_fd);
	fan->fs_fd = -1;
}

int fan_handle_open(struct fan *fan, const void *fsid, const struct file_handle *handle, int flags)
{
	int fs = fs_open(fan, fsid);

	return fs < 0 || !handle ? -1
				 : open_by_handle_at(fs, (struct file_handle *)handle,
						     flags | O_CLOEXEC | O_NOFOLLOW);
}

/* ext4's and XFS' handles begin with the number, so that it is known of what is gone. */
static uint64_t handle_ino(const struct file_handle *handle)
{
	uint64_t ino64 = 0;
	uint32_t ino = 0;

	if (!handle)
		return 0;
	if ((handle->handle_type == 1 || handle->handle_type == 2) && handle->handle_bytes >= 8) {
		memcpy(&ino, handle->f_handle, sizeof(ino));
		return ino;
	}
	if ((handle->handle_type == 0x81 || handle->handle_type == 0x82) &&
	    handle->handle_bytes >= 12)
		memcpy(&ino64, handle->f_handle, sizeof(ino64));
	return ino64;
}

void fan_object_fill(const struct fan_told *told, const struct fan_watch *watch,
		     const struct file_handle *handle, struct fim_object *object)
{
	memcpy(object->fsid, told->fsid, sizeof(object->fsid));
	object->ino = handle_ino(handle);
	object->dev = watch->dev;
}

void fan_place_clear(struct fan_place *place)
{
	free(place->path);
	free(place->below);
}

struct fan_dir *fan_dir_of(struct fan *fan, const void *fsid, const struct file_handle *handle)
{
	char key[FAN_KEY_SIZE];

	if (!handle)
		return NULL;
	fan_key(fsid, handle, key);
	return map_find(&fan->dirs, key);
}

/* @name: NULL or ".": the directory itself. False: it is outside of every watch. */
bool fan_place_find(struct fan_dir *dir, const char *name, struct fan_place *place_ret)
{
	bool self = !name || !strcmp(name, ".");
	struct fan_place place = {.dir = dir};

	if (!dir)
		return false;
	place.watch = fan_dir_path(dir, &place.below, &place.depth);
	if (!place.watch)
		return false;
	if (asprintf(&place.path, "%s%s%s%s", place.watch->fs_path, place.below, self ? "" : "/",
		     self ? "" : name) < 0)
		place.path = NULL;
	if (place.path && strlen(place.path) >= PATH_MAX) {
		free(place.path);
		place.path = NULL;
	}
	place.depth += !self;
	*place_ret = place;
	return true;
}

void fan_event_stat(struct fim_event *event, const struct stat *st)
{
	event->mode = st->st_mode;
	event->nlink = st->st_nlink;
	event->size = st->st_size;
	event->object.ino = st->st_ino;
}

/* The name of a watch is what is watched there now: more than that is in the tree. */
void fan_stat_fill(struct fan *fan, const struct fan_told *told, const struct fan_place *place,
		   const char *name, struct fim_event *event)
{
	struct stat st;
	const struct file_handle *object = name ? told->target : told->dir;
	int fd = fan_handle_open(fan, told->fsid, object, O_PATH);
	int err = -1;

	if (fd >= 0) {
		err = fstat(fd, &st);
		close(fd);
	} else if (!object && name) {
		fd = fan_handle_open(fan, told->fsid, told->dir, O_PATH);
		err = fd < 0 ? -1 : fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW);
		if (fd >= 0)
			close(fd);
	}
	fan_object_fill(told, place->watch, object, &event->object);
	fan_object_fill(told, place->watch, told->dir, &event->dir);
	if (err < 0)
		return;
	fan_event_stat(event, &st);
}

/* Where a rename came from or went to outside of every watch; NULL if unknown. */
char *fan_path_outside(struct fan *fan, const struct fan_told *told, const struct file_handle *dir,
		       const char *name)
{
	int fd = fan_handle_open(fan, told->fsid, dir, O_PATH);
	char proc[64];
	char path[4096];
	char *whole = NULL;
	ssize_t len;

	if (fd < 0)
		return NULL;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	len = readlink(proc, path, sizeof(path) - 1);
	close(fd);
	if (len > 0 && path[0] == '/' &&
	    asprintf(&whole, "%.*s/%s", len == 1 ? 0 : (int)len, path, name) < 0)
		whole = NULL;
	return whole;
}
