/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the journal share: seal.c (keys), journal_lines.c (lines),
 * journal_read.c (proof),
 * journal.c (writing), in the order in which they build on each other.
 */
#ifndef JOURNAL_PRIVATE_H
#define JOURNAL_PRIVATE_H

#include "lib_private.h"

/* ----------------------------------------------------------------- seal.c */
/*
 * Forward-secure seals.  Two keys evolve by hashing and what they were is overwritten:
 * the record key with every record, the epoch key with every hour.  A record's seal is
 * an HMAC under both.  Whoever takes the keys can go on, but neither rewrite a record
 * that is sealed, nor cut one off and write another of its number, nor claim an hour
 * that is over.  The seed, from which all keys follow, leaves the host when it is made.
 */

#define FIM_SEAL_EPOCH_NS    (3600 * FIM_NSEC_PER_SEC)
#define FIM_SEAL_EPOCHS_MAX  (24u * 366 * 200) /* a clock that says more is broken */
#define FIM_SEAL_RECORDS_MAX (UINT64_C(1) << 40)
#define FIM_SEAL_MAC_HEX     32
#define FIM_SEAL_SEED	     16
#define FIM_SEAL_BOUND	     16 /* bytes of the digest before the first sealed record */
#define FIM_SEAL_STATE_SIZE  144
#define FIM_SEAL_STATE_NAME  "seal.state"
/* There while nobody is known to have seen the verification key. */
#define FIM_SEAL_UNSEEN_NAME "seal.unseen"

/* What the verification key says. */
struct fim_seal_key {
	uint64_t first;	  /* first record that is sealed */
	int64_t start_ns; /* epoch 0 begins; whole seconds */
	unsigned char seed[FIM_SEAL_SEED];
	unsigned char bound[FIM_SEAL_BOUND];
};

/**
 * struct fim_seal - the keys at one moment
 * @first: first record that is sealed
 * @start_ns: when epoch 0 began
 * @next: record that @record_key is for
 * @epoch: what @epoch_key is for
 * @record_key: secret
 * @epoch_key: secret
 */
struct fim_seal {
	uint64_t first;
	int64_t start_ns;
	uint64_t next;
	uint64_t epoch;
	unsigned char record_key[FIM_SHA256_SIZE];
	unsigned char epoch_key[FIM_SHA256_SIZE];
};

/* A new seed; @key's first, start_ns and bound are the caller's. */
int fim_seal_key_new(struct fim_seal_key *key);
/* Text for people and QR codes; -EINVAL: a mistyped or foreign text. */
void fim_seal_key_format(const struct fim_seal_key *key, char text_ret[FIM_SEAL_TEXT_SIZE]);
int fim_seal_key_parse(const char *text, struct fim_seal_key *key_ret);
/* The keys as they were at the start. */
int fim_seal_start(const struct fim_seal_key *key, struct fim_seal *seal_ret);
/* Forward only; -EINVAL: backward, -E2BIG: absurdly far. */
int fim_seal_seek(struct fim_seal *seal, uint64_t next, uint64_t epoch);
uint64_t fim_seal_epoch_of(const struct fim_seal *seal, int64_t time_ns);
/* The seal of record @seal->next in epoch @seal->epoch; moves to the next record. */
int fim_seal_record(struct fim_seal *seal, const unsigned char digest[FIM_SHA256_SIZE],
		    char mac_ret[FIM_SEAL_MAC_HEX + 1]);
void fim_seal_clear(struct fim_seal *seal);
/* As on the disk. -EBADMSG: damaged. */
void fim_seal_pack(const struct fim_seal *seal, unsigned char bytes_ret[FIM_SEAL_STATE_SIZE]);
int fim_seal_unpack(const unsigned char *bytes, size_t len, struct fim_seal *seal_ret);

/* -------------------------------------------------------- journal_lines.c */

#define FIM_JOURNAL_LINE_MAX ((size_t)1 << 20) /* with its newline */

/* What of a record has to be right, whatever it is about. */
struct fim_head {
	struct fim_span seq;
	struct fim_span time;
	struct fim_span boot_id;
	struct fim_span type;
	struct fim_span prev;
};

/**
 * struct fim_read_line - a line, and what can be known of it without the one before
 * @text: with its newline
 * @len: of @text
 * @err: it is not a JSON object, or has a member of @head twice
 * @digest: of @text
 * @head: where they are
 * @members: all of it
 */
struct fim_read_line {
	const char *text;
	size_t len;
	int err;
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_head head;
	struct fim_members members;
};

struct fim_lines;

/* Takes over @fd, also on failure. */
int fim_lines_open(int fd, bool gzip, struct fim_lines **lines_ret);
/*
 * Returns 1 with the next whole line, valid until the next call, 0 at the end of the file,
 * -EMSGSIZE for a line that no writer of ours can have made, -EBADMSG for a damaged gzip.
 */
int fim_lines_next(struct fim_lines *lines, const struct fim_read_line **line_ret);
/* After the end: what is behind the last newline. */
const char *fim_lines_rest(struct fim_lines *lines, size_t *len_ret);
void fim_lines_close(struct fim_lines *lines);

/* --------------------------------------------------------- journal_read.c */

#define FIM_JOURNAL_ACTIVE    "journal.ndjson"
#define FIM_JOURNAL_NO_DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
#define FIM_BOOT_ID_SIZE      37

/* A closed segment: journal-FIRST.ndjson, or .ndjson.gz when it was compressed. */
struct fim_segment {
	uint64_t first;
	bool plain;
	bool gzip;
};

/* Closed segments of a directory, sorted; malloc'ed. */
int fim_segments_list(int dirfd, struct fim_segment **segments_ret, size_t *count_ret);
#define FIM_SEGMENT_NAME_SIZE 48
void fim_segment_name(uint64_t first, bool gzip, char name_ret[FIM_SEGMENT_NAME_SIZE]);

/* Where a journal ends, for who goes on writing it. */
struct fim_journal_end {
	struct fim_journal_check check;
	uint64_t active_first; /* first record in the active segment, 0: it is empty */
	int64_t active_time_ns;
	off_t good_end; /* offset after the last good record of the active segment */
	char *rest;	/* bytes of an incomplete last line, malloc'ed */
	size_t rest_len;
};

/* Check the last closed segment and the active one, the seals of the latter forward from @seal. */
int fim_journal_read_end(const char *dir, struct fim_seal *seal, struct fim_journal_end *end_ret);

#endif /* JOURNAL_PRIVATE_H */
