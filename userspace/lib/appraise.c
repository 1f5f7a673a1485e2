/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the states of a path and the events about it amount to.  Pure: the night
 * reader who asks "why is this a finding, and why that one?" ends here.
 *
 * Three states are compared: what the baseline says, what was last recorded (the
 * baseline, or what an earlier finding left) and what is there now.  Events only
 * matter where the last two are equal: then they tell whether a state came and
 * went in between.
 */
#include <string.h>

#include "libfim.h"

void fim_evidence_add(struct fim_evidence *evidence, const struct fim_event *event,
		      enum fim_side side)
{
	evidence->ops |= 1u << (event->op & 31);
	if (side != FIM_SIDE_NAME) {
		evidence->vanished = true;
		evidence->moved_inside = side == FIM_SIDE_OLD_INSIDE;
		return;
	}
	switch (event->op) {
	case FIM_OP_CREATE:
	case FIM_OP_MKDIR:
	case FIM_OP_SYMLINK:
	case FIM_OP_MKNOD:
	case FIM_OP_LINK:
	case FIM_OP_RENAME:
		evidence->appeared = true;
		break;
	case FIM_OP_DELETE:
	case FIM_OP_RMDIR:
		evidence->vanished = true;
		evidence->moved_inside = false;
		break;
	case FIM_OP_WRITE:
		if (event->flags & FIM_EV_MODIFIED)
			evidence->modified = true;
		break;
	case FIM_OP_TRUNCATE:
		if (event->size < evidence->size_min)
			evidence->size_min = event->size;
		if (event->size > evidence->size_max)
			evidence->size_max = event->size;
		break;
	case FIM_OP_MODE:
		evidence->mode_or |= event->mode & 07777;
		evidence->mode_and &= event->mode & 07777;
		evidence->mode_count++;
		break;
	case FIM_OP_OWNER:
	case FIM_OP_XATTR:
	case FIM_OP_FLAGS:
	case FIM_OP_ACL:
	case FIM_OP_ATTRIB:
		evidence->other_count++;
		break;
	}
}

void fim_evidence_merge(struct fim_evidence *later, const struct fim_evidence *before)
{
	later->ops |= before->ops;
	if (!later->vanished)
		later->moved_inside = before->moved_inside;
	later->appeared |= before->appeared;
	later->vanished |= before->vanished;
	later->modified |= before->modified;
	later->mode_or |= before->mode_or;
	later->mode_and &= before->mode_and;
	later->mode_count += before->mode_count;
	later->other_count += before->other_count;
	if (before->size_min < later->size_min)
		later->size_min = before->size_min;
	if (before->size_max > later->size_max)
		later->size_max = before->size_max;
}

unsigned int fim_op_weight(const struct fim_event *event)
{
	switch (event->op) {
	case FIM_OP_WRITE:
		/* Without a write seen, whoever closed the file may be a bystander. */
		return event->flags & FIM_EV_MODIFIED ? 4 : 1;
	case FIM_OP_RENAME:
	case FIM_OP_DELETE:
	case FIM_OP_RMDIR:
		return 4;
	case FIM_OP_CREATE:
	case FIM_OP_MKDIR:
	case FIM_OP_SYMLINK:
	case FIM_OP_MKNOD:
	case FIM_OP_LINK:
	case FIM_OP_TRUNCATE:
		return 3;
	case FIM_OP_MODE:
	case FIM_OP_OWNER:
	case FIM_OP_XATTR:
	case FIM_OP_ACL:
	case FIM_OP_ATTRIB:
		return 2;
	}
	return 0;
}

/* Content was replaced by equal content, or changed and changed back. */
static bool is_rewritten(const struct fim_state *last, const struct fim_state *now,
			 const struct fim_evidence *evidence)
{
	bool observed = last->ino != 0;
	bool touched = !observed || last->dev != now->dev || last->ino != now->ino ||
		       last->ctime_ns != now->ctime_ns;

	if (evidence->modified && touched)
		return true;
	if (evidence->size_min != UINT64_MAX &&
	    (evidence->size_min != last->size || evidence->size_max != last->size))
		return true;
	/*
	 * Opened for writing, no write seen, yet its mtime moved although nobody
	 * set it: a store through a mapping.
	 */
	return observed && evidence->ops == 1u << FIM_OP_WRITE && last->mtime_ns != now->mtime_ns;
}

/* The states are equal: did another one come and go? */
static bool is_transient(const struct fim_appraisal *a)
{
	const struct fim_evidence *evidence = a->evidence;
	const struct fim_state *last = a->last;

	if (!evidence)
		return false;
	/* Also when it went without an event, with the container that it was in. */
	if (last->type == FIM_TYPE_NONE)
		return evidence->appeared && !evidence->moved_inside;
	if (evidence->appeared && evidence->vanished)
		return true;
	if ((a->mask & FIM_DIFF_DIGEST) && last->type == FIM_TYPE_FILE &&
	    is_rewritten(last, a->now, evidence))
		return true;
	if ((a->mask & FIM_DIFF_MODE) && evidence->mode_count &&
	    (evidence->mode_or != last->mode || evidence->mode_and != last->mode))
		return true;
	/* One such event without effect changed nothing; of two, one undid the other. */
	return (a->mask & (FIM_DIFF_UID | FIM_DIFF_GID | FIM_DIFF_XATTRS | FIM_DIFF_FLAGS)) &&
	       evidence->other_count > 1;
}

bool fim_appraise(const struct fim_appraisal *a, enum fim_kind *kind_ret, uint32_t *diff_ret)
{
	uint32_t diff = fim_state_diff(a->last, a->now) & a->mask;

	if (a->mask == 0)
		return false;
	if (!diff) {
		if (!is_transient(a))
			return false;
		*kind_ret = FIM_KIND_TRANSIENT;
	} else if ((fim_state_diff(a->baseline, a->now) & a->mask) == 0) {
		*kind_ret = FIM_KIND_RESTORED;
	} else {
		*kind_ret = fim_kind_of(a->last, a->now, diff);
	}
	*diff_ret = diff;
	return true;
}

bool fim_is_move(const struct fim_state *origin_last, const struct fim_state *origin_now,
		 const struct fim_state *target_last, const struct fim_state *target_now)
{
	if (origin_last->type == FIM_TYPE_NONE || origin_now->type != FIM_TYPE_NONE ||
	    target_last->type != FIM_TYPE_NONE || target_now->type != origin_last->type)
		return false;
	if (origin_last->ino)
		return origin_last->ino == target_now->ino && origin_last->dev == target_now->dev;
	return fim_state_diff(origin_last, target_now) == 0;
}

/*
 * Severity.  "Programs" is what gets executed or loaded: anything below a
 * directory named bin, sbin, lib, lib32, lib64, libexec or boot.  Whatever newly
 * is, or becomes, set-uid or set-gid there or elsewhere is critical.  Class
 * metadata counts one step less.
 */
/* clang-format off */
static const struct {
	enum fim_severity programs;
	enum fim_severity other;
} severities[] = {
	[FIM_KIND_MODIFIED]   = { FIM_SEVERITY_CRITICAL, FIM_SEVERITY_HIGH },
	[FIM_KIND_ADDED]      = { FIM_SEVERITY_HIGH,     FIM_SEVERITY_MEDIUM },
	[FIM_KIND_REMOVED]    = { FIM_SEVERITY_HIGH,     FIM_SEVERITY_HIGH },
	[FIM_KIND_ATTRIBUTES] = { FIM_SEVERITY_HIGH,     FIM_SEVERITY_MEDIUM },
	[FIM_KIND_MOVED]      = { FIM_SEVERITY_HIGH,     FIM_SEVERITY_MEDIUM },
	[FIM_KIND_RESTORED]   = { FIM_SEVERITY_LOW,      FIM_SEVERITY_LOW },
	[FIM_KIND_TRANSIENT]  = { FIM_SEVERITY_HIGH,     FIM_SEVERITY_MEDIUM },
	[FIM_KIND_UNREADABLE] = { FIM_SEVERITY_HIGH,     FIM_SEVERITY_MEDIUM },
};
/* clang-format on */

static bool is_program(const char *path)
{
	static const char *const names[] = {"bin",   "sbin",	"lib", "lib32",
					    "lib64", "libexec", "boot"};

	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i]) == len && memcmp(names[i], path, len) == 0)
				return true;
		path += len;
	}
	return false;
}

static bool gains_set_id(const struct fim_state *before, const struct fim_state *after)
{
	/* On a directory set-gid only says who owns new files. */
	return after->type == FIM_TYPE_FILE && (after->mode & ~before->mode & 06000);
}

enum fim_severity fim_severity_of(enum fim_kind kind, enum fim_class cls, const char *path,
				  const struct fim_state *before, const struct fim_state *after)
{
	enum fim_severity severity = is_program(path) ? severities[kind].programs
						      : severities[kind].other;

	if (kind == FIM_KIND_RESTORED)
		return severity;
	if (gains_set_id(before, after))
		return FIM_SEVERITY_CRITICAL;
	if (cls == FIM_CLASS_METADATA && severity > FIM_SEVERITY_INFO)
		severity--;
	return severity;
}
