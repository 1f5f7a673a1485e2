/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table with string keys.  Paths come from whoever can create files, so
 * the hash is seeded: nobody can prepare names that all fall into one slot.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon.h"

#define SLOTS_MIN 64

/* SipHash-like strength is not needed: the seed is secret and the table never leaves us. */
static size_t key_hash(const struct map *map, const char *key)
{
	uint64_t hash = map->seed;

	for (; *key; key++) {
		hash = (hash ^ (unsigned char)*key) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash ^ hash >> 32;
}

int map_init(struct map *map)
{
	memset(map, 0, sizeof(*map));
	if (getrandom(&map->seed, sizeof(map->seed), 0) != sizeof(map->seed))
		return -EIO;
	map->slots = calloc(SLOTS_MIN, sizeof(*map->slots));
	if (!map->slots)
		return -ENOMEM;
	map->slot_count = SLOTS_MIN;
	return 0;
}

void map_clear(struct map *map, void (*value_free)(struct map_node *node))
{
	for (size_t i = 0; i < map->slot_count; i++) {
		struct map_node *node = map->slots[i];

		while (node) {
			struct map_node *next = node->next;

			free(node->key);
			if (value_free)
				value_free(node);
			node = next;
		}
		map->slots[i] = NULL;
	}
	map->count = 0;
}

void map_exit(struct map *map, void (*value_free)(struct map_node *node))
{
	map_clear(map, value_free);
	free(map->slots);
	memset(map, 0, sizeof(*map));
}

void *map_find(const struct map *map, const char *key)
{
	size_t hash = key_hash(map, key);
	struct map_node *node = map->slots[hash % map->slot_count];

	while (node && (node->hash != hash || strcmp(node->key, key) != 0))
		node = node->next;
	return node;
}

/* Without memory the table stays as it is: slower, not wrong. */
static void map_grow(struct map *map)
{
	size_t slot_count = map->slot_count * 2;
	struct map_node **slots = calloc(slot_count, sizeof(*slots));

	if (!slots)
		return;
	for (size_t i = 0; i < map->slot_count; i++) {
		struct map_node *node = map->slots[i];

		while (node) {
			struct map_node *next = node->next;
			struct map_node **slot = &slots[node->hash % slot_count];

			node->next = *slot;
			*slot = node;
			node = next;
		}
	}
	free(map->slots);
	map->slots = slots;
	map->slot_count = slot_count;
}

int map_put(struct map *map, const char *key, struct map_node *node)
{
	struct map_node **slot;

	node->key = strdup(key);
	if (!node->key)
		return -ENOMEM;
	if (map->count >= map->slot_count)
		map_grow(map);
	node->hash = key_hash(map, key);
	slot = &map->slots[node->hash % map->slot_count];
	node->next = *slot;
	*slot = node;
	map->count++;
	return 0;
}

void map_del(struct map *map, struct map_node *node)
{
	struct map_node **at = &map->slots[node->hash % map->slot_count];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	map->count--;
}

void *map_next(const struct map *map, const void *node)
{
	const struct map_node *last = node;
	size_t i = 0;

	if (last) {
		if (last->next)
			return last->next;
		i = last->hash % map->slot_count + 1;
	}
	for (; i < map->slot_count; i++)
		if (map->slots[i])
			return map->slots[i];
	return NULL;
}
