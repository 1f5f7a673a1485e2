/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the tree of a rules file.  Unlike a configuration, such a file is read as the
 * engine reads it: scalars stay text, several documents, anchors, positions, the first
 * of two equal keys counts.  Hence an own tree, and the second user of libyaml.
 */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "rules_private.h"

struct anchor {
	struct fim_str name;
	struct fim_doc_node *node; /* NULL while the node is being read */
};

struct reader {
	yaml_parser_t yaml;
	struct fim_str text; /* of the file */
	struct fim_arena *arena;
	struct anchor *anchors;
	size_t anchor_count;
	size_t node_count;
	struct fim_doc_error *error;
	int err;
};

static void fail(struct reader *reader, int err, const char *text, yaml_mark_t mark)
{
	if (reader->err)
		return;
	reader->err = err;
	snprintf(reader->error->text, sizeof(reader->error->text), "%s", text);
	reader->error->line = (uint32_t)mark.line + 1;
	reader->error->column = (uint32_t)mark.column + 1;
}

static yaml_mark_t mark_of(struct fim_str text, size_t offset)
{
	yaml_mark_t mark = {.index = offset};
	size_t i;

	for (i = 0; i < offset && i < text.len; i++) {
		mark.column++;
		if (text.bytes[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static void fail_parser(struct reader *reader)
{
	const yaml_parser_t *yaml = &reader->yaml;
	yaml_mark_t mark = yaml->problem_mark;
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s", yaml->problem ? yaml->problem : "out of memory",
		 yaml->context ? " " : "", yaml->context ? yaml->context : "");
	if (yaml->error == YAML_READER_ERROR) {
		/* The reader is ahead of the scanner, whose place this mark would be. */
		mark = mark_of(reader->text, yaml->problem_offset);
		snprintf(text, sizeof(text), "%s at byte %zu", yaml->problem, yaml->problem_offset);
	}
	fail(reader, yaml->error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL, text, mark);
}

static struct fim_str str_of(const void *bytes, size_t len)
{
	return (struct fim_str){bytes, len};
}

static bool is_null_text(const char *text)
{
	return !*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
	       !strcmp(text, "NULL");
}

static struct fim_doc_node *node_new(struct reader *reader, const yaml_event_t *event,
				     enum fim_doc_kind kind)
{
	struct fim_doc_node *node;

	if (++reader->node_count > FIM_DOC_MAX_NODES) {
		fail(reader, -EINVAL, "too many values", event->start_mark);
		return NULL;
	}
	node = fim_arena_alloc(reader->arena, sizeof(*node));
	if (!node) {
		fail(reader, -ENOMEM, "out of memory", event->start_mark);
		return NULL;
	}
	node->kind = kind;
	node->line = (uint32_t)event->start_mark.line + 1;
	node->column = (uint32_t)event->start_mark.column + 1;
	return node;
}

static struct fim_doc_node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct fim_doc_node *node = node_new(reader, event, FIM_DOC_SCALAR);
	char *copy;

	if (!node)
		return NULL;
	copy = fim_arena_copy(reader->arena, text, len);
	if (!copy) {
		fail(reader, -ENOMEM, "out of memory", event->start_mark);
		return NULL;
	}
	node->scalar = str_of(copy, len);
	node->is_null = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			!event->data.scalar.tag && is_null_text(text);
	return node;
}

static struct fim_doc_node *find_anchor(struct reader *reader, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	size_t i;

	for (i = reader->anchor_count; i-- > 0;) {
		if (!fim_str_is(reader->anchors[i].name, name))
			continue;
		if (!reader->anchors[i].node)
			fail(reader, -EINVAL, "an alias names a value that contains it",
			     event->start_mark);
		return reader->anchors[i].node;
	}
	fail(reader, -EINVAL, "the referenced anchor is not defined", event->start_mark);
	return NULL;
}

/* Notes the anchor of a node that begins; its index, or SIZE_MAX without an anchor. */
static size_t begin_anchor(struct reader *reader, const yaml_event_t *event,
			   const yaml_char_t *name)
{
	char *copy;

	if (!name)
		return SIZE_MAX;
	copy = fim_arena_copy(reader->arena, (const char *)name, strlen((const char *)name));
	if (!copy || fim_arena_grow(reader->arena, &reader->anchors, reader->anchor_count,
				    sizeof(*reader->anchors))) {
		fail(reader, -ENOMEM, "out of memory", event->start_mark);
		return SIZE_MAX;
	}
	reader->anchors[reader->anchor_count] = (struct anchor){.name = str_of(copy, strlen(copy))};
	return reader->anchor_count++;
}

static struct fim_doc_node *read_node(struct reader *reader, yaml_event_t *event, unsigned depth);

static void read_children(struct reader *reader, struct fim_doc_node *node, yaml_event_type_t end,
			  unsigned depth)
{
	while (!reader->err) {
		struct fim_doc_node *child;
		yaml_event_t event;

		if (!yaml_parser_parse(&reader->yaml, &event)) {
			fail_parser(reader);
			return;
		}
		if (event.type == end) {
			yaml_event_delete(&event);
			return;
		}
		child = read_node(reader, &event, depth + 1);
		if (child && fim_arena_grow(reader->arena, &node->children, node->count,
					    sizeof(struct fim_doc_node *)))
			fail(reader, -ENOMEM, "out of memory", event.start_mark);
		else if (child)
			node->children[node->count++] = child;
		yaml_event_delete(&event);
	}
}

/* The node that @event begins; the caller deletes @event. */
static struct fim_doc_node *read_node(struct reader *reader, yaml_event_t *event, unsigned depth)
{
	struct fim_doc_node *node = NULL;
	size_t anchor = SIZE_MAX;

	if (depth > FIM_DOC_MAX_DEPTH) {
		fail(reader, -EINVAL, "nested too deeply", event->start_mark);
		return NULL;
	}
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return find_anchor(reader, event);
	case YAML_SCALAR_EVENT:
		anchor = begin_anchor(reader, event, event->data.scalar.anchor);
		node = read_scalar(reader, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = begin_anchor(reader, event, event->data.sequence_start.anchor);
		node = node_new(reader, event, FIM_DOC_SEQUENCE);
		if (node)
			read_children(reader, node, YAML_SEQUENCE_END_EVENT, depth);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = begin_anchor(reader, event, event->data.mapping_start.anchor);
		node = node_new(reader, event, FIM_DOC_MAPPING);
		if (node)
			read_children(reader, node, YAML_MAPPING_END_EVENT, depth);
		break;
	default:
		fail(reader, -EINVAL, "unexpected event", event->start_mark);
	}
	if (anchor != SIZE_MAX)
		reader->anchors[anchor].node = node;
	return reader->err ? NULL : node;
}

static void read_stream(struct reader *reader, struct fim_doc_node ***docs, size_t *count)
{
	bool done = false;

	while (!done && !reader->err) {
		struct fim_doc_node *node;
		yaml_event_t event;

		if (!yaml_parser_parse(&reader->yaml, &event)) {
			fail_parser(reader);
			return;
		}
		switch (event.type) {
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		case YAML_DOCUMENT_START_EVENT:
			reader->anchor_count = 0; /* anchors end with their document */
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		default:
			node = read_node(reader, &event, 0);
			if (!node)
				break;
			if (fim_arena_grow(reader->arena, docs, *count, sizeof(**docs)))
				fail(reader, -ENOMEM, "out of memory", event.start_mark);
			else
				(*docs)[(*count)++] = node;
		}
		yaml_event_delete(&event);
	}
}

static int parse(struct fim_arena *arena, struct fim_str text, struct fim_doc_node ***docs_ret,
		 size_t *count_ret, struct fim_doc_error *error_ret)
{
	struct reader reader = {.text = text, .arena = arena, .error = error_ret};
	struct fim_doc_node **docs = NULL;
	size_t count = 0;

	if (!yaml_parser_initialize(&reader.yaml))
		return -ENOMEM;
	yaml_parser_set_input_string(&reader.yaml, (const unsigned char *)text.bytes, text.len);
	yaml_parser_set_encoding(&reader.yaml, YAML_UTF8_ENCODING);
	read_stream(&reader, &docs, &count);
	yaml_parser_delete(&reader.yaml);
	if (reader.err)
		return reader.err;
	*docs_ret = docs;
	*count_ret = count;
	return 0;
}

/* Makes tabs of lines with nothing but blanks and a comment spaces; true: there were some. */
static bool expand_tabs(char *text, size_t len)
{
	bool found = false;
	size_t i, start, end;

	for (start = 0; start < len; start = end + 1) {
		const char *newline = memchr(text + start, '\n', len - start);

		end = newline ? (size_t)(newline - text) : len;
		for (i = start; i < end && (text[i] == ' ' || text[i] == '\t'); i++)
			;
		if (i < end && text[i] != '#' && text[i] != '\r')
			continue;
		while (i-- > start) {
			found |= text[i] == '\t';
			text[i] = ' ';
		}
	}
	return found;
}

/*
 * libyaml stumbles over a tab where a token could begin, also on a line that is blank or
 * holds a comment only.  The engine does not, and nor should who wrote the file.
 */
int fim_doc_parse(struct fim_arena *arena, const char *text, size_t len,
		  struct fim_doc_node ***docs_ret, size_t *count_ret,
		  struct fim_doc_error *error_ret)
{
	struct fim_doc_error ignored;
	int err = parse(arena, (struct fim_str){text, len}, docs_ret, count_ret, error_ret);
	char *copy;

	if (err != -EINVAL || !memchr(text, '\t', len))
		return err;
	copy = fim_arena_copy(arena, text, len);
	if (!copy)
		return -ENOMEM;
	if (expand_tabs(copy, len) &&
	    !parse(arena, (struct fim_str){copy, len}, docs_ret, count_ret, &ignored))
		return 0;
	return err;
}

struct fim_doc_node *fim_doc_get(const struct fim_doc_node *mapping, const char *key)
{
	size_t i;

	for (i = 0; i + 1 < mapping->count; i += 2)
		if (mapping->children[i]->kind == FIM_DOC_SCALAR &&
		    fim_str_is(mapping->children[i]->scalar, key))
			return mapping->children[i + 1];
	return NULL;
}
