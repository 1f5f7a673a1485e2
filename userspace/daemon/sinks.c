/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where alerts go after the journal has them.  A sink that fails is counted, said
 * once, and does not keep the others waiting: every one of them sends without blocking.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

void sink_close_fd(struct sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = -1;
	free(sink->rest);
	sink->rest = NULL;
	sink->rest_len = 0;
}

/* -------------------------------------------------------------------------- stdout */

/* Not our flags to change: a terminal or pipe is opened again to make it non-blocking. */
static int stdout_open(struct sink *sink)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0)
		return -errno;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		sink->fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (sink->fd < 0)
		sink->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return sink->fd < 0 ? -errno : 0;
}

static ssize_t stdout_write(const struct sink *sink, const char *bytes, size_t len)
{
	ssize_t done = send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0 && errno == ENOTSOCK)
		done = write(sink->fd, bytes, len);
	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return done;
}

/* A line is written whole or, after the end of the one before, not at all. */
static int stdout_send(struct sink *sink, const struct alert *alert)
{
	ssize_t done;
	char *line;
	int len;

	if (sink->rest) {
		done = stdout_write(sink, sink->rest, sink->rest_len);
		if (done < 0)
			return done;
		memmove(sink->rest, sink->rest + done, sink->rest_len - done);
		sink->rest_len -= done;
		if (sink->rest_len)
			return -EAGAIN;
		free(sink->rest);
		sink->rest = NULL;
	}
	len = asprintf(&line, "%s\n", alert->line);
	if (len < 0)
		return -ENOMEM;
	done = stdout_write(sink, line, len);
	if (done > 0 && done < len) {
		memmove(line, line + done, len - done);
		sink->rest = line;
		sink->rest_len = len - done;
		return 0;
	}
	free(line);
	if (done == 0)
		return -EAGAIN;
	return done < 0 ? done : 0;
}

static bool stdout_wanted(const struct fim_config *config)
{
	return config->sink_stdout;
}

const struct sink_ops sink_stdout = {
	.name = "stdout",
	.wanted = stdout_wanted,
	.open = stdout_open,
	.send = stdout_send,
	.close = sink_close_fd,
};

/* --------------------------------------------------------------------------- table */

struct sink_health *sinks_health(struct sinks_health *all, const char *name)
{
	struct sink_health *health = all->sink;

	for (size_t i = 0; i < all->count; i++, health++)
		if (strcmp(health->name, name) == 0)
			return health;
	if (all->count == sizeof(all->sink) / sizeof(all->sink[0]) ||
	    strlen(name) >= sizeof(health->name))
		return NULL;
	all->count++;
	*health = (struct sink_health){.failing = false};
	strcpy(health->name, name);
	return health;
}

static bool any_failing(const struct sinks *sinks)
{
	for (size_t i = 0; i < sinks->health.count; i++)
		if (sinks->health.sink[i].failing)
			return true;
	return false;
}

static void say_failing(struct daemon *d, struct sink_health *health, const char *why)
{
	const struct control control = {
		.component = COMPONENT_SINK, .state = CONTROL_DEGRADED, .sink = health};

	/* Before saying so: what is said goes to the sinks too. */
	health->failing = true;
	control_say(d, &control, "alerts do not reach %s: %.500s", health->name, why);
}

/* Each has an interval of its own; the component is up again when all of them are. */
static void say_up(struct daemon *d, struct sink_health *health, const char *how)
{
	const struct control control = {
		.component = COMPONENT_SINK, .state = CONTROL_UP, .sink = health};

	health->failing = false;
	control_say(d, &control, "%s %s", health->name, how);
	if (any_failing(&d->sinks))
		d->controls[COMPONENT_SINK] = CONTROL_DEGRADED;
}

static void sink_failed(struct daemon *d, struct sink *sink, int err)
{
	sink->failed++;
	if (!sink->health->failing)
		say_failing(d, sink->health,
			    err == -ESHUTDOWN
				    ? "audit_enabled is 0, the kernel drops them: auditctl -e 1"
				    : strerror(-err));
}

static const struct sink_ops *const ours[] = {&sink_audit, &sink_syslog, &sink_journald,
					      &sink_stdout, &sink_ocsf};

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(ours[i]->name, name) == 0)
			return true;
	return false;
}

static struct outlet *outlet_find(struct sinks *sinks, const char *name)
{
	struct sink_health *health = sinks_health(&sinks->health, name);
	struct outlet *outlet = sinks->outlets;

	for (size_t i = 0; i < sinks->outlet_count; i++, outlet++)
		if (outlet->health == health)
			return outlet;
	if (!health || sinks->outlet_count == OUTLETS_MAX)
		return NULL;
	sinks->outlet_count++;
	*outlet = (struct outlet){.health = health};
	return outlet;
}

/* Those that did not get their alerts when the run before ended: only they can say that they do. */
static void restore_outlets(struct sinks *sinks)
{
	for (size_t i = 0; i < sinks->health.count; i++)
		if (sinks->health.sink[i].failing && !is_ours(sinks->health.sink[i].name))
			outlet_find(sinks, sinks->health.sink[i].name);
}

void sinks_open(struct daemon *d)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct sink_health *health = sinks_health(&d->sinks.health, ours[i]->name);
		struct sink *sink = &d->sinks.sink[d->sinks.count];
		int err;

		if (!ours[i]->wanted(d->config)) {
			if (health->failing)
				say_up(d, health, "is not in use any more");
			continue;
		}
		*sink = (struct sink){
			.ops = ours[i], .config = d->config, .health = health, .fd = -1};
		d->sinks.count++;
		err = sink->ops->open(sink);
		if (err)
			sink_failed(d, sink, err);
		else if (health->failing)
			say_up(d, health, "is open");
	}
	restore_outlets(&d->sinks);
	if (any_failing(&d->sinks))
		d->controls[COMPONENT_SINK] = CONTROL_DEGRADED;
	else
		control_set(d, COMPONENT_SINK, CONTROL_UP, "every sink is open");
}

static void record_taken(struct daemon *d, struct sink *sink)
{
	struct fim_json *body = fim_json_object(), *list = fim_json_array();

	for (size_t i = 0; i < sink->taken_count; i++)
		fim_json_append_int(list, (int64_t)sink->taken[i]);
	sink->taken_count = 0;
	fim_json_set_str(body, "action", "delivered");
	fim_json_set_str(body, "sink", sink->ops->name);
	fim_json_set(body, "alerts", list);
	record_append_lazy(d, "alert", body);
}

void sinks_record(struct daemon *d)
{
	for (size_t i = 0; i < d->sinks.count; i++)
		if (d->sinks.sink[i].taken_count)
			record_taken(d, &d->sinks.sink[i]);
}

/* What the journal does not hold, or what nobody has to come for, has no delivery to record. */
static bool is_recorded(const struct daemon *d, const struct alert *alert)
{
	return !d->unrecorded && alert->severity >= FIM_SEVERITY_MEDIUM &&
	       (strcmp(alert->type, "finding") == 0 || strcmp(alert->type, "container") == 0);
}

/* Only the module can see it: to ask audit itself takes the right to switch it off. */
static bool is_audit_off(struct daemon *d)
{
	struct fim_info info;

	return d->source.ops && !d->source.ops->info(&d->source, &info) &&
	       info.audit == FIM_AUDIT_OFF;
}

void sinks_poll(struct daemon *d)
{
	for (size_t i = 0; i < d->sinks.count; i++) {
		struct sink *sink = &d->sinks.sink[i];
		bool was_off = sink->off;

		if (sink->ops != &sink_audit)
			continue;
		sink->off = is_audit_off(d);
		if (sink->off && !was_off)
			sink_failed(d, sink, -ESHUTDOWN);
		else if (!sink->off && was_off && sink->health->failing)
			say_up(d, sink->health, "gets alerts again");
	}
}

/* What is dropped is taken with thanks. */
static int sink_send(struct daemon *d, struct sink *sink, const struct alert *alert)
{
	int err = sink->ops->send(sink, alert);

	if (sink->ops != &sink_audit || err)
		return err;
	sink->off = is_audit_off(d);
	return sink->off ? -ESHUTDOWN : 0;
}

void sinks_send(struct daemon *d, const struct alert *alert)
{
	bool recorded = is_recorded(d, alert);

	for (size_t i = 0; i < d->sinks.count; i++) {
		struct sink *sink = &d->sinks.sink[i];
		int err = sink_send(d, sink, alert);

		if (err == SINK_NOT_MINE)
			continue;
		if (err) {
			sink_failed(d, sink, err);
			continue;
		}
		sink->sent++;
		if (recorded) {
			sink->taken[sink->taken_count++] = alert->seq;
			if (sink->taken_count == SINK_TAKEN_MAX)
				record_taken(d, sink);
		}
		if (sink->health->failing)
			say_up(d, sink->health, "gets alerts again");
	}
}

void sinks_close(struct daemon *d)
{
	for (size_t i = 0; i < d->sinks.count; i++)
		d->sinks.sink[i].ops->close(&d->sinks.sink[i]);
	d->sinks.count = 0;
}

/* ------------------------------------------------------------------ other processes */

static bool is_name(const char *name)
{
	return name && *name && strlen(name) < SINK_NAME && !is_ours(name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

const char *sinks_outlet(struct daemon *d, const struct fim_json *request)
{
	const char *name = fim_json_get_str(request, "sink");
	const char *cause = fim_json_get_str(request, "cause");
	int64_t lost = fim_json_get_int(request, "lost", 0);
	struct outlet *outlet = is_name(name) ? outlet_find(&d->sinks, name) : NULL;
	bool failing = fim_json_get_bool(request, "failing", false), failed;

	if (!outlet)
		return "sink: a name is needed that is not one of ours, and there are at most 4";
	failed = outlet->health->failing;
	outlet->told_ns = fim_time_now();
	outlet->sent += (uint64_t)fim_json_get_int(request, "sent", 0);
	if (lost > 0)
		control_say(d,
			    &(struct control){.component = COMPONENT_SINK,
					      .state = CONTROL_LOSS,
					      .sink = outlet->health,
					      .lost = (uint64_t)lost},
			    "records were removed from the journal before %s had them", name);
	if (failing && !failed)
		say_failing(d, outlet->health, cause ? cause : "?");
	else if (!failing && (failed || lost > 0))
		say_up(d, outlet->health, "gets alerts again");
	return NULL;
}

struct fim_json *sinks_status(const struct daemon *d)
{
	struct fim_json *list = fim_json_array(), *one;
	char time[FIM_TIME_SIZE];

	for (size_t i = 0; i < d->sinks.count; i++) {
		const struct sink *sink = &d->sinks.sink[i];

		one = fim_json_object();
		fim_json_set_str(one, "name", sink->ops->name);
		fim_json_set_str(one, "state", sink->health->failing ? "failing" : "up");
		fim_json_set_int(one, "sent", (int64_t)sink->sent);
		fim_json_set_int(one, "failed", (int64_t)sink->failed);
		fim_json_append(list, one);
	}
	for (size_t i = 0; i < d->sinks.outlet_count; i++) {
		const struct outlet *outlet = &d->sinks.outlets[i];

		one = fim_json_object();
		fim_json_set_str(one, "name", outlet->health->name);
		fim_json_set_str(one, "state", outlet->health->failing ? "failing" : "up");
		fim_json_set_int(one, "sent", (int64_t)outlet->sent);
		if (outlet->told_ns) {
			fim_time_format(outlet->told_ns, time);
			fim_json_set_str(one, "told", time);
		}
		fim_json_append(list, one);
	}
	return list;
}
