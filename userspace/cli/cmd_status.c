/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim status: ask the daemon, show what it says.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"

#define STATUS_USAGE	 "usage: ecs-fim status [--json] [--socket SOCKET | --config FILE]\n"
#define ANSWER_MAX	 (1u << 20)
#define ANSWER_TIMEOUT_S 10

static const char status_help[] = STATUS_USAGE
	"\n"
	"Show what the daemon knows about itself: source of events, baseline, watches,\n"
	"counters, and the state of each part of the control.\n"
	"\n"
	"  --json           as one JSON object\n"
	"  --socket SOCKET  the daemon's status socket (default: what the configuration says)\n"
	"  --config FILE    the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"\n"
	"exit status: 0 everything works, 1 the daemon does not answer, 2 wrong usage,\n"
	"3 something is degraded or down\n";

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int err;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int read_answer(int fd, char **text_ret, size_t *len_ret)
{
	char *text = malloc(ANSWER_MAX);
	size_t len = 0;
	ssize_t part = 0;

	if (!text)
		return -ENOMEM;
	while (len < ANSWER_MAX && (part = read(fd, text + len, ANSWER_MAX - len)) > 0)
		len += (size_t)part;
	if (part < 0) {
		int err = errno == EAGAIN ? -ETIMEDOUT : -errno;

		free(text);
		return err;
	}
	*text_ret = text;
	*len_ret = len;
	return 0;
}

int cli_ask_status(const char *path, struct fim_json **status_ret)
{
	char *text = NULL;
	size_t len = 0;
	int fd = connect_to(path);
	int err = fd < 0 ? fd : 0;

	if (!err) {
		err = read_answer(fd, &text, &len);
		close(fd);
	}
	if (!err)
		err = fim_json_parse(text, len, NULL, status_ret);
	if (err)
		cli_error("the daemon does not answer on %s: %s (is ecs-fimd running?)", path,
			  strerror(-err));
	free(text);
	return err;
}

static bool is_working(const char *state)
{
	/* Unknown: that part is not in use, e.g. Docker where there is none. */
	return !strcmp(state, "up") || !strcmp(state, "unknown");
}

static int judge(void *ctx, const char *key, struct fim_json *value)
{
	const char *state = fim_json_str(value);

	(void)key;
	if (!state || !is_working(state))
		*(bool *)ctx = true;
	return 0;
}

static bool is_degraded(const struct fim_json *status)
{
	const struct fim_json *controls = fim_json_get(status, "controls");
	bool degraded = !fim_json_is_object(controls);

	if (!degraded)
		fim_json_each(controls, judge, &degraded);
	return degraded;
}

static void put_row(const char *name, const char *value)
{
	printf("  %-18s ", name);
	cli_put_escaped(stdout, value ? value : "-");
	putchar('\n');
}

static void put_number(const char *name, const struct fim_json *object, const char *keys)
{
	const struct fim_json *value = fim_json_at(object, keys);
	char text[32] = "-";

	if (fim_json_is_int(value)) {
		struct fim_json *holder = fim_json_object();

		fim_json_set(holder, "n", fim_json_ref(value));
		snprintf(text, sizeof(text), "%" PRId64, fim_json_get_int(holder, "n", 0));
		fim_json_free(holder);
	}
	put_row(name, text);
}

static int put_control(void *ctx, const char *key, struct fim_json *value)
{
	const char *state = fim_json_str(value);
	enum cli_colour colour = CLI_PLAIN;

	(void)ctx;
	if (!state || !strcmp(state, "unknown"))
		return 0;
	if (!is_working(state))
		colour = !strcmp(state, "degraded") ? CLI_YELLOW : CLI_RED;
	printf("  %-18s %s", key, cli_colour(stdout, colour));
	cli_put_escaped(stdout, state);
	printf("%s\n", cli_colour(stdout, CLI_PLAIN));
	return 0;
}

static const char *text_at(const struct fim_json *object, const char *keys)
{
	return fim_json_str(fim_json_at(object, keys));
}

static void put_comparison(const struct fim_json *status)
{
	const struct fim_json *last = fim_json_get(status, "last_comparison");

	puts("\nlast comparison");
	if (!fim_json_is_object(last)) {
		put_row("end", "there was none yet");
		return;
	}
	put_row("trigger", text_at(last, "trigger"));
	put_row("end", text_at(last, "end"));
	put_number("expected", last, "expected");
	put_number("added", last, "added");
	put_number("removed", last, "removed");
	put_number("changed", last, "changed");
	put_number("unreadable", last, "unreadable");
}

static void put_sinks(const struct fim_json *list)
{
	if (!fim_json_count(list))
		return;
	puts("\nsinks");
	for (size_t i = 0; i < fim_json_count(list); i++) {
		const struct fim_json *sink = fim_json_index(list, i);
		const char *name = fim_json_get_str(sink, "name");
		const char *state = fim_json_get_str(sink, "state");
		char text[96];

		snprintf(text, sizeof(text), "%.20s, %" PRId64 " sent", state ? state : "?",
			 fim_json_get_int(sink, "sent", 0));
		put_row(name ? name : "?", text);
	}
}

static void put_table(const struct fim_json *status)
{
	const struct fim_json *controls = fim_json_get(status, "controls");

	printf("ecs-fimd ");
	cli_put_escaped(stdout, text_at(status, "version") ? text_at(status, "version") : "?");
	printf(": %s%s%s\n\ncontrols\n",
	       cli_colour(stdout, is_degraded(status) ? CLI_RED : CLI_GREEN),
	       is_degraded(status) ? "not everything works" : "everything works",
	       cli_colour(stdout, CLI_PLAIN));
	if (controls)
		fim_json_each(controls, put_control, NULL);
	puts("\nrunning");
	put_row("since", text_at(status, "started"));
	put_number("pid", status, "pid");
	put_row("source of events", text_at(status, "source/kind"));
	if (text_at(status, "source/blind"))
		put_row("what it misses", text_at(status, "source/blind"));
	put_number("host watches", status, "watches/host");
	put_number("container watches", status, "watches/container");
	put_number("events", status, "events");
	put_number("findings", status, "findings");
	put_number("events lost", status, "lost");
	puts("\nbaseline");
	put_row("digest", text_at(status, "baseline/digest"));
	put_row("signed by", text_at(status, "baseline/key_id"));
	put_row("taken", text_at(status, "baseline/created"));
	put_number("objects", status, "baseline/count");
	put_comparison(status);
	puts("\ndocker");
	put_row("connection", text_at(status, "docker/state"));
	put_number("running containers", status, "docker/containers");
	put_number("privileged", status, "docker/privileged");
	puts("\njournal");
	put_number("records", status, "journal/seq");
	put_row("head", text_at(status, "journal/head"));
	put_sinks(fim_json_get(status, "sinks"));
}

static int show(const char *socket, bool json)
{
	struct fim_json *status;
	bool degraded;

	if (cli_ask_status(socket, &status))
		return FIM_EXIT_ERROR;
	degraded = is_degraded(status);
	if (!json) {
		put_table(status);
		fim_json_free(status);
	} else if (cli_put_json(stdout, status)) {
		return FIM_EXIT_ERROR;
	}
	return degraded ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

int cmd_status(int argc, char **argv)
{
	const char *socket = NULL;
	const char *config_path = NULL;
	struct fim_config *config = NULL;
	bool json = false;
	int status;
	const struct cli_option options[] = {
		{"json", .flag = &json},
		{"socket", .text = &socket},
		{"config", .text = &config_path},
		{0},
	};

	if (!cli_take_options(argc, argv, STATUS_USAGE, status_help, options, &status))
		return status;
	if (optind < argc)
		return cli_usage_error(STATUS_USAGE, "%s: not expected", argv[optind]);
	if (!socket) {
		if (fim_config_load(config_path, &config))
			return FIM_EXIT_ERROR;
		socket = config->status_socket;
	}
	status = show(socket, json);
	fim_config_free(config);
	return status;
}
