/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls the daemon may still make once it is set up: what it needs to
 * watch, measure, write and send.  Whoever finds a way to run code in it can start no
 * program, trace, mount, load or unload nothing, and reach no network.
 *
 * systemd filters too, but not a daemon that somebody starts by hand.
 */
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon.h"

/* clang-format off */
static const char *const allowed[] = {
	/* memory, threads, signals */
	"brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "membarrier", "mlock", "mlock2", "munlock", "mincore", "futex",
	"futex_waitv", "set_robust_list", "get_robust_list", "rseq", "clone", "clone3",
	"set_tid_address", "sched_yield", "sched_getaffinity", "gettid", "getpid", "getppid",
	"getuid", "geteuid", "getgid", "getegid", "exit", "exit_group", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sigreturn", "signalfd4", "tgkill",
	"restart_syscall", "arch_prctl", "prlimit64", "getrlimit", "getrusage", "sysinfo", "uname",
	/* time, waiting; adjtimex() only tells: without CAP_SYS_TIME it sets nothing */
	"adjtimex", "clock_adjtime", "clock_adjtime64",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "epoll_create1", "epoll_ctl",
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6",
	"eventfd2", "pipe2", "getrandom",
	/* files: reading, measuring, its own journal and state */
	"open", "openat", "openat2", "close", "close_range", "read", "readv", "pread64", "preadv", "preadv2",
	"write", "writev", "pwrite64", "lseek", "_llseek", "stat", "fstat", "lstat", "newfstatat",
	"fstatat64", "stat64", "fstat64", "lstat64", "statx", "statfs", "fstatfs", "statfs64",
	"fstatfs64", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64",
	"getcwd", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
	"name_to_handle_at", "open_by_handle_at", "fadvise64", "readahead", "dup", "dup2", "dup3",
	"fcntl", "fcntl64", "flock", "fsync", "fdatasync", "sync_file_range", "ftruncate",
	"ftruncate64", "fallocate", "mkdir", "mkdirat", "rename", "renameat", "renameat2",
	"unlink", "unlinkat", "rmdir", "link", "linkat", "chmod", "fchmod", "fchmodat", "umask",
	"utimensat", "ioctl",
	/* the kernel's events; whether a process still is who it was */
	"fanotify_init", "fanotify_mark", "pidfd_open", "pidfd_send_signal", "inotify_init1",
	"inotify_add_watch", "inotify_rm_watch",
	/* Docker, status, audit, syslog, the service manager; socket() is below */
	"connect", "bind", "listen", "accept", "accept4", "shutdown", "sendto", "sendmsg",
	"sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "getsockname", "getpeername",
	"setsockopt", "getsockopt",
};
/* clang-format on */

static int allow_socket(scmp_filter_ctx ctx, int call, int family)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
}

static int rules_add(scmp_filter_ctx ctx, bool inet)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !err; i++) {
		int call = seccomp_syscall_resolve_name(allowed[i]);

		/* Unknown to an older libseccomp, or to this architecture (negative). */
		if (call != __NR_SCMP_ERROR && call >= 0)
			err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 0);
	}
	if (!err)
		err = allow_socket(ctx, SCMP_SYS(socket), AF_UNIX);
	if (!err)
		err = allow_socket(ctx, SCMP_SYS(socket), AF_NETLINK);
	if (!err && inet)
		err = allow_socket(ctx, SCMP_SYS(socket), AF_INET);
	if (!err)
		err = allow_socket(ctx, SCMP_SYS(socketpair), AF_UNIX);
	/* prctl(2) names threads; capset(2) and the rest of it are done with by now. */
	if (!err)
		err = allow_socket(ctx, SCMP_SYS(prctl), 15 /* PR_SET_NAME */);
	return err;
}

int seccomp_enter(bool inet)
{
	/* Not "not permitted": who asks for something newer falls back to what is older. */
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err = ctx ? 0 : -ENOMEM;

	if (!err)
		err = rules_add(ctx, inet);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	if (err)
		fim_log(LOG_ERR, "the system call filter cannot be set up: %s", strerror(-err));
	return err;
}
