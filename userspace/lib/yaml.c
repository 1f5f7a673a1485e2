/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML; the only file that includes libyaml. Bounds come first: depth, number of
 * values and, through refusing aliases, expansion.
 */
#include "yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <yaml.h>

#define DEPTH_MAX 16
#define NODES_MAX 65536

/**
 * struct reader - a parse in progress
 * @parser: libyaml's
 * @name: for messages
 * @stack: containers that are open, outermost first
 * @depth: their number
 * @root: the document
 * @key: scalar read as key and waiting for its value, or NULL
 * @nodes: values so far
 */
struct reader {
	yaml_parser_t parser;
	const char *name;
	struct fim_yaml *stack[DEPTH_MAX];
	size_t depth;
	struct fim_yaml *root;
	struct fim_yaml *key;
	size_t nodes;
};

void fim_yaml_free(struct fim_yaml *node)
{
	struct fim_yaml *next;

	/* Recursion is bounded by DEPTH_MAX. */
	for (; node; node = next) {
		next = node->next;
		fim_yaml_free(node->first);
		free(node->key);
		free(node->text);
		free(node);
	}
}

int fim_yaml_fail(const char *name, const struct fim_yaml *node, const char *fmt, ...)
{
	char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	fim_log(LOG_ERR, "%s:%zu:%zu: %s", name, node ? node->line : 1, node ? node->column : 1,
		message ? message : "invalid");
	free(message);
	return -EINVAL;
}

static int fail_at(const struct reader *reader, const yaml_mark_t *mark, const char *reason)
{
	const struct fim_yaml here = {.line = mark->line + 1, .column = mark->column + 1};

	return fim_yaml_fail(reader->name, &here, "%s", reason);
}

static bool has_key(const struct fim_yaml *mapping, const char *key)
{
	const struct fim_yaml *node;

	for (node = mapping->first; node; node = node->next)
		if (!strcmp(node->key, key))
			return true;
	return false;
}

/* Puts @node where it belongs; the tree owns it from here on. */
static void attach(struct reader *reader, struct fim_yaml *node)
{
	struct fim_yaml *parent;

	if (!reader->depth) {
		reader->root = node;
		return;
	}
	parent = reader->stack[reader->depth - 1];
	if (parent->kind == FIM_YAML_MAPPING) {
		node->key = reader->key->text;
		node->key_line = reader->key->line;
		node->key_column = reader->key->column;
		reader->key->text = NULL;
		fim_yaml_free(reader->key);
		reader->key = NULL;
	}
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->count++;
}

static bool awaits_key(const struct reader *reader)
{
	return reader->depth && !reader->key &&
	       reader->stack[reader->depth - 1]->kind == FIM_YAML_MAPPING;
}

static int new_node(struct reader *reader, const yaml_mark_t *mark, enum fim_yaml_kind kind,
		    struct fim_yaml **node_ret)
{
	struct fim_yaml *node;

	if (++reader->nodes > NODES_MAX)
		return fail_at(reader, mark, "too many values");
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->kind = kind;
	node->line = mark->line + 1;
	node->column = mark->column + 1;
	*node_ret = node;
	return 0;
}

static int read_key(struct reader *reader, struct fim_yaml *node)
{
	if (has_key(reader->stack[reader->depth - 1], node->text)) {
		fim_yaml_fail(reader->name, node, "\"%s\" is there twice", node->text);
		fim_yaml_free(node);
		return -EINVAL;
	}
	reader->key = node;
	return 0;
}

static int read_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct fim_yaml *node = NULL;
	int err;

	if (event->data.scalar.anchor || event->data.scalar.tag)
		return fail_at(reader, &event->start_mark, "anchors and tags are not supported");
	if (memchr(value, '\0', len))
		return fail_at(reader, &event->start_mark, "a value contains a NUL");
	err = new_node(reader, &event->start_mark, FIM_YAML_SCALAR, &node);
	if (err)
		return err;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = strndup(value, len);
	if (!node->text) {
		fim_yaml_free(node);
		return -ENOMEM;
	}
	if (awaits_key(reader))
		return read_key(reader, node);
	attach(reader, node);
	return 0;
}

static int open_container(struct reader *reader, const yaml_event_t *event, enum fim_yaml_kind kind)
{
	const void *anchor, *tag;
	struct fim_yaml *node = NULL;
	int err;

	if (kind == FIM_YAML_MAPPING) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	} else {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	}
	if (anchor || tag)
		return fail_at(reader, &event->start_mark, "anchors and tags are not supported");
	if (awaits_key(reader))
		return fail_at(reader, &event->start_mark, "a key must be a plain word");
	if (reader->depth == DEPTH_MAX)
		return fail_at(reader, &event->start_mark, "nested too deep");
	err = new_node(reader, &event->start_mark, kind, &node);
	if (err)
		return err;
	attach(reader, node);
	reader->stack[reader->depth++] = node;
	return 0;
}

static int read_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(reader, event, FIM_YAML_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		return open_container(reader, event, FIM_YAML_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reader->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return fail_at(reader, &event->start_mark, "aliases are not supported");
	case YAML_DOCUMENT_START_EVENT:
		if (reader->root)
			return fail_at(reader, &event->start_mark, "more than one document");
		return 0;
	default:
		return 0;
	}
}

static int parser_error(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return fail_at(reader, &parser->problem_mark,
		       parser->problem ? parser->problem : "not YAML");
}

static int read_document(struct reader *reader)
{
	yaml_event_type_t type;
	yaml_event_t event;
	int err;

	do {
		if (!yaml_parser_parse(&reader->parser, &event))
			return parser_error(reader);
		type = event.type;
		err = read_event(reader, &event);
		yaml_event_delete(&event);
	} while (!err && type != YAML_STREAM_END_EVENT);
	return err;
}

int fim_yaml_parse(const char *text, size_t len, const char *name, struct fim_yaml **root_ret)
{
	struct reader reader = {.name = name};
	int err;

	if (!yaml_parser_initialize(&reader.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	err = read_document(&reader);
	yaml_parser_delete(&reader.parser);
	fim_yaml_free(reader.key);
	if (err)
		fim_yaml_free(reader.root);
	else
		*root_ret = reader.root;
	return err;
}

/* ---- values into structs */

static int store_string(const char *name, const struct fim_yaml *node, bool may_be_empty,
			char **string)
{
	char *copy;

	if (node->kind != FIM_YAML_SCALAR)
		return fim_yaml_fail(name, node, "\"%s\" must be a string", node->key);
	if (!may_be_empty && !*node->text)
		return fim_yaml_fail(name, node, "\"%s\" is empty", node->key);
	copy = strdup(node->text);
	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

static void free_strings(char **strings)
{
	size_t i;

	for (i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

static int store_strings(const char *name, const struct fim_yaml *node, char ***strings)
{
	const bool list = node->kind == FIM_YAML_SEQUENCE;
	const struct fim_yaml *child = list ? node->first : node;
	size_t i, count = list ? node->count : 1;
	char **copies;
	int err;

	if (node->kind == FIM_YAML_MAPPING)
		return fim_yaml_fail(name, node, "\"%s\" must be a string or a list", node->key);
	copies = calloc(count + 1, sizeof(*copies));
	if (!copies)
		return -ENOMEM;
	for (i = 0; i < count; i++, child = child->next) {
		err = -EINVAL;
		if (child->kind != FIM_YAML_SCALAR || !*child->text)
			fim_yaml_fail(name, child, "\"%s\" holds what is not a string", node->key);
		else if (!(copies[i] = strdup(child->text)))
			err = -ENOMEM;
		if (!copies[i]) {
			free_strings(copies);
			return err;
		}
	}
	free_strings(*strings);
	*strings = copies;
	return 0;
}

static int store_bool(const char *name, const struct fim_yaml *node, bool *value)
{
	if (node->kind == FIM_YAML_SCALAR && node->plain && !strcmp(node->text, "true"))
		*value = true;
	else if (node->kind == FIM_YAML_SCALAR && node->plain && !strcmp(node->text, "false"))
		*value = false;
	else
		return fim_yaml_fail(name, node, "\"%s\" must be true or false", node->key);
	return 0;
}

static int store_u32(const char *name, const struct fim_yaml *node,
		     const struct fim_yaml_field *field, uint32_t *value)
{
	uint64_t number = 0;
	size_t i;

	if (node->kind != FIM_YAML_SCALAR || !node->plain || !*node->text ||
	    strspn(node->text, "0123456789") != strlen(node->text))
		return fim_yaml_fail(name, node, "\"%s\" must be a whole number", node->key);
	for (i = 0; node->text[i] && number <= UINT32_MAX; i++)
		number = number * 10 + (uint64_t)(node->text[i] - '0');
	if (number < field->min || number > field->max)
		return fim_yaml_fail(name, node, "\"%s\" must be between %u and %u", node->key,
				     field->min, field->max);
	*value = (uint32_t)number;
	return 0;
}

static int check_path(const char *name, const struct fim_yaml *node)
{
	if (node->kind == FIM_YAML_SCALAR && *node->text && *node->text != '/')
		return fim_yaml_fail(name, node, "\"%s\" is not an absolute path", node->text);
	return 0;
}

static int check(const char *name, const struct fim_yaml *node, const struct fim_yaml_field *field)
{
	int err = field->path ? check_path(name, node) : 0;

	for (const struct fim_yaml *child = node->first; field->path && child && !err;
	     child = child->next)
		err = check_path(name, child);
	if (!err && field->filled && node->kind == FIM_YAML_SEQUENCE && !node->count)
		err = fim_yaml_fail(name, node, "\"%s\" is empty", node->key);
	return err;
}

static int store(const char *name, const struct fim_yaml *node, const struct fim_yaml_field *field,
		 void *target)
{
	void *place = (char *)target + field->offset;

	switch (field->type) {
	case FIM_YAML_STRING:
		return store_string(name, node, false, place);
	case FIM_YAML_TEXT:
		return store_string(name, node, true, place);
	case FIM_YAML_STRINGS:
		return store_strings(name, node, place);
	case FIM_YAML_BOOL:
		return store_bool(name, node, place);
	case FIM_YAML_U32:
		return store_u32(name, node, field, place);
	case FIM_YAML_NODE:
		*(const struct fim_yaml **)place = node;
		return 0;
	}
	return -EINVAL;
}

int fim_yaml_read(const char *name, const struct fim_yaml *mapping,
		  const struct fim_yaml_field *fields, size_t count, void *target)
{
	const struct fim_yaml *node;
	size_t i;
	int err;

	if (mapping->kind != FIM_YAML_MAPPING)
		return fim_yaml_fail(name, mapping, "keys with values are expected here");
	for (node = mapping->first; node; node = node->next) {
		for (i = 0; i < count && strcmp(fields[i].key, node->key); i++)
			;
		if (i == count) {
			const struct fim_yaml at = {.line = node->key_line,
						    .column = node->key_column};

			return fim_yaml_fail(name, &at, "unknown key \"%s\"", node->key);
		}
		err = store(name, node, &fields[i], target);
		if (!err)
			err = check(name, node, &fields[i]);
		if (err)
			return err;
	}
	return 0;
}
