/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What settings amount to.  Each row is laid over the inspect document of a container
 * that is as locked up as Docker can make it, so that what is found is what the row says.
 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID	     "4f5f6f7f8f9fafbfcfdfefff0f1f2f3f4f5f6f7f8f9fafbfcfdfefff0f1f2f3f"
#define ID2	     "0000000000000000000000000000000000000000000000000000000000000001"

/* clang-format off */
static const char locked[] =
	"{\"Id\":\"" ID "\",\"Name\":\"/app\",\"Image\":\"sha256:00ff\",\"AppArmorProfile\":\"\","
	"\"State\":{\"Running\":true,\"Pid\":42},\"Mounts\":[],"
	"\"HostConfig\":{\"Privileged\":false,\"ReadonlyRootfs\":true,\"CapAdd\":null,\"CapDrop\":[\"ALL\"],"
	"\"SecurityOpt\":[\"no-new-privileges\"],\"PidMode\":\"\",\"IpcMode\":\"private\",\"NetworkMode\":\"default\","
	"\"UTSMode\":\"\",\"UsernsMode\":\"\",\"CgroupnsMode\":\"private\",\"Binds\":null,\"Devices\":[],"
	"\"LogConfig\":{\"Type\":\"json-file\"},"
	"\"MaskedPaths\":[\"/proc/asound\",\"/proc/acpi\",\"/proc/kcore\",\"/proc/keys\",\"/sys/firmware\"],"
	"\"ReadonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]},"
	"\"Config\":{\"User\":\"1000\",\"Image\":\"app:1\",\"Env\":[\"PATH=/bin\"],\"Labels\":{}},"
	"\"Engine\":{\"CgroupVersion\":\"2\",\"SecurityOptions\":[\"name=seccomp,profile=default\"]}}";

#define HOST(members)	"{\"HostConfig\":{" members "}}"
#define BIND(bind)	HOST("\"Binds\":[\"" bind "\"]")
#define OPT(option)	HOST("\"SecurityOpt\":[\"no-new-privileges\",\"" option "\"]")
#define CAP(name)	HOST("\"CapAdd\":[\"" name "\"]")
#define USER(user)	"{\"Config\":{\"User\":\"" user "\"}}"
#define ENV(variable)	"{\"Config\":{\"Env\":[\"" variable "\"]}}"

static const struct {
	const char *overlay;
	const char *flags; /* ids in order, "" for none */
	const char *worst; /* severity of the first */
	bool effectively;
} settings[] = {
	{ "{}", "", "", false },
	{ HOST("\"Privileged\":true"), "privileged", "critical", true },
	/* what Docker sets by itself with Privileged is not said again */
	{ HOST("\"Privileged\":true,\"MaskedPaths\":null,\"ReadonlyPaths\":null,\"SecurityOpt\":[\"no-new-privileges\",\"label=disable\"],\"CapAdd\":[\"SYS_ADMIN\"]"),
	  "privileged", "critical", true },
	{ "{\"AppArmorProfile\":\"unconfined\",\"HostConfig\":{\"Privileged\":true}}", "privileged", "critical", true },

	/* sockets */
	{ BIND("/var/run/docker.sock:/var/run/docker.sock"), "docker-socket", "critical", true },
	{ BIND("/var/run/docker.sock:/d.sock:ro"), "docker-socket", "critical", true },
	{ BIND("/run/docker.sock:/d.sock"), "docker-socket", "critical", true },
	{ BIND("/run/./docker.sock/:/d.sock"), "docker-socket", "critical", true },
	{ BIND("/etc/../run//docker.sock:/d.sock"), "docker-socket", "critical", true },
	{ BIND("/var/lib/elsewhere/docker.sock:/d.sock"), "docker-socket", "critical", true },
	{ BIND("/run:/host/run:ro"), "docker-socket containerd-socket systemd-socket host-path-read", "critical", true },
	{ BIND("/var/run:/var/run"), "docker-socket containerd-socket systemd-socket host-path-write", "critical", true },
	{ BIND("/var:/host/var:ro"), "docker-socket containerd-socket systemd-socket host-path-read", "critical", true },
	{ BIND("/:/host:ro"), "docker-socket containerd-socket systemd-socket host-path-read", "critical", true },
	{ BIND("/:/host"), "docker-socket containerd-socket systemd-socket host-path-write", "critical", true },
	{ BIND("/run/containerd:/c"), "containerd-socket", "critical", true },
	{ BIND("/run/dbus:/c:ro"), "systemd-socket", "critical", true },
	{ BIND("/run/docker.sock.d:/x"), "", "", false },
	{ BIND("/runner:/x"), "", "", false },
	{ "{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/run/docker.sock\",\"Destination\":\"/d\",\"RW\":false,\"Propagation\":\"rprivate\"}]}",
	  "docker-socket", "critical", true },
	{ HOST("\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/var/run/docker.sock\",\"Target\":\"/d\",\"ReadOnly\":true}]"),
	  "docker-socket", "critical", true },
	/* a bind said twice is one flag */
	{ "{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/run/docker.sock\",\"RW\":true}],\"HostConfig\":{\"Binds\":[\"/run/docker.sock:/d\"]}}",
	  "docker-socket", "critical", true },

	/* capabilities */
	{ CAP("ALL"), "cap-all", "critical", true },
	{ CAP("all"), "cap-all", "critical", true },
	{ CAP("CAP_ALL"), "cap-all", "critical", true },
	{ CAP("SYS_ADMIN"), "cap-sys-admin", "critical", true },
	{ CAP("CAP_SYS_ADMIN"), "cap-sys-admin", "critical", true },
	{ CAP("cap_sys_admin"), "cap-sys-admin", "critical", true },
	{ CAP("SYS_MODULE"), "cap-sys-module", "critical", true },
	{ CAP("SYS_RAWIO"), "cap-sys-rawio", "critical", true },
	{ CAP("DAC_READ_SEARCH"), "cap-dac-read-search", "critical", true },
	{ CAP("SYS_PTRACE"), "cap-sys-ptrace", "high", false },
	{ HOST("\"CapAdd\":[\"SYS_PTRACE\"],\"PidMode\":\"host\""), "cap-sys-ptrace pid-host", "high", true },
	{ CAP("SYS_BOOT"), "cap-sys-boot", "high", false },
	{ HOST("\"CapAdd\":[\"SYS_BOOT\"],\"SecurityOpt\":[\"no-new-privileges\",\"seccomp=unconfined\"]"),
	  "cap-sys-boot seccomp-unconfined", "high", true },
	{ CAP("BPF"), "cap-bpf", "high", false },
	{ CAP("PERFMON"), "cap-perfmon", "high", false },
	{ CAP("MAC_ADMIN"), "cap-mac-admin", "high", false },
	{ CAP("MAC_OVERRIDE"), "cap-mac-override", "high", false },
	{ CAP("LINUX_IMMUTABLE"), "cap-linux-immutable", "high", false },
	{ CAP("AUDIT_CONTROL"), "cap-audit-control", "high", false },
	{ CAP("SYSLOG"), "cap-syslog", "high", false },
	{ CAP("NET_ADMIN"), "cap-net-admin", "high", false },
	{ CAP("SYS_TIME"), "cap-sys-time", "medium", false },
	{ CAP("CAP_IPC_LOCK"), "cap-other", "low", false },
	{ CAP("NET_BIND_SERVICE"), "", "", false },
	{ CAP("MKNOD"), "", "", false },
	{ HOST("\"CapAdd\":[\"SYS_ADMIN\"],\"CapDrop\":[\"SYS_ADMIN\"]"), "cap-sys-admin", "critical", true },

	/* host paths */
	{ BIND("/etc:/host/etc"), "host-path-write", "high", true },
	{ BIND("/etc:/host/etc:ro"), "host-path-read", "medium", false },
	{ BIND("/etc:/host/etc:ro,rslave"), "host-path-read", "medium", false },
	{ BIND("/etc:/host/etc:rslave,ro"), "host-path-read", "medium", false },
	{ BIND("/etc/cron.d:/c"), "host-path-write", "high", true },
	{ BIND("/etc/localtime:/etc/localtime:ro"), "", "", false },
	{ BIND("/etc/shadow:/s:ro"), "host-path-read", "medium", false },
	{ BIND("/usr:/u"), "host-path-write", "high", true },
	{ BIND("/boot:/b"), "host-path-write", "high", true },
	{ BIND("/lib/modules:/lib/modules"), "host-path-write", "high", true },
	{ BIND("/proc:/host/proc:ro"), "host-path-read", "medium", false },
	{ BIND("/proc:/host/proc"), "host-path-write", "high", true },
	{ BIND("/sys/fs/cgroup:/cg"), "host-path-write", "high", true },
	{ BIND("/sys/fs/cgroup:/cg:ro"), "", "", false },
	{ BIND("/dev:/dev"), "host-path-write", "high", false },
	{ BIND("/dev/shm:/dev/shm"), "", "", false },
	{ BIND("/root/.ssh:/k"), "host-path-write", "high", true },
	{ BIND("/home:/h"), "host-path-write", "high", true },
	{ BIND("/home/app/data:/h"), "", "", false },
	{ BIND("/var/lib/docker:/d"), "host-path-write", "high", true },
	{ BIND("/var/lib/docker/volumes/v/_data:/d"), "", "", false },
	{ BIND("/var/lib/docker/volumes:/d"), "host-path-write", "high", true },
	{ BIND("/var/lib/ecs/data/firelens/1/socket:/var/run"), "", "", false },
	{ BIND("/var/lib/ecs-fim/journal:/j"), "host-path-write", "high", false },
	{ BIND("/var/log/ecs/exec/t/c:/var/log/amazon/ssm"), "", "", false },
	{ BIND("/var/log/audit:/a"), "host-path-write", "high", false },
	{ BIND("/etcetera:/e"), "", "", false },
	{ BIND("volume:/etc"), "", "", false },
	{ BIND("/data:/etc"), "", "", false },
	/* a volume that is a bind in disguise */
	{ HOST("\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/e\",\"VolumeOptions\":{\"DriverConfig\":{\"Options\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/etc\"}}}}]"),
	  "host-path-write", "high", true },
	{ BIND("/data:/data:shared"), "shared-propagation", "medium", false },
	{ BIND("/data:/data:ro,rshared"), "shared-propagation", "medium", false },
	{ HOST("\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/data\",\"Target\":\"/d\",\"BindOptions\":{\"Propagation\":\"rshared\"}}]"),
	  "shared-propagation", "medium", false },
	{ BIND("/data:/data:rslave"), "", "", false },

	/* devices */
	{ HOST("\"Devices\":[{\"PathOnHost\":\"/dev/fuse\",\"CgroupPermissions\":\"rwm\"}]"), "device", "high", false },
	{ HOST("\"Devices\":[{\"PathOnHost\":\"/dev/nvme0n1p1\",\"CgroupPermissions\":\"r\"}]"), "device", "high", true },
	{ HOST("\"Devices\":[{\"PathOnHost\":\"/dev/./mem\",\"CgroupPermissions\":\"rwm\"}]"), "device", "high", true },
	{ HOST("\"Devices\":[{\"PathOnHost\":\"/dev\"}]"), "device", "high", true },
	{ HOST("\"DeviceCgroupRules\":[\"c 226:* rmw\"]"), "device-rule", "high", false },
	{ HOST("\"DeviceCgroupRules\":[\"a *:* rwm\"],\"CapDrop\":null"), "device-rule", "high", true },
	{ HOST("\"DeviceCgroupRules\":[\"b 259:* r\"],\"CapDrop\":null"), "device-rule", "high", true },
	{ HOST("\"DeviceCgroupRules\":[\"b 259:* r\"],\"CapDrop\":[\"MKNOD\"]"), "device-rule", "high", false },
	{ HOST("\"DeviceCgroupRules\":[\"b 259:* r\"],\"CapAdd\":[\"CAP_MKNOD\"]"), "device-rule", "high", true },
	{ HOST("\"DeviceRequests\":[{\"Driver\":\"nvidia\",\"Count\":-1}]"), "device-request", "high", false },

	/* namespaces */
	{ HOST("\"PidMode\":\"host\""), "pid-host", "high", false },
	{ HOST("\"PidMode\":\"container:" ID2 "\""), "pid-container", "medium", false },
	{ HOST("\"IpcMode\":\"host\""), "ipc-host", "medium", false },
	{ HOST("\"IpcMode\":\"shareable\""), "", "", false },
	{ HOST("\"NetworkMode\":\"host\""), "net-host", "medium", false },
	{ HOST("\"NetworkMode\":\"container:" ID2 "\""), "", "", false },
	{ HOST("\"UTSMode\":\"host\""), "uts-host", "medium", false },
	{ HOST("\"UsernsMode\":\"host\""), "userns-host", "medium", false },
	{ HOST("\"CgroupnsMode\":\"host\""), "cgroupns-host", "medium", false },
	{ "{\"HostConfig\":{\"CgroupnsMode\":\"host\"},\"Engine\":{\"CgroupVersion\":\"1\"}}", "", "", false },
	{ "{\"HostConfig\":{\"CgroupnsMode\":\"host\"},\"Engine\":null}", "cgroupns-host", "low", false },

	/* SecurityOpt and paths */
	{ OPT("seccomp=unconfined"), "seccomp-unconfined", "high", false },
	{ OPT("seccomp:unconfined"), "seccomp-unconfined", "high", false },
	{ OPT("seccomp=unconfinedX"), "", "", false },
	{ OPT("seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ERRNO\\\"}"), "", "", false },
	{ OPT("seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ALLOW\\\"}"), "seccomp-unconfined", "high", false },
	{ OPT("seccomp={garbage"), "", "", false },
	{ OPT("apparmor=unconfined"), "apparmor-unconfined", "medium", false },
	{ OPT("apparmor:unconfined"), "apparmor-unconfined", "medium", false },
	{ "{\"AppArmorProfile\":\"unconfined\"}", "apparmor-unconfined", "medium", false },
	{ OPT("label=disable"), "label-disable", "medium", false },
	{ OPT("label:disable"), "label-disable", "medium", false },
	{ OPT("label=type:container_t"), "", "", false },
	{ "{\"HostConfig\":{\"SecurityOpt\":[\"no-new-privileges\",\"label=disable\"]},\"Engine\":{\"SecurityOptions\":[\"name=seccomp,profile=default\",\"name=selinux\"]}}",
	  "label-disable", "high", false },
	{ HOST("\"PidMode\":\"host\",\"SecurityOpt\":[\"no-new-privileges\",\"label=disable\"]"), "pid-host", "high", false },
	{ HOST("\"IpcMode\":\"host\",\"SecurityOpt\":[\"no-new-privileges\",\"label=disable\"]"), "ipc-host", "medium", false },
	{ OPT("writable-cgroups"), "writable-cgroups", "medium", false },
	{ OPT("writable-cgroups=true"), "writable-cgroups", "medium", false },
	{ OPT("writable-cgroups=false"), "", "", false },
	{ HOST("\"SecurityOpt\":null"), "new-privileges", "low", false },
	{ HOST("\"SecurityOpt\":[\"no-new-privileges=true\"]"), "", "", false },
	{ HOST("\"SecurityOpt\":[\"no-new-privileges:true\"]"), "", "", false },
	{ HOST("\"SecurityOpt\":[\"no-new-privileges=false\"]"), "new-privileges", "low", false },
	{ "{\"HostConfig\":{\"SecurityOpt\":null},\"Engine\":{\"SecurityOptions\":[\"name=no-new-privileges\"]}}", "", "", false },
	{ HOST("\"MaskedPaths\":[]"), "masked-paths", "high", false },
	{ HOST("\"MaskedPaths\":null"), "", "", false },
	{ HOST("\"MaskedPaths\":[\"/nothing\"]"), "masked-paths", "high", false },
	{ HOST("\"ReadonlyPaths\":[]"), "readonly-paths", "high", false },
	{ "{\"HostConfig\":{\"ReadonlyPaths\":[]},\"Config\":{\"User\":\"\"}}", "readonly-paths root-user", "high", true },
	{ "{\"HostConfig\":{\"ReadonlyPaths\":[]},\"Config\":{\"User\":\"\"},\"AppArmorProfile\":\"docker-default\"}",
	  "readonly-paths root-user", "high", false },

	/* low and info, and what is in Config */
	{ USER(""), "root-user", "low", false },
	{ USER("0"), "root-user", "low", false },
	{ USER("root"), "root-user", "low", false },
	{ USER("0:1000"), "root-user", "low", false },
	{ USER("root:root"), "root-user", "low", false },
	{ USER("00"), "root-user", "low", false },
	{ USER("10"), "", "", false },
	{ USER("rooted"), "", "", false },
	{ "{\"Config\":{\"User\":null}}", "root-user", "low", false },
	{ HOST("\"ReadonlyRootfs\":false"), "writable-root", "medium", false },
	{ HOST("\"LogConfig\":{\"Type\":\"none\"}"), "no-log", "high", false },
	{ HOST("\"LogConfig\":{\"Type\":\"awslogs\"}"), "", "", false },
	{ ENV("DB_PASSWORD=hunter2"), "secret-in-env", "high", false },
	{ ENV("password=hunter2"), "secret-in-env", "high", false },
	{ ENV("MYSQLPASSWORD=hunter2"), "secret-in-env", "high", false },
	{ ENV("AWS_SECRET_ACCESS_KEY=hunter2"), "secret-in-env", "high", false },
	{ ENV("AWS_ACCESS_KEY_ID=AKIA"), "secret-in-env", "high", false },
	{ ENV("ECS_ENGINE_AUTH_DATA=x"), "secret-in-env", "high", false },
	{ ENV("GITHUB_TOKEN=hunter2"), "secret-in-env", "high", false },
	{ ENV("TOKEN=hunter2"), "secret-in-env", "high", false },
	{ ENV("DB_PWD=hunter2"), "secret-in-env", "high", false },
	{ ENV("PWD=/"), "", "", false },
	{ ENV("OLDPWD=/"), "", "", false },
	{ ENV("PASSWORD="), "", "", false },
	{ ENV("PASSWORD"), "", "", false },
	{ ENV("=x"), "", "", false },
	{ ENV("MYSQL_ALLOW_EMPTY_PASSWORD=yes"), "", "", false },
	{ ENV("POSTGRES_PASSWORD_FILE=/run/secrets/p"), "", "", false },
	{ ENV("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/x"), "", "", false },
	{ ENV("TOKENIZERS_PARALLELISM=x"), "", "", false },
	{ ENV("GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D"), "", "", false },
};
/* clang-format on */

/* ---- documents */

static int lay_member(void *ctx, const char *key, struct fim_json *value)
{
	struct fim_json *base = ctx, *old = fim_json_get(base, key);

	if (fim_json_is_object(old) && fim_json_is_object(value) && strcmp(key, "Engine") != 0)
		return fim_json_each(value, lay_member, old);
	fim_json_set(base, key, fim_json_ref(value));
	return 0;
}

static struct fim_json *document(const char *overlay)
{
	struct fim_json *base, *over;

	ck_assert_int_eq(fim_json_parse(locked, strlen(locked), "locked", &base), 0);
	ck_assert_int_eq(fim_json_parse(overlay, strlen(overlay), "overlay", &over), 0);
	ck_assert_int_eq(fim_json_each(over, lay_member, base), 0);
	fim_json_free(over);
	return base;
}

static struct fim_container *container_of_document(const char *overlay)
{
	struct fim_json *json = document(overlay);
	struct fim_container *container;

	ck_assert_int_eq(fim_container_from_inspect(json, &container), 0);
	fim_json_free(json);
	return container;
}

/* Ids in order, each once. */
static void list_flags(const struct fim_container *container, char *text, size_t size)
{
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < container->flag_count; i++) {
		if (i && strcmp(container->flags[i].id, container->flags[i - 1].id) == 0)
			continue;
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? " " : "",
					container->flags[i].id);
	}
}

/* ---- tests */

static const char *const no_inspects[] = {
	"{}",
	"[]",
	"null",
	"{\"Id\":\"" ID "\"}",
	"{\"Id\":\"" ID "\",\"HostConfig\":{\"Privileged\":false}}",
	"{\"Id\":\"" ID "\",\"HostConfig\":{},\"Config\":{}}",
	"{\"Id\":\"" ID "\",\"HostConfig\":{\"Privileged\":\"false\"},\"Config\":{}}",
	"{\"Id\":\"" ID "\",\"HostConfig\":{\"Privileged\":null},\"Config\":{}}",
	"{\"Id\":\"4f\",\"HostConfig\":{\"Privileged\":false},\"Config\":{}}",
	"{\"Id\":\"" ID "0\",\"HostConfig\":{\"Privileged\":false},\"Config\":{}}",
	"{\"Id\":7,\"HostConfig\":{\"Privileged\":false},\"Config\":{}}",
};

START_TEST(what_is_not_an_inspect_document_is_never_unprivileged)
{
	struct fim_container *container = NULL;
	struct fim_json *json;

	ck_assert_int_eq(fim_json_parse(no_inspects[_i], strlen(no_inspects[_i]), NULL, &json), 0);
	ck_assert_int_eq(fim_container_from_inspect(json, &container), -EINVAL);
	ck_assert_ptr_null(container);
	fim_json_free(json);
}
END_TEST

START_TEST(the_least_document_is_enough)
{
	static const char least[] = "{\"Id\":\"" ID
				    "\",\"HostConfig\":{\"Privileged\":false},\"Config\":{}}";
	struct fim_container *container;
	struct fim_json *json;

	ck_assert_int_eq(fim_json_parse(least, strlen(least), NULL, &json), 0);
	ck_assert_int_eq(fim_container_from_inspect(json, &container), 0);
	ck_assert_str_eq(container->name, "");
	ck_assert_str_eq(container->task_arn, "");
	ck_assert(!container->running);
	fim_container_free(container);
	fim_json_free(json);
}
END_TEST

START_TEST(a_setting_is_flagged_as_what_it_is)
{
	struct fim_container *container = container_of_document(settings[_i].overlay);
	char flags[512];

	list_flags(container, flags, sizeof(flags));
	ck_assert_msg(strcmp(flags, settings[_i].flags) == 0, "%s: found \"%s\", expected \"%s\"",
		      settings[_i].overlay, flags, settings[_i].flags);
	if (*settings[_i].worst)
		ck_assert_str_eq(fim_severity_name(container->flags[0].severity),
				 settings[_i].worst);
	ck_assert_msg(container->effectively_privileged == settings[_i].effectively, "%s: %d",
		      settings[_i].overlay, container->effectively_privileged);
	fim_container_free(container);
}
END_TEST

START_TEST(flags_are_sorted_and_carry_their_references)
{
	struct fim_container *container = container_of_document(
		"{\"HostConfig\":{\"Privileged\":true,\"ReadonlyRootfs\":false,\"PidMode\":\"host\","
		"\"SecurityOpt\":null},\"Config\":{\"User\":\"\"}}");
	size_t i;

	for (i = 1; i < container->flag_count; i++)
		ck_assert_uint_ge(container->flags[i - 1].severity, container->flags[i].severity);
	ck_assert_str_eq(container->flags[0].id, "privileged");
	ck_assert_str_eq(container->flags[0].evidence, "HostConfig.Privileged=true");
	ck_assert_str_eq(container->flags[0].cis, "5.5");
	ck_assert_str_eq(container->flags[0].security_hub, "ECS.4");
	ck_assert_str_eq(container->flags[1].evidence, "HostConfig.PidMode=host");
	ck_assert_str_eq(container->flags[1].security_hub, "ECS.3");
	fim_container_free(container);
}
END_TEST

START_TEST(the_value_of_a_secret_is_never_kept)
{
	struct fim_container *container = container_of_document(ENV("DB_PASSWORD=hunter2"));
	struct fim_json *json = fim_container_to_json(container);
	char *text;
	size_t len;

	ck_assert_int_eq(fim_json_dump(json, &text, &len), 0);
	ck_assert_ptr_nonnull(strstr(text, "DB_PASSWORD"));
	ck_assert_ptr_null(strstr(text, "hunter2"));
	free(text);
	fim_json_free(json);
	fim_container_free(container);
}
END_TEST

/* Ten thousand harmless-looking binds do not push the one that counts out of sight. */
START_TEST(many_flags_of_a_kind_are_counted_and_hide_nothing)
{
	struct fim_json *json = document("{}"), *binds = fim_json_array();
	struct fim_container *container;
	char bind[64];
	int i;

	for (i = 0; i < 3000; i++) {
		snprintf(bind, sizeof(bind), "/usr/%d:/x%d", i, i);
		fim_json_append_str(binds, bind);
	}
	fim_json_append_str(binds, "/run/docker.sock:/d");
	fim_json_set(fim_json_get(json, "HostConfig"), "Binds", binds);
	ck_assert_int_eq(fim_container_from_inspect(json, &container), 0);
	ck_assert_str_eq(container->flags[0].id, "docker-socket");
	ck_assert_uint_eq(container->flag_count, 1 + 16 + 1);
	ck_assert_str_eq(container->flags[17].evidence, "and 2984 more");
	fim_container_free(container);
	fim_json_free(json);
}
END_TEST

START_TEST(labels_of_the_ecs_agent_become_the_task)
{
	struct fim_container *container = container_of_document(
		"{\"Config\":{\"Labels\":{\"com.amazonaws.ecs.task-arn\":"
		"\"arn:aws-cn:ecs:cn-north-1:123456789012:task/prod/9f8e\","
		"\"com.amazonaws.ecs.cluster\":\"prod\",\"com.amazonaws.ecs.container-name\":\"web\","
		"\"com.amazonaws.ecs.task-definition-family\":\"shop\","
		"\"com.amazonaws.ecs.task-definition-version\":\"12\",\"other\":\"x\"}}}");

	ck_assert_str_eq(container->id, ID);
	ck_assert_str_eq(container->name, "app");
	ck_assert_str_eq(container->image, "app:1");
	ck_assert_str_eq(container->image_id, "sha256:00ff");
	ck_assert_str_eq(container->task_arn,
			 "arn:aws-cn:ecs:cn-north-1:123456789012:task/prod/9f8e");
	ck_assert_str_eq(container->cluster, "prod");
	ck_assert_str_eq(container->cluster_arn,
			 "arn:aws-cn:ecs:cn-north-1:123456789012:cluster/prod");
	ck_assert_str_eq(container->family, "shop");
	ck_assert_str_eq(container->revision, "12");
	ck_assert_str_eq(container->ecs_container, "web");
	ck_assert_str_eq(container->account, "123456789012");
	ck_assert_str_eq(container->region, "cn-north-1");
	ck_assert_int_eq(container->pid, 42);
	ck_assert(container->running);
	fim_container_free(container);
}
END_TEST

/* clang-format off */
static const char *const strange_arns[] = {
	"", "arn", "arn:::::/x", "arn:aws:ecs:eu-west-1:123456789012", "arn:aws:ecs:eu-west-1:12345:task/x",
	"arn:aws:s3:eu-west-1:123456789012:task/x", "arn:aws:ecs:eu-west-1:1234567890123:task/x",
	"arn:aws:ecs:eu-west-1:123456789012:cluster/x", "::::::::::::",
};
/* clang-format on */

START_TEST(an_arn_that_is_none_gives_no_account)
{
	struct fim_container *container;
	char overlay[256];

	snprintf(overlay, sizeof(overlay),
		 "{\"Config\":{\"Labels\":{\"com.amazonaws.ecs.task-arn\":\"%s\"}}}",
		 strange_arns[_i]);
	container = container_of_document(overlay);
	ck_assert_str_eq(container->account, "");
	ck_assert_str_eq(container->region, "");
	fim_container_free(container);
}
END_TEST

START_TEST(json_leaves_out_what_is_empty)
{
	struct fim_container *container = container_of_document("{}");
	struct fim_json *json = fim_container_to_json(container);

	ck_assert_ptr_null(fim_json_get(json, "task_arn"));
	ck_assert_str_eq(fim_json_get_str(json, "id"), ID);
	ck_assert(fim_json_is_bool(fim_json_get(json, "privileged")));
	ck_assert(fim_json_is_bool(fim_json_get(json, "effectively_privileged")));
	ck_assert(fim_json_is_array(fim_json_get(json, "flags")));
	ck_assert_int_eq(fim_json_get_int(json, "pid", 0), 42);
	fim_json_free(json);
	fim_container_free(container);
}
END_TEST

static const struct {
	const char *cgroup;
	const char *id; /* NULL: not in a container */
} cgroups[] = {
	{"", NULL},
	{"/", NULL},
	{"/ecs/9f8e7d6c5b4a39281706f5e4d3c2b1a0/" ID, ID},
	{"/ecstasks.slice/ecstasks-9f8e7d6c.slice/docker-" ID ".scope", ID},
	{"/sys/fs/cgroup/ecstasks.slice/ecstasks-9f8e7d6c.slice/docker-" ID ".scope", ID},
	{"/docker/" ID, ID},
	{"/system.slice/docker-" ID ".scope", ID},
	{"/docker/" ID "/init.scope", ID},
	{"/docker/" ID "/system.slice/nginx.service", ID},
	{"/docker/" ID "/docker/" ID2, ID2},
	{"/system.slice/cri-containerd-" ID ".scope", ID},
	{"/kubepods/pod1/" ID "/", ID},
	{"/libpod_parent/libpod-" ID, ID},
	{"/libpod_parent/libpod-" ID "/container", ID},
	{"/machine.slice/libpod-" ID ".scope/container", ID},
	{"/machine.slice/libpod-conmon-" ID ".scope", NULL},
	{"/libpod_parent/conmon", NULL},
	{"/docker/" ID " (deleted)", ID},
	{"/system.slice/docker-" ID ".scope (deleted)", ID},
	{"/user.slice/user-1000.slice/session-3.scope", NULL},
	{"/system.slice/ssh.service", NULL},
	{"/docker/" ID "0", NULL},
	{"/docker/0" ID, NULL},
	{"/docker/4F5F6F7F8F9FAFBFCFDFEFFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFFF0F1F2F3F", NULL},
	{"/system.slice/docker" ID ".scope", NULL},
	{"/system.slice/.scope", NULL},
	{"/ecs/9f8e7d6c5b4a39281706f5e4d3c2b1a0", NULL},
};

START_TEST(a_cgroup_names_its_container)
{
	char id[FIM_CONTAINER_ID_SIZE] = "untouched";
	bool found = fim_cgroup_container_id(cgroups[_i].cgroup, id);

	ck_assert_msg(found == (cgroups[_i].id != NULL), "%s", cgroups[_i].cgroup);
	ck_assert_str_eq(id, cgroups[_i].id ? cgroups[_i].id : "untouched");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("container");
	TCase *tcase = tcase_create("container");

	tcase_add_loop_test(tcase, what_is_not_an_inspect_document_is_never_unprivileged, 0,
			    COUNT(no_inspects));
	tcase_add_test(tcase, the_least_document_is_enough);
	tcase_add_loop_test(tcase, a_setting_is_flagged_as_what_it_is, 0, COUNT(settings));
	tcase_add_test(tcase, flags_are_sorted_and_carry_their_references);
	tcase_add_test(tcase, the_value_of_a_secret_is_never_kept);
	tcase_add_test(tcase, many_flags_of_a_kind_are_counted_and_hide_nothing);
	tcase_add_test(tcase, labels_of_the_ecs_agent_become_the_task);
	tcase_add_loop_test(tcase, an_arn_that_is_none_gives_no_account, 0, COUNT(strange_arns));
	tcase_add_test(tcase, json_leaves_out_what_is_empty);
	tcase_add_loop_test(tcase, a_cgroup_names_its_container, 0, COUNT(cgroups));
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
