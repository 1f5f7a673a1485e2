/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what a change of a file looks like to rules, as the kernel reported it or as a
 * finding of the journal tells it: the system call that they expect, with its family's
 * first name as type, and paths as the process saw them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

/* ---------------------------------------------------------------- reading */

/* A value that may be stored as hex because it is not text; bytes is NULL: there is none. */
static struct fim_str get(struct fim_rules_event *event, const struct fim_json *object,
			  const char *key)
{
	const char *text = fim_json_get_str(object, key);
	char *bytes, *copy;
	size_t len;

	if (text)
		return (struct fim_str){text, strlen(text)};
	if (fim_json_get_bytes(object, key, &bytes, &len))
		return (struct fim_str){NULL, 0};
	copy = fim_event_alloc(event, len + 1);
	if (copy)
		memcpy(copy, bytes, len + 1);
	free(bytes);
	return (struct fim_str){copy, copy ? len : 0};
}

static void set(struct fim_rules_event *event, const char *field, struct fim_str value)
{
	if (value.bytes)
		fim_rules_event_set(event, field, value.bytes, value.len);
}

static void set_all(struct fim_rules_event *event, const char *const *fields, struct fim_str value)
{
	for (; *fields; fields++)
		set(event, *fields, value);
}

static bool ends_with(struct fim_str text, struct fim_str end)
{
	return text.bytes && end.bytes && text.len >= end.len &&
	       !memcmp(text.bytes + text.len - end.len, end.bytes, end.len);
}

static struct fim_str concat(struct fim_rules_event *event, struct fim_str a, struct fim_str b)
{
	char *text = fim_event_alloc(event, a.len + b.len + 1);

	if (!text)
		return (struct fim_str){NULL, 0};
	memcpy(text, a.bytes, a.len);
	memcpy(text + a.len, b.bytes, b.len);
	text[a.len + b.len] = '\0';
	return (struct fim_str){text, a.len + b.len};
}

/* ------------------------------------------------------------------- what */

/* A change on its way to fields. */
struct what {
	struct fim_rules_event *event;
	struct fim_str path;   /* in the baseline */
	struct fim_str view;   /* as the process saw it */
	struct fim_str old;    /* rename, link: the other name, as the process saw it */
	struct fim_str target; /* of a symbolic link */
	bool creates;	       /* there was nothing of this name before */
	bool empties;	       /* what it held is gone */
	uint32_t mode;	       /* afterwards */
	int64_t uid;	       /* afterwards; -1: unknown, as the next */
	int64_t gid;
};

static void set_open(struct what *what)
{
	struct fim_rules_event *event = what->event;
	bool runs = what->creates && (what->mode & 0111);
	char *mode = fim_event_alloc(event, 16);
	static const char *const names[] = {"fd.name",	    "fd.nameraw",
					    "evt.arg.name", "evt.arg.path",
					    "fs.path.name", "fs.path.nameraw",
					    "evt.abspath",  NULL};
	const char *slash = what->view.bytes ? memrchr(what->view.bytes, '/', what->view.len)
					     : NULL;

	set_all(event, names, what->view);
	if (slash) {
		size_t len = (size_t)(slash - what->view.bytes);

		fim_rules_event_set(event, "fd.directory", what->view.bytes, len ? len : 1);
		fim_rules_event_set(event, "fd.filename", slash + 1, what->view.len - len - 1);
	}
	fim_rules_event_set_str(event, "evt.arg.flags",
				what->creates && what->empties ? "O_TRUNC|O_CREAT|O_WRONLY"
				: what->creates		       ? "O_CREAT|O_WRONLY"
				: what->empties		       ? "O_TRUNC|O_WRONLY"
							       : "O_WRONLY");
	if (mode) {
		snprintf(mode, 16, "0%o", what->mode);
		fim_rules_event_set_str(event, "evt.arg.mode", mode);
	}
	fim_rules_event_set_str(event, "evt.is_open_write", "true");
	fim_rules_event_set_str(event, "evt.is_open_read", "false");
	fim_rules_event_set_str(event, "evt.is_open_create", what->creates ? "true" : "false");
	fim_rules_event_set_str(event, "evt.is_open_exec", runs ? "true" : "false");
	fim_rules_event_set_str(event, "fd.type", "file");
	fim_rules_event_set_str(event, "fd.typechar", "f");
	/* Which number it was is not known; that it was one is. */
	fim_rules_event_set_str(event, "fd.num", "0");
}

static void set_one_path(struct what *what)
{
	static const char *const names[] = {"evt.arg.path",	"evt.arg.name",
					    "evt.arg.filename", "evt.arg.pathname",
					    "fs.path.name",	"fs.path.nameraw",
					    "evt.abspath",	NULL};

	set_all(what->event, names, what->view);
}

static void set_two_paths(struct what *what, struct fim_str source, struct fim_str target)
{
	static const char *const sources[] = {"evt.arg.oldpath", "fs.path.source",
					      "fs.path.sourceraw", "evt.abspath.src", NULL};
	static const char *const targets[] = {"evt.arg.newpath", "fs.path.target",
					      "fs.path.targetraw", "evt.abspath.dst", NULL};

	set_all(what->event, sources, source);
	set_all(what->event, targets, target);
}

static void set_names(struct what *what)
{
	set_two_paths(what, what->old, what->view);
}

static void set_symlink(struct what *what)
{
	set_two_paths(what, what->target, what->view);
	set(what->event, "evt.arg.target", what->target);
	set(what->event, "evt.arg.linkpath", what->view);
}

static void set_mode(struct what *what)
{
	static const char *const bits[] = {"S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXGRP",
					   "S_IWGRP", "S_IRGRP", "S_IXUSR", "S_IWUSR",
					   "S_IRUSR", "S_ISVTX", "S_ISGID", "S_ISUID"};
	char *text = fim_event_alloc(what->event, 128);
	uint32_t bit;

	set_one_path(what);
	if (!text)
		return;
	*text = '\0';
	for (bit = 0; bit < 12; bit++)
		if (what->mode >> bit & 1)
			snprintf(text + strlen(text), 128 - strlen(text), "%s%s", *text ? "|" : "",
				 bits[bit]);
	fim_rules_event_set_str(what->event, "evt.arg.mode", text);
}

static void set_owner(struct what *what)
{
	set_one_path(what);
	if (what->uid >= 0)
		fim_rules_event_set_int(what->event, "evt.arg.uid", what->uid);
	if (what->gid >= 0)
		fim_rules_event_set_int(what->event, "evt.arg.gid", what->gid);
}

static const struct operation {
	const char *type;
	void (*set)(struct what *what);
} operations[] = {
	[FIM_OP_WRITE] = {"open", set_open},
	[FIM_OP_CREATE] = {"open", set_open},
	[FIM_OP_TRUNCATE] = {"open", set_open},
	[FIM_OP_MKDIR] = {"mkdir", set_one_path},
	[FIM_OP_SYMLINK] = {"symlink", set_symlink},
	[FIM_OP_MKNOD] = {"mknod", set_one_path},
	[FIM_OP_LINK] = {"link", set_names},
	[FIM_OP_DELETE] = {"unlink", set_one_path},
	[FIM_OP_RMDIR] = {"rmdir", set_one_path},
	[FIM_OP_RENAME] = {"rename", set_names},
	[FIM_OP_MODE] = {"chmod", set_mode},
	[FIM_OP_OWNER] = {"chown", set_owner},
	[FIM_OP_TIMES] = {"utimensat", set_one_path},
	[FIM_OP_XATTR] = {"setxattr", set_one_path},
	[FIM_OP_ACL] = {"setxattr", set_one_path},
	/* Which attribute is not known; the mode is, and it is what matters most. */
	[FIM_OP_ATTRIB] = {"chmod", set_mode},
};
#define OPERATION_COUNT (sizeof(operations) / sizeof(*operations))

static void set_what(struct what *what, const struct operation *operation)
{
	struct fim_rules_event *event = what->event;

	fim_rules_event_set_str(event, "evt.type", operation->type);
	fim_rules_event_set_str(event, "syscall.type", operation->type);
	fim_rules_event_set_str(event, "evt.dir", "<");
	fim_rules_event_set_str(event, "evt.res", "SUCCESS");
	fim_rules_event_set_str(event, "evt.rawres", "0");
	fim_rules_event_set_str(event, "evt.failed", "false");
	operation->set(what);
}

/* ---------------------------------------------------------- out of a finding */

static bool has_changed(const struct fim_json *record, const char *name)
{
	const struct fim_json *changed = fim_json_get(record, "changed");
	size_t i;

	for (i = 0; i < fim_json_count(changed); i++) {
		const char *one = fim_json_str(fim_json_index(changed, i));

		if (one && !strcmp(one, name))
			return true;
	}
	return false;
}

/* The module could not tell which attribute: then the comparison can. */
static uint32_t attribute_op(const struct fim_json *record)
{
	if (has_changed(record, "mode"))
		return FIM_OP_MODE;
	if (has_changed(record, "uid") || has_changed(record, "gid"))
		return FIM_OP_OWNER;
	return has_changed(record, "xattrs") || has_changed(record, "flags") ? FIM_OP_XATTR
									     : FIM_OP_TIMES;
}

/* 0: none. */
static uint32_t op_of(const struct fim_json *record)
{
	const char *name = fim_json_get_str(record, "op");
	uint32_t op;

	for (op = 1; name && op < OPERATION_COUNT; op++)
		if (!strcmp(name, fim_op_name(op)))
			return op == FIM_OP_ATTRIB ? attribute_op(record) : op;
	return 0;
}

static bool is_kind(const struct fim_json *record, const char *kind)
{
	const char *is = fim_json_get_str(record, "kind");

	return is && !strcmp(is, kind);
}

static bool is_nothing(const struct fim_json *state)
{
	const char *type = fim_json_get_str(state, "type");

	return type && !strcmp(type, "none");
}

static uint32_t mode_of(const struct fim_json *state)
{
	const char *mode = fim_json_get_str(state, "mode");

	return mode ? (uint32_t)strtoul(mode, NULL, 8) & 07777 : 0;
}

/* A path of the baseline as the process sees it, when we know how it sees another one. */
static struct fim_str as_seen(struct what *what, struct fim_str path)
{
	struct fim_str prefix = what->view;

	if (!path.bytes || !ends_with(what->view, what->path))
		return path;
	prefix.len -= what->path.len;
	return prefix.len ? concat(what->event, prefix, path) : path;
}

/* The other name, if the finding has it. */
static struct fim_str old_of(struct what *what, const struct fim_json *record, uint32_t op)
{
	struct fim_str old = get(what->event, record, "old_view_path");

	if (!old.bytes)
		old = as_seen(what, get(what->event, record, "old_path"));
	if (old.bytes)
		return old;
	if (op == FIM_OP_RENAME && is_kind(record, "removed"))
		return what->path; /* moved away from what is watched */
	if (op == FIM_OP_LINK && !is_nothing(fim_json_get(record, "before")))
		return what->path; /* a further name elsewhere for what is watched */
	return old;
}

static void read_finding(struct what *what, const struct fim_json *record, uint32_t op)
{
	const struct fim_json *before = fim_json_get(record, "before");
	const struct fim_json *after = fim_json_get(record, "after");

	what->path = get(what->event, record, "path");
	what->view = get(what->event, record, "view_path");
	if (!what->view.bytes)
		what->view = what->path;
	what->old = old_of(what, record, op);
	what->target = get(what->event, after, "target");
	what->creates = op == FIM_OP_CREATE || is_nothing(before);
	what->empties = op == FIM_OP_TRUNCATE || (fim_json_get_int(before, "size", 0) > 0 &&
						  !fim_json_get_int(after, "size", -1));
	what->mode = mode_of(after);
	what->uid = fim_json_get_int(after, "uid", -1);
	what->gid = fim_json_get_int(after, "gid", -1);
}

/* -------------------------------------------------------------------- who */

/* The arguments behind the first, and with the name in front of them: the command line. */
static void set_command(struct fim_rules_event *event, struct fim_str name,
			const struct fim_json *args)
{
	size_t count = fim_json_count(args), i;
	struct fim_str line, text = {"", 0};

	event->scratch.len = 0;
	fim_text_add(&event->scratch, name.bytes, name.len);
	for (i = 1; i < count; i++) {
		const char *arg = fim_json_str(fim_json_index(args, i));

		fim_text_adds(&event->scratch, " ");
		fim_text_adds(&event->scratch, arg ? arg : "");
	}
	if (!fim_event_take_scratch(event, &line))
		return;
	set(event, "proc.cmdline", line);
	if (line.len > name.len)
		text = (struct fim_str){line.bytes + name.len + 1, line.len - name.len - 1};
	set(event, "proc.args", text);
	fim_rules_event_set_int(event, "proc.cmdlenargs", (int64_t)text.len);
	fim_rules_event_set_int(event, "proc.cmdnargs", count ? (int64_t)count - 1 : 0);
}

static void set_number(struct fim_rules_event *event, const char *field,
		       const struct fim_json *object, const char *key)
{
	if (fim_json_is_int(fim_json_get(object, key)))
		fim_rules_event_set_int(event, field, fim_json_get_int(object, key, 0));
}

static void set_user(struct fim_rules_event *event, const struct fim_json *actor)
{
	int64_t uid = fim_json_get_int(actor, "uid", -1);
	int64_t euid = fim_json_get_int(actor, "euid", uid);

	/* What a process may do is decided by its effective ids. */
	if (euid >= 0)
		fim_rules_event_set_int(event, "user.uid", euid);
	if (euid == uid)
		set(event, "user.name", get(event, actor, "user"));
	set_number(event, "group.gid", actor, "egid");
	fim_rules_event_set_int(event, "user.loginuid", fim_json_get_int(actor, "loginuid", -1));
	set(event, "user.loginname", get(event, actor, "login_user"));
}

static void set_actor(struct fim_rules_event *event, const struct fim_json *actor)
{
	const struct fim_json *args = fim_json_get(actor, "args");
	struct fim_str name = get(event, actor, "comm"), exe = get(event, actor, "exe");
	const char *first = fim_json_str(fim_json_index(args, 0));

	set(event, "proc.name", name);
	set(event, "proc.pname", get(event, actor, "parent_comm"));
	set(event, "proc.exepath", exe);
	if (first)
		fim_rules_event_set_str(event, "proc.exe", first);
	else
		set(event, "proc.exe", exe);
	if (name.bytes && args)
		set_command(event, name, args);
	set_number(event, "proc.pid", actor, "pid");
	set_number(event, "proc.ppid", actor, "ppid");
	set_number(event, "proc.vpid", actor, "vpid");
	set_number(event, "thread.tid", actor, "tid");
	set_user(event, actor);
}

static void set_host(struct fim_rules_event *event)
{
	fim_rules_event_set_str(event, "container.id", "host");
	fim_rules_event_set_str(event, "container.name", "host");
	fim_rules_event_set_str(event, "container.type", "host");
}

static void set_place(struct fim_rules_event *event, const struct fim_json *record)
{
	const struct fim_json *container = fim_json_get(record, "container");
	const struct fim_json *actor = fim_json_get(record, "actor");

	if (!fim_json_is_object(container)) {
		set_host(event);
		return;
	}
	fim_event_set_identity(event, container);
	/* Root keeps all that a privileged container is given; of others we do not know. */
	if (fim_json_get_bool(container, "privileged", false) &&
	    !fim_json_get_int(actor, "euid", -1))
		fim_event_set_capabilities(event, FIM_CAPABILITIES_ALL);
}

/* --------------------------------------------------------------- records */

static void read_time(struct fim_rules_event *event, const char *text, int64_t *time_ret)
{
	int64_t ns;

	if (!text || fim_time_parse(text, &ns))
		return;
	event->time_ns = ns;
	if (time_ret)
		*time_ret = ns;
}

static int set_finding(struct fim_rules_event *event, const struct fim_json *record,
		       int64_t *time_ret)
{
	struct what what = {.event = event};
	const struct fim_json *actor = fim_json_get(record, "actor");
	uint32_t op = op_of(record);

	/* A hit of a rule tells of what other records tell as well. */
	if (!op || !actor || is_kind(record, "rule"))
		return -ENOENT;
	read_time(event, fim_json_get_str(record, "event_time"), time_ret);
	read_finding(&what, record, op);
	set_what(&what, &operations[op]);
	set_actor(event, actor);
	set_place(event, record);
	return 0;
}

/* --------------------------------------------------------------- changes */

static struct fim_str text_of(const char *text)
{
	return (struct fim_str){text, text ? strlen(text) : 0};
}

static struct fim_str first_of(const char *a, const char *b, const char *c)
{
	return text_of(a ? a : b ? b : c);
}

/* What the rules ask of a process's ancestors, found when the first of them does. */
static bool extract_ancestor(struct fim_rules_event *event, const struct fim_slot *slot,
			     struct fim_cell *cell)
{
	const struct fim_rules_change *change = event->change;
	const char *name = slot->ref.field->name;
	const char *list[FIM_RULES_ANCESTORS];
	char number[8] = "";
	unsigned level;
	size_t count;

	if (!change || !change->ancestor)
		return false;
	if (!strcmp(name, "proc.pcmdline"))
		list[0] = change->ancestor(change->ctx, 1, true);
	else if (strcmp(name, "proc.aname") != 0 || slot->ref.arg.len >= sizeof(number))
		return false;
	else if (slot->ref.arg.len) {
		memcpy(number, slot->ref.arg.bytes, slot->ref.arg.len);
		level = (unsigned)strtoul(number, NULL, 10);
		list[0] = level ? change->ancestor(change->ctx, level, false) : NULL;
	} else {
		for (count = 0; count < FIM_RULES_ANCESTORS; count++) {
			list[count] = change->ancestor(change->ctx, (unsigned)count + 1, false);
			if (!list[count])
				break;
		}
		return count && !fim_event_set_list(event, cell, list, count);
	}
	if (list[0])
		fim_cell_set(event, cell, text_of(list[0]));
	return list[0];
}

int fim_rules_event_set_change(struct fim_rules_event *event, const struct fim_rules_change *change)
{
	const struct fim_change *kernel = change->change;
	uint32_t op = kernel->event.op;
	struct what what = {.event = event, .uid = change->uid, .gid = change->gid};

	if (!op || op >= OPERATION_COUNT)
		return -ENOENT;
	event->time_ns = (int64_t)kernel->event.rec.time_ns;
	event->change = change;
	event->extract = extract_ancestor;
	what.path = text_of(change->path);
	what.view = first_of(kernel->view_path, change->path, kernel->fs_path);
	what.old = first_of(kernel->old_view_path, change->old_path, kernel->old_fs_path);
	/* A further name elsewhere for what is watched. */
	if (op == FIM_OP_LINK && kernel->event.flags & FIM_EV_ALIAS)
		what.old = what.path;
	what.target = text_of(change->target);
	what.creates = op == FIM_OP_CREATE;
	what.empties = op == FIM_OP_TRUNCATE;
	what.mode = kernel->event.mode & 07777;
	set_what(&what, &operations[op]);
	set_actor(event, change->actor);
	if (!change->container) {
		set_host(event);
		return 0;
	}
	fim_event_set_container(event, change->container);
	/* Root keeps all that a privileged container is given; of others we do not know. */
	if (change->container->privileged && !kernel->event.actor.euid)
		fim_event_set_capabilities(event, FIM_CAPABILITIES_ALL);
	return 0;
}

int fim_rules_event_set_record(struct fim_rules_event *event, const struct fim_json *record,
			       int64_t *time_ret)
{
	const char *type = fim_json_get_str(record, "type");

	if (type && !strcmp(type, "finding"))
		return set_finding(event, record, time_ret);
	if (!type || strcmp(type, "container") != 0)
		return -ENOENT;
	read_time(event, fim_json_get_str(record, "time"), time_ret);
	return fim_event_set_start(event, fim_json_get(record, "container"));
}

int fim_rules_event_set_inspect(struct fim_rules_event *event, const struct fim_json *inspect,
				int64_t *time_ret)
{
	read_time(event, fim_json_str(fim_json_at(inspect, "State/StartedAt")), time_ret);
	return fim_event_set_inspected(event, inspect);
}
