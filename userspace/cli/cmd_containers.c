/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim containers: which containers there are, and what power they have.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define TIMEOUT_MS 10000
#define COLUMNS	   5

#define USAGE "usage: ecs-fim containers [--all] [--json] [--docker-socket SOCKET]\n"

static const char help[] = USAGE
	"\n"
	"Asks the Docker engine for its containers and judges the settings that each one runs\n"
	"with: not its task definition, but what the engine was told.\n"
	"\n"
	"  --all                    stopped containers too\n"
	"  --json                   one JSON object per container, with the evidence\n"
	"  --docker-socket SOCKET   default: from the configuration\n"
	"\n"
	"PRIVILEGED: \"yes\" was started so; \"in effect\" can become root on the host by its\n"
	"settings, e.g. a Docker socket; \"no\" cannot, as far as settings show.\n"
	"A container is flagged if it has power over the host or a setting rated high or\n"
	"critical. Settings rated low or info (user root, writable root file system,\n"
	"no-new-privileges missing) are in the list, but do not flag a container.\n"
	"Containers that were made without Docker are not seen here.\n"
	"\n"
	"exit status: 0 none is flagged, 3 some are, 1 error (also: one could not be\n"
	"inspected), 2 wrong usage\n"
	"\n"
	"  ecs-fim containers\n"
	"  ecs-fim containers --json | jq -r 'select(.flagged) | .name'\n";

/**
 * struct inventory - what was found
 * @containers: inspected
 * @count: their number
 * @failed: one could not be inspected
 */
struct inventory {
	struct fim_container **containers;
	size_t count;
	bool failed;
};

static void inventory_clear(struct inventory *inventory)
{
	size_t i;

	for (i = 0; i < inventory->count; i++)
		fim_container_free(inventory->containers[i]);
	free(inventory->containers);
}

/* Flagged first, the rest as Docker lists them: newest first. */
static void inventory_sort(struct inventory *inventory)
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

static int inventory_add(struct inventory *inventory, struct fim_docker *docker, const char *id)
{
	struct fim_container **containers, *container;
	struct fim_json *inspect = NULL;
	int err;

	err = fim_docker_inspect(docker, id, &inspect);
	if (err == -ENOENT)
		return 0; /* gone since it was listed */
	if (!err)
		err = fim_container_from_inspect(inspect, &container);
	fim_json_free(inspect);
	if (err) {
		cli_error("container %s could not be inspected: %s", id, strerror(-err));
		inventory->failed = true;
		return err == -ENOMEM ? err : 0;
	}
	containers = realloc(inventory->containers,
			     (inventory->count + 1) * sizeof(struct fim_container *));
	if (!containers) {
		fim_container_free(container);
		return -ENOMEM;
	}
	inventory->containers = containers;
	containers[inventory->count++] = container;
	return 0;
}

static int inventory_take(struct inventory *inventory, const char *socket, bool all)
{
	struct fim_docker *docker = NULL;
	struct fim_json *list = NULL;
	const char *id;
	size_t i;
	int err;

	err = fim_docker_open(socket, TIMEOUT_MS, &docker);
	if (!err)
		err = fim_docker_list(docker, all, &list);
	for (i = 0; !err && i < fim_json_count(list); i++) {
		id = fim_json_get_str(fim_json_index(list, i), "Id");
		if (id)
			err = inventory_add(inventory, docker, id);
		else
			inventory->failed = true;
	}
	fim_json_free(list);
	fim_docker_close(docker);
	return err;
}

/* ---- for people */

static const char *privileged_text(const struct fim_container *container)
{
	if (container->privileged)
		return "yes";
	return container->effectively_privileged ? "in effect" : "no";
}

/* FAMILY:REVISION, or the task's id, or nothing. */
static char *task_text(const struct fim_container *container)
{
	const char *slash = strrchr(container->task_arn, '/');
	char *text;

	if (!*container->family)
		return strdup(slash ? slash + 1 : "-");
	if (asprintf(&text, "%s:%s", container->family, container->revision) < 0)
		return NULL;
	return text;
}

/* Each id once, "-" if there is none. */
static char *flags_text(const struct fim_container *container)
{
	const struct fim_flag *flags = container->flags;
	char *text = NULL;
	size_t i, k, len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (i = 0; i < container->flag_count; i++) {
		for (k = 0; k < i && strcmp(flags[k].id, flags[i].id) != 0; k++)
			;
		if (k == i)
			fprintf(out, "%s%s", i ? ", " : "", flags[i].id);
	}
	if (!container->flag_count)
		fputc('-', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* The five cells of a row, escaped; false: out of memory. */
static bool row_make(const struct fim_container *container, char *cells[COLUMNS])
{
	char *raw[COLUMNS] = {strdup(container->name), strdup(container->image),
			      task_text(container), strdup(privileged_text(container)),
			      flags_text(container)};
	bool good = true;
	size_t c;

	for (c = 0; c < COLUMNS; c++) {
		cells[c] = raw[c] ? fim_escape(raw[c], strlen(raw[c])) : NULL;
		good &= cells[c] != NULL;
		free(raw[c]);
	}
	return good;
}

static size_t width(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static void put_evidence(const struct fim_container *container)
{
	size_t i;

	for (i = 0; i < container->flag_count; i++) {
		if (container->flags[i].severity < FIM_SEVERITY_HIGH)
			break;
		printf("  %-8s ", fim_severity_name(container->flags[i].severity));
		cli_put_escaped(stdout, container->flags[i].evidence);
		putchar('\n');
	}
}

static void put_row(char *const cells[COLUMNS], const size_t widths[COLUMNS], const char *colour)
{
	size_t c, pad;

	fputs(colour, stdout);
	for (c = 0; c < COLUMNS; c++) {
		fputs(cells[c], stdout);
		for (pad = width(cells[c]); c + 1 < COLUMNS && pad < widths[c] + 2; pad++)
			putchar(' ');
	}
	fputs(*colour ? cli_colour(stdout, CLI_PLAIN) : "", stdout);
	putchar('\n');
}

static int put_table(const struct inventory *inventory)
{
	static char *const head[COLUMNS] = {(char *)"NAME", (char *)"IMAGE", (char *)"TASK",
					    (char *)"PRIVILEGED", (char *)"FLAGS"};
	size_t widths[COLUMNS], i, c, flagged = 0;
	char *(*rows)[COLUMNS];
	int err = 0;

	rows = calloc(inventory->count + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (c = 0; c < COLUMNS; c++)
		widths[c] = strlen(head[c]);
	for (i = 0; i < inventory->count; i++) {
		if (!row_make(inventory->containers[i], rows[i]))
			err = -ENOMEM;
		for (c = 0; !err && c < COLUMNS; c++)
			if (width(rows[i][c]) > widths[c])
				widths[c] = width(rows[i][c]);
	}
	if (!err && inventory->count)
		put_row(head, widths, cli_colour(stdout, CLI_BOLD));
	for (i = 0; !err && i < inventory->count; i++) {
		bool bad = fim_container_is_flagged(inventory->containers[i]);

		flagged += bad;
		put_row(rows[i], widths, bad ? cli_colour(stdout, CLI_RED) : "");
		put_evidence(inventory->containers[i]);
	}
	if (!err)
		printf("%zu container%s, %zu flagged\n", inventory->count,
		       inventory->count == 1 ? "" : "s", flagged);
	for (i = 0; i < inventory->count; i++)
		for (c = 0; c < COLUMNS; c++)
			free(rows[i][c]);
	free(rows);
	return err;
}

static int put_json(const struct inventory *inventory)
{
	struct fim_json *json;
	size_t i;
	int err = 0;

	for (i = 0; i < inventory->count && !err; i++) {
		json = fim_container_to_json(inventory->containers[i]);
		err = cli_put_json(stdout, json);
	}
	return err;
}

static int run(const char *socket, bool all, bool json)
{
	struct inventory inventory = {.containers = NULL};
	struct fim_config *config = NULL;
	int err = 0, status;

	if (!socket) {
		err = fim_config_load(NULL, &config);
		socket = err ? NULL : config->docker_socket;
	}
	if (!err)
		err = inventory_take(&inventory, socket, all);
	inventory_sort(&inventory);
	if (!err)
		err = json ? put_json(&inventory) : put_table(&inventory);
	status = cli_exit(err);
	if (!err && inventory.failed)
		status = FIM_EXIT_ERROR;
	else if (!err && inventory.count && fim_container_is_flagged(inventory.containers[0]))
		status = FIM_EXIT_FINDINGS;
	inventory_clear(&inventory);
	fim_config_free(config);
	return status;
}

int cmd_containers(int argc, char **argv)
{
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{"docker-socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool all = false, json = false;
	const char *socket = NULL;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":ah", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			all = true;
			break;
		case 'j':
			json = true;
			break;
		case 's':
			socket = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return FIM_EXIT_CLEAN;
		default:
			return cli_option_error(USAGE, opt, argv);
		}
	}
	if (argv[optind])
		return cli_usage_error(USAGE, "containers: %s: not expected", argv[optind]);
	return run(socket, all, json);
}
