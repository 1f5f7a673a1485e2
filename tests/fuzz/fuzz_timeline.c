/* SPDX-License-Identifier: Apache-2.0 */
/* Records of any kind, one per line: whatever they hold, each is told at most once. */
#include <stdlib.h>
#include <string.h>

#include "libfim_rules.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int tell(void *ctx, struct fim_json *incident)
{
	const struct fim_json *events = fim_json_get(incident, "events");
	char *text = NULL;
	size_t len;

	*(size_t *)ctx += fim_json_count(events);
	if (!fim_json_count(events) || fim_json_dump(incident, &text, &len))
		abort();
	/* In order: times are of one length. */
	for (size_t i = 1; i < fim_json_count(events); i++)
		if (strcmp(fim_json_get_str(fim_json_index(events, i - 1), "time"),
			   fim_json_get_str(fim_json_index(events, i), "time")) > 0)
			abort();
	free(text);
	fim_json_free(incident);
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct fim_timeline_query queries[] = {
		{.task = NULL},
		{.task = "arn:aws:ecs:r:1:task/c/t", .cluster = "c"},
		{.user = "u", .session = "s"},
	};
	struct fim_timeline_params params = {.window_ns = size % 3 ? 0 : 1};
	const struct fim_timeline_query *query = &queries[size % 3];
	const char *at = (const char *)data, *end = at + size;
	struct fim_timeline *timeline;
	size_t added = 0, told = 0;

	if (fim_timeline_new(&params, &timeline))
		return 0;
	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line ? line : end) - at);

		added += !fim_timeline_add(timeline, added % 2 ? "h" : NULL, at, len);
		at += len + 1;
	}
	if (fim_timeline_build(timeline, query, tell, &told) || told > added)
		abort();
	fim_timeline_free(timeline);
	return 0;
}
