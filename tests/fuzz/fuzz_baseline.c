/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input as it is, then with a right trailer put behind it: otherwise the digest
 * would keep the fuzzer out of everything that only a sealed baseline reaches.
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Same paths in the same order, found where they are. */
static void check_baseline(const struct fim_baseline *baseline)
{
	const struct fim_entry *entry;
	FILE *null = fopen("/dev/null", "w");
	size_t i;

	for (i = 0; i < fim_baseline_count(baseline); i++) {
		entry = fim_baseline_index(baseline, i);
		if (fim_baseline_lookup(baseline, entry->path) != entry)
			abort();
		if (i && strcmp(fim_baseline_index(baseline, i - 1)->path, entry->path) >= 0)
			abort();
		if (!fim_policy_covers(fim_baseline_policy(baseline), entry->path))
			abort();
	}
	if (null) {
		fim_baseline_export_sha256sums(baseline, null);
		fclose(null);
	}
}

static void parse(const char *bytes, size_t len)
{
	struct fim_baseline *baseline = NULL;

	if (fim_baseline_parse(bytes, len, "fuzz", &baseline))
		return;
	check_baseline(baseline);
	fim_baseline_free(baseline);
}

static void parse_sealed(const char *data, size_t size)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	size_t i, lines = 0;
	char *text;
	int len;

	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (!lines || data[size - 1] != '\n')
		return;
	text = malloc(size + 256);
	if (!text)
		return;
	memcpy(text, data, size);
	fim_sha256(text, size, digest);
	fim_hex_encode(digest, sizeof(digest), hex);
	len = snprintf(text + size, 256, "{\"count\":%zu,\"root_digest\":\"%s\"}\n", lines - 1,
		       hex);
	parse(text, size + (size_t)len);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return 0;
	/* As fim_file_read() gives it. */
	memcpy(copy, data, size);
	copy[size] = '\0';
	parse(copy, size);
	parse_sealed(copy, size);
	free(copy);
	return 0;
}
