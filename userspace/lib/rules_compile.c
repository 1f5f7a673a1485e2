/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the way from definitions to a set of rules, with every error and warning on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

#define CONDITION "LOAD_ERR_COMPILE_CONDITION"

struct compilation {
	struct fim_build *build;
	struct fim_rules *rules;
	struct fim_arena arena; /* trees; gone when the set is made */
	struct fim_node **macro_trees;
	bool *lists_used;
	bool *macros_used;
};

static const struct {
	const char *name;
	const char *why;
} deprecated_fields[] = {
	{"evt.dir",
	 "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and 'evt.dir = "
	 ">' always evaluates to false. The rule expression can be simplified by removing the "
	 "condition on 'evt.dir'"},
	{"evt.latency", "field is not available due to the drop of enter events."},
	{"evt.latency.s", "field is not available due to the drop of enter events."},
	{"evt.latency.ns", "field is not available due to the drop of enter events."},
	{"evt.latency.human", "field is not available due to the drop of enter events."},
	{"evt.wait_latency", "field is not available due to the drop of enter events."},
};
#define DEPRECATED_COUNT (sizeof(deprecated_fields) / sizeof(*deprecated_fields))

/* ------------------------------------------------------------- conditions */

/* A few words of a condition around @pos, so that a place inside it can be found. */
static void near(struct fim_str condition, uint32_t pos, char out[48])
{
	size_t start = pos > 15 ? pos - 15 : 0, len = 0, i;

	if (start > condition.len)
		start = condition.len;
	for (i = start; i < condition.len && len < 40; i++) {
		char c = condition.bytes[i];

		out[len++] = (unsigned char)c < ' ' ? ' ' : c;
	}
	/* Do not end inside a character. */
	while (len && ((unsigned char)out[len - 1] & 0x80))
		len--;
	out[len] = '\0';
}

static struct fim_place expression(const struct fim_place *place)
{
	struct fim_place inside = *place;

	inside.item_type = "condition expression";
	inside.item = (struct fim_str){"", 0};
	return inside;
}

static void condition_error(struct fim_build *build, const char *code,
			    const struct fim_place *place, const struct fim_filter_error *error,
			    struct fim_str condition)
{
	struct fim_place inside = expression(place);
	char words[48];

	if (code == NULL) {
		fim_build_error(build, "LOAD_ERR_VALIDATE", &inside, "%s", error->text);
		return;
	}
	near(condition, error->pos.idx, words);
	fim_build_error(build, code, &inside, "%s (at %u:%u of the condition, near '%s')",
			error->text, error->pos.line, error->pos.col, words);
}

static struct fim_node *parse(struct compilation *c, struct fim_text *condition,
			      const struct fim_place *place)
{
	struct fim_filter_error error = {0};
	struct fim_parser parser;
	struct fim_node *node;

	fim_expand_lists(c->build, condition, c->lists_used);
	if (condition->failed)
		fim_build_nomem(c->build);
	if (c->build->err)
		return NULL;
	fim_parser_init(&parser, &c->arena, (struct fim_str){condition->bytes, condition->len},
			&error);
	parser.max_depth = FIM_FILTER_RULE_DEPTH;
	node = fim_parser_condition(&parser);
	if (parser.err == -EINVAL)
		condition_error(c->build, CONDITION, place, &error,
				(struct fim_str){condition->bytes, condition->len});
	else if (parser.err)
		fim_build_nomem(c->build);
	return parser.err ? NULL : node;
}

static struct fim_node *resolve(struct compilation *c, struct fim_node *node, uint32_t visibility,
				const struct fim_place *place)
{
	struct fim_filter_error error = {0};
	struct fim_macros macros = {.build = c->build,
				    .arena = &c->arena,
				    .trees = c->macro_trees,
				    .used = c->macros_used,
				    .visibility = visibility,
				    .error = &error};

	node = fim_macros_resolve(&macros, node);
	if (macros.err == -EINVAL)
		condition_error(c->build, NULL, place, &error, (struct fim_str){"", 0});
	else if (macros.err)
		fim_build_nomem(c->build);
	return macros.err ? NULL : node;
}

static void compile_macros(struct compilation *c)
{
	struct fim_build *build = c->build;
	size_t i;

	for (i = 0; i < build->macro_count && !build->err; i++) {
		struct fim_def_macro *macro = &build->macros[i];
		struct fim_text condition = {0};

		fim_text_add(&condition, macro->condition.bytes, macro->condition.len);
		c->macro_trees[i] = parse(c, &condition, &macro->condition_place);
		fim_text_free(&condition);
	}
	for (i = 0; i < build->macro_count && !build->err; i++)
		c->macro_trees[i] = resolve(c, c->macro_trees[i], build->macros[i].visibility,
					    &build->macros[i].place);
}

/* --------------------------------------------------------------- warnings */

struct suspects {
	bool unsafe_na;
	bool deprecated[DEPRECATED_COUNT];
};

static bool has_na(const struct fim_node *node)
{
	size_t i;

	if (node->kind == FIM_NODE_VALUE && fim_str_is(node->text, "<NA>"))
		return true;
	for (i = 0; node->kind == FIM_NODE_LIST && i < node->count; i++)
		if (fim_str_is(node->children[i]->text, "<NA>"))
			return true;
	return false;
}

static bool starts(struct fim_str str, const char *prefix)
{
	size_t len = strlen(prefix);

	return str.len >= len && !memcmp(str.bytes, prefix, len);
}

/* The field of a left side; of several within a transformer, the last. */
static const struct fim_node *last_field(const struct fim_node *node)
{
	size_t i;

	if (node->kind == FIM_NODE_FIELD)
		return node;
	for (i = node->count; i-- > 0;) {
		const struct fim_node *field = last_field(node->children[i]);

		if (field)
			return field;
	}
	return NULL;
}

static bool is_na_unsafe(const struct fim_node *left)
{
	const struct fim_node *field = last_field(left);

	return field && (starts(field->text, "jevt.") || starts(field->text, "ka."));
}

static void find_suspects(const struct fim_node *node, struct suspects *suspects)
{
	size_t i;

	if (node->kind == FIM_NODE_FIELD)
		for (i = 0; i < DEPRECATED_COUNT; i++)
			suspects->deprecated[i] |=
				fim_str_is(node->text, deprecated_fields[i].name);
	if (node->kind == FIM_NODE_BINARY && is_na_unsafe(node->children[0]) &&
	    (node->operator->op == FIM_CMP_EQ || node->operator->op == FIM_CMP_NE || node->
	     operator->cls == FIM_OPCLASS_LIST))
		suspects->unsafe_na |= has_na(node->children[1]);
	for (i = 0; i < node->count; i++)
		find_suspects(node->children[i], suspects);
}

static void warn_suspects(struct compilation *c, const struct fim_node *node,
			  const struct fim_place *place)
{
	struct suspects suspects = {0};
	struct fim_place inside = expression(place);
	size_t i;

	find_suspects(node, &suspects);
	if (suspects.unsafe_na)
		fim_build_warn(c->build, "LOAD_UNSAFE_NA_CHECK", place,
			       "comparing a field value with <NA> is unsafe; to check for the "
			       "existence of a field, consider the 'exists' operator");
	for (i = 0; i < DEPRECATED_COUNT; i++)
		if (suspects.deprecated[i])
			fim_build_warn(c->build, "LOAD_DEPRECATED_ITEM", &inside, "%s",
				       deprecated_fields[i].why);
}

/* Warnings about values, kept until it is known that the condition compiles. */
struct value_warnings {
	struct compilation *c;
	const char **texts;
	size_t count;
};

static void warn_value(void *ctx, struct fim_filter_pos pos, const char *text)
{
	struct value_warnings *warnings = ctx;
	struct fim_arena *arena = &warnings->c->arena;
	const char *copy = fim_arena_copy(arena, text, strlen(text));

	(void)pos;
	if (!copy || fim_arena_grow(arena, &warnings->texts, warnings->count, sizeof(const char *)))
		fim_build_nomem(warnings->c->build);
	else
		warnings->texts[warnings->count++] = copy;
}

/* More than a hundred event types: everything but a few, or a very long list. */
#define TYPES_MAX 50

static void warn_types(struct compilation *c, const struct fim_def_rule *def,
		       const struct fim_node *node)
{
	struct fim_type_set types;

	if (def->source_id != FIM_SOURCE_SYSCALL || !def->warn_evttypes)
		return;
	if (fim_type_set_warned_of(&c->arena, node, &types))
		fim_build_nomem(c->build);
	else if (types.inverted || types.count > TYPES_MAX)
		fim_build_warn(c->build, "LOAD_NO_EVTTYPE", &def->place,
			       "Rule matches too many evt.type values. This has a significant "
			       "performance penalty.");
}

/* ------------------------------------------------------------------ rules */

static bool may_skip(const struct fim_def_rule *def, const char *error)
{
	return def->skip_unknown &&
	       (strstr(error, "nonexistent field") || strstr(error, "invalid formatting token") ||
		strstr(error, "unknown event type"));
}

/* The output, without what the engine no longer fills in. */
static struct fim_str clean_output(struct compilation *c, const struct fim_def_rule *def)
{
	static const char info[] = "%container.info";
	struct fim_text text = {0};
	struct fim_str left = def->output, result;
	const char *found, *copy;

	if (!memmem(left.bytes, left.len, info, sizeof(info) - 1))
		found = NULL;
	else
		fim_build_warn(
			c->build, "LOAD_DEPRECATED_ITEM", &def->place,
			"%%container.info is deprecated and no more useful, and will be "
			"dropped by Falco 1.0.0. The container plugin will automatically add "
			"required fields to the output message.");
	while ((found = memmem(left.bytes, left.len, info, sizeof(info) - 1))) {
		fim_text_add(&text, left.bytes, (size_t)(found - left.bytes));
		left.len -= (size_t)(found - left.bytes) + sizeof(info) - 1;
		left.bytes = found + sizeof(info) - 1;
	}
	fim_text_add(&text, left.bytes, left.len);
	copy = fim_arena_copy(&c->rules->arena, text.bytes ? text.bytes : "", text.len);
	if (!copy || text.failed)
		fim_build_nomem(c->build);
	result = (struct fim_str){copy ? copy : "", copy ? text.len : 0};
	fim_text_free(&text);
	return result;
}

static void warn_output(struct compilation *c, const struct fim_def_rule *def,
			struct fim_str output)
{
	size_t i;

	for (i = 0; i < DEPRECATED_COUNT; i++)
		if (memmem(output.bytes, output.len, deprecated_fields[i].name,
			   strlen(deprecated_fields[i].name)))
			fim_build_warn(c->build, "LOAD_DEPRECATED_ITEM", &def->output_place,
				       "usage of deprecated field '%s' has been detected in the "
				       "rule output",
				       deprecated_fields[i].name);
}

/* False: the rule is left out, or build->err. */
static bool compile_output(struct compilation *c, const struct fim_def_rule *def,
			   struct fim_compiled *compiled)
{
	struct fim_filter_error error = {0};
	struct fim_compiler compiler = {
		.rules = c->rules, .source = compiled->source, .error = &error};
	struct fim_str output = clean_output(c, def);
	int err;

	if (c->build->err)
		return false;
	compiled->info.output = output.bytes;
	err = fim_compile_output(&compiler, output, &compiled->pieces, &compiled->piece_count);
	if (err == -EINVAL && may_skip(def, error.text)) {
		fim_build_warn(c->build, "LOAD_UNKNOWN_FILTER", &def->output_place, "%s",
			       error.text);
		return false;
	}
	if (err == -EINVAL)
		fim_build_error(c->build, "LOAD_ERR_COMPILE_OUTPUT", &def->output_place, "%s",
				error.text);
	else if (err)
		fim_build_nomem(c->build);
	if (!err)
		warn_output(c, def, output);
	return !err;
}

static bool compile_tree(struct compilation *c, const struct fim_def_rule *def,
			 const struct fim_node *node, struct fim_str condition,
			 struct fim_compiled *compiled)
{
	struct fim_filter_error error = {0};
	struct value_warnings warnings = {.c = c};
	struct fim_compiler compiler = {.rules = c->rules,
					.source = compiled->source,
					.error = &error,
					.warn = warn_value,
					.ctx = &warnings};
	struct fim_place inside = expression(&def->condition_place);
	size_t i;
	int err = fim_compile_condition(&compiler, node, &compiled->term);

	if (err == -EINVAL && may_skip(def, error.text)) {
		fim_build_warn(c->build, "LOAD_UNKNOWN_FILTER", &inside, "%s", error.text);
		return false;
	}
	if (err == -EINVAL)
		condition_error(c->build, CONDITION, &def->condition_place, &error, condition);
	else if (err)
		fim_build_nomem(c->build);
	for (i = 0; !err && i < warnings.count; i++)
		fim_build_warn(c->build, "LOAD_COMPILE_CONDITION", &inside, "%s",
			       warnings.texts[i]);
	return !err;
}

static const char *copy_str(struct compilation *c, struct fim_str str)
{
	const char *copy = fim_arena_copy(&c->rules->arena, str.bytes, str.len);

	if (!copy)
		fim_build_nomem(c->build);
	return copy ? copy : "";
}

static bool is_selected(const struct fim_rules_params *params, const struct fim_rules_rule *info)
{
	size_t i;

	if (!info->enabled && !params->with_disabled)
		return false;
	if (!params->tags)
		return true;
	for (i = 0; params->tags[i]; i++)
		if (fim_rules_has_tag(info, params->tags[i]))
			return true;
	return false;
}

static void fill_info(struct compilation *c, const struct fim_def_rule *def,
		      const struct fim_node *node, struct fim_rules_rule *info)
{
	struct fim_text text = {0};
	const char **tags;
	size_t i;

	info->name = copy_str(c, def->name);
	info->desc = copy_str(c, def->desc);
	info->source = fim_rules_source_name((enum fim_rules_source_id)def->source_id);
	info->priority = def->priority;
	info->enabled = def->enabled;
	fim_node_print(node, &text);
	info->condition = copy_str(c, (struct fim_str){text.bytes ? text.bytes : "", text.len});
	if (text.failed)
		fim_build_nomem(c->build);
	fim_text_free(&text);
	tags = fim_arena_alloc(&c->rules->arena, (def->tag_count + 1) * sizeof(*tags));
	if (!tags) {
		fim_build_nomem(c->build);
		return;
	}
	for (i = 0; i < def->tag_count; i++)
		tags[i] = copy_str(c, def->tags[i]);
	info->tags = tags;
	info->tag_count = def->tag_count;
	info->runs = is_selected(c->build->params, info);
}

static int copy_types(struct fim_rules *rules, struct fim_type_set *types)
{
	struct fim_str *names = fim_arena_alloc(&rules->arena, (types->count + 1) * sizeof(*names));
	size_t i;

	if (!names)
		return -ENOMEM;
	for (i = 0; i < types->count; i++) {
		names[i] = types->names[i];
		names[i].bytes = fim_arena_copy(&rules->arena, names[i].bytes, names[i].len);
		if (!names[i].bytes)
			return -ENOMEM;
	}
	types->names = names;
	return 0;
}

static void keep_rule(struct compilation *c, const struct fim_def_rule *def,
		      const struct fim_node *node, struct fim_compiled *compiled)
{
	struct fim_rules *rules = c->rules;
	const char *field = fim_index_field(compiled->source);
	int err = fim_type_set_of(&c->arena, node, field, &compiled->types);

	if (!err)
		warn_types(c, def, node);
	if (!err)
		err = copy_types(rules, &compiled->types);
	fill_info(c, def, node, &compiled->info);
	if (!err)
		err = fim_program_review(rules, compiled, node);
	if (!err)
		err = fim_arena_grow(&rules->arena, &rules->compiled, rules->count,
				     sizeof(*compiled));
	if (err)
		fim_build_nomem(c->build);
	if (!c->build->err)
		rules->compiled[rules->count++] = *compiled;
}

static void compile_rule(struct compilation *c, const struct fim_def_rule *def)
{
	struct fim_compiled compiled = {.source = (enum fim_rules_source_id)def->source_id};
	struct fim_text condition = {0};
	struct fim_node *node = NULL;

	if (fim_exception_apply(c->build, def, &condition) && compile_output(c, def, &compiled))
		node = parse(c, &condition, &def->condition_place);
	if (node)
		node = resolve(c, node, UINT32_MAX, &def->place);
	if (node)
		warn_suspects(c, node, &def->condition_place);
	if (node &&
	    compile_tree(c, def, node, (struct fim_str){condition.bytes, condition.len}, &compiled))
		keep_rule(c, def, node, &compiled);
	if (condition.failed)
		fim_build_nomem(c->build);
	fim_text_free(&condition);
}

static void warn_unused(struct compilation *c)
{
	const struct fim_build *build = c->build;
	size_t i;

	for (i = 0; i < build->macro_count; i++)
		if (!c->macros_used[i])
			fim_build_warn(c->build, "LOAD_UNUSED_MACRO", &build->macros[i].place,
				       "Macro not referred to by any other rule/macro");
	for (i = 0; i < build->list_count; i++)
		if (!c->lists_used[i])
			fim_build_warn(c->build, "LOAD_UNUSED_LIST", &build->lists[i].place,
				       "List not referred to by any other rule/macro");
}

/* Items of lists that are lists use them, whether or not a condition does. */
static void mark_nested(struct compilation *c)
{
	const struct fim_build *build = c->build;
	size_t i, k;

	for (i = 0; i < build->list_count; i++) {
		for (k = 0; k < build->lists[i].count; k++) {
			uint32_t at = fim_names_find(&build->list_names, build->lists[i].items[k]);

			if (at != FIM_NAMES_NONE &&
			    build->lists[at].index < build->lists[i].visibility)
				c->lists_used[at] = true;
		}
	}
}

void fim_rules_compile(struct fim_build *build, struct fim_rules *rules)
{
	struct compilation c = {.build = build, .rules = rules};
	size_t i;

	c.macro_trees = calloc(build->macro_count + 1, sizeof(struct fim_node *));
	c.macros_used = calloc(build->macro_count + 1, sizeof(bool));
	c.lists_used = calloc(build->list_count + 1, sizeof(bool));
	if (!c.macro_trees || !c.macros_used || !c.lists_used)
		fim_build_nomem(build);
	if (!build->err) {
		mark_nested(&c);
		compile_macros(&c);
	}
	for (i = 0; i < build->rule_count && !build->err; i++)
		if (build->rules[i].source_id >= 0)
			compile_rule(&c, &build->rules[i]);
	if (!build->err && fim_program_index(rules))
		fim_build_nomem(build);
	if (!build->err)
		warn_unused(&c);
	fim_arena_free(&c.arena);
	free(c.macro_trees);
	free(c.macros_used);
	free(c.lists_used);
}
