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
	COLUMN("exe_sha256", "actor", "exe_sha256"),
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
#define HEADS		       64 /* a power of two */

/*
 * struct fim_csv - a file being written
 * @heads: the first column whose key has a hash, plus 1; 0: no column's has
 * @next: the next one of the same hash, plus 1
 * @cells: of the record at hand
 * @bytes: the line as it grows, of ROW_SIZE(); @len: so far
 */
struct fim_csv {
	FILE *out;
	const struct column *columns;
	size_t count;
	unsigned char heads[HEADS];
	unsigned char next[MAX_COLUMNS];
	struct fim_span cells[MAX_COLUMNS];
	char *bytes;
	size_t size;
	size_t len;
};

/* Most of a record's members are in no column, which this shows at once. */
static size_t hash_of(const char *key, size_t len)
{
	return len ? (len + 3 * (unsigned char)key[0] + 7 * (unsigned char)key[len - 1]) % HEADS
		   : 0;
}

static bool is_parent(const struct column *column, const struct fim_span *parent)
{
	if (!parent || !column->parent)
		return !parent && !column->parent;
	return parent->len == column->parent_len &&
	       memcmp(parent->text, column->parent, parent->len) == 0;
}

static int pick(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		const struct fim_span *value)
{
	struct fim_csv *csv = ctx;
	const struct column *column;
	size_t at;

	for (at = csv->heads[hash_of(key->text, key->len)]; at; at = csv->next[at - 1]) {
		column = &csv->columns[at - 1];
		if (key->len != column->key_len || memcmp(key->text, column->key, key->len) != 0 ||
		    !is_parent(column, parent))
			continue;
		csv->cells[at - 1] = *value;
		break;
	}
	return 0;
}

static void put(struct fim_csv *csv, const char *bytes, size_t len)
{
	memcpy(csv->bytes + csv->len, bytes, len);
	csv->len += len;
}

static void put_char(struct fim_csv *csv, char c)
{
	csv->bytes[csv->len++] = c;
}

static void put_plain(struct fim_csv *csv, const char *bytes, size_t len)
{
	put_char(csv, '"');
	if (len && strchr("=+-@", *bytes))
		put_char(csv, '\'');
	put(csv, bytes, len);
	put_char(csv, '"');
}

/* Quotes are doubled; what could move a reader's eye is written as \xHH. */
static void put_quoted(struct fim_csv *csv, const char *bytes, size_t len)
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
	put_char(csv, '"');
	if (len && strchr("=+-@", *bytes))
		put_char(csv, '\'');
	while (len) {
		const char *quote = memchr(bytes, '"', len);
		size_t part = quote ? (size_t)(quote + 1 - bytes) : len;

		put(csv, bytes, part);
		if (quote)
			put_char(csv, '"');
		bytes += part;
		len -= part;
	}
	put_char(csv, '"');
	free(escaped);
}

/* A string with escapes: the JSON parser knows them all. */
static void put_escaped(struct fim_csv *csv, const struct fim_span *span)
{
	struct fim_json *json = NULL;
	const char *text;

	if (fim_json_parse(span->text - 1, span->len + 2, NULL, &json))
		return;
	text = fim_json_str(json);
	put_quoted(csv, text ? text : "", text ? strlen(text) : 0);
	fim_json_free(json);
}

static void put_cell(struct fim_csv *csv, const struct fim_span *span)
{
	switch (span->kind) {
	case FIM_SPAN_NONE:
	case FIM_SPAN_NULL:
		return;
	case FIM_SPAN_STRING:
		if (span->plain)
			put_plain(csv, span->text, span->len);
		else if (span->escaped)
			put_escaped(csv, span);
		else
			put_quoted(csv, span->text, span->len);
		return;
	case FIM_SPAN_ARRAY:
	case FIM_SPAN_OBJECT:
		put_quoted(csv, span->text, span->len);
		return;
	default:
		put(csv, span->text, span->len);
	}
}

static struct fim_csv *csv_new(FILE *out, const struct column *columns, size_t count)
{
	struct fim_csv *csv = out ? calloc(1, sizeof(*csv)) : NULL;
	size_t i, hash;

	if (!csv)
		return NULL;
	csv->out = out;
	csv->columns = columns;
	csv->count = count;
	for (i = 0; i < count; i++) {
		fprintf(out, "%s%s", i ? "," : "", columns[i].title);
		hash = hash_of(columns[i].key, columns[i].key_len);
		csv->next[i] = csv->heads[hash];
		csv->heads[hash] = (unsigned char)(i + 1);
	}
	fputs("\r\n", out);
	return csv;
}

struct fim_csv *fim_csv_changes(FILE *out)
{
	return csv_new(out, change_columns, COUNT(change_columns));
}

struct fim_csv *fim_csv_comparisons(FILE *out)
{
	return csv_new(out, comparison_columns, COUNT(comparison_columns));
}

void fim_csv_free(struct fim_csv *csv)
{
	if (csv)
		free(csv->bytes);
	free(csv);
}

static int make_room(struct fim_csv *csv, size_t size)
{
	char *grown = csv->size < size ? realloc(csv->bytes, size) : csv->bytes;

	if (!grown)
		return -ENOMEM;
	csv->bytes = grown;
	csv->size = csv->size < size ? size : csv->size;
	return 0;
}

int fim_csv_put(struct fim_csv *csv, const struct fim_line *line)
{
	int err = make_room(csv, ROW_SIZE(line->len, csv->count));
	size_t i;

	if (err)
		return err;
	memset(csv->cells, 0, csv->count * sizeof(*csv->cells));
	err = fim_line_scan(line, pick, csv);
	if (err)
		return err;
	csv->len = 0;
	for (i = 0; i < csv->count; i++) {
		if (i)
			put_char(csv, ',');
		put_cell(csv, &csv->cells[i]);
	}
	put(csv, "\r\n", 2);
	fwrite(csv->bytes, 1, csv->len, csv->out);
	return 0;
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
