/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a baseline is in memory; for the files that take, read, change and print one.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include "libfim.h"
#include "rules_private.h"

#define FIM_BASELINE_FORMAT  "ecs-fim-baseline"
#define FIM_DELTA_FORMAT     "ecs-fim-delta"
#define FIM_WINDOW_FORMAT    "ecs-fim-window"
#define FIM_CHANGE_PREFIX    "change-"
#define FIM_DELTA_SUFFIX     ".ndjson"
#define FIM_BASELINE_VERSION 1
#define FIM_BASELINE_MAX     (1u << 30)
#define FIM_TRAILER_PATTERN  "{\"count\":%zu,\"root_digest\":\"%s\"}"
#define FIM_TRAILER_SIZE     128

/**
 * struct fim_baseline - a baseline, or a delta to one, in memory
 * @policy: its policy; a delta has none of its own
 * @header: first line
 * @entries: in byte order of the paths; their strings live in @arena
 * @count: their number
 * @arena: strings and extended attributes
 * @digest: SHA-256 of the file, hex
 * @key_id: key that signed it, "" if the signature was not checked
 * @head: digest of the last delta applied, or @digest
 * @deltas: what was applied, in this order
 * @delta_count: their number
 */
struct fim_baseline {
	struct fim_policy *policy;
	struct fim_json *header;
	struct fim_entry *entries;
	size_t count;
	struct fim_arena arena;
	char digest[FIM_SHA256_HEX_SIZE];
	char key_id[FIM_KEY_ID_SIZE];
	char head[FIM_SHA256_HEX_SIZE];
	struct fim_delta_info *deltas;
	size_t delta_count;
};

/* A copy whose strings live in @arena; 0 or -ENOMEM. */
int fim_arena_entry(struct fim_arena *arena, const struct fim_entry *from,
		    struct fim_entry *to_ret);

/* --------------------------------------------------------- baseline_create.c */

/* The first line. @expires_ns 0: never; takes @provenance over. */
struct fim_json *fim_baseline_header_new(const char *root, const struct fim_policy *policy,
					 int64_t expires_ns, struct fim_json *provenance);

/* ----------------------------------------------------------- baseline_load.c */

/**
 * struct fim_facts - what reading a file once tells
 * @size: bytes
 * @lines: newlines
 * @last: last byte
 * @digest: SHA-256 of all
 * @above: SHA-256 of all but the last line; of a file that was kept in memory
 */
struct fim_facts {
	uint64_t size;
	size_t lines;
	char last;
	unsigned char digest[FIM_SHA256_SIZE];
	unsigned char above[FIM_SHA256_SIZE];
};

ssize_t fim_read_some(int fd, char *bytes, size_t len);
size_t fim_lines_count(const char *bytes, size_t len);
/* Zeroes that will all be written to; NULL: out of memory. */
struct fim_entry *fim_entries_new(size_t lines);
int fim_facts_of(const char *bytes, size_t len, struct fim_facts *facts_ret);
/*
 * All of a file from where @fd stands, and memory for its entries, or NULL if they are not to be
 * made yet; both malloc'ed. -EAGAIN: it has not @size bytes any more.
 */
int fim_facts_load(int fd, size_t size, char **bytes_ret, struct fim_entry **entries_ret,
		   struct fim_facts *facts_ret);

/* ---------------------------------------------------------- baseline_ahead.c */

struct fim_ahead;

/*
 * Begins to read the lines of the second half of a baseline into @entries, all zero, which is
 * for the object of the second line and those after it. NULL: it is not worth it, or cannot be.
 */
struct fim_ahead *fim_ahead_start(const char *bytes, size_t len, struct fim_entry *entries);
/* The first entry that is being read there. */
const struct fim_entry *fim_ahead_first(const struct fim_ahead *ahead);
/* Waits: entries without a path could not be taken. Their strings are @arena's. NULL is nothing. */
void fim_ahead_end(struct fim_ahead *ahead, struct fim_arena *arena);

#endif /* BASELINE_H */
