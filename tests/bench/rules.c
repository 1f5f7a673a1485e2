/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: rules FALCO_DATA RULES_DIR WORK_DIR
 * What rules cost, one JSON line per metric; processor time of one thread.  FALCO_DATA
 * may be "": then what needs the stock rules is left out.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/lib/rules_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------- allocations */

static uint64_t allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}

/* ---------------------------------------------------------------- helpers */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void metric(const char *name, double value, const char *unit)
{
	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", name, value, unit);
}

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(EXIT_FAILURE);
}

static void ignore(void *ctx, const struct fim_rules_message *message)
{
	(void)ctx;
	if (message->is_error)
		fprintf(stderr, "%s:%u: %s\n", message->file, message->line, message->text);
}

static const struct fim_rules_params all = {.message = ignore, .with_disabled = true};

static int count_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	(void)event;
	(void)rule;
	++*(uint64_t *)ctx;
	return 0;
}

/* ---------------------------------------------------------------- loading */

static struct fim_rules *load(const char *data, const char *const *names, const char *more)
{
	char paths[4][PATH_MAX];
	const char *list[6] = {NULL};
	struct fim_rules *rules;
	size_t count = 0;

	for (; names[count]; count++) {
		snprintf(paths[count], sizeof(paths[count]), "%s/rules/%s", data, names[count]);
		list[count] = paths[count];
	}
	list[count] = more;
	must(fim_rules_load(list, &all, &rules), "rules");
	return rules;
}

static const char *const syscall_files[] = {"falco_rules.yaml", "falco-incubating_rules.yaml",
					    "falco-sandbox_rules.yaml", NULL};
static const char *const cloudtrail_files[] = {"aws_cloudtrail_rules.yaml", NULL};

static struct fim_rules *bench_load(const char *data)
{
	struct fim_rules *rules = NULL;
	double best = 1e9, start;
	int i;

	for (i = 0; i < 15; i++) {
		fim_rules_free(rules);
		start = now();
		rules = load(data, syscall_files, NULL);
		if (now() - start < best)
			best = now() - start;
	}
	metric("rules_load_stock", best * 1e3, "ms");
	return rules;
}

/* ------------------------------------------------------------- file events */

struct field {
	char *name;
	char *value;
	const char **list;
	size_t count;
};

struct file_event {
	struct field *fields;
	size_t count;
	bool hits;
};

static int keep_field(void *ctx, const char *name, struct fim_json *value)
{
	struct file_event *event = ctx;
	struct field *field;
	size_t i;

	event->fields = realloc(event->fields, (event->count + 1) * sizeof(*event->fields));
	field = &event->fields[event->count++];
	memset(field, 0, sizeof(*field));
	field->name = strdup(name);
	if (fim_json_str(value)) {
		field->value = strdup(fim_json_str(value));
		return 0;
	}
	field->count = fim_json_count(value);
	field->list = calloc(field->count + 1, sizeof(*field->list));
	for (i = 0; i < field->count; i++)
		field->list[i] = strdup(fim_json_str(fim_json_index(value, i)));
	return 0;
}

static bool is_file_event(const struct fim_json *fields)
{
	static const char *const types[] = {"open",  "creat", "rename",	 "unlink", "rmdir",
					    "mkdir", "link",  "symlink", "chmod",  "fchmod"};
	const char *type = fim_json_get_str(fields, "evt.type");
	size_t i;

	for (i = 0; type && i < COUNT(types); i++)
		if (!strncmp(type, types[i], strlen(types[i])))
			return true;
	return false;
}

static struct file_event *read_events(const char *data, size_t *count_ret)
{
	struct file_event *events = NULL;
	char path[PATH_MAX], *text, *at, *end;
	size_t len, count = 0;

	snprintf(path, sizeof(path), "%s/vectors/events-syscall.jsonl", data);
	must(fim_file_read(path, 64 << 20, &text, &len), path);
	for (at = text; (end = strchr(at, '\n')); at = end + 1) {
		struct fim_json *line;
		const struct fim_json *fields;

		must(fim_json_parse(at, (size_t)(end - at), path, &line), path);
		fields = fim_json_get(line, "fields");
		if (is_file_event(fields)) {
			events = realloc(events, (count + 1) * sizeof(*events));
			memset(&events[count], 0, sizeof(*events));
			fim_json_each(fields, keep_field, &events[count++]);
		}
		fim_json_free(line);
	}
	free(text);
	*count_ret = count;
	return events;
}

static uint64_t run_event(struct fim_rules_event *event, const struct file_event *from)
{
	uint64_t hits = 0;
	size_t i;

	fim_rules_event_reset(event);
	for (i = 0; i < from->count; i++) {
		const struct field *field = &from->fields[i];

		if (field->value)
			fim_rules_event_set_str(event, field->name, field->value);
		else
			fim_rules_event_set_list(event, field->name, field->list, field->count);
	}
	fim_rules_eval(event, count_hit, &hits);
	return hits;
}

static void bench_events(const char *data, struct fim_rules *rules)
{
	struct fim_rules_event *event;
	size_t count, i, quiet = 0;
	struct file_event *events = read_events(data, &count);
	double best = 1e9, start;
	uint64_t before, during = 0;
	int run;

	must(fim_rules_event_new(rules, "syscall", &event), "event");
	for (run = 0; run < 30; run++) {
		start = now();
		for (i = 0; i < count; i++)
			events[i].hits = run_event(event, &events[i]);
		if (now() - start < best)
			best = now() - start;
	}
	for (i = 0; i < count; i++) {
		if (events[i].hits)
			continue;
		quiet++;
		before = allocations;
		run_event(event, &events[i]);
		during += allocations - before;
	}
	metric("rules_file_events", (double)count, "events");
	metric("rules_file_event", best * 1e6 / (double)count, "us");
	metric("rules_quiet_event_allocations", (double)during / (double)quiet, "allocations");
	fim_rules_event_free(event);
}

/* -------------------------------------------------------------- CloudTrail */

/* Some 1.5 KB, of the kind that an account is full of. */
static const char record_format[] =
	"{\"eventVersion\":\"1.09\",\"userIdentity\":{\"type\":\"AssumedRole\",\"principalId\":"
	"\"AROAEXAMPLEEXAMPLE:i-0123456789abcdef0\",\"arn\":\"arn:aws:sts::111122223333:"
	"assumed-role/ecsInstanceRole/i-0123456789abcdef0\",\"accountId\":\"111122223333\","
	"\"accessKeyId\":\"ASIAEXAMPLEEXAMPLEEX\",\"sessionContext\":{\"sessionIssuer\":{\"type\":"
	"\"Role\",\"principalId\":\"AROAEXAMPLEEXAMPLE\",\"arn\":\"arn:aws:iam::111122223333:role/"
	"ecsInstanceRole\",\"accountId\":\"111122223333\",\"userName\":\"ecsInstanceRole\"},"
	"\"attributes\":{\"creationDate\":\"2026-03-02T09:00:00Z\",\"mfaAuthenticated\":\"false\"},"
	"\"ec2RoleDelivery\":\"2.0\"}},\"eventTime\":\"2026-03-02T09:41:00Z\",\"eventSource\":"
	"\"%s.amazonaws.com\",\"eventName\":\"%s\",\"awsRegion\":\"eu-central-1\","
	"\"sourceIPAddress\":\"203.0.113.7\",\"userAgent\":\"Amazon ECS Agent - v1.87.0 (4a5b6c7d) "
	"(+http://aws.amazon.com/ecs/)\",\"requestParameters\":{\"cluster\":\"shop\",\"tasks\":"
	"[\"arn:aws:ecs:eu-central-1:111122223333:task/shop/0123456789abcdef0123456789abcdef\"],"
	"\"include\":[\"TAGS\"],\"maxResults\":100,\"nextToken\":\"%064u\"},\"responseElements\":"
	"{\"failures\":[],\"tasks\":[{\"lastStatus\":\"RUNNING\",\"version\":3,\"cpu\":\"256\","
	"\"memory\":\"512\"}]},\"requestID\":\"5d1f2a10-0001-4000-8000-%012u\",\"eventID\":"
	"\"6b0e5d4c-0000-4000-8000-%012u\",\"readOnly\":true,\"eventType\":\"AwsApiCall\","
	"\"managementEvent\":true,\"recipientAccountId\":\"111122223333\",\"eventCategory\":"
	"\"Management\",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":"
	"\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"ecs.eu-central-1.amazonaws.com\"}}";

static size_t write_records(const char *path, unsigned count)
{
	static const char *const calls[][2] = {
		{"ecs", "DescribeTasks"},     {"ecs", "SubmitTaskStateChange"},
		{"s3", "GetObject"},	      {"sts", "AssumeRole"},
		{"ec2", "DescribeInstances"}, {"kms", "Decrypt"},
		{"logs", "PutLogEvents"},     {"ecs", "DescribeServices"},
		{"ssm", "GetParameter"},      {"ecs", "ExecuteCommand"},
	};
	FILE *file = fopen(path, "w");
	size_t bytes = 0;
	unsigned i;

	if (!file)
		must(-errno, path);
	fputs("{\"Records\":[", file);
	for (i = 0; i < count; i++) {
		const char *const *call = calls[i % COUNT(calls)];

		if (i)
			fputc(',', file);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		bytes += (size_t)fprintf(file, record_format, call[0], call[1], i, i, i);
#pragma GCC diagnostic pop
	}
	fputs("]}\n", file);
	fclose(file);
	return bytes / count;
}

struct reading {
	struct fim_rules_event *event;
	uint64_t hits;
};

static int take_record(void *ctx, const char *text, size_t len)
{
	struct reading *reading = ctx;
	int err;

	fim_rules_event_reset(reading->event);
	err = fim_rules_event_set_cloudtrail(reading->event, text, len, NULL);
	return err ? err : fim_rules_eval(reading->event, count_hit, &reading->hits);
}

#define RECORDS 40000u

static void bench_cloudtrail(const char *data, const char *shipped, const char *work)
{
	static const char *const none[] = {NULL};
	struct fim_rules *rules = load(data, *data ? cloudtrail_files : none, shipped);
	struct reading reading = {.hits = 0};
	struct fim_cloudtrail_params params = {take_record, &reading, NULL};
	char path[PATH_MAX];
	double best = 1e9, start;
	size_t size;
	int run;

	snprintf(path, sizeof(path), "%s/cloudtrail.json", work);
	size = write_records(path, RECORDS);
	must(fim_rules_event_new(rules, "aws_cloudtrail", &reading.event), "event");
	for (run = 0; run < 5; run++) {
		struct fim_cloudtrail *reader;

		must(fim_cloudtrail_open(&params, &reader), "reader");
		start = now();
		must(fim_cloudtrail_read(reader, path), path);
		if (now() - start < best)
			best = now() - start;
		if (fim_cloudtrail_totals(reader).records != RECORDS)
			must(-EBADMSG, path);
		fim_cloudtrail_close(reader);
	}
	unlink(path);
	metric("cloudtrail_record_size", (double)size, "bytes");
	metric("cloudtrail_rules", (double)fim_rules_count(rules), "rules");
	metric("cloudtrail_records", RECORDS / best, "records/s");
	fim_rules_event_free(reading.event);
	fim_rules_free(rules);
}

/* ------------------------------------------------------------------- regex */

static void bench_regex(void)
{
	static const struct {
		const char *pattern;
		const char *part;
		const char *end;
	} hostile[] = {
		{"((a|b)|(a|b)(a|b))*c", "ab", "cx"},
		{"(a*)*b", "a", "bx"},
		{"(a|aa)+$x", "a", "xy"},
		{"(.*a){12}b", "a", "bx"},
		{"(x+x+)+y", "x", "yz"},
		{"([a-z]+)*[0-9]", "q", "!0"},
		{".*.*.*.*=.*[.]", "x", "="},
		{"((a{0,3}){0,10}b?){0,3}c", "a", "cd"},
		{"(.+)+/(.+)+/x", "/a", "/"},
		{"([^/]*/)*([^.]*[.])*y", "a/b.", "yz"},
	};
	static const size_t sizes[] = {32, 255, 1000, 4096, 65536};
	double worst = 0;
	uint64_t gave_up = 0;
	size_t i, k;

	for (i = 0; i < COUNT(hostile); i++) {
		struct fim_regex *regex;
		char error[200];

		must(fim_regex_new((struct fim_str){hostile[i].pattern, strlen(hostile[i].pattern)},
				   &regex, error, sizeof(error)),
		     hostile[i].pattern);
		for (k = 0; k < COUNT(sizes); k++) {
			struct fim_text subject = {0};
			double best = 1e9, start;
			bool matches;
			int run, err = 0;

			while (subject.len + strlen(hostile[i].end) < sizes[k])
				fim_text_adds(&subject, hostile[i].part);
			fim_text_adds(&subject, hostile[i].end);
			for (run = 0; run < 7; run++) {
				start = now();
				err = fim_regex_match(regex,
						      (struct fim_str){subject.bytes, subject.len},
						      &matches);
				if (now() - start < best)
					best = now() - start;
			}
			gave_up += err != 0;
			worst = best > worst ? best : worst;
			fim_text_free(&subject);
		}
		fim_regex_free(regex);
	}
	metric("rules_hostile_regex_worst", worst * 1e6, "us");
	metric("rules_hostile_regex_unanswered", (double)gave_up, "subjects");
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: rules FALCO_DATA RULES_DIR WORK_DIR\n", stderr);
		return 2;
	}
	if (*argv[1]) {
		struct fim_rules *rules = bench_load(argv[1]);

		metric("rules_stock", (double)fim_rules_count(rules), "rules");
		bench_events(argv[1], rules);
		fim_rules_free(rules);
	}
	bench_cloudtrail(argv[1], argv[2], argv[3]);
	bench_regex();
	return 0;
}
