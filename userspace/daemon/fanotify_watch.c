/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of watches: a directory made one, found to be unmounted, taken out.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fanotify.h"

void fan_watch_free(struct fan_watch *watch)
{
	if (!watch)
		return;
	free(watch->dir);
	free(watch->fs_path);
	free(watch);
}

static void dir_unwatch(struct fan *fan, const struct fan_watch *watch)
{
	struct fan_dir *dir = NULL;

	while ((dir = map_next(&fan->dirs, dir)) && dir->watch != watch)
		;
	if (!dir)
		return;
	dir->watch = NULL;
	/* Part of an outer watch still? */
	if (!dir->parent)
		fan_forget(fan, dir);
}

bool fan_watch_take(struct fan *fan, struct fan_watch **list, uint32_t id)
{
	struct fan_watch **at = list;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at) {
		struct fan_watch *watch = *at;

		*at = watch->next;
		dir_unwatch(fan, watch);
		fan_watch_free(watch);
		return true;
	}
	return false;
}

/* Device numbers of what is mounted here. */
static bool is_mounted(FILE *mountinfo, uint64_t dev)
{
	unsigned int major, minor;
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	rewind(mountinfo);
	while (!found && getline(&line, &room, mountinfo) > 0)
		found = sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 &&
			makedev(major, minor) == dev;
	free(line);
	return found;
}

/* A mark on a file system does not say when it goes. Nothing pins it: see fs_open(). */
void fan_check_unmounted(struct fan *fan)
{
	struct pollfd changed = {.fd = fan->mounts_fd, .events = POLLPRI};
	struct fan_watch *next;
	FILE *file;

	if (fan->mounts_fd < 0 || poll(&changed, 1, 0) != 1)
		return;
	file = fopen("/proc/self/mountinfo", "re");
	for (struct fan_watch *watch = fan->watches; file && watch; watch = next) {
		uint32_t id = watch->id;

		next = watch->next;
		if (is_mounted(file, watch->dev))
			continue;
		fan_put_state(fan, FIM_STATE_WATCH_GONE, id, NULL);
		fan_watch_take(fan, &fan->watches, id);
		fan_watch_take(fan, &fan->uppers, id);
	}
	if (file)
		fclose(file);
}

/* Field 4 and 5 of the line of mountinfo with that id: its root, where it is mounted. */
static int mount_of(int fd, char root_ret[4096], char point_ret[4096], char upper_ret[4096])
{
	struct file_handle *handle = alloca(sizeof(*handle) + MAX_HANDLE_SZ);
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	int mount_id = -1;
	int err = -ENOENT;

	handle->handle_bytes = MAX_HANDLE_SZ;
	/* Also where handles cannot be had, the mount is told. */
	if (name_to_handle_at(fd, "", handle, &mount_id, AT_EMPTY_PATH) < 0 && mount_id < 0) {
		char proc[64];
		FILE *info;

		snprintf(proc, sizeof(proc), "/proc/self/fdinfo/%d", fd);
		info = fopen(proc, "re");
		while (info && getline(&line, &room, info) > 0)
			sscanf(line, "mnt_id: %d", &mount_id);
		if (info)
			fclose(info);
	}
	while (file && err && getline(&line, &room, file) > 0) {
		struct mount mount;
		char *copy = strdup(line);
		int id;

		if (copy && sscanf(line, "%d %*d %*s %4095s", &id, root_ret) == 2 &&
		    id == mount_id && !mount_parse(copy, &mount)) {
			char *upper = strstr(mount.options, "upperdir=");

			snprintf(point_ret, 4096, "%s", mount.point);
			snprintf(upper_ret, 4096, "%.*s", upper ? (int)strcspn(upper + 9, ",") : 0,
				 upper ? upper + 9 : "");
			mount_clear(&mount);
			err = 0;
		}
		free(copy);
	}
	free(line);
	if (file)
		fclose(file);
	return err;
}

int fan_watch_new(int fd, struct fan_watch **watch_ret, char upper_ret[4096])
{
	struct fan_watch *watch = calloc(1, sizeof(*watch));
	char root[4096], point[4096], dir[4096];
	char proc[64];
	struct statfs fs;
	struct stat st;
	ssize_t len;
	int err;

	if (!watch)
		return -ENOMEM;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	len = readlink(proc, dir, sizeof(dir) - 1);
	if (len < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
		err = -errno;
		goto err_free;
	}
	dir[len] = '\0';
	if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	else
		err = st.st_nlink ? mount_of(fd, root, point, upper_ret) : -ENOENT;
	if (err)
		goto err_free;
	watch->dev = st.st_dev;
	watch->ino = st.st_ino;
	memcpy(watch->fsid, &fs.f_fsid, sizeof(watch->fsid));
	watch->dir = strdup(dir);
	if (asprintf(&watch->fs_path, "%s%s", strcmp(root, "/") ? root : "",
		     strcmp(point, "/") ? dir + strlen(point)
		     : strcmp(dir, "/") ? dir
					: "") < 0)
		watch->fs_path = NULL;
	if (!watch->dir || !watch->fs_path) {
		err = -ENOMEM;
		goto err_free;
	}
	if (!strcmp(root, "/") && stat(point, &st) == 0 && st.st_dev == watch->dev)
		watch->root_ino = st.st_ino;
	*watch_ret = watch;
	return 0;
err_free:
	fan_watch_free(watch);
	return err;
}
