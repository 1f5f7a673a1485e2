/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a verification key, any bytes as the state of the keys (with a digest that
 * fits, since guessing one leads nowhere), and any lines with a correct chain as a sealed
 * journal: whole it verifies, and with the state or the bytes of the input it ends.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libfim.h"
#include "userspace/lib/journal_private.h"

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz-seal-XXXXXX";
static char journal_path[64], state_path[64];

static void clean(void)
{
	unlink(journal_path);
	unlink(state_path);
	rmdir(dir);
}

static void put(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	assert(file && fwrite(bytes, 1, len, file) == len);
	fclose(file);
}

static void try_key(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), again[FIM_SEAL_TEXT_SIZE];
	struct fim_seal_key key, same;

	assert(text);
	if (fim_seal_key_parse(text, &key) == 0) {
		fim_seal_key_format(&key, again);
		assert(fim_seal_key_parse(again, &same) == 0 && same.first == key.first &&
		       same.start_ns == key.start_ns &&
		       !memcmp(same.seed, key.seed, sizeof(key.seed)) &&
		       !memcmp(same.bound, key.bound, sizeof(key.bound)));
	}
	free(text);
}

/* The input's numbers and keys in the frame that they need to be read. */
static bool make_state(const uint8_t *data, size_t size, const struct fim_seal *like,
		       unsigned char state[FIM_SEAL_STATE_SIZE])
{
	struct fim_seal seal;

	fim_seal_pack(like, state);
	/* A later hour costs a digest for each between: two bytes of it are enough here. */
	for (size_t i = 0; i < size && i < 96; i++)
		state[8 + i] ^= i >= 24 && i < 30 ? 0 : data[i];
	assert(fim_sha256(state, 104, state + 104) == 0);
	if (fim_seal_unpack(state, FIM_SEAL_STATE_SIZE, &seal))
		return false;
	fim_seal_pack(&seal, state);
	assert(fim_seal_unpack(state, FIM_SEAL_STATE_SIZE, &seal) == 0);
	return true;
}

static void seal_line(FILE *out, struct fim_seal *seal, const struct fim_json *body,
		      char prev[FIM_SHA256_HEX_SIZE])
{
	char *text, *line, mac[FIM_SEAL_MAC_HEX + 1], time[FIM_TIME_SIZE];
	unsigned char digest[FIM_SHA256_SIZE];
	size_t len;
	int all;

	assert(fim_json_dump(body, &text, &len) == 0);
	fim_time_format(seal->start_ns + (int64_t)seal->next, time);
	all = asprintf(&line,
		       "{\"seq\":%llu,\"time\":\"%s\",\"boot_id\":\"b\",\"type\":\"finding\","
		       "\"prev\":\"%s\",\"body\":%s",
		       (unsigned long long)seal->next, time, prev, text);
	assert(all > 0 && fim_sha256(line, (size_t)all, digest) == 0);
	free(text);
	assert(fim_seal_record(seal, digest, mac) == 0);
	all = asprintf(&text, "%s,\"seal\":\"0:%s\"}\n", line, mac);
	assert(all > 0 && fim_sha256(text, (size_t)all, digest) == 0);
	fim_hex_encode(digest, sizeof(digest), prev);
	fwrite(text, 1, (size_t)all, out);
	free(text);
	free(line);
}

static void make_journal(const uint8_t *data, size_t size, struct fim_seal *seal)
{
	const char *at = (const char *)data;
	char prev[FIM_SHA256_HEX_SIZE];
	FILE *out = fopen(journal_path, "we");
	int lines = 0;
	size_t len;

	assert(out);
	memset(prev, '0', sizeof(prev) - 1);
	prev[sizeof(prev) - 1] = '\0';
	for (; size && lines < LINES_MAX; at += len, size -= len) {
		const char *newline = memchr(at, '\n', size);
		struct fim_json *body;

		len = newline ? (size_t)(newline - at) + 1 : size;
		if (fim_json_parse(at, len, NULL, &body))
			continue;
		seal_line(out, seal, body, prev);
		fim_json_free(body);
		lines++;
	}
	fclose(out);
}

static int verify(const char *key, struct fim_journal_check *check_ret)
{
	struct fim_journal_query query = {.path = dir, .key = key};

	return fim_journal_verify(&query, check_ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_seal_key key = {.first = 1, .start_ns = 1700000000 * FIM_NSEC_PER_SEC};
	unsigned char state[FIM_SEAL_STATE_SIZE];
	struct fim_journal_check check;
	char text[FIM_SEAL_TEXT_SIZE];
	struct fim_seal seal;
	int err;

	if (!*journal_path) {
		assert(mkdtemp(dir));
		snprintf(journal_path, sizeof(journal_path), "%s/" FIM_JOURNAL_ACTIVE, dir);
		snprintf(state_path, sizeof(state_path), "%s/" FIM_SEAL_STATE_NAME, dir);
		atexit(clean);
	}
	try_key(data, size);
	fim_seal_key_format(&key, text);
	assert(fim_seal_start(&key, &seal) == 0);
	make_journal(data, size, &seal);
	fim_seal_pack(&seal, state);
	put(state_path, state, sizeof(state));
	assert(verify(text, &check) == 0 && check.sealed == seal.next - 1);
	if (make_state(data, size, &seal, state)) {
		put(state_path, state, sizeof(state));
		err = verify(text, &check);
		assert(err == 0 || err == -EBADMSG);
	}
	put(state_path, data, size);
	put(journal_path, data, size);
	err = verify(text, &check);
	assert(err == -EBADMSG);
	return 0;
}
