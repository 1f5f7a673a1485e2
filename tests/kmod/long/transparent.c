// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is watched behaves as if it were not: the same random calls, good and
 * bad, give the same results, errors and files without the module and with it.
 *
 * transparent [MODULE [CALLS [SEED]]]: the module must not be loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../fimtest.h"

#define TRIES 5

static unsigned int seed;

static unsigned int pick(unsigned int n)
{
	return rand_r(&seed) % n;
}

/* A name that is there, or was, or cannot be; some are no memory at all. */
static const char *any_path(void)
{
	static char too_long[5000];
	static const char *const odd[] = {
		"",	    "w",	   "w/",	 "w/none/x",	    "w/f0/x", "w/loop",
		"w/loop/x", "w/dangling",  "readonly",	 "readonly/file",   "o/f0",   "o",
		"w/dir/..", "w/sticky/f0", "w/locked/x", "/proc/self/none", "w/fifo"};

	if (pick(3))
		return fmt("w/%sf%u", pick(3) ? "" : "dir/", pick(6));
	if (pick(3))
		return fmt("w/d%u", pick(3));
	switch (pick(12)) {
	case 0:
		return NULL;
	case 1:
		return (const char *)8;
	case 2:
		memset(too_long, 'n', 300);
		too_long[0] = 'w', too_long[1] = '/', too_long[300] = '\0';
		return too_long;
	case 3:
		memset(too_long, '/', sizeof(too_long) - 1);
		return too_long;
	}
	return odd[pick(ARRAY_SIZE(odd))];
}

static int any_flags(void)
{
	static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, 3};
	static const int more[] = {O_CREAT, O_EXCL, O_TRUNC,   O_APPEND, O_DIRECTORY, O_NOFOLLOW,
				   O_PATH,  O_SYNC, O_TMPFILE, O_DIRECT, O_NOATIME};
	int flags = access[pick(ARRAY_SIZE(access))] | O_NONBLOCK;

	while (pick(2))
		flags |= more[pick(ARRAY_SIZE(more))];
	return flags;
}

static long call_on_fd(int fd)
{
	static char bytes[8192] = "bytes";
	void *map;
	int attr = pick(2) ? FS_NODUMP_FL : 0, other;
	struct stat st;
	long result;

	switch (pick(14)) {
	case 0:
		return write(fd, pick(8) ? bytes : NULL, pick(sizeof(bytes)));
	case 1:
		return pwrite(fd, bytes, pick(100), (off_t)pick(10000) - 10);
	case 2:
		return read(fd, bytes, pick(100));
	case 3:
		return ftruncate(fd, (off_t)pick(10000) - 10);
	case 4:
		return fchmod(fd, pick(07777));
	case 5:
		return fchown(fd, pick(3), pick(3));
	case 6:
		return fallocate(fd, pick(4) ? 0 : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 pick(5000), pick(5000));
	case 7:
		return futimens(fd, NULL);
	case 8:
		return fsetxattr(fd, "trusted.t", bytes, pick(10), pick(3));
	case 9:
		/* Where data and holes are depends on when it was written back. */
		return lseek(fd, pick(100), pick(4) ? pick(3) : 9);
	case 10:
		return ioctl(fd, FS_IOC_SETFLAGS, &attr);
	case 11:
		return fsync(fd);
	case 12:
		/* It would wait for room in a pipe, whatever the pipe's flags say. */
		if (fstat(fd, &st) || S_ISFIFO(st.st_mode))
			return -1;
		other = open("o/f0", O_RDONLY);
		result = sendfile(fd, other, NULL, pick(10));
		close(other);
		return result;
	}
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, pick(2) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	return munmap(map, 4096);
}

/* One call, or several on one file; the sum of the results tells them apart. */
static long call(void)
{
	struct timespec times[2] = {{pick(1000), 0}, {pick(1000), pick(2) ? 0 : UTIME_OMIT}};
	long result;
	int fd;

	switch (pick(18)) {
	case 0:
		return rename(any_path(), any_path());
	case 1:
		return syscall(SYS_renameat2, AT_FDCWD, any_path(), AT_FDCWD, any_path(), pick(8));
	case 2:
		return link(any_path(), any_path());
	case 3:
		return symlink(any_path(), any_path());
	case 4:
		return unlink(any_path());
	case 5:
		return mkdir(any_path(), pick(01777) | 0700);
	case 6:
		return rmdir(any_path());
	case 7:
		return mknod(any_path(), (pick(2) ? S_IFIFO : S_IFREG) | 0600, 0);
	case 8:
		return chmod(any_path(), pick(07777));
	case 9:
		return lchown(any_path(), pick(3), pick(3));
	case 10:
		return truncate(any_path(), (off_t)pick(10000) - 10);
	case 11:
		return utimensat(AT_FDCWD, any_path(), times, pick(3) ? 0 : AT_SYMLINK_NOFOLLOW);
	case 12:
		return setxattr(any_path(), pick(2) ? "trusted.t" : "none.x", "1", pick(2),
				pick(3));
	case 13:
		return removexattr(any_path(), pick(2) ? "trusted.t" : "security.x");
	}
	fd = open(any_path(), any_flags(), pick(07777));
	if (fd < 0)
		return -1;
	result = 0;
	while (pick(4))
		result += call_on_fd(fd);
	return result + close(fd);
}

struct outcome {
	long result;
	int error;
};

static void make_tree(void)
{
	if (system("chmod 755 . && rm -rf w o && mkdir -p w/dir w/d0 w/d1 w/sticky w/locked o readonly &&"
		   "chmod 1777 w/sticky && chmod 700 w/locked && for i in 0 1 2; do"
		   "	echo $i >w/f$i; echo $i >w/dir/f$i; echo $i >o/f$i; done;"
		   "ln -s loop w/loop; ln -s none w/dangling; mkfifo w/fifo; echo x >w/sticky/f0"))
		bail("cannot make the tree");
	if (mount("tmpfs", "readonly", "tmpfs", 0, "") || system("echo x >readonly/file") ||
	    mount(NULL, "readonly", NULL, MS_REMOUNT | MS_RDONLY, NULL))
		bail("mount: %s", strerror(errno));
}

struct round {
	struct outcome *outcomes;
	int calls;
	unsigned int seed;
};

/* As root, as somebody, as root again: permission is an error like others. */
static int act_calls(void *arg)
{
	const struct round *round = arg;
	int i;

	/* No name leads out of here. */
	if (chroot(".") || chdir("/"))
		return 1;
	seed = round->seed;
	umask(022);
	for (i = 0; i < round->calls; i++) {
		if (i % 64 == 32 && (setegid(1) || seteuid(1)))
			return 1;
		if (i % 64 == 0 && (seteuid(0) || setegid(0)))
			return 1;
		errno = 0;
		round->outcomes[i].result = call();
		round->outcomes[i].error = round->outcomes[i].result < 0 ? errno : 0;
	}
	return 0;
}

/* Names, types, modes, owners, sizes, link counts, content. */
static void digest_tree(char *text, size_t size)
{
	FILE *pipe = popen(
		"find w o -type d -printf '%p %m %U %G %n\\n' -o -printf '%p %y %m %U %G %s %n %l\\n' |"
		"sort >tree.txt; find w o -type f | sort | xargs -r cat | cat tree.txt - | sha256sum",
		"r");

	if (!pipe || !fgets(text, size, pipe) || pclose(pipe))
		bail("cannot read the tree");
}

static void run(struct outcome *outcomes, int calls, unsigned int with_seed, char *digest)
{
	struct round round = {outcomes, calls, with_seed};

	make_tree();
	if (in_child(act_calls, &round))
		bail("the calls themselves ended early");
	digest_tree(digest, 100);
	umount("readonly");
}

static int differing(const struct outcome *one, const struct outcome *other, int calls)
{
	int i, count = 0;

	for (i = 0; i < calls; i++) {
		if (one[i].result == other[i].result && one[i].error == other[i].error)
			continue;
		if (++count <= 5)
			note("call %d: %ld (%s), then %ld (%s)", i, one[i].result,
			     strerror(one[i].error), other[i].result, strerror(other[i].error));
	}
	return count;
}

int main(int argc, char **argv)
{
	int calls = argc > 2 ? atoi(argv[2]) : 5000, fd, err, i, errors = 0, tries;
	unsigned int with_seed = argc > 3 ? atoi(argv[3]) : 1;
	struct outcome *before, *after;
	char module[4096], tree_before[100], tree_after[100];
	size_t size = calls * sizeof(*before);

	if (!realpath(argc > 1 ? argv[1] : "ecs_fim.ko", module))
		bail("%s: %s", argc > 1 ? argv[1] : "ecs_fim.ko", strerror(errno));
	workdir();
	before = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	after = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (before == MAP_FAILED || after == MAP_FAILED)
		bail("no memory");
	/* A file system does not always answer the same: when it writes back, say. */
	run(before, calls, with_seed, tree_before);
	for (tries = 0; tries < TRIES; tries++) {
		run(after, calls, with_seed, tree_after);
		if (!differing(before, after, calls) && !strcmp(tree_before, tree_after))
			break;
		memcpy(before, after, size);
		strcpy(tree_before, tree_after);
	}
	ok(tries < TRIES,
	   "%d calls give the same twice without the module, so they can be compared", calls);
	err = module_load(module, "");
	if (err)
		bail("%s: %s", module, strerror(-err));
	make_tree();
	umount("readonly");
	fd = device_open();
	/* run() makes the directory anew: watch the one above. */
	if (watch_add(fd, ".") <= 0)
		bail("cannot watch");
	for (tries = 0; tries < TRIES; tries++) {
		memset(after, 0, size);
		run(after, calls, with_seed, tree_after);
		if (!differing(before, after, calls) && !strcmp(tree_before, tree_after))
			break;
	}
	for (i = 0; i < calls; i++)
		errors += !!before[i].error;
	note("%d of %d calls fail", errors, calls);
	ok(errors > calls / 10 && errors < calls, "some of them fail, some do not");
	ok(tries < TRIES,
	   "armed, every call has the same result and error, and the files are the same");
	close(fd);
	for (i = 0; (err = module_unload()) == -EWOULDBLOCK && i < 100; i++)
		usleep(10000);
	ok(!err, "the module unloads");
	return done();
}
