/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a container's settings give it power over the host.  Pure: reads
 * Docker's inspect document, asks nobody, opens nothing.
 *
 * One row of rules[] is one setting that gives power: its name, how bad it is,
 * what the CIS Docker Benchmark 1.6.0 and Security Hub call it, and the function
 * that finds it.  Severities are as in userspace/README.md: what is high or
 * critical makes a container one that a person has to look at.
 *
 * The document is judged by what the engine will do with it, not by what people
 * usually write: see the comments at the traps.  Where the document cannot tell,
 * the answer errs on the side of power.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

/* A container may carry thousands of binds or variables; the rest of a row is counted only. */
#define FLAGS_PER_ROW 16

struct rule;

/*
 * struct judge - one container being judged
 * @inspect: the whole document; @host, @config: its HostConfig and Config
 * @engine: defaults of the engine that docker.c adds, NULL if unknown
 * @binds: places of the host that it sees
 * @rule: the row being evaluated; @raised: how often it was, so far
 * @gives_host: some setting alone gives the host
 * @err: first failure; later calls do nothing
 */
struct judge {
	const struct fim_json *inspect;
	const struct fim_json *host;
	const struct fim_json *config;
	const struct fim_json *engine;
	struct fim_container *container;
	struct fim_binds binds;
	const struct rule *rule;
	size_t raised;
	bool gives_host;
	int err;
};

/*
 * struct rule - one setting
 * @find: calls raise() for each occurrence
 * @arg: what @find looks for
 * @traits: ALONE, IMPLIED
 */
enum {
	ALONE = 1,   /* enough to become root on the host */
	IMPLIED = 2, /* part of what "privileged" means; not said again there */
};

struct rule {
	const char *id;
	enum fim_severity severity;
	const char *cis;
	const char *security_hub;
	void (*find)(struct judge *judge, const char *arg);
	const char *arg;
	unsigned int traits;
};

/* ------------------------------------------------------------------- flags */

static void add_flag(struct judge *judge, enum fim_severity severity, char *evidence)
{
	struct fim_flag flag = {.id = judge->rule->id,
				.severity = severity,
				.evidence = evidence,
				.cis = judge->rule->cis,
				.security_hub = judge->rule->security_hub};

	judge->err = fim_container_add_flag(judge->container, &flag);
}

static void raise_as(struct judge *judge, enum fim_severity severity, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void raise_as(struct judge *judge, enum fim_severity severity, const char *fmt, ...)
{
	char *evidence;
	va_list args;
	int len;

	judge->gives_host |= (judge->rule->traits & ALONE) != 0;
	if (judge->err || judge->raised++ >= FLAGS_PER_ROW)
		return;
	va_start(args, fmt);
	len = vasprintf(&evidence, fmt, args);
	va_end(args);
	if (len < 0)
		judge->err = -ENOMEM;
	else
		add_flag(judge, severity, evidence);
}

#define raise(judge, ...) raise_as(judge, (judge)->rule->severity, __VA_ARGS__)

/* ------------------------------------------------- places of the host, see bind.c */

static void find_host_path_write(struct judge *judge, const char *arg)
{
	const struct fim_host_path *found;
	size_t i;

	(void)arg;
	for (i = 0; i < judge->binds.count; i++) {
		if (!judge->binds.binds[i].writable)
			continue;
		found = fim_host_path_lookup(judge->binds.binds[i].source);
		if (!found)
			continue;
		judge->gives_host |= found->gives_host;
		raise(judge, "%s", judge->binds.binds[i].shown);
	}
}

/* Read-only, only the whole place counts: /etc/localtime in a container is everyday life. */
static void find_host_path_read(struct judge *judge, const char *arg)
{
	const struct fim_host_path *found;
	size_t i;

	(void)arg;
	for (i = 0; i < judge->binds.count; i++) {
		if (judge->binds.binds[i].writable)
			continue;
		found = fim_host_path_lookup(judge->binds.binds[i].source);
		if (found && strcmp(found->path, judge->binds.binds[i].source) == 0)
			raise(judge, "%s", judge->binds.binds[i].shown);
	}
}

/*
 * A socket is reachable through any directory above it, and a read-only mount does
 * not keep anybody from connecting.  /var/run is a link to /run on the hosts we
 * know, so both names lead there.
 */
static void find_socket(struct judge *judge, const char *arg)
{
	const char *listens = fim_json_get_str(judge->engine, "Socket");
	const char *source, *name = strrchr(arg, '/') + 1;
	bool is_engine = strcmp(arg, "/run/docker.sock") == 0;
	char *other;
	size_t i;

	if (asprintf(&other, "/var%s", arg) < 0) {
		judge->err = -ENOMEM;
		return;
	}
	for (i = 0; i < judge->binds.count; i++) {
		source = judge->binds.binds[i].source;
		/* It may be elsewhere: the last component is telling. */
		if (fim_path_is_in(arg, source) || fim_path_is_in(other, source) ||
		    (is_engine && listens && fim_path_is_in(listens, source)) ||
		    strcmp(strrchr(source, '/') + 1, name) == 0)
			raise(judge, "%s", judge->binds.binds[i].shown);
	}
	free(other);
}

static void find_propagation(struct judge *judge, const char *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < judge->binds.count; i++)
		if (judge->binds.binds[i].shared)
			raise(judge, "%s, propagation shared", judge->binds.binds[i].shown);
}

/* ------------------------------------------------------------ capabilities */

/* Docker normalises to CAP_* since 20.10; clients and older engines write it as they like. */
static bool is_capability(const char *text, const char *name)
{
	if (strncasecmp(text, "CAP_", 4) == 0)
		text += 4;
	return strcasecmp(text, name) == 0;
}

static bool list_has_capability(const struct fim_json *list, const char *name)
{
	const char *text;
	size_t i;

	for (i = 0; i < fim_json_count(list); i++) {
		text = fim_json_str(fim_json_index(list, i));
		if (text && is_capability(text, name))
			return true;
	}
	return false;
}

/* An explicit CapAdd wins over CapDrop in the engine, so CapDrop does not matter here. */
static void find_capability(struct judge *judge, const char *arg)
{
	const struct fim_json *added = fim_json_get(judge->host, "CapAdd");

	if (list_has_capability(added, arg))
		raise(judge, "HostConfig.CapAdd=%s%s", strcmp(arg, "ALL") == 0 ? "" : "CAP_", arg);
}

/* clang-format off */
static const char *const default_capabilities[] = {
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
};
/* clang-format on */

static bool has_rule_for_capability(const char *text);

static void find_other_capabilities(struct judge *judge, const char *arg)
{
	const struct fim_json *added = fim_json_get(judge->host, "CapAdd");
	const char *text;
	bool is_default;
	size_t i, k;

	(void)arg;
	for (i = 0; i < fim_json_count(added); i++) {
		text = fim_json_str(fim_json_index(added, i));
		if (!text || has_rule_for_capability(text))
			continue;
		is_default = false;
		for (k = 0; k < sizeof(default_capabilities) / sizeof(*default_capabilities); k++)
			is_default |= is_capability(text, default_capabilities[k]);
		if (!is_default)
			raise(judge, "HostConfig.CapAdd=%s", text);
	}
}

/* ----------------------------------------------------------------- devices */

/* Block devices hold the host's file systems; the others are memory and I/O. */
static bool device_gives_host(const char *path)
{
	static const char *const prefixes[] = {
		"/dev/sd",  "/dev/nvme", "/dev/xvd",  "/dev/vd",   "/dev/dm-",	  "/dev/mapper",
		"/dev/md",  "/dev/disk", "/dev/root", "/dev/hd",   "/dev/mmcblk", "/dev/block",
		"/dev/mem", "/dev/kmem", "/dev/port", "/dev/loop", "/dev/zvol",	  "/dev/fd0",
		"/dev/bsg", "/dev/sg",	 "/dev/raw"};
	size_t i;

	if (strcmp(path, "/dev") == 0 || strcmp(path, "/") == 0)
		return true;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static void find_devices(struct judge *judge, const char *arg)
{
	const struct fim_json *devices = fim_json_get(judge->host, "Devices");
	const char *path, *permissions;
	char *clean;
	size_t i;

	(void)arg;
	for (i = 0; i < fim_json_count(devices); i++) {
		path = fim_json_get_str(fim_json_index(devices, i), "PathOnHost");
		permissions = fim_json_get_str(fim_json_index(devices, i), "CgroupPermissions");
		clean = path ? fim_path_normalise(path) : NULL;
		judge->gives_host |= clean && device_gives_host(clean);
		free(clean);
		raise(judge, "HostConfig.Devices=%s:%s", path ? path : "?",
		      permissions ? permissions : "");
	}
}

/* MKNOD is a default capability: a rule for block devices or memory is the device itself. */
static bool device_rule_gives_host(const struct judge *judge, const char *text)
{
	const struct fim_json *dropped = fim_json_get(judge->host, "CapDrop");
	const struct fim_json *added = fim_json_get(judge->host, "CapAdd");

	if (!list_has_capability(added, "MKNOD") && !list_has_capability(added, "ALL") &&
	    (list_has_capability(dropped, "MKNOD") || list_has_capability(dropped, "ALL")))
		return false;
	return text[0] == 'a' || text[0] == 'b' || strncmp(text, "c *", 3) == 0 ||
	       strncmp(text, "c 1:", 4) == 0;
}

static void find_device_rules(struct judge *judge, const char *arg)
{
	const struct fim_json *rules = fim_json_get(judge->host, "DeviceCgroupRules");
	const char *text;
	size_t i;

	(void)arg;
	for (i = 0; i < fim_json_count(rules); i++) {
		text = fim_json_str(fim_json_index(rules, i));
		if (!text)
			continue;
		judge->gives_host |= device_rule_gives_host(judge, text);
		raise(judge, "HostConfig.DeviceCgroupRules=%s", text);
	}
}

static void find_device_requests(struct judge *judge, const char *arg)
{
	const struct fim_json *requests = fim_json_get(judge->host, "DeviceRequests");
	const char *driver;
	size_t i;

	(void)arg;
	for (i = 0; i < fim_json_count(requests); i++) {
		driver = fim_json_get_str(fim_json_index(requests, i), "Driver");
		raise(judge, "HostConfig.DeviceRequests: driver %s",
		      driver && *driver ? driver : "by capability");
	}
}

/* -------------------------------------------------------------- namespaces */

static void find_true(struct judge *judge, const char *arg)
{
	if (fim_json_get_bool(judge->host, arg, false))
		raise(judge, "HostConfig.%s=true", arg);
}

static void find_mode_host(struct judge *judge, const char *arg)
{
	const char *mode = fim_json_get_str(judge->host, arg);

	if (mode && strcmp(mode, "host") == 0)
		raise(judge, "HostConfig.%s=host", arg);
}

/* Another container's processes, not the host's: what pidMode=task of ECS makes. */
static void find_pid_of_container(struct judge *judge, const char *arg)
{
	const char *mode = fim_json_get_str(judge->host, "PidMode");

	(void)arg;
	if (mode && strncmp(mode, "container:", 10) == 0)
		raise(judge, "HostConfig.PidMode=%s", mode);
}

/* Filled with the engine's default, which is "host" on cgroup v1: only there it says nothing. */
static void find_cgroupns(struct judge *judge, const char *arg)
{
	const char *mode = fim_json_get_str(judge->host, "CgroupnsMode");
	const char *version = fim_json_get_str(judge->engine, "CgroupVersion");

	(void)arg;
	if (!mode || strcmp(mode, "host") != 0 || (version && strcmp(version, "1") == 0))
		return;
	if (version)
		raise(judge, "HostConfig.CgroupnsMode=host");
	else
		raise_as(
			judge, FIM_SEVERITY_LOW,
			"HostConfig.CgroupnsMode=host (the default on cgroup v1; version unknown)");
}

/* --------------------------------------------------------- SecurityOpt etc. */

/*
 * The value of the option @key, "" if it stands alone, NULL if it is not @text.
 * Both '=' and ':' were in use as separator.
 */
static const char *option_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(text, key, len) != 0)
		return NULL;
	if (!text[len])
		return "";
	return text[len] == '=' || text[len] == ':' ? text + len + 1 : NULL;
}

static const char *security_option(const struct judge *judge, size_t *pos, const char *key)
{
	const struct fim_json *options = fim_json_get(judge->host, "SecurityOpt");
	const char *text, *value;

	while (*pos < fim_json_count(options)) {
		text = fim_json_str(fim_json_index(options, (*pos)++));
		value = text ? option_value(text, key) : NULL;
		if (value)
			return value;
	}
	return NULL;
}

/* Go's strconv.ParseBool, as the engine uses it; bare is true. */
static bool option_is_true(const char *value)
{
	static const char *const yes[] = {"", "1", "t", "T", "TRUE", "true", "True"};
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (strcmp(value, yes[i]) == 0)
			return true;
	return false;
}

/* Like "name=selinux" or "name=seccomp,profile=default" in GET /info. */
static bool engine_has_option(const struct judge *judge, const char *name)
{
	const struct fim_json *options = fim_json_get(judge->engine, "SecurityOptions");
	const char *text;
	size_t i, len = strlen(name);

	for (i = 0; i < fim_json_count(options); i++) {
		text = fim_json_str(fim_json_index(options, i));
		if (text && strncmp(text, "name=", 5) == 0 && strncmp(text + 5, name, len) == 0 &&
		    (text[5 + len] == '\0' || text[5 + len] == ','))
			return true;
	}
	return false;
}

/* A profile may be given inline; one that allows what it does not name is no profile. */
static bool seccomp_allows_by_default(const char *value)
{
	struct fim_json *profile;
	const char *action;
	bool allows;

	if (value[0] != '{' || fim_json_parse(value, strlen(value), NULL, &profile))
		return false;
	action = fim_json_get_str(profile, "defaultAction");
	allows = action &&
		 (strcmp(action, "SCMP_ACT_ALLOW") == 0 || strcmp(action, "SCMP_ACT_LOG") == 0);
	fim_json_free(profile);
	return allows;
}

static void find_seccomp(struct judge *judge, const char *arg)
{
	const char *value;
	size_t pos = 0;

	(void)arg;
	while ((value = security_option(judge, &pos, "seccomp")) != NULL) {
		if (strcmp(value, "unconfined") == 0)
			raise(judge, "HostConfig.SecurityOpt=seccomp=unconfined");
		else if (seccomp_allows_by_default(value))
			raise(judge, "HostConfig.SecurityOpt=seccomp: profile allows by default");
	}
}

/* An empty AppArmorProfile means a host without AppArmor (Amazon Linux): not applicable. */
static void find_apparmor(struct judge *judge, const char *arg)
{
	const char *profile = fim_json_get_str(judge->inspect, "AppArmorProfile"), *value;
	bool raised = false;
	size_t pos = 0;

	(void)arg;
	while ((value = security_option(judge, &pos, "apparmor")) != NULL)
		if (strcmp(value, "unconfined") == 0 && !raised) {
			raise(judge, "HostConfig.SecurityOpt=apparmor=unconfined");
			raised = true;
		}
	if (!raised && profile && strcmp(profile, "unconfined") == 0)
		raise(judge, "AppArmorProfile=unconfined");
}

/* The engine adds label=disable by itself for PidMode and IpcMode host: those are the flags then. */
static void find_label_disable(struct judge *judge, const char *arg)
{
	const char *value;
	size_t pos = 0;

	(void)arg;
	if (fim_container_has_flag(judge->container, "pid-host") ||
	    fim_container_has_flag(judge->container, "ipc-host"))
		return;
	while ((value = security_option(judge, &pos, "label")) != NULL)
		if (strcmp(value, "disable") == 0) {
			raise_as(judge,
				 engine_has_option(judge, "selinux") ? FIM_SEVERITY_HIGH
								     : FIM_SEVERITY_MEDIUM,
				 "HostConfig.SecurityOpt=label=disable");
			return;
		}
}

static void find_writable_cgroups(struct judge *judge, const char *arg)
{
	const char *value;
	size_t pos = 0;

	(void)arg;
	while ((value = security_option(judge, &pos, "writable-cgroups")) != NULL)
		if (option_is_true(value)) {
			raise(judge, "HostConfig.SecurityOpt=writable-cgroups");
			return;
		}
}

static void find_new_privileges(struct judge *judge, const char *arg)
{
	bool set = engine_has_option(judge, "no-new-privileges");
	const char *value;
	size_t pos = 0;

	(void)arg;
	while ((value = security_option(judge, &pos, "no-new-privileges")) != NULL)
		set = option_is_true(value);
	if (!set)
		raise(judge, "HostConfig.SecurityOpt: no-new-privileges is not set");
}

/*
 * "systempaths=unconfined" is not kept as such: it is an empty list.  A list of
 * one's own that leaves out what matters does the same.  null is the engine's
 * default (or a privileged container, which has its own flag).
 */
static void find_system_paths(struct judge *judge, const char *arg)
{
	static const char *const masked[] = {"/proc/kcore", "/proc/keys", "/sys/firmware"};
	static const char *const readonly[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq"};
	const struct fim_json *list = fim_json_get(judge->host, arg);
	bool is_masked = strcmp(arg, "MaskedPaths") == 0;
	size_t i;

	if (!fim_json_is_array(list))
		return;
	if (!fim_json_count(list)) {
		raise(judge, "HostConfig.%s=[]", arg);
		return;
	}
	for (i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (!fim_json_array_has(list, is_masked ? masked[i] : readonly[i]))
			raise(judge, "HostConfig.%s lacks %s", arg,
			      is_masked ? masked[i] : readonly[i]);
}

/* ------------------------------------------------------------------ Config */

/* "", "0", "root", "0:0", "00": who is user 0 for the engine. A missing User is "". */
static bool is_root_user(const struct judge *judge)
{
	const char *user = fim_json_get_str(judge->config, "User");
	size_t len = user ? strcspn(user, ":") : 0;

	return !len || (len == 4 && memcmp(user, "root", 4) == 0) || strspn(user, "0") == len;
}

static void find_root_user(struct judge *judge, const char *arg)
{
	const char *user = fim_json_get_str(judge->config, "User");

	(void)arg;
	if (is_root_user(judge))
		raise(judge, "Config.User=%s", user && *user ? user : "\"\"");
}

static void find_writable_root(struct judge *judge, const char *arg)
{
	(void)arg;
	if (!fim_json_get_bool(judge->host, "ReadonlyRootfs", false))
		raise(judge, "HostConfig.ReadonlyRootfs=false");
}

static void find_no_log(struct judge *judge, const char *arg)
{
	const char *type = fim_json_str(fim_json_at(judge->host, "LogConfig/Type"));

	(void)arg;
	if (type && strcmp(type, "none") == 0)
		raise(judge, "HostConfig.LogConfig.Type=none");
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len >= end_len && strncasecmp(text + len - end_len, end, end_len) == 0;
}

/*
 * By name only, as Security Hub ECS.8 does it.  A name that says where a secret is
 * (…_FILE, …_URI, …_ARN) is the recommended way and not one itself; so is what the
 * ECS agent sets (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI).
 */
static bool is_secret_name(const char *name, size_t len)
{
	static const char *const pointers[] = {"_FILE", "_PATH", "_DIR",  "_URI", "_URL",
					       "_ARN",	"_NAME", "_TYPE", "_TTL", "_EXPIRATION"};
	static const char *const secrets[] = {
		"PASSWORD",   "PASSWD",	  "PASSPHRASE",	   "SECRET",	       "SECRETS",
		"_TOKEN",     "APIKEY",	  "API_KEY",	   "ACCESS_KEY",       "PRIVATE_KEY",
		"SECRET_KEY", "AUTH_KEY", "SIGNING_KEY",   "CREDENTIAL",       "CREDENTIALS",
		"_PWD",	      "_PASS",	  "ACCESS_KEY_ID", "ENGINE_AUTH_DATA", "ENCRYPTION_KEY",
	};
	size_t i;

	for (i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
		if (ends_with(name, len, pointers[i]))
			return false;
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (ends_with(name, len, secrets[i]))
			return true;
	return len == 5 && strncasecmp(name, "TOKEN", 5) == 0;
}

/* An empty value or a switch is no secret (MYSQL_ALLOW_EMPTY_PASSWORD=yes). */
static bool is_secret_value(const char *value)
{
	static const char *const switches[] = {"", "0", "1", "true", "false", "yes", "no"};
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (strcasecmp(value, switches[i]) == 0)
			return false;
	return true;
}

static void find_secrets(struct judge *judge, const char *arg)
{
	const struct fim_json *env = fim_json_get(judge->config, "Env");
	const char *text;
	size_t i, len;

	(void)arg;
	for (i = 0; i < fim_json_count(env); i++) {
		text = fim_json_str(fim_json_index(env, i));
		len = text ? strcspn(text, "=") : 0;
		if (len && text[len] && is_secret_name(text, len) &&
		    is_secret_value(text + len + 1))
			raise(judge, "Config.Env: %.*s (value not recorded)", (int)len, text);
	}
}

/* ------------------------------------------------------------------- table */

/* clang-format off */
static const struct rule rules[] = {
	/* id, severity, CIS Docker 1.6.0, Security Hub, how to find it, traits */
	{ "privileged", FIM_SEVERITY_CRITICAL, "5.5", "ECS.4", find_true, "Privileged", ALONE },
	{ "docker-socket", FIM_SEVERITY_CRITICAL, "5.32", "", find_socket, "/run/docker.sock", ALONE },
	{ "containerd-socket", FIM_SEVERITY_CRITICAL, "5.32", "", find_socket, "/run/containerd/containerd.sock", ALONE },
	{ "systemd-socket", FIM_SEVERITY_CRITICAL, "", "", find_socket, "/run/dbus/system_bus_socket", ALONE },

	{ "cap-all", FIM_SEVERITY_CRITICAL, "5.4", "", find_capability, "ALL", ALONE | IMPLIED },
	{ "cap-sys-admin", FIM_SEVERITY_CRITICAL, "5.4", "", find_capability, "SYS_ADMIN", ALONE | IMPLIED },
	{ "cap-sys-module", FIM_SEVERITY_CRITICAL, "5.4", "", find_capability, "SYS_MODULE", ALONE | IMPLIED },
	{ "cap-sys-rawio", FIM_SEVERITY_CRITICAL, "5.4", "", find_capability, "SYS_RAWIO", ALONE | IMPLIED },
	{ "cap-dac-read-search", FIM_SEVERITY_CRITICAL, "5.4", "", find_capability, "DAC_READ_SEARCH", ALONE | IMPLIED },
	{ "cap-sys-ptrace", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "SYS_PTRACE", IMPLIED },
	{ "cap-sys-boot", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "SYS_BOOT", IMPLIED },
	{ "cap-bpf", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "BPF", IMPLIED },
	{ "cap-perfmon", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "PERFMON", IMPLIED },
	{ "cap-mac-admin", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "MAC_ADMIN", IMPLIED },
	{ "cap-mac-override", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "MAC_OVERRIDE", IMPLIED },
	{ "cap-linux-immutable", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "LINUX_IMMUTABLE", IMPLIED },
	{ "cap-audit-control", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "AUDIT_CONTROL", IMPLIED },
	{ "cap-syslog", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "SYSLOG", IMPLIED },
	{ "cap-net-admin", FIM_SEVERITY_HIGH, "5.4", "", find_capability, "NET_ADMIN", IMPLIED },
	{ "cap-sys-time", FIM_SEVERITY_MEDIUM, "5.4", "", find_capability, "SYS_TIME", IMPLIED },
	{ "cap-other", FIM_SEVERITY_LOW, "5.4", "", find_other_capabilities, NULL, IMPLIED },

	{ "host-path-write", FIM_SEVERITY_HIGH, "5.6", "", find_host_path_write, NULL, 0 },
	{ "host-path-read", FIM_SEVERITY_MEDIUM, "5.6", "", find_host_path_read, NULL, 0 },
	{ "shared-propagation", FIM_SEVERITY_MEDIUM, "5.20", "", find_propagation, NULL, 0 },
	{ "device", FIM_SEVERITY_HIGH, "5.18", "", find_devices, NULL, 0 },
	{ "device-rule", FIM_SEVERITY_HIGH, "5.18", "", find_device_rules, NULL, 0 },
	{ "device-request", FIM_SEVERITY_HIGH, "5.18", "", find_device_requests, NULL, 0 },

	{ "pid-host", FIM_SEVERITY_HIGH, "5.16", "ECS.3", find_mode_host, "PidMode", 0 },
	{ "pid-container", FIM_SEVERITY_MEDIUM, "5.16", "", find_pid_of_container, NULL, 0 },
	{ "ipc-host", FIM_SEVERITY_MEDIUM, "5.17", "", find_mode_host, "IpcMode", 0 },
	{ "net-host", FIM_SEVERITY_MEDIUM, "5.10", "ECS.17", find_mode_host, "NetworkMode", 0 },
	{ "uts-host", FIM_SEVERITY_MEDIUM, "5.21", "", find_mode_host, "UTSMode", 0 },
	{ "userns-host", FIM_SEVERITY_MEDIUM, "5.31", "", find_mode_host, "UsernsMode", 0 },
	{ "cgroupns-host", FIM_SEVERITY_MEDIUM, "", "", find_cgroupns, NULL, 0 },

	{ "seccomp-unconfined", FIM_SEVERITY_HIGH, "5.22", "", find_seccomp, NULL, IMPLIED },
	{ "apparmor-unconfined", FIM_SEVERITY_MEDIUM, "5.2", "", find_apparmor, NULL, IMPLIED },
	{ "label-disable", FIM_SEVERITY_MEDIUM, "5.3", "", find_label_disable, NULL, IMPLIED },
	{ "masked-paths", FIM_SEVERITY_HIGH, "", "", find_system_paths, "MaskedPaths", IMPLIED },
	{ "readonly-paths", FIM_SEVERITY_HIGH, "", "", find_system_paths, "ReadonlyPaths", IMPLIED },
	{ "writable-cgroups", FIM_SEVERITY_MEDIUM, "", "", find_writable_cgroups, NULL, IMPLIED },

	{ "no-log", FIM_SEVERITY_HIGH, "", "ECS.9", find_no_log, NULL, 0 },
	{ "secret-in-env", FIM_SEVERITY_HIGH, "", "ECS.8", find_secrets, NULL, 0 },
	{ "root-user", FIM_SEVERITY_LOW, "4.1", "ECS.20", find_root_user, NULL, 0 },
	{ "writable-root", FIM_SEVERITY_MEDIUM, "5.13", "ECS.5", find_writable_root, NULL, 0 },
	{ "new-privileges", FIM_SEVERITY_LOW, "5.26", "", find_new_privileges, NULL, 0 },
};
/* clang-format on */

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

static bool has_rule_for_capability(const char *text)
{
	size_t i;

	for (i = 0; i < RULE_COUNT; i++)
		if (rules[i].find == find_capability && is_capability(text, rules[i].arg))
			return true;
	return false;
}

/*
 * Whether the settings together give the host, that is: whether a process in the
 * container can become root on the host by documented means, without a bug.
 *
 * Alone (judge->gives_host, set by the rows and by what they found):
 *   privileged; a socket of the engine, containerd or systemd; the capabilities
 *   ALL, SYS_ADMIN (mount, cgroup release_agent), SYS_MODULE, SYS_RAWIO (I/O
 *   ports), DAC_READ_SEARCH (open_by_handle_at() on any inode, writable with the
 *   default DAC_OVERRIDE); a writable bind of what the host executes, loads or
 *   trusts (host_paths[]); a block or memory device, or a device rule for one
 *   while MKNOD is there.
 * Together:
 *   the host's processes and SYS_PTRACE: inject code into any of them;
 *   SYS_BOOT without seccomp, whose default profile is what stops kexec_load();
 *   a writable /proc/sys as user 0 without AppArmor: core_pattern needs no
 *   capability at all.
 *
 * A user namespace would take some of this away; it is not counted on.
 */
static bool gives_host(const struct judge *judge)
{
	const struct fim_container *container = judge->container;
	const char *apparmor = fim_json_get_str(judge->inspect, "AppArmorProfile");
	bool confined = apparmor && *apparmor &&
			!fim_container_has_flag(container, "apparmor-unconfined");

	if (judge->gives_host)
		return true;
	if (fim_container_has_flag(container, "pid-host") &&
	    fim_container_has_flag(container, "cap-sys-ptrace"))
		return true;
	if (fim_container_has_flag(container, "cap-sys-boot") &&
	    fim_container_has_flag(container, "seccomp-unconfined"))
		return true;
	return fim_container_has_flag(container, "readonly-paths") && is_root_user(judge) &&
	       !confined;
}

static void apply_rules(struct judge *judge)
{
	struct fim_container *container = judge->container;
	size_t i, more;

	for (i = 0; i < RULE_COUNT && !judge->err; i++) {
		if (container->privileged && (rules[i].traits & IMPLIED))
			continue;
		judge->rule = &rules[i];
		judge->raised = 0;
		rules[i].find(judge, rules[i].arg);
		if (judge->raised > FLAGS_PER_ROW) {
			more = judge->raised - FLAGS_PER_ROW;
			judge->raised = 0;
			raise(judge, "and %zu more", more);
		}
	}
	container->effectively_privileged = gives_host(judge);
}

int fim_privilege_judge(const struct fim_json *inspect, struct fim_container *container)
{
	struct judge judge = {
		.inspect = inspect,
		.host = fim_json_get(inspect, "HostConfig"),
		.config = fim_json_get(inspect, "Config"),
		.engine = fim_json_get(inspect, "Engine"),
		.container = container,
	};

	judge.err = fim_binds_read(inspect, &judge.binds);
	if (!judge.err)
		apply_rules(&judge);
	fim_binds_clear(&judge.binds);
	return judge.err;
}
