/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the fanotify source, and by nobody else.
 *
 *	source_fanotify.c	the group: marks, its events, the source's operations
 *	fanotify_tree.c		which directories are watched: handle → directory → path
 *	fanotify_actor.c	who did it, as far as /proc still knows
 */
#ifndef FANOTIFY_H
#define FANOTIFY_H

#include <fcntl.h>

#include "daemon.h"

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

#endif /* FANOTIFY_H */
