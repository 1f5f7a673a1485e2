/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the evidence of a period amounts to, requirement by requirement.  Pure.
 *
 * The vocabulary is: met, not met, insufficient evidence.  "Met" is said of what
 * the journal shows and of nothing else; what it cannot show stands beside it in
 * not_shown.  When in doubt the answer is "insufficient evidence": whether the
 * entity meets the standard is the assessor's word, not ours.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* Records to look up that a statement names; the sections hold all. */
#define MAX_POINTERS 20
/* The daemon compares daily unless told otherwise: two of these without a record is silence. */
#define SILENCE_NS (2 * FIM_DAY_NS)
/* From start to the first baseline: longer is a time without a control. */
#define START_NS  (3600 * FIM_NSEC_PER_SEC)
#define TEXT_SIZE 48

/*
 * struct requirement - one row per statement
 * @number: in each standard; they must never be mixed
 * @title: what it asks for, in our words
 * @not_shown: what an assessor has to look for elsewhere
 * @section: part of the report that holds the evidence
 */
struct requirement {
	const char *number[2];
	const char *title;
	const char *not_shown;
	const char *sections[3];
	void (*judge)(const struct fim_ledger *ledger, struct fim_verdict *verdict);
};

const char *fim_standard_name(enum fim_standard standard)
{
	return standard == FIM_PCI_DSS_3_2_1 ? "PCI DSS v3.2.1" : "PCI DSS v4.0.1";
}

/* ------------------------------------------------------------------- words */

const char *fim_verdict_name(const struct fim_verdict *verdict)
{
	static const char *const names[] = {
		[FIM_MET] = "met",
		[FIM_INSUFFICIENT] = "insufficient evidence",
		[FIM_NOT_MET] = "not met",
	};

	return names[verdict->status];
}

void fim_verdict_say(struct fim_verdict *verdict, enum fim_verdict_status status, const char *fmt,
		     ...)
{
	char *reason;
	va_list args;
	int len;

	if (status > verdict->status)
		verdict->status = status;
	va_start(args, fmt);
	len = vasprintf(&reason, fim_tr(verdict->lang, fmt), args);
	va_end(args);
	if (len < 0) {
		verdict->err = -ENOMEM;
		return;
	}
	fim_json_append_str(verdict->reasons, reason);
	free(reason);
}

static void point(struct fim_verdict *verdict, uint64_t seq)
{
	struct fim_json *number = fim_json_object();

	/* Arrays of numbers are not in libfim.h; an object per pointer says what it is as well. */
	if (seq && fim_json_count(verdict->records) < MAX_POINTERS) {
		fim_json_set_int(number, "seq", (int64_t)seq);
		fim_json_append(verdict->records, number);
	} else {
		fim_json_free(number);
	}
}

/* "2026-11-22 09:41:00 UTC" */
static const char *time_text(int64_t time_ns, char text_ret[TEXT_SIZE])
{
	char full[FIM_TIME_SIZE];

	fim_time_format(time_ns, full);
	snprintf(text_ret, TEXT_SIZE, "%.10s %.8s UTC", full, full + 11);
	return text_ret;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* The two largest units are enough for a reader. */
static const char *duration_text(enum fim_lang lang, int64_t ns, char text_ret[TEXT_SIZE])
{
	int64_t seconds = ns / FIM_NSEC_PER_SEC;

	if (seconds >= 86400)
		snprintf(text_ret, TEXT_SIZE, fim_tr(lang, "%" PRId64 " d %" PRId64 " h"),
			 seconds / 86400, seconds % 86400 / 3600);
	else if (seconds >= 3600)
		snprintf(text_ret, TEXT_SIZE, fim_tr(lang, "%" PRId64 " h %" PRId64 " min"),
			 seconds / 3600, seconds % 3600 / 60);
	else if (seconds >= 60)
		snprintf(text_ret, TEXT_SIZE, fim_tr(lang, "%" PRId64 " min %" PRId64 " s"),
			 seconds / 60, seconds % 60);
	else
		snprintf(text_ret, TEXT_SIZE, fim_tr(lang, "%" PRId64 " s"), seconds);
	return text_ret;
}

/* ----------------------------------------------------------------- outages */

/* Without these, a change is not noticed when it happens. Docker only tells whose container it was. */
static bool is_detection(const struct fim_outage *outage)
{
	static const char *const components[] = {"daemon",   "module", "ring",	    "source",
						 "baseline", "watch",  "comparison"};
	size_t i;

	for (i = 0; i < sizeof(components) / sizeof(components[0]); i++)
		if (strcmp(outage->component, components[i]) == 0)
			return true;
	return false;
}

static bool is_sink(const struct fim_outage *outage)
{
	return strcmp(outage->component, "sink") == 0;
}

/* The period ends with it, as a report of a host that was shut down does: no time was lost yet. */
static bool is_at_end(const struct fim_ledger *ledger, const struct fim_outage *outage)
{
	return !outage->end_ns && outage->start_ns >= ledger->to_ns;
}

/* A complete comparison that began after it finds what was changed meanwhile. */
static bool is_covered(const struct fim_ledger *ledger, int64_t end_ns)
{
	return end_ns && ledger->last_full_ns >= end_ns;
}

static bool is_down(const struct fim_outage *outage)
{
	return strcmp(outage->state, "down") == 0;
}

static void judge_detection_outages(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	uint64_t down = 0, degraded = 0, uncovered = 0, closed = 0;
	const struct fim_outage *outage;
	size_t i;

	for (i = 0; i < ledger->outage_count; i++) {
		outage = &ledger->outages[i];
		if (!is_detection(outage) || is_at_end(ledger, outage))
			continue;
		if (is_covered(ledger, outage->end_ns)) {
			closed++;
			continue;
		}
		down += !outage->end_ns && is_down(outage);
		degraded += !outage->end_ns && !is_down(outage);
		uncovered += outage->end_ns != 0;
		point(verdict, outage->start_seq);
	}
	if (down)
		fim_verdict_say(verdict, FIM_NOT_MET,
				"At the end of the period %" PRIu64
				" part%s of the control did not work.",
				down, plural(down));
	if (degraded)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"At the end of the period %" PRIu64
				" part%s of the control worked in part only.",
				degraded, plural(degraded));
	if (uncovered)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64
				" outage%s ended, but no complete comparison followed: what "
				"changed meanwhile is not known.",
				uncovered, plural(uncovered));
	if (closed)
		fim_verdict_say(verdict, FIM_MET,
				"%" PRIu64
				" outage%s ended and a complete comparison followed: what "
				"differed by then was found, what was undone before it was not.",
				closed, plural(closed));
}

static void judge_sink_outages(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	const struct fim_outage *outage;
	uint64_t findings = 0;
	size_t i;

	for (i = 0; i < ledger->outage_count; i++) {
		outage = &ledger->outages[i];
		if (!is_sink(outage) || (!outage->findings && outage->end_ns))
			continue;
		point(verdict, outage->start_seq);
		findings += outage->findings;
		if (!outage->end_ns)
			fim_verdict_say(
				verdict, is_down(outage) ? FIM_NOT_MET : FIM_INSUFFICIENT,
				"At the end of the period alerts could not be delivered: %s.",
				outage->cause);
	}
	if (findings)
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"%" PRIu64
			" finding%s recorded while alerts could not be delivered to every "
			"destination; the journal does not show whether anybody was alerted.",
			findings, findings == 1 ? " was" : "s were");
}

/* A change that nobody can have heard of raised no alert. */
static void judge_delivery(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	const struct fim_alert_sum *alerts = &ledger->alerts;

	if (alerts->undelivered)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64 " of %" PRIu64
				" alerts are not recorded as delivered to any destination.",
				alerts->undelivered, alerts->count);
}

static void judge_losses(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	uint64_t uncovered = 0;
	size_t i;

	for (i = 0; i < ledger->loss_count; i++) {
		if (is_covered(ledger, ledger->losses[i].time_ns))
			continue;
		uncovered += ledger->losses[i].lost;
		point(verdict, ledger->losses[i].seq);
	}
	if (uncovered)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64 " event%s lost and no complete comparison followed.",
				uncovered, uncovered == 1 ? " was" : "s were");
	else if (ledger->lost)
		fim_verdict_say(verdict, FIM_MET,
				"%" PRIu64
				" event%s lost; a complete comparison followed each loss.",
				ledger->lost, ledger->lost == 1 ? " was" : "s were");
}

/* ----------------------------------------------------------------- silence */

/* A host that says nothing is not a host where nothing happened. */
static bool judge_silence(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	char when[TEXT_SIZE], how_long[TEXT_SIZE];

	if (!ledger->records) {
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The journal holds no record of the period.");
		return true;
	}
	if (ledger->first_ns - ledger->from_ns > SILENCE_NS)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The journal begins on %s, %s after the period does.",
				time_text(ledger->first_ns, when),
				duration_text(verdict->lang, ledger->first_ns - ledger->from_ns,
					      how_long));
	if (ledger->to_ns - ledger->last_ns > SILENCE_NS)
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"The last record is of %s; nothing is known of the %s until the end of the "
			"period.",
			time_text(ledger->last_ns, when),
			duration_text(verdict->lang, ledger->to_ns - ledger->last_ns, how_long));
	return false;
}

/* ------------------------------------------------------------ requirements */

static void judge_alerts(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	char when[TEXT_SIZE];
	int64_t from_ns = ledger->from_ns > ledger->first_ns ? ledger->from_ns : ledger->first_ns;

	if (judge_silence(ledger, verdict))
		return;
	point(verdict, ledger->baseline_seq);
	if (!ledger->baseline_ns)
		fim_verdict_say(
			verdict, FIM_NOT_MET,
			"No signed baseline was accepted, so there was nothing to compare with.");
	else if (ledger->baseline_ns - from_ns > START_NS)
		fim_verdict_say(verdict, FIM_INSUFFICIENT, "No baseline was in force before %s.",
				time_text(ledger->baseline_ns, when));
	if (!ledger->health_known)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The journal does not say when the control was running.");
	judge_detection_outages(ledger, verdict);
	judge_sink_outages(ledger, verdict);
	judge_delivery(ledger, verdict);
	judge_losses(ledger, verdict);
	if (ledger->baseline_ns)
		fim_verdict_say(
			verdict, FIM_MET,
			"Files were watched against a baseline whose signature was checked; "
			"%" PRIu64 " change%s recorded.",
			ledger->findings, ledger->findings == 1 ? " was" : "s were");
}

static void judge_gap(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	char gap[TEXT_SIZE], from[TEXT_SIZE], to[TEXT_SIZE];
	bool too_long = ledger->gap_ns > FIM_WEEK_NS;

	point(verdict, ledger->gap_seq);
	if (ledger->full_runs || too_long)
		fim_verdict_say(
			verdict, too_long ? FIM_NOT_MET : FIM_MET,
			"The longest time without a complete comparison was %s (%s to %s); the limit "
			"is 7 d.",
			duration_text(verdict->lang, ledger->gap_ns, gap),
			time_text(ledger->gap_from_ns, from), time_text(ledger->gap_to_ns, to));
	if (!too_long && ledger->full_runs &&
	    ledger->to_ns - ledger->last_full_end_ns > FIM_WEEK_NS)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"No comparison is recorded for the last %s of the period.",
				duration_text(verdict->lang,
					      ledger->to_ns - ledger->last_full_end_ns, gap));
}

static void judge_comparisons(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	char gap[TEXT_SIZE];

	if (judge_silence(ledger, verdict))
		return;
	judge_gap(ledger, verdict);
	if (!ledger->has_policy)
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"No policy is recorded, so it is not known which files had to be compared.");
	else if (!ledger->full_runs)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"No complete comparison is recorded in the period.");
	if (ledger->partial_runs)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"In %" PRIu64 " of %" PRIu64
				" complete comparisons some files could not be "
				"read.",
				ledger->partial_runs, ledger->full_runs);
	if (ledger->steps_back)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The clock went back by more than a minute %" PRIu64
				" time%s: durations are uncertain.",
				ledger->steps_back, plural(ledger->steps_back));
	if (ledger->to_ns - ledger->from_ns < FIM_WEEK_NS)
		fim_verdict_say(verdict, FIM_MET, "The period is shorter than a week (%s).",
				duration_text(verdict->lang, ledger->to_ns - ledger->from_ns, gap));
}

static void judge_logs(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	if (judge_silence(ledger, verdict))
		return;
	fim_verdict_say(
		verdict, FIM_MET,
		"This control's own journal is chained by digests and was verified: %" PRIu64
		" records.",
		ledger->check.records);
	if (ledger->growing)
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"Rules of the policy for files that may only grow: %" PRIu64
			"; changes of what such files held when the baseline was taken: %" PRIu64
			". What was added to them since then is not compared.",
			ledger->growing, ledger->growing_changes);
	else
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"Other audit logs are not watched in a way that allows them to "
				"grow.");
}

static void judge_failures(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	uint64_t open = 0, inferred = 0, said = 0;
	char longest[TEXT_SIZE];
	int64_t longest_ns = 0;
	const struct fim_outage *outage;
	size_t i;

	if (judge_silence(ledger, verdict))
		return;
	if (!ledger->health_known)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The control did not record its own state.");
	for (i = 0; i < ledger->outage_count; i++) {
		outage = &ledger->outages[i];
		if (is_at_end(ledger, outage))
			continue;
		open += !outage->end_ns;
		inferred += outage->inferred;
		said += outage->end_ns && !outage->inferred;
		if (!outage->inferred && outage->end_ns - outage->start_ns > longest_ns)
			longest_ns = outage->end_ns - outage->start_ns;
		if (!outage->end_ns || outage->inferred)
			point(verdict, outage->start_seq);
	}
	if (open)
		fim_verdict_say(verdict, FIM_NOT_MET,
				"%" PRIu64 " failure%s not over at the end of the period.", open,
				open == 1 ? " was" : "s were");
	if (inferred)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64
				" interruption%s recognised only afterwards, from what is missing "
				"in the journal; the journal does not show an alert.",
				inferred, inferred == 1 ? " was" : "s were");
	if (said)
		fim_verdict_say(verdict, FIM_MET,
				"%" PRIu64
				" failure%s recorded at the time, with cause, start and end; the "
				"longest lasted %s.",
				said, said == 1 ? " was" : "s were",
				duration_text(verdict->lang, longest_ns, longest));
	if (ledger->health_known && !open && !inferred && !said)
		fim_verdict_say(verdict, FIM_MET,
				"The control recorded its own state; no failure occurred.");
}

static void judge_response(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	uint64_t count = 0;
	size_t i;

	if (judge_silence(ledger, verdict))
		return;
	for (i = 0; i < ledger->outage_count; i++)
		count += !is_at_end(ledger, &ledger->outages[i]);
	if (!ledger->health_known)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The control did not record its own state.");
	else if (!count)
		fim_verdict_say(verdict, FIM_MET,
				"No failure occurred that called for a response.");
	else
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"Cause, start and duration of %" PRIu64
			" outage%s are recorded; what was done about them is not recorded here.",
			count, plural(count));
}

static void judge_alert_response(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	const struct fim_alert_sum *alerts = &ledger->alerts;
	char how_long[TEXT_SIZE];

	if (judge_silence(ledger, verdict))
		return;
	if (!alerts->count)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"No alert was raised in the period, so no response can be shown.");
	else if (!alerts->lives)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64
				" alert%s raised; who looked at them and what was decided is not "
				"recorded here.",
				alerts->count, alerts->count == 1 ? " was" : "s were");
	else if (alerts->by_state[0])
		fim_verdict_say(verdict,
				ledger->to_ns - alerts->oldest_ns > FIM_DAY_NS ? FIM_NOT_MET
									       : FIM_INSUFFICIENT,
				"%" PRIu64 " of %" PRIu64
				" alerts are unhandled; the oldest has been for %s.",
				alerts->by_state[0], alerts->count,
				duration_text(verdict->lang, ledger->to_ns - alerts->oldest_ns,
					      how_long));
	else
		fim_verdict_say(
			verdict, FIM_MET,
			"Each of %" PRIu64
			" alerts was acknowledged or closed; the longest time until then was %s.",
			alerts->count, duration_text(verdict->lang, alerts->longest_ns, how_long));
}

static void judge_privileges(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	uint64_t unexplained = ledger->powerful - ledger->excepted;

	if (judge_silence(ledger, verdict))
		return;
	if (!ledger->containers)
		fim_verdict_say(verdict, FIM_INSUFFICIENT, "No container was recorded.");
	else if (unexplained)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64
				" container%s with power over the host; whether that was needed is "
				"not recorded here.",
				unexplained, unexplained == 1 ? " ran" : "s ran");
	else if (!ledger->powerful)
		fim_verdict_say(verdict, FIM_MET,
				"No container that was recorded had power over the host.");
	if (ledger->excepted)
		fim_verdict_say(verdict, FIM_MET,
				"%" PRIu64
				" container%s with power over the host under an exception, whose "
				"owner, reason and end are recorded.",
				ledger->excepted, ledger->excepted == 1 ? " ran" : "s ran");
}

static const struct requirement requirements[] = {
	{{"11.5.2", "11.5"},
	 "A change-detection mechanism alerts personnel to changes, additions and deletions of "
	 "critical files",
	 "That the watched files are all critical files of this entity, and that a person received "
	 "the alerts: see the policy's approval and the system that receives the alerts.",
	 {"changes", "outages", "scope"},
	 judge_alerts},
	{{"11.5.2", "11.5"},
	 "Critical files are compared at least once a week",
	 "Comparisons of hosts other than this one.",
	 {"comparisons", NULL, NULL},
	 judge_comparisons},
	{{"10.3.4", "10.5.5"},
	 "Changes to existing audit log data raise an alert, appending does not",
	 "The protection of every other audit log, on this host and where logs are collected.",
	 {"journal", NULL, NULL},
	 judge_logs},
	{{"10.7.2", "10.8"},
	 "Failures of the change-detection mechanism are detected and reported promptly",
	 "That a person received the alert about a failure; failures of other security controls.",
	 {"outages", NULL, NULL},
	 judge_failures},
	{{"10.7.3", "10.8.1"},
	 "Failures of the change-detection mechanism are responded to and documented",
	 "Restoration, root cause, remediation and risk assessment of each failure.",
	 {"outages", NULL, NULL},
	 judge_response},
	{{"12.10.5", "11.5.1"},
	 "Alerts of the change-detection mechanism are responded to",
	 "The incident records.",
	 {"alerts", "changes", NULL},
	 judge_alert_response},
	{{"7.2", "7.1"},
	 "Containers have no more power over the host than they need (supporting evidence)",
	 "That who approved an exception may do so, and why other containers have such power.",
	 {"containers", NULL, NULL},
	 judge_privileges},
};

/* A broken chain takes the ground from what looked met; what is not met stays so. */
static void judge_chain(const struct fim_ledger *ledger, struct fim_verdict *verdict)
{
	if (ledger->check.first_bad)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"The journal is broken: record %" PRIu64
				": %s. From there on it is no "
				"evidence.",
				ledger->check.first_bad, ledger->check.reason);
	if (ledger->malformed)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"%" PRIu64 " record%s could not be understood.", ledger->malformed,
				plural(ledger->malformed));
}

static struct fim_json *statement(const struct fim_ledger *ledger,
				  const struct requirement *requirement)
{
	struct fim_verdict verdict = {
		.lang = ledger->lang, .reasons = fim_json_array(), .records = fim_json_array()};
	struct fim_json *json = fim_json_object(), *sections = fim_json_array();
	size_t i;

	judge_chain(ledger, &verdict);
	requirement->judge(ledger, &verdict);
	for (i = 0; i < 3 && requirement->sections[i]; i++)
		fim_json_append_str(sections, requirement->sections[i]);
	fim_json_set_str(json, "standard", fim_standard_name(ledger->standard));
	fim_json_set_str(json, "requirement", requirement->number[ledger->standard]);
	fim_json_set_str(json, "title", fim_tr(ledger->lang, requirement->title));
	fim_json_set_str(json, "status", fim_verdict_name(&verdict));
	fim_json_set(json, "reasons", verdict.reasons);
	fim_json_set_str(json, "not_shown", fim_tr(ledger->lang, requirement->not_shown));
	fim_json_set(json, "sections", sections);
	fim_json_set(json, "records", verdict.records);
	if (verdict.err) {
		fim_json_free(json);
		return NULL;
	}
	return json;
}

struct fim_json *fim_statements(const struct fim_ledger *ledger)
{
	struct fim_json *array = fim_json_array();
	size_t i;

	for (i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++)
		fim_json_append(array, statement(ledger, &requirements[i]));
	return array;
}
