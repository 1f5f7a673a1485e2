// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring that is too small (ring_kb=64): what is lost is counted exactly, the
 * loss is told in its place, and everything else is there, in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;

struct job {
	const char *prefix;
	int count;
};

static int act_mkdirs(void *arg)
{
	const struct job *job = arg;
	int i;

	for (i = 0; i < job->count; i++) {
		if (mkdir(fmt("w/%s%d", job->prefix, i), 0755))
			return 1;
	}
	return 0;
}

static void mkdirs(const char *prefix, int count)
{
	struct job job = {prefix, count};

	if (in_child(act_mkdirs, &job))
		bail("mkdir");
}

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name)) {
		note("%zu records, the first and last:", events.count);
		if (events.count) {
			event_print(&events.events[0]);
			event_print(&events.events[events.count - 1]);
		}
	}
}

/* Every number from @first to @last is there or told as lost. Returns how many were lost. */
static bool is_complete(uint64_t first, uint64_t last, uint64_t *lost_ret)
{
	uint64_t next = first, lost = 0;
	size_t i;

	for (i = 0; i < events.count; i++) {
		const struct event *e = &events.events[i];

		if (e->rec.seq != next) {
			note("number %llu where %llu is due", (unsigned long long)e->rec.seq,
			     (unsigned long long)next);
			return false;
		}
		next++;
		if (e->rec.type == FIM_REC_OVERFLOW) {
			if (!e->overflow.lost ||
			    e->overflow.lost != e->overflow.last_seq - e->rec.seq + 1 ||
			    !e->overflow.first_time_ns ||
			    e->overflow.first_time_ns > e->rec.time_ns)
				return false;
			lost += e->overflow.lost;
			next = e->overflow.last_seq + 1;
		}
	}
	*lost_ret = lost;
	return next == last + 1;
}

static void check_stopped_reader(int fd)
{
	struct fim_info before, after;
	uint64_t lost = 0;

	events_clear(&events);
	info_get(fd, &before);
	mkdirs("a", 1000);
	info_get(fd, &after);
	ok(after.lost > before.lost && after.events == before.events + 1000 &&
		   after.seq == before.seq + 1000,
	   "a reader that does not read loses records, which are counted");
	drain(fd, &events);
	check(is_complete(before.seq + 1, after.seq, &lost) && lost == after.lost - before.lost,
	      "every number is there or told as lost");
	check(events.events[events.count - 1].rec.type == FIM_REC_OVERFLOW,
	      "the loss is told to a reader that drains though nothing else happens");
	check(events.count > 50 && events.events[0].rec.type == FIM_REC_EVENT &&
		      !strcmp(strrchr(events.events[0].fs_path, '/'), "/a0"),
	      "the newest are lost, the oldest are kept");
	info_get(fd, &after);
	ok(!after.ring_used, "the ring is empty then");
	events_clear(&events);
	mkdirs("b", 20);
	drain(fd, &events);
	check(events.count == 20 && count_ops(&events) == 20, "everything after it is delivered");
}

static void check_slow_reader(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	struct job job = {"c", 4000};
	struct fim_info before, after;
	uint64_t lost = 0;
	int status;
	pid_t pid;

	events_clear(&events);
	info_get(fd, &before);
	pid = fork();
	if (!pid)
		_exit(act_mkdirs(&job));
	while (!waitpid(pid, &status, WNOHANG)) {
		poll(&pollfd, 1, 10);
		usleep(200000);
		drain(fd, &events);
	}
	drain(fd, &events);
	info_get(fd, &after);
	note("%zu records, %llu lost", events.count,
	     (unsigned long long)(after.lost - before.lost));
	check(!status && is_complete(before.seq + 1, after.seq, &lost) &&
		      lost == after.lost - before.lost &&
		      count_ops(&events) + lost == after.events - before.events,
	      "a slow reader: every number is there or told as lost, in order");
}

static void check_without_reader(int fd)
{
	struct fim_info before, after;
	uint64_t lost = 0;
	struct event *e;

	events_clear(&events);
	info_get(fd, &before);
	close(fd);
	mkdirs("d", 600);
	fd = device_open();
	info_get(fd, &after);
	drain(fd, &events);
	e = &events.events[0];
	check(e->rec.type == FIM_REC_SESSION && e->session.lost == after.lost &&
		      e->session.unread > 0 && e->rec.seq == before.seq,
	      "the next session tells what was lost while nobody read");
	memmove(events.events, events.events + 1, --events.count * sizeof(*events.events));
	check(is_complete(before.seq + 1, after.seq, &lost) && lost == after.lost - before.lost,
	      "and every number is there or told as lost");
	close(fd);
}

int main(void)
{
	struct fim_info info;
	int fd = device_open();

	workdir();
	info_get(fd, &info);
	if (!ok(info.ring_size == 65536, "ring_kb=64 is taken"))
		return done();
	if (mkdir("w", 0755) || watch_add(fd, "w") <= 0)
		bail("cannot watch");
	drain(fd, &events);
	check_stopped_reader(fd);
	check_slow_reader(fd);
	check_without_reader(fd);
	return done();
}
