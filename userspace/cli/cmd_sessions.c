/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim sessions: sessions of ECS Exec, what they touched and who asked for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "libfim_rules.h"

#define USAGE "usage: ecs-fim sessions [--json] [--cloudtrail PATH]... [JOURNAL]\n"

static const char help[] = USAGE
	"\n"
	"Lists the sessions of ECS Exec (aws ecs execute-command) that the journal tells of, with\n"
	"the files that each one touched, and joins them with CloudTrail's ExecuteCommand records\n"
	"by the session's id: which IAM principal it was.\n"
	"\n"
	"  --json             one JSON object per session\n"
	"  --cloudtrail PATH  log file (plain or gzip) or a directory of them; may be repeated.\n"
	"                     What rules found in CloudTrail is in the journal already\n"
	"  JOURNAL            journal file or its directory; default: from the configuration\n"
	"\n"
	"used       its processes changed something on this host\n"
	"requested  CloudTrail has it, the journal does not: nothing was touched, or elsewhere\n"
	"forged     a program only pretended to be the ECS Exec worker\n"
	"\n"
	"exit status: 0 no session is forged, 3 some are, or the journal is damaged, 1 error,\n"
	"2 wrong usage\n"
	"\n"
	"  ecs-fim sessions --cloudtrail /var/log/cloudtrail\n"
	"  ecs-fim sessions --json | jq -r 'select(.state == \"used\") | .files[].path'\n";

static int on_record(void *ctx, const struct fim_json *record)
{
	fim_sessions_record(ctx, record);
	return 0;
}

static int on_cloudtrail(void *ctx, const char *text, size_t len)
{
	struct fim_json *summary = fim_rules_cloudtrail_summary(text, len);
	struct fim_json *record = NULL;

	if (!summary)
		return -EINVAL;
	if (!fim_json_parse(text, len, NULL, &record))
		fim_sessions_cloudtrail(ctx, summary, fim_json_get_str(record, "eventTime"));
	fim_json_free(record);
	fim_json_free(summary);
	return 0;
}

static int read_cloudtrail(struct fim_sessions *sessions, const char *const *paths, size_t count)
{
	struct fim_cloudtrail_params params = {.record = on_cloudtrail, .ctx = sessions};
	struct fim_cloudtrail *cloudtrail = NULL;
	int err = count ? fim_cloudtrail_open(&params, &cloudtrail) : 0;

	for (size_t i = 0; i < count && !err; i++)
		err = fim_cloudtrail_read(cloudtrail, paths[i]);
	if (count && !err)
		fim_cloudtrail_close(cloudtrail);
	return err;
}

/* ---- output */

struct output {
	bool json;
	size_t count;
	size_t forged;
};

static void put(const char *text)
{
	cli_put_escaped(stdout, text ? text : "?");
}

static void put_files(const struct fim_json *session)
{
	const struct fim_json *files = fim_json_get(session, "files");
	int64_t more = fim_json_get_int(session, "changes", 0) - (int64_t)fim_json_count(files);

	for (size_t i = 0; i < fim_json_count(files); i++) {
		const struct fim_json *file = fim_json_index(files, i);
		const char *path = fim_json_get_str(file, "path");

		printf("  %-10s ", fim_json_get_str(file, "kind"));
		put(path ? path : fim_json_get_str(file, "path_hex"));
		if (fim_json_get_str(file, "command")) {
			fputs("  by ", stdout);
			put(fim_json_get_str(file, "command"));
		}
		putchar('\n');
	}
	if (more > 0)
		printf("  and %lld more\n", (long long)more);
}

static void put_session(const struct fim_json *session, bool forged)
{
	const struct fim_json *container = fim_json_get(session, "container");
	const struct fim_json *request = fim_json_get(session, "request");
	const char *task = fim_json_get_str(container, "task_arn");

	fputs(forged ? cli_colour(stdout, CLI_RED) : cli_colour(stdout, CLI_BOLD), stdout);
	put(fim_json_get_str(session, "session_id"));
	printf("%s  %s", cli_colour(stdout, CLI_PLAIN), fim_json_get_str(session, "state"));
	if (fim_json_get_str(session, "first"))
		printf("  %.19sZ – %.19sZ", fim_json_get_str(session, "first"),
		       fim_json_get_str(session, "last"));
	putchar('\n');
	if (container) {
		fputs("  container  ", stdout);
		put(fim_json_get_str(container, "name"));
		fputs("  task ", stdout);
		put(task ? task : "none");
		putchar('\n');
	}
	fputs("  principal  ", stdout);
	if (request) {
		put(fim_json_get_str(request, "user_arn"));
		fputs(" from ", stdout);
		put(fim_json_get_str(request, "source_ip"));
		fputs(" at ", stdout);
		put(fim_json_get_str(request, "time"));
	} else {
		fputs("not known: no ExecuteCommand record was given", stdout);
	}
	putchar('\n');
	put_files(session);
}

static int on_session(void *ctx, const struct fim_json *session)
{
	struct output *output = ctx;
	bool forged = strcmp(fim_json_get_str(session, "state"), "forged") == 0;

	output->count++;
	output->forged += forged;
	if (output->json)
		return cli_put_json(stdout, fim_json_ref(session));
	put_session(session, forged);
	return 0;
}

static int run(const char *journal, const char **trails, size_t trail_count, bool json)
{
	struct fim_sessions *sessions = fim_sessions_new();
	struct output output = {.json = json};
	struct fim_journal_check check;
	int err = sessions ? fim_journal_read(journal, on_record, sessions, &check) : -ENOMEM;
	bool damaged = err == -EBADMSG;

	if (damaged) {
		cli_error("%s is damaged: \"ecs-fim journal verify\" says where", journal);
		err = 0;
	}
	if (!err)
		err = read_cloudtrail(sessions, trails, trail_count);
	if (!err)
		err = fim_sessions_each(sessions, on_session, &output);
	if (!err && !json)
		printf("%zu session%s, %zu forged\n", output.count, output.count == 1 ? "" : "s",
		       output.forged);
	fim_sessions_free(sessions);
	if (err)
		return cli_exit(err);
	return damaged || output.forged ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

int cmd_sessions(int argc, char **argv)
{
	const char **trails = calloc((size_t)argc + 1, sizeof(*trails));
	struct fim_config *config = NULL;
	const char *journal;
	size_t trail_count = 0;
	bool json = false;
	const struct cli_option options[] = {
		{"json", .flag = &json},
		{"cloudtrail", .list = trails, .count = &trail_count},
		{0},
	};
	int status = FIM_EXIT_ERROR;

	if (!trails || !cli_take_options(argc, argv, USAGE, help, options, &status))
		goto out;
	status = FIM_EXIT_ERROR;
	if (argc - optind > 1) {
		status = cli_usage_error(USAGE, "sessions: one JOURNAL only");
		goto out;
	}
	journal = argv[optind];
	if (!journal && !fim_config_load(NULL, &config))
		journal = config->journal_dir;
	if (journal)
		status = run(journal, trails, trail_count, json);
out:
	fim_config_free(config);
	free(trails);
	return status;
}
