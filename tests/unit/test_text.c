/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(no_bytes_are_utf8)
{
	ck_assert(fim_is_utf8("", 0));
}
END_TEST

START_TEST(truncated_sequences_are_not_utf8)
{
	ck_assert(!fim_is_utf8("\xc3", 1));
	ck_assert(!fim_is_utf8("\xe2\x82", 2));
	ck_assert(!fim_is_utf8("\xf0\x9f\x98", 3));
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	bool valid;
} utf8_cases[] = {
	{"plain", 5, true},
	{"\xc3\xa9", 2, true},
	{"\xe2\x82\xac", 3, true},
	{"\xed\x9f\xbf", 3, true},     /* last before the surrogates */
	{"\xf4\x8f\xbf\xbf", 4, true}, /* U+10FFFF */
	{"a\0b", 3, false},
	{"\x80", 1, false},
	{"\xff", 1, false},
	{"\xc0\xaf", 2, false}, /* overlong '/' */
	{"\xc1\xbf", 2, false},
	{"\xe0\x80\xaf", 3, false},
	{"\xf0\x80\x80\xaf", 4, false},
	{"\xed\xa0\x80", 3, false},	/* surrogate */
	{"\xf4\x90\x80\x80", 4, false}, /* beyond U+10FFFF */
	{"\xf5\x80\x80\x80", 4, false},
	{"\xc3\x28", 2, false},
};

START_TEST(utf8_is_judged_as_rfc_3629_says)
{
	ck_assert_int_eq(fim_is_utf8(utf8_cases[_i].bytes, utf8_cases[_i].len),
			 utf8_cases[_i].valid);
}
END_TEST

START_TEST(hex_of_nothing_is_empty)
{
	unsigned char byte = 7;
	char hex[1] = "x";

	fim_hex_encode(&byte, 0, hex);
	ck_assert_str_eq(hex, "");
	ck_assert_int_eq(fim_hex_decode("", &byte, 0), 0);
	ck_assert_int_eq(byte, 7);
}
END_TEST

START_TEST(hex_round_trips)
{
	unsigned char bytes[256], back[256];
	char hex[513];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	fim_hex_encode(bytes, sizeof(bytes), hex);
	ck_assert_int_eq(fim_hex_decode(hex, back, sizeof(back)), 0);
	ck_assert_mem_eq(bytes, back, sizeof(bytes));
	ck_assert_int_eq(fim_hex_decode("AbCd", back, 2), 0);
	ck_assert_mem_eq(back, "\xab\xcd", 2);
}
END_TEST

START_TEST(hex_of_another_length_is_refused_and_output_untouched)
{
	unsigned char bytes[2] = {1, 2};

	ck_assert_int_eq(fim_hex_decode("", bytes, 2), -EINVAL);
	ck_assert_int_eq(fim_hex_decode("abc", bytes, 2), -EINVAL);
	ck_assert_int_eq(fim_hex_decode("abcde", bytes, 2), -EINVAL);
	ck_assert_int_eq(fim_hex_decode("abcg", bytes, 2), -EINVAL);
	ck_assert_int_eq(fim_hex_decode("ab d", bytes, 2), -EINVAL);
	ck_assert_mem_eq(bytes, "\1\2", 2);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *escaped;
} escape_cases[] = {
	{"", 0, ""},
	{"/usr/bin/ls", 11, "/usr/bin/ls"},
	{"caf\xc3\xa9", 5, "caf\xc3\xa9"},
	{"a\nb", 3, "a\\x0ab"},
	{"a\0b", 3, "a\\x00b"},
	{"\x1b[2J", 4, "\\x1b[2J"},
	{"\x7f", 1, "\\x7f"},
	{"a\\x0a", 5, "a\\x5cx0a"},
	{"\xff\xfe", 2, "\\xff\\xfe"},
	{"\xc2\x9b", 2, "\\xc2\\x9b"},		/* C1: the 8-bit CSI */
	{"\xe2\x80\xae", 3, "\\xe2\\x80\\xae"}, /* right-to-left override */
	{"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"}, /* isolate */
	{"\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8"}, /* line separator */
	{"\xc3", 1, "\\xc3"},
};

START_TEST(what_can_forge_a_terminal_is_escaped)
{
	char *escaped = fim_escape(escape_cases[_i].bytes, escape_cases[_i].len);

	ck_assert_str_eq(escaped, escape_cases[_i].escaped);
	free(escaped);
}
END_TEST

START_TEST(times_are_rfc_3339_with_nanoseconds)
{
	char text[FIM_TIME_SIZE];

	fim_time_format(0, text);
	ck_assert_str_eq(text, "1970-01-01T00:00:00.000000000Z");
	fim_time_format(1795340460123456789, text);
	ck_assert_str_eq(text, "2026-11-22T09:41:00.123456789Z");
	fim_time_format(-1, text);
	ck_assert_str_eq(text, "1969-12-31T23:59:59.999999999Z");
	fim_time_format(INT64_MAX, text);
	ck_assert_str_eq(text, "2262-04-11T23:47:16.854775807Z");
	fim_time_format(INT64_MIN, text);
	ck_assert_str_eq(text, "1677-09-21T00:12:43.145224192Z");
}
END_TEST

static const struct {
	const char *text;
	int64_t time_ns;
} time_cases[] = {
	{"1970-01-01", 0},
	{"2026-11-22T09:41:00.123456789Z", 1795340460123456789},
	{"2026-11-22T09:41:00Z", 1795340460000000000},
	{"2026-11-22T09:41:00.5Z", 1795340460500000000},
	{"2024-02-29", 1709164800000000000},
};

START_TEST(times_are_read_with_and_without_fraction)
{
	int64_t time_ns;

	ck_assert_int_eq(fim_time_parse(time_cases[_i].text, &time_ns), 0);
	ck_assert_int_eq(time_ns, time_cases[_i].time_ns);
}
END_TEST

static const char *const bad_times[] = {
	"",
	"2026",
	"2026-11",
	"2026-11-2",
	"2026-13-01",
	"2026-00-01",
	"2026-02-30",
	"2025-02-29",
	"1969-12-31",
	"2262-01-01",
	"2026-11-22T",
	"2026-11-22 09:41:00Z",
	"2026-11-22T09:41:00",
	"2026-11-22T09:41:00+01:00",
	"2026-11-22T09:41:00.Z",
	"2026-11-22T09:41:00.1234567890Z",
	"2026-11-22T24:00:00Z",
	"2026-11-22T09:60:00Z",
	"2026-11-22T09:41:00Zx",
	" 2026-11-22",
	"-026-11-22",
};

START_TEST(what_is_not_a_time_is_refused)
{
	int64_t time_ns = 42;

	ck_assert_int_eq(fim_time_parse(bad_times[_i], &time_ns), -EINVAL);
	ck_assert_int_eq(time_ns, 42);
}
END_TEST

START_TEST(now_is_between_two_calls_to_time)
{
	time_t before = time(NULL);
	int64_t now = fim_time_now() / 1000000000;

	ck_assert_int_ge(now, before);
	ck_assert_int_le(now, time(NULL) + 1);
}
END_TEST

static void keep_errno(void *ctx, int priority, const char *message)
{
	(void)message;
	*(int *)ctx = priority;
	errno = ENOTTY;
}

START_TEST(logging_preserves_errno_and_passes_the_priority)
{
	int priority = -1;

	fim_log_set(keep_errno, &priority);
	errno = ELOOP;
	fim_log(4, "%s", "x");
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(priority, 4);
	fim_log_set(NULL, NULL);
	fim_log(3, "%s", "nobody hears this");
	ck_assert_int_eq(priority, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	tcase_add_test(tcase, no_bytes_are_utf8);
	tcase_add_test(tcase, truncated_sequences_are_not_utf8);
	tcase_add_loop_test(tcase, utf8_is_judged_as_rfc_3629_says, 0, COUNT(utf8_cases));
	tcase_add_test(tcase, hex_of_nothing_is_empty);
	tcase_add_test(tcase, hex_round_trips);
	tcase_add_test(tcase, hex_of_another_length_is_refused_and_output_untouched);
	tcase_add_loop_test(tcase, what_can_forge_a_terminal_is_escaped, 0, COUNT(escape_cases));
	tcase_add_test(tcase, times_are_rfc_3339_with_nanoseconds);
	tcase_add_loop_test(tcase, times_are_read_with_and_without_fraction, 0, COUNT(time_cases));
	tcase_add_loop_test(tcase, what_is_not_a_time_is_refused, 0, COUNT(bad_times));
	tcase_add_test(tcase, now_is_between_two_calls_to_time);
	tcase_add_test(tcase, logging_preserves_errno_and_passes_the_priority);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
