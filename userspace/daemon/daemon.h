/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fimd's private header: its sections are the files of this folder, in the
 * order in which a change passes through them.
 *
 * Ownership: struct daemon owns every descriptor and every table.  One thread, the
 * loop, uses it; the only other thread is engine.c's, which owns the connection to
 * Docker and shares nothing but the queue in struct engine.
 *
 * A change of a file goes through here:
 *
 *	source → event.c → pending.c → settle.c → finding.c → journal → sinks
 *	(bytes)  (which     (wait till  (measure,   (who, which
 *	          path?)     settled)    appraise)   container?)
 *	            └────→ rules.c (which rules does it fire?) ────┘
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <errno.h>
#include <pthread.h>
#include <syslog.h>

#include "libfim.h"
#include "libfim_rules.h"

struct daemon;

/* ------------------------------------------------------------------ map.c */

/* Embedded as the first member of what is stored; the map owns @key only. */
struct map_node {
	struct map_node *next;
	char *key;
	size_t hash;
};

struct map {
	struct map_node **slots;
	size_t slot_count;
	size_t count;
	uint64_t seed;
};

int map_init(struct map *map);
/* Frees slots and keys; the caller has taken the values out or frees them in @value_free. */
void map_exit(struct map *map, void (*value_free)(struct map_node *node));
/* The same, but it can be filled again. */
void map_clear(struct map *map, void (*value_free)(struct map_node *node));
void *map_find(const struct map *map, const char *key);
/* Copies @key. The key must not be in the map. */
int map_put(struct map *map, const char *key, struct map_node *node);
/* The caller owns @node->key from now on. */
void map_del(struct map *map, struct map_node *node);
/* NULL: the first; NULL at the end. @node may not be deleted before the next call. */
void *map_next(const struct map *map, const void *node);

/* ----------------------------------------------------------------- loop.c */

int64_t now_ms(void); /* CLOCK_MONOTONIC */

/* --------------------------------------------------------------- source.c */

/**
 * struct source_ops - where events come from
 * @kind: name for status and journal
 * @loss: why it loses events, for the journal
 * @read: whole records; -EAGAIN when there are none now
 * @watch_add: watch the tree below an open directory; -EEXIST with *@id_ret set
 * @rule_add: watch this in every new root, from before its first process on; NULL: it
 *	cannot, the mount table tells
 * @arm: nobody may take it away; NULL: there is nothing to take
 * @info: -EOPNOTSUPP if the source has no counters
 * @close: frees @source->ctx
 */
struct source;
struct source_ops {
	const char *kind;
	const char *loss;
	ssize_t (*read)(struct source *source, void *buf, size_t size);
	int (*watch_add)(struct source *source, int dirfd, uint32_t *id_ret);
	int (*watch_del)(struct source *source, uint32_t id);
	int (*rule_add)(struct source *source, const char *path);
	int (*arm)(struct source *source);
	int (*info)(struct source *source, struct fim_info *info_ret);
	void (*close)(struct source *source);
};

/* @fd: becomes readable when a record waits; owned by the source */
struct source {
	const struct source_ops *ops; /* NULL: there is no source */
	int fd;
	void *ctx;
};

/* The module. -ENOENT, -ENXIO, -ENODEV: not loaded. -EPROTO: another ABI version. */
int source_module_open(const char *device, struct source *source_ret);
/* The kernel's fanotify. -EPERM: not allowed. -EINVAL, -ENOSYS: older than Linux 5.9. */
int source_fanotify_open(struct source *source_ret);
/* What it does not see, for people. */
extern const char source_fanotify_blind[];

/* --------------------------------------------------------------- memory.c */

/* After what needed much of it. */
void memory_give_back(void);

/* ----------------------------------------------------------------- walk.c */

#define WALK_MAX 1000000 /* names; a tree that is larger is left to a comparison */

typedef int (*walk_fn)(void *ctx, const char *path);
/**
 * walk() - call @fn for everything below a directory
 * @rootfd: where @rel starts; no symbolic link in or below it is followed
 * @rel: the directory
 * @name: what @rel is called towards @fn
 *
 * A parent comes before what it holds. -EFBIG: over WALK_MAX. A directory that is
 * not there is empty.
 */
int walk(int rootfd, const char *rel, const char *name, walk_fn fn, void *ctx);
/* When @path, absolute below @rootfd, was touched last; or an error, -ENOENT among them. */
int walk_ctime(int rootfd, const char *path, int64_t *ctime_ns_ret);

/* --------------------------------------------------------------- layers.c */
/* What a container's image says about a path: overlayfs' lower layers. */

struct layers {
	char **dirs; /* [0] upper, then lower ones from the top */
	size_t count;
};

/**
 * layers_parse() - find the directories of an overlay mount
 * @options: its super options in /proc/self/mountinfo
 * @mount_point: for layers given relative to Docker's directory
 *
 * -EINVAL: not a writable overlay.
 */
int layers_parse(const char *options, const char *mount_point, struct layers *layers_ret);
void layers_clear(struct layers *layers);
/* State of @path (absolute in the container) in the layers from @first on. */
int layers_measure(const struct layers *layers, size_t first, const char *path,
		   struct fim_hasher *hasher, struct fim_state *state_ret);
/* Calls @fn, maybe more than once, for what the layers from @first on have below @dir. */
int layers_each_below(const struct layers *layers, size_t first, const char *dir, walk_fn fn,
		      void *ctx);
/* Opens a regular file for reading in the first layer from @first on that has it; -ENOENT. */
int layers_open(const struct layers *layers, size_t first, const char *path, size_t *layer_ret);
/* True if the container's own directory hides the image's of the same name. */
bool layers_is_opaque(const struct layers *layers, const char *dir);
/* Forget attributes that differ between a layer and the merged view of the same file. */
void layers_strip(struct fim_state *state);
/* True if @state, new at @path, is a place for the engine to mount something on. */
bool layers_is_artefact(const char *path, const struct fim_state *state);

/* ----------------------------------------------------------------- tree.c */

#define TREE_SCOPES 3 /* usr/bin, usr/sbin, etc */
extern const char *const tree_scopes[TREE_SCOPES];

/* An inode as it was when its content was known. */
struct seen {
	uint64_t dev; /* this and the next as in struct fim_state, 0: not observed */
	uint64_t ino;
	int64_t ctime_ns;
	int64_t mtime_ns;
	uint64_t size : 63;
	uint64_t settled : 1; /* it was old enough for a later change to get another ctime */
};

/* What is remembered of one path, unless it is in the baseline and has always been so. */
struct known {
	struct map_node node;
	struct fim_state *last; /* NULL: as expected */
	struct seen seen;	/* in the state @last */
	bool unreadable;
	bool not_in_image;     /* container: no layer below its own has it */
	uint32_t run;	       /* the comparison that met it last */
	uint32_t recorded_run; /* the comparison in or after which @last was recorded */
};

/*
 * The host, or one container's root file system.  No descriptor of a container's
 * root is kept: it would pin the mount, and the engine could not unmount it.
 */
struct tree {
	struct tree *next;
	unsigned int refs;
	bool container;
	bool plain; /* container: its root is a directory, not a mount: plain.c */
	bool gone;
	char *root; /* "/", or the mount point */
	uint64_t dev;
	int mount_id;
	int64_t heard_ns;   /* container: since then its changes have events */
	int64_t skipped_ns; /* plain: when the host last changed it while it did not run */
	int64_t looked_ns; /* plain: what was not touched since then was compared or is as it was */
	char id[FIM_CONTAINER_ID_SIZE]; /* container: "" until known */
	int64_t rescan_ms; /* container: when to look at its layer again; 0: not wanted */
	int64_t rescanned_ms;
	bool is_watched;		  /* container: only its layer is still to be looked at */
	char hint[FIM_CONTAINER_ID_SIZE]; /* the container of a process that changed something */
	char *scopes[TREE_SCOPES];	  /* container: absolute paths, symbolic links resolved */
	struct layers layers;
	struct map known;
	/* host: of the baseline's entries that are not in @known, in their order */
	struct seen *seen;
	struct map pending;
};

int tree_new(const char *root, struct tree **tree_ret);
struct tree *tree_get(struct tree *tree);
void tree_put(struct tree *tree);
bool tree_covers(const struct daemon *d, const struct tree *tree, const char *path);
/* Class, mask and category of a path; never NULL. */
const struct fim_rule *tree_rule(const struct daemon *d, const struct tree *tree, const char *path);
uint32_t tree_mask(const struct daemon *d, const struct tree *tree, const char *path);
/* Baseline or image; a copy to be cleared. */
int tree_expected(struct daemon *d, const struct tree *tree, const char *path,
		  struct fim_state *state_ret);
/* State last recorded, with dev, ino and times if observed; a copy to be cleared. */
int tree_last(struct daemon *d, const struct tree *tree, const char *path,
	      struct fim_state *state_ret);
int tree_measure(struct daemon *d, const struct tree *tree, const char *path, uint32_t flags,
		 struct fim_state *state_ret);
/* Directory descriptor from which tree_relative() paths start; caller closes it. */
int tree_open(struct daemon *d, const struct tree *tree, const char *path, int *fd_ret,
	      const char **rel_ret);
/* Forget everything that was recorded. */
void tree_forget(struct tree *tree);
/* Remember @state as recorded. */
int tree_record(struct daemon *d, struct tree *tree, const char *path,
		const struct fim_state *state);
/* Remember that @path was observed to be as last recorded. */
void tree_observe(const struct daemon *d, struct tree *tree, const char *path,
		  const struct fim_state *state);
/* Remember that @path cannot be read; false if that is known. */
bool tree_unreadable(struct tree *tree, const char *path);
/* False if tree_is_untouched() cannot be true, whatever there is. */
bool tree_is_settled(const struct daemon *d, const struct tree *tree, const char *path);
/* True if nothing can have happened to @path since it was last observed. */
bool tree_is_untouched(const struct daemon *d, const struct tree *tree, const char *path,
		       const struct fim_state *stat);
/* Another name of the inode of @state that was observed, NULL if none was. */
const char *tree_other_name(const struct daemon *d, const struct tree *tree, const char *path,
			    const struct fim_state *state);
/* Calls @fn for each path below @dir that was recorded or expected to exist. */
int tree_each_below(struct daemon *d, struct tree *tree, const char *dir, walk_fn fn, void *ctx);

/* ---------------------------------------------------------------- watch.c */

struct watch {
	struct watch *next;
	uint32_t id;
	int dirfd; /* host only, else -1 */
	char *dir; /* absolute in its tree */
	struct tree *tree;
	int64_t added_ms;
	bool said;     /* its record was written */
	bool own;      /* own.c's, of no policy */
	bool unmarked; /* a directory came in: the module is to look for its children */
};

/* Watch what the policy names; what cannot be watched is a control record. */
void watch_host(struct daemon *d);
/* Watch @dir for own.c, unless it is watched. Takes over @fd. */
int watch_own(struct daemon *d, int fd, const char *dir);
/* Watch a container's directories; false if its root is not mounted any more. */
bool watch_container(struct daemon *d, struct tree *tree);
/* Have the module look for what came into a watch, so that it hears no more than it must. */
void watch_mark(struct daemon *d);
/* Write the records of containers' watches. */
void watch_announce(struct daemon *d);
struct watch *watch_find(const struct daemon *d, uint32_t id);
/* The watch that covers @path on the host, NULL if none. */
struct watch *watch_covering(const struct daemon *d, const char *path);
/* Absolute path in the watch's tree; NULL: out of memory or the path is short. */
char *watch_path(const struct watch *watch, const char *fs_path, unsigned int depth);
/* The mount table changed: watch again what is not at its place any more. */
void watch_check(struct daemon *d);
/* The module says that the watch ended or that its directory moved. */
void watch_changed(struct daemon *d, uint32_t id, uint32_t state);
void watch_forget_tree(struct daemon *d, struct tree *tree);
void watch_exit(struct daemon *d);

/* --------------------------------------------------------------- mounts.c */

struct mount {
	int id;
	char *point;
	char *type;
	char *options; /* of the super block */
};

/* One line of /proc/self/mountinfo; -EINVAL. */
int mount_parse(char *line, struct mount *mount_ret);
void mount_clear(struct mount *mount);
/* True if a container runtime mounts a container's root there. */
bool mount_is_container(const struct mount *mount, char id_ret[FIM_CONTAINER_ID_SIZE]);
/* Look for containers' roots that came or went, and for watched places that are others now. */
void mounts_refresh(struct daemon *d);
/* What is new in the mount table; what has gone stays for now: its events may still wait. */
void mounts_find(struct daemon *d);

/* ---------------------------------------------------------------- plain.c */

struct cause;
struct engine_news;

/*
 * Where a container's root directory is, and the one that it was copied from; -ENOENT:
 * it is no directory but a mount.  Opens files: for the engine's thread.
 */
int plain_root(const struct fim_json *inspect, char **root_ret, char **image_ret);
/* Roots of this storage driver are found, here or in the mount table. */
bool plain_is_known_driver(const char *driver);
/* Watch the root that Docker told of, if it is not yet; what was done to it before is compared. */
void plain_add(struct daemon *d, const struct engine_news *news);
void plain_gone(struct daemon *d, const char *id);
/* It does not run: what the host does to it (the engine removes it) is compared when it starts. */
bool plain_is_idle(const struct daemon *d, const struct tree *tree);
/* Such a change, which is not told now. */
bool plain_skips(const struct daemon *d, struct tree *tree, const struct cause *cause);

/* -------------------------------------------------------------- process.c */

/* A process that did something, or an ancestor of one; none of it is trustworthy. */
struct process {
	struct map_node node;
	struct process *younger;
	unsigned int refs;
	bool alive; /* when it was read */
	char *exe;  /* as /proc says; NULL if it was gone by then */
	char *cwd;
	int64_t cwd_ms;
	char *args; /* as in /proc/PID/cmdline, bounded */
	size_t args_len;
	bool digested; /* @sha256 is the program's content */
	unsigned char sha256[FIM_SHA256_SIZE];
	const char *origin; /* static: baseline changed image drift unknown; NULL: not found */
	char *package;
};

/* Read the beginning of /proc/PID/NAME; its length or -errno. */
ssize_t proc_read(uint32_t pid, const char *name, char *buf, size_t size);
int processes_init(struct daemon *d);
void processes_exit(struct daemon *d);
/*
 * Reads at once what /proc knows of the actor and its ancestors, unless they are known.
 * @contained: it lives in a container; @home: in which, NULL if unknown.
 */
struct process *process_meet(struct daemon *d, const struct fim_change *change, bool contained,
			     const struct tree *home);
/* NULL if it was not met. */
struct process *process_find(const struct daemon *d, const struct fim_ancestor *who);
struct fim_ancestor process_identity(const struct fim_actor *actor);
struct process *process_get(struct process *process);
void process_put(struct process *process);
/* True if the process that has the id now is the one that started then. */
bool process_is_alive(uint32_t tgid, uint64_t start_ns);

/* ------------------------------------------------------------ attribute.c */

/* An event and who did it, shared by the paths that it is about. */
struct cause {
	unsigned int refs;
	struct fim_change *change;
	struct process *process;		  /* NULL: nothing is known */
	struct fim_json *actor;			  /* made when it is wanted */
	char container_id[FIM_CONTAINER_ID_SIZE]; /* "": a process of the host */
};

/* Names of users or groups. */
struct names;
/* @path: /etc/passwd or /etc/group; must stay valid. */
int names_new(const char *path, struct names **names_ret);
void names_free(struct names *names);
/* NULL if none; valid until the next call. */
const char *names_find(struct names *names, uint32_t id);

/* Takes over @change. Reads /proc at once: the process may be gone in a moment. @tree: where it happened. */
int cause_new(struct daemon *d, struct fim_change *change, const struct tree *tree,
	      struct cause **cause_ret);
/* The actor as in a finding; borrowed. */
struct fim_json *cause_actor(struct daemon *d, struct cause *cause);
/* Its program and arguments as one escaped line; malloc'ed. */
char *cause_command(const struct cause *cause);
struct cause *cause_get(struct cause *cause);
void cause_put(struct cause *cause);

/* -------------------------------------------------------------- pending.c */

#define PENDING_MAX 65536

/* A path about which events came and which was not appraised since. */
struct pending {
	struct map_node node;
	struct pending *prev;
	struct pending *next;
	struct tree *tree;
	int64_t first_ms;
	int64_t deadline_ms;
	bool waiting; /* for the last close of a file being written */
	bool dir;
	unsigned int tries;
	unsigned int weight;
	struct fim_evidence evidence;
	struct cause *cause;
	char *origin;	/* where it was moved from, if that is covered */
	char *moved_to; /* where it was moved to, if that is covered */
};

/* Sorted by deadline, because each list's delay is constant. */
struct pending_list {
	struct pending *head;
	struct pending *tail;
};

struct pending_table {
	struct pending_list quiet;
	struct pending_list waiting;
	size_t count;
};

/* What one event says about one path. */
struct pending_note {
	struct tree *tree;
	const char *path;
	enum fim_side side;
	const char *other; /* rename: the other name, NULL if not covered */
	struct cause *cause;
};

int pending_add(struct daemon *d, const struct pending_note *note);
struct pending *pending_find(const struct tree *tree, const char *path);
/* Out of its table; the caller frees it. */
void pending_take(struct daemon *d, struct pending *pending);
/* Back into it, to be tried again after the settling time, or (not @waiting) in a moment. */
int pending_retry(struct daemon *d, struct pending *pending, bool waiting);
void pending_free(struct pending *pending);
/* The first that is due, NULL if none. @all: due or not. */
struct pending *pending_due(const struct daemon *d, bool all);
/* When the next is due, INT64_MAX if never. */
int64_t pending_deadline(const struct daemon *d);

/* ---------------------------------------------------------------- event.c */

/* Read what the source has, at most a few buffers; turn it into pending paths. */
void events_read(struct daemon *d);

/* --------------------------------------------------------------- settle.c */

/* Appraise at most @max paths that are due (or all, due or not); how many were. */
size_t settle(struct daemon *d, size_t max, bool all);
/* Appraise one path found by comparison. */
int settle_path(struct daemon *d, struct tree *tree, const char *path, const char *trigger);
/* Appraise what the container's layer already holds in its scopes. */
void settle_container(struct daemon *d, struct tree *tree, const char *trigger);
/* The same for what changed before @until_ns; since then it has been heard. */
void settle_gap(struct daemon *d, struct tree *tree, const char *trigger, int64_t until_ns);
/* The same soon, but not as often as somebody in the container may want it. */
void rescan_want(struct tree *tree);
void rescan_poll(struct daemon *d);
int64_t rescan_deadline(const struct daemon *d);

/* -------------------------------------------------------------- finding.c */

struct finding {
	struct finding *next;
	struct tree *tree;
	char *path;
	char *old_path;
	enum fim_kind kind;
	enum fim_severity severity;
	uint32_t diff;
	int err; /* unreadable: -errno */
	struct fim_state before;
	struct fim_state after;
	struct fim_state expected;
	struct cause *cause; /* NULL: found by comparison */
	char trigger[16];    /* of the comparison */
	int64_t deadline_ms; /* of waiting for Docker's answer */
	char *change;	     /* id of the change under way that it may be of, or NULL */
};

/* Everything is copied. */
struct finding_params {
	struct tree *tree;
	const char *path;
	const char *old_path;
	enum fim_kind kind;
	uint32_t diff;
	int err;
	const struct fim_state *before;
	const struct fim_state *after;
	struct cause *cause;
	const char *trigger;
};

/* Journal and sinks, at once or when Docker has told which container it is. */
int finding_submit(struct daemon *d, const struct finding_params *params);
/* Those that were not held: on the disk, all at once, and then to the sinks. */
void finding_commit(struct daemon *d);
/* Some are there that finding_commit() has to do with. */
bool finding_is_ready(const struct daemon *d);
/* Docker does not know this container: nothing to wait for. */
void finding_give_up(struct daemon *d, const char *container_id);
/* Those that waited long enough or whose container is known now are held no longer. */
void finding_flush(struct daemon *d, bool all);
int64_t finding_deadline(const struct daemon *d);

/* What an event record says: operation, number, time, paths. */
void finding_set_event(struct fim_json *body, const struct cause *cause);
/* The container of an actor: the id alone if Docker did not tell more. */
struct fim_json *finding_container(const struct daemon *d, const char *id);
/* Whose file it is: the tree's container, "" for the host. */
const char *finding_tree_id(const struct daemon *d, struct tree *tree);

/* ---------------------------------------------------------------- rules.c */

struct rules;
int rules_new(struct rules **rules_ret);
void rules_free(struct rules *rules);
/* Load what the configuration names; on an error what was loaded before stays. */
void rules_load(struct daemon *d);
/* One name that an event is about. @old_path: rename, the other name if covered. */
void rules_note(struct daemon *d, struct tree *tree, const char *path, const char *old_path,
		struct cause *cause);
/* Evaluate what waited for Docker long enough, or whose container is known now. */
void rules_flush(struct daemon *d, bool all);
int64_t rules_deadline(const struct daemon *d);
/* Docker does not know this container: nothing to wait for. */
void rules_give_up(struct daemon *d, const char *container_id);
/* A container started. @inspect: what Docker says; NULL: the record of the journal alone. */
void rules_container(struct daemon *d, const struct fim_container *container,
		     const struct fim_json *inspect);
/* One CloudTrail record. -EINVAL: it is not one. */
int rules_cloudtrail(struct daemon *d, const char *text, size_t len);
bool rules_want_cloudtrail(const struct daemon *d);
/* A record of the journal, read at the start: a hit that was told before. */
void rules_remember(struct daemon *d, const struct fim_json *record);
struct fim_json *rules_status(const struct daemon *d);

/* ---------------------------------------------------------------- trail.c */
/* The directory in which CloudTrail log files appear. */

struct trail;
/* Open, or close, or change, what the configuration says. */
void trail_open(struct daemon *d);
/* Its descriptor is readable. */
void trail_handle(struct daemon *d);
/* Read what appeared; looks after everything else meanwhile. */
void trail_poll(struct daemon *d);
int trail_fd(const struct daemon *d);
void trail_close(struct daemon *d);

/* --------------------------------------------------------------- reload.c */

/* SIGHUP: configuration and rules as they are now. */
void daemon_reload(struct daemon *d);

/* ----------------------------------------------------------- comparison.c */

enum trigger {
	TRIGGER_NONE = 0,
	TRIGGER_WATCH,
	TRIGGER_SCHEDULED,
	TRIGGER_OVERFLOW,
	TRIGGER_REQUEST,
	TRIGGER_START_UP,
};
const char *trigger_name(enum trigger trigger);
/* Ask for one as soon as the source is drained; the strongest trigger counts. */
void comparison_want(struct daemon *d, enum trigger trigger);
/*
 * Another process has compared: record it, and compare if it found something else than we
 * did last.  Takes over @who.  NULL, or what is wrong with it.
 */
const char *comparison_told(struct daemon *d, const struct fim_json *request, struct fim_json *who);
/* Run it if it is wanted or due. */
void comparison_poll(struct daemon *d);
int64_t comparison_deadline(const struct daemon *d);
int comparison_run(struct daemon *d, enum trigger trigger);

/* --------------------------------------------------------------- alerts.c */

struct open_alert {
	uint64_t seq;
	int64_t time_ns;
	enum fim_severity severity;
	char *text; /* escaped */
};

/* What nobody acknowledged, by number. */
struct alerts {
	struct open_alert *open;
	size_t count;
	uint64_t crowded; /* more than fit */
	int64_t remind_ms;
};

/* A record was written: an alert, what somebody says of one, or neither. */
void alerts_note(struct daemon *d, const struct fim_json *record, uint64_t seq, int64_t time_ns);
/* The same of one that the run before wrote. */
void alerts_replay(struct daemon *d, const struct fim_json *record);
void alerts_poll(struct daemon *d);
int64_t alerts_deadline(const struct daemon *d);
void alerts_exit(struct daemon *d);

/* --------------------------------------------------------------- change.c */

struct change_item;

/* A change that was announced and is under way, and what was found meanwhile. */
struct change {
	struct fim_json *said; /* NULL: none */
	int64_t begin_ns;
	int64_t end_ns; /* 0: under way */
	int64_t look_ms;
	struct fim_json *who; /* ended it, NULL: unknown */
	struct change_item *items;
	struct change_item **items_end;
	size_t count;
	size_t crowded; /* more than fit: they stay findings */
};

void change_init(struct daemon *d);
void change_exit(struct daemon *d);
/* Mark a finding of the host, if a change is under way: its id, or NULL. */
const char *change_mark(struct daemon *d, struct fim_json *finding);
/* A record was written: a finding that waits for the end of the change, or none. */
void change_note(struct daemon *d, const struct fim_json *record, uint64_t seq);
/* The same of one that the run before wrote. */
void change_replay(struct daemon *d, const struct fim_json *record);
void change_poll(struct daemon *d);
int64_t change_deadline(const struct daemon *d);
/* A change began or ended: look. @who is taken over. */
void change_order(struct daemon *d, struct fim_json *who);

/* -------------------------------------------------------------- request.c */

#define PEERS_MAX 8

int request_open(struct daemon *d);
void request_accept(struct daemon *d);
/* Whatever else is readable: a peer, or what was closed a moment ago. */
void request_serve(struct daemon *d, int fd);
void request_close(struct daemon *d);

/* ------------------------------------------------------------- recorder.c */

/* One line for people and other programs about a journal record. */
struct alert {
	const char *type; /* finding, container, control */
	enum fim_severity severity;
	bool failed;	  /* control: something does not work */
	const char *text; /* one line, escaped */
	const char *line; /* the journal's line */
	uint64_t seq; /* its number; findings and containers: that it was delivered is recorded */
	const struct alert_field *fields;
	size_t field_count;
};

struct alert_field {
	const char *key;
	const char *value; /* NULL: left out */
	bool trusted;	   /* ours: nothing to escape */
};

/* Write to the journal; *@line_ret (may be NULL) is freed by the caller. */
int record_append(struct daemon *d, const char *type, struct fim_json *body, char **line_ret);
/* The same for what nothing waits for: on the disk with the next one. */
void record_append_lazy(struct daemon *d, const char *type, struct fim_json *body);

/* One of several: @body is taken over, @line is freed by the caller. */
struct record {
	struct fim_json *body;
	uint64_t seq;
	char *line; /* as record_append() gives it */
};

/* As record_append() for each of them, but the disk is waited for once. */
void record_append_all(struct daemon *d, const char *type, struct record *records, size_t count);

#define FINDINGS_READY_MAX 64

/* Findings whose record is made and not written: those of one moment are written together. */
struct findings_ready {
	struct finding *finding[FINDINGS_READY_MAX];
	struct record record[FINDINGS_READY_MAX];
	size_t count;
	int64_t since_ms; /* of the first */
};

/* -------------------------------------------------------------- control.c */

enum component {
	COMPONENT_DAEMON = 0,
	COMPONENT_MODULE,
	COMPONENT_RING,
	COMPONENT_DOCKER,
	COMPONENT_BASELINE,
	COMPONENT_COMPARISON,
	COMPONENT_SINK,
	COMPONENT_WATCH,
	COMPONENT_RULES,
	COMPONENT_CLOUDTRAIL,
	COMPONENT_JOURNAL,
	COMPONENT_HOST,
	COMPONENT_COUNT,
};

enum control_state {
	CONTROL_UNKNOWN = 0,
	CONTROL_UP,
	CONTROL_DOWN,
	CONTROL_DEGRADED,
	CONTROL_LOSS, /* something was lost; stays until a comparison made up for it */
	CONTROL_INFO, /* said, and changes no state */
};
const char *component_name(enum component component);
const char *control_state_name(enum control_state state);

struct sink_health;

struct control {
	enum component component;
	enum control_state state;
	struct sink_health *sink; /* COMPONENT_SINK: whose interval it is; NULL: of them all */
	uint64_t lost;		  /* 0: none */
	int64_t since_ns;	  /* 0: none */
	const char *version;	  /* NULL: none */
	struct fim_json *detail;  /* taken over; NULL: none */
};

/* Journal, log, and sinks for failures. The same state twice is said once. */
void control_say(struct daemon *d, const struct control *control, const char *cause, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for those that need no more than a cause. */
void control_set(struct daemon *d, enum component component, enum control_state state,
		 const char *cause, ...) __attribute__((format(printf, 4, 5)));

/* ---------------------------------------------------------------- host.c */

#define HOST_FACTS     6
#define HOST_FACT_SIZE 128

/* Of the kernel: lockdown, live patches, …; "": it has no such thing. */
struct host {
	char value[HOST_FACTS][HOST_FACT_SIZE];
};

void host_read(struct host *host_ret);
void host_to_json(const struct host *host, struct fim_json *json);
/* Say how it is, and from then on what changes. */
void host_start(struct daemon *d);
void host_poll(struct daemon *d);

/* ------------------------------------------------------------- history.c */

#define SINKS_MAX   8
#define OUTLETS_MAX 4
#define SINK_NAME   32

/* Of one sink, whether it is one of ours or another process. */
struct sink_health {
	char name[SINK_NAME];
	bool failing;
	int64_t since_ns; /* since when; 0: it is not */
};

struct sinks_health {
	struct sink_health sink[SINKS_MAX + OUTLETS_MAX];
	size_t count;
};

/* NULL: there are too many. */
struct sink_health *sinks_health(struct sinks_health *all, const char *name);

/* How the run before ended, as the journal says. */
struct history {
	bool unclean; /* the last daemon record is up */
	int64_t last_ns;
	char boot_id[64];
	struct map states;		    /* container id and path → struct history_state */
	char baseline[FIM_SHA256_HEX_SIZE]; /* accepted last; "": none */
	enum control_state controls[COMPONENT_COUNT];
	int64_t control_since_ns[COMPONENT_COUNT];
	struct sinks_health sinks;
};

struct history_state {
	struct map_node node;
	struct fim_state state;
};

int history_read(const char *dir, struct history *history_ret);
/* Restore what is recorded of the host's paths and told of containers' ones. */
int history_replay(struct daemon *d);
void history_exit(struct history *history);

/* ---------------------------------------------------------------- sinks.c */

#define SINK_TAKEN_MAX 256
/* Of a send: such an alert does not go there. It says nothing about the ones that do. */
#define SINK_NOT_MINE 1

struct sink;
struct sink_ops {
	const char *name;
	bool (*wanted)(const struct fim_config *config);
	int (*open)(struct sink *sink);
	int (*send)(struct sink *sink, const struct alert *alert);
	void (*close)(struct sink *sink);
};

struct sink {
	const struct sink_ops *ops;
	const struct fim_config *config;
	struct sink_health *health;
	int fd;
	bool off;	      /* audit: the kernel drops what it gets */
	bool framed;	      /* syslog over TCP */
	struct fim_host host; /* ocsf */
	uint64_t sent;
	uint64_t failed;
	char *rest; /* end of what did not fit */
	size_t rest_len;
	uint64_t taken[SINK_TAKEN_MAX]; /* alerts whose delivery is not recorded yet */
	size_t taken_count;
};

/* Another process that reads the journal and tells us how that goes: ecs-fim send-asff. */
struct outlet {
	struct sink_health *health;
	uint64_t sent;
	int64_t told_ns; /* 0: not in this run */
};

struct sinks {
	struct sink sink[SINKS_MAX];
	size_t count;
	struct outlet outlets[OUTLETS_MAX];
	size_t outlet_count;
	struct sinks_health
		health; /* outlives what is open: of the run before, and over a reload */
};

void sinks_open(struct daemon *d);
/* The alert is of the record that was appended last. */
void sinks_send(struct daemon *d, const struct alert *alert);
/* Record which sink took which alerts. */
void sinks_record(struct daemon *d);
/* Does anybody take what goes to Linux audit? The kernel does not say so when it is sent. */
void sinks_poll(struct daemon *d);
void sinks_close(struct daemon *d);
/* Of those that have nothing but @fd and @rest. */
void sink_close_fd(struct sink *sink);
/* Facility and severity as in syslog(3). */
int syslog_priority(const struct alert *alert);
/* What such a process says; NULL, or what is wrong with that. */
const char *sinks_outlet(struct daemon *d, const struct fim_json *request);
struct fim_json *sinks_status(const struct daemon *d);

extern const struct sink_ops sink_audit;
extern const struct sink_ops sink_syslog;
extern const struct sink_ops sink_journald;
extern const struct sink_ops sink_ocsf;
extern const struct sink_ops sink_stdout;

/* --------------------------------------------------------------- engine.c */

/* What the engine's thread found out; consumed by the loop. */
struct engine_news {
	struct engine_news *next;
	enum {
		ENGINE_UP,	  /* @text: API version */
		ENGINE_DOWN,	  /* @text: cause */
		ENGINE_CONTAINER, /* @container, @root */
		ENGINE_IDENTITY,  /* @container, of which nobody said what it may do */
		ENGINE_GONE,	  /* @text: id */
		ENGINE_REFUSED,	  /* @text: id: its settings could not be read */
		ENGINE_LISTED,	  /* every container there is has been told; after ENGINE_UP */
		ENGINE_ACCESS,	  /* @text: container's id, @action, @exec */
		ENGINE_INSTANCE,  /* @inspect: what the ECS agent says that this host is */
	} what;
	char *text;
	char *action;	       /* of the engine's event: exec_start, copy, … */
	struct fim_json *exec; /* exec_start: what Docker said about it; NULL: nothing */
	struct fim_container *container;
	struct fim_json *inspect; /* what Docker said about it */
	char *root;		  /* mount point of its root file system, "" if unknown */
	char *image;	      /* the directory that @root was copied from; NULL: it is a mount */
	int64_t untouched_ns; /* it had not been started then; 0: it may have been */
	const char *trigger;  /* static; NULL: not asked for */
};

struct engine {
	pthread_t thread;
	bool running;
	char *socket;
	char *agent; /* URL of the ECS agent, "" if it is not asked */
	uint32_t timeout_ms;
	int news_fd;	      /* eventfd: the loop has something to read */
	int stop_fd;	      /* eventfd: the thread must end */
	int ask_fd;	      /* eventfd: an id waits */
	pthread_mutex_t lock; /* of the members below */
	struct engine_news *news;
	struct engine_news **news_tail;
	char **asked; /* ids that the loop wants to know */
	size_t asked_count;
};

#define ENGINE_TIMEOUT_MS 10000
/* @timeout_ms: for each answer but the stream of events. */
int engine_start(struct engine *engine, const char *socket, const char *agent, uint32_t timeout_ms);
void engine_stop(struct engine *engine);
/* Ask for a container that an event named before Docker did. */
void engine_ask(struct engine *engine, const char *id);
struct engine_news *engine_take(struct engine *engine);
void engine_news_free(struct engine_news *news);

/* ----------------------------------------------------------- containers.c */

struct known_container {
	struct map_node node; /* id */
	struct fim_container *container;
	char *root;
	char *started; /* when, as Docker says; NULL: not known */
	bool said;     /* the container record of that run was written */
	bool listed;
	int64_t gone_ms; /* 0: it exists */
	/* Of one that Docker did not tell about, else 0 and NULL. Numbers of namespaces are used
	 * again: its first process's start and its cgroup tell it from who had the number before. */
	uint64_t mnt_ns;
	uint64_t start_ticks;
	char *cgroup;
};

/* Read the exceptions; what was read before stays if they are wrong. */
void containers_load_exceptions(struct daemon *d);
void containers_handle(struct daemon *d);
/* NULL if Docker did not tell (yet). */
/* Docker says that it started: it ran, even if it is not running, or not there, any more. */
bool container_has_started(const struct engine_news *news);
const struct fim_container *containers_find(const struct daemon *d, const char *id);
/* The same, or who it is if no more is known yet. */
const struct fim_container *containers_identify(const struct daemon *d, const char *id);
/* Id of the container whose root is mounted there, NULL if unknown. */
const char *containers_id_of(const struct daemon *d, const char *root);
/* One that Docker did not tell about. Takes over @container. */
void containers_outsider(struct daemon *d, struct fim_container *container,
			 const struct fim_truth *truth);
/* True if that one is known; it counts as seen then. */
bool containers_seen(struct daemon *d, const struct fim_truth *truth);
/* Those of them that were not seen since the last time are gone. */
void containers_outsiders_listed(struct daemon *d);
/* Its id; NULL: no container outside Docker has this mount namespace and is in this cgroup. */
const char *containers_id_of_ns(const struct daemon *d, uint64_t mnt_ns, const char *cgroup);
void containers_exit(struct daemon *d);

/* ------------------------------------------------------------ outsiders.c */

/* Something was mounted: look soon. */
void outsiders_want(struct daemon *d);
/* Look now, unless that was done a moment ago. */
void outsiders_look(struct daemon *d);
/* Docker says that it has none of this id; look. */
void outsiders_denied(struct daemon *d, const char *id);
void outsiders_poll(struct daemon *d);
void outsiders_exit(struct daemon *d);

/* ---------------------------------------------------------------- place.c */

/* Refused attempts that may be told. */
struct attempts {
	int64_t free_ms; /* when the next one is in time */
	uint64_t unsaid;
};

struct own_place;

/* Is it about a watched place, or a refused attempt, and not a change of a file? */
bool place_is_event(const struct fim_event *event);
/* Record it, and compare if need be. Takes over @change. */
int place_event(struct daemon *d, struct fim_change *change);
/*
 * A change in a root that was watched by rule and is in no mount table that we see, or was
 * gone before we looked: it cannot be measured, but told. Takes over @change.
 */
int place_unmeasured(struct daemon *d, struct fim_change *change);

/* Record that somebody changed @path, which is the control's own. */
int place_own(struct daemon *d, struct cause *cause, const struct own_place *place,
	      const char *path, enum fim_severity severity);

/* ------------------------------------------------------------------ own.c */

#define OWN_PLACES_MAX 64

struct own_place {
	char *path;
	const char *part; /* static: baseline, journal, program, … */
	bool prefix;	  /* whatever begins with @path */
	bool state;	  /* we write there */
};

/* What the control consists of. */
struct own {
	struct own_place places[OWN_PLACES_MAX];
	size_t count;
	char *program; /* this one's path; NULL: unknown */
};

void own_init(struct daemon *d);
void own_exit(struct daemon *d);
/* NULL if @path is nothing of ours. */
const struct own_place *own_find(const struct own *own, const char *path);
/* Watch what of it no policy covers. */
void own_watch(struct daemon *d);
/* Somebody changed it. Takes over @change. */
int own_event(struct daemon *d, struct fim_change *change, const struct own_place *place,
	      const char *path);

/* --------------------------------------------------------------- access.c */

void accesses_exit(struct daemon *d);
/* Docker says that somebody got into a container. */
void access_docker(struct daemon *d, const struct engine_news *news);
/*
 * How the process behind a change got into its container, if it was not started with it:
 * an object for the finding, NULL otherwise.  The first of an ECS Exec session, and a
 * program that only pretends to be one, are records of their own.
 */
struct fim_json *access_of(struct daemon *d, const struct cause *cause);

/* --------------------------------------------------------------- status.c */

/* Listen at @path, which gets mode 0600; a socket that was left there is replaced. */
int socket_listen(const char *path, int type, int *fd_ret);
int status_open(struct daemon *d);
/* Answer whoever waits on the socket. */
void status_answer(struct daemon *d);
void status_close(struct daemon *d);

/* ------------------------------------------------------------ privilege.c */

/* Give up what the loop does not need; before any thread is started. */
int privilege_drop(void);

/* ------------------------------------------------------------- seccomp.c */

/* Only the system calls that the loop needs from here on; before any thread is started. */
/* @inet: the ECS agent is asked over TCP. */
int seccomp_enter(bool inet);

/* --------------------------------------------------------------- notify.c */

/* Tell the service manager, if there is one: "READY=1", "STOPPING=1". */
void notify(const char *state);
/* How often it wants to hear that we live, in milliseconds; 0: it does not. */
int64_t notify_watchdog_ms(void);

/* ----------------------------------------------------------------- loop.c */

/* What happened without a record, and every error that is swallowed: shown by status. */
struct counters {
	uint64_t events;
	uint64_t findings;
	uint64_t lost;
	uint64_t bad_records;
	uint64_t unknown_watch;
	uint64_t outside;  /* inside a watch, outside the policy */
	uint64_t excluded; /* the policy says so */
	uint64_t own;	   /* changes of what the control itself consists of */
	uint64_t unchanged;
	uint64_t artefacts;
	uint64_t repeated; /* a comparison met what had been found before */
	uint64_t no_memory;
	uint64_t journal_errors;
	uint64_t rule_hits;
	uint64_t rule_repeats; /* the same hit by the same process at once */
	uint64_t rule_told;    /* hits that the journal had already */
};

#define STRAYS_KEPT 256

struct daemon {
	struct fim_config *config;
	const char *config_path; /* NULL: the default one */
	struct fim_journal *journal;
	struct fim_baseline *baseline;
	struct fim_hasher *hasher;
	struct names *users;
	struct names *groups;
	struct map processes;
	struct process *oldest_process;
	struct process *youngest_process;
	struct map programs;
	struct source source;
	unsigned char *read_buf;
	uint64_t last_seq; /* of the source */
	bool has_seq;
	bool reading;		      /* inside events_read() */
	bool roots_looked_for;	      /* since the last read */
	uint32_t strays[STRAYS_KEPT]; /* watches of the source that are no tree's */
	size_t strays_next;

	int epoll_fd;
	int signal_fd;
	int timer_fd;
	int mount_fd;
	int status_fd;
	int request_fd;
	int peers[PEERS_MAX]; /* whoever is about to give an order; -1: none */
	unsigned int peer_next;

	struct tree *host;
	struct tree *containers; /* list */
	struct watch *watches;
	struct pending_table pending;
	struct finding *held; /* waiting for Docker, oldest first */
	struct findings_ready ready;
	struct rules *rules;
	struct trail *trail; /* NULL: no directory of CloudTrail files */
	struct fim_exceptions *exceptions;
	struct engine engine;
	bool engine_up;
	bool driver_said;
	bool engine_starting; /* not all of its containers are known yet */
	char engine_api[16];
	struct map suspects;	   /* ids that Docker was asked about, as it did not tell of them */
	size_t outsider_count;	   /* in container_table */
	uint64_t host_mnt_ns;	   /* of process 1; 0: not readable */
	int64_t outsiders_ms;	   /* when to look for containers outside Docker */
	int64_t outsiders_last_ms; /* when that was done last */
	int64_t outsiders_gap_ms;  /* to the next time, longer each time */
	struct map accesses;	   /* ECS Exec sessions and execs that were told */
	struct host host_facts;
	struct attempts attempts;
	struct own own;
	struct map container_table;
	struct map identity_table; /* containers that Docker did not let look into yet */
	struct sinks sinks;

	struct alerts alerts;
	struct change change;
	struct fim_json *compare_who; /* who asked for the next comparison */

	enum control_state controls[COMPONENT_COUNT];
	int64_t control_since_ns[COMPONENT_COUNT]; /* since when it is not up; 0: it is */
	enum trigger wanted;
	int64_t wanted_ms;
	int64_t compare_ms;	/* when the next is due */
	int64_t compare_end_ms; /* when the last ended, how long it took, and why it was */
	int64_t compare_took_ms;
	enum trigger compare_trigger;
	uint64_t lost_unsaid;	     /* counted since the loss record, said before the next "up" */
	uint32_t compare_run;	     /* how many there were */
	struct history history;	     /* of the run before */
	struct fim_json *comparison; /* the last one's record */
	int64_t source_retry_ms;     /* INT64_MAX: not wanted */
	int64_t started_ns;
	uint64_t journal_seq;
	int64_t journal_retry_ms; /* not opened again before this */
	uint64_t unrecorded;	  /* records that the journal did not take, since when */
	int64_t unrecorded_ns;
	char journal_head[FIM_SHA256_HEX_SIZE];
	struct counters counters;
	bool reload;		  /* SIGHUP came */
	int clock_fd;		  /* cancelled when somebody sets the clock */
	int64_t clock_ahead_ns;	  /* of the wall clock before the monotonic one */
	int64_t watchdog_ms;	  /* how often; 0: never */
	int64_t watchdog_next_ms; /* INT64_MAX: never */
	bool stop;
	int stop_signal;
	char stop_sender[256]; /* who sent it */
	int tracer;	       /* pid of who traces us, 0: nobody */
};

#define READ_BUF_SIZE (256u << 10)

int daemon_init(struct daemon *d, struct fim_config *config); /* takes over @config */
void daemon_exit(struct daemon *d);
/* Open the module, or say that it is missing and when it is tried again. */
void daemon_open_source(struct daemon *d);
/* Serve what must not wait during a long comparison. */
void daemon_breathe(struct daemon *d);
/* One turn of the loop; waits at most @timeout_ms. */
int daemon_turn(struct daemon *d, int timeout_ms);
int daemon_loop(struct daemon *d);

#endif /* DAEMON_H */
