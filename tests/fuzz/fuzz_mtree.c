/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of an mtree is a list that a baseline can hold, and comes back out of one. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"
#include "userspace/lib/mtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_state(const struct fim_state *state)
{
	struct fim_json *json = fim_json_object();
	struct fim_state back = {0};

	fim_state_to_json(state, json);
	if (fim_state_from_json(json, "fuzz", &back) || back.unknown != state->unknown)
		abort();
	/* With everything known, or a difference would not be seen. */
	back.unknown = 0;
	if (fim_state_diff(&back, state) & ~state->unknown)
		abort();
	fim_state_clear(&back);
	fim_json_free(json);
}

static void check_entries(const struct fim_mtree *mtree, const char *prefix)
{
	size_t i;

	for (i = 0; i < mtree->count; i++) {
		const struct fim_mtree_entry *entry = &mtree->entries[i];

		if (fim_path_fault(entry->path) || entry->state.type == FIM_TYPE_NONE)
			abort();
		if (strcmp(entry->path, prefix) && !fim_path_is_below(entry->path, prefix))
			abort();
		if (i && strcmp(mtree->entries[i - 1].path, entry->path) >= 0)
			abort();
		check_state(&entry->state);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_mtree_source source = {.file = "fuzz",
					  .prefix = size % 2 ? "/" : "/usr/bin",
					  .passwd = "root:x:0:0::/:\njane:x:1234:5::/:",
					  .group = "wheel:x:77:\nbad\n"};
	struct fim_mtree mtree = {0};
	char *copy = malloc(size + 1);

	if (!copy)
		return 0;
	/* As fim_file_read() gives it. */
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (!fim_mtree_parse(copy, size, &source, &mtree))
		check_entries(&mtree, source.prefix);
	fim_mtree_clear(&mtree);
	free(copy);
	return 0;
}
