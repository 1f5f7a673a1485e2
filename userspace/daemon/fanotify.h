/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the fanotify source, and by nobody else.
 *
 *	source_fanotify.c	the groups and their marks; the source's operations
 *	fanotify_read.c		the kernel's bytes, taken apart
 *	fanotify_change.c	what an event says has changed
 *	fanotify_place.c	from a handle to the place and the object's attributes
 *	fanotify_dirty.c	files written to and not closed yet
 *	fanotify_record.c	the records that the daemon reads
 *	fanotify_watch.c	the list of watches
 *	fanotify_tree.c		which directories are watched: handle → directory → path
 *	fanotify_actor.c	who did it, as far as /proc still knows
 */
#ifndef FANOTIFY_H
#define FANOTIFY_H

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

#include "daemon.h"

/* Newer than Amazon Linux 2's headers; the kernel says whether it knows them. */
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD	  0x00000080
#define FAN_EVENT_INFO_TYPE_PIDFD 4
#endif
#ifndef FAN_RENAME
#define FAN_RENAME			  0x10000000
#define FAN_REPORT_TARGET_FID		  0x00001000
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME 10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME 12
#endif
#define FAN_CONTENTS	(FAN_MODIFY | FAN_CLOSE_WRITE)
#define FAN_BUFFER_SIZE (64u << 10)

/* ------------------------------------------------------- fanotify_tree.c */

/* fsid, type and bytes of a handle as hex. */
#define FAN_KEY_SIZE ((8 + 4 + MAX_HANDLE_SZ) * 2 + 1)
void fan_key(const void *fsid, const struct file_handle *handle, char key_ret[FAN_KEY_SIZE]);

struct fan_watch {
	struct fan_watch *next;
	uint32_t id;
	uint64_t dev;
	uint64_t ino;
	uint32_t fsid[2];
	char *dir;	   /* as this process reaches it */
	char *fs_path;	   /* from the root of its file system, "" for the root itself */
	uint64_t root_ino; /* of the file system's root, 0 if it is not mounted here */
	bool moved;	   /* said already */
	bool names;	   /* its names are seen; false: contents only (an overlay) */
};

/* A directory in or below a watch. */
struct fan_dir {
	struct map_node node;	/* fan_key() */
	struct fan_dir *parent; /* NULL: only for a watched one */
	struct fan_dir *children;
	struct fan_dir *sibling;
	char *name;
	struct fan_watch *watch; /* set if it is a watched one */
};

/* Enter a directory and all below it. @parent, @name: NULL for a watched one. */
int fan_dir_add(struct map *dirs, int fd, struct fan_dir *parent, const char *name,
		struct fan_dir **dir_ret);
/* Enter one that is known by its handle only; nothing below it. */
int fan_dir_enter(struct map *dirs, const char *key, struct fan_dir *parent, const char *name,
		  struct fan_dir **dir_ret);
/* Forget it and what is below, but for what is watched itself. */
void fan_dir_forget(struct map *dirs, struct fan_dir *dir);
int fan_dir_move(struct fan_dir *dir, struct fan_dir *parent, const char *name);
/* The watch that it belongs to; *@path_ret: "" or "/below/the/watch", malloc'ed. */
struct fan_watch *fan_dir_path(const struct fan_dir *dir, char **path_ret, unsigned int *depth_ret);
void fan_dirs_free(struct map *dirs);

/* ------------------------------------------------------ fanotify_actor.c */

struct fan_actor {
	struct fim_actor ids;
	char *exe;    /* NULL: unknown */
	char *cgroup; /* NULL: unknown */
	char parent_comm[16];
};

/* @pidfd: -1 if the kernel gave none. False: the process is gone, only its id is known. */
bool fan_actor_read(uint32_t pid, int pidfd, struct fan_actor *actor_ret);
void fan_actor_clear(struct fan_actor *actor);
/* True if @pid's root directory is the root of the watch's file system. */
bool fan_actor_sees(uint32_t pid, const struct fan_watch *watch);

/* -------------------------------------------------------- the source itself */

struct fan {
	int names_fd;	 /* group with names */
	int contents_fd; /* group with open files; -1: not needed yet */
	int wake_fd;	 /* eventfd: records wait here */
	int timer_fd;
	int mounts_fd;
	bool has_target; /* FAN_RENAME and the target's handle, Linux 5.17 */
	bool has_pidfd;	 /* Linux 5.15 */
	struct map dirs;
	struct map dirty;
	struct fan_watch *watches;
	struct fan_watch *uppers; /* pseudo watches: id is that of the overlay's watch */
	uint32_t last_id;
	int fs_fd; /* of the file system that is being looked at, -1: none open */
	uint32_t fs_id[2];
	struct fan_actor actor; /* of the last event, during one call only */
	struct fim_info info;
	unsigned char *bytes; /* records that wait */
	size_t len;
	size_t pos;
	size_t room;
	char buf[FAN_BUFFER_SIZE] __attribute__((aligned(8)));
};

/* One event of the kernel, taken apart. Nothing is owned but @pidfd. */
struct fan_told {
	uint64_t mask;
	uint32_t pid;
	int pidfd;
	const void *fsid;
	const struct file_handle *target;
	const struct file_handle *dir;
	const char *name;
	const struct file_handle *old_dir;
	const char *old_name;
};

/* A place inside a watch. */
struct fan_place {
	struct fan_watch *watch; /* NULL: outside */
	struct fan_dir *dir;
	char *path; /* from the root of the file system */
	char *below;
	unsigned int depth;
};

/* ------------------------------------------------- fanotify_read.c */

/* True if there may be more. */
bool fan_group_read(struct fan *fan, int fd);

/* ----------------------------------------------- fanotify_change.c */

void fan_on_told(struct fan *fan, const struct fan_told *told);

/* ------------------------------------------------ fanotify_place.c */

void fan_fs_close(struct fan *fan);
int fan_handle_open(struct fan *fan, const void *fsid, const struct file_handle *handle, int flags);
void fan_object_fill(const struct fan_told *told, const struct fan_watch *watch,
		     const struct file_handle *handle, struct fim_object *object);
void fan_event_stat(struct fim_event *event, const struct stat *st);
void fan_place_clear(struct fan_place *place);
struct fan_dir *fan_dir_of(struct fan *fan, const void *fsid, const struct file_handle *handle);
/* @name: NULL or ".": the directory itself. False: it is outside of every watch. */
bool fan_place_find(struct fan_dir *dir, const char *name, struct fan_place *place_ret);
/* The name of a watch is what is watched there now: more than that is in the tree. */
void fan_stat_fill(struct fan *fan, const struct fan_told *told, const struct fan_place *place,
		   const char *name, struct fim_event *event);
/* Where a rename came from or went to outside of every watch; NULL if unknown. */
char *fan_path_outside(struct fan *fan, const struct fan_told *told, const struct file_handle *dir,
		       const char *name);

/* ------------------------------------------------ fanotify_dirty.c */

void fan_dirty_free(struct map_node *node);
void fan_dirty_flush(struct fan *fan, bool all);
void fan_dirty_add(struct fan *fan, const struct fan_told *told, struct fan_dir *dir);
bool fan_dirty_take(struct fan *fan, const struct fan_told *told, const struct fan_dir *dir);
/* Entries point at their directory: none may outlive it. */
void fan_forget(struct fan *fan, struct fan_dir *dir);

/* ----------------------------------------------- fanotify_record.c */

/* At least one; the kernel does not say how many. */
void fan_put_overflow(struct fan *fan);
/* @told: who did it; NULL: the kernel, or we. */
void fan_put_state(struct fan *fan, uint32_t kind, uint32_t watch_id, const struct fan_told *told);
/* As the module's: the first record, without a number of its own. */
void fan_put_session(struct fan *fan);
/* Its paths, as the process sees them, if its root is the file system's. */
void fan_put_event(struct fan *fan, const struct fan_told *told, const struct fim_event *what,
		   const char *path, const char *old_path, const struct fan_watch *watch);
void fan_put_op(struct fan *fan, const struct fan_told *told, const struct fan_place *place,
		struct fim_event *event, uint32_t op);
ssize_t fan_records_take(struct fan *fan, unsigned char *buf, size_t size);

/* ------------------------------------------------ fanotify_watch.c */

void fan_watch_free(struct fan_watch *watch);
bool fan_watch_take(struct fan *fan, struct fan_watch **list, uint32_t id);
/* A mark on a file system does not say when it goes. Nothing pins it: see fs_open(). */
void fan_check_unmounted(struct fan *fan);
int fan_watch_new(int fd, struct fan_watch **watch_ret, char upper_ret[4096]);

#endif /* FANOTIFY_H */
