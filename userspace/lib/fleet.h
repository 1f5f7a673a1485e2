/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the fleet's report share: fleet_bundle.c (from a directory to verified
 * records), fleet_db.c (records to tables, SQLite), fleet.c (tables to a report).
 */
#ifndef FLEET_H
#define FLEET_H

#include "report.h"

/*
 * struct fim_bundle - what verifying one found
 * @directory: where it is
 * @account, @cluster, @host: whose it says it is; "unknown" if it does not say
 * @signer: id of the key, "": it was not asked for
 * @reason: why it is rejected, "": it is not
 * @first_day, @last_day: of its records
 * @from_s, @to_s: the period it says it covers
 * @first_seq, @last_seq: of its records, 0: it has none
 * @prev: digest of the line before them, hex; @head: of the last one
 * @link: beginning of that digest
 */
struct fim_bundle {
	const char *directory;
	char account[128];
	char cluster[256];
	char host[256];
	char signer[FIM_KEY_ID_SIZE];
	char reason[256];
	char first_day[16];
	char last_day[16];
	int64_t from_s;
	int64_t to_s;
	uint64_t records;
	int64_t first_seq;
	int64_t last_seq;
	char prev[FIM_SHA256_HEX_SIZE];
	char head[FIM_SHA256_HEX_SIZE];
	int64_t link;
};

/* One verified line of a bundle. */
typedef int (*fim_bundle_fn)(void *ctx, const struct fim_bundle *bundle, const char *line,
			     size_t len);

/**
 * fim_bundle_read() - verify a bundle and hand out its lines
 * @directory: holds manifest.json
 * @keys: as for fim_signature_check(); NULL: the signature is not looked at
 * @fn: called for each line; what it was told is worth nothing if the bundle is rejected
 *	in the end; may be NULL
 * @ctx: for @fn
 * @bundle_ret: what was found
 *
 * -EBADMSG: it is rejected, and @bundle_ret->reason says why. What @fn returned, if not 0.
 */
int fim_bundle_read(const char *directory, const char *const *keys, fim_bundle_fn fn, void *ctx,
		    struct fim_bundle *bundle_ret);

/* ------------------------------------------------------------- fleet_db.c */
/* The only file that includes SQLite. */

struct fim_fleet_db;

/* @path NULL: temporary, gone in the end. */
int fim_fleet_db_open(const char *path, struct fim_fleet_db **db_ret);
void fim_fleet_db_close(struct fim_fleet_db *db);
/* Around the lines of a bundle: if it is rejected, they were never there. */
int fim_fleet_db_begin(struct fim_fleet_db *db);
int fim_fleet_db_end(struct fim_fleet_db *db, bool keep);
/*
 * Note that the bundle has its last line.  1: it is new, 0: another bundle of the host had
 * it, -ESTALE: another one had a different record of this number.
 */
int fim_fleet_db_know(struct fim_fleet_db *db, const struct fim_bundle *bundle);
/* The same, and the line goes into its table; 0 also where it is not new. */
int fim_fleet_db_line(struct fim_fleet_db *db, const struct fim_bundle *bundle, const char *line,
		      size_t len);
int fim_fleet_db_bundle(struct fim_fleet_db *db, const struct fim_bundle *bundle, bool rejected);
int fim_fleet_db_expect(struct fim_fleet_db *db, const char *account, const char *cluster,
			const char *host);
/* Nothing of this host counts: its bundles contradict each other at this record. */
int fim_fleet_db_void(struct fim_fleet_db *db, const struct fim_bundle *bundle, int64_t seq);
/* All bundles are in: do those of each host make one journal? */
int fim_fleet_db_settle(struct fim_fleet_db *db);
/* Rows of the table "bundles", in the order in which they came. */
int fim_fleet_db_bundles(struct fim_fleet_db *db, int (*fn)(void *ctx, struct fim_json *row),
			 void *ctx);
/* What is counted over all lines is made. */
int fim_fleet_db_finish(struct fim_fleet_db *db);
/*
 * A question of queries.sql.  Adds to @section "count" of all rows, "omitted", and
 * "items": the first @shown as objects.
 */
int fim_fleet_db_ask(struct fim_fleet_db *db, const char *name, size_t shown,
		     struct fim_json *section);

#endif /* FLEET_H */
