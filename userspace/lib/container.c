/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a container is: from Docker's inspect document and cgroup paths to struct
 * fim_container.  Pure: asks nobody, opens nothing.  What its settings allow is
 * privilege.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define ID_LEN	    (FIM_CONTAINER_ID_SIZE - 1)
#define ACCOUNT_LEN 12

const char *fim_severity_name(enum fim_severity severity)
{
	static const char *const names[] = {
		[FIM_SEVERITY_INFO] = "info",	      [FIM_SEVERITY_LOW] = "low",
		[FIM_SEVERITY_MEDIUM] = "medium",     [FIM_SEVERITY_HIGH] = "high",
		[FIM_SEVERITY_CRITICAL] = "critical",
	};

	return names[severity];
}

/* ---------------------------------------------------------------- identity */

static bool is_container_id(const char *text, size_t len)
{
	return len == ID_LEN && strspn(text, "0123456789abcdef") >= ID_LEN;
}

/* @text may be NULL; what is not there is "". */
static int keep(char **field_ret, const char *text, size_t len)
{
	*field_ret = strndup(text ? text : "", text ? len : 0);
	return *field_ret ? 0 : -ENOMEM;
}

static int keep_str(char **field_ret, const char *text)
{
	return keep(field_ret, text, text ? strlen(text) : 0);
}

/* arn:PARTITION:ecs:REGION:ACCOUNT:task/…; what does not look so (internal tasks) has neither. */
static int read_task_arn(const char *arn, struct fim_container *container)
{
	const char *part[6] = {arn ? arn : ""};
	size_t count = 1;
	bool valid;
	int err;

	while (count < 6 && (part[count] = strchr(part[count - 1], ':')) != NULL)
		part[count++]++;
	valid = count == 6 && strncmp(part[0], "arn:", 4) == 0 &&
		strncmp(part[2], "ecs:", 4) == 0 && strncmp(part[5], "task/", 5) == 0 &&
		strspn(part[4], "0123456789") == ACCOUNT_LEN && part[4][ACCOUNT_LEN] == ':';
	err = keep(&container->region, part[valid ? 3 : 0], valid ? strcspn(part[3], ":") : 0);
	return err ? err : keep(&container->account, part[valid ? 4 : 0], valid ? ACCOUNT_LEN : 0);
}

/* Where the partition, region and account of a task are, its cluster is. */
static int make_cluster_arn(struct fim_container *container)
{
	const char *arn = container->task_arn, *cluster = container->cluster;
	const char *task = *container->account ? strstr(arn, ":task/") : NULL;
	const char *name = task ? task + strlen(":task/") : "";
	size_t len = strcspn(name, "/");
	int err = 0;

	if (strncmp(cluster, "arn:", 4) == 0)
		return keep_str(&container->cluster_arn, cluster);
	/* Old ARNs name no cluster: then the label does. */
	if (!name[len]) {
		name = cluster;
		len = strlen(cluster);
	}
	if (!task || !len)
		return keep_str(&container->cluster_arn, "");
	if (asprintf(&container->cluster_arn, "%.*s:cluster/%.*s", (int)(task - arn), arn, (int)len,
		     name) < 0) {
		container->cluster_arn = NULL;
		err = -ENOMEM;
	}
	return err;
}

/* The ECS agent sets these last, so that a task definition cannot; whoever may call Docker can. */
static int read_labels(const struct fim_json *labels, struct fim_container *container)
{
	const struct {
		const char *label;
		char **field;
	} table[] = {
		{"com.amazonaws.ecs.task-arn", &container->task_arn},
		{"com.amazonaws.ecs.cluster", &container->cluster},
		{"com.amazonaws.ecs.task-definition-family", &container->family},
		{"com.amazonaws.ecs.task-definition-version", &container->revision},
		{"com.amazonaws.ecs.container-name", &container->ecs_container},
	};
	int err = 0;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]) && !err; i++)
		err = keep_str(table[i].field, fim_json_get_str(labels, table[i].label));
	if (!err)
		err = read_task_arn(container->task_arn, container);
	return err ? err : make_cluster_arn(container);
}

/* "name@sha256:…": the digest of the manifest in the registry. */
static int read_digest(const struct fim_json *inspect, struct fim_container *container)
{
	const char *digest = fim_json_get_str(inspect, "ImageDigest");
	const char *image = container->image;

	if (!digest && strchr(image, '@'))
		digest = strchr(image, '@') + 1;
	return keep_str(&container->image_digest, digest);
}

/* The agent binds them into every container of a task that allows ECS Exec. */
static bool is_exec_armed(const struct fim_json *inspect)
{
	const struct fim_json *mounts = fim_json_get(inspect, "Mounts");
	size_t i;

	for (i = 0; i < fim_json_count(mounts); i++) {
		const char *on = fim_json_get_str(fim_json_index(mounts, i), "Destination");

		if (on && strncmp(on, "/ecs-execute-command-", 21) == 0)
			return true;
	}
	return false;
}

static int read_identity(const struct fim_json *inspect, struct fim_container *container)
{
	const struct fim_json *state = fim_json_get(inspect, "State");
	const char *name = fim_json_get_str(inspect, "Name");
	const char *created = fim_json_get_str(inspect, "Created");
	int err;

	container->pid = fim_json_get_int(state, "Pid", 0);
	container->running = fim_json_get_bool(state, "Running", false);
	container->privileged =
		fim_json_get_bool(fim_json_get(inspect, "HostConfig"), "Privileged", false);
	err = keep_str(&container->id, fim_json_get_str(inspect, "Id"));
	if (!err)
		err = keep_str(&container->name, name && name[0] == '/' ? name + 1 : name);
	if (!err)
		err = keep_str(&container->image,
			       fim_json_str(fim_json_at(inspect, "Config/Image")));
	if (!err)
		err = keep_str(&container->image_id, fim_json_get_str(inspect, "Image"));
	if (!err)
		err = read_digest(inspect, container);
	if (fim_time_parse(created ? created : "", &container->created_ns))
		container->created_ns = 0;
	container->engine = "docker";
	container->exec_armed = is_exec_armed(inspect);
	if (!err)
		err = keep_str(&container->owner, "");
	if (!err)
		err = keep_str(&container->reason, "");
	return err ? err : read_labels(fim_json_at(inspect, "Config/Labels"), container);
}

/* Nothing may be read as "not privileged" by mistake. */
static bool is_inspect(const struct fim_json *inspect)
{
	const char *id = fim_json_get_str(inspect, "Id");

	return id && is_container_id(id, strlen(id)) &&
	       fim_json_is_object(fim_json_get(inspect, "Config")) &&
	       fim_json_is_bool(fim_json_at(inspect, "HostConfig/Privileged"));
}

int fim_container_from_inspect(const struct fim_json *inspect, struct fim_container **container_ret)
{
	struct fim_container *container;
	int err;

	if (!is_inspect(inspect))
		return -EINVAL;
	container = calloc(1, sizeof(*container));
	if (!container)
		return -ENOMEM;
	err = read_identity(inspect, container);
	if (!err)
		err = fim_privilege_judge(inspect, container);
	if (err)
		fim_container_free(container);
	else
		*container_ret = container;
	return err;
}

/* The same facts in the places where an inspect document has them. */
static struct fim_json *inspect_like(const struct fim_json *summary)
{
	const char *state = fim_json_get_str(summary, "State");
	struct fim_json *inspect = fim_json_object(), *config = fim_json_object();
	struct fim_json *running = fim_json_object();
	struct fim_json *labels = fim_json_get(summary, "Labels");
	struct fim_json *mounts = fim_json_get(summary, "Mounts");

	fim_json_set_str(config, "Image", fim_json_get_str(summary, "Image"));
	if (labels)
		fim_json_set(config, "Labels", fim_json_ref(labels));
	fim_json_set_bool(running, "Running", state && strcmp(state, "running") == 0);
	fim_json_set_str(inspect, "Id", fim_json_get_str(summary, "Id"));
	fim_json_set_str(inspect, "Name",
			 fim_json_str(fim_json_index(fim_json_get(summary, "Names"), 0)));
	fim_json_set_str(inspect, "Image", fim_json_get_str(summary, "ImageID"));
	fim_json_set(inspect, "Config", config);
	fim_json_set(inspect, "State", running);
	if (mounts)
		fim_json_set(inspect, "Mounts", fim_json_ref(mounts));
	return inspect;
}

int fim_container_from_summary(const struct fim_json *summary, struct fim_container **container_ret)
{
	const char *id = fim_json_get_str(summary, "Id");
	struct fim_container *container;
	struct fim_json *inspect;
	int err;

	if (!id || !is_container_id(id, strlen(id)))
		return -EINVAL;
	container = calloc(1, sizeof(*container));
	if (!container)
		return -ENOMEM;
	container->identity_only = true;
	inspect = inspect_like(summary);
	err = read_identity(inspect, container);
	fim_json_free(inspect);
	if (err)
		fim_container_free(container);
	else
		*container_ret = container;
	return err;
}

void fim_container_free(struct fim_container *container)
{
	size_t i;

	if (!container)
		return;
	for (i = 0; i < container->flag_count; i++)
		free(container->flags[i].evidence);
	free(container->flags);
	free(container->id);
	free(container->name);
	free(container->image);
	free(container->image_id);
	free(container->task_arn);
	free(container->cluster);
	free(container->family);
	free(container->revision);
	free(container->ecs_container);
	free(container->account);
	free(container->region);
	free(container->image_digest);
	free(container->cluster_arn);
	free(container->owner);
	free(container->reason);
	free(container);
}

bool fim_container_is_flagged(const struct fim_container *container)
{
	/* Flags are sorted: the first is the worst. */
	return !container->excepted &&
	       (container->effectively_privileged ||
		(container->flag_count && container->flags[0].severity >= FIM_SEVERITY_HIGH));
}

int fim_container_add_flag(struct fim_container *container, const struct fim_flag *flag)
{
	size_t at = container->flag_count;
	struct fim_flag *flags = realloc(container->flags, (at + 1) * sizeof(*flags));

	if (!flags) {
		free(flag->evidence);
		return -ENOMEM;
	}
	container->flags = flags;
	/* Most severe first, otherwise as they came. */
	while (at && flags[at - 1].severity < flag->severity)
		at--;
	memmove(flags + at + 1, flags + at, (container->flag_count - at) * sizeof(*flags));
	flags[at] = *flag;
	container->flag_count++;
	return 0;
}

bool fim_container_has_flag(const struct fim_container *container, const char *id)
{
	size_t i;

	for (i = 0; i < container->flag_count; i++)
		if (strcmp(container->flags[i].id, id) == 0)
			return true;
	return false;
}

/* -------------------------------------------------------------------- JSON */

static void set_unless_empty(struct fim_json *object, const char *key, const char *text)
{
	if (*text)
		fim_json_set_str(object, key, text);
}

static struct fim_json *flag_to_json(const struct fim_flag *flag)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "id", flag->id);
	fim_json_set_str(json, "severity", fim_severity_name(flag->severity));
	fim_json_set_str(json, "evidence", flag->evidence);
	set_unless_empty(json, "cis", flag->cis);
	set_unless_empty(json, "security_hub", flag->security_hub);
	return json;
}

static struct fim_json *exception_to_json(const struct fim_container *container)
{
	struct fim_json *json = fim_json_object();
	char time[FIM_TIME_SIZE];

	fim_time_format(container->expires_ns, time);
	fim_json_set_str(json, "owner", container->owner);
	fim_json_set_str(json, "reason", container->reason);
	fim_json_set_str(json, "expires", time);
	return json;
}

struct fim_json *fim_container_to_json(const struct fim_container *container)
{
	struct fim_json *json = fim_json_object(), *flags = fim_json_array();
	size_t i;

	set_unless_empty(json, "id", container->id);
	set_unless_empty(json, "name", container->name);
	set_unless_empty(json, "image", container->image);
	set_unless_empty(json, "image_id", container->image_id);
	set_unless_empty(json, "task_arn", container->task_arn);
	set_unless_empty(json, "cluster", container->cluster);
	set_unless_empty(json, "family", container->family);
	set_unless_empty(json, "revision", container->revision);
	set_unless_empty(json, "ecs_container", container->ecs_container);
	set_unless_empty(json, "account", container->account);
	set_unless_empty(json, "region", container->region);
	set_unless_empty(json, "image_digest", container->image_digest);
	set_unless_empty(json, "cluster_arn", container->cluster_arn);
	fim_json_set_str(json, "engine", container->engine);
	fim_json_set_str(json, "task_check", container->task_check);
	if (container->exec_armed)
		fim_json_set_bool(json, "exec_armed", true);
	fim_json_set_bool(json, "running", container->running);
	if (container->identity_only) {
		fim_json_free(flags);
		return json;
	}
	fim_json_set_int(json, "pid", container->pid);
	fim_json_set_bool(json, "privileged", container->privileged);
	fim_json_set_bool(json, "effectively_privileged", container->effectively_privileged);
	for (i = 0; i < container->flag_count; i++)
		fim_json_append(flags, flag_to_json(&container->flags[i]));
	fim_json_set(json, "flags", flags);
	fim_json_set_bool(json, "flagged", fim_container_is_flagged(container));
	if (container->excepted)
		fim_json_set(json, "exception", exception_to_json(container));
	return json;
}

/* ------------------------------------------------------------------ cgroup */

static size_t without_suffix(const char *text, size_t len, const char *suffix)
{
	size_t suffix_len = strlen(suffix);

	if (len < suffix_len || memcmp(text + len - suffix_len, suffix, suffix_len) != 0)
		return len;
	return len - suffix_len;
}

/*
 * One component: "<id>", "docker-<id>.scope", "cri-containerd-<id>.scope", "libpod-<id>"
 * (Podman without systemd).  "libpod-conmon-<id>.scope" is who keeps the container, on the
 * host.  The kernel appends " (deleted)" to a cgroup that was removed under a process.
 */
static const char *component_id(const char *component, size_t len)
{
	static const char keeper[] = "conmon-";
	size_t prefix;

	len = without_suffix(component, len, " (deleted)");
	len = without_suffix(component, len, ".scope");
	prefix = len > ID_LEN ? len - ID_LEN : 0;
	if ((prefix && component[prefix - 1] != '-') ||
	    without_suffix(component, prefix, keeper) < prefix)
		return NULL;
	return is_container_id(component + prefix, len - prefix) ? component + prefix : NULL;
}

bool fim_cgroup_container_id(const char *cgroup, char id_ret[FIM_CONTAINER_ID_SIZE])
{
	size_t end = strlen(cgroup), start;
	const char *id;

	while (end) {
		start = end;
		while (start && cgroup[start - 1] != '/')
			start--;
		id = component_id(cgroup + start, end - start);
		if (id) {
			memcpy(id_ret, id, ID_LEN);
			id_ret[ID_LEN] = '\0';
			return true;
		}
		end = start ? start - 1 : 0;
	}
	return false;
}

const char *fim_cgroup_engine(const char *cgroup)
{
	static const struct {
		const char *part;
		const char *engine;
	} rows[] = {
		{"libpod", "podman"},
		{"buildkit", "buildkit"},
		{"cri-containerd", "containerd"},
		{"nerdctl", "containerd"},
		{"containerd", "containerd"},
		{"/docker", "docker"},
		{"ecstasks", "docker"},
		{"/ecs/", "docker"},
		{"machine.slice", "nspawn"},
		{"lxc", "lxc"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(cgroup, rows[i].part))
			return rows[i].engine;
	return NULL;
}
