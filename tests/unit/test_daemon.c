/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon from records to journal, without a module: real files in a scratch
 * directory, and a source that yields the records a test puts in.
 */
#include "fixture.h"
#include "records.h"

#include <poll.h>
#include <sys/socket.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "userspace/daemon/daemon.h"

#define WATCH_BIN    1 /* in the order of the policy's roots */
#define CONTAINER_ID "83fae769fee40f7c5b4ee3e1e0c5b7c3360147bc48589f5692a6298a778fc893"
#define WATCH_ETC    2

/* ------------------------------------------------------------------ fake source */

struct fake {
	int fds[2];
	uint32_t watches;
	bool broken;
};

static ssize_t fake_read(struct source *source, void *buf, size_t size)
{
	struct fake *fake = source->ctx;
	ssize_t len = recv(source->fd, buf, size, MSG_DONTWAIT);

	if (fake->broken)
		return -EIO;
	return len < 0 ? -errno : len;
}

static int fake_watch_add(struct source *source, int dirfd, uint32_t *id_ret)
{
	struct fake *fake = source->ctx;
	struct stat st;

	ck_assert_int_eq(fstat(dirfd, &st), 0);
	*id_ret = ++fake->watches;
	return 0;
}

static int fake_watch_del(struct source *source, uint32_t id)
{
	(void)source;
	(void)id;
	return 0;
}

static int fake_info(struct source *source, struct fim_info *info_ret)
{
	(void)source;
	(void)info_ret;
	return -EOPNOTSUPP;
}

static void fake_close(struct source *source)
{
	struct fake *fake = source->ctx;

	close(fake->fds[0]);
	close(fake->fds[1]);
	source->ops = NULL;
}

static const struct source_ops fake_ops = {
	.kind = "fake",
	.loss = "its ring was full",
	.read = fake_read,
	.watch_add = fake_watch_add,
	.watch_del = fake_watch_del,
	.info = fake_info,
	.close = fake_close,
};

/* ---------------------------------------------------------------------- fixture */

static struct daemon d;
static struct fake fake;
static struct records records;
static struct fim_json *found[64]; /* the journal's records of one type */
static size_t found_count;

static void config_write(void)
{
	char text[8 * PATH_MAX];

	snprintf(text, sizeof(text),
		 "baseline: %s/base.ndjson\ntrusted_keys: [%s/keys]\njournal_dir: %s/journal\n"
		 "journal_protect: false\n"
		 "docker_socket: \"\"\ndevice: %s/no-device\nstatus_socket: %s/status.sock\n"
		 "sink_audit: false\nsink_syslog: false\nsink_stdout: false\n"
		 "settle_ms: 100\nwatch_containers: false\n",
		 fixture_dir, fixture_dir, fixture_dir, fixture_dir, fixture_dir);
	put_text("config.yaml", text);
	snprintf(text, sizeof(text),
		 "name: test\nversion: \"1\"\nroots: [%s/bin, %s/etc]\nrules:\n"
		 "  - {path: %s/bin, class: strict}\n  - {path: %s/etc, class: strict}\n"
		 "  - {path: %s/etc/log, class: excluded, reason: r, approver: a}\n"
		 "  - {path: %s/etc/id, class: metadata, reason: r}\n",
		 fixture_dir, fixture_dir, fixture_dir, fixture_dir, fixture_dir, fixture_dir);
	put_text("policy.yaml", text);
}

static void baseline_make(void)
{
	struct fim_baseline_params params = {.root = "/"};
	struct fim_progress progress;
	struct fim_policy *policy;
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/policy.yaml", fixture_dir);
	ck_assert_int_eq(fim_policy_load(path, &policy), 0);
	params.policy = policy;
	snprintf(path, sizeof(path), "%s/base.ndjson", fixture_dir);
	ck_assert_int_eq(fim_baseline_create(&params, path, &progress), 0);
	fim_policy_free(policy);
}

static void source_make(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fake.fds), 0);
	fake.watches = 0;
	d.source = (struct source){.ops = &fake_ops, .fd = fake.fds[0], .ctx = &fake};
	d.controls[COMPONENT_MODULE] = CONTROL_UP;
}

static void daemon_start(void)
{
	struct fim_config *config;

	ck_assert_int_eq(fim_config_load("config.yaml", &config), 0);
	ck_assert_int_eq(daemon_init(&d, config), 0);
	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = config->journal_dir},
					  &d.journal),
			 0);
	ck_assert_int_eq(fim_baseline_open(config->baseline, NULL, NULL, &d.baseline), 0);
	source_make();
	watch_host(&d);
	ck_assert_uint_eq(fake.watches, 2);
}

static void daemon_setup(void)
{
	memset(&records, 0, sizeof(records));
	fixture_setup();
	config_write();
	put_dir("bin");
	put_dir("etc");
	put_dir("etc/sub");
	put_text("bin/ls", "ls");
	put_text("bin/find", "find");
	put_text("etc/passwd", "root\n");
	put_text("etc/log", "log\n");
	put_text("etc/id", "id\n");
	put_text("etc/sub/a", "a\n");
	baseline_make();
	/* A change right after an observation might not move ctime: let a tick pass. */
	usleep(150000);
	daemon_start();
	ck_assert_int_eq(comparison_run(&d, TRIGGER_START_UP), 0);
}

static void found_clear(void)
{
	for (size_t i = 0; i < found_count; i++)
		fim_json_free(found[i]);
	found_count = 0;
}

static void daemon_teardown(void)
{
	found_clear();
	daemon_exit(&d);
	fixture_teardown();
}

/* ------------------------------------------------------------------------ helpers */

static const char *program = "/usr/bin/tool"; /* of the events */

static struct fim_event *put_event(uint32_t op, uint32_t watch, const char *path)
{
	struct fim_event *event = record_event(&records, op);
	unsigned int depth = *path ? 1 : 0;

	for (const char *p = path; *p; p++)
		depth += *p == '/';
	event->watch_id = watch;
	event->depth = depth;
	event->actor.tgid = 4711;
	event->actor.uid = 1000;
	event->actor.loginuid = event->actor.sessionid = UINT32_MAX;
	memcpy(event->actor.comm, "tool", 5);
	{
		char text[PATH_MAX];

		snprintf(text, sizeof(text), "/fs%s%s", *path ? "/" : "", path);
		record_text(&records, event, FIM_ATTR_FS_PATH, text);
	}
	record_text(&records, event, FIM_ATTR_EXE, program);
	return event;
}

static struct fim_event *put_rename(uint32_t watch, const char *path, uint32_t old_watch,
				    const char *old)
{
	struct fim_event *event = put_event(FIM_OP_RENAME, watch, path);
	char text[PATH_MAX];

	snprintf(text, sizeof(text), "/fs/%s", old);
	event->old_watch_id = old_watch;
	event->old_depth = *old ? 1 : 0;
	for (const char *p = old; *p; p++)
		event->old_depth += *p == '/';
	record_text(&records, event, FIM_ATTR_OLD_FS_PATH, text);
	return event;
}

static void send_records(void)
{
	ck_assert_int_eq(send(fake.fds[1], records.bytes, records.len, 0), (ssize_t)records.len);
	records.len = 0;
}

/* Let the daemon work until nothing is pending any more. */
static void run(void)
{
	if (records.len)
		send_records();
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(daemon_turn(&d, 10), 0);
		if (!d.pending.count && !d.held && d.wanted == TRIGGER_NONE && i > 1)
			return;
	}
	ck_abort_msg("the daemon does not come to rest");
}

static const char *wanted_type;

static int keep(void *ctx, const struct fim_json *record)
{
	(void)ctx;
	if (strcmp(fim_json_get_str(record, "type"), wanted_type) == 0 && found_count < 64)
		found[found_count++] = fim_json_ref(record);
	return 0;
}

static size_t read_journal(const char *type)
{
	struct fim_journal_check check;

	found_clear();
	wanted_type = type;
	ck_assert_int_eq(fim_journal_read(d.config->journal_dir, keep, NULL, &check), 0);
	return found_count;
}

static char *in_dir(const char *path)
{
	static char text[PATH_MAX * 2];

	snprintf(text, sizeof(text), "%s/%s", fixture_dir, path);
	return text;
}

static struct fim_json *assert_finding(size_t index, const char *kind, const char *path)
{
	ck_assert_msg(index < found_count, "only %zu findings, no %s %s", found_count, kind, path);
	ck_assert_str_eq(fim_json_get_str(found[index], "kind"), kind);
	ck_assert_str_eq(fim_json_get_str(found[index], "path"), in_dir(path));
	return found[index];
}

static void assert_one(const char *kind, const char *path)
{
	size_t count;

	run();
	count = read_journal("finding");
	ck_assert_msg(count == 1, "%zu findings for %s %s", count, kind, path);
	assert_finding(0, kind, path);
}

static void assert_none(void)
{
	run();
	read_journal("finding");
	ck_assert_msg(found_count == 0, "%zu findings: %s %s", found_count,
		      fim_json_get_str(found[0], "kind"), fim_json_get_str(found[0], "path"));
}

/* -------------------------------------------------------------------------- tests */

static const struct fim_json *actor_of(size_t i)
{
	ck_assert_uint_gt(found_count, i);
	return fim_json_get(found[i], "actor");
}

/* Whatever pid 4711 is on this machine, it did not start when the event says. */
START_TEST(a_process_that_is_gone_is_told_by_what_the_event_holds)
{
	static const struct fim_ancestor ancestors[] = {{.tgid = 99, .uid = 7, .comm = "sh"},
							{.tgid = 1, .comm = "init"}};
	static const struct fim_process process = {.cap_effective = 0x20,
						   .user_ns = 9,
						   .session = 77,
						   .tty = 136 << 8 | 3,
						   .flags = FIM_PROC_NO_NEW_PRIVS};
	const struct fim_json *actor, *list;
	struct fim_event *event;

	put_text("etc/a", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_ETC, "a");
	event->flags = FIM_EV_MODIFIED;
	record_attr(&records, event, FIM_ATTR_ARGS, "tool\0--x\0a b\0\n\xff", 16);
	record_attr(&records, event, FIM_ATTR_PROCESS, &process, sizeof(process));
	record_attr(&records, event, FIM_ATTR_ANCESTORS, ancestors, sizeof(ancestors));
	run();
	read_journal("finding");
	actor = actor_of(0);
	list = fim_json_get(actor, "args");
	ck_assert_uint_eq(fim_json_count(list), 4);
	ck_assert_str_eq(fim_json_str(fim_json_index(list, 2)), "a b");
	ck_assert_str_eq(fim_json_get_str(actor, "command"), "tool --x a b \\x0a\\xff");
	ck_assert_str_eq(fim_json_get_str(actor, "cap_effective"), "0000000000000020");
	ck_assert_str_eq(fim_json_get_str(actor, "tty"), "pts/3");
	ck_assert_int_eq(fim_json_get_int(actor, "session", 0), 77);
	ck_assert(fim_json_get_bool(actor, "no_new_privs", false));
	list = fim_json_get(actor, "ancestors");
	ck_assert_uint_eq(fim_json_count(list), 2);
	ck_assert_str_eq(fim_json_get_str(fim_json_index(list, 0), "comm"), "sh");
	ck_assert_ptr_null(fim_json_get(actor, "cwd"));
}
END_TEST

static uint64_t start_of(pid_t pid)
{
	char name[64], *text, *p;
	unsigned long long start = 0;
	size_t len;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	ck_assert_int_eq(fim_file_read(name, 4096, &text, &len), 0);
	p = strrchr(text, ')');
	for (int field = 2; field < 22; field++)
		p = strchr(p + 1, ' ');
	ck_assert_int_eq(sscanf(p, "%llu", &start), 1);
	free(text);
	return start * 10000000;
}

START_TEST(of_a_process_that_lives_proc_tells_the_rest)
{
	struct fim_event *event;
	struct stat st;
	char hex[FIM_SHA256_HEX_SIZE], cwd[PATH_MAX], *text;
	unsigned char digest[FIM_SHA256_SIZE];
	size_t len;

	ck_assert_int_eq(stat("/proc/self/exe", &st), 0);
	put_text("etc/a", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_ETC, "a");
	event->flags = FIM_EV_MODIFIED;
	event->actor.tgid = (uint32_t)getpid();
	event->actor.start_ns = start_of(getpid());
	event->actor.exe_ino = st.st_ino;
	run();
	read_journal("finding");
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	ck_assert_str_eq(fim_json_get_str(actor_of(0), "cwd"), cwd);
	ck_assert_int_eq(fim_file_read("/proc/self/exe", 64u << 20, &text, &len), 0);
	ck_assert_int_eq(fim_sha256(text, len, digest), 0);
	free(text);
	fim_hex_encode(digest, sizeof(digest), hex);
	ck_assert_str_eq(fim_json_get_str(actor_of(0), "exe_sha256"), hex);
	ck_assert_str_eq(fim_json_get_str(actor_of(0), "exe_origin"), "unknown");
}
END_TEST

/* The id is taken again, by a process that started later. */
START_TEST(another_process_with_the_same_id_is_not_taken_for_it)
{
	struct fim_event *event;
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/exe", &st), 0);
	put_text("etc/a", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_ETC, "a");
	event->flags = FIM_EV_MODIFIED;
	event->actor.tgid = (uint32_t)getpid();
	event->actor.start_ns = start_of(getpid()) - 10000000;
	event->actor.exe_ino = st.st_ino;
	run();
	read_journal("finding");
	ck_assert_ptr_null(fim_json_get(actor_of(0), "cwd"));
	ck_assert_ptr_null(fim_json_get(actor_of(0), "args"));
	ck_assert_ptr_null(fim_json_get(actor_of(0), "exe_sha256"));
}
END_TEST

START_TEST(nothing_happens_without_events)
{
	assert_none();
}
END_TEST

START_TEST(an_append_is_one_modified_finding_with_states_and_actor)
{
	struct fim_json *finding;

	put_text("etc/passwd", "root\nmallory\n");
	put_event(FIM_OP_WRITE, WATCH_ETC, "passwd")->flags = FIM_EV_MODIFIED | FIM_EV_ACTOR_WRITER;
	assert_one("modified", "etc/passwd");
	finding = found[0];
	ck_assert_str_eq(fim_json_get_str(finding, "scope"), "host");
	ck_assert_str_eq(fim_json_get_str(finding, "op"), "write");
	ck_assert_str_eq(fim_json_get_str(finding, "detected_by"), "event");
	ck_assert_str_eq(fim_json_get_str(finding, "fs_path"), "/fs/passwd");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(finding, "before"), "size", 0), 5);
	ck_assert_int_eq(fim_json_get_int(fim_json_get(finding, "after"), "size", 0), 13);
	ck_assert_ptr_null(fim_json_get(finding, "baseline"));
	ck_assert_int_eq(fim_json_get_int(fim_json_get(finding, "actor"), "pid", 0), 4711);
	ck_assert_str_eq(fim_json_str(fim_json_at(finding, "actor/exe")), "/usr/bin/tool");
	ck_assert_str_eq(fim_json_str(fim_json_at(finding, "actor/from")), "writer");
	ck_assert(fim_json_is_null(fim_json_get(finding, "container")));
	ck_assert_int_eq(fim_json_count(fim_json_get(finding, "changed")), 2);
}
END_TEST

START_TEST(touch_of_a_new_file_is_one_finding)
{
	put_text("bin/new", "");
	put_event(FIM_OP_CREATE, WATCH_BIN, "new")->flags = FIM_EV_OPEN_FOR_WRITE;
	put_event(FIM_OP_TIMES, WATCH_BIN, "new")->flags = FIM_EV_OPEN_FOR_WRITE;
	put_event(FIM_OP_WRITE, WATCH_BIN, "new");
	assert_one("added", "bin/new");
	ck_assert_str_eq(fim_json_get_str(found[0], "op"), "create");
}
END_TEST

START_TEST(a_file_still_being_written_waits_for_its_last_close)
{
	put_text("bin/new", "half");
	put_event(FIM_OP_CREATE, WATCH_BIN, "new")->flags = FIM_EV_OPEN_FOR_WRITE;
	send_records();
	ck_assert_int_eq(daemon_turn(&d, 0), 0);
	usleep(40000); /* longer than quiet, shorter than settle_ms */
	ck_assert_int_eq(daemon_turn(&d, 0), 0);
	ck_assert_uint_eq(read_journal("finding"), 0);
	put_text("bin/new", "half and half");
	put_event(FIM_OP_WRITE, WATCH_BIN, "new")->flags = FIM_EV_MODIFIED;
	assert_one("added", "bin/new");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(found[0], "after"), "size", 0), 13);
}
END_TEST

START_TEST(a_file_never_closed_is_appraised_after_the_settling_time)
{
	put_text("bin/new", "open for ever");
	put_event(FIM_OP_CREATE, WATCH_BIN, "new")->flags = FIM_EV_OPEN_FOR_WRITE;
	assert_one("added", "bin/new");
}
END_TEST

START_TEST(a_file_written_without_end_is_appraised_nevertheless)
{
	int64_t start = now_ms();

	put_text("bin/ls", "changed");
	while (!read_journal("finding")) {
		put_event(FIM_OP_TRUNCATE, WATCH_BIN, "ls")->flags = FIM_EV_OPEN_FOR_WRITE;
		put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
		send_records();
		ck_assert_int_eq(daemon_turn(&d, 5), 0);
		ck_assert_int_lt(now_ms() - start, 5000);
	}
}
END_TEST

START_TEST(set_uid_is_one_critical_attributes_finding)
{
	ck_assert_int_eq(chmod("bin/find", 04755), 0);
	put_event(FIM_OP_MODE, WATCH_BIN, "find")->mode = S_IFREG | 04755;
	assert_one("attributes", "bin/find");
	ck_assert_str_eq(fim_json_get_str(found[0], "severity"), "critical");
}
END_TEST

START_TEST(a_program_replaced_by_rename_is_one_modified_finding)
{
	put_text("trojan", "trojan");
	ck_assert_int_eq(rename("trojan", "bin/ls"), 0);
	put_rename(WATCH_BIN, "ls", 0, "trojan");
	assert_one("modified", "bin/ls");
	ck_assert_str_eq(fim_json_get_str(found[0], "old_path"), "/fs/trojan");
	ck_assert_str_eq(fim_json_get_str(found[0], "op"), "rename");
}
END_TEST

START_TEST(a_rename_inside_is_one_moved_finding)
{
	ck_assert_int_eq(rename("bin/ls", "bin/sl"), 0);
	put_rename(WATCH_BIN, "sl", WATCH_BIN, "ls");
	assert_one("moved", "bin/sl");
	ck_assert_str_eq(fim_json_get_str(found[0], "old_path"), in_dir("bin/ls"));
}
END_TEST

START_TEST(a_move_from_one_watch_to_another_is_one_moved_finding)
{
	ck_assert_int_eq(rename("bin/ls", "etc/ls"), 0);
	put_rename(WATCH_ETC, "ls", WATCH_BIN, "ls");
	assert_one("moved", "etc/ls");
}
END_TEST

START_TEST(a_chain_of_renames_is_one_moved_finding)
{
	ck_assert_int_eq(rename("bin/ls", "bin/c"), 0);
	put_rename(WATCH_BIN, "a", WATCH_BIN, "ls");
	put_rename(WATCH_BIN, "b", WATCH_BIN, "a");
	put_rename(WATCH_BIN, "c", WATCH_BIN, "b");
	assert_one("moved", "bin/c");
	ck_assert_str_eq(fim_json_get_str(found[0], "old_path"), in_dir("bin/ls"));
}
END_TEST

START_TEST(moved_back_is_restored_and_nothing_is_left_to_tell)
{
	ck_assert_int_eq(rename("bin/ls", "bin/sl"), 0);
	put_rename(WATCH_BIN, "sl", WATCH_BIN, "ls");
	run();
	ck_assert_int_eq(rename("bin/sl", "bin/ls"), 0);
	put_rename(WATCH_BIN, "ls", WATCH_BIN, "sl");
	run();
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(0, "moved", "bin/sl");
	assert_finding(1, "restored", "bin/ls");
}
END_TEST

START_TEST(an_editors_temporary_file_is_told_by_what_it_became)
{
	put_text("etc/sedAbc", "rooot\n");
	ck_assert_int_eq(rename("etc/sedAbc", "etc/passwd"), 0);
	put_event(FIM_OP_CREATE, WATCH_ETC, "sedAbc")->flags = FIM_EV_OPEN_FOR_WRITE;
	put_event(FIM_OP_WRITE, WATCH_ETC, "sedAbc")->flags = FIM_EV_MODIFIED;
	put_rename(WATCH_ETC, "passwd", WATCH_ETC, "sedAbc");
	assert_one("modified", "etc/passwd");
	ck_assert_str_eq(fim_json_get_str(found[0], "old_path"), in_dir("etc/sedAbc"));
}
END_TEST

START_TEST(a_program_moved_over_another_is_modified_and_removed)
{
	ck_assert_int_eq(rename("bin/find", "bin/ls"), 0);
	put_rename(WATCH_BIN, "ls", WATCH_BIN, "find");
	run();
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(0, "modified", "bin/ls");
	assert_finding(1, "removed", "bin/find");
}
END_TEST

START_TEST(two_programs_exchanged_are_two_modified_findings)
{
	long err = syscall(SYS_renameat2, AT_FDCWD, "bin/ls", AT_FDCWD, "bin/find", 2);

	ck_assert_int_eq(err, 0);
	put_rename(WATCH_BIN, "find", WATCH_BIN, "ls");
	put_rename(WATCH_BIN, "ls", WATCH_BIN, "find");
	run();
	ck_assert_uint_eq(read_journal("finding"), 2);
	ck_assert_str_eq(fim_json_get_str(found[0], "kind"), "modified");
	ck_assert_str_eq(fim_json_get_str(found[1], "kind"), "modified");
}
END_TEST

START_TEST(a_deleted_file_is_removed_and_told_once)
{
	ck_assert_int_eq(unlink("bin/ls"), 0);
	put_event(FIM_OP_DELETE, WATCH_BIN, "ls");
	run();
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	assert_finding(0, "removed", "bin/ls");
	read_journal("comparison");
	ck_assert_int_eq(fim_json_get_int(found[1], "removed", 0), 1);
	ck_assert_uint_eq(d.counters.repeated, 1);
}
END_TEST

/* What ecs-fim verify --record says, with the numbers of the caller. */
static struct fim_json *told_by_another(int64_t changed, int64_t ended_ns)
{
	static const char *const counts[] = {"expected", "compared",   "added",
					     "removed",	 "unreadable", "bytes"};
	struct fim_json *request = fim_json_object();
	char time[FIM_TIME_SIZE];

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		fim_json_set_int(request, counts[i], 0);
	fim_json_set_int(request, "changed", changed);
	fim_time_format(ended_ns, time);
	fim_json_set_str(request, "start", time);
	fim_json_set_str(request, "end", time);
	fim_json_set_str(request, "baseline", fim_baseline_head(d.baseline));
	fim_json_set_str(request, "result_digest", fim_baseline_head(d.baseline));
	return request;
}

START_TEST(a_comparison_of_another_process_is_in_the_ledger)
{
	struct fim_json *request = told_by_another(0, fim_time_now());

	ck_assert_ptr_null(comparison_told(&d, request, fim_json_object()));
	ck_assert_int_eq(d.wanted, TRIGGER_NONE);
	fim_json_free(request);
	ck_assert_uint_eq(read_journal("comparison"), 2);
	ck_assert_str_eq(fim_json_get_str(found[1], "trigger"), "scheduled");
	ck_assert_ptr_nonnull(fim_json_get(found[1], "who"));
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "scope")), 2);
}
END_TEST

START_TEST(where_another_process_found_more_the_daemon_compares)
{
	struct fim_json *request = told_by_another(1, fim_time_now());

	put_text("bin/ls", "unseen");
	ck_assert_ptr_null(comparison_told(&d, request, fim_json_object()));
	fim_json_free(request);
	ck_assert_int_eq(d.wanted, TRIGGER_REQUEST);
	run();
	ck_assert_uint_eq(read_journal("finding"), 1);
	ck_assert_uint_eq(read_journal("comparison"), 3);
	ck_assert_str_eq(fim_json_get_str(found[2], "trigger"), "request");
}
END_TEST

START_TEST(a_comparison_that_cannot_be_is_refused)
{
	static const char *const members[] = {"baseline", "result_digest", "end", "changed"};
	struct fim_json *request = told_by_another(0, fim_time_now() - 3600 * FIM_NSEC_PER_SEC);

	ck_assert_ptr_nonnull(comparison_told(&d, request, fim_json_object()));
	fim_json_free(request);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		request = told_by_another(0, fim_time_now());
		fim_json_set_str(request, members[i], "x");
		ck_assert_ptr_nonnull(comparison_told(&d, request, fim_json_object()));
		fim_json_free(request);
	}
	request = told_by_another(-1, fim_time_now());
	ck_assert_ptr_nonnull(comparison_told(&d, request, fim_json_object()));
	fim_json_free(request);
	ck_assert_uint_eq(read_journal("comparison"), 1);
}
END_TEST

START_TEST(opening_for_writing_changes_nothing)
{
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	assert_none();
	ck_assert_uint_eq(d.counters.unchanged, 1);
}
END_TEST

START_TEST(times_alone_are_no_finding)
{
	shell("touch bin/ls");
	put_event(FIM_OP_TIMES, WATCH_BIN, "ls")->flags = FIM_EV_OPEN_FOR_WRITE;
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	assert_none();
}
END_TEST

START_TEST(a_change_undone_at_once_is_transient_with_its_actor)
{
	put_text("bin/ls", "evil");
	put_text("bin/ls", "ls");
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
	assert_one("transient", "bin/ls");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(found[0], "actor"), "pid", 0), 4711);
}
END_TEST

START_TEST(created_and_deleted_at_once_is_transient)
{
	put_event(FIM_OP_CREATE, WATCH_BIN, "gone")->flags = FIM_EV_OPEN_FOR_WRITE;
	put_event(FIM_OP_WRITE, WATCH_BIN, "gone");
	put_event(FIM_OP_DELETE, WATCH_BIN, "gone");
	assert_one("transient", "bin/gone");
}
END_TEST

START_TEST(an_excluded_path_is_counted_only)
{
	put_text("etc/log", "more\n");
	put_event(FIM_OP_WRITE, WATCH_ETC, "log")->flags = FIM_EV_MODIFIED;
	assert_none();
	ck_assert_uint_eq(d.counters.excluded, 1);
}
END_TEST

START_TEST(content_of_class_metadata_may_change_its_mode_may_not)
{
	put_text("etc/id", "other\n");
	put_event(FIM_OP_WRITE, WATCH_ETC, "id")->flags = FIM_EV_MODIFIED;
	assert_none();
	ck_assert_int_eq(chmod("etc/id", 0600), 0);
	put_event(FIM_OP_MODE, WATCH_ETC, "id")->mode = S_IFREG | 0600;
	assert_one("attributes", "etc/id");
	ck_assert_str_eq(fim_json_get_str(found[0], "class"), "metadata");
}
END_TEST

START_TEST(a_directory_moved_in_brings_what_it_holds)
{
	struct fim_event *event;

	put_dir("new");
	put_text("new/x", "x");
	put_dir("new/deep");
	put_text("new/deep/y", "y");
	ck_assert_int_eq(rename("new", "etc/new"), 0);
	event = put_rename(WATCH_ETC, "new", 0, "new");
	event->flags = FIM_EV_DIR;
	run();
	ck_assert_uint_eq(read_journal("finding"), 4);
	assert_finding(0, "added", "etc/new");
	for (size_t i = 1; i < 4; i++) {
		ck_assert_str_eq(fim_json_get_str(found[i], "kind"), "added");
		ck_assert_int_eq(fim_json_get_int(fim_json_get(found[i], "actor"), "pid", 0), 4711);
	}
}
END_TEST

START_TEST(a_directory_moved_out_takes_what_it_held)
{
	ck_assert_int_eq(rename("etc/sub", "sub"), 0);
	put_rename(0, "sub", WATCH_ETC, "sub")->flags = FIM_EV_DIR;
	run();
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(0, "removed", "etc/sub");
	assert_finding(1, "removed", "etc/sub/a");
}
END_TEST

START_TEST(a_directory_moved_inside_is_one_finding)
{
	ck_assert_int_eq(rename("etc/sub", "etc/bus"), 0);
	put_rename(WATCH_ETC, "bus", WATCH_ETC, "sub")->flags = FIM_EV_DIR;
	run();
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	assert_finding(0, "moved", "etc/bus");
}
END_TEST

START_TEST(a_path_below_no_rule_of_ours_is_outside)
{
	put_event(FIM_OP_WRITE, 99, "ls");
	assert_none();
	ck_assert_uint_eq(d.counters.unknown_watch, 1);
}
END_TEST

/* A container's root that the module watched as it was made, and that is gone already. */
START_TEST(a_change_in_a_root_that_nobody_knows_is_told)
{
	put_event(FIM_OP_WRITE, 99, "early"); /* of a watch that was ours: not told */
	record_state(&records, FIM_STATE_WATCH_ADDED, 99);
	record_text(&records, put_event(FIM_OP_CREATE, 99, "usr/bin/x"), FIM_ATTR_CGROUP,
		    "/docker/" CONTAINER_ID);
	run();
	ck_assert_uint_eq(read_journal("finding"), 0);
	ck_assert_uint_eq(read_journal("place"), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "action"), "unmeasured");
	ck_assert_str_eq(fim_json_get_str(found[0], "path"), "/fs/usr/bin/x");
	ck_assert_str_eq(fim_json_get_str(found[0], "severity"), "high");
	ck_assert_str_eq(fim_json_get_str(found[0], "container_id"), CONTAINER_ID);
}
END_TEST

/* "umount -l" and another mount: nothing is told of the directory that is watched. */
START_TEST(a_place_with_another_directory_is_watched_again_when_mounts_change)
{
	size_t before = read_journal("control");

	mounts_refresh(&d);
	ck_assert_uint_eq(fake.watches, 2);
	ck_assert_int_eq(rename("bin", "bin.old"), 0);
	put_dir("bin");
	put_text("bin/ls", "ls");
	put_text("bin/evil", "evil");
	mounts_refresh(&d);
	ck_assert_uint_eq(fake.watches, 3);
	run();
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(0, "added", "bin/evil");
	assert_finding(1, "removed", "bin/find");
	ck_assert_uint_eq(read_journal("control"), before + 2);
	ck_assert_str_eq(fim_json_get_str(found[before], "state"), "degraded");
	ck_assert_ptr_nonnull(
		strstr(fim_json_get_str(found[before], "cause"), "another directory"));
	ck_assert_str_eq(fim_json_get_str(found[before + 1], "state"), "up");
}
END_TEST

static uint32_t own_watch_id(void)
{
	for (const struct watch *watch = d.watches; watch; watch = watch->next)
		if (watch->own && strcmp(watch->dir, fixture_dir) == 0)
			return watch->id;
	ck_abort_msg("%s is not watched for the control itself", fixture_dir);
}

static void assert_own(const char *part, const char *path, const char *severity)
{
	run();
	ck_assert_uint_eq(read_journal("place"), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "action"), "own-changed");
	ck_assert_str_eq(fim_json_get_str(found[0], "part"), part);
	ck_assert_str_eq(fim_json_get_str(found[0], "path"), in_dir(path));
	ck_assert_str_eq(fim_json_get_str(found[0], "severity"), severity);
}

START_TEST(who_changes_what_the_control_consists_of_is_told)
{
	uint32_t id;

	own_init(&d);
	watch_host(&d);
	id = own_watch_id();
	put_event(FIM_OP_WRITE, id, "other")->flags = FIM_EV_MODIFIED;
	put_event(FIM_OP_TIMES, id, "base.ndjson");
	put_event(FIM_OP_WRITE, id, "base.ndjson"); /* opened for writing, not written */
	put_event(FIM_OP_CREATE, id, "journal/x")->actor.tgid = (uint32_t)getpid();
	run();
	ck_assert_uint_eq(read_journal("place"), 0);
	put_event(FIM_OP_WRITE, id, "base.ndjson")->flags = FIM_EV_MODIFIED;
	assert_own("baseline", "base.ndjson", "high");
	ck_assert_uint_eq(read_journal("finding"), 0);
}
END_TEST

/* What of it the policy covers is found like everything else, and is as bad. */
START_TEST(a_finding_about_the_control_itself_is_high)
{
	put_text("etc/ecs-fim.yaml", "");
	d.config_path = "etc/ecs-fim.yaml"; /* as on a command line */
	own_init(&d);
	watch_host(&d);
	put_text("etc/other.yaml", "");
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(0, "added", "etc/ecs-fim.yaml");
	ck_assert_str_eq(fim_json_get_str(found[0], "severity"), "high");
	ck_assert_str_eq(fim_json_get_str(found[1], "severity"), "medium");
	ck_assert_uint_eq(read_journal("place"), 0);
	d.config_path = NULL;
}
END_TEST

START_TEST(whoever_takes_the_journal_away_is_told)
{
	own_init(&d);
	watch_host(&d);
	put_rename(own_watch_id(), "elsewhere", own_watch_id(), "journal/2026.ndjson");
	assert_own("journal", "journal/2026.ndjson", "high");
}
END_TEST

/* What the tool does there is its work, and recorded; what calls itself so is not it. */
START_TEST(the_tool_that_is_ours_is_recorded_and_not_alerted)
{
	static char tool[PATH_MAX * 2];
	struct stat st;

	own_init(&d);
	watch_host(&d);
	put_text("ecs-fimd", "");
	put_text("ecs-fim", "");
	snprintf(tool, sizeof(tool), "%s", in_dir("ecs-fimd"));
	free(d.own.program);
	d.own.program = strdup(tool);
	snprintf(tool, sizeof(tool), "%s", in_dir("ecs-fim"));
	ck_assert_int_eq(stat(tool, &st), 0);
	program = tool;
	put_event(FIM_OP_CREATE, own_watch_id(), "deltas/1.ndjson")->actor.exe_ino = st.st_ino;
	assert_own("baseline", "deltas/1.ndjson", "low");
	put_event(FIM_OP_CREATE, own_watch_id(), "deltas/2.ndjson")->actor.exe_ino = st.st_ino + 1;
	run();
	program = "/usr/bin/tool";
	ck_assert_uint_eq(read_journal("place"), 2);
	ck_assert_str_eq(fim_json_get_str(found[1], "severity"), "high");
}
END_TEST

/* The ring still has what the daemon before us wrote; its name alone does not do now. */
START_TEST(the_run_before_is_not_somebody_else)
{
	own_init(&d);
	watch_host(&d);
	program = d.own.program;
	put_event(FIM_OP_CREATE, own_watch_id(), "journal/a")->rec.time_ns =
		(uint64_t)d.started_ns - 1;
	run();
	ck_assert_uint_eq(read_journal("place"), 0);
	put_event(FIM_OP_CREATE, own_watch_id(), "journal/b")->rec.time_ns =
		(uint64_t)d.started_ns + 1;
	run();
	program = "/usr/bin/tool";
	ck_assert_uint_eq(read_journal("place"), 1);
}
END_TEST

START_TEST(loss_is_a_record_and_a_comparison_finds_the_rest)
{
	put_text("bin/ls", "changed unseen");
	put_text("etc/new", "new");
	record_overflow(&records, 17);
	run();
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(0, "modified", "bin/ls");
	assert_finding(1, "added", "etc/new");
	ck_assert_str_eq(fim_json_get_str(found[0], "detected_by"), "overflow");
	ck_assert_ptr_null(fim_json_get(found[0], "actor"));
	read_journal("control");
	ck_assert_int_eq(fim_json_get_int(found[found_count - 2], "lost", 0), 17);
	ck_assert_str_eq(fim_json_get_str(found[found_count - 2], "component"), "ring");
	ck_assert_str_eq(fim_json_get_str(found[found_count - 2], "state"), "loss");
	ck_assert_str_eq(fim_json_get_str(found[found_count - 1], "state"), "up");
}
END_TEST

START_TEST(a_missing_number_is_loss)
{
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	records.seq += 3;
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	run();
	ck_assert_uint_eq(d.counters.lost, 3);
}
END_TEST

START_TEST(an_event_without_its_path_leads_to_a_comparison)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);

	event->watch_id = WATCH_BIN;
	event->flags = FIM_EV_PATH_MISSING;
	put_text("bin/ls", "changed unseen");
	assert_one("modified", "bin/ls");
	ck_assert_str_eq(fim_json_get_str(found[0], "detected_by"), "overflow");
}
END_TEST

START_TEST(bytes_that_are_no_record_are_loss_and_not_the_end)
{
	memset(records.bytes, 0xff, 64);
	records.len = 64;
	run();
	ck_assert_uint_eq(d.counters.bad_records, 1);
	put_text("bin/ls", "changed");
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
	assert_one("modified", "bin/ls");
}
END_TEST

START_TEST(a_source_that_fails_is_a_control_failure)
{
	fake.broken = true;
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	send_records();
	ck_assert_int_eq(daemon_turn(&d, 0), 0);
	/* Who may use fanotify goes on with less, who may not is left with comparisons. */
	ck_assert_int_eq(d.controls[COMPONENT_MODULE],
			 d.source.ops ? CONTROL_DEGRADED : CONTROL_DOWN);
	put_text("bin/ls", "changed");
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
}
END_TEST

START_TEST(what_the_kernel_allows_is_recorded_and_so_is_its_change)
{
	struct fim_json *json = fim_json_object();
	const struct fim_json *last;
	size_t before;

	host_poll(&d); /* not before the start said how it is */
	before = read_journal("control");
	host_start(&d);
	ck_assert_uint_eq(read_journal("control"), before + 1);
	ck_assert_str_eq(fim_json_get_str(found[before], "component"), "host");
	host_to_json(&d.host_facts, json);
	ck_assert_str_ne(fim_json_get_str(json, "tainted"), "");
	ck_assert_ptr_nonnull(fim_json_get_str(json, "lockdown"));
	ck_assert_ptr_null(strchr(fim_json_get_str(json, "lockdown"), '['));
	fim_json_free(json);
	host_poll(&d);
	ck_assert_uint_eq(read_journal("control"), before + 1);
	/* As if it had been so before. */
	for (int i = 0; i < HOST_FACTS; i++)
		strcpy(d.host_facts.value[i], "other");
	d.controls[COMPONENT_HOST] = CONTROL_UP;
	host_poll(&d);
	ck_assert_uint_ge(read_journal("control"), before + 3);
	last = found[found_count - 2];
	ck_assert_str_eq(fim_json_get_str(last, "component"), "host");
	ck_assert_ptr_nonnull(strstr(fim_json_get_str(last, "cause"), " was \"other\", is \""));
	last = found[found_count - 1];
	ck_assert_ptr_nonnull(strstr(fim_json_get_str(last, "cause"), "the clock is "));
	ck_assert_ptr_nonnull(fim_json_str(fim_json_at(last, "detail/clock/state")));
}
END_TEST

START_TEST(a_watched_directory_that_was_replaced_is_watched_again)
{
	ck_assert_int_eq(rename("bin", "bin.old"), 0);
	put_dir("bin");
	put_text("bin/evil", "evil");
	record_state(&records, FIM_STATE_WATCH_MOVED, WATCH_BIN);
	run();
	ck_assert_uint_eq(fake.watches, 3);
	/* Both programs are gone from where they should be, and one is there that should not. */
	ck_assert_uint_eq(read_journal("finding"), 3);
	put_text("bin/evil", "more evil");
	put_event(FIM_OP_WRITE, 3, "evil")->flags = FIM_EV_MODIFIED;
	run();
	ck_assert_uint_eq(read_journal("finding"), 4);
	assert_finding(3, "modified", "bin/evil");
}
END_TEST

START_TEST(a_watched_directory_that_is_moved_takes_all_it_held)
{
	ck_assert_int_eq(rename("bin", "bin.old"), 0);
	put_rename(WATCH_BIN, "", WATCH_BIN, "")->flags = FIM_EV_DIR;
	record_state(&records, FIM_STATE_WATCH_MOVED, WATCH_BIN);
	run();
	ck_assert_uint_eq(read_journal("finding"), 3);
	assert_finding(0, "removed", "bin");
	assert_finding(1, "removed", "bin/find");
	assert_finding(2, "removed", "bin/ls");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(found[2], "actor"), "pid", 0), 4711);
}
END_TEST

START_TEST(a_directory_that_does_not_exist_yet_is_seen_to_appear)
{
	ck_assert_int_eq(rename("bin", "away"), 0);
	record_state(&records, FIM_STATE_WATCH_MOVED, WATCH_BIN);
	run();
	ck_assert_str_eq(watch_find(&d, 3)->dir, fixture_dir);
	put_dir("bin");
	put_text("bin/ls", "ls");
	put_event(FIM_OP_MKDIR, 3, "bin")->flags = FIM_EV_DIR;
	put_event(FIM_OP_CREATE, 3, "bin/ls");
	put_event(FIM_OP_CREATE, 3, "elsewhere");
	run();
	read_journal("finding");
	/* Two programs and their directory were missed; two of these three are back. */
	ck_assert_uint_eq(found_count, 5);
	ck_assert_str_eq(fim_json_get_str(found[4], "kind"), "restored");
	ck_assert_uint_eq(d.counters.outside, 1);
	watch_host(&d);
	ck_assert_msg(!watch_find(&d, 3), "the watch above is not needed any more");
	ck_assert_ptr_nonnull(watch_find(&d, 4));
}
END_TEST

START_TEST(what_an_earlier_run_found_is_not_told_again)
{
	put_text("bin/ls", "changed");
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
	run();
	daemon_exit(&d);
	daemon_start();
	ck_assert_int_eq(history_read(d.config->journal_dir, &d.history), 0);
	ck_assert_int_eq(history_replay(&d), 0);
	ck_assert_int_eq(comparison_run(&d, TRIGGER_START_UP), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	put_text("bin/ls", "ls");
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(1, "restored", "bin/ls");
}
END_TEST

START_TEST(a_moved_directory_is_not_told_again_by_the_next_run)
{
	ck_assert_int_eq(rename("etc/sub", "etc/bus"), 0);
	put_rename(WATCH_ETC, "bus", WATCH_ETC, "sub")->flags = FIM_EV_DIR;
	run();
	daemon_exit(&d);
	daemon_start();
	ck_assert_int_eq(history_replay(&d), 0);
	ck_assert_int_eq(comparison_run(&d, TRIGGER_START_UP), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
}
END_TEST

/* ---- comparisons that read little, and those that read all */

static int64_t last_comparison(const char *key)
{
	ck_assert_uint_gt(read_journal("comparison"), 0);
	return fim_json_get_int(found[found_count - 1], key, -1);
}

START_TEST(a_comparison_on_schedule_reads_what_is_not_as_it_was)
{
	struct timespec times[2];
	struct stat st;

	/* What was read at the start is known now. */
	ck_assert_int_eq(last_comparison("skipped"), 0);
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_int_gt(last_comparison("skipped"), 0);
	ck_assert_int_eq(last_comparison("bytes"), 0);
	/* No event, the same size, and the mtime is set back. */
	ck_assert_int_eq(stat("bin/ls", &st), 0);
	put_text("bin/ls", "LS");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, "bin/ls", times, 0), 0);
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	assert_finding(0, "modified", "bin/ls");
	ck_assert_int_gt(last_comparison("skipped"), 0);
	/* Not told twice, and told when it is back. */
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	put_text("bin/ls", "ls");
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 2);
	assert_finding(1, "restored", "bin/ls");
}
END_TEST

/* As if it had been written below the file system: its times are those that were noted. */
static void note_as_right(const char *path)
{
	const char *baseline = d.config->baseline;
	struct fim_memo_record record;
	struct fim_memo *memo = NULL;
	char file[PATH_MAX];
	size_t i;

	snprintf(file, sizeof(file), "%.*sdaemon.state",
		 (int)(strrchr(baseline, '/') + 1 - baseline), baseline);
	ck_assert_int_eq(fim_memo_open(file, "/", d.baseline, INT64_MAX, &memo), 0);
	for (i = 0; strcmp(fim_baseline_index(d.baseline, i)->path, in_dir(path)) != 0; i++)
		;
	ck_assert_ptr_nonnull(fim_memo_known(memo, i));
	fim_memo_look(AT_FDCWD, path, NULL, &record);
	record.read_ns = fim_memo_known(memo, i)->read_ns;
	fim_memo_note(memo, i, &record);
	ck_assert_int_eq(fim_memo_save(memo), 0);
	fim_memo_free(memo);
}

START_TEST(what_was_written_below_the_file_system_is_found_when_all_is_read)
{
	put_text("bin/ls", "LS");
	note_as_right("bin/ls");
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_uint_eq(read_journal("finding"), 0);
	ck_assert_int_gt(last_comparison("skipped"), 0);
	/* Its time is over: the cadence of the configuration. */
	d.config->compare_full_interval_s = 1;
	usleep(1100000);
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_int_eq(last_comparison("skipped"), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	assert_finding(0, "modified", "bin/ls");
}
END_TEST

START_TEST(a_comparison_on_request_reads_all)
{
	put_text("bin/ls", "LS");
	note_as_right("bin/ls");
	ck_assert_int_eq(comparison_run(&d, TRIGGER_REQUEST), 0);
	ck_assert_int_eq(last_comparison("skipped"), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	d.config->compare_full_interval_s = 0;
	ck_assert_int_eq(comparison_run(&d, TRIGGER_SCHEDULED), 0);
	ck_assert_int_eq(last_comparison("skipped"), 0);
}
END_TEST

/* ---- changes that were announced */

static void window_params(struct fim_window_params *params, char **paths)
{
	*params = (struct fim_window_params){.root = "/",
					     .baseline = d.baseline,
					     .dir = fim_deltas_dir(d.config->baseline),
					     .file = fim_window_path(d.config->baseline),
					     .reason = "updates",
					     .ticket = "CHG-1",
					     .by = "jane",
					     .paths = (const char *const *)paths};
}

static void window_done(struct fim_window_params *params)
{
	free((char *)params->dir);
	free((char *)params->file);
}

/* As ecs-fim change does: what is named is written down, instead of what dpkg vouches for. */
static void change_begin(const char *named)
{
	char *paths[] = {strdup(in_dir(named)), NULL};
	struct fim_window_params params;
	struct fim_window_result result;

	window_params(&params, paths);
	ck_assert_int_eq(fim_window_begin(&params, &result), 0);
	change_order(&d, NULL);
	window_done(&params);
	free(paths[0]);
}

static void change_finish(void)
{
	struct fim_window_params params;
	struct fim_window_result result = {0};

	window_params(&params, NULL);
	ck_assert_int_eq(fim_window_end(&params, &result), 0);
	change_order(&d, NULL);
	free(result.path);
	window_done(&params);
	run();
}

static void write_event(const char *path, uint32_t watch)
{
	struct fim_event *event = put_event(FIM_OP_WRITE, watch, strchr(path, '/') + 1);

	event->flags = FIM_EV_MODIFIED;
	event->rec.time_ns = (uint64_t)fim_time_now();
}

static void rewrite(const char *path, uint32_t watch, const char *text)
{
	put_text(path, text);
	write_event(path, watch);
	run();
}

static const char *marked(size_t i)
{
	return fim_json_get_str(fim_json_get(found[i], "announced"), "state");
}

static int64_t number(size_t record, const char *key, size_t i)
{
	return fim_json_int(fim_json_index(fim_json_get(found[record], key), i), -1);
}

START_TEST(what_a_change_wrote_down_is_authorized_at_its_end_and_nothing_else)
{
	int64_t passwd, ls;

	rewrite("etc/id", WATCH_ETC, "early");
	change_begin("etc");
	rewrite("etc/passwd", WATCH_ETC, "root and jane\n");
	rewrite("bin/ls", WATCH_BIN, "evil");
	ck_assert_uint_eq(read_journal("finding"), 2);
	ck_assert_str_eq(marked(0), "pending");
	ck_assert_str_eq(marked(1), "pending");
	ck_assert_str_eq(fim_json_get_str(fim_json_get(found[0], "announced"), "ticket"), "CHG-1");
	passwd = fim_json_get_int(found[0], "seq", 0);
	ls = fim_json_get_int(found[1], "seq", 0);
	change_finish();
	ck_assert_uint_eq(read_journal("change"), 2);
	ck_assert_str_eq(fim_json_get_str(found[0], "action"), "begun");
	ck_assert_str_eq(fim_json_get_str(found[1], "action"), "ended");
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "authorized")), 1);
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "open")), 1);
	ck_assert_int_eq(number(1, "authorized", 0), passwd);
	ck_assert_int_eq(number(1, "open", 0), ls);
	ck_assert_uint_eq(read_journal("alert"), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "action"), "closed");
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[0], "alerts")), 1);
	ck_assert_int_eq(number(0, "alerts", 0), passwd);
	ck_assert_str_eq(fim_json_get_str(found[0], "by"), "jane");
	/* And outside of it. */
	rewrite("etc/passwd", WATCH_ETC, "root and mallory\n");
	ck_assert_uint_eq(read_journal("finding"), 3);
	ck_assert_ptr_null(fim_json_get(found[2], "announced"));
	ck_assert_uint_eq(read_journal("change"), 2);
}
END_TEST

START_TEST(what_stood_there_meanwhile_is_not_authorized_by_what_follows)
{
	change_begin("etc");
	rewrite("etc/passwd", WATCH_ETC, "evil");
	rewrite("etc/passwd", WATCH_ETC, "root and jane\n");
	change_finish();
	ck_assert_uint_eq(read_journal("change"), 2);
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "authorized")), 1);
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "open")), 1);
	ck_assert_int_lt(number(1, "open", 0), number(1, "authorized", 0));
}
END_TEST

START_TEST(a_change_that_was_given_up_authorizes_nothing)
{
	struct fim_window_params params;

	change_begin("etc");
	rewrite("etc/passwd", WATCH_ETC, "root and jane\n");
	window_params(&params, NULL);
	ck_assert_int_eq(unlink(params.file), 0);
	window_done(&params);
	d.change.look_ms = 0; /* nobody told the daemon: it looks for itself */
	run();
	ck_assert_uint_eq(read_journal("change"), 2);
	ck_assert_str_eq(fim_json_get_str(found[1], "action"), "ended without authorization");
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "open")), 1);
	ck_assert_uint_eq(read_journal("alert"), 0);
}
END_TEST

/* dpkg's name of something, made and taken away by @by; NULL: a program that nobody knows. */
static void on_its_way(const char *path, const char *by)
{
	struct fim_event *event;
	struct stat st = {.st_ino = 1};

	put_text(path, "half");
	ck_assert_int_eq(by ? stat(by, &st) : 0, 0);
	program = by ? in_dir(by) : "/usr/bin/tool";
	event = put_event(FIM_OP_CREATE, WATCH_BIN, strchr(path, '/') + 1);
	event->rec.time_ns = (uint64_t)fim_time_now();
	event->actor.exe_ino = st.st_ino;
	program = "/usr/bin/tool";
	run();
	ck_assert_int_eq(unlink(path), 0);
	event = put_event(FIM_OP_DELETE, WATCH_BIN, strchr(path, '/') + 1);
	event->rec.time_ns = (uint64_t)fim_time_now();
	run();
}

START_TEST(names_of_the_package_manager_need_its_program_and_what_they_are_for)
{
	struct fim_entry *entry =
		(struct fim_entry *)fim_baseline_lookup(d.baseline, in_dir("bin/find"));

	entry->package = (char *)"dpkg";
	change_begin("bin/ls");
	on_its_way("bin/ls.dpkg-new", "bin/find");
	on_its_way("bin/ls;5f3a0c1e", "bin/find");
	on_its_way("bin/find.dpkg-new", "bin/find"); /* of a package, and not changed */
	on_its_way("bin/ls.dpkg-tmp", NULL);
	on_its_way("bin/ls.dpkg-tmp", "bin/ls"); /* of the baseline, and not dpkg's */
	on_its_way("bin/other.dpkg-new", "bin/find");
	rewrite("bin/ls", WATCH_BIN, "ls 2");
	change_finish();
	read_journal("finding");
	/* Each is added and, gone again, restored; then ls itself. */
	ck_assert_uint_eq(found_count, 13);
	ck_assert_uint_eq(read_journal("change"), 2);
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "authorized")), 10);
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "open")), 3);
}
END_TEST

START_TEST(a_change_outlives_a_restart_of_the_daemon)
{
	change_begin("etc");
	rewrite("etc/passwd", WATCH_ETC, "root and jane\n");
	daemon_exit(&d);
	daemon_start();
	ck_assert_int_eq(history_replay(&d), 0);
	change_finish();
	ck_assert_uint_eq(read_journal("change"), 2);
	ck_assert_str_eq(fim_json_get_str(found[1], "action"), "ended");
	ck_assert_uint_eq(fim_json_count(fim_json_get(found[1], "authorized")), 1);
	daemon_exit(&d);
	daemon_start();
	ck_assert_int_eq(history_replay(&d), 0);
	ck_assert_ptr_null(d.change.said);
	ck_assert_ptr_null(d.change.items);
}
END_TEST

START_TEST(an_unclean_end_is_seen_in_the_journal)
{
	struct history history;

	control_set(&d, COMPONENT_DAEMON, CONTROL_UP, "up");
	ck_assert_int_eq(history_read(d.config->journal_dir, &history), 0);
	ck_assert(history.unclean);
	ck_assert_int_gt(history.last_ns, 0);
	history_exit(&history);
	control_set(&d, COMPONENT_DAEMON, CONTROL_DOWN, "down");
	ck_assert_int_eq(history_read(d.config->journal_dir, &history), 0);
	ck_assert(!history.unclean);
	history_exit(&history);
}
END_TEST

static void limit_files(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_is_survived_and_what_was_not_written_is_said)
{
	struct fim_journal_check check;

	signal(SIGXFSZ, SIG_IGN);
	put_text("bin/ls", "changed");
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
	limit_files(16);
	run();
	ck_assert_int_eq(d.controls[COMPONENT_JOURNAL], CONTROL_DOWN);
	/* The finding, and that the journal is down. */
	ck_assert_uint_eq(d.counters.journal_errors, 2);
	limit_files(RLIM_INFINITY);
	d.journal_retry_ms = 0;
	put_text("bin/find", "changed");
	put_event(FIM_OP_WRITE, WATCH_BIN, "find")->flags = FIM_EV_MODIFIED;
	run();
	ck_assert_int_eq(d.controls[COMPONENT_JOURNAL], CONTROL_UP);
	ck_assert_uint_eq(read_journal("finding"), 1);
	assert_finding(0, "modified", "bin/find");
	read_journal("control");
	ck_assert_str_eq(fim_json_get_str(found[found_count - 2], "state"), "loss");
	ck_assert_int_eq(fim_json_get_int(found[found_count - 2], "lost", 0), 2);
	ck_assert_str_eq(fim_json_get_str(found[found_count - 1], "state"), "up");
	ck_assert(fim_json_get_int(found[found_count - 1], "duration_ms", -1) >= 0);
	ck_assert_int_eq(fim_journal_read(d.config->journal_dir, NULL, NULL, &check), 0);
}
END_TEST

static unsigned int syncs; /* how often a disk was waited for */

/* Instead of libc's. */
int fdatasync(int fd)
{
	syncs++;
	return fsync(fd);
}

static void change_three(void)
{
	static const char *const names[] = {"ls", "find", "mount"};

	for (size_t i = 0; i < 3; i++) {
		char path[32];

		snprintf(path, sizeof(path), "bin/%s", names[i]);
		put_text(path, "changed");
		put_event(FIM_OP_WRITE, WATCH_BIN, names[i])->flags = FIM_EV_MODIFIED;
	}
}

START_TEST(what_one_turn_finds_waits_for_the_disk_once)
{
	change_three();
	syncs = 0;
	run();
	ck_assert_uint_eq(read_journal("finding"), 3);
	/* None waits longer than 10 ms for others, which an emulated processor may need for each. */
	ck_assert_uint_le(syncs, fixture_slowness() > 1 ? 3 : 1);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fim_json_get_int(found[i], "seq", 0),
				 fim_json_get_int(found[0], "seq", 0) + (int64_t)i);
	ck_assert_uint_eq(d.alerts.count, 3);
	ck_assert_uint_eq(d.alerts.open[2].seq, fim_json_get_int(found[2], "seq", 0));
}
END_TEST

/* Whatever of the three it has room for is there, and of the others it is said that they are not. */
START_TEST(a_disk_that_fills_up_among_several_loses_none_without_a_word)
{
	struct fim_journal_check check;
	struct stat st;
	size_t written;
	char *file;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_gt(asprintf(&file, "%s/journal.ndjson", d.config->journal_dir), 0);
	ck_assert_int_eq(stat(file, &st), 0);
	free(file);
	change_three();
	limit_files((rlim_t)st.st_size + _i * 400);
	run();
	limit_files(RLIM_INFINITY);
	ck_assert_uint_eq(d.counters.findings, 3);
	written = read_journal("finding");
	ck_assert_uint_eq(d.unrecorded, d.counters.journal_errors);
	/* Each that is not there, and perhaps that the journal is down. */
	ck_assert_uint_ge(d.counters.journal_errors, 3 - written);
	ck_assert_uint_le(d.counters.journal_errors, 3 - written + 1);
	ck_assert_uint_eq(d.alerts.count, written);
	d.journal_retry_ms = 0;
	put_text("bin/find", "changed again");
	put_event(FIM_OP_WRITE, WATCH_BIN, "find")->flags = FIM_EV_MODIFIED;
	run();
	ck_assert_uint_eq(read_journal("finding"), written + 1);
	ck_assert_int_ne(d.controls[COMPONENT_JOURNAL], CONTROL_DOWN);
	ck_assert_int_eq(fim_journal_read(d.config->journal_dir, NULL, NULL, &check), 0);
}
END_TEST

START_TEST(a_name_with_a_newline_stays_one_line)
{
	put_text("bin/a\nb", "x");
	put_event(FIM_OP_CREATE, WATCH_BIN, "a\nb");
	assert_one("added", "bin/a\nb");
}
END_TEST

START_TEST(a_name_that_is_no_text_is_hex)
{
	put_text("bin/\xff\xfe", "x");
	put_event(FIM_OP_CREATE, WATCH_BIN, "\xff\xfe");
	run();
	ck_assert_uint_eq(read_journal("finding"), 1);
	ck_assert_ptr_null(fim_json_get(found[0], "path"));
	ck_assert_ptr_nonnull(fim_json_get(found[0], "path_hex"));
}
END_TEST

START_TEST(time_stamps_alone_are_no_hurry_but_a_write_is)
{
	put_event(FIM_OP_TIMES, WATCH_ETC, "a");
	send_records();
	events_read(&d);
	ck_assert_uint_eq(d.pending.count, 1);
	ck_assert_ptr_null(d.pending.quiet.head);
	put_text("etc/a", "changed");
	put_event(FIM_OP_WRITE, WATCH_ETC, "a");
	put_event(FIM_OP_TIMES, WATCH_ETC, "a");
	send_records();
	events_read(&d);
	ck_assert_uint_eq(d.pending.count, 1);
	ck_assert_ptr_nonnull(d.pending.quiet.head);
	run();
	ck_assert_uint_eq(read_journal("finding"), 1);
}
END_TEST

START_TEST(many_changes_at_once_are_all_told)
{
	char path[64];

	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "bin/f%d", i);
		put_text(path, path);
		put_event(FIM_OP_CREATE, WATCH_BIN, path + 4);
	}
	run();
	ck_assert_uint_eq(read_journal("finding"), 50);
}
END_TEST

#define ID "ae087e91ad35bebc106dfec5a8c1d6fdf6d72e169f17c6c71f2f6aefdc5f7d6d"

static const char *started = "2026-01-01T00:00:00.1Z";

/* What the engine's thread would tell. */
static void put_container(int what, bool running, const char *trigger)
{
	struct engine_news *news = calloc(1, sizeof(*news));
	struct fim_json *inspect = NULL;
	char text[512];

	ck_assert_ptr_nonnull(news);
	if (!d.engine.news_tail) {
		pthread_mutex_init(&d.engine.lock, NULL);
		d.engine.news_tail = &d.engine.news;
	}
	news->what = what;
	news->trigger = trigger;
	news->text = strdup(ID);
	if (what == ENGINE_IDENTITY) {
		snprintf(text, sizeof(text),
			 "{\"Id\":\"" ID "\",\"Names\":[\"/web\"],\"Image\":\"img\","
			 "\"ImageID\":\"sha256:0\",\"State\":\"running\",\"Labels\":{}}");
		ck_assert_int_eq(fim_json_parse(text, strlen(text), "test", &inspect), 0);
		ck_assert_int_eq(fim_container_from_summary(inspect, &news->container), 0);
		fim_json_free(inspect);
	}
	if (what == ENGINE_CONTAINER) {
		snprintf(text, sizeof(text),
			 "{\"Id\":\"" ID "\",\"Name\":\"/web\",\"Image\":\"sha256:0\","
			 "\"State\":{\"Running\":%s,\"Pid\":1,\"StartedAt\":\"%s\"},"
			 "\"Config\":{\"Image\":\"img\"},\"HostConfig\":{\"Privileged\":true}}",
			 running ? "true" : "false", started);
		ck_assert_int_eq(fim_json_parse(text, strlen(text), "test", &inspect), 0);
		ck_assert_int_eq(fim_container_from_inspect(inspect, &news->container), 0);
		news->inspect = inspect;
		news->root = strdup("/merged");
	}
	*d.engine.news_tail = news;
	d.engine.news_tail = &news->next;
	containers_handle(&d);
}

START_TEST(a_running_container_is_recorded_once)
{
	put_container(ENGINE_CONTAINER, true, "start-up");
	put_container(ENGINE_CONTAINER, true, "reconcile");
	ck_assert_uint_eq(read_journal("container"), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "trigger"), "start-up");
	ck_assert_ptr_nonnull(containers_find(&d, ID));
	ck_assert_str_eq(containers_id_of(&d, "/merged"), ID);
}
END_TEST

static struct fim_truth outsider(uint64_t mnt_ns, uint64_t start_ticks, const char *cgroup)
{
	struct fim_truth truth = {.pid = 7, .start_ticks = start_ticks, .seccomp = 2};

	truth.ns[FIM_NS_MNT] = mnt_ns;
	snprintf(truth.cgroup, sizeof(truth.cgroup), "%s", cgroup);
	return truth;
}

static void put_outsider(const struct fim_truth *truth)
{
	struct fim_truth host = outsider(1, 1, "/");
	struct fim_container *container;

	ck_assert(!containers_seen(&d, truth));
	ck_assert_int_eq(fim_container_from_truth(truth, &host, &container), 0);
	containers_outsider(&d, container, truth);
	ck_assert(containers_seen(&d, truth));
}

START_TEST(the_number_of_a_namespace_may_be_another_containers_by_now)
{
	struct fim_truth first = outsider(42, 1000, "/first");
	struct fim_truth second = outsider(42, 2000, "/second");
	struct fim_truth again = outsider(42, 3000, "/first");

	put_outsider(&first);
	ck_assert_str_eq(containers_id_of_ns(&d, 42, "/first"), "first");
	ck_assert_str_eq(containers_id_of_ns(&d, 42, "/first/below"), "first");
	ck_assert_ptr_null(containers_id_of_ns(&d, 42, "/first-not"));
	ck_assert_ptr_null(containers_id_of_ns(&d, 42, "/second"));
	ck_assert_ptr_null(containers_id_of_ns(&d, 43, "/first"));
	put_outsider(&second);
	ck_assert_str_eq(containers_id_of_ns(&d, 42, "/second"), "second");
	put_outsider(&again);
	ck_assert_uint_eq(read_journal("container"), 3);
}
END_TEST

START_TEST(a_container_that_only_exists_is_not_recorded)
{
	put_container(ENGINE_CONTAINER, false, "event");
	ck_assert_uint_eq(read_journal("container"), 0);
}
END_TEST

START_TEST(a_container_that_ran_for_a_moment_is_recorded)
{
	put_container(ENGINE_CONTAINER, false, "event"); /* created */
	put_container(ENGINE_CONTAINER, false, "start"); /* has ended by then */
	put_container(ENGINE_CONTAINER, false, "event"); /* died */
	ck_assert_uint_eq(read_journal("container"), 1);
}
END_TEST

START_TEST(a_container_that_was_removed_when_docker_was_asked_is_recorded)
{
	put_container(ENGINE_CONTAINER, false, "event");
	put_container(ENGINE_GONE, false, "start");
	put_container(ENGINE_GONE, false, NULL);
	ck_assert_uint_eq(read_journal("container"), 1);
}
END_TEST

START_TEST(a_container_started_again_is_recorded_again)
{
	put_container(ENGINE_CONTAINER, true, "start");
	put_container(ENGINE_CONTAINER, false, "event");
	started = "2026-01-01T00:00:00.2Z";
	put_container(ENGINE_CONTAINER, true, "start");
	ck_assert_uint_eq(read_journal("container"), 2);
}
END_TEST

/* Somebody asked for it while it ran, before its events came. */
START_TEST(events_that_come_late_do_not_record_a_container_again)
{
	put_container(ENGINE_CONTAINER, true, "event");
	put_container(ENGINE_CONTAINER, false, "event"); /* created */
	put_container(ENGINE_CONTAINER, false, "start");
	put_container(ENGINE_CONTAINER, false, "event"); /* died */
	ck_assert_uint_eq(read_journal("container"), 1);
}
END_TEST

START_TEST(losing_docker_is_a_control_record)
{
	put_container(ENGINE_UP, false, NULL);
	put_container(ENGINE_DOWN, false, NULL);
	put_container(ENGINE_DOWN, false, NULL);
	ck_assert_int_eq(d.controls[COMPONENT_DOCKER], CONTROL_DOWN);
	read_journal("control");
	ck_assert_str_eq(fim_json_get_str(found[found_count - 1], "component"), "docker");
	ck_assert_str_eq(fim_json_get_str(found[found_count - 2], "state"), "up");
}
END_TEST

START_TEST(a_finding_waits_for_the_name_of_its_container)
{
	struct fim_event *event;

	put_container(ENGINE_UP, false, NULL);
	put_text("bin/ls", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	event->flags = FIM_EV_MODIFIED;
	record_text(&records, event, FIM_ATTR_CGROUP, "/system.slice/docker-" ID ".scope");
	send_records();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(daemon_turn(&d, 5), 0);
	ck_assert_uint_eq(read_journal("finding"), 0);
	put_container(ENGINE_CONTAINER, true, "event");
	ck_assert_uint_eq(read_journal("finding"), 1);
	ck_assert_str_eq(fim_json_str(fim_json_at(found[0], "container/name")), "web");
	ck_assert_ptr_null(fim_json_at(found[0], "container/flags"));
}
END_TEST

START_TEST(a_finding_does_not_wait_for_a_container_that_docker_does_not_know)
{
	struct fim_event *event;

	put_container(ENGINE_UP, false, NULL);
	put_text("bin/ls", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	event->flags = FIM_EV_MODIFIED;
	record_text(&records, event, FIM_ATTR_CGROUP, "/k8s/" ID);
	send_records();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(daemon_turn(&d, 5), 0);
	put_container(ENGINE_GONE, false, "event");
	ck_assert_uint_eq(read_journal("finding"), 1);
	ck_assert_str_eq(fim_json_str(fim_json_at(found[0], "container/id")), ID);
	ck_assert_ptr_null(fim_json_at(found[0], "container/name"));
}
END_TEST

/* It was removed before it could be looked into, and its last change settles after that. */
START_TEST(who_a_container_was_is_known_for_a_while_after_it_is_gone)
{
	struct fim_event *event;

	put_container(ENGINE_UP, false, NULL);
	put_container(ENGINE_IDENTITY, false, NULL);
	put_container(ENGINE_GONE, false, NULL);
	put_container(ENGINE_LISTED, false, NULL);
	put_text("bin/ls", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	event->flags = FIM_EV_MODIFIED;
	record_text(&records, event, FIM_ATTR_CGROUP, "/system.slice/docker-" ID ".scope");
	send_records();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(daemon_turn(&d, 5), 0);
	ck_assert_uint_eq(read_journal("finding"), 1);
	ck_assert_str_eq(fim_json_str(fim_json_at(found[0], "container/name")), "web");
	ck_assert_str_eq(fim_json_str(fim_json_at(found[0], "container/image")), "img");
}
END_TEST

/* It changed while it was read, and the next event is already there. */
START_TEST(who_wrote_is_not_forgotten_for_who_touched_it_while_it_was_read)
{
	const struct fim_json *actor;
	struct pending *pending;
	struct fim_event *event;

	put_text("etc/a", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_ETC, "a");
	event->flags = FIM_EV_MODIFIED;
	send_records();
	events_read(&d);
	pending = pending_due(&d, true);
	ck_assert_ptr_nonnull(pending);
	pending_take(&d, pending);
	pending->tries = 1;
	event = put_event(FIM_OP_TIMES, WATCH_ETC, "a");
	event->actor.tgid = 4712;
	send_records();
	events_read(&d);
	ck_assert_int_eq(pending_retry(&d, pending, true), 0);
	pending = pending_due(&d, true);
	ck_assert(pending->evidence.modified);
	ck_assert_uint_eq(pending->tries, 1);
	ck_assert_uint_eq(d.pending.count, 1);
	run();
	ck_assert_uint_eq(read_journal("finding"), 1);
	actor = actor_of(0);
	ck_assert_int_eq(fim_json_get_int(actor, "pid", 0), 4711);
}
END_TEST

/* What a container made is in no layer of its image, which is not looked through again. */
START_TEST(what_an_image_has_not_is_looked_for_once)
{
	struct fim_state state = {0};
	struct tree *tree = NULL;
	char options[3 * PATH_MAX];

	put_dir("upper");
	put_dir("lower");
	put_text("upper/made", "made");
	put_text("lower/both", "image");
	ck_assert_int_eq(tree_new(in_dir("upper"), &tree), 0);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper", fixture_dir,
		 fixture_dir);
	ck_assert_int_eq(layers_parse(options, in_dir("upper"), &tree->layers), 0);
	tree->container = true;
	state.type = FIM_TYPE_FILE;
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "/both" : "/made";
		struct fim_state expected;

		ck_assert_int_eq(tree_record(&d, tree, path, &state), 0);
		ck_assert_int_eq(tree_expected(&d, tree, path, &expected), 0);
		ck_assert_int_eq(expected.type, i ? FIM_TYPE_FILE : FIM_TYPE_NONE);
		ck_assert_int_eq(expected.has_digest, i);
		fim_state_clear(&expected);
		put_text(i ? "lower/both" : "lower/made", "another layer");
		ck_assert_int_eq(tree_expected(&d, tree, path, &expected), 0);
		ck_assert_int_eq(expected.type, i ? FIM_TYPE_FILE : FIM_TYPE_NONE);
		ck_assert_uint_eq(expected.size, i ? strlen("another layer") : 0);
		fim_state_clear(&expected);
	}
	tree_put(tree);
}
END_TEST

START_TEST(names_that_come_and_go_take_no_memory)
{
	size_t before = d.host->known.count;
	char path[64];

	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "tmp%d", i);
		put_event(FIM_OP_CREATE, WATCH_BIN, path);
		put_event(FIM_OP_DELETE, WATCH_BIN, path);
	}
	run();
	ck_assert_uint_eq(d.counters.findings, 100);
	ck_assert_uint_eq(d.host->known.count, before);
}
END_TEST

START_TEST(status_says_what_is)
{
	struct fim_json *status = NULL;
	char command[PATH_MAX + 64];
	struct pollfd pfd;

	ck_assert_int_eq(status_open(&d), 0);
	snprintf(command, sizeof(command),
		 "python3 -c 'import socket;s=socket.socket(socket.AF_UNIX);"
		 "s.connect(\"status.sock\");print(s.makefile().read())' >answer &");
	shell(command);
	pfd = (struct pollfd){.fd = d.status_fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 10000), 1);
	status_answer(&d);
	for (int i = 0; i < 100 && !status; i++) {
		char *text = NULL;
		size_t len = 0;

		usleep(50000);
		if (!fim_file_read("answer", 1 << 20, &text, &len) && len > 2)
			ck_assert_int_eq(fim_json_parse(text, len, "answer", &status), 0);
		free(text);
	}
	ck_assert_ptr_nonnull(status);
	ck_assert_str_eq(fim_json_str(fim_json_at(status, "source/kind")), "fake");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(status, "watches"), "host", 0), 2);
	ck_assert_str_eq(fim_json_str(fim_json_at(status, "controls/comparison")), "up");
	ck_assert_str_eq(fim_json_str(fim_json_at(status, "docker/state")), "off");
	ck_assert_int_eq(strlen(fim_json_str(fim_json_at(status, "journal/head"))), 64);
	fim_json_free(status);
}
END_TEST

/* Random records, whole ones and broken ones: no crash, and the daemon still works. */
START_TEST(hostile_records_do_no_harm)
{
	unsigned int seed = 1;

	for (int round = 0; round < 300; round++) {
		struct fim_event *event = put_event(1 + (uint32_t)rand_r(&seed) % 20,
						    (uint32_t)rand_r(&seed) % 4, "../../x//.");

		event->flags = (uint32_t)rand_r(&seed);
		event->depth = (uint16_t)(rand_r(&seed) % 8);
		event->old_depth = (uint16_t)(rand_r(&seed) % 8);
		event->old_watch_id = (uint32_t)rand_r(&seed) % 4;
		if (round % 3 == 0)
			record_text(&records, event, FIM_ATTR_OLD_FS_PATH, "/..");
		if (round % 7 == 0)
			records.bytes[(size_t)rand_r(&seed) % records.len] ^= 0x40;
		send_records();
		ck_assert_int_eq(daemon_turn(&d, 0), 0);
	}
	run();
	read_journal("finding");
	put_text("bin/ls", "changed");
	put_event(FIM_OP_WRITE, WATCH_BIN, "ls")->flags = FIM_EV_MODIFIED;
	run();
	ck_assert_uint_ge(read_journal("finding"), 1);
}
END_TEST

/* -------------------------------------------------------------------------- rules */

#define RULE(name, condition, output)                                                        \
	"- {rule: " name ", desc: d, priority: CRITICAL, tags: [t1], condition: '" condition \
	"', output: '" output "'}\n"

/* Add to the configuration, load, and read the rules. */
static void use_rules(const char *yaml, const char *config)
{
	char *text;
	size_t len;

	put_text("rules.yaml", yaml);
	ck_assert_int_eq(fim_file_read("config.yaml", 65536, &text, &len), 0);
	text = realloc(text, len + 1024);
	ck_assert_ptr_nonnull(text);
	sprintf(text + len, "rules: [%s/rules.yaml]\n%s", fixture_dir, config);
	put_text("config.yaml", text);
	free(text);
	d.config_path = "config.yaml";
	daemon_reload(&d);
}

/* The hits among the findings, in their order. */
static size_t read_hits(void)
{
	size_t hits = 0;

	read_journal("finding");
	for (size_t i = 0; i < found_count; i++) {
		if (strcmp(fim_json_get_str(found[i], "kind"), "rule") == 0)
			found[hits++] = found[i];
		else
			fim_json_free(found[i]);
	}
	found_count = hits;
	return hits;
}

static const char *last_rules_action(void)
{
	ck_assert_uint_ge(read_journal("rules"), 1);
	return fim_json_get_str(found[found_count - 1], "action");
}

START_TEST(a_hit_is_a_finding_with_rule_output_and_actor)
{
	const struct fim_json *hit;
	struct fim_event *event;

	use_rules(
		RULE("new",
		     "evt.type=open and evt.arg.flags contains O_CREAT and fd.name endswith bin/new",
		     "%proc.name made %fd.filename on %container.id")
			RULE("any", "evt.type in (open, chmod)", "%evt.type %user.loginuid")
				RULE("other", "evt.type=rename", "x"),
		"");
	put_text("bin/new", "");
	event = put_event(FIM_OP_CREATE, WATCH_BIN, "new");
	event->flags = FIM_EV_OPEN_FOR_WRITE;
	event->object.ino = 7;
	put_event(FIM_OP_WRITE, WATCH_BIN, "new")->object.ino = 7;
	run();
	ck_assert_uint_eq(read_hits(), 2); /* all that match, and the close is no second open */
	hit = found[0];
	ck_assert_str_eq(fim_json_get_str(hit, "rule"), "new");
	ck_assert_str_eq(fim_json_get_str(hit, "priority"), "Critical");
	ck_assert_str_eq(fim_json_get_str(hit, "severity"), "critical");
	ck_assert_str_eq(fim_json_get_str(hit, "source"), "syscall");
	ck_assert_str_eq(fim_json_get_str(hit, "output"), "tool made new on host");
	ck_assert_str_eq(fim_json_str(fim_json_at(hit, "output_fields/fd.filename")), "new");
	ck_assert_str_eq(fim_json_str(fim_json_index(fim_json_get(hit, "tags"), 0)), "t1");
	ck_assert_str_eq(fim_json_get_str(hit, "path"), in_dir("bin/new"));
	ck_assert_str_eq(fim_json_get_str(hit, "op"), "create");
	ck_assert_int_eq(fim_json_get_int(fim_json_get(hit, "actor"), "pid", 0), 4711);
	ck_assert(fim_json_is_null(fim_json_get(hit, "container")));
	ck_assert_str_eq(fim_json_get_str(found[1], "output"), "open -1");
}
END_TEST

START_TEST(a_rule_sees_a_step_that_the_end_does_not_show)
{
	use_rules(RULE("suid", "evt.type=chmod and evt.arg.mode contains S_ISUID",
		       "%evt.arg.filename"),
		  "");
	put_event(FIM_OP_MODE, WATCH_BIN, "find")->mode = S_IFREG | 04755;
	put_event(FIM_OP_MODE, WATCH_BIN, "find")->mode = S_IFREG | 0755;
	run();
	ck_assert_uint_eq(read_hits(), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "output"), in_dir("bin/find"));
}
END_TEST

START_TEST(the_same_hit_by_the_same_process_at_once_is_told_once)
{
	use_rules(RULE("mode", "evt.type=chmod", "x"), "");
	for (int i = 0; i < 20; i++)
		put_event(FIM_OP_MODE, WATCH_BIN, "find")->mode = S_IFREG | 0700;
	put_event(FIM_OP_MODE, WATCH_BIN, "find")->actor.tgid = 4712;
	run();
	ck_assert_uint_eq(read_hits(), 2);
	ck_assert_uint_eq(d.counters.rule_repeats, 19);
}
END_TEST

START_TEST(a_rename_and_a_link_have_both_names)
{
	use_rules(RULE("two", "evt.type in (rename, link, symlink)",
		       "%evt.type %evt.arg.oldpath %evt.arg.newpath %evt.arg.target"),
		  "");
	put_rename(WATCH_BIN, "new", WATCH_BIN, "old");
	put_rename(WATCH_BIN, "in", 0, "tmp/out");
	ck_assert_int_eq(link("bin/ls", "bin/hard"), 0);
	put_event(FIM_OP_LINK, WATCH_BIN, "hard");
	ck_assert_int_eq(symlink("/etc/shadow", "bin/soft"), 0);
	put_event(FIM_OP_SYMLINK, WATCH_BIN, "soft");
	run();
	ck_assert_uint_eq(read_hits(), 4);
	ck_assert(strstr(fim_json_get_str(found[0], "output"), "/bin/old /"));
	ck_assert(strstr(fim_json_get_str(found[1], "output"), " /fs/tmp/out /"));
	ck_assert(strstr(fim_json_get_str(found[2], "output"), "/bin/ls /"));
	ck_assert(strstr(fim_json_get_str(found[3], "output"), "symlink /etc/shadow /"));
}
END_TEST

START_TEST(rules_that_are_wrong_leave_the_old_ones)
{
	char digest[65];

	use_rules(RULE("mode", "evt.type=chmod", "x"), "");
	ck_assert_str_eq(last_rules_action(), "loaded");
	ck_assert_int_eq(fim_json_get_int(found[0], "rules", 0), 1);
	snprintf(digest, sizeof(digest), "%s", fim_json_get_str(found[0], "digest"));
	put_text("rules.yaml", "- {rule: broken}\n");
	d.reload = true; /* as SIGHUP does */
	run();
	ck_assert_str_eq(last_rules_action(), "refused");
	ck_assert_str_eq(fim_json_get_str(found[1], "digest"), digest);
	ck_assert(strstr(fim_json_get_str(found[1], "error"), "rules.yaml:1:"));
	ck_assert_int_eq(d.controls[COMPONENT_RULES], CONTROL_DEGRADED);
	put_event(FIM_OP_MODE, WATCH_BIN, "find")->mode = S_IFREG | 0755;
	run();
	ck_assert_uint_eq(read_hits(), 1);
	put_text("rules.yaml", RULE("none", "evt.type=rename", "x"));
	daemon_reload(&d);
	ck_assert_str_eq(last_rules_action(), "replaced");
	ck_assert_str_eq(fim_json_get_str(found[2], "previous"), digest);
	ck_assert_int_eq(d.controls[COMPONENT_RULES], CONTROL_UP);
}
END_TEST

START_TEST(only_rules_with_a_wanted_tag_run)
{
	use_rules(
		RULE("mode", "evt.type=chmod",
		     "x") "- {rule: u, desc: d, priority: INFO, tags: [t2], condition: evt.type=chmod, output: u}\n",
		"rules_tags: [t2]\n");
	put_event(FIM_OP_MODE, WATCH_BIN, "find")->mode = S_IFREG | 0755;
	run();
	ck_assert_uint_eq(read_hits(), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "rule"), "u");
}
END_TEST

START_TEST(a_reload_takes_what_it_can_and_names_the_rest)
{
	use_rules(RULE("mode", "evt.type=chmod", "x"),
		  "compare_interval_s: 77\ncloudtrail_state: /elsewhere\n");
	ck_assert_uint_eq(d.config->compare_interval_s, 77);
	ck_assert_str_eq(d.config->cloudtrail_state, "/var/lib/ecs-fim/cloudtrail.state");
	assert_logged("changed: compare_interval_s, rules; needs a restart: cloudtrail_state");
	put_text("config.yaml", "nonsense: 1\n");
	daemon_reload(&d);
	ck_assert_uint_eq(d.config->compare_interval_s, 77);
	assert_logged("the configuration stays as it is");
}
END_TEST

START_TEST(a_rule_waits_for_the_name_of_the_container)
{
	struct fim_event *event;

	use_rules(RULE("image", "evt.type=open and container.image.repository=img",
		       "%container.name %container.privileged %thread.cap_effective"),
		  "");
	put_container(ENGINE_UP, false, NULL);
	put_text("bin/ls", "changed");
	event = put_event(FIM_OP_WRITE, WATCH_BIN, "ls");
	event->flags = FIM_EV_MODIFIED;
	record_text(&records, event, FIM_ATTR_CGROUP, "/system.slice/docker-" ID ".scope");
	send_records();
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(daemon_turn(&d, 5), 0);
	ck_assert_uint_eq(read_hits(), 0);
	put_container(ENGINE_CONTAINER, true, "event");
	ck_assert_uint_eq(read_hits(), 1);
	ck_assert(!strncmp(fim_json_get_str(found[0], "output"), "web true CAP_CHOWN ", 19));
	ck_assert_str_eq(fim_json_str(fim_json_at(found[0], "container/image")), "img");
}
END_TEST

START_TEST(a_container_that_starts_is_an_event)
{
	use_rules(RULE("start", "evt.type=execve and proc.vpid=1 and container.privileged=true",
		       "%container.id"),
		  "");
	put_container(ENGINE_UP, false, NULL);
	put_container(ENGINE_CONTAINER, true, "start");
	put_container(ENGINE_CONTAINER, true, "reconcile");
	ck_assert_uint_eq(read_hits(), 1);
	ck_assert_str_eq(fim_json_get_str(found[0], "output"), "ae087e91ad35");
	ck_assert_str_eq(fim_json_get_str(found[0], "container_id"), ID);
}
END_TEST

#define TRAIL_RULE                                                                        \
	"- {rule: trail, desc: d, priority: WARNING, source: aws_cloudtrail, condition: " \
	"ct.name=DeleteTrail, output: '%ct.user %jevt.value[/requestParameters/name]'}\n"
#define TRAIL(id)                                                                            \
	"{\"Records\":[{\"eventID\":\"" id "\",\"eventName\":\"DeleteTrail\",\"eventTime\":" \
	"\"2026-03-02T09:41:00Z\",\"requestParameters\":{\"name\":\"audit\"},"               \
	"\"userIdentity\":{\"type\":\"IAMUser\",\"userName\":\"mallory\",\"arn\":\"arn:u\"," \
	"\"sessionContext\":{\"attributes\":{\"mfaAuthenticated\":\"false\"}}}}]}"

static void use_trail(void)
{
	char config[2 * PATH_MAX + 64];

	put_dir("trail");
	snprintf(config, sizeof(config), "cloudtrail_dir: %s/trail\n", fixture_dir);
	free(d.config->cloudtrail_state);
	d.config->cloudtrail_state = strdup(in_dir("trail.state"));
	use_rules(TRAIL_RULE, config);
	ck_assert_int_eq(d.controls[COMPONENT_CLOUDTRAIL], CONTROL_UP);
}

START_TEST(cloudtrail_files_are_seen_as_they_appear)
{
	use_trail();
	put_text("trail/a.json", TRAIL("1"));
	put_dir("trail/2026");
	run();
	put_dir("trail/2026/03");
	put_text("trail/2026/03/b.json", TRAIL("1")); /* delivered twice */
	put_text("trail/2026/03/c.json", TRAIL("2"));
	put_text("trail/2026/03/c.tmp", TRAIL("3"));
	put_text("elsewhere", TRAIL("4"));
	ck_assert_int_eq(rename("elsewhere", "trail/2026/d.json"), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "trail/l.json"), 0);
	run();
	ck_assert_uint_eq(read_hits(), 3);
	ck_assert_str_eq(fim_json_get_str(found[0], "output"), "mallory audit");
	ck_assert_str_eq(fim_json_get_str(found[0], "scope"), "account");
	ck_assert_str_eq(fim_json_get_str(found[0], "event_id"), "1");
	ck_assert_str_eq(fim_json_get_str(found[0], "event_time"),
			 "2026-03-02T09:41:00.000000000Z");
	ck_assert_str_eq(fim_json_str(fim_json_at(found[0], "cloudtrail/user_arn")), "arn:u");
	ck_assert(!fim_json_get_bool(fim_json_get(found[0], "cloudtrail"), "mfa", true));
}
END_TEST

START_TEST(cloudtrail_progress_survives_a_restart)
{
	bool crash = _i;

	use_trail();
	put_text("trail/a.json", TRAIL("1"));
	run();
	if (crash) /* before what was read was written */
		ck_assert_int_eq(unlink("trail.state"), 0);
	daemon_exit(&d);
	if (crash)
		unlink("trail.state");
	daemon_start();
	free(d.config->cloudtrail_state);
	d.config->cloudtrail_state = strdup(in_dir("trail.state"));
	ck_assert_int_eq(history_replay(&d), 0);
	rules_load(&d);
	put_text("trail/b.json", TRAIL("2"));
	trail_open(&d);
	run();
	ck_assert_uint_eq(read_hits(), 2);
	ck_assert_uint_eq(d.counters.rule_told, crash);
}
END_TEST

START_TEST(a_cloudtrail_directory_that_is_missing_is_said)
{
	char config[2 * PATH_MAX + 64];

	snprintf(config, sizeof(config), "cloudtrail_dir: %s/nowhere\n", fixture_dir);
	use_rules(TRAIL_RULE, config);
	ck_assert_int_eq(d.controls[COMPONENT_CLOUDTRAIL], CONTROL_DOWN);
	put_dir("nowhere");
	put_text("nowhere/a.json", TRAIL("1"));
	daemon_reload(&d);
	ck_assert_int_eq(d.controls[COMPONENT_CLOUDTRAIL], CONTROL_UP);
	run();
	ck_assert_uint_eq(read_hits(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon");
	TCase *tcase = tcase_create("daemon");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, daemon_setup, daemon_teardown);
	tcase_add_test(tcase, nothing_happens_without_events);
	tcase_add_test(tcase, a_process_that_is_gone_is_told_by_what_the_event_holds);
	tcase_add_test(tcase, of_a_process_that_lives_proc_tells_the_rest);
	tcase_add_test(tcase, another_process_with_the_same_id_is_not_taken_for_it);
	tcase_add_test(tcase, an_append_is_one_modified_finding_with_states_and_actor);
	tcase_add_test(tcase, touch_of_a_new_file_is_one_finding);
	tcase_add_test(tcase, a_file_still_being_written_waits_for_its_last_close);
	tcase_add_test(tcase, a_file_never_closed_is_appraised_after_the_settling_time);
	tcase_add_test(tcase, a_file_written_without_end_is_appraised_nevertheless);
	tcase_add_test(tcase, set_uid_is_one_critical_attributes_finding);
	tcase_add_test(tcase, a_program_replaced_by_rename_is_one_modified_finding);
	tcase_add_test(tcase, a_rename_inside_is_one_moved_finding);
	tcase_add_test(tcase, a_move_from_one_watch_to_another_is_one_moved_finding);
	tcase_add_test(tcase, a_chain_of_renames_is_one_moved_finding);
	tcase_add_test(tcase, moved_back_is_restored_and_nothing_is_left_to_tell);
	tcase_add_test(tcase, an_editors_temporary_file_is_told_by_what_it_became);
	tcase_add_test(tcase, a_program_moved_over_another_is_modified_and_removed);
	tcase_add_test(tcase, two_programs_exchanged_are_two_modified_findings);
	tcase_add_test(tcase, a_deleted_file_is_removed_and_told_once);
	tcase_add_test(tcase, opening_for_writing_changes_nothing);
	tcase_add_test(tcase, times_alone_are_no_finding);
	tcase_add_test(tcase, a_change_undone_at_once_is_transient_with_its_actor);
	tcase_add_test(tcase, created_and_deleted_at_once_is_transient);
	tcase_add_test(tcase, an_excluded_path_is_counted_only);
	tcase_add_test(tcase, content_of_class_metadata_may_change_its_mode_may_not);
	tcase_add_test(tcase, a_directory_moved_in_brings_what_it_holds);
	tcase_add_test(tcase, a_directory_moved_out_takes_what_it_held);
	tcase_add_test(tcase, a_directory_moved_inside_is_one_finding);
	tcase_add_test(tcase, a_path_below_no_rule_of_ours_is_outside);
	tcase_add_test(tcase, a_change_in_a_root_that_nobody_knows_is_told);
	tcase_add_test(tcase, loss_is_a_record_and_a_comparison_finds_the_rest);
	tcase_add_test(tcase, a_missing_number_is_loss);
	tcase_add_test(tcase, an_event_without_its_path_leads_to_a_comparison);
	tcase_add_test(tcase, bytes_that_are_no_record_are_loss_and_not_the_end);
	tcase_add_test(tcase, a_source_that_fails_is_a_control_failure);
	tcase_add_test(tcase, what_the_kernel_allows_is_recorded_and_so_is_its_change);
	tcase_add_test(tcase, a_watched_directory_that_was_replaced_is_watched_again);
	tcase_add_test(tcase, a_place_with_another_directory_is_watched_again_when_mounts_change);
	tcase_add_test(tcase, who_changes_what_the_control_consists_of_is_told);
	tcase_add_test(tcase, a_finding_about_the_control_itself_is_high);
	tcase_add_test(tcase, whoever_takes_the_journal_away_is_told);
	tcase_add_test(tcase, the_tool_that_is_ours_is_recorded_and_not_alerted);
	tcase_add_test(tcase, the_run_before_is_not_somebody_else);
	tcase_add_test(tcase, a_watched_directory_that_is_moved_takes_all_it_held);
	tcase_add_test(tcase, a_directory_that_does_not_exist_yet_is_seen_to_appear);
	tcase_add_test(tcase, what_an_earlier_run_found_is_not_told_again);
	tcase_add_test(tcase, a_moved_directory_is_not_told_again_by_the_next_run);
	tcase_add_test(tcase, a_comparison_of_another_process_is_in_the_ledger);
	tcase_add_test(tcase, where_another_process_found_more_the_daemon_compares);
	tcase_add_test(tcase, a_comparison_that_cannot_be_is_refused);
	tcase_add_test(tcase, a_comparison_on_schedule_reads_what_is_not_as_it_was);
	tcase_add_test(tcase, what_was_written_below_the_file_system_is_found_when_all_is_read);
	tcase_add_test(tcase, a_comparison_on_request_reads_all);
	tcase_add_test(tcase, what_a_change_wrote_down_is_authorized_at_its_end_and_nothing_else);
	tcase_add_test(tcase, what_stood_there_meanwhile_is_not_authorized_by_what_follows);
	tcase_add_test(tcase, a_change_that_was_given_up_authorizes_nothing);
	tcase_add_test(tcase, names_of_the_package_manager_need_its_program_and_what_they_are_for);
	tcase_add_test(tcase, a_change_outlives_a_restart_of_the_daemon);
	tcase_add_test(tcase, an_unclean_end_is_seen_in_the_journal);
	tcase_add_test(tcase, a_full_disk_is_survived_and_what_was_not_written_is_said);
	tcase_add_test(tcase, what_one_turn_finds_waits_for_the_disk_once);
	tcase_add_loop_test(tcase, a_disk_that_fills_up_among_several_loses_none_without_a_word, 0,
			    16);
	tcase_add_test(tcase, a_name_with_a_newline_stays_one_line);
	tcase_add_test(tcase, a_name_that_is_no_text_is_hex);
	tcase_add_test(tcase, time_stamps_alone_are_no_hurry_but_a_write_is);
	tcase_add_test(tcase, many_changes_at_once_are_all_told);
	tcase_add_test(tcase, a_running_container_is_recorded_once);
	tcase_add_test(tcase, the_number_of_a_namespace_may_be_another_containers_by_now);
	tcase_add_test(tcase, a_container_that_only_exists_is_not_recorded);
	tcase_add_test(tcase, a_container_that_ran_for_a_moment_is_recorded);
	tcase_add_test(tcase, a_container_that_was_removed_when_docker_was_asked_is_recorded);
	tcase_add_test(tcase, a_container_started_again_is_recorded_again);
	tcase_add_test(tcase, events_that_come_late_do_not_record_a_container_again);
	tcase_add_test(tcase, losing_docker_is_a_control_record);
	tcase_add_test(tcase, a_finding_waits_for_the_name_of_its_container);
	tcase_add_test(tcase, a_finding_does_not_wait_for_a_container_that_docker_does_not_know);
	tcase_add_test(tcase, who_a_container_was_is_known_for_a_while_after_it_is_gone);
	tcase_add_test(tcase, names_that_come_and_go_take_no_memory);
	tcase_add_test(tcase, what_an_image_has_not_is_looked_for_once);
	tcase_add_test(tcase, who_wrote_is_not_forgotten_for_who_touched_it_while_it_was_read);
	tcase_add_test(tcase, status_says_what_is);
	tcase_add_test(tcase, hostile_records_do_no_harm);
	tcase_add_test(tcase, a_hit_is_a_finding_with_rule_output_and_actor);
	tcase_add_test(tcase, a_rule_sees_a_step_that_the_end_does_not_show);
	tcase_add_test(tcase, the_same_hit_by_the_same_process_at_once_is_told_once);
	tcase_add_test(tcase, a_rename_and_a_link_have_both_names);
	tcase_add_test(tcase, rules_that_are_wrong_leave_the_old_ones);
	tcase_add_test(tcase, only_rules_with_a_wanted_tag_run);
	tcase_add_test(tcase, a_reload_takes_what_it_can_and_names_the_rest);
	tcase_add_test(tcase, a_rule_waits_for_the_name_of_the_container);
	tcase_add_test(tcase, a_container_that_starts_is_an_event);
	tcase_add_test(tcase, cloudtrail_files_are_seen_as_they_appear);
	tcase_add_test(tcase, a_cloudtrail_directory_that_is_missing_is_said);
	tcase_add_loop_test(tcase, cloudtrail_progress_survives_a_restart, 0, 2);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
