/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals made line by line, and what the report says of them.  The large one in
 * tests/data/report has one of everything; "test_report --update" writes what its
 * report should be, to be read before it is committed.
 */
#include "fixture.h"
#include "userspace/lib/report.h"

#include <stdarg.h>

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define NSEC_PER_SEC  INT64_C(1000000000)
#define START_SECONDS INT64_C(1793599200) /* 2026-11-02T06:00:00Z */
#define EXPECTED      "report-4.0.1.json"

static char data_dir[PATH_MAX];

/* ---- journals */

static FILE *journal;
static uint64_t seq;
static char prev[FIM_SHA256_HEX_SIZE];
static const char *boot_id;

static int64_t at(double hours)
{
	return (START_SECONDS + (int64_t)(hours * 3600)) * NSEC_PER_SEC;
}

static const char *time_of(double hours)
{
	static char texts[8][FIM_TIME_SIZE];
	static size_t next;
	char *text = texts[next++ % COUNT(texts)];

	fim_time_format(at(hours), text);
	return text;
}

static void journal_begin(void)
{
	journal = fopen("journal.ndjson", "w");
	ck_assert_ptr_nonnull(journal);
	seq = 0;
	memset(prev, '0', sizeof(prev) - 1);
	boot_id = "boot-1";
}

static void add(double hours, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(double hours, const char *type, const char *fmt, ...)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char body[4096], line[8192];
	va_list args;
	int len;

	va_start(args, fmt);
	vsnprintf(body, sizeof(body), fmt, args);
	va_end(args);
	len = snprintf(
		line, sizeof(line),
		"{\"seq\":%d,\"time\":\"%s\",\"boot_id\":\"%s\",\"type\":\"%s\",\"prev\":\"%s\"%s%s}\n",
		(int)++seq, time_of(hours), boot_id, type, prev, *body ? "," : "", body);
	fputs(line, journal);
	ck_assert_int_eq(fim_sha256(line, (size_t)len, digest), 0);
	fim_hex_encode(digest, sizeof(digest), prev);
}

static void control(double hours, const char *component, const char *state)
{
	add(hours, "control", "\"component\":\"%s\",\"state\":\"%s\",\"cause\":\"because\"",
	    component, state);
}

static void baseline(double hours)
{
	add(hours, "baseline",
	    "\"digest\":\"d1\",\"key_id\":\"k1\",\"signature\":\"valid\",\"count\":2,\"path\":\"/b\","
	    "\"policy_digest\":\"p1\",\"policy\":{\"name\":\"p\",\"version\":\"1\","
	    "\"roots\":[\"/etc\",\"/usr/bin\"],\"rules\":[{\"path\":\"/etc/x\",\"class\":\"excluded\","
	    "\"reason\":\"why\",\"approver\":\"who\"}]}");
}

static void compare_scope(double hours, const char *scope, int unreadable)
{
	add(hours, "comparison",
	    "\"trigger\":\"scheduled\",\"scope\":[%s],\"start\":\"%s\",\"end\":\"%s\",\"expected\":2,"
	    "\"compared\":2,\"added\":0,\"removed\":0,\"changed\":0,\"unreadable\":%d",
	    scope, time_of(hours - 0.01), time_of(hours), unreadable);
}

static void compare(double hours)
{
	compare_scope(hours, "\"/usr/bin\",\"/etc\"", 0);
}

static void finding(double hours, const char *path)
{
	add(hours, "finding",
	    "\"kind\":\"modified\",\"severity\":\"high\",\"path\":\"%s\",\"scope\":\"host\","
	    "\"changed\":[\"mode\"],\"before\":{\"type\":\"file\",\"mode\":\"0644\"},"
	    "\"after\":{\"type\":\"file\",\"mode\":\"0666\"}",
	    path);
}

/* A daemon that starts, with a baseline and a first comparison. */
static void usual_start(double hours)
{
	control(hours, "daemon", "up");
	control(hours, "module", "up");
	baseline(hours + 0.001);
	compare(hours + 0.05);
}

static struct fim_json *build(double from, double to, enum fim_standard standard)
{
	struct fim_report_params params = {
		.journal = "journal.ndjson",
		.standard = standard,
		.from_ns = from >= 0 ? at(from) : 0,
		.to_ns = to >= 0 ? at(to) : 0,
	};
	struct fim_json *report;

	if (journal)
		fclose(journal);
	journal = NULL;
	ck_assert_int_eq(fim_report_build(&params, &report), 0);
	return report;
}

static struct fim_json *build_all(void)
{
	return build(-1, -1, FIM_PCI_DSS_4_0_1);
}

/* ---- reports */

enum statement {
	ALERTS = 0,
	WEEKLY,
	LOGS,
	FAILURES,
	RESPONSE,
	ALERT_RESPONSE,
};

static const char *status(const struct fim_json *report, enum statement which)
{
	return fim_json_get_str(fim_json_index(fim_json_get(report, "statements"), which),
				"status");
}

static void dump(const struct fim_json *json, char **text_ret)
{
	size_t len;

	ck_assert_int_eq(fim_json_dump_pretty(json, text_ret, &len), 0);
}

static bool mentions(const struct fim_json *json, const char *wanted)
{
	char *text;
	bool found;

	dump(json, &text);
	found = strstr(text, wanted) != NULL;
	free(text);
	return found;
}

#define ASSERT_STATUS(report, which, expected)                                            \
	do {                                                                              \
		char *text_;                                                              \
		dump(fim_json_index(fim_json_get(report, "statements"), which), &text_);  \
		ck_assert_msg(strcmp(status(report, which), expected) == 0, "%s", text_); \
		free(text_);                                                              \
	} while (0)

static const struct fim_json *item(const struct fim_json *report, const char *section, size_t i)
{
	return fim_json_index(fim_json_get(fim_json_get(report, section), "items"), i);
}

static int64_t count(const struct fim_json *report, const char *section)
{
	return fim_json_get_int(fim_json_get(report, section), "count", -1);
}

static char *html_of(const struct fim_json *report)
{
	char *html;
	size_t len;
	FILE *out = open_memstream(&html, &len);

	ck_assert_int_eq(fim_report_html(report, out), 0);
	fclose(out);
	return html;
}

static char *pdf_of(const struct fim_json *report)
{
	char *pdf;
	size_t len;
	FILE *out = open_memstream(&pdf, &len);

	ck_assert_int_eq(fim_report_pdf(report, out), 0);
	fclose(out);
	return pdf;
}

/* ---- nothing, and half of something */

START_TEST(an_empty_journal_is_insufficient_evidence_of_everything)
{
	struct fim_json *report;
	char *html;
	size_t i;

	journal_begin();
	report = build_all();
	for (i = ALERTS; i <= ALERT_RESPONSE; i++)
		ASSERT_STATUS(report, i, "insufficient evidence");
	ck_assert(fim_json_is_null(fim_json_get(report, "generated")));
	ck_assert_str_eq(fim_json_str(fim_json_at(report, "journal/verification")), "verified");
	html = html_of(report);
	ck_assert_ptr_nonnull(strstr(html, "insufficient evidence"));
	free(html);
	fim_json_free(report);
}
END_TEST

START_TEST(a_torn_journal_is_said_and_reported)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	fputs("{\"seq\":", journal);
	report = build_all();
	ck_assert(fim_json_get_bool(fim_json_get(report, "journal"), "torn", false));
	ASSERT_STATUS(report, WEEKLY, "met");
	fim_json_free(report);
}
END_TEST

START_TEST(a_missing_journal_is_an_error)
{
	struct fim_report_params params = {.journal = "nowhere"};
	struct fim_json *report = NULL;

	ck_assert_int_eq(fim_report_build(&params, &report), -ENOENT);
	ck_assert_ptr_null(report);
}
END_TEST

START_TEST(a_period_that_ends_before_it_begins_is_refused)
{
	struct fim_report_params params = {.journal = "nowhere", .from_ns = 2, .to_ns = 1};
	struct fim_json *report = NULL;

	ck_assert_int_eq(fim_report_build(&params, &report), -EINVAL);
}
END_TEST

/* ---- statements */

START_TEST(a_quiet_well_kept_host_meets_what_can_be_shown)
{
	struct fim_json *report;
	int day;

	journal_begin();
	usual_start(0);
	for (day = 1; day <= 10; day++)
		compare(24 * day);
	report = build_all();
	ASSERT_STATUS(report, ALERTS, "met");
	ASSERT_STATUS(report, WEEKLY, "met");
	ASSERT_STATUS(report, LOGS, "insufficient evidence");
	ASSERT_STATUS(report, FAILURES, "met");
	ASSERT_STATUS(report, RESPONSE, "met");
	ASSERT_STATUS(report, ALERT_RESPONSE, "insufficient evidence");
	ck_assert_str_eq(fim_json_get_str(report, "generated"), time_of(240));
	fim_json_free(report);
}
END_TEST

static const struct {
	double second; /* hours of the second comparison */
	const char *expected;
} gaps[] = {
	{7 * 24, "met"},
	{7 * 24 + 0.1, "not met"},
	{20 * 24, "not met"},
};

START_TEST(more_than_a_week_between_two_comparisons_is_not_met)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	compare(gaps[_i].second);
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, gaps[_i].expected);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "comparisons"), "longest_gap_ms", 0),
			 (at(gaps[_i].second) - at(0.05)) / 1000000);
	fim_json_free(report);
}
END_TEST

START_TEST(more_than_a_week_without_a_first_or_a_next_comparison_is_not_met)
{
	struct fim_json *report;

	journal_begin();
	control(0, "daemon", "up");
	baseline(0.01);
	finding(8 * 24, "/etc/a");
	if (_i)
		compare(8 * 24 + 1);
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, "not met");
	fim_json_free(report);
}
END_TEST

START_TEST(a_host_that_fell_silent_has_insufficient_evidence)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	compare(24);
	report = build(-1, 24 * 30, FIM_PCI_DSS_4_0_1);
	ASSERT_STATUS(report, ALERTS, "insufficient evidence");
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	ASSERT_STATUS(report, FAILURES, "insufficient evidence");
	ck_assert_str_eq(fim_json_str(fim_json_at(report, "period/to")), time_of(720));
	fim_json_free(report);
}
END_TEST

START_TEST(a_journal_that_begins_after_the_period_has_insufficient_evidence)
{
	struct fim_json *report;

	journal_begin();
	usual_start(24 * 5);
	report = build(0, -1, FIM_PCI_DSS_4_0_1);
	ASSERT_STATUS(report, ALERTS, "insufficient evidence");
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(without_a_baseline_nothing_can_be_found)
{
	struct fim_json *report;

	journal_begin();
	control(0, "daemon", "up");
	control(0.1, "baseline", "down");
	report = build_all();
	ASSERT_STATUS(report, ALERTS, "not met");
	fim_json_free(report);
}
END_TEST

START_TEST(a_comparison_of_a_part_does_not_count)
{
	struct fim_json *report;

	journal_begin();
	control(0, "daemon", "up");
	baseline(0.01);
	compare_scope(1, "\"/etc\"", 0);
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	ck_assert(!fim_json_get_bool(item(report, "comparisons", 0), "complete", true));
	fim_json_free(report);
}
END_TEST

START_TEST(files_that_could_not_be_read_were_not_compared)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	compare_scope(1, "\"/etc\",\"/usr/bin\"", 3);
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

/* A gap must not be talked away by a comparison that ends in the future. */
START_TEST(a_comparison_from_the_future_is_no_evidence)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	add(1, "comparison",
	    "\"trigger\":\"x\",\"scope\":[\"/etc\",\"/usr/bin\"],\"start\":\"%s\",\"end\":\"%s\"",
	    time_of(1), time_of(400));
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "journal"), "malformed", 0), 1);
	fim_json_free(report);
}
END_TEST

START_TEST(records_that_say_nothing_usable_are_counted)
{
	static const char *const types[] = {"finding",	 "comparison", "baseline",
					    "container", "watch",      "control"};
	struct fim_json *report;
	size_t i;

	journal_begin();
	usual_start(0);
	for (i = 0; i < COUNT(types); i++)
		add(1, types[i], "\"a\":{}");
	add(1, "of-a-later-version", "\"a\":1");
	report = build_all();
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "journal"), "malformed", 0), 6);
	ASSERT_STATUS(report, ALERTS, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(a_clock_that_goes_back_makes_durations_uncertain)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	compare(5);
	compare(3);
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

/* ---- outages */

enum ending {
	STAYS_OPEN,
	ENDS,
	ENDS_AND_COMPARED,
	ENDS_AND_PART_COMPARED,
};

static const struct {
	const char *component;
	const char *state;
	enum ending ending;
	const char *alerts;
	const char *failures;
} outages[] = {
	{"module", "down", STAYS_OPEN, "not met", "not met"},
	{"module", "degraded", STAYS_OPEN, "insufficient evidence", "not met"},
	{"module", "down", ENDS, "insufficient evidence", "met"},
	{"module", "down", ENDS_AND_PART_COMPARED, "insufficient evidence", "met"},
	{"module", "down", ENDS_AND_COMPARED, "met", "met"},
	{"ring", "degraded", ENDS_AND_COMPARED, "met", "met"},
	{"daemon", "down", ENDS, "insufficient evidence", "met"},
	{"docker", "down", STAYS_OPEN, "met", "not met"},
	{"docker", "down", ENDS, "met", "met"},
	{"sink", "down", STAYS_OPEN, "not met", "not met"},
	{"sink", "degraded", STAYS_OPEN, "insufficient evidence", "not met"},
	{"sink", "down", ENDS, "met", "met"},
};

START_TEST(an_outage_is_judged_by_how_it_ended)
{
	enum ending ending = outages[_i].ending;
	struct fim_json *report;
	const struct fim_json *outage;

	journal_begin();
	usual_start(0);
	control(2, outages[_i].component, outages[_i].state);
	control(2.5, outages[_i].component, outages[_i].state); /* said again */
	if (ending != STAYS_OPEN)
		control(3, outages[_i].component, "up");
	if (ending == ENDS_AND_COMPARED)
		compare(4);
	else if (ending == ENDS_AND_PART_COMPARED)
		compare_scope(4, "\"/etc\"", 0);
	finding(5, "/etc/a");
	report = build_all();
	ASSERT_STATUS(report, ALERTS, outages[_i].alerts);
	ASSERT_STATUS(report, FAILURES, outages[_i].failures);
	ck_assert_int_eq(count(report, "outages"), 1);
	outage = item(report, "outages", 0);
	ck_assert_str_eq(fim_json_get_str(outage, "component"), outages[_i].component);
	ck_assert_str_eq(fim_json_get_str(outage, "cause"), "because");
	ck_assert_str_eq(fim_json_get_str(outage, "start"), time_of(2));
	ck_assert(fim_json_get_bool(outage, "open", false) == (ending == STAYS_OPEN));
	ck_assert_int_eq(fim_json_get_int(outage, "duration_ms", 0),
			 (ending == STAYS_OPEN ? 3 : 1) * 3600 * 1000);
	ck_assert_int_eq(fim_json_get_int(outage, "findings", -1), ending == STAYS_OPEN);
	fim_json_free(report);
}
END_TEST

START_TEST(a_finding_while_no_alert_could_leave_is_insufficient_evidence)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	control(2, "sink", "down");
	finding(2.5, "/etc/a");
	control(3, "sink", "up");
	compare(4);
	report = build_all();
	ASSERT_STATUS(report, ALERTS, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

/* _i: 0: the daemon was killed, 1: the host was reset, 2: the journal was torn by it */
START_TEST(a_daemon_that_starts_without_having_stopped_was_interrupted)
{
	const struct fim_json *outage;
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	finding(2, "/etc/a");
	add(2, "alert", "\"action\":\"delivered\",\"sink\":\"syslog\",\"alerts\":[%d]", (int)seq);
	if (_i)
		boot_id = "boot-2";
	if (_i == 2)
		control(5, "journal", "loss");
	usual_start(5);
	report = build_all();
	ck_assert_int_eq(count(report, "outages"), 1);
	outage = item(report, "outages", 0);
	ck_assert(fim_json_get_bool(outage, "inferred", false));
	ck_assert_str_eq(fim_json_get_str(outage, "start"), time_of(2));
	ck_assert_str_eq(fim_json_get_str(outage, "end"), time_of(5));
	ck_assert(mentions(outage, _i ? "the host stopped" : "the daemon ended"));
	ASSERT_STATUS(report, ALERTS, "met");
	ASSERT_STATUS(report, FAILURES, "insufficient evidence");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "journal"), "boots", 0), _i ? 2 : 1);
	fim_json_free(report);
}
END_TEST

/* As the daemon does it: "down" with the time it was seen last, then "up". */
START_TEST(an_outage_said_by_the_next_start_begins_when_the_last_run_ended)
{
	const struct fim_json *outage;
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	finding(2, "/etc/a");
	boot_id = "boot-2";
	if (_i)
		control(5, "journal", "loss");
	add(5, "control",
	    "\"component\":\"daemon\",\"state\":\"down\",\"cause\":\"the host was restarted\","
	    "\"since\":\"%s\"",
	    time_of(_i ? 5 : 2));
	usual_start(5);
	report = build_all();
	ck_assert_int_eq(count(report, "outages"), 1);
	outage = item(report, "outages", 0);
	ck_assert_str_eq(fim_json_get_str(outage, "end"), time_of(5));
	ck_assert_str_eq(fim_json_get_str(outage, "cause"), "the host was restarted");
	ck_assert_str_eq(fim_json_get_str(outage, "start"), time_of(2));
	ck_assert(fim_json_get_bool(outage, "inferred", false));
	ASSERT_STATUS(report, FAILURES, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(up_ends_every_cause_of_a_component)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	add(2, "control", "\"component\":\"watch\",\"state\":\"degraded\",\"cause\":\"a\"");
	add(3, "control", "\"component\":\"watch\",\"state\":\"degraded\",\"cause\":\"b\"");
	add(3, "control", "\"component\":\"watch\",\"state\":\"degraded\",\"cause\":\"a\"");
	control(4, "watch", "up");
	compare(5);
	report = build_all();
	ck_assert_int_eq(count(report, "outages"), 2);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "outages"), "open", -1), 0);
	ASSERT_STATUS(report, ALERTS, "met");
	fim_json_free(report);
}
END_TEST

static void sink(double hours, const char *name, const char *state)
{
	add(hours, "control",
	    "\"component\":\"sink\",\"sink\":\"%s\",\"state\":\"%s\",\"cause\":\"%s is %s\"", name,
	    state, name, state);
}

/* _i: 0: each is up again, 1: "up" of all of them */
START_TEST(an_outage_of_one_sink_is_not_ended_by_another)
{
	const struct fim_json *audit, *hub;
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	sink(1, "audit", "degraded");
	sink(2, "hub", "degraded");
	if (_i) {
		control(5, "sink", "up");
	} else {
		sink(3, "audit", "up");
		sink(5, "hub", "up");
	}
	compare(6);
	report = build_all();
	ck_assert_int_eq(count(report, "outages"), 2);
	audit = item(report, "outages", 0);
	hub = item(report, "outages", 1);
	ck_assert_str_eq(fim_json_get_str(audit, "sink"), "audit");
	ck_assert_str_eq(fim_json_get_str(audit, "cause"), "audit is degraded");
	ck_assert_str_eq(fim_json_get_str(audit, "end"), time_of(_i ? 5 : 3));
	ck_assert_str_eq(fim_json_get_str(audit, "recovery"), _i ? "because" : "audit is up");
	ck_assert_str_eq(fim_json_get_str(hub, "sink"), "hub");
	ck_assert_str_eq(fim_json_get_str(hub, "start"), time_of(2));
	ck_assert_str_eq(fim_json_get_str(hub, "end"), time_of(5));
	fim_json_free(report);
}
END_TEST

START_TEST(a_daemon_that_said_goodbye_is_one_outage_only)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	control(2, "daemon", "down");
	boot_id = "boot-2";
	usual_start(5);
	report = build_all();
	ck_assert_int_eq(count(report, "outages"), 1);
	ck_assert(!fim_json_get_bool(item(report, "outages", 0), "inferred", true));
	ASSERT_STATUS(report, FAILURES, "met");
	fim_json_free(report);
}
END_TEST

/* The final report of a host that is shut down; asked for later, it is silence. */
START_TEST(a_stop_at_the_very_end_is_no_failure_of_the_period)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	control(10, "daemon", "down");
	report = build(-1, _i ? 200 : -1, FIM_PCI_DSS_4_0_1);
	ASSERT_STATUS(report, ALERTS, _i ? "not met" : "met");
	ASSERT_STATUS(report, FAILURES, _i ? "not met" : "met");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "outages"), "open", 0), 1);
	fim_json_free(report);
}
END_TEST

START_TEST(lost_events_need_a_comparison_after_them)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	add(2, "control",
	    "\"component\":\"ring\",\"state\":\"loss\",\"cause\":\"full\",\"lost\":17");
	if (_i)
		compare(3);
	report = build_all();
	ASSERT_STATUS(report, ALERTS, _i ? "met" : "insufficient evidence");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "losses"), "lost", 0), 17);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "summary"), "lost_events", 0), 17);
	fim_json_free(report);
}
END_TEST

/* ---- periods */

START_TEST(only_what_is_in_the_period_is_shown)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	finding(1, "/etc/before");
	control(2, "module", "down");
	control(3, "module", "up");
	control(9, "docker", "down");
	compare(9.5);
	finding(11, "/etc/inside");
	control(12, "docker", "up");
	compare(13);
	control(19, "module", "down");
	finding(21, "/etc/after");
	control(22, "module", "up");
	report = build(10, 20, FIM_PCI_DSS_4_0_1);
	ck_assert(!mentions(report, "/etc/before"));
	ck_assert(mentions(report, "/etc/inside"));
	ck_assert(!mentions(report, "/etc/after"));
	ck_assert_int_eq(count(report, "changes"), 1);
	ck_assert_int_eq(count(report, "outages"), 2);
	ck_assert_str_eq(fim_json_get_str(item(report, "outages", 0), "start"), time_of(9));
	/* What ended later was open when the period did. */
	ck_assert(fim_json_get_bool(item(report, "outages", 1), "open", false));
	ck_assert_int_eq(count(report, "baselines"), 1);
	ck_assert_int_eq(count(report, "comparisons"), 1);
	/* From the comparison before the period, not from the period's start. */
	ck_assert_str_eq(fim_json_str(fim_json_at(report, "comparisons/longest_gap_to")),
			 time_of(19));
	ck_assert_int_eq(fim_json_get_int(item(report, "comparisons", 0), "gap_ms", 0),
			 3500 * 3600);
	fim_json_free(report);
}
END_TEST

START_TEST(the_rest_of_a_broken_journal_is_no_evidence)
{
	struct fim_json *report;
	const struct fim_json *section;

	journal_begin();
	usual_start(0);
	finding(1, "/etc/good");
	fputs("{\"seq\":99}\n", journal);
	finding(2, "/etc/bad");
	report = build_all();
	ASSERT_STATUS(report, ALERTS, "insufficient evidence");
	ASSERT_STATUS(report, WEEKLY, "insufficient evidence");
	ASSERT_STATUS(report, FAILURES, "insufficient evidence");
	section = fim_json_get(report, "journal");
	ck_assert_str_eq(fim_json_get_str(section, "verification"), "broken");
	ck_assert_int_eq(fim_json_get_int(section, "first_bad", 0), 6);
	ck_assert(mentions(fim_json_get(report, "statements"), "record 6"));
	ck_assert(mentions(report, "/etc/good"));
	ck_assert(!mentions(report, "/etc/bad"));
	fim_json_free(report);
}
END_TEST

START_TEST(what_is_not_met_stays_so_in_a_broken_journal)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	compare(9 * 24);
	fputs("garbage\n", journal);
	report = build_all();
	ASSERT_STATUS(report, WEEKLY, "not met");
	fim_json_free(report);
}
END_TEST

/* ---- containers */

static void container(double hours, const char *id, const char *power)
{
	add(hours, "container",
	    "\"trigger\":\"start\",\"container\":{\"id\":\"%s\",\"name\":\"n-%s\",%s}", id, id,
	    power);
}

START_TEST(containers_with_power_come_first_and_each_once)
{
	static const char *const order[] = {"c", "d", "b", "a"};
	struct fim_json *report;
	size_t i;

	journal_begin();
	container(1, "a", "\"flags\":[{\"id\":\"root-user\",\"severity\":\"low\"}]");
	container(2, "b", "\"flags\":[{\"id\":\"pid-host\",\"severity\":\"high\"}]");
	container(3, "c", "\"privileged\":true,\"effectively_privileged\":true,\"flags\":[]");
	container(4, "d", "\"effectively_privileged\":true,\"flags\":[]");
	container(5, "a", "\"flags\":[]");
	add(6, "watch",
	    "\"action\":\"gone\",\"scope\":\"container\",\"path\":\"/etc\",\"container_id\":\"d\"");
	report = build_all();
	ck_assert_int_eq(count(report, "containers"), COUNT(order));
	for (i = 0; i < COUNT(order); i++)
		ck_assert_str_eq(
			fim_json_str(fim_json_at(item(report, "containers", i), "container/id")),
			order[i]);
	ck_assert_str_eq(fim_json_get_str(item(report, "containers", 1), "gone"), time_of(6));
	ck_assert_str_eq(fim_json_get_str(item(report, "containers", 3), "first_seen"), time_of(1));
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "containers"), "privileged", 0), 1);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "containers"),
					  "effectively_privileged", 0),
			 2);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "containers"), "flagged", 0), 3);
	ck_assert(fim_json_get_bool(item(report, "containers", 2), "flagged", false));
	ck_assert(!fim_json_get_bool(item(report, "containers", 3), "flagged", true));
	fim_json_free(report);
}
END_TEST

START_TEST(an_exception_is_shown_and_counts)
{
	const struct fim_json *containers, *statement;
	struct fim_json *report;
	char *html;

	journal_begin();
	usual_start(0);
	container(
		1, "a",
		"\"privileged\":true,\"flagged\":false,\"flags\":[{\"id\":\"privileged\",\"severity\":"
		"\"critical\"}],\"exception\":{\"owner\":\"the platform team\",\"reason\":\"node "
		"agent\",\"expires\":\"2027-01-01T00:00:00Z\"}");
	if (_i)
		container(1, "b", "\"privileged\":true,\"flagged\":true,\"flags\":[]");
	report = build_all();
	containers = fim_json_get(report, "containers");
	ck_assert_int_eq(fim_json_get_int(containers, "privileged", 0), 1 + _i);
	ck_assert_int_eq(fim_json_get_int(containers, "flagged", -1), _i);
	ck_assert(!fim_json_get_bool(item(report, "containers", 0), "flagged", true));
	statement = fim_json_index(fim_json_get(report, "statements"), ALERT_RESPONSE + 1);
	ck_assert(
		mentions(statement, "1 container ran with power over the host under an exception"));
	ck_assert_int_eq(mentions(statement, "whether that was needed is not recorded"), _i);
	ck_assert_str_eq(fim_json_get_str(statement, "status"),
			 _i ? "insufficient evidence" : "met");
	html = html_of(report);
	ck_assert_ptr_nonnull(
		strstr(html, "node agent<br>owner the platform team, until 2027-01-01"));
	free(html);
	fim_json_free(report);
}
END_TEST

START_TEST(logs_that_may_only_grow_are_said_to_be_watched)
{
	const struct fim_json *statement;
	struct fim_json *report;

	journal_begin();
	add(0, "baseline",
	    "\"digest\":\"d1\",\"policy_digest\":\"p1\",\"policy\":{\"name\":\"p\",\"version\":\"1\","
	    "\"roots\":[\"/var/log\"],\"rules\":[{\"path\":\"/var/log\",\"class\":\"%s\"}]}",
	    _i ? "append-only" : "strict");
	add(1, "finding",
	    "\"kind\":\"modified\",\"severity\":\"high\",\"path\":\"/var/log/a\",\"scope\":\"host\","
	    "\"class\":\"%s\",\"changed\":[\"sha256\"]",
	    _i ? "append-only" : "strict");
	report = build_all();
	statement = fim_json_index(fim_json_get(report, "statements"), LOGS);
	ck_assert_int_eq(mentions(statement, "Other audit logs are not watched"), !_i);
	ck_assert_int_eq(mentions(statement, "files that may only grow: 1; changes of what such "
					     "files held when the baseline was taken: 1."),
			 _i);
	ASSERT_STATUS(report, LOGS, "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(a_container_that_was_gone_before_the_period_is_not_in_it)
{
	struct fim_json *report;

	journal_begin();
	container(1, "a", "\"flags\":[]");
	container(2, "b", "\"flags\":[]");
	add(3, "watch",
	    "\"action\":\"gone\",\"scope\":\"container\",\"path\":\"/etc\",\"container_id\":\"a\"");
	container(12, "c", "\"flags\":[]");
	report = build(10, -1, FIM_PCI_DSS_4_0_1);
	ck_assert_int_eq(count(report, "containers"), 2);
	ck_assert_str_eq(fim_json_str(fim_json_at(item(report, "containers", 0), "container/id")),
			 "b");
	fim_json_free(report);
}
END_TEST

/* ---- standards */

START_TEST(a_standard_is_known_by_two_names)
{
	enum fim_standard standard = FIM_PCI_DSS_3_2_1;

	ck_assert_int_eq(fim_standard_parse("4.0.1", &standard), 0);
	ck_assert_int_eq(standard, FIM_PCI_DSS_4_0_1);
	ck_assert_int_eq(fim_standard_parse("pci-dss-3.2.1", &standard), 0);
	ck_assert_int_eq(standard, FIM_PCI_DSS_3_2_1);
	ck_assert_int_eq(fim_standard_parse("", &standard), -EINVAL);
	ck_assert_int_eq(fim_standard_parse("4.0", &standard), -EINVAL);
	ck_assert_int_eq(fim_standard_parse("pci-dss-", &standard), -EINVAL);
	ck_assert_int_eq(standard, FIM_PCI_DSS_3_2_1);
}
END_TEST

static struct fim_json *build_sample(enum fim_standard standard)
{
	char path[PATH_MAX + 32];
	struct fim_report_params params = {.journal = path, .standard = standard};
	struct fim_json *report;

	snprintf(path, sizeof(path), "%s/journal.ndjson", data_dir);
	ck_assert_int_eq(fim_report_build(&params, &report), 0);
	return report;
}

START_TEST(numbers_of_the_two_standards_are_never_mixed)
{
	static const char *const numbers[2][6] = {
		{"11.5.2", "11.5.2", "10.3.4", "10.7.2", "10.7.3", "12.10.5"},
		{"11.5", "11.5", "10.5.5", "10.8", "10.8.1", "11.5.1"},
	};
	static const char *const foreign[2][8] = {
		{"3.2.1", "\"11.5\"", "11.5.1", "10.5.5", "10.8", " 7.1", NULL, NULL},
		{"4.0.1", "11.5.2", "10.3.4", "10.7.2", "10.7.3", "12.10.5", " 7.2", NULL},
	};
	struct fim_json *report = build_sample((enum fim_standard)_i);
	const struct fim_json *statements = fim_json_get(report, "statements");
	char *html = html_of(report);
	size_t i;

	ck_assert_uint_eq(fim_json_count(statements), 7);
	for (i = 0; i < 6; i++)
		ck_assert_str_eq(fim_json_get_str(fim_json_index(statements, i), "requirement"),
				 numbers[_i][i]);
	for (i = 0; foreign[_i][i]; i++) {
		ck_assert_msg(!mentions(report, foreign[_i][i]), "%s", foreign[_i][i]);
		/* The page must not bring its own numbers, either. */
		ck_assert_msg(!strstr(html, foreign[_i][i]), "%s", foreign[_i][i]);
	}
	free(html);
	fim_json_free(report);
}
END_TEST

/* ---- the large journal */

START_TEST(the_same_journal_gives_the_same_bytes)
{
	struct fim_json *first = build_sample(FIM_PCI_DSS_4_0_1);
	struct fim_json *second = build_sample(FIM_PCI_DSS_4_0_1);
	char *texts[2], *pages[2];

	dump(first, &texts[0]);
	dump(second, &texts[1]);
	ck_assert_str_eq(texts[0], texts[1]);
	pages[0] = html_of(first);
	pages[1] = html_of(second);
	ck_assert_str_eq(pages[0], pages[1]);
	free(texts[0]);
	free(texts[1]);
	free(pages[0]);
	free(pages[1]);
	fim_json_free(first);
	fim_json_free(second);
}
END_TEST

START_TEST(the_report_is_the_one_that_was_read_and_agreed_to)
{
	struct fim_json *report = build_sample(FIM_PCI_DSS_4_0_1);
	char path[PATH_MAX + 64], *text, *expected;
	size_t len;

	dump(report, &text);
	snprintf(path, sizeof(path), "%s/" EXPECTED, data_dir);
	ck_assert_int_eq(fim_file_read(path, 1 << 20, &expected, &len), 0);
	if (strcmp(text, expected) != 0) {
		put_text("actual", text);
		snprintf(path, sizeof(path), "diff '%s/" EXPECTED "' actual | head -20 >&2",
			 data_dir);
		(void)!system(path);
	}
	ck_assert_msg(strcmp(text, expected) == 0, "see the difference above");
	free(text);
	free(expected);
	fim_json_free(report);
}
END_TEST

/* Whether an entity meets the standard is the assessor's word. */
START_TEST(nobody_is_called_compliant)
{
	struct fim_json *report = build_sample((enum fim_standard)_i);
	char *text, *html = html_of(report);

	dump(report, &text);
	ck_assert_ptr_null(strcasestr(text, "complian"));
	ck_assert_ptr_null(strcasestr(html, "complian"));
	free(text);
	free(html);
	fim_json_free(report);
}
END_TEST

/* ---- the page */

static size_t occurrences(const char *text, const char *wanted)
{
	size_t found = 0;

	for (; (text = strstr(text, wanted)) != NULL; text += strlen(wanted))
		found++;
	return found;
}

START_TEST(the_page_needs_nothing_but_itself)
{
	static const char *const foreign[] = {"<script", "<link", "<img",    "<iframe",	   "src=",
					      "http://", "url(",  "@import", "javascript:"};
	struct fim_json *report = build_sample(FIM_PCI_DSS_4_0_1);
	char *html = html_of(report);
	size_t i;

	for (i = 0; i < COUNT(foreign); i++)
		ck_assert_msg(!strstr(html, foreign[i]), "%s", foreign[i]);
	ck_assert(fim_is_utf8(html, strlen(html)));
	free(html);
	fim_json_free(report);
}
END_TEST

START_TEST(the_page_can_be_read_with_a_screen_reader)
{
	static const char *const wanted[] = {"<html lang=\"en\">",
					     "<title>",
					     "<main ",
					     "<header ",
					     "<nav ",
					     "<footer>",
					     "name=\"viewport\"",
					     "prefers-color-scheme",
					     "@page",
					     "@media print"};
	struct fim_json *report = build_sample(FIM_PCI_DSS_4_0_1);
	char *html = html_of(report);
	size_t i;

	for (i = 0; i < COUNT(wanted); i++)
		ck_assert_msg(strstr(html, wanted[i]) != NULL, "%s", wanted[i]);
	ck_assert_uint_eq(occurrences(html, "<h1>"), 1);
	ck_assert_uint_eq(occurrences(html, "<table"), occurrences(html, "<caption"));
	ck_assert_uint_eq(occurrences(html, "<th>"), 0);
	ck_assert_uint_eq(occurrences(html, "<svg role=\"img\" aria-label="),
			  occurrences(html, "<svg"));
	free(html);
	fim_json_free(report);
}
END_TEST

/* clang-format off */
static const char *const hostile[] = {
	"</code><script>alert(1)</script>", "\\\" onload=\\\"x", "'><img src=x>", "&lt;b&gt;",
	"\\u202egnp.exe", "\\u0007\\u001b[31m", "</style>", "--><!--", "\\n\\n", "\\u2028", "%s%n",
};
/* clang-format on */

START_TEST(hostile_names_stay_text)
{
	struct fim_json *report;
	char *html, *at_name;

	journal_begin();
	usual_start(0);
	add(1, "finding",
	    "\"kind\":\"modified\",\"severity\":\"high\",\"path\":\"/etc/BEGIN%s\",\"scope\":\"host\","
	    "\"op\":\"%s\",\"changed\":[\"mode\",\"%s\"],\"before\":{\"type\":\"file\",\"mode\":\"%s\"},"
	    "\"after\":{\"type\":\"file\",\"xattrs\":{\"%s\":\"%s\"}},"
	    "\"actor\":{\"exe\":\"%s\",\"args\":[\"%s\"],\"uid\":1,\"user\":\"%s\"},"
	    "\"container\":{\"name\":\"%s\",\"image\":\"%s\"}",
	    hostile[_i], hostile[_i], hostile[_i], hostile[_i], hostile[_i], hostile[_i],
	    hostile[_i], hostile[_i], hostile[_i], hostile[_i], hostile[_i]);
	container(1, "x", "\"image\":\"i\",\"flags\":[]");
	control(2, hostile[_i], "down");
	report = build_all();
	html = html_of(report);
	ck_assert_ptr_null(strstr(html, "<script"));
	ck_assert_ptr_null(strstr(html, "<img"));
	ck_assert_ptr_null(strstr(html, " onload=\""));
	ck_assert_ptr_null(strstr(html, "\x1b"));
	ck_assert_ptr_null(strstr(html, "\xe2\x80\xae"));
	ck_assert_uint_eq(occurrences(html, "</style>"), 1);
	at_name = strstr(html, "BEGIN");
	ck_assert_ptr_nonnull(at_name);
	ck_assert(strcspn(at_name, "<\n\"'") >= strlen("BEGIN"));
	free(html);
	fim_json_free(report);
}
END_TEST

/* The page is made of the JSON report only, whoever wrote that. */
static const char *const strange_reports[] = {
	"{}",
	"[]",
	"null",
	"{\"statements\":7,\"changes\":[],\"containers\":{\"items\":{}},\"period\":\"x\"}",
	"{\"statements\":[null,7,{}],\"changes\":{\"items\":[null,7,{}],\"count\":-5}}",
	"{\"period\":{\"from\":\"2026-01-01\",\"to\":\"2025-01-01\"},\"outages\":{\"items\":[{\"start\":\"x\"}]}}",
	"{\"period\":{\"from\":\"1970-01-02\",\"to\":\"2261-01-01\"},\"comparisons\":{\"items\":[{\"start\":"
	"\"2100-01-01\",\"end\":\"1980-01-01\"}]},\"changes\":{\"items\":[{\"time\":\"2261-01-01\"}]}}",
	"{\"changes\":{\"items\":[{\"before\":[],\"after\":7,\"actor\":7,\"path_hex\":\"zz\",\"changed\":[7]}]}}",
};

START_TEST(a_strange_report_makes_a_strange_page_and_no_more)
{
	struct fim_json *report;
	char *html;

	ck_assert_int_eq(fim_json_parse(strange_reports[_i], strlen(strange_reports[_i]), "report",
					&report),
			 0);
	html = html_of(report);
	ck_assert_ptr_nonnull(strstr(html, "</html>"));
	free(html);
	html = pdf_of(report);
	ck_assert_ptr_nonnull(strstr(html, "%PDF-1.5"));
	free(html);
	fim_json_free(report);
}
END_TEST

/* ---- other formats, other languages */

START_TEST(the_same_journal_gives_the_same_bytes_in_every_format)
{
	struct fim_json *first = build_sample(FIM_PCI_DSS_4_0_1), *oscal[2];
	struct fim_json *second = build_sample(FIM_PCI_DSS_4_0_1);
	const char *head = fim_json_str(fim_json_at(first, "journal/head"));
	char *texts[2];

	texts[0] = html_of(first);
	texts[1] = html_of(second);
	ck_assert_str_eq(texts[0], texts[1]);
	ck_assert_ptr_nonnull(strstr(texts[0], head));
	free(texts[0]);
	free(texts[1]);
	texts[0] = pdf_of(first);
	texts[1] = pdf_of(second);
	ck_assert_str_eq(texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
	ck_assert_int_eq(fim_report_oscal(first, &oscal[0]), 0);
	ck_assert_int_eq(fim_report_oscal(second, &oscal[1]), 0);
	dump(oscal[0], &texts[0]);
	dump(oscal[1], &texts[1]);
	ck_assert_str_eq(texts[0], texts[1]);
	ck_assert_ptr_nonnull(strstr(texts[0], head));
	free(texts[0]);
	free(texts[1]);
	fim_json_free(oscal[0]);
	fim_json_free(oscal[1]);
	fim_json_free(first);
	fim_json_free(second);
}
END_TEST

/* Another period is another document. */
START_TEST(oscal_names_every_document_differently)
{
	struct fim_json *reports[2], *oscal[2];
	int i;

	for (i = 0; i < 2; i++) {
		journal_begin();
		usual_start(0);
		compare(20);
		reports[i] = build(-1, i ? 20 : 10, FIM_PCI_DSS_4_0_1);
		ck_assert_int_eq(fim_report_oscal(reports[i], &oscal[i]), 0);
	}
	ck_assert_str_ne(fim_json_str(fim_json_at(oscal[0], "assessment-results/uuid")),
			 fim_json_str(fim_json_at(oscal[1], "assessment-results/uuid")));
	for (i = 0; i < 2; i++) {
		fim_json_free(oscal[i]);
		fim_json_free(reports[i]);
	}
}
END_TEST

START_TEST(the_japanese_report_has_the_same_facts)
{
	struct fim_report_params params = {.lang = FIM_LANG_JA};
	struct fim_json *english = build_sample(FIM_PCI_DSS_4_0_1), *japanese;
	char path[PATH_MAX + 32], *html;
	size_t i;

	snprintf(path, sizeof(path), "%s/journal.ndjson", data_dir);
	params.journal = path;
	ck_assert_int_eq(fim_report_build(&params, &japanese), 0);
	for (i = ALERTS; i <= ALERT_RESPONSE; i++) {
		ck_assert_str_eq(status(english, i), status(japanese, i));
		ck_assert_uint_eq(
			fim_json_count(fim_json_get(
				fim_json_index(fim_json_get(english, "statements"), i), "reasons")),
			fim_json_count(fim_json_get(
				fim_json_index(fim_json_get(japanese, "statements"), i),
				"reasons")));
	}
	html = html_of(japanese);
	ck_assert_ptr_nonnull(strstr(html, "<html lang=\"ja\">"));
	ck_assert_ptr_nonnull(strstr(html, "証拠不十分"));
	free(html);
	html = pdf_of(japanese);
	ck_assert_ptr_nonnull(strstr(html, "/Lang(ja)"));
	free(html);
	fim_json_free(english);
	fim_json_free(japanese);
}
END_TEST

START_TEST(a_csv_file_ends_with_the_journal_that_it_was_made_of)
{
	struct fim_report_params params = {.journal = "journal.ndjson"};
	struct fim_json *report;
	char *csv, *last;
	size_t len;

	journal_begin();
	usual_start(0);
	finding(1, "/etc/=cmd|' /C calc'!A0");
	fclose(journal);
	journal = NULL;
	params.changes_csv = open_memstream(&csv, &len);
	ck_assert_int_eq(fim_report_build(&params, &report), 0);
	fim_report_csv_end(report, params.changes_csv);
	fclose(params.changes_csv);
	last = strstr(csv, "\"journal\"");
	ck_assert_ptr_nonnull(last);
	ck_assert_ptr_nonnull(strstr(last, "records 1 to 5"));
	ck_assert_ptr_nonnull(strstr(last, fim_json_str(fim_json_at(report, "journal/head"))));
	free(csv);
	fim_json_free(report);
}
END_TEST

/* Who signed, what was agreed to since, and what the host said of itself, in each format. */
START_TEST(a_baselines_signer_and_the_hosts_facts_are_in_every_format)
{
	static const char *const facts[] = {"golden", "blue fleet", "Module Signer", "dd11dd11",
					    "container-instance/prod/5d0f"};
	struct fim_json *report, *oscal;
	char *html, *text;
	size_t i, len;

	journal_begin();
	add(0, "control",
	    "\"component\":\"daemon\",\"state\":\"up\",\"cause\":\"c\",\"detail\":{\"hostname\":\"h\","
	    "\"auto_scaling_group\":\"blue fleet\",\"module_signer\":\"Module Signer\","
	    "\"kernel\":\" not for OSCAL\"}");
	add(0.5, "control",
	    "\"component\":\"host\",\"state\":\"info\",\"cause\":\"c\",\"detail\":{"
	    "\"container_instance_arn\":\"arn:aws:ecs:x:1:container-instance/prod/5d0f\"}");
	add(1, "baseline",
	    "\"digest\":\"dd11dd11\",\"key_id\":\"k1\",\"key_file\":\"/etc/keys/golden.pem\",\"signature\":"
	    "\"valid\",\"count\":2,\"path\":\"/b\",\"policy_digest\":\"p1\",\"policy\":{\"roots\":[\"/etc\"],"
	    "\"rules\":[]},\"deltas\":[{\"kind\":\"enrollment\",\"digest\":\"e1e1\",\"count\":7,\"entries\":"
	    "[{\"path\":\"/etc/machine-id\",\"class\":\"templated\",\"why\":\"by systemd\"}]}]");
	report = build_all();
	html = html_of(report);
	ck_assert_int_eq(fim_report_oscal(report, &oscal), 0);
	ck_assert_int_eq(fim_json_dump(oscal, &text, &len), 0);
	for (i = 0; i < COUNT(facts); i++) {
		ck_assert_msg(strstr(html, facts[i]) != NULL, "HTML: %s", facts[i]);
		ck_assert_msg(strstr(text, facts[i]) != NULL, "OSCAL: %s", facts[i]);
	}
	ck_assert_ptr_nonnull(strstr(html, "e1e1"));
	ck_assert_ptr_nonnull(strstr(html, "/etc/machine-id"));
	ck_assert_ptr_nonnull(strstr(html, "templated · "));
	ck_assert_ptr_nonnull(strstr(html, "by systemd"));
	ck_assert_ptr_null(strstr(text, "not for OSCAL"));
	ck_assert_str_eq(fim_json_get_str(item(report, "baselines", 0), "signer"), "golden");
	free(html);
	free(text);
	fim_json_free(oscal);
	fim_json_free(report);
}
END_TEST

/* Only of the time in which the daemon ran and the kernel said so, and only of the period. */
START_TEST(how_long_the_clock_was_not_synchronised_is_added_up)
{
	static const char right[] = "\"component\":\"host\",\"state\":\"info\",\"cause\":\"c\","
				    "\"detail\":{\"clock\":{\"state\":\"synchronised\","
				    "\"max_error_us\":4000,\"service\":\"chronyd\"}}";
	static const char wrong[] = "\"component\":\"daemon\",\"state\":\"up\",\"cause\":\"c\","
				    "\"detail\":{\"clock\":{\"state\":\"not synchronised\"}}";
	const struct fim_json *clock;
	struct fim_json *report;

	journal_begin();
	add(0, "control", wrong);
	add(3, "control", right);
	add(5, "control", "\"component\":\"daemon\",\"state\":\"down\",\"cause\":\"c\"");
	add(6, "control", wrong);
	add(6.5, "control", right);
	add(7, "finding", "\"kind\":\"modified\",\"severity\":\"high\",\"path\":\"/a\"");
	report = build(1, 10, FIM_PCI_DSS_4_0_1);
	clock = fim_json_get(report, "clock");
	ck_assert_int_eq(fim_json_get_int(clock, "not_synchronised_ms", -1), 2 * 3600000 + 1800000);
	ck_assert_str_eq(fim_json_get_str(clock, "state"), "synchronised");
	ck_assert_str_eq(fim_json_get_str(clock, "service"), "chronyd");
	fim_json_free(report);
}
END_TEST

/* What a session of ECS Exec touched, who asked for it, and with which program. */
START_TEST(a_session_is_shown_with_its_principal_its_files_and_the_program)
{
	static const char *const facts[] = {"ecs-execute-command-1", "arn:aws:iam::1:user/eve",
					    "203.0.113.9", "/etc/passwd", "aa11bb22"};
	const struct fim_json *session;
	struct fim_json *report;
	char *html;

	journal_begin();
	usual_start(0);
	add(1, "access",
	    "\"action\":\"ecs-exec-used\",\"session_id\":\"ecs-execute-command-1\","
	    "\"severity\":\"high\",\"container\":{\"id\":\"c1\",\"name\":\"web\"}");
	add(2, "finding",
	    "\"kind\":\"modified\",\"severity\":\"high\",\"path\":\"/etc/passwd\",\"scope\":"
	    "\"container\",\"access\":{\"by\":\"ecs-exec\",\"session_id\":"
	    "\"ecs-execute-command-1\"},\"actor\":{\"pid\":7,\"exe\":\"/bin/sh\","
	    "\"exe_sha256\":\"aa11bb22\"}");
	add(3, "finding",
	    "\"kind\":\"rule\",\"severity\":\"high\",\"rule\":\"exec\",\"cloudtrail\":{"
	    "\"event_name\":\"ExecuteCommand\",\"session\":\"ecs-execute-command-1\","
	    "\"user_arn\":\"arn:aws:iam::1:user/eve\",\"source_ip\":\"203.0.113.9\"}");
	report = build_all();
	session = item(report, "sessions", 0);
	ck_assert_str_eq(fim_json_get_str(session, "state"), "used");
	ck_assert_int_eq(fim_json_get_int(session, "changes", -1), 1);
	ck_assert_str_eq(fim_json_str(fim_json_at(session, "request/user_arn")),
			 "arn:aws:iam::1:user/eve");
	html = html_of(report);
	for (size_t i = 0; i < COUNT(facts); i++)
		ck_assert_msg(strstr(html, facts[i]) != NULL, "%s", facts[i]);
	free(html);
	fim_json_free(report);
}
END_TEST

/* In the record of the baseline that brought it; nothing where the policy is the same. */
START_TEST(a_policy_that_changed_is_shown_rule_by_rule)
{
	static const struct {
		const char *change, *at, *value;
	} wanted[] = {
		{"removed", "root", "/opt"},
		{"added", "root", "/usr/sbin"},
		{"added", "after/reason", "spool"},
		{"changed", "after/class", "excluded"},
		{"removed", "before/path", "/etc/old"},
	};
	const struct fim_json *changes;
	struct fim_json *report;
	char *html;

	journal_begin();
	add(0, "baseline",
	    "\"digest\":\"d1\",\"policy_digest\":\"p1\",\"policy\":{\"roots\":[\"/etc\",\"/opt\"],"
	    "\"rules\":[{\"path\":\"/etc/old\",\"class\":\"strict\"},"
	    "{\"path\":\"/etc/mtab\",\"class\":\"strict\"},{\"path\":\"/etc/x\",\"class\":\"once\"}]}");
	add(1, "baseline",
	    "\"digest\":\"d2\",\"policy_digest\":\"p2\",\"policy\":{\"roots\":[\"/etc\","
	    "\"/usr/sbin\"],\"rules\":[{\"path\":\"/etc/x\",\"class\":\"once\"},"
	    "{\"path\":\"/etc/mtab\",\"class\":\"excluded\",\"reason\":\"<moves>\",\"approver\":"
	    "\"jane\"},{\"path\":\"/etc/cron\",\"class\":\"once\",\"reason\":\"spool\"}]}");
	add(2, "baseline",
	    "\"digest\":\"d3\",\"policy_digest\":\"p2\",\"policy\":{\"roots\":[\"/etc\"],"
	    "\"rules\":[]}");
	report = build_all();
	ck_assert_ptr_null(fim_json_get(item(report, "baselines", 0), "policy_changes"));
	ck_assert_ptr_null(fim_json_get(item(report, "baselines", 2), "policy_changes"));
	changes = fim_json_get(item(report, "baselines", 1), "policy_changes");
	ck_assert_uint_eq(fim_json_count(changes), COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++) {
		const struct fim_json *change = fim_json_index(changes, i);

		ck_assert_str_eq(fim_json_get_str(change, "change"), wanted[i].change);
		ck_assert_str_eq(fim_json_str(fim_json_at(change, wanted[i].at)), wanted[i].value);
	}
	html = html_of(report);
	ck_assert_ptr_nonnull(strstr(html, "/etc/cron"));
	ck_assert_ptr_nonnull(strstr(html, "&lt;moves&gt; · jane"));
	free(html);
	fim_json_free(report);
}
END_TEST

/* A cell grows to four times what the record has, and nothing in it ends it early. */
START_TEST(a_csv_cell_holds_any_name)
{
	struct fim_report_params params = {.journal = "journal.ndjson"};
	char path[1 + 300 * 6 + 8] = "/", expected[300 * 4 + 16] = ",\"/";
	struct fim_json *report;
	size_t i, len;
	char *csv;

	for (i = 0; i < 300; i++) {
		strcat(path, "\\u0001");
		strcat(expected, "\\x01");
	}
	strcat(path, "\\\"\\\\,");
	strcat(expected, "\"\"\\x5c,\",");
	journal_begin();
	usual_start(0);
	finding(1, path);
	add(2, "finding",
	    "\"kind\":\"modified\",\"severity\":\"high\",\"path\":\"=a\",\"scope\":\"host\","
	    "\"before\":{\"size\":1},\"actor\":{\"args\":[\"a\"],\"uid\":null,\"pid\":7}");
	fclose(journal);
	journal = NULL;
	params.changes_csv = open_memstream(&csv, &len);
	ck_assert_int_eq(fim_report_build(&params, &report), 0);
	fclose(params.changes_csv);
	ck_assert_ptr_nonnull(strstr(csv, expected));
	ck_assert_ptr_nonnull(strstr(csv, ",\"'=a\",,,,,,,,,,,,1,,,,,,,,7,,,\"[\"\"a\"\"]\",,"));
	free(csv);
	fim_json_free(report);
}
END_TEST

START_TEST(every_word_that_a_record_holds_is_in_japanese)
{
	/* Those that are written where no function names them. */
	static const char *const words[] = {
		"daemon",
		"module",
		"ring",
		"docker",
		"baseline",
		"comparison",
		"sink",
		"watch",
		"rules",
		"cloudtrail",
		"journal",
		"host",
		"container",
		"place",
		"access",
		"rule",
		"start-up",
		"scheduled",
		"overflow",
		"request",
		"event",
		"added",
		"gone",
		"moved",
		"removed",
		"changed",
		"down",
		"degraded",
		"docker-exec",
		"ecs-exec-armed",
		"ecs-exec-used",
		"ecs-exec-forged",
		"attach",
		"copy",
		"archive-path",
		"extract-to-dir",
		"commit",
		"exec",
		"ecs-exec",
		"forged-ecs-exec",
		"signed",
		"unsigned",
		"lockdown",
		"module signatures enforced",
		"tainted",
		"ftrace enabled",
		"livepatch",
		"daemon sha256",
		"tool sha256",
		"module version",
		"module file",
		"module sha256",
		"module signer",
		"cluster arn",
		"instance id",
		"image id",
		"system executables",
		"application executables",
		"configuration and parameter files",
	};
	uint32_t op, bit;
	int i;

	/* In English a word stands for itself: only Japanese has others for all of them. */
#define ASSERT_JAPANESE(word)                                                         \
	do {                                                                          \
		const char *word_ = word;                                             \
		ck_assert_msg(fim_tr_name(FIM_LANG_JA, word_) != word_, "%s", word_); \
	} while (0)
	for (i = 0; i < (int)COUNT(words); i++)
		ASSERT_JAPANESE(words[i]);
	for (op = FIM_OP_WRITE; strcmp(fim_op_name(op), "unknown") != 0; op++)
		ASSERT_JAPANESE(fim_op_name(op));
	ck_assert_uint_gt(op, FIM_OP_UNLOAD);
	for (i = 0; i <= FIM_CLASS_EXCLUDED; i++)
		ASSERT_JAPANESE(fim_class_name((enum fim_class)i));
	for (i = 0; i <= FIM_KIND_UNREADABLE; i++)
		ASSERT_JAPANESE(fim_kind_name((enum fim_kind)i));
	for (i = 0; i <= FIM_SEVERITY_CRITICAL; i++)
		ASSERT_JAPANESE(fim_severity_name((enum fim_severity)i));
	for (i = FIM_TYPE_NONE; i <= FIM_TYPE_SOCKET; i++)
		ASSERT_JAPANESE(fim_type_name((enum fim_type)i));
	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (strcmp(fim_diff_name(bit), "uid") != 0 &&
		    strcmp(fim_diff_name(bit), "gid") != 0)
			ASSERT_JAPANESE(fim_diff_name(bit));
#undef ASSERT_JAPANESE
}
END_TEST

START_TEST(the_cover_shows_no_empty_fact_and_names_the_tool)
{
	struct fim_json *report;
	char *html;

	journal_begin();
	add(0, "control",
	    "\"component\":\"daemon\",\"state\":\"up\",\"cause\":\"c\",\"detail\":{\"livepatch\":\"\","
	    "\"hostname\":\"h\",\"module_signature\":\"unsigned\"}");
	report = build_all();
	html = html_of(report);
	ck_assert_ptr_null(strstr(html, "ivepatch"));
	ck_assert_ptr_nonnull(strstr(html, ">Hostname<"));
	ck_assert_ptr_nonnull(strstr(html, "ecs-fim " FIM_VERSION));
	ck_assert_ptr_nonnull(strstr(html, ">Made with<"));
	free(html);
	fim_json_free(report);
}
END_TEST

/* ---- alerts */

static void say_alert(double hours, const char *action, int alert, const char *more)
{
	add(hours, "alert", "\"action\":\"%s\",\"alert\":%d%s", action, alert, more);
}

static const struct {
	const char *actions[3];
	const char *state;
	const char *status;
	double until;
} lives[] = {
	{{NULL}, "unhandled", "insufficient evidence", 40},
	{{"delivered"}, "unhandled", "insufficient evidence", 40},
	{{"acknowledged"}, "acknowledged", "met", 40},
	{{"closed"}, "closed", "met", 40},
	{{"acknowledged", "closed"}, "closed", "met", 40},
	{{"closed", "acknowledged"}, "closed", "met", 40},
};

START_TEST(an_alert_has_a_life)
{
	const struct fim_json *alert;
	struct fim_json *report;
	int i, seq_of_finding;

	journal_begin();
	usual_start(0);
	finding(1, "/etc/a");
	seq_of_finding = (int)seq;
	for (i = 0; i < 3 && lives[_i].actions[i]; i++)
		say_alert(2 + i, lives[_i].actions[i], seq_of_finding,
			  ",\"by\":\"eve\",\"reason\":\"why\",\"sink\":\"syslog\"");
	compare(lives[_i].until);
	report = build_all();
	alert = item(report, "alerts", 0);
	ck_assert_str_eq(fim_json_get_str(alert, "state"), lives[_i].state);
	ASSERT_STATUS(report, ALERT_RESPONSE, lives[_i].status);
	if (strcmp(lives[_i].state, "acknowledged") == 0)
		ck_assert_int_eq(fim_json_get_int(alert, "acknowledged_ms", 0), 3600 * 1000);
	fim_json_free(report);
}
END_TEST

START_TEST(unhandled_alerts_come_first_and_count_after_a_day)
{
	struct fim_json *report;
	int first;

	journal_begin();
	usual_start(0);
	finding(1, "/etc/a");
	first = (int)seq;
	finding(2, "/etc/b");
	say_alert(3, "acknowledged", first, ",\"by\":\"eve\"");
	say_alert(3, "acknowledged", 4000, ",\"by\":\"eve\"");
	compare(_i ? 40 : 5);
	report = build_all();
	ck_assert_str_eq(fim_json_get_str(item(report, "alerts", 0), "path"), "/etc/b");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "alerts"), "unhandled", 0), 1);
	ASSERT_STATUS(report, ALERT_RESPONSE, _i ? "not met" : "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(an_alert_of_the_host_is_not_called_a_container_s)
{
	const struct fim_json *alert;
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	add(1, "place",
	    "\"action\":\"traced\",\"severity\":\"critical\",\"scope\":\"host\",\"path\":\"/d\"");
	report = build_all();
	alert = item(report, "alerts", 0);
	ck_assert_str_eq(fim_json_get_str(alert, "scope"), "host");
	ck_assert_str_eq(fim_json_get_str(alert, "text"), "traced /d");
	fim_json_free(report);
}
END_TEST

START_TEST(alerts_are_counted_as_alerts_and_need_a_destination)
{
	struct fim_json *report;

	journal_begin();
	usual_start(0);
	finding(1, "/etc/a");
	if (_i == 1)
		add(1, "alert", "\"action\":\"delivered\",\"sink\":\"syslog\",\"alerts\":[%d]",
		    (int)seq);
	add(1, "container", "\"container\":{\"id\":\"c\",\"name\":\"c\",\"flagged\":true}");
	if (_i == 1)
		add(1, "alert", "\"action\":\"delivered\",\"sink\":\"audit\",\"alerts\":[%d]",
		    (int)seq);
	/* What is raised just before the end may yet be delivered. */
	compare(_i == 2 ? 1.5 : 5);
	report = build_all();
	ck_assert(mentions(fim_json_get(report, "statements"), "2 alerts were raised;"));
	ck_assert(!mentions(fim_json_get(report, "statements"), "2 changes"));
	ck_assert_int_eq(mentions(fim_json_get(report, "statements"),
				  "2 of 2 alerts are not recorded as delivered"),
			 _i == 0);
	ASSERT_STATUS(report, ALERTS, _i ? "met" : "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(an_alert_says_who_did_it_whatever_was_done)
{
	static const char actor[] =
		"\"actor\":{\"pid\":7,\"uid\":0,\"user\":\"root\",\"loginuid\":1000,\"login_user\":"
		"\"eve\",\"exe\":\"/usr/bin/mount\",\"args\":[\"x\"]}";
	static const char shown[] = "by <code>/usr/bin/mount</code> pid 7, root (uid 0), eve "
				    "(loginuid 1000), container web";
	const struct fim_json *alert;
	struct fim_json *report;
	char *html, *pdf;

	journal_begin();
	usual_start(0);
	if (_i)
		add(1, "place",
		    "\"action\":\"shadowed\",\"severity\":\"high\",\"scope\":\"host\",\"path\":\"/etc\","
		    "%s,\"container\":{\"id\":\"c\",\"name\":\"web\"}",
		    actor);
	else
		add(1, "finding",
		    "\"kind\":\"added\",\"severity\":\"high\",\"scope\":\"host\",\"path\":\"/etc/a\","
		    "\"changed\":[],%s,\"container\":{\"id\":\"c\",\"name\":\"web\"}",
		    actor);
	report = build_all();
	alert = item(report, "alerts", 0);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(alert, "actor"), "loginuid", 0), 1000);
	ck_assert_ptr_null(fim_json_at(alert, "actor/args"));
	ck_assert_str_eq(fim_json_get_str(alert, "container"), "web");
	html = html_of(report);
	ck_assert_ptr_nonnull(strstr(html, shown));
	/* What happened to a place is said once. */
	ck_assert_ptr_null(strstr(html, "/etc</code>shadowed"));
	pdf = pdf_of(report);
	free(pdf);
	free(html);
	fim_json_free(report);
}
END_TEST

/* Not within a test: nothing of Check may be used. */
static int update(void)
{
	char journal_path[PATH_MAX + 32], path[PATH_MAX + 32], *text;
	struct fim_report_params params = {.journal = journal_path};
	struct fim_json *report;
	size_t len;

	snprintf(journal_path, sizeof(journal_path), "%s/journal.ndjson", data_dir);
	snprintf(path, sizeof(path), "%s/" EXPECTED, data_dir);
	if (fim_report_build(&params, &report) || fim_json_dump_pretty(report, &text, &len) ||
	    fim_file_write_atomic(path, text, len, 0644)) {
		fprintf(stderr, "%s: cannot update\n", path);
		return EXIT_FAILURE;
	}
	free(text);
	fim_json_free(report);
	return EXIT_SUCCESS;
}

static void add_statement_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_quiet_well_kept_host_meets_what_can_be_shown);
	tcase_add_loop_test(tcase, more_than_a_week_between_two_comparisons_is_not_met, 0,
			    COUNT(gaps));
	tcase_add_loop_test(tcase, more_than_a_week_without_a_first_or_a_next_comparison_is_not_met,
			    0, 2);
	tcase_add_test(tcase, a_host_that_fell_silent_has_insufficient_evidence);
	tcase_add_test(tcase, a_journal_that_begins_after_the_period_has_insufficient_evidence);
	tcase_add_test(tcase, without_a_baseline_nothing_can_be_found);
	tcase_add_test(tcase, a_comparison_of_a_part_does_not_count);
	tcase_add_test(tcase, files_that_could_not_be_read_were_not_compared);
	tcase_add_test(tcase, a_comparison_from_the_future_is_no_evidence);
	tcase_add_test(tcase, records_that_say_nothing_usable_are_counted);
	tcase_add_test(tcase, a_clock_that_goes_back_makes_durations_uncertain);
	tcase_add_loop_test(tcase, an_outage_is_judged_by_how_it_ended, 0, COUNT(outages));
	tcase_add_test(tcase, a_finding_while_no_alert_could_leave_is_insufficient_evidence);
	tcase_add_loop_test(tcase, a_daemon_that_starts_without_having_stopped_was_interrupted, 0,
			    3);
	tcase_add_loop_test(tcase, an_outage_said_by_the_next_start_begins_when_the_last_run_ended,
			    0, 2);
	tcase_add_test(tcase, up_ends_every_cause_of_a_component);
	tcase_add_loop_test(tcase, an_outage_of_one_sink_is_not_ended_by_another, 0, 2);
	tcase_add_test(tcase, a_daemon_that_said_goodbye_is_one_outage_only);
	tcase_add_loop_test(tcase, a_stop_at_the_very_end_is_no_failure_of_the_period, 0, 2);
	tcase_add_loop_test(tcase, lost_events_need_a_comparison_after_them, 0, 2);
	tcase_add_test(tcase, only_what_is_in_the_period_is_shown);
	tcase_add_test(tcase, the_rest_of_a_broken_journal_is_no_evidence);
	tcase_add_test(tcase, what_is_not_met_stays_so_in_a_broken_journal);
	tcase_add_test(tcase, containers_with_power_come_first_and_each_once);
	tcase_add_test(tcase, a_container_that_was_gone_before_the_period_is_not_in_it);
	tcase_add_loop_test(tcase, an_exception_is_shown_and_counts, 0, 2);
	tcase_add_loop_test(tcase, logs_that_may_only_grow_are_said_to_be_watched, 0, 2);
}

static void add_page_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_standard_is_known_by_two_names);
	tcase_add_loop_test(tcase, numbers_of_the_two_standards_are_never_mixed, 0, 2);
	tcase_add_test(tcase, the_same_journal_gives_the_same_bytes);
	tcase_add_test(tcase, the_report_is_the_one_that_was_read_and_agreed_to);
	tcase_add_loop_test(tcase, nobody_is_called_compliant, 0, 2);
	tcase_add_test(tcase, the_page_needs_nothing_but_itself);
	tcase_add_test(tcase, the_page_can_be_read_with_a_screen_reader);
	tcase_add_loop_test(tcase, hostile_names_stay_text, 0, COUNT(hostile));
	tcase_add_loop_test(tcase, a_strange_report_makes_a_strange_page_and_no_more, 0,
			    COUNT(strange_reports));
}

static void add_format_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_same_journal_gives_the_same_bytes_in_every_format);
	tcase_add_test(tcase, oscal_names_every_document_differently);
	tcase_add_test(tcase, the_japanese_report_has_the_same_facts);
	tcase_add_test(tcase, a_csv_file_ends_with_the_journal_that_it_was_made_of);
	tcase_add_test(tcase, how_long_the_clock_was_not_synchronised_is_added_up);
	tcase_add_test(tcase, a_session_is_shown_with_its_principal_its_files_and_the_program);
	tcase_add_test(tcase, a_policy_that_changed_is_shown_rule_by_rule);
	tcase_add_test(tcase, a_csv_cell_holds_any_name);
	tcase_add_test(tcase, a_baselines_signer_and_the_hosts_facts_are_in_every_format);
	tcase_add_loop_test(tcase, an_alert_has_a_life, 0, COUNT(lives));
	tcase_add_loop_test(tcase, unhandled_alerts_come_first_and_count_after_a_day, 0, 2);
	tcase_add_test(tcase, an_alert_of_the_host_is_not_called_a_container_s);
	tcase_add_loop_test(tcase, alerts_are_counted_as_alerts_and_need_a_destination, 0, 3);
	tcase_add_loop_test(tcase, an_alert_says_who_did_it_whatever_was_done, 0, 2);
	tcase_add_test(tcase, every_word_that_a_record_holds_is_in_japanese);
	tcase_add_test(tcase, the_cover_shows_no_empty_fact_and_names_the_tool);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("report");
	TCase *tcase = tcase_create("report");

	/* Run from the top of the tree; each test has a directory of its own. */
	if (!realpath("tests/data/report", data_dir)) {
		perror("tests/data/report");
		return EXIT_FAILURE;
	}
	if (argc > 1 && strcmp(argv[1], "--update") == 0)
		return update();
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, an_empty_journal_is_insufficient_evidence_of_everything);
	tcase_add_test(tcase, a_torn_journal_is_said_and_reported);
	tcase_add_test(tcase, a_missing_journal_is_an_error);
	tcase_add_test(tcase, a_period_that_ends_before_it_begins_is_refused);
	add_statement_tests(tcase);
	add_page_tests(tcase);
	add_format_tests(tcase);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
