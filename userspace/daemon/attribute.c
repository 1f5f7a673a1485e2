/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did it, as a finding tells it: the module's facts first, what /proc still knew
 * (process.c) second.  Names of users are read from /etc/passwd and /etc/group and not
 * through NSS, which would load code and open connections in a root daemon.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define ARGS_MAX	64
#define NAMES_BYTES_MAX (4u << 20)
#define UNSET		0xffffffffu

struct name {
	uint32_t id;
	char *text;
};

struct names {
	const char *path;
	struct timespec mtime;
	ino_t ino;
	struct name *name;
	size_t count;
};

int names_new(const char *path, struct names **names_ret)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->path = path;
	*names_ret = names;
	return 0;
}

static void names_clear(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->name[i].text);
	free(names->name);
	names->name = NULL;
	names->count = 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	names_clear(names);
	free(names);
}

static void names_parse_line(struct names *names, char *line)
{
	char *save = NULL;
	char *text = strtok_r(line, ":", &save);
	char *password = strtok_r(NULL, ":", &save);
	char *id = strtok_r(NULL, ":", &save);
	char *end = NULL;
	unsigned long value;
	struct name *name;

	if (!password || !id)
		return;
	errno = 0;
	value = strtoul(id, &end, 10);
	if (errno || *end || value > UINT32_MAX)
		return;
	name = reallocarray(names->name, names->count + 1, sizeof(*name));
	if (!name)
		return;
	names->name = name;
	name[names->count].id = value;
	name[names->count].text = strdup(text);
	if (name[names->count].text)
		names->count++;
}

static void names_refresh(struct names *names)
{
	struct stat st;
	char *save = NULL;
	char *text;
	size_t len;

	if (stat(names->path, &st) < 0 ||
	    (st.st_ino == names->ino && st.st_mtim.tv_sec == names->mtime.tv_sec &&
	     st.st_mtim.tv_nsec == names->mtime.tv_nsec))
		return;
	names_clear(names);
	names->ino = st.st_ino;
	names->mtime = st.st_mtim;
	if (fim_file_read(names->path, NAMES_BYTES_MAX, &text, &len))
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		names_parse_line(names, line);
	free(text);
}

const char *names_find(struct names *names, uint32_t id)
{
	names_refresh(names);
	for (size_t i = 0; i < names->count; i++)
		if (names->name[i].id == id)
			return names->name[i].text;
	return NULL;
}

/* It had ended before the source could ask: no number is better than a wrong one. */
static bool had_ended(const struct fim_event *event)
{
	return !event->actor.start_ns && event->flags & FIM_EV_ACTOR_PARTIAL;
}

static const char *actor_from(const struct fim_event *event)
{
	uint32_t flags = event->flags;

	if (had_ended(event))
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

/* ------------------------------------------------------------------------ arguments */

/* As many as there are, the last one perhaps cut; each in UTF-8, or escaped. */
static struct fim_json *args_json(const char *args, size_t len)
{
	struct fim_json *json = fim_json_array();
	size_t pos = 0;

	for (int i = 0; i < ARGS_MAX && pos < len; i++) {
		size_t arg_len = strnlen(args + pos, len - pos);
		char *text = fim_is_utf8(args + pos, arg_len) ? strndup(args + pos, arg_len)
							      : fim_escape(args + pos, arg_len);

		if (text)
			fim_json_append_str(json, text);
		free(text);
		pos += arg_len + 1;
	}
	return json;
}

/* One line for people and rules: blanks between arguments, everything else escaped. */
static char *command_text(const char *args, size_t len)
{
	char *line;
	char *text;

	while (len && !args[len - 1])
		len--;
	line = malloc(len + 1);
	if (!line)
		return NULL;
	for (size_t i = 0; i < len; i++)
		line[i] = args[i] ? args[i] : ' ';
	text = fim_escape(line, len);
	free(line);
	return text;
}

static void args_set(struct fim_json *json, const struct cause *cause)
{
	const struct fim_change *change = cause->change;
	const struct process *process = cause->process;
	const char *args = change->args;
	size_t len = change->args_len;
	char *command;

	if (!len && process && process->alive) {
		args = process->args;
		len = process->args_len;
	}
	if (!len)
		return;
	fim_json_set(json, "args", args_json(args, len));
	if (change->process.flags & FIM_PROC_ARGS_CUT)
		fim_json_set_bool(json, "args_cut", true);
	command = command_text(args, len);
	fim_json_set_str(json, "command", command);
	free(command);
}

char *cause_command(const struct cause *cause)
{
	const struct fim_change *change = cause->change;
	const struct process *process = cause->process;

	if (change->args_len)
		return command_text(change->args, change->args_len);
	if (process && process->alive && process->args_len)
		return command_text(process->args, process->args_len);
	return change->exe ? fim_escape(change->exe, strlen(change->exe)) : NULL;
}

/* ---------------------------------------------------------------------------- actor */

static void ids_set(struct daemon *d, struct fim_json *json, const struct fim_actor *actor,
		    bool contained)
{
	bool logged_in = actor->loginuid != UNSET;

	fim_json_set_int(json, "pid", actor->tgid);
	fim_json_set_int(json, "tid", actor->pid);
	fim_json_set_int(json, "ppid", actor->ppid);
	fim_json_set_int(json, "vpid", actor->vpid);
	fim_json_set_int(json, "start_ns", actor->start_ns);
	fim_json_set_int(json, "uid", actor->uid);
	fim_json_set_int(json, "gid", actor->gid);
	fim_json_set_int(json, "euid", actor->euid);
	fim_json_set_int(json, "egid", actor->egid);
	/* A container has its own /etc/passwd: the host's names do not hold there. */
	if (!contained) {
		set_name(json, "user", names_find(d->users, actor->uid));
		set_name(json, "group", names_find(d->groups, actor->gid));
	}
	if (logged_in) {
		fim_json_set_int(json, "loginuid", actor->loginuid);
		set_name(json, "login_user", names_find(d->users, actor->loginuid));
		fim_json_set_int(json, "sessionid", actor->sessionid);
	} else {
		fim_json_set_null(json, "loginuid");
		fim_json_set_null(json, "login_user");
		fim_json_set_null(json, "sessionid");
	}
}

/* Device numbers of Documentation/admin-guide/devices.txt. */
static void tty_set(struct fim_json *json, uint32_t dev)
{
	uint32_t major = dev >> 8 & 0xfff;
	uint32_t minor = (dev & 0xff) | (dev >> 12 & 0xfff00);
	char name[32];

	if (!dev)
		return;
	if (major >= 136 && major <= 143)
		snprintf(name, sizeof(name), "pts/%u", (major - 136) * 256 + minor);
	else if (major == 4)
		snprintf(name, sizeof(name), "tty%s%u", minor < 64 ? "" : "S",
			 minor < 64 ? minor : minor - 64);
	else
		snprintf(name, sizeof(name), "%u:%u", major, minor);
	fim_json_set_str(json, "tty", name);
}

static void capabilities_set_json(struct fim_json *json, const char *key, uint64_t set)
{
	char hex[20];

	snprintf(hex, sizeof(hex), "%016" PRIx64, set);
	fim_json_set_str(json, key, hex);
}

static void power_set(struct fim_json *json, const struct fim_process *process)
{
	if (!process->user_ns)
		return;
	fim_json_set_int(json, "session", process->session);
	fim_json_set_int(json, "pgid", process->pgid);
	tty_set(json, process->tty);
	capabilities_set_json(json, "cap_effective", process->cap_effective);
	capabilities_set_json(json, "cap_permitted", process->cap_permitted);
	capabilities_set_json(json, "cap_bounding", process->cap_bounding);
	fim_json_set_bool(json, "no_new_privs", process->flags & FIM_PROC_NO_NEW_PRIVS);
	fim_json_set_bool(json, "seccomp", process->flags & FIM_PROC_SECCOMP);
	fim_json_set_int(json, "user_ns", process->user_ns);
}

static void program_set(struct fim_json *json, const struct process *process)
{
	char hex[FIM_SHA256_HEX_SIZE];

	if (!process)
		return;
	if (process->digested) {
		fim_hex_encode(process->sha256, sizeof(process->sha256), hex);
		fim_json_set_str(json, "exe_sha256", hex);
	}
	if (process->origin)
		fim_json_set_str(json, "exe_origin", process->origin);
	fim_json_set_str(json, "exe_package", process->package);
	if (process->cwd)
		fim_json_set_path(json, "cwd", process->cwd);
}

static struct fim_json *ancestor_json(const struct daemon *d, const struct fim_ancestor *ancestor)
{
	const struct process *process = process_find(d, ancestor);
	struct fim_json *json = fim_json_object();
	char *command;

	fim_json_set_int(json, "pid", ancestor->tgid);
	fim_json_set_int(json, "start_ns", ancestor->start_ns);
	fim_json_set_int(json, "uid", ancestor->uid);
	fim_json_set_bytes(json, "comm", (const char *)ancestor->comm,
			   strnlen((const char *)ancestor->comm, sizeof(ancestor->comm)));
	if (process && process->exe)
		fim_json_set_path(json, "exe", process->exe);
	if (process && process->args_len) {
		command = command_text(process->args, process->args_len);
		fim_json_set_str(json, "command", command);
		free(command);
	}
	return json;
}

static void ancestors_set(const struct daemon *d, struct fim_json *json,
			  const struct fim_change *change)
{
	struct fim_json *ancestors;

	if (!change->ancestor_count)
		return;
	ancestors = fim_json_array();
	for (size_t i = 0; i < change->ancestor_count; i++)
		fim_json_append(ancestors, ancestor_json(d, &change->ancestors[i]));
	fim_json_set(json, "ancestors", ancestors);
}

static struct fim_json *actor_json(struct daemon *d, const struct cause *cause)
{
	const struct fim_change *change = cause->change;
	const struct fim_actor *actor = &change->event.actor;
	struct fim_json *json = fim_json_object();

	if (had_ended(&change->event)) {
		fim_json_set_int(json, "pid", actor->tgid);
		fim_json_set_str(json, "from", actor_from(&change->event));
		return json;
	}
	ids_set(d, json, actor, cause->container_id[0] != '\0');
	fim_json_set_bytes(json, "comm", (const char *)actor->comm,
			   strnlen((const char *)actor->comm, sizeof(actor->comm)));
	set_name(json, "parent_comm", change->parent_comm);
	if (change->exe)
		fim_json_set_path(json, "exe", change->exe);
	args_set(json, cause);
	program_set(json, cause->process);
	power_set(json, &change->process);
	if (change->cgroup)
		fim_json_set_path(json, "cgroup", change->cgroup);
	if (actor->mnt_ns || actor->start_ns) {
		fim_json_set_int(json, "mnt_ns", actor->mnt_ns);
		fim_json_set_int(json, "pid_ns", actor->pid_ns);
	}
	fim_json_set_str(json, "from", actor_from(&change->event));
	ancestors_set(d, json, change);
	return json;
}

/* ---------------------------------------------------------------------------- cause */

/* The container that a process lives in; @where: the one it changed something in. */
static const struct tree *home_of(const struct daemon *d, const char *id, const struct tree *where)
{
	const struct tree *tree = d->containers;

	if (where && where->container && (!where->id[0] || strcmp(where->id, id) == 0))
		return where;
	while (tree && strcmp(tree->id, id) != 0 && strcmp(tree->hint, id) != 0)
		tree = tree->next;
	return tree;
}

/* Where the cgroup has no id of 64 digits: who has its name, or its mount namespace. */
static bool container_by_other_means(const struct daemon *d, const struct fim_change *change,
				     char id_ret[FIM_CONTAINER_ID_SIZE])
{
	const char *slash = change->cgroup ? strrchr(change->cgroup, '/') : NULL;
	uint32_t mnt_ns = change->event.actor.mnt_ns;
	const char *id = NULL;

	/* Nearly every process: it is the host's own. */
	if (!mnt_ns || mnt_ns == d->host_mnt_ns)
		return false;
	for (const struct tree *tree = slash ? d->containers : NULL; tree && !id; tree = tree->next)
		if (tree->id[0] && strcmp(tree->id, slash + 1) == 0)
			id = tree->id;
	if (!id)
		id = change->cgroup ? containers_id_of_ns(d, mnt_ns, change->cgroup) : NULL;
	if (!id)
		return false;
	snprintf(id_ret, FIM_CONTAINER_ID_SIZE, "%s", id);
	return true;
}

int cause_new(struct daemon *d, struct fim_change *change, const struct tree *tree,
	      struct cause **cause_ret)
{
	struct cause *cause = calloc(1, sizeof(*cause));
	const struct tree *home = NULL;
	struct process *process;
	bool contained;

	if (!cause) {
		fim_change_free(change);
		return -ENOMEM;
	}
	cause->refs = 1;
	cause->change = change;
	contained = change->cgroup && fim_cgroup_container_id(change->cgroup, cause->container_id);
	if (!contained)
		contained = container_by_other_means(d, change, cause->container_id);
	if (!contained)
		cause->container_id[0] = '\0';
	else
		home = home_of(d, cause->container_id, tree);
	process = process_meet(d, change, contained, home);
	cause->process = process ? process_get(process) : NULL;
	*cause_ret = cause;
	return 0;
}

struct fim_json *cause_actor(struct daemon *d, struct cause *cause)
{
	if (!cause->actor)
		cause->actor = actor_json(d, cause);
	return cause->actor;
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
	process_put(cause->process);
	free(cause);
}
