/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory in which CloudTrail log files appear (a synchronised bucket, a mount).
 * inotify says which file was written; nothing is looked for on a schedule.
 *
 * Hits are in the journal before the state file says that a file was read: after a crash
 * it is read again, and what the journal has is not told twice.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define DEPTH_MAX	32
#define DIRS_MAX	16384
#define BREATHE_RECORDS 256
#define SAVE_MS		10000
#define DIR_MASK                                                                                 \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | \
	 IN_DONT_FOLLOW | IN_EXCL_UNLINK)

/* A directory that is watched, by its descriptor's text. */
struct dir {
	struct map_node node;
	char *path;
};

/* A path that has to be read. */
struct todo {
	struct todo *next;
	char *path;
};

struct trail {
	char *path;
	int fd;
	int root_wd;
	struct map dirs;
	struct todo *todo;
	struct todo **todo_tail;
	struct fim_cloudtrail *reader;
	uint64_t malformed; /* said */
	int64_t saved_ms;
	unsigned int since_breath;
	bool reading;
};

static void dir_free(struct map_node *node)
{
	struct dir *dir = (struct dir *)node;

	free(dir->path);
	free(dir);
}

static void todo_clear(struct trail *trail)
{
	while (trail->todo) {
		struct todo *next = trail->todo->next;

		free(trail->todo->path);
		free(trail->todo);
		trail->todo = next;
	}
	trail->todo_tail = &trail->todo;
}

static int todo_add(struct trail *trail, const char *path)
{
	struct todo *todo = calloc(1, sizeof(*todo));

	if (todo)
		todo->path = strdup(path);
	if (!todo || !todo->path) {
		free(todo);
		return -ENOMEM;
	}
	*trail->todo_tail = todo;
	trail->todo_tail = &todo->next;
	return 0;
}

int trail_fd(const struct daemon *d)
{
	return d->trail ? d->trail->fd : -1;
}

void trail_close(struct daemon *d)
{
	struct trail *trail = d->trail;

	if (!trail)
		return;
	if (trail->reader)
		fim_cloudtrail_save(trail->reader);
	fim_cloudtrail_close(trail->reader);
	todo_clear(trail);
	if (trail->dirs.slots)
		map_exit(&trail->dirs, dir_free);
	if (trail->fd >= 0)
		close(trail->fd);
	free(trail->path);
	free(trail);
	d->trail = NULL;
}

/* --------------------------------------------------------------------------- reading */

/* Files are evaluated between the others' turns: a large log does not delay an alert. */
static int on_record(void *ctx, const char *text, size_t len)
{
	struct daemon *d = ctx;
	struct trail *trail = d->trail;

	if (d->stop)
		return -ECANCELED;
	if (++trail->since_breath >= BREATHE_RECORDS) {
		trail->since_breath = 0;
		daemon_breathe(d);
	}
	return rules_cloudtrail(d, text, len);
}

static int save(struct daemon *d)
{
	int err = fim_cloudtrail_save(d->trail->reader);

	d->trail->saved_ms = now_ms();
	if (err)
		control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_DEGRADED, "%s cannot be written: %s",
			    d->config->cloudtrail_state, strerror(-err));
	return err;
}

static void say_malformed(struct daemon *d)
{
	struct trail *trail = d->trail;
	uint64_t malformed = fim_cloudtrail_totals(trail->reader).malformed;

	if (malformed > trail->malformed)
		control_say(d,
			    &(struct control){.component = COMPONENT_CLOUDTRAIL,
					      .state = CONTROL_INFO,
					      .lost = malformed - trail->malformed},
			    "records or files in %s are not what they should be", trail->path);
	trail->malformed = malformed;
}

void trail_poll(struct daemon *d)
{
	struct trail *trail = d->trail;

	if (!trail || trail->reading || !trail->todo)
		return;
	trail->reading = true;
	while (trail->todo && !d->stop) {
		struct todo *todo = trail->todo;
		int err = fim_cloudtrail_read_entry(trail->reader, todo->path);

		if (err == -ECANCELED)
			break;
		if (err)
			control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_DEGRADED,
				    "%s cannot be read: %s", todo->path, strerror(-err));
		trail->todo = todo->next;
		if (!trail->todo)
			trail->todo_tail = &trail->todo;
		free(todo->path);
		free(todo);
		if (now_ms() - trail->saved_ms > SAVE_MS)
			save(d);
		daemon_breathe(d);
	}
	trail->reading = false;
	say_malformed(d);
	save(d);
}

/* -------------------------------------------------------------------------- watching */

static int watch_dir(struct trail *trail, const char *path, unsigned int depth);

static int watch_below(struct trail *trail, const char *path, unsigned int depth)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		struct stat st;
		char *below;

		if (entry->d_name[0] == '.' ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		if (asprintf(&below, "%s/%s", path, entry->d_name) < 0) {
			err = -ENOMEM;
			break;
		}
		if (lstat(below, &st) == 0 && S_ISDIR(st.st_mode))
			err = watch_dir(trail, below, depth + 1);
		free(below);
	}
	closedir(dir);
	return err;
}

/* Before it is read: what appears meanwhile is seen by one or the other. */
static int watch_dir(struct trail *trail, const char *path, unsigned int depth)
{
	int wd = inotify_add_watch(trail->fd, path, DIR_MASK);
	struct dir *dir;
	char key[16];
	int err;

	if (wd < 0)
		return errno == ENOENT && depth ? 0 : -errno;
	if (!depth)
		trail->root_wd = wd;
	snprintf(key, sizeof(key), "%d", wd);
	dir = map_find(&trail->dirs, key);
	if (dir) { /* by another path since */
		char *copy = strdup(path);

		if (!copy)
			return -ENOMEM;
		free(dir->path);
		dir->path = copy;
	} else {
		if (trail->dirs.count >= DIRS_MAX)
			return -ENOSPC;
		dir = calloc(1, sizeof(*dir));
		if (!dir)
			return -ENOMEM;
		dir->path = strdup(path);
		err = dir->path ? map_put(&trail->dirs, key, &dir->node) : -ENOMEM;
		if (err) {
			free(dir->path);
			free(dir);
			return err;
		}
	}
	return depth < DEPTH_MAX ? watch_below(trail, path, depth) : 0;
}

static void forget_dir(struct trail *trail, int wd)
{
	char key[16];
	struct dir *dir;
	char *text;

	snprintf(key, sizeof(key), "%d", wd);
	dir = map_find(&trail->dirs, key);
	if (!dir)
		return;
	text = dir->node.key;
	map_del(&trail->dirs, &dir->node);
	free(text);
	dir_free(&dir->node);
}

static unsigned int depth_of(const struct trail *trail, const char *path)
{
	unsigned int depth = 0;

	for (const char *p = path + strlen(trail->path); *p; p++)
		depth += *p == '/';
	return depth;
}

static int on_name(struct trail *trail, const struct dir *dir, const struct inotify_event *event)
{
	char *path;
	int err = 0;

	if (event->name[0] == '.')
		return 0;
	if (asprintf(&path, "%s/%s", dir->path, event->name) < 0)
		return -ENOMEM;
	if (event->mask & IN_ISDIR) {
		err = watch_dir(trail, path, depth_of(trail, path));
		if (!err)
			err = todo_add(trail, path);
	} else if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
		err = todo_add(trail, path);
	}
	free(path);
	return err;
}

static void on_event(struct daemon *d, const struct inotify_event *event)
{
	struct trail *trail = d->trail;
	struct dir *dir;
	char key[16];
	int err = 0;

	if (event->mask & IN_Q_OVERFLOW) {
		err = watch_dir(trail, trail->path, 0);
		if (!err)
			err = todo_add(trail, trail->path);
	} else if (event->wd == trail->root_wd &&
		   event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
		control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_DOWN,
			    "%s is gone: make it again, then send SIGHUP", trail->path);
	} else if (event->mask & IN_IGNORED) {
		forget_dir(trail, event->wd);
	} else if (event->len) {
		snprintf(key, sizeof(key), "%d", event->wd);
		dir = map_find(&trail->dirs, key);
		if (dir)
			err = on_name(trail, dir, event);
	}
	if (err)
		control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_DEGRADED,
			    "not everything below %s is watched: %s", trail->path, strerror(-err));
}

void trail_handle(struct daemon *d)
{
	union {
		struct inotify_event event;
		char bytes[16384];
	} buf;
	ssize_t len;

	while ((len = read(d->trail->fd, buf.bytes, sizeof(buf.bytes))) > 0) {
		size_t rest = (size_t)len;

		/* Each moves to the front, where it is aligned. */
		while (rest >= sizeof(buf.event)) {
			size_t size = sizeof(buf.event) + buf.event.len;

			on_event(d, &buf.event);
			rest -= size;
			memmove(buf.bytes, buf.bytes + size, rest);
		}
	}
}

/* --------------------------------------------------------------------------- opening */

static int open_reader(struct daemon *d)
{
	struct trail *trail = d->trail;
	struct fim_cloudtrail_params params = {
		.record = on_record, .ctx = d, .state = d->config->cloudtrail_state};
	struct epoll_event event = {.events = EPOLLIN};
	int err;

	trail->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (trail->fd < 0)
		return -errno;
	event.data.fd = trail->fd;
	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, trail->fd, &event) < 0)
		return -errno;
	err = fim_cloudtrail_open(&params, &trail->reader);
	if (!err)
		err = watch_dir(trail, trail->path, 0);
	return err ? err : todo_add(trail, trail->path);
}

void trail_open(struct daemon *d)
{
	const char *path = d->config->cloudtrail_dir;
	struct trail *trail;
	int err = -ENOMEM;

	if (d->trail && strcmp(d->trail->path, path) == 0 &&
	    d->controls[COMPONENT_CLOUDTRAIL] == CONTROL_UP)
		return;
	trail_close(d);
	if (!*path)
		return;
	trail = calloc(1, sizeof(*trail));
	d->trail = trail;
	if (trail) {
		trail->fd = -1;
		trail->todo_tail = &trail->todo;
		trail->saved_ms = now_ms();
		trail->path = strdup(path);
		if (trail->path && !map_init(&trail->dirs))
			err = open_reader(d);
	}
	if (err) {
		control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_DOWN,
			    "CloudTrail files in %s cannot be watched: %s: mend it, then send "
			    "SIGHUP",
			    path, strerror(-err));
		trail_close(d);
		return;
	}
	control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_UP, "CloudTrail files in %s are watched%s",
		    path, rules_want_cloudtrail(d) ? "" : ", but no rule is about them");
}
