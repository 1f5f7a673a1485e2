/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as root: owners, devices, trusted attributes and flags need it. */
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "fixture.h"

static struct fim_hasher *hasher;
static int root_fd;

static void setup(void)
{
	fixture_setup();
	hasher = fim_hasher_new();
	root_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root_fd, 0);
}

static void teardown(void)
{
	close(root_fd);
	fim_hasher_free(hasher);
	fixture_teardown();
}

static struct fim_state measure(const char *path)
{
	struct fim_state state = {0};
	int err = fim_measure_at(root_fd, path, 0, hasher, &state);

	ck_assert_msg(!err, "%s: %s", path, strerror(-err));
	return state;
}

static void assert_digest(const struct fim_state *state, const char *content)
{
	unsigned char digest[FIM_SHA256_SIZE];

	ck_assert_int_eq(fim_sha256(content, strlen(content), digest), 0);
	ck_assert(state->has_digest);
	ck_assert_mem_eq(state->sha256, digest, sizeof(digest));
}

static void assert_type(const char *path, enum fim_type type)
{
	struct fim_state state = measure(path);

	ck_assert_str_eq(fim_type_name(state.type), fim_type_name(type));
	fim_state_clear(&state);
}

START_TEST(an_empty_file_has_the_digest_of_nothing)
{
	struct fim_state state;

	put_text("empty", "");
	state = measure("empty");
	ck_assert_int_eq(state.type, FIM_TYPE_FILE);
	ck_assert_uint_eq(state.size, 0);
	assert_digest(&state, "");
	fim_state_clear(&state);
}
END_TEST

START_TEST(what_is_not_there_is_none)
{
	put_text("file", "x");
	assert_type("missing", FIM_TYPE_NONE);
	assert_type("missing/below", FIM_TYPE_NONE);
	assert_type("file/below", FIM_TYPE_NONE);
}
END_TEST

START_TEST(a_file_is_measured_whole)
{
	struct fim_state state;
	struct stat st;

	put_text("file", "content");
	ck_assert_int_eq(chmod("file", 04711), 0);
	ck_assert_int_eq(chown("file", 1234, 5678), 0);
	ck_assert_int_eq(chmod("file", 04711), 0);
	ck_assert_int_eq(link("file", "second"), 0);
	ck_assert_int_eq(stat("file", &st), 0);
	state = measure("file");
	ck_assert_int_eq(state.type, FIM_TYPE_FILE);
	ck_assert_uint_eq(state.mode, 04711);
	ck_assert_uint_eq(state.uid, 1234);
	ck_assert_uint_eq(state.gid, 5678);
	ck_assert_uint_eq(state.size, 7);
	ck_assert_uint_eq(state.nlink, 2);
	ck_assert_uint_eq(state.ino, st.st_ino);
	ck_assert_uint_eq(state.dev, st.st_dev);
	ck_assert_int_eq(state.mtime_ns, st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
	assert_digest(&state, "content");
	fim_state_clear(&state);
}
END_TEST

START_TEST(the_directory_itself_is_measured_by_an_empty_path)
{
	struct fim_state state = measure(""), dot = measure(".");

	ck_assert_int_eq(state.type, FIM_TYPE_DIR);
	ck_assert_uint_eq(state.size, 0);
	ck_assert_uint_eq(state.nlink, 0);
	ck_assert_uint_eq(state.ino, dot.ino);
	fim_state_clear(&state);
	fim_state_clear(&dot);
}
END_TEST

START_TEST(content_is_left_alone_when_told)
{
	struct fim_state state = {0};

	put_text("file", "content");
	ck_assert_int_eq(fim_measure_at(root_fd, "file", FIM_MEASURE_NO_DIGEST, hasher, &state), 0);
	ck_assert_uint_eq(state.size, 7);
	ck_assert(!state.has_digest);
	fim_state_clear(&state);
}
END_TEST

START_TEST(a_symlink_is_an_object_of_its_own)
{
	struct fim_state state;

	put_text("file", "content");
	ck_assert_int_eq(symlink("file", "link"), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "absolute"), 0);
	ck_assert_int_eq(symlink("nowhere\n\xff", "dangling"), 0);
	state = measure("link");
	ck_assert_int_eq(state.type, FIM_TYPE_SYMLINK);
	ck_assert_str_eq(state.target, "file");
	ck_assert_uint_eq(state.size, 4);
	ck_assert_uint_eq(state.nlink, 0);
	fim_state_clear(&state);
	state = measure("dangling");
	ck_assert_str_eq(state.target, "nowhere\n\xff");
	fim_state_clear(&state);
	assert_type("absolute", FIM_TYPE_SYMLINK);
}
END_TEST

START_TEST(no_symlink_on_the_way_is_followed)
{
	put_dir("dir");
	put_text("dir/file", "content");
	ck_assert_int_eq(symlink("dir", "link"), 0);
	ck_assert_int_eq(symlink("/proc/self/root", "magic"), 0);
	assert_type("dir/file", FIM_TYPE_FILE);
	assert_type("link/file", FIM_TYPE_NONE);
	assert_type("magic/etc", FIM_TYPE_NONE);
}
END_TEST

START_TEST(nothing_outside_the_directory_can_be_named)
{
	struct fim_state state = {0};

	ck_assert_int_eq(fim_measure_at(root_fd, "..", 0, hasher, &state), -EXDEV);
	ck_assert_int_eq(fim_measure_at(root_fd, "/etc/passwd", 0, hasher, &state), -EXDEV);
	ck_assert_int_eq(state.type, FIM_TYPE_NONE);
}
END_TEST

START_TEST(a_fifo_does_not_block_and_no_device_is_opened)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct fim_state state;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(mknod("char", S_IFCHR | 0600, makedev(11, 22)), 0);
	ck_assert_int_eq(mknod("block", S_IFBLK | 0600, makedev(33, 44)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_type("fifo", FIM_TYPE_FIFO);
	assert_type("socket", FIM_TYPE_SOCKET);
	state = measure("char"); /* no such driver: opening it would fail */
	ck_assert_int_eq(state.type, FIM_TYPE_CHAR);
	ck_assert_uint_eq(state.rdev_major, 11);
	ck_assert_uint_eq(state.rdev_minor, 22);
	ck_assert_uint_eq(state.size, 0);
	state = measure("block");
	ck_assert_int_eq(state.type, FIM_TYPE_BLOCK);
	ck_assert_uint_eq(state.rdev_minor, 44);
	close(fd);
}
END_TEST

START_TEST(any_name_that_the_kernel_takes_is_measured)
{
	char longest[256];
	const char *const names[] = {"new\nline", "\xff\xfe", "back\\slash", " ", "-rf", longest};
	struct fim_state state;
	size_t i;

	memset(longest, 'n', 255);
	longest[255] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		put_text(names[i], names[i]);
		state = measure(names[i]);
		assert_digest(&state, names[i]);
		fim_state_clear(&state);
	}
	strcpy(longest + 250, "/x");
	assert_type(longest, FIM_TYPE_NONE);
}
END_TEST

START_TEST(xattrs_are_read_sorted_from_every_type)
{
	const char *const paths[] = {"file", "dir", "link", "fifo"};
	unsigned char big[2000];
	struct fim_state state;
	size_t i;

	memset(big, 7, sizeof(big));
	put_text("file", "");
	put_dir("dir");
	ck_assert_int_eq(symlink("file", "link"), 0);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(lsetxattr(paths[i], "trusted.z", "zz", 2, 0), 0);
		ck_assert_int_eq(lsetxattr(paths[i], "trusted.a", "", 0, 0), 0);
		ck_assert_int_eq(lsetxattr(paths[i], "trusted.m", big, sizeof(big), 0), 0);
		state = measure(paths[i]);
		ck_assert_uint_eq(state.xattr_count, 3);
		ck_assert_str_eq(state.xattrs[0].name, "trusted.a");
		ck_assert_uint_eq(state.xattrs[0].len, 0);
		ck_assert_str_eq(state.xattrs[1].name, "trusted.m");
		ck_assert_uint_eq(state.xattrs[1].len, sizeof(big));
		ck_assert_mem_eq(state.xattrs[1].value, big, sizeof(big));
		ck_assert_mem_eq(state.xattrs[2].value, "zz", 2);
		fim_state_clear(&state);
	}
}
END_TEST

START_TEST(capabilities_are_seen)
{
	/* cap_net_raw+ep, as setcap(8) writes it: struct vfs_cap_data, revision 2 */
	static const unsigned char value[20] = {1, 0, 0, 2, 0, 0x20};
	struct fim_state state;

	put_text("file", "");
	ck_assert_int_eq(setxattr("file", "security.capability", value, sizeof(value), 0), 0);
	state = measure("file");
	ck_assert_uint_eq(state.xattr_count, 1);
	ck_assert_str_eq(state.xattrs[0].name, "security.capability");
	ck_assert_mem_eq(state.xattrs[0].value, value, sizeof(value));
	fim_state_clear(&state);
}
END_TEST

START_TEST(immutable_and_append_only_are_seen)
{
	struct fim_state state;
	int fd, flags;

	put_text("file", "");
	fd = open("file", O_RDONLY | O_CLOEXEC);
	flags = FS_IMMUTABLE_FL | FS_APPEND_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags)) {
		close(fd);
		return; /* not on this file system */
	}
	state = measure("file");
	flags = 0;
	ck_assert_int_eq(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	close(fd);
	ck_assert(state.immutable);
	ck_assert(state.append_only);
	fim_state_clear(&state);
}
END_TEST

START_TEST(reading_leaves_the_access_time_alone)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	struct fim_state state;
	struct stat st;

	put_text("file", "content");
	ck_assert_int_eq(utimensat(AT_FDCWD, "file", times, 0), 0);
	state = measure("file");
	ck_assert_int_eq(stat("file", &st), 0);
	ck_assert_int_eq(st.st_atim.tv_sec, 1000);
	fim_state_clear(&state);
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_an_error_not_nothing)
{
	struct fim_state state = {0};

	put_text("secret", "content");
	put_dir("dir");
	put_text("dir/file", "content");
	ck_assert_int_eq(chmod("secret", 0), 0);
	ck_assert_int_eq(chmod("dir", 0), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(fim_measure_at(root_fd, "secret", 0, hasher, &state), -EACCES);
	ck_assert_int_eq(fim_measure_at(root_fd, "dir/file", 0, hasher, &state), -EACCES);
	ck_assert_int_eq(state.type, FIM_TYPE_NONE);
	/* Owned by somebody else: O_NOATIME is not allowed, reading is. */
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod("secret", 0644), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	state = measure("secret");
	assert_digest(&state, "content");
	ck_assert_int_eq(seteuid(0), 0);
	fim_state_clear(&state);
}
END_TEST

/* ---- somebody works against us meanwhile */

static atomic_bool stop;

static void *grow(void *arg)
{
	int fd = open("file", O_WRONLY | O_APPEND | O_CLOEXEC);

	(void)arg;
	while (!atomic_load(&stop))
		if (write(fd, "x", 1) != 1)
			break;
	close(fd);
	return NULL;
}

static void *replace(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		put_text("new", "short");
		rename("new", "file");
		usleep((useconds_t)(random() % 30000)); /* around a tick */
		unlink("file");
	}
	return NULL;
}

static void *swap_with_symlink(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		syscall(SYS_renameat2, AT_FDCWD, "dir", AT_FDCWD, "evil", RENAME_EXCHANGE);
	}
	return NULL;
}

static void *swap_with_fifo(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "fifo", RENAME_EXCHANGE);
	return NULL;
}

static pthread_t against(void *(*fn)(void *))
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, fn, NULL), 0);
	return thread;
}

START_TEST(a_file_that_grows_while_hashed_is_never_given_a_digest)
{
	struct fim_state state = {0};
	pthread_t thread;
	struct stat st;

	put_text("file", "");
	ck_assert_int_eq(truncate("file", 8 << 20), 0);
	thread = against(grow);
	do
		stat("file", &st);
	while (st.st_size == 8 << 20);
	ck_assert_int_eq(fim_measure_at(root_fd, "file", 0, hasher, &state), -EAGAIN);
	ck_assert_int_eq(state.type, FIM_TYPE_NONE);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	state = measure("file");
	ck_assert(state.has_digest);
	fim_state_clear(&state);
}
END_TEST

START_TEST(what_just_changed_is_refused_or_read_at_once)
{
	const struct timespec tick = {.tv_nsec = 20000000};
	int64_t end_ns = fim_time_now() + 5000000000;
	struct fim_state state = {0};
	int err = 0;

	/* Whoever is not let run for a tick in between sees a file at rest. */
	while (err != -EBUSY && fim_time_now() < end_ns) {
		fim_state_clear(&state);
		put_text("file", "x");
		err = fim_measure_at(root_fd, "file", FIM_MEASURE_REFUSE_FRESH, hasher, &state);
	}
	ck_assert_int_eq(err, -EBUSY);
	ck_assert_int_eq(state.type, FIM_TYPE_NONE);
	err = fim_measure_at(root_fd, "file", FIM_MEASURE_HASTY, hasher, &state);
	ck_assert_int_eq(err, 0);
	ck_assert(state.has_digest);
	fim_state_clear(&state);
	nanosleep(&tick, NULL);
	err = fim_measure_at(root_fd, "file", FIM_MEASURE_REFUSE_FRESH, hasher, &state);
	ck_assert_int_eq(err, 0);
	fim_state_clear(&state);
}
END_TEST

START_TEST(a_vanishing_file_is_there_whole_or_not_at_all)
{
	int64_t end_ns = fim_time_now() + 500000000;
	pthread_t thread = against(replace);
	struct fim_state state;
	int err, seen = 0;

	while (fim_time_now() < end_ns) {
		memset(&state, 0, sizeof(state));
		err = fim_measure_at(root_fd, "file", 0, hasher, &state);
		if (err == -EAGAIN)
			continue; /* replaced three times in a row: honest */
		ck_assert_int_eq(err, 0);
		if (state.type == FIM_TYPE_NONE)
			continue;
		assert_digest(&state, "short");
		seen++;
		fim_state_clear(&state);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	ck_assert_int_gt(seen, 0);
}
END_TEST

START_TEST(a_directory_swapped_for_a_symlink_leads_nowhere)
{
	struct fim_state state;
	pthread_t thread;
	int i, err;

	put_dir("dir");
	put_dir("target");
	put_text("dir/file", "ours");
	put_text("target/file", "theirs");
	ck_assert_int_eq(symlink("target", "evil"), 0);
	thread = against(swap_with_symlink);
	for (i = 0; i < 3000; i++) {
		memset(&state, 0, sizeof(state));
		err = fim_measure_at(root_fd, "dir/file", 0, hasher, &state);
		ck_assert_msg(!err, "%s", strerror(-err));
		if (state.type != FIM_TYPE_NONE)
			assert_digest(&state, "ours");
		fim_state_clear(&state);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_file_swapped_for_a_fifo_never_blocks)
{
	int64_t end_ns = fim_time_now() + 400000000;
	struct fim_state state;
	pthread_t thread;
	int err;

	put_text("file", "ours");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	thread = against(swap_with_fifo);
	while (fim_time_now() < end_ns) {
		memset(&state, 0, sizeof(state));
		/* Being renamed changes its ctime: -EAGAIN is the honest answer. */
		err = fim_measure_at(root_fd, "file", 0, hasher, &state);
		ck_assert(!err || err == -EAGAIN);
		if (state.type == FIM_TYPE_FILE)
			assert_digest(&state, "ours");
		fim_state_clear(&state);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}
END_TEST

/* ---- an old kernel, or a container whose filter does not know openat2 */

static void refuse_openat2(int with)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)with),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(without_openat2_the_same_holds)
{
	static const int answers[] = {ENOSYS, EPERM};
	struct fim_state state = {0};
	char longest[300];

	put_dir("dir");
	put_dir("dir/sub");
	put_text("dir/sub/file", "content");
	ck_assert_int_eq(symlink("dir", "link"), 0);
	memset(longest, 'n', sizeof(longest) - 1);
	longest[299] = '\0';
	refuse_openat2(answers[_i]);
	state = measure("dir/sub/file");
	assert_digest(&state, "content");
	fim_state_clear(&state);
	assert_type("", FIM_TYPE_DIR);
	assert_type(".", FIM_TYPE_DIR);
	assert_type("link", FIM_TYPE_SYMLINK);
	assert_type("link/sub", FIM_TYPE_NONE);
	assert_type("dir/missing/file", FIM_TYPE_NONE);
	assert_type("dir/sub/file/x", FIM_TYPE_NONE);
	ck_assert_int_eq(fim_measure_at(root_fd, "dir/../../x", 0, hasher, &state), -EXDEV);
	ck_assert_int_eq(fim_measure_at(root_fd, "/etc", 0, hasher, &state), -EXDEV);
	ck_assert_int_eq(fim_measure_at(root_fd, longest, 0, hasher, &state), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("measure");
	TCase *tcase = tcase_create("measure");

	tcase_set_timeout(tcase, 20);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_empty_file_has_the_digest_of_nothing);
	tcase_add_test(tcase, what_is_not_there_is_none);
	tcase_add_test(tcase, a_file_is_measured_whole);
	tcase_add_test(tcase, the_directory_itself_is_measured_by_an_empty_path);
	tcase_add_test(tcase, content_is_left_alone_when_told);
	tcase_add_test(tcase, a_symlink_is_an_object_of_its_own);
	tcase_add_test(tcase, no_symlink_on_the_way_is_followed);
	tcase_add_test(tcase, nothing_outside_the_directory_can_be_named);
	tcase_add_test(tcase, a_fifo_does_not_block_and_no_device_is_opened);
	tcase_add_test(tcase, any_name_that_the_kernel_takes_is_measured);
	tcase_add_test(tcase, xattrs_are_read_sorted_from_every_type);
	tcase_add_test(tcase, capabilities_are_seen);
	tcase_add_test(tcase, immutable_and_append_only_are_seen);
	tcase_add_test(tcase, reading_leaves_the_access_time_alone);
	tcase_add_test(tcase, a_file_that_may_not_be_read_is_an_error_not_nothing);
	tcase_add_test(tcase, a_file_that_grows_while_hashed_is_never_given_a_digest);
	tcase_add_test(tcase, what_just_changed_is_refused_or_read_at_once);
	tcase_add_test(tcase, a_vanishing_file_is_there_whole_or_not_at_all);
	tcase_add_test(tcase, a_directory_swapped_for_a_symlink_leads_nowhere);
	tcase_add_test(tcase, a_file_swapped_for_a_fifo_never_blocks);
	tcase_add_loop_test(tcase, without_openat2_the_same_holds, 0, 2);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
