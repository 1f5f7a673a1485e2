/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the module's bytes to structs.  Pure: no clock, file or log.  The bytes
 * come from our own module, but are read as if they came from an enemy: nothing
 * is dereferenced before its length was checked, and nothing is assumed aligned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libfim.h"

int fim_record_next(const void *buf, size_t len, size_t *pos, struct fim_record_ref *record_ret)
{
	const unsigned char *bytes = (const unsigned char *)buf + *pos;
	size_t left = len - *pos;
	struct fim_record head;

	if (*pos >= len)
		return -ENODATA;
	if (left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.len < sizeof(head) || head.len % 8 || head.len > left)
		return -EBADMSG;
	record_ret->head = head;
	record_ret->bytes = bytes;
	*pos += head.len;
	return 0;
}

/* Copy a fixed part.  A newer module may have appended members: they are left out. */
static int fixed_parse(const struct fim_record_ref *record, uint16_t type, void *fixed_ret,
		       size_t size)
{
	if (record->head.type != type || record->head.fixed_len < size ||
	    record->head.fixed_len % 8 || record->head.fixed_len > record->head.len)
		return -EBADMSG;
	memcpy(fixed_ret, record->bytes, size);
	return 0;
}

int fim_overflow_parse(const struct fim_record_ref *record, struct fim_overflow *overflow_ret)
{
	return fixed_parse(record, FIM_REC_OVERFLOW, overflow_ret, sizeof(*overflow_ret));
}

int fim_session_parse(const struct fim_record_ref *record, struct fim_session *session_ret)
{
	return fixed_parse(record, FIM_REC_SESSION, session_ret, sizeof(*session_ret));
}

int fim_state_change_parse(const struct fim_record_ref *record, struct fim_state_change *change_ret)
{
	return fixed_parse(record, FIM_REC_STATE, change_ret, sizeof(*change_ret));
}

static char **change_string(struct fim_change *change, uint16_t type)
{
	switch (type) {
	case FIM_ATTR_FS_PATH:
		return &change->fs_path;
	case FIM_ATTR_VIEW_PATH:
		return &change->view_path;
	case FIM_ATTR_OLD_FS_PATH:
		return &change->old_fs_path;
	case FIM_ATTR_OLD_VIEW_PATH:
		return &change->old_view_path;
	case FIM_ATTR_EXE:
		return &change->exe;
	case FIM_ATTR_CGROUP:
		return &change->cgroup;
	case FIM_ATTR_XATTR_NAME:
		return &change->xattr_name;
	case FIM_ATTR_PARENT_COMM:
		return &change->parent_comm;
	}
	return NULL;
}

static int args_store(struct fim_change *change, const unsigned char *data, size_t len)
{
	if (change->args)
		return 0;
	change->args = malloc(len + 1);
	if (!change->args)
		return -ENOMEM;
	memcpy(change->args, data, len);
	change->args[len] = '\0';
	change->args_len = len;
	return 0;
}

/* A newer module may have appended members: they are left out. */
static int process_store(struct fim_change *change, const unsigned char *data, size_t len)
{
	if (len < sizeof(change->process))
		return -EBADMSG;
	if (!change->process.user_ns)
		memcpy(&change->process, data, sizeof(change->process));
	return 0;
}

static int ancestors_store(struct fim_change *change, const unsigned char *data, size_t len)
{
	if (len % sizeof(*change->ancestors))
		return -EBADMSG;
	if (change->ancestors || !len)
		return 0;
	change->ancestors = malloc(len);
	if (!change->ancestors)
		return -ENOMEM;
	memcpy(change->ancestors, data, len);
	change->ancestor_count = len / sizeof(*change->ancestors);
	return 0;
}

static int attr_store(struct fim_change *change, uint16_t type, const unsigned char *data,
		      size_t len)
{
	char **string = change_string(change, type);

	switch (type) {
	case FIM_ATTR_ARGS:
		return args_store(change, data, len);
	case FIM_ATTR_PROCESS:
		return process_store(change, data, len);
	case FIM_ATTR_ANCESTORS:
		return ancestors_store(change, data, len);
	}
	if (!string || *string)
		return 0;
	if (memchr(data, '\0', len))
		return -EBADMSG;
	*string = strndup((const char *)data, len);
	return *string ? 0 : -ENOMEM;
}

static int attrs_parse(const struct fim_record_ref *record, struct fim_change *change)
{
	size_t pos = record->head.fixed_len;
	struct fim_attr attr;
	int err;

	while (pos < record->head.len) {
		size_t left = record->head.len - pos;

		if (left < sizeof(attr))
			return -EBADMSG;
		memcpy(&attr, record->bytes + pos, sizeof(attr));
		if (attr.len > left - sizeof(attr))
			return -EBADMSG;
		err = attr_store(change, attr.type, record->bytes + pos + sizeof(attr), attr.len);
		if (err)
			return err;
		/* The record's length is a multiple of 8, so this never passes its end. */
		pos += sizeof(attr) + ((size_t)attr.len + 7) / 8 * 8;
	}
	return 0;
}

int fim_change_parse(const struct fim_record_ref *record, struct fim_change **change_ret)
{
	struct fim_change *change = calloc(1, sizeof(*change));
	int err;

	if (!change)
		return -ENOMEM;
	err = fixed_parse(record, FIM_REC_EVENT, &change->event, sizeof(change->event));
	if (!err)
		err = attrs_parse(record, change);
	if (err) {
		fim_change_free(change);
		return err;
	}
	*change_ret = change;
	return 0;
}

void fim_change_free(struct fim_change *change)
{
	if (!change)
		return;
	free(change->fs_path);
	free(change->view_path);
	free(change->old_fs_path);
	free(change->old_view_path);
	free(change->exe);
	free(change->cgroup);
	free(change->xattr_name);
	free(change->parent_comm);
	free(change->args);
	free(change->ancestors);
	free(change);
}

const char *fim_op_name(uint32_t op)
{
	static const char *const names[] = {
		[FIM_OP_WRITE] = "write",   [FIM_OP_CREATE] = "create",
		[FIM_OP_MKDIR] = "mkdir",   [FIM_OP_SYMLINK] = "symlink",
		[FIM_OP_MKNOD] = "mknod",   [FIM_OP_LINK] = "link",
		[FIM_OP_DELETE] = "delete", [FIM_OP_RMDIR] = "rmdir",
		[FIM_OP_RENAME] = "rename", [FIM_OP_TRUNCATE] = "truncate",
		[FIM_OP_MODE] = "mode",	    [FIM_OP_OWNER] = "owner",
		[FIM_OP_TIMES] = "times",   [FIM_OP_XATTR] = "xattr",
		[FIM_OP_ACL] = "acl",	    [FIM_OP_ATTRIB] = "attributes",
		[FIM_OP_FLAGS] = "flags",   [FIM_OP_MOUNT] = "mount",
		[FIM_OP_UMOUNT] = "umount", [FIM_OP_REMOUNT] = "remount",
		[FIM_OP_DEVICE] = "device", [FIM_OP_LEND] = "lend",
		[FIM_OP_ACCESS] = "access", [FIM_OP_SIGNAL] = "signal",
		[FIM_OP_TRACE] = "trace",   [FIM_OP_UNLOAD] = "unload",
		[FIM_OP_ARM] = "arm",	    [FIM_OP_DISARM] = "disarm",
	};

	if (op >= sizeof(names) / sizeof(names[0]) || !names[op])
		return "unknown";
	return names[op];
}

const char *fim_path_below(const char *fs_path, unsigned int depth)
{
	const char *p = fs_path + strlen(fs_path);

	if (depth == 0)
		return p;
	while (p > fs_path) {
		p--;
		if (*p == '/' && --depth == 0)
			return p + 1;
	}
	return NULL;
}
