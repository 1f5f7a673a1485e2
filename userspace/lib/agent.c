/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a container of the task that its labels name?  The ECS agent sets them, but whoever
 * may call Docker can write the same; the agent's introspection knows what it started.
 *
 * Shape of the answers: ecs-agent/introspection/v1/handlers of github.com/aws/amazon-ecs-agent:
 * GET /v1/tasks?dockerid=ID is one task, or 404; the agent's own containers are left out.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define ARN_MAX 512

/* The agent learns an id when Docker has answered it; until then it does not know it. */
#define NEW_NS INT64_C(60000000000)

static int refute(struct fim_container *container, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refute(struct fim_container *container, const char *fmt, ...)
{
	struct fim_flag flag = {"task-refuted", FIM_SEVERITY_HIGH, NULL, "", ""};
	va_list args;
	int len;

	container->task_check = "refuted";
	va_start(args, fmt);
	len = vasprintf(&flag.evidence, fmt, args);
	va_end(args);
	return len < 0 ? -ENOMEM : fim_container_add_flag(container, &flag);
}

/* ~internal~ecs~pause and the like, and daemons, whose tasks have no account. */
static bool is_agents_own(const struct fim_container *container)
{
	return container->ecs_container[0] == '~' || strncmp(container->task_arn, "arn:::", 6) == 0;
}

static const struct fim_json *container_of(const struct fim_json *task, const char *id)
{
	const struct fim_json *containers = fim_json_get(task, "Containers");
	size_t i;

	for (i = 0; i < fim_json_count(containers); i++) {
		const struct fim_json *container = fim_json_index(containers, i);
		const char *docker_id = fim_json_get_str(container, "DockerId");

		if (docker_id && strcmp(docker_id, id) == 0)
			return container;
	}
	return NULL;
}

static int compare_task(const struct fim_json *task, struct fim_container *container)
{
	const struct fim_json *theirs = container_of(task, container->id);
	const struct {
		const char *label;
		const char *ours;
		const char *agents;
	} rows[] = {
		{"task-arn", container->task_arn, fim_json_get_str(task, "Arn")},
		{"task-definition-family", container->family, fim_json_get_str(task, "Family")},
		{"task-definition-version", container->revision, fim_json_get_str(task, "Version")},
		{"container-name", container->ecs_container, fim_json_get_str(theirs, "Name")},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!rows[i].agents || strcmp(rows[i].ours, rows[i].agents) != 0)
			return refute(container,
				      "label com.amazonaws.ecs.%s=%s, the ECS agent says %s",
				      rows[i].label, rows[i].ours,
				      rows[i].agents ? rows[i].agents : "nothing");
	container->task_check = "confirmed";
	return 0;
}

int fim_agent_judge(long status, const struct fim_json *task, int64_t now_ns,
		    struct fim_container *container)
{
	if (status == 200 && fim_json_is_object(task))
		return compare_task(task, container);
	container->task_check = "unknown";
	if (status != 404 || is_agents_own(container) || !container->created_ns ||
	    now_ns - container->created_ns < NEW_NS)
		return 0;
	return refute(container,
		      "label com.amazonaws.ecs.task-arn=%s, the ECS agent does not know "
		      "this container",
		      container->task_arn);
}

int fim_agent_check(const char *url, uint32_t timeout_ms, struct fim_container *container)
{
	struct fim_json *task = NULL;
	long status = 0;
	char *request;
	int err;

	if (!*url || !*container->task_arn)
		return 0;
	if (asprintf(&request, "%s/v1/tasks?dockerid=%s", url, container->id) < 0)
		return -ENOMEM;
	err = fim_http_get_json(request, timeout_ms, &status, &task);
	free(request);
	if (err) {
		container->task_check = "unreachable";
		return err == -ENOMEM ? err : 0;
	}
	err = fim_agent_judge(status, task, fim_time_now(), container);
	fim_json_free(task);
	return err;
}

/* ---------------------------------------------------------------- the host */

/* Printable and not long: what it is used for is shown to people. */
static const char *word_of(const struct fim_json *metadata, const char *key)
{
	const char *text = fim_json_get_str(metadata, key);
	size_t len = text ? strlen(text) : 0;

	return len && len <= ARN_MAX && fim_plain_run(text, len) == len ? text : NULL;
}

/* A cluster may be given by name; its account and region are those of the instance. */
static void set_cluster(struct fim_json *instance, const char *arn, const char *cluster)
{
	static const char part[] = ":container-instance/";
	const char *end = strstr(arn, part);
	char text[2 * ARN_MAX + 16];

	fim_json_set_str(instance, "cluster", cluster);
	if (!cluster)
		return;
	if (strncmp(cluster, "arn:", 4) == 0) {
		fim_json_set_str(instance, "cluster_arn", cluster);
	} else if (end) {
		snprintf(text, sizeof(text), "%.*s:cluster/%s", (int)(end - arn), arn, cluster);
		fim_json_set_str(instance, "cluster_arn", text);
	}
}

struct fim_json *fim_agent_instance_of(const struct fim_json *metadata)
{
	const char *arn = word_of(metadata, "ContainerInstanceArn");
	struct fim_json *instance;

	if (!arn || strncmp(arn, "arn:", 4) != 0)
		return NULL;
	instance = fim_json_object();
	fim_json_set_str(instance, "container_instance_arn", arn);
	set_cluster(instance, arn, word_of(metadata, "Cluster"));
	fim_json_set_str(instance, "agent_version", word_of(metadata, "Version"));
	return instance;
}

struct fim_json *fim_agent_instance(const char *url, uint32_t timeout_ms)
{
	struct fim_json *metadata = NULL, *instance = NULL;
	long status = 0;
	char *request;

	if (!*url || asprintf(&request, "%s/v1/metadata", url) < 0)
		return NULL;
	if (!fim_http_get_json(request, timeout_ms, &status, &metadata) && status == 200)
		instance = fim_agent_instance_of(metadata);
	free(request);
	fim_json_free(metadata);
	return instance;
}
