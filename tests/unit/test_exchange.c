/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the formats of others. Whether these take them: tests/sinks. */
#include "fixture.h"

static struct fim_host host;
static const char digest[] = "940ab5b435a023e94398670a0106661446746a485c0a47944ffd05b660791d0a";

#define HEAD "{\"seq\":5,\"time\":\"2026-11-06T11:18:00.000000000Z\","

static struct fim_json *record_of(const char *text)
{
	struct fim_json *record = NULL;

	ck_assert_int_eq(fim_json_parse(text, strlen(text), NULL, &record), 0);
	return record;
}

static void exchange_setup(void)
{
	fixture_setup();
	host = (struct fim_host){.account = "123456789012", .region = "eu-central-1"};
}

START_TEST(what_is_no_event_is_none)
{
	static const char *const none[] = {"{}", "[]", "7", HEAD "\"type\":\"watch\"}",
					   "{\"type\":\"finding\",\"time\":\"yesterday\"}"};
	struct fim_json *record = record_of(none[_i]), *json = NULL;

	ck_assert_int_eq(fim_ocsf(&host, record, digest, &json), -ENOMSG);
	ck_assert_int_eq(fim_asff(&host, record, digest, &json), -ENOMSG);
	ck_assert_ptr_null(json);
	fim_json_free(record);
}
END_TEST

START_TEST(a_name_that_is_not_text_is_escaped)
{
	struct fim_json *record = record_of(HEAD
					    "\"type\":\"finding\",\"kind\":\"added\","
					    "\"severity\":\"high\",\"path_hex\":\"2f63e9ff0a\"}");
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_ocsf(&host, record, digest, &json), 0);
	ck_assert_str_eq(fim_json_str(fim_json_at(json, "file/path")), "/c\\xe9\\xff\\x0a");
	ck_assert_int_eq(fim_json_get_int(json, "type_uid", 0), 100101);
	fim_json_free(json);
	ck_assert_int_eq(fim_asff(&host, record, digest, &json), 0);
	ck_assert_str_eq(fim_json_get_str(json, "Title"), "added /c\\xe9\\xff\\x0a");
	fim_json_free(json);
	fim_json_free(record);
}
END_TEST

START_TEST(nobody_is_named_for_what_a_comparison_found)
{
	struct fim_json *record = record_of(HEAD "\"type\":\"finding\",\"kind\":\"removed\","
						 "\"severity\":\"high\",\"path\":\"/etc/x\"}");
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_ocsf(&host, record, digest, &json), 0);
	ck_assert_str_eq(fim_json_str(fim_json_at(json, "actor/user/name")), "unknown");
	ck_assert_ptr_null(fim_json_at(json, "actor/process"));
	fim_json_free(json);
	fim_json_free(record);
}
END_TEST

START_TEST(an_outage_and_its_end_are_one_finding)
{
	struct fim_json *down = record_of(HEAD "\"type\":\"control\",\"component\":\"ring\","
					       "\"state\":\"loss\",\"cause\":\"full\"}");
	struct fim_json *up = record_of(HEAD "\"type\":\"control\",\"component\":\"ring\","
					     "\"state\":\"up\",\"cause\":\"x\",\"since\":\"y\"}");
	struct fim_json *first = NULL, *second = NULL;

	ck_assert_int_eq(fim_asff(&host, down, digest, &first), 0);
	ck_assert_int_eq(fim_asff(&host, up, digest, &second), 0);
	ck_assert_str_eq(fim_json_get_str(first, "Id"), fim_json_get_str(second, "Id"));
	ck_assert_str_eq(fim_json_get_str(first, "RecordState"), "ACTIVE");
	ck_assert_str_eq(fim_json_get_str(second, "RecordState"), "ARCHIVED");
	fim_json_free(first);
	fim_json_free(second);
	fim_json_free(up);
	fim_json_free(down);
}
END_TEST

START_TEST(a_finding_without_an_account_cannot_be_addressed)
{
	struct fim_json *record = record_of(HEAD "\"type\":\"finding\",\"kind\":\"added\","
						 "\"severity\":\"high\",\"path\":\"/etc/x\"}");
	struct fim_json *json = NULL, *container;

	host = (struct fim_host){.region = ""};
	ck_assert_int_eq(fim_asff(&host, record, digest, &json), -EDESTADDRREQ);
	container = record_of("{\"container\":{\"account\":\"12345678901x\",\"region\":\"r\"}}");
	fim_host_learn(&host, container);
	ck_assert_str_eq(host.account, "");
	ck_assert_str_eq(host.region, "r");
	fim_json_free(container);
	fim_json_free(record);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tcase = tcase_create("exchange");

	tcase_add_checked_fixture(tcase, exchange_setup, fixture_teardown);
	tcase_add_loop_test(tcase, what_is_no_event_is_none, 0, 5);
	tcase_add_test(tcase, a_name_that_is_not_text_is_escaped);
	tcase_add_test(tcase, nobody_is_named_for_what_a_comparison_found);
	tcase_add_test(tcase, an_outage_and_its_end_are_one_finding);
	tcase_add_test(tcase, a_finding_without_an_account_cannot_be_addressed);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
