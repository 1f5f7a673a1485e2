/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim rules: check, list and compile detections written in the Falco language.
 * What runs them is cmd_rules_eval.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd_rules.h"

#define USAGE                                                                             \
	"usage: ecs-fim rules check [--json] [RULES …]\n"                               \
	"       ecs-fim rules list [--tag TAG …] [--json] [RULES …]\n"                \
	"       ecs-fim rules eval --source SOURCE [--rules RULES …] [--tag TAG …]\n" \
	"                          [--state FILE] [--follow] INPUT …\n"                 \
	"       ecs-fim rules eval --fields FILE --rules RULES [RULES …]\n"             \
	"       ecs-fim rules test [--rules RULES …] [CASES …]\n"                     \
	"       ecs-fim rules compile RULES …\n"                                        \
	"       ecs-fim rules compile --condition TEXT [--source SOURCE]\n"

static const char help[] = USAGE
	"\n"
	"Rules say which events are worth a finding, in the language of Falco. RULES is a YAML\n"
	"file or a directory of them; several are one set, in this order. Without RULES: those\n"
	"that are installed in " RULES_DIR ".\n"
	"\n"
	"  check          say what is wrong with rules, and which of them can never fire here\n"
	"                 because they need what is not observed\n"
	"  list           show the rules\n"
	"  eval           run rules over events; one JSON line for each hit\n"
	"  test           run the cases that say which rule must fire on what, and which not\n"
	"  compile        print each condition as it is understood\n"
	"\n"
	"  --tag TAG      only rules with this tag; may be repeated\n"
	"  --json         JSON lines\n"
	"  --source SOURCE\n"
	"                 syscall: records of the journal (findings, containers) or what\n"
	"                 docker inspect prints; aws_cloudtrail: CloudTrail log files,\n"
	"                 plain or gzip, or a directory of them\n"
	"  --rules RULES  rules to run; may be repeated\n"
	"  --state FILE   remember what was read, and do not read it again\n"
	"  --follow       read on when all was read, until interrupted\n"
	"  --fields FILE  lines of {\"source\",\"fields\"}; for each a JSON array of hits.\n"
	"                 Rules that are not enabled run as well\n"
	"  INPUT          file, or - for standard input\n"
	"\n"
	"exit status: 0 no hits, good rules, tests passed; 3 hits, failed tests; 1 error;\n"
	"2 wrong usage\n"
	"\n"
	"  ecs-fim rules check falco_rules.yaml my_rules.yaml\n"
	"  ecs-fim rules eval --source aws_cloudtrail trail/ | jq -r .output\n";

/* ---------------------------------------------------------------- loading */

static void put_message(const struct fim_rules_message *message)
{
	/* The engine calls a place in a file that does not parse a value for nothing. */
	bool is_place = !strcmp(message->item_type, "value for") && !*message->item;
	const char *item_type = is_place ? "" : message->item_type;
	char *text = NULL;

	/* A file that could not be read: whoever tried has said so. */
	if (!strcmp(message->code, "LOAD_ERR_FILE_READ") && !message->line)
		return;
	if (asprintf(&text, "%s:%u:%u: %s: %s%s%s%s%s%s [%s]", message->file, message->line,
		     message->column, message->is_error ? "error" : "warning", item_type,
		     *message->item ? " '" : "", message->item, *message->item ? "'" : "",
		     *item_type ? ": " : "", message->text, message->code) < 0)
		return;
	cli_put_escaped(stderr, text);
	fputc('\n', stderr);
	free(text);
}

static void put_errors(void *ctx, const struct fim_rules_message *message)
{
	(void)ctx;
	if (message->is_error)
		put_message(message);
}

int rules_load(const struct rules_options *options, const char *const *paths, bool with_disabled,
	       struct fim_rules **rules_ret)
{
	static const char *const installed[] = {RULES_DIR, NULL};
	struct fim_rules_params params = {
		.message = put_errors,
		.tags = options->tag_count ? options->tags : NULL,
		.with_disabled = with_disabled,
	};

	return fim_rules_load(*paths ? paths : installed, &params, rules_ret);
}

/* ------------------------------------------------------------------ check */

struct check {
	bool json;
	size_t errors;
	size_t warnings;
};

static void check_message(void *ctx, const struct fim_rules_message *message)
{
	struct check *check = ctx;
	struct fim_json *json;

	*(message->is_error ? &check->errors : &check->warnings) += 1;
	if (!check->json) {
		put_message(message);
		return;
	}
	json = fim_json_object();
	fim_json_set_str(json, "type", message->is_error ? "error" : "warning");
	fim_json_set_str(json, "code", message->code);
	fim_json_set_path(json, "file", message->file);
	fim_json_set_int(json, "line", message->line);
	fim_json_set_int(json, "column", message->column);
	fim_json_set_str(json, "item_type", message->item_type);
	fim_json_set_bytes(json, "item", message->item, strlen(message->item));
	fim_json_set_bytes(json, "message", message->text, strlen(message->text));
	cli_put_json(stdout, json);
}

static struct fim_json *strings(const char *const *list)
{
	struct fim_json *array = fim_json_array();

	for (; *list; list++)
		fim_json_append_str(array, *list);
	return array;
}

static void put_limit(const struct fim_rules_rule *rule, bool as_json)
{
	const char *reason = rule->never ? rule->never : rule->limited;
	struct fim_json *json;

	if (!as_json) {
		fputs("  ", stdout);
		cli_put_escaped(stdout, rule->name);
		printf(": %s\n", reason);
		return;
	}
	json = fim_json_object();
	fim_json_set_str(json, "type", rule->never ? "never" : "limited");
	fim_json_set_str(json, "rule", rule->name);
	fim_json_set_str(json, "source", rule->source);
	fim_json_set_str(json, "reason", reason);
	fim_json_set(json, "missing", strings(rule->missing));
	cli_put_json(stdout, json);
}

/* Rules that see nothing of what they are for, then those that see a part. */
static void put_limits(const struct fim_rules *rules, bool as_json, bool never)
{
	size_t count = 0, i;

	for (i = 0; i < fim_rules_count(rules); i++) {
		const struct fim_rules_rule *rule = fim_rules_index(rules, i);

		if (!(never ? rule->never : rule->limited))
			continue;
		if (!count++ && !as_json)
			puts(never ? "cannot fire on what is observed here:"
				   : "see only a part of what they are for:");
		put_limit(rule, as_json);
	}
}

static int check(const struct rules_options *options)
{
	static const char *const installed[] = {RULES_DIR, NULL};
	struct check state = {.json = options->json};
	struct fim_rules_params params = {.message = check_message, .ctx = &state};
	struct fim_rules *rules = NULL;
	int err;

	err = fim_rules_load(options->arg_count ? options->args : installed, &params, &rules);
	if (err)
		return cli_exit(err);
	if (!options->json)
		printf("%zu rules, %zu warnings\n", fim_rules_count(rules), state.warnings);
	put_limits(rules, options->json, true);
	put_limits(rules, options->json, false);
	fim_rules_free(rules);
	return FIM_EXIT_CLEAN;
}

/* ------------------------------------------------------------------- list */

static void list_json(const struct fim_rules_rule *rule)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "rule", rule->name);
	fim_json_set_str(json, "source", rule->source);
	fim_json_set_str(json, "priority", fim_rules_priority_name(rule->priority));
	fim_json_set_bool(json, "enabled", rule->enabled);
	fim_json_set(json, "tags", strings(rule->tags));
	fim_json_set_str(json, "desc", rule->desc);
	fim_json_set_str(json, "never", rule->never);
	fim_json_set_str(json, "limited", rule->limited);
	cli_put_json(stdout, json);
}

static void list_line(const struct fim_rules_rule *rule)
{
	size_t i;

	printf("%-13s %-14s %s", fim_rules_priority_name(rule->priority), rule->source,
	       rule->enabled ? "" : "(off) ");
	cli_put_escaped(stdout, rule->name);
	for (i = 0; i < rule->tag_count; i++) {
		fputs(i ? " " : "  [", stdout);
		cli_put_escaped(stdout, rule->tags[i]);
	}
	puts(rule->tag_count ? "]" : "");
}

static bool is_wanted(const struct rules_options *options, const struct fim_rules_rule *rule)
{
	size_t i;

	for (i = 0; i < options->tag_count; i++)
		if (fim_rules_has_tag(rule, options->tags[i]))
			return true;
	return !options->tag_count;
}

static int list(const struct rules_options *options)
{
	struct fim_rules *rules;
	size_t i;
	int err;

	err = rules_load(options, options->args, true, &rules);
	if (err)
		return cli_exit(err);
	for (i = 0; i < fim_rules_count(rules); i++) {
		const struct fim_rules_rule *rule = fim_rules_index(rules, i);

		if (!is_wanted(options, rule))
			continue;
		if (options->json)
			list_json(rule);
		else
			list_line(rule);
	}
	fim_rules_free(rules);
	return FIM_EXIT_CLEAN;
}

/* ---------------------------------------------------------------- compile */

static int compile_condition(const struct rules_options *options)
{
	char *canonical = NULL, *error = NULL;
	int err = fim_rules_condition(options->condition, strlen(options->condition),
				      options->source, &canonical, &error);

	if (!err)
		puts(canonical);
	else if (err == -ENOENT)
		cli_error("%s: no such source", options->source);
	else
		cli_error("%s", error ? error : strerror(-err));
	free(canonical);
	free(error);
	return cli_exit(err);
}

static int compile(const struct rules_options *options)
{
	struct fim_rules *rules;
	size_t i;
	int err;

	if (options->condition)
		return compile_condition(options);
	err = rules_load(options, options->args, true, &rules);
	if (err)
		return cli_exit(err);
	for (i = 0; i < fim_rules_count(rules); i++) {
		const struct fim_rules_rule *rule = fim_rules_index(rules, i);
		struct fim_json *json = fim_json_object();

		fim_json_set_str(json, "rule", rule->name);
		fim_json_set_str(json, "source", rule->source);
		fim_json_set_bytes(json, "condition", rule->condition, strlen(rule->condition));
		cli_put_json(stdout, json);
	}
	fim_rules_free(rules);
	return FIM_EXIT_CLEAN;
}

/* ---------------------------------------------------------------- options */

static bool read_options(int argc, char **argv, struct rules_options *options, int *status_ret)
{
	const struct cli_option table[] = {
		{"tag", .list = options->tags, .count = &options->tag_count},
		{"json", .flag = &options->json},
		{"source", .text = &options->source},
		{"rules", .list = options->paths, .count = &options->path_count},
		{"state", .text = &options->state},
		{"follow", .flag = &options->follow},
		{"fields", .text = &options->fields},
		{"condition", .text = &options->condition},
		{0},
	};

	return cli_take_options(argc, argv, USAGE, help, table, status_ret);
}

static int run(const char *action, struct rules_options *options)
{
	static const struct {
		const char *name;
		int (*run)(const struct rules_options *options);
	} actions[] = {
		{"check", check},     {"list", list},	    {"eval", rules_eval},
		{"test", rules_test}, {"compile", compile},
	};
	size_t i;

	for (i = 0; action && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(action, actions[i].name) != 0)
			continue;
		if (options->json && i > 1)
			return cli_usage_error(USAGE, "rules: --json goes with check and list");
		if (!strcmp(action, "compile") && !options->condition && !options->arg_count)
			return cli_usage_error(USAGE, "rules compile: say which RULES");
		if (!strcmp(action, "eval") && !options->source == !options->fields)
			return cli_usage_error(USAGE, "rules eval: say --source or --fields");
		if (!strcmp(action, "eval") && options->source && !options->arg_count)
			return cli_usage_error(USAGE, "rules eval: say which INPUT");
		return actions[i].run(options);
	}
	return cli_usage_error(USAGE, "rules: say check, list, eval, test or compile");
}

int cmd_rules(int argc, char **argv)
{
	struct rules_options options = {0};
	int status = FIM_EXIT_ERROR;

	options.paths = calloc((size_t)argc + 1, sizeof(*options.paths));
	options.tags = calloc((size_t)argc + 1, sizeof(*options.tags));
	if (!options.paths || !options.tags) {
		cli_error("out of memory");
	} else if (read_options(argc, argv, &options, &status)) {
		options.args = (const char *const *)argv + optind + (optind < argc);
		options.arg_count = optind < argc ? (size_t)(argc - optind - 1) : 0;
		status = run(argv[optind], &options);
	}
	free(options.paths);
	free(options.tags);
	return status;
}
