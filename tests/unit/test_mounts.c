/* SPDX-License-Identifier: Apache-2.0 */
/* The mount table: which mounts are a container's root. */
#include "fixture.h"

#include "userspace/daemon/daemon.h"

#define ID    "ae087e91ad35bebc106dfec5a8c1d6fdf6d72e169f17c6c71f2f6aefdc5f7d6d"
#define LAYER "21ae5776a441de59787e5c51bd212ff1c6a292c69c39a08daac73f94e6b49061"

/* clang-format off */
static const struct {
	const char *point;
	const char *type;
	bool is_container;
	const char *id;
} mounts[] = {
	{ "/var/lib/docker/overlay2/" LAYER "/merged", "overlay", true, "" },
	{ "/var/lib/docker/overlay2/" LAYER "-init/merged", "overlay", false, "" },
	{ "/var/lib/containers/storage/overlay/" LAYER "/merged", "overlay", true, "" },
	{ "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/rootfs", "overlay", true, ID },
	{ "/run/containerd/io.containerd.runtime.v2.task/default/web/rootfs", "overlay", true, "web" },
	{ "/var/lib/docker/rootfs/overlayfs/" ID, "overlay", true, ID },
	{ "/merged", "overlay", true, "" },
	{ "/", "overlay", false, "" },
	{ "/mnt", "overlay", false, "" },
	{ "/var/lib/docker/overlay2/" LAYER "/merged", "ext4", false, "" },
	{ "/run/x/rootfs", "tmpfs", false, "" },
};

static const char *const bad_lines[] = {
	"", "\n", "36", "36 35 98:0 / /mnt", "36 35 98:0 / /mnt rw", "36 35 98:0 / /mnt rw -",
	"36 35 98:0 / /mnt rw - ext4", "36 35 98:0 / /mnt rw - ext4 src", "x 35 98:0 / /mnt rw - ext4 s o",
};
/* clang-format on */

START_TEST(a_containers_root_is_recognised)
{
	char point[256];
	char type[32];
	struct mount mount = {.point = point, .type = type};
	char id[FIM_CONTAINER_ID_SIZE];

	snprintf(point, sizeof(point), "%s", mounts[_i].point);
	snprintf(type, sizeof(type), "%s", mounts[_i].type);
	ck_assert_msg(mount_is_container(&mount, id) == mounts[_i].is_container, "%s", point);
	ck_assert_str_eq(id, mounts[_i].id);
}
END_TEST

START_TEST(a_line_is_taken_apart)
{
	char line[] = "38 25 0:27 / /var/lib/a\\040b/merged rw,relatime shared:14 master:1 - "
		      "overlay overlay rw,lowerdir=/l\\134:x,upperdir=/u\n";
	struct mount mount;

	ck_assert_int_eq(mount_parse(line, &mount), 0);
	ck_assert_int_eq(mount.id, 38);
	ck_assert_str_eq(mount.point, "/var/lib/a b/merged");
	ck_assert_str_eq(mount.type, "overlay");
	ck_assert_str_eq(mount.options, "rw,lowerdir=/l\\:x,upperdir=/u");
	mount_clear(&mount);
}
END_TEST

START_TEST(a_line_without_optional_fields_is_taken_apart)
{
	char line[] = "1 0 0:1 / /merged rw - overlay none rw";
	struct mount mount;

	ck_assert_int_eq(mount_parse(line, &mount), 0);
	ck_assert_str_eq(mount.options, "rw");
	mount_clear(&mount);
}
END_TEST

START_TEST(a_broken_line_is_refused)
{
	char line[256];
	struct mount mount;

	snprintf(line, sizeof(line), "%s", bad_lines[_i]);
	ck_assert_int_eq(mount_parse(line, &mount), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mounts");
	TCase *tcase = tcase_create("mounts");

	tcase_add_loop_test(tcase, a_containers_root_is_recognised, 0,
			    sizeof(mounts) / sizeof(mounts[0]));
	tcase_add_test(tcase, a_line_is_taken_apart);
	tcase_add_test(tcase, a_line_without_optional_fields_is_taken_apart);
	tcase_add_loop_test(tcase, a_broken_line_is_refused, 0,
			    sizeof(bad_lines) / sizeof(bad_lines[0]));
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
