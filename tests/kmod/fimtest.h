/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every module test needs: TAP, the device, records as C structs, a place
 * to work in. Each program prints a plan and exits 0, 1 or 4 (all skipped).
 */
#ifndef FIMTEST_H
#define FIMTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../kmod/uapi/ecs_fim.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* TAP */

/* Print "ok" or "not ok"; returns @cond, so that a caller can say more. */
bool ok(bool cond, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void skip(const char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The test cannot go on; the missing plan makes it a failure. */
void bail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Print the plan; returns the exit status. */
int done(void);

/* Records */

/* One record, its attributes as strings ("" and has == 0 if absent). */
struct event {
	union {
		struct fim_record rec;
		struct fim_event ev;
		struct fim_overflow overflow;
		struct fim_session session;
		struct fim_state_change state;
	};
	unsigned int has; /* bit n: attribute of type n was there */
	char fs_path[4097];
	char view_path[4097];
	char old_fs_path[4097];
	char old_view_path[4097];
	char exe[4097];
	char cgroup[4097];
	char xattr[256];
	char parent_comm[17];
	char args[1025];
	size_t args_len;
	struct fim_process process;
	struct fim_ancestor ancestors[16];
	size_t ancestor_count;
};

#define HAS(e, attr) ((e)->has & (1U << (attr)))

/* Records read so far; events[i] is valid for i < count. */
struct events {
	struct event *events;
	size_t count;
	size_t room;
};

/* The device, opened non-blocking; bails out if it cannot be. */
int device_open(void);
/* Read until nothing waits, appending. Checks every record's form; bails if malformed. */
void drain(int fd, struct events *events);
/*
 * Read what there is for as long as the module may take to confirm what a hook saw. In several
 * steps: a guest that did not run for a while wakes the sleeper and the worker at once.
 */
void drain_settled(int fd, struct events *events);
/* The same, until a record of @type with (event) op or (state) state @what came, or 5 s passed. */
struct event *drain_until(int fd, struct events *events, unsigned int type, unsigned int what);
void events_clear(struct events *events);
void event_print(const struct event *e);
void events_print(const struct events *events);
/* The n-th event (from 0) with this op; NULL if there are not so many. */
struct event *find(const struct events *events, unsigned int op, unsigned int n);
struct event *find_state(const struct events *events, unsigned int state);
unsigned int count_ops(const struct events *events);
const char *op_name(unsigned int op);

/* Watches */

/* Returns the watch id or -errno. */
int watch_add(int fd, const char *path);
int watch_add_fd(int fd, int dirfd);
int watch_del(int fd, unsigned int id);
void info_get(int fd, struct fim_info *info);

/* The module itself, for programs that start without it; 0 or -errno */
int module_load(const char *file, const char *params);
int module_unload(void);

/* A place to work in */

/* An empty directory of the test's own on the root filesystem; it is the current one then. */
const char *workdir(void);
/* printf into one of a few static buffers. */
const char *fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Create or overwrite a file; bails out on failure. */
void write_file(const char *path, const char *text);
long read_number(const char *path);
/* Run a function in a child; returns its exit status. */
int in_child(int (*fn)(void *), void *arg);
/* Path of this very executable. */
const char *self_exe(void);

/* Descriptors through a socket: 0 or not; the descriptor or -1. */
int send_fds(int sock, const int *fds, size_t count);
int receive_fd(int sock);
/* What a listener gets with an event of @path: whatever is done to it, no listener is told. */
int fanotify_fd(const char *path);

/* io_uring without a library */

struct io_uring_sqe;
struct io_uring_params;

/* Set up a ring of four entries; its descriptor or -errno. @params may preset flags. */
int uring_setup(struct io_uring_params *params);
/* One request, waited for; its result, or -errno. */
int uring_one(int ring, const struct io_uring_params *params, const struct io_uring_sqe *request);

/* Techniques: one way to change something, and all that must be told of it */

#define UNSUPPORTED 77 /* a technique's result: this kernel or file system has it not */

struct technique {
	const char *name;
	/*
	 * Runs in a child with login uid, cgroup and executable of its own, in the
	 * working directory, with w/file and w/dir in the watch, o/file outside.
	 * 0, UNSUPPORTED or an exit status.
	 */
	int (*act)(void);
	/* Exactly these, in this order; paths below the working directory. */
	struct {
		unsigned int op;
		const char *path;
		const char *old_path;
		/* As the process sees it, if not the same as path. */
		const char *view;
	} expect[6];
	/* The path as the process sees it cannot be known, or is not checked. */
	bool any_view;
};

/* What a technique has to be told of that is one event of one path. */
#define TECHNIQUE_TELLS(op, path)            \
	{                                    \
		{                            \
			op, path, NULL, NULL \
		}                            \
	}

/*
 * Called by an act for its failure: UNSUPPORTED if errno says that a kernel or file system has
 * it not, or is @also (0: nothing else), else 1.
 */
int technique_refused(int also);
/* Called by an act: whoever is named must be this process from here on. */
void technique_actor_is_me(void);
/* Make the tree, run the act, compare what is told. @dir is the working directory. */
void technique_check(int fd, const char *dir, const struct technique *technique);

#endif
