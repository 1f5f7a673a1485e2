/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did it: the module's ids, and what /proc still knows.
 *
 * What the module says was true when the operation completed.  /proc is read later,
 * so it is believed only where it provably speaks of the same process (start time)
 * and the same program (executable).  Names of users are read from /etc/passwd and
 * not through NSS, which would load code and open connections in a root daemon.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define ARGS_BYTES_MAX	 4096
#define ARGS_MAX	 64
#define PASSWD_BYTES_MAX (4u << 20)
#define NSEC_PER_TICK	 10000000 /* USER_HZ is 100 on every architecture we run on */
#define UNSET		 0xffffffffu

struct user {
	uint32_t uid;
	char *name;
};

struct users {
	struct timespec mtime;
	ino_t ino;
	struct user *user;
	size_t count;
};

int users_new(struct users **users_ret)
{
	*users_ret = calloc(1, sizeof(**users_ret));
	return *users_ret ? 0 : -ENOMEM;
}

static void users_clear(struct users *users)
{
	for (size_t i = 0; i < users->count; i++)
		free(users->user[i].name);
	free(users->user);
	users->user = NULL;
	users->count = 0;
}

void users_free(struct users *users)
{
	if (!users)
		return;
	users_clear(users);
	free(users);
}

static void users_parse_line(struct users *users, char *line)
{
	char *save = NULL;
	char *name = strtok_r(line, ":", &save);
	char *password = strtok_r(NULL, ":", &save);
	char *uid = strtok_r(NULL, ":", &save);
	char *end = NULL;
	unsigned long value;
	struct user *user;

	if (!password || !uid)
		return;
	errno = 0;
	value = strtoul(uid, &end, 10);
	if (errno || *end || value > UINT32_MAX)
		return;
	user = reallocarray(users->user, users->count + 1, sizeof(*user));
	if (!user)
		return;
	users->user = user;
	user[users->count].uid = value;
	user[users->count].name = strdup(name);
	if (user[users->count].name)
		users->count++;
}

static void users_refresh(struct users *users)
{
	struct stat st;
	char *save = NULL;
	char *text;
	size_t len;

	if (stat("/etc/passwd", &st) < 0 ||
	    (st.st_ino == users->ino && st.st_mtim.tv_sec == users->mtime.tv_sec &&
	     st.st_mtim.tv_nsec == users->mtime.tv_nsec))
		return;
	users_clear(users);
	users->ino = st.st_ino;
	users->mtime = st.st_mtim;
	if (fim_file_read("/etc/passwd", PASSWD_BYTES_MAX, &text, &len))
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		users_parse_line(users, line);
	free(text);
}

const char *users_name(struct users *users, uint32_t uid)
{
	users_refresh(users);
	for (size_t i = 0; i < users->count; i++)
		if (users->user[i].uid == uid)
			return users->user[i].name;
	return NULL;
}

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

/* Field 22 of /proc/PID/stat; the second one may hold blanks and parentheses. */
static bool is_same_process(const struct fim_actor *actor)
{
	unsigned long long start = 0;
	char stat[1024];
	ssize_t len = proc_read(actor->tgid, "stat", stat, sizeof(stat) - 1);
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
	return start == actor->start_ns / NSEC_PER_TICK;
}

static bool is_same_program(const struct fim_change *change)
{
	const struct fim_actor *actor = &change->event.actor;
	char link[64];
	char exe[4096];
	struct stat st;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%u/exe", actor->tgid);
	if (stat(link, &st) == 0 && st.st_ino == actor->exe_ino && actor->exe_ino)
		return true;
	/* On overlayfs the kernel's inode number is not the one that stat(2) shows. */
	len = readlink(link, exe, sizeof(exe) - 1);
	if (len < 0 || !change->exe)
		return false;
	exe[len] = '\0';
	return strcmp(exe, change->exe) == 0;
}

/* NULL: the process is gone, or is another one, or runs another program by now. */
static struct fim_json *args_read(const struct fim_change *change)
{
	const struct fim_actor *actor = &change->event.actor;
	char cmdline[ARGS_BYTES_MAX];
	struct fim_json *args;
	ssize_t len;
	ssize_t pos = 0;

	if (!actor->tgid || !is_same_process(actor))
		return NULL;
	len = proc_read(actor->tgid, "cmdline", cmdline, sizeof(cmdline));
	if (len <= 0 || !is_same_program(change) || !is_same_process(actor))
		return NULL;
	args = fim_json_array();
	for (int i = 0; i < ARGS_MAX && pos < len; i++) {
		size_t arg_len = strnlen(cmdline + pos, len - pos);
		char *text = fim_is_utf8(cmdline + pos, arg_len)
				     ? strndup(cmdline + pos, arg_len)
				     : fim_escape(cmdline + pos, arg_len);

		if (text)
			fim_json_append_str(args, text);
		free(text);
		pos += arg_len + 1;
	}
	return args;
}

static const char *actor_from(const struct fim_event *event)
{
	uint32_t flags = event->flags;

	if (!event->actor.start_ns && flags & FIM_EV_ACTOR_PARTIAL)
		return "ended";
	if (flags & FIM_EV_ACTOR_WRITER)
		return "writer";
	if (flags & FIM_EV_ACTOR_OPENER)
		return "opener";
	if (flags & FIM_EV_ACTOR_CLOSER)
		return "closer";
	return "current";
}

static void set_name(struct fim_json *json, const char *key, const char *name)
{
	if (name)
		fim_json_set_bytes(json, key, name, strlen(name));
}

static struct fim_json *actor_json(struct daemon *d, const struct fim_change *change,
				   bool contained)
{
	const struct fim_actor *actor = &change->event.actor;
	struct fim_json *json = fim_json_object();
	bool logged_in = actor->loginuid != UNSET;

	fim_json_set_int(json, "pid", actor->tgid);
	/* It had ended before the source could ask: no number is better than a wrong one. */
	if (!actor->start_ns && change->event.flags & FIM_EV_ACTOR_PARTIAL)
		return json;
	fim_json_set_int(json, "tid", actor->pid);
	fim_json_set_int(json, "ppid", actor->ppid);
	fim_json_set_int(json, "vpid", actor->vpid);
	fim_json_set_int(json, "start_ns", actor->start_ns);
	fim_json_set_int(json, "uid", actor->uid);
	fim_json_set_int(json, "gid", actor->gid);
	fim_json_set_int(json, "euid", actor->euid);
	fim_json_set_int(json, "egid", actor->egid);
	/* A container has its own /etc/passwd: the host's names do not hold there. */
	if (!contained)
		set_name(json, "user", users_name(d->users, actor->uid));
	if (logged_in) {
		fim_json_set_int(json, "loginuid", actor->loginuid);
		set_name(json, "login_user", users_name(d->users, actor->loginuid));
		fim_json_set_int(json, "sessionid", actor->sessionid);
	} else {
		fim_json_set_null(json, "loginuid");
		fim_json_set_null(json, "login_user");
		fim_json_set_null(json, "sessionid");
	}
	fim_json_set_bytes(json, "comm", (const char *)actor->comm,
			   strnlen((const char *)actor->comm, sizeof(actor->comm)));
	set_name(json, "parent_comm", change->parent_comm);
	if (change->exe)
		fim_json_set_path(json, "exe", change->exe);
	return json;
}

int cause_new(struct daemon *d, struct fim_change *change, struct cause **cause_ret)
{
	const struct fim_actor *actor = &change->event.actor;
	struct cause *cause = calloc(1, sizeof(*cause));
	struct fim_json *args;
	bool contained;

	if (!cause) {
		fim_change_free(change);
		return -ENOMEM;
	}
	cause->refs = 1;
	cause->change = change;
	contained = change->cgroup && fim_cgroup_container_id(change->cgroup, cause->container_id);
	if (!contained)
		cause->container_id[0] = '\0';
	cause->actor = actor_json(d, change, contained);
	args = args_read(change);
	if (args)
		fim_json_set(cause->actor, "args", args);
	if (change->cgroup)
		fim_json_set_path(cause->actor, "cgroup", change->cgroup);
	if (actor->mnt_ns || actor->start_ns) {
		fim_json_set_int(cause->actor, "mnt_ns", actor->mnt_ns);
		fim_json_set_int(cause->actor, "pid_ns", actor->pid_ns);
	}
	fim_json_set_str(cause->actor, "from", actor_from(&change->event));
	*cause_ret = cause;
	return 0;
}

struct cause *cause_get(struct cause *cause)
{
	cause->refs++;
	return cause;
}

void cause_put(struct cause *cause)
{
	if (!cause || --cause->refs)
		return;
	fim_change_free(cause->change);
	fim_json_free(cause->actor);
	free(cause);
}
