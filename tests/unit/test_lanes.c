/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen files at once must have the digests that OpenSSL gives each alone. */
#include "fixture.h"

#include <sys/random.h>

#define FILES	   64
#define SIZE_LIMIT (200u << 10)

static unsigned char digests[FILES][FIM_SHA256_SIZE];
static int errors[FILES], fds[FILES];
static size_t done, file_at[FIM_LANES];

static void finished(void *ctx, size_t index, int err, const unsigned char *digest)
{
	ck_assert_ptr_eq(ctx, &done);
	errors[file_at[index]] = err;
	memcpy(digests[file_at[index]], digest, FIM_SHA256_SIZE);
	done++;
}

static void put(struct fim_lanes *lanes, size_t file, uint64_t size)
{
	size_t place = fim_lanes_place(lanes);

	ck_assert(!fim_lanes_has(lanes, place));
	file_at[place] = file;
	fim_lanes_start(lanes, place, fds[file], size);
}

static struct fim_lanes *lanes_or_skip(void)
{
	struct fim_lanes *lanes = fim_lanes_new(finished, &done);

	/* Nothing is claimed of them there, and what is used instead is OpenSSL itself. */
	if (!lanes)
		ck_assert(!fim_lanes_work());
	return lanes;
}

/* 0: what a digest's padding can go wrong at; more: anything */
static size_t size_of(int round, size_t file)
{
	static const size_t edges[] = {1,   55,	  56,	57,    63,    64,    65,    119,
				       120, 127,  128,	129,   32767, 32768, 32769, 65536,
				       2,   4095, 4096, 32823, 32824, 65480, 65535, 131072};

	if (!round)
		return edges[file % (sizeof(edges) / sizeof(edges[0]))];
	return 1 + (size_t)rand() % (round == 1 ? 200 : SIZE_LIMIT);
}

START_TEST(many_files_at_once_have_the_digests_of_each_alone)
{
	static unsigned char bytes[FILES][SIZE_LIMIT];
	unsigned char expected[FIM_SHA256_SIZE];
	struct fim_lanes *lanes = lanes_or_skip();
	size_t file, count = _i < 2 ? FILES : 1 + (size_t)_i, sizes[FILES];
	char name[16];

	srand((unsigned int)_i);
	for (file = 0; lanes && file < count; file++) {
		sizes[file] = size_of(_i, file);
		ck_assert_int_eq(getrandom(bytes[file], sizes[file], 0), (ssize_t)sizes[file]);
		snprintf(name, sizeof(name), "%zu", file);
		put_bytes(name, bytes[file], sizes[file]);
		fds[file] = open(name, O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fds[file], 0);
		put(lanes, file, sizes[file]);
	}
	while (fim_lanes_busy(lanes))
		fim_lanes_step(lanes);
	for (file = 0; lanes && file < count; file++) {
		ck_assert_int_eq(errors[file], 0);
		ck_assert_int_eq(fim_sha256(bytes[file], sizes[file], expected), 0);
		ck_assert_msg(!memcmp(expected, digests[file], sizeof(expected)),
			      "round %d, file %zu of %zu bytes", _i, file, sizes[file]);
		close(fds[file]);
	}
	ck_assert_uint_eq(done, lanes ? count : 0);
	fim_lanes_free(lanes);
}
END_TEST

START_TEST(a_file_that_is_shorter_than_it_was_is_an_error_and_the_others_are_not)
{
	struct fim_lanes *lanes = lanes_or_skip();
	unsigned char expected[FIM_SHA256_SIZE];
	char name[16];
	size_t file;

	for (file = 0; lanes && file < 20; file++) {
		snprintf(name, sizeof(name), "%zu", file);
		put_bytes(name, "0123456789", 10);
		fds[file] = open(name, O_RDONLY | O_CLOEXEC);
		put(lanes, file, file == 7 ? 100000 : file == 8 ? 11 : 10);
	}
	while (fim_lanes_busy(lanes))
		fim_lanes_step(lanes);
	ck_assert_int_eq(fim_sha256("0123456789", 10, expected), 0);
	for (file = 0; lanes && file < 20; file++) {
		ck_assert_int_eq(errors[file], file == 7 || file == 8 ? -EAGAIN : 0);
		if (!errors[file])
			ck_assert_mem_eq(expected, digests[file], sizeof(expected));
		close(fds[file]);
	}
	fim_lanes_free(lanes);
}
END_TEST

START_TEST(openssl_goes_on_from_a_state)
{
	/* FIPS 180-4, 5.3.3, and the message "abc" with its padding. */
	uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	unsigned char block[FIM_SHA256_BLOCK] = {'a', 'b', 'c', 0x80}, expected[FIM_SHA256_SIZE];
	size_t i;

	block[63] = 24;
	fim_sha256_blocks(state, block, 1);
	ck_assert_int_eq(fim_sha256("abc", 3, expected), 0);
	for (i = 0; i < sizeof(expected); i++)
		ck_assert_uint_eq(expected[i], state[i / 4] >> (24 - 8 * (i % 4)) & 0xff);
}
END_TEST

START_TEST(the_way_is_said)
{
	ck_assert(strstr(fim_sha256_way(0), "OpenSSL") != NULL);
	ck_assert(!strncmp(fim_sha256_way(0), "AVX-512", 7) == fim_lanes_work());
	ck_assert(!strncmp(fim_sha256_way(1), "OpenSSL", 7));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lanes");
	TCase *tcase = tcase_create("lanes");

	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tcase, many_files_at_once_have_the_digests_of_each_alone, 0, 24);
	tcase_add_test(tcase,
		       a_file_that_is_shorter_than_it_was_is_an_error_and_the_others_are_not);
	tcase_add_test(tcase, openssl_goes_on_from_a_state);
	tcase_add_test(tcase, the_way_is_said);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
