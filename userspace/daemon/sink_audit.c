/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux audit; the only file that includes libaudit.
 *
 *	finding    ANOM_RBAC_INTEGRITY_FAIL  as AIDE does: file integrity failure
 *	container  ANOM_ROOT_TRANS           a workload that has the host's root powers
 *	control    ANOM_RBAC_FAIL            self test failure: the monitor itself
 *
 * so that "ausearch -m ANOM_RBAC_INTEGRITY_FAIL" lists the findings.
 */
#include <stdlib.h>
#include <string.h>
#include <libaudit.h>

#include "daemon.h"

#define VALUE_MAX 1200 /* bytes; encoding doubles them, and three of them have to fit */

static int audit_sink_open(struct sink *sink)
{
	sink->fd = audit_open();
	return sink->fd < 0 ? -errno : 0;
}

static int audit_type(const struct alert *alert)
{
	if (strcmp(alert->type, "finding") == 0)
		return AUDIT_ANOM_RBAC_INTEGRITY_FAIL;
	if (strcmp(alert->type, "container") == 0)
		return AUDIT_ANOM_ROOT_TRANS;
	return AUDIT_ANOM_RBAC_FAIL;
}

static char *field_text(const struct alert_field *field)
{
	char *text;
	size_t len;

	if (!field->trusted) {
		len = strnlen(field->value, VALUE_MAX);
		return audit_encode_nv_string(field->key, field->value, len);
	}
	if (asprintf(&text, "%s=%s", field->key, field->value) < 0)
		return NULL;
	return text;
}

static int audit_sink_send(struct sink *sink, const struct alert *alert)
{
	char message[MAX_AUDIT_MESSAGE_LENGTH - 512]; /* libaudit appends exe, hostname, … */
	size_t len = 0;

	/* Only what fails: that something works again is no anomaly. */
	if (!alert->failed)
		return SINK_NOT_MINE;
	message[0] = '\0';
	for (size_t i = 0; i < alert->field_count; i++) {
		const struct alert_field *field = &alert->fields[i];
		char *text = field->value ? field_text(field) : NULL;

		if (text && len + strlen(text) + 2 < sizeof(message))
			len += snprintf(message + len, sizeof(message) - len, "%s%s",
					len ? " " : "", text);
		free(text);
	}
	if (sink->fd < 0) {
		int err = audit_sink_open(sink);

		if (err)
			return err;
	}
	if (audit_log_user_message(sink->fd, audit_type(alert), message, NULL, NULL, NULL, 0) <= 0)
		return errno ? -errno : -EIO;
	return 0;
}

static void audit_sink_close(struct sink *sink)
{
	if (sink->fd >= 0)
		audit_close(sink->fd);
	sink->fd = -1;
}

static bool audit_wanted(const struct fim_config *config)
{
	return config->sink_audit;
}

const struct sink_ops sink_audit = {
	.name = "audit",
	.wanted = audit_wanted,
	.open = audit_sink_open,
	.send = audit_sink_send,
	.close = audit_sink_close,
};
