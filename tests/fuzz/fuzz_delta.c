/* SPDX-License-Identifier: Apache-2.0 */
/* A delta as it is, then with a right trailer, and applied to the baseline that it names. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/baseline.h"
#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base_text[] =
	"{\"format\":\"ecs-fim-baseline\",\"version\":1,\"created\":\"2026-11-22T09:41:00Z\","
	"\"tool\":\"t\",\"hash\":\"sha256\",\"root\":\"/\",\"policy\":{\"name\":\"f\",\"version\":\"1\","
	"\"roots\":[\"/etc\"],\"rules\":[{\"path\":\"/etc/id\",\"class\":\"once\",\"reason\":\"r\"}]},"
	"\"policy_digest\":\"%s\",\"provenance\":{}}\n"
	"{\"path\":\"/etc\",\"type\":\"dir\",\"mode\":\"0755\",\"uid\":0,\"gid\":0}\n";

/* @text has room for a trailer. */
static void seal(char *text, size_t *len)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	size_t i, lines = 0;

	for (i = 0; i < *len; i++)
		lines += text[i] == '\n';
	fim_sha256(text, *len, digest);
	fim_hex_encode(digest, sizeof(digest), hex);
	*len += (size_t)snprintf(text + *len, FIM_TRAILER_SIZE, FIM_TRAILER_PATTERN "\n",
				 lines ? lines - 1 : 0, hex);
}

static struct fim_baseline *base_new(void)
{
	static const char policy_text[] =
		"name: f\nversion: '1'\nroots: [/etc]\nrules:\n  - {path: /etc/id, class: once, reason: r}\n";
	struct fim_baseline *baseline = NULL;
	struct fim_policy *policy;
	char text[2048];
	size_t len;

	if (fim_policy_parse(policy_text, sizeof(policy_text) - 1, "policy", &policy))
		abort();
	len = (size_t)snprintf(text, sizeof(text), base_text, fim_policy_digest(policy));
	fim_policy_free(policy);
	seal(text, &len);
	if (fim_baseline_parse(text, len, "base", &baseline))
		abort();
	return baseline;
}

/* Of an enrollment every entry that there is room for is told, of what else was agreed to none. */
static void check_told(const struct fim_delta_info *info)
{
	size_t told = fim_json_count(info->entries);

	if (told > info->count || (told && strcmp(info->kind, "enrollment")) ||
	    (!told && info->count && !strcmp(info->kind, "enrollment")))
		abort();
	for (size_t i = 0; i < told; i++)
		if (!fim_json_get_str(fim_json_index(info->entries, i), "class"))
			abort();
}

/* Whatever is applied, the result is in order and inside the policy. */
static void apply(struct fim_baseline *delta)
{
	struct fim_baseline *base = base_new();
	const struct fim_entry *entry;
	size_t i;

	/* The fuzzer cannot guess a digest. */
	fim_json_set_str(delta->header, "base", base->digest);
	fim_json_set_str(delta->header, "previous", base->head);
	if (!fim_baseline_apply(base, delta, "fuzz") && strcmp(base->head, delta->digest))
		abort();
	for (i = 0; i < fim_baseline_count(base); i++) {
		entry = fim_baseline_index(base, i);
		if (entry->state.type == FIM_TYPE_NONE ||
		    !fim_policy_covers(fim_baseline_policy(base), entry->path))
			abort();
		if (i && strcmp(fim_baseline_index(base, i - 1)->path, entry->path) >= 0)
			abort();
	}
	if (fim_baseline_delta(base, 0))
		check_told(fim_baseline_delta(base, 0));
	fim_baseline_free(base);
}

static void parse(const char *bytes, size_t len)
{
	struct fim_baseline *delta = NULL;

	if (fim_delta_parse(bytes, len, "fuzz", &delta))
		return;
	apply(delta);
	fim_baseline_free(delta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + FIM_TRAILER_SIZE + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	parse(text, size);
	if (size && data[size - 1] == '\n') {
		seal(text, &size);
		parse(text, size);
	}
	free(text);
	return 0;
}
