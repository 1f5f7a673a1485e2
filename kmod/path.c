// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns how paths are written: of the filesystem, and as a process sees it.
 *
 * A process that exits has no current->fs any more, and d_path() would follow
 * that pointer: nothing here looks at a process's view without checking it.
 */
#include <linux/dcache.h>
#include <linux/fs_struct.h>
#include <linux/path.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "ecs_fim.h"

/* What d_path() appends to the name of a file that has none any more. */
#define DELETED " (deleted)"

/* The path was written right-aligned into a room of PATH_MAX bytes. */
static u32 align_left(char *room, const char *path)
{
	u32 len = room + PATH_MAX - 1 - path;

	memmove(room, path, len);
	return len;
}

static bool append_name(char *room, u32 *len, const struct qstr *name)
{
	/* "/" ends in the slash that a name needs before it */
	u32 slash = *len > 1;

	if (*len + slash + name->len >= PATH_MAX)
		return false;
	if (slash)
		room[*len] = '/';
	memcpy(room + *len + slash, name->name, name->len);
	*len += slash + name->len;
	return true;
}

bool fim_path_fs(struct fim_attrs *attrs, u16 type, struct dentry *dentry, const struct qstr *name)
{
	char *room = fim_attr_room(attrs, PATH_MAX);
	char *path;
	u32 len;

	if (!room)
		return false;
	path = dentry_path_raw(dentry, room, PATH_MAX);
	if (IS_ERR(path))
		return false;
	len = align_left(room, path);
	if (name && !append_name(room, &len, name))
		return false;
	fim_attr_commit(attrs, type, len);
	return true;
}

static bool put_view(struct fim_attrs *attrs, u16 type, const struct path *path,
		     const struct qstr *name)
{
	char *room = fim_attr_room(attrs, PATH_MAX);
	char *view;
	u32 len;

	if (!room)
		return false;
	view = d_path(path, room, PATH_MAX);
	if (IS_ERR(view))
		return false;
	len = align_left(room, view);
	if (d_unlinked(path->dentry) && len > strlen(DELETED) &&
	    !memcmp(room + len - strlen(DELETED), DELETED, strlen(DELETED)))
		len -= strlen(DELETED);
	if (name && !append_name(room, &len, name))
		return false;
	fim_attr_commit(attrs, type, len);
	return true;
}

bool fim_path_is_view(const struct path *path)
{
	struct fs_struct *fs = current->fs;

	/* Only who shares it can change it under us: then it may not be looked at so. */
	return fs && READ_ONCE(fs->users) == 1 && path->mnt == fs->root.mnt &&
	       fs->root.dentry == path->dentry->d_sb->s_root;
}

bool fim_path_name_is_view(const struct dentry *dentry)
{
	struct fs_struct *fs = current->fs;

	return fs && READ_ONCE(fs->users) == 1 && fs->root.dentry == dentry->d_sb->s_root &&
	       !(READ_ONCE(dentry->d_flags) & DCACHE_DISCONNECTED);
}

bool fim_path_open(struct fim_attrs *attrs, u16 type, const struct path *path)
{
	return !current->fs || put_view(attrs, type, path, NULL);
}

bool fim_path_view(struct fim_attrs *attrs, u16 type, struct dentry *dentry,
		   const struct qstr *name)
{
	struct fs_struct *fs = current->fs;
	struct path root, path;
	bool whole = true, shared;

	if (!fs)
		return true;
	/* Only who shares it can change it under us. */
	shared = READ_ONCE(fs->users) > 1;
	if (shared)
		get_fs_root(fs, &root);
	else
		root = fs->root;
	if (root.dentry->d_sb == dentry->d_sb && is_subdir(dentry, root.dentry)) {
		path.mnt = root.mnt;
		path.dentry = dentry;
		whole = put_view(attrs, type, &path, name);
	}
	if (shared)
		path_put(&root);
	return whole;
}
