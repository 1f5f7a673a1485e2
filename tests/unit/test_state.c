/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DIGEST	     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OWNER	     "\"mode\":\"0644\",\"uid\":0,\"gid\":0"
#define FILE_	     "\"type\":\"file\"," OWNER ",\"size\":5,\"sha256\":\"" DIGEST "\",\"nlink\":1"

static int parse(const char *text, struct fim_state *state)
{
	struct fim_json *json = NULL;
	int err;

	ck_assert_int_eq(fim_json_parse(text, strlen(text), "test", &json), 0);
	err = fim_state_from_json(json, "line 7", state);
	fim_json_free(json);
	return err;
}

static void assert_json(const struct fim_state *state, const char *expected)
{
	struct fim_json *json = fim_json_object();
	char *text = NULL;
	size_t len;

	fim_state_to_json(state, json);
	ck_assert_int_eq(fim_json_dump(json, &text, &len), 0);
	ck_assert_str_eq(text, expected);
	free(text);
	fim_json_free(json);
}

START_TEST(the_empty_object_is_refused)
{
	struct fim_state state = {.uid = 42};

	ck_assert_int_eq(parse("{}", &state), -EINVAL);
	ck_assert_uint_eq(state.uid, 42);
	assert_logged("line 7: \"type\" is missing");
}
END_TEST

static const char *const round_trips[] = {
	"{\"type\":\"none\"}",
	"{" FILE_ "}",
	"{\"type\":\"file\"," OWNER ",\"size\":0,\"nlink\":1}",
	"{\"type\":\"file\",\"mode\":\"4755\",\"uid\":4294967295,\"gid\":1,\"size\":9223372036854775807,\"sha256\":\"" DIGEST
	"\",\"nlink\":4294967295,\"flags\":[\"immutable\",\"append\"],\"xattrs\":{\"security.capability\":\"01ff\",\"user.empty\":\"\"}}",
	"{\"type\":\"dir\",\"mode\":\"1777\",\"uid\":0,\"gid\":0,\"flags\":[\"append\"]}",
	"{\"type\":\"symlink\"," OWNER ",\"size\":3,\"target\":\"a\\nb\"}",
	"{\"type\":\"symlink\"," OWNER ",\"size\":1,\"target_hex\":\"ff\"}",
	"{\"type\":\"char\"," OWNER ",\"rdev\":\"4294967295:0\"}",
	"{\"type\":\"block\"," OWNER ",\"rdev\":\"8:1\"}",
	"{\"type\":\"fifo\"," OWNER "}",
	"{\"type\":\"file\",\"uid\":1,\"nlink\":2,\"unknown\":[\"mode\",\"gid\",\"size\",\"sha256\"]}",
	"{\"type\":\"symlink\"," OWNER ",\"unknown\":[\"size\",\"target\"]}",
	"{\"type\":\"char\"," OWNER ",\"unknown\":[\"xattrs\",\"flags\",\"rdev\"]}",
	"{\"type\":\"socket\"," OWNER ",\"xattrs\":{\"hex:757365722eff\":\"76\"}}",
};

START_TEST(states_come_back_from_json_as_they_were)
{
	struct fim_state state = {0};

	ck_assert_int_eq(parse(round_trips[_i], &state), 0);
	assert_json(&state, round_trips[_i]);
	fim_state_clear(&state);
	ck_assert_int_eq(state.type, FIM_TYPE_NONE);
}
END_TEST

static const struct {
	const char *json;
	const char *message;
} refused[] = {
	{"{\"type\":5}", "\"type\" is missing or not a string"},
	{"{\"type\":\"door\"}", "\"type\" is unknown"},
	{"{\"type\":\"none\",\"mode\":\"0644\"}", "\"mode\" does not belong"},
	{"{\"type\":\"dir\",\"uid\":0,\"gid\":0}", "\"mode\" is missing"},
	{"{\"type\":\"dir\",\"mode\":644,\"uid\":0,\"gid\":0}", "\"mode\" is missing or not a"},
	{"{\"type\":\"dir\",\"mode\":\"644\",\"uid\":0,\"gid\":0}", "\"mode\" is not four"},
	{"{\"type\":\"dir\",\"mode\":\"0648\",\"uid\":0,\"gid\":0}", "\"mode\" is not four"},
	{"{\"type\":\"dir\",\"mode\":\"-644\",\"uid\":0,\"gid\":0}", "\"mode\" is not four"},
	{"{\"type\":\"dir\",\"mode\":\"0644\",\"gid\":0}", "\"uid\" is missing"},
	{"{\"type\":\"dir\",\"mode\":\"0644\",\"uid\":-1,\"gid\":0}", "\"uid\" is out of range"},
	{"{\"type\":\"dir\",\"mode\":\"0644\",\"uid\":4294967296,\"gid\":0}",
	 "\"uid\" is out of range"},
	{"{\"type\":\"dir\",\"mode\":\"0644\",\"uid\":0.5,\"gid\":0}", "\"uid\" is not a whole"},
	{"{\"type\":\"dir\",\"mode\":\"0644\",\"uid\":0,\"gid\":\"0\"}", "\"gid\" is not a whole"},
	{"{\"type\":\"dir\"," OWNER ",\"size\":1}", "\"size\" does not belong"},
	{"{\"type\":\"dir\"," OWNER ",\"sha256\":\"" DIGEST "\"}", "\"sha256\" does not belong"},
	{"{\"type\":\"fifo\"," OWNER ",\"target\":\"x\"}", "\"target\" does not belong"},
	{"{\"type\":\"fifo\"," OWNER ",\"target_hex\":\"ff\"}", "\"target_hex\" does not belong"},
	{"{\"type\":\"file\"," OWNER ",\"nlink\":1}", "\"size\" is missing"},
	{"{\"type\":\"file\"," OWNER ",\"size\":-1,\"nlink\":1}", "\"size\" is out of range"},
	{"{\"type\":\"file\"," OWNER ",\"size\":1}", "\"nlink\" is missing"},
	{"{\"type\":\"file\"," OWNER ",\"size\":1,\"nlink\":1,\"sha256\":\"ab\"}",
	 "\"sha256\" is not 64"},
	{"{\"type\":\"file\"," OWNER
	 ",\"size\":1,\"nlink\":1,\"sha256\":\"E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
	 "\"sha256\" is not 64 lower-case"},
	{"{\"type\":\"file\"," OWNER ",\"size\":1,\"nlink\":1,\"sha256\":null}",
	 "\"sha256\" is not 64"},
	{"{\"type\":\"symlink\"," OWNER ",\"size\":1}", "\"target\" is missing"},
	{"{\"type\":\"symlink\"," OWNER ",\"size\":1,\"target_hex\":\"610062\"}",
	 "\"target\" contains a NUL"},
	{"{\"type\":\"symlink\"," OWNER ",\"size\":1,\"target_hex\":\"61\"}",
	 "\"target\" is not a string or not hex"},
	{"{\"type\":\"char\"," OWNER "}", "\"rdev\" is missing"},
	{"{\"type\":\"char\"," OWNER ",\"rdev\":\"1\"}", "\"rdev\" is not MAJOR:MINOR"},
	{"{\"type\":\"char\"," OWNER ",\"rdev\":\"1:\"}", "\"rdev\" is not MAJOR:MINOR"},
	{"{\"type\":\"char\"," OWNER ",\"rdev\":\"01:3\"}", "\"rdev\" is not MAJOR:MINOR"},
	{"{\"type\":\"char\"," OWNER ",\"rdev\":\"1:3 \"}", "\"rdev\" is not MAJOR:MINOR"},
	{"{\"type\":\"char\"," OWNER ",\"rdev\":\"4294967296:3\"}", "\"rdev\" is not MAJOR:MINOR"},
	{"{\"type\":\"char\"," OWNER ",\"rdev\":\"99999999999999999999:3\"}",
	 "\"rdev\" is not MAJOR:MINOR"},
	{"{\"type\":\"dir\"," OWNER ",\"flags\":\"append\"}", "\"flags\" is not an array"},
	{"{\"type\":\"dir\"," OWNER ",\"flags\":[]}", "\"flags\" is not an array"},
	{"{\"type\":\"dir\"," OWNER ",\"flags\":[\"nodump\"]}", "\"flags\" holds an unknown"},
	{"{\"type\":\"dir\"," OWNER ",\"flags\":[1]}", "\"flags\" holds an unknown"},
	{"{\"type\":\"dir\"," OWNER ",\"flags\":[\"append\",\"append\"]}", "names a flag twice"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":[]}", "\"xattrs\" is not an object"},
	{"{\"type\":\"dir\"," OWNER ",\"unknown\":[]}", "\"unknown\" is not an array"},
	{"{\"type\":\"dir\"," OWNER ",\"unknown\":[\"type\"]}", "\"unknown\" names no"},
	{"{\"type\":\"dir\"," OWNER ",\"unknown\":[\"flags\",\"flags\"]}", "or one twice"},
	{"{\"type\":\"dir\"," OWNER ",\"unknown\":[\"uid\"]}", "\"uid\" is there and"},
	{"{\"type\":\"none\",\"unknown\":[\"uid\"]}", "\"unknown\" does not belong"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":{}}", "\"xattrs\" is not an object"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":{\"user.a\":1}}", "\"xattrs\" holds"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":{\"user.a\":\"0\"}}", "\"xattrs\" holds"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":{\"\":\"00\"}}", "\"xattrs\" holds"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":{\"hex:\":\"00\"}}", "\"xattrs\" holds"},
	{"{\"type\":\"dir\"," OWNER ",\"xattrs\":{\"hex:61\":\"00\"}}", "\"xattrs\" holds"},
};

START_TEST(what_is_not_a_state_is_refused_with_the_member_that_is_wrong)
{
	struct fim_state state = {0};

	ck_assert_int_eq(parse(refused[_i].json, &state), -EINVAL);
	assert_logged(refused[_i].message);
	assert_logged("line 7: ");
	ck_assert_ptr_null(state.xattrs);
}
END_TEST

static struct fim_state full_state(void)
{
	struct fim_state state = {0};

	ck_assert_int_eq(
		parse("{" FILE_ ",\"xattrs\":{\"user.a\":\"01\",\"user.b\":\"0203\"}}", &state), 0);
	return state;
}

START_TEST(a_copy_is_equal_and_its_own)
{
	struct fim_state state = full_state(), copy = {0};

	state.dev = 5;
	state.ctime_ns = 6;
	ck_assert_int_eq(fim_state_copy(&state, &copy), 0);
	ck_assert_uint_eq(fim_state_diff(&state, &copy), 0);
	ck_assert_uint_eq(copy.dev, 5);
	ck_assert_int_eq(copy.ctime_ns, 6);
	ck_assert_ptr_ne(copy.xattrs, state.xattrs);
	fim_state_clear(&state);
	ck_assert_str_eq(copy.xattrs[1].name, "user.b");
	fim_state_clear(&copy);
	fim_state_clear(&copy);
}
END_TEST

START_TEST(each_attribute_has_its_bit_and_name)
{
	struct fim_state a = full_state(), b = full_state();
	uint32_t bit, seen = 0;

	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1) {
		ck_assert_str_ne(fim_diff_name(bit), "unknown");
		seen |= bit;
	}
	ck_assert_uint_eq(seen, FIM_DIFF_ALL);
	ck_assert_uint_eq(fim_state_diff(&a, &b), 0);
#define ASSERT_BIT(member, value, expected)                          \
	do {                                                         \
		b.member = value;                                    \
		ck_assert_uint_eq(fim_state_diff(&a, &b), expected); \
		ck_assert_uint_eq(fim_state_diff(&b, &a), expected); \
		b.member = a.member;                                 \
	} while (0)
	ASSERT_BIT(type, FIM_TYPE_FIFO, FIM_DIFF_TYPE);
	ASSERT_BIT(mode, 0600, FIM_DIFF_MODE);
	ASSERT_BIT(uid, 1, FIM_DIFF_UID);
	ASSERT_BIT(gid, 1, FIM_DIFF_GID);
	ASSERT_BIT(size, 6, FIM_DIFF_SIZE);
	ASSERT_BIT(nlink, 2, FIM_DIFF_NLINK);
	ASSERT_BIT(sha256[31], 0, FIM_DIFF_DIGEST);
	ASSERT_BIT(has_digest, false, FIM_DIFF_DIGEST);
	ASSERT_BIT(immutable, true, FIM_DIFF_FLAGS);
	ASSERT_BIT(append_only, true, FIM_DIFF_FLAGS);
	ASSERT_BIT(rdev_major, 1, FIM_DIFF_RDEV);
	ASSERT_BIT(rdev_minor, 1, FIM_DIFF_RDEV);
	ASSERT_BIT(dev, 9, 0);
	ASSERT_BIT(ino, 9, 0);
	ASSERT_BIT(ctime_ns, 9, 0);
	ASSERT_BIT(mtime_ns, 9, 0);
	fim_state_clear(&a);
	fim_state_clear(&b);
}
END_TEST

START_TEST(what_is_unknown_differs_from_nothing)
{
	struct fim_state said = {0}, there = {0};

	ck_assert_int_eq(parse("{\"type\":\"file\",\"mode\":\"0644\",\"uid\":1,\"size\":2,"
			       "\"unknown\":[\"gid\",\"sha256\",\"xattrs\",\"nlink\"]}",
			       &said),
			 0);
	ck_assert_int_eq(
		parse("{" FILE_ ",\"xattrs\":{\"user.a\":\"01\",\"user.b\":\"0203\"}}", &there), 0);
	there.gid = 77;
	ck_assert_uint_eq(
		fim_state_diff(&said, &there) & ~(FIM_DIFF_MODE | FIM_DIFF_UID | FIM_DIFF_SIZE), 0);
	there.uid = 2;
	ck_assert_uint_ne(fim_state_diff(&said, &there) & FIM_DIFF_UID, 0);
	ck_assert_uint_ne(fim_state_diff(&there, &said) & FIM_DIFF_UID, 0);
	there.type = FIM_TYPE_DIR;
	ck_assert_uint_ne(fim_state_diff(&said, &there) & FIM_DIFF_TYPE, 0);
	fim_state_clear(&said);
	fim_state_clear(&there);
}
END_TEST

START_TEST(targets_and_xattrs_are_compared_by_value)
{
	struct fim_state a = full_state(), b = full_state();

	a.target = strdup("x");
	ck_assert_uint_eq(fim_state_diff(&a, &b), FIM_DIFF_TARGET);
	b.target = strdup("y");
	ck_assert_uint_eq(fim_state_diff(&a, &b), FIM_DIFF_TARGET);
	*b.target = 'x';
	ck_assert_uint_eq(fim_state_diff(&a, &b), 0);
	b.xattrs[1].value[1] ^= 1;
	ck_assert_uint_eq(fim_state_diff(&a, &b), FIM_DIFF_XATTRS);
	b.xattrs[1].value[1] ^= 1;
	b.xattrs[1].name[5] = 'c';
	ck_assert_uint_eq(fim_state_diff(&a, &b), FIM_DIFF_XATTRS);
	b.xattrs[1].name[5] = 'b';
	ck_assert_int_eq(fim_state_add_xattr(&b, "user.c", "", 0), 0);
	ck_assert_uint_eq(fim_state_diff(&a, &b), FIM_DIFF_XATTRS);
	fim_state_clear(&a);
	fim_state_clear(&b);
}
END_TEST

START_TEST(nothing_differs_from_something_in_type)
{
	struct fim_state a = full_state(), nothing = {0};

	ck_assert_uint_eq(fim_state_diff(&a, &nothing) & FIM_DIFF_TYPE, FIM_DIFF_TYPE);
	ck_assert_uint_eq(fim_state_diff(&nothing, &nothing), 0);
	fim_state_clear(&a);
}
END_TEST

START_TEST(names_of_what_does_not_exist_are_unknown)
{
	ck_assert_str_eq(fim_type_name(FIM_TYPE_SOCKET), "socket");
	ck_assert_str_eq(fim_type_name((enum fim_type)99), "unknown");
	ck_assert_str_eq(fim_diff_name(0), "unknown");
	ck_assert_str_eq(fim_diff_name(FIM_DIFF_MODE | FIM_DIFF_UID), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("state");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, the_empty_object_is_refused);
	tcase_add_loop_test(tcase, what_is_not_a_state_is_refused_with_the_member_that_is_wrong, 0,
			    COUNT(refused));
	tcase_add_loop_test(tcase, states_come_back_from_json_as_they_were, 0, COUNT(round_trips));
	tcase_add_test(tcase, a_copy_is_equal_and_its_own);
	tcase_add_test(tcase, each_attribute_has_its_bit_and_name);
	tcase_add_test(tcase, what_is_unknown_differs_from_nothing);
	tcase_add_test(tcase, targets_and_xattrs_are_compared_by_value);
	tcase_add_test(tcase, nothing_differs_from_something_in_type);
	tcase_add_test(tcase, names_of_what_does_not_exist_are_unknown);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
