/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as an inspect document, any bytes as a cgroup path. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libfim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_cgroup(const char *text)
{
	char id[FIM_CONTAINER_ID_SIZE];

	if (fim_cgroup_container_id(text, id))
		assert(strlen(id) == FIM_CONTAINER_ID_SIZE - 1 && strstr(text, id));
}

/* What every container must hold, whatever the document said. */
static void check(const struct fim_container *container)
{
	size_t i;

	assert(!container->privileged || container->effectively_privileged);
	assert(!container->privileged || container->flag_count);
	for (i = 0; i < container->flag_count; i++) {
		assert(*container->flags[i].id && *container->flags[i].evidence);
		assert(!i || container->flags[i].severity <= container->flags[i - 1].severity);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_container *container;
	struct fim_json *inspect, *json;
	char *text = malloc(size + 1);
	size_t len;

	memcpy(text, data, size);
	text[size] = '\0';
	try_cgroup(text);
	if (fim_json_parse(text, size, NULL, &inspect) == 0) {
		if (fim_container_from_inspect(inspect, &container) == 0) {
			check(container);
			json = fim_container_to_json(container);
			free(text);
			text = NULL;
			assert(fim_json_dump(json, &text, &len) == 0);
			fim_json_free(json);
			fim_container_free(container);
		}
		fim_json_free(inspect);
	}
	free(text);
	return 0;
}
