/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening by openat2(2) and without it come to the same, whatever links say.
 */
#include "fixture.h"

#include "userspace/lib/lib_private.h"

static int root;

static void open_setup(void)
{
	fixture_setup();
	put_dir("root");
	put_dir("root/usr");
	put_dir("root/usr/bin");
	put_dir("root/lib");
	put_dir("outside");
	put_text("root/file", "x");
	put_text("outside/secret", "x");
	ck_assert_int_eq(symlink("usr/bin", "root/bin"), 0);
	ck_assert_int_eq(symlink("/usr/bin", "root/absolute"), 0);
	ck_assert_int_eq(symlink("../../../../outside", "root/lib/up"), 0);
	ck_assert_int_eq(symlink("../usr/./bin/..//bin", "root/lib/round"), 0);
	ck_assert_int_eq(symlink("loop", "root/loop"), 0);
	ck_assert_int_eq(symlink("nothing", "root/dangling"), 0);
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
}

static void open_teardown(void)
{
	close(root);
	fixture_teardown();
}

/* Both ways give the same directory, or the same error; @where: NULL: an error. */
static void assert_inside(const char *path, const char *where)
{
	int fds[] = {fim_open_dir_inside(root, path), fim_open_dir_inside_stepwise(root, path)};
	struct stat want, got;

	for (int i = 0; i < 2; i++) {
		if (!where) {
			ck_assert_msg(fds[i] < 0, "%s is opened by way %d", path, i);
			ck_assert_int_eq(fds[i], fds[0]);
			continue;
		}
		ck_assert_msg(fds[i] >= 0, "%s by way %d: %s", path, i, strerror(-fds[i]));
		ck_assert_int_eq(fstat(fds[i], &got), 0);
		ck_assert_int_eq(stat(where, &want), 0);
		ck_assert_msg(got.st_ino == want.st_ino, "%s by way %d is not %s", path, i, where);
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
}

START_TEST(links_lead_where_they_lead_inside_the_root)
{
	assert_inside("", "root");
	assert_inside(".", "root");
	assert_inside("usr/bin", "root/usr/bin");
	assert_inside("/usr//bin/", "root/usr/bin");
	assert_inside("bin", "root/usr/bin");
	assert_inside("absolute", "root/usr/bin");
	assert_inside("lib/round", "root/usr/bin");
	assert_inside("..", "root");
	assert_inside("../../usr/../../lib", "root/lib");
}
END_TEST

START_TEST(nothing_leads_out_of_the_root)
{
	assert_inside("lib/up", NULL);
	assert_inside("../outside", NULL);
	put_dir("root/outside");
	assert_inside("lib/up", "root/outside");
	assert_inside("../outside", "root/outside");
}
END_TEST

START_TEST(what_is_no_directory_is_refused)
{
	char deep[PATH_MAX];

	assert_inside("file", NULL);
	assert_inside("file/x", NULL);
	assert_inside("loop", NULL);
	assert_inside("dangling", NULL);
	assert_inside("none", NULL);
	memset(deep, 'a', NAME_MAX + 1);
	deep[NAME_MAX + 1] = '\0';
	assert_inside(deep, NULL);
	memset(deep, '/', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_inside(deep, "root");
}
END_TEST

/* No descriptor is left, also of a path deeper than the memory for it. */
START_TEST(a_path_may_be_deep)
{
	char path[2 * 200 + 1] = "";
	int before = open("/dev/null", O_RDONLY), after;

	ck_assert_int_eq(chdir("root"), 0);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(mkdir("d", 0700), 0);
		ck_assert_int_eq(chdir("d"), 0);
		strcat(path, i ? "/d" : "d");
	}
	ck_assert_int_eq(chdir(fixture_dir), 0);
	ck_assert_int_eq(fim_open_dir_inside_stepwise(root, path), -ENAMETOOLONG);
	after = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(after, before + 1);
	close(before);
	close(after);
}
END_TEST

static void assert_beneath(const char *path, bool opens)
{
	int fds[] = {fim_open_beneath(root, path, O_RDONLY),
		     fim_open_beneath_stepwise(root, *path ? path : ".", O_RDONLY)};

	for (int i = 0; i < 2; i++) {
		ck_assert_msg((fds[i] >= 0) == opens, "%s by way %d: %d", path, i, fds[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

START_TEST(beneath_follows_no_link)
{
	assert_beneath("", true);
	assert_beneath("file", true);
	assert_beneath("usr/bin", true);
	assert_beneath("bin", false);
	assert_beneath("bin/x", false);
	assert_beneath("absolute", false);
	assert_beneath("../outside/secret", false);
	assert_beneath("/etc/passwd", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open");
	TCase *tcase = tcase_create("open");

	tcase_add_checked_fixture(tcase, open_setup, open_teardown);
	tcase_add_test(tcase, links_lead_where_they_lead_inside_the_root);
	tcase_add_test(tcase, nothing_leads_out_of_the_root);
	tcase_add_test(tcase, what_is_no_directory_is_refused);
	tcase_add_test(tcase, a_path_may_be_deep);
	tcase_add_test(tcase, beneath_follows_no_link);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
