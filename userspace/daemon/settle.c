/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appraise what is due: measure it, compare it with what was last recorded, and
 * submit what that amounts to.  Decisions are lib/appraise.c's.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"

#define TRIES_MAX 3	     /* a file that keeps changing while it is read */
#define LONG_SIZE (1u << 20) /* takes about as long to read as a disk to write a record */

/* One path to appraise. */
struct job {
	struct tree *tree;
	const char *path;
	const char *old_path;
	const struct fim_evidence *evidence; /* NULL: found by comparison */
	struct cause *cause;
	const char *trigger;
	bool last_try;
};

/* Everything about a job's path, in the order in which it becomes known. */
struct view {
	struct fim_state last;
	struct fim_state now;
	struct fim_state expected;
};

static void view_clear(struct view *view)
{
	fim_state_clear(&view->last);
	fim_state_clear(&view->now);
	fim_state_clear(&view->expected);
}

/* Copy what is known instead of reading the file, if it cannot have changed. */
static bool view_reuse(struct daemon *d, const struct job *job, struct view *view)
{
	struct fim_state stat = {0};
	bool reused = false;

	if (!job->evidence || job->evidence->modified || !view->last.ino ||
	    !tree_is_settled(d, job->tree, job->path))
		return false;
	if (tree_measure(d, job->tree, job->path, FIM_MEASURE_NO_DIGEST, &stat))
		return false;
	if (tree_is_untouched(d, job->tree, job->path, &stat) &&
	    !fim_state_copy(&view->last, &view->now)) {
		view->now.dev = stat.dev;
		view->now.ino = stat.ino;
		view->now.ctime_ns = stat.ctime_ns;
		view->now.mtime_ns = stat.mtime_ns;
		reused = true;
	}
	fim_state_clear(&stat);
	return reused;
}

/*
 * The loop does not sleep for one file.  What changed this very moment has another event on
 * its way: later, then; or, if it never rests, as it is.  Others are waited for.
 */
static uint32_t how_fresh(const struct daemon *d, const struct job *job)
{
	if (!job->evidence)
		return job->tree->container && d->source.ops ? FIM_MEASURE_HASTY : 0;
	return job->last_try ? FIM_MEASURE_HASTY : FIM_MEASURE_REFUSE_FRESH;
}

static int submit(struct daemon *d, const struct job *job, const struct view *view,
		  enum fim_kind kind, uint32_t diff)
{
	struct finding_params params = {
		.tree = job->tree,
		.path = job->path,
		.old_path = job->old_path,
		.kind = kind,
		.diff = diff,
		.before = &view->last,
		.after = &view->now,
		.cause = job->cause,
		.trigger = job->trigger,
	};
	int err = finding_submit(d, &params);

	if (err)
		return err;
	return tree_record(d, job->tree, job->path, &view->now);
}

static int submit_unreadable(struct daemon *d, const struct job *job, struct view *view, int err)
{
	struct finding_params params = {
		.tree = job->tree,
		.path = job->path,
		.kind = FIM_KIND_UNREADABLE,
		.err = err,
		.before = &view->last,
		.after = &view->now,
		.cause = job->cause,
		.trigger = job->trigger,
	};

	if (!tree_unreadable(job->tree, job->path))
		return 0; /* told already */
	/* Whatever can be seen without reading it. */
	if (tree_measure(d, job->tree, job->path, FIM_MEASURE_NO_DIGEST, &view->now))
		view->now.type = view->last.type;
	return finding_submit(d, &params);
}

static int view_appraise(struct daemon *d, const struct job *job, struct view *view, uint32_t mask)
{
	struct known *known = map_find(&job->tree->known, job->path);
	struct fim_appraisal appraisal = {
		.baseline = &view->expected,
		.last = &view->last,
		.now = &view->now,
		.mask = mask,
		.evidence = job->evidence,
	};
	bool was_unreadable = known && known->unreadable;
	enum fim_kind kind;
	uint32_t diff;

	if (known)
		known->unreadable = false;
	if (fim_appraise(&appraisal, &kind, &diff))
		return submit(d, job, view, kind, diff);
	if (was_unreadable)
		return submit(d, job, view, FIM_KIND_RESTORED, 0);
	d->counters.unchanged++;
	tree_observe(d, job->tree, job->path, &view->now);
	return 0;
}

/* What is found already does not wait for a long file to be read. */
static void commit_before_long(struct daemon *d, const struct job *job)
{
	struct fim_state stat = {0};

	if (!finding_is_ready(d))
		return;
	if (tree_measure(d, job->tree, job->path, FIM_MEASURE_NO_DIGEST, &stat) ||
	    stat.size > LONG_SIZE)
		finding_commit(d);
	fim_state_clear(&stat);
}

/* -EAGAIN: it changes while it is read; -EBUSY: it just did. */
static int appraise(struct daemon *d, const struct job *job)
{
	uint32_t mask = tree_mask(d, job->tree, job->path);
	struct view view = {0};
	int err;

	if (!mask)
		return 0;
	err = tree_last(d, job->tree, job->path, &view.last);
	if (!err)
		err = tree_expected(d, job->tree, job->path, &view.expected);
	if (err)
		goto out;
	if (!view_reuse(d, job, &view)) {
		commit_before_long(d, job);
		err = tree_measure(d, job->tree, job->path, how_fresh(d, job), &view.now);
		if (err == -ENOMEM || err == -EBUSY || (err == -EAGAIN && !job->last_try))
			goto out;
		if (err) {
			err = submit_unreadable(d, job, &view, err);
			goto out;
		}
	}
	if (job->tree->container && view.last.type == FIM_TYPE_NONE &&
	    layers_is_artefact(job->path, &view.now)) {
		d->counters.artefacts++;
		err = tree_record(d, job->tree, job->path, &view.now);
		goto out;
	}
	err = view_appraise(d, job, &view, mask);
out:
	view_clear(&view);
	return err;
}

/* ------------------------------------------------------------------------- moves */

struct move {
	struct view from; /* the name it had */
	struct view to;
};

static int move_measure(struct daemon *d, const struct job *job, const char *origin,
			struct move *move)
{
	int err = tree_last(d, job->tree, origin, &move->from.last);

	if (!err)
		err = tree_measure(d, job->tree, origin, FIM_MEASURE_NO_DIGEST, &move->from.now);
	if (!err)
		err = tree_last(d, job->tree, job->path, &move->to.last);
	if (!err)
		err = tree_expected(d, job->tree, job->path, &move->to.expected);
	if (!err)
		err = tree_measure(d, job->tree, job->path, how_fresh(d, job), &move->to.now);
	return err;
}

static void move_clear(struct move *move)
{
	view_clear(&move->from);
	view_clear(&move->to);
}

static int move_record(struct daemon *d, const struct job *job, const char *origin,
		       const struct move *move)
{
	int err = tree_record(d, job->tree, origin, &move->from.now);

	return err ? err : tree_record(d, job->tree, job->path, &move->to.now);
}

/* What was at @origin is at the job's path now: one finding for both names. */
static int settle_move(struct daemon *d, const struct job *job, const char *origin, bool *moved_ret)
{
	uint32_t mask = tree_mask(d, job->tree, job->path);
	struct move move = {0};
	struct finding_params params = {
		.tree = job->tree,
		.path = job->path,
		.old_path = origin,
		.kind = FIM_KIND_MOVED,
		.before = &move.from.last,
		.after = &move.to.now,
		.cause = job->cause,
	};
	int err = move_measure(d, job, origin, &move);

	/* Anything wrong is said by the appraisal that follows. */
	if (err || !fim_is_move(&move.from.last, &move.from.now, &move.to.last, &move.to.now)) {
		move_clear(&move);
		return err == -ENOMEM ? err : 0;
	}
	params.diff = fim_state_diff(&move.from.last, &move.to.now) & mask;
	if ((fim_state_diff(&move.to.expected, &move.to.now) & mask) == 0)
		params.kind = FIM_KIND_RESTORED;
	*moved_ret = true;
	err = finding_submit(d, &params);
	if (!err)
		err = move_record(d, job, origin, &move);
	move_clear(&move);
	return err;
}

/* ----------------------------------------------------------------------- subtrees */

/* A directory that was moved brings, or takes away, all that it holds. */
struct subtree {
	struct daemon *d;
	const struct pending *pending;
	const char *origin; /* covered directory that it came from, or NULL */
};

/* True if @path has only moved along with its directory: that is one finding, not many. */
static bool moved_along(struct subtree *sub, const char *path)
{
	const struct pending *pending = sub->pending;
	struct job job = {.tree = pending->tree, .path = path};
	struct move move = {0};
	uint32_t mask = tree_mask(sub->d, pending->tree, path);
	char *origin;
	bool along;

	if (!sub->origin ||
	    asprintf(&origin, "%s%s", sub->origin, path + strlen(pending->node.key)) < 0)
		return false;
	along = !move_measure(sub->d, &job, origin, &move) &&
		move.from.last.type != FIM_TYPE_NONE && move.from.now.type == FIM_TYPE_NONE &&
		move.to.last.type == FIM_TYPE_NONE &&
		(fim_state_diff(&move.from.last, &move.to.now) & mask) == 0 &&
		!move_record(sub->d, &job, origin, &move);
	move_clear(&move);
	free(origin);
	return along;
}

static int appraise_moved(struct subtree *sub, const char *path,
			  const struct fim_evidence *evidence)
{
	struct job job = {
		.tree = sub->pending->tree,
		.path = path,
		.evidence = evidence,
		.cause = sub->pending->cause,
		.last_try = true,
	};

	return appraise(sub->d, &job);
}

static int arrived(void *ctx, const char *path)
{
	static const struct fim_evidence evidence = {
		.appeared = true, .mode_and = 07777, .size_min = UINT64_MAX};
	struct subtree *sub = ctx;

	if (!tree_covers(sub->d, sub->pending->tree, path) || moved_along(sub, path))
		return 0;
	return appraise_moved(sub, path, &evidence);
}

static int left(void *ctx, const char *path)
{
	static const struct fim_evidence evidence = {
		.vanished = true, .mode_and = 07777, .size_min = UINT64_MAX};
	struct subtree *sub = ctx;

	/* Whatever has its own events is appraised with their actor. */
	if (pending_find(sub->pending->tree, path))
		return 0;
	return appraise_moved(sub, path, &evidence);
}

static int settle_subtree(struct daemon *d, const struct pending *pending)
{
	struct subtree sub = {d, pending, pending->origin};
	const char *path = pending->node.key;
	const char *rel;
	int err = 0;
	int fd;

	if (pending->evidence.appeared && !tree_open(d, pending->tree, path, &fd, &rel)) {
		err = walk(fd, rel, path, arrived, &sub);
		close(fd);
	}
	if (!err && pending->evidence.vanished)
		err = tree_each_below(d, pending->tree, path, left, &sub);
	return err;
}

/* ------------------------------------------------------------------------ pending */

static const char *came_from(const struct pending *pending)
{
	const struct fim_change *change = pending->cause->change;

	if (pending->origin)
		return pending->origin;
	if (change->event.op != FIM_OP_RENAME || !pending->evidence.appeared)
		return NULL;
	return change->old_view_path ? change->old_view_path : change->old_fs_path;
}

/* Frees @pending, or puts it back. */
static void settle_pending(struct daemon *d, struct pending *pending)
{
	struct job job = {
		.tree = pending->tree,
		.path = pending->node.key,
		.old_path = came_from(pending),
		.evidence = &pending->evidence,
		.cause = pending->cause,
		.last_try = ++pending->tries >= TRIES_MAX,
	};
	bool moved = false;
	int err = 0;

	if (pending->origin)
		err = settle_move(d, &job, pending->origin, &moved);
	if (!err && !moved)
		err = appraise(d, &job);
	if (err == -EAGAIN || err == -EBUSY) {
		err = pending_retry(d, pending, err == -EAGAIN);
		pending = NULL;
	} else if (!err && pending->dir) {
		err = settle_subtree(d, pending);
	}
	if (err) {
		d->counters.no_memory += err == -ENOMEM;
		fim_log(LOG_ERR, "a change could not be appraised: %s", strerror(-err));
		comparison_want(d, TRIGGER_OVERFLOW);
	}
	pending_free(pending);
}

size_t settle(struct daemon *d, size_t max, bool all)
{
	struct pending *pending;
	size_t count = 0;

	while (count < max && (pending = pending_due(d, all))) {
		struct pending *target = NULL;

		pending_take(d, pending);
		/* The new name first: it says "moved", the old one alone would say "removed". */
		if (pending->moved_to)
			target = pending_find(pending->tree, pending->moved_to);
		if (target) {
			pending_take(d, target);
			settle_pending(d, target);
		}
		settle_pending(d, pending);
		count++;
	}
	return count;
}

int settle_path(struct daemon *d, struct tree *tree, const char *path, const char *trigger)
{
	struct job job = {.tree = tree, .path = path, .trigger = trigger, .last_try = true};

	if (pending_find(tree, path) || !tree_covers(d, tree, path))
		return 0;
	return appraise(d, &job);
}

/* --------------------------------------------------------------------- containers */

struct gap {
	struct daemon *d;
	struct tree *tree;
	const char *trigger;
	int rootfd;
	int64_t until_ns;
};

/* Changed when it was heard already: its event comes, or came, and knows who. */
static bool is_heard(const struct gap *gap, const char *path)
{
	int64_t ctime_ns;

	return gap->until_ns != INT64_MAX && !walk_ctime(gap->rootfd, path, &ctime_ns) &&
	       ctime_ns >= gap->until_ns;
}

static int gap_hidden(void *ctx, const char *path)
{
	struct gap *gap = ctx;

	return settle_path(gap->d, gap->tree, path, gap->trigger);
}

static int gap_visit(void *ctx, const char *path)
{
	struct gap *gap = ctx;
	int err = is_heard(gap, path) ? 0 : settle_path(gap->d, gap->tree, path, gap->trigger);

	if (!err && layers_is_opaque(&gap->tree->layers, path))
		err = layers_each_below(&gap->tree->layers, 1, path, gap_hidden, gap);
	return err;
}

/* Without layers nothing says that a name was removed but that it is not there. */
static int gap_missing(void *ctx, const char *path)
{
	struct gap *gap = ctx;
	int64_t ctime_ns;

	if (!walk_ctime(gap->rootfd, path, &ctime_ns))
		return 0;
	return settle_path(gap->d, gap->tree, path, gap->trigger);
}

void settle_gap(struct daemon *d, struct tree *tree, const char *trigger, int64_t until_ns)
{
	int fd = open(tree->layers.dirs[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct gap gap = {d, tree, trigger, fd, until_ns};
	int err = 0;

	if (fd < 0)
		return; /* removed again already */
	for (size_t i = 0; i < TREE_SCOPES && !err; i++) {
		const char *scope = tree->scopes[i];

		if (!scope)
			continue;
		err = gap_visit(&gap, scope);
		if (!err)
			err = walk(fd, scope + strspn(scope, "/"), scope, gap_visit, &gap);
		if (!err && tree->plain)
			err = layers_each_below(&tree->layers, 1, scope, gap_missing, &gap);
	}
	close(fd);
	if (err)
		fim_log(LOG_ERR, "what container root %s changed could not be compared: %s",
			tree->root, strerror(-err));
}

void settle_container(struct daemon *d, struct tree *tree, const char *trigger)
{
	settle_gap(d, tree, trigger, INT64_MAX);
}

#define RESCAN_GAP_MS 5000

void rescan_want(struct tree *tree)
{
	int64_t now = now_ms();
	int64_t earliest = tree->rescanned_ms ? tree->rescanned_ms + RESCAN_GAP_MS : now;

	tree->is_watched = false; /* not all of it, any more */
	if (!tree->rescan_ms)
		tree->rescan_ms = earliest > now ? earliest : now;
}

void rescan_poll(struct daemon *d)
{
	int64_t now = now_ms();

	for (struct tree *tree = d->containers; tree; tree = tree->next) {
		if (!tree->rescan_ms || tree->rescan_ms > now)
			continue;
		tree->rescan_ms = 0;
		if (!tree->is_watched)
			tree->rescanned_ms = now;
		if (tree->is_watched)
			settle_gap(d, tree, "watch", tree->heard_ns);
		else if (!tree->gone && !plain_is_idle(d, tree) && watch_container(d, tree))
			settle_container(d, tree, "watch");
		tree->is_watched = false;
	}
}

int64_t rescan_deadline(const struct daemon *d)
{
	int64_t deadline = INT64_MAX;

	for (const struct tree *tree = d->containers; tree; tree = tree->next)
		if (tree->rescan_ms && tree->rescan_ms < deadline)
			deadline = tree->rescan_ms;
	return deadline;
}
