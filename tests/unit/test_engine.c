/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's thread that follows Docker, against an engine with as many containers as
 * a test wants, that is slow, forgets events, hangs or is replaced.
 */
#include "fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "userspace/daemon/daemon.h"

#define MANY	    10000
#define PATIENCE_MS (60000 * fixture_slowness()) /* a busy machine is no fault */
#define RECOVER_MS  5000
#define LATE_NS	    (INT64_C(5) * 1000000000)
#define CONNECTIONS 64
#define ID_FORMAT   "%064x"
#define HEAD	    "HTTP/1.1 200 OK\r\nConnection: close\r\nApi-Version: 1.41\r\n"

/* What test and fake engine both see. */
struct shared {
	volatile int count;	 /* containers that are listed */
	volatile int running;	 /* of them, the last ones */
	volatile int inspect_us; /* how long an inspection takes */
	volatile bool hang;	 /* answers nothing but its name */
	volatile bool locked;	 /* inspects nothing, as while containers start */
	volatile int late_event; /* tell once of container 0, that long after it */
	volatile int inspected;
};

static struct shared *shared;
static struct engine engine;
static pid_t server;

/* ---- the fake engine */

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t got = write(fd, text, len);

		if (got <= 0)
			return;
		text += got;
		len -= (size_t)got;
	}
}

static const char *state_of(int i)
{
	return i >= shared->count - shared->running ? "running" : "exited";
}

static void say_list(int fd)
{
	FILE *out = fdopen(dup(fd), "w");

	fprintf(out, HEAD "\r\n[");
	for (int i = 0; i < shared->count; i++)
		fprintf(out,
			"%s{\"Id\":\"" ID_FORMAT "\",\"State\":\"%s\",\"Names\":[\"/c%d\"],"
			"\"Image\":\"img\",\"ImageID\":\"sha256:%d\","
			"\"Labels\":{\"com.amazonaws.ecs.task-arn\":"
			"\"arn:aws:ecs:eu-west-1:123456789012:task/demo/%032x\"}}",
			i ? "," : "", i, state_of(i), i, i, i);
	fprintf(out, "]");
	fclose(out);
}

static void say_container(int fd, const char *id)
{
	char text[1024];

	shared->inspected++;
	usleep((useconds_t)shared->inspect_us);
	snprintf(text, sizeof(text),
		 HEAD "\r\n{\"Id\":\"%.64s\",\"Name\":\"/c\",\"Image\":\"sha256:0\","
		      "\"State\":{\"Running\":false,\"Pid\":0},\"Config\":{\"Image\":\"img\","
		      "\"Labels\":{\"com.amazonaws.ecs.task-arn\":"
		      "\"arn:aws:ecs:eu-west-1:123456789012:task/demo/%.32s\"}},"
		      "\"HostConfig\":{\"Privileged\":false}}",
		 id, id + 32);
	say(fd, text);
}

/* True: the stream of events, which stays open. */
static bool serve(int fd)
{
	char request[4096] = "";
	const char *id;

	if (read(fd, request, sizeof(request) - 1) <= 0)
		return false;
	if (strstr(request, "/_ping")) {
		say(fd, HEAD "Content-Length: 2\r\n\r\nOK");
		return false;
	}
	if (shared->hang)
		return true;
	id = strstr(request, "/containers/");
	if (strstr(request, "/events")) {
		say(fd, HEAD "\r\n");
		return true;
	}
	if (strstr(request, "/containers/json"))
		say_list(fd);
	else if (id && strlen(id) > 76 && shared->locked)
		return true;
	else if (id && strlen(id) > 76)
		say_container(fd, id + 12);
	else
		say(fd, HEAD "\r\n{}");
	return false;
}

static void tell_late(int fd)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID_FORMAT
		 "\"},\"timeNano\":%lld}\n",
		 0, (long long)(fim_time_now() - LATE_NS));
	say(fd, text);
}

static _Noreturn void engine_run(int listener)
{
	int open[CONNECTIONS], count = 0;

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		struct pollfd pfd = {.fd = listener, .events = POLLIN};

		if (poll(&pfd, 1, 5) == 1) {
			int fd = accept(listener, NULL, NULL);

			if (serve(fd) && count < CONNECTIONS)
				open[count++] = fd;
			else
				close(fd);
		}
		if (shared->late_event && count) {
			shared->late_event = 0;
			tell_late(open[count - 1]);
		}
	}
}

static void server_start(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink("sock");
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	server = fork();
	if (!server)
		engine_run(fd);
	close(fd);
}

static void server_stop(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* ---- what the thread tells */

static struct engine_news *queue;
static int told;

static void setup(void)
{
	fixture_setup();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void teardown(void)
{
	while (queue) {
		struct engine_news *next = queue->next;

		engine_news_free(queue);
		queue = next;
	}
	engine_stop(&engine);
	server_stop();
	fixture_teardown();
}

static void follow_engine(void)
{
	ck_assert_int_eq(engine_start(&engine, "sock", "", ENGINE_TIMEOUT_MS), 0);
}

static struct engine_news *await_any(void)
{
	int64_t start = now_ms();
	struct engine_news *news;

	while (!queue) {
		struct pollfd pfd = {.fd = engine.news_fd, .events = POLLIN};

		ck_assert_msg(now_ms() - start < PATIENCE_MS, "nothing was told");
		poll(&pfd, 1, 100);
		queue = engine_take(&engine);
	}
	news = queue;
	queue = news->next;
	return news;
}

/* Take news up to one of that kind. */
static struct engine_news *await_news(int what)
{
	told = 0;
	for (;;) {
		struct engine_news *news = await_any();

		told += news->what == ENGINE_CONTAINER;
		if ((int)news->what == what)
			return news;
		engine_news_free(news);
	}
}

/* How long it took. */
static int64_t await(int what)
{
	int64_t start = now_ms();

	engine_news_free(await_news(what));
	return now_ms() - start;
}

/* The id of the next container that is told. */
static void await_container(char id[65])
{
	struct engine_news *news = await_news(ENGINE_CONTAINER);

	snprintf(id, 65, "%s", news->container->id);
	engine_news_free(news);
}

START_TEST(an_engine_is_up_before_all_of_its_containers_were_asked_for)
{
	shared->count = 200;
	shared->inspect_us = 50000;
	server_start();
	follow_engine();
	ck_assert(await(ENGINE_UP) < RECOVER_MS);
	ck_assert_int_eq(told, 0);
}
END_TEST

START_TEST(what_runs_is_told_before_what_ended)
{
	char id[65], wanted[65];

	shared->count = 200;
	shared->running = 3;
	server_start();
	follow_engine();
	for (int i = 197; i < 200; i++) {
		await_container(id);
		snprintf(wanted, sizeof(wanted), ID_FORMAT, i);
		ck_assert_str_eq(id, wanted);
	}
	await_container(id);
	snprintf(wanted, sizeof(wanted), ID_FORMAT, 0);
	ck_assert_str_eq(id, wanted);
}
END_TEST

START_TEST(who_is_waited_for_does_not_wait_for_all_others)
{
	char id[65], wanted[65];
	int before = 0;

	shared->count = 200;
	shared->inspect_us = 20000;
	server_start();
	follow_engine();
	await(ENGINE_UP);
	snprintf(wanted, sizeof(wanted), ID_FORMAT, 199);
	engine_ask(&engine, wanted);
	engine_ask(&engine, wanted);
	for (;; before++) {
		await_container(id);
		if (strcmp(id, wanted) == 0)
			break;
	}
	ck_assert_int_lt(before, 100);
	await_container(id);
	ck_assert_str_ne(id, wanted); /* asked for twice, told once */
}
END_TEST

/* Who a container is; what it may do, nobody said. */
static void check_identity(int i)
{
	char wanted[128];
	struct engine_news *news;
	struct fim_json *json;

	snprintf(wanted, sizeof(wanted), ID_FORMAT, i);
	engine_ask(&engine, wanted);
	news = await_news(ENGINE_IDENTITY);
	ck_assert_str_eq(news->container->id, wanted);
	snprintf(wanted, sizeof(wanted), "c%d", i);
	ck_assert_str_eq(news->container->name, wanted);
	snprintf(wanted, sizeof(wanted), "sha256:%d", i);
	ck_assert_str_eq(news->container->image_id, wanted);
	ck_assert_str_eq(news->container->image, "img");
	snprintf(wanted, sizeof(wanted), "arn:aws:ecs:eu-west-1:123456789012:task/demo/%032x", i);
	ck_assert_str_eq(news->container->task_arn, wanted);
	json = fim_container_to_json(news->container);
	ck_assert_str_eq(fim_json_get_str(json, "account"), "123456789012");
	ck_assert_ptr_null(fim_json_get(json, "privileged"));
	ck_assert_ptr_null(fim_json_get(json, "flagged"));
	fim_json_free(json);
	engine_news_free(news);
}

START_TEST(who_a_container_is_is_told_while_nothing_can_be_inspected)
{
	int64_t start;
	char id[65];

	shared->count = 20;
	server_start();
	follow_engine();
	await(ENGINE_LISTED);
	shared->locked = true;
	start = now_ms();
	/* From the second on, one that is being inspected is left for it. */
	for (int i = 5; i < 15; i++)
		check_identity(i);
	ck_assert_int_lt(now_ms() - start, RECOVER_MS);
	shared->locked = false;
	/* The first one's inspection may hang until it is asked for again. */
	snprintf(id, sizeof(id), ID_FORMAT, 15);
	engine_ask(&engine, id);
	for (int i = 5; i < 16; i++) {
		char wanted[65];

		await_container(id);
		snprintf(wanted, sizeof(wanted), ID_FORMAT, i);
		ck_assert_str_eq(id, wanted);
	}
}
END_TEST

START_TEST(an_engine_whose_containers_are_all_locked_is_not_down)
{
	int identified = 0, refused = 0, down = 0;
	bool listed = false;

	shared->count = 5;
	shared->locked = true;
	server_start();
	ck_assert_int_eq(engine_start(&engine, "sock", "", 300), 0);
	await(ENGINE_UP);
	while (!listed) {
		struct engine_news *news = await_any();

		identified += news->what == ENGINE_IDENTITY;
		refused += news->what == ENGINE_REFUSED;
		down += news->what == ENGINE_DOWN;
		listed = news->what == ENGINE_LISTED;
		engine_news_free(news);
	}
	ck_assert_int_eq(identified, 5);
	ck_assert_int_eq(refused, 5);
	ck_assert_int_eq(down, 0);
	/* One that does not list them either is. */
	shared->hang = true;
	engine_ask(&engine, "0000000000000000000000000000000000000000000000000000000000000001");
	await(ENGINE_DOWN);
}
END_TEST

START_TEST(ten_thousand_containers_are_told_in_bounded_memory)
{
	struct rusage usage;

	shared->count = MANY;
	server_start();
	follow_engine();
	await(ENGINE_UP);
	await(ENGINE_LISTED);
	ck_assert_int_eq(told, MANY);
	ck_assert_int_eq(shared->inspected, MANY);
	getrusage(RUSAGE_SELF, &usage);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt(usage.ru_maxrss, 100000);
#endif
}
END_TEST

START_TEST(one_that_hangs_is_left_when_another_takes_its_socket)
{
	shared->hang = true;
	shared->count = 3;
	server_start();
	follow_engine();
	usleep(300000); /* it is being asked now */
	server_stop();
	shared->hang = false;
	server_start();
	ck_assert(await(ENGINE_UP) < RECOVER_MS);
	await(ENGINE_LISTED);
	ck_assert_int_eq(told, 3);
}
END_TEST

/* After a restart Docker knows 256 events at most, and no reader hears of the others. */
START_TEST(what_no_event_told_is_in_the_list_after_a_restart)
{
	shared->count = 1;
	server_start();
	follow_engine();
	await(ENGINE_LISTED);
	ck_assert_int_eq(told, 1);
	server_stop();
	shared->count = 301;
	server_start();
	await(ENGINE_DOWN);
	ck_assert(await(ENGINE_UP) < RECOVER_MS);
	await(ENGINE_LISTED);
	ck_assert_int_eq(told, 301);
}
END_TEST

/* Docker drops events of a reader that is slow, without a word: late ones are the sign. */
START_TEST(late_events_are_followed_by_a_list)
{
	shared->count = 1;
	server_start();
	follow_engine();
	await(ENGINE_LISTED);
	usleep(300000); /* the stream is open now */
	shared->count = 301;
	shared->late_event = 1;
	ck_assert(await(ENGINE_LISTED) < 30000);
	ck_assert_int_eq(told, 302); /* the list, and the one that the event named */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("engine");

	tcase_set_timeout(tcase, 200);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_engine_is_up_before_all_of_its_containers_were_asked_for);
	tcase_add_test(tcase, what_runs_is_told_before_what_ended);
	tcase_add_test(tcase, who_is_waited_for_does_not_wait_for_all_others);
	tcase_add_test(tcase, who_a_container_is_is_told_while_nothing_can_be_inspected);
	tcase_add_test(tcase, an_engine_whose_containers_are_all_locked_is_not_down);
	tcase_add_test(tcase, ten_thousand_containers_are_told_in_bounded_memory);
	tcase_add_test(tcase, one_that_hangs_is_left_when_another_takes_its_socket);
	tcase_add_test(tcase, what_no_event_told_is_in_the_list_after_a_restart);
	tcase_add_test(tcase, late_events_are_followed_by_a_list);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
