/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim baseline: create, sign, verify-signature, show, export.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

#define BASELINE_MAX	(1u << 30)
#define BASELINE_SUFFIX ".ndjson"
#define NSEC_PER_SEC	1000000000LL

#define CREATE_USAGE                                                          \
	"usage: ecs-fim baseline create --policy FILE -o FILE [--root DIR]\n" \
	"               [--provenance KEY=VALUE …] [--quiet] [--json] [--progress]\n"
#define SIGN_USAGE "usage: ecs-fim baseline sign --key PRIVATE.pem [-o SIGNATURE] BASELINE\n"
#define CHECK_USAGE                                                               \
	"usage: ecs-fim baseline verify-signature --key PUBLIC.pem [--key …]\n" \
	"               [--signature SIGNATURE] [--json] BASELINE\n"
#define SHOW_USAGE   "usage: ecs-fim baseline show [--json] BASELINE [PATH]\n"
#define EXPORT_USAGE "usage: ecs-fim baseline export --format sha256sums BASELINE\n"

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
	"  --quiet                print nothing but errors\n"
	"  --json                 print the result as a JSON object\n"
	"  --progress             progress as JSON lines on standard error\n"
	"\n"
	"On the image, at the end of its build:\n"
	"  ecs-fim baseline create --policy al2023.yaml -o baseline.ndjson \\\n"
	"      --provenance image=ami-0abc --provenance commit=$(git rev-parse HEAD)\n"
	"Of an image that is mounted:\n"
	"  ecs-fim baseline create --root /mnt/image --policy al2023.yaml -o baseline.ndjson\n";

static const char sign_help[] = SIGN_USAGE
	"\n"
	"Makes a detached signature over the whole file. Do this where the key is, which is\n"
	"never the host that the baseline is for.\n"
	"\n"
	"  --key PRIVATE.pem      ECDSA P-256 or P-384, RSA, or Ed25519\n"
	"  -o, --output SIGNATURE default: BASELINE with .ndjson replaced by .sig\n"
	"\n"
	"A key, and the same with stock tools (ECDSA, RSA):\n"
	"  openssl ecparam -genkey -name prime256v1 -noout -out key.pem\n"
	"  openssl pkey -in key.pem -pubout -out public.pem\n"
	"  openssl dgst -sha256 -sign key.pem -out baseline.sig baseline.ndjson\n";

static const char check_help[] = CHECK_USAGE
	"\n"
	"Checks the signature, then the whole file: every line, the order, count and digest.\n"
	"\n"
	"  --key PUBLIC.pem       trusted public key, or a directory of *.pem; may be repeated\n"
	"  --signature SIGNATURE  default: BASELINE with .ndjson replaced by .sig\n"
	"  --json                 print the result as a JSON object\n"
	"\n"
	"Without this program (ECDSA and RSA, then Ed25519):\n"
	"  openssl dgst -sha256 -verify public.pem -signature baseline.sig baseline.ndjson\n"
	"  openssl pkeyutl -verify -pubin -inkey public.pem -rawin \\\n"
	"      -in baseline.ndjson -sigfile baseline.sig\n";

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
	"\n"
	"  ecs-fim baseline export --format sha256sums baseline.ndjson | sha256sum -c --quiet\n";

/* baseline.ndjson → baseline.sig; malloc'ed, NULL: out of memory */
char *cli_signature_path(const char *baseline)
{
	size_t len = strlen(baseline), suffix = strlen(BASELINE_SUFFIX);
	char *path;

	if (len > suffix && !strcmp(baseline + len - suffix, BASELINE_SUFFIX))
		len -= suffix;
	return asprintf(&path, "%.*s.sig", (int)len, baseline) < 0 ? NULL : path;
}

/* ---- create */

/**
 * struct create - arguments of "baseline create"
 * @root: --root
 * @policy: --policy
 * @output: --output
 * @provenance: --provenance, as an object
 * @json: --json
 * @progress: --quiet, --progress
 */
struct create {
	const char *root;
	const char *policy;
	const char *output;
	struct fim_json *provenance;
	bool json;
	struct cli_progress progress;
};

static void show_progress(void *ctx, const struct fim_progress *now)
{
	cli_progress_show(ctx, now);
}

static int add_provenance(struct create *args, const char *text)
{
	const char *equals = strchr(text, '=');
	char *key;

	if (!equals || equals == text)
		return cli_usage_error(CREATE_USAGE, "--provenance %s: not KEY=VALUE", text);
	key = strndup(text, (size_t)(equals - text));
	if (!key) {
		cli_error("out of memory");
		return FIM_EXIT_ERROR;
	}
	if (!fim_is_utf8(text, strlen(text)) || fim_json_get(args->provenance, key)) {
		free(key);
		return cli_usage_error(CREATE_USAGE, "--provenance %s: %s", text,
				       fim_is_utf8(text, strlen(text)) ? "given twice"
								       : "not UTF-8");
	}
	fim_json_set_str(args->provenance, key, equals + 1);
	free(key);
	return FIM_EXIT_CLEAN;
}

static int parse_create(int argc, char **argv, struct create *args, bool *help_ret)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"output", required_argument, NULL, 'o'},
		{"root", required_argument, NULL, 'r'},
		{"provenance", required_argument, NULL, 'P'},
		{"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'},
		{"progress", no_argument, NULL, 'g'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, status;

	while ((opt = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			args->policy = optarg;
			break;
		case 'o':
			args->output = optarg;
			break;
		case 'r':
			args->root = optarg;
			break;
		case 'P':
			status = add_provenance(args, optarg);
			if (status)
				return status;
			break;
		case 'q':
			args->progress.quiet = true;
			break;
		case 'j':
			args->json = true;
			break;
		case 'g':
			args->progress.json = true;
			break;
		case 'h':
			*help_ret = true;
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(CREATE_USAGE, opt, argv);
		}
	}
	if (optind < argc)
		return cli_usage_error(CREATE_USAGE, "%s: not expected", argv[optind]);
	if (!args->policy)
		return cli_usage_error(CREATE_USAGE,
				       "--policy is missing: what should be covered?");
	if (!args->output)
		return cli_usage_error(CREATE_USAGE,
				       "-o is missing: where should the baseline go?");
	return FIM_EXIT_CLEAN;
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
		return cli_put_json(stdout, json);
	}
	if (args->progress.quiet)
		return 0;
	cli_format_size(done->bytes, size);
	cli_format_size((uint64_t)((double)done->bytes / seconds), rate);
	cli_put_escaped(stdout, args->output);
	printf(": %llu objects, %s in %.2f s (%s/s)\n", (unsigned long long)done->files, size,
	       seconds, rate);
	return 0;
}

static int create(struct create *args)
{
	struct fim_baseline_params params = {.root = args->root,
					     .provenance = args->provenance,
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
	bool help = false;
	int status;

	status = parse_create(argc, argv, &args, &help);
	if (help)
		fputs(create_help, stdout);
	else if (!status)
		status = create(&args);
	fim_json_free(args.provenance);
	return status;
}

/* ---- sign */

/*
 * Only what is a baseline gets a signature. It is read twice, once to check and once
 * to sign, and so must be the same bytes both times.
 */
static int sign(const char *path, const char *key, const char *output)
{
	unsigned char digest[FIM_SHA256_SIZE], *signature = NULL;
	char hex[FIM_SHA256_HEX_SIZE], key_id[FIM_KEY_ID_SIZE];
	struct fim_baseline *baseline = NULL;
	size_t len = 0, signature_len;
	char *bytes = NULL;
	int err;

	err = fim_baseline_open(path, NULL, NULL, &baseline);
	if (!err)
		err = fim_file_read(path, BASELINE_MAX, &bytes, &len);
	if (!err)
		err = fim_sha256(bytes, len, digest);
	if (err)
		goto out;
	fim_hex_encode(digest, sizeof(digest), hex);
	if (strcmp(hex, fim_baseline_digest(baseline))) {
		cli_error("%s: changed while it was being signed", path);
		err = -EAGAIN;
		goto out;
	}
	err = fim_sign(key, bytes, len, &signature, &signature_len, key_id);
	if (!err)
		err = fim_file_write_atomic(output, signature, signature_len, 0644);
	if (err)
		goto out;
	cli_put_escaped(stdout, output);
	printf(": signature of %s (sha256) by key %s\n", hex, key_id);
out:
	free(signature);
	free(bytes);
	fim_baseline_free(baseline);
	return cli_exit(err);
}

static int cmd_sign(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *key = NULL, *output = NULL;
	char *beside = NULL;
	int opt, status;

	while ((opt = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		switch (opt) {
		case 'k':
			key = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case 'h':
			fputs(sign_help, stdout);
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(SIGN_USAGE, opt, argv);
		}
	}
	if (!key)
		return cli_usage_error(SIGN_USAGE, "--key is missing");
	if (argc - optind != 1)
		return cli_usage_error(SIGN_USAGE, "one baseline is expected");
	if (!output)
		output = beside = cli_signature_path(argv[optind]);
	status = output ? sign(argv[optind], key, output) : FIM_EXIT_ERROR;
	free(beside);
	return status;
}

/* ---- verify-signature */

static int print_checked(const struct fim_baseline *baseline, const char *path, bool as_json)
{
	struct fim_json *json;

	if (as_json) {
		json = fim_json_object();
		fim_json_set_path(json, "path", path);
		fim_json_set_str(json, "signature", "valid");
		fim_json_set_str(json, "digest", fim_baseline_digest(baseline));
		fim_json_set_str(json, "key_id", fim_baseline_key_id(baseline));
		fim_json_set_int(json, "count", (int64_t)fim_baseline_count(baseline));
		return cli_put_json(stdout, json);
	}
	cli_put_escaped(stdout, path);
	printf(": %svalid signature%s\n", cli_colour(stdout, CLI_GREEN),
	       cli_colour(stdout, CLI_PLAIN));
	printf("  key      %s\n", fim_baseline_key_id(baseline));
	printf("  sha256   %s\n", fim_baseline_digest(baseline));
	printf("  objects  %zu\n", fim_baseline_count(baseline));
	return 0;
}

static int check(const char *path, const char *signature, const char *const *keys, bool as_json)
{
	struct fim_baseline *baseline = NULL;
	char *beside = NULL;
	int err;

	if (!signature)
		signature = beside = cli_signature_path(path);
	err = signature ? fim_baseline_open(path, signature, keys, &baseline) : -ENOMEM;
	if (!err)
		err = print_checked(baseline, path, as_json);
	fim_baseline_free(baseline);
	free(beside);
	return cli_exit(err);
}

static int cmd_verify_signature(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"signature", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char **keys = calloc((size_t)argc + 1, sizeof(*keys));
	const char *signature = NULL;
	int opt, status = FIM_EXIT_ERROR;
	size_t key_count = 0;
	bool as_json = false;

	if (!keys)
		return FIM_EXIT_ERROR;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'k':
			keys[key_count++] = optarg;
			break;
		case 's':
			signature = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 'h':
			fputs(check_help, stdout);
			status = FIM_EXIT_CLEAN;
			goto out;
		default:
			status = cli_option_error(CHECK_USAGE, opt, argv);
			goto out;
		}
	}
	if (!key_count)
		status = cli_usage_error(CHECK_USAGE,
					 "--key is missing: whose signature is trusted?");
	else if (argc - optind != 1)
		status = cli_usage_error(CHECK_USAGE, "one baseline is expected");
	else
		status = check(argv[optind], signature, keys, as_json);
out:
	free(keys);
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
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool as_json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			as_json = true;
			break;
		case 'h':
			fputs(show_help, stdout);
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(SHOW_USAGE, opt, argv);
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		return cli_usage_error(SHOW_USAGE, "a baseline and at most one path are expected");
	return show(argv[optind], argv[optind + 1], as_json);
}

/* ---- export */

static int export(const char *file)
{
	struct fim_baseline *baseline = NULL;
	int err;

	err = fim_baseline_open(file, NULL, NULL, &baseline);
	if (!err)
		err = fim_baseline_export_sha256sums(baseline, stdout);
	fim_baseline_free(baseline);
	return cli_exit(err);
}

static int cmd_export(int argc, char **argv)
{
	static const struct option options[] = {
		{"format", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *format = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			format = optarg;
			break;
		case 'h':
			fputs(export_help, stdout);
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(EXPORT_USAGE, opt, argv);
		}
	}
	if (!format)
		return cli_usage_error(EXPORT_USAGE, "--format is missing");
	if (strcmp(format, "sha256sums"))
		return cli_usage_error(EXPORT_USAGE, "--format %s: unknown", format);
	if (argc - optind != 1)
		return cli_usage_error(EXPORT_USAGE, "one baseline is expected");
	return export(argv[optind]);
}

/* ---- the command */

static const char baseline_usage[] =
	"usage: ecs-fim baseline create | sign | verify-signature | show | export …\n";

static const char baseline_help[] =
	"usage: ecs-fim baseline COMMAND [OPTION …]\n"
	"\n"
	"A baseline lists the expected state of everything that a policy covers. It is signed\n"
	"where the signing key is; hosts have the public key only.\n"
	"\n"
	"  create            measure a system and write its baseline\n"
	"  sign              make the detached signature\n"
	"  verify-signature  check the signature and the file\n"
	"  show              print what it says about itself or about one path\n"
	"  export            print it for sha256sum -c\n"
	"\n"
	"  ecs-fim baseline COMMAND --help explains each.\n";

int cmd_baseline(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{"create", cmd_create},
		{"sign", cmd_sign},
		{"verify-signature", cmd_verify_signature},
		{"show", cmd_show},
		{"export", cmd_export},
	};
	size_t i;

	if (argc < 2)
		return cli_usage_error(baseline_usage, "what to do with a baseline?");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(baseline_help, stdout);
		return FIM_EXIT_CLEAN;
	}
	opterr = 0;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1);
	return cli_usage_error(baseline_usage, "baseline %s: unknown", argv[1]);
}
