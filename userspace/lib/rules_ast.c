/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the tree of a condition: its nodes, its operators and its canonical text. */
#include <errno.h>
#include <string.h>

#include "rules_private.h"

const struct fim_operator fim_operators[] = {
	{"exists", FIM_CMP_EXISTS, FIM_OPCLASS_UNARY, false},
	{"<=", FIM_CMP_LE, FIM_OPCLASS_NUMBER, false},
	{"<", FIM_CMP_LT, FIM_OPCLASS_NUMBER, false},
	{">=", FIM_CMP_GE, FIM_OPCLASS_NUMBER, false},
	{">", FIM_CMP_GT, FIM_OPCLASS_NUMBER, false},
	{"==", FIM_CMP_EQ, FIM_OPCLASS_STRING, false},
	{"=", FIM_CMP_EQ, FIM_OPCLASS_STRING, false},
	{"!=", FIM_CMP_NE, FIM_OPCLASS_STRING, false},
	{"glob", FIM_CMP_GLOB, FIM_OPCLASS_STRING, true},
	{"iglob", FIM_CMP_IGLOB, FIM_OPCLASS_STRING, true},
	{"contains", FIM_CMP_CONTAINS, FIM_OPCLASS_STRING, true},
	{"icontains", FIM_CMP_ICONTAINS, FIM_OPCLASS_STRING, true},
	{"bcontains", FIM_CMP_BCONTAINS, FIM_OPCLASS_STRING, true},
	{"startswith", FIM_CMP_STARTSWITH, FIM_OPCLASS_STRING, true},
	{"bstartswith", FIM_CMP_BSTARTSWITH, FIM_OPCLASS_STRING, true},
	{"endswith", FIM_CMP_ENDSWITH, FIM_OPCLASS_STRING, true},
	{"regex", FIM_CMP_REGEX, FIM_OPCLASS_STRING, true},
	{"intersects", FIM_CMP_INTERSECTS, FIM_OPCLASS_LIST, false},
	{"in", FIM_CMP_IN, FIM_OPCLASS_LIST, false},
	{"pmatch", FIM_CMP_PMATCH, FIM_OPCLASS_LIST, false},
};
const size_t fim_operator_count = sizeof(fim_operators) / sizeof(*fim_operators);

const char *const fim_modifiers[4] = {"", "oneof", "anyof", "allof"};

const char *const fim_transformers[] = {
	"tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt",
};
const size_t fim_transformer_count = sizeof(fim_transformers) / sizeof(*fim_transformers);

const char *fim_filter_op_name(enum fim_filter_op op)
{
	size_t i;

	if (op == FIM_CMP_EQ)
		return "=";
	for (i = 0; i < fim_operator_count; i++)
		if (fim_operators[i].op == op)
			return fim_operators[i].text;
	return "none";
}

struct fim_node *fim_node_new(struct fim_arena *arena, enum fim_node_kind kind,
			      struct fim_filter_pos pos)
{
	struct fim_node *node = fim_arena_alloc(arena, sizeof(*node));

	if (node) {
		node->kind = kind;
		node->pos = pos;
		node->weight = 1;
		node->height = 1;
		node->text.bytes = "";
		node->arg.bytes = "";
	}
	return node;
}

int fim_node_add(struct fim_arena *arena, struct fim_node *node, struct fim_node *child)
{
	int err;

	if (!child)
		return -ENOMEM;
	err = fim_arena_grow(arena, &node->children, node->count, sizeof(struct fim_node *));
	if (err)
		return err;
	node->children[node->count++] = child;
	node->weight += child->weight;
	if (node->weight > FIM_NODE_WEIGHT_MAX)
		node->weight = FIM_NODE_WEIGHT_MAX;
	if (node->height <= child->height)
		node->height = child->height + 1;
	return 0;
}

/* What a byte becomes inside quotes; NULL: itself. */
static const char *escaped(char c)
{
	switch (c) {
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	case '\\':
		return "\\\\";
	case '"':
		return "\\\"";
	default:
		return NULL;
	}
}

void fim_filter_escape(struct fim_text *text, struct fim_str value)
{
	bool quote = false;
	size_t i;

	for (i = 0; i < value.len && !quote; i++)
		quote = escaped(value.bytes[i]) || memchr(" ='", value.bytes[i], 3);
	if (!quote) {
		fim_text_add(text, value.bytes, value.len);
		return;
	}
	fim_text_adds(text, "\"");
	for (i = 0; i < value.len; i++) {
		const char *out = escaped(value.bytes[i]);

		if (out)
			fim_text_adds(text, out);
		else
			fim_text_add(text, &value.bytes[i], 1);
	}
	fim_text_adds(text, "\"");
}

static void print_children(const struct fim_node *node, const char *between, struct fim_text *text)
{
	size_t i;

	for (i = 0; i < node->count; i++) {
		if (i)
			fim_text_adds(text, between);
		fim_node_print(node->children[i], text);
	}
}

static void print_arg(const struct fim_node *node, struct fim_text *text)
{
	if (!node->arg.len)
		return;
	fim_text_adds(text, "[");
	fim_filter_escape(text, node->arg);
	fim_text_adds(text, "]");
}

static void print_check(const struct fim_node *node, struct fim_text *text)
{
	fim_node_print(node->children[0], text);
	fim_text_adds(text, " ");
	fim_text_adds(text, node->operator->text);
	if (node->mod) {
		fim_text_adds(text, " ");
		fim_text_adds(text, fim_modifiers[node->mod]);
	}
	if (node->kind == FIM_NODE_BINARY) {
		fim_text_adds(text, " ");
		fim_node_print(node->children[1], text);
	}
}

void fim_node_print(const struct fim_node *node, struct fim_text *text)
{
	switch (node->kind) {
	case FIM_NODE_AND:
	case FIM_NODE_OR:
		fim_text_adds(text, "(");
		print_children(node, node->kind == FIM_NODE_AND ? " and " : " or ", text);
		fim_text_adds(text, ")");
		break;
	case FIM_NODE_NOT:
		fim_text_adds(text, "not ");
		print_children(node, "", text);
		break;
	case FIM_NODE_IDENT:
		fim_text_add(text, node->text.bytes, node->text.len);
		break;
	case FIM_NODE_UNARY:
	case FIM_NODE_BINARY:
		print_check(node, text);
		break;
	case FIM_NODE_VALUE:
		fim_filter_escape(text, node->text);
		break;
	case FIM_NODE_FIELD:
		fim_text_add(text, node->text.bytes, node->text.len);
		print_arg(node, text);
		break;
	case FIM_NODE_TRANSFORM:
		fim_text_add(text, node->text.bytes, node->text.len);
		/* fall through */
	case FIM_NODE_LIST:
	case FIM_NODE_TLIST:
		fim_text_adds(text, "(");
		print_children(node, ", ", text);
		fim_text_adds(text, ")");
		print_arg(node, text);
		break;
	}
}
