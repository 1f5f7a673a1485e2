/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in a baseline. baseline_create.c takes one, baseline_read.c reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "baseline.h"
#include "lib_private.h"

int fim_open_root(const char *root)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		fd = -errno;
		fim_log(LOG_ERR, "%s: cannot open: %s", root, strerror(-fd));
	}
	return fd;
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
