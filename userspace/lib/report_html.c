/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page for an assessor, made of the report's JSON and nothing else: no script,
 * no external asset, readable on a phone, on paper and by a screen reader.
 *
 * Every string of the report may have been chosen by an attacker (a file name, an
 * argument, a label).  They all go through put(), which escapes first for the eye
 * (fim_escape) and then for HTML; markup is only ever a literal in this file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

/* More on one page helps nobody; the JSON report has all. */
#define MAX_ROWS 2000
/* Coordinates of the timeline: stretched to whatever width there is. */
#define LINE_WIDTH    1000
#define LINE_HEIGHT   24
#define LINE_BINS     125
#define NSEC_PER_MSEC INT64_C(1000000)

/*
 * struct page - a page being written
 * @err: out of memory; errors of @out are seen at the end
 */
struct page {
	FILE *out;
	const struct fim_json *report;
	int err;
};

/* ------------------------------------------------------------------- style */

/* clang-format off */
static const char style[] =
":root{--bg:#f6f6f3;--surface:#fff;--ink:#1c2430;--muted:#525c6b;--line:#dcdfe4;--accent:#1f4e79;"
"--met:#1b5a36;--met-bg:#e2f0e7;--not:#8a1c17;--not-bg:#fae5e3;--ins:#664700;--ins-bg:#faefd3;"
"--crit:#8a1c17;--crit-bg:#fae5e3;--high:#8f3600;--high-bg:#fce9dc;--med:#664700;--med-bg:#faefd3;"
"--low:#27496a;--low-bg:#e4edf5;--info:#454d5a;--info-bg:#ebedf0;--run:#2f6b4a;--half:#8f6a13;--out:#b0412e}\n"
"@media screen and (prefers-color-scheme:dark){:root{--bg:#13161b;--surface:#1a1f26;--ink:#e4e8ed;--muted:#a5aebb;"
"--line:#313945;--accent:#8fbbe6;--met:#8fd3a9;--met-bg:#17301f;--not:#f2a7a1;--not-bg:#3a1a18;--ins:#e8c36f;"
"--ins-bg:#352a10;--crit:#f2a7a1;--crit-bg:#3a1a18;--high:#f0b48c;--high-bg:#3a2414;--med:#e8c36f;--med-bg:#352a10;"
"--low:#a6c8e8;--low-bg:#1a2b3b;--info:#b9c1cc;--info-bg:#272d36;--run:#6fbf91;--half:#d3a944;--out:#e07a66}}\n"
"*{box-sizing:border-box}\n"
"html{-webkit-text-size-adjust:100%;scroll-behavior:auto}\n"
"body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,"
"'Helvetica Neue',Arial,sans-serif;overflow-wrap:break-word}\n"
"a{color:var(--accent);text-underline-offset:2px}\n"
"a:focus-visible,.scroll:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\n"
".skip{position:absolute;left:-999px}.skip:focus{left:1rem;top:1rem;background:var(--surface);padding:.5rem 1rem;z-index:1}\n"
".wrap{max-width:66rem;margin:0 auto;padding:0 1.5rem}\n"
"header.top{border-bottom:1px solid var(--line);background:var(--surface);padding:2.25rem 0 1.5rem}\n"
".eyebrow{margin:0;color:var(--muted);font-size:.875rem}\n"
"h1{margin:.15rem 0 1.25rem;font-size:2rem;line-height:1.2;font-weight:650;letter-spacing:-.01em}\n"
"h2{margin:0 0 .25rem;font-size:1.375rem;line-height:1.3;font-weight:650}\n"
"h3{margin:0;font-size:1rem;line-height:1.5;font-weight:600}\n"
"section{margin:2.75rem 0}section>h3{margin:1.75rem 0 .6rem}\n"
".lead{margin:0 0 1rem;color:var(--muted);max-width:46rem}\n"
"dl{margin:0}dt{color:var(--muted);font-size:.875rem}dd{margin:0}\n"
".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.9rem 1.75rem}\n"
"nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1.5rem 0 0;padding:0;font-size:.9375rem}\n"
".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:1px;background:var(--surface);"
"border:1px solid var(--line);border-radius:8px;overflow:hidden}\n"
".tiles>div{box-shadow:0 0 0 1px var(--line);padding:.9rem 1.1rem}\n"
".tiles dd{font-size:1.5rem;line-height:1.3;font-weight:600}.tiles dd small{display:block;font-size:.8125rem;font-weight:400;color:var(--muted)}\n"
".card{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:1rem 1.15rem;margin:.75rem 0}\n"
".row{display:flex;flex-wrap:wrap;gap:.35rem .75rem;align-items:baseline}\n"
".pill{display:inline-block;border-radius:4px;padding:.05rem .55rem;font-size:.8125rem;font-weight:600;white-space:nowrap}\n"
".met{color:var(--met);background:var(--met-bg)}.notmet{color:var(--not);background:var(--not-bg)}.ins{color:var(--ins);background:var(--ins-bg)}\n"
".critical{color:var(--crit);background:var(--crit-bg)}.high{color:var(--high);background:var(--high-bg)}"
".medium{color:var(--med);background:var(--med-bg)}.low{color:var(--low);background:var(--low-bg)}.info{color:var(--info);background:var(--info-bg)}\n"
".statement{display:grid;grid-template-columns:11rem 1fr;gap:.5rem 1.25rem}.statement .num{font-size:.875rem;color:var(--muted);margin:.35rem 0 0}\n"
".statement .num b{display:block;font-size:1.125rem;color:var(--ink);font-weight:600}\n"
".statement ul{margin:.4rem 0;padding-left:1.1rem}.small{font-size:.875rem;color:var(--muted);margin:.35rem 0 0}\n"
"code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.875em;overflow-wrap:anywhere}\n"
"@media screen{.scroll table{min-width:44rem}}.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--surface)}\n"
"table{border-collapse:collapse;width:100%;font-size:.9rem}\n"
"caption{text-align:left;padding:.6rem .9rem 0;color:var(--muted);font-size:.875rem}\n"
".hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}\n"
"th,td{text-align:left;vertical-align:top;padding:.45rem .9rem;border-bottom:1px solid var(--line)}\n"
"tbody tr:last-child>*{border-bottom:0}thead th{color:var(--muted);font-weight:600;font-size:.8125rem}\n"
"th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}td.n,td.d code{white-space:nowrap}td.t{white-space:nowrap;font-variant-numeric:tabular-nums}td.w{min-width:14rem}td.p{min-width:11rem}\n"
".diff{margin:.7rem 0}.diff th[scope=row]{width:7rem;color:var(--muted);font-weight:500}.diff td{width:50%}\n"
".diff code.digest{display:inline-block;max-width:32ch}.diff th,.diff td{padding:.3rem .75rem .3rem 0}.diff td.new{border-left:2px solid var(--line);padding-left:.75rem}\n"
".who{display:grid;grid-template-columns:8rem 1fr;gap:.2rem 1rem;font-size:.9375rem}.who dt{font-size:.875rem;line-height:1.75}\n"
".lanes{display:grid;grid-template-columns:8.5rem 1fr;gap:.5rem 1rem;align-items:center}.lanes p{margin:0;font-size:.875rem;color:var(--muted)}\n"
".lanes svg{display:block;width:100%;height:24px;background:var(--info-bg);border-radius:3px}\n"
".axis{display:flex;justify-content:space-between;gap:1rem;font-size:.8125rem;color:var(--muted);grid-column:2}\n"
".key{display:flex;flex-wrap:wrap;gap:.3rem 1.25rem;margin:.9rem 0 0;padding:0;list-style:none;font-size:.8125rem;color:var(--muted)}\n"
".key i{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.4rem;vertical-align:-1px}\n"
".f-run{fill:var(--run);background:var(--run)}.f-half{fill:var(--half);background:var(--half)}.f-out{fill:var(--out);background:var(--out)}"
".f-critical,.f-high{fill:var(--out);background:var(--out)}.f-medium{fill:var(--half);background:var(--half)}.f-low,.f-info{fill:var(--accent);background:var(--accent)}\n"
".flags{margin:.6rem 0 0;padding:0;list-style:none}.flags li{padding:.3rem 0;border-top:1px solid var(--line)}\n"
"footer{border-top:1px solid var(--line);padding:1.25rem 0 2.5rem;color:var(--muted);font-size:.875rem}\n"
"@media (max-width:40rem){.wrap{padding:0 1rem}h1{font-size:1.5rem}section{margin:2rem 0}.statement{grid-template-columns:1fr}"
".statement .num{display:flex;gap:.6rem;align-items:baseline}.who,.lanes{grid-template-columns:1fr;gap:.1rem}.who dd{margin-bottom:.45rem}"
".lanes svg{margin-bottom:.5rem}.axis{grid-column:1}.diff,.diff tbody,.diff tr,.diff td,.diff th{display:block;width:auto}.diff thead{display:none}"
".diff th,.diff td,.diff td.new{padding:.1rem 0;border:0}.diff tr{padding:.4rem 0;border-bottom:1px solid var(--line)}"
".diff td,.diff td.new{display:grid;grid-template-columns:4rem 1fr;width:auto}.diff td::before{content:attr(data-label);font-size:.8125rem;line-height:1.75;color:var(--muted)}}\n"
"@page{size:A4;margin:16mm 14mm 18mm;@bottom-right{content:counter(page) ' / ' counter(pages);font:9pt system-ui,sans-serif}}\n"
"@media print{html{font-size:12px}body{background:#fff;font-size:1rem}nav,.skip{display:none}.wrap{max-width:none;padding:0}header.top{padding:0 0 1rem}"
"section{margin:1.6rem 0}h2,h3,caption,.lead,section>p{break-after:avoid}.card,tr,.tiles,.lanes,.facts,p{break-inside:avoid}thead{display:table-header-group}"
".scroll{overflow:visible}a{color:inherit;text-decoration:none}th,td{padding:.3rem .5rem}.pill,.lanes svg,.lanes svg *,.key i{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";
/* clang-format on */

/* ------------------------------------------------------------------- words */

/* Literal markup. */
static void raw(struct page *page, const char *markup)
{
	fputs(markup, page->out);
}

static void put_bytes(struct page *page, const char *bytes, size_t len)
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

/* Anything that came out of the report. */
static void put(struct page *page, const char *text)
{
	if (text)
		put_bytes(page, text, strlen(text));
}

static void put_member(struct page *page, const struct fim_json *object, const char *key)
{
	put(page, fim_json_get_str(object, key));
}

/* A value of file-system bytes: KEY or KEY_hex. */
static void put_path(struct page *page, const struct fim_json *object, const char *key)
{
	char *bytes;
	size_t len;

	if (fim_json_get_bytes(object, key, &bytes, &len))
		return;
	raw(page, "<code>");
	put_bytes(page, bytes, len);
	raw(page, "</code>");
	free(bytes);
}

static void put_int(struct page *page, int64_t value)
{
	fprintf(page->out, "%" PRId64, value);
}

/* 1 234 567, with thin spaces that do not break. */
static void put_count(struct page *page, int64_t value)
{
	char digits[24];
	size_t i, len;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value);
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
			raw(page, "&#8239;");
		fputc(digits[i], page->out);
	}
}

static void put_time(struct page *page, const char *text)
{
	int64_t time_ns;

	if (!text || fim_time_parse(text, &time_ns) || strlen(text) < 19) {
		raw(page, "–");
		return;
	}
	/* Checked: digits and punctuation only. */
	fprintf(page->out, "<time datetime=\"%s\">%.10s %.8s</time>", text, text, text + 11);
}

static void put_duration(struct page *page, int64_t ms)
{
	int64_t seconds = ms / 1000;

	if (seconds >= 86400)
		fprintf(page->out, "%" PRId64 " d %" PRId64 " h", seconds / 86400,
			seconds % 86400 / 3600);
	else if (seconds >= 3600)
		fprintf(page->out, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
			seconds % 3600 / 60);
	else if (seconds >= 60)
		fprintf(page->out, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
	else
		fprintf(page->out, "%" PRId64 ".%" PRId64 " s", seconds, ms % 1000 / 100);
}

static const struct fim_json *section_of(const struct page *page, const char *name)
{
	return fim_json_get(page->report, name);
}

static const struct fim_json *items_of(const struct page *page, const char *name)
{
	return fim_json_get(section_of(page, name), "items");
}

static size_t shown(const struct fim_json *items)
{
	size_t count = fim_json_count(items);

	return count < MAX_ROWS ? count : MAX_ROWS;
}

static void put_omitted(struct page *page, const char *name)
{
	int64_t count = fim_json_get_int(section_of(page, name), "count", 0);
	size_t visible = shown(items_of(page, name));

	if (count <= (int64_t)visible)
		return;
	raw(page, "<p class=\"small\">");
	put_count(page, count - (int64_t)visible);
	raw(page, " more are not shown here.</p>\n");
}

static void section_begin(struct page *page, const char *id, const char *title, const char *lead)
{
	fprintf(page->out, "<section id=\"%s\" aria-labelledby=\"h-%s\"><h2 id=\"h-%s\">%s</h2>\n",
		id, id, id, title);
	if (lead)
		fprintf(page->out, "<p class=\"lead\">%s</p>\n", lead);
}

static void section_end(struct page *page)
{
	raw(page, "</section>\n");
}

static void put_list(struct page *page, const struct fim_json *array, const char *separator)
{
	size_t i;

	for (i = 0; i < fim_json_count(array); i++) {
		raw(page, i ? separator : "");
		put(page, fim_json_str(fim_json_index(array, i)));
	}
}

static const char *known(const char *text, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (text && strcmp(text, names[i]) == 0)
			return names[i];
	return NULL;
}

static void put_severity(struct page *page, const char *severity)
{
	static const char *const names[] = {"info", "low", "medium", "high", "critical"};
	const char *name = known(severity, names, sizeof(names) / sizeof(names[0]));

	if (name)
		fprintf(page->out, "<span class=\"pill %s\">%s</span> ", name, name);
}

/* ------------------------------------------------------------------ tables */

/* One column: header, and a function that fills a cell. */
struct column {
	const char *title;
	const char *cls;
	void (*cell)(struct page *page, const struct fim_json *item);
};

static void put_table(struct page *page, const char *name, const char *caption,
		      const struct column *columns, size_t count)
{
	const struct fim_json *items = items_of(page, name), *item;
	size_t i, c;

	fprintf(page->out,
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
		"<table><caption class=\"hidden\">%s</caption><thead><tr>",
		caption, caption);
	for (c = 0; c < count; c++)
		fprintf(page->out, "<th scope=\"col\"%s%s%s>%s</th>",
			*columns[c].cls ? " class=\"" : "", columns[c].cls,
			*columns[c].cls ? "\"" : "", columns[c].title);
	raw(page, "</tr></thead>\n<tbody>\n");
	for (i = 0; i < shown(items); i++) {
		item = fim_json_index(items, i);
		fprintf(page->out, "<tr id=\"r%" PRId64 "\">", fim_json_get_int(item, "id", 0));
		for (c = 0; c < count; c++) {
			fprintf(page->out, "<td%s%s%s>", *columns[c].cls ? " class=\"" : "",
				columns[c].cls, *columns[c].cls ? "\"" : "");
			columns[c].cell(page, item);
			raw(page, "</td>");
		}
		raw(page, "</tr>\n");
	}
	raw(page, "</tbody></table></div>\n");
	put_omitted(page, name);
}

#define PUT_TABLE(page, name, caption, columns) \
	put_table(page, name, caption, columns, sizeof(columns) / sizeof((columns)[0]))

/* Cells that several tables have. */
static void cell_id(struct page *page, const struct fim_json *item)
{
	put_int(page, fim_json_get_int(item, "id", 0));
}

static void cell_time(struct page *page, const struct fim_json *item)
{
	put_time(page, fim_json_get_str(item, "time"));
}

static void cell_component(struct page *page, const struct fim_json *item)
{
	put_member(page, item, "component");
}

static void cell_cause(struct page *page, const struct fim_json *item)
{
	put_member(page, item, "cause");
}

/* ------------------------------------------------------------------ header */

static void fact(struct page *page, const char *name)
{
	fprintf(page->out, "<div><dt>%s</dt><dd>", name);
}

static void fact_end(struct page *page)
{
	raw(page, "</dd></div>\n");
}

/* A key as words: "instance_id" is "instance id". */
static void put_key(struct page *page, const char *key)
{
	char text[64], *at;

	snprintf(text, sizeof(text), "%s", key);
	for (at = text; (at = strchr(at, '_')) != NULL;)
		*at = ' ';
	put(page, text);
}

static int put_host_member(void *ctx, const char *key, struct fim_json *value)
{
	struct page *page = ctx;

	if (!fim_json_str(value) && !fim_json_is_int(value))
		return 0;
	raw(page, "<div><dt>");
	put_key(page, key);
	raw(page, "</dt><dd>");
	if (fim_json_str(value))
		put(page, fim_json_str(value));
	else
		fprintf(page->out, "%" PRId64, fim_json_get_int(section_of(page, "host"), key, 0));
	fact_end(page);
	return 0;
}

static void put_header(struct page *page)
{
	static const struct {
		const char *id, *title;
	} sections[] = {{"statements", "Statements"},	{"timeline", "Timeline"},
			{"changes", "Changes"},		{"comparisons", "Comparisons"},
			{"outages", "Control outages"}, {"containers", "Containers"},
			{"watches", "Watches"},		{"scope", "Scope"},
			{"baselines", "Baseline"},	{"journal", "Journal"}};
	const struct fim_json *period = section_of(page, "period");
	const char *version = fim_json_str(fim_json_at(page->report, "standard/version"));
	size_t i;

	raw(page,
	    "<header class=\"top\"><div class=\"wrap\"><p class=\"eyebrow\">Changes to critical "
	    "files · PCI DSS v");
	put(page, version);
	raw(page, "</p>\n<h1>File-integrity report</h1>\n<dl class=\"facts\">\n");
	fact(page, "Period (UTC)");
	put_time(page, fim_json_get_str(period, "from"));
	raw(page, "<br>to ");
	put_time(page, fim_json_get_str(period, "to"));
	fact_end(page);
	fact(page, "As of the record of (UTC)");
	put_time(page, fim_json_get_str(page->report, "generated"));
	fact_end(page);
	fim_json_each(section_of(page, "host"), put_host_member, page);
	raw(page, "</dl>\n<nav aria-label=\"Sections\"><ul>\n");
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		fprintf(page->out, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id,
			sections[i].title);
	raw(page, "</ul></nav></div></header>\n");
}

/* -------------------------------------------------------------- statements */

static void tile(struct page *page, const char *name, int64_t value, const char *small)
{
	fprintf(page->out, "<div><dt>%s</dt><dd>", name);
	put_count(page, value);
	fprintf(page->out, "<small>%s</small></dd></div>\n", small);
}

static void put_tiles(struct page *page)
{
	const struct fim_json *summary = section_of(page, "summary");
	const struct fim_json *severities = fim_json_get(summary, "changes_by_severity");
	const struct fim_json *containers = section_of(page, "containers");
	const struct fim_json *journal = section_of(page, "journal");
	const char *chain = fim_json_get_str(journal, "verification");
	char small[96];

	raw(page, "<dl class=\"tiles\">\n");
	snprintf(small, sizeof(small), "%" PRId64 " of them critical or high",
		 fim_json_get_int(severities, "critical", 0) +
			 fim_json_get_int(severities, "high", 0));
	tile(page, "Changes", fim_json_get_int(summary, "changes", 0), small);
	raw(page, "<div><dt>Longest time uncompared</dt><dd>");
	put_duration(page, fim_json_get_int(section_of(page, "comparisons"), "longest_gap_ms", 0));
	raw(page, "<small>limit 7 d</small></dd></div>\n");
	snprintf(small, sizeof(small), "%" PRId64 " open, %" PRId64 " events lost",
		 fim_json_get_int(section_of(page, "outages"), "open", 0),
		 fim_json_get_int(summary, "lost_events", 0));
	tile(page, "Control outages", fim_json_get_int(summary, "outages", 0), small);
	snprintf(small, sizeof(small), "of %" PRId64 " containers",
		 fim_json_get_int(containers, "count", 0));
	tile(page, "With power over the host",
	     fim_json_get_int(containers, "effectively_privileged", 0), small);
	raw(page, "<div><dt>Journal</dt><dd>");
	put(page, chain);
	raw(page, "<small>");
	put_count(page, fim_json_get_int(journal, "records", 0));
	raw(page, " records in chain</small></dd></div>\n</dl>\n");
}

static void put_pointers(struct page *page, const struct fim_json *statement)
{
	const struct fim_json *sections = fim_json_get(statement, "sections");
	const struct fim_json *records = fim_json_get(statement, "records");
	const char *name;
	int64_t seq;
	size_t i;

	raw(page, "<p class=\"small\">Evidence:");
	for (i = 0; i < fim_json_count(sections); i++) {
		name = fim_json_str(fim_json_index(sections, i));
		raw(page, i ? ", <a href=\"#" : " <a href=\"#");
		put(page, name);
		raw(page, "\">");
		put(page, name);
		raw(page, "</a>");
	}
	for (i = 0; i < fim_json_count(records); i++) {
		seq = fim_json_get_int(fim_json_index(records, i), "seq", 0);
		fprintf(page->out,
			"%s<a href=\"#r%" PRId64 "\"><span class=\"hidden\">record </span>%" PRId64
			"</a>",
			i ? ", " : "; records ", seq, seq);
	}
	raw(page, "</p>\n");
}

static void put_statement(struct page *page, const struct fim_json *statement)
{
	const struct fim_json *reasons = fim_json_get(statement, "reasons");
	const char *status = fim_json_get_str(statement, "status");
	const char *cls = "ins";
	size_t i;

	if (status && strcmp(status, "met") == 0)
		cls = "met";
	else if (status && strcmp(status, "not met") == 0)
		cls = "notmet";
	fprintf(page->out, "<article class=\"card statement\"><div><span class=\"pill %s\">", cls);
	put(page, status);
	raw(page, "</span><p class=\"num\"><b>");
	put_member(page, statement, "requirement");
	raw(page, "</b>");
	put_member(page, statement, "standard");
	raw(page, "</p></div>\n<div><h3>");
	put_member(page, statement, "title");
	raw(page, "</h3><ul>\n");
	for (i = 0; i < fim_json_count(reasons); i++) {
		raw(page, "<li>");
		put(page, fim_json_str(fim_json_index(reasons, i)));
		raw(page, "</li>\n");
	}
	raw(page, "</ul>");
	put_pointers(page, statement);
	raw(page, "<p class=\"small\">Not shown here: ");
	put_member(page, statement, "not_shown");
	raw(page, "</p></div></article>\n");
}

static void put_statements(struct page *page)
{
	const struct fim_json *statements = section_of(page, "statements");
	size_t i;

	section_begin(page, "statements", "Statements",
		      "What this host's journal shows about each requirement. Whether the entity "
		      "meets the standard is for the assessor to say.");
	put_tiles(page);
	for (i = 0; i < fim_json_count(statements); i++)
		put_statement(page, fim_json_index(statements, i));
	section_end(page);
}

/* ---------------------------------------------------------------- timeline */

/* Where a time is between the ends of the period, in the timeline's units. */
static int64_t position(const struct page *page, const char *text)
{
	const struct fim_json *period = section_of(page, "period");
	const char *from = fim_json_get_str(period, "from"), *to = fim_json_get_str(period, "to");
	int64_t from_ns, to_ns, time_ns;

	if (!from || !to || !text || fim_time_parse(from, &from_ns) || fim_time_parse(to, &to_ns) ||
	    fim_time_parse(text, &time_ns) || to_ns <= from_ns)
		return 0;
	if (time_ns <= from_ns)
		return 0;
	if (time_ns >= to_ns)
		return LINE_WIDTH;
	/* In milliseconds: nanoseconds times the width would not fit. */
	return (time_ns - from_ns) / NSEC_PER_MSEC * LINE_WIDTH /
	       ((to_ns - from_ns) / NSEC_PER_MSEC + 1);
}

/* A mark has to be seen, also where it is a moment. */
static void put_mark(struct page *page, int64_t from, int64_t to, int height, const char *cls)
{
	const int64_t width = LINE_WIDTH / LINE_BINS;

	if (to - from < width)
		to = from + width;
	if (to > LINE_WIDTH) {
		from = from > LINE_WIDTH - width ? LINE_WIDTH - width : from;
		to = LINE_WIDTH;
	}
	fprintf(page->out,
		"<rect class=\"f-%s\" x=\"%" PRId64 "\" y=\"%d\" width=\"%" PRId64
		"\" height=\"%d\"/>",
		cls, from, LINE_HEIGHT - height, to - from, height);
}

static void lane_begin(struct page *page, const char *title, const char *label)
{
	fprintf(page->out,
		"<p>%s</p><svg role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %d %d\" "
		"preserveAspectRatio=\"none\">",
		title, label, LINE_WIDTH, LINE_HEIGHT);
}

static int severity_of(const struct fim_json *item)
{
	const char *severity = fim_json_get_str(item, "severity");
	int i;

	for (i = FIM_SEVERITY_CRITICAL; i > FIM_SEVERITY_INFO; i--)
		if (severity && strcmp(severity, fim_severity_name((enum fim_severity)i)) == 0)
			break;
	return i;
}

/* As many marks as there are bins, however many changes there were. */
static void lane_changes(struct page *page)
{
	const struct fim_json *items = items_of(page, "changes"), *item;
	int count[LINE_BINS] = {0}, worst[LINE_BINS] = {0}, height;
	size_t i, bin;

	for (i = 0; i < fim_json_count(items); i++) {
		item = fim_json_index(items, i);
		bin = (size_t)position(page, fim_json_get_str(item, "time")) * LINE_BINS /
		      (LINE_WIDTH + 1);
		count[bin]++;
		if (severity_of(item) > worst[bin])
			worst[bin] = severity_of(item);
	}
	lane_begin(page, "Changes", "When changes were found");
	for (bin = 0; bin < LINE_BINS; bin++) {
		if (!count[bin])
			continue;
		height = count[bin] > 100 ? 24 : count[bin] > 10 ? 20 : count[bin] > 1 ? 16 : 12;
		put_mark(page, (int64_t)bin * LINE_WIDTH / LINE_BINS,
			 ((int64_t)bin + 1) * LINE_WIDTH / LINE_BINS, height,
			 fim_severity_name((enum fim_severity)worst[bin]));
	}
	raw(page, "</svg>\n");
}

static void lane_runs(struct page *page)
{
	const struct fim_json *items = items_of(page, "comparisons"), *item;
	size_t i;
	bool complete;

	lane_begin(page, "Comparisons", "When comparisons ran");
	for (i = 0; i < shown(items); i++) {
		item = fim_json_index(items, i);
		complete = fim_json_get_bool(item, "complete", false);
		put_mark(page, position(page, fim_json_get_str(item, "start")),
			 position(page, fim_json_get_str(item, "end")), complete ? 24 : 10,
			 complete ? "run" : "half");
	}
	raw(page, "</svg>\n");
}

static void lane_outages(struct page *page)
{
	const struct fim_json *items = items_of(page, "outages"), *item;
	const char *end;
	size_t i;

	lane_begin(page, "Control outages", "When a part of the control did not work");
	for (i = 0; i < shown(items); i++) {
		item = fim_json_index(items, i);
		end = fim_json_get_str(item, "end");
		put_mark(page, position(page, fim_json_get_str(item, "start")),
			 end ? position(page, end) : LINE_WIDTH, 24, "out");
	}
	raw(page, "</svg>\n");
}

static void put_timeline(struct page *page)
{
	const struct fim_json *period = section_of(page, "period");

	section_begin(page, "timeline", "Timeline", NULL);
	raw(page, "<div class=\"card\"><div class=\"lanes\">\n");
	lane_changes(page);
	lane_runs(page);
	lane_outages(page);
	raw(page, "<div class=\"axis\"><span>");
	put_time(page, fim_json_get_str(period, "from"));
	raw(page, "</span><span>");
	put_time(page, fim_json_get_str(period, "to"));
	raw(page, "</span></div></div>\n<ul class=\"key\">"
		  "<li><i class=\"f-high\"></i>critical or high change, outage</li>"
		  "<li><i class=\"f-medium\"></i>medium change, comparison of a part</li>"
		  "<li><i class=\"f-low\"></i>low or info change</li>"
		  "<li><i class=\"f-run\"></i>complete comparison</li></ul></div>\n");
	section_end(page);
}

/* ----------------------------------------------------------------- changes */

static int put_pair(void *ctx, const char *key, struct fim_json *value)
{
	struct page *page = ctx;

	put(page, key);
	raw(page, " = ");
	put(page, fim_json_str(value));
	raw(page, "<br>");
	return 0;
}

/* One attribute of one side: string, number, list of flags or map of xattrs. */
static void put_value(struct page *page, const struct fim_json *state, const char *name)
{
	const struct fim_json *value = fim_json_get(state, name);
	char *bytes = NULL;
	size_t len;

	if (fim_json_is_object(value)) {
		raw(page, "<code>");
		fim_json_each(value, put_pair, page);
		raw(page, "</code>");
	} else if (fim_json_is_array(value)) {
		put_list(page, value, ", ");
	} else if (fim_json_is_int(value)) {
		put_int(page, fim_json_get_int(state, name, 0));
	} else if (fim_json_get_bytes(state, name, &bytes, &len) == 0) {
		raw(page, strcmp(name, "sha256") == 0 ? "<code class=\"digest\">" : "<code>");
		put_bytes(page, bytes, len);
		raw(page, "</code>");
		free(bytes);
	} else {
		raw(page, "–");
	}
}

static void put_difference(struct page *page, const struct fim_json *item, const char *name)
{
	const struct fim_json *before = fim_json_get(item, "before");
	const struct fim_json *after = fim_json_get(item, "after");

	raw(page, "<tr><th scope=\"row\">");
	put(page, name);
	raw(page, "</th><td data-label=\"before\">");
	put_value(page, before, name);
	raw(page, "</td><td class=\"new\" data-label=\"after\">");
	put_value(page, after, name);
	raw(page, "</td></tr>\n");
}

/* Of what came or went all there is to know; of what differs, what differs. */
static void put_differences(struct page *page, const struct fim_json *item)
{
	static const char *const all[] = {"type", "mode",   "uid",    "gid",
					  "size", "sha256", "target", "rdev"};
	const struct fim_json *changed = fim_json_get(item, "changed");
	const char *before = fim_json_str(fim_json_at(item, "before/type"));
	const char *after = fim_json_str(fim_json_at(item, "after/type"));
	bool whole = !before || !after || strcmp(before, "none") == 0 || strcmp(after, "none") == 0;
	size_t i;

	if (!before && !after)
		return;
	raw(page, "<table class=\"diff\"><caption class=\"hidden\">What changed</caption><thead>"
		  "<tr><th scope=\"col\">Attribute</th><th scope=\"col\">Before</th>"
		  "<th scope=\"col\">After</th></tr></thead><tbody>\n");
	for (i = 0; whole && i < sizeof(all) / sizeof(all[0]); i++)
		if (fim_json_get(fim_json_get(item, "before"), all[i]) ||
		    fim_json_get(fim_json_get(item, "after"), all[i]))
			put_difference(page, item, all[i]);
	for (i = 0; !whole && i < fim_json_count(changed); i++)
		if (fim_json_str(fim_json_index(changed, i)))
			put_difference(page, item, fim_json_str(fim_json_index(changed, i)));
	raw(page, "</tbody></table>\n");
}

static void put_user(struct page *page, const struct fim_json *actor, const char *id,
		     const char *name)
{
	if (!fim_json_is_int(fim_json_get(actor, id))) {
		raw(page, "not set");
		return;
	}
	if (fim_json_get_str(actor, name)) {
		put_member(page, actor, name);
		raw(page, " ");
	}
	fprintf(page->out, "(%s %" PRId64 ")", id, fim_json_get_int(actor, id, 0));
}

static void put_container_title(struct page *page, const struct fim_json *container)
{
	put_member(page, container, "name");
	if (fim_json_get_bool(container, "privileged", false))
		raw(page, " <span class=\"pill critical\">privileged</span>");
	else if (fim_json_get_bool(container, "effectively_privileged", false))
		raw(page, " <span class=\"pill critical\">power over the host</span>");
}

static void put_container_details(struct page *page, const struct fim_json *container)
{
	static const struct {
		const char *key, *title;
	} rest[] = {{"image", "image"},
		    {"task_arn", "task"},
		    {"family", "task definition"},
		    {"cluster", "cluster"},
		    {"id", "id"}};
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (!fim_json_get_str(container, rest[i].key))
			continue;
		fprintf(page->out, "%s%s <code>", any ? "<br>" : "", rest[i].title);
		any = true;
		put_member(page, container, rest[i].key);
		if (strcmp(rest[i].key, "family") == 0 && fim_json_get_str(container, "revision")) {
			raw(page, ":");
			put_member(page, container, "revision");
		}
		raw(page, "</code>");
	}
}

static void put_actor(struct page *page, const struct fim_json *item)
{
	const struct fim_json *actor = fim_json_get(item, "actor");
	const struct fim_json *container = fim_json_get(item, "container");

	raw(page, "<dl class=\"who\"><dt>Process</dt><dd>");
	if (!fim_json_is_object(actor)) {
		raw(page, "not known: found by comparison</dd></dl>\n");
		return;
	}
	put_path(page, actor, "exe");
	fprintf(page->out, " pid %" PRId64 "</dd>", fim_json_get_int(actor, "pid", 0));
	if (fim_json_count(fim_json_get(actor, "args"))) {
		raw(page, "<dt>Command line</dt><dd><code>");
		put_list(page, fim_json_get(actor, "args"), " ");
		raw(page, "</code></dd>");
	}
	raw(page, "<dt>User</dt><dd>");
	put_user(page, actor, "uid", "user");
	raw(page, "</dd><dt>Login user</dt><dd>");
	put_user(page, actor, "loginuid", "login_user");
	raw(page, "</dd><dt>Container</dt><dd>");
	if (fim_json_is_object(container)) {
		put_container_title(page, container);
		raw(page, "<br>");
		put_container_details(page, container);
	} else {
		raw(page, "none: a process of the host");
	}
	raw(page, "</dd></dl>\n");
}

static void put_change(struct page *page, const struct fim_json *item)
{
	static const struct {
		const char *key, *title;
	} meta[] = {{"op", "operation"},
		    {"detected_by", "detected by"},
		    {"category", "category"},
		    {"class", "class"}};
	int64_t id = fim_json_get_int(item, "id", 0);
	const char *scope = fim_json_get_str(item, "scope");
	size_t i;

	fprintf(page->out, "<article class=\"card\" id=\"r%" PRId64 "\"><div class=\"row\">", id);
	put_severity(page, fim_json_get_str(item, "severity"));
	raw(page, "<h3>");
	put_member(page, item, "kind");
	raw(page, " ");
	put_path(page, item, "path");
	raw(page, "</h3></div>\n<p class=\"small\">");
	put_time(page, fim_json_get_str(item, "time"));
	fprintf(page->out, " UTC · record %" PRId64, id);
	for (i = 0; i < sizeof(meta) / sizeof(meta[0]); i++) {
		if (!fim_json_get_str(item, meta[i].key))
			continue;
		fprintf(page->out, " · %s ", meta[i].title);
		put_member(page, item, meta[i].key);
	}
	if (scope && strcmp(scope, "container") == 0) {
		raw(page, " · file of container <code>");
		put_member(page, item, "container_id");
		raw(page, "</code>");
	}
	raw(page, "</p>\n");
	if (fim_json_get(item, "old_path") || fim_json_get(item, "old_path_hex")) {
		raw(page, "<p class=\"small\">was ");
		put_path(page, item, "old_path");
		raw(page, "</p>\n");
	}
	put_differences(page, item);
	put_actor(page, item);
	raw(page, "</article>\n");
}

/* "7 changes: 2 modified, 5 added." */
static void put_kinds(struct page *page)
{
	const struct fim_json *summary = section_of(page, "summary");
	const struct fim_json *kinds = fim_json_get(summary, "changes_by_kind");
	int64_t count, all = fim_json_get_int(summary, "changes", 0);
	const char *separator = ": ";
	int i;

	raw(page, "<p>");
	put_count(page, all);
	raw(page, all == 1 ? " change" : " changes");
	for (i = 0; i <= FIM_KIND_UNREADABLE; i++) {
		count = fim_json_get_int(kinds, fim_kind_name((enum fim_kind)i), 0);
		if (!count)
			continue;
		raw(page, separator);
		put_count(page, count);
		fprintf(page->out, " %s", fim_kind_name((enum fim_kind)i));
		separator = ", ";
	}
	raw(page, ".</p>\n");
}

static void put_changes(struct page *page)
{
	const struct fim_json *items = items_of(page, "changes");
	size_t i;

	section_begin(page, "changes", "Changes",
		      "Every difference from the baseline that was recorded in the period, in the "
		      "order of the journal.");
	put_kinds(page);
	for (i = 0; i < shown(items); i++)
		put_change(page, fim_json_index(items, i));
	put_omitted(page, "changes");
	section_end(page);
}

/* ------------------------------------------------------------- comparisons */

static void cell_trigger(struct page *page, const struct fim_json *item)
{
	put_member(page, item, "trigger");
	if (!fim_json_get_bool(item, "complete", false))
		raw(page, " <span class=\"pill medium\">part</span>");
}

static void cell_start(struct page *page, const struct fim_json *item)
{
	put_time(page, fim_json_get_str(item, "start"));
}

static void cell_gap(struct page *page, const struct fim_json *item)
{
	if (fim_json_get(item, "gap_ms"))
		put_duration(page, fim_json_get_int(item, "gap_ms", 0));
	else
		raw(page, "–");
}

static void cell_compared(struct page *page, const struct fim_json *item)
{
	put_count(page, fim_json_get_int(item, "compared", 0));
	raw(page, " / ");
	put_count(page, fim_json_get_int(item, "expected", 0));
}

static void cell_results(struct page *page, const struct fim_json *item)
{
	fprintf(page->out, "%" PRId64 " / %" PRId64 " / %" PRId64,
		fim_json_get_int(item, "added", 0), fim_json_get_int(item, "removed", 0),
		fim_json_get_int(item, "changed", 0));
}

static void cell_unreadable(struct page *page, const struct fim_json *item)
{
	put_count(page, fim_json_get_int(item, "unreadable", 0));
}

static void cell_digest(struct page *page, const struct fim_json *item)
{
	const char *digest = fim_json_get_str(item, "result_digest");

	raw(page, "<code>");
	put_bytes(page, digest ? digest : "", digest && strlen(digest) > 12 ? 12 : 0);
	raw(page, "</code>");
}

static void put_comparisons(struct page *page)
{
	static const struct column columns[] = {
		{"Start (UTC)", "t", cell_start},
		{"Trigger", "", cell_trigger},
		{"Since last", "n", cell_gap},
		{"Compared / expected", "n", cell_compared},
		{"Added / removed / changed", "n", cell_results},
		{"Unreadable", "n", cell_unreadable},
		{"Result", "d", cell_digest},
		{"Record", "n", cell_id},
	};
	const struct fim_json *section = section_of(page, "comparisons");

	section_begin(page, "comparisons", "Comparisons",
		      "Every comparison of files with the baseline. Complete ones covered every "
		      "directory of the policy; only they count against the limit of 7 d.");
	raw(page, "<p>Longest time without a complete comparison: <b>");
	put_duration(page, fim_json_get_int(section, "longest_gap_ms", 0));
	raw(page, "</b>, from ");
	put_time(page, fim_json_get_str(section, "longest_gap_from"));
	raw(page, " to ");
	put_time(page, fim_json_get_str(section, "longest_gap_to"));
	raw(page, ".</p>\n");
	if (fim_json_count(fim_json_get(section, "items")))
		PUT_TABLE(page, "comparisons", "Comparisons", columns);
	section_end(page);
}

/* ----------------------------------------------------------------- outages */

static void cell_state(struct page *page, const struct fim_json *item)
{
	put_member(page, item, "component");
	raw(page, " ");
	put_member(page, item, "state");
	if (fim_json_get_bool(item, "open", false))
		raw(page, " <span class=\"pill notmet\">open</span>");
	if (fim_json_get_bool(item, "inferred", false))
		raw(page, " <span class=\"pill ins\">seen afterwards</span>");
}

static void cell_end(struct page *page, const struct fim_json *item)
{
	put_time(page, fim_json_get_str(item, "end"));
}

static void cell_duration(struct page *page, const struct fim_json *item)
{
	put_duration(page, fim_json_get_int(item, "duration_ms", 0));
}

static void cell_lost(struct page *page, const struct fim_json *item)
{
	put_count(page, fim_json_get_int(item, "lost", 0));
}

static void put_outages(struct page *page)
{
	static const struct column columns[] = {
		{"What", "", cell_state},     {"Start (UTC)", "t", cell_start},
		{"End (UTC)", "t", cell_end}, {"Duration", "n", cell_duration},
		{"Cause", "w", cell_cause},   {"Record", "n", cell_id},
	};
	static const struct column losses[] = {
		{"Time (UTC)", "t", cell_time},	 {"Part", "", cell_component},
		{"Events lost", "n", cell_lost}, {"Cause", "w", cell_cause},
		{"Record", "n", cell_id},
	};
	static const struct column notes[] = {
		{"Time (UTC)", "t", cell_time},
		{"Part", "", cell_component},
		{"Note", "w", cell_cause},
		{"Record", "n", cell_id},
	};

	section_begin(page, "outages", "Control outages",
		      "When a part of this control did not work, and what was lost then.");
	if (fim_json_count(items_of(page, "outages")))
		PUT_TABLE(page, "outages", "Control outages", columns);
	else
		raw(page, "<p>No outage was recorded.</p>\n");
	if (fim_json_count(items_of(page, "losses"))) {
		raw(page, "<h3>Lost events</h3>\n");
		PUT_TABLE(page, "losses", "Lost events", losses);
	}
	if (fim_json_count(items_of(page, "control_notes"))) {
		raw(page, "<h3>Notes of the control</h3>\n");
		PUT_TABLE(page, "control_notes", "Notes of the control", notes);
	}
	section_end(page);
}

/* -------------------------------------------------------------- containers */

static void put_flag(struct page *page, const struct fim_json *flag)
{
	raw(page, "<li>");
	put_severity(page, fim_json_get_str(flag, "severity"));
	put_member(page, flag, "id");
	raw(page, " <code>");
	put_member(page, flag, "evidence");
	raw(page, "</code>");
	if (fim_json_get_str(flag, "cis")) {
		raw(page, " <span class=\"small\">· CIS Docker 1.6.0: ");
		put_member(page, flag, "cis");
		raw(page, "</span>");
	}
	if (fim_json_get_str(flag, "security_hub")) {
		raw(page, " <span class=\"small\">· Security Hub: ");
		put_member(page, flag, "security_hub");
		raw(page, "</span>");
	}
	raw(page, "</li>\n");
}

static void put_container(struct page *page, const struct fim_json *item)
{
	const struct fim_json *container = fim_json_get(item, "container");
	const struct fim_json *flags = fim_json_get(container, "flags");
	size_t i;

	fprintf(page->out, "<article class=\"card\" id=\"r%" PRId64 "\"><h3>",
		fim_json_get_int(item, "id", 0));
	put_container_title(page, container);
	raw(page, "</h3>\n<dl class=\"who\"><dt>Container</dt><dd>");
	put_container_details(page, container);
	raw(page, "</dd><dt>Seen (UTC)</dt><dd>");
	put_time(page, fim_json_get_str(item, "first_seen"));
	raw(page, " to ");
	put_time(page, fim_json_get_str(item, "gone") ? fim_json_get_str(item, "gone")
						      : fim_json_get_str(item, "last_seen"));
	raw(page, fim_json_get_str(item, "gone") ? ", then gone" : "");
	raw(page, "</dd></dl>\n<ul class=\"flags\">\n");
	for (i = 0; i < fim_json_count(flags); i++)
		put_flag(page, fim_json_index(flags, i));
	raw(page, "</ul></article>\n");
}

static void put_containers(struct page *page)
{
	const struct fim_json *items = items_of(page, "containers");
	size_t i;

	section_begin(page, "containers", "Containers and their privileges", NULL);
	raw(page, "<p class=\"lead\">");
	put_member(page, section_of(page, "containers"), "note");
	raw(page, "</p>\n");
	if (!fim_json_count(items))
		raw(page, "<p>No container was recorded.</p>\n");
	for (i = 0; i < shown(items); i++)
		put_container(page, fim_json_index(items, i));
	put_omitted(page, "containers");
	section_end(page);
}

static void cell_action(struct page *page, const struct fim_json *item)
{
	put_member(page, item, "action");
}

static void cell_watched(struct page *page, const struct fim_json *item)
{
	const char *scope = fim_json_get_str(item, "scope");

	put(page, scope);
	if (!scope || strcmp(scope, "container") != 0)
		return;
	raw(page, " <code>");
	put_member(page, item, "container_id");
	raw(page, "</code>");
}

static void cell_path(struct page *page, const struct fim_json *item)
{
	put_path(page, item, "path");
}

static void put_watches(struct page *page)
{
	static const struct column columns[] = {
		{"Time (UTC)", "t", cell_time}, {"Watch", "", cell_action},
		{"Of", "", cell_watched},	{"Directory", "p", cell_path},
		{"Record", "n", cell_id},
	};

	section_begin(page, "watches", "Watches",
		      "Directories that were watched for changes, of the host and of containers.");
	if (fim_json_count(items_of(page, "watches")))
		PUT_TABLE(page, "watches", "Watches", columns);
	else
		raw(page, "<p>No watch was recorded in the period.</p>\n");
	section_end(page);
}

/* ------------------------------------------------------- scope and baseline */

static void put_rules(struct page *page, const struct fim_json *rules, const char *caption,
		      bool approver)
{
	const struct fim_json *rule;
	size_t i;

	fprintf(page->out,
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>"
		"<caption class=\"hidden\">%s</caption><thead><tr><th scope=\"col\">Path</th>"
		"<th scope=\"col\">Class</th><th scope=\"col\">Category</th>"
		"<th scope=\"col\">Reason</th>%s</tr></thead>\n<tbody>\n",
		caption, caption, approver ? "<th scope=\"col\">Approved by</th>" : "");
	for (i = 0; i < fim_json_count(rules) && i < MAX_ROWS; i++) {
		rule = fim_json_index(rules, i);
		raw(page, "<tr><td class=\"p\">");
		put_path(page, rule, "path");
		raw(page, "</td><td>");
		put_member(page, rule, "class");
		raw(page, "</td><td>");
		put_member(page, rule, "category");
		raw(page, "</td><td>");
		put_member(page, rule, "reason");
		if (approver) {
			raw(page, "</td><td>");
			put_member(page, rule, "approver");
		}
		raw(page, "</td></tr>\n");
	}
	raw(page, "</tbody></table></div>\n");
}

static void put_scope(struct page *page)
{
	const struct fim_json *scope = section_of(page, "scope");
	const struct fim_json *rules = fim_json_get(scope, "rules");
	const struct fim_json *exclusions = fim_json_get(scope, "exclusions");

	section_begin(page, "scope", "Scope",
		      "What is compared, and what is left out and why, as signed with the "
		      "baseline.");
	raw(page, "<dl class=\"facts\">\n");
	fact(page, "Policy");
	put_member(page, scope, "policy");
	raw(page, " ");
	put_member(page, scope, "version");
	fact_end(page);
	fact(page, "Directories");
	raw(page, "<code>");
	put_list(page, fim_json_get(scope, "roots"), "<br>");
	raw(page, "</code>");
	fact_end(page);
	fact(page, "Digest of the policy (SHA-256)");
	raw(page, "<code>");
	put_member(page, scope, "policy_digest");
	raw(page, "</code>");
	fact_end(page);
	raw(page, "</dl>\n<h3>Exclusions</h3>\n");
	if (fim_json_count(exclusions))
		put_rules(page, exclusions, "Exclusions", true);
	else
		raw(page, "<p>Nothing is excluded.</p>\n");
	if (fim_json_count(rules)) {
		raw(page, "<h3>Rules</h3>\n");
		put_rules(page, rules, "Rules", false);
	}
	section_end(page);
}

static int put_provenance(void *ctx, const char *key, struct fim_json *value)
{
	struct page *page = ctx;

	if (!fim_json_str(value))
		return 0;
	raw(page, "<dt>");
	put_key(page, key);
	raw(page, "</dt><dd>");
	put(page, fim_json_str(value));
	raw(page, "</dd>");
	return 0;
}

static void put_baseline(struct page *page, const struct fim_json *item)
{
	fprintf(page->out, "<article class=\"card\" id=\"r%" PRId64 "\"><h3>Accepted ",
		fim_json_get_int(item, "id", 0));
	put_time(page, fim_json_get_str(item, "time"));
	raw(page, " UTC</h3><dl class=\"who\"><dt>Signature</dt><dd>");
	put_member(page, item, "signature");
	raw(page, "</dd><dt>Signed with key</dt><dd><code>");
	put_member(page, item, "key_id");
	raw(page, "</code><br>");
	put_path(page, item, "key_file");
	raw(page, "</dd><dt>Digest (SHA-256)</dt><dd><code>");
	put_member(page, item, "digest");
	raw(page, "</code></dd><dt>File</dt><dd>");
	put_path(page, item, "path");
	raw(page, "</dd><dt>Objects</dt><dd>");
	put_count(page, fim_json_get_int(item, "count", 0));
	raw(page, "</dd><dt>Created</dt><dd>");
	put_time(page, fim_json_get_str(item, "created"));
	raw(page, " UTC by ");
	put_member(page, item, "tool");
	raw(page, "</dd>");
	fim_json_each(fim_json_get(item, "provenance"), put_provenance, page);
	raw(page, "</dl></article>\n");
}

static void put_baselines(struct page *page)
{
	const struct fim_json *items = items_of(page, "baselines");
	size_t i;

	section_begin(page, "baselines", "Baseline",
		      "The signed list of expected states, each time the control accepted one.");
	if (!fim_json_count(items))
		raw(page, "<p>No baseline was accepted.</p>\n");
	for (i = 0; i < shown(items); i++)
		put_baseline(page, fim_json_index(items, i));
	put_omitted(page, "baselines");
	section_end(page);
}

/* ----------------------------------------------------------------- journal */

static void put_journal(struct page *page)
{
	const struct fim_json *journal = section_of(page, "journal");
	const struct fim_json *period = section_of(page, "period");

	section_begin(page, "journal", "Journal",
		      "Everything above is taken from this journal. Each record holds the digest "
		      "of the one before. Compare the last digest with a copy that left the host "
		      "earlier: a journal that was cut short does not contain it.");
	raw(page, "<dl class=\"who card\"><dt>Verification</dt><dd>");
	put_member(page, journal, "verification");
	if (fim_json_get(journal, "first_bad")) {
		raw(page, ": first bad record ");
		put_int(page, fim_json_get_int(journal, "first_bad", 0));
		raw(page, ", ");
		put_member(page, journal, "reason");
	}
	raw(page, fim_json_get_bool(journal, "torn", false)
			  ? "; the last line is incomplete (being written, or a crash)"
			  : "");
	raw(page, "</dd><dt>Records</dt><dd>");
	put_count(page, fim_json_get_int(journal, "records", 0));
	raw(page, "</dd><dt>From</dt><dd>");
	put_time(page, fim_json_get_str(period, "first_record"));
	raw(page, " UTC</dd><dt>To</dt><dd>");
	put_time(page, fim_json_get_str(period, "last_record"));
	raw(page, " UTC</dd><dt>Last digest</dt><dd><code>");
	put_member(page, journal, "head");
	raw(page, "</code></dd><dt>Host starts</dt><dd>");
	put_count(page, fim_json_get_int(journal, "boots", 0));
	raw(page, "</dd></dl>\n");
	section_end(page);
}

int fim_report_html(const struct fim_json *report, FILE *out)
{
	struct page page = {.out = out, .report = report};
	const char *tool = fim_json_get_str(report, "tool");

	raw(&page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		   "<meta name=\"color-scheme\" content=\"light dark\">\n"
		   "<title>File-integrity report</title>\n<style>\n");
	raw(&page, style);
	raw(&page,
	    "</style></head>\n<body><a class=\"skip\" href=\"#main\">Skip to the report</a>\n");
	put_header(&page);
	raw(&page, "<main id=\"main\" class=\"wrap\">\n");
	put_statements(&page);
	put_timeline(&page);
	put_changes(&page);
	put_comparisons(&page);
	put_outages(&page);
	put_containers(&page);
	put_watches(&page);
	put_scope(&page);
	put_baselines(&page);
	put_journal(&page);
	raw(&page, "</main>\n<footer><div class=\"wrap\">Made by ");
	put(&page, tool);
	raw(&page, " from the journal alone; the same journal gives the same page.</div></footer>\n"
		   "</body></html>\n");
	if (page.err)
		return page.err;
	return ferror(out) ? -EIO : 0;
}
