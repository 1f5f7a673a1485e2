/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the members of a JSON object without building a tree: a report looks at a
 * few members of a million records, and building each of them costs ten times more
 * than checking it.
 *
 * Pure; the text may be an attacker's.  What is accepted is RFC 8259 with valid
 * UTF-8 and a bounded depth, as json.c has it, but that duplicate keys are not
 * looked for: whoever keeps a record parses it with fim_json_parse().
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

struct scanner {
	const char *at;
	const char *end;
	fim_scan_fn fn;
	void *ctx;
	unsigned int nesting;
	int stop; /* what @fn returned */
};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* High bit of each byte that is zero; of one above such a byte, anything. */
static uint64_t zeros(uint64_t word)
{
	return (word - EACH(1)) & ~word;
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Eight at a time: most of a journal is such bytes. */
size_t fim_plain_run(const char *text, size_t len)
{
	size_t at = 0;
	uint64_t word, odd;

	for (; len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		word = le64toh(word); /* the first byte is the lowest, and carries go up */
		odd = ((word - EACH(' ')) & ~word) | word | (word + EACH(1)) |
		      zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\'));
		odd &= EACH(0x80);
		if (odd)
			return at + (size_t)__builtin_ctzll(odd) / 8;
	}
	while (at < len && is_plain((unsigned char)text[at]))
		at++;
	return at;
}

static void skip_blank(struct scanner *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n'))
		s->at++;
}

static bool skip_escape(struct scanner *s)
{
	bool zero = true;
	int i;

	if (s->end - s->at < 2)
		return false;
	s->at++;
	if (*s->at != 'u')
		return strchr("\"\\/bfnrt", *s->at++) != NULL && s->at[-1];
	s->at++;
	if (s->end - s->at < 4)
		return false;
	for (i = 0; i < 4; i++, s->at++) {
		if (!strchr("0123456789abcdefABCDEF", *s->at) || !*s->at)
			return false;
		zero &= *s->at == '0';
	}
	return !zero;
}

/* At the opening quote; @span_ret without the quotes. */
static bool scan_string(struct scanner *s, struct fim_span *span_ret)
{
	size_t step;

	s->at++;
	*span_ret = (struct fim_span){.text = s->at, .kind = FIM_SPAN_STRING, .plain = true};
	for (;; span_ret->plain = false) {
		s->at += fim_plain_run(s->at, (size_t)(s->end - s->at));
		if (s->at >= s->end)
			return false;
		if (*s->at == '"')
			break;
		if (*s->at == '\\') {
			span_ret->escaped = true;
			if (!skip_escape(s))
				return false;
			continue;
		}
		if ((unsigned char)*s->at < 0x20)
			return false;
		if ((unsigned char)*s->at == 0x7f) {
			s->at++;
			continue;
		}
		step = fim_utf8_next(s->at, (size_t)(s->end - s->at), &(uint32_t){0});
		if (!step)
			return false;
		s->at += step;
	}
	span_ret->len = (size_t)(s->at - span_ret->text);
	s->at++;
	return true;
}

static bool skip_digits(struct scanner *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start;
}

static bool skip_number(struct scanner *s)
{
	if (s->at < s->end && *s->at == '-')
		s->at++;
	if (s->at < s->end && *s->at == '0')
		s->at++;
	else if (!skip_digits(s))
		return false;
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!skip_digits(s))
			return false;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		return skip_digits(s);
	}
	return true;
}

static bool skip_word(struct scanner *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

static bool scan_value(struct scanner *s, unsigned int depth, const struct fim_span *parent,
		       struct fim_span *span_ret);

static bool scan_array(struct scanner *s)
{
	struct fim_span span;

	s->at++;
	skip_blank(s);
	if (s->at < s->end && *s->at == ']') {
		s->at++;
		return true;
	}
	for (;;) {
		/* What is inside an array is nobody's member. */
		if (!scan_value(s, FIM_SCAN_DEPTH, NULL, &span))
			return false;
		skip_blank(s);
		if (s->at >= s->end || (*s->at != ',' && *s->at != ']'))
			return false;
		if (*s->at++ == ']')
			return true;
	}
}

static bool scan_member(struct scanner *s, unsigned int depth, const struct fim_span *parent)
{
	struct fim_span key, value;

	skip_blank(s);
	if (s->at >= s->end || *s->at != '"' || !scan_string(s, &key))
		return false;
	skip_blank(s);
	if (s->at >= s->end || *s->at++ != ':')
		return false;
	if (!scan_value(s, depth, &key, &value))
		return false;
	if (depth <= FIM_SCAN_DEPTH && !s->stop)
		s->stop = s->fn(s->ctx, depth > 1 ? parent : NULL, &key, &value);
	return !s->stop;
}

static bool scan_object(struct scanner *s, unsigned int depth, const struct fim_span *parent)
{
	s->at++;
	skip_blank(s);
	if (s->at < s->end && *s->at == '}') {
		s->at++;
		return true;
	}
	for (;;) {
		if (!scan_member(s, depth, parent))
			return false;
		skip_blank(s);
		if (s->at >= s->end || (*s->at != ',' && *s->at != '}'))
			return false;
		if (*s->at++ == '}')
			return true;
	}
}

static bool scan_value(struct scanner *s, unsigned int depth, const struct fim_span *parent,
		       struct fim_span *span_ret)
{
	const char *start;
	bool good;

	skip_blank(s);
	if (s->at >= s->end)
		return false;
	start = s->at;
	if ((*start == '{' || *start == '[') && ++s->nesting > FIM_JSON_MAX_DEPTH)
		return false;
	switch (*start) {
	case '"':
		return scan_string(s, span_ret);
	case '{':
		*span_ret = (struct fim_span){.kind = FIM_SPAN_OBJECT};
		good = scan_object(s, depth + 1, parent);
		s->nesting--;
		break;
	case '[':
		*span_ret = (struct fim_span){.kind = FIM_SPAN_ARRAY};
		good = scan_array(s);
		s->nesting--;
		break;
	case 't':
		*span_ret = (struct fim_span){.kind = FIM_SPAN_TRUE};
		good = skip_word(s, "true");
		break;
	case 'f':
		*span_ret = (struct fim_span){.kind = FIM_SPAN_FALSE};
		good = skip_word(s, "false");
		break;
	case 'n':
		*span_ret = (struct fim_span){.kind = FIM_SPAN_NULL};
		good = skip_word(s, "null");
		break;
	default:
		*span_ret = (struct fim_span){.kind = FIM_SPAN_NUMBER};
		good = skip_number(s);
	}
	span_ret->text = start;
	span_ret->len = (size_t)(s->at - start);
	return good;
}

int fim_scan(const char *text, size_t len, fim_scan_fn fn, void *ctx)
{
	struct scanner s = {.at = text, .end = text + len, .nesting = 1, .fn = fn, .ctx = ctx};
	bool good;

	skip_blank(&s);
	if (s.at >= s.end || *s.at != '{')
		return -EINVAL;
	good = scan_object(&s, 1, NULL);
	if (s.stop)
		return s.stop;
	skip_blank(&s);
	return good && s.at == s.end ? 0 : -EINVAL;
}

void fim_members_add(struct fim_members *members, const struct fim_span *parent,
		     const struct fim_span *key, const struct fim_span *value)
{
	struct fim_member *member = &members->items[members->count];

	if (members->count++ >= FIM_MEMBERS_MAX)
		return;
	if (parent)
		member->parent = *parent;
	else
		member->parent.kind = FIM_SPAN_NONE;
	member->key = *key;
	member->value = *value;
}

int fim_line_scan(const struct fim_line *line, fim_scan_fn fn, void *ctx)
{
	const struct fim_members *members = line->members;
	size_t i;
	int stop;

	if (!members || members->count > FIM_MEMBERS_MAX)
		return fim_scan(line->text, line->len, fn, ctx);
	for (i = 0; i < members->count; i++) {
		const struct fim_span *parent = &members->items[i].parent;

		stop = fn(ctx, parent->kind == FIM_SPAN_NONE ? NULL : parent,
			  &members->items[i].key, &members->items[i].value);
		if (stop)
			return stop;
	}
	return 0;
}

bool fim_span_copy(const struct fim_span *span, char *text_ret, size_t size)
{
	if (span->kind != FIM_SPAN_STRING || span->escaped || span->len >= size)
		return false;
	memcpy(text_ret, span->text, span->len);
	text_ret[span->len] = '\0';
	return true;
}

int64_t fim_span_int(const struct fim_span *span, int64_t fallback)
{
	char digits[24], *end;
	long long value;

	if (span->kind != FIM_SPAN_NUMBER || span->len >= sizeof(digits))
		return fallback;
	memcpy(digits, span->text, span->len);
	digits[span->len] = '\0';
	errno = 0;
	value = strtoll(digits, &end, 10);
	return errno || *end ? fallback : value;
}
