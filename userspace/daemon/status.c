/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status socket: whoever connects gets one JSON object.  Nothing is read from
 * the peer, and a peer that does not read its answer loses it.
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

#define ANSWERS_PER_TURN 8

/* Only our own leftover is removed; somebody's file of that name is not. */
static int status_bind(int fd, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int err = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	mask = umask(0177);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		struct stat st;

		err = -errno;
		if (err == -EADDRINUSE && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		    unlink(path) == 0)
			err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	}
	umask(mask);
	return err;
}

int socket_listen(const char *path, int type, int *fd_ret)
{
	char *copy = strdup(path);
	int fd = -1, err = -ENOMEM;

	if (!copy)
		goto out;
	if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST) {
		err = -errno;
		goto out;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? -errno : status_bind(fd, path);
	if (!err && listen(fd, 16) < 0)
		err = -errno;
out:
	free(copy);
	if (err) {
		fim_log(LOG_ERR, "%s cannot be opened: %s", path, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	*fd_ret = fd;
	return 0;
}

int status_open(struct daemon *d)
{
	return socket_listen(d->config->status_socket, SOCK_STREAM, &d->status_fd);
}

static struct fim_json *source_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "kind", d->source.ops ? d->source.ops->kind : "none");
	fim_json_set_str(json, "state", control_state_name(d->controls[COMPONENT_MODULE]));
	if (d->source.ops && strcmp(d->source.ops->kind, "fanotify") == 0)
		fim_json_set_str(json, "blind", source_fanotify_blind);
	return json;
}

static struct fim_json *baseline_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "digest", fim_baseline_digest(d->baseline));
	fim_json_set_str(json, "key_id", fim_baseline_key_id(d->baseline));
	fim_json_set_int(json, "count", fim_baseline_count(d->baseline));
	fim_json_set_str(json, "created",
			 fim_json_get_str(fim_baseline_header(d->baseline), "created"));
	return json;
}

static struct fim_json *watches_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();
	int64_t host = 0;
	int64_t container = 0;
	int64_t own = 0;

	for (const struct watch *watch = d->watches; watch; watch = watch->next)
		*(watch->tree->container ? &container : watch->own ? &own : &host) += 1;
	fim_json_set_int(json, "host", host);
	fim_json_set_int(json, "container", container);
	fim_json_set_int(json, "own", own);
	return json;
}

static struct fim_json *docker_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();
	const struct known_container *known = NULL;
	int64_t running = 0;
	int64_t privileged = 0;

	while ((known = map_next(&d->container_table, known))) {
		if (!known->container->running || known->gone_ms || known->mnt_ns)
			continue;
		running++;
		privileged += known->container->privileged;
	}
	fim_json_set_str(json, "state",
			 d->config->docker_socket[0]
				 ? control_state_name(d->controls[COMPONENT_DOCKER])
				 : "off");
	fim_json_set_str(json, "api", d->engine_api);
	fim_json_set_int(json, "containers", running);
	fim_json_set_int(json, "privileged", privileged);
	fim_json_set_int(json, "outside", (int64_t)d->outsider_count);
	return json;
}

static struct fim_json *journal_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();
	uint64_t used = 0, max = 0;

	fim_json_set_int(json, "seq", d->journal_seq);
	fim_json_set_str(json, "head", d->journal_head);
	if (d->journal) {
		fim_journal_usage(d->journal, &used, &max);
		fim_json_set_int(json, "bytes", (int64_t)used);
		fim_json_set_int(json, "max_bytes", (int64_t)max);
		fim_json_set_bool(json, "sealed", fim_journal_is_sealed(d->journal));
	}
	fim_json_set_int(json, "unacknowledged", (int64_t)(d->alerts.count + d->alerts.crowded));
	return json;
}

static struct fim_json *controls_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();

	for (int i = 0; i < COMPONENT_COUNT; i++)
		fim_json_set_str(json, component_name(i), control_state_name(d->controls[i]));
	return json;
}

static struct fim_json *module_json(struct daemon *d)
{
	struct fim_json *json = fim_json_object();
	struct fim_info info;

	if (!d->source.ops || d->source.ops->info(&d->source, &info))
		return json;
	fim_json_set_int(json, "abi", info.abi);
	fim_json_set_int(json, "features", info.features);
	fim_json_set_int(json, "ring_size", info.ring_size);
	fim_json_set_int(json, "ring_used", info.ring_used);
	fim_json_set_int(json, "seq", info.seq);
	fim_json_set_int(json, "lost", info.lost);
	fim_json_set_int(json, "events", info.events);
	fim_json_set_int(json, "filtered", info.filtered);
	fim_json_set_int(json, "path_missing", info.path_missing);
	fim_json_set_int(json, "actor_partial", info.actor_partial);
	fim_json_set_int(json, "opener_missed", info.opener_missed);
	fim_json_set_int(json, "session", info.session);
	fim_json_set_int(json, "watches", info.watches);
	fim_json_set_int(json, "marks", info.marks);
	fim_json_set_int(json, "wide", info.wide);
	fim_json_set_int(json, "later_missed", info.later_missed);
	fim_json_set_int(json, "attempts_unsaid", info.attempts_unsaid);
	fim_json_set_bool(json, "armed", info.armed);
	if (info.audit)
		fim_json_set_bool(json, "audit", info.audit == FIM_AUDIT_ON);
	return json;
}

static struct fim_json *counters_json(const struct daemon *d)
{
	const struct counters *c = &d->counters;
	const struct {
		const char *name;
		uint64_t value;
	} table[] = {
		{"bad_records", c->bad_records},
		{"unknown_watch", c->unknown_watch},
		{"outside", c->outside},
		{"excluded", c->excluded},
		{"own", c->own},
		{"unchanged", c->unchanged},
		{"artefacts", c->artefacts},
		{"repeated", c->repeated},
		{"no_memory", c->no_memory},
		{"journal_errors", c->journal_errors},
		{"rule_hits", c->rule_hits},
		{"rule_repeats", c->rule_repeats},
		{"rule_told", c->rule_told},
	};
	struct fim_json *json = fim_json_object();
	char key[64];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		fim_json_set_int(json, table[i].name, table[i].value);
	for (size_t i = 0; i < d->sinks.count; i++) {
		const struct sink *sink = &d->sinks.sink[i];

		snprintf(key, sizeof(key), "sink_%s_sent", sink->ops->name);
		fim_json_set_int(json, key, sink->sent);
		snprintf(key, sizeof(key), "sink_%s_failed", sink->ops->name);
		fim_json_set_int(json, key, sink->failed);
	}
	fim_json_set_int(json, "pending", d->pending.count);
	return json;
}

static struct fim_json *host_json(const struct daemon *d)
{
	struct fim_json *json = fim_json_object();

	host_to_json(&d->host_facts, json);
	return json;
}

static struct fim_json *status_json(struct daemon *d)
{
	struct fim_json *json = fim_json_object();
	char time[FIM_TIME_SIZE];

	fim_time_format(d->started_ns, time);
	fim_json_set_str(json, "version", FIM_VERSION);
	fim_json_set_int(json, "pid", getpid());
	fim_json_set_str(json, "started", time);
	fim_json_set(json, "source", source_json(d));
	fim_json_set(json, "baseline", baseline_json(d));
	fim_json_set(json, "host", host_json(d));
	fim_json_set(json, "watches", watches_json(d));
	fim_json_set_int(json, "events", d->counters.events);
	fim_json_set_int(json, "findings", d->counters.findings);
	fim_json_set_int(json, "lost", d->counters.lost);
	if (d->comparison)
		fim_json_set(json, "last_comparison", fim_json_ref(d->comparison));
	else
		fim_json_set_null(json, "last_comparison");
	fim_json_set(json, "docker", docker_json(d));
	fim_json_set(json, "rules", rules_status(d));
	fim_json_set(json, "journal", journal_json(d));
	fim_json_set(json, "controls", controls_json(d));
	fim_json_set(json, "sinks", sinks_status(d));
	fim_json_set(json, "module", module_json(d));
	fim_json_set(json, "counters", counters_json(d));
	return json;
}

void status_answer(struct daemon *d)
{
	for (int i = 0; i < ANSWERS_PER_TURN; i++) {
		int fd = accept4(d->status_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct fim_json *json;
		char *text;
		size_t len;

		if (fd < 0)
			return;
		json = status_json(d);
		if (!fim_json_dump(json, &text, &len)) {
			text[len] = '\n'; /* in place of the NUL */
			if (send(fd, text, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
				fim_log(LOG_DEBUG, "a status client left");
			free(text);
		}
		fim_json_free(json);
		close(fd);
	}
}

void status_close(struct daemon *d)
{
	if (d->status_fd < 0)
		return;
	close(d->status_fd);
	d->status_fd = -1;
	unlink(d->config->status_socket);
}
