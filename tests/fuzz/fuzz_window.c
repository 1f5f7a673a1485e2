/* SPDX-License-Identifier: Apache-2.0 */
/* What is read as a change window has an id that is a file's name, and says only what a delta may. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_json *window = NULL, *change;
	char *copy = malloc(size + 1), *text = NULL;
	const char *id;
	size_t len;

	if (!copy)
		return 0;
	/* As fim_file_read() gives it. */
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (!fim_window_parse(copy, size, "fuzz", &window)) {
		change = fim_window_change(window, 1);
		id = fim_json_get_str(change, "id");
		if (!id || strchr(id, '/') || strchr(id, '.') || fim_json_get(change, "before"))
			abort();
		if (fim_json_dump(change, &text, &len))
			abort();
		free(text);
		fim_json_free(change);
	}
	fim_json_free(window);
	free(copy);
	return 0;
}
