/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as RFC 5424 has them. What rsyslog and journald make of them: tests/sinks. */
#include "fixture.h"

static const struct fim_syslog_param params[] = {{"path", "/a\"b]c\\d\n"},
						 {"none", NULL},
						 {"long",
						  "0123456789012345678901234567890123456789"}};
static const struct fim_syslog message = {
	.priority = 83,
	.time_ns = 1795000000123456789,
	.host = "a host\n",
	.app = "ecs-fimd",
	.pid = 7,
	.msgid = "finding",
	.params = params,
	.param_count = 2,
	.text = "modified /a",
};

START_TEST(what_would_end_a_value_is_escaped)
{
	char *text = NULL;
	size_t len = 0;

	ck_assert_int_eq(fim_syslog5424(&message, 8192, &text, &len), 0);
	ck_assert_str_eq(text, "<83>1 2026-11-18T11:06:40.123456Z a_host_ ecs-fimd 7 finding "
			       "[ecsfim@32473 path=\"/a\\\"b\\]c\\\\x5cd\\\\x0a\"] modified /a");
	ck_assert_uint_eq(len, strlen(text));
	free(text);
}
END_TEST

START_TEST(without_data_there_is_a_dash)
{
	struct fim_syslog bare = message;
	char *text = NULL;
	size_t len = 0;

	bare.param_count = 0;
	bare.host = NULL;
	ck_assert_int_eq(fim_syslog5424(&bare, 8192, &text, &len), 0);
	ck_assert_str_eq(text,
			 "<83>1 2026-11-18T11:06:40.123456Z - ecs-fimd 7 finding - modified /a");
	free(text);
}
END_TEST

/* At every length: structured data is whole or not there, text ends with a character. */
START_TEST(a_message_is_never_longer_than_asked_and_its_data_is_whole)
{
	struct fim_syslog large = message;
	char *text = NULL, *open;
	size_t len = 0;

	large.param_count = 3;
	large.text = "\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82";
	for (size_t max = 200; max < 400; max++) {
		ck_assert_int_eq(fim_syslog5424(&large, max, &text, &len), 0);
		ck_assert_uint_le(len, max);
		ck_assert(fim_is_utf8(text, len));
		open = strstr(text, "[ecsfim");
		ck_assert(!open || strstr(open, "\"] "));
		free(text);
	}
}
END_TEST

START_TEST(addresses_are_of_this_host)
{
	static const char *const bad[] = {"",
					  "log",
					  "udp:10.0.0.1:514",
					  "tcp:127.0.0.1",
					  "tcp:127.0.0.1:",
					  "tcp:127.0.0.1:0",
					  "tcp:127.0.0.1:1x",
					  "udp:127.0.0.1:70000",
					  "tcp:localhost:1",
					  "udp:127.0.0.1:-1"};
	struct fim_address address;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(fim_address_parse(bad[i], &address) < 0, "%s", bad[i]);
	ck_assert_int_eq(fim_address_parse("tcp:127.0.0.1:601", &address), 0);
	ck_assert_int_eq(address.kind, FIM_ADDRESS_TCP);
	ck_assert_int_eq(address.port, 601);
	ck_assert_str_eq(address.name, "127.0.0.1");
	ck_assert_int_eq(fim_address_parse("/dev/log", &address), 0);
	ck_assert_int_eq(address.kind, FIM_ADDRESS_UNIX);
}
END_TEST

START_TEST(a_field_with_a_newline_has_its_length_before_it)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fim_journald_field(out, "A", "b", 1);
	fim_journald_field(out, "C", "d\ne", 3);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_eq(len, 4 + 2 + 8 + 4);
	ck_assert_mem_eq(text, "A=b\nC\n\3\0\0\0\0\0\0\0d\ne\n", len);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("syslog");
	TCase *tcase = tcase_create("syslog");

	tcase_add_test(tcase, what_would_end_a_value_is_escaped);
	tcase_add_test(tcase, without_data_there_is_a_dash);
	tcase_add_test(tcase, a_message_is_never_longer_than_asked_and_its_data_is_whole);
	tcase_add_test(tcase, addresses_are_of_this_host);
	tcase_add_test(tcase, a_field_with_a_newline_has_its_length_before_it);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
