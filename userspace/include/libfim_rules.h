/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfim, section rules.c: detections written in the Falco rule language, run over file
 * events, container starts and CloudTrail records, and what joins their hits.  Conventions as in libfim.h.
 *
 * A set of rules does not change once it is made: to reload, make another one and keep
 * the old one until that worked.  A set and its events are used by one thread.
 */
#ifndef LIBFIM_RULES_H
#define LIBFIM_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "libfim.h"

/* The engine whose language this is; rules may ask for up to this version. */
#define FIM_RULES_ENGINE_MAJOR 0
#define FIM_RULES_ENGINE_MINOR 63
#define FIM_RULES_ENGINE_PATCH 0

/* ---------------------------------------------------------------- rules.c */

struct fim_rules;

/**
 * struct fim_rules_message - what loading has to say about a rules file; valid during the call
 * @is_error: loading fails; otherwise a warning
 * @code: the engine's code, e.g. "LOAD_ERR_YAML_VALIDATE" or "LOAD_UNUSED_LIST"
 * @text: what is wrong, UTF-8
 * @file: name of the file
 * @line: where, from 1; 0: the file as a whole
 * @column: from 1
 * @item_type: what it is about, in the engine's words: "rule", "macro", "exception", …
 * @item: its name, "" if it has none
 */
struct fim_rules_message {
	bool is_error;
	const char *code;
	const char *text;
	const char *file;
	uint32_t line;
	uint32_t column;
	const char *item_type;
	const char *item;
};

/**
 * struct fim_rules_params - how to load
 * @message: called for every error and warning; NULL: they go to the log
 * @ctx: for @message and @file
 * @tags: NULL-terminated; only rules with one of these tags run; NULL: all
 * @with_disabled: rules that say "enabled: false" run as well
 * @file: called for each file that was read; may be NULL
 */
struct fim_rules_params {
	void (*message)(void *ctx, const struct fim_rules_message *message);
	void (*file)(void *ctx, const char *path, const char *bytes, size_t len);
	void *ctx;
	const char *const *tags;
	bool with_disabled;
};

/**
 * struct fim_rules_text - rules in memory
 * @name: for messages
 * @text: YAML
 * @len: bytes
 */
struct fim_rules_text {
	const char *name;
	const char *text;
	size_t len;
};

#define FIM_RULES_MAX_BYTES (16u << 20) /* of one file */

/**
 * fim_rules_load() - make a set of rules from files
 * @paths: NULL-terminated, in order; of a directory its *.yaml and *.yml, by name
 * @params: NULL: all defaults
 * @rules_ret: the set, freed with fim_rules_free()
 *
 * All or nothing: at the first error -EINVAL, or the errno of the file that could not
 * be read.  Each file has to be right with those before it, as the engine demands.
 */
int fim_rules_load(const char *const *paths, const struct fim_rules_params *params,
		   struct fim_rules **rules_ret);
/* The same from memory. */
int fim_rules_build(const struct fim_rules_text *texts, size_t count,
		    const struct fim_rules_params *params, struct fim_rules **rules_ret);
void fim_rules_free(struct fim_rules *rules);

enum fim_rules_priority {
	FIM_RULES_EMERGENCY = 0,
	FIM_RULES_ALERT,
	FIM_RULES_CRITICAL,
	FIM_RULES_ERROR,
	FIM_RULES_WARNING,
	FIM_RULES_NOTICE,
	FIM_RULES_INFORMATIONAL,
	FIM_RULES_DEBUG,
};
const char *fim_rules_priority_name(enum fim_rules_priority priority); /* "Emergency", … */

/**
 * struct fim_rules_rule - one rule; owned by its set
 * @name: unique in the set
 * @desc: description
 * @source: "syscall" (file events and container starts) or "aws_cloudtrail"
 * @priority: urgency
 * @output: output with its %fields
 * @condition: compiled condition as canonical text
 * @tags: sorted
 * @tag_count: their number
 * @enabled: what the file says
 * @runs: enabled or params->with_disabled, and selected by params->tags
 * @never: why it cannot fire on what we observe, NULL if it can
 * @limited: what of the events it is for we do not observe, NULL if nothing
 * @missing: fields of its condition and output that we never fill, NULL-terminated
 */
struct fim_rules_rule {
	const char *name;
	const char *desc;
	const char *source;
	enum fim_rules_priority priority;
	const char *output;
	const char *condition;
	const char *const *tags;
	size_t tag_count;
	bool enabled;
	bool runs;
	const char *never;
	const char *limited;
	const char *const *missing;
};

size_t fim_rules_count(const struct fim_rules *rules);
/* In the order in which they were first defined. */
const struct fim_rules_rule *fim_rules_index(const struct fim_rules *rules, size_t index);
bool fim_rules_has_tag(const struct fim_rules_rule *rule, const char *tag);

/**
 * fim_rules_condition() - check a condition that stands alone
 * @condition: text; the engine's limits for one outside of rules apply
 * @len: bytes
 * @source: compile it for this source; NULL: only parse it
 * @canonical_ret: malloc'ed canonical text; may be NULL
 * @error_ret: malloc'ed "LINE:COLUMN: reason" on -EINVAL; may be NULL
 */
int fim_rules_condition(const char *condition, size_t len, const char *source, char **canonical_ret,
			char **error_ret);

/* ----------------------------------------------------------- rules_eval.c */

struct fim_rules_event;

/**
 * fim_rules_event_new() - a place for the fields of one event after the other
 * @rules: the set it will be evaluated against; has to live longer
 * @source: of which source the events are; -ENOENT: there is no such source
 * @event_ret: freed with fim_rules_event_free()
 */
int fim_rules_event_new(struct fim_rules *rules, const char *source,
			struct fim_rules_event **event_ret);
void fim_rules_event_free(struct fim_rules_event *event);
/* Forgets all fields: a new event begins. */
void fim_rules_event_reset(struct fim_rules_event *event);

/**
 * fim_rules_event_set() - give a field its value
 * @event: the event
 * @field: as in conditions: "fd.name", "proc.aname[2]", "evt.arg.flags"
 * @bytes: text of the value, numbers in decimal; borrowed until the next reset
 * @len: bytes
 *
 * A field that no rule uses is ignored.
 */
void fim_rules_event_set(struct fim_rules_event *event, const char *field, const char *bytes,
			 size_t len);
void fim_rules_event_set_str(struct fim_rules_event *event, const char *field,
			     const char *text); /* NULL: nothing */
void fim_rules_event_set_int(struct fim_rules_event *event, const char *field, int64_t value);
/* For fields that are lists, or stand for several, e.g. all ancestors in proc.aname. */
int fim_rules_event_set_list(struct fim_rules_event *event, const char *field,
			     const char *const *strings, size_t count);
/*
 * An object: field to string, number, boolean or array of strings, or to {"type","value"}
 * as the engine prints them; the event then has these fields and no others.  The object
 * has to live on.
 */
int fim_rules_event_set_fields(struct fim_rules_event *event, const struct fim_json *fields);

/**
 * fim_rules_eval() - which rules does this event fire
 * @event: all fields set
 * @hit: called for each rule that matches, in order; non-zero stops and is returned;
 *	may use @event
 * @ctx: for @hit
 *
 * Allocates nothing while no rule matches.  -ENOMEM: it may have missed some.
 */
int fim_rules_eval(struct fim_rules_event *event,
		   int (*hit)(void *ctx, struct fim_rules_event *event,
			      const struct fim_rules_rule *rule),
		   void *ctx);
/* Regular expressions that gave up, counted as not matching, since the event was made. */
uint64_t fim_rules_event_gave_up(const struct fim_rules_event *event);

/* The output of @rule for @event: malloc'ed; "<NA>" for what is missing. */
int fim_rules_output(struct fim_rules_event *event, const struct fim_rules_rule *rule,
		     char **text_ret, size_t *len_ret);
/* {"fd.name":…}: the fields of the output; null for what is missing; NULL: out of memory. */
struct fim_json *fim_rules_output_fields(struct fim_rules_event *event,
					 const struct fim_rules_rule *rule);
/**
 * fim_rules_hit_to_json() - a hit as it goes into the journal or to a person
 * @event: the event
 * @rule: what it fired
 * @time_ns: when it happened
 *
 * {"time","rule","priority","source","output","tags","output_fields"}.
 */
struct fim_json *fim_rules_hit_to_json(struct fim_rules_event *event,
				       const struct fim_rules_rule *rule, int64_t time_ns);

/* -------------------------------------------------------- rules_finding.c */

enum fim_severity fim_rules_severity(enum fim_rules_priority priority);
/**
 * fim_rules_finding() - a hit as the body of a finding of the journal
 * @event: the event
 * @rule: what it fired
 * @time_ns: when it happened
 *
 * {"kind":"rule","severity","event_time","rule","priority","source","output","tags",
 * "output_fields"}.  NULL: out of memory.
 */
struct fim_json *fim_rules_finding(struct fim_rules_event *event, const struct fim_rules_rule *rule,
				   int64_t time_ns);
/* The same of a CloudTrail record, with event_id and what its summary tells. */
struct fim_json *fim_rules_cloudtrail_finding(struct fim_rules_event *event,
					      const struct fim_rules_rule *rule, int64_t time_ns,
					      const char *text, size_t len);
/* Who, from where, on what: event_name, user_arn, mfa, cluster, task, …; NULL: not JSON. */
struct fim_json *fim_rules_cloudtrail_summary(const char *text, size_t len);

/* --------------------------------------------------------- rules_record.c */

/**
 * fim_rules_event_set_record() - fields of a journal record
 * @event: of source "syscall"
 * @record: type "finding": a file event; type "container": the start of a container
 * @time_ret: when it happened; may be NULL
 *
 * -ENOENT: another type, or a finding that no process made.  The record has to live
 * until the next reset.
 */
int fim_rules_event_set_record(struct fim_rules_event *event, const struct fim_json *record,
			       int64_t *time_ret);
/* How far up a process's ancestors are looked at. */
#define FIM_RULES_ANCESTORS 8

/**
 * struct fim_rules_change - a change as the kernel reported it; borrowed until the next reset
 * @change: what, and who
 * @path: absolute, as in the baseline (container: as inside the container)
 * @old_path: rename: the other name if it is watched; link: the first name if known; or NULL
 * @target: symbolic link: where it points, NULL: unknown
 * @uid: owner afterwards, -1: unknown
 * @gid: likewise
 * @actor: as in findings
 * @container: of the process; NULL: a process of the host; @container->name NULL: only
 *	its id is known
 * @ancestor: name of the ancestor @level steps up (1: parent), or its command line; NULL:
 *	unknown.  Asked when a rule does; may be NULL
 * @ctx: for @ancestor
 */
struct fim_rules_change {
	const struct fim_change *change;
	const char *path;
	const char *old_path;
	const char *target;
	int64_t uid;
	int64_t gid;
	const struct fim_json *actor;
	const struct fim_container *container;
	const char *(*ancestor)(void *ctx, unsigned int level, bool command);
	void *ctx;
};

/* A file event as it comes from the kernel. -ENOENT: no such operation. Allocates nothing. */
int fim_rules_event_set_change(struct fim_rules_event *event,
			       const struct fim_rules_change *change);
/* The same from what the Docker Engine says about a container when it is inspected. */
int fim_rules_event_set_inspect(struct fim_rules_event *event, const struct fim_json *inspect,
				int64_t *time_ret);

/* ----------------------------------------------------- rules_cloudtrail.c */

/**
 * fim_rules_event_set_cloudtrail() - one CloudTrail record
 * @event: of source "aws_cloudtrail"
 * @text: a JSON object; borrowed until the next reset
 * @len: bytes
 * @time_ret: eventTime; untouched if it has none; may be NULL
 *
 * -EINVAL: not JSON. Fields are extracted when a rule asks for them.
 */
int fim_rules_event_set_cloudtrail(struct fim_rules_event *event, const char *text, size_t len,
				   int64_t *time_ret);

/**
 * struct fim_cloudtrail_params - what to read
 * @record: called for each record with its text; -EINVAL: it is malformed, which is
 *	counted; other non-zero stops and is returned
 * @ctx: for @record
 * @state: file that remembers what was read, so that it is not read again after a
 *	restart: names, sizes and times of files, ids of recent records; NULL: nothing
 */
struct fim_cloudtrail_params {
	int (*record)(void *ctx, const char *text, size_t len);
	void *ctx;
	const char *state;
};

/**
 * struct fim_cloudtrail_totals - what was read
 * @files: log files
 * @records: records handed over
 * @duplicates: records left out because their eventID was seen before
 * @malformed: records and files that are not what they should be
 */
struct fim_cloudtrail_totals {
	uint64_t files;
	uint64_t records;
	uint64_t duplicates;
	uint64_t malformed;
};

struct fim_cloudtrail;
int fim_cloudtrail_open(const struct fim_cloudtrail_params *params,
			struct fim_cloudtrail **cloudtrail_ret);
/**
 * fim_cloudtrail_read() - read log files
 * @cloudtrail: the reader
 * @path: a file, plain or gzip, or "-": standard input; {"Records":[…]}, an array, or
 *	one object after the other; or a directory, searched with all below it for *.json
 *	and *.json.gz.  What was read whole is not read again
 *
 * Call again on the same directory to see what is new.
 */
int fim_cloudtrail_read(struct fim_cloudtrail *cloudtrail, const char *path);
/*
 * The same for what was found in such a directory: only log files and directories, no
 * symbolic link is followed, and what is gone is no error.
 */
int fim_cloudtrail_read_entry(struct fim_cloudtrail *cloudtrail, const char *path);
/* Writes the state file. */
int fim_cloudtrail_save(struct fim_cloudtrail *cloudtrail);
struct fim_cloudtrail_totals fim_cloudtrail_totals(const struct fim_cloudtrail *cloudtrail);
void fim_cloudtrail_close(struct fim_cloudtrail *cloudtrail);

/* ------------------------------------------------------------- timeline.c */

struct fim_timeline;

#define FIM_TIMELINE_WINDOW_NS INT64_C(3600000000000)
#define FIM_TIMELINE_MAX       262144 /* records */

/**
 * struct fim_timeline_params - what makes an incident
 * @window_ns: no longer apart are records that share something; 0: one hour.  Those of
 *	the same session of ECS Exec belong together however long it lasts
 * @from_ns: earlier events are left out
 * @to_ns: later events are left out; 0: none
 */
struct fim_timeline_params {
	int64_t window_ns;
	int64_t from_ns;
	int64_t to_ns;
};

/**
 * struct fim_timeline_query - which incidents; each in which all that is not NULL occurs
 * @task: ARN or id of a task
 * @cluster: ARN or name of a cluster
 * @user: ARN of a principal, what stands at its end, or the name of a user of AWS or, by
 *	which they logged in, of the host
 * @session: id of a session of ECS Exec
 *
 * All NULL: each incident of more than one record.
 */
struct fim_timeline_query {
	const char *task;
	const char *cluster;
	const char *user;
	const char *session;
};

int fim_timeline_new(const struct fim_timeline_params *params, struct fim_timeline **timeline_ret);
void fim_timeline_free(struct fim_timeline *timeline);
/**
 * fim_timeline_add() - one more record, in any order
 * @timeline: not built yet
 * @host: name of the host whose journal it is; NULL: of none
 * @text: a record of a journal, or what fim_rules_cloudtrail_finding() made; what is no
 *	evidence (a comparison, a watch, …) is left out
 * @len: bytes
 *
 * -EINVAL: not JSON, or without a time. -E2BIG: more than FIM_TIMELINE_MAX.
 */
int fim_timeline_add(struct fim_timeline *timeline, const char *host, const char *text, size_t len);
/**
 * fim_timeline_build() - tell the incidents, those that began first in front
 * @timeline: nothing can be added any more
 * @query: which
 * @fn: gets each incident and has to free it; non-zero stops and is returned.
 *	{"start","end","severity","tasks","clusters","sessions","containers",
 *	"principals":[{"arn","mfa"}],"hosts","rules","events":[{"time","recorded","late",
 *	"severity","host","task","cluster","session","principal","container","record"}]}.
 *	Events are in the order in which they happened; late: recorded after one that
 *	happened later
 * @ctx: for @fn
 *
 * Records share the id of a task, name, account and region of a cluster (as far as they
 * are known), the id of a session, the ARN of a principal, or the id of a container.  The same
 * hit out of two places is told once.
 */
int fim_timeline_build(struct fim_timeline *timeline, const struct fim_timeline_query *query,
		       int (*fn)(void *ctx, struct fim_json *incident), void *ctx);

#endif /* LIBFIM_RULES_H */
