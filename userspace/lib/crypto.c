/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests and signatures; the only file that includes OpenSSL.
 *
 * A signature is what "openssl dgst -sha256 -sign" (ECDSA; RSA with -sigopt
 * rsa_padding_mode:pss) or "openssl pkeyutl -sign -rawin" (Ed25519) makes, so that
 * nobody needs this program to check one.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "lib_private.h"

#define KEY_FILE_MAX (64u << 10)
#define RSA_BITS_MIN 2048
#define MD5_READ     (64u << 10)

/* ---- digests */

struct fim_hasher {
	EVP_MD *md; /* fetched once: a fetch per file would cost more than hashing a small one */
	EVP_MD_CTX *ctx;
	struct fim_pace *pace;
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

void fim_hasher_set_pace(struct fim_hasher *hasher, struct fim_pace *pace)
{
	hasher->pace = pace;
}

int fim_hasher_update(struct fim_hasher *hasher, const void *bytes, size_t len)
{
	if (hasher->pace)
		fim_pace_take(hasher->pace, len);
	return EVP_DigestUpdate(hasher->ctx, bytes, len) == 1 ? 0 : -EIO;
}

int fim_hasher_final(struct fim_hasher *hasher, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	return EVP_DigestFinal_ex(hasher->ctx, digest_ret, NULL) == 1 ? 0 : -EIO;
}

int fim_hasher_peek(const struct fim_hasher *hasher, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	int err = -ENOMEM;

	if (copy && EVP_MD_CTX_copy_ex(copy, hasher->ctx) == 1)
		err = EVP_DigestFinal_ex(copy, digest_ret, NULL) == 1 ? 0 : -EIO;
	EVP_MD_CTX_free(copy);
	return err;
}

int fim_uuid(const char *name, char text_ret[FIM_UUID_SIZE])
{
	/* The namespace is our own, made at random once: 5b6c2f0e-8f0b-4d5c-9c2a-7d1b6e0f4a93. */
	static const unsigned char space[16] = {0x5b, 0x6c, 0x2f, 0x0e, 0x8f, 0x0b, 0x4d, 0x5c,
						0x9c, 0x2a, 0x7d, 0x1b, 0x6e, 0x0f, 0x4a, 0x93};
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char hex[33];
	int err = -ENOMEM;

	/* SHA-1 because a UUID of version 5 is made with it; nothing depends on its strength. */
	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, space, sizeof(space)) != 1 ||
	    EVP_DigestUpdate(ctx, name, strlen(name)) != 1 ||
	    EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		goto out;
	digest[6] = (unsigned char)((digest[6] & 0x0f) | 0x50);
	digest[8] = (unsigned char)((digest[8] & 0x3f) | 0x80);
	fim_hex_encode(digest, 16, hex);
	snprintf(text_ret, FIM_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		 hex + 16, hex + 20);
	err = 0;
out:
	EVP_MD_CTX_free(ctx);
	return err;
}

int fim_sha256(const void *bytes, size_t len, unsigned char digest_ret[FIM_SHA256_SIZE])
{
	return EVP_Digest(bytes, len, digest_ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

/* EVP cannot be given a state to go on from: the old interface can, and is the same code below. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
void fim_sha256_blocks(uint32_t state[8], const void *bytes, size_t blocks)
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	memcpy(ctx.h, state, sizeof(ctx.h));
	SHA256_Update(&ctx, bytes, blocks * FIM_SHA256_BLOCK);
	memcpy(state, ctx.h, sizeof(ctx.h));
}
#pragma GCC diagnostic pop

const char *fim_sha256_way(uint64_t rate)
{
	const char *const name = fim_cpu_sha256();
	static const char *const both[] = {
		"AVX-512, 16 files at once; OpenSSL, SHA-NI",
		"AVX-512, 16 files at once; OpenSSL",
	};

	if (!rate && fim_lanes_work())
		return both[strcmp(name, "OpenSSL, SHA-NI") != 0];
	return name;
}

/* Not for security: it is what dpkg recorded, and says so wherever it is shown. */
int fim_md5_fd(int fd, unsigned char digest_ret[FIM_MD5_SIZE])
{
	EVP_MD *md = EVP_MD_fetch(NULL, "MD5", NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char bytes[MD5_READ];
	int err = md && ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1 ? 0 : -ENOTSUP;
	ssize_t n = 1;

	while (!err && n) {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno != EINTR)
			err = -errno;
		else if (n > 0 && EVP_DigestUpdate(ctx, bytes, (size_t)n) != 1)
			err = -EIO;
	}
	if (!err && EVP_DigestFinal_ex(ctx, digest_ret, NULL) != 1)
		err = -EIO;
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	ERR_clear_error();
	return err;
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
	case EVP_PKEY_RSA_PSS:
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

static bool is_rsa(const EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);

	return id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS;
}

static int sign_bytes(EVP_PKEY *key, const EVP_MD *md, const void *bytes, size_t len,
		      unsigned char **signature_ret, size_t *signature_len_ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *signature = NULL;
	EVP_PKEY_CTX *options = NULL;
	size_t signature_len = 0;
	int err = -EIO;

	if (!ctx)
		return -ENOMEM;
	if (EVP_DigestSignInit(ctx, &options, md, NULL, key) != 1)
		goto out;
	if (is_rsa(key) && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
			    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
		goto out;
	if (EVP_DigestSign(ctx, NULL, &signature_len, bytes, len) != 1)
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

static int public_pem(EVP_PKEY *key, char **pem_ret, size_t *len_ret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long len;
	int err = -ENOMEM;

	if (bio && PEM_write_bio_PUBKEY(bio, key) == 1) {
		len = BIO_get_mem_data(bio, &bytes);
		*pem_ret = malloc((size_t)len + 1);
		if (*pem_ret) {
			memcpy(*pem_ret, bytes, (size_t)len);
			*len_ret = (size_t)len;
			err = 0;
		}
	}
	BIO_free(bio);
	return err;
}

int fim_sign_once(const void *bytes, size_t len, unsigned char **signature_ret,
		  size_t *signature_len_ret, char **public_ret, size_t *public_len_ret,
		  char key_id_ret[FIM_KEY_ID_SIZE])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *signature = NULL;
	size_t signature_len = 0;
	int err;

	if (!key)
		return -ENOMEM;
	err = sign_bytes(key, EVP_sha256(), bytes, len, &signature, &signature_len);
	if (!err)
		err = key_id(key, key_id_ret);
	if (!err)
		err = public_pem(key, public_ret, public_len_ret);
	EVP_PKEY_free(key); /* wipes it */
	if (err) {
		free(signature);
		return err;
	}
	*signature_ret = signature;
	*signature_len_ret = signature_len;
	return 0;
}

int fim_base64_decode(const char *text, size_t len, unsigned char **bytes_ret, size_t *len_ret)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	unsigned char *bytes = malloc(len + 1);
	int used = 0, rest = 0, err = -EINVAL;

	if (!ctx || !bytes) {
		err = -ENOMEM;
		goto out;
	}
	EVP_DecodeInit(ctx);
	if (len > INT_MAX ||
	    EVP_DecodeUpdate(ctx, bytes, &used, (const unsigned char *)text, (int)len) < 0 ||
	    EVP_DecodeFinal(ctx, bytes + used, &rest) != 1 || used + rest == 0)
		goto out;
	*bytes_ret = bytes;
	*len_ret = (size_t)(used + rest);
	bytes = NULL;
	err = 0;
out:
	free(bytes);
	EVP_ENCODE_CTX_free(ctx);
	return err;
}

/**
 * struct check - one signature in search of its key
 * @what: the signature and what was signed
 * @chain: certificates that came with it, the signer's first; NULL: none
 * @usable: keys that could be tried
 * @key_id: id of the key that matched
 * @key_path: malloc'ed file of the key that matched, NULL until then
 */
struct check {
	const struct fim_signed *what;
	STACK_OF(X509) * chain;
	size_t usable;
	char key_id[FIM_KEY_ID_SIZE];
	char *key_path;
};

/* Ed25519 signs the message, not a digest of it: all of it has to be here. */
static int verify_message(const struct fim_signed *what, EVP_PKEY *key, bool *valid_ret)
{
	unsigned char digest[FIM_SHA256_SIZE];
	EVP_MD_CTX *ctx;
	char *bytes = NULL;
	size_t len;
	int err;

	err = what->load(what->load_ctx, &bytes, &len);
	if (err)
		return err;
	ctx = EVP_MD_CTX_new();
	err = ctx ? fim_sha256(bytes, len, digest) : -ENOMEM;
	if (!err && memcmp(digest, what->digest, sizeof(digest)))
		err = -EAGAIN; /* not what the digest was made of any more */
	if (!err)
		*valid_ret = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
			     EVP_DigestVerify(ctx, what->signature, what->signature_len,
					      (unsigned char *)bytes, len) == 1;
	EVP_MD_CTX_free(ctx);
	free(bytes);
	return err;
}

static bool verify_digest(const struct fim_signed *what, EVP_PKEY *key, const EVP_MD *md,
			  int padding)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool valid;

	valid = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		(!padding || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
		EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
		EVP_PKEY_verify(ctx, what->signature, what->signature_len, what->digest,
				sizeof(what->digest)) == 1;
	EVP_PKEY_CTX_free(ctx);
	return valid;
}

static int verify(struct check *check, EVP_PKEY *key, const char *path, bool *valid_ret)
{
	const EVP_MD *md;

	*valid_ret = false;
	if (key_check(key, path, &md))
		return 0;
	check->usable++;
	if (!md)
		return verify_message(check->what, key, valid_ret);
	if (is_rsa(key))
		*valid_ret = verify_digest(check->what, key, md, RSA_PKCS1_PSS_PADDING) ||
			     (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
			      verify_digest(check->what, key, md, RSA_PKCS1_PADDING));
	else
		*valid_ret = verify_digest(check->what, key, md, 0);
	return 0;
}

static int accept(struct check *check, EVP_PKEY *key, const char *path)
{
	int err = key_id(key, check->key_id);

	if (err)
		return err;
	check->key_path = strdup(path);
	return check->key_path ? 0 : -ENOMEM;
}

/* NULL: it holds now, by the chain that came with the signature if need be; else why not. */
static const char *certificate_fault(const struct check *check, X509 *anchor, X509 *signer)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const char *fault = "out of memory";

	/* Whatever is in the directory of trusted keys is trusted: it need not be self-signed. */
	if (store && ctx && X509_STORE_add_cert(store, anchor) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    X509_STORE_CTX_init(ctx, store, signer, check->chain) == 1)
		fault = X509_verify_cert(ctx) == 1
				? NULL
				: X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return fault;
}

/* A trusted certificate: the signer's own, or one that vouches for the signer's. */
static int check_certificate(struct check *check, const char *path, X509 *anchor)
{
	X509 *signer = check->chain ? sk_X509_value(check->chain, 0) : anchor;
	EVP_PKEY *key = X509_get0_pubkey(signer);
	const char *fault;
	bool valid = false;
	int err;

	err = key ? verify(check, key, path, &valid) : 0;
	if (err || !valid)
		return err;
	fault = certificate_fault(check, anchor, signer);
	if (!fault)
		return accept(check, key, path);
	fim_log(LOG_WARNING, "%s: does not vouch for the certificate of the signer: %s", path,
		fault);
	return 0;
}

static int read_certificates(const char *pem, size_t len, STACK_OF(X509) * *chain_ret)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *certificate;

	while (bio && chain && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (!sk_X509_push(chain, certificate))
			X509_free(certificate);
	BIO_free(bio);
	ERR_clear_error();
	if (chain && sk_X509_num(chain)) {
		*chain_ret = chain;
		return 0;
	}
	sk_X509_free(chain);
	return -EINVAL;
}

static bool is_certificate(const char *pem)
{
	return strstr(pem, "-----BEGIN CERTIFICATE-----") != NULL;
}

/* 0 whether the key matches or not; a key that cannot be used is reported and passed over. */
static int check_key(struct check *check, const char *path)
{
	STACK_OF(X509) *anchors = NULL;
	EVP_PKEY *key = NULL;
	char *pem = NULL;
	bool valid;
	size_t len;
	int err = 0;

	if (fim_file_read(path, KEY_FILE_MAX, &pem, &len))
		return 0;
	if (is_certificate(pem)) {
		if (!read_certificates(pem, len, &anchors))
			err = check_certificate(check, path, sk_X509_value(anchors, 0));
	} else if (!key_read(path, false, &key)) {
		err = verify(check, key, path, &valid);
		if (!err && valid)
			err = accept(check, key, path);
	}
	ERR_clear_error();
	sk_X509_pop_free(anchors, X509_free);
	EVP_PKEY_free(key);
	free(pem);
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

int fim_signed_check(const char *const *key_paths, const struct fim_signed *what,
		     char key_id_ret[FIM_KEY_ID_SIZE], char **key_path_ret)
{
	struct check check = {.what = what};
	struct stat st;
	int err = 0;

	if (what->chain && read_certificates(what->chain, what->chain_len, &check.chain))
		fim_log(LOG_WARNING, "the chain beside the signature holds no certificate in PEM");
	for (; *key_paths && !err && !check.key_path; key_paths++) {
		if (!stat(*key_paths, &st) && S_ISDIR(st.st_mode))
			err = check_directory(&check, *key_paths);
		else
			err = check_key(&check, *key_paths);
	}
	if (!err && !check.key_path)
		err = check.usable ? -EKEYREJECTED : -ENOKEY;
	if (!err) {
		memcpy(key_id_ret, check.key_id, sizeof(check.key_id));
		if (key_path_ret) {
			*key_path_ret = check.key_path;
			check.key_path = NULL;
		}
	}
	sk_X509_pop_free(check.chain, X509_free);
	free(check.key_path);
	return err;
}

/**
 * struct message - bytes that are here already
 * @bytes: they
 * @len: their number
 */
struct message {
	const void *bytes;
	size_t len;
};

static int load_message(void *ctx, char **bytes_ret, size_t *len_ret)
{
	const struct message *message = ctx;

	*bytes_ret = malloc(message->len + 1);
	if (!*bytes_ret)
		return -ENOMEM;
	memcpy(*bytes_ret, message->bytes, message->len);
	*len_ret = message->len;
	return 0;
}

int fim_signature_check(const char *const *key_paths, const void *bytes, size_t len,
			const unsigned char *signature, size_t signature_len,
			char key_id_ret[FIM_KEY_ID_SIZE], char **key_path_ret)
{
	struct message message = {.bytes = bytes, .len = len};
	struct fim_signed what = {.load = load_message,
				  .load_ctx = &message,
				  .signature = signature,
				  .signature_len = signature_len};
	int err = fim_sha256(bytes, len, what.digest);

	return err ? err : fim_signed_check(key_paths, &what, key_id_ret, key_path_ret);
}

/* ---- who signed a kernel module */

bool fim_cms_signer(const void *bytes, size_t len, char *name_ret, size_t size)
{
	const unsigned char *at = bytes;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	STACK_OF(CMS_SignerInfo) *signers = cms ? CMS_get0_SignerInfos(cms) : NULL;
	ASN1_INTEGER *serial = NULL;
	ASN1_OCTET_STRING *id = NULL;
	X509_NAME *issuer = NULL;
	int name_len = -1;

	if (signers && sk_CMS_SignerInfo_num(signers) > 0 &&
	    CMS_SignerInfo_get0_signer_id(sk_CMS_SignerInfo_value(signers, 0), &id, &issuer,
					  &serial) == 1 &&
	    issuer)
		name_len = X509_NAME_get_text_by_NID(issuer, NID_commonName, name_ret, (int)size);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return name_len > 0;
}
