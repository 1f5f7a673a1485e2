/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: load write DIR SINK FIRST   8 writers append for ever; what is durable goes to SINK
 *        load repair DIR             what the next start does, and nothing else
 *        load check DIR SINK         is every alert of SINK in DIR?
 *
 * For tests of what a crash leaves.  SINK stands for a receiver outside the crashed host:
 * it gets "SEQ DIGEST-OF-THE-LINE" of an alert after the append returned, never before.
 * A regular file gets lines; a block device gets a sector for each alert, the first at
 * byte FIRST, past every cache of the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libfim.h"

#define WRITERS	    8
#define SECTOR	    512
#define TEXT_MAX    60000
#define SEGMENT	    (UINT64_C(256) << 10) /* small: segments are closed and compressed, too */
#define ALERTS_ROOM (1u << 20)

struct load {
	struct fim_journal *journal;
	int sink;
	bool sectors;
	off_t first;
	atomic_uint_fast64_t told;
};

static int journal_open(const char *dir, struct fim_journal **journal_ret)
{
	const struct fim_journal_params params = {
		.dir = dir, .segment_bytes = SEGMENT, .max_bytes = UINT64_C(1) << 34};

	return fim_journal_open(&params, journal_ret);
}

/* -------------------------------------------------------------------- write */

static void tell(struct load *load, uint64_t seq, const char digest[FIM_SHA256_HEX_SIZE],
		 char *sector)
{
	uint64_t slot = atomic_fetch_add(&load->told, 1);
	int len = snprintf(sector, SECTOR, "%" PRIu64 " %s\n", seq, digest);
	ssize_t done;

	if (load->sectors) {
		memset(sector + len, 0, (size_t)(SECTOR - len));
		done = pwrite(load->sink, sector, SECTOR, load->first + (off_t)slot * SECTOR);
	} else {
		done = write(load->sink, sector, (size_t)len);
	}
	/* A sink that is full takes no more; there is enough to judge by then. */
	if (done < 0 && errno != ENOSPC) {
		perror("load: sink");
		exit(FIM_EXIT_ERROR);
	}
}

static void *writer(void *ctx)
{
	struct load *load = ctx;
	unsigned int state = (unsigned int)time(NULL) ^ (unsigned int)(uintptr_t)&state;
	char *text = malloc(TEXT_MAX + 1), *sector = NULL;

	if (!text || posix_memalign((void **)&sector, SECTOR, SECTOR))
		exit(FIM_EXIT_ERROR);
	memset(text, 'x', TEXT_MAX);
	for (int i = 0;; i++) {
		struct fim_json *body = fim_json_object();
		size_t len = (size_t)rand_r(&state) % 16 ? 40 : (size_t)rand_r(&state) % TEXT_MAX;
		char digest[FIM_SHA256_HEX_SIZE], *line = NULL;
		struct fim_line told;
		uint64_t seq;

		text[len] = '\0';
		fim_json_set_str(body, "kind", "modified");
		fim_json_set_str(body, "path", text);
		text[len] = 'x';
		/* As the daemon: deliveries, which nothing waits for, between alerts. */
		if (i % 16 == 15)
			fim_journal_append_lazy(load->journal, "alert", body, NULL, NULL);
		if (fim_journal_append(load->journal, "finding", body, &seq, &line))
			exit(FIM_EXIT_ERROR);
		told = (struct fim_line){.text = line, .len = strlen(line)};
		if (fim_line_digest(&told, digest))
			exit(FIM_EXIT_ERROR);
		tell(load, seq, digest, sector);
		free(line);
		fim_json_free(body);
	}
	return NULL;
}

static int do_write(const char *dir, const char *sink, const char *first)
{
	struct load load = {.first = strtoll(first, NULL, 10)};
	pthread_t threads[WRITERS];
	struct stat st;

	load.sectors = stat(sink, &st) == 0 && S_ISBLK(st.st_mode);
	load.sink = open(sink,
			 load.sectors ? O_WRONLY | O_DIRECT | O_CLOEXEC
				      : O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			 0600);
	if (load.sink < 0) {
		perror(sink);
		return FIM_EXIT_ERROR;
	}
	if (journal_open(dir, &load.journal))
		return FIM_EXIT_ERROR;
	for (int i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, writer, &load))
			return FIM_EXIT_ERROR;
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	return FIM_EXIT_ERROR; /* they never end */
}

static int do_repair(const char *dir)
{
	struct fim_journal *journal = NULL;

	if (journal_open(dir, &journal))
		return FIM_EXIT_ERROR;
	fim_journal_close(journal);
	return FIM_EXIT_CLEAN;
}

/* -------------------------------------------------------------------- check */

struct alert {
	uint64_t seq;
	char digest[FIM_SHA256_HEX_SIZE];
};

struct alerts {
	struct alert *list; /* by seq */
	size_t count;
	size_t at;
	uint64_t missing;
	uint64_t first_missing;
};

static int by_seq(const void *a, const void *b)
{
	const struct alert *one = a, *two = b;

	return one->seq < two->seq ? -1 : one->seq > two->seq;
}

static int alerts_read(const char *path, struct alerts *alerts)
{
	FILE *file = fopen(path, "re");
	char line[SECTOR];
	size_t room = 0;

	if (!file) {
		perror(path);
		return -EIO;
	}
	while (fgets(line, sizeof(line), file)) {
		struct alert *alert;

		if (alerts->count == room) {
			room += ALERTS_ROOM;
			alerts->list = realloc(alerts->list, room * sizeof(*alerts->list));
			if (!alerts->list)
				exit(FIM_EXIT_ERROR);
		}
		alert = &alerts->list[alerts->count];
		/* The sink was killed as well: its last line may be short. */
		if (sscanf(line, "%" SCNu64 " %64[0-9a-f]", &alert->seq, alert->digest) == 2 &&
		    strchr(line, '\n') && strlen(alert->digest) == FIM_SHA256_HEX_SIZE - 1)
			alerts->count++;
	}
	fclose(file);
	if (alerts->count)
		qsort(alerts->list, alerts->count, sizeof(*alerts->list), by_seq);
	return 0;
}

static void miss(struct alerts *alerts)
{
	if (!alerts->missing++)
		alerts->first_missing = alerts->list[alerts->at].seq;
	alerts->at++;
}

static int on_line(void *ctx, const struct fim_line *line)
{
	struct alerts *alerts = ctx;
	char digest[FIM_SHA256_HEX_SIZE];
	int err;

	while (alerts->at < alerts->count && alerts->list[alerts->at].seq < line->seq)
		miss(alerts);
	if (alerts->at == alerts->count || alerts->list[alerts->at].seq != line->seq)
		return 0;
	err = fim_line_digest(line, digest);
	if (!err && strcmp(digest, alerts->list[alerts->at].digest) != 0)
		miss(alerts);
	else
		alerts->at++;
	return err;
}

static int do_check(const char *dir, const char *sink)
{
	struct fim_journal_check check = {.records = 0};
	struct alerts alerts = {.list = NULL};
	int err = alerts_read(sink, &alerts);

	if (!err)
		err = fim_journal_scan(dir, on_line, &alerts, &check);
	if (err == -ENOENT && !alerts.count)
		err = 0; /* killed before there was anything */
	while (!err && alerts.at < alerts.count)
		miss(&alerts);
	if (alerts.missing)
		printf("%" PRIu64 " of %zu alerts are not in the journal, the first is %" PRIu64
		       "\n",
		       alerts.missing, alerts.count, alerts.first_missing);
	else
		printf("%zu alerts, %" PRIu64 " records\n", alerts.count, check.records);
	free(alerts.list);
	return err ? FIM_EXIT_ERROR : alerts.missing ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

static void to_stderr(void *ctx, int priority, const char *message)
{
	(void)ctx;
	(void)priority;
	fprintf(stderr, "load: %s\n", message);
}

int main(int argc, char **argv)
{
	fim_log_set(to_stderr, NULL);
	if (argc == 5 && strcmp(argv[1], "write") == 0)
		return do_write(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "repair") == 0)
		return do_repair(argv[2]);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return do_check(argv[2], argv[3]);
	fputs("usage: load write DIR SINK FIRST | load repair DIR | load check DIR SINK\n", stderr);
	return FIM_EXIT_USAGE;
}
