/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the source's records to pending paths.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define BUFFERS_PER_TURN 16

/* One name that an event is about. */
struct name {
	struct tree *tree;
	char *path; /* NULL: not covered, or the policy excludes it */
	const struct own_place *own;
	char *own_path;
};

/*
 * The module watches new roots by rule, before anybody here knows them: then the mount
 * table does, unless it is gone again.
 */
static struct watch *watch_of(struct daemon *d, uint32_t id)
{
	struct watch *watch = watch_find(d, id);

	if (watch || d->roots_looked_for)
		return watch;
	d->roots_looked_for = true;
	mounts_find(d);
	return watch_find(d, id);
}

static bool is_stray(const struct daemon *d, uint32_t id)
{
	for (size_t i = 0; id && i < STRAYS_KEPT; i++)
		if (d->strays[i] == id)
			return !watch_find(d, id);
	return false;
}

static struct name name_resolve(struct daemon *d, uint32_t watch_id, const char *fs_path,
				unsigned int depth)
{
	struct name name = {0};
	struct watch *watch;

	if (!watch_id)
		return name;
	watch = watch_of(d, watch_id);
	if (!watch) {
		d->counters.unknown_watch++;
		return name;
	}
	name.tree = watch->tree;
	if (!fs_path)
		return name;
	name.path = watch_path(watch, fs_path, depth);
	if (!name.path)
		d->counters.bad_records++;
	else if (!tree_covers(d, name.tree, name.path))
		d->counters.outside++;
	else if (!tree_mask(d, name.tree, name.path))
		d->counters.excluded++;
	else
		return name;
	if (name.path && !name.tree->container)
		name.own = own_find(&d->own, name.path);
	if (name.own)
		name.own_path = name.path;
	else
		free(name.path);
	name.path = NULL;
	return name;
}

/*
 * The first loss is said at once; what is lost until the comparison that it led to is
 * counted and said then.  So whoever can cause losses cannot fill the journal.
 */
static void lost(struct daemon *d, uint64_t count, int64_t since_ns, const char *cause)
{
	d->counters.lost += count;
	if (d->controls[COMPONENT_RING] == CONTROL_LOSS)
		d->lost_unsaid += count;
	else
		control_say(d,
			    &(struct control){.component = COMPONENT_RING,
					      .state = CONTROL_LOSS,
					      .lost = count,
					      .since_ns = since_ns},
			    "%s", cause);
	comparison_want(d, TRIGGER_OVERFLOW);
}

/* What happened is known, where it did is not: look at everything it can concern. */
static void path_missing(struct daemon *d, const struct fim_event *event, struct tree *tree)
{
	if (tree && tree->container)
		rescan_want(tree);
	else
		lost(d, 1, event->rec.time_ns, "an event came without its path");
}

static void hint_container(struct tree *tree, const struct cause *cause)
{
	if (tree->container && !tree->hint[0] && cause->container_id[0])
		memcpy(tree->hint, cause->container_id, sizeof(tree->hint));
}

static int note(struct daemon *d, const struct name *name, enum fim_side side, const char *other,
		struct cause *cause)
{
	struct pending_note what = {name->tree, name->path, side, other, cause};

	hint_container(name->tree, cause);
	return pending_add(d, &what);
}

/* Its children have no mark until they were looked for, and all of its file system is heard. */
static void stranger(struct daemon *d, const struct fim_event *event)
{
	struct watch *watch = watch_find(d, event->watch_id);

	if (watch && event->flags & FIM_EV_DIR && event->old_watch_id != event->watch_id)
		watch->unmarked = true;
}

static void on_event(struct daemon *d, struct fim_change *change)
{
	const struct fim_event *event = &change->event;
	bool rename = event->op == FIM_OP_RENAME;
	/* A watched directory that is moved takes its watch along, but its place is vacant. */
	bool vacated = rename && !event->depth && !event->old_depth &&
		       event->watch_id == event->old_watch_id;
	struct name name =
		name_resolve(d, vacated ? 0 : event->watch_id, change->fs_path, event->depth);
	struct name old = {0};
	struct cause *cause = NULL;
	int err = 0;

	d->counters.events++;
	if (rename)
		stranger(d, event);
	if (rename)
		old = name_resolve(d, event->old_watch_id, change->old_fs_path, event->old_depth);
	if (event->flags & FIM_EV_PATH_MISSING)
		path_missing(d, event, name.tree ? name.tree : old.tree);
	if (!name.path && !old.path && (name.own || old.own)) {
		const struct name *own = name.own ? &name : &old;

		err = own_event(d, change, own->own, own->own_path);
		change = NULL;
	}
	if (name.path || old.path) {
		/* From one tree to another nothing can be moved, only copied. */
		bool inside = name.path && old.path && name.tree == old.tree;

		err = cause_new(d, change, name.tree ? name.tree : old.tree, &cause);
		change = NULL;
		if (!err && ((name.path && plain_skips(d, name.tree, cause)) ||
			     (old.path && plain_skips(d, old.tree, cause)))) {
			d->counters.outside++;
			goto out;
		}
		if (!err && name.path)
			err = note(d, &name, FIM_SIDE_NAME, inside ? old.path : NULL, cause);
		if (!err)
			rules_note(d, name.path ? name.tree : old.tree,
				   name.path ? name.path : old.path,
				   name.path && rename ? old.path : NULL, cause);
		if (!err && old.path)
			err = note(d, &old, inside ? FIM_SIDE_OLD_INSIDE : FIM_SIDE_OLD,
				   inside ? name.path : NULL, cause);
	}
	if (err) {
		d->counters.no_memory++;
		comparison_want(d, TRIGGER_OVERFLOW);
	}
out:
	cause_put(cause);
	fim_change_free(change);
	free(name.path);
	free(name.own_path);
	free(old.path);
	free(old.own_path);
}

static void on_state(struct daemon *d, const struct fim_state_change *change)
{
	switch (change->state) {
	case FIM_STATE_WATCH_ADDED:
		if (!watch_of(d, change->watch_id))
			d->strays[d->strays_next++ % STRAYS_KEPT] = change->watch_id;
		break;
	case FIM_STATE_ROOT_MISSED:
		control_set(d, COMPONENT_WATCH, CONTROL_DEGRADED,
			    "a new root could not be watched as it was made: %s",
			    strerror(change->code));
		mounts_find(d);
		break;
	case FIM_STATE_WATCH_GONE:
	case FIM_STATE_WATCH_MOVED:
		watch_changed(d, change->watch_id, change->state);
		break;
	case FIM_STATE_HOOK_LOST:
		control_set(d, COMPONENT_MODULE, CONTROL_DEGRADED,
			    "the module could not install a hook: %s", strerror(change->code));
		break;
	case FIM_STATE_MARK_LOST:
		lost(d, 1, change->rec.time_ns, "the module could not mark what came into a watch");
		break;
	}
}

/* Numbers have no gaps but those that an overflow record explains. */
static void check_seq(struct daemon *d, const struct fim_record *head, uint64_t last)
{
	if (d->has_seq && head->seq != d->last_seq + 1)
		lost(d, head->seq > d->last_seq ? head->seq - d->last_seq - 1 : 1, head->time_ns,
		     "numbers are missing between two records");
	d->last_seq = last;
	d->has_seq = true;
}

static void on_change(struct daemon *d, struct fim_change *change)
{
	const struct fim_event *event = &change->event;
	int err = 0;

	if (place_is_event(event))
		err = place_event(d, change);
	else if (is_stray(d, event->watch_id ? event->watch_id : event->old_watch_id))
		err = place_unmeasured(d, change);
	else
		on_event(d, change);
	if (err)
		comparison_want(d, TRIGGER_OVERFLOW);
}

static int on_record(struct daemon *d, const struct fim_record_ref *record)
{
	struct fim_overflow overflow;
	struct fim_session session;
	struct fim_state_change state;
	struct fim_change *change;
	int err = 0;

	switch (record->head.type) {
	case FIM_REC_OVERFLOW:
		err = fim_overflow_parse(record, &overflow);
		if (err)
			break;
		check_seq(d, &record->head, overflow.last_seq);
		lost(d, overflow.lost, overflow.first_time_ns, d->source.ops->loss);
		return 0;
	case FIM_REC_EVENT:
		err = fim_change_parse(record, &change);
		if (!err) {
			check_seq(d, &record->head, record->head.seq);
			on_change(d, change);
		}
		break;
	case FIM_REC_SESSION:
		err = fim_session_parse(record, &session);
		if (!err)
			fim_log(LOG_INFO, "session %llu of the module, %llu records waited",
				(unsigned long long)session.session,
				(unsigned long long)session.unread);
		/* It has no number of its own, but that of the last record before it. */
		d->last_seq = record->head.seq;
		d->has_seq = true;
		break;
	case FIM_REC_STATE:
		err = fim_state_change_parse(record, &state);
		check_seq(d, &record->head, record->head.seq);
		if (!err)
			on_state(d, &state);
		break;
	default: /* of a newer module */
		check_seq(d, &record->head, record->head.seq);
	}
	return err;
}

static void on_buffer(struct daemon *d, size_t len)
{
	struct fim_record_ref record;
	size_t pos = 0;
	int err;

	while (!(err = fim_record_next(d->read_buf, len, &pos, &record))) {
		err = on_record(d, &record);
		if (err) {
			d->counters.bad_records++;
			lost(d, 1, record.head.time_ns, "a record cannot be understood");
		}
	}
	if (err != -ENODATA) {
		d->counters.bad_records++;
		lost(d, 1, fim_time_now(), "what the source sent is not a record");
	}
}

static void source_failed(struct daemon *d, int err)
{
	control_set(d, COMPONENT_MODULE, CONTROL_DOWN, "the source of events failed: %s",
		    strerror(-err));
	d->source.ops->close(&d->source);
	d->source.ops = NULL;
	d->has_seq = false;
	watch_exit(d); /* what happens now is found by the comparison below */
	d->source_retry_ms = now_ms();
	comparison_want(d, TRIGGER_WATCH);
}

void events_read(struct daemon *d)
{
	/* What a record leads to may ask for more of them: not before it is done. */
	if (d->reading)
		return;
	d->reading = true;
	for (int i = 0; i < BUFFERS_PER_TURN && d->source.ops; i++) {
		ssize_t len;

		d->roots_looked_for = false;
		len = d->source.ops->read(&d->source, d->read_buf, READ_BUF_SIZE);

		if (len == -EAGAIN || len == -EINTR)
			break;
		if (len > 0)
			on_buffer(d, len);
		else
			source_failed(d, len ? (int)len : -ENODEV);
	}
	d->reading = false;
}
