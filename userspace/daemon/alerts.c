/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts that nobody has acknowledged: remembered, also over restarts, and told again.
 *
 * Bounded: of more than OPEN_MAX the least severe and oldest are only counted.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define OPEN_MAX  4096
#define NAMED_MAX 10 /* in a reminder */

/* Index of the alert, or where it would be: they come in order. */
static size_t place_of(const struct alerts *alerts, uint64_t seq)
{
	size_t low = 0, high = alerts->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (alerts->open[mid].seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void take_out(struct alerts *alerts, size_t at)
{
	free(alerts->open[at].text);
	alerts->count--;
	memmove(&alerts->open[at], &alerts->open[at + 1],
		(alerts->count - at) * sizeof(*alerts->open));
}

static size_t least(const struct alerts *alerts)
{
	size_t found = 0;

	for (size_t i = 1; i < alerts->count; i++)
		if (alerts->open[i].severity < alerts->open[found].severity)
			found = i;
	return found;
}

/* Takes over @text. */
static void add(struct daemon *d, uint64_t seq, int64_t time_ns, enum fim_severity severity,
		char *text)
{
	struct alerts *alerts = &d->alerts;

	if (!alerts->open)
		alerts->open = calloc(OPEN_MAX, sizeof(*alerts->open));
	if (!alerts->open || !text) {
		d->counters.no_memory++;
		free(text);
		return;
	}
	if (alerts->count == OPEN_MAX) {
		take_out(alerts, least(alerts));
		alerts->crowded++;
	}
	if (!alerts->count && d->config->realert_s)
		alerts->remind_ms = now_ms() + (int64_t)d->config->realert_s * 1000;
	alerts->open[alerts->count++] = (struct open_alert){seq, time_ns, severity, text};
}

static void acknowledge(struct daemon *d, const struct fim_json *record)
{
	const struct fim_json *list = fim_json_get(record, "alerts");
	const char *action = fim_json_get_str(record, "action");
	struct alerts *alerts = &d->alerts;

	if (!action || (strcmp(action, "acknowledged") != 0 && strcmp(action, "closed") != 0))
		return;
	for (size_t i = 0; i < fim_json_count(list); i++) {
		uint64_t seq = (uint64_t)fim_json_int(fim_json_index(list, i), 0);
		size_t at = place_of(alerts, seq);

		if (at < alerts->count && alerts->open[at].seq == seq)
			take_out(alerts, at);
	}
}

void alerts_note(struct daemon *d, const struct fim_json *record, uint64_t seq, int64_t time_ns)
{
	const char *type = fim_json_get_str(record, "type");
	enum fim_severity severity;

	if (type && strcmp(type, "alert") == 0)
		acknowledge(d, record);
	else if (fim_alert_of(record, &severity))
		add(d, seq, time_ns, severity, fim_alert_text(record));
}

void alerts_replay(struct daemon *d, const struct fim_json *record)
{
	const char *time = fim_json_get_str(record, "time");
	int64_t time_ns = 0;

	if (time)
		fim_time_parse(time, &time_ns);
	alerts_note(d, record, (uint64_t)fim_json_get_int(record, "seq", 0), time_ns);
}

/* ---------------------------------------------------------------- reminding */

/* The worst first, then the oldest. */
static int by_weight(const void *a, const void *b)
{
	const struct open_alert *one = *(const struct open_alert *const *)a;
	const struct open_alert *two = *(const struct open_alert *const *)b;

	if (one->severity != two->severity)
		return one->severity > two->severity ? -1 : 1;
	return one->seq < two->seq ? -1 : 1;
}

static void remind(struct daemon *d, const struct open_alert **worst)
{
	const struct alerts *alerts = &d->alerts;
	size_t named = alerts->count < NAMED_MAX ? alerts->count : NAMED_MAX;
	struct fim_json *body = fim_json_object(), *list = fim_json_array();
	const struct alert_field fields[] = {{"op", "reminder", true}};
	char time[FIM_TIME_SIZE], *text = NULL, *line = NULL;
	struct alert alert = {
		.type = "alert",
		.severity = worst[0]->severity,
		.failed = true,
		.fields = fields,
		.field_count = 1,
	};

	for (size_t i = 0; i < named; i++)
		fim_json_append_int(list, (int64_t)worst[i]->seq);
	fim_time_format(alerts->open[0].time_ns, time);
	fim_json_set_str(body, "action", "reminded");
	fim_json_set(body, "alerts", list);
	fim_json_set_int(body, "open", (int64_t)(alerts->count + alerts->crowded));
	fim_json_set_str(body, "oldest", time);
	record_append(d, "alert", body, &line);
	if (asprintf(&text,
		     "reminder: %zu alerts are not acknowledged, the oldest of %s, the worst: "
		     "%llu severity=%s %s",
		     alerts->count + alerts->crowded, time, (unsigned long long)worst[0]->seq,
		     fim_severity_name(worst[0]->severity), worst[0]->text) < 0)
		text = NULL;
	alert.text = text ? text : "alerts are not acknowledged";
	alert.line = line ? line : "{}";
	sinks_send(d, &alert);
	free(text);
	free(line);
}

int64_t alerts_deadline(const struct daemon *d)
{
	return d->alerts.count && d->config->realert_s ? d->alerts.remind_ms : INT64_MAX;
}

void alerts_poll(struct daemon *d)
{
	struct alerts *alerts = &d->alerts;
	const struct open_alert **worst;

	if (now_ms() < alerts_deadline(d))
		return;
	alerts->remind_ms = now_ms() + (int64_t)d->config->realert_s * 1000;
	worst = calloc(alerts->count, sizeof(*worst));
	if (!worst) {
		d->counters.no_memory++;
		return;
	}
	for (size_t i = 0; i < alerts->count; i++)
		worst[i] = &alerts->open[i];
	qsort(worst, alerts->count, sizeof(*worst), by_weight);
	remind(d, worst);
	free(worst);
}

void alerts_exit(struct daemon *d)
{
	while (d->alerts.count)
		take_out(&d->alerts, d->alerts.count - 1);
	free(d->alerts.open);
	d->alerts.open = NULL;
}
