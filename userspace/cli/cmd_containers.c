/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim containers: which containers there are, and what power they have.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"
#include "containers.h"

#define COLUMNS	  6
#define WATCH_GAP 200000 /* microseconds: several events of one container */

#define USAGE                                                                             \
	"usage: ecs-fim containers [--all] [--json] [--watch] [--docker-socket SOCKET]\n" \
	"                          [--ecs-agent URL] [--exceptions FILE]\n"

static const char help[] = USAGE
	"\n"
	"Asks the Docker engine for its containers and judges the settings that each one runs\n"
	"with: not its task definition, but what the engine was told. Then asks the kernel, and\n"
	"flags what is stronger than Docker says, and containers that Docker does not know:\n"
	"made by containerd, Podman or runc (as root only: others see no foreign namespaces).\n"
	"\n"
	"  --all                    stopped containers too\n"
	"  --json                   one JSON object per container, with the evidence\n"
	"  --watch                  go on: print whatever starts, ends or changes, until ^C\n"
	"  --docker-socket SOCKET   default: from the configuration; '' for no Docker\n"
	"  --ecs-agent URL          where the ECS agent confirms or refutes the labels of a\n"
	"                           task; default " FIM_ECS_AGENT ", '' for nobody\n"
	"  --exceptions FILE        containers that may have the power they have; default: from\n"
	"                           the configuration\n"
	"\n"
	"PRIVILEGED: \"yes\" was started so; \"in effect\" can become root on the host by its\n"
	"settings, e.g. a Docker socket; \"no\" cannot, as far as settings and kernel show.\n"
	"A container is flagged if it has power over the host or a setting rated high or\n"
	"critical, and no exception covers it. Lower settings (user root, writable root file\n"
	"system, no-new-privileges missing) are in the list, but do not flag a container.\n"
	"\n"
	"exit status: 0 none is flagged, 3 some are, 1 error (also: one could not be\n"
	"inspected, or Docker does not answer: only what the kernel shows is listed then),\n"
	"2 wrong usage\n"
	"\n"
	"  ecs-fim containers\n"
	"  ecs-fim containers --json | jq -r 'select(.flagged) | .name'\n"
	"  ecs-fim containers --watch --json | jq -r 'select(.flagged) | [.change, .name]'\n";

/* ---- for people */

static const char *privileged_text(const struct fim_container *container)
{
	if (container->privileged)
		return "yes";
	return container->effectively_privileged ? "in effect" : "no";
}

/* FAMILY:REVISION, or the task's id, or nothing; marked if it is not to be believed. */
static char *task_text(const struct fim_container *container)
{
	const char *slash = strrchr(container->task_arn, '/');
	bool refuted = container->task_check && strcmp(container->task_check, "refuted") == 0;
	char *text;

	if (asprintf(&text, "%s%s%s%s",
		     *container->family ? container->family
		     : slash		? slash + 1
					: "-",
		     *container->family ? ":" : "", *container->family ? container->revision : "",
		     refuted ? " (forged)" : "") < 0)
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

/* The cells of a row, escaped; false: out of memory. */
static bool row_make(const struct fim_container *container, char *cells[COLUMNS])
{
	char *raw[COLUMNS] = {strdup(container->name),
			      strdup(*container->image ? container->image : "-"),
			      strdup(container->engine),
			      task_text(container),
			      strdup(privileged_text(container)),
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
	if (container->excepted) {
		char until[FIM_TIME_SIZE];

		fim_time_format(container->expires_ns, until);
		printf("  excepted until %.10s by ", until);
		cli_put_escaped(stdout, container->owner);
		fputs(": ", stdout);
		cli_put_escaped(stdout, container->reason);
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
	static char *const head[COLUMNS] = {(char *)"NAME", (char *)"IMAGE",	  (char *)"ENGINE",
					    (char *)"TASK", (char *)"PRIVILEGED", (char *)"FLAGS"};
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

/* ---- --watch */

/* Readable once the user wants to end it. */
static int signals_open(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

static bool is_interrupted(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

static int put_change(const char *change, const struct fim_container *container, bool json)
{
	bool bad = fim_container_is_flagged(container);
	struct fim_json *object;
	char time[FIM_TIME_SIZE];
	char *flags, *name;

	fim_time_format(fim_time_now(), time);
	if (json) {
		object = fim_container_to_json(container);
		fim_json_set_str(object, "change", change);
		fim_json_set_str(object, "time", time);
		return cli_put_json(stdout, object);
	}
	flags = flags_text(container);
	name = fim_escape(container->name, strlen(container->name));
	printf("%.19sZ  %s%-8s%s %.12s %s (%s): privileged: %s; %s\n", time,
	       bad ? cli_colour(stdout, CLI_RED) : "", bad ? "FLAGGED" : change,
	       bad ? cli_colour(stdout, CLI_PLAIN) : "", container->id, name ? name : "?", change,
	       privileged_text(container), flags ? flags : "?");
	put_evidence(container);
	free(flags);
	free(name);
	return 0;
}

/* What is in @now and was not so in @before, and what is gone. */
static int put_changes(const struct inventory *before, const struct inventory *now, bool json)
{
	int err = 0;

	for (size_t i = 0; i < now->count && !err; i++) {
		const struct fim_container *old = inventory_find(before, now->containers[i]->id);

		if (!old)
			err = put_change("added", now->containers[i], json);
		else if (!inventory_same(old, now->containers[i]))
			err = put_change("changed", now->containers[i], json);
	}
	for (size_t i = 0; i < before->count && !err; i++)
		if (!inventory_find(now, before->containers[i]->id))
			err = put_change("gone", before->containers[i], json);
	fflush(stdout);
	return err;
}

static bool has_flagged(const struct inventory *inventory)
{
	return inventory->count && fim_container_is_flagged(inventory->containers[0]);
}

static int watch(const struct inventory_source *source, bool json)
{
	struct inventory before = {.containers = NULL};
	bool flagged = false, down = false;
	int signal_fd = signals_open();
	int err = 0;

	while (!err && !is_interrupted(signal_fd)) {
		struct inventory now = {.containers = NULL};

		if (inventory_take(&now, source)) {
			if (!down)
				cli_error("no answer from the engine: waiting for it");
			down = true;
			inventory_clear(&now);
			inventory_wait(NULL, signal_fd);
			continue;
		}
		down = false;
		inventory_sort(&now);
		err = put_changes(&before, &now, json);
		flagged |= has_flagged(&now);
		inventory_clear(&before);
		before = now;
		inventory_wait(source, signal_fd);
		usleep(WATCH_GAP);
	}
	inventory_clear(&before);
	close(signal_fd);
	return err ? FIM_EXIT_ERROR : flagged ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

static int list(const struct inventory_source *source, bool json)
{
	struct inventory inventory = {.containers = NULL};
	int status, taken = inventory_take(&inventory, source);
	int err;

	/* An engine that is not there hides nothing that the kernel shows. */
	inventory_sort(&inventory);
	err = json ? put_json(&inventory) : put_table(&inventory);
	if (!err)
		err = taken;
	status = cli_exit(err);
	if (!err && inventory.failed)
		status = FIM_EXIT_ERROR;
	else if (!err && has_flagged(&inventory))
		status = FIM_EXIT_FINDINGS;
	inventory_clear(&inventory);
	return status;
}

/* What was not given on the command line. */
static int defaults(struct inventory_source *source, struct fim_config **config_ret,
		    const char *exceptions)
{
	int err = 0;

	if (!source->socket || !exceptions)
		err = fim_config_load(NULL, config_ret);
	if (!err && !source->socket)
		source->socket = (*config_ret)->docker_socket;
	if (!err)
		err = fim_exceptions_load(exceptions ? exceptions : (*config_ret)->exceptions,
					  &source->exceptions);
	return err;
}

int cmd_containers(int argc, char **argv)
{
	struct inventory_source source = {.agent = FIM_ECS_AGENT};
	bool json = false, watching = false;
	struct fim_config *config = NULL;
	const char *exceptions = NULL;
	int status = FIM_EXIT_ERROR;
	const struct cli_option options[] = {
		{"all", 'a', .flag = &source.all},
		{"json", .flag = &json},
		{"watch", .flag = &watching},
		{"docker-socket", .text = &source.socket},
		{"ecs-agent", .text = &source.agent},
		{"exceptions", .text = &exceptions},
		{0},
	};

	if (!cli_take_options(argc, argv, USAGE, help, options, &status))
		return status;
	if (argv[optind])
		return cli_usage_error(USAGE, "containers: %s: not expected", argv[optind]);
	if (!defaults(&source, &config, exceptions))
		status = watching ? watch(&source, json) : list(&source, json);
	fim_exceptions_free(source.exceptions);
	fim_config_free(config);
	return status;
}
