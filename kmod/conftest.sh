#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# conftest.sh CC FLAG...: print a header that says what this kernel has, found
# by compiling. Only for what a macro or a type test in compat.h cannot tell.

probe()
{
	name=$1
	shift
	if printf '%s\n' "$@" | $cc -Werror -Wno-unused -fsyntax-only -x c - 2>/dev/null; then
		echo "#define $name 1"
	else
		echo "/* no $name */"
	fi
}

cc="$*"
echo '/* SPDX-License-Identifier: GPL-2.0-only */'
echo '/* Made by conftest.sh. */'

# A probe that must succeed: else every answer below would be a wrong "no".
case $(probe FIM_HAVE_KERNEL '#include <linux/fsnotify_backend.h>') in
'#define'*) ;;
*)
	echo 'conftest.sh: cannot compile against this kernel:' >&2
	echo '#include <linux/fsnotify_backend.h>' | $cc -fsyntax-only -x c - >&2
	exit 1
	;;
esac

# 6.9: fsnotify_add_mark() takes the object, no longer its connector.
probe FIM_HAVE_ADD_MARK_OBJECT '#include <linux/fsnotify_backend.h>' \
	'static int f(struct fsnotify_mark *m, void *o) { return fsnotify_add_mark(m, o, 0, 0); }'

# 6.0 and stable releases before it: fsnotify_alloc_group() takes flags.
probe FIM_HAVE_ALLOC_GROUP_FLAGS '#include <linux/fsnotify_backend.h>' \
	'static void *f(const struct fsnotify_ops *o) { return fsnotify_alloc_group(o, 0); }'

# 5.11: ftrace callbacks get ftrace_regs, and ask for recursion protection
# instead of refusing it.
probe FIM_HAVE_FTRACE_REGS '#include <linux/ftrace.h>' \
	'static void f(unsigned long a, unsigned long b, struct ftrace_ops *o, struct ftrace_regs *r) {}' \
	'static ftrace_func_t g = f;'
probe FIM_HAVE_FTRACE_RECURSION '#include <linux/ftrace.h>' \
	'static int f(void) { return FTRACE_OPS_FL_RECURSION; }'

# 6.2: an accessor for the arguments of the traced function.
probe FIM_HAVE_FTRACE_REGS_ARGUMENT '#include <linux/ftrace.h>' \
	'static unsigned long f(struct ftrace_regs *r) { return ftrace_regs_get_argument(r, 0); }'

# 6.2: POSIX ACLs have hooks of their own.
probe FIM_HAVE_ACL_HOOKS '#include <linux/security.h>' \
	'static void *f = security_inode_set_acl;'

# 6.1: a directory's entries are taken by functions that return bool.
probe FIM_HAVE_FILLDIR_BOOL '#include <linux/fs.h>' \
	'static bool f(struct dir_context *c, const char *n, int l, loff_t o, u64 i, unsigned int t)' \
	'{ return true; }' \
	'static filldir_t g = f;'

# 6.16: names are looked up as struct qstr.
probe FIM_HAVE_LOOKUP_NOPERM '#include <linux/namei.h>' \
	'static void *f = lookup_noperm_unlocked;'

# 6.2: exported since ever, declared for everybody only now.
probe FIM_HAVE_PATH_LOOKUP '#include <linux/namei.h>' \
	'static void *f = vfs_path_lookup;'

# 6.17: setting flags has a hook of its own.
probe FIM_HAVE_FILE_SETATTR '#include <linux/security.h>' \
	'static void *f = security_inode_file_setattr;'
