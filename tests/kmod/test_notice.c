// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fsnotify does not tell and hooks see: flags, mounts over what is watched,
 * the device under it, files lent to the kernel. And how much of a file system
 * is heard: directories that come in, hard links whose names are forgotten.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;
static int device;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

static void forget(void)
{
	drain(device, &events);
	events_clear(&events);
}

static int act_shell(void *arg)
{
	return system(arg) != 0;
}

/* A child does it; then everything that is to be told was told. */
static void act(int (*fn)(void *), const char *arg)
{
	int err;

	forget();
	err = in_child(fn, (void *)arg);
	if (err)
		bail("failed: %s (%d)", arg ? arg : "", err);
	drain_settled(device, &events);
}

static void run(const char *command)
{
	act(act_shell, command);
}

static int must_add(const char *path)
{
	int id = watch_add(device, path);

	if (id <= 0 && id != -EEXIST)
		bail("watch %s: %s", path, strerror(-id));
	return id;
}

static bool is_wide(void)
{
	struct fim_info info;

	info_get(device, &info);
	return info.wide;
}

static void tree(void)
{
	if (system("rm -rf w o && mkdir -p w/sub/deep o/dir/deep && echo 1 >w/file && echo 2 >w/sub/x &&"
		   "echo 3 >o/dir/file && echo 4 >o/dir/deep/file && echo 5 >o/file && ln w/file o/alias"))
		bail("cannot make the tree");
}

/* The only event, of this op, with these flags, at this path, by the child. */
static bool is_only(unsigned int op, unsigned int flags, const char *path)
{
	const struct event *e = &events.events[0];

	return events.count == 1 && e->rec.type == FIM_REC_EVENT && e->ev.op == op &&
	       (e->ev.flags & ~FIM_EV_DIR) == flags && e->ev.watch_id && e->exe[0] &&
	       e->ev.actor.tgid != (uint32_t)getpid() && !strcmp(e->fs_path, path);
}

/* What not every kernel can. */
static void check_act(int (*fn)(void *), unsigned int op, unsigned int flags, const char *path,
		      const char *name)
{
	int status;

	forget();
	status = in_child(fn, NULL);
	drain_settled(device, &events);
	if (status == UNSUPPORTED)
		skip("not in this kernel", "%s", name);
	else
		check(!status && is_only(op, flags, path), name);
}

static int act_setflags(void *arg)
{
	int fd = open("w/file", O_RDONLY), flags;

	(void)arg;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return 1;
	flags ^= FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) || close(fd);
}

static int act_fssetxattr(void *arg)
{
	struct fsxattr attr;
	int fd = open("w/sub", O_RDONLY);

	(void)arg;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr))
		return 1;
	attr.fsx_xflags ^= FS_XFLAG_NODUMP;
	return ioctl(fd, FS_IOC_FSSETXATTR, &attr) || close(fd);
}

static int act_setversion(void *arg)
{
	int fd = open("w/file", O_RDONLY), version = 4711;

	(void)arg;
	/* ext4 with checksums refuses, as xfs and tmpfs do */
	if (ioctl(fd, FS_IOC_SETVERSION, &version))
		return errno == ENOTTY || errno == EOPNOTSUPP ? UNSUPPORTED : 1;
	return close(fd);
}

/* Refused by the file system, and not its owner's business. */
static int act_setflags_failing(void *arg)
{
	int fd = open("w/file", O_RDONLY), flags = 1 << 30;

	(void)arg;
	return !ioctl(fd, FS_IOC_SETFLAGS, &flags) || close(fd);
}

#define TRIES 1200 /* more than may wait */

/* Each is refused after its hook, and is looked at for a second. */
static int act_flood(void *arg)
{
	int fd = open("w/file", O_RDONLY), i;

	(void)arg;
	for (i = 0; i < TRIES; i++)
		if (!ioctl(fd, FS_IOC_SETVERSION, NULL))
			return 1;
	return close(fd);
}

static void check_flood(void)
{
	struct fim_info before, after;
	uint64_t lost = 0, missed;
	size_t i;
	int id;

	tree();
	id = must_add("w");
	forget();
	info_get(device, &before);
	act(act_flood, NULL);
	info_get(device, &after);
	missed = after.later_missed - before.later_missed;
	for (i = 0; i < events.count; i++)
		if (events.events[i].rec.type == FIM_REC_OVERFLOW)
			lost += events.events[i].overflow.lost;
	check(missed && missed < TRIES && lost == missed && after.lost - before.lost == missed &&
		      after.seq - before.seq == lost,
	      "what could not be noted because too much waits is told as lost");
	usleep(1500000);
	act(act_setflags, NULL);
	check(events.count == 1 && find(&events, FIM_OP_FLAGS, 0), "then there is room again");
	act(act_setflags, NULL);
	watch_del(device, id);
}

static void check_flags(void)
{
	int id, status;

	tree();
	id = must_add("w");
	act(act_setflags, NULL);
	check(is_only(FIM_OP_FLAGS, FIM_EV_ALIAS, fmt("%s/w/file", dir)) ||
		      is_only(FIM_OP_FLAGS, 0, fmt("%s/w/file", dir)),
	      "chattr +i is told");
	act(act_setflags, NULL);
	check(events.count == 1 && find(&events, FIM_OP_FLAGS, 0), "chattr -i is told");
	act(act_fssetxattr, NULL);
	check(is_only(FIM_OP_FLAGS, 0, fmt("%s/w/sub", dir)), "FS_IOC_FSSETXATTR is told");
	forget();
	status = in_child(act_setversion, NULL);
	drain_settled(device, &events);
	if (status == UNSUPPORTED)
		skip("refused by the file system", "FS_IOC_SETVERSION is told");
	else
		check(!status && events.count == 1 && find(&events, FIM_OP_FLAGS, 0),
		      "FS_IOC_SETVERSION is told");
	act(act_setflags_failing, NULL);
	check(!events.count, "flags that the file system refuses are no event");
	watch_del(device, id);
}

static int act_verity(void *arg)
{
	struct fsverity_enable_arg enable = {
		.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096};
	int fd = open("o/dir/w/file", O_RDONLY);

	(void)arg;
	if (ioctl(fd, FS_IOC_ENABLE_VERITY, &enable))
		return technique_refused(0);
	return close(fd);
}

static int act_encrypt(void *arg)
{
	struct fscrypt_policy_v1 policy = {.version = FSCRYPT_POLICY_V1,
					   .contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
					   .filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS};
	int fd = open("o/dir/w/sub", O_RDONLY);

	(void)arg;
	if (ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy))
		return technique_refused(0);
	return close(fd);
}

/* On a file system of its own, which knows them. */
static void check_verity(void)
{
	int id;

	tree();
	if (system("truncate -s 8M o/img && mkfs.ext4 -q -b 4096 -O verity,encrypt o/img && "
		   "mount -o loop o/img o/dir")) {
		skip("no such file system", "fs-verity is enabled");
		skip("no such file system", "a directory is to be encrypted");
		return;
	}
	if (system("mkdir -p o/dir/w/sub && echo 1 >o/dir/w/file"))
		bail("cannot make a tree");
	id = must_add("o/dir/w");
	check_act(act_verity, FIM_OP_FLAGS, 0, "/w/file", "fs-verity is enabled");
	check_act(act_encrypt, FIM_OP_FLAGS, 0, "/w/sub", "a directory is to be encrypted");
	watch_del(device, id);
	if (system("umount o/dir"))
		bail("cannot unmount");
}

/* fspick(2): as mount(8) does it since util-linux 2.39. */
static int act_fspick(void *arg)
{
	int fs = fspick(AT_FDCWD, "o/dir", FSPICK_CLOEXEC);

	(void)arg;
	return fs < 0 || fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) ||
	       fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}

static int act_mount_setattr(void *arg)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOEXEC};
	int mnt = open_tree(AT_FDCWD, "o/dir", OPEN_TREE_CLOEXEC);

	(void)arg;
	if (mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		return technique_refused(ENOSYS);
	return close(mnt);
}

/* A file system of its own: what is done to the other's root is done to the guest's. */
static void check_remounts(void)
{
	int id;

	tree();
	if (system("mount -t tmpfs tmpfs o/dir && mkdir o/dir/w && echo 1 >o/dir/w/file"))
		bail("cannot make a file system");
	id = must_add("o/dir/w");
	run("mount -o remount,noatime o/dir");
	check(is_only(FIM_OP_REMOUNT, FIM_EV_ABOVE | FIM_EV_UNCONFIRMED, "/"),
	      "a file system gets new options");
	act(act_fspick, NULL);
	check(is_only(FIM_OP_REMOUNT, FIM_EV_ABOVE | FIM_EV_UNCONFIRMED, "/"),
	      "and by fsconfig(2)");
	check_act(act_mount_setattr, FIM_OP_REMOUNT, FIM_EV_ABOVE | FIM_EV_UNCONFIRMED, "/",
		  "its mount, by mount_setattr(2)");
	run("mount -t tmpfs tmpfs o/dir/w && mount -o remount,size=1M o/dir/w && umount o/dir/w");
	check(events.count == 2 && !find(&events, FIM_OP_REMOUNT, 0),
	      "what lies over it gets new options: nothing more");
	watch_del(device, id);
	if (system("umount o/dir"))
		bail("cannot unmount");
}

static void check_mounts(void)
{
	int id;

	tree();
	id = must_add("w");
	run("mount -t tmpfs tmpfs w/sub");
	check(is_only(FIM_OP_MOUNT, 0, fmt("%s/w/sub", dir)), "a mount over a directory is told");
	run("umount w/sub");
	check(is_only(FIM_OP_UMOUNT, 0, fmt("%s/w/sub", dir)), "and that it is lifted");
	run("mount --bind o/file w/sub/x");
	check(is_only(FIM_OP_MOUNT, 0, fmt("%s/w/sub/x", dir)), "a mount over a file is told");
	run("umount -l w/sub/x");
	check(is_only(FIM_OP_UMOUNT, 0, fmt("%s/w/sub/x", dir)), "and that it is lifted, lazily");
	run("mount -t tmpfs tmpfs w");
	check(is_only(FIM_OP_MOUNT, 0, fmt("%s/w", dir)), "a mount over the watched directory");
	run("umount w");
	check(is_only(FIM_OP_UMOUNT, 0, fmt("%s/w", dir)), "and that it is lifted");
	run(fmt("mount --bind %s %s && umount %s", dir, dir, dir));
	check(events.count == 2 && find(&events, FIM_OP_MOUNT, 0) &&
		      find(&events, FIM_OP_MOUNT, 0)->ev.flags & FIM_EV_ABOVE &&
		      find(&events, FIM_OP_UMOUNT, 0),
	      "a mount over a directory above it, and its end");
	run("mount --bind w w");
	run("mount -o remount,bind,ro w");
	check(find(&events, FIM_OP_REMOUNT, 0) != NULL, "a mount of it gets new options");
	run("umount w");
	run("! mount -t nonesuch none w/sub 2>/dev/null");
	check(!events.count, "a mount that fails is no event");
	run("mount -t tmpfs tmpfs o/dir && umount o/dir");
	check(!events.count, "a mount elsewhere is none");
	watch_del(device, id);
}

static int act_device(void *arg)
{
	struct stat st;
	int fd;

	(void)arg;
	if (stat(dir, &st) || mknod("o/node", S_IFBLK | 0600, st.st_dev))
		return 1;
	fd = open("o/node", O_RDONLY);
	if (fd < 0 || close(fd))
		return 2;
	fd = open("o/node", O_RDWR);
	/* 6.9: perhaps refused, because it is mounted */
	if (fd >= 0)
		close(fd);
	return unlink("o/node");
}

static void check_device(void)
{
	const struct event *e;
	struct stat st;
	int id;

	tree();
	if (stat(dir, &st) || !major(st.st_dev)) {
		skip("not on a block device", "the device under it");
		return;
	}
	id = must_add("w");
	act(act_device, NULL);
	e = find(&events, FIM_OP_DEVICE, 0);
	check(events.count == 1 && e &&
		      (e->ev.flags & ~FIM_EV_PATH_MISSING) == (FIM_EV_UNCONFIRMED | FIM_EV_ABOVE) &&
		      e->ev.watch_id == (uint32_t)id && !strcmp(e->exe, self_exe()),
	      "the device under it, opened for writing by a node of one's own");
	watch_del(device, id);
}

static int act_loop(void *arg)
{
	int fd = open("w/img", O_RDWR), control = open("/dev/loop-control", O_RDWR);
	int n = ioctl(control, LOOP_CTL_GET_FREE), loop;

	(void)arg;
	loop = open(fmt("/dev/loop%d", n), O_RDWR);
	return n < 0 || loop < 0 || ioctl(loop, LOOP_SET_FD, fd) || ioctl(loop, LOOP_CLR_FD, 0);
}

static int act_loop_configure(void *arg)
{
	struct loop_config config = {.fd = open("w/img", O_RDWR)};
	int control = open("/dev/loop-control", O_RDWR);
	int n = ioctl(control, LOOP_CTL_GET_FREE), loop;

	(void)arg;
	loop = open(fmt("/dev/loop%d", n), O_RDWR);
	return n < 0 || loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) ||
	       ioctl(loop, LOOP_CLR_FD, 0);
}

static int act_swap(void *arg)
{
	(void)arg;
	return swapon("w/img", 0) || swapoff("w/img");
}

static void check_lend(void)
{
	int id;

	tree();
	if (system("dd if=/dev/zero of=w/img bs=1M count=4 status=none && chmod 600 w/img && sync"))
		bail("cannot make an image");
	id = must_add("w");
	act(act_loop, NULL);
	check(find(&events, FIM_OP_LEND, 0) && find(&events, FIM_OP_WRITE, 0),
	      "a file that is given to a loop device");
	act(act_loop_configure, NULL);
	check(find(&events, FIM_OP_LEND, 0) && find(&events, FIM_OP_WRITE, 0),
	      "a file that is given to a loop device as it is configured");
	if (access("/sbin/mkswap", X_OK)) {
		skip("no mkswap", "a file that becomes swap");
	} else {
		run("mkswap w/img >/dev/null");
		act(act_swap, NULL);
		check(find(&events, FIM_OP_LEND, 0) != NULL, "a file that becomes swap");
	}
	watch_del(device, id);
}

static void check_strangers(void)
{
	int id;

	tree();
	id = must_add("w");
	ok(!is_wide(), "a watch that was walked does not hear the rest");
	run("mkdir -p w/new/er && echo x >w/new/er/file && chmod 600 w/new/er/file");
	check(find(&events, FIM_OP_MKDIR, 1) && find(&events, FIM_OP_CREATE, 0) &&
		      find(&events, FIM_OP_WRITE, 0) && find(&events, FIM_OP_MODE, 0),
	      "what is made in it is watched at once");
	ok(!is_wide(), "and nothing else is heard for it");
	run("mv o/dir w/came && echo x >>w/came/deep/file && chmod 600 w/came/file");
	check(find(&events, FIM_OP_RENAME, 0) && find(&events, FIM_OP_WRITE, 0) &&
		      find(&events, FIM_OP_MODE, 0),
	      "what comes in is watched at once, to the bottom");
	ok(is_wide(), "by hearing everything");
	ok(must_add("w") == -EEXIST && !is_wide(), "until the watch is added again");
	run("echo x >>w/came/deep/file; mv w/came/deep w/came/deep2; mv w/came o/");
	check(find(&events, FIM_OP_WRITE, 0) && find(&events, FIM_OP_RENAME, 1) &&
		      events.count == 3,
	      "then it is watched by marks of its own");
	run("echo x >>o/came/deep2/file; mkdir o/came/deep2/more");
	check(!events.count, "what went is not watched any more");
	run("mv o/came w/ && mkdir w/came/deep2/more/still");
	check(find(&events, FIM_OP_MKDIR, 0) != NULL, "and is again when it comes back");
	watch_del(device, id);
}

static void check_cold(void)
{
	const struct event *e;
	int id;

	tree();
	id = must_add("w");
	run("ln w/sub/x o/x");
	if (system("echo 2 >/proc/sys/vm/drop_caches"))
		bail("cannot drop the caches");
	run("echo more >>o/alias");
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 1 && e && e->ev.flags & FIM_EV_ALIAS &&
		      !strcmp(e->fs_path, fmt("%s/w/file", dir)) &&
		      !strcmp(e->view_path, fmt("%s/o/alias", dir)) &&
		      e->ev.watch_id == (uint32_t)id && e->ev.depth == 1,
	      "a hard link outside, made before the watch, its watched name forgotten");
	run("chmod 640 o/x");
	e = find(&events, FIM_OP_MODE, 0);
	check(events.count == 1 && e && !strcmp(e->fs_path, fmt("%s/w/sub/x", dir)),
	      "the same, made after the watch");
	run("ln o/file w/in && : && echo x >>o/file");
	check(events.count == 2 && find(&events, FIM_OP_LINK, 0) && find(&events, FIM_OP_WRITE, 0),
	      "a file that got a name inside, written by the other");
	watch_del(device, id);
}

static int act_write_alias(void *arg)
{
	int fd;

	(void)arg;
	if (link("w/file", "o/quick"))
		return 1;
	fd = open("o/quick", O_WRONLY | O_APPEND);
	return write(fd, "x", 1) != 1 || close(fd);
}

static void check_quick(void)
{
	const struct event *e;
	int id;

	tree();
	if (unlink("o/alias"))
		bail("unlink: %s", strerror(errno));
	id = must_add("w");
	act(act_write_alias, NULL);
	e = find(&events, FIM_OP_WRITE, 0);
	check(events.count == 2 && e && find(&events, FIM_OP_LINK, 0) &&
		      !strcmp(e->exe, self_exe()) && !strcmp(e->fs_path, fmt("%s/w/file", dir)),
	      "linked outside and written there at once");
	watch_del(device, id);
}

int main(void)
{
	device = device_open();
	dir = workdir();
	/* Mounts are ours: what the test does must not spread. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		bail("unshare: %s", strerror(errno));
	check_flags();
	check_flood();
	check_verity();
	check_mounts();
	check_remounts();
	check_device();
	check_lend();
	check_strangers();
	check_cold();
	check_quick();
	return done();
}
