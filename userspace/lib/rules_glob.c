/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns shell patterns.  fnmatch(3) is what the engine calls, but its time grows
 * exponentially with the number of stars and the subject is an attacker's file name;
 * here only the last star is ever reconsidered.
 */
#include <string.h>

#include "rules_private.h"

static unsigned char fold(unsigned char c, bool fold_case)
{
	return fold_case && c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static const char *const classes[] = {"alnum", "alpha", "blank", "cntrl", "digit", "graph",
				      "lower", "print", "punct", "space", "upper", "xdigit"};
#define CLASS_COUNT (sizeof(classes) / sizeof(*classes))

static bool is_class(struct fim_str name)
{
	size_t i = 0;

	while (i < CLASS_COUNT && !fim_str_is(name, classes[i]))
		i++;
	return i < CLASS_COUNT;
}

static bool in_class(struct fim_str name, unsigned char c)
{
	bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
	bool digit = c >= '0' && c <= '9', graph = c > ' ' && c < 0x7f;
	size_t i = 0;

	while (i < CLASS_COUNT && !fim_str_is(name, classes[i]))
		i++;
	switch (i) {
	case 0:
		return lower || upper || digit;
	case 1:
		return lower || upper;
	case 2:
		return c == ' ' || c == '\t';
	case 3:
		return c < ' ' || c == 0x7f;
	case 4:
		return digit;
	case 5:
		return graph;
	case 6:
		return lower;
	case 7:
		return graph || c == ' ';
	case 8:
		return graph && !lower && !upper && !digit;
	case 9:
		return c == ' ' || (c >= '\t' && c <= '\r');
	case 10:
		return upper;
	case 11:
		return digit || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
	default:
		return false;
	}
}

/*
 * A bracket being read.  What glibc makes of one that is not well formed is part of what
 * rules mean, so this follows it step by step; behind the end stands a NUL.
 */
struct bracket {
	struct fim_str p;
	size_t at;
	unsigned char c;      /* of the subject */
	unsigned char folded; /* the same without case, if that does not count */
	bool fold_case;
	enum {
		BRACKET_GOES_ON,
		BRACKET_HAS_IT,
		BRACKET_FAILS,	    /* matches nothing */
		BRACKET_HAS_NO_END, /* is an ordinary character */
	} result;
};

static unsigned char peek(const struct bracket *b, size_t ahead)
{
	return b->at + ahead < b->p.len ? (unsigned char)b->p.bytes[b->at + ahead] : '\0';
}

#define CLASS_NAME_MAX 2048

/* Behind "[:": false: an ordinary '['. */
static bool read_class(struct bracket *b, bool has_it)
{
	size_t len = 0, start = b->at + 1;

	for (;; len++) {
		unsigned char c = peek(b, 1 + len);

		if (len == CLASS_NAME_MAX) {
			b->result = BRACKET_FAILS;
			return true;
		}
		if (c == ':' && peek(b, 2 + len) == ']')
			break;
		if (c < 'a' || c >= 'z')
			return false;
	}
	b->at += len + 3;
	if (has_it)
		return true;
	if (!is_class((struct fim_str){b->p.bytes + start, len}))
		b->result = BRACKET_FAILS;
	else if (in_class((struct fim_str){b->p.bytes + start, len}, b->c))
		b->result = BRACKET_HAS_IT;
	return true;
}

/* Behind "[=": false: an ordinary '['. */
static bool read_equivalence(struct bracket *b, bool has_it)
{
	unsigned char c = peek(b, 1);

	if (!c || peek(b, 2) != '=' || peek(b, 3) != ']') {
		if (has_it)
			b->result = BRACKET_FAILS;
		return has_it;
	}
	b->at += 4;
	if (!has_it && c == b->c)
		b->result = BRACKET_HAS_IT;
	return true;
}

/* Behind "[.": only a single character has a name. */
static void read_collating(struct bracket *b, unsigned char *c_ret, bool any_length)
{
	size_t len = 0;

	while (peek(b, 1 + len) && !(peek(b, 1 + len) == '.' && peek(b, 2 + len) == ']'))
		len++;
	if (!peek(b, 1 + len) || (len != 1 && !any_length)) {
		b->result = BRACKET_FAILS;
		return;
	}
	*c_ret = peek(b, 1);
	b->at += len + 3;
}

/* Behind "-": the upper end. */
static void read_range(struct bracket *b, unsigned char low)
{
	unsigned char high = peek(b, 0);

	b->at++;
	if (high == '[' && peek(b, 0) == '.') {
		read_collating(b, &high, false);
	} else {
		if (high == '\\') {
			high = peek(b, 0);
			b->at++;
		}
		if (!high)
			b->result = BRACKET_FAILS;
		high = fold(high, b->fold_case);
	}
	if (!b->result && low <= b->folded && b->folded <= high)
		b->result = BRACKET_HAS_IT;
}

/* A character or a range; @c is the first byte of it, which was read. */
static void read_member(struct bracket *b, unsigned char c, bool escaped)
{
	bool is_range, is_named = c == '[' && peek(b, 0) == '.' && !escaped;

	if (is_named) {
		read_collating(b, &c, false);
		if (b->result)
			return;
		is_range = peek(b, 0) == '-' && peek(b, 1);
	} else {
		c = fold(c, b->fold_case);
		is_range = peek(b, 0) == '-' && peek(b, 1) && peek(b, 1) != ']';
	}
	if (!is_range && c == (is_named ? b->c : b->folded)) {
		b->result = BRACKET_HAS_IT;
		return;
	}
	if (peek(b, 0) == '-' && peek(b, 1) != ']') {
		b->at++;
		read_range(b, c);
	}
}

/* Reads members until one has the character, or the end. */
static void find_member(struct bracket *b)
{
	bool first = true;

	while (!b->result) {
		unsigned char c = peek(b, 0);

		if (c == ']' && !first) {
			b->at++;
			return;
		}
		first = false;
		b->at++;
		if (c == '\\') {
			c = peek(b, 0);
			b->at++;
			if (c)
				read_member(b, c, true);
			else
				b->result = BRACKET_FAILS;
		} else if (!c) {
			b->result = BRACKET_HAS_NO_END;
		} else if (!(c == '[' && peek(b, 0) == ':' && read_class(b, false)) &&
			   !(c == '[' && peek(b, 0) == '=' && read_equivalence(b, false))) {
			read_member(b, c, false);
		}
	}
}

/* Behind the member that has it: to the end. */
static void skip_members(struct bracket *b)
{
	unsigned char c, ignored;

	b->result = BRACKET_GOES_ON;
	while (!b->result) {
		c = peek(b, 0);
		b->at++;
		if (c == ']')
			return;
		if (!c) {
			b->result = BRACKET_HAS_NO_END;
		} else if (c == '\\') {
			if (!peek(b, 0))
				b->result = BRACKET_FAILS;
			b->at++;
		} else if (c == '[' && peek(b, 0) == ':') {
			read_class(b, true);
		} else if (c == '[' && peek(b, 0) == '=') {
			read_equivalence(b, true);
		} else if (c == '[' && peek(b, 0) == '.') {
			read_collating(b, &ignored, true);
		}
	}
}

/* The bracket at @p against @c: its length if it matches; 0: no match. */
static size_t match_bracket(struct fim_str p, unsigned char c, bool fold_case)
{
	struct bracket b = {
		.p = p, .at = 1, .c = c, .folded = fold(c, fold_case), .fold_case = fold_case};
	bool negated = peek(&b, 0) == '!' || peek(&b, 0) == '^', found;

	b.at += negated;
	find_member(&b);
	found = b.result == BRACKET_HAS_IT;
	if (found)
		skip_members(&b);
	if (b.result == BRACKET_HAS_NO_END)
		return c == '[';
	return b.result == BRACKET_FAILS || found == negated ? 0 : b.at;
}

static struct fim_str behind(struct fim_str str, size_t len)
{
	return (struct fim_str){str.bytes + len, str.len - len};
}

/* One character of the subject against the head of the pattern: its length, 0: no match. */
static size_t match_one(struct fim_str p, unsigned char subject, bool fold_case)
{
	unsigned char c = fold(subject, fold_case);

	switch (p.bytes[0]) {
	case '?':
		return 1;
	case '[':
		return match_bracket(p, subject, fold_case);
	case '\\':
		/* A backslash at the end matches nothing. */
		return p.len > 1 && fold((unsigned char)p.bytes[1], fold_case) == c ? 2 : 0;
	default:
		return fold((unsigned char)p.bytes[0], fold_case) == c;
	}
}

bool fim_glob_match(struct fim_str pattern, struct fim_str text, bool fold_case)
{
	size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

	while (t < text.len) {
		size_t used = 0;

		if (p < pattern.len && pattern.bytes[p] == '*') {
			star = ++p;
			star_text = t;
			continue;
		}
		if (p < pattern.len)
			used = match_one(behind(pattern, p), (unsigned char)text.bytes[t],
					 fold_case);
		if (used) {
			p += used;
			t++;
		} else if (star != SIZE_MAX) {
			p = star;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.bytes[p] == '*')
		p++;
	return p == pattern.len;
}

/* The next component of a path; advances *@path; false: there is none. */
static bool next_component(struct fim_str *path, struct fim_str *component_ret)
{
	size_t len = 0;

	while (path->len && *path->bytes == '/')
		*path = behind(*path, 1);
	if (!path->len)
		return false;
	while (len < path->len && path->bytes[len] != '/')
		len++;
	*component_ret = (struct fim_str){path->bytes, len};
	*path = behind(*path, len);
	return true;
}

bool fim_path_match(struct fim_str pattern, struct fim_str path)
{
	struct fim_str want, have;

	while (next_component(&pattern, &want)) {
		size_t i = 0;

		if (!next_component(&path, &have))
			return false;
		while (i < want.len && !strchr("?*[", want.bytes[i]))
			i++;
		if (i < want.len ? !fim_glob_match(want, have, false) : fim_str_cmp(want, have))
			return false;
	}
	return true;
}
