/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim timeline: what happened on hosts and in the AWS account, as incidents.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd_rules.h"

#define SECOND_NS   INT64_C(1000000000)
#define DAY_NS	    (86400 * SECOND_NS)
#define SECONDS_LEN 19 /* of a time without its fraction */

#define USAGE                                                                       \
	"usage: ecs-fim timeline [--task TASK] [--cluster CLUSTER] [--user USER]\n" \
	"               [--session ID] [--window TIME] [--from T] [--to T]\n"       \
	"               [--journal PATH …] [--cloudtrail PATH … [--rules RULES …]] [--json]\n"

static const char help[] = USAGE
	"\n"
	"Tells what belongs together as one incident, in the order in which it happened: findings\n"
	"of hosts and containers, who got into a container, and calls of the AWS API. Two of them\n"
	"belong together if they share a task, a cluster, a container or a principal within the\n"
	"window, or a session of ECS Exec. A record that came late stands where it belongs.\n"
	"\n"
	"  --task TASK        incidents in which this task occurs: its ARN, or the id at its end\n"
	"  --cluster CLUSTER  ARN or name of a cluster\n"
	"  --user USER        ARN of a principal, the name at its end, or a user of the host\n"
	"  --session ID       session of ECS Exec, ecs-execute-command-…\n"
	"                     Several of these: all must occur. None: every incident of more\n"
	"                     than one event.\n"
	"  --window TIME      90s, 15m, 2h, 1d: longer apart, two events are not joined;\n"
	"                     default: 1h\n"
	"  --from T, --to T   first and last moment, 2026-11-22 or 2026-11-22T09:41:00Z, in UTC\n"
	"  --journal PATH     journal of a host, file or directory; may be repeated, for\n"
	"                     several hosts; default: from the configuration\n"
	"  --cloudtrail PATH  CloudTrail log files, or a directory of them; may be repeated. What\n"
	"                     a rule says about them is told, once, even if the journal has it\n"
	"  --rules RULES      rules for --cloudtrail; default: those that are installed\n"
	"  --json             one JSON object per incident\n"
	"\n"
	"exit status: 3 there is an incident, 0 there is none, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim timeline --cluster demo --cloudtrail AWSLogs/\n"
	"  ecs-fim timeline --task 0f3c5a1b2d4e4f60a7b8c9d0e1f20314 --window 15m\n"
	"  ecs-fim timeline --user mallory --json | jq -r '.events[].record.rule'\n";

#define PATHS_MAX 256

/**
 * struct timeline - arguments, and what is read
 * @params: window and moments
 * @query: which incidents
 * @rules: what --rules says; its @paths are @rule_paths
 * @journals: of --journal, NULL-terminated, likewise the other lists
 * @json: as JSON
 * @timeline: what was read
 * @event: for CloudTrail
 * @host: whose journal is read; "": not said yet
 * @told: incidents
 */
struct timeline {
	struct fim_timeline_params params;
	struct fim_timeline_query query;
	struct rules_options rules;
	const char *journals[PATHS_MAX + 1];
	const char *trails[PATHS_MAX + 1];
	const char *rule_paths[PATHS_MAX + 1];
	bool json;
	struct fim_timeline *timeline;
	struct fim_rules_event *event;
	char host[256];
	uint64_t told;
};

/* ----------------------------------------------------------------- reading */

static int add(struct timeline *t, const char *host, const char *text, size_t len)
{
	int err = fim_timeline_add(t->timeline, host, text, len);

	if (err == -E2BIG)
		cli_error("more than %d records: say --from and --to", FIM_TIMELINE_MAX);
	return err;
}

/* The record with which a daemon starts says on which host. */
static void learn_host(struct timeline *t, const struct fim_line *line)
{
	struct fim_json *record = NULL;
	const char *host;

	if (!memmem(line->text, line->len, "\"hostname\"", 10) ||
	    fim_json_parse(line->text, line->len, NULL, &record))
		return;
	host = fim_json_str(fim_json_at(record, "detail/hostname"));
	if (host && strlen(host) < sizeof(t->host))
		strcpy(t->host, host);
	fim_json_free(record);
}

static int take_line(void *ctx, const struct fim_line *line)
{
	struct timeline *t = ctx;

	if (strcmp(line->type, "control") == 0) {
		learn_host(t, line);
		return 0;
	}
	if (strcmp(line->type, "finding") != 0 && strcmp(line->type, "access") != 0 &&
	    strcmp(line->type, "container") != 0)
		return 0;
	return add(t, t->host, line->text, line->len);
}

static int read_journal(struct timeline *t, const char *path)
{
	struct fim_journal_check check;
	int err;

	t->host[0] = '\0';
	err = fim_journal_scan(path, take_line, t, &check);
	if (err == -EBADMSG)
		cli_error("%s: record %" PRIu64 " is not what was written (%s): what is told "
			  "ends before it",
			  path, check.first_bad, check.reason);
	return err;
}

/* Without --journal that of this host; with CloudTrail there need not be one. */
static int read_journals(struct timeline *t)
{
	struct fim_config *config = NULL;
	int err, bad = 0;

	for (size_t i = 0; t->journals[i]; i++) {
		err = read_journal(t, t->journals[i]);
		if (err && err != -EBADMSG)
			return err;
		bad = err ? err : bad;
	}
	if (t->journals[0])
		return bad;
	err = fim_config_load(NULL, &config);
	if (err)
		return err;
	if (t->trails[0] && access(config->journal_dir, F_OK) < 0 && errno == ENOENT)
		cli_error("warning: there is no %s: CloudTrail only", config->journal_dir);
	else
		err = read_journal(t, config->journal_dir);
	fim_config_free(config);
	return err;
}

struct call {
	struct timeline *timeline;
	const char *text;
	size_t len;
	int64_t time_ns;
};

static int take_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	const struct call *call = ctx;
	struct fim_json *finding =
		fim_rules_cloudtrail_finding(event, rule, call->time_ns, call->text, call->len);
	char *text = NULL;
	size_t len;
	int err = finding ? fim_json_dump(finding, &text, &len) : -ENOMEM;

	if (!err)
		err = add(call->timeline, NULL, text, len);
	free(text);
	fim_json_free(finding);
	return err;
}

static int take_call(void *ctx, const char *text, size_t len)
{
	struct timeline *t = ctx;
	struct call call = {t, text, len, 0};
	int err;

	fim_rules_event_reset(t->event);
	err = fim_rules_event_set_cloudtrail(t->event, text, len, &call.time_ns);
	return err ? err : fim_rules_eval(t->event, take_hit, &call);
}

static int read_trails(struct timeline *t)
{
	struct fim_cloudtrail_params params = {.record = take_call, .ctx = t};
	struct fim_cloudtrail *reader = NULL;
	struct fim_rules *rules = NULL;
	int err;

	if (!t->trails[0])
		return 0;
	err = rules_load(&t->rules, t->rules.paths, false, &rules);
	if (err)
		return err;
	err = fim_rules_event_new(rules, "aws_cloudtrail", &t->event);
	if (err)
		goto out_rules;
	err = fim_cloudtrail_open(&params, &reader);
	if (err)
		goto out_event;
	for (size_t i = 0; t->trails[i] && !err; i++)
		err = fim_cloudtrail_read(reader, t->trails[i]);
	if (fim_cloudtrail_totals(reader).malformed)
		cli_error("warning: %" PRIu64 " records or files are not what they should be",
			  fim_cloudtrail_totals(reader).malformed);
	fim_cloudtrail_close(reader);
out_event:
	fim_rules_event_free(t->event);
out_rules:
	fim_rules_free(rules);
	return err;
}

/* ----------------------------------------------------------------- showing */

static enum cli_colour colour_of(const char *severity)
{
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return CLI_RED;
	return strcmp(severity, "medium") == 0 ? CLI_YELLOW : CLI_PLAIN;
}

static void put_time(const char *time)
{
	printf("%.*sZ", SECONDS_LEN, time);
}

static void put_list(const char *name, const struct fim_json *list)
{
	for (size_t i = 0; i < fim_json_count(list); i++) {
		printf("  %-10s ", name);
		cli_put_escaped(stdout, fim_json_str(fim_json_index(list, i)));
		putchar('\n');
	}
}

static void put_principals(const struct fim_json *list)
{
	for (size_t i = 0; i < fim_json_count(list); i++) {
		const struct fim_json *one = fim_json_index(list, i);

		printf("  %-10s ", "principal");
		cli_put_escaped(stdout, fim_json_get_str(one, "arn"));
		if (fim_json_is_bool(fim_json_get(one, "mfa")))
			printf(fim_json_get_bool(one, "mfa", false) ? ", with MFA"
								    : ", %swithout MFA%s",
			       cli_colour(stdout, CLI_RED), cli_colour(stdout, CLI_PLAIN));
		putchar('\n');
	}
}

static void put_part(const char *before, const char *text)
{
	if (!text)
		return;
	fputs(before, stdout);
	cli_put_escaped(stdout, text);
}

static void put_bytes(const char *before, const struct fim_json *record, const char *key)
{
	char *bytes;
	size_t len;

	if (fim_json_get_bytes(record, key, &bytes, &len))
		return;
	put_part(before, bytes);
	free(bytes);
}

static void put_record(const struct fim_json *record)
{
	const char *output = fim_json_get_str(record, "output");
	const struct fim_json *actor = fim_json_get(record, "actor");
	const struct fim_json *command = fim_json_get(record, "command");

	if (output) {
		cli_put_escaped(stdout, output);
		return;
	}
	if (fim_json_get_str(record, "trigger")) {
		fputs("privileged container started", stdout);
		put_part(" ", fim_json_str(fim_json_at(record, "container/name")));
		return;
	}
	put_part("", fim_json_get_str(record, "kind"));
	put_part("", fim_json_get_str(record, "action"));
	put_bytes(" ", record, "path");
	put_bytes(" from ", record, "old_path");
	for (size_t i = 0; i < fim_json_count(command); i++)
		put_part(i ? " " : ": ", fim_json_str(fim_json_index(command, i)));
	put_bytes(" by ", actor, "exe");
	put_part(" as ", fim_json_get_str(actor, "user"));
	put_part(" in ", fim_json_str(fim_json_at(record, "container/name")));
}

static void put_event(const struct fim_json *event)
{
	const struct fim_json *record = fim_json_get(event, "record");
	const char *severity = fim_json_get_str(event, "severity");
	const char *principal = fim_json_get_str(event, "principal");
	bool is_call = fim_json_is_object(fim_json_get(record, "cloudtrail"));

	fputs("  ", stdout);
	put_time(fim_json_get_str(event, "time"));
	printf("  %s%-8s%s  %-4s  ", cli_colour(stdout, colour_of(severity)), severity,
	       cli_colour(stdout, CLI_PLAIN), is_call ? "aws" : "host");
	put_record(record);
	/* By the session: CloudTrail's own calls name who made them. */
	if (!is_call)
		put_part(", in a session of ", principal);
	if (fim_json_get_bool(event, "late", false)) {
		fputs(" (came late: ", stdout);
		put_time(fim_json_get_str(event, "recorded"));
		putchar(')');
	}
	putchar('\n');
}

static int tell(void *ctx, struct fim_json *incident)
{
	struct timeline *t = ctx;
	const struct fim_json *events = fim_json_get(incident, "events");
	const char *severity = fim_json_get_str(incident, "severity");

	t->told++;
	if (t->json)
		return cli_put_json(stdout, incident);
	printf("%s%sincident %" PRIu64 ": %s%s, ", t->told > 1 ? "\n" : "",
	       cli_colour(stdout, colour_of(severity)), t->told, severity,
	       cli_colour(stdout, CLI_PLAIN));
	put_time(fim_json_get_str(incident, "start"));
	fputs(" to ", stdout);
	put_time(fim_json_get_str(incident, "end"));
	printf(", %zu event%s\n", fim_json_count(events), fim_json_count(events) == 1 ? "" : "s");
	put_principals(fim_json_get(incident, "principals"));
	put_list("cluster", fim_json_get(incident, "clusters"));
	put_list("task", fim_json_get(incident, "tasks"));
	put_list("session", fim_json_get(incident, "sessions"));
	put_list("container", fim_json_get(incident, "containers"));
	put_list("host", fim_json_get(incident, "hosts"));
	for (size_t i = 0; i < fim_json_count(events); i++)
		put_event(fim_json_index(events, i));
	fim_json_free(incident);
	return 0;
}

static int run(struct timeline *t)
{
	int err = fim_timeline_new(&t->params, &t->timeline), bad;

	if (err)
		return cli_exit(err);
	bad = read_journals(t);
	err = bad == -EBADMSG ? 0 : bad;
	if (!err)
		err = read_trails(t);
	if (!err)
		err = fim_timeline_build(t->timeline, &t->query, tell, t);
	fim_timeline_free(t->timeline);
	if (err || bad)
		return FIM_EXIT_ERROR;
	if (!t->told && !t->json)
		puts("no incident");
	return t->told ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

/* --------------------------------------------------------------- arguments */

static int parse_window(const char *text, int64_t *window_ret)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = {1, 60, 3600, 86400};
	const char *unit;
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	unit = *end ? strchr(units, *end) : units;
	if (end == text || errno || number <= 0 || !unit || (*end && end[1]) ||
	    number > INT64_MAX / SECOND_NS / seconds[unit - units])
		return -EINVAL;
	*window_ret = number * seconds[unit - units] * SECOND_NS;
	return 0;
}

static int add_path(const char **paths, const char *path)
{
	size_t count = 0;

	while (paths[count])
		count++;
	if (count == PATHS_MAX)
		return cli_usage_error(USAGE, "%s: more than %d of them", path, PATHS_MAX);
	paths[count] = path;
	return 0;
}

/* One option; 0, or the exit status that ends the command. */
static int take_window(const struct cli_option *option, const char *usage, const char *value)
{
	if (parse_window(value, option->ctx))
		return cli_usage_error(usage, "%s: not a time like 90s, 15m, 2h or 1d", value);
	return FIM_EXIT_CLEAN;
}

static int take_path(const struct cli_option *option, const char *usage, const char *value)
{
	(void)usage;
	return add_path(option->ctx, value);
}

static int take_name(const struct cli_option *option, const char *usage, const char *value)
{
	const char **name = option->ctx;

	if (!*value)
		return cli_usage_error(usage, "timeline: --%s: the name is empty", option->name);
	*name = value;
	return FIM_EXIT_CLEAN;
}

int cmd_timeline(int argc, char **argv)
{
	struct timeline t = {.json = false};
	const struct cli_option options[] = {
		{"task", .take = take_name, .ctx = &t.query.task},
		{"cluster", .take = take_name, .ctx = &t.query.cluster},
		{"user", .take = take_name, .ctx = &t.query.user},
		{"session", .take = take_name, .ctx = &t.query.session},
		{"window", .take = take_window, .ctx = &t.params.window_ns},
		{"from", .take = cli_take_time, .ctx = &t.params.from_ns},
		{"to", .take = cli_take_end, .ctx = &t.params.to_ns},
		{"journal", .take = take_path, .ctx = t.journals},
		{"cloudtrail", .take = take_path, .ctx = t.trails},
		{"rules", .take = take_path, .ctx = t.rule_paths},
		{"json", .flag = &t.json},
		{0},
	};
	int status;

	t.rules.paths = t.rule_paths;
	if (!cli_take_options(argc, argv, USAGE, help, options, &status))
		return status;
	if (argv[optind])
		return cli_usage_error(USAGE, "timeline: %s: not expected", argv[optind]);
	if (t.params.to_ns && t.params.to_ns < t.params.from_ns)
		return cli_usage_error(USAGE, "timeline: --to is before --from");
	if (t.rule_paths[0] && !t.trails[0])
		return cli_usage_error(USAGE, "timeline: --rules goes with --cloudtrail");
	return run(&t);
}
