// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes: mode, owner, times, extended attributes, ACLs, capabilities, size
 * by truncate; and that what clears set-id bits does not confuse them.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;

#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define CAPS	    "security.capability"

/* A version 2 ACL: user::rw- user:3:r-- group::r-- mask::r-- other::r-- */
static const unsigned char acl[] = {
	2, 0, 0,   0,	0x01, 0,    6,	  0, 255, 255, 255, 255, 0x02, 0,    4,
	0, 3, 0,   0,	0,    0x04, 0,	  4, 0,	  255, 255, 255, 255,  0x10, 0,
	4, 0, 255, 255, 255,  255,  0x20, 0, 4,	  0,   255, 255, 255,  255,
};

/* cap_net_raw=ep, version 2 */
static const unsigned char caps[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static int act_chmod(void)
{
	return chmod("w/file", 0600);
}

static int act_fchmod(void)
{
	int fd = open("w/file", O_RDONLY);

	return fchmod(fd, 04755) || close(fd);
}

static int act_chmod_dir(void)
{
	return chmod("w/dir", 0700);
}

static int act_chmod_root(void)
{
	return chmod("w", 0700);
}

static int act_chown(void)
{
	return chown("w/file", 7, 8);
}

static int act_chgrp(void)
{
	return chown("w/file", -1, 8);
}

static int act_lchown(void)
{
	return lchown("w/symlink", 7, 8);
}

static int act_chown_suid(void)
{
	return chown("w/suid", 7, 8);
}

static int act_chown_nothing(void)
{
	return chown("w/file", -1, -1);
}

static int act_utimes(void)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};

	return utimensat(AT_FDCWD, "w/file", times, 0);
}

static int act_utimes_now(void)
{
	return utimensat(AT_FDCWD, "w/file", NULL, 0);
}

static int act_utimes_mtime(void)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 2}};

	return utimensat(AT_FDCWD, "w/file", times, 0);
}

static int act_setxattr(void)
{
	return setxattr("w/file", "user.test", "1", 1, 0);
}

static int act_setxattr_dir(void)
{
	return setxattr("w/dir", "trusted.test", "1", 1, 0);
}

static int act_removexattr(void)
{
	return removexattr("w/xattr", "user.there");
}

static int act_long_xattr(void)
{
	char name[256] = "user.";

	memset(name + 5, 'n', 250);
	return setxattr("w/file", name, "1", 1, 0);
}

static int act_setcap(void)
{
	return setxattr("w/file", CAPS, caps, sizeof(caps), 0);
}

static int act_set_acl(void)
{
	return setxattr("w/file", ACL_ACCESS, acl, sizeof(acl), 0);
}

static int act_set_default_acl(void)
{
	return setxattr("w/dir", ACL_DEFAULT, acl, sizeof(acl), 0);
}

static int act_remove_acl(void)
{
	return removexattr("w/acl", ACL_ACCESS);
}

static int act_truncate(void)
{
	return truncate("w/file", 3);
}

static int act_truncate_grow(void)
{
	return truncate("w/file", 100);
}

static int act_ftruncate(void)
{
	int fd = open("w/file", O_WRONLY);

	return ftruncate(fd, 4) || close(fd);
}

static int act_truncate_while_open(void)
{
	int fd = open("w/file", O_WRONLY);

	return truncate("w/file", 3) || close(fd);
}

static int act_truncate_by_reader(void)
{
	return close(open("w/file", O_RDONLY | O_TRUNC));
}

static int act_truncate_suid(void)
{
	return setgid(9) || setuid(9) || truncate("w/suid", 1);
}

static int act_write_suid(void)
{
	int fd;

	if (setgid(9) || setuid(9))
		return 1;
	fd = open("w/suid", O_WRONLY);
	return write(fd, "x", 1) != 1 || close(fd);
}

#define OPENER	FIM_EV_ACTOR_OPENER
#define WRITTEN (FIM_EV_ACTOR_OPENER | FIM_EV_MODIFIED)
#define FOLLOWS FIM_EV_OPEN_FOR_WRITE

static const struct row {
	const char *name;
	int (*act)(void);
	struct expect {
		unsigned int op;
		const char *path;
		unsigned int flags;
		const char *xattr;
	} expect[4];
} rows[] = {
	/* clang-format off */
	{ "chmod is MODE", act_chmod, { { FIM_OP_MODE, "/file", 0, "" } } },
	{ "fchmod is MODE", act_fchmod, { { FIM_OP_MODE, "/file", 0, "" } } },
	{ "chmod of a directory", act_chmod_dir, { { FIM_OP_MODE, "/dir", FIM_EV_DIR, "" } } },
	{ "chmod of the watched directory", act_chmod_root, { { FIM_OP_MODE, "", FIM_EV_DIR, "" } } },
	{ "chown is OWNER", act_chown, { { FIM_OP_OWNER, "/file", 0, "" } } },
	{ "chown of the group is OWNER", act_chgrp, { { FIM_OP_OWNER, "/file", 0, "" } } },
	{ "lchown of a symlink", act_lchown, { { FIM_OP_OWNER, "/symlink", 0, "" } } },
	{ "chown that clears set-user-id is OWNER and MODE", act_chown_suid, {
		{ FIM_OP_OWNER, "/suid", 0, "" }, { FIM_OP_MODE, "/suid", 0, "" } } },
	{ "chown(-1, -1) is no event", act_chown_nothing, {} },
	{ "utimensat is TIMES", act_utimes, { { FIM_OP_TIMES, "/file", 0, "" } } },
	{ "utimensat(NULL) is TIMES", act_utimes_now, { { FIM_OP_TIMES, "/file", 0, "" } } },
	{ "utimensat of mtime only is TIMES", act_utimes_mtime, { { FIM_OP_TIMES, "/file", 0, "" } } },
	{ "setxattr is XATTR with its name", act_setxattr, {
		{ FIM_OP_XATTR, "/file", 0, "user.test" } } },
	{ "setxattr of a directory", act_setxattr_dir, {
		{ FIM_OP_XATTR, "/dir", FIM_EV_DIR, "trusted.test" } } },
	{ "removexattr is XATTR with its name", act_removexattr, {
		{ FIM_OP_XATTR, "/xattr", 0, "user.there" } } },
	{ "the longest name of an extended attribute", act_long_xattr, {
		{ FIM_OP_XATTR, "/file", 0, NULL } } },
	{ "file capabilities are XATTR", act_setcap, { { FIM_OP_XATTR, "/file", 0, CAPS } } },
	{ "setting an ACL is ACL", act_set_acl, { { FIM_OP_ACL, "/file", 0, ACL_ACCESS } } },
	{ "setting a default ACL is ACL", act_set_default_acl, {
		{ FIM_OP_ACL, "/dir", FIM_EV_DIR, ACL_DEFAULT } } },
	{ "removing an ACL is ACL", act_remove_acl, { { FIM_OP_ACL, "/acl", 0, ACL_ACCESS } } },
	{ "truncate(2)", act_truncate, { { FIM_OP_TRUNCATE, "/file", 0, "" } } },
	{ "truncate(2) that grows", act_truncate_grow, { { FIM_OP_TRUNCATE, "/file", 0, "" } } },
	{ "ftruncate has a WRITE to follow", act_ftruncate, {
		{ FIM_OP_TRUNCATE, "/file", FOLLOWS, "" }, { FIM_OP_WRITE, "/file", OPENER, "" } } },
	{ "truncate(2) of a file open for writing has a WRITE to follow", act_truncate_while_open, {
		{ FIM_OP_TRUNCATE, "/file", FOLLOWS, "" }, { FIM_OP_WRITE, "/file", OPENER, "" } } },
	{ "open(O_RDONLY | O_TRUNC) is TRUNCATE alone", act_truncate_by_reader, {
		{ FIM_OP_TRUNCATE, "/file", 0, "" } } },
	{ "truncate(2) that clears set-user-id is TRUNCATE and MODE", act_truncate_suid, {
		{ FIM_OP_TRUNCATE, "/suid", 0, "" }, { FIM_OP_MODE, "/suid", 0, "" } } },
	{ "a write that clears set-user-id is MODE, then WRITE", act_write_suid, {
		{ FIM_OP_MODE, "/suid", 0, "" }, { FIM_OP_WRITE, "/suid", WRITTEN, "" } } },
	/* clang-format on */
};

static void tree(void)
{
	if (system("rm -rf w && mkdir -p w/dir && chmod 755 . w"))
		bail("cannot make the tree");
	write_file("w/file", "0123456789");
	write_file("w/suid", "0123456789");
	write_file("w/xattr", "");
	write_file("w/acl", "");
	if (symlink("x", "w/symlink") || chown("w/suid", 5, 5) || chmod("w/suid", 06777) ||
	    setxattr("w/xattr", "user.there", "1", 1, 0) ||
	    setxattr("w/acl", ACL_ACCESS, acl, sizeof(acl), 0))
		bail("cannot make the tree: %s", strerror(errno));
}

static int call(void *arg)
{
	const struct row *row = arg;

	return row->act();
}

static bool is_expected(const struct event *e, const struct expect *x)
{
	const struct fim_event *ev = &e->ev;
	struct stat st;
	const char *path = fmt("%s/w%s", dir, x->path);

	if (lstat(path, &st))
		return false;
	return ev->op == x->op && ev->flags == x->flags && !strcmp(e->fs_path, path) &&
	       !strcmp(e->view_path, path) && (!x->xattr || !strcmp(e->xattr, x->xattr)) &&
	       (x->xattr || strlen(e->xattr) == 255) && ev->object.ino == st.st_ino &&
	       ev->dir.ino && ev->depth == (x->path[0] ? 1 : 0) &&
	       (ev->op == FIM_OP_TRUNCATE || ev->mode == st.st_mode) &&
	       ev->actor.ppid == (uint32_t)getpid() && !strcmp(e->exe, self_exe());
}

static void run_row(int fd, const struct row *row)
{
	bool good;
	size_t i, n;
	int id;

	tree();
	id = watch_add(fd, "w");
	if (id <= 0)
		bail("watch: %s", strerror(-id));
	drain(fd, &events);
	events_clear(&events);
	if (in_child(call, (void *)row))
		bail("%s: the operation itself failed", row->name);
	drain(fd, &events);
	for (n = 0; n < ARRAY_SIZE(row->expect) && row->expect[n].op; n++)
		;
	good = events.count == n;
	for (i = 0; good && i < n; i++)
		good = is_expected(&events.events[i], &row->expect[i]);
	if (!ok(good, "%s", row->name))
		events_print(&events);
	watch_del(fd, id);
}

int main(void)
{
	struct fim_info info;
	int fd = device_open();
	size_t i;

	info_get(fd, &info);
	ok(info.features & FIM_FEATURE_ATTR_HOOKS, "the attribute hooks are installed");
	dir = workdir();
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(fd, &rows[i]);
	return done();
}
