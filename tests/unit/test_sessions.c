/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session out of two witnesses.
 */
#include "fixture.h"

#define SESSION "ecs-execute-command-062049f67691b9fa8"

/* clang-format off */
static const char used[] =
	"{\"seq\":5,\"time\":\"2026-01-01T00:00:05.000000000Z\",\"type\":\"access\",\"action\":\"ecs-exec-used\",\"session_id\":\"" SESSION "\","
	"\"pid\":7,\"container\":{\"id\":\"aa\",\"name\":\"web\",\"task_arn\":\"arn:x\"}}";
static const char finding[] =
	"{\"seq\":6,\"time\":\"2026-01-01T00:00:06.000000000Z\",\"type\":\"finding\",\"kind\":\"added\",\"severity\":\"high\",\"path\":\"/usr/bin/x\","
	"\"scope\":\"container\",\"event_time\":\"2026-01-01T00:00:04.000000000Z\",\"actor\":{\"command\":\"touch /usr/bin/x\"},"
	"\"access\":{\"by\":\"ecs-exec\",\"session_id\":\"" SESSION "\",\"pid\":7}}";
static const char forged[] =
	"{\"seq\":7,\"time\":\"2026-01-01T00:00:07.000000000Z\",\"type\":\"finding\",\"kind\":\"modified\",\"path_hex\":\"2fff\","
	"\"access\":{\"by\":\"forged-ecs-exec\",\"session_id\":\"forged\"}}";
static const char summary[] =
	"{\"event_name\":\"ExecuteCommand\",\"user_arn\":\"arn:aws:iam::123456789012:user/alice\",\"source_ip\":\"192.0.2.1\",\"session\":\"" SESSION "\"}";
static const char from_journal[] =
	"{\"type\":\"finding\",\"kind\":\"rule\",\"rule\":\"ECS Exec\",\"event_time\":\"2026-01-01T00:00:01.000000000Z\",\"cloudtrail\":"
	"{\"event_name\":\"ExecuteCommand\",\"user_arn\":\"arn:aws:iam::123456789012:user/bob\",\"session\":\"other\"}}";
static const char *const nothing[] = {
	"{}", "[]", "{\"type\":\"access\"}", "{\"type\":\"access\",\"action\":\"docker-exec\",\"session_id\":\"x\"}",
	"{\"type\":\"finding\",\"access\":{\"by\":\"exec\",\"pid\":1}}", "{\"type\":\"finding\",\"access\":{\"session_id\":\"x\"}}",
	"{\"type\":\"finding\",\"cloudtrail\":{\"event_name\":\"StopTask\",\"session\":\"x\"}}",
	"{\"type\":5,\"access\":7}",
};
/* clang-format on */

static void feed(struct fim_sessions *sessions, const char *text)
{
	struct fim_json *record;

	ck_assert_int_eq(fim_json_parse(text, strlen(text), "test", &record), 0);
	fim_sessions_record(sessions, record);
	fim_json_free(record);
}

static int print(void *ctx, const struct fim_json *session)
{
	const char *arn = fim_json_str(fim_json_at(session, "request/user_arn"));
	const char *first = fim_json_get_str(session, "first");
	size_t len = strlen(ctx);

	snprintf((char *)ctx + len, 1024 - len, "%s %s %.19s %s %s %lld;",
		 fim_json_get_str(session, "session_id"), fim_json_get_str(session, "state"),
		 first ? first : "-", arn ? arn : "-",
		 fim_json_str(fim_json_at(session, "container/name"))
			 ? fim_json_str(fim_json_at(session, "container/name"))
			 : "-",
		 (long long)fim_json_get_int(session, "changes", -1));
	return 0;
}

START_TEST(records_without_a_session_make_none)
{
	struct fim_sessions *sessions = fim_sessions_new();
	char text[1024] = "";

	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++)
		feed(sessions, nothing[i]);
	fim_sessions_each(sessions, print, text);
	ck_assert_str_eq(text, "");
	fim_sessions_free(sessions);
}
END_TEST

START_TEST(the_journal_and_cloudtrail_are_joined)
{
	struct fim_sessions *sessions = fim_sessions_new();
	struct fim_json *json;
	char text[1024] = "";

	feed(sessions, used);
	feed(sessions, finding);
	feed(sessions, forged);
	feed(sessions, from_journal);
	ck_assert_int_eq(fim_json_parse(summary, strlen(summary), "test", &json), 0);
	fim_sessions_cloudtrail(sessions, json, "2026-01-01T00:00:00Z");
	fim_json_free(json);
	fim_sessions_each(sessions, print, text);
	ck_assert_str_eq(text, SESSION
			 " used 2026-01-01T00:00:04 arn:aws:iam::123456789012:user/alice web 1;"
			 "forged forged 2026-01-01T00:00:07 - - 1;"
			 "other requested - arn:aws:iam::123456789012:user/bob - 0;");
	fim_sessions_free(sessions);
}
END_TEST

START_TEST(a_forgery_stays_one)
{
	struct fim_sessions *sessions = fim_sessions_new();
	char text[1024] = "";

	feed(sessions, "{\"type\":\"access\",\"action\":\"ecs-exec-forged\",\"session_id\":\"s\"}");
	feed(sessions, "{\"type\":\"access\",\"action\":\"ecs-exec-used\",\"session_id\":\"s\"}");
	fim_sessions_each(sessions, print, text);
	ck_assert_str_eq(text, "s forged - - - 0;");
	fim_sessions_free(sessions);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sessions");
	TCase *tcase = tcase_create("sessions");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, records_without_a_session_make_none);
	tcase_add_test(tcase, the_journal_and_cloudtrail_are_joined);
	tcase_add_test(tcase, a_forgery_stays_one);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
