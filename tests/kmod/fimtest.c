// SPDX-License-Identifier: GPL-2.0-only

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fimtest.h"

static unsigned int tests, failures, skips;

static void say(const char *head, const char *fmt, va_list ap)
{
	printf("%s", head);
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
}

bool ok(bool cond, const char *fmt, ...)
{
	char head[32];
	va_list ap;

	tests++;
	failures += !cond;
	snprintf(head, sizeof(head), "%sok %u - ", cond ? "" : "not ", tests);
	va_start(ap, fmt);
	say(head, fmt, ap);
	va_end(ap);
	return cond;
}

void skip(const char *why, const char *fmt, ...)
{
	va_list ap;

	tests++;
	skips++;
	printf("ok %u - ", tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" # SKIP %s\n", why);
	fflush(stdout);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("# ", fmt, ap);
	va_end(ap);
}

void bail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("# cannot go on: ", fmt, ap);
	va_end(ap);
	exit(1);
}

int done(void)
{
	printf("1..%u\n", tests);
	fflush(stdout);
	if (failures || !tests)
		return 1;
	return skips == tests ? 4 : 0;
}

int device_open(void)
{
	int fd = open(FIM_DEVICE_PATH, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		bail("open " FIM_DEVICE_PATH ": %s", strerror(errno));
	return fd;
}

static struct {
	size_t offset;
	size_t size;
	const char *name;
} attrs[] = {
#define ATTR(type, member, label) \
	[type] = {offsetof(struct event, member), sizeof(((struct event *)0)->member), label}
	ATTR(FIM_ATTR_FS_PATH, fs_path, "fs_path"),
	ATTR(FIM_ATTR_VIEW_PATH, view_path, "view_path"),
	ATTR(FIM_ATTR_OLD_FS_PATH, old_fs_path, "old_fs_path"),
	ATTR(FIM_ATTR_OLD_VIEW_PATH, old_view_path, "old_view_path"),
	ATTR(FIM_ATTR_EXE, exe, "exe"),
	ATTR(FIM_ATTR_CGROUP, cgroup, "cgroup"),
	ATTR(FIM_ATTR_XATTR_NAME, xattr, "xattr"),
	ATTR(FIM_ATTR_PARENT_COMM, parent_comm, "parent_comm"),
};

/* What is not text. */
static void parse_process(struct event *e, const struct fim_attr *attr)
{
	if (attr->type == FIM_ATTR_ARGS) {
		if (attr->len >= sizeof(e->args))
			bail("arguments are too long");
		memcpy(e->args, attr->data, attr->len);
		e->args_len = attr->len;
	} else if (attr->type == FIM_ATTR_PROCESS) {
		if (attr->len != sizeof(e->process))
			bail("struct fim_process has %u bytes", attr->len);
		memcpy(&e->process, attr->data, attr->len);
	} else if (attr->type == FIM_ATTR_ANCESTORS) {
		if (attr->len % sizeof(e->ancestors[0]) || attr->len > sizeof(e->ancestors))
			bail("ancestors have %u bytes", attr->len);
		memcpy(e->ancestors, attr->data, attr->len);
		e->ancestor_count = attr->len / sizeof(e->ancestors[0]);
	} else {
		return;
	}
	e->has |= 1U << attr->type;
}

static void parse_attrs(struct event *e, const char *bytes, size_t len)
{
	size_t pos = 0;

	while (pos < len) {
		const struct fim_attr *attr = (const void *)(bytes + pos);
		char *to;

		if (len - pos < sizeof(*attr) || len - pos < sizeof(*attr) + attr->len)
			bail("seq %llu: attribute reaches beyond its record",
			     (unsigned long long)e->rec.seq);
		if (attr->type < ARRAY_SIZE(attrs) && attrs[attr->type].size) {
			if (attr->len >= attrs[attr->type].size)
				bail("seq %llu: attribute %u is too long",
				     (unsigned long long)e->rec.seq, attr->type);
			if (HAS(e, attr->type))
				bail("seq %llu: attribute %u twice", (unsigned long long)e->rec.seq,
				     attr->type);
			to = (char *)e + attrs[attr->type].offset;
			memcpy(to, attr->data, attr->len);
			to[attr->len] = '\0';
			e->has |= 1U << attr->type;
		}
		parse_process(e, attr);
		pos += (sizeof(*attr) + attr->len + 7) & ~7UL;
	}
	if (pos != len)
		bail("seq %llu: attributes do not end with the record",
		     (unsigned long long)e->rec.seq);
}

static void parse(struct events *events, const char *buf, size_t len)
{
	static const size_t fixed[] = {
		[FIM_REC_EVENT] = sizeof(struct fim_event),
		[FIM_REC_OVERFLOW] = sizeof(struct fim_overflow),
		[FIM_REC_SESSION] = sizeof(struct fim_session),
		[FIM_REC_STATE] = sizeof(struct fim_state_change),
	};
	size_t pos = 0;

	while (pos < len) {
		const struct fim_record *rec = (const void *)(buf + pos);
		struct event *e;

		if (len - pos < sizeof(*rec) || rec->len > len - pos || rec->len % 8 ||
		    rec->len > FIM_RECORD_MAX)
			bail("record at %zu of %zu has length %u", pos, len, rec->len);
		if (rec->type >= ARRAY_SIZE(fixed) || rec->fixed_len != fixed[rec->type] ||
		    rec->fixed_len > rec->len)
			bail("record type %u, fixed part %u, length %u", rec->type, rec->fixed_len,
			     rec->len);
		if (events->count == events->room) {
			events->room = events->room ? 2 * events->room : 64;
			events->events =
				realloc(events->events, events->room * sizeof(*events->events));
			if (!events->events)
				bail("no memory");
		}
		e = &events->events[events->count++];
		memset(e, 0, offsetof(struct event, fs_path));
		e->fs_path[0] = e->view_path[0] = e->old_fs_path[0] = e->old_view_path[0] = '\0';
		e->exe[0] = e->cgroup[0] = e->xattr[0] = e->parent_comm[0] = '\0';
		memcpy(&e->rec, rec, rec->fixed_len);
		parse_attrs(e, buf + pos + rec->fixed_len, rec->len - rec->fixed_len);
		pos += rec->len;
	}
}

void drain(int fd, struct events *events)
{
	static char buf[1 << 17];
	ssize_t len;

	while ((len = read(fd, buf, sizeof(buf))) > 0)
		parse(events, buf, len);
	if (len < 0 && errno != EAGAIN)
		bail("read: %s", strerror(errno));
}

static struct event *find_record(const struct events *events, unsigned int type, unsigned int what)
{
	size_t i;

	for (i = 0; i < events->count; i++) {
		struct event *e = &events->events[i];

		if (e->rec.type == type && (type != FIM_REC_EVENT || e->ev.op == what) &&
		    (type != FIM_REC_STATE || e->state.state == what))
			return e;
	}
	return NULL;
}

struct event *drain_until(int fd, struct events *events, unsigned int type, unsigned int what)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	struct event *e;
	int i;

	for (i = 0; i < 50; i++) {
		drain(fd, events);
		e = find_record(events, type, what);
		if (e)
			return e;
		poll(&pollfd, 1, 100);
	}
	return NULL;
}

void drain_settled(int fd, struct events *events)
{
	int i;

	for (i = 0; i < 4; i++) {
		usleep(50000);
		drain(fd, events);
	}
}

void events_clear(struct events *events)
{
	events->count = 0;
}

const char *op_name(unsigned int op)
{
	static const char *const names[] = {"?",	"WRITE",  "CREATE", "MKDIR",  "SYMLINK",
					    "MKNOD",	"LINK",	  "DELETE", "RMDIR",  "RENAME",
					    "TRUNCATE", "MODE",	  "OWNER",  "TIMES",  "XATTR",
					    "ACL",	"ATTRIB", "FLAGS",  "MOUNT",  "UMOUNT",
					    "REMOUNT",	"DEVICE", "LEND",   "ACCESS", "SIGNAL",
					    "TRACE",	"UNLOAD", "ARM",    "DISARM"};

	return op < ARRAY_SIZE(names) ? names[op] : "?";
}

static void event_print_attrs(const struct event *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (attrs[i].size && HAS(e, i))
			printf(" %s=%s", attrs[i].name, (const char *)e + attrs[i].offset);
	}
}

void event_print(const struct event *e)
{
	const struct fim_actor *a = &e->ev.actor;

	printf("# seq=%llu ", (unsigned long long)e->rec.seq);
	switch (e->rec.type) {
	case FIM_REC_EVENT:
		printf("%s flags=%#x watch=%u/%u depth=%u/%u mode=%o nlink=%u ino=%llu dir=%llu size=%llu",
		       op_name(e->ev.op), e->ev.flags, e->ev.watch_id, e->ev.old_watch_id,
		       e->ev.depth, e->ev.old_depth, e->ev.mode, e->ev.nlink,
		       (unsigned long long)e->ev.object.ino, (unsigned long long)e->ev.dir.ino,
		       (unsigned long long)e->ev.size);
		printf(" pid=%u/%u vpid=%u ppid=%u uid=%u/%u loginuid=%u comm=%.16s mnt=%u",
		       a->tgid, a->pid, a->vpid, a->ppid, a->uid, a->euid, a->loginuid, a->comm,
		       a->mnt_ns);
		break;
	case FIM_REC_OVERFLOW:
		printf("OVERFLOW last=%llu lost=%llu", (unsigned long long)e->overflow.last_seq,
		       (unsigned long long)e->overflow.lost);
		break;
	case FIM_REC_SESSION:
		printf("SESSION %llu lost=%llu unread=%llu tgid=%u",
		       (unsigned long long)e->session.session, (unsigned long long)e->session.lost,
		       (unsigned long long)e->session.unread, e->session.tgid);
		break;
	case FIM_REC_STATE:
		printf("STATE %u watch=%u code=%u", e->state.state, e->state.watch_id,
		       e->state.code);
		break;
	}
	event_print_attrs(e);
	printf("\n");
	fflush(stdout);
}

void events_print(const struct events *events)
{
	size_t i;

	for (i = 0; i < events->count; i++)
		event_print(&events->events[i]);
}

struct event *find(const struct events *events, unsigned int op, unsigned int n)
{
	size_t i;

	for (i = 0; i < events->count; i++) {
		struct event *e = &events->events[i];

		if (e->rec.type == FIM_REC_EVENT && e->ev.op == op && !n--)
			return e;
	}
	return NULL;
}

struct event *find_state(const struct events *events, unsigned int state)
{
	return find_record(events, FIM_REC_STATE, state);
}

unsigned int count_ops(const struct events *events)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < events->count; i++)
		count += events->events[i].rec.type == FIM_REC_EVENT;
	return count;
}

int watch_add_fd(int fd, int dirfd)
{
	struct fim_watch watch = {.size = sizeof(watch), .fd = dirfd};

	return ioctl(fd, FIM_IOC_WATCH_ADD, &watch) ? -errno : (int)watch.watch_id;
}

int watch_add(int fd, const char *path)
{
	int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int id;

	if (dirfd < 0)
		return -errno;
	id = watch_add_fd(fd, dirfd);
	close(dirfd);
	return id;
}

int watch_del(int fd, unsigned int id)
{
	struct fim_watch_ref ref = {.size = sizeof(ref), .watch_id = id};

	return ioctl(fd, FIM_IOC_WATCH_DEL, &ref) ? -errno : 0;
}

void info_get(int fd, struct fim_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	if (ioctl(fd, FIM_IOC_INFO, info))
		bail("FIM_IOC_INFO: %s", strerror(errno));
}

int module_load(const char *file, const char *params)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return err;
}

int module_unload(void)
{
	return syscall(SYS_delete_module, "ecs_fim", O_NONBLOCK) ? -errno : 0;
}

const char *workdir(void)
{
	static char dir[] = "/var/tmp/fim.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir))
		bail("%s: %s", dir, strerror(errno));
	return dir;
}

const char *fmt(const char *format, ...)
{
	static char bufs[8][8192];
	static unsigned int next;
	char *buf = bufs[next++ % ARRAY_SIZE(bufs)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(bufs[0]), format, ap);
	va_end(ap);
	return buf;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		bail("write %s: %s", path, strerror(errno));
}

long read_number(const char *path)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = '\0';
	close(fd);
	return strtol(buf, NULL, 10);
}

int in_child(int (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid)
		_exit(fn(arg));
	if (waitpid(pid, &status, 0) != pid)
		bail("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *self_exe(void)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len < 0)
		bail("readlink /proc/self/exe: %s", strerror(errno));
	path[len] = '\0';
	return path;
}

int send_fds(int sock, const int *fds, size_t count)
{
	char control[CMSG_SPACE(4 * sizeof(int))] = {}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	return sendmsg(sock, &msg, 0) != 1;
}

int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

int fanotify_fd(const char *path)
{
	struct fanotify_event_metadata event;
	int group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDWR), fd;

	if (group < 0 || fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, path))
		return -1;
	fd = open(path, O_RDONLY);
	if (fd < 0 || close(fd) || read(group, &event, sizeof(event)) < (ssize_t)sizeof(event))
		return -1;
	close(group);
	return event.fd;
}

int uring_setup(struct io_uring_params *params)
{
	int ring = syscall(SYS_io_uring_setup, 4, params);

	return ring < 0 ? -errno : ring;
}

int uring_one(int ring, const struct io_uring_params *p, const struct io_uring_sqe *request)
{
	size_t sq_size = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	size_t cq_size = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	size_t sqes_size = p->sq_entries * sizeof(struct io_uring_sqe);
	char *sq =
		mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	char *cq =
		mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqes =
		mmap(NULL, sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	unsigned int *sq_tail = (void *)(sq + p->sq_off.tail);
	unsigned int *cq_head = (void *)(cq + p->cq_off.head);
	unsigned int *cq_tail = (void *)(cq + p->cq_off.tail);
	unsigned int enter = IORING_ENTER_GETEVENTS, slot;
	int result;

	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return -errno;
	slot = *sq_tail & (p->sq_entries - 1);
	sqes[slot] = *request;
	((unsigned int *)(sq + p->sq_off.array))[slot] = slot;
	__atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
	if (p->flags & IORING_SETUP_SQPOLL)
		enter |= IORING_ENTER_SQ_WAKEUP;
	while (__atomic_load_n(cq_tail, __ATOMIC_ACQUIRE) == *cq_head) {
		if (syscall(SYS_io_uring_enter, ring, 1, 1, enter, NULL, 0) < 0 && errno != EINTR)
			return -errno;
	}
	slot = *cq_head & (p->cq_entries - 1);
	result = ((struct io_uring_cqe *)(cq + p->cq_off.cqes))[slot].res;
	__atomic_store_n(cq_head, *cq_head + 1, __ATOMIC_RELEASE);
	munmap(sq, sq_size);
	munmap(cq, cq_size);
	munmap(sqes, sqes_size);
	return result;
}

#define TECHNIQUE_LOGINUID 4242
#define TECHNIQUE_CGROUP   "/fim-technique"

static pid_t *technique_actor;

int technique_refused(int also)
{
	switch (errno) {
	case EOPNOTSUPP:
	case ENOSYS:
	case ENOTTY:
	case EINVAL:
		return UNSUPPORTED;
	}
	return also && errno == also ? UNSUPPORTED : 1;
}

void technique_actor_is_me(void)
{
	*technique_actor = getpid();
}

static bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

static int technique_child(void *arg)
{
	const struct technique *technique = arg;

	if (!put_text("/proc/self/loginuid", fmt("%d", TECHNIQUE_LOGINUID)) ||
	    !put_text("/sys/fs/cgroup" TECHNIQUE_CGROUP "/cgroup.procs", "0"))
		return 99;
	technique_actor_is_me();
	return technique->act();
}

/* The first difference from what must be told, or NULL. */
static const char *technique_event_differs(const struct event *e, const struct technique *t,
					   unsigned int i, const char *dir)
{
	const char *path = fmt("%s/%s", dir, t->expect[i].path);
	const char *old = t->expect[i].old_path;
	const char *view = t->expect[i].view ?: t->expect[i].path;
	struct stat st;

	if (e->rec.type != FIM_REC_EVENT || e->ev.op != t->expect[i].op)
		return "the operation";
	if (strcmp(e->fs_path, path))
		return "the path";
	if (!t->any_view && strcmp(e->view_path, fmt("%s/%s", dir, view)))
		return "the path as the process sees it";
	if (strcmp(e->old_fs_path, old ? fmt("%s/%s", dir, old) : ""))
		return "the old path";
	if (!e->ev.object.ino || (!lstat(path, &st) && st.st_ino != e->ev.object.ino))
		return "the inode";
	if (e->ev.actor.tgid != (uint32_t)*technique_actor)
		return "the process";
	if (e->ev.actor.loginuid != TECHNIQUE_LOGINUID)
		return "the login uid";
	if (strcmp(e->exe, self_exe()))
		return "the executable";
	if (strcmp(e->cgroup, TECHNIQUE_CGROUP))
		return "the cgroup";
	return NULL;
}

static const char *technique_differs(const struct events *events, const struct technique *t,
				     const char *dir)
{
	unsigned int i;
	const char *what;

	for (i = 0; i < ARRAY_SIZE(t->expect) && t->expect[i].op; i++) {
		if (i >= events->count)
			return fmt("%s of %s is missing", op_name(t->expect[i].op),
				   t->expect[i].path);
		what = technique_event_differs(&events->events[i], t, i, dir);
		if (what)
			return fmt("event %u: %s", i + 1, what);
	}
	return i == events->count ? NULL : "there are more events than changes";
}

void technique_check(int fd, const char *dir, const struct technique *t)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	struct events events = {};
	unsigned int expected = 0, waits = 0;
	const char *what;
	int status, id;

	if (!technique_actor)
		technique_actor =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir("/sys/fs/cgroup" TECHNIQUE_CGROUP, 0755);
	if (system("umount -l o/mnt 2>/dev/null; rm -rf w o && mkdir -p w/dir o && echo 0123456789 >w/file &&"
		   "echo outside >o/file"))
		bail("cannot make the tree");
	id = watch_add(fd, "w");
	if (id <= 0)
		bail("cannot watch: %s", strerror(-id));
	drain(fd, &events);
	events_clear(&events);
	status = in_child(technique_child, (void *)t);
	while (expected < ARRAY_SIZE(t->expect) && t->expect[expected].op)
		expected++;
	/* What a kernel thread drops comes late; what must not come has a moment, too. */
	do {
		drain(fd, &events);
		poll(&pollfd, 1, events.count < expected ? 100 : 20);
	} while ((events.count < expected && ++waits < 50) || pollfd.revents);
	if (status == UNSUPPORTED) {
		skip("not on this kernel or file system", "%s", t->name);
	} else {
		what = status ? fmt("the act failed: %d", status)
			      : technique_differs(&events, t, dir);
		if (!ok(!what, "%s", t->name)) {
			note("differs: %s", what);
			events_print(&events);
		}
	}
	watch_del(fd, id);
	drain(fd, &events);
	free(events.events);
}
