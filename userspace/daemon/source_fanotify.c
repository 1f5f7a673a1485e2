/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own fanotify as a source of events, for when the module cannot be
 * loaded: the same records as the module's, made here.
 *
 * One group marks whole file systems (FAN_MARK_FILESYSTEM), so that the kernel keeps
 * no mark per directory and no directory is missed between its creation and a mark.
 * Every change on a marked file system arrives; fanotify_tree.c says which are ours.
 * A file system whose file handles cannot be opened (overlayfs) gets a second group that
 * tells of contents, with an open file for each; its names are then seen on the file
 * system that holds its upper directory, as a reason to look at the layer again.
 *
 * What this cannot see is in source_fanotify_blind; the daemon says so in its journal.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fanotify.h"

/* Newer than Amazon Linux 2's headers; the kernel says whether it knows them. */
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD	  0x00000080
#define FAN_EVENT_INFO_TYPE_PIDFD 4
#endif
#ifndef FAN_RENAME
#define FAN_RENAME			  0x10000000
#define FAN_REPORT_TARGET_FID		  0x00001000
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME 10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME 12
#endif
#define REPORT_NAMES  (FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME)
#define REPORT_TARGET (REPORT_NAMES | FAN_REPORT_TARGET_FID)

const char source_fanotify_blind[] =
	"not seen at the time, but by the next comparison: what happened while the kernel's "
	"queue was full, hard links made or used outside of a watched directory, stores "
	"through a mapping before it ends, the names of containers' files "
	"(their layer is looked at instead); not known: who did it when the process has "
	"ended, which attribute changed, who opened a file that somebody else closed";

#define CONTENT_MASK (FAN_MODIFY | FAN_CLOSE_WRITE)
#define NAME_MASK                                                                                \
	(CONTENT_MASK | FAN_CREATE | FAN_DELETE | FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF | \
	 FAN_ONDIR)

#define EVENT_BYTES    (64u << 10)
#define READS_PER_CALL 16
#define READS_OF_QUEUE 256
#define DIRTY_MAX      1024
#define DIRTY_MS       1000 /* a write whose file is still open is told after this */

/* A file that was written to and not closed yet. */
struct dirty {
	struct map_node node; /* directory's key, '/', name */
	struct fan_dir *dir;
	char *name;
	uint32_t pid;
	int64_t since_ms;
};

struct fan {
	int names_fd;	 /* group with names */
	int contents_fd; /* group with open files; -1: not needed yet */
	int wake_fd;	 /* eventfd: records wait here */
	int timer_fd;
	int mounts_fd;
	bool has_target; /* FAN_RENAME and the target's handle, Linux 5.17 */
	bool has_pidfd;	 /* Linux 5.15 */
	struct map dirs;
	struct map dirty;
	struct fan_watch *watches;
	struct fan_watch *uppers; /* pseudo watches: id is that of the overlay's watch */
	uint32_t last_id;
	int fs_fd; /* of the file system that is being looked at, -1: none open */
	uint32_t fs_id[2];
	struct fan_actor actor; /* of the last event, during one call only */
	struct fim_info info;
	unsigned char *bytes; /* records that wait */
	size_t len;
	size_t pos;
	size_t room;
	char buf[EVENT_BYTES] __attribute__((aligned(8)));
};

/* One event of the kernel, taken apart. Nothing is owned but @pidfd. */
struct told {
	uint64_t mask;
	uint32_t pid;
	int pidfd;
	const void *fsid;
	const struct file_handle *target;
	const struct file_handle *dir;
	const char *name;
	const struct file_handle *old_dir;
	const char *old_name;
};

/* A place inside a watch. */
struct place {
	struct fan_watch *watch; /* NULL: outside */
	struct fan_dir *dir;
	char *path; /* from the root of the file system */
	char *below;
	unsigned int depth;
};

/* ------------------------------------------------------------------ records */

static void *room_for(struct fan *fan, size_t size)
{
	void *at;

	if (fan->len + size > fan->room) {
		size_t room = (fan->len + size) * 2;
		unsigned char *bytes = realloc(fan->bytes, room);

		if (!bytes)
			return NULL;
		fan->bytes = bytes;
		fan->room = room;
	}
	at = fan->bytes + fan->len;
	memset(at, 0, size);
	fan->len += size;
	return at;
}

static void head_fill(struct fan *fan, struct fim_record *head, uint16_t type, size_t fixed)
{
	head->len = fixed;
	head->type = type;
	head->fixed_len = fixed;
	head->seq = ++fan->info.seq;
	head->time_ns = fim_time_now();
}

/* At least one; the kernel does not say how many. */
static void put_overflow(struct fan *fan)
{
	struct fim_overflow *overflow = room_for(fan, sizeof(*overflow));

	fan->info.lost++;
	if (!overflow)
		return;
	head_fill(fan, &overflow->rec, FIM_REC_OVERFLOW, sizeof(*overflow));
	overflow->last_seq = overflow->rec.seq;
	overflow->lost = 1;
	overflow->first_time_ns = overflow->rec.time_ns;
}

/* Who made several changes in a row is asked once. */
static bool actor_find(struct fan *fan, const struct told *told)
{
	if (fan->actor.ids.tgid == told->pid && fan->actor.ids.start_ns)
		return true;
	fan_actor_clear(&fan->actor);
	return fan_actor_read(told->pid, told->pidfd, &fan->actor);
}

/* @told: who did it; NULL: the kernel, or we. */
static void put_state(struct fan *fan, uint32_t kind, uint32_t watch_id, const struct told *told)
{
	struct fim_state_change *change = room_for(fan, sizeof(*change));

	if (!change) {
		put_overflow(fan);
		return;
	}
	head_fill(fan, &change->rec, FIM_REC_STATE, sizeof(*change));
	change->state = kind;
	change->watch_id = watch_id;
	if (told && actor_find(fan, told))
		change->actor = fan->actor.ids;
}

/* As the module's: the first record, without a number of its own. */
static void put_session(struct fan *fan)
{
	struct fim_session *session = room_for(fan, sizeof(*session));

	if (!session)
		return;
	head_fill(fan, &session->rec, FIM_REC_SESSION, sizeof(*session));
	session->rec.seq = --fan->info.seq;
	session->session = fan->info.session = 1;
	session->tgid = getpid();
}

static size_t attr_size(const char *text)
{
	return text ? sizeof(struct fim_attr) + (strlen(text) + 7) / 8 * 8 : 0;
}

static unsigned char *attr_put(unsigned char *at, uint16_t type, const char *text)
{
	struct fim_attr attr = {.type = type};

	if (!text)
		return at;
	attr.len = strlen(text);
	memcpy(at, &attr, sizeof(attr));
	memcpy(at + sizeof(attr), text, attr.len);
	return at + attr_size(text);
}

/* Its paths, as the process sees them, if its root is the file system's. */
static void put_event(struct fan *fan, const struct told *told, const struct fim_event *what,
		      const char *path, const char *old_path, const struct fan_watch *watch)
{
	struct fim_event event = *what;
	const struct fan_actor *actor = &fan->actor;
	const char *texts[FIM_ATTR_PARENT_COMM + 1] = {NULL};
	size_t size = sizeof(event);
	unsigned char *at;

	if (told->pid == (uint32_t)getpid())
		return;
	if (!actor_find(fan, told)) {
		event.flags |= FIM_EV_ACTOR_PARTIAL;
		fan->info.actor_partial++;
	}
	event.actor = actor->ids;
	texts[FIM_ATTR_PARENT_COMM] = actor->parent_comm[0] ? actor->parent_comm : NULL;
	texts[FIM_ATTR_FS_PATH] = path;
	texts[FIM_ATTR_OLD_FS_PATH] = old_path;
	if (fan_actor_sees(told->pid, watch)) {
		texts[FIM_ATTR_VIEW_PATH] = path;
		texts[FIM_ATTR_OLD_VIEW_PATH] = old_path;
	}
	texts[FIM_ATTR_EXE] = actor->exe;
	texts[FIM_ATTR_CGROUP] = actor->cgroup;
	if (!path && !old_path) {
		event.flags |= FIM_EV_PATH_MISSING;
		fan->info.path_missing++;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size += attr_size(texts[i]);
	at = size <= FIM_RECORD_MAX ? room_for(fan, size) : NULL;
	if (at) {
		head_fill(fan, &event.rec, FIM_REC_EVENT, sizeof(event));
		event.rec.len = size;
		memcpy(at, &event, sizeof(event));
		at += sizeof(event);
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			at = attr_put(at, i, texts[i]);
		fan->info.events++;
	} else {
		put_overflow(fan);
	}
}

/* ---------------------------------------------------------- objects, places */

/*
 * A descriptor through which handles are opened.  It is kept during one call only: it
 * would pin the mount, and a container could not be stopped.
 */
/* The watched directory, or the next above it that is still there and of that system. */
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

static void fs_close(struct fan *fan)
{
	if (fan->fs_fd >= 0)
		close(fan->fs_fd);
	fan->fs_fd = -1;
}

static int handle_open(struct fan *fan, const void *fsid, const struct file_handle *handle,
		       int flags)
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

static void object_fill(const struct told *told, const struct fan_watch *watch,
			const struct file_handle *handle, struct fim_object *object)
{
	memcpy(object->fsid, told->fsid, sizeof(object->fsid));
	object->ino = handle_ino(handle);
	object->dev = watch->dev;
}

static void place_clear(struct place *place)
{
	free(place->path);
	free(place->below);
}

static struct fan_dir *dir_of(struct fan *fan, const void *fsid, const struct file_handle *handle)
{
	char key[FAN_KEY_SIZE];

	if (!handle)
		return NULL;
	fan_key(fsid, handle, key);
	return map_find(&fan->dirs, key);
}

/* @name: NULL or ".": the directory itself. False: it is outside of every watch. */
static bool place_find(struct fan_dir *dir, const char *name, struct place *place_ret)
{
	bool self = !name || !strcmp(name, ".");
	struct place place = {.dir = dir};

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

/* The name of a watch is what is watched there now: more than that is in the tree. */
static void stat_fill(struct fan *fan, const struct told *told, const struct place *place,
		      const char *name, struct fim_event *event)
{
	struct stat st;
	const struct file_handle *object = name ? told->target : told->dir;
	int fd = handle_open(fan, told->fsid, object, O_PATH);
	int err = -1;

	if (fd >= 0) {
		err = fstat(fd, &st);
		close(fd);
	} else if (!object && name) {
		fd = handle_open(fan, told->fsid, told->dir, O_PATH);
		err = fd < 0 ? -1 : fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW);
		if (fd >= 0)
			close(fd);
	}
	object_fill(told, place->watch, object, &event->object);
	object_fill(told, place->watch, told->dir, &event->dir);
	if (err < 0)
		return;
	event->mode = st.st_mode;
	event->nlink = st.st_nlink;
	event->size = st.st_size;
	event->object.ino = st.st_ino;
}

/* ------------------------------------------------------------- kinds of event */

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

static void put_op(struct fan *fan, const struct told *told, const struct place *place,
		   struct fim_event *event, uint32_t op)
{
	/* The upper directory of an overlay: its names are not quite the overlay's. */
	if (!place->watch->names) {
		event->op = FIM_OP_ATTRIB;
		event->watch_id = place->watch->id;
		put_event(fan, told, event, NULL, NULL, place->watch);
		return;
	}
	event->op = op;
	event->watch_id = place->watch->id;
	event->depth = place->depth;
	put_event(fan, told, event, place->path, NULL, place->watch);
}

static void dirty_key(const struct fan_dir *dir, const char *name, char *key, size_t size)
{
	snprintf(key, size, "%s/%s", dir->node.key, name);
}

static void dirty_free(struct map_node *node)
{
	free(((struct dirty *)node)->name);
	free(node);
}

static void dirty_drop(struct fan *fan, struct dirty *dirty)
{
	map_del(&fan->dirty, &dirty->node);
	free(dirty->node.key);
	dirty_free(&dirty->node);
}

static void timer_set(struct fan *fan, int64_t ms)
{
	struct itimerspec when = {.it_value = {ms / 1000, ms % 1000 * 1000000}};

	timerfd_settime(fan->timer_fd, 0, &when, NULL);
}

/* Told as TRUNCATE: the content is another one, and no close is promised. */
static void dirty_tell(struct fan *fan, struct dirty *dirty)
{
	struct told told = {.pid = dirty->pid, .pidfd = -1};
	struct fim_event event = {.op = FIM_OP_TRUNCATE};
	struct place place;
	char path[8192];
	struct stat st;

	if (place_find(dirty->dir, dirty->name, &place)) {
		told.fsid = place.watch->fsid;
		object_fill(&told, place.watch, NULL, &event.object);
		snprintf(path, sizeof(path), "%s%s/%s", place.watch->dir, place.below, dirty->name);
		if (lstat(path, &st) == 0) {
			event.mode = st.st_mode;
			event.nlink = st.st_nlink;
			event.size = st.st_size;
			event.object.ino = st.st_ino;
		}
		put_op(fan, &told, &place, &event, FIM_OP_TRUNCATE);
		place_clear(&place);
	}
	dirty_drop(fan, dirty);
}

static void dirty_flush(struct fan *fan, bool all)
{
	int64_t now = now_ms();
	struct dirty *dirty = map_next(&fan->dirty, NULL);

	while (dirty) {
		struct dirty *next = map_next(&fan->dirty, dirty);

		if (all || now - dirty->since_ms >= DIRTY_MS)
			dirty_tell(fan, dirty);
		dirty = next;
	}
	if (fan->dirty.count)
		timer_set(fan, DIRTY_MS);
}

static void dirty_add(struct fan *fan, const struct told *told, struct fan_dir *dir)
{
	char key[FAN_KEY_SIZE + 300];
	struct dirty *dirty;

	dirty_key(dir, told->name, key, sizeof(key));
	if (map_find(&fan->dirty, key))
		return;
	if (fan->dirty.count >= DIRTY_MAX)
		dirty_flush(fan, true);
	dirty = calloc(1, sizeof(*dirty));
	if (dirty)
		dirty->name = strdup(told->name);
	if (!dirty || !dirty->name || map_put(&fan->dirty, key, &dirty->node)) {
		if (dirty)
			dirty_free(&dirty->node);
		put_overflow(fan);
		return;
	}
	dirty->dir = dir;
	dirty->pid = told->pid;
	dirty->since_ms = now_ms();
	if (fan->dirty.count == 1)
		timer_set(fan, DIRTY_MS);
}

static bool dirty_take(struct fan *fan, const struct told *told, const struct fan_dir *dir)
{
	char key[FAN_KEY_SIZE + 300];
	struct dirty *dirty;

	dirty_key(dir, told->name, key, sizeof(key));
	dirty = map_find(&fan->dirty, key);
	if (dirty)
		dirty_drop(fan, dirty);
	return dirty;
}

/* Entries point at their directory: none may outlive it. */
static void dir_forget(struct fan *fan, struct fan_dir *dir)
{
	if (fan->dirty.count)
		dirty_flush(fan, true);
	fan_dir_forget(&fan->dirs, dir);
}

static void put_content(struct fan *fan, const struct told *told, const struct place *place,
			struct fim_event *event)
{
	bool modified = told->mask & FAN_MODIFY;

	if (!(told->mask & FAN_CLOSE_WRITE)) {
		if (modified)
			dirty_add(fan, told, place->dir);
		return;
	}
	modified |= dirty_take(fan, told, place->dir);
	event->flags |= FIM_EV_ACTOR_CLOSER | (modified ? FIM_EV_MODIFIED : 0);
	put_op(fan, told, place, event, FIM_OP_WRITE);
	event->flags &= ~(FIM_EV_ACTOR_CLOSER | FIM_EV_MODIFIED);
}

/* A directory that came: what is below it is ours, too. */
static void dir_came(struct fan *fan, const struct told *told, struct fan_dir *parent,
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
		fd = handle_open(fan, told->fsid, told->target, O_RDONLY | O_DIRECTORY);
		/* Gone already, and whoever removed it emptied it: its handle is enough. */
		if (!err && fd < 0)
			return;
	} else {
		parent_fd = handle_open(fan, told->fsid, told->dir, O_PATH);
		if (parent_fd >= 0)
			fd = openat(parent_fd, name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	}
	if (!err)
		err = fan_dir_add(&fan->dirs, fd, parent, name, &dir);
	/* Without its handle, what happened in it cannot be told from what is outside. */
	if (err && (!is_new || err != -ENOENT))
		put_overflow(fan);
	if (fd >= 0)
		close(fd);
	if (parent_fd >= 0)
		close(parent_fd);
}

static void watch_free(struct fan_watch *watch)
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
		dir_forget(fan, dir);
}

static bool watch_take(struct fan *fan, struct fan_watch **list, uint32_t id)
{
	struct fan_watch **at = list;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at) {
		struct fan_watch *watch = *at;

		*at = watch->next;
		dir_unwatch(fan, watch);
		watch_free(watch);
		return true;
	}
	return false;
}

/* After a directory somewhere was renamed: is each watch still where it was? */
static void check_moved(struct fan *fan, const struct told *told)
{
	for (struct fan_watch *watch = fan->watches; watch; watch = watch->next) {
		struct stat st;

		if (watch->moved || (lstat(watch->dir, &st) == 0 && st.st_dev == watch->dev &&
				     st.st_ino == watch->ino))
			continue;
		watch->moved = true;
		put_state(fan, FIM_STATE_WATCH_MOVED, watch->id, told);
	}
}

/* Where a rename came from or went to outside of every watch; NULL if unknown. */
static char *path_outside(struct fan *fan, const struct told *told, const struct file_handle *dir,
			  const char *name)
{
	int fd = handle_open(fan, told->fsid, dir, O_PATH);
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

/* Neither side is in a watch; what was renamed may be a watched directory itself. */
static void put_root_rename(struct fan *fan, const struct told *told)
{
	struct fan_dir *dir = dir_of(fan, told->fsid, told->target);
	struct fim_event event = {.op = FIM_OP_RENAME, .flags = FIM_EV_DIR};
	char *from, *to;
	struct place place;

	if (!dir || !dir->watch || !dir->watch->names || !told->old_dir || !told->dir ||
	    !place_find(dir, NULL, &place)) {
		fan->info.filtered++;
		return;
	}
	from = path_outside(fan, told, told->old_dir, told->old_name);
	to = path_outside(fan, told, told->dir, told->name);
	stat_fill(fan, told, &place, told->name, &event);
	object_fill(told, place.watch, told->old_dir, &event.old_dir);
	event.watch_id = event.old_watch_id = place.watch->id;
	put_event(fan, told, &event, to, from, place.watch);
	place_clear(&place);
	free(from);
	free(to);
}

static void on_rename(struct fan *fan, const struct told *told)
{
	struct fan_dir *from_dir = dir_of(fan, told->fsid, told->old_dir);
	struct fan_dir *to_dir = dir_of(fan, told->fsid, told->dir);
	struct place from = {0}, to = {0};
	bool was_in = place_find(from_dir, told->old_name, &from);
	bool is_in = place_find(to_dir, told->name, &to);
	struct fim_event event = {.op = FIM_OP_RENAME};
	bool is_dir = told->mask & FAN_ONDIR;
	const struct place *place = is_in ? &to : &from;

	if (was_in || is_in) {
		stat_fill(fan, told, place, told->name, &event);
		object_fill(told, place->watch, told->old_dir, &event.old_dir);
		event.flags = is_dir ? FIM_EV_DIR : 0;
		if (is_in && !to.watch->names)
			put_op(fan, told, &to, &event, FIM_OP_ATTRIB);
		else if (was_in && !from.watch->names)
			put_op(fan, told, &from, &event, FIM_OP_ATTRIB);
		else {
			event.watch_id = is_in ? to.watch->id : 0;
			event.depth = is_in ? to.depth : 0;
			event.old_watch_id = was_in ? from.watch->id : 0;
			event.old_depth = was_in ? from.depth : 0;
			if (!was_in && told->old_dir)
				from.path = path_outside(fan, told, told->old_dir, told->old_name);
			if (!is_in && told->dir)
				to.path = path_outside(fan, told, told->dir, told->name);
			put_event(fan, told, &event, to.path, from.path, place->watch);
		}
	} else {
		put_root_rename(fan, told);
	}
	place_clear(&from);
	place_clear(&to);
	if (!is_dir)
		return;
	if (is_in)
		dir_came(fan, told, to_dir, told->name, false);
	else if (was_in && dir_of(fan, told->fsid, told->target) &&
		 !dir_of(fan, told->fsid, told->target)->watch)
		dir_forget(fan, dir_of(fan, told->fsid, told->target));
	check_moved(fan, told);
}

/* Before Linux 5.17 a rename is told in two halves, which nothing joins. */
static void on_half_rename(struct fan *fan, const struct told *told, bool came)
{
	struct told half = *told;

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

static void on_self(struct fan *fan, const struct told *told)
{
	struct fan_dir *dir = dir_of(fan, told->fsid, told->target ? told->target : told->dir);

	if (!(told->mask & FAN_ONDIR) || !dir)
		return;
	if ((told->mask & FAN_DELETE_SELF) && dir->watch && dir->watch->names) {
		put_state(fan, FIM_STATE_WATCH_GONE, dir->watch->id, told);
		watch_take(fan, &fan->watches, dir->watch->id);
		return;
	}
	if ((told->mask & FAN_MOVE_SELF) && dir->watch)
		check_moved(fan, told);
}

/* Several changes of one object by one process may come as one: the end counts. */
static void on_names(struct fan *fan, const struct told *told)
{
	struct fan_dir *dir = dir_of(fan, told->fsid, told->dir);
	bool self = told->name && !strcmp(told->name, ".");
	struct fim_event event = {.flags = told->mask & FAN_ONDIR ? FIM_EV_DIR : 0};
	bool is_dir = told->mask & FAN_ONDIR;
	struct place place;

	if (!told->name || !place_find(dir, told->name, &place)) {
		fan->info.filtered++;
		return;
	}
	stat_fill(fan, told, &place, self ? NULL : told->name, &event);
	if (told->mask & FAN_CREATE) {
		put_op(fan, told, &place, &event, is_dir ? FIM_OP_MKDIR : create_op(&event));
		if (is_dir)
			dir_came(fan, told, dir, told->name, true);
	}
	if (told->mask & FAN_ATTRIB && !(told->mask & FAN_DELETE))
		put_op(fan, told, &place, &event, FIM_OP_ATTRIB);
	if (told->mask & CONTENT_MASK && !is_dir)
		put_content(fan, told, &place, &event);
	if (told->mask & FAN_DELETE) {
		put_op(fan, told, &place, &event, is_dir ? FIM_OP_RMDIR : FIM_OP_DELETE);
		dir = is_dir ? dir_of(fan, told->fsid, told->target) : NULL;
		if (dir && !dir->watch)
			dir_forget(fan, dir);
	}
	place_clear(&place);
}

static void on_told(struct fan *fan, const struct told *told)
{
	if (told->mask & FAN_Q_OVERFLOW) {
		put_overflow(fan);
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
	if (told->mask & (FAN_CREATE | FAN_DELETE | FAN_ATTRIB | CONTENT_MASK))
		on_names(fan, told);
	if (told->mask & (FAN_DELETE_SELF | FAN_MOVE_SELF))
		on_self(fan, told);
}

/* ------------------------------------------------------- from the kernel's bytes */

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

static bool info_take(struct told *told, const char *at, size_t len)
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
		       struct told *told)
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
			struct told *told)
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
		what.mode = st.st_mode;
		what.nlink = st.st_nlink;
		what.size = st.st_size;
		what.object.ino = st.st_ino;
		what.object.dev = watch->dev;
		what.flags |= event->mask & FAN_MODIFY ? FIM_EV_MODIFIED : 0;
		for (const char *p = path + fs_len; *p; p++)
			what.depth += *p == '/';
		put_event(fan, told, &what, path, NULL, watch);
		return;
	}
	fan->info.filtered++;
}

/* True if there may be more. */
static bool group_read(struct fan *fan, int fd)
{
	const char *at = (const char *)fan->buf;
	ssize_t len = read(fd, fan->buf, sizeof(fan->buf));
	ssize_t left = len;

	while (left >= (ssize_t)sizeof(struct fanotify_event_metadata)) {
		/* The kernel pads events to four bytes, which is less than the structure's alignment. */
		struct fanotify_event_metadata event;
		struct told told = {.pidfd = -1};

		memcpy(&event, at, sizeof(event));
		if (!FAN_EVENT_OK(&event, left))
			break;
		told.mask = event.mask;
		told.pid = event.pid;
		if (event.vers != FANOTIFY_METADATA_VERSION || !told_parse(&event, at, &told))
			put_overflow(fan);
		else if (fd == fan->contents_fd && event.fd >= 0)
			on_contents(fan, &event, &told);
		else
			on_told(fan, &told);
		if (told.pidfd >= 0)
			close(told.pidfd);
		if (event.fd >= 0)
			close(event.fd);
		at += event.event_len;
		left -= event.event_len;
	}
	return len > 0;
}

/* ------------------------------------------------------------ source operations */

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
static void check_unmounted(struct fan *fan)
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
		put_state(fan, FIM_STATE_WATCH_GONE, id, NULL);
		watch_take(fan, &fan->watches, id);
		watch_take(fan, &fan->uppers, id);
	}
	if (file)
		fclose(file);
}

static ssize_t records_take(struct fan *fan, unsigned char *buf, size_t size)
{
	uint64_t count = 1;
	size_t taken = 0;

	while (fan->pos < fan->len) {
		struct fim_record head;

		memcpy(&head, fan->bytes + fan->pos, sizeof(head));
		if (head.len > size - taken)
			break;
		memcpy(buf + taken, fan->bytes + fan->pos, head.len);
		taken += head.len;
		fan->pos += head.len;
	}
	if (fan->pos == fan->len)
		fan->pos = fan->len = 0;
	/* Readable as long as something waits here that no group knows of. */
	if (fan->len ? write(fan->wake_fd, &count, sizeof(count)) < 0
		     : read(fan->wake_fd, &count, sizeof(count)) < 0)
		count = 0;
	return taken ? (ssize_t)taken : -EAGAIN;
}

static ssize_t fan_read(struct source *source, void *buf, size_t size)
{
	struct fan *fan = source->ctx;
	uint64_t ticks;
	bool more = true;

	if (size < FIM_READ_MIN)
		return -EINVAL;
	for (int i = 0; i < READS_PER_CALL && more && !fan->len; i++) {
		more = group_read(fan, fan->names_fd);
		if (fan->contents_fd >= 0)
			more |= group_read(fan, fan->contents_fd);
	}
	if (read(fan->timer_fd, &ticks, sizeof(ticks)) == sizeof(ticks))
		dirty_flush(fan, false);
	check_unmounted(fan);
	fs_close(fan);
	fan_actor_clear(&fan->actor);
	return records_take(fan, buf, size);
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

static int watch_new(int fd, struct fan_watch **watch_ret, char upper_ret[4096])
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
	watch_free(watch);
	return err;
}

static int group_mark(int group, int fd, uint64_t mask)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (own < 0)
		return -errno;
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, own, NULL) < 0)
		err = -errno;
	close(own);
	return err;
}

static uint64_t name_mask(const struct fan *fan)
{
	return NAME_MASK | (fan->has_target ? FAN_RENAME : FAN_MOVED_FROM | FAN_MOVED_TO);
}

/* What the upper directory tells is a reason to look at the whole layer. */
static int upper_add(struct fan *fan, const struct fan_watch *watch, const char *upper)
{
	struct fan_watch *pseudo = NULL;
	struct fan_dir *dir = NULL;
	char none[4096];
	int fd = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = watch_new(fd, &pseudo, none);
	if (!err)
		err = group_mark(fan->names_fd, fd, name_mask(fan));
	if (!err)
		err = fan_dir_add(&fan->dirs, fd, NULL, NULL, &dir);
	close(fd);
	/* Of several watches on one overlay the first stands for all. */
	if (err || dir->watch) {
		watch_free(pseudo);
		return err;
	}
	pseudo->id = watch->id;
	dir->watch = pseudo;
	pseudo->next = fan->uppers;
	fan->uppers = pseudo;
	return 0;
}

static int contents_add(struct fan *fan, int fd, struct source *source)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (fan->contents_fd < 0) {
		fan->contents_fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
							 (fan->has_pidfd ? FAN_REPORT_PIDFD : 0),
						 O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME);
		if (fan->contents_fd < 0)
			return -errno;
		if (epoll_ctl(source->fd, EPOLL_CTL_ADD, fan->contents_fd, &event) < 0)
			return -errno;
	}
	return group_mark(fan->contents_fd, fd, CONTENT_MASK);
}

static int fan_watch_add(struct source *source, int dirfd, uint32_t *id_ret)
{
	struct fan *fan = source->ctx;
	struct fan_watch *watch = NULL;
	struct fan_dir *dir = NULL;
	char upper[4096] = "";
	int err = watch_new(dirfd, &watch, upper);

	if (err)
		return err;
	for (struct fan_watch *other = fan->watches; other; other = other->next)
		if (other->dev == watch->dev && other->ino == watch->ino) {
			*id_ret = other->id;
			watch_free(watch);
			return -EEXIST;
		}
	watch->id = fan->last_id + 1;
	/* The mark first: what is created while the tree is read is told, too. */
	err = group_mark(fan->names_fd, dirfd, name_mask(fan));
	if (!err) {
		watch->names = true;
		err = fan_dir_add(&fan->dirs, dirfd, NULL, NULL, &dir);
	} else if ((err == -EOPNOTSUPP || err == -ENODEV) && upper[0]) {
		err = contents_add(fan, dirfd, source);
		if (!err)
			err = upper_add(fan, watch, upper);
	}
	if (err) {
		watch_free(watch);
		return err;
	}
	if (dir)
		dir->watch = watch;
	watch->next = fan->watches;
	fan->watches = watch;
	*id_ret = ++fan->last_id;
	put_state(fan, FIM_STATE_WATCH_ADDED, watch->id, NULL);
	return 0;
}

static int fan_watch_del(struct source *source, uint32_t id)
{
	struct told own = {.pid = getpid(), .pidfd = -1};
	struct fan *fan = source->ctx;

	/* Every event before the call is readable after it: more than a queue holds. */
	for (int i = 0; i < READS_OF_QUEUE && group_read(fan, fan->names_fd); i++)
		;
	for (int i = 0; i < READS_OF_QUEUE && fan->contents_fd >= 0; i++)
		if (!group_read(fan, fan->contents_fd))
			break;
	dirty_flush(fan, true);
	fs_close(fan);
	if (!watch_take(fan, &fan->watches, id))
		return -ENOENT;
	watch_take(fan, &fan->uppers, id);
	put_state(fan, FIM_STATE_WATCH_REMOVED, id, &own);
	fan_actor_clear(&fan->actor);
	return 0;
}

static int fan_info(struct source *source, struct fim_info *info_ret)
{
	struct fan *fan = source->ctx;

	*info_ret = fan->info;
	info_ret->size = sizeof(*info_ret);
	info_ret->abi = FIM_ABI_VERSION;
	info_ret->ring_used = fan->len - fan->pos;
	for (struct fan_watch *watch = fan->watches; watch; watch = watch->next)
		info_ret->watches++;
	return 0;
}

static void watches_free(struct fan_watch *watch)
{
	while (watch) {
		struct fan_watch *next = watch->next;

		watch_free(watch);
		watch = next;
	}
}

static void fan_close(struct source *source)
{
	struct fan *fan = source->ctx;
	int fds[] = {fan->names_fd, fan->contents_fd, fan->wake_fd,
		     fan->timer_fd, fan->mounts_fd,   source->fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	fs_close(fan);
	fan_actor_clear(&fan->actor);
	map_exit(&fan->dirty, dirty_free);
	fan_dirs_free(&fan->dirs);
	watches_free(fan->watches);
	watches_free(fan->uppers);
	free(fan->bytes);
	free(fan);
	source->ctx = NULL;
	source->fd = -1;
	source->ops = NULL;
}

static const struct source_ops fanotify_ops = {
	.kind = "fanotify",
	.read = fan_read,
	.watch_add = fan_watch_add,
	.watch_del = fan_watch_del,
	.info = fan_info,
	.close = fan_close,
};

static int group_open(struct fan *fan)
{
	static const struct {
		unsigned int flags;
		bool target;
		bool pidfd;
	} tries[] = {
		{REPORT_TARGET | FAN_REPORT_PIDFD, true, true},
		{REPORT_NAMES | FAN_REPORT_PIDFD, false, true},
		{REPORT_NAMES, false, false},
	};
	int err = -EINVAL;

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]) && err == -EINVAL; i++) {
		fan->names_fd =
			fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | tries[i].flags,
				      O_RDONLY | O_CLOEXEC | O_LARGEFILE);
		err = fan->names_fd < 0 ? -errno : 0;
		fan->has_target = tries[i].target;
		fan->has_pidfd = tries[i].pidfd;
	}
	return err;
}

int source_fanotify_open(struct source *source_ret)
{
	struct source source = {.ops = &fanotify_ops, .fd = -1};
	struct fan *fan = calloc(1, sizeof(*fan));
	int err;

	if (!fan)
		return -ENOMEM;
	source.ctx = fan;
	fan->names_fd = fan->contents_fd = fan->wake_fd = fan->timer_fd = fan->mounts_fd =
		fan->fs_fd = -1;
	err = map_init(&fan->dirs);
	if (!err)
		err = map_init(&fan->dirty);
	if (!err)
		err = group_open(fan);
	if (err)
		goto err_close;
	fan->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fan->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	fan->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	source.fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < 3 && !err; i++) {
		struct epoll_event event = {.events = EPOLLIN};
		int fd = i == 0 ? fan->names_fd : i == 1 ? fan->wake_fd : fan->timer_fd;

		if (epoll_ctl(source.fd, EPOLL_CTL_ADD, fd, &event) < 0)
			err = -errno;
	}
	if (err)
		goto err_close;
	put_session(fan);
	*source_ret = source;
	return 0;
err_close:
	fan_close(&source);
	return err;
}
