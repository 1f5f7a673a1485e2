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

static int states_clear(struct history *history)
{
	map_exit(&history->states, state_free);
	return map_init(&history->states);
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

/* In a container the id says whose path it is; '/' cannot be part of one. */
static char *key_make(const struct fim_json *record, const char *member)
{
	const char *scope = fim_json_get_str(record, "scope");
	const char *id = fim_json_get_str(record, "container_id");
	char *path;
	char *key = NULL;
	size_t len;

	if (fim_json_get_bytes(record, member, &path, &len))
		return NULL;
	if (scope && strcmp(scope, "container") == 0) {
		if (!id || asprintf(&key, "%s%s", id, path) < 0)
			key = NULL;
		free(path);
		return key;
	}
	return path;
}

static int on_finding(struct history *history, const struct fim_json *record)
{
	const char *kind = fim_json_get_str(record, "kind");
	struct fim_json *after = fim_json_get(record, "after");
	struct fim_state state = {0};
	struct fim_state none = {0};
	char *key;
	int err = 0;

	if (!kind || !after || strcmp(kind, "unreadable") == 0)
		return 0;
	key = key_make(record, "path");
	if (key && !fim_state_from_json(after, "journal", &state))
		err = state_put(history, key, &state);
	free(key);
	if (err || strcmp(kind, "moved") != 0)
		return err;
	key = key_make(record, "old_path");
	if (key)
		err = state_put(history, key, &none);
	free(key);
	return err;
}

static void on_control(struct history *history, const struct fim_json *record)
{
	const char *component = fim_json_get_str(record, "component");
	const char *state = fim_json_get_str(record, "state");

	if (component && state && strcmp(component, "daemon") == 0) {
		if (strcmp(state, "down") == 0)
			history->clean = true;
		else if (strcmp(state, "up") == 0)
			history->clean = false;
	}
}

static int on_baseline(struct history *history, const struct fim_json *record)
{
	const char *digest = fim_json_get_str(record, "digest");

	if (!digest || strcmp(digest, history->digest) == 0)
		return 0;
	snprintf(history->digest, sizeof(history->digest), "%s", digest);
	return states_clear(history);
}

static int on_record(void *ctx, const struct fim_json *record)
{
	struct history *history = ctx;
	const char *type = fim_json_get_str(record, "type");
	const char *time = fim_json_get_str(record, "time");
	const char *boot_id = fim_json_get_str(record, "boot_id");

	/* Written by opening it a moment ago. */
	if (!type || strcmp(type, "journal") == 0)
		return 0;
	if (strcmp(type, "finding") == 0 && on_finding(history, record))
		return -ENOMEM;
	if (strcmp(type, "baseline") == 0 && on_baseline(history, record))
		return -ENOMEM;
	if (strcmp(type, "control") == 0) {
		history->any = true;
		on_control(history, record);
	}
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
