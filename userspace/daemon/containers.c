/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers that Docker told about: for findings, and as records of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define GONE_KEEP_MS   60000 /* events of a container that is gone may still wait */
#define IDENTITIES_MAX 4096

static void container_free(struct map_node *node)
{
	struct known_container *known = (struct known_container *)node;

	fim_container_free(known->container);
	free(known->root);
	free(known->started);
	free(known->cgroup);
	free(known);
}

const struct fim_container *containers_find(const struct daemon *d, const char *id)
{
	const struct known_container *known = map_find(&d->container_table, id);

	return known ? known->container : NULL;
}

/* Docker was asked who it is, and does not let look into it yet. */
struct identity {
	struct map_node node; /* id */
	struct fim_container *container;
	int64_t gone_ms; /* when it was no longer there; 0: it is */
};

static void identity_free(struct map_node *node)
{
	struct identity *identity = (struct identity *)node;

	fim_container_free(identity->container);
	free(identity);
}

static void identity_drop(struct daemon *d, const char *id)
{
	struct identity *identity = map_find(&d->identity_table, id);
	char *key = identity ? identity->node.key : NULL;

	if (!identity)
		return;
	map_del(&d->identity_table, &identity->node);
	free(key);
	identity_free(&identity->node);
}

static void identity_gone(struct daemon *d, const char *id)
{
	struct identity *identity = map_find(&d->identity_table, id);

	if (identity && !identity->gone_ms)
		identity->gone_ms = now_ms();
}

/* Takes over @news->container. */
static void on_identity(struct daemon *d, struct engine_news *news)
{
	const char *id = news->container->id;
	struct identity *identity;

	identity_drop(d, id);
	if (containers_find(d, id))
		return;
	if (d->identity_table.count >= IDENTITIES_MAX)
		map_clear(&d->identity_table, identity_free);
	identity = calloc(1, sizeof(*identity));
	if (!identity || map_put(&d->identity_table, id, &identity->node)) {
		free(identity);
		d->counters.no_memory++;
		return;
	}
	identity->container = news->container;
	news->container = NULL;
}

const struct fim_container *containers_identify(const struct daemon *d, const char *id)
{
	const struct fim_container *container = containers_find(d, id);
	const struct identity *identity = container ? NULL : map_find(&d->identity_table, id);

	return identity ? identity->container : container;
}

const char *containers_id_of(const struct daemon *d, const char *root)
{
	struct known_container *known = NULL;

	while ((known = map_next(&d->container_table, known)))
		if (known->root && strcmp(known->root, root) == 0)
			return known->container->id;
	return NULL;
}

const char *containers_id_of_ns(const struct daemon *d, uint64_t mnt_ns, const char *cgroup)
{
	struct known_container *known = NULL;

	while (d->outsider_count && mnt_ns && (known = map_next(&d->container_table, known)))
		if (known->mnt_ns == mnt_ns && fim_path_is_in(cgroup, known->cgroup))
			return known->container->id;
	return NULL;
}

static char *flags_text(const struct fim_container *container)
{
	char *text = strdup("");

	for (size_t i = 0; i < container->flag_count && text; i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", text, i ? "," : "", container->flags[i].id) < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

/* Why a container alarms: the operation of the audit record, and words for people. */
struct alarm {
	const char *op;
	const char *words;
};

static const struct alarm *alarm_of(const struct fim_container *container)
{
	static const struct alarm alarms[] = {
		{"privileged-container", "privileged container"},
		{"unknown-container", "container unknown to its engine"},
		{"stronger-container", "container stronger than its engine says"},
		{"powerful-container", "effectively privileged container"},
	};

	if (container->excepted)
		return NULL;
	if (container->privileged)
		return &alarms[0];
	if (fim_container_is_disowned(container))
		return &alarms[1];
	if (strcmp(container->engine, "docker") == 0 && fim_container_is_stronger(container))
		return &alarms[2];
	return container->effectively_privileged ? &alarms[3] : NULL;
}

static void container_alert(struct daemon *d, const struct fim_container *container,
			    const char *line)
{
	char *flags = flags_text(container);
	char *name = fim_escape(container->name, strlen(container->name));
	char *image = fim_escape(container->image, strlen(container->image));
	const struct alarm *alarm = alarm_of(container);
	char *text = NULL;
	const struct alert_field fields[] = {
		{"op", alarm->op, true},
		{"container", container->id, true},
		{"container_name", container->name, false},
		{"image", container->image, false},
		{"task_arn", container->task_arn, false},
		{"flags", flags, true},
	};
	struct alert alert = {
		.type = "container",
		.severity = container->flag_count ? container->flags[0].severity
						  : FIM_SEVERITY_CRITICAL,
		.failed = true,
		.line = line,
		.seq = d->journal_seq,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	if (asprintf(&text, "%s: id=%.12s name=%s image=%s flags=%s", alarm->words, container->id,
		     name ? name : "?", image ? image : "?", flags ? flags : "?") < 0)
		text = NULL;
	alert.text = text ? text : alarm->words;
	sinks_send(d, &alert);
	free(text);
	free(flags);
	free(name);
	free(image);
}

void containers_load_exceptions(struct daemon *d)
{
	struct fim_exceptions *fresh;

	if (fim_exceptions_load(d->config->exceptions, &fresh)) {
		control_set(d, COMPONENT_DOCKER, CONTROL_INFO, "%s is refused: %s",
			    d->config->exceptions,
			    d->exceptions ? "the exceptions read before stay"
					  : "no container is excepted");
		return;
	}
	fim_exceptions_free(d->exceptions);
	d->exceptions = fresh;
}

static void container_say(struct daemon *d, struct known_container *known, const char *trigger,
			  const struct fim_json *inspect)
{
	struct fim_json *body = fim_json_object();
	char *line = NULL;

	fim_exceptions_apply(d->exceptions, fim_time_now(), known->container);

	known->said = true;
	fim_json_set_str(body, "trigger", trigger);
	fim_json_set(body, "container", fim_container_to_json(known->container));
	record_append(d, "container", body, &line);
	if (line && alarm_of(known->container))
		container_alert(d, known->container, line);
	free(line);
	rules_container(d, known->container, inspect);
}

/* What it may do is not what was told: an update, or the agent or the kernel said something new. */
static bool is_news(const struct fim_container *old, const struct fim_container *fresh)
{
	if (old->flag_count != fresh->flag_count)
		return true;
	for (size_t i = 0; i < old->flag_count; i++)
		if (strcmp(old->flags[i].id, fresh->flags[i].id) != 0 ||
		    strcmp(old->flags[i].evidence, fresh->flags[i].evidence) != 0)
			return true;
	return false;
}

bool container_has_started(const struct engine_news *news)
{
	return news->trigger && strcmp(news->trigger, "start") == 0;
}

/* One that nobody here knows: said once, not for each container. */
static void check_driver(struct daemon *d, const struct fim_json *inspect)
{
	const char *driver = fim_json_str(fim_json_at(inspect, "GraphDriver/Name"));

	if (!driver || d->driver_said || plain_is_known_driver(driver))
		return;
	d->driver_said = true;
	control_set(d, COMPONENT_WATCH, CONTROL_INFO,
		    "containers' own files are not watched where Docker's storage driver is %.64s",
		    driver);
}

static void outsider_end(struct daemon *d, struct known_container *known)
{
	d->outsider_count -= known->mnt_ns != 0;
	free(known->cgroup);
	known->cgroup = NULL;
	known->mnt_ns = known->start_ticks = 0;
}

/* When its engine started it. Events tell of it late: that it runs no more is no other run. */
static bool is_other_run(struct known_container *known, const struct fim_json *inspect)
{
	const char *started = fim_json_str(fim_json_at(inspect, "State/StartedAt"));
	bool other = !known->started || strcmp(known->started, started ? started : "") != 0;

	if (other) {
		free(known->started);
		known->started = strdup(started ? started : "");
	}
	return other;
}

/* Takes over @news->container and @news->root. */
static void on_container(struct daemon *d, struct engine_news *news)
{
	struct known_container *known = map_find(&d->container_table, news->container->id);

	identity_drop(d, news->container->id);
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known || map_put(&d->container_table, news->container->id, &known->node)) {
			free(known);
			d->counters.no_memory++;
			return;
		}
	}
	/* Started again, or with other settings (docker update). */
	if (is_other_run(known, news->inspect) || (known->container && news->container->running &&
						   is_news(known->container, news->container)))
		known->said = false;
	fim_container_free(known->container);
	free(known->root);
	known->container = news->container;
	known->root = news->root;
	outsider_end(d, known); /* Docker knows it after all */
	news->container = NULL;
	news->root = NULL;
	known->listed = true;
	known->gone_ms = 0;
	if (!known->said && (known->container->running || container_has_started(news)))
		container_say(d, known, news->trigger, news->inspect);
}

/* ------------------------------------------------------------- outside Docker */

void containers_outsider(struct daemon *d, struct fim_container *container,
			 const struct fim_truth *truth)
{
	struct known_container *known = map_find(&d->container_table, container->id);
	char *cgroup = strdup(truth->cgroup);
	bool fresh = !known;

	if (fresh)
		known = calloc(1, sizeof(*known));
	if (!cgroup || !known ||
	    (fresh && map_put(&d->container_table, container->id, &known->node))) {
		if (fresh)
			free(known);
		free(cgroup);
		fim_container_free(container);
		d->counters.no_memory++;
		return;
	}
	outsider_end(d, known);
	d->outsider_count++;
	fim_container_free(known->container);
	known->container = container;
	known->mnt_ns = truth->ns[FIM_NS_MNT];
	known->start_ticks = truth->start_ticks;
	known->cgroup = cgroup;
	known->listed = true;
	known->gone_ms = 0;
	container_say(d, known, "reconcile", NULL);
}

bool containers_seen(struct daemon *d, const struct fim_truth *truth)
{
	struct known_container *known = NULL;

	while (d->outsider_count && (known = map_next(&d->container_table, known))) {
		if (known->mnt_ns != truth->ns[FIM_NS_MNT] ||
		    known->start_ticks != truth->start_ticks)
			continue;
		known->listed = true;
		known->gone_ms = 0;
		return true;
	}
	return false;
}

static bool is_forgettable(int64_t gone_ms)
{
	return gone_ms && now_ms() - gone_ms > GONE_KEEP_MS;
}

static void containers_forget(struct daemon *d)
{
	struct known_container *known = map_next(&d->container_table, NULL);
	struct identity *identity = map_next(&d->identity_table, NULL);

	while (known) {
		struct known_container *next = map_next(&d->container_table, known);
		char *key = known->node.key;

		if (is_forgettable(known->gone_ms)) {
			outsider_end(d, known);
			map_del(&d->container_table, &known->node);
			free(key);
			container_free(&known->node);
		}
		known = next;
	}
	while (identity) {
		struct identity *next = map_next(&d->identity_table, identity);

		if (is_forgettable(identity->gone_ms))
			identity_drop(d, identity->node.key);
		identity = next;
	}
}

void containers_outsiders_listed(struct daemon *d)
{
	struct known_container *known = NULL;

	while ((known = map_next(&d->container_table, known))) {
		if (!known->mnt_ns)
			continue;
		if (!known->listed && !known->gone_ms)
			known->gone_ms = now_ms();
		known->listed = false;
	}
	containers_forget(d);
}

/* ----------------------------------------------------------------------- news */

static void on_gone(struct daemon *d, const struct engine_news *news)
{
	struct known_container *known = map_find(&d->container_table, news->text);

	/* As it was when it was created. */
	if (known && !known->said && container_has_started(news))
		container_say(d, known, news->trigger, NULL);
	if (known && known->mnt_ns)
		return; /* Docker was asked, and never had it */
	if (known && !known->gone_ms)
		known->gone_ms = now_ms();
	if (!known) {
		/* Another engine's, then: its processes tell what it is. */
		outsiders_denied(d, news->text);
		finding_give_up(d, news->text);
		rules_give_up(d, news->text);
	}
}

/* Whoever the list did not name is gone; who is gone for long is forgotten. */
static void on_listed(struct daemon *d)
{
	struct known_container *known = NULL;

	while ((known = map_next(&d->container_table, known))) {
		if (known->mnt_ns)
			continue;
		if (!known->listed && !known->gone_ms)
			known->gone_ms = now_ms();
		known->listed = false;
	}
	containers_forget(d);
}

static void on_news(struct daemon *d, struct engine_news *news)
{
	switch (news->what) {
	case ENGINE_UP:
		d->engine_up = true;
		d->engine_starting =
			true; /* it tells what it has; until then nobody is an outsider */
		snprintf(d->engine_api, sizeof(d->engine_api), "%s", news->text);
		control_say(d,
			    &(struct control){.component = COMPONENT_DOCKER,
					      .state = CONTROL_UP,
					      .version = d->engine_api},
			    "connected to Docker");
		break;
	case ENGINE_DOWN:
		d->engine_up = false;
		d->engine_starting = false;
		control_set(d, COMPONENT_DOCKER, CONTROL_DOWN, "no connection to Docker at %s: %s",
			    d->config->docker_socket, news->text);
		break;
	case ENGINE_CONTAINER:
		check_driver(d, news->inspect);
		if (news->image)
			plain_add(d, news);
		on_container(d, news);
		break;
	case ENGINE_IDENTITY:
		on_identity(d, news);
		break;
	case ENGINE_GONE:
		identity_gone(d, news->text);
		plain_gone(d, news->text);
		on_gone(d, news);
		break;
	case ENGINE_REFUSED:
		control_say(d,
			    &(struct control){.component = COMPONENT_DOCKER, .state = CONTROL_INFO},
			    "container %.64s could not be inspected: its settings are not known",
			    news->text);
		finding_give_up(d, news->text);
		rules_give_up(d, news->text);
		break;
	case ENGINE_ACCESS:
		access_docker(d, news);
		break;
	case ENGINE_INSTANCE:
		control_say(d,
			    &(struct control){.component = COMPONENT_HOST,
					      .state = CONTROL_INFO,
					      .detail = fim_json_ref(news->inspect)},
			    "the ECS agent says that this host is %s",
			    fim_json_get_str(news->inspect, "container_instance_arn"));
		break;
	case ENGINE_LISTED:
		if (d->engine_starting)
			outsiders_want(d); /* now it is known which are not the engine's */
		d->engine_starting = false;
		on_listed(d);
		break;
	}
}

void containers_handle(struct daemon *d)
{
	struct engine_news *news = engine_take(&d->engine);

	while (news) {
		struct engine_news *next = news->next;

		on_news(d, news);
		engine_news_free(news);
		news = next;
	}
	finding_flush(d, false);
	rules_flush(d, false);
}

void containers_exit(struct daemon *d)
{
	if (d->container_table.slots)
		map_exit(&d->container_table, container_free);
	if (d->identity_table.slots)
		map_exit(&d->identity_table, identity_free);
	fim_exceptions_free(d->exceptions);
}
