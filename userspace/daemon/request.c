/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: root's orders, one message and one answer per connection.
 *
 * Its mode keeps others out; the uid is asked from the kernel all the same.  A peer
 * that says nothing is dropped when another one needs its place.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"

#define REQUEST_MAX (64u << 10)

static void peer_close(struct daemon *d, size_t at)
{
	if (d->peers[at] >= 0)
		close(d->peers[at]);
	d->peers[at] = -1;
}

int request_open(struct daemon *d)
{
	char *path = fim_config_control_socket(d->config);
	int err = path ? socket_listen(path, SOCK_SEQPACKET, &d->request_fd) : -ENOMEM;

	free(path);
	return err;
}

void request_close(struct daemon *d)
{
	char *path = fim_config_control_socket(d->config);

	for (size_t i = 0; i < PEERS_MAX; i++)
		peer_close(d, i);
	if (d->request_fd >= 0) {
		close(d->request_fd);
		if (path)
			unlink(path);
	}
	d->request_fd = -1;
	free(path);
}

/* --------------------------------------------------------------------- orders */

static struct fim_json *who_json(const struct ucred *peer)
{
	struct fim_json *who = fim_json_object();
	char text[64];
	ssize_t len;

	fim_json_set_int(who, "pid", peer->pid);
	fim_json_set_int(who, "uid", peer->uid);
	len = proc_read((uint32_t)peer->pid, "loginuid", text, sizeof(text) - 1);
	if (len > 0)
		text[len] = '\0';
	/* 4294967295: nobody logged in. */
	if (len > 0 && strtoul(text, NULL, 10) != UINT32_MAX)
		fim_json_set_int(who, "loginuid", (int64_t)strtoul(text, NULL, 10));
	else
		fim_json_set_null(who, "loginuid");
	len = proc_read((uint32_t)peer->pid, "comm", text, sizeof(text));
	if (len > 1)
		fim_json_set_bytes(who, "comm", text, (size_t)len - 1);
	return who;
}

static void fail(struct fim_json *answer, const char *error)
{
	fim_json_set_bool(answer, "ok", false);
	fim_json_set_str(answer, "error", error);
}

static void order_alert(struct daemon *d, const struct fim_json *request, struct fim_json *who,
			struct fim_json *answer)
{
	const char *error = NULL;
	struct fim_json *body = NULL;
	char *line = NULL;
	int err = fim_alert_body(request, d->journal_seq, who, &error, &body);

	if (err) {
		fail(answer, error);
		return;
	}
	err = record_append(d, "alert", body, &line);
	if (err) {
		fail(answer, strerror(-err));
	} else {
		fim_json_set_bool(answer, "ok", true);
		fim_json_set_int(answer, "seq", (int64_t)d->journal_seq);
	}
	free(line);
}

static void order_seal(struct daemon *d, struct fim_json *answer)
{
	char key[FIM_SEAL_TEXT_SIZE];
	int err = d->journal ? fim_journal_seal(d->journal, key) : -ENOTCONN;

	if (err) {
		fail(answer, err == -EEXIST ? "the journal is sealed already: its key was shown "
					      "then, and is nowhere on this host"
					    : strerror(-err));
		return;
	}
	fim_json_set_bool(answer, "ok", true);
	fim_json_set_str(answer, "key", key);
	explicit_bzero(key, sizeof(key));
}

static void order_seal_seen(struct daemon *d, struct fim_json *answer)
{
	int err = d->journal ? fim_journal_seal_seen(d->journal) : -ENOTCONN;

	if (err)
		fail(answer, strerror(-err));
	else
		fim_json_set_bool(answer, "ok", true);
}

static void order_compare(struct daemon *d, struct fim_json *who, struct fim_json *answer)
{
	fim_json_free(d->compare_who);
	d->compare_who = who;
	comparison_want(d, TRIGGER_REQUEST);
	fim_json_set_bool(answer, "ok", true);
}

static void order_change(struct daemon *d, struct fim_json *who, struct fim_json *answer)
{
	change_order(d, who);
	fim_json_set_bool(answer, "ok", true);
}

static void order_sink(struct daemon *d, const struct fim_json *request, struct fim_json *answer)
{
	const char *error = sinks_outlet(d, request);

	if (error)
		fail(answer, error);
	else
		fim_json_set_bool(answer, "ok", true);
}

static void order_comparison(struct daemon *d, const struct fim_json *request, struct fim_json *who,
			     struct fim_json *answer)
{
	const char *error = comparison_told(d, request, who);

	if (error)
		fail(answer, error);
	else
		fim_json_set_bool(answer, "ok", true);
}

/* The order itself goes to the module, which tells who gave it. */
static void order_disarm(struct daemon *d, const struct fim_json *request, struct fim_json *who,
			 struct fim_json *answer)
{
	const char *by = fim_json_get_str(request, "by");
	const char *reason = fim_json_get_str(request, "reason");
	struct fim_json *detail;

	if (!by || !*by || !reason || !*reason) {
		fim_json_free(who);
		fail(answer, "by, reason: who and why are needed");
		return;
	}
	detail = fim_json_object();
	fim_json_set_str(detail, "by", by);
	fim_json_set_str(detail, "reason", reason);
	fim_json_set_str(detail, "ticket", fim_json_get_str(request, "ticket"));
	fim_json_set(detail, "who", who);
	control_say(d,
		    &(struct control){
			    .component = COMPONENT_MODULE, .state = CONTROL_INFO, .detail = detail},
		    "the module is to be disarmed");
	fim_json_set_bool(answer, "ok", true);
}

static struct fim_json *obey(struct daemon *d, const struct ucred *peer, const char *text,
			     size_t len)
{
	struct fim_json *answer = fim_json_object(), *request = NULL;
	const char *op;

	if (peer->uid != 0) {
		fail(answer, "only root gives orders");
		return answer;
	}
	if (len >= REQUEST_MAX || fim_json_parse(text, len, NULL, &request)) {
		fail(answer, "not a JSON object of less than 64 KiB");
		return answer;
	}
	op = fim_json_get_str(request, "op");
	if (op && strcmp(op, "alert") == 0)
		order_alert(d, request, who_json(peer), answer);
	else if (op && strcmp(op, "sink") == 0)
		order_sink(d, request, answer);
	else if (op && strcmp(op, "seal") == 0)
		order_seal(d, answer);
	else if (op && strcmp(op, "seal-seen") == 0)
		order_seal_seen(d, answer);
	else if (op && strcmp(op, "comparison") == 0)
		order_comparison(d, request, who_json(peer), answer);
	else if (op && strcmp(op, "disarm") == 0)
		order_disarm(d, request, who_json(peer), answer);
	else if (op && strcmp(op, "compare") == 0)
		order_compare(d, who_json(peer), answer);
	else if (op && strcmp(op, "change") == 0)
		order_change(d, who_json(peer), answer);
	else
		fail(answer, "op: alert, sink, compare, comparison, change, disarm, seal or "
			     "seal-seen is needed");
	fim_json_free(request);
	return answer;
}

static void answer_send(int fd, struct fim_json *answer)
{
	char *text;
	size_t len;

	if (!fim_json_dump(answer, &text, &len)) {
		if (send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			fim_log(LOG_DEBUG, "a control client left");
		explicit_bzero(text, len);
		free(text);
	}
	fim_json_free(answer);
}

/* ---------------------------------------------------------------- connections */

void request_accept(struct daemon *d)
{
	struct epoll_event event = {.events = EPOLLIN};
	size_t at = d->peer_next++ % PEERS_MAX;
	int fd = accept4(d->request_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	peer_close(d, at);
	event.data.fd = fd;
	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		close(fd);
	else
		d->peers[at] = fd;
}

void request_serve(struct daemon *d, int fd)
{
	static const struct ucred nobody = {.uid = UINT32_MAX};
	struct ucred peer = nobody;
	socklen_t size = sizeof(peer);
	char *text;
	ssize_t len;
	size_t at = 0;

	while (at < PEERS_MAX && d->peers[at] != fd)
		at++;
	if (at == PEERS_MAX)
		return;
	text = malloc(REQUEST_MAX);
	len = text ? recv(fd, text, REQUEST_MAX, MSG_DONTWAIT) : 0;
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		free(text);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		peer = nobody;
	if (len > 0)
		answer_send(fd, obey(d, &peer, text, (size_t)len));
	peer_close(d, at);
	free(text);
}
