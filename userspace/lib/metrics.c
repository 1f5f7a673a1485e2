/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's status in Prometheus' text format 0.0.4.  Pure.
 *
 * Names are ours and fixed: no file, container or person is in a label, so that there are
 * always the same few series.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib_private.h"

static const struct {
	const char *name;
	const char *type;
	const char *path;
	const char *help;
} metrics[] = {
	{"events_total", "counter", "events", "Events read from the kernel."},
	{"findings_total", "counter", "findings", "Findings recorded."},
	{"events_lost_total", "counter", "lost", "Events lost before they were read."},
	{"host_watches", "gauge", "watches/host", "Watched places of the host."},
	{"container_watches", "gauge", "watches/container", "Watched places of containers."},
	{"baseline_objects", "gauge", "baseline/count", "Objects in the baseline."},
	{"containers", "gauge", "docker/containers", "Running containers."},
	{"privileged_containers", "gauge", "docker/privileged", "Running privileged containers."},
	{"foreign_containers", "gauge", "docker/outside", "Containers that no engine knows."},
	{"rule_hits_total", "counter", "counters/rule_hits", "Hits of rules."},
	{"journal_records_total", "counter", "journal/seq", "Number of the last record."},
	{"journal_bytes", "gauge", "journal/bytes", "Size of the journal."},
	{"journal_max_bytes", "gauge", "journal/max_bytes", "What it may be at most."},
	{"journal_errors_total", "counter", "counters/journal_errors", "Records not written."},
	{"unacknowledged_alerts", "gauge", "journal/unacknowledged",
	 "Alerts that nobody acknowledged."},
	{"pending_paths", "gauge", "counters/pending", "Changes that wait to be looked at."},
	{"comparison_differences", "gauge", "last_comparison/changed",
	 "Changed files that the last comparison found."},
	{"comparison_unreadable", "gauge", "last_comparison/unreadable",
	 "Files that it could not read."},
};

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP ecs_fim_%s %s\n# TYPE ecs_fim_%s %s\n", name, help, name, type);
}

/* In a label value: backslash, quote and newline are escaped; other bytes are ours. */
static void put_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			putc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			putc(*text, out);
	}
}

static int put_control(void *ctx, const char *key, struct fim_json *value)
{
	const char *state = fim_json_str(value);

	/* "unknown": that part is not in use. */
	if (!state || !strcmp(state, "unknown"))
		return 0;
	fputs("ecs_fim_control_up{component=\"", ctx);
	put_label(ctx, key);
	fprintf(ctx, "\"} %d\n", !strcmp(state, "up"));
	return 0;
}

static void put_sinks(const struct fim_json *list, const char *name, const char *key, FILE *out)
{
	for (size_t i = 0; i < fim_json_count(list); i++) {
		const struct fim_json *sink = fim_json_index(list, i);
		const char *label = fim_json_get_str(sink, "name");
		const char *state = fim_json_get_str(sink, "state");

		if (!label || !state || (key && !fim_json_is_int(fim_json_get(sink, key))))
			continue;
		fprintf(out, "ecs_fim_%s{sink=\"", name);
		put_label(out, label);
		fprintf(out, "\"} %" PRId64 "\n",
			key ? fim_json_get_int(sink, key, 0) : (int64_t)!strcmp(state, "up"));
	}
}

static void put_time(FILE *out, const char *name, const char *help, const char *text)
{
	int64_t time_ns;

	if (!text || fim_time_parse(text, &time_ns))
		return;
	put_head(out, name, "gauge", help);
	fprintf(out, "ecs_fim_%s %" PRId64 "\n", name, time_ns / 1000000000);
}

void fim_metrics(const struct fim_json *status, FILE *out)
{
	const struct fim_json *controls = fim_json_get(status, "controls");
	const struct fim_json *sinks = fim_json_get(status, "sinks"), *value;

	put_head(out, "up", "gauge", "Whether the daemon answers.");
	fprintf(out, "ecs_fim_up %d\n", fim_json_is_object(status));
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		value = fim_json_at(status, metrics[i].path);
		if (!fim_json_is_int(value))
			continue;
		put_head(out, metrics[i].name, metrics[i].type, metrics[i].help);
		fprintf(out, "ecs_fim_%s %" PRId64 "\n", metrics[i].name, fim_json_int(value, 0));
	}
	put_time(out, "start_time_seconds", "When the daemon started.",
		 fim_json_get_str(status, "started"));
	put_time(out, "comparison_time_seconds", "When the last comparison ended.",
		 fim_json_str(fim_json_at(status, "last_comparison/end")));
	if (fim_json_is_object(controls)) {
		put_head(out, "control_up", "gauge", "Whether a part of the control works.");
		fim_json_each(controls, put_control, out);
	}
	if (!fim_json_count(sinks))
		return;
	put_head(out, "sink_up", "gauge", "Whether alerts reach a sink.");
	put_sinks(sinks, "sink_up", NULL, out);
	put_head(out, "sink_sent_total", "counter", "Alerts that a sink took.");
	put_sinks(sinks, "sink_sent_total", "sent", out);
	put_head(out, "sink_failed_total", "counter", "Alerts that a sink did not take.");
	put_sinks(sinks, "sink_failed_total", "failed", out);
}
