/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one event of the kernel says has changed, and what that does to the watched
 * directories.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fanotify.h"

static uint32_t create_op(const struct fim_event *event)
{
	switch (event->mode & S_IFMT) {
	case S_IFLNK:
		return FIM_OP_SYMLINK;
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		return FIM_OP_MKNOD;
	}
	return event->nlink > 1 ? FIM_OP_LINK : FIM_OP_CREATE;
}

static void put_content(struct fan *fan, const struct fan_told *told, const struct fan_place *place,
			struct fim_event *event)
{
	bool modified = told->mask & FAN_MODIFY;

	if (!(told->mask & FAN_CLOSE_WRITE)) {
		if (modified)
			fan_dirty_add(fan, told, place->dir);
		return;
	}
	modified |= fan_dirty_take(fan, told, place->dir);
	event->flags |= FIM_EV_ACTOR_CLOSER | (modified ? FIM_EV_MODIFIED : 0);
	fan_put_op(fan, told, place, event, FIM_OP_WRITE);
	event->flags &= ~(FIM_EV_ACTOR_CLOSER | FIM_EV_MODIFIED);
}

/* A directory that came: what is below it is ours, too. */
static void dir_came(struct fan *fan, const struct fan_told *told, struct fan_dir *parent,
		     const char *name, bool is_new)
{
	struct fan_dir *dir = NULL;
	char key[FAN_KEY_SIZE];
	int parent_fd = -1;
	int fd = -1;
	int err;

	if (told->target) {
		fan_key(told->fsid, told->target, key);
		err = fan_dir_enter(&fan->dirs, key, parent, name, &dir);
		fd = fan_handle_open(fan, told->fsid, told->target, O_RDONLY | O_DIRECTORY);
		/* Gone already, and whoever removed it emptied it: its handle is enough. */
		if (!err && fd < 0)
			return;
	} else {
		parent_fd = fan_handle_open(fan, told->fsid, told->dir, O_PATH);
		if (parent_fd >= 0)
			fd = openat(parent_fd, name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	}
	if (!err)
		err = fan_dir_add(&fan->dirs, fd, parent, name, &dir);
	/* Without its handle, what happened in it cannot be told from what is outside. */
	if (err && (!is_new || err != -ENOENT))
		fan_put_overflow(fan);
	if (fd >= 0)
		close(fd);
	if (parent_fd >= 0)
		close(parent_fd);
}

/* After a directory somewhere was renamed: is each watch still where it was? */
static void check_moved(struct fan *fan, const struct fan_told *told)
{
	for (struct fan_watch *watch = fan->watches; watch; watch = watch->next) {
		struct stat st;

		if (watch->moved || (lstat(watch->dir, &st) == 0 && st.st_dev == watch->dev &&
				     st.st_ino == watch->ino))
			continue;
		watch->moved = true;
		fan_put_state(fan, FIM_STATE_WATCH_MOVED, watch->id, told);
	}
}

/* Neither side is in a watch; what was renamed may be a watched directory itself. */
static void put_root_rename(struct fan *fan, const struct fan_told *told)
{
	struct fan_dir *dir = fan_dir_of(fan, told->fsid, told->target);
	struct fim_event event = {.op = FIM_OP_RENAME, .flags = FIM_EV_DIR};
	char *from, *to;
	struct fan_place place;

	if (!dir || !dir->watch || !dir->watch->names || !told->old_dir || !told->dir ||
	    !fan_place_find(dir, NULL, &place)) {
		fan->info.filtered++;
		return;
	}
	from = fan_path_outside(fan, told, told->old_dir, told->old_name);
	to = fan_path_outside(fan, told, told->dir, told->name);
	fan_stat_fill(fan, told, &place, told->name, &event);
	fan_object_fill(told, place.watch, told->old_dir, &event.old_dir);
	event.watch_id = event.old_watch_id = place.watch->id;
	fan_put_event(fan, told, &event, to, from, place.watch);
	fan_place_clear(&place);
	free(from);
	free(to);
}

static void on_rename(struct fan *fan, const struct fan_told *told)
{
	struct fan_dir *from_dir = fan_dir_of(fan, told->fsid, told->old_dir);
	struct fan_dir *to_dir = fan_dir_of(fan, told->fsid, told->dir);
	struct fan_place from = {0}, to = {0};
	bool was_in = fan_place_find(from_dir, told->old_name, &from);
	bool is_in = fan_place_find(to_dir, told->name, &to);
	struct fim_event event = {.op = FIM_OP_RENAME};
	bool is_dir = told->mask & FAN_ONDIR;
	const struct fan_place *place = is_in ? &to : &from;

	if (was_in || is_in) {
		fan_stat_fill(fan, told, place, told->name, &event);
		fan_object_fill(told, place->watch, told->old_dir, &event.old_dir);
		event.flags = is_dir ? FIM_EV_DIR : 0;
		if (is_in && !to.watch->names)
			fan_put_op(fan, told, &to, &event, FIM_OP_ATTRIB);
		else if (was_in && !from.watch->names)
			fan_put_op(fan, told, &from, &event, FIM_OP_ATTRIB);
		else {
			event.watch_id = is_in ? to.watch->id : 0;
			event.depth = is_in ? to.depth : 0;
			event.old_watch_id = was_in ? from.watch->id : 0;
			event.old_depth = was_in ? from.depth : 0;
			if (!was_in && told->old_dir)
				from.path =
					fan_path_outside(fan, told, told->old_dir, told->old_name);
			if (!is_in && told->dir)
				to.path = fan_path_outside(fan, told, told->dir, told->name);
			fan_put_event(fan, told, &event, to.path, from.path, place->watch);
		}
	} else {
		put_root_rename(fan, told);
	}
	fan_place_clear(&from);
	fan_place_clear(&to);
	if (!is_dir)
		return;
	if (is_in)
		dir_came(fan, told, to_dir, told->name, false);
	else if (was_in && fan_dir_of(fan, told->fsid, told->target) &&
		 !fan_dir_of(fan, told->fsid, told->target)->watch)
		fan_forget(fan, fan_dir_of(fan, told->fsid, told->target));
	check_moved(fan, told);
}

/* Before Linux 5.17 a rename is told in two halves, which nothing joins. */
static void on_half_rename(struct fan *fan, const struct fan_told *told, bool came)
{
	struct fan_told half = *told;

	if (came) {
		half.old_dir = NULL;
		half.old_name = NULL;
	} else {
		half.old_dir = told->dir;
		half.old_name = told->name;
		half.dir = NULL;
		half.name = NULL;
	}
	half.target = NULL;
	on_rename(fan, &half);
}

static void on_self(struct fan *fan, const struct fan_told *told)
{
	struct fan_dir *dir = fan_dir_of(fan, told->fsid, told->target ? told->target : told->dir);

	if (!(told->mask & FAN_ONDIR) || !dir)
		return;
	if ((told->mask & FAN_DELETE_SELF) && dir->watch && dir->watch->names) {
		fan_put_state(fan, FIM_STATE_WATCH_GONE, dir->watch->id, told);
		fan_watch_take(fan, &fan->watches, dir->watch->id);
		return;
	}
	if ((told->mask & FAN_MOVE_SELF) && dir->watch)
		check_moved(fan, told);
}

/* Several changes of one object by one process may come as one: the end counts. */
static void on_names(struct fan *fan, const struct fan_told *told)
{
	struct fan_dir *dir = fan_dir_of(fan, told->fsid, told->dir);
	bool self = told->name && !strcmp(told->name, ".");
	struct fim_event event = {.flags = told->mask & FAN_ONDIR ? FIM_EV_DIR : 0};
	bool is_dir = told->mask & FAN_ONDIR;
	struct fan_place place;

	if (!told->name || !fan_place_find(dir, told->name, &place)) {
		fan->info.filtered++;
		return;
	}
	fan_stat_fill(fan, told, &place, self ? NULL : told->name, &event);
	if (told->mask & FAN_CREATE) {
		fan_put_op(fan, told, &place, &event, is_dir ? FIM_OP_MKDIR : create_op(&event));
		if (is_dir)
			dir_came(fan, told, dir, told->name, true);
	}
	if (told->mask & FAN_ATTRIB && !(told->mask & FAN_DELETE))
		fan_put_op(fan, told, &place, &event, FIM_OP_ATTRIB);
	if (told->mask & FAN_CONTENTS && !is_dir)
		put_content(fan, told, &place, &event);
	if (told->mask & FAN_DELETE) {
		fan_put_op(fan, told, &place, &event, is_dir ? FIM_OP_RMDIR : FIM_OP_DELETE);
		dir = is_dir ? fan_dir_of(fan, told->fsid, told->target) : NULL;
		if (dir && !dir->watch)
			fan_forget(fan, dir);
	}
	fan_place_clear(&place);
}

void fan_on_told(struct fan *fan, const struct fan_told *told)
{
	if (told->mask & FAN_Q_OVERFLOW) {
		fan_put_overflow(fan);
		return;
	}
	if (!told->fsid)
		return;
	if (told->mask & FAN_RENAME)
		on_rename(fan, told);
	if (told->mask & FAN_MOVED_FROM)
		on_half_rename(fan, told, false);
	if (told->mask & FAN_MOVED_TO)
		on_half_rename(fan, told, true);
	if (told->mask & (FAN_CREATE | FAN_DELETE | FAN_ATTRIB | FAN_CONTENTS))
		on_names(fan, told);
	if (told->mask & (FAN_DELETE_SELF | FAN_MOVE_SELF))
		on_self(fan, told);
}
