// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only another module could do to ecs_fim: unregister its hooks, or take a mark of
 * its off an inode. Does it and is not loaded: insmod says ECANCELED.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/namei.h>

#include "compat.h"

static unsigned long ops;
module_param(ops, ulong, 0);
MODULE_PARM_DESC(ops, "address of a struct ftrace_ops");
static unsigned long group;
module_param(group, ulong, 0);
MODULE_PARM_DESC(group, "address of a pointer to a struct fsnotify_group");
static char *path;
module_param(path, charp, 0);
MODULE_PARM_DESC(path, "what loses its mark of that group");

static struct fsnotify_mark *find_mark(struct inode *inode, struct fsnotify_group *from)
{
#ifdef FIM_HAVE_ADD_MARK_OBJECT
	return fsnotify_find_mark(inode, FSNOTIFY_OBJ_TYPE_INODE, from);
#else
	return fsnotify_find_mark(&inode->i_fsnotify_marks, from);
#endif
}

static int take_mark(void)
{
	struct fsnotify_group *from = *(struct fsnotify_group **)group;
	struct fsnotify_mark *mark;
	struct path of;
	int err = kern_path(path, 0, &of);

	if (err)
		return err;
	mark = find_mark(d_inode(of.dentry), from);
	if (mark) {
		fsnotify_destroy_mark(mark, from);
		fsnotify_put_mark(mark);
	}
	path_put(&of);
	return mark ? 0 : -ENOENT;
}

static int __init rogue_init(void)
{
	int err = 0;

	if (ops)
		err = unregister_ftrace_function((struct ftrace_ops *)ops);
	if (!err && path)
		err = take_mark();
	return err ?: -ECANCELED;
}

module_init(rogue_init);

MODULE_DESCRIPTION("Takes hooks and marks of ecs_fim away");
MODULE_LICENSE("GPL");
