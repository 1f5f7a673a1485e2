/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP: read configuration and rules again.  What is wrong changes nothing, and what
 * cannot be changed while running is named.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

struct changes {
	char *taken;
	char *restart;
	bool sinks;
};

static void add_name(char **list, const char *name)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? ", " : "", name) < 0)
		return;
	free(*list);
	*list = longer;
}

static void on_change(void *ctx, const char *key, bool taken)
{
	struct changes *changes = ctx;

	add_name(taken ? &changes->taken : &changes->restart, key);
	if (taken && (strncmp(key, "sink_", 5) == 0 || strncmp(key, "syslog_", 7) == 0))
		changes->sinks = true;
}

static void reload_config(struct daemon *d)
{
	const char *path = d->config_path ? d->config_path : FIM_CONFIG_PATH;
	struct changes changes = {0};
	struct fim_config *fresh;
	int err = fim_config_load(d->config_path, &fresh);

	if (err) {
		control_set(d, COMPONENT_DAEMON, CONTROL_INFO,
			    "%s is refused, the configuration stays as it is: %s: \"ecs-fimd "
			    "--check\" says why",
			    path, strerror(-err));
		return;
	}
	fim_config_update(d->config, fresh, on_change, &changes);
	fim_config_free(fresh);
	if (changes.sinks) {
		sinks_close(d);
		sinks_open(d);
	}
	control_set(d, COMPONENT_DAEMON, CONTROL_INFO, "%s was read again: changed: %s%s%s", path,
		    changes.taken ? changes.taken : "nothing",
		    changes.restart ? "; needs a restart: " : "",
		    changes.restart ? changes.restart : "");
	free(changes.taken);
	free(changes.restart);
}

void daemon_reload(struct daemon *d)
{
	d->reload = false;
	reload_config(d);
	containers_load_exceptions(d);
	rules_load(d);
	trail_open(d);
}
