/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests and signatures; the only file that includes OpenSSL.
 *
 * A signature is what "openssl dgst -sha256 -sign" (ECDSA, RSA) or "openssl pkeyutl
 * -sign -rawin" (Ed25519) makes, so that nobody needs this program to check one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib_private.h"

#define KEY_FILE_MAX (64u << 10)
#define RSA_BITS_MIN 2048

/* ---- digests */

struct fim_hasher {
	EVP_MD *md; /* fetched once: a fetch per file would cost more than hashing a small one */
	EVP_MD_CTX *ctx;
};

struct fim_hasher *fim_hasher_new(void)
{
	struct fim_hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return NULL;
	hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hasher->ctx = EVP_MD_CTX_new();
	if (!hasher->md || !hasher->ctx || fim_hasher_reset(hasher)) {
		fim_hasher_free(hasher);
		return NULL;
	}
	return hasher;
}

void fim_hasher_free(struct fim_hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MD_CTX_free(hasher->ctx);
	EVP_MD_free(hasher->md);
	free(hasher);
}

int fim_hasher_reset(struct fim_hasher *hasher)
{
	return EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) == 1 ? 0 : -ENOMEM;
}

int fim_hasher_update(struct fim_hasher *hasher, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(hasher->ctx, bytes, len) == 1 ? 0 : -EIO;
}

int fim_hasher_final(struct fim_hasher *hasher, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	return EVP_DigestFinal_ex(hasher->ctx, digest_ret, NULL) == 1 ? 0 : -EIO;
}

int fim_sha256(const void *bytes, size_t len, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	return EVP_Digest(bytes, len, digest_ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int fim_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
		    unsigned char mac_ret[FIM_SHA256_SIZE])
{
	return HMAC(EVP_sha256(), key, (int)key_len, bytes, len, mac_ret, NULL) ? 0 : -EIO;
}

/* ---- keys */

static const char *openssl_error(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "no reason given by OpenSSL";
}

/* A daemon or a pipeline cannot answer a question for a passphrase. */
static int refuse_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

/* Ed25519 hashes by itself; for all others the digest is SHA-256. NULL in @md_ret: none. */
static int key_check(const EVP_PKEY *key, const char *path, const EVP_MD **md_ret)
{
	char curve[32] = "";

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_ED25519:
		*md_ret = NULL;
		return 0;
	case EVP_PKEY_RSA:
		if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
			break;
		*md_ret = EVP_sha256();
		return 0;
	case EVP_PKEY_EC:
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
		if (strcmp(curve, "prime256v1") && strcmp(curve, "P-256") &&
		    strcmp(curve, "secp384r1") && strcmp(curve, "P-384"))
			break;
		*md_ret = EVP_sha256();
		return 0;
	}
	fim_log(LOG_ERR,
		"%s: key is neither ECDSA P-256 or P-384, nor RSA of %d bits or more, nor Ed25519",
		path, RSA_BITS_MIN);
	return -EINVAL;
}

/* Keys are read through fim_file_read(): a FIFO in a key directory must not block us. */
static int key_read(const char *path, bool private, EVP_PKEY **key_ret)
{
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	char *pem = NULL;
	size_t len = 0;
	int err;

	err = fim_file_read(path, KEY_FILE_MAX, &pem, &len);
	if (err)
		return err;
	ERR_clear_error();
	bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio) {
		err = -ENOMEM;
		goto out;
	}
	if (private)
		key = PEM_read_bio_PrivateKey(
			bio, NULL, isatty(STDIN_FILENO) ? NULL : refuse_passphrase, NULL);
	else
		key = PEM_read_bio_PUBKEY(bio, NULL, refuse_passphrase, NULL);
	if (!key) {
		fim_log(LOG_ERR, "%s: not a %s key in PEM: %s", path,
			private ? "private" : "public", openssl_error());
		err = -EINVAL;
		goto out;
	}
	*key_ret = key;
out:
	BIO_free(bio);
	if (pem)
		OPENSSL_cleanse(pem, len);
	free(pem);
	return err;
}

static int key_id(EVP_PKEY *key, char id_ret[FIM_KEY_ID_SIZE])
{
	unsigned char digest[FIM_SHA256_SIZE], *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	int err;

	if (len <= 0)
		return -ENOMEM;
	err = fim_sha256(der, (size_t)len, digest);
	OPENSSL_free(der);
	if (!err)
		fim_hex_encode(digest, sizeof(digest), id_ret);
	return err;
}

/* ---- signatures */

static int sign_bytes(EVP_PKEY *key, const EVP_MD *md, const void *bytes, size_t len,
		      unsigned char **signature_ret, size_t *signature_len_ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *signature = NULL;
	size_t signature_len = 0;
	int err = -EIO;

	if (!ctx)
		return -ENOMEM;
	if (EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, NULL, &signature_len, bytes, len) != 1)
		goto out;
	signature = malloc(signature_len);
	if (!signature) {
		err = -ENOMEM;
		goto out;
	}
	if (EVP_DigestSign(ctx, signature, &signature_len, bytes, len) != 1)
		goto out;
	*signature_ret = signature;
	*signature_len_ret = signature_len;
	signature = NULL;
	err = 0;
out:
	if (err)
		fim_log(LOG_ERR, "cannot sign: %s", openssl_error());
	free(signature);
	EVP_MD_CTX_free(ctx);
	return err;
}

int fim_sign(const char *key_path, const void *bytes, size_t len, unsigned char **signature_ret,
	     size_t *signature_len_ret, char key_id_ret[FIM_KEY_ID_SIZE])
{
	char id[FIM_KEY_ID_SIZE];
	EVP_PKEY *key = NULL;
	const EVP_MD *md;
	int err;

	err = key_read(key_path, true, &key);
	if (err)
		return err;
	err = key_check(key, key_path, &md);
	if (err)
		goto out;
	err = key_id(key, id);
	if (err)
		goto out;
	err = sign_bytes(key, md, bytes, len, signature_ret, signature_len_ret);
	if (!err)
		memcpy(key_id_ret, id, sizeof(id));
out:
	EVP_PKEY_free(key);
	return err;
}

/**
 * struct check - one signature in search of its key
 * @bytes: what was signed
 * @len: its length
 * @signature: the signature
 * @signature_len: its length
 * @usable: keys that could be tried
 * @key_id: id of the key that matched
 * @key_path: malloc'ed file of the key that matched, NULL until then
 */
struct check {
	const void *bytes;
	size_t len;
	const unsigned char *signature;
	size_t signature_len;
	size_t usable;
	char key_id[FIM_KEY_ID_SIZE];
	char *key_path;
};

/* 0 whether the key matches or not; a key that cannot be used is reported and passed over. */
static int check_key(struct check *check, const char *path)
{
	EVP_MD_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	const EVP_MD *md;
	int err = 0;

	if (key_read(path, false, &key) || key_check(key, path, &md))
		goto out;
	ctx = EVP_MD_CTX_new();
	if (!ctx) {
		err = -ENOMEM;
		goto out;
	}
	check->usable++;
	if (EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) != 1 ||
	    EVP_DigestVerify(ctx, check->signature, check->signature_len, check->bytes,
			     check->len) != 1)
		goto out;
	err = key_id(key, check->key_id);
	if (err)
		goto out;
	check->key_path = strdup(path);
	if (!check->key_path)
		err = -ENOMEM;
out:
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return err;
}

static int is_pem(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 && !strcmp(entry->d_name + len - 4, ".pem");
}

static int check_directory(struct check *check, const char *path)
{
	struct dirent **entries = NULL;
	char *file;
	int count, i, err = 0;

	count = scandir(path, &entries, is_pem, alphasort);
	if (count < 0) {
		err = -errno;
		fim_log(LOG_ERR, "%s: cannot read key directory: %s", path, strerror(-err));
		return err == -ENOMEM ? err : 0;
	}
	for (i = 0; i < count; i++) {
		if (err || check->key_path)
			continue;
		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
			err = -ENOMEM;
			continue;
		}
		err = check_key(check, file);
		free(file);
	}
	for (i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return err;
}

int fim_signature_check(const char *const *key_paths, const void *bytes, size_t len,
			const unsigned char *signature, size_t signature_len,
			char key_id_ret[FIM_KEY_ID_SIZE], char **key_path_ret)
{
	struct check check = {
		.bytes = bytes, .len = len, .signature = signature, .signature_len = signature_len};
	struct stat st;
	int err = 0;

	for (; *key_paths && !err && !check.key_path; key_paths++) {
		if (!stat(*key_paths, &st) && S_ISDIR(st.st_mode))
			err = check_directory(&check, *key_paths);
		else
			err = check_key(&check, *key_paths);
	}
	if (err)
		goto out;
	if (!check.key_path) {
		err = check.usable ? -EKEYREJECTED : -ENOKEY;
		goto out;
	}
	memcpy(key_id_ret, check.key_id, sizeof(check.key_id));
	if (key_path_ret) {
		*key_path_ret = check.key_path;
		check.key_path = NULL;
	}
out:
	free(check.key_path);
	return err;
}
