/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim baseline: sign, digest, attach, verify-signature. What is signed is a
 * baseline or a delta to one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define BASELINE_MAX	(1u << 30)
#define SIGNATURE_MAX	(64u << 10)
#define CHAIN_MAX	(256u << 10)
#define BASELINE_SUFFIX ".ndjson"
#define DIGEST_LINE	(FIM_SHA256_HEX_SIZE + 1)

#define SIGN_USAGE   "usage: ecs-fim baseline sign --key PRIVATE.pem [-o SIGNATURE] BASELINE\n"
#define DIGEST_USAGE "usage: ecs-fim baseline digest [--binary] [--json] [-o FILE] BASELINE\n"
#define ATTACH_USAGE                                                                     \
	"usage: ecs-fim baseline attach --signature FILE --key PUBLIC.pem [--key …]\n" \
	"               [--chain CERTIFICATES.pem] [-o SIGNATURE] [--json] BASELINE\n"
#define CHECK_USAGE                                                               \
	"usage: ecs-fim baseline verify-signature --key PUBLIC.pem [--key …]\n" \
	"               [--signature SIGNATURE] [--json] BASELINE\n"

static const char sign_help[] = SIGN_USAGE
	"\n"
	"Makes a detached signature over the whole file, a baseline or a delta. Do this where\n"
	"the key is, which is never the host that the baseline is for. If the key cannot read\n"
	"files, because it is in a KMS or an HSM: see digest and attach.\n"
	"\n"
	"  --key PRIVATE.pem      ECDSA P-256 or P-384, RSA (PSS), or Ed25519\n"
	"  -o, --output SIGNATURE default: BASELINE with .ndjson replaced by .sig\n"
	"\n"
	"A key, and the same with stock tools (ECDSA; RSA with -sigopt rsa_padding_mode:pss):\n"
	"  openssl ecparam -genkey -name prime256v1 -noout -out key.pem\n"
	"  openssl pkey -in key.pem -pubout -out public.pem\n"
	"  openssl dgst -sha256 -sign key.pem -out baseline.sig baseline.ndjson\n";

static const char digest_help[] = DIGEST_USAGE
	"\n"
	"Prints the SHA-256 of a baseline or delta, after checking that it is a whole one: what\n"
	"leaves the image to be signed. The signature comes back with attach.\n"
	"\n"
	"  --binary               32 bytes instead of 64 hex digits\n"
	"  -o, --output FILE      write it there\n"
	"  --json                 print digest, format and number of objects as JSON\n"
	"\n"
	"With a key in AWS KMS (ECC_NIST_P256; RSA: RSASSA_PSS_SHA_256):\n"
	"  ecs-fim baseline digest --binary -o digest.bin baseline.ndjson\n"
	"  aws kms sign --key-id alias/fim --message-type DIGEST --message fileb://digest.bin \\\n"
	"      --signing-algorithm ECDSA_SHA_256 --query Signature --output text >signature.b64\n"
	"  ecs-fim baseline attach --signature signature.b64 --key public.pem baseline.ndjson\n"
	"With openssl, on any machine (ECDSA):\n"
	"  openssl pkeyutl -sign -inkey key.pem -in digest.bin -out signature.bin\n"
	"Ed25519 signs the file and not a digest of it: take the file to the key, see sign.\n";

static const char attach_help[] = ATTACH_USAGE
	"\n"
	"Puts a signature that was made elsewhere beside a baseline or delta, if a trusted key\n"
	"made it over exactly this file. Otherwise nothing is written.\n"
	"\n"
	"  --signature FILE       DER, raw or base64, as the signer gave it\n"
	"  --key PUBLIC.pem       trusted public key or certificate, or a directory of *.pem;\n"
	"                         may be repeated\n"
	"  --chain FILE           certificates of the signer, its own first: kept beside the\n"
	"                         signature as SIGNATURE.chain.pem\n"
	"  -o, --output SIGNATURE default: BASELINE with .ndjson replaced by .sig\n"
	"  --json                 print the result as a JSON object\n";

static const char check_help[] = CHECK_USAGE
	"\n"
	"Checks the signature, then the whole file: every line, the order, count and digest.\n"
	"\n"
	"  --key PUBLIC.pem       trusted public key or certificate, or a directory of *.pem;\n"
	"                         may be repeated\n"
	"  --signature SIGNATURE  default: BASELINE with .ndjson replaced by .sig\n"
	"  --json                 print the result as a JSON object\n"
	"\n"
	"Without this program (ECDSA, RSA, then Ed25519):\n"
	"  openssl dgst -sha256 -verify public.pem -signature baseline.sig baseline.ndjson\n"
	"  openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify public.pem \\\n"
	"      -signature baseline.sig baseline.ndjson\n"
	"  openssl pkeyutl -verify -pubin -inkey public.pem -rawin \\\n"
	"      -in baseline.ndjson -sigfile baseline.sig\n";

/* baseline.ndjson → baseline.sig; malloc'ed, NULL: out of memory */
char *cli_signature_path(const char *baseline)
{
	size_t len = strlen(baseline), suffix = strlen(BASELINE_SUFFIX);
	char *path;

	if (len > suffix && !strcmp(baseline + len - suffix, BASELINE_SUFFIX))
		len -= suffix;
	return asprintf(&path, "%.*s.sig", (int)len, baseline) < 0 ? NULL : path;
}

/* ---- arguments */

/**
 * struct arguments - of all four commands
 * @usage: which one it is
 * @help: likewise
 * @options: what it takes
 * @keys: --key, NULL-terminated
 * @key_count: their number
 * @signature: --signature
 * @chain: --chain
 * @output: --output, or where a signature is by custom
 * @binary: --binary
 * @json: --json
 * @file: the baseline
 * @beside: malloc'ed default
 */
struct arguments {
	const char *usage;
	const char *help;
	const struct cli_option *options;
	const char **keys;
	size_t key_count;
	const char *signature;
	const char *chain;
	const char *output;
	bool binary;
	bool json;
	const char *file;
	char *beside;
};

/* Parses, and runs @run unless that was all. */
static int with_arguments(int argc, char **argv, struct arguments *args,
			  int (*run)(struct arguments *args))
{
	int status = FIM_EXIT_ERROR;

	if (args->keys &&
	    cli_take_options(argc, argv, args->usage, args->help, args->options, &status)) {
		args->file = argv[optind];
		if (argc - optind != 1)
			status = cli_usage_error(args->usage, "one baseline is expected");
		else
			args->beside = cli_signature_path(args->file);
		if (args->beside)
			status = run(args);
	}
	free(args->beside);
	free(args->keys);
	return status;
}

/* ---- what is signed */

static int open_file(const char *path, const char *signature, const char *const *keys,
		     struct fim_baseline **baseline_ret)
{
	return fim_is_delta(path) ? fim_delta_open(path, signature, keys, baseline_ret)
				  : fim_baseline_open(path, signature, keys, baseline_ret);
}

static const char *format_of(const struct fim_baseline *baseline)
{
	return fim_json_get_str(fim_baseline_header(baseline), "format");
}

/* The bytes that @baseline was read from, or -EAGAIN. */
static int read_same(const char *path, const struct fim_baseline *baseline, char **bytes_ret,
		     size_t *len_ret)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	int err;

	err = fim_file_read(path, BASELINE_MAX, bytes_ret, len_ret);
	if (!err)
		err = fim_sha256(*bytes_ret, *len_ret, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), hex);
	if (!strcmp(hex, fim_baseline_digest(baseline)))
		return 0;
	cli_error("%s: changed while it was being signed", path);
	return -EAGAIN;
}

/* ---- sign */

/* Only what is a baseline gets a signature. */
static int sign(struct arguments *args)
{
	const char *output = args->output ? args->output : args->beside;
	char key_id[FIM_KEY_ID_SIZE], *bytes = NULL;
	struct fim_baseline *baseline = NULL;
	unsigned char *signature = NULL;
	size_t len = 0, signature_len;
	int err;

	if (args->key_count != 1)
		return cli_usage_error(SIGN_USAGE, "one --key is expected");
	err = open_file(args->file, NULL, NULL, &baseline);
	if (!err)
		err = read_same(args->file, baseline, &bytes, &len);
	if (!err)
		err = fim_sign(args->keys[0], bytes, len, &signature, &signature_len, key_id);
	if (!err)
		err = fim_file_write_atomic(output, signature, signature_len, 0644);
	if (!err) {
		cli_put_escaped(stdout, output);
		printf(": signature of %s (sha256) by key %s\n", fim_baseline_digest(baseline),
		       key_id);
	}
	free(signature);
	free(bytes);
	fim_baseline_free(baseline);
	return cli_exit(err);
}

int cmd_baseline_sign(int argc, char **argv)
{
	struct arguments args = {.usage = SIGN_USAGE,
				 .help = sign_help,
				 .keys = calloc((size_t)argc + 1, sizeof(*args.keys))};
	const struct cli_option options[] = {
		{"key", .list = args.keys, .count = &args.key_count},
		{"output", 'o', .text = &args.output},
		{0},
	};

	args.options = options;
	return with_arguments(argc, argv, &args, sign);
}

/* ---- digest */

static int put_digest(const struct arguments *args, const struct fim_baseline *baseline)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char line[DIGEST_LINE + 1];
	const void *bytes = line;
	size_t len = sizeof(digest);
	int err;

	err = fim_hex_decode(fim_baseline_digest(baseline), digest, sizeof(digest));
	if (err)
		return err;
	if (args->binary)
		bytes = digest;
	else
		len = (size_t)snprintf(line, sizeof(line), "%s\n", fim_baseline_digest(baseline));
	if (args->output)
		return fim_file_write_atomic(args->output, bytes, len, 0644);
	return fwrite(bytes, 1, len, stdout) == len ? 0 : -EIO;
}

static int digest(struct arguments *args)
{
	struct fim_baseline *baseline = NULL;
	struct fim_json *json;
	int err;

	if (args->json && (args->binary || args->output))
		return cli_usage_error(DIGEST_USAGE, "--json goes with neither --binary nor -o");
	err = open_file(args->file, NULL, NULL, &baseline);
	if (!err && args->json) {
		json = fim_json_object();
		fim_json_set_path(json, "path", args->file);
		fim_json_set_str(json, "format", format_of(baseline));
		fim_json_set_str(json, "digest", fim_baseline_digest(baseline));
		fim_json_set_int(json, "count", (int64_t)fim_baseline_count(baseline));
		err = cli_put_json(stdout, json);
	} else if (!err) {
		err = put_digest(args, baseline);
	}
	fim_baseline_free(baseline);
	return cli_exit(err);
}

int cmd_baseline_digest(int argc, char **argv)
{
	struct arguments args = {.usage = DIGEST_USAGE,
				 .help = digest_help,
				 .keys = calloc((size_t)argc + 1, sizeof(*args.keys))};
	const struct cli_option options[] = {
		{"binary", .flag = &args.binary},
		{"output", 'o', .text = &args.output},
		{"json", .flag = &args.json},
		{0},
	};

	args.options = options;
	return with_arguments(argc, argv, &args, digest);
}

/* ---- verify-signature */

static int print_checked(const struct fim_baseline *baseline, const char *path, bool as_json)
{
	struct fim_json *json;

	if (as_json) {
		json = fim_json_object();
		fim_json_set_path(json, "path", path);
		fim_json_set_str(json, "format", format_of(baseline));
		fim_json_set_str(json, "signature", "valid");
		fim_json_set_str(json, "digest", fim_baseline_digest(baseline));
		fim_json_set_str(json, "key_id", fim_baseline_key_id(baseline));
		fim_json_set_int(json, "count", (int64_t)fim_baseline_count(baseline));
		return cli_put_json(stdout, json);
	}
	cli_put_escaped(stdout, path);
	printf(": %svalid signature%s\n", cli_colour(stdout, CLI_GREEN),
	       cli_colour(stdout, CLI_PLAIN));
	printf("  key      %s\n", fim_baseline_key_id(baseline));
	printf("  sha256   %s\n", fim_baseline_digest(baseline));
	printf("  objects  %zu\n", fim_baseline_count(baseline));
	return 0;
}

static int check(struct arguments *args)
{
	const char *signature = args->signature ? args->signature : args->beside;
	struct fim_baseline *baseline = NULL;
	int err;

	if (!args->key_count)
		return cli_usage_error(CHECK_USAGE,
				       "--key is missing: whose signature is trusted?");
	err = open_file(args->file, signature, args->keys, &baseline);
	if (!err)
		err = print_checked(baseline, args->file, args->json);
	fim_baseline_free(baseline);
	return cli_exit(err);
}

int cmd_baseline_check(int argc, char **argv)
{
	struct arguments args = {.usage = CHECK_USAGE,
				 .help = check_help,
				 .keys = calloc((size_t)argc + 1, sizeof(*args.keys))};
	const struct cli_option options[] = {
		{"key", .list = args.keys, .count = &args.key_count},
		{"signature", .text = &args.signature},
		{"json", .flag = &args.json},
		{0},
	};

	args.options = options;
	return with_arguments(argc, argv, &args, check);
}

/* ---- attach */

/* KMS answers in base64; a DER or raw signature is never all base64 text. */
static int read_signature(const char *path, unsigned char **bytes_ret, size_t *len_ret)
{
	char *text = NULL;
	int err;

	err = fim_file_read(path, SIGNATURE_MAX, &text, len_ret);
	if (err)
		return err;
	if (*len_ret &&
	    !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			       "0123456789+/=\r\n")] &&
	    !fim_base64_decode(text, *len_ret, bytes_ret, len_ret))
		free(text);
	else
		*bytes_ret = (unsigned char *)text;
	return 0;
}

/* Under a name of its own first: a signature that is not valid must not replace one that is. */
static int attach_as(const struct arguments *args, const char *output, const char *trial,
		     struct fim_baseline **baseline_ret)
{
	unsigned char *signature = NULL;
	char *chain = NULL, *chain_path = NULL, *trial_chain = NULL;
	size_t len, chain_len;
	int err = 0;

	if (asprintf(&trial_chain, "%s.chain.pem", trial) < 0 ||
	    asprintf(&chain_path, "%s.chain.pem", output) < 0)
		return -ENOMEM;
	if (args->chain)
		err = fim_file_read(args->chain, CHAIN_MAX, &chain, &chain_len);
	if (!err)
		err = read_signature(args->signature, &signature, &len);
	if (!err && chain)
		err = fim_file_write_atomic(trial_chain, chain, chain_len, 0644);
	if (!err)
		err = fim_file_write_atomic(trial, signature, len, 0644);
	if (!err)
		err = open_file(args->file, trial, args->keys, baseline_ret);
	if (!err && chain)
		err = fim_file_write_atomic(chain_path, chain, chain_len, 0644);
	if (!err)
		err = fim_file_write_atomic(output, signature, len, 0644);
	remove(trial);
	if (chain)
		remove(trial_chain);
	free(trial_chain);
	free(chain_path);
	free(signature);
	free(chain);
	return err;
}

static int attach(struct arguments *args)
{
	const char *output = args->output ? args->output : args->beside;
	struct fim_baseline *baseline = NULL;
	char *trial = NULL;
	int err;

	if (!args->signature)
		return cli_usage_error(ATTACH_USAGE, "--signature is missing: what came back?");
	if (!args->key_count)
		return cli_usage_error(ATTACH_USAGE,
				       "--key is missing: whose signature is trusted?");
	if (asprintf(&trial, "%s.new", output) < 0)
		return FIM_EXIT_ERROR;
	err = attach_as(args, output, trial, &baseline);
	if (!err)
		err = print_checked(baseline, args->file, args->json);
	fim_baseline_free(baseline);
	free(trial);
	return cli_exit(err);
}

int cmd_baseline_attach(int argc, char **argv)
{
	struct arguments args = {.usage = ATTACH_USAGE,
				 .help = attach_help,
				 .keys = calloc((size_t)argc + 1, sizeof(*args.keys))};
	const struct cli_option options[] = {
		{"key", .list = args.keys, .count = &args.key_count},
		{"signature", .text = &args.signature},
		{"chain", .text = &args.chain},
		{"output", 'o', .text = &args.output},
		{"json", .flag = &args.json},
		{0},
	};

	args.options = options;
	return with_arguments(argc, argv, &args, attach);
}
