/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes of a comparison for the next one: the input as it is, with a right code behind
 * it, and as the record of a file that is right otherwise. Whatever is in them, a record is used only if it is for this
 * baseline and this root, and not too old.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/lib/lib_private.h"

#define MAC_SIZE FIM_SHA256_SIZE

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz_memo.XXXXXX";
static char path[64], key_path[64];
static const unsigned char key[32] = "0123456789abcdef0123456789abcdef";
static struct fim_baseline *baseline;
static char *right; /* a whole file */
static size_t right_len;

static void clean_up(void)
{
	unlink(path);
	unlink(key_path);
	rmdir(dir);
}

static void put(const char *name, const void *bytes, size_t len)
{
	FILE *file = fopen(name, "w");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
		abort();
}

static void set_up(void)
{
	static const char policy[] =
		"{\"name\":\"f\",\"version\":\"1\",\"roots\":[\"/etc\"],\"rules\":[]}";
	char text[2048], hex[FIM_SHA256_HEX_SIZE];
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_json *json = NULL;
	struct fim_policy *parsed = NULL;
	struct fim_memo_record record = {.ino = 1, .read_ns = 1};
	struct fim_memo *memo = NULL;
	int len;

	if (!mkdtemp(dir) || fim_json_parse(policy, strlen(policy), "fuzz", &json) ||
	    fim_policy_from_json(json, "fuzz", &parsed))
		abort();
	len = snprintf(
		text, sizeof(text),
		"{\"format\":\"ecs-fim-baseline\",\"version\":1,\"created\":\"2026-01-01\","
		"\"tool\":\"t\",\"hash\":\"sha256\",\"root\":\"/\",\"policy\":%s,"
		"\"policy_digest\":\"%s\",\"provenance\":{}}\n"
		"{\"path\":\"/etc\",\"type\":\"dir\",\"mode\":\"0755\",\"uid\":0,\"gid\":0}\n",
		policy, fim_policy_digest(parsed));
	fim_sha256(text, (size_t)len, digest);
	fim_hex_encode(digest, sizeof(digest), hex);
	len += snprintf(text + len, sizeof(text) - (size_t)len,
			"{\"count\":1,\"root_digest\":\"%s\"}\n", hex);
	if (fim_baseline_parse(text, (size_t)len, "fuzz", &baseline))
		abort();
	fim_policy_free(parsed);
	fim_json_free(json);
	snprintf(path, sizeof(path), "%s/state", dir);
	snprintf(key_path, sizeof(key_path), "%s/state.key", dir);
	put(key_path, key, sizeof(key));
	chmod(key_path, 0600);
	atexit(clean_up);
	if (fim_memo_open(path, "/", baseline, 1000, &memo))
		abort();
	fim_memo_note(memo, 0, &record); /* or there is nothing to save */
	if (fim_memo_save(memo) || fim_file_read(path, 4096, &right, &right_len))
		abort();
	fim_memo_free(memo);
}

static void load(void)
{
	const struct fim_memo_record *record;
	struct fim_memo *memo = NULL;

	if (fim_memo_open(path, "/", baseline, 1000, &memo))
		return;
	record = fim_memo_known(memo, 0);
	if (record && (record->read_ns <= 0 || record->read_ns > fim_time_now()))
		abort();
	fim_memo_free(memo);
}

/* Header and code are right, the one record is the input. */
static void load_record(const uint8_t *data, size_t size)
{
	size_t record = sizeof(struct fim_memo_record), payload = right_len - MAC_SIZE;
	unsigned char mac[MAC_SIZE];

	memset(right + payload - record, 0, record);
	memcpy(right + payload - record, data, size < record ? size : record);
	if (fim_hmac_sha256(key, sizeof(key), right, payload, mac))
		return;
	memcpy(right + payload, mac, sizeof(mac));
	put(path, right, right_len);
	load();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size + MAC_SIZE);

	if (!baseline)
		set_up();
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	put(path, copy, size);
	load();
	if (!fim_hmac_sha256(key, sizeof(key), copy, size, copy + size)) {
		put(path, copy, size + MAC_SIZE);
		load();
	}
	if (size)
		load_record(data, size);
	free(copy);
	return 0;
}
