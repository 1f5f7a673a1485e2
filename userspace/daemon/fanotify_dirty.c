/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that were written to and not closed yet: each is told when it is closed, or after
 * a while.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "fanotify.h"

#define DIRTY_MAX 1024
#define DIRTY_MS  1000 /* a write whose file is still open is told after this */

/* A file that was written to and not closed yet. */
struct fan_dirty {
	struct map_node node; /* directory's key, '/', name */
	struct fan_dir *dir;
	char *name;
	uint32_t pid;
	int64_t since_ms;
};

static void dirty_key(const struct fan_dir *dir, const char *name, char *key, size_t size)
{
	snprintf(key, size, "%s/%s", dir->node.key, name);
}

void fan_dirty_free(struct map_node *node)
{
	free(((struct fan_dirty *)node)->name);
	free(node);
}

static void dirty_drop(struct fan *fan, struct fan_dirty *dirty)
{
	map_del(&fan->dirty, &dirty->node);
	free(dirty->node.key);
	fan_dirty_free(&dirty->node);
}

static void timer_set(struct fan *fan, int64_t ms)
{
	struct itimerspec when = {.it_value = {ms / 1000, ms % 1000 * 1000000}};

	timerfd_settime(fan->timer_fd, 0, &when, NULL);
}

/* Told as TRUNCATE: the content is another one, and no close is promised. */
static void dirty_tell(struct fan *fan, struct fan_dirty *dirty)
{
	struct fan_told told = {.pid = dirty->pid, .pidfd = -1};
	struct fim_event event = {.op = FIM_OP_TRUNCATE};
	struct fan_place place;
	char path[8192];
	struct stat st;

	if (fan_place_find(dirty->dir, dirty->name, &place)) {
		told.fsid = place.watch->fsid;
		fan_object_fill(&told, place.watch, NULL, &event.object);
		snprintf(path, sizeof(path), "%s%s/%s", place.watch->dir, place.below, dirty->name);
		if (lstat(path, &st) == 0)
			fan_event_stat(&event, &st);
		fan_put_op(fan, &told, &place, &event, FIM_OP_TRUNCATE);
		fan_place_clear(&place);
	}
	dirty_drop(fan, dirty);
}

void fan_dirty_flush(struct fan *fan, bool all)
{
	int64_t now = now_ms();
	struct fan_dirty *dirty = map_next(&fan->dirty, NULL);

	while (dirty) {
		struct fan_dirty *next = map_next(&fan->dirty, dirty);

		if (all || now - dirty->since_ms >= DIRTY_MS)
			dirty_tell(fan, dirty);
		dirty = next;
	}
	if (fan->dirty.count)
		timer_set(fan, DIRTY_MS);
}

void fan_dirty_add(struct fan *fan, const struct fan_told *told, struct fan_dir *dir)
{
	char key[FAN_KEY_SIZE + 300];
	struct fan_dirty *dirty;

	dirty_key(dir, told->name, key, sizeof(key));
	if (map_find(&fan->dirty, key))
		return;
	if (fan->dirty.count >= DIRTY_MAX)
		fan_dirty_flush(fan, true);
	dirty = calloc(1, sizeof(*dirty));
	if (dirty)
		dirty->name = strdup(told->name);
	if (!dirty || !dirty->name || map_put(&fan->dirty, key, &dirty->node)) {
		if (dirty)
			fan_dirty_free(&dirty->node);
		fan_put_overflow(fan);
		return;
	}
	dirty->dir = dir;
	dirty->pid = told->pid;
	dirty->since_ms = now_ms();
	if (fan->dirty.count == 1)
		timer_set(fan, DIRTY_MS);
}

bool fan_dirty_take(struct fan *fan, const struct fan_told *told, const struct fan_dir *dir)
{
	char key[FAN_KEY_SIZE + 300];
	struct fan_dirty *dirty;

	dirty_key(dir, told->name, key, sizeof(key));
	dirty = map_find(&fan->dirty, key);
	if (dirty)
		dirty_drop(fan, dirty);
	return dirty;
}

/* Entries point at their directory: none may outlive it. */
void fan_forget(struct fan *fan, struct fan_dir *dir)
{
	if (fan->dirty.count)
		fan_dirty_flush(fan, true);
	fan_dir_forget(&fan->dirs, dir);
}
