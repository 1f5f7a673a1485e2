/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of PDF 1.5 as a report needs: pages, text, rectangles, an outline.
 *
 * Its fonts are those that every reader has to bring (Helvetica, Courier) and, for
 * everything that they lack, the reader's Japanese font by its standard name.  So the
 * bytes depend on no font, library or clock of the host, which a PDF library's do, and
 * the libraries that lay out Japanese text bring a display server's to a server.
 */
#ifndef PDF_H
#define PDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum fim_pdf_font {
	FIM_PDF_SANS = 0,
	FIM_PDF_BOLD,
	FIM_PDF_MONO,
	FIM_PDF_CJK,
	FIM_PDF_FONTS,
};

/* Units are points, from the lower left corner of an A4 page. */
#define FIM_PDF_WIDTH  595.0
#define FIM_PDF_HEIGHT 842.0

/* 0xRRGGBB */
typedef uint32_t fim_pdf_colour;

/* A piece of one line. */
struct fim_pdf_text {
	double x;
	double y;
	double size;
	enum fim_pdf_font font;
	fim_pdf_colour colour;
};

struct fim_pdf;

struct fim_pdf *fim_pdf_new(void); /* with a first page; NULL: out of memory */
void fim_pdf_free(struct fim_pdf *pdf);
void fim_pdf_add_page(struct fim_pdf *pdf);
size_t fim_pdf_page_count(const struct fim_pdf *pdf);
/* Draw on page @index (from 0) from now on. */
void fim_pdf_select(struct fim_pdf *pdf, size_t index);
/* An entry of the outline: here begins @title (UTF-8). */
void fim_pdf_outline(struct fim_pdf *pdf, const char *title, double y);

/* The font that has a character, @wanted if that has it. */
enum fim_pdf_font fim_pdf_font_of(enum fim_pdf_font wanted, uint32_t character);
double fim_pdf_char_width(enum fim_pdf_font font, double size, uint32_t character);
/* All of them in @text->font. */
void fim_pdf_text(struct fim_pdf *pdf, const struct fim_pdf_text *text, const uint32_t *characters,
		  size_t count);
void fim_pdf_rect(struct fim_pdf *pdf, double x, double y, double width, double height,
		  fim_pdf_colour colour);

/* @title, @lang ("en"), @id: 32 lower-case hex digits. -ENOMEM, -EIO. */
int fim_pdf_write(struct fim_pdf *pdf, const char *title, const char *lang, const char *id,
		  FILE *out);

/* The next character of valid UTF-8. */
uint32_t fim_pdf_next_char(const char **at);

#endif /* PDF_H */
