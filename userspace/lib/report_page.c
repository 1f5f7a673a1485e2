/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on a page for an assessor, made of the report's JSON and nothing else.
 * How it looks is the renderer's: see report_page.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report_page.h"

/* In the page's language. */
#define T(text) fim_tr(page->lang, text)
/* A table of one row each. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Bars of a lane: as many as can be told apart. */
#define LANE_BINS 125
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

/* ------------------------------------------------------------------- words */

static void put(struct fim_page *page, const char *text)
{
	if (text)
		page->ops->text(page, FIM_LOOK_PLAIN, text, strlen(text));
}

static void put_look(struct fim_page *page, enum fim_look look, const char *text)
{
	if (text)
		page->ops->text(page, look, text, strlen(text));
}

static void put_format(struct fim_page *page, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put_format(struct fim_page *page, const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0) {
		page->err = -ENOMEM;
		text = NULL;
	}
	va_end(args);
	put(page, text);
	free(text);
}

static void put_member(struct fim_page *page, const struct fim_json *object, const char *key)
{
	put(page, fim_json_get_str(object, key));
}

static void put_code(struct fim_page *page, const struct fim_json *object, const char *key)
{
	put_look(page, FIM_LOOK_CODE, fim_json_get_str(object, key));
}

/* A value of file-system bytes: KEY or KEY_hex. */
static void put_path(struct fim_page *page, const struct fim_json *object, const char *key)
{
	char *bytes;
	size_t len;

	if (fim_json_get_bytes(object, key, &bytes, &len))
		return;
	page->ops->text(page, FIM_LOOK_CODE, bytes, len);
	free(bytes);
}

#define COUNT_SIZE 40
/* 1 234 567, with thin spaces that do not break. */
static const char *count_text(int64_t value, char text_ret[COUNT_SIZE])
{
	char digits[24], *at = text_ret;
	size_t i, len;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value);
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
			at = stpcpy(at, "\xe2\x80\xaf");
		*at++ = digits[i];
	}
	*at = '\0';
	return text_ret;
}

static void put_count(struct fim_page *page, int64_t value)
{
	char text[COUNT_SIZE];

	put(page, count_text(value, text));
}

static void put_count_of(struct fim_page *page, const struct fim_json *object, const char *key)
{
	put_count(page, fim_json_get_int(object, key, 0));
}

/* "2026-11-22 09:41:00", or "" if it is no time. */
static const char *time_text(const char *text, char text_ret[FIM_TIME_SIZE])
{
	int64_t time_ns;

	*text_ret = '\0';
	if (text && fim_time_parse(text, &time_ns) == 0 && strlen(text) >= 19)
		snprintf(text_ret, FIM_TIME_SIZE, "%.10s %.8s", text, text + 11);
	return text_ret;
}

static void put_time(struct fim_page *page, const char *text)
{
	char shown[FIM_TIME_SIZE];

	put(page, *time_text(text, shown) ? shown : "–");
}

static void put_time_of(struct fim_page *page, const struct fim_json *object, const char *key)
{
	put_time(page, fim_json_get_str(object, key));
}

static void put_duration(struct fim_page *page, int64_t ms)
{
	int64_t seconds = ms / 1000;

	if (seconds >= 86400)
		put_format(page, T("%" PRId64 " d %" PRId64 " h"), seconds / 86400,
			   seconds % 86400 / 3600);
	else if (seconds >= 3600)
		put_format(page, T("%" PRId64 " h %" PRId64 " min"), seconds / 3600,
			   seconds % 3600 / 60);
	else if (seconds >= 60)
		put_format(page, T("%" PRId64 " min %" PRId64 " s"), seconds / 60, seconds % 60);
	else
		put_format(page, T("%" PRId64 ".%" PRId64 " s"), seconds, ms % 1000 / 100);
}

static void put_list(struct fim_page *page, enum fim_look look, const struct fim_json *array,
		     const char *separator)
{
	size_t i;

	for (i = 0; i < fim_json_count(array); i++) {
		if (i)
			put(page, separator);
		put_look(page, look, fim_json_str(fim_json_index(array, i)));
	}
}

static int severity_of(const char *severity)
{
	int i;

	for (i = FIM_SEVERITY_CRITICAL; i > FIM_SEVERITY_INFO; i--)
		if (severity && strcmp(severity, fim_severity_name((enum fim_severity)i)) == 0)
			break;
	return i;
}

static void put_severity(struct fim_page *page, const char *severity)
{
	int i = severity_of(severity);

	if (severity)
		page->ops->pill(page, (enum fim_tone)i,
				fim_tr_name(page->lang, fim_severity_name((enum fim_severity)i)));
}

/* ------------------------------------------------------------------ blocks */

static const struct fim_json *section_of(const struct fim_page *page, const char *name)
{
	return fim_json_get(page->report, name);
}

static const struct fim_json *items_of(const struct fim_page *page, const char *name)
{
	return fim_json_get(section_of(page, name), "items");
}

static void open_block(struct fim_page *page, enum fim_block block)
{
	static const struct fim_block_args none;

	page->ops->open(page, block, &none);
}

static void open_titled(struct fim_page *page, enum fim_block block, const char *title)
{
	page->ops->open(page, block, &(struct fim_block_args){.title = title});
}

static void close_block(struct fim_page *page, enum fim_block block)
{
	page->ops->close(page, block);
}

static void open_section(struct fim_page *page, const char *id, const char *lead)
{
	const struct fim_page_section *section = page->sections;

	while (strcmp(section->id, id) != 0)
		section++;
	page->ops->open(
		page, FIM_BLOCK_SECTION,
		&(struct fim_block_args){.id = id, .title = T(section->title), .lead = lead});
}

static void heading(struct fim_page *page, const char *title)
{
	open_titled(page, FIM_BLOCK_HEADING, title);
	close_block(page, FIM_BLOCK_HEADING);
}

static void paragraph(struct fim_page *page, const char *text)
{
	open_block(page, FIM_BLOCK_TEXT);
	put(page, text);
	close_block(page, FIM_BLOCK_TEXT);
}

static void fact(struct fim_page *page, const char *title)
{
	open_titled(page, FIM_BLOCK_FACT, title);
}

static void fact_end(struct fim_page *page)
{
	close_block(page, FIM_BLOCK_FACT);
}

static void code_fact(struct fim_page *page, const char *title, const struct fim_json *object,
		      const char *key)
{
	if (!fim_json_get_str(object, key))
		return;
	fact(page, title);
	put_code(page, object, key);
	fact_end(page);
}

static void put_omitted(struct fim_page *page, const char *name)
{
	const struct fim_json *section = section_of(page, name);
	int64_t omitted = fim_json_get_int(section, "count", 0) -
			  (int64_t)fim_json_count(fim_json_get(section, "items"));
	char text[COUNT_SIZE];

	if (omitted <= 0)
		return;
	open_block(page, FIM_BLOCK_SMALL);
	put_format(page, T("%s more are not shown here; they are in the journal."),
		   count_text(omitted, text));
	if (strcmp(name, "changes") == 0)
		put(page, T(" Every change is in the CSV format of this report."));
	close_block(page, FIM_BLOCK_SMALL);
}

static void put_rows(struct fim_page *page, const char *caption, const struct fim_json *items,
		     const struct fim_page_column *columns, size_t count)
{
	const struct fim_json *item;
	size_t i, c;

	page->ops->open(
		page, FIM_BLOCK_TABLE,
		&(struct fim_block_args){.title = caption, .columns = columns, .count = count});
	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		page->ops->open(page, FIM_BLOCK_ROW,
				&(struct fim_block_args){.seq = fim_json_get_int(item, "id", 0)});
		for (c = 0; c < count; c++) {
			open_block(page, FIM_BLOCK_CELL);
			columns[c].cell(page, item);
			close_block(page, FIM_BLOCK_CELL);
		}
		close_block(page, FIM_BLOCK_ROW);
	}
	close_block(page, FIM_BLOCK_TABLE);
}

/* The section's items as a table, or @none if there are none. */
static void put_table(struct fim_page *page, const char *name, const char *caption,
		      const struct fim_page_column *columns, size_t count)
{
	put_rows(page, caption, items_of(page, name), columns, count);
	put_omitted(page, name);
}

/* Cells that several tables have. */
static void cell_id(struct fim_page *page, const struct fim_json *item)
{
	put_format(page, "%" PRId64, fim_json_get_int(item, "id", 0));
}

static void cell_time(struct fim_page *page, const struct fim_json *item)
{
	put_time_of(page, item, "time");
}

static void cell_component(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "component");
	if (fim_json_get(item, "sink")) {
		put(page, " ");
		put_member(page, item, "sink");
	}
}

static void cell_cause(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "cause");
}

static void cell_path(struct fim_page *page, const struct fim_json *item)
{
	put_path(page, item, "path");
}

/* ------------------------------------------------------------------- cover */

/* A key as words: "instance_id" is "instance id". */
static void fact_of_key(struct fim_page *page, const char *key)
{
	char text[64], *at;

	snprintf(text, sizeof(text), "%s", key);
	for (at = text; (at = strchr(at, '_')) != NULL;)
		*at = ' ';
	fact(page, fim_tr_name(page->lang, text));
}

static int put_fact_member(void *ctx, const char *key, struct fim_json *value)
{
	struct fim_page *page = ctx;

	if (!fim_json_str(value))
		return 0;
	fact_of_key(page, key);
	put(page, fim_json_str(value));
	fact_end(page);
	return 0;
}

static void put_cover(struct fim_page *page)
{
	const struct fim_json *period = section_of(page, "period");

	open_block(page, FIM_BLOCK_FACTS);
	fact(page, T("Standard"));
	put_format(page, "PCI DSS v%s",
		   fim_json_str(fim_json_at(page->report, "standard/version")));
	fact_end(page);
	fact(page, T("Period (UTC)"));
	put_time_of(page, period, "from");
	put(page, " –");
	page->ops->line_break(page);
	put_time_of(page, period, "to");
	fact_end(page);
	fact(page, T("As of the record of (UTC)"));
	put_time_of(page, page->report, "generated");
	fact_end(page);
	fim_json_each(section_of(page, "host"), put_fact_member, page);
	fim_json_each(section_of(page, "identity"), put_fact_member, page);
	fact(page, T("Journal records"));
	put_format(page, "%" PRId64 " – %" PRId64,
		   fim_json_get_int(section_of(page, "journal"), "first_seq", 0),
		   fim_json_get_int(section_of(page, "journal"), "last_seq", 0));
	fact_end(page);
	fact(page, T("Digest of the journal (SHA-256)"));
	put_code(page, section_of(page, "journal"), "head");
	fact_end(page);
	close_block(page, FIM_BLOCK_FACTS);
	page->ops->body(page);
}

/* -------------------------------------------------------------- statements */

static void tile(struct fim_page *page, const char *name)
{
	open_titled(page, FIM_BLOCK_TILE, name);
}

static void tile_end(struct fim_page *page, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void tile_end(struct fim_page *page, const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0) {
		page->err = -ENOMEM;
		text = NULL;
	}
	va_end(args);
	put_look(page, FIM_LOOK_SMALL, text);
	free(text);
	close_block(page, FIM_BLOCK_TILE);
}

static void put_tiles(struct fim_page *page)
{
	const struct fim_json *summary = section_of(page, "summary");
	const struct fim_json *severities = fim_json_get(summary, "changes_by_severity");
	const struct fim_json *containers = section_of(page, "containers");
	const struct fim_json *journal = section_of(page, "journal");
	const struct fim_json *outages = section_of(page, "outages");
	char a[COUNT_SIZE], b[COUNT_SIZE];

	open_block(page, FIM_BLOCK_TILES);
	tile(page, T("Changes"));
	put_count_of(page, summary, "changes");
	tile_end(page, T("%s critical or high, %s announced before"),
		 count_text(fim_json_get_int(severities, "critical", 0) +
				    fim_json_get_int(severities, "high", 0),
			    a),
		 count_text(fim_json_get_int(section_of(page, "changes"), "authorized", 0), b));
	tile(page, T("Longest time uncompared"));
	put_duration(page, fim_json_get_int(section_of(page, "comparisons"), "longest_gap_ms", 0));
	tile_end(page, "%s", T("limit 7 d"));
	tile(page, T("Control outages"));
	put_count_of(page, summary, "outages");
	tile_end(page, T("%s not over, %s events lost"),
		 count_text(fim_json_get_int(outages, "open", 0), a),
		 count_text(fim_json_get_int(summary, "lost_events", 0), b));
	tile(page, T("With power over the host"));
	put_count_of(page, containers, "effectively_privileged");
	tile_end(page, T("of %s containers"),
		 count_text(fim_json_get_int(containers, "count", 0), a));
	tile(page, T("Journal"));
	put(page, fim_tr_name(page->lang, fim_json_get_str(journal, "verification")));
	tile_end(page, T("%s records in chain"),
		 count_text(fim_json_get_int(journal, "records", 0), a));
	close_block(page, FIM_BLOCK_TILES);
}

/* The title of a section, for a link to it. */
static const char *section_title(struct fim_page *page, const char *id)
{
	const struct fim_page_section *section;

	for (section = page->sections; section->id; section++)
		if (strcmp(section->id, id) == 0)
			return T(section->title);
	return id;
}

static void put_pointers(struct fim_page *page, const struct fim_json *statement)
{
	const struct fim_json *names = fim_json_get(statement, "sections");
	const struct fim_json *records = fim_json_get(statement, "records");
	char target[32];
	const char *name;
	size_t i;

	open_block(page, FIM_BLOCK_SMALL);
	put(page, T("Evidence: "));
	for (i = 0; i < fim_json_count(names); i++) {
		name = fim_json_str(fim_json_index(names, i));
		if (!name)
			continue;
		put(page, i ? ", " : "");
		page->ops->link(page, name, section_title(page, name));
	}
	put(page, fim_json_count(records) ? T("; records ") : "");
	for (i = 0; i < fim_json_count(records); i++) {
		snprintf(target, sizeof(target), "r%" PRId64,
			 fim_json_get_int(fim_json_index(records, i), "seq", 0));
		put(page, i ? ", " : "");
		page->ops->link(page, target, target + 1);
	}
	close_block(page, FIM_BLOCK_SMALL);
}

static void put_statement(struct fim_page *page, const struct fim_json *statement)
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
	open_block(page, FIM_BLOCK_LIST);
	for (i = 0; i < fim_json_count(reasons); i++) {
		open_block(page, FIM_BLOCK_ITEM);
		put(page, fim_json_str(fim_json_index(reasons, i)));
		close_block(page, FIM_BLOCK_ITEM);
	}
	close_block(page, FIM_BLOCK_LIST);
	put_pointers(page, statement);
	open_block(page, FIM_BLOCK_SMALL);
	put(page, T("Not shown here: "));
	put_member(page, statement, "not_shown");
	close_block(page, FIM_BLOCK_SMALL);
	close_block(page, FIM_BLOCK_STATEMENT);
}

static void put_statements(struct fim_page *page)
{
	const struct fim_json *statements = section_of(page, "statements");
	size_t i;

	open_section(page, "statements",
		     T("What this host's journal shows about each requirement. Whether the entity "
		       "meets the standard is for the assessor to say."));
	put_tiles(page);
	for (i = 0; i < fim_json_count(statements); i++)
		put_statement(page, fim_json_index(statements, i));
	close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------------------ charts */

static void lane_clear(struct fim_lane *lane)
{
	free(lane->title);
	free(lane->summary);
	free(lane->label);
	free(lane->marks);
}

static void chart_clear(struct fim_chart *chart)
{
	size_t i;

	for (i = 0; i < chart->count; i++)
		lane_clear(&chart->lanes[i]);
	free(chart->lanes);
}

/* Room for @count marks; false: out of memory. */
static bool lane_init(struct fim_page *page, struct fim_lane *lane, const char *title, size_t count)
{
	lane->title = strdup(title);
	lane->summary = strdup(title);
	lane->marks = calloc(count + 1, sizeof(*lane->marks));
	if (lane->title && lane->summary && lane->marks)
		return true;
	page->err = -ENOMEM;
	return false;
}

/* A mark has to be seen, also where it is a moment. */
static void add_mark(struct fim_lane *lane, int from, int to, int height, enum fim_tone tone)
{
	const int width = FIM_CHART_WIDTH / LANE_BINS / 2;

	if (to - from < width)
		to = from + width;
	if (to > FIM_CHART_WIDTH) {
		from = from > FIM_CHART_WIDTH - width ? FIM_CHART_WIDTH - width : from;
		to = FIM_CHART_WIDTH;
	}
	lane->marks[lane->count++] =
		(struct fim_mark){.from = from, .to = to, .height = height, .tone = tone};
}

/* Where a time is between the ends of the period. */
static int position(const struct fim_page *page, const char *text)
{
	const struct fim_json *period = section_of(page, "period");
	const char *from = fim_json_get_str(period, "from"), *to = fim_json_get_str(period, "to");
	int64_t from_ns, to_ns, time_ns;

	if (!from || !to || !text || fim_time_parse(from, &from_ns) || fim_time_parse(to, &to_ns) ||
	    fim_time_parse(text, &time_ns) || to_ns <= from_ns)
		return 0;
	if (time_ns <= from_ns)
		return 0;
	if (time_ns >= to_ns)
		return FIM_CHART_WIDTH;
	/* In milliseconds: nanoseconds times the width would not fit. */
	return (int)((time_ns - from_ns) / FIM_NSEC_PER_MSEC * FIM_CHART_WIDTH /
		     ((to_ns - from_ns) / FIM_NSEC_PER_MSEC + 1));
}

/* Of a hundred: 1 is seen, and a million is not a million times as high. */
static int height_of(int64_t count, int64_t most)
{
	int bits = 0, all = 0;

	for (; count; count >>= 1)
		bits++;
	for (; most; most >>= 1)
		all++;
	return all ? 20 + 80 * bits / all : 0;
}

/* As many marks as there are bins, however many changes there were. */
static void lane_changes(struct fim_page *page, struct fim_lane *lane)
{
	const struct fim_json *items = items_of(page, "timeline"), *item;
	int64_t count[LANE_BINS] = {0}, most = 0;
	int worst[LANE_BINS] = {0}, severity;
	char a[COUNT_SIZE];
	size_t i, bin;

	if (!lane_init(page, lane, T("Changes"), LANE_BINS))
		return;
	lane->tall = true;
	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		bin = (size_t)position(page, fim_json_get_str(item, "start")) * LANE_BINS /
		      (FIM_CHART_WIDTH + 1);
		count[bin] += fim_json_get_int(item, "count", 0);
		severity = severity_of(fim_json_get_str(item, "worst"));
		if (severity > worst[bin])
			worst[bin] = severity;
		if (count[bin] > most)
			most = count[bin];
	}
	for (bin = 0; bin < LANE_BINS; bin++)
		if (count[bin])
			add_mark(lane, (int)(bin * FIM_CHART_WIDTH / LANE_BINS),
				 (int)((bin + 1) * FIM_CHART_WIDTH / LANE_BINS) - 1,
				 height_of(count[bin], most), (enum fim_tone)worst[bin]);
	free(lane->summary);
	if (asprintf(&lane->summary, T("When changes were found; at most %s in one bar"),
		     count_text(most, a)) < 0)
		lane->summary = NULL;
}

static void lane_runs(struct fim_page *page, struct fim_lane *lane)
{
	const struct fim_json *items = items_of(page, "comparisons"), *item;
	bool complete;
	size_t i;

	if (!lane_init(page, lane, T("Comparisons"), fim_json_count(items)))
		return;
	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		complete = fim_json_get_bool(item, "complete", false);
		add_mark(lane, position(page, fim_json_get_str(item, "start")),
			 position(page, fim_json_get_str(item, "end")), complete ? 100 : 50,
			 complete ? FIM_TONE_GOOD : FIM_TONE_MEDIUM);
	}
}

static void lane_outages(struct fim_page *page, struct fim_lane *lane)
{
	const struct fim_json *items = items_of(page, "outages"), *item;
	const char *end;
	size_t i;

	if (!lane_init(page, lane, T("Control outages"), fim_json_count(items)))
		return;
	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		end = fim_json_get_str(item, "end");
		add_mark(lane, position(page, fim_json_get_str(item, "start")),
			 end ? position(page, end) : FIM_CHART_WIDTH, 100, FIM_TONE_BAD);
	}
}

static void put_timeline(struct fim_page *page)
{
	const struct fim_json *period = section_of(page, "period");
	char from[FIM_TIME_SIZE], to[FIM_TIME_SIZE];
	struct fim_chart chart = {
		.from = time_text(fim_json_get_str(period, "from"), from),
		.to = time_text(fim_json_get_str(period, "to"), to),
		.count = 3,
	};

	chart.lanes = calloc(chart.count, sizeof(*chart.lanes));
	if (!chart.lanes) {
		page->err = -ENOMEM;
		return;
	}
	lane_changes(page, &chart.lanes[0]);
	lane_runs(page, &chart.lanes[1]);
	lane_outages(page, &chart.lanes[2]);
	if (!page->err)
		page->ops->chart(page, &chart);
	chart_clear(&chart);
	open_block(page, FIM_BLOCK_SMALL);
	page->ops->pill(page, FIM_TONE_CRITICAL, T("critical or high change, outage"));
	put(page, " ");
	page->ops->pill(page, FIM_TONE_MEDIUM, T("medium change, comparison of a part"));
	put(page, " ");
	page->ops->pill(page, FIM_TONE_LOW, T("low or info change"));
	put(page, " ");
	page->ops->pill(page, FIM_TONE_GOOD, T("complete comparison"));
	close_block(page, FIM_BLOCK_SMALL);
}

/* One bar per directory, in parts by severity. */
static void lane_place(struct fim_page *page, struct fim_lane *lane, const struct fim_json *place,
		       const char *title, int64_t most)
{
	const struct fim_json *severities = fim_json_get(place, "by_severity");
	int64_t count = fim_json_get_int(place, "count", 0), part, before = 0;
	char text[COUNT_SIZE];
	int s, from, to;

	if (!lane_init(page, lane, title, FIM_SEVERITY_CRITICAL + 1))
		return;
	lane->label = strdup(count_text(count, text));
	for (s = FIM_SEVERITY_CRITICAL; s >= FIM_SEVERITY_INFO; s--) {
		part = fim_json_get_int(severities, fim_severity_name((enum fim_severity)s), 0);
		from = (int)(before * FIM_CHART_WIDTH / most);
		before += part;
		to = (int)(before * FIM_CHART_WIDTH / most);
		if (part)
			add_mark(lane, from, to, 100, (enum fim_tone)s);
	}
	free(lane->summary);
	if (asprintf(&lane->summary, T("%s changes, worst first"), text) < 0)
		lane->summary = NULL;
}

static void put_places(struct fim_page *page)
{
	const struct fim_json *section = section_of(page, "directories"), *place;
	const struct fim_json *items = fim_json_get(section, "items");
	const struct fim_json *rest = fim_json_get(section, "rest");
	int64_t most = fim_json_get_int(rest, "count", 0);
	struct fim_chart chart = {.paths = true};
	char *bytes;
	size_t i, len;

	if (!fim_json_count(items))
		return;
	if (fim_json_get_int(fim_json_index(items, 0), "count", 0) > most)
		most = fim_json_get_int(fim_json_index(items, 0), "count", 0);
	chart.lanes = calloc(fim_json_count(items) + 1, sizeof(*chart.lanes));
	if (!chart.lanes) {
		page->err = -ENOMEM;
		return;
	}
	for (i = 0; i < fim_json_count(items); i++) {
		place = fim_json_index(items, i);
		if (fim_json_get_bytes(place, "directory", &bytes, &len))
			continue;
		lane_place(page, &chart.lanes[chart.count++], place, bytes, most);
		free(bytes);
	}
	if (fim_json_get_int(rest, "count", 0))
		lane_place(page, &chart.lanes[chart.count++], rest, T("all others"), most);
	heading(page, T("Changes by directory"));
	if (!page->err)
		page->ops->chart(page, &chart);
	chart_clear(&chart);
}

static void put_pictures(struct fim_page *page)
{
	open_section(page, "timeline", NULL);
	put_timeline(page);
	put_places(page);
	close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------- scope and baseline */

static void cell_class(struct fim_page *page, const struct fim_json *item)
{
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "class")));
}

static void cell_category(struct fim_page *page, const struct fim_json *item)
{
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "category")));
}

static void cell_reason(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "reason");
}

static void cell_approver(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "approver");
}

static void cell_action(struct fim_page *page, const struct fim_json *item)
{
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "action")));
}

static void cell_watched(struct fim_page *page, const struct fim_json *item)
{
	const char *scope = fim_json_get_str(item, "scope");

	put(page, fim_tr_name(page->lang, scope));
	if (!scope || strcmp(scope, "container") != 0)
		return;
	put(page, " ");
	put_code(page, item, "container_id");
}

static void put_settings(struct fim_page *page)
{
	const struct fim_json *scope = section_of(page, "scope");
	const struct fim_json *settings = section_of(page, "settings");

	open_block(page, FIM_BLOCK_FACTS);
	fact(page, T("Policy"));
	put_member(page, scope, "policy");
	put(page, " ");
	put_member(page, scope, "version");
	fact_end(page);
	fact(page, T("Changed in the period"));
	put(page, fim_json_get_bool(settings, "policy_changed", false) ? T("yes") : T("no"));
	fact_end(page);
	fact(page, T("Directories"));
	put_list(page, FIM_LOOK_CODE, fim_json_get(scope, "roots"), "  ");
	fact_end(page);
	fact(page, T("How changes are seen"));
	put(page, fim_tr_name(page->lang, fim_json_get_str(settings, "mode")));
	fact_end(page);
	fact(page, T("Hash algorithm"));
	put_member(page, settings, "hash");
	fact_end(page);
	fact(page, T("Alert destinations recorded"));
	put_list(page, FIM_LOOK_PLAIN, fim_json_get(settings, "destinations"), ", ");
	put(page, fim_json_count(fim_json_get(settings, "destinations")) ? "" : "–");
	fact_end(page);
	code_fact(page, T("Digest of the policy (SHA-256)"), scope, "policy_digest");
	close_block(page, FIM_BLOCK_FACTS);
}

static void cell_rules(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "rules");
}

static void cell_category_changes(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "changes");
}

static void put_scope(struct fim_page *page)
{
	static const struct fim_page_column kept[] = {
		{"Path", 'l', 30, cell_path},
		{"Class", 'l', 12, cell_class},
		{"Category", 'l', 20, cell_category},
		{"Reason", 'w', 38, cell_reason},
	};
	static const struct fim_page_column excluded[] = {
		{"Path", 'l', 30, cell_path},
		{"Reason", 'w', 40, cell_reason},
		{"Approved by", 'l', 30, cell_approver},
	};
	static const struct fim_page_column categories[] = {
		{"Category", 'l', 60, cell_category},
		{"Rules", 'n', 20, cell_rules},
		{"Changes", 'n', 20, cell_category_changes},
	};
	static const struct fim_page_column watches[] = {
		{"Time (UTC)", 't', 22, cell_time}, {"Watch", 'l', 12, cell_action},
		{"Of", 'l', 32, cell_watched},	    {"Directory", 'l', 24, cell_path},
		{"Record", 'n', 10, cell_id},
	};
	const struct fim_json *scope = section_of(page, "scope");

	open_section(page, "scope",
		     T("What is compared, how changes are seen, and what is left out and why, as "
		       "signed with the baseline."));
	put_settings(page);
	heading(page, T("Critical files by category"));
	put_rows(page, T("Critical files by category"),
		 fim_json_get(section_of(page, "settings"), "categories"), categories,
		 COUNT(categories));
	heading(page, T("Exclusions"));
	if (fim_json_count(fim_json_get(scope, "exclusions")))
		put_rows(page, T("Exclusions"), fim_json_get(scope, "exclusions"), excluded,
			 COUNT(excluded));
	else
		paragraph(page, T("Nothing is excluded."));
	if (fim_json_count(fim_json_get(scope, "rules"))) {
		heading(page, T("Rules of the policy"));
		put_rows(page, T("Rules of the policy"), fim_json_get(scope, "rules"), kept,
			 COUNT(kept));
	}
	heading(page, T("Watches"));
	if (fim_json_count(items_of(page, "watches")))
		put_table(page, "watches", T("Watches"), watches, COUNT(watches));
	else
		paragraph(page, T("No watch was recorded in the period."));
	close_block(page, FIM_BLOCK_SECTION);
}

static void put_baseline(struct fim_page *page, const struct fim_json *item)
{
	char time[FIM_TIME_SIZE], title[128];

	snprintf(title, sizeof(title), T("Accepted %s UTC"),
		 time_text(fim_json_get_str(item, "time"), time));
	page->ops->open(page, FIM_BLOCK_CARD,
			&(struct fim_block_args){.title = title,
						 .seq = fim_json_get_int(item, "id", 0)});
	open_block(page, FIM_BLOCK_PAIRS);
	fact(page, T("Signature"));
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "signature")));
	fact_end(page);
	fact(page, T("Signed with key"));
	put_code(page, item, "key_id");
	page->ops->line_break(page);
	put_path(page, item, "key_file");
	fact_end(page);
	code_fact(page, T("Digest (SHA-256)"), item, "digest");
	fact(page, T("File"));
	put_path(page, item, "path");
	fact_end(page);
	fact(page, T("Objects"));
	put_count_of(page, item, "count");
	fact_end(page);
	fact(page, T("Created (UTC)"));
	put_time_of(page, item, "created");
	put(page, " · ");
	put_member(page, item, "tool");
	fact_end(page);
	fim_json_each(fim_json_get(item, "provenance"), put_fact_member, page);
	close_block(page, FIM_BLOCK_PAIRS);
	close_block(page, FIM_BLOCK_CARD);
}

static void put_baselines(struct fim_page *page)
{
	const struct fim_json *items = items_of(page, "baselines");
	size_t i;

	open_section(page, "baselines",
		     T("The signed list of expected states, each time the control accepted one."));
	if (!fim_json_count(items))
		paragraph(page, T("No baseline was accepted."));
	for (i = 0; i < fim_json_count(items); i++)
		put_baseline(page, fim_json_index(items, i));
	put_omitted(page, "baselines");
	close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------------- comparisons */

static void cell_trigger(struct fim_page *page, const struct fim_json *item)
{
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "trigger")));
	if (fim_json_get_bool(item, "complete", false))
		return;
	put(page, " ");
	page->ops->pill(page, FIM_TONE_MEDIUM, T("part"));
}

static void cell_start(struct fim_page *page, const struct fim_json *item)
{
	put_time_of(page, item, "start");
}

static void cell_gap(struct fim_page *page, const struct fim_json *item)
{
	if (fim_json_get(item, "gap_ms"))
		put_duration(page, fim_json_get_int(item, "gap_ms", 0));
	else
		put(page, "–");
}

static void cell_compared(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "compared");
	put(page, " / ");
	put_count_of(page, item, "expected");
}

static void cell_results(struct fim_page *page, const struct fim_json *item)
{
	put_format(page, "%" PRId64 " / %" PRId64 " / %" PRId64, fim_json_get_int(item, "added", 0),
		   fim_json_get_int(item, "removed", 0), fim_json_get_int(item, "changed", 0));
}

static void cell_unreadable(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "unreadable");
}

static void cell_digest(struct fim_page *page, const struct fim_json *item)
{
	const char *digest = fim_json_get_str(item, "result_digest");

	if (digest && strlen(digest) >= 12)
		page->ops->text(page, FIM_LOOK_CODE, digest, 12);
}

static void put_comparisons(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"Start (UTC)", 't', 20, cell_start},
		{"Trigger", 'l', 14, cell_trigger},
		{"Since last", 'n', 12, cell_gap},
		{"Compared / expected", 'n', 17, cell_compared},
		{"Added / removed / changed", 'n', 14, cell_results},
		{"Unreadable", 'n', 13, cell_unreadable},
		{"Result", 't', 14, cell_digest},
		{"Record", 'n', 8, cell_id},
	};
	const struct fim_json *section = section_of(page, "comparisons");

	open_section(page, "comparisons",
		     T("Every comparison of files with the baseline. Complete ones covered every "
		       "directory of the policy; only they count against the limit of 7 d."));
	open_block(page, FIM_BLOCK_TEXT);
	put(page, T("Longest time without a complete comparison: "));
	put_duration(page, fim_json_get_int(section, "longest_gap_ms", 0));
	put(page, " (");
	put_time_of(page, section, "longest_gap_from");
	put(page, " – ");
	put_time_of(page, section, "longest_gap_to");
	put(page, ")");
	close_block(page, FIM_BLOCK_TEXT);
	if (fim_json_count(fim_json_get(section, "items")))
		put_table(page, "comparisons", T("Comparisons"), columns, COUNT(columns));
	close_block(page, FIM_BLOCK_SECTION);
}

/* ----------------------------------------------------------------- changes */

static int put_pair(void *ctx, const char *key, struct fim_json *value)
{
	struct fim_page *page = ctx;

	put_look(page, FIM_LOOK_CODE, key);
	put(page, " = ");
	put_look(page, FIM_LOOK_CODE, fim_json_str(value));
	page->ops->line_break(page);
	return 0;
}

/* One attribute of one side: string, number, list of flags or map of xattrs. */
static void put_value(struct fim_page *page, const struct fim_json *state, const char *name)
{
	const struct fim_json *value = fim_json_get(state, name);
	char *bytes;
	size_t len;

	if (fim_json_is_object(value)) {
		fim_json_each(value, put_pair, page);
	} else if (fim_json_is_array(value)) {
		put_list(page, FIM_LOOK_PLAIN, value, ", ");
	} else if (fim_json_is_int(value)) {
		put_format(page, "%" PRId64, fim_json_get_int(state, name, 0));
	} else if (fim_json_get_bytes(state, name, &bytes, &len) == 0) {
		page->ops->text(page, FIM_LOOK_CODE, bytes, len);
		free(bytes);
	} else {
		put(page, "–");
	}
}

static const struct fim_page_column difference_columns[] = {
	{"Attribute", 'l', 16, NULL},
	{"Before", 'l', 42, NULL},
	{"After", 'l', 42, NULL},
};

static void put_difference(struct fim_page *page, const struct fim_json *item, const char *name)
{
	open_block(page, FIM_BLOCK_ROW);
	open_block(page, FIM_BLOCK_CELL);
	put(page, fim_tr_name(page->lang, name));
	close_block(page, FIM_BLOCK_CELL);
	open_block(page, FIM_BLOCK_CELL);
	put_value(page, fim_json_get(item, "before"), name);
	close_block(page, FIM_BLOCK_CELL);
	open_block(page, FIM_BLOCK_CELL);
	put_value(page, fim_json_get(item, "after"), name);
	close_block(page, FIM_BLOCK_CELL);
	close_block(page, FIM_BLOCK_ROW);
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
	close_block(page, FIM_BLOCK_TABLE);
}

static void put_user(struct fim_page *page, const struct fim_json *actor, const char *id,
		     const char *name)
{
	if (!fim_json_is_int(fim_json_get(actor, id))) {
		put(page, T("not set"));
		return;
	}
	if (fim_json_get_str(actor, name)) {
		put_member(page, actor, name);
		put(page, " ");
	}
	put_format(page, "(%s %" PRId64 ")", id, fim_json_get_int(actor, id, 0));
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
	static const char *const keys[] = {"image", "task_arn", "family", "cluster", "id"};
	bool any = false;
	size_t i;

	for (i = 0; i < COUNT(keys); i++) {
		if (!fim_json_get_str(container, keys[i]))
			continue;
		if (any)
			page->ops->line_break(page);
		any = true;
		put(page, fim_tr_name(page->lang, keys[i]));
		put(page, " ");
		put_code(page, container, keys[i]);
		if (strcmp(keys[i], "family") == 0 && fim_json_get_str(container, "revision")) {
			put(page, ":");
			put_code(page, container, "revision");
		}
	}
}

static void put_actor(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *actor = fim_json_get(item, "actor");
	const struct fim_json *container = fim_json_get(item, "container");

	if (!fim_json_is_object(actor)) {
		fact(page, T("Process"));
		put(page, T("not known: found by comparison"));
		fact_end(page);
		return;
	}
	fact(page, T("Process"));
	put_path(page, actor, "exe");
	put_format(page, " pid %" PRId64, fim_json_get_int(actor, "pid", 0));
	fact_end(page);
	if (fim_json_count(fim_json_get(actor, "args"))) {
		fact(page, T("Command line"));
		put_list(page, FIM_LOOK_CODE, fim_json_get(actor, "args"), " ");
		fact_end(page);
	}
	fact(page, T("User"));
	put_user(page, actor, "uid", "user");
	fact_end(page);
	fact(page, T("Login user"));
	put_user(page, actor, "loginuid", "login_user");
	fact_end(page);
	fact(page, T("Container"));
	if (fim_json_is_object(container)) {
		put_member(page, container, "name");
		put(page, " ");
		put_power(page, container);
		page->ops->line_break(page);
		put_container_details(page, container);
	} else {
		put(page, T("none: a process of the host"));
	}
	fact_end(page);
}

/* Who came in how, and whether it had been announced. */
static void put_circumstances(struct fim_page *page, const struct fim_json *item)
{
	const struct fim_json *access = fim_json_get(item, "access");
	const struct fim_json *change = fim_json_get(item, "change");

	if (fim_json_is_object(access)) {
		fact(page, T("Came in through"));
		put_member(page, access, "by");
		put(page, " ");
		put_code(page, access, "session_id");
		fact_end(page);
	}
	if (fim_json_is_object(change)) {
		fact(page, T("Announced before"));
		put_code(page, change, "id");
		put(page, " ");
		put_member(page, change, "reason");
		put(page, fim_json_get_str(change, "ticket") ? " · " : "");
		put_member(page, change, "ticket");
		fact_end(page);
	}
}

static void put_change(struct fim_page *page, const struct fim_json *item, bool open)
{
	static const char *const keys[] = {"op", "detected_by", "category", "class"};
	int severity = severity_of(fim_json_get_str(item, "severity"));
	const char *scope = fim_json_get_str(item, "scope");
	char *path = NULL, time[FIM_TIME_SIZE];
	struct fim_block_args args = {
		.id = fim_tr_name(page->lang, fim_json_get_str(item, "kind")),
		.title = "",
		.lead = time_text(fim_json_get_str(item, "time"), time),
		.mark = fim_tr_name(page->lang, fim_severity_name((enum fim_severity)severity)),
		.tone = (enum fim_tone)severity,
		.seq = fim_json_get_int(item, "id", 0),
		.open = open,
	};
	size_t i, len;

	if (fim_json_get_bytes(item, "path", &path, &len) == 0)
		args.title = path;
	page->ops->open(page, FIM_BLOCK_CHANGE, &args);
	open_block(page, FIM_BLOCK_SMALL);
	put_format(page, T("record %" PRId64), args.seq);
	for (i = 0; i < COUNT(keys); i++) {
		if (!fim_json_get_str(item, keys[i]))
			continue;
		put_format(page, " · %s ", fim_tr_name(page->lang, keys[i]));
		put(page, fim_tr_name(page->lang, fim_json_get_str(item, keys[i])));
	}
	if (scope && strcmp(scope, "container") == 0) {
		put(page, T(" · file of container "));
		put_code(page, item, "container_id");
	}
	close_block(page, FIM_BLOCK_SMALL);
	put_differences(page, item);
	open_block(page, FIM_BLOCK_PAIRS);
	if (fim_json_get(item, "old_path") || fim_json_get(item, "old_path_hex")) {
		fact(page, T("Was at"));
		put_path(page, item, "old_path");
		fact_end(page);
	}
	put_actor(page, item);
	put_circumstances(page, item);
	close_block(page, FIM_BLOCK_PAIRS);
	close_block(page, FIM_BLOCK_CHANGE);
	free(path);
}

/* "7 changes: 2 modified, 5 added" */
static void put_kinds(struct fim_page *page)
{
	const struct fim_json *summary = section_of(page, "summary");
	const struct fim_json *kinds = fim_json_get(summary, "changes_by_kind");
	int64_t count;
	const char *separator = ": ";
	char text[COUNT_SIZE];
	int i;

	open_block(page, FIM_BLOCK_TEXT);
	put_format(page, T("Number of changes: %s"),
		   count_text(fim_json_get_int(summary, "changes", 0), text));
	for (i = 0; i <= FIM_KIND_UNREADABLE; i++) {
		count = fim_json_get_int(kinds, fim_kind_name((enum fim_kind)i), 0);
		if (!count)
			continue;
		put(page, i && separator[0] == ',' ? ", " : " — ");
		separator = ", ";
		put_format(page, "%s %s", fim_tr_name(page->lang, fim_kind_name((enum fim_kind)i)),
			   count_text(count, text));
	}
	close_block(page, FIM_BLOCK_TEXT);
}

static void cell_severity(struct fim_page *page, const struct fim_json *item)
{
	put_severity(page, fim_json_get_str(item, "severity"));
}

static void cell_rule(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "rule");
}

static void cell_output(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "output");
}

static void put_changes(struct fim_page *page)
{
	static const struct fim_page_column hits[] = {
		{"Time (UTC)", 't', 20, cell_time}, {"Severity", 'l', 12, cell_severity},
		{"Rule", 'l', 22, cell_rule},	    {"Output", 'w', 38, cell_output},
		{"Record", 'n', 8, cell_id},
	};
	const struct fim_json *items = items_of(page, "changes");
	size_t i;

	open_section(page, "changes",
		     T("Differences from the baseline that were recorded in the period, in the "
		       "order of the journal; if there are very many, the worst of them."));
	put_kinds(page);
	for (i = 0; i < fim_json_count(items); i++)
		put_change(page, fim_json_index(items, i), i < UNFOLDED);
	put_omitted(page, "changes");
	if (fim_json_count(items_of(page, "rule_hits"))) {
		heading(page, T("Detections by rules"));
		put_table(page, "rule_hits", T("Detections by rules"), hits, COUNT(hits));
	}
	close_block(page, FIM_BLOCK_SECTION);
}

/* ------------------------------------------------------------------ alerts */

static void cell_alert_state(struct fim_page *page, const struct fim_json *item)
{
	const char *state = fim_json_get_str(item, "state");
	bool open = state && strcmp(state, "unhandled") == 0;

	page->ops->pill(page, open ? FIM_TONE_BAD : FIM_TONE_GOOD, fim_tr_name(page->lang, state));
}

static void cell_alert_what(struct fim_page *page, const struct fim_json *item)
{
	put_severity(page, fim_json_get_str(item, "severity"));
	put(page, " ");
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "kind")));
	put(page, " ");
	put_path(page, item, "path");
	put_member(page, item, "rule");
	put_member(page, item, "text");
}

static void put_hand(struct fim_page *page, const struct fim_json *item, const char *time,
		     const char *by, const char *ms)
{
	if (!fim_json_get_str(item, time)) {
		put(page, "–");
		return;
	}
	put_time_of(page, item, time);
	put(page, " ");
	put_member(page, item, by);
	if (!fim_json_get(item, ms))
		return;
	put(page, " (+");
	put_duration(page, fim_json_get_int(item, ms, 0));
	put(page, ")");
}

static void cell_alert_sent(struct fim_page *page, const struct fim_json *item)
{
	put_list(page, FIM_LOOK_PLAIN, fim_json_get(item, "delivered"), ", ");
	put(page, fim_json_count(fim_json_get(item, "delivered")) ? "" : "–");
}

static void cell_alert_ack(struct fim_page *page, const struct fim_json *item)
{
	put_hand(page, item, "acknowledged", "acknowledged_by", "acknowledged_ms");
}

static void cell_alert_close(struct fim_page *page, const struct fim_json *item)
{
	put_hand(page, item, "closed", "closed_by", "closed_ms");
}

static void cell_alert_reason(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "reason");
	put(page, fim_json_get_str(item, "ticket") ? " · " : "");
	put_member(page, item, "ticket");
}

static void put_alerts(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"State", 'l', 11, cell_alert_state},
		{"Time (UTC)", 't', 13, cell_time},
		{"Alert", 'w', 22, cell_alert_what},
		{"Delivered to", 'l', 10, cell_alert_sent},
		{"Acknowledged", 'l', 15, cell_alert_ack},
		{"Closed", 'l', 11, cell_alert_close},
		{"Reason", 'l', 12, cell_alert_reason},
		{"Record", 'n', 7, cell_id},
	};
	const struct fim_json *section = section_of(page, "alerts");
	char a[COUNT_SIZE], b[COUNT_SIZE], c[COUNT_SIZE];

	open_section(page, "alerts",
		     T("What became of each alert: delivered, acknowledged, closed. Unhandled ones "
		       "first, the worst of them first."));
	open_block(page, FIM_BLOCK_TEXT);
	put_format(page, T("Unhandled: %s. Acknowledged: %s. Closed: %s."),
		   count_text(fim_json_get_int(section, "unhandled", 0), a),
		   count_text(fim_json_get_int(section, "acknowledged", 0), b),
		   count_text(fim_json_get_int(section, "closed", 0), c));
	close_block(page, FIM_BLOCK_TEXT);
	if (fim_json_count(fim_json_get(section, "items")))
		put_table(page, "alerts", T("Alerts"), columns, COUNT(columns));
	close_block(page, FIM_BLOCK_SECTION);
}

/* ----------------------------------------------------------------- outages */

static void cell_state(struct fim_page *page, const struct fim_json *item)
{
	cell_component(page, item);
	put(page, " ");
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "state")));
	if (fim_json_get_bool(item, "open", false)) {
		put(page, " ");
		page->ops->pill(page, FIM_TONE_BAD, T("not over"));
	}
	if (fim_json_get_bool(item, "inferred", false)) {
		put(page, " ");
		page->ops->pill(page, FIM_TONE_DOUBT, T("seen afterwards"));
	}
}

static void cell_end(struct fim_page *page, const struct fim_json *item)
{
	put_time_of(page, item, "end");
}

static void cell_duration(struct fim_page *page, const struct fim_json *item)
{
	put_duration(page, fim_json_get_int(item, "duration_ms", 0));
}

static void cell_recovery(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "recovery");
}

static void cell_lost(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "lost");
}

static void put_outages(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"What", 'l', 14, cell_state},	  {"Start (UTC)", 't', 14, cell_start},
		{"End (UTC)", 't', 14, cell_end}, {"Duration", 'n', 11, cell_duration},
		{"Cause", 'w', 22, cell_cause},	  {"Recovered by", 'w', 18, cell_recovery},
		{"Record", 'n', 8, cell_id},
	};
	static const struct fim_page_column losses[] = {
		{"Time (UTC)", 't', 20, cell_time},  {"Part", 'l', 16, cell_component},
		{"Events lost", 'n', 14, cell_lost}, {"Cause", 'w', 40, cell_cause},
		{"Record", 'n', 10, cell_id},
	};
	static const struct fim_page_column notes[] = {
		{"Time (UTC)", 't', 20, cell_time},
		{"Part", 'l', 16, cell_component},
		{"Note", 'w', 54, cell_cause},
		{"Record", 'n', 10, cell_id},
	};

	open_section(page, "outages",
		     T("When a part of this control did not work, and what was lost then. Causes "
		       "are shown as they were recorded."));
	if (fim_json_count(items_of(page, "outages")))
		put_table(page, "outages", T("Control outages"), columns, COUNT(columns));
	else
		paragraph(page, T("No outage was recorded."));
	if (fim_json_count(items_of(page, "losses"))) {
		heading(page, T("Lost events"));
		put_table(page, "losses", T("Lost events"), losses, COUNT(losses));
	}
	if (fim_json_count(items_of(page, "control_notes"))) {
		heading(page, T("Notes of the control"));
		put_table(page, "control_notes", T("Notes of the control"), notes, COUNT(notes));
	}
	close_block(page, FIM_BLOCK_SECTION);
}

/* -------------------------------------------------------------- containers */

static void put_flag(struct fim_page *page, const struct fim_json *flag)
{
	open_block(page, FIM_BLOCK_ITEM);
	put_severity(page, fim_json_get_str(flag, "severity"));
	put(page, " ");
	put_member(page, flag, "id");
	put(page, " ");
	put_code(page, flag, "evidence");
	if (fim_json_get_str(flag, "cis")) {
		put_look(page, FIM_LOOK_SMALL, " · CIS Docker 1.6.0: ");
		put_look(page, FIM_LOOK_SMALL, fim_json_get_str(flag, "cis"));
	}
	if (fim_json_get_str(flag, "security_hub")) {
		put_look(page, FIM_LOOK_SMALL, " · Security Hub: ");
		put_look(page, FIM_LOOK_SMALL, fim_json_get_str(flag, "security_hub"));
	}
	close_block(page, FIM_BLOCK_ITEM);
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
	open_block(page, FIM_BLOCK_PAIRS);
	fact(page, T("Container"));
	put_power(page, container);
	if (fim_json_get_bool(container, "effectively_privileged", false))
		page->ops->line_break(page);
	put_container_details(page, container);
	fact_end(page);
	fact(page, T("Seen (UTC)"));
	put_time_of(page, item, "first_seen");
	put(page, " – ");
	put_time_of(page, item, gone ? "gone" : "last_seen");
	put(page, gone ? T(", then gone") : "");
	fact_end(page);
	close_block(page, FIM_BLOCK_PAIRS);
	if (fim_json_count(flags)) {
		open_block(page, FIM_BLOCK_LIST);
		for (i = 0; i < fim_json_count(flags); i++)
			put_flag(page, fim_json_index(flags, i));
		close_block(page, FIM_BLOCK_LIST);
	}
	close_block(page, FIM_BLOCK_CARD);
}

static void put_containers(struct fim_page *page)
{
	const struct fim_json *items = items_of(page, "containers");
	size_t i;

	open_section(page, "containers", fim_json_get_str(section_of(page, "containers"), "note"));
	if (!fim_json_count(items))
		paragraph(page, T("No container was recorded."));
	for (i = 0; i < fim_json_count(items); i++)
		put_container(page, fim_json_index(items, i));
	put_omitted(page, "containers");
	close_block(page, FIM_BLOCK_SECTION);
}

static void cell_who(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "user");
	put(page, " ");
	put_code(page, item, "session_id");
	put_code(page, item, "exec_id");
}

static void cell_command(struct fim_page *page, const struct fim_json *item)
{
	put_list(page, FIM_LOOK_CODE, fim_json_get(item, "command"), " ");
}

static void cell_container(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, fim_json_get(item, "container"), "name");
	put(page, " ");
	put_code(page, fim_json_get(item, "container"), "task_arn");
}

static void put_access(struct fim_page *page)
{
	static const struct fim_page_column columns[] = {
		{"Time (UTC)", 't', 18, cell_time}, {"How", 'l', 14, cell_action},
		{"Who", 'l', 18, cell_who},	    {"Container", 'l', 22, cell_container},
		{"Command", 'w', 20, cell_command}, {"Record", 'n', 8, cell_id},
	};

	open_section(
		page, "access",
		T("Who got into a running container: sessions of ECS Exec, docker exec, docker "
		  "cp and the like. The principal behind a session is in CloudTrail under the "
		  "session's id."));
	if (fim_json_count(items_of(page, "accesses")))
		put_table(page, "accesses", T("Access to containers"), columns, COUNT(columns));
	else
		paragraph(page, T("No access was recorded in the period."));
	close_block(page, FIM_BLOCK_SECTION);
}

/* -------------------------------------------------- journal, coverage, annex */

static void put_journal(struct fim_page *page)
{
	const struct fim_json *journal = section_of(page, "journal");
	const struct fim_json *period = section_of(page, "period");

	open_section(page, "journal",
		     T("Everything here is taken from this journal. Each record holds the digest "
		       "of the one before. Compare the last digest with a copy that left the host "
		       "earlier: a journal that was cut short does not contain it."));
	open_block(page, FIM_BLOCK_PAIRS);
	fact(page, T("Verification"));
	put(page, fim_tr_name(page->lang, fim_json_get_str(journal, "verification")));
	if (fim_json_get(journal, "first_bad"))
		put_format(page, T("; first bad record %" PRId64 ": %s"),
			   fim_json_get_int(journal, "first_bad", 0),
			   fim_json_get_str(journal, "reason"));
	if (fim_json_get_bool(journal, "torn", false))
		put(page, T("; the last line is incomplete (being written, or a crash)"));
	fact_end(page);
	fact(page, T("Records"));
	put_count_of(page, journal, "records");
	put_format(page, " (%" PRId64 " – %" PRId64 ")", fim_json_get_int(journal, "first_seq", 0),
		   fim_json_get_int(journal, "last_seq", 0));
	fact_end(page);
	fact(page, T("From (UTC)"));
	put_time_of(page, period, "first_record");
	fact_end(page);
	fact(page, T("To (UTC)"));
	put_time_of(page, period, "last_record");
	fact_end(page);
	code_fact(page, T("Last digest (SHA-256)"), journal, "head");
	fact(page, T("Host starts"));
	put_count_of(page, journal, "boots");
	fact_end(page);
	fact(page, T("Clock set back"));
	put_count_of(page, journal, "clock_steps_back");
	fact_end(page);
	close_block(page, FIM_BLOCK_PAIRS);
	close_block(page, FIM_BLOCK_SECTION);
}

static void put_coverage(struct fim_page *page)
{
	open_section(page, "coverage", NULL);
	paragraph(page, T("This report is about one host. Which hosts were expected, which of them "
			  "reported, and with which image and baseline, is in the fleet's report: "
			  "ecs-fim fleet report, made of the bundles of all hosts."));
	close_block(page, FIM_BLOCK_SECTION);
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

	open_section(page, "annex", NULL);
	heading(page, T("To check a sample"));
	open_block(page, FIM_BLOCK_LIST);
	for (i = 0; i < COUNT(steps); i++) {
		open_block(page, FIM_BLOCK_ITEM);
		put(page, T(steps[i]));
		close_block(page, FIM_BLOCK_ITEM);
	}
	close_block(page, FIM_BLOCK_LIST);
	heading(page, T("Words"));
	open_block(page, FIM_BLOCK_PAIRS);
	for (i = 0; i < COUNT(words); i++) {
		fact(page, fim_tr_name(page->lang, words[i].word));
		put(page, T(words[i].meaning));
		fact_end(page);
	}
	close_block(page, FIM_BLOCK_PAIRS);
	close_block(page, FIM_BLOCK_SECTION);
}

void fim_page_write(struct fim_page *page)
{
	page->sections = sections;
	page->origin = T("Made from the journal alone; the same journal gives the same page.");
	page->ops->begin(page, T("File-integrity report"));
	put_cover(page);
	put_statements(page);
	put_pictures(page);
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

/* -------------------------------------------------------------------- fleet */

static void put_seconds(struct fim_page *page, const struct fim_json *item, const char *key)
{
	char text[FIM_TIME_SIZE];

	if (!fim_json_is_int(fim_json_get(item, key))) {
		put(page, "–");
		return;
	}
	fim_time_format(fim_json_get_int(item, key, 0) * 1000 * FIM_NSEC_PER_MSEC, text);
	put_time(page, text);
}

static void cell_host(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "host");
	page->ops->line_break(page);
	put_look(page, FIM_LOOK_SMALL, fim_json_get_str(item, "account"));
	put_look(page, FIM_LOOK_SMALL, " / ");
	put_look(page, FIM_LOOK_SMALL, fim_json_get_str(item, "cluster"));
}

static void cell_coverage(struct fim_page *page, const struct fim_json *item)
{
	const char *state = fim_json_get_str(item, "state");
	enum fim_tone tone = FIM_TONE_GOOD;

	if (state && (strcmp(state, "rejected") == 0 || strcmp(state, "missing") == 0))
		tone = FIM_TONE_BAD;
	else if (state && (strcmp(state, "silent") == 0 || strcmp(state, "incomplete") == 0))
		tone = FIM_TONE_DOUBT;
	page->ops->pill(page, tone, fim_tr_name(page->lang, state));
	if (!fim_json_get_int(item, "expected", 0)) {
		put(page, " ");
		page->ops->pill(page, FIM_TONE_INFO, T("not on the list"));
	}
}

static void cell_first(struct fim_page *page, const struct fim_json *item)
{
	put_seconds(page, item, "first_s");
}

static void cell_last(struct fim_page *page, const struct fim_json *item)
{
	put_seconds(page, item, "last_s");
}

static void cell_records(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "records");
}

static void cell_baseline(struct fim_page *page, const struct fim_json *item)
{
	const char *digest = fim_json_get_str(item, "digest");

	if (digest && *digest)
		put_look(page, FIM_LOOK_CODE, digest);
	else
		page->ops->pill(page, FIM_TONE_BAD, T("none"));
}

static void cell_image(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "image_id");
}

static void cell_hosts(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "hosts");
}

static void cell_changes(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "changes");
}

static void cell_announced(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "announced");
}

static void cell_severe(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "severe");
}

static void cell_gap_length(struct fim_page *page, const struct fim_json *item)
{
	put_duration(page, fim_json_get_int(item, "gap_s", 0) * 1000);
}

static void cell_gap_from(struct fim_page *page, const struct fim_json *item)
{
	put_seconds(page, item, "from_s");
}

static void cell_gap_to(struct fim_page *page, const struct fim_json *item)
{
	put_seconds(page, item, "to_s");
}

static void cell_outage_start(struct fim_page *page, const struct fim_json *item)
{
	put_seconds(page, item, "start_s");
}

static void cell_outage_length(struct fim_page *page, const struct fim_json *item)
{
	put_duration(page, fim_json_get_int(item, "length_s", 0) * 1000);
	if (!fim_json_is_null(fim_json_get(item, "end_s")))
		return;
	put(page, " ");
	page->ops->pill(page, FIM_TONE_BAD, T("not over"));
}

static void cell_outage_what(struct fim_page *page, const struct fim_json *item)
{
	cell_component(page, item);
	put(page, " ");
	put(page, fim_tr_name(page->lang, fim_json_get_str(item, "state")));
}

static void cell_container_image(struct fim_page *page, const struct fim_json *item)
{
	put_code(page, item, "image");
	if (fim_json_get_int(item, "privileged", 0)) {
		put(page, " ");
		page->ops->pill(page, FIM_TONE_CRITICAL, T("privileged"));
	}
}

static void cell_family(struct fim_page *page, const struct fim_json *item)
{
	put_member(page, item, "family");
}

static void cell_containers(struct fim_page *page, const struct fim_json *item)
{
	put_count_of(page, item, "containers");
}

static void cell_directory(struct fim_page *page, const struct fim_json *item)
{
	put_code(page, item, "directory");
}

/* A section with one table. */
struct fleet_section {
	const char *id;
	const char *lead;
	const char *none;
	const struct fim_page_column *columns;
	size_t count;
};

static const struct fim_page_column rejected_columns[] = {
	{"Host", 'l', 25, cell_host},
	{"Reason", 'w', 45, cell_reason},
	{"Directory", 'l', 30, cell_directory},
};
static const struct fim_page_column coverage_columns[] = {
	{"Host", 'l', 30, cell_host},	     {"State", 'l', 20, cell_coverage},
	{"From (UTC)", 't', 20, cell_first}, {"To (UTC)", 't', 20, cell_last},
	{"Records", 'n', 10, cell_records},
};
static const struct fim_page_column baseline_columns[] = {
	{"Baseline", 'l', 55, cell_baseline},
	{"Image", 'l', 30, cell_image},
	{"Hosts", 'n', 15, cell_hosts},
};
static const struct fim_page_column drift_columns[] = {
	{"Baseline", 'l', 40, cell_baseline},
	{"Hosts", 'n', 12, cell_hosts},
	{"Changes", 'n', 12, cell_changes},
	{"Announced before", 'n', 16, cell_announced},
	{"Critical or high, not announced", 'n', 20, cell_severe},
};
static const struct fim_page_column gap_columns[] = {
	{"Host", 'l', 30, cell_host},
	{"Duration", 'n', 20, cell_gap_length},
	{"From (UTC)", 't', 25, cell_gap_from},
	{"To (UTC)", 't', 25, cell_gap_to},
};
static const struct fim_page_column outage_columns[] = {
	{"Host", 'l', 22, cell_host},
	{"What", 'l', 16, cell_outage_what},
	{"Start (UTC)", 't', 18, cell_outage_start},
	{"Duration", 'n', 16, cell_outage_length},
	{"Cause", 'w', 28, cell_cause},
};
static const struct fim_page_column container_columns[] = {
	{"Image", 'l', 34, cell_container_image}, {"Task definition", 'l', 20, cell_family},
	{"Containers", 'n', 12, cell_containers}, {"Hosts", 'n', 10, cell_hosts},
	{"From (UTC)", 't', 12, cell_first},	  {"To (UTC)", 't', 12, cell_last},
};

static const struct fleet_section fleet_tables[] = {
	{"rejected",
	 "Bundles that are not what their manifests say, or that contradict others of their host: "
	 "nothing of them counts. Bundles before which records are missing: they count, and there "
	 "is a hole. Of their hosts there is insufficient evidence.",
	 "No bundle was rejected.", rejected_columns, COUNT(rejected_columns)},
	{"coverage", "Hosts that were expected, and those that sent evidence.", "No host is known.",
	 coverage_columns, COUNT(coverage_columns)},
	{"baselines", "Which baseline and image each host had last.", "No host is known.",
	 baseline_columns, COUNT(baseline_columns)},
	{"drift", "Changes on the hosts of each baseline.", "No change was recorded.",
	 drift_columns, COUNT(drift_columns)},
	{"gaps", "The longest time without a complete comparison, host by host, the longest first.",
	 "No comparison was recorded.", gap_columns, COUNT(gap_columns)},
	{"outages", "When a part of the control did not work on a host; those not over first.",
	 "No outage was recorded.", outage_columns, COUNT(outage_columns)},
	{"containers", "Containers with power over their host, by image and task definition.",
	 "No container that was recorded had power over the host.", container_columns,
	 COUNT(container_columns)},
};

static const struct fim_page_section fleet_sections[] = {
	{"statements", "Statements"},
	{"rejected", "Rejected evidence"},
	{"coverage", "Coverage"},
	{"baselines", "Baselines and images"},
	{"drift", "Drift by baseline"},
	{"gaps", "Longest times uncompared"},
	{"outages", "Control outages"},
	{"containers", "Containers"},
	{NULL, NULL},
};

static void put_fleet_table(struct fim_page *page, const struct fleet_section *table)
{
	open_section(page, table->id, T(table->lead));
	if (fim_json_count(items_of(page, table->id)))
		put_table(page, table->id, section_title(page, table->id), table->columns,
			  table->count);
	else
		paragraph(page, T(table->none));
	close_block(page, FIM_BLOCK_SECTION);
}

static void put_fleet_cover(struct fim_page *page)
{
	const struct fim_json *totals = section_of(page, "totals");

	open_block(page, FIM_BLOCK_FACTS);
	fact(page, T("Standard"));
	put_member(page, page->report, "standard");
	fact_end(page);
	fact(page, T("Period (UTC)"));
	put_seconds(page, totals, "from_s");
	put(page, " –");
	page->ops->line_break(page);
	put_seconds(page, totals, "to_s");
	fact_end(page);
	fact(page, T("Bundles"));
	put_count_of(page, totals, "bundles");
	fact_end(page);
	fact(page, T("Journal records"));
	put_count_of(page, totals, "records");
	fact_end(page);
	close_block(page, FIM_BLOCK_FACTS);
	page->ops->body(page);
}

static void put_fleet_tiles(struct fim_page *page)
{
	const struct fim_json *totals = section_of(page, "totals");
	char a[COUNT_SIZE];

	open_block(page, FIM_BLOCK_TILES);
	tile(page, T("Hosts reporting"));
	put_count_of(page, totals, "reporting");
	tile_end(page, T("of %s expected"), count_text(fim_json_get_int(totals, "expected", 0), a));
	tile(page, T("Bundles rejected"));
	put_count_of(page, totals, "rejected");
	tile_end(page, T("of %s"), count_text(fim_json_get_int(totals, "bundles", 0), a));
	tile(page, T("Changes"));
	put_count_of(page, totals, "changes");
	tile_end(page, T("on %s baselines"),
		 count_text(fim_json_get_int(section_of(page, "baselines"), "count", 0), a));
	tile(page, T("Comparisons"));
	put_count_of(page, totals, "comparisons");
	tile_end(page, "%s", "");
	tile(page, T("Control outages"));
	put_count_of(page, section_of(page, "outages"), "count");
	tile_end(page, T("%s events lost"), count_text(fim_json_get_int(totals, "lost", 0), a));
	close_block(page, FIM_BLOCK_TILES);
}

void fim_page_write_fleet(struct fim_page *page)
{
	const struct fim_json *statements;
	size_t i;

	page->sections = fleet_sections;
	page->origin = T("Made from the bundles alone; the same bundles give the same page.");
	page->ops->begin(page, T("File-integrity report of the fleet"));
	put_fleet_cover(page);
	statements = section_of(page, "statements");
	open_section(page, "statements",
		     T("What the hosts' journals show about each requirement. Whether the entity "
		       "meets the standard is for the assessor to say."));
	put_fleet_tiles(page);
	for (i = 0; i < fim_json_count(statements); i++)
		put_statement(page, fim_json_index(statements, i));
	close_block(page, FIM_BLOCK_SECTION);
	for (i = 0; i < COUNT(fleet_tables); i++)
		put_fleet_table(page, &fleet_tables[i]);
	page->ops->end(page);
}
