/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim enroll: a host's first boot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define WINDOW_S     3600
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

#define USAGE                                                                                        \
	"usage: ecs-fim enroll [--root DIR] [--baseline FILE] [--signature FILE] [--key FILE …]\n" \
	"               [--config FILE] [--window SECONDS] [--unsigned] [--json] [--quiet]\n"

static const char help[] = USAGE
	"\n"
	"Compares a host with its image's signed baseline at the first boot and takes over what\n"
	"the policy leaves to that boot: paths of class once, and of class templated if their\n"
	"content matches. They become a delta that names the baseline's digest, beside it as\n"
	"deltas/" FIM_ENROLLMENT_NAME
	". Everything else that differs is printed, and stays a finding\n"
	"of every comparison. A host is enrolled once.\n"
	"\n"
	"The delta is signed with a key that is made for it and forgotten: nobody can make\n"
	"another one. Its digest and key go into the daemon's journal.\n"
	"\n"
	"  --root DIR         where the system is mounted (default /)\n"
	"  --baseline FILE    default: from the configuration\n"
	"  --signature FILE   default: beside the baseline, .ndjson replaced by .sig\n"
	"  --key FILE         trusted public key, or directory of *.pem; may be repeated;\n"
	"                     default: from the configuration\n"
	"  --config FILE      default: " FIM_CONFIG_PATH "\n"
	"  --window SECONDS   refuse if the system has been up for longer (default 3600; 0: never)\n"
	"  --unsigned         do not sign: \"baseline digest\" and \"attach\" do it elsewhere; until\n"
	"                     then the delta counts for nothing\n"
	"  --json             one JSON object per finding, then one with the result\n"
	"  --quiet            print only findings\n"
	"\n"
	"exit status: 0 enrolled, 3 enrolled and there are findings, 1 error, 2 wrong usage\n";

/**
 * struct enroll - arguments of "enroll"
 * @root: --root
 * @baseline: --baseline
 * @signature: --signature
 * @keys: --key, NULL-terminated
 * @key_count: their number
 * @config: --config
 * @window_s: --window
 * @is_unsigned: --unsigned
 * @json: --json
 * @quiet: --quiet
 */
struct enroll {
	const char *root;
	const char *baseline;
	const char *signature;
	const char **keys;
	size_t key_count;
	const char *config;
	long window_s;
	bool is_unsigned;
	bool json;
	bool quiet;
};

static int show_finding(void *ctx, const struct fim_difference *difference)
{
	const struct enroll *args = ctx;

	return cli_put_difference(difference, NULL, args->json);
}

static int put_result(const struct enroll *args, const char *dir,
		      const struct fim_enrollment *result)
{
	struct fim_json *json;

	if (args->json) {
		json = fim_json_object();
		fim_json_set_str(json, "type", "enrollment");
		fim_json_set_path(json, "directory", dir);
		fim_json_set_int(json, "enrolled", (int64_t)result->enrolled);
		fim_json_set_int(json, "findings", (int64_t)result->findings);
		fim_json_set_str(json, "digest", result->digest);
		if (*result->key_id)
			fim_json_set_str(json, "key_id", result->key_id);
		return cli_put_json(stdout, json);
	}
	if (args->quiet)
		return 0;
	cli_put_escaped(stdout, dir);
	printf("/" FIM_ENROLLMENT_NAME ": %llu paths taken over, %llu findings\n  sha256   %s\n",
	       (unsigned long long)result->enrolled, (unsigned long long)result->findings,
	       result->digest);
	if (*result->key_id)
		printf("  key      %s (made for this, forgotten)\n", result->key_id);
	else
		puts("  not signed: it counts for nothing until a signature is attached");
	return 0;
}

/* An enrollment long after the boot would bless whatever happened since. */
static int check_window(const struct enroll *args)
{
	struct timespec up;

	if (!args->window_s || clock_gettime(CLOCK_BOOTTIME, &up) || up.tv_sec <= args->window_s)
		return 0;
	cli_error("the boot window is over: the system has been up for %lld s and --window is %ld: "
		  "make a change (ecs-fim change) or start the host anew from its image",
		  (long long)up.tv_sec, args->window_s);
	return -ETIME;
}

static int enroll_with(struct enroll *args, const struct fim_config *config)
{
	const char *path = args->baseline ? args->baseline : config->baseline;
	char *beside = cli_signature_path(path), *dir = fim_deltas_dir(path), *boot_id = NULL;
	struct fim_enroll_params params = {.root = args->root,
					   .dir = dir,
					   .unsigned_only = args->is_unsigned,
					   .finding = show_finding,
					   .ctx = args};
	const char *const *keys = args->key_count ? args->keys
						  : (const char *const *)config->trusted_keys;
	struct fim_enrollment result = {0};
	struct fim_baseline *baseline = NULL;
	size_t len;
	int err = beside && dir ? check_window(args) : -ENOMEM;

	if (!err)
		err = fim_baseline_open(path,
					args->signature	 ? args->signature
					: args->baseline ? beside
							 : config->signature,
					keys, &baseline);
	if (!err && !fim_file_read(BOOT_ID_PATH, 64, &boot_id, &len))
		boot_id[strcspn(boot_id, "\n")] = '\0';
	params.baseline = baseline;
	params.boot_id = boot_id;
	if (!err)
		err = fim_enroll(&params, &result);
	if (!err)
		err = put_result(args, dir, &result);
	fim_baseline_free(baseline);
	free(boot_id);
	free(beside);
	free(dir);
	if (err)
		return FIM_EXIT_ERROR;
	return result.findings ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

static int enroll(struct enroll *args)
{
	struct fim_config *config = NULL;
	int status;

	if (fim_config_load(args->config, &config))
		return FIM_EXIT_ERROR;
	status = enroll_with(args, config);
	fim_config_free(config);
	return status;
}

static int take_window(const struct cli_option *option, const char *usage, const char *text)
{
	long *seconds_ret = option->ctx;
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end || seconds < 0)
		return cli_usage_error(usage, "--window %s: not a number of seconds", text);
	*seconds_ret = seconds;
	return FIM_EXIT_CLEAN;
}

static bool parse(int argc, char **argv, struct enroll *args, int *status_ret)
{
	const struct cli_option options[] = {
		{"root", .text = &args->root},
		{"baseline", .text = &args->baseline},
		{"signature", .text = &args->signature},
		{"key", .list = args->keys, .count = &args->key_count},
		{"config", .text = &args->config},
		{"window", .take = take_window, .ctx = &args->window_s},
		{"unsigned", .flag = &args->is_unsigned},
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

int cmd_enroll(int argc, char **argv)
{
	struct enroll args = {.root = "/", .window_s = WINDOW_S};
	int status;

	args.keys = calloc((size_t)argc + 1, sizeof(*args.keys));
	if (!args.keys)
		return FIM_EXIT_ERROR;
	if (parse(argc, argv, &args, &status))
		status = enroll(&args);
	free(args.keys);
	return status;
}
