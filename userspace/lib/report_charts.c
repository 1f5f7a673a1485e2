/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pictures of a host's report: what happened when, and in which directories.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report_put.h"

/* In the page's language. */
#define T(text) fim_tr(page->lang, text)
/* Bars of a lane: as many as can be told apart. */
#define LANE_BINS 125

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
	const struct fim_json *period = fim_section_of(page, "period");
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
	const struct fim_json *items = fim_items_of(page, "timeline"), *item;
	int64_t count[LANE_BINS] = {0}, most = 0;
	int worst[LANE_BINS] = {0}, severity;
	char a[FIM_COUNT_SIZE];
	size_t i, bin;

	if (!lane_init(page, lane, T("Changes"), LANE_BINS))
		return;
	lane->tall = true;
	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		bin = (size_t)position(page, fim_json_get_str(item, "start")) * LANE_BINS /
		      (FIM_CHART_WIDTH + 1);
		count[bin] += fim_json_get_int(item, "count", 0);
		severity = fim_severity_named(fim_json_get_str(item, "worst"));
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
		     fim_count_text(most, a)) < 0)
		lane->summary = NULL;
}

static void lane_runs(struct fim_page *page, struct fim_lane *lane)
{
	const struct fim_json *items = fim_items_of(page, "comparisons"), *item;
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
	const struct fim_json *items = fim_items_of(page, "outages"), *item;
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
	static const struct {
		enum fim_tone tone;
		const char *text;
	} legend[] = {
		{FIM_TONE_CRITICAL, "critical change, outage"},
		{FIM_TONE_HIGH, "high change"},
		{FIM_TONE_MEDIUM, "medium change, comparison of a part"},
		{FIM_TONE_LOW, "low change"},
		{FIM_TONE_INFO, "info change"},
		{FIM_TONE_GOOD, "complete comparison"},
	};
	const struct fim_json *period = fim_section_of(page, "period");
	char from[FIM_TIME_SIZE], to[FIM_TIME_SIZE];
	struct fim_chart chart = {
		.from = fim_time_text(fim_json_get_str(period, "from"), from),
		.to = fim_time_text(fim_json_get_str(period, "to"), to),
		.count = 3,
	};
	size_t i;

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
	fim_open_block(page, FIM_BLOCK_SMALL);
	for (i = 0; i < sizeof(legend) / sizeof(legend[0]); i++) {
		fim_put(page, i ? " " : "");
		page->ops->pill(page, legend[i].tone, T(legend[i].text));
	}
	fim_close_block(page, FIM_BLOCK_SMALL);
}

/* One bar per directory, in parts by severity. */
static void lane_place(struct fim_page *page, struct fim_lane *lane, const struct fim_json *place,
		       const char *title, int64_t most)
{
	const struct fim_json *severities = fim_json_get(place, "by_severity");
	int64_t count = fim_json_get_int(place, "count", 0), part, before = 0;
	char text[FIM_COUNT_SIZE];
	int s, from, to;

	if (!lane_init(page, lane, title, FIM_SEVERITY_CRITICAL + 1))
		return;
	lane->label = strdup(fim_count_text(count, text));
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
	const struct fim_json *section = fim_section_of(page, "directories"), *place;
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
	fim_put_heading(page, T("Changes by directory"));
	if (!page->err)
		page->ops->chart(page, &chart);
	chart_clear(&chart);
}

void fim_put_pictures(struct fim_page *page)
{
	fim_open_section(page, "timeline", NULL);
	put_timeline(page);
	put_places(page);
	fim_close_block(page, FIM_BLOCK_SECTION);
}
