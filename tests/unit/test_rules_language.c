/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the language means, case by case, out of tests/data/rules-language.jsonl: one test
 * for each kind of question.  The cases follow the language's definition; test_rules_vectors.c
 * asks the engine itself.
 */
#include "rules_fixture.h"

static char data_path[PATH_MAX];
static size_t line_number;
static unsigned failures;

static void wrong(const struct fim_json *one, const char *got)
{
	char *text = NULL;
	size_t len;

	if (failures++ < 20 && !fim_json_dump(one, &text, &len))
		fprintf(stderr, "# line %zu: %s\n#\tgot: %s\n", line_number, text, got);
	free(text);
}

static const char *get(const struct fim_json *one, const char *key)
{
	return fim_json_get_str(one, key);
}

/* ------------------------------------------------------------------- kinds */

static void check_canonical(const struct fim_json *one)
{
	const char *in = get(one, "in");
	char *canonical = NULL, *error = NULL;

	if (fim_rules_condition(in, strlen(in), NULL, &canonical, &error))
		wrong(one, error);
	else if (strcmp(canonical, get(one, "out")) != 0)
		wrong(one, canonical);
	free(canonical);
	free(error);
}

static void check_reject(const struct fim_json *one)
{
	const char *in = get(one, "in");
	char *canonical = NULL, *error = NULL;

	if (!fim_rules_condition(in, strlen(in), NULL, &canonical, &error))
		wrong(one, canonical);
	free(canonical);
	free(error);
}

static void check_compiles(const struct fim_json *one)
{
	struct fim_rules *rules = NULL;
	int err = build_condition(get(one, "source"), get(one, "in"), "o", &rules);

	if (!err != fim_json_get_bool(one, "ok", false))
		wrong(one, err ? fixture_messages : "it compiles");
	fim_rules_free(rules);
}

/* The hit's output, malloc'ed; NULL: none. */
static char *output_of(struct fim_rules *rules, const struct fim_json *one)
{
	struct fim_rules_event *event;
	char *text = NULL;

	ck_assert_int_eq(fim_rules_event_new(rules, get(one, "source"), &event), 0);
	ck_assert_int_eq(fim_rules_event_set_fields(event, fim_json_get(one, "fields")), 0);
	ck_assert_int_eq(fim_rules_eval(event, take_output, &text), 0);
	fim_rules_event_free(event);
	return text;
}

static void check_truth(const struct fim_json *one)
{
	struct fim_rules *rules = NULL;
	char *text;

	if (build_condition(get(one, "source"), get(one, "in"), "o", &rules)) {
		wrong(one, fixture_messages);
		return;
	}
	text = output_of(rules, one);
	if (!text == fim_json_get_bool(one, "result", false))
		wrong(one, text ? "true" : "false");
	free(text);
	fim_rules_free(rules);
}

/* Without "out" the output is not one. */
static void check_output(const struct fim_json *one)
{
	struct fim_rules *rules = NULL;
	char *text;
	int err = build_condition(get(one, "source"), "evt.num exists or not evt.num exists",
				  get(one, "in"), &rules);

	if (err || !get(one, "out")) {
		if (!err || get(one, "out") || !strstr(fixture_messages, "LOAD_ERR_COMPILE_OUTPUT"))
			wrong(one, err ? fixture_messages : "it loads");
		fim_rules_free(rules);
		return;
	}
	text = output_of(rules, one);
	if (strcmp(text, get(one, "out")) != 0)
		wrong(one, text);
	free(text);
	fim_rules_free(rules);
}

static void check_loads(const struct fim_json *one)
{
	struct fim_rules *rules = NULL;
	int err = fixture_build(get(one, "yaml"), &rules);

	if (!err != fim_json_get_bool(one, "ok", false) ||
	    (get(one, "code") && !strstr(fixture_messages, get(one, "code"))) ||
	    (get(one, "message") && !strstr(fixture_messages, get(one, "message"))) ||
	    (get(one, "without") && strstr(fixture_messages, get(one, "without"))))
		wrong(one, fixture_messages);
	fim_rules_free(rules);
}

/* Of the first rule. Without "out" there is none. */
static void check_condition(const struct fim_json *one)
{
	struct fim_rules *rules = NULL;
	int err = fixture_build(get(one, "yaml"), &rules);
	const char *out = get(one, "out");

	if (err ? out != NULL : !out || strcmp(fim_rules_index(rules, 0)->condition, out) != 0)
		wrong(one, err ? fixture_messages : fim_rules_index(rules, 0)->condition);
	fim_rules_free(rules);
}

static const struct {
	const char *name;
	void (*check)(const struct fim_json *one);
	size_t at_least; /* cases: the file is what it was */
} kinds[] = {
	{"canonical", check_canonical, 80}, {"reject", check_reject, 40},
	{"compiles", check_compiles, 180},  {"truth", check_truth, 130},
	{"output", check_output, 25},	    {"loads", check_loads, 90},
	{"condition", check_condition, 35},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds))

START_TEST(the_language_means_what_it_means)
{
	size_t len, count = 0;
	char *text, *at, *end;

	ck_assert_int_eq(fim_file_read(data_path, 16 << 20, &text, &len), 0);
	for (at = text, line_number = 1; (end = strchr(at, '\n')); at = end + 1, line_number++) {
		struct fim_json *one = NULL;
		const char *kind;

		ck_assert_int_eq(fim_json_parse(at, (size_t)(end - at), "case", &one), 0);
		kind = get(one, "kind");
		if (kind && !strcmp(kind, kinds[_i].name)) {
			kinds[_i].check(one);
			count++;
		}
		fim_json_free(one);
	}
	free(text);
	ck_assert_msg(!failures, "%u of %zu cases \"%s\" differ", failures, count, kinds[_i].name);
	ck_assert_uint_ge(count, kinds[_i].at_least);
}
END_TEST

START_TEST(each_case_is_of_a_kind)
{
	size_t len, count = 0, known = 0;
	char *text, *at;

	ck_assert_int_eq(fim_file_read(data_path, 16 << 20, &text, &len), 0);
	for (at = text; (at = strstr(at, "\"kind\": \"")); at++) {
		count++;
		for (size_t i = 0; i < KIND_COUNT; i++)
			known += !strncmp(at + 9, kinds[i].name, strlen(kinds[i].name));
	}
	free(text);
	ck_assert_uint_eq(known, count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_language");
	TCase *tcase = tcase_create("language");

	if (!realpath("tests/data/rules-language.jsonl", data_path)) {
		perror("tests/data/rules-language.jsonl");
		return EXIT_FAILURE;
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, the_language_means_what_it_means, 0, KIND_COUNT);
	tcase_add_test(tcase, each_case_is_of_a_kind);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
