/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a journal to a report: reads every record once, keeps what is shown, and
 * asks statement.c what it amounts to.  No clock, host or configuration is
 * consulted: same journal and parameters, same report.
 *
 * A report is for people and for assessors: what was broken, missing or left out
 * is said in it, never silently dropped.
 */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "report_builder.h"

#define STEP_BACK_NS (60 * FIM_NSEC_PER_SEC)
/* Containers without a flag that are told apart; what is beyond is counted. */
#define MAX_SEEN 20000

int fim_standard_parse(const char *text, enum fim_standard *standard_ret)
{
	static const char prefix[] = "pci-dss-";

	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	if (strcmp(text, "4.0.1") == 0)
		*standard_ret = FIM_PCI_DSS_4_0_1;
	else if (strcmp(text, "3.2.1") == 0)
		*standard_ret = FIM_PCI_DSS_3_2_1;
	else
		return -EINVAL;
	return 0;
}

/* ------------------------------------------------------------------- items */

void fim_report_set_time(struct fim_json *object, const char *key, int64_t time_ns)
{
	char text[FIM_TIME_SIZE];

	if (!time_ns) {
		fim_json_set_null(object, key);
		return;
	}
	fim_time_format(time_ns, text);
	fim_json_set_str(object, key, text);
}

void fim_list_add(struct list *list, struct fim_json *item)
{
	list->count++;
	if (list->count <= FIM_REPORT_SHOWN)
		fim_json_append(list->items, item);
	else
		fim_json_free(item);
}

static int copy_member(void *ctx, const char *key, struct fim_json *value)
{
	static const char *const common[] = {"seq", "boot_id", "type", "prev"};
	size_t i;

	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(key, common[i]) == 0)
			return 0;
	fim_json_set(ctx, key, fim_json_ref(value));
	return 0;
}

/* The record without what only the chain needs; its number becomes "id". */
struct fim_json *fim_report_item(const struct builder *builder, const struct fim_json *record)
{
	struct fim_json *item = fim_json_object();

	fim_json_set_int(item, "id", (int64_t)builder->seq);
	fim_json_each(record, copy_member, item);
	return item;
}

/* Nothing is made of one that is not shown. */
static void list_record(const struct builder *builder, struct list *list,
			const struct fim_json *record)
{
	if (list->count < FIM_REPORT_SHOWN)
		fim_list_add(list, fim_report_item(builder, record));
	else
		list->count++;
}

static int64_t get_time(const struct fim_json *record, const char *key, int64_t fallback)
{
	const char *text = fim_json_get_str(record, key);
	int64_t time_ns;

	return text && fim_time_parse(text, &time_ns) == 0 ? time_ns : fallback;
}

static bool in_period(const struct builder *builder)
{
	return builder->time_ns >= builder->params->from_ns && builder->time_ns <= builder->to_ns;
}

/* ----------------------------------------------------------------- outages */

static int compare_words(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Causes repeat, outages may be many. */
static char *share(struct builder *builder, const char *word)
{
	char **node, *copy;

	node = tfind(word, (void *const *)&builder->words, compare_words);
	if (node)
		return *node;
	copy = strdup(word);
	if (copy && !tsearch(copy, &builder->words, compare_words)) {
		free(copy);
		return NULL;
	}
	return copy;
}

static int append_outage(struct fim_outage **outages, size_t *count,
			 const struct fim_outage *outage)
{
	struct fim_outage *grown;

	grown = realloc(*outages, (*count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*outages = grown;
	grown[(*count)++] = *outage;
	return 0;
}

/* The member of a record that says which sink it is about; "": none does. */
static const char *sink_of(const struct fim_json *record)
{
	const char *sink = fim_json_get_str(record, "sink");

	return sink ? sink : "";
}

/*
 * "up" ends all that is open, of one sink only if it names one.  What ended before the
 * period must not pile up.
 */
static int close_outages(struct builder *builder, const struct fim_json *record,
			 const char *component)
{
	const char *recovery = fim_json_get_str(record, "cause"), *sink = sink_of(record);
	struct fim_ledger *ledger = &builder->ledger;
	struct fim_outage *open = builder->open;
	size_t i, kept = 0;
	int err = 0;

	for (i = 0; i < builder->open_count && !err; i++) {
		if (strcmp(open[i].component, component) != 0 ||
		    (*sink && strcmp(open[i].sink, sink) != 0)) {
			open[kept++] = open[i];
			continue;
		}
		open[i].end_ns = builder->time_ns;
		open[i].end_seq = builder->seq;
		open[i].recovery = share(builder, recovery ? recovery : "");
		if (!open[i].recovery)
			return -ENOMEM;
		if (open[i].end_ns >= builder->params->from_ns)
			err = append_outage(&ledger->outages, &ledger->outage_count, &open[i]);
	}
	builder->open_count = kept;
	return err;
}

/* Said again, it is still the same outage; another cause is another one. */
static bool is_open(const struct builder *builder, const struct fim_outage *like)
{
	size_t i;

	for (i = 0; i < builder->open_count; i++)
		if (strcmp(builder->open[i].component, like->component) == 0 &&
		    strcmp(builder->open[i].sink, like->sink) == 0 &&
		    strcmp(builder->open[i].state, like->state) == 0 &&
		    strcmp(builder->open[i].cause, like->cause) == 0)
			return true;
	return false;
}

/* @like: its strings are copied. */
static int add_outage(struct builder *builder, const struct fim_outage *like)
{
	struct fim_outage outage = *like;

	outage.component = share(builder, like->component);
	outage.sink = share(builder, like->sink);
	outage.state = share(builder, like->state);
	outage.cause = share(builder, like->cause);
	outage.recovery = like->recovery ? share(builder, like->recovery) : NULL;
	if (!outage.component || !outage.sink || !outage.state || !outage.cause)
		return -ENOMEM;
	if (outage.end_ns)
		return append_outage(&builder->ledger.outages, &builder->ledger.outage_count,
				     &outage);
	return append_outage(&builder->open, &builder->open_count, &outage);
}

static int by_start(const void *a, const void *b)
{
	const struct fim_outage *left = a, *right = b;

	if (left->start_seq != right->start_seq)
		return left->start_seq < right->start_seq ? -1 : 1;
	return left->start_ns < right->start_ns ? -1 : left->start_ns > right->start_ns;
}

/* At the end: those still open, too, in the order in which they began. */
static int collect_outages(struct builder *builder)
{
	struct fim_ledger *ledger = &builder->ledger;
	size_t i;
	int err = 0;

	for (i = 0; i < builder->open_count && !err; i++)
		err = append_outage(&ledger->outages, &ledger->outage_count, &builder->open[i]);
	if (ledger->outage_count)
		qsort(ledger->outages, ledger->outage_count, sizeof(*ledger->outages), by_start);
	return err;
}

/*
 * A daemon that starts without having stopped was killed, or the host was reset.
 * Nobody could say so at the time; the last record before is its last sign of life.
 */
static int infer_outage(struct builder *builder)
{
	bool rebooted = builder->boots != builder->daemon_boot;
	struct fim_outage outage = {
		.component = (char *)"daemon",
		.sink = (char *)"",
		.state = (char *)"down",
		.cause = (char *)fim_tr(
			builder->params->lang,
			rebooted ? "the host stopped without the daemon having said that it "
				   "ends (reset, crash or power loss)"
				 : "the daemon ended without saying so (crash or kill)"),
		.recovery = (char *)fim_tr(builder->params->lang, "the daemon is running again"),
		.start_ns = rebooted ? builder->boot_end_ns : builder->last_alive_ns,
		.end_ns = builder->time_ns,
		.start_seq = builder->seq,
		.end_seq = builder->seq,
		.inferred = true,
	};

	if (outage.end_ns < builder->params->from_ns || outage.start_ns > outage.end_ns)
		return 0;
	return add_outage(builder, &outage);
}

static void count_clock(struct builder *builder, int64_t until_ns)
{
	int64_t since_ns = builder->clock_ns;

	if (since_ns < builder->params->from_ns)
		since_ns = builder->params->from_ns;
	if (builder->clock == CLOCK_WRONG && until_ns > since_ns)
		builder->clock_wrong_ns += until_ns - since_ns;
	builder->clock_ns = until_ns;
}

/*
 * At each start, when it changes, and with a comparison: @holder has it as "clock".  The
 * daemon starts before the clock is right, and may not be allowed to ask.
 */
static void note_clock(struct builder *builder, const struct fim_json *holder)
{
	struct fim_json *clock = fim_json_get(holder, "clock");
	const char *state = fim_json_get_str(clock, "state");

	if (!fim_json_is_object(clock))
		return;
	count_clock(builder, builder->time_ns);
	builder->clock = CLOCK_UNKNOWN;
	if (!state)
		return;
	builder->clock = strcmp(state, "synchronised") == 0 ? CLOCK_RIGHT : CLOCK_WRONG;
	fim_json_free(builder->clock_said);
	builder->clock_said = fim_json_ref(clock);
}

/* What the ECS agent registered the host as. */
static void note_instance(struct builder *builder, const struct fim_json *detail)
{
	static const char *const keys[] = {"cluster_arn", "container_instance_arn"};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		text = fim_json_get_str(detail, keys[i]);
		if (text)
			fim_json_set_str(builder->identity, keys[i], text);
	}
}

static int read_daemon(struct builder *builder, const struct fim_json *record, bool up)
{
	const struct fim_json *detail = fim_json_get(record, "detail");
	int err = 0;

	builder->ledger.health_known = true;
	if (up && builder->daemon_up)
		err = infer_outage(builder);
	if (!up) {
		count_clock(builder, builder->time_ns);
		builder->clock = CLOCK_UNKNOWN;
	}
	builder->daemon_up = up;
	builder->daemon_boot = builder->boots;
	if (up && fim_json_is_object(detail)) {
		fim_json_free(builder->host);
		builder->host = fim_json_ref(detail);
	}
	return err;
}

static int read_loss(struct builder *builder, const struct fim_json *record, const char *component)
{
	struct fim_ledger *ledger = &builder->ledger;
	struct fim_loss *losses;
	int64_t lost = fim_json_get_int(record, "lost", 0);

	if (!in_period(builder))
		return 0;
	losses = realloc(ledger->losses, (ledger->loss_count + 1) * sizeof(*losses));
	if (!losses)
		return -ENOMEM;
	ledger->losses = losses;
	losses[ledger->loss_count] = (struct fim_loss){
		.component = strdup(component),
		.lost = lost > 0 ? (uint64_t)lost : 0,
		.time_ns = builder->time_ns,
		.seq = builder->seq,
	};
	if (!losses[ledger->loss_count].component)
		return -ENOMEM;
	ledger->lost += losses[ledger->loss_count].lost;
	ledger->loss_count++;
	list_record(builder, &builder->losses, record);
	return 0;
}

/*
 * @since says from when, if that was not seen at the time: then the next start says
 * it.  It cannot be later than the last sign of life.
 */
static int begin_outage(struct builder *builder, const struct fim_json *record)
{
	const char *cause = fim_json_get_str(record, "cause");
	int64_t since_ns = get_time(record, "since", builder->time_ns);
	struct fim_outage outage = {
		.component = (char *)fim_json_get_str(record, "component"),
		.sink = (char *)sink_of(record),
		.state = (char *)fim_json_get_str(record, "state"),
		.cause = (char *)(cause ? cause : ""),
		.start_ns = builder->time_ns,
		.start_seq = builder->seq,
		.inferred = fim_json_get_str(record, "since") != NULL,
	};

	if (is_open(builder, &outage))
		return 0;
	if (since_ns < builder->time_ns)
		outage.start_ns = since_ns;
	if (outage.inferred && strcmp(outage.component, "daemon") == 0 && builder->last_alive_ns &&
	    builder->last_alive_ns < outage.start_ns)
		outage.start_ns = builder->last_alive_ns;
	return add_outage(builder, &outage);
}

static int read_control(struct builder *builder, const struct fim_json *record)
{
	const char *component = fim_json_get_str(record, "component");
	const char *state = fim_json_get_str(record, "state");
	bool up, down;
	int err = 0;

	if (!component || !state)
		return -EINVAL;
	note_clock(builder, fim_json_get(record, "detail"));
	note_instance(builder, fim_json_get(record, "detail"));
	up = strcmp(state, "up") == 0;
	down = strcmp(state, "down") == 0 || strcmp(state, "degraded") == 0;
	if (strcmp(component, "module") == 0 && (up || down))
		builder->source = up			       ? SOURCE_MODULE
				  : strcmp(state, "down") == 0 ? SOURCE_NONE
							       : SOURCE_FANOTIFY;
	if (strcmp(component, "daemon") == 0 && (up || down))
		err = read_daemon(builder, record, up);
	if (err)
		return err;
	if (strcmp(state, "loss") == 0)
		return read_loss(builder, record, component);
	if (strcmp(state, "info") == 0 && in_period(builder))
		list_record(builder, &builder->infos, record);
	if (up)
		err = close_outages(builder, record, component);
	return down ? begin_outage(builder, record) : err;
}

/* ------------------------------------------------- baselines, comparisons */

static bool same_str(const struct fim_json *a, const struct fim_json *b, const char *key)
{
	const char *left = fim_json_get_str(a, key), *right = fim_json_get_str(b, key);

	return left && right ? strcmp(left, right) == 0 : left == right;
}

/* NULL: there are too many, or no memory. */
static struct category *find_category(struct builder *builder, const char *name, size_t len,
				      bool add)
{
	struct category *category = builder->categories;
	size_t i;

	for (i = 0; i < builder->category_count; i++, category++)
		if (strncmp(category->name, name, len) == 0 && !category->name[len])
			return category;
	if (!add || builder->category_count == MAX_CATEGORIES)
		return NULL;
	category->name = strndup(name, len);
	if (!category->name)
		return NULL;
	builder->category_count++;
	return category;
}

/* Those of the policy in force; changes stay counted. */
static void count_rules(struct builder *builder, const struct fim_json *rules)
{
	const char *growing = fim_class_name(FIM_CLASS_APPEND_ONLY), *name, *cls;
	struct category *category;
	size_t i;

	for (i = 0; i < builder->category_count; i++)
		builder->categories[i].rules = 0;
	builder->ledger.growing = 0;
	for (i = 0; i < fim_json_count(rules); i++) {
		name = fim_json_get_str(fim_json_index(rules, i), "category");
		cls = fim_json_get_str(fim_json_index(rules, i), "class");
		builder->ledger.growing += cls && strcmp(cls, growing) == 0;
		if (!name || (cls && strcmp(cls, "excluded") == 0))
			continue;
		category = find_category(builder, name, strlen(name), true);
		if (category)
			category->rules++;
	}
}

/* A key has no name but that of its file in the directory of trusted ones. */
static void set_signer(struct fim_json *item, const struct fim_json *record)
{
	const char *path = fim_json_get_str(record, "key_file");
	const char *slash = path ? strrchr(path, '/') : NULL, *name = slash ? slash + 1 : path;
	size_t len = name ? strlen(name) : 0;

	if (len > 4 && strcmp(name + len - 4, ".pem") == 0)
		len -= 4;
	if (len)
		fim_json_set_bytes(item, "signer", name, len);
}

static int read_baseline(struct builder *builder, const struct fim_json *record)
{
	struct fim_ledger *ledger = &builder->ledger;
	const struct fim_json *policy = fim_json_get(record, "policy");
	struct fim_json *item, *changes = NULL;

	if (!fim_json_is_object(policy) || !fim_json_get_str(record, "digest"))
		return -EINVAL;
	if (in_period(builder) && builder->baseline &&
	    !same_str(builder->baseline, record, "policy_digest")) {
		builder->policy_changed = true;
		changes = fim_policy_changes(fim_json_get(builder->baseline, "policy"), policy);
	}
	fim_json_free(builder->baseline);
	builder->baseline = fim_json_ref(record);
	count_rules(builder, fim_json_get(policy, "rules"));
	if (!ledger->baseline_ns)
		ledger->baseline_ns = builder->time_ns;
	ledger->baseline_seq = builder->seq;
	ledger->has_policy = true;
	/* The one in force when the period begins belongs to it. */
	if (builder->time_ns < builder->params->from_ns) {
		fim_json_free(builder->baselines.items);
		builder->baselines = (struct list){.items = fim_json_array()};
	}
	item = fim_report_item(builder, record);
	fim_json_set_null(item, "policy"); /* shown once, as the scope */
	if (changes)
		fim_json_set(item, "policy_changes", changes);
	set_signer(item, record);
	fim_list_add(&builder->baselines, item);
	return 0;
}

/* Complete: every directory that the policy in force names was compared. */
static bool is_complete(const struct builder *builder, const struct fim_json *record)
{
	const struct fim_json *roots = fim_json_at(builder->baseline, "policy/roots");
	const struct fim_json *scope = fim_json_get(record, "scope");
	const char *root;
	size_t i;

	for (i = 0; i < fim_json_count(roots); i++) {
		root = fim_json_str(fim_json_index(roots, i));
		if (!root || !fim_json_array_has(scope, root))
			return false;
	}
	return fim_json_count(roots) > 0;
}

static void measure_gap(struct builder *builder, int64_t from_ns, int64_t to_ns, uint64_t seq)
{
	struct fim_ledger *ledger = &builder->ledger;

	if (to_ns - from_ns <= ledger->gap_ns)
		return;
	ledger->gap_ns = to_ns - from_ns;
	ledger->gap_from_ns = from_ns;
	ledger->gap_to_ns = to_ns;
	ledger->gap_seq = seq;
}

/* Where waiting for the first comparison began. */
static int64_t gap_start(const struct builder *builder)
{
	const struct fim_ledger *ledger = &builder->ledger;

	if (ledger->last_full_end_ns)
		return ledger->last_full_end_ns;
	return builder->params->from_ns > ledger->first_ns ? builder->params->from_ns
							   : ledger->first_ns;
}

static int read_comparison(struct builder *builder, const struct fim_json *record,
			   const struct fim_line *line)
{
	struct fim_ledger *ledger = &builder->ledger;
	int64_t start_ns = get_time(record, "start", 0), end_ns = get_time(record, "end", 0);
	bool complete = is_complete(builder, record);
	int64_t gap_from = gap_start(builder);
	struct fim_json *item;

	/* Not before the record, and not into the future: a gap must not be talked away. */
	if (!start_ns || !end_ns || end_ns > builder->time_ns || start_ns > end_ns)
		return -EINVAL;
	if (complete) {
		ledger->last_full_ns = start_ns;
		ledger->last_full_end_ns = end_ns;
	}
	if (!in_period(builder))
		return 0;
	item = fim_report_item(builder, record);
	fim_json_set_bool(item, "complete", complete);
	ledger->runs++;
	if (complete) {
		ledger->full_runs++;
		ledger->partial_runs += fim_json_get_int(record, "unreadable", 0) > 0;
		measure_gap(builder, gap_from, end_ns, builder->seq);
		fim_json_set_int(item, "gap_ms", (end_ns - gap_from) / FIM_NSEC_PER_MSEC);
	}
	fim_list_add(&builder->runs, item);
	return builder->comparisons_csv ? fim_csv_put(builder->comparisons_csv, line) : 0;
}

/* ---------------------------------------------------------------- findings */

static const char *kind_name(int kind)
{
	return fim_kind_name((enum fim_kind)kind);
}

static const char *severity_name(int severity)
{
	return fim_severity_name((enum fim_severity)severity);
}

/* -1: no such name. */
static int find_name(const struct fim_span *span, const char *(*name)(int), int last)
{
	int i;

	for (i = 0; i <= last; i++)
		if (span->kind == FIM_SPAN_STRING && fim_span_is(span, name(i)))
			return i;
	return -1;
}

static int hex_bytes(const struct fim_span *span, char *bytes_ret)
{
	char hex[2 * FIM_PATH_MAX];

	if (!fim_span_copy(span, hex, sizeof(hex)))
		return -EINVAL;
	return fim_hex_decode(hex, (unsigned char *)bytes_ret, span->len / 2);
}

/* A detection: it says what changes of its own amount to, so it is counted apart. */
static int read_hit(struct builder *builder, const struct fim_line *line, int severity)
{
	struct fim_json *record = NULL;
	int err;

	if (!in_period(builder))
		return 0;
	if (severity < 0 || fim_json_parse(line->text, line->len, NULL, &record))
		return -EINVAL;
	err = fim_alerts_add(builder->alerts, line, (enum fim_severity)severity);
	if (err) {
		fim_json_free(record);
		return err;
	}
	fim_sessions_record(builder->sessions, record);
	list_record(builder, &builder->hits, record);
	fim_json_free(record);
	return 0;
}

/* What of a finding's text counts and sorts it. */
struct picked {
	struct fim_span kind;
	struct fim_span severity;
	struct fim_span scope;
	struct fim_span path;
	struct fim_span path_hex;
	struct fim_span category;
	struct fim_span cls;
	bool authorized;
	bool came_in; /* it says how the actor got into its container */
};

static int pick(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		const struct fim_span *value)
{
	struct picked *picked = ctx;

	if (parent)
		return 0;
	if (fim_span_is(key, "kind"))
		picked->kind = *value;
	else if (fim_span_is(key, "severity"))
		picked->severity = *value;
	else if (fim_span_is(key, "scope"))
		picked->scope = *value;
	else if (fim_span_is(key, "path"))
		picked->path = *value;
	else if (fim_span_is(key, "path_hex"))
		picked->path_hex = *value;
	else if (fim_span_is(key, "category"))
		picked->category = *value;
	else if (fim_span_is(key, "class"))
		picked->cls = *value;
	else if (fim_span_is(key, "change"))
		picked->authorized = value->kind == FIM_SPAN_OBJECT;
	else if (fim_span_is(key, "access"))
		picked->came_in = value->kind == FIM_SPAN_OBJECT;
	return 0;
}

static int add_place(struct builder *builder, const struct picked *picked,
		     enum fim_severity severity)
{
	char bytes[FIM_PATH_MAX];
	struct fim_json *json = NULL;
	size_t len = picked->path_hex.len / 2;
	int err;

	if (picked->path.kind == FIM_SPAN_STRING && !picked->path.escaped)
		return fim_places_add(&builder->places, picked->path.text, picked->path.len,
				      severity);
	if (picked->path.kind == FIM_SPAN_STRING) {
		if (fim_json_parse(picked->path.text - 1, picked->path.len + 2, NULL, &json))
			return -EINVAL;
		err = fim_places_add(&builder->places, fim_json_str(json),
				     strlen(fim_json_str(json)), severity);
		fim_json_free(json);
		return err;
	}
	if (picked->path_hex.kind != FIM_SPAN_STRING || !len || len >= sizeof(bytes) ||
	    fim_span_is(&picked->path_hex, ""))
		return -EINVAL;
	err = hex_bytes(&picked->path_hex, bytes);
	return err ? err : fim_places_add(&builder->places, bytes, len, severity);
}

/* Few changes are made by who got into a container: only of those a tree is built. */
static int note_session(struct builder *builder, const struct fim_line *line)
{
	struct fim_json *record = NULL;

	if (fim_json_parse(line->text, line->len, NULL, &record))
		return -EINVAL;
	fim_sessions_record(builder->sessions, record);
	fim_json_free(record);
	return 0;
}

/* The worst are shown; what was announced before it happened is worth less than what was not. */
static int read_finding(struct builder *builder, const struct fim_line *line)
{
	struct picked picked = {.authorized = false};
	struct fim_ledger *ledger = &builder->ledger;
	struct category *category = NULL;
	int kind, severity, err;
	size_t i;

	if (fim_line_scan(line, pick, &picked))
		return -EINVAL;
	severity = find_name(&picked.severity, severity_name, FIM_SEVERITY_CRITICAL);
	if (fim_span_is(&picked.kind, "rule"))
		return read_hit(builder, line, severity);
	kind = find_name(&picked.kind, kind_name, FIM_KIND_UNREADABLE);
	if (kind < 0 || severity < 0)
		return -EINVAL;
	if (!in_period(builder))
		return 0;
	err = add_place(builder, &picked, (enum fim_severity)severity);
	if (!err)
		err = fim_keep_add(&builder->changes, 2 * severity + !picked.authorized, line->seq,
				   line->text, line->len);
	/* What was announced before it happened was looked at then. */
	if (!err && !picked.authorized)
		err = fim_alerts_add(builder->alerts, line, (enum fim_severity)severity);
	if (!err && picked.came_in)
		err = note_session(builder, line);
	if (!err && builder->changes_csv)
		err = fim_csv_put(builder->changes_csv, line);
	if (err)
		return err;
	if (picked.category.kind == FIM_SPAN_STRING)
		category = find_category(builder, picked.category.text, picked.category.len, false);
	if (category)
		category->changes++;
	ledger->findings++;
	ledger->growing_changes += picked.cls.kind == FIM_SPAN_STRING &&
				   fim_span_is(&picked.cls, fim_class_name(FIM_CLASS_APPEND_ONLY));
	ledger->authorized += picked.authorized;
	builder->by_kind[kind]++;
	builder->by_severity[severity]++;
	builder->by_scope[fim_span_is(&picked.scope, "container")]++;
	fim_histogram_add(&builder->histogram, builder->time_ns, (enum fim_severity)severity);
	for (i = 0; i < builder->open_count; i++)
		builder->open[i].findings++;
	return 0;
}

/* -------------------------------------------------------------- containers */

static int compare_ids(const void *a, const void *b)
{
	const struct seen *left = a, *right = b;

	return strcmp(left->id, right->id);
}

static struct seen *find_seen(const struct builder *builder, const char *id)
{
	struct seen key = {.id = (char *)id};
	void *node = tfind(&key, (void *const *)&builder->by_id, compare_ids);

	return node ? *(struct seen **)node : NULL;
}

static void seen_free(struct seen *seen)
{
	if (!seen)
		return;
	free(seen->text);
	free(seen->id);
	free(seen);
}

static int add_seen(struct builder *builder, const char *id, struct seen **seen_ret)
{
	struct seen *seen = calloc(1, sizeof(*seen)), **all;

	if (!seen)
		return -ENOMEM;
	seen->id = strdup(id);
	all = realloc(builder->seen, (builder->seen_count + 1) * sizeof(struct seen *));
	if (all)
		builder->seen = all;
	if (!seen->id || !all || !tsearch(seen, &builder->by_id, compare_ids)) {
		seen_free(seen);
		return -ENOMEM;
	}
	seen->first_ns = builder->time_ns;
	all[builder->seen_count++] = seen;
	*seen_ret = seen;
	return 0;
}

static bool is_flagged(const struct fim_json *container)
{
	const struct fim_json *flags = fim_json_get(container, "flags");
	const char *severity;
	size_t i;

	for (i = 0; i < fim_json_count(flags); i++) {
		severity = fim_json_get_str(fim_json_index(flags, i), "severity");
		if (severity && (strcmp(severity, fim_severity_name(FIM_SEVERITY_HIGH)) == 0 ||
				 strcmp(severity, fim_severity_name(FIM_SEVERITY_CRITICAL)) == 0))
			return true;
	}
	return false;
}

static int rank_of(const struct fim_json *container)
{
	if (fim_json_get_bool(container, "privileged", false))
		return 0;
	if (fim_json_get_bool(container, "effectively_privileged", false))
		return 1;
	return is_flagged(container) ? 2 : 3;
}

/* What the ECS agent wrote on its containers: the last one that says it. */
static void note_identity(struct builder *builder, const struct fim_json *container)
{
	static const char *const keys[] = {"account", "region", "cluster"};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		text = fim_json_get_str(container, keys[i]);
		if (text && *text)
			fim_json_set_str(builder->identity, keys[i], text);
	}
}

static int read_container(struct builder *builder, const struct fim_json *record,
			  const struct fim_line *line)
{
	const struct fim_json *container = fim_json_get(record, "container");
	const char *id = fim_json_get_str(container, "id");
	struct seen *seen;
	char *text;
	int err;

	if (!id)
		return -EINVAL;
	note_identity(builder, container);
	seen = find_seen(builder, id);
	if (!seen && builder->seen_count >= MAX_SEEN && rank_of(container) == 3) {
		builder->unseen++;
		return 0;
	}
	if (!seen) {
		err = add_seen(builder, id, &seen);
		if (err)
			return err;
	}
	text = malloc(line->len);
	if (!text)
		return -ENOMEM;
	memcpy(text, line->text, line->len);
	free(seen->text);
	seen->text = text;
	seen->len = line->len;
	seen->last_ns = builder->time_ns;
	seen->gone_ns = 0;
	seen->seq = builder->seq;
	seen->rank = rank_of(container);
	seen->excepted = fim_json_is_object(fim_json_get(container, "exception"));
	return 0;
}

/* What was gone before the period is of no interest, and must not pile up. */
static void forget_seen(struct builder *builder, struct seen *seen)
{
	size_t i;

	for (i = 0; i < builder->seen_count; i++)
		if (builder->seen[i] == seen) {
			builder->seen[i] = builder->seen[--builder->seen_count];
			break;
		}
	tdelete(seen, &builder->by_id, compare_ids);
	seen_free(seen);
}

static int read_watch(struct builder *builder, const struct fim_json *record)
{
	const char *action = fim_json_get_str(record, "action");
	const char *id = fim_json_get_str(record, "container_id");
	struct seen *seen;

	if (!action)
		return -EINVAL;
	if (in_period(builder))
		list_record(builder, &builder->watches, record);
	seen = id && strcmp(action, "gone") == 0 ? find_seen(builder, id) : NULL;
	if (seen && builder->time_ns < builder->params->from_ns)
		forget_seen(builder, seen);
	else if (seen)
		seen->gone_ns = builder->time_ns;
	return 0;
}

/* ----------------------------------------------------------------- records */

static void note_boot(struct builder *builder, const char *boot_id)
{
	if (strncmp(builder->boot_id, boot_id, sizeof(builder->boot_id) - 1) == 0)
		return;
	snprintf(builder->boot_id, sizeof(builder->boot_id), "%s", boot_id);
	builder->boot_end_ns = builder->last_alive_ns;
	builder->boots++;
}

/* Findings of before, which the end of an announced change has settled. */
static void read_change(struct builder *builder, const struct fim_json *record)
{
	const char *action = fim_json_get_str(record, "action");

	if (action && strcmp(action, "ended") == 0 && in_period(builder))
		builder->ledger.authorized += fim_json_count(fim_json_get(record, "authorized"));
}

/* Containers and ways into them that somebody has to come for; findings are read elsewhere. */
static int read_alert(struct builder *builder, const struct fim_json *record,
		      const struct fim_line *line)
{
	enum fim_severity severity;

	if (!in_period(builder) || !fim_alert_of(record, &severity))
		return 0;
	return fim_alerts_add(builder->alerts, line, severity);
}

static int read_access(struct builder *builder, const struct fim_json *record)
{
	if (!in_period(builder))
		return 0;
	fim_sessions_record(builder->sessions, record);
	list_record(builder, &builder->accesses, record);
	return 0;
}

static int read_tree(struct builder *builder, const struct fim_json *record,
		     const struct fim_line *line)
{
	int err = read_alert(builder, record, line);

	if (err)
		return err;
	if (strcmp(line->type, "control") == 0)
		return read_control(builder, record);
	if (strcmp(line->type, "comparison") == 0)
		note_clock(builder, record);
	if (strcmp(line->type, "comparison") == 0)
		return read_comparison(builder, record, line);
	if (strcmp(line->type, "baseline") == 0)
		return read_baseline(builder, record);
	if (strcmp(line->type, "container") == 0)
		return read_container(builder, record, line);
	if (strcmp(line->type, "watch") == 0)
		return read_watch(builder, record);
	if (strcmp(line->type, "change") == 0)
		read_change(builder, record);
	if (strcmp(line->type, "alert") == 0)
		return fim_alerts_read(builder->alerts, record, builder->time_ns);
	if (strcmp(line->type, "access") == 0)
		return read_access(builder, record);
	return 0; /* of a later version */
}

/* The journal's own note about a crash is written by the next start. */
static bool is_sign_of_life(const struct fim_json *record)
{
	const char *component = fim_json_get_str(record, "component");

	return !component || strcmp(component, "journal") != 0;
}

static int read_line(void *ctx, const struct fim_line *line)
{
	struct builder *builder = ctx;
	struct fim_ledger *ledger = &builder->ledger;
	struct fim_json *record = NULL;
	bool alive = true;
	int err;

	builder->seq = line->seq;
	builder->time_ns = line->time_ns;
	/* What is after the period is verified, but not read. */
	if (builder->time_ns > builder->to_ns)
		return 0;
	if (!ledger->first_ns) {
		ledger->first_ns = builder->time_ns;
		ledger->first_seq = line->seq;
	}
	if (in_period(builder)) {
		ledger->records++;
		ledger->steps_back += builder->time_ns < builder->last_any_ns - STEP_BACK_NS;
	}
	note_boot(builder, line->boot_id);
	if (strcmp(line->type, "finding") == 0) {
		err = read_finding(builder, line);
	} else {
		err = fim_json_parse(line->text, line->len, NULL, &record);
		if (!err)
			err = read_tree(builder, record, line);
		alive = is_sign_of_life(record);
	}
	fim_json_free(record);
	if (err == -EINVAL) {
		ledger->malformed += in_period(builder);
		err = 0;
	}
	if (alive)
		builder->last_alive_ns = builder->time_ns;
	builder->last_any_ns = builder->time_ns;
	ledger->last_seq = line->seq;
	ledger->last_ns = builder->time_ns;
	return err;
}

/* ------------------------------------------------------------------- build */

/* The end of the period is a gap, too. */
static void finish_ledger(struct builder *builder)
{
	struct fim_ledger *ledger = &builder->ledger;
	const struct fim_report_params *params = builder->params;
	size_t i;

	ledger->from_ns = params->from_ns ? params->from_ns : ledger->first_ns;
	ledger->to_ns = params->to_ns ? params->to_ns : ledger->last_ns;
	fim_alerts_sum(builder->alerts, ledger->to_ns, &ledger->alerts);
	ledger->containers = builder->seen_count;
	for (i = 0; i < builder->seen_count; i++) {
		ledger->powerful += builder->seen[i]->rank < 2;
		ledger->excepted += builder->seen[i]->rank < 2 && builder->seen[i]->excepted;
	}
	count_clock(builder, ledger->to_ns);
	if (ledger->records && ledger->last_ns > gap_start(builder))
		measure_gap(builder, gap_start(builder), ledger->last_ns, 0);
}

static void nothing(void *node)
{
	(void)node;
}

static void builder_free(struct builder *builder)
{
	struct list *const lists[] = {&builder->baselines, &builder->runs,   &builder->watches,
				      &builder->infos,	   &builder->losses, &builder->hits,
				      &builder->accesses};
	size_t i;

	if (!builder)
		return;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		fim_json_free(lists[i]->items);
	fim_json_free(builder->baseline);
	fim_json_free(builder->host);
	fim_json_free(builder->identity);
	fim_json_free(builder->clock_said);
	for (i = 0; i < builder->category_count; i++)
		free(builder->categories[i].name);
	fim_alerts_free(builder->alerts);
	fim_sessions_free(builder->sessions);
	fim_csv_free(builder->changes_csv);
	fim_csv_free(builder->comparisons_csv);
	fim_keep_clear(&builder->changes);
	fim_places_clear(&builder->places);
	tdestroy(builder->by_id, nothing);
	for (i = 0; i < builder->seen_count; i++)
		seen_free(builder->seen[i]);
	free(builder->seen);
	tdestroy(builder->words, free);
	free(builder->open);
	free(builder->ledger.outages);
	for (i = 0; i < builder->ledger.loss_count; i++)
		free(builder->ledger.losses[i].component);
	free(builder->ledger.losses);
	free(builder);
}

static struct builder *builder_new(const struct fim_report_params *params)
{
	struct builder *builder = calloc(1, sizeof(*builder));
	struct list *lists[7];
	size_t i;

	if (!builder)
		return NULL;
	builder->params = params;
	builder->to_ns = params->to_ns ? params->to_ns : INT64_MAX;
	builder->ledger.standard = params->standard;
	builder->ledger.lang = params->lang;
	builder->identity = fim_json_object();
	builder->alerts = fim_alerts_new();
	builder->sessions = fim_sessions_new();
	builder->changes_csv = fim_csv_changes(params->changes_csv);
	builder->comparisons_csv = fim_csv_comparisons(params->comparisons_csv);
	if (!builder->alerts || !builder->sessions ||
	    !builder->changes_csv != !params->changes_csv ||
	    !builder->comparisons_csv != !params->comparisons_csv) {
		builder_free(builder);
		return NULL;
	}
	lists[0] = &builder->baselines;
	lists[1] = &builder->runs;
	lists[2] = &builder->watches;
	lists[3] = &builder->infos;
	lists[4] = &builder->losses;
	lists[5] = &builder->hits;
	lists[6] = &builder->accesses;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		lists[i]->items = fim_json_array();
	return builder;
}

int fim_report_build(const struct fim_report_params *params, struct fim_json **report_ret)
{
	struct builder *builder;
	int err;

	if (params->to_ns && params->to_ns < params->from_ns) {
		fim_log(LOG_ERR, "a report's period cannot end before it begins");
		return -EINVAL;
	}
	builder = builder_new(params);
	if (!builder)
		return -ENOMEM;
	err = fim_journal_scan(params->journal, read_line, builder, &builder->ledger.check);
	/* What was verified up to the fault is reported, and the fault with it. */
	if (err == -EBADMSG)
		err = 0;
	if (!err)
		err = collect_outages(builder);
	if (!err) {
		finish_ledger(builder);
		*report_ret = fim_report_sections(builder);
	}
	builder_free(builder);
	return err;
}
