/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of ECS Exec: what they touched, out of the journal; who asked for them, out of
 * CloudTrail.  The session's id is the same on both sides.  Pure: folds records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define SESSIONS_MAX 65536
#define FILES_MAX    1000  /* of one session; the rest is counted only */
#define ALL_MAX	     20000 /* of all */

struct fim_sessions {
	struct fim_json *by_id;
	size_t files;
};

struct fim_sessions *fim_sessions_new(void)
{
	struct fim_sessions *sessions = calloc(1, sizeof(*sessions));

	if (!sessions)
		return NULL;
	sessions->by_id = fim_json_object();
	return sessions;
}

void fim_sessions_free(struct fim_sessions *sessions)
{
	if (!sessions)
		return;
	fim_json_free(sessions->by_id);
	free(sessions);
}

/* NULL: there are too many already. */
static struct fim_json *session_of(struct fim_sessions *sessions, const char *id)
{
	struct fim_json *session = fim_json_get(sessions->by_id, id);

	if (session || fim_json_count(sessions->by_id) >= SESSIONS_MAX)
		return session;
	session = fim_json_object();
	fim_json_set_str(session, "session_id", id);
	fim_json_set_str(session, "state", "requested");
	fim_json_set_int(session, "changes", 0);
	fim_json_set(session, "files", fim_json_array());
	fim_json_set(sessions->by_id, id, session);
	return fim_json_get(sessions->by_id, id);
}

/* A forgery stays one, whatever else is known of the id. */
static void set_state(struct fim_json *session, bool real)
{
	if (strcmp(fim_json_get_str(session, "state"), "forged") != 0)
		fim_json_set_str(session, "state", real ? "used" : "forged");
}

static void saw(struct fim_json *session, const struct fim_json *record)
{
	const char *time = fim_json_get_str(record, "event_time");
	const char *first = fim_json_get_str(session, "first");
	const char *last = fim_json_get_str(session, "last");
	const struct fim_json *container = fim_json_get(record, "container");

	if (!time)
		time = fim_json_get_str(record, "time");
	/* RFC 3339 in UTC sorts as text. */
	if (time && (!first || strcmp(time, first) < 0))
		fim_json_set_str(session, "first", time);
	if (time && (!last || strcmp(time, last) > 0))
		fim_json_set_str(session, "last", time);
	if (fim_json_is_object(container) && !fim_json_get(session, "container"))
		fim_json_set(session, "container", fim_json_ref(container));
}

static void add_change(struct fim_sessions *sessions, struct fim_json *session,
		       const struct fim_json *finding)
{
	static const char *const keys[] = {"path", "path_hex", "kind", "severity", "scope", "seq"};
	struct fim_json *files = fim_json_get(session, "files");
	const char *command = fim_json_str(fim_json_at(finding, "actor/command"));
	struct fim_json *file;
	size_t i;

	fim_json_set_int(session, "changes", fim_json_get_int(session, "changes", 0) + 1);
	if (fim_json_count(files) >= FILES_MAX || sessions->files >= ALL_MAX)
		return;
	sessions->files++;
	file = fim_json_object();
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct fim_json *value = fim_json_get(finding, keys[i]);

		if (value)
			fim_json_set(file, keys[i], fim_json_ref(value));
	}
	fim_json_set_str(file, "command", command);
	fim_json_append(files, file);
}

static void on_access(struct fim_sessions *sessions, const struct fim_json *record)
{
	const char *action = fim_json_get_str(record, "action");
	const char *id = fim_json_get_str(record, "session_id");
	bool real = action && strcmp(action, "ecs-exec-used") == 0;
	struct fim_json *session;

	if (!id || (!real && (!action || strcmp(action, "ecs-exec-forged") != 0)))
		return;
	session = session_of(sessions, id);
	if (!session)
		return;
	set_state(session, real);
	saw(session, record);
}

static void on_finding(struct fim_sessions *sessions, const struct fim_json *record)
{
	const struct fim_json *access = fim_json_get(record, "access");
	const char *id = fim_json_get_str(access, "session_id");
	const char *by = fim_json_get_str(access, "by");
	struct fim_json *session;

	if (fim_json_get(record, "cloudtrail")) {
		fim_sessions_cloudtrail(sessions, fim_json_get(record, "cloudtrail"),
					fim_json_get_str(record, "event_time"));
		return;
	}
	/* A hit of a rule is about a change that is a finding, too. */
	session = id && by && !fim_json_get(record, "rule") ? session_of(sessions, id) : NULL;
	if (!session)
		return;
	set_state(session, strcmp(by, "ecs-exec") == 0);
	saw(session, record);
	add_change(sessions, session, record);
}

void fim_sessions_record(struct fim_sessions *sessions, const struct fim_json *record)
{
	const char *type = fim_json_get_str(record, "type");

	if (type && strcmp(type, "access") == 0)
		on_access(sessions, record);
	else if (type && strcmp(type, "finding") == 0)
		on_finding(sessions, record);
}

void fim_sessions_cloudtrail(struct fim_sessions *sessions, const struct fim_json *summary,
			     const char *time)
{
	static const char *const keys[] = {"user_arn", "user_type", "user_name", "principal",
					   "mfa",      "source_ip", "account",	 "region",
					   "cluster",  "task",	    "error"};
	const char *name = fim_json_get_str(summary, "event_name");
	const char *id = fim_json_get_str(summary, "session");
	struct fim_json *session, *request;
	size_t i;

	if (!id || !name || strcmp(name, "ExecuteCommand") != 0)
		return;
	session = session_of(sessions, id);
	if (!session)
		return;
	request = fim_json_object();
	fim_json_set_str(request, "time", time);
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct fim_json *value = fim_json_get(summary, keys[i]);

		if (value)
			fim_json_set(request, keys[i], fim_json_ref(value));
	}
	fim_json_set(session, "request", request);
}

struct each {
	int (*fn)(void *ctx, const struct fim_json *session);
	void *ctx;
};

static int each_session(void *ctx, const char *key, struct fim_json *session)
{
	const struct each *each = ctx;

	(void)key;
	return each->fn(each->ctx, session);
}

int fim_sessions_each(const struct fim_sessions *sessions,
		      int (*fn)(void *ctx, const struct fim_json *session), void *ctx)
{
	struct each each = {fn, ctx};

	return fim_json_each(sessions->by_id, each_session, &each);
}
