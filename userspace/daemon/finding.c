/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings on their way out: wait for the container's name if Docker is about to
 * tell it, become JSON, then journal, then sinks.
 *
 * Nothing leaves before the disk has it.  Waiting for the disk takes longer than all the
 * rest, so what is found in one turn of the loop is waited for once.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define HOLD_MS	      3000  /* for Docker to tell of a root */
#define ASKED_HOLD_MS 10000 /* for Docker to answer: it always does, or is down after that */
#define START_HOLD_MS 15000 /* the same, when it has just been connected to: all containers first */
#define READY_MS      10    /* and no longer than this for others to go to the disk with */

static void finding_free(struct finding *finding)
{
	if (!finding)
		return;
	tree_put(finding->tree);
	cause_put(finding->cause);
	fim_state_clear(&finding->before);
	fim_state_clear(&finding->after);
	fim_state_clear(&finding->expected);
	free(finding->path);
	free(finding->old_path);
	free(finding->change);
	free(finding);
}

const char *finding_tree_id(const struct daemon *d, struct tree *tree)
{
	if (!tree->container)
		return "";
	if (!tree->id[0]) {
		const char *id = containers_id_of(d, tree->root);

		if (id)
			memcpy(tree->id, id, sizeof(tree->id));
	}
	/* A process of a container changed its own root: the next best witness. */
	return tree->id[0] ? tree->id : tree->hint;
}

/* ---------------------------------------------------------------------------- JSON */

static struct fim_json *state_json(const struct fim_state *state)
{
	struct fim_json *json = fim_json_object();

	fim_state_to_json(state, json);
	return json;
}

void finding_set_event(struct fim_json *body, const struct cause *cause)
{
	const struct fim_change *change = cause->change;
	char time[FIM_TIME_SIZE];

	fim_time_format(change->event.rec.time_ns, time);
	fim_json_set_str(body, "op", fim_op_name(change->event.op));
	fim_json_set_str(body, "detected_by", "event");
	fim_json_set_int(body, "event_seq", change->event.rec.seq);
	fim_json_set_str(body, "event_time", time);
	if (change->view_path)
		fim_json_set_path(body, "view_path", change->view_path);
	if (change->fs_path)
		fim_json_set_path(body, "fs_path", change->fs_path);
}

static struct fim_json *changed_json(uint32_t diff)
{
	struct fim_json *names = fim_json_array();

	for (uint32_t bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (diff & bit)
			fim_json_append_str(names, fim_diff_name(bit));
	return names;
}

/* Null for a process of the host; the id alone if Docker did not tell more. */
struct fim_json *finding_container(const struct daemon *d, const char *id)
{
	const struct fim_container *container = containers_identify(d, id);
	struct fim_json *full;
	struct fim_json *json;
	static const char *const keys[] = {
		"id",	   "name",	  "image",	   "image_id",	 "task_arn",
		"cluster", "family",	  "revision",	   "account",	 "region",
		"running", "pid",	  "ecs_container", "privileged", "effectively_privileged",
		"engine",  "cluster_arn", "image_digest",  "task_check"};

	json = fim_json_object();
	if (!container) {
		fim_json_set_str(json, "id", id);
		return json;
	}
	full = fim_container_to_json(container);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct fim_json *value = fim_json_get(full, keys[i]);

		if (value)
			fim_json_set(json, keys[i], fim_json_ref(value));
	}
	fim_json_free(full);
	return json;
}

/* A program, or its content, that did not come with the image. */
static bool is_drift(const struct finding *f)
{
	if (f->after.type != FIM_TYPE_FILE || !(f->after.mode & 0111))
		return false;
	return f->expected.type != FIM_TYPE_FILE || !(f->expected.mode & 0111) ||
	       f->expected.has_digest != f->after.has_digest ||
	       memcmp(f->expected.sha256, f->after.sha256, sizeof(f->after.sha256)) != 0;
}

/* What the states before are those of. */
static void image_set(const struct daemon *d, struct fim_json *body, const struct finding *f,
		      const char *id)
{
	const struct fim_container *container = id[0] ? containers_identify(d, id) : NULL;
	struct fim_json *image;

	if (is_drift(f))
		fim_json_set_bool(body, "drift", true);
	if (!container)
		return;
	image = fim_json_object();
	fim_json_set_str(image, "reference", container->image);
	fim_json_set_str(image, "id", container->image_id);
	if (*container->image_digest)
		fim_json_set_str(image, "digest", container->image_digest);
	fim_json_set(body, "image", image);
}

static struct fim_json *finding_json(struct daemon *d, const struct finding *f)
{
	const struct fim_rule *rule = tree_rule(d, f->tree, f->path);
	const char *id = finding_tree_id(d, f->tree);
	struct fim_json *body = fim_json_object();
	struct fim_json *access;

	fim_json_set_str(body, "kind", fim_kind_name(f->kind));
	fim_json_set_str(body, "severity", fim_severity_name(f->severity));
	fim_json_set_path(body, "path", f->path);
	if (f->old_path)
		fim_json_set_path(body, "old_path", f->old_path);
	fim_json_set_str(body, "scope", f->tree->container ? "container" : "host");
	if (id[0])
		fim_json_set_str(body, "container_id", id);
	if (f->tree->container)
		image_set(d, body, f, id);
	fim_json_set_str(body, "class", fim_class_name(rule->cls));
	fim_json_set_str(body, "category", rule->category);
	if (f->cause)
		finding_set_event(body, f->cause);
	else
		fim_json_set_str(body, "detected_by", f->trigger);
	fim_json_set(body, "changed", changed_json(f->diff));
	if (f->err)
		fim_json_set_str(body, "error", strerror(-f->err));
	fim_json_set(body, "before", state_json(&f->before));
	fim_json_set(body, "after", state_json(&f->after));
	if (fim_state_diff(&f->expected, &f->before))
		fim_json_set(body, "baseline", state_json(&f->expected));
	if (!f->cause)
		return body;
	fim_json_set(body, "actor", fim_json_ref(cause_actor(d, f->cause)));
	if (f->cause->container_id[0])
		fim_json_set(body, "container", finding_container(d, f->cause->container_id));
	else
		fim_json_set_null(body, "container");
	access = access_of(d, f->cause);
	if (access)
		fim_json_set(body, "access", access);
	return body;
}

/* --------------------------------------------------------------------------- alert */

static char *digest_text(const struct fim_state *state)
{
	char *hex = NULL;

	if (state->has_digest && (hex = malloc(FIM_SHA256_HEX_SIZE)))
		fim_hex_encode(state->sha256, sizeof(state->sha256), hex);
	return hex;
}

static char *names_text(uint32_t diff)
{
	char text[256] = "";

	for (uint32_t bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (diff & bit)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 text[0] ? "," : "", fim_diff_name(bit));
	return strdup(text);
}

static char *number_text(int64_t number)
{
	char *text;

	return asprintf(&text, "%" PRId64, number) < 0 ? NULL : text;
}

static char *escaped(const char *text)
{
	return text ? fim_escape(text, strlen(text)) : NULL;
}

/* The line for people; every untrusted part is escaped. */
static char *finding_text(const struct finding *f, const char *id, const char *change_id)
{
	const struct fim_change *change = f->cause ? f->cause->change : NULL;
	char *path = escaped(f->path);
	char *old_path = escaped(f->old_path);
	char *exe = escaped(change ? change->exe : NULL);
	char *names = names_text(f->diff);
	char *who = NULL;
	char *text = NULL;

	if (change && asprintf(&who, " by pid=%u uid=%u exe=%s container=%.12s",
			       change->event.actor.tgid, change->event.actor.uid, exe ? exe : "?",
			       f->cause->container_id[0] ? f->cause->container_id : "host") < 0)
		who = NULL;
	if (asprintf(&text, "%s: %s%s%s%s%.12s severity=%s changed=%s%s%s%s",
		     fim_kind_name(f->kind), path ? path : "?", old_path ? " from=" : "",
		     old_path ? old_path : "", id[0] ? " in=" : "", id,
		     fim_severity_name(f->severity), names ? names : "?",
		     who ? who : " found by comparison", change_id ? " pending in change=" : "",
		     change_id ? change_id : "") < 0)
		text = NULL;
	free(path);
	free(old_path);
	free(exe);
	free(names);
	free(who);
	return text;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/* Who did it, or else whose file it is. */
static const struct fim_container *alert_container(const struct daemon *d, const struct finding *f,
						   const char *id)
{
	if (f->cause && f->cause->container_id[0])
		id = f->cause->container_id;
	return id[0] ? containers_identify(d, id) : NULL;
}

static void finding_alert(struct daemon *d, const struct finding *f, const struct record *record)
{
	const struct fim_change *change = f->cause ? f->cause->change : NULL;
	const struct fim_actor *actor = change ? &change->event.actor : NULL;
	const char *id = finding_tree_id(d, f->tree);
	char *text = finding_text(f, id, f->change);
	char *old_digest = digest_text(&f->before);
	char *new_digest = digest_text(&f->after);
	char *names = names_text(f->diff);
	char *pid = actor ? number_text(actor->tgid) : NULL;
	char *uid = actor ? number_text(actor->uid) : NULL;
	char *auid = actor ? number_text(actor->loginuid) : NULL;
	char *seq = number_text((int64_t)record->seq);
	char *command = f->cause ? cause_command(f->cause) : NULL;
	const struct fim_container *home = alert_container(d, f, id);
	const struct alert_field fields[] = {
		{"op", fim_kind_name(f->kind), true},
		{"severity", fim_severity_name(f->severity), true},
		{"journal_seq", seq, true},
		{"path", f->path, false},
		{"old_path", f->old_path, false},
		{"changed", names, true},
		{"old_sha256", old_digest, true},
		{"new_sha256", new_digest, true},
		{"container", id[0] ? id : NULL, true},
		{"actor_pid", pid, true},
		{"actor_uid", uid, true},
		{"actor_auid", auid, true},
		{"actor_exe", change ? change->exe : NULL, false},
		{"actor_container",
		 f->cause && f->cause->container_id[0] ? f->cause->container_id : NULL, true},
		{"process", command, false},
		{"container_name", home ? or_null(home->name) : NULL, false},
		{"container_image", home ? or_null(home->image) : NULL, false},
		{"image_id", home ? or_null(home->image_id) : NULL, false},
		{"aws_account_id", home ? or_null(home->account) : NULL, false},
		{"cluster_arn", home ? or_null(home->cluster_arn) : NULL, false},
		{"task_arn", home ? or_null(home->task_arn) : NULL, false},
		{"change", f->change, true},
	};
	struct alert alert = {
		.type = "finding",
		.severity = f->severity,
		.failed = true,
		.text = text ? text : "finding",
		.line = record->line,
		.seq = record->seq,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	sinks_send(d, &alert);
	free(text);
	free(old_digest);
	free(new_digest);
	free(names);
	free(pid);
	free(uid);
	free(auid);
	free(seq);
	free(command);
}

/* A container's layer still holds what the run before told about it. */
static bool was_told(const struct daemon *d, const struct finding *f)
{
	const char *id = finding_tree_id(d, f->tree);
	const struct history_state *state = NULL;
	char *key;

	if (f->cause || !f->tree->container || !id[0] || !d->history.states.slots)
		return false;
	if (asprintf(&key, "%s%s", id, f->path) < 0)
		return false;
	state = map_find(&d->history.states, key);
	free(key);
	return state &&
	       !(fim_state_diff(&state->state, &f->after) & tree_mask(d, f->tree, f->path));
}

bool finding_is_ready(const struct daemon *d)
{
	return d->ready.count;
}

void finding_commit(struct daemon *d)
{
	struct findings_ready ready = d->ready;

	if (!ready.count)
		return;
	d->ready.count = 0; /* what is recorded meanwhile does not begin here again */
	record_append_all(d, "finding", ready.record, ready.count);
	for (size_t i = 0; i < ready.count; i++) {
		/* On a full disk it is not in the journal, which says so later; somebody must hear of it. */
		if (ready.record[i].line)
			finding_alert(d, ready.finding[i], &ready.record[i]);
		free(ready.record[i].line);
		finding_free(ready.finding[i]);
	}
}

/* Takes over @finding. */
static void finding_write(struct daemon *d, struct finding *finding)
{
	struct findings_ready *ready = &d->ready;
	const char *change = NULL;
	struct fim_json *body;

	if (was_told(d, finding)) {
		d->counters.repeated++;
		finding_free(finding);
		return;
	}
	d->counters.findings++;
	body = finding_json(d, finding);
	if (!finding->tree->container)
		change = change_mark(d, body);
	/* Copied: the change may be over when the alert leaves. */
	finding->change = change ? strdup(change) : NULL;
	/* Only now: making it may have recorded something, and written what was ready. */
	if (!ready->count)
		ready->since_ms = now_ms();
	ready->finding[ready->count] = finding;
	ready->record[ready->count++] = (struct record){.body = body};
	if (ready->count == FINDINGS_READY_MAX || now_ms() - ready->since_ms > READY_MS)
		finding_commit(d);
}

/* -------------------------------------------------------------------------- waiting */

static bool is_complete(const struct daemon *d, const struct finding *finding)
{
	const struct cause *cause = finding->cause;

	if (!d->engine_up && !d->engine_starting)
		return true;
	if (finding->tree->container && !finding->tree->id[0] &&
	    !containers_id_of(d, finding->tree->root))
		return false;
	return !cause || !cause->container_id[0] || containers_identify(d, cause->container_id);
}

static void hold(struct daemon *d, struct finding *finding)
{
	struct finding **at = &d->held;
	int64_t wait_ms = HOLD_MS;

	if (finding->cause && finding->cause->container_id[0] &&
	    !containers_identify(d, finding->cause->container_id)) {
		engine_ask(&d->engine, finding->cause->container_id);
		wait_ms = ASKED_HOLD_MS;
	}
	finding->deadline_ms = now_ms() + (d->engine_starting ? START_HOLD_MS : wait_ms);
	while (*at)
		at = &(*at)->next;
	*at = finding;
}

void finding_give_up(struct daemon *d, const char *container_id)
{
	for (struct finding *finding = d->held; finding; finding = finding->next)
		if (finding->cause && strcmp(finding->cause->container_id, container_id) == 0)
			finding->deadline_ms = 0;
}

void finding_flush(struct daemon *d, bool all)
{
	struct finding **at = &d->held;
	int64_t now = now_ms();

	while (*at) {
		struct finding *finding = *at;

		if (!all && finding->deadline_ms > now && !is_complete(d, finding)) {
			at = &finding->next;
			continue;
		}
		*at = finding->next;
		finding_write(d, finding);
	}
	finding_commit(d);
}

int64_t finding_deadline(const struct daemon *d)
{
	int64_t deadline = INT64_MAX;

	for (const struct finding *finding = d->held; finding; finding = finding->next)
		if (finding->deadline_ms < deadline)
			deadline = finding->deadline_ms;
	return deadline;
}

int finding_submit(struct daemon *d, const struct finding_params *params)
{
	struct finding *f = calloc(1, sizeof(*f));
	const struct fim_rule *rule = tree_rule(d, params->tree, params->path);
	int err = -ENOMEM;

	if (!f)
		return -ENOMEM;
	f->tree = tree_get(params->tree);
	f->kind = params->kind;
	f->severity = fim_severity_of(params->kind, rule->cls, params->path, params->before,
				      params->after);
	/* Who changes the control itself does it for a reason. */
	if (f->severity == FIM_SEVERITY_MEDIUM && !f->tree->container &&
	    own_find(&d->own, params->path))
		f->severity = FIM_SEVERITY_HIGH;
	f->diff = params->diff;
	f->err = params->err;
	f->cause = params->cause ? cause_get(params->cause) : NULL;
	snprintf(f->trigger, sizeof(f->trigger), "%s", params->trigger ? params->trigger : "");
	f->path = strdup(params->path);
	f->old_path = params->old_path ? strdup(params->old_path) : NULL;
	if (!f->path || (params->old_path && !f->old_path))
		goto err_free;
	err = fim_state_copy(params->before, &f->before);
	if (!err)
		err = fim_state_copy(params->after, &f->after);
	if (!err)
		err = tree_expected(d, params->tree, params->path, &f->expected);
	if (err)
		goto err_free;
	if (is_complete(d, f))
		finding_write(d, f);
	else
		hold(d, f);
	return 0;
err_free:
	finding_free(f);
	return err;
}
