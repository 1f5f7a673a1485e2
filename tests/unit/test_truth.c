/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's word against the engine's, the agent's against the labels', and who may
 * have the power that is left.
 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID	     "4f5f6f7f8f9fafbfcfdfefff0f1f2f3f4f5f6f7f8f9fafbfcfdfefff0f1f2f3f"
#define TASK	     "0f3c5a1b2d4e4f60a7b8c9d0e1f20314"
#define ARN	     "arn:aws:ecs:eu-west-1:123456789012:task/demo/" TASK
#define IMAGE	     "sha256:" ID
#define ORDINARY     UINT64_C(0xa80425fb)
#define ALL	     UINT64_C(0x1ffffffffff)

/* clang-format off */
static const char status[] =
	"Name:\tsh\nUmask:\t0022\nPid:\t42\nPPid:\t7\nCapInh:\t0000000000000000\n"
	"CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fa\nCapBnd:\t00000000a80425ff\n"
	"NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

/* An ordinary container; @host: members of HostConfig. */
#define INSPECT(host, more) \
	"{\"Id\":\"" ID "\",\"Name\":\"/app\",\"Image\":\"" IMAGE "\",\"Created\":\"2026-01-01T00:00:00Z\"," more \
	"\"State\":{\"Running\":true,\"Pid\":42},\"Mounts\":[]," \
	"\"HostConfig\":{\"Privileged\":false," host "\"ReadonlyRootfs\":true,\"CgroupnsMode\":\"private\"}," \
	"\"Config\":{\"User\":\"1000\",\"Image\":\"app:1\",\"Labels\":{" \
	"\"com.amazonaws.ecs.task-arn\":\"" ARN "\",\"com.amazonaws.ecs.task-definition-family\":\"shop\"," \
	"\"com.amazonaws.ecs.task-definition-version\":\"7\",\"com.amazonaws.ecs.container-name\":\"web\"}}," \
	"\"Engine\":{\"CgroupVersion\":\"2\",\"SecurityOptions\":[\"name=seccomp,profile=default\",\"name=apparmor\"]}}"
#define PLAIN INSPECT("", "\"AppArmorProfile\":\"docker-default\",")

static const struct {
	const char *inspect;
	uint64_t bounding;
	unsigned int seccomp;
	bool no_new_privs;
	int shared; /* enum fim_ns that is the host's, -1: none */
	const char *label;
	const char *cgroup;
	const char *flags;
	bool effectively;
} truths[] = {
	{ PLAIN, ORDINARY, 2, false, -1, "docker-default (enforce)", "", "", false },
	{ PLAIN, ORDINARY & ~1, 2, true, -1, "docker-default (enforce)", "", "", false },
	{ PLAIN, ALL, 2, false, -1, "", "", "kernel-capabilities", true },
	{ PLAIN, ORDINARY | 1 << 12, 2, false, -1, "", "", "kernel-capabilities", false },
	{ INSPECT("\"CapAdd\":[\"CAP_NET_ADMIN\"],", ""), ORDINARY | 1 << 12, 2, false, -1, "", "", "", false },
	{ INSPECT("\"CapAdd\":[\"NET_ADMIN\"],\"CapDrop\":[\"all\"],", ""), 1 << 12, 2, false, -1, "", "", "", false },
	{ INSPECT("\"CapDrop\":[\"ALL\"],", ""), 1, 2, false, -1, "", "", "kernel-capabilities", false },
	{ INSPECT("\"CapAdd\":[\"ALL\"],", ""), ALL, 2, false, -1, "", "", "", false },
	{ INSPECT("\"CapAdd\":[\"ALL\"],\"CapDrop\":[\"SYS_ADMIN\"],", ""), ALL, 2, false, -1, "", "", "kernel-capabilities", true },
	{ PLAIN, ORDINARY, 0, false, -1, "", "", "kernel-seccomp", false },
	{ INSPECT("\"SecurityOpt\":[\"seccomp=unconfined\"],", ""), ORDINARY, 0, false, -1, "", "", "", false },
	{ INSPECT("\"SecurityOpt\":[\"seccomp:unconfined\"],", ""), ORDINARY, 0, false, -1, "", "", "", false },
	{ INSPECT("\"SecurityOpt\":[\"no-new-privileges\"],", ""), ORDINARY, 2, false, -1, "", "", "kernel-new-privileges", false },
	{ INSPECT("\"SecurityOpt\":[\"no-new-privileges=false\"],", ""), ORDINARY, 2, false, -1, "", "", "", false },
	{ INSPECT("\"SecurityOpt\":[\"no-new-privileges\"],", ""), ORDINARY, 2, true, -1, "", "", "", false },
	{ PLAIN, ORDINARY, 2, false, -1, "unconfined", "", "kernel-apparmor", false },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_MNT, "", "", "kernel-mnt-ns", true },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_PID, "", "", "kernel-pid-ns", false },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_NET, "", "", "kernel-net-ns", false },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_IPC, "", "", "kernel-ipc-ns", false },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_UTS, "", "", "kernel-uts-ns", false },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_CGROUP, "", "", "kernel-cgroup-ns", false },
	{ PLAIN, ORDINARY, 2, false, FIM_NS_USER, "", "", "", false }, /* nothing was remapped */
	{ INSPECT("\"PidMode\":\"host\",", ""), ORDINARY, 2, false, FIM_NS_PID, "", "", "", false },
	{ INSPECT("\"PidMode\":\"container:x\",", ""), ORDINARY, 2, false, FIM_NS_PID, "", "", "", false },
	{ INSPECT("\"PidMode\":\"host\",\"CapAdd\":[\"SYS_PTRACE\"],", ""), ORDINARY | 1 << 19, 2, false, FIM_NS_PID, "", "", "", true },
	{ PLAIN, ORDINARY, 2, false, -1, "", "/ecs/" TASK "/" ID, "", false },
	{ PLAIN, ORDINARY, 2, false, -1, "", "/ecstasks.slice/ecstasks-" TASK ".slice/docker-" ID ".scope", "", false },
	{ PLAIN, ORDINARY, 2, false, -1, "", "/docker/" ID, "", false },
	{ PLAIN, ORDINARY, 2, false, -1, "", "/ecs/other/" ID, "task-refuted", false },
	{ PLAIN, ORDINARY, 2, false, -1, "", "/ecstasks.slice/ecstasks-0f.slice/docker-" ID ".scope", "task-refuted", false },
};

#define TASK_JSON(arn, version, id) \
	"{\"Arn\":\"" arn "\",\"DesiredStatus\":\"RUNNING\",\"KnownStatus\":\"RUNNING\",\"Family\":\"shop\",\"Version\":\"" version "\"," \
	"\"Containers\":[{\"DockerId\":\"" id "\",\"DockerName\":\"ecs-shop-7-web-aabbccddeeff00112233\",\"Name\":\"web\"}]}"

static const struct {
	long status;
	const char *task;
	int64_t age_s;
	const char *check;
} answers[] = {
	{ 200, TASK_JSON(ARN, "7", ID), 1000, "confirmed" },
	{ 200, TASK_JSON(ARN "0", "7", ID), 1000, "refuted" },
	{ 200, TASK_JSON(ARN, "8", ID), 1000, "refuted" },
	{ 200, TASK_JSON(ARN, "7", "00"), 1000, "refuted" },
	{ 200, "{}", 1000, "refuted" },
	{ 200, "[]", 1000, "unknown" },
	{ 404, NULL, 1000, "refuted" },
	{ 404, NULL, 10, "unknown" },
	{ 400, NULL, 1000, "unknown" },
	{ 500, NULL, 1000, "unknown" },
};
/* clang-format on */

static struct fim_json *parse(const char *text)
{
	struct fim_json *json;

	ck_assert_int_eq(fim_json_parse(text, strlen(text), "test", &json), 0);
	return json;
}

static struct fim_container *container_of(const char *inspect)
{
	struct fim_json *json = parse(inspect);
	struct fim_container *container;

	ck_assert_int_eq(fim_container_from_inspect(json, &container), 0);
	fim_json_free(json);
	return container;
}

/* The flags that were not there before, in order. */
static void added(const struct fim_container *container, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < container->flag_count; i++) {
		const char *id = container->flags[i].id;
		size_t len = strlen(text);

		if (strncmp(id, "kernel-", 7) == 0 || strcmp(id, "task-refuted") == 0)
			snprintf(text + len, size - len, "%s%s", len ? " " : "", id);
	}
}

START_TEST(a_status_is_read)
{
	struct fim_truth truth = {0};

	fim_truth_parse_status("", &truth);
	ck_assert_uint_eq(truth.cap_bounding, 0);
	fim_truth_parse_status("Name:\tcut", &truth);
	ck_assert_str_eq(truth.comm, "cut");
	fim_truth_parse_status(status, &truth);
	ck_assert_str_eq(truth.comm, "sh");
	ck_assert_int_eq(truth.ppid, 7);
	ck_assert_uint_eq(truth.cap_permitted, 0xa80425fb);
	ck_assert_uint_eq(truth.cap_effective, 0xa80425fa);
	ck_assert_uint_eq(truth.cap_bounding, 0xa80425ff);
	ck_assert_uint_eq(truth.seccomp, 2);
	ck_assert(truth.no_new_privs);
}
END_TEST

START_TEST(a_runtime_takes_its_time_but_not_for_ever)
{
	struct fim_truth truth = {.age_ms = 999, .comm = "sh"};

	ck_assert(fim_truth_is_starting(&truth));
	truth.age_ms = 1000;
	ck_assert(!fim_truth_is_starting(&truth));
	strcpy(truth.comm, "runc:[2:INIT]");
	ck_assert(fim_truth_is_starting(&truth));
	truth.age_ms = 30000;
	ck_assert(!fim_truth_is_starting(&truth));
}
END_TEST

/* Its process is old, but waited for an engine that had much to do. */
START_TEST(a_runtime_has_its_time_from_when_the_engine_says_that_it_started)
{
	struct fim_truth truth = {.age_ms = 100000, .comm = "runc:[2:INIT]"};
	struct fim_json *inspect = parse("{\"State\":{\"StartedAt\":\"2026-11-28T16:38:07.5Z\"}}");
	struct fim_json *silent = parse("{\"State\":{\"StartedAt\":\"soon\"}}");
	int64_t started_ns;

	ck_assert_int_eq(fim_time_parse("2026-11-28T16:38:07.5Z", &started_ns), 0);
	ck_assert(fim_truth_is_begun(inspect, &truth, started_ns));
	ck_assert(fim_truth_is_begun(inspect, &truth, started_ns + INT64_C(29999999999)));
	ck_assert(!fim_truth_is_begun(inspect, &truth, started_ns + INT64_C(30000000000)));
	/* A clock that was set back, or no time at all: its own age counts. */
	ck_assert(!fim_truth_is_begun(inspect, &truth, started_ns - 1));
	ck_assert(!fim_truth_is_begun(silent, &truth, started_ns));
	truth.age_ms = 29999;
	ck_assert(fim_truth_is_begun(silent, &truth, started_ns));
	strcpy(truth.comm, "sh");
	ck_assert(!fim_truth_is_begun(inspect, &truth, started_ns));
	fim_json_free(inspect);
	fim_json_free(silent);
}
END_TEST

START_TEST(only_what_is_stronger_than_told_is_a_flag)
{
	struct fim_truth host = {.ns = {1, 2, 3, 4, 5, 6, 7}};
	struct fim_truth truth = {
		.pid = 42,
		.ns = {11, 12, 13, 14, 15, 16, 17},
		.cap_bounding = truths[_i].bounding,
		.seccomp = truths[_i].seccomp,
		.no_new_privs = truths[_i].no_new_privs,
	};
	struct fim_json *inspect = parse(truths[_i].inspect);
	struct fim_container *container = container_of(truths[_i].inspect);
	char found[256];

	snprintf(truth.label, sizeof(truth.label), "%s", truths[_i].label);
	snprintf(truth.cgroup, sizeof(truth.cgroup), "%s", truths[_i].cgroup);
	if (truths[_i].shared >= 0)
		truth.ns[truths[_i].shared] = host.ns[truths[_i].shared];
	container->effectively_privileged = false;
	ck_assert_int_eq(fim_truth_judge(inspect, &truth, &host, container), 0);
	added(container, found, sizeof(found));
	ck_assert_str_eq(found, truths[_i].flags);
	ck_assert_int_eq(container->effectively_privileged, truths[_i].effectively);
	fim_container_free(container);
	fim_json_free(inspect);
}
END_TEST

START_TEST(a_namespace_that_could_not_be_read_proves_nothing)
{
	struct fim_truth host = {.pid = 1};
	struct fim_truth truth = {.pid = 42, .seccomp = 2};
	struct fim_json *inspect = parse(PLAIN);
	struct fim_container *container = container_of(PLAIN);

	ck_assert_int_eq(fim_truth_judge(inspect, &truth, &host, container), 0);
	ck_assert(!fim_container_is_stronger(container));
	fim_container_free(container);
	fim_json_free(inspect);
}
END_TEST

START_TEST(a_container_of_nobody_is_judged_by_the_kernel_alone)
{
	struct fim_truth host = {.ns = {1, 2, 3, 4, 5, 6, 7}};
	struct fim_truth truth = {.pid = 42,
				  .ns = {11, 2, 13, 14, 15, 6, 7},
				  .cap_bounding = ALL,
				  .cgroup = "/default/web"};
	struct fim_container *container;
	char found[256];

	ck_assert_int_eq(fim_container_from_truth(&truth, &host, &container), 0);
	added(container, found, sizeof(found));
	ck_assert_str_eq(found, "kernel-capabilities kernel-seccomp kernel-pid-ns");
	ck_assert_str_eq(container->id, "web");
	ck_assert_str_eq(container->name, "web");
	ck_assert_str_eq(container->engine, "unknown");
	ck_assert(container->effectively_privileged && fim_container_is_flagged(container));
	fim_container_free(container);
	snprintf(truth.cgroup, sizeof(truth.cgroup), "/machine.slice/libpod-" ID ".scope");
	ck_assert_int_eq(fim_container_from_truth(&truth, &host, &container), 0);
	ck_assert_str_eq(container->id, ID);
	ck_assert_str_eq(container->engine, "podman");
	ck_assert_int_eq(fim_container_disown(container, &truth), 0);
	ck_assert(fim_container_is_disowned(container));
	fim_container_free(container);
	truth.cgroup[0] = '\0';
	ck_assert_int_eq(fim_container_from_truth(&truth, &host, &container), 0);
	ck_assert_str_eq(container->id, "mnt-11");
	fim_container_free(container);
}
END_TEST

/* clang-format off */
static const char host_mounts[] =
	"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	"23 22 0:20 / /proc rw,nosuid - proc proc rw\n"
	"24 22 0:21 / /sys rw - sysfs sysfs rw\n"
	"25 22 0:22 / /run rw,nosuid - tmpfs tmpfs rw\n"
	"26 22 254:16 / /var/lib rw - xfs /dev/vdb rw\n"
	"27 22 0:50 / /var/lib/containerd/x/rootfs rw - overlay overlay rw,lowerdir=a\n";

#define OWN "50 49 0:50 / / rw - overlay overlay rw,lowerdir=a\n51 50 0:60 / /proc rw - proc proc rw\n52 50 0:21 / /sys ro - sysfs sysfs ro\n53 50 0:61 / /dev rw - tmpfs tmpfs rw\n"

static const struct {
	const char *mounts;
	const char *flags;
	const char *evidence;
	bool effectively;
} exposures[] = {
	{ "", "", NULL, false },
	{ "50\n- - -\n50 49 0:50 / / rw\n", "", NULL, false },
	{ OWN, "", NULL, false },
	{ OWN "54 50 254:0 /etc/hosts /etc/hosts ro - ext4 /dev/vda rw\n", "", NULL, false },
	{ OWN "54 50 254:0 /srv/data /data rw - ext4 /dev/vda rw\n", "", NULL, false },
	{ OWN "54 50 254:0 /etc /e rw - ext4 /dev/vda rw\n", "kernel-host-path", "mountinfo: /etc on /e (rw)", true },
	{ OWN "54 50 254:0 /etc /e ro - ext4 /dev/vda rw\n", "kernel-host-path", "mountinfo: /etc on /e (ro)", false },
	{ OWN "54 50 254:16 /docker /d rw - xfs /dev/vdb rw\n", "kernel-host-path", "mountinfo: /var/lib/docker on /d (rw)", true },
	{ OWN "54 50 0:20 / /host/proc rw - proc proc rw\n", "kernel-host-path", "mountinfo: /proc on /host/proc (rw)", true },
	{ OWN "54 50 0:22 /docker.sock /d.sock ro - tmpfs tmpfs rw\n", "kernel-socket", "mountinfo: /run/docker.sock on /d.sock (ro)", true },
	{ OWN "54 50 254:0 / /a\\040b rw - ext4 /dev/vda rw\n", "kernel-socket kernel-host-path", "mountinfo: / on /a b (rw)", true },
};
/* clang-format on */

START_TEST(mounts_show_what_a_container_sees_of_the_host)
{
	struct fim_container *container = container_of(PLAIN);
	char found[256];

	container->effectively_privileged = false;
	ck_assert_int_eq(fim_mounts_judge(host_mounts, exposures[_i].mounts, container), 0);
	added(container, found, sizeof(found));
	ck_assert_str_eq(found, exposures[_i].flags);
	ck_assert_int_eq(container->effectively_privileged, exposures[_i].effectively);
	if (exposures[_i].evidence)
		ck_assert_str_eq(container->flags[0].evidence, exposures[_i].evidence);
	fim_container_free(container);
}
END_TEST

START_TEST(this_process_is_read)
{
	struct fim_truth truth;

	ck_assert_int_eq(fim_truth_read(getpid(), &truth), 0);
	ck_assert_int_eq(truth.ppid, getppid());
	ck_assert_uint_ne(truth.ns[FIM_NS_MNT], 0);
	ck_assert_int_eq(fim_truth_read(0x7ffffffe, &truth), -ESRCH);
}
END_TEST

/* ------------------------------------------------------------------- the agent */

START_TEST(the_agent_confirms_or_refutes_labels)
{
	struct fim_container *container = container_of(PLAIN);
	struct fim_json *task = answers[_i].task ? parse(answers[_i].task) : NULL;
	int64_t now = container->created_ns + answers[_i].age_s * INT64_C(1000000000);

	ck_assert_int_eq(fim_agent_judge(answers[_i].status, task, now, container), 0);
	ck_assert_str_eq(container->task_check, answers[_i].check);
	ck_assert_int_eq(fim_container_has_flag(container, "task-refuted"),
			 strcmp(answers[_i].check, "refuted") == 0);
	fim_json_free(task);
	fim_container_free(container);
}
END_TEST

#define INSTANCE "arn:aws:ecs:eu-central-1:1:container-instance/prod/5d0f"

/* A name becomes an ARN of the instance's account and region; what is no ARN is no instance. */
START_TEST(the_agent_names_the_container_instance_and_its_cluster)
{
	static const struct {
		const char *metadata, *cluster_arn;
	} rows[] = {
		{"{\"ContainerInstanceArn\":\"" INSTANCE "\",\"Cluster\":\"prod\"}",
		 "arn:aws:ecs:eu-central-1:1:cluster/prod"},
		{"{\"ContainerInstanceArn\":\"" INSTANCE
		 "\",\"Cluster\":\"arn:aws:ecs:x:1:cluster/c\"}",
		 "arn:aws:ecs:x:1:cluster/c"},
		{"{\"ContainerInstanceArn\":\"" INSTANCE "\",\"Cluster\":\"a\\u001bb\"}", NULL},
		{"{\"ContainerInstanceArn\":null,\"Cluster\":\"prod\"}", ""},
		{"{\"ContainerInstanceArn\":\"i-1\"}", ""},
		{"{}", ""},
	};
	struct fim_json *metadata, *instance;
	const char *arn;

	ck_assert_int_eq(
		fim_json_parse(rows[_i].metadata, strlen(rows[_i].metadata), NULL, &metadata), 0);
	instance = fim_agent_instance_of(metadata);
	ck_assert(!instance == (rows[_i].cluster_arn && !*rows[_i].cluster_arn));
	if (instance) {
		arn = fim_json_get_str(instance, "cluster_arn");
		ck_assert_str_eq(fim_json_get_str(instance, "container_instance_arn"), INSTANCE);
		ck_assert(!arn == !rows[_i].cluster_arn);
		if (arn)
			ck_assert_str_eq(arn, rows[_i].cluster_arn);
	}
	fim_json_free(instance);
	fim_json_free(metadata);
}
END_TEST

START_TEST(an_agent_that_is_not_there_is_unreachable)
{
	struct fim_container *container = container_of(PLAIN);

	ck_assert_int_eq(fim_agent_check("", 1000, container), 0);
	ck_assert_ptr_null(container->task_check);
	ck_assert_int_eq(fim_agent_check("http://127.0.0.1:1", 1000, container), 0);
	ck_assert_str_eq(container->task_check, "unreachable");
	fim_container_free(container);
}
END_TEST

/* ------------------------------------------------------------------- exceptions */

#define EXCEPTION(more) \
	"exceptions:\n  - {image_id: \"" IMAGE "\", owner: ops, reason: it needs it, " more "}\n"

static struct fim_exceptions *exceptions_of(const char *text)
{
	struct fim_exceptions *exceptions;

	ck_assert_msg(fim_exceptions_parse(text, strlen(text), "e.yaml", &exceptions) == 0, "%s",
		      fixture_log);
	return exceptions;
}

/* clang-format off */
static const struct {
	const char *exceptions;
	const char *inspect;
	bool excepted;
} excepted[] = {
	{ "", INSPECT("\"PidMode\":\"host\",", ""), false },
	{ EXCEPTION("expires: 2099-01-01, flags: pid-host"), INSPECT("\"PidMode\":\"host\",", ""), true },
	{ EXCEPTION("expires: 2001-01-01, flags: pid-host"), INSPECT("\"PidMode\":\"host\",", ""), false },
	{ EXCEPTION("expires: 2099-01-01, flags: [privileged]"), INSPECT("\"PidMode\":\"host\",", ""), false },
	/* one setting more than was agreed on */
	{ EXCEPTION("expires: 2099-01-01, flags: [pid-host]"), INSPECT("\"PidMode\":\"host\",\"CapAdd\":[\"SYS_ADMIN\"],", ""), false },
	{ EXCEPTION("expires: 2099-01-01, flags: [\"host-path-write=/etc\"]"), INSPECT("\"Binds\":[\"/etc:/e\"],", ""), true },
	{ EXCEPTION("expires: 2099-01-01, flags: [\"host-path-write=/etc\"]"), INSPECT("\"Binds\":[\"/usr:/e\"],", ""), false },
	{ EXCEPTION("expires: 2099-01-01, shape: ebs-csi"), INSPECT("\"Binds\":[\"/dev:/dev\",\"/mnt/ecs/ebs:/mnt/ecs/ebs:shared\"],\"CapAdd\":[\"SYS_ADMIN\"],", ""), true },
	{ EXCEPTION("expires: 2099-01-01, shape: ecs-agent"), INSPECT("\"Binds\":[\"/var/run:/var/run\",\"/etc/ecs:/etc/ecs\",\"/proc:/host/proc:ro\"],\"CapAdd\":[\"SYS_ADMIN\",\"NET_ADMIN\"],\"NetworkMode\":\"host\",", ""), true },
	{ EXCEPTION("expires: 2099-01-01, shape: ecs-agent"), INSPECT("\"Binds\":[\"/var/run:/var/run\",\"/etc:/etc\"],\"CapAdd\":[\"SYS_ADMIN\"],", ""), false },
	/* the same power, another image */
	{ "exceptions:\n  - {image_id: \"sha256:0000000000000000000000000000000000000000000000000000000000000000\", owner: o, reason: r, expires: 2099-01-01, flags: pid-host}\n",
	  INSPECT("\"PidMode\":\"host\",", ""), false },
};

static const struct {
	const char *text;
	const char *message;
} wrong[] = {
	{ "[]", "e.yaml:1:1" },
	{ "exception: []\n", "unknown key \"exception\"" },
	{ "exceptions: x\n", "a list" },
	{ "exceptions: [x]\n", "a mapping" },
	{ "exceptions:\n  - {image_id: x, owner: o, reason: r, expires: 2099-01-01, flags: pid-host}\n", "not an image id" },
	{ EXCEPTION("flags: pid-host"), "needs an owner, a reason and when it expires" },
	{ EXCEPTION("expires: soon, flags: pid-host"), "not a date" },
	{ EXCEPTION("expires: 2099-01-01"), "has \"flags\", a \"shape\", or both" },
	{ EXCEPTION("expires: 2099-01-01, shape: round"), "no shape \"round\"" },
	{ EXCEPTION("expires: 2099-01-01, shape: ebs-csi, image_tar: /x"), "an \"image_id\" or an \"image_tar\"" },
};
/* clang-format on */

START_TEST(an_exception_covers_what_it_names_and_nothing_else)
{
	struct fim_exceptions *exceptions = exceptions_of(excepted[_i].exceptions);
	struct fim_container *container = container_of(excepted[_i].inspect);

	ck_assert(fim_container_is_flagged(container));
	ck_assert_int_eq(fim_exceptions_apply(exceptions, fim_time_now(), container), 0);
	ck_assert_int_eq(container->excepted, excepted[_i].excepted);
	ck_assert_int_eq(fim_container_is_flagged(container), !excepted[_i].excepted);
	fim_container_free(container);
	fim_exceptions_free(exceptions);
}
END_TEST

START_TEST(an_expired_exception_is_said)
{
	struct fim_exceptions *exceptions =
		exceptions_of(EXCEPTION("expires: 2001-01-01, flags: pid-host"));
	struct fim_container *container = container_of(INSPECT("\"PidMode\":\"host\",", ""));

	ck_assert_int_eq(fim_exceptions_apply(exceptions, fim_time_now(), container), 0);
	ck_assert(fim_container_has_flag(container, "exception-expired"));
	fim_container_free(container);
	fim_exceptions_free(exceptions);
}
END_TEST

START_TEST(a_wrong_exception_names_its_place)
{
	struct fim_exceptions *exceptions = NULL;

	ck_assert_int_eq(fim_exceptions_parse(wrong[_i].text, strlen(wrong[_i].text), "e.yaml",
					      &exceptions),
			 -EINVAL);
	ck_assert_ptr_null(exceptions);
	ck_assert_msg(strstr(fixture_log, wrong[_i].message) != NULL, "%s", fixture_log);
}
END_TEST

/* One member of an archive. */
static size_t put_member(char *tar, const char *name, const char *content)
{
	size_t len = strlen(content);

	memset(tar, 0, 1024 + len);
	snprintf(tar, 100, "%s", name);
	snprintf(tar + 124, 12, "%011o", (unsigned int)(len & 0xffffff));
	memcpy(tar + 512, content, len);
	return 512 + (len + 511) / 512 * 512;
}

START_TEST(an_archive_names_its_image)
{
	static char tar[8192];
	char id[FIM_IMAGE_ID_SIZE] = "untouched";
	size_t len = put_member(tar, "layer/json", "{}");

	ck_assert_int_eq(fim_image_tar_id("missing.tar", id), -ENOENT);
	put_bytes("empty.tar", "", 0);
	ck_assert_int_eq(fim_image_tar_id("empty.tar", id), -ENOENT);
	put_bytes("none.tar", tar, len + 512);
	ck_assert_int_eq(fim_image_tar_id("none.tar", id), -ENOENT);
	put_member(tar + len, "manifest.json", "[{\"Config\":\"x\"}]");
	put_bytes("bad.tar", tar, len + 2048);
	ck_assert_int_eq(fim_image_tar_id("bad.tar", id), -EINVAL);
	ck_assert_str_eq(id, "untouched");
	put_member(tar + len, "manifest.json", "[{\"Config\":\"" ID ".json\"}]");
	put_bytes("old.tar", tar, len + 2048);
	ck_assert_int_eq(fim_image_tar_id("old.tar", id), 0);
	ck_assert_str_eq(id, IMAGE);
	put_member(tar + len, "manifest.json", "[{\"Config\":\"blobs/sha256/" ID "\"}]");
	put_bytes("new.tar", tar, len + 600);
	ck_assert_int_eq(fim_image_tar_id("new.tar", id), -EINVAL); /* cut */
	put_bytes("new.tar", tar, len + 2048);
	ck_assert_int_eq(fim_image_tar_id("new.tar", id), 0);
	ck_assert_str_eq(id, IMAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("truth");
	TCase *tcase = tcase_create("truth");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, a_status_is_read);
	tcase_add_test(tcase, a_runtime_takes_its_time_but_not_for_ever);
	tcase_add_test(tcase, a_runtime_has_its_time_from_when_the_engine_says_that_it_started);
	tcase_add_loop_test(tcase, only_what_is_stronger_than_told_is_a_flag, 0, COUNT(truths));
	tcase_add_test(tcase, a_namespace_that_could_not_be_read_proves_nothing);
	tcase_add_test(tcase, a_container_of_nobody_is_judged_by_the_kernel_alone);
	tcase_add_loop_test(tcase, mounts_show_what_a_container_sees_of_the_host, 0,
			    COUNT(exposures));
	tcase_add_test(tcase, this_process_is_read);
	tcase_add_loop_test(tcase, the_agent_confirms_or_refutes_labels, 0, COUNT(answers));
	tcase_add_loop_test(tcase, the_agent_names_the_container_instance_and_its_cluster, 0, 6);
	tcase_add_test(tcase, an_agent_that_is_not_there_is_unreachable);
	tcase_add_loop_test(tcase, an_exception_covers_what_it_names_and_nothing_else, 0,
			    COUNT(excepted));
	tcase_add_test(tcase, an_expired_exception_is_said);
	tcase_add_loop_test(tcase, a_wrong_exception_names_its_place, 0, COUNT(wrong));
	tcase_add_test(tcase, an_archive_names_its_image);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
