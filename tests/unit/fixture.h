/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What unit tests share: a directory of their own, files in it, and the messages
 * that the library logged. Check runs every test in a process of its own, so that
 * static variables start afresh in each.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/lib/lib_private.h"

static char fixture_dir[PATH_MAX];
static char fixture_log[8192]; /* all messages, one per line */

static inline void fixture_logger(void *ctx, int priority, const char *message)
{
	size_t len = strlen(fixture_log);

	(void)ctx;
	(void)priority;
	snprintf(fixture_log + len, sizeof(fixture_log) - len, "%s\n", message);
}

/* How much slower this machine is said to be than one that a time was chosen for. */
static inline int fixture_slowness(void)
{
	const char *text = getenv("CK_TIMEOUT_MULTIPLIER");
	int factor = text ? atoi(text) : 1;

	return factor > 1 ? factor : 1;
}

static inline void fixture_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(fixture_dir, sizeof(fixture_dir), "%s/ecs-fim-test.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(fixture_dir));
	ck_assert_int_eq(chdir(fixture_dir), 0);
	umask(022);
	fixture_log[0] = '\0';
	fim_log_set(fixture_logger, NULL);
}

static inline void fixture_teardown(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", fixture_dir);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

static inline void put_bytes(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static inline void put_text(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static inline void put_dir(const char *path)
{
	ck_assert_msg(!mkdir(path, 0755), "%s: %s", path, strerror(errno));
}

/* A small system in root/. */
static inline void put_system(void)
{
	put_dir("root");
	put_dir("root/usr");
	put_dir("root/usr/bin");
	put_dir("root/etc");
	put_dir("root/etc/a");
	put_text("root/etc/a/x", "x");
	put_text("root/etc/a-b", "between");
	put_text("root/etc/passwd", "root:x:0:0\n");
	put_text("root/usr/bin/ls", "#!/bin/true\n");
	ck_assert_int_eq(symlink("ls", "root/usr/bin/dir"), 0);
}

static inline bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static inline void shell(const char *command)
{
	ck_assert_msg(!system(command), "failed: %s", command);
}

static inline void assert_logged(const char *text)
{
	ck_assert_msg(strstr(fixture_log, text) != NULL, "\"%s\" is not in the messages:\n%s", text,
		      fixture_log);
}

static inline int fixture_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif /* FIXTURE_H */
