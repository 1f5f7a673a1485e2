/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the regular expressions of rules: RE2's POSIX syntax, whole subjects, U+FFFD for
 * what is not UTF-8.
 *
 * The pattern is read here, so that exactly what the engine accepts is accepted, and
 * written again for PCRE2 in a form that means the same there.  PCRE2 backtracks, and
 * subjects are file names that an attacker chooses: it works under a limit, and where it
 * gives up the automaton of rules_automaton.c, linear in the subject, answers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"
#include "rules_private.h"

#define REPEAT_MAX    1000
#define DEPTH_MAX     200 /* of groups; PCRE2 recurses on them */
#define CODEPOINT_MAX 0x10ffffu
#define SUBJECT_MAX   (192u << 10) /* a millisecond's work, some 4 ns each */
#define SHORT_MAX     4096	   /* over it the automaton is first */

struct reader {
	struct fim_arena *arena;
	const char *text;
	size_t left;
	unsigned depth;
	int err;
	char *error;
	size_t error_size;
};

/* ----------------------------------------------------------------- syntax */

static void fail(struct reader *reader, const char *what, struct fim_str where)
{
	if (reader->err)
		return;
	reader->err = -EINVAL;
	snprintf(reader->error, reader->error_size, "invalid regex pattern: %s%s%.*s", what,
		 where.len ? ": " : "", (int)(where.len < 100 ? where.len : 100), where.bytes);
}

static struct fim_str rest(const struct reader *reader, size_t len)
{
	return (struct fim_str){reader->text, len < reader->left ? len : reader->left};
}

static void skip(struct reader *reader, size_t len)
{
	reader->text += len;
	reader->left -= len;
}

static char peek(const struct reader *reader, size_t at)
{
	return at < reader->left ? reader->text[at] : '\0';
}

static bool at_digit(const struct reader *reader, size_t at)
{
	return peek(reader, at) >= '0' && peek(reader, at) <= '9';
}

static struct fim_re *re_new(struct reader *reader, enum fim_re_kind kind)
{
	struct fim_re *re = fim_arena_alloc(reader->arena, sizeof(*re));

	if (!re)
		reader->err = -ENOMEM;
	else
		re->kind = kind;
	return re;
}

static void re_add(struct reader *reader, struct fim_re *re, struct fim_re *child)
{
	if (reader->err || !child)
		return;
	if (fim_arena_grow(reader->arena, &re->children, re->count, sizeof(struct fim_re *)))
		reader->err = -ENOMEM;
	else
		re->children[re->count++] = child;
}

static void add_range(struct reader *reader, struct fim_re *re, uint32_t lo, uint32_t hi)
{
	if (reader->err)
		return;
	if (fim_arena_grow(reader->arena, &re->ranges, re->range_count,
			   sizeof(struct fim_re_range)))
		reader->err = -ENOMEM;
	else
		re->ranges[re->range_count++] = (struct fim_re_range){lo, hi};
}

static int range_order(const void *a, const void *b)
{
	const struct fim_re_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Sorts, joins and if need be negates the ranges of a class. */
static void finish_class(struct reader *reader, struct fim_re *re, bool negated)
{
	size_t i, count = 0;
	uint32_t next = 0;
	struct fim_re *gaps;

	if (reader->err)
		return;
	if (re->range_count)
		qsort(re->ranges, re->range_count, sizeof(*re->ranges), range_order);
	for (i = 0; i < re->range_count; i++) {
		if (count && re->ranges[i].lo <= re->ranges[count - 1].hi + 1) {
			if (re->ranges[i].hi > re->ranges[count - 1].hi)
				re->ranges[count - 1].hi = re->ranges[i].hi;
		} else {
			re->ranges[count++] = re->ranges[i];
		}
	}
	re->range_count = count;
	if (!negated)
		return;
	gaps = re_new(reader, FIM_RE_CLASS);
	for (i = 0; i < count && gaps; i++) {
		if (re->ranges[i].lo > next)
			add_range(reader, gaps, next, re->ranges[i].lo - 1);
		next = re->ranges[i].hi + 1;
	}
	if (gaps && next <= CODEPOINT_MAX)
		add_range(reader, gaps, next, CODEPOINT_MAX);
	if (gaps)
		*re = *gaps;
}

static uint32_t read_codepoint(struct reader *reader)
{
	uint32_t codepoint = 0;
	size_t len = (unsigned char)*reader->text < 0x80
			     ? 1
			     : fim_utf8_next(reader->text, reader->left, &codepoint);

	if (!len) {
		fail(reader, "invalid UTF-8", rest(reader, 0));
		return 0;
	}
	if (len == 1)
		codepoint = (unsigned char)*reader->text;
	skip(reader, len);
	return codepoint;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "x41" or "x{41}", behind the backslash. */
static uint32_t read_hex_escape(struct reader *reader, struct fim_str where)
{
	uint32_t value = 0;
	size_t i;

	skip(reader, 1);
	if (peek(reader, 0) == '{') {
		for (i = 1; hex_digit(peek(reader, i)) >= 0 && value <= CODEPOINT_MAX; i++)
			value = value * 16 + (uint32_t)hex_digit(peek(reader, i));
		if (i == 1 || peek(reader, i) != '}' || value > CODEPOINT_MAX)
			fail(reader, "invalid escape sequence", where);
		else
			skip(reader, i + 1);
		return value;
	}
	if (hex_digit(peek(reader, 0)) < 0 || hex_digit(peek(reader, 1)) < 0) {
		fail(reader, "invalid escape sequence", where);
		return 0;
	}
	value = (uint32_t)(hex_digit(peek(reader, 0)) * 16 + hex_digit(peek(reader, 1)));
	skip(reader, 2);
	return value;
}

/* One character written with a backslash: what this syntax has, no \d, \w, \b, \1, \p, \Q. */
static uint32_t read_escape(struct reader *reader)
{
	static const char from[] = "nrtafv", to[] = "\n\r\t\a\f\v";
	struct fim_str where = rest(reader, 2);
	uint32_t value = 0;
	const char *found;
	size_t i;
	char c;

	skip(reader, 1);
	if (!reader->left) {
		fail(reader, "trailing \\", rest(reader, 0));
		return 0;
	}
	c = peek(reader, 0);
	found = c ? strchr(from, c) : NULL;
	if (found) {
		skip(reader, 1);
		return (uint32_t)to[found - from];
	}
	if (c == 'x')
		return read_hex_escape(reader, where);
	if (c >= '0' && c <= '7' &&
	    (c == '0' || (peek(reader, 1) >= '0' && peek(reader, 1) <= '7'))) {
		for (i = 0; i < 3 && peek(reader, 0) >= '0' && peek(reader, 0) <= '7'; i++) {
			value = value * 8 + (uint32_t)(peek(reader, 0) - '0');
			skip(reader, 1);
		}
		return value;
	}
	if ((unsigned char)c >= 0x80 || (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
		fail(reader, "invalid escape sequence", where);
		return 0;
	}
	skip(reader, 1);
	return (unsigned char)c;
}

static const struct posix_class {
	const char *name;
	struct fim_re_range ranges[5];
} posix_classes[] = {
	{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
	{"alpha", {{'A', 'Z'}, {'a', 'z'}}},
	{"ascii", {{0, 0x7f}}},
	{"blank", {{'\t', '\t'}, {' ', ' '}}},
	{"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
	{"digit", {{'0', '9'}}},
	{"graph", {{'!', '~'}}},
	{"lower", {{'a', 'z'}}},
	{"print", {{' ', '~'}}},
	{"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
	{"space", {{'\t', '\r'}, {' ', ' '}}},
	{"upper", {{'A', 'Z'}}},
	{"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
	{"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

/* "[:name:]" inside a class; false: it is something else. */
static bool read_posix_class(struct reader *reader, struct fim_re *re)
{
	struct fim_re one = {.kind = FIM_RE_CLASS};
	bool negated = peek(reader, 2) == '^';
	size_t start = negated ? 3 : 2, end = 2, i, k;
	struct fim_str name;

	if (peek(reader, 0) != '[' || peek(reader, 1) != ':')
		return false;
	while (end + 1 < reader->left &&
	       !(reader->text[end] == ':' && reader->text[end + 1] == ']'))
		end++;
	if (end + 1 >= reader->left)
		return false;
	name = (struct fim_str){reader->text + start, end > start ? end - start : 0};
	for (i = 0; i < sizeof(posix_classes) / sizeof(*posix_classes); i++)
		if (fim_str_is(name, posix_classes[i].name))
			break;
	if (i == sizeof(posix_classes) / sizeof(*posix_classes)) {
		fail(reader, "invalid character class range", rest(reader, end + 2));
		return true;
	}
	for (k = 0; k < 5 && (posix_classes[i].ranges[k].hi || posix_classes[i].ranges[k].lo); k++)
		add_range(reader, &one, posix_classes[i].ranges[k].lo,
			  posix_classes[i].ranges[k].hi);
	finish_class(reader, &one, negated);
	for (k = 0; k < one.range_count; k++)
		add_range(reader, re, one.ranges[k].lo, one.ranges[k].hi);
	skip(reader, end + 2);
	return true;
}

static uint32_t read_class_char(struct reader *reader)
{
	if (!reader->left)
		return 0;
	return *reader->text == '\\' ? read_escape(reader) : read_codepoint(reader);
}

static struct fim_re *read_class(struct reader *reader)
{
	struct fim_re *re = re_new(reader, FIM_RE_CLASS);
	struct fim_str where = rest(reader, reader->left);
	bool negated = peek(reader, 1) == '^', first = true;

	skip(reader, negated ? 2 : 1);
	for (; !reader->err && reader->left && (first || *reader->text != ']'); first = false) {
		struct fim_str range = rest(reader, 3);
		uint32_t lo, hi;

		if (*reader->text == '-' && !first && peek(reader, 1) != ']') {
			fail(reader, "invalid character class range", range);
			break;
		}
		if (read_posix_class(reader, re))
			continue;
		lo = hi = read_class_char(reader);
		if (peek(reader, 0) == '-' && reader->left >= 2 && peek(reader, 1) != ']') {
			skip(reader, 1);
			hi = read_class_char(reader);
			if (hi < lo)
				fail(reader, "invalid character class range", range);
		}
		add_range(reader, re, lo, hi);
	}
	if (!reader->err && !reader->left)
		fail(reader, "missing ]", where);
	if (reader->err)
		return NULL;
	skip(reader, 1);
	finish_class(reader, re, negated);
	return re;
}

static bool read_count(struct reader *reader, size_t *at, int *count_ret)
{
	long count = 0;
	size_t start = *at;

	while (at_digit(reader, *at) && count < 100000000)
		count = count * 10 + (reader->text[(*at)++] - '0');
	if (*at == start || count >= 100000000 || (*at - start > 1 && reader->text[start] == '0'))
		return false;
	*count_ret = (int)count;
	return true;
}

/* "{n}", "{n,}" or "{n,m}"; its length, 0: the brace is an ordinary character. */
static size_t read_braces(struct reader *reader, int *min_ret, int *max_ret)
{
	size_t at = 1;

	if (!read_count(reader, &at, min_ret))
		return 0;
	*max_ret = *min_ret;
	if (peek(reader, at) == ',') {
		at++;
		*max_ret = -1;
		if (peek(reader, at) != '}' && !read_count(reader, &at, max_ret))
			return 0;
	}
	return peek(reader, at) == '}' ? at + 1 : 0;
}

/* What is left of REPEAT_MAX below nested repetitions; 0: they go over it. */
static int repeat_room(const struct fim_re *re, int room)
{
	int least = room;
	size_t i;

	if (re->kind == FIM_RE_REPEAT) {
		int times = re->max < 0 ? re->min : re->max;

		if (times > 0)
			room /= times;
		least = room;
	}
	for (i = 0; i < re->count; i++) {
		int below = repeat_room(re->children[i], room);

		if (below < least)
			least = below;
	}
	return least;
}

static bool is_simple(int min, int max)
{
	return min <= 1 && (max == -1 || (max == 1 && min == 0));
}

static struct fim_re *repeat(struct reader *reader, struct fim_re *child, int min, int max,
			     struct fim_str where)
{
	struct fim_re *re;

	if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && max < min)) {
		fail(reader, "bad repetition operator", where);
		return NULL;
	}
	/* Stacked repetitions are joined where they can be: a row of stars is one star. */
	if (!child || (min == 1 && max == 1))
		return child;
	if (child->kind == FIM_RE_REPEAT && (child->max == 0 || max == 0)) {
		child->min = child->max = 0;
		return child;
	}
	if (child->kind == FIM_RE_REPEAT && is_simple(min, max) &&
	    is_simple(child->min, child->max)) {
		if (min != child->min || max != child->max) {
			child->min = 0;
			child->max = -1;
		}
		return child;
	}
	re = re_new(reader, FIM_RE_REPEAT);
	if (!re)
		return NULL;
	re->min = min;
	re->max = max;
	re_add(reader, re, child);
	if (!reader->err && (min >= 2 || max >= 2) && !repeat_room(re, REPEAT_MAX))
		fail(reader, "bad repetition operator", where);
	return re;
}

/* The repetitions behind @re; in this syntax they may be stacked and none is lazy. */
static struct fim_re *read_repeats(struct reader *reader, struct fim_re *re)
{
	while (!reader->err && reader->left) {
		size_t len = 1;
		int min = 0, max = -1;

		switch (*reader->text) {
		case '*':
			break;
		case '+':
			min = 1;
			break;
		case '?':
			max = 1;
			break;
		case '{':
			len = read_braces(reader, &min, &max);
			break;
		default:
			return re;
		}
		if (!len)
			return re;
		re = repeat(reader, re, min, max, rest(reader, len));
		skip(reader, len);
	}
	return re;
}

static struct fim_re *read_alternatives(struct reader *reader);

static struct fim_re *read_char(struct reader *reader)
{
	struct fim_re *re = re_new(reader, FIM_RE_CLASS);
	uint32_t c = *reader->text == '\\' ? read_escape(reader) : read_codepoint(reader);

	if (re)
		add_range(reader, re, c, c);
	return re;
}

static struct fim_re *read_group(struct reader *reader)
{
	struct fim_str where = rest(reader, reader->left);
	struct fim_re *re;

	if (++reader->depth > DEPTH_MAX) {
		fail(reader, "expression nests too deeply", rest(reader, 0));
		return NULL;
	}
	skip(reader, 1);
	re = read_alternatives(reader);
	if (!reader->err && peek(reader, 0) != ')')
		fail(reader, "missing )", where);
	if (reader->err)
		return NULL;
	skip(reader, 1);
	reader->depth--;
	return re;
}

static struct fim_re *read_atom(struct reader *reader)
{
	int min, max;
	struct fim_re *re;

	switch (*reader->text) {
	case '(':
		return read_group(reader);
	case '[':
		return read_class(reader);
	case '^':
	case '$':
		re = re_new(reader, *reader->text == '^' ? FIM_RE_BEGIN_LINE : FIM_RE_END_LINE);
		skip(reader, 1);
		return re;
	case '.':
		re = re_new(reader, FIM_RE_CLASS);
		if (re) {
			add_range(reader, re, 0, '\n' - 1);
			add_range(reader, re, '\n' + 1, CODEPOINT_MAX);
		}
		skip(reader, 1);
		return re;
	case '{':
		if (!read_braces(reader, &min, &max))
			return read_char(reader);
		/* fall through */
	case '*':
	case '+':
	case '?':
		fail(reader, "no argument for repetition operator", rest(reader, 1));
		return NULL;
	default:
		return read_char(reader);
	}
}

static struct fim_re *read_sequence(struct reader *reader)
{
	struct fim_re *re = re_new(reader, FIM_RE_CAT);

	while (re && !reader->err && reader->left && *reader->text != '|' && *reader->text != ')')
		re_add(reader, re, read_repeats(reader, read_atom(reader)));
	return re;
}

static struct fim_re *read_alternatives(struct reader *reader)
{
	struct fim_re *re = re_new(reader, FIM_RE_ALT);

	if (re)
		re_add(reader, re, read_sequence(reader));
	while (re && !reader->err && peek(reader, 0) == '|') {
		skip(reader, 1);
		re_add(reader, re, read_sequence(reader));
	}
	return reader->err ? NULL : re;
}

/* -------------------------------------------------------------- for PCRE2 */

static void write_class(const struct fim_re *re, struct fim_text *out)
{
	size_t i;

	if (!re->range_count) {
		fim_text_adds(out, "(?!)");
		return;
	}
	fim_text_adds(out, "[");
	for (i = 0; i < re->range_count; i++) {
		uint32_t lo = re->ranges[i].lo, hi = re->ranges[i].hi;

		/* Surrogates are no characters, and PCRE2 refuses them. */
		if (lo >= 0xd800 && lo <= 0xdfff)
			lo = 0xe000;
		if (hi >= 0xd800 && hi <= 0xdfff)
			hi = 0xd7ff;
		if (lo > hi)
			lo = hi = 0xfffe;
		fim_text_addf(out, "\\x{%x}-\\x{%x}", lo, hi);
	}
	fim_text_adds(out, "]");
}

static void write_pattern(const struct fim_re *re, struct fim_text *out)
{
	size_t i;

	switch (re->kind) {
	case FIM_RE_CLASS:
		write_class(re, out);
		break;
	case FIM_RE_BEGIN_LINE:
		fim_text_adds(out, "(?:^)");
		break;
	case FIM_RE_END_LINE:
		fim_text_adds(out, "(?:$)");
		break;
	case FIM_RE_CAT:
		for (i = 0; i < re->count; i++)
			write_pattern(re->children[i], out);
		break;
	case FIM_RE_ALT:
		if (re->count > 1)
			fim_text_adds(out, "(?:");
		for (i = 0; i < re->count; i++) {
			fim_text_adds(out, i ? "|" : "");
			write_pattern(re->children[i], out);
		}
		if (re->count > 1)
			fim_text_adds(out, ")");
		break;
	case FIM_RE_REPEAT:
		fim_text_adds(out, "(?:");
		write_pattern(re->children[0], out);
		fim_text_addf(out, re->max < 0 ? "){%d,}" : "){%d,%d}", re->min, re->max);
		break;
	}
}

struct fim_regex {
	struct fim_arena arena;
	struct fim_pcre *pcre;
	struct fim_automaton *automaton; /* NULL: it would be too large */
	char *clean;			 /* a subject made valid; grows */
	size_t clean_size;
};

/* ----------------------------------------------------------------- public */

static int regex_init(struct fim_regex *regex, struct fim_str pattern, char *error, size_t size)
{
	struct reader reader = {&regex->arena, pattern.bytes, pattern.len, 0, 0, error, size};
	struct fim_re *re = read_alternatives(&reader);
	struct fim_text text = {0};
	char problem[160];
	int err;

	if (!reader.err && reader.left)
		fail(&reader, "unexpected )", rest(&reader, reader.left));
	if (reader.err)
		return reader.err;
	fim_text_adds(&text, "(?:");
	write_pattern(re, &text);
	fim_text_adds(&text, ")");
	err = text.failed
		      ? -ENOMEM
		      : fim_pcre_new(text.bytes, text.len, &regex->pcre, problem, sizeof(problem));
	if (err == -EINVAL)
		snprintf(error, size, "invalid regex pattern: %s", problem);
	fim_text_free(&text);
	if (err)
		return err;
	return fim_automaton_new(&regex->arena, re, &regex->automaton);
}

int fim_regex_new(struct fim_str pattern, struct fim_regex **regex_ret, char *error_ret,
		  size_t size)
{
	struct fim_regex *regex = calloc(1, sizeof(*regex));
	int err;

	if (!regex)
		return -ENOMEM;
	err = regex_init(regex, pattern, error_ret, size);
	if (err) {
		fim_regex_free(regex);
		return err;
	}
	*regex_ret = regex;
	return 0;
}

void fim_regex_free(struct fim_regex *regex)
{
	if (!regex)
		return;
	fim_pcre_free(regex->pcre);
	fim_arena_free(&regex->arena);
	free(regex->clean);
	free(regex);
}

/* Bytes of the longest start of a UTF-8 sequence at @bytes that a bad byte cut off. */
static size_t bad_len(const unsigned char *bytes, size_t len)
{
	size_t want = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc2 ? 2 : 1;
	size_t i = 1;

	if (bytes[0] > 0xf4 || want == 1 || len < 2)
		return 1;
	if ((bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] > 0x9f) ||
	    (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] > 0x8f))
		return 1;
	while (i < want && i < len && (bytes[i] & 0xc0) == 0x80)
		i++;
	return i;
}

/* Points @subject to a copy with U+FFFD for what is not UTF-8. */
static int make_valid(struct fim_regex *regex, struct fim_str *subject)
{
	size_t need = subject->len * 3 + 1, in = 0, out = 0;

	if (regex->clean_size < need) {
		char *bigger = realloc(regex->clean, need);

		if (!bigger)
			return -ENOMEM;
		regex->clean = bigger;
		regex->clean_size = need;
	}
	while (in < subject->len) {
		uint32_t codepoint;
		size_t len =
			(unsigned char)subject->bytes[in] < 0x80
				? 1
				: fim_utf8_next(subject->bytes + in, subject->len - in, &codepoint);

		if (len) {
			memcpy(regex->clean + out, subject->bytes + in, len);
			in += len;
			out += len;
		} else {
			memcpy(regex->clean + out, "\xef\xbf\xbd", 3);
			in += bad_len((const unsigned char *)subject->bytes + in,
				      subject->len - in);
			out += 3;
		}
	}
	*subject = (struct fim_str){regex->clean, out};
	return 0;
}

static int run_automaton(struct fim_regex *regex, struct fim_str subject, bool *matches_ret)
{
	if (!regex->automaton)
		return -EOVERFLOW;
	return fim_automaton_match(regex->automaton, subject, matches_ret);
}

int fim_regex_match_slowly(struct fim_regex *regex, struct fim_str subject, bool *matches_ret)
{
	int err = 0;

	if (!fim_is_utf8(subject.bytes, subject.len))
		err = make_valid(regex, &subject);
	return err ? err : run_automaton(regex, subject, matches_ret);
}

int fim_regex_match(struct fim_regex *regex, struct fim_str subject, bool *matches_ret)
{
	bool automaton_first = subject.len > SHORT_MAX;
	int err = 0;

	if (subject.len > SUBJECT_MAX)
		return -EOVERFLOW;
	if (!fim_is_utf8(subject.bytes, subject.len))
		err = make_valid(regex, &subject);
	if (err)
		return err;
	err = automaton_first
		      ? run_automaton(regex, subject, matches_ret)
		      : fim_pcre_match(regex->pcre, subject.bytes, subject.len, matches_ret);
	if (err != -EOVERFLOW)
		return err;
	return automaton_first
		       ? fim_pcre_match(regex->pcre, subject.bytes, subject.len, matches_ret)
		       : run_automaton(regex, subject, matches_ret);
}
