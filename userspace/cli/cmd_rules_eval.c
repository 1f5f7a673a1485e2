/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim rules eval, ecs-fim rules test: rules run over events that come from files.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_rules.h"

#define FOLLOW_SECONDS 2

static volatile sig_atomic_t interrupted;

/* --------------------------------------------------------------- --source */

struct run {
	struct fim_rules_event *event;
	bool is_cloudtrail;
	int64_t time_ns;
	uint64_t hits;
	int err;
};

static int put_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct run *run = ctx;
	struct fim_json *json = fim_rules_hit_to_json(event, rule, run->time_ns);

	run->hits++;
	if (!json) {
		cli_error("out of memory");
		return -ENOMEM;
	}
	return cli_put_json(stdout, json);
}

/* A record of the journal, or what Docker says about a container. */
static int set_syscall(struct run *run, const char *text, size_t len, struct fim_json **json_ret)
{
	int err = fim_json_parse(text, len, NULL, json_ret);

	if (err)
		return err;
	if (fim_json_get(*json_ret, "HostConfig"))
		return fim_rules_event_set_inspect(run->event, *json_ret, &run->time_ns);
	return fim_rules_event_set_record(run->event, *json_ret, &run->time_ns);
}

static int take_record(void *ctx, const char *text, size_t len)
{
	struct run *run = ctx;
	struct fim_json *json = NULL;
	int err;

	if (interrupted)
		return -EINTR;
	run->time_ns = fim_time_now();
	fim_rules_event_reset(run->event);
	if (run->is_cloudtrail)
		err = fim_rules_event_set_cloudtrail(run->event, text, len, &run->time_ns);
	else
		err = set_syscall(run, text, len, &json);
	if (!err)
		err = fim_rules_eval(run->event, put_hit, run);
	else if (err == -ENOENT)
		err = 0; /* a record of which rules know nothing */
	fim_json_free(json);
	return err;
}

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static int read_inputs(const struct rules_options *options, struct fim_cloudtrail *reader)
{
	size_t i;
	int err = 0;

	do {
		for (i = 0; i < options->arg_count && !err; i++)
			err = fim_cloudtrail_read(reader, options->args[i]);
		if (!err)
			err = fim_cloudtrail_save(reader);
		fflush(stdout);
	} while (!err && options->follow && !interrupted && (sleep(FOLLOW_SECONDS), !interrupted));
	if (err != -EINTR)
		return err;
	return fim_cloudtrail_save(reader);
}

/* False: not all that was to be read could be. */
static bool put_totals(struct fim_cloudtrail *reader, const struct run *run)
{
	struct fim_cloudtrail_totals totals = fim_cloudtrail_totals(reader);

	if (totals.malformed)
		cli_error("%llu records or files are not what they should be",
			  (unsigned long long)totals.malformed);
	if (fim_rules_event_gave_up(run->event))
		cli_error("%llu regular expressions gave up; they count as not matching",
			  (unsigned long long)fim_rules_event_gave_up(run->event));
	return !totals.malformed;
}

static int eval_source(const struct rules_options *options, struct fim_rules *rules)
{
	struct run run = {.is_cloudtrail = strcmp(options->source, "syscall") != 0};
	struct fim_cloudtrail_params params = {take_record, &run, options->state};
	struct sigaction action = {.sa_handler = interrupt};
	struct fim_cloudtrail *reader;
	bool is_whole = true;
	int err = fim_rules_event_new(rules, options->source, &run.event);

	if (err) {
		cli_error("%s: %s", options->source,
			  err == -ENOENT ? "no such source; there are syscall and aws_cloudtrail"
					 : strerror(-err));
		return cli_exit(err);
	}
	/* Whoever reads the hits does not want to wait for a full buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (options->follow) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	err = fim_cloudtrail_open(&params, &reader);
	if (!err) {
		err = read_inputs(options, reader);
		is_whole = put_totals(reader, &run);
		fim_cloudtrail_close(reader);
	}
	fim_rules_event_free(run.event);
	if (err)
		return cli_exit(err);
	if (run.hits)
		return FIM_EXIT_FINDINGS;
	/* "No hits" may only be said of what was read. */
	return is_whole ? FIM_EXIT_CLEAN : FIM_EXIT_ERROR;
}

/* --------------------------------------------------------------- --fields */

/* An event of each source, made when the first line asks. */
struct events {
	struct fim_rules *rules;
	struct fim_rules_event *syscall;
	struct fim_rules_event *cloudtrail;
};

static struct fim_rules_event *event_of(struct events *events, const char *source)
{
	struct fim_rules_event **event = !strcmp(source, "syscall") ? &events->syscall
								    : &events->cloudtrail;

	if (!*event && fim_rules_event_new(events->rules, source, event))
		return NULL;
	/* Both are one of two: any third name has failed above, or fails here. */
	if (event == &events->cloudtrail && strcmp(source, "aws_cloudtrail") != 0)
		return NULL;
	fim_rules_event_reset(*event);
	return *event;
}

static void events_free(struct events *events)
{
	fim_rules_event_free(events->syscall);
	fim_rules_event_free(events->cloudtrail);
}

static int append_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct fim_json *full = fim_rules_hit_to_json(event, rule, 0), *hit = fim_json_object();

	fim_json_set(hit, "output", fim_json_ref(fim_json_get(full, "output")));
	fim_json_set(hit, "priority", fim_json_ref(fim_json_get(full, "priority")));
	fim_json_set(hit, "rule", fim_json_ref(fim_json_get(full, "rule")));
	fim_json_append(ctx, hit);
	fim_json_free(full);
	return 0;
}

static int eval_line(struct events *events, const char *text, size_t len, const char *what)
{
	struct fim_json *line = NULL, *hits;
	struct fim_rules_event *event;
	const char *source;
	int err = fim_json_parse(text, len, what, &line);

	if (err)
		return err;
	source = fim_json_get_str(line, "source");
	event = source ? event_of(events, source) : NULL;
	if (!event) {
		cli_error("%s: no source of that name", what);
		fim_json_free(line);
		return -EINVAL;
	}
	hits = fim_json_array();
	err = fim_rules_event_set_fields(event, fim_json_get(line, "fields"));
	if (!err)
		err = fim_rules_eval(event, append_hit, hits);
	fim_json_free(line);
	if (!err)
		return cli_put_json(stdout, hits);
	fim_json_free(hits);
	return err;
}

/* Calls @fn for each line that is not empty, with "NAME:LINE". */
static int each_line(const char *path,
		     int (*fn)(void *ctx, const char *text, size_t len, const char *what),
		     void *ctx)
{
	size_t size = 0, number = 0;
	char *line = NULL, *what;
	FILE *file = !strcmp(path, "-") ? stdin : fopen(path, "re");
	ssize_t len;
	int err = 0;

	if (!file) {
		err = -errno;
		cli_error("%s: %s", path, strerror(-err));
		return err;
	}
	while (!err && (len = getline(&line, &size, file)) >= 0) {
		number++;
		while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		if (!len)
			continue;
		if (asprintf(&what, "%s:%zu", path, number) < 0)
			err = -ENOMEM;
		if (!err) {
			err = fn(ctx, line, (size_t)len, what);
			free(what);
		}
	}
	if (!err && ferror(file))
		err = -EIO;
	free(line);
	if (file != stdin)
		fclose(file);
	return err;
}

static int fields_line(void *ctx, const char *text, size_t len, const char *what)
{
	return eval_line(ctx, text, len, what);
}

static int eval_fields(const struct rules_options *options, struct fim_rules *rules)
{
	struct events events = {.rules = rules};
	int err = each_line(options->fields, fields_line, &events);

	events_free(&events);
	return cli_exit(err);
}

/* Of --rules and, with --fields, also what stands behind it. */
static const char **all_paths(const struct rules_options *options)
{
	size_t count = options->path_count, i;
	const char **paths = calloc(count + options->arg_count + 1, sizeof(*paths));

	for (i = 0; paths && i < count; i++)
		paths[i] = options->paths[i];
	for (i = 0; paths && options->fields && i < options->arg_count; i++)
		paths[count + i] = options->args[i];
	return paths;
}

int rules_eval(const struct rules_options *options)
{
	const char **paths = all_paths(options);
	struct fim_rules *rules;
	int err = -ENOMEM, status;

	if (paths)
		err = rules_load(options, paths, options->fields, &rules);
	free(paths);
	if (err)
		return cli_exit(err);
	status = options->fields ? eval_fields(options, rules) : eval_source(options, rules);
	fim_rules_free(rules);
	return status;
}

/* ------------------------------------------------------------------- test */

struct testing {
	struct events events;
	size_t passed;
	size_t failed;
};

/* What the rule of one case did. */
struct outcome {
	const char *rule;
	bool fired;
	char *output;
	struct fim_json *others;
};

static int note_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct outcome *outcome = ctx;
	size_t len;

	if (strcmp(rule->name, outcome->rule) != 0) {
		fim_json_append_str(outcome->others, rule->name);
		return 0;
	}
	outcome->fired = true;
	return fim_rules_output(event, rule, &outcome->output, &len);
}

static int set_case(struct fim_rules_event *event, const struct fim_json *one, char **text_ret)
{
	const struct fim_json *record = fim_json_get(one, "record");
	size_t len;
	int err;

	if (!record)
		return fim_rules_event_set_fields(event, fim_json_get(one, "fields"));
	if (strcmp(fim_json_get_str(one, "source"), "aws_cloudtrail") != 0)
		return fim_json_get(record, "HostConfig")
			       ? fim_rules_event_set_inspect(event, record, NULL)
			       : fim_rules_event_set_record(event, record, NULL);
	err = fim_json_dump(record, text_ret, &len);
	return err ? err : fim_rules_event_set_cloudtrail(event, *text_ret, len, NULL);
}

/* NULL: the case is met. */
static const char *judge(const struct fim_json *one, const struct outcome *outcome)
{
	const char *output = fim_json_get_str(one, "output");

	if (outcome->fired != fim_json_get_bool(one, "fires", true))
		return outcome->fired ? "it fires and must not" : "it does not fire";
	if (output && outcome->output && strcmp(output, outcome->output) != 0)
		return "its output is another";
	if (fim_json_get_bool(one, "only", false) && fim_json_count(outcome->others))
		return "other rules fire as well";
	return NULL;
}

static int run_case(struct testing *testing, const struct fim_json *one, const char *what)
{
	struct outcome outcome = {.rule = fim_json_get_str(one, "rule")};
	const char *source = fim_json_get_str(one, "source"), *fault;
	struct fim_rules_event *event = source ? event_of(&testing->events, source) : NULL;
	char *text = NULL;
	int err = -EINVAL;

	if (!outcome.rule)
		return 0; /* a comment */
	outcome.others = fim_json_array();
	if (event)
		err = set_case(event, one, &text);
	if (!err || (err == -ENOENT && event))
		err = err ? 0 : fim_rules_eval(event, note_hit, &outcome);
	fault = err ? "it is not a test case" : judge(one, &outcome);
	*(fault ? &testing->failed : &testing->passed) += 1;
	if (fault)
		cli_error("%s: %s: %s%s%s", what, outcome.rule, fault, outcome.output ? ": " : "",
			  outcome.output ? outcome.output : "");
	free(outcome.output);
	free(text);
	fim_json_free(outcome.others);
	return 0;
}

static int test_line(void *ctx, const char *text, size_t len, const char *what)
{
	struct fim_json *one = NULL;
	int err = fim_json_parse(text, len, what, &one);

	if (!err)
		err = run_case(ctx, one, what);
	fim_json_free(one);
	return err;
}

static int is_cases(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".ndjson");
}

static int test_path(struct testing *testing, const char *path)
{
	struct dirent **entries;
	struct stat stat_buf;
	int count, i, err = 0;

	if (stat(path, &stat_buf) || !S_ISDIR(stat_buf.st_mode))
		return each_line(path, test_line, testing);
	count = scandir(path, &entries, is_cases, alphasort);
	for (i = 0; i < count; i++) {
		char *name;

		if (!err && asprintf(&name, "%s/%s", path, entries[i]->d_name) >= 0) {
			err = each_line(name, test_line, testing);
			free(name);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return err;
}

int rules_test(const struct rules_options *options)
{
	struct testing testing = {0};
	size_t i;
	int err = rules_load(options, options->paths, true, &testing.events.rules);

	if (err)
		return cli_exit(err);
	if (!options->arg_count)
		err = test_path(&testing, RULES_DIR "/tests");
	for (i = 0; i < options->arg_count && !err; i++)
		err = test_path(&testing, options->args[i]);
	if (!err)
		printf("%zu cases, %zu failed\n", testing.passed + testing.failed, testing.failed);
	events_free(&testing.events);
	fim_rules_free(testing.events.rules);
	if (err)
		return cli_exit(err);
	return testing.failed ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}
