/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns JSON read without a tree: tokens point into the text.  Conditions see a number as
 * it was written ("2.50", ids of 20 digits), which a tree of doubles would lose; and
 * nothing is copied for the hundred members of a record that no rule asks for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"
#include "rules_private.h"

void fim_scan_free(struct fim_scan *scan)
{
	free(scan->tokens);
	scan->tokens = NULL;
	scan->size = scan->count = 0;
}

/* --------------------------------------------------------------- scanning */

struct reader {
	struct fim_scan *scan;
	const char *at;
	const char *end;
	uint32_t open[FIM_SCAN_MAX_DEPTH]; /* containers that are not closed yet */
	size_t depth;
	int err;
};

static struct fim_token *token_new(struct reader *reader, enum fim_token_kind kind,
				   const char *start)
{
	struct fim_scan *scan = reader->scan;
	struct fim_token *token;

	if (scan->count == scan->size) {
		size_t size = scan->size ? 2 * scan->size : 256;
		struct fim_token *tokens = realloc(scan->tokens, size * sizeof(*tokens));

		if (!tokens) {
			reader->err = -ENOMEM;
			return NULL;
		}
		scan->tokens = tokens;
		scan->size = size;
	}
	token = &scan->tokens[scan->count++];
	token->start = (uint32_t)(start - scan->text);
	token->len = (uint32_t)(reader->at - start);
	token->next = (uint32_t)scan->count;
	token->kind = kind;
	token->escaped = false;
	return token;
}

static void skip_blank(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
					    *reader->at == '\r' || *reader->at == '\t'))
		reader->at++;
}

static bool is_hex4(const char *text)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
		      (text[i] >= 'A' && text[i] <= 'F')))
			return false;
	return true;
}

/* Behind a backslash; false: no such escape. */
static bool skip_escape(struct reader *reader)
{
	if (reader->at == reader->end || !*reader->at || !strchr("\"\\/bfnrtu", *reader->at))
		return false;
	if (*reader->at++ != 'u')
		return true;
	if (reader->end - reader->at < 4 || !is_hex4(reader->at))
		return false;
	reader->at += 4;
	return true;
}

/* Bytes with which a run of plain string text ends. */
static bool ends_run(char c)
{
	return c == '"' || c == '\\' || (unsigned char)c < ' ';
}

static bool read_string(struct reader *reader)
{
	const char *start = ++reader->at;
	struct fim_token *token;
	bool escaped = false;

	for (;;) {
		while (reader->at < reader->end && !ends_run(*reader->at))
			reader->at++;
		if (reader->at == reader->end || (unsigned char)*reader->at < ' ')
			return false;
		if (*reader->at == '"')
			break;
		escaped = true;
		reader->at++;
		if (!skip_escape(reader))
			return false;
	}
	token = token_new(reader, FIM_TOKEN_STRING, start);
	if (token)
		token->escaped = escaped;
	reader->at++;
	return token;
}

static size_t skip_digits(struct reader *reader)
{
	const char *start = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return (size_t)(reader->at - start);
}

static bool read_number(struct reader *reader)
{
	const char *start = reader->at, *digits;
	size_t count;

	reader->at += *reader->at == '-';
	digits = reader->at;
	count = skip_digits(reader);
	if (!count || (*digits == '0' && count > 1))
		return false;
	if (reader->at < reader->end && *reader->at == '.') {
		reader->at++;
		if (!skip_digits(reader))
			return false;
	}
	if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
		reader->at++;
		if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
			reader->at++;
		if (!skip_digits(reader))
			return false;
	}
	return token_new(reader, FIM_TOKEN_OTHER, start);
}

static bool read_word(struct reader *reader, const char *word)
{
	const char *start = reader->at;
	size_t len = strlen(word);

	if ((size_t)(reader->end - start) < len || memcmp(start, word, len))
		return false;
	reader->at += len;
	return token_new(reader, FIM_TOKEN_OTHER, start);
}

static bool open_container(struct reader *reader, enum fim_token_kind kind)
{
	if (reader->depth == FIM_SCAN_MAX_DEPTH)
		return false;
	reader->open[reader->depth++] = (uint32_t)reader->scan->count;
	reader->at++;
	return token_new(reader, kind, reader->at - 1);
}

static void close_container(struct reader *reader)
{
	struct fim_token *token = &reader->scan->tokens[reader->open[--reader->depth]];

	reader->at++;
	token->len = (uint32_t)(reader->at - reader->scan->text) - token->start;
	token->next = (uint32_t)reader->scan->count;
}

static bool read_key(struct reader *reader)
{
	skip_blank(reader);
	if (reader->at == reader->end || *reader->at != '"' || !read_string(reader))
		return false;
	skip_blank(reader);
	if (reader->at == reader->end || *reader->at != ':')
		return false;
	reader->at++;
	return true;
}

/* The value at the reader; a container is only opened. */
static bool read_value(struct reader *reader)
{
	skip_blank(reader);
	if (reader->at == reader->end)
		return false;
	switch (*reader->at) {
	case '{':
		return open_container(reader, FIM_TOKEN_OBJECT);
	case '[':
		return open_container(reader, FIM_TOKEN_ARRAY);
	case '"':
		return read_string(reader);
	case 't':
		return read_word(reader, "true");
	case 'f':
		return read_word(reader, "false");
	case 'n':
		return read_word(reader, "null");
	default:
		return read_number(reader);
	}
}

/* Behind a value or an opened container: closes what ends here; *@more_ret: a value follows. */
static bool read_between(struct reader *reader, bool opened, bool *more_ret)
{
	while (reader->depth) {
		struct fim_token *top = &reader->scan->tokens[reader->open[reader->depth - 1]];
		bool is_object = top->kind == FIM_TOKEN_OBJECT;

		skip_blank(reader);
		if (reader->at == reader->end)
			return false;
		if (*reader->at == (is_object ? '}' : ']')) {
			close_container(reader);
			opened = false;
			continue;
		}
		if (!opened && *reader->at++ != ',')
			return false;
		*more_ret = true;
		return !is_object || read_key(reader);
	}
	*more_ret = false;
	return true;
}

int fim_scan_parse(struct fim_scan *scan, const char *text, size_t len)
{
	struct reader reader = {.scan = scan, .at = text, .end = text + len};
	bool more = true, good = true;

	if (len >= UINT32_MAX)
		return -E2BIG;
	scan->text = text;
	scan->len = len;
	scan->count = 0;
	while (more && good) {
		size_t depth = reader.depth;

		good = read_value(&reader) && read_between(&reader, reader.depth > depth, &more);
	}
	skip_blank(&reader);
	if (reader.err)
		return reader.err;
	return good && reader.at == reader.end ? 0 : -EINVAL;
}

/* --------------------------------------------------------------- decoding */

static uint32_t hex4(const char *text)
{
	uint32_t value = 0;
	size_t i;

	for (i = 0; i < 4; i++)
		value = value << 4 |
			(uint32_t)(text[i] <= '9' ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10);
	return value;
}

/* \uXXXX behind the backslash, with its second half if it has one. */
static uint32_t read_codepoint(const char **at, const char *end)
{
	uint32_t high = hex4(*at + 1), low;

	*at += 5;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0xfffd;
	low = hex4(*at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*at += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(uint32_t codepoint, char out[4])
{
	if (codepoint < 0x80) {
		out[0] = (char)codepoint;
		return 1;
	}
	if (codepoint < 0x800) {
		out[0] = (char)(0xc0 | codepoint >> 6);
		out[1] = (char)(0x80 | (codepoint & 0x3f));
		return 2;
	}
	if (codepoint < 0x10000) {
		out[0] = (char)(0xe0 | codepoint >> 12);
		out[1] = (char)(0x80 | (codepoint >> 6 & 0x3f));
		out[2] = (char)(0x80 | (codepoint & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | codepoint >> 18);
	out[1] = (char)(0x80 | (codepoint >> 12 & 0x3f));
	out[2] = (char)(0x80 | (codepoint >> 6 & 0x3f));
	out[3] = (char)(0x80 | (codepoint & 0x3f));
	return 4;
}

/* The next character of a string's text: bytes in @out. */
static size_t next_char(const char **at, const char *end, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *found;

	if (**at != '\\') {
		out[0] = *(*at)++;
		return 1;
	}
	(*at)++;
	if (**at == 'u')
		return put_utf8(read_codepoint(at, end), out);
	found = strchr(from, **at);
	out[0] = found ? to[found - from] : **at;
	(*at)++;
	return 1;
}

static bool key_is(const struct fim_scan *scan, const struct fim_token *token, struct fim_str key)
{
	const char *at = scan->text + token->start, *end = at + token->len;
	size_t done = 0;
	char bytes[4];

	if (!token->escaped)
		return token->len == key.len && !memcmp(at, key.bytes, key.len);
	while (at < end) {
		size_t len = next_char(&at, end, bytes);

		if (key.len - done < len || memcmp(key.bytes + done, bytes, len))
			return false;
		done += len;
	}
	return done == key.len;
}

/* ---------------------------------------------------------------- finding */

uint32_t fim_scan_member(const struct fim_scan *scan, uint32_t object, struct fim_str key)
{
	uint32_t at, end;

	if (object >= scan->count || scan->tokens[object].kind != FIM_TOKEN_OBJECT)
		return UINT32_MAX;
	end = scan->tokens[object].next;
	for (at = object + 1; at < end; at = scan->tokens[at + 1].next)
		if (key_is(scan, &scan->tokens[at], key))
			return at + 1;
	return UINT32_MAX;
}

static uint32_t element(const struct fim_scan *scan, uint32_t array, struct fim_str index)
{
	uint32_t at = array + 1, end = scan->tokens[array].next;
	uint64_t left = 0;
	size_t i;

	if (!index.len || index.len > 10)
		return UINT32_MAX;
	for (i = 0; i < index.len; i++) {
		if (index.bytes[i] < '0' || index.bytes[i] > '9')
			return UINT32_MAX;
		left = left * 10 + (uint64_t)(index.bytes[i] - '0');
	}
	while (at < end && left--)
		at = scan->tokens[at].next;
	return at < end ? at : UINT32_MAX;
}

/* One step of a pointer: "~1" stands for a slash, "~0" for a tilde. */
static uint32_t step(const struct fim_scan *scan, uint32_t at, struct fim_str part)
{
	char key[1024];
	size_t i, len = 0;

	if (scan->tokens[at].kind == FIM_TOKEN_ARRAY)
		return element(scan, at, part);
	if (!memchr(part.bytes, '~', part.len))
		return fim_scan_member(scan, at, part);
	for (i = 0; i < part.len && len < sizeof(key); i++) {
		bool escape = part.bytes[i] == '~' && i + 1 < part.len &&
			      (part.bytes[i + 1] == '0' || part.bytes[i + 1] == '1');

		key[len++] = !escape ? part.bytes[i] : part.bytes[i + 1] == '1' ? '/' : '~';
		i += escape;
	}
	if (i < part.len)
		return UINT32_MAX;
	return fim_scan_member(scan, at, (struct fim_str){key, len});
}

uint32_t fim_scan_find(const struct fim_scan *scan, struct fim_str pointer)
{
	uint32_t at = scan->count ? 0 : UINT32_MAX;

	if (!pointer.len)
		return at;
	if (pointer.bytes[0] == '/') {
		pointer.bytes++;
		pointer.len--;
	}
	while (at != UINT32_MAX) {
		const char *slash = pointer.len ? memchr(pointer.bytes, '/', pointer.len) : NULL;
		size_t len = slash ? (size_t)(slash - pointer.bytes) : pointer.len;

		at = step(scan, at, (struct fim_str){pointer.bytes, len});
		if (!slash)
			break;
		pointer.bytes = slash + 1;
		pointer.len -= len + 1;
	}
	return at;
}

/* ---------------------------------------------------------------- writing */

bool fim_scan_plain(const struct fim_scan *scan, uint32_t at, struct fim_str *text_ret)
{
	const struct fim_token *token = &scan->tokens[at];

	if (token->escaped || (token->kind != FIM_TOKEN_STRING && token->kind != FIM_TOKEN_OTHER))
		return false;
	*text_ret = (struct fim_str){scan->text + token->start, token->len};
	return true;
}

/* A token with its quotes, as it was written. */
static void write_raw(const struct fim_scan *scan, uint32_t at, struct fim_text *out)
{
	const struct fim_token *token = &scan->tokens[at];
	bool is_string = token->kind == FIM_TOKEN_STRING;

	fim_text_add(out, scan->text + token->start - is_string,
		     token->len + 2 * (size_t)is_string);
}

static void new_line(struct fim_text *out, size_t depth)
{
	fim_text_adds(out, "\n");
	while (depth--)
		fim_text_adds(out, "  ");
}

/*
 * Containers without what is between their tokens, or with it as a person likes it.
 * Walks the tokens in their order and not down the tree: @ends is where each opened
 * container ends.
 */
static void write_container(const struct fim_scan *scan, uint32_t at, bool indent,
			    struct fim_text *out)
{
	uint32_t ends[FIM_SCAN_MAX_DEPTH], last = scan->tokens[at].next;
	bool is_object[FIM_SCAN_MAX_DEPTH], is_key = false, opened = true;
	size_t depth = 0;

	while (at < last || depth) {
		const struct fim_token *token;

		if (depth && at == ends[depth - 1]) {
			if (indent && !opened)
				new_line(out, depth - 1);
			fim_text_adds(out, is_object[--depth] ? "}" : "]");
			is_key = depth && is_object[depth - 1];
			opened = false;
			continue;
		}
		token = &scan->tokens[at];
		if (depth && (is_key || !is_object[depth - 1])) {
			fim_text_adds(out, opened ? "" : ",");
			if (indent)
				new_line(out, depth);
		}
		at++;
		opened = token->kind <= FIM_TOKEN_ARRAY;
		if (opened) {
			fim_text_adds(out, token->kind == FIM_TOKEN_OBJECT ? "{" : "[");
			ends[depth] = token->next;
			is_object[depth++] = is_key = token->kind == FIM_TOKEN_OBJECT;
			continue;
		}
		write_raw(scan, at - 1, out);
		if (is_key)
			fim_text_adds(out, indent ? ": " : ":");
		is_key = depth && is_object[depth - 1] && !is_key;
	}
}

void fim_scan_write(const struct fim_scan *scan, uint32_t at, struct fim_text *out)
{
	const struct fim_token *token = &scan->tokens[at];
	const char *text = scan->text + token->start, *end = text + token->len;
	struct fim_str plain;
	char bytes[4];

	if (fim_scan_plain(scan, at, &plain)) {
		fim_text_add(out, plain.bytes, plain.len);
	} else if (token->kind == FIM_TOKEN_STRING) {
		while (text < end) {
			size_t len = next_char(&text, end, bytes);

			fim_text_add(out, bytes, len);
		}
	} else {
		write_container(scan, at, false, out);
	}
}

void fim_scan_indent(const struct fim_scan *scan, uint32_t at, struct fim_text *out)
{
	if (scan->tokens[at].kind <= FIM_TOKEN_ARRAY)
		write_container(scan, at, true, out);
	else
		write_raw(scan, at, out);
}
