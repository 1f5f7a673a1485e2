/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who got into a container that was running: docker exec and docker cp, as the engine
 * tells, and ECS Exec, as the line of ancestors shows.
 *
 * The ECS agent binds amazon-ssm-agent and its workers from the host into a container
 * whose task allows ECS Exec, and starts the agent there: the container is armed.  A
 * session is a process ssm-session-worker below it, whose argument is the session's id,
 * the same as in CloudTrail's ExecuteCommand.  A bind mount keeps the inode, so the real
 * program is known by identity: a file of the same name that is not the host's is a
 * forgery.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

#define ARMED_DIR    "/ecs-execute-command-"
#define WORKER	     "ssm-session-worker"
#define WORKER_FILES "/var/lib/ecs/deps/execute-command/bin/*/" WORKER
#define ACCESSES_MAX 4096

struct access {
	struct map_node node;
};

/* True the first time; when the table is full it starts anew, and something may be told twice. */
static bool is_news(struct daemon *d, const char *key)
{
	struct access *access;

	if (map_find(&d->accesses, key))
		return false;
	while (d->accesses.count >= ACCESSES_MAX && (access = map_next(&d->accesses, NULL))) {
		char *old = access->node.key;

		map_del(&d->accesses, &access->node);
		free(old);
		free(access);
	}
	access = calloc(1, sizeof(*access));
	if (access && map_put(&d->accesses, key, &access->node))
		free(access);
	return true;
}

static void access_free(struct map_node *node)
{
	free((struct access *)node);
}

void accesses_exit(struct daemon *d)
{
	if (d->accesses.slots)
		map_exit(&d->accesses, access_free);
}

static struct fim_json *flag_json(const char *id, enum fim_severity severity, const char *evidence,
				  const char *cis)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "id", id);
	fim_json_set_str(json, "severity", fim_severity_name(severity));
	fim_json_set_str(json, "evidence", evidence);
	fim_json_set_str(json, "cis", cis);
	return json;
}

/* Takes over @body. */
static void access_say(struct daemon *d, struct fim_json *body, const char *container_id,
		       const char *alarm)
{
	const struct fim_container *container = containers_find(d, container_id);
	const struct alert_field fields[] = {
		{"op", alarm, true},
		{"container", container_id, true},
		{"container_name", container ? container->name : NULL, false},
		{"task_arn", container && *container->task_arn ? container->task_arn : NULL, false},
	};
	struct alert alert = {
		.type = "container",
		.severity = FIM_SEVERITY_CRITICAL,
		.failed = true,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};
	char *line = NULL;
	char *text = NULL;

	fim_json_set(body, "container", finding_container(d, container_id));
	record_append(d, "access", body, &line);
	if (alarm && line) {
		if (asprintf(&text, "%s: container=%.12s", alarm, container_id) < 0)
			text = NULL;
		alert.text = text ? text : alarm;
		alert.line = line;
		sinks_send(d, &alert);
	}
	free(text);
	free(line);
}

/* ---------------------------------------------------------------------- docker exec */

static struct fim_json *command_json(const struct fim_json *config)
{
	const struct fim_json *args = fim_json_get(config, "arguments");
	struct fim_json *command = fim_json_array();

	fim_json_append_str(command, fim_json_get_str(config, "entrypoint"));
	for (size_t i = 0; i < fim_json_count(args); i++)
		fim_json_append_str(command, fim_json_str(fim_json_index(args, i)));
	return command;
}

/* As the engine reads it; without a user it is the container's, which its own flags tell. */
static bool is_root(const char *user)
{
	size_t len = user ? strcspn(user, ":") : 0;

	return len && ((len == 4 && memcmp(user, "root", 4) == 0) || strspn(user, "0") == len);
}

static const char *exec_describe(struct fim_json *body, const struct fim_json *exec)
{
	const struct fim_json *config = fim_json_get(exec, "ProcessConfig");
	const char *entry = fim_json_get_str(config, "entrypoint");
	const char *user = fim_json_get_str(config, "user");
	bool privileged = fim_json_get_bool(config, "privileged", false);
	struct fim_json *flags = fim_json_array();
	const char *action = "docker-exec";

	/* Detached, as user 0: that is how the ECS agent arms a container. */
	if (entry && strncmp(entry, ARMED_DIR, strlen(ARMED_DIR)) == 0)
		action = "ecs-exec-armed";
	fim_json_set_str(body, "exec_id", fim_json_get_str(exec, "ID"));
	fim_json_set(body, "command", command_json(config));
	fim_json_set_str(body, "user", user);
	fim_json_set_bool(body, "privileged", privileged);
	fim_json_set_bool(body, "tty", fim_json_get_bool(config, "tty", false));
	fim_json_set_int(body, "pid", fim_json_get_int(exec, "Pid", 0));
	if (privileged)
		fim_json_append(flags, flag_json("exec-privileged", FIM_SEVERITY_CRITICAL,
						 "ProcessConfig.privileged=true", "5.23"));
	if (is_root(user))
		fim_json_append(flags, flag_json("exec-root", FIM_SEVERITY_MEDIUM,
						 "ProcessConfig.user=root", "5.24"));
	fim_json_set(body, "flags", flags);
	return action;
}

void access_docker(struct daemon *d, const struct engine_news *news)
{
	struct fim_json *body = fim_json_object();
	bool is_exec = strcmp(news->action, "exec_start") == 0;
	const char *action = is_exec ? "docker-exec" : news->action;
	const struct fim_json *config = fim_json_get(news->exec, "ProcessConfig");

	/* A health check is an exec, too: which it is, its command tells whoever reads. */
	if (is_exec && news->exec)
		action = exec_describe(body, news->exec);
	fim_json_set_str(body, "action", action);
	access_say(d, body, news->text,
		   is_exec && fim_json_get_bool(config, "privileged", false) ? "privileged-exec"
									     : NULL);
}

/* ------------------------------------------------------------------------- ECS Exec */

static bool is_host_worker(const struct fim_ancestor *who)
{
	glob_t found;
	bool same = false;

	if (!who->exe_ino || glob(WORKER_FILES, GLOB_NOSORT, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc && !same; i++) {
		struct stat st;

		same = lstat(found.gl_pathv[i], &st) == 0 && S_ISREG(st.st_mode) &&
		       st.st_ino == who->exe_ino;
	}
	globfree(&found);
	return same;
}

/* The kernel keeps 15 bytes of a name. */
static bool has_worker_name(const struct fim_ancestor *who, const char *exe)
{
	const char *slash = exe ? strrchr(exe, '/') : NULL;

	if (exe)
		return strncmp(exe, ARMED_DIR, strlen(ARMED_DIR)) == 0 && slash &&
		       strcmp(slash + 1, WORKER) == 0;
	return strncmp((const char *)who->comm, WORKER, sizeof(who->comm) - 1) == 0;
}

/* Its first argument, "" if it is not known. */
static void session_id(const char *args, size_t len, char *id_ret, size_t size)
{
	size_t first = args ? strnlen(args, len) : 0;

	id_ret[0] = '\0';
	if (first + 1 < len)
		snprintf(id_ret, size, "%.*s", (int)strnlen(args + first + 1, len - first - 1),
			 args + first + 1);
	if (!fim_is_utf8(id_ret, strlen(id_ret)))
		id_ret[0] = '\0';
}

struct worker {
	bool found;
	bool real;
	uint32_t pid;
	char session[256];
};

static void worker_look(const struct fim_ancestor *who, const char *exe, const char *args,
			size_t len, struct worker *worker)
{
	if (worker->found || !has_worker_name(who, exe))
		return;
	worker->found = true;
	worker->real = is_host_worker(who);
	worker->pid = who->tgid;
	session_id(args, len, worker->session, sizeof(worker->session));
}

static void worker_find(const struct daemon *d, const struct cause *cause, struct worker *worker)
{
	const struct fim_change *change = cause->change;
	struct fim_ancestor self = process_identity(&change->event.actor);

	memcpy(self.comm, change->event.actor.comm, sizeof(self.comm));
	worker_look(&self, change->exe, change->args, change->args_len, worker);
	for (size_t i = 0; i < change->ancestor_count; i++) {
		const struct fim_ancestor *who = &change->ancestors[i];
		const struct process *process = process_find(d, who);

		worker_look(who, process ? process->exe : NULL, process ? process->args : NULL,
			    process ? process->args_len : 0, worker);
	}
}

static void worker_say(struct daemon *d, const struct cause *cause, const struct worker *worker)
{
	struct fim_json *body;
	char key[400];

	snprintf(key, sizeof(key), "%s/%u/%s", cause->container_id, worker->pid, worker->session);
	if (!is_news(d, key))
		return;
	body = fim_json_object();
	fim_json_set_str(body, "action", worker->real ? "ecs-exec-used" : "ecs-exec-forged");
	if (worker->session[0])
		fim_json_set_str(body, "session_id", worker->session);
	fim_json_set_int(body, "pid", worker->pid);
	access_say(d, body, cause->container_id, worker->real ? NULL : "forged-ecs-exec");
}

/* The process of the container that its shim started; 0: unknown. */
static uint32_t top_of(const struct fim_change *change)
{
	uint32_t below = change->event.actor.tgid;

	for (size_t i = 0; i < change->ancestor_count; i++) {
		/* containerd-shim, containerd-shim-runc-v2, docker-containerd-shim */
		if (memmem(change->ancestors[i].comm, sizeof(change->ancestors[i].comm),
			   "containerd-shi", 14))
			return below;
		below = change->ancestors[i].tgid;
	}
	return 0;
}

struct fim_json *access_of(struct daemon *d, const struct cause *cause)
{
	const struct fim_container *container = containers_find(d, cause->container_id);
	struct worker worker = {.found = false};
	struct fim_json *json;
	uint32_t top;

	if (!cause->container_id[0])
		return NULL;
	worker_find(d, cause, &worker);
	if (worker.found) {
		worker_say(d, cause, &worker);
		json = fim_json_object();
		fim_json_set_str(json, "by", worker.real ? "ecs-exec" : "forged-ecs-exec");
		if (worker.session[0])
			fim_json_set_str(json, "session_id", worker.session);
		fim_json_set_int(json, "pid", worker.pid);
		return json;
	}
	top = top_of(cause->change);
	if (!top || !container || !container->running || !container->pid ||
	    top == (uint64_t)container->pid)
		return NULL;
	json = fim_json_object();
	fim_json_set_str(json, "by", "exec");
	fim_json_set_int(json, "pid", top);
	return json;
}
