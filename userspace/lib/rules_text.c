/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the rule engine's memory and strings: arena, text under construction, name table. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

#define CHUNK_SIZE (64u << 10)

struct fim_arena_chunk {
	struct fim_arena_chunk *next;
	size_t used;
	size_t size;
	max_align_t bytes[];
};

void *fim_arena_alloc(struct fim_arena *arena, size_t size)
{
	struct fim_arena_chunk *chunk = arena->chunk;
	char *bytes;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->used = 0;
		chunk->size = room;
		/* An own chunk for something big leaves the room of the current one usable. */
		if (arena->chunk && room != CHUNK_SIZE) {
			chunk->next = arena->chunk->next;
			arena->chunk->next = chunk;
		} else {
			chunk->next = arena->chunk;
			arena->chunk = chunk;
		}
		arena->total += room;
	}
	bytes = (char *)chunk->bytes + chunk->used;
	chunk->used += size;
	memset(bytes, 0, size);
	return bytes;
}

char *fim_arena_copy(struct fim_arena *arena, const char *bytes, size_t len)
{
	char *copy = fim_arena_alloc(arena, len + 1);

	if (copy && len)
		memcpy(copy, bytes, len);
	return copy;
}

void fim_arena_move(struct fim_arena *to, struct fim_arena *from)
{
	struct fim_arena_chunk **last = &to->chunk;

	while (*last)
		last = &(*last)->next;
	*last = from->chunk;
	to->total += from->total;
	*from = (struct fim_arena){0};
}

void fim_arena_free(struct fim_arena *arena)
{
	while (arena->chunk) {
		struct fim_arena_chunk *next = arena->chunk->next;

		free(arena->chunk);
		arena->chunk = next;
	}
	arena->total = 0;
}

int fim_arena_grow(struct fim_arena *arena, void *items, size_t count, size_t item_size)
{
	void **array = items;
	void *bigger;

	/* Room is always a power of two, at least 4, so it need not be stored. */
	if (count && (count < 4 || (count & (count - 1))))
		return 0;
	bigger = fim_arena_alloc(arena, (count ? count * 2 : 4) * item_size);
	if (!bigger)
		return -ENOMEM;
	if (count)
		memcpy(bigger, *array, count * item_size);
	*array = bigger;
	return 0;
}

void fim_text_add(struct fim_text *text, const char *bytes, size_t len)
{
	if (text->failed || !len)
		return;
	if (text->size - text->len <= len) {
		size_t size = text->size ? text->size : 128;
		char *bigger;

		while (size - text->len <= len)
			size *= 2;
		bigger = realloc(text->bytes, size);
		if (!bigger) {
			text->failed = true;
			return;
		}
		text->bytes = bigger;
		text->size = size;
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

void fim_text_adds(struct fim_text *text, const char *string)
{
	fim_text_add(text, string, strlen(string));
}

void fim_text_addf(struct fim_text *text, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (len > 0)
		fim_text_add(text, line,
			     (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

void fim_text_free(struct fim_text *text)
{
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}

bool fim_str_is(struct fim_str str, const char *string)
{
	return strlen(string) == str.len && !memcmp(str.bytes, string, str.len);
}

int fim_str_cmp(struct fim_str a, struct fim_str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.bytes, b.bytes, len) : 0;

	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Eight bytes a step; the values are paths and names, and rules are trusted. */
uint64_t fim_str_hash(struct fim_str str)
{
	uint64_t hash = 0x9e3779b97f4a7c15u ^ str.len, word;
	size_t i = 0;

	for (; str.len - i >= 8; i += 8) {
		memcpy(&word, str.bytes + i, 8);
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	word = 0;
	if (str.len > i)
		memcpy(&word, str.bytes + i, str.len - i);
	hash = (hash ^ word) * 0xff51afd7ed558ccdu;
	hash ^= hash >> 33;
	return hash ? hash : 1;
}

struct fim_names_slot {
	struct fim_str key;
	uint64_t hash; /* 0: empty */
	uint32_t value;
};

static struct fim_names_slot *names_slot(const struct fim_names *names, struct fim_str key,
					 uint64_t hash)
{
	size_t i = hash & (names->size - 1);

	while (names->slots[i].hash &&
	       (names->slots[i].hash != hash || names->slots[i].key.len != key.len ||
		memcmp(names->slots[i].key.bytes, key.bytes, key.len)))
		i = (i + 1) & (names->size - 1);
	return &names->slots[i];
}

uint32_t fim_names_find(const struct fim_names *names, struct fim_str key)
{
	struct fim_names_slot *slot;

	if (!names->size)
		return FIM_NAMES_NONE;
	slot = names_slot(names, key, fim_str_hash(key));
	return slot->hash ? slot->value : FIM_NAMES_NONE;
}

static int names_resize(struct fim_names *names)
{
	struct fim_names bigger = {.size = names->size ? names->size * 2 : 64};
	size_t i;

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < names->size; i++)
		if (names->slots[i].hash)
			*names_slot(&bigger, names->slots[i].key, names->slots[i].hash) =
				names->slots[i];
	bigger.count = names->count;
	free(names->slots);
	*names = bigger;
	return 0;
}

int fim_names_set(struct fim_names *names, struct fim_str key, uint32_t value)
{
	uint64_t hash = fim_str_hash(key);
	struct fim_names_slot *slot;

	if (names->count * 2 >= names->size) {
		int err = names_resize(names);

		if (err)
			return err;
	}
	slot = names_slot(names, key, hash);
	if (!slot->hash) {
		slot->hash = hash;
		slot->key = key;
		names->count++;
	}
	slot->value = value;
	return 0;
}

void fim_names_free(struct fim_names *names)
{
	free(names->slots);
	memset(names, 0, sizeof(*names));
}
