/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host says of itself: from files as the kernel, cloud-init and the SSM agent
 * write them, and from what an attacker would.
 */
#include "fixture.h"

#include <sys/utsname.h>

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
	ck_assert_str_eq(fixture_log, "");
	fim_json_free(facts);
}
END_TEST

/* The kernel's own word, and a service only while its process is there. */
START_TEST(a_clocks_state_and_service_are_named)
{
	struct fim_json *facts = fim_clock_facts(fixture_dir);
	const char *state = fact(facts, "state");

	ck_assert(strcmp(state, "synchronised") == 0 || strcmp(state, "not synchronised") == 0);
	ck_assert_int_ge(fim_json_get_int(facts, "max_error_us", -1), 0);
	ck_assert_str_eq(fact(facts, "service"), "");
	ck_assert_str_eq(fixture_log, "");
	fim_json_free(facts);
	ck_assert_int_eq(system("mkdir -p run/chrony run/systemd/timesync proc/77"), 0);
	put_text("run/chrony/chronyd.pid", "77\n");
	put_text("proc/77/comm", "chronyd2\n");
	put_text("run/systemd/timesync/synchronized", "");
	facts = fim_clock_facts(fixture_dir);
	ck_assert_str_eq(fact(facts, "service"), "systemd-timesyncd");
	fim_json_free(facts);
	put_text("proc/77/comm", "chronyd\n");
	facts = fim_clock_facts(fixture_dir);
	ck_assert_str_eq(fact(facts, "service"), "chronyd");
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

/* As the kernel's sign-file leaves it. */
static void sign_module(const char *path, const char *name)
{
	static const char mark[] = "~Module signature appended~\n";
	char command[1024], *module, *signature;
	size_t module_len, len;
	FILE *out;

	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 "
		 "-subj '/O=x/CN=%s' 2>/dev/null && openssl cms -sign -binary -nocerts -noattr "
		 "-signer c.pem -inkey k.pem -outform DER -in '%s' -out s.der",
		 name, path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(fim_file_read(path, 1 << 20, &module, &module_len), 0);
	ck_assert_int_eq(fim_file_read("s.der", 1 << 20, &signature, &len), 0);
	out = fopen(path, "a");
	fwrite(signature, 1, len, out);
	fwrite((const unsigned char[]){0, 0, 2, 0, 0, 0, 0, 0, 0, 0, (unsigned char)(len >> 8),
				       (unsigned char)len},
	       1, 12, out);
	fwrite(mark, 1, sizeof(mark) - 1, out);
	fclose(out);
	free(module);
	free(signature);
}

static char *put_module(const char *srcversion, const char *name)
{
	struct utsname host;
	char *path, *list;

	ck_assert_int_eq(uname(&host), 0);
	ck_assert_int_ge(asprintf(&path, "mkdir -p lib/modules/%s/extra", host.release), 0);
	ck_assert_int_eq(system(path), 0);
	free(path);
	ck_assert_int_ge(asprintf(&list, "lib/modules/%s/modules.dep", host.release), 0);
	put_text(list, "kernel/fs/x.ko:\nextra/ecs_fim.ko: kernel/fs/x.ko\n");
	free(list);
	ck_assert_int_ge(asprintf(&path, "lib/modules/%s/extra/ecs_fim.ko", host.release), 0);
	put_bytes(path, srcversion, strlen(srcversion) + 1);
	if (name)
		sign_module(path, name);
	return path;
}

START_TEST(the_modules_file_and_its_signer_are_named)
{
	struct fim_json *facts;
	unsigned char digest[FIM_SHA256_SIZE];
	char *path, *bytes, hex[FIM_SHA256_HEX_SIZE];
	size_t len;

	make_dirs();
	put_text("sys/module/ecs_fim/taint", "O\n");
	put_text("sys/module/ecs_fim/srcversion", "8A2B5C\n");
	path = put_module("srcversion=8A2B5C", "Golden Image Signer");
	ck_assert_int_eq(fim_file_read(path, 1 << 20, &bytes, &len), 0);
	ck_assert_int_eq(fim_sha256(bytes, len, digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	facts = fim_host_facts(fixture_dir);
	ck_assert_str_eq(fact(facts, "module_file") + 1, path);
	ck_assert_str_eq(fact(facts, "module_sha256"), hex);
	ck_assert_str_eq(fact(facts, "module_signer"), "Golden Image Signer");
	fim_json_free(facts);
	/* Each byte of the signature's frame: another name, or none, and no crash. */
	for (size_t i = len - 400 > len ? 0 : len - 400; i < len; i++) {
		bytes[i] ^= 0x55;
		put_bytes(path, bytes, len);
		bytes[i] ^= 0x55;
		fim_json_free(fim_host_facts(fixture_dir));
	}
	free(bytes);
	free(path);
	/* What lies there is not what runs. */
	path = put_module("srcversion=8A2B5D", NULL);
	facts = fim_host_facts(fixture_dir);
	ck_assert_ptr_null(fim_json_get(facts, "module_sha256"));
	fim_json_free(facts);
	free(path);
}
END_TEST

START_TEST(the_group_of_an_instance_is_a_tag_of_it)
{
	struct fim_json *facts;

	make_dirs();
	put_text("run/cloud-init/instance-data.json",
		 "{\"ds\":{\"meta_data\":{\"tags\":{\"instance\":{\"Name\":\"x\","
		 "\"aws:autoscaling:groupName\":\"prod ecs/blue\"}}}}}");
	facts = fim_host_facts(fixture_dir);
	ck_assert_str_eq(fact(facts, "auto_scaling_group"), "prod ecs/blue");
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
	/* Four hundred times all facts, each with a digest of this program: seconds under ASan. */
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_modules_file_and_its_signer_are_named);
	tcase_add_test(tcase, the_group_of_an_instance_is_a_tag_of_it);
	tcase_add_test(tcase, what_is_not_known_is_absent);
	tcase_add_test(tcase, a_clocks_state_and_service_are_named);
	tcase_add_test(tcase, an_instance_and_its_module_are_named);
	tcase_add_test(tcase, so_is_a_managed_instance_and_a_signed_module);
	tcase_add_loop_test(tcase, what_is_no_id_is_not_taken, 0, 6);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
