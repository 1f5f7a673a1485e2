/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change windows: what is expected to change is said before it happens, and what of it
 * the package database vouches for, or was named, becomes a delta to be signed. The
 * rest stays a finding. Until it is signed the delta explains differences and hides
 * none; of several there is one, which says all that was agreed to since the last
 * signature.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define WINDOW_MODE 0600
#define S_IDS	    (S_ISUID | S_ISGID)

/* ---- begin */

/**
 * struct beginning - a window being opened
 * @pending: delta that waits, NULL: none
 * @before: differences that there are already: nobody's change of this window
 */
struct beginning {
	const struct fim_baseline *pending;
	struct fim_json *before;
};

static int note_before(void *ctx, const struct fim_difference *difference)
{
	struct beginning *run = ctx;
	struct fim_json *json;

	if (fim_pending_lookup(run->pending, difference))
		return 0;
	json = fim_json_object();
	fim_json_set_path(json, "path", difference->path);
	fim_state_to_json(difference->after, json);
	fim_json_append(run->before, json);
	return 0;
}

/* Names the delta: a second change in the same second must not replace the first one's. */
static void make_id(int64_t now_ns, char id_ret[32])
{
	time_t now = (time_t)(now_ns / FIM_NSEC_PER_SEC);
	struct tm tm;
	size_t len;

	gmtime_r(&now, &tm);
	len = strftime(id_ret, 32, "%Y%m%dT%H%M%S", &tm);
	snprintf(id_ret + len, 32 - len, "%09dZ", (int)(now_ns % FIM_NSEC_PER_SEC));
}

static int write_window(const struct fim_window_params *params, struct fim_json *before)
{
	struct fim_json *json = fim_json_object(), *paths = fim_json_array();
	char time[FIM_TIME_SIZE], id[32], *text = NULL;
	int64_t now = fim_time_now();
	size_t len, i;
	int err;

	make_id(now, id);
	fim_time_format(now, time);
	fim_json_set_str(json, "format", FIM_WINDOW_FORMAT);
	fim_json_set_str(json, "id", id);
	fim_json_set_str(json, "reason", params->reason);
	fim_json_set_str(json, "ticket", params->ticket);
	fim_json_set_str(json, "by", params->by);
	fim_json_set_str(json, "begin", time);
	fim_json_set_bool(json, "package_manager", params->package_manager);
	for (i = 0; params->paths && params->paths[i]; i++)
		fim_json_append_str(paths, params->paths[i]);
	fim_json_set(json, "paths", paths);
	fim_json_set_str(json, "previous", params->baseline->head);
	fim_json_set(json, "before", fim_json_ref(before));
	err = fim_json_dump(json, &text, &len);
	if (!err)
		err = fim_file_write_atomic(params->file, text, len, WINDOW_MODE);
	free(text);
	fim_json_free(json);
	return err;
}

int fim_window_begin(const struct fim_window_params *params, struct fim_window_result *result_ret)
{
	struct beginning run = {.before = fim_json_array()};
	struct fim_compare_params compare = {
		.root = params->root, .difference = note_before, .ctx = &run};
	struct fim_window_result result = {0};
	struct fim_baseline *pending = NULL;
	int err;

	if (!access(params->file, F_OK)) {
		fim_log(LOG_ERR, "%s: a change is under way already: end it first", params->file);
		err = -EEXIST;
		goto out;
	}
	err = fim_pending_open(params->baseline, params->dir, NULL, &pending);
	run.pending = pending;
	if (!err)
		err = fim_compare(params->baseline, &compare, &result.totals);
	if (!err)
		err = write_window(params, run.before);
	result.findings = fim_json_count(run.before);
	if (!err)
		*result_ret = result;
out:
	fim_baseline_free(pending);
	fim_json_free(run.before);
	return err;
}

/* ---- end: who vouches */

/**
 * struct ending - a window being closed
 * @params: what was asked for
 * @window: what was said at its begin
 * @pending: delta that waits, NULL: none
 * @packages: as the package database is now
 * @root_fd: where the system is
 * @writer: the delta
 * @next_before: first path of the window's "before" that was not passed by
 * @result: so far
 */
struct ending {
	const struct fim_window_params *params;
	struct fim_json *window;
	struct fim_baseline *pending;
	struct fim_packages *packages;
	int root_fd;
	struct fim_delta_writer *writer;
	size_t next_before;
	struct fim_window_result result;
};

/* It was so before the window; both lists are in byte order. */
static bool was_before(struct ending *run, const struct fim_difference *difference)
{
	struct fim_json *list = fim_json_get(run->window, "before"), *json;
	struct fim_state state = {0};
	char *path = NULL;
	bool same = false;
	int order = -1;
	size_t len;

	for (; order < 0 && (json = fim_json_index(list, run->next_before)); run->next_before++) {
		if (fim_json_get_bytes(json, "path", &path, &len))
			continue;
		order = strcmp(path, difference->path);
		free(path);
		if (order > 0)
			break;
		if (!order && !fim_state_from_json(json, "change window", &state))
			same = !(fim_state_diff(&state, difference->after) &
				 fim_class_mask(difference->rule->cls));
		fim_state_clear(&state);
	}
	return same;
}

static bool was_named(const struct ending *run, const char *path)
{
	struct fim_json *paths = fim_json_get(run->window, "paths");
	const char *named;
	size_t i;

	for (i = 0; (named = fim_json_str(fim_json_index(paths, i))); i++)
		if (!strcmp(named, path) || fim_path_is_below(path, named))
			return true;
	return false;
}

/* dpkg's records know neither modes nor capabilities: power that is new is not theirs to give. */
static bool gains_power(const struct fim_difference *difference)
{
	const struct fim_state *before = difference->before, *after = difference->after;

	return (after->type == FIM_TYPE_FILE && after->mode & ~before->mode & S_IDS) ||
	       difference->diff & FIM_DIFF_XATTRS ||
	       (difference->kind == FIM_KIND_ADDED && after->xattr_count);
}

static bool content_vouched(const struct ending *run, const struct fim_difference *difference)
{
	const struct fim_package_digest *digest =
		fim_packages_digest(run->packages, difference->path);

	return digest && fim_origin_at(run->root_fd, difference->path + 1, difference->after,
				       digest) == FIM_ORIGIN_PACKAGED;
}

/* NULL: the package database says nothing for it. */
static const char *vouched_for(const struct ending *run, const struct fim_difference *difference)
{
	const struct fim_entry *before =
		fim_baseline_lookup(run->params->baseline, difference->path);
	bool owned = fim_packages_has(run->packages, difference->path);

	if (difference->kind == FIM_KIND_REMOVED)
		return before && before->package && !owned ? "its package has it no more" : NULL;
	if (difference->after->type == FIM_TYPE_SYMLINK && !gains_power(difference) &&
	    fim_packages_links(run->packages, difference->path, difference->after->target))
		return "an alternative that packages have";
	if (!owned || gains_power(difference))
		return NULL;
	switch (difference->after->type) {
	case FIM_TYPE_FILE:
		/* Only what was written has changed because a package was installed. */
		return (difference->kind == FIM_KIND_ADDED ||
			difference->diff & (FIM_DIFF_CONTENT)) &&
				       content_vouched(run, difference)
			       ? "as the package delivers it"
			       : NULL;
	case FIM_TYPE_SYMLINK:
	case FIM_TYPE_DIR:
		return difference->kind != FIM_KIND_ATTRIBUTES ? "of a package" : NULL;
	default:
		return NULL;
	}
}

static const char *why_of(struct ending *run, const struct fim_difference *difference)
{
	const struct fim_entry *agreed = fim_pending_lookup(run->pending, difference);

	if (agreed)
		return agreed->why ? agreed->why : "agreed to before";
	if (difference->kind == FIM_KIND_UNREADABLE || was_before(run, difference))
		return NULL;
	if (was_named(run, difference->path))
		return "named when the change began";
	return fim_json_get_bool(run->window, "package_manager", false)
		       ? vouched_for(run, difference)
		       : NULL;
}

static int end_difference(void *ctx, const struct fim_difference *difference)
{
	struct ending *run = ctx;
	struct fim_entry entry = {.path = (char *)difference->path, .state = *difference->after};
	const char *why = why_of(run, difference);

	if (!why) {
		run->result.findings++;
		return run->params->finding ? run->params->finding(run->params->ctx, difference)
					    : 0;
	}
	entry.why = (char *)why;
	entry.link = (char *)difference->link_after;
	entry.package = (char *)fim_packages_owner(run->packages, difference->path);
	if (entry.package && entry.state.type == FIM_TYPE_FILE && content_vouched(run, difference))
		entry.origin = FIM_ORIGIN_PACKAGED;
	run->result.authorized++;
	return fim_delta_add(run->writer, &entry);
}

/* ---- end */

static int end_compare(struct ending *run)
{
	const struct fim_window_params *params = run->params;
	const char *id = fim_json_get_str(run->window, "id");
	struct fim_compare_params compare = {
		.root = params->root, .difference = end_difference, .ctx = run};
	struct fim_json *change = fim_window_change(run->window, fim_time_now());
	char *output = NULL;
	int err = -ENOMEM;

	if (asprintf(&output, "%s/" FIM_CHANGE_PREFIX "%s" FIM_DELTA_SUFFIX, params->dir, id) >= 0)
		err = fim_delta_create(params->baseline, "change", change, output, &run->writer);
	fim_json_free(change);
	if (!err) {
		err = fim_compare(params->baseline, &compare, &run->result.totals);
		if (!err && run->result.authorized)
			err = fim_delta_finish(run->writer, run->result.digest);
		else
			fim_delta_abandon(run->writer);
	}
	if (!err && run->result.authorized) {
		run->result.path = output;
		output = NULL;
	}
	free(output);
	return err;
}

int fim_window_end(const struct fim_window_params *params, struct fim_window_result *result_ret)
{
	struct ending run = {.params = params, .root_fd = -1};
	char *before = NULL;
	int err;

	err = fim_window_read(params->file, &run.window);
	if (!err && mkdir(params->dir, 0700) && errno != EEXIST)
		err = -errno;
	if (!err)
		err = fim_pending_open(params->baseline, params->dir, &before, &run.pending);
	if (!err) {
		run.root_fd = fim_open_root(params->root);
		err = run.root_fd < 0 ? run.root_fd : 0;
	}
	if (!err)
		err = fim_packages_load(params->root, run.root_fd,
					fim_baseline_policy(params->baseline), &run.packages);
	if (!err)
		err = end_compare(&run);
	/* What waited is part of the new one. */
	if (!err && before && run.result.path && strcmp(before, run.result.path) != 0)
		unlink(before);
	if (!err && unlink(params->file))
		err = -errno;
	if (!err)
		*result_ret = run.result;
	else
		free(run.result.path);
	free(before);
	fim_packages_free(run.packages);
	fim_baseline_free(run.pending);
	fim_json_free(run.window);
	if (run.root_fd >= 0)
		close(run.root_fd);
	return err;
}
