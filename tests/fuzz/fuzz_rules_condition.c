/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands as a condition: understood or refused, at a place inside it. */
#include <stdlib.h>
#include <string.h>

#include "libfim_rules.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const sources[] = {NULL, "syscall", "aws_cloudtrail"};
	size_t i;

	for (i = 0; i < 3; i++) {
		char *canonical = NULL, *error = NULL;
		int err = fim_rules_condition((const char *)data, size, sources[i], &canonical,
					      &error);

		if (!err != (canonical != NULL) || (err && !error))
			abort();
		free(canonical);
		free(error);
	}
	return 0;
}
