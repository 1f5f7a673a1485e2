/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers that Docker told about: for findings, and as records of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define GONE_KEEP_MS 60000 /* events of a container that is gone may still wait */

static void container_free(struct map_node *node)
{
	struct known_container *known = (struct known_container *)node;

	fim_container_free(known->container);
	free(known->root);
	free(known);
}

const struct fim_container *containers_find(const struct daemon *d, const char *id)
{
	const struct known_container *known = map_find(&d->container_table, id);

	return known ? known->container : NULL;
}

const char *containers_id_of(const struct daemon *d, const char *root)
{
	struct known_container *known = NULL;

	while ((known = map_next(&d->container_table, known)))
		if (strcmp(known->root, root) == 0)
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

static void container_alert(struct daemon *d, const struct fim_container *container,
			    const char *line)
{
	char *flags = flags_text(container);
	char *name = fim_escape(container->name, strlen(container->name));
	char *image = fim_escape(container->image, strlen(container->image));
	char *text = NULL;
	const struct alert_field fields[] = {
		{"op", container->privileged ? "privileged-container" : "powerful-container", true},
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
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	if (asprintf(&text, "%s container: id=%.12s name=%s image=%s flags=%s",
		     container->privileged ? "privileged" : "effectively privileged", container->id,
		     name ? name : "?", image ? image : "?", flags ? flags : "?") < 0)
		text = NULL;
	alert.text = text ? text : "privileged container";
	sinks_send(d, &alert);
	free(text);
	free(flags);
	free(name);
	free(image);
}

static void container_say(struct daemon *d, struct known_container *known, const char *trigger,
			  const struct fim_json *inspect)
{
	struct fim_json *body = fim_json_object();
	char *line = NULL;

	known->said = true;
	fim_json_set_str(body, "trigger", trigger);
	fim_json_set(body, "container", fim_container_to_json(known->container));
	record_append(d, "container", body, &line);
	if (line && (known->container->privileged || known->container->effectively_privileged))
		container_alert(d, known->container, line);
	free(line);
	rules_container(d, known->container, inspect);
}

/* Docker says that it started: it ran, even if it is not running, or not there, any more. */
static bool has_started(const struct engine_news *news)
{
	return news->trigger && strcmp(news->trigger, "start") == 0;
}

/* Takes over @news->container and @news->root. */
static void on_container(struct daemon *d, struct engine_news *news)
{
	struct known_container *known = map_find(&d->container_table, news->container->id);

	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known || map_put(&d->container_table, news->container->id, &known->node)) {
			free(known);
			d->counters.no_memory++;
			return;
		}
	}
	/* Started again, maybe with other settings (docker update). */
	if (known->container && !known->container->running)
		known->said = false;
	fim_container_free(known->container);
	free(known->root);
	known->container = news->container;
	known->root = news->root;
	news->container = NULL;
	news->root = NULL;
	known->listed = true;
	known->gone_ms = 0;
	if (!known->said && (known->container->running || has_started(news)))
		container_say(d, known, news->trigger, news->inspect);
}

static void on_gone(struct daemon *d, const struct engine_news *news)
{
	struct known_container *known = map_find(&d->container_table, news->text);

	/* As it was when it was created. */
	if (known && !known->said && has_started(news))
		container_say(d, known, news->trigger, NULL);
	if (known && !known->gone_ms)
		known->gone_ms = now_ms();
	if (!known) {
		finding_give_up(d, news->text);
		rules_give_up(d, news->text);
	}
}

/* Whoever the list did not name is gone; who is gone for long is forgotten. */
static void on_listed(struct daemon *d)
{
	struct known_container *known = map_next(&d->container_table, NULL);

	while (known) {
		struct known_container *next = map_next(&d->container_table, known);
		char *key = known->node.key;

		if (!known->listed && !known->gone_ms)
			known->gone_ms = now_ms();
		known->listed = false;
		if (known->gone_ms && now_ms() - known->gone_ms > GONE_KEEP_MS) {
			map_del(&d->container_table, &known->node);
			free(key);
			container_free(&known->node);
		}
		known = next;
	}
}

static void on_news(struct daemon *d, struct engine_news *news)
{
	switch (news->what) {
	case ENGINE_UP:
		d->engine_up = true;
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
		on_container(d, news);
		break;
	case ENGINE_GONE:
		on_gone(d, news);
		break;
	case ENGINE_REFUSED:
		control_say(d,
			    &(struct control){.component = COMPONENT_DOCKER, .state = CONTROL_INFO},
			    "container %.64s could not be inspected: its settings are not known",
			    news->text);
		break;
	case ENGINE_ACCESS:
		access_docker(d, news);
		break;
	case ENGINE_LISTED:
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
}
