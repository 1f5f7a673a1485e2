/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers of this host, whoever made them, as "ecs-fim containers" lists them.
 */
#ifndef CONTAINERS_H
#define CONTAINERS_H

#include "libfim.h"

/**
 * struct inventory - what was found
 * @containers: judged; the flagged ones first after inventory_sort()
 * @count: their number
 * @failed: one could not be inspected
 */
struct inventory {
	struct fim_container **containers;
	size_t count;
	bool failed;
};

/**
 * struct inventory_source - who is asked
 * @socket: Docker's; "": there is none
 * @agent: URL of the ECS agent, "": none
 * @exceptions: owned by the caller
 * @all: stopped containers, too
 */
struct inventory_source {
	const char *socket;
	const char *agent;
	struct fim_exceptions *exceptions;
	bool all;
};

int inventory_take(struct inventory *inventory, const struct inventory_source *source);
void inventory_clear(struct inventory *inventory);
void inventory_sort(struct inventory *inventory);
/* NULL: not there. */
const struct fim_container *inventory_find(const struct inventory *inventory, const char *id);
/* True if there is nothing new to tell. */
bool inventory_same(const struct fim_container *a, const struct fim_container *b);
/*
 * Until the engine tells of a container or @signal_fd is readable, but not for long: other
 * engines tell nothing. NULL: a moment.
 */
void inventory_wait(const struct inventory_source *source, int signal_fd);

#endif /* CONTAINERS_H */
