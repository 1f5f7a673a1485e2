// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload the module again and again while others write: each time the
 * last write before the watch is deleted is delivered, and nothing stays behind.
 *
 * test_reload [MODULE [CYCLES]]: the module must not be loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;
static char module[4096];

/* Creates, writes, changes, renames and deletes until it is killed. */
static void busy(int n)
{
	const char *names[] = {fmt("w/busy%d", n), fmt("o/busy%d", n)};
	unsigned int i;
	int fd;

	/* So that loading, which is work, is not most of the time spent. */
	if (nice(10) < 0)
		_exit(1);
	for (i = 0;; i++) {
		const char *name = names[i % 2];

		fd = open(name, O_WRONLY | O_CREAT, 0644);
		if (write(fd, "x", 1) != 1)
			_exit(1);
		fchmod(fd, i % 3 ? 0600 : 0644);
		if (i % 4)
			close(fd);
		rename(name, names[(i + 1) % 2]);
		unlink(names[(i + 1) % 2]);
		if (!(i % 4))
			close(fd);
	}
}

static int act_final_write(void *arg)
{
	int fd = open("w/final", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	return write(fd, arg, strlen(arg)) != (ssize_t)strlen(arg) || close(fd);
}

/* Returns NULL, or what went wrong. */
static const char *cycle(int i)
{
	bool delivered = false;
	char text[32];
	int err, fd, id;
	size_t j;

	err = module_load(module, i % 2 ? "ring_kb=16384" : "ring_kb=8192");
	if (err)
		return fmt("load: %s", strerror(-err));
	fd = device_open();
	id = watch_add(fd, "w");
	if (id <= 0)
		return fmt("watch: %s", strerror(-id));
	snprintf(text, sizeof(text), "%0*d", i % 20 + 1, i);
	if (in_child(act_final_write, text))
		return "the final write failed";
	/* Every third time the watch and unread records are left to the unload. */
	if (i % 3)
		watch_del(fd, id);
	events_clear(&events);
	drain(fd, &events);
	for (j = 0; j < events.count; j++) {
		const struct event *e = &events.events[j];

		delivered |= e->rec.type == FIM_REC_EVENT && e->ev.op == FIM_OP_WRITE &&
			     strstr(e->fs_path, "/w/final") && e->ev.size == strlen(text) &&
			     e->ev.flags == (FIM_EV_ACTOR_OPENER | FIM_EV_MODIFIED);
		if (e->rec.type == FIM_REC_OVERFLOW)
			return "the ring overflowed: the test proves nothing";
	}
	if (!delivered)
		return fmt("the final write is not among %zu records", events.count);
	if (i % 3 && events.events[events.count - 1].state.state != FIM_STATE_WATCH_REMOVED)
		return "the last record is not the watch's end";
	if (module_unload() != -EWOULDBLOCK)
		return "unloaded while the device is open";
	close(fd);
	/* A descriptor's release may lag behind a dying child's. */
	for (j = 0; (err = module_unload()) == -EWOULDBLOCK && j < 100; j++)
		usleep(10000);
	return err ? fmt("unload: %s", strerror(-err)) : NULL;
}

/* Active objects of a slab cache, 0 if there is none. */
static long slab_objects(const char *cache)
{
	char line[512], name[64];
	long active, found = 0;
	FILE *file = fopen("/proc/slabinfo", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %ld", name, &active) == 2 && !strcmp(name, cache))
			found = active;
	}
	if (file)
		fclose(file);
	return found;
}

/* Memory in use after everybody, the kernel too, gave back what it can. */
static long used_kb(void)
{
	char line[256];
	long total = 0, available = 0;
	FILE *file;

	free(events.events);
	events = (struct events){};
	malloc_trim(0);
	sync();
	if (system("echo 3 >/proc/sys/vm/drop_caches"))
		return 0;
	usleep(300000);
	file = fopen("/proc/meminfo", "r");
	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "MemTotal: %ld", &total);
		sscanf(line, "MemFree: %ld", &available);
	}
	if (file)
		fclose(file);
	return total - available;
}

static long vmalloc_used(void)
{
	char line[256];
	long kb = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "VmallocUsed: %ld", &kb);
	if (file)
		fclose(file);
	return kb;
}

int main(int argc, char **argv)
{
	long connectors, vmalloc, used;
	int cycles = argc > 2 ? atoi(argv[2]) : 100, i;
	const char *wrong = NULL;
	struct stat st;
	pid_t pids[3];

	if (!realpath(argc > 1 ? argv[1] : "ecs_fim.ko", module))
		bail("%s: %s", argc > 1 ? argv[1] : "ecs_fim.ko", strerror(errno));
	workdir();
	if (mkdir("w", 0755) || mkdir("o", 0755))
		bail("mkdir: %s", strerror(errno));
	ok(module_load(module, "ring_kb=banana") == -EINVAL,
	   "a parameter that is no number is refused");
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			busy(i);
	}
	/* The first cycles fill caches that stay; then nothing may grow. */
	for (i = 0; i < cycles / 3 && !wrong; i++)
		wrong = cycle(i);
	usleep(300000);
	used = used_kb();
	vmalloc = vmalloc_used();
	connectors = slab_objects("fsnotify_mark_connector");
	for (; i < cycles && !wrong; i++)
		wrong = cycle(i);
	if (!ok(!wrong, "%d times load, watch, a last write delivered, unload", cycles))
		note("cycle %d: %s", i, wrong);
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	usleep(500000);
	note("connectors %ld -> %ld, vmalloc %ld -> %ld kB, used %ld -> %ld kB", connectors,
	     slab_objects("fsnotify_mark_connector"), vmalloc, vmalloc_used(), used, used_kb());
	ok(stat("/sys/module/ecs_fim", &st) && access(FIM_DEVICE_PATH, F_OK),
	   "module and device are gone");
	ok(!slab_objects("ecs_fim_record"), "its record cache is gone");
	/* KASAN keeps what was freed for a while; there kmemleak looks (health). */
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		skip("KASAN keeps what is free", "no mark stays behind");
	else
		ok(slab_objects("fsnotify_mark_connector") <= connectors + 32,
		   "no mark stays behind");
	/* A ring, a table of openers: one left per cycle would be a gigabyte. */
	ok(vmalloc_used() <= vmalloc + 4096, "no ring or table stays behind");
	/* Some megabytes more or less lie in lists of the CPUs. */
	ok(used_kb() <= used + 32768, "no memory stays behind");
	return done();
}
