/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that were announced (ecs-fim change begin … end). What is found on the host
 * while one is under way is told at once and marked as pending: a package manager
 * writes its database after the files. At the end of the change, when `ecs-fim change
 * end` has asked that database and written down what it vouches for, each is settled:
 * authorized if the state that it tells is exactly the one written down, else it stays
 * what it was. Who wrote the file decides nothing, nor does its name.
 *
 * A finding is never held back or taken back: the journal has it, and then a record
 * that says what became of it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"

#define ITEMS_MAX 65536
#define LOOK_MS	  1000 /* while a change is under way: has it ended? */

struct change_item {
	struct change_item *next;
	uint64_t seq;
	char *path;
	char *old_path; /* NULL: not moved */
	struct fim_state after;
	bool restored;
	bool is_alert;
	bool by_manager; /* dpkg's or RPM's program, of the host and as the baseline has it */
};

static void item_free(struct change_item *item)
{
	fim_state_clear(&item->after);
	free(item->path);
	free(item->old_path);
	free(item);
}

static const char *change_id(const struct change *change)
{
	const char *id = fim_json_get_str(change->said, "id");

	return id ? id : "";
}

static void forget(struct change *change)
{
	struct change_item *item;

	while ((item = change->items)) {
		change->items = item->next;
		item_free(item);
	}
	fim_json_free(change->said);
	fim_json_free(change->who);
	*change = (struct change){.items_end = &change->items, .look_ms = INT64_MAX};
}

void change_init(struct daemon *d)
{
	forget(&d->change);
}

void change_exit(struct daemon *d)
{
	forget(&d->change);
}

/* ------------------------------------------------------------------- the window */

static int64_t time_of(const struct fim_json *json, const char *key)
{
	const char *text = fim_json_get_str(json, key);
	int64_t time_ns;

	return text && !fim_time_parse(text, &time_ns) ? time_ns : 0;
}

/* NULL: no change is under way. */
static struct fim_json *window_read(const struct daemon *d)
{
	struct fim_json *window = NULL, *said = NULL;
	char *file = fim_window_path(d->config->baseline);

	if (file && !access(file, F_OK) && !fim_window_read(file, &window))
		said = fim_window_change(window, 0);
	fim_json_free(window);
	free(file);
	return said;
}

static void record_begin(struct daemon *d)
{
	struct fim_json *body = fim_json_object();

	fim_json_set_str(body, "action", "begun");
	fim_json_set(body, "change", fim_json_ref(d->change.said));
	record_append(d, "change", body, NULL);
}

/* Is one under way that is not known yet? One stat(2) where there is none. */
static void look_for_begin(struct daemon *d)
{
	struct change *change = &d->change;

	if (change->said)
		return;
	change->said = window_read(d);
	if (!change->said)
		return;
	change->begin_ns = time_of(change->said, "begin");
	change->look_ms = now_ms() + LOOK_MS;
	record_begin(d);
}

/* The one that is known is over: its file is gone, or tells of another. */
static bool has_ended(const struct daemon *d)
{
	struct fim_json *window = window_read(d);
	const char *id = window ? fim_json_get_str(window, "id") : NULL;
	bool ended = !id || strcmp(id, change_id(&d->change)) != 0;

	fim_json_free(window);
	return ended;
}

/* ----------------------------------------------------------------- what was found */

const char *change_mark(struct daemon *d, struct fim_json *finding)
{
	struct change *change = &d->change;
	static const char *const keys[] = {"id", "reason", "ticket", "by"};
	int64_t time_ns = time_of(finding, "event_time");
	struct fim_json *mark;

	look_for_begin(d);
	/* Found by comparison, it has no time: it is told now. */
	time_ns = time_ns ? time_ns : fim_time_now();
	if (!change->said || time_ns < change->begin_ns ||
	    (change->end_ns && time_ns > change->end_ns))
		return NULL;
	mark = fim_json_object();
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fim_json_set_str(mark, keys[i], fim_json_get_str(change->said, keys[i]));
	fim_json_set_str(mark, "state", "pending");
	fim_json_set(finding, "announced", mark);
	return change_id(change);
}

/* Whose program it is says the signed baseline, which has its digest as well. */
static bool is_by_manager(const struct fim_json *record)
{
	const struct fim_json *actor = fim_json_get(record, "actor");
	const char *origin = fim_json_get_str(actor, "exe_origin");
	const char *package = fim_json_get_str(actor, "exe_package");

	return origin && package && strcmp(origin, "baseline") == 0 &&
	       (strcmp(package, "dpkg") == 0 || strcmp(package, "rpm") == 0) &&
	       !fim_json_is_object(fim_json_get(record, "container"));
}

static void add_item(struct daemon *d, const struct fim_json *record, uint64_t seq)
{
	struct change *change = &d->change;
	struct change_item *item = calloc(1, sizeof(*item));
	const char *kind = fim_json_get_str(record, "kind");
	enum fim_severity severity;
	size_t len;

	if (!item || change->count >= ITEMS_MAX || !kind ||
	    fim_json_get_bytes(record, "path", &item->path, &len) ||
	    fim_state_from_json(fim_json_get(record, "after"), "finding", &item->after)) {
		change->crowded++;
		if (item)
			item_free(item);
		return;
	}
	fim_json_get_bytes(record, "old_path", &item->old_path, &len);
	item->seq = seq;
	item->restored = strcmp(kind, "restored") == 0;
	item->is_alert = fim_alert_of(record, &severity);
	item->by_manager = is_by_manager(record);
	*change->items_end = item;
	change->items_end = &item->next;
	change->count++;
}

void change_note(struct daemon *d, const struct fim_json *record, uint64_t seq)
{
	const struct fim_json *mark = fim_json_get(record, "announced");
	const char *state = fim_json_get_str(mark, "state");
	const char *id = fim_json_get_str(mark, "id");

	if (state && id && strcmp(state, "pending") == 0 && strcmp(id, change_id(&d->change)) == 0)
		add_item(d, record, seq);
}

/* A record of the run before: what it left pending is settled by this one. */
void change_replay(struct daemon *d, const struct fim_json *record)
{
	struct change *change = &d->change;
	const char *type = fim_json_get_str(record, "type");
	const char *action = fim_json_get_str(record, "action");

	if (type && action && strcmp(type, "change") == 0) {
		forget(change);
		if (strcmp(action, "begun") != 0)
			return;
		change->said = fim_json_ref(fim_json_get(record, "change"));
		change->begin_ns = time_of(change->said, "begin");
		change->look_ms = now_ms();
	} else if (type && strcmp(type, "finding") == 0) {
		change_note(d, record, (uint64_t)fim_json_get_int(record, "seq", 0));
	}
}

/* -------------------------------------------------------------------- what vouches */

/* What the change left of this path, if it is written down and @after is that. */
static bool is_written_down(struct daemon *d, const struct fim_baseline *delta, const char *path,
			    const struct fim_state *after)
{
	const struct fim_difference difference = {
		.path = path,
		.kind = after->type == FIM_TYPE_NONE ? FIM_KIND_REMOVED : FIM_KIND_MODIFIED,
		.after = after,
		.rule = tree_rule(d, d->host, path),
	};

	return fim_pending_lookup(delta, &difference) != NULL;
}

/*
 * Length of the name that dpkg ("NAME.dpkg-new", "NAME.dpkg-tmp") or RPM ("NAME;5f3a0c1e")
 * makes this one of, for as long as it takes; 0: it is none of theirs.
 */
static size_t lasting_len(const char *path)
{
	static const char *const suffixes[] = {".dpkg-new", ".dpkg-tmp"};
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (len > suffix && strcmp(path + len - suffix, suffixes[i]) == 0)
			return len - suffix;
	}
	if (len > 9 && path[len - 9] == ';' && strspn(path + len - 8, "0123456789abcdef") == 8)
		return len - 9;
	return 0;
}

static bool is_gone(struct daemon *d, const char *path)
{
	struct fim_state last = {0};
	bool gone = !tree_last(d, d->host, path, &last) && last.type == FIM_TYPE_NONE;

	fim_state_clear(&last);
	return gone;
}

/*
 * The package manager's own name for something on its way. What it held meanwhile may
 * not have been seen whole, so this is the one place where the program counts, by its
 * digest and its package in the baseline; and what it was busy with is a package's.
 */
static bool was_on_its_way(struct daemon *d, const struct fim_baseline *delta,
			   const struct change_item *item, const char *path)
{
	size_t len = item->by_manager ? lasting_len(path) : 0;
	char *lasting = len ? strndup(path, len) : NULL;
	const struct fim_entry *entry;
	bool was = false;

	if (lasting) {
		/* Written again as it was, it is not in the delta. */
		entry = fim_baseline_lookup(d->baseline, lasting);
		was = (fim_baseline_lookup(delta, lasting) || (entry && entry->package)) &&
		      is_gone(d, path);
	}
	free(lasting);
	return was;
}

/* A file that got its name: what counts is what has that name now. */
static bool is_name_for(const char *temporary, const char *path)
{
	size_t len = lasting_len(temporary);

	return len && len == strlen(path) && strncmp(temporary, path, len) == 0;
}

static bool is_authorized(struct daemon *d, const struct fim_baseline *delta,
			  const struct change_item *item)
{
	static const struct fim_state nothing;

	if (item->restored)
		return true; /* as the baseline says */
	if (was_on_its_way(d, delta, item, item->path))
		return true;
	if (item->old_path && !is_name_for(item->old_path, item->path) &&
	    !is_written_down(d, delta, item->old_path, &nothing))
		return false;
	return is_written_down(d, delta, item->path, &item->after);
}

/* The delta that the end of this change wrote; NULL: it was given up, or nothing was vouched for. */
static struct fim_baseline *delta_open(struct daemon *d)
{
	struct fim_baseline *delta = NULL;
	char *dir = fim_deltas_dir(d->config->baseline);
	const char *id = NULL;

	if (dir && !fim_pending_open(d->baseline, dir, NULL, &delta) && delta)
		id = fim_json_get_str(fim_json_get(fim_baseline_header(delta), "change"), "id");
	free(dir);
	if (id && strcmp(id, change_id(&d->change)) == 0)
		return delta;
	fim_baseline_free(delta);
	return NULL;
}

/* ------------------------------------------------------------------------- the end */

/* At most FIM_ALERTS_PER_RECORD numbers; empty afterwards. */
static void record_end(struct daemon *d, const struct fim_baseline *delta,
		       struct fim_json **authorized, struct fim_json **open, char **line_ret)
{
	struct fim_json *body = fim_json_object();

	fim_json_set_str(body, "action", delta ? "ended" : "ended without authorization");
	fim_json_set(body, "change",
		     fim_json_ref(delta ? fim_json_get(fim_baseline_header(delta), "change")
					: d->change.said));
	if (delta)
		fim_json_set_str(body, "delta", fim_baseline_digest(delta));
	fim_json_set(body, "authorized", *authorized);
	fim_json_set(body, "open", *open);
	if (d->change.who)
		fim_json_set(body, "who", fim_json_ref(d->change.who));
	record_append(d, "change", body, line_ret);
	*authorized = fim_json_array();
	*open = fim_json_array();
}

/* Whoever announced the change is done with these. */
static void record_closed(struct daemon *d, struct fim_json **alerts)
{
	const struct fim_json *said = d->change.said;
	struct fim_json *body;
	char *reason = NULL;

	if (!fim_json_count(*alerts))
		return;
	if (asprintf(&reason, "authorized by change %s: %s", change_id(&d->change),
		     fim_json_get_str(said, "reason")) < 0)
		return;
	body = fim_json_object();
	fim_json_set_str(body, "action", "closed");
	fim_json_set(body, "alerts", *alerts);
	fim_json_set_str(body, "by", fim_json_get_str(said, "by"));
	fim_json_set_str(body, "reason", reason);
	fim_json_set_str(body, "ticket", fim_json_get_str(said, "ticket"));
	fim_json_set_str(body, "change", change_id(&d->change));
	if (d->change.who)
		fim_json_set(body, "who", fim_json_ref(d->change.who));
	record_append(d, "alert", body, NULL);
	*alerts = fim_json_array();
	free(reason);
}

/* So that who got the findings hears what became of them. */
static void tell(struct daemon *d, size_t authorized, size_t open, const char *line)
{
	const char *by = fim_json_get_str(d->change.said, "by");
	const struct alert_field fields[] = {{"op", "change", true},
					     {"change", change_id(&d->change), true}};
	char *safe = by ? fim_escape(by, strlen(by)) : NULL, *text = NULL;
	struct alert alert = {
		.type = "alert",
		.severity = FIM_SEVERITY_INFO,
		.line = line ? line : "{}",
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	if (asprintf(&text, "change %s of %s ended: %zu findings are authorized, %zu stay",
		     change_id(&d->change), safe ? safe : "?", authorized, open) < 0)
		text = NULL;
	alert.text = text ? text : "a change ended";
	fim_log(LOG_NOTICE, "%s", alert.text);
	sinks_send(d, &alert);
	free(text);
	free(safe);
}

static void settle_items(struct daemon *d, const struct fim_baseline *delta)
{
	struct fim_json *authorized = fim_json_array(), *open = fim_json_array();
	struct fim_json *alerts = fim_json_array();
	size_t authorized_count = 0, open_count = d->change.crowded;
	char *line = NULL;

	for (const struct change_item *item = d->change.items; item; item = item->next) {
		bool is = delta && is_authorized(d, delta, item);

		fim_json_append_int(is ? authorized : open, (int64_t)item->seq);
		authorized_count += is;
		open_count += !is;
		if (is && item->is_alert)
			fim_json_append_int(alerts, (int64_t)item->seq);
		if (fim_json_count(alerts) == FIM_ALERTS_PER_RECORD)
			record_closed(d, &alerts);
		if (fim_json_count(authorized) + fim_json_count(open) == FIM_ALERTS_PER_RECORD)
			record_end(d, delta, &authorized, &open, NULL);
	}
	record_closed(d, &alerts);
	record_end(d, delta, &authorized, &open, &line);
	fim_json_free(authorized);
	fim_json_free(open);
	fim_json_free(alerts);
	tell(d, authorized_count, open_count, line);
	free(line);
}

static void change_end(struct daemon *d)
{
	struct fim_baseline *delta;

	/* What the module has told, and what waits for its last close, is of the change still. */
	events_read(d);
	settle(d, SIZE_MAX, true);
	finding_flush(d, false);
	delta = delta_open(d);
	settle_items(d, delta);
	fim_baseline_free(delta);
	forget(&d->change);
	memory_give_back();
	look_for_begin(d);
}

int64_t change_deadline(const struct daemon *d)
{
	return d->change.look_ms;
}

void change_poll(struct daemon *d)
{
	struct change *change = &d->change;

	if (!change->said || now_ms() < change->look_ms)
		return;
	change->look_ms = now_ms() + LOOK_MS;
	if (!has_ended(d))
		return;
	if (!change->end_ns)
		change->end_ns = fim_time_now();
	change_end(d);
}

void change_order(struct daemon *d, struct fim_json *who)
{
	struct change *change = &d->change;

	look_for_begin(d);
	if (!change->said || !has_ended(d)) {
		fim_json_free(who);
		return;
	}
	change->end_ns = fim_time_now();
	fim_json_free(change->who);
	change->who = who;
	change->look_ms = 0;
}
