/* SPDX-License-Identifier: Apache-2.0 */
/* What an image says about a path: overlayfs' rules, on directories made by hand. */
#include "fixture.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "userspace/daemon/daemon.h"

static struct fim_hasher *hasher;
static struct layers layers;

/* Three layers: upper, then mid over low. */
static void layers_setup(void)
{
	char options[4 * PATH_MAX];

	fixture_setup();
	shell("mkdir -p upper/etc mid/etc low/etc/sub low/usr/bin");
	put_text("low/etc/passwd", "low\n");
	put_text("low/etc/group", "low\n");
	put_text("low/etc/sub/a", "a\n");
	put_text("low/usr/bin/ls", "ls");
	put_text("mid/etc/passwd", "middle\n");
	snprintf(options, sizeof(options), "rw,lowerdir=%s/mid:%s/low,upperdir=%s/upper,workdir=/w",
		 fixture_dir, fixture_dir, fixture_dir);
	ck_assert_int_eq(layers_parse(options, "/x/y/merged", &layers), 0);
	hasher = fim_hasher_new();
}

static void layers_teardown(void)
{
	layers_clear(&layers);
	fim_hasher_free(hasher);
	fixture_teardown();
}

static uint64_t size_of(size_t first, const char *path, enum fim_type type)
{
	struct fim_state state = {0};
	uint64_t size;

	ck_assert_int_eq(layers_measure(&layers, first, path, hasher, &state), 0);
	ck_assert_msg(state.type == type, "%s is a %s", path, fim_type_name(state.type));
	size = state.size;
	fim_state_clear(&state);
	return size;
}

static void whiteout(const char *path)
{
	ck_assert_msg(!mknod(path, S_IFCHR, makedev(0, 0)), "%s: %s (run as root)", path,
		      strerror(errno));
}

START_TEST(the_first_layer_that_has_a_path_counts)
{
	ck_assert_uint_eq(size_of(1, "/etc/passwd", FIM_TYPE_FILE), 7);
	ck_assert_uint_eq(size_of(1, "/etc/group", FIM_TYPE_FILE), 4);
	ck_assert_uint_eq(size_of(1, "/usr/bin/ls", FIM_TYPE_FILE), 2);
	size_of(1, "/etc", FIM_TYPE_DIR);
	size_of(1, "/", FIM_TYPE_DIR);
	size_of(1, "/etc/none", FIM_TYPE_NONE);
	size_of(1, "/none/none", FIM_TYPE_NONE);
}
END_TEST

START_TEST(the_upper_layer_counts_only_when_asked)
{
	put_text("upper/etc/passwd", "changed by the container\n");
	ck_assert_uint_eq(size_of(1, "/etc/passwd", FIM_TYPE_FILE), 7);
	ck_assert_uint_eq(size_of(0, "/etc/passwd", FIM_TYPE_FILE), 25);
}
END_TEST

START_TEST(a_whiteout_hides_a_name_and_all_below_it)
{
	whiteout("mid/etc/group");
	whiteout("mid/etc/sub");
	size_of(1, "/etc/group", FIM_TYPE_NONE);
	size_of(1, "/etc/sub", FIM_TYPE_NONE);
	size_of(1, "/etc/sub/a", FIM_TYPE_NONE);
	size_of(2, "/etc/sub/a", FIM_TYPE_FILE);
}
END_TEST

START_TEST(an_opaque_directory_hides_what_is_below_it)
{
	put_dir("mid/etc/sub");
	size_of(1, "/etc/sub/a", FIM_TYPE_FILE);
	if (setxattr("mid/etc/sub", "trusted.overlay.opaque", "y", 1, 0))
		ck_assert_int_eq(setxattr("mid/etc/sub", "user.overlay.opaque", "y", 1, 0), 0);
	size_of(1, "/etc/sub", FIM_TYPE_DIR);
	size_of(1, "/etc/sub/a", FIM_TYPE_NONE);
}
END_TEST

START_TEST(a_file_hides_a_directory_of_its_name)
{
	put_text("mid/etc/sub", "a file now");
	size_of(1, "/etc/sub", FIM_TYPE_FILE);
	size_of(1, "/etc/sub/a", FIM_TYPE_NONE);
}
END_TEST

START_TEST(a_link_in_a_layer_is_not_followed)
{
	shell("rm -r mid/etc && ln -s /etc mid/etc");
	size_of(1, "/etc", FIM_TYPE_SYMLINK);
	size_of(1, "/etc/passwd", FIM_TYPE_NONE);
}
END_TEST

START_TEST(a_layer_that_was_removed_is_skipped)
{
	shell("rm -r mid");
	ck_assert_uint_eq(size_of(1, "/etc/passwd", FIM_TYPE_FILE), 4);
}
END_TEST

static int count_path(void *ctx, const char *path)
{
	ck_assert_msg(!strncmp(path, "/etc/", 5), "%s", path);
	++*(int *)ctx;
	return 0;
}

START_TEST(everything_below_a_directory_is_listed)
{
	int count = 0;

	ck_assert_int_eq(layers_each_below(&layers, 1, "/etc", count_path, &count), 0);
	ck_assert_int_eq(count, 1 + 4); /* passwd in mid; passwd, group, sub, sub/a in low */
}
END_TEST

START_TEST(what_only_a_layer_has_is_forgotten)
{
	struct fim_state state = {.type = FIM_TYPE_FILE};

	state.xattrs = calloc(3, sizeof(*state.xattrs));
	state.xattr_count = 3;
	state.xattrs[0].name = strdup("security.selinux");
	state.xattrs[1].name = strdup("trusted.overlay.origin");
	state.xattrs[2].name = strdup("user.mine");
	layers_strip(&state);
	ck_assert_uint_eq(state.xattr_count, 1);
	ck_assert_str_eq(state.xattrs[0].name, "user.mine");
	fim_state_clear(&state);
}
END_TEST

START_TEST(only_what_an_engine_mounts_on_is_an_artefact)
{
	struct fim_state empty = {.type = FIM_TYPE_FILE};
	struct fim_state full = {.type = FIM_TYPE_FILE, .size = 1};
	struct fim_state dir = {.type = FIM_TYPE_DIR};
	char target[] = "/proc/mounts";
	struct fim_state link = {.type = FIM_TYPE_SYMLINK, .target = target};

	ck_assert(layers_is_artefact("/etc/hosts", &empty));
	ck_assert(layers_is_artefact("/etc/resolv.conf", &empty));
	ck_assert(layers_is_artefact("/etc/mtab", &link));
	ck_assert(!layers_is_artefact("/etc/hosts", &full));
	ck_assert(!layers_is_artefact("/etc/hosts", &dir));
	ck_assert(!layers_is_artefact("/etc/passwd", &empty));
	ck_assert(!layers_is_artefact("/usr/bin/hosts", &empty));
	ck_assert(!layers_is_artefact("/etc/mtab", &empty));
}
END_TEST

/* clang-format off */
static const struct {
	const char *options;
	size_t count; /* 0: refused */
	const char *dirs[4];
} parses[] = {
	{ "rw,lowerdir=/l1:/l2,upperdir=/u,workdir=/w", 3, { "/u", "/l1", "/l2" } },
	{ "rw,upperdir=/u,lowerdir=/l1", 2, { "/u", "/l1" } },
	{ "lowerdir=l/A:l/B,upperdir=id/diff,workdir=id/work", 3,
	  { "/var/lib/docker/overlay2/id/diff", "/var/lib/docker/overlay2/l/A",
	    "/var/lib/docker/overlay2/l/B" } },
	{ "rw,lowerdir+=/l1,lowerdir+=/l2,upperdir=/u", 3, { "/u", "/l1", "/l2" } },
	{ "lowerdir=/a\\:b:/c\\,d,upperdir=/u", 3, { "/u", "/a:b", "/c,d" } },
	{ "lowerdir=/l1::/data,upperdir=/u", 2, { "/u", "/l1" } },
	{ "", 0, { NULL } },
	{ "rw", 0, { NULL } },
	{ "ro,lowerdir=/l1:/l2", 0, { NULL } },
	{ "upperdir=/u", 0, { NULL } },
	{ "lowerdir=", 0, { NULL } },
	{ "upperdir=/u,upperdir=/v,lowerdir=/l", 0, { NULL } },
	{ "lowerdir=/a\\", 0, { NULL } },
	{ ",,,=,=,", 0, { NULL } },
};
/* clang-format on */

START_TEST(options_of_a_mount_name_its_layers)
{
	struct layers got = {0};
	int err = layers_parse(parses[_i].options, "/var/lib/docker/overlay2/id/merged", &got);

	ck_assert_msg((err == 0) == (parses[_i].count > 0), "%s: %d", parses[_i].options, err);
	ck_assert_uint_eq(got.count, parses[_i].count);
	for (size_t i = 0; i < got.count; i++)
		ck_assert_str_eq(got.dirs[i], parses[_i].dirs[i]);
	layers_clear(&got);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layers");
	TCase *tcase = tcase_create("layers");

	tcase_add_checked_fixture(tcase, layers_setup, layers_teardown);
	tcase_add_test(tcase, the_first_layer_that_has_a_path_counts);
	tcase_add_test(tcase, the_upper_layer_counts_only_when_asked);
	if (geteuid() == 0) {
		tcase_add_test(tcase, a_whiteout_hides_a_name_and_all_below_it);
	}
	tcase_add_test(tcase, an_opaque_directory_hides_what_is_below_it);
	tcase_add_test(tcase, a_file_hides_a_directory_of_its_name);
	tcase_add_test(tcase, a_link_in_a_layer_is_not_followed);
	tcase_add_test(tcase, a_layer_that_was_removed_is_skipped);
	tcase_add_test(tcase, everything_below_a_directory_is_listed);
	tcase_add_test(tcase, what_only_a_layer_has_is_forgotten);
	tcase_add_test(tcase, only_what_an_engine_mounts_on_is_an_artefact);
	tcase_add_loop_test(tcase, options_of_a_mount_name_its_layers, 0,
			    sizeof(parses) / sizeof(parses[0]));
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
