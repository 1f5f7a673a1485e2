/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the shape of rules files: from the tree of a file to definitions, or to an error. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules_private.h"

#define YAML_VALIDATE "LOAD_ERR_YAML_VALIDATE"
#define DEPRECATED    "LOAD_DEPRECATED_ITEM"
/* Aliases let a small file stand for a huge one. */
#define VALUES_MAX (1u << 20)

static const char append_warning[] = "'append' key is deprecated. Add an 'append' entry (e.g. "
				     "'condition: append') under 'override' instead.";

struct loader {
	struct fim_build *build;
	size_t values; /* seen so far */
};

/* ------------------------------------------------------------------- keys */

static struct fim_place place_of(const struct loader *loader, const struct fim_doc_node *node,
				 const char *item_type, struct fim_str item)
{
	return (struct fim_place){loader->build->file, node->line, node->column, item_type, item};
}

static struct fim_str name_of(const char *name)
{
	return (struct fim_str){name, strlen(name)};
}

/* A scalar with something in it; NULL: an error, or not there and not required. */
static const struct fim_doc_node *get_scalar(struct loader *loader, const struct fim_doc_node *item,
					     const char *key, bool required,
					     const struct fim_place *place)
{
	const struct fim_doc_node *value = fim_doc_get(item, key);
	struct fim_place value_place;

	if (!value) {
		if (required)
			fim_build_error(loader->build, YAML_VALIDATE, place,
					"Item has no mapping for key '%s'", key);
		return NULL;
	}
	if (value->is_null) {
		fim_build_error(loader->build, YAML_VALIDATE, place,
				"Mapping for key '%s' is empty", key);
		return NULL;
	}
	value_place = place_of(loader, value, "value for", name_of(key));
	if (value->kind != FIM_DOC_SCALAR)
		fim_build_error(loader->build, YAML_VALIDATE, &value_place,
				"Value is not a scalar value");
	else if (!value->scalar.len)
		fim_build_error(loader->build, YAML_VALIDATE, &value_place,
				"Value must be non-empty");
	return loader->build->err ? NULL : value;
}

static bool get_str(struct loader *loader, const struct fim_doc_node *item, const char *key,
		    bool required, const struct fim_place *place, struct fim_str *str)
{
	const struct fim_doc_node *value = get_scalar(loader, item, key, required, place);

	if (value)
		*str = value->scalar;
	return value;
}

static void bad_scalar(struct loader *loader, const struct fim_doc_node *value, const char *key)
{
	struct fim_place place = place_of(loader, value, "value for", name_of(key));

	fim_build_error(loader->build, YAML_VALIDATE, &place, "Can't decode YAML scalar value");
}

/* One of the words in lower case, in upper case, or with a capital. */
static bool is_word(struct fim_str text, const char *word)
{
	size_t i;
	bool lower = true, upper = true, tail = true;

	if (text.len != strlen(word) || strncasecmp(text.bytes, word, text.len))
		return false;
	for (i = 0; i < text.len; i++) {
		bool small = islower((unsigned char)text.bytes[i]);

		lower &= small;
		upper &= !small;
		tail &= !i || small;
	}
	return lower || upper || tail;
}

static void get_bool(struct loader *loader, const struct fim_doc_node *item, const char *key,
		     bool required, const struct fim_place *place, bool *flag)
{
	static const char *const words[][2] = {
		{"n", "y"}, {"no", "yes"}, {"false", "true"}, {"off", "on"}};
	const struct fim_doc_node *value = get_scalar(loader, item, key, required, place);
	size_t i, k;

	if (!value)
		return;
	for (i = 0; i < 4; i++) {
		for (k = 0; k < 2; k++) {
			if (is_word(value->scalar, words[i][k])) {
				*flag = k;
				return;
			}
		}
	}
	bad_scalar(loader, value, key);
}

/* As a C++ stream reads an unsigned number: 0x and 0 prefixes count, nothing behind it. */
static bool parse_uint(struct fim_str text, uint32_t *number_ret)
{
	char digits[32], *end;
	unsigned long number;

	if (!text.len || text.len >= sizeof(digits) || text.bytes[0] == '-' ||
	    isspace((unsigned char)text.bytes[0]))
		return false;
	memcpy(digits, text.bytes, text.len);
	digits[text.len] = '\0';
	errno = 0;
	number = strtoul(digits, &end, 0);
	while (isspace((unsigned char)*end))
		end++;
	if (errno || *end || end == digits || number > UINT32_MAX)
		return false;
	*number_ret = (uint32_t)number;
	return true;
}

/* The one key of a mapping that is not of @known gets a warning, and so the next. */
static void warn_unknown_keys(struct loader *loader, const struct fim_doc_node *item,
			      const char *const *known, const struct fim_place *place)
{
	size_t i, k;

	for (i = 0; i + 1 < item->count; i += 2) {
		const struct fim_doc_node *key = item->children[i];

		if (key->kind != FIM_DOC_SCALAR)
			continue;
		for (k = 0; known[k] && !fim_str_is(key->scalar, known[k]); k++)
			;
		if (!known[k])
			fim_build_warn(loader->build, "LOAD_UNKNOWN_KEY", place,
				       "Unknown key '%.*s'. The key will be ignored.",
				       (int)key->scalar.len, key->scalar.bytes);
	}
}

static bool more_values(struct loader *loader, const struct fim_place *place)
{
	if (++loader->values <= VALUES_MAX)
		return true;
	fim_build_error(loader->build, YAML_VALIDATE, place, "too many values");
	return false;
}

/* The scalars of a sequence; false: an error, or not there and not required. */
static const struct fim_doc_node *get_sequence(struct loader *loader,
					       const struct fim_doc_node *item, const char *key,
					       bool required, const struct fim_place *place)
{
	const struct fim_doc_node *value = fim_doc_get(item, key);
	struct fim_place value_place;
	size_t i;

	if (!value) {
		if (required)
			fim_build_error(loader->build, YAML_VALIDATE, place,
					"Item has no mapping for key '%s'", key);
		return NULL;
	}
	value_place = place_of(loader, value, "value for", name_of(key));
	if (value->kind != FIM_DOC_SEQUENCE) {
		fim_build_error(loader->build, YAML_VALIDATE, &value_place,
				"Value is not a sequence");
		return NULL;
	}
	for (i = 0; i < value->count; i++) {
		struct fim_place item_place =
			place_of(loader, value->children[i], "list item", name_of(""));

		if (!more_values(loader, &value_place))
			return NULL;
		if (value->children[i]->kind != FIM_DOC_SCALAR || value->children[i]->is_null) {
			fim_build_error(loader->build, YAML_VALIDATE, &item_place,
					"sequence value is not scalar");
			return NULL;
		}
	}
	return value;
}

/* ------------------------------------------------------------- overriding */

/* A key that "override" may name, and how. */
struct override_key {
	const char *key;
	uint32_t flag;
	bool append;
	bool replace;
};

struct overrides {
	uint32_t append;
	uint32_t replace;
};

static const struct override_key *find_key(const struct override_key *keys, struct fim_str key)
{
	for (; keys->key; keys++)
		if (fim_str_is(key, keys->key))
			return keys;
	return NULL;
}

static void read_override(struct loader *loader, const struct fim_doc_node *key,
			  const struct fim_doc_node *value, const struct override_key *keys,
			  struct overrides *overrides)
{
	const struct override_key *known = find_key(keys, key->scalar);
	struct fim_place key_place = place_of(loader, key, "overrides", key->scalar);
	struct fim_place value_place = place_of(loader, value, "value for", key->scalar);
	int len = (int)key->scalar.len;

	if (fim_str_is(value->scalar, "append")) {
		if (!known || !known->append)
			fim_build_error(loader->build, YAML_VALIDATE, &key_place,
					"Key '%.*s' cannot be appended to, use 'replace' instead",
					len, key->scalar.bytes);
		else
			overrides->append |= known->flag;
	} else if (fim_str_is(value->scalar, "replace")) {
		if (!known || !known->replace)
			fim_build_error(loader->build, YAML_VALIDATE, &key_place,
					"Key '%.*s' cannot be replaced", len, key->scalar.bytes);
		else
			overrides->replace |= known->flag;
	} else {
		fim_build_error(loader->build, YAML_VALIDATE, &value_place,
				"Invalid override operation for key '%.*s': '%.*s'. Allowed values "
				"are: %s%s",
				len, key->scalar.bytes, (int)value->scalar.len, value->scalar.bytes,
				known && known->append ? "append " : "",
				known && known->replace ? "replace " : "");
	}
}

static void read_overrides(struct loader *loader, const struct fim_doc_node *item,
			   const struct override_key *keys, const struct fim_place *place,
			   struct overrides *overrides)
{
	const struct fim_doc_node *map = fim_doc_get(item, "override");
	struct fim_place map_place;
	size_t i;

	/* What is neither a mapping nor a sequence says nothing, as with the engine. */
	if (!map || map->kind == FIM_DOC_SCALAR)
		return;
	map_place = place_of(loader, map, "overrides", place->item);
	if (map->kind != FIM_DOC_MAPPING && map->count) {
		fim_build_error(loader->build, "LOAD_ERR_VALIDATE", &map_place,
				"Value of 'override' must be a mapping");
		return;
	}
	for (i = 0; i + 1 < map->count && !loader->build->err; i += 2) {
		if (map->children[i]->kind != FIM_DOC_SCALAR ||
		    map->children[i + 1]->kind != FIM_DOC_SCALAR)
			fim_build_error(loader->build, "LOAD_ERR_VALIDATE", &map_place,
					"Keys and values of 'override' must be scalars");
		else
			read_override(loader, map->children[i], map->children[i + 1], keys,
				      overrides);
	}
}

/* "append: true" with its warning, and "override"; they exclude each other. */
static bool read_append(struct loader *loader, const struct fim_doc_node *item,
			const struct override_key *keys, const struct fim_place *place,
			struct overrides *overrides)
{
	bool append = false;

	get_bool(loader, item, "append", false, place, &append);
	if (append)
		fim_build_warn(loader->build, DEPRECATED, place, "%s", append_warning);
	read_overrides(loader, item, keys, place, overrides);
	if (append && (overrides->append || overrides->replace))
		fim_build_error(loader->build, YAML_VALIDATE, place,
				"Keys 'override' and 'append: true' cannot be used together. Add "
				"an 'append' entry (e.g. 'condition: append') under 'override' "
				"instead.");
	return append;
}

/* --------------------------------------------------------- lists and macros */

static bool is_list_name(struct fim_str name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!name.bytes[i] || strchr("()\"'=, \t\n\v\f\r", name.bytes[i]))
			return false;
	return name.len > 0;
}

static bool is_macro_name(struct fim_str name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!isalpha((unsigned char)name.bytes[i]) &&
		    (!i || (!isdigit((unsigned char)name.bytes[i]) && name.bytes[i] != '_')))
			return false;
	return name.len > 0;
}

static void read_list(struct loader *loader, const struct fim_doc_node *item)
{
	static const char *const known[] = {"list", "items", "append", "override", NULL};
	static const struct override_key keys[] = {{"items", 1, true, true}, {0}};
	struct fim_build *build = loader->build;
	struct fim_def_list list = {.place = place_of(loader, item, "list", name_of(""))};
	const struct fim_doc_node *items;
	struct overrides overrides = {0};
	bool append;
	size_t i;

	if (!get_str(loader, item, "list", true, &list.place, &list.name))
		return;
	list.place.item = list.name;
	warn_unknown_keys(loader, item, known, &list.place);
	if (!is_list_name(list.name))
		fim_build_warn(build, "LOAD_INVALID_LIST_NAME", &list.place,
			       "List has an invalid name. List names should match a regular "
			       "expression: ([^()\"'[:space:]=,]+)");
	items = get_sequence(loader, item, "items", true, &list.place);
	if (!items)
		return;
	for (i = 0; i < items->count; i++) {
		if (fim_arena_grow(&build->arena, &list.items, list.count, sizeof(*list.items))) {
			fim_build_nomem(build);
			return;
		}
		list.items[list.count++] = items->children[i]->scalar;
	}
	append = read_append(loader, item, keys, &list.place, &overrides);
	if (!build->err)
		fim_defs_list(build, &list, append || overrides.append);
}

static void read_macro(struct loader *loader, const struct fim_doc_node *item)
{
	static const char *const known[] = {"macro", "condition", "append", "override", NULL};
	static const struct override_key keys[] = {{"condition", 1, true, true}, {0}};
	struct fim_build *build = loader->build;
	struct fim_def_macro macro = {.place = place_of(loader, item, "macro", name_of(""))};
	struct overrides overrides = {0};
	bool append;

	if (!get_str(loader, item, "macro", true, &macro.place, &macro.name))
		return;
	macro.place.item = macro.name;
	warn_unknown_keys(loader, item, known, &macro.place);
	if (!is_macro_name(macro.name))
		fim_build_warn(build, "LOAD_INVALID_MACRO_NAME", &macro.place,
			       "Macro has an invalid name. Macro names should match a regular "
			       "expression: ([a-zA-Z]+[a-zA-Z0-9_]*)");
	if (!get_str(loader, item, "condition", true, &macro.place, &macro.condition))
		return;
	macro.condition_place =
		place_of(loader, fim_doc_get(item, "condition"), "macro condition", name_of(""));
	append = read_append(loader, item, keys, &macro.place, &overrides);
	if (!build->err)
		fim_defs_macro(build, &macro, append || overrides.append);
}

/* ------------------------------------------------------------- exceptions */

/* A scalar or a list of such, down to any depth the tree has; nothing else counts. */
static void read_entry(struct loader *loader, const struct fim_doc_node *node, const char *key,
		       struct fim_def_entry *entry)
{
	struct fim_place place = place_of(loader, node, "value for", name_of(key));
	size_t i;

	if (!more_values(loader, &place) || node->is_null)
		return;
	if (node->kind == FIM_DOC_SCALAR) {
		if (!node->scalar.len)
			fim_build_error(loader->build, YAML_VALIDATE, &place,
					"Value must be non-empty");
		entry->text = node->scalar;
	}
	if (node->kind != FIM_DOC_SEQUENCE)
		return;
	entry->is_list = true;
	entry->items =
		fim_arena_alloc(&loader->build->arena, (node->count + 1) * sizeof(*entry->items));
	if (!entry->items) {
		fim_build_nomem(loader->build);
		return;
	}
	entry->count = node->count;
	for (i = 0; i < node->count && !loader->build->err; i++)
		read_entry(loader, node->children[i], "", &entry->items[i]);
}

static void read_exception_values(struct loader *loader, const struct fim_doc_node *values,
				  struct fim_def_exception *exception)
{
	struct fim_place place = place_of(loader, values, "exception values", name_of(""));
	size_t i;

	if (values->kind != FIM_DOC_SEQUENCE) {
		fim_build_error(loader->build, YAML_VALIDATE, &place,
				"Rule exception values must be a sequence");
		return;
	}
	for (i = 0; i < values->count && !loader->build->err; i++) {
		if (fim_arena_grow(&loader->build->arena, &exception->values,
				   exception->value_count, sizeof(*exception->values))) {
			fim_build_nomem(loader->build);
			return;
		}
		exception->values[i] = (struct fim_def_entry){0};
		exception->value_count++;
		read_entry(loader, values->children[i], "", &exception->values[i]);
	}
}

static void read_exception(struct loader *loader, const struct fim_doc_node *node,
			   struct fim_def_rule *rule, bool append)
{
	struct fim_build *build = loader->build;
	struct fim_def_exception exception = {
		.place = place_of(loader, node, "exception", name_of(""))};
	const struct fim_doc_node *fields, *comps, *values;
	size_t i;

	if (node->kind != FIM_DOC_MAPPING) {
		fim_build_error(build, YAML_VALIDATE, &exception.place,
				"Rule exception must be a mapping");
		return;
	}
	if (!get_str(loader, node, "name", true, &exception.place, &exception.name))
		return;
	exception.place.item = exception.name;
	for (i = 0; i < rule->exception_count; i++)
		if (!fim_str_cmp(rule->exceptions[i].name, exception.name))
			fim_build_warn(build, "LOAD_EXCEPTION_NAME_NOT_UNIQUE", &exception.place,
				       "Multiple definitions of exception '%.*s' in the same rule",
				       (int)exception.name.len, exception.name.bytes);
	fields = fim_doc_get(node, "fields");
	comps = fim_doc_get(node, "comps");
	values = fim_doc_get(node, "values");
	if (fields)
		read_entry(loader, fields, "fields", &exception.fields);
	else if (!append)
		fim_build_error(build, YAML_VALIDATE, &exception.place,
				"Item has no mapping for key 'fields'");
	if (comps && !build->err)
		read_entry(loader, comps, "comps", &exception.comps);
	if (values && !build->err)
		read_exception_values(loader, values, &exception);
	else if (append && !values)
		fim_build_warn(build, "LOAD_APPEND_NO_VALUES", &exception.place,
			       "Overriding/appending exception with no values");
	if (build->err)
		return;
	if (fim_arena_grow(&build->arena, &rule->exceptions, rule->exception_count,
			   sizeof(exception)))
		fim_build_nomem(build);
	else
		rule->exceptions[rule->exception_count++] = exception;
}

static void read_exceptions(struct loader *loader, const struct fim_doc_node *item,
			    struct fim_def_rule *rule, bool append)
{
	const struct fim_doc_node *node = fim_doc_get(item, "exceptions");
	struct fim_place place;
	size_t i;

	rule->has |= FIM_DEF_EXCEPTIONS;
	if (!node || node->is_null)
		return;
	place = place_of(loader, node, "exceptions", name_of(""));
	if (node->kind != FIM_DOC_SEQUENCE) {
		fim_build_error(loader->build, YAML_VALIDATE, &place,
				"Rule exceptions must be a sequence");
		return;
	}
	for (i = 0; i < node->count && !loader->build->err; i++)
		read_exception(loader, node->children[i], rule, append);
}

/* ------------------------------------------------------------------ rules */

static const struct override_key rule_keys[] = {
	{"condition", FIM_DEF_CONDITION, true, true},
	{"exceptions", FIM_DEF_EXCEPTIONS, true, true},
	{"output", FIM_DEF_OUTPUT, true, true},
	{"desc", FIM_DEF_DESC, true, true},
	{"tags", FIM_DEF_TAGS, true, true},
	{"priority", FIM_DEF_PRIORITY, false, true},
	{"enabled", FIM_DEF_ENABLED, false, true},
	{"warn_evttypes", FIM_DEF_WARN, false, true},
	{"skip-if-unknown-filter", FIM_DEF_SKIP, false, true},
	{"capture", FIM_DEF_CAPTURE, false, true},
	{"capture_duration", FIM_DEF_CAPTURE << 16, false, true},
	{0},
};

static const char *const priorities[] = {"Emergency", "Alert",	"Critical",	 "Error",
					 "Warning",   "Notice", "Informational", "Debug"};

const char *fim_rules_priority_name(enum fim_rules_priority priority)
{
	return priority <= FIM_RULES_DEBUG ? priorities[priority] : "unknown";
}

static void read_priority(struct loader *loader, const struct fim_doc_node *item,
			  struct fim_def_rule *rule)
{
	struct fim_place place;
	struct fim_str text;
	int i;

	if (!get_str(loader, item, "priority", true, &rule->place, &text))
		return;
	rule->has |= FIM_DEF_PRIORITY;
	for (i = 0; i <= FIM_RULES_DEBUG; i++) {
		if ((text.len == strlen(priorities[i]) &&
		     !strncasecmp(text.bytes, priorities[i], text.len)) ||
		    (i == FIM_RULES_INFORMATIONAL && text.len == 4 &&
		     !strncasecmp(text.bytes, "info", 4))) {
			rule->priority = (enum fim_rules_priority)i;
			return;
		}
	}
	place = place_of(loader, fim_doc_get(item, "priority"), "rule priority", name_of(""));
	fim_build_error(loader->build, YAML_VALIDATE, &place, "Invalid priority");
}

static void read_tags(struct loader *loader, const struct fim_doc_node *item,
		      struct fim_def_rule *rule)
{
	const struct fim_doc_node *tags = get_sequence(loader, item, "tags", false, &rule->place);
	size_t i;

	rule->has |= FIM_DEF_TAGS;
	for (i = 0; tags && i < tags->count; i++)
		fim_defs_tag(loader->build, rule, tags->children[i]->scalar);
}

static void read_capture(struct loader *loader, const struct fim_doc_node *item,
			 struct fim_def_rule *rule)
{
	const struct fim_doc_node *value;
	bool ignored = false;
	uint32_t duration;

	rule->has |= FIM_DEF_CAPTURE;
	get_bool(loader, item, "capture", false, &rule->place, &ignored);
	value = get_scalar(loader, item, "capture_duration", false, &rule->place);
	if (value && !parse_uint(value->scalar, &duration))
		bad_scalar(loader, value, "capture_duration");
}

static struct fim_str trim(struct fim_str text)
{
	while (text.len && strchr(" \t\n\r\f\v", text.bytes[0]) && text.bytes[0]) {
		text.bytes++;
		text.len--;
	}
	while (text.len && strchr(" \t\n\r\f\v", text.bytes[text.len - 1]) &&
	       text.bytes[text.len - 1])
		text.len--;
	return text;
}

/* Reads the keys in @flags, all required, into @rule. */
static void read_rule_keys(struct loader *loader, const struct fim_doc_node *item, uint32_t flags,
			   bool append, struct fim_def_rule *rule)
{
	struct fim_place *place = &rule->place;
	const struct fim_doc_node *node;

	if (flags & FIM_DEF_CONDITION) {
		get_str(loader, item, "condition", true, place, &rule->condition);
		node = fim_doc_get(item, "condition");
		if (node)
			rule->condition_place =
				place_of(loader, node, "rule condition", name_of(""));
	}
	if ((flags & FIM_DEF_EXCEPTIONS) && !loader->build->err)
		read_exceptions(loader, item, rule, append);
	if (flags & FIM_DEF_OUTPUT) {
		get_str(loader, item, "output", true, place, &rule->output);
		node = fim_doc_get(item, "output");
		if (node)
			rule->output_place = place_of(loader, node, "rule output", name_of(""));
	}
	if (flags & FIM_DEF_DESC)
		get_str(loader, item, "desc", true, place, &rule->desc);
	if ((flags & FIM_DEF_TAGS) && !loader->build->err)
		read_tags(loader, item, rule);
	if ((flags & FIM_DEF_PRIORITY) && !loader->build->err)
		read_priority(loader, item, rule);
	if (flags & FIM_DEF_ENABLED)
		get_bool(loader, item, "enabled", true, place, &rule->enabled);
	if (flags & FIM_DEF_WARN)
		get_bool(loader, item, "warn_evttypes", true, place, &rule->warn_evttypes);
	if (flags & FIM_DEF_SKIP)
		get_bool(loader, item, "skip-if-unknown-filter", true, place, &rule->skip_unknown);
	if (flags & (FIM_DEF_CAPTURE | FIM_DEF_CAPTURE << 16))
		read_capture(loader, item, rule);
	rule->has |= flags & ~(FIM_DEF_CAPTURE << 16);
}

/* What "override" names has to be there. */
static void check_overridden(struct loader *loader, const struct fim_doc_node *item, uint32_t flags,
			     const char *how, const struct fim_def_rule *rule)
{
	const struct override_key *key;

	for (key = rule_keys; key->key; key++)
		if ((flags & key->flag) && !fim_doc_get(item, key->key))
			fim_build_error(loader->build, YAML_VALIDATE, &rule->place,
					"An %s override for '%s' was specified but '%s' is not "
					"defined",
					how, key->key, key->key);
}

static void read_rule_override(struct loader *loader, const struct fim_doc_node *item,
			       const struct overrides *overrides, const struct fim_def_rule *base)
{
	static const char *const sorted[] = {
		"capture", "capture_duration", "condition",
		"desc",	   "enabled",	       "exceptions",
		"output",  "priority",	       "skip-if-unknown-filter",
		"tags",	   "warn_evttypes"};
	struct fim_build *build = loader->build;
	struct fim_def_rule update = *base;
	size_t i;

	if (overrides->append) {
		check_overridden(loader, item, overrides->append, "append", base);
		if (!build->err)
			read_rule_keys(loader, item, overrides->append, true, &update);
		if (!build->err)
			fim_defs_rule_append(build, &update);
	}
	if (overrides->replace && !build->err) {
		update = *base;
		check_overridden(loader, item, overrides->replace, "replace", base);
		if (overrides->append & overrides->replace)
			fim_build_error(build, YAML_VALIDATE, &base->place,
					"A key under 'override' is both appended and replaced");
		if (!build->err)
			read_rule_keys(loader, item, overrides->replace, false, &update);
		if (!build->err)
			fim_defs_rule_replace(build, &update);
	}
	for (i = 0; i < sizeof(sorted) / sizeof(*sorted) && !build->err; i++) {
		const struct fim_doc_node *node = fim_doc_get(item, sorted[i]);
		const struct override_key *key = find_key(rule_keys, name_of(sorted[i]));
		struct fim_place place;

		if (!node || ((overrides->append | overrides->replace) & key->flag))
			continue;
		place = place_of(loader, node, "overrides", name_of(sorted[i]));
		fim_build_error(build, YAML_VALIDATE, &place,
				"Unexpected key '%s': no corresponding entry under 'override' is "
				"defined.",
				sorted[i]);
	}
}

static void read_rule_append(struct loader *loader, const struct fim_doc_node *item,
			     struct fim_def_rule *update)
{
	uint32_t flags = 0;

	if (fim_doc_get(item, "condition"))
		flags |= FIM_DEF_CONDITION;
	if (fim_doc_get(item, "exceptions"))
		flags |= FIM_DEF_EXCEPTIONS;
	read_rule_keys(loader, item, flags, true, update);
	if (!loader->build->err)
		fim_defs_rule_append(loader->build, update);
}

static void read_rule_full(struct loader *loader, const struct fim_doc_node *item,
			   struct fim_def_rule *rule)
{
	struct fim_build *build = loader->build;

	/* In the engine's order, which decides what is reported first. */
	read_rule_keys(loader, item, FIM_DEF_CONDITION, false, rule);
	if (!build->err)
		read_rule_keys(loader, item, FIM_DEF_OUTPUT, false, rule);
	if (!build->err)
		read_rule_keys(loader, item, FIM_DEF_DESC, false, rule);
	if (!build->err)
		read_rule_keys(loader, item, FIM_DEF_PRIORITY, false, rule);
	if (build->err)
		return;
	rule->output = trim(rule->output);
	rule->source = name_of("syscall");
	rule->has |= FIM_DEF_SOURCE;
	get_str(loader, item, "source", false, &rule->place, &rule->source);
	get_bool(loader, item, "enabled", false, &rule->place, &rule->enabled);
	get_bool(loader, item, "warn_evttypes", false, &rule->place, &rule->warn_evttypes);
	get_bool(loader, item, "skip-if-unknown-filter", false, &rule->place, &rule->skip_unknown);
	if (!build->err)
		read_capture(loader, item, rule);
	if (!build->err)
		read_tags(loader, item, rule);
	if (!build->err)
		read_exceptions(loader, item, rule, false);
	if (!build->err)
		fim_defs_rule(build, rule);
}

static void read_rule(struct loader *loader, const struct fim_doc_node *item)
{
	static const char *const known[] = {"rule",
					    "condition",
					    "output",
					    "desc",
					    "priority",
					    "source",
					    "enabled",
					    "tags",
					    "exceptions",
					    "append",
					    "override",
					    "warn_evttypes",
					    "capture",
					    "capture_duration",
					    "skip-if-unknown-filter",
					    NULL};
	struct fim_build *build = loader->build;
	struct fim_def_rule rule = {.enabled = true, .warn_evttypes = true};
	const struct fim_doc_node *source = fim_doc_get(item, "source");
	struct overrides overrides = {0};
	bool append;

	rule.place = place_of(loader, item, "rule", name_of(""));
	if (!get_str(loader, item, "rule", true, &rule.place, &rule.name))
		return;
	rule.place.item = rule.name;
	rule.condition_place = rule.output_place = rule.place;
	warn_unknown_keys(loader, item, known, &rule.place);
	append = read_append(loader, item, rule_keys, &rule.place, &overrides);
	if (build->err)
		return;
	/* Naming no source in an addition means the source that the rule has. */
	if ((append || overrides.append || overrides.replace) && source && !source->is_null &&
	    source->kind == FIM_DOC_SCALAR && source->scalar.len) {
		rule.source = source->scalar;
		rule.has |= FIM_DEF_SOURCE;
	}
	if (overrides.append || overrides.replace) {
		read_rule_override(loader, item, &overrides, &rule);
	} else if (append) {
		read_rule_append(loader, item, &rule);
	} else if (!fim_doc_get(item, "condition") && !fim_doc_get(item, "output") &&
		   !fim_doc_get(item, "desc") && !fim_doc_get(item, "priority")) {
		get_bool(loader, item, "enabled", true, &rule.place, &rule.enabled);
		fim_build_warn(build, DEPRECATED, &rule.place,
			       "The standalone 'enabled' key usage is deprecated. The correct "
			       "approach requires also a 'replace' entry under the 'override' key "
			       "(i.e. 'enabled: replace').");
		if (!build->err)
			fim_defs_rule_enable(build, &rule);
	} else {
		read_rule_full(loader, item, &rule);
	}
}

/* ---------------------------------------------------------------- versions */

struct version {
	uint32_t major;
	uint32_t minor;
	uint32_t patch;
};

static bool parse_version(struct fim_str text, struct version *version)
{
	char copy[64];

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.bytes, text.len);
	copy[text.len] = '\0';
	return sscanf(copy, "%u.%u.%u", &version->major, &version->minor, &version->patch) == 3;
}

static void read_engine_version(struct loader *loader, const struct fim_doc_node *item)
{
	static const struct version engine = {FIM_RULES_ENGINE_MAJOR, FIM_RULES_ENGINE_MINOR,
					      FIM_RULES_ENGINE_PATCH};
	struct fim_place place = place_of(loader, item, "required_engine_version", name_of(""));
	struct version want = {0};
	struct fim_str text;

	if (!get_str(loader, item, "required_engine_version", true, &place, &text))
		return;
	if (!parse_uint(text, &want.minor) && !parse_version(text, &want)) {
		fim_build_error(
			loader->build, YAML_VALIDATE, &place,
			"Unable to parse engine version '%.*s' as a semver string. Expected "
			"\"x.y.z\" semver format.",
			(int)text.len, text.bytes);
		return;
	}
	if (want.major != engine.major || want.minor > engine.minor ||
	    (want.minor == engine.minor && want.patch > engine.patch))
		fim_build_error(loader->build, "LOAD_ERR_VALIDATE", &place,
				"Rules require engine version %u.%u.%u, but engine version is "
				"%u.%u.%u",
				want.major, want.minor, want.patch, engine.major, engine.minor,
				engine.patch);
}

/* One {name, version}; @names: those before it among the alternatives. */
static void read_requirement(struct loader *loader, const struct fim_doc_node *node,
			     const char *item_type, struct fim_str *names, size_t *count)
{
	struct fim_place place = place_of(loader, node, item_type, name_of(""));
	struct fim_str name, text;
	struct version version;
	size_t i;

	if (node->kind != FIM_DOC_MAPPING) {
		fim_build_error(loader->build, YAML_VALIDATE, &place,
				*count ? "Plugin version alternative must be a mapping"
				       : "Plugin version must be a mapping");
		return;
	}
	if (!get_str(loader, node, "name", true, &place, &name))
		return;
	place.item = name;
	if (!get_str(loader, node, "version", true, &place, &text))
		return;
	if (!parse_version(text, &version))
		fim_build_error(loader->build, "LOAD_ERR_VALIDATE", &place,
				"Invalid required version '%.*s' for plugin '%.*s'", (int)text.len,
				text.bytes, (int)name.len, name.bytes);
	for (i = 0; i < *count; i++)
		if (!fim_str_cmp(names[i], name))
			fim_build_error(loader->build, "LOAD_ERR_VALIDATE", &place,
					"Defined multiple alternative version requirements for "
					"plugin '%.*s'",
					(int)name.len, name.bytes);
	names[(*count)++] = name;
}

#define ALTERNATIVES_MAX 64

static void read_plugin_versions(struct loader *loader, const struct fim_doc_node *item)
{
	const struct fim_doc_node *list = fim_doc_get(item, "required_plugin_versions");
	struct fim_place place = place_of(loader, list, "required plugin versions", name_of(""));
	size_t i, k;

	if (list->kind != FIM_DOC_SEQUENCE) {
		fim_build_error(loader->build, YAML_VALIDATE, &place,
				"Value of required_plugin_versions must be a sequence");
		return;
	}
	for (i = 0; i < list->count && !loader->build->err; i++) {
		struct fim_str names[ALTERNATIVES_MAX];
		const struct fim_doc_node *others;
		size_t count = 0;

		read_requirement(loader, list->children[i], "required plugin versions entry", names,
				 &count);
		others = loader->build->err ? NULL : fim_doc_get(list->children[i], "alternatives");
		if (!others)
			continue;
		if (others->kind != FIM_DOC_SEQUENCE || others->count >= ALTERNATIVES_MAX)
			fim_build_error(loader->build, YAML_VALIDATE, &place,
					"Value of plugin version alternatives must be a sequence");
		for (k = 0; k < others->count && !loader->build->err; k++)
			read_requirement(loader, others->children[k],
					 "required plugin versions alternative", names, &count);
	}
}

/* ------------------------------------------------------------------ files */

static void read_item(struct loader *loader, const struct fim_doc_node *item)
{
	struct fim_place place = place_of(loader, item, "rules content item", name_of(""));

	if (item->kind != FIM_DOC_MAPPING)
		fim_build_error(
			loader->build, YAML_VALIDATE, &place,
			"Unexpected element type. Each element should be a yaml associative "
			"array.");
	else if (fim_doc_get(item, "required_engine_version"))
		read_engine_version(loader, item);
	else if (fim_doc_get(item, "required_plugin_versions"))
		read_plugin_versions(loader, item);
	else if (fim_doc_get(item, "list"))
		read_list(loader, item);
	else if (fim_doc_get(item, "macro"))
		read_macro(loader, item);
	else if (fim_doc_get(item, "rule"))
		read_rule(loader, item);
	else
		fim_build_warn(loader->build, "LOAD_UNKNOWN_ITEM", &place,
			       "Unknown top level item");
}

static void read_document(struct loader *loader, const struct fim_doc_node *doc)
{
	struct fim_place place = place_of(loader, doc, "rules content", name_of(""));
	size_t i;

	if (doc->is_null)
		return;
	if (doc->kind == FIM_DOC_SCALAR)
		fim_build_error(loader->build, YAML_VALIDATE, &place, "Rules content is not yaml");
	else if (doc->kind != FIM_DOC_SEQUENCE)
		fim_build_error(loader->build, YAML_VALIDATE, &place,
				"Rules content is not yaml array of objects");
	for (i = 0; i < doc->count && !loader->build->err; i++)
		if (!doc->children[i]->is_null)
			read_item(loader, doc->children[i]);
}

void fim_rules_read(struct fim_build *build, const char *text, size_t len)
{
	struct loader loader = {.build = build};
	struct fim_doc_node **docs;
	struct fim_doc_error error;
	size_t count, i;
	int err = fim_doc_parse(&build->arena, text, len, &docs, &count, &error);

	if (err == -EINVAL) {
		struct fim_place place = {build->file, error.line, error.column, "value for",
					  name_of("")};

		fim_build_error(build, "LOAD_ERR_YAML_PARSE", &place, "%s", error.text);
	} else if (err) {
		fim_build_nomem(build);
	}
	for (i = 0; !build->err && i < count; i++)
		read_document(&loader, docs[i]);
}
