/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own fanotify as a source of events, for when the module cannot be
 * loaded: the same records as the module's, made here.
 *
 * One group marks whole file systems (FAN_MARK_FILESYSTEM), so that the kernel keeps
 * no mark per directory and no directory is missed between its creation and a mark.
 * Every change on a marked file system arrives; fanotify_tree.c says which are ours.
 * A file system whose file handles cannot be opened (overlayfs) gets a second group that
 * tells of contents, with an open file for each; its names are then seen on the file
 * system that holds its upper directory, as a reason to look at the layer again.
 *
 * What this cannot see is in source_fanotify_blind; the daemon says so in its journal.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "fanotify.h"

#define REPORT_NAMES  (FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME)
#define REPORT_TARGET (REPORT_NAMES | FAN_REPORT_TARGET_FID)

#define NAME_MASK                                                                                \
	(FAN_CONTENTS | FAN_CREATE | FAN_DELETE | FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF | \
	 FAN_ONDIR)

#define READS_PER_CALL 16
#define READS_OF_QUEUE 256

const char source_fanotify_blind[] =
	"not seen at the time, but by the next comparison: what happened while the kernel's "
	"queue was full, hard links made or used outside of a watched directory, stores "
	"through a mapping before it ends, what is written through a descriptor that came with "
	"an event of fanotify's or, up to Linux 6.1, by an overlay to its upper directory, the "
	"names of containers' files "
	"(their layer is looked at instead); not known: who did it when the process has "
	"ended, which attribute changed, who opened a file that somebody else closed";

static ssize_t fan_read(struct source *source, void *buf, size_t size)
{
	struct fan *fan = source->ctx;
	uint64_t ticks;
	bool more = true;

	if (size < FIM_READ_MIN)
		return -EINVAL;
	for (int i = 0; i < READS_PER_CALL && more && !fan->len; i++) {
		more = fan_group_read(fan, fan->names_fd);
		if (fan->contents_fd >= 0)
			more |= fan_group_read(fan, fan->contents_fd);
	}
	if (read(fan->timer_fd, &ticks, sizeof(ticks)) == sizeof(ticks))
		fan_dirty_flush(fan, false);
	fan_check_unmounted(fan);
	fan_fs_close(fan);
	fan_actor_clear(&fan->actor);
	return fan_records_take(fan, buf, size);
}

static int group_mark(int group, int fd, uint64_t mask)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (own < 0)
		return -errno;
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, own, NULL) < 0)
		err = -errno;
	close(own);
	return err;
}

static uint64_t name_mask(const struct fan *fan)
{
	return NAME_MASK | (fan->has_target ? FAN_RENAME : FAN_MOVED_FROM | FAN_MOVED_TO);
}

/* What the upper directory tells is a reason to look at the whole layer. */
static int upper_add(struct fan *fan, const struct fan_watch *watch, const char *upper)
{
	struct fan_watch *pseudo = NULL;
	struct fan_dir *dir = NULL;
	char none[4096];
	int fd = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = fan_watch_new(fd, &pseudo, none);
	if (!err)
		err = group_mark(fan->names_fd, fd, name_mask(fan));
	if (!err)
		err = fan_dir_add(&fan->dirs, fd, NULL, NULL, &dir);
	close(fd);
	/* Of several watches on one overlay the first stands for all. */
	if (err || dir->watch) {
		fan_watch_free(pseudo);
		return err;
	}
	pseudo->id = watch->id;
	dir->watch = pseudo;
	pseudo->next = fan->uppers;
	fan->uppers = pseudo;
	return 0;
}

static int contents_add(struct fan *fan, int fd, struct source *source)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (fan->contents_fd < 0) {
		fan->contents_fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
							 (fan->has_pidfd ? FAN_REPORT_PIDFD : 0),
						 O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME);
		if (fan->contents_fd < 0)
			return -errno;
		if (epoll_ctl(source->fd, EPOLL_CTL_ADD, fan->contents_fd, &event) < 0)
			return -errno;
	}
	return group_mark(fan->contents_fd, fd, FAN_CONTENTS);
}

static int fan_watch_add(struct source *source, int dirfd, uint32_t *id_ret)
{
	struct fan *fan = source->ctx;
	struct fan_watch *watch = NULL;
	struct fan_dir *dir = NULL;
	char upper[4096] = "";
	int err = fan_watch_new(dirfd, &watch, upper);

	if (err)
		return err;
	for (struct fan_watch *other = fan->watches; other; other = other->next)
		if (other->dev == watch->dev && other->ino == watch->ino) {
			*id_ret = other->id;
			fan_watch_free(watch);
			return -EEXIST;
		}
	watch->id = fan->last_id + 1;
	/* The mark first: what is created while the tree is read is told, too. */
	err = group_mark(fan->names_fd, dirfd, name_mask(fan));
	if (!err) {
		watch->names = true;
		err = fan_dir_add(&fan->dirs, dirfd, NULL, NULL, &dir);
	} else if ((err == -EOPNOTSUPP || err == -ENODEV) && upper[0]) {
		err = contents_add(fan, dirfd, source);
		if (!err)
			err = upper_add(fan, watch, upper);
	}
	if (err) {
		fan_watch_free(watch);
		return err;
	}
	if (dir)
		dir->watch = watch;
	watch->next = fan->watches;
	fan->watches = watch;
	*id_ret = ++fan->last_id;
	fan_put_state(fan, FIM_STATE_WATCH_ADDED, watch->id, NULL);
	return 0;
}

static int fan_watch_del(struct source *source, uint32_t id)
{
	struct fan_told own = {.pid = getpid(), .pidfd = -1};
	struct fan *fan = source->ctx;

	/* Every event before the call is readable after it: more than a queue holds. */
	for (int i = 0; i < READS_OF_QUEUE && fan_group_read(fan, fan->names_fd); i++)
		;
	for (int i = 0; i < READS_OF_QUEUE && fan->contents_fd >= 0; i++)
		if (!fan_group_read(fan, fan->contents_fd))
			break;
	fan_dirty_flush(fan, true);
	fan_fs_close(fan);
	if (!fan_watch_take(fan, &fan->watches, id))
		return -ENOENT;
	fan_watch_take(fan, &fan->uppers, id);
	fan_put_state(fan, FIM_STATE_WATCH_REMOVED, id, &own);
	fan_actor_clear(&fan->actor);
	return 0;
}

static int fan_info(struct source *source, struct fim_info *info_ret)
{
	struct fan *fan = source->ctx;

	*info_ret = fan->info;
	info_ret->size = sizeof(*info_ret);
	info_ret->abi = FIM_ABI_VERSION;
	info_ret->ring_used = fan->len - fan->pos;
	for (struct fan_watch *watch = fan->watches; watch; watch = watch->next)
		info_ret->watches++;
	return 0;
}

static void watches_free(struct fan_watch *watch)
{
	while (watch) {
		struct fan_watch *next = watch->next;

		fan_watch_free(watch);
		watch = next;
	}
}

static void fan_close(struct source *source)
{
	struct fan *fan = source->ctx;
	int fds[] = {fan->names_fd, fan->contents_fd, fan->wake_fd,
		     fan->timer_fd, fan->mounts_fd,   source->fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	fan_fs_close(fan);
	fan_actor_clear(&fan->actor);
	map_exit(&fan->dirty, fan_dirty_free);
	fan_dirs_free(&fan->dirs);
	watches_free(fan->watches);
	watches_free(fan->uppers);
	free(fan->bytes);
	free(fan);
	source->ctx = NULL;
	source->fd = -1;
	source->ops = NULL;
}

static const struct source_ops fanotify_ops = {
	.kind = "fanotify",
	.loss = "the kernel's queue was full, or what it told could not be placed",
	.read = fan_read,
	.watch_add = fan_watch_add,
	.watch_del = fan_watch_del,
	.info = fan_info,
	.close = fan_close,
};

static int group_open(struct fan *fan)
{
	static const struct {
		unsigned int flags;
		bool target;
		bool pidfd;
	} tries[] = {
		{REPORT_TARGET | FAN_REPORT_PIDFD, true, true},
		{REPORT_NAMES | FAN_REPORT_PIDFD, false, true},
		{REPORT_NAMES, false, false},
	};
	int err = -EINVAL;

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]) && err == -EINVAL; i++) {
		fan->names_fd =
			fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | tries[i].flags,
				      O_RDONLY | O_CLOEXEC | O_LARGEFILE);
		err = fan->names_fd < 0 ? -errno : 0;
		fan->has_target = tries[i].target;
		fan->has_pidfd = tries[i].pidfd;
	}
	return err;
}

int source_fanotify_open(struct source *source_ret)
{
	struct source source = {.ops = &fanotify_ops, .fd = -1};
	struct fan *fan = calloc(1, sizeof(*fan));
	int err;

	if (!fan)
		return -ENOMEM;
	source.ctx = fan;
	fan->names_fd = fan->contents_fd = fan->wake_fd = fan->timer_fd = fan->mounts_fd =
		fan->fs_fd = -1;
	err = map_init(&fan->dirs);
	if (!err)
		err = map_init(&fan->dirty);
	if (!err)
		err = group_open(fan);
	if (err)
		goto err_close;
	fan->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fan->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	fan->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	source.fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < 3 && !err; i++) {
		struct epoll_event event = {.events = EPOLLIN};
		int fd = i == 0 ? fan->names_fd : i == 1 ? fan->wake_fd : fan->timer_fd;

		if (epoll_ctl(source.fd, EPOLL_CTL_ADD, fd, &event) < 0)
			err = -errno;
	}
	if (err)
		goto err_close;
	fan_put_session(fan);
	*source_ret = source;
	return 0;
err_close:
	fan_close(&source);
	return err;
}
