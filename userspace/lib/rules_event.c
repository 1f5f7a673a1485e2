/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the fields of one event: set by whoever saw it, or extracted when the first rule
 * asks.  A generation number instead of clearing tells what belongs to this event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rules_private.h"

/* ------------------------------------------------------------------ event */

#define BUFFER_SIZE (16u << 10)

struct fim_event_buffer {
	struct fim_event_buffer *next;
	size_t used;
	size_t size;
	max_align_t bytes[];
};

void *fim_event_alloc(struct fim_rules_event *event, size_t size)
{
	struct fim_event_buffer *buffer = event->buffer;
	char *bytes;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	while (buffer && buffer->size - buffer->used < size) {
		buffer = buffer->next;
		if (buffer)
			buffer->used = 0;
	}
	if (!buffer) {
		size_t room = size > BUFFER_SIZE ? size : BUFFER_SIZE;

		buffer = malloc(sizeof(*buffer) + room);
		if (!buffer) {
			event->failed = true;
			return NULL;
		}
		buffer->size = room;
		buffer->used = 0;
		buffer->next = NULL;
		/* Behind the current one, in front of none: the list only grows at its end. */
		if (event->buffer) {
			struct fim_event_buffer *last = event->buffer;

			while (last->next)
				last = last->next;
			last->next = buffer;
		} else {
			event->buffers = buffer;
		}
	}
	event->buffer = buffer;
	bytes = (char *)buffer->bytes + buffer->used;
	buffer->used += size;
	return bytes;
}

bool fim_event_take_scratch(struct fim_rules_event *event, struct fim_str *text_ret)
{
	struct fim_text *scratch = &event->scratch;
	char *text = fim_event_alloc(event, scratch->len + 1);

	if (scratch->failed) {
		event->failed = true;
		fim_text_free(scratch);
		return false;
	}
	if (!text)
		return false;
	if (scratch->len)
		memcpy(text, scratch->bytes, scratch->len);
	text[scratch->len] = '\0';
	*text_ret = (struct fim_str){text, scratch->len};
	return true;
}

bool fim_event_set_scratch(struct fim_rules_event *event, struct fim_cell *cell)
{
	struct fim_str text;

	if (!fim_event_take_scratch(event, &text))
		return false;
	fim_cell_set(event, cell, text);
	return true;
}

int fim_rules_event_new(struct fim_rules *rules, const char *source,
			struct fim_rules_event **event_ret)
{
	int id = fim_rules_source_id((struct fim_str){source, strlen(source)});
	struct fim_rules_event *event;

	if (id < 0)
		return id;
	event = calloc(1, sizeof(*event));
	if (!event)
		return -ENOMEM;
	event->rules = rules;
	event->source = (enum fim_rules_source_id)id;
	event->program = &rules->programs[id];
	event->cells = calloc(event->program->slot_count + 1, sizeof(*event->cells));
	event->memo = calloc(rules->term_count + 1, sizeof(*event->memo));
	event->scan = calloc(1, sizeof(*event->scan));
	if (!event->cells || !event->memo || !event->scan) {
		fim_rules_event_free(event);
		return -ENOMEM;
	}
	fim_rules_event_reset(event);
	*event_ret = event;
	return 0;
}

void fim_rules_event_free(struct fim_rules_event *event)
{
	if (!event)
		return;
	while (event->buffers) {
		struct fim_event_buffer *next = event->buffers->next;

		free(event->buffers);
		event->buffers = next;
	}
	if (event->scan)
		fim_scan_free(event->scan);
	free(event->scan);
	fim_text_free(&event->scratch);
	free(event->cells);
	free(event->memo);
	free(event);
}

void fim_event_forget(struct fim_rules_event *event)
{
	/* A memo is generation * 2 + result. */
	if (++event->memo_generation >> 31) {
		event->memo_generation = 1;
		memset(event->memo, 0, event->rules->term_count * sizeof(*event->memo));
	}
}

void fim_rules_event_reset(struct fim_rules_event *event)
{
	event->number++;
	event->extract = NULL;
	event->failed = false;
	event->is_closed = false;
	event->second_type = NULL;
	event->mounts = NULL;
	event->mount_count = 0;
	event->labels = NULL;
	event->change = NULL;
	event->time_ns = FIM_TIME_UNKNOWN;
	event->buffer = event->buffers;
	if (event->buffer)
		event->buffer->used = 0;
	if (!++event->generation) {
		event->generation = 1;
		memset(event->cells, 0, event->program->slot_count * sizeof(*event->cells));
	}
	fim_event_forget(event);
}

uint64_t fim_rules_event_gave_up(const struct fim_rules_event *event)
{
	return event->gave_up;
}

struct fim_cell *fim_event_cell(struct fim_rules_event *event, const char *field, size_t len)
{
	uint32_t at = fim_names_find(&event->program->slot_names, (struct fim_str){field, len});

	return at == FIM_NAMES_NONE ? NULL : &event->cells[at];
}

void fim_cell_set(struct fim_rules_event *event, struct fim_cell *cell, struct fim_str text)
{
	cell->generation = event->generation;
	cell->state = FIM_CELL_UNREAD;
	cell->value.text = text;
	cell->value.hash = 0;
	cell->list = NULL;
	cell->count = 1;
}

void fim_rules_event_set(struct fim_rules_event *event, const char *field, const char *bytes,
			 size_t len)
{
	struct fim_cell *cell = fim_event_cell(event, field, strlen(field));

	if (cell)
		fim_cell_set(event, cell, (struct fim_str){bytes, len});
}

void fim_rules_event_set_str(struct fim_rules_event *event, const char *field, const char *text)
{
	if (text)
		fim_rules_event_set(event, field, text, strlen(text));
}

void fim_rules_event_set_int(struct fim_rules_event *event, const char *field, int64_t value)
{
	struct fim_cell *cell = fim_event_cell(event, field, strlen(field));
	char *text = cell ? fim_event_alloc(event, 24) : NULL;

	if (text)
		fim_cell_set(event, cell,
			     (struct fim_str){text, (size_t)snprintf(text, 24, "%lld",
								     (long long)value)});
}

int fim_event_set_list(struct fim_rules_event *event, struct fim_cell *cell,
		       const char *const *strings, size_t count)
{
	struct fim_value *list;
	size_t i;

	list = fim_event_alloc(event, (count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		list[i] = (struct fim_value){.text = {strings[i], strlen(strings[i])}};
	fim_cell_set(event, cell, (struct fim_str){"", 0});
	cell->list = list;
	cell->count = count;
	return 0;
}

int fim_rules_event_set_list(struct fim_rules_event *event, const char *field,
			     const char *const *strings, size_t count)
{
	struct fim_cell *cell = fim_event_cell(event, field, strlen(field));

	return cell ? fim_event_set_list(event, cell, strings, count) : 0;
}

/* "(a,b)" and, for all ancestors, "a b": how the engine prints several values. */
static int set_several(struct fim_rules_event *event, const char *field, const char *text,
		       char separator)
{
	struct fim_cell *cell = fim_event_cell(event, field, strlen(field));
	size_t len = strlen(text), count = 1, i;
	struct fim_value *list;

	if (!cell)
		return 0;
	if (len >= 2 && text[0] == '(' && text[len - 1] == ')') {
		text++;
		len -= 2;
	}
	for (i = 0; i < len; i++)
		count += text[i] == separator;
	list = fim_event_alloc(event, (count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	fim_cell_set(event, cell, (struct fim_str){"", 0});
	cell->list = list;
	cell->count = len ? count : 0;
	for (i = 0; i < cell->count; i++) {
		const char *end = memchr(text, separator, len);
		size_t part = end ? (size_t)(end - text) : len;

		list[i] = (struct fim_value){.text = {text, part}};
		text += part + (end != NULL);
		len -= part + (end != NULL);
	}
	return 0;
}

static int set_array(struct fim_rules_event *event, const char *field, const struct fim_json *array)
{
	size_t count = fim_json_count(array), i;
	const char **strings = calloc(count + 1, sizeof(*strings));
	int err;

	if (!strings)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		strings[i] = fim_json_str(fim_json_index(array, i));
		strings[i] = strings[i] ? strings[i] : "";
	}
	err = fim_rules_event_set_list(event, field, strings, count);
	free(strings);
	return err;
}

/* Numbers and booleans are read through the object that holds them. */
static void set_scalar(struct fim_rules_event *event, const char *field,
		       const struct fim_json *value)
{
	struct fim_json *holder = fim_json_object();

	fim_json_set(holder, "v", fim_json_ref(value));
	if (fim_json_is_int(value))
		fim_rules_event_set_int(event, field, fim_json_get_int(holder, "v", 0));
	else if (fim_json_is_bool(value))
		fim_rules_event_set_str(event, field,
					fim_json_get_bool(holder, "v", false) ? "true" : "false");
	fim_json_free(holder);
}

static int set_member(void *ctx, const char *field, struct fim_json *value)
{
	struct fim_rules_event *event = ctx;
	const char *type = fim_json_get_str(value, "type");

	if (fim_json_is_object(value))
		value = fim_json_get(value, "value");
	if (!value || fim_json_is_null(value))
		return 0;
	if (type && fim_json_str(value) && strstr(type, "[]"))
		return set_several(event, field, fim_json_str(value), ',');
	if (type && fim_json_str(value) && !strcmp(field, "proc.aname"))
		return set_several(event, field, fim_json_str(value), ' ');
	if (fim_json_str(value))
		fim_rules_event_set_str(event, field, fim_json_str(value));
	else if (fim_json_is_array(value))
		return set_array(event, field, value);
	else
		set_scalar(event, field, value);
	return 0;
}

int fim_rules_event_set_fields(struct fim_rules_event *event, const struct fim_json *fields)
{
	event->is_closed = true;
	return fim_json_each(fields, set_member, event);
}

/* ------------------------------------------------------------ field values */

void fim_cut_at_nul(struct fim_str *text)
{
	const char *nul = text->len ? memchr(text->bytes, '\0', text->len) : NULL;

	if (nul)
		text->len = (size_t)(nul - text->bytes);
}

/* Reads what the text means; false: nothing of its type. */
static bool read_value(const struct fim_type_info *type, struct fim_value *value)
{
	if (type->kind == FIM_VK_STRING)
		fim_cut_at_nul(&value->text);
	return fim_value_parse(type, value);
}

static void read_cell(const struct fim_type_info *type, struct fim_cell *cell)
{
	size_t i, kept = 0;

	if (!cell->list) {
		cell->state = read_value(type, &cell->value) ? FIM_CELL_SET : FIM_CELL_MISSING;
		return;
	}
	for (i = 0; i < cell->count; i++)
		if (read_value(type, &cell->list[i]))
			cell->list[kept++] = cell->list[i];
	cell->count = kept;
	cell->state = FIM_CELL_SET;
}

static struct fim_str print_time(struct fim_rules_event *event, const char *format, bool with_ns)
{
	const time_t seconds = (time_t)(event->time_ns / 1000000000);
	char *text = fim_event_alloc(event, 64);
	struct tm tm;
	size_t len;

	if (!text || event->time_ns < 0 || !gmtime_r(&seconds, &tm))
		return (struct fim_str){NULL, 0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = strftime(text, 64, format, &tm);
#pragma GCC diagnostic pop
	if (with_ns)
		len += (size_t)snprintf(text + len, 64 - len, ".%09d",
					(int)(event->time_ns % 1000000000));
	return (struct fim_str){text, len};
}

static struct fim_str print_number(struct fim_rules_event *event, uint64_t number)
{
	char *text = fim_event_alloc(event, 24);

	if (!text)
		return (struct fim_str){NULL, 0};
	return (struct fim_str){text,
				(size_t)snprintf(text, 24, "%llu", (unsigned long long)number)};
}

static struct fim_str print_hostname(struct fim_rules_event *event)
{
	char *text = fim_event_alloc(event, 256);

	if (!text || gethostname(text, 256))
		return (struct fim_str){NULL, 0};
	text[255] = '\0';
	return (struct fim_str){text, strlen(text)};
}

/* Fields that every event has, in UTC. */
static struct fim_str common_field(struct fim_rules_event *event, struct fim_str key)
{
	uint64_t ns = (uint64_t)event->time_ns;

	if (fim_str_is(key, "evt.num"))
		return print_number(event, event->number);
	if (fim_str_is(key, "evt.source")) {
		const char *source = fim_rules_source_name(event->source);

		return (struct fim_str){source, strlen(source)};
	}
	if (fim_str_is(key, "evt.hostname"))
		return print_hostname(event);
	if (event->time_ns == FIM_TIME_UNKNOWN)
		return (struct fim_str){NULL, 0};
	if (fim_str_is(key, "evt.time"))
		return print_time(event, "%H:%M:%S", true);
	if (fim_str_is(key, "evt.time.s"))
		return print_time(event, "%H:%M:%S", false);
	if (fim_str_is(key, "evt.time.iso8601"))
		return print_time(event, "%Y-%m-%dT%H:%M:%S+0000", false);
	if (fim_str_is(key, "evt.datetime"))
		return print_time(event, "%Y-%m-%d %H:%M:%S", true);
	if (fim_str_is(key, "evt.datetime.s"))
		return print_time(event, "%Y-%m-%d %H:%M:%S", false);
	if (fim_str_is(key, "evt.rawtime") || fim_str_is(key, "jevt.rawtime") ||
	    fim_str_is(key, "json.rawtime"))
		return print_number(event, ns);
	if (fim_str_is(key, "evt.rawtime.s"))
		return print_number(event, ns / 1000000000);
	if (fim_str_is(key, "evt.rawtime.ns"))
		return print_number(event, ns % 1000000000);
	return (struct fim_str){NULL, 0};
}

static void find_value(struct fim_rules_event *event, const struct fim_slot *slot,
		       struct fim_cell *cell)
{
	struct fim_str text;

	cell->generation = event->generation;
	cell->state = FIM_CELL_MISSING;
	if (event->extract && event->extract(event, slot, cell))
		return;
	if (!slot->is_common || event->is_closed)
		return;
	text = common_field(event, slot->key);
	if (text.bytes)
		fim_cell_set(event, cell, text);
}

bool fim_slot_values(struct fim_rules_event *event, uint32_t at, uint8_t type,
		     struct fim_values *out)
{
	struct fim_cell *cell = &event->cells[at];

	if (cell->generation != event->generation)
		find_value(event, &event->program->slots[at], cell);
	if (cell->state == FIM_CELL_UNREAD)
		read_cell(&fim_types[type], cell);
	if (cell->state == FIM_CELL_MISSING)
		return false;
	out->values = cell->list ? cell->list : &cell->value;
	out->count = cell->count;
	return true;
}
