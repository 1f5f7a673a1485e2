/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: journal DIR
 * Durable appends to a sealed journal by 8 writers at once, against write(2) and
 * fdatasync(2) of as many bytes in batches as large as the journal's (8 records),
 * alternating in one run; one JSON line per metric.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libfim.h"

#define WRITERS	   8
#define PER_WRITER 2500
#define ROUNDS	   3

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *writer(void *ctx)
{
	struct fim_json *body = fim_json_object();
	void *failed = NULL;

	fim_json_set_str(body, "kind", "modified");
	fim_json_set_str(body, "path", "/usr/bin/something-or-other");
	fim_json_set_str(body, "before",
			 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b");
	for (int i = 0; i < PER_WRITER && !failed; i++)
		if (fim_journal_append(ctx, "finding", body, NULL, NULL))
			failed = ctx;
	fim_json_free(body);
	return failed;
}

/* Records per second, -1 on failure; what it wrote is in *@bytes_ret. */
static double journal_rate(const char *dir, uint64_t *bytes_ret)
{
	const struct fim_journal_params params = {
		.dir = dir, .segment_bytes = UINT64_C(1) << 30, .max_bytes = UINT64_C(1) << 34};
	char key[FIM_SEAL_TEXT_SIZE];
	struct fim_journal *journal = NULL;
	pthread_t threads[WRITERS];
	void *failed = NULL, *one;
	uint64_t max;
	double start, took;

	if (fim_journal_open(&params, &journal) || fim_journal_seal(journal, key))
		return -1;
	start = now();
	for (int i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, writer, journal))
			return -1;
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &one);
		failed = failed ? failed : one;
	}
	took = now() - start;
	fim_journal_usage(journal, bytes_ret, &max);
	fim_journal_close(journal);
	return failed ? -1 : WRITERS * PER_WRITER / took;
}

static double raw_rate(const char *path, uint64_t bytes)
{
	size_t batch = (size_t)(bytes / PER_WRITER);
	char *text = malloc(batch);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	double start = now(), took;

	if (!text || fd < 0)
		return -1;
	memset(text, 'x', batch);
	for (int i = 0; i < PER_WRITER; i++)
		if (write(fd, text, batch) != (ssize_t)batch || fdatasync(fd))
			return -1;
	took = now() - start;
	close(fd);
	free(text);
	return WRITERS * PER_WRITER / took;
}

static int by_value(const void *a, const void *b)
{
	double one = *(const double *)a, two = *(const double *)b;

	return one < two ? -1 : one > two;
}

int main(int argc, char **argv)
{
	double ours[ROUNDS], raw[ROUNDS];
	uint64_t bytes = 0;
	char path[4096];

	if (argc != 2) {
		fputs("usage: journal DIR\n", stderr);
		return FIM_EXIT_USAGE;
	}
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(path, sizeof(path), "%s/journal-%d", argv[1], i);
		ours[i] = journal_rate(path, &bytes);
		snprintf(path, sizeof(path), "%s/raw-%d", argv[1], i);
		raw[i] = raw_rate(path, bytes);
		if (ours[i] < 0 || raw[i] < 0) {
			fprintf(stderr, "journal: %s: cannot be written\n", argv[1]);
			return FIM_EXIT_ERROR;
		}
	}
	qsort(ours, ROUNDS, sizeof(*ours), by_value);
	qsort(raw, ROUNDS, sizeof(*raw), by_value);
	/* As in run.sh, below 1 is better: time per record, ours to theirs. */
	printf("{\"name\":\"journal_append_8_writers\",\"value\":%.0f,\"unit\":\"records/s\","
	       "\"against\":\"write+fdatasync of 8 records at once\",\"ratio\":%.3f}\n",
	       ours[ROUNDS / 2], raw[ROUNDS / 2] / ours[ROUNDS / 2]);
	return FIM_EXIT_CLEAN;
}
