/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second half of a large baseline, read by another thread while the first half is.
 * It only takes lines the short way, which says nothing and decides nothing: whoever
 * reads the baseline checks each of its lines in order, and reads again what was not
 * taken here.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "lib_private.h"

/* Below it a thread takes longer to start than it saves. */
#define WORTH_SIZE (1u << 20)

struct fim_ahead {
	pthread_t thread;
	const char *at;
	const char *end;
	struct fim_entry *entries; /* of the lines from @at on; all zero until taken */
	struct fim_arena arena;
};

static void *run(void *arg)
{
	struct fim_ahead *ahead = arg;
	struct fim_entry *entry = ahead->entries;
	char *package = NULL;
	const char *newline;

	for (; (newline = memchr(ahead->at, '\n', (size_t)(ahead->end - ahead->at)));
	     ahead->at = newline + 1, entry++)
		fim_baseline_line(ahead->at, (size_t)(newline - ahead->at), &ahead->arena, &package,
				  entry);
	return NULL;
}

struct fim_ahead *fim_ahead_start(const char *bytes, size_t len, struct fim_entry *entries)
{
	const char *trailer = len > 1 ? memrchr(bytes, '\n', len - 1) : NULL;
	const char *middle = trailer ? memchr(bytes + len / 2, '\n', len - len / 2) : NULL;
	struct fim_ahead *ahead;
	size_t lines;

	if (len < WORTH_SIZE || !middle || middle >= trailer || fim_processor_count() < 2)
		return NULL;
	lines = fim_lines_count(bytes, (size_t)(middle + 1 - bytes));
	ahead = calloc(1, sizeof(*ahead));
	if (!ahead)
		return NULL;
	ahead->at = middle + 1;
	ahead->end = trailer + 1;
	/* The first line is no object. */
	ahead->entries = entries + (lines - 1);
	if (!fim_thread_start(&ahead->thread, run, ahead))
		return ahead;
	free(ahead);
	return NULL;
}

const struct fim_entry *fim_ahead_first(const struct fim_ahead *ahead)
{
	return ahead->entries;
}

void fim_ahead_end(struct fim_ahead *ahead, struct fim_arena *arena)
{
	if (!ahead)
		return;
	pthread_join(ahead->thread, NULL);
	fim_arena_move(arena, &ahead->arena);
	free(ahead);
}
