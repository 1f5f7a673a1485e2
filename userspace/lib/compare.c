/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole baseline against the disk: two streams in the same order, merged. The
 * walk brings what is there, the baseline what should be.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib_private.h"

#define PROGRESS_EVERY 64
#define OBJECT_WORK    4096
#define SAVE_PERIOD_NS (10 * FIM_NSEC_PER_SEC)

/* clang-format off */
static const char *const kind_names[] = {
	[FIM_KIND_MODIFIED]   = "modified",
	[FIM_KIND_ADDED]      = "added",
	[FIM_KIND_REMOVED]    = "removed",
	[FIM_KIND_ATTRIBUTES] = "attributes",
	[FIM_KIND_MOVED]      = "moved",
	[FIM_KIND_RESTORED]   = "restored",
	[FIM_KIND_TRANSIENT]  = "transient",
	[FIM_KIND_UNREADABLE] = "unreadable",
};
/* clang-format on */

const char *fim_kind_name(enum fim_kind kind)
{
	return (size_t)kind < sizeof(kind_names) / sizeof(kind_names[0]) ? kind_names[kind]
									 : "unknown";
}

enum fim_kind fim_kind_of(const struct fim_state *before, const struct fim_state *after,
			  uint32_t diff)
{
	if (before->type == FIM_TYPE_NONE)
		return FIM_KIND_ADDED;
	if (after->type == FIM_TYPE_NONE)
		return FIM_KIND_REMOVED;
	return diff & FIM_DIFF_CONTENT ? FIM_KIND_MODIFIED : FIM_KIND_ATTRIBUTES;
}

/**
 * struct comparison - a run
 * @baseline: what should be
 * @params: what was asked for
 * @root_fd: where the system is
 * @hasher: for objects that the walk did not bring
 * @links: which names are one file
 * @next: first baseline entry that has not been compared
 * @ahead: first baseline entry that the walk has not reached
 * @is_ahead: it is the path that the walk asked for
 * @saved_ns: when the memo was saved last
 * @passed: work of the entries before @next, as work_of() has it
 * @work: of all
 * @totals: so far
 */
struct comparison {
	const struct fim_baseline *baseline;
	const struct fim_compare_params *params;
	int root_fd;
	struct fim_hasher *hasher;
	struct fim_links *links;
	size_t next;
	size_t ahead;
	bool is_ahead;
	int64_t saved_ns;
	uint64_t passed;
	uint64_t work;
	struct fim_comparison totals;
};

/**
 * struct pair - what should be and what is
 * @path: where
 * @rule: rule that applies
 * @entry: baseline's entry, NULL: it has none
 * @after: what is there
 * @link: first path of the same file, NULL: this one
 * @links_known: @link was looked for
 * @err: it could not be measured
 */
struct pair {
	const char *path;
	const struct fim_rule *rule;
	const struct fim_entry *entry;
	const struct fim_state *after;
	const char *link;
	bool links_known;
	int err;
};

static void count_difference(struct fim_comparison *totals, enum fim_kind kind)
{
	switch (kind) {
	case FIM_KIND_ADDED:
		totals->added++;
		break;
	case FIM_KIND_REMOVED:
		totals->removed++;
		break;
	case FIM_KIND_UNREADABLE:
		totals->unreadable++;
		break;
	default:
		totals->changed++;
	}
}

/* What is to be read, and as much again as takes as long as looking at an object does. */
static uint64_t work_of(const struct fim_entry *entry)
{
	return OBJECT_WORK + (entry->state.has_digest ? entry->state.size : 0);
}

static void report_progress(const struct comparison *run)
{
	const struct fim_progress progress = {
		.files = run->totals.compared + run->totals.removed + run->totals.unreadable,
		.bytes = run->totals.bytes,
		.total = fim_baseline_count(run->baseline),
		.part = run->work ? (double)run->passed / (double)run->work : 0,
	};

	if (run->params->progress && progress.files % PROGRESS_EVERY == 0)
		run->params->progress(run->params->ctx, &progress);
}

static bool links_differ(const struct pair *pair)
{
	const char *before = pair->entry->link;

	if (pair->entry->state.unknown & FIM_DIFF_LINKS)
		return false;
	return before && pair->link ? strcmp(before, pair->link) != 0 : before != pair->link;
}

static int compare_pair(struct comparison *run, const struct pair *pair)
{
	static const struct fim_state nothing;
	const struct fim_state *after = pair->after;
	struct fim_difference difference = {.path = pair->path,
					    .after = after,
					    .rule = pair->rule,
					    .err = pair->err,
					    .link_before = pair->entry ? pair->entry->link : NULL,
					    .link_after = pair->link};

	difference.before = pair->entry ? &pair->entry->state : &nothing;
	difference.diff = fim_state_diff(difference.before, after);
	if (pair->entry && pair->links_known && links_differ(pair))
		difference.diff |= FIM_DIFF_LINKS;
	difference.diff &= fim_class_mask(pair->rule->cls);
	if (pair->err) {
		difference.kind = FIM_KIND_UNREADABLE;
		/* What was not measured is not what differs. */
		if (after->type == FIM_TYPE_NONE)
			difference.diff = 0;
		else if (!after->has_digest)
			difference.diff &= ~(FIM_DIFF_DIGEST | FIM_DIFF_VERITY);
	} else {
		if (after->type != FIM_TYPE_NONE) {
			run->totals.compared++;
			run->totals.bytes += after->has_digest ? after->size : 0;
			if (run->params->observed)
				run->params->observed(run->params->ctx, pair->path, after);
		}
		if (!difference.diff)
			return 0;
		difference.kind = fim_kind_of(difference.before, after, difference.diff);
	}
	count_difference(&run->totals, difference.kind);
	return run->params->difference ? run->params->difference(run->params->ctx, &difference) : 0;
}

/*
 * The walk passed this entry by. Whether it is gone is asked of the path itself: a
 * directory can be listed while a rename is under way, or not be listed at all.
 */
static int compare_missed(struct comparison *run, const struct fim_entry *entry)
{
	struct fim_state after = {0};
	struct pair pair = {.path = entry->path, .entry = entry, .after = &after};
	int result;

	pair.rule = fim_policy_lookup(fim_baseline_policy(run->baseline), entry->path);
	pair.err = fim_measure_known(run->root_fd, entry->path + 1, pair.rule, &entry->state,
				     run->hasher, &after);
	if (fim_errno_is_ours(pair.err))
		return pair.err;
	result = compare_pair(run, &pair);
	fim_state_clear(&after);
	report_progress(run);
	return result;
}

/* All entries before @path; NULL: all that are left. */
static int compare_up_to(struct comparison *run, const char *path)
{
	const struct fim_entry *entry;
	int err = 0;

	while (!err && (entry = fim_baseline_index(run->baseline, run->next))) {
		if (path && strcmp(entry->path, path) >= 0)
			break;
		err = compare_missed(run, entry);
		run->passed += work_of(entry);
		run->next++;
	}
	return err;
}

/* What is right now need not be read next time; what is not must be. */
static int remember(struct comparison *run, const struct fim_pool_result *result, bool is_right)
{
	struct fim_memo *memo = run->params->memo;
	struct fim_memo_record record;
	int64_t now;

	if (!memo || result->same)
		return 0;
	record = *result->record;
	now = fim_time_now();
	record.read_ns = now;
	fim_memo_note(memo, run->next - 1, is_right && record.ino ? &record : NULL);
	if (now - run->saved_ns < SAVE_PERIOD_NS)
		return 0;
	run->saved_ns = now;
	return fim_memo_save(memo);
}

/* The same file as before: which names it has may still be others. */
static int compare_same(struct comparison *run, const struct pair *pair)
{
	struct pair whole = *pair;

	run->totals.skipped++;
	if (!pair->links_known || !links_differ(pair)) {
		run->totals.compared++;
		return 0;
	}
	whole.after = &pair->entry->state;
	return compare_pair(run, &whole);
}

static int compare_object(void *ctx, const struct fim_pool_result *result)
{
	struct comparison *run = ctx;
	struct pair pair = {.path = result->path,
			    .rule = result->rule,
			    .after = result->state,
			    .links_known = !result->err,
			    .err = result->err};
	uint64_t before;
	int err;

	if (fim_errno_is_ours(result->err))
		return result->err;
	/* Gone since it was listed; if the baseline has it, it is asked for again. */
	if (!result->err && result->state->type == FIM_TYPE_NONE)
		return 0;
	err = compare_up_to(run, result->path);
	if (!err)
		err = fim_links_first(run->links, result->path, result->state, &pair.link);
	if (err)
		return err;
	pair.entry = fim_baseline_index(run->baseline, run->next);
	if (pair.entry && strcmp(pair.entry->path, result->path))
		pair.entry = NULL;
	if (pair.entry) {
		run->passed += work_of(pair.entry);
		run->next++;
	}
	before = run->totals.changed + run->totals.unreadable;
	err = result->same && pair.entry ? compare_same(run, &pair) : compare_pair(run, &pair);
	if (!err && pair.entry)
		err = remember(run, result, run->totals.changed + run->totals.unreadable == before);
	report_progress(run);
	return err;
}

/* The walk goes through the baseline's order. */
static const struct fim_state *expect(void *ctx, const char *path)
{
	struct comparison *run = ctx;
	const struct fim_entry *entry;
	int order = -1;

	while ((entry = fim_baseline_index(run->baseline, run->ahead))) {
		order = strcmp(entry->path, path);
		if (order >= 0)
			break;
		run->ahead++;
	}
	run->is_ahead = entry && !order;
	return run->is_ahead ? &entry->state : NULL;
}

static const struct fim_memo_record *known(void *ctx)
{
	const struct comparison *run = ctx;

	return run->is_ahead ? fim_memo_known(run->params->memo, run->ahead) : NULL;
}

int fim_compare(const struct fim_baseline *baseline, const struct fim_compare_params *params,
		struct fim_comparison *totals_ret)
{
	struct comparison run = {.baseline = baseline, .params = params};
	struct fim_walk_params walk = {.policy = fim_baseline_policy(baseline),
				       .rate = params->rate,
				       .expect = expect,
				       .known = params->memo ? known : NULL,
				       .fn = compare_object,
				       .ctx = &run};
	size_t i;
	int err;

	run.totals.start_ns = fim_time_now();
	run.saved_ns = run.totals.start_ns;
	run.totals.expected = fim_baseline_count(baseline);
	for (i = 0; params->progress && i < run.totals.expected; i++)
		run.work += work_of(fim_baseline_index(baseline, i));
	run.root_fd = fim_open_root(params->root);
	if (run.root_fd < 0)
		return run.root_fd;
	walk.root_fd = run.root_fd;
	run.hasher = fim_hasher_new();
	run.links = fim_links_new();
	err = run.hasher && run.links ? fim_walk(&walk) : -ENOMEM;
	if (!err)
		err = compare_up_to(&run, NULL);
	if (!err && params->memo)
		err = fim_memo_save(params->memo);
	run.totals.end_ns = fim_time_now();
	if (!err)
		*totals_ret = run.totals;
	fim_links_free(run.links);
	fim_hasher_free(run.hasher);
	close(run.root_fd);
	return err;
}
