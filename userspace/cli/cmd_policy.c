/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim policy: is a policy right, and what does it say of a path.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define CHECK_USAGE "usage: ecs-fim policy check [--json] POLICY.yaml …\n"
#define EXPLAIN_USAGE                                                                  \
	"usage: ecs-fim policy explain [--policy POLICY.yaml | --baseline BASELINE]\n" \
	"               [--config FILE] [--json] PATH …\n"

static const char check_help[] = CHECK_USAGE
	"\n"
	"Reads policies as \"baseline create\" does and says what is in them. What is wrong is\n"
	"named with file, line and column.\n"
	"\n"
	"  --json             one JSON object per policy\n"
	"\n"
	"exit status: 0 all are right, 1 one is not, 2 wrong usage\n";

static const char explain_help[] = EXPLAIN_USAGE
	"\n"
	"Says how a path is compared: whether it is covered, which rule decides, its class,\n"
	"reason and approver, and what a difference would mean. With a baseline also what is\n"
	"expected there.\n"
	"\n"
	"  --policy FILE      the policy\n"
	"  --baseline FILE    the policy that is in this baseline; its signature is not checked\n"
	"  --config FILE      default: the baseline of this configuration, or of\n"
	"                     " FIM_CONFIG_PATH "\n"
	"  --json             one JSON object per path\n"
	"\n"
	"  ecs-fim policy explain /etc/machine-id /usr/bin/sudo\n"
	"  ecs-fim policy explain --policy al2023.yaml /etc/ecs/ecs.config\n";

static const char policy_usage[] = "usage: ecs-fim policy check | explain …\n";

static const char policy_help[] =
	"usage: ecs-fim policy COMMAND [OPTION …]\n"
	"\n"
	"A policy says what a baseline covers and how each path of it is compared.\n"
	"\n"
	"  check             is it right?\n"
	"  explain           what does it say of a path?\n"
	"\n"
	"  ecs-fim policy COMMAND --help explains each.\n";

/* ---- check */

static struct fim_json *classes_json(const struct fim_policy *policy)
{
	size_t counts[FIM_CLASS_EXCLUDED + 1] = {0}, i;
	struct fim_json *json = fim_json_object();

	for (i = 0; i < fim_policy_rule_count(policy); i++)
		counts[fim_policy_rule(policy, i)->cls]++;
	for (i = 0; i <= FIM_CLASS_EXCLUDED; i++)
		fim_json_set_int(json, fim_class_name((enum fim_class)i), (int64_t)counts[i]);
	return json;
}

static int put_count(void *ctx, const char *class_name, struct fim_json *value)
{
	int64_t count;

	(void)value;
	count = fim_json_get_int(ctx, class_name, 0);
	if (count)
		printf(" %s %lld", class_name, (long long)count);
	return 0;
}

static int put_policy(const char *file, const struct fim_policy *policy, bool as_json)
{
	struct fim_json *classes = classes_json(policy), *json, *roots;
	size_t i;

	if (as_json) {
		json = fim_json_object();
		roots = fim_json_array();
		fim_json_set_path(json, "file", file);
		fim_json_set_str(json, "name", fim_policy_name(policy));
		fim_json_set_str(json, "digest", fim_policy_digest(policy));
		for (i = 0; i < fim_policy_root_count(policy); i++)
			fim_json_append_str(roots, fim_policy_root(policy, i));
		fim_json_set(json, "roots", roots);
		fim_json_set(json, "rules", classes);
		return cli_put_json(stdout, json);
	}
	cli_put_escaped(stdout, file);
	printf(": %sright%s: ", cli_colour(stdout, CLI_GREEN), cli_colour(stdout, CLI_PLAIN));
	cli_put_escaped(stdout, fim_policy_name(policy));
	printf(", %zu roots, %zu rules:", fim_policy_root_count(policy),
	       fim_policy_rule_count(policy));
	fim_json_each(classes, put_count, classes);
	printf("\n  digest %s\n", fim_policy_digest(policy));
	fim_json_free(classes);
	return 0;
}

static int cmd_check(int argc, char **argv)
{
	int err, status = FIM_EXIT_CLEAN;
	struct fim_policy *policy;
	bool as_json = false;
	const struct cli_option options[] = {
		{"json", .flag = &as_json},
		{0},
	};

	if (!cli_take_options(argc, argv, CHECK_USAGE, check_help, options, &status))
		return status;
	if (optind == argc)
		return cli_usage_error(CHECK_USAGE, "which policy?");
	for (; optind < argc; optind++) {
		policy = NULL;
		err = fim_policy_load(argv[optind], &policy);
		if (!err)
			err = put_policy(argv[optind], policy, as_json);
		fim_policy_free(policy);
		if (err)
			status = FIM_EXIT_ERROR;
	}
	return status;
}

/* ---- explain */

static void put_field(const char *label, const char *text)
{
	if (!text)
		return;
	printf("  %-10s ", label);
	cli_put_escaped(stdout, text);
	putchar('\n');
}

static struct fim_json *compared_json(enum fim_class cls)
{
	uint32_t mask = fim_class_mask(cls), bit;
	struct fim_json *json = fim_json_array();

	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (mask & bit)
			fim_json_append_str(json, fim_diff_name(bit));
	return json;
}

static void put_list(const char *label, const struct fim_json *list)
{
	size_t i;

	if (!fim_json_count(list))
		return;
	printf("  %-10s", label);
	for (i = 0; i < fim_json_count(list); i++) {
		putchar(' ');
		cli_put_escaped(stdout, fim_json_str(fim_json_index(list, i)));
	}
	putchar('\n');
}

static struct fim_json *writers_json(const struct fim_rule *rule)
{
	struct fim_json *json = fim_json_array();
	size_t i;

	for (i = 0; rule->writers && rule->writers[i]; i++)
		fim_json_append_str(json, rule->writers[i]);
	return json;
}

/* False: the rule that stands for having none. */
static bool is_in_policy(const struct fim_policy *policy, const struct fim_rule *rule)
{
	size_t i;

	for (i = 0; i < fim_policy_rule_count(policy); i++)
		if (fim_policy_rule(policy, i) == rule)
			return true;
	return false;
}

static struct fim_json *explanation(const char *path, const struct fim_policy *policy,
				    const struct fim_baseline *baseline)
{
	const struct fim_entry *entry = baseline ? fim_baseline_lookup(baseline, path) : NULL;
	const struct fim_rule *rule = fim_policy_lookup(policy, path);
	struct fim_json *json = fim_json_object(), *expected;
	bool covered = fim_policy_covers(policy, path);

	fim_json_set_path(json, "path", path);
	fim_json_set_bool(json, "covered", covered);
	fim_json_set_str(json, "policy", fim_policy_name(policy));
	if (!covered)
		return json;
	fim_json_set_str(json, "class", fim_class_name(rule->cls));
	fim_json_set_str(json, "meaning", fim_class_meaning(rule->cls));
	if (is_in_policy(policy, rule))
		fim_json_set_path(json, "rule", rule->path);
	fim_json_set_str(json, "reason", rule->reason);
	fim_json_set_str(json, "approver", rule->approver);
	fim_json_set_str(json, "category", rule->category);
	fim_json_set_str(json, "template", rule->template);
	fim_json_set(json, "writers", writers_json(rule));
	fim_json_set(json, "compared", compared_json(rule->cls));
	if (entry) {
		expected = fim_json_object();
		fim_state_to_json(&entry->state, expected);
		fim_json_set_str(expected, "package", entry->package);
		if (entry->origin != FIM_ORIGIN_UNKNOWN)
			fim_json_set_str(expected, "origin", fim_origin_name(entry->origin));
		fim_json_set(json, "expected", expected);
	}
	return json;
}

static int put_explanation(struct fim_json *json, const char *path, bool as_json)
{
	const char *rule = fim_json_get_str(json, "rule");
	char *text = NULL;
	size_t len;

	if (as_json)
		return cli_put_json(stdout, json);
	cli_put_escaped(stdout, path);
	if (!fim_json_get_bool(json, "covered", false)) {
		printf(": %snot covered%s: below none of the roots of the policy\n",
		       cli_colour(stdout, CLI_YELLOW), cli_colour(stdout, CLI_PLAIN));
	} else {
		printf(": %s%s%s\n", cli_colour(stdout, CLI_BOLD), fim_json_get_str(json, "class"),
		       cli_colour(stdout, CLI_PLAIN));
		put_field("meaning", fim_json_get_str(json, "meaning"));
		put_field("rule", rule ? rule : "none: what has no rule is strict");
		put_field("reason", fim_json_get_str(json, "reason"));
		put_field("approver", fim_json_get_str(json, "approver"));
		put_field("category", fim_json_get_str(json, "category"));
		put_field("template", fim_json_get_str(json, "template"));
		put_list("writers", fim_json_get(json, "writers"));
		put_list("compared", fim_json_get(json, "compared"));
	}
	if (fim_json_get(json, "expected") &&
	    !fim_json_dump(fim_json_get(json, "expected"), &text, &len))
		put_field("expected", text);
	free(text);
	fim_json_free(json);
	return 0;
}

/* Of a path as it was typed: "/etc/" is "/etc". */
static char *path_of(const char *text)
{
	size_t len = strlen(text);
	char *path;

	if (*text != '/') {
		cli_error("%s: not an absolute path", text);
		return NULL;
	}
	while (len > 1 && text[len - 1] == '/')
		len--;
	path = strndup(text, len);
	if (!path)
		cli_error("out of memory");
	return path;
}

/**
 * struct explain - arguments of "policy explain"
 * @policy: --policy
 * @baseline: --baseline
 * @config: --config
 * @json: --json
 */
struct explain {
	const char *policy;
	const char *baseline;
	const char *config;
	bool json;
};

static int explain(const struct explain *args, char **paths)
{
	const struct fim_policy *policy = NULL;
	struct fim_baseline *baseline = NULL;
	struct fim_config *config = NULL;
	struct fim_policy *loaded = NULL;
	char *path;
	int err = 0;

	if (args->policy) {
		err = fim_policy_load(args->policy, &loaded);
		policy = loaded;
	} else {
		if (!args->baseline)
			err = fim_config_load(args->config, &config);
		if (!err)
			err = fim_baseline_open(args->baseline ? args->baseline : config->baseline,
						NULL, NULL, &baseline);
		policy = err ? NULL : fim_baseline_policy(baseline);
	}
	for (; !err && *paths; paths++) {
		path = path_of(*paths);
		err = path ? put_explanation(explanation(path, policy, baseline), path, args->json)
			   : -EINVAL;
		free(path);
	}
	fim_policy_free(loaded);
	fim_baseline_free(baseline);
	fim_config_free(config);
	return cli_exit(err);
}

static int cmd_explain(int argc, char **argv)
{
	struct explain args = {0};
	const struct cli_option options[] = {
		{"policy", .text = &args.policy},
		{"baseline", .text = &args.baseline},
		{"config", .text = &args.config},
		{"json", .flag = &args.json},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, EXPLAIN_USAGE, explain_help, options, &status))
		return status;
	if (args.policy && args.baseline)
		return cli_usage_error(EXPLAIN_USAGE, "--policy or --baseline, not both");
	if (optind == argc)
		return cli_usage_error(EXPLAIN_USAGE, "which path?");
	return explain(&args, argv + optind);
}

int cmd_policy(int argc, char **argv)
{
	if (argc < 2)
		return cli_usage_error(policy_usage, "what to do with a policy?");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(policy_help, stdout);
		return FIM_EXIT_CLEAN;
	}
	if (!strcmp(argv[1], "check"))
		return cmd_check(argc - 1, argv + 1);
	if (!strcmp(argv[1], "explain"))
		return cmd_explain(argc - 1, argv + 1);
	return cli_usage_error(policy_usage, "policy %s: unknown", argv[1]);
}
