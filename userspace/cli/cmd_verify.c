/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim verify: the disk against the signed baseline, once, now.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"

#define NSEC_PER_SEC  1000000000LL
#define NSEC_PER_HOUR (3600 * NSEC_PER_SEC)
#define STATE_NAME    "verify.state"
#define FULL_EVERY_H  168
#define HOURS_MAX     8784 /* a year */
/* linux/ioprio.h is not in every release's headers. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_IDLE  3
#define IOPRIO_CLASS_SHIFT 13

#define USAGE                                                                                        \
	"usage: ecs-fim verify [--root DIR] [--baseline FILE] [--signature FILE] [--key FILE …]\n" \
	"               [--config FILE] [--incremental] [--full-every HOURS] [--state FILE]\n"       \
	"               [--idle] [--rate MIB] [--json] [--quiet] [--progress]\n"                     \
	"       ecs-fim verify --record [--config FILE] [--idle] [--rate MIB] [--json] [--quiet]\n"

static const char help[] = USAGE
	"\n"
	"Compares everything that the baseline's policy covers with the disk. The signature is\n"
	"checked first; a baseline that nobody trusted has signed is refused. Signed deltas in\n"
	"the directory \"deltas\" beside it (enrollment, changes) are part of what is expected.\n"
	"\n"
	"  --root DIR        where the system is mounted (default /)\n"
	"  --baseline FILE   default: from the configuration\n"
	"  --signature FILE  default: beside the baseline, .ndjson replaced by .sig\n"
	"  --key FILE        trusted public key, or directory of *.pem; may be repeated;\n"
	"                    default: from the configuration\n"
	"  --config FILE     default: " FIM_CONFIG_PATH "\n"
	"  --incremental     read only what may have changed: what has another inode, size, time\n"
	"                    of change or birth than when it was last found right. A restored\n"
	"                    mtime does not help anybody, the ctime tells; writes to the device\n"
	"                    below the file system are seen by the full pass only\n"
	"  --full-every HOURS  what was read longer ago is read again (default 168); one that is\n"
	"                    killed goes on where it was\n"
	"  --state FILE      what is remembered (default: verify.state beside the baseline)\n"
	"  --idle            only while nobody else wants disk or processor\n"
	"  --rate MIB        read at most so many MiB a second\n"
	"  --record          put the result into the journal, as a comparison whose trigger is\n"
	"                    \"scheduled\": of this host with the baseline of the configuration.\n"
	"                    The daemon writes it, and looks itself where it knew less; if it\n"
	"                    does not run, that is said, and the record made in its place\n"
	"  --json            one JSON object per difference, then one with the totals\n"
	"  --quiet           print only differences\n"
	"  --progress        progress as JSON lines on standard error\n"
	"\n"
	"exit status: 0 no difference, 3 differences, 1 error, or not recorded, 2 wrong usage\n"
	"\n"
	"  ecs-fim verify\n"
	"  ecs-fim verify --json | jq -r 'select(.kind == \"added\") | .path'\n"
	"  ecs-fim verify --root /mnt/image --baseline base.ndjson --key public.pem\n";

/**
 * struct verify - arguments and state of "verify"
 * @root: --root
 * @baseline: --baseline
 * @signature: --signature
 * @keys: --key, NULL-terminated
 * @key_count: their number
 * @config: --config
 * @incremental: --incremental
 * @full_every_h: --full-every
 * @state: --state
 * @idle: --idle
 * @rate: --rate, bytes per second
 * @record: --record
 * @digest: of the differences, for the record; NULL: none
 * @json: --json
 * @progress: --quiet, --progress
 * @pending: delta that waits for its signature, NULL: none
 * @authorized: differences that it explains
 */
struct verify {
	const char *root;
	const char *baseline;
	const char *signature;
	const char **keys;
	size_t key_count;
	const char *config;
	bool incremental;
	long full_every_h;
	const char *state;
	bool idle;
	uint64_t rate;
	bool record;
	struct fim_hasher *digest;
	bool json;
	struct cli_progress progress;
	struct fim_baseline *pending;
	uint64_t authorized;
};

/* ---- what comes back */

static int show_difference(void *ctx, const struct fim_difference *difference)
{
	struct verify *args = ctx;
	int err = args->digest ? fim_difference_digest(args->digest, difference) : 0;

	if (err)
		return err;
	cli_progress_end(&args->progress);
	args->authorized += fim_pending_lookup(args->pending, difference) != NULL;
	return cli_put_difference(difference, args->pending, args->json);
}

static void show_progress(void *ctx, const struct fim_progress *now)
{
	struct verify *args = ctx;

	cli_progress_show(&args->progress, now);
}

/* ---- totals */

static int put_totals_json(const struct verify *args, const struct fim_comparison *totals,
			   const struct fim_baseline *baseline)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "type", "comparison");
	fim_comparison_times_to_json(totals, json);
	fim_json_set_str(json, "baseline", fim_baseline_digest(baseline));
	fim_json_set_str(json, "key_id", fim_baseline_key_id(baseline));
	fim_json_set_str(json, "head", fim_baseline_head(baseline));
	fim_comparison_counts_to_json(totals, json);
	fim_json_set_int(json, "authorized", (int64_t)args->authorized);
	fim_json_set_str(json, "sha256_by", fim_sha256_way(args->rate));
	return cli_put_json(stdout, json);
}

static void put_header(const struct verify *args, const struct fim_baseline *baseline)
{
	printf("%zu objects, signed by key %.12s; sha256 by %s\n", fim_baseline_count(baseline),
	       fim_baseline_key_id(baseline), fim_sha256_way(args->rate));
	fflush(stdout);
}

static bool is_clean(const struct fim_comparison *totals)
{
	return !totals->added && !totals->removed && !totals->changed && !totals->unreadable;
}

static void put_totals(const struct verify *args, const struct fim_comparison *totals)
{
	double seconds = (double)(totals->end_ns - totals->start_ns) / NSEC_PER_SEC;
	char size[CLI_SIZE_SIZE];

	cli_format_size(totals->bytes, size);
	printf("%s%s%s: %llu of %llu objects compared in %.2f s, %s read",
	       cli_colour(stdout, is_clean(totals) ? CLI_GREEN : CLI_RED),
	       is_clean(totals) ? "clean" : "differences", cli_colour(stdout, CLI_PLAIN),
	       (unsigned long long)totals->compared, (unsigned long long)totals->expected, seconds,
	       size);
	if (totals->skipped)
		printf(", %llu as they were", (unsigned long long)totals->skipped);
	if (!is_clean(totals))
		printf(": %llu changed, %llu added, %llu removed, %llu unreadable",
		       (unsigned long long)totals->changed, (unsigned long long)totals->added,
		       (unsigned long long)totals->removed, (unsigned long long)totals->unreadable);
	if (args->authorized)
		printf("; %llu of them of a change that is not signed yet",
		       (unsigned long long)args->authorized);
	putchar('\n');
}

/* ---- the command */

/* malloc'ed: beside the baseline */
static char *state_path(const struct verify *args, const char *baseline)
{
	const char *slash = strrchr(baseline, '/');
	char *path;

	if (args->state)
		return strdup(args->state);
	return asprintf(&path, "%.*s" STATE_NAME, slash ? (int)(slash + 1 - baseline) : 0,
			baseline) < 0
		       ? NULL
		       : path;
}

/* Threads take over both from the one that makes them. */
static void be_idle(void)
{
	const struct sched_param param = {0};

	sched_setscheduler(0, SCHED_IDLE, &param);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
}

static int record_body(void *ctx, const struct fim_json *request, struct fim_json *who,
		       const char **error_ret, struct fim_json **body_ret)
{
	return fim_comparison_body(request, ctx, who, error_ret, body_ret);
}

static int record(const struct verify *args, const struct fim_config *config,
		  struct fim_baseline *baseline, const struct fim_comparison *totals)
{
	struct fim_json *request = fim_json_object();
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	int err = fim_hasher_final(args->digest, digest);

	fim_json_set_str(request, "op", "comparison");
	fim_json_set_str(request, "baseline", fim_baseline_head(baseline));
	fim_comparison_to_json(totals, fim_baseline_policy(baseline), request);
	fim_hex_encode(digest, sizeof(digest), hex);
	fim_json_set_str(request, "result_digest", hex);
	fim_json_set(request, "clock", fim_clock_facts(""));
	if (!err)
		err = cli_record(config, request, "comparison", record_body, baseline);
	fim_json_free(request);
	if (err > 0)
		cli_error("the daemon does not run: the comparison was recorded in its place");
	else if (err)
		cli_error("the comparison is not in the journal: %s", strerror(-err));
	return err < 0 ? err : 0;
}

static int compare(struct verify *args, const struct fim_config *config,
		   struct fim_baseline *baseline, const char *path)
{
	struct fim_compare_params params = {.root = args->root,
					    .difference = show_difference,
					    .progress = show_progress,
					    .rate = args->rate,
					    .ctx = args};
	char *state = state_path(args, path);
	struct fim_comparison totals;
	int err = state ? 0 : -ENOMEM;

	if (args->idle)
		be_idle();
	if (!err && args->incremental)
		err = fim_memo_open(state, args->root, baseline, args->full_every_h * NSEC_PER_HOUR,
				    &params.memo);
	free(state);
	if (err)
		return FIM_EXIT_ERROR;
	if (!args->json && !args->progress.quiet)
		put_header(args, baseline);
	cli_progress_start(&args->progress);
	err = fim_compare(baseline, &params, &totals);
	cli_progress_end(&args->progress);
	fim_memo_free(params.memo);
	if (err)
		return FIM_EXIT_ERROR;
	if (args->json)
		err = put_totals_json(args, &totals, baseline);
	else if (!args->progress.quiet)
		put_totals(args, &totals);
	if (!err && args->record)
		err = record(args, config, baseline, &totals);
	if (err)
		return FIM_EXIT_ERROR;
	return is_clean(&totals) ? FIM_EXIT_CLEAN : FIM_EXIT_FINDINGS;
}

static int open_pending(struct verify *args, const struct fim_baseline *baseline, const char *path)
{
	char *dir = fim_deltas_dir(path);
	int err = dir ? fim_pending_open(baseline, dir, NULL, &args->pending) : -ENOMEM;

	free(dir);
	return err;
}

static int verify(struct verify *args)
{
	const struct fim_config *config;
	struct fim_config *loaded = NULL;
	struct fim_baseline *baseline = NULL;
	const char *path, *signature;
	char *beside = NULL;
	int err;

	err = fim_config_load(args->config, &loaded);
	if (err)
		return cli_exit(err);
	config = loaded;
	path = args->baseline ? args->baseline : config->baseline;
	signature = args->signature ? args->signature : config->signature;
	if (args->baseline && !args->signature) {
		beside = cli_signature_path(args->baseline);
		signature = beside;
	}
	err = signature ? fim_baseline_open_current(
				  path, signature,
				  args->key_count ? args->keys
						  : (const char *const *)config->trusted_keys,
				  &baseline)
			: -ENOMEM;
	if (!err)
		err = open_pending(args, baseline, path);
	if (!err && args->record) {
		args->digest = fim_hasher_new();
		err = args->digest ? 0 : -ENOMEM;
	}
	err = err ? cli_exit(err) : compare(args, config, baseline, path);
	fim_hasher_free(args->digest);
	fim_baseline_free(args->pending);
	fim_baseline_free(baseline);
	fim_config_free(loaded);
	free(beside);
	return err;
}

static int take_hours(const struct cli_option *option, const char *usage, const char *text)
{
	long *hours_ret = option->ctx;
	char *end;
	long hours = strtol(text, &end, 10);

	if (end == text || *end || hours < 0 || hours > HOURS_MAX)
		return cli_usage_error(usage, "--full-every %s: not 0 to %d hours", text,
				       HOURS_MAX);
	*hours_ret = hours;
	return FIM_EXIT_CLEAN;
}

static bool parse(int argc, char **argv, struct verify *args, int *status_ret)
{
	const struct cli_option options[] = {
		{"root", .text = &args->root},
		{"baseline", .text = &args->baseline},
		{"signature", .text = &args->signature},
		{"key", .list = args->keys, .count = &args->key_count},
		{"config", .text = &args->config},
		{"incremental", .flag = &args->incremental},
		{"full-every", .take = take_hours, .ctx = &args->full_every_h},
		{"state", .text = &args->state},
		{"idle", .flag = &args->idle},
		{"rate", .take = cli_take_rate, .ctx = &args->rate},
		{"record", .flag = &args->record},
		{"json", .flag = &args->json},
		{"quiet", 'q', .flag = &args->progress.quiet},
		{"progress", .flag = &args->progress.json},
		{0},
	};

	if (!cli_take_options(argc, argv, USAGE, help, options, status_ret))
		return false;
	if (optind < argc)
		*status_ret = cli_usage_error(USAGE, "%s: not expected", argv[optind]);
	/* What the ledger says is of this host, of its own baseline, and of all that is in it. */
	else if (args->record && (strcmp(args->root, "/") != 0 || args->baseline ||
				  args->signature || args->key_count || args->incremental))
		*status_ret = cli_usage_error(USAGE,
					      "--record: not with --root, --baseline, --signature, "
					      "--key or --incremental");
	return !*status_ret;
}

int cmd_verify(int argc, char **argv)
{
	struct verify args = {.root = "/", .full_every_h = FULL_EVERY_H};
	int status;

	args.keys = calloc((size_t)argc + 1, sizeof(*args.keys));
	if (!args.keys)
		return FIM_EXIT_ERROR;
	if (parse(argc, argv, &args, &status))
		status = verify(&args);
	free(args.keys);
	return status;
}
