/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as root: mounts, devices and owners need it. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POLICY	     "name: n\nversion: \"1\"\nroots: [/etc, /usr/bin]\n"
#define RULES	     POLICY "rules:\n"

static struct fim_baseline *baseline;
static struct fim_comparison totals;
static char found[1 << 17]; /* "kind path attribute …", one difference per line */
static size_t observed;

static void take_baseline(const char *text)
{
	struct fim_policy *policy = NULL;
	struct fim_baseline_params params = {.root = "root"};

	ck_assert_msg(!fim_policy_parse(text, strlen(text), "p.yaml", &policy), "%s", fixture_log);
	params.policy = policy;
	ck_assert_msg(!fim_baseline_create(&params, "base.ndjson", NULL), "%s", fixture_log);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, NULL, &baseline), 0);
	fim_policy_free(policy);
}

static int note(void *ctx, const struct fim_difference *difference)
{
	size_t len = strlen(found);
	uint32_t bit;

	len += (size_t)snprintf(found + len, sizeof(found) - len, "%s %s",
				fim_kind_name(difference->kind), difference->path);
	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (difference->diff & bit && difference->kind != FIM_KIND_ADDED &&
		    difference->kind != FIM_KIND_REMOVED)
			len += (size_t)snprintf(found + len, sizeof(found) - len, " %s",
						fim_diff_name(bit));
	if (difference->err)
		len += (size_t)snprintf(found + len, sizeof(found) - len, " %s",
					strerrorname_np(-difference->err));
	snprintf(found + len, sizeof(found) - len, "\n");
	return ctx ? *(int *)ctx : 0;
}

static void see(void *ctx, const char *path, const struct fim_state *state)
{
	(void)ctx;
	(void)path;
	ck_assert_int_ne(state->type, FIM_TYPE_NONE);
	ck_assert_uint_ne(state->ino, 0);
	observed++;
}

static int compare(int *stop)
{
	struct fim_compare_params params = {
		.root = "root", .difference = note, .observed = see, .ctx = stop};

	found[0] = '\0';
	observed = 0;
	return fim_compare(baseline, &params, &totals);
}

static void assert_found(const char *expected)
{
	ck_assert_int_eq(compare(NULL), 0);
	ck_assert_str_eq(found, expected);
}

static void teardown(void)
{
	fim_baseline_free(baseline);
	fixture_teardown();
}

START_TEST(what_was_not_touched_is_clean)
{
	put_system();
	take_baseline(POLICY);
	assert_found("");
	ck_assert_uint_eq(totals.expected, 8);
	ck_assert_uint_eq(totals.compared, 8);
	ck_assert_uint_eq(totals.changed + totals.added + totals.removed + totals.unreadable, 0);
	ck_assert_uint_eq(totals.bytes, 1 + 7 + 11 + 12);
	ck_assert_uint_eq(observed, 8);
	ck_assert_int_ge(totals.end_ns, totals.start_ns);
}
END_TEST

START_TEST(each_change_is_found_as_what_it_is)
{
	put_system();
	take_baseline(POLICY);
	put_text("root/usr/bin/ls", "#!/bin/evil\n");
	put_text("root/etc/new\nname", "");
	put_text("root/usr/bin/zz", "");
	ck_assert_int_eq(unlink("root/etc/a-b"), 0);
	ck_assert_int_eq(chmod("root/etc/passwd", 0666), 0);
	ck_assert_int_eq(lsetxattr("root/etc/a", "trusted.x", "y", 1, 0), 0);
	ck_assert_int_eq(unlink("root/usr/bin/dir"), 0);
	ck_assert_int_eq(symlink("ls2", "root/usr/bin/dir"), 0);
	ck_assert_int_eq(link("root/etc/a/x", "root/hidden"), 0);
	assert_found("attributes /etc/a xattrs\n"
		     "removed /etc/a-b\n"
		     "attributes /etc/a/x nlink\n"
		     "added /etc/new\nname\n"
		     "attributes /etc/passwd mode\n"
		     "modified /usr/bin/dir size target\n"
		     "modified /usr/bin/ls sha256\n"
		     "added /usr/bin/zz\n");
	ck_assert_uint_eq(totals.changed, 5);
	ck_assert_uint_eq(totals.added, 2);
	ck_assert_uint_eq(totals.removed, 1);
	ck_assert_uint_eq(totals.compared, 9);
	ck_assert_uint_eq(observed, 9);
}
END_TEST

START_TEST(a_change_with_size_and_times_put_back_is_found)
{
	struct timespec times[2];
	struct stat st;

	put_system();
	ck_assert_int_eq(stat("root/usr/bin/ls", &st), 0);
	take_baseline(POLICY);
	put_text("root/usr/bin/ls", "#!/bin/evil\n");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, "root/usr/bin/ls", times, 0), 0);
	assert_found("modified /usr/bin/ls sha256\n");
}
END_TEST

START_TEST(a_file_replaced_by_its_equal_is_clean)
{
	put_system();
	take_baseline(POLICY);
	put_text("root/new", "#!/bin/true\n");
	ck_assert_int_eq(rename("root/new", "root/usr/bin/ls"), 0);
	assert_found("");
}
END_TEST

START_TEST(a_change_of_type_is_found_and_what_was_below_is_gone)
{
	put_system();
	take_baseline(POLICY);
	ck_assert_int_eq(rename("root/etc/a", "root/elsewhere"), 0);
	ck_assert_int_eq(symlink("../elsewhere", "root/etc/a"), 0);
	ck_assert_int_eq(unlink("root/usr/bin/ls"), 0);
	ck_assert_int_eq(mkfifo("root/usr/bin/ls", 0644), 0);
	assert_found("modified /etc/a type mode size target\n"
		     "removed /etc/a/x\n"
		     "modified /usr/bin/ls type size sha256 nlink\n");
}
END_TEST

START_TEST(an_empty_system_has_lost_everything)
{
	put_system();
	take_baseline(POLICY);
	shell("rm -rf root/*");
	ck_assert_int_eq(compare(NULL), 0);
	ck_assert_uint_eq(totals.removed, 8);
	ck_assert_uint_eq(totals.compared, 0);
	shell("rmdir root");
	ck_assert_int_eq(compare(NULL), -ENOENT);
	assert_logged("root: cannot open");
}
END_TEST

START_TEST(a_root_that_appears_is_added)
{
	put_system();
	take_baseline("name: n\nversion: 1\nroots: [/etc/a, /opt]\n");
	put_dir("root/opt");
	put_text("root/opt/tool", "");
	assert_found("added /opt\nadded /opt/tool\n");
}
END_TEST

START_TEST(metadata_compares_no_content)
{
	put_system();
	take_baseline(RULES "  - {path: /etc/passwd, class: metadata, reason: r}\n"
			    "  - {path: /usr/bin/dir, class: metadata, reason: r}\n");
	put_text("root/etc/passwd", "longer than before, and another content\n");
	ck_assert_int_eq(link("root/etc/passwd", "root/second"), 0);
	assert_found("");
	ck_assert_int_eq(chown("root/etc/passwd", 1, 0), 0);
	ck_assert_int_eq(unlink("root/usr/bin/dir"), 0);
	ck_assert_int_eq(symlink("longer", "root/usr/bin/dir"), 0);
	assert_found("attributes /etc/passwd uid\nmodified /usr/bin/dir target\n");
	ck_assert_int_eq(unlink("root/etc/passwd"), 0);
	assert_found("removed /etc/passwd\nmodified /usr/bin/dir target\n");
}
END_TEST

START_TEST(excluded_is_not_looked_at_but_what_a_rule_takes_back_is)
{
	put_system();
	put_dir("root/etc/a/sub");
	put_text("root/etc/a/sub/y", "y");
	take_baseline(RULES "  - {path: /etc/a, class: excluded, reason: r, approver: p}\n"
			    "  - {path: /etc/a/sub, class: strict}\n");
	ck_assert_int_eq(unlink("root/etc/a/x"), 0);
	put_text("root/etc/a/z", "");
	put_text("root/etc/a/sub/y", "changed");
	put_text("root/etc/a/sub/z", "");
	assert_found("modified /etc/a/sub/y size sha256\nadded /etc/a/sub/z\n");
}
END_TEST

START_TEST(a_callback_can_stop_the_run)
{
	int stop = -ECANCELED;

	put_system();
	take_baseline(POLICY);
	shell("rm -rf root/etc");
	totals.expected = 77;
	ck_assert_int_eq(compare(&stop), -ECANCELED);
	ck_assert_str_eq(found, "removed /etc\n");
	ck_assert_uint_eq(totals.expected, 77); /* untouched */
}
END_TEST

START_TEST(what_cannot_be_read_is_said_not_passed_over)
{
	put_system();
	take_baseline(POLICY);
	ck_assert_int_eq(chmod(".", 0755), 0);
	ck_assert_int_eq(chmod("root/etc/passwd", 0), 0);
	ck_assert_int_eq(chmod("root/etc/a", 0), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(compare(NULL), 0);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_str_eq(found, "unreadable /etc/a mode EACCES\n"
				"unreadable /etc/a/x EACCES\n"
				"unreadable /etc/passwd mode EACCES\n");
	ck_assert_uint_eq(totals.unreadable, 3);
}
END_TEST

START_TEST(a_path_too_long_to_name_marks_its_directory)
{
	char name[256] = "", expected[FIM_PATH_MAX + 64], path[FIM_PATH_MAX] = "/etc/deep";
	int fd, next, i;

	put_system();
	put_dir("root/etc/deep");
	take_baseline(RULES "  - {path: /etc/deep, class: metadata, reason: r}\n");
	fd = open("root/etc/deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(name, 'd', 200);
	for (i = 0; i < 30; i++) { /* 6000 bytes */
		ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
		if (strlen(path) + 1 + strlen(name) < FIM_PATH_MAX) {
			strcat(path, "/");
			strcat(path, name);
		}
	}
	close(fd);
	ck_assert_int_eq(compare(NULL), 0);
	snprintf(expected, sizeof(expected), "unreadable %s type mode ENAMETOOLONG\n", path);
	ck_assert(strstr(found, expected) != NULL);
	ck_assert_uint_eq(totals.unreadable, 1);
}
END_TEST

START_TEST(deep_trees_need_no_more_descriptors_than_flat_ones)
{
	struct rlimit limit = {.rlim_cur = 32, .rlim_max = 32};

	put_system();
	shell("cd root/etc && mkdir -p $(printf 'd/%.0s' $(seq 600))");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	take_baseline("name: n\nversion: 1\nroots: [/etc]\n");
	assert_found("");
	ck_assert_uint_eq(totals.compared, 605);
}
END_TEST

/* ---- mounts: in a namespace of our own, which ends with the test's process */

static void own_mounts(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

START_TEST(a_mount_laid_over_a_directory_is_entered)
{
	put_system();
	take_baseline(POLICY);
	own_mounts();
	ck_assert_int_eq(mount("none", "root/etc/a", "tmpfs", 0, "mode=0755"), 0);
	put_text("root/etc/a/evil", "");
	assert_found("added /etc/a/evil\nremoved /etc/a/x\n");
	ck_assert_int_eq(umount("root/etc/a"), 0);
	put_text("root/cover", "#!/bin/evil\n");
	ck_assert_int_eq(mount("root/cover", "root/usr/bin/ls", NULL, MS_BIND, NULL), 0);
	assert_found("modified /usr/bin/ls sha256\n");
	ck_assert_int_eq(umount("root/usr/bin/ls"), 0);
}
END_TEST

START_TEST(a_file_system_of_the_kernel_is_not_entered)
{
	put_system();
	take_baseline(POLICY);
	own_mounts();
	ck_assert_int_eq(mount("proc", "root/etc/a", "proc", 0, NULL), 0);
	/* the mount itself shows, and what it covers is gone; of its content nothing */
	assert_found("attributes /etc/a mode\nremoved /etc/a/x\n");
	ck_assert_int_eq(umount("root/etc/a"), 0);
}
END_TEST

/* ---- while somebody is at work */

static atomic_bool stop_working;

static void *rename_over(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop_working)) {
		put_text("root/etc/.new", "root:x:0:0\n");
		rename("root/etc/.new", "root/etc/passwd");
	}
	return NULL;
}

static void *swap(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop_working))
		syscall(SYS_renameat2, AT_FDCWD, "root/etc/a", AT_FDCWD, "root/evil",
			RENAME_EXCHANGE);
	return NULL;
}

START_TEST(a_file_that_is_being_replaced_is_never_missing)
{
	int64_t end_ns = fim_time_now() + 300000000;
	pthread_t thread;

	put_system();
	take_baseline(POLICY);
	pthread_create(&thread, NULL, rename_over, NULL);
	while (fim_time_now() < end_ns) {
		ck_assert_int_eq(compare(NULL), 0);
		ck_assert_msg(!strstr(found, "removed"), "%s", found);
		ck_assert_msg(!strstr(found, "modified"), "%s", found);
	}
	atomic_store(&stop_working, true);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_directory_swapped_for_a_symlink_brings_nothing_from_outside)
{
	int64_t end_ns = fim_time_now() + 300000000;
	pthread_t thread;

	put_system();
	put_dir("root/theirs");
	put_text("root/theirs/x", "other");
	put_text("root/theirs/evil", "");
	ck_assert_int_eq(symlink("../theirs", "root/evil"), 0);
	take_baseline(POLICY);
	pthread_create(&thread, NULL, swap, NULL);
	while (fim_time_now() < end_ns) {
		ck_assert_int_eq(compare(NULL), 0);
		ck_assert_msg(!strstr(found, "evil"), "%s", found);
		ck_assert_msg(!strstr(found, "modified /etc/a/x"), "%s", found);
	}
	atomic_store(&stop_working, true);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(kinds_follow_from_the_states)
{
	struct fim_state none = {0}, file = {.type = FIM_TYPE_FILE};

	ck_assert_int_eq(fim_kind_of(&none, &file, FIM_DIFF_TYPE), FIM_KIND_ADDED);
	ck_assert_int_eq(fim_kind_of(&file, &none, FIM_DIFF_TYPE), FIM_KIND_REMOVED);
	ck_assert_int_eq(fim_kind_of(&file, &file, FIM_DIFF_DIGEST | FIM_DIFF_MODE),
			 FIM_KIND_MODIFIED);
	ck_assert_int_eq(fim_kind_of(&file, &file, FIM_DIFF_MODE), FIM_KIND_ATTRIBUTES);
	ck_assert_int_eq(fim_kind_of(&file, &file, FIM_DIFF_NLINK | FIM_DIFF_FLAGS),
			 FIM_KIND_ATTRIBUTES);
	ck_assert_str_eq(fim_kind_name(FIM_KIND_TRANSIENT), "transient");
	ck_assert_str_eq(fim_kind_name((enum fim_kind)99), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compare");
	TCase *tcase = tcase_create("compare");

	tcase_set_timeout(tcase, 20);
	tcase_add_checked_fixture(tcase, fixture_setup, teardown);
	tcase_add_test(tcase, an_empty_system_has_lost_everything);
	tcase_add_test(tcase, what_was_not_touched_is_clean);
	tcase_add_test(tcase, each_change_is_found_as_what_it_is);
	tcase_add_test(tcase, a_change_with_size_and_times_put_back_is_found);
	tcase_add_test(tcase, a_file_replaced_by_its_equal_is_clean);
	tcase_add_test(tcase, a_change_of_type_is_found_and_what_was_below_is_gone);
	tcase_add_test(tcase, a_root_that_appears_is_added);
	tcase_add_test(tcase, metadata_compares_no_content);
	tcase_add_test(tcase, excluded_is_not_looked_at_but_what_a_rule_takes_back_is);
	tcase_add_test(tcase, a_callback_can_stop_the_run);
	tcase_add_test(tcase, what_cannot_be_read_is_said_not_passed_over);
	tcase_add_test(tcase, a_path_too_long_to_name_marks_its_directory);
	tcase_add_test(tcase, deep_trees_need_no_more_descriptors_than_flat_ones);
	tcase_add_test(tcase, a_mount_laid_over_a_directory_is_entered);
	tcase_add_test(tcase, a_file_system_of_the_kernel_is_not_entered);
	tcase_add_test(tcase, a_file_that_is_being_replaced_is_never_missing);
	tcase_add_test(tcase, a_directory_swapped_for_a_symlink_brings_nothing_from_outside);
	tcase_add_test(tcase, kinds_follow_from_the_states);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
