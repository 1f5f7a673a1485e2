/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on their way into formats of others: who they come from, and their texts, cut
 * and escaped.  Pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

#define TITLE_MAX 1000

int fim_line_digest(const struct fim_line *line, char digest_ret[FIM_SHA256_HEX_SIZE])
{
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_hasher *hasher = fim_hasher_new();
	int err = hasher ? fim_hasher_update(hasher, line->text, line->len) : -ENOMEM;

	if (!err)
		err = fim_hasher_update(hasher, "\n", 1);
	if (!err)
		err = fim_hasher_final(hasher, digest);
	if (!err)
		fim_hex_encode(digest, sizeof(digest), digest_ret);
	fim_hasher_free(hasher);
	return err;
}

static void learn(char *to, size_t size, const char *text)
{
	char *safe;

	if (*to || !text || !*text || strlen(text) >= size)
		return;
	safe = fim_escape(text, strlen(text));
	if (safe && strlen(safe) < size)
		memcpy(to, safe, strlen(safe) + 1);
	free(safe);
}

bool fim_is_account(const char *text)
{
	return strspn(text, "0123456789") == 12 && !text[12];
}

void fim_host_learn(struct fim_host *origin, const struct fim_json *record)
{
	const struct fim_json *detail = fim_json_get(record, "detail");
	const struct fim_json *container = fim_json_get(record, "container");
	const char *account = fim_json_get_str(container, "account");

	/* What the daemon says of the host; a label of a container only where nothing is known. */
	if (fim_json_is_object(detail)) {
		learn(origin->host, sizeof(origin->host), fim_json_get_str(detail, "instance_id"));
		learn(origin->hostname, sizeof(origin->hostname),
		      fim_json_get_str(detail, "hostname"));
		learn(origin->kernel, sizeof(origin->kernel), fim_json_get_str(detail, "kernel"));
	}
	if (account && fim_is_account(account))
		learn(origin->account, sizeof(origin->account), account);
	learn(origin->region, sizeof(origin->region), fim_json_get_str(container, "region"));
}

bool fim_host_learn_line(struct fim_host *origin, const struct fim_line *line)
{
	struct fim_json *record = NULL;

	if (strcmp(line->type, "control") != 0 && strcmp(line->type, "container") != 0)
		return false;
	if (fim_json_parse(line->text, line->len, NULL, &record))
		return false;
	fim_host_learn(origin, record);
	fim_json_free(record);
	return *origin->account && *origin->region && *origin->hostname;
}

bool fim_exchange_is_failure(const struct fim_json *record)
{
	const char *state = fim_json_get_str(record, "state");

	return state &&
	       (!strcmp(state, "down") || !strcmp(state, "degraded") || !strcmp(state, "loss"));
}

static enum fim_severity severity_of(const struct fim_json *record, const char *type)
{
	const char *text = fim_json_get_str(record, "severity");
	enum fim_severity severity = FIM_SEVERITY_INFO;

	if (fim_alert_of(record, &severity))
		return severity;
	if (!strcmp(type, "control"))
		return fim_exchange_is_failure(record) ? FIM_SEVERITY_HIGH : FIM_SEVERITY_INFO;
	for (int i = FIM_SEVERITY_INFO; text && i <= FIM_SEVERITY_CRITICAL; i++)
		if (!strcmp(text, fim_severity_name((enum fim_severity)i)))
			severity = (enum fim_severity)i;
	return severity;
}

int fim_exchange_init(struct fim_exchange *exchange, const struct fim_host *origin,
		      const struct fim_json *record, const char *digest)
{
	const char *time = fim_json_get_str(record, "time");
	const char *event_time = fim_json_get_str(record, "event_time");
	const char *type = fim_json_get_str(record, "type");
	const struct fim_json *container = fim_json_get(record, "container");

	*exchange = (struct fim_exchange){.origin = origin, .record = record, .digest = digest};
	if (!time || !type || fim_time_parse(time, &exchange->logged_ns) || exchange->logged_ns < 0)
		return -EINVAL;
	if (!event_time || fim_time_parse(event_time, &exchange->time_ns) || exchange->time_ns < 0)
		exchange->time_ns = exchange->logged_ns;
	if (fim_json_is_object(container))
		exchange->container = container;
	exchange->severity = severity_of(record, type);
	return 0;
}

/* -------------------------------------------------------------------- texts */

/* At most @max bytes of it, whole characters, and no more than one line. */
static char *cut(char *text, size_t max)
{
	size_t len = text ? strlen(text) : 0;

	if (len > max) {
		for (len = max; len && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
			;
		text[len] = '\0';
	}
	if (text && strspn(text, " \t") == strlen(text)) {
		free(text);
		text = NULL;
	}
	return text;
}

char *fim_exchange_text(const struct fim_json *object, const char *key, size_t max)
{
	char *bytes = NULL, *text;
	size_t len = 0;

	if (fim_json_get_bytes(object, key, &bytes, &len))
		return NULL;
	text = fim_escape(bytes, len);
	free(bytes);
	return cut(text, max);
}

void fim_exchange_put_str(struct fim_json *to, const char *name, const char *text, size_t max)
{
	char *copy = text ? cut(strdup(text), max) : NULL;

	fim_json_set_str(to, name, copy);
	free(copy);
}

void fim_exchange_put(struct fim_json *to, const char *name, const struct fim_json *object,
		      const char *key, size_t max)
{
	char *text = fim_exchange_text(object, key, max);

	fim_json_set_str(to, name, text);
	free(text);
}

void fim_exchange_put_number(struct fim_json *to, const char *name, const struct fim_json *object,
			     const char *key)
{
	const struct fim_json *value = fim_json_get(object, key);
	char text[24];

	if (!fim_json_is_int(value))
		return;
	snprintf(text, sizeof(text), "%" PRId64, fim_json_int(value, 0));
	fim_json_set_str(to, name, text);
}

char *fim_exchange_command(const struct fim_json *actor, size_t max)
{
	const struct fim_json *args = fim_json_get(actor, "args");
	char *line = NULL, *safe;
	size_t len;
	FILE *out;

	if (!fim_json_count(args) || !fim_json_is_array(args))
		return NULL;
	out = open_memstream(&line, &len);
	if (!out)
		return NULL;
	for (size_t i = 0; i < fim_json_count(args); i++) {
		const char *arg = fim_json_str(fim_json_index(args, i));

		fprintf(out, "%s%s", i ? " " : "", arg ? arg : "?");
	}
	if (fclose(out)) {
		free(line);
		return NULL;
	}
	safe = fim_escape(line, len);
	free(line);
	return cut(safe, max);
}

static char *control_title(const struct fim_json *record)
{
	char *component = fim_exchange_text(record, "component", 64);
	char *state = fim_exchange_text(record, "state", 64);
	char *cause = fim_exchange_text(record, "cause", TITLE_MAX);
	char *title = NULL;

	if (asprintf(&title, "control %s %s: %s", component ? component : "?", state ? state : "?",
		     cause ? cause : "?") < 0)
		title = NULL;
	free(component);
	free(state);
	free(cause);
	return title;
}

static char *comparison_title(const struct fim_json *record)
{
	char *title = NULL;

	if (asprintf(&title,
		     "comparison: %" PRId64 " of %" PRId64 " files, %" PRId64 " added, %" PRId64
		     " removed, %" PRId64 " changed, %" PRId64 " unreadable",
		     fim_json_get_int(record, "compared", 0),
		     fim_json_get_int(record, "expected", 0), fim_json_get_int(record, "added", 0),
		     fim_json_get_int(record, "removed", 0), fim_json_get_int(record, "changed", 0),
		     fim_json_get_int(record, "unreadable", 0)) < 0)
		title = NULL;
	return title;
}

static char *place_title(const struct fim_json *record)
{
	char *action = fim_exchange_text(record, "action", 64);
	char *path = fim_exchange_text(record, "path", TITLE_MAX);
	char *title = NULL;

	if (asprintf(&title, "%s %s", action ? action : "place", path ? path : "?") < 0)
		title = NULL;
	free(action);
	free(path);
	return title;
}

char *fim_exchange_title(const struct fim_exchange *exchange)
{
	const char *type = fim_json_get_str(exchange->record, "type");
	char *name, *title = NULL;

	if (!strcmp(type, "control"))
		return cut(control_title(exchange->record), TITLE_MAX);
	if (!strcmp(type, "comparison"))
		return comparison_title(exchange->record);
	if (!strcmp(type, "place"))
		return cut(place_title(exchange->record), TITLE_MAX);
	if (!strcmp(type, "container") && exchange->severity < FIM_SEVERITY_MEDIUM) {
		name = fim_exchange_text(exchange->container, "name", TITLE_MAX);
		if (asprintf(&title, "container %s", name ? name : "?") < 0)
			title = NULL;
		free(name);
		return title;
	}
	return cut(fim_alert_text(exchange->record), TITLE_MAX);
}

void fim_exchange_uid(const struct fim_exchange *exchange, char *uid_ret, size_t size)
{
	const char *type = fim_json_get_str(exchange->record, "type");
	char *component = NULL, *sink = NULL;

	if (!strcmp(type, "control")) {
		component = fim_exchange_text(exchange->record, "component", 32);
		sink = fim_exchange_text(exchange->record, "sink", 32);
	}
	if (component)
		snprintf(uid_ret, size, "ecs-fim/%s/control/%s%s%s",
			 *exchange->origin->host ? exchange->origin->host
						 : exchange->origin->hostname,
			 component, sink ? "/" : "", sink ? sink : "");
	else
		snprintf(uid_ret, size, "ecs-fim/%s", exchange->digest);
	free(component);
	free(sink);
}
