/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner accepts what the parser accepts, and finds the same members. */
#include "fixture.h"

static const char *const good[] = {
	"{}",
	" { \"a\" : 1 } ",
	"{\"a\":[1,{\"b\":[]}],\"c\":{\"d\":null}}",
	"{\"a\":-0.5e+10,\"b\":true,\"c\":false}",
	"{\"a\":\"\\u00e9\\n\\\"\",\"caf\xc3\xa9\":\"\x7f\"}",
	"{\"a\":{\"b\":{\"c\":{\"d\":[[[]]]}}}}",
};

static const char *const bad[] = {
	"",
	" ",
	"[]",
	"1",
	"{",
	"{\"a\"",
	"{\"a\":",
	"{\"a\":1",
	"{\"a\":1,}",
	"{a:1}",
	"{\"a\":01}",
	"{\"a\":1}x",
	"{\"a\":\"\x01\"}",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\u12g4\"}",
	"{\"a\":\"\xff\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":tru}",
	"{\"a\":-}",
	"{\"a\":1.}",
	"{\"a\":1e}",
	"{\"a\":[1,]}",
	"{\"a\":[1 2]}",
	"{\"a\" 1}",
	"{\"a\":1 \"b\":2}",
	"{\"a\":\"",
	"{\"a\":\"\\",
};

static int ignore(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		  const struct fim_span *value)
{
	(void)ctx;
	(void)parent;
	(void)key;
	(void)value;
	return 0;
}

START_TEST(what_the_parser_accepts_is_accepted)
{
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_json_parse(good[_i], strlen(good[_i]), NULL, &json), 0);
	fim_json_free(json);
	ck_assert_int_eq(fim_scan(good[_i], strlen(good[_i]), ignore, NULL), 0);
}
END_TEST

START_TEST(what_the_parser_refuses_is_refused)
{
	ck_assert_int_eq(fim_scan(bad[_i], strlen(bad[_i]), ignore, NULL), -EINVAL);
}
END_TEST

START_TEST(a_prefix_of_an_object_is_refused)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"c\":{\"d\":-1.5e3}}";
	size_t len;

	for (len = 0; len < sizeof(text) - 1; len++)
		ck_assert_int_eq(fim_scan(text, len, ignore, NULL), -EINVAL);
	ck_assert_int_eq(fim_scan(text, len, ignore, NULL), 0);
}
END_TEST

static int print(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		 const struct fim_span *value)
{
	fprintf(ctx, "%.*s%s%.*s=%d:%.*s;", parent ? (int)parent->len : 0,
		parent ? parent->text : "", parent ? "." : "", (int)key->len, key->text,
		(int)value->kind, (int)value->len, value->text);
	return 0;
}

START_TEST(members_of_the_object_and_of_its_objects_are_found)
{
	static const char text[] =
		"{\"a\":\"x\\n\",\"b\":{\"c\":12,\"d\":{\"e\":1}},\"f\":[{\"g\":1}]}";
	char *found = NULL;
	size_t len;
	FILE *out = open_memstream(&found, &len);

	ck_assert_int_eq(fim_scan(text, sizeof(text) - 1, print, out), 0);
	fclose(out);
	ck_assert_str_eq(found, "a=1:x\\n;b.c=2:12;b.d=3:{\"e\":1};b=3:{\"c\":12,\"d\":{\"e\":1}};"
				"f=4:[{\"g\":1}];");
	free(found);
}
END_TEST

START_TEST(depth_is_bounded)
{
	char text[4096] = "{\"a\":";
	size_t i;

	for (i = 5; i < 1000; i++)
		text[i] = '[';
	ck_assert_int_eq(fim_scan(text, i, ignore, NULL), -EINVAL);
}
END_TEST

START_TEST(numbers_that_do_not_fit_are_not_numbers)
{
	struct fim_span span = {.text = "9223372036854775808", .len = 19, .kind = FIM_SPAN_NUMBER};

	ck_assert_int_eq(fim_span_int(&span, -7), -7);
	span.len = 18;
	ck_assert_int_eq(fim_span_int(&span, -7), 922337203685477580);
	span.text = "1.5";
	span.len = 3;
	ck_assert_int_eq(fim_span_int(&span, -7), -7);
}
END_TEST

START_TEST(a_run_of_plain_bytes_ends_where_the_first_other_byte_is)
{
	char text[40];
	size_t at;
	int byte;

	for (byte = 0; byte < 256; byte++)
		for (at = 0; at < sizeof(text); at++) {
			bool plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';

			memset(text, 'a', sizeof(text));
			text[at] = (char)byte;
			ck_assert_uint_eq(fim_plain_run(text, sizeof(text)),
					  plain ? sizeof(text) : at);
			/* What is behind the end is not looked at, nor does it carry. */
			memset(text + at, 0xff, sizeof(text) - at);
			ck_assert_uint_eq(fim_plain_run(text, at), at);
			ck_assert_uint_eq(fim_plain_run(text, sizeof(text)), at);
		}
}
END_TEST

static int keep(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		const struct fim_span *value)
{
	fim_members_add(ctx, parent, key, value);
	return 0;
}

/* Of all members a number that depends on their order. */
static int sum(void *ctx, const struct fim_span *parent, const struct fim_span *key,
	       const struct fim_span *value)
{
	uint64_t *total = ctx;

	*total = *total * 31 + (parent ? (unsigned char)parent->text[0] : 7) +
		 (unsigned char)key->text[0] + value->len;
	return 0;
}

/* Kept members, and a line with more of them than are kept. */
START_TEST(a_line_that_was_read_once_tells_the_same_again)
{
	static struct fim_member items[FIM_MEMBERS_MAX];
	struct fim_members members = {.items = items};
	struct fim_line line = {.members = &members};
	uint64_t first = 0, again = 0, unread = 0;
	size_t i, len, wanted = _i ? FIM_MEMBERS_MAX + 1 : 3;
	char text[16384];

	len = (size_t)snprintf(text, sizeof(text), "{\"o\":{\"p\":1");
	for (i = 2; i < wanted; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"%c%zu\":[%zu]",
					(char)('a' + i % 26), i, i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "}}");
	ck_assert_int_eq(fim_scan(text, len, keep, &members), 0);
	ck_assert_uint_eq(members.count, wanted);
	line.text = text;
	line.len = len;
	ck_assert_int_eq(fim_scan(text, len, sum, &first), 0);
	ck_assert_int_eq(fim_line_scan(&line, sum, &again), 0);
	line.members = NULL;
	ck_assert_int_eq(fim_line_scan(&line, sum, &unread), 0);
	ck_assert_uint_eq(first, again);
	ck_assert_uint_eq(first, unread);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tcase = tcase_create("scan");

	tcase_add_loop_test(tcase, what_the_parser_accepts_is_accepted, 0,
			    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(tcase, what_the_parser_refuses_is_refused, 0,
			    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tcase, a_prefix_of_an_object_is_refused);
	tcase_add_test(tcase, members_of_the_object_and_of_its_objects_are_found);
	tcase_add_test(tcase, depth_is_bounded);
	tcase_add_test(tcase, numbers_that_do_not_fit_are_not_numbers);
	tcase_add_test(tcase, a_run_of_plain_bytes_ends_where_the_first_other_byte_is);
	tcase_add_loop_test(tcase, a_line_that_was_read_once_tells_the_same_again, 0, 2);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
