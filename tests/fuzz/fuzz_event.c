/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the device gives: parsed or refused, never read beyond. */
#include <stdlib.h>
#include <string.h>

#include "libfim.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	/* A copy of the very size, so that the sanitizer sees a byte too far. */
	unsigned char *bytes = malloc(size ? size : 1);
	struct fim_state_change state;
	struct fim_overflow overflow;
	struct fim_session session;
	struct fim_record_ref record;
	struct fim_evidence evidence = FIM_EVIDENCE_INIT;
	size_t pos = 0;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	while (!fim_record_next(bytes, size, &pos, &record)) {
		struct fim_change *change;

		fim_overflow_parse(&record, &overflow);
		fim_session_parse(&record, &session);
		fim_state_change_parse(&record, &state);
		if (fim_change_parse(&record, &change))
			continue;
		fim_evidence_add(&evidence, &change->event, change->event.flags % 3);
		fim_op_weight(&change->event);
		fim_op_name(change->event.op);
		if (change->fs_path)
			fim_path_below(change->fs_path, change->event.depth);
		fim_change_free(change);
	}
	free(bytes);
	return 0;
}
