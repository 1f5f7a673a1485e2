/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet's tables in SQLite, the only file that includes it.  They have the columns that
 * queries.sql asks for, whatever the engine; the database is on disk, so memory does not
 * grow with the fleet. No other command needs the library: it is loaded here.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet.h"

#include "fleet_queries.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_COLUMNS  6

#define EACH_FUNCTION(X) \
	X(bind_int)      \
	X(bind_int64)    \
	X(bind_null)     \
	X(bind_text)     \
	X(changes)       \
	X(close)         \
	X(column_count)  \
	X(column_int64)  \
	X(column_name)   \
	X(column_text)   \
	X(column_type)   \
	X(errcode)       \
	X(errmsg)        \
	X(exec)          \
	X(finalize)      \
	X(free)          \
	X(mprintf)       \
	X(open)          \
	X(prepare_v2)    \
	X(reset)         \
	X(step)
#define DECLARE(name) __typeof__(sqlite3_##name) *name;
#define NAME(name)    "sqlite3_" #name,

static struct {
	EACH_FUNCTION(DECLARE)
} libsqlite;

static int load_library(void)
{
	static const char *const names[] = {EACH_FUNCTION(NAME)};

	_Static_assert(sizeof(libsqlite) == sizeof(names), "a pointer for each name");
	return fim_library_load(FIM_SQLITE_SONAME, names, COUNT(names), (void **)&libsqlite);
}

static const char tables[] =
	"PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
	"PRAGMA cache_size = -65536;"
	"CREATE TABLE bundles (account TEXT, cluster TEXT, host TEXT, directory TEXT, status TEXT,"
	" reason TEXT, signer TEXT, first_day TEXT, last_day TEXT, from_s INTEGER, to_s INTEGER,"
	" records INTEGER, first_seq INTEGER, last_seq INTEGER, prev TEXT, head TEXT);"
	"CREATE TABLE voided (account TEXT, cluster TEXT, host TEXT, seq INTEGER,"
	" PRIMARY KEY (account, cluster, host)) WITHOUT ROWID;"
	"CREATE TABLE expected (account TEXT, cluster TEXT, host TEXT,"
	" PRIMARY KEY (account, cluster, host)) WITHOUT ROWID;"
	"CREATE TABLE lifetimes (account TEXT, cluster TEXT, host TEXT, records INTEGER,"
	" first_s INTEGER, last_s INTEGER, PRIMARY KEY (account, cluster, host)) WITHOUT ROWID;"
	"CREATE TABLE comparisons (account TEXT, cluster TEXT, host TEXT, seq INTEGER,"
	" end_s INTEGER, scope TEXT);"
	"CREATE TABLE baselines (account TEXT, cluster TEXT, host TEXT, seq INTEGER, digest TEXT,"
	" roots TEXT, image_id TEXT);"
	"CREATE TABLE controls (account TEXT, cluster TEXT, host TEXT, seq INTEGER, time_s INTEGER,"
	" component TEXT, sink TEXT, state TEXT, cause TEXT, lost INTEGER);"
	"CREATE TABLE changes (account TEXT, cluster TEXT, host TEXT, seq INTEGER, time_s INTEGER,"
	" kind TEXT, severity TEXT, announced INTEGER);"
	"CREATE TABLE containers (account TEXT, cluster TEXT, host TEXT, seq INTEGER,"
	" time_s INTEGER, container_id TEXT, image TEXT, family TEXT, privileged INTEGER,"
	" powerful INTEGER);"
	"CREATE TABLE seen (account TEXT, cluster TEXT, host TEXT, seq INTEGER, link INTEGER,"
	" PRIMARY KEY (account, cluster, host, seq)) WITHOUT ROWID;";

/* How a member of a record becomes a column. */
enum kind {
	TEXT,	  /* "" if missing */
	NUMBER,	  /* 0 if missing */
	SECONDS,  /* a time */
	AS_IS,	  /* an array's JSON; NULL if missing */
	TRUTH,	  /* 1 if true */
	PRESENCE, /* 1 if it is there */
};

struct member {
	const char *parent;
	const char *key;
	enum kind kind;
};

/* A table of records of one type; its first columns are account, cluster, host, seq. */
struct table {
	const char *type;
	const char *insert;
	struct member members[MAX_COLUMNS];
};

static const struct table record_tables[] = {
	{"comparison",
	 "INSERT INTO comparisons VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	 {{NULL, "end", SECONDS}, {NULL, "scope", AS_IS}}},
	{"baseline",
	 "INSERT INTO baselines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	 {{NULL, "digest", TEXT}, {"policy", "roots", AS_IS}, {"provenance", "image_id", TEXT}}},
	{"control",
	 "INSERT INTO controls VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	 {{NULL, "time", SECONDS},
	  {NULL, "component", TEXT},
	  {NULL, "sink", TEXT},
	  {NULL, "state", TEXT},
	  {NULL, "cause", TEXT},
	  {NULL, "lost", NUMBER}}},
	{"finding",
	 "INSERT INTO changes SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?6 <> 'rule'",
	 {{NULL, "time", SECONDS},
	  {NULL, "kind", TEXT},
	  {NULL, "severity", TEXT},
	  {NULL, "change", PRESENCE}}},
	{"container",
	 "INSERT INTO containers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	 {{NULL, "time", SECONDS},
	  {"container", "id", TEXT},
	  {"container", "image", TEXT},
	  {"container", "family", TEXT},
	  {"container", "privileged", TRUTH},
	  {"container", "effectively_privileged", TRUTH}}},
};

enum {
	INSERT_SEEN = COUNT(record_tables),
	SELECT_SEEN,
	INSERT_VOIDED,
	INSERT_LIFE,
	INSERT_BUNDLE,
	INSERT_EXPECTED,
	STATEMENTS,
};

struct fim_fleet_db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENTS];
};

static int failed(const struct fim_fleet_db *db)
{
	fim_log(LOG_ERR, "the fleet's database: %s", libsqlite.errmsg(db->sqlite));
	return libsqlite.errcode(db->sqlite) == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int run(struct fim_fleet_db *db, const char *sql)
{
	return libsqlite.exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db);
}

void fim_fleet_db_close(struct fim_fleet_db *db)
{
	size_t i;

	if (!db)
		return;
	for (i = 0; i < STATEMENTS; i++)
		libsqlite.finalize(db->statements[i]);
	libsqlite.close(db->sqlite);
	free(db);
}

int fim_fleet_db_open(const char *path, struct fim_fleet_db **db_ret)
{
	static const char *const others[] = {
		"INSERT OR IGNORE INTO seen VALUES (?1, ?2, ?3, ?4, ?5)",
		"SELECT link FROM seen WHERE account = ?1 AND cluster = ?2 AND host = ?3 AND seq = ?4",
		"INSERT OR IGNORE INTO voided VALUES (?1, ?2, ?3, ?4)",
		"INSERT INTO lifetimes VALUES (?1, ?2, ?3, 1, ?4, ?4)"
		" ON CONFLICT DO UPDATE SET records = records + 1,"
		" first_s = MIN(first_s, ?4), last_s = MAX(last_s, ?4)",
		"INSERT INTO bundles VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14, ?15, ?16)",
		"INSERT OR IGNORE INTO expected VALUES (?1, ?2, ?3)",
	};
	struct fim_fleet_db *db;
	const char *sql;
	int err = load_library();
	size_t i;

	if (err)
		return err;
	db = calloc(1, sizeof(*db));
	if (!db)
		return -ENOMEM;
	err = libsqlite.open(path ? path : "", &db->sqlite) == SQLITE_OK ? 0 : failed(db);
	if (!err)
		err = run(db, tables);
	for (i = 0; i < STATEMENTS && !err; i++) {
		sql = i < INSERT_SEEN ? record_tables[i].insert : others[i - INSERT_SEEN];
		if (libsqlite.prepare_v2(db->sqlite, sql, -1, &db->statements[i], NULL) !=
		    SQLITE_OK)
			err = failed(db);
	}
	if (err) {
		fim_fleet_db_close(db);
		return err;
	}
	*db_ret = db;
	return 0;
}

int fim_fleet_db_begin(struct fim_fleet_db *db)
{
	return run(db, "BEGIN");
}

int fim_fleet_db_end(struct fim_fleet_db *db, bool keep)
{
	return run(db, keep ? "COMMIT" : "ROLLBACK");
}

/* Nothing to say but that it is done. */
static int step(struct fim_fleet_db *db, sqlite3_stmt *statement)
{
	int err = libsqlite.step(statement) == SQLITE_DONE ? 0 : failed(db);

	libsqlite.reset(statement);
	return err;
}

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	libsqlite.bind_text(statement, column, text, -1, SQLITE_STATIC);
}

static void bind_host(sqlite3_stmt *statement, const struct fim_bundle *bundle)
{
	bind_text(statement, 1, bundle->account);
	bind_text(statement, 2, bundle->cluster);
	bind_text(statement, 3, bundle->host);
}

/* ----------------------------------------------------------------- records */

/* What of a line goes into a table. */
struct picked {
	int64_t seq;
	struct fim_span type;
	struct fim_span time;
	const struct table *table;
	struct fim_span values[MAX_COLUMNS];
};

static int pick_common(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		       const struct fim_span *value)
{
	struct picked *picked = ctx;

	if (parent)
		return 0;
	if (fim_span_is(key, "seq"))
		picked->seq = fim_span_int(value, 0);
	else if (fim_span_is(key, "type"))
		picked->type = *value;
	else if (fim_span_is(key, "time"))
		picked->time = *value;
	return 0;
}

static int pick_members(void *ctx, const struct fim_span *parent, const struct fim_span *key,
			const struct fim_span *value)
{
	struct picked *picked = ctx;
	const struct member *member = picked->table->members;
	size_t i;

	for (i = 0; i < MAX_COLUMNS && member[i].key; i++)
		if (!parent == !member[i].parent &&
		    (!parent || fim_span_is(parent, member[i].parent)) &&
		    fim_span_is(key, member[i].key))
			picked->values[i] = *value;
	return 0;
}

/* To the second: the fraction is dropped, as in the views of other engines. */
static int64_t seconds(const struct fim_span *span)
{
	char text[FIM_TIME_SIZE];
	int64_t time_ns;

	if (!fim_span_copy(span, text, sizeof(text)) || fim_time_parse(text, &time_ns))
		return 0;
	return time_ns / FIM_NSEC_PER_SEC;
}

static void bind_string(sqlite3_stmt *statement, int column, const struct fim_span *span)
{
	struct fim_json *json = NULL;
	const char *text;

	if (span->kind != FIM_SPAN_STRING) {
		bind_text(statement, column, "");
	} else if (!span->escaped) {
		libsqlite.bind_text(statement, column, span->text, (int)span->len, SQLITE_STATIC);
	} else if (fim_json_parse(span->text - 1, span->len + 2, NULL, &json) == 0) {
		text = fim_json_str(json);
		libsqlite.bind_text(statement, column, text ? text : "", -1, SQLITE_TRANSIENT);
		fim_json_free(json);
	} else {
		bind_text(statement, column, "");
	}
}

static void bind_member(sqlite3_stmt *statement, int column, enum kind kind,
			const struct fim_span *span)
{
	switch (kind) {
	case TEXT:
		bind_string(statement, column, span);
		return;
	case NUMBER:
		libsqlite.bind_int64(statement, column, fim_span_int(span, 0));
		return;
	case SECONDS:
		libsqlite.bind_int64(statement, column, seconds(span));
		return;
	case AS_IS:
		if (span->kind == FIM_SPAN_ARRAY)
			libsqlite.bind_text(statement, column, span->text, (int)span->len,
					    SQLITE_STATIC);
		else
			libsqlite.bind_null(statement, column);
		return;
	case TRUTH:
		libsqlite.bind_int(statement, column,
				   span->len == 4 && memcmp(span->text, "true", 4) == 0);
		return;
	default:
		libsqlite.bind_int(statement, column,
				   span->kind != FIM_SPAN_NONE && span->kind != FIM_SPAN_NULL);
	}
}

/* The same line, or another one? */
static int compare_seen(struct fim_fleet_db *db, const struct fim_bundle *bundle)
{
	sqlite3_stmt *statement = db->statements[SELECT_SEEN];
	int err = 0;

	bind_host(statement, bundle);
	libsqlite.bind_int64(statement, 4, bundle->last_seq);
	if (libsqlite.step(statement) != SQLITE_ROW)
		err = failed(db);
	else if (libsqlite.column_int64(statement, 0) != bundle->link)
		err = -ESTALE;
	libsqlite.reset(statement);
	return err;
}

int fim_fleet_db_know(struct fim_fleet_db *db, const struct fim_bundle *bundle)
{
	sqlite3_stmt *statement = db->statements[INSERT_SEEN];
	int err;

	bind_host(statement, bundle);
	libsqlite.bind_int64(statement, 4, bundle->last_seq);
	libsqlite.bind_int64(statement, 5, bundle->link);
	err = step(db, statement);
	if (err)
		return err;
	return libsqlite.changes(db->sqlite) > 0 ? 1 : compare_seen(db, bundle);
}

int fim_fleet_db_line(struct fim_fleet_db *db, const struct fim_bundle *bundle, const char *line,
		      size_t len)
{
	struct picked picked = {.seq = 0};
	sqlite3_stmt *statement;
	size_t t, i;
	int err;

	if (fim_scan(line, len, pick_common, &picked))
		return -EINVAL;
	err = fim_fleet_db_know(db, bundle);
	if (err <= 0)
		return err;
	statement = db->statements[INSERT_LIFE];
	bind_host(statement, bundle);
	libsqlite.bind_int64(statement, 4, seconds(&picked.time));
	err = step(db, statement);
	for (t = 0; t < COUNT(record_tables) && !err; t++) {
		if (!fim_span_is(&picked.type, record_tables[t].type))
			continue;
		picked.table = &record_tables[t];
		if (fim_scan(line, len, pick_members, &picked))
			return -EINVAL;
		statement = db->statements[t];
		bind_host(statement, bundle);
		libsqlite.bind_int64(statement, 4, picked.seq);
		for (i = 0; i < MAX_COLUMNS && picked.table->members[i].key; i++)
			bind_member(statement, 5 + (int)i, picked.table->members[i].kind,
				    &picked.values[i]);
		err = step(db, statement);
	}
	return err;
}

int fim_fleet_db_bundle(struct fim_fleet_db *db, const struct fim_bundle *bundle, bool rejected)
{
	sqlite3_stmt *statement = db->statements[INSERT_BUNDLE];

	bind_host(statement, bundle);
	bind_text(statement, 4, bundle->directory);
	bind_text(statement, 5, rejected ? "rejected" : "accepted");
	bind_text(statement, 6, bundle->reason);
	bind_text(statement, 7, bundle->signer);
	bind_text(statement, 8, bundle->first_day);
	bind_text(statement, 9, bundle->last_day);
	libsqlite.bind_int64(statement, 10, bundle->from_s);
	libsqlite.bind_int64(statement, 11, bundle->to_s);
	libsqlite.bind_int64(statement, 12, (int64_t)bundle->records);
	libsqlite.bind_int64(statement, 13, bundle->first_seq);
	libsqlite.bind_int64(statement, 14, bundle->last_seq);
	bind_text(statement, 15, bundle->prev);
	bind_text(statement, 16, bundle->head);
	return step(db, statement);
}

int fim_fleet_db_expect(struct fim_fleet_db *db, const char *account, const char *cluster,
			const char *host)
{
	sqlite3_stmt *statement = db->statements[INSERT_EXPECTED];

	bind_text(statement, 1, account);
	bind_text(statement, 2, cluster);
	bind_text(statement, 3, host);
	return step(db, statement);
}

/* ------------------------------------------------------------- continuity */

int fim_fleet_db_void(struct fim_fleet_db *db, const struct fim_bundle *bundle, int64_t seq)
{
	sqlite3_stmt *statement = db->statements[INSERT_VOIDED];

	bind_host(statement, bundle);
	libsqlite.bind_int64(statement, 4, seq);
	return step(db, statement);
}

#define OF_VOIDED "(account, cluster, host) IN (SELECT account, cluster, host FROM voided)"

/* Which of two that contradict each other is right cannot be known. */
static int apply_voided(struct fim_fleet_db *db)
{
	return run(db,
		   "UPDATE bundles SET status = 'rejected', reason ="
		   " 'another bundle of this host has another record ' || (SELECT seq FROM voided v"
		   " WHERE v.account = bundles.account AND v.cluster = bundles.cluster"
		   " AND v.host = bundles.host)"
		   " WHERE status = 'accepted' AND " OF_VOIDED ";"
		   "DELETE FROM lifetimes WHERE " OF_VOIDED ";"
		   "DELETE FROM comparisons WHERE " OF_VOIDED ";"
		   "DELETE FROM baselines WHERE " OF_VOIDED ";"
		   "DELETE FROM controls WHERE " OF_VOIDED ";"
		   "DELETE FROM changes WHERE " OF_VOIDED ";"
		   "DELETE FROM containers WHERE " OF_VOIDED ";");
}

/* How far the bundles of a host reach so far. */
struct reach {
	struct fim_bundle host; /* account, cluster and host of it */
	int64_t seq;
	char head[FIM_SHA256_HEX_SIZE];
};

static void take_text(sqlite3_stmt *statement, int column, char *text_ret, size_t size)
{
	const char *text = (const char *)libsqlite.column_text(statement, column);

	snprintf(text_ret, size, "%s", text ? text : "");
}

static bool is_same_host(sqlite3_stmt *statement, const struct fim_bundle *host)
{
	return !strcmp((const char *)libsqlite.column_text(statement, 1), host->account) &&
	       !strcmp((const char *)libsqlite.column_text(statement, 2), host->cluster) &&
	       !strcmp((const char *)libsqlite.column_text(statement, 3), host->host);
}

static int say_incomplete(struct fim_fleet_db *db, int64_t row, int64_t from, int64_t to)
{
	char *sql = libsqlite.mprintf(
		"UPDATE bundles SET status = 'incomplete', reason ="
		" 'records %lld to %lld, before it, are in no bundle' WHERE rowid = %lld",
		(long long)from, (long long)to, (long long)row);
	int err = sql ? run(db, sql) : -ENOMEM;

	libsqlite.free(sql);
	return err;
}

static int settle_row(struct fim_fleet_db *db, sqlite3_stmt *statement, struct reach *reach)
{
	int64_t first = libsqlite.column_int64(statement, 4), last;
	const char *prev = (const char *)libsqlite.column_text(statement, 6);
	int err = 0;

	last = libsqlite.column_int64(statement, 5);
	if (!is_same_host(statement, &reach->host)) {
		take_text(statement, 1, reach->host.account, sizeof(reach->host.account));
		take_text(statement, 2, reach->host.cluster, sizeof(reach->host.cluster));
		take_text(statement, 3, reach->host.host, sizeof(reach->host.host));
	} else if (first > reach->seq + 1) {
		err = say_incomplete(db, libsqlite.column_int64(statement, 0), reach->seq + 1,
				     first - 1);
	} else if (first == reach->seq + 1 && strcmp(prev, reach->head) != 0) {
		err = fim_fleet_db_void(db, &reach->host, reach->seq);
	} else if (last <= reach->seq) {
		return 0;
	}
	reach->seq = last;
	take_text(statement, 7, reach->head, sizeof(reach->head));
	return err;
}

int fim_fleet_db_settle(struct fim_fleet_db *db)
{
	static const char in_order[] =
		"SELECT rowid, account, cluster, host, first_seq, last_seq, prev, head FROM bundles"
		" WHERE status = 'accepted' AND records > 0"
		" ORDER BY account, cluster, host, first_seq, last_seq";
	sqlite3_stmt *statement = NULL;
	struct reach reach = {.seq = 0};
	int got = SQLITE_DONE, err = apply_voided(db);

	if (!err && libsqlite.prepare_v2(db->sqlite, in_order, -1, &statement, NULL) != SQLITE_OK)
		err = failed(db);
	while (!err && (got = libsqlite.step(statement)) == SQLITE_ROW)
		err = settle_row(db, statement, &reach);
	if (!err && got != SQLITE_DONE)
		err = failed(db);
	libsqlite.finalize(statement);
	return err ? err : apply_voided(db);
}

int fim_fleet_db_finish(struct fim_fleet_db *db)
{
	return run(db, "DROP TABLE seen; ANALYZE");
}

/* --------------------------------------------------------------- questions */

/* From "-- name: NAME" to the next ';'. */
static const char *find_query(const char *name, size_t *len_ret)
{
	char mark[64];
	const char *at, *end;

	snprintf(mark, sizeof(mark), "-- name: %s\n", name);
	at = strstr(fleet_queries, mark);
	if (!at)
		return NULL;
	at += strlen(mark);
	end = strchr(at, ';');
	*len_ret = end ? (size_t)(end - at) : strlen(at);
	return at;
}

static struct fim_json *row_json(sqlite3_stmt *statement, int columns)
{
	struct fim_json *row = fim_json_object();
	int column;

	for (column = 0; column < columns; column++) {
		const char *name = libsqlite.column_name(statement, column);

		if (libsqlite.column_type(statement, column) == SQLITE_INTEGER)
			fim_json_set_int(row, name, libsqlite.column_int64(statement, column));
		else if (libsqlite.column_type(statement, column) == SQLITE_NULL)
			fim_json_set_null(row, name);
		else
			fim_json_set_str(row, name,
					 (const char *)libsqlite.column_text(statement, column));
	}
	return row;
}

int fim_fleet_db_bundles(struct fim_fleet_db *db, int (*fn)(void *ctx, struct fim_json *row),
			 void *ctx)
{
	static const char all[] =
		"SELECT account, cluster, host, status, reason, signer, first_day, last_day, from_s,"
		" to_s, records, directory FROM bundles ORDER BY rowid";
	sqlite3_stmt *statement = NULL;
	struct fim_json *row;
	int got = SQLITE_DONE, err = 0;

	if (libsqlite.prepare_v2(db->sqlite, all, -1, &statement, NULL) != SQLITE_OK)
		return failed(db);
	while (!err && (got = libsqlite.step(statement)) == SQLITE_ROW) {
		row = row_json(statement, libsqlite.column_count(statement) - 1);
		fim_json_set_path(row, "directory",
				  (const char *)libsqlite.column_text(statement, 11));
		err = fn(ctx, row);
	}
	if (!err && got != SQLITE_DONE)
		err = failed(db);
	libsqlite.finalize(statement);
	return err;
}

int fim_fleet_db_ask(struct fim_fleet_db *db, const char *name, size_t shown,
		     struct fim_json *section)
{
	struct fim_json *items = fim_json_array();
	sqlite3_stmt *statement = NULL;
	const char *sql;
	uint64_t count = 0;
	size_t len = 0;
	int got = SQLITE_DONE, err = 0;

	sql = find_query(name, &len);
	if (!sql ||
	    libsqlite.prepare_v2(db->sqlite, sql, (int)len, &statement, NULL) != SQLITE_OK) {
		err = failed(db);
		goto out;
	}
	while ((got = libsqlite.step(statement)) == SQLITE_ROW)
		if (count++ < shown)
			fim_json_append(items,
					row_json(statement, libsqlite.column_count(statement)));
	if (got != SQLITE_DONE)
		err = failed(db);
out:
	libsqlite.finalize(statement);
	fim_json_set_int(section, "count", (int64_t)count);
	fim_json_set_int(section, "omitted", count > shown ? (int64_t)(count - shown) : 0);
	fim_json_set(section, "items", items);
	return err;
}
