/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of changes that were announced: the window that is open, and the delta
 * that waits for its signature. A file of its own, so that the daemon, which asks, does
 * not link what only window.c needs (librpm).
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define WINDOW_MAX  (64u << 20)
#define WINDOW_NAME "change.json"

/* ---- the delta that waits for its signature */

static int is_change(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(FIM_DELTA_SUFFIX);

	return !strncmp(entry->d_name, FIM_CHANGE_PREFIX, strlen(FIM_CHANGE_PREFIX)) &&
	       len > suffix && !strcmp(entry->d_name + len - suffix, FIM_DELTA_SUFFIX);
}

static bool is_signed(const char *path)
{
	char signature[FIM_PATH_MAX];

	snprintf(signature, sizeof(signature), "%.*s.sig",
		 (int)(strlen(path) - strlen(FIM_DELTA_SUFFIX)), path);
	return !access(signature, F_OK);
}

/* 0 with a NULL: this one does not wait, or is for something else. */
static int pending_try(const struct fim_baseline *baseline, const char *path,
		       struct fim_baseline **pending_ret)
{
	struct fim_baseline *delta = NULL;
	const char *previous;
	int err;

	*pending_ret = NULL;
	if (is_signed(path))
		return 0;
	err = fim_delta_open(path, NULL, NULL, &delta);
	if (err)
		return err == -ENOMEM ? err : 0;
	previous = fim_json_get_str(delta->header, "previous");
	if (previous && !strcmp(previous, baseline->head))
		*pending_ret = delta;
	else
		fim_baseline_free(delta);
	return 0;
}

int fim_pending_open(const struct fim_baseline *baseline, const char *dir, char **path_ret,
		     struct fim_baseline **pending_ret)
{
	struct fim_baseline *pending = NULL;
	struct dirent **entries = NULL;
	char *path = NULL;
	int count, i, err = 0;

	count = scandir(dir, &entries, is_change, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	for (i = 0; i < count; i++) {
		if (!err && !pending) {
			free(path);
			err = asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0 ? -ENOMEM : 0;
			if (!err)
				err = pending_try(baseline, path, &pending);
		}
		free(entries[i]);
	}
	free(entries);
	if (!err && pending) {
		*pending_ret = pending;
		if (path_ret) {
			*path_ret = path;
			path = NULL;
		}
	}
	free(path);
	return err;
}

const struct fim_entry *fim_pending_lookup(const struct fim_baseline *pending,
					   const struct fim_difference *difference)
{
	const struct fim_entry *entry = pending ? fim_baseline_lookup(pending, difference->path)
						: NULL;

	if (!entry || difference->kind == FIM_KIND_UNREADABLE)
		return NULL;
	return fim_state_diff(&entry->state, difference->after) &
			       fim_class_mask(difference->rule->cls)
		       ? NULL
		       : entry;
}

/* ---- the window */

char *fim_window_path(const char *baseline)
{
	const char *slash = strrchr(baseline, '/');
	char *path;

	return asprintf(&path, "%.*s" WINDOW_NAME, slash ? (int)(slash + 1 - baseline) : 0,
			baseline) < 0
		       ? NULL
		       : path;
}

int fim_window_parse(const char *text, size_t len, const char *file, struct fim_json **window_ret)
{
	struct fim_json *window = NULL;
	const char *format, *id;
	int err = fim_json_parse(text, len, file, &window);

	if (err)
		return err;
	format = fim_json_get_str(window, "format");
	id = fim_json_get_str(window, "id");
	/* The id becomes part of a file's name. */
	if (format && !strcmp(format, FIM_WINDOW_FORMAT) && id && *id &&
	    strspn(id, "0123456789TZ") == strlen(id)) {
		*window_ret = window;
		return 0;
	}
	fim_log(LOG_ERR, "%s: not a change window", file);
	fim_json_free(window);
	return -EINVAL;
}

int fim_window_read(const char *file, struct fim_json **window_ret)
{
	char *text = NULL;
	size_t len;
	int err;

	if (access(file, F_OK)) {
		fim_log(LOG_ERR, "%s: no change is under way: begin one first", file);
		return -ENOENT;
	}
	err = fim_file_read(file, WINDOW_MAX, &text, &len);
	if (!err)
		err = fim_window_parse(text, len, file, window_ret);
	free(text);
	return err;
}

/* What is said of the change: the window without its list, and when it ended. */
struct fim_json *fim_window_change(const struct fim_json *window, int64_t end_ns)
{
	static const char *const keys[] = {"id",    "reason",	       "ticket", "by",
					   "begin", "package_manager", "paths"};
	struct fim_json *json = fim_json_object(), *value;
	char time[FIM_TIME_SIZE];
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = fim_json_get(window, keys[i]);
		if (value)
			fim_json_set(json, keys[i], fim_json_ref(value));
	}
	if (end_ns) {
		fim_time_format(end_ns, time);
		fim_json_set_str(json, "end", time);
	}
	return json;
}
