/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes and comparisons as CSV (RFC 4180), one line per record, straight from the
 * record's text.  A cell that a spreadsheet would calculate gets an apostrophe in front:
 * file names are chosen by attackers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define MAX_COLUMNS 48

/* A column: its title, and which member of which object of the record is in it. */
struct column {
	const char *title;
	const char *parent;
	const char *key;
};

static const struct column change_columns[] = {
	{"id", NULL, "seq"},
	{"time", NULL, "time"},
	{"kind", NULL, "kind"},
	{"severity", NULL, "severity"},
	{"scope", NULL, "scope"},
	{"path", NULL, "path"},
	{"path_hex", NULL, "path_hex"},
	{"old_path", NULL, "old_path"},
	{"category", NULL, "category"},
	{"class", NULL, "class"},
	{"operation", NULL, "op"},
	{"detected_by", NULL, "detected_by"},
	{"changed", NULL, "changed"},
	{"before_type", "before", "type"},
	{"before_mode", "before", "mode"},
	{"before_uid", "before", "uid"},
	{"before_gid", "before", "gid"},
	{"before_size", "before", "size"},
	{"before_sha256", "before", "sha256"},
	{"after_type", "after", "type"},
	{"after_mode", "after", "mode"},
	{"after_uid", "after", "uid"},
	{"after_gid", "after", "gid"},
	{"after_size", "after", "size"},
	{"after_sha256", "after", "sha256"},
	{"pid", "actor", "pid"},
	{"exe", "actor", "exe"},
	{"args", "actor", "args"},
	{"uid", "actor", "uid"},
	{"user", "actor", "user"},
	{"loginuid", "actor", "loginuid"},
	{"login_user", "actor", "login_user"},
	{"container_id", "container", "id"},
	{"container_name", "container", "name"},
	{"image", "container", "image"},
	{"image_id", "container", "image_id"},
	{"task_arn", "container", "task_arn"},
	{"cluster", "container", "cluster"},
	{"authorized", "change", "id"},
	{"ticket", "change", "ticket"},
};

static const struct column comparison_columns[] = {
	{"id", NULL, "seq"},
	{"start", NULL, "start"},
	{"end", NULL, "end"},
	{"trigger", NULL, "trigger"},
	{"scope", NULL, "scope"},
	{"expected", NULL, "expected"},
	{"compared", NULL, "compared"},
	{"unreadable", NULL, "unreadable"},
	{"added", NULL, "added"},
	{"removed", NULL, "removed"},
	{"changed", NULL, "changed"},
	{"bytes", NULL, "bytes"},
	{"result_digest", NULL, "result_digest"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(change_columns) <= MAX_COLUMNS, "MAX_COLUMNS");

struct row {
	const struct column *columns;
	size_t count;
	struct fim_span cells[MAX_COLUMNS];
};

static bool is_parent(const struct column *column, const struct fim_span *parent)
{
	if (!parent || !column->parent)
		return !parent && !column->parent;
	return fim_span_is(parent, column->parent);
}

static int pick(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		const struct fim_span *value)
{
	struct row *row = ctx;
	size_t i;

	for (i = 0; i < row->count; i++)
		if (key->len && row->columns[i].key[0] == key->text[0] &&
		    is_parent(&row->columns[i], parent) && fim_span_is(key, row->columns[i].key))
			row->cells[i] = *value;
	return 0;
}

/* Nothing in it needs an escape. */
static bool is_plain(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] < ' ' || bytes[i] > '~' || bytes[i] == '\\')
			return false;
	return true;
}

/* Quotes are doubled; what could move a reader's eye is written as \xHH. */
static void put_quoted(FILE *out, const char *bytes, size_t len)
{
	const char *quote;
	char *escaped = NULL;

	if (!is_plain(bytes, len)) {
		escaped = fim_escape(bytes, len);
		if (!escaped)
			return;
		bytes = escaped;
		len = strlen(escaped);
	}
	fputs(len && strchr("=+-@", *bytes) ? "\"'" : "\"", out);
	while ((quote = memchr(bytes, '"', len))) {
		size_t part = (size_t)(quote + 1 - bytes);

		fwrite(bytes, 1, part, out);
		fputc('"', out);
		bytes += part;
		len -= part;
	}
	fwrite(bytes, 1, len, out);
	fputc('"', out);
	free(escaped);
}

/* A string with escapes: the JSON parser knows them all. */
static void put_escaped(FILE *out, const struct fim_span *span)
{
	struct fim_json *json = NULL;
	const char *text;

	if (fim_json_parse(span->text - 1, span->len + 2, NULL, &json))
		return;
	text = fim_json_str(json);
	put_quoted(out, text ? text : "", text ? strlen(text) : 0);
	fim_json_free(json);
}

static void put_cell(FILE *out, const struct fim_span *span)
{
	switch (span->kind) {
	case FIM_SPAN_NONE:
	case FIM_SPAN_NULL:
		return;
	case FIM_SPAN_STRING:
		if (span->escaped)
			put_escaped(out, span);
		else
			put_quoted(out, span->text, span->len);
		return;
	case FIM_SPAN_ARRAY:
	case FIM_SPAN_OBJECT:
		put_quoted(out, span->text, span->len);
		return;
	default:
		fwrite(span->text, 1, span->len, out);
	}
}

static void put_header(FILE *out, const struct column *columns, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? "," : "", columns[i].title);
	fputs("\r\n", out);
}

static int put_row(FILE *out, const struct column *columns, size_t count, const char *line,
		   size_t len)
{
	struct row row = {.columns = columns, .count = count};
	size_t i;
	int err;

	err = fim_scan(line, len, pick, &row);
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		if (i)
			fputc(',', out);
		put_cell(out, &row.cells[i]);
	}
	fputs("\r\n", out);
	return 0;
}

void fim_csv_changes_header(FILE *out)
{
	put_header(out, change_columns, COUNT(change_columns));
}

int fim_csv_change(FILE *out, const char *line, size_t len)
{
	return put_row(out, change_columns, COUNT(change_columns), line, len);
}

void fim_csv_comparisons_header(FILE *out)
{
	put_header(out, comparison_columns, COUNT(comparison_columns));
}

int fim_csv_comparison(FILE *out, const char *line, size_t len)
{
	return put_row(out, comparison_columns, COUNT(comparison_columns), line, len);
}

/* A row like all others, so that every reader of the format reads it. */
void fim_report_csv_end(const struct fim_json *report, FILE *out)
{
	const struct fim_json *journal = fim_json_get(report, "journal");
	const char *text;
	size_t i;

	for (i = 0; i < COUNT(change_columns); i++) {
		text = NULL;
		if (strcmp(change_columns[i].title, "id") == 0)
			fprintf(out, "%lld", (long long)fim_json_get_int(journal, "last_seq", 0));
		else if (strcmp(change_columns[i].title, "time") == 0)
			text = fim_json_get_str(report, "generated");
		else if (strcmp(change_columns[i].title, "kind") == 0)
			text = "journal";
		else if (strcmp(change_columns[i].title, "operation") == 0)
			text = fim_json_get_str(journal, "verification");
		else if (strcmp(change_columns[i].title, "path") == 0)
			fprintf(out, "\"records %lld to %lld\"",
				(long long)fim_json_get_int(journal, "first_seq", 0),
				(long long)fim_json_get_int(journal, "last_seq", 0));
		else if (strcmp(change_columns[i].title, "after_sha256") == 0)
			text = fim_json_get_str(journal, "head");
		if (text)
			put_quoted(out, text, strlen(text));
		fputs(i + 1 < COUNT(change_columns) ? "," : "\r\n", out);
	}
}
