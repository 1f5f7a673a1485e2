/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names are one file: the first name met of every file that has several.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

struct link {
	uint64_t dev;
	uint64_t ino;
	char *path; /* NULL: free place */
};

struct fim_links {
	struct link *links; /* hash table, linear probing */
	size_t count;
	size_t room; /* a power of two */
};

struct fim_links *fim_links_new(void)
{
	return calloc(1, sizeof(struct fim_links));
}

void fim_links_free(struct fim_links *links)
{
	size_t i;

	if (!links)
		return;
	for (i = 0; i < links->room; i++)
		free(links->links[i].path);
	free(links->links);
	free(links);
}

static struct link *place(struct link *links, size_t room, uint64_t dev, uint64_t ino)
{
	size_t i = (size_t)((ino + dev * 0x9e3779b97f4a7c15u) * 0x9e3779b97f4a7c15u >> 20);

	for (i &= room - 1; links[i].path; i = (i + 1) & (room - 1))
		if (links[i].ino == ino && links[i].dev == dev)
			break;
	return &links[i];
}

static int grow(struct fim_links *links)
{
	size_t i, room = links->room ? 2 * links->room : 256;
	struct link *larger = calloc(room, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	for (i = 0; i < links->room; i++)
		if (links->links[i].path)
			*place(larger, room, links->links[i].dev, links->links[i].ino) =
				links->links[i];
	free(links->links);
	links->links = larger;
	links->room = room;
	return 0;
}

int fim_links_first(struct fim_links *links, const char *path, const struct fim_state *state,
		    const char **first_ret)
{
	struct link *link;

	*first_ret = NULL;
	if (state->type != FIM_TYPE_FILE || state->nlink < 2)
		return 0;
	if (2 * (links->count + 1) > links->room && grow(links))
		return -ENOMEM;
	link = place(links->links, links->room, state->dev, state->ino);
	if (link->path) {
		*first_ret = link->path;
		return 0;
	}
	link->path = strdup(path);
	if (!link->path)
		return -ENOMEM;
	link->dev = state->dev;
	link->ino = state->ino;
	links->count++;
	return 0;
}
