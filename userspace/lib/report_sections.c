/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of a report, made of what report.c kept while it read the journal.
 */
#include <stdlib.h>
#include <string.h>

#include "report_builder.h"

/* Takes over the items. */
static struct fim_json *list_section(struct list *list)
{
	struct fim_json *section = fim_json_object();

	fim_json_set_int(section, "count", (int64_t)list->count);
	fim_json_set_int(section, "omitted",
			 list->count > FIM_REPORT_SHOWN ? (int64_t)(list->count - FIM_REPORT_SHOWN)
							: 0);
	fim_json_set(section, "items", list->items);
	list->items = NULL;
	return section;
}

/* Most power first; then in the order of the journal. */
static int compare_seen(const void *a, const void *b)
{
	const struct seen *left = *(struct seen *const *)a, *right = *(struct seen *const *)b;

	if (left->rank != right->rank)
		return left->rank - right->rank;
	if (left->seq != right->seq)
		return left->seq < right->seq ? -1 : 1;
	return strcmp(left->id, right->id);
}

static struct fim_json *standard_section(const struct builder *builder)
{
	struct fim_json *section = fim_json_object();
	bool old = builder->params->standard == FIM_PCI_DSS_3_2_1;

	fim_json_set_str(section, "name", "PCI DSS");
	fim_json_set_str(section, "version", old ? "3.2.1" : "4.0.1");
	return section;
}

static struct fim_json *period_section(const struct builder *builder)
{
	struct fim_json *section = fim_json_object();

	fim_report_set_time(section, "from", builder->ledger.from_ns);
	fim_report_set_time(section, "to", builder->ledger.to_ns);
	fim_report_set_time(section, "first_record", builder->ledger.first_ns);
	fim_report_set_time(section, "last_record", builder->ledger.last_ns);
	fim_json_set_int(section, "records", (int64_t)builder->ledger.records);
	return section;
}

static struct fim_json *clock_section(const struct builder *builder)
{
	struct fim_json *section = fim_json_object();
	const char *state = fim_json_get_str(builder->clock_said, "state");
	bool known = state &&
		     (strcmp(state, "synchronised") == 0 || strcmp(state, "not synchronised") == 0);
	const char *service = fim_json_get_str(builder->clock_said, "service");

	fim_json_set_str(section, "state", known ? state : "not recorded");
	fim_json_set_str(section, "service", service);
	if (fim_json_get_int(builder->clock_said, "max_error_us", -1) >= 0)
		fim_json_set_int(section, "max_error_us",
				 fim_json_get_int(builder->clock_said, "max_error_us", 0));
	fim_json_set_int(section, "not_synchronised_ms",
			 builder->clock_wrong_ns / FIM_NSEC_PER_MSEC);
	fim_json_set_int(section, "steps_back", (int64_t)builder->ledger.steps_back);
	return section;
}

static struct fim_json *journal_section(const struct builder *builder)
{
	const struct fim_journal_check *check = &builder->ledger.check;
	struct fim_json *section = fim_json_object();

	fim_json_set_str(section, "verification", check->first_bad ? "broken" : "verified");
	fim_json_set_int(section, "records", (int64_t)check->records);
	fim_json_set_int(section, "first_seq", (int64_t)builder->ledger.first_seq);
	fim_json_set_int(section, "last_seq", (int64_t)builder->ledger.last_seq);
	fim_json_set_str(section, "head", check->head);
	if (check->first_bad) {
		fim_json_set_int(section, "first_bad", (int64_t)check->first_bad);
		fim_json_set_str(section, "reason", check->reason);
	}
	fim_json_set_bool(section, "torn", check->torn);
	fim_json_set_int(section, "malformed", (int64_t)builder->ledger.malformed);
	fim_json_set_int(section, "boots", (int64_t)builder->boots);
	fim_json_set_int(section, "clock_steps_back", (int64_t)builder->ledger.steps_back);
	return section;
}

static struct fim_json *scope_section(const struct builder *builder)
{
	const struct fim_json *policy = fim_json_get(builder->baseline, "policy");
	const struct fim_json *rules = fim_json_get(policy, "rules"), *rule;
	struct fim_json *section = fim_json_object(), *exclusions = fim_json_array();
	struct fim_json *kept = fim_json_array();
	const char *cls;
	size_t i;

	fim_json_set_str(section, "policy", fim_json_get_str(policy, "name"));
	if (fim_json_get(policy, "version"))
		fim_json_set(section, "version", fim_json_ref(fim_json_get(policy, "version")));
	fim_json_set_str(section, "policy_digest",
			 fim_json_get_str(builder->baseline, "policy_digest"));
	fim_json_set(section, "roots",
		     fim_json_is_array(fim_json_get(policy, "roots"))
			     ? fim_json_ref(fim_json_get(policy, "roots"))
			     : fim_json_array());
	for (i = 0; i < fim_json_count(rules); i++) {
		rule = fim_json_index(rules, i);
		cls = fim_json_get_str(rule, "class");
		fim_json_append(cls && strcmp(cls, "excluded") == 0 ? exclusions : kept,
				fim_json_ref(rule));
	}
	fim_json_set(section, "rules", kept);
	fim_json_set(section, "exclusions", exclusions);
	return section;
}

static struct fim_json *settings_section(const struct builder *builder)
{
	static const char *const modes[] = {
		[SOURCE_UNKNOWN] = "not recorded",
		[SOURCE_MODULE] = "real-time, by the kernel module",
		[SOURCE_FANOTIFY] = "real-time, by fanotify",
		[SOURCE_NONE] = "comparison only",
	};
	struct fim_json *section = fim_json_object(), *categories = fim_json_array(), *item;
	const struct category *category;
	size_t i;

	fim_json_set_str(section, "mode", modes[builder->source]);
	fim_json_set_str(section, "hash", "SHA-256");
	fim_json_set_bool(section, "policy_changed", builder->policy_changed);
	fim_json_set(section, "destinations", fim_alerts_destinations(builder->alerts));
	fim_json_set(section, "deliveries", fim_alerts_deliveries(builder->alerts));
	for (i = 0; i < builder->category_count; i++) {
		category = &builder->categories[i];
		item = fim_json_object();
		fim_json_set_str(item, "category", category->name);
		fim_json_set_int(item, "rules", (int64_t)category->rules);
		fim_json_set_int(item, "changes", (int64_t)category->changes);
		fim_json_append(categories, item);
	}
	fim_json_set(section, "categories", categories);
	return section;
}

static struct fim_json *comparisons_section(struct builder *builder)
{
	const struct fim_ledger *ledger = &builder->ledger;
	struct fim_json *section = list_section(&builder->runs);

	fim_json_set_int(section, "complete", (int64_t)ledger->full_runs);
	fim_json_set_int(section, "limit_ms", FIM_WEEK_NS / FIM_NSEC_PER_MSEC);
	fim_json_set_int(section, "longest_gap_ms", ledger->gap_ns / FIM_NSEC_PER_MSEC);
	fim_report_set_time(section, "longest_gap_from", ledger->gap_from_ns);
	fim_report_set_time(section, "longest_gap_to", ledger->gap_to_ns);
	return section;
}

static struct fim_json *outage_item(const struct builder *builder, const struct fim_outage *outage)
{
	int64_t end_ns = outage->end_ns ? outage->end_ns : builder->ledger.to_ns;
	struct fim_json *item = fim_json_object();

	fim_json_set_int(item, "id", (int64_t)outage->start_seq);
	fim_json_set_str(item, "component", outage->component);
	if (*outage->sink)
		fim_json_set_str(item, "sink", outage->sink);
	fim_json_set_str(item, "state", outage->state);
	fim_json_set_str(item, "cause", outage->cause);
	fim_report_set_time(item, "start", outage->start_ns);
	fim_report_set_time(item, "end", outage->end_ns);
	fim_json_set_str(item, "recovery", outage->recovery);
	fim_json_set_bool(item, "open", !outage->end_ns);
	fim_json_set_bool(item, "inferred", outage->inferred);
	fim_json_set_int(item, "duration_ms", (end_ns - outage->start_ns) / FIM_NSEC_PER_MSEC);
	fim_json_set_int(item, "findings", (int64_t)outage->findings);
	return item;
}

static struct fim_json *outages_section(const struct builder *builder)
{
	struct list list = {.items = fim_json_array()};
	uint64_t open = 0;
	struct fim_json *section;
	size_t i;

	for (i = 0; i < builder->ledger.outage_count; i++) {
		open += !builder->ledger.outages[i].end_ns;
		if (list.count < FIM_REPORT_SHOWN)
			fim_list_add(&list, outage_item(builder, &builder->ledger.outages[i]));
		else
			list.count++;
	}
	section = list_section(&list);
	fim_json_set_int(section, "open", (int64_t)open);
	return section;
}

static struct fim_json *losses_section(struct builder *builder)
{
	struct fim_json *section = list_section(&builder->losses);

	fim_json_set_int(section, "lost", (int64_t)builder->ledger.lost);
	return section;
}

static bool is_flagged(const struct seen *seen)
{
	return seen->rank < 3 && !seen->excepted;
}

static struct fim_json *container_item(const struct seen *seen)
{
	struct fim_json *item = fim_json_object(), *record = NULL;

	/* It was parsed before: this fails for lack of memory only, and then the dump does. */
	fim_json_parse(seen->text, seen->len, NULL, &record);

	fim_json_set_int(item, "id", (int64_t)seen->seq);
	fim_report_set_time(item, "first_seen", seen->first_ns);
	fim_report_set_time(item, "last_seen", seen->last_ns);
	fim_report_set_time(item, "gone", seen->gone_ns);
	fim_json_set_bool(item, "flagged", is_flagged(seen));
	fim_json_set(item, "container", fim_json_ref(fim_json_get(record, "container")));
	fim_json_free(record);
	return item;
}

static struct fim_json *containers_section(struct builder *builder)
{
	bool old = builder->params->standard == FIM_PCI_DSS_3_2_1;
	struct list list = {.items = fim_json_array()};
	uint64_t by_rank[4] = {0}, flagged = 0;
	struct fim_json *section;
	char note[512];
	size_t i;

	if (builder->seen_count)
		qsort(builder->seen, builder->seen_count, sizeof(struct seen *), compare_seen);
	for (i = 0; i < builder->seen_count; i++) {
		by_rank[builder->seen[i]->rank]++;
		flagged += is_flagged(builder->seen[i]);
		if (list.count < FIM_REPORT_SHOWN)
			fim_list_add(&list, container_item(builder->seen[i]));
		else
			list.count++;
	}
	section = list_section(&list);
	fim_json_set_int(section, "privileged", (int64_t)by_rank[0]);
	fim_json_set_int(section, "effectively_privileged", (int64_t)(by_rank[0] + by_rank[1]));
	fim_json_set_int(section, "flagged", (int64_t)flagged);
	snprintf(note, sizeof(note),
		 fim_tr(builder->params->lang,
			"Supporting evidence for least privilege (%s, requirement %s), of "
			"containers as they ran. Security Hub's ECS controls look at task "
			"definitions only."),
		 fim_standard_name(builder->params->standard), old ? "7.1" : "7.2");
	fim_json_set_str(section, "note", note);
	return section;
}

static int add_session(void *ctx, const struct fim_json *session)
{
	struct list *list = ctx;

	if (list->count < FIM_REPORT_SHOWN)
		fim_list_add(list, fim_json_ref(session));
	else
		list->count++;
	return 0;
}

static struct fim_json *sessions_section(const struct builder *builder)
{
	struct list list = {.items = fim_json_array()};

	fim_sessions_each(builder->sessions, add_session, &list);
	return list_section(&list);
}

static struct fim_json *summary_section(const struct builder *builder)
{
	const struct fim_ledger *ledger = &builder->ledger;
	struct fim_json *section = fim_json_object(), *kinds = fim_json_object();
	struct fim_json *severities = fim_json_object(), *scopes = fim_json_object();
	size_t i;

	for (i = 0; i <= FIM_KIND_UNREADABLE; i++)
		fim_json_set_int(kinds, fim_kind_name((enum fim_kind)i),
				 (int64_t)builder->by_kind[i]);
	for (i = 0; i <= FIM_SEVERITY_CRITICAL; i++)
		fim_json_set_int(severities, fim_severity_name((enum fim_severity)i),
				 (int64_t)builder->by_severity[i]);
	fim_json_set_int(scopes, "host", (int64_t)builder->by_scope[0]);
	fim_json_set_int(scopes, "container", (int64_t)builder->by_scope[1]);
	fim_json_set_int(section, "changes", (int64_t)ledger->findings);
	fim_json_set(section, "changes_by_kind", kinds);
	fim_json_set(section, "changes_by_severity", severities);
	fim_json_set(section, "changes_by_scope", scopes);
	fim_json_set_int(section, "comparisons", (int64_t)ledger->runs);
	fim_json_set_int(section, "outages", (int64_t)ledger->outage_count);
	fim_json_set_int(section, "lost_events", (int64_t)ledger->lost);
	fim_json_set_int(section, "containers", (int64_t)builder->seen_count);
	return section;
}

static struct fim_json *changes_section(struct builder *builder)
{
	struct fim_json *section = fim_json_object(), *items = fim_json_array(), *record;
	struct fim_keep *keep = &builder->changes;
	size_t i;

	fim_keep_sort(keep);
	for (i = 0; i < keep->count; i++) {
		record = NULL;
		/* A key twice: counted, chained, and not shown as if it said one thing. */
		if (fim_json_parse(keep->items[i].text, keep->items[i].len, NULL, &record)) {
			builder->ledger.malformed++;
			continue;
		}
		builder->seq = keep->items[i].seq;
		fim_json_append(items, fim_report_item(builder, record));
		fim_json_free(record);
	}
	fim_json_set_int(section, "count", (int64_t)keep->seen);
	fim_json_set_int(section, "omitted", (int64_t)(keep->seen - fim_json_count(items)));
	fim_json_set_int(section, "authorized", (int64_t)builder->ledger.authorized);
	fim_json_set(section, "items", items);
	return section;
}

struct fim_json *fim_report_sections(struct builder *builder)
{
	struct fim_json *report = fim_json_object();

	fim_json_set_str(report, "format", "ecs-fim-report");
	fim_json_set_int(report, "version", 1);
	fim_json_set_str(report, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(report, "lang", builder->params->lang == FIM_LANG_JA ? "ja" : "en");
	fim_json_set(report, "standard", standard_section(builder));
	/* Not now: the same journal gives the same report, whenever it is made. */
	fim_report_set_time(report, "generated", builder->ledger.last_ns);
	fim_json_set(report, "period", period_section(builder));
	if (builder->host)
		fim_json_set(report, "host", fim_json_ref(builder->host));
	else
		fim_json_set_null(report, "host");
	fim_json_set(report, "identity", fim_json_ref(builder->identity));
	fim_json_set(report, "clock", clock_section(builder));
	fim_json_set(report, "statements", fim_statements(&builder->ledger));
	fim_json_set(report, "summary", summary_section(builder));
	fim_json_set(report, "scope", scope_section(builder));
	fim_json_set(report, "settings", settings_section(builder));
	fim_json_set(report, "baselines", list_section(&builder->baselines));
	fim_json_set(report, "comparisons", comparisons_section(builder));
	fim_json_set(report, "changes", changes_section(builder));
	fim_json_set(report, "directories", fim_places_json(&builder->places));
	fim_json_set(report, "timeline", fim_histogram_json(&builder->histogram));
	fim_json_set(report, "rule_hits", list_section(&builder->hits));
	fim_json_set(report, "alerts", fim_alerts_json(builder->alerts));
	fim_json_set(report, "containers", containers_section(builder));
	fim_json_set(report, "accesses", list_section(&builder->accesses));
	fim_json_set(report, "sessions", sessions_section(builder));
	fim_json_set(report, "watches", list_section(&builder->watches));
	fim_json_set(report, "outages", outages_section(builder));
	fim_json_set(report, "losses", losses_section(builder));
	fim_json_set(report, "control_notes", list_section(&builder->infos));
	fim_json_set(report, "journal", journal_section(builder));
	return report;
}
