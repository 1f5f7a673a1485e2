/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that writes to the journal.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

#define JOURNAL_RETRY_MS 10000

/* The head of the chain, as the next record's "prev" will say it. */
static void head_update(struct daemon *d, const char *line, uint64_t seq)
{
	struct fim_hasher *hasher = d->hasher;
	unsigned char digest[FIM_SHA256_SIZE];

	d->journal_seq = seq;
	if (!fim_hasher_reset(hasher) && !fim_hasher_update(hasher, line, strlen(line)) &&
	    !fim_hasher_update(hasher, "\n", 1) && !fim_hasher_final(hasher, digest))
		fim_hex_encode(digest, sizeof(digest), d->journal_head);
}

/* What cannot be recorded is still said to whoever listens. */
static void journal_failed(struct daemon *d, int err)
{
	static const struct alert_field fields[] = {
		{"op", "daemon", true},
		{"state", "degraded", true},
		{"cause", "journal-cannot-be-written", true},
	};
	const struct alert alert = {
		.type = "control",
		.severity = FIM_SEVERITY_CRITICAL,
		.failed = true,
		.text = "control daemon degraded: the journal cannot be written",
		.line = "{\"type\":\"control\",\"component\":\"daemon\",\"state\":\"degraded\","
			"\"cause\":\"the journal cannot be written\"}",
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	d->counters.journal_errors++;
	if (d->unrecorded++)
		return;
	d->unrecorded_ns = fim_time_now();
	d->controls[COMPONENT_DAEMON] = CONTROL_DEGRADED;
	fim_log(LOG_ERR, "the journal in %s cannot be written: %s", d->config->journal_dir,
		strerror(-err));
	sinks_send(d, &alert);
}

/* A journal that failed once refuses everything until it was read and opened again. */
static int journal_reopen(struct daemon *d)
{
	int64_t now = now_ms();

	if (now < d->journal_retry_ms)
		return -EAGAIN;
	d->journal_retry_ms = now + JOURNAL_RETRY_MS;
	fim_journal_close(d->journal);
	d->journal = NULL;
	return fim_journal_open(&(struct fim_journal_params){.dir = d->config->journal_dir},
				&d->journal);
}

/* It can be written again: say what it does not hold. */
static void journal_recovered(struct daemon *d)
{
	struct control control = {
		.component = COMPONENT_DAEMON,
		.state = CONTROL_LOSS,
		.lost = d->unrecorded,
		.since_ns = d->unrecorded_ns,
	};

	d->unrecorded = 0;
	control_say(d, &control, "records could not be written and are not in this journal");
	control_set(d, COMPONENT_DAEMON, CONTROL_UP, "the journal is written again");
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
	head_update(d, line, seq);
	*line_ret = line;
	return 0;
}

int record_append(struct daemon *d, const char *type, struct fim_json *body, char **line_ret)
{
	char *line = NULL;
	size_t len;
	int err = append(d, type, body, &line);

	if (err && !journal_reopen(d))
		err = append(d, type, body, &line);
	if (err) {
		journal_failed(d, err);
		if (fim_json_dump(body, &line, &len))
			line = NULL;
	} else if (d->unrecorded) {
		journal_recovered(d);
	}
	fim_json_free(body);
	if (line_ret)
		*line_ret = line;
	else
		free(line);
	return err;
}
