/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did it.  fanotify names a process by its id only; what it was has to be read
 * from /proc before it ends.  With a pidfd (Linux 5.15) it is certain that what was
 * read is about that process; before, that it started before the event.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fanotify.h"

#define NSEC_PER_TICK 10000000 /* USER_HZ is 100 */
#define PROC_MAX      8192
#define UNSET	      0xffffffffu

static ssize_t read_text(uint32_t pid, const char *name, char *text, size_t size)
{
	ssize_t len = proc_read(pid, name, text, size - 1);

	text[len > 0 ? len : 0] = '\0';
	return len;
}

/* Fields 4 and 22 of /proc/PID/stat. */
static bool read_stat(uint32_t pid, struct fim_actor *actor)
{
	unsigned long long start = 0;
	char text[PROC_MAX];
	char *p;

	if (read_text(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %*c %u", &actor->ppid) != 1)
		return false;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &start) != 1)
		return false;
	actor->start_ns = start * NSEC_PER_TICK;
	return true;
}

/* The last of several numbers. */
static uint32_t last_number(const char *line)
{
	const char *end = line + strcspn(line, "\n");
	uint32_t value = 0;

	while (line < end) {
		line += strspn(line, " \t");
		value = strtoul(line, NULL, 10);
		line += strcspn(line, " \t\n");
	}
	return value;
}

static bool read_status(uint32_t pid, struct fim_actor *actor)
{
	char text[PROC_MAX];
	const char *line;

	if (read_text(pid, "status", text, sizeof(text)) <= 0)
		return false;
	/* The name comes first and is escaped: no other line can be forged by it. */
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, "\nUid: %u %u", &actor->uid, &actor->euid) != 2)
		return false;
	line = strstr(text, "\nGid:");
	if (!line || sscanf(line, "\nGid: %u %u", &actor->gid, &actor->egid) != 2)
		return false;
	line = strstr(text, "\nNSpid:");
	actor->vpid = line ? last_number(line + strlen("\nNSpid:")) : pid;
	return true;
}

static uint32_t read_number(uint32_t pid, const char *name)
{
	char text[32];

	return read_text(pid, name, text, sizeof(text)) > 0 ? strtoul(text, NULL, 10) : UNSET;
}

static uint32_t namespace_of(uint32_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/%s", pid, name);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static char *read_exe(uint32_t pid, struct fim_actor *actor)
{
	char path[64];
	char exe[4096];
	struct stat st;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	len = readlink(path, exe, sizeof(exe));
	if (len <= 0 || len == sizeof(exe))
		return NULL;
	if (stat(path, &st) == 0) {
		actor->exe_ino = st.st_ino;
		actor->exe_dev = st.st_dev;
	}
	return strndup(exe, len);
}

/* Version 2 if mounted, else the first of version 1 that is not the root. */
static char *read_cgroup(uint32_t pid)
{
	char text[PROC_MAX];
	char *save = NULL;
	char *found = NULL;

	if (read_text(pid, "cgroup", text, sizeof(text)) <= 0)
		return NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, '/');

		if (!path)
			continue;
		if (!found || (found[1] == '\0' && path[1]))
			found = path;
		if (strncmp(line, "0::", 3) == 0 && path[1])
			found = path;
	}
	return found ? strdup(found) : NULL;
}

/* The number of a version 2 cgroup is its directory's. */
static uint64_t cgroup_id(const char *cgroup)
{
	char path[4200];
	struct stat st;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s", cgroup);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* A zombie still counts: its id belongs to nobody else before it is reaped. */
static bool is_there(uint32_t pid, int pidfd)
{
	char path[64];

	if (pidfd >= 0)
		return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno != ESRCH;
	snprintf(path, sizeof(path), "/proc/%u", pid);
	return access(path, F_OK) == 0;
}

void fan_actor_clear(struct fan_actor *actor)
{
	free(actor->exe);
	free(actor->cgroup);
	memset(actor, 0, sizeof(*actor));
}

bool fan_actor_read(uint32_t pid, int pidfd, struct fan_actor *actor_ret)
{
	struct fan_actor actor = {.ids = {.pid = pid, .tgid = pid, .vpid = pid}};
	struct fim_actor *ids = &actor.ids;
	struct fim_actor again = {0};
	char comm[32];

	*actor_ret = actor;
	actor_ret->ids.loginuid = actor_ret->ids.sessionid = UNSET;
	if (!read_stat(pid, ids) || !read_status(pid, ids))
		return false;
	ids->loginuid = read_number(pid, "loginuid");
	ids->sessionid = read_number(pid, "sessionid");
	ids->mnt_ns = namespace_of(pid, "mnt");
	ids->pid_ns = namespace_of(pid, "pid");
	if (read_text(pid, "comm", comm, 17) > 0)
		memcpy(ids->comm, comm, strcspn(comm, "\n"));
	actor.exe = read_exe(pid, ids);
	actor.cgroup = read_cgroup(pid);
	if (actor.cgroup)
		ids->cgroup_id = cgroup_id(actor.cgroup);
	if (ids->ppid && read_text(ids->ppid, "comm", comm, 16) > 0)
		memcpy(actor.parent_comm, comm, strcspn(comm, "\n"));
	/* Still the same one after all was read? */
	if (!is_there(pid, pidfd) || !read_stat(pid, &again) || again.start_ns != ids->start_ns) {
		fan_actor_clear(&actor);
		return false;
	}
	*actor_ret = actor;
	return true;
}

bool fan_actor_sees(uint32_t pid, const struct fan_watch *watch)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	return watch->root_ino && stat(path, &st) == 0 && st.st_dev == watch->dev &&
	       st.st_ino == watch->root_ino;
}
