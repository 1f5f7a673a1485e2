/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the journal says about the run before: how it ended, and in which states it
 * left the paths that it had found to deviate, so that nobody is told twice.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

static void state_free(struct map_node *node)
{
	struct history_state *state = (struct history_state *)node;

	fim_state_clear(&state->state);
	free(state);
}

/* Takes over @state. */
static int state_put(struct history *history, const char *key, struct fim_state *state)
{
	struct history_state *known = map_find(&history->states, key);
	int err = 0;

	if (!known) {
		known = calloc(1, sizeof(*known));
		err = known ? map_put(&history->states, key, &known->node) : -ENOMEM;
	}
	if (err) {
		fim_state_clear(state);
		free(known);
		return err;
	}
	fim_state_clear(&known->state);
	known->state = *state;
	return 0;
}

/* The path follows the id at once: it starts with '/', which no id contains. */
static char *key_make(const struct fim_json *record, const char *id, const char *member)
{
	char *path;
	char *key = NULL;
	size_t len;

	if (fim_json_get_bytes(record, member, &path, &len))
		return NULL;
	if (asprintf(&key, "%s%s", id, path) < 0)
		key = NULL;
	free(path);
	return key;
}

/* The interval goes on until somebody ends it. */
static void on_interval(const struct fim_json *record, bool up, int64_t *since_ns)
{
	const char *time = fim_json_get_str(record, "since");

	if (up)
		*since_ns = 0;
	else if (!*since_ns && fim_time_parse(time ? time : "", since_ns) &&
		 fim_time_parse(fim_json_get_str(record, "time"), since_ns))
		*since_ns = 0;
}

static void on_sink(struct sinks_health *sinks, const struct fim_json *record, const char *name,
		    bool up)
{
	struct sink_health *sink = sinks_health(sinks, name);

	if (!sink)
		return;
	sink->failing = !up;
	on_interval(record, up, &sink->since_ns);
}

/* What was not up when the run ended. */
static void on_state(struct history *history, const struct fim_json *record, const char *component,
		     const char *state)
{
	const char *sink = fim_json_get_str(record, "sink");
	int which = 0, what = CONTROL_UP;

	while (which < COMPONENT_COUNT && strcmp(component, component_name(which)) != 0)
		which++;
	while (what < CONTROL_INFO && strcmp(state, control_state_name(what)) != 0)
		what++;
	if (which == COMPONENT_COUNT || what == CONTROL_INFO)
		return;
	if (which == COMPONENT_SINK && sink) {
		on_sink(&history->sinks, record, sink, what == CONTROL_UP);
		return;
	}
	history->controls[which] = what;
	on_interval(record, what == CONTROL_UP, &history->control_since_ns[which]);
}

static void on_control(struct history *history, const struct fim_json *record)
{
	const char *component = fim_json_get_str(record, "component");
	const char *state = fim_json_get_str(record, "state");

	if (component && state)
		on_state(history, record, component, state);
	if (!component || !state || strcmp(component, "daemon") != 0)
		return;
	/* A run that was refused its baseline never was up, and has nothing to end. */
	if (strcmp(state, "up") == 0)
		history->unclean = true;
	else if (strcmp(state, "down") == 0)
		history->unclean = false;
}

static int on_record(void *ctx, const struct fim_json *record)
{
	struct history *history = ctx;
	const char *type = fim_json_get_str(record, "type");
	const char *time = fim_json_get_str(record, "time");
	const char *boot_id = fim_json_get_str(record, "boot_id");

	const char *component = fim_json_get_str(record, "component");
	bool control = type && strcmp(type, "control") == 0;

	if (!type)
		return 0;
	if (control)
		on_control(history, record);
	/* A torn end was mended by opening it a moment ago: that is this run's word. */
	if (control && component && strcmp(component, "journal") == 0)
		return 0;
	if (strcmp(type, "baseline") == 0 && fim_json_get_str(record, "digest"))
		snprintf(history->baseline, sizeof(history->baseline), "%s",
			 fim_json_get_str(record, "digest"));
	if (time)
		fim_time_parse(time, &history->last_ns);
	if (boot_id)
		snprintf(history->boot_id, sizeof(history->boot_id), "%s", boot_id);
	return 0;
}

int history_read(const char *dir, struct history *history_ret)
{
	struct history history = {0};
	int err = map_init(&history.states);

	if (!err)
		err = fim_journal_read(dir, on_record, &history, NULL);
	if (err) {
		history_exit(&history);
		return err;
	}
	*history_ret = history;
	return 0;
}

void history_exit(struct history *history)
{
	if (history->states.slots)
		map_exit(&history->states, state_free);
}

/* -------------------------------------------------------------------------- replay */

/* What a directory's move did to one path below it. */
struct shift {
	struct daemon *d;
	const char *from;
	const char *to;
};

static int shift_path(void *ctx, const char *path)
{
	const struct shift *shift = ctx;
	struct tree *host = shift->d->host;
	struct fim_state last = {0};
	struct fim_state none = {0};
	char *target = NULL;
	int err = tree_last(shift->d, host, path, &last);

	if (err || last.type == FIM_TYPE_NONE)
		return err;
	if (asprintf(&target, "%s%s", shift->to, path + strlen(shift->from)) < 0)
		return -ENOMEM;
	/* When it was observed is not known any more. */
	last.dev = last.ino = 0;
	err = tree_record(shift->d, host, target, &last);
	if (!err)
		err = tree_record(shift->d, host, path, &none);
	free(target);
	fim_state_clear(&last);
	return err;
}

static int replay_move(struct daemon *d, const char *from, const char *to,
		       const struct fim_state *after)
{
	struct shift shift = {d, from, to};
	struct fim_state none = {0};
	int err;

	if (!tree_covers(d, d->host, from))
		return 0;
	err = tree_record(d, d->host, from, &none);
	if (!err && after->type == FIM_TYPE_DIR)
		err = tree_each_below(d, d->host, from, shift_path, &shift);
	return err;
}

static int replay_host(struct daemon *d, const struct fim_json *record, const char *kind,
		       const struct fim_state *after)
{
	bool moved = strcmp(kind, "moved") == 0 || strcmp(kind, "restored") == 0;
	char *path = NULL;
	char *old = NULL;
	size_t len;
	int err = 0;

	if (fim_json_get_bytes(record, "path", &path, &len))
		return 0;
	if (moved && fim_json_get_bytes(record, "old_path", &old, &len))
		old = NULL;
	if (old)
		err = replay_move(d, old, path, after);
	if (!err && tree_covers(d, d->host, path))
		err = tree_record(d, d->host, path, after);
	free(path);
	free(old);
	return err;
}

/* Takes over @after. In a container the id says whose path it is. */
static int replay_container(struct daemon *d, const struct fim_json *record, const char *kind,
			    struct fim_state *after)
{
	const char *id = fim_json_get_str(record, "container_id");
	struct fim_state none = {0};
	char *old = id ? key_make(record, id, "old_path") : NULL;
	char *key = id ? key_make(record, id, "path") : NULL;
	int err = 0;

	if (old && strcmp(kind, "moved") == 0)
		err = state_put(&d->history, old, &none);
	if (key && !err)
		err = state_put(&d->history, key, after);
	else
		fim_state_clear(after);
	free(old);
	free(key);
	return err;
}

static int replay_finding(struct daemon *d, const struct fim_json *record)
{
	const char *kind = fim_json_get_str(record, "kind");
	const char *scope = fim_json_get_str(record, "scope");
	struct fim_json *json = fim_json_get(record, "after");
	struct fim_state after = {0};
	int err;

	if (!kind || !scope || !json || strcmp(kind, "unreadable") == 0)
		return 0;
	if (fim_state_from_json(json, "journal", &after))
		return 0;
	if (strcmp(scope, "container") == 0)
		return replay_container(d, record, kind, &after);
	err = replay_host(d, record, kind, &after);
	fim_state_clear(&after);
	return err;
}

static int replay(void *ctx, const struct fim_json *record)
{
	struct daemon *d = ctx;
	const char *type = fim_json_get_str(record, "type");
	const char *digest = fim_json_get_str(record, "digest");

	if (!type)
		return 0;
	alerts_replay(d, record);
	change_replay(d, record);
	if (strcmp(type, "finding") == 0) {
		rules_remember(d, record);
		return replay_finding(d, record);
	}
	/* What was recorded against another baseline says nothing about this one. */
	if (strcmp(type, "baseline") == 0 && digest &&
	    strcmp(digest, fim_baseline_digest(d->baseline)) != 0)
		tree_forget(d->host);
	return 0;
}

int history_replay(struct daemon *d)
{
	return fim_journal_read(d->config->journal_dir, replay, d, NULL);
}
