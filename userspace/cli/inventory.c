/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers there are: Docker's, and those that only the kernel knows.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cli.h"
#include "containers.h"

#define TIMEOUT_MS 10000
#define AGENT_MS   1000
#define WAIT_S	   5
#define LOOK_MS	   500
#define LOOKS_MAX  10

void inventory_clear(struct inventory *inventory)
{
	size_t i;

	for (i = 0; i < inventory->count; i++)
		fim_container_free(inventory->containers[i]);
	free(inventory->containers);
	inventory->containers = NULL;
	inventory->count = 0;
}

/* Flagged first, the rest as Docker lists them: newest first. */
void inventory_sort(struct inventory *inventory)
{
	struct fim_container *container;
	size_t i, at, flagged = 0;

	for (i = 0; i < inventory->count; i++) {
		container = inventory->containers[i];
		if (!fim_container_is_flagged(container))
			continue;
		for (at = i; at > flagged; at--)
			inventory->containers[at] = inventory->containers[at - 1];
		inventory->containers[flagged++] = container;
	}
}

const struct fim_container *inventory_find(const struct inventory *inventory, const char *id)
{
	size_t i;

	for (i = 0; i < inventory->count; i++)
		if (strcmp(inventory->containers[i]->id, id) == 0)
			return inventory->containers[i];
	return NULL;
}

bool inventory_same(const struct fim_container *a, const struct fim_container *b)
{
	size_t i;

	if (a->running != b->running || a->excepted != b->excepted ||
	    strcmp(a->name, b->name) != 0 || a->flag_count != b->flag_count)
		return false;
	for (i = 0; i < a->flag_count; i++)
		if (strcmp(a->flags[i].id, b->flags[i].id) != 0 ||
		    strcmp(a->flags[i].evidence, b->flags[i].evidence) != 0)
			return false;
	return true;
}

/* Takes over @container. */
static int inventory_put(struct inventory *inventory, const struct inventory_source *source,
			 struct fim_container *container)
{
	struct fim_container **containers;
	int err = fim_exceptions_apply(source->exceptions, fim_time_now(), container);

	containers = err ? NULL
			 : realloc(inventory->containers,
				   (inventory->count + 1) * sizeof(struct fim_container *));
	if (!containers) {
		fim_container_free(container);
		return -ENOMEM;
	}
	inventory->containers = containers;
	containers[inventory->count++] = container;
	return 0;
}

/* On a busy host a container runs, for its engine, before its runtime is done. */
static int truth_check(const struct fim_json *inspect, struct fim_container *container)
{
	int err = fim_truth_check(inspect, container);

	for (int i = 0; i < LOOKS_MAX && err == -EAGAIN; i++) {
		usleep(LOOK_MS * 1000);
		err = fim_truth_check(inspect, container);
	}
	return err;
}

static int inventory_add(struct inventory *inventory, const struct inventory_source *source,
			 struct fim_docker *docker, const char *id)
{
	struct fim_container *container = NULL;
	struct fim_json *inspect = NULL;
	int err;

	err = fim_docker_inspect(docker, id, &inspect);
	if (err == -ENOENT)
		return err; /* gone since it was listed */
	if (!err)
		err = fim_container_from_inspect(inspect, &container);
	if (!err)
		err = truth_check(inspect, container);
	if (!err && container->running)
		err = fim_agent_check(source->agent, AGENT_MS, container);
	fim_json_free(inspect);
	if (!err)
		return inventory_put(inventory, source, container);
	fim_container_free(container);
	cli_error("container %s could not be inspected: %s", id, strerror(-err));
	inventory->failed = true;
	return err == -ENOMEM ? err : 0;
}

/* ---- those that Docker did not list */

struct rest {
	struct inventory *inventory;
	const struct inventory_source *source;
	struct fim_docker *docker; /* NULL: there is none */
	struct fim_truth host;
};

static int rest_look(void *ctx, const struct fim_truth *seen)
{
	struct fim_truth again, *truth = &again;
	struct rest *rest = ctx;
	const char *engine = fim_cgroup_engine(seen->cgroup);
	struct fim_container *container;
	char id[FIM_CONTAINER_ID_SIZE];
	bool unknown = false;
	int err;

	/* A runtime that is not done yet has more power than what it will run. */
	again = *seen;
	for (int i = 0; i < LOOKS_MAX && fim_truth_is_starting(&again); i++) {
		usleep(LOOK_MS * 1000);
		if (fim_truth_read(seen->pid, &again) || again.start_ticks != seen->start_ticks)
			return 0;
	}
	if (fim_cgroup_container_id(truth->cgroup, id)) {
		if (inventory_find(rest->inventory, id))
			return 0;
		/* Started since the list was made; or only in Docker's cgroup. */
		unknown = rest->docker && engine && strcmp(engine, "docker") == 0;
		err = unknown ? inventory_add(rest->inventory, rest->source, rest->docker, id)
			      : -ENOENT;
		if (err != -ENOENT)
			return err;
	}
	err = fim_container_outside(truth, &rest->host, &container);
	if (err)
		return err;
	if (unknown && fim_container_disown(container, truth)) {
		fim_container_free(container);
		return -ENOMEM;
	}
	return inventory_put(rest->inventory, rest->source, container);
}

static int dockers_take(struct inventory *inventory, const struct inventory_source *source,
			struct fim_docker *docker)
{
	struct fim_json *list = NULL;
	const char *id;
	size_t i;
	int err = fim_docker_list(docker, source->all, &list);

	for (i = 0; !err && i < fim_json_count(list); i++) {
		id = fim_json_get_str(fim_json_index(list, i), "Id");
		if (id)
			err = inventory_add(inventory, source, docker, id);
		else
			inventory->failed = true;
		if (err == -ENOENT)
			err = 0;
	}
	fim_json_free(list);
	return err;
}

int inventory_take(struct inventory *inventory, const struct inventory_source *source)
{
	struct rest rest = {.inventory = inventory, .source = source};
	int down = 0, err = 0;

	if (*source->socket)
		down = fim_docker_open(source->socket, TIMEOUT_MS, &rest.docker);
	if (rest.docker)
		err = dockers_take(inventory, source, rest.docker);
	/* Whoever may not look at process 1 sees no namespaces at all. */
	if (!err && !fim_truth_read(1, &rest.host) && rest.host.ns[FIM_NS_MNT])
		err = fim_truth_each(rest_look, &rest);
	fim_docker_close(rest.docker);
	return err ? err : down;
}

/* ---- --watch */

static int on_event(void *ctx, const struct fim_json *event)
{
	static const char *const telling[] = {"start", "die", "destroy", "update", "rename"};
	const char *type = fim_json_get_str(event, "Type");
	const char *action = fim_json_get_str(event, "Action");
	size_t i;

	(void)ctx;
	if (!type || !action || strcmp(type, "container") != 0)
		return 0;
	for (i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
		if (strcmp(action, telling[i]) == 0)
			return -ECANCELED;
	return 0;
}

/* Readable when @signal_fd is or @seconds are over; -1: no descriptors. */
static int alarm_open(int signal_fd, int timer, int seconds)
{
	const struct itimerspec when = {.it_value.tv_sec = seconds};
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -1;
	if (timerfd_settime(timer, 0, &when, NULL) < 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, timer, &event) < 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, signal_fd, &event) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void inventory_wait(const struct inventory_source *source, int signal_fd)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int fd = timer < 0 ? -1 : alarm_open(signal_fd, timer, source ? WAIT_S : 1);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	struct fim_docker *docker = NULL;

	if (source && *source->socket && fd >= 0 &&
	    !fim_docker_open(source->socket, TIMEOUT_MS, &docker))
		fim_docker_events(docker, 0, on_event, fd, NULL);
	else
		poll(&poll_fd, 1, WAIT_S * 1000);
	fim_docker_close(docker);
	if (fd >= 0)
		close(fd);
	if (timer >= 0)
		close(timer);
}
