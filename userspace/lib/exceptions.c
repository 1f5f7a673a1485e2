/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that may have the power they have: known by their image and by which
 * settings they need, never by name.  Each has an owner, a reason and an end.
 *
 * An exception covers a container if it names the image and every setting rated high or
 * worse; one setting more, and the container is flagged like any other.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib_private.h"
#include "yaml.h"

#define FILE_MAX_BYTES 1048576
#define EXCEPTIONS_MAX 1024
#define IMAGE_ID_LEN   (FIM_IMAGE_ID_SIZE - 1)

/* As YAML has it. */
struct exception {
	char *image_id;
	char *image_tar;
	char *shape;
	char **flags; /* ID or ID=PATTERN; NULL: none beside the shape's */
	char *owner;
	char *reason;
	char *expires;
	int64_t expires_ns;
	char tar_id[FIM_IMAGE_ID_SIZE];
};

struct fim_exceptions {
	struct exception *exception;
	size_t count;
};

struct file_yaml {
	const struct fim_yaml *exceptions;
};

/* clang-format off */
#define FIELD(member) { .key = #member, .type = FIM_YAML_STRING, .offset = offsetof(struct exception, member) }
static const struct fim_yaml_field exception_fields[] = {
	FIELD(image_id), FIELD(image_tar), FIELD(shape), FIELD(owner), FIELD(reason), FIELD(expires),
	{ .key = "flags", .type = FIM_YAML_STRINGS, .offset = offsetof(struct exception, flags) },
};
static const struct fim_yaml_field file_fields[] = {
	{ .key = "exceptions", .type = FIM_YAML_NODE, .offset = offsetof(struct file_yaml, exceptions) },
};

/*
 * What AWS's own containers need on an ECS host; sources: ecs-init/docker/docker.go and
 * agent/engine/daemonmanager of github.com/aws/amazon-ecs-agent.
 */
static const struct {
	const char *name;
	const char *flags[24];
} shapes[] = {
	{ "ecs-agent", {
		"docker-socket=/var/run", "docker-socket=/run", "containerd-socket=/var/run",
		"containerd-socket=/run", "systemd-socket=/var/run", "systemd-socket=/run",
		"host-path-write=/var/run", "host-path-write=/run", "host-path-write=/etc/ecs",
		"host-path-write=/sys/fs/cgroup", "host-path-write=/var/lib/ecs/*",
		"cap-net-admin", "cap-sys-admin" } },
	{ "ebs-csi", {
		"privileged", "cap-sys-admin", "host-path-write=/dev", "host-path-write=/mnt/ecs/ebs" } },
	{ "service-connect", { "cap-net-admin" } },
};
/* clang-format on */

static void exception_clear(struct exception *exception)
{
	size_t i;

	free(exception->image_id);
	free(exception->image_tar);
	free(exception->shape);
	for (i = 0; exception->flags && exception->flags[i]; i++)
		free(exception->flags[i]);
	free(exception->flags);
	free(exception->owner);
	free(exception->reason);
	free(exception->expires);
}

void fim_exceptions_free(struct fim_exceptions *exceptions)
{
	size_t i;

	if (!exceptions)
		return;
	for (i = 0; i < exceptions->count; i++)
		exception_clear(&exceptions->exception[i]);
	free(exceptions->exception);
	free(exceptions);
}

/* ------------------------------------------------------------------- reading */

static bool is_image_id(const char *text)
{
	return strncmp(text, "sha256:", 7) == 0 && strlen(text) == IMAGE_ID_LEN &&
	       strspn(text + 7, "0123456789abcdef") == IMAGE_ID_LEN - 7;
}

static const char *const *shape_flags(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(shapes) / sizeof(*shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return shapes[i].flags;
	return NULL;
}

static int exception_check(const char *file, const struct fim_yaml *node, struct exception *e)
{
	if (!e->owner || !e->reason || !e->expires)
		return fim_yaml_fail(file, node,
				     "an exception needs an owner, a reason and when it expires");
	if (!e->image_id == !e->image_tar)
		return fim_yaml_fail(file, node,
				     "an exception is for an \"image_id\" or an \"image_tar\"");
	if (e->image_id && !is_image_id(e->image_id))
		return fim_yaml_fail(
			file, node,
			"\"%s\" is not an image id: sha256: and 64 digits, as \"docker image inspect -f '{{.Id}}'\" prints it",
			e->image_id);
	if (e->image_tar && e->image_tar[0] != '/')
		return fim_yaml_fail(file, node, "\"%s\" is not an absolute path", e->image_tar);
	if (e->shape && !shape_flags(e->shape))
		return fim_yaml_fail(file, node,
				     "no shape \"%s\": ecs-agent, ebs-csi, service-connect",
				     e->shape);
	if (!e->shape && (!e->flags || !e->flags[0]))
		return fim_yaml_fail(file, node,
				     "an exception has \"flags\", a \"shape\", or both");
	if (fim_time_parse(e->expires, &e->expires_ns))
		return fim_yaml_fail(file, node, "\"%s\" is not a date: YYYY-MM-DD", e->expires);
	return 0;
}

static int exception_read(const char *file, const struct fim_yaml *node, struct exception *e)
{
	int err;

	if (node->kind != FIM_YAML_MAPPING)
		return fim_yaml_fail(file, node, "an exception is a mapping");
	err = fim_yaml_read(file, node, exception_fields,
			    sizeof(exception_fields) / sizeof(*exception_fields), e);
	if (!err)
		err = exception_check(file, node, e);
	/* Not there yet, or not what it should be: then no container is this image. */
	if (!err && e->image_tar && fim_image_tar_id(e->image_tar, e->tar_id))
		e->tar_id[0] = '\0';
	return err;
}

static int list_read(const char *file, const struct fim_yaml *list,
		     struct fim_exceptions *exceptions)
{
	const struct fim_yaml *node;
	int err = 0;

	if (list->kind != FIM_YAML_SEQUENCE || list->count > EXCEPTIONS_MAX)
		return fim_yaml_fail(file, list, "\"exceptions\" is a list of at most %d",
				     EXCEPTIONS_MAX);
	exceptions->exception = calloc(list->count + 1, sizeof(*exceptions->exception));
	if (!exceptions->exception)
		return -ENOMEM;
	for (node = list->first; node && !err; node = node->next)
		err = exception_read(file, node, &exceptions->exception[exceptions->count++]);
	return err;
}

int fim_exceptions_parse(const char *text, size_t len, const char *file,
			 struct fim_exceptions **exceptions_ret)
{
	struct fim_exceptions *exceptions = calloc(1, sizeof(*exceptions));
	struct file_yaml content = {.exceptions = NULL};
	struct fim_yaml *root = NULL;
	int err = exceptions ? fim_yaml_parse(text, len, file, &root) : -ENOMEM;

	if (!err && root && root->kind != FIM_YAML_MAPPING)
		err = fim_yaml_fail(file, root, "\"exceptions:\" and a list of them is expected");
	if (!err && root)
		err = fim_yaml_read(file, root, file_fields, 1, &content);
	if (!err && content.exceptions)
		err = list_read(file, content.exceptions, exceptions);
	fim_yaml_free(root);
	if (err)
		fim_exceptions_free(exceptions);
	else
		*exceptions_ret = exceptions;
	return err;
}

int fim_exceptions_load(const char *path, struct fim_exceptions **exceptions_ret)
{
	char *text = NULL;
	size_t len = 0;
	int err = 0;

	if (*path && (access(path, F_OK) == 0 || errno != ENOENT))
		err = fim_file_read(path, FILE_MAX_BYTES, &text, &len);
	if (!err)
		err = fim_exceptions_parse(text ? text : "", len, path, exceptions_ret);
	free(text);
	return err;
}

/* ------------------------------------------------------------------ applying */

/* The place or value that evidence is about: "Mounts: /dev on /d (rw)", "…=/dev/fuse:rwm". */
static void evidence_value(const char *evidence, char *value, size_t size)
{
	const char *start = strstr(evidence, ": /");
	const char *equals = strchr(evidence, '=');
	size_t len;

	if (start && (!equals || start < equals)) {
		start += 2;
		len = (size_t)(strstr(start, " on ") ? strstr(start, " on ") - start
						     : (ptrdiff_t)strlen(start));
	} else {
		start = equals ? equals + 1 : evidence;
		len = strcspn(start, ":");
	}
	snprintf(value, size, "%.*s", (int)(len < size ? len : size - 1), start);
}

static bool pattern_covers(const char *pattern, const struct fim_flag *flag)
{
	size_t len = strcspn(pattern, "=");
	char value[4096];

	if (strlen(flag->id) != len || strncmp(pattern, flag->id, len) != 0)
		return false;
	if (!pattern[len])
		return true;
	evidence_value(flag->evidence, value, sizeof(value));
	return fnmatch(pattern + len + 1, value, 0) == 0;
}

static bool is_covered(const struct exception *e, const struct fim_flag *flag)
{
	const char *const *shape = shape_flags(e->shape);
	size_t i;

	for (i = 0; e->flags && e->flags[i]; i++)
		if (pattern_covers(e->flags[i], flag))
			return true;
	for (i = 0; shape && shape[i]; i++)
		if (pattern_covers(shape[i], flag))
			return true;
	return false;
}

static bool covers(const struct exception *e, const struct fim_container *container)
{
	size_t i;

	for (i = 0; i < container->flag_count; i++)
		if (container->flags[i].severity >= FIM_SEVERITY_HIGH &&
		    !is_covered(e, &container->flags[i]))
			return false;
	return true;
}

static int say_expired(struct fim_container *container, const struct exception *e)
{
	struct fim_flag flag = {"exception-expired", FIM_SEVERITY_INFO, NULL, "", ""};

	if (asprintf(&flag.evidence, "expired %s, owner %s", e->expires, e->owner) < 0)
		return -ENOMEM;
	return fim_container_add_flag(container, &flag);
}

static int grant(struct fim_container *container, const struct exception *e)
{
	char *owner = strdup(e->owner), *reason = strdup(e->reason);

	if (!owner || !reason) {
		free(owner);
		free(reason);
		return -ENOMEM;
	}
	free(container->owner);
	free(container->reason);
	container->owner = owner;
	container->reason = reason;
	container->expires_ns = e->expires_ns;
	container->excepted = true;
	return 0;
}

int fim_exceptions_apply(const struct fim_exceptions *exceptions, int64_t now_ns,
			 struct fim_container *container)
{
	const struct exception *expired = NULL;
	size_t i;

	container->excepted = false;
	if (!exceptions || !fim_container_is_flagged(container))
		return 0;
	for (i = 0; i < exceptions->count; i++) {
		const struct exception *e = &exceptions->exception[i];
		const char *id = e->image_id ? e->image_id : e->tar_id;

		if (!*id || strcmp(id, container->image_id) != 0 || !covers(e, container))
			continue;
		if (e->expires_ns > now_ns)
			return grant(container, e);
		expired = e;
	}
	return expired ? say_expired(container, expired) : 0;
}
