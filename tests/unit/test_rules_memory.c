/* SPDX-License-Identifier: Apache-2.0 */
/* Memory runs out at every single place: an error, nothing half made, nothing left behind. */
#include "rules_fixture.h"

#ifndef __SANITIZE_ADDRESS__ /* which has an allocator of its own */

static long countdown = -1; /* allocations until one fails; negative: none does */
static long live;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *malloc(size_t size)
{
	void *bytes = fails() ? NULL : __libc_malloc(size);

	live += bytes != NULL;
	return bytes;
}

void *calloc(size_t count, size_t size)
{
	void *bytes = fails() ? NULL : __libc_calloc(count, size);

	live += bytes != NULL;
	return bytes;
}

void *realloc(void *old, size_t size)
{
	void *bytes = fails() ? NULL : __libc_realloc(old, size);

	live += bytes && !old;
	return bytes;
}

void free(void *old)
{
	live -= old != NULL;
	__libc_free(old);
}

static const char yaml[] =
	"- list: names\n"
	"  items: [a, \"b c\", d, e, f, g, h, i, j]\n"
	"- list: names\n"
	"  items: [k]\n"
	"  override: {items: append}\n"
	"- macro: m\n"
	"  condition: proc.name in (names) or fd.name glob */x\n"
	"- rule: one\n"
	"  desc: d\n"
	"  priority: INFO\n"
	"  condition: evt.type = open and m and proc.cmdline regex \"(a|b)*c[0-9]{2,3}\"\n"
	"  output: \"%proc.name %toupper(proc.name) %10fd.name %container.info\"\n"
	"  tags: [x, y]\n"
	"  exceptions:\n"
	"    - {name: e, fields: [proc.name, fd.name], comps: [=, in], values: [[q, [r, s]]]}\n"
	"- rule: two\n"
	"  desc: d\n"
	"  priority: INFO\n"
	"  source: aws_cloudtrail\n"
	"  condition: ct.info contains a and jevt.value[/a] exists\n"
	"  output: \"%ct.info %json.obj %ct.request\"\n";

static void ignore(void *ctx, const struct fim_rules_message *message)
{
	*(size_t *)ctx += message->is_error;
	if (message->is_error)
		fprintf(stderr, "# %s: %s\n", message->code, message->text);
}

static int build(struct fim_rules **rules_ret)
{
	size_t errors = 0;
	struct fim_rules_params params = {.message = ignore, .ctx = &errors};
	struct fim_rules_text text = {"x", yaml, sizeof(yaml) - 1};
	int err = fim_rules_build(&text, 1, &params, rules_ret);

	ck_assert_uint_eq(errors, 0);
	return err;
}

static int use_hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	char *output;
	size_t len;
	int err = fim_rules_output(event, rule, &output, &len);

	if (err)
		return err;
	free(output);
	++*(size_t *)ctx;
	return 0;
}

static int use(struct fim_rules *rules, size_t *hits)
{
	static const char record[] =
		"{\"a\":{\"b\":\"\\u00e9\"},\"userIdentity\":{\"type\":\"AWSAccount\"},"
		"\"sourceIPAddress\":\"1.2.3.4\",\"eventName\":\"a\",\"requestParameters\":{\"x\": 1}}";
	struct fim_rules_event *event = NULL;
	int err = fim_rules_event_new(rules, "syscall", &event);

	if (err)
		return err;
	fim_rules_event_set_str(event, "evt.type", "open");
	fim_rules_event_set_str(event, "proc.name", "a");
	fim_rules_event_set_str(event, "proc.cmdline", "ababc123");
	err = fim_rules_eval(event, use_hit, hits);
	fim_rules_event_free(event);
	if (!err)
		err = fim_rules_event_new(rules, "aws_cloudtrail", &event);
	if (err)
		return err;
	err = fim_rules_event_set_cloudtrail(event, record, sizeof(record) - 1, NULL);
	if (!err)
		err = fim_rules_eval(event, use_hit, hits);
	fim_rules_event_free(event);
	return err;
}

START_TEST(loading_fails_whole_or_succeeds)
{
	long at, before;
	int err = -ENOMEM;

	for (at = 0; err; at++) {
		struct fim_rules *rules = NULL;

		before = live;
		countdown = at;
		err = build(&rules);
		countdown = -1;
		ck_assert(!err || err == -ENOMEM);
		ck_assert_int_eq(!err, rules != NULL);
		if (rules)
			ck_assert_uint_eq(fim_rules_count(rules), 2);
		fim_rules_free(rules);
		ck_assert_msg(live == before, "%ld: %ld allocations are left", at, live - before);
	}
	ck_assert_int_gt(at, 30);
}
END_TEST

START_TEST(evaluating_misses_nothing_silently)
{
	struct fim_rules *rules = NULL;
	int err = -ENOMEM;
	long at, before;

	ck_assert_int_eq(build(&rules), 0);
	for (at = 0; err; at++) {
		size_t hits = 0;

		before = live;
		countdown = at;
		err = use(rules, &hits);
		countdown = -1;
		ck_assert(!err || err == -ENOMEM);
		ck_assert_msg(err || hits == 2, "%ld: %zu hits and no error", at, hits);
		ck_assert_msg(live <= before + 2, "%ld: %ld allocations are left", at,
			      live - before);
	}
	ck_assert_int_gt(at, 4);
	fim_rules_free(rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_memory");
	TCase *tcase = tcase_create("memory");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, loading_fails_whole_or_succeeds);
	tcase_add_test(tcase, evaluating_misses_nothing_silently);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}

#else

int main(void)
{
	puts("1..1\nok - rules_memory # SKIP the sanitizer has an allocator of its own");
	return EXIT_SUCCESS;
}

#endif
