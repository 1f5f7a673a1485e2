/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on the page of a fleet; how it looks is the renderer's: see report_page.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report_put.h"

/* In the page's language. */
#define T(text)	     fim_tr(page->lang, text)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void cell_host(struct fim_page *page, const struct fim_json *item)
{
	fim_put_member(page, item, "host");
	page->ops->line_break(page);
	fim_put_look(page, FIM_LOOK_SMALL, fim_json_get_str(item, "account"));
	fim_put_look(page, FIM_LOOK_SMALL, " / ");
	fim_put_look(page, FIM_LOOK_SMALL, fim_json_get_str(item, "cluster"));
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
		fim_put(page, " ");
		page->ops->pill(page, FIM_TONE_INFO, T("not on the list"));
	}
}

static void cell_baseline(struct fim_page *page, const struct fim_json *item)
{
	const char *digest = fim_json_get_str(item, "digest");

	if (digest && *digest)
		fim_put_look(page, FIM_LOOK_CODE, digest);
	else
		page->ops->pill(page, FIM_TONE_BAD, T("none"));
}

static void cell_gap_length(struct fim_page *page, const struct fim_json *item)
{
	fim_put_duration(page, fim_json_get_int(item, "gap_s", 0) * 1000);
}

static void cell_outage_length(struct fim_page *page, const struct fim_json *item)
{
	fim_put_duration(page, fim_json_get_int(item, "length_s", 0) * 1000);
	if (!fim_json_is_null(fim_json_get(item, "end_s")))
		return;
	fim_put(page, " ");
	page->ops->pill(page, FIM_TONE_BAD, T("not over"));
}

static void cell_outage_what(struct fim_page *page, const struct fim_json *item)
{
	fim_put_component(page, item);
	fim_put(page, " ");
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(item, "state")));
}

static void cell_container_image(struct fim_page *page, const struct fim_json *item)
{
	fim_put_code(page, item, "image");
	if (fim_json_get_int(item, "privileged", 0)) {
		fim_put(page, " ");
		page->ops->pill(page, FIM_TONE_CRITICAL, T("privileged"));
	}
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
	{"Host", 'l', 25, .cell = cell_host},
	{"Reason", 'w', 45, .put = fim_put_member, .key = "reason"},
	{"Directory", 'l', 30, .put = fim_put_code, .key = "directory"},
};
static const struct fim_page_column coverage_columns[] = {
	{"Host", 'l', 30, .cell = cell_host},
	{"State", 'l', 20, .cell = cell_coverage},
	{"From (UTC)", 't', 20, .put = fim_put_seconds, .key = "first_s"},
	{"To (UTC)", 't', 20, .put = fim_put_seconds, .key = "last_s"},
	{"Records", 'n', 10, .put = fim_put_count_of, .key = "records"},
};
static const struct fim_page_column baseline_columns[] = {
	{"Baseline", 'l', 55, .cell = cell_baseline},
	{"Image", 'l', 30, .put = fim_put_member, .key = "image_id"},
	{"Hosts", 'n', 15, .put = fim_put_count_of, .key = "hosts"},
};
static const struct fim_page_column drift_columns[] = {
	{"Baseline", 'l', 40, .cell = cell_baseline},
	{"Hosts", 'n', 12, .put = fim_put_count_of, .key = "hosts"},
	{"Changes", 'n', 12, .put = fim_put_count_of, .key = "changes"},
	{"Announced before", 'n', 16, .put = fim_put_count_of, .key = "announced"},
	{"Critical or high, not announced", 'n', 20, .put = fim_put_count_of, .key = "severe"},
};
static const struct fim_page_column gap_columns[] = {
	{"Host", 'l', 30, .cell = cell_host},
	{"Duration", 'n', 20, .cell = cell_gap_length},
	{"From (UTC)", 't', 25, .put = fim_put_seconds, .key = "from_s"},
	{"To (UTC)", 't', 25, .put = fim_put_seconds, .key = "to_s"},
};
static const struct fim_page_column outage_columns[] = {
	{"Host", 'l', 22, .cell = cell_host},
	{"What", 'l', 16, .cell = cell_outage_what},
	{"Start (UTC)", 't', 18, .put = fim_put_seconds, .key = "start_s"},
	{"Duration", 'n', 16, .cell = cell_outage_length},
	{"Cause", 'w', 28, .put = fim_put_member, .key = "cause"},
};
static const struct fim_page_column container_columns[] = {
	{"Image", 'l', 34, .cell = cell_container_image},
	{"Task definition", 'l', 20, .put = fim_put_member, .key = "family"},
	{"Containers", 'n', 12, .put = fim_put_count_of, .key = "containers"},
	{"Hosts", 'n', 10, .put = fim_put_count_of, .key = "hosts"},
	{"From (UTC)", 't', 12, .put = fim_put_seconds, .key = "first_s"},
	{"To (UTC)", 't', 12, .put = fim_put_seconds, .key = "last_s"},
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
	fim_open_section(page, table->id, T(table->lead));
	if (fim_json_count(fim_items_of(page, table->id)))
		fim_put_table(page, table->id, fim_section_title(page, table->id), table->columns,
			      table->count);
	else
		fim_put_paragraph(page, T(table->none));
	fim_close_block(page, FIM_BLOCK_SECTION);
}

static void put_fleet_cover(struct fim_page *page)
{
	const struct fim_json *totals = fim_section_of(page, "totals");

	fim_open_block(page, FIM_BLOCK_FACTS);
	fim_open_fact(page, T("Standard"));
	fim_put_member(page, page->report, "standard");
	fim_close_fact(page);
	fim_open_fact(page, T("Period (UTC)"));
	fim_put_seconds(page, totals, "from_s");
	fim_put(page, " –");
	page->ops->line_break(page);
	fim_put_seconds(page, totals, "to_s");
	fim_close_fact(page);
	fim_open_fact(page, T("Bundles"));
	fim_put_count_of(page, totals, "bundles");
	fim_close_fact(page);
	fim_open_fact(page, T("Journal records"));
	fim_put_count_of(page, totals, "records");
	fim_close_fact(page);
	fim_close_block(page, FIM_BLOCK_FACTS);
	page->ops->body(page);
}

static void put_fleet_tiles(struct fim_page *page)
{
	const struct fim_json *totals = fim_section_of(page, "totals");
	char a[FIM_COUNT_SIZE];

	fim_open_block(page, FIM_BLOCK_TILES);
	fim_open_tile(page, T("Hosts reporting"));
	fim_put_count_of(page, totals, "reporting");
	fim_close_tile(page, T("of %s expected"),
		       fim_count_text(fim_json_get_int(totals, "expected", 0), a));
	fim_open_tile(page, T("Bundles rejected"));
	fim_put_count_of(page, totals, "rejected");
	fim_close_tile(page, T("of %s"), fim_count_text(fim_json_get_int(totals, "bundles", 0), a));
	fim_open_tile(page, T("Changes"));
	fim_put_count_of(page, totals, "changes");
	fim_close_tile(
		page, T("on %s baselines"),
		fim_count_text(fim_json_get_int(fim_section_of(page, "baselines"), "count", 0), a));
	fim_open_tile(page, T("Comparisons"));
	fim_put_count_of(page, totals, "comparisons");
	fim_close_tile(page, "%s", "");
	fim_open_tile(page, T("Control outages"));
	fim_put_count_of(page, fim_section_of(page, "outages"), "count");
	fim_close_tile(page, T("%s events lost"),
		       fim_count_text(fim_json_get_int(totals, "lost", 0), a));
	fim_close_block(page, FIM_BLOCK_TILES);
}

void fim_page_write_fleet(struct fim_page *page)
{
	const struct fim_json *statements;
	size_t i;

	page->sections = fleet_sections;
	page->origin = T("Made from the bundles alone; the same bundles give the same page.");
	page->ops->begin(page, T("File-integrity report of the fleet"));
	put_fleet_cover(page);
	statements = fim_section_of(page, "statements");
	fim_open_section(
		page, "statements",
		T("What the hosts' journals show about each requirement. Whether the entity "
		  "meets the standard is for the assessor to say."));
	put_fleet_tiles(page);
	for (i = 0; i < fim_json_count(statements); i++)
		fim_put_statement(page, fim_json_index(statements, i));
	fim_close_block(page, FIM_BLOCK_SECTION);
	for (i = 0; i < COUNT(fleet_tables); i++)
		put_fleet_table(page, &fleet_tables[i]);
	page->ops->end(page);
}
