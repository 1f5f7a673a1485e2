/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pages of reports are put together from; report_page.c is a host's,
 * report_page_fleet.c a fleet's. Keys name members of the object given; texts are in the
 * page's language already.
 */
#ifndef REPORT_PUT_H
#define REPORT_PUT_H

#include "report_page.h"

#define FIM_COUNT_SIZE 48

/* ---- words */

void fim_put(struct fim_page *page, const char *text);
void fim_put_look(struct fim_page *page, enum fim_look look, const char *text);
void fim_put_format(struct fim_page *page, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A text as it is; a text as code; a word of the report, translated. */
void fim_put_member(struct fim_page *page, const struct fim_json *object, const char *key);
void fim_put_code(struct fim_page *page, const struct fim_json *object, const char *key);
void fim_put_name(struct fim_page *page, const struct fim_json *object, const char *key);
/* A value of file-system bytes: KEY or KEY_hex. */
void fim_put_path(struct fim_page *page, const struct fim_json *object, const char *key);
/* 1 234 567, with thin spaces that do not break. */
const char *fim_count_text(int64_t value, char text_ret[FIM_COUNT_SIZE]);
void fim_put_count(struct fim_page *page, int64_t value);
void fim_put_count_of(struct fim_page *page, const struct fim_json *object, const char *key);
/* 2026-11-28 02:03:26, out of RFC 3339. */
const char *fim_time_text(const char *text, char text_ret[FIM_TIME_SIZE]);
void fim_put_time(struct fim_page *page, const char *text);
void fim_put_time_of(struct fim_page *page, const struct fim_json *object, const char *key);
/* Seconds since 1970, as the tables of a fleet have them. */
void fim_put_seconds(struct fim_page *page, const struct fim_json *item, const char *key);
void fim_put_duration(struct fim_page *page, int64_t ms);
void fim_put_list(struct fim_page *page, enum fim_look look, const struct fim_json *array,
		  const char *separator);
/* An enum fim_severity; info if it is none. */
int fim_severity_named(const char *severity);
void fim_put_severity(struct fim_page *page, const char *severity);
/* Part of the control, and which sink. */
void fim_put_component(struct fim_page *page, const struct fim_json *item);

/* ---- the report */

const struct fim_json *fim_section_of(const struct fim_page *page, const char *name);
const struct fim_json *fim_items_of(const struct fim_page *page, const char *name);
/* The title of a section, for a link to it. */
const char *fim_section_title(struct fim_page *page, const char *id);

/* ---- blocks */

void fim_open_block(struct fim_page *page, enum fim_block block);
void fim_open_titled(struct fim_page *page, enum fim_block block, const char *title);
void fim_close_block(struct fim_page *page, enum fim_block block);
void fim_open_section(struct fim_page *page, const char *id, const char *lead);
void fim_put_heading(struct fim_page *page, const char *title);
void fim_put_paragraph(struct fim_page *page, const char *text);
void fim_open_fact(struct fim_page *page, const char *title);
void fim_close_fact(struct fim_page *page);
void fim_put_code_fact(struct fim_page *page, const char *title, const struct fim_json *object,
		       const char *key);
/* Content: the number. @fmt: what it is of. */
void fim_open_tile(struct fim_page *page, const char *name);
void fim_close_tile(struct fim_page *page, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void fim_put_rows(struct fim_page *page, const char *caption, const struct fim_json *items,
		  const struct fim_page_column *columns, size_t count);
/* The section's items as a table, and how many are left out. */
void fim_put_table(struct fim_page *page, const char *name, const char *caption,
		   const struct fim_page_column *columns, size_t count);
/* How many items the report leaves out, if any. */
void fim_put_omitted(struct fim_page *page, const char *name);
/* report_page.c: a card. */
void fim_put_statement(struct fim_page *page, const struct fim_json *statement);

/* --------------------------------------------------------- report_charts.c */

/* The timeline, and changes by directory. */
void fim_put_pictures(struct fim_page *page);

#endif /* REPORT_PUT_H */
