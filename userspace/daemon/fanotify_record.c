/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as the module makes them: put together, and kept until they are read.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fanotify.h"

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
void fan_put_overflow(struct fan *fan)
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
static bool actor_find(struct fan *fan, const struct fan_told *told)
{
	if (fan->actor.ids.tgid == told->pid && fan->actor.ids.start_ns)
		return true;
	fan_actor_clear(&fan->actor);
	return fan_actor_read(told->pid, told->pidfd, &fan->actor);
}

/* @told: who did it; NULL: the kernel, or we. */
void fan_put_state(struct fan *fan, uint32_t kind, uint32_t watch_id, const struct fan_told *told)
{
	struct fim_state_change *change = room_for(fan, sizeof(*change));

	if (!change) {
		fan_put_overflow(fan);
		return;
	}
	head_fill(fan, &change->rec, FIM_REC_STATE, sizeof(*change));
	change->state = kind;
	change->watch_id = watch_id;
	if (told && actor_find(fan, told))
		change->actor = fan->actor.ids;
}

/* As the module's: the first record, without a number of its own. */
void fan_put_session(struct fan *fan)
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
void fan_put_event(struct fan *fan, const struct fan_told *told, const struct fim_event *what,
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
		fan_put_overflow(fan);
	}
}

void fan_put_op(struct fan *fan, const struct fan_told *told, const struct fan_place *place,
		struct fim_event *event, uint32_t op)
{
	/* The upper directory of an overlay: its names are not quite the overlay's. */
	if (!place->watch->names) {
		event->op = FIM_OP_ATTRIB;
		event->watch_id = place->watch->id;
		fan_put_event(fan, told, event, NULL, NULL, place->watch);
		return;
	}
	event->op = op;
	event->watch_id = place->watch->id;
	event->depth = place->depth;
	fan_put_event(fan, told, event, place->path, NULL, place->watch);
}

ssize_t fan_records_take(struct fan *fan, unsigned char *buf, size_t size)
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
