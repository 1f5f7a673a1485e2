/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pages of reports are put together from: words, numbers, times, facts, tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report_put.h"

/* In the page's language. */
#define T(text) fim_tr(page->lang, text)

/* ------------------------------------------------------------------- words */

void fim_put(struct fim_page *page, const char *text)
{
	fim_put_look(page, FIM_LOOK_PLAIN, text);
}

void fim_put_look(struct fim_page *page, enum fim_look look, const char *text)
{
	if (text)
		page->ops->text(page, look, text, strlen(text));
}

static void put_args(struct fim_page *page, enum fim_look look, const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0) {
		page->err = -ENOMEM;
		text = NULL;
	}
	fim_put_look(page, look, text);
	free(text);
}

void fim_put_format(struct fim_page *page, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_args(page, FIM_LOOK_PLAIN, fmt, args);
	va_end(args);
}

void fim_put_member(struct fim_page *page, const struct fim_json *object, const char *key)
{
	fim_put(page, fim_json_get_str(object, key));
}

void fim_put_name(struct fim_page *page, const struct fim_json *object, const char *key)
{
	fim_put(page, fim_tr_name(page->lang, fim_json_get_str(object, key)));
}

void fim_put_code(struct fim_page *page, const struct fim_json *object, const char *key)
{
	fim_put_look(page, FIM_LOOK_CODE, fim_json_get_str(object, key));
}

void fim_put_path(struct fim_page *page, const struct fim_json *object, const char *key)
{
	char *bytes;
	size_t len;

	if (fim_json_get_bytes(object, key, &bytes, &len))
		return;
	page->ops->text(page, FIM_LOOK_CODE, bytes, len);
	free(bytes);
}

const char *fim_count_text(int64_t value, char text_ret[FIM_COUNT_SIZE])
{
	char digits[24], *at = text_ret;
	size_t i, len;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value);
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
			at = stpcpy(at, "\xe2\x80\xaf");
		*at++ = digits[i];
	}
	*at = '\0';
	return text_ret;
}

void fim_put_count(struct fim_page *page, int64_t value)
{
	char text[FIM_COUNT_SIZE];

	fim_put(page, fim_count_text(value, text));
}

void fim_put_count_of(struct fim_page *page, const struct fim_json *object, const char *key)
{
	fim_put_count(page, fim_json_get_int(object, key, 0));
}

/* "2026-11-22 09:41:00", or "" if it is no time. */
const char *fim_time_text(const char *text, char text_ret[FIM_TIME_SIZE])
{
	int64_t time_ns;

	*text_ret = '\0';
	if (text && fim_time_parse(text, &time_ns) == 0 && strlen(text) >= 19)
		snprintf(text_ret, FIM_TIME_SIZE, "%.10s %.8s", text, text + 11);
	return text_ret;
}

void fim_put_time(struct fim_page *page, const char *text)
{
	char shown[FIM_TIME_SIZE];

	fim_put(page, *fim_time_text(text, shown) ? shown : "–");
}

void fim_put_time_of(struct fim_page *page, const struct fim_json *object, const char *key)
{
	fim_put_time(page, fim_json_get_str(object, key));
}

void fim_put_seconds(struct fim_page *page, const struct fim_json *item, const char *key)
{
	char text[FIM_TIME_SIZE];

	if (!fim_json_is_int(fim_json_get(item, key))) {
		fim_put(page, "–");
		return;
	}
	fim_time_format(fim_json_get_int(item, key, 0) * 1000 * FIM_NSEC_PER_MSEC, text);
	fim_put_time(page, text);
}

void fim_put_duration(struct fim_page *page, int64_t ms)
{
	int64_t seconds = ms / 1000;

	if (seconds >= 86400)
		fim_put_format(page, T("%" PRId64 " d %" PRId64 " h"), seconds / 86400,
			       seconds % 86400 / 3600);
	else if (seconds >= 3600)
		fim_put_format(page, T("%" PRId64 " h %" PRId64 " min"), seconds / 3600,
			       seconds % 3600 / 60);
	else if (seconds >= 60)
		fim_put_format(page, T("%" PRId64 " min %" PRId64 " s"), seconds / 60,
			       seconds % 60);
	else
		fim_put_format(page, T("%" PRId64 ".%" PRId64 " s"), seconds, ms % 1000 / 100);
}

void fim_put_list(struct fim_page *page, enum fim_look look, const struct fim_json *array,
		  const char *separator)
{
	size_t i;

	for (i = 0; i < fim_json_count(array); i++) {
		if (i)
			fim_put(page, separator);
		fim_put_look(page, look, fim_json_str(fim_json_index(array, i)));
	}
}

int fim_severity_named(const char *severity)
{
	int i;

	for (i = FIM_SEVERITY_CRITICAL; i > FIM_SEVERITY_INFO; i--)
		if (severity && strcmp(severity, fim_severity_name((enum fim_severity)i)) == 0)
			break;
	return i;
}

void fim_put_severity(struct fim_page *page, const char *severity)
{
	int i = fim_severity_named(severity);

	if (severity)
		page->ops->pill(page, (enum fim_tone)i,
				fim_tr_name(page->lang, fim_severity_name((enum fim_severity)i)));
}

/* ------------------------------------------------------------------ blocks */

const struct fim_json *fim_section_of(const struct fim_page *page, const char *name)
{
	return fim_json_get(page->report, name);
}

const struct fim_json *fim_items_of(const struct fim_page *page, const char *name)
{
	return fim_json_get(fim_section_of(page, name), "items");
}

void fim_open_block(struct fim_page *page, enum fim_block block)
{
	static const struct fim_block_args none;

	page->ops->open(page, block, &none);
}

void fim_open_titled(struct fim_page *page, enum fim_block block, const char *title)
{
	page->ops->open(page, block, &(struct fim_block_args){.title = title});
}

void fim_close_block(struct fim_page *page, enum fim_block block)
{
	page->ops->close(page, block);
}

void fim_open_section(struct fim_page *page, const char *id, const char *lead)
{
	const struct fim_page_section *section = page->sections;

	while (strcmp(section->id, id) != 0)
		section++;
	page->ops->open(
		page, FIM_BLOCK_SECTION,
		&(struct fim_block_args){.id = id, .title = T(section->title), .lead = lead});
}

void fim_put_heading(struct fim_page *page, const char *title)
{
	fim_open_titled(page, FIM_BLOCK_HEADING, title);
	fim_close_block(page, FIM_BLOCK_HEADING);
}

void fim_put_paragraph(struct fim_page *page, const char *text)
{
	fim_open_block(page, FIM_BLOCK_TEXT);
	fim_put(page, text);
	fim_close_block(page, FIM_BLOCK_TEXT);
}

void fim_open_fact(struct fim_page *page, const char *title)
{
	fim_open_titled(page, FIM_BLOCK_FACT, title);
}

void fim_close_fact(struct fim_page *page)
{
	fim_close_block(page, FIM_BLOCK_FACT);
}

void fim_put_code_fact(struct fim_page *page, const char *title, const struct fim_json *object,
		       const char *key)
{
	if (!fim_json_get_str(object, key))
		return;
	fim_open_fact(page, title);
	fim_put_code(page, object, key);
	fim_close_fact(page);
}

void fim_put_omitted(struct fim_page *page, const char *name)
{
	const struct fim_json *section = fim_section_of(page, name);
	int64_t omitted = fim_json_get_int(section, "count", 0) -
			  (int64_t)fim_json_count(fim_json_get(section, "items"));
	char text[FIM_COUNT_SIZE];

	if (omitted <= 0)
		return;
	fim_open_block(page, FIM_BLOCK_SMALL);
	fim_put_format(page, T("%s more are not shown here; they are in the journal."),
		       fim_count_text(omitted, text));
	if (strcmp(name, "changes") == 0)
		fim_put(page, T(" Every change is in the CSV format of this report."));
	fim_close_block(page, FIM_BLOCK_SMALL);
}

void fim_put_rows(struct fim_page *page, const char *caption, const struct fim_json *items,
		  const struct fim_page_column *columns, size_t count)
{
	const struct fim_json *item;
	size_t i, c;

	page->ops->open(
		page, FIM_BLOCK_TABLE,
		&(struct fim_block_args){.title = caption, .columns = columns, .count = count});
	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		page->ops->open(page, FIM_BLOCK_ROW,
				&(struct fim_block_args){.seq = fim_json_get_int(item, "id", 0)});
		for (c = 0; c < count; c++) {
			fim_open_block(page, FIM_BLOCK_CELL);
			if (columns[c].put)
				columns[c].put(page, item, columns[c].key);
			else
				columns[c].cell(page, item);
			fim_close_block(page, FIM_BLOCK_CELL);
		}
		fim_close_block(page, FIM_BLOCK_ROW);
	}
	fim_close_block(page, FIM_BLOCK_TABLE);
}

void fim_put_table(struct fim_page *page, const char *name, const char *caption,
		   const struct fim_page_column *columns, size_t count)
{
	fim_put_rows(page, caption, fim_items_of(page, name), columns, count);
	fim_put_omitted(page, name);
}

/* -------------------------------------------------------------- statements */

void fim_open_tile(struct fim_page *page, const char *name)
{
	fim_open_titled(page, FIM_BLOCK_TILE, name);
}

void fim_close_tile(struct fim_page *page, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_args(page, FIM_LOOK_SMALL, fmt, args);
	va_end(args);
	fim_close_block(page, FIM_BLOCK_TILE);
}

const char *fim_section_title(struct fim_page *page, const char *id)
{
	const struct fim_page_section *section;

	for (section = page->sections; section->id; section++)
		if (strcmp(section->id, id) == 0)
			return T(section->title);
	return id;
}

void fim_put_component(struct fim_page *page, const struct fim_json *item)
{
	fim_put_name(page, item, "component");
	if (fim_json_get(item, "sink")) {
		fim_put(page, " ");
		fim_put_member(page, item, "sink");
	}
}
