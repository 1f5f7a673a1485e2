/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of the control itself: what works, since when it does not, and what
 * was lost.  A control that fails silently is worse than none (PCI DSS 10.7).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

const char *component_name(enum component component)
{
	static const char *const names[COMPONENT_COUNT] = {
		[COMPONENT_DAEMON] = "daemon",	   [COMPONENT_MODULE] = "module",
		[COMPONENT_RING] = "ring",	   [COMPONENT_DOCKER] = "docker",
		[COMPONENT_BASELINE] = "baseline", [COMPONENT_COMPARISON] = "comparison",
		[COMPONENT_SINK] = "sink",	   [COMPONENT_WATCH] = "watch",
		[COMPONENT_RULES] = "rules",	   [COMPONENT_CLOUDTRAIL] = "cloudtrail",
		[COMPONENT_JOURNAL] = "journal",   [COMPONENT_HOST] = "host",
	};

	return names[component];
}

const char *control_state_name(enum control_state state)
{
	static const char *const names[] = {
		[CONTROL_UNKNOWN] = "unknown",	 [CONTROL_UP] = "up",	  [CONTROL_DOWN] = "down",
		[CONTROL_DEGRADED] = "degraded", [CONTROL_LOSS] = "loss", [CONTROL_INFO] = "info",
	};

	return names[state];
}

static struct fim_json *control_json(const struct control *control, const char *cause)
{
	struct fim_json *body = fim_json_object();
	char time[FIM_TIME_SIZE];

	fim_json_set_str(body, "component", component_name(control->component));
	fim_json_set_str(body, "state", control_state_name(control->state));
	if (control->sink)
		fim_json_set_str(body, "sink", control->sink->name);
	fim_json_set_bytes(body, "cause", cause, strlen(cause));
	if (control->lost)
		fim_json_set_int(body, "lost", control->lost);
	if (control->since_ns) {
		fim_time_format(control->since_ns, time);
		fim_json_set_str(body, "since", time);
	}
	fim_json_set_str(body, "version", control->version);
	if (control->detail)
		fim_json_set(body, "detail", control->detail);
	return body;
}

/* "up" says how long it was not; everything else keeps when that began. */
static void interval_note(struct daemon *d, const struct control *control, struct fim_json *body)
{
	int64_t *since_ns = control->sink ? &control->sink->since_ns
					  : &d->control_since_ns[control->component];
	int64_t now = fim_time_now();
	char time[FIM_TIME_SIZE];

	if (control->state == CONTROL_UP && *since_ns) {
		fim_time_format(*since_ns, time);
		fim_json_set_str(body, "since", time);
		/* Somebody may have set the clock back meanwhile. */
		fim_json_set_int(body, "duration_ms",
				 now > *since_ns ? (now - *since_ns) / 1000000 : 0);
		*since_ns = 0;
	} else if (control->state != CONTROL_UP && control->state != CONTROL_INFO && !*since_ns) {
		*since_ns = control->since_ns ? control->since_ns : now;
	}
}

static void control_alert(struct daemon *d, const struct control *control, const char *cause,
			  const char *line)
{
	const struct alert_field fields[] = {
		{"op", component_name(control->component), true},
		{"state", control_state_name(control->state), true},
		{"cause", cause, false},
	};
	bool failed = control->state != CONTROL_UP && control->state != CONTROL_INFO;
	char *safe = fim_escape(cause, strlen(cause));
	struct alert alert = {
		.type = "control",
		.severity = failed ? FIM_SEVERITY_HIGH : FIM_SEVERITY_INFO,
		.failed = failed,
		.line = line,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};
	char *text = NULL;

	if (asprintf(&text, "control %s %s: %s", component_name(control->component),
		     control_state_name(control->state), safe ? safe : "?") < 0)
		text = NULL;
	alert.text = text ? text : "control";
	sinks_send(d, &alert);
	free(text);
	free(safe);
}

/* Up is news only after something else; what is down stays down without saying it again. */
static bool is_news(const struct daemon *d, const struct control *control)
{
	/* Whoever says it of one sink knows what was said before. */
	if (control->sink)
		return true;
	switch (control->state) {
	case CONTROL_LOSS:
	case CONTROL_INFO:
		return true;
	case CONTROL_DEGRADED:
		/* Each cause is its own, and "up" ends them all. */
		return true;
	default:
		return d->controls[control->component] != control->state;
	}
}

static void control_log(const struct control *control, const char *cause)
{
	int priority = LOG_NOTICE;
	char *safe = fim_escape(cause, strlen(cause));

	if (control->component == COMPONENT_DAEMON && control->state == CONTROL_DOWN)
		priority = LOG_NOTICE; /* told to */
	else if (control->state == CONTROL_DOWN || control->state == CONTROL_LOSS)
		priority = LOG_ERR;
	else if (control->state == CONTROL_DEGRADED)
		priority = LOG_WARNING;
	fim_log(priority, "%s component=%s state=%s", safe ? safe : "?",
		component_name(control->component), control_state_name(control->state));
	free(safe);
}

static void say(struct daemon *d, const struct control *control, const char *fmt, va_list args)
{
	struct fim_json *body;
	char *cause = NULL;
	char *line = NULL;

	if (!is_news(d, control)) {
		fim_json_free(control->detail);
		return;
	}
	if (vasprintf(&cause, fmt, args) < 0)
		cause = NULL;
	if (control->state != CONTROL_INFO)
		d->controls[control->component] = control->state;
	control_log(control, cause ? cause : "?");
	body = control_json(control, cause ? cause : "?");
	interval_note(d, control, body);
	record_append(d, "control", body, &line);
	if (line)
		control_alert(d, control, cause ? cause : "?", line);
	free(line);
	free(cause);
}

void control_say(struct daemon *d, const struct control *control, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(d, control, fmt, args);
	va_end(args);
}

void control_set(struct daemon *d, enum component component, enum control_state state,
		 const char *fmt, ...)
{
	struct control control = {.component = component, .state = state};
	va_list args;

	va_start(args, fmt);
	say(d, &control, fmt, args);
	va_end(args);
}
