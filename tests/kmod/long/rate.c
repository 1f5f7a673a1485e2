// SPDX-License-Identifier: GPL-2.0-only
/*
 * rate SECONDS: two writers as fast as they can, a reader that drains: nothing
 * may be lost, and the rate is said.
 * rate --burst EVENTS: a reader that stands still for the first half of EVENTS:
 * the writer may not feel it, the loss is counted exactly, the rest is there.
 *
 * Prints TAP and, as notes, JSON lines. The burst counts time stamp counter
 * cycles, which are instructions under QEMU's -icount.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../fimtest.h"

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

#if defined(__x86_64__)
static unsigned long long cycles(void)
{
	return __builtin_ia32_rdtsc();
}
#else
#define cycles now_ns
#endif

/* Shared with the writers. */
static struct {
	volatile bool go, stop;
	volatile unsigned long done[2];
	volatile unsigned long long last[2];
} * shared;

static void prepare(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	workdir();
	if (shared == MAP_FAILED || mkdir("w", 0755))
		bail("cannot prepare");
	write_file("w/f0", "x");
	write_file("w/f1", "x");
}

/* One event for each round: open, write, close. */
static void one_write(const char *path)
{
	int fd = open(path, O_WRONLY);

	if (write(fd, "y", 1) != 1 || close(fd))
		_exit(1);
}

/* What the sequence numbers say; the events are not looked at. */
struct tally {
	unsigned long long next, records, lost, gaps;
};

static void count(struct tally *tally, const char *buf, ssize_t len)
{
	ssize_t pos = 0;

	while (pos < len) {
		const struct fim_record *rec = (const void *)(buf + pos);

		if (rec->type != FIM_REC_SESSION) {
			tally->gaps += tally->next && rec->seq != tally->next;
			tally->next = rec->seq + 1;
			if (rec->type == FIM_REC_OVERFLOW) {
				const struct fim_overflow *overflow = (const void *)rec;

				tally->lost += overflow->lost;
				tally->next = overflow->last_seq + 1;
			} else {
				tally->records++;
			}
		}
		pos += rec->len;
	}
}

static void read_all(int fd, struct tally *tally)
{
	static char buf[1 << 18];
	ssize_t len;

	while ((len = read(fd, buf, sizeof(buf))) > 0)
		count(tally, buf, len);
	if (len < 0 && errno != EAGAIN)
		bail("read: %s", strerror(errno));
}

static void rate(int fd, int seconds)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	struct tally tally = {};
	struct fim_info before, after;
	unsigned long long start, end;
	pid_t pids[2];
	int i;

	read_all(fd, &tally);
	info_get(fd, &before);
	tally = (struct tally){.next = before.seq + 1};
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			while (!shared->stop) {
				one_write(i ? "w/f1" : "w/f0");
				shared->done[i]++;
			}
			_exit(0);
		}
	}
	start = now_ns();
	end = start + seconds * 1000000000ULL;
	while (now_ns() < end) {
		poll(&pollfd, 1, 1000);
		read_all(fd, &tally);
	}
	shared->stop = true;
	for (i = 0; i < 2; i++)
		waitpid(pids[i], NULL, 0);
	end = now_ns();
	read_all(fd, &tally);
	info_get(fd, &after);
	note("{\"name\":\"kernel_rate\",\"value\":%llu,\"unit\":\"events/s\"}",
	     tally.records * 1000000000ULL / (end - start));
	note("%llu events in %llu s", tally.records, (end - start) / 1000000000ULL);
	ok(after.lost == before.lost && !tally.lost,
	   "two writers and a reader: nothing is lost in %d s", seconds);
	ok(tally.records == shared->done[0] + shared->done[1] && !tally.gaps,
	   "one event for each of %lu writes, in order", shared->done[0] + shared->done[1]);
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

/* Median cost of @n writes, each of them timed. */
static unsigned int writes(unsigned int *costs, unsigned long n)
{
	unsigned long long start;
	unsigned long i;

	for (i = 0; i < n; i++) {
		start = cycles();
		one_write("w/f0");
		costs[i] = cycles() - start;
	}
	qsort(costs, n, sizeof(*costs), compare);
	return costs[n / 2];
}

/* The writer is a child, in two parts; between them it waits for the reader to start. */
static void burst(int fd, unsigned long events)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	unsigned int *costs = mmap(NULL, events * sizeof(*costs), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tally tally = {};
	struct fim_info before, middle, after;
	unsigned long long first_half, delivered;
	int status;
	pid_t pid;

	read_all(fd, &tally);
	info_get(fd, &before);
	tally = (struct tally){.next = before.seq + 1};
	fflush(stdout);
	pid = fork();
	if (!pid) {
		shared->last[0] = writes(costs, events / 2);
		shared->done[0] = 1;
		while (!shared->go)
			usleep(1000);
		shared->last[1] = writes(costs, events - events / 2);
		_exit(0);
	}
	while (!shared->done[0])
		usleep(10000);
	info_get(fd, &middle);
	read_all(fd, &tally);
	first_half = tally.records + tally.lost;
	shared->go = true;
	while (!waitpid(pid, &status, WNOHANG)) {
		poll(&pollfd, 1, 100);
		read_all(fd, &tally);
	}
	read_all(fd, &tally);
	info_get(fd, &after);
	delivered = tally.records + tally.lost - first_half;
	note("%llu delivered, %llu lost", tally.records, tally.lost);
	note("{\"name\":\"kernel_write_stalled_reader\",\"value\":%llu,\"unit\":\"cycles\",\"against\":"
	     "\"reader_drains\",\"ratio\":%.3f}",
	     shared->last[0], (double)shared->last[0] / shared->last[1]);
	ok(!status && middle.lost > before.lost,
	   "the ring of a reader that stands still overflows");
	ok(tally.lost == after.lost - before.lost, "what is lost is counted exactly");
	ok(tally.records + tally.lost == events && !tally.gaps &&
		   after.events - before.events == events,
	   "every one of %lu events is there or told as lost", events);
	ok(after.lost == middle.lost && delivered == events - events / 2,
	   "everything after it is delivered");
	/* Only instructions can be compared: on a clock, the reader's share counts as well. */
	if (getenv("ICOUNT"))
		ok(shared->last[0] <= shared->last[1] * 1.02,
		   "the writer does not feel the reader's standstill (1.02x)");
}

int main(int argc, char **argv)
{
	int fd = device_open();

	prepare();
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	if (argc == 3 && !strcmp(argv[1], "--burst"))
		burst(fd, atol(argv[2]));
	else
		rate(fd, argc > 1 ? atoi(argv[1]) : 60);
	return done();
}
