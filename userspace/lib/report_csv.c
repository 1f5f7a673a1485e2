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

/*
 * A column: its title, and which member of which object of the record is in it.
 * Those of one object stand together.
 */
struct column {
	const char *title;
	const char *parent;
	const char *key;
	size_t parent_len; /* of @parent, if it has one */
	size_t key_len;
};

#define COLUMN(title, parent, key)                                      \
	{                                                               \
		title, parent, key, sizeof(parent) - 1, sizeof(key) - 1 \
	}

static const struct column change_columns[] = {
	COLUMN("id", NULL, "seq"),
	COLUMN("time", NULL, "time"),
	COLUMN("kind", NULL, "kind"),
	COLUMN("severity", NULL, "severity"),
	COLUMN("scope", NULL, "scope"),
	COLUMN("path", NULL, "path"),
	COLUMN("path_hex", NULL, "path_hex"),
	COLUMN("old_path", NULL, "old_path"),
	COLUMN("category", NULL, "category"),
	COLUMN("class", NULL, "class"),
	COLUMN("operation", NULL, "op"),
	COLUMN("detected_by", NULL, "detected_by"),
	COLUMN("changed", NULL, "changed"),
	COLUMN("before_type", "before", "type"),
	COLUMN("before_mode", "before", "mode"),
	COLUMN("before_uid", "before", "uid"),
	COLUMN("before_gid", "before", "gid"),
	COLUMN("before_size", "before", "size"),
	COLUMN("before_sha256", "before", "sha256"),
	COLUMN("after_type", "after", "type"),
	COLUMN("after_mode", "after", "mode"),
	COLUMN("after_uid", "after", "uid"),
	COLUMN("after_gid", "after", "gid"),
	COLUMN("after_size", "after", "size"),
	COLUMN("after_sha256", "after", "sha256"),
	COLUMN("pid", "actor", "pid"),
	COLUMN("exe", "actor", "exe"),
	COLUMN("args", "actor", "args"),
	COLUMN("uid", "actor", "uid"),
	COLUMN("user", "actor", "user"),
	COLUMN("loginuid", "actor", "loginuid"),
	COLUMN("login_user", "actor", "login_user"),
	COLUMN("container_id", "container", "id"),
	COLUMN("container_name", "container", "name"),
	COLUMN("image", "container", "image"),
	COLUMN("image_id", "container", "image_id"),
	COLUMN("task_arn", "container", "task_arn"),
	COLUMN("cluster", "container", "cluster"),
	COLUMN("authorized", "change", "id"),
	COLUMN("ticket", "change", "ticket"),
};

static const struct column comparison_columns[] = {
	COLUMN("id", NULL, "seq"),
	COLUMN("start", NULL, "start"),
	COLUMN("end", NULL, "end"),
	COLUMN("trigger", NULL, "trigger"),
	COLUMN("scope", NULL, "scope"),
	COLUMN("expected", NULL, "expected"),
	COLUMN("compared", NULL, "compared"),
	COLUMN("unreadable", NULL, "unreadable"),
	COLUMN("added", NULL, "added"),
	COLUMN("removed", NULL, "removed"),
	COLUMN("changed", NULL, "changed"),
	COLUMN("bytes", NULL, "bytes"),
	COLUMN("result_digest", NULL, "result_digest"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(change_columns) <= MAX_COLUMNS, "MAX_COLUMNS");

/* What a line may come to: a byte becomes four at most, a cell has quotes and a comma. */
#define ROW_SIZE(len, columns) (4 * (len) + 8 * (columns) + 8)

/*
 * struct row - a record on its way into the file
 * @parent: object whose members come, NULL: the record's own
 * @first: its first column; @last: the one after its last; @next: which comes next if
 *	members are in the order of columns, as most are
 * @bytes: the line as it grows, of ROW_SIZE()
 */
struct row {
	const struct column *columns;
	size_t count;
	const char *parent;
	size_t first;
	size_t last;
	size_t next;
	struct fim_span cells[MAX_COLUMNS];
	char *bytes;
	size_t len;
};

static bool is_parent(const struct column *column, const struct fim_span *parent)
{
	if (!parent || !column->parent)
		return !parent && !column->parent;
	return parent->len == column->parent_len &&
	       memcmp(parent->text, column->parent, parent->len) == 0;
}

static void enter(struct row *row, const struct fim_span *parent)
{
	size_t i;

	row->parent = parent ? parent->text : NULL;
	for (i = 0; i < row->count && !is_parent(&row->columns[i], parent);)
		i++;
	row->first = row->next = i;
	while (i < row->count && is_parent(&row->columns[i], parent))
		i++;
	row->last = i;
}

static int pick(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		const struct fim_span *value)
{
	struct row *row = ctx;
	const struct column *column;
	size_t tries;

	if (!row->last || row->parent != (parent ? parent->text : NULL))
		enter(row, parent);
	for (tries = row->last - row->first; tries; tries--) {
		if (row->next == row->last)
			row->next = row->first;
		column = &row->columns[row->next++];
		if (key->len != column->key_len || *key->text != *column->key ||
		    memcmp(key->text, column->key, key->len) != 0)
			continue;
		row->cells[column - row->columns] = *value;
		break;
	}
	return 0;
}

static void put(struct row *row, const char *bytes, size_t len)
{
	memcpy(row->bytes + row->len, bytes, len);
	row->len += len;
}

static void put_char(struct row *row, char c)
{
	row->bytes[row->len++] = c;
}

/* Quotes are doubled; what could move a reader's eye is written as \xHH. */
static void put_quoted(struct row *row, const char *bytes, size_t len)
{
	char *escaped = NULL;
	size_t plain = fim_plain_run(bytes, len);

	while (plain < len && bytes[plain] == '"')
		plain += 1 + fim_plain_run(bytes + plain + 1, len - plain - 1);
	if (plain < len) {
		escaped = fim_escape(bytes, len);
		if (!escaped)
			return;
		bytes = escaped;
		len = strlen(escaped);
	}
	put_char(row, '"');
	if (len && strchr("=+-@", *bytes))
		put_char(row, '\'');
	while (len) {
		const char *quote = memchr(bytes, '"', len);
		size_t part = quote ? (size_t)(quote + 1 - bytes) : len;

		put(row, bytes, part);
		if (quote)
			put_char(row, '"');
		bytes += part;
		len -= part;
	}
	put_char(row, '"');
	free(escaped);
}

/* A string with escapes: the JSON parser knows them all. */
static void put_escaped(struct row *row, const struct fim_span *span)
{
	struct fim_json *json = NULL;
	const char *text;

	if (fim_json_parse(span->text - 1, span->len + 2, NULL, &json))
		return;
	text = fim_json_str(json);
	put_quoted(row, text ? text : "", text ? strlen(text) : 0);
	fim_json_free(json);
}

static void put_cell(struct row *row, const struct fim_span *span)
{
	switch (span->kind) {
	case FIM_SPAN_NONE:
	case FIM_SPAN_NULL:
		return;
	case FIM_SPAN_STRING:
		if (span->escaped)
			put_escaped(row, span);
		else
			put_quoted(row, span->text, span->len);
		return;
	case FIM_SPAN_ARRAY:
	case FIM_SPAN_OBJECT:
		put_quoted(row, span->text, span->len);
		return;
	default:
		put(row, span->text, span->len);
	}
}

static void put_header(FILE *out, const struct column *columns, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? "," : "", columns[i].title);
	fputs("\r\n", out);
}

static int put_row(FILE *out, const struct column *columns, size_t count,
		   const struct fim_line *line)
{
	struct row row = {.columns = columns, .count = count};
	size_t i;
	int err;

	err = fim_line_scan(line, pick, &row);
	if (err)
		return err;
	row.bytes = malloc(ROW_SIZE(line->len, count));
	if (!row.bytes)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (i)
			put_char(&row, ',');
		put_cell(&row, &row.cells[i]);
	}
	put(&row, "\r\n", 2);
	fwrite(row.bytes, 1, row.len, out);
	free(row.bytes);
	return 0;
}

void fim_csv_changes_header(FILE *out)
{
	put_header(out, change_columns, COUNT(change_columns));
}

int fim_csv_change(FILE *out, const struct fim_line *line)
{
	return put_row(out, change_columns, COUNT(change_columns), line);
}

void fim_csv_comparisons_header(FILE *out)
{
	put_header(out, comparison_columns, COUNT(comparison_columns));
}

int fim_csv_comparison(FILE *out, const struct fim_line *line)
{
	return put_row(out, comparison_columns, COUNT(comparison_columns), line);
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
		/* Times, digests and our own words: nothing to escape. */
		if (text)
			fprintf(out, "\"%s\"", text);
		fputs(i + 1 < COUNT(change_columns) ? "," : "\r\n", out);
	}
}
