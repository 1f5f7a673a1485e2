/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of systemd, in its own protocol: one datagram, fields of any bytes.  There
 * "journalctl ECS_FIM_TYPE=finding" finds what we said.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

#define JOURNALD_PATH "/run/systemd/journal/socket"

static int journald_open(struct sink *sink)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = JOURNALD_PATH};
	int err = 0;

	sink->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sink->fd < 0)
		return -errno;
	if (connect(sink->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		err = -errno;
		sink_close_fd(sink);
	}
	return err;
}

static void put_text(FILE *out, const char *name, const char *text)
{
	fim_journald_field(out, name, text, strlen(text));
}

static void put_alert(FILE *out, const struct alert *alert)
{
	char name[80], number[16];

	snprintf(number, sizeof(number), "%d", syslog_priority(alert) & 7);
	put_text(out, "MESSAGE", alert->text);
	put_text(out, "PRIORITY", number);
	snprintf(number, sizeof(number), "%d", LOG_AUTHPRIV >> 3);
	put_text(out, "SYSLOG_FACILITY", number);
	put_text(out, "SYSLOG_IDENTIFIER", "ecs-fimd");
	put_text(out, "ECS_FIM_TYPE", alert->type);
	put_text(out, "ECS_FIM_SEVERITY", fim_severity_name(alert->severity));
	for (size_t i = 0; i < alert->field_count; i++) {
		const struct alert_field *field = &alert->fields[i];

		if (!field->value || strcmp(field->key, "severity") == 0)
			continue;
		snprintf(name, sizeof(name), "ECS_FIM_%s", field->key);
		for (char *byte = name; *byte; byte++)
			*byte = (char)toupper((unsigned char)*byte);
		put_text(out, name, field->value);
	}
}

static int journald_try(struct sink *sink, const struct alert *alert, bool with_record)
{
	char *message = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&message, &len);
	int err = 0;

	if (!out)
		return -ENOMEM;
	put_alert(out, alert);
	if (with_record)
		put_text(out, "ECS_FIM_RECORD", alert->line);
	if (fclose(out))
		err = -ENOMEM;
	else if (sink->fd < 0 || send(sink->fd, message, len, MSG_NOSIGNAL) < 0)
		err = sink->fd < 0 ? -ENOTCONN : -errno;
	free(message);
	return err;
}

static int journald_send(struct sink *sink, const struct alert *alert)
{
	int err = journald_try(sink, alert, true);

	/* A record that is larger than a datagram stays in our journal. */
	if (err == -EMSGSIZE)
		return journald_try(sink, alert, false);
	if (err && err != -EAGAIN) {
		sink_close_fd(sink);
		err = journald_open(sink);
		if (!err)
			err = journald_try(sink, alert, true);
	}
	return err;
}

static bool journald_wanted(const struct fim_config *config)
{
	return config->sink_journald;
}

const struct sink_ops sink_journald = {
	.name = "journald",
	.wanted = journald_wanted,
	.open = journald_open,
	.send = journald_send,
	.close = sink_close_fd,
};
