/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim baseline import: a baseline out of what another tool wrote down.
 */
#include <getopt.h>
#include <string.h>

#include "cli.h"

#define USAGE                                                                              \
	"usage: ecs-fim baseline import mtree FILE -o FILE [--policy FILE] [--root DIR]\n" \
	"               [--prefix DIR] [--provenance KEY=VALUE …] [--quiet] [--json]\n"

static const char help[] = USAGE
	"\n"
	"Makes a baseline of an mtree(5), as bsdtar --format=mtree, NetBSD's and FreeBSD's mtree\n"
	"write it. Only what it says is compared: type, mode, owner, size, sha256, link, nlink,\n"
	"flags, device. The header names the file and its digest. Nothing is signed: see sign.\n"
	"\n"
	"  -o, --output FILE      the baseline, by custom *.ndjson\n"
	"  --policy FILE          what is covered; default: what the mtree is about, which is\n"
	"                         each directory of which it says more than that it is one\n"
	"  --prefix DIR           directory of the system that its \".\" is (default /)\n"
	"  --root DIR             where the system is mounted, for its passwd and group, if\n"
	"                         owners are given by name (default /)\n"
	"  --provenance KEY=VALUE recorded in the baseline beside where it came from\n"
	"  --quiet                print nothing but errors\n"
	"  --json                 print the result as a JSON object\n"
	"\n"
	"Times and other digests are passed over. \"optional\" and what is below \"ignore\" become\n"
	"excluded; of \"nochange\" only the type counts. Any other keyword is refused.\n"
	"\n"
	"  bsdtar -cf image.mtree --format=mtree --options='!all,type,mode,uid,gid,size,sha256,link' -C /mnt/image etc usr/bin\n"
	"  ecs-fim baseline import mtree image.mtree -o baseline.ndjson\n"
	"  mtree -c -k type,mode,uid,gid,sha256,link -p /usr/bin >bin.mtree\n"
	"  ecs-fim baseline import mtree bin.mtree --prefix /usr/bin -o baseline.ndjson\n";

/**
 * struct import - arguments
 * @params: for the library
 * @policy: --policy
 * @output: --output
 * @quiet: --quiet
 * @json: --json
 */
struct import {
	struct fim_import_params params;
	const char *policy;
	const char *output;
	bool quiet;
	bool json;
};

static int put_result(const struct import *args, const struct fim_import_result *result)
{
	struct fim_json *json;

	if (args->json) {
		json = fim_json_object();
		fim_json_set_path(json, "output", args->output);
		fim_json_set_int(json, "count", (int64_t)result->objects);
		fim_json_set_int(json, "without_digest", (int64_t)result->without_digest);
		fim_json_set_int(json, "outside", (int64_t)result->outside);
		fim_json_set_int(json, "left_out", (int64_t)result->left_out);
		return cli_put_json(stdout, json);
	}
	if (args->quiet)
		return 0;
	cli_put_escaped(stdout, args->output);
	printf(": %zu objects", result->objects);
	if (result->without_digest)
		printf(", %zu files without SHA-256, whose content is not compared",
		       result->without_digest);
	if (result->outside)
		printf(", %zu outside of the policy left out", result->outside);
	if (result->left_out)
		printf(", %zu rules for \"optional\" and \"ignore\"", result->left_out);
	putchar('\n');
	return 0;
}

static int import(struct import *args)
{
	struct fim_import_result result;
	struct fim_policy *policy = NULL;
	int err = 0;

	if (args->policy)
		err = fim_policy_load(args->policy, &policy);
	args->params.policy = policy;
	if (!err)
		err = fim_import_mtree(&args->params, args->output, &result);
	if (!err)
		err = put_result(args, &result);
	fim_policy_free(policy);
	return cli_exit(err);
}

static int parse(int argc, char **argv, struct import *args, struct fim_json *provenance,
		 bool *help_ret)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"output", required_argument, NULL, 'o'},
		{"root", required_argument, NULL, 'r'},
		{"prefix", required_argument, NULL, 'x'},
		{"provenance", required_argument, NULL, 'P'},
		{"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, status = FIM_EXIT_CLEAN;

	while (!status && (opt = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			args->policy = optarg;
			break;
		case 'o':
			args->output = optarg;
			break;
		case 'r':
			args->params.root = optarg;
			break;
		case 'x':
			args->params.prefix = optarg;
			break;
		case 'P':
			status = cli_add_provenance(USAGE, provenance, optarg);
			break;
		case 'q':
			args->quiet = true;
			break;
		case 'j':
			args->json = true;
			break;
		case 'h':
			*help_ret = true;
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(USAGE, opt, argv);
		}
	}
	if (status)
		return status;
	if (argc - optind != 2)
		return cli_usage_error(USAGE, "a format and one file are expected");
	if (strcmp(argv[optind], "mtree") != 0)
		return cli_usage_error(USAGE, "%s: a format that this cannot import", argv[optind]);
	if (!args->output)
		return cli_usage_error(USAGE, "-o is missing: where should the baseline go?");
	args->params.file = argv[optind + 1];
	return FIM_EXIT_CLEAN;
}

int cmd_baseline_import(int argc, char **argv)
{
	struct fim_json *provenance = fim_json_object();
	struct import args = {.params = {.root = "/", .prefix = "/", .provenance = provenance}};
	bool show_help = false;
	int status;

	status = parse(argc, argv, &args, provenance, &show_help);
	if (show_help)
		fputs(help, stdout);
	else if (!status)
		status = import(&args);
	fim_json_free(provenance);
	return status;
}
