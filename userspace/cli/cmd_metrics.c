/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim metrics: the daemon's status for Prometheus, as text, as a file of node_exporter's
 * textfile collector, or over HTTP on this host.
 *
 * The daemon listens to nobody but its own sockets; this is a process of its own.  It reads
 * no more of a request than its first line, serves one client after the other, and none for
 * longer than two seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"

#define USAGE                                                                             \
	"usage: ecs-fim metrics [--textfile FILE | --listen ADDRESS] [--socket SOCKET]\n" \
	"                       [--config FILE]\n"
#define REQUEST_MAX 4096
#define CLIENT_MS   2000

static const char help[] = USAGE
	"\n"
	"Print what the daemon knows about itself in Prometheus' text format.\n"
	"\n"
	"  --textfile FILE   write it there instead, whole or not at all, for the textfile collector\n"
	"                    of node_exporter; call it from a timer\n"
	"  --listen ADDRESS  serve http://ADDRESS/metrics until stopped: 127.0.0.1:PORT, or the path\n"
	"                    of a socket\n"
	"  --socket SOCKET   the daemon's status socket (default: what the configuration says)\n"
	"  --config FILE     the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"\n"
	"exit status: 0 written (ecs_fim_up says whether the daemon answers), 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim metrics --textfile /var/lib/prometheus/node-exporter/ecs-fim.prom\n"
	"  ecs-fim metrics --listen 127.0.0.1:9469\n";

/* malloc'ed; the daemon's silence is a value, too. */
static int make(const char *socket_path, char **text_ret, size_t *len_ret)
{
	struct fim_json *status = NULL;
	FILE *out = open_memstream(text_ret, len_ret);

	if (!out)
		return -ENOMEM;
	if (cli_ask_status(socket_path, &status))
		status = NULL;
	fim_metrics(status, out);
	fim_json_free(status);
	return fclose(out) ? -ENOMEM : 0;
}

/* --------------------------------------------------------------------- HTTP */

static int listen_unix(const char *path, int *fd_ret)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int fd, err = 0;

	memcpy(addr.sun_path, path, strnlen(path, sizeof(addr.sun_path) - 1));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Our own leftover; somebody's file of that name stays. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	mask = umask(0117);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		err = -errno;
	umask(mask);
	*fd_ret = fd;
	return err;
}

static int listen_inet(const struct fim_address *address, int *fd_ret)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	int one = 1;

	if (inet_pton(AF_INET, address->name, &addr.sin_addr) != 1)
		return -EINVAL;
	*fd_ret = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd_ret < 0 || setsockopt(*fd_ret, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(*fd_ret, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return 0;
}

/* The head of a request, NUL-terminated; false: none came in time, or it is too long. */
static bool read_head(int fd, int64_t deadline_ms, char *head)
{
	size_t len = 0;

	head[0] = '\0';
	while (!strstr(head, "\r\n\r\n")) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int64_t left = deadline_ms - cli_now_ms();
		ssize_t got;

		if (len == REQUEST_MAX - 1 || left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
			return false;
		got = recv(fd, head + len, REQUEST_MAX - 1 - len, 0);
		if (got <= 0 || memchr(head + len, '\0', (size_t)got))
			return false;
		len += (size_t)got;
		head[len] = '\0';
	}
	return true;
}

static void send_all(int fd, int64_t deadline_ms, const char *text, size_t len)
{
	while (len) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
		int64_t left = deadline_ms - cli_now_ms();
		ssize_t done;

		if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
			return;
		done = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done <= 0)
			return;
		text += done;
		len -= (size_t)done;
	}
}

static bool is_request(const char *head, const char *method, const char *path)
{
	size_t method_len = strlen(method), path_len = strlen(path);

	return strncmp(head, method, method_len) == 0 &&
	       strncmp(head + method_len, path, path_len) == 0 &&
	       strchr(" ?", head[method_len + path_len]) && head[method_len + path_len];
}

static void serve(int fd, const char *socket_path)
{
	int64_t deadline_ms = cli_now_ms() + CLIENT_MS;
	char head[REQUEST_MAX], *body = NULL, *answer = NULL;
	bool get, headers_only;
	size_t len = 0;
	int size;

	if (!read_head(fd, deadline_ms, head))
		return;
	get = is_request(head, "GET ", "/metrics");
	headers_only = is_request(head, "HEAD ", "/metrics");
	if ((get || headers_only) && make(socket_path, &body, &len) == 0)
		size = asprintf(
			&answer,
			"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
			"charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			len, get ? body : "");
	else
		size = asprintf(
			&answer, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			strncmp(head, "GET ", 4) ? "405 Method Not Allowed" : "404 Not Found");
	/* The daemon may have taken its time. */
	if (size > 0)
		send_all(fd, cli_now_ms() + CLIENT_MS, answer, (size_t)size);
	free(answer);
	free(body);
}

static int serve_all(const char *address_text, const char *socket_path)
{
	struct fim_address address;
	char text[160];
	int fd = -1, client, err;

	snprintf(text, sizeof(text), "%s%.120s", *address_text == '/' ? "" : "tcp:", address_text);
	err = fim_address_parse(text, &address);
	if (err)
		return cli_usage_error(USAGE,
				       "metrics: --listen is 127.0.0.1:PORT or the path of a "
				       "socket");
	signal(SIGPIPE, SIG_IGN);
	err = address.kind == FIM_ADDRESS_UNIX ? listen_unix(address.name, &fd)
					       : listen_inet(&address, &fd);
	if (!err && listen(fd, 16) < 0)
		err = -errno;
	while (!err) {
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && errno != EINTR && errno != ECONNABORTED && errno != EMFILE)
			err = -errno;
		if (client < 0)
			continue;
		serve(client, socket_path);
		close(client);
	}
	cli_error("%s: %s", address_text, strerror(-err));
	if (fd >= 0)
		close(fd);
	return FIM_EXIT_ERROR;
}

/* ------------------------------------------------------------------ command */

static int write_once(const char *file, const char *socket_path)
{
	char *text = NULL;
	size_t len = 0;
	int err = make(socket_path, &text, &len);

	if (!err && file)
		err = fim_file_write_atomic(file, text, len, 0644);
	else if (!err && fwrite(text, 1, len, stdout) != len)
		err = -EIO;
	free(text);
	return cli_exit(err);
}

int cmd_metrics(int argc, char **argv)
{
	const char *file = NULL, *address = NULL, *socket_path = NULL, *config_path = NULL;
	struct fim_config *config = NULL;
	int status;
	const struct cli_option options[] = {
		{"textfile", .text = &file},
		{"listen", .text = &address},
		{"socket", .text = &socket_path},
		{"config", .text = &config_path},
		{0},
	};

	if (!cli_take_options(argc, argv, USAGE, help, options, &status))
		return status;
	if (optind < argc)
		return cli_usage_error(USAGE, "metrics: %s: not expected", argv[optind]);
	if (file && address)
		return cli_usage_error(USAGE, "metrics: --textfile or --listen, not both");
	if (!socket_path) {
		if (fim_config_load(config_path, &config))
			return FIM_EXIT_ERROR;
		socket_path = config->status_socket;
	}
	status = address ? serve_all(address, socket_path) : write_once(file, socket_path);
	fim_config_free(config);
	return status;
}
