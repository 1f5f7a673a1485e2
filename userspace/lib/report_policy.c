/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In what one policy differs from the one before it, for who approves what is watched:
 * directories and rules that came, went, or say something else.
 */
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const char *path_of(const struct fim_json *rule)
{
	const char *path = fim_json_get_str(rule, "path");

	return path ? path : "";
}

static int by_path(const void *a, const void *b)
{
	return strcmp(path_of(*(const struct fim_json *const *)a),
		      path_of(*(const struct fim_json *const *)b));
}

/* Sorted; one path may have several rules, which keep their order's place only by chance: they
 * are compared as they stand. NULL: none, or no memory. */
static const struct fim_json **sorted(const struct fim_json *rules, size_t count)
{
	const struct fim_json **list = calloc(count + 1, sizeof(*list));
	size_t i;

	if (!list)
		return NULL;
	for (i = 0; i < count; i++)
		list[i] = fim_json_index(rules, i);
	qsort(list, count, sizeof(*list), by_path);
	return list;
}

static bool same(const struct fim_json *a, const struct fim_json *b)
{
	char *left = NULL, *right = NULL;
	size_t len;
	bool equal = !fim_json_dump(a, &left, &len) && !fim_json_dump(b, &right, &len) &&
		     strcmp(left, right) == 0;

	free(left);
	free(right);
	return equal;
}

/* NULL: it did not exist. */
static void add(struct fim_json *changes, const struct fim_json *before,
		const struct fim_json *after)
{
	struct fim_json *change;

	if (before && after && same(before, after))
		return;
	change = fim_json_object();
	fim_json_set_str(change, "change", !before ? "added" : !after ? "removed" : "changed");
	if (before)
		fim_json_set(change, "before", fim_json_ref(before));
	if (after)
		fim_json_set(change, "after", fim_json_ref(after));
	fim_json_append(changes, change);
}

static void compare_rules(struct fim_json *changes, const struct fim_json *before,
			  const struct fim_json *after)
{
	size_t left_count = fim_json_count(before), right_count = fim_json_count(after);
	const struct fim_json **left = sorted(before, left_count);
	const struct fim_json **right = sorted(after, right_count);
	size_t i = 0, j = 0;
	int order;

	while (left && right && (i < left_count || j < right_count)) {
		order = i == left_count ? 1 : j == right_count ? -1 : by_path(&left[i], &right[j]);
		add(changes, order <= 0 ? left[i] : NULL, order >= 0 ? right[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	free(left);
	free(right);
}

static void compare_roots(struct fim_json *changes, const struct fim_json *roots,
			  const struct fim_json *other, const char *word)
{
	struct fim_json *change;
	const char *root;
	size_t i;

	for (i = 0; i < fim_json_count(roots); i++) {
		root = fim_json_str(fim_json_index(roots, i));
		if (!root || fim_json_array_has(other, root))
			continue;
		change = fim_json_object();
		fim_json_set_str(change, "change", word);
		fim_json_set_str(change, "root", root);
		fim_json_append(changes, change);
	}
}

struct fim_json *fim_policy_changes(const struct fim_json *before, const struct fim_json *after)
{
	struct fim_json *changes = fim_json_array();

	compare_roots(changes, fim_json_get(before, "roots"), fim_json_get(after, "roots"),
		      "removed");
	compare_roots(changes, fim_json_get(after, "roots"), fim_json_get(before, "roots"),
		      "added");
	compare_rules(changes, fim_json_get(before, "rules"), fim_json_get(after, "rules"));
	return changes;
}
