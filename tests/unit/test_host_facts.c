/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host says of itself: from files as the kernel, cloud-init and the SSM agent
 * write them, and from what an attacker would.
 */
#include "fixture.h"

static const char *fact(const struct fim_json *facts, const char *key)
{
	const char *text = fim_json_get_str(facts, key);

	return text ? text : "";
}

START_TEST(what_is_not_known_is_absent)
{
	struct fim_json *facts = fim_host_facts(fixture_dir);

	ck_assert_int_eq(strlen(fact(facts, "daemon_sha256")), 64);
	ck_assert_str_ne(fact(facts, "kernel"), "");
	ck_assert_ptr_null(fim_json_get(facts, "tool_sha256"));
	ck_assert_ptr_null(fim_json_get(facts, "module_signature"));
	ck_assert_ptr_null(fim_json_get(facts, "instance_id"));
	fim_json_free(facts);
}
END_TEST

static void make_dirs(void)
{
	ck_assert_int_eq(system("mkdir -p usr/bin sys/module/ecs_fim run/cloud-init "
				"var/lib/cloud/data var/lib/amazon/ssm"),
			 0);
}

START_TEST(an_instance_and_its_module_are_named)
{
	struct fim_json *facts;

	make_dirs();
	put_text("usr/bin/ecs-fim", "program");
	put_text("sys/module/ecs_fim/taint", "OE\n");
	put_text("sys/module/ecs_fim/srcversion", "8A2B5C\n");
	put_text("run/cloud-init/instance-data.json",
		 "{\"v1\":{\"instance_id\":\"i-0a1b2c\",\"region\":\"eu-central-1\"},"
		 "\"ds\":{\"meta_data\":{\"ami-id\":\"ami-0123\"}}}");
	put_text("var/lib/cloud/data/instance-id", "i-other\n");
	facts = fim_host_facts(fixture_dir);
	ck_assert_str_eq(fact(facts, "tool_sha256"),
			 "1310ca2c8932dbd118668bd97442558a3e1f546b5e15c69699dfbd6024f548d8");
	ck_assert_str_eq(fact(facts, "module_signature"), "unsigned");
	ck_assert_str_eq(fact(facts, "module_srcversion"), "8A2B5C");
	ck_assert_str_eq(fact(facts, "instance_id"), "i-0a1b2c");
	ck_assert_str_eq(fact(facts, "image_id"), "ami-0123");
	ck_assert_str_eq(fact(facts, "region"), "eu-central-1");
	fim_json_free(facts);
}
END_TEST

START_TEST(so_is_a_managed_instance_and_a_signed_module)
{
	struct fim_json *facts;

	make_dirs();
	put_text("sys/module/ecs_fim/taint", "O\n");
	put_text("var/lib/amazon/ssm/registration",
		 "{\"ManagedInstanceID\":\"mi-77\",\"Region\":\"ap-northeast-1\"}");
	facts = fim_host_facts(fixture_dir);
	ck_assert_str_eq(fact(facts, "module_signature"), "signed");
	ck_assert_str_eq(fact(facts, "instance_id"), "mi-77");
	ck_assert_str_eq(fact(facts, "region"), "ap-northeast-1");
	fim_json_free(facts);
}
END_TEST

START_TEST(what_is_no_id_is_not_taken)
{
	static const char *const bad[] = {"",
					  "[]",
					  "{\"v1\":[]}",
					  "{\"v1\":{\"instance_id\":7}}",
					  "{\"v1\":{\"instance_id\":\"i-1 <script>\"}}",
					  "{\"v1\":"};
	struct fim_json *facts;

	make_dirs();
	put_text("run/cloud-init/instance-data.json", bad[_i]);
	put_text("var/lib/cloud/data/instance-id", "\033[31m\n");
	facts = fim_host_facts(fixture_dir);
	ck_assert_ptr_null(fim_json_get(facts, "instance_id"));
	fim_json_free(facts);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host facts");
	TCase *tcase = tcase_create("host facts");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, what_is_not_known_is_absent);
	tcase_add_test(tcase, an_instance_and_its_module_are_named);
	tcase_add_test(tcase, so_is_a_managed_instance_and_a_signed_module);
	tcase_add_loop_test(tcase, what_is_no_id_is_not_taken, 0, 6);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
