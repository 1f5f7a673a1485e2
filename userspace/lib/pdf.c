/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes PDF files: see pdf.h.  Text goes out as hexadecimal strings only, so that no
 * byte of it can be anything but text.  Streams are not compressed: what zlib makes of
 * them differs between its versions.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pdf.h"

struct page {
	char *bytes;
	size_t len;
	FILE *out;
};

struct entry {
	char *title;
	size_t page;
	double y;
};

struct fim_pdf {
	struct page **pages; /* each for itself: its stream keeps addresses in it */
	size_t count;
	size_t at; /* page drawn on */
	struct entry *entries;
	size_t entry_count;
	int err;
};

/* ------------------------------------------------------------------- fonts */

/* Of the characters 32 to 126, in thousandths of the size; from Adobe's metrics. */
static const uint16_t sans_widths[] = {
	278,  278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
	556,  556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
	667,  778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333,  556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
	556,  556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
};
static const uint16_t bold_widths[] = {
	278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
	556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
	975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
	333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
	611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
};
#define OTHER_WIDTH 556
#define MONO_WIDTH  600
#define CJK_WIDTH   1000

/* WinAnsiEncoding's code of a character, 0: it has none that we use. */
static unsigned int code_of(uint32_t character)
{
	static const struct {
		uint32_t character;
		unsigned int code;
	} others[] = {{0x2026, 0x85}, {0x2018, 0x91}, {0x2019, 0x92}, {0x201c, 0x93},
		      {0x201d, 0x94}, {0x2022, 0x95}, {0x2013, 0x96}, {0x2014, 0x97},
		      {0x202f, 0x20}, {0x20ac, 0x80}};
	size_t i;

	if ((character >= 0x20 && character <= 0x7e) || (character >= 0xa0 && character <= 0xff))
		return character;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].character == character)
			return others[i].code;
	return 0;
}

enum fim_pdf_font fim_pdf_font_of(enum fim_pdf_font wanted, uint32_t character)
{
	return wanted != FIM_PDF_CJK && code_of(character) ? wanted : FIM_PDF_CJK;
}

static unsigned int width_of_code(enum fim_pdf_font font, unsigned int code)
{
	if (font == FIM_PDF_MONO)
		return MONO_WIDTH;
	if (code < 32 || code > 126)
		return OTHER_WIDTH;
	return font == FIM_PDF_BOLD ? bold_widths[code - 32] : sans_widths[code - 32];
}

double fim_pdf_char_width(enum fim_pdf_font font, double size, uint32_t character)
{
	if (font == FIM_PDF_CJK)
		return size * CJK_WIDTH / 1000;
	return size * width_of_code(font, code_of(character)) / 1000;
}

uint32_t fim_pdf_next_char(const char **at)
{
	const unsigned char *byte = (const unsigned char *)*at;
	uint32_t character = *byte++;
	int more = character >= 0xf0 ? 3 : character >= 0xe0 ? 2 : character >= 0xc0 ? 1 : 0;

	if (more)
		character &= 0x3fu >> more;
	for (; more && (*byte & 0xc0) == 0x80; more--)
		character = character << 6 | (*byte++ & 0x3f);
	*at = (const char *)byte;
	return character;
}

/* ----------------------------------------------------------------- drawing */

static FILE *out_of(struct fim_pdf *pdf)
{
	return pdf->err ? NULL : pdf->pages[pdf->at]->out;
}

void fim_pdf_add_page(struct fim_pdf *pdf)
{
	struct page **grown, *page;

	if (pdf->err)
		return;
	page = calloc(1, sizeof(*page));
	grown = realloc(pdf->pages, (pdf->count + 1) * sizeof(*grown));
	if (grown)
		pdf->pages = grown;
	if (page)
		page->out = open_memstream(&page->bytes, &page->len);
	if (!grown || !page || !page->out) {
		free(page);
		pdf->err = -ENOMEM;
		return;
	}
	grown[pdf->count] = page;
	pdf->at = pdf->count++;
}

struct fim_pdf *fim_pdf_new(void)
{
	struct fim_pdf *pdf = calloc(1, sizeof(*pdf));

	if (!pdf)
		return NULL;
	fim_pdf_add_page(pdf);
	if (!pdf->err)
		return pdf;
	fim_pdf_free(pdf);
	return NULL;
}

void fim_pdf_free(struct fim_pdf *pdf)
{
	size_t i;

	if (!pdf)
		return;
	for (i = 0; i < pdf->count; i++) {
		fclose(pdf->pages[i]->out);
		free(pdf->pages[i]->bytes);
		free(pdf->pages[i]);
	}
	for (i = 0; i < pdf->entry_count; i++)
		free(pdf->entries[i].title);
	free(pdf->entries);
	free(pdf->pages);
	free(pdf);
}

size_t fim_pdf_page_count(const struct fim_pdf *pdf)
{
	return pdf->count;
}

void fim_pdf_select(struct fim_pdf *pdf, size_t index)
{
	pdf->at = index;
}

void fim_pdf_outline(struct fim_pdf *pdf, const char *title, double y)
{
	struct entry *grown;

	grown = realloc(pdf->entries, (pdf->entry_count + 1) * sizeof(*grown));
	if (grown)
		pdf->entries = grown;
	if (grown)
		grown[pdf->entry_count].title = strdup(title);
	if (!grown || !grown[pdf->entry_count].title) {
		pdf->err = -ENOMEM;
		return;
	}
	grown[pdf->entry_count].page = pdf->at;
	grown[pdf->entry_count++].y = y;
}

/* Hundredths of a point, with no locale's decimal comma. */
static void put_number(FILE *out, double value)
{
	long hundredths = (long)(value * 100 + (value < 0 ? -0.5 : 0.5));

	fprintf(out, "%s%ld.%02ld ", hundredths < 0 ? "-" : "", labs(hundredths) / 100,
		labs(hundredths) % 100);
}

static void put_colour(FILE *out, fim_pdf_colour colour)
{
	put_number(out, (colour >> 16 & 0xff) / 255.0);
	put_number(out, (colour >> 8 & 0xff) / 255.0);
	put_number(out, (colour & 0xff) / 255.0);
	fputs("rg\n", out);
}

static void put_utf16(FILE *out, uint32_t character)
{
	if (character >= 0x10000) {
		character -= 0x10000;
		fprintf(out, "%04x%04x", 0xd800 + (character >> 10), 0xdc00 + (character & 0x3ff));
	} else {
		fprintf(out, "%04x", character);
	}
}

void fim_pdf_text(struct fim_pdf *pdf, const struct fim_pdf_text *text, const uint32_t *characters,
		  size_t count)
{
	FILE *out = out_of(pdf);
	size_t i;

	if (!out || !count)
		return;
	put_colour(out, text->colour);
	fprintf(out, "BT /F%d ", (int)text->font);
	put_number(out, text->size);
	fputs("Tf ", out);
	put_number(out, text->x);
	put_number(out, text->y);
	fputs("Td <", out);
	for (i = 0; i < count; i++) {
		if (text->font == FIM_PDF_CJK)
			put_utf16(out, characters[i]);
		else
			fprintf(out, "%02x", code_of(characters[i]));
	}
	fputs("> Tj ET\n", out);
}

void fim_pdf_rect(struct fim_pdf *pdf, double x, double y, double width, double height,
		  fim_pdf_colour colour)
{
	FILE *out = out_of(pdf);

	if (!out)
		return;
	put_colour(out, colour);
	put_number(out, x);
	put_number(out, y);
	put_number(out, width);
	put_number(out, height);
	fputs("re f\n", out);
}

/* ----------------------------------------------------------------- objects */

/*
 * struct file - what is being written
 * @offsets: where object N + 1 begins
 */
struct file {
	FILE *out;
	long at;
	long *offsets;
	size_t count;
};

/* Numbers of objects: the fixed ones, then two per page, then the outline's entries. */
enum {
	CATALOG = 1,
	PAGES,
	INFO,
	OUTLINES,
	FONTS, /* FIM_PDF_FONTS of them */
	CIDFONT = FONTS + FIM_PDF_FONTS,
	DESCRIPTOR,
	FIRST_PAGE,
};

static void put(struct file *file, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct file *file, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vfprintf(file->out, fmt, args);
	va_end(args);
	file->at += len > 0 ? len : 0;
}

static void begin_object(struct file *file)
{
	file->offsets[file->count++] = file->at;
	put(file, "%zu 0 obj\n", file->count);
}

static void end_object(struct file *file)
{
	put(file, "endobj\n");
}

/* A text string: UTF-16 with its mark. */
static void put_title(struct file *file, const char *title)
{
	uint32_t character;

	put(file, "<feff");
	while (*title) {
		character = fim_pdf_next_char(&title);
		if (character >= 0x10000)
			put(file, "%04x%04x", 0xd800 + ((character - 0x10000) >> 10),
			    0xdc00 + ((character - 0x10000) & 0x3ff));
		else
			put(file, "%04x", character);
	}
	put(file, ">");
}

static void put_fonts(struct file *file)
{
	static const char *const names[] = {"Helvetica", "Helvetica-Bold", "Courier"};
	unsigned int code;
	int font;

	for (font = FIM_PDF_SANS; font < FIM_PDF_CJK; font++) {
		begin_object(file);
		put(file,
		    "<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding/WinAnsiEncoding"
		    "/FirstChar 32/LastChar 255/Widths[",
		    names[font]);
		for (code = 32; code <= 255; code++)
			put(file, "%u ", width_of_code((enum fim_pdf_font)font, code));
		put(file, "]>>\n");
		end_object(file);
	}
	begin_object(file);
	put(file,
	    "<</Type/Font/Subtype/Type0/BaseFont/HeiseiKakuGo-W5-UniJIS-UTF16-H"
	    "/Encoding/UniJIS-UTF16-H/DescendantFonts[%d 0 R]>>\n",
	    CIDFONT);
	end_object(file);
	begin_object(file);
	put(file,
	    "<</Type/Font/Subtype/CIDFontType0/BaseFont/HeiseiKakuGo-W5/CIDSystemInfo"
	    "<</Registry(Adobe)/Ordering(Japan1)/Supplement 5>>/FontDescriptor %d 0 R/DW "
	    "%d>>\n",
	    DESCRIPTOR, CJK_WIDTH);
	end_object(file);
	begin_object(file);
	put(file, "<</Type/FontDescriptor/FontName/HeiseiKakuGo-W5/Flags 4/FontBBox[-92 -250 1010 "
		  "922]/ItalicAngle 0/Ascent 859/Descent -140/CapHeight 737/StemV 93>>\n");
	end_object(file);
}

static void put_pages(struct file *file, const struct fim_pdf *pdf)
{
	size_t i;

	for (i = 0; i < pdf->count; i++) {
		begin_object(file);
		put(file,
		    "<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Contents %zu 0 R/Resources"
		    "<</Font<</F0 %d 0 R/F1 %d 0 R/F2 %d 0 R/F3 %d 0 R>>>>>>\n",
		    PAGES, FIRST_PAGE + 2 * i + 1, FONTS, FONTS + 1, FONTS + 2, FONTS + 3);
		end_object(file);
		begin_object(file);
		put(file, "<</Length %zu>>\nstream\n", pdf->pages[i]->len);
		fwrite(pdf->pages[i]->bytes, 1, pdf->pages[i]->len, file->out);
		file->at += (long)pdf->pages[i]->len;
		put(file, "\nendstream\n");
		end_object(file);
	}
}

static void put_entries(struct file *file, const struct fim_pdf *pdf)
{
	size_t first = FIRST_PAGE + 2 * pdf->count, i;

	for (i = 0; i < pdf->entry_count; i++) {
		begin_object(file);
		put(file, "<</Title ");
		put_title(file, pdf->entries[i].title);
		put(file, "/Parent %d 0 R/Dest[%zu 0 R/XYZ 0 %d null]", OUTLINES,
		    FIRST_PAGE + 2 * pdf->entries[i].page, (int)pdf->entries[i].y);
		if (i)
			put(file, "/Prev %zu 0 R", first + i - 1);
		if (i + 1 < pdf->entry_count)
			put(file, "/Next %zu 0 R", first + i + 1);
		put(file, ">>\n");
		end_object(file);
	}
}

static void put_fixed(struct file *file, const struct fim_pdf *pdf, const char *title,
		      const char *lang)
{
	size_t first = FIRST_PAGE + 2 * pdf->count, i;

	put(file, "%%PDF-1.5\n%%\xe2\xe3\xcf\xd3\n");
	begin_object(file);
	put(file,
	    "<</Type/Catalog/Pages %d 0 R/Outlines %d 0 R/PageMode/UseOutlines/Lang(%s)"
	    "/ViewerPreferences<</DisplayDocTitle true>>>>\n",
	    PAGES, OUTLINES, lang);
	end_object(file);
	begin_object(file);
	put(file, "<</Type/Pages/Count %zu/Kids[", pdf->count);
	for (i = 0; i < pdf->count; i++)
		put(file, "%zu 0 R ", FIRST_PAGE + 2 * i);
	put(file, "]>>\n");
	end_object(file);
	begin_object(file);
	put(file, "<</Producer(ecs-fim)/Title ");
	put_title(file, title);
	put(file, ">>\n");
	end_object(file);
	begin_object(file);
	if (pdf->entry_count)
		put(file, "<</Type/Outlines/First %zu 0 R/Last %zu 0 R/Count %zu>>\n", first,
		    first + pdf->entry_count - 1, pdf->entry_count);
	else
		put(file, "<</Type/Outlines/Count 0>>\n");
	end_object(file);
}

int fim_pdf_write(struct fim_pdf *pdf, const char *title, const char *lang, const char *id,
		  FILE *out)
{
	struct file file = {.out = out};
	long start;
	size_t i;

	for (i = 0; i < pdf->count && !pdf->err; i++)
		if (fflush(pdf->pages[i]->out))
			pdf->err = -ENOMEM;
	if (pdf->err)
		return pdf->err;
	file.offsets = calloc(FIRST_PAGE + 2 * pdf->count + pdf->entry_count, sizeof(long));
	if (!file.offsets)
		return -ENOMEM;
	put_fixed(&file, pdf, title, lang);
	put_fonts(&file);
	put_pages(&file, pdf);
	put_entries(&file, pdf);
	start = file.at;
	put(&file, "xref\n0 %zu\n0000000000 65535 f \n", file.count + 1);
	for (i = 0; i < file.count; i++)
		put(&file, "%010ld 00000 n \n", file.offsets[i]);
	put(&file,
	    "trailer\n<</Size %zu/Root %d 0 R/Info %d 0 R/ID[<%.32s><%.32s>]>>\nstartxref\n%ld\n"
	    "%%%%EOF\n",
	    file.count + 1, CATALOG, INFO, id, id, start);
	free(file.offsets);
	return ferror(out) ? -EIO : 0;
}
