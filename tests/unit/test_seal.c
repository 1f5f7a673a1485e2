/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed journals against people with an editor, and against whoever took every key that
 * the host had at one moment.  Each attack is made on a copy, as its bytes lie on the disk.
 */
#include "fixture.h"

#include <dirent.h>
#include <inttypes.h>

#include "userspace/lib/journal_private.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define RECORDS	      24
#define FILES_MAX     8
#define SEALED_DIR    "sealed"
#define ATTACKED_DIR  "attacked"
#define SEGMENT_BYTES 2400 /* some seven records */

static char key[FIM_SEAL_TEXT_SIZE];

/* A file of the journal as it was written, and how its lines lie. */
struct file {
	char name[NAME_MAX + 1];
	char *bytes;
	size_t len;
	uint64_t first; /* 0: not a segment */
	uint64_t last;
	bool gzip;
};

static struct file files[FILES_MAX];
static size_t file_count;

static struct fim_journal *open_with(const char *dir, bool keep_plain)
{
	struct fim_journal_params params = {.dir = dir,
					    .segment_bytes = SEGMENT_BYTES,
					    .max_bytes = 100 * SEGMENT_BYTES,
					    .keep_plain = keep_plain};
	struct fim_journal *journal;

	ck_assert_int_eq(fim_journal_open(&params, &journal), 0);
	return journal;
}

static void append_some(struct fim_journal *journal, int count)
{
	for (int i = 0; i < count; i++) {
		struct fim_json *body = fim_json_object();

		fim_json_set_int(body, "number", i);
		fim_json_set_str(body, "path", "/usr/bin/\"quoted\\\" and caf\u00e9");
		ck_assert_int_eq(fim_journal_append(journal, "finding", body, NULL, NULL), 0);
		fim_json_free(body);
	}
}

static int verify(const char *dir, const char *with_key, struct fim_journal_check *check)
{
	struct fim_journal_query query = {.path = dir, .key = with_key};

	memset(check, 0, sizeof(*check));
	return fim_journal_verify(&query, check);
}

static void load_files(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	ck_assert_ptr_nonnull(stream);
	for (size_t i = 0; i < file_count; i++)
		free(files[i].bytes);
	file_count = 0;
	while ((entry = readdir(stream))) {
		struct file *file = &files[file_count];
		char path[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		ck_assert_uint_lt(file_count, FILES_MAX);
		memset(file, 0, sizeof(*file));
		snprintf(file->name, sizeof(file->name), "%s", entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		ck_assert_int_eq(fim_file_read(path, 1 << 20, &file->bytes, &file->len), 0);
		file->gzip = strstr(file->name, ".gz") != NULL;
		if (strncmp(file->name, "journal", 7) == 0) {
			struct fim_journal_check check;

			ck_assert_int_eq(verify(path, NULL, &check), 0);
			file->first = check.first_seq;
			file->last = check.first_seq + check.records - 1;
		}
		file_count++;
	}
	closedir(stream);
}

static void put_file(const struct file *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), ATTACKED_DIR "/%s", file->name);
	unlink(path); /* ext4 flushes a file that is truncated and written */
	put_bytes(path, file->bytes, file->len);
}

static void put_files(void)
{
	if (!exists(ATTACKED_DIR))
		put_dir(ATTACKED_DIR);
	for (size_t i = 0; i < file_count; i++)
		put_file(&files[i]);
}

/* Three closed segments, the last one not compressed, and the active one. */
static void make_sealed(void)
{
	struct fim_journal *journal = open_with(SEALED_DIR, false);

	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	ck_assert_int_eq(fim_journal_seal_seen(journal), 0);
	append_some(journal, RECORDS / 2 - 1);
	fim_journal_close(journal);
	journal = open_with(SEALED_DIR, true);
	append_some(journal, RECORDS / 2);
	fim_journal_close(journal);
	load_files(SEALED_DIR);
	ck_assert_uint_ge(file_count, 4);
}

START_TEST(a_key_is_read_back_as_it_was_written)
{
	struct fim_seal_key one = {.first = UINT64_C(0x0102030405) + (uint64_t)_i,
				   .start_ns = INT64_C(1760000000) * FIM_NSEC_PER_SEC};
	struct fim_seal_key two;
	char text[FIM_SEAL_TEXT_SIZE];

	ck_assert_int_eq(fim_seal_key_new(&one), 0);
	memset(one.bound, 0xa5, sizeof(one.bound));
	fim_seal_key_format(&one, text);
	ck_assert_int_eq(fim_seal_key_parse(text, &two), 0);
	ck_assert_uint_eq(one.first, two.first);
	ck_assert_int_eq(one.start_ns, two.start_ns);
	ck_assert_int_eq(memcmp(one.seed, two.seed, sizeof(one.seed)), 0);
	ck_assert_int_eq(memcmp(one.bound, two.bound, sizeof(one.bound)), 0);
	/* Any digit mistyped, missing or too many is no key. */
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		if (was == '-')
			continue;
		text[i] = was == 'Q' ? 'R' : 'Q';
		ck_assert_int_eq(fim_seal_key_parse(text, &two), -EINVAL);
		text[i] = was;
	}
	strcat(text, "A");
	ck_assert_int_eq(fim_seal_key_parse(text, &two), -EINVAL);
	text[strlen(text) - 2] = '\0';
	ck_assert_int_eq(fim_seal_key_parse(text, &two), -EINVAL);
	ck_assert_int_eq(fim_seal_key_parse("", &two), -EINVAL);
}
END_TEST

START_TEST(a_sealed_journal_verifies_over_all_its_segments)
{
	struct fim_journal_check check;

	make_sealed();
	ck_assert_int_eq(verify(SEALED_DIR, NULL, &check), 0);
	ck_assert_uint_eq(check.records, RECORDS);
	ck_assert_uint_ge(check.segments, 3);
	ck_assert_uint_eq(check.sealed, 0);
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), 0);
	ck_assert_uint_eq(check.sealed, RECORDS);
	ck_assert_uint_eq(check.back_steps, 0);
}
END_TEST

START_TEST(another_journals_key_is_not_accepted)
{
	struct fim_journal_check check;
	char first_key[FIM_SEAL_TEXT_SIZE];

	make_sealed();
	memcpy(first_key, key, sizeof(key));
	shell("rm -rf " SEALED_DIR);
	make_sealed();
	ck_assert_int_eq(verify(SEALED_DIR, first_key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 1);
	first_key[20] ^= 1;
	ck_assert_int_eq(verify(SEALED_DIR, first_key, &check), -EKEYREJECTED);
}
END_TEST

START_TEST(the_key_vouches_for_what_was_recorded_before_it)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);
	struct fim_journal_check check;

	append_some(journal, 3);
	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	ck_assert_int_eq(fim_journal_seal_seen(journal), 0);
	ck_assert_int_eq(fim_journal_seal(journal, key), -EEXIST);
	append_some(journal, 3);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), 0);
	ck_assert_uint_eq(check.records, 7);
	ck_assert_uint_eq(check.sealed, 4);
}
END_TEST

/* -------------------------------------------------------------------------- 10,000 */

static uint32_t random_state;

static uint32_t rnd(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(random_state >> 4) * below) >> 28);
}

static size_t line_start(const struct file *file, uint64_t seq)
{
	size_t at = 0;

	for (uint64_t i = file->first; i < seq; i++)
		at = (size_t)((char *)memchr(file->bytes + at, '\n', file->len - at) -
			      file->bytes) +
		     1;
	return at;
}

static size_t line_len(const struct file *file, uint64_t seq)
{
	size_t at = line_start(file, seq);

	return (size_t)((char *)memchr(file->bytes + at, '\n', file->len - at) - file->bytes) + 1 -
	       at;
}

static uint64_t line_of(const struct file *file, size_t offset)
{
	uint64_t seq = file->first;

	for (size_t i = 0; i < offset; i++)
		seq += file->bytes[i] == '\n';
	return seq;
}

/* Takes the chain over from the changed record on, as who has no key can do it. */
static void rechain(struct file *file, uint64_t from)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];

	for (uint64_t seq = from; seq < file->last; seq++) {
		char *next = file->bytes + line_start(file, seq + 1);

		fim_sha256(file->bytes + line_start(file, seq), line_len(file, seq), digest);
		fim_hex_encode(digest, sizeof(digest), hex);
		memcpy(strstr(next, "\"prev\":\"") + 8, hex, 64);
	}
}

enum attack {
	EDIT,
	EDIT_AND_RECHAIN,
	DELETE,
	SWAP,
	REPEAT,
	CUT,
	CUT_AT_LINE,
	REMOVE_FILE,
	ATTACKS,
};

static struct file *pick_segment(void)
{
	struct file *file;

	do
		file = &files[rnd((uint32_t)file_count)];
	while (!file->first);
	return file;
}

static void write_parts(const struct file *file, const char *parts[], const size_t lens[],
			size_t count)
{
	char path[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), ATTACKED_DIR "/%s", file->name);
	unlink(path);
	out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < count; i++)
		fwrite(parts[i], 1, lens[i], out);
	fclose(out);
}

/* The file without, or with some of, its lines in another order. Returns the first bad record. */
static uint64_t reorder(const struct file *file, enum attack attack)
{
	uint64_t lines = file->last - file->first + 1;
	uint64_t one = file->first + rnd((uint32_t)lines), two = file->first + rnd((uint32_t)lines);
	size_t a, b, a_len, b_len;

	if (attack == SWAP && (one == two || lines < 2))
		attack = DELETE;
	if (one > two) {
		uint64_t swap = one;

		one = two;
		two = swap;
	}
	a = line_start(file, one);
	b = line_start(file, two);
	a_len = line_len(file, one);
	b_len = line_len(file, two);
	if (attack == DELETE) {
		const char *parts[] = {file->bytes, file->bytes + a + a_len};
		size_t lens[] = {a, file->len - a - a_len};

		write_parts(file, parts, lens, 2);
		return one;
	}
	if (attack == REPEAT) {
		const char *parts[] = {file->bytes, file->bytes + a, file->bytes + a + a_len};
		size_t lens[] = {a + a_len, a_len, file->len - a - a_len};

		write_parts(file, parts, lens, 3);
		return one + 1;
	}
	{
		const char *parts[] = {file->bytes, file->bytes + b, file->bytes + a + a_len,
				       file->bytes + a, file->bytes + b + b_len};
		size_t lens[] = {a, b_len, b - a - a_len, a_len, file->len - b - b_len};

		write_parts(file, parts, lens, 5);
	}
	return one;
}

/* Returns the first bad record, 0: somewhere in a compressed segment. */
static uint64_t edit(const struct file *file, bool chain)
{
	struct file copy = *file;
	size_t at = rnd((uint32_t)file->len);
	uint64_t seq = 0;

	copy.bytes = malloc(file->len + 1);
	memcpy(copy.bytes, file->bytes, file->len);
	copy.bytes[file->len] = '\0';
	if (chain && !file->gzip) {
		/* What the attacker wants changed, with everything behind it made to fit. */
		seq = file->first + rnd((uint32_t)(file->last - file->first + 1));
		at = (size_t)(strstr(copy.bytes + line_start(file, seq), "\"time\":\"") -
			      copy.bytes) +
		     11 + rnd(1);
		copy.bytes[at] = copy.bytes[at] == '1' ? '0' : '1';
		rechain(&copy, seq);
	} else {
		copy.bytes[at] ^= (char)(1 + rnd(255));
		seq = file->gzip ? 0 : line_of(file, at);
	}
	put_file(&copy);
	free(copy.bytes);
	return seq;
}

static uint64_t cut(const struct file *file, bool at_line)
{
	struct file copy = *file;
	uint64_t seq;

	copy.len = rnd((uint32_t)file->len);
	if (file->gzip) {
		put_file(&copy);
		return 0;
	}
	seq = line_of(file, copy.len);
	if (at_line)
		copy.len = line_start(file, seq);
	put_file(&copy);
	return seq;
}

/*
 * A compressed segment may say the same in another way: what is repeated can be copied from
 * another place. No record is changed then, and nothing is to be found.
 */
static bool says_the_same(const struct file *file)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command),
		 "a=$(zcat " ATTACKED_DIR "/%s | sha256sum) && b=$(zcat " SEALED_DIR
		 "/%s | sha256sum) && test \"$a\" = \"$b\"",
		 file->name, file->name);
	return system(command) == 0;
}

static void check_attack(enum attack attack, struct file *file, uint64_t bad)
{
	struct fim_journal_check check;
	int err = verify(ATTACKED_DIR, key, &check);

	if (!err && (attack == EDIT || attack == EDIT_AND_RECHAIN) && file->gzip &&
	    says_the_same(file))
		return;
	ck_assert_msg(err == -EBADMSG, "attack %d on %s, seed %u: %d", attack, file->name,
		      random_state, err);
	if (bad)
		ck_assert_msg(check.first_bad == bad,
			      "attack %d on %s, seed %u: first bad is %" PRIu64
			      " (%s), not %" PRIu64,
			      attack, file->name, random_state, check.first_bad, check.reason, bad);
	else
		/* It ends where it cannot be inflated any more. */
		ck_assert_msg(check.first_bad >= file->first && check.first_bad <= file->last + 1,
			      "%" PRIu64, check.first_bad);
}

/* ECS_FIM_TAMPERS: how many, 10,000 unless said. */
START_TEST(every_edit_deletion_reordering_and_truncation_is_found_where_it_is)
{
	const char *wanted = getenv("ECS_FIM_TAMPERS");
	unsigned long count = wanted ? strtoul(wanted, NULL, 10) : 10000;
	struct fim_journal_check check;

	random_state = 20261125;
	make_sealed();
	put_files();
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), 0);
	fim_log_set(NULL, NULL);
	for (unsigned long i = 0; i < count; i++) {
		enum attack attack = rnd(ATTACKS);
		struct file *file = pick_segment();
		char path[PATH_MAX];
		uint64_t bad;

		if (attack == EDIT || attack == EDIT_AND_RECHAIN) {
			bad = edit(file, attack == EDIT_AND_RECHAIN);
		} else if (attack == CUT || attack == CUT_AT_LINE || file->gzip) {
			bad = cut(file, attack == CUT_AT_LINE);
		} else if (attack == REMOVE_FILE) {
			snprintf(path, sizeof(path), ATTACKED_DIR "/%s", file->name);
			ck_assert_int_eq(unlink(path), 0);
			/* The first one's absence is that of record 1. */
			bad = file->first;
		} else {
			bad = reorder(file, attack);
		}
		check_attack(attack, file, bad);
		put_file(file);
	}
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), 0);
}
END_TEST

/* --------------------------------------------------------------------- stolen keys */

/* Everything that lies on the host at time T, in ATTACKED_DIR; all of it plain. */
static void steal(void)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);

	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	append_some(journal, RECORDS - 1);
	fim_journal_close(journal);
	load_files(SEALED_DIR);
	put_files();
}

static struct file *find_file(const char *name)
{
	for (size_t i = 0; i < file_count; i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	ck_abort_msg("no file %s", name);
}

/* Seal a line with what was stolen, as if it were record @seal->next. */
static void reseal(struct file *file, uint64_t seq, struct fim_seal *seal)
{
	char *line = file->bytes + line_start(file, seq);
	char *member = memmem(line, line_len(file, seq), ",\"seal\":\"", 9);
	unsigned char digest[FIM_SHA256_SIZE];
	char mac[FIM_SEAL_MAC_HEX + 1];

	fim_sha256(line, (size_t)(member - line), digest);
	ck_assert_int_eq(fim_seal_record(seal, digest, mac), 0);
	memcpy(strchr(member + 9, ':') + 1, mac, FIM_SEAL_MAC_HEX);
}

START_TEST(stolen_keys_go_on_but_rewrite_nothing)
{
	struct fim_journal_check check;
	struct fim_journal *journal;
	struct file *state, *active;
	struct fim_seal seal;

	steal();
	/* They can go on: nobody can tell that from the daemon. */
	journal = open_with(ATTACKED_DIR, true);
	append_some(journal, 2);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), 0);
	shell("rm -r " ATTACKED_DIR);
	put_files();
	/* The last record before T, rewritten with the keys of T. */
	state = find_file(FIM_SEAL_STATE_NAME);
	active = find_file(FIM_JOURNAL_ACTIVE);
	ck_assert_int_eq(fim_seal_unpack((unsigned char *)state->bytes, state->len, &seal), 0);
	ck_assert_uint_eq(seal.next, RECORDS + 1);
	strstr(active->bytes + line_start(active, active->last), "number")[0] = 'N';
	reseal(active, active->last, &seal);
	put_file(active);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, RECORDS);
}
END_TEST

START_TEST(stolen_keys_cannot_make_a_shorter_journal_go_on)
{
	struct fim_journal_params params = {.dir = ATTACKED_DIR, .keep_plain = true};
	struct fim_journal_check check;
	struct fim_journal *journal;
	struct file *state, *active;
	struct fim_seal seal;
	uint64_t cut_at;

	steal();
	state = find_file(FIM_SEAL_STATE_NAME);
	active = find_file(FIM_JOURNAL_ACTIVE);
	cut_at = active->last;
	active->len = line_start(active, cut_at);
	put_file(active);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, cut_at);
	ck_assert_int_eq(fim_journal_open(&params, &journal), -EBADMSG);
	assert_logged("cut off the end");
	/* The state made to say that there never was more. */
	ck_assert_int_eq(fim_seal_unpack((unsigned char *)state->bytes, state->len, &seal), 0);
	seal.next = cut_at;
	fim_seal_pack(&seal, (unsigned char *)state->bytes);
	put_file(state);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, cut_at);
	/* And with a record sealed in the place of the one that was cut off. */
	journal = open_with(ATTACKED_DIR, true);
	append_some(journal, 1);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, cut_at);
	/* Nor without any state. */
	ck_assert_int_eq(unlink(ATTACKED_DIR "/" FIM_SEAL_STATE_NAME), 0);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, cut_at);
}
END_TEST

START_TEST(stolen_keys_cannot_call_a_removal_retention)
{
	struct fim_json *body = fim_json_object();
	struct fim_journal_check check;
	struct fim_journal *journal;
	uint64_t first = 0;
	char path[PATH_MAX], prev[FIM_SHA256_HEX_SIZE];

	steal();
	/* The oldest segment is gone, and a record with a right seal says why. */
	for (size_t i = 0; i < file_count; i++) {
		if (files[i].first == 1) {
			snprintf(path, sizeof(path), ATTACKED_DIR "/%s", files[i].name);
			ck_assert_int_eq(unlink(path), 0);
			first = files[i].last + 1;
		}
	}
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 1);
	for (size_t i = 0; i < file_count; i++)
		if (files[i].first == first)
			memcpy(prev, strstr(files[i].bytes, "\"prev\":\"") + 8, 64);
	prev[64] = '\0';
	fim_json_set_str(body, "action", "removed");
	fim_json_set_int(body, "through", (int64_t)first - 1);
	fim_json_set_str(body, "head", prev);
	fim_json_set_str(body, "why", "age");
	journal = open_with(ATTACKED_DIR, true);
	ck_assert_int_eq(fim_journal_append(journal, "journal", body, NULL, NULL), 0);
	fim_journal_close(journal);
	fim_json_free(body);
	/* By the chain alone that is a removal as any other … */
	ck_assert_int_eq(verify(ATTACKED_DIR, NULL, &check), 0);
	ck_assert_uint_eq(check.first_seq, first);
	ck_assert_int_gt(check.removed_ns, 0);
	/* … but the seals say how young the records were. */
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, first - 1);
}
END_TEST

START_TEST(stolen_keys_cannot_begin_a_journal_anew)
{
	struct fim_journal_check check;
	struct fim_journal *journal;
	struct fim_seal seal;
	struct file *state;

	steal();
	state = find_file(FIM_SEAL_STATE_NAME);
	shell("rm " ATTACKED_DIR "/journal*");
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -ENOENT);
	ck_assert_int_eq(fim_seal_unpack((unsigned char *)state->bytes, state->len, &seal), 0);
	seal.next = seal.first;
	fim_seal_pack(&seal, (unsigned char *)state->bytes);
	put_file(state);
	journal = open_with(ATTACKED_DIR, true);
	append_some(journal, 5);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(ATTACKED_DIR, NULL, &check), 0);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 1);
}
END_TEST

START_TEST(the_keys_on_the_disk_are_those_of_the_next_record_already)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);
	unsigned char bytes[FIM_SEAL_STATE_SIZE];
	struct fim_seal seal;

	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	for (uint64_t next = 2; next < 10; next++) {
		FILE *in = fopen(SEALED_DIR "/" FIM_SEAL_STATE_NAME, "r");

		ck_assert_uint_eq(fread(bytes, 1, sizeof(bytes), in), sizeof(bytes));
		fclose(in);
		ck_assert_int_eq(fim_seal_unpack(bytes, sizeof(bytes), &seal), 0);
		ck_assert_uint_eq(seal.next, next);
		append_some(journal, 1);
	}
	fim_journal_close(journal);
}
END_TEST

START_TEST(no_byte_of_the_keys_on_the_disk_can_be_another)
{
	struct fim_journal_check check;
	struct file *state;

	steal();
	state = find_file(FIM_SEAL_STATE_NAME);
	ck_assert_uint_eq(state->len, FIM_SEAL_STATE_SIZE);
	for (size_t i = 0; i < state->len; i++) {
		state->bytes[i] ^= 1;
		put_file(state);
		ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), -EBADMSG);
		state->bytes[i] ^= 1;
	}
	put_file(state);
	ck_assert_int_eq(verify(ATTACKED_DIR, key, &check), 0);
}
END_TEST

/* After a power cut the keys on the disk may be older than the last records. */
START_TEST(older_keys_catch_up_with_the_records)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);
	struct fim_journal_check check;

	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	append_some(journal, 2);
	shell("cp " SEALED_DIR "/seal.state old");
	append_some(journal, 9);
	fim_journal_close(journal);
	shell("cp old " SEALED_DIR "/seal.state");
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), 0);
	journal = open_with(SEALED_DIR, true);
	append_some(journal, 1);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), 0);
	ck_assert_uint_eq(check.sealed, 13);
	/* And a state that is no state stops the writer: it could not seal. */
	put_text(SEALED_DIR "/seal.state", "nothing");
	ck_assert_int_eq(fim_journal_open(&(struct fim_journal_params){.dir = SEALED_DIR},
					  &journal),
			 -EBADMSG);
}
END_TEST

static void make_state(const struct fim_seal *seal, const char *name)
{
	unsigned char bytes[FIM_SEAL_STATE_SIZE];

	fim_seal_pack(seal, bytes);
	put_bytes(name, bytes, sizeof(bytes));
}

/*
 * _i: 0: before the state had its name, 1: before the record that says that sealing began.
 * The key was not shown: there has to be another one.
 */
START_TEST(a_crash_while_sealing_begins_leaves_no_seal_without_a_key)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);
	struct fim_journal_check check;
	struct fim_seal_key lost = {.first = 4, .start_ns = FIM_NSEC_PER_SEC};
	struct fim_seal seal;

	append_some(journal, 3);
	fim_journal_close(journal);
	ck_assert_int_eq(fim_seal_key_new(&lost), 0);
	ck_assert_int_eq(fim_seal_start(&lost, &seal), 0);
	if (_i)
		make_state(&seal, SEALED_DIR "/" FIM_SEAL_STATE_NAME);
	else
		put_text(SEALED_DIR "/" FIM_SEAL_STATE_NAME ".new", "half a st");
	journal = open_with(SEALED_DIR, true);
	ck_assert(!fim_journal_is_sealed(journal));
	append_some(journal, 1);
	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	append_some(journal, 2);
	fim_journal_close(journal);
	ck_assert(!exists(SEALED_DIR "/" FIM_SEAL_STATE_NAME ".new"));
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), 0);
	ck_assert_uint_eq(check.records, 7);
	ck_assert_uint_eq(check.sealed, 3);
}
END_TEST

/* Killed before the key was shown, in whatever process: the next one is good from there on. */
START_TEST(a_key_that_nobody_saw_is_replaced_and_one_that_was_seen_is_not)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);
	char lost[FIM_SEAL_TEXT_SIZE];
	struct fim_journal_check check;

	append_some(journal, 3);
	ck_assert_int_eq(fim_journal_seal(journal, lost), 0);
	append_some(journal, 2);
	if (_i) {
		fim_journal_close(journal);
		journal = open_with(SEALED_DIR, true);
		ck_assert(fim_journal_is_sealed(journal));
	}
	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	append_some(journal, 2);
	ck_assert_int_eq(fim_journal_seal_seen(journal), 0);
	ck_assert_int_eq(fim_journal_seal(journal, lost), -EEXIST);
	fim_journal_close(journal);
	journal = open_with(SEALED_DIR, true);
	append_some(journal, 1);
	ck_assert_int_eq(fim_journal_seal(journal, lost), -EEXIST);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), 0);
	ck_assert_uint_eq(check.records, 10);
	ck_assert_uint_eq(check.sealed, 4);
	ck_assert_int_eq(verify(SEALED_DIR, lost, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 7);
}
END_TEST

/* Who has the first state and cuts the journal there gets a journal that the key refuses. */
START_TEST(a_state_of_the_beginning_does_not_unseal_what_was_sealed)
{
	struct fim_journal *journal = open_with(SEALED_DIR, true);
	struct fim_journal_check check;

	append_some(journal, 3);
	fim_journal_close(journal);
	shell("cp " SEALED_DIR "/journal.ndjson before");
	journal = open_with(SEALED_DIR, true);
	ck_assert_int_eq(fim_journal_seal(journal, key), 0);
	append_some(journal, 5);
	fim_journal_close(journal);
	{
		struct fim_seal_key stolen;
		struct fim_seal seal;

		ck_assert_int_eq(fim_seal_key_parse(key, &stolen), 0);
		ck_assert_int_eq(fim_seal_start(&stolen, &seal), 0);
		make_state(&seal, SEALED_DIR "/" FIM_SEAL_STATE_NAME);
	}
	shell("cp before " SEALED_DIR "/journal.ndjson");
	journal = open_with(SEALED_DIR, true);
	append_some(journal, 9);
	fim_journal_close(journal);
	ck_assert_int_eq(verify(SEALED_DIR, key, &check), -EBADMSG);
	ck_assert_uint_eq(check.first_bad, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seal");
	TCase *tcase = tcase_create("seal");

	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tcase, a_key_is_read_back_as_it_was_written, 0, 3);
	tcase_add_test(tcase, a_sealed_journal_verifies_over_all_its_segments);
	tcase_add_test(tcase, another_journals_key_is_not_accepted);
	tcase_add_test(tcase, the_key_vouches_for_what_was_recorded_before_it);
	tcase_add_test(tcase, every_edit_deletion_reordering_and_truncation_is_found_where_it_is);
	tcase_add_test(tcase, stolen_keys_go_on_but_rewrite_nothing);
	tcase_add_test(tcase, stolen_keys_cannot_make_a_shorter_journal_go_on);
	tcase_add_test(tcase, stolen_keys_cannot_call_a_removal_retention);
	tcase_add_test(tcase, stolen_keys_cannot_begin_a_journal_anew);
	tcase_add_test(tcase, the_keys_on_the_disk_are_those_of_the_next_record_already);
	tcase_add_test(tcase, no_byte_of_the_keys_on_the_disk_can_be_another);
	tcase_add_test(tcase, older_keys_catch_up_with_the_records);
	tcase_add_loop_test(tcase, a_crash_while_sealing_begins_leaves_no_seal_without_a_key, 0, 2);
	tcase_add_loop_test(tcase, a_key_that_nobody_saw_is_replaced_and_one_that_was_seen_is_not,
			    0, 2);
	tcase_add_test(tcase, a_state_of_the_beginning_does_not_unseal_what_was_sealed);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
