/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that loads holds what its documentation promises. */
#include <stdlib.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_config *config = NULL;

	if (fim_config_parse((const char *)data, size, "fuzz", &config))
		return 0;
	if (*config->baseline != '/' || *config->signature != '/' || *config->journal_dir != '/' ||
	    !config->trusted_keys[0] || config->compare_interval_s < 60 ||
	    config->compare_interval_s > 604800)
		abort();
	fim_config_free(config);
	return 0;
}
