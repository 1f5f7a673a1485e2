/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim alerts, ack, close: what became of alerts, and who says so.
 *
 * What a person says is a record of the journal: through the daemon, which alone writes
 * there while it runs, or straight into it when there is no daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define ACK_USAGE                                                                               \
	"usage: ecs-fim ack|close ID… --by NAME --reason TEXT [--ticket T] [--config FILE]\n" \
	"       ecs-fim ack|close --all --by NAME --reason TEXT [--ticket T] [--config FILE]\n"
#define ALERTS_USAGE "usage: ecs-fim alerts [--all] [--json] [--config FILE] [PATH]\n"

static const char ack_help[] = ACK_USAGE
	"\n"
	"Record in the journal that somebody looks after alerts (ack), or that they are done with\n"
	"(close). Until then the daemon reminds of them (realert_s), and the report lists them first.\n"
	"\n"
	"  ID             an alert's number, as \"ecs-fim alerts\" and each alert show it (journal_seq),\n"
	"                 or a range of them: 120-140\n"
	"  --all          every alert that is not acknowledged (not closed) yet\n"
	"  --by NAME      who looks after it; what the kernel knows of you is recorded as well\n"
	"  --reason TEXT  what it was, or what is done about it\n"
	"  --ticket T     where that is tracked\n"
	"  --config FILE  the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"\n"
	"exit status: 0 recorded, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim ack 4711 --by s.ito --reason 'asked mkeller: a test' --ticket OPS-17\n"
	"  ecs-fim close 4711 --by s.ito --reason 'undone, compared: clean'\n";

static const char alerts_help[] = ALERTS_USAGE
	"\n"
	"List the alerts that nobody has closed, those that nobody acknowledged first, the worst first.\n"
	"An alert is a finding, container, access or place record of severity medium or worse.\n"
	"\n"
	"  --all          closed ones too\n"
	"  --json         one JSON object per line\n"
	"  --config FILE  the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"  PATH           journal directory or file; default: from the configuration\n"
	"\n"
	"exit status: 0 all are acknowledged, 3 some are not, 1 error, 2 wrong usage\n";

enum state {
	OPEN,
	ACKNOWLEDGED,
	CLOSED
};

struct item {
	uint64_t seq;
	int64_t time_ns;
	enum fim_severity severity;
	enum state state;
	char *text;
	char *by;
};

struct list {
	struct item *items; /* in the journal's order */
	size_t count;
	size_t room;
	uint64_t last_seq;
};

struct options {
	const char *config;
	const char *by;
	const char *reason;
	const char *ticket;
	bool all;
	bool json;
};

/* --------------------------------------------------------------------- read */

static struct item *find(const struct list *list, uint64_t seq)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (list->items[mid].seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low < list->count && list->items[low].seq == seq ? &list->items[low] : NULL;
}

static int add(struct list *list, const struct fim_line *line, const struct fim_json *record)
{
	struct item item = {.seq = line->seq, .time_ns = line->time_ns};
	struct item *grown;

	if (!fim_alert_of(record, &item.severity))
		return 0;
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 256;
		grown = realloc(list->items, list->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
	}
	item.text = fim_alert_text(record);
	list->items[list->count++] = item;
	return item.text ? 0 : -ENOMEM;
}

static int handle(const struct list *list, const struct fim_json *record)
{
	const char *action = fim_json_get_str(record, "action");
	const char *by = fim_json_get_str(record, "by");
	const struct fim_json *numbers = fim_json_get(record, "alerts");
	bool closed = action && strcmp(action, "closed") == 0;

	if (!closed && (!action || strcmp(action, "acknowledged") != 0))
		return 0;
	for (size_t i = 0; i < fim_json_count(numbers); i++) {
		struct item *item =
			find(list, (uint64_t)fim_json_int(fim_json_index(numbers, i), 0));

		if (!item)
			continue;
		if (closed || item->state == OPEN)
			item->state = closed ? CLOSED : ACKNOWLEDGED;
		if (item->by || !by)
			continue;
		item->by = strdup(by);
		if (!item->by)
			return -ENOMEM;
	}
	return 0;
}

static int on_line(void *ctx, const struct fim_line *line)
{
	static const char *const wanted[] = {"finding", "container", "access", "place", "alert"};
	struct list *list = ctx;
	struct fim_json *record = NULL;
	bool is_wanted = false;
	int err;

	list->last_seq = line->seq;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		is_wanted = is_wanted || strcmp(line->type, wanted[i]) == 0;
	if (!is_wanted)
		return 0;
	err = fim_json_parse(line->text, line->len, "journal", &record);
	if (err)
		return err;
	err = strcmp(line->type, "alert") == 0 ? handle(list, record) : add(list, line, record);
	fim_json_free(record);
	return err;
}

static int list_read(const char *path, struct list *list)
{
	int err = fim_journal_scan(path, on_line, list, NULL);

	if (err == -ENOENT)
		cli_error("%s: there is no journal", path);
	return err;
}

static void list_clear(struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].text);
		free(list->items[i].by);
	}
	free(list->items);
}

/* ------------------------------------------------------------------- alerts */

static const char *const state_names[] =
	{[OPEN] = "open", [ACKNOWLEDGED] = "acknowledged", [CLOSED] = "closed"};

static int by_need(const void *a, const void *b)
{
	const struct item *one = a, *two = b;

	if (one->state != two->state)
		return one->state < two->state ? -1 : 1;
	if (one->severity != two->severity)
		return one->severity > two->severity ? -1 : 1;
	return one->seq < two->seq ? -1 : 1;
}

static void put_item(const struct item *item, bool as_json)
{
	struct fim_json *json;
	char time[FIM_TIME_SIZE];

	fim_time_format(item->time_ns, time);
	if (!as_json) {
		printf("%8" PRIu64 "  %.19sZ  %-8s  %-12s  %s", item->seq, time,
		       fim_severity_name(item->severity), state_names[item->state], item->text);
		fputs(item->by ? "  by " : "", stdout);
		cli_put_escaped(stdout, item->by ? item->by : "");
		putchar('\n');
		return;
	}
	json = fim_json_object();
	fim_json_set_int(json, "id", (int64_t)item->seq);
	fim_json_set_str(json, "time", time);
	fim_json_set_str(json, "severity", fim_severity_name(item->severity));
	fim_json_set_str(json, "state", state_names[item->state]);
	fim_json_set_str(json, "text", item->text);
	fim_json_set_str(json, "by", item->by);
	cli_put_json(stdout, json);
}

static int show(const struct options *options, const char *path)
{
	struct fim_config *config = NULL;
	struct list list = {.items = NULL};
	size_t open = 0;
	int err = fim_config_load(options->config, &config);

	if (!err)
		err = list_read(path ? path : config->journal_dir, &list);
	if (err == -EBADMSG)
		cli_error("the journal is broken (ecs-fim journal verify): what comes after is "
			  "left out");
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), by_need);
	for (size_t i = 0; i < list.count; i++) {
		open += list.items[i].state == OPEN;
		if (options->all || list.items[i].state != CLOSED)
			put_item(&list.items[i], options->json);
	}
	if (!err && !options->json)
		printf("%zu alerts, %zu of them not acknowledged\n", list.count, open);
	list_clear(&list);
	fim_config_free(config);
	return err ? cli_exit(err) : open ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

static bool parse(int argc, char **argv, const char *usage, const char *help,
		  struct options *options, int *status_ret)
{
	const struct cli_option table[] = {
		{"by", .text = &options->by},
		{"reason", .text = &options->reason},
		{"ticket", .text = &options->ticket},
		{"config", .text = &options->config},
		{"all", .flag = &options->all},
		{"json", .flag = &options->json},
		{0},
	};

	return cli_take_options(argc, argv, usage, help, table, status_ret);
}

int cmd_alerts(int argc, char **argv)
{
	struct options options = {.config = NULL};
	int status;

	if (!parse(argc, argv, ALERTS_USAGE, alerts_help, &options, &status))
		return status;
	if (options.by || options.reason || options.ticket || argc - optind > 1)
		return cli_usage_error(ALERTS_USAGE, "alerts: one PATH only, and no other option");
	return show(&options, argv[optind]);
}

/* -------------------------------------------------------------- ack, close */

struct range {
	uint64_t first;
	uint64_t last;
};

static int parse_range(const char *text, struct range *range_ret)
{
	char *end;
	struct range range;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	range.first = range.last = strtoull(text, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		range.last = strtoull(end + 1, &end, 10);
	if (*end || !range.first || range.last < range.first)
		return -EINVAL;
	*range_ret = range;
	return 0;
}

static int alert_body(void *ctx, const struct fim_json *request, struct fim_json *who,
		      const char **error_ret, struct fim_json **body_ret)
{
	const struct list *list = ctx;

	return fim_alert_body(request, list->last_seq, who, error_ret, body_ret);
}

static struct fim_json *request_new(const struct options *options, bool close)
{
	struct fim_json *request = fim_json_object();

	fim_json_set_str(request, "op", "alert");
	fim_json_set_str(request, "action", close ? "closed" : "acknowledged");
	fim_json_set_str(request, "by", options->by);
	fim_json_set_str(request, "reason", options->reason);
	fim_json_set_str(request, "ticket", options->ticket);
	return request;
}

/* Marks what is meant; an error names the number that means nothing. */
static int mark(const struct list *list, char **argv, bool *marked)
{
	struct range range;

	for (; *argv; argv++) {
		size_t found = 0;

		if (parse_range(*argv, &range))
			return cli_usage_error(ACK_USAGE, "\"%s\" is neither a number nor a range",
					       *argv);
		for (size_t i = 0; i < list->count; i++) {
			if (list->items[i].seq < range.first || list->items[i].seq > range.last)
				continue;
			marked[i] = true;
			found++;
		}
		if (!found) {
			cli_error("%s: there is no such alert: \"ecs-fim alerts\" lists them",
				  *argv);
			return FIM_EXIT_ERROR;
		}
	}
	return FIM_EXIT_CLEAN;
}

static int tell(const struct fim_config *config, const struct options *options, struct list *list,
		const bool *marked, bool close)
{
	enum state enough = close ? CLOSED : ACKNOWLEDGED;
	size_t told = 0, at = 0;
	int err = 0;

	while (at < list->count && !err) {
		struct fim_json *request = request_new(options, close);
		struct fim_json *numbers = fim_json_array();
		size_t count = 0;

		for (; at < list->count && count < FIM_ALERTS_PER_RECORD; at++) {
			if (list->items[at].state >= enough || !(options->all || marked[at]))
				continue;
			fim_json_append_int(numbers, (int64_t)list->items[at].seq);
			count++;
		}
		fim_json_set(request, "alerts", numbers);
		if (count)
			err = cli_record(config, request, "alert", alert_body, list);
		err = err > 0 ? 0 : err;
		fim_json_free(request);
		told += err ? 0 : count;
	}
	if (!err)
		printf("%zu alerts %s by ", told, state_names[enough]);
	if (!err)
		cli_put_escaped(stdout, options->by);
	if (!err)
		putchar('\n');
	return cli_exit(err);
}

static int ack(const struct options *options, char **numbers, bool close)
{
	struct fim_config *config = NULL;
	struct list list = {.items = NULL};
	bool *marked = NULL;
	int status = FIM_EXIT_ERROR;

	if (fim_config_load(options->config, &config) || list_read(config->journal_dir, &list))
		goto out;
	marked = calloc(list.count + 1, sizeof(*marked));
	if (!marked)
		goto out;
	status = mark(&list, numbers, marked);
	if (!status)
		status = tell(config, options, &list, marked, close);
out:
	free(marked);
	list_clear(&list);
	fim_config_free(config);
	return status;
}

int cmd_ack(int argc, char **argv)
{
	struct options options = {.config = NULL};
	bool close = strcmp(argv[0], "close") == 0;
	int status;

	if (!parse(argc, argv, ACK_USAGE, ack_help, &options, &status))
		return status;
	if (!options.by || !*options.by || !options.reason || !*options.reason)
		return cli_usage_error(ACK_USAGE, "%s: --by and --reason are needed", argv[0]);
	if (options.json || options.all == (optind < argc))
		return cli_usage_error(ACK_USAGE, "%s: numbers of alerts, or --all", argv[0]);
	return ack(&options, argv + optind, close);
}
