/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the definitions of lists, macros and rules: what a later one does to an earlier
 * one.  A redefinition keeps the place in the order (index) and sees what was defined up
 * to it (visibility).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "rules_private.h"

static void report(struct fim_build *build, bool is_error, const char *code,
		   const struct fim_place *place, const char *text)
{
	struct fim_rules_message message = {is_error, code, text, build->file, 0, 0, "", ""};
	struct fim_text item = {0};

	if (place) {
		fim_text_add(&item, place->item.bytes, place->item.len);
		message.file = place->file;
		message.line = place->line;
		message.column = place->column;
		message.item_type = place->item_type;
		message.item = item.len ? item.bytes : "";
	}
	if (build->params->message)
		build->params->message(build->params->ctx, &message);
	else
		fim_log(is_error ? LOG_ERR : LOG_WARNING, "%s:%u:%u: %s%s%s%s: %s", message.file,
			message.line, message.column, message.item_type,
			message.item[0] ? " '" : "", message.item, message.item[0] ? "'" : "",
			text);
	fim_text_free(&item);
}

void fim_build_error(struct fim_build *build, const char *code, const struct fim_place *place,
		     const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (build->err)
		return;
	build->err = -EINVAL;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report(build, true, code, place, text);
}

void fim_build_warn(struct fim_build *build, const char *code, const struct fim_place *place,
		    const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (build->err || build->quiet)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report(build, false, code, place, text);
}

void fim_build_nomem(struct fim_build *build)
{
	if (build->err)
		return;
	build->err = -ENOMEM;
	fim_log(LOG_ERR, "%s: out of memory", build->file);
}

#define VALIDATE "LOAD_ERR_VALIDATE"

/* Room for one more; false: out of memory. */
static bool grow(struct fim_build *build, void *items, size_t count, size_t size)
{
	if (build->err)
		return false;
	if (fim_arena_grow(&build->arena, items, count, size))
		fim_build_nomem(build);
	return !build->err;
}

static void index_name(struct fim_build *build, struct fim_names *names, struct fim_str name,
		       size_t index)
{
	if (!build->err && fim_names_set(names, name, (uint32_t)index))
		fim_build_nomem(build);
}

void fim_defs_list(struct fim_build *build, struct fim_def_list *list, bool append)
{
	uint32_t at = fim_names_find(&build->list_names, list->name);
	struct fim_def_list *prev = at == FIM_NAMES_NONE ? NULL : &build->lists[at];
	uint32_t id = build->next_index++;
	size_t i;

	if (append && !prev) {
		fim_build_error(build, VALIDATE, &list->place,
				"List uses 'append' or 'override.items: append' but no list by "
				"that name already exists");
		return;
	}
	for (i = 0; append && i < list->count; i++)
		if (grow(build, &prev->items, prev->count, sizeof(*prev->items)))
			prev->items[prev->count++] = list->items[i];
	if (append) {
		prev->visibility = id;
		return;
	}
	list->index = prev ? prev->index : id;
	list->visibility = id;
	if (prev) {
		*prev = *list;
	} else if (grow(build, &build->lists, build->list_count, sizeof(*list))) {
		build->lists[build->list_count] = *list;
		index_name(build, &build->list_names, list->name, build->list_count++);
	}
}

/* "a" and "b" become "a b"; what was read stays as it is. */
static struct fim_str join(struct fim_build *build, struct fim_str a, struct fim_str b)
{
	char *text = fim_arena_alloc(&build->arena, a.len + b.len + 2);

	if (!text) {
		fim_build_nomem(build);
		return a;
	}
	memcpy(text, a.bytes, a.len);
	text[a.len] = ' ';
	memcpy(text + a.len + 1, b.bytes, b.len);
	return (struct fim_str){text, a.len + 1 + b.len};
}

void fim_defs_macro(struct fim_build *build, struct fim_def_macro *macro, bool append)
{
	uint32_t at = fim_names_find(&build->macro_names, macro->name);
	struct fim_def_macro *prev = at == FIM_NAMES_NONE ? NULL : &build->macros[at];
	uint32_t id = build->next_index++;

	if (append) {
		if (!prev) {
			fim_build_error(build, VALIDATE, &macro->place,
					"Macro uses 'append' or 'override.condition: append' but "
					"no macro by that name already exists");
			return;
		}
		prev->condition = join(build, prev->condition, macro->condition);
		prev->visibility = id;
		return;
	}
	macro->index = prev ? prev->index : id;
	macro->visibility = id;
	if (prev) {
		*prev = *macro;
	} else if (grow(build, &build->macros, build->macro_count, sizeof(*macro))) {
		build->macros[build->macro_count] = *macro;
		index_name(build, &build->macro_names, macro->name, build->macro_count++);
	}
}

static struct fim_def_rule *find_rule(struct fim_build *build, struct fim_str name)
{
	uint32_t at = fim_names_find(&build->rule_names, name);

	return at == FIM_NAMES_NONE ? NULL : &build->rules[at];
}

static bool same_source(struct fim_build *build, const struct fim_def_rule *prev,
			const struct fim_def_rule *rule)
{
	if (!(rule->has & FIM_DEF_SOURCE) || !fim_str_cmp(prev->source, rule->source))
		return true;
	fim_build_error(build, VALIDATE, &rule->place,
			"Rule has been re-defined with a different source");
	return false;
}

void fim_defs_rule(struct fim_build *build, struct fim_def_rule *rule)
{
	struct fim_def_rule *prev = find_rule(build, rule->name);
	uint32_t id;
	size_t i;

	rule->source_id = fim_rules_source_id(rule->source);
	if (prev && !same_source(build, prev, rule))
		return;
	if (rule->source_id < 0)
		fim_build_warn(build, "LOAD_UNKNOWN_SOURCE", &rule->place,
			       "Unknown source %.*s, skipping", (int)rule->source.len,
			       rule->source.bytes);
	for (i = 0; i < rule->exception_count; i++) {
		struct fim_def_exception *exception = &rule->exceptions[i];

		if (!exception->fields.text.len && !exception->fields.count)
			fim_build_error(build, VALIDATE, &exception->place,
					"Rule exception item must have fields property with a list "
					"of fields");
		if (!fim_exception_check(build, rule, exception))
			return;
	}
	id = build->next_index++;
	rule->index = prev ? prev->index : id;
	rule->visibility = id;
	if (prev) {
		*prev = *rule;
	} else if (grow(build, &build->rules, build->rule_count, sizeof(*rule))) {
		build->rules[build->rule_count] = *rule;
		index_name(build, &build->rule_names, rule->name, build->rule_count++);
	}
}

void fim_defs_tag(struct fim_build *build, struct fim_def_rule *rule, struct fim_str tag)
{
	size_t at = 0, i;

	while (at < rule->tag_count && fim_str_cmp(rule->tags[at], tag) < 0)
		at++;
	if (at < rule->tag_count && !fim_str_cmp(rule->tags[at], tag))
		return;
	if (!grow(build, &rule->tags, rule->tag_count, sizeof(*rule->tags)))
		return;
	for (i = rule->tag_count++; i > at; i--)
		rule->tags[i] = rule->tags[i - 1];
	rule->tags[at] = tag;
}

static void append_values(struct fim_build *build, struct fim_def_exception *to,
			  const struct fim_def_exception *from)
{
	size_t i;

	for (i = 0; i < from->value_count; i++)
		if (grow(build, &to->values, to->value_count, sizeof(*to->values)))
			to->values[to->value_count++] = from->values[i];
}

static void append_exception(struct fim_build *build, struct fim_def_rule *rule,
			     struct fim_def_exception *exception)
{
	bool has_fields = exception->fields.text.len || exception->fields.count;
	size_t i = 0;

	while (i < rule->exception_count && fim_str_cmp(rule->exceptions[i].name, exception->name))
		i++;
	if (i < rule->exception_count) {
		if (has_fields)
			fim_build_error(build, VALIDATE, &exception->place,
					"Can not append exception fields to existing exception, "
					"only values");
		if (exception->comps.text.len || exception->comps.count)
			fim_build_error(build, VALIDATE, &exception->place,
					"Can not append exception comps to existing exception, "
					"only values");
		append_values(build, &rule->exceptions[i], exception);
		return;
	}
	if (!has_fields)
		fim_build_error(build, VALIDATE, &exception->place,
				"Rule exception must have fields property with a list of fields");
	if (!exception->value_count)
		fim_build_error(build, VALIDATE, &exception->place,
				"Rule exception must have values property with a list of values");
	if (fim_exception_check(build, rule, exception) &&
	    grow(build, &rule->exceptions, rule->exception_count, sizeof(*exception)))
		rule->exceptions[rule->exception_count++] = *exception;
}

#define CHANGES                                                                                \
	(FIM_DEF_CONDITION | FIM_DEF_OUTPUT | FIM_DEF_DESC | FIM_DEF_PRIORITY | FIM_DEF_TAGS | \
	 FIM_DEF_EXCEPTIONS | FIM_DEF_ENABLED | FIM_DEF_WARN | FIM_DEF_SKIP | FIM_DEF_CAPTURE)

void fim_defs_rule_append(struct fim_build *build, struct fim_def_rule *update)
{
	struct fim_def_rule *prev = find_rule(build, update->name);
	size_t i;

	if (!prev) {
		fim_build_error(build, VALIDATE, &update->place,
				"Rule uses 'append' or 'override.<key>: append' but no rule by "
				"that name already exists");
		return;
	}
	if (!(update->has & CHANGES)) {
		fim_build_error(build, VALIDATE, &update->place,
				"Appended rule must have exceptions or condition property");
		return;
	}
	if (!same_source(build, prev, update))
		return;
	if (update->has & FIM_DEF_CONDITION)
		prev->condition = join(build, prev->condition, update->condition);
	if (update->has & FIM_DEF_OUTPUT)
		prev->output = join(build, prev->output, update->output);
	if (update->has & FIM_DEF_DESC)
		prev->desc = join(build, prev->desc, update->desc);
	for (i = 0; (update->has & FIM_DEF_TAGS) && i < update->tag_count; i++)
		fim_defs_tag(build, prev, update->tags[i]);
	for (i = 0; i < update->exception_count && !build->err; i++)
		append_exception(build, prev, &update->exceptions[i]);
	prev->visibility = build->next_index++;
}

void fim_defs_rule_replace(struct fim_build *build, struct fim_def_rule *update)
{
	struct fim_def_rule *prev = find_rule(build, update->name);
	size_t i;

	if (!prev) {
		fim_build_error(build, VALIDATE, &update->place,
				"An 'override.<key>: replace' to a rule was requested but no rule "
				"by that name already exists");
		return;
	}
	if (!(update->has & CHANGES)) {
		fim_build_error(build, VALIDATE, &update->place,
				"The rule must have at least one field that can be replaced");
		return;
	}
	if (!same_source(build, prev, update))
		return;
	for (i = 0; i < update->exception_count; i++)
		if (!fim_exception_check(build, prev, &update->exceptions[i]))
			return;
	if (update->has & FIM_DEF_CONDITION)
		prev->condition = update->condition;
	if (update->has & FIM_DEF_OUTPUT)
		prev->output = update->output;
	if (update->has & FIM_DEF_DESC)
		prev->desc = update->desc;
	if (update->has & FIM_DEF_PRIORITY)
		prev->priority = update->priority;
	if (update->has & FIM_DEF_ENABLED)
		prev->enabled = update->enabled;
	if (update->has & FIM_DEF_WARN)
		prev->warn_evttypes = update->warn_evttypes;
	if (update->has & FIM_DEF_SKIP)
		prev->skip_unknown = update->skip_unknown;
	if (update->has & FIM_DEF_TAGS) {
		prev->tags = update->tags;
		prev->tag_count = update->tag_count;
	}
	if (update->has & FIM_DEF_EXCEPTIONS) {
		prev->exceptions = update->exceptions;
		prev->exception_count = update->exception_count;
	}
	prev->visibility = build->next_index++;
}

void fim_defs_rule_enable(struct fim_build *build, const struct fim_def_rule *rule)
{
	struct fim_def_rule *prev = find_rule(build, rule->name);

	if (prev)
		prev->enabled = rule->enabled;
	else
		fim_build_error(build, VALIDATE, &rule->place,
				"Rule has 'enabled' key but no rule by that name already exists");
}
