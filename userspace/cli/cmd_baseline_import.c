/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim baseline import: a baseline out of what another tool wrote down.
 */
#include <string.h>
#include <unistd.h>

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

static bool parse(int argc, char **argv, struct import *args, struct fim_json *provenance,
		  int *status_ret)
{
	const struct cli_option options[] = {
		{"policy", .text = &args->policy},
		{"output", 'o', .text = &args->output},
		{"root", .text = &args->params.root},
		{"prefix", .text = &args->params.prefix},
		{"provenance", .take = cli_take_provenance, .ctx = provenance},
		{"quiet", 'q', .flag = &args->quiet},
		{"json", .flag = &args->json},
		{0},
	};

	if (!cli_take_options(argc, argv, USAGE, help, options, status_ret))
		return false;
	if (argc - optind != 2)
		*status_ret = cli_usage_error(USAGE, "a format and one file are expected");
	else if (strcmp(argv[optind], "mtree") != 0)
		*status_ret = cli_usage_error(USAGE, "%s: a format that this cannot import",
					      argv[optind]);
	else if (!args->output)
		*status_ret =
			cli_usage_error(USAGE, "-o is missing: where should the baseline go?");
	else
		args->params.file = argv[optind + 1];
	return !*status_ret;
}

int cmd_baseline_import(int argc, char **argv)
{
	struct fim_json *provenance = fim_json_object();
	struct import args = {.params = {.root = "/", .prefix = "/", .provenance = provenance}};
	int status;

	if (parse(argc, argv, &args, provenance, &status))
		status = import(&args);
	fim_json_free(provenance);
	return status;
}
