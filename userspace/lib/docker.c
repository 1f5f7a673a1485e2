/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker Engine API over its UNIX socket; beside aws.c the only file that uses libcurl.
 *
 * What the engine sends is read as if it came from an enemy: labels, names and
 * environment are chosen by whoever creates a container.  Nothing is read without
 * a bound, nothing is waited for without a limit, and no name gets into a URL
 * unchecked.
 *
 * The event stream is a hint (the engine drops events of slow readers and on
 * restart); the control is a full list with inspection.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "curl.h"
#include "lib_private.h"

#define MAX_MESSAGE   512 /* bytes of an error body that are worth a log line */
#define MAX_NAME      255
#define API_MAJOR     1
#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)
/* How often to look at the clock: until the answer begins, and later. */
#define POLL_BEGIN_MS 50
#define POLL_MS	      60000

struct fim_docker {
	char *socket_path;
	uint32_t timeout_ms;
	int wake_fd; /* requests end when it is readable; -1: none */
	char version[16];
	struct fim_json
		*engine; /* what judging a container needs of GET /info; NULL: not asked yet */
};

/* ---------------------------------------------------------------- splitter */

#define MAX_EVENT ((size_t)1 << 20)

struct fim_splitter {
	int (*fn)(void *ctx, const char *text, size_t len);
	void *ctx;
	char *buf;
	size_t len, room;
	size_t depth;
	bool in_string, escaped;
};

struct fim_splitter *fim_splitter_new(int (*fn)(void *ctx, const char *text, size_t len), void *ctx)
{
	struct fim_splitter *splitter = calloc(1, sizeof(*splitter));

	if (splitter) {
		splitter->fn = fn;
		splitter->ctx = ctx;
	}
	return splitter;
}

void fim_splitter_free(struct fim_splitter *splitter)
{
	if (splitter)
		free(splitter->buf);
	free(splitter);
}

bool fim_splitter_is_empty(const struct fim_splitter *splitter)
{
	return splitter->len == 0;
}

static int splitter_keep(struct fim_splitter *splitter, char byte)
{
	char *larger;
	size_t room;

	if (splitter->len == MAX_EVENT)
		return -EMSGSIZE;
	if (splitter->len == splitter->room) {
		room = splitter->room ? 2 * splitter->room : 4096;
		larger = realloc(splitter->buf, room);
		if (!larger)
			return -ENOMEM;
		splitter->buf = larger;
		splitter->room = room;
	}
	splitter->buf[splitter->len++] = byte;
	return 0;
}

/* True if @byte closes the outermost object. Brackets are not matched: the parser does that. */
static bool splitter_step(struct fim_splitter *splitter, char byte)
{
	if (splitter->in_string) {
		if (splitter->escaped)
			splitter->escaped = false;
		else if (byte == '\\')
			splitter->escaped = true;
		else if (byte == '"')
			splitter->in_string = false;
		return false;
	}
	if (byte == '"')
		splitter->in_string = true;
	else if (byte == '{')
		splitter->depth++;
	else if (byte == '}')
		return --splitter->depth == 0;
	return false;
}

int fim_splitter_feed(struct fim_splitter *splitter, const char *bytes, size_t len)
{
	size_t i;
	int err;

	for (i = 0; i < len; i++) {
		if (!splitter->len && strchr(" \t\r\n", bytes[i]) && bytes[i])
			continue;
		if (!splitter->len && bytes[i] != '{')
			return -EPROTO;
		err = splitter_keep(splitter, bytes[i]);
		if (err)
			return err;
		if (!splitter_step(splitter, bytes[i]))
			continue;
		err = splitter->fn(splitter->ctx, splitter->buf, splitter->len);
		if (err)
			return err;
		splitter->len = 0;
	}
	return 0;
}

/* ---------------------------------------------------------------- requests */

/*
 * struct reply - what one request got
 * @body: malloc'ed, not NUL-terminated
 * @len: its length
 * @room: allocated
 * @api: value of the Api-Version header, "" if none
 * @status: HTTP status, 0 until there is one
 * @headers_done: the body begins
 * @in_string: what was read of the body ends inside a string; @escaped: after a backslash there
 * @values: how many there are in it, about
 * @err: why the body was refused, 0 if it was not
 */
struct reply {
	char *body;
	size_t len, room;
	char api[16];
	long status;
	bool headers_done;
	bool in_string, escaped;
	size_t values;
	int err;
};

/*
 * A tree takes many times the memory of its text when that is nothing but brackets.
 * Ten thousand containers with their labels stay well below this.  Counted as it comes:
 * who sends a gigabyte of them is not listened to for long.
 */
#define MAX_VALUES 2000000

static bool has_too_many_values(struct reply *reply, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (reply->escaped)
			reply->escaped = false;
		else if (bytes[i] == '"')
			reply->in_string = !reply->in_string;
		else if (reply->in_string)
			reply->escaped = bytes[i] == '\\';
		else
			reply->values += bytes[i] == ',' || bytes[i] == '[' || bytes[i] == '{';
	}
	return reply->values > MAX_VALUES;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct reply *reply = ctx;
	char *larger;
	size_t room;

	(void)one;
	if (len > FIM_JSON_MAX_BYTES - reply->len || has_too_many_values(reply, bytes, len)) {
		reply->err = -E2BIG;
		return 0;
	}
	if (reply->len + len > reply->room) {
		room = reply->len + len + reply->room;
		larger = realloc(reply->body, room);
		if (!larger) {
			reply->err = -ENOMEM;
			return 0;
		}
		reply->body = larger;
		reply->room = room;
	}
	memcpy(reply->body + reply->len, bytes, len);
	reply->len += len;
	return len;
}

static size_t on_header(char *bytes, size_t one, size_t len, void *ctx)
{
	static const char name[] = "api-version:";
	struct reply *reply = ctx;
	size_t i, out = 0;

	(void)one;
	reply->headers_done |= len == 2; /* the empty line */
	if (len < sizeof(name) || strncasecmp(bytes, name, sizeof(name) - 1) != 0)
		return len;
	for (i = sizeof(name) - 1; i < len && out < sizeof(reply->api) - 1; i++)
		if (!isspace((unsigned char)bytes[i]))
			reply->api[out++] = bytes[i];
	reply->api[out] = '\0';
	return len;
}

/* What libcurl says, in the numbers that callers tell apart. */
static int curl_errno(CURL *curl, CURLcode code)
{
	long os_err = 0;

	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST: /* 7.x says so for a socket path that is too long */
		fim_curl.easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_err);
		return os_err > 0 ? -(int)os_err : -ECONNREFUSED;
	default:
		return -EPROTO;
	}
}

/*
 * One per request: older libcurls (7.83 on, github.com/curl/curl/issues/11101) keep a
 * pointer into the headers of the answer before, and follow it when the next answer
 * begins with a folded line.
 */
static CURL *easy_new(const struct fim_docker *docker)
{
	CURL *curl = fim_curl.easy_init();
	CURLcode code;

	if (!curl)
		return NULL;
	code = fim_curl.easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, docker->socket_path);
	if (code == CURLE_OK)
		code = fim_curl.easy_setopt(curl, CURLOPT_NOPROXY, "*");
#if LIBCURL_VERSION_NUM >= 0x075500
	if (code == CURLE_OK)
		code = fim_curl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
#else
	if (code == CURLE_OK)
		code = fim_curl.easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP);
#endif
	if (code != CURLE_OK) {
		fim_curl.easy_cleanup(curl);
		return NULL;
	}
	fim_curl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	fim_curl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	fim_curl.easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	fim_curl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)docker->timeout_ms);
	return curl;
}

static char *request_url(const struct fim_docker *docker, const char *path)
{
	char *url;

	/* The host is not used; it only has to be one that no name service is asked for. */
	if (asprintf(&url, "http://localhost%s%s%s", *docker->version ? "/v" : "", docker->version,
		     path) < 0)
		return NULL;
	return url;
}

static void log_refusal(const struct fim_docker *docker, const char *path,
			const struct reply *reply)
{
	size_t len = reply->len < MAX_MESSAGE ? reply->len : MAX_MESSAGE;
	char *text = fim_escape(reply->body ? reply->body : "", len);

	fim_log(reply->status == 404 ? LOG_INFO : LOG_ERR, "%s: GET %s: status %ld: %s",
		docker->socket_path, path, reply->status, text ? text : "");
	free(text);
}

/* Also when the other end was closed, which libcurl waits for but does not report. */
static bool is_ready(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

/* 1: go on. 0: the transfer is over, *code_ret says how. -errno: stop. */
static int stream_turn(CURLM *multi, int stop_fd, int poll_ms, CURLcode *code_ret)
{
	struct curl_waitfd stop = {.fd = stop_fd, .events = CURL_WAIT_POLLIN};
	CURLMsg *message;
	int running, left;

	if (fim_curl.multi_perform(multi, &running) != CURLM_OK)
		return -EIO;
	if (!running) {
		message = fim_curl.multi_info_read(multi, &left);
		*code_ret = message ? message->data.result : CURLE_RECV_ERROR;
		return 0;
	}
	if (fim_curl.multi_poll(multi, &stop, stop_fd >= 0 ? 1 : 0, poll_ms, NULL) != CURLM_OK)
		return -EIO;
	return is_ready(stop_fd) ? -ECANCELED : 1;
}

/* One request, unless the wake descriptor becomes readable: -ECANCELED. */
static int easy_run(const struct fim_docker *docker, CURL *curl, CURLcode *code_ret)
{
	CURLM *multi = fim_curl.multi_init();
	int turn = -ENOMEM;

	if (multi && fim_curl.multi_add_handle(multi, curl) == CURLM_OK) {
		do
			turn = stream_turn(multi, docker->wake_fd, POLL_MS, code_ret);
		while (turn > 0);
		fim_curl.multi_remove_handle(multi, curl);
	}
	fim_curl.multi_cleanup(multi);
	return turn;
}

/*
 * Why nobody answered: libcurl's versions disagree on how they say that there is no
 * socket, or nobody behind it.
 */
static int connect_errno(const char *path, int err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err;
	strcpy(address.sun_path, path); /* fim_docker_open() measured it */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EAGAIN)
		err = -errno;
	close(fd);
	return err;
}

static int perform(struct fim_docker *docker, const char *path, struct reply *reply)
{
	char *url = request_url(docker, path);
	CURL *curl = easy_new(docker);
	CURLcode code;
	int err;

	if (!url || !curl) {
		err = -ENOMEM;
		goto out;
	}
	fim_curl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)docker->timeout_ms);
	fim_curl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	fim_curl.easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	fim_curl.easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	code = fim_curl.easy_setopt(curl, CURLOPT_URL, url);
	if (code != CURLE_OK) {
		err = -ENOMEM;
		goto out;
	}
	err = easy_run(docker, curl, &code);
	if (!err)
		err = reply->err ? reply->err : curl_errno(curl, code);
	fim_curl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
	if (err == -EPROTO && !reply->status)
		err = connect_errno(docker->socket_path, err);
	if (err == -ECANCELED)
		goto out;
	if (err) {
		fim_log(LOG_ERR, "%s: GET %s: %s: %s", docker->socket_path, path,
			reply->err ? "refused" : fim_curl.easy_strerror(code), strerror(-err));
	} else if (reply->status != 200) {
		log_refusal(docker, path, reply);
		err = reply->status == 404 ? -ENOENT : -EPROTO;
	}
out:
	fim_curl.easy_cleanup(curl);
	free(url);
	return err;
}

/*
 * A label may hold NUL (JSON \u0000), which no C string can.  In a list, one such
 * label would hide every container; so it becomes U+FFFD, as invalid UTF-8 does
 * in the engine.  Backslashes only stand inside strings.
 */
static void replace_nuls(char *json, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i++) {
		if (json[i] != '\\')
			continue;
		if (i + 6 <= len && memcmp(json + i, "\\u0000", 6) == 0)
			memcpy(json + i, "\\ufffd", 6);
		i++;
	}
}

static int get_json(struct fim_docker *docker, const char *path, bool want_array,
		    struct fim_json **json_ret)
{
	struct reply reply = {.body = NULL};
	struct fim_json *json;
	int err;

	err = perform(docker, path, &reply);
	if (err)
		goto out;
	replace_nuls(reply.body, reply.len);
	err = fim_json_parse(reply.body ? reply.body : "", reply.len, path, &json);
	if (err)
		goto out;
	if (want_array ? !fim_json_is_array(json) : !fim_json_is_object(json)) {
		fim_log(LOG_ERR, "%s: GET %s: not the kind of answer that was asked for",
			docker->socket_path, path);
		fim_json_free(json);
		err = -EPROTO;
		goto out;
	}
	*json_ret = json;
out:
	free(reply.body);
	return err;
}

/* -------------------------------------------------------------------- open */

static int agree_on_version(struct fim_docker *docker)
{
	struct reply reply = {.body = NULL};
	unsigned int major, minor;
	int err, end = 0;

	err = perform(docker, "/_ping", &reply);
	free(reply.body);
	if (err) /* 404: a server, but no engine */
		return reply.status == 404 ? -EPROTO : err;
	if (sscanf(reply.api, "%2u.%4u%n", &major, &minor, &end) != 2 ||
	    (size_t)end != strlen(reply.api) || major != API_MAJOR) {
		fim_log(LOG_ERR, "%s: not a Docker engine: no usable Api-Version",
			docker->socket_path);
		return -EPROTO;
	}
	if (minor < FIM_DOCKER_API_MIN) {
		fim_log(LOG_ERR, "%s: API %u.%u is too old, %d.%d is needed", docker->socket_path,
			major, minor, API_MAJOR, FIM_DOCKER_API_MIN);
		return -EPROTO;
	}
	if (minor > FIM_DOCKER_API_MAX)
		minor = FIM_DOCKER_API_MAX;
	snprintf(docker->version, sizeof(docker->version), "%d.%u", API_MAJOR, minor);
	return 0;
}

int fim_docker_open(const char *socket_path, uint32_t timeout_ms, struct fim_docker **docker_ret)
{
	return fim_docker_open_wakeable(socket_path, timeout_ms, -1, docker_ret);
}

int fim_docker_open_wakeable(const char *socket_path, uint32_t timeout_ms, int wake_fd,
			     struct fim_docker **docker_ret)
{
	struct fim_docker *docker;
	int err;

	/* libcurl would fall back to TCP for an empty path. */
	if (!*socket_path ||
	    strlen(socket_path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		fim_log(LOG_ERR, "\"%s\": not a path of a socket", socket_path);
		return -EINVAL;
	}
	err = fim_curl_load();
	if (err)
		return err;
	err = -ENOMEM;
	/* Counted by libcurl; HTTP over a UNIX socket needs none of its subsystems. */
	if (fim_curl.global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return -ENOMEM;
	docker = calloc(1, sizeof(*docker));
	if (!docker) {
		fim_curl.global_cleanup();
		return -ENOMEM;
	}
	docker->timeout_ms = timeout_ms;
	docker->wake_fd = wake_fd;
	docker->socket_path = strdup(socket_path);
	if (!docker->socket_path)
		goto err_close;
	err = agree_on_version(docker);
	if (err)
		goto err_close;
	*docker_ret = docker;
	return 0;

err_close:
	fim_docker_close(docker);
	return err;
}

void fim_docker_close(struct fim_docker *docker)
{
	if (!docker)
		return;
	fim_json_free(docker->engine);
	free(docker->socket_path);
	free(docker);
	fim_curl.global_cleanup();
}

const char *fim_docker_api_version(const struct fim_docker *docker)
{
	return docker->version;
}

/* -------------------------------------------------------- list and inspect */

int fim_docker_list(struct fim_docker *docker, bool all, struct fim_json **containers_ret)
{
	return get_json(docker, all ? "/containers/json?all=1" : "/containers/json", true,
			containers_ret);
}

/* As the engine allows names and ids; nothing else may get into a URL. */
static bool is_container_name(const char *name)
{
	size_t i;

	if (!isalnum((unsigned char)name[0]))
		return false;
	for (i = 1; name[i]; i++)
		if (i >= MAX_NAME || (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i])))
			return false;
	return true;
}

static int check_container_name(const struct fim_docker *docker, const char *name)
{
	if (is_container_name(name))
		return 0;
	fim_log(LOG_ERR, "%s: not a container's id or name", docker->socket_path);
	return -EINVAL;
}

int fim_docker_summary(struct fim_docker *docker, const char *id, struct fim_json **summary_ret)
{
	struct fim_json *list;
	char *path;
	int err = check_container_name(docker, id);

	if (err)
		return err;
	/* filters={"id":["…"]} */
	if (asprintf(&path,
		     "/containers/json?all=1&filters=%%7B%%22id%%22%%3A%%5B%%22%s%%22%%5D%%7D",
		     id) < 0)
		return -ENOMEM;
	err = get_json(docker, path, true, &list);
	free(path);
	if (err)
		return err;
	err = -ENOENT;
	/* Whoever's id begins like it is listed as well. */
	for (size_t i = 0; i < fim_json_count(list) && err; i++) {
		struct fim_json *entry = fim_json_index(list, i);
		const char *found = fim_json_get_str(entry, "Id");

		if (!found || strcmp(found, id) != 0)
			continue;
		*summary_ret = fim_json_ref(entry);
		err = 0;
	}
	fim_json_free(list);
	return err;
}

/* Defaults of the engine: without them some of a container's settings cannot be judged. */
static int ask_engine(struct fim_docker *docker)
{
	struct fim_json *info, *engine, *options;
	int err;

	if (docker->engine)
		return 0;
	err = get_json(docker, "/info", false, &info);
	if (err)
		return err;
	engine = fim_json_object();
	fim_json_set_str(engine, "Socket", docker->socket_path);
	fim_json_set_str(engine, "CgroupVersion", fim_json_get_str(info, "CgroupVersion"));
	fim_json_set_str(engine, "DockerRootDir", fim_json_get_str(info, "DockerRootDir"));
	options = fim_json_get(info, "SecurityOptions");
	if (options)
		fim_json_set(engine, "SecurityOptions", fim_json_ref(options));
	fim_json_free(info);
	docker->engine = engine;
	return 0;
}

int fim_docker_inspect(struct fim_docker *docker, const char *id, struct fim_json **container_ret)
{
	struct fim_json *container;
	char *path;
	int err = check_container_name(docker, id);

	if (err)
		return err;
	if (asprintf(&path, "/containers/%s/json", id) < 0)
		return -ENOMEM;
	err = get_json(docker, path, false, &container);
	free(path);
	if (err)
		return err;
	err = ask_engine(docker);
	if (err == -ECANCELED) {
		fim_json_free(container);
		return err;
	}
	/* Without the defaults the answer is weaker, not wrong: see container.c. */
	if (!err)
		fim_json_set(container, "Engine", fim_json_ref(docker->engine));
	*container_ret = container;
	return 0;
}

int fim_docker_exec(struct fim_docker *docker, const char *id, struct fim_json **exec_ret)
{
	char *path;
	int err;

	if (!is_container_name(id)) {
		fim_log(LOG_ERR, "%s: not the id of an exec", docker->socket_path);
		return -EINVAL;
	}
	if (asprintf(&path, "/exec/%s/json", id) < 0)
		return -ENOMEM;
	err = get_json(docker, path, false, exec_ret);
	free(path);
	return err;
}

/* --------------------------------------------------------------- ECS agent */

#define AGENT_BODY_MAX 1048576

static size_t on_agent_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct reply *reply = ctx;

	if (reply->len + len > AGENT_BODY_MAX) {
		reply->err = -E2BIG;
		return 0;
	}
	return on_body(bytes, one, len, ctx);
}

int fim_http_get_json(const char *url, uint32_t timeout_ms, long *status_ret,
		      struct fim_json **json_ret)
{
	struct reply reply = {.body = NULL};
	struct fim_json *json = NULL;
	CURL *curl;
	int err = fim_curl_load();

	if (err)
		return err;
	if (fim_curl.global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return -ENOMEM;
	curl = fim_curl.easy_init();
	if (!curl) {
		fim_curl.global_cleanup();
		return -ENOMEM;
	}
	fim_curl.easy_setopt(curl, CURLOPT_URL, url);
	fim_curl.easy_setopt(curl, CURLOPT_NOPROXY, "*");
	fim_curl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	fim_curl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	fim_curl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	fim_curl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_agent_body);
	fim_curl.easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
	err = curl_errno(curl, fim_curl.easy_perform(curl));
	if (reply.err)
		err = reply.err;
	fim_curl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
	if (!err && reply.status == 200) {
		err = fim_json_parse(reply.body ? reply.body : "", reply.len, url, &json);
	}
	fim_curl.easy_cleanup(curl);
	fim_curl.global_cleanup();
	free(reply.body);
	if (err)
		return err;
	*status_ret = reply.status;
	*json_ret = json;
	return 0;
}

/* ------------------------------------------------------------------ events */

/*
 * struct stream - an event stream being followed
 * @reply: header, and the body of a refusal
 * @splitter: finds the events in what arrives
 * @err: what ended the stream, also the callback's own value
 */
struct stream {
	CURL *curl;
	struct reply reply;
	struct fim_splitter *splitter;
	int (*event)(void *ctx, const struct fim_json *event);
	void *ctx;
	int err;
};

/* API 1.52 dropped status, id and from; before 1.22 there was nothing else. Give both the same shape. */
static int event_normalise(struct fim_json *event)
{
	const char *id = fim_json_get_str(event, "id");
	const char *from = fim_json_get_str(event, "from");
	struct fim_json *actor, *attributes;

	if (!fim_json_get_str(event, "Action")) {
		if (!fim_json_get_str(event, "status"))
			return -EPROTO;
		fim_json_set(event, "Action", fim_json_ref(fim_json_get(event, "status")));
	}
	if (!fim_json_get_str(event, "Type"))
		fim_json_set_str(event, "Type", "container");
	if (fim_json_is_object(fim_json_get(event, "Actor")))
		return 0;
	actor = fim_json_object();
	attributes = fim_json_object();
	fim_json_set_str(attributes, "image", from);
	fim_json_set_str(actor, "ID", id);
	fim_json_set(actor, "Attributes", attributes);
	fim_json_set(event, "Actor", actor);
	return 0;
}

static int on_event(void *ctx, const char *text, size_t len)
{
	struct stream *stream = ctx;
	struct fim_json *event;
	char *copy;
	int err;

	copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	replace_nuls(copy, len);
	err = fim_json_parse(copy, len, "Docker event", &event);
	free(copy);
	if (err)
		return err;
	err = event_normalise(event);
	if (err)
		fim_log(LOG_ERR, "Docker event: neither Action nor status in it");
	else
		err = stream->event(stream->ctx, event);
	fim_json_free(event);
	return err;
}

static size_t on_stream(char *bytes, size_t one, size_t len, void *ctx)
{
	struct stream *stream = ctx;

	fim_curl.easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &stream->reply.status);
	if (stream->reply.status != 200)
		return on_body(bytes, one, len, &stream->reply);
	stream->err = fim_splitter_feed(stream->splitter, bytes, len);
	return stream->err ? 0 : len;
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* The engine sends its headers at once; what comes later may take for ever. */
static int stream_run(struct stream *stream, CURLM *multi, uint32_t timeout_ms, int stop_fd,
		      CURLcode *code_ret)
{
	int64_t deadline = monotonic_ns() + timeout_ms * NSEC_PER_MSEC;
	bool begun = false;
	int turn;

	for (;;) {
		turn = stream_turn(multi, stop_fd, begun ? POLL_MS : POLL_BEGIN_MS, code_ret);
		if (stream->err)
			return stream->err;
		if (turn <= 0)
			return turn;
		fim_curl.easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &stream->reply.status);
		begun = stream->reply.headers_done && stream->reply.status == 200;
		if (!begun && monotonic_ns() > deadline)
			return -ETIMEDOUT;
	}
}

/* Which of the ways a stream can end this was. */
static int stream_end(const struct fim_docker *docker, struct stream *stream, CURLcode code)
{
	int err;

	fim_curl.easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &stream->reply.status);
	if (!stream->reply.status || !stream->reply.headers_done) {
		err = code == CURLE_OK ? -EPROTO : curl_errno(stream->curl, code);
		fim_log(LOG_ERR, "%s: GET /events: %s", docker->socket_path,
			fim_curl.easy_strerror(code));
		return err;
	}
	if (stream->reply.status != 200) {
		log_refusal(docker, "/events", &stream->reply);
		return -EPROTO;
	}
	/* An engine that stops just closes; half an event is something else. */
	if (!fim_splitter_is_empty(stream->splitter)) {
		fim_log(LOG_ERR, "%s: GET /events: ended inside an event", docker->socket_path);
		return -EPROTO;
	}
	return code == CURLE_OK || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR
		       ? 0
		       : curl_errno(stream->curl, code);
}

static int stream_prepare(const struct fim_docker *docker, struct stream *stream, int64_t since_ns)
{
	char path[64] = "/events";
	CURLcode code;
	char *url;

	if (since_ns > 0)
		snprintf(path, sizeof(path), "/events?since=%" PRId64 ".%09" PRId64,
			 since_ns / NSEC_PER_SEC, since_ns % NSEC_PER_SEC);
	url = request_url(docker, path);
	if (!url)
		return -ENOMEM;
	fim_curl.easy_setopt(stream->curl, CURLOPT_WRITEFUNCTION, on_stream);
	fim_curl.easy_setopt(stream->curl, CURLOPT_WRITEDATA, stream);
	fim_curl.easy_setopt(stream->curl, CURLOPT_HEADERDATA, &stream->reply);
	code = fim_curl.easy_setopt(stream->curl, CURLOPT_URL, url);
	free(url);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

int fim_docker_events(struct fim_docker *docker, int64_t since_ns,
		      int (*event)(void *ctx, const struct fim_json *event), int stop_fd, void *ctx)
{
	struct stream stream = {.event = event, .ctx = ctx};
	CURLcode code = CURLE_OK;
	CURLM *multi = NULL;
	int err = -ENOMEM;

	stream.splitter = fim_splitter_new(on_event, &stream);
	stream.curl = easy_new(docker);
	multi = fim_curl.multi_init();
	if (!stream.splitter || !stream.curl || !multi)
		goto out;
	err = stream_prepare(docker, &stream, since_ns);
	if (err)
		goto out;
	if (fim_curl.multi_add_handle(multi, stream.curl) != CURLM_OK) {
		err = -ENOMEM;
		goto out;
	}
	err = stream_run(&stream, multi, docker->timeout_ms, stop_fd, &code);
	if (!err)
		err = stream_end(docker, &stream, code);
	else if (err == -ETIMEDOUT || err == -EMSGSIZE)
		fim_log(LOG_ERR, "%s: GET /events: %s", docker->socket_path,
			err == -EMSGSIZE ? "an event is too large" : strerror(-err));
	fim_curl.multi_remove_handle(multi, stream.curl);
out:
	fim_curl.multi_cleanup(multi);
	fim_curl.easy_cleanup(stream.curl);
	fim_splitter_free(stream.splitter);
	free(stream.reply.body);
	return err;
}
