/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a baseline, and looking things up in one. The format is in
 * userspace/README.md; baseline_read.c reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define PROGRESS_EVERY 64
#define BASELINE_MODE  0644

/* ---- taking */

/**
 * struct writer - a baseline being taken
 * @params: what was asked for
 * @stage: the file
 * @hasher: over all bytes so far
 * @packages: who owns what
 * @links: which names are one file
 * @count: objects written
 * @done: progress
 * @err: first object that could not be measured; the rest is still looked at, so
 *	that one run names them all
 */
struct writer {
	const struct fim_baseline_params *params;
	struct fim_stage *stage;
	struct fim_hasher *hasher;
	struct fim_packages *packages;
	struct fim_links *links;
	size_t count;
	struct fim_progress done;
	int err;
};

static int write_header(struct writer *writer)
{
	const struct fim_baseline_params *params = writer->params;
	struct fim_json *header = fim_json_object();
	char created[FIM_TIME_SIZE], root[PATH_MAX];
	int err;

	fim_time_format(fim_time_now(), created);
	fim_json_set_str(header, "format", FIM_BASELINE_FORMAT);
	fim_json_set_int(header, "version", FIM_BASELINE_VERSION);
	fim_json_set_str(header, "created", created);
	fim_json_set_str(header, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(header, "hash", "sha256");
	if (params->expires_ns) {
		fim_time_format(params->expires_ns, created);
		fim_json_set_str(header, "expires", created);
	}
	fim_json_set_path(header, "root", realpath(params->root, root) ? root : params->root);
	fim_json_set(header, "policy", fim_policy_to_json(params->policy));
	fim_json_set_str(header, "policy_digest", fim_policy_digest(params->policy));
	fim_json_set(header, "provenance",
		     params->provenance ? fim_json_ref(params->provenance) : fim_json_object());
	err = fim_line_write(writer->stage, writer->hasher, header);
	fim_json_free(header);
	return err;
}

static void report_progress(struct writer *writer, const struct fim_state *state)
{
	writer->done.files++;
	if (state->has_digest)
		writer->done.bytes += state->size;
	if (writer->params->progress && writer->done.files % PROGRESS_EVERY == 0)
		writer->params->progress(writer->params->progress_ctx, &writer->done);
}

static bool is_root(const struct fim_policy *policy, const char *path)
{
	size_t i;

	for (i = 0; i < fim_policy_root_count(policy); i++)
		if (!strcmp(fim_policy_root(policy, i), path))
			return true;
	return false;
}

static int write_object(void *ctx, const struct fim_pool_result *result)
{
	struct writer *writer = ctx;
	struct fim_json *json;
	const char *link;
	int err;

	if (result->err) {
		fim_log(LOG_ERR, "%s: cannot be measured: %s", result->path,
			strerror(-result->err));
		writer->err = writer->err ? writer->err : result->err;
		return fim_errno_is_ours(result->err) ? result->err : 0;
	}
	if (result->state->type == FIM_TYPE_NONE) {
		if (is_root(writer->params->policy, result->path))
			fim_log(LOG_WARNING,
				"%s: root of the policy is not there, or lies below a symbolic link",
				result->path);
		return 0;
	}
	err = fim_links_first(writer->links, result->path, result->state, &link);
	if (err)
		return err;
	json = fim_json_object();
	fim_json_set_path(json, "path", result->path);
	fim_state_to_json(result->state, json);
	if (link)
		fim_json_set_path(json, "link", link);
	fim_json_set_str(json, "package", fim_packages_owner(writer->packages, result->path));
	err = fim_line_write(writer->stage, writer->hasher, json);
	fim_json_free(json);
	writer->count++;
	report_progress(writer, result->state);
	return err;
}

static int write_baseline(struct writer *writer, int root_fd)
{
	const struct fim_walk_params walk = {.root_fd = root_fd,
					     .policy = writer->params->policy,
					     .rate = writer->params->rate,
					     .fn = write_object,
					     .ctx = writer};
	int err;

	err = fim_packages_load(root_fd, writer->params->policy, &writer->packages);
	if (!err)
		err = write_header(writer);
	if (!err)
		err = fim_walk(&walk);
	if (!err && writer->err) {
		fim_log(LOG_ERR, "no baseline was written: it would not be complete");
		err = writer->err;
	}
	if (!err)
		err = fim_trailer_write(writer->stage, writer->hasher, writer->count);
	if (!err)
		err = fim_stage_commit(writer->stage, BASELINE_MODE);
	return err;
}

int fim_open_root(const char *root)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		fd = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", root, strerror(-fd));
	}
	return fd;
}

int fim_baseline_create(const struct fim_baseline_params *params, const char *output,
			struct fim_progress *done_ret)
{
	struct writer writer = {.params = params};
	int root_fd, err;

	root_fd = fim_open_root(params->root);
	if (root_fd < 0)
		return root_fd;
	writer.hasher = fim_hasher_new();
	writer.links = fim_links_new();
	err = writer.hasher && writer.links ? 0 : -ENOMEM;
	if (!err)
		err = fim_stage_open(output, &writer.stage);
	if (!err)
		err = write_baseline(&writer, root_fd);
	if (!err && done_ret)
		*done_ret = writer.done;
	fim_packages_free(writer.packages);
	fim_links_free(writer.links);
	fim_stage_free(writer.stage);
	fim_hasher_free(writer.hasher);
	close(root_fd);
	return err;
}

/* ---- memory */

/* NULL stays NULL. */
static int move_text(struct fim_arena *arena, char **text)
{
	if (!*text)
		return 0;
	*text = fim_arena_copy(arena, *text, strlen(*text));
	return *text ? 0 : -ENOMEM;
}

int fim_arena_entry(struct fim_arena *arena, const struct fim_entry *from, struct fim_entry *to_ret)
{
	struct fim_entry copy = *from;
	struct fim_xattr *xattrs = NULL;
	size_t i;

	if (move_text(arena, &copy.path) || move_text(arena, &copy.link) ||
	    move_text(arena, &copy.package) || move_text(arena, &copy.why) ||
	    move_text(arena, &copy.state.target) || move_text(arena, &copy.state.verity))
		return -ENOMEM;
	if (copy.state.xattr_count) {
		xattrs = fim_arena_alloc(arena, copy.state.xattr_count * sizeof(*xattrs));
		if (!xattrs)
			return -ENOMEM;
	}
	for (i = 0; i < copy.state.xattr_count; i++) {
		xattrs[i] = copy.state.xattrs[i];
		xattrs[i].value = (unsigned char *)fim_arena_copy(
			arena, (const char *)xattrs[i].value, xattrs[i].len);
		if (move_text(arena, &xattrs[i].name) || !xattrs[i].value)
			return -ENOMEM;
	}
	copy.state.xattrs = xattrs;
	*to_ret = copy;
	return 0;
}

/* ---- asking */

const char *fim_origin_name(enum fim_origin origin)
{
	/* clang-format off */
	static const char *const names[] = {
		[FIM_ORIGIN_UNKNOWN]	= "unknown",
		[FIM_ORIGIN_PACKAGED]	= "as-packaged",
		[FIM_ORIGIN_DIFFERS]	= "differs",
		[FIM_ORIGIN_UNPACKAGED] = "unpackaged",
	};
	/* clang-format on */

	return (size_t)origin < sizeof(names) / sizeof(names[0]) ? names[origin] : "unknown";
}

const struct fim_policy *fim_baseline_policy(const struct fim_baseline *baseline)
{
	return baseline->policy;
}

const struct fim_json *fim_baseline_header(const struct fim_baseline *baseline)
{
	return baseline->header;
}

const char *fim_baseline_digest(const struct fim_baseline *baseline)
{
	return baseline->digest;
}

const char *fim_baseline_key_id(const struct fim_baseline *baseline)
{
	return baseline->key_id;
}

size_t fim_baseline_count(const struct fim_baseline *baseline)
{
	return baseline->count;
}

const struct fim_entry *fim_baseline_index(const struct fim_baseline *baseline, size_t index)
{
	return index < baseline->count ? &baseline->entries[index] : NULL;
}

static int entry_order(const void *path, const void *entry)
{
	return strcmp(path, ((const struct fim_entry *)entry)->path);
}

const struct fim_entry *fim_baseline_lookup(const struct fim_baseline *baseline, const char *path)
{
	return bsearch(path, baseline->entries, baseline->count, sizeof(*baseline->entries),
		       entry_order);
}

const char *fim_baseline_head(const struct fim_baseline *baseline)
{
	return baseline->head;
}

const struct fim_delta_info *fim_baseline_delta(const struct fim_baseline *baseline, size_t index)
{
	return index < baseline->delta_count ? &baseline->deltas[index] : NULL;
}
