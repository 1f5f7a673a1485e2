/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the two substitutions: lists, which are text and are replaced before a condition
 * is read, and macros, which are trees.  Both are as literal as the engine's: a list's
 * name is replaced wherever it stands as a word, inside quotes too.
 */
#include <errno.h>
#include <string.h>

#include "rules_private.h"

/* ------------------------------------------------------------------ lists */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

static bool keeps_together(struct fim_str name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (is_delimiter(name.bytes[i]))
			return false;
	return true;
}

/*
 * An item with a space is quoted, unless it looks as if it were.  Nothing but empty
 * items before it: then it comes without a comma, as with the engine.
 */
static void add_item(struct fim_text *out, struct fim_str item)
{
	bool quote = item.len && memchr(item.bytes, ' ', item.len) && item.bytes[0] != '"' &&
		     item.bytes[0] != '\'';

	fim_text_adds(out, out->len ? ", " : "");
	if (quote)
		fim_text_adds(out, "\"");
	fim_text_add(out, item.bytes, item.len);
	if (quote)
		fim_text_adds(out, "\"");
}

/* What a list stands for: its items, those that are earlier lists by theirs, one level deep. */
static void add_items(struct fim_build *build, const struct fim_def_list *list, bool *used,
		      struct fim_text *out)
{
	size_t i, k;

	for (i = 0; i < list->count; i++) {
		uint32_t at = fim_names_find(&build->list_names, list->items[i]);
		const struct fim_def_list *ref = at == FIM_NAMES_NONE ? NULL : &build->lists[at];

		if (!ref || ref->index >= list->visibility) {
			add_item(out, list->items[i]);
			continue;
		}
		used[at] = true;
		for (k = 0; k < ref->count; k++)
			add_item(out, ref->items[k]);
	}
}

static size_t find(const struct fim_text *text, struct fim_str name, size_t from)
{
	const char *found;

	if (from > text->len || !name.len)
		return SIZE_MAX;
	found = memmem(text->bytes + from, text->len - from, name.bytes, name.len);
	return found ? (size_t)(found - text->bytes) : SIZE_MAX;
}

/* Replaces [start, end) by " ITEMS " or, at the start, "ITEMS ". */
static void splice(struct fim_text *text, size_t start, size_t end, const struct fim_text *items)
{
	struct fim_text out = {0};

	fim_text_add(&out, text->bytes, start);
	if (start)
		fim_text_adds(&out, " ");
	fim_text_add(&out, items->bytes, items->len);
	fim_text_adds(&out, " ");
	fim_text_add(&out, text->bytes + end, text->len - end);
	out.failed |= text->failed;
	fim_text_free(text);
	*text = out;
}

/* Replaces a list's name everywhere; true if it was there. */
static bool replace_list(struct fim_text *text, struct fim_str name, const struct fim_text *items)
{
	size_t start = find(text, name, 0);
	bool found = false;

	while (start != SIZE_MAX && !text->failed) {
		size_t end = start + name.len;

		if ((!start || is_delimiter(text->bytes[start - 1])) &&
		    (end >= text->len || is_delimiter(text->bytes[end]))) {
			while (start && is_blank(text->bytes[start - 1]))
				start--;
			while (end < text->len && is_blank(text->bytes[end]))
				end++;
			/* Nothing in place of something needs one comma less. */
			if (!items->len && start && text->bytes[start - 1] == ',')
				start--;
			else if (!items->len && end < text->len && text->bytes[end] == ',')
				end++;
			splice(text, start, end, items);
			start += items->len + 1;
			found = true;
		}
		start = find(text, name, start + 1);
	}
	return found;
}

/* The first list, in order, behind @after, that a word of @text names. */
static size_t next_list(const struct fim_build *build, const struct fim_text *text, size_t after)
{
	size_t best = SIZE_MAX, i = 0;

	while (i < text->len) {
		size_t start;
		uint32_t at;

		while (i < text->len && is_delimiter(text->bytes[i]))
			i++;
		for (start = i; i < text->len && !is_delimiter(text->bytes[i]); i++)
			;
		at = fim_names_find(&build->list_names,
				    (struct fim_str){text->bytes + start, i - start});
		if (at != FIM_NAMES_NONE && (after == SIZE_MAX || at > after) && at < best)
			best = at;
	}
	/* Names that are no words, with a space in them, are looked for one by one. */
	for (i = after == SIZE_MAX ? 0 : after + 1; i < build->list_count && i < best; i++)
		if (!keeps_together(build->lists[i].name) &&
		    find(text, build->lists[i].name, 0) != SIZE_MAX)
			best = i;
	return best;
}

#define CONDITION_MAX (1u << 20)

void fim_expand_lists(struct fim_build *build, struct fim_text *condition, bool *used)
{
	size_t at = SIZE_MAX;

	while (!build->err && (at = next_list(build, condition, at)) != SIZE_MAX) {
		struct fim_text items = {0};

		add_items(build, &build->lists[at], used, &items);
		if (replace_list(condition, build->lists[at].name, &items))
			used[at] = true;
		condition->failed |= items.failed;
		fim_text_free(&items);
		if (condition->failed)
			fim_build_nomem(build);
		if (condition->len > CONDITION_MAX)
			fim_build_error(build, "LOAD_ERR_VALIDATE", &build->lists[at].place,
					"a condition with this list is longer than %u bytes",
					CONDITION_MAX);
	}
}

/* ----------------------------------------------------------------- macros */

static void say(struct fim_macros *macros, const char *what, struct fim_str name,
		const char *behind, struct fim_filter_pos pos)
{
	if (macros->err)
		return;
	macros->err = -EINVAL;
	macros->error->pos = pos;
	snprintf(macros->error->text, sizeof(macros->error->text), "%s'%.*s'%s", what,
		 (int)(name.len < 200 ? name.len : 200), name.bytes, behind);
}

/* Whether a name is being replaced further up. */
static bool in_path(const struct fim_macros *macros, uint32_t at)
{
	size_t i;

	for (i = 0; i < macros->depth; i++)
		if (macros->path[i] == at)
			return true;
	return false;
}

static struct fim_node *resolve_ident(struct fim_macros *macros, struct fim_node *node)
{
	const struct fim_build *build = macros->build;
	uint32_t at = fim_names_find(&build->macro_names, node->text);
	struct fim_node *result;

	if (at == FIM_NAMES_NONE || build->macros[at].index >= macros->visibility ||
	    !macros->trees[at]) {
		say(macros, "Undefined macro ", node->text, " used in filter.", node->pos);
		return node;
	}
	if (in_path(macros, at) || macros->depth == FIM_MACRO_DEPTH_MAX) {
		say(macros, "reference loop in macro ", node->text, "", node->pos);
		return node;
	}
	macros->used[at] = true;
	macros->path[macros->depth++] = at;
	result = fim_macros_resolve(macros, macros->trees[at]);
	macros->depth--;
	return result;
}

/*
 * Trees are shared, never changed: a part without macros is used as it is.  What is
 * shared still counts each time, or a few macros could stand for more than memory.
 */
struct fim_node *fim_macros_resolve(struct fim_macros *macros, struct fim_node *node)
{
	struct fim_node *copy = NULL;
	size_t i;

	if (macros->err)
		return node;
	if (node->kind == FIM_NODE_IDENT)
		return resolve_ident(macros, node);
	if (node->kind != FIM_NODE_AND && node->kind != FIM_NODE_OR && node->kind != FIM_NODE_NOT)
		return node;
	for (i = 0; i < node->count && !macros->err; i++) {
		struct fim_node *child = fim_macros_resolve(macros, node->children[i]);
		size_t k;

		if (!copy && child == node->children[i])
			continue;
		if (!copy) {
			copy = fim_node_new(macros->arena, node->kind, node->pos);
			for (k = 0; copy && k < i && !macros->err; k++)
				macros->err = fim_node_add(macros->arena, copy, node->children[k]);
		}
		if (!copy)
			macros->err = -ENOMEM;
		else if (!macros->err)
			macros->err = fim_node_add(macros->arena, copy, child);
	}
	node = copy ? copy : node;
	if (node->weight >= FIM_NODE_WEIGHT_MAX || node->height >= FIM_NODE_HEIGHT_MAX)
		say(macros, "too large with all macros replaced, at ", (struct fim_str){"macro", 5},
		    "", node->pos);
	return node;
}
