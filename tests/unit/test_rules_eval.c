/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict, and that it costs no memory while nothing matches. */
#include <malloc.h>

#include "rules_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fields as {"name":"value",…}. */
static bool holds(const char *condition, const char *fields)
{
	struct fim_rules *rules = NULL;
	struct fim_rules_event *event;
	struct fim_json *json;
	size_t hits = 0;

	ck_assert_msg(!build_condition("syscall", condition, "o", &rules), "%s: %s", condition,
		      fixture_messages);
	ck_assert_int_eq(fim_json_parse(fields, strlen(fields), "fields", &json), 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(fim_rules_event_set_fields(event, json), 0);
	ck_assert_int_eq(fim_rules_eval(event, count_hit, &hits), 0);
	fim_rules_event_free(event);
	fim_json_free(json);
	fim_rules_free(rules);
	return hits;
}

static const struct {
	const char *condition;
	const char *fields;
	bool holds;
} cases[] = {
	/* What is missing is false, whatever is asked; only "not" around it is true. */
	{"proc.name = x", "{}", false},
	{"proc.name != x", "{}", false},
	{"not proc.name = x", "{}", true},
	{"proc.name exists", "{}", false},
	{"proc.name exists", "{\"proc.name\":\"\"}", true},
	{"fd.num >= 0", "{\"fd.num\":\"no number\"}", false},
	{"fd.num >= 0", "{\"fd.num\":-1}", false},
	{"fd.num < 0", "{\"fd.num\":-1}", true},
	{"evt.num > 9223372036854775807", "{\"evt.num\":\"18446744073709551615\"}", true},
	{"evt.is_open_write = true", "{\"evt.is_open_write\":true}", true},
	{"evt.is_open_write != true", "{\"evt.is_open_write\":\"false\"}", true},
	{"proc.name < 5", "{\"proc.name\":\"41\"}", true},
	{"proc.name glob */x", "{\"proc.name\":\"/a/b/x\"}", true},
	{"proc.name iglob X?", "{\"proc.name\":\"xy\"}", true},
	{"proc.name contains \"\"", "{\"proc.name\":\"a\"}", true},
	{"proc.name icontains EL", "{\"proc.name\":\"Hello\"}", true},
	{"proc.name regex h.*o", "{\"proc.name\":\"hello\"}", true},
	{"proc.name regex ell", "{\"proc.name\":\"hello\"}", false},
	{"fd.name pmatch (/etc, /usr/*/bin)", "{\"fd.name\":\"/usr/local/bin/x\"}", true},
	{"fd.name pmatch (/etc/ssh)", "{\"fd.name\":\"/etc\"}", false},
	{"fd.name pmatch (/etc)", "{\"fd.name\":\"/etcetera\"}", false},
	{"proc.name in ()", "{\"proc.name\":\"a\"}", false},
	{"proc.name = oneof (a, a)", "{\"proc.name\":\"a\"}", false},
	{"proc.name contains allof (a, b)", "{\"proc.name\":\"ab\"}", true},
	{"proc.aname = sshd", "{\"proc.aname\":[\"bash\",\"sshd\"]}", true},
	{"proc.aname = sshd", "{\"proc.aname\":[]}", false},
	{"proc.aname[2] = sshd", "{\"proc.aname[2]\":\"sshd\"}", true},
	{"fd.types in (file, ipv4)", "{\"fd.types\":[\"file\"]}", true},
	{"fd.types in (file)", "{\"fd.types\":[\"file\",\"ipv4\"]}", false},
	{"fd.types intersects (file)", "{\"fd.types\":[\"file\",\"ipv4\"]}", true},
	{"fd.ip = 10.1.2.3", "{\"fd.ip\":\"10.1.2.3\"}", true},
	{"fd.net = 10.0.0.0/8", "{\"fd.net\":\"10.1.2.3\"}", true},
	{"fd.net = fe80::/10", "{\"fd.net\":\"fe80::1\"}", true},
	{"proc.name = val(proc.pname)", "{\"proc.name\":\"a\",\"proc.pname\":\"a\"}", true},
	{"proc.name = val(proc.pname)", "{\"proc.name\":\"a\"}", false},
	{"toupper(basename(fd.name)) = X", "{\"fd.name\":\"/a/x\"}", true},
	{"b64(proc.name) = hi", "{\"proc.name\":\"aGk=\"}", true},
	{"b64(proc.name) exists", "{\"proc.name\":\"!\"}", false},
	{"len(proc.name) = 3", "{\"proc.name\":\"abc\"}", true},
	/* In quotes it is a text, without it is a field: the same letters, two checks. */
	{"proc.name = \"tolower(proc.pname)\" or proc.name = tolower(proc.pname)",
	 "{\"proc.name\":\"x\",\"proc.pname\":\"X\"}", true},
};

START_TEST(conditions_hold_or_not)
{
	ck_assert_msg(holds(cases[_i].condition, cases[_i].fields) == cases[_i].holds, "%s on %s",
		      cases[_i].condition, cases[_i].fields);
}
END_TEST

static const struct {
	const char *output;
	const char *fields;
	const char *text;
} outputs[] = {
	{"plain", "{}", "plain"},
	{"%proc.name!", "{}", "<NA>!"},
	{"%proc.name.", "{\"proc.name\":\"x\"}", "x."},
	{"%5proc.name|%2proc.name|", "{\"proc.name\":\"abc\"}", "abc  |ab|"},
	{"%toupper(proc.name)", "{\"proc.name\":\"abc\"}", "ABC"},
	{"%proc.aname[2] %proc.aname", "{\"proc.aname[2]\":\"b\",\"proc.aname\":[\"a\",\"b\"]}",
	 "b (a,b)"},
	{"%evt.is_open_write %fd.num", "{\"evt.is_open_write\":true,\"fd.num\":-3}", "true -3"},
};

START_TEST(outputs_are_filled)
{
	struct fim_rules *rules;
	struct fim_rules_event *event;
	struct fim_json *json;
	char *text = NULL;

	ck_assert_msg(!build_condition("syscall", "not evt.num = 0", outputs[_i].output, &rules),
		      "%s", fixture_messages);
	ck_assert_int_eq(fim_json_parse(outputs[_i].fields, strlen(outputs[_i].fields), "f", &json),
			 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(fim_rules_event_set_fields(event, json), 0);
	ck_assert_int_eq(fim_rules_eval(event, take_output, &text), 0);
	ck_assert_str_eq(text, outputs[_i].text);
	free(text);
	fim_rules_event_free(event);
	fim_json_free(json);
	fim_rules_free(rules);
}
END_TEST

static int take_json(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct fim_json *json = fim_rules_hit_to_json(event, rule, 0);
	size_t len;
	int err = fim_json_dump(json, ctx, &len);

	fim_json_free(json);
	return err;
}

START_TEST(a_hit_is_json_whatever_a_file_is_called)
{
	struct fim_rules *rules;
	struct fim_rules_event *event;
	char *text = NULL;

	ck_assert_int_eq(build_condition("syscall", "fd.num = 3", "f=%fd.name n=%fd.num %proc.name",
					 &rules),
			 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	fim_rules_event_set(event, "fd.name", "/a\xff\n\"", 5);
	fim_rules_event_set_int(event, "fd.num", 3);
	ck_assert_int_eq(fim_rules_eval(event, take_json, &text), 0);
	ck_assert_str_eq(text,
			 "{\"time\":\"1970-01-01T00:00:00.000000000Z\",\"rule\":\"r\","
			 "\"priority\":\"Informational\",\"source\":\"syscall\","
			 "\"output\":\"f=/a\xef\xbf\xbd\\n\\\" n=3 <NA>\",\"tags\":[],"
			 "\"output_fields\":{\"fd.name\":\"/a\xef\xbf\xbd\\n\\\"\",\"fd.num\":3,"
			 "\"proc.name\":null}}");
	free(text);
	fim_rules_event_free(event);
	fim_rules_free(rules);
}
END_TEST

static const char many_rules[] =
	"- macro: written\n"
	"  condition: evt.type in (open, openat) and evt.is_open_write = true\n"
	"- {rule: a, desc: d, priority: INFO, output: o, condition: written and fd.name = /a}\n"
	"- {rule: b, desc: d, priority: INFO, output: o, condition: 'evt.type = unlink'}\n"
	"- {rule: c, desc: d, priority: INFO, output: o, condition: 'fd.name glob */a'}\n"
	"- {rule: e, desc: d, priority: INFO, output: o, condition: 'not evt.type = open and"
	" tolower(proc.name) = x'}\n"
	"- {rule: f, desc: d, priority: INFO, output: o, condition: 'proc.cmdline regex \"(a|b)*c\"'}\n";

static int note_name(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	(void)event;
	strcat(ctx, rule->name);
	return 0;
}

START_TEST(all_rules_that_match_are_reported_in_order)
{
	struct fim_rules *rules = must_build(many_rules);
	struct fim_rules_event *event;
	char names[16] = "";

	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	fim_rules_event_set_str(event, "evt.type", "openat");
	fim_rules_event_set_str(event, "evt.is_open_write", "true");
	fim_rules_event_set_str(event, "fd.name", "/a");
	fim_rules_event_set_str(event, "proc.name", "X");
	fim_rules_event_set_str(event, "proc.cmdline", "abc");
	ck_assert_int_eq(fim_rules_eval(event, note_name, names), 0);
	ck_assert_str_eq(names, "acef");
	/* Nothing of one event is left for the next. */
	fim_rules_event_reset(event);
	names[0] = '\0';
	fim_rules_event_set_str(event, "evt.type", "unlink");
	ck_assert_int_eq(fim_rules_eval(event, note_name, names), 0);
	ck_assert_str_eq(names, "b");
	fim_rules_event_free(event);
	fim_rules_free(rules);
}
END_TEST

static int stop(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	(void)event;
	(void)rule;
	(*(size_t *)ctx)++;
	return -EINTR;
}

START_TEST(a_hit_can_stop_the_rest)
{
	struct fim_rules *rules = must_build(many_rules);
	struct fim_rules_event *event;
	size_t hits = 0;

	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	fim_rules_event_set_str(event, "evt.type", "unlink");
	fim_rules_event_set_str(event, "fd.name", "/a");
	ck_assert_int_eq(fim_rules_eval(event, stop, &hits), -EINTR);
	ck_assert_uint_eq(hits, 1);
	fim_rules_event_free(event);
	fim_rules_free(rules);
}
END_TEST

START_TEST(there_are_two_sources)
{
	struct fim_rules *rules = must_build("");
	struct fim_rules_event *event = NULL;

	ck_assert_int_eq(fim_rules_event_new(rules, "k8s_audit", &event), -ENOENT);
	ck_assert_ptr_null(event);
	fim_rules_free(rules);
}
END_TEST

/* Counted by glibc: what is in use must not change between the second event and the last. */
START_TEST(an_event_that_matches_nothing_allocates_nothing)
{
	struct fim_rules *rules = must_build(many_rules);
	struct fim_rules_event *event;
	struct mallinfo2 before, after;
	size_t hits = 0;
	int i;

	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	for (i = 0; i < 1000; i++) {
		if (i == 2)
			before = mallinfo2();
		fim_rules_event_reset(event);
		fim_rules_event_set_str(event, "evt.type", i % 2 ? "chmod" : "openat");
		fim_rules_event_set_str(event, "fd.name", "/etc/passwd");
		fim_rules_event_set_str(event, "proc.name", "TOUCH");
		fim_rules_event_set_str(event, "proc.cmdline", "abababab");
		ck_assert_int_eq(fim_rules_eval(event, count_hit, &hits), 0);
	}
	after = mallinfo2();
	ck_assert_uint_eq(hits, 0);
	ck_assert_uint_eq(after.uordblks, before.uordblks);
	ck_assert_uint_eq(after.arena, before.arena);
	fim_rules_event_free(event);
	fim_rules_free(rules);
}
END_TEST

static const struct {
	const char *condition;
	const char *source;
	int err;
	const char *text;
} alone[] = {
	{"a.b=c", NULL, 0, "a.b = c"},
	{"not (proc.name in (a,'b c') and fd.num>=3)", "syscall", 0,
	 "not (proc.name in (a, \"b c\") and fd.num >= 3)"},
	{"proc.name = 'a=b'", "syscall", 0, "proc.name = \"a=b\""},
	{"a.b = c", "syscall", -EINVAL, "1:1: filter_check called with nonexistent field a.b"},
	{"proc.name = x\n and y.", "syscall", -EINVAL, "2:"},
	{"some_macro", NULL, 0, "some_macro"},
	{"some_macro", "syscall", -EINVAL, "1:1: "},
	{"proc.name = x", "nowhere", -ENOENT, ""},
};

START_TEST(a_condition_alone_is_checked)
{
	char *canonical = NULL, *error = NULL;

	ck_assert_int_eq(fim_rules_condition(alone[_i].condition, strlen(alone[_i].condition),
					     alone[_i].source, &canonical, &error),
			 alone[_i].err);
	if (!alone[_i].err)
		ck_assert_str_eq(canonical, alone[_i].text);
	else if (alone[_i].err == -EINVAL)
		ck_assert_msg(!strncmp(error, alone[_i].text, strlen(alone[_i].text)), "%s", error);
	free(canonical);
	free(error);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_eval");
	TCase *tcase = tcase_create("eval");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tcase, conditions_hold_or_not, 0, COUNT(cases));
	tcase_add_loop_test(tcase, outputs_are_filled, 0, COUNT(outputs));
	tcase_add_test(tcase, a_hit_is_json_whatever_a_file_is_called);
	tcase_add_test(tcase, all_rules_that_match_are_reported_in_order);
	tcase_add_test(tcase, a_hit_can_stop_the_rest);
	tcase_add_test(tcase, there_are_two_sources);
	tcase_add_test(tcase, an_event_that_matches_nothing_allocates_nothing);
	tcase_add_loop_test(tcase, a_condition_alone_is_checked, 0, COUNT(alone));
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
