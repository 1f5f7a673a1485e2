/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim fleet: from the bundles of many hosts to one report.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define REPORT_MODE 0640
#define MAX_KEYS    16

#define USAGE                                                                              \
	"usage: ecs-fim fleet report [--key FILE]... [--expected FILE] [--standard V]\n"   \
	"               [--lang en|ja] [--format json|html] [--database FILE] [--quiet]\n" \
	"               [-o FILE] DIR...\n"                                                \
	"       ecs-fim fleet verify [--key FILE]... [--json] DIR...\n"

static const char help[] = USAGE
	"\n"
	"Makes one report over many hosts out of the bundles that `ecs-fim bundle` wrote on them,\n"
	"found in and below each DIR. Every bundle is verified first: the signature of its\n"
	"manifest, the digest of each file, and the chain of records through all of them. One that\n"
	"is not what it says is rejected by name; so are all of a host that contradict each other.\n"
	"One before which records are missing is incomplete. Of their hosts there is insufficient\n"
	"evidence.\n"
	"\n"
	"  verify            only that: one line per bundle; --json: rows of the table \"bundles\"\n"
	"                    for Athena (/usr/share/ecs-fim/fleet/athena.sql)\n"
	"  --key FILE        public key or certificate (PEM), or a directory of them, that may have\n"
	"                    signed; without it nothing is met\n"
	"  --expected FILE   the hosts that there should be: one JSON object a line, with\n"
	"                    account, cluster, host\n"
	"  --standard V      pci-dss-4.0.1 (default) or pci-dss-3.2.1\n"
	"  --lang LANG       en (default) or ja\n"
	"  --format FORMAT   json or html; default: from the name given with -o, else json\n"
	"  --database FILE   keep the SQLite database, to ask it more; it must not exist\n"
	"  --quiet           no progress\n"
	"  -o FILE           write there, all or nothing; default: standard output\n"
	"\n"
	"exit status: 0 written, every bundle accepted, 1 error, 2 wrong usage, 3 some were not\n"
	"\n"
	"  ecs-fim fleet report --key bundle.pub --expected hosts.ndjson -o fleet.html bundles/\n";

/**
 * struct fleet - arguments of "fleet"
 * @params: for the library; @params.keys is @keys if there are any
 * @seen: bundles so far; @rejected: those of them that were
 */
struct fleet {
	struct fim_fleet_params params;
	const char *keys[MAX_KEYS + 1];
	size_t key_count;
	bool html;
	bool json;
	bool quiet;
	const char *output;
	uint64_t seen;
	uint64_t rejected;
};

static void note(void *ctx, const struct fim_bundle *bundle, bool rejected)
{
	struct fleet *fleet = ctx;

	(void)bundle;
	fleet->seen++;
	fleet->rejected += rejected;
	if (!fleet->quiet && isatty(STDERR_FILENO) && fleet->seen % 16 == 0)
		fprintf(stderr, "\r%llu bundles, %llu rejected", (unsigned long long)fleet->seen,
			(unsigned long long)fleet->rejected);
}

static int render(const struct fleet *fleet, const struct fim_json *json, char **bytes_ret,
		  size_t *len_ret)
{
	FILE *out;
	int err;

	if (!fleet->html)
		return fim_json_dump_pretty(json, bytes_ret, len_ret);
	out = open_memstream(bytes_ret, len_ret);
	if (!out)
		return -ENOMEM;
	err = fim_fleet_html(json, out);
	return fclose(out) && !err ? -ENOMEM : err;
}

static int make_report(struct fleet *fleet)
{
	struct fim_json *json = NULL;
	char *bytes = NULL;
	size_t len = 0;
	int err;

	if (fleet->params.database && access(fleet->params.database, F_OK) == 0) {
		cli_error("%s: exists already", fleet->params.database);
		return FIM_EXIT_ERROR;
	}
	fleet->params.progress = note;
	fleet->params.progress_ctx = fleet;
	err = fim_fleet_report(&fleet->params, &json);
	if (!fleet->quiet && isatty(STDERR_FILENO) && fleet->seen)
		fprintf(stderr, "\r\033[K");
	if (!err) {
		const struct fim_json *totals = fim_json_get(json, "totals");

		/* Also those that only turned out wrong beside others. */
		fleet->rejected = (uint64_t)(fim_json_get_int(totals, "rejected", 0) +
					     fim_json_get_int(totals, "incomplete", 0));
		err = render(fleet, json, &bytes, &len);
	}
	if (!err && fleet->output) {
		err = fim_file_write_atomic(fleet->output, bytes, len, REPORT_MODE);
	} else if (!err) {
		/* A failure shows in main(). */
		fwrite(bytes, 1, len, stdout);
		putchar('\n');
	}
	free(bytes);
	fim_json_free(json);
	if (err)
		return FIM_EXIT_ERROR;
	return fleet->rejected ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

static int put_verified(void *ctx, struct fim_json *row)
{
	struct fleet *fleet = ctx;
	const char *status = fim_json_get_str(row, "status");
	const char *reason = fim_json_get_str(row, "reason");
	bool accepted = status && strcmp(status, "accepted") == 0;
	char *directory = NULL;
	size_t len;

	fleet->rejected += !accepted;
	if (fleet->json)
		return cli_put_json(stdout, row);
	if (!fim_json_get_bytes(row, "directory", &directory, &len))
		cli_put_escaped(stdout, directory);
	printf(": %s%s", status ? status : "?", accepted ? "" : ": ");
	cli_put_escaped(stdout, reason ? reason : "");
	putchar('\n');
	free(directory);
	fim_json_free(row);
	return 0;
}

static int verify(struct fleet *fleet)
{
	if (fim_fleet_verify(fleet->params.dirs, fleet->params.keys, put_verified, fleet))
		return FIM_EXIT_ERROR;
	return fleet->rejected ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

/* One option; 0, or the exit status that ends the command. */
static int take_key(const struct cli_option *option, const char *usage, const char *value)
{
	struct fleet *fleet = option->ctx;

	if (fleet->key_count == MAX_KEYS)
		return cli_usage_error(usage, "fleet: at most %d keys; or a directory of them",
				       MAX_KEYS);
	fleet->keys[fleet->key_count++] = value;
	fleet->params.keys = fleet->keys;
	return FIM_EXIT_CLEAN;
}

static bool is_html(const char *output, const char *format)
{
	size_t len = output ? strlen(output) : 0;

	return format ? strcmp(format, "html") == 0
		      : len > 5 && strcmp(output + len - 5, ".html") == 0;
}

int cmd_fleet(int argc, char **argv)
{
	struct fleet fleet = {.output = NULL};
	const char *format = NULL;
	const struct cli_option options[] = {
		{"key", .take = take_key, .ctx = &fleet},
		{"expected", .text = &fleet.params.expected},
		{"standard", .take = cli_take_standard, .ctx = &fleet.params.standard},
		{"lang", .take = cli_take_lang, .ctx = &fleet.params.lang},
		{"format", .text = &format},
		{"database", .text = &fleet.params.database},
		{"json", .flag = &fleet.json},
		{"quiet", .flag = &fleet.quiet},
		{"output", 'o', .take = cli_take_output, .ctx = &fleet.output},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, options, &status))
		return status;
	if (format && strcmp(format, "json") != 0 && strcmp(format, "html") != 0)
		return cli_usage_error(USAGE, "%s: the formats known are json and html", format);
	if (!argv[optind] || !argv[optind + 1])
		return cli_usage_error(USAGE, "fleet: what to do, and a directory of bundles");
	fleet.html = is_html(fleet.output, format);
	fleet.params.dirs = (const char *const *)argv + optind + 1;
	if (strcmp(argv[optind], "report") == 0)
		return make_report(&fleet);
	if (strcmp(argv[optind], "verify") == 0)
		return verify(&fleet);
	return cli_usage_error(USAGE, "fleet: %s: report or verify is meant", argv[optind]);
}
