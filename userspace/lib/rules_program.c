/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what conditions become: slots for the fields they use, expressions, checks, and
 * terms.  Rules share most of their macros; equal terms of all rules are one.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

static void fail(struct fim_compiler *compiler, const struct fim_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fail(struct fim_compiler *compiler, const struct fim_node *node, const char *fmt, ...)
{
	va_list args;

	if (compiler->err)
		return;
	compiler->err = -EINVAL;
	if (node)
		compiler->error->pos = node->pos;
	va_start(args, fmt);
	vsnprintf(compiler->error->text, sizeof(compiler->error->text), fmt, args);
	va_end(args);
}

static void *alloc(struct fim_compiler *compiler, size_t size)
{
	void *bytes = fim_arena_alloc(&compiler->rules->arena, size);

	if (!bytes && !compiler->err)
		compiler->err = -ENOMEM;
	return bytes;
}

static struct fim_str keep(struct fim_compiler *compiler, const char *bytes, size_t len)
{
	const char *copy = fim_arena_copy(&compiler->rules->arena, bytes, len);

	if (!copy && !compiler->err)
		compiler->err = -ENOMEM;
	return (struct fim_str){copy ? copy : "", copy ? len : 0};
}

static int no_memory(struct fim_compiler *compiler)
{
	if (!compiler->err)
		compiler->err = -ENOMEM;
	return compiler->err;
}

/* ------------------------------------------------------------------ slots */

static bool is_pointer(const struct fim_field *field)
{
	return !strcmp(field->name, "json.value") || !strcmp(field->name, "jevt.value");
}

static void write_key(struct fim_text *key, const char *name, const struct fim_field_ref *ref)
{
	bool dotted = (ref->field->flags & FIM_FIELD_ARG_DOT) && ref->arg.len &&
		      !isdigit((unsigned char)ref->arg.bytes[0]);

	fim_text_adds(key, name);
	if (!ref->arg.len)
		return;
	fim_text_adds(key, dotted ? "." : "[");
	fim_text_add(key, ref->arg.bytes, ref->arg.len);
	fim_text_adds(key, dotted ? "" : "]");
}

static void name_slot(struct fim_compiler *compiler, struct fim_program *program,
		      const struct fim_text *key, uint32_t slot)
{
	struct fim_str name = keep(compiler, key->bytes, key->len);

	if (key->failed || (!compiler->err && fim_names_set(&program->slot_names, name, slot)))
		no_memory(compiler);
}

/* jevt.* is json.*, and a pointer means the same with and without its first slash. */
static void name_aliases(struct fim_compiler *compiler, struct fim_program *program,
			 const struct fim_field_ref *ref, uint32_t slot)
{
	static const char *const names[] = {"json.value", "jevt.value"};
	struct fim_field_ref bare = *ref;
	size_t i;

	if (!strncmp(ref->field->name, "jevt.", 5) || !strncmp(ref->field->name, "json.", 5)) {
		for (i = 0; i < 4 && !compiler->err; i++) {
			struct fim_text key = {0};

			if (is_pointer(ref->field)) {
				bare.arg = ref->arg;
				if (i < 2 && bare.arg.len) {
					bare.arg.bytes++;
					bare.arg.len--;
				}
				write_key(&key, names[i & 1], &bare);
			} else {
				fim_text_adds(&key, i & 1 ? "jevt." : "json.");
				fim_text_adds(&key, ref->field->name + 5);
			}
			name_slot(compiler, program, &key, slot);
			fim_text_free(&key);
		}
	}
}

static uint32_t add_slot(struct fim_compiler *compiler, struct fim_program *program,
			 const struct fim_field_ref *ref, const struct fim_text *key)
{
	uint32_t at = (uint32_t)program->slot_count;
	struct fim_slot *slot;

	if (compiler->err || fim_arena_grow(&compiler->rules->arena, &program->slots,
					    program->slot_count, sizeof(*slot))) {
		no_memory(compiler);
		return 0;
	}
	slot = &program->slots[at];
	slot->ref = *ref;
	slot->ref.arg = keep(compiler, ref->arg.bytes, ref->arg.len);
	slot->key = keep(compiler, key->bytes, key->len);
	slot->is_common = !strncmp(ref->field->name, "evt.", 4) ||
			  !strcmp(ref->field->name, "json.rawtime") ||
			  !strcmp(ref->field->name, "jevt.rawtime");
	if (compiler->source == FIM_SOURCE_CLOUDTRAIL)
		slot->ct = fim_ct_field(ref->field->name);
	program->slot_count++;
	name_slot(compiler, program, key, at);
	name_aliases(compiler, program, &slot->ref, at);
	return at;
}

uint32_t fim_program_slot(struct fim_compiler *compiler, const struct fim_field_ref *ref)
{
	struct fim_program *program = &compiler->rules->programs[compiler->source];
	struct fim_field_ref normal = *ref;
	struct fim_text key = {0}, pointer = {0};
	uint32_t at;

	if (is_pointer(ref->field)) {
		if (ref->arg.len && ref->arg.bytes[0] != '/')
			fim_text_adds(&pointer, "/");
		fim_text_add(&pointer, ref->arg.bytes, ref->arg.len);
		normal.arg = (struct fim_str){pointer.bytes, pointer.len};
	}
	write_key(&key, ref->field->name, &normal);
	if (key.failed || pointer.failed)
		no_memory(compiler);
	at = compiler->err
		     ? 0
		     : fim_names_find(&program->slot_names, (struct fim_str){key.bytes, key.len});
	if (at == FIM_NAMES_NONE)
		at = add_slot(compiler, program, &normal, &key);
	fim_text_free(&key);
	fim_text_free(&pointer);
	return at;
}

/* ------------------------------------------------------------ expressions */

static struct fim_expr *expr_new(struct fim_compiler *compiler, enum fim_expr_kind kind)
{
	struct fim_expr *expr = alloc(compiler, sizeof(*expr));

	if (expr)
		expr->kind = kind;
	return expr;
}

static struct fim_expr *compile_field(struct fim_compiler *compiler, const struct fim_node *node)
{
	struct fim_field_ref ref;
	struct fim_expr *expr;
	char error[400];

	if (fim_field_find(compiler->source, node->text, node->arg, &ref, error, sizeof(error))) {
		fail(compiler, node, "%s", error);
		return NULL;
	}
	expr = expr_new(compiler, FIM_EXPR_SLOT);
	if (!expr)
		return NULL;
	expr->slot = fim_program_slot(compiler, &ref);
	expr->type = ref.type;
	expr->flags = ref.flags;
	expr->text = (struct fim_str){ref.field->name, strlen(ref.field->name)};
	return compiler->err ? NULL : expr;
}

static bool is_text(uint8_t type)
{
	return fim_types[type].kind == FIM_VK_STRING;
}

/* tolower, toupper, b64, basename, len: one argument, whose type decides. */
static void compile_unary(struct fim_compiler *compiler, const struct fim_node *node,
			  struct fim_expr *expr)
{
	const struct fim_expr *arg = expr->args[0];
	bool is_list = arg->flags & FIM_FIELD_LIST;
	bool fits = is_text(arg->type);

	if (expr->kind == FIM_EXPR_B64 || expr->kind == FIM_EXPR_LEN)
		fits |= arg->type == FIM_VT_BYTEBUF;
	if (expr->kind == FIM_EXPR_LEN)
		fits |= is_list;
	if (expr->count != 1)
		fail(compiler, node, "filter error: transformer '%.*s' takes one argument",
		     (int)node->text.len, node->text.bytes);
	else if (arg->flags & FIM_FIELD_NO_TRANSFORM)
		fail(compiler, node, "field '%.*s' does not support transformers",
		     (int)arg->text.len, arg->text.bytes);
	else if (!fits)
		fail(compiler, node,
		     "can't add field transformer: type '%s' is not supported by '%.*s' "
		     "transformer applied on %sfield '%.*s'",
		     fim_types[arg->type].name, (int)node->text.len, node->text.bytes,
		     is_list ? "list " : "", (int)arg->text.len, arg->text.bytes);
	expr->type = expr->kind == FIM_EXPR_LEN ? FIM_VT_UINT64 : arg->type;
	expr->flags = expr->kind == FIM_EXPR_LEN ? 0 : arg->flags & FIM_FIELD_LIST;
	expr->text = arg->text;
}

static void compile_join(struct fim_compiler *compiler, const struct fim_node *node,
			 struct fim_expr *expr)
{
	if (expr->count != 2)
		fail(compiler, node, "join() requires exactly 2 arguments: separator and list");
	else if (expr->args[0]->flags & FIM_FIELD_LIST)
		fail(compiler, node,
		     "join() first argument (separator) must be a single value, not a list");
	else if (!(expr->args[1]->flags & FIM_FIELD_LIST))
		fail(compiler, node, "join() second argument must be a list");
}

static void compile_concat(struct fim_compiler *compiler, const struct fim_node *node,
			   struct fim_expr *expr)
{
	size_t i;

	if (expr->count < 2)
		fail(compiler, node, "concat() requires at least 2 arguments");
	for (i = 0; i < expr->count; i++)
		if (expr->args[i]->type != FIM_VT_CHARBUF ||
		    (expr->args[i]->flags & FIM_FIELD_LIST))
			fail(compiler, node, "concat() arguments must be strings");
}

static void compile_getopt(struct fim_compiler *compiler, const struct fim_node *node,
			   struct fim_expr *expr)
{
	if (expr->count != 2)
		fail(compiler, node,
		     "getopt() requires exactly 2 arguments: args list and optstring");
	else if (!(expr->args[0]->flags & FIM_FIELD_LIST))
		fail(compiler, node, "getopt() first argument must be a list");
	else if (expr->args[1]->flags & FIM_FIELD_LIST)
		fail(compiler, node, "getopt() second argument (optstring) must be a single value");
	else if (!is_text(expr->args[0]->type) || !is_text(expr->args[1]->type))
		fail(compiler, node, "getopt() arguments must be strings");
	else if (node->has_arg && node->arg.len != 1)
		fail(compiler, node, "getopt() field argument must be a single option character");
	expr->flags = node->has_arg ? 0 : FIM_FIELD_LIST;
	expr->has_selector = node->has_arg;
	expr->text = keep(compiler, node->arg.bytes, node->arg.len);
}

static enum fim_expr_kind transformer_kind(struct fim_str name)
{
	static const enum fim_expr_kind kinds[] = {FIM_EXPR_TOLOWER, FIM_EXPR_TOUPPER,
						   FIM_EXPR_B64,     FIM_EXPR_BASENAME,
						   FIM_EXPR_LEN,     FIM_EXPR_JOIN,
						   FIM_EXPR_CONCAT,  FIM_EXPR_GETOPT};
	size_t i = 0;

	while (i < fim_transformer_count && !fim_str_is(name, fim_transformers[i]))
		i++;
	return kinds[i < fim_transformer_count ? i : 0];
}

static void compile_args(struct fim_compiler *compiler, const struct fim_node *node,
			 struct fim_expr *expr)
{
	size_t i;

	expr->args = alloc(compiler, (node->count + 1) * sizeof(struct fim_expr *));
	for (i = 0; i < node->count && !compiler->err; i++)
		expr->args[i] = fim_compile_expr(compiler, node->children[i]);
	expr->count = node->count;
	expr->type = FIM_VT_CHARBUF;
}

static struct fim_expr *compile_transform(struct fim_compiler *compiler,
					  const struct fim_node *node)
{
	struct fim_expr *expr;

	if (node->has_arg && !fim_str_is(node->text, "getopt")) {
		fail(compiler, node, "transformer '%.*s' does not support field arguments",
		     (int)node->text.len, node->text.bytes);
		return NULL;
	}
	if (fim_str_is(node->text, "val"))
		return fim_compile_expr(compiler, node->children[0]);
	expr = expr_new(compiler, transformer_kind(node->text));
	if (!expr)
		return NULL;
	compile_args(compiler, node, expr);
	if (compiler->err)
		return NULL;
	switch (expr->kind) {
	case FIM_EXPR_JOIN:
		compile_join(compiler, node, expr);
		break;
	case FIM_EXPR_CONCAT:
		compile_concat(compiler, node, expr);
		break;
	case FIM_EXPR_GETOPT:
		compile_getopt(compiler, node, expr);
		break;
	default:
		compile_unary(compiler, node, expr);
	}
	return compiler->err ? NULL : expr;
}

struct fim_expr *fim_compile_expr(struct fim_compiler *compiler, const struct fim_node *node)
{
	struct fim_expr *expr;

	if (compiler->err)
		return NULL;
	switch (node->kind) {
	case FIM_NODE_FIELD:
		return compile_field(compiler, node);
	case FIM_NODE_TRANSFORM:
		return compile_transform(compiler, node);
	case FIM_NODE_TLIST:
		expr = expr_new(compiler, FIM_EXPR_TLIST);
		if (!expr)
			return NULL;
		compile_args(compiler, node, expr);
		expr->flags = FIM_FIELD_LIST;
		return compiler->err ? NULL : expr;
	default:
		expr = expr_new(compiler, FIM_EXPR_CONST);
		if (!expr)
			return NULL;
		expr->type = FIM_VT_CHARBUF;
		expr->text = keep(compiler, node->text.bytes, node->text.len);
		return compiler->err ? NULL : expr;
	}
}

/* --------------------------------------------------------------- warnings */

/* A regular expression that one of the simpler operators could replace. */
static bool regex_is_simple(struct fim_str v)
{
	size_t i;

	for (i = 0; i < v.len; i++) {
		if ((!i && v.bytes[i] == '^') || (i == v.len - 1 && v.bytes[i] == '$'))
			continue;
		if (((!i && v.len > 1) || i + 2 == v.len) && v.bytes[i] == '.' && v.bytes[i + 1] &&
		    strchr("+*?", v.bytes[i + 1])) {
			i++;
			continue;
		}
		if (v.bytes[i] && strchr(".+*?^$()[]{}|\\", v.bytes[i]))
			return false;
	}
	return true;
}

static void warn(struct fim_compiler *compiler, const struct fim_node *node, const char *fmt,
		 struct fim_str value)
{
	char text[400];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), fmt, (int)(value.len < 200 ? value.len : 200), value.bytes);
#pragma GCC diagnostic pop
	compiler->warn(compiler->ctx, node->pos, text);
}

static bool looks_like_field(enum fim_rules_source_id source, struct fim_str text)
{
	const char *open = memchr(text.bytes, '[', text.len);
	struct fim_str name = {text.bytes, open ? (size_t)(open - text.bytes) : text.len};
	struct fim_str arg = {"", 0};
	struct fim_field_ref ref;
	char ignored[400];

	if (open) {
		if (text.bytes[text.len - 1] != ']' || open + 2 >= text.bytes + text.len)
			return false;
		arg = (struct fim_str){open + 1, text.len - name.len - 2};
	}
	return name.len && !fim_field_find(source, name, arg, &ref, ignored, sizeof(ignored));
}

static bool looks_like_transformer(struct fim_str text)
{
	size_t i, len;

	if (!text.len || text.bytes[text.len - 1] != ')')
		return false;
	for (i = 0; i <= fim_transformer_count; i++) {
		const char *name = i ? fim_transformers[i - 1] : "val";

		len = strlen(name);
		if (text.len >= len + 2 && !memcmp(text.bytes, name, len) && text.bytes[len] == '(')
			return true;
	}
	return false;
}

static void warn_value(struct fim_compiler *compiler, enum fim_filter_op op,
		       const struct fim_node *node, struct fim_str value)
{
	char dense[256];
	struct fim_str text = {dense, 0};
	size_t i;

	if (!compiler->warn)
		return;
	if (op == FIM_CMP_REGEX && regex_is_simple(value))
		warn(compiler, node,
		     "regex check with '%.*s' may be optimized with simpler operators such as '=', "
		     "'contains', 'startswith', 'endswith'",
		     value);
	for (i = 0; i < value.len && text.len < sizeof(dense); i++)
		if (!isspace((unsigned char)value.bytes[i]))
			dense[text.len++] = value.bytes[i];
	if (i < value.len)
		return; /* longer than any field */
	if (looks_like_field(compiler->source, text))
		warn(compiler, node, "'%.*s' may be a valid field misused as a const string value",
		     value);
	if (looks_like_transformer(text))
		warn(compiler, node,
		     "'%.*s' may be a valid field transformer misused as a const string value",
		     value);
}

/* ----------------------------------------------------------------- checks */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unhex(struct fim_compiler *compiler, const struct fim_node *node,
		  struct fim_value *value)
{
	size_t len = value->text.len / 2, i;
	char *bytes = alloc(compiler, len + 1);
	bool bad = value->text.len % 2;

	for (i = 0; i < len && bytes && !bad; i++) {
		int hi = hex_digit(value->text.bytes[2 * i]);
		int lo = hex_digit(value->text.bytes[2 * i + 1]);

		bad = hi < 0 || lo < 0;
		bytes[i] = (char)(hi * 16 + lo);
	}
	if (bad)
		fail(compiler, node,
		     "filter error: bcontains and bstartswith operator support "
		     "hex strings only");
	value->text = (struct fim_str){bytes, len};
}

static void add_regex(struct fim_compiler *compiler, const struct fim_node *node,
		      struct fim_check *check, struct fim_str pattern)
{
	struct fim_rules *rules = compiler->rules;
	struct fim_regex *regex = NULL;
	char error[300];
	int err;

	if (fim_arena_grow(&rules->arena, &rules->regexes, rules->regex_count,
			   sizeof(struct fim_regex *)) ||
	    fim_arena_grow(&rules->arena, &check->regexes, check->count,
			   sizeof(struct fim_regex *))) {
		no_memory(compiler);
		return;
	}
	err = fim_regex_new(pattern, &regex, error, sizeof(error));
	if (err == -EINVAL)
		fail(compiler, node, "%s", error);
	else if (err)
		no_memory(compiler);
	if (err)
		return;
	rules->regexes[rules->regex_count++] = regex;
	check->regexes[check->count] = regex;
}

/* Transformers of one argument change nothing about what the engine takes for a type. */
static bool is_event_type(const struct fim_expr *expr)
{
	while (expr->kind >= FIM_EXPR_TOLOWER && expr->kind <= FIM_EXPR_LEN)
		expr = expr->args[0];
	return expr->kind == FIM_EXPR_SLOT && fim_str_is(expr->text, "evt.type");
}

static void add_value(struct fim_compiler *compiler, const struct fim_node *node,
		      struct fim_check *check, struct fim_str text)
{
	const struct fim_type_info *type = &fim_types[check->left->type];
	struct fim_value value;
	char error[300];

	warn_value(compiler, check->op, node, text);
	if (fim_value_constant(type, text, &value, error, sizeof(error))) {
		fail(compiler, node, "%s", error);
		return;
	}
	if (is_event_type(check->left) && !fim_event_type_is_known(text)) {
		fail(compiler, node, "unknown event type %.*s",
		     (int)(text.len < 200 ? text.len : 200), text.bytes);
		return;
	}
	if (check->left->kind == FIM_EXPR_SLOT && fim_str_is(check->left->text, "evt.around") &&
	    check->op != FIM_CMP_EQ) {
		fail(compiler, node, "evt.around supports only '=' comparison operator");
		return;
	}
	if (check->op == FIM_CMP_BCONTAINS || check->op == FIM_CMP_BSTARTSWITH)
		unhex(compiler, node, &value);
	else
		value.text = keep(compiler, text.bytes, text.len);
	if (!compiler->err && check->op == FIM_CMP_REGEX)
		add_regex(compiler, node, check, value.text);
	if (compiler->err ||
	    fim_arena_grow(&compiler->rules->arena, &check->values, check->count, sizeof(value))) {
		no_memory(compiler);
		return;
	}
	check->values[check->count++] = value;
}

#define SET_MIN 8 /* fewer are found faster one by one */

/* Prepares membership in many strings. */
static void build_set(struct fim_compiler *compiler, struct fim_check *check)
{
	size_t i, size = 16;

	check->min_len = SIZE_MAX;
	for (i = 0; i < check->count; i++) {
		if (check->values[i].text.len < check->min_len)
			check->min_len = check->values[i].text.len;
		if (check->values[i].text.len > check->max_len)
			check->max_len = check->values[i].text.len;
	}
	if (check->count < SET_MIN || !is_text(check->left->type))
		return;
	while (size < 2 * check->count)
		size *= 2;
	check->set = alloc(compiler, size * sizeof(*check->set));
	if (!check->set)
		return;
	check->set_size = size;
	for (i = 0; i < check->count; i++) {
		size_t at = check->values[i].hash & (size - 1);

		while (check->set[at])
			at = (at + 1) & (size - 1);
		check->set[at] = (uint32_t)i + 1;
	}
}

static void compile_values(struct fim_compiler *compiler, const struct fim_node *right,
			   struct fim_check *check)
{
	size_t i;

	if (right->kind == FIM_NODE_VALUE)
		add_value(compiler, right, check, right->text);
	for (i = 0; right->kind == FIM_NODE_LIST && i < right->count && !compiler->err; i++)
		add_value(compiler, right, check, right->children[i]->text);
	if (!compiler->err)
		build_set(compiler, check);
}

static void compile_right(struct fim_compiler *compiler, const struct fim_node *node,
			  struct fim_check *check)
{
	const struct fim_expr *left = check->left, *right;
	bool left_list = left->flags & FIM_FIELD_LIST, right_list;

	check->right = right = fim_compile_expr(compiler, node->children[1]);
	if (!right)
		return;
	right_list = right->flags & FIM_FIELD_LIST;
	if (check->op == FIM_CMP_PMATCH || check->op == FIM_CMP_REGEX)
		fail(compiler, node, "operator '%s' doesn't support right-hand side fields",
		     check->op == FIM_CMP_PMATCH ? "PMATCH" : "REGEX");
	else if (left->type == FIM_VT_IPNET)
		fail(compiler, node, "field type 'IPNET' doesn't support right-hand side fields");
	else if (left->flags & FIM_FIELD_NO_RHS)
		fail(compiler, node, "field '%.*s' doesn't support right-hand side fields",
		     (int)left->text.len, left->text.bytes);
	else if (right->flags & FIM_FIELD_NO_RHS)
		fail(compiler, node, "field '%.*s' can't be used as a right-hand side field",
		     (int)right->text.len, right->text.bytes);
	else if (left->type != right->type || left_list != right_list)
		fail(compiler, node,
		     "field '%.*s' has type '%s'%s while the right-hand side field '%.*s' has "
		     "incompatible type '%s'%s",
		     (int)left->text.len, left->text.bytes, fim_types[left->type].name,
		     left_list ? " (list)" : "", (int)right->text.len, right->text.bytes,
		     fim_types[right->type].name, right_list ? " (list)" : "");
}

static struct fim_check *compile_check(struct fim_compiler *compiler, const struct fim_node *node)
{
	struct fim_check *check = alloc(compiler, sizeof(*check));
	char error[200];

	if (!check)
		return NULL;
	check->op = node->operator->op;
	check->mod = node->mod;
	check->left = fim_compile_expr(compiler, node->children[0]);
	if (!check->left)
		return NULL;
	if (!fim_type_allows(&fim_types[check->left->type], check->left->flags & FIM_FIELD_LIST,
			     check->op, error, sizeof(error))) {
		fail(compiler, node, "%s", error);
		return NULL;
	}
	if (node->kind == FIM_NODE_BINARY) {
		if (node->children[1]->kind == FIM_NODE_VALUE ||
		    node->children[1]->kind == FIM_NODE_LIST)
			compile_values(compiler, node->children[1], check);
		else
			compile_right(compiler, node, check);
	}
	return compiler->err ? NULL : check;
}

/* ------------------------------------------------------------------ terms */

/* The term with this key, or a new one, which the caller fills. */
static uint32_t intern(struct fim_compiler *compiler, struct fim_str key, bool *is_new_ret)
{
	struct fim_rules *rules = compiler->rules;
	uint32_t at = fim_names_find(&rules->term_names, key);

	*is_new_ret = at == FIM_NAMES_NONE;
	if (!*is_new_ret)
		return at;
	at = (uint32_t)rules->term_count;
	key = keep(compiler, key.bytes, key.len);
	if (compiler->err ||
	    fim_arena_grow(&rules->arena, &rules->terms, rules->term_count,
			   sizeof(*rules->terms)) ||
	    fim_names_set(&rules->term_names, key, at)) {
		no_memory(compiler);
		*is_new_ret = false;
		return 0;
	}
	memset(&rules->terms[at], 0, sizeof(rules->terms[at]));
	rules->term_count++;
	return at;
}

/* Unlike the canonical text, which does not tell a field from a text in quotes. */
static void write_term(const struct fim_node *node, struct fim_text *key)
{
	size_t i;

	fim_text_addf(key, "%d.%d.%d.%zu:", (int)node->kind,
		      node->operator ? (int)node->operator->op : 0, (int)node->mod, node->text.len);
	fim_text_add(key, node->text.bytes, node->text.len);
	fim_text_addf(key, ".%zu:", node->has_arg ? node->arg.len + 1 : 0);
	fim_text_add(key, node->arg.bytes, node->arg.len);
	fim_text_addf(key, ".%zu", node->count);
	for (i = 0; i < node->count; i++)
		write_term(node->children[i], key);
}

static uint32_t compile_term(struct fim_compiler *compiler, const struct fim_node *node);

static uint32_t compile_check_term(struct fim_compiler *compiler, const struct fim_node *node)
{
	/* Compiled each time, for the warnings; kept once. */
	struct fim_check *check = compile_check(compiler, node);
	struct fim_text key = {0};
	bool is_new = false;
	uint32_t at = 0;

	if (!check)
		return 0;
	fim_text_addf(&key, "c%d", (int)compiler->source);
	write_term(node, &key);
	if (key.failed)
		no_memory(compiler);
	else
		at = intern(compiler, (struct fim_str){key.bytes, key.len}, &is_new);
	fim_text_free(&key);
	if (is_new) {
		compiler->rules->terms[at].kind = FIM_TERM_CHECK;
		compiler->rules->terms[at].check = check;
	}
	return at;
}

static uint32_t compile_row(struct fim_compiler *compiler, const struct fim_node *node)
{
	uint32_t *children = alloc(compiler, (node->count + 1) * sizeof(*children));
	bool is_new = false;
	uint32_t at;
	size_t i;

	if (!children)
		return 0;
	/* The first word of the key is the kind; check keys begin with a letter. */
	children[0] = (uint32_t)node->kind;
	for (i = 0; i < node->count && !compiler->err; i++)
		children[i + 1] = compile_term(compiler, node->children[i]);
	if (compiler->err)
		return 0;
	at = intern(compiler,
		    (struct fim_str){(const char *)children, (node->count + 1) * sizeof(*children)},
		    &is_new);
	if (is_new) {
		struct fim_term *term = &compiler->rules->terms[at];

		term->kind = node->kind == FIM_NODE_AND	 ? FIM_TERM_AND
			     : node->kind == FIM_NODE_OR ? FIM_TERM_OR
							 : FIM_TERM_NOT;
		term->children = children + 1;
		term->count = node->count;
	}
	return at;
}

static uint32_t compile_term(struct fim_compiler *compiler, const struct fim_node *node)
{
	if (compiler->err)
		return 0;
	switch (node->kind) {
	case FIM_NODE_AND:
	case FIM_NODE_OR:
	case FIM_NODE_NOT:
		return compile_row(compiler, node);
	case FIM_NODE_UNARY:
	case FIM_NODE_BINARY:
		return compile_check_term(compiler, node);
	default:
		fail(compiler, node, "filter error: unexpected identifier '%.*s'",
		     (int)(node->text.len < 200 ? node->text.len : 200), node->text.bytes);
		return 0;
	}
}

int fim_compile_condition(struct fim_compiler *compiler, const struct fim_node *node,
			  uint32_t *term_ret)
{
	uint32_t term = compile_term(compiler, node);

	if (!compiler->err)
		*term_ret = term;
	return compiler->err;
}
