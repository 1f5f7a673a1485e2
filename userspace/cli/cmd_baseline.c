/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim baseline: create, show, export; the rest is in cmd_baseline_*.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define NSEC_PER_SEC 1000000000LL

#define CREATE_USAGE                                                                  \
	"usage: ecs-fim baseline create --policy FILE -o FILE [--root DIR]\n"         \
	"               [--provenance KEY=VALUE …] [--expires TIME] [--rate MIB]\n" \
	"               [--quiet] [--json] [--progress]\n"
#define SHOW_USAGE   "usage: ecs-fim baseline show [--json] BASELINE [PATH]\n"
#define EXPORT_USAGE "usage: ecs-fim baseline export --format sha256sums | mtree | json BASELINE\n"

static const char create_help[] = CREATE_USAGE
	"\n"
	"Measures everything that the policy covers and writes it down. Two runs on the same\n"
	"files differ only in the first and last line. Nothing is written if something could\n"
	"not be measured.\n"
	"\n"
	"  --policy FILE          what to cover and how; see baselines/README.md\n"
	"  -o, --output FILE      the baseline, by custom *.ndjson\n"
	"  --root DIR             where the system is mounted (default /)\n"
	"  --provenance KEY=VALUE recorded in the baseline: image id, build id, commit, …\n"
	"  --expires TIME         from when on it is refused: 2027-01-31 or RFC 3339\n"
	"  --rate MIB             read at most so many MiB a second\n"
	"  --quiet                print nothing but errors\n"
	"  --json                 print the result as a JSON object\n"
	"  --progress             progress as JSON lines on standard error\n"
	"\n"
	"On the image, at the end of its build:\n"
	"  ecs-fim baseline create --policy al2023.yaml -o baseline.ndjson \\\n"
	"      --provenance image=ami-0abc --provenance commit=$(git rev-parse HEAD)\n"
	"Of an image that is mounted:\n"
	"  ecs-fim baseline create --root /mnt/image --policy al2023.yaml -o baseline.ndjson\n";

static const char show_help[] = SHOW_USAGE
	"\n"
	"Prints what a baseline says about itself, or about one path. The file is checked, its\n"
	"signature is not: see verify-signature.\n"
	"\n"
	"  --json                 as JSON\n"
	"\n"
	"  ecs-fim baseline show baseline.ndjson\n"
	"  ecs-fim baseline show baseline.ndjson /usr/bin/sudo\n";

static const char export_help[] = EXPORT_USAGE
	"\n"
	"Prints a baseline in the format of another tool, so that nobody needs to trust this\n"
	"one. Paths are those of the system that was measured.\n"
	"\n"
	"  --format sha256sums    regular files whose content counts, for sha256sum -c\n"
	"  --format mtree         for mtree and bsdtar, relative to the root; without extended\n"
	"                         attributes, which mtree does not know\n"
	"  --format json          one JSON document\n"
	"\n"
	"  ecs-fim baseline export --format sha256sums baseline.ndjson | sha256sum -c --quiet\n"
	"  ecs-fim baseline export --format mtree baseline.ndjson | bsdtar -tf -\n";

/* ---- create */

/**
 * struct create - arguments of "baseline create"
 * @root: --root
 * @policy: --policy
 * @output: --output
 * @provenance: --provenance, as an object
 * @expires_ns: --expires, 0: never
 * @rate: --rate, bytes per second, 0: as fast as it goes
 * @json: --json
 * @progress: --quiet, --progress
 */
struct create {
	const char *root;
	const char *policy;
	const char *output;
	struct fim_json *provenance;
	int64_t expires_ns;
	uint64_t rate;
	bool json;
	struct cli_progress progress;
};

static void show_progress(void *ctx, const struct fim_progress *now)
{
	cli_progress_show(ctx, now);
}

int cli_take_provenance(const struct cli_option *option, const char *usage, const char *text)
{
	struct fim_json *provenance = option->ctx;
	const char *equals = strchr(text, '=');
	char *key;

	if (!equals || equals == text)
		return cli_usage_error(usage, "--provenance %s: not KEY=VALUE", text);
	key = strndup(text, (size_t)(equals - text));
	if (!key) {
		cli_error("out of memory");
		return FIM_EXIT_ERROR;
	}
	if (!fim_is_utf8(text, strlen(text)) || fim_json_get(provenance, key)) {
		free(key);
		return cli_usage_error(usage, "--provenance %s: %s", text,
				       fim_is_utf8(text, strlen(text)) ? "given twice"
								       : "not UTF-8");
	}
	fim_json_set_str(provenance, key, equals + 1);
	free(key);
	return FIM_EXIT_CLEAN;
}

static bool parse_create(int argc, char **argv, struct create *args, int *status_ret)
{
	const struct cli_option options[] = {
		{"policy", .text = &args->policy},
		{"output", 'o', .text = &args->output},
		{"root", .text = &args->root},
		{"provenance", .take = cli_take_provenance, .ctx = args->provenance},
		{"expires", .take = cli_take_time, .ctx = &args->expires_ns},
		{"rate", .take = cli_take_rate, .ctx = &args->rate},
		{"quiet", 'q', .flag = &args->progress.quiet},
		{"json", .flag = &args->json},
		{"progress", .flag = &args->progress.json},
		{0},
	};

	if (!cli_take_options(argc, argv, CREATE_USAGE, create_help, options, status_ret))
		return false;
	if (optind < argc)
		*status_ret = cli_usage_error(CREATE_USAGE, "%s: not expected", argv[optind]);
	else if (!args->policy)
		*status_ret = cli_usage_error(CREATE_USAGE,
					      "--policy is missing: what should be covered?");
	else if (!args->output)
		*status_ret = cli_usage_error(CREATE_USAGE,
					      "-o is missing: where should the baseline go?");
	return !*status_ret;
}

/* A baseline among the files it lists would be a finding of every comparison. */
static void warn_if_covered(const struct create *args, const struct fim_policy *policy)
{
	char root[PATH_MAX], output[PATH_MAX];
	size_t len;

	if (!realpath(args->root, root) || !realpath(args->output, output))
		return;
	len = strlen(root) == 1 ? 0 : strlen(root);
	if (!strncmp(output, root, len) && output[len] == '/' &&
	    fim_policy_covers(policy, output + len) &&
	    fim_policy_lookup(policy, output + len)->cls != FIM_CLASS_EXCLUDED)
		cli_error(
			"warning: %s lies inside what the policy covers and will be reported as added",
			args->output);
}

static int print_created(const struct create *args, const struct fim_progress *done)
{
	double seconds = (double)(fim_time_now() - args->progress.start_ns) / NSEC_PER_SEC;
	char size[CLI_SIZE_SIZE], rate[CLI_SIZE_SIZE];
	struct fim_json *json;

	if (args->json) {
		json = fim_json_object();
		fim_json_set_path(json, "output", args->output);
		fim_json_set_int(json, "count", (int64_t)done->files);
		fim_json_set_int(json, "bytes", (int64_t)done->bytes);
		fim_json_set_int(json, "elapsed_ms", (int64_t)(seconds * 1000));
		fim_json_set_str(json, "sha256_by", fim_sha256_way(args->rate));
		return cli_put_json(stdout, json);
	}
	if (args->progress.quiet)
		return 0;
	cli_format_size(done->bytes, size);
	cli_format_size((uint64_t)((double)done->bytes / seconds), rate);
	cli_put_escaped(stdout, args->output);
	printf(": %llu objects, %s in %.2f s (%s/s); sha256 by %s\n",
	       (unsigned long long)done->files, size, seconds, rate, fim_sha256_way(args->rate));
	return 0;
}

static int create(struct create *args)
{
	struct fim_baseline_params params = {.root = args->root,
					     .provenance = args->provenance,
					     .expires_ns = args->expires_ns,
					     .rate = args->rate,
					     .progress = show_progress,
					     .progress_ctx = &args->progress};
	struct fim_policy *policy = NULL;
	struct fim_progress done;
	int err;

	err = fim_policy_load(args->policy, &policy);
	if (err)
		return cli_exit(err);
	params.policy = policy;
	cli_progress_start(&args->progress);
	err = fim_baseline_create(&params, args->output, &done);
	cli_progress_end(&args->progress);
	if (!err) {
		warn_if_covered(args, policy);
		err = print_created(args, &done);
	}
	fim_policy_free(policy);
	return cli_exit(err);
}

static int cmd_create(int argc, char **argv)
{
	struct create args = {.root = "/", .provenance = fim_json_object()};
	int status;

	if (parse_create(argc, argv, &args, &status))
		status = create(&args);
	fim_json_free(args.provenance);
	return status;
}

/* ---- show */

static int put_text_member(void *ctx, const char *key, struct fim_json *value)
{
	const char *text = fim_json_str(value);

	(void)ctx;
	fputs("  ", stdout);
	cli_put_escaped(stdout, key);
	fputs("=", stdout);
	cli_put_escaped(stdout, text ? text : "…");
	fputs("\n", stdout);
	return 0;
}

static void put_member(const struct fim_json *header, const char *label, const char *keys)
{
	const char *text = fim_json_str(fim_json_at(header, keys));

	printf("%-11s ", label);
	cli_put_escaped(stdout, text ? text : "");
	putchar('\n');
}

static void put_rule(const struct fim_rule *rule)
{
	printf("  %-9s ", fim_class_name(rule->cls));
	cli_put_escaped(stdout, rule->path);
	if (rule->reason) {
		fputs(": ", stdout);
		cli_put_escaped(stdout, rule->reason);
	}
	if (rule->approver) {
		fputs(" (approved by ", stdout);
		cli_put_escaped(stdout, rule->approver);
		fputs(")", stdout);
	}
	putchar('\n');
}

static void show_header(const struct fim_baseline *baseline)
{
	const struct fim_policy *policy = fim_baseline_policy(baseline);
	const struct fim_json *header = fim_baseline_header(baseline);
	size_t i;

	put_member(header, "created", "created");
	put_member(header, "tool", "tool");
	put_member(header, "root", "root");
	printf("%-11s %zu\n", "objects", fim_baseline_count(baseline));
	printf("%-11s %s (signature not checked here)\n", "sha256", fim_baseline_digest(baseline));
	put_member(header, "policy", "policy/name");
	put_member(header, "version", "policy/version");
	printf("%-11s %s\n", "digest", fim_policy_digest(policy));
	puts("roots");
	for (i = 0; i < fim_policy_root_count(policy); i++) {
		fputs("  ", stdout);
		cli_put_escaped(stdout, fim_policy_root(policy, i));
		putchar('\n');
	}
	puts("rules");
	for (i = 0; i < fim_policy_rule_count(policy); i++)
		put_rule(fim_policy_rule(policy, i));
	puts("provenance");
	fim_json_each(fim_json_get(header, "provenance"), put_text_member, NULL);
}

static int show_entry(const struct fim_entry *entry, bool compact)
{
	struct fim_json *json = fim_json_object();
	char *text = NULL;
	size_t len;
	int err;

	fim_json_set_path(json, "path", entry->path);
	fim_state_to_json(&entry->state, json);
	fim_json_set_str(json, "package", entry->package);
	if (compact)
		return cli_put_json(stdout, json);
	err = fim_json_dump_pretty(json, &text, &len);
	if (!err)
		puts(text);
	free(text);
	fim_json_free(json);
	return err;
}

static int show(const char *file, const char *path, bool as_json)
{
	struct fim_baseline *baseline = NULL;
	const struct fim_entry *entry;
	int err;

	err = fim_baseline_open(file, NULL, NULL, &baseline);
	if (err)
		return cli_exit(err);
	entry = path ? fim_baseline_lookup(baseline, path) : NULL;
	if (path && !entry) {
		err = -ENOENT;
		cli_error("%s: the baseline does not have this path", path);
	} else if (entry) {
		err = show_entry(entry, as_json);
	} else if (as_json) {
		err = cli_put_json(stdout, fim_json_ref(fim_baseline_header(baseline)));
	} else {
		show_header(baseline);
	}
	fim_baseline_free(baseline);
	return cli_exit(err);
}

static int cmd_show(int argc, char **argv)
{
	bool as_json = false;
	const struct cli_option options[] = {
		{"json", .flag = &as_json},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, SHOW_USAGE, show_help, options, &status))
		return status;
	if (argc - optind < 1 || argc - optind > 2)
		return cli_usage_error(SHOW_USAGE, "a baseline and at most one path are expected");
	return show(argv[optind], argv[optind + 1], as_json);
}

/* ---- export */

typedef int (*export_fn)(const struct fim_baseline *baseline, FILE *out);

/* NULL: unknown */
static export_fn export_of(const char *format)
{
	static const struct {
		const char *name;
		export_fn fn;
	} formats[] = {
		{"sha256sums", fim_baseline_export_sha256sums},
		{"mtree", fim_baseline_export_mtree},
		{"json", fim_baseline_export_json},
	};
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i].name, format))
			return formats[i].fn;
	return NULL;
}

static int export(const char *file, export_fn fn)
{
	struct fim_baseline *baseline = NULL;
	int err;

	err = fim_baseline_open(file, NULL, NULL, &baseline);
	if (!err)
		err = fn(baseline, stdout);
	fim_baseline_free(baseline);
	return cli_exit(err);
}

static int cmd_export(int argc, char **argv)
{
	const char *format = NULL;
	const struct cli_option options[] = {
		{"format", .text = &format},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, EXPORT_USAGE, export_help, options, &status))
		return status;
	if (!format)
		return cli_usage_error(EXPORT_USAGE, "--format is missing");
	if (!export_of(format))
		return cli_usage_error(EXPORT_USAGE, "--format %s: unknown", format);
	if (argc - optind != 1)
		return cli_usage_error(EXPORT_USAGE, "one baseline is expected");
	return export(argv[optind], export_of(format));
}

/* ---- the command */

static const char baseline_usage[] =
	"usage: ecs-fim baseline create | sign | digest | attach | verify-signature | show |\n"
	"               export | import | diff …\n";

static const char baseline_help[] =
	"usage: ecs-fim baseline COMMAND [OPTION …]\n"
	"\n"
	"A baseline lists the expected state of everything that a policy covers. It is signed\n"
	"where the signing key is; hosts have the public key only.\n"
	"\n"
	"  create            measure a system and write its baseline\n"
	"  sign              make the detached signature with a key that is here\n"
	"  digest            print what a key that is elsewhere has to sign\n"
	"  attach            take the signature that came back, if it is valid\n"
	"  verify-signature  check the signature and the file\n"
	"  show              print what it says about itself or about one path\n"
	"  export            print it for sha256sum -c, mtree or as JSON\n"
	"  import            make one of an mtree\n"
	"  diff              what two builds of an image have differently, by package\n"
	"\n"
	"  ecs-fim baseline COMMAND --help explains each.\n";

int cmd_baseline(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{"create", cmd_create},
		{"sign", cmd_baseline_sign},
		{"digest", cmd_baseline_digest},
		{"attach", cmd_baseline_attach},
		{"verify-signature", cmd_baseline_check},
		{"show", cmd_show},
		{"export", cmd_export},
		{"import", cmd_baseline_import},
		{"diff", cmd_baseline_diff},
	};
	size_t i;

	if (argc < 2)
		return cli_usage_error(baseline_usage, "what to do with a baseline?");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(baseline_help, stdout);
		return FIM_EXIT_CLEAN;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1);
	return cli_usage_error(baseline_usage, "baseline %s: unknown", argv[1]);
}
