// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every operation on names and content: which events, of which object, where.
 * A child acts, because the reader's own accesses are not reported.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;

static int act_create(void)
{
	return close(open("w/new", O_WRONLY | O_CREAT | O_EXCL, 0640));
}

static int act_create_and_write(void)
{
	int fd = open("w/new", O_WRONLY | O_CREAT | O_EXCL, 0640);

	return write(fd, "12345", 5) != 5 || close(fd);
}

static int act_append(void)
{
	int fd = open("w/file", O_WRONLY | O_APPEND);

	return write(fd, "+", 1) != 1 || close(fd);
}

static int act_open_for_write(void)
{
	return close(open("w/file", O_RDWR));
}

static int act_read(void)
{
	char c;
	int fd = open("w/file", O_RDONLY);

	return read(fd, &c, 1) != 1 || close(fd);
}

static int act_open_dir(void)
{
	return close(open("w/dir", O_RDONLY | O_DIRECTORY));
}

static int act_overwrite(void)
{
	int fd = open("w/file", O_WRONLY | O_TRUNC);

	return write(fd, "ab", 2) != 2 || close(fd);
}

static int act_pwrite_twice(void)
{
	int fd = open("w/file", O_WRONLY);

	return pwrite(fd, "x", 1, 0) != 1 || pwrite(fd, "y", 1, 9) != 1 || close(fd);
}

static int act_sendfile(void)
{
	int in = open("other", O_RDONLY), out = open("w/file", O_WRONLY);

	return sendfile(out, in, NULL, 5) != 5 || close(in) || close(out);
}

static int act_copy_file_range(void)
{
	int in = open("other", O_RDONLY), out = open("w/file", O_WRONLY);

	return copy_file_range(in, NULL, out, NULL, 5, 0) != 5 || close(in) || close(out);
}

static int act_splice(void)
{
	int out = open("w/file", O_WRONLY), pipefd[2];

	return pipe(pipefd) || write(pipefd[1], "123", 3) != 3 ||
	       splice(pipefd[0], NULL, out, NULL, 3, 0) != 3 || close(out);
}

static int act_fallocate(void)
{
	int fd = open("w/file", O_WRONLY);

	return fallocate(fd, 0, 0, 4096) || close(fd);
}

static int act_mkdir(void)
{
	return mkdir("w/dir/sub", 0700);
}

static int act_rmdir(void)
{
	return rmdir("w/dir/empty");
}

static int act_symlink(void)
{
	return symlink("target", "w/dir/link");
}

static int act_mkfifo(void)
{
	return mkfifo("w/fifo", 0600);
}

static int act_mknod(void)
{
	return mknod("w/null", S_IFCHR | 0600, makedev(1, 3));
}

static int act_bind(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "w/socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return bind(fd, (void *)&addr, sizeof(addr)) || close(fd);
}

static int act_link(void)
{
	return link("w/file", "w/dir/link");
}

static int act_link_in(void)
{
	return link("other", "w/link");
}

static int act_unlink(void)
{
	return unlink("w/file");
}

static int act_unlink_symlink(void)
{
	return unlink("w/symlink");
}

static int act_unlink_one_of_two(void)
{
	return unlink("w/linked1");
}

static int act_unlink_open(void)
{
	int fd = open("w/file", O_WRONLY);

	return write(fd, "!", 1) != 1 || unlink("w/file") || close(fd);
}

static int act_tmpfile(void)
{
	int fd = open("w", O_WRONLY | O_TMPFILE, 0600);

	return write(fd, "tmp", 3) != 3 ||
	       linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "w/linked-in",
		      AT_SYMLINK_FOLLOW) ||
	       close(fd);
}

static int act_newline_name(void)
{
	return mkdir("w/a\nb\377", 0755);
}

static int act_deep(void)
{
	return mkdir("w/dir/2", 0755) || mkdir("w/dir/2/3", 0755) ||
	       close(open("w/dir/2/3/4", O_RDONLY | O_CREAT, 0600));
}

struct expect {
	unsigned int op;
	const char *path; /* below the watch */
	unsigned int depth;
	long long size;	   /* -1: whatever */
	unsigned int type; /* S_IF* */
	unsigned int nlink;
	unsigned int flags;
};

#define OPENER	FIM_EV_ACTOR_OPENER
#define WRITTEN (FIM_EV_ACTOR_OPENER | FIM_EV_MODIFIED)

static const struct row {
	const char *name;
	int (*act)(void);
	struct expect expect[4];
} rows[] = {
	/* clang-format off */
	{ "open(O_CREAT) is CREATE, its close WRITE", act_create, {
		{ FIM_OP_CREATE, "new", 1, 0, S_IFREG, 1, 0 },
		{ FIM_OP_WRITE, "new", 1, 0, S_IFREG, 1, OPENER } } },
	{ "a new file that is written to", act_create_and_write, {
		{ FIM_OP_CREATE, "new", 1, 0, S_IFREG, 1, 0 },
		{ FIM_OP_WRITE, "new", 1, 5, S_IFREG, 1, WRITTEN } } },
	{ "append", act_append, { { FIM_OP_WRITE, "file", 1, 11, S_IFREG, 1, WRITTEN } } },
	{ "open for writing without a write is WRITE, unmodified", act_open_for_write, {
		{ FIM_OP_WRITE, "file", 1, 10, S_IFREG, 1, OPENER } } },
	{ "reading is no event", act_read, {} },
	{ "opening a directory is no event", act_open_dir, {} },
	{ "open(O_TRUNC) is TRUNCATE with a WRITE to follow", act_overwrite, {
		{ FIM_OP_TRUNCATE, "file", 1, 0, S_IFREG, 1, FIM_EV_OPEN_FOR_WRITE },
		{ FIM_OP_WRITE, "file", 1, 2, S_IFREG, 1, WRITTEN } } },
	{ "several writes settle to one WRITE", act_pwrite_twice, {
		{ FIM_OP_WRITE, "file", 1, 10, S_IFREG, 1, WRITTEN } } },
	{ "sendfile", act_sendfile, { { FIM_OP_WRITE, "file", 1, 10, S_IFREG, 1, WRITTEN } } },
	{ "copy_file_range", act_copy_file_range, {
		{ FIM_OP_WRITE, "file", 1, 10, S_IFREG, 1, WRITTEN } } },
	{ "splice", act_splice, { { FIM_OP_WRITE, "file", 1, 10, S_IFREG, 1, WRITTEN } } },
	{ "fallocate", act_fallocate, { { FIM_OP_WRITE, "file", 1, 4096, S_IFREG, 1, WRITTEN } } },
	{ "mkdir", act_mkdir, { { FIM_OP_MKDIR, "dir/sub", 2, -1, S_IFDIR, 2, FIM_EV_DIR } } },
	{ "rmdir", act_rmdir, { { FIM_OP_RMDIR, "dir/empty", 2, -1, S_IFDIR, 0, FIM_EV_DIR } } },
	{ "symlink", act_symlink, { { FIM_OP_SYMLINK, "dir/link", 2, 6, S_IFLNK, 1, 0 } } },
	{ "mkfifo is MKNOD", act_mkfifo, { { FIM_OP_MKNOD, "fifo", 1, 0, S_IFIFO, 1, 0 } } },
	{ "mknod of a device", act_mknod, { { FIM_OP_MKNOD, "null", 1, 0, S_IFCHR, 1, 0 } } },
	{ "bind of a socket is MKNOD", act_bind, { { FIM_OP_MKNOD, "socket", 1, 0, S_IFSOCK, 1, 0 } } },
	{ "link", act_link, { { FIM_OP_LINK, "dir/link", 2, 10, S_IFREG, 2, 0 } } },
	{ "link from outside", act_link_in, { { FIM_OP_LINK, "link", 1, 6, S_IFREG, 2, 0 } } },
	{ "unlink", act_unlink, { { FIM_OP_DELETE, "file", 1, 10, S_IFREG, 0, 0 } } },
	{ "unlink of a symlink", act_unlink_symlink, {
		{ FIM_OP_DELETE, "symlink", 1, -1, S_IFLNK, 0, 0 } } },
	{ "unlink of one of two names", act_unlink_one_of_two, {
		{ FIM_OP_DELETE, "linked1", 1, 3, S_IFREG, 1, 0 } } },
	{ "a file that is unlinked while open still settles", act_unlink_open, {
		{ FIM_OP_DELETE, "file", 1, 10, S_IFREG, 0, 0 },
		{ FIM_OP_WRITE, "file", 1, 10, S_IFREG, 0, WRITTEN } } },
	{ "O_TMPFILE that gets a name is LINK", act_tmpfile, {
		{ FIM_OP_LINK, "linked-in", 1, 3, S_IFREG, 1, 0 },
		{ FIM_OP_WRITE, "linked-in", 1, 3, S_IFREG, 1, WRITTEN | FIM_EV_ALIAS } } },
	{ "any byte but / and NUL may be in a name", act_newline_name, {
		{ FIM_OP_MKDIR, "a\nb\377", 1, -1, S_IFDIR, 2, FIM_EV_DIR } } },
	{ "depth counts components below the watch", act_deep, {
		{ FIM_OP_MKDIR, "dir/2", 2, -1, S_IFDIR, 2, FIM_EV_DIR },
		{ FIM_OP_MKDIR, "dir/2/3", 3, -1, S_IFDIR, 2, FIM_EV_DIR },
		{ FIM_OP_CREATE, "dir/2/3/4", 4, 0, S_IFREG, 1, 0 } } },
	/* clang-format on */
};

/* The same tree for every row, made by the reader: it causes no events. */
static void tree(void)
{
	if (system("rm -rf w other && mkdir -p w/dir/empty"))
		bail("cannot make the tree");
	write_file("w/file", "0123456789");
	write_file("w/linked1", "two");
	write_file("other", "other\n");
	if (link("w/linked1", "w/linked2") || symlink("x", "w/symlink"))
		bail("link: %s", strerror(errno));
}

static int call(void *arg)
{
	int (*act)(void) = arg;

	return act();
}

/* On btrfs a directory has one link, whatever is in it. */
static unsigned int expected_nlink(const struct expect *x)
{
	struct statfs fs;

	if (x->type == S_IFDIR && x->nlink && !statfs(dir, &fs) && fs.f_type == BTRFS_SUPER_MAGIC)
		return 1;
	return x->nlink;
}

static bool is_expected(const struct event *e, const struct expect *x)
{
	const struct fim_event *ev = &e->ev;
	const char *path = fmt("%s/w/%s", dir, x->path);
	struct stat st;

	if (ev->op != x->op || ev->depth != x->depth || ev->flags != x->flags ||
	    (x->size >= 0 && ev->size != (uint64_t)x->size) || (ev->mode & S_IFMT) != x->type ||
	    ev->nlink != expected_nlink(x) || strcmp(e->fs_path, path) || ev->watch_id == 0 ||
	    ev->old_watch_id || ev->old_depth || ev->old_dir.ino)
		return false;
	if (!(ev->flags & FIM_EV_ALIAS) && strcmp(e->view_path, path))
		return false;
	if (!lstat(path, &st) &&
	    (ev->object.ino != st.st_ino || ev->object.dev != st.st_dev || ev->mode != st.st_mode))
		return false;
	if (!stat(fmt("%s/w/%s/..", dir, x->path), &st) && S_ISDIR(ev->mode) &&
	    ev->dir.ino != st.st_ino)
		return false;
	return ev->object.ino && ev->dir.ino && ev->dir.dev == ev->object.dev &&
	       (ev->object.fsid[0] || ev->object.fsid[1]);
}

static bool is_by_child(const struct event *e)
{
	const struct fim_actor *a = &e->ev.actor;
	struct stat st;

	return a->tgid != (uint32_t)getpid() && a->ppid == (uint32_t)getpid() &&
	       a->pid == a->tgid && a->vpid == a->tgid && a->uid == getuid() &&
	       a->euid == geteuid() && a->gid == getgid() && a->egid == getegid() &&
	       !strncmp((const char *)a->comm, "test_ops", 16) && !strcmp(e->exe, self_exe()) &&
	       !stat(self_exe(), &st) && a->exe_ino == st.st_ino && a->exe_dev == st.st_dev &&
	       !stat("/proc/self/ns/mnt", &st) && a->mnt_ns == st.st_ino &&
	       !stat("/proc/self/ns/pid", &st) && a->pid_ns == st.st_ino && a->start_ns &&
	       !strcmp(e->parent_comm, "test_ops") && HAS(e, FIM_ATTR_CGROUP) && a->cgroup_id;
}

/* A fresh tree, watched; nothing waits. */
static int watch_tree(int fd, struct events *events)
{
	int id;

	tree();
	id = watch_add(fd, "w");
	if (id <= 0)
		bail("watch: %s", strerror(-id));
	drain(fd, events);
	events_clear(events);
	return id;
}

static void run_row(int fd, const struct row *row)
{
	struct events events = {};
	bool good = true;
	size_t i, n;
	int id;

	id = watch_tree(fd, &events);
	if (in_child(call, row->act))
		bail("%s: the operation itself failed", row->name);
	drain(fd, &events);
	for (n = 0; n < ARRAY_SIZE(row->expect) && row->expect[n].op; n++)
		;
	good = events.count == n;
	for (i = 0; good && i < n; i++)
		good = is_expected(&events.events[i], &row->expect[i]) &&
		       is_by_child(&events.events[i]);
	if (!ok(good, "%s", row->name))
		events_print(&events);
	watch_del(fd, id);
}

static int act_everything(void *arg)
{
	(void)arg;
	return act_create_and_write() || act_mkdir() || act_unlink() || rename("w/new", "w/newer");
}

int main(void)
{
	struct events events = {};
	int fd = device_open();
	size_t i;

	dir = workdir();
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(fd, &rows[i]);
	watch_tree(fd, &events);
	if (act_everything(NULL))
		bail("the operations themselves failed");
	drain(fd, &events);
	if (!ok(!events.count, "what the reader does itself is not reported"))
		events_print(&events);
	return done();
}
