/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fake engine on a UNIX socket, that answers, dawdles, lies and dies.  What a real
 * one says is in tests/integration/settings.sh.
 */
#include "fixture.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Long where an answer comes, since a busy machine is no fault; short where none does. */
#define TIMEOUT_MS    20000
#define SHORT_MS      600
#define ID	      "4f5f6f7f8f9fafbfcfdfefff0f1f2f3f4f5f6f7f8f9fafbfcfdfefff0f1f2f3f"
#define OK_HEAD	      "HTTP/1.1 200 OK\r\nConnection: close\r\n"
#define JSON_HEAD     OK_HEAD "Content-Type: application/json\r\n\r\n"
#define CHUNKED_HEAD  OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define PING(version) OK_HEAD "Api-Version: " version "\r\nContent-Length: 2\r\n\r\nOK"

enum manner {
	SEND = 0,
	DRIP,	 /* byte by byte */
	HANG,	 /* say no more, and do not close */
	ENDLESS, /* repeat the last byte for ever */
};

/* One answer: to the first request whose line contains @request. */
struct answer {
	const char *request;
	const char *bytes;
	enum manner manner;
};

static const struct answer *answers;
static size_t answer_count;
static pid_t server;
static struct fim_docker *docker;

/* ---- the fake engine */

static void send_all(int fd, const char *text, size_t len)
{
	ssize_t got;

	while (len) {
		got = write(fd, text, len);
		if (got <= 0)
			_exit(0);
		text += got;
		len -= (size_t)got;
	}
}

static void answer_one(int fd, const struct answer *answer)
{
	size_t i, len = strlen(answer->bytes);
	char block[65536];

	if (answer->manner != DRIP)
		send_all(fd, answer->bytes, len);
	for (i = 0; answer->manner == DRIP && i < len; i++) {
		send_all(fd, answer->bytes + i, 1);
		usleep(200);
	}
	if (answer->manner == ENDLESS) {
		memset(block, answer->bytes[len - 1], sizeof(block));
		for (;;)
			send_all(fd, block, sizeof(block));
	}
	if (answer->manner == HANG)
		pause();
}

static void serve_one(int fd)
{
	static const struct answer none = {"",
					   "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"
					   "{\"message\":\"page not found\"}",
					   SEND};
	char request[4096] = "";
	size_t len = 0, i;
	ssize_t got;

	while (!strstr(request, "\r\n\r\n")) {
		got = read(fd, request + len, sizeof(request) - 1 - len);
		if (got <= 0)
			return;
		len += (size_t)got;
		request[len] = '\0';
	}
	*strstr(request, "\r\n") = '\0';
	for (i = 0; i < answer_count; i++)
		if (strstr(request, answers[i].request)) {
			answer_one(fd, &answers[i]);
			return;
		}
	answer_one(fd, &none);
}

static void start_engine(const struct answer *table, size_t count)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client;

	answers = table;
	answer_count = count;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	server = fork();
	if (server) {
		close(fd);
		return;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	/* A process per connection: one that hangs must not stop the others. */
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		if (!fork()) {
			serve_one(client);
			_exit(0);
		}
		close(client);
	}
	_exit(0);
}

static void teardown(void)
{
	fim_docker_close(docker);
	if (server > 0)
		kill(server, SIGKILL);
	fixture_teardown();
}

#define START_ENGINE(...)                                         \
	do {                                                      \
		static const struct answer table[] = __VA_ARGS__; \
		start_engine(table, COUNT(table));                \
	} while (0)

static int open_engine(void)
{
	return fim_docker_open("sock", TIMEOUT_MS, &docker);
}

static int open_impatiently(void)
{
	return fim_docker_open("sock", SHORT_MS, &docker);
}

static int64_t ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* ---- open */

START_TEST(no_socket_is_enoent)
{
	ck_assert_int_eq(open_engine(), -ENOENT);
	assert_logged("sock");
}
END_TEST

START_TEST(a_socket_without_a_listener_refuses)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	ck_assert_int_eq(open_engine(), -ECONNREFUSED);
}
END_TEST

START_TEST(a_path_that_cannot_be_a_socket_is_refused_before_asking_the_network)
{
	char longer[200];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(fim_docker_open("", TIMEOUT_MS, &docker), -EINVAL);
	ck_assert_int_eq(fim_docker_open(longer, TIMEOUT_MS, &docker), -EINVAL);
}
END_TEST

static const struct {
	const char *ping;
	int err;
	const char *version;
} pings[] = {
	{"", -EPROTO, NULL},
	{"HTTP/1.1 200", -EPROTO, NULL},
	{"SSH-2.0-OpenSSH_9.2\r\n", -EPROTO, NULL},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", -EPROTO, NULL},
	{OK_HEAD "\r\nOK", -EPROTO, NULL},
	{PING("1.23"), -EPROTO, NULL},
	{PING("1.24"), 0, "1.24"},
	{PING("1.41"), 0, "1.41"},
	{PING("1.44"), 0, "1.44"},
	{PING("1.56"), 0, "1.44"},
	{PING("2.0"), -EPROTO, NULL},
	{PING("1."), -EPROTO, NULL},
	{PING("1.44x"), -EPROTO, NULL},
	{PING("1.44/../../x"), -EPROTO, NULL},
	{PING("-1.44"), -EPROTO, NULL},
	{PING("1.99999999999999999999"), -EPROTO, NULL},
	{OK_HEAD "aPI-vERSION:1.41\r\n\r\n", 0, "1.41"},
};

START_TEST(the_version_is_the_older_of_the_two_and_not_below_1_24)
{
	static struct answer table[1];

	table[0] = (struct answer){"GET /_ping ", pings[_i].ping, SEND};
	start_engine(table, 1);
	ck_assert_int_eq(open_engine(), pings[_i].err);
	if (!pings[_i].err)
		ck_assert_str_eq(fim_docker_api_version(docker), pings[_i].version);
}
END_TEST

START_TEST(an_engine_that_says_nothing_times_out)
{
	struct timespec start;

	START_ENGINE({{"GET", "", HANG}});
	clock_gettime(CLOCK_MONOTONIC, &start);
	ck_assert_int_eq(open_impatiently(), -ETIMEDOUT);
	ck_assert_int_lt(ms_since(&start), 5 * SHORT_MS);
}
END_TEST

/* ---- list and inspect */

START_TEST(every_url_has_the_version_and_all_is_asked_for)
{
	struct fim_json *list = NULL;

	START_ENGINE({{"GET /_ping ", PING("1.41"), SEND},
		      {"GET /v1.41/containers/json?all=1 ", JSON_HEAD "[{},{}]", SEND},
		      {"GET /v1.41/containers/json ", JSON_HEAD "[{}]", SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_list(docker, true, &list), 0);
	ck_assert_uint_eq(fim_json_count(list), 2);
	fim_json_free(list);
	ck_assert_int_eq(fim_docker_list(docker, false, &list), 0);
	ck_assert_uint_eq(fim_json_count(list), 1);
	fim_json_free(list);
}
END_TEST

static const struct {
	const char *body;
	int err;
} lists[] = {
	{JSON_HEAD, -EINVAL},
	{JSON_HEAD "[", -EINVAL},
	{JSON_HEAD "[{\"Id\":\"a\",\"Id\":\"b\"}]", -EINVAL},
	{JSON_HEAD "{}", -EPROTO},
	{JSON_HEAD "null", -EPROTO},
	{JSON_HEAD "\xff\xfe", -EINVAL},
	{OK_HEAD "Content-Length: 100\r\n\r\n[{}]", -EPROTO},
	{CHUNKED_HEAD "4\r\n[{}]\r\n", -EPROTO},
	{CHUNKED_HEAD "zz\r\n[{}]\r\n", -EPROTO},
	{"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n{\"message\":\"\x1b[31m\"}",
	 -EPROTO},
	{"HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n",
	 -EPROTO},
	{CHUNKED_HEAD "2\r\n[{\r\n2\r\n}]\r\n0\r\n\r\n", 0},
};

START_TEST(an_answer_is_what_was_asked_for_or_an_error)
{
	static struct answer table[] = {{"GET /_ping ", PING("1.44"), SEND},
					{"/containers/json ", NULL, SEND}};
	struct fim_json *list = NULL;

	table[1].bytes = lists[_i].body;
	start_engine(table, 2);
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_list(docker, false, &list), lists[_i].err);
	ck_assert((list != NULL) == !lists[_i].err);
	ck_assert_ptr_null(strchr(fixture_log, '\x1b'));
	fim_json_free(list);
}
END_TEST

START_TEST(an_answer_without_end_is_cut_off)
{
	struct fim_json *list = NULL;

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND}, {"/json ", JSON_HEAD "[ ", ENDLESS}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_list(docker, false, &list), -E2BIG);
	ck_assert_ptr_null(list);
}
END_TEST

/* libcurl 7.88 reads freed memory here if a handle is used twice; what it returns may differ. */
START_TEST(a_header_that_continues_the_answer_before_is_survived)
{
	struct fim_json *list = NULL;

	START_ENGINE(
		{{"GET /_ping ", PING("1.44"), SEND},
		 {"/json ", "HTTP/1.1 200 OK\r\n folded\r\nConnection: close\r\n\r\n[{}]", SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_le(fim_docker_list(docker, true, &list), 0);
	fim_json_free(list);
}
END_TEST

START_TEST(a_slow_answer_is_waited_for_up_to_the_timeout)
{
	struct fim_json *list = NULL;

	START_ENGINE({{"GET /_ping ", PING("1.44"), DRIP},
		      {"all=1 ", JSON_HEAD "[{\"Id\":\"a\"}]", DRIP},
		      {"/json ", JSON_HEAD "[{", HANG}});
	ck_assert_int_eq(open_impatiently(), 0);
	ck_assert_int_eq(fim_docker_list(docker, true, &list), 0);
	fim_json_free(list);
	ck_assert_int_eq(fim_docker_list(docker, false, &list), -ETIMEDOUT);
}
END_TEST

/* JSON has \u0000, C has not: one label must not hide all containers. */
START_TEST(a_request_ends_when_somebody_wants_the_thread)
{
	struct fim_json *list = NULL;
	int fds[2];

	START_ENGINE({{"GET /_ping", PING("1.41"), SEND}, {"GET", "", HANG}});
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(fim_docker_open_wakeable("sock", TIMEOUT_MS, fds[0], &docker), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(fim_docker_list(docker, true, &list), -ECANCELED);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(an_answer_of_nothing_but_brackets_is_refused_before_it_takes_memory)
{
	static char text[5000000];
	struct fim_json *list = NULL;
	size_t head = strlen(JSON_HEAD);

	memcpy(text, JSON_HEAD "[", head + 1);
	for (size_t i = head + 1; i + 4 < sizeof(text); i += 2)
		memcpy(text + i, "0,", 2);
	memcpy(text + sizeof(text) - 4, "0]", 3);
	START_ENGINE({{"GET /_ping", PING("1.41"), SEND}, {"GET", text, SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_list(docker, true, &list), -E2BIG);
}
END_TEST

START_TEST(an_exec_is_inspected_by_its_id)
{
	struct fim_json *exec = NULL;

	START_ENGINE({{"GET /_ping", PING("1.41"), SEND},
		      {"GET /v1.41/exec/" ID "/json", JSON_HEAD "{\"Pid\":7}", SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_exec(docker, ID, &exec), 0);
	ck_assert_int_eq(fim_json_get_int(exec, "Pid", 0), 7);
	fim_json_free(exec);
	ck_assert_int_eq(fim_docker_exec(docker, "../x", &exec), -EINVAL);
}
END_TEST

START_TEST(a_nul_in_a_label_does_not_hide_the_list)
{
	const struct fim_json *labels;
	struct fim_json *list = NULL;

	START_ENGINE(
		{{"GET /_ping ", PING("1.44"), SEND},
		 {"/json ", JSON_HEAD "[{\"Labels\":{\"a\":\"x\\u0000y\",\"b\":\"\\\\u0000\"}}]",
		  SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_list(docker, false, &list), 0);
	labels = fim_json_get(fim_json_index(list, 0), "Labels");
	ck_assert_str_eq(fim_json_get_str(labels, "a"), "x\xef\xbf\xbdy");
	ck_assert_str_eq(fim_json_get_str(labels, "b"), "\\u0000");
	fim_json_free(list);
}
END_TEST

static const char *const bad_ids[] = {"",     "/",   "..",   "-a", "a/b", "a?b",
				      "a%2f", "a b", "a\nb", "é",  "."};

START_TEST(what_is_not_an_id_never_gets_into_a_url)
{
	struct fim_json *container = NULL;
	char longer[300];

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND}, {"GET", JSON_HEAD "{}", SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_inspect(docker, bad_ids[_i], &container), -EINVAL);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(fim_docker_inspect(docker, longer, &container), -EINVAL);
	ck_assert_ptr_null(container);
}
END_TEST

START_TEST(a_container_that_is_gone_is_enoent)
{
	struct fim_json *container = NULL;

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_inspect(docker, ID, &container), -ENOENT);
}
END_TEST

START_TEST(inspect_adds_what_the_engine_says_of_its_defaults)
{
	struct fim_json *container = NULL;
	const struct fim_json *engine;

	START_ENGINE(
		{{"GET /_ping ", PING("1.44"), SEND},
		 {"GET /v1.44/containers/" ID "/json ", JSON_HEAD "{\"Id\":\"" ID "\"}", SEND},
		 {"GET /v1.44/info ",
		  JSON_HEAD
		  "{\"CgroupVersion\":\"2\",\"SecurityOptions\":[\"name=selinux\"],\"Name\":\"h\"}",
		  SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_inspect(docker, ID, &container), 0);
	engine = fim_json_get(container, "Engine");
	ck_assert_str_eq(fim_json_get_str(engine, "CgroupVersion"), "2");
	ck_assert_str_eq(fim_json_get_str(engine, "Socket"), "sock");
	ck_assert_uint_eq(fim_json_count(fim_json_get(engine, "SecurityOptions")), 1);
	ck_assert_ptr_null(fim_json_get(engine, "Name"));
	fim_json_free(container);
}
END_TEST

START_TEST(inspect_works_without_the_defaults)
{
	struct fim_json *container = NULL;

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND},
		      {"/containers/", JSON_HEAD "{\"Id\":\"" ID "\"}", SEND},
		      {"/info ", JSON_HEAD "garbage", SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_inspect(docker, ID, &container), 0);
	ck_assert_ptr_null(fim_json_get(container, "Engine"));
	fim_json_free(container);
}
END_TEST

/* ---- events */

struct heard {
	int count;
	char actions[512];
	int stop_at;
	int close_at; /* write to @stop_fd after this many, or close it */
	bool hang_up;
	int stop_fd;
};

static int hear(void *ctx, const struct fim_json *event)
{
	struct heard *heard = ctx;
	size_t len = strlen(heard->actions);

	snprintf(heard->actions + len, sizeof(heard->actions) - len, "%s %s %s;",
		 fim_json_get_str(event, "Type"), fim_json_get_str(event, "Action"),
		 fim_json_str(fim_json_at(event, "Actor/ID")));
	heard->count++;
	if (heard->close_at == heard->count && heard->hang_up)
		close(heard->stop_fd);
	else if (heard->close_at == heard->count)
		ck_assert_int_eq(write(heard->stop_fd, "x", 1), 1);
	return heard->stop_at == heard->count ? 42 : 0;
}

#define NEW_EVENT \
	"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"a1\",\"Attributes\":{}}}"
#define OLD_EVENT "{\"status\":\"die\",\"id\":\"b2\",\"from\":\"nginx\",\"time\":1}"

static const struct {
	const char *stream;
	enum manner manner;
	int err;
	const char *actions;
} streams[] = {
	{OK_HEAD "\r\n", SEND, 0, ""},
	{OK_HEAD "\r\n{", SEND, -EPROTO, ""},
	{OK_HEAD "\r\n" NEW_EVENT "\n" OLD_EVENT "\n", SEND, 0,
	 "container start a1;container die b2;"},
	{OK_HEAD "\r\n" NEW_EVENT OLD_EVENT, SEND, 0, "container start a1;container die b2;"},
	{OK_HEAD "\r\n" NEW_EVENT "\n" OLD_EVENT "\n", DRIP, 0,
	 "container start a1;container die b2;"},
	/* two events in one chunk; one event in two chunks; half a chunk, then nothing */
	{CHUNKED_HEAD "92\r\n" NEW_EVENT NEW_EVENT "\r\n0\r\n\r\n", SEND, 0,
	 "container start a1;container start a1;"},
	{CHUNKED_HEAD "a\r\n{\"Type\":\"c\r\n1b\r\nontainer\",\"Action\":\"start\"}\r\n0\r\n\r\n",
	 SEND, 0, "container start (null);"},
	{CHUNKED_HEAD "ff\r\n" NEW_EVENT, SEND, 0, "container start a1;"},
	{CHUNKED_HEAD "ff\r\n{\"Type\":", SEND, -EPROTO, ""},
	{OK_HEAD "\r\n\n\r\n \t" NEW_EVENT "\r\n\r\n", SEND, 0, "container start a1;"},
	{OK_HEAD "\r\n{\"Type\":\"x}\\\"{\",\"Action\":\"y\",\"Actor\":{}}", SEND, 0,
	 "x}\"{ y (null);"},
	{OK_HEAD "\r\n[" NEW_EVENT "]", SEND, -EPROTO, ""},
	{OK_HEAD "\r\n" NEW_EVENT "garbage", SEND, -EPROTO, "container start a1;"},
	{OK_HEAD "\r\n{]}", SEND, -EINVAL, ""},
	{OK_HEAD "\r\n{\"message\":\"no\"}", SEND, -EPROTO, ""},
	{OK_HEAD "\r\n{\"Action\":7}", SEND, -EPROTO, ""},
	{OK_HEAD "\r\n{ ", ENDLESS, -EMSGSIZE, ""},
	{OK_HEAD "\r\n{\"a\":\"x", ENDLESS, -EMSGSIZE, ""},
	{OK_HEAD "\r\n\xff\xff", SEND, -EPROTO, ""},
	{"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n" NEW_EVENT, SEND, -EPROTO, ""},
	{"HTTP/1.1 500 Oops\r\n\r\nno", HANG, -ETIMEDOUT, ""},
	{"HTTP/1.1 100 Continue\r\n\r\n", HANG, -ETIMEDOUT, ""},
	{"HTTP/1.1 404 Oops\r\nConnection: close\r\n\r\n" NEW_EVENT, SEND, -EPROTO, ""},
	{"", SEND, -EPROTO, ""},
	{"garbage", SEND, -EPROTO, ""},
	{"", HANG, -ETIMEDOUT, ""},
	{"HTTP/1.1 200 OK\r\nX", HANG, -ETIMEDOUT, ""},
};

START_TEST(a_stream_is_cut_into_events_however_it_arrives)
{
	static struct answer table[] = {{"GET /_ping ", PING("1.44"), SEND},
					{"GET /v1.44/events ", NULL, SEND}};
	struct heard heard = {.count = 0};
	int err;

	table[1].bytes = streams[_i].stream;
	table[1].manner = streams[_i].manner;
	start_engine(table, 2);
	ck_assert_int_eq(streams[_i].manner == HANG ? open_impatiently() : open_engine(), 0);
	err = fim_docker_events(docker, 0, hear, -1, &heard);
	ck_assert_int_eq(err, streams[_i].err);
	ck_assert_str_eq(heard.actions, streams[_i].actions);
}
END_TEST

START_TEST(since_is_seconds_with_nine_digits)
{
	struct heard heard = {.count = 0};

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND},
		      {"GET /v1.44/events?since=1700000000.000000042 ", OK_HEAD "\r\n" NEW_EVENT,
		       SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_events(docker, INT64_C(1700000000000000042), hear, -1, &heard),
			 0);
	ck_assert_int_eq(heard.count, 1);
}
END_TEST

START_TEST(a_listener_may_end_the_stream)
{
	struct heard heard = {.stop_at = 1};

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND},
		      {"/events ", OK_HEAD "\r\n" NEW_EVENT NEW_EVENT, HANG}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_events(docker, 0, hear, -1, &heard), 42);
	ck_assert_int_eq(heard.count, 1);
}
END_TEST

START_TEST(the_stop_descriptor_wakes_a_silent_stream)
{
	struct heard heard = {.close_at = 1, .hang_up = _i};
	struct timespec start;
	int fds[2];

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND},
		      {"/events ", OK_HEAD "\r\n" NEW_EVENT, HANG}});
	ck_assert_int_eq(pipe(fds), 0);
	heard.stop_fd = fds[1];
	ck_assert_int_eq(open_engine(), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	ck_assert_int_eq(fim_docker_events(docker, 0, hear, fds[0], &heard), -ECANCELED);
	ck_assert_int_lt(ms_since(&start), 5000);
	ck_assert_int_eq(heard.count, 1);
}
END_TEST

/* The timeout is for the answer to begin, not for events to come. */
START_TEST(a_quiet_stream_outlives_the_timeout)
{
	struct heard heard = {.close_at = 1};
	struct timespec start;
	int fds[2];

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND}, {"/events ", OK_HEAD "\r\n", HANG}});
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(open_impatiently(), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!fork()) {
		usleep(SHORT_MS * 1500);
		_exit(write(fds[1], "x", 1) != 1);
	}
	ck_assert_int_eq(fim_docker_events(docker, 0, hear, fds[0], &heard), -ECANCELED);
	ck_assert_int_gt(ms_since(&start), SHORT_MS);
}
END_TEST

/* As the daemon does: an event is the hint, inspect is the answer. */
static int inspect_it(void *ctx, const struct fim_json *event)
{
	struct fim_json *container = NULL;
	int *err = ctx;

	*err = fim_docker_inspect(docker, fim_json_str(fim_json_at(event, "Actor/ID")), &container);
	fim_json_free(container);
	return 0;
}

START_TEST(a_listener_may_inspect)
{
	int err = -1;

	START_ENGINE({{"GET /_ping ", PING("1.44"), SEND},
		      {"/events ", OK_HEAD "\r\n" NEW_EVENT, SEND},
		      {"/containers/a1/json ", JSON_HEAD "{}", SEND},
		      {"/info ", JSON_HEAD "{}", SEND}});
	ck_assert_int_eq(open_engine(), 0);
	ck_assert_int_eq(fim_docker_events(docker, 0, inspect_it, -1, &err), 0);
	ck_assert_int_eq(err, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("docker");
	TCase *tcase = tcase_create("docker");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, fixture_setup, teardown);
	tcase_add_test(tcase, no_socket_is_enoent);
	tcase_add_test(tcase, a_socket_without_a_listener_refuses);
	tcase_add_test(tcase, a_path_that_cannot_be_a_socket_is_refused_before_asking_the_network);
	tcase_add_loop_test(tcase, the_version_is_the_older_of_the_two_and_not_below_1_24, 0,
			    COUNT(pings));
	tcase_add_test(tcase, an_engine_that_says_nothing_times_out);
	tcase_add_test(tcase, every_url_has_the_version_and_all_is_asked_for);
	tcase_add_loop_test(tcase, an_answer_is_what_was_asked_for_or_an_error, 0, COUNT(lists));
	tcase_add_test(tcase, an_answer_without_end_is_cut_off);
	tcase_add_test(tcase, a_header_that_continues_the_answer_before_is_survived);
	tcase_add_test(tcase, a_slow_answer_is_waited_for_up_to_the_timeout);
	tcase_add_test(tcase, a_request_ends_when_somebody_wants_the_thread);
	tcase_add_test(tcase, an_answer_of_nothing_but_brackets_is_refused_before_it_takes_memory);
	tcase_add_test(tcase, an_exec_is_inspected_by_its_id);
	tcase_add_test(tcase, a_nul_in_a_label_does_not_hide_the_list);
	tcase_add_loop_test(tcase, what_is_not_an_id_never_gets_into_a_url, 0, COUNT(bad_ids));
	tcase_add_test(tcase, a_container_that_is_gone_is_enoent);
	tcase_add_test(tcase, inspect_adds_what_the_engine_says_of_its_defaults);
	tcase_add_test(tcase, inspect_works_without_the_defaults);
	tcase_add_loop_test(tcase, a_stream_is_cut_into_events_however_it_arrives, 0,
			    COUNT(streams));
	tcase_add_test(tcase, since_is_seconds_with_nine_digits);
	tcase_add_test(tcase, a_listener_may_end_the_stream);
	tcase_add_loop_test(tcase, the_stop_descriptor_wakes_a_silent_stream, 0, 2);
	tcase_add_test(tcase, a_quiet_stream_outlives_the_timeout);
	tcase_add_test(tcase, a_listener_may_inspect);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
