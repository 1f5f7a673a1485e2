/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the grammar of conditions: recursive descent in one pass.  What it accepts and
 * how deep it goes is the engine's, oddities included; rules are shared with it.
 */
#include <errno.h>
#include <string.h>

#include "rules_private.h"

static bool enter(struct fim_parser *parser)
{
	/* Counted also after an error: every enter() has its leave(). */
	if (++parser->depth >= parser->max_depth)
		fim_parser_fail(parser, "exceeded max depth limit of %u", parser->max_depth);
	return !parser->err;
}

static struct fim_node *leave(struct fim_parser *parser, struct fim_node *node)
{
	parser->depth--;
	return parser->err ? NULL : node;
}

static struct fim_node *node_new(struct fim_parser *parser, enum fim_node_kind kind,
				 struct fim_filter_pos pos)
{
	struct fim_node *node = parser->err ? NULL : fim_node_new(parser->arena, kind, pos);

	if (!node && !parser->err)
		parser->err = -ENOMEM;
	return node;
}

/* Copied: the input is a list-expanded condition that does not outlive the parser. */
static struct fim_str keep(struct fim_parser *parser, struct fim_str str)
{
	const char *copy = fim_arena_copy(parser->arena, str.bytes, str.len);

	if (!copy && !parser->err)
		parser->err = -ENOMEM;
	return (struct fim_str){copy ? copy : "", copy ? str.len : 0};
}

static struct fim_node *token_node(struct fim_parser *parser, enum fim_node_kind kind,
				   struct fim_filter_pos pos)
{
	struct fim_node *node = node_new(parser, kind, pos);

	if (node)
		node->text = keep(parser, parser->token);
	return node;
}

static void add(struct fim_parser *parser, struct fim_node *node, struct fim_node *child)
{
	if (!parser->err)
		parser->err = fim_node_add(parser->arena, node, child);
}

/* The names that an error offers, quoted and separated by commas. */
static void list_operators(char *out, size_t size)
{
	size_t i, len = 0;

	for (i = 0; i < fim_operator_count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s'%s'", i ? ", " : "",
					fim_operators[i].text);
}

static void list_transformers(char *out, size_t size)
{
	size_t i, len = (size_t)snprintf(out, size, "'val'");

	for (i = 0; i < fim_transformer_count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, ", '%s'", fim_transformers[i]);
}

static void fail_with_transformers(struct fim_parser *parser, const char *expected)
{
	char names[160];

	list_transformers(names, sizeof(names));
	fim_parser_fail(parser, "expected %s: %s", expected, names);
}

/* ------------------------------------------------- fields and transformers */

/* "[…]" if it is there; false: an error was found. */
static bool parse_arg(struct fim_parser *parser, struct fim_node *node)
{
	if (!fim_lex_str(parser, "["))
		return true;
	if (!fim_lex_quoted(parser) && (parser->err || !fim_lex_field_arg(parser))) {
		fim_parser_fail(parser, "expected a valid field argument: a quoted string or a "
					"bare string");
		return false;
	}
	node->arg = keep(parser, parser->token);
	node->has_arg = true;
	if (!fim_lex_str(parser, "]"))
		fim_parser_fail(parser, "expected a ']' token");
	return !parser->err;
}

/* The name was just read. */
static struct fim_node *parse_field_rest(struct fim_parser *parser, struct fim_filter_pos pos)
{
	struct fim_node *node;

	if (!enter(parser))
		return leave(parser, NULL);
	node = token_node(parser, FIM_NODE_FIELD, pos);
	if (node)
		parse_arg(parser, node);
	return leave(parser, node);
}

static struct fim_node *parse_transformer_rest(struct fim_parser *parser,
					       struct fim_filter_pos pos);

static struct fim_node *parse_list_argument(struct fim_parser *parser, struct fim_filter_pos pos)
{
	if (fim_lex_field_name(parser))
		return parse_field_rest(parser, pos);
	if (fim_lex_transformer(parser))
		return parse_transformer_rest(parser, pos);
	if (fim_lex_quoted(parser))
		return token_node(parser, FIM_NODE_VALUE, pos);
	if (!parser->err && (fim_lex_hex(parser) || fim_lex_number(parser)))
		return token_node(parser, FIM_NODE_VALUE, pos);
	fim_parser_fail(parser, "expected transformer list argument: field, transformer, quoted "
				"string, or number");
	return NULL;
}

/* The opening parenthesis was just read. */
static struct fim_node *parse_transformer_list(struct fim_parser *parser, struct fim_filter_pos pos)
{
	struct fim_node *node = node_new(parser, FIM_NODE_TLIST, pos);

	if (!node)
		return NULL;
	fim_lex_blank(parser);
	if (fim_lex_str(parser, ")"))
		return node;
	do {
		fim_lex_blank(parser);
		add(parser, node, parse_list_argument(parser, pos));
		fim_lex_blank(parser);
	} while (!parser->err && fim_lex_str(parser, ","));
	if (!fim_lex_str(parser, ")"))
		fim_parser_fail(parser, "expected ')'");
	return parser->err ? NULL : node;
}

static struct fim_node *parse_transformer_argument(struct fim_parser *parser)
{
	struct fim_filter_pos pos = parser->pos;
	struct fim_node *node = NULL;

	if (!enter(parser))
		return leave(parser, NULL);
	fim_lex_blank(parser);
	if (fim_lex_hex(parser) || fim_lex_number(parser) || fim_lex_quoted(parser))
		node = token_node(parser, FIM_NODE_VALUE, pos);
	else if (!parser->err && fim_lex_str(parser, "("))
		node = parse_transformer_list(parser, pos);
	else if (!parser->err && fim_lex_transformer(parser))
		node = parse_transformer_rest(parser, pos);
	else if (!parser->err && fim_lex_field_name(parser))
		node = parse_field_rest(parser, pos);
	else
		fim_parser_fail(parser, "expected field transformer argument: field, transformer, "
					"quoted string, number, or transformer list");
	return leave(parser, node);
}

/* The name and the opening parenthesis were just read. */
static struct fim_node *parse_transformer_rest(struct fim_parser *parser, struct fim_filter_pos pos)
{
	struct fim_node *node;

	if (!enter(parser))
		return leave(parser, NULL);
	node = token_node(parser, FIM_NODE_TRANSFORM, pos);
	do {
		fim_lex_blank(parser);
		if (node)
			add(parser, node, parse_transformer_argument(parser));
		fim_lex_blank(parser);
	} while (!parser->err && fim_lex_str(parser, ","));
	if (!fim_lex_str(parser, ")"))
		fim_parser_fail(parser, "expected a ')' token closing the transformer");
	if (!parser->err)
		parse_arg(parser, node);
	return leave(parser, node);
}

/* "val(field)"; its name was just read. */
static struct fim_node *parse_val(struct fim_parser *parser, struct fim_filter_pos pos)
{
	struct fim_node *node;

	parser->token.len--;
	node = token_node(parser, FIM_NODE_TRANSFORM, pos);
	fim_lex_blank(parser);
	pos = parser->pos;
	if (!fim_lex_field_name(parser)) {
		fim_parser_fail(parser, "expected a field within 'val' transformer");
		return NULL;
	}
	if (node)
		add(parser, node, parse_field_rest(parser, pos));
	fim_lex_blank(parser);
	if (!fim_lex_str(parser, ")"))
		fim_parser_fail(parser, "expected a ')' token closing the transformer");
	if (!parser->err)
		parse_arg(parser, node);
	return parser->err ? NULL : node;
}

/* NULL without an error: there is none. */
static struct fim_node *try_transformer(struct fim_parser *parser)
{
	struct fim_node *node = NULL;
	struct fim_filter_pos pos;

	if (!enter(parser))
		return leave(parser, NULL);
	fim_lex_blank(parser);
	pos = parser->pos;
	if (fim_lex_str(parser, "val("))
		node = parse_val(parser, pos);
	else if (fim_lex_transformer(parser))
		node = parse_transformer_rest(parser, pos);
	return leave(parser, node);
}

/* ------------------------------------------------------------- right side */

static struct fim_node *parse_number(struct fim_parser *parser)
{
	struct fim_node *node = NULL;
	struct fim_filter_pos pos;

	if (!enter(parser))
		return leave(parser, NULL);
	fim_lex_blank(parser);
	pos = parser->pos;
	node = try_transformer(parser);
	if (!node && !parser->err) {
		if (fim_lex_hex(parser) || fim_lex_number(parser))
			node = token_node(parser, FIM_NODE_VALUE, pos);
		else
			fail_with_transformers(parser, "a number value or a field with a valid "
						       "transformer");
	}
	return leave(parser, node);
}

static struct fim_node *parse_string(struct fim_parser *parser, bool with_transformer)
{
	struct fim_node *node = NULL;
	struct fim_filter_pos pos;

	if (!enter(parser))
		return leave(parser, NULL);
	fim_lex_blank(parser);
	pos = parser->pos;
	if (with_transformer)
		node = try_transformer(parser);
	if (!node && !parser->err) {
		if (fim_lex_quoted(parser) || (!parser->err && fim_lex_bare(parser)))
			node = token_node(parser, FIM_NODE_VALUE, pos);
		else if (with_transformer)
			fail_with_transformers(parser, "a string value or a field with a valid "
						       "transformer");
		else
			fim_parser_fail(parser, "expected a string value");
	}
	return leave(parser, node);
}

/*
 * The opening parenthesis was just read.  When the first value is none, or has a bad
 * escape, the list counts as empty and the parser goes on from where it got.
 */
static struct fim_node *parse_values(struct fim_parser *parser, struct fim_filter_pos pos)
{
	struct fim_node *node = node_new(parser, FIM_NODE_LIST, pos), *value;

	if (!node)
		return NULL;
	fim_lex_blank(parser);
	value = parse_string(parser, false);
	if (parser->err == -EINVAL) {
		parser->err = 0;
	} else if (value) {
		add(parser, node, value);
		fim_lex_blank(parser);
		while (!parser->err && fim_lex_str(parser, ",")) {
			add(parser, node, parse_string(parser, false));
			fim_lex_blank(parser);
		}
	}
	if (!fim_lex_str(parser, ")"))
		fim_parser_fail(parser, "expected a ')' token");
	return parser->err ? NULL : node;
}

static struct fim_node *parse_list(struct fim_parser *parser, bool with_transformer)
{
	struct fim_node *node = NULL;
	struct fim_filter_pos pos;

	if (!enter(parser))
		return leave(parser, NULL);
	fim_lex_blank(parser);
	pos = parser->pos;
	if (fim_lex_str(parser, "("))
		return leave(parser, parse_values(parser, pos));
	if (with_transformer)
		node = try_transformer(parser);
	if (!node && !parser->err) {
		if (fim_lex_identifier(parser))
			node = token_node(parser, FIM_NODE_VALUE, pos);
		else
			fail_with_transformers(parser, "a list, an identifier, or a field with a "
						       "valid transformer");
	}
	return leave(parser, node);
}

/*
 * "oneof" and its like are modifiers only in front of a list; anywhere else they are
 * words like any other, so that "proc.name = oneof" stays what it was.
 */
static enum fim_filter_mod try_modifier(struct fim_parser *parser)
{
	struct fim_filter_pos start = parser->pos, behind;
	int mod;

	for (mod = FIM_MOD_ONEOF; mod <= FIM_MOD_ALLOF; mod++) {
		bool follows;

		if (!fim_lex_str(parser, fim_modifiers[mod]) || !fim_lex_blank(parser)) {
			parser->pos = start;
			continue;
		}
		behind = parser->pos;
		follows = fim_lex_peek(parser) == '(' ||
			  (fim_lex_identifier(parser) && !fim_str_is(parser->token, "and") &&
			   !fim_str_is(parser->token, "or") && !fim_str_is(parser->token, "not"));
		parser->pos = follows ? behind : start;
		return follows ? (enum fim_filter_mod)mod : FIM_MOD_NONE;
	}
	return FIM_MOD_NONE;
}

/* ------------------------------------------------------------- conditions */

static struct fim_node *parse_or(struct fim_parser *parser);

/* The opening parenthesis was just read. */
static struct fim_node *parse_embedded(struct fim_parser *parser)
{
	struct fim_node *node;

	if (!enter(parser))
		return leave(parser, NULL);
	fim_lex_blank(parser);
	node = parse_or(parser);
	fim_lex_blank(parser);
	if (!parser->err && !fim_lex_str(parser, ")"))
		fim_parser_fail(parser, "expected a ')' token");
	return leave(parser, node);
}

static struct fim_node *parse_right(struct fim_parser *parser, struct fim_node *check)
{
	if ((check->operator= fim_lex_operator(parser, FIM_OPCLASS_NUMBER)))
		return parse_number(parser);
	if ((check->operator= fim_lex_operator(parser, FIM_OPCLASS_STRING))) {
		if (check->operator->blank || fim_lex_blank(parser))
			check->mod = try_modifier(parser);
		return check->mod ? parse_list(parser, false) : parse_string(parser, true);
	}
	if ((check->operator= fim_lex_operator(parser, FIM_OPCLASS_LIST)))
		return parse_list(parser, true);
	return NULL;
}

static struct fim_node *parse_check_rest(struct fim_parser *parser, struct fim_node *left,
					 struct fim_filter_pos pos)
{
	struct fim_node *node, *right;

	if (!enter(parser))
		return leave(parser, NULL);
	node = node_new(parser, FIM_NODE_BINARY, pos);
	if (!node)
		return leave(parser, NULL);
	add(parser, node, left);
	fim_lex_blank(parser);
	node->operator= fim_lex_operator(parser, FIM_OPCLASS_UNARY);
	if (node->operator) {
		node->kind = FIM_NODE_UNARY;
		return leave(parser, node);
	}
	fim_lex_blank(parser);
	right = parse_right(parser, node);
	if (!node->operator) {
		char names[256];

		list_operators(names, sizeof(names));
		fim_parser_fail(parser, "expected a valid check operator: one of %s", names);
	}
	if (right)
		add(parser, node, right);
	return leave(parser, node);
}

static struct fim_node *parse_check(struct fim_parser *parser)
{
	struct fim_node *node = NULL;
	struct fim_filter_pos pos;

	if (!enter(parser))
		return leave(parser, NULL);
	pos = parser->pos;
	fim_lex_blank(parser);
	if (fim_lex_str(parser, "("))
		return leave(parser, parse_embedded(parser));
	if (fim_lex_field_name(parser)) {
		node = parse_field_rest(parser, pos);
		node = node ? parse_check_rest(parser, node, pos) : NULL;
	} else if (fim_lex_transformer(parser)) {
		node = parse_transformer_rest(parser, pos);
		node = node ? parse_check_rest(parser, node, pos) : NULL;
	} else if (fim_lex_identifier(parser)) {
		node = token_node(parser, FIM_NODE_IDENT, pos);
	} else {
		fim_parser_fail(parser, "expected a '(' token, a field check, or an identifier");
	}
	return leave(parser, node);
}

static struct fim_node *parse_not(struct fim_parser *parser)
{
	struct fim_node *node, *child;
	struct fim_filter_pos pos;
	bool negated = false;

	if (!enter(parser))
		return leave(parser, NULL);
	pos = parser->pos;
	fim_lex_blank(parser);
	while (fim_lex_not(parser))
		negated = !negated;
	if (fim_lex_str(parser, "not(")) {
		negated = !negated;
		child = parse_embedded(parser);
	} else {
		child = parse_check(parser);
	}
	if (!negated || !child)
		return leave(parser, child);
	node = node_new(parser, FIM_NODE_NOT, pos);
	if (node)
		add(parser, node, child);
	return leave(parser, node);
}

/*
 * A row of operands joined by @word.  Behind the word has to come a blank, or a
 * parenthesis, which then holds a whole condition.
 */
static struct fim_node *parse_row(struct fim_parser *parser, enum fim_node_kind kind,
				  const char *word,
				  struct fim_node *(*operand)(struct fim_parser *))
{
	struct fim_node *node, *child;
	struct fim_filter_pos pos;

	if (!enter(parser))
		return leave(parser, NULL);
	pos = parser->pos;
	fim_lex_blank(parser);
	child = operand(parser);
	node = node_new(parser, kind, pos);
	if (node)
		add(parser, node, child);
	fim_lex_blank(parser);
	while (!parser->err && fim_lex_str(parser, word)) {
		if (fim_lex_blank(parser))
			child = operand(parser);
		else if (fim_lex_str(parser, "("))
			child = parse_embedded(parser);
		else
			fim_parser_fail(parser, "expected blank or '(' after '%s'", word);
		if (!parser->err)
			add(parser, node, child);
		fim_lex_blank(parser);
	}
	return leave(parser, !parser->err && node->count == 1 ? node->children[0] : node);
}

static struct fim_node *parse_and(struct fim_parser *parser)
{
	return parse_row(parser, FIM_NODE_AND, "and", parse_not);
}

static struct fim_node *parse_or(struct fim_parser *parser)
{
	return parse_row(parser, FIM_NODE_OR, "or", parse_and);
}

void fim_parser_init(struct fim_parser *parser, struct fim_arena *arena, struct fim_str input,
		     struct fim_filter_error *error)
{
	memset(parser, 0, sizeof(*parser));
	parser->arena = arena;
	parser->input = input.bytes ? input : (struct fim_str){"", 0};
	parser->pos = (struct fim_filter_pos){0, 1, 1};
	parser->token.bytes = "";
	parser->max_depth = FIM_FILTER_DEPTH;
	parser->error = error;
}

struct fim_node *fim_parser_condition(struct fim_parser *parser)
{
	struct fim_node *node;

	if (!parser->input.len) {
		fim_parser_fail(parser, "filter input string is empty");
		return NULL;
	}
	node = parse_or(parser);
	if (!parser->err && parser->pos.idx != parser->input.len)
		fim_parser_fail(parser, "unexpected token after '%.*s', expecting 'or', 'and'",
				(int)(parser->token.len < 200 ? parser->token.len : 200),
				parser->token.bytes);
	return parser->err ? NULL : node;
}

struct fim_node *fim_parser_field(struct fim_parser *parser)
{
	struct fim_filter_pos pos = parser->pos;

	if (fim_lex_field_name(parser))
		return parse_field_rest(parser, pos);
	if (fim_lex_transformer(parser))
		return parse_transformer_rest(parser, pos);
	fim_parser_fail(parser, "unexpected token after '%.*s'",
			(int)(parser->token.len < 200 ? parser->token.len : 200),
			parser->token.bytes);
	return NULL;
}
