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

/* What the daemon would ask the kernel about us. */
static struct fim_json *who_are_we(void)
{
	struct fim_json *who = fim_json_object();
	char *text = NULL;
	size_t len = 0;

	fim_json_set_int(who, "pid", getpid());
	fim_json_set_int(who, "uid", getuid());
	if (fim_file_read("/proc/self/loginuid", 64, &text, &len) == 0 &&
	    strtoul(text, NULL, 10) != UINT32_MAX)
		fim_json_set_int(who, "loginuid", (int64_t)strtoul(text, NULL, 10));
	else
		fim_json_set_null(who, "loginuid");
	fim_json_set_str(who, "comm", "ecs-fim");
	free(text);
	return who;
}

static int append_alone(const struct fim_config *config, const char *type,
			const struct fim_json *body)
{
	struct fim_journal_params params;
	struct fim_journal *journal = NULL;
	int err;

	fim_config_journal(config, &params);
	err = fim_journal_open(&params, &journal);
	if (!err)
		err = fim_journal_append(journal, type, body, NULL, NULL);
	fim_journal_close(journal);
	return err;
}

int cli_record(const struct fim_config *config, const struct fim_json *request, const char *type,
	       int (*body)(void *ctx, const struct fim_json *request, struct fim_json *who,
			   const char **error_ret, struct fim_json **body_ret),
	       void *ctx)
{
	struct fim_json *answer = NULL, *made = NULL;
	const char *error = NULL;
	int err = cli_request(config, request, &answer);

	if (err == -ENOENT || err == -ECONNREFUSED) {
		err = body(ctx, request, who_are_we(), &error, &made);
		if (err)
			cli_error("%s", error);
		else
			err = append_alone(config, type, made);
		fim_json_free(made);
		return err ? err : 1;
	}
	if (err)
		return err;
	if (!fim_json_get_bool(answer, "ok", false)) {
		error = fim_json_get_str(answer, "error");
		cli_error("the daemon refused: %s", error ? error : "it does not say why");
		err = -EPERM;
	}
	fim_json_free(answer);
	return err;
}
