/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to a watched place and not to a file in it: something was mounted over
 * it or lifted, the device under it was opened, a file was lent to the kernel; what was
 * tried and refused; and what is done to this process and to the module.  Each is a record of its own; where what is seen at a path may
 * have changed, a comparison follows.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"

#define ATTEMPTS_BURST 30
#define ATTEMPT_MS     2000 /* one more may be told after so long */

struct kind {
	const char *action;
	enum fim_severity severity;
	bool compare;
};

/* clang-format off */
static const struct kind kinds[] = {
	[FIM_OP_MOUNT]   = { "shadowed",   FIM_SEVERITY_HIGH,   true },
	[FIM_OP_UMOUNT]  = { "uncovered",  FIM_SEVERITY_MEDIUM, true },
	[FIM_OP_REMOUNT] = { "remounted",  FIM_SEVERITY_LOW,    false },
	[FIM_OP_DEVICE]  = { "device",     FIM_SEVERITY_HIGH,   true },
	[FIM_OP_LEND]    = { "lent",       FIM_SEVERITY_HIGH,   true },
	[FIM_OP_ACCESS]  = { "refused",    FIM_SEVERITY_LOW,    false },
	[FIM_OP_SIGNAL]  = { "signalled",  FIM_SEVERITY_HIGH,   false },
	[FIM_OP_TRACE]   = { "traced",     FIM_SEVERITY_CRITICAL, false },
	[FIM_OP_UNLOAD]  = { "unload",     FIM_SEVERITY_HIGH,   false },
	[FIM_OP_ARM]     = { "armed",      FIM_SEVERITY_INFO,   false },
	[FIM_OP_DISARM]  = { "disarmed",   FIM_SEVERITY_MEDIUM, false },
};
/* clang-format on */

static const struct kind *kind_of(const struct fim_event *event)
{
	if (event->flags & FIM_EV_ATTEMPT)
		return &kinds[FIM_OP_ACCESS];
	if (event->op >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[event->op].action)
		return NULL;
	return &kinds[event->op];
}

bool place_is_event(const struct fim_event *event)
{
	return kind_of(event) != NULL;
}

/* Of this process or the module, and no watch. */
static bool is_guard(const struct fim_event *event)
{
	return event->op >= FIM_OP_SIGNAL && event->op <= FIM_OP_DISARM;
}

static const struct kind own_changed = {"own-changed", FIM_SEVERITY_HIGH, false};
static const struct kind unmeasured = {"unmeasured", FIM_SEVERITY_HIGH, false};

/*
 * A mount in a mount namespace that is not the host's changes what its processes see,
 * and nobody else: engines and service managers do that for everything they start.
 */
static bool is_private(const struct fim_event *event)
{
	struct stat st;

	if (event->op != FIM_OP_MOUNT && event->op != FIM_OP_UMOUNT && event->op != FIM_OP_REMOUNT)
		return false;
	return event->actor.mnt_ns && stat("/proc/1/ns/mnt", &st) == 0 &&
	       st.st_ino != event->actor.mnt_ns;
}

/* Whoever is refused all the time shall not fill the journal. */
static bool may_tell(struct daemon *d, const struct fim_event *event)
{
	struct attempts *attempts = &d->attempts;
	int64_t now = now_ms();

	if (!(event->flags & FIM_EV_ATTEMPT))
		return true;
	if (attempts->free_ms < now - ATTEMPTS_BURST * ATTEMPT_MS)
		attempts->free_ms = now - ATTEMPTS_BURST * ATTEMPT_MS;
	if (attempts->free_ms > now) {
		attempts->unsaid++;
		return false;
	}
	attempts->free_ms += ATTEMPT_MS;
	return true;
}

/* The place as it is called: in a root that nobody knows, as the process sees it. */
static char *place_path(const struct watch *watch, const struct fim_change *change)
{
	const char *seen = change->view_path ? change->view_path : change->fs_path;

	if (is_guard(&change->event))
		return change->event.op == FIM_OP_SIGNAL || change->event.op == FIM_OP_TRACE
			       ? realpath("/proc/self/exe", NULL)
			       : strdup("/sys/module/ecs_fim");
	if (!watch)
		return strdup(seen ? seen : "/");
	if (!(change->event.flags & FIM_EV_ABOVE) && change->fs_path)
		return watch_path(watch, change->fs_path, change->event.depth);
	return strdup(*watch->dir ? watch->dir : "/");
}

/* @own_path: NULL: where the event says that it is */
static struct fim_json *place_json(struct daemon *d, const struct kind *kind,
				   enum fim_severity severity, const struct watch *watch,
				   struct cause *cause, const char *own_path)
{
	const struct fim_change *change = cause->change;
	const struct fim_event *event = &change->event;
	bool contained = !is_guard(event) && !own_path && (!watch || watch->tree->container);
	const char *id = watch ? watch->tree->id : cause->container_id;
	struct fim_json *body = fim_json_object();
	char *path = own_path ? strdup(own_path) : place_path(watch, change);

	fim_json_set_str(body, "action", kind->action);
	fim_json_set_str(body, "severity", fim_severity_name(severity));
	fim_json_set_str(body, "scope", contained ? "container" : "host");
	if (contained && id[0])
		fim_json_set_str(body, "container_id", id);
	fim_json_set_path(body, "path", path ? path : "/");
	free(path);
	finding_set_event(body, cause);
	fim_json_set_bool(body, "confirmed", !(event->flags & FIM_EV_UNCONFIRMED));
	fim_json_set_bool(body, "private", is_private(event));
	if (event->op == FIM_OP_SIGNAL)
		fim_json_set_int(body, "signal", event->code);
	if (d->attempts.unsaid && event->flags & FIM_EV_ATTEMPT) {
		fim_json_set_int(body, "unsaid", (int64_t)d->attempts.unsaid);
		d->attempts.unsaid = 0;
	}
	/* Nobody, when a mount namespace ended with its last process. */
	if (event->actor.tgid)
		fim_json_set(body, "actor", fim_json_ref(cause_actor(d, cause)));
	if (cause->container_id[0])
		fim_json_set(body, "container", finding_container(d, cause->container_id));
	else
		fim_json_set_null(body, "container");
	return body;
}

static void place_alert(struct daemon *d, const struct kind *kind, enum fim_severity severity,
			const struct watch *watch, const struct cause *cause, const char *own_path,
			const char *line)
{
	const struct fim_change *change = cause->change;
	char *place = own_path ? strdup(own_path)
		      : watch  ? strdup(*watch->dir ? watch->dir : "/")
			       : place_path(NULL, change);
	const char *path = place ? place : "/";
	const struct alert_field fields[] = {
		{"op", kind->action, true},
		{"severity", fim_severity_name(severity), true},
		{"path", path, false},
		{"view_path", change->view_path, false},
		{"actor_exe", change->exe, false},
		{"actor_container", cause->container_id[0] ? cause->container_id : NULL, true},
	};
	struct alert alert = {
		.type = "finding",
		.severity = severity,
		.failed = true,
		.line = line,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};
	char *dir = fim_escape(path, strlen(path));
	char *exe = change->exe ? fim_escape(change->exe, strlen(change->exe)) : NULL;
	char *text = NULL;

	if (asprintf(&text, "%s: %s severity=%s by pid=%u uid=%u exe=%s container=%.12s",
		     kind->action, dir ? dir : "?", fim_severity_name(severity),
		     change->event.actor.tgid, change->event.actor.uid, exe ? exe : "?",
		     cause->container_id[0] ? cause->container_id : "host") < 0)
		text = NULL;
	alert.text = text ? text : kind->action;
	sinks_send(d, &alert);
	free(text);
	free(exe);
	free(dir);
	free(place);
}

/*
 * What the service manager does is said when it has its effect, and systemctl(1) asks it:
 * who asked is not known here. To read the configuration again is no attack.
 */
static bool is_routine(const struct fim_event *event)
{
	return event->op == FIM_OP_SIGNAL && (event->actor.tgid == 1 || event->code == SIGHUP);
}

/* A container's own mounts are its engine's work, unless a process in it makes them. */
static enum fim_severity severity_of(const struct kind *kind, const struct fim_event *event,
				     const struct watch *watch, const struct cause *cause)
{
	if (is_routine(event))
		return FIM_SEVERITY_INFO;
	if (!watch)
		return kind->severity;
	if (is_private(event) || (watch->tree->container && !cause->container_id[0]))
		return FIM_SEVERITY_INFO;
	return kind->severity;
}

/* @watch: NULL: none is known. Consumes @change unless it fails for want of memory. */
static int tell(struct daemon *d, struct fim_change *change, const struct kind *kind,
		struct watch *watch)
{
	enum fim_severity severity;
	struct cause *cause = NULL;
	char *line = NULL;
	int err = cause_new(d, change, watch ? watch->tree : NULL, &cause);

	if (err)
		return err;
	severity = severity_of(kind, &cause->change->event, watch, cause);
	err = record_append(d, "place", place_json(d, kind, severity, watch, cause, NULL), &line);
	if (!err && severity >= FIM_SEVERITY_MEDIUM)
		place_alert(d, kind, severity, watch, cause, NULL, line);
	if (watch && kind->compare && severity > FIM_SEVERITY_INFO) {
		if (watch->tree->container)
			rescan_want(watch->tree);
		else
			comparison_want(d, TRIGGER_WATCH);
	}
	cause_put(cause);
	free(line);
	return err;
}

int place_event(struct daemon *d, struct fim_change *change)
{
	bool guard = is_guard(&change->event);
	struct watch *watch = guard ? NULL : watch_find(d, change->event.watch_id);

	d->counters.events++;
	if ((!watch && !guard) || !may_tell(d, &change->event)) {
		d->counters.unknown_watch += !watch && !guard;
		fim_change_free(change);
		return 0;
	}
	return tell(d, change, kind_of(&change->event), watch);
}

int place_unmeasured(struct daemon *d, struct fim_change *change)
{
	d->counters.events++;
	return tell(d, change, &unmeasured, NULL);
}

int place_own(struct daemon *d, struct cause *cause, const struct own_place *place,
	      const char *path, enum fim_severity severity)
{
	struct fim_json *body = place_json(d, &own_changed, severity, NULL, cause, path);
	char *line = NULL;
	int err;

	fim_json_set_str(body, "part", place->part);
	err = record_append(d, "place", body, &line);
	if (!err && severity >= FIM_SEVERITY_MEDIUM)
		place_alert(d, &own_changed, severity, NULL, cause, path, line);
	free(line);
	return err;
}
