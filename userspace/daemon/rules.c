/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules in the Falco language, run over what the daemon sees: changes of files as the
 * kernel reports them, containers that start, CloudTrail records.  A hit is a finding of
 * kind "rule".
 *
 * An event is evaluated when it comes, before anything settles: a rule may be about a
 * step that the end does not show any more.  Only if the process's container is not
 * known yet does it wait for Docker, as findings do.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"

#define HOLD_MS	     3000 /* for Docker to answer */
#define WAITING_MAX  65536
#define REPEAT_MS    1000
#define OPENED_SLOTS 1024 /* powers of two */
#define REPEAT_SLOTS 1024
#define COMMAND_MAX  4096
#define COMM_SIZE    16

/* An event that waits for its container. */
struct waiting {
	struct waiting *next;
	struct tree *tree;
	char *path;
	char *old_path;
	struct cause *cause;
	int64_t deadline_ms;
};

/* An open(2) that was evaluated when it created or emptied the file: its close is no other. */
struct opened {
	uint64_t ino;
	uint64_t start_ns;
	uint32_t fsid[2];
	uint32_t tgid;
};

struct repeat {
	uint64_t hash;
	int64_t until_ms;
};

/* The ancestors of one process, read when a rule asks. */
struct ancestors {
	const struct cause *of;
	size_t count;
	uint32_t pids[FIM_RULES_ANCESTORS];
	char names[FIM_RULES_ANCESTORS][COMM_SIZE];
	char command[COMMAND_MAX];
};

/* What is loaded together. */
struct set {
	struct fim_rules *rules; /* NULL: none */
	struct fim_rules_event *events[2];
	size_t running[2]; /* by source */
	size_t never;
	size_t warnings;
	struct fim_json *files;
	char digest[FIM_SHA256_HEX_SIZE];
};

enum {
	SOURCE_SYSCALL,
	SOURCE_CLOUDTRAIL
};
static const char *const sources[] = {"syscall", "aws_cloudtrail"};

struct rules {
	struct set set;
	struct waiting *waiting; /* oldest first */
	struct waiting **waiting_tail;
	size_t waiting_count;
	struct opened opened[OPENED_SLOTS];
	struct repeat repeats[REPEAT_SLOTS];
	struct ancestors ancestors;
	struct map told; /* "EVENT_ID\nRULE" of hits in the journal of earlier runs */
	bool gave_up;
};

int rules_new(struct rules **rules_ret)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (!rules || map_init(&rules->told)) {
		free(rules);
		return -ENOMEM;
	}
	rules->waiting_tail = &rules->waiting;
	*rules_ret = rules;
	return 0;
}

static void set_clear(struct set *set)
{
	fim_rules_event_free(set->events[0]);
	fim_rules_event_free(set->events[1]);
	fim_rules_free(set->rules);
	fim_json_free(set->files);
	memset(set, 0, sizeof(*set));
}

static void waiting_free(struct waiting *waiting)
{
	tree_put(waiting->tree);
	cause_put(waiting->cause);
	free(waiting->path);
	free(waiting->old_path);
	free(waiting);
}

static void told_free(struct map_node *node)
{
	free(node);
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	while (rules->waiting) {
		struct waiting *next = rules->waiting->next;

		waiting_free(rules->waiting);
		rules->waiting = next;
	}
	set_clear(&rules->set);
	map_exit(&rules->told, told_free);
	free(rules);
}

/* --------------------------------------------------------------------------- loading */

struct loading {
	struct set set;
	struct fim_hasher *hasher;
	char *error; /* the first */
	char code[64];
	bool failed;
};

static void on_message(void *ctx, const struct fim_rules_message *message)
{
	struct loading *loading = ctx;
	char *text = NULL;

	loading->set.warnings += !message->is_error;
	if (asprintf(&text, "%s:%u:%u: %s%s%s%s [%s]", message->file, message->line,
		     message->column, message->item_type, *message->item ? " " : "", message->item,
		     *message->item_type ? ": " : "", message->code) < 0)
		return;
	if (message->is_error && !loading->error &&
	    asprintf(&loading->error, "%s: %s", text, message->text) >= 0)
		snprintf(loading->code, sizeof(loading->code), "%s", message->code);
	else if (!message->is_error)
		fim_log(LOG_INFO, "%s: %s", text, message->text);
	free(text);
}

/* The set's digest is that of what sha256sum prints about its files. */
static void on_file(void *ctx, const char *path, const char *bytes, size_t len)
{
	struct loading *loading = ctx;
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	struct fim_json *file = fim_json_object();
	char *line = NULL;
	int len_line;

	if (fim_sha256(bytes, len, digest)) {
		loading->failed = true;
		fim_json_free(file);
		return;
	}
	fim_hex_encode(digest, sizeof(digest), hex);
	fim_json_set_path(file, "path", path);
	fim_json_set_str(file, "sha256", hex);
	fim_json_append(loading->set.files, file);
	len_line = asprintf(&line, "%s  %s\n", hex, path);
	if (len_line < 0 || fim_hasher_update(loading->hasher, line, len_line))
		loading->failed = true;
	if (len_line >= 0)
		free(line);
}

/* The usual places need not exist; what somebody else named does. */
static bool is_left_out(const char *path)
{
	return (strcmp(path, FIM_RULES_SHIPPED) == 0 || strcmp(path, FIM_RULES_LOCAL) == 0) &&
	       access(path, F_OK) < 0 && errno == ENOENT;
}

static const char **set_paths(const struct fim_config *config)
{
	static const char *const usual[] = {FIM_RULES_SHIPPED, FIM_RULES_LOCAL, NULL};
	const char *const *wanted = config->rules ? (const char *const *)config->rules : usual;
	const char **paths;
	size_t count = 0;

	while (wanted[count])
		count++;
	paths = calloc(count + 1, sizeof(*paths));
	count = 0;
	for (; paths && *wanted; wanted++)
		if (!is_left_out(*wanted))
			paths[count++] = *wanted;
	return paths;
}

static void count_rules(struct set *set)
{
	for (size_t i = 0; i < fim_rules_count(set->rules); i++) {
		const struct fim_rules_rule *rule = fim_rules_index(set->rules, i);

		set->never += rule->runs && rule->never;
		for (int k = 0; k < 2; k++)
			set->running[k] += rule->runs && strcmp(rule->source, sources[k]) == 0;
	}
}

static int load(const struct fim_config *config, struct loading *loading)
{
	const char *const *tags = (const char *const *)config->rules_tags;
	struct fim_rules_params params = {
		.message = on_message,
		.file = on_file,
		.ctx = loading,
		.tags = tags && tags[0] ? tags : NULL,
	};
	const char **paths = set_paths(config);
	unsigned char digest[FIM_SHA256_SIZE];
	int err = paths ? 0 : -ENOMEM;

	loading->hasher = fim_hasher_new();
	loading->set.files = fim_json_array();
	if (!loading->hasher || fim_hasher_reset(loading->hasher))
		err = -ENOMEM;
	if (!err)
		err = fim_rules_load(paths, &params, &loading->set.rules);
	for (int i = 0; i < 2 && !err; i++)
		err = fim_rules_event_new(loading->set.rules, sources[i], &loading->set.events[i]);
	if (!err && (loading->failed || fim_hasher_final(loading->hasher, digest)))
		err = -ENOMEM;
	if (!err) {
		fim_hex_encode(digest, sizeof(digest), loading->set.digest);
		count_rules(&loading->set);
	}
	fim_hasher_free(loading->hasher);
	free(paths);
	return err;
}

static struct fim_json *tags_json(const struct fim_config *config)
{
	struct fim_json *array = fim_json_array();

	for (char **tag = config->rules_tags; tag && *tag; tag++)
		fim_json_append_str(array, *tag);
	return array;
}

static void refused(struct daemon *d, const struct loading *loading, int err)
{
	struct fim_json *body = fim_json_object();
	const char *why = loading->error ? loading->error : strerror(-err);

	fim_json_set_str(body, "action", "refused");
	fim_json_set_bytes(body, "error", why, strlen(why));
	if (loading->error)
		fim_json_set_str(body, "code", loading->code);
	if (d->rules->set.rules)
		fim_json_set_str(body, "digest", d->rules->set.digest);
	fim_json_set(body, "files", fim_json_ref(loading->set.files));
	record_append(d, "rules", body, NULL);
	control_set(d, COMPONENT_RULES, CONTROL_DEGRADED, "rules are refused, %s: %s",
		    d->rules->set.rules ? "those loaded before stay" : "none are loaded", why);
}

static void accepted(struct daemon *d, const char *previous)
{
	const struct set *set = &d->rules->set;
	size_t running = set->running[SOURCE_SYSCALL] + set->running[SOURCE_CLOUDTRAIL];
	struct fim_json *body = fim_json_object();

	fim_json_set_str(body, "action", *previous ? "replaced" : "loaded");
	fim_json_set_str(body, "digest", set->digest);
	if (*previous)
		fim_json_set_str(body, "previous", previous);
	fim_json_set_int(body, "rules", running);
	fim_json_set_int(body, "never", set->never);
	fim_json_set_int(body, "warnings", set->warnings);
	fim_json_set(body, "tags", tags_json(d->config));
	fim_json_set(body, "files", fim_json_ref(set->files));
	record_append(d, "rules", body, NULL);
	control_set(d, COMPONENT_RULES, CONTROL_UP, "%zu rules of %zu files are loaded", running,
		    fim_json_count(set->files));
	if (set->never)
		fim_log(LOG_NOTICE,
			"%zu of the rules cannot fire on what is observed here: "
			"\"ecs-fim rules check\" names them",
			set->never);
}

void rules_load(struct daemon *d)
{
	struct loading loading = {0};
	char previous[FIM_SHA256_HEX_SIZE];
	int err = load(d->config, &loading);

	memcpy(previous, d->rules->set.digest, sizeof(previous));
	if (err) {
		refused(d, &loading, err);
		set_clear(&loading.set);
	} else if (!fim_json_count(loading.set.files) && !*previous) {
		set_clear(&loading.set); /* there are no rules on this host */
	} else {
		set_clear(&d->rules->set);
		d->rules->set = loading.set;
		d->rules->gave_up = false;
		accepted(d, previous);
	}
	free(loading.error);
}

struct fim_json *rules_status(const struct daemon *d)
{
	const struct set *set = &d->rules->set;
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "state",
			 set->rules ? control_state_name(d->controls[COMPONENT_RULES]) : "off");
	fim_json_set_str(json, "digest", set->digest);
	fim_json_set_int(json, "syscall", set->running[SOURCE_SYSCALL]);
	fim_json_set_int(json, "aws_cloudtrail", set->running[SOURCE_CLOUDTRAIL]);
	fim_json_set_int(json, "hits", d->counters.rule_hits);
	return json;
}

/* -------------------------------------------------------------------------- telling */

static char *told_key(const char *event_id, const char *rule)
{
	char *key;

	return asprintf(&key, "%s\n%s", event_id, rule) < 0 ? NULL : key;
}

void rules_remember(struct daemon *d, const struct fim_json *record)
{
	const char *event_id = fim_json_get_str(record, "event_id");
	const char *rule = fim_json_get_str(record, "rule");
	struct map_node *node;
	char *key;

	if (!event_id || !rule)
		return;
	key = told_key(event_id, rule);
	node = key && !map_find(&d->rules->told, key) ? calloc(1, sizeof(*node)) : NULL;
	if (node && map_put(&d->rules->told, key, node))
		free(node);
	free(key);
}

static bool was_told(struct daemon *d, const struct fim_json *body)
{
	const char *event_id = fim_json_get_str(body, "event_id");
	char *key = event_id ? told_key(event_id, fim_json_get_str(body, "rule")) : NULL;
	bool told = key && map_find(&d->rules->told, key);

	free(key);
	return told;
}

static char *safe(const char *text)
{
	return text ? fim_escape(text, strlen(text)) : NULL;
}

static void alert(struct daemon *d, const struct fim_rules_rule *rule, const struct fim_json *body,
		  const char *line)
{
	const char *output = fim_json_get_str(body, "output");
	char *name = safe(rule->name), *shown = safe(output), *text = NULL, seq[24];
	const struct alert_field fields[] = {
		{"op", "rule", true},
		{"severity", fim_json_get_str(body, "severity"), true},
		{"journal_seq", seq, true},
		{"rule", rule->name, false},
		{"priority", fim_rules_priority_name(rule->priority), true},
		{"path", fim_json_get_str(body, "path"), false},
		{"container", fim_json_get_str(body, "container_id"), false},
		{"event_id", fim_json_get_str(body, "event_id"), false},
		{"output", output, false},
	};
	struct alert what = {
		.type = "finding",
		.severity = fim_rules_severity(rule->priority),
		.failed = true,
		.line = line,
		.seq = d->journal_seq,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	snprintf(seq, sizeof(seq), "%" PRIu64, d->journal_seq);
	if (asprintf(&text, "rule: %s priority=%s: %s", name ? name : "?",
		     fim_rules_priority_name(rule->priority), shown ? shown : "?") < 0)
		text = NULL;
	what.text = text ? text : "rule";
	sinks_send(d, &what);
	free(text);
	free(name);
	free(shown);
}

/* Takes over @body. */
static void tell(struct daemon *d, const struct fim_rules_rule *rule, struct fim_json *body)
{
	struct fim_json *copy;
	char *line = NULL;

	if (was_told(d, body)) {
		d->counters.rule_told++;
		fim_json_free(body);
		return;
	}
	d->counters.rule_hits++;
	copy = fim_json_ref(body);
	if (!record_append(d, "finding", body, &line))
		alert(d, rule, copy, line);
	fim_json_free(copy);
	free(line);
}

static void check_event(struct daemon *d, const struct fim_rules_event *event, int err)
{
	if (err)
		d->counters.no_memory++;
	if (d->rules->gave_up || !fim_rules_event_gave_up(event))
		return;
	d->rules->gave_up = true;
	control_set(d, COMPONENT_RULES, CONTROL_INFO,
		    "a regular expression of a rule gave up on a value that was made to exhaust "
		    "it: counted as not matching");
}

/* ----------------------------------------------------------------------- file events */

/* What one hit needs to know of its event. */
struct subject {
	struct daemon *d;
	struct tree *tree;
	const char *path;
	const char *old_path;
	struct cause *cause;
};

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;

	while (len--)
		hash = (hash ^ *byte++) * 0x100000001b3ull;
	return hash;
}

/* The same process does the same to the same file again, at once: told once. */
static bool is_repeat(struct rules *rules, const struct subject *subject,
		      const struct fim_rules_rule *rule)
{
	const struct fim_event *event = &subject->cause->change->event;
	uint64_t hash = 0xcbf29ce484222325ull;
	struct repeat *repeat;
	int64_t now = now_ms();
	bool known;

	hash = mix(hash, &rule, sizeof(rule));
	hash = mix(hash, &subject->tree, sizeof(subject->tree));
	hash = mix(hash, subject->path, strlen(subject->path) + 1);
	if (subject->old_path)
		hash = mix(hash, subject->old_path, strlen(subject->old_path));
	hash = mix(hash, &event->op, sizeof(event->op));
	hash = mix(hash, &event->mode, sizeof(event->mode));
	hash = mix(hash, &event->actor.tgid, sizeof(event->actor.tgid));
	hash = mix(hash, &event->actor.start_ns, sizeof(event->actor.start_ns));
	repeat = &rules->repeats[hash % REPEAT_SLOTS];
	known = repeat->hash == hash && repeat->until_ms > now;
	if (!known)
		*repeat = (struct repeat){hash, now + REPEAT_MS};
	return known;
}

static int on_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	const struct subject *subject = ctx;
	struct cause *cause = subject->cause;
	struct daemon *d = subject->d;
	const char *id = finding_tree_id(d, subject->tree);
	struct fim_json *body;

	if (is_repeat(d->rules, subject, rule)) {
		d->counters.rule_repeats++;
		return 0;
	}
	body = fim_rules_finding(event, rule, cause->change->event.rec.time_ns);
	if (!body) {
		d->counters.no_memory++;
		return 0;
	}
	fim_json_set_path(body, "path", subject->path);
	if (subject->old_path)
		fim_json_set_path(body, "old_path", subject->old_path);
	fim_json_set_str(body, "scope", subject->tree->container ? "container" : "host");
	if (id[0])
		fim_json_set_str(body, "container_id", id);
	finding_set_event(body, cause);
	fim_json_set(body, "actor", fim_json_ref(cause_actor(d, cause)));
	if (cause->container_id[0])
		fim_json_set(body, "container", finding_container(d, cause->container_id));
	else
		fim_json_set_null(body, "container");
	tell(d, rule, body);
	return 0;
}

/* Fields 2, 4 and 22 of /proc/PID/stat; the name may hold blanks and parentheses. */
static bool read_ancestor(uint32_t pid, uint64_t before_ns, char name_ret[COMM_SIZE],
			  uint32_t *parent_ret, uint64_t *start_ret)
{
	char stat[1024];
	ssize_t len = proc_read(pid, "stat", stat, sizeof(stat) - 1);
	unsigned long long start = 0;
	char *open, *close, *p;

	if (len <= 0)
		return false;
	stat[len] = '\0';
	open = strchr(stat, '(');
	close = strrchr(stat, ')');
	if (!open || !close || sscanf(close + 1, " %*c %u", parent_ret) != 1)
		return false;
	p = close;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &start) != 1)
		return false;
	*start_ret = start * 10000000; /* USER_HZ is 100 */
	/* Whoever started later is no ancestor: the number was used again. */
	if (*start_ret > before_ns)
		return false;
	snprintf(name_ret, COMM_SIZE, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

static void read_ancestors(struct ancestors *a, const struct cause *cause)
{
	const struct fim_actor *actor = &cause->change->event.actor;
	uint64_t before = actor->start_ns;
	uint32_t pid = actor->ppid;

	a->of = cause;
	a->count = 0;
	a->command[0] = '\0';
	while (pid && a->count < FIM_RULES_ANCESTORS) {
		uint64_t start;
		uint32_t parent = 0;

		if (!read_ancestor(pid, before, a->names[a->count], &parent, &start))
			break;
		a->pids[a->count++] = pid;
		before = start;
		pid = parent;
	}
}

static const char *parent_command(struct ancestors *a)
{
	ssize_t len;
	size_t used;

	if (!a->count || a->command[0])
		return a->count ? a->command : NULL;
	/* As the engine prints it: the process's name in front of the arguments. */
	used = (size_t)snprintf(a->command, sizeof(a->command), "%s", a->names[0]);
	len = proc_read(a->pids[0], "cmdline", a->command + used, sizeof(a->command) - used - 1);
	if (len > 0) {
		char *args = a->command + used;
		size_t first = strnlen(args, (size_t)len) + 1;

		if ((size_t)len > first) {
			memmove(args + 1, args + first, (size_t)len - first);
			args[0] = ' ';
			used += (size_t)len - first + 1;
		}
	}
	a->command[used] = '\0';
	for (size_t i = 0; i + 1 < used; i++)
		if (!a->command[i])
			a->command[i] = ' ';
	return a->command;
}

static const char *ancestor(void *ctx, unsigned int level, bool command)
{
	const struct subject *subject = ctx;
	struct ancestors *a = &subject->d->rules->ancestors;

	if (a->of != subject->cause)
		read_ancestors(a, subject->cause);
	if (command)
		return parent_command(a);
	return level <= a->count ? a->names[level - 1] : NULL;
}

static void evaluate(const struct subject *subject)
{
	struct daemon *d = subject->d;
	struct fim_rules_event *event = d->rules->set.events[SOURCE_SYSCALL];
	struct cause *cause = subject->cause;
	uint32_t op = cause->change->event.op;
	const struct fim_container *container = containers_find(d, cause->container_id);
	struct fim_container unknown = {.id = cause->container_id};
	struct fim_state state = {0};
	struct fim_rules_change change = {
		.change = cause->change,
		.path = subject->path,
		.old_path = subject->old_path,
		.uid = -1,
		.gid = -1,
		.actor = cause_actor(d, cause),
		.container = container		      ? container
			     : cause->container_id[0] ? &unknown
						      : NULL,
		.ancestor = ancestor,
		.ctx = (void *)subject,
	};
	int err;

	/* The set may be gone since this began to wait. */
	if (!event)
		return;
	if ((op == FIM_OP_SYMLINK || op == FIM_OP_OWNER || op == FIM_OP_LINK) &&
	    !tree_measure(d, subject->tree, subject->path, FIM_MEASURE_NO_DIGEST, &state)) {
		change.target = state.target;
		if (op == FIM_OP_OWNER) {
			change.uid = state.uid;
			change.gid = state.gid;
		}
		if (op == FIM_OP_LINK)
			change.old_path = tree_other_name(d, subject->tree, subject->path, &state);
	}
	d->rules->ancestors.of = NULL;
	fim_rules_event_reset(event);
	err = fim_rules_event_set_change(event, &change);
	if (!err)
		err = fim_rules_eval(event, on_hit, (void *)subject);
	check_event(d, event, err == -ENOENT ? 0 : err);
	fim_rules_event_reset(event);
	fim_state_clear(&state);
}

/* A write at a close belongs to the open that was evaluated already, if that was seen. */
static bool is_same_open(struct rules *rules, const struct fim_event *event)
{
	const struct fim_object *object = &event->object;
	struct opened *slot = &rules->opened[(object->ino ^ object->fsid[0]) % OPENED_SLOTS];
	bool same = slot->ino == object->ino && slot->fsid[0] == object->fsid[0] &&
		    slot->fsid[1] == object->fsid[1] && slot->tgid == event->actor.tgid &&
		    slot->start_ns == event->actor.start_ns && object->ino;

	if (event->op == FIM_OP_WRITE) {
		if (same)
			memset(slot, 0, sizeof(*slot));
		return same;
	}
	/* Who creates a file by open(2) has it open, nearly always for writing. */
	if (event->op == FIM_OP_CREATE ||
	    (event->op == FIM_OP_TRUNCATE && event->flags & FIM_EV_OPEN_FOR_WRITE))
		*slot = (struct opened){object->ino,
					event->actor.start_ns,
					{object->fsid[0], object->fsid[1]},
					event->actor.tgid};
	return false;
}

static bool must_wait(const struct daemon *d, const struct cause *cause)
{
	return cause->container_id[0] && (d->engine_up || d->engine_starting) &&
	       !containers_find(d, cause->container_id);
}

static int wait_for_docker(struct daemon *d, const struct subject *subject)
{
	struct rules *rules = d->rules;
	struct waiting *waiting;

	if (rules->waiting_count >= WAITING_MAX)
		return -ENOBUFS;
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	waiting->path = strdup(subject->path);
	waiting->old_path = subject->old_path ? strdup(subject->old_path) : NULL;
	if (!waiting->path || (subject->old_path && !waiting->old_path)) {
		free(waiting->path);
		free(waiting);
		return -ENOMEM;
	}
	waiting->tree = tree_get(subject->tree);
	waiting->cause = cause_get(subject->cause);
	waiting->deadline_ms = now_ms() + HOLD_MS;
	engine_ask(&d->engine, subject->cause->container_id);
	*rules->waiting_tail = waiting;
	rules->waiting_tail = &waiting->next;
	rules->waiting_count++;
	return 0;
}

void rules_note(struct daemon *d, struct tree *tree, const char *path, const char *old_path,
		struct cause *cause)
{
	const struct subject subject = {d, tree, path, old_path, cause};

	if (!d->rules->set.running[SOURCE_SYSCALL] || is_same_open(d->rules, &cause->change->event))
		return;
	if (!must_wait(d, cause) || wait_for_docker(d, &subject))
		evaluate(&subject);
}

void rules_give_up(struct daemon *d, const char *container_id)
{
	for (struct waiting *waiting = d->rules->waiting; waiting; waiting = waiting->next)
		if (strcmp(waiting->cause->container_id, container_id) == 0)
			waiting->deadline_ms = 0;
}

void rules_flush(struct daemon *d, bool all)
{
	struct rules *rules = d->rules;
	struct waiting **at = &rules->waiting;
	int64_t now = now_ms();

	while (*at) {
		struct waiting *waiting = *at;
		const struct subject subject = {d, waiting->tree, waiting->path, waiting->old_path,
						waiting->cause};

		if (!all && waiting->deadline_ms > now && must_wait(d, waiting->cause)) {
			at = &waiting->next;
			continue;
		}
		*at = waiting->next;
		rules->waiting_count--;
		evaluate(&subject);
		waiting_free(waiting);
	}
	rules->waiting_tail = at;
}

int64_t rules_deadline(const struct daemon *d)
{
	return d->rules->waiting ? d->rules->waiting->deadline_ms : INT64_MAX;
}

/* ------------------------------------------------------------------------ containers */

struct start {
	struct daemon *d;
	const struct fim_container *container;
	int64_t time_ns;
};

static int on_start_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	const struct start *start = ctx;
	struct fim_json *body = fim_rules_finding(event, rule, start->time_ns);
	char time[FIM_TIME_SIZE], id[FIM_CONTAINER_ID_SIZE + FIM_TIME_SIZE + 1];

	if (!body) {
		start->d->counters.no_memory++;
		return 0;
	}
	fim_time_format(start->time_ns, time);
	/* A container that starts again is another start. */
	snprintf(id, sizeof(id), "%.64s@%s", start->container->id, time);
	fim_json_set_str(body, "scope", "container");
	fim_json_set_str(body, "container_id", start->container->id);
	fim_json_set_str(body, "detected_by", "container");
	fim_json_set_str(body, "event_id", id);
	fim_json_set(body, "container", finding_container(start->d, start->container->id));
	tell(start->d, rule, body);
	return 0;
}

void rules_container(struct daemon *d, const struct fim_container *container,
		     const struct fim_json *inspect)
{
	struct fim_rules_event *event = d->rules->set.events[SOURCE_SYSCALL];
	struct start start = {d, container, fim_time_now()};
	struct fim_json *json = NULL, *record = NULL;
	int err;

	if (!d->rules->set.running[SOURCE_SYSCALL])
		return;
	fim_rules_event_reset(event);
	if (inspect) {
		err = fim_rules_event_set_inspect(event, inspect, &start.time_ns);
	} else {
		json = fim_container_to_json(container);
		record = fim_json_object();
		fim_json_set_str(record, "type", "container");
		fim_json_set(record, "container", json);
		err = fim_rules_event_set_record(event, record, &start.time_ns);
	}
	if (!err)
		err = fim_rules_eval(event, on_start_hit, &start);
	check_event(d, event, err == -ENOMEM ? err : 0);
	fim_rules_event_reset(event);
	fim_json_free(record);
}

/* ------------------------------------------------------------------------ CloudTrail */

struct trail_record {
	struct daemon *d;
	const char *text;
	size_t len;
	int64_t time_ns;
};

static int on_trail_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	const struct trail_record *record = ctx;
	struct fim_json *body = fim_rules_cloudtrail_finding(event, rule, record->time_ns,
							     record->text, record->len);

	if (body)
		tell(record->d, rule, body);
	else
		record->d->counters.no_memory++;
	return 0;
}

bool rules_want_cloudtrail(const struct daemon *d)
{
	return d->rules->set.running[SOURCE_CLOUDTRAIL];
}

int rules_cloudtrail(struct daemon *d, const char *text, size_t len)
{
	struct fim_rules_event *event = d->rules->set.events[SOURCE_CLOUDTRAIL];
	struct trail_record record = {d, text, len, fim_time_now()};
	int err;

	if (!event)
		return 0;
	fim_rules_event_reset(event);
	err = fim_rules_event_set_cloudtrail(event, text, len, &record.time_ns);
	if (err)
		return err;
	err = fim_rules_eval(event, on_trail_hit, &record);
	check_event(d, event, err);
	return 0;
}
