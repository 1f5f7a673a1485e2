/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes as /proc shows them, and which of them are containers' first.  What is read
 * of one process counts only if the same process is there at the end (start time): ids
 * are used again.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib_private.h"

#define MOUNTINFO_MAX (16u << 20)
#define MSEC_PER_TICK 10 /* USER_HZ is 100 on every architecture we run on */
#define START_TRIES   10
#define START_WAIT_US 20000

static const char *const namespaces[FIM_NS_COUNT] = {
	[FIM_NS_MNT] = "mnt",	    [FIM_NS_PID] = "pid", [FIM_NS_NET] = "net",
	[FIM_NS_IPC] = "ipc",	    [FIM_NS_UTS] = "uts", [FIM_NS_USER] = "user",
	[FIM_NS_CGROUP] = "cgroup",
};

static ssize_t read_text(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len;
}

/* Field 22; the second one may hold blanks and parentheses. 0: it is gone. */
static uint64_t start_ticks(int dir)
{
	char text[1024];
	char *at;
	int field;

	read_text(dir, "stat", text, sizeof(text));
	at = strrchr(text, ')');
	for (field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static uint64_t namespace_read(int dir, const char *name)
{
	char path[32], target[64];
	const char *number;
	ssize_t len;

	snprintf(path, sizeof(path), "ns/%s", name);
	len = readlinkat(dir, path, target, sizeof(target) - 1);
	if (len <= 0)
		return 0;
	target[len] = '\0';
	number = strchr(target, '[');
	return number ? strtoull(number + 1, NULL, 10) : 0;
}

/* Of several hierarchies the one whose path names a container, else the last: the default one. */
static void cgroup_read(int dir, struct fim_truth *truth)
{
	char text[8192], id[FIM_CONTAINER_ID_SIZE];
	char *line, *path, *save = NULL;

	read_text(dir, "cgroup", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		path = strchr(line, ':');
		path = path ? strchr(path + 1, ':') : NULL;
		if (!path || (path[1] == '/' && !path[2] && truth->cgroup[0]))
			continue;
		snprintf(truth->cgroup, sizeof(truth->cgroup), "%s", path + 1);
		if (fim_cgroup_container_id(path + 1, id))
			break;
	}
}

static int64_t age_ms(uint64_t ticks)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 - (int64_t)ticks * MSEC_PER_TICK;
}

static void parent_read(struct fim_truth *truth)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)truth->ppid);
	read_text(AT_FDCWD, path, truth->parent, sizeof(truth->parent));
	truth->parent[strcspn(truth->parent, "\n")] = '\0';
}

int fim_truth_read(int64_t pid, struct fim_truth *truth_ret)
{
	struct fim_truth truth = {.pid = pid};
	char path[32], text[8192];
	int dir, err = -ESRCH;
	size_t i;

	snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	truth.start_ticks = start_ticks(dir);
	if (read_text(dir, "status", text, sizeof(text)) <= 0 || !truth.start_ticks)
		goto out;
	fim_truth_parse_status(text, &truth);
	for (i = 0; i < FIM_NS_COUNT; i++)
		truth.ns[i] = namespace_read(dir, namespaces[i]);
	cgroup_read(dir, &truth);
	parent_read(&truth);
	truth.age_ms = age_ms(truth.start_ticks);
	if (read_text(dir, "attr/current", truth.label, sizeof(truth.label)) > 0)
		truth.label[strcspn(truth.label, "\n")] = '\0';
	/* The directory is of one process for good: it answers ESRCH when that is gone. */
	if (start_ticks(dir) == truth.start_ticks) {
		*truth_ret = truth;
		err = 0;
	}
out:
	close(dir);
	return err;
}

/* ------------------------------------------------------------------- search */

/* A process in a mount namespace that has another root. */
struct contained {
	uint64_t mnt;
	uint64_t start;
	int64_t pid;
};

struct search {
	struct contained *found;
	size_t count, room;
	uint64_t host_mnt;
	struct stat host_root;
};

static int search_note(struct search *search, const struct contained *process)
{
	struct contained *larger;

	if (search->count == search->room) {
		search->room = search->room ? 2 * search->room : 64;
		larger = realloc(search->found, search->room * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		search->found = larger;
	}
	search->found[search->count++] = *process;
	return 0;
}

static int compare_processes(const void *a, const void *b)
{
	const struct contained *left = a, *right = b;

	if (left->mnt != right->mnt)
		return left->mnt < right->mnt ? -1 : 1;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->pid < right->pid ? -1 : 1;
}

static int search_look(struct search *search, int proc, const char *name)
{
	struct contained process = {.pid = strtoll(name, NULL, 10)};
	char program[2];
	struct stat root;
	int dir, err = 0;

	dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0; /* ended meanwhile */
	/* A kernel thread runs no program; kdevtmpfs has a root of its own. */
	process.mnt = readlinkat(dir, "exe", program, sizeof(program)) > 0
			      ? namespace_read(dir, "mnt")
			      : 0;
	/* A service of the host with a mount namespace of its own still has the host's root. */
	if (process.mnt && process.mnt != search->host_mnt && !fstatat(dir, "root", &root, 0) &&
	    (root.st_dev != search->host_root.st_dev || root.st_ino != search->host_root.st_ino)) {
		process.start = start_ticks(dir);
		if (process.start)
			err = search_note(search, &process);
	}
	close(dir);
	return err;
}

int fim_truth_each(int (*fn)(void *ctx, const struct fim_truth *truth), void *ctx)
{
	struct search search = {.found = NULL};
	struct fim_truth truth;
	struct dirent *entry;
	DIR *proc;
	size_t i;
	int err = 0;

	proc = opendir("/proc");
	if (!proc)
		return -errno;
	if (fim_truth_read(1, &truth) || fstatat(dirfd(proc), "1/root", &search.host_root, 0) < 0) {
		closedir(proc);
		return -EACCES;
	}
	search.host_mnt = truth.ns[FIM_NS_MNT];
	while (!err && (entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			err = search_look(&search, dirfd(proc), entry->d_name);
	closedir(proc);
	/* The oldest of each namespace comes first. */
	if (search.count)
		qsort(search.found, search.count, sizeof(*search.found), compare_processes);
	for (i = 0; i < search.count && !err; i++)
		if ((!i || search.found[i].mnt != search.found[i - 1].mnt) &&
		    fim_truth_read(search.found[i].pid, &truth) == 0 &&
		    truth.start_ticks == search.found[i].start)
			err = fn(ctx, &truth);
	free(search.found);
	return err;
}

/*
 * What is too strong only because the runtime is not done yet is gone in a moment.
 * -EAGAIN: on a busy host, not in this one.
 */
static int settled_read(const struct fim_json *inspect, const struct fim_truth *host,
			const struct fim_container *container, struct fim_truth *truth_ret)
{
	bool clean = false;
	size_t i, k;
	int err = 0;

	for (i = 0; i < START_TRIES && !err && !clean; i++) {
		struct fim_container trial = *container;

		if (i)
			usleep(START_WAIT_US);
		trial.flags = NULL;
		trial.flag_count = 0;
		err = fim_truth_read(container->pid, truth_ret);
		if (!err)
			err = fim_truth_judge(inspect, truth_ret, host, &trial);
		clean = !trial.flag_count;
		for (k = 0; k < trial.flag_count; k++)
			free(trial.flags[k].evidence);
		free(trial.flags);
	}
	if (!err && !clean && fim_truth_is_begun(inspect, truth_ret, fim_time_now()))
		return -EAGAIN;
	return err;
}

int fim_truth_check(const struct fim_json *inspect, struct fim_container *container)
{
	struct fim_truth truth, host;
	char id[FIM_CONTAINER_ID_SIZE];
	int err;

	if (!container->running || container->pid <= 0 || fim_truth_read(1, &host))
		return 0;
	err = settled_read(inspect, &host, container, &truth);
	if (err && err != -EAGAIN)
		return 0;
	/* Another process may have the number by now. */
	if (!fim_cgroup_container_id(truth.cgroup, id) || strcmp(id, container->id) != 0)
		return 0;
	return err ? err : fim_truth_judge(inspect, &truth, &host, container);
}

/* What cannot be read, because the process is gone, adds nothing. */
static int judge_mounts(const struct fim_truth *truth, struct fim_container *container)
{
	char path[48];
	char *host = NULL, *own = NULL;
	struct fim_truth now;
	size_t len;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%lld/mountinfo", (long long)truth->pid);
	if (!fim_file_read("/proc/1/mountinfo", MOUNTINFO_MAX, &host, &len) &&
	    !fim_file_read(path, MOUNTINFO_MAX, &own, &len) && !fim_truth_read(truth->pid, &now) &&
	    now.start_ticks == truth->start_ticks)
		err = fim_mounts_judge(host, own, container);
	free(host);
	free(own);
	return err;
}

int fim_container_outside(const struct fim_truth *truth, const struct fim_truth *host,
			  struct fim_container **container_ret)
{
	struct fim_container *container;
	int err = fim_container_from_truth(truth, host, &container);

	if (err)
		return err;
	err = judge_mounts(truth, container);
	if (err)
		fim_container_free(container);
	else
		*container_ret = container;
	return err;
}
