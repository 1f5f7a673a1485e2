/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons of everything: at the start, on schedule, and whenever events cannot tell.
 *
 * A comparison says where the host differs from the baseline; a finding says that a
 * path differs from what was last recorded.  So a difference that was found before
 * counts in the comparison's record and is no finding again.
 *
 * One on schedule reads what is not as it was when it was last read and found right, and
 * what was read longer ago than the configuration says; all others read everything.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define MEMO_NAME "daemon.state" /* beside the baseline */

#define DRAIN_MS 5000 /* how long events may keep a wanted comparison waiting */
#define REST	 4    /* times as long as the last one took, before events may cause another */

const char *trigger_name(enum trigger trigger)
{
	static const char *const names[] = {
		[TRIGGER_NONE] = "none",	   [TRIGGER_WATCH] = "watch",
		[TRIGGER_SCHEDULED] = "scheduled", [TRIGGER_OVERFLOW] = "overflow",
		[TRIGGER_REQUEST] = "request",	   [TRIGGER_START_UP] = "start-up",
	};

	return names[trigger];
}

struct run {
	struct daemon *d;
	enum trigger trigger;
	struct fim_hasher *digest; /* of the differences */
	int err;
};

static void mark_seen(struct daemon *d, const char *path)
{
	struct known *known = map_find(&d->host->known, path);

	if (known)
		known->run = d->compare_run;
}

static int submit_difference(struct run *run, const struct fim_difference *difference,
			     const struct fim_state *last, enum fim_kind kind, uint32_t diff)
{
	struct finding_params params = {
		.tree = run->d->host,
		.path = difference->path,
		.kind = kind,
		.diff = diff,
		.err = kind == FIM_KIND_UNREADABLE ? difference->err : 0,
		.before = last,
		.after = difference->after,
		.trigger = trigger_name(run->trigger),
	};

	return finding_submit(run->d, &params);
}

static int on_unreadable(struct run *run, const struct fim_difference *difference,
			 const struct fim_state *last)
{
	if (tree_unreadable(run->d->host, difference->path))
		return submit_difference(run, difference, last, FIM_KIND_UNREADABLE, 0);
	run->d->counters.repeated++;
	return 0;
}

/*
 * Objects are measured ahead of time.  What an event led to since this comparison
 * began is newer than what the comparison may have seen.
 */
static bool is_newer(const struct daemon *d, const char *path)
{
	const struct known *known = map_find(&d->host->known, path);

	return pending_find(d->host, path) || (known && known->recorded_run == d->compare_run);
}

static int on_difference(void *ctx, const struct fim_difference *difference)
{
	struct run *run = ctx;
	struct daemon *d = run->d;
	const char *path = difference->path;
	struct fim_state last = {0};
	uint32_t diff;
	int err;

	err = fim_difference_digest(run->digest, difference);
	if (err)
		return err;
	/* An event may know who did it: it goes first. */
	events_read(d);
	mark_seen(d, path);
	if (is_newer(d, path))
		return 0;
	err = tree_last(d, d->host, path, &last);
	if (err)
		return err;
	if (difference->kind == FIM_KIND_UNREADABLE) {
		err = on_unreadable(run, difference, &last);
	} else {
		diff = fim_state_diff(&last, difference->after) & tree_mask(d, d->host, path);
		if (!diff)
			d->counters.repeated++;
		else
			err = submit_difference(run, difference, &last,
						fim_kind_of(&last, difference->after, diff), diff);
		if (!err && diff)
			err = tree_record(d, d->host, path, difference->after);
	}
	fim_state_clear(&last);
	mark_seen(d, path);
	return err;
}

/*
 * Remember when each path was as last recorded, so that a later event need not read
 * it again.  Not while an event about it waits: that one speaks of an older state.
 */
static void on_observed(void *ctx, const char *path, const struct fim_state *state)
{
	struct run *run = ctx;
	struct daemon *d = run->d;
	struct known *known = map_find(&d->host->known, path);
	const struct fim_entry *entry = fim_baseline_lookup(d->baseline, path);
	uint32_t mask = tree_mask(d, d->host, path);

	if (!mask || is_newer(d, path))
		return;
	if (known && (known->last || known->unreadable)) {
		/* Whether it is still as recorded, or restored, is looked at below. */
		return;
	}
	if (entry && (fim_state_diff(&entry->state, state) & mask) == 0)
		tree_observe(d, d->host, path, state);
	mark_seen(d, path);
}

static void on_progress(void *ctx, const struct fim_progress *progress)
{
	struct run *run = ctx;

	(void)progress;
	daemon_breathe(run->d);
}

/* Paths that deviated before and of which this comparison found nothing: restored, or gone. */
static int check_deviating(struct daemon *d, enum trigger trigger)
{
	struct known *known;
	char **paths = calloc(d->host->known.count + 1, sizeof(*paths));
	size_t count = 0;
	int err = paths ? 0 : -ENOMEM;

	for (known = NULL; !err && (known = map_next(&d->host->known, known));) {
		if ((!known->last && !known->unreadable) || known->run == d->compare_run)
			continue;
		paths[count] = strdup(known->node.key);
		if (!paths[count++])
			err = -ENOMEM;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = settle_path(d, d->host, paths[i], trigger_name(trigger));
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return err;
}

static struct fim_json *comparison_json(struct run *run, const struct fim_comparison *totals)
{
	struct fim_json *body = fim_json_object();
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];

	fim_json_set_str(body, "trigger", trigger_name(run->trigger));
	if (run->trigger == TRIGGER_REQUEST && run->d->compare_who) {
		fim_json_set(body, "who", run->d->compare_who);
		run->d->compare_who = NULL;
	}
	fim_comparison_to_json(totals, fim_baseline_policy(run->d->baseline), body);
	if (!fim_hasher_final(run->digest, digest)) {
		fim_hex_encode(digest, sizeof(digest), hex);
		fim_json_set_str(body, "result_digest", hex);
	}
	return body;
}

static int run_record(struct run *run, const struct fim_comparison *totals)
{
	struct daemon *d = run->d;
	struct fim_json *body = comparison_json(run, totals);
	struct fim_json *keep = fim_json_ref(body);
	int err = record_append(d, "comparison", body, NULL);

	fim_json_free(d->comparison);
	d->comparison = keep;
	return err;
}

/* What was lost is made up for, unless more was lost meanwhile. */
static void say_made_up(struct daemon *d)
{
	if (d->controls[COMPONENT_RING] != CONTROL_LOSS || d->wanted != TRIGGER_NONE)
		return;
	if (d->lost_unsaid)
		control_say(d,
			    &(struct control){.component = COMPONENT_RING,
					      .state = CONTROL_LOSS,
					      .lost = d->lost_unsaid},
			    "more was lost until the comparison");
	d->lost_unsaid = 0;
	control_set(d, COMPONENT_RING, CONTROL_UP, "a comparison made up for what was lost");
}

/* What was found right before; without it, or if it cannot be had, everything is read. */
static struct fim_memo *memo_open(struct daemon *d, enum trigger trigger)
{
	const char *baseline = d->config->baseline, *slash = strrchr(baseline, '/');
	struct fim_memo *memo = NULL;
	int64_t age_ns = 0;
	char *path;

	if (trigger == TRIGGER_SCHEDULED)
		age_ns = (int64_t)d->config->compare_full_interval_s * INT64_C(1000000000);
	if (!d->config->compare_full_interval_s ||
	    asprintf(&path, "%.*s" MEMO_NAME, slash ? (int)(slash + 1 - baseline) : 0, baseline) <
		    0)
		return NULL;
	if (fim_memo_open(path, "/", d->baseline, age_ns, &memo))
		memo = NULL;
	free(path);
	return memo;
}

int comparison_run(struct daemon *d, enum trigger trigger)
{
	struct run run = {.d = d, .trigger = trigger, .digest = fim_hasher_new()};
	struct fim_compare_params params = {
		.root = "/",
		.difference = on_difference,
		.observed = on_observed,
		.progress = on_progress,
		.ctx = &run,
	};
	struct fim_comparison totals;
	int64_t start_ms = now_ms();
	int err = -ENOMEM;

	d->compare_ms = start_ms + (int64_t)d->config->compare_interval_s * 1000;
	d->compare_trigger = trigger;
	d->wanted = TRIGGER_NONE;
	d->compare_run++;
	watch_host(d);
	if (!run.digest)
		goto out;
	params.memo = memo_open(d, trigger);
	err = fim_compare(d->baseline, &params, &totals);
	fim_memo_free(params.memo);
	if (!err)
		err = check_deviating(d, trigger);
	for (struct tree *tree = d->containers; tree; tree = tree->next)
		if (!tree->gone && !plain_is_idle(d, tree))
			settle_container(d, tree, trigger_name(trigger));
	if (!err)
		err = run_record(&run, &totals);
out:
	fim_hasher_free(run.digest);
	d->compare_end_ms = now_ms();
	d->compare_took_ms = d->compare_end_ms - start_ms;
	if (err) {
		control_set(d, COMPONENT_COMPARISON, CONTROL_DOWN, "the %s comparison failed: %s",
			    trigger_name(trigger), strerror(-err));
		/* Not at once: what made it fail is still there. */
		d->compare_ms = now_ms() + 60000;
		return err;
	}
	control_set(d, COMPONENT_COMPARISON, CONTROL_UP,
		    "the %s comparison found %llu of %llu objects different", trigger_name(trigger),
		    (unsigned long long)(totals.added + totals.removed + totals.changed +
					 totals.unreadable),
		    (unsigned long long)totals.expected);
	say_made_up(d);
	memory_give_back();
	return 0;
}

/* Did another process find as much as we did last? */
static bool is_as_ours(const struct daemon *d, const struct fim_json *body)
{
	static const char *const counts[] = {"added", "removed", "changed", "unreadable"};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (fim_json_get_int(body, counts[i], 0) !=
		    fim_json_get_int(d->comparison, counts[i], -1))
			return false;
	return true;
}

const char *comparison_told(struct daemon *d, const struct fim_json *request, struct fim_json *who)
{
	const char *error = NULL;
	struct fim_json *body = NULL;
	bool same;
	int err = fim_comparison_body(request, d->baseline, fim_json_ref(who), &error, &body);

	if (err) {
		fim_json_free(who);
		return error;
	}
	same = is_as_ours(d, body);
	err = record_append(d, "comparison", body, NULL);
	/* What differs becomes findings by our own comparison only: it knows what was told. */
	if (!same) {
		fim_json_free(d->compare_who);
		d->compare_who = who;
		comparison_want(d, TRIGGER_REQUEST);
	} else {
		fim_json_free(who);
	}
	return err ? strerror(-err) : NULL;
}

void comparison_want(struct daemon *d, enum trigger trigger)
{
	if (d->wanted == TRIGGER_NONE)
		d->wanted_ms = now_ms();
	if (trigger > d->wanted)
		d->wanted = trigger;
}

/* Events first: they know who did it.  But they must not put the comparison off for ever. */
static int64_t wanted_deadline(const struct daemon *d)
{
	int64_t deadline = d->wanted_ms;
	int64_t rested = d->compare_end_ms + REST * d->compare_took_ms;

	if (d->wanted == TRIGGER_NONE)
		return INT64_MAX;
	if (d->pending.count)
		deadline += DRAIN_MS;
	/* Nor may whoever causes them keep us busy with nothing else. */
	if (d->compare_trigger == TRIGGER_OVERFLOW || d->compare_trigger == TRIGGER_WATCH)
		deadline = deadline > rested ? deadline : rested;
	return deadline;
}

int64_t comparison_deadline(const struct daemon *d)
{
	int64_t wanted = wanted_deadline(d);

	return wanted < d->compare_ms ? wanted : d->compare_ms;
}

void comparison_poll(struct daemon *d)
{
	int64_t now = now_ms();

	if (wanted_deadline(d) <= now)
		comparison_run(d, d->wanted);
	else if (d->compare_ms <= now)
		comparison_run(d, TRIGGER_SCHEDULED);
}
