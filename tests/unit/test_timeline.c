/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "userspace/include/libfim_rules.h"

#define MALLORY "arn:aws:iam::111122223333:user/mallory"
#define TASK	"arn:aws:ecs:eu-west-1:111122223333:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314"
#define OTHER	"arn:aws:ecs:eu-west-1:111122223333:task/demo/ffffffffffffffffffffffffffffffff"
#define SESSION "ecs-execute-command-0123456789abcdef0"

/* What the journal has of a file that was written in the task. */
#define WRITTEN                                                                                  \
	"{\"seq\":7,\"time\":\"2026-03-02T09:50:00.5Z\",\"boot_id\":\"b\",\"type\":\"finding\"," \
	"\"prev\":\"0\",\"kind\":\"added\",\"severity\":\"high\",\"path\":\"/usr/bin/x\","       \
	"\"scope\":\"container\",\"container_id\":\"c1\",\"op\":\"create\","                     \
	"\"event_time\":\"2026-03-02T09:50:00.25Z\",\"actor\":{\"exe\":\"/bin/busybox\","        \
	"\"user\":\"root\"},\"container\":{\"id\":\"c1\",\"name\":\"web\",\"task_arn\":\"" TASK  \
	"\",\"cluster\":\"demo\"},\"access\":{\"by\":\"ecs-exec\",\"session_id\":\"" SESSION     \
	"\"}}"

/* What a rule says about a call of the AWS API. */
#define CALL(id, time, rule, severity, more)                                      \
	"{\"kind\":\"rule\",\"severity\":\"" severity "\",\"event_time\":\"" time \
	"\",\"rule\":\"" rule "\",\"output\":\"" rule "\",\"event_id\":\"" id     \
	"\",\"cloudtrail\":{\"region\":\"eu-west-1\",\"account\":\"111122223333\"," more "}}"

#define USER  "\"user_arn\":\"" MALLORY "\",\"user_name\":\"mallory\",\"mfa\":false"
#define LOGIN CALL("e1", "2026-03-02T09:41:00Z", "login", "medium", USER)
#define EXEC                                                 \
	CALL("e2", "2026-03-02T09:45:00Z", "exec", "medium", \
	     USER ",\"cluster\":\"demo\",\"task\":\"" TASK "\",\"session\":\"" SESSION "\"")
#define CLUSTER \
	CALL("e3", "2026-03-02T09:55:00Z", "cluster", "critical", USER ",\"cluster\":\"demo\"")
#define TRAIL CALL("e4", "2026-03-02T09:58:00Z", "trail", "critical", USER ",\"resource\":\"main\"")

static struct fim_timeline *timeline;
static struct fim_json *told[16];
static size_t told_count;

static void setup(void)
{
	fixture_setup();
	ck_assert_int_eq(fim_timeline_new(NULL, &timeline), 0);
}

static void teardown(void)
{
	fim_timeline_free(timeline);
	while (told_count)
		fim_json_free(told[--told_count]);
	fixture_teardown();
}

static void window(int64_t seconds)
{
	struct fim_timeline_params params = {.window_ns = seconds * 1000000000};

	fim_timeline_free(timeline);
	ck_assert_int_eq(fim_timeline_new(&params, &timeline), 0);
}

static void add(const char *text)
{
	ck_assert_int_eq(fim_timeline_add(timeline, "host-1", text, strlen(text)), 0);
}

static int keep(void *ctx, struct fim_json *incident)
{
	(void)ctx;
	ck_assert_uint_lt(told_count, 16);
	told[told_count++] = incident;
	return 0;
}

static size_t ask(struct fim_timeline_query query)
{
	ck_assert_int_eq(fim_timeline_build(timeline, &query, keep, NULL), 0);
	return told_count;
}

/* "login exec added …": rule or kind of each event. */
static const char *events_of(size_t index)
{
	static char text[1024];
	const struct fim_json *events = fim_json_get(told[index], "events");

	text[0] = '\0';
	for (size_t i = 0; i < fim_json_count(events); i++) {
		const struct fim_json *record = fim_json_get(fim_json_index(events, i), "record");
		const char *rule = fim_json_get_str(record, "rule");

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 rule ? rule : fim_json_get_str(record, "kind"));
	}
	return text;
}

static const struct fim_json *event_at(size_t index)
{
	return fim_json_index(fim_json_get(told[0], "events"), index);
}

START_TEST(nothing_is_no_incident)
{
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 0);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
	static const char *const bad[] = {"", "{", "[]x", "{\"type\":\"finding\"}",
					  "{\"type\":\"finding\",\"time\":\"yesterday\"}"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_int_eq(fim_timeline_add(timeline, NULL, bad[i], strlen(bad[i])), -EINVAL);
	add("{\"type\":\"comparison\",\"time\":\"2026-03-02T09:41:00Z\"}");
	add("[]");
	ck_assert_uint_eq(ask((struct fim_timeline_query){.user = "mallory"}), 0);
}
END_TEST

/* Of the article: file written in a task, cluster and trail deleted, by a user without MFA. */
START_TEST(the_story_is_one_incident)
{
	static const struct fim_timeline_query queries[] = {
		{.task = TASK},
		{.task = "0f3c5a1b2d4e4f60a7b8c9d0e1f20314"},
		{.cluster = "demo"},
		{.cluster = "arn:aws:ecs:eu-west-1:111122223333:cluster/demo"},
		{.user = MALLORY},
		{.user = "mallory"},
		{.session = SESSION},
		{.task = TASK, .cluster = "demo", .user = "mallory", .session = SESSION},
		{0},
	};
	const struct fim_json *principal;

	add(TRAIL);
	add(CLUSTER);
	add(WRITTEN);
	add(LOGIN);
	add(EXEC);
	ck_assert_uint_eq(ask(queries[_i]), 1);
	ck_assert_str_eq(events_of(0), "login exec added cluster trail");
	ck_assert_str_eq(fim_json_get_str(told[0], "severity"), "critical");
	ck_assert_str_eq(fim_json_get_str(told[0], "start"), "2026-03-02T09:41:00.000000000Z");
	ck_assert_str_eq(fim_json_get_str(told[0], "end"), "2026-03-02T09:58:00.000000000Z");
	ck_assert_uint_eq(fim_json_count(fim_json_get(told[0], "principals")), 1);
	principal = fim_json_index(fim_json_get(told[0], "principals"), 0);
	ck_assert_str_eq(fim_json_get_str(principal, "arn"), MALLORY);
	ck_assert(!fim_json_get_bool(principal, "mfa", true));
	/* The host does not know who it was; the session does. */
	ck_assert_str_eq(fim_json_get_str(event_at(2), "principal"), MALLORY);
	ck_assert_str_eq(fim_json_get_str(event_at(2), "time"), "2026-03-02T09:50:00.250000000Z");
}
END_TEST

/* Without a session, the cluster alone joins the host with the account. */
START_TEST(the_story_without_ecs_exec_is_one_as_well)
{
	add(LOGIN);
	add("{\"type\":\"finding\",\"time\":\"2026-03-02T09:50:00Z\",\"kind\":\"added\",\"path\":\"/x\","
	    "\"container\":{\"id\":\"c1\",\"task_arn\":\"" TASK "\"}}");
	add(CLUSTER);
	add(TRAIL);
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "login added cluster trail");
}
END_TEST

static const struct fim_timeline_query elsewhere[] = {
	{.task = OTHER},
	{.task = "0f3c5a1b"},
	{.cluster = "demo2"},
	{.cluster = "arn:aws:ecs:us-east-1:111122223333:cluster/demo"},
	{.cluster = "arn:aws:ecs:eu-west-1:444455556666:cluster/demo"},
	{.user = "alice"},
	{.session = "ecs-execute-command-1"},
	{.task = TASK, .user = "alice"},
};

START_TEST(what_is_not_asked_for_is_not_told)
{
	add(WRITTEN);
	add(EXEC);
	ck_assert_uint_eq(ask(elsewhere[_i]), 0);
}
END_TEST

START_TEST(longer_apart_than_the_window_is_not_joined)
{
	window(3 * 60);
	add(LOGIN);
	add(CLUSTER);
	add(TRAIL);
	ck_assert_uint_eq(ask((struct fim_timeline_query){.user = "mallory"}), 2);
	ck_assert_str_eq(events_of(0), "login");
	ck_assert_str_eq(events_of(1), "cluster trail");
}
END_TEST

START_TEST(a_second_short_of_the_window_is_not_joined)
{
	window(3 * 60 - 1);
	add(CLUSTER);
	add(TRAIL);
	ck_assert_uint_eq(ask((struct fim_timeline_query){.user = "mallory"}), 2);
}
END_TEST

START_TEST(a_session_joins_however_long_it_lasts)
{
	window(1);
	add(EXEC);
	add(WRITTEN);
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "exec added");
}
END_TEST

/* Each account, and each region, has a cluster of this name. */
START_TEST(clusters_of_other_accounts_are_others)
{
	static const char *const others[] = {
		"{\"kind\":\"rule\",\"rule\":\"o\",\"event_time\":\"2026-03-02T09:56:00Z\","
		"\"cloudtrail\":{\"region\":\"eu-west-1\",\"account\":\"444455556666\","
		"\"cluster\":\"demo\"}}",
		"{\"kind\":\"rule\",\"rule\":\"o\",\"event_time\":\"2026-03-02T09:56:00Z\","
		"\"cloudtrail\":{\"region\":\"us-east-1\",\"account\":\"111122223333\","
		"\"cluster\":\"demo\"}}",
	};

	add(WRITTEN);
	add(others[_i]);
	add(CLUSTER);
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "added cluster");
}
END_TEST

START_TEST(late_records_stand_where_they_belong)
{
	/* Recorded at ten, when the trail's deletion of 09:58 had long been. */
	add("{\"type\":\"finding\",\"time\":\"2026-03-02T09:58:30Z\",\"kind\":\"rule\",\"rule\":\"trail\","
	    "\"event_time\":\"2026-03-02T09:58:00Z\",\"event_id\":\"e4\",\"cloudtrail\":{" USER
	    "}}");
	add("{\"type\":\"finding\",\"time\":\"2026-03-02T10:10:00Z\",\"kind\":\"rule\",\"rule\":\"login\","
	    "\"event_time\":\"2026-03-02T09:41:00Z\",\"event_id\":\"e1\",\"cloudtrail\":{" USER
	    "}}");
	ck_assert_uint_eq(ask((struct fim_timeline_query){.user = "mallory"}), 1);
	ck_assert_str_eq(events_of(0), "login trail");
	ck_assert(fim_json_get_bool(event_at(0), "late", false));
	ck_assert(!fim_json_get_bool(event_at(1), "late", true));
	ck_assert_str_eq(fim_json_get_str(event_at(0), "recorded"),
			 "2026-03-02T10:10:00.000000000Z");
}
END_TEST

START_TEST(what_journal_and_file_both_have_is_told_once)
{
	add("{\"type\":\"finding\",\"time\":\"2026-03-02T10:10:00Z\",\"kind\":\"rule\",\"rule\":\"login\","
	    "\"event_time\":\"2026-03-02T09:41:00Z\",\"event_id\":\"e1\",\"cloudtrail\":{" USER
	    "}}");
	add(LOGIN);
	/* Another rule about the same call is no repeat. */
	add(CALL("e1", "2026-03-02T09:41:00Z", "login too", "low", USER));
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "login login too");
	ck_assert_ptr_nonnull(fim_json_get_str(event_at(0), "recorded"));
}
END_TEST

START_TEST(mfa_is_said_as_far_as_it_is_known)
{
	static const struct {
		const char *mfa;
		int said; /* -1: nothing */
	} cases[] = {{"", -1}, {",\"mfa\":true", 1}, {",\"mfa\":false", 0}};
	const struct fim_json *mfa;
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"kind\":\"rule\",\"event_time\":\"2026-03-02T09:41:00Z\",\"cloudtrail\":{"
		 "\"user_arn\":\"" MALLORY "\"%s}}",
		 cases[_i].mfa);
	add(text);
	ck_assert_uint_eq(ask((struct fim_timeline_query){.user = "mallory"}), 1);
	mfa = fim_json_get(fim_json_index(fim_json_get(told[0], "principals"), 0), "mfa");
	ck_assert_int_eq(fim_json_is_bool(mfa), cases[_i].said >= 0);
	if (cases[_i].said >= 0)
		ck_assert_int_eq(
			fim_json_get_bool(fim_json_index(fim_json_get(told[0], "principals"), 0),
					  "mfa", !cases[_i].said),
			cases[_i].said);
}
END_TEST

START_TEST(moments_limit_what_is_read)
{
	struct fim_timeline_params params = {0};

	ck_assert_int_eq(fim_time_parse("2026-03-02T09:45:00Z", &params.from_ns), 0);
	ck_assert_int_eq(fim_time_parse("2026-03-02T09:55:00Z", &params.to_ns), 0);
	fim_timeline_free(timeline);
	ck_assert_int_eq(fim_timeline_new(&params, &timeline), 0);
	add(LOGIN);
	add(EXEC);
	add(WRITTEN);
	add(CLUSTER);
	add(TRAIL);
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "exec added cluster");
}
END_TEST

START_TEST(access_and_privileged_containers_are_evidence)
{
	add("{\"type\":\"access\",\"time\":\"2026-03-02T09:41:00Z\",\"kind\":\"access\",\"action\":\"docker-exec\","
	    "\"privileged\":true,\"container\":{\"id\":\"c1\"}}");
	add("{\"type\":\"container\",\"time\":\"2026-03-02T09:40:00Z\",\"kind\":\"started\",\"trigger\":\"start\","
	    "\"container\":{\"id\":\"c1\",\"privileged\":true}}");
	add("{\"type\":\"container\",\"time\":\"2026-03-02T09:40:00Z\",\"kind\":\"found\",\"trigger\":\"start-up\","
	    "\"container\":{\"id\":\"c1\",\"privileged\":true}}");
	add("{\"type\":\"container\",\"time\":\"2026-03-02T09:40:00Z\",\"kind\":\"plain\",\"trigger\":\"start\","
	    "\"container\":{\"id\":\"c1\",\"privileged\":false}}");
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "started access");
	ck_assert_str_eq(fim_json_get_str(told[0], "severity"), "critical");
}
END_TEST

START_TEST(order_of_arrival_changes_nothing)
{
	static const char *const records[] = {LOGIN, EXEC, WRITTEN, CLUSTER, TRAIL};

	/* Each of the 120 orders. */
	for (size_t i = 0, left = (size_t)_i, used = 0; i < 5; i++) {
		size_t skip = left % (5 - i), at = 0;

		left /= 5 - i;
		while (used & (1u << at) || skip--)
			at++;
		used |= 1u << at;
		add(records[at]);
	}
	ck_assert_uint_eq(ask((struct fim_timeline_query){0}), 1);
	ck_assert_str_eq(events_of(0), "login exec added cluster trail");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timeline");
	TCase *tcase = tcase_create("timeline");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_is_no_incident);
	tcase_add_test(tcase, what_is_no_record_is_refused);
	tcase_add_loop_test(tcase, the_story_is_one_incident, 0, 9);
	tcase_add_test(tcase, the_story_without_ecs_exec_is_one_as_well);
	tcase_add_loop_test(tcase, what_is_not_asked_for_is_not_told, 0,
			    sizeof(elsewhere) / sizeof(*elsewhere));
	tcase_add_test(tcase, longer_apart_than_the_window_is_not_joined);
	tcase_add_test(tcase, a_second_short_of_the_window_is_not_joined);
	tcase_add_test(tcase, a_session_joins_however_long_it_lasts);
	tcase_add_loop_test(tcase, clusters_of_other_accounts_are_others, 0, 2);
	tcase_add_test(tcase, late_records_stand_where_they_belong);
	tcase_add_test(tcase, what_journal_and_file_both_have_is_told_once);
	tcase_add_loop_test(tcase, mfa_is_said_as_far_as_it_is_known, 0, 3);
	tcase_add_test(tcase, moments_limit_what_is_read);
	tcase_add_test(tcase, access_and_privileged_containers_are_evidence);
	tcase_add_loop_test(tcase, order_of_arrival_changes_nothing, 0, 120);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
