// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives the reader: watches, and what happens while nobody reads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;

static int act_mkdir(void *arg)
{
	return mkdir(arg, 0755);
}

static void must_mkdir(const char *path)
{
	if (in_child(act_mkdir, (void *)path))
		bail("mkdir %s: %s", path, strerror(errno));
}

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

int main(void)
{
	const struct event *e;
	uint64_t last, first_session;
	const char *dir = workdir();
	int fd = device_open();
	int id;

	drain(fd, &events);
	e = &events.events[0];
	check(events.count == 1 && e->rec.type == FIM_REC_SESSION && !e->session.lost &&
		      e->session.session >= 1,
	      "the first record is the session's");
	first_session = e->session.session;
	last = e->rec.seq;
	events_clear(&events);
	id = watch_add(fd, dir);
	must_mkdir("one");
	drain(fd, &events);
	check(events.count == 2 && events.events[0].rec.seq == last + 1 &&
		      events.events[1].rec.seq == last + 2,
	      "a session takes no number: the next record has the next one");
	last += 2;
	close(fd);

	must_mkdir("two");
	must_mkdir("three");
	/* Not the reader any more: its own accesses count now. */
	if (mkdir("four", 0755))
		bail("mkdir: %s", strerror(errno));
	fd = device_open();
	must_mkdir("five");
	events_clear(&events);
	drain(fd, &events);
	e = &events.events[0];
	check(events.count == 5 && e->rec.type == FIM_REC_SESSION &&
		      e->session.session == first_session + 1 && e->session.unread == 3 &&
		      e->rec.seq == last && e->session.tgid == (uint32_t)getpid(),
	      "a new session comes first and tells how much waited");
	check(events.count == 5 && events.events[1].rec.seq == last + 1 &&
		      events.events[4].rec.seq == last + 4 &&
		      !strcmp(events.events[1].fs_path, fmt("%s/two", dir)) &&
		      !strcmp(events.events[3].fs_path, fmt("%s/four", dir)) &&
		      events.events[3].ev.actor.tgid == (uint32_t)getpid() &&
		      !strcmp(events.events[4].fs_path, fmt("%s/five", dir)),
	      "then what happened meanwhile, numbered on");
	ok(watch_add(fd, dir) == -EEXIST, "the watch is still there");
	ok(!watch_del(fd, id), "and can be deleted by the new reader");
	return done();
}
