/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's bytes, taken apart and bounded.
 */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fanotify.h"

/* A handle, and for types with a name the name after it; false if it does not fit. */
static bool info_parse(const char *at, size_t len, const struct file_handle **handle_ret,
		       const char **name_ret, const void **fsid_ret)
{
	const struct fanotify_event_info_fid *info = (const void *)at;
	const struct file_handle *handle = (const void *)info->handle;
	size_t head = sizeof(*info) + sizeof(*handle);
	const char *name;

	if (len < head || handle->handle_bytes > MAX_HANDLE_SZ || len - head < handle->handle_bytes)
		return false;
	name = at + head + handle->handle_bytes;
	*fsid_ret = &info->fsid;
	*handle_ret = handle;
	if (name_ret) {
		if (!memchr(name, '\0', at + len - name))
			return false;
		*name_ret = name;
	}
	return true;
}

static bool info_take(struct fan_told *told, const char *at, size_t len)
{
	const struct fanotify_event_info_header *head = (const void *)at;
	int pidfd;

	switch (head->info_type) {
	case FAN_EVENT_INFO_TYPE_FID:
		return info_parse(at, len, &told->target, NULL, &told->fsid);
	case FAN_EVENT_INFO_TYPE_DFID:
		return info_parse(at, len, &told->dir, NULL, &told->fsid);
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		return info_parse(at, len, &told->dir, &told->name, &told->fsid);
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		return info_parse(at, len, &told->old_dir, &told->old_name, &told->fsid);
	case FAN_EVENT_INFO_TYPE_PIDFD:
		if (len < sizeof(*head) + sizeof(pidfd))
			return false;
		memcpy(&pidfd, at + sizeof(*head), sizeof(pidfd));
		told->pidfd = pidfd;
		return true;
	}
	return true;
}

/* @start: where @event was read from. */
static bool told_parse(const struct fanotify_event_metadata *event, const char *start,
		       struct fan_told *told)
{
	const char *at = start + event->metadata_len;
	const char *end = start + event->event_len;

	while (end - at >= (ssize_t)sizeof(struct fanotify_event_info_header)) {
		const struct fanotify_event_info_header *head = (const void *)at;

		if (head->len < sizeof(*head) || head->len > end - at)
			return false;
		if (!info_take(told, at, head->len))
			return false;
		at += head->len;
	}
	return true;
}

/* An overlay: the path is where the open file says it is. */
static void on_contents(struct fan *fan, const struct fanotify_event_metadata *event,
			struct fan_told *told)
{
	struct fim_event what = {.op = FIM_OP_WRITE, .flags = FIM_EV_ACTOR_CLOSER};
	char proc[64];
	char path[4096];
	struct stat st;
	struct statfs fs;
	ssize_t len;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", event->fd);
	len = readlink(proc, path, sizeof(path) - 1);
	if (len < 0 || fstat(event->fd, &st) < 0 || fstatfs(event->fd, &fs) < 0)
		return;
	path[len] = '\0';
	told->fsid = &fs.f_fsid;
	for (struct fan_watch *watch = fan->watches; watch; watch = watch->next) {
		size_t dir_len = strlen(watch->dir);
		size_t fs_len = strlen(watch->fs_path);
		const char *below = NULL;

		if (watch->names || memcmp(watch->fsid, &fs.f_fsid, sizeof(watch->fsid)))
			continue;
		if (!strncmp(path, watch->dir, dir_len) && path[dir_len] == '/')
			below = path + dir_len;
		else if (!strncmp(path, watch->fs_path, fs_len) && path[fs_len] == '/')
			below = path + fs_len;
		if (!below)
			continue;
		memmove(path + fs_len, below, strlen(below) + 1);
		memcpy(path, watch->fs_path, fs_len);
		what.watch_id = watch->id;
		fan_event_stat(&what, &st);
		what.object.dev = watch->dev;
		what.flags |= event->mask & FAN_MODIFY ? FIM_EV_MODIFIED : 0;
		for (const char *p = path + fs_len; *p; p++)
			what.depth += *p == '/';
		fan_put_event(fan, told, &what, path, NULL, watch);
		return;
	}
	fan->info.filtered++;
}

/* True if there may be more. */
bool fan_group_read(struct fan *fan, int fd)
{
	const char *at = (const char *)fan->buf;
	ssize_t len = read(fd, fan->buf, sizeof(fan->buf));
	ssize_t left = len;

	while (left >= (ssize_t)sizeof(struct fanotify_event_metadata)) {
		/* The kernel pads events to four bytes, which is less than the structure's alignment. */
		struct fanotify_event_metadata event;
		struct fan_told told = {.pidfd = -1};

		memcpy(&event, at, sizeof(event));
		if (!FAN_EVENT_OK(&event, left))
			break;
		told.mask = event.mask;
		told.pid = event.pid;
		if (event.vers != FANOTIFY_METADATA_VERSION || !told_parse(&event, at, &told))
			fan_put_overflow(fan);
		else if (fd == fan->contents_fd && event.fd >= 0)
			on_contents(fan, &event, &told);
		else
			fan_on_told(fan, &told);
		if (told.pidfd >= 0)
			close(told.pidfd);
		if (event.fd >= 0)
			close(event.fd);
		at += event.event_len;
		left -= event.event_len;
	}
	return len > 0;
}
