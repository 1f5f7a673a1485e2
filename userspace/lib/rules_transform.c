/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the values of expressions: fields, constants, and what transformers make of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

/* ------------------------------------------------------------ transformers */

static struct fim_value *new_values(struct fim_rules_event *event, size_t count)
{
	struct fim_value *values = fim_event_alloc(event, (count + 1) * sizeof(*values));

	if (values)
		memset(values, 0, (count + 1) * sizeof(*values));
	return values;
}

char fim_to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Padding may be missing; SIZE_MAX: not base64. */
static size_t base64_decode(struct fim_str in, char *out)
{
	uint32_t bits = 0;
	size_t i, count = 0, len = 0;

	while (in.len && in.bytes[in.len - 1] == '=')
		in.len--;
	if (in.len % 4 == 1)
		return SIZE_MAX;
	for (i = 0; i < in.len; i++) {
		int digit = base64_digit(in.bytes[i]);

		if (digit < 0)
			return SIZE_MAX;
		bits = bits << 6 | (uint32_t)digit;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[len++] = (char)(bits >> count);
		}
	}
	return len;
}

static bool transform_text(struct fim_rules_event *event, const struct fim_expr *expr,
			   struct fim_str in, struct fim_value *out)
{
	char *text;
	size_t i;

	if (expr->kind == FIM_EXPR_BASENAME) {
		for (i = in.len; i && in.bytes[i - 1] != '/'; i--)
			;
		out->text = (struct fim_str){in.bytes + i, in.len - i};
		return true;
	}
	text = fim_event_alloc(event, in.len + 1);
	if (!text)
		return false;
	out->text = (struct fim_str){text, in.len};
	if (expr->kind == FIM_EXPR_B64) {
		out->text.len = base64_decode(in, text);
		if (out->text.len == SIZE_MAX)
			return false;
		if (fim_types[expr->type].kind == FIM_VK_STRING)
			fim_cut_at_nul(&out->text);
		else if (!out->text.len || text[out->text.len - 1])
			text[out->text.len++] = '\0'; /* as the engine: a buffer gets one, too */
		return true;
	}
	for (i = 0; i < in.len; i++)
		text[i] = expr->kind == FIM_EXPR_TOLOWER ? fim_to_lower(in.bytes[i])
							 : upper(in.bytes[i]);
	return true;
}

static bool unary_values(struct fim_rules_event *event, const struct fim_expr *expr,
			 struct fim_values *out)
{
	struct fim_values in;
	struct fim_value *values;
	char *text;
	size_t i;

	if (!fim_expr_values(event, expr->args[0], &in))
		return false;
	values = new_values(event, in.count);
	if (!values)
		return false;
	out->values = values;
	if (expr->kind == FIM_EXPR_LEN) {
		bool is_list = expr->args[0]->flags & FIM_FIELD_LIST;

		text = fim_event_alloc(event, 24);
		if (!text || (!is_list && !in.count))
			return false;
		values->number = is_list ? in.count : in.values[0].text.len;
		values->text.bytes = text;
		values->text.len =
			(size_t)snprintf(text, 24, "%llu", (unsigned long long)values->number);
		out->count = 1;
		return true;
	}
	for (i = 0; i < in.count; i++)
		if (!transform_text(event, expr, in.values[i].text, &values[i]))
			return false;
	out->count = in.count;
	return true;
}

/* What is in the scratch, as the only value. */
static bool take_scratch(struct fim_rules_event *event, struct fim_values *out)
{
	struct fim_value *value = new_values(event, 1);

	if (!value || !fim_event_take_scratch(event, &value->text))
		return false;
	out->values = value;
	out->count = 1;
	return true;
}

static bool concat_values(struct fim_rules_event *event, const struct fim_expr *expr,
			  struct fim_values *out)
{
	struct fim_value *parts = new_values(event, expr->count);
	struct fim_values in;
	size_t i;

	for (i = 0; i < expr->count; i++) {
		if (!parts || !fim_expr_values(event, expr->args[i], &in) || !in.count)
			return false;
		parts[i] = in.values[0];
	}
	event->scratch.len = 0;
	for (i = 0; i < expr->count; i++)
		fim_text_add(&event->scratch, parts[i].text.bytes, parts[i].text.len);
	return take_scratch(event, out);
}

static bool join_values(struct fim_rules_event *event, const struct fim_expr *expr,
			struct fim_values *out)
{
	struct fim_values separator, list;
	size_t i;

	if (!fim_expr_values(event, expr->args[0], &separator) || !separator.count ||
	    !fim_expr_values(event, expr->args[1], &list))
		return false;
	event->scratch.len = 0;
	for (i = 0; i < list.count; i++) {
		if (i)
			fim_text_add(&event->scratch, separator.values[0].text.bytes,
				     separator.values[0].text.len);
		fim_text_add(&event->scratch, list.values[i].text.bytes, list.values[i].text.len);
	}
	return take_scratch(event, out);
}

/* A list written in a condition: each element one value. */
static bool tlist_values(struct fim_rules_event *event, const struct fim_expr *expr,
			 struct fim_values *out)
{
	struct fim_value *values = new_values(event, expr->count);
	struct fim_values in;
	size_t i;

	for (i = 0; i < expr->count; i++) {
		if (!values || !fim_expr_values(event, expr->args[i], &in) || !in.count)
			return false;
		values[i].text = in.values[0].text;
	}
	out->values = values;
	out->count = expr->count;
	return values;
}

struct getopt_state {
	struct fim_str options; /* optstring */
	const struct fim_expr *expr;
	struct fim_value *results;
	size_t count;
	bool found;
};

/* -1: unknown, 0: without argument, 1: with. */
static int option_kind(struct fim_str options, char option)
{
	size_t i = options.len && options.bytes[0] == ':';
	int kind = -1;

	for (; i < options.len; i++) {
		bool with_arg = i + 1 < options.len && options.bytes[i + 1] == ':';

		if (options.bytes[i] == ':')
			continue;
		if (options.bytes[i] == option && option != ':')
			kind = with_arg || kind == 1;
		i += with_arg;
	}
	return kind;
}

static void add_option(struct getopt_state *state, struct fim_str name, const struct fim_str *value)
{
	if (state->expr->has_selector) {
		state->results[0].text = value ? *value : name;
		state->count = 1;
		return;
	}
	state->results[state->count++].text = name;
	if (value)
		state->results[state->count++].text = *value;
}

/* One argument made of options; true: it took the argument behind it as well. */
static bool read_options(struct getopt_state *state, struct fim_str arg,
			 const struct fim_value *next)
{
	bool selective = state->expr->has_selector;
	size_t i;

	for (i = 1; i < arg.len; i++) {
		int kind = option_kind(state->options, arg.bytes[i]);
		struct fim_str name = {arg.bytes + i, 1}, value = {"", 0};
		bool wanted = !selective || arg.bytes[i] == state->expr->text.bytes[0];

		if (kind < 0) {
			if (!selective)
				add_option(state, (struct fim_str){"?", 1}, NULL);
			continue;
		}
		if (!kind) {
			if (wanted)
				add_option(state, name, NULL);
			continue;
		}
		if (i + 1 < arg.len) {
			value = (struct fim_str){arg.bytes + i + 1, arg.len - i - 1};
			next = NULL;
		} else if (next) {
			value = next->text;
		} else {
			/* What should follow is missing: an empty value, and nothing else. */
			if (wanted)
				add_option(state, value, NULL);
			return false;
		}
		if (wanted)
			add_option(state, name, &value);
		return next;
	}
	return false;
}

static bool getopt_values(struct fim_rules_event *event, const struct fim_expr *expr,
			  struct fim_values *out)
{
	struct getopt_state state = {.expr = expr};
	struct fim_values args, options;
	size_t i, room = 2;

	if (!fim_expr_values(event, expr->args[1], &options) || !options.count ||
	    !fim_expr_values(event, expr->args[0], &args))
		return false;
	state.options = options.values[0].text;
	for (i = 0; i < args.count; i++)
		room += args.values[i].text.len + 1;
	state.results = new_values(event, room);
	for (i = 0; state.results && i < args.count; i++) {
		struct fim_str arg = args.values[i].text;

		if (arg.len > 2 && arg.bytes[0] == '-' && arg.bytes[1] == '-')
			continue; /* a long option */
		if (arg.len < 2 || arg.bytes[0] != '-' || fim_str_is(arg, "--"))
			break;
		i += read_options(&state, arg, i + 1 < args.count ? &args.values[i + 1] : NULL);
	}
	out->values = state.results;
	out->count = state.count;
	return state.results && (!expr->has_selector || state.count);
}

bool fim_expr_values(struct fim_rules_event *event, const struct fim_expr *expr,
		     struct fim_values *out)
{
	struct fim_value *value;

	switch (expr->kind) {
	case FIM_EXPR_SLOT:
		return fim_slot_values(event, expr->slot, expr->type, out);
	case FIM_EXPR_CONST:
		value = new_values(event, 1);
		if (!value)
			return false;
		value->text = expr->text;
		out->values = value;
		out->count = 1;
		return true;
	case FIM_EXPR_JOIN:
		return join_values(event, expr, out);
	case FIM_EXPR_CONCAT:
		return concat_values(event, expr, out);
	case FIM_EXPR_GETOPT:
		return getopt_values(event, expr, out);
	case FIM_EXPR_TLIST:
		return tlist_values(event, expr, out);
	default:
		return unary_values(event, expr, out);
	}
}
