/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a command worked through the journal that the daemon writes, kept in a file:
 * shared by the sinks that are programs of their own.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "libfim.h"

/**
 * struct outbox - a command's place in the journal; the first four members are its own to set
 * @state: the file; beside it is its lock, STATE.lock
 * @format: first member of the file
 * @sink: by this name the daemon records deliveries and health
 * @config: where the daemon listens
 * @seq: the last record that is done with; 0: none yet
 * @digest: its digest: the journal is still the same one
 * @seen_seq: the last record that was taken up in this run; 0: none
 * @seen_digest: its digest
 * @lost: records that the journal gave up before they were dealt with, and that the daemon was
 *	not told of yet
 * @lost_through: the last of those that were ever counted
 * @unrecorded: array of numbers: delivered, and the journal does not say so yet
 * @members: what else the file says; set before outbox_save()
 */
struct outbox {
	const char *state;
	const char *format;
	const char *sink;
	const struct fim_config *config;

	uint64_t seq;
	char digest[FIM_SHA256_HEX_SIZE];
	uint64_t seen_seq;
	char seen_digest[FIM_SHA256_HEX_SIZE];
	uint64_t lost;
	uint64_t lost_through;
	struct fim_json *unrecorded;
	struct fim_json *members;
	int lock_fd;
};

/* Lock and load; failure is reported. outbox_close() in any case. */
int outbox_open(struct outbox *outbox);
void outbox_close(struct outbox *outbox);

/**
 * outbox_is_news() - whether a record has still to be dealt with
 * @digest_ret: of @line
 *
 * 1, 0, or -errno; -ESTALE: @line has the number of the last one and is another record.
 * What is missing before @line is counted in @lost, once.
 */
int outbox_is_news(struct outbox *outbox, const struct fim_line *line,
		   char digest_ret[FIM_SHA256_HEX_SIZE]);

/* @line is taken up, or is none of ours. */
void outbox_see(struct outbox *outbox, const struct fim_line *line, const char *digest);

/* Everything that was seen is done with; durable after this. */
int outbox_finish(struct outbox *outbox);

int outbox_save(struct outbox *outbox);

/* The delivery of the alert in record @seq has to be recorded. */
void outbox_delivered(struct outbox *outbox, uint64_t seq);

/* Have deliveries recorded; without the daemon they wait for the next time. */
int outbox_record(struct outbox *outbox);

/*
 * Tell the daemon how it goes, and what was lost; without it, that is told the next time.
 * @problem: NULL: well
 */
void outbox_tell_health(struct outbox *outbox, const char *problem, uint64_t sent);

#endif /* OUTBOX_H */
