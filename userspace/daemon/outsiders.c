/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that Docker did not tell about: made by containerd, Podman or runc, or in
 * Docker's cgroups without Docker knowing.  Found by looking at every process's mount
 * namespace and root: some seconds after something was mounted, a few times more, since
 * its process may come later on a busy host, and now and then.
 *
 * What is known of them stands in the table of containers, beside Docker's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define AFTER_MOUNT_MS 3000 /* a root is mounted before its first process runs */
#define AGAIN_MS       5000 /* for a runtime to be done */
#define EVERY_MS       300000
#define GAP_MS	       1000
#define SUSPECTS_MAX   4096

struct look {
	struct daemon *d;
	struct fim_truth host;
	bool again;
};

/* Docker was asked about it. */
struct suspect {
	struct map_node node; /* id */
	bool denied;	      /* it has no such container */
};

static void suspect_free(struct map_node *node)
{
	free(node);
}

/* Docker may only be slow: what it says counts, not that it says nothing. */
static bool is_denied(struct daemon *d, const char *id)
{
	struct suspect *suspect = map_find(&d->suspects, id);

	if (suspect && suspect->denied)
		return true;
	engine_ask(&d->engine, id);
	if (suspect)
		return false;
	if (d->suspects.count >= SUSPECTS_MAX)
		map_clear(&d->suspects, suspect_free);
	suspect = calloc(1, sizeof(*suspect));
	if (suspect && map_put(&d->suspects, id, &suspect->node))
		free(suspect);
	return false;
}

void outsiders_denied(struct daemon *d, const char *id)
{
	struct suspect *suspect = map_find(&d->suspects, id);

	if (suspect)
		suspect->denied = true;
	outsiders_look(d);
}

static int outsider_add(struct look *look, const struct fim_truth *truth, bool unknown)
{
	struct fim_container *container;
	int err = fim_container_outside(truth, &look->host, &container);

	if (!err && unknown)
		err = fim_container_disown(container, truth);
	if (!err)
		containers_outsider(look->d, container, truth);
	return err;
}

static int outsider_look(void *ctx, const struct fim_truth *truth)
{
	struct look *look = ctx;
	struct daemon *d = look->d;
	const char *engine = fim_cgroup_engine(truth->cgroup);
	bool dockers = engine && strcmp(engine, "docker") == 0;
	char id[FIM_CONTAINER_ID_SIZE];

	if (containers_seen(d, truth))
		return 0;
	if (fim_truth_is_starting(truth)) {
		look->again = true;
		return 0;
	}
	if (fim_cgroup_container_id(truth->cgroup, id)) {
		if (containers_identify(d, id))
			return 0;
		/* Without an answer there is nobody to say that it is not Docker's. */
		if (d->engine_starting || (dockers && !d->engine_up))
			return 0;
		if (d->engine_up && !is_denied(d, id))
			return 0;
	}
	return outsider_add(look, truth, dockers && d->config->docker_socket[0]);
}

void outsiders_want(struct daemon *d)
{
	int64_t at = now_ms() + AFTER_MOUNT_MS;

	d->outsiders_gap_ms = AFTER_MOUNT_MS;
	if (at < d->outsiders_ms)
		d->outsiders_ms = at;
}

void outsiders_look(struct daemon *d)
{
	struct look look = {.d = d};
	int64_t now = now_ms();

	if (now - d->outsiders_last_ms < GAP_MS) {
		if (d->outsiders_ms > d->outsiders_last_ms + GAP_MS)
			d->outsiders_ms = d->outsiders_last_ms + GAP_MS;
		return;
	}
	d->outsiders_last_ms = now;
	d->outsiders_gap_ms = d->outsiders_gap_ms && d->outsiders_gap_ms < EVERY_MS / 2
				      ? d->outsiders_gap_ms * 2
				      : EVERY_MS;
	d->outsiders_ms = now + d->outsiders_gap_ms;
	if (fim_truth_read(1, &look.host) || fim_truth_each(outsider_look, &look))
		fim_log(LOG_WARNING, "not every container outside Docker could be looked for");
	if (look.again)
		d->outsiders_ms = now + AGAIN_MS;
	containers_outsiders_listed(d);
}

void outsiders_poll(struct daemon *d)
{
	if (d->outsiders_ms <= now_ms())
		outsiders_look(d);
}

void outsiders_exit(struct daemon *d)
{
	if (d->suspects.slots)
		map_exit(&d->suspects, suspect_free);
}
