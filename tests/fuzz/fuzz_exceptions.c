/* SPDX-License-Identifier: Apache-2.0 */
/* What is loaded as an exception has an end, and covers no container that it does not name. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char inspect[] =
	"{\"Id\":\"4f5f6f7f8f9fafbfcfdfefff0f1f2f3f4f5f6f7f8f9fafbfcfdfefff0f1f2f3f\",\"Image\":\"sha256:00\","
	"\"State\":{\"Running\":true},\"HostConfig\":{\"Privileged\":true,\"Binds\":[\"/etc:/e\"]},\"Config\":{}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_exceptions *exceptions = NULL;
	struct fim_container *container = NULL;
	struct fim_json *json = NULL;

	if (fim_exceptions_parse((const char *)data, size, "fuzz", &exceptions))
		return 0;
	if (fim_json_parse(inspect, strlen(inspect), NULL, &json) ||
	    fim_container_from_inspect(json, &container))
		abort();
	/* Its image id is none that a file can name. */
	if (fim_exceptions_apply(exceptions, fim_time_now(), container) || container->excepted ||
	    !fim_container_is_flagged(container))
		abort();
	fim_container_free(container);
	fim_json_free(json);
	fim_exceptions_free(exceptions);
	return 0;
}
