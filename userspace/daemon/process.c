/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that did something, and their ancestors: what /proc still knows of them,
 * read once each, and which program they run.
 *
 * What the module says was true when the operation completed.  /proc is read later,
 * so it is believed only where it provably speaks of the same process (start time).
 * A process that is known costs one look-up per event, and nothing is asked again.
 *
 * Owns the tables of processes and of programs' digests; both are bounded, the
 * longest known makes room.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "daemon.h"

#define PROCESSES_MAX  4096
#define PROGRAMS_MAX   1024
#define PROC_ARGS_MAX  1024
#define EXE_DIGEST_MAX (64u << 20)
#define KEY_SIZE       96
#define CWD_FRESH_MS   200
#define NSEC_PER_TICK  10000000 /* USER_HZ is 100 on every architecture we run on */

/* A program's content, known by the identity of its file. */
struct program {
	struct map_node node;
	unsigned char sha256[FIM_SHA256_SIZE];
};

ssize_t proc_read(uint32_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	close(fd);
	return len;
}

static char *read_link(uint32_t pid, const char *name)
{
	char path[64];
	char target[4096];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	len = readlink(path, target, sizeof(target) - 1);
	return len > 0 ? strndup(target, len) : NULL;
}

/* Field 22 of /proc/PID/stat; the second one may hold blanks and parentheses. */
bool process_is_alive(uint32_t tgid, uint64_t start_ns)
{
	unsigned long long start = 0;
	char stat[1024];
	ssize_t len = tgid ? proc_read(tgid, "stat", stat, sizeof(stat) - 1) : 0;
	char *p;

	if (len <= 0)
		return false;
	stat[len] = '\0';
	p = strrchr(stat, ')');
	if (!p)
		return false;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &start) != 1)
		return false;
	return start == start_ns / NSEC_PER_TICK;
}

/* ------------------------------------------------------------------------ programs */

static void program_key(const struct stat *st, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "%jx:%jx:%jx:%jx.%lx", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
		 (uintmax_t)st->st_size, (uintmax_t)st->st_ctim.tv_sec,
		 (unsigned long)st->st_ctim.tv_nsec);
}

static int digest_fd(struct daemon *d, int fd, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	static unsigned char buf[65536];
	ssize_t len = 0;
	int err = fim_hasher_reset(d->hasher);

	while (!err && (len = read(fd, buf, sizeof(buf))) > 0)
		err = fim_hasher_update(d->hasher, buf, len);
	if (!err && len < 0)
		err = -errno;
	return err ? err : fim_hasher_final(d->hasher, digest_ret);
}

static void programs_tidy(struct daemon *d)
{
	struct program *program;

	/* Which one goes does not matter: it would be read once more. */
	while (d->programs.count >= PROGRAMS_MAX && (program = map_next(&d->programs, NULL))) {
		char *key = program->node.key;

		map_del(&d->programs, &program->node);
		free(key);
		free(program);
	}
}

/* Digest of an open program, read only if it was not before. */
static int program_digest(struct daemon *d, int fd, const struct stat *st,
			  unsigned char digest_ret[FIM_SHA256_SIZE])
{
	struct program *program;
	char key[KEY_SIZE];
	int err;

	if (!S_ISREG(st->st_mode) || st->st_size > EXE_DIGEST_MAX)
		return -EFBIG;
	program_key(st, key);
	program = map_find(&d->programs, key);
	if (program) {
		memcpy(digest_ret, program->sha256, FIM_SHA256_SIZE);
		return 0;
	}
	err = digest_fd(d, fd, digest_ret);
	if (err)
		return err;
	programs_tidy(d);
	program = calloc(1, sizeof(*program));
	if (program)
		memcpy(program->sha256, digest_ret, FIM_SHA256_SIZE);
	if (program && map_put(&d->programs, key, &program->node))
		free(program);
	return 0;
}

/* What the last look at the host found there, if the file was not touched since. */
static bool program_known(struct daemon *d, const char *path, const struct stat *st,
			  unsigned char digest_ret[FIM_SHA256_SIZE])
{
	struct fim_state now = {
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.ctime_ns = st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec,
		.mtime_ns = st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec,
	};
	struct fim_state last = {0};
	bool known = false;

	if (!tree_is_untouched(d, d->host, path, &now) || tree_last(d, d->host, path, &last))
		return false;
	if (last.has_digest) {
		memcpy(digest_ret, last.sha256, FIM_SHA256_SIZE);
		known = true;
	}
	fim_state_clear(&last);
	return known;
}

/* The file that a process runs, opened; its identity is the one the module saw, or -ESTALE. */
static int exe_open(const struct fim_change *change, const struct process *process,
		    struct stat *st_ret)
{
	const struct fim_actor *actor = &change->event.actor;
	char link[64];
	int fd = -1;

	snprintf(link, sizeof(link), "/proc/%u/exe", actor->tgid);
	if (process->alive)
		fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && change->exe)
		fd = open(change->exe, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The device of a subvolume is not the one that the kernel has in the inode. */
	if (fstat(fd, st_ret) < 0 || st_ret->st_ino != actor->exe_ino) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

/* In a container of which nothing is known yet: its paths are not the host's. */
static void exe_elsewhere(struct daemon *d, const struct fim_change *change,
			  struct process *process)
{
	char link[64];
	struct stat st;
	int fd;

	if (!process->alive)
		return;
	snprintf(link, sizeof(link), "/proc/%u/exe", change->event.actor.tgid);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fstat(fd, &st))
		process->digested = !program_digest(d, fd, &st, process->sha256);
	close(fd);
}

static void exe_host(struct daemon *d, const struct fim_change *change, struct process *process)
{
	const struct fim_entry *entry = NULL;
	struct stat st;
	int fd = exe_open(change, process, &st);

	if (fd < 0)
		return;
	if (change->exe && program_known(d, change->exe, &st, process->sha256))
		process->digested = true;
	else
		process->digested = !program_digest(d, fd, &st, process->sha256);
	close(fd);
	if (change->exe && d->baseline)
		entry = fim_baseline_lookup(d->baseline, change->exe);
	process->origin = "unknown";
	if (!entry || !entry->state.has_digest || !process->digested)
		return;
	if (memcmp(entry->state.sha256, process->sha256, FIM_SHA256_SIZE) != 0) {
		process->origin = "changed";
		return;
	}
	process->origin = "baseline";
	if (entry->package)
		process->package = strdup(entry->package);
}

/* A container's program: of its image, or made since it was started. */
static void exe_container(struct daemon *d, const struct fim_change *change,
			  const struct tree *tree, struct process *process)
{
	unsigned char image[FIM_SHA256_SIZE];
	size_t layer, first = 1;
	struct stat st;
	int fd;

	if (!change->exe)
		return;
	fd = layers_open(&tree->layers, 0, change->exe, &layer);
	if (fd >= 0 && !fstat(fd, &st))
		process->digested = !program_digest(d, fd, &st, process->sha256);
	if (fd >= 0)
		close(fd);
	else
		return; /* bound into it, or gone */
	process->origin = layer ? "image" : "drift";
	if (layer || !process->digested)
		return;
	/* Copied up by a chmod, say, it is still the image's. */
	fd = layers_open(&tree->layers, first, change->exe, &layer);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && !program_digest(d, fd, &st, image) &&
	    memcmp(image, process->sha256, FIM_SHA256_SIZE) == 0)
		process->origin = "image";
	close(fd);
}

/* ----------------------------------------------------------------------- processes */

struct process *process_get(struct process *process)
{
	process->refs++;
	return process;
}

void process_put(struct process *process)
{
	if (!process || --process->refs)
		return;
	free(process->exe);
	free(process->cwd);
	free(process->args);
	free(process->package);
	free(process);
}

static void processes_tidy(struct daemon *d)
{
	while (d->processes.count >= PROCESSES_MAX && d->oldest_process) {
		struct process *process = d->oldest_process;
		char *key = process->node.key;

		d->oldest_process = process->younger;
		if (!d->oldest_process)
			d->youngest_process = NULL;
		map_del(&d->processes, &process->node);
		free(key);
		process_put(process);
	}
}

static void identity_key(const struct fim_ancestor *who, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "%u:%" PRIx64 ":%x:%" PRIx64, who->tgid, (uint64_t)who->start_ns,
		 who->exe_dev, (uint64_t)who->exe_ino);
}

struct process *process_find(const struct daemon *d, const struct fim_ancestor *who)
{
	char key[KEY_SIZE];

	identity_key(who, key);
	return map_find(&d->processes, key);
}

/* It has not executed another program since. Inside an overlay the numbers do not tell. */
static bool is_same_program(const struct fim_ancestor *who)
{
	char link[64];
	struct statfs fs;
	struct stat st;

	snprintf(link, sizeof(link), "/proc/%u/exe", who->tgid);
	/* A kernel thread, or a source that does not know. */
	if (!who->exe_ino)
		return true;
	if (stat(link, &st) < 0)
		return false;
	return st.st_ino == who->exe_ino ||
	       (statfs(link, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC);
}

static void process_read(struct process *process, const struct fim_ancestor *who)
{
	char args[PROC_ARGS_MAX];
	ssize_t len;

	if (!process_is_alive(who->tgid, who->start_ns))
		return;
	process->exe = read_link(who->tgid, "exe");
	process->cwd = read_link(who->tgid, "cwd");
	process->cwd_ms = now_ms();
	len = proc_read(who->tgid, "cmdline", args, sizeof(args));
	if (len > 0 && (process->args = malloc(len))) {
		memcpy(process->args, args, len);
		process->args_len = len;
	}
	/* Still: then all of the above is about it. */
	process->alive = is_same_program(who) && process_is_alive(who->tgid, who->start_ns);
	if (process->alive)
		return;
	free(process->exe);
	free(process->cwd);
	free(process->args);
	process->exe = process->cwd = process->args = NULL;
	process->args_len = 0;
}

static struct process *process_new(struct daemon *d, const struct fim_ancestor *who)
{
	struct process *process = calloc(1, sizeof(*process));
	char key[KEY_SIZE];

	if (!process)
		return NULL;
	process->refs = 1;
	processes_tidy(d);
	identity_key(who, key);
	if (map_put(&d->processes, key, &process->node)) {
		free(process);
		return NULL;
	}
	if (d->youngest_process)
		d->youngest_process->younger = process;
	else
		d->oldest_process = process;
	d->youngest_process = process;
	process_read(process, who);
	return process;
}

struct fim_ancestor process_identity(const struct fim_actor *actor)
{
	return (struct fim_ancestor){
		.start_ns = actor->start_ns,
		.exe_ino = actor->exe_ino,
		.exe_dev = actor->exe_dev,
		.tgid = actor->tgid,
	};
}

/* It may have gone elsewhere; the answer is the directory at most a moment ago. */
static void cwd_refresh(struct process *process, const struct fim_ancestor *who)
{
	char *cwd;

	if (!process->alive || now_ms() - process->cwd_ms < CWD_FRESH_MS)
		return;
	cwd = read_link(who->tgid, "cwd");
	process->cwd_ms = now_ms();
	process->alive = cwd && process_is_alive(who->tgid, who->start_ns);
	if (process->alive) {
		free(process->cwd);
		process->cwd = cwd;
	} else {
		free(cwd);
	}
}

struct process *process_meet(struct daemon *d, const struct fim_change *change, bool contained,
			     const struct tree *home)
{
	const struct fim_ancestor who = process_identity(&change->event.actor);
	struct process *process;

	if (!who.tgid)
		return NULL;
	process = process_find(d, &who);
	if (process) {
		cwd_refresh(process, &who);
		return process;
	}
	process = process_new(d, &who);
	if (!process)
		return NULL;
	if (contained && home)
		exe_container(d, change, home, process);
	else if (contained)
		exe_elsewhere(d, change, process);
	else
		exe_host(d, change, process);
	/* They may go, too, but not without having been met. */
	for (size_t i = 0; i < change->ancestor_count; i++)
		if (!process_find(d, &change->ancestors[i]))
			process_new(d, &change->ancestors[i]);
	return process_find(d, &who);
}

int processes_init(struct daemon *d)
{
	return map_init(&d->processes) || map_init(&d->programs) ? -ENOMEM : 0;
}

static void process_free(struct map_node *node)
{
	process_put((struct process *)node);
}

static void program_free(struct map_node *node)
{
	free((struct program *)node);
}

void processes_exit(struct daemon *d)
{
	if (d->processes.slots)
		map_exit(&d->processes, process_free);
	d->oldest_process = d->youngest_process = NULL;
	if (d->programs.slots)
		map_exit(&d->programs, program_free);
}
