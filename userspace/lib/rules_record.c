/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what a finding of the journal looks like to rules: the system call that they
 * expect, with its family's first name as type, and paths as the process saw them.
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

/* One finding on its way to fields. */
struct what {
	struct fim_rules_event *event;
	const struct fim_json *record;
	const struct fim_json *before;
	const struct fim_json *after;
	struct fim_str path; /* in the baseline */
	struct fim_str view; /* as the process saw it */
	struct fim_str old;  /* rename, link: the other name, as the process saw it */
};

static bool is_kind(const struct what *what, const char *kind)
{
	const char *is = fim_json_get_str(what->record, "kind");

	return is && !strcmp(is, kind);
}

static bool was_nothing(const struct what *what)
{
	const char *type = fim_json_get_str(what->before, "type");

	return type && !strcmp(type, "none");
}

static bool was_emptied(const struct what *what)
{
	return fim_json_get_int(what->before, "size", 0) > 0 &&
	       !fim_json_get_int(what->after, "size", -1);
}

static uint32_t mode_of(const struct fim_json *state)
{
	const char *mode = fim_json_get_str(state, "mode");

	return mode ? (uint32_t)strtoul(mode, NULL, 8) : 0;
}

static void set_open(struct what *what, const char *op)
{
	struct fim_rules_event *event = what->event;
	bool creates = !strcmp(op, "create") || was_nothing(what);
	bool empties = !strcmp(op, "truncate") || was_emptied(what);
	bool runs = creates && (mode_of(what->after) & 0111);
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
				creates && empties ? "O_TRUNC|O_CREAT|O_WRONLY"
				: creates	   ? "O_CREAT|O_WRONLY"
				: empties	   ? "O_TRUNC|O_WRONLY"
						   : "O_WRONLY");
	fim_rules_event_set_str(event, "evt.arg.mode", fim_json_get_str(what->after, "mode"));
	fim_rules_event_set_str(event, "evt.is_open_write", "true");
	fim_rules_event_set_str(event, "evt.is_open_read", "false");
	fim_rules_event_set_str(event, "evt.is_open_create", creates ? "true" : "false");
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

static void set_rename(struct what *what, const char *op)
{
	(void)op;
	if (!what->old.bytes && is_kind(what, "removed"))
		what->old = what->path; /* moved away from what is watched */
	set_two_paths(what, what->old, what->view);
}

static void set_link(struct what *what, const char *op)
{
	(void)op;
	/* A further name elsewhere for what is watched. */
	if (!what->old.bytes && !was_nothing(what))
		what->old = what->path;
	set_two_paths(what, what->old, what->view);
}

static void set_symlink(struct what *what, const char *op)
{
	struct fim_str target = get(what->event, what->after, "target");

	(void)op;
	set_two_paths(what, target, what->view);
	set(what->event, "evt.arg.target", target);
	set(what->event, "evt.arg.linkpath", what->view);
}

static void set_path(struct what *what, const char *op)
{
	(void)op;
	set_one_path(what);
}

static void set_mode(struct what *what, const char *op)
{
	static const char *const bits[] = {"S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXGRP",
					   "S_IWGRP", "S_IRGRP", "S_IXUSR", "S_IWUSR",
					   "S_IRUSR", "S_ISVTX", "S_ISGID", "S_ISUID"};
	uint32_t mode = mode_of(what->after), bit;
	char *text = fim_event_alloc(what->event, 128);

	(void)op;
	set_one_path(what);
	if (!text)
		return;
	*text = '\0';
	for (bit = 0; bit < 12; bit++)
		if (mode >> bit & 1)
			snprintf(text + strlen(text), 128 - strlen(text), "%s%s", *text ? "|" : "",
				 bits[bit]);
	fim_rules_event_set_str(what->event, "evt.arg.mode", text);
}

static void set_owner(struct what *what, const char *op)
{
	(void)op;
	set_one_path(what);
	fim_rules_event_set_int(what->event, "evt.arg.uid",
				fim_json_get_int(what->after, "uid", -1));
	fim_rules_event_set_int(what->event, "evt.arg.gid",
				fim_json_get_int(what->after, "gid", -1));
}

static const struct operation {
	const char *op;
	const char *type;
	void (*set)(struct what *what, const char *op);
} operations[] = {
	{"write", "open", set_open},	     {"create", "open", set_open},
	{"truncate", "open", set_open},	     {"mkdir", "mkdir", set_path},
	{"symlink", "symlink", set_symlink}, {"mknod", "mknod", set_path},
	{"link", "link", set_link},	     {"delete", "unlink", set_path},
	{"rmdir", "rmdir", set_path},	     {"rename", "rename", set_rename},
	{"mode", "chmod", set_mode},	     {"owner", "chown", set_owner},
	{"times", "utimensat", set_path},    {"xattr", "setxattr", set_path},
	{"acl", "setxattr", set_path},
};

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
static const char *attribute_op(const struct fim_json *record)
{
	if (has_changed(record, "mode"))
		return "mode";
	if (has_changed(record, "uid") || has_changed(record, "gid"))
		return "owner";
	return has_changed(record, "xattrs") || has_changed(record, "flags") ? "xattr" : "times";
}

static const struct operation *operation_of(const struct fim_json *record)
{
	const char *op = fim_json_get_str(record, "op");
	size_t i;

	if (op && !strcmp(op, "attrib"))
		op = attribute_op(record);
	for (i = 0; op && i < sizeof(operations) / sizeof(*operations); i++)
		if (!strcmp(op, operations[i].op))
			return &operations[i];
	return NULL;
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

static void set_what(struct fim_rules_event *event, const struct fim_json *record,
		     const struct operation *operation)
{
	struct what what = {.event = event,
			    .record = record,
			    .before = fim_json_get(record, "before"),
			    .after = fim_json_get(record, "after")};

	what.path = get(event, record, "path");
	what.view = get(event, record, "view_path");
	if (!what.view.bytes)
		what.view = what.path;
	what.old = get(event, record, "old_view_path");
	if (!what.old.bytes)
		what.old = as_seen(&what, get(event, record, "old_path"));
	fim_rules_event_set_str(event, "evt.type", operation->type);
	fim_rules_event_set_str(event, "syscall.type", operation->type);
	fim_rules_event_set_str(event, "evt.dir", "<");
	fim_rules_event_set_str(event, "evt.res", "SUCCESS");
	fim_rules_event_set_str(event, "evt.rawres", "0");
	fim_rules_event_set_str(event, "evt.failed", "false");
	operation->set(&what, operation->op);
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

static void set_place(struct fim_rules_event *event, const struct fim_json *record)
{
	const struct fim_json *container = fim_json_get(record, "container");
	const struct fim_json *actor = fim_json_get(record, "actor");

	if (!fim_json_is_object(container)) {
		fim_rules_event_set_str(event, "container.id", "host");
		fim_rules_event_set_str(event, "container.name", "host");
		fim_rules_event_set_str(event, "container.type", "host");
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
	const struct operation *operation = operation_of(record);
	const struct fim_json *actor = fim_json_get(record, "actor");

	if (!operation || !actor)
		return -ENOENT;
	read_time(event, fim_json_get_str(record, "event_time"), time_ret);
	set_what(event, record, operation);
	set_actor(event, actor);
	set_place(event, record);
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
