/* SPDX-License-Identifier: Apache-2.0 */
/* Where containers' roots are that no mount table shows. */
#include "fixture.h"

#include "userspace/daemon/daemon.h"

#define ID   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NAME "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static char *root, *image;

static int ask(const char *driver, const char *id)
{
	struct fim_json *inspect;
	char text[PATH_MAX + 512];
	int err;

	snprintf(text, sizeof(text),
		 "{\"Id\":\"%s\",\"GraphDriver\":{\"Name\":\"%s\",\"Data\":null},"
		 "\"Engine\":{\"DockerRootDir\":\"%s\"}}",
		 id, driver, fixture_dir);
	ck_assert_int_eq(fim_json_parse(text, strlen(text), NULL, &inspect), 0);
	free(root);
	free(image);
	err = plain_root(inspect, &root, &image);
	fim_json_free(inspect);
	return err;
}

static void plain_setup(void)
{
	fixture_setup();
	shell("for driver in vfs btrfs overlay2; do mkdir -p image/$driver/layerdb/mounts/" ID
	      " && cd image/$driver/layerdb/mounts/" ID " && printf " NAME
	      " >mount-id && printf " NAME "-init >init-id && cd - >/dev/null; done");
}

static void plain_teardown(void)
{
	free(root);
	free(image);
	root = image = NULL;
	fixture_teardown();
}

static void is_below(const char *path, const char *below)
{
	char wanted[2 * PATH_MAX];

	snprintf(wanted, sizeof(wanted), "%s/%s", fixture_dir, below);
	ck_assert_str_eq(path, wanted);
}

START_TEST(directories_of_vfs_and_btrfs)
{
	ck_assert_int_eq(ask("vfs", ID), 0);
	is_below(root, "vfs/dir/" NAME);
	is_below(image, "vfs/dir/" NAME "-init");
	ck_assert_int_eq(ask("btrfs", ID), 0);
	is_below(root, "btrfs/subvolumes/" NAME);
	is_below(image, "btrfs/subvolumes/" NAME "-init");
}
END_TEST

START_TEST(others_are_mounts)
{
	ck_assert_int_eq(ask("overlay2", ID), -ENOENT);
	ck_assert_int_eq(ask("../../vfs", ID), -ENOENT);
	ck_assert(plain_is_known_driver("overlay2"));
	ck_assert(plain_is_known_driver("vfs"));
	ck_assert(!plain_is_known_driver("devicemapper"));
}
END_TEST

START_TEST(what_is_no_id_is_no_path)
{
	ck_assert_int_eq(ask("vfs", "../../../../etc"), -ENOENT);
	ck_assert_int_eq(ask("vfs", ""), -ENOENT);
	ck_assert_int_eq(ask("vfs", NAME), -ENOENT); /* no such container */
}
END_TEST

START_TEST(names_that_lead_elsewhere)
{
	static const char *const bad[] = {
		"../../../../../../../etc", "", NAME "/..", NAME "-initx", NAME "0", "x"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_text("image/vfs/layerdb/mounts/" ID "/mount-id", bad[i]);
		ck_assert_int_eq(ask("vfs", ID), -ENOENT);
		ck_assert_ptr_null(root);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plain");
	TCase *tcase = tcase_create("plain");

	tcase_add_checked_fixture(tcase, plain_setup, plain_teardown);
	tcase_add_test(tcase, directories_of_vfs_and_btrfs);
	tcase_add_test(tcase, others_are_mounts);
	tcase_add_test(tcase, what_is_no_id_is_no_path);
	tcase_add_test(tcase, names_that_lead_elsewhere);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
