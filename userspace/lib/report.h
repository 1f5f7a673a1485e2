/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the report share: report.c (reads the journal), report_sections.c (makes
 * JSON of it), report_changes.c, report_alerts.c, report_policy.c, report_csv.c, statement.c,
 * lang.c, and those of report_page.h.
 */
#ifndef REPORT_H
#define REPORT_H

#include "lib_private.h"

/* Items in each section; the rest is counted, and is in the CSV files. */
#define FIM_REPORT_SHOWN  1000
#define FIM_NSEC_PER_MSEC INT64_C(1000000)

/* ----------------------------------------------------------------- lang.c */

/* @english in another language; as it is, if the catalogue does not have it. */
const char *fim_tr(enum fim_lang lang, const char *english) __attribute__((format_arg(2)));
/* The same for a word that a record holds: kind, state, key of an object. NULL: "". */
const char *fim_tr_name(enum fim_lang lang, const char *name);
/* Language of a report. */
enum fim_lang fim_report_lang(const struct fim_json *report);

/* ------------------------------------------------------- report_changes.c */

/* A record kept as text: a tree of it takes ten times more. */
struct fim_kept {
	int rank;
	uint64_t seq;
	char *text;
	size_t len;
};

/* The FIM_REPORT_SHOWN records of the highest rank; until sorted, a heap. */
struct fim_keep {
	struct fim_kept *items;
	size_t count;
	uint64_t seen;
};

int fim_keep_add(struct fim_keep *keep, int rank, uint64_t seq, const char *text, size_t len);
/* In the order of the journal; nothing may be added after it. */
void fim_keep_sort(struct fim_keep *keep);
void fim_keep_clear(struct fim_keep *keep);

#define FIM_PLACE_SLOTS 8192
#define FIM_PLACE_MAX	4096
#define FIM_PLACE_SHOWN 24

struct fim_place {
	char *dir;
	size_t len;
	uint64_t count;
	uint64_t by_severity[FIM_SEVERITY_CRITICAL + 1];
};

/* Changes by directory. */
struct fim_places {
	struct fim_place *slots[FIM_PLACE_SLOTS];
	size_t count;
	struct fim_place other;
};

int fim_places_add(struct fim_places *places, const char *path, size_t len,
		   enum fim_severity severity);
struct fim_json *fim_places_json(struct fim_places *places);
void fim_places_clear(struct fim_places *places);

#define FIM_HISTOGRAM_BINS 512

struct fim_bin {
	uint64_t count[FIM_SEVERITY_CRITICAL + 1];
};

/* Changes over time; bins get wider as time goes on. */
struct fim_histogram {
	int64_t start_ns;
	int64_t width_ns;
	struct fim_bin bins[FIM_HISTOGRAM_BINS];
};

void fim_histogram_add(struct fim_histogram *histogram, int64_t time_ns,
		       enum fim_severity severity);
struct fim_json *fim_histogram_json(const struct fim_histogram *histogram);

/* -------------------------------------------------------- report_alerts.c */

struct fim_alerts;

struct fim_alerts *fim_alerts_new(void);
void fim_alerts_free(struct fim_alerts *alerts);
/* A finding of this severity; those that nobody has to come for are ignored. */
int fim_alerts_add(struct fim_alerts *alerts, const struct fim_line *line,
		   enum fim_severity severity);
/* A record "alert". -EINVAL: it says nothing usable. */
int fim_alerts_read(struct fim_alerts *alerts, const struct fim_json *record, int64_t time_ns);
/* Into the ledger's alerts; @to_ns: what is raised just before may yet be delivered. */
void fim_alerts_sum(const struct fim_alerts *alerts, int64_t to_ns, struct fim_alert_sum *sum_ret);
/* The section; nothing may be added after it. */
struct fim_json *fim_alerts_json(struct fim_alerts *alerts);
struct fim_json *fim_alerts_destinations(const struct fim_alerts *alerts);
/* How many each took, and when the last one: whether they work was tested then. */
struct fim_json *fim_alerts_deliveries(const struct fim_alerts *alerts);

/* -------------------------------------------------------- report_policy.c */

/*
 * In what the policy @after differs from @before: array of {"change": "added", "removed" or
 * "changed"} with the directory "root", or the rule "before" and "after".
 */
struct fim_json *fim_policy_changes(const struct fim_json *before, const struct fim_json *after);

/* ------------------------------------------------------------ statement.c */

enum fim_verdict_status {
	FIM_MET = 0,
	FIM_INSUFFICIENT,
	FIM_NOT_MET,
};

/**
 * struct fim_verdict - one statement being made
 * @lang: of the reasons
 * @status: the worst that was said so far
 * @reasons: what was said
 * @records: numbers of the records that it rests on; NULL: of a fleet
 * @err: out of memory
 */
struct fim_verdict {
	enum fim_lang lang;
	enum fim_verdict_status status;
	struct fim_json *reasons;
	struct fim_json *records;
	int err;
};

/* @fmt is translated. */
void fim_verdict_say(struct fim_verdict *verdict, enum fim_verdict_status status, const char *fmt,
		     ...) __attribute__((format(printf, 3, 4)));
const char *fim_verdict_name(const struct fim_verdict *verdict);

/* ----------------------------------------------------------- report_csv.c */

/* A CSV file being written. Errors of writing show in its FILE. */
struct fim_csv;

/* Writes the header line. NULL: out of memory, or @out is NULL. */
struct fim_csv *fim_csv_changes(FILE *out);
struct fim_csv *fim_csv_comparisons(FILE *out);
void fim_csv_free(struct fim_csv *csv);
/* A line for the record. */
int fim_csv_put(struct fim_csv *csv, const struct fim_line *line);

#endif /* REPORT_H */
