/* SPDX-License-Identifier: Apache-2.0 */
/* What was parsed is dumped, parsed and dumped again: both texts must be equal. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const struct fim_json *json)
{
	struct fim_state state = {0};
	char *bytes = NULL;
	size_t len;

	fim_json_at(json, "a/b/c");
	fim_json_get_int(json, "size", 0);
	fim_json_index(json, 0);
	if (!fim_json_get_bytes(json, "path", &bytes, &len))
		free(bytes);
	if (!fim_state_from_json(json, "fuzz", &state))
		fim_state_clear(&state);
}

static int ignore(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		  const struct fim_span *value)
{
	(void)ctx;
	(void)parent;
	(void)key;
	(void)value;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_json *json = NULL, *again = NULL;
	char *text = NULL, *second = NULL;
	size_t len, second_len;

	int scanned = fim_scan((const char *)data, size, ignore, NULL);

	if (fim_json_parse((const char *)data, size, "fuzz", &json))
		return 0;
	/* What the parser takes, the scanner takes too; but jansson ends some tokens at a NUL. */
	if (!memchr(data, 0, size) && fim_json_is_object(json) == (scanned != 0))
		abort();
	touch(json);
	/* Dumping may fail on what jansson reads but cannot write, never differ. */
	if (!fim_json_dump(json, &text, &len)) {
		if (fim_json_parse(text, len, "fuzz", &again) ||
		    fim_json_dump(again, &second, &second_len) || len != second_len ||
		    memcmp(text, second, len))
			abort();
	}
	free(second);
	free(text);
	fim_json_free(again);
	fim_json_free(json);
	return 0;
}
