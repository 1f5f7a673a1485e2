/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim change: an expected change, from its announcement to what has to be signed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define USAGE                                                                                            \
	"usage: ecs-fim change begin --reason TEXT --by WHO [--ticket ID] [--package-manager]\n"         \
	"               [--path PATH …] [--root DIR] [--baseline FILE] [--key FILE …]\n"             \
	"       ecs-fim change end [--json] [--quiet] [--root DIR] [--baseline FILE] [--key FILE …]\n" \
	"       ecs-fim change abort [--baseline FILE]\n"

static const char help[] = USAGE
	"\n"
	"An expected change is said before it happens. At its end, what the package database\n"
	"vouches for, and what was named, becomes a delta to the baseline, to be signed where\n"
	"the key is. Everything else that differs is printed and stays a finding; so does what\n"
	"differed before the change began. The baseline itself is never written again.\n"
	"\n"
	"  --reason TEXT      why; goes into the delta, like the next two\n"
	"  --by WHO           who says so\n"
	"  --ticket ID        where it was agreed to\n"
	"  --package-manager  authorize what dpkg or RPM installed: content that has the digest\n"
	"                     of its package, its directories and links, and what its package\n"
	"                     has no more. Not: changed modes or owners alone, new set-uid bits\n"
	"                     and capabilities, and what scripts of packages wrote\n"
	"  --path PATH        authorize this path and all below; may be repeated\n"
	"  --root DIR         where the system is mounted (default /)\n"
	"  --baseline FILE    default: from the configuration; its signature must be valid\n"
	"  --key FILE         trusted public key; default: from the configuration\n"
	"  --config FILE      default: " FIM_CONFIG_PATH "\n"
	"  --json             findings and result as JSON objects\n"
	"  --quiet            print only findings\n"
	"\n"
	"Until the delta is signed, verify says of a difference that a change explains it, and\n"
	"counts it. Several changes add up to one delta.\n"
	"\n"
	"  ecs-fim change begin --reason 'security updates' --ticket CHG-42 --by jane --package-manager\n"
	"  apt-get upgrade\n"
	"  ecs-fim change end\n"
	"  ecs-fim baseline sign --key key.pem change-….ndjson    # where the key is\n"
	"\n"
	"exit status of end: 0 everything is authorized, 3 there are findings, 1 error, 2 usage\n";

/**
 * struct change - arguments
 * @params: for the library
 * @baseline: --baseline
 * @keys: --key, NULL-terminated
 * @key_count: their number
 * @paths: --path, NULL-terminated
 * @path_count: their number
 * @config: --config
 * @json: --json
 * @quiet: --quiet
 */
struct change {
	struct fim_window_params params;
	const char *baseline;
	const char **keys;
	size_t key_count;
	const char **paths;
	size_t path_count;
	const char *config;
	bool json;
	bool quiet;
};

static int show_finding(void *ctx, const struct fim_difference *difference)
{
	const struct change *args = ctx;

	return cli_put_difference(difference, NULL, args->json);
}

/* ---- begin, end, abort */

static int begin(struct change *args)
{
	struct fim_window_result result;

	if (fim_window_begin(&args->params, &result))
		return FIM_EXIT_ERROR;
	if (!args->quiet && result.findings)
		printf("begun; %llu differences that there are already stay findings\n",
		       (unsigned long long)result.findings);
	else if (!args->quiet)
		puts("begun; nothing differs yet");
	return FIM_EXIT_CLEAN;
}

static int put_result(const struct change *args, const struct fim_window_result *result)
{
	struct fim_json *json;

	if (args->json) {
		json = fim_json_object();
		fim_json_set_str(json, "type", "change");
		fim_json_set_int(json, "authorized", (int64_t)result->authorized);
		fim_json_set_int(json, "findings", (int64_t)result->findings);
		if (result->path) {
			fim_json_set_path(json, "delta", result->path);
			fim_json_set_str(json, "digest", result->digest);
		}
		return cli_put_json(stdout, json);
	}
	if (args->quiet)
		return 0;
	printf("%llu paths authorized, %llu findings\n", (unsigned long long)result->authorized,
	       (unsigned long long)result->findings);
	if (result->path) {
		fputs("to be signed: ", stdout);
		cli_put_escaped(stdout, result->path);
		printf("\n  sha256   %s\n", result->digest);
	}
	return 0;
}

static int end(struct change *args)
{
	struct fim_window_result result;
	int err;

	args->params.finding = show_finding;
	args->params.ctx = args;
	if (fim_window_end(&args->params, &result))
		return FIM_EXIT_ERROR;
	err = put_result(args, &result);
	free(result.path);
	if (err)
		return FIM_EXIT_ERROR;
	return result.findings ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

static int abort_change(struct change *args)
{
	if (!unlink(args->params.file))
		return FIM_EXIT_CLEAN;
	cli_error("%s: %s", args->params.file,
		  errno == ENOENT ? "no change is under way" : strerror(errno));
	return FIM_EXIT_ERROR;
}

/* ---- the command */

/* The daemon need not run. It takes a while to see for itself; told, it knows what came before. */
static void tell_daemon(const struct fim_config *config)
{
	struct fim_json *request = fim_json_object(), *answer = NULL;

	fim_json_set_str(request, "op", "change");
	if (!cli_request(config, request, &answer) && !fim_json_get_bool(answer, "ok", false))
		cli_error("the daemon: %s", fim_json_get_str(answer, "error"));
	fim_json_free(answer);
	fim_json_free(request);
}

static int run_with(struct change *args, const struct fim_config *config,
		    int (*run)(struct change *args))
{
	const char *path = args->baseline ? args->baseline : config->baseline;
	char *signature = cli_signature_path(path), *dir = fim_deltas_dir(path);
	char *file = fim_window_path(path);
	struct fim_baseline *baseline = NULL;
	int status = FIM_EXIT_ERROR;

	args->params.dir = dir;
	args->params.file = file;
	args->params.paths = args->paths;
	if (signature && dir && file &&
	    !fim_baseline_open_current(path, args->baseline ? signature : config->signature,
				       args->key_count ? args->keys
						       : (const char *const *)config->trusted_keys,
				       &baseline)) {
		args->params.baseline = baseline;
		status = run(args);
	}
	/* Another baseline is not the daemon's business. */
	if (!args->baseline && status != FIM_EXIT_ERROR)
		tell_daemon(config);
	fim_baseline_free(baseline);
	free(signature);
	free(file);
	free(dir);
	return status;
}

static bool parse(int argc, char **argv, struct change *args, int *status_ret)
{
	const struct cli_option options[] = {
		{"reason", .text = &args->params.reason},
		{"ticket", .text = &args->params.ticket},
		{"by", .text = &args->params.by},
		{"package-manager", .flag = &args->params.package_manager},
		{"path", .list = args->paths, .count = &args->path_count},
		{"root", .text = &args->params.root},
		{"baseline", .text = &args->baseline},
		{"key", .list = args->keys, .count = &args->key_count},
		{"config", .text = &args->config},
		{"json", .flag = &args->json},
		{"quiet", 'q', .flag = &args->quiet},
		{0},
	};

	if (!cli_take_options(argc, argv, USAGE, help, options, status_ret))
		return false;
	if (optind < argc)
		*status_ret = cli_usage_error(USAGE, "%s: not expected", argv[optind]);
	return !*status_ret;
}

static int check_begin(const struct change *args)
{
	size_t i;

	if (!args->params.reason || !args->params.by)
		return cli_usage_error(USAGE,
				       "--reason and --by are needed: why, and who says so?");
	if (!args->params.package_manager && !args->path_count)
		return cli_usage_error(USAGE,
				       "--package-manager or --path: what is expected to change?");
	for (i = 0; i < args->path_count; i++)
		if (*args->paths[i] != '/')
			return cli_usage_error(USAGE, "--path %s: not absolute", args->paths[i]);
	return FIM_EXIT_CLEAN;
}

static int run_command(const char *name, struct change *args)
{
	int (*run)(struct change * args) = !strcmp(name, "begin")   ? begin
					   : !strcmp(name, "end")   ? end
					   : !strcmp(name, "abort") ? abort_change
								    : NULL;
	struct fim_config *config = NULL;
	int status;

	if (!run)
		return cli_usage_error(USAGE, "change %s: unknown", name);
	status = run == begin ? check_begin(args) : FIM_EXIT_CLEAN;
	if (status)
		return status;
	if (fim_config_load(args->config, &config))
		return FIM_EXIT_ERROR;
	status = run_with(args, config, run);
	fim_config_free(config);
	return status;
}

int cmd_change(int argc, char **argv)
{
	struct change args = {.params = {.root = "/"}};
	int status, skip;

	if (argc < 2)
		return cli_usage_error(USAGE, "begin, end or abort?");
	args.keys = calloc((size_t)argc + 1, sizeof(*args.keys));
	args.paths = calloc((size_t)argc + 1, sizeof(*args.paths));
	if (!args.keys || !args.paths) {
		free(args.keys);
		return FIM_EXIT_ERROR;
	}
	skip = *argv[1] != '-';
	if (parse(argc - skip, argv + skip, &args, &status))
		status = run_command(argv[1], &args);
	free(args.keys);
	free(args.paths);
	return status;
}
