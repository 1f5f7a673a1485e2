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

static bool in_class(struct fim_str name, unsigned char c)
{
	static const char *const names[] = {"alnum", "alpha", "blank", "cntrl", "digit", "graph",
					    "lower", "print", "punct", "space", "upper", "xdigit"};
	bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
	bool digit = c >= '0' && c <= '9', graph = c > ' ' && c < 0x7f;
	size_t i = 0;

	while (i < sizeof(names) / sizeof(*names) && !fim_str_is(name, names[i]))
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

/* "[:name:]", "[=x=]" or "[.x.]" at @p: its length, 0: not one. */
static size_t bracket_item(struct fim_str p, struct fim_str *name_ret)
{
	size_t end;

	if (p.len < 4 || p.bytes[0] != '[' || !strchr(":=.", p.bytes[1]) || !p.bytes[1])
		return 0;
	for (end = 2; end + 1 < p.len; end++) {
		if (p.bytes[end] == p.bytes[1] && p.bytes[end + 1] == ']') {
			*name_ret = (struct fim_str){p.bytes + 2, end - 2};
			return end + 2;
		}
	}
	return 0;
}

/* One end of a range, or a character of its own; bytes used, 0: the bracket does not end. */
static size_t bracket_char(struct fim_str p, unsigned char *c_ret)
{
	struct fim_str name;
	size_t used = bracket_item(p, &name);

	if (used && p.bytes[1] != ':' && name.len == 1) {
		*c_ret = (unsigned char)name.bytes[0];
		return used;
	}
	if (!p.len)
		return 0;
	if (p.bytes[0] == '\\') {
		if (p.len < 2)
			return 0;
		*c_ret = (unsigned char)p.bytes[1];
		return 2;
	}
	*c_ret = (unsigned char)p.bytes[0];
	return 1;
}

static struct fim_str behind(struct fim_str str, size_t len)
{
	return (struct fim_str){str.bytes + len, str.len - len};
}

/* The bracket at @p against @c: its length, 0: it has no end and is an ordinary character. */
static size_t bracket(struct fim_str p, unsigned char c, bool fold_case, bool *matches_ret)
{
	size_t i = 1;
	bool negated = false, matches = false;
	bool first = true;

	if (i < p.len && (p.bytes[i] == '!' || p.bytes[i] == '^')) {
		negated = true;
		i++;
	}
	for (; i < p.len && (first || p.bytes[i] != ']'); first = false) {
		struct fim_str name;
		unsigned char lo, hi;
		size_t used = bracket_item(behind(p, i), &name);

		if (used && p.bytes[i + 1] == ':') {
			matches |= in_class(name, c) || (fold_case && in_class(name, c ^ 0x20) &&
							 in_class((struct fim_str){"alpha", 5}, c));
			i += used;
			continue;
		}
		used = bracket_char(behind(p, i), &lo);
		if (!used)
			return 0;
		i += used;
		hi = lo;
		if (i + 1 < p.len && p.bytes[i] == '-' && p.bytes[i + 1] != ']') {
			used = bracket_char(behind(p, i + 1), &hi);
			if (!used)
				return 0;
			i += 1 + used;
		}
		matches |= fold(lo, fold_case) <= c && c <= fold(hi, fold_case);
	}
	if (i >= p.len)
		return 0;
	*matches_ret = matches != negated;
	return i + 1;
}

/* One character of the subject against the head of the pattern: its length, 0: no match. */
static size_t match_one(struct fim_str p, unsigned char c, bool fold_case)
{
	bool matches;
	size_t used;

	c = fold(c, fold_case);
	switch (p.bytes[0]) {
	case '?':
		return 1;
	case '[':
		used = bracket(p, c, fold_case, &matches);
		if (used)
			return matches ? used : 0;
		return c == '[';
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
