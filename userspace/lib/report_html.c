/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page as HTML: one file, no script, no external asset, readable on a phone, on
 * paper and by a screen reader.
 *
 * Every text is escaped first for the eye (fim_escape) and then for HTML, in put();
 * markup is only ever a literal in this file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report_page.h"

#define LANE_HEIGHT 20
#define TALL_HEIGHT 64

/*
 * struct html - what is open
 * @columns: of the table; @column: next cell of the row
 * @card_list: a list in a card, not of reasons
 */
struct html {
	const struct fim_page_column *columns;
	size_t column;
};

static const char *const tones[FIM_TONES] = {"info", "low",  "med", "high",
					     "crit", "good", "bad", "doubt"};

/* clang-format off */
static const char style[] =
":root{--bg:#f4f5f2;--surface:#fff;--ink:#18212b;--muted:#53606d;--line:#d9dee3;--soft:#eceff1;--accent:#155e75;"
"--good:#15603a;--good-bg:#dff1e5;--bad:#96201a;--bad-bg:#fbe4e1;--doubt:#6b4a00;--doubt-bg:#fbeecb;"
"--crit:#96201a;--crit-bg:#fbe4e1;--high:#8f3a00;--high-bg:#fde8d8;--med:#6b4a00;--med-bg:#fbeecb;"
"--low:#1d4f73;--low-bg:#e0edf6;--info:#46505b;--info-bg:#e9ecef;"
"--m-good:#3d8b5f;--m-bad:#b3372c;--m-doubt:#b98a16;--m-crit:#b3372c;--m-high:#d2691e;--m-med:#b98a16;--m-low:#3b7dab;--m-info:#8594a1}\n"
"@media screen and (prefers-color-scheme:dark){:root{--bg:#0f1417;--surface:#171e23;--ink:#e3e9ed;--muted:#a3b0ba;"
"--line:#2d3840;--soft:#202930;--accent:#7cc7de;--good:#8fd8ac;--good-bg:#142e20;--bad:#f5aaa3;--bad-bg:#3b1917;--doubt:#ecc770;"
"--doubt-bg:#342a0f;--crit:#f5aaa3;--crit-bg:#3b1917;--high:#f4b78d;--high-bg:#3a2513;--med:#ecc770;--med-bg:#342a0f;"
"--low:#9fcdef;--low-bg:#15293a;--info:#bcc6ce;--info-bg:#262f36;"
"--m-good:#5fb487;--m-bad:#e2695c;--m-doubt:#d1a437;--m-crit:#e2695c;--m-high:#e08b4a;--m-med:#d1a437;--m-low:#62a6d6;--m-info:#7d8b97}}\n"
"*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}\n"
"body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',"
"'Hiragino Sans','Yu Gothic UI','Noto Sans JP','Noto Sans CJK JP',IPAGothic,Arial,sans-serif;overflow-wrap:break-word}\n"
"a{color:var(--accent);text-underline-offset:2px}a:focus-visible,.scroll:focus-visible,summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\n"
".skip{position:absolute;left:-999px}.skip:focus{left:1rem;top:1rem;background:var(--surface);padding:.5rem 1rem;z-index:2}\n"
".wrap{max-width:78rem;margin:0 auto;padding:0 1.5rem}\n"
"header.top{background:var(--surface);border-bottom:1px solid var(--line);border-top:5px solid var(--accent);padding:2rem 0 1.75rem}\n"
"h1{margin:0 0 1.25rem;font-size:2.125rem;line-height:1.2;font-weight:680;letter-spacing:-.015em}\n"
"h2{margin:0 0 .35rem;font-size:1.4375rem;line-height:1.3;font-weight:660;letter-spacing:-.005em}\n"
"h3{margin:0;font-size:1rem;line-height:1.5;font-weight:620}\n"
".grid{display:grid;grid-template-columns:12.5rem minmax(0,1fr);gap:0 2.5rem}\n"
"nav{padding:2.25rem 0}nav ul{list-style:none;margin:0;padding:0;position:sticky;top:1.5rem;font-size:.9375rem}\n"
"nav a{display:block;padding:.28rem .75rem;border-left:2px solid var(--line);color:var(--muted);text-decoration:none}"
"nav a:hover{color:var(--accent);border-color:var(--accent);text-decoration:underline}\n"
"section{margin:2.25rem 0 3rem;scroll-margin-top:1rem;content-visibility:auto;contain-intrinsic-size:auto 40rem}section>h3{margin:1.75rem 0 .6rem}\n"
".lead{margin:0 0 1.1rem;color:var(--muted);max-width:48rem}section>p:not(.lead):not(.small){max-width:60rem;margin:.5rem 0}\n"
"dl{margin:0}dt{color:var(--muted);font-size:.8125rem;line-height:1.6}dd{margin:0;min-width:0;overflow-wrap:anywhere}\n"
".facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(13.5rem,1fr));gap:.9rem 1.75rem}.facts>div:has(dd>code:only-child){grid-column:span 2}\n"
"section>.facts{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem}\n"
".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.75rem;margin-bottom:1.25rem}\n"
".tiles>div{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem}\n"
".tiles dd{font-size:1.5625rem;line-height:1.3;font-weight:640;letter-spacing:-.01em}.tiles small{display:block;font-size:.8125rem;line-height:1.45;font-weight:400;letter-spacing:0;color:var(--muted)}\n"
".card,.chart{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem;margin:.7rem 0}.card{scroll-margin-top:1rem}\n"
".pill{display:inline-block;border-radius:4px;padding:.05rem .5rem;font-size:.8125rem;line-height:1.5;font-weight:600;white-space:nowrap}\n"
".good{color:var(--good);background:var(--good-bg)}.bad{color:var(--bad);background:var(--bad-bg)}.doubt{color:var(--doubt);background:var(--doubt-bg)}"
".crit{color:var(--crit);background:var(--crit-bg)}.high{color:var(--high);background:var(--high-bg)}.med{color:var(--med);background:var(--med-bg)}"
".low{color:var(--low);background:var(--low-bg)}.info{color:var(--info);background:var(--info-bg)}\n"
".statement{display:grid;grid-template-columns:10.5rem 1fr;gap:.5rem 1.25rem}.statement.s-bad{border-left:4px solid var(--m-bad)}.statement.s-doubt{border-left:4px solid var(--m-doubt)}.statement.s-good{border-left:4px solid var(--m-good)}\n"
".num{font-size:.8125rem;color:var(--muted);margin:.4rem 0 0}.num b{display:block;font-size:1.1875rem;line-height:1.35;color:var(--ink);font-weight:640}\n"
"ul{margin:.45rem 0;padding-left:1.15rem}li{margin:.15rem 0}small,.small{font-size:.875rem;color:var(--muted)}.small{margin:.4rem 0 0}\n"
"code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.875em;overflow-wrap:anywhere}\n"
".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:10px;background:var(--surface);margin:.6rem 0}\n"
"table{border-collapse:collapse;width:100%;font-size:.9rem}.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}\n"
"th,td{text-align:left;vertical-align:top;padding:.5rem .8rem;border-bottom:1px solid var(--line)}tbody tr:last-child>*{border-bottom:0}\n"
"thead th{color:var(--muted);font-weight:600;font-size:.8125rem;line-height:1.4;background:var(--soft);vertical-align:bottom}\n"
".n{text-align:right;font-variant-numeric:tabular-nums}td.t{white-space:nowrap;font-variant-numeric:tabular-nums}td.w{min-width:13rem}td.l{min-width:5rem}tr:target{outline:2px solid var(--accent)}\n"
"details{content-visibility:auto;contain-intrinsic-size:auto 3em}details.card{padding:0}summary{display:grid;grid-template-columns:auto 1fr auto;gap:.25rem .8rem;align-items:baseline;padding:.7rem 1.2rem;cursor:pointer;list-style:none}summary::-webkit-details-marker{display:none}\n"
"summary h3{font-weight:500;min-width:0}summary h3 b{font-weight:640}summary time{color:var(--muted);font-size:.875rem;font-variant-numeric:tabular-nums;white-space:nowrap}"
"summary time::after{content:'';display:inline-block;width:.45rem;height:.45rem;border:solid var(--muted);border-width:0 2px 2px 0;transform:rotate(45deg);margin:0 0 .15rem .75rem}[open]>summary time::after{transform:rotate(225deg);margin-bottom:-.05rem}\n"
".body{border-top:1px solid var(--line);padding:.6rem 1.2rem 1rem;scroll-margin-top:4.5rem}.body:target{box-shadow:inset 3px 0 var(--accent)}\n"
".body .scroll,.card .scroll{border:0;border-radius:0;margin:.6rem 0}.body thead th{background:none}.body th,.body td{padding:.3rem .75rem .3rem 0}.body td{width:43%}.body td:first-child{width:14%;color:var(--muted)}.body tr:last-child>*{border-bottom:1px solid var(--line)}\n"
".pairs{display:grid;grid-template-columns:9.5rem minmax(0,1fr);gap:.25rem 1rem;font-size:.9375rem}.pairs>div{display:contents}.pairs dt{line-height:1.8}\n"
".card>.list{list-style:none;padding:0;margin:.7rem 0 0}.card>.list li{padding:.35rem 0;margin:0;border-top:1px solid var(--line)}\n"
".lane{display:grid;grid-template-columns:9rem minmax(0,1fr);gap:.15rem 1rem;align-items:center;margin:.45rem 0}.lane>p{margin:0;font-size:.875rem;color:var(--muted)}"
".lane svg{display:block;width:100%;height:20px;background:var(--soft);border-radius:3px}.lane svg.tall{height:64px}"
".places .lane{grid-template-columns:minmax(8rem,17rem) minmax(0,1fr) 4.5rem}.places .lane>p{color:var(--ink)}.places .lane svg{background:none;height:14px}.lane .n{font-size:.875rem}\n"
".axis{display:flex;justify-content:space-between;gap:1rem;font-size:.8125rem;color:var(--muted);margin-left:10rem;font-variant-numeric:tabular-nums}\n"
".m-good{fill:var(--m-good)}.m-bad{fill:var(--m-bad)}.m-doubt{fill:var(--m-doubt)}.m-crit{fill:var(--m-crit)}.m-high{fill:var(--m-high)}.m-med{fill:var(--m-med)}.m-low{fill:var(--m-low)}.m-info{fill:var(--m-info)}\n"
"footer{border-top:1px solid var(--line);padding:1.25rem 0 2.5rem;color:var(--muted);font-size:.875rem}\n"
"@media (max-width:64rem){.grid{grid-template-columns:minmax(0,1fr)}nav{padding:1rem 0 0}nav ul{position:static;display:flex;flex-wrap:wrap;gap:.4rem}nav a{border:1px solid var(--line);border-radius:99px;background:var(--surface);padding:.2rem .8rem}}\n"
"@media screen and (max-width:40rem){.wrap{padding:0 1rem}header.top{padding:1.4rem 0 1.2rem}h1{font-size:1.625rem;margin-bottom:1rem}section{margin:2rem 0}.facts{grid-template-columns:1fr 1fr;gap:.7rem 1rem}.facts>div:has(dd>code:only-child){grid-column:1/-1}"
".tiles{grid-template-columns:1fr 1fr}.tiles dd{font-size:1.3125rem}.statement{grid-template-columns:1fr}.num{display:flex;gap:.6rem;align-items:baseline}"
".pairs{grid-template-columns:1fr;gap:0}.pairs>div{display:block;margin-bottom:.5rem}summary{grid-template-columns:1fr auto}summary .pill{justify-self:start}summary h3{grid-column:1/-1;grid-row:2}"
".lane,.places .lane{grid-template-columns:minmax(0,1fr) auto}.lane>p{grid-column:1}.lane svg{grid-column:1/-1;grid-row:2}.axis{margin-left:0}"
".scroll,.scroll table,.scroll tbody,.scroll tr,.scroll td{display:block;width:auto}.scroll thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}"
".scroll tr{padding:.55rem .9rem;border-bottom:1px solid var(--line)}.scroll tr:last-child{border:0}.scroll td,.body td,.body td:first-child{display:grid;grid-template-columns:7.5rem minmax(0,1fr);gap:.5rem;padding:.12rem 0;border:0;text-align:left;white-space:normal;min-width:0;width:auto}"
".scroll td::before{content:attr(data-label);color:var(--muted);font-size:.8125rem;line-height:1.8}.scroll td>div{min-width:0}.body .scroll tr{padding:.4rem 0}}\n"
"@page{size:A4;margin:16mm 14mm 18mm;@bottom-right{content:counter(page) ' / ' counter(pages);font:9pt system-ui,sans-serif}}\n"
"@media print{html{font-size:11.5px}body{background:#fff;font-size:1rem}nav,.skip{display:none}.grid{display:block}.wrap{max-width:none;padding:0}header.top{padding:.5rem 0 1rem}"
"section{margin:1.6rem 0;content-visibility:visible}h2,h3,.lead,section>p{break-after:avoid}.card,tr,.tiles,.lane,.chart,.facts{break-inside:avoid}thead{display:table-header-group}"
"details::details-content{content-visibility:visible;display:block;height:auto}summary time::after{display:none}.scroll{overflow:visible}a{color:inherit;text-decoration:none}th,td{padding:.28rem .5rem}td.t{white-space:normal}td.w{min-width:0}"
".pill,.lane svg,.lane svg *,thead th{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";
/* clang-format on */

/* ------------------------------------------------------------------- words */

/* Literal markup. */
static void raw(struct fim_page *page, const char *markup)
{
	fputs(markup, page->out);
}

static void put_bytes(struct fim_page *page, const char *bytes, size_t len)
{
	char *text = fim_escape(bytes, len);
	const char *at;

	if (!text) {
		page->err = -ENOMEM;
		return;
	}
	for (at = text; *at; at++) {
		if (*at == '&')
			raw(page, "&amp;");
		else if (*at == '<')
			raw(page, "&lt;");
		else if (*at == '>')
			raw(page, "&gt;");
		else if (*at == '"')
			raw(page, "&quot;");
		else if (*at == '\'')
			raw(page, "&#39;");
		else
			fputc(*at, page->out);
	}
	free(text);
}

static void put(struct fim_page *page, const char *text)
{
	if (text)
		put_bytes(page, text, strlen(text));
}

static void html_text(struct fim_page *page, enum fim_look look, const char *bytes, size_t len)
{
	static const char *const before[] = {"", "<code>", "<b>", "<small>"};
	static const char *const after[] = {"", "</code>", "</b>", "</small>"};

	if (!len)
		return;
	raw(page, before[look]);
	put_bytes(page, bytes, len);
	raw(page, after[look]);
}

static void html_line_break(struct fim_page *page)
{
	raw(page, "<br>");
}

static void html_pill(struct fim_page *page, enum fim_tone tone, const char *word)
{
	fprintf(page->out, "<span class=\"pill %s\">", tones[tone]);
	put(page, word);
	raw(page, "</span>");
}

static void html_link(struct fim_page *page, const char *target, const char *word)
{
	raw(page, "<a href=\"#");
	put(page, target);
	raw(page, "\">");
	put(page, word);
	raw(page, "</a>");
}

/* ------------------------------------------------------------------ blocks */

static void open_section(struct fim_page *page, const struct fim_block_args *args)
{
	fprintf(page->out, "<section id=\"%s\" aria-labelledby=\"h-%s\"><h2 id=\"h-%s\">", args->id,
		args->id, args->id);
	put(page, args->title);
	raw(page, "</h2>\n");
	if (!args->lead)
		return;
	raw(page, "<p class=\"lead\">");
	put(page, args->lead);
	raw(page, "</p>\n");
}

static void open_statement(struct fim_page *page, const struct fim_block_args *args)
{
	fprintf(page->out, "<article class=\"card statement s-%s\"><div>", tones[args->tone]);
	html_pill(page, args->tone, args->mark);
	raw(page, "<p class=\"num\"><b>");
	put(page, args->id);
	raw(page, "</b>");
	put(page, args->lead);
	raw(page, "</p></div>\n<div><h3>");
	put(page, args->title);
	raw(page, "</h3>\n");
}

/* The number is of the body: who follows a link to it sees it unfolded. */
static void open_change(struct fim_page *page, const struct fim_block_args *args)
{
	raw(page, args->open ? "<details class=\"card\" open><summary>"
			     : "<details class=\"card\"><summary>");
	html_pill(page, args->tone, args->mark);
	raw(page, "<h3><b>");
	put(page, args->id);
	raw(page, "</b> <code>");
	put(page, args->title);
	raw(page, "</code></h3><time>");
	put(page, args->lead);
	fprintf(page->out, "</time></summary>\n<div class=\"body\" id=\"r%" PRId64 "\">\n",
		args->seq);
}

static void open_table(struct fim_page *page, const struct fim_block_args *args)
{
	struct html *html = page->ctx;
	size_t c;

	html->columns = args->columns;
	raw(page, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"");
	put(page, args->title);
	raw(page, "\"><table><caption class=\"hidden\">");
	put(page, args->title);
	raw(page, "</caption><thead><tr>");
	for (c = 0; c < args->count; c++) {
		fprintf(page->out, "<th scope=\"col\" class=\"%c\">", args->columns[c].align);
		put(page, fim_tr(page->lang, args->columns[c].title));
		raw(page, "</th>");
	}
	raw(page, "</tr></thead>\n<tbody>\n");
}

static void open_cell(struct fim_page *page)
{
	struct html *html = page->ctx;
	const struct fim_page_column *column = &html->columns[html->column++];

	fprintf(page->out, "<td class=\"%c\" data-label=\"", column->align);
	put(page, fim_tr(page->lang, column->title));
	raw(page, "\"><div>");
}

static void open_row(struct fim_page *page, const struct fim_block_args *args)
{
	struct html *html = page->ctx;

	html->column = 0;
	if (args->seq)
		fprintf(page->out, "<tr id=\"r%" PRId64 "\">", args->seq);
	else
		raw(page, "<tr>");
}

static void open_titled(struct fim_page *page, const char *before, const char *title,
			const char *after)
{
	raw(page, before);
	put(page, title);
	raw(page, after);
}

static void html_open(struct fim_page *page, enum fim_block block,
		      const struct fim_block_args *args)
{
	static const char *const plain[] = {
		[FIM_BLOCK_TEXT] = "<p>",
		[FIM_BLOCK_SMALL] = "<p class=\"small\">",
		[FIM_BLOCK_TILES] = "<dl class=\"tiles\">\n",
		[FIM_BLOCK_FACTS] = "<dl class=\"facts\">\n",
		[FIM_BLOCK_PAIRS] = "<dl class=\"pairs\">\n",
		[FIM_BLOCK_LIST] = "<ul class=\"list\">\n",
		[FIM_BLOCK_ITEM] = "<li>",
	};

	switch (block) {
	case FIM_BLOCK_SECTION:
		open_section(page, args);
		return;
	case FIM_BLOCK_HEADING:
		open_titled(page, "<h3>", args->title, "");
		return;
	case FIM_BLOCK_TILE:
	case FIM_BLOCK_FACT:
		open_titled(page, "<div><dt>", args->title, "</dt><dd>");
		return;
	case FIM_BLOCK_STATEMENT:
		open_statement(page, args);
		return;
	case FIM_BLOCK_CARD:
		fprintf(page->out, "<article class=\"card\" id=\"r%" PRId64 "\">", args->seq);
		open_titled(page, "<h3>", args->title, "</h3>\n");
		return;
	case FIM_BLOCK_CHANGE:
		open_change(page, args);
		return;
	case FIM_BLOCK_TABLE:
		open_table(page, args);
		return;
	case FIM_BLOCK_ROW:
		open_row(page, args);
		return;
	case FIM_BLOCK_CELL:
		open_cell(page);
		return;
	default:
		raw(page, plain[block]);
	}
}

static void html_close(struct fim_page *page, enum fim_block block)
{
	static const char *const ends[] = {
		[FIM_BLOCK_SECTION] = "</section>\n",
		[FIM_BLOCK_HEADING] = "</h3>\n",
		[FIM_BLOCK_TEXT] = "</p>\n",
		[FIM_BLOCK_SMALL] = "</p>\n",
		[FIM_BLOCK_TILES] = "</dl>\n",
		[FIM_BLOCK_TILE] = "</dd></div>\n",
		[FIM_BLOCK_FACTS] = "</dl>\n",
		[FIM_BLOCK_PAIRS] = "</dl>\n",
		[FIM_BLOCK_FACT] = "</dd></div>\n",
		[FIM_BLOCK_STATEMENT] = "</div></article>\n",
		[FIM_BLOCK_CARD] = "</article>\n",
		[FIM_BLOCK_CHANGE] = "</div></details>\n",
		[FIM_BLOCK_LIST] = "</ul>\n",
		[FIM_BLOCK_ITEM] = "</li>\n",
		[FIM_BLOCK_TABLE] = "</tbody></table></div>\n",
		[FIM_BLOCK_ROW] = "</tr>\n",
		[FIM_BLOCK_CELL] = "</div></td>",
	};

	raw(page, ends[block]);
}

/* ------------------------------------------------------------------ charts */

static void put_lane(struct fim_page *page, const struct fim_lane *lane, bool is_path)
{
	int height = lane->tall ? TALL_HEIGHT : LANE_HEIGHT, bar;
	const struct fim_mark *mark;
	size_t i;

	raw(page, is_path ? "<div class=\"lane\"><p><code>" : "<div class=\"lane\"><p>");
	put(page, lane->title);
	raw(page, is_path ? "</code></p>" : "</p>");
	raw(page, "<svg role=\"img\" aria-label=\"");
	put(page, lane->title);
	raw(page, ": ");
	put(page, lane->summary);
	fprintf(page->out, "\"%s viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
		lane->tall ? " class=\"tall\"" : "", FIM_CHART_WIDTH, height);
	for (i = 0; i < lane->count; i++) {
		mark = &lane->marks[i];
		bar = mark->height * height / 100;
		fprintf(page->out,
			"<rect class=\"m-%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
			tones[mark->tone], mark->from, height - bar, mark->to - mark->from, bar);
	}
	raw(page, "</svg>");
	if (lane->label) {
		raw(page, "<span class=\"n\">");
		put(page, lane->label);
		raw(page, "</span>");
	}
	raw(page, "</div>\n");
}

static void html_chart(struct fim_page *page, const struct fim_chart *chart)
{
	size_t i;

	raw(page, chart->paths ? "<div class=\"chart places\">\n" : "<div class=\"chart\">\n");
	for (i = 0; i < chart->count; i++)
		put_lane(page, &chart->lanes[i], chart->paths);
	if (chart->from) {
		raw(page, "<div class=\"axis\"><span>");
		put(page, chart->from);
		raw(page, "</span><span>");
		put(page, chart->to);
		raw(page, "</span></div>");
	}
	raw(page, "</div>\n");
}

/* -------------------------------------------------------------------- page */

static void put_nav(struct fim_page *page)
{
	const struct fim_page_section *section;

	raw(page, "<nav aria-label=\"");
	put(page, fim_tr(page->lang, "Sections"));
	raw(page, "\"><ul>\n");
	for (section = page->sections; section->id; section++) {
		raw(page, "<li>");
		html_link(page, section->id, fim_tr(page->lang, section->title));
		raw(page, "</li>\n");
	}
	raw(page, "</ul></nav>\n");
}

static void html_begin(struct fim_page *page, const char *title)
{
	fprintf(page->out,
		"<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
		page->lang == FIM_LANG_JA ? "ja" : "en");
	put(page, title);
	raw(page, "</title>\n<style>\n");
	raw(page, style);
	raw(page, "</style></head>\n<body><a class=\"skip\" href=\"#main\">");
	put(page, fim_tr(page->lang, "Skip to the report"));
	raw(page, "</a>\n<header class=\"top\"><div class=\"wrap\"><h1>");
	put(page, title);
	raw(page, "</h1>\n");
}

/* After the facts on the cover. */
static void html_body(struct fim_page *page)
{
	raw(page, "</div></header>\n<div class=\"wrap grid\">\n");
	put_nav(page);
	raw(page, "<main id=\"main\">\n");
}

static void html_end(struct fim_page *page)
{
	raw(page, "</main></div>\n<footer><div class=\"wrap\">");
	put(page, fim_json_get_str(page->report, "tool"));
	raw(page, " · ");
	put(page, page->origin);
	raw(page, "</div></footer>\n</body></html>\n");
}

static const struct fim_page_ops ops = {
	.begin = html_begin,
	.body = html_body,
	.end = html_end,
	.open = html_open,
	.close = html_close,
	.text = html_text,
	.line_break = html_line_break,
	.pill = html_pill,
	.link = html_link,
	.chart = html_chart,
};

int fim_page_html(struct fim_page *page, void (*write)(struct fim_page *page))
{
	struct html html = {.column = 0};

	page->ops = &ops;
	page->ctx = &html;
	write(page);
	if (page->err)
		return page->err;
	return ferror(page->out) ? -EIO : 0;
}

int fim_report_html(const struct fim_json *report, FILE *out)
{
	struct fim_page page = {.out = out, .report = report, .lang = fim_report_lang(report)};

	return fim_page_html(&page, fim_page_write);
}

int fim_fleet_html(const struct fim_json *report, FILE *out)
{
	struct fim_page page = {.out = out, .report = report, .lang = fim_report_lang(report)};

	return fim_page_html(&page, fim_page_write_fleet);
}
