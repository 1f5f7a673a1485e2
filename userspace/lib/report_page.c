/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on the page of a host for an assessor, made of the report's JSON and nothing else.
 * How it looks is the renderer's: see report_page.h.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report_put.h"

/* In the page's language. */
#define T(text)	     fim_tr(page->lang, text)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Changes that are shown unfolded; the rest unfolds when asked to, and on paper. */
#define UNFOLDED 25

static const struct fim_page_section sections[] = {
	{"statements", "Statements"},
	{"timeline", "Timeline"},
	{"scope", "Settings and scope"},
	{"baselines", "Baseline"},
	{"comparisons", "Comparisons"},
	{"changes", "Changes"},
	{"alerts", "Alerts"},
	{"outages", "Control outages"},
	{"containers", "Containers"},
	{"access", "Access to containers"},
	{"journal", "Journal"},
	{"coverage", "Coverage"},
	{"annex", "Annex"},
	{NULL, NULL},
};

static void cell_id(struct fim_page *page, const struct fim_json *item)
{
	fim_put_format(page, "%" PRId64, fim_json_get_int(item, "id", 0));
}

/* ------------------------------------------------------------------- cover */

/* A key as words: "instance_id" is "Instance id". */
static void fact_of_key(struct fim_page *page, const char *key)
{
	char text[64], *at;
	const char *name;

	snprintf(text, sizeof(text), "%s", key);
	for (at = text; (at = strchr(at, '_')) != NULL;)
		*at = ' ';
	name = fim_tr_name(page->lang, text);
	if (name == text)
		*text = (char)toupper((unsigned char)*text);
	fim_open_fact(page, name);
}

/* Only of this is a word that we wrote; others may be anybody's names. */
static bool is_word(const char *key)
{
	return strcmp(key, "module_signature") == 0;
}

static int put_fact_member(void *ctx, const char *key, struct fim_json *value)
{
	const char *text = fim_json_str(value);
	struct fim_page *page = ctx;

	if (!text || !*text)
		return 0;
	fact_of_key(page, key);
	fim_put(page, is_word(key) ? fim_tr_name(page->lang, text) : text);
	fim_close_fact(page);
	return 0;
}

/* How the clock is, is told by itself: not as it was when the daemon started. */
static int put_host_member(void *ctx, const char *key, struct fim_json *value)
{
	return strcmp(key, "clock_state") == 0 ? 0 : put_fact_member(ctx, key, value);
}

/* Times are as good as the clock (10.6; in v3.2.1: 10.4). */
static void put_clock(struct fim_page *page)
{
	const struct fim_json *clock = fim_section_of(page, "clock");
	int64_t wrong_ms = fim_json_get_int(clock, "not_synchronised_ms", 0);

	fim_open_fact(page, T("Clock"));
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(clock, "state")));
	if (fim_json_get_str(clock, "service")) {
		fim_put(page, " · ");
		fim_put_member(page, clock, "service");
	}
	if (wrong_ms) {
		page->ops->line_break(page);
		fim_put(page, T("Not synchronised in the period: "));
		fim_put_duration(page, wrong_ms);
	}
	fim_close_fact(page);
}

static void put_cover(struct fim_page *page)
{
	const struct fim_json *period = fim_section_of(page, "period");

	fim_open_block(page, FIM_BLOCK_FACTS);
	fim_open_fact(page, T("Standard"));
	fim_put_format(page, "PCI DSS v%s",
		       fim_json_str(fim_json_at(page->report, "standard/version")));
	fim_close_fact(page);
	fim_open_fact(page, T("Period (UTC)"));
	fim_put_time_of(page, period, "from");
	fim_put(page, " –");
	page->ops->line_break(page);
	fim_put_time_of(page, period, "to");
	fim_close_fact(page);
	fim_open_fact(page, T("As of the record of (UTC)"));
	fim_put_time_of(page, page->report, "generated");
	fim_close_fact(page);
	put_clock(page);
	fim_open_fact(page, T("Made with"));
	fim_put_member(page, page->report, "tool");
	fim_close_fact(page);
	fim_json_each(fim_section_of(page, "host"), put_host_member, page);
	fim_json_each(fim_section_of(page, "identity"), put_fact_member, page);
	fim_open_fact(page, T("Journal records"));
	fim_put_format(page, "%" PRId64 " – %" PRId64,
		       fim_json_get_int(fim_section_of(page, "journal"), "first_seq", 0),
		       fim_json_get_int(fim_section_of(page, "journal"), "last_seq", 0));
	fim_close_fact(page);
	fim_open_fact(page, T("Digest of the journal (SHA-256)"));
	fim_put_code(page, fim_section_of(page, "journal"), "head");
	fim_close_fact(page);
	fim_close_block(page, FIM_BLOCK_FACTS);
	page->ops->body(page);
}

static void put_tiles(struct fim_page *page)
{
	const struct fim_json *summary = fim_section_of(page, "summary");
	const struct fim_json *severities = fim_json_get(summary, "changes_by_severity");
	const struct fim_json *containers = fim_section_of(page, "containers");
	const struct fim_json *journal = fim_section_of(page, "journal");
	const struct fim_json *outages = fim_section_of(page, "outages");
	char a[FIM_COUNT_SIZE], b[FIM_COUNT_SIZE];

	fim_open_block(page, FIM_BLOCK_TILES);
	fim_open_tile(page, T("Changes"));
	fim_put_count_of(page, summary, "changes");
	fim_close_tile(
		page, T("%s critical or high, %s announced before"),
		fim_count_text(fim_json_get_int(severities, "critical", 0) +
				       fim_json_get_int(severities, "high", 0),
			       a),
		fim_count_text(fim_json_get_int(fim_section_of(page, "changes"), "authorized", 0),
			       b));
	fim_open_tile(page, T("Longest time uncompared"));
	fim_put_duration(page, fim_json_get_int(fim_section_of(page, "comparisons"),
						"longest_gap_ms", 0));
	fim_close_tile(page, "%s", T("limit 7 d"));
	fim_open_tile(page, T("Control outages"));
	fim_put_count_of(page, summary, "outages");
	fim_close_tile(page, T("%s not over, %s events lost"),
		       fim_count_text(fim_json_get_int(outages, "open", 0), a),
		       fim_count_text(fim_json_get_int(summary, "lost_events", 0), b));
	fim_open_tile(page, T("With power over the host"));
	fim_put_count_of(page, containers, "effectively_privileged");
	fim_close_tile(page, T("of %s containers"),
		       fim_count_text(fim_json_get_int(containers, "count", 0), a));
	fim_open_tile(page, T("Journal"));
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(journal, "verification")));
	fim_close_tile(page, T("%s records in chain"),
		       fim_count_text(fim_json_get_int(journal, "records", 0), a));
	fim_close_block(page, FIM_BLOCK_TILES);
}

static void put_pointers(struct fim_page *page, const struct fim_json *statement)
{
	const struct fim_json *names = fim_json_get(statement, "sections");
	const struct fim_json *records = fim_json_get(statement, "records");
	char target[32];
	const char *name;
	size_t i;

	fim_open_block(page, FIM_BLOCK_SMALL);
	fim_put(page, T("Evidence: "));
	for (i = 0; i < fim_json_count(names); i++) {
		name = fim_json_str(fim_json_index(names, i));
		if (!name)
			continue;
		fim_put(page, i ? ", " : "");
		page->ops->link(page, name, fim_section_title(page, name));
	}
	fim_put(page, fim_json_count(records) ? T("; records ") : "");
	for (i = 0; i < fim_json_count(records); i++) {
		snprintf(target, sizeof(target), "r%" PRId64,
			 fim_json_get_int(fim_json_index(records, i), "seq", 0));
		fim_put(page, i ? ", " : "");
		page->ops->link(page, target, target + 1);
	}
	fim_close_block(page, FIM_BLOCK_SMALL);
}

void fim_put_statement(struct fim_page *page, const struct fim_json *statement)
{
	const struct fim_json *reasons = fim_json_get(statement, "reasons");
	const char *status = fim_json_get_str(statement, "status");
	struct fim_block_args args = {
		.id = fim_json_get_str(statement, "requirement"),
		.lead = fim_json_get_str(statement, "standard"),
		.title = fim_json_get_str(statement, "title"),
		.mark = fim_tr_name(page->lang, status),
		.tone = FIM_TONE_DOUBT,
	};
	size_t i;

	if (status && strcmp(status, "met") == 0)
		args.tone = FIM_TONE_GOOD;
	else if (status && strcmp(status, "not met") == 0)
		args.tone = FIM_TONE_BAD;
	page->ops->open(page, FIM_BLOCK_STATEMENT, &args);
	fim_open_block(page, FIM_BLOCK_LIST);
	for (i = 0; i < fim_json_count(reasons); i++) {
		fim_open_block(page, FIM_BLOCK_ITEM);
		fim_put(page, fim_json_str(fim_json_index(reasons, i)));
		fim_close_block(page, FIM_BLOCK_ITEM);
	}
	fim_close_block(page, FIM_BLOCK_LIST);
	put_pointers(page, statement);
	fim_open_block(page, FIM_BLOCK_SMALL);
	fim_put(page, T("Not shown here: "));
	fim_put_member(page, statement, "not_shown");
	fim_close_block(page, FIM_BLOCK_SMALL);
	fim_close_block(page, FIM_BLOCK_STATEMENT);
}

static void put_statements(struct fim_page *page)
{
	const struct fim_json *statements = fim_section_of(page, "statements");
	size_t i;

	fim_open_section(
		page, "statements",
		T("What this host's journal shows about each requirement. Whether the entity "
		  "meets the standard is for the assessor to say."));
	put_tiles(page);
	for (i = 0; i < fim_json_count(statements); i++)
		fim_put_statement(page, fim_json_index(statements, i));
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------- scope and baseline */

static void cell_watched(struct fim_page *page, const struct fim_json *item)
{
	const char *scope = fim_json_get_str(item, "scope");

	fim_put(page, fim_tr_name(page->lang, scope));
	if (!scope || strcmp(scope, "container") != 0)
		return;
	fim_put(page, " ");
	fim_put_code(page, item, "container_id");
}

static void put_deliveries(struct fim_page *page, const struct fim_json *deliveries)
{
	char count[FIM_COUNT_SIZE], time[FIM_TIME_SIZE];
	size_t i;

	if (!fim_json_count(deliveries))
		fim_put(page, "–");
	for (i = 0; i < fim_json_count(deliveries); i++) {
		const struct fim_json *item = fim_json_index(deliveries, i);

		if (i)
			page->ops->line_break(page);
		fim_put_member(page, item, "destination");
		fim_put_format(page, T(": %s alerts, the last %s UTC"),
			       fim_count_text(fim_json_get_int(item, "alerts", 0), count),
			       fim_time_text(fim_json_get_str(item, "last"), time));
	}
}

static void put_settings(struct fim_page *page)
{
	const struct fim_json *scope = fim_section_of(page, "scope");
	const struct fim_json *settings = fim_section_of(page, "settings");

	fim_open_block(page, FIM_BLOCK_FACTS);
	fim_open_fact(page, T("Policy"));
	fim_put_member(page, scope, "policy");
	fim_put(page, " ");
	fim_put_member(page, scope, "version");
	fim_close_fact(page);
	fim_open_fact(page, T("Changed in the period"));
	fim_put(page, fim_json_get_bool(settings, "policy_changed", false) ? T("yes") : T("no"));
	fim_close_fact(page);
	fim_open_fact(page, T("Directories"));
	fim_put_list(page, FIM_LOOK_CODE, fim_json_get(scope, "roots"), "  ");
	fim_close_fact(page);
	fim_open_fact(page, T("How changes are seen"));
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(settings, "mode")));
	fim_close_fact(page);
	fim_open_fact(page, T("Hash algorithm"));
	fim_put_member(page, settings, "hash");
	fim_close_fact(page);
	fim_open_fact(page, T("Alert destinations recorded"));
	put_deliveries(page, fim_json_get(settings, "deliveries"));
	fim_close_fact(page);
	fim_put_code_fact(page, T("Digest of the policy (SHA-256)"), scope, "policy_digest");
	fim_close_block(page, FIM_BLOCK_FACTS);
}

static void put_scope(struct fim_page *page)
{
	static const struct fim_page_column kept[] = {
		{"Path", 'l', 30, .put = fim_put_path, .key = "path"},
		{"Class", 'l', 12, .put = fim_put_name, .key = "class"},
		{"Category", 'l', 20, .put = fim_put_name, .key = "category"},
		{"Reason", 'w', 38, .put = fim_put_member, .key = "reason"},
	};
	static const struct fim_page_column excluded[] = {
		{"Path", 'l', 30, .put = fim_put_path, .key = "path"},
		{"Reason", 'w', 40, .put = fim_put_member, .key = "reason"},
		{"Approved by", 'l', 30, .put = fim_put_member, .key = "approver"},
	};
	static const struct fim_page_column categories[] = {
		{"Category", 'l', 60, .put = fim_put_name, .key = "category"},
		{"Rules", 'n', 20, .put = fim_put_count_of, .key = "rules"},
		{"Changes", 'n', 20, .put = fim_put_count_of, .key = "changes"},
	};
	static const struct fim_page_column watches[] = {
		{"Time (UTC)", 't', 22, .put = fim_put_time_of, .key = "time"},
		{"Watch", 'l', 12, .put = fim_put_name, .key = "action"},
		{"Of", 'l', 32, .cell = cell_watched},
		{"Directory", 'l', 24, .put = fim_put_path, .key = "path"},
		{"Record", 'n', 10, .cell = cell_id},
	};
	const struct fim_json *scope = fim_section_of(page, "scope");

	fim_open_section(
		page, "scope",
		T("What is compared, how changes are seen, and what is left out and why, as "
		  "signed with the baseline."));
	put_settings(page);
	fim_put_heading(page, T("Critical files by category"));
	fim_put_rows(page, T("Critical files by category"),
		     fim_json_get(fim_section_of(page, "settings"), "categories"), categories,
		     COUNT(categories));
	fim_put_heading(page, T("Exclusions"));
	if (fim_json_count(fim_json_get(scope, "exclusions")))
		fim_put_rows(page, T("Exclusions"), fim_json_get(scope, "exclusions"), excluded,
			     COUNT(excluded));
	else
		fim_put_paragraph(page, T("Nothing is excluded."));
	if (fim_json_count(fim_json_get(scope, "rules"))) {
		fim_put_heading(page, T("Rules of the policy"));
		fim_put_rows(page, T("Rules of the policy"), fim_json_get(scope, "rules"), kept,
			     COUNT(kept));
	}
	fim_put_heading(page, T("Watches"));
	if (fim_json_count(fim_items_of(page, "watches")))
		fim_put_table(page, "watches", T("Watches"), watches, COUNT(watches));
	else
		fim_put_paragraph(page, T("No watch was recorded in the period."));
	fim_close_block(page, FIM_BLOCK_SECTION);
}

#define ENTRIES_SHOWN 50

static void put_more(struct fim_page *page, size_t shown, size_t count)
{
	char text[FIM_COUNT_SIZE];

	if (count <= shown)
		return;
	page->ops->line_break(page);
	fim_put_format(page, T("and %s more, not shown here"),
		       fim_count_text((int64_t)(count - shown), text));
}

/* What the first boot settled, each path by itself. */
static void put_entries(struct fim_page *page, const struct fim_json *delta)
{
	const struct fim_json *entries = fim_json_get(delta, "entries"), *entry;
	size_t i;

	for (i = 0; i < fim_json_count(entries) && i < ENTRIES_SHOWN; i++) {
		entry = fim_json_index(entries, i);
		page->ops->line_break(page);
		fim_put_path(page, entry, "path");
		fim_put(page, " · ");
		fim_put(page, fim_tr_name(page->lang, fim_json_get_str(entry, "class")));
		if (fim_json_get_str(entry, "why") || fim_json_get_str(entry, "why_hex"))
			fim_put(page, " · ");
		fim_put_path(page, entry, "why");
	}
	if (i)
		put_more(page, i, (size_t)fim_json_get_int(delta, "count", 0));
}

/* What was agreed to after it was signed. */
static void put_deltas(struct fim_page *page, const struct fim_json *deltas)
{
	size_t i;

	if (!fim_json_count(deltas))
		return;
	fim_open_fact(page, T("Agreed to since"));
	for (i = 0; i < fim_json_count(deltas); i++) {
		const struct fim_json *delta = fim_json_index(deltas, i);

		if (i)
			page->ops->line_break(page);
		fim_put(page, fim_tr_name(page->lang, fim_json_get_str(delta, "kind")));
		fim_put(page, " · ");
		fim_put_count_of(page, delta, "count");
		fim_put(page, " · ");
		fim_put_code(page, delta, "digest");
		put_entries(page, delta);
	}
	fim_close_fact(page);
}

static void put_rule(struct fim_page *page, const struct fim_json *rule)
{
	static const char *const keys[] = {"class", "category", "reason", "approver"};
	size_t i;

	for (i = 0; i < COUNT(keys); i++) {
		if (!fim_json_get_str(rule, keys[i]))
			continue;
		fim_put(page, i ? " · " : " ");
		fim_put(page, i > 1 ? fim_json_get_str(rule, keys[i])
				    : fim_tr_name(page->lang, fim_json_get_str(rule, keys[i])));
	}
}

/* What of the policy is otherwise than it was until then. */
static void put_policy_changes(struct fim_page *page, const struct fim_json *changes)
{
	size_t i, count = fim_json_count(changes);

	if (!count)
		return;
	fim_open_fact(page, T("Changes of the policy"));
	for (i = 0; i < count && i < ENTRIES_SHOWN; i++) {
		const struct fim_json *change = fim_json_index(changes, i);
		const struct fim_json *before = fim_json_get(change, "before");
		const struct fim_json *after = fim_json_get(change, "after");

		if (i)
			page->ops->line_break(page);
		fim_put(page, fim_tr_name(page->lang, fim_json_get_str(change, "change")));
		fim_put(page, " ");
		fim_put_code(page, change, "root");
		fim_put_code(page, after ? after : before, "path");
		put_rule(page, before ? before : after);
		if (!before || !after)
			continue;
		fim_put(page, " → ");
		put_rule(page, after);
	}
	put_more(page, i, count);
	fim_close_fact(page);
}

static void put_baseline(struct fim_page *page, const struct fim_json *item)
{
	char time[FIM_TIME_SIZE], title[128];

	snprintf(title, sizeof(title), T("Accepted %s UTC"),
		 fim_time_text(fim_json_get_str(item, "time"), time));
	page->ops->open(page, FIM_BLOCK_CARD,
			&(struct fim_block_args){.title = title,
						 .seq = fim_json_get_int(item, "id", 0)});
	fim_open_block(page, FIM_BLOCK_PAIRS);
	fim_open_fact(page, T("Signature"));
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, "signature")));
	fim_close_fact(page);
	fim_open_fact(page, T("Signed with key"));
	if (fim_json_get(item, "signer") || fim_json_get(item, "signer_hex")) {
		fim_put_path(page, item, "signer");
		page->ops->line_break(page);
	}
	fim_put_code(page, item, "key_id");
	if (fim_json_get(item, "key_file") || fim_json_get(item, "key_file_hex"))
		page->ops->line_break(page);
	fim_put_path(page, item, "key_file");
	fim_close_fact(page);
	fim_put_code_fact(page, T("Digest (SHA-256)"), item, "digest");
	fim_open_fact(page, T("File"));
	fim_put_path(page, item, "path");
	fim_close_fact(page);
	fim_open_fact(page, T("Objects"));
	fim_put_count_of(page, item, "count");
	fim_close_fact(page);
	fim_open_fact(page, T("Created (UTC)"));
	fim_put_time_of(page, item, "created");
	fim_put(page, " · ");
	fim_put_member(page, item, "tool");
	fim_close_fact(page);
	fim_json_each(fim_json_get(item, "provenance"), put_fact_member, page);
	put_deltas(page, fim_json_get(item, "deltas"));
	put_policy_changes(page, fim_json_get(item, "policy_changes"));
	fim_close_block(page, FIM_BLOCK_PAIRS);
	fim_close_block(page, FIM_BLOCK_CARD);
}

static void put_baselines(struct fim_page *page)
{
	const struct fim_json *items = fim_items_of(page, "baselines");
	size_t i;

	fim_open_section(
		page, "baselines",
		T("The signed list of expected states, each time the control accepted one."));
	if (!fim_json_count(items))
		fim_put_paragraph(page, T("No baseline was accepted."));
	for (i = 0; i < fim_json_count(items); i++)
		put_baseline(page, fim_json_index(items, i));
	fim_put_omitted(page, "baselines");
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------------- comparisons */

static void cell_trigger(struct fim_page *page, const struct fim_json *item)
{
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, "trigger")));
	if (fim_json_get_bool(item, "complete", false))
		return;
	fim_put(page, " ");
	page->ops->pill(page, FIM_TONE_MEDIUM, T("part"));
}

static void cell_gap(struct fim_page *page, const struct fim_json *item)
{
	if (fim_json_get(item, "gap_ms"))
		fim_put_duration(page, fim_json_get_int(item, "gap_ms", 0));
	else
		fim_put(page, "–");
}

static void cell_compared(struct fim_page *page, const struct fim_json *item)
{
	fim_put_count_of(page, item, "compared");
	fim_put(page, " / ");
	fim_put_count_of(page, item, "expected");
}

static void cell_results(struct fim_page *page, const struct fim_json *item)
{
	fim_put_format(page, "%" PRId64 " / %" PRId64 " / %" PRId64,
		       fim_json_get_int(item, "added", 0), fim_json_get_int(item, "removed", 0),
		       fim_json_get_int(item, "changed", 0));
}

static void cell_digest(struct fim_page *page, const struct fim_json *item)
{
	const char *digest = fim_json_get_str(item, "result_digest");

	if (digest && strlen(digest) >= 12)
		page->ops->text(page, FIM_LOOK_CODE, digest, 12);
}

/* When it began, and how long it took. */
static void cell_run(struct fim_page *page, const struct fim_json *item)
{
	const char *start = fim_json_get_str(item, "start"), *end = fim_json_get_str(item, "end");
	int64_t start_ns, end_ns;

	fim_put_time(page, start);
	if (!start || !end || fim_time_parse(start, &start_ns) || fim_time_parse(end, &end_ns))
		return;
	page->ops->line_break(page);
	fim_put(page, T("took "));
	fim_put_duration(page, (end_ns - start_ns) / FIM_NSEC_PER_MSEC);
}

static void put_comparisons(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"Start (UTC)", 't', 20, .cell = cell_run},
		{"Trigger", 'l', 14, .cell = cell_trigger},
		{"Since last", 'n', 12, .cell = cell_gap},
		{"Compared / expected", 'n', 17, .cell = cell_compared},
		{"Added / removed / changed", 'n', 14, .cell = cell_results},
		{"Unreadable", 'n', 13, .put = fim_put_count_of, .key = "unreadable"},
		{"Result", 't', 14, .cell = cell_digest},
		{"Record", 'n', 8, .cell = cell_id},
	};
	const struct fim_json *section = fim_section_of(page, "comparisons");

	fim_open_section(
		page, "comparisons",
		T("Every comparison of files with the baseline. Complete ones covered every "
		  "directory of the policy; only they count against the limit of 7 d."));
	fim_open_block(page, FIM_BLOCK_TEXT);
	fim_put(page, T("Longest time without a complete comparison: "));
	fim_put_duration(page, fim_json_get_int(section, "longest_gap_ms", 0));
	fim_put(page, " (");
	fim_put_time_of(page, section, "longest_gap_from");
	fim_put(page, " – ");
	fim_put_time_of(page, section, "longest_gap_to");
	fim_put(page, ")");
	fim_close_block(page, FIM_BLOCK_TEXT);
	if (fim_json_count(fim_json_get(section, "items")))
		fim_put_table(page, "comparisons", T("Comparisons"), columns, COUNT(columns));
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* ----------------------------------------------------------------- changes */

static int put_pair(void *ctx, const char *key, struct fim_json *value)
{
	struct fim_page *page = ctx;

	fim_put_look(page, FIM_LOOK_CODE, key);
	fim_put(page, " = ");
	fim_put_look(page, FIM_LOOK_CODE, fim_json_str(value));
	page->ops->line_break(page);
	return 0;
}

/* One attribute of one side: string, number, list of flags or map of xattrs. */
static void put_value(struct fim_page *page, const struct fim_json *state, const char *name)
{
	const struct fim_json *value = fim_json_get(state, name);
	char *bytes;
	size_t len;

	if (strcmp(name, "type") == 0) {
		fim_put_name(page, state, name);
	} else if (fim_json_is_object(value)) {
		fim_json_each(value, put_pair, page);
	} else if (fim_json_is_array(value)) {
		fim_put_list(page, FIM_LOOK_PLAIN, value, ", ");
	} else if (fim_json_is_int(value)) {
		fim_put_format(page, "%" PRId64, fim_json_get_int(state, name, 0));
	} else if (fim_json_get_bytes(state, name, &bytes, &len) == 0) {
		page->ops->text(page, FIM_LOOK_CODE, bytes, len);
		free(bytes);
	} else {
		fim_put(page, "–");
	}
}

static const struct fim_page_column difference_columns[] = {
	{"Attribute", 'l', 16, .cell = NULL},
	{"Before", 'l', 42, .cell = NULL},
	{"After", 'l', 42, .cell = NULL},
};

static void put_difference(struct fim_page *page, const struct fim_json *item, const char *name)
{
	fim_open_block(page, FIM_BLOCK_ROW);
	fim_open_block(page, FIM_BLOCK_CELL);
	fim_put(page, fim_tr_name(page->lang, name));
	fim_close_block(page, FIM_BLOCK_CELL);
	fim_open_block(page, FIM_BLOCK_CELL);
	put_value(page, fim_json_get(item, "before"), name);
	fim_close_block(page, FIM_BLOCK_CELL);
	fim_open_block(page, FIM_BLOCK_CELL);
	put_value(page, fim_json_get(item, "after"), name);
	fim_close_block(page, FIM_BLOCK_CELL);
	fim_close_block(page, FIM_BLOCK_ROW);
}

/* Of what came or went all there is to know; of what differs, what differs. */
static void put_differences(struct fim_page *page, const struct fim_json *item)
{
	static const char *const all[] = {"type", "mode",   "uid",    "gid",
					  "size", "sha256", "target", "rdev"};
	const struct fim_json *changed = fim_json_get(item, "changed");
	const char *before = fim_json_str(fim_json_at(item, "before/type"));
	const char *after = fim_json_str(fim_json_at(item, "after/type"));
	bool whole = !before || !after || strcmp(before, "none") == 0 || strcmp(after, "none") == 0;
	size_t i;

	if ((!before && !after) || (!whole && !fim_json_count(changed)))
		return;
	page->ops->open(page, FIM_BLOCK_TABLE,
			&(struct fim_block_args){.title = T("What changed"),
						 .columns = difference_columns,
						 .count = COUNT(difference_columns)});
	for (i = 0; whole && i < COUNT(all); i++)
		if (fim_json_get(fim_json_get(item, "before"), all[i]) ||
		    fim_json_get(fim_json_get(item, "after"), all[i]))
			put_difference(page, item, all[i]);
	for (i = 0; !whole && i < fim_json_count(changed); i++)
		if (fim_json_str(fim_json_index(changed, i)))
			put_difference(page, item, fim_json_str(fim_json_index(changed, i)));
	fim_close_block(page, FIM_BLOCK_TABLE);
}

static void put_user(struct fim_page *page, const struct fim_json *actor, const char *id,
		     const char *name)
{
	if (!fim_json_is_int(fim_json_get(actor, id))) {
		fim_put(page, T("not set"));
		return;
	}
	if (fim_json_get_str(actor, name)) {
		fim_put_member(page, actor, name);
		fim_put(page, " ");
	}
	fim_put_format(page, "(%s %" PRId64 ")", id, fim_json_get_int(actor, id, 0));
}

static void put_power(struct fim_page *page, const struct fim_json *container)
{
	if (fim_json_get_bool(container, "privileged", false))
		page->ops->pill(page, FIM_TONE_CRITICAL, T("privileged"));
	else if (fim_json_get_bool(container, "effectively_privileged", false))
		page->ops->pill(page, FIM_TONE_CRITICAL, T("power over the host"));
}

static void put_container_details(struct fim_page *page, const struct fim_json *container)
{
	static const char *const keys[] = {"image",  "image_digest", "task_arn", "task_check",
					   "family", "cluster",	     "id"};
	bool any = false;
	size_t i;

	for (i = 0; i < COUNT(keys); i++) {
		if (!fim_json_get_str(container, keys[i]))
			continue;
		if (any)
			page->ops->line_break(page);
		any = true;
		fim_put(page, fim_tr_name(page->lang, keys[i]));
		fim_put(page, " ");
		fim_put_code(page, container, keys[i]);
		if (strcmp(keys[i], "family") == 0 && fim_json_get_str(container, "revision")) {
			fim_put(page, ":");
			fim_put_code(page, container, "revision");
		}
	}
}

static void put_actor(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *actor = fim_json_get(item, "actor");
	const struct fim_json *container = fim_json_get(item, "container");

	if (!fim_json_is_object(actor)) {
		fim_open_fact(page, T("Process"));
		fim_put(page, T("not known: found by comparison"));
		fim_close_fact(page);
		return;
	}
	fim_open_fact(page, T("Process"));
	fim_put_path(page, actor, "exe");
	fim_put_format(page, " pid %" PRId64, fim_json_get_int(actor, "pid", 0));
	fim_close_fact(page);
	if (fim_json_get_str(actor, "exe_sha256"))
		fim_put_code_fact(page, T("Its program (SHA-256)"), actor, "exe_sha256");
	if (fim_json_count(fim_json_get(actor, "args"))) {
		fim_open_fact(page, T("Command line"));
		fim_put_list(page, FIM_LOOK_CODE, fim_json_get(actor, "args"), " ");
		fim_close_fact(page);
	}
	fim_open_fact(page, T("User"));
	put_user(page, actor, "uid", "user");
	fim_close_fact(page);
	fim_open_fact(page, T("Login user"));
	put_user(page, actor, "loginuid", "login_user");
	fim_close_fact(page);
	fim_open_fact(page, T("Container"));
	if (fim_json_is_object(container)) {
		fim_put_member(page, container, "name");
		fim_put(page, " ");
		put_power(page, container);
		page->ops->line_break(page);
		put_container_details(page, container);
	} else {
		fim_put(page, T("none: a process of the host"));
	}
	fim_close_fact(page);
}

/* Who came in how, and whether it had been announced. */
static void put_circumstances(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *access = fim_json_get(item, "access");
	const struct fim_json *change = fim_json_get(item, "change");

	if (fim_json_is_object(access)) {
		fim_open_fact(page, T("Came in through"));
		fim_put_name(page, access, "by");
		fim_put(page, " ");
		fim_put_code(page, access, "session_id");
		fim_close_fact(page);
	}
	if (fim_json_is_object(change)) {
		fim_open_fact(page, T("Announced before"));
		fim_put_code(page, change, "id");
		fim_put(page, " ");
		fim_put_member(page, change, "reason");
		fim_put(page, fim_json_get_str(change, "ticket") ? " · " : "");
		fim_put_member(page, change, "ticket");
		fim_close_fact(page);
	}
}

static void put_change(struct fim_page *page, const struct fim_json *item, bool open)
{
	static const char *const keys[] = {"op", "detected_by", "category", "class"};
	int severity = fim_severity_named(fim_json_get_str(item, "severity"));
	const char *scope = fim_json_get_str(item, "scope");
	char *path = NULL, time[FIM_TIME_SIZE];
	struct fim_block_args args = {
		.id = fim_tr_name(page->lang, fim_json_get_str(item, "kind")),
		.title = "",
		.lead = fim_time_text(fim_json_get_str(item, "time"), time),
		.mark = fim_tr_name(page->lang, fim_severity_name((enum fim_severity)severity)),
		.tone = (enum fim_tone)severity,
		.seq = fim_json_get_int(item, "id", 0),
		.open = open,
	};
	size_t i, len;

	if (fim_json_get_bytes(item, "path", &path, &len) == 0)
		args.title = path;
	page->ops->open(page, FIM_BLOCK_CHANGE, &args);
	fim_open_block(page, FIM_BLOCK_SMALL);
	fim_put_format(page, T("record %" PRId64), args.seq);
	for (i = 0; i < COUNT(keys); i++) {
		if (!fim_json_get_str(item, keys[i]))
			continue;
		fim_put_format(page, " · %s ", fim_tr_name(page->lang, keys[i]));
		fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, keys[i])));
	}
	if (scope && strcmp(scope, "container") == 0) {
		fim_put(page, T(" · file of container "));
		fim_put_code(page, item, "container_id");
	}
	fim_close_block(page, FIM_BLOCK_SMALL);
	put_differences(page, item);
	fim_open_block(page, FIM_BLOCK_PAIRS);
	if (fim_json_get(item, "old_path") || fim_json_get(item, "old_path_hex")) {
		fim_open_fact(page, T("Moved from"));
		fim_put_path(page, item, "old_path");
		fim_close_fact(page);
	}
	put_actor(page, item);
	put_circumstances(page, item);
	fim_close_block(page, FIM_BLOCK_PAIRS);
	fim_close_block(page, FIM_BLOCK_CHANGE);
	free(path);
}

/* "7 changes: 2 modified, 5 added" */
static void put_kinds(struct fim_page *page)
{
	const struct fim_json *summary = fim_section_of(page, "summary");
	const struct fim_json *kinds = fim_json_get(summary, "changes_by_kind");
	int64_t count;
	const char *separator = ": ";
	char text[FIM_COUNT_SIZE];
	int i;

	fim_open_block(page, FIM_BLOCK_TEXT);
	fim_put_format(page, T("Number of changes: %s"),
		       fim_count_text(fim_json_get_int(summary, "changes", 0), text));
	for (i = 0; i <= FIM_KIND_UNREADABLE; i++) {
		count = fim_json_get_int(kinds, fim_kind_name((enum fim_kind)i), 0);
		if (!count)
			continue;
		fim_put(page, i && separator[0] == ',' ? ", " : " — ");
		separator = ", ";
		fim_put_format(page, "%s %s",
			       fim_tr_name(page->lang, fim_kind_name((enum fim_kind)i)),
			       fim_count_text(count, text));
	}
	fim_close_block(page, FIM_BLOCK_TEXT);
}

static void cell_severity(struct fim_page *page, const struct fim_json *item)
{
	fim_put_severity(page, fim_json_get_str(item, "severity"));
}

static void put_changes(struct fim_page *page)
{
	static const struct fim_page_column hits[] = {
		{"Time (UTC)", 't', 20, .put = fim_put_time_of, .key = "time"},
		{"Severity", 'l', 12, .cell = cell_severity},
		{"Rule", 'l', 22, .put = fim_put_member, .key = "rule"},
		{"Output", 'w', 38, .put = fim_put_member, .key = "output"},
		{"Record", 'n', 8, .cell = cell_id},
	};
	const struct fim_json *items = fim_items_of(page, "changes");
	size_t i;

	fim_open_section(page, "changes",
			 T("Differences from the baseline that were recorded in the period, in the "
			   "order of the journal; if there are very many, the worst of them."));
	put_kinds(page);
	for (i = 0; i < fim_json_count(items); i++)
		put_change(page, fim_json_index(items, i), i < UNFOLDED);
	fim_put_omitted(page, "changes");
	if (fim_json_count(fim_items_of(page, "rule_hits"))) {
		fim_put_heading(page, T("Detections by rules"));
		fim_put_table(page, "rule_hits", T("Detections by rules"), hits, COUNT(hits));
	}
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------------------ alerts */

static void cell_alert_state(struct fim_page *page, const struct fim_json *item)
{
	const char *state = fim_json_get_str(item, "state");
	bool open = state && strcmp(state, "unhandled") == 0;

	page->ops->pill(page, open ? FIM_TONE_BAD : FIM_TONE_GOOD, fim_tr_name(page->lang, state));
}

static void put_alert_actor(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *actor = fim_json_get(item, "actor");

	if (!fim_json_is_object(actor))
		return;
	page->ops->line_break(page);
	fim_put(page, T("by "));
	fim_put_path(page, actor, "exe");
	fim_put_format(page, " pid %" PRId64 ", ", fim_json_get_int(actor, "pid", 0));
	put_user(page, actor, "uid", "user");
	if (fim_json_is_int(fim_json_get(actor, "loginuid"))) {
		fim_put(page, ", ");
		put_user(page, actor, "loginuid", "login_user");
	}
	if (!fim_json_get_str(item, "container"))
		return;
	fim_put(page, ", ");
	fim_put(page, fim_tr_name(page->lang, "container"));
	fim_put(page, " ");
	fim_put_member(page, item, "container");
}

static void cell_alert_what(struct fim_page *page, const struct fim_json *item)
{
	fim_put_severity(page, fim_json_get_str(item, "severity"));
	fim_put(page, " ");
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, "kind")));
	fim_put(page, " ");
	if (fim_json_get_str(item, "text")) {
		fim_put_member(page, item, "text");
	} else {
		fim_put_path(page, item, "path");
		fim_put_member(page, item, "rule");
	}
	put_alert_actor(page, item);
}

/* What was said last. */
static void put_alert_reason(struct fim_page *page, const struct fim_json *item)
{
	if (!fim_json_get_str(item, "reason"))
		return;
	page->ops->line_break(page);
	fim_put_member(page, item, "reason");
	fim_put(page, fim_json_get_str(item, "ticket") ? " · " : "");
	fim_put_member(page, item, "ticket");
}

static void put_hand(struct fim_page *page, const struct fim_json *item, const char *time,
		     const char *by, const char *ms)
{
	if (!fim_json_get_str(item, time)) {
		fim_put(page, "–");
		return;
	}
	fim_put_time_of(page, item, time);
	fim_put(page, " ");
	fim_put_member(page, item, by);
	if (!fim_json_get(item, ms))
		return;
	fim_put(page, " (+");
	fim_put_duration(page, fim_json_get_int(item, ms, 0));
	fim_put(page, ")");
}

static void cell_alert_sent(struct fim_page *page, const struct fim_json *item)
{
	fim_put_list(page, FIM_LOOK_PLAIN, fim_json_get(item, "delivered"), ", ");
	fim_put(page, fim_json_count(fim_json_get(item, "delivered")) ? "" : "–");
}

static void cell_alert_ack(struct fim_page *page, const struct fim_json *item)
{
	put_hand(page, item, "acknowledged", "acknowledged_by", "acknowledged_ms");
	if (!fim_json_get_str(item, "closed"))
		put_alert_reason(page, item);
}

static void cell_alert_close(struct fim_page *page, const struct fim_json *item)
{
	put_hand(page, item, "closed", "closed_by", "closed_ms");
	if (fim_json_get_str(item, "closed"))
		put_alert_reason(page, item);
}

static void put_alerts(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"State", 'l', 11, .cell = cell_alert_state},
		{"Time (UTC)", 't', 12, .put = fim_put_time_of, .key = "time"},
		{"Alert", 'w', 27, .cell = cell_alert_what},
		{"Delivered to", 'l', 10, .cell = cell_alert_sent},
		{"Acknowledged", 'l', 16, .cell = cell_alert_ack},
		{"Closed", 'l', 15, .cell = cell_alert_close},
		{"Record", 'n', 9, .cell = cell_id},
	};
	const struct fim_json *section = fim_section_of(page, "alerts");
	char a[FIM_COUNT_SIZE], b[FIM_COUNT_SIZE], c[FIM_COUNT_SIZE];

	fim_open_section(
		page, "alerts",
		T("What became of each alert: delivered, acknowledged, closed. Unhandled ones "
		  "first, the worst of them first."));
	fim_open_block(page, FIM_BLOCK_TEXT);
	fim_put_format(page, T("Unhandled: %s. Acknowledged: %s. Closed: %s."),
		       fim_count_text(fim_json_get_int(section, "unhandled", 0), a),
		       fim_count_text(fim_json_get_int(section, "acknowledged", 0), b),
		       fim_count_text(fim_json_get_int(section, "closed", 0), c));
	fim_close_block(page, FIM_BLOCK_TEXT);
	if (fim_json_count(fim_json_get(section, "items")))
		fim_put_table(page, "alerts", T("Alerts"), columns, COUNT(columns));
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* ----------------------------------------------------------------- outages */

static void cell_state(struct fim_page *page, const struct fim_json *item)
{
	fim_put_component(page, item);
	fim_put(page, " ");
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, "state")));
	if (fim_json_get_bool(item, "open", false)) {
		fim_put(page, " ");
		page->ops->pill(page, FIM_TONE_BAD, T("not over"));
	}
	if (fim_json_get_bool(item, "inferred", false)) {
		fim_put(page, " ");
		page->ops->pill(page, FIM_TONE_DOUBT, T("seen afterwards"));
	}
}

static void cell_duration(struct fim_page *page, const struct fim_json *item)
{
	fim_put_duration(page, fim_json_get_int(item, "duration_ms", 0));
}

static void put_outages(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"What", 'l', 14, .cell = cell_state},
		{"Start (UTC)", 't', 14, .put = fim_put_time_of, .key = "start"},
		{"End (UTC)", 't', 14, .put = fim_put_time_of, .key = "end"},
		{"Duration", 'n', 11, .cell = cell_duration},
		{"Cause", 'w', 22, .put = fim_put_member, .key = "cause"},
		{"Recovered by", 'w', 18, .put = fim_put_member, .key = "recovery"},
		{"Record", 'n', 8, .cell = cell_id},
	};
	static const struct fim_page_column losses[] = {
		{"Time (UTC)", 't', 20, .put = fim_put_time_of, .key = "time"},
		{"Part", 'l', 16, .cell = fim_put_component},
		{"Events lost", 'n', 14, .put = fim_put_count_of, .key = "lost"},
		{"Cause", 'w', 40, .put = fim_put_member, .key = "cause"},
		{"Record", 'n', 10, .cell = cell_id},
	};
	static const struct fim_page_column notes[] = {
		{"Time (UTC)", 't', 20, .put = fim_put_time_of, .key = "time"},
		{"Part", 'l', 16, .cell = fim_put_component},
		{"Note", 'w', 54, .put = fim_put_member, .key = "cause"},
		{"Record", 'n', 10, .cell = cell_id},
	};

	fim_open_section(
		page, "outages",
		T("When a part of this control did not work, and what was lost then. Causes "
		  "are shown as they were recorded."));
	if (fim_json_count(fim_items_of(page, "outages")))
		fim_put_table(page, "outages", T("Control outages"), columns, COUNT(columns));
	else
		fim_put_paragraph(page, T("No outage was recorded."));
	if (fim_json_count(fim_items_of(page, "losses"))) {
		fim_put_heading(page, T("Lost events"));
		fim_put_table(page, "losses", T("Lost events"), losses, COUNT(losses));
	}
	if (fim_json_count(fim_items_of(page, "control_notes"))) {
		fim_put_heading(page, T("Notes of the control"));
		fim_put_table(page, "control_notes", T("Notes of the control"), notes,
			      COUNT(notes));
	}
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* -------------------------------------------------------------- containers */

static void put_flag(struct fim_page *page, const struct fim_json *flag)
{
	fim_open_block(page, FIM_BLOCK_ITEM);
	fim_put_severity(page, fim_json_get_str(flag, "severity"));
	fim_put(page, " ");
	fim_put_member(page, flag, "id");
	fim_put(page, " ");
	fim_put_code(page, flag, "evidence");
	if (fim_json_get_str(flag, "cis")) {
		fim_put_look(page, FIM_LOOK_SMALL, " · CIS Docker 1.6.0: ");
		fim_put_look(page, FIM_LOOK_SMALL, fim_json_get_str(flag, "cis"));
	}
	if (fim_json_get_str(flag, "security_hub")) {
		fim_put_look(page, FIM_LOOK_SMALL, " · Security Hub: ");
		fim_put_look(page, FIM_LOOK_SMALL, fim_json_get_str(flag, "security_hub"));
	}
	fim_close_block(page, FIM_BLOCK_ITEM);
}

/* Who agreed to its power, why, and until when. */
static void put_exception(struct fim_page *page, const struct fim_json *exception)
{
	if (!fim_json_is_object(exception))
		return;
	fim_open_fact(page, T("Exception"));
	fim_put_member(page, exception, "reason");
	page->ops->line_break(page);
	fim_put(page, T("owner "));
	fim_put_member(page, exception, "owner");
	fim_put(page, T(", until "));
	fim_put_time_of(page, exception, "expires");
	fim_close_fact(page);
}

static void put_container(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *container = fim_json_get(item, "container");
	const struct fim_json *flags = fim_json_get(container, "flags");
	const char *name = fim_json_get_str(container, "name");
	bool gone = fim_json_get_str(item, "gone") != NULL;
	size_t i;

	page->ops->open(page, FIM_BLOCK_CARD,
			&(struct fim_block_args){.title = name ? name : "",
						 .seq = fim_json_get_int(item, "id", 0)});
	fim_open_block(page, FIM_BLOCK_PAIRS);
	fim_open_fact(page, T("Container"));
	put_power(page, container);
	if (fim_json_get_bool(container, "effectively_privileged", false))
		page->ops->line_break(page);
	put_container_details(page, container);
	fim_close_fact(page);
	fim_open_fact(page, T("Seen (UTC)"));
	fim_put_time_of(page, item, "first_seen");
	fim_put(page, " – ");
	fim_put_time_of(page, item, gone ? "gone" : "last_seen");
	fim_put(page, gone ? T(", then gone") : "");
	fim_close_fact(page);
	put_exception(page, fim_json_get(container, "exception"));
	fim_close_block(page, FIM_BLOCK_PAIRS);
	if (fim_json_count(flags)) {
		fim_open_block(page, FIM_BLOCK_LIST);
		for (i = 0; i < fim_json_count(flags); i++)
			put_flag(page, fim_json_index(flags, i));
		fim_close_block(page, FIM_BLOCK_LIST);
	}
	fim_close_block(page, FIM_BLOCK_CARD);
}

static void put_containers(struct fim_page *page)
{
	const struct fim_json *items = fim_items_of(page, "containers");
	size_t i;

	fim_open_section(page, "containers",
			 fim_json_get_str(fim_section_of(page, "containers"), "note"));
	if (!fim_json_count(items))
		fim_put_paragraph(page, T("No container was recorded."));
	for (i = 0; i < fim_json_count(items); i++)
		put_container(page, fim_json_index(items, i));
	fim_put_omitted(page, "containers");
	fim_close_block(page, FIM_BLOCK_SECTION);
}

static void cell_who(struct fim_page *page, const struct fim_json *item)
{
	fim_put_member(page, item, "user");
	fim_put(page, " ");
	fim_put_code(page, item, "session_id");
	fim_put_code(page, item, "exec_id");
}

static void cell_command(struct fim_page *page, const struct fim_json *item)
{
	fim_put_list(page, FIM_LOOK_CODE, fim_json_get(item, "command"), " ");
}

static void cell_container(struct fim_page *page, const struct fim_json *item)
{
	fim_put_member(page, fim_json_get(item, "container"), "name");
	fim_put(page, " ");
	fim_put_code(page, fim_json_get(item, "container"), "task_arn");
}

/* Who asked for it, as far as CloudTrail reached the journal. */
static void cell_principal(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *request = fim_json_get(item, "request");

	if (!fim_json_is_object(request)) {
		fim_put(page, T("not in the journal: look in CloudTrail"));
		return;
	}
	fim_put_code(page, request,
		     fim_json_get_str(request, "user_arn") ? "user_arn" : "principal");
	if (!fim_json_get_str(request, "source_ip"))
		return;
	page->ops->line_break(page);
	fim_put_code(page, request, "source_ip");
}

static void cell_when(struct fim_page *page, const struct fim_json *item)
{
	fim_put_time_of(page, item, "first");
	page->ops->line_break(page);
	fim_put_time_of(page, item, "last");
}

static void cell_session(struct fim_page *page, const struct fim_json *item)
{
	fim_put_code(page, item, "session_id");
	page->ops->line_break(page);
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, "state")));
}

static void cell_files(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *files = fim_json_get(item, "files");
	int64_t changes = fim_json_get_int(item, "changes", 0);
	size_t i;

	if (!changes)
		fim_put(page, T("none"));
	for (i = 0; i < fim_json_count(files) && i < ENTRIES_SHOWN; i++) {
		if (i)
			page->ops->line_break(page);
		fim_put(page, fim_tr_name(page->lang,
					  fim_json_get_str(fim_json_index(files, i), "kind")));
		fim_put(page, " ");
		fim_put_path(page, fim_json_index(files, i), "path");
	}
	put_more(page, i, (size_t)changes);
}

static void put_sessions(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"First, last (UTC)", 't', 18, .cell = cell_when},
		{"Session", 'l', 20, .cell = cell_session},
		{"Asked for by", 'w', 20, .cell = cell_principal},
		{"Container", 'l', 22, .cell = cell_container},
		{"Files touched", 'w', 20, .cell = cell_files},
	};

	if (!fim_json_count(fim_items_of(page, "sessions")))
		return;
	fim_put_heading(page, T("Sessions of ECS Exec"));
	fim_put_table(page, "sessions", T("Sessions of ECS Exec"), columns, COUNT(columns));
}

static void put_access(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"Time (UTC)", 't', 18, .put = fim_put_time_of, .key = "time"},
		{"How", 'l', 14, .put = fim_put_name, .key = "action"},
		{"Who", 'l', 18, .cell = cell_who},
		{"Container", 'l', 22, .cell = cell_container},
		{"Command", 'w', 20, .cell = cell_command},
		{"Record", 'n', 8, .cell = cell_id},
	};

	fim_open_section(
		page, "access",
		T("Who got into a running container: sessions of ECS Exec, docker exec, docker "
		  "cp and the like. The principal behind a session is in CloudTrail under the "
		  "session's id, and here where the daemon reads CloudTrail."));
	if (fim_json_count(fim_items_of(page, "accesses")))
		fim_put_table(page, "accesses", T("Access to containers"), columns, COUNT(columns));
	else
		fim_put_paragraph(page, T("No access was recorded in the period."));
	put_sessions(page);
	fim_close_block(page, FIM_BLOCK_SECTION);
}

/* -------------------------------------------------- journal, coverage, annex */

static void put_journal(struct fim_page *page)
{
	const struct fim_json *journal = fim_section_of(page, "journal");
	const struct fim_json *period = fim_section_of(page, "period");

	fim_open_section(
		page, "journal",
		T("Everything here is taken from this journal. Each record holds the digest "
		  "of the one before. Compare the last digest with a copy that left the host "
		  "earlier: a journal that was cut short does not contain it."));
	fim_open_block(page, FIM_BLOCK_PAIRS);
	fim_open_fact(page, T("Verification"));
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(journal, "verification")));
	if (fim_json_get(journal, "first_bad"))
		fim_put_format(page, T("; first bad record %" PRId64 ": %s"),
			       fim_json_get_int(journal, "first_bad", 0),
			       fim_json_get_str(journal, "reason"));
	if (fim_json_get_bool(journal, "torn", false))
		fim_put(page, T("; the last line is incomplete (being written, or a crash)"));
	fim_close_fact(page);
	fim_open_fact(page, T("Records"));
	fim_put_count_of(page, journal, "records");
	fim_put_format(page, " (%" PRId64 " – %" PRId64 ")",
		       fim_json_get_int(journal, "first_seq", 0),
		       fim_json_get_int(journal, "last_seq", 0));
	fim_close_fact(page);
	fim_open_fact(page, T("From (UTC)"));
	fim_put_time_of(page, period, "first_record");
	fim_close_fact(page);
	fim_open_fact(page, T("To (UTC)"));
	fim_put_time_of(page, period, "last_record");
	fim_close_fact(page);
	fim_put_code_fact(page, T("Last digest (SHA-256)"), journal, "head");
	fim_open_fact(page, T("Host starts"));
	fim_put_count_of(page, journal, "boots");
	fim_close_fact(page);
	fim_open_fact(page, T("Clock set back"));
	fim_put_count_of(page, journal, "clock_steps_back");
	fim_close_fact(page);
	fim_close_block(page, FIM_BLOCK_PAIRS);
	fim_close_block(page, FIM_BLOCK_SECTION);
}

static void put_coverage(struct fim_page *page)
{
	fim_open_section(page, "coverage", NULL);
	fim_put_paragraph(
		page, T("This report is about one host. Which hosts were expected, which of them "
			"reported, and with which image and baseline, is in the fleet's report: "
			"ecs-fim fleet report, made of the bundles of all hosts."));
	fim_close_block(page, FIM_BLOCK_SECTION);
}

static void put_annex(struct fim_page *page)
{
	static const struct {
		const char *word, *meaning;
	} words[] = {
		{"baseline", "signed list of expected states, made when the image was built"},
		{"comparison", "every file of the policy measured and compared with the baseline"},
		{"change", "one difference from what was expected, with evidence"},
		{"outage", "a time in which a part of the control did not work"},
		{"lost events", "reports of the kernel that could not be kept; what they may have "
				"been about is compared again"},
		{"head", "digest of the last record; it depends on every record before"},
	};
	static const char *const steps[] = {
		"Pick hosts and weeks at random; ask for the journal of each, and for the head "
		"that left the host at the end of the week.",
		"ecs-fim journal verify names the first bad record; by hand: the SHA-256 of each "
		"line, newline included, is the member prev of the next.",
		"Check the signature of the baseline with openssl dgst -sha256 -verify, and some of "
		"its files with ecs-fim baseline export --format sha256sums and sha256sum -c.",
		"Make this report again from the journal: the same journal and options give the "
		"same bytes.",
	};
	size_t i;

	fim_open_section(page, "annex", NULL);
	fim_put_heading(page, T("To check a sample"));
	fim_open_block(page, FIM_BLOCK_LIST);
	for (i = 0; i < COUNT(steps); i++) {
		fim_open_block(page, FIM_BLOCK_ITEM);
		fim_put(page, T(steps[i]));
		fim_close_block(page, FIM_BLOCK_ITEM);
	}
	fim_close_block(page, FIM_BLOCK_LIST);
	fim_put_heading(page, T("Words"));
	fim_open_block(page, FIM_BLOCK_PAIRS);
	for (i = 0; i < COUNT(words); i++) {
		fim_open_fact(page, fim_tr_name(page->lang, words[i].word));
		fim_put(page, T(words[i].meaning));
		fim_close_fact(page);
	}
	fim_close_block(page, FIM_BLOCK_PAIRS);
	fim_close_block(page, FIM_BLOCK_SECTION);
}

void fim_page_write(struct fim_page *page)
{
	page->sections = sections;
	page->origin = T("Made from the journal alone; the same journal gives the same page.");
	page->ops->begin(page, T("File-integrity report"));
	put_cover(page);
	put_statements(page);
	fim_put_pictures(page);
	put_scope(page);
	put_baselines(page);
	put_comparisons(page);
	put_changes(page);
	put_alerts(page);
	put_outages(page);
	put_containers(page);
	put_access(page);
	put_journal(page);
	put_coverage(page);
	put_annex(page);
	page->ops->end(page);
}
