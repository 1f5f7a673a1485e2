/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and sinks say about alerts, as records.  Pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define TEXT_MAX 1024

static int severity_parse(const char *text, enum fim_severity *severity_ret)
{
	for (int i = FIM_SEVERITY_INFO; text && i <= FIM_SEVERITY_CRITICAL; i++)
		if (!strcmp(text, fim_severity_name((enum fim_severity)i))) {
			*severity_ret = (enum fim_severity)i;
			return 0;
		}
	return -EINVAL;
}

/* The first is the most severe. */
static enum fim_severity flags_severity(const struct fim_json *object)
{
	const struct fim_json *flag = fim_json_index(fim_json_get(object, "flags"), 0);
	enum fim_severity severity = FIM_SEVERITY_INFO;

	if (severity_parse(fim_json_get_str(flag, "severity"), &severity))
		return FIM_SEVERITY_INFO;
	return severity;
}

/* As the daemon judged it: exceptions count. */
static bool is_flagged(const struct fim_json *container)
{
	return fim_json_get_bool(container, "flagged",
				 fim_json_get_bool(container, "effectively_privileged", false));
}

bool fim_alert_of(const struct fim_json *record, enum fim_severity *severity_ret)
{
	const char *type = fim_json_get_str(record, "type");
	const struct fim_json *container = fim_json_get(record, "container");
	enum fim_severity severity = FIM_SEVERITY_INFO;

	if (!type)
		return false;
	if (!strcmp(type, "finding") || !strcmp(type, "place")) {
		if (severity_parse(fim_json_get_str(record, "severity"), &severity))
			return false;
	} else if (!strcmp(type, "container") && is_flagged(container)) {
		severity = flags_severity(container);
		if (severity < FIM_SEVERITY_HIGH)
			severity = FIM_SEVERITY_CRITICAL;
	} else if (!strcmp(type, "access")) {
		severity = flags_severity(record);
	}
	if (severity < FIM_SEVERITY_MEDIUM)
		return false;
	*severity_ret = severity;
	return true;
}

static char *escaped_member(const struct fim_json *object, const char *key)
{
	char *bytes = NULL, *text;
	size_t len = 0;

	if (fim_json_get_bytes(object, key, &bytes, &len))
		return strdup("?");
	text = fim_escape(bytes, len);
	free(bytes);
	return text;
}

char *fim_alert_text(const struct fim_json *record)
{
	const char *type = fim_json_get_str(record, "type");
	const char *kind = fim_json_get_str(record, "kind");
	const char *action = fim_json_get_str(record, "action");
	char *name = NULL, *text = NULL;

	if (type && !strcmp(type, "finding")) {
		bool rule = kind && !strcmp(kind, "rule");

		name = escaped_member(record, rule ? "rule" : "path");
		if (name && asprintf(&text, "%s %s", kind ? kind : "finding", name) < 0)
			text = NULL;
	} else if (type && !strcmp(type, "place")) {
		name = escaped_member(record, "path");
		if (name && asprintf(&text, "%s %s", action ? action : "place", name) < 0)
			text = NULL;
	} else {
		name = escaped_member(fim_json_get(record, "container"), "name");
		if (name &&
		    asprintf(&text, "%s %s", action ? action : "privileged container", name) < 0)
			text = NULL;
	}
	free(name);
	return text;
}

/* ------------------------------------------------------------------ requests */

static bool is_text(const char *text)
{
	return text && *text && strlen(text) <= TEXT_MAX;
}

static const char *check_alerts(const struct fim_json *alerts, uint64_t last_seq)
{
	size_t count = fim_json_count(alerts);

	if (!fim_json_is_array(alerts) || !count || count > FIM_ALERTS_PER_RECORD)
		return "alerts: an array of 1 to 1000 numbers is needed";
	for (size_t i = 0; i < count; i++) {
		int64_t seq = fim_json_int(fim_json_index(alerts, i), 0);

		if (seq < 1 || (uint64_t)seq > last_seq)
			return "alerts: there is no record of this number";
	}
	return NULL;
}

static const char *check_request(const struct fim_json *request, uint64_t last_seq)
{
	const char *action = fim_json_get_str(request, "action");
	bool delivered = action && !strcmp(action, "delivered");

	if (!action || (!delivered && strcmp(action, "acknowledged") && strcmp(action, "closed")))
		return "action: acknowledged, closed or delivered is needed";
	if (delivered && !is_text(fim_json_get_str(request, "sink")))
		return "sink: a name is needed";
	if (!delivered && !is_text(fim_json_get_str(request, "by")))
		return "by: a name of 1 to 1024 bytes is needed";
	if (!delivered && !is_text(fim_json_get_str(request, "reason")))
		return "reason: a text of 1 to 1024 bytes is needed";
	if (fim_json_get(request, "ticket") && !is_text(fim_json_get_str(request, "ticket")))
		return "ticket: a text of 1 to 1024 bytes is needed";
	return check_alerts(fim_json_get(request, "alerts"), last_seq);
}

int fim_alert_body(const struct fim_json *request, uint64_t last_seq, struct fim_json *who,
		   const char **error_ret, struct fim_json **body_ret)
{
	static const char *const texts[] = {"action", "by", "reason", "ticket", "sink"};
	const char *error = check_request(request, last_seq);
	struct fim_json *body;

	if (error) {
		fim_json_free(who);
		*error_ret = error;
		return -EINVAL;
	}
	body = fim_json_object();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		fim_json_set_str(body, texts[i], fim_json_get_str(request, texts[i]));
	fim_json_set(body, "alerts", fim_json_ref(fim_json_get(request, "alerts")));
	if (who)
		fim_json_set(body, "who", who);
	*body_ret = body;
	return 0;
}
