/* SPDX-License-Identifier: Apache-2.0 */
/* Owns outputs: "%fd.name" and its like, compiled once, written for each hit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"
#include "rules_private.h"

#define FIELD_MAX 4096 /* longest name of a field, with its arguments */
#define WIDTH_MAX 4096

static int fail(struct fim_compiler *compiler, const char *text)
{
	if (!compiler->err) {
		compiler->err = -EINVAL;
		snprintf(compiler->error->text, sizeof(compiler->error->text), "%s", text);
	}
	return compiler->err;
}

static int add_piece(struct fim_compiler *compiler, struct fim_piece **pieces, size_t *count,
		     struct fim_piece piece)
{
	const char *copy =
		fim_arena_copy(&compiler->rules->arena, piece.text.bytes, piece.text.len);

	if (!copy || fim_arena_grow(&compiler->rules->arena, pieces, *count, sizeof(piece))) {
		compiler->err = compiler->err ? compiler->err : -ENOMEM;
		return compiler->err;
	}
	piece.text.bytes = copy;
	(*pieces)[(*count)++] = piece;
	return 0;
}

static bool has_filter_only(const struct fim_compiler *compiler, const struct fim_expr *expr)
{
	return expr->kind == FIM_EXPR_SLOT &&
	       (compiler->rules->programs[compiler->source].slots[expr->slot].ref.flags &
		FIM_FIELD_FILTER_ONLY);
}

/*
 * The longest start of @text that is a field or a transformer: its length; 0: there is
 * none, and compiler->err.
 */
static size_t compile_field(struct fim_compiler *compiler, struct fim_str text,
			    struct fim_piece *piece)
{
	size_t size = text.len < FIELD_MAX ? text.len : FIELD_MAX;

	for (; size; size--) {
		struct fim_filter_error error = {0};
		struct fim_compiler attempt = *compiler;
		struct fim_parser parser;
		struct fim_arena arena = {0};
		struct fim_node *node;
		struct fim_text name = {0};

		attempt.error = &error;
		fim_parser_init(&parser, &arena, (struct fim_str){text.bytes, size}, &error);
		node = fim_parser_field(&parser);
		if (node) {
			fim_node_print(node, &name);
			piece->expr = fim_compile_expr(&attempt, node);
		}
		if (node && piece->expr && !has_filter_only(compiler, piece->expr) && name.bytes) {
			piece->text.bytes =
				fim_arena_copy(&compiler->rules->arena, name.bytes, name.len);
			piece->text.len = name.len;
		} else {
			piece->text.bytes = NULL;
		}
		fim_text_free(&name);
		fim_arena_free(&arena);
		if (piece->text.bytes)
			return parser.pos.idx;
		if (parser.err == -ENOMEM || attempt.err == -ENOMEM) {
			compiler->err = -ENOMEM;
			return 0;
		}
		/* What was not looked at need not be tried to leave out. */
		if (parser.pos.idx && parser.pos.idx < size - 1 && !parser.err)
			size = parser.pos.idx;
	}
	fail(compiler, "unknown filter: unexpected token after '");
	return 0;
}

int fim_compile_output(struct fim_compiler *compiler, struct fim_str output,
		       struct fim_piece **pieces_ret, size_t *count_ret)
{
	struct fim_piece *pieces = NULL;
	size_t count = 0, i = 0, start;

	if (!output.len)
		return fail(compiler, "empty formatting token");
	/* A first star says "also when values are missing", which is so anyway. */
	if (output.bytes[0] == '*')
		i = 1;
	start = i;
	while (i < output.len && !compiler->err) {
		struct fim_piece piece = {0};
		size_t len;

		if (output.bytes[i] != '%') {
			i++;
			continue;
		}
		if (start < i)
			add_piece(compiler, &pieces, &count,
				  (struct fim_piece){{output.bytes + start, i - start}, NULL, 0});
		if (++i == output.len)
			return fail(compiler,
				    "invalid formatting syntax: formatting cannot end with a %");
		while (i < output.len && output.bytes[i] >= '0' && output.bytes[i] <= '9') {
			if (piece.width < WIDTH_MAX)
				piece.width = piece.width * 10 + (uint32_t)(output.bytes[i] - '0');
			i++;
		}
		if (i == output.len)
			return fail(compiler,
				    "invalid formatting syntax: formatting cannot end with "
				    "a number");
		if (piece.width > WIDTH_MAX)
			piece.width = WIDTH_MAX;
		len = compile_field(compiler, (struct fim_str){output.bytes + i, output.len - i},
				    &piece);
		if (len)
			add_piece(compiler, &pieces, &count, piece);
		i += len;
		start = i;
	}
	if (start < output.len && !compiler->err)
		add_piece(compiler, &pieces, &count,
			  (struct fim_piece){{output.bytes + start, output.len - start}, NULL, 0});
	if (compiler->err)
		return compiler->err;
	*pieces_ret = pieces;
	*count_ret = count;
	return 0;
}

/* ---------------------------------------------------------------- writing */

/* False: it has no value. */
static bool write_values(struct fim_rules_event *event, const struct fim_expr *expr,
			 struct fim_text *out)
{
	struct fim_values values;
	size_t i;

	if (!fim_expr_values(event, expr, &values))
		return false;
	if (!(expr->flags & (FIM_FIELD_LIST | FIM_FIELD_ANY))) {
		if (!values.count)
			return false;
		fim_text_add(out, values.values[0].text.bytes, values.values[0].text.len);
		return true;
	}
	fim_text_adds(out, "(");
	for (i = 0; i < values.count; i++) {
		fim_text_adds(out, i ? "," : "");
		fim_text_add(out, values.values[i].text.bytes, values.values[i].text.len);
	}
	fim_text_adds(out, ")");
	return true;
}

static const struct fim_compiled *compiled_of(const struct fim_rules_rule *rule)
{
	/* The info is the first member of what was compiled. */
	return (const struct fim_compiled *)rule;
}

int fim_rules_output(struct fim_rules_event *event, const struct fim_rules_rule *rule,
		     char **text_ret, size_t *len_ret)
{
	const struct fim_compiled *compiled = compiled_of(rule);
	struct fim_text out = {0};
	size_t i;

	fim_text_add(&out, "", 0);
	for (i = 0; i < compiled->piece_count; i++) {
		const struct fim_piece *piece = &compiled->pieces[i];
		size_t start = out.len;

		if (!piece->expr) {
			fim_text_add(&out, piece->text.bytes, piece->text.len);
			continue;
		}
		if (!write_values(event, piece->expr, &out))
			fim_text_adds(&out, "<NA>");
		if (piece->width && out.len - start > piece->width)
			out.len = start + piece->width;
		while (piece->width && out.len - start < piece->width && !out.failed)
			fim_text_adds(&out, " ");
	}
	if (out.failed || (!out.bytes && !(out.bytes = calloc(1, 1)))) {
		fim_text_free(&out);
		return -ENOMEM;
	}
	out.bytes[out.len] = '\0';
	*text_ret = out.bytes;
	if (len_ret)
		*len_ret = out.len;
	return 0;
}

/* Text for JSON: bytes that are not UTF-8 become U+FFFD. */
static void set_text(struct fim_json *object, const char *key, struct fim_str text)
{
	struct fim_text clean = {0};
	size_t i = 0;

	while (i < text.len) {
		uint32_t codepoint;
		size_t len = fim_utf8_next(text.bytes + i, text.len - i, &codepoint);

		if (len)
			fim_text_add(&clean, text.bytes + i, len);
		else
			fim_text_adds(&clean, "\xef\xbf\xbd");
		i += len ? len : 1;
	}
	fim_json_set_str(object, key, clean.bytes ? clean.bytes : "");
	fim_text_free(&clean);
}

static void set_field(struct fim_rules_event *event, const struct fim_piece *piece,
		      struct fim_json *object)
{
	const struct fim_type_info *type = &fim_types[piece->expr->type];
	struct fim_text text = {0};
	struct fim_values values;
	char key[FIELD_MAX + 1];

	snprintf(key, sizeof(key), "%.*s", (int)piece->text.len, piece->text.bytes);
	if (!write_values(event, piece->expr, &text)) {
		fim_json_set_null(object, key);
	} else if ((type->kind == FIM_VK_SIGNED || type->kind == FIM_VK_UNSIGNED) &&
		   !(piece->expr->flags & (FIM_FIELD_LIST | FIM_FIELD_ANY)) &&
		   fim_expr_values(event, piece->expr, &values) && values.count &&
		   (type->kind == FIM_VK_SIGNED || values.values[0].number <= INT64_MAX)) {
		fim_json_set_int(object, key, (int64_t)values.values[0].number);
	} else if (type->kind == FIM_VK_BOOL && text.bytes) {
		fim_json_set_bool(object, key, !strcmp(text.bytes, "true"));
	} else {
		set_text(object, key, (struct fim_str){text.bytes ? text.bytes : "", text.len});
	}
	fim_text_free(&text);
}

struct fim_json *fim_rules_output_fields(struct fim_rules_event *event,
					 const struct fim_rules_rule *rule)
{
	const struct fim_compiled *compiled = compiled_of(rule);
	struct fim_json *object = fim_json_object();
	size_t i;

	for (i = 0; object && i < compiled->piece_count; i++)
		if (compiled->pieces[i].expr)
			set_field(event, &compiled->pieces[i], object);
	return object;
}

struct fim_json *fim_rules_hit_to_json(struct fim_rules_event *event,
				       const struct fim_rules_rule *rule, int64_t time_ns)
{
	struct fim_json *object = fim_json_object(), *tags;
	char time[FIM_TIME_SIZE], *output;
	size_t len, i;

	if (!object || fim_rules_output(event, rule, &output, &len)) {
		fim_json_free(object);
		return NULL;
	}
	fim_time_format(time_ns, time);
	fim_json_set_str(object, "time", time);
	fim_json_set_str(object, "rule", rule->name);
	fim_json_set_str(object, "priority", fim_rules_priority_name(rule->priority));
	fim_json_set_str(object, "source", rule->source);
	set_text(object, "output", (struct fim_str){output, len});
	free(output);
	tags = fim_json_array();
	for (i = 0; tags && i < rule->tag_count; i++)
		fim_json_append_str(tags, rule->tags[i]);
	fim_json_set(object, "tags", tags);
	fim_json_set(object, "output_fields", fim_rules_output_fields(event, rule));
	return object;
}
