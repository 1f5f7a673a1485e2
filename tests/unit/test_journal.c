/* SPDX-License-Identifier: Apache-2.0 */
/* The journal against crashes, full disks, second writers and people with an editor. */
#include "fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEGMENT	     "j/journal.ndjson"
#define RECORDS	     5

static char bytes[1 << 20];
static size_t bytes_len;

static struct fim_journal *open_journal(void)
{
	struct fim_journal *journal;

	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = "j"}, &journal), 0);
	return journal;
}

static uint64_t append(struct fim_journal *journal, const char *type, int number)
{
	struct fim_json *body = fim_json_object();
	uint64_t seq;

	fim_json_set_int(body, "number", number);
	ck_assert_int_eq(fim_journal_append(journal, type, body, &seq, NULL), 0);
	fim_json_free(body);
	return seq;
}

static void load(void)
{
	FILE *in = fopen(SEGMENT, "r");

	ck_assert_ptr_nonnull(in);
	bytes_len = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
}

/* Start and length of line @number, from 1. */
static char *line_at(int number, size_t *len_ret)
{
	char *line = bytes, *newline;

	for (;;) {
		newline = memchr(line, '\n', bytes_len - (size_t)(line - bytes));
		ck_assert_ptr_nonnull(newline);
		*len_ret = (size_t)(newline - line) + 1;
		if (number-- == 1)
			return line;
		line = newline + 1;
	}
}

static void make_journal(void)
{
	struct fim_journal *journal = open_journal();
	int i;

	for (i = 1; i <= RECORDS; i++)
		ck_assert_uint_eq(append(journal, "finding", i), (uint64_t)i);
	fim_journal_close(journal);
	load();
}

static int check_journal(struct fim_journal_check *check)
{
	memset(check, 0, sizeof(*check));
	return fim_journal_read("j", NULL, NULL, check);
}

START_TEST(an_empty_journal_is_good_and_has_no_digest)
{
	struct fim_journal_check check;

	put_dir("j");
	put_text(SEGMENT, "");
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_uint_eq(check.records, 0);
	ck_assert_uint_eq(check.first_bad, 0);
	ck_assert(!check.torn);
	ck_assert_uint_eq(strspn(check.head, "0"), 64);
	fim_journal_close(open_journal());
}
END_TEST

/* Wherever a crash cuts the file: what is before is good, the rest is torn or nothing. */
START_TEST(a_journal_cut_anywhere_is_torn_at_most)
{
	struct fim_journal_check check;
	size_t cut, whole = 0, i;

	make_journal();
	for (cut = bytes_len; cut-- > 0;) {
		put_bytes(SEGMENT, bytes, cut);
		for (whole = 0, i = 0; i < cut; i++)
			whole += bytes[i] == '\n';
		ck_assert_int_eq(check_journal(&check), 0);
		ck_assert_uint_eq(check.records, whole);
		ck_assert_uint_eq(check.first_bad, 0);
		ck_assert(check.torn == (cut > 0 && bytes[cut - 1] != '\n'));
	}
}
END_TEST

START_TEST(a_missing_journal_is_enoent)
{
	struct fim_journal_check check;

	ck_assert_int_eq(check_journal(&check), -ENOENT);
	put_dir("j");
	ck_assert_int_eq(check_journal(&check), -ENOENT);
	assert_logged("journal.ndjson");
}
END_TEST

START_TEST(what_is_not_a_regular_file_is_refused_and_never_waited_for)
{
	struct fim_journal_check check;
	struct fim_journal *journal;

	put_dir("j");
	ck_assert_int_eq(mkfifo(SEGMENT, 0600), 0);
	ck_assert_int_eq(fim_journal_read(SEGMENT, NULL, NULL, &check), -EINVAL);
	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = "j"}, &journal),
			 -EINVAL);
}
END_TEST

START_TEST(a_symlink_does_not_lead_the_writer_elsewhere)
{
	struct fim_journal *journal;

	put_dir("j");
	put_text("elsewhere", "");
	ck_assert_int_eq(symlink("../elsewhere", SEGMENT), 0);
	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = "j"}, &journal),
			 -ELOOP);
}
END_TEST

START_TEST(records_begin_with_the_common_members_in_order)
{
	static const char *const keys[] = {"{\"seq\":1,\"time\":\"2", "\"boot_id\":\"",
					   "\"type\":\"finding\"", "\"prev\":\"00000",
					   "\"number\":1}\n"};
	const char *at;
	size_t i, len;

	make_journal();
	at = line_at(1, &len);
	ck_assert(strncmp(at, keys[0], strlen(keys[0])) == 0);
	for (i = 0; i < COUNT(keys); i++) {
		at = strstr(at, keys[i]);
		ck_assert_msg(at != NULL, "%s", keys[i]);
	}
}
END_TEST

START_TEST(prev_is_the_digest_of_the_line_before_with_its_newline)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	struct fim_journal_check check;
	const char *line;
	size_t len;
	int i;

	make_journal();
	for (i = 1; i <= RECORDS; i++) {
		line = line_at(i, &len);
		ck_assert_int_eq(fim_sha256(line, len, digest), 0);
		fim_hex_encode(digest, sizeof(digest), hex);
		if (i < RECORDS)
			ck_assert_ptr_nonnull(strstr(line_at(i + 1, &len), hex));
	}
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_str_eq(check.head, hex);
}
END_TEST

START_TEST(the_file_is_for_its_owner_only)
{
	struct stat st;

	umask(0);
	make_journal();
	ck_assert_int_eq(stat(SEGMENT, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat("j", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

START_TEST(the_chain_goes_on_after_reopening)
{
	struct fim_journal_check check;
	struct fim_journal *journal;

	make_journal();
	journal = open_journal();
	ck_assert_uint_eq(append(journal, "comparison", 9), RECORDS + 1);
	fim_journal_close(journal);
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_uint_eq(check.records, RECORDS + 1);
}
END_TEST

START_TEST(a_second_writer_is_busy)
{
	struct fim_journal *first = open_journal(), *second;

	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = "j"}, &second),
			 -EBUSY);
	fim_journal_close(first);
	fim_journal_close(open_journal());
}
END_TEST

START_TEST(a_torn_record_is_cut_and_said)
{
	struct fim_journal_check check;
	struct fim_journal *journal;
	char cut[64];
	size_t len;

	make_journal();
	put_bytes(SEGMENT, bytes, bytes_len - 10);
	journal = open_journal();
	ck_assert_uint_eq(append(journal, "finding", 6), RECORDS + 1);
	fim_journal_close(journal);
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_uint_eq(check.records, RECORDS + 1);
	ck_assert(!check.torn);
	line_at(RECORDS, &len);
	snprintf(cut, sizeof(cut), "\"cut_bytes\":%zu", len - 10);
	load();
	ck_assert_ptr_nonnull(strstr(line_at(RECORDS, &len), "\"type\":\"control\""));
	ck_assert_ptr_nonnull(strstr(line_at(RECORDS, &len), "\"component\":\"journal\""));
	ck_assert_ptr_nonnull(strstr(line_at(RECORDS, &len), cut));
}
END_TEST

/* ---- tampering: @number is the first bad record */

enum tamper {
	FLIP_BYTE,
	DELETE_LINE,
	SWAP_LINES,
	INSERT_LINE,
	REPEAT_LINE,
	EMPTY_LINE,
	CUT_INSIDE,
	NUL_BYTE,
	DELETE_FIRST,
	RENUMBER,
};

static const struct {
	enum tamper how;
	uint64_t first_bad;
} tampers[] = {
	{FLIP_BYTE, 4},	 {DELETE_LINE, 3}, {SWAP_LINES, 3}, {INSERT_LINE, 4},  {REPEAT_LINE, 4},
	{EMPTY_LINE, 4}, {CUT_INSIDE, 3},  {NUL_BYTE, 3},   {DELETE_FIRST, 1}, {RENUMBER, 4},
};

static void tamper(enum tamper how)
{
	static const char forged[] =
		"{\"seq\":4,\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"x\","
		"\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\"}\n";
	size_t len, next_len;
	char *line = line_at(3, &len), *next = line_at(4, &next_len);
	FILE *out = fopen(SEGMENT, "w");

	if (how == FLIP_BYTE || how == RENUMBER)
		/* The number inside the body: still JSON, still in order. */
		line[len - 3] = '7';
	else if (how == NUL_BYTE)
		line[len / 2] = '\0';
	if (how == DELETE_FIRST)
		fwrite(line_at(2, &len), 1, bytes_len - (size_t)(line_at(2, &len) - bytes), out);
	else
		fwrite(bytes, 1, (size_t)(line - bytes), out);
	if (how == SWAP_LINES)
		fwrite(next, 1, next_len, out);
	if (how != DELETE_LINE && how != DELETE_FIRST)
		fwrite(line, 1, how == CUT_INSIDE ? len / 2 : len, out);
	if (how == INSERT_LINE)
		fputs(forged, out);
	if (how == REPEAT_LINE)
		fwrite(line, 1, len, out);
	if (how == EMPTY_LINE)
		fputc('\n', out);
	if (how != SWAP_LINES && how != DELETE_FIRST)
		fwrite(next, 1, next_len, out);
	if (how != DELETE_FIRST)
		fwrite(next + next_len, 1, bytes_len - (size_t)(next + next_len - bytes), out);
	fclose(out);
}

START_TEST(tampering_is_found_and_the_first_bad_record_named)
{
	struct fim_journal_check check;
	struct fim_journal *journal;
	char text[32];
	size_t len;

	make_journal();
	tamper(tampers[_i].how);
	ck_assert_int_eq(check_journal(&check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, tampers[_i].first_bad);
	ck_assert_uint_eq(check.records, tampers[_i].first_bad - 1);
	ck_assert_uint_gt(strlen(check.reason), 5);
	snprintf(text, sizeof(text), "record %d", (int)tampers[_i].first_bad);
	assert_logged(text);
	/* And nothing is written to it. */
	load();
	len = bytes_len;
	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = "j"}, &journal),
			 -EBADMSG);
	load();
	ck_assert_uint_eq(bytes_len, len);
}
END_TEST

/* clang-format off */
static const char *const bad_records[] = {
	"[]\n", "null\n", "7\n", "{}\n", "{\"seq\":1}\n",
	"{\"seq\":1.0,\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"%s\"}\n",
	"{\"seq\":\"1\",\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"%s\"}\n",
	"{\"seq\":2,\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"%s\"}\n",
	"{\"seq\":1,\"time\":\"yesterday\",\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"%s\"}\n",
	"{\"seq\":1,\"time\":1,\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"%s\"}\n",
	"{\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"x\",\"prev\":\"%s\"}\n",
	"{\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"\",\"prev\":\"%s\"}\n",
	"{\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"0\"}\n",
	"{\"seq\":1,\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"boot_id\":\"x\",\"type\":\"x\",\"prev\":\"%s\"}\n",
};
/* clang-format on */

START_TEST(a_record_without_what_every_record_has_is_bad)
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	struct fim_journal_check check;
	char line[512], *at;

	put_dir("j");
	snprintf(line, sizeof(line), "%s", bad_records[_i]);
	at = strstr(line, "%s");
	if (at) {
		memmove(at + 64, at + 2, strlen(at + 2) + 1);
		memcpy(at, zeros, 64);
	}
	put_text(SEGMENT, line);
	ck_assert_int_eq(check_journal(&check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 1);
}
END_TEST

static void put_long(size_t len, bool newline)
{
	char *line = malloc(len + 1);

	ck_assert_ptr_nonnull(line);
	memset(line, ' ', len);
	line[len] = '\n';
	put_dir("j");
	put_bytes(SEGMENT, line, len + newline);
	free(line);
}

START_TEST(a_line_that_no_writer_can_have_made_is_bad_not_torn)
{
	struct fim_journal_check check;

	put_long(3 << 20, _i == 0);
	ck_assert_int_eq(check_journal(&check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 1);
	ck_assert(!check.torn);
}
END_TEST

START_TEST(a_record_over_1_mib_is_refused_and_leaves_no_trace)
{
	struct fim_journal *journal = open_journal();
	struct fim_json *body = fim_json_object();
	struct fim_journal_check check;
	char *text = calloc(1, (1 << 20) + 1);

	memset(text, 'x', 1 << 20);
	fim_json_set_str(body, "text", text);
	ck_assert_int_eq(fim_journal_append(journal, "finding", body, NULL, NULL), -EMSGSIZE);
	text[(1 << 20) - 400] = '\0';
	fim_json_set_str(body, "text", text);
	ck_assert_int_eq(fim_journal_append(journal, "finding", body, NULL, NULL), 0);
	fim_json_free(body);
	free(text);
	append(journal, "finding", 2);
	fim_journal_close(journal);
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_uint_eq(check.records, 2);
}
END_TEST

START_TEST(a_body_cannot_say_what_only_the_journal_may_say)
{
	static const char *const keys[] = {"seq", "time", "boot_id", "type", "prev"};
	struct fim_journal *journal = open_journal();
	struct fim_json *body = fim_json_object(), *array = fim_json_array();

	fim_json_set_str(body, keys[_i], "x");
	ck_assert_int_eq(fim_journal_append(journal, "finding", body, NULL, NULL), -EINVAL);
	ck_assert_int_eq(fim_journal_append(journal, "finding", array, NULL, NULL), -EINVAL);
	ck_assert_uint_eq(append(journal, "finding", 1), 1);
	fim_json_free(body);
	fim_json_free(array);
	fim_journal_close(journal);
}
END_TEST

START_TEST(the_line_for_the_sinks_is_the_line_in_the_file)
{
	struct fim_journal *journal = open_journal();
	struct fim_json *body = fim_json_object();
	char *line;
	size_t len;

	fim_json_set_str(body, "path", "/usr/bin/\u202e\n\x7f caf\u00e9");
	ck_assert_int_eq(fim_journal_append(journal, "finding", body, NULL, &line), 0);
	load();
	ck_assert_ptr_eq(line_at(1, &len), bytes);
	ck_assert_uint_eq(strlen(line), len - 1);
	ck_assert(memcmp(line, bytes, len - 1) == 0);
	free(line);
	fim_json_free(body);
	fim_journal_close(journal);
}
END_TEST

START_TEST(a_full_disk_leaves_a_good_journal_and_later_records_go_on)
{
	struct rlimit limit = {.rlim_cur = 900, .rlim_max = RLIM_INFINITY};
	struct fim_journal *journal = open_journal();
	struct fim_json *body = fim_json_object();
	struct fim_journal_check check;
	int err = 0, written = 0;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (!err && written < 100) {
		err = fim_journal_append(journal, "finding", body, NULL, NULL);
		written += !err;
	}
	ck_assert_int_eq(err, -EFBIG);
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_int_eq((int)check.records, written);
	ck_assert(!check.torn);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(fim_journal_append(journal, "finding", body, NULL, NULL), 0);
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_int_eq((int)check.records, written + 1);
	fim_json_free(body);
	fim_journal_close(journal);
}
END_TEST

/* Which number the journal's directory is open under, also one that is gone. */
static int dir_number(void)
{
	char path[64], target[PATH_MAX];
	ssize_t len;
	int fd;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (strstr(target, "/j (deleted)") || (len > 2 && !strcmp(target + len - 2, "/j")))
			return fd;
	}
	return -1;
}

/* $_i: the file alone, or the directory with it. */
START_TEST(a_file_that_is_removed_is_written_again)
{
	const struct fim_journal_params params = {.dir = "j"};
	struct fim_journal *journal = open_journal(), *other;
	struct fim_journal_check check;
	int dir;

	ck_assert_uint_eq(append(journal, "finding", 1), 1);
	ck_assert_uint_eq(append(journal, "finding", 2), 2);
	ck_assert(!fim_journal_was_removed(journal));
	dir = dir_number();
	ck_assert_int_eq(unlink(SEGMENT), 0);
	if (_i)
		ck_assert_int_eq(rmdir("j"), 0);
	ck_assert_uint_eq(append(journal, "finding", 3), 3);
	/* A thread may be compressing in it. */
	ck_assert_int_eq(dir_number(), dir);
	ck_assert_int_eq(fim_journal_open(&params, &other), -EBUSY);
	ck_assert(fim_journal_was_removed(journal));
	ck_assert(!fim_journal_was_removed(journal));
	ck_assert_uint_eq(append(journal, "finding", 4), 4);
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_uint_eq(check.records, 4);
	ck_assert_uint_eq(check.first_bad, 0);
	fim_journal_close(journal);
}
END_TEST

START_TEST(a_file_that_took_the_place_of_a_removed_one_is_left_alone)
{
	struct fim_journal *journal = open_journal();
	struct fim_json *body = fim_json_object();
	uint64_t seq;

	ck_assert_uint_eq(append(journal, "finding", 1), 1);
	ck_assert_int_eq(unlink(SEGMENT), 0);
	put_text(SEGMENT, "theirs\n");
	ck_assert_int_eq(fim_journal_append(journal, "finding", body, &seq, NULL), -EEXIST);
	assert_logged("was removed and cannot be made again");
	load();
	ck_assert_uint_eq(bytes_len, strlen("theirs\n"));
	fim_json_free(body);
	fim_journal_close(journal);
}
END_TEST

/* However a writer dies, its journal opens again and every acknowledged record is there. */
START_TEST(a_killed_writer_loses_nothing_that_was_acknowledged)
{
	int pipe_fds[2], status, acknowledged = 0, number;
	struct fim_journal_check check;
	struct fim_journal *journal;
	pid_t child;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	child = fork();
	if (!child) {
		journal = open_journal();
		for (number = 1;; number++) {
			append(journal, "finding", number);
			if (write(pipe_fds[1], &number, sizeof(number)) != sizeof(number))
				_exit(1);
		}
	}
	close(pipe_fds[1]);
	usleep(20000 + 7000 * (useconds_t)_i);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(pipe_fds[0], &number, sizeof(number)) == sizeof(number))
		acknowledged = number;
	close(pipe_fds[0]);
	fim_journal_close(open_journal());
	ck_assert_int_eq(check_journal(&check), 0);
	ck_assert_int_ge((int)check.records, acknowledged);
}
END_TEST

static int stop_at_third(void *ctx, const struct fim_json *record)
{
	int *seen = ctx;

	(*seen)++;
	return fim_json_get_int(record, "seq", 0) == 3 ? 42 : 0;
}

START_TEST(a_reader_may_stop)
{
	int seen = 0;

	make_journal();
	ck_assert_int_eq(fim_journal_read("j", stop_at_third, &seen, NULL), 42);
	ck_assert_int_eq(seen, 3);
}
END_TEST

/* ------------------------------------------- a segment that two threads read */

#define LARGE_RECORDS 6000
#define LARGE_PAD     700

/* Of the @number'th record, in bytes that a writer of ours would have written. */
static size_t large_line(char *line, size_t size, int number, const char *prev)
{
	int len = snprintf(line, size,
			   "{\"seq\":%d,\"time\":\"2026-11-22T09:41:00Z\",\"boot_id\":\"b\","
			   "\"type\":\"finding\",\"prev\":\"%s\",\"pad\":\"%0*d\"}\n",
			   number, prev, LARGE_PAD + number % 97, number);

	ck_assert_int_lt(len, (int)size);
	return (size_t)len;
}

/* Of @segment, where each record begins; the last is where it ends. */
static size_t starts[LARGE_RECORDS + 1];

static char *make_large(void)
{
	char prev[FIM_SHA256_HEX_SIZE], *segment = malloc(LARGE_RECORDS * 1024);
	unsigned char digest[FIM_SHA256_SIZE];
	size_t at = 0, len;

	memset(prev, '0', sizeof(prev) - 1);
	prev[sizeof(prev) - 1] = '\0';
	for (int i = 0; i < LARGE_RECORDS; i++, at += len) {
		starts[i] = at;
		len = large_line(segment + at, 1024, i + 1, prev);
		ck_assert_int_eq(fim_sha256(segment + at, len, digest), 0);
		fim_hex_encode(digest, sizeof(digest), prev);
	}
	starts[LARGE_RECORDS] = at;
	put_dir("j");
	put_bytes(SEGMENT, segment, at);
	return segment;
}

static int count_in_order(void *ctx, const struct fim_line *line)
{
	int *seen = ctx;

	(*seen)++;
	return line->seq == (uint64_t)*seen ? 0 : 1;
}

/* At any place, whichever thread read it: all before it are given, in order, and no other. */
START_TEST(a_large_segment_is_read_in_order_and_its_first_bad_record_named)
{
	char *segment = make_large(), *changed;
	struct fim_journal_check check;
	int seen = 0;

	ck_assert_int_eq(fim_journal_scan("j", count_in_order, &seen, &check), 0);
	ck_assert_int_eq(seen, LARGE_RECORDS);
	for (int i = 1; i < LARGE_RECORDS; i += 211) {
		changed = segment + starts[i] + 8;
		*changed ^= 0x40; /* of its number: it is no JSON then */
		put_bytes(SEGMENT, segment, starts[LARGE_RECORDS]);
		seen = 0;
		ck_assert_int_eq(fim_journal_scan("j", count_in_order, &seen, &check), -EBADMSG);
		ck_assert_uint_eq(check.first_bad, (uint64_t)i + 1);
		ck_assert_int_eq(seen, i);
		*changed ^= 0x40;
	}
	free(segment);
}
END_TEST

START_TEST(a_large_segment_may_be_torn_and_its_reader_may_stop)
{
	char *segment = make_large();
	struct fim_journal_check check;
	int seen = 0;

	for (int i = LARGE_RECORDS - 200; i < LARGE_RECORDS; i += 7) {
		put_bytes(SEGMENT, segment, starts[i] + 1 + (size_t)i % 600);
		ck_assert_int_eq(check_journal(&check), 0);
		ck_assert_uint_eq(check.records, (uint64_t)i);
		ck_assert(check.torn);
	}
	ck_assert_int_eq(fim_journal_read("j", stop_at_third, &seen, NULL), 42);
	ck_assert_int_eq(seen, 3);
	free(segment);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tcase = tcase_create("journal");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, an_empty_journal_is_good_and_has_no_digest);
	tcase_add_test(tcase, a_journal_cut_anywhere_is_torn_at_most);
	tcase_add_test(tcase, a_missing_journal_is_enoent);
	tcase_add_test(tcase, what_is_not_a_regular_file_is_refused_and_never_waited_for);
	tcase_add_test(tcase, a_symlink_does_not_lead_the_writer_elsewhere);
	tcase_add_test(tcase, records_begin_with_the_common_members_in_order);
	tcase_add_test(tcase, prev_is_the_digest_of_the_line_before_with_its_newline);
	tcase_add_test(tcase, the_file_is_for_its_owner_only);
	tcase_add_test(tcase, the_chain_goes_on_after_reopening);
	tcase_add_test(tcase, a_second_writer_is_busy);
	tcase_add_test(tcase, a_torn_record_is_cut_and_said);
	tcase_add_loop_test(tcase, tampering_is_found_and_the_first_bad_record_named, 0,
			    COUNT(tampers));
	tcase_add_loop_test(tcase, a_record_without_what_every_record_has_is_bad, 0,
			    COUNT(bad_records));
	tcase_add_loop_test(tcase, a_line_that_no_writer_can_have_made_is_bad_not_torn, 0, 2);
	tcase_add_test(tcase, a_record_over_1_mib_is_refused_and_leaves_no_trace);
	tcase_add_loop_test(tcase, a_body_cannot_say_what_only_the_journal_may_say, 0, 5);
	tcase_add_test(tcase, the_line_for_the_sinks_is_the_line_in_the_file);
	tcase_add_test(tcase, a_full_disk_leaves_a_good_journal_and_later_records_go_on);
	tcase_add_loop_test(tcase, a_file_that_is_removed_is_written_again, 0, 2);
	tcase_add_test(tcase, a_file_that_took_the_place_of_a_removed_one_is_left_alone);
	tcase_add_loop_test(tcase, a_killed_writer_loses_nothing_that_was_acknowledged, 0, 5);
	tcase_add_test(tcase, a_reader_may_stop);
	tcase_add_test(tcase, a_large_segment_is_read_in_order_and_its_first_bad_record_named);
	tcase_add_test(tcase, a_large_segment_may_be_torn_and_its_reader_may_stop);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
