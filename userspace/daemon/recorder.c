/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that writes to the journal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define JOURNAL_RETRY_MS 10000

/* What cannot be recorded is still said to whoever listens; a full journal has room for this. */
static void journal_failed(struct daemon *d, int err)
{
	d->counters.journal_errors++;
	if (d->unrecorded++)
		return;
	d->unrecorded_ns = fim_time_now();
	control_set(d, COMPONENT_JOURNAL, CONTROL_DOWN,
		    "the journal in %s cannot be written: %s: alerts are sent without being "
		    "recorded",
		    d->config->journal_dir, strerror(-err));
}

/* A journal that failed once refuses everything until it was read and opened again. */
static int journal_reopen(struct daemon *d)
{
	struct fim_journal_params params;
	int64_t now = now_ms();

	if (now < d->journal_retry_ms)
		return -EAGAIN;
	d->journal_retry_ms = now + JOURNAL_RETRY_MS;
	fim_journal_close(d->journal);
	d->journal = NULL;
	fim_config_journal(d->config, &params);
	return fim_journal_open(&params, &d->journal);
}

/* It can be written again: say what it does not hold. */
static void journal_recovered(struct daemon *d)
{
	struct control control = {
		.component = COMPONENT_JOURNAL,
		.state = CONTROL_LOSS,
		.lost = d->unrecorded,
		.since_ns = d->unrecorded_ns,
	};

	d->unrecorded = 0;
	control_say(d, &control,
		    "the journal could not be written: alerts were sent that are not in it");
	control_set(d, COMPONENT_JOURNAL, CONTROL_UP, "the journal is written again");
}

/* Before it is full there is time to do something about it. */
static void check_room(struct daemon *d)
{
	uint64_t used, max;
	bool tight;

	fim_journal_usage(d->journal, &used, &max);
	tight = used > max / 10 * 9;
	if (tight == (d->controls[COMPONENT_JOURNAL] == CONTROL_DEGRADED))
		return;
	if (tight)
		control_set(d, COMPONENT_JOURNAL, CONTROL_DEGRADED,
			    "%llu of %llu MiB are used; then: %s", (unsigned long long)(used >> 20),
			    (unsigned long long)(max >> 20),
			    strcmp(d->config->journal_full, "stop") == 0
				    ? "findings are sent, but not recorded any more"
				    : "the oldest records are removed");
	else
		control_set(d, COMPONENT_JOURNAL, CONTROL_UP, "there is room again");
}

static void check_removed(struct daemon *d)
{
	if (!fim_journal_was_removed(d->journal))
		return;
	control_set(
		d, COMPONENT_JOURNAL, CONTROL_DEGRADED,
		"the journal's file in %s was removed by somebody: it was written again from "
		"what ecs-fimd holds open; closed segments, if they are gone, are in copies only",
		d->config->journal_dir);
	control_set(d, COMPONENT_JOURNAL, CONTROL_UP, "the journal's file is there again");
}

/* A record was written: did the one before fail, and will the next? */
static void journal_works(struct daemon *d, const char *type)
{
	check_removed(d);
	/* There is room for these in a journal that is full. */
	if (strcmp(type, "control") == 0)
		return;
	if (d->unrecorded)
		journal_recovered(d);
	check_room(d);
}

static int append(struct daemon *d, const char *type, const struct fim_json *body, char **line_ret)
{
	uint64_t seq = 0;
	char *line = NULL;
	int err = -ENOTCONN;

	if (d->journal)
		err = fim_journal_append(d->journal, type, body, &seq, &line);
	if (err)
		return err;
	fim_journal_head(d->journal, &d->journal_seq, d->journal_head);
	*line_ret = line;
	return 0;
}

/* What the daemon remembers of a record that is in the journal. */
static void note(struct daemon *d, const char *type, struct fim_json *body, uint64_t seq)
{
	fim_json_set_str(body, "type", type);
	alerts_note(d, body, seq, fim_time_now());
	change_note(d, body, seq);
}

int record_append(struct daemon *d, const char *type, struct fim_json *body, char **line_ret)
{
	char *line = NULL;
	size_t len;
	int err;

	finding_commit(d); /* they were first */
	err = append(d, type, body, &line);
	if (err && !journal_reopen(d))
		err = append(d, type, body, &line);
	if (err) {
		journal_failed(d, err);
		if (fim_json_dump(body, &line, &len))
			line = NULL;
	} else {
		note(d, type, body, d->journal_seq);
	}
	fim_json_free(body);
	if (!err)
		journal_works(d, type);
	if (line_ret)
		*line_ret = line;
	else
		free(line);
	return err;
}

void record_append_lazy(struct daemon *d, const char *type, struct fim_json *body)
{
	if (!d->journal || fim_journal_append_lazy(d->journal, type, body, &d->journal_seq, NULL))
		d->counters.journal_errors++;
	fim_json_free(body);
}

/* The last takes those before it along to the disk. Returns up to which number it has them. */
static uint64_t append_group(struct daemon *d, const char *type, struct record *records,
			     size_t count)
{
	int err = d->journal ? 0 : -ENOTCONN;

	for (size_t i = 0; i < count && !err; i++) {
		struct record *record = &records[i];

		if (i + 1 < count)
			err = fim_journal_append_lazy(d->journal, type, record->body, &record->seq,
						      &record->line);
		else
			err = fim_journal_append(d->journal, type, record->body, &record->seq,
						 &record->line);
	}
	if (!d->journal)
		return 0;
	/* Those before the one that failed are as good as they can get. */
	if (err)
		fim_journal_sync(d->journal);
	fim_journal_head(d->journal, &d->journal_seq, d->journal_head);
	return d->journal_seq;
}

void record_append_all(struct daemon *d, const char *type, struct record *records, size_t count)
{
	uint64_t durable = append_group(d, type, records, count);
	bool works = false;

	for (size_t i = 0; i < count; i++) {
		struct record *record = &records[i];

		if (record->line && record->seq <= durable) {
			note(d, type, record->body, record->seq);
			fim_json_free(record->body);
			works = true;
			continue;
		}
		/* Taken back, or refused: one at a time, so that each is told by itself. */
		free(record->line);
		record_append(d, type, record->body, &record->line);
		record->seq = d->journal_seq;
	}
	if (works)
		journal_works(d, type);
}
