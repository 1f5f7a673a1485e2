/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a baseline. The format is in userspace/README.md; baseline_read.c reads it.
 * A file of its own, so that the daemon, which takes none, does not link what only this
 * needs (librpm).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define PROGRESS_EVERY 64
#define BASELINE_MODE  0644

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

struct fim_json *fim_baseline_header_new(const char *root, const struct fim_policy *policy,
					 int64_t expires_ns, struct fim_json *provenance)
{
	struct fim_json *header = fim_json_object();
	char time[FIM_TIME_SIZE], real[PATH_MAX];

	fim_time_format(fim_time_now(), time);
	fim_json_set_str(header, "format", FIM_BASELINE_FORMAT);
	fim_json_set_int(header, "version", FIM_BASELINE_VERSION);
	fim_json_set_str(header, "created", time);
	fim_json_set_str(header, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(header, "hash", "sha256");
	if (expires_ns) {
		fim_time_format(expires_ns, time);
		fim_json_set_str(header, "expires", time);
	}
	fim_json_set_path(header, "root", realpath(root, real) ? real : root);
	fim_json_set(header, "policy", fim_policy_to_json(policy));
	fim_json_set_str(header, "policy_digest", fim_policy_digest(policy));
	fim_json_set(header, "provenance", provenance);
	return header;
}

static int write_header(struct writer *writer)
{
	const struct fim_baseline_params *params = writer->params;
	struct fim_json *header, *packages;
	int err;

	header = fim_baseline_header_new(params->root, params->policy, params->expires_ns,
					 params->provenance ? fim_json_ref(params->provenance)
							    : fim_json_object());
	packages = fim_packages_to_json(writer->packages);
	if (fim_json_count(packages))
		fim_json_set(header, "packages", packages);
	else
		fim_json_free(packages);
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

/* Of files only: directories are of several packages, symlinks have no content. */
static enum fim_origin origin_of(const struct writer *writer, const struct fim_pool_result *result)
{
	if (result->origin != FIM_ORIGIN_UNKNOWN || result->state->type != FIM_TYPE_FILE)
		return result->origin;
	return fim_packages_known(writer->packages, result->path) ? FIM_ORIGIN_UNKNOWN
								  : FIM_ORIGIN_UNPACKAGED;
}

static int write_object(void *ctx, const struct fim_pool_result *result)
{
	struct writer *writer = ctx;
	struct fim_json *json;
	enum fim_origin origin;
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
	origin = origin_of(writer, result);
	if (origin != FIM_ORIGIN_UNKNOWN)
		fim_json_set_str(json, "origin", fim_origin_name(origin));
	err = fim_line_write(writer->stage, writer->hasher, json);
	fim_json_free(json);
	writer->count++;
	report_progress(writer, result->state);
	return err;
}

static const struct fim_package_digest *packaged(void *ctx, const char *path)
{
	const struct writer *writer = ctx;

	return fim_packages_digest(writer->packages, path);
}

static int write_baseline(struct writer *writer, int root_fd)
{
	const struct fim_walk_params walk = {.root_fd = root_fd,
					     .policy = writer->params->policy,
					     .rate = writer->params->rate,
					     .packaged = packaged,
					     .fn = write_object,
					     .ctx = writer};
	int err;

	err = fim_packages_load(writer->params->root, root_fd, writer->params->policy,
				&writer->packages);

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
