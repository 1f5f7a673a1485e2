/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page as PDF: an A4 column that flows from page to page.  A text is first an array
 * of characters with their looks, then lines that fit, then drawn; every text goes
 * through fim_escape() on its way in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pdf.h"
#include "report_page.h"

#define LEFT	     48.0
#define RIGHT	     (FIM_PDF_WIDTH - 48.0)
#define TOP	     (FIM_PDF_HEIGHT - 52.0)
#define BOTTOM	     58.0
#define LABEL_WIDTH  118.0
#define STATEMENT_IN 112.0
#define PAD	     4.0
#define LEADING	     1.38
#define MAX_CELLS    8
#define NO_HEAD	     "00000000000000000000000000000000"

#define SIZE_SMALL   8.0
#define SIZE_NORMAL  9.0
#define SIZE_HEADING 10.5
#define SIZE_SECTION 15.0
#define SIZE_TITLE   22.0
#define SIZE_TILE    14.0

#define INK    0x18212b
#define MUTED  0x53606d
#define LINE   0xd9dee3
#define SOFT   0xeceff1
#define ACCENT 0x155e75

/* Of words on their ground, and of marks in charts. */
static const struct {
	fim_pdf_colour ink, ground, mark;
} tones[FIM_TONES] = {
	[FIM_TONE_INFO] = {0x46505b, 0xe9ecef, 0x8594a1},
	[FIM_TONE_LOW] = {0x1d4f73, 0xe0edf6, 0x3b7dab},
	[FIM_TONE_MEDIUM] = {0x6b4a00, 0xfbeecb, 0xb98a16},
	[FIM_TONE_HIGH] = {0x8f3a00, 0xfde8d8, 0xd2691e},
	[FIM_TONE_CRITICAL] = {0x96201a, 0xfbe4e1, 0xb3372c},
	[FIM_TONE_GOOD] = {0x15603a, 0xdff1e5, 0x3d8b5f},
	[FIM_TONE_BAD] = {0x96201a, 0xfbe4e1, 0xb3372c},
	[FIM_TONE_DOUBT] = {0x6b4a00, 0xfbeecb, 0xb98a16},
};

/*
 * struct glyph - a character and its look
 * @tone: FIM_TONES: on no ground
 * @character: '\n' ends the line
 */
struct glyph {
	uint32_t character;
	uint8_t font;
	uint8_t tone;
	float size;
	fim_pdf_colour colour;
};

/* Characters that are laid out together, and where the lines of them begin. */
struct flow {
	struct glyph *glyphs;
	size_t count;
	size_t room;
	size_t *lines; /* @line_count + 1 of them: the last is @count */
	size_t line_count;
	double size; /* of the largest */
};

/*
 * struct sheet - what is being laid out
 * @y: where the next line's top is; @left: where lines begin
 * @size, @colour, @font: of the text that comes
 * @cells: of the row; @cell: which one text goes to
 * @columns: of the table
 * @label: title of the fact or tile; @tiles: such are collected
 */
struct sheet {
	struct fim_pdf *pdf;
	double y;
	double left;
	double size;
	fim_pdf_colour colour;
	enum fim_pdf_font font;
	struct flow cells[MAX_CELLS];
	struct flow labels[MAX_CELLS];
	size_t cell;
	const struct fim_page_column *columns;
	size_t column_count;
	bool tiles;
	bool table_on_page;
};

static struct sheet *sheet_of(struct fim_page *page)
{
	return page->ctx;
}

/* -------------------------------------------------------------------- flow */

static void flow_clear(struct flow *flow)
{
	flow->count = 0;
	flow->line_count = 0;
	flow->size = 0;
}

static void flow_free(struct flow *flow)
{
	free(flow->glyphs);
	free(flow->lines);
}

static void add_glyph(struct fim_page *page, struct flow *flow, struct glyph glyph)
{
	struct glyph *grown;
	size_t room;

	if (flow->count == flow->room) {
		room = flow->room ? 2 * flow->room : 256;
		grown = realloc(flow->glyphs, room * sizeof(*grown));
		if (!grown) {
			page->err = -ENOMEM;
			return;
		}
		flow->glyphs = grown;
		flow->room = room;
	}
	if (glyph.size > flow->size)
		flow->size = glyph.size;
	flow->glyphs[flow->count++] = glyph;
}

static void add_text(struct fim_page *page, struct flow *flow, struct glyph look, const char *bytes,
		     size_t len)
{
	char *text = fim_escape(bytes, len);
	enum fim_pdf_font wanted = look.font;
	const char *at = text;

	if (!text) {
		page->err = -ENOMEM;
		return;
	}
	while (*at) {
		look.character = fim_pdf_next_char(&at);
		look.font = fim_pdf_font_of(wanted, look.character);
		add_glyph(page, flow, look);
	}
	free(text);
}

static struct glyph look_of(enum fim_pdf_font font, double size, fim_pdf_colour colour)
{
	return (struct glyph){
		.font = (uint8_t)font, .size = (float)size, .colour = colour, .tone = FIM_TONES};
}

static void add_words(struct fim_page *page, struct flow *flow, struct glyph look, const char *text)
{
	if (text)
		add_text(page, flow, look, text, strlen(text));
}

static double width_of(const struct glyph *glyph)
{
	if (glyph->character == '\n')
		return 0;
	return fim_pdf_char_width((enum fim_pdf_font)glyph->font, (double)glyph->size,
				  glyph->character);
}

/* After it a line may end: Japanese anywhere, else at spaces and within paths. */
static bool may_break(const struct glyph *glyph)
{
	if (glyph->tone != FIM_TONES)
		return false;
	return glyph->character == ' ' || glyph->character == '/' || glyph->font == FIM_PDF_CJK;
}

static void add_line(struct fim_page *page, struct flow *flow, size_t start)
{
	size_t *grown = realloc(flow->lines, (flow->line_count + 2) * sizeof(*grown));

	if (!grown) {
		page->err = -ENOMEM;
		return;
	}
	flow->lines = grown;
	grown[flow->line_count++] = start;
	grown[flow->line_count] = flow->count;
}

/* Greedy; a word that is longer than a line is cut. */
static void wrap(struct fim_page *page, struct flow *flow, double width)
{
	size_t i, start = 0, last = 0;
	double x = 0, glyph;

	flow->line_count = 0;
	if (!flow->count)
		return;
	add_line(page, flow, 0);
	for (i = 0; i < flow->count && !page->err; i++) {
		glyph = width_of(&flow->glyphs[i]);
		if (x + glyph > width && i > start && flow->glyphs[i].character != ' ') {
			start = last > start ? last : i;
			add_line(page, flow, start);
			x = 0;
			i = start;
			glyph = width_of(&flow->glyphs[i]);
		}
		x += glyph;
		if (flow->glyphs[i].character == '\n') {
			start = last = i + 1;
			x = 0;
			if (start < flow->count)
				add_line(page, flow, start);
		} else if (may_break(&flow->glyphs[i])) {
			last = i + 1;
		}
	}
}

/* Glyphs of one look in a row are drawn at once; the ground of a pill before it. */
static void draw_line(struct fim_page *page, const struct flow *flow, size_t line, double x,
		      double y)
{
	struct sheet *sheet = sheet_of(page);
	size_t at = flow->lines[line], end = flow->lines[line + 1], count, c;
	uint32_t characters[256];
	const struct glyph *first;
	double width;

	while (at < end) {
		first = &flow->glyphs[at];
		width = 0;
		for (count = 0; at + count < end && count < 256; count++) {
			const struct glyph *glyph = &flow->glyphs[at + count];

			if (glyph->font != first->font || glyph->tone != first->tone ||
			    glyph->colour != first->colour || glyph->character == '\n')
				break;
			characters[count] = glyph->character;
			width += width_of(glyph);
		}
		if (first->tone != FIM_TONES)
			fim_pdf_rect(sheet->pdf, x - 2, y - 2.2, width + 4,
				     (double)first->size + 2.6, tones[first->tone].ground);
		fim_pdf_text(sheet->pdf,
			     &(struct fim_pdf_text){.x = x,
						    .y = y,
						    .size = (double)first->size,
						    .font = (enum fim_pdf_font)first->font,
						    .colour = first->colour},
			     characters, count);
		x += width;
		c = count ? count : 1; /* a line's end */
		at += c;
	}
}

/* -------------------------------------------------------------------- page */

static void need(struct fim_page *page, double height)
{
	struct sheet *sheet = sheet_of(page);

	if (sheet->y - height >= BOTTOM)
		return;
	fim_pdf_add_page(sheet->pdf);
	sheet->y = TOP;
	sheet->table_on_page = false;
}

/* All lines of a flow, from page to page. */
static void draw_flow(struct fim_page *page, struct flow *flow, double x, double width)
{
	struct sheet *sheet = sheet_of(page);
	double leading = flow->size * LEADING;
	size_t i;

	wrap(page, flow, width);
	for (i = 0; i < flow->line_count && !page->err; i++) {
		need(page, leading);
		sheet->y -= leading;
		draw_line(page, flow, i, x, sheet->y + 0.35 * (leading - flow->size));
	}
}

static void draw_words(struct fim_page *page, struct glyph look, const char *text)
{
	struct sheet *sheet = sheet_of(page);
	struct flow flow = {.count = 0};

	add_words(page, &flow, look, text);
	draw_flow(page, &flow, sheet->left, RIGHT - sheet->left);
	flow_free(&flow);
}

static void space(struct fim_page *page, double height)
{
	sheet_of(page)->y -= height;
}

static void rule(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);

	fim_pdf_rect(sheet->pdf, sheet->left, sheet->y, RIGHT - sheet->left, 0.5, LINE);
}

/* ------------------------------------------------------------------ tables */

static double column_width(const struct sheet *sheet, size_t column)
{
	int all = 0;
	size_t i;

	for (i = 0; i < sheet->column_count; i++)
		all += sheet->columns[i].weight;
	return (RIGHT - sheet->left) * sheet->columns[column].weight / (all ? all : 1);
}

/* Numbers end at the right. */
static double indent(const struct sheet *sheet, const struct flow *cell, size_t column, size_t line)
{
	double x = column_width(sheet, column) - PAD;
	size_t i;

	if (sheet->columns[column].align != 'n')
		return PAD;
	for (i = cell->lines[line]; i < cell->lines[line + 1]; i++)
		x -= width_of(&cell->glyphs[i]);
	return x > PAD ? x : PAD;
}

/* As many lines as the longest cell has; a row may go on on the next page. */
static void draw_row(struct fim_page *page, struct flow *cells)
{
	struct sheet *sheet = sheet_of(page);
	double leading = SIZE_SMALL * LEADING, x;
	size_t c, line, lines = 0;

	for (c = 0; c < sheet->column_count; c++) {
		wrap(page, &cells[c], column_width(sheet, c) - 2 * PAD);
		if (cells[c].line_count > lines)
			lines = cells[c].line_count;
	}
	space(page, 2);
	for (line = 0; line < lines && !page->err; line++) {
		need(page, leading);
		sheet->y -= leading;
		x = sheet->left;
		for (c = 0; c < sheet->column_count; c++) {
			if (line < cells[c].line_count)
				draw_line(page, &cells[c], line,
					  x + indent(sheet, &cells[c], c, line), sheet->y + 2);
			x += column_width(sheet, c);
		}
	}
	space(page, 2);
	rule(page);
	for (c = 0; c < sheet->column_count; c++)
		flow_clear(&cells[c]);
}

static void draw_table_head(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);
	struct glyph look = look_of(FIM_PDF_BOLD, SIZE_SMALL, MUTED);
	const char *title;
	size_t c;

	need(page, 6 * SIZE_SMALL * LEADING);
	for (c = 0; c < sheet->column_count; c++) {
		title = fim_tr(page->lang, sheet->columns[c].title);
		add_words(page, &sheet->labels[c], look, title);
	}
	draw_row(page, sheet->labels);
	sheet->table_on_page = true;
}

/* ------------------------------------------------------------ facts, tiles */

static void draw_fact(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);
	struct flow *label = &sheet->labels[0], *value = &sheet->cells[0];
	double leading = SIZE_NORMAL * LEADING;
	size_t i, lines;

	wrap(page, label, LABEL_WIDTH - PAD);
	wrap(page, value, RIGHT - sheet->left - LABEL_WIDTH);
	lines = label->line_count > value->line_count ? label->line_count : value->line_count;
	for (i = 0; i < lines && !page->err; i++) {
		need(page, leading);
		sheet->y -= leading;
		if (i < label->line_count)
			draw_line(page, label, i, sheet->left, sheet->y + 2);
		if (i < value->line_count)
			draw_line(page, value, i, sheet->left + LABEL_WIDTH, sheet->y + 2);
	}
	flow_clear(label);
	flow_clear(value);
}

/* Side by side; there are as many as fit. */
static void draw_tiles(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);
	const double height = 66;
	double width = (RIGHT - LEFT) / (double)(sheet->cell ? sheet->cell : 1), x, y;
	size_t i, line;

	need(page, height + 8);
	for (i = 0; i < sheet->cell; i++) {
		x = LEFT + width * (double)i;
		fim_pdf_rect(sheet->pdf, x + 2, sheet->y - height, width - 4, height, SOFT);
		wrap(page, &sheet->labels[i], width - 16);
		wrap(page, &sheet->cells[i], width - 16);
		y = sheet->y - 4;
		for (line = 0; line < sheet->labels[i].line_count; line++) {
			y -= SIZE_SMALL * 1.2;
			draw_line(page, &sheet->labels[i], line, x + 8, y);
		}
		y -= 6;
		for (line = 0; line < sheet->cells[i].line_count; line++) {
			y -= line ? SIZE_SMALL * 1.2 : SIZE_TILE * 0.9;
			draw_line(page, &sheet->cells[i], line, x + 8, y);
		}
		flow_clear(&sheet->labels[i]);
		flow_clear(&sheet->cells[i]);
	}
	sheet->y -= height + 8;
	sheet->cell = 0;
	sheet->tiles = false;
}

/* ------------------------------------------------------------------ blocks */

static void set_text(struct sheet *sheet, double size, fim_pdf_colour colour)
{
	sheet->size = size;
	sheet->colour = colour;
	sheet->font = FIM_PDF_SANS;
	flow_clear(&sheet->cells[sheet->cell]);
}

static void open_section(struct fim_page *page, const struct fim_block_args *args)
{
	struct sheet *sheet = sheet_of(page);

	space(page, 14);
	need(page, 90);
	fim_pdf_outline(sheet->pdf, args->title ? args->title : "", sheet->y);
	draw_words(page, look_of(FIM_PDF_BOLD, SIZE_SECTION, INK), args->title);
	space(page, 2);
	if (args->lead)
		draw_words(page, look_of(FIM_PDF_SANS, SIZE_NORMAL, MUTED), args->lead);
	space(page, 6);
}

static void open_statement(struct fim_page *page, const struct fim_block_args *args)
{
	struct sheet *sheet = sheet_of(page);
	struct glyph pill = look_of(FIM_PDF_BOLD, SIZE_SMALL, tones[args->tone].ink);
	double top;

	need(page, 84);
	rule(page);
	space(page, 6);
	top = sheet->y;
	pill.tone = (uint8_t)args->tone;
	sheet->left += 4;
	draw_words(page, pill, args->mark);
	space(page, 3);
	draw_words(page, look_of(FIM_PDF_BOLD, 12, INK), args->id);
	draw_words(page, look_of(FIM_PDF_SANS, SIZE_SMALL, MUTED), args->lead);
	sheet->left += STATEMENT_IN - 4;
	sheet->y = top;
	draw_words(page, look_of(FIM_PDF_BOLD, SIZE_HEADING, INK), args->title);
	space(page, 2);
}

static void open_change(struct fim_page *page, const struct fim_block_args *args)
{
	struct sheet *sheet = sheet_of(page);
	struct glyph pill = look_of(FIM_PDF_BOLD, SIZE_SMALL, tones[args->tone].ink);
	struct glyph plain = look_of(FIM_PDF_SANS, SIZE_NORMAL, MUTED);
	struct flow flow = {.count = 0};

	need(page, 84);
	rule(page);
	space(page, 4);
	pill.tone = (uint8_t)args->tone;
	add_words(page, &flow, pill, args->mark);
	add_text(page, &flow, plain, "  ", 2);
	add_words(page, &flow, look_of(FIM_PDF_BOLD, SIZE_NORMAL, INK), args->id);
	add_text(page, &flow, plain, "  ", 2);
	add_words(page, &flow, look_of(FIM_PDF_MONO, SIZE_NORMAL, INK), args->title);
	add_text(page, &flow, plain, "  ", 2);
	add_words(page, &flow, plain, args->lead);
	draw_flow(page, &flow, sheet->left + 2, RIGHT - sheet->left - 2);
	flow_free(&flow);
}

static void open_card(struct fim_page *page, const struct fim_block_args *args)
{
	need(page, 70);
	rule(page);
	space(page, 4);
	draw_words(page, look_of(FIM_PDF_BOLD, SIZE_HEADING, INK), args->title);
}

static void open_fact(struct fim_page *page, const struct fim_block_args *args)
{
	struct sheet *sheet = sheet_of(page);

	add_words(page, &sheet->labels[sheet->cell], look_of(FIM_PDF_SANS, SIZE_SMALL, MUTED),
		  args->title);
	set_text(sheet, sheet->tiles ? SIZE_TILE : SIZE_NORMAL, INK);
	if (sheet->tiles)
		sheet->font = FIM_PDF_BOLD;
}

static void open_table(struct fim_page *page, const struct fim_block_args *args)
{
	struct sheet *sheet = sheet_of(page);

	sheet->columns = args->columns;
	sheet->column_count = args->count < MAX_CELLS ? args->count : MAX_CELLS;
	space(page, 2);
	draw_table_head(page);
}

static void open_item(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);

	set_text(sheet, SIZE_NORMAL, INK);
	add_text(page, &sheet->cells[0], look_of(FIM_PDF_SANS, SIZE_NORMAL, MUTED), "\xe2\x80\xa2 ",
		 4);
}

static void pdf_open(struct fim_page *page, enum fim_block block, const struct fim_block_args *args)
{
	struct sheet *sheet = sheet_of(page);

	switch (block) {
	case FIM_BLOCK_SECTION:
		open_section(page, args);
		return;
	case FIM_BLOCK_HEADING:
		space(page, 8);
		need(page, 60);
		draw_words(page, look_of(FIM_PDF_BOLD, SIZE_HEADING, INK), args->title);
		return;
	case FIM_BLOCK_TEXT:
		set_text(sheet, SIZE_NORMAL, INK);
		return;
	case FIM_BLOCK_SMALL:
		set_text(sheet, SIZE_SMALL, MUTED);
		return;
	case FIM_BLOCK_TILES:
		sheet->tiles = true;
		return;
	case FIM_BLOCK_TILE:
	case FIM_BLOCK_FACT:
		open_fact(page, args);
		return;
	case FIM_BLOCK_STATEMENT:
		open_statement(page, args);
		return;
	case FIM_BLOCK_CARD:
		open_card(page, args);
		return;
	case FIM_BLOCK_CHANGE:
		open_change(page, args);
		return;
	case FIM_BLOCK_ITEM:
		open_item(page);
		return;
	case FIM_BLOCK_TABLE:
		open_table(page, args);
		return;
	case FIM_BLOCK_CELL:
		set_text(sheet, SIZE_SMALL, INK);
		return;
	default:
		return;
	}
}

static void draw_paragraph(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);

	draw_flow(page, &sheet->cells[0], sheet->left, RIGHT - sheet->left);
	flow_clear(&sheet->cells[0]);
	space(page, 2);
}

/* A row is drawn when it is known; the head again when the page is new. */
static void close_row(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);

	need(page, 3 * SIZE_SMALL * LEADING);
	if (!sheet->table_on_page)
		draw_table_head(page);
	draw_row(page, sheet->cells);
	sheet->cell = 0;
}

static void pdf_close(struct fim_page *page, enum fim_block block)
{
	struct sheet *sheet = sheet_of(page);

	switch (block) {
	case FIM_BLOCK_TEXT:
	case FIM_BLOCK_SMALL:
	case FIM_BLOCK_ITEM:
		draw_paragraph(page);
		return;
	case FIM_BLOCK_TILE:
		sheet->cell += sheet->cell + 1 < MAX_CELLS;
		return;
	case FIM_BLOCK_TILES:
		draw_tiles(page);
		return;
	case FIM_BLOCK_FACT:
		draw_fact(page);
		return;
	case FIM_BLOCK_CELL:
		sheet->cell += sheet->cell + 1 < MAX_CELLS;
		return;
	case FIM_BLOCK_ROW:
		close_row(page);
		return;
	case FIM_BLOCK_STATEMENT:
		sheet->left = LEFT;
		space(page, 5);
		return;
	case FIM_BLOCK_TABLE:
	case FIM_BLOCK_CARD:
	case FIM_BLOCK_CHANGE:
		space(page, 5);
		return;
	default:
		return;
	}
}

static void pdf_text(struct fim_page *page, enum fim_look look, const char *bytes, size_t len)
{
	struct sheet *sheet = sheet_of(page);
	struct flow *flow = &sheet->cells[sheet->cell];
	struct glyph glyph = look_of(sheet->font, sheet->size, sheet->colour);

	if (look == FIM_LOOK_CODE) {
		glyph.font = FIM_PDF_MONO;
		glyph.size *= 0.94f;
	} else if (look == FIM_LOOK_STRONG) {
		glyph.font = FIM_PDF_BOLD;
	} else if (look == FIM_LOOK_SMALL) {
		/* Of a tile: below its number. */
		if (sheet->tiles && flow->count)
			add_glyph(page, flow, (struct glyph){.character = '\n', .tone = FIM_TONES});
		glyph = look_of(FIM_PDF_SANS, SIZE_SMALL, MUTED);
	}
	add_text(page, flow, glyph, bytes, len);
}

static void pdf_line_break(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);

	add_glyph(page, &sheet->cells[sheet->cell],
		  (struct glyph){.character = '\n', .tone = FIM_TONES});
}

static void pdf_pill(struct fim_page *page, enum fim_tone tone, const char *word)
{
	struct sheet *sheet = sheet_of(page);
	struct glyph look = look_of(FIM_PDF_BOLD, SIZE_SMALL, tones[tone].ink);

	look.tone = (uint8_t)tone;
	add_words(page, &sheet->cells[sheet->cell], look, word);
	look.tone = FIM_TONES;
	add_text(page, &sheet->cells[sheet->cell], look, " ", 1);
}

static void pdf_link(struct fim_page *page, const char *target, const char *word)
{
	(void)target; /* the outline leads there */
	pdf_text(page, FIM_LOOK_PLAIN, word, word ? strlen(word) : 0);
}

/* ------------------------------------------------------------------ charts */

static void draw_lane(struct fim_page *page, const struct fim_lane *lane, bool is_path)
{
	struct sheet *sheet = sheet_of(page);
	double height = lane->tall ? 40
			: is_path  ? 9
				   : 13,
	       x = LEFT + (is_path ? 170 : LABEL_WIDTH);
	double width = RIGHT - x - (lane->label ? 40 : 0);
	struct flow flow = {.count = 0};
	const struct fim_mark *mark;
	size_t i;

	need(page, height + 5);
	add_words(page, &flow, look_of(is_path ? FIM_PDF_MONO : FIM_PDF_SANS, SIZE_SMALL, MUTED),
		  lane->title);
	wrap(page, &flow, x - LEFT - PAD);
	if (flow.line_count)
		draw_line(page, &flow, 0, LEFT, sheet->y - height / 2 - 3);
	sheet->y -= height;
	if (!is_path)
		fim_pdf_rect(sheet->pdf, x, sheet->y, width, height, SOFT);
	for (i = 0; i < lane->count; i++) {
		mark = &lane->marks[i];
		fim_pdf_rect(sheet->pdf, x + width * mark->from / FIM_CHART_WIDTH, sheet->y,
			     width * (mark->to - mark->from) / FIM_CHART_WIDTH,
			     height * mark->height / 100, tones[mark->tone].mark);
	}
	flow_clear(&flow);
	if (lane->label) {
		add_words(page, &flow, look_of(FIM_PDF_SANS, SIZE_SMALL, INK), lane->label);
		wrap(page, &flow, 40);
		draw_line(page, &flow, 0, RIGHT - 34, sheet->y + height / 2 - 3);
	}
	sheet->y -= 5;
	flow_free(&flow);
}

static void draw_at(struct fim_page *page, double x, const char *text)
{
	struct sheet *sheet = sheet_of(page);
	struct flow flow = {.count = 0};

	add_words(page, &flow, look_of(FIM_PDF_SANS, SIZE_SMALL, MUTED), text);
	wrap(page, &flow, RIGHT - LEFT);
	if (flow.line_count)
		draw_line(page, &flow, 0, x, sheet->y - SIZE_SMALL);
	flow_free(&flow);
}

static void pdf_chart(struct fim_page *page, const struct fim_chart *chart)
{
	size_t i;

	space(page, 4);
	for (i = 0; i < chart->count; i++)
		draw_lane(page, &chart->lanes[i], chart->paths);
	if (!chart->from)
		return;
	draw_at(page, LEFT + LABEL_WIDTH, chart->from);
	draw_at(page, RIGHT - 76, chart->to);
	space(page, SIZE_SMALL + 8);
}

/* ------------------------------------------------------------------- whole */

static void pdf_begin(struct fim_page *page, const char *title)
{
	struct sheet *sheet = sheet_of(page);

	fim_pdf_rect(sheet->pdf, 0, FIM_PDF_HEIGHT - 8, FIM_PDF_WIDTH, 8, ACCENT);
	draw_words(page, look_of(FIM_PDF_BOLD, SIZE_TITLE, INK), title);
	space(page, 8);
}

static void pdf_body(struct fim_page *page)
{
	space(page, 4);
}

/* How many pages there are is known now. */
static void pdf_end(struct fim_page *page)
{
	struct sheet *sheet = sheet_of(page);
	size_t i, count = fim_pdf_page_count(sheet->pdf);
	const char *head = fim_json_str(fim_json_at(page->report, "journal/head"));
	char text[160];

	for (i = 0; i < count; i++) {
		fim_pdf_select(sheet->pdf, i);
		sheet->y = BOTTOM - 16;
		snprintf(text, sizeof(text), "%s · SHA-256 %.16s…",
			 fim_json_get_str(page->report, "tool"), head ? head : "");
		draw_at(page, LEFT, text);
		snprintf(text, sizeof(text), fim_tr(page->lang, "Page %d of %d"), (int)i + 1,
			 (int)count);
		draw_at(page, RIGHT - 60, text);
	}
}

static const struct fim_page_ops ops = {
	.begin = pdf_begin,
	.body = pdf_body,
	.end = pdf_end,
	.open = pdf_open,
	.close = pdf_close,
	.text = pdf_text,
	.line_break = pdf_line_break,
	.pill = pdf_pill,
	.link = pdf_link,
	.chart = pdf_chart,
};

int fim_report_pdf(const struct fim_json *report, FILE *out)
{
	struct sheet sheet = {.y = TOP, .left = LEFT};
	struct fim_page page = {
		.ops = &ops,
		.ctx = &sheet,
		.out = out,
		.report = report,
		.lang = fim_report_lang(report),
	};
	const char *head = fim_json_str(fim_json_at(report, "journal/head"));
	size_t i;

	sheet.pdf = fim_pdf_new();
	if (!sheet.pdf)
		return -ENOMEM;
	fim_page_write(&page);
	if (!page.err)
		page.err = fim_pdf_write(sheet.pdf, fim_tr(page.lang, "File-integrity report"),
					 page.lang == FIM_LANG_JA ? "ja" : "en",
					 head && strlen(head) == 64 ? head : NO_HEAD, out);
	for (i = 0; i < MAX_CELLS; i++) {
		flow_free(&sheet.cells[i]);
		flow_free(&sheet.labels[i]);
	}
	fim_pdf_free(sheet.pdf);
	return page.err;
}
