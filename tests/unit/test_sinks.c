/* SPDX-License-Identifier: Apache-2.0 */
/* A sink may lose alerts, but never time: nothing it writes to may make it wait. */
#include "fixture.h"

#include <signal.h>

#include "userspace/daemon/daemon.h"

static struct daemon d;
static int pipe_fds[2];
static int old_stdout;

static const struct alert alert = {
	.type = "finding",
	.severity = FIM_SEVERITY_HIGH,
	.failed = true,
	.text = "text",
	.line = "{\"type\":\"finding\"}",
};

static void sinks_setup(void)
{
	fixture_setup();
	put_text("config.yaml", "sink_audit: false\nsink_syslog: false\n");
	memset(&d, 0, sizeof(d));
	ck_assert_int_eq(fim_config_load("config.yaml", &d.config), 0);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	fflush(stdout);
	old_stdout = dup(STDOUT_FILENO);
	dup2(pipe_fds[1], STDOUT_FILENO);
	close(pipe_fds[1]);
	d.hasher = fim_hasher_new();
	ck_assert_int_eq(
		fim_journal_open(&(struct fim_journal_params){.dir = fixture_dir}, &d.journal), 0);
	sinks_open(&d);
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_UP);
}

static void sinks_teardown(void)
{
	sinks_close(&d);
	fim_journal_close(d.journal);
	fim_hasher_free(d.hasher);
	fim_config_free(d.config);
	dup2(old_stdout, STDOUT_FILENO);
	close(old_stdout);
	close(pipe_fds[0]);
	fixture_teardown();
}

/* All lines that arrived are whole; their number. */
static int lines_whole(char *buf, size_t len)
{
	int lines = 0;
	char *save = NULL;

	buf[len] = '\0';
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		ck_assert_msg(line[0] == '{' && line[strlen(line) - 1] == '}', "torn: %s", line);
		lines++;
	}
	return lines;
}

START_TEST(standard_output_gets_the_line)
{
	char buf[4096];
	ssize_t len;

	len = read(pipe_fds[0], buf, sizeof(buf)); /* the control record of opening */
	ck_assert_int_gt(len, 0);
	sinks_send(&d, &alert);
	len = read(pipe_fds[0], buf, sizeof(buf) - 1);
	ck_assert_int_gt(len, 0);
	buf[len] = '\0';
	ck_assert_str_eq(buf, "{\"type\":\"finding\"}\n");
}
END_TEST

START_TEST(a_reader_that_does_not_read_is_said_once_and_nothing_blocks)
{
	static char buf[1 << 20];
	struct fim_journal_check check;
	char *long_line = malloc(10000);
	struct alert big = alert;
	int sent = 0;
	ssize_t len;

	ck_assert_ptr_nonnull(long_line);
	memset(long_line, 'x', 10000);
	long_line[0] = '{';
	strcpy(long_line + 9990, "}");
	big.line = long_line;
	for (int i = 0; i < 100; i++)
		sinks_send(&d, &big); /* a pipe holds 64 KiB */
	ck_assert(d.sinks.sink[0].health->failing);
	ck_assert_uint_gt(d.sinks.sink[0].failed, 50);
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_DEGRADED);
	len = read(pipe_fds[0], buf, sizeof(buf) - 1);
	for (int i = 0; i < 3; i++) {
		sinks_send(&d, &alert);
		len += read(pipe_fds[0], buf + len, sizeof(buf) - 1 - (size_t)len);
	}
	sent = lines_whole(buf, (size_t)len);
	ck_assert_int_ge(sent, 6);
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_UP);
	/* up, degraded, up: and not a record for each line that was lost */
	ck_assert_int_eq(fim_journal_read(fixture_dir, NULL, NULL, &check), 0);
	ck_assert_uint_eq(check.records, 3);
	free(long_line);
}
END_TEST

START_TEST(a_reader_that_left_does_not_kill_the_daemon)
{
	signal(SIGPIPE, SIG_IGN);
	close(pipe_fds[0]);
	pipe_fds[0] = open("/dev/null", O_RDONLY);
	sinks_send(&d, &alert);
	ck_assert(d.sinks.sink[0].health->failing);
}
END_TEST

static struct fim_json *told(const char *text)
{
	struct fim_json *request = NULL;

	ck_assert_int_eq(fim_json_parse(text, strlen(text), NULL, &request), 0);
	return request;
}

START_TEST(another_process_says_how_it_goes)
{
	struct fim_json *bad = told("{\"sink\":\"hub\",\"failing\":true,\"cause\":\"no\"}");
	struct fim_json *good = told("{\"sink\":\"hub\",\"failing\":false,\"sent\":3}");
	struct fim_json *status;

	ck_assert_ptr_null(sinks_outlet(&d, bad));
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_DEGRADED);
	ck_assert_ptr_null(sinks_outlet(&d, good));
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_UP);
	status = sinks_status(&d);
	ck_assert_uint_eq(fim_json_count(status), 2);
	ck_assert_str_eq(fim_json_get_str(fim_json_index(status, 1), "name"), "hub");
	ck_assert_int_eq(fim_json_get_int(fim_json_index(status, 1), "sent", 0), 3);
	fim_json_free(status);
	fim_json_free(bad);
	fim_json_free(good);
}
END_TEST

START_TEST(no_more_processes_are_remembered_than_there_can_be)
{
	char text[64];

	for (int i = 0; i < 6; i++) {
		struct fim_json *request;

		snprintf(text, sizeof(text), "{\"sink\":\"hub%d\"}", i);
		request = told(text);
		ck_assert_int_eq(sinks_outlet(&d, request) == NULL, i < 4);
		fim_json_free(request);
	}
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"{}", "{\"sink\":\"A B\"}",
						    "{\"sink\":\"stdout\"}"};
		struct fim_json *request = told(names[i]);

		ck_assert_ptr_nonnull(sinks_outlet(&d, request));
		fim_json_free(request);
	}
}
END_TEST

static int control_of(void *ctx, const struct fim_json *record)
{
	fim_json_append(ctx, fim_json_ref(record));
	return 0;
}

static void ask(const char *text)
{
	struct fim_json *request = told(text);

	ck_assert_ptr_null(sinks_outlet(&d, request));
	fim_json_free(request);
}

/* Which record of @sink with @state; there must be one. */
static const struct fim_json *said(const struct fim_json *records, const char *sink,
				   const char *state)
{
	const struct fim_json *found = NULL, *record;

	for (size_t i = 0; i < fim_json_count(records); i++) {
		const char *name;

		record = fim_json_index(records, i);
		name = fim_json_get_str(record, "sink");
		if (name && strcmp(name, sink) == 0 &&
		    strcmp(fim_json_get_str(record, "state"), state) == 0) {
			ck_assert_msg(!found, "%s is %s twice", sink, state);
			found = record;
		}
	}
	ck_assert_msg(found, "%s is not said to be %s", sink, state);
	return found;
}

/* What begins later and ends first is not what began first and ends later. */
START_TEST(each_sink_has_an_interval_of_its_own)
{
	struct fim_json *records = fim_json_array();
	const struct fim_json *begin, *end;

	ask("{\"sink\":\"hub\",\"failing\":true,\"cause\":\"refused\"}");
	usleep(20000);
	ask("{\"sink\":\"pager\",\"failing\":true,\"cause\":\"timeout\"}");
	ask("{\"sink\":\"pager\",\"failing\":false}");
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_DEGRADED);
	ask("{\"sink\":\"hub\",\"failing\":false}");
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_UP);
	ck_assert_int_eq(fim_journal_read(fixture_dir, control_of, records, NULL), 0);
	ck_assert_uint_eq(fim_json_count(records), 5);
	begin = said(records, "hub", "degraded");
	end = said(records, "hub", "up");
	ck_assert_ptr_nonnull(strstr(fim_json_get_str(begin, "cause"), "hub: refused"));
	ck_assert_int_ge(fim_json_get_int(end, "duration_ms", 0), 20);
	ck_assert_int_le(strcmp(fim_json_get_str(end, "since"), fim_json_get_str(begin, "time")),
			 0);
	begin = said(records, "pager", "degraded");
	end = said(records, "pager", "up");
	ck_assert_ptr_nonnull(strstr(fim_json_get_str(begin, "cause"), "pager: timeout"));
	ck_assert_int_lt(fim_json_get_int(end, "duration_ms", -1), 20);
	fim_json_free(records);
}
END_TEST

/* Ours is open again at once; of another process nobody knows before it says so. */
START_TEST(an_interval_goes_on_in_the_next_run)
{
	struct fim_json *records = fim_json_array(), *lost = fim_json_object();
	char first[FIM_TIME_SIZE];

	ask("{\"sink\":\"hub\",\"failing\":true,\"cause\":\"refused\"}");
	fim_json_set_str(lost, "component", "sink");
	fim_json_set_str(lost, "sink", "stdout");
	fim_json_set_str(lost, "state", "degraded");
	fim_json_set_str(lost, "cause", "no room");
	ck_assert_int_eq(record_append(&d, "control", lost, NULL), 0);
	sinks_close(&d);
	ck_assert_int_eq(history_read(fixture_dir, &d.history), 0);
	memset(&d.sinks, 0, sizeof(d.sinks));
	d.controls[COMPONENT_SINK] = CONTROL_UNKNOWN;
	d.sinks.health = d.history.sinks;
	sinks_open(&d);
	ck_assert(!d.sinks.sink[0].health->failing);
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_DEGRADED);
	ck_assert_uint_eq(d.sinks.outlet_count, 1);
	ck_assert(d.sinks.outlets[0].health->failing);
	ask("{\"sink\":\"hub\",\"failing\":false}");
	ck_assert_int_eq(d.controls[COMPONENT_SINK], CONTROL_UP);
	ck_assert_int_eq(fim_journal_read(fixture_dir, control_of, records, NULL), 0);
	strcpy(first, fim_json_get_str(said(records, "hub", "degraded"), "time"));
	ck_assert_int_le(strcmp(fim_json_get_str(said(records, "hub", "up"), "since"), first), 0);
	ck_assert_ptr_nonnull(fim_json_get_str(said(records, "stdout", "up"), "since"));
	history_exit(&d.history);
	fim_json_free(records);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sinks");
	TCase *tcase = tcase_create("sinks");

	tcase_add_checked_fixture(tcase, sinks_setup, sinks_teardown);
	tcase_add_test(tcase, standard_output_gets_the_line);
	tcase_add_test(tcase, a_reader_that_does_not_read_is_said_once_and_nothing_blocks);
	tcase_add_test(tcase, a_reader_that_left_does_not_kill_the_daemon);
	tcase_add_test(tcase, another_process_says_how_it_goes);
	tcase_add_test(tcase, no_more_processes_are_remembered_than_there_can_be);
	tcase_add_test(tcase, each_sink_has_an_interval_of_its_own);
	tcase_add_test(tcase, an_interval_goes_on_in_the_next_run);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
