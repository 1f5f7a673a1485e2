/* SPDX-License-Identifier: Apache-2.0 */
/* Owns exceptions: what they may say, and the text that they add to a condition. */
#include <string.h>

#include "rules_private.h"

#define VALIDATE "LOAD_ERR_VALIDATE"

/* How a comparison takes its value. */
enum comparison {
	COMPARE_UNKNOWN,
	COMPARE_VALUE,
	COMPARE_LIST,	  /* in, pmatch, intersects */
	COMPARE_MODIFIED, /* "startswith oneof": a list as well */
};

static enum comparison comparison_of(struct fim_str comp)
{
	const char *space = memchr(comp.bytes, ' ', comp.len);
	struct fim_str word = {comp.bytes, space ? (size_t)(space - comp.bytes) : comp.len};
	const struct fim_operator *op = NULL;
	size_t i;

	for (i = 0; i < fim_operator_count && !op; i++)
		if (fim_str_is(word, fim_operators[i].text))
			op = &fim_operators[i];
	if (!op)
		return COMPARE_UNKNOWN;
	if (!space)
		return op->cls == FIM_OPCLASS_LIST ? COMPARE_LIST : COMPARE_VALUE;
	word = (struct fim_str){space + 1, comp.len - (size_t)(space + 1 - comp.bytes)};
	for (i = FIM_MOD_ONEOF; i <= FIM_MOD_ALLOF; i++)
		if (op->cls == FIM_OPCLASS_STRING && fim_str_is(word, fim_modifiers[i]))
			return COMPARE_MODIFIED;
	return COMPARE_UNKNOWN;
}

/* Without blanks around it, and one between words. */
static struct fim_str normalize(struct fim_build *build, struct fim_str comp)
{
	char *text = fim_arena_alloc(&build->arena, comp.len + 1);
	size_t i, len = 0;

	if (!text) {
		fim_build_nomem(build);
		return comp;
	}
	for (i = 0; i < comp.len; i++) {
		bool blank = strchr(" \t\r\n", comp.bytes[i]) && comp.bytes[i];

		if (!blank)
			text[len++] = comp.bytes[i];
		else if (len && text[len - 1] != ' ')
			text[len++] = ' ';
	}
	while (len && text[len - 1] == ' ')
		len--;
	return (struct fim_str){text, len};
}

/* Every field that a tree names exists. */
static bool fields_exist(const struct fim_node *node, enum fim_rules_source_id source)
{
	struct fim_field_ref ref;
	char ignored[256];
	size_t i;

	if (node->kind == FIM_NODE_FIELD)
		return !fim_field_find(source, node->text, node->arg, &ref, ignored,
				       sizeof(ignored));
	for (i = 0; i < node->count; i++)
		if (!fields_exist(node->children[i], source))
			return false;
	return true;
}

static bool check_field(struct fim_build *build, const struct fim_def_rule *rule,
			const struct fim_def_exception *exception, struct fim_str field)
{
	struct fim_filter_error error;
	struct fim_parser parser;
	struct fim_node *node;

	if (rule->source_id < 0)
		return true;
	fim_parser_init(&parser, &build->arena, field, &error);
	node = fim_parser_field(&parser);
	if (node && parser.pos.idx == field.len &&
	    fields_exist(node, (enum fim_rules_source_id)rule->source_id))
		return true;
	fim_build_error(build, VALIDATE, &exception->place,
			"'%.*s' is not a supported filter field", (int)field.len, field.bytes);
	return false;
}

static void default_comps(struct fim_build *build, struct fim_def_exception *exception)
{
	static const struct fim_def_entry equals = {.text = {"=", 1}};
	size_t i;

	exception->comps = (struct fim_def_entry){.is_list = true};
	exception->comps.items =
		fim_arena_alloc(&build->arena, exception->fields.count * sizeof(equals));
	if (!exception->comps.items) {
		fim_build_nomem(build);
		return;
	}
	exception->comps.count = exception->fields.count;
	for (i = 0; i < exception->comps.count; i++)
		exception->comps.items[i] = equals;
}

static bool check_list(struct fim_build *build, const struct fim_def_rule *rule,
		       struct fim_def_exception *exception)
{
	size_t i;

	if (!exception->comps.text.len && !exception->comps.count)
		default_comps(build, exception);
	if (exception->fields.count != exception->comps.count)
		fim_build_error(build, VALIDATE, &exception->place,
				"Fields and comps lists must have equal length");
	for (i = 0; i < exception->comps.count && !build->err; i++) {
		struct fim_str comp = normalize(build, exception->comps.items[i].text);

		exception->comps.items[i].text = comp;
		if (comparison_of(comp) == COMPARE_UNKNOWN)
			fim_build_error(build, VALIDATE, &exception->place,
					"'%.*s' is not a supported comparison operator",
					(int)comp.len, comp.bytes);
	}
	for (i = 0; i < exception->fields.count && !build->err; i++)
		check_field(build, rule, exception, exception->fields.items[i].text);
	return !build->err;
}

bool fim_exception_check(struct fim_build *build, const struct fim_def_rule *rule,
			 struct fim_def_exception *exception)
{
	enum comparison comparison;

	if (build->err)
		return false;
	if (exception->fields.is_list)
		return check_list(build, rule, exception);
	if (exception->comps.is_list && exception->comps.count) {
		fim_build_error(build, VALIDATE, &exception->place,
				"Fields and comps must both be strings");
		return false;
	}
	exception->comps.is_list = false;
	if (!exception->comps.text.len)
		exception->comps.text = (struct fim_str){"in", 2};
	exception->comps.text = normalize(build, exception->comps.text);
	comparison = comparison_of(exception->comps.text);
	if (comparison != COMPARE_LIST && comparison != COMPARE_MODIFIED)
		fim_build_error(build, VALIDATE, &exception->place,
				"When fields is a single value, comps must be one of (in, pmatch, "
				"intersects) or a modifier operator (e.g. startswith oneof)");
	return check_field(build, rule, exception, exception->fields.text) && !build->err;
}

/* A value with a space is quoted, unless it looks as if it were. */
static void add_quoted(struct fim_text *out, struct fim_str item)
{
	bool quote = item.len && memchr(item.bytes, ' ', item.len) && item.bytes[0] != '"' &&
		     item.bytes[0] != '\'';

	if (quote)
		fim_text_adds(out, "\"");
	fim_text_add(out, item.bytes, item.len);
	if (quote)
		fim_text_adds(out, "\"");
}

static void add_list_value(struct fim_text *out, const struct fim_def_entry *value)
{
	size_t i, start;

	fim_text_adds(out, "(");
	start = out->len;
	for (i = 0; i < value->count; i++) {
		/* Values that are null leave nothing behind, and no comma either. */
		if (out->len > start)
			fim_text_adds(out, ", ");
		add_quoted(out, value->items[i].text);
	}
	fim_text_adds(out, ")");
}

/* " FIELD COMP VALUE" */
static void add_comparison(struct fim_text *out, struct fim_str field, struct fim_str comp,
			   const struct fim_def_entry *value)
{
	enum comparison comparison = comparison_of(comp);

	fim_text_adds(out, " ");
	fim_text_add(out, field.bytes, field.len);
	fim_text_adds(out, " ");
	fim_text_add(out, comp.bytes, comp.len);
	fim_text_adds(out, " ");
	if (value->is_list) {
		add_list_value(out, value);
	} else if (comparison != COMPARE_LIST && comparison != COMPARE_MODIFIED) {
		add_quoted(out, value->text);
	} else if (value->text.len && value->text.bytes[0] == '(') {
		fim_text_add(out, value->text.bytes, value->text.len);
	} else {
		fim_text_adds(out, "(");
		fim_text_add(out, value->text.bytes, value->text.len);
		fim_text_adds(out, ")");
	}
}

static void apply_single(struct fim_build *build, const struct fim_def_exception *exception,
			 struct fim_text *out)
{
	size_t i;

	for (i = 0; i < exception->value_count; i++) {
		if (exception->values[i].is_list) {
			fim_build_error(build, VALIDATE, &exception->place,
					"Expected values array to contain a list of strings");
			return;
		}
		if (i) {
			fim_text_adds(out, ", ");
		} else {
			fim_text_adds(out, " and not (");
			fim_text_add(out, exception->fields.text.bytes, exception->fields.text.len);
			fim_text_adds(out, " ");
			fim_text_add(out, exception->comps.text.bytes, exception->comps.text.len);
			fim_text_adds(out, " (");
		}
		add_quoted(out, exception->values[i].text);
	}
	if (exception->value_count)
		fim_text_adds(out, "))");
}

static void apply_list(struct fim_build *build, const struct fim_def_exception *exception,
		       struct fim_text *out)
{
	size_t i, k;

	for (i = 0; i < exception->value_count; i++) {
		const struct fim_def_entry *values = &exception->values[i];

		if (exception->fields.count != values->count) {
			fim_build_error(build, VALIDATE, &exception->place,
					"Fields and values lists must have equal length");
			return;
		}
		fim_text_adds(out, i ? " or (" : " and not ((");
		for (k = 0; k < values->count; k++) {
			fim_text_adds(out, k ? " and " : "");
			add_comparison(out, exception->fields.items[k].text,
				       exception->comps.items[k].text, &values->items[k]);
		}
		fim_text_adds(out, ")");
	}
	if (exception->value_count)
		fim_text_adds(out, ")");
}

bool fim_exception_apply(struct fim_build *build, const struct fim_def_rule *rule,
			 struct fim_text *condition)
{
	size_t i;

	if (!rule->exception_count) {
		fim_text_add(condition, rule->condition.bytes, rule->condition.len);
		return true;
	}
	fim_text_adds(condition, "(");
	fim_text_add(condition, rule->condition.bytes, rule->condition.len);
	fim_text_adds(condition, ")");
	for (i = 0; i < rule->exception_count && !build->err; i++) {
		if (rule->exceptions[i].fields.is_list)
			apply_list(build, &rule->exceptions[i], condition);
		else
			apply_single(build, &rule->exceptions[i], condition);
	}
	return !build->err;
}
