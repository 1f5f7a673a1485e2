/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles made here, one of them changed in every byte, and what the fleet's report says.
 */
#include "fixture.h"

#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ZEROS	     "0000000000000000000000000000000000000000000000000000000000000000"
#define DAY	     "records/dt=2026-11-02/account=1/cluster=c/host=h/records.ndjson"

/*
 * What a bundle is made of; NULL and 0: as it should be.
 */
struct recipe {
	const char *path;	  /* of the file in the manifest */
	const char *prev;	  /* the manifest's */
	const char *head;	  /* the manifest's */
	const char *verification; /* the manifest's */
	const char *format;	  /* the manifest's */
	const char *second;	  /* the second line, whole */
	const char *time;	  /* day of the first line */
	bool twice;		  /* the manifest names its file twice */
};

static char digest_text[FIM_SHA256_HEX_SIZE];

static const char *digest_of(const char *bytes, size_t len)
{
	unsigned char digest[FIM_SHA256_SIZE];

	ck_assert_int_eq(fim_sha256(bytes, len, digest), 0);
	fim_hex_encode(digest, sizeof(digest), digest_text);
	return digest_text;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	ck_assert_int_eq(fim_file_write_atomic(path, bytes, len, 0644), 0);
}

static void sign_file(const char *path, const char *signature_path)
{
	char key_id[FIM_KEY_ID_SIZE], *bytes;
	unsigned char *signature;
	size_t len, signature_len;

	ck_assert_int_eq(fim_file_read(path, 1 << 20, &bytes, &len), 0);
	ck_assert_int_eq(fim_sign("key.pem", bytes, len, &signature, &signature_len, key_id), 0);
	write_file(signature_path, (char *)signature, signature_len);
	free(signature);
	free(bytes);
}

static void make_bundle(const struct recipe *recipe)
{
	char lines[4096], manifest[4096], head[FIM_SHA256_HEX_SIZE];
	int len, first;

	mkdir("b", 0755);
	mkdir("b/records", 0755);
	mkdir("b/records/dt=2026-11-02", 0755);
	mkdir("b/records/dt=2026-11-02/account=1", 0755);
	mkdir("b/records/dt=2026-11-02/account=1/cluster=c", 0755);
	mkdir("b/records/dt=2026-11-02/account=1/cluster=c/host=h", 0755);
	first = snprintf(lines, sizeof(lines),
			 "{\"seq\":7,\"time\":\"%sT06:00:00.5Z\",\"boot_id\":\"b\",\"type\":"
			 "\"baseline\",\"prev\":\"" ZEROS
			 "\",\"digest\":\"d\",\"policy\":{\"roots\":"
			 "[\"/etc\"]}}\n",
			 recipe->time ? recipe->time : "2026-11-02");
	if (recipe->second)
		len = first +
		      snprintf(lines + first, sizeof(lines) - (size_t)first, "%s", recipe->second);
	else
		len = first + snprintf(lines + first, sizeof(lines) - (size_t)first,
				       "{\"seq\":8,\"time\":\"2026-11-02T07:00:00.5Z\",\"boot_id\":"
				       "\"b\",\"type\":\"comparison\",\"prev\":\"%s\",\"scope\":"
				       "[\"/etc\"],\"end\":\"2026-11-02T07:00:00Z\"}\n",
				       digest_of(lines, (size_t)first));
	write_file("b/" DAY, lines, (size_t)len);
	snprintf(head, sizeof(head), "%s", digest_of(lines + first, (size_t)(len - first)));
	len = snprintf(
		manifest, sizeof(manifest),
		"{\"format\":\"%s\",\"version\":1,\"account\":\"1\",\"cluster\":\"c\",\"host\":\"h\","
		"\"from\":\"2026-11-02\",\"to\":\"2026-11-03\",\"journal\":{\"verification\":\"%s\","
		"\"prev\":\"%s\",\"head\":\"%s\"},\"files\":[{\"path\":\"%s\",\"bytes\":%d,"
		"\"sha256\":\"%s\"}%s]}\n",
		recipe->format ? recipe->format : "ecs-fim-bundle",
		recipe->verification ? recipe->verification : "verified",
		recipe->prev ? recipe->prev : ZEROS, recipe->head ? recipe->head : head,
		recipe->path ? recipe->path : DAY, len, digest_of(lines, (size_t)len),
		recipe->twice ? ",{\"path\":\"" DAY "\"}" : "");
	write_file("b/manifest.json", manifest, (size_t)len);
	sign_file("b/manifest.json", "b/manifest.sig");
}

static const char *const keys[] = {"key.pub", NULL};

static void make_keys(void)
{
	ck_assert_int_eq(
		system("openssl ecparam -name prime256v1 -genkey -noout -out key.pem 2>/dev/null && "
		       "openssl ec -in key.pem -pubout -out key.pub 2>/dev/null"),
		0);
}

static int take_reason(void *ctx, struct fim_json *row)
{
	char **reason_ret = ctx;

	ck_assert_ptr_null(*reason_ret);
	*reason_ret = strdup(fim_json_get_str(row, "reason"));
	ck_assert_str_eq(fim_json_get_str(row, "status"), **reason_ret ? "rejected" : "accepted");
	fim_json_free(row);
	return 0;
}

/* What is wrong with it, "" if nothing is; malloc'ed. */
static char *reason_of(void)
{
	static const char *const dirs[] = {"b", NULL};
	char *reason = NULL;

	ck_assert_int_eq(fim_fleet_verify(dirs, keys, take_reason, &reason), 0);
	ck_assert_ptr_nonnull(reason);
	return reason;
}

START_TEST(a_bundle_as_it_was_made_is_accepted)
{
	const struct recipe recipe = {.path = NULL};
	char *reason;

	make_keys();
	make_bundle(&recipe);
	reason = reason_of();
	ck_assert_str_eq(reason, "");
	free(reason);
}
END_TEST

static const struct {
	struct recipe recipe;
	const char *reason;
} faults[] = {
	{{.path = "records/dt=../../../etc/passwd"}, "outside"},
	{{.path = "/etc/passwd"}, "outside"},
	{{.path = "records/dt=2026-11-02//x"}, "outside"},
	{{.path = "records/dt=2026-11-03/account=1/cluster=c/host=h/records.ndjson"}, "missing"},
	{{.prev = "abc"}, "no digest"},
	{{.prev = "1111111111111111111111111111111111111111111111111111111111111111"}, "chain"},
	{{.path = "records/dt=2026-11-02/account=1/cluster=c/host=x/records.ndjson"},
	 "outside of records/dt=DAY/account=1/cluster=c/host=h"},
	{{.path = "records/dt=2026-11-02/account=2/cluster=c/host=h/records.ndjson"}, "outside"},
	{{.path = "records/dt=2026-11-02/cluster=c/account=1/host=h/records.ndjson"}, "outside"},
	{{.path = "records/dt=2026-1x-02/account=1/cluster=c/host=h/records.ndjson"}, "outside"},
	{{.path = "records/dt=2026-11-02/account=1/cluster=c/host=h/other.ndjson"}, "outside"},
	{{.time = "2026-11-03"}, "record 7 is of another day"},
	{{.twice = true}, "not in the order of days"},
	{{.head = ZEROS}, "does not end"},
	{{.verification = "broken"}, "not verified"},
	{{.format = "zip"}, "not a bundle"},
	{{.second = "{\"seq\":9}\n"}, "follows record 7"},
	{{.second = "{\"seq\":8,\"prev\":\"" ZEROS "\"}\n"}, "does not continue"},
	{{.second = "{\"seq\":8"}, "cut off"},
	{{.second = "no\n"}, "no record"},
};

START_TEST(a_bundle_that_is_not_what_it_says_is_rejected_with_the_reason)
{
	char *reason;

	make_keys();
	make_bundle(&faults[_i].recipe);
	reason = reason_of();
	ck_assert_msg(strstr(reason, faults[_i].reason) != NULL, "%s", reason);
	free(reason);
}
END_TEST

/* Each byte of each file, one after the other. */
START_TEST(one_changed_byte_is_noticed)
{
	static const char *const paths[] = {"b/" DAY, "b/manifest.json", "b/manifest.sig"};
	const struct recipe recipe = {.path = NULL};
	char *bytes, *reason;
	size_t len, i;

	make_keys();
	make_bundle(&recipe);
	ck_assert_int_eq(fim_file_read(paths[_i], 1 << 20, &bytes, &len), 0);
	for (i = 0; i < len; i++) {
		FILE *file = fopen(paths[_i], "r+");

		fseek(file, (long)i, SEEK_SET);
		fputc(bytes[i] ^ 1, file);
		fclose(file);
		reason = reason_of();
		ck_assert_msg(*reason, "%s: byte %zu was changed", paths[_i], i);
		free(reason);
		file = fopen(paths[_i], "r+");
		fseek(file, (long)i, SEEK_SET);
		fputc(bytes[i], file);
		fclose(file);
	}
	reason = reason_of();
	ck_assert_str_eq(reason, "");
	free(reason);
	free(bytes);
}
END_TEST

/* _i: 0: good, 1: changed, 2: without its manifest, 3: its file is a link */
START_TEST(what_is_rejected_is_insufficient_evidence_by_name)
{
	static const char *const dirs[] = {".", NULL};
	struct fim_fleet_params params = {.dirs = dirs, .keys = keys};
	const struct recipe recipe = {.path = NULL};
	const struct fim_json *host, *statement;
	struct fim_json *report;
	size_t i;

	make_keys();
	make_bundle(&recipe);
	write_file("expected.ndjson", "{\"account\":\"1\",\"cluster\":\"c\",\"host\":\"h\"}\n", 41);
	params.expected = "expected.ndjson";
	if (_i == 1)
		write_file("b/" DAY, "x\n", 2);
	else if (_i == 2)
		ck_assert_int_eq(unlink("b/manifest.json"), 0);
	else if (_i == 3)
		ck_assert_int_eq(system("mv b/" DAY " away && ln -s \"$PWD/away\" b/" DAY), 0);
	ck_assert_int_eq(fim_fleet_report(&params, &report), 0);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "rejected"), "count", -1), _i != 0);
	host = fim_json_index(fim_json_at(report, "coverage/items"), 0);
	ck_assert_str_eq(fim_json_get_str(host, "state"), _i ? "rejected" : "reporting");
	if (_i != 2)
		ck_assert_str_eq(fim_json_get_str(host, "host"), "h");
	for (i = 0; i < 3; i++) {
		statement = fim_json_index(fim_json_get(report, "statements"), i);
		ck_assert_str_eq(fim_json_get_str(statement, "status"),
				 _i ? "insufficient evidence" : "met");
	}
	ck_assert_int_eq(fim_json_get_int(fim_json_get(report, "totals"), "comparisons", -1), !_i);
	fim_json_free(report);
}
END_TEST

static const struct {
	const char *how;
	const char *reason;
} tampered[] = {
	{"touch b/records/extra.ndjson", "is there, and not in manifest.json"},
	{"ln -s /etc/passwd b/records/dt=2026-11-02/link", "is there, and not in manifest.json"},
	{"cp b/" DAY " b/manifest.ndjson", "is there, and not in manifest.json"},
	{"rm b/" DAY, "is missing"},
	{"truncate -s -30 b/" DAY, "is cut off"},
	{"truncate -s -1 b/" DAY, "is cut off"},
	{"rm b/manifest.sig", "manifest.sig is missing"},
	{"mv b/manifest.sig away && ln -s \"$PWD/away\" b/manifest.sig", "manifest.sig is missing"},
	{"mv b/manifest.json away && ln -s \"$PWD/away\" b/manifest.json",
	 "manifest.json is missing"},
	{"openssl ecparam -name prime256v1 -genkey -noout -out other.pem 2>/dev/null && openssl dgst "
	 "-sha256 -sign other.pem -out b/manifest.sig b/manifest.json",
	 "not signed by a trusted key"},
};

START_TEST(a_bundle_that_was_tampered_with_is_rejected_with_the_reason)
{
	const struct recipe recipe = {.path = NULL};
	char *reason;

	make_keys();
	make_bundle(&recipe);
	ck_assert_int_eq(system(tampered[_i].how), 0);
	reason = reason_of();
	ck_assert_msg(strstr(reason, tampered[_i].reason) != NULL, "%s", reason);
	free(reason);
}
END_TEST

START_TEST(without_a_key_nothing_is_met)
{
	static const char *const dirs[] = {"b", NULL};
	struct fim_fleet_params params = {.dirs = dirs};
	const struct recipe recipe = {.path = NULL};
	struct fim_json *report;

	make_keys();
	make_bundle(&recipe);
	ck_assert_int_eq(fim_fleet_report(&params, &report), 0);
	ck_assert_str_eq(fim_json_get_str(fim_json_index(fim_json_get(report, "statements"), 0),
					  "status"),
			 "insufficient evidence");
	fim_json_free(report);
}
END_TEST

START_TEST(a_directory_without_a_bundle_is_an_error)
{
	static const char *const dirs[] = {".", NULL};
	struct fim_fleet_params params = {.dirs = dirs};
	struct fim_json *report = NULL;

	ck_assert_int_eq(fim_fleet_report(&params, &report), -ENOENT);
	ck_assert_ptr_null(report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fleet");
	TCase *tcase = tcase_create("fleet");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_bundle_as_it_was_made_is_accepted);
	tcase_add_loop_test(tcase, a_bundle_that_is_not_what_it_says_is_rejected_with_the_reason, 0,
			    COUNT(faults));
	tcase_add_loop_test(tcase, one_changed_byte_is_noticed, 0, 3);
	tcase_add_loop_test(tcase, what_is_rejected_is_insufficient_evidence_by_name, 0, 4);
	tcase_add_loop_test(tcase, a_bundle_that_was_tampered_with_is_rejected_with_the_reason, 0,
			    COUNT(tampered));
	tcase_add_test(tcase, without_a_key_nothing_is_met);
	tcase_add_test(tcase, a_directory_without_a_bundle_is_an_error);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
