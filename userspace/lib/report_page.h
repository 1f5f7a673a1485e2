/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as people read it.  report_page.c and report_page_fleet.c say what stands on it, in which order and
 * in which language; a renderer (report_html.c, report_pdf.c) says how it looks.
 *
 * Every text goes through the renderer's text(), which makes it safe for the format:
 * any of them may have been chosen by an attacker (a file name, an argument, a label).
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report.h"

enum fim_block {
	FIM_BLOCK_SECTION,   /* id, title, lead */
	FIM_BLOCK_HEADING,   /* title: of a part of a section; has no content */
	FIM_BLOCK_TEXT,	     /* a paragraph */
	FIM_BLOCK_SMALL,     /* a paragraph of less weight */
	FIM_BLOCK_TILES,     /* of FIM_BLOCK_TILE */
	FIM_BLOCK_TILE,	     /* title; content: the number and FIM_LOOK_SMALL what it is of */
	FIM_BLOCK_FACTS,     /* of FIM_BLOCK_FACT, side by side */
	FIM_BLOCK_PAIRS,     /* of FIM_BLOCK_FACT, one below the other */
	FIM_BLOCK_FACT,	     /* title; content: the value */
	FIM_BLOCK_STATEMENT, /* title; id: requirement; lead: standard; tone and mark: status */
	FIM_BLOCK_CARD,	     /* title; seq: record */
	FIM_BLOCK_CHANGE, /* title: path; id: kind; lead: time; tone and mark: severity; open: shown unfolded */
	FIM_BLOCK_LIST, /* of FIM_BLOCK_ITEM */
	FIM_BLOCK_ITEM,
	FIM_BLOCK_TABLE, /* title: caption; columns */
	FIM_BLOCK_ROW,	 /* seq: record, 0: none */
	FIM_BLOCK_CELL,	 /* in the order of the columns */
};

enum fim_look {
	FIM_LOOK_PLAIN,
	FIM_LOOK_CODE,
	FIM_LOOK_STRONG,
	FIM_LOOK_SMALL,
};

/* Which colour a word or a mark has; the word itself is always there, too. */
enum fim_tone {
	FIM_TONE_INFO = 0, /* the first five in the order of enum fim_severity */
	FIM_TONE_LOW,
	FIM_TONE_MEDIUM,
	FIM_TONE_HIGH,
	FIM_TONE_CRITICAL,
	FIM_TONE_GOOD,
	FIM_TONE_BAD,
	FIM_TONE_DOUBT,
	FIM_TONES,
};

struct fim_page;

/*
 * struct fim_page_column - of a table
 * @title: in English
 * @align: 'l' text, 'n' number, 't' time or digest: never broken, 'w' a long text
 * @weight: of its width, where widths are given
 * @cell: puts what is in it, or
 * @put: puts the member @key
 */
struct fim_page_column {
	const char *title;
	char align;
	int weight;
	void (*cell)(struct fim_page *page, const struct fim_json *item);
	void (*put)(struct fim_page *page, const struct fim_json *item, const char *key);
	const char *key;
};

/* What a block is opened with; see enum fim_block. Titles are in the page's language. */
struct fim_block_args {
	const char *id;
	const char *title;
	const char *lead;
	const char *mark;
	enum fim_tone tone;
	int64_t seq;
	bool open;
	const struct fim_page_column *columns;
	size_t count;
};

#define FIM_CHART_WIDTH 1000

/* A bar of a lane from @from to @to of FIM_CHART_WIDTH, @height per cent high. */
struct fim_mark {
	int from;
	int to;
	int height;
	enum fim_tone tone;
};

/*
 * struct fim_lane - marks along one line
 * @title: what it shows
 * @summary: the same in words, for who cannot see it
 * @label: behind it, e.g. a number; NULL: none
 * @tall: it is the main one
 */
struct fim_lane {
	char *title;
	char *summary;
	char *label;
	bool tall;
	struct fim_mark *marks;
	size_t count;
};

/*
 * struct fim_chart - lanes one below the other
 * @from: label of the axis' beginning, @to: of its end; NULL: there is no axis
 * @paths: the titles are names of files
 */
struct fim_chart {
	const char *from;
	const char *to;
	bool paths;
	struct fim_lane *lanes;
	size_t count;
};

/* For a table of contents; titles in English. */
struct fim_page_section {
	const char *id;
	const char *title;
};

struct fim_page_ops {
	void (*begin)(struct fim_page *page, const char *title);
	void (*body)(struct fim_page *page); /* after the cover */
	void (*end)(struct fim_page *page);
	void (*open)(struct fim_page *page, enum fim_block block,
		     const struct fim_block_args *args);
	void (*close)(struct fim_page *page, enum fim_block block);
	void (*text)(struct fim_page *page, enum fim_look look, const char *bytes, size_t len);
	void (*line_break)(struct fim_page *page);
	void (*pill)(struct fim_page *page, enum fim_tone tone, const char *word);
	/* @target: id of a section, or "rN": record N. */
	void (*link)(struct fim_page *page, const char *target, const char *word);
	void (*chart)(struct fim_page *page, const struct fim_chart *chart);
};

/*
 * struct fim_page - a page being written
 * @ops: the renderer, @ctx: its own
 * @report: what is shown
 * @sections: in their order; NULL id after the last
 * @origin: a sentence: what it is made of
 * @err: the first failure
 */
struct fim_page {
	const struct fim_page_ops *ops;
	void *ctx;
	FILE *out;
	const struct fim_json *report;
	const struct fim_page_section *sections;
	const char *origin;
	enum fim_lang lang;
	int err;
};

/* The report of a host, from begin() to end(). */
void fim_page_write(struct fim_page *page);
/* The report of a fleet. */
void fim_page_write_fleet(struct fim_page *page);
/* The renderers: 0, -ENOMEM, -EIO. */
int fim_page_html(struct fim_page *page, void (*write)(struct fim_page *page));

#endif /* REPORT_PAGE_H */
