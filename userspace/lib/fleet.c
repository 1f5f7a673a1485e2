/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One report over many hosts: verifies every bundle, fills the tables, asks the questions
 * of queries.sql and says what the answers amount to.  A bundle that is not what its
 * manifest says, or that contradicts another one of its host, is rejected by name, and one
 * before which records are missing is incomplete: insufficient evidence, and never silently
 * left out.
 */
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "fleet.h"

#define MAX_EXPECTED (64u << 20)

/* Questions and how many of their rows are shown. */
static const struct {
	const char *name;
	size_t shown;
} questions[] = {
	{"coverage", 1000}, {"rejected", 1000}, {"baselines", 1000},  {"drift", 1000},
	{"gaps", 100},	    {"outages", 500},	{"containers", 1000},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ----------------------------------------------------------------- bundles */

static int load_line(void *ctx, const struct fim_bundle *bundle, const char *line, size_t len)
{
	/* A chained line that is no record of ours: of a later version. */
	int err = fim_fleet_db_line(ctx, bundle, line, len);

	return err == -EINVAL ? 0 : err;
}

static int know_line(void *ctx, const struct fim_bundle *bundle, const char *line, size_t len)
{
	int known = fim_fleet_db_know(ctx, bundle);

	(void)line;
	(void)len;
	return known < 0 ? known : 0;
}

/* @line: what becomes of each line. What contradicts another bundle is rejected, too. */
static int load_bundle(struct fim_fleet_db *db, const char *const *keys, fim_bundle_fn line,
		       const char *directory, struct fim_bundle *bundle)
{
	int err, read;

	err = fim_fleet_db_begin(db);
	if (err)
		return err;
	read = fim_bundle_read(directory, keys, line, db, bundle);
	err = fim_fleet_db_end(db, read == 0);
	if (!err && read == -ESTALE) {
		snprintf(bundle->reason, sizeof(bundle->reason),
			 "another bundle of this host has another record %" PRId64,
			 bundle->last_seq);
		err = fim_fleet_db_void(db, bundle, bundle->last_seq);
		read = -EBADMSG;
	}
	if (!err && (read == 0 || read == -EBADMSG))
		err = fim_fleet_db_bundle(db, bundle, read != 0);
	else if (!err)
		err = read;
	return err;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* A directory with a manifest is a bundle, and nothing below it is another one. */
static bool is_bundle(const FTSENT *entry)
{
	char path[FIM_PATH_MAX];
	struct stat stat;

	snprintf(path, sizeof(path), "%s/manifest.json", entry->fts_path);
	return lstat(path, &stat) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static int each_bundle(const char *const *dirs, int (*fn)(void *ctx, const char *directory),
		       void *ctx)
{
	FTS *fts =
		fts_open((char *const *)dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name);
	uint64_t found = 0;
	FTSENT *entry;
	int err = 0;

	if (!fts)
		return -errno;
	while (!err && (entry = fts_read(fts)) != NULL) {
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS ||
		    entry->fts_info == FTS_ERR) {
			err = -entry->fts_errno;
			fim_log(LOG_ERR, "%s: %s", entry->fts_path, strerror(-err));
		} else if (entry->fts_info == FTS_D && is_bundle(entry)) {
			fts_set(fts, entry, FTS_SKIP);
			found++;
			err = fn(ctx, entry->fts_path);
		} else if (entry->fts_info == FTS_D && strcmp(entry->fts_name, "records") == 0) {
			/* The manifest is missing: without it nothing below says anything. */
			fts_set(fts, entry, FTS_SKIP);
			found++;
			err = fn(ctx, entry->fts_parent->fts_path);
		}
	}
	fts_close(fts);
	if (!err && !found) {
		fim_log(LOG_ERR, "%s: there is no bundle", dirs[0]);
		err = -ENOENT;
	}
	return err;
}

struct loading {
	struct fim_fleet_db *db;
	const struct fim_fleet_params *params;
};

static int load_directory(void *ctx, const char *directory)
{
	struct loading *loading = ctx;
	const struct fim_fleet_params *params = loading->params;
	struct fim_bundle bundle;
	int err = load_bundle(loading->db, params->keys, load_line, directory, &bundle);

	if (!err && params->progress)
		params->progress(params->progress_ctx, &bundle, *bundle.reason != '\0');
	return err;
}

/* ---------------------------------------------------------------- expected */

static int expect_line(struct fim_fleet_db *db, const char *path, const char *line, size_t len,
		       int number)
{
	struct fim_json *json = NULL;
	const char *account, *cluster, *host;
	char what[64];
	int err;

	snprintf(what, sizeof(what), "%.40s:%d", path, number);
	err = fim_json_parse(line, len, what, &json);
	if (err)
		return err;
	account = fim_json_get_str(json, "account");
	cluster = fim_json_get_str(json, "cluster");
	host = fim_json_get_str(json, "host");
	if (host) {
		err = fim_fleet_db_expect(db, account ? account : "unknown",
					  cluster ? cluster : "unknown", host);
	} else {
		fim_log(LOG_ERR, "%s:%d: there is no member \"host\"", path, number);
		err = -EINVAL;
	}
	fim_json_free(json);
	return err;
}

static int read_expected(struct fim_fleet_db *db, const char *path)
{
	char *bytes, *at, *end;
	size_t len;
	int number = 0, err;

	err = fim_file_read(path, MAX_EXPECTED, &bytes, &len);
	if (err)
		return err;
	for (at = bytes; *at && !err; at = *end ? end + 1 : end) {
		end = strchrnul(at, '\n');
		number++;
		if (end > at)
			err = expect_line(db, path, at, (size_t)(end - at), number);
	}
	free(bytes);
	return err;
}

/* -------------------------------------------------------------- statements */

static int64_t total(const struct fim_json *report, const char *key)
{
	return fim_json_get_int(fim_json_get(report, "totals"), key, 0);
}

/* Rows of a shown section with this value; what is omitted is not worse than what is shown. */
static int64_t count_where(const struct fim_json *report, const char *section, const char *key,
			   const char *value)
{
	const struct fim_json *items = fim_json_get(fim_json_get(report, section), "items");
	const char *text;
	int64_t count = 0;
	size_t i;

	for (i = 0; i < fim_json_count(items); i++) {
		text = fim_json_get_str(fim_json_index(items, i), key);
		count += text && strcmp(text, value) == 0;
	}
	return count;
}

static int64_t count_open(const struct fim_json *report)
{
	const struct fim_json *items = fim_json_get(fim_json_get(report, "outages"), "items");
	int64_t count = 0;
	size_t i;

	for (i = 0; i < fim_json_count(items); i++)
		count += fim_json_is_null(fim_json_get(fim_json_index(items, i), "end_s"));
	return count;
}

static void judge_coverage(const struct fim_json *report, struct fim_verdict *verdict)
{
	int64_t rejected = total(report, "rejected"), incomplete = total(report, "incomplete");
	int64_t silent, missing;

	missing = count_where(report, "coverage", "state", "missing");
	silent = count_where(report, "coverage", "state", "silent");
	if (rejected)
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"%" PRId64 " of %" PRId64
			" bundles were rejected: they are not what their manifests say, or contradict "
			"each other.",
			rejected, total(report, "bundles"));
	if (incomplete)
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"Bundles that do not continue their host's journal, as records before them are "
			"missing: %" PRId64 ".",
			incomplete);
	if (missing)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"No evidence of hosts that were expected: %" PRId64 ".", missing);
	if (silent)
		fim_verdict_say(verdict, FIM_INSUFFICIENT,
				"Hosts that fell silent more than 2 days before the end: %" PRId64
				".",
				silent);
	if (!total(report, "expected"))
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"Which hosts were expected was not said, so a missing one cannot be noticed.");
	if (total(report, "unsigned"))
		fim_verdict_say(
			verdict, FIM_INSUFFICIENT,
			"Bundles whose signature was not checked, for want of a key: %" PRId64 ".",
			total(report, "unsigned"));
}

static void judge_weekly(const struct fim_json *report, struct fim_verdict *verdict)
{
	const struct fim_json *gaps = fim_json_get(fim_json_get(report, "gaps"), "items");
	int64_t too_long = 0, gap, longest = 0;
	size_t i;

	judge_coverage(report, verdict);
	for (i = 0; i < fim_json_count(gaps); i++) {
		gap = fim_json_get_int(fim_json_index(gaps, i), "gap_s", 0);
		too_long += gap > FIM_WEEK_NS / FIM_NSEC_PER_SEC;
		longest = gap > longest ? gap : longest;
	}
	if (too_long)
		fim_verdict_say(verdict, FIM_NOT_MET,
				"Hosts without a complete comparison for more than 7 days: %" PRId64
				" or more; the longest time was %" PRId64 " h.",
				too_long, longest / 3600);
	else
		fim_verdict_say(
			verdict, total(report, "comparisons") ? FIM_MET : FIM_INSUFFICIENT,
			"The longest time without a complete comparison on any host was %" PRId64
			" h.",
			longest / 3600);
}

static void judge_alerts(const struct fim_json *report, struct fim_verdict *verdict)
{
	int64_t without = 0;
	const struct fim_json *items = fim_json_get(fim_json_get(report, "baselines"), "items");
	const char *digest;
	size_t i;

	judge_coverage(report, verdict);
	for (i = 0; i < fim_json_count(items); i++) {
		digest = fim_json_get_str(fim_json_index(items, i), "digest");
		if (digest && !*digest)
			without += fim_json_get_int(fim_json_index(items, i), "hosts", 0);
	}
	if (without)
		fim_verdict_say(verdict, FIM_NOT_MET,
				"Hosts without a signed baseline: %" PRId64 ".", without);
	if (count_open(report))
		fim_verdict_say(verdict, FIM_NOT_MET,
				"Outages that were not over: %" PRId64 " or more.",
				count_open(report));
	fim_verdict_say(verdict, FIM_MET, "Changes recorded on %" PRId64 " hosts: %" PRId64 ".",
			total(report, "reporting"), total(report, "changes"));
}

static void judge_failures(const struct fim_json *report, struct fim_verdict *verdict)
{
	judge_coverage(report, verdict);
	if (count_open(report))
		fim_verdict_say(verdict, FIM_NOT_MET,
				"Outages that were not over: %" PRId64 " or more.",
				count_open(report));
	fim_verdict_say(verdict, FIM_MET,
			"Outages recorded: %" PRId64 "; events lost: %" PRId64 ".",
			fim_json_get_int(fim_json_get(report, "outages"), "count", 0),
			total(report, "lost"));
}

static const struct {
	const char *number[2];
	const char *title;
	const char *not_shown;
	const char *section;
	void (*judge)(const struct fim_json *report, struct fim_verdict *verdict);
} requirements[] = {
	{{"11.5.2", "11.5"},
	 "A change-detection mechanism alerts personnel to changes, additions and deletions of "
	 "critical files",
	 "That a person received the alerts: see each host's report.",
	 "drift",
	 judge_alerts},
	{{"11.5.2", "11.5"},
	 "Critical files are compared at least once a week",
	 "Hosts that nobody expected and that sent nothing.",
	 "gaps",
	 judge_weekly},
	{{"10.7.2", "10.8"},
	 "Failures of the change-detection mechanism are detected and reported promptly",
	 "That a person received the alert about a failure; failures of other security controls.",
	 "outages",
	 judge_failures},
};

static int set_statements(struct fim_json *report, const struct fim_fleet_params *params)
{
	struct fim_json *statements = fim_json_array(), *item, *named;
	struct fim_verdict verdict;
	size_t i;
	int err = 0;

	for (i = 0; i < COUNT(requirements); i++) {
		verdict = (struct fim_verdict){.lang = params->lang, .reasons = fim_json_array()};
		requirements[i].judge(report, &verdict);
		if (verdict.err)
			err = verdict.err;
		item = fim_json_object();
		named = fim_json_array();
		fim_json_append_str(named, "coverage");
		fim_json_append_str(named, requirements[i].section);
		fim_json_set_str(item, "standard", fim_standard_name(params->standard));
		fim_json_set_str(item, "requirement", requirements[i].number[params->standard]);
		fim_json_set_str(item, "title", fim_tr(params->lang, requirements[i].title));
		fim_json_set_str(item, "status", fim_verdict_name(&verdict));
		fim_json_set(item, "reasons", verdict.reasons);
		fim_json_set_str(item, "not_shown",
				 fim_tr(params->lang, requirements[i].not_shown));
		fim_json_set(item, "sections", named);
		fim_json_append(statements, item);
	}
	fim_json_set(report, "statements", statements);
	return err;
}

/* ------------------------------------------------------------------ report */

/* A question with one row. */
static int set_totals(struct fim_fleet_db *db, struct fim_json *report)
{
	struct fim_json *section = fim_json_object();
	int err = fim_fleet_db_ask(db, "totals", 1, section);

	if (!err)
		fim_json_set(report, "totals",
			     fim_json_ref(fim_json_index(fim_json_get(section, "items"), 0)));
	fim_json_free(section);
	return err;
}

static int make_report(struct fim_fleet_db *db, const struct fim_fleet_params *params,
		       struct fim_json *report)
{
	struct fim_json *section;
	size_t i;
	int err;

	fim_json_set_str(report, "format", "ecs-fim-fleet-report");
	fim_json_set_int(report, "version", 1);
	fim_json_set_str(report, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(report, "lang", params->lang == FIM_LANG_JA ? "ja" : "en");
	fim_json_set_str(report, "standard", fim_standard_name(params->standard));
	err = set_totals(db, report);
	for (i = 0; i < COUNT(questions) && !err; i++) {
		section = fim_json_object();
		err = fim_fleet_db_ask(db, questions[i].name, questions[i].shown, section);
		fim_json_set(report, questions[i].name, section);
	}
	return err ? err : set_statements(report, params);
}

int fim_fleet_report(const struct fim_fleet_params *params, struct fim_json **report_ret)
{
	struct loading loading = {.params = params};
	struct fim_json *report;
	int err;

	err = fim_fleet_db_open(params->database, &loading.db);
	if (err)
		return err;
	if (params->expected)
		err = read_expected(loading.db, params->expected);
	if (!err)
		err = each_bundle(params->dirs, load_directory, &loading);
	if (!err)
		err = fim_fleet_db_settle(loading.db);
	if (!err)
		err = fim_fleet_db_finish(loading.db);
	if (err)
		goto out;
	report = fim_json_object();
	err = make_report(loading.db, params, report);
	if (err)
		fim_json_free(report);
	else
		*report_ret = report;
out:
	fim_fleet_db_close(loading.db);
	return err;
}

/* ------------------------------------------------------------- verify only */

struct verifying {
	struct fim_fleet_db *db;
	const char *const *keys;
};

static int verify_directory(void *ctx, const char *directory)
{
	struct verifying *verifying = ctx;
	struct fim_bundle bundle;

	return load_bundle(verifying->db, verifying->keys, know_line, directory, &bundle);
}

int fim_fleet_verify(const char *const *dirs, const char *const *keys,
		     int (*fn)(void *ctx, struct fim_json *row), void *ctx)
{
	struct verifying verifying = {.keys = keys};
	int err = fim_fleet_db_open(NULL, &verifying.db);

	if (err)
		return err;
	err = each_bundle(dirs, verify_directory, &verifying);
	if (!err)
		err = fim_fleet_db_settle(verifying.db);
	if (!err)
		err = fim_fleet_db_bundles(verifying.db, fn, ctx);
	fim_fleet_db_close(verifying.db);
	return err;
}
