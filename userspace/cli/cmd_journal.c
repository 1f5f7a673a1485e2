/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim journal: check a journal's chain, print its records.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define USAGE                                    \
	"usage: ecs-fim journal verify [PATH]\n" \
	"       ecs-fim journal show [--type TYPE] [PATH]\n"

static const char help[] = USAGE
	"\n"
	"The journal is what the daemon recorded: findings, comparisons, containers, and its own\n"
	"health. Every record holds the digest of the one before, so that none can be changed,\n"
	"removed, inserted or moved unnoticed. Cutting whole records off its end leaves a shorter\n"
	"journal that is correct in itself: compare the last digest with an earlier copy.\n"
	"\n"
	"  verify         check every record; say how many there are and the last digest\n"
	"  show           print the records, one JSON object per line, and check them\n"
	"  --type TYPE    show only records of this type: finding, comparison, baseline,\n"
	"                 container, control, watch\n"
	"  PATH           journal file or its directory; default: from the configuration\n"
	"\n"
	"exit status: 0 all records are good, 3 a record is not, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim journal verify\n"
	"  ecs-fim journal show --type finding | jq -r .path\n";

struct show {
	const char *type; /* NULL: all */
};

static int show_record(void *ctx, const struct fim_json *record)
{
	const struct show *show = ctx;
	const char *type = fim_json_get_str(record, "type");

	if (show->type && strcmp(type, show->type) != 0)
		return 0;
	return cli_put_json(stdout, fim_json_ref(record));
}

static int verify(const char *path)
{
	struct fim_journal_check check;
	int err = fim_journal_read(path, NULL, NULL, &check);

	if (err && err != -EBADMSG)
		return cli_exit(err);
	if (check.first_bad) {
		printf("%sbroken%s: record %" PRIu64 ": %s\n", cli_colour(stdout, CLI_RED),
		       cli_colour(stdout, CLI_PLAIN), check.first_bad, check.reason);
		printf("good before it: %" PRIu64 " records, last digest %s\n", check.records,
		       check.head);
		return FIM_EXIT_FINDINGS;
	}
	printf("%sverified%s: %" PRIu64 " records, last digest %s\n", cli_colour(stdout, CLI_GREEN),
	       cli_colour(stdout, CLI_PLAIN), check.records, check.head);
	if (check.torn)
		puts("the last line is incomplete: it is being written, or a crash left it");
	return FIM_EXIT_CLEAN;
}

static int show(const char *path, const char *type)
{
	struct show ctx = {.type = type};
	struct fim_journal_check check;
	int err = fim_journal_read(path, show_record, &ctx, &check);

	return err == -EBADMSG ? FIM_EXIT_FINDINGS : cli_exit(err);
}

/* PATH, or the configured directory. */
static int run(const char *action, const char *path, const char *type)
{
	struct fim_config *config = NULL;
	int err, status;

	if (!path) {
		err = fim_config_load(NULL, &config);
		if (err)
			return cli_exit(err);
		path = config->journal_dir;
	}
	status = strcmp(action, "verify") == 0 ? verify(path) : show(path, type);
	fim_config_free(config);
	return status;
}

int cmd_journal(int argc, char **argv)
{
	static const struct option options[] = {
		{"type", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *type = NULL, *action;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			type = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(USAGE, opt, argv);
		}
	}
	action = argv[optind];
	if (!action || (strcmp(action, "verify") != 0 && strcmp(action, "show") != 0))
		return cli_usage_error(USAGE, "journal: say verify or show");
	if (type && strcmp(action, "show") != 0)
		return cli_usage_error(USAGE, "journal: --type goes with show");
	if (argc - optind > 2)
		return cli_usage_error(USAGE, "journal: one PATH only");
	return run(action, argv[optind + 1], type);
}
