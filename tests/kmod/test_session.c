// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives the reader: watches, and what happens while nobody reads.
 */
#include <errno.h>
#include <fcntl.h>
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

/* A control group of its own: how much is it charged for when the device is opened in there? */
static int act_open_in_cgroup(void *arg)
{
	const char *group = arg;
	long before, after;
	int fd;

	write_file(fmt("%s/cgroup.procs", group), "0");
	before = read_number(fmt("%s/memory.current", group));
	fd = open(FIM_DEVICE_PATH, O_RDONLY | O_CLOEXEC);
	after = read_number(fmt("%s/memory.current", group));
	note("%ld KiB more", (after - before) / 1024);
	return fd < 0 || after - before < *(unsigned int *)(group + 256) ? 1 : 0;
}

static void check_charge(unsigned int ring_size)
{
	struct {
		char group[256];
		unsigned int ring_size;
	} arg = {"/sys/fs/cgroup/fimtest", ring_size};

	if (access("/sys/fs/cgroup/cgroup.subtree_control", W_OK)) {
		skip("no cgroup v2", "the ring is charged to who reads it");
		return;
	}
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(arg.group, 0755))
		bail("%s: %s", arg.group, strerror(errno));
	ok(!in_child(act_open_in_cgroup, &arg), "the ring is charged to who reads it");
	rmdir(arg.group);
}

int main(void)
{
	const struct event *e;
	struct fim_info info;
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
	info_get(fd, &info);
	close(fd);
	check_charge(info.ring_size);
	return done();
}
