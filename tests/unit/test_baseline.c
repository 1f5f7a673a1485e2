/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as root. The parser is attacked with the signature out of the way; then with it. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LINES_MAX    64

static struct fim_policy *policy_of(const char *text)
{
	struct fim_policy *policy = NULL;

	ck_assert_msg(!fim_policy_parse(text, strlen(text), "p.yaml", &policy), "%s", fixture_log);
	return policy;
}

static int create(const char *root, const char *policy_text, const char *output)
{
	struct fim_policy *policy = policy_of(policy_text);
	struct fim_baseline_params params = {.root = root, .policy = policy};
	int err = fim_baseline_create(&params, output, NULL);

	fim_policy_free(policy);
	return err;
}

#define POLICY "name: n\nversion: \"1\"\nroots: [/etc, /usr/bin]\n"

static void put_system_with_fifo(void)
{
	put_system();
	ck_assert_int_eq(mkfifo("root/etc/fifo", 0600), 0);
}

static char *read_text(const char *path)
{
	char *text = NULL;
	size_t len;

	ck_assert_int_eq(fim_file_read(path, 1 << 24, &text, &len), 0);
	return text;
}

/* ---- lines of a baseline, to be put together wrongly */

static char *line[LINES_MAX];
static size_t line_count;

/* What was a line once stays reachable: leak checkers need not know about it. */
static char *keep(char *text)
{
	static char *kept[16 * LINES_MAX];
	static size_t count;

	ck_assert_ptr_nonnull(text);
	ck_assert_uint_lt(count, COUNT(kept));
	kept[count++] = text;
	return text;
}

static void load_lines(void)
{
	char *text, *save = NULL, *part;

	put_system_with_fifo();
	ck_assert_int_eq(create("root", POLICY, "base.ndjson"), 0);
	text = read_text("base.ndjson");
	for (part = strtok_r(text, "\n", &save); part; part = strtok_r(NULL, "\n", &save))
		line[line_count++] = keep(strdup(part));
	free(text);
}

static char *join(size_t count)
{
	char *text = NULL;
	size_t len, i;
	FILE *out = open_memstream(&text, &len);

	for (i = 0; i < count; i++)
		fprintf(out, "%s\n", line[i]);
	fclose(out);
	return text;
}

/* Replaces the trailer by the right one, so that only what was meant to be wrong is. */
static char *sealed(size_t objects)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], *text;

	text = join(line_count - 1);
	ck_assert_int_eq(fim_sha256(text, strlen(text), digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	free(text);
	ck_assert_int_gt(asprintf(&text, "{\"count\":%zu,\"root_digest\":\"%s\"}", objects, hex),
			 0);
	line[line_count - 1] = keep(text);
	return join(line_count);
}

static int parse(const char *text, size_t len)
{
	struct fim_baseline *baseline = NULL;
	int err = fim_baseline_parse(text, len, "b.ndjson", &baseline);

	ck_assert_int_eq(err, baseline ? 0 : -EINVAL);
	fim_baseline_free(baseline);
	return err;
}

static void assert_refused(const char *text, const char *message)
{
	fixture_log[0] = '\0';
	ck_assert_int_eq(parse(text, strlen(text)), -EINVAL);
	assert_logged("b.ndjson:");
	assert_logged(message);
}

START_TEST(the_empty_baseline_is_refused)
{
	assert_refused("", "b.ndjson:1: the baseline is empty");
	assert_refused("\n", "b.ndjson:1: not JSON");
	assert_refused("{}\n", "b.ndjson:1: not a baseline");
	assert_refused("[]\n", "b.ndjson:1: not a baseline");
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	char *text;
	size_t len;

	load_lines();
	text = join(line_count);
	ck_assert_int_eq(parse(text, strlen(text)), 0);
	for (len = 0; len < strlen(text); len++)
		ck_assert_int_eq(parse(text, len), -EINVAL);
	fixture_log[0] = '\0';
	ck_assert_int_eq(parse(text, strlen(text) - 1), -EINVAL);
	assert_logged("the last line is not complete");
	free(text);
}
END_TEST

/* ---- as long as the real ones, of which two threads read each a half */

#define MANY 9000
/* In the second half: one that the short way cannot take, and one that will be damaged. */
#define ODD	8000
#define DAMAGED 8500

/* Lines of a baseline with MANY files in /usr/bin; the one @damaged has no type. */
static char *many_lines(size_t damaged)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], *text = NULL;
	size_t len, i;
	FILE *out;

	load_lines();
	out = open_memstream(&text, &len);
	fprintf(out, "%s\n", line[0]);
	for (i = 0; i < MANY; i++)
		fprintf(out,
			"{\"path\":\"/usr/bin/%s%05zu\",\"type\":\"%s\",\"mode\":\"0755\",\"uid\":0,\"gid\":%zu,\"size\":%zu,\"sha256\":\"%064zx\",\"nlink\":1}\n",
			i == ODD ? "\\u0061" : "a", i, i == damaged ? "fyle" : "file", i, i, i);
	fflush(out);
	ck_assert_int_eq(fim_sha256(text, len, digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	fprintf(out, "{\"count\":%d,\"root_digest\":\"%s\"}\n", MANY, hex);
	fclose(out);
	ck_assert_uint_gt(len, 1 << 20);
	return text;
}

START_TEST(each_half_of_a_long_one_is_read)
{
	char *text = many_lines(MANY), path[32];
	struct fim_baseline *baseline = NULL;
	const struct fim_entry *entry;
	size_t i;

	ck_assert_msg(!fim_baseline_parse(text, strlen(text), "b.ndjson", &baseline), "%s",
		      fixture_log);
	ck_assert_uint_eq(fim_baseline_count(baseline), MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/usr/bin/a%05zu", i);
		entry = fim_baseline_index(baseline, i);
		ck_assert_str_eq(entry->path, path);
		ck_assert_uint_eq(entry->state.gid, i);
		ck_assert_uint_eq(entry->state.size, i);
	}
	fim_baseline_free(baseline);
	free(text);
}
END_TEST

START_TEST(an_error_in_the_second_half_is_named_by_its_line)
{
	char *text = many_lines(DAMAGED), message[64];

	/* The header is line 1. */
	snprintf(message, sizeof(message), "b.ndjson:%d: ", DAMAGED + 2);
	assert_refused(text, message);
	free(text);
}
END_TEST

START_TEST(an_error_in_the_first_half_is_told_first)
{
	char *text = many_lines(DAMAGED);

	memcpy(strstr(text, "a00007"), "a00006", 6);
	assert_refused(text, "b.ndjson:9: path is there twice");
	free(text);
}
END_TEST

/* One thread reads what another computes the digest of, in pieces of a mebibyte. */
START_TEST(a_long_file_has_the_digest_of_all_of_it)
{
	char *text = many_lines(MANY);
	size_t len = strlen(text), places[] = {400, (1 << 20) - 1, 1 << 20, len - 3};
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_baseline *baseline = NULL;
	char hex[FIM_SHA256_HEX_SIZE];

	ck_assert_int_eq(fim_sha256(text, len, digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	put_text("long.ndjson", text);
	ck_assert_msg(!fim_baseline_open("long.ndjson", NULL, NULL, &baseline), "%s", fixture_log);
	ck_assert_uint_eq(fim_baseline_count(baseline), MANY);
	ck_assert_str_eq(fim_baseline_digest(baseline), hex);
	fim_baseline_free(baseline);
	for (size_t i = 0; i < COUNT(places); i++) {
		text[places[i]] ^= 1;
		put_text("long.ndjson", text);
		text[places[i]] ^= 1;
		ck_assert_int_eq(fim_baseline_open("long.ndjson", NULL, NULL, &baseline), -EINVAL);
	}
	text[len - 1] = '\0';
	put_text("long.ndjson", text);
	fixture_log[0] = '\0';
	ck_assert_int_eq(fim_baseline_open("long.ndjson", NULL, NULL, &baseline), -EINVAL);
	assert_logged("the last line is not complete");
	free(text);
}
END_TEST

START_TEST(one_flipped_bit_anywhere_is_refused)
{
	char *text;
	size_t i, len;

	load_lines();
	text = join(line_count);
	len = strlen(text);
	for (i = 0; i < len; i++) {
		char bit = (char)(1 << (i + 3 * (size_t)_i) % 8);

		text[i] ^= bit;
		fixture_log[0] = '\0';
		ck_assert_msg(parse(text, len) == -EINVAL, "byte %zu, bit %d", i, bit);
		assert_logged("b.ndjson:");
		text[i] ^= bit;
	}
	ck_assert_int_eq(parse(text, len), 0);
	free(text);
}
END_TEST

START_TEST(a_missing_or_wrong_trailer_is_refused)
{
	char *text;

	load_lines();
	text = join(line_count - 1);
	assert_refused(text, "the last line is not a trailer");
	assert_refused("{\"format\":\"ecs-fim-baseline\"}\n", "b.ndjson:1: ");
	free(text);
	text = join(1);
	assert_refused(text, "there is no trailer");
	free(text);
	text = sealed(line_count - 3);
	assert_refused(text, "the count in the trailer is not the number of objects");
	free(text);
	text = sealed(line_count - 2);
	ck_assert_int_eq(parse(text, strlen(text)), 0);
	line[line_count] = line[line_count - 1];
	line_count++;
	free(text);
	text = join(line_count);
	assert_refused(text, "unknown member \"count\""); /* a trailer among the objects */
	free(text);
}
END_TEST

START_TEST(lines_out_of_order_or_twice_are_refused)
{
	char *first, *second, *text, expected[64];
	size_t i;

	load_lines();
	for (i = 2; i + 1 < line_count; i++) {
		first = line[i - 1];
		second = line[i];
		line[i - 1] = second;
		line[i] = first;
		text = sealed(line_count - 2);
		snprintf(expected, sizeof(expected), "b.ndjson:%zu: path is out of order", i + 1);
		assert_refused(text, expected);
		free(text);
		line[i - 1] = first;
		text = sealed(line_count - 2);
		snprintf(expected, sizeof(expected), "b.ndjson:%zu: path is there twice", i + 1);
		assert_refused(text, expected);
		free(text);
		line[i] = second;
	}
}
END_TEST

START_TEST(a_line_left_out_is_refused)
{
	char *text;
	size_t i;

	load_lines();
	for (i = 1; i + 1 < line_count; i++) {
		char *saved = line[i];

		memmove(&line[i], &line[i + 1], (line_count - i - 1) * sizeof(*line));
		text = join(line_count - 1);
		assert_refused(text, "the count in the trailer");
		free(text);
		memmove(&line[i + 1], &line[i], (line_count - i - 1) * sizeof(*line));
		line[i] = saved;
	}
}
END_TEST

#define DIR_MEMBERS "\"type\":\"dir\",\"mode\":\"0755\",\"uid\":0,\"gid\":0"

static const struct {
	const char *object;
	const char *message;
} bad_objects[] = {
	{"", "not JSON"},
	{"null", "not an object"},
	{"[]", "not an object"},
	{"{}", "\"path\" is missing"},
	{"{" DIR_MEMBERS "}", "\"path\" is missing"},
	{"{\"path\":5," DIR_MEMBERS "}", "\"path\" is missing, not a string"},
	{"{\"path\":\"\"," DIR_MEMBERS "}", "path is not absolute"},
	{"{\"path\":\"etc/zz\"," DIR_MEMBERS "}", "path is not absolute"},
	{"{\"path\":\"/etc/zz/\"," DIR_MEMBERS "}", "path ends with '/'"},
	{"{\"path\":\"/etc//zz\"," DIR_MEMBERS "}", "path has an empty component"},
	{"{\"path\":\"/etc/../zz\"," DIR_MEMBERS "}", "path has a component"},
	{"{\"path\":\"/opt\"," DIR_MEMBERS "}", "path is outside the roots"},
	{"{\"path\":\"/\"," DIR_MEMBERS "}", "path is outside the roots"},
	{"{\"path_hex\":\"2f6574632f7a7a\"," DIR_MEMBERS "}", "not hex"}, /* is text */
	{"{\"path_hex\":\"2f6574632f7a00ff\"," DIR_MEMBERS "}", "path has a NUL"},
	{"{\"path\":\"/etc/zz\",\"path_hex\":\"2f6574632fff\"," DIR_MEMBERS "}", "not hex"},
	{"{\"path\":\"/etc/zz\",\"path\":\"/etc/zz\"," DIR_MEMBERS "}", "not JSON"},
	{"{\"path\":\"/etc/zz\"}", "\"type\" is missing"},
	{"{\"path\":\"/etc/zz\",\"type\":\"none\"}", "type \"none\" in a baseline"},
	{"{\"path\":\"/etc/zz\",\"colour\":1," DIR_MEMBERS "}", "unknown member \"colour\""},
	{"{\"path\":\"/etc/zz\",\"package\":1," DIR_MEMBERS "}", "\"package\" is not a string"},
	{"{\"path\":\"/etc/zz\",\"type\":\"file\",\"mode\":\"0755\",\"uid\":0,\"gid\":0,\"size\":0,\"nlink\":1}",
	 "\"sha256\" is missing"},
	{"{\"path\":\"/etc/zz\"," DIR_MEMBERS "}x", "not JSON"},
	{"\xef\xbb\xbf{\"path\":\"/etc/zz\"," DIR_MEMBERS "}", "not JSON"},
};

START_TEST(an_object_that_is_wrong_is_refused_with_line_and_reason)
{
	char expected[256], *text;
	size_t i;

	load_lines();
	/* behind the objects of /etc, which are all but the last three */
	for (i = 1; strstr(line[i], "\"/etc"); i++)
		;
	memmove(&line[i + 1], &line[i], (line_count - i) * sizeof(*line));
	line_count++;
	line[i] = keep(strdup("{\"path\":\"/etc/zz\"," DIR_MEMBERS "}"));
	text = sealed(line_count - 2);
	ck_assert_int_eq(parse(text, strlen(text)), 0);
	free(text);
	line[i] = keep(strdup(bad_objects[_i].object));
	text = sealed(line_count - 2);
	snprintf(expected, sizeof(expected), "b.ndjson:%zu: ", i + 1);
	assert_refused(text, expected);
	assert_logged(bad_objects[_i].message);
	free(text);
}
END_TEST

static const struct {
	const char *from;
	const char *to;
	const char *message;
} bad_headers[] = {
	{"\"format\":\"ecs-fim-baseline\"", "\"format\":\"aide\"", "not a baseline"},
	{"\"version\":1", "\"version\":2", "does not know"},
	{"\"version\":1", "\"version\":\"1\"", "does not know"},
	{"\"hash\":\"sha256\"", "\"hash\":\"md5\"", "\"hash\" is not sha256"},
	{"\"hash\":\"sha256\"", "\"more\":1", "unknown member \"more\""},
	{"\"created\":\"20", "\"created\":\"x20", "\"created\" is not a time"},
	{"\"tool\":\"ecs-fim", "\"tool\":5,\"root_hex\":\"x", "\"tool\" is missing"},
	{"\"root\":\"/", "\"root\":\"", "\"root\" is not an absolute path"},
	{"\"provenance\":{}", "\"provenance\":[]", "\"provenance\" is not an object"},
	{"\"roots\":[\"/etc\",", "\"roots\":[", "\"policy_digest\" is not that"},
	{"\"roots\":[\"/etc\",", "\"roots\":[\"etc\",", "policy: etc is not absolute"},
	{"\"rules\":[]", "\"rules\":5", "policy: rules is not a list"},
	{"\"policy\":{", "\"policy\":{\"x\":1,", "policy: x is unknown"},
	{"\"policy_digest\":\"", "\"policy_digest\":\"0", "\"policy_digest\" is not that"},
};

START_TEST(a_header_that_is_wrong_is_refused)
{
	char *at, *text, *changed;

	load_lines();
	at = strstr(line[0], bad_headers[_i].from);
	ck_assert_ptr_nonnull(at);
	ck_assert_int_gt(asprintf(&changed, "%.*s%s%s", (int)(at - line[0]), line[0],
				  bad_headers[_i].to, at + strlen(bad_headers[_i].from)),
			 0);
	line[0] = keep(changed);
	text = sealed(line_count - 2);
	assert_refused(text, bad_headers[_i].message);
	assert_logged("b.ndjson:1: ");
	free(text);
}
END_TEST

START_TEST(a_nul_or_a_carriage_return_is_refused)
{
	char *text;
	size_t len;

	load_lines();
	text = join(line_count);
	len = strlen(text);
	text[len / 2] = '\0';
	fixture_log[0] = '\0';
	ck_assert_int_eq(parse(text, len), -EINVAL);
	assert_logged("there is a NUL in it");
	free(text);
	ck_assert_int_gt(asprintf(&text, "%s\r", line[line_count - 1]), 0);
	line[line_count - 1] = keep(text);
	text = join(line_count);
	assert_refused(text, "they were changed");
	free(text);
}
END_TEST

START_TEST(an_excluded_path_in_a_baseline_is_refused)
{
	char *text;

	load_lines();
	ck_assert_int_eq(
		create("root",
		       POLICY "rules: [{path: /etc/a, class: excluded, reason: r, approver: a}]\n",
		       "other.ndjson"),
		0);
	text = read_text("other.ndjson");
	line[0] = keep(strndup(text, strcspn(text, "\n")));
	free(text);
	text = sealed(line_count - 2);
	assert_refused(text, "path is excluded by the policy");
	free(text);
}
END_TEST

/* ---- taking one */

static void assert_paths(const char *file, const char *const *paths, size_t count)
{
	struct fim_baseline *baseline = NULL;
	size_t i;

	ck_assert_msg(!fim_baseline_open(file, NULL, NULL, &baseline), "%s", fixture_log);
	for (i = 0; i < count && i < fim_baseline_count(baseline); i++)
		ck_assert_str_eq(fim_baseline_index(baseline, i)->path, paths[i]);
	ck_assert_uint_eq(fim_baseline_count(baseline), count);
	fim_baseline_free(baseline);
}

START_TEST(lines_are_in_byte_order_of_the_whole_path)
{
	static const char *const paths[] = {
		"/etc",	       "/etc/a",   "/etc/a-b",	   "/etc/a/x",	  "/etc/fifo",
		"/etc/passwd", "/usr/bin", "/usr/bin/dir", "/usr/bin/ls",
	};
	static const char *const roots[] = {"/etc/a", "/etc/a-b", "/etc/a/x"};

	put_system_with_fifo();
	ck_assert_int_eq(create("root", POLICY, "base.ndjson"), 0);
	assert_paths("base.ndjson", paths, COUNT(paths));
	/* a root that is a file, and roots whose contents interleave */
	ck_assert_int_eq(
		create("root", "name: n\nversion: 1\nroots: [/etc/a-b, /etc/a]\n", "r.ndjson"), 0);
	assert_paths("r.ndjson", roots, COUNT(roots));
}
END_TEST

START_TEST(what_is_excluded_is_left_out_unless_a_rule_below_says_otherwise)
{
	static const char *const paths[] = {"/etc", "/etc/a-b", "/etc/a/x", "/etc/fifo",
					    "/etc/passwd"};

	put_system_with_fifo();
	put_text("root/etc/a/y", "y");
	ck_assert_int_eq(create("root",
				"name: n\nversion: 1\nroots: [/etc]\nrules:\n"
				"  - {path: /etc/a, class: excluded, reason: r, approver: a}\n"
				"  - {path: /etc/a/x, class: strict}\n",
				"base.ndjson"),
			 0);
	assert_paths("base.ndjson", paths, COUNT(paths));
}
END_TEST

START_TEST(the_whole_system_can_be_a_root)
{
	static const char *const paths[] = {"/", "/etc", "/etc/x"};

	put_dir("root");
	put_dir("root/etc");
	put_text("root/etc/x", "x");
	ck_assert_int_eq(create("root", "name: n\nversion: 1\nroots: [/]\n", "base.ndjson"), 0);
	assert_paths("base.ndjson", paths, COUNT(paths));
}
END_TEST

START_TEST(two_runs_differ_in_first_and_last_line_only)
{
	char *first, *second;

	put_system_with_fifo();
	ck_assert_int_eq(create("root", POLICY, "1.ndjson"), 0);
	ck_assert_int_eq(create("root", POLICY, "2.ndjson"), 0);
	first = read_text("1.ndjson");
	second = read_text("2.ndjson");
	ck_assert_str_ne(first, second);
	shell("sed '1d;$d' 1.ndjson > 1; sed '1d;$d' 2.ndjson > 2; cmp 1 2 && test -s 1");
	free(first);
	free(second);
}
END_TEST

START_TEST(names_that_are_not_text_survive)
{
	char longest[300] = "root/etc/", expected[300] = "/etc/";
	struct fim_baseline *baseline = NULL;
	const struct fim_entry *entry;

	put_system_with_fifo();
	memset(longest + 9, 'n', 255);
	memset(expected + 5, 'n', 255);
	put_text(longest, "long");
	put_text("root/etc/new\nline", "1");
	put_text("root/etc/\xff\xfe", "2");
	ck_assert_int_eq(symlink("\xfe\n", "root/etc/link"), 0);
	ck_assert_int_eq(setxattr("root/etc/passwd", "trusted.\xff", "v", 1, 0), 0);
	ck_assert_int_eq(create("root", POLICY, "base.ndjson"), 0);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, NULL, &baseline), 0);
	ck_assert_ptr_nonnull(fim_baseline_lookup(baseline, expected));
	ck_assert_ptr_nonnull(fim_baseline_lookup(baseline, "/etc/new\nline"));
	entry = fim_baseline_lookup(baseline, "/etc/\xff\xfe");
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->state.size, 1);
	entry = fim_baseline_lookup(baseline, "/etc/link");
	ck_assert_str_eq(entry->state.target, "\xfe\n");
	entry = fim_baseline_lookup(baseline, "/etc/passwd");
	ck_assert_str_eq(entry->state.xattrs[0].name, "trusted.\xff");
	ck_assert_ptr_null(fim_baseline_lookup(baseline, "/etc/nothing"));
	fim_baseline_free(baseline);
}
END_TEST

START_TEST(metadata_paths_are_listed_without_digest)
{
	struct fim_baseline *baseline = NULL;

	put_system_with_fifo();
	ck_assert_int_eq(create("root",
				POLICY "rules: [{path: /etc/a, class: metadata, reason: r}]\n",
				"base.ndjson"),
			 0);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, NULL, &baseline), 0);
	ck_assert(!fim_baseline_lookup(baseline, "/etc/a/x")->state.has_digest);
	ck_assert(fim_baseline_lookup(baseline, "/etc/a-b")->state.has_digest);
	fim_baseline_free(baseline);
}
END_TEST

START_TEST(a_root_that_is_not_there_is_said)
{
	static const char *const paths[] = {"/etc/a", "/etc/a/x"};

	put_system_with_fifo();
	ck_assert_int_eq(
		create("root", "name: n\nversion: 1\nroots: [/etc/a, /opt]\n", "base.ndjson"), 0);
	assert_logged("/opt: root of the policy is not there");
	assert_paths("base.ndjson", paths, COUNT(paths));
	ck_assert_int_eq(create("missing", POLICY, "other.ndjson"), -ENOENT);
	assert_logged("missing: cannot open");
}
END_TEST

static void assert_nothing_left(const char *directory)
{
	char command[128];

	snprintf(command, sizeof(command), "test -z \"$(ls -A %s)\"", directory);
	shell(command);
}

START_TEST(a_file_that_cannot_be_measured_means_no_baseline)
{
	put_system_with_fifo();
	put_dir("out");
	ck_assert_int_eq(chmod("root/etc/passwd", 0), 0);
	ck_assert_int_eq(chmod("root/etc/a/x", 0), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	ck_assert_int_eq(chown("out", 65534, 65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(create("root", POLICY, "out/base.ndjson"), -EACCES);
	ck_assert_int_eq(seteuid(0), 0);
	/* all of them are named, not only the first */
	assert_logged("/etc/a/x: cannot be measured: Permission denied");
	assert_logged("/etc/passwd: cannot be measured: Permission denied");
	assert_logged("no baseline was written");
	assert_nothing_left("out");
}
END_TEST

START_TEST(failure_leaves_the_old_baseline)
{
	struct rlimit limit = {.rlim_cur = 100, .rlim_max = 100};
	int status;
	pid_t pid;

	put_system_with_fifo();
	put_dir("out");
	put_text("out/base.ndjson", "old");
	pid = fork();
	if (!pid) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(create("root", POLICY, "out/base.ndjson") == -EFBIG ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	shell("test \"$(cat out/base.ndjson)\" = old && test \"$(ls -A out)\" = base.ndjson");
}
END_TEST

static void die(void *ctx, const struct fim_progress *progress)
{
	(void)progress;
	kill(getpid(), *(int *)ctx);
}

START_TEST(a_signal_in_the_middle_leaves_nothing)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGKILL};
	int deadly = signals[_i], status, i;
	char name[64];
	pid_t pid;

	put_system_with_fifo();
	put_dir("out");
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "root/etc/file-%d", i);
		put_text(name, name);
	}
	pid = fork();
	if (!pid) {
		struct fim_policy *policy = policy_of(POLICY);
		struct fim_baseline_params params = {
			.root = "root", .policy = policy, .progress = die, .progress_ctx = &deadly};

		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		fim_baseline_create(&params, "out/base.ndjson", NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	assert_nothing_left("out");
}
END_TEST

START_TEST(only_a_regular_file_is_replaced)
{
	put_system_with_fifo();
	ck_assert_int_eq(symlink("elsewhere", "link"), 0);
	ck_assert_int_eq(create("root", POLICY, "link"), -EINVAL);
	assert_logged("link: exists and is not a regular file");
	ck_assert_int_eq(create("root", POLICY, "root"), -EINVAL);
	ck_assert_int_eq(create("root", POLICY, "root/"), -EISDIR);
	ck_assert_int_eq(create("root", POLICY, "nowhere/base"), -ENOENT);
	ck_assert(!exists("elsewhere"));
}
END_TEST

START_TEST(provenance_is_recorded)
{
	struct fim_policy *policy = policy_of(POLICY);
	struct fim_json *provenance = fim_json_object();
	struct fim_baseline_params params = {
		.root = "root", .policy = policy, .provenance = provenance};
	struct fim_baseline *baseline = NULL;
	struct fim_progress done;

	put_system_with_fifo();
	fim_json_set_str(provenance, "image", "ami-1");
	ck_assert_int_eq(fim_baseline_create(&params, "base.ndjson", &done), 0);
	ck_assert_uint_eq(done.files, 9);
	ck_assert_uint_eq(done.bytes, 1 + 7 + 11 + 12);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, NULL, &baseline), 0);
	ck_assert_str_eq(
		fim_json_str(fim_json_at(fim_baseline_header(baseline), "provenance/image")),
		"ami-1");
	ck_assert_str_eq(fim_policy_digest(fim_baseline_policy(baseline)),
			 fim_policy_digest(policy));
	ck_assert_str_eq(fim_baseline_key_id(baseline), "");
	fim_baseline_free(baseline);
	fim_json_free(provenance);
	fim_policy_free(policy);
}
END_TEST

static const char *package_of(const struct fim_baseline *baseline, const char *path)
{
	const struct fim_entry *entry = fim_baseline_lookup(baseline, path);

	ck_assert_msg(entry != NULL, "%s", path);
	return entry->package ? entry->package : "none";
}

START_TEST(packages_are_found_through_merged_usr)
{
	struct fim_baseline *baseline = NULL;

	put_system_with_fifo();
	shell("mkdir -p root/var/lib/dpkg/info && cd root/var/lib/dpkg/info &&"
	      "printf '/.\n/bin\n/bin/ls\n/etc\n/usr/bin\n' > coreutils.list &&"
	      "printf '/.\n/etc\n/etc/passwd\n/usr/bin\n' > base-passwd:amd64.list &&"
	      "printf '/etc/a-b' > one:amd64.list && printf '/etc/a-b\n' > one:i386.list &&"
	      "printf '/etc/a\n' > not-a-list.md5sums && mkfifo fifo.list &&"
	      "printf 'rubbish\n\n/etc/a\n' > owner.list");
	ck_assert_int_eq(symlink("usr/bin", "root/bin"), 0);
	ck_assert_int_eq(create("root", POLICY, "base.ndjson"), 0);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, NULL, &baseline), 0);
	ck_assert_str_eq(package_of(baseline, "/usr/bin/ls"), "coreutils");
	ck_assert_str_eq(package_of(baseline, "/etc/passwd"), "base-passwd");
	ck_assert_str_eq(package_of(baseline, "/etc/a-b"), "one");
	ck_assert_str_eq(package_of(baseline, "/etc/a"), "owner");
	ck_assert_str_eq(package_of(baseline, "/etc"), "none"); /* of two */
	ck_assert_str_eq(package_of(baseline, "/usr/bin/dir"), "none");
	fim_baseline_free(baseline);
}
END_TEST

START_TEST(sha256sum_agrees_with_the_export)
{
	struct fim_baseline *baseline = NULL;
	FILE *out;

	put_system_with_fifo();
	put_text("root/etc/new\nline", "1");
	put_text("root/etc/back\\slash", "2");
	put_text("root/etc/carriage\rreturn", "3");
	put_text("root/etc/\xff", "4");
	put_text("root/etc/ two  spaces", "5");
	ck_assert_int_eq(create("root", POLICY, "base.ndjson"), 0);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, NULL, &baseline), 0);
	out = fopen("sums", "w");
	ck_assert_int_eq(fim_baseline_export_sha256sums(baseline, out), 0);
	fclose(out);
	shell("test $(wc -l < sums) -eq 9 && sha256sum -c --strict --quiet sums");
	/* byte for byte what sha256sum itself writes */
	shell("find $PWD/root/etc $PWD/root/usr/bin -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum > theirs");
	shell("cmp sums theirs");
	put_text("root/etc/back\\slash", "x");
	shell("! sha256sum -c --status sums");
	out = fopen("/dev/full", "w");
	ck_assert_int_eq(fim_baseline_export_sha256sums(baseline, out), -ENOSPC);
	fclose(out);
	fim_baseline_free(baseline);
}
END_TEST

/* ---- with its signature */

static const char *const keys[] = {"pub.pem", NULL};

static void sign_baseline(void)
{
	put_system_with_fifo();
	ck_assert_int_eq(create("root", POLICY, "base.ndjson"), 0);
	shell("openssl ecparam -genkey -name prime256v1 -noout -out key.pem &&"
	      "openssl pkey -in key.pem -pubout -out pub.pem &&"
	      "openssl dgst -sha256 -sign key.pem -out base.sig base.ndjson");
}

START_TEST(a_signed_baseline_opens_and_knows_its_key)
{
	struct fim_baseline *baseline = NULL;
	char command[256];

	sign_baseline();
	ck_assert_int_eq(fim_baseline_open("base.ndjson", "base.sig", keys, &baseline), 0);
	ck_assert_uint_eq(strlen(fim_baseline_key_id(baseline)), 64);
	snprintf(command, sizeof(command), "sha256sum base.ndjson | grep -q ^%s",
		 fim_baseline_digest(baseline));
	shell(command);
	fim_baseline_free(baseline);
}
END_TEST

START_TEST(one_flipped_byte_makes_the_signature_fail)
{
	struct fim_baseline *baseline = NULL;
	char *text;
	size_t i, len;

	sign_baseline();
	text = read_text("base.ndjson");
	len = strlen(text);
	for (i = 0; i < len; i += 1 + len / 100) {
		text[i] ^= 1;
		put_bytes("base.ndjson", text, len);
		ck_assert_int_eq(fim_baseline_open("base.ndjson", "base.sig", keys, &baseline),
				 -EKEYREJECTED);
		text[i] ^= 1;
	}
	assert_logged(
		"base.ndjson: signature base.sig is not valid: the file or its signature was changed");
	ck_assert_ptr_null(baseline);
	free(text);
}
END_TEST

START_TEST(without_a_valid_signature_nothing_is_parsed)
{
	static const char *const none[] = {NULL};
	struct fim_baseline *baseline = NULL;

	sign_baseline();
	put_text("base.ndjson", "not even JSON");
	ck_assert_int_eq(fim_baseline_open("base.ndjson", "base.sig", keys, &baseline),
			 -EKEYREJECTED);
	ck_assert_ptr_null(strstr(fixture_log, "JSON"));
	ck_assert_int_eq(fim_baseline_open("base.ndjson", "base.sig", none, &baseline), -ENOKEY);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", "base.sig", NULL, &baseline), -ENOKEY);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", NULL, keys, &baseline), -EKEYREJECTED);
	ck_assert_int_eq(fim_baseline_open("base.ndjson", "missing.sig", keys, &baseline), -ENOENT);
	ck_assert_int_eq(fim_baseline_open("missing.ndjson", "base.sig", keys, &baseline), -ENOENT);
	put_text("empty.sig", "");
	ck_assert_int_eq(fim_baseline_open("base.ndjson", "empty.sig", keys, &baseline),
			 -EKEYREJECTED);
}
END_TEST

#define MUTATIONS 10000

/* Some bytes flipped, cut off, a line there twice, two lines in each other's place; malloc'ed. */
static char *mutated(const char *text, size_t *len, size_t kind)
{
	char *copy = malloc(*len + 1), *first, *second;
	size_t a = (size_t)random() % (line_count - 1), b = a + 1, i;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, *len + 1);
	switch (kind) {
	case 0:
		for (i = 0; i <= (size_t)random() % 4; i++)
			copy[(size_t)random() % *len] ^= (char)(1 + random() % 255);
		break;
	case 1:
		*len = (size_t)random() % *len;
		break;
	case 2:
	case 3:
		free(copy);
		first = line[a];
		second = line[b];
		line[a] = kind == 2 ? second : first;
		line[b] = first;
		copy = join(line_count);
		*len = strlen(copy);
		line[a] = first;
		line[b] = second;
		break;
	}
	return copy;
}

START_TEST(ten_thousand_mutations_are_refused_with_line_and_reason)
{
	size_t i, len, refused = 0;
	char *text, *copy;
	const char *place;

	srandom(1);
	load_lines();
	text = keep(join(line_count));
	for (i = 0; i < MUTATIONS; i++) {
		len = strlen(text);
		copy = mutated(text, &len, i % 4);
		/* Bytes may have been flipped there and back. */
		if (len != strlen(text) || memcmp(copy, text, len) != 0) {
			fixture_log[0] = '\0';
			ck_assert_int_eq(parse(copy, len), -EINVAL);
			place = strstr(fixture_log, "b.ndjson:");
			ck_assert_msg(place && place[9] >= '1' && place[9] <= '9' &&
					      strstr(place, ": "),
				      "no line: %s", fixture_log);
			refused++;
		}
		free(copy);
	}
	ck_assert_uint_gt(refused, MUTATIONS - 100);
}
END_TEST

/* BASELINE_SWAPS=n for more. */
#define SWAPS 1000

static size_t swap_count(void)
{
	const char *text = getenv("BASELINE_SWAPS");

	return text ? strtoul(text, NULL, 10) : SWAPS;
}

/* A signature that is not this file's: of another file, by another key, damaged, cut off; its length. */
static size_t swapped(unsigned char *signature, size_t kind)
{
	static const char *const others[] = {"other.sig", "base.other-key.sig"};
	size_t len;
	char *bytes;

	if (kind < 2) {
		ck_assert_int_eq(fim_file_read(others[kind], 4096, &bytes, &len), 0);
	} else {
		ck_assert_int_eq(fim_file_read("base.sig", 4096, &bytes, &len), 0);
		if (kind == 2)
			bytes[(size_t)random() % len] ^= (char)(1 + random() % 255);
		else
			len = (size_t)random() % len;
	}
	memcpy(signature, bytes, len);
	free(bytes);
	return len;
}

START_TEST(swapped_and_damaged_signatures_are_refused_with_line_and_reason)
{
	struct fim_baseline *baseline = NULL;
	unsigned char signature[4096];
	const char *place;
	size_t i, len;

	srandom(2);
	sign_baseline();
	shell("cp base.ndjson other.ndjson && sed -i 's/\"created\"/\"Created\"/' other.ndjson &&"
	      "openssl dgst -sha256 -sign key.pem -out other.sig other.ndjson &&"
	      "openssl ecparam -genkey -name prime256v1 -noout -out key2.pem &&"
	      "openssl dgst -sha256 -sign key2.pem -out base.other-key.sig base.ndjson");
	for (i = 0; i < swap_count(); i++) {
		len = swapped(signature, i % 4);
		put_bytes("swap.sig", (char *)signature, len);
		fixture_log[0] = '\0';
		ck_assert_int_eq(fim_baseline_open("base.ndjson", "swap.sig", keys, &baseline),
				 -EKEYREJECTED);
		place = strstr(fixture_log, "base.ndjson:");
		ck_assert_ptr_nonnull(strstr(fixture_log, "signature swap.sig is not valid"));
		while (place && (place[12] < '1' || place[12] > '9'))
			place = strstr(place + 1, "base.ndjson:");
		ck_assert_msg(place && strstr(place, "not what this signature was made for"),
			      "no line: %s", fixture_log);
	}
	ck_assert_ptr_null(baseline);
}
END_TEST

static void add_parser_tests(TCase *tcase)
{
	tcase_add_test(tcase, ten_thousand_mutations_are_refused_with_line_and_reason);
	tcase_add_test(tcase, the_empty_baseline_is_refused);
	tcase_add_test(tcase, every_truncation_is_refused);
	tcase_add_loop_test(tcase, one_flipped_bit_anywhere_is_refused, 0, 2);
	tcase_add_test(tcase, a_missing_or_wrong_trailer_is_refused);
	tcase_add_test(tcase, lines_out_of_order_or_twice_are_refused);
	tcase_add_test(tcase, a_line_left_out_is_refused);
	tcase_add_loop_test(tcase, an_object_that_is_wrong_is_refused_with_line_and_reason, 0,
			    COUNT(bad_objects));
	tcase_add_loop_test(tcase, a_header_that_is_wrong_is_refused, 0, COUNT(bad_headers));
	tcase_add_test(tcase, a_nul_or_a_carriage_return_is_refused);
	tcase_add_test(tcase, an_excluded_path_in_a_baseline_is_refused);
}

static void add_writer_tests(TCase *tcase)
{
	tcase_add_test(tcase, lines_are_in_byte_order_of_the_whole_path);
	tcase_add_test(tcase, what_is_excluded_is_left_out_unless_a_rule_below_says_otherwise);
	tcase_add_test(tcase, the_whole_system_can_be_a_root);
	tcase_add_test(tcase, two_runs_differ_in_first_and_last_line_only);
	tcase_add_test(tcase, names_that_are_not_text_survive);
	tcase_add_test(tcase, metadata_paths_are_listed_without_digest);
	tcase_add_test(tcase, a_root_that_is_not_there_is_said);
	tcase_add_test(tcase, a_file_that_cannot_be_measured_means_no_baseline);
	tcase_add_test(tcase, failure_leaves_the_old_baseline);
	tcase_add_loop_test(tcase, a_signal_in_the_middle_leaves_nothing, 0, 3);
	tcase_add_test(tcase, only_a_regular_file_is_replaced);
	tcase_add_test(tcase, provenance_is_recorded);
	tcase_add_test(tcase, packages_are_found_through_merged_usr);
	tcase_add_test(tcase, each_half_of_a_long_one_is_read);
	tcase_add_test(tcase, an_error_in_the_second_half_is_named_by_its_line);
	tcase_add_test(tcase, an_error_in_the_first_half_is_told_first);
	tcase_add_test(tcase, a_long_file_has_the_digest_of_all_of_it);
	tcase_add_test(tcase, sha256sum_agrees_with_the_export);
}

int main(void)
{
	Suite *suite = suite_create("baseline");
	TCase *tcase = tcase_create("baseline");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	add_parser_tests(tcase);
	add_writer_tests(tcase);
	tcase_add_test(tcase, a_signed_baseline_opens_and_knows_its_key);
	tcase_add_test(tcase, one_flipped_byte_makes_the_signature_fail);
	tcase_add_test(tcase, swapped_and_damaged_signatures_are_refused_with_line_and_reason);
	tcase_add_test(tcase, without_a_valid_signature_nothing_is_parsed);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
