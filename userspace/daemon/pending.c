/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths about which events came and which were not appraised yet.
 *
 * A program's change of a file is several events (create, write, chmod …).  They are
 * gathered per path until it is quiet for a moment, so that one change is one
 * finding; a path being written waits for its last close, at most settle_ms, and so
 * does one whose times were set, for something that is a change.  Both
 * waits are constant, so each of the two lists is sorted by deadline.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define QUIET_MS 20

static void list_append(struct pending_list *list, struct pending *pending)
{
	pending->prev = list->tail;
	pending->next = NULL;
	if (list->tail)
		list->tail->next = pending;
	else
		list->head = pending;
	list->tail = pending;
}

static void list_remove(struct pending_list *list, struct pending *pending)
{
	if (pending->prev)
		pending->prev->next = pending->next;
	else
		list->head = pending->next;
	if (pending->next)
		pending->next->prev = pending->prev;
	else
		list->tail = pending->prev;
}

static struct pending_list *list_of(struct daemon *d, const struct pending *pending)
{
	return pending->waiting ? &d->pending.waiting : &d->pending.quiet;
}

static void schedule(struct daemon *d, struct pending *pending, bool waiting)
{
	int64_t now = now_ms();

	pending->waiting = waiting;
	pending->deadline_ms = now + (waiting ? (int64_t)d->config->settle_ms : QUIET_MS);
	list_append(list_of(d, pending), pending);
}

struct pending *pending_find(const struct tree *tree, const char *path)
{
	return map_find(&tree->pending, path);
}

static struct pending *pending_new(struct daemon *d, struct tree *tree, const char *path,
				   bool waiting)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending)
		return NULL;
	pending->evidence = (struct fim_evidence)FIM_EVIDENCE_INIT;
	if (map_put(&tree->pending, path, &pending->node)) {
		free(pending);
		return NULL;
	}
	pending->tree = tree_get(tree);
	pending->first_ms = now_ms();
	d->pending.count++;
	schedule(d, pending, waiting);
	return pending;
}

static int string_set(char **string, const char *text)
{
	char *copy = NULL;

	if (text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*string);
	*string = copy;
	return 0;
}

/*
 * After a → b and b → c, what was at a is at c: keep the ends of the chain, so that
 * nobody has to walk along it, however long someone made it.
 */
static int note_rename(const struct pending_note *note, struct pending *pending)
{
	const char *origin = note->other;
	struct pending *from;

	if (note->side != FIM_SIDE_NAME)
		return string_set(&pending->moved_to, note->other);
	from = origin ? pending_find(note->tree, origin) : NULL;
	if (from && from->origin) {
		struct pending *start = pending_find(note->tree, from->origin);

		origin = from->origin;
		if (start && start->moved_to && string_set(&start->moved_to, note->path))
			return -ENOMEM;
	}
	/* Moved back to where it came from. */
	if (origin && strcmp(origin, note->path) == 0)
		origin = NULL;
	return string_set(&pending->origin, origin);
}

/*
 * Is the last close of the file still to come?  A file is created by an open, which on
 * overlayfs is not over yet when the creation is reported; attributes set in between
 * change nothing about that.  Time stamps are in no baseline: alone they are a hint, for
 * which there is time, and not a reason to read the file as often as somebody sets them.
 */
static bool may_wait(const struct pending *pending, const struct pending_note *note)
{
	const struct fim_event *event = &note->cause->change->event;

	if (note->side != FIM_SIDE_NAME)
		return false;
	switch (event->op) {
	case FIM_OP_CREATE:
		return true;
	case FIM_OP_TIMES:
		return !pending || pending->waiting;
	case FIM_OP_WRITE:
	case FIM_OP_DELETE:
	case FIM_OP_RENAME:
		return false;
	}
	return (pending && pending->waiting) || (event->flags & FIM_EV_OPEN_FOR_WRITE);
}

int pending_add(struct daemon *d, const struct pending_note *note)
{
	const struct fim_event *event = &note->cause->change->event;
	struct pending *pending = pending_find(note->tree, note->path);
	unsigned int weight = fim_op_weight(event);
	bool waiting = may_wait(pending, note);
	int err = 0;

	if (!pending) {
		pending = pending_new(d, note->tree, note->path, waiting);
		if (!pending)
			return -ENOMEM;
	} else {
		/*
		 * While events keep coming the path is not quiet, but who never stops
		 * must not escape: after settle_ms its place in the list stays.
		 */
		bool fresh = now_ms() - pending->first_ms < d->config->settle_ms;

		if (fresh && !(waiting && pending->waiting)) {
			list_remove(list_of(d, pending), pending);
			schedule(d, pending, waiting);
		}
	}
	if (event->op == FIM_OP_RENAME)
		err = note_rename(note, pending);
	fim_evidence_add(&pending->evidence, event, note->side);
	if (event->flags & FIM_EV_DIR && event->op == FIM_OP_RENAME)
		pending->dir = true;
	if (!pending->cause || weight >= pending->weight) {
		cause_put(pending->cause);
		pending->cause = cause_get(note->cause);
		pending->weight = weight;
	}
	return err;
}

void pending_take(struct daemon *d, struct pending *pending)
{
	list_remove(list_of(d, pending), pending);
	map_del(&pending->tree->pending, &pending->node);
	d->pending.count--;
}

static void string_move(char **to, char **from)
{
	if (*to)
		return;
	*to = *from;
	*from = NULL;
}

/*
 * Newer events carry the path on, but not all of it is their doing: who wrote it before
 * somebody else touched it is who changed it.  And who keeps touching it does not win time.
 */
static void carry_on(struct pending *newer, struct pending *pending)
{
	fim_evidence_merge(&newer->evidence, &pending->evidence);
	if (pending->weight > newer->weight) {
		struct cause *cause = newer->cause;

		newer->cause = pending->cause;
		newer->weight = pending->weight;
		pending->cause = cause;
	}
	if (pending->first_ms < newer->first_ms)
		newer->first_ms = pending->first_ms;
	newer->tries += pending->tries;
	newer->dir |= pending->dir;
	string_move(&newer->origin, &pending->origin);
	string_move(&newer->moved_to, &pending->moved_to);
}

int pending_retry(struct daemon *d, struct pending *pending, bool waiting)
{
	struct pending *newer = pending_find(pending->tree, pending->node.key);
	char *path = pending->node.key;
	int err;

	if (newer) {
		carry_on(newer, pending);
		pending_free(pending);
		return 0;
	}
	err = map_put(&pending->tree->pending, path, &pending->node);
	if (err) {
		pending->node.key = path;
		pending_free(pending);
		return err;
	}
	free(path);
	d->pending.count++;
	schedule(d, pending, waiting);
	return 0;
}

void pending_free(struct pending *pending)
{
	if (!pending)
		return;
	cause_put(pending->cause);
	tree_put(pending->tree);
	free(pending->origin);
	free(pending->moved_to);
	free(pending->node.key);
	free(pending);
}

static bool is_due(const struct pending *pending, int64_t now, bool all)
{
	return pending && (all || pending->deadline_ms <= now);
}

struct pending *pending_due(const struct daemon *d, bool all)
{
	int64_t now = now_ms();
	/* Full: what was written to may as well be appraised before its last close. */
	bool full = d->pending.count >= PENDING_MAX;

	if (is_due(d->pending.quiet.head, now, all || full))
		return d->pending.quiet.head;
	if (is_due(d->pending.waiting.head, now, all || full))
		return d->pending.waiting.head;
	return NULL;
}

int64_t pending_deadline(const struct daemon *d)
{
	int64_t deadline = INT64_MAX;

	if (d->pending.quiet.head)
		deadline = d->pending.quiet.head->deadline_ms;
	if (d->pending.waiting.head && d->pending.waiting.head->deadline_ms < deadline)
		deadline = d->pending.waiting.head->deadline_ms;
	return deadline;
}
