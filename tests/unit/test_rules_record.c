/* SPDX-License-Identifier: Apache-2.0 */
/* What a record of the journal, and a container, look like to rules. */
#include "rules_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char rules_dir[PATH_MAX]; /* before the fixture changes the directory */

#define ACTOR                                                                                 \
	"\"actor\":{\"pid\":4711,\"tid\":4712,\"ppid\":4000,\"vpid\":12,\"uid\":0,\"gid\":0," \
	"\"euid\":0,\"egid\":0,\"user\":\"root\",\"loginuid\":1000,\"login_user\":\"alice\"," \
	"\"comm\":\"touch\",\"parent_comm\":\"bash\",\"exe\":\"/usr/bin/touch\","             \
	"\"args\":[\"touch\",\"-a\",\"x y\"]}"
#define FILE_STATE "{\"type\":\"file\",\"mode\":\"0644\",\"uid\":3,\"gid\":4,\"size\":5}"
#define EMPTY	   "{\"type\":\"file\",\"mode\":\"0644\",\"uid\":0,\"gid\":0,\"size\":0}"
#define SETUID	   "{\"type\":\"file\",\"mode\":\"04755\",\"uid\":0,\"gid\":0,\"size\":5}"
#define NOTHING	   "{\"type\":\"none\"}"
#define LINK	   "{\"type\":\"symlink\",\"mode\":\"0777\",\"uid\":0,\"gid\":0,\"target\":\"/etc\"}"
#define CONTAINER                                                                          \
	"{\"id\":\"4f5e6d7c8b9a4f5e6d7c8b9a4f5e6d7c8b9a4f5e6d7c8b9a4f5e6d7c8b9a4f5e\","    \
	"\"name\":\"web\",\"image\":\"reg:5000/shop/web:2\",\"image_id\":\"sha256:0f1e\"," \
	"\"running\":true,\"pid\":4000,\"privileged\":true}"

/* A finding: kind, operation, before, after, and what else. */
#define FINDING(kind, op, path, before, after, more)                                     \
	"{\"type\":\"finding\",\"kind\":\"" kind "\",\"op\":\"" op "\",\"path\":\"" path \
	"\",\"event_time\":\"2026-03-02T09:41:00.000000000Z\",\"before\":" before        \
	",\"after\":" after "," ACTOR "," more "}"
#define HOST   "\"container\":null"
#define INSIDE "\"scope\":\"container\",\"container\":" CONTAINER

static const struct {
	const char *record;
	const char *output;
	const char *text;
} cases[] = {
	{FINDING("modified", "write", "/etc/x", FILE_STATE, FILE_STATE, HOST),
	 "%evt.type %evt.dir %evt.res %evt.rawres %fd.name %fd.directory %fd.filename %fd.num "
	 "%fd.typechar %evt.is_open_write %evt.is_open_read %evt.is_open_create %evt.arg.flags",
	 "open < SUCCESS 0 /etc/x /etc x 0 f true false false O_WRONLY"},
	{FINDING("modified", "write", "/x", FILE_STATE, FILE_STATE, HOST), "%fd.directory", "/"},
	{FINDING("added", "create", "/etc/x", NOTHING, SETUID, HOST),
	 "%evt.arg.flags %evt.is_open_create %evt.is_open_exec %evt.arg.mode",
	 "O_CREAT|O_WRONLY true true 04755"},
	{FINDING("modified", "write", "/etc/x", FILE_STATE, EMPTY, HOST), "%evt.arg.flags",
	 "O_TRUNC|O_WRONLY"},
	{FINDING("modified", "truncate", "/etc/x", FILE_STATE, FILE_STATE, HOST),
	 "%evt.type %evt.arg.flags", "open O_TRUNC|O_WRONLY"},
	{FINDING("removed", "delete", "/etc/x", FILE_STATE, NOTHING, HOST),
	 "%evt.type %fs.path.name %evt.arg.path %evt.arg.name %fd.name",
	 "unlink /etc/x /etc/x /etc/x <NA>"},
	{FINDING("moved", "rename", "/etc/x", FILE_STATE, FILE_STATE,
		 HOST ",\"old_path\":\"/etc/old\""),
	 "%evt.type %evt.arg.oldpath %evt.arg.newpath %fs.path.source %fs.path.target "
	 "%fs.path.name",
	 "rename /etc/old /etc/x /etc/old /etc/x <NA>"},
	{FINDING("removed", "rename", "/etc/x", FILE_STATE, NOTHING,
		 HOST ",\"view_path\":\"/tmp/y\""),
	 "%evt.arg.oldpath %evt.arg.newpath", "/etc/x /tmp/y"},
	/* A process of the host in a container's tree: it sees more of the path. */
	{FINDING("moved", "rename", "/etc/x", FILE_STATE, FILE_STATE,
		 HOST ",\"old_path\":\"/etc/old\",\"view_path\":\"/merged/etc/x\""),
	 "%evt.arg.oldpath %evt.arg.newpath", "/merged/etc/old /merged/etc/x"},
	{FINDING("attributes", "link", "/etc/shadow", FILE_STATE, FILE_STATE,
		 HOST ",\"view_path\":\"/tmp/s\""),
	 "%evt.type %evt.arg.oldpath %evt.arg.newpath", "link /etc/shadow /tmp/s"},
	{FINDING("added", "symlink", "/tmp/l", NOTHING, LINK, HOST),
	 "%evt.type %evt.arg.target %evt.arg.linkpath", "symlink /etc /tmp/l"},
	{FINDING("attributes", "mode", "/bin/x", FILE_STATE, SETUID, HOST),
	 "%evt.type %evt.arg.filename %evt.arg.mode",
	 "chmod /bin/x S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID"},
	{FINDING("attributes", "owner", "/bin/x", EMPTY, FILE_STATE, HOST),
	 "%evt.type %evt.arg.uid %evt.arg.gid", "chown 3 4"},
	{FINDING("attributes", "attributes", "/bin/x", FILE_STATE, FILE_STATE,
		 HOST ",\"changed\":[\"mode\"]"),
	 "%evt.type", "chmod"},
	{FINDING("attributes", "xattr", "/bin/x", FILE_STATE, FILE_STATE, HOST), "%evt.type",
	 "setxattr"},
	{FINDING("modified", "write", "/etc/x", FILE_STATE, FILE_STATE, HOST),
	 "%proc.name %proc.pname %proc.exepath %proc.exe %proc.args|%proc.cmdline| %proc.pid "
	 "%proc.ppid %proc.vpid %thread.tid %user.uid %user.name %user.loginuid %user.loginname "
	 "%group.gid",
	 "touch bash /usr/bin/touch touch -a x y|touch -a x y| 4711 4000 12 4712 0 root 1000 "
	 "alice 0"},
	{FINDING("modified", "write", "/etc/x", FILE_STATE, FILE_STATE, HOST),
	 "%container.id %container.name %container.image %container.privileged %evt.time.s",
	 "host host <NA> <NA> 09:41:00"},
	{FINDING("modified", "write", "/etc/x", FILE_STATE, FILE_STATE, INSIDE),
	 "%container.id %container.name %container.image.repository %container.image.tag "
	 "%container.image.id %container.privileged %container.type",
	 "4f5e6d7c8b9a web reg:5000/shop/web 2 0f1e true docker"},
	/* "/a\xff" */
	{FINDING("modified", "write", "x", FILE_STATE, FILE_STATE,
		 HOST ",\"view_path_hex\":\"2f61ff\""),
	 "%fd.name", "/a\xff"},
	{"{\"type\":\"container\",\"time\":\"2026-03-02T09:41:00Z\",\"container\":{\"id\":\"4f5e\","
	 "\"image\":\"nginx\",\"running\":true,\"pid\":7,\"privileged\":false,\"cluster\":\"shop\","
	 "\"flags\":[{\"id\":\"pid-host\"},{\"id\":\"root-user\"},{\"id\":\"cap-sys-admin\"},"
	 "{\"id\":\"host-path-write\",\"evidence\":\"Mounts: /etc on /host/etc (ro)\"}]}}",
	 "%evt.type %proc.vpid %proc.pid %container.id %container.image.tag %container.host_pid "
	 "%container.host_network %container.mount.dest[/etc] %container.mount.rdwr[/etc] "
	 "%container.mount.dest[/root*] %container.label[com.amazonaws.ecs.cluster]",
	 "execve 1 7 4f5e latest true false /host/etc false N/A shop"},
	{"{\"Id\":\"4f5e6d7c8b9a4f5e\",\"Path\":\"/bin/sh\",\"Args\":[\"-c\",\"x\"],"
	 "\"State\":{\"Pid\":9,\"StartedAt\":\"2026-03-02T09:41:00.5Z\"},\"Name\":\"/web\","
	 "\"HostConfig\":{\"Privileged\":false,\"CapAdd\":[\"NET_ADMIN\"],\"CapDrop\":[\"ALL\"],"
	 "\"NetworkMode\":\"host\"},\"Config\":{\"Image\":\"a@sha256:0\",\"User\":\"0:0\","
	 "\"Labels\":{\"k\":\"v\",\"l\":\"w\"}},\"Mounts\":[{\"Source\":\"/a\",\"Destination\":"
	 "\"/b\",\"Mode\":\"z\",\"RW\":false,\"Propagation\":\"rprivate\"}]}",
	 "%proc.name %proc.cmdline %user.uid %thread.cap_permitted %container.host_network "
	 "%container.image.repository %container.mounts %container.mount[0] "
	 "%container.mount.source[/b] %container.label[k] %container.labels %evt.time",
	 "sh sh -c x 0 CAP_NET_ADMIN true a /a:/b:z:false:rprivate /a:/b:z:false:rprivate /a v "
	 "k:v, l:w 09:41:00.500000000"},
};

static int set_any(struct fim_rules_event *event, const struct fim_json *json)
{
	return fim_json_get(json, "HostConfig") ? fim_rules_event_set_inspect(event, json, NULL)
						: fim_rules_event_set_record(event, json, NULL);
}

START_TEST(records_become_fields)
{
	struct fim_rules *rules;
	struct fim_rules_event *event;
	struct fim_json *json;
	char *text = NULL;

	ck_assert_msg(!build_condition("syscall", "evt.type exists", cases[_i].output, &rules),
		      "%s", fixture_messages);
	ck_assert_int_eq(fim_json_parse(cases[_i].record, strlen(cases[_i].record), "r", &json), 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(set_any(event, json), 0);
	ck_assert_int_eq(fim_rules_eval(event, take_output, &text), 0);
	ck_assert_str_eq(text, cases[_i].text);
	free(text);
	fim_rules_event_free(event);
	fim_json_free(json);
	fim_rules_free(rules);
}
END_TEST

static const char *const others[] = {
	"{}",
	"{\"type\":\"comparison\"}",
	"{\"type\":\"finding\",\"kind\":\"modified\",\"path\":\"/x\"}",
	FINDING("modified", "unheard-of", "/x", FILE_STATE, FILE_STATE, HOST),
	"{\"type\":\"container\",\"container\":{\"id\":\"x\",\"running\":false,\"flags\":[]}}",
};

START_TEST(other_records_are_not_events)
{
	struct fim_rules *rules = must_build("");
	struct fim_rules_event *event;
	struct fim_json *json;

	ck_assert_int_eq(fim_json_parse(others[_i], strlen(others[_i]), "r", &json), 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(fim_rules_event_set_record(event, json, NULL), -ENOENT);
	fim_rules_event_free(event);
	fim_json_free(json);
	fim_rules_free(rules);
}
END_TEST

/* Older rules know the start of a container as an event of its own type. */
START_TEST(the_start_of_a_container_is_an_event_under_two_names)
{
	const char *yaml =
		"- {rule: a, desc: d, priority: INFO, output: o, condition: evt.type = container}\n"
		"- {rule: b, desc: d, priority: INFO, output: o, condition: evt.type = execve}\n"
		"- {rule: c, desc: d, priority: INFO, output: o,"
		" condition: 'evt.type in (execve, container)'}\n"
		"- {rule: e, desc: d, priority: INFO, output: o, condition: proc.vpid = 1}\n"
		"- {rule: f, desc: d, priority: INFO, output: o, condition: not evt.type = open}\n";
	struct fim_rules *rules = must_build(yaml);
	struct fim_rules_event *event;
	struct fim_json *json;
	size_t hits = 0;
	const char *record = cases[COUNT(cases) - 1].record;

	ck_assert_int_eq(fim_json_parse(record, strlen(record), "r", &json), 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(set_any(event, json), 0);
	ck_assert_int_eq(fim_rules_eval(event, count_hit, &hits), 0);
	ck_assert_uint_eq(hits, 5);
	fim_rules_event_free(event);
	fim_json_free(json);
	fim_rules_free(rules);
}
END_TEST

/* ------------------------------------------------------------- stock rules */

#define INSPECT(host, mounts, user)                                                                 \
	"{\"Id\":\"4f5e6d7c8b9a4f5e\",\"Path\":\"/bin/x\",\"State\":{\"Pid\":9},\"Name\":\"/web\"," \
	"\"HostConfig\":{" host "},\"Config\":{\"Image\":\"web:1\",\"User\":\"" user                \
	"\"},\"Mounts\":[" mounts "]}"
#define MOUNT(source) "{\"Source\":\"" source "\",\"Destination\":\"/m\",\"RW\":true}"
#define WRITTEN(path) FINDING("modified", "write", path, FILE_STATE, FILE_STATE, HOST)
#define CREATED(path) FINDING("added", "create", path, NOTHING, FILE_STATE, HOST)

/* Every rule whose events we see, and a real event that fires it. */
static const struct {
	const char *rule;
	const char *record;
} stock[] = {
	{"Clear Log Activities",
	 FINDING("modified", "truncate", "/var/log/x", FILE_STATE, EMPTY, HOST)},
	{"Create Symlink Over Sensitive Files",
	 FINDING("added", "symlink", "/tmp/l", NOTHING, LINK, HOST)},
	{"Create Hardlink Over Sensitive Files",
	 FINDING("attributes", "link", "/etc/shadow", FILE_STATE, FILE_STATE,
		 HOST ",\"view_path\":\"/tmp/s\"")},
	{"Detect release_agent File Container Escapes",
	 FINDING("modified", "write", "/c/release_agent", FILE_STATE, FILE_STATE, INSIDE)},
	{"Modify Shell Configuration File", WRITTEN("/etc/profile")},
	{"Create files below dev", CREATED("/dev/x")},
	{"Delete or rename shell history",
	 FINDING("removed", "delete", "/root/.bash_history", FILE_STATE, NOTHING, HOST)},
	{"Set Setuid or Setgid bit",
	 FINDING("attributes", "mode", "/bin/x", FILE_STATE, SETUID, HOST)},
	{"Adding ssh keys to authorized_keys", WRITTEN("/root/.ssh/authorized_keys")},
	{"Update Package Repository", WRITTEN("/etc/yum.repos.d/x.repo")},
	{"Write below binary dir", CREATED("/usr/bin/x")},
	{"Write below monitored dir", WRITTEN("/boot/x")},
	{"Write below etc", WRITTEN("/etc/x")},
	{"Write below root", WRITTEN("/x")},
	{"Write below rpm database", WRITTEN("/var/lib/rpm/x")},
	{"Modify binary dirs",
	 FINDING("removed", "delete", "/usr/bin/x", FILE_STATE, NOTHING, HOST)},
	{"Mkdir binary dirs",
	 FINDING("added", "mkdir", "/usr/bin/d", NOTHING, "{\"type\":\"dir\"}", HOST)},
	{"Create Hidden Files or Directories", CREATED("/etc/.x")},
	{"Container Drift Detected (chmod)",
	 FINDING("attributes", "mode", "/x", FILE_STATE, SETUID, INSIDE)},
	{"Container Drift Detected (open+create)",
	 FINDING("added", "create", "/x", NOTHING, SETUID, INSIDE)},
	{"Modify Container Entrypoint",
	 FINDING("modified", "write", "/proc/self/exe", FILE_STATE, FILE_STATE, INSIDE)},
	{"Launch Privileged Container", INSPECT("\"Privileged\":true", "", "")},
	{"Launch Excessively Capable Container",
	 INSPECT("\"Privileged\":false,\"CapAdd\":[\"SYS_ADMIN\"]", "", "")},
	{"Launch Sensitive Mount Container", INSPECT("\"Privileged\":false", MOUNT("/etc"), "")},
	{"Container Run as Root User", INSPECT("\"Privileged\":false", "", "")},
};

struct wanted {
	const char *rule;
	bool fired;
};

static int note(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct wanted *wanted = ctx;
	char *output;
	size_t len;

	if (strcmp(rule->name, wanted->rule) != 0)
		return 0;
	wanted->fired = true;
	ck_assert_int_eq(fim_rules_output(event, rule, &output, &len), 0);
	free(output);
	ck_assert_msg(!rule->never, "%s: %s", rule->name, rule->never);
	/* Of what these are for all is seen, except through which link of /proc. */
	if (strcmp(rule->name, "Modify Container Entrypoint") != 0)
		ck_assert_msg(!rule->limited, "%s: %s", rule->name, rule->limited);
	else
		ck_assert_ptr_nonnull(rule->limited);
	return 0;
}

/* Whether @rule of the stock fires on @record. */
static bool fires(const char *rule, const char *record)
{
	static const char *const names[] = {"rules/falco_rules.yaml",
					    "rules/falco-incubating_rules.yaml",
					    "rules/falco-sandbox_rules.yaml"};
	const char *paths[4] = {NULL};
	struct wanted wanted = {rule, false};
	struct fim_rules *rules;
	struct fim_rules_event *event;
	struct fim_json *json;
	size_t i;

	for (i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(paths[i] = strdup(falco_path(names[i])));
	ck_assert_int_eq(fim_rules_load(paths, &fixture_params, &rules), 0);
	ck_assert_int_eq(fim_json_parse(record, strlen(record), "r", &json), 0);
	ck_assert_int_eq(fim_rules_event_new(rules, "syscall", &event), 0);
	ck_assert_int_eq(set_any(event, json), 0);
	ck_assert_int_eq(fim_rules_eval(event, note, &wanted), 0);
	for (i = 0; i < 3; i++)
		free((char *)paths[i]);
	fim_rules_event_free(event);
	fim_json_free(json);
	fim_rules_free(rules);
	return wanted.fired;
}

START_TEST(stock_rules_fire_on_what_happens)
{
	ck_assert_msg(fires(stock[_i].rule, stock[_i].record), "%s", stock[_i].rule);
}
END_TEST

START_TEST(a_container_without_sensitive_mounts_is_none_with)
{
	ck_assert(!fires("Launch Sensitive Mount Container",
			 INSPECT("\"Privileged\":false", MOUNT("/srv"), "")));
	ck_assert(!fires("Launch Disallowed Container",
			 INSPECT("\"Privileged\":false", MOUNT("/srv"), "")));
}
END_TEST

/* ----------------------------------------------------------- shipped rules */

struct shipped {
	const char *rule;
	bool fired;
	char names[1024];
};

static int note_shipped(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct shipped *shipped = ctx;

	(void)event;
	shipped->fired |= !strcmp(rule->name, shipped->rule);
	strcat(strcat(shipped->names, rule->name), ";");
	return 0;
}

static void run_case(struct fim_rules *rules, const struct fim_json *one, unsigned *met)
{
	struct shipped shipped = {.rule = fim_json_get_str(one, "rule")};
	const char *source = fim_json_get_str(one, "source");
	struct fim_rules_event *event;
	char *text = NULL;
	size_t len, i;
	int err;

	ck_assert_int_eq(fim_rules_event_new(rules, source, &event), 0);
	if (!strcmp(source, "syscall")) {
		err = set_any(event, fim_json_get(one, "record"));
	} else {
		ck_assert_int_eq(fim_json_dump(fim_json_get(one, "record"), &text, &len), 0);
		err = fim_rules_event_set_cloudtrail(event, text, len, NULL);
	}
	if (!err)
		err = fim_rules_eval(event, note_shipped, &shipped);
	ck_assert(!err || err == -ENOENT);
	ck_assert_msg(shipped.fired == fim_json_get_bool(one, "fires", false), "%s: %s: fired: %s",
		      shipped.rule, fim_json_get_str(one, "why"), shipped.names);
	for (i = 0; i < fim_rules_count(rules); i++)
		if (!strcmp(fim_rules_index(rules, i)->name, shipped.rule))
			met[i] |= shipped.fired ? 1 : 2;
	fim_rules_event_free(event);
	free(text);
}

static const char *const case_files[] = {"ecs-exec", "aws-account", "files", "containers"};

START_TEST(shipped_rules_fire_and_do_not)
{
	const char *const paths[] = {rules_dir, NULL};
	struct fim_rules *rules;
	unsigned met[64] = {0};
	size_t i, k;

	ck_assert_int_eq(fim_rules_load(paths, &fixture_params, &rules), 0);
	ck_assert_uint_lt(fim_rules_count(rules), COUNT(met));
	for (i = 0; i < COUNT(case_files); i++) {
		char path[PATH_MAX + 64], *text, *at, *end;
		size_t len;

		snprintf(path, sizeof(path), "%s/tests/%s.ndjson", rules_dir, case_files[i]);
		ck_assert_int_eq(fim_file_read(path, 1 << 20, &text, &len), 0);
		for (at = text; (end = strchr(at, '\n')); at = end + 1) {
			struct fim_json *one;

			ck_assert_int_eq(fim_json_parse(at, (size_t)(end - at), path, &one), 0);
			if (fim_json_get(one, "rule"))
				run_case(rules, one, met);
			fim_json_free(one);
		}
		free(text);
	}
	for (k = 0; k < fim_rules_count(rules); k++) {
		const struct fim_rules_rule *rule = fim_rules_index(rules, k);

		ck_assert_msg(met[k] == 3, "%s has no case that fires it, or none that must not",
			      rule->name);
		ck_assert_msg(!rule->never, "%s: %s", rule->name, rule->never);
	}
	fim_rules_free(rules);
}
END_TEST

/* The standard and its version are part of each tag. */
START_TEST(shipped_rules_say_which_standard_they_serve)
{
	const char *const paths[] = {rules_dir, NULL};
	struct fim_rules *rules;
	size_t i, k;

	ck_assert_int_eq(fim_rules_load(paths, &fixture_params, &rules), 0);
	ck_assert_uint_gt(fim_rules_count(rules), 0);
	for (i = 0; i < fim_rules_count(rules); i++) {
		const struct fim_rules_rule *rule = fim_rules_index(rules, i);
		unsigned found = 0;

		for (k = 0; k < rule->tag_count; k++) {
			found |= strncmp(rule->tags[k], "PCI_DSS_4.0.1_", 14) ? 0 : 1;
			found |= strncmp(rule->tags[k], "NIST_800_53_", 12) ? 0 : 2;
			found |= strncmp(rule->tags[k], "MITRE_T", 7) ? 0 : 4;
		}
		ck_assert_msg(found == 7, "%s", rule->name);
	}
	ck_assert_ptr_null(strstr(fixture_messages, "LOAD_"));
	fim_rules_free(rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_record");
	TCase *tcase = tcase_create("record"), *data = tcase_create("stock");

	if (!realpath("rules", rules_dir))
		return EXIT_FAILURE;
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tcase, records_become_fields, 0, COUNT(cases));
	tcase_add_loop_test(tcase, other_records_are_not_events, 0, COUNT(others));
	tcase_add_test(tcase, the_start_of_a_container_is_an_event_under_two_names);
	tcase_add_test(tcase, shipped_rules_fire_and_do_not);
	tcase_add_test(tcase, shipped_rules_say_which_standard_they_serve);
	suite_add_tcase(suite, tcase);
	if (falco_path("rules/falco_rules.yaml")) {
		tcase_add_loop_test(data, stock_rules_fire_on_what_happens, 0, COUNT(stock));
		tcase_add_test(data, a_container_without_sensitive_mounts_is_none_with);
		suite_add_tcase(suite, data);
	} else {
		puts("ok - rules_record: stock rules # SKIP no Falco data: FALCO_DATA names its directory");
	}
	return fixture_run(suite);
}
