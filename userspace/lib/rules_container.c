/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what the start of a container looks like to rules: the execve of its first
 * process, with what Docker says about the container.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules_private.h"

/* ------------------------------------------------------------ capabilities */

static const char *const capabilities[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};
#define CAPABILITY_COUNT (sizeof(capabilities) / sizeof(*capabilities))

/* What Docker gives to a container that asks for nothing. */
static const char *const default_capabilities[] = {
	"AUDIT_WRITE",	    "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",  "KILL",   "MKNOD",
	"NET_BIND_SERVICE", "NET_RAW", "SETFCAP",      "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
};

/* "CAP_SYS_ADMIN", "sys_admin" and, out of the id of a flag, "sys-admin"; 0: unknown. */
static uint64_t capability(const char *name)
{
	size_t i, k;

	if (!strncasecmp(name, "CAP_", 4))
		name += 4;
	if (!strcasecmp(name, "ALL"))
		return FIM_CAPABILITIES_ALL;
	for (i = 0; i < CAPABILITY_COUNT; i++) {
		for (k = 0; name[k] && capabilities[i][k]; k++)
			if (strncasecmp(&name[k], &capabilities[i][k], 1) != 0 &&
			    !(name[k] == '-' && capabilities[i][k] == '_'))
				break;
		if (!name[k] && !capabilities[i][k])
			return 1ull << i;
	}
	return 0;
}

static uint64_t capabilities_of(const struct fim_json *names)
{
	uint64_t mask = 0;
	size_t i;

	for (i = 0; i < fim_json_count(names); i++) {
		const char *name = fim_json_str(fim_json_index(names, i));

		mask |= name ? capability(name) : 0;
	}
	return mask;
}

static uint64_t default_mask(void)
{
	uint64_t mask = 0;
	size_t i;

	for (i = 0; i < sizeof(default_capabilities) / sizeof(*default_capabilities); i++)
		mask |= capability(default_capabilities[i]);
	return mask;
}

/* As the engine works it out. */
static uint64_t container_mask(const struct fim_json *host)
{
	uint64_t added = capabilities_of(fim_json_get(host, "CapAdd"));
	uint64_t dropped = capabilities_of(fim_json_get(host, "CapDrop"));

	if (fim_json_get_bool(host, "Privileged", false))
		return FIM_CAPABILITIES_ALL;
	if (added == FIM_CAPABILITIES_ALL)
		return dropped == FIM_CAPABILITIES_ALL ? added : added & ~dropped;
	return (default_mask() & ~dropped) | added;
}

void fim_event_set_capabilities(struct fim_rules_event *event, uint64_t mask)
{
	char *text = fim_event_alloc(event, 1024);
	size_t i;

	if (!text)
		return;
	*text = '\0';
	for (i = 0; i < CAPABILITY_COUNT; i++)
		if (mask >> i & 1)
			snprintf(text + strlen(text), 1024 - strlen(text), "%sCAP_%s",
				 *text ? " " : "", capabilities[i]);
	fim_rules_event_set_str(event, "thread.cap_permitted", text);
	fim_rules_event_set_str(event, "thread.cap_effective", text);
	fim_rules_event_set_str(event, "thread.cap_inheritable", "");
}

/* ---------------------------------------------------------------- identity */

#define TASK_LABEL(name) "container.label[com.amazonaws.ecs." name "]"

/* REPOSITORY[:TAG][@DIGEST]; a port in front of the first slash is no tag. */
static void set_image(struct fim_rules_event *event, const char *image)
{
	size_t len = strcspn(image, "@"), i;
	const char *tag = NULL;

	fim_rules_event_set_str(event, "container.image", image);
	for (i = len; i && image[i - 1] != '/'; i--)
		if (image[i - 1] == ':')
			tag = image + i;
	fim_rules_event_set(event, "container.image.repository", image,
			    tag ? (size_t)(tag - 1 - image) : len);
	if (tag)
		fim_rules_event_set(event, "container.image.tag", tag, len - (size_t)(tag - image));
	else
		fim_rules_event_set_str(event, "container.image.tag", "latest");
}

static void set_ids(struct fim_rules_event *event, const char *id, const char *image_id)
{
	if (id) {
		fim_rules_event_set(event, "container.id", id, strnlen(id, 12));
		fim_rules_event_set_str(event, "container.full_id", id);
	}
	fim_rules_event_set_str(event, "container.type", "docker");
	if (image_id && !strncmp(image_id, "sha256:", 7))
		image_id += 7;
	fim_rules_event_set_str(event, "container.image.id", image_id);
}

void fim_event_set_identity(struct fim_rules_event *event, const struct fim_json *container)
{
	const struct fim_json *privileged = fim_json_get(container, "privileged");
	const char *image = fim_json_get_str(container, "image");

	set_ids(event, fim_json_get_str(container, "id"), fim_json_get_str(container, "image_id"));
	fim_rules_event_set_str(event, "container.name", fim_json_get_str(container, "name"));
	if (image)
		set_image(event, image);
	if (fim_json_is_bool(privileged))
		fim_rules_event_set_str(
			event, "container.privileged",
			fim_json_get_bool(container, "privileged", false) ? "true" : "false");
}

static void set_text(struct fim_rules_event *event, const char *field, const char *text)
{
	if (text && *text)
		fim_rules_event_set_str(event, field, text);
}

void fim_event_set_container(struct fim_rules_event *event, const struct fim_container *container)
{
	set_ids(event, container->id, container->image_id);
	set_text(event, "container.name", container->name);
	if (!container->name)
		return; /* its id is all that is known */
	if (container->image && *container->image)
		set_image(event, container->image);
	fim_rules_event_set_str(event, "container.privileged",
				container->privileged ? "true" : "false");
	set_text(event, TASK_LABEL("task-arn"), container->task_arn);
	set_text(event, TASK_LABEL("cluster"), container->cluster);
	set_text(event, TASK_LABEL("task-definition-family"), container->family);
	set_text(event, TASK_LABEL("task-definition-version"), container->revision);
	set_text(event, TASK_LABEL("container-name"), container->ecs_container);
}

/* ------------------------------------------------------------------ mounts */

struct fim_mount {
	struct fim_str source;
	struct fim_str dest;
	struct fim_str mode;
	struct fim_str rdwr;
	struct fim_str propagation;
};

static struct fim_str str(const char *text)
{
	return (struct fim_str){text ? text : "", text ? strlen(text) : 0};
}

static struct fim_mount *mounts_new(struct fim_rules_event *event, size_t count)
{
	event->mounts = fim_event_alloc(event, (count + 1) * sizeof(*event->mounts));
	event->mount_count = 0;
	return event->mounts;
}

static void read_mounts(struct fim_rules_event *event, const struct fim_json *mounts)
{
	struct fim_mount *list = mounts_new(event, fim_json_count(mounts));
	size_t i;

	for (i = 0; list && i < fim_json_count(mounts); i++) {
		const struct fim_json *mount = fim_json_index(mounts, i);

		list[event->mount_count++] = (struct fim_mount){
			.source = str(fim_json_get_str(mount, "Source")),
			.dest = str(fim_json_get_str(mount, "Destination")),
			.mode = str(fim_json_get_str(mount, "Mode")),
			.rdwr = str(fim_json_get_bool(mount, "RW", true) ? "true" : "false"),
			.propagation = str(fim_json_get_str(mount, "Propagation")),
		};
	}
}

/* "HostConfig.Binds=SOURCE:DEST[:…]" or "…Mounts: SOURCE on DEST (rw)"; false: neither. */
static bool read_evidence(const char *evidence, struct fim_mount *mount)
{
	const char *start = strstr(evidence, "Mounts: "), *middle, *end;

	memset(mount, 0, sizeof(*mount));
	mount->mode = mount->propagation = str("");
	if (!strncmp(evidence, "HostConfig.Binds=", 17)) {
		start = evidence + 17;
		middle = strchr(start, ':');
		if (!middle)
			return false;
		end = middle + 1 + strcspn(middle + 1, ":,");
		mount->dest = (struct fim_str){middle + 1, (size_t)(end - middle - 1)};
		mount->rdwr = str(strstr(end, "ro") ? "false" : "true");
	} else if (start) {
		start += 8;
		middle = strstr(start, " on ");
		end = middle ? strstr(middle + 4, " (") : NULL;
		if (!end)
			return false;
		mount->dest = (struct fim_str){middle + 4, (size_t)(end - middle - 4)};
		mount->rdwr = str(!strncmp(end, " (ro", 4) ? "false" : "true");
	} else {
		return false;
	}
	mount->source = (struct fim_str){start, (size_t)(middle - start)};
	return true;
}

static bool matches(struct fim_str pattern, struct fim_str text, size_t index)
{
	char number[24];

	snprintf(number, sizeof(number), "%zu", index);
	return fim_str_is(pattern, number) || fim_glob_match(pattern, text, false);
}

static void print_mount(const struct fim_mount *mount, struct fim_text *out)
{
	const struct fim_str parts[] = {mount->source, mount->dest, mount->mode, mount->rdwr,
					mount->propagation};
	size_t i;

	for (i = 0; i < 5; i++) {
		fim_text_adds(out, i ? ":" : "");
		fim_text_add(out, parts[i].bytes, parts[i].len);
	}
}

/*
 * container.mount.dest[GLOB OR NUMBER] and its like: of the first mount whose source
 * (container.mount.source: destination) matches as a whole.  Of a container that is known
 * to have no such mount they are "N/A", which is what rules compare with.
 */
static bool extract_mount(struct fim_rules_event *event, const char *part, struct fim_str arg,
			  struct fim_cell *cell)
{
	bool by_dest = !strcmp(part, ".source");
	const struct fim_mount *mount;
	size_t i;

	for (i = 0; i < event->mount_count; i++)
		if (matches(arg, by_dest ? event->mounts[i].dest : event->mounts[i].source, i))
			break;
	if (i == event->mount_count) {
		fim_cell_set(event, cell, str("N/A"));
		return true;
	}
	mount = &event->mounts[i];
	if (!*part) {
		event->scratch.len = 0;
		print_mount(mount, &event->scratch);
		return fim_event_set_scratch(event, cell);
	}
	fim_cell_set(event, cell,
		     by_dest		      ? mount->source
		     : !strcmp(part, ".dest") ? mount->dest
		     : !strcmp(part, ".mode") ? mount->mode
		     : !strcmp(part, ".rdwr") ? mount->rdwr
					      : mount->propagation);
	return true;
}

static bool extract_mounts(struct fim_rules_event *event, struct fim_cell *cell)
{
	size_t i;

	event->scratch.len = 0;
	for (i = 0; i < event->mount_count; i++) {
		fim_text_adds(&event->scratch, i ? " " : "");
		print_mount(&event->mounts[i], &event->scratch);
	}
	return fim_event_set_scratch(event, cell);
}

/* ------------------------------------------------------------------ labels */

static int add_label(void *ctx, const char *name, struct fim_json *value)
{
	struct fim_text *out = ctx;

	fim_text_adds(out, out->len ? ", " : "");
	fim_text_adds(out, name);
	fim_text_adds(out, ":");
	fim_text_adds(out, fim_json_str(value) ? fim_json_str(value) : "");
	return 0;
}

static bool extract_label(struct fim_rules_event *event, struct fim_str arg, struct fim_cell *cell)
{
	char name[512];
	const char *value;

	if (arg.len >= sizeof(name))
		return false;
	memcpy(name, arg.bytes, arg.len);
	name[arg.len] = '\0';
	value = fim_json_get_str(event->labels, name);
	if (value)
		fim_cell_set(event, cell, str(value));
	return value;
}

static bool extract(struct fim_rules_event *event, const struct fim_slot *slot,
		    struct fim_cell *cell)
{
	const char *name = slot->ref.field->name;

	if (!strcmp(name, "container.mounts"))
		return event->mounts && extract_mounts(event, cell);
	if (!strncmp(name, "container.mount", 15))
		return event->mounts && extract_mount(event, name + 15, slot->ref.arg, cell);
	if (!strcmp(name, "container.label"))
		return event->labels && extract_label(event, slot->ref.arg, cell);
	if (!strcmp(name, "container.labels") && event->labels) {
		event->scratch.len = 0;
		fim_json_each(event->labels, add_label, &event->scratch);
		return fim_event_set_scratch(event, cell);
	}
	return false;
}

/* ------------------------------------------------------------------- start */

static void set_event(struct fim_rules_event *event)
{
	fim_rules_event_set_str(event, "evt.type", FIM_START_TYPE);
	event->second_type = "container";
	fim_rules_event_set_str(event, "syscall.type", FIM_START_TYPE);
	fim_rules_event_set_str(event, "evt.dir", "<");
	fim_rules_event_set_str(event, "evt.res", "SUCCESS");
	fim_rules_event_set_str(event, "evt.rawres", "0");
	fim_rules_event_set_str(event, "evt.failed", "false");
	fim_rules_event_set_str(event, "proc.vpid", "1");
	event->extract = extract;
}

static void set_bool(struct fim_rules_event *event, const char *field, bool value)
{
	fim_rules_event_set_str(event, field, value ? "true" : "false");
}

/* Path and Args of the first process. */
static void set_process(struct fim_rules_event *event, const struct fim_json *inspect)
{
	const struct fim_json *args = fim_json_get(inspect, "Args");
	const char *path = fim_json_get_str(inspect, "Path");
	const char *name = path ? strrchr(path, '/') : NULL;
	struct fim_str line;
	size_t i, name_len;

	if (!path)
		return;
	name = name ? name + 1 : path;
	name_len = strnlen(name, 15); /* as the kernel cuts it */
	fim_rules_event_set(event, "proc.name", name, name_len);
	fim_rules_event_set_str(event, "proc.exe", path);
	if (*path == '/')
		fim_rules_event_set_str(event, "proc.exepath", path);
	event->scratch.len = 0;
	fim_text_add(&event->scratch, name, name_len);
	for (i = 0; i < fim_json_count(args); i++) {
		const char *arg = fim_json_str(fim_json_index(args, i));

		fim_text_adds(&event->scratch, " ");
		fim_text_adds(&event->scratch, arg ? arg : "");
	}
	if (!fim_event_take_scratch(event, &line))
		return;
	fim_rules_event_set(event, "proc.cmdline", line.bytes, line.len);
	fim_rules_event_set_str(event, "proc.args", i ? line.bytes + name_len + 1 : "");
}

/* False: not root. */
static bool set_user(struct fim_rules_event *event, const char *user)
{
	size_t len = user ? strcspn(user, ":") : 0;
	bool is_root = !len || (len == 4 && !memcmp(user, "root", 4)) || strspn(user, "0") == len;

	if (is_root) {
		fim_rules_event_set_str(event, "user.uid", "0");
		fim_rules_event_set_str(event, "user.name", "root");
	} else if (strspn(user, "0123456789") == len) {
		fim_rules_event_set(event, "user.uid", user, len);
	} else {
		fim_rules_event_set(event, "user.name", user, len);
	}
	return is_root;
}

static bool is_host(const struct fim_json *host, const char *mode)
{
	const char *value = fim_json_get_str(host, mode);

	return value && !strcmp(value, "host");
}

int fim_event_set_inspected(struct fim_rules_event *event, const struct fim_json *inspect)
{
	const struct fim_json *host = fim_json_get(inspect, "HostConfig");
	const struct fim_json *config = fim_json_get(inspect, "Config");
	const struct fim_json *privileged = fim_json_get(host, "Privileged");
	const char *name = fim_json_get_str(inspect, "Name");
	const char *image = fim_json_get_str(config, "Image");

	if (!fim_json_get_str(inspect, "Id") || !config || !fim_json_is_bool(privileged))
		return -EINVAL;
	set_event(event);
	set_ids(event, fim_json_get_str(inspect, "Id"), fim_json_get_str(inspect, "Image"));
	fim_rules_event_set_str(event, "container.name", name && *name == '/' ? name + 1 : name);
	if (image)
		set_image(event, image);
	set_bool(event, "container.privileged", fim_json_get_bool(host, "Privileged", false));
	set_bool(event, "container.host_pid", is_host(host, "PidMode"));
	set_bool(event, "container.host_ipc", is_host(host, "IpcMode"));
	set_bool(event, "container.host_network", is_host(host, "NetworkMode"));
	set_process(event, inspect);
	fim_rules_event_set_int(event, "proc.pid",
				fim_json_get_int(fim_json_get(inspect, "State"), "Pid", 0));
	if (event->time_ns != FIM_TIME_UNKNOWN)
		fim_rules_event_set_int(event, "container.start_ts", event->time_ns);
	/* Whoever is not root has none of what the container may have. */
	fim_event_set_capabilities(event, set_user(event, fim_json_get_str(config, "User"))
						  ? container_mask(host)
						  : 0);
	event->labels = fim_json_get(config, "Labels");
	read_mounts(event, fim_json_get(inspect, "Mounts"));
	return 0;
}

/* Of the labels a record keeps those that say which task it is. */
static void set_task(struct fim_rules_event *event, const struct fim_json *container)
{
	static const char *const labels[][2] = {
		{TASK_LABEL("task-arn"), "task_arn"},
		{TASK_LABEL("cluster"), "cluster"},
		{TASK_LABEL("task-definition-family"), "family"},
		{TASK_LABEL("task-definition-version"), "revision"},
		{TASK_LABEL("container-name"), "ecs_container"},
	};
	size_t i;

	for (i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		fim_rules_event_set_str(event, labels[i][0],
					fim_json_get_str(container, labels[i][1]));
}

static bool has_flag(const struct fim_json *flags, const char *id)
{
	size_t i;

	for (i = 0; i < fim_json_count(flags); i++) {
		const char *one = fim_json_get_str(fim_json_index(flags, i), "id");

		if (one && !strcmp(one, id))
			return true;
	}
	return false;
}

/* What the flags of a record tell: the mounts and capabilities that give power. */
static uint64_t read_flags(struct fim_rules_event *event, const struct fim_json *flags)
{
	struct fim_mount *list = mounts_new(event, fim_json_count(flags));
	uint64_t mask = default_mask();
	size_t i;

	for (i = 0; list && i < fim_json_count(flags); i++) {
		const struct fim_json *flag = fim_json_index(flags, i);
		const char *id = fim_json_get_str(flag, "id");
		const char *evidence = fim_json_get_str(flag, "evidence");

		if (id && !strncmp(id, "cap-", 4))
			mask |= capability(id + 4);
		if (evidence && !strncmp(evidence, "HostConfig.CapAdd=", 18))
			mask |= capability(evidence + 18);
		else if (evidence && read_evidence(evidence, &list[event->mount_count]))
			event->mount_count++;
	}
	return mask;
}

int fim_event_set_start(struct fim_rules_event *event, const struct fim_json *container)
{
	const struct fim_json *flags = fim_json_get(container, "flags");
	uint64_t mask;

	if (!fim_json_get_str(container, "id") || !flags)
		return -EINVAL;
	if (!fim_json_get_bool(container, "running", false))
		return -ENOENT;
	set_event(event);
	fim_event_set_identity(event, container);
	set_task(event, container);
	fim_rules_event_set_int(event, "proc.pid", fim_json_get_int(container, "pid", 0));
	set_bool(event, "container.host_pid", has_flag(flags, "pid-host"));
	set_bool(event, "container.host_ipc", has_flag(flags, "ipc-host"));
	set_bool(event, "container.host_network", has_flag(flags, "net-host"));
	mask = read_flags(event, flags);
	if (has_flag(flags, "root-user"))
		set_user(event, "root");
	if (fim_json_get_bool(container, "privileged", false))
		mask = FIM_CAPABILITIES_ALL;
	fim_event_set_capabilities(event, has_flag(flags, "root-user") ? mask : 0);
	return 0;
}
