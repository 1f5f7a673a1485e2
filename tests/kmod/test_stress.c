// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: directories renamed under the walks, hard links in and
 * out, attributes, mappings, watches that come and go. What can be said then:
 * no number is missing, every event belongs to a watch that exists, and none
 * comes after the end of its watch.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "fimtest.h"

#define SECONDS 8

static const char *const dirs[] = {"w/a", "w/a/b", "w/c", "o/d", "o/e", "w/a/b/f"};

static const char *any(unsigned int *seed)
{
	return dirs[rand_r(seed) % ARRAY_SIZE(dirs)];
}

/* Most of these fail most of the time, which is as good. */
static void one(unsigned int *seed)
{
	const char *file = fmt("%s/f%d", any(seed), rand_r(seed) % 4);
	char *map;
	int fd;

	switch (rand_r(seed) % 12) {
	case 0:
		rename(any(seed), any(seed));
		break;
	case 1:
		rename(any(seed), fmt("%s/x", any(seed)));
		rename(fmt("%s/x", any(seed)), any(seed));
		break;
	case 2:
		mkdir(any(seed), 0755);
		break;
	case 3:
		rmdir(any(seed));
		break;
	case 4:
		link(file, fmt("%s/f%d", any(seed), rand_r(seed) % 4));
		break;
	case 5:
		unlink(file);
		break;
	case 6:
		chmod(file, rand_r(seed) & 0777);
		chown(file, rand_r(seed) % 10, -1);
		break;
	case 7:
		setxattr(file, "user.x", "1", 1, 0);
		removexattr(file, "user.x");
		break;
	case 8:
		truncate(file, rand_r(seed) % 8192);
		break;
	case 9:
		fd = open(file, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			break;
		if (!ftruncate(fd, 4096)) {
			map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			close(fd);
			if (map != MAP_FAILED)
				munmap(map, 4096);
		} else {
			close(fd);
		}
		break;
	default:
		fd = open(file, O_WRONLY | O_CREAT, 0644);
		rename(file, fmt("%s/f%d", any(seed), rand_r(seed) % 4));
		if (fd >= 0 && write(fd, "x", 1) == 1)
			close(fd);
	}
}

static pid_t start_worker(unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGBUS, SIG_DFL);
	for (;;)
		one(&seed);
}

static struct {
	uint64_t next;
	uint64_t events, lost, gone;
	/* by watch id: 0 never was, 1 there, 2 ended */
	unsigned char watch[100000];
} seen;

static const char *see_event(const struct event *e)
{
	uint32_t ids[] = {e->ev.watch_id, e->ev.old_watch_id};
	size_t i;

	seen.events++;
	if (!ids[0] && !ids[1])
		return "event in no watch";
	for (i = 0; i < 2; i++) {
		if (ids[i] && (ids[i] >= sizeof(seen.watch) || seen.watch[ids[i]] != 1))
			return "event of a watch that is not there";
	}
	return NULL;
}

static const char *see_state(const struct event *e)
{
	uint32_t id = e->state.watch_id;

	if (id >= sizeof(seen.watch))
		return "strange watch id";
	switch (e->state.state) {
	case FIM_STATE_WATCH_ADDED:
		if (seen.watch[id])
			return "a watch is added twice";
		seen.watch[id] = 1;
		return NULL;
	case FIM_STATE_WATCH_GONE:
		seen.gone++;
		/* fallthrough */
	case FIM_STATE_WATCH_REMOVED:
		if (seen.watch[id] != 1)
			return "a watch ends that is not there";
		seen.watch[id] = 2;
		return NULL;
	case FIM_STATE_WATCH_MOVED:
		return seen.watch[id] == 1 ? NULL : "a watch moves that is not there";
	}
	return "strange state";
}

static const char *see(const struct event *e)
{
	if (e->rec.type == FIM_REC_SESSION)
		return NULL;
	if (e->rec.seq != seen.next)
		return "a number is missing";
	seen.next = e->rec.seq + 1;
	switch (e->rec.type) {
	case FIM_REC_OVERFLOW:
		seen.next = e->overflow.last_seq + 1;
		seen.lost += e->overflow.lost;
		return "the ring overflowed: the test proves nothing";
	case FIM_REC_EVENT:
		return see_event(e);
	}
	return see_state(e);
}

static const char *read_all(int fd)
{
	static struct events events;
	const char *wrong = NULL;
	size_t i;

	drain(fd, &events);
	for (i = 0; i < events.count && !wrong; i++) {
		wrong = see(&events.events[i]);
		if (wrong)
			event_print(&events.events[i]);
	}
	events_clear(&events);
	return wrong;
}

int main(void)
{
	time_t end = time(NULL) + SECONDS;
	unsigned int seed = time(NULL);
	const char *wrong = NULL;
	int fd = device_open();
	int ids[8] = {}, slot;
	struct fim_info info;
	pid_t pids[4];
	size_t i;

	workdir();
	note("seed %u", seed);
	if (mkdir("w", 0755) || mkdir("o", 0755) || watch_add(fd, "w") <= 0)
		bail("cannot watch");
	seen.next = 1;
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_worker(seed + i + 1);
	while (time(NULL) < end && !wrong) {
		slot = rand_r(&seed) % ARRAY_SIZE(ids);
		if (ids[slot] > 0)
			watch_del(fd, ids[slot]);
		ids[slot] = watch_add(fd, any(&seed));
		wrong = read_all(fd);
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	if (!wrong)
		wrong = read_all(fd);
	info_get(fd, &info);
	note("%llu events, %llu watches gone with their directory", (unsigned long long)seen.events,
	     (unsigned long long)seen.gone);
	if (!ok(!wrong && seen.next == info.seq + 1 && seen.events == info.events &&
			seen.events > 100,
		"every record is there, and every event in a watch that is there"))
		note("%s", wrong ?: "not all were read");
	ok(!info.path_missing && !info.actor_partial, "no event lacks memory");
	return done();
}
