/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the verdict: which rules the fields of an event fire.  A field that is missing
 * makes its check false, whatever the operator.  Every term is evaluated at most once
 * per event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

/* ------------------------------------------------------------- comparison */

static bool same_text(struct fim_str a, struct fim_str b)
{
	return a.len == b.len && !memcmp(a.bytes, b.bytes, a.len);
}

static bool contains(struct fim_str text, struct fim_str part)
{
	return !part.len || memmem(text.bytes, text.len, part.bytes, part.len);
}

static bool icontains(struct fim_str text, struct fim_str part)
{
	size_t i, k;

	for (i = 0; i + part.len <= text.len; i++) {
		for (k = 0; k < part.len; k++)
			if (fim_to_lower(text.bytes[i + k]) != fim_to_lower(part.bytes[k]))
				break;
		if (k == part.len)
			return true;
	}
	return false;
}

static bool compare_text(enum fim_filter_op op, struct fim_str a, struct fim_str b)
{
	switch (op) {
	case FIM_CMP_EQ:
	case FIM_CMP_IN:
	case FIM_CMP_INTERSECTS:
		return same_text(a, b);
	case FIM_CMP_NE:
		return !same_text(a, b);
	case FIM_CMP_LT:
		return fim_str_cmp(a, b) < 0;
	case FIM_CMP_LE:
		return fim_str_cmp(a, b) <= 0;
	case FIM_CMP_GT:
		return fim_str_cmp(a, b) > 0;
	case FIM_CMP_GE:
		return fim_str_cmp(a, b) >= 0;
	case FIM_CMP_CONTAINS:
	case FIM_CMP_BCONTAINS:
		return contains(a, b);
	case FIM_CMP_ICONTAINS:
		return icontains(a, b);
	case FIM_CMP_STARTSWITH:
	case FIM_CMP_BSTARTSWITH:
		return a.len >= b.len && !memcmp(a.bytes, b.bytes, b.len);
	case FIM_CMP_ENDSWITH:
		return a.len >= b.len && !memcmp(a.bytes + a.len - b.len, b.bytes, b.len);
	case FIM_CMP_GLOB:
		return fim_glob_match(b, a, false);
	case FIM_CMP_IGLOB:
		return fim_glob_match(b, a, true);
	case FIM_CMP_PMATCH:
		return fim_path_match(b, a);
	default:
		return false;
	}
}

static bool compare_number(enum fim_filter_op op, bool is_signed, uint64_t a, uint64_t b)
{
	bool less = is_signed ? (int64_t)a < (int64_t)b : a < b;

	switch (op) {
	case FIM_CMP_EQ:
	case FIM_CMP_IN:
	case FIM_CMP_INTERSECTS:
		return a == b;
	case FIM_CMP_NE:
		return a != b;
	case FIM_CMP_LT:
		return less;
	case FIM_CMP_LE:
		return less || a == b;
	case FIM_CMP_GT:
		return !less && a != b;
	case FIM_CMP_GE:
		return !less;
	default:
		return false;
	}
}

static bool same_net(const struct fim_net *address, const struct fim_net *net)
{
	unsigned whole = net->prefix / 8u, left = net->prefix % 8u;

	if (address->size != net->size || memcmp(address->addr, net->addr, whole))
		return false;
	return !left || !((address->addr[whole] ^ net->addr[whole]) >> (8 - left));
}

static bool compare_one(enum fim_filter_op op, const struct fim_type_info *type,
			const struct fim_value *a, const struct fim_value *b)
{
	switch (type->kind) {
	case FIM_VK_STRING:
	case FIM_VK_BYTES:
		return compare_text(op, a->text, b->text);
	case FIM_VK_SIGNED:
	case FIM_VK_UNSIGNED:
	case FIM_VK_BOOL:
		return compare_number(op, type->kind == FIM_VK_SIGNED, a->number, b->number);
	case FIM_VK_IP:
	case FIM_VK_NET:
		return same_net(&a->net, &b->net) == (op != FIM_CMP_NE);
	case FIM_VK_OPAQUE:
		break;
	}
	return false;
}

static bool in_set(const struct fim_check *check, const struct fim_type_info *type,
		   struct fim_value *value)
{
	size_t i;

	if (check->set) {
		if (value->text.len < check->min_len || value->text.len > check->max_len)
			return false;
		if (!value->hash)
			value->hash = fim_str_hash(value->text);
		for (i = value->hash & (check->set_size - 1); check->set[i];
		     i = (i + 1) & (check->set_size - 1)) {
			const struct fim_value *member = &check->values[check->set[i] - 1];

			if (member->hash == value->hash && same_text(member->text, value->text))
				return true;
		}
		return false;
	}
	for (i = 0; i < check->count; i++)
		if (compare_one(FIM_CMP_EQ, type, value, &check->values[i]))
			return true;
	return false;
}

static bool matches_regex(struct fim_rules_event *event, const struct fim_check *check, size_t at,
			  const struct fim_value *value)
{
	bool matches = false;

	if (fim_regex_match(check->regexes[at], value->text, &matches))
		event->gave_up++;
	return matches;
}

static bool compare_constant(struct fim_rules_event *event, const struct fim_check *check,
			     const struct fim_value *value, size_t at)
{
	if (check->op == FIM_CMP_REGEX)
		return matches_regex(event, check, at, value);
	return compare_one(check->op, &fim_types[check->left->type], value, &check->values[at]);
}

static bool compare_modified(struct fim_rules_event *event, const struct fim_check *check,
			     const struct fim_value *value)
{
	size_t i, matches = 0;

	for (i = 0; i < check->count; i++)
		matches += compare_constant(event, check, value, i);
	switch (check->mod) {
	case FIM_MOD_ONEOF:
		return matches == 1;
	case FIM_MOD_ANYOF:
		return matches > 0;
	default:
		return check->count && matches == check->count;
	}
}

/* One value of the left side against all constants of the right. */
static bool compare_value(struct fim_rules_event *event, const struct fim_check *check,
			  struct fim_value *value)
{
	size_t i;

	if (check->mod)
		return compare_modified(event, check, value);
	switch (check->op) {
	case FIM_CMP_IN:
	case FIM_CMP_INTERSECTS:
		return in_set(check, &fim_types[check->left->type], value);
	case FIM_CMP_PMATCH:
		for (i = 0; i < check->count; i++)
			if (fim_path_match(check->values[i].text, value->text))
				return true;
		return false;
	default:
		return check->count && compare_constant(event, check, value, 0);
	}
}

static bool in_values(const struct fim_values *values, const struct fim_type_info *type,
		      const struct fim_value *value)
{
	size_t i;

	for (i = 0; i < values->count; i++)
		if (compare_one(FIM_CMP_EQ, type, value, &values->values[i]))
			return true;
	return false;
}

/*
 * The engine counts the NUL that it puts behind a transformed string when it looks a
 * value up in a set, so that such a value is in a set of such values only.  A single
 * value on the left side is freed of it before.
 */
static bool has_nul(const struct fim_expr *expr)
{
	return expr->kind >= FIM_EXPR_TOLOWER && expr->kind <= FIM_EXPR_BASENAME &&
	       fim_types[expr->type].kind == FIM_VK_STRING;
}

static bool is_set_operator(enum fim_filter_op op)
{
	return op == FIM_CMP_IN || op == FIM_CMP_INTERSECTS;
}

/* Both sides are fields. */
static bool compare_fields(struct fim_rules_event *event, const struct fim_check *check,
			   const struct fim_values *left)
{
	const struct fim_type_info *type = &fim_types[check->left->type];
	struct fim_values right;
	size_t i, found = 0;
	bool alike;

	if (!fim_expr_values(event, check->right, &right))
		return false;
	if (!(check->left->flags & FIM_FIELD_LIST))
		return left->count && right.count &&
		       !(is_set_operator(check->op) && has_nul(check->right)) &&
		       compare_one(check->op, type, &left->values[0], &right.values[0]);
	alike = has_nul(check->left) == has_nul(check->right);
	for (i = 0; alike && i < left->count; i++)
		found += in_values(&right, type, &left->values[i]);
	return check->op == FIM_CMP_IN ? found == left->count : found > 0;
}

static bool check_eval(struct fim_rules_event *event, const struct fim_check *check)
{
	uint16_t flags = check->left->flags;
	struct fim_values left;
	struct fim_value *values;
	bool all;
	size_t i;

	if (!fim_expr_values(event, check->left, &left))
		return false;
	if (check->op == FIM_CMP_EXISTS)
		return left.count || !(flags & FIM_FIELD_ANY);
	if (check->right)
		return compare_fields(event, check, &left);
	/* Ours to note a hash in: cells and results belong to the event. */
	values = (struct fim_value *)left.values;
	if (flags & FIM_FIELD_LIST)
		all = check->op == FIM_CMP_IN;
	else if (flags & (FIM_FIELD_ANY | FIM_FIELD_PAIR))
		all = (flags & FIM_FIELD_PAIR) && check->op == FIM_CMP_NE;
	else
		return left.count && compare_value(event, check, values);
	if ((flags & FIM_FIELD_LIST) && has_nul(check->left))
		return all && !left.count;
	for (i = 0; i < left.count; i++)
		if (compare_value(event, check, &values[i]) != all)
			return !all;
	return all;
}

/* ---------------------------------------------------------------- verdict */

static bool term_work(struct fim_rules_event *event, uint32_t at);

/* Most are known already: half of what a rule asks, the one before it asked. */
static inline bool term_eval(struct fim_rules_event *event, uint32_t at)
{
	uint32_t memo = event->memo[at];

	return memo >> 1 == event->memo_generation ? memo & 1 : term_work(event, at);
}

static bool term_work(struct fim_rules_event *event, uint32_t at)
{
	const struct fim_term *term = &event->rules->terms[at];
	const uint32_t *children = term->children;
	size_t count = term->count, i = 0;
	bool result;

	switch (term->kind) {
	case FIM_TERM_AND:
		while (i < count && term_eval(event, children[i]))
			i++;
		result = i == count;
		break;
	case FIM_TERM_OR:
		while (i < count && !term_eval(event, children[i]))
			i++;
		result = i < count;
		break;
	case FIM_TERM_NOT:
		result = !term_eval(event, children[0]);
		break;
	default:
		result = check_eval(event, term->check);
	}
	event->memo[at] = event->memo_generation << 1 | result;
	return result;
}

/* The rules that can match: by the value of the index field, if it has one. */
static const struct fim_bucket *candidates(struct fim_rules_event *event)
{
	const struct fim_program *program = event->program;
	struct fim_values values;
	uint32_t at;

	if (program->index_slot == FIM_NAMES_NONE ||
	    !fim_slot_values(event, program->index_slot, FIM_VT_CHARBUF, &values) || !values.count)
		return &program->buckets[0];
	at = fim_names_find(&program->bucket_names, values.values[0].text);
	return &program->buckets[at == FIM_NAMES_NONE ? 1 : at];
}

static bool has_type(const struct fim_type_set *types, const char *type)
{
	size_t i;

	for (i = 0; i < types->count; i++)
		if (fim_str_is(types->names[i], type))
			return true;
	return false;
}

typedef int (*hit_fn)(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule);

/* @only: rules that name this type and not the first, for which they ran; NULL: all. */
static int eval_bucket(struct fim_rules_event *event, const struct fim_bucket *bucket,
		       const char *only, hit_fn hit, void *ctx)
{
	size_t i;

	for (i = 0; i < bucket->count; i++) {
		const struct fim_compiled *compiled = &event->rules->compiled[bucket->rules[i]];
		int err;

		if (only && (compiled->types.inverted || !has_type(&compiled->types, only) ||
			     has_type(&compiled->types, FIM_START_TYPE)))
			continue;
		if (!term_eval(event, compiled->term))
			continue;
		err = hit(ctx, event, &compiled->info);
		if (err)
			return err;
	}
	return 0;
}

int fim_rules_eval(struct fim_rules_event *event, hit_fn hit, void *ctx)
{
	int err = eval_bucket(event, candidates(event), NULL, hit, ctx);

	if (!err && event->second_type) {
		fim_rules_event_set_str(event, "evt.type", event->second_type);
		fim_event_forget(event);
		err = eval_bucket(event, candidates(event), event->second_type, hit, ctx);
	}
	/* What could not be kept may be what a rule looks for. */
	return !err && event->failed ? -ENOMEM : err;
}
