/* SPDX-License-Identifier: Apache-2.0 */
/* Any lines as records in the formats of others: text, or nothing; ASFF within its limits. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libfim.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_length(const struct fim_json *finding, const char *key, size_t max)
{
	const char *text = fim_json_get_str(finding, key);

	assert(text && *text && strlen(text) <= max);
}

static void try_record(struct fim_host *host, const struct fim_json *record)
{
	static const char digest[] =
		"940ab5b435a023e94398670a0106661446746a485c0a47944ffd05b660791d0a";
	struct fim_json *json = NULL;
	char *text = NULL;
	size_t len = 0;

	fim_host_learn(host, record);
	if (fim_ocsf(host, record, digest, &json) == 0) {
		assert(fim_json_dump(json, &text, &len) == 0 && fim_is_utf8(text, len));
		free(text);
		fim_json_free(json);
	}
	if (fim_asff(host, record, digest, &json) == 0) {
		check_length(json, "Id", 512);
		check_length(json, "Title", 256);
		check_length(json, "Description", 1024);
		check_length(json, "GeneratorId", 512);
		assert(fim_json_count(fim_json_get(json, "ProductFields")) <= 50);
		assert(fim_json_dump(json, &text, &len) == 0 && len <= 240 * 1024);
		free(text);
		fim_json_free(json);
	}
}

/* What files and services say. */
static void try_answers(const char *text, size_t size)
{
	struct fim_aws_credentials credentials = {.source = ""};
	struct fim_json *answer = NULL;
	const char *code = NULL, *message = NULL;

	if (fim_aws_credentials_parse(text, size, "default", &credentials) == 0)
		assert(*credentials.key_id && *credentials.secret);
	if (fim_aws_role_parse(text, size, &credentials) == 0)
		assert(*credentials.key_id && *credentials.secret && *credentials.token);
	fim_hub_judge(size % 2 ? 200 : 400, text, size, &answer);
	free(fim_hub_reason(400, answer));
	fim_hub_refused(answer, "x", &code, &message);
	fim_json_free(answer);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct fim_host host = {.account = "123456789012", .region = "eu-central-1"};
	const char *text = (const char *)data;
	struct fim_json *record;
	size_t len;

	try_answers(text, size);
	for (; size; text += len, size -= len) {
		const char *newline = memchr(text, '\n', size);

		len = newline ? (size_t)(newline - text) + 1 : size;
		if (fim_json_parse(text, len, NULL, &record))
			continue;
		try_record(&host, record);
		fim_json_free(record);
	}
	return 0;
}
