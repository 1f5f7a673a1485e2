/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEAD	     "name: n\nversion: \"1\"\nroots: [/etc, /usr/bin]\n"

static int parse(const char *text, struct fim_policy **policy)
{
	return fim_policy_parse(text, strlen(text), "p.yaml", policy);
}

static struct fim_policy *good(const char *text)
{
	struct fim_policy *policy = NULL;

	ck_assert_msg(!parse(text, &policy), "%s", fixture_log);
	return policy;
}

START_TEST(the_empty_policy_is_refused)
{
	struct fim_policy *policy = NULL;

	ck_assert_int_eq(parse("", &policy), -EINVAL);
	ck_assert_int_eq(parse("# nothing\n", &policy), -EINVAL);
	assert_logged("p.yaml:1:1: the policy is empty");
	ck_assert_ptr_null(policy);
}
END_TEST

START_TEST(every_truncation_is_refused_or_shorter)
{
	static const char text[] = HEAD
		"rules:\n  - {path: /etc/a, class: metadata, reason: \"b\", category: \"c\"}\n";
	struct fim_policy *policy = NULL;
	size_t len;
	int err;

	for (len = 0; len < strlen(text); len++) {
		err = fim_policy_parse(text, len, "p.yaml", &policy);
		ck_assert(!err || err == -EINVAL);
		/* What happens to be whole has no rule yet, or has it whole. */
		if (!err && fim_policy_rule_count(policy))
			ck_assert_str_eq(fim_policy_rule(policy, 0)->category, "c");
		if (!err)
			fim_policy_free(policy);
		policy = NULL;
	}
}
END_TEST

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	{"- a\n", "p.yaml:1:1: keys with values are expected here"},
	{"text", "p.yaml:1:1: keys with values"},
	{"name: n\n", "p.yaml:1:1: a policy needs"},
	{"name: n\nversion: 1\nroots: []\n", "p.yaml:3:8: \"roots\" must be a list"},
	{"name: n\nversion: 1\nroots: /etc\n", "p.yaml:3:8: \"roots\" must be a list"},
	{"name: n\nversion: 1\nroots: [[/etc]]\n", "p.yaml:3:9: a root must be a path"},
	{"name: [n]\nversion: 1\nroots: [/etc]\n", "p.yaml:1:7: \"name\" must be a string"},
	{"name: ''\nversion: 1\nroots: [/etc]\n", "p.yaml:1:7: \"name\" is empty"},
	{HEAD "colour: red\n", "p.yaml:4:1: unknown key \"colour\""},
	{HEAD "name: m\n", "p.yaml:4:1: \"name\" is there twice"},
	{"name: n\nversion: 1\nroots:\n  - /etc\n  - etc\n",
	 "p.yaml:5:5: root \"etc\" is not absolute"},
	{"name: n\nversion: 1\nroots: [/etc, /usr, /etc]\n",
	 "p.yaml:3:21: root \"/etc\" is there twice"},
	{"name: n\nversion: 1\nroots: [/usr, /usr/bin]\n", "lies inside another root"},
	{"name: n\nversion: 1\nroots: [/usr/bin, /usr]\n", "contains another root"},
	{"name: n\nversion: 1\nroots: [/etc, /]\n", "contains another root"},
	{"name: n\nversion: 1\nroots: [/etc/]\n", "ends with '/'"},
	{"name: n\nversion: 1\nroots: [//etc]\n", "has an empty component"},
	{"name: n\nversion: 1\nroots: [/etc/../usr]\n", "has a component \".\" or \"..\""},
	{"name: n\nversion: 1\nroots: [/./etc]\n", "has a component \".\" or \"..\""},
	{"name: n\nversion: 1\nroots: [/etc/..]\n", "has a component \".\" or \"..\""},
	{HEAD "rules: none\n", "p.yaml:4:8: \"rules\" must be a list"},
	{HEAD "rules:\n  - text\n", "p.yaml:5:5: keys with values"},
	{HEAD "rules:\n  - class: strict\n", "p.yaml:5:5: a rule needs a \"path\""},
	{HEAD "rules:\n  - path: /etc/a\n", "p.yaml:5:5: a rule needs a \"class\""},
	{HEAD "rules:\n  - path: /etc/a\n    class: lax\n", "p.yaml:5:5: unknown class \"lax\""},
	{HEAD "rules:\n  - path: /etc/a\n    class: twice\n", "unknown class \"twice\""},
	{HEAD "rules:\n  - path: /etc/a\n    klass: strict\n", "p.yaml:6:5: unknown key \"klass\""},
	{HEAD "rules:\n  - {path: /etc/a, class: strict}\n  - {path: /etc/a, class: strict}\n",
	 "p.yaml:6:5: \"/etc/a\" has a rule already"},
	{HEAD "rules:\n  - {path: etc, class: strict}\n", "\"etc\" is not absolute"},
	{HEAD "rules:\n  - {path: /etc/../x, class: strict}\n", "has a component"},
	{HEAD "rules:\n  - {path: /opt, class: strict}\n", "\"/opt\" is outside all roots"},
	{HEAD "rules:\n  - {path: /etcetera, class: strict}\n", "is outside all roots"},
	{HEAD "rules:\n  - {path: /etc/a, class: metadata}\n", "needs a reason"},
	{HEAD "rules:\n  - {path: /etc/a, class: metadata, reason: ''}\n", "\"reason\" is empty"},
	{HEAD "rules:\n  - {path: /etc/a, class: excluded, reason: r}\n", "needs an approver"},
	{HEAD "rules:\n  - {path: \"/etc/\\0\", class: strict}\n", "contains a NUL"},
	{HEAD "rules: &a\n  - {path: /etc/a, class: strict}\n", "anchors and tags"},
	{HEAD "rules: *a\n", "aliases are not supported"},
	{"name: !!str n\nversion: 1\nroots: [/etc]\n", "p.yaml:1:7: anchors and tags"},
	{HEAD "---\nname: second\n", "more than one document"},
	{HEAD "[a]: b\n", "p.yaml:4:1: a key must be a plain word"},
	{"name: n\nversion: 1\nroots: [[[[[[[[[[[[[[[[[[[/etc]]]]]]]]]]]]]]]]]]]\n",
	 "nested too deep"},
	{"name: \"n\nversion", "p.yaml:"},
	{"name: \xff\n", "p.yaml:"},
};

START_TEST(what_is_wrong_is_said_with_line_and_column)
{
	struct fim_policy *policy = NULL;

	ck_assert_int_eq(parse(refused[_i].text, &policy), -EINVAL);
	ck_assert_ptr_null(policy);
	assert_logged(refused[_i].message);
}
END_TEST

START_TEST(the_longest_rule_that_covers_a_path_applies)
{
	struct fim_policy *policy =
		good(HEAD "rules:\n"
			  "  - {path: /etc/ssh/key, class: strict, category: k}\n"
			  "  - {path: /etc, class: strict, category: c}\n"
			  "  - {path: /etc/ssh, class: excluded, reason: r, approver: a}\n");

	ck_assert_str_eq(fim_policy_lookup(policy, "/etc")->path, "/etc");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/passwd")->path, "/etc");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/ssh")->path, "/etc/ssh");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/ssh/x/y")->path, "/etc/ssh");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/ssh/key")->path, "/etc/ssh/key");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/ssh/key/z")->path, "/etc/ssh/key");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/ssh/keys")->path, "/etc/ssh");
	ck_assert_str_eq(fim_policy_lookup(policy, "/etc/sshd")->path, "/etc");
	ck_assert_int_eq(fim_policy_lookup(policy, "/usr/bin/ls")->cls, FIM_CLASS_STRICT);
	ck_assert_ptr_null(fim_policy_lookup(policy, "/usr/bin/ls")->category);
	ck_assert(fim_policy_compares_below(policy, "/etc/ssh"));
	ck_assert(!fim_policy_compares_below(policy, "/etc/ssh/key"));
	fim_policy_free(policy);
}
END_TEST

/* A path of up to four components out of few, so that most lie at or near a rule. */
static void some_path(char path_ret[32])
{
	static const char *const names[] = {"/a", "/b", "/ab", "/a-", "/c", "/etc"};
	int i, count = 1 + rand() % 4;

	*path_ret = '\0';
	for (i = 0; i < count; i++)
		strcat(path_ret, names[(size_t)rand() % (sizeof(names) / sizeof(names[0]))]);
}

START_TEST(a_lookup_after_another_finds_what_one_alone_does)
{
	struct fim_policy *policy = good("name: n\nversion: 1\nroots: [/]\n"
					 "rules:\n"
					 "  - {path: /a/b, class: strict, category: ab}\n"
					 "  - {path: /a/b/ab, class: strict, category: abab}\n"
					 "  - {path: /b, class: excluded, reason: r, approver: a}\n"
					 "  - {path: /c/*/b, class: strict, category: g}\n"
					 "  - {path: \"/a-/a?\", class: strict, category: q}\n"
					 "  - {path: /etc/c, class: strict, category: e}\n");
	struct fim_policy_place place = {0};
	char path[32];
	int i;

	srand(1);
	for (i = 0; i < 200000; i++) {
		some_path(path);
		ck_assert_ptr_eq(fim_policy_lookup_next(policy, &place, path),
				 fim_policy_lookup(policy, path));
	}
	fim_policy_free(policy);
}
END_TEST

START_TEST(roots_cover_themselves_and_what_is_below)
{
	struct fim_policy *policy = good(HEAD);
	struct fim_policy *all = good("name: n\nversion: 1\nroots: [/]\n"
				      "rules: [{path: /, class: strict, category: all}]\n");

	ck_assert(fim_policy_covers(policy, "/etc"));
	ck_assert(fim_policy_covers(policy, "/etc/x"));
	ck_assert(!fim_policy_covers(policy, "/etcx"));
	ck_assert(!fim_policy_covers(policy, "/usr"));
	ck_assert(!fim_policy_covers(policy, "/"));
	ck_assert(fim_policy_covers(all, "/"));
	ck_assert(fim_policy_covers(all, "/x"));
	ck_assert_str_eq(fim_policy_lookup(all, "/x/y")->category, "all");
	ck_assert_str_eq(fim_policy_lookup(all, "/")->category, "all");
	ck_assert_ptr_null(fim_policy_root(all, 1));
	ck_assert_ptr_null(fim_policy_rule(all, 1));
	fim_policy_free(all);
	fim_policy_free(policy);
}
END_TEST

START_TEST(the_digest_does_not_depend_on_order_or_spelling)
{
	struct fim_policy *a =
		good("name: n\nversion: \"1\"\nroots: [/a, /b]\nrules:\n"
		     "  - {path: /a/x, class: strict}\n  - {path: /b/y, class: strict}\n");
	struct fim_policy *b = good(
		"version: 1\nroots:\n  - /b\n  - \"/a\"\nrules:\n"
		"  - {class: strict, path: /b/y}\n  - {path: '/a/x', class: strict}\nname: n\n");
	struct fim_policy *c =
		good("name: n\nversion: \"2\"\nroots: [/a, /b]\nrules:\n"
		     "  - {path: /a/x, class: strict}\n  - {path: /b/y, class: strict}\n");

	ck_assert_str_eq(fim_policy_digest(a), fim_policy_digest(b));
	ck_assert_str_ne(fim_policy_digest(a), fim_policy_digest(c));
	ck_assert_str_eq(fim_policy_root(b, 0), "/a");
	ck_assert_str_eq(fim_policy_rule(b, 0)->path, "/a/x");
	ck_assert_str_eq(fim_policy_name(b), "n");
	fim_policy_free(a);
	fim_policy_free(b);
	fim_policy_free(c);
}
END_TEST

START_TEST(a_policy_comes_back_from_json_as_it_was)
{
	struct fim_policy *policy = good(
		HEAD
		"rules:\n"
		"  - {path: \"/etc/new\\nline\", class: metadata, reason: \"\\u202e\", category: c}\n"
		"  - {path: /etc/a, class: excluded, reason: r, approver: a}\n");
	struct fim_json *json = fim_policy_to_json(policy);
	struct fim_policy *back = NULL;

	ck_assert_int_eq(fim_policy_from_json(json, "test", &back), 0);
	ck_assert_str_eq(fim_policy_digest(back), fim_policy_digest(policy));
	ck_assert_uint_eq(fim_policy_rule_count(back), 2);
	fim_policy_free(back);
	fim_json_free(json);
	fim_policy_free(policy);
}
END_TEST

static const char *const bad_json[] = {
	"[]",
	"{}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[],\"rules\":[]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"]}",
	"{\"name\":\"n\",\"version\":1,\"roots\":[\"/etc\"],\"rules\":[]}",
	"{\"name\":\"\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[]}",
	"{\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"etc\"],\"rules\":[]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[5],\"rules\":[]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\",\"/etc/x\"],\"rules\":[]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[5]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{}]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{\"path\":\"/etc\"}]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{\"class\":\"strict\"}]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{\"path\":\"/etc\",\"class\":\"lax\"}]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{\"path\":\"/etc\",\"class\":\"metadata\"}]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{\"path\":\"/x\",\"class\":\"strict\"}]}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[],\"more\":1}",
	"{\"name\":\"n\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[{\"path\":\"/etc\",\"class\":\"strict\",\"more\":1}]}",
};

START_TEST(json_gets_the_same_checks)
{
	struct fim_policy *policy = NULL;
	struct fim_json *json = NULL;

	ck_assert_int_eq(fim_json_parse(bad_json[_i], strlen(bad_json[_i]), "test", &json), 0);
	ck_assert_int_eq(fim_policy_from_json(json, "base:1", &policy), -EINVAL);
	ck_assert_ptr_null(policy);
	assert_logged("base:1: policy: ");
	fim_json_free(json);
}
END_TEST

START_TEST(classes_say_what_counts)
{
	ck_assert_uint_eq(fim_class_mask(FIM_CLASS_STRICT), FIM_DIFF_ALL);
	ck_assert_uint_eq(fim_class_mask(FIM_CLASS_METADATA),
			  FIM_DIFF_ALL & ~(FIM_DIFF_SIZE | FIM_DIFF_DIGEST | FIM_DIFF_NLINK |
					   FIM_DIFF_VERITY | FIM_DIFF_LINKS));
	ck_assert_uint_eq(fim_class_mask(FIM_CLASS_ONCE), FIM_DIFF_ALL);
	ck_assert_uint_eq(fim_class_mask(FIM_CLASS_TEMPLATED), FIM_DIFF_ALL);
	ck_assert_uint_eq(fim_class_mask(FIM_CLASS_EXCLUDED), 0);
	ck_assert_str_eq(fim_class_name(FIM_CLASS_METADATA), "metadata");
	ck_assert_str_eq(fim_class_name((enum fim_class)9), "unknown");
}
END_TEST

START_TEST(a_file_is_named_in_its_messages)
{
	struct fim_policy *policy = NULL;

	put_text("mine.yaml", "name: n\nversion: 1\nroots: [etc]\n");
	ck_assert_int_eq(fim_policy_load("missing.yaml", &policy), -ENOENT);
	assert_logged("missing.yaml: cannot read");
	ck_assert_int_eq(fim_policy_load("mine.yaml", &policy), -EINVAL);
	assert_logged("mine.yaml:3:9: root \"etc\" is not absolute");
	ck_assert_int_eq(fim_policy_load(".", &policy), -EISDIR);
}
END_TEST

static char repository[PATH_MAX];

START_TEST(the_policies_that_we_ship_load_and_explain_themselves)
{
	static const char *const names[] = {"debian-12", "al2023", "al2"};
	struct fim_policy *policy = NULL;
	const struct fim_rule *rule;
	char path[PATH_MAX + 64];
	size_t i;

	snprintf(path, sizeof(path), "%s/baselines/%s.yaml", repository, names[_i]);
	ck_assert_msg(!fim_policy_load(path, &policy), "%s", fixture_log);
	ck_assert_str_eq(fim_policy_name(policy), names[_i]);
	ck_assert(fim_policy_covers(policy, "/usr/bin/ls"));
	ck_assert(fim_policy_covers(policy, "/usr/sbin/useradd"));
	ck_assert(fim_policy_covers(policy, "/etc/ecs-fim/config.yaml"));
	ck_assert_int_eq(fim_policy_lookup(policy, "/etc/sudo.conf")->cls, FIM_CLASS_STRICT);
	ck_assert_int_eq(fim_policy_lookup(policy, "/etc/shadow")->cls, FIM_CLASS_ONCE);
	ck_assert_int_eq(fim_policy_lookup(policy, "/etc/ssh/ssh_host_rsa_key")->cls,
			 FIM_CLASS_ONCE);
	ck_assert_int_eq(fim_policy_lookup(policy, "/etc/machine-id")->cls, FIM_CLASS_TEMPLATED);
	for (i = 0; i < fim_policy_rule_count(policy); i++) {
		rule = fim_policy_rule(policy, i);
		ck_assert_msg(rule->category, "%s has no category", rule->path);
	}
	fim_policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	if (!getcwd(repository, sizeof(repository)))
		return EXIT_FAILURE;
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, the_empty_policy_is_refused);
	tcase_add_test(tcase, every_truncation_is_refused_or_shorter);
	tcase_add_loop_test(tcase, what_is_wrong_is_said_with_line_and_column, 0, COUNT(refused));
	tcase_add_test(tcase, the_longest_rule_that_covers_a_path_applies);
	tcase_add_test(tcase, a_lookup_after_another_finds_what_one_alone_does);
	tcase_add_test(tcase, roots_cover_themselves_and_what_is_below);
	tcase_add_test(tcase, the_digest_does_not_depend_on_order_or_spelling);
	tcase_add_test(tcase, a_policy_comes_back_from_json_as_it_was);
	tcase_add_loop_test(tcase, json_gets_the_same_checks, 0, COUNT(bad_json));
	tcase_add_test(tcase, classes_say_what_counts);
	tcase_add_test(tcase, a_file_is_named_in_its_messages);
	tcase_add_loop_test(tcase, the_policies_that_we_ship_load_and_explain_themselves, 0, 3);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
