/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of a container's first process, against what its engine says.
 * Pure: compares two descriptions, reads nothing.
 *
 * An engine tells what it asked a runtime for.  A runtime that does something else, a
 * process that joined other namespaces, a setting that no inspect document shows: the
 * kernel knows.  Only what is stronger than told is a flag.  Without an engine the
 * yardstick is what an ordinary container gets.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib_private.h"

/* clang-format off */
/* linux/capability.h, by number. */
static const char *const capabilities[] = {
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID",
	"SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
	"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
	"AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
};

enum {
	CAP_DAC_READ_SEARCH_ = 2, CAP_NET_ADMIN_ = 12, CAP_SYS_MODULE_ = 16, CAP_SYS_RAWIO_ = 17,
	CAP_SYS_PTRACE_ = 19, CAP_SYS_ADMIN_ = 21,
};
/* clang-format on */

#define YOUNG_MS    1000
#define STARTING_MS 30000
#define DISOWNED    "unknown-to-engine"
#define CAP_COUNT   (sizeof(capabilities) / sizeof(*capabilities))
#define BIT(n)	    (UINT64_C(1) << (n))

/* What Docker, containerd and Podman give unless they are told otherwise; Podman gives less. */
static const uint64_t ordinary_capabilities = BIT(0) | BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(6) |
					      BIT(7) | BIT(8) | BIT(10) | BIT(13) | BIT(18) |
					      BIT(27) | BIT(29) | BIT(31);

/* Any of these is root on the host: see privilege.c. */
static const uint64_t host_capabilities = BIT(CAP_DAC_READ_SEARCH_) | BIT(CAP_SYS_MODULE_) |
					  BIT(CAP_SYS_RAWIO_) | BIT(CAP_SYS_ADMIN_);

/* One comparison of namespaces: the setting that asks for the host's, and what it is then. */
static const struct {
	enum fim_ns ns;
	const char *mode; /* member of HostConfig, NULL: there is none */
	const char *name; /* of the file in /proc/PID/ns */
	struct fim_flag flag;
} shared[] = {
	{FIM_NS_MNT, NULL, "mnt", {"kernel-mnt-ns", FIM_SEVERITY_CRITICAL, NULL, "", ""}},
	{FIM_NS_PID, "PidMode", "pid", {"kernel-pid-ns", FIM_SEVERITY_HIGH, NULL, "5.16", "ECS.3"}},
	{FIM_NS_NET,
	 "NetworkMode",
	 "net",
	 {"kernel-net-ns", FIM_SEVERITY_MEDIUM, NULL, "5.10", "ECS.17"}},
	{FIM_NS_IPC, "IpcMode", "ipc", {"kernel-ipc-ns", FIM_SEVERITY_MEDIUM, NULL, "5.17", ""}},
	{FIM_NS_UTS, "UTSMode", "uts", {"kernel-uts-ns", FIM_SEVERITY_MEDIUM, NULL, "5.21", ""}},
	{FIM_NS_CGROUP,
	 "CgroupnsMode",
	 "cgroup",
	 {"kernel-cgroup-ns", FIM_SEVERITY_MEDIUM, NULL, "", ""}},
	{FIM_NS_USER,
	 "UsernsMode",
	 "user",
	 {"kernel-user-ns", FIM_SEVERITY_MEDIUM, NULL, "5.31", ""}},
};

/* ------------------------------------------------------------------- status */

static uint64_t number_of(const char *text, const char *key, int base)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

void fim_truth_parse_status(const char *text, struct fim_truth *truth)
{
	/* A name cannot hold a newline here: the kernel escapes it. */
	truth->ppid = (int64_t)number_of(text, "\nPPid:", 10);
	truth->cap_permitted = number_of(text, "\nCapPrm:", 16);
	truth->cap_effective = number_of(text, "\nCapEff:", 16);
	truth->cap_bounding = number_of(text, "\nCapBnd:", 16);
	truth->no_new_privs = number_of(text, "\nNoNewPrivs:", 10) != 0;
	truth->seccomp = (unsigned int)number_of(text, "\nSeccomp:", 10);
	if (strncmp(text, "Name:\t", 6) == 0)
		snprintf(truth->comm, sizeof(truth->comm), "%.*s", (int)strcspn(text + 6, "\n"),
			 text + 6);
}

static bool is_runtime(const struct fim_truth *truth)
{
	static const char *const runtimes[] = {"runc", "crun", "youki"};
	bool runtime = false;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++)
		runtime |= strncmp(truth->comm, runtimes[i], strlen(runtimes[i])) == 0;
	return runtime;
}

bool fim_truth_is_starting(const struct fim_truth *truth)
{
	return truth->age_ms < (is_runtime(truth) ? STARTING_MS : YOUNG_MS);
}

bool fim_truth_is_begun(const struct fim_json *inspect, const struct fim_truth *truth,
			int64_t now_ns)
{
	const char *text = fim_json_str(fim_json_at(inspect, "State/StartedAt"));
	int64_t started_ns, since_ms = truth->age_ms;

	/* Its process waited for the engine until then, on a busy host for long. */
	if (text && fim_time_parse(text, &started_ns) == 0 && started_ns <= now_ns)
		since_ms = (now_ns - started_ns) / 1000000;
	return is_runtime(truth) && since_ms < STARTING_MS;
}

/* ------------------------------------------------------------- capabilities */

/* 0 for a name that this table does not know: what the engine gave then counts as more. */
static uint64_t capability_bit(const char *name)
{
	size_t i;

	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	if (strcasecmp(name, "ALL") == 0)
		return UINT64_MAX;
	for (i = 0; i < CAP_COUNT; i++)
		if (strcasecmp(name, capabilities[i]) == 0)
			return BIT(i);
	return 0;
}

static uint64_t capability_list(const struct fim_json *list)
{
	uint64_t set = 0;
	const char *name;
	size_t i;

	for (i = 0; i < fim_json_count(list); i++) {
		name = fim_json_str(fim_json_index(list, i));
		set |= name ? capability_bit(name) : 0;
	}
	return set;
}

/* As the engine computes it: what is added by name wins over what is dropped. */
static uint64_t capabilities_told(const struct fim_json *host)
{
	uint64_t added = capability_list(fim_json_get(host, "CapAdd"));
	uint64_t dropped = capability_list(fim_json_get(host, "CapDrop"));

	if (fim_json_get_bool(host, "Privileged", false))
		return UINT64_MAX;
	if (added == UINT64_MAX)
		return dropped == UINT64_MAX ? added : added & ~dropped;
	return (ordinary_capabilities & ~dropped) | added;
}

/* Their names, as many as fit. */
static void capability_names(uint64_t set, char *text, size_t size)
{
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < 64 && len < size; i++) {
		if (!(set & BIT(i)))
			continue;
		if (i < CAP_COUNT)
			len += (size_t)snprintf(text + len, size - len, " CAP_%s", capabilities[i]);
		else
			len += (size_t)snprintf(text + len, size - len, " %zu", i);
	}
}

/* -------------------------------------------------------------------- flags */

static int add(struct fim_container *container, struct fim_flag flag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int add(struct fim_container *container, struct fim_flag flag, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&flag.evidence, fmt, args);
	va_end(args);
	return len < 0 ? -ENOMEM : fim_container_add_flag(container, &flag);
}

static int judge_capabilities(const struct fim_json *host, const struct fim_truth *truth,
			      struct fim_container *container)
{
	uint64_t has = truth->cap_bounding | truth->cap_permitted | truth->cap_effective;
	uint64_t more = has & ~(host ? capabilities_told(host) : ordinary_capabilities);
	struct fim_flag flag = {"kernel-capabilities", FIM_SEVERITY_HIGH, NULL, "5.4", ""};
	char names[1024];

	if (!more)
		return 0;
	if (more & host_capabilities) {
		flag.severity = FIM_SEVERITY_CRITICAL;
		container->effectively_privileged = true;
	} else if (!(more & (BIT(CAP_SYS_PTRACE_) | BIT(CAP_NET_ADMIN_)))) {
		flag.severity = FIM_SEVERITY_MEDIUM;
	}
	capability_names(more, names, sizeof(names));
	return add(container, flag, "CapBnd=%016" PRIx64 " CapEff=%016" PRIx64 ": more than %s:%s",
		   truth->cap_bounding, truth->cap_effective,
		   host ? "HostConfig gives" : "an ordinary container has", names);
}

static bool has_option(const struct fim_json *list, const char *name, const char *value)
{
	size_t i, len = strlen(name);

	for (i = 0; i < fim_json_count(list); i++) {
		const char *text = fim_json_str(fim_json_index(list, i));

		if (!text || strncmp(text, name, len) != 0)
			continue;
		if (!value ? !text[len] || strchr("=:,", text[len])
			   : text[len] && strcmp(text + len + 1, value) == 0)
			return true;
	}
	return false;
}

/* The engine can filter, was not told not to, and still nothing is filtered. */
static int judge_seccomp(const struct fim_json *inspect, const struct fim_truth *truth,
			 struct fim_container *container)
{
	const struct fim_json *host = fim_json_get(inspect, "HostConfig");
	const struct fim_json *options = fim_json_get(host, "SecurityOpt");
	const struct fim_flag flag = {"kernel-seccomp", FIM_SEVERITY_HIGH, NULL, "5.22", ""};

	if (truth->seccomp)
		return 0;
	if (inspect &&
	    (fim_json_get_bool(host, "Privileged", false) ||
	     has_option(options, "seccomp", "unconfined") ||
	     !has_option(fim_json_at(inspect, "Engine/SecurityOptions"), "name=seccomp", NULL)))
		return 0;
	return add(container, flag, "Seccomp=0%s",
		   inspect ? ", which HostConfig.SecurityOpt does not ask for" : "");
}

static int judge_new_privileges(const struct fim_json *inspect, const struct fim_truth *truth,
				struct fim_container *container)
{
	const struct fim_json *options = fim_json_at(inspect, "HostConfig/SecurityOpt");
	const struct fim_flag flag = {"kernel-new-privileges", FIM_SEVERITY_MEDIUM, NULL, "5.26",
				      ""};

	if (truth->no_new_privs || !has_option(options, "no-new-privileges", NULL) ||
	    has_option(options, "no-new-privileges", "false"))
		return 0;
	return add(container, flag, "NoNewPrivs=0, but HostConfig.SecurityOpt=no-new-privileges");
}

/* "docker-default (enforce)" was promised; without AppArmor nothing is. */
static int judge_label(const struct fim_json *inspect, const struct fim_truth *truth,
		       struct fim_container *container)
{
	const char *profile = fim_json_get_str(inspect, "AppArmorProfile");
	const struct fim_flag flag = {"kernel-apparmor", FIM_SEVERITY_MEDIUM, NULL, "5.2", ""};

	if (!profile || !*profile || strcmp(profile, "unconfined") == 0 || !truth->label[0] ||
	    strncmp(truth->label, profile, strlen(profile)) == 0)
		return 0;
	return add(container, flag, "attr/current=%s, but AppArmorProfile=%s", truth->label,
		   profile);
}

/* Whether sharing @ns with the host was asked for, or is what everybody gets. */
static bool is_told_shared(const struct fim_json *inspect, size_t row)
{
	const struct fim_json *host = fim_json_get(inspect, "HostConfig");
	const char *mode = shared[row].mode ? fim_json_get_str(host, shared[row].mode) : NULL;

	switch (shared[row].ns) {
	case FIM_NS_CGROUP:
		return !inspect || (mode && strcmp(mode, "host") == 0) || !mode || !*mode;
	case FIM_NS_USER:
		return !has_option(fim_json_at(inspect, "Engine/SecurityOptions"), "name=userns",
				   NULL) ||
		       fim_json_get_bool(host, "Privileged", false) ||
		       (mode && strcmp(mode, "host") == 0);
	default:
		break;
	}
	/* "container:ID" of one that has the host's. */
	return mode && (strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0);
}

static int judge_namespaces(const struct fim_json *inspect, const struct fim_truth *truth,
			    const struct fim_truth *host, struct fim_container *container)
{
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(shared) / sizeof(*shared) && !err; i++) {
		uint64_t ns = truth->ns[shared[i].ns];

		if (!ns || ns != host->ns[shared[i].ns] || is_told_shared(inspect, i))
			continue;
		container->effectively_privileged |= shared[i].ns == FIM_NS_MNT;
		err = add(container, shared[i].flag, "ns/%s=%" PRIu64 " is the host's%s",
			  shared[i].name, ns, inspect ? ", which HostConfig does not ask for" : "");
	}
	return err;
}

/* The host's processes and the power to write into them: see privilege.c. */
static bool may_trace_host(const struct fim_truth *truth, const struct fim_truth *host)
{
	return truth->ns[FIM_NS_PID] && truth->ns[FIM_NS_PID] == host->ns[FIM_NS_PID] &&
	       (truth->cap_bounding & BIT(CAP_SYS_PTRACE_));
}

/*
 * The ECS agent puts a task's containers below a cgroup that has the task's id, unless
 * limits per task are off: labels that name another task are not its own.
 */
static int judge_task(const struct fim_truth *truth, struct fim_container *container)
{
	static const char *const marks[] = {"ecstasks-", "/ecs/"};
	const struct fim_flag flag = {"task-refuted", FIM_SEVERITY_HIGH, NULL, "", ""};
	const char *task = strrchr(container->task_arn, '/');
	size_t i;

	for (i = 0; task && i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = strstr(truth->cgroup, marks[i]);
		size_t len;

		if (!at)
			continue;
		at += strlen(marks[i]);
		len = strcspn(at, "./");
		if (strlen(task + 1) == len && strncmp(task + 1, at, len) == 0)
			continue;
		container->task_check = "refuted";
		return add(container, flag, "label com.amazonaws.ecs.task-arn=%s, but cgroup=%s",
			   container->task_arn, truth->cgroup);
	}
	return 0;
}

int fim_truth_judge(const struct fim_json *inspect, const struct fim_truth *truth,
		    const struct fim_truth *host, struct fim_container *container)
{
	int err = judge_capabilities(fim_json_get(inspect, "HostConfig"), truth, container);

	if (!err)
		err = judge_seccomp(inspect, truth, container);
	if (!err)
		err = judge_new_privileges(inspect, truth, container);
	if (!err)
		err = judge_label(inspect, truth, container);
	if (!err)
		err = judge_namespaces(inspect, truth, host, container);
	if (!err)
		err = judge_task(truth, container);
	container->effectively_privileged |= may_trace_host(truth, host);
	return err;
}

int fim_container_disown(struct fim_container *container, const struct fim_truth *truth)
{
	const struct fim_flag flag = {DISOWNED, FIM_SEVERITY_HIGH, NULL, "", ""};

	return add(container, flag, "cgroup=%s, but the engine does not know it", truth->cgroup);
}

bool fim_container_is_disowned(const struct fim_container *container)
{
	return fim_container_has_flag(container, DISOWNED);
}

bool fim_container_is_stronger(const struct fim_container *container)
{
	size_t i;

	for (i = 0; i < container->flag_count; i++)
		if (strncmp(container->flags[i].id, "kernel-", 7) == 0)
			return true;
	return false;
}

/* ------------------------------------------------------ containers of nobody */

/* The last component of its cgroup, without what systemd adds. */
static char *cgroup_name(const char *cgroup)
{
	const char *slash = strrchr(cgroup, '/');
	const char *name = slash ? slash + 1 : cgroup;
	size_t len = strlen(name);

	if (len > 6 && strcmp(name + len - 6, ".scope") == 0)
		len -= 6;
	return strndup(name, len);
}

/* Who keeps it, where the cgroup does not tell: the kernel keeps 15 bytes of a name. */
static const char *parent_engine(const char *parent)
{
	if (strncmp(parent, "containerd-shim", 15) == 0)
		return "containerd";
	if (strcmp(parent, "conmon") == 0)
		return "podman";
	return strcmp(parent, "systemd-nspawn") == 0 ? "nspawn" : "unknown";
}

int fim_container_from_truth(const struct fim_truth *truth, const struct fim_truth *host,
			     struct fim_container **container_ret)
{
	struct fim_container *container = calloc(1, sizeof(*container));
	const char *engine = fim_cgroup_engine(truth->cgroup);
	char **const empty[] = {
		&container->image,	   &container->image_id,    &container->task_arn,
		&container->cluster,	   &container->family,	    &container->revision,
		&container->ecs_container, &container->account,	    &container->region,
		&container->image_digest,  &container->cluster_arn, &container->owner,
		&container->reason,
	};
	char id[FIM_CONTAINER_ID_SIZE];
	bool good = container != NULL;
	size_t i;
	int err;

	if (!container)
		return -ENOMEM;
	for (i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		good &= (*empty[i] = strdup("")) != NULL;
	container->name = cgroup_name(truth->cgroup);
	if (fim_cgroup_container_id(truth->cgroup, id))
		container->id = strdup(id);
	else if (container->name && *container->name)
		container->id = strdup(container->name);
	else if (asprintf(&container->id, "mnt-%" PRIu64, truth->ns[FIM_NS_MNT]) < 0)
		container->id = NULL;
	container->engine = engine ? engine : parent_engine(truth->parent);
	container->pid = truth->pid;
	container->running = true;
	err = good && container->name && container->id
		      ? fim_truth_judge(NULL, truth, host, container)
		      : -ENOMEM;
	if (err)
		fim_container_free(container);
	else
		*container_ret = container;
	return err;
}
