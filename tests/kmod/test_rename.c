// SPDX-License-Identifier: GPL-2.0-only
/*
 * Renames: both sides, over the border of a watch both ways, over another
 * file, exchanged, of directories, of the watched directory and of one above.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;

static const struct row {
	const char *name;
	const char *from, *to;
	unsigned int flags;
	/* depth below the watch, -1 if outside */
	int from_depth, to_depth;
} rows[] = {
	{"rename within a directory", "top/w/a", "top/w/new", 0, 1, 1},
	{"rename to a deeper directory", "top/w/a", "top/w/dir/a", 0, 1, 2},
	{"rename out of the watch", "top/w/dir/x", "out/x", 0, 2, -1},
	{"rename into the watch", "out/c", "top/w/dir/c", 0, -1, 2},
	{"rename over a file in the watch is one event", "top/w/a", "top/w/b", 0, 1, 1},
	{"rename from outside over a file in the watch", "out/c", "top/w/b", 0, -1, 1},
	{"rename of a directory", "top/w/dir", "top/w/dir2", 0, 1, 1},
	{"rename of a directory out of the watch", "top/w/dir", "out/moved", 0, 1, -1},
	{"rename of a directory into the watch", "out/dir", "top/w/moved", 0, -1, 1},
	{"rename of the watched directory belongs to its watch", "top/w", "top/w2", 0, 0, 0},
	{"rename of the watched directory to elsewhere", "top/w", "out/w2", 0, 0, 0},
};

static void tree(void)
{
	if (system("rm -rf top top2 out && mkdir -p top/w/dir out/dir &&"
		   "touch top/w/a top/w/b top/w/dir/x out/c out/dir/y"))
		bail("cannot make the tree");
}

static int act_rename(void *arg)
{
	const struct row *row = arg;

	return renameat2(AT_FDCWD, row->from, AT_FDCWD, row->to, row->flags);
}

/* A fresh tree, top/w watched, the rename done by a child. Returns the watch. */
static int act_row(int fd, const struct row *row)
{
	int id;

	tree();
	id = watch_add(fd, "top/w");
	if (id <= 0)
		bail("watch: %s", strerror(-id));
	drain(fd, &events);
	events_clear(&events);
	if (in_child(act_rename, (void *)row))
		bail("%s: the rename itself failed", row->name);
	drain(fd, &events);
	return id;
}

static ino_t ino_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

static ino_t ino_of_dir(const char *path)
{
	return ino_of(fmt("%.*s", (int)(strrchr(path, '/') - path), path));
}

static bool is_expected(const struct event *e, const struct row *row, int id)
{
	const struct fim_event *ev = &e->ev;
	bool was_in = row->from_depth >= 0, is_in = row->to_depth >= 0;
	struct stat st;

	return ev->op == FIM_OP_RENAME && ev->watch_id == (is_in ? (unsigned int)id : 0) &&
	       ev->old_watch_id == (was_in ? (unsigned int)id : 0) &&
	       ev->depth == (is_in ? row->to_depth : 0) &&
	       ev->old_depth == (was_in ? row->from_depth : 0) &&
	       !strcmp(e->old_fs_path, fmt("%s/%s", dir, row->from)) &&
	       !strcmp(e->fs_path, fmt("%s/%s", dir, row->to)) &&
	       !strcmp(e->view_path, e->fs_path) && !strcmp(e->old_view_path, e->old_fs_path) &&
	       ev->object.ino == ino_of(row->to) && ev->dir.ino == ino_of_dir(row->to) &&
	       ev->old_dir.ino == ino_of_dir(row->from) && !lstat(row->to, &st) &&
	       ev->mode == st.st_mode && ev->flags == (S_ISDIR(st.st_mode) ? FIM_EV_DIR : 0U) &&
	       ev->actor.ppid == (uint32_t)getpid();
}

static void check_row(int fd, const struct row *row)
{
	int id = act_row(fd, row);
	bool root_moved = row->from_depth == 0;
	bool good = count_ops(&events) == 1 && find(&events, FIM_OP_RENAME, 0) &&
		    is_expected(find(&events, FIM_OP_RENAME, 0), row, id);
	struct event *state = find_state(&events, FIM_STATE_WATCH_MOVED);

	if (root_moved)
		good = good && state && state->state.watch_id == (unsigned int)id &&
		       events.count == 2;
	else
		good = good && !state && events.count == 1;
	if (!ok(good, "%s", row->name))
		events_print(&events);
	watch_del(fd, id);
}

static void check_exchange(int fd)
{
	const struct row there = {"exchange", "top/w/a", "out/c", RENAME_EXCHANGE, 1, -1};
	const struct row back = {"exchange", "out/c", "top/w/a", RENAME_EXCHANGE, -1, 1};
	int id = act_row(fd, &there);

	if (!ok(events.count == 2 && is_expected(&events.events[0], &there, id) &&
			is_expected(&events.events[1], &back, id),
		"RENAME_EXCHANGE over the border is two events"))
		events_print(&events);
	watch_del(fd, id);
}

static void check_parent(int fd)
{
	const struct row row = {"parent", "top", "top2", 0, -1, -1};
	int id = act_row(fd, &row);
	struct event *state = find_state(&events, FIM_STATE_WATCH_MOVED);

	if (!ok(events.count == 1 && state && state->state.watch_id == (unsigned int)id &&
			state->state.actor.ppid == (uint32_t)getpid(),
		"rename of a directory above the watched one says that the watch moved"))
		events_print(&events);
	watch_del(fd, id);
}

static int act_failing(void *arg)
{
	(void)arg;
	return renameat2(AT_FDCWD, "top/w/a", AT_FDCWD, "top/w/b", RENAME_NOREPLACE) != -1 ||
	       errno != EEXIST || rename("top/w/dir", "top/w/dir/x/y") != -1 ||
	       rename("top/w/none", "top/w/some") != -1;
}

static void check_failed(int fd)
{
	int id;

	tree();
	id = watch_add(fd, "top/w");
	drain(fd, &events);
	events_clear(&events);
	if (in_child(act_failing, NULL))
		bail("renames that must fail did not");
	drain(fd, &events);
	if (!ok(!events.count, "a rename that fails is no event"))
		events_print(&events);
	watch_del(fd, id);
}

static int act_after_move(void *arg)
{
	(void)arg;
	return rename("top/w", "out/w2") || mkdir("out/w2/sub", 0755) || mkdir("top/w", 0755) ||
	       mkdir("top/w/sub", 0755);
}

static void check_moved_watch_follows(int fd)
{
	struct event *e;
	int id;

	tree();
	id = watch_add(fd, "top/w");
	drain(fd, &events);
	events_clear(&events);
	if (in_child(act_after_move, NULL))
		bail("cannot move and make directories");
	drain(fd, &events);
	e = find(&events, FIM_OP_MKDIR, 0);
	if (!ok(count_ops(&events) == 2 && e && !strcmp(e->fs_path, fmt("%s/out/w2/sub", dir)),
		"a watch follows its directory; a new one in its old place is not watched"))
		events_print(&events);
	watch_del(fd, id);
}

int main(void)
{
	int fd = device_open();
	size_t i;

	dir = workdir();
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(fd, &rows[i]);
	check_exchange(fd);
	check_parent(fd);
	check_failed(fd);
	check_moved_watch_follows(fd);
	return done();
}
