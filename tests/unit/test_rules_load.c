/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define RULE(name, condition) \
	"- {rule: " name ", desc: d, priority: INFO, output: o, condition: \"" condition "\"}\n"

static void assert_message(const char *text)
{
	ck_assert_msg(strstr(fixture_messages, text) != NULL, "\"%s\" is not in the messages:\n%s",
		      text, fixture_messages);
}

START_TEST(an_empty_file_is_an_empty_set)
{
	struct fim_rules *rules = must_build("# nothing\n");

	ck_assert_uint_eq(fim_rules_count(rules), 0);
	ck_assert_ptr_null(fim_rules_index(rules, 0));
	fim_rules_free(rules);
}
END_TEST

START_TEST(a_rule_is_what_its_file_says)
{
	struct fim_rules *rules = must_build("- rule: Shadow read\n"
					     "  desc: somebody reads\n"
					     "  condition: fd.name=/etc/shadow or (fd.num>=3)\n"
					     "  output: >\n"
					     "    file=%fd.name\n"
					     "    pid=%proc.pid\n"
					     "  priority: warning\n"
					     "  tags: [b, a, b]\n");
	const struct fim_rules_rule *rule = fim_rules_index(rules, 0);

	ck_assert_str_eq(rule->name, "Shadow read");
	ck_assert_str_eq(rule->desc, "somebody reads");
	ck_assert_str_eq(rule->source, "syscall");
	ck_assert_str_eq(rule->condition, "(fd.name = /etc/shadow or fd.num >= 3)");
	ck_assert_str_eq(rule->output, "file=%fd.name pid=%proc.pid");
	ck_assert_int_eq(rule->priority, FIM_RULES_WARNING);
	ck_assert_uint_eq(rule->tag_count, 2);
	ck_assert_str_eq(rule->tags[0], "a");
	ck_assert(fim_rules_has_tag(rule, "b"));
	ck_assert(!fim_rules_has_tag(rule, "c"));
	ck_assert(rule->enabled && rule->runs);
	fim_rules_free(rules);
}
END_TEST

/* What a person needs to find the fault: where, what, which item. */
static const struct {
	const char *yaml;
	const char *message;
} faults[] = {
	{"- rule: r\n  desc: d\n  priority: INFO\n  condition: a.b = c\n  output: o\n",
	 "LOAD_ERR_COMPILE_CONDITION 4:14 condition expression : filter_check called with "
	 "nonexistent field a.b (at 1:1"},
	{"- rule: r\n  desc: d\n  priority: INFO\n  condition: proc.name = and x\n  output: o\n",
	 "LOAD_ERR_COMPILE_CONDITION 4:14"},
	{"- rule: r\n  desc: d\n  priority: HIGH\n  condition: evt.num = 1\n  output: o\n",
	 "LOAD_ERR_YAML_VALIDATE 3:13 rule priority : Invalid priority"},
	{"- rule: r\n  desc: d\n  priority: INFO\n  condition: evt.num = 1\n",
	 "LOAD_ERR_YAML_VALIDATE 1:3 rule r: Item has no mapping for key 'output'"},
	{"- rule: r\n  desc: d\n  priority: INFO\n  condition: evt.num = 1\n  output: '%a.b'\n",
	 "LOAD_ERR_COMPILE_OUTPUT"},
	{RULE("r", "m"), "LOAD_ERR_VALIDATE 1:"},
	{"- macro: a\n  condition: b\n- macro: b\n  condition: a\n" RULE("r", "a"),
	 "LOAD_ERR_VALIDATE"},
	{"a: b\n", "LOAD_ERR_YAML_VALIDATE 1:1"},
	{"- [x\n", "LOAD_ERR_YAML_PARSE"},
	{"- rule: r\n\tdesc: d\n", "LOAD_ERR_YAML_PARSE 2:1"},
	{"- required_engine_version: 0.99.0\n", "LOAD_ERR_VALIDATE"},
	{"- rule: r\n  enabled: true\n", "LOAD_ERR_VALIDATE"},
	{RULE("r", "proc.name regex \\\"(?i)x\\\""), "LOAD_ERR_COMPILE_CONDITION"},
	{RULE("r", "proc.name regex \\\"(a\\\""), "LOAD_ERR_COMPILE_CONDITION"},
	{RULE("r", "evt.type = no_such_call"), "unknown event type no_such_call"},
};

START_TEST(a_fault_is_named_with_its_place)
{
	struct fim_rules *rules = (struct fim_rules *)-1;

	ck_assert_int_eq(fixture_build(faults[_i].yaml, &rules), -EINVAL);
	ck_assert_ptr_eq(rules, (struct fim_rules *)-1);
	assert_message(faults[_i].message);
}
END_TEST

static const struct {
	const char *yaml;
	const char *message;
} warnings[] = {
	{RULE("r", "proc.name = proc.pname"), "LOAD_COMPILE_CONDITION"},
	{RULE("r", "proc.name regex abc"), "LOAD_COMPILE_CONDITION"},
	{"- list: l\n  items: [a]\n", "LOAD_UNUSED_LIST 1:3 list l"},
	{"- macro: m\n  condition: evt.num = 1\n", "LOAD_UNUSED_MACRO 1:3 macro m"},
	{"- rules: r\n", "LOAD_UNKNOWN_ITEM"},
	{"- list: l\n  items: [a]\n  colour: red\n", "LOAD_UNKNOWN_KEY"},
	{"- {rule: r, desc: d, priority: INFO, output: o, condition: evt.num = 1, source: k8s}\n",
	 "LOAD_UNKNOWN_SOURCE"},
	{"- {rule: r, desc: d, priority: INFO, output: o, condition: a.b = 1,"
	 " skip-if-unknown-filter: true}\n",
	 "LOAD_UNKNOWN_FILTER"},
	{RULE("r", "evt.num = 1 and evt.dir = <"), "LOAD_DEPRECATED_ITEM"},
};

START_TEST(what_is_doubtful_is_a_warning)
{
	struct fim_rules *rules = must_build(warnings[_i].yaml);

	assert_message(warnings[_i].message);
	fim_rules_free(rules);
}
END_TEST

START_TEST(files_are_one_set_in_their_order)
{
	const struct fim_rules_text texts[] = {
		{"a", "- list: l\n  items: [a]\n" RULE("r", "proc.name in (l)"), 0},
		{"b", "- list: l\n  items: [b]\n  override: {items: append}\n", 0},
		{"c", "- rule: r\n  condition: or evt.num = 1\n  override: {condition: append}\n",
		 0},
	};
	struct fim_rules_text copies[3];
	struct fim_rules *rules;
	size_t i;

	for (i = 0; i < 3; i++) {
		copies[i] = texts[i];
		copies[i].len = strlen(texts[i].text);
	}
	ck_assert_int_eq(fim_rules_build(copies, 3, &fixture_params, &rules), 0);
	ck_assert_str_eq(fim_rules_index(rules, 0)->condition,
			 "(proc.name in (a, b) or evt.num = 1)");
	ck_assert_ptr_null(strstr(fixture_messages, "UNUSED"));
	fim_rules_free(rules);
}
END_TEST

START_TEST(each_file_has_to_be_right_with_those_before_it)
{
	const char *first = RULE("r", "later"),
		   *second = "- macro: later\n  condition: evt.num = 1\n";
	const struct fim_rules_text texts[] = {{"a", first, strlen(first)},
					       {"b", second, strlen(second)}};
	struct fim_rules *rules;

	ck_assert_int_eq(fim_rules_build(texts, 2, &fixture_params, &rules), -EINVAL);
	assert_message("LOAD_ERR_VALIDATE");
}
END_TEST

START_TEST(files_of_a_directory_are_read_by_name)
{
	const char *const paths[] = {"rules.d", NULL};
	struct fim_rules *rules;

	put_dir("rules.d");
	put_text("rules.d/20.yaml", RULE("second", "evt.num = 1"));
	put_text("rules.d/10.yml", RULE("first", "evt.num = 1"));
	put_text("rules.d/README", "not: [yaml");
	put_text("rules.d/.hidden.yaml", "not: [yaml");
	ck_assert_int_eq(fim_rules_load(paths, &fixture_params, &rules), 0);
	ck_assert_uint_eq(fim_rules_count(rules), 2);
	ck_assert_str_eq(fim_rules_index(rules, 0)->name, "first");
	fim_rules_free(rules);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
	const char *const paths[] = {"nowhere.yaml", NULL};
	struct fim_rules *rules = NULL;

	fixture_messages[0] = '\0';
	ck_assert_int_eq(fim_rules_load(paths, &fixture_params, &rules), -ENOENT);
	assert_message("LOAD_ERR_FILE_READ");
	ck_assert_ptr_null(rules);
}
END_TEST

START_TEST(messages_go_to_the_log_if_nobody_takes_them)
{
	const struct fim_rules_text text = {"x.yaml", "- rule: r\n", 10};
	struct fim_rules *rules;

	ck_assert_int_eq(fim_rules_build(&text, 1, NULL, &rules), -EINVAL);
	assert_logged("x.yaml:1:");
}
END_TEST

START_TEST(tags_and_enabled_say_what_runs)
{
	const char *const tags[] = {"pci", NULL};
	const char *yaml =
		"- {rule: a, desc: d, priority: INFO, output: o, condition: evt.num exists, tags: [pci]}\n"
		"- {rule: b, desc: d, priority: INFO, output: o, condition: evt.num exists}\n"
		"- {rule: c, desc: d, priority: INFO, output: o, condition: evt.num exists, tags: [pci],"
		" enabled: false}\n";
	const struct fim_rules_text text = {"x", yaml, strlen(yaml)};
	struct fim_rules_params params = {.message = fixture_message, .tags = tags};
	struct fim_rules_event *event;
	struct fim_rules *rules;
	size_t hits = 0;

	ck_assert_int_eq(fim_rules_build(&text, 1, &params, &rules), 0);
	ck_assert(fim_rules_index(rules, 0)->runs);
	ck_assert(!fim_rules_index(rules, 1)->runs);
	ck_assert(!fim_rules_index(rules, 2)->runs);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(fim_rules_eval(event, count_hit, &hits), 0);
	ck_assert_uint_eq(hits, 1);
	fim_rules_event_free(event);
	fim_rules_free(rules);
	params.with_disabled = true;
	ck_assert_int_eq(fim_rules_build(&text, 1, &params, &rules), 0);
	ck_assert(fim_rules_index(rules, 2)->runs);
	fim_rules_free(rules);
}
END_TEST

static const struct {
	const char *condition;
	const char *why; /* NULL: it can fire */
	const char *limited;
} verdicts[] = {
	{"evt.type = open and evt.is_open_write = true and fd.name = /x", NULL, NULL},
	{"evt.type = open and fd.name = /x", NULL, "files that are opened for reading"},
	{"evt.type = connect", "needs events of type connect, which are not observed", NULL},
	{"evt.type = open and proc.tty != 0", "needs field proc.tty, which is never filled", NULL},
	{"evt.type = unlink and not proc.tty = 0", NULL, NULL},
	{"evt.type = unlink and fd.name = /x", "needs field fd.name, which is never filled", NULL},
	{"evt.type = open and evt.is_open_read = true",
	 "files that are opened for reading are not observed", NULL},
	{"evt.type = execve and proc.vpid = 1", NULL, NULL},
	{"evt.type = execve and proc.name = nc", NULL, "of programs that are started, only"},
	{"evt.type = open and fd.num = -1", "its condition is false", NULL},
	{"evt.type = open and evt.is_open_write = true and fd.name startswith /proc/self/fd/", NULL,
	 "a link of /proc/self"},
};

START_TEST(rules_that_cannot_fire_here_say_why)
{
	const struct fim_rules_rule *rule;
	struct fim_rules *rules;

	ck_assert_msg(!build_condition("syscall", verdicts[_i].condition, "o", &rules), "%s",
		      fixture_messages);
	rule = fim_rules_index(rules, 0);
	ck_assert_int_eq(rule->never != NULL, verdicts[_i].why != NULL);
	if (rule->never && !strstr(rule->never, "of a kind"))
		ck_assert_msg(strstr(rule->never, verdicts[_i].why) != NULL, "%s", rule->never);
	ck_assert_int_eq(rule->limited != NULL, verdicts[_i].limited != NULL);
	if (rule->limited)
		ck_assert_msg(strstr(rule->limited, verdicts[_i].limited) != NULL, "%s",
			      rule->limited);
	fim_rules_free(rules);
}
END_TEST

START_TEST(fields_that_are_never_filled_are_listed)
{
	struct fim_rules *rules;
	const struct fim_rules_rule *rule;

	ck_assert_int_eq(build_condition("syscall", "fd.name = x or proc.tty = 1",
					 "%proc.cwd %proc.name", &rules),
			 0);
	rule = fim_rules_index(rules, 0);
	ck_assert_str_eq(rule->missing[0], "proc.tty");
	ck_assert_str_eq(rule->missing[1], "proc.cwd");
	ck_assert_ptr_null(rule->missing[2]);
	fim_rules_free(rules);
}
END_TEST

START_TEST(deep_nesting_ends_in_an_error_and_not_in_the_stack)
{
	struct fim_text condition = {0};
	struct fim_rules *rules;
	size_t i;

	for (i = 0; i < 100000; i++)
		fim_text_adds(&condition, _i ? "not " : "(");
	fim_text_adds(&condition, "evt.num = 1");
	for (i = 0; i < 100000 && !_i; i++)
		fim_text_adds(&condition, ")");
	fim_text_add(&condition, "", 1);
	ck_assert_int_eq(build_condition("syscall", condition.bytes, "o", &rules),
			 _i ? 0 : -EINVAL);
	if (_i)
		fim_rules_free(rules);
	fim_text_free(&condition);
}
END_TEST

START_TEST(a_few_lines_cannot_become_a_giant)
{
	struct fim_text yaml = {0};
	struct fim_rules *rules = NULL;
	int i;

	fim_text_adds(&yaml, "- macro: m0\n  condition: evt.num = 1\n");
	for (i = 1; i < 64; i++)
		fim_text_addf(&yaml, "- macro: m%d\n  condition: m%d or m%d\n", i, i - 1, i - 1);
	fim_text_adds(&yaml, RULE("r", "m63"));
	fim_text_add(&yaml, "", 1);
	ck_assert_int_ne(fixture_build(yaml.bytes, &rules), 0);
	fim_text_free(&yaml);
	fim_rules_free(rules);
}
END_TEST

START_TEST(aliases_cannot_become_a_giant)
{
	struct fim_text yaml = {0};
	struct fim_rules *rules = NULL;
	int i;

	fim_text_adds(&yaml, "- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (i = 1; i < 30; i++)
		fim_text_addf(&yaml, "- &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i - 1, i - 1, i - 1,
			      i - 1);
	fim_text_add(&yaml, "", 1);
	ck_assert_int_ne(fixture_build(yaml.bytes, &rules), 0);
	fim_text_free(&yaml);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_load");
	TCase *tcase = tcase_create("load");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, an_empty_file_is_an_empty_set);
	tcase_add_test(tcase, a_rule_is_what_its_file_says);
	tcase_add_loop_test(tcase, a_fault_is_named_with_its_place, 0, COUNT(faults));
	tcase_add_loop_test(tcase, what_is_doubtful_is_a_warning, 0, COUNT(warnings));
	tcase_add_test(tcase, files_are_one_set_in_their_order);
	tcase_add_test(tcase, each_file_has_to_be_right_with_those_before_it);
	tcase_add_test(tcase, files_of_a_directory_are_read_by_name);
	tcase_add_test(tcase, a_file_that_is_not_there_is_an_error);
	tcase_add_test(tcase, messages_go_to_the_log_if_nobody_takes_them);
	tcase_add_test(tcase, tags_and_enabled_say_what_runs);
	tcase_add_loop_test(tcase, rules_that_cannot_fire_here_say_why, 0, COUNT(verdicts));
	tcase_add_test(tcase, fields_that_are_never_filled_are_listed);
	tcase_add_loop_test(tcase, deep_nesting_ends_in_an_error_and_not_in_the_stack, 0, 2);
	tcase_add_test(tcase, a_few_lines_cannot_become_a_giant);
	tcase_add_test(tcase, aliases_cannot_become_a_giant);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
