/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are made by the stock openssl program: what it makes and accepts is the contract. */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char message[] = "what was signed\n";

/* clang-format off */
static const struct {
	const char *generate;
	const char *sign;
	const char *verify;
} algorithms[] = {
	{ "openssl ecparam -genkey -name prime256v1 -noout -out key.pem",
	  "openssl dgst -sha256 -sign key.pem -out sig data",
	  "openssl dgst -sha256 -verify pub.pem -signature sig data >/dev/null" },
	{ "openssl ecparam -genkey -name secp384r1 -noout -out key.pem",
	  "openssl dgst -sha256 -sign key.pem -out sig data",
	  "openssl dgst -sha256 -verify pub.pem -signature sig data >/dev/null" },
	{ "openssl genrsa -out key.pem 2048 2>/dev/null",
	  "openssl dgst -sha256 -sign key.pem -out sig data",
	  "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1 -verify pub.pem -signature sig data >/dev/null" },
	{ "openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -out key.pem 2>/dev/null",
	  "openssl dgst -sha256 -sigopt rsa_pss_saltlen:max -sign key.pem -out sig data",
	  "openssl dgst -sha256 -sigopt rsa_pss_saltlen:-1 -verify pub.pem -signature sig data >/dev/null" },
	{ "openssl genpkey -algorithm ed25519 -out key.pem",
	  "openssl pkeyutl -sign -inkey key.pem -rawin -in data -out sig",
	  "openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in data -sigfile sig >/dev/null" },
};

static const char *const weak_keys[] = {
	"openssl genrsa -out key.pem 1024 2>/dev/null",
	"openssl ecparam -genkey -name secp256k1 -noout -out key.pem",
	"openssl ecparam -genkey -name secp521r1 -noout -out key.pem",
	"openssl genpkey -algorithm x25519 -out key.pem",
};
/* clang-format on */

static char keys_dir[PATH_MAX];

/* Once for all tests: an RSA key takes as long as it takes. */
static void keys_setup(void)
{
	char command[PATH_MAX + 512];
	size_t i;

	fixture_setup();
	strcpy(keys_dir, fixture_dir);
	for (i = 0; i < COUNT(algorithms); i++) {
		snprintf(command, sizeof(command), "mkdir %zu && cd %zu && %s && %s", i, i,
			 algorithms[i].generate, "openssl pkey -in key.pem -pubout -out pub.pem");
		shell(command);
	}
}

static void keys_teardown(void)
{
	strcpy(fixture_dir, keys_dir);
	fixture_teardown();
}

static void use_key(int algorithm)
{
	char command[PATH_MAX + 64];

	snprintf(command, sizeof(command), "cp %s/%d/*.pem .", keys_dir, algorithm);
	shell(command);
	put_text("data", message);
}

static int check(const char *const *keys, const void *signature, size_t len, char *id)
{
	return fim_signature_check(keys, message, strlen(message), signature, len, id, NULL);
}

START_TEST(digest_of_nothing_is_the_known_one)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];

	ck_assert_int_eq(fim_sha256("", 0, digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(digest_in_pieces_is_the_digest_of_the_whole)
{
	struct fim_hasher *hasher = fim_hasher_new();
	unsigned char digest[FIM_SHA256_SIZE], thousand[1000];
	char hex[FIM_SHA256_HEX_SIZE];
	int i;

	memset(thousand, 'a', sizeof(thousand));
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(fim_hasher_update(hasher, thousand, sizeof(thousand)), 0);
	ck_assert_int_eq(fim_hasher_final(hasher, digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	/* FIPS 180-4 example: a million times "a" */
	ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	ck_assert_int_eq(fim_hasher_reset(hasher), 0);
	ck_assert_int_eq(fim_hasher_update(hasher, "abc", 3), 0);
	ck_assert_int_eq(fim_hasher_final(hasher, digest), 0);
	fim_hex_encode(digest, sizeof(digest), hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	fim_hasher_free(hasher);
	fim_hasher_free(NULL);
}
END_TEST

START_TEST(stock_openssl_accepts_our_signature)
{
	const char *const keys[] = {"pub.pem", NULL};
	char id[FIM_KEY_ID_SIZE], found[FIM_KEY_ID_SIZE], command[256];
	unsigned char *signature = NULL;
	size_t len;

	use_key(_i);
	ck_assert_int_eq(fim_sign("key.pem", message, strlen(message), &signature, &len, id), 0);
	put_bytes("sig", signature, len);
	shell(algorithms[_i].verify);
	ck_assert_int_eq(check(keys, signature, len, found), 0);
	ck_assert_str_eq(found, id);
	snprintf(command, sizeof(command),
		 "openssl pkey -pubin -in pub.pem -outform DER | sha256sum | grep -q ^%s", id);
	shell(command);
	free(signature);
}
END_TEST

START_TEST(we_accept_a_signature_of_stock_openssl)
{
	const char *const keys[] = {"pub.pem", NULL};
	char id[FIM_KEY_ID_SIZE], *signature = NULL, *path = NULL;
	size_t len;

	use_key(_i);
	shell(algorithms[_i].sign);
	ck_assert_int_eq(fim_file_read("sig", 4096, &signature, &len), 0);
	ck_assert_int_eq(fim_signature_check(keys, message, strlen(message),
					     (unsigned char *)signature, len, id, &path),
			 0);
	ck_assert_str_eq(path, "pub.pem");
	free(path);
	free(signature);
}
END_TEST

START_TEST(any_flipped_byte_of_a_signature_is_rejected)
{
	const char *const keys[] = {"pub.pem", NULL};
	unsigned char *signature = NULL;
	char id[FIM_KEY_ID_SIZE] = "untouched";
	size_t len, i;

	use_key(_i);
	ck_assert_int_eq(fim_sign("key.pem", message, strlen(message), &signature, &len, id), 0);
	strcpy(id, "untouched");
	for (i = 0; i < len; i++) {
		signature[i] ^= 1u << i % 8;
		ck_assert_int_eq(check(keys, signature, len, id), -EKEYREJECTED);
		signature[i] ^= 1u << i % 8;
	}
	for (i = 0; i < len; i += 1 + len / 16)
		ck_assert_int_eq(check(keys, signature, i, id), -EKEYREJECTED);
	ck_assert_str_eq(id, "untouched");
	ck_assert_int_eq(check(keys, signature, len, id), 0);
	free(signature);
}
END_TEST

START_TEST(a_changed_message_is_rejected)
{
	const char *const keys[] = {"pub.pem", NULL};
	unsigned char *signature = NULL;
	char id[FIM_KEY_ID_SIZE], changed[] = "what was signed\n";
	size_t len;

	use_key(_i);
	ck_assert_int_eq(fim_sign("key.pem", message, strlen(message), &signature, &len, id), 0);
	changed[3] ^= 1;
	ck_assert_int_eq(fim_signature_check(keys, changed, strlen(changed), signature, len, id,
					     NULL),
			 -EKEYREJECTED);
	ck_assert_int_eq(fim_signature_check(keys, "", 0, signature, len, id, NULL), -EKEYREJECTED);
	free(signature);
}
END_TEST

START_TEST(a_key_that_is_too_weak_or_of_another_kind_is_refused)
{
	const char *const keys[] = {"pub.pem", NULL};
	unsigned char *signature = NULL;
	char id[FIM_KEY_ID_SIZE];
	size_t len;

	shell(weak_keys[_i]);
	shell("openssl pkey -in key.pem -pubout -out pub.pem");
	ck_assert_int_eq(fim_sign("key.pem", message, strlen(message), &signature, &len, id),
			 -EINVAL);
	assert_logged("key.pem: key is neither");
	ck_assert_int_eq(check(keys, "x", 1, id), -ENOKEY);
	assert_logged("pub.pem: key is neither");
}
END_TEST

START_TEST(no_key_that_can_be_read_is_told_from_no_key_that_matches)
{
	const char *const none[] = {NULL}, *const missing[] = {"missing.pem", NULL};
	const char *const empty[] = {"empty.pem", NULL}, *const private[] = {"key.pem", NULL};
	char id[FIM_KEY_ID_SIZE];

	use_key(0);
	put_text("empty.pem", "");
	ck_assert_int_eq(check(none, "x", 1, id), -ENOKEY);
	ck_assert_int_eq(check(missing, "x", 1, id), -ENOKEY);
	assert_logged("missing.pem: cannot read");
	ck_assert_int_eq(check(empty, "x", 1, id), -ENOKEY);
	assert_logged("empty.pem: not a public key");
	ck_assert_int_eq(check(private, "x", 1, id), -ENOKEY);
	assert_logged("key.pem: not a public key");
}
END_TEST

START_TEST(a_directory_of_keys_is_searched_and_rubbish_in_it_passed_over)
{
	const char *const keys[] = {"keys.d", NULL};
	unsigned char *signature = NULL;
	char id[FIM_KEY_ID_SIZE], *path = NULL;
	size_t len;

	put_dir("keys.d");
	use_key(3);
	ck_assert_int_eq(rename("pub.pem", "keys.d/0-other.pem"), 0);
	use_key(0);
	ck_assert_int_eq(fim_sign("key.pem", message, strlen(message), &signature, &len, id), 0);
	ck_assert_int_eq(check(keys, signature, len, id), -EKEYREJECTED);
	ck_assert_int_eq(rename("pub.pem", "keys.d/9-right.pem"), 0);
	put_text("keys.d/1-rubbish.pem", "rubbish");
	put_text("keys.d/README", "not a key");
	put_dir("keys.d/2-directory.pem");
	ck_assert_int_eq(mkfifo("keys.d/3-fifo.pem", 0600), 0); /* must not block */
	ck_assert_int_eq(
		fim_signature_check(keys, message, strlen(message), signature, len, id, &path), 0);
	ck_assert_str_eq(path, "keys.d/9-right.pem");
	free(path);
	free(signature);
}
END_TEST

START_TEST(signing_needs_a_private_key)
{
	unsigned char *signature = NULL;
	char id[FIM_KEY_ID_SIZE];
	size_t len;

	use_key(0);
	put_text("empty.pem", "");
	ck_assert_int_eq(fim_sign("missing.pem", "x", 1, &signature, &len, id), -ENOENT);
	ck_assert_int_eq(fim_sign("empty.pem", "x", 1, &signature, &len, id), -EINVAL);
	ck_assert_int_eq(fim_sign("pub.pem", "x", 1, &signature, &len, id), -EINVAL);
	assert_logged("pub.pem: not a private key");
	ck_assert_ptr_null(signature);
}
END_TEST

START_TEST(without_a_terminal_an_encrypted_key_is_refused_not_asked_for)
{
	unsigned char *signature = NULL;
	char id[FIM_KEY_ID_SIZE];
	size_t len;

	use_key(0);
	shell("openssl pkey -in key.pem -aes128 -passout pass:secret -out locked.pem");
	ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin));
	ck_assert_int_eq(fim_sign("locked.pem", "x", 1, &signature, &len, id), -EINVAL);
	assert_logged("locked.pem: not a private key");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto");
	TCase *tcase = tcase_create("crypto");

	tcase_set_timeout(tcase, 20);
	tcase_add_unchecked_fixture(tcase, keys_setup, keys_teardown);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_test(tcase, digest_of_nothing_is_the_known_one);
	tcase_add_test(tcase, digest_in_pieces_is_the_digest_of_the_whole);
	tcase_add_loop_test(tcase, stock_openssl_accepts_our_signature, 0, COUNT(algorithms));
	tcase_add_loop_test(tcase, we_accept_a_signature_of_stock_openssl, 0, COUNT(algorithms));
	tcase_add_loop_test(tcase, any_flipped_byte_of_a_signature_is_rejected, 0,
			    COUNT(algorithms));
	tcase_add_loop_test(tcase, a_changed_message_is_rejected, 0, COUNT(algorithms));
	tcase_add_loop_test(tcase, a_key_that_is_too_weak_or_of_another_kind_is_refused, 0,
			    COUNT(weak_keys));
	tcase_add_test(tcase, no_key_that_can_be_read_is_told_from_no_key_that_matches);
	tcase_add_test(tcase, a_directory_of_keys_is_searched_and_rubbish_in_it_passed_over);
	tcase_add_test(tcase, signing_needs_a_private_key);
	tcase_add_test(tcase, without_a_terminal_an_encrypted_key_is_refused_not_asked_for);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
