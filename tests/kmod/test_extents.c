// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contents that change without a write: blocks that two files exchange or share. Each
 * is a WRITE that says that something was modified.
 * Runs on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fimtest.h"

/* Private to ext4 and XFS. */
struct move_extent {
	uint32_t reserved;
	uint32_t donor_fd;
	uint64_t orig_start;
	uint64_t donor_start;
	uint64_t len;
	uint64_t moved_len;
};
#define EXT4_IOC_MOVE_EXT  _IOWR('f', 15, struct move_extent)
#define EXT4_IOC_SWAP_BOOT _IO('f', 17)

struct xfs_time {
	long sec;
	int32_t nsec;
};
struct xfs_swapext {
	int64_t version, fd_target, fd_tmp, offset, length;
	char pad[16];
	struct {
		uint64_t ino;
		uint16_t mode, nlink;
		uint32_t uid, gid, rdev;
		int32_t blksize;
		int64_t size;
		struct xfs_time atime, mtime, ctime;
		int64_t blocks;
		uint32_t xflags;
		int32_t extsize, extents;
		uint32_t gen;
		uint16_t projid_lo, forkoff, projid_hi, sick, checked;
		uint8_t pad[2];
		uint32_t cowextsize, dmevmask;
		uint16_t dmstate, aextents;
	} stat;
};
#define XFS_IOC_SWAPEXT _IOWR('X', 109, struct xfs_swapext)

#define BLOCK 4096

static const char *dir;
static struct events events;
static int device;

static int move_extent(int fd, int other)
{
	struct move_extent move = {.donor_fd = other, .len = 1};

	return ioctl(fd, EXT4_IOC_MOVE_EXT, &move);
}

static int swap_boot(int fd, int other)
{
	(void)other;
	return ioctl(fd, EXT4_IOC_SWAP_BOOT);
}

static int xfs_swap(int fd, int other)
{
	struct xfs_swapext swap = {.fd_target = fd, .fd_tmp = other};
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	swap.length = st.st_size;
	swap.stat.size = st.st_size;
	swap.stat.ino = st.st_ino;
	swap.stat.mtime = (struct xfs_time){st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
	swap.stat.ctime = (struct xfs_time){st.st_ctim.tv_sec, st.st_ctim.tv_nsec};
	return ioctl(fd, XFS_IOC_SWAPEXT, &swap);
}

static int share(int fd, int other)
{
	return ioctl(fd, FICLONE, other);
}

/* What is shared must be the same already: the file is not changed, and told as closed. */
static int dedupe(int fd, int other)
{
	struct file_dedupe_range *range = calloc(1, sizeof(*range) + sizeof(range->info[0]));

	range->src_length = BLOCK;
	range->dest_count = 1;
	range->info[0].dest_fd = fd;
	if (ioctl(other, FIDEDUPERANGE, range))
		return -1;
	errno = -range->info[0].status;
	return range->info[0].status < 0 ? -1 : 0;
}

struct way {
	const char *name;
	int (*act)(int fd, int other);
	bool same;
};

static int act(void *arg)
{
	const struct way *way = arg;
	int fd = open("w/file", O_RDWR), other = open("o/file", O_RDWR);

	if (way->act(fd, other))
		return technique_refused(0);
	return close(fd) || close(other);
}

static void fill(const char *path, int byte)
{
	char block[BLOCK];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	memset(block, byte, sizeof(block));
	if (write(fd, block, sizeof(block)) != sizeof(block) || fsync(fd) || close(fd))
		bail("%s: %s", path, strerror(errno));
}

static void check_way(const struct way *way)
{
	const struct event *e = NULL;
	unsigned int others = 0;
	int status;
	size_t i;

	fill("w/file", 'a');
	fill("o/file", way->same ? 'a' : 'b');
	drain(device, &events);
	events_clear(&events);
	status = in_child(act, (void *)way);
	drain_settled(device, &events);
	if (status == UNSUPPORTED) {
		skip("not on this file system", "%s", way->name);
		return;
	}
	for (i = 0; i < events.count; i++) {
		if (events.events[i].ev.op == FIM_OP_WRITE)
			e = &events.events[i];
		else
			others++;
	}
	if (!ok(!status && e && !others && count_ops(&events) == 1 &&
			(way->same || e->ev.flags & FIM_EV_MODIFIED) &&
			!strcmp(e->fs_path, fmt("%s/w/file", dir)) && !strcmp(e->exe, self_exe()) &&
			e->ev.actor.ppid == (uint32_t)getpid(),
		"%s", way->name)) {
		note("status %d", status);
		events_print(&events);
	}
}

int main(void)
{
	static const struct way ways[] = {
		{"EXT4_IOC_MOVE_EXT: blocks of another file", move_extent, false},
		{"EXT4_IOC_SWAP_BOOT: blocks of the boot loader's inode", swap_boot, false},
		{"XFS_IOC_SWAPEXT: blocks of another file", xfs_swap, false},
		{"FICLONE: blocks shared with another file", share, false},
		{"FIDEDUPERANGE: equal blocks shared with another file", dedupe, true},
	};
	size_t i;

	device = device_open();
	dir = workdir();
	if (mkdir("w", 0755) || mkdir("o", 0755))
		bail("mkdir: %s", strerror(errno));
	if (watch_add(device, "w") <= 0)
		bail("cannot watch");
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		check_way(&ways[i]);
	return done();
}
