/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's status for Prometheus. Whether that takes it: tests/sinks. */
#include "fixture.h"

static char *metrics_of(const char *status)
{
	struct fim_json *json = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (status)
		ck_assert_int_eq(fim_json_parse(status, strlen(status), NULL, &json), 0);
	fim_metrics(json, out);
	ck_assert_int_eq(fclose(out), 0);
	fim_json_free(json);
	return text;
}

START_TEST(no_answer_is_a_value)
{
	char *text = metrics_of(NULL);

	ck_assert_ptr_nonnull(strstr(text, "\necs_fim_up 0\n"));
	free(text);
}
END_TEST

START_TEST(a_name_ends_no_label)
{
	char *text = metrics_of("{\"sinks\":[{\"name\":\"a\\\"b\\\\c\\nd\",\"state\":\"up\"}]}");

	ck_assert_ptr_nonnull(strstr(text, "\necs_fim_up 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\necs_fim_sink_up{sink=\"a\\\"b\\\\c\\nd\"} 1\n"));
	free(text);
}
END_TEST

START_TEST(what_is_missing_or_of_another_kind_is_left_out)
{
	char *text = metrics_of("{\"events\":\"7\",\"controls\":[],\"sinks\":{},\"started\":3}");

	ck_assert_ptr_null(strstr(text, "events_total"));
	ck_assert_ptr_null(strstr(text, "control_up"));
	ck_assert_ptr_null(strstr(text, "start_time"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tcase = tcase_create("metrics");

	tcase_add_test(tcase, no_answer_is_a_value);
	tcase_add_test(tcase, a_name_ends_no_label);
	tcase_add_test(tcase, what_is_missing_or_of_another_kind_is_left_out);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
