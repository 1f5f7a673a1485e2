/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what is known about a rule before any event: for which values of the index field
 * it has to be looked at, and whether it can fire at all on what we observe.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

/* ---------------------------------------------------------- sets of values */

static bool set_has(const struct fim_type_set *set, struct fim_str name)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (!fim_str_cmp(set->names[i], name))
			return true;
	return false;
}

static int set_add(struct fim_arena *arena, struct fim_type_set *set, struct fim_str name)
{
	int err;

	if (set_has(set, name))
		return 0;
	err = fim_arena_grow(arena, &set->names, set->count, sizeof(*set->names));
	if (!err)
		set->names[set->count++] = name;
	return err;
}

/* Names of @a for which membership in @b is @wanted. */
static int set_filter(struct fim_arena *arena, const struct fim_type_set *a,
		      const struct fim_type_set *b, bool wanted, struct fim_type_set *out)
{
	size_t i;
	int err = 0;

	for (i = 0; i < a->count && !err; i++)
		if (set_has(b, a->names[i]) == wanted)
			err = set_add(arena, out, a->names[i]);
	return err;
}

/* Intersection, by what the inverted ones leave out. */
static int set_and(struct fim_arena *arena, const struct fim_type_set *a,
		   const struct fim_type_set *b, struct fim_type_set *out)
{
	int err;

	if (!a->inverted && !b->inverted)
		return set_filter(arena, a, b, true, out);
	if (!a->inverted)
		return set_filter(arena, a, b, false, out);
	if (!b->inverted)
		return set_filter(arena, b, a, false, out);
	out->inverted = true;
	err = set_filter(arena, a, b, true, out);
	if (!err)
		err = set_filter(arena, a, b, false, out);
	if (!err)
		err = set_filter(arena, b, a, false, out);
	return err;
}

static void set_invert(struct fim_type_set *set)
{
	set->inverted = !set->inverted;
}

static bool is_plain_field(const struct fim_node *node, const char *name)
{
	return node->kind == FIM_NODE_FIELD && !node->arg.len && fim_str_is(node->text, name);
}

/* Which checks say something about the kinds of events for which they can be true. */
struct scope {
	const char *field; /* that has the kind */
	const char *alias; /* and one whose values are the same; NULL: none */
	bool is_numbered;  /* evt.num begins at 1, whatever it is compared with */
};

static bool is_kind_field(const struct scope *scope, const struct fim_node *node)
{
	return is_plain_field(node, scope->field) ||
	       (scope->alias && is_plain_field(node, scope->alias));
}

static bool is_number(const struct fim_node *node, uint64_t *number_ret)
{
	struct fim_value value;
	char ignored[300];

	if (node->kind != FIM_NODE_VALUE ||
	    fim_value_constant(&fim_types[FIM_VT_UINT64], node->text, &value, ignored,
			       sizeof(ignored)))
		return false;
	*number_ret = value.number;
	return true;
}

/* A check on evt.num that is always or never true, as the engine knows; false: another. */
static bool set_of_number(const struct fim_node *node, struct fim_type_set *set)
{
	const struct fim_node *right = node->children[1];
	bool never = false;
	uint64_t n;
	size_t i;

	if (!is_plain_field(node->children[0], "evt.num") || node->mod)
		return false;
	if (node->operator->op == FIM_CMP_IN && right->kind == FIM_NODE_LIST) {
		for (i = 0; i < right->count; i++)
			if (!is_number(right->children[i], &n) || n)
				return false;
		return true;
	}
	if (!is_number(right, &n))
		return false;
	switch (node->operator->op) {
	case FIM_CMP_EQ:
	case FIM_CMP_LE:
		never = !n;
		break;
	case FIM_CMP_LT:
		never = n <= 1;
		break;
	case FIM_CMP_NE:
	case FIM_CMP_GT:
		set->inverted = !n;
		break;
	case FIM_CMP_GE:
		set->inverted = n <= 1;
		break;
	default:
		break;
	}
	return never || set->inverted;
}

/*
 * A check on the index field itself; false: it says nothing about it.  Besides, event
 * number 0 never comes: that is how rules say "never".
 */
static bool set_of_check(struct fim_arena *arena, const struct fim_node *node,
			 const struct scope *scope, struct fim_type_set *set, int *err)
{
	const struct fim_node *right;
	size_t i;

	if (node->kind == FIM_NODE_UNARY) {
		set->inverted = true;
		return is_kind_field(scope, node->children[0]);
	}
	right = node->children[1];
	if (scope->is_numbered && set_of_number(node, set))
		return true;
	if (is_plain_field(node->children[0], "evt.num") &&
	    node->operator->op == FIM_CMP_EQ && !node->mod && right->kind == FIM_NODE_VALUE &&
	    fim_str_is(right->text, "0"))
		return true;
	if (!is_kind_field(scope, node->children[0]) || node->mod ||
	    (node->operator->op != FIM_CMP_EQ && node->operator->op != FIM_CMP_NE && node->
	     operator->op != FIM_CMP_IN))
		return false;
	if (right->kind == FIM_NODE_VALUE)
		*err = set_add(arena, set, right->text);
	else if (right->kind != FIM_NODE_LIST)
		return false;
	for (i = 0; right->kind == FIM_NODE_LIST && i < right->count && !*err; i++)
		*err = set_add(arena, set, right->children[i]->text);
	set->inverted = node->operator->op == FIM_CMP_NE;
	return true;
}

/* De Morgan: negation is pushed down to the checks, of which most say nothing. */
static int set_of(struct fim_arena *arena, const struct fim_node *node, const struct scope *scope,
		  bool negated, struct fim_type_set *set_ret)
{
	struct fim_type_set set = {0};
	bool is_and;
	size_t i;
	int err = 0;

	switch (node->kind) {
	case FIM_NODE_NOT:
		return set_of(arena, node->children[0], scope, !negated, set_ret);
	case FIM_NODE_AND:
	case FIM_NODE_OR:
		is_and = (node->kind == FIM_NODE_AND) != negated;
		set.inverted = true; /* "all", for both: an "or" is counted inverted */
		for (i = 0; i < node->count && !err; i++) {
			struct fim_type_set child = {0}, both = {0};

			err = set_of(arena, node->children[i], scope, negated, &child);
			if (!is_and)
				set_invert(&child);
			if (!err)
				err = set_and(arena, &set, &child, &both);
			set = both;
		}
		if (!is_and)
			set_invert(&set);
		break;
	case FIM_NODE_UNARY:
	case FIM_NODE_BINARY:
		if (!set_of_check(arena, node, scope, &set, &err))
			set = (struct fim_type_set){.inverted = true};
		else if (negated)
			set_invert(&set);
		break;
	default:
		set.inverted = true;
	}
	*set_ret = set;
	return err;
}

int fim_type_set_of(struct fim_arena *arena, const struct fim_node *node, const char *field,
		    struct fim_type_set *set_ret)
{
	const struct scope scope = {.field = field};

	return set_of(arena, node, &scope, false, set_ret);
}

int fim_type_set_warned_of(struct fim_arena *arena, const struct fim_node *node,
			   struct fim_type_set *set_ret)
{
	static const struct scope scope = {"evt.type", "syscall.type", true};

	return set_of(arena, node, &scope, false, set_ret);
}

/* ------------------------------------------------------------------ index */

const char *fim_index_field(enum fim_rules_source_id source)
{
	return source == FIM_SOURCE_SYSCALL ? "evt.type" : "ct.name";
}

static int bucket_add(struct fim_rules *rules, struct fim_bucket *bucket, uint32_t rule)
{
	int err = fim_arena_grow(&rules->arena, &bucket->rules, bucket->count,
				 sizeof(*bucket->rules));

	if (!err)
		bucket->rules[bucket->count++] = rule;
	return err;
}

static int index_rule(struct fim_rules *rules, struct fim_program *program, uint32_t at)
{
	const struct fim_type_set *types = &rules->compiled[at].types;
	size_t i;
	int err;

	err = bucket_add(rules, &program->buckets[0], at);
	for (i = 0; i < types->count && !err; i++) {
		if (fim_names_find(&program->bucket_names, types->names[i]) != FIM_NAMES_NONE)
			continue;
		err = fim_arena_grow(&rules->arena, &program->buckets, program->bucket_count,
				     sizeof(*program->buckets));
		if (err)
			break;
		memset(&program->buckets[program->bucket_count], 0, sizeof(*program->buckets));
		err = fim_names_set(&program->bucket_names, types->names[i],
				    (uint32_t)program->bucket_count++);
	}
	return err;
}

/* Every rule into the buckets of the values for which it can be true. */
static int fill_buckets(struct fim_rules *rules, enum fim_rules_source_id source)
{
	struct fim_program *program = &rules->programs[source];
	uint32_t at;
	int err = 0;

	for (at = 0; at < rules->count && !err; at++) {
		const struct fim_compiled *compiled = &rules->compiled[at];
		size_t i;

		if (compiled->source != source || !compiled->info.runs)
			continue;
		if (compiled->types.inverted)
			err = bucket_add(rules, &program->buckets[1], at);
		for (i = 0; i < program->bucket_names.count && !err; i++) {
			/* Buckets 0 and 1 have no name; the others come in order. */
			struct fim_bucket *bucket = &program->buckets[i + 2];
			bool named = false;
			size_t k;

			for (k = 0; k < compiled->types.count && !named; k++)
				named = fim_names_find(&program->bucket_names,
						       compiled->types.names[k]) == i + 2;
			if (named != compiled->types.inverted)
				err = bucket_add(rules, bucket, at);
		}
	}
	return err;
}

int fim_program_index(struct fim_rules *rules)
{
	int source, err = 0;

	for (source = 0; source < FIM_SOURCE_COUNT && !err; source++) {
		struct fim_program *program = &rules->programs[source];
		const char *field = fim_index_field((enum fim_rules_source_id)source);
		uint32_t at;

		program->index_slot = fim_names_find(&program->slot_names,
						     (struct fim_str){field, strlen(field)});
		program->buckets = fim_arena_alloc(&rules->arena, 4 * sizeof(*program->buckets));
		if (!program->buckets)
			return -ENOMEM;
		program->bucket_count = 2;
		for (at = 0; at < rules->count && !err; at++)
			if (rules->compiled[at].source == (enum fim_rules_source_id)source &&
			    rules->compiled[at].info.runs)
				err = index_rule(rules, program, at);
		if (!err)
			err = fill_buckets(rules, (enum fim_rules_source_id)source);
	}
	return err;
}

/* ----------------------------------------------------------- can it fire? */

enum truth {
	NEVER,
	ALWAYS,
	SOMETIMES,
};

/* A field that has the same value in every event of a kind. */
struct constant {
	const char *field;
	const char *value;
};

static const struct constant file_constants[] = {
	{"evt.dir", "<"},
	{"evt.failed", "false"},
	{"evt.is_open_read", "false"},
	{"evt.is_open_write", "true"},
	{"evt.rawres", "0"},
	{"evt.res", "SUCCESS"},
	{"fd.num", "0"},
	{"fd.type", "file"},
	{"fd.typechar", "f"},
	{NULL, NULL},
};
static const struct constant start_constants[] = {
	{"evt.dir", "<"},	{"evt.failed", "false"}, {"evt.rawres", "0"},
	{"evt.res", "SUCCESS"}, {"proc.vpid", "1"},	 {NULL, NULL},
};
/* Events that we do not see, but a rule may hope for. */
static const struct constant exec_constants[] = {
	{"evt.dir", "<"},	{"evt.failed", "false"}, {"evt.rawres", "0"},
	{"evt.res", "SUCCESS"}, {"proc.vpid", "2"},	 {NULL, NULL},
};
static const struct constant read_constants[] = {
	{"evt.arg.flags", "O_RDONLY"},
	{"evt.dir", "<"},
	{"evt.failed", "false"},
	{"evt.is_open_create", "false"},
	{"evt.is_open_exec", "false"},
	{"evt.is_open_read", "true"},
	{"evt.is_open_write", "false"},
	{"evt.rawres", "0"},
	{"evt.res", "SUCCESS"},
	{"fd.num", "0"},
	{"fd.type", "file"},
	{"fd.typechar", "f"},
	{NULL, NULL},
};

/* One kind of event, and why a condition is false for it. */
struct review {
	enum fim_rules_source_id source;
	uint16_t filled;  /* FIM_FIELD_FILE, … */
	const char *type; /* evt.type of the event; NULL: not a syscall event */
	const struct constant *constants;
	struct fim_str field; /* first that is never filled; empty: the type decides */
};

static const struct fim_node *field_of(const struct fim_node *node)
{
	size_t i;

	if (node->kind == FIM_NODE_FIELD)
		return node;
	for (i = 0; i < node->count; i++) {
		const struct fim_node *field = field_of(node->children[i]);

		if (field)
			return field;
	}
	return NULL;
}

static bool starts(struct fim_str text, const char *prefix)
{
	return text.len >= strlen(prefix) && !memcmp(text.bytes, prefix, strlen(prefix));
}

static bool is_filled(const struct review *review, const struct fim_node *field)
{
	struct fim_field_ref ref;
	char ignored[400];

	/* Only what is opened has a descriptor. */
	if (review->filled == FIM_FIELD_FILE && strcmp(review->type, "open") != 0 &&
	    (starts(field->text, "fd.") || starts(field->text, "evt.is_open")))
		return false;
	return !fim_field_find(review->source, field->text, field->arg, &ref, ignored,
			       sizeof(ignored)) &&
	       (ref.field->flags & review->filled);
}

static bool holds(enum fim_filter_op op, const char *text, struct fim_str value)
{
	size_t len = strlen(text);
	struct fim_str own = {text, len};
	long long number = strtoll(text, NULL, 10), other = strtoll(value.bytes, NULL, 10);

	switch (op) {
	case FIM_CMP_NE:
		return fim_str_cmp(own, value) != 0;
	case FIM_CMP_CONTAINS:
		return !value.len || memmem(text, len, value.bytes, value.len);
	case FIM_CMP_STARTSWITH:
		return len >= value.len && !memcmp(text, value.bytes, value.len);
	case FIM_CMP_ENDSWITH:
		return len >= value.len && !memcmp(text + len - value.len, value.bytes, value.len);
	case FIM_CMP_LT:
		return number < other;
	case FIM_CMP_LE:
		return number <= other;
	case FIM_CMP_GT:
		return number > other;
	case FIM_CMP_GE:
		return number >= other;
	default:
		return !fim_str_cmp(own, value);
	}
}

/* A check on a field that is always the same. */
static enum truth review_constant(const struct review *review, const struct fim_node *node)
{
	const struct constant *constant = review->constants;
	enum fim_filter_op op = node->operator->op;
	const struct fim_node *right;
	size_t i;

	while (constant && constant->field && !is_plain_field(node->children[0], constant->field))
		constant++;
	if (!constant || !constant->field || node->kind == FIM_NODE_UNARY || node->mod)
		return SOMETIMES;
	right = node->children[1];
	if (right->kind == FIM_NODE_VALUE)
		switch (op) {
		case FIM_CMP_GLOB:
		case FIM_CMP_IGLOB:
		case FIM_CMP_ICONTAINS:
		case FIM_CMP_BCONTAINS:
		case FIM_CMP_BSTARTSWITH:
		case FIM_CMP_REGEX:
			return SOMETIMES;
		default:
			return holds(op, constant->value, right->text) ? ALWAYS : NEVER;
		}
	if (right->kind != FIM_NODE_LIST || op != FIM_CMP_IN)
		return SOMETIMES;
	for (i = 0; i < right->count; i++)
		if (holds(FIM_CMP_EQ, constant->value, right->children[i]->text))
			return ALWAYS;
	return NEVER;
}

static enum truth review_check(struct review *review, const struct fim_node *node)
{
	static const struct scope scope = {.field = "evt.type"};
	const struct fim_node *field = field_of(node->children[0]);
	struct fim_type_set set = {0};
	struct fim_arena arena = {0};
	enum truth truth = SOMETIMES;
	int err = 0;

	if (field && !is_filled(review, field)) {
		if (!review->field.len)
			review->field = field->text;
		return NEVER;
	}
	if (review->type && set_of_check(&arena, node, &scope, &set, &err) && !err) {
		struct fim_str type = {review->type, strlen(review->type)};

		truth = set_has(&set, type) != set.inverted ? ALWAYS : NEVER;
	}
	fim_arena_free(&arena);
	return truth == SOMETIMES ? review_constant(review, node) : truth;
}

static enum truth review_node(struct review *review, const struct fim_node *node)
{
	enum truth settled = node->kind == FIM_NODE_AND ? NEVER : ALWAYS;
	enum truth truth = node->kind == FIM_NODE_AND ? ALWAYS : NEVER, child;
	struct fim_str field = review->field;
	size_t i;

	switch (node->kind) {
	case FIM_NODE_NOT:
		child = review_node(review, node->children[0]);
		return child == SOMETIMES ? child : child == NEVER ? ALWAYS : NEVER;
	case FIM_NODE_AND:
	case FIM_NODE_OR:
		for (i = 0; i < node->count; i++) {
			child = review_node(review, node->children[i]);
			if (child == settled)
				return child;
			if (child == SOMETIMES)
				truth = SOMETIMES;
		}
		if (truth != NEVER)
			review->field = field; /* what is missing there does no harm */
		return truth;
	case FIM_NODE_UNARY:
	case FIM_NODE_BINARY:
		return review_check(review, node);
	default:
		return SOMETIMES;
	}
}

static bool can_be(const struct fim_node *node, uint16_t filled, const char *type,
		   const struct constant *constants, struct fim_str *field)
{
	struct review review = {FIM_SOURCE_SYSCALL, filled, type, constants, {0}};

	if (review_node(&review, node) != NEVER)
		return true;
	if (review.field.len)
		*field = review.field;
	return false;
}

/* True if it can fire on some event that we see; otherwise @field may say what is missing. */
static bool can_fire(enum fim_rules_source_id source, const struct fim_node *node,
		     struct fim_str *field)
{
	static const char *const files[] = {"chmod",	"chown",   "link",   "mkdir",
					    "mknod",	"open",	   "rename", "rmdir",
					    "setxattr", "symlink", "unlink", "utimensat"};
	struct review review = {.source = source, .filled = FIM_FIELD_CLOUDTRAIL};
	size_t i;

	if (source == FIM_SOURCE_CLOUDTRAIL) {
		if (review_node(&review, node) != NEVER)
			return true;
		*field = review.field;
		return false;
	}
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (can_be(node, FIM_FIELD_FILE, files[i], file_constants, field))
			return true;
	return can_be(node, FIM_FIELD_START, FIM_START_TYPE, start_constants, field) ||
	       can_be(node, FIM_FIELD_START, "container", start_constants, field);
}

#define TYPES_SHOWN 4

static void name_types(struct fim_arena *arena, const struct fim_node *node, struct fim_text *out)
{
	struct fim_type_set set = {0};
	size_t i;

	if (fim_type_set_of(arena, node, "evt.type", &set) || set.inverted || !set.count) {
		fim_text_adds(out, "its condition is false for every event that is observed");
		return;
	}
	fim_text_adds(out, "needs events of type ");
	for (i = 0; i < set.count && i < TYPES_SHOWN; i++) {
		fim_text_adds(out, i ? ", " : "");
		fim_text_add(out, set.names[i].bytes, set.names[i].len);
	}
	fim_text_adds(out, set.count > TYPES_SHOWN ? ", …" : "");
	for (i = 0; i < set.count; i++)
		if (fim_event_type_is_emitted(set.names[i]))
			break;
	fim_text_adds(out, i < set.count ? " of a kind that is not observed"
					 : ", which are not observed");
}

/* The kernel tells which file it was, not through which link of /proc it was reached. */
static bool names_proc_link(const struct fim_node *node)
{
	static const char prefix[] = "/proc/self/";

	if (node->text.len >= sizeof(prefix) - 1 &&
	    !memcmp(node->text.bytes, prefix, sizeof(prefix) - 1))
		return true;
	for (size_t i = 0; i < node->count; i++)
		if (names_proc_link(node->children[i]))
			return true;
	return false;
}

/* What kinds of events this rule is for that we do not see; empty: none. */
static void write_limits(enum fim_rules_source_id source, const struct fim_node *node,
			 struct fim_text *out)
{
	struct fim_str ignored;

	if (source != FIM_SOURCE_SYSCALL)
		return;
	if (can_be(node, FIM_FIELD_START, FIM_START_TYPE, exec_constants, &ignored))
		fim_text_adds(out, "of programs that are started, only the first of a container "
				   "is observed");
	if (can_be(node, FIM_FIELD_FILE, "open", read_constants, &ignored))
		fim_text_addf(out, "%sfiles that are opened for reading are not observed",
			      out->len ? "; " : "");
	if (names_proc_link(node))
		fim_text_addf(out,
			      "%sa file that is reached through a link of /proc/self is seen under "
			      "its own name",
			      out->len ? "; " : "");
}

static int set_verdict(struct fim_rules *rules, struct fim_compiled *compiled,
		       const struct fim_node *node)
{
	struct fim_text text = {0};
	struct fim_str field = {0};
	struct fim_arena arena = {0};
	bool never = !can_fire(compiled->source, node, &field);
	const char *copy;
	int err;

	write_limits(compiled->source, node, &text);
	if (never && !text.len && field.len)
		fim_text_addf(&text, "needs field %.*s, which is never filled", (int)field.len,
			      field.bytes);
	else if (never && !text.len)
		name_types(&arena, node, &text);
	copy = fim_arena_copy(&rules->arena, text.bytes ? text.bytes : "", text.len);
	err = !copy || text.failed ? -ENOMEM : 0;
	if (!err && never)
		compiled->info.never = copy;
	else if (!err && text.len)
		compiled->info.limited = copy;
	fim_text_free(&text);
	fim_arena_free(&arena);
	return err;
}

static int add_missing(struct fim_rules *rules, const char ***names, size_t *count,
		       struct fim_str name)
{
	const char *copy;
	size_t i;

	for (i = 0; i < *count; i++)
		if (fim_str_is(name, (*names)[i]))
			return 0;
	copy = fim_arena_copy(&rules->arena, name.bytes, name.len);
	/* One more, for the NULL at the end. */
	if (!copy || fim_arena_grow(&rules->arena, names, *count, sizeof(char *)) ||
	    fim_arena_grow(&rules->arena, names, *count + 1, sizeof(char *)))
		return -ENOMEM;
	(*names)[(*count)++] = copy;
	(*names)[*count] = NULL;
	return 0;
}

static bool ever_filled(const struct fim_field_ref *ref)
{
	return ref->field->flags & (FIM_FIELD_FILE | FIM_FIELD_START | FIM_FIELD_CLOUDTRAIL);
}

static int missing_of_node(struct fim_rules *rules, enum fim_rules_source_id source,
			   const struct fim_node *node, const char ***names, size_t *count)
{
	struct fim_field_ref ref;
	char ignored[400];
	size_t i;
	int err = 0;

	if (node->kind == FIM_NODE_FIELD &&
	    !fim_field_find(source, node->text, node->arg, &ref, ignored, sizeof(ignored)) &&
	    !ever_filled(&ref))
		return add_missing(rules, names, count, node->text);
	for (i = 0; i < node->count && !err; i++)
		err = missing_of_node(rules, source, node->children[i], names, count);
	return err;
}

int fim_program_review(struct fim_rules *rules, struct fim_compiled *compiled,
		       const struct fim_node *node)
{
	const struct fim_program *program = &rules->programs[compiled->source];
	static const char *const none[] = {NULL};
	const char **names = NULL;
	size_t count = 0, i;
	int err = set_verdict(rules, compiled, node);

	if (!err)
		err = missing_of_node(rules, compiled->source, node, &names, &count);
	for (i = 0; i < compiled->piece_count && !err; i++) {
		const struct fim_expr *expr = compiled->pieces[i].expr;

		if (expr && expr->kind == FIM_EXPR_SLOT &&
		    !ever_filled(&program->slots[expr->slot].ref))
			err = add_missing(rules, &names, &count,
					  (struct fim_str){expr->text.bytes, expr->text.len});
	}
	compiled->info.missing = count ? names : none;
	return err;
}
