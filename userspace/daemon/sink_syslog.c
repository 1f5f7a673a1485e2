/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog, in the older form (RFC 3164, as the C library writes it) or the newer one (RFC
 * 5424, with structured data), to a socket or to a port of this host.  syslog(3) can neither
 * fail nor refuse to block, so messages are made here.
 *
 * Over TCP a message has its length before it (RFC 6587).  What did not fit into the socket
 * is sent before the next one.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"

#define RFC3164_MAX 2048 /* what every receiver takes */
#define RFC5424_MAX 8192
#define CONNECT_MS  100
#define PARAMS_MAX  32

static int connect_unix(int fd, const struct fim_address *address)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, address->name, sizeof(addr.sun_path) - 1);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

/* To this host: it is there at once, or it is not. */
static int connect_inet(int fd, const struct fim_address *address)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int err = 0;

	if (inet_pton(AF_INET, address->name, &addr.sin_addr) != 1)
		return -EINVAL;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&poll_fd, 1, CONNECT_MS) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		return -errno;
	return -err;
}

static int syslog_open(struct sink *sink)
{
	struct fim_address address;
	int err = fim_address_parse(sink->config->syslog_target, &address);
	int family = address.kind == FIM_ADDRESS_UNIX ? AF_UNIX : AF_INET;
	int type = address.kind == FIM_ADDRESS_TCP ? SOCK_STREAM : SOCK_DGRAM;

	if (err)
		return err;
	free(sink->rest);
	sink->rest = NULL;
	sink->rest_len = 0;
	sink->framed = address.kind == FIM_ADDRESS_TCP;
	sink->fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->fd < 0)
		return -errno;
	err = family == AF_UNIX ? connect_unix(sink->fd, &address)
				: connect_inet(sink->fd, &address);
	if (err)
		sink_close_fd(sink);
	return err;
}

int syslog_priority(const struct alert *alert)
{
	static const int priorities[] = {
		[FIM_SEVERITY_INFO] = LOG_INFO,	     [FIM_SEVERITY_LOW] = LOG_NOTICE,
		[FIM_SEVERITY_MEDIUM] = LOG_WARNING, [FIM_SEVERITY_HIGH] = LOG_ERR,
		[FIM_SEVERITY_CRITICAL] = LOG_CRIT,
	};

	return LOG_AUTHPRIV | priorities[alert->severity];
}

static int make_3164(const struct alert *alert, char **text_ret, size_t *len_ret)
{
	time_t now = time(NULL);
	char when[32];
	struct tm tm;
	int len;

	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%b %e %T", &tm);
	len = asprintf(text_ret, "<%d>%s ecs-fimd[%d]: %s %s", syslog_priority(alert), when,
		       getpid(), alert->type, alert->text);
	if (len < 0)
		return -ENOMEM;
	*len_ret = len < RFC3164_MAX ? (size_t)len : RFC3164_MAX - 1;
	return 0;
}

static int make_5424(const struct alert *alert, char **text_ret, size_t *len_ret)
{
	struct fim_syslog_param params[PARAMS_MAX];
	char host[256] = "";
	struct fim_syslog message = {
		.priority = syslog_priority(alert),
		.time_ns = fim_time_now(),
		.host = host,
		.app = "ecs-fimd",
		.pid = getpid(),
		.msgid = alert->type,
		.params = params,
		.text = alert->text,
	};

	gethostname(host, sizeof(host) - 1);
	for (size_t i = 0; i < alert->field_count && i < PARAMS_MAX; i++)
		params[message.param_count++] =
			(struct fim_syslog_param){alert->fields[i].key, alert->fields[i].value};
	return fim_syslog5424(&message, RFC5424_MAX, text_ret, len_ret);
}

static int send_rest(struct sink *sink)
{
	ssize_t done;

	if (!sink->rest)
		return 0;
	done = send(sink->fd, sink->rest, sink->rest_len, MSG_NOSIGNAL);
	if (done < 0)
		return -errno;
	memmove(sink->rest, sink->rest + done, sink->rest_len - (size_t)done);
	sink->rest_len -= (size_t)done;
	if (sink->rest_len)
		return -EAGAIN;
	free(sink->rest);
	sink->rest = NULL;
	return 0;
}

/* A message goes whole or, its end before the next one, later. */
static int send_framed(struct sink *sink, const char *text, size_t len)
{
	int err = send_rest(sink), size;
	char *frame = NULL;
	ssize_t done;

	if (err)
		return err;
	size = asprintf(&frame, "%zu %.*s", len, (int)len, text);
	if (size < 0)
		return -ENOMEM;
	done = send(sink->fd, frame, (size_t)size, MSG_NOSIGNAL);
	err = done < 0 ? -errno : 0;
	if (!err && done < size) {
		memmove(frame, frame + done, (size_t)(size - done));
		sink->rest = frame;
		sink->rest_len = (size_t)(size - done);
		return 0;
	}
	free(frame);
	return err;
}

static int send_text(struct sink *sink, const char *text, size_t len)
{
	if (sink->fd < 0)
		return -ENOTCONN;
	if (sink->framed)
		return send_framed(sink, text, len);
	return send(sink->fd, text, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int syslog_send(struct sink *sink, const struct alert *alert)
{
	bool newer = strcmp(sink->config->syslog_format, "rfc5424") == 0;
	char *text = NULL;
	size_t len = 0;
	int err = newer ? make_5424(alert, &text, &len) : make_3164(alert, &text, &len);

	if (err)
		return err;
	err = send_text(sink, text, len);
	if (err && err != -EAGAIN) {
		/* The receiver was restarted, perhaps. */
		sink_close_fd(sink);
		err = syslog_open(sink);
		if (!err)
			err = send_text(sink, text, len);
	}
	free(text);
	return err;
}

static bool syslog_wanted(const struct fim_config *config)
{
	return config->sink_syslog;
}

const struct sink_ops sink_syslog = {
	.name = "syslog",
	.wanted = syslog_wanted,
	.open = syslog_open,
	.send = syslog_send,
	.close = sink_close_fd,
};
