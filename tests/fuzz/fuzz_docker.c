/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of an engine: through a real socket and libcurl, and faster
 * through the part that cuts a stream into events.  The first byte chooses.
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/lib/lib_private.h"

#define TIMEOUT_MS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the fake engine says, to everything but a ping; copied, since a connection may outlive it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *answer;
static size_t answer_len;
static char socket_path[64];

static void serve_one(int fd)
{
	static const char pong[] =
		"HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nConnection: close\r\n\r\n";
	char request[2048] = "";
	uint8_t *copy;
	ssize_t got;
	size_t len;

	got = read(fd, request, sizeof(request) - 1);
	if (got <= 0)
		return;
	if (strstr(request, "/_ping")) {
		(void)!write(fd, pong, sizeof(pong) - 1);
		return;
	}
	pthread_mutex_lock(&lock);
	len = answer_len;
	copy = malloc(len + 1);
	memcpy(copy, answer, len);
	pthread_mutex_unlock(&lock);
	(void)!send(fd, copy, len, MSG_NOSIGNAL);
	free(copy);
}

static void *serve(void *listener)
{
	int fd;

	while ((fd = accept(*(int *)listener, NULL, NULL)) >= 0) {
		serve_one(fd);
		close(fd);
	}
	return NULL;
}

static void remove_socket(void)
{
	unlink(socket_path);
}

static void start_engine(void)
{
	static int listener;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	snprintf(socket_path, sizeof(socket_path), "/tmp/ecs-fim-fuzz.%d", (int)getpid());
	strcpy(address.sun_path, socket_path);
	atexit(remove_socket);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(listen(listener, 8) == 0);
	assert(pthread_create(&thread, NULL, serve, &listener) == 0);
}

static int on_event(void *ctx, const struct fim_json *event)
{
	(void)ctx;
	assert(fim_json_get_str(event, "Type") && fim_json_get_str(event, "Action"));
	assert(fim_json_is_object(fim_json_get(event, "Actor")));
	return 0;
}

static void try_engine(const uint8_t *data, size_t size)
{
	struct fim_json *json;
	struct fim_docker *docker;

	if (!*socket_path)
		start_engine();
	pthread_mutex_lock(&lock);
	free(answer);
	answer = malloc(size + 1);
	memcpy(answer, data, size);
	answer_len = size;
	pthread_mutex_unlock(&lock);
	assert(fim_docker_open(socket_path, TIMEOUT_MS, &docker) == 0);
	if (fim_docker_list(docker, true, &json) == 0) {
		assert(fim_json_is_array(json));
		fim_json_free(json);
	}
	if (fim_docker_inspect(docker, "a", &json) == 0) {
		assert(fim_json_is_object(json));
		fim_json_free(json);
	}
	fim_docker_events(docker, 0, on_event, -1, NULL);
	fim_docker_close(docker);
}

static int on_object(void *ctx, const char *text, size_t len)
{
	size_t *total = ctx;

	assert(len >= 2 && text[0] == '{' && text[len - 1] == '}');
	*total += len;
	return 0;
}

/* However the bytes are cut, the same objects come out. */
static size_t split(const uint8_t *data, size_t size, size_t piece, int *err_ret)
{
	size_t total = 0, at, len;
	struct fim_splitter *splitter = fim_splitter_new(on_object, &total);
	int err = 0;

	for (at = 0; at < size && !err; at += len) {
		len = size - at < piece ? size - at : piece;
		err = fim_splitter_feed(splitter, (const char *)data + at, len);
	}
	fim_splitter_free(splitter);
	*err_ret = err;
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int whole_err, pieces_err;

	if (!size)
		return 0;
	if (data[0] & 1) {
		try_engine(data + 1, size - 1);
		return 0;
	}
	if (split(data + 1, size - 1, size, &whole_err) !=
		    split(data + 1, size - 1, 1u + data[0] / 2, &pieces_err) ||
	    whole_err != pieces_err)
		abort();
	return 0;
}
