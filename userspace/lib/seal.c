/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a sealed journal: how they evolve, what they say about a record, and the
 * text of the verification key.  Pure but for the random seed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "journal_private.h"

#define TEXT_PREFIX "ECSFIM1-"
#define TEXT_GROUP  6
#define CHECK_SIZE  4
#define KEY_BYTES   (8 + 8 + FIM_SEAL_SEED + FIM_SEAL_BOUND + CHECK_SIZE)
#define TEXT_DIGITS ((KEY_BYTES * 8 + 4) / 5)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 */
static const char state_magic[8] = "EFIMSEAL";

static void put64(unsigned char *bytes, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		bytes[i] = (unsigned char)value;
}

static uint64_t get64(const unsigned char *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* One step of a ratchet: there is no way back. */
static int evolve(const char label[8], const unsigned char *key, size_t len,
		  unsigned char key_ret[FIM_SHA256_SIZE])
{
	unsigned char bytes[8 + FIM_SHA256_SIZE];
	int err;

	memcpy(bytes, label, 8);
	memcpy(bytes + 8, key, len);
	err = fim_sha256(bytes, 8 + len, key_ret);
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

int fim_seal_key_new(struct fim_seal_key *key)
{
	return getrandom(key->seed, sizeof(key->seed), 0) == sizeof(key->seed) ? 0 : -EIO;
}

/* -------------------------------------------------------------------- text */

static void key_check(const unsigned char bytes[KEY_BYTES], unsigned char check_ret[CHECK_SIZE])
{
	unsigned char digest[FIM_SHA256_SIZE] = {0};

	fim_sha256(bytes, KEY_BYTES - CHECK_SIZE, digest);
	memcpy(check_ret, digest, CHECK_SIZE);
}

void fim_seal_key_format(const struct fim_seal_key *key, char text_ret[FIM_SEAL_TEXT_SIZE])
{
	unsigned char bytes[KEY_BYTES + 1] = {0}; /* the last digit is filled with zeros */
	char *out = stpcpy(text_ret, TEXT_PREFIX);

	_Static_assert(sizeof(TEXT_PREFIX) + TEXT_DIGITS + TEXT_DIGITS / TEXT_GROUP <
			       FIM_SEAL_TEXT_SIZE,
		       "it fits");
	put64(bytes, key->first);
	put64(bytes + 8, (uint64_t)(key->start_ns / FIM_NSEC_PER_SEC));
	memcpy(bytes + 16, key->seed, FIM_SEAL_SEED);
	memcpy(bytes + 16 + FIM_SEAL_SEED, key->bound, FIM_SEAL_BOUND);
	key_check(bytes, bytes + KEY_BYTES - CHECK_SIZE);
	for (size_t i = 0; i < TEXT_DIGITS; i++) {
		size_t bit = 5 * i;
		unsigned int pair = (unsigned int)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];

		if (i && i % TEXT_GROUP == 0)
			*out++ = '-';
		*out++ = alphabet[pair >> (11 - bit % 8) & 31];
	}
	*out = '\0';
	explicit_bzero(bytes, sizeof(bytes));
}

int fim_seal_key_parse(const char *text, struct fim_seal_key *key_ret)
{
	unsigned char bytes[KEY_BYTES + 1], check[CHECK_SIZE];
	struct fim_seal_key key;
	unsigned int bits = 0, value = 0;
	size_t len = 0;
	int err = -EINVAL;

	if (strncmp(text, TEXT_PREFIX, strlen(TEXT_PREFIX)))
		return -EINVAL;
	for (text += strlen(TEXT_PREFIX); *text; text++) {
		const char *digit = strchr(alphabet, *text);

		if (strchr("- \t\r\n", *text))
			continue;
		if (!digit || len >= KEY_BYTES)
			goto out;
		value = (value << 5 | (unsigned int)(digit - alphabet)) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			bytes[len++] = (unsigned char)(value >> bits);
		}
	}
	if (len != KEY_BYTES || (value & ((1u << bits) - 1)))
		goto out;
	key_check(bytes, check);
	if (memcmp(check, bytes + KEY_BYTES - CHECK_SIZE, CHECK_SIZE))
		goto out;
	key.first = get64(bytes);
	if (!key.first || key.first > FIM_SEAL_RECORDS_MAX ||
	    get64(bytes + 8) > INT64_C(9000000000))
		goto out;
	key.start_ns = (int64_t)get64(bytes + 8) * FIM_NSEC_PER_SEC;
	memcpy(key.seed, bytes + 16, FIM_SEAL_SEED);
	memcpy(key.bound, bytes + 16 + FIM_SEAL_SEED, FIM_SEAL_BOUND);
	*key_ret = key;
	err = 0;
out:
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

/* -------------------------------------------------------------------- keys */

int fim_seal_start(const struct fim_seal_key *key, struct fim_seal *seal_ret)
{
	struct fim_seal seal = {.first = key->first, .start_ns = key->start_ns, .next = key->first};
	int err = evolve("record 0", key->seed, sizeof(key->seed), seal.record_key);

	if (!err)
		err = evolve("epoch  0", key->seed, sizeof(key->seed), seal.epoch_key);
	if (!err)
		*seal_ret = seal;
	return err;
}

int fim_seal_seek(struct fim_seal *seal, uint64_t next, uint64_t epoch)
{
	int err = 0;

	if (next < seal->next || epoch < seal->epoch)
		return -EINVAL;
	if (epoch > FIM_SEAL_EPOCHS_MAX || next > FIM_SEAL_RECORDS_MAX)
		return -E2BIG;
	for (; seal->next < next && !err; seal->next++)
		err = evolve("record +", seal->record_key, FIM_SHA256_SIZE, seal->record_key);
	for (; seal->epoch < epoch && !err; seal->epoch++)
		err = evolve("epoch  +", seal->epoch_key, FIM_SHA256_SIZE, seal->epoch_key);
	return err;
}

uint64_t fim_seal_epoch_of(const struct fim_seal *seal, int64_t time_ns)
{
	uint64_t epoch;

	if (time_ns < seal->start_ns)
		return 0;
	epoch = (uint64_t)(time_ns - seal->start_ns) / FIM_SEAL_EPOCH_NS;
	return epoch < FIM_SEAL_EPOCHS_MAX ? epoch : FIM_SEAL_EPOCHS_MAX;
}

int fim_seal_record(struct fim_seal *seal, const unsigned char digest[FIM_SHA256_SIZE],
		    char mac_ret[FIM_SEAL_MAC_HEX + 1])
{
	unsigned char key[2 * FIM_SHA256_SIZE], mac[FIM_SHA256_SIZE];
	int err;

	memcpy(key, seal->record_key, FIM_SHA256_SIZE);
	memcpy(key + FIM_SHA256_SIZE, seal->epoch_key, FIM_SHA256_SIZE);
	err = fim_hmac_sha256(key, sizeof(key), digest, FIM_SHA256_SIZE, mac);
	explicit_bzero(key, sizeof(key));
	if (!err)
		err = fim_seal_seek(seal, seal->next + 1, seal->epoch);
	if (!err)
		fim_hex_encode(mac, FIM_SEAL_MAC_HEX / 2, mac_ret);
	return err;
}

void fim_seal_clear(struct fim_seal *seal)
{
	explicit_bzero(seal, sizeof(*seal));
}

void fim_seal_pack(const struct fim_seal *seal, unsigned char bytes_ret[FIM_SEAL_STATE_SIZE])
{
	_Static_assert(8 + 4 * 8 + 3 * FIM_SHA256_SIZE + 8 == FIM_SEAL_STATE_SIZE, "no rest");
	memset(bytes_ret, 0, FIM_SEAL_STATE_SIZE);
	memcpy(bytes_ret, state_magic, 8);
	put64(bytes_ret + 8, seal->first);
	put64(bytes_ret + 16, (uint64_t)seal->start_ns);
	put64(bytes_ret + 24, seal->next);
	put64(bytes_ret + 32, seal->epoch);
	memcpy(bytes_ret + 40, seal->record_key, FIM_SHA256_SIZE);
	memcpy(bytes_ret + 72, seal->epoch_key, FIM_SHA256_SIZE);
	fim_sha256(bytes_ret, 104, bytes_ret + 104);
}

int fim_seal_unpack(const unsigned char *bytes, size_t len, struct fim_seal *seal_ret)
{
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_seal seal;

	if (len != FIM_SEAL_STATE_SIZE || memcmp(bytes, state_magic, 8) ||
	    fim_sha256(bytes, 104, digest) || memcmp(digest, bytes + 104, sizeof(digest)) ||
	    get64(bytes + 136))
		return -EBADMSG;
	seal.first = get64(bytes + 8);
	seal.start_ns = (int64_t)get64(bytes + 16);
	seal.next = get64(bytes + 24);
	seal.epoch = get64(bytes + 32);
	if (!seal.first || seal.next < seal.first || seal.next > FIM_SEAL_RECORDS_MAX ||
	    seal.epoch > FIM_SEAL_EPOCHS_MAX || seal.start_ns < 0)
		return -EBADMSG;
	memcpy(seal.record_key, bytes + 40, FIM_SHA256_SIZE);
	memcpy(seal.epoch_key, bytes + 72, FIM_SHA256_SIZE);
	*seal_ret = seal;
	return 0;
}
