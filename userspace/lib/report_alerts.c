/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of alerts: which sink took each, who acknowledged or closed it, and when.
 * Of every alert its number, time and state are kept (24 bytes); of the worst also the
 * record, to show what it was about.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define MAX_SINKS 32
/* Below it, a change is recorded, but nobody has to come. */
#define LEAST FIM_SEVERITY_MEDIUM
/* A sink that is slow, or a period that ends in between, is no alert that nobody got. */
#define DELIVERY_NS (3600 * FIM_NSEC_PER_SEC)

enum state {
	UNHANDLED = 0,
	ACKNOWLEDGED,
	CLOSED,
};

struct alert {
	uint64_t seq;
	int64_t time_ns;
	uint32_t sinks; /* bit N: the Nth destination took it */
	uint8_t severity;
	uint8_t state;
};

/* What people said of an alert: there are as many as people wrote. */
struct hand {
	uint64_t seq;
	int64_t acknowledged_ns;
	int64_t closed_ns;
	char *acknowledged_by;
	char *closed_by;
	char *reason;
	char *ticket;
};

struct fim_alerts {
	struct alert *items; /* by seq: the journal is */
	size_t count;
	size_t room;
	struct hand *hands;
	size_t hand_count;
	char *sinks[MAX_SINKS];
	int64_t last_ns[MAX_SINKS]; /* when each took its last one */
	uint64_t taken[MAX_SINKS];
	size_t sink_count;
	struct fim_keep keep;
	uint64_t lives;
};

struct fim_alerts *fim_alerts_new(void)
{
	return calloc(1, sizeof(struct fim_alerts));
}

static void hand_clear(struct hand *hand)
{
	free(hand->acknowledged_by);
	free(hand->closed_by);
	free(hand->reason);
	free(hand->ticket);
}

void fim_alerts_free(struct fim_alerts *alerts)
{
	size_t i;

	if (!alerts)
		return;
	for (i = 0; i < alerts->hand_count; i++)
		hand_clear(&alerts->hands[i]);
	for (i = 0; i < alerts->sink_count; i++)
		free(alerts->sinks[i]);
	fim_keep_clear(&alerts->keep);
	free(alerts->hands);
	free(alerts->items);
	free(alerts);
}

int fim_alerts_add(struct fim_alerts *alerts, const struct fim_line *line,
		   enum fim_severity severity)
{
	struct alert *grown;
	size_t room;

	if (severity < LEAST)
		return 0;
	if (alerts->count == alerts->room) {
		room = alerts->room ? alerts->room + alerts->room / 2 : 1024;
		grown = realloc(alerts->items, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		alerts->items = grown;
		alerts->room = room;
	}
	alerts->items[alerts->count++] = (struct alert){
		.seq = line->seq, .time_ns = line->time_ns, .severity = (uint8_t)severity};
	return fim_keep_add(&alerts->keep, (int)severity, line->seq, line->text, line->len);
}

/* ------------------------------------------------------------------- lives */

static int by_number(const void *key, const void *item)
{
	uint64_t seq = *(const uint64_t *)key;
	const struct alert *alert = item;

	return seq < alert->seq ? -1 : seq > alert->seq;
}

static struct alert *find(const struct fim_alerts *alerts, uint64_t seq)
{
	if (!alerts->count)
		return NULL;
	return bsearch(&seq, alerts->items, alerts->count, sizeof(*alerts->items), by_number);
}

static const struct hand *find_hand(const struct fim_alerts *alerts, uint64_t seq)
{
	size_t i;

	for (i = 0; i < alerts->hand_count; i++)
		if (alerts->hands[i].seq == seq)
			return &alerts->hands[i];
	return NULL;
}

static struct hand *need_hand(struct fim_alerts *alerts, uint64_t seq)
{
	struct hand *grown = (struct hand *)find_hand(alerts, seq);

	if (grown)
		return grown;
	grown = realloc(alerts->hands, (alerts->hand_count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	alerts->hands = grown;
	grown += alerts->hand_count++;
	*grown = (struct hand){.seq = seq};
	return grown;
}

/* Takes another copy of a string that a record may have. */
static int take(char **text, const struct fim_json *record, const char *key)
{
	const char *value = fim_json_get_str(record, key);
	char *copy;

	if (!value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int deliver(struct fim_alerts *alerts, struct alert *alert, const char *sink,
		   int64_t time_ns)
{
	size_t i;

	for (i = 0; i < alerts->sink_count; i++)
		if (strcmp(alerts->sinks[i], sink) == 0)
			break;
	if (i == MAX_SINKS)
		return 0;
	if (i == alerts->sink_count) {
		alerts->sinks[i] = strdup(sink);
		if (!alerts->sinks[i])
			return -ENOMEM;
		alerts->sink_count++;
	}
	alert->sinks |= UINT32_C(1) << i;
	alerts->taken[i]++;
	alerts->last_ns[i] = time_ns;
	return 0;
}

static int handle(struct fim_alerts *alerts, struct alert *alert, const struct fim_json *record,
		  int64_t time_ns, bool closed)
{
	struct hand *hand = need_hand(alerts, alert->seq);
	int err;

	if (!hand)
		return -ENOMEM;
	if (closed)
		hand->closed_ns = time_ns;
	else if (!hand->acknowledged_ns)
		hand->acknowledged_ns = time_ns;
	alert->state = closed || hand->closed_ns ? CLOSED : ACKNOWLEDGED;
	err = take(closed ? &hand->closed_by : &hand->acknowledged_by, record, "by");
	if (!err)
		err = take(&hand->reason, record, "reason");
	return err ? err : take(&hand->ticket, record, "ticket");
}

static int live(struct fim_alerts *alerts, uint64_t seq, const struct fim_json *record,
		int64_t time_ns)
{
	const char *action = fim_json_get_str(record, "action");
	const char *sink = fim_json_get_str(record, "sink");
	struct alert *alert = find(alerts, seq);

	if (!action)
		return -EINVAL;
	/* Of an alert before the period, or of a change that nobody has to come for. */
	if (!alert)
		return 0;
	if (strcmp(action, "delivered") == 0)
		return sink ? deliver(alerts, alert, sink, time_ns) : -EINVAL;
	if (strcmp(action, "acknowledged") == 0 || strcmp(action, "closed") == 0) {
		alerts->lives++;
		return handle(alerts, alert, record, time_ns, strcmp(action, "closed") == 0);
	}
	return 0;
}

int fim_alerts_read(struct fim_alerts *alerts, const struct fim_json *record, int64_t time_ns)
{
	const struct fim_json *many = fim_json_get(record, "alerts");
	int64_t seq = fim_json_get_int(record, "alert", 0);
	size_t i;
	int err = 0;

	if (!many)
		return seq > 0 ? live(alerts, (uint64_t)seq, record, time_ns) : -EINVAL;
	for (i = 0; i < fim_json_count(many) && !err; i++)
		err = live(alerts, (uint64_t)fim_json_int(fim_json_index(many, i), 0), record,
			   time_ns);
	return err;
}

/* ------------------------------------------------------------------ results */

void fim_alerts_sum(const struct fim_alerts *alerts, int64_t to_ns, struct fim_alert_sum *sum_ret)
{
	const struct alert *alert;
	int64_t took_ns;
	size_t i;

	*sum_ret = (struct fim_alert_sum){.count = alerts->count, .lives = alerts->lives};
	for (i = 0; i < alerts->count; i++) {
		alert = &alerts->items[i];
		sum_ret->by_state[alert->state]++;
		sum_ret->undelivered += !alert->sinks && to_ns - alert->time_ns > DELIVERY_NS;
		if (alert->state == UNHANDLED && !sum_ret->oldest_ns)
			sum_ret->oldest_ns = alert->time_ns;
	}
	for (i = 0; i < alerts->hand_count; i++) {
		const struct hand *hand = &alerts->hands[i];

		alert = find(alerts, hand->seq);
		took_ns = (hand->acknowledged_ns ? hand->acknowledged_ns : hand->closed_ns) -
			  (alert ? alert->time_ns : 0);
		if (alert && took_ns > sum_ret->longest_ns)
			sum_ret->longest_ns = took_ns;
	}
}

static void set_hand(struct fim_json *item, const char *key, const char *by, int64_t time_ns,
		     int64_t since_ns)
{
	char name[32], text[FIM_TIME_SIZE];

	if (!time_ns)
		return;
	fim_time_format(time_ns, text);
	fim_json_set_str(item, key, text);
	snprintf(name, sizeof(name), "%s_by", key);
	fim_json_set_str(item, name, by);
	snprintf(name, sizeof(name), "%s_ms", key);
	fim_json_set_int(item, name, (time_ns - since_ns) / FIM_NSEC_PER_MSEC);
}

/* Who did it, as far as one line of a table says so; the container's name, if it has one. */
static void set_actor(struct fim_json *item, const struct fim_json *record)
{
	static const char *const keys[] = {"pid",     "uid",  "loginuid",  "exe",
					   "exe_hex", "user", "login_user"};
	const struct fim_json *actor = fim_json_get(record, "actor");
	const struct fim_json *container = fim_json_get(record, "container");
	struct fim_json *who, *value;
	size_t i;

	fim_json_set_str(item, "container", fim_json_get_str(container, "name"));
	if (!fim_json_is_object(actor))
		return;
	who = fim_json_object();
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = fim_json_get(actor, keys[i]);
		if (value && !fim_json_is_null(value))
			fim_json_set(who, keys[i], fim_json_ref(value));
	}
	fim_json_set(item, "actor", who);
}

/* Of what is no finding: a container, a way into one, or what was done to a place. */
static void set_what(struct fim_json *item, const struct fim_json *record,
		     enum fim_severity severity)
{
	const char *type = fim_json_get_str(record, "type");
	char *text;

	if (!type || strcmp(type, "finding") == 0)
		return;
	text = fim_alert_text(record);
	fim_json_set_str(item, "severity", fim_severity_name(severity));
	fim_json_set_str(item, "kind", type);
	if (!fim_json_get(item, "scope"))
		fim_json_set_str(item, "scope", "container");
	fim_json_set_str(item, "text", text);
	free(text);
}

static struct fim_json *alert_json(const struct fim_alerts *alerts, const struct fim_kept *kept)
{
	static const char *const names[] = {
		[UNHANDLED] = "unhandled", [ACKNOWLEDGED] = "acknowledged", [CLOSED] = "closed"};
	static const char *const keys[] = {"time",     "severity", "kind", "path",
					   "path_hex", "scope",	   "rule"};
	const struct alert *alert = find(alerts, kept->seq);
	const struct hand *hand = find_hand(alerts, kept->seq);
	struct fim_json *item = fim_json_object(), *sinks = fim_json_array(), *record = NULL;
	size_t i;

	fim_json_set_int(item, "id", (int64_t)kept->seq);
	fim_json_set_str(item, "state", names[alert->state]);
	/* It was scanned before: a key twice shows nothing of it. */
	if (fim_json_parse(kept->text, kept->len, NULL, &record) == 0) {
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			fim_json_set_str(item, keys[i], fim_json_get_str(record, keys[i]));
		set_what(item, record, (enum fim_severity)kept->rank);
		set_actor(item, record);
	}
	fim_json_free(record);
	for (i = 0; i < alerts->sink_count; i++)
		if (alert->sinks >> i & 1)
			fim_json_append_str(sinks, alerts->sinks[i]);
	fim_json_set(item, "delivered", sinks);
	if (!hand)
		return item;
	set_hand(item, "acknowledged", hand->acknowledged_by, hand->acknowledged_ns,
		 alert->time_ns);
	set_hand(item, "closed", hand->closed_by, hand->closed_ns, alert->time_ns);
	fim_json_set_str(item, "reason", hand->reason);
	fim_json_set_str(item, "ticket", hand->ticket);
	return item;
}

/* By state, the worst first in each, then in the order of the journal. */
static void append_state(const struct fim_alerts *alerts, enum state state, struct fim_json *items)
{
	const struct fim_kept *kept;
	int severity;
	size_t i;

	for (severity = FIM_SEVERITY_CRITICAL; severity >= LEAST; severity--)
		for (i = 0; i < alerts->keep.count; i++) {
			kept = &alerts->keep.items[i];
			if (kept->rank == severity && find(alerts, kept->seq)->state == state)
				fim_json_append(items, alert_json(alerts, kept));
		}
}

struct fim_json *fim_alerts_json(struct fim_alerts *alerts)
{
	struct fim_json *section = fim_json_object(), *items = fim_json_array();
	struct fim_alert_sum sum;
	char text[FIM_TIME_SIZE];

	fim_alerts_sum(alerts, 0, &sum);
	fim_keep_sort(&alerts->keep);
	append_state(alerts, UNHANDLED, items);
	append_state(alerts, ACKNOWLEDGED, items);
	append_state(alerts, CLOSED, items);
	fim_json_set_int(section, "count", (int64_t)sum.count);
	fim_json_set_int(section, "omitted", (int64_t)(sum.count - fim_json_count(items)));
	fim_json_set_int(section, "unhandled", (int64_t)sum.by_state[UNHANDLED]);
	fim_json_set_int(section, "acknowledged", (int64_t)sum.by_state[ACKNOWLEDGED]);
	fim_json_set_int(section, "closed", (int64_t)sum.by_state[CLOSED]);
	if (sum.oldest_ns) {
		fim_time_format(sum.oldest_ns, text);
		fim_json_set_str(section, "oldest_unhandled", text);
	}
	fim_json_set(section, "items", items);
	return section;
}

struct fim_json *fim_alerts_destinations(const struct fim_alerts *alerts)
{
	struct fim_json *names = fim_json_array();
	size_t i;

	for (i = 0; i < alerts->sink_count; i++)
		fim_json_append_str(names, alerts->sinks[i]);
	return names;
}

struct fim_json *fim_alerts_deliveries(const struct fim_alerts *alerts)
{
	struct fim_json *list = fim_json_array(), *item;
	char text[FIM_TIME_SIZE];
	size_t i;

	for (i = 0; i < alerts->sink_count; i++) {
		item = fim_json_object();
		fim_time_format(alerts->last_ns[i], text);
		fim_json_set_str(item, "destination", alerts->sinks[i]);
		fim_json_set_int(item, "alerts", (int64_t)alerts->taken[i]);
		fim_json_set_str(item, "last", text);
		fim_json_append(list, item);
	}
	return list;
}
