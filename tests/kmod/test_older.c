// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors, mappings, rings and directories that are older than the module:
 * what is done through them once it is loaded is reported all the same.
 *
 * test_older [MODULE]: the module must not be loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static const char *dir;
static struct events events;
static int to_child[2], to_test[2];

/* Between the two, the module is loaded and the watch is set. */
static void meanwhile(void)
{
	char c;

	if (write(to_test[1], "!", 1) != 1 || read(to_child[0], &c, 1) != 1)
		_exit(98);
}

static int act_descriptor(void)
{
	int fd = open("w/file", O_WRONLY);

	meanwhile();
	return write(fd, "x", 1) != 1 || close(fd);
}

static int act_descriptor_only_closed(void)
{
	int fd = open("w/file", O_WRONLY);

	meanwhile();
	return close(fd);
}

static int act_mapping(void)
{
	int fd = open("w/file", O_RDWR);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || close(fd))
		return 1;
	meanwhile();
	map[0] = 'M';
	return munmap(map, 4096);
}

static int act_mapping_at_exit(void)
{
	int fd = open("w/file", O_RDWR);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || close(fd))
		return 1;
	meanwhile();
	map[0] = 'M';
	return 0;
}

static int act_ring(void)
{
	struct io_uring_params params = {};
	int ring = uring_setup(&params), fd = open("w/file", O_WRONLY);

	if (ring < 0)
		return UNSUPPORTED;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) || close(fd))
		return 1;
	meanwhile();
	if (uring_one(ring, &params,
		      &(struct io_uring_sqe){.opcode = IORING_OP_WRITE,
					     .flags = IOSQE_FIXED_FILE,
					     .fd = 0,
					     .addr = (uintptr_t) "ring",
					     .len = 4}) != 4)
		return 2;
	return syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_FILES, NULL, 0) != 0;
}

static int act_truncate(void)
{
	int fd = open("w/file", O_WRONLY);

	meanwhile();
	return ftruncate(fd, 3) || close(fd);
}

static int act_attributes(void)
{
	int fd = open("w/file", O_RDONLY);

	meanwhile();
	return fchmod(fd, 0600) || close(fd);
}

static int act_in_old_directory(void)
{
	int fd = open("w/dir", O_RDONLY | O_DIRECTORY);

	meanwhile();
	return mkdirat(fd, "new", 0755) || close(fd);
}

static int act_in_old_cwd(void)
{
	if (chdir("w/dir"))
		return 1;
	meanwhile();
	return mkdir("new", 0755);
}

static const struct {
	const char *name;
	int (*act)(void);
	unsigned int ops[3];
	const char *path;
} cases[] = {
	/* clang-format off */
	{ "a descriptor", act_descriptor, { FIM_OP_WRITE }, "w/file" },
	{ "a descriptor that is only closed", act_descriptor_only_closed, { FIM_OP_WRITE }, "w/file" },
	{ "a mapping", act_mapping, { FIM_OP_WRITE }, "w/file" },
	{ "a mapping that is left to the exit", act_mapping_at_exit, { FIM_OP_WRITE }, "w/file" },
	{ "a file in a ring", act_ring, { FIM_OP_WRITE }, "w/file" },
	{ "ftruncate", act_truncate, { FIM_OP_TRUNCATE, FIM_OP_WRITE }, "w/file" },
	{ "fchmod", act_attributes, { FIM_OP_MODE }, "w/file" },
	{ "a descriptor of a directory", act_in_old_directory, { FIM_OP_MKDIR }, "w/dir/new" },
	{ "the current directory", act_in_old_cwd, { FIM_OP_MKDIR }, "w/dir/new" },
	/* clang-format on */
};

/* Everything but its operation; an exit has no executable left to tell. */
static bool is_by(const struct event *e, pid_t pid, const char *path, bool at_exit)
{
	return e->rec.type == FIM_REC_EVENT && !strcmp(e->fs_path, fmt("%s/%s", dir, path)) &&
	       e->ev.actor.tgid == (uint32_t)pid && e->ev.object.ino &&
	       (at_exit || !strcmp(e->exe, self_exe())) && HAS(e, FIM_ATTR_CGROUP);
}

static void check(const char *module, size_t n)
{
	bool at_exit = cases[n].act == act_mapping_at_exit, good = true;
	size_t i, expected = 0;
	int fd, err, status;
	pid_t pid;
	char c;

	if (system("rm -rf w && mkdir -p w/dir && echo 0123456789 >w/file"))
		bail("cannot make the tree");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(cases[n].act());
	/* So that a child that ends early is noticed. */
	close(to_test[1]);
	if (read(to_test[0], &c, 1) != 1) {
		waitpid(pid, &status, 0);
		skip("not on this kernel", "older than the module: %s", cases[n].name);
		return;
	}
	err = module_load(module, "");
	if (err)
		bail("%s: %s", module, strerror(-err));
	fd = device_open();
	if (watch_add(fd, "w") <= 0)
		bail("cannot watch");
	drain(fd, &events);
	events_clear(&events);
	if (write(to_child[1], "!", 1) != 1 || waitpid(pid, &status, 0) != pid)
		bail("the child is gone");
	drain(fd, &events);
	while (expected < ARRAY_SIZE(cases[n].ops) && cases[n].ops[expected])
		expected++;
	for (i = 0; i < events.count && i < expected; i++)
		good &= events.events[i].ev.op == cases[n].ops[i] &&
			is_by(&events.events[i], pid, cases[n].path, at_exit);
	if (!ok(good && !status && events.count == expected, "older than the module: %s",
		cases[n].name))
		events_print(&events);
	close(fd);
	for (i = 0; (err = module_unload()) == -EWOULDBLOCK && i < 100; i++)
		usleep(10000);
	if (err)
		bail("unload: %s", strerror(-err));
}

int main(int argc, char **argv)
{
	char module[4096];
	size_t i;

	if (!realpath(argc > 1 ? argv[1] : "ecs_fim.ko", module))
		bail("%s: %s", argc > 1 ? argv[1] : "ecs_fim.ko", strerror(errno));
	dir = workdir();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (pipe2(to_child, O_CLOEXEC) || pipe2(to_test, O_CLOEXEC))
			bail("pipe: %s", strerror(errno));
		check(module, i);
		close(to_child[0]);
		close(to_child[1]);
		close(to_test[0]);
	}
	return done();
}
