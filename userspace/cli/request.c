/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders to the daemon, over its control socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"

#define ANSWER_MAX (64u << 10)
/* It answers between two files of a comparison. */
#define ANSWER_S 60

static int exchange(int fd, const char *text, size_t len, struct fim_json **answer_ret)
{
	char *answer = malloc(ANSWER_MAX);
	ssize_t got = -1;
	int err = answer ? 0 : -ENOMEM;

	if (!err && send(fd, text, len, MSG_NOSIGNAL) < 0)
		err = -errno;
	if (!err)
		got = recv(fd, answer, ANSWER_MAX, 0);
	if (!err && got <= 0)
		err = got < 0 && errno == EAGAIN ? -ETIMEDOUT : got < 0 ? -errno : -EPIPE;
	if (!err)
		err = fim_json_parse(answer, (size_t)got, "the daemon's answer", answer_ret);
	if (answer)
		explicit_bzero(answer, ANSWER_MAX);
	free(answer);
	return err;
}

int cli_request(const struct fim_config *config, const struct fim_json *request,
		struct fim_json **answer_ret)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = ANSWER_S};
	char *path = fim_config_control_socket(config), *text = NULL;
	size_t len;
	int fd = -1, err = path ? fim_json_dump(request, &text, &len) : -ENOMEM;

	if (!err && strlen(path) >= sizeof(addr.sun_path))
		err = -ENAMETOOLONG;
	if (!err) {
		strcpy(addr.sun_path, path);
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	if (!err && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
		     connect(fd, (struct sockaddr *)&addr, sizeof(addr))))
		err = -errno;
	if (!err)
		err = exchange(fd, text, len, answer_ret);
	if (err && err != -ENOENT && err != -ECONNREFUSED)
		cli_error("%s: the daemon cannot be asked: %s%s", path ? path : "?", strerror(-err),
			  err == -EACCES ? " (only root gives it orders)" : "");
	if (fd >= 0)
		close(fd);
	free(text);
	free(path);
	return err;
}
