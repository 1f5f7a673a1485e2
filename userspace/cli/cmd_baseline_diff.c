/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim baseline diff: two builds of an image, by package.
 *
 * Names of files and packages may have been chosen by an attacker: they go through
 * cli_put_escaped() on a terminal and put_html() on a page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define USAGE                                                                        \
	"usage: ecs-fim baseline diff [--format text | json | html] [--exit-code]\n" \
	"               BEFORE AFTER\n"

static const char help[] = USAGE
	"\n"
	"Says what two baselines have differently, for example of two builds of an image: per\n"
	"package what was added, removed and changed, and what explains it. A change is\n"
	"explained if the content is what its package delivers; what is not is marked with !\n"
	"and counted. Signatures are not checked: see verify-signature.\n"
	"\n"
	"  --format text      for people (default)\n"
	"  --format json      one JSON object per change, then one with the packages and totals\n"
	"  --format html      a page without scripts, for the record of a release\n"
	"  --exit-code        status 3 if something is not explained\n"
	"\n"
	"  ecs-fim baseline diff ami-old.ndjson ami-new.ndjson\n"
	"  ecs-fim baseline diff --format html ami-old.ndjson ami-new.ndjson >diff.html\n";

/**
 * struct diff - two baselines and what they have differently
 * @paths: their files
 * @before: the first
 * @after: the second
 * @changes: by package
 * @count: their number
 */
struct diff {
	const char *paths[2];
	struct fim_baseline *before;
	struct fim_baseline *after;
	struct fim_baseline_change *changes;
	size_t count;
};

/**
 * struct totals - of a package or of all
 * @added: paths
 * @removed: likewise
 * @changed: likewise
 * @unexplained: those of all three that somebody should look at
 */
struct totals {
	size_t added;
	size_t removed;
	size_t changed;
	size_t unexplained;
};

static struct totals totals_of(const struct fim_baseline_change *changes, size_t count)
{
	struct totals totals = {0};
	bool explained;
	size_t i;

	for (i = 0; i < count; i++) {
		totals.added += changes[i].kind == FIM_KIND_ADDED;
		totals.removed += changes[i].kind == FIM_KIND_REMOVED;
		totals.changed += changes[i].kind != FIM_KIND_ADDED &&
				  changes[i].kind != FIM_KIND_REMOVED;
		fim_change_explanation(&changes[i], &explained);
		totals.unexplained += !explained;
	}
	return totals;
}

/* How many from @from on are of the same package. */
static size_t group_len(const struct diff *diff, size_t from)
{
	const char *package = diff->changes[from].package, *next;
	size_t i;

	for (i = from + 1; i < diff->count; i++) {
		next = diff->changes[i].package;
		if (package && next ? strcmp(package, next) != 0 : package != next)
			break;
	}
	return i - from;
}

/* malloc'ed: "9.1-1 → 9.1-2", "new, 9.1-2", "gone, was 9.1-1", … */
static char *versions_text(const struct diff *diff, const char *package)
{
	const char *before = package ? fim_baseline_version(diff->before, package) : NULL;
	const char *after = package ? fim_baseline_version(diff->after, package) : NULL;
	char *text = NULL;
	int len;

	if (before && after)
		len = strcmp(before, after) ? asprintf(&text, "%s → %s", before, after)
					    : asprintf(&text, "%s", after);
	else if (after)
		len = asprintf(&text, "new, %s", after);
	else if (before)
		len = asprintf(&text, "gone, was %s", before);
	else
		len = asprintf(&text, "%s", package ? "" : "of no package, or of several");
	return len < 0 ? NULL : text;
}

/* ---- text */

static char sign_of(enum fim_kind kind)
{
	return kind == FIM_KIND_ADDED ? '+' : kind == FIM_KIND_REMOVED ? '-' : '~';
}

static void put_change(const struct fim_baseline_change *change)
{
	bool explained;
	const char *why = fim_change_explanation(change, &explained);
	uint32_t bit;

	printf("  %s%c%c%s ", explained ? "" : cli_colour(stdout, CLI_RED), explained ? ' ' : '!',
	       sign_of(change->kind), explained ? "" : cli_colour(stdout, CLI_PLAIN));
	cli_put_escaped(stdout, change->path);
	if (change->before && change->after) {
		fputs(" (", stdout);
		for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
			if (change->diff & bit)
				printf("%s%s", fim_diff_name(bit),
				       change->diff & ~(2 * bit - 1) & FIM_DIFF_ALL ? " " : "");
		fputs(")", stdout);
	}
	printf(": %s\n", why);
}

static void put_text(const struct diff *diff)
{
	struct totals totals;
	size_t i, j, len;
	char *versions;

	for (i = 0; i < diff->count; i += len) {
		len = group_len(diff, i);
		totals = totals_of(diff->changes + i, len);
		versions = versions_text(diff, diff->changes[i].package);
		fputs(cli_colour(stdout, CLI_BOLD), stdout);
		cli_put_escaped(stdout, diff->changes[i].package ? diff->changes[i].package : "—");
		fputs(cli_colour(stdout, CLI_PLAIN), stdout);
		putchar(' ');
		cli_put_escaped(stdout, versions ? versions : "");
		printf(": %zu added, %zu removed, %zu changed\n", totals.added, totals.removed,
		       totals.changed);
		free(versions);
		for (j = i; j < i + len; j++)
			put_change(&diff->changes[j]);
	}
	totals = totals_of(diff->changes, diff->count);
	printf("%zu added, %zu removed, %zu changed; %zu not explained by a package\n",
	       totals.added, totals.removed, totals.changed, totals.unexplained);
}

/* ---- JSON */

static struct fim_json *entry_json(const struct fim_entry *entry)
{
	struct fim_json *json = fim_json_object();

	if (entry)
		fim_entry_to_json(entry, json);
	else
		fim_json_set_str(json, "type", "none");
	return json;
}

static int put_change_json(const struct fim_baseline_change *change)
{
	struct fim_json *json = fim_json_object(), *changed = fim_json_array();
	bool explained;
	const char *why = fim_change_explanation(change, &explained);
	uint32_t bit;

	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (change->diff & bit)
			fim_json_append_str(changed, fim_diff_name(bit));
	fim_json_set_str(json, "type", "change");
	fim_json_set_str(json, "kind", fim_kind_name(change->kind));
	fim_json_set_path(json, "path", change->path);
	fim_json_set_str(json, "package", change->package);
	fim_json_set(json, "changed", changed);
	fim_json_set_bool(json, "explained", explained);
	fim_json_set_str(json, "explanation", why);
	fim_json_set(json, "before", entry_json(change->before));
	fim_json_set(json, "after", entry_json(change->after));
	return cli_put_json(stdout, json);
}

static void set_totals(struct fim_json *json, struct totals totals)
{
	fim_json_set_int(json, "added", (int64_t)totals.added);
	fim_json_set_int(json, "removed", (int64_t)totals.removed);
	fim_json_set_int(json, "changed", (int64_t)totals.changed);
	fim_json_set_int(json, "unexplained", (int64_t)totals.unexplained);
}

static int put_json(const struct diff *diff)
{
	struct fim_json *json, *packages, *package;
	const char *name;
	size_t i, len;
	int err = 0;

	for (i = 0; i < diff->count && !err; i++)
		err = put_change_json(&diff->changes[i]);
	if (err)
		return err;
	json = fim_json_object();
	packages = fim_json_array();
	for (i = 0; i < diff->count; i += len) {
		len = group_len(diff, i);
		name = diff->changes[i].package;
		package = fim_json_object();
		fim_json_set_str(package, "package", name);
		fim_json_set_str(package, "from",
				 name ? fim_baseline_version(diff->before, name) : NULL);
		fim_json_set_str(package, "to",
				 name ? fim_baseline_version(diff->after, name) : NULL);
		set_totals(package, totals_of(diff->changes + i, len));
		fim_json_append(packages, package);
	}
	fim_json_set_str(json, "type", "diff");
	fim_json_set_str(json, "before", fim_baseline_digest(diff->before));
	fim_json_set_str(json, "after", fim_baseline_digest(diff->after));
	set_totals(json, totals_of(diff->changes, diff->count));
	fim_json_set(json, "packages", packages);
	return cli_put_json(stdout, json);
}

/* ---- HTML */

/* For the eye first, then for HTML; markup is only ever a literal in this file. */
static void put_html(const char *text)
{
	char *escaped = fim_escape(text, strlen(text));
	const char *p;

	for (p = escaped ? escaped : ""; *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", stdout);
			break;
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		default:
			putchar(*p);
		}
	}
	free(escaped);
}

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<title>Baseline difference</title><style>\n"
	":root{color-scheme:light dark}\n"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem}\n"
	"h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h2 small{font-weight:400}\n"
	".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}\n"
	"th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #8886}\n"
	"code{overflow-wrap:anywhere}.no td:last-child{font-weight:600}\n"
	".no td:last-child::before{content:\"! \"}\n"
	"</style></head><body><main>\n<h1>What two builds have differently</h1>\n";

static void put_row(const struct fim_baseline_change *change)
{
	const char *gap = "";
	bool explained;
	const char *why = fim_change_explanation(change, &explained);
	uint32_t bit;

	printf("<tr%s><td>%s</td><td><code>", explained ? "" : " class=\"no\"",
	       fim_kind_name(change->kind));
	put_html(change->path);
	fputs("</code></td><td>", stdout);
	for (bit = 1; change->before && change->after && bit & FIM_DIFF_ALL; bit <<= 1)
		if (change->diff & bit) {
			printf("%s%s", gap, fim_diff_name(bit));
			gap = ", ";
		}
	printf("</td><td>%s</td></tr>\n", why);
}

static void put_page(const struct diff *diff)
{
	struct totals totals = totals_of(diff->changes, diff->count);
	size_t i, j, len;
	char *versions;

	fputs(page_head, stdout);
	printf("<p>Before: <code>%s</code><br>After: <code>%s</code></p>\n",
	       fim_baseline_digest(diff->before), fim_baseline_digest(diff->after));
	printf("<p>%zu added, %zu removed, %zu changed; <strong>%zu not explained by a "
	       "package</strong>.</p>\n",
	       totals.added, totals.removed, totals.changed, totals.unexplained);
	for (i = 0; i < diff->count; i += len) {
		len = group_len(diff, i);
		versions = versions_text(diff, diff->changes[i].package);
		fputs("<h2>", stdout);
		put_html(diff->changes[i].package ? diff->changes[i].package : "No package");
		fputs(" <small>", stdout);
		put_html(versions ? versions : "");
		fputs("</small></h2>\n<div class=\"scroll\"><table><thead><tr><th>Kind</th><th>Path</th>"
		      "<th>What differs</th><th>Explanation</th></tr></thead><tbody>\n",
		      stdout);
		free(versions);
		for (j = i; j < i + len; j++)
			put_row(&diff->changes[j]);
		fputs("</tbody></table></div>\n", stdout);
	}
	fputs("</main></body></html>\n", stdout);
}

/* ---- the command */

static int diff_open(struct diff *diff)
{
	int err;

	err = fim_baseline_open(diff->paths[0], NULL, NULL, &diff->before);
	if (!err)
		err = fim_baseline_open(diff->paths[1], NULL, NULL, &diff->after);
	if (!err)
		err = fim_baseline_diff(diff->before, diff->after, &diff->changes, &diff->count);
	return err;
}

static int run(struct diff *diff, const char *format, bool exit_code)
{
	int err = diff_open(diff);

	if (!err && !strcmp(format, "json"))
		err = put_json(diff);
	else if (!err && !strcmp(format, "html"))
		put_page(diff);
	else if (!err)
		put_text(diff);
	if (!err && exit_code && totals_of(diff->changes, diff->count).unexplained)
		err = FIM_EXIT_FINDINGS;
	else
		err = cli_exit(err);
	free(diff->changes);
	fim_baseline_free(diff->before);
	fim_baseline_free(diff->after);
	return err;
}

int cmd_baseline_diff(int argc, char **argv)
{
	const char *format = "text";
	struct diff diff = {0};
	bool exit_code = false;
	const struct cli_option options[] = {
		{"format", .text = &format},
		{"exit-code", .flag = &exit_code},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, options, &status))
		return status;
	if (strcmp(format, "text") && strcmp(format, "json") && strcmp(format, "html"))
		return cli_usage_error(USAGE, "--format %s: text, json or html", format);
	if (argc - optind != 2)
		return cli_usage_error(USAGE, "two baselines are expected");
	diff.paths[0] = argv[optind];
	diff.paths[1] = argv[optind + 1];
	return run(&diff, format, exit_code);
}
