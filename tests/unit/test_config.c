/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int parse(const char *text, struct fim_config **config)
{
	return fim_config_parse(text, strlen(text), "c.yaml", config);
}

static struct fim_config *good(const char *text)
{
	struct fim_config *config = NULL;

	ck_assert_msg(!parse(text, &config), "%s", fixture_log);
	return config;
}

START_TEST(the_empty_configuration_is_all_defaults)
{
	struct fim_config *config = good(_i ? "# nothing said\n" : "");

	ck_assert_str_eq(config->baseline, "/var/lib/ecs-fim/baseline.ndjson");
	ck_assert_str_eq(config->signature, "/var/lib/ecs-fim/baseline.sig");
	ck_assert_str_eq(config->trusted_keys[0], "/etc/ecs-fim/trusted-keys.d");
	ck_assert_ptr_null(config->trusted_keys[1]);
	ck_assert_str_eq(config->journal_dir, "/var/lib/ecs-fim/journal");
	ck_assert_str_eq(config->docker_socket, "/run/docker.sock");
	ck_assert_str_eq(config->device, "/dev/ecs_fim");
	ck_assert_str_eq(config->status_socket, "/run/ecs-fim/status.sock");
	ck_assert(config->sink_audit && config->sink_syslog && config->sink_stdout);
	ck_assert_uint_eq(config->compare_interval_s, 86400);
	ck_assert_uint_eq(config->compare_full_interval_s, 604800);
	ck_assert_uint_eq(config->settle_ms, 1000);
	ck_assert(config->watch_containers);
	ck_assert_ptr_null(config->rules);
	ck_assert_ptr_null(config->rules_tags[0]);
	ck_assert_str_eq(config->cloudtrail_dir, "");
	ck_assert_str_eq(config->cloudtrail_state, "/var/lib/ecs-fim/cloudtrail.state");
	fim_config_free(config);
}
END_TEST

static void note_change(void *ctx, const char *key, bool taken)
{
	sprintf((char *)ctx + strlen(ctx), "%s%s ", taken ? "" : "!", key);
}

START_TEST(an_update_takes_what_may_change_and_names_the_rest)
{
	struct fim_config *config = good("rules: /r\nsettle_ms: 1\nbaseline: /b\n");
	struct fim_config *fresh =
		good("rules: [/r, /s]\nsettle_ms: 2\nbaseline: /c\nsink_audit: false\n"
		     "rules_tags: [a]\n");
	char changes[256] = "";

	fim_config_update(config, fresh, note_change, changes);
	ck_assert_str_eq(changes, "!baseline !signature sink_audit settle_ms rules rules_tags ");
	ck_assert_str_eq(config->rules[1], "/s");
	ck_assert_str_eq(config->rules_tags[0], "a");
	ck_assert_uint_eq(config->settle_ms, 2);
	ck_assert(!config->sink_audit);
	ck_assert_str_eq(config->baseline, "/b");
	fim_config_free(fresh);
	fim_config_free(config);
}
END_TEST

START_TEST(every_truncation_is_refused_or_shorter)
{
	static const char text[] =
		"baseline: \"/b.ndjson\"\ntrusted_keys: [/k, /l]\nsettle_ms: 5\n";
	struct fim_config *config = NULL;
	size_t len;
	int err;

	for (len = 0; len < strlen(text); len++) {
		err = fim_config_parse(text, len, "c.yaml", &config);
		ck_assert(!err || err == -EINVAL);
		if (!err)
			fim_config_free(config);
	}
}
END_TEST

START_TEST(every_key_is_read)
{
	struct fim_config *config = good("baseline: /b/base.ndjson\n"
					 "signature: /s\n"
					 "trusted_keys: [/k1, /k2]\n"
					 "journal_dir: /j\n"
					 "journal_segment_mib: 2\n"
					 "journal_retention_days: 90\n"
					 "journal_max_mib: 64\n"
					 "journal_full: drop-oldest\n"
					 "journal_protect: false\n"
					 "realert_s: 0\n"
					 "docker_socket: ''\n"
					 "device: /d\n"
					 "status_socket: /t\n"
					 "sink_audit: false\n"
					 "sink_syslog: false\n"
					 "sink_stdout: false\n"
					 "compare_interval_s: 60\n"
					 "settle_ms: 0\n"
					 "watch_containers: false\n");
	struct fim_journal_params params;
	char *socket;

	ck_assert_str_eq(config->baseline, "/b/base.ndjson");
	ck_assert_str_eq(config->signature, "/s");
	ck_assert_str_eq(config->trusted_keys[0], "/k1");
	ck_assert_str_eq(config->trusted_keys[1], "/k2");
	ck_assert_ptr_null(config->trusted_keys[2]);
	ck_assert_str_eq(config->journal_dir, "/j");
	fim_config_journal(config, &params);
	ck_assert_str_eq(params.dir, "/j");
	ck_assert_uint_eq(params.segment_bytes, 2 << 20);
	ck_assert_uint_eq(params.retention_days, 90);
	ck_assert_uint_eq(params.max_bytes, 64 << 20);
	ck_assert_int_eq(params.full, FIM_JOURNAL_DROP);
	ck_assert(!params.protect);
	ck_assert_uint_eq(config->realert_s, 0);
	socket = fim_config_control_socket(config);
	ck_assert_str_eq(socket, "/control.sock");
	free(socket);
	ck_assert_str_eq(config->docker_socket, "");
	ck_assert_str_eq(config->device, "/d");
	ck_assert_str_eq(config->status_socket, "/t");
	ck_assert(!config->sink_audit && !config->sink_syslog && !config->sink_stdout);
	ck_assert_uint_eq(config->compare_interval_s, 60);
	ck_assert_uint_eq(config->settle_ms, 0);
	ck_assert(!config->watch_containers);
	fim_config_free(config);
}
END_TEST

START_TEST(the_signature_lies_beside_the_baseline)
{
	struct fim_config *config = good("baseline: /x/golden\ntrusted_keys: /only\n");

	ck_assert_str_eq(config->signature, "/x/golden.sig");
	ck_assert_str_eq(config->trusted_keys[0], "/only");
	fim_config_free(config);
}
END_TEST

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	{"[]", "c.yaml:1:1: keys with values"},
	{"baselin: /x\n", "c.yaml:1:1: unknown key \"baselin\""},
	{"device: /d\nBaseline: /x\n", "c.yaml:2:1: unknown key \"Baseline\""},
	{"device: /d\ndevice: /e\n", "c.yaml:2:1: \"device\" is there twice"},
	{"baseline:\n", "\"baseline\" is empty"},
	{"baseline: rel\n", "c.yaml:1:11: \"rel\" is not an absolute path"},
	{"docker_socket: rel\n", "\"rel\" is not an absolute path"},
	{"trusted_keys: [/a, rel]\n", "c.yaml:1:20: \"rel\" is not an absolute path"},
	{"journal_full: maybe\n", "c.yaml:1:15: journal_full is stop or drop-oldest"},
	{"journal_max_mib: 7\n", "c.yaml:1:18:"},
	{"trusted_keys: []\n", "\"trusted_keys\" is empty"},
	{"trusted_keys: {a: b}\n", "\"trusted_keys\" must be a string or a list"},
	{"trusted_keys: [[/a]]\n", "\"trusted_keys\" holds what is not a string"},
	{"trusted_keys: ['']\n", "\"trusted_keys\" holds what is not a string"},
	{"sink_audit: yes\n", "c.yaml:1:13: \"sink_audit\" must be true or false"},
	{"sink_audit: \"true\"\n", "\"sink_audit\" must be true or false"},
	{"compare_interval_s: 59\n", "c.yaml:1:21: \"compare_interval_s\" must be between 60"},
	{"compare_interval_s: 604801\n", "must be between 60 and 604800"},
	{"compare_interval_s: 99999999999999999999999\n", "must be between"},
	{"compare_interval_s: -1\n", "must be a whole number"},
	{"compare_interval_s: 1e3\n", "must be a whole number"},
	{"compare_interval_s: 0x100\n", "must be a whole number"},
	{"compare_interval_s: '60'\n", "must be a whole number"},
	{"compare_interval_s: 24h\n", "must be a whole number"},
	{"settle_ms: [1]\n", "must be a whole number"},
	{"device: {}\n", "\"device\" must be a string"},
};

START_TEST(what_is_wrong_is_said_with_line_and_column)
{
	struct fim_config *config = NULL;

	ck_assert_int_eq(parse(refused[_i].text, &config), -EINVAL);
	ck_assert_ptr_null(config);
	assert_logged(refused[_i].message);
}
END_TEST

START_TEST(a_file_that_was_named_must_exist)
{
	struct fim_config *config = NULL;

	ck_assert_int_eq(fim_config_load("missing.yaml", &config), -ENOENT);
	put_text("here.yaml", "settle_ms: 7\n");
	ck_assert_int_eq(fim_config_load("here.yaml", &config), 0);
	ck_assert_uint_eq(config->settle_ms, 7);
	fim_config_free(config);
	fim_config_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_test(tcase, an_update_takes_what_may_change_and_names_the_rest);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tcase, the_empty_configuration_is_all_defaults, 0, 2);
	tcase_add_test(tcase, every_truncation_is_refused_or_shorter);
	tcase_add_test(tcase, every_key_is_read);
	tcase_add_test(tcase, the_signature_lies_beside_the_baseline);
	tcase_add_loop_test(tcase, what_is_wrong_is_said_with_line_and_column, 0, COUNT(refused));
	tcase_add_test(tcase, a_file_that_was_named_must_exist);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
