/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages for syslog (RFC 5424) and for the journal of systemd.  Pure.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

/* Number of private enterprises; this one is reserved for examples: we have none. */
#define SD_ID "ecsfim@32473"

#define HOST_MAX  255
#define MSGID_MAX 32

/* Printable ASCII without blanks, as names in the header are; "-" if there is none. */
static void put_name(FILE *out, const char *name, size_t max)
{
	size_t len = 0;

	for (; name && name[len] && len < max; len++)
		putc(name[len] > ' ' && name[len] < 127 ? name[len] : '_', out);
	if (!len)
		putc('-', out);
}

/* In a value three characters are escaped; control bytes, and what is no UTF-8, were before. */
static int put_param(FILE *out, const struct fim_syslog_param *param)
{
	char *safe = fim_escape(param->value, strlen(param->value));

	if (!safe)
		return -ENOMEM;
	fprintf(out, " %s=\"", param->name);
	for (const char *byte = safe; *byte; byte++) {
		if (strchr("\"\\]", *byte))
			putc('\\', out);
		putc(*byte, out);
	}
	putc('"', out);
	free(safe);
	return 0;
}

/* As many of them as fit, whole. */
static void put_params(FILE *out, const struct fim_syslog *message, size_t room)
{
	bool open = false;

	for (size_t i = 0; i < message->param_count; i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *part;

		if (!message->params[i].value)
			continue;
		part = open_memstream(&text, &len);
		if (!part)
			return;
		if ((put_param(part, &message->params[i]) == 0) & (fclose(part) == 0) &&
		    len + sizeof(SD_ID) + 2 < room) {
			fprintf(out, "%s%s", open ? "" : "[" SD_ID, text);
			room -= len;
			open = true;
		}
		free(text);
	}
	fputs(open ? "]" : "-", out);
}

int fim_syslog5424(const struct fim_syslog *message, size_t max, char **text_ret, size_t *len_ret)
{
	char time[FIM_TIME_SIZE], *text = NULL;
	size_t len = 0, keep;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	/* Six digits of a second are allowed, not nine. */
	fim_time_format(message->time_ns, time);
	if (strlen(time) > 26)
		memcpy(time + 26, "Z", 2);
	fprintf(out, "<%d>1 %s ", message->priority, time);
	put_name(out, message->host, HOST_MAX);
	putc(' ', out);
	put_name(out, message->app, 48);
	fprintf(out, " %d ", message->pid);
	put_name(out, message->msgid, MSGID_MAX);
	putc(' ', out);
	/* Half of it for what happened. */
	put_params(out, message, max > 1024 ? max - 768 : max / 2);
	fprintf(out, " %s", message->text);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	for (keep = len; keep > max || (keep < len && (text[keep] & 0xc0) == 0x80); keep--)
		;
	text[keep] = '\0';
	*text_ret = text;
	*len_ret = keep;
	return 0;
}

void fim_journald_field(FILE *out, const char *name, const char *value, size_t len)
{
	uint64_t size = htole64(len);

	if (memchr(value, '\n', len)) {
		fprintf(out, "%s\n", name);
		fwrite(&size, sizeof(size), 1, out);
	} else {
		fprintf(out, "%s=", name);
	}
	fwrite(value, 1, len, out);
	putc('\n', out);
}

int fim_address_parse(const char *text, struct fim_address *address_ret)
{
	struct fim_address address = {.kind = FIM_ADDRESS_UNIX};
	const char *colon;
	unsigned long port;
	char *end;

	if (*text == '/') {
		if (strlen(text) >= sizeof(address.name))
			return -ENAMETOOLONG;
		strcpy(address.name, text);
		*address_ret = address;
		return 0;
	}
	if (!strncmp(text, "udp:", 4))
		address.kind = FIM_ADDRESS_UDP;
	else if (!strncmp(text, "tcp:", 4))
		address.kind = FIM_ADDRESS_TCP;
	else
		return -EINVAL;
	text += 4;
	colon = strrchr(text, ':');
	/* Loopback only: what leaves the host leaves it through somebody who speaks TLS. */
	if (!colon || (size_t)(colon - text) >= sizeof(address.name) ||
	    strncmp(text, "127.", 4) != 0)
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (!colon[1] || *end || !port || port > 65535 || colon[1] == '-' || colon[1] == '+')
		return -EINVAL;
	memcpy(address.name, text, (size_t)(colon - text));
	address.port = (uint16_t)port;
	*address_ret = address;
	return 0;
}
