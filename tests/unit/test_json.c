/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct fim_json *parse(const char *text)
{
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_json_parse(text, strlen(text), "test", &json), 0);
	return json;
}

static char *dump(const struct fim_json *json)
{
	char *text = NULL;
	size_t len;

	ck_assert_int_eq(fim_json_dump(json, &text, &len), 0);
	ck_assert_uint_eq(len, strlen(text));
	return text;
}

static void assert_dump(const struct fim_json *json, const char *expected)
{
	char *text = dump(json);

	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(the_empty_document_is_refused)
{
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_json_parse("", 0, "test", &json), -EINVAL);
	ck_assert_ptr_null(json);
	assert_logged("test: not JSON, at byte 0");
}
END_TEST

START_TEST(every_truncation_of_a_document_is_refused)
{
	static const char text[] = "{\"a\":[1,true,null,\"x\\u0041\"],\"b\":{\"c\":-5}}";
	struct fim_json *json = NULL;
	size_t len;

	for (len = 0; len < strlen(text); len++)
		ck_assert_int_eq(fim_json_parse(text, len, NULL, &json), -EINVAL);
	ck_assert_str_eq(fixture_log, "");
	fim_json_free(parse(text));
}
END_TEST

static const char *const bad_documents[] = {
	"{\"a\":1,\"a\":2}",
	"{\"a\":{\"b\":1,\"b\":1}}",
	"{\"a\":\"\\u0000\"}",
	"{\"\\u0000\":1}",
	"{\"a\":\"\xff\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":\"\\ud800\"}",
	"{\"a\":99999999999999999999}",
	"{\"a\":01}",
	"{\"a\":1}x",
	"{\"a\":1}{\"a\":1}",
	"{\"a\":\"\n\"}",
	"{a:1}",
	"{\"a\":1,}",
	"[1 2]",
	"nul",
};

START_TEST(what_is_not_json_is_refused)
{
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_json_parse(bad_documents[_i], strlen(bad_documents[_i]), "test",
					&json),
			 -EINVAL);
	assert_logged("test: ");
}
END_TEST

static char *nested(size_t depth)
{
	char *text = malloc(2 * depth + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

START_TEST(depth_is_bounded)
{
	char *deep = nested(FIM_JSON_MAX_DEPTH), *deeper = nested(FIM_JSON_MAX_DEPTH + 1);
	struct fim_json *json = parse(deep);

	fim_json_free(json);
	ck_assert_int_eq(fim_json_parse(deeper, strlen(deeper), "test", &json), -EINVAL);
	assert_logged("nested deeper");
	free(deeper);
	free(deep);
}
END_TEST

START_TEST(brackets_in_strings_are_not_depth)
{
	char text[1024] = "[\"";

	memset(text + 2, '[', 900);
	strcpy(text + 902, "\\\"[\"]");
	fim_json_free(parse(text));
}
END_TEST

START_TEST(size_is_bounded)
{
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_json_parse("x", (size_t)FIM_JSON_MAX_BYTES + 1, "test", &json),
			 -E2BIG);
}
END_TEST

START_TEST(members_keep_their_order)
{
	struct fim_json *json = fim_json_object(), *array = fim_json_array();

	fim_json_set_str(json, "z", "text");
	fim_json_set_str(json, "absent", NULL);
	fim_json_set_int(json, "a", -7);
	fim_json_set_bool(json, "m", true);
	fim_json_set_null(json, "n");
	fim_json_append_str(array, "one");
	fim_json_append(array, fim_json_object());
	fim_json_set(json, "b", array);
	assert_dump(json, "{\"z\":\"text\",\"a\":-7,\"m\":true,\"n\":null,\"b\":[\"one\",{}]}");
	fim_json_free(json);
}
END_TEST

START_TEST(bytes_that_are_not_text_become_hex_and_come_back)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} cases[] = {
		{"/usr/bin/ls", 11, "{\"path\":\"/usr/bin/ls\"}"},
		{"", 0, "{\"path\":\"\"}"},
		{"/a\nb", 4, "{\"path\":\"/a\\nb\"}"},
		{"/\xff", 2, "{\"path_hex\":\"2fff\"}"},
		{"a\0b", 3, "{\"path_hex\":\"610062\"}"},
	};
	struct fim_json *json;
	char *bytes = NULL;
	size_t i, len;

	for (i = 0; i < COUNT(cases); i++) {
		json = fim_json_object();
		fim_json_set_bytes(json, "path", cases[i].bytes, cases[i].len);
		assert_dump(json, cases[i].json);
		ck_assert_int_eq(fim_json_get_bytes(json, "path", &bytes, &len), 0);
		ck_assert_uint_eq(len, cases[i].len);
		ck_assert_mem_eq(bytes, cases[i].bytes, len + 1);
		free(bytes);
		fim_json_free(json);
	}
}
END_TEST

START_TEST(bytes_have_one_spelling_only)
{
	static const struct {
		const char *json;
		int err;
	} cases[] = {
		{"{}", -ENOENT},
		{"{\"path\":1}", -EINVAL},
		{"{\"path_hex\":1}", -EINVAL},
		{"{\"path\":\"a\",\"path_hex\":\"ff\"}", -EINVAL},
		{"{\"path_hex\":\"61\"}", -EINVAL}, /* is text */
		{"{\"path_hex\":\"\"}", -EINVAL},
		{"{\"path_hex\":\"f\"}", -EINVAL},
		{"{\"path_hex\":\"fg\"}", -EINVAL},
		{"[]", -ENOENT},
	};
	struct fim_json *json;
	char *bytes = NULL;
	size_t i, len;

	for (i = 0; i < COUNT(cases); i++) {
		json = parse(cases[i].json);
		ck_assert_int_eq(fim_json_get_bytes(json, "path", &bytes, &len), cases[i].err);
		ck_assert_ptr_null(bytes);
		fim_json_free(json);
	}
}
END_TEST

START_TEST(what_can_forge_a_terminal_is_escaped)
{
	struct fim_json *json = fim_json_object(), *back;
	char *text;

	fim_json_set_str(json, "k", "\x1b\n\"\\\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9");
	text = dump(json);
	ck_assert_str_eq(text, "{\"k\":\"\\u001B\\n\\\"\\\\\\u007F\\u009B\\u202E\xc3\xa9\"}");
	back = parse(text);
	ck_assert_str_eq(fim_json_get_str(back, "k"), "\x1b\n\"\\\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9");
	free(text);
	fim_json_free(back);
	fim_json_free(json);
}
END_TEST

START_TEST(an_element_that_is_not_text_is_escaped)
{
	struct fim_json *array = fim_json_array();

	fim_json_append_str(array, "a\xff");
	assert_dump(array, "[\"a\\\\xff\"]");
	fim_json_free(array);
}
END_TEST

START_TEST(a_value_that_could_not_be_made_fails_the_whole_document)
{
	struct fim_json *json = fim_json_object(), *inner = fim_json_object();
	char *text = NULL;
	size_t len;

	fim_json_set(inner, "lost", NULL);
	fim_json_set_int(inner, "later", 1);
	fim_json_set_str(inner, "", "nor does any other value repair it");
	ck_assert_int_eq(fim_json_dump(inner, &text, &len), -ENOMEM);
	fim_json_set(json, "inner", inner);
	ck_assert_int_eq(fim_json_dump(json, &text, &len), -ENOMEM);
	fim_json_free(json);
	json = fim_json_array();
	fim_json_append(json, NULL);
	ck_assert_int_eq(fim_json_dump(json, &text, &len), -ENOMEM);
	ck_assert_int_eq(fim_json_dump(NULL, &text, &len), -ENOMEM);
	ck_assert_ptr_null(text);
	fim_json_free(json);
}
END_TEST

START_TEST(lookups_of_another_type_give_nothing)
{
	struct fim_json *json = parse(
		"{\"s\":\"x\",\"i\":3,\"b\":true,\"o\":{\"p\":{\"q\":\"deep\"}},\"a\":[1,2]}");

	ck_assert_str_eq(fim_json_get_str(json, "s"), "x");
	ck_assert_ptr_null(fim_json_get_str(json, "i"));
	ck_assert_ptr_null(fim_json_get_str(json, "nothing"));
	ck_assert_int_eq(fim_json_get_int(json, "i", -1), 3);
	ck_assert_int_eq(fim_json_get_int(json, "s", -1), -1);
	ck_assert(fim_json_get_bool(json, "b", false));
	ck_assert(fim_json_get_bool(json, "s", true));
	ck_assert_str_eq(fim_json_str(fim_json_at(json, "o/p/q")), "deep");
	ck_assert_ptr_null(fim_json_at(json, "o/x/q"));
	ck_assert_ptr_null(fim_json_at(json, "s/p"));
	ck_assert_ptr_null(fim_json_at(json, ""));
	ck_assert_uint_eq(fim_json_count(json), 5);
	ck_assert_uint_eq(fim_json_count(fim_json_get(json, "a")), 2);
	ck_assert_uint_eq(fim_json_count(fim_json_get(json, "s")), 0);
	ck_assert_ptr_null(fim_json_index(fim_json_get(json, "a"), 2));
	ck_assert_ptr_null(fim_json_index(json, 0));
	ck_assert_ptr_null(fim_json_get(NULL, "s"));
	fim_json_free(json);
}
END_TEST

static int count_two(void *ctx, const char *key, struct fim_json *value)
{
	(void)key;
	(void)value;
	return ++*(int *)ctx == 2 ? 77 : 0;
}

START_TEST(each_stops_when_told)
{
	struct fim_json *json = parse("{\"a\":1,\"b\":2,\"c\":3}");
	int count = 0;

	ck_assert_int_eq(fim_json_each(json, count_two, &count), 77);
	ck_assert_int_eq(count, 2);
	fim_json_free(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("json");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, the_empty_document_is_refused);
	tcase_add_test(tcase, every_truncation_of_a_document_is_refused);
	tcase_add_loop_test(tcase, what_is_not_json_is_refused, 0, COUNT(bad_documents));
	tcase_add_test(tcase, depth_is_bounded);
	tcase_add_test(tcase, brackets_in_strings_are_not_depth);
	tcase_add_test(tcase, size_is_bounded);
	tcase_add_test(tcase, members_keep_their_order);
	tcase_add_test(tcase, bytes_that_are_not_text_become_hex_and_come_back);
	tcase_add_test(tcase, bytes_have_one_spelling_only);
	tcase_add_test(tcase, what_can_forge_a_terminal_is_escaped);
	tcase_add_test(tcase, an_element_that_is_not_text_is_escaped);
	tcase_add_test(tcase, a_value_that_could_not_be_made_fails_the_whole_document);
	tcase_add_test(tcase, lookups_of_another_type_give_nothing);
	tcase_add_test(tcase, each_stops_when_told);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
