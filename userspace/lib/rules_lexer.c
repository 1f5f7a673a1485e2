/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the words of the condition language: one function per token, each at parser->pos. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "lib_private.h"
#include "rules_private.h"

char fim_lex_peek(const struct fim_parser *parser)
{
	return parser->pos.idx < parser->input.len ? parser->input.bytes[parser->pos.idx] : '\0';
}

static const char *cursor(const struct fim_parser *parser)
{
	return parser->input.bytes + parser->pos.idx;
}

static size_t left(const struct fim_parser *parser)
{
	return parser->input.len - parser->pos.idx;
}

static void advance(struct fim_parser *parser, size_t len)
{
	for (; len; len--) {
		char c = parser->input.bytes[parser->pos.idx++];

		parser->pos.col++;
		if (c == '\r' || c == '\n') {
			parser->pos.col = 1;
			parser->pos.line++;
		}
	}
}

static bool take(struct fim_parser *parser, size_t len)
{
	if (!len)
		return false;
	parser->token = (struct fim_str){cursor(parser), len};
	advance(parser, len);
	return true;
}

void fim_parser_fail(struct fim_parser *parser, const char *fmt, ...)
{
	va_list args;

	if (parser->err)
		return;
	parser->err = -EINVAL;
	parser->error->pos = parser->pos;
	va_start(args, fmt);
	vsnprintf(parser->error->text, sizeof(parser->error->text), fmt, args);
	va_end(args);
}

/* The characters of the POSIX class [:space:]; more than what separates tokens. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The one token that is not remembered: an error names the word before the blank. */
bool fim_lex_blank(struct fim_parser *parser)
{
	bool found = false;
	char c;

	while ((c = fim_lex_peek(parser)) == ' ' || c == '\t' || c == '\b' || c == '\r' ||
	       c == '\n') {
		found = true;
		advance(parser, 1);
	}
	return found;
}

bool fim_lex_str(struct fim_parser *parser, const char *string)
{
	size_t len = strlen(string);

	return left(parser) >= len && !memcmp(cursor(parser), string, len) && take(parser, len);
}

bool fim_lex_not(struct fim_parser *parser)
{
	size_t len = 3;

	if (left(parser) < 4 || memcmp(cursor(parser), "not", 3))
		return false;
	while (len < left(parser) && is_space(cursor(parser)[len]))
		len++;
	return len > 3 && take(parser, len);
}

static size_t identifier_len(const char *bytes, size_t len)
{
	size_t i = 0;

	if (!len || !is_alpha(bytes[0]))
		return 0;
	while (i < len && (is_alpha(bytes[i]) || is_digit(bytes[i]) || bytes[i] == '_'))
		i++;
	return i;
}

bool fim_lex_identifier(struct fim_parser *parser)
{
	return take(parser, identifier_len(cursor(parser), left(parser)));
}

bool fim_lex_field_name(struct fim_parser *parser)
{
	const char *bytes = cursor(parser);
	size_t len = identifier_len(bytes, left(parser)), parts = 0;

	while (len && len < left(parser) && bytes[len] == '.') {
		size_t part = identifier_len(bytes + len + 1, left(parser) - len - 1);

		if (!part)
			break;
		len += part + 1;
		parts++;
	}
	return parts && take(parser, len);
}

/* Bytes up to one of @stop, a space or something that is not UTF-8. */
static size_t word_len(const struct fim_parser *parser, const char *stop)
{
	size_t len = 0;

	while (len < left(parser)) {
		char c = cursor(parser)[len];
		size_t step = 1;
		uint32_t codepoint;

		if (is_space(c) || (c && strchr(stop, c)))
			break;
		if ((unsigned char)c >= 0x80)
			step = fim_utf8_next(cursor(parser) + len, left(parser) - len, &codepoint);
		if (!step)
			break;
		len += step;
	}
	return len;
}

bool fim_lex_field_arg(struct fim_parser *parser)
{
	return take(parser, word_len(parser, "][\"'"));
}

bool fim_lex_bare(struct fim_parser *parser)
{
	return take(parser, word_len(parser, "()\"'=,"));
}

bool fim_lex_hex(struct fim_parser *parser)
{
	const char *bytes = cursor(parser);
	size_t len = 2;

	if (left(parser) < 3 || bytes[0] != '0' || (bytes[1] != 'x' && bytes[1] != 'X'))
		return false;
	while (len < left(parser) && is_hex(bytes[len]))
		len++;
	return len > 2 && take(parser, len);
}

static size_t digits_len(const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && is_digit(bytes[i]))
		i++;
	return i;
}

bool fim_lex_number(struct fim_parser *parser)
{
	const char *bytes = cursor(parser);
	size_t max = left(parser), len = 0, digits;

	if (max && (bytes[0] == '+' || bytes[0] == '-'))
		len = 1;
	digits = digits_len(bytes + len, max - len);
	if (!digits)
		return false;
	len += digits;
	if (len < max && bytes[len] == '.')
		len++;
	len += digits_len(bytes + len, max - len);
	/* An exponent needs its sign. */
	if (max - len > 2 && (bytes[len] == 'e' || bytes[len] == 'E') &&
	    (bytes[len + 1] == '+' || bytes[len + 1] == '-')) {
		digits = digits_len(bytes + len + 2, max - len - 2);
		if (digits)
			len += digits + 2;
	}
	return take(parser, len);
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/* One escape at @in, behind the backslash; bytes used, 0: error already said. */
static size_t unescape_one(struct fim_parser *parser, struct fim_str in, char quote, char *out)
{
	static const char from[] = "bfnrt\\/ ", to[] = "\b\f\n\r\t\\/\\";
	const char *found = in.bytes[0] ? strchr(from, in.bytes[0]) : NULL;

	if (found) {
		*out = to[found - from];
		return 1;
	}
	if (in.bytes[0] == '"' || in.bytes[0] == '\'') {
		if (in.bytes[0] != quote) {
			fim_parser_fail(parser, "invalid \\%c escape in %c-quoted string",
					in.bytes[0], quote);
			return 0;
		}
		*out = quote;
		return 1;
	}
	if (in.bytes[0] == 'x') {
		if (in.len < 3 || !is_hex(in.bytes[1]) || !is_hex(in.bytes[2])) {
			fim_parser_fail(parser,
					"invalid \\x escape: two hexadecimal digits needed");
			return 0;
		}
		*out = (char)(hex_value(in.bytes[1]) << 4 | hex_value(in.bytes[2]));
		return 3;
	}
	fim_parser_fail(parser, "unsupported string escape sequence: \\%c", in.bytes[0]);
	return 0;
}

static bool unescape(struct fim_parser *parser, struct fim_str raw, char quote)
{
	char *out = fim_arena_alloc(parser->arena, raw.len + 1);
	size_t i = 0, len = 0;

	if (!out) {
		parser->err = -ENOMEM;
		return false;
	}
	while (i < raw.len) {
		size_t used;

		if (raw.bytes[i] != '\\') {
			out[len++] = raw.bytes[i++];
			continue;
		}
		if (++i == raw.len)
			break;
		used = unescape_one(parser, (struct fim_str){raw.bytes + i, raw.len - i}, quote,
				    &out[len]);
		if (!used)
			return false;
		i += used;
		len++;
	}
	parser->token = (struct fim_str){out, len};
	return true;
}

/*
 * A string ends at the first quote of its kind whose previous byte is not a backslash,
 * escaped or not.  A bad escape is an error behind the closing quote; a missing
 * closing quote only means that there is no string here.
 */
bool fim_lex_quoted(struct fim_parser *parser)
{
	const char *bytes = cursor(parser);
	size_t max = left(parser), len = 1;

	if (!max || (bytes[0] != '"' && bytes[0] != '\''))
		return false;
	while (len < max && bytes[len] && (bytes[len] != bytes[0] || bytes[len - 1] == '\\'))
		len++;
	if (len == max || !bytes[len])
		return false;
	take(parser, len + 1);
	return unescape(parser, (struct fim_str){bytes + 1, len - 1}, bytes[0]);
}

/*
 * As the engine does it: a word that needs a blank and has none is consumed all the
 * same, and ends the search in its class.
 */
const struct fim_operator *fim_lex_operator(struct fim_parser *parser, enum fim_operator_class cls)
{
	size_t i;

	for (i = 0; i < fim_operator_count; i++) {
		const struct fim_operator *op = &fim_operators[i];

		if (op->cls != cls || !fim_lex_str(parser, op->text))
			continue;
		return !op->blank || fim_lex_blank(parser) ? op : NULL;
	}
	return NULL;
}

bool fim_lex_transformer(struct fim_parser *parser)
{
	size_t i;

	for (i = 0; i < fim_transformer_count; i++) {
		size_t len = strlen(fim_transformers[i]);

		if (left(parser) > len && !memcmp(cursor(parser), fim_transformers[i], len) &&
		    cursor(parser)[len] == '(') {
			take(parser, len + 1);
			parser->token.len--;
			return true;
		}
	}
	return false;
}
