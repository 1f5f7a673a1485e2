// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done to the reader and to the module itself is told, and an armed module
 * stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fimtest.h"

static struct events events;

static void check(bool good, const char *name)
{
	if (!ok(good, "%s", name))
		events_print(&events);
}

static int arm(int fd, unsigned int flags)
{
	struct fim_arm request = {.size = sizeof(request), .flags = flags};

	return ioctl(fd, FIM_IOC_ARM, &request) ? -errno : 0;
}

/* What a child did, with nothing else: exactly @count events, all by a child of ours. */
static void act(int fd, int (*fn)(void *), void *arg, unsigned int count)
{
	events_clear(&events);
	if (in_child(fn, arg))
		bail("the operation itself failed");
	drain(fd, &events);
	for (size_t i = 0; i < events.count; i++)
		if (events.events[i].ev.actor.ppid != (uint32_t)getpid() ||
		    strcmp(events.events[i].exe, self_exe()) || events.events[i].ev.watch_id ||
		    HAS(&events.events[i], FIM_ATTR_FS_PATH) ||
		    events.events[i].ev.flags & FIM_EV_PATH_MISSING)
			bail("not the child's event");
	if (count_ops(&events) != count)
		events_print(&events);
}

static bool is_one(unsigned int op, unsigned int code)
{
	const struct event *e = find(&events, op, 0);

	return e && e->ev.code == code && count_ops(&events) == 1;
}

static int act_signals(void *arg)
{
	(void)arg;
	/* The reader blocks them; SIGCONT does nothing to who runs. */
	return kill(getppid(), SIGTERM) || kill(getppid(), SIGCONT);
}

static int act_nothing(void *arg)
{
	(void)arg;
	return kill(getppid(), 0) || kill(getpid(), SIGCONT);
}

static int act_tgkill(void *arg)
{
	(void)arg;
	return syscall(SYS_tgkill, getppid(), getppid(), SIGUSR1);
}

static int act_group(void *arg)
{
	(void)arg;
	return kill(0, SIGCONT);
}

static int act_attach(void *arg)
{
	int status;

	(void)arg;
	if (ptrace(PTRACE_SEIZE, getppid(), 0, 0) || ptrace(PTRACE_INTERRUPT, getppid(), 0, 0) ||
	    waitpid(getppid(), &status, __WALL) != getppid())
		return 1;
	return ptrace(PTRACE_DETACH, getppid(), 0, 0) ? 2 : 0;
}

static int act_memory(void *arg)
{
	int fd = open(fmt("/proc/%d/mem", getppid()), O_RDWR);

	(void)arg;
	return fd < 0 || close(fd);
}

static int act_look(void *arg)
{
	char link[256];

	(void)arg;
	return readlink(fmt("/proc/%d/exe", getppid()), link, sizeof(link)) < 0;
}

/* The name is on the stack, as rmmod(8) has it. */
static int act_unload(void *arg)
{
	char name[16];

	strcpy(name, arg);
	return syscall(SYS_delete_module, name, O_NONBLOCK) == 0;
}

static int act_unload_as_is(void *arg)
{
	return syscall(SYS_delete_module, arg, O_NONBLOCK) == 0;
}

#ifdef __x86_64__
/* As a 32-bit program would: by int 0x80. */
static int act_unload_32(void *arg)
{
	long result;

	(void)arg;
	asm volatile("int $0x80" : "=a"(result) : "a"(129), "b"(arg), "c"(O_NONBLOCK) : "memory");
	return result != -EWOULDBLOCK;
}

static void check_unload_32(int fd)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	strcpy(low, "ecs_fim");
	/* Trying it where there is none is a fault that the kernel complains about. */
	events_clear(&events);
	if (system("grep -q __ia32_sys_delete_module /proc/kallsyms") ||
	    in_child(act_unload_32, low)) {
		skip("this kernel has no 32-bit calls", "an unload by a 32-bit call is told");
		return;
	}
	drain(fd, &events);
	check(is_one(FIM_OP_UNLOAD, 0), "an unload by a 32-bit call is told");
}
#else
static void check_unload_32(int fd)
{
	(void)fd;
}
#endif

/* A page that nobody touched yet. */
static char *untouched_name(void)
{
	FILE *file = fopen("name", "w");
	char *page;

	if (!file || fputs("ecs_fim", file) < 0 || fclose(file))
		bail("name: %s", strerror(errno));
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("name", O_RDONLY), 0);
	if (page == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	return page;
}

/* With CAP_SYS_ADMIN, without CAP_SYS_MODULE. */
static int act_disarm_unable(void *arg)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	int fd = open(FIM_DEVICE_PATH, O_WRONLY | O_CLOEXEC);

	(void)arg;
	if (fd < 0 || syscall(SYS_capget, &header, data))
		return 1;
	data[0].effective &= ~(1U << CAP_SYS_MODULE);
	return syscall(SYS_capset, &header, data) || arm(fd, FIM_ARM_OFF) != -EPERM;
}

static int act_disarm(void *arg)
{
	int fd = open(FIM_DEVICE_PATH, O_WRONLY | O_CLOEXEC);

	(void)arg;
	return fd < 0 || arm(fd, FIM_ARM_OFF);
}

static void check_signals(int fd)
{
	act(fd, act_signals, NULL, 2);
	check(count_ops(&events) == 2 && events.events[0].ev.op == FIM_OP_SIGNAL &&
		      events.events[0].ev.code == SIGTERM &&
		      events.events[1].ev.op == FIM_OP_SIGNAL &&
		      events.events[1].ev.code == SIGCONT,
	      "signals to the reader are told, by number");
	act(fd, act_tgkill, NULL, 1);
	check(is_one(FIM_OP_SIGNAL, SIGUSR1), "a signal to one of its threads too");
	act(fd, act_group, NULL, 1);
	check(is_one(FIM_OP_SIGNAL, SIGCONT), "and one to its group");
	act(fd, act_nothing, NULL, 0);
	check(!events.count, "but not signal 0, nor signals to others");
	events_clear(&events);
	raise(SIGUSR1);
	drain(fd, &events);
	check(!events.count, "nor what the reader sends itself");
}

static void check_traces(int fd)
{
	act(fd, act_attach, NULL, 1);
	check(is_one(FIM_OP_TRACE, 0), "who attaches to the reader is told");
	act(fd, act_memory, NULL, 1);
	check(is_one(FIM_OP_TRACE, 0), "who opens its memory too");
	act(fd, act_look, NULL, 0);
	check(!events.count, "but not who looks at its executable");
}

static void check_unload(int fd)
{
	act(fd, act_unload, "ecs_fim", 1);
	check(is_one(FIM_OP_UNLOAD, 0), "who tries to unload the module is told");
	act(fd, act_unload, "ecs_fimx", 0);
	check(!events.count, "but not who unloads another one");
	act(fd, act_unload_as_is, untouched_name(), 1);
	check(is_one(FIM_OP_UNLOAD, EFAULT), "a name that cannot be read yet is told as such");
	check_unload_32(fd);
}

static void check_arms(int fd)
{
	struct fim_info info;
	int beside;

	events_clear(&events);
	ok(!arm(fd, 0) && !arm(fd, 0), "it can be armed, twice is once");
	drain(fd, &events);
	check(is_one(FIM_OP_ARM, 0), "which is told");
	info_get(fd, &info);
	ok(info.armed == 1, "and shows in its state");
	close(fd);
	ok(module_unload() == -EWOULDBLOCK, "without a reader it stays as well");
	beside = open(FIM_DEVICE_PATH, O_WRONLY | O_CLOEXEC);
	fd = device_open();
	ok(beside >= 0, "who does not read may be there beside the reader");
	ok(watch_add(beside, ".") == -EBADF, "but decides nothing about watches");
	close(beside);
	events_clear(&events);
	drain(fd, &events);
	check(find(&events, FIM_OP_UNLOAD, 0) != NULL, "the attempt waits for the reader");
	ok(arm(fd, 2) == -EINVAL, "unknown flags are refused");
	act(fd, act_disarm_unable, NULL, 0);
	check(!events.count, "who must not load modules cannot disarm it");
	act(fd, act_disarm, NULL, 1);
	check(is_one(FIM_OP_DISARM, 0), "it can be disarmed, which is told");
	info_get(fd, &info);
	ok(!info.armed, "and shows in its state");
	close(fd);
}

int main(void)
{
	sigset_t all;
	int fd;

	workdir();
	setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	fd = device_open();
	drain(fd, &events);
	check_signals(fd);
	check_traces(fd);
	check_unload(fd);
	check_arms(fd);
	return done();
}
