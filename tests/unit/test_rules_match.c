/* SPDX-License-Identifier: Apache-2.0 */
/* The matchers, each against a peer that does the same in another way. */
#include <fnmatch.h>
#include <time.h>

#include "rules_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t state = 1;

/* xorshift: the same sequence everywhere. */
static size_t random_below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % limit);
}

static void random_text(const char *alphabet, size_t max, char *out)
{
	size_t len = random_below(max + 1), i;

	for (i = 0; i < len; i++)
		out[i] = alphabet[random_below(strlen(alphabet))];
	out[len] = '\0';
}

static struct fim_str str(const char *text)
{
	return (struct fim_str){text, strlen(text)};
}

/* Half of them out of what brackets are made of. */
static void random_glob(char out[64])
{
	static const char *const parts[] = {"[",  "]",	       "[:",	":]",	 "[=",	  "=]",
					    "[.", ".]",	       "-",	"!",	 "^",	  "\\",
					    "a",  "b",	       "B",	"alpha", "upper", "*",
					    "?",  "[:alpha:]", "[=a=]", "[.a.]", "[.-.]", "a-b",
					    "/",  "."};
	size_t count = random_below(8);

	if (random_below(2)) {
		random_text(random_below(2) ? "ab*?[]!-^\\" : "aB*?/.[a-b]", 10, out);
		return;
	}
	for (*out = '\0'; count; count--)
		strcat(out, parts[random_below(COUNT(parts))]);
}

START_TEST(glob_is_fnmatch)
{
	char pattern[128], text[16];
	int i, matches = 0;

	for (i = 0; i < 1000000; i++) {
		int fold = (int)random_below(2);
		bool expected;

		random_glob(pattern);
		random_text("abAB/.-[]:=", 8, text);
		expected = !fnmatch(pattern, text, fold ? FNM_CASEFOLD : 0);
		matches += expected;
		ck_assert_msg(fim_glob_match(str(pattern), str(text), fold) == expected,
			      "%s on %s is %d, fold %d", pattern, text, expected, fold);
	}
	ck_assert_int_gt(matches, 10000);
}
END_TEST

/* In time: a star for each letter would take fnmatch() longer than the sun will shine. */
START_TEST(hostile_globs_end)
{
	char pattern[512] = "", text[4096];
	clock_t start = clock();
	int i;

	for (i = 0; i < 200; i++)
		strcat(pattern, "*a");
	strcat(pattern, "*b");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert(!fim_glob_match(str(pattern), str(text), false));
	ck_assert_int_lt((clock() - start) * 1000 / CLOCKS_PER_SEC, 100);
}
END_TEST

static const struct {
	const char *pattern;
	const char *subject;
	int matches; /* -1: not a pattern */
} regexes[] = {
	{"", "", 1},
	{"a", "xa", 0},	 /* the whole */
	{"a|b", "b", 1}, /* of any branch */
	{"a.c", "a\nc", 0},
	{"a[^b]c", "a\nc", 1},
	{"[[:alpha:]]+", "abc", 1},
	{"[]a]+", "]a", 1},
	{"[^]a]", "b", 1},
	{"a{2,3}", "aaaa", 0},
	{"a{2}", "aa", 1},
	{"a{,3}", "a{,3}", 1},
	{"(ab)*", "abab", 1},
	{"^a$", "a", 1},
	{"a.b",
	 "a\xff"
	 "b",
	 1}, /* not UTF-8: one character */
	{"\\x{e9}", "\xc3\xa9", 1},
	{"\\.\\*\\/", ".*/", 1},
	{"\\d", "1", -1},
	{"\\w", "a", -1},
	{"\\bx", "x", -1},
	{"(?i)x", "x", -1},
	{"(?:x)", "x", -1},
	{"(?=x)x", "x", -1},
	{"(a)\\1", "aa", -1},
	{"\\pL", "a", -1},
	{"\\Qa\\E", "a", -1},
	{"a{1001}", "a", -1},
	{"a**", "aaa", 1},
	{"(a", "a", -1},
	{"a)", "a", -1},
	{"[b-a]", "a", -1},
	{"a\\", "a", -1},
	{"*a", "a", -1},
};

START_TEST(regex_is_posix_and_whole)
{
	struct fim_regex *regex;
	bool fast = false, slow = false;
	char error[200];
	int err;

	err = fim_regex_new(str(regexes[_i].pattern), &regex, error, sizeof(error));
	ck_assert_msg((err == -EINVAL) == (regexes[_i].matches < 0), "%s: %d", regexes[_i].pattern,
		      err);
	if (err)
		return;
	ck_assert_int_eq(fim_regex_match(regex, str(regexes[_i].subject), &fast), 0);
	ck_assert_msg(fast == regexes[_i].matches, "%s on %s", regexes[_i].pattern,
		      regexes[_i].subject);
	ck_assert_int_eq(fim_regex_match_slowly(regex, str(regexes[_i].subject), &slow), 0);
	ck_assert_int_eq(slow, fast);
	fim_regex_free(regex);
}
END_TEST

START_TEST(both_matchers_say_the_same)
{
	char pattern[20], subject[12], error[200];
	int i, compiled = 0, matched = 0;

	for (i = 0; i < 200000; i++) {
		struct fim_regex *regex;
		bool fast, slow;
		int k;

		random_text(i % 2 ? "ab.*+?|()" : "ab[]^-$|(){1,2}*\n", 12, pattern);
		if (fim_regex_new(str(pattern), &regex, error, sizeof(error)))
			continue;
		compiled++;
		for (k = 0; k < 5; k++) {
			random_text("ab-\n]", 8, subject);
			ck_assert_int_eq(fim_regex_match(regex, str(subject), &fast), 0);
			ck_assert_int_eq(fim_regex_match_slowly(regex, str(subject), &slow), 0);
			ck_assert_msg(fast == slow, "%s on %s: %d, %d", pattern, subject, fast,
				      slow);
			matched += fast;
		}
		fim_regex_free(regex);
	}
	ck_assert_int_gt(compiled, 10000);
	ck_assert_int_gt(matched, 5000);
}
END_TEST

/* Patterns of good will, subjects of bad: each is bounded and answered. */
static const struct {
	const char *pattern;
	const char *part;
	const char *end;
	bool matches;
} hostile[] = {
	{"((a|b)|(a|b)(a|b))*c", "ab", "cx", false},
	{"((a|b)|(a|b)(a|b))*c", "ab", "c", true},
	{"(a*)*b", "a", "bx", false},
	{"(a|aa)+$x", "a", "xy", false},
	{"(.*a){12}b", "a", "bx", false},
	{"(x+x+)+y", "x", "yz", false},
	{"([a-z]+)*[0-9]", "q", "!0", false},
	{".*.*.*.*=.*[.]", "x", "=", false},
	{"(.+)+/(.+)+/x", "/a", "/", false},
	{"((a{0,3}){0,10}b?){0,3}c", "a", "cd", false},
};

START_TEST(hostile_subjects_are_answered_in_a_millisecond)
{
	static const size_t sizes[] = {16, 64, 256, 1024, 4096, 65536, 15, 255};
	struct fim_regex *regex;
	char error[200];
	size_t i;

	ck_assert_int_eq(fim_regex_new(str(hostile[_i].pattern), &regex, error, sizeof(error)), 0);
	for (i = 0; i < COUNT(sizes); i++) {
		struct fim_text subject = {0};
		bool matches = !hostile[_i].matches;
		struct timespec start, end;
		int64_t best = INT64_MAX;
		int run, err = 0;

		while (subject.len + strlen(hostile[_i].end) < sizes[i])
			fim_text_adds(&subject, hostile[_i].part);
		fim_text_adds(&subject, hostile[_i].end);
		for (run = 0; run < 5; run++) {
			clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
			err = fim_regex_match(regex, (struct fim_str){subject.bytes, subject.len},
					      &matches);
			clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
			if ((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec <
			    best)
				best = (end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec -
				       start.tv_nsec;
		}
		ck_assert_msg(!err, "%s gives up on %zu bytes", hostile[_i].pattern, sizes[i]);
		ck_assert_msg(matches == hostile[_i].matches, "%s on %zu bytes",
			      hostile[_i].pattern, sizes[i]);
#ifndef __SANITIZE_ADDRESS__
		ck_assert_msg(best < 5000000LL * fixture_slowness(), "%s: %lld ns for %zu bytes",
			      hostile[_i].pattern, (long long)best, sizes[i]);
#endif
		if (getenv("VERBOSE"))
			fprintf(stderr, "# %s: %zu bytes: %lld us%s\n", hostile[_i].pattern,
				sizes[i], (long long)best / 1000, err ? " (gave up)" : "");
		fim_text_free(&subject);
	}
	fim_regex_free(regex);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_match");
	TCase *tcase = tcase_create("match");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, glob_is_fnmatch);
	tcase_add_test(tcase, hostile_globs_end);
	tcase_add_loop_test(tcase, regex_is_posix_and_whole, 0, COUNT(regexes));
	tcase_add_test(tcase, both_matchers_say_the_same);
	tcase_add_loop_test(tcase, hostile_subjects_are_answered_in_a_millisecond, 0,
			    COUNT(hostile));
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
