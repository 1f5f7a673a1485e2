/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two baselines: what one build of an image has that another has not. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "lib_private.h"

static const struct fim_state nothing;

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* False: there is no difference. */
static bool change_of(const struct fim_entry *before, const struct fim_entry *after,
		      struct fim_baseline_change *change_ret)
{
	struct fim_baseline_change change = {.before = before, .after = after};

	change.path = after ? after->path : before->path;
	change.diff = fim_state_diff(before ? &before->state : &nothing,
				     after ? &after->state : &nothing);
	if (before && after && !same_text(before->link, after->link) &&
	    !((before->state.unknown | after->state.unknown) & FIM_DIFF_LINKS))
		change.diff |= FIM_DIFF_LINKS;
	if (!change.diff)
		return false;
	change.kind = fim_kind_of(before ? &before->state : &nothing,
				  after ? &after->state : &nothing, change.diff);
	change.package = after && after->package ? after->package : before ? before->package : NULL;
	*change_ret = change;
	return true;
}

/* What nobody owns comes last: it is what a reader has to look at. */
static int change_order(const void *a, const void *b)
{
	const struct fim_baseline_change *left = a, *right = b;
	int order;

	if (!left->package != !right->package)
		return left->package ? -1 : 1;
	order = left->package ? strcmp(left->package, right->package) : 0;
	return order ? order : strcmp(left->path, right->path);
}

int fim_baseline_diff(const struct fim_baseline *before, const struct fim_baseline *after,
		      struct fim_baseline_change **changes_ret, size_t *count_ret)
{
	struct fim_baseline_change *changes;
	size_t i = 0, j = 0, count = 0;
	int order;

	changes = calloc(before->count + after->count + 1, sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	while (i < before->count || j < after->count) {
		order = i == before->count ? 1
			: j == after->count
				? -1
				: strcmp(before->entries[i].path, after->entries[j].path);
		count += change_of(order <= 0 ? &before->entries[i] : NULL,
				   order >= 0 ? &after->entries[j] : NULL, &changes[count]);
		i += order <= 0;
		j += order >= 0;
	}
	qsort(changes, count, sizeof(*changes), change_order);
	*changes_ret = changes;
	*count_ret = count;
	return 0;
}

const char *fim_baseline_version(const struct fim_baseline *baseline, const char *package)
{
	return fim_json_get_str(fim_json_get(baseline->header, "packages"), package);
}

const char *fim_change_explanation(const struct fim_baseline_change *change, bool *explained_ret)
{
	const struct fim_entry *entry = change->after;

	*explained_ret = true;
	if (!entry)
		return change->package ? "its package has it no more" : "it is gone";
	if (entry->origin == FIM_ORIGIN_PACKAGED)
		return change->diff & ~FIM_DIFF_CONTENT && change->before
			       ? "the content is what the package delivers"
			       : "as the package delivers it";
	*explained_ret = false;
	if (entry->origin == FIM_ORIGIN_DIFFERS)
		return "differs from what the package delivers";
	if (entry->origin == FIM_ORIGIN_UNPACKAGED)
		return "no package has it";
	*explained_ret = change->package && entry->state.type != FIM_TYPE_FILE;
	return *explained_ret ? "of a package, without content" : "the package does not say";
}
