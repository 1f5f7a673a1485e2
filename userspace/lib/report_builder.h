/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report while it is made: report.c reads the journal into it, report_sections.c makes
 * the document of it.  Nobody else includes this.
 */
#ifndef REPORT_BUILDER_H
#define REPORT_BUILDER_H

#include "report.h"

/*
 * struct list - a section's items
 * @items: the first FIM_REPORT_SHOWN
 * @count: of all
 */
struct list {
	struct fim_json *items;
	uint64_t count;
};

/* A container, as its last record shows it. */
struct seen {
	char *id;
	char *text; /* its last record: a tree of it takes ten times more */
	size_t len;
	int64_t first_ns;
	int64_t last_ns;
	int64_t gone_ns; /* 0: not known to be gone */
	uint64_t seq;
	int rank; /* lower is shown first */
	bool excepted;
};

#define MAX_CATEGORIES 32

/* A category of the policy's rules: an attacker cannot choose it. */
struct category {
	char *name;
	uint64_t rules;
	uint64_t changes;
};

/* Where events come from, as the last record of it says. */
enum source {
	SOURCE_UNKNOWN = 0,
	SOURCE_MODULE,
	SOURCE_FANOTIFY,
	SOURCE_NONE,
};

enum clock_state {
	CLOCK_UNKNOWN = 0,
	CLOCK_RIGHT, /* synchronised, as the kernel said */
	CLOCK_WRONG,
};

/*
 * struct builder - a report being made
 * @ledger: what statement.c judges; only outages that are over are in it until the end
 * @open: outages that are not over
 * @to_ns: last moment that counts, INT64_MAX if not limited
 * @time_ns: of the record at hand; @seq: its number
 * @last_alive_ns: last record that shows that the daemon ran
 * @last_any_ns: last record at all, for steps back of the clock
 * @boot_id: of the last record; @boot_end_ns: last sign of life in the boot before
 * @daemon_up: it said so and has not said that it stops
 * @daemon_boot: in which of the boots it said so
 * @clock: as last told, @clock_ns: when; @clock_wrong_ns: of the period, while it was not
 *	synchronised; @clock_said: who sets it, as last told
 * @baseline: last baseline record
 * @host: what the daemon said of the host when it started
 * @identity: account, region and the like, as the containers' labels say
 * @policy_changed: a baseline of the period has another policy than the one before
 * @categories: of critical files, with the changes of each
 * @by_id: tree of struct seen, the items of @seen
 */
struct builder {
	const struct fim_report_params *params;
	struct fim_ledger ledger;
	struct fim_outage *open;
	size_t open_count;
	void *words; /* tree of strings that outages share */
	int64_t to_ns;
	int64_t time_ns;
	uint64_t seq;
	int64_t last_alive_ns;
	int64_t last_any_ns;
	char boot_id[64];
	int64_t boot_end_ns;
	uint64_t boots;
	bool daemon_up;
	uint64_t daemon_boot;
	enum clock_state clock;
	int64_t clock_ns;
	int64_t clock_wrong_ns;
	struct fim_json *clock_said;
	struct fim_json *baseline;
	struct fim_json *host;
	struct fim_json *identity;
	enum source source;
	bool policy_changed;
	struct list baselines, runs, watches, infos, losses, hits, accesses;
	struct category categories[MAX_CATEGORIES];
	size_t category_count;
	struct fim_keep changes;
	struct fim_alerts *alerts;
	struct fim_sessions *sessions;
	struct fim_csv *changes_csv, *comparisons_csv;
	struct fim_places places;
	struct fim_histogram histogram;
	uint64_t by_kind[FIM_KIND_UNREADABLE + 1];
	uint64_t by_severity[FIM_SEVERITY_CRITICAL + 1];
	uint64_t by_scope[2];
	uint64_t unseen; /* container records beyond MAX_SEEN */
	struct seen **seen;
	size_t seen_count;
	void *by_id;
};

/* ---------------------------------------------------------------- report.c */

/* 0: null. */
void fim_report_set_time(struct fim_json *object, const char *key, int64_t time_ns);
/* Takes over @item, and drops it if there are enough. */
void fim_list_add(struct list *list, struct fim_json *item);
/* The record without what only the chain needs; its number, @builder->seq, becomes "id". */
struct fim_json *fim_report_item(const struct builder *builder, const struct fim_json *record);

/* ------------------------------------------------------- report_sections.c */

/* The whole report; takes lists out of @builder, whose ledger is complete. */
struct fim_json *fim_report_sections(struct builder *builder);

#endif /* REPORT_BUILDER_H */
