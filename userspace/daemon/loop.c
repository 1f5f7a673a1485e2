/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: who is ready, what is due.  Owns epoll and the timer.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"

#define SETTLE_PER_TURN 64
#define SOURCE_RETRY_MS 10000
#define READY_MAX	16
#define CLOCK_JUMP_S	2
#define TRACER_MS	30000
#define STOPPED_MS	15000

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int epoll_add(struct daemon *d, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* A container's directories are watched before its first process, if the source can do that. */
static void rules_add(const struct daemon *d, struct source *source)
{
	if (!d->config->watch_containers)
		return;
	for (size_t i = 0; source->ops->rule_add && i < TREE_SCOPES; i++) {
		int err = source->ops->rule_add(source, tree_scopes[i]);

		if (err && err != -EEXIST)
			fim_log(LOG_WARNING, "%s in new roots is watched a little later: %s",
				tree_scopes[i], strerror(-err));
	}
}

/* Only `ecs-fim disarm` allows to unload it then: this process may not even do that. */
static void arm(const struct daemon *d, struct source *source)
{
	int err = 0;

	if (d->config->module_armed && source->ops->arm)
		err = source->ops->arm(source);
	if (err)
		fim_log(LOG_WARNING, "the module can be unloaded any time: it cannot be armed: %s",
			strerror(-err));
}

/* Give up the source there is, if any, and take @source over. */
static int source_take(struct daemon *d, struct source *source)
{
	int err = epoll_add(d, source->fd, EPOLLIN);

	if (err) {
		source->ops->close(source);
		return err;
	}
	if (d->source.ops)
		d->source.ops->close(&d->source);
	d->source = *source;
	d->has_seq = false;
	memset(d->strays, 0, sizeof(d->strays));
	rules_add(d, &d->source);
	arm(d, &d->source);
	return 0;
}

static bool is_module(const struct daemon *d)
{
	return d->source.ops && strcmp(d->source.ops->kind, "module") == 0;
}

/*
 * Without the module the kernel's fanotify is asked: it sees less, but not nothing.  The
 * module is tried again for as long as it is not there.
 */
static void open_fallback(struct daemon *d, int why)
{
	const char *device = d->config->device;
	struct source source;
	int err;

	d->source_retry_ms = now_ms() + SOURCE_RETRY_MS;
	if (d->source.ops)
		return;
	err = source_fanotify_open(&source);
	if (!err)
		err = source_take(d, &source);
	if (err)
		control_set(d, COMPONENT_MODULE, CONTROL_DOWN,
			    "%s cannot be opened: %s; nor is there fanotify: %s: only comparisons "
			    "find changes",
			    device, strerror(-why), strerror(-err));
	else
		control_set(d, COMPONENT_MODULE, CONTROL_DEGRADED,
			    "%s cannot be opened: %s: events come from fanotify; %s", device,
			    strerror(-why), source_fanotify_blind);
}

void daemon_open_source(struct daemon *d)
{
	struct source source;
	int err = source_module_open(d->config->device, &source);

	d->source_retry_ms = INT64_MAX;
	if (!err)
		err = source_take(d, &source);
	if (err)
		open_fallback(d, err);
	else
		control_set(d, COMPONENT_MODULE, CONTROL_UP, "%s is open", d->config->device);
}

/*
 * From fanotify to the module: both watch for a while, then what fanotify still has is
 * read under the watches it knows, and the module's records, which began before that,
 * come after.  What both tell is one change: the second finds nothing new.
 */
static void switch_to_module(struct daemon *d, struct source *module)
{
	for (const struct watch *watch = d->watches; watch; watch = watch->next) {
		uint32_t id;

		if (watch->dirfd >= 0)
			module->ops->watch_add(module, watch->dirfd, &id);
	}
	events_read(d);
	watch_exit(d);
	if (source_take(d, module))
		return;
	control_set(d, COMPONENT_MODULE, CONTROL_UP, "%s is open: events come from it again",
		    d->config->device);
}

static void watch_all(struct daemon *d)
{
	comparison_want(d, TRIGGER_START_UP);
	watch_host(d);
	for (struct tree *tree = d->containers; tree; tree = tree->next)
		if (!tree->gone && watch_container(d, tree) && !plain_is_idle(d, tree))
			settle_container(d, tree, trigger_name(TRIGGER_WATCH));
}

/* The module came (back), or some source did. */
static void retry_source(struct daemon *d)
{
	struct source module;

	if (d->source_retry_ms > now_ms())
		return;
	d->source_retry_ms = INT64_MAX;
	if (!d->source.ops) {
		daemon_open_source(d);
		if (d->source.ops)
			watch_all(d);
	} else if (!is_module(d)) {
		if (source_module_open(d->config->device, &module)) {
			d->source_retry_ms = now_ms() + SOURCE_RETRY_MS;
			return;
		}
		switch_to_module(d, &module);
		watch_all(d);
	}
}

static int signals_open(struct daemon *d)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	/* What would end or stop us is said instead. SIGCONT tells that we were stopped. */
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGUSR2);
	sigaddset(&mask, SIGALRM);
	sigaddset(&mask, SIGVTALRM);
	sigaddset(&mask, SIGPROF);
	sigaddset(&mask, SIGTSTP);
	sigaddset(&mask, SIGCONT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	d->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signal_fd < 0 ? -errno : epoll_add(d, d->signal_fd, EPOLLIN);
}

/* Who asks a watchman to leave is worth a line. */
static void sender_read(const struct signalfd_siginfo *info, char *text, size_t size)
{
	char path[64];
	char exe[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/exe", info->ssi_pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = '\0';
	if (info->ssi_code == SI_KERNEL)
		snprintf(text, size, "by the kernel");
	else
		snprintf(text, size, "by pid %u (%s, uid %u)", info->ssi_pid,
			 exe[0] ? exe : "it has ended", info->ssi_uid);
}

static void on_signal(struct daemon *d)
{
	struct signalfd_siginfo info;
	char sender[sizeof(d->stop_sender)];

	while (read(d->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			d->reload = true;
			continue;
		}
		sender_read(&info, sender, sizeof(sender));
		if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT) {
			control_set(d, COMPONENT_DAEMON, CONTROL_INFO,
				    "signal %u (%s) was sent %s and ignored", info.ssi_signo,
				    strsignal(info.ssi_signo), sender);
			continue;
		}
		d->stop = true;
		d->stop_signal = info.ssi_signo;
		memcpy(d->stop_sender, sender, sizeof(sender));
	}
}

/* A timer far away on the wall clock, which ends when somebody sets that clock. */
static void clock_arm(struct daemon *d)
{
	const struct itimerspec never = {.it_value.tv_sec = INT32_MAX};

	timerfd_settime(d->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
	d->clock_ahead_ns = fim_time_now() - now_ms() * 1000000;
}

static void on_clock(struct daemon *d)
{
	int64_t before = d->clock_ahead_ns;
	double seconds;
	uint64_t ticks;

	if (read(d->clock_fd, &ticks, sizeof(ticks)) >= 0 || errno != ECANCELED)
		return;
	clock_arm(d);
	seconds = (double)(d->clock_ahead_ns - before) / 1e9;
	/* NTP's first correction and its like: times stay comparable. */
	if (seconds > -CLOCK_JUMP_S && seconds < CLOCK_JUMP_S)
		return;
	control_set(d, COMPONENT_DAEMON, CONTROL_INFO,
		    "the clock was set by %+.3f s: times before and after do not compare; the next "
		    "comparison is due by elapsed time",
		    seconds);
}

static int timer_open(struct daemon *d)
{
	d->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->clock_fd < 0 || epoll_add(d, d->clock_fd, EPOLLIN))
		return -errno;
	clock_arm(d);
	d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return d->timer_fd < 0 ? -errno : epoll_add(d, d->timer_fd, EPOLLIN);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void timer_arm(struct daemon *d)
{
	int64_t at = pending_deadline(d);
	struct itimerspec when = {0};

	at = earliest(at, finding_deadline(d));
	at = earliest(at, rules_deadline(d));
	at = earliest(at, comparison_deadline(d));
	at = earliest(at, rescan_deadline(d));
	at = earliest(at, d->outsiders_ms);
	at = earliest(at, alerts_deadline(d));
	at = earliest(at, change_deadline(d));
	at = earliest(at, d->source_retry_ms);
	at = earliest(at, d->watchdog_next_ms);
	if (at < 1) /* zero would disarm it */
		at = 1;
	when.it_value.tv_sec = at / 1000;
	when.it_value.tv_nsec = at % 1000 * 1000000 + 1;
	timerfd_settime(d->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_ready(struct daemon *d, int fd)
{
	uint64_t ticks;

	if (fd == d->signal_fd)
		on_signal(d);
	else if (fd == d->timer_fd && read(fd, &ticks, sizeof(ticks)) < 0)
		return; /* armed again meanwhile */
	else if (fd == d->clock_fd)
		on_clock(d);
	else if (fd == d->mount_fd)
		mounts_refresh(d);
	else if (fd == d->status_fd)
		status_answer(d);
	else if (d->engine.running && fd == d->engine.news_fd)
		containers_handle(d);
	else if (fd == trail_fd(d))
		trail_handle(d);
	else if (fd == d->request_fd)
		request_accept(d);
	else
		request_serve(d, fd);
}

/* A process that looks into us could also write there. */
static void check_traced(struct daemon *d)
{
	char *text = NULL;
	const char *line;
	size_t len;
	int pid = 0;

	if (fim_file_read("/proc/self/status", 65536, &text, &len))
		return;
	line = strstr(text, "\nTracerPid:");
	if (line)
		pid = atoi(line + strlen("\nTracerPid:"));
	free(text);
	if (pid && pid != d->tracer)
		control_set(d, COMPONENT_DAEMON, CONTROL_DEGRADED, "pid %d traces the daemon", pid);
	else if (!pid && d->tracer)
		control_set(d, COMPONENT_DAEMON, CONTROL_UP, "nobody traces the daemon any more");
	d->tracer = pid;
}

static void watchdog_poll(struct daemon *d)
{
	int64_t now = now_ms();

	if (now < d->watchdog_next_ms)
		return;
	/* Long after it was due: somebody stopped us, or the whole host. */
	if (now - d->watchdog_next_ms > STOPPED_MS)
		control_set(d, COMPONENT_DAEMON, CONTROL_INFO,
			    "the daemon did not run for %lld s: stopped, or starved of CPU",
			    (long long)(now - d->watchdog_next_ms) / 1000);
	if (d->watchdog_ms)
		notify("WATCHDOG=1");
	check_traced(d);
	host_poll(d);
	sinks_poll(d);
	d->watchdog_next_ms = now + (d->watchdog_ms ? d->watchdog_ms : TRACER_MS);
}

static void do_due(struct daemon *d)
{
	watchdog_poll(d);
	settle(d, SETTLE_PER_TURN, false);
	finding_flush(d, false);
	rules_flush(d, false);
	watch_announce(d);
	watch_mark(d);
	rescan_poll(d);
	outsiders_poll(d);
	comparison_poll(d);
	retry_source(d);
	if (d->reload)
		daemon_reload(d);
	trail_poll(d);
	alerts_poll(d);
	change_poll(d);
	finding_commit(d);
	sinks_record(d);
}

int daemon_turn(struct daemon *d, int timeout_ms)
{
	struct epoll_event ready[READY_MAX];
	int count;

	timer_arm(d);
	count = epoll_wait(d->epoll_fd, ready, READY_MAX, timeout_ms);
	if (count < 0 && errno != EINTR)
		return -errno;
	/* Events first, always: a mount that is gone takes the meaning of its events along. */
	events_read(d);
	for (int i = 0; i < count; i++)
		on_ready(d, ready[i].data.fd);
	do_due(d);
	return 0;
}

int daemon_loop(struct daemon *d)
{
	int err = 0;

	while (!d->stop && !err)
		err = daemon_turn(d, -1);
	if (err)
		fim_log(LOG_ERR, "the loop failed: %s", strerror(-err));
	return err;
}

void daemon_breathe(struct daemon *d)
{
	struct pollfd mounts = {.fd = d->mount_fd, .events = POLLPRI};

	watchdog_poll(d);
	events_read(d);
	/* A container that starts now is watched from its first instruction, too. */
	if (d->mount_fd >= 0 && poll(&mounts, 1, 0) == 1)
		mounts_refresh(d);
	settle(d, SETTLE_PER_TURN, false);
	if (d->engine.running)
		containers_handle(d);
	finding_flush(d, false);
	rules_flush(d, false);
	if (d->status_fd >= 0)
		status_answer(d);
	on_signal(d);
}

int daemon_init(struct daemon *d, struct fim_config *config)
{
	int err;

	memset(d, 0, sizeof(*d));
	d->config = config;
	d->epoll_fd = d->signal_fd = d->timer_fd = d->mount_fd = d->status_fd = -1;
	d->clock_fd = d->request_fd = -1;
	for (size_t i = 0; i < PEERS_MAX; i++)
		d->peers[i] = -1;
	d->source.fd = -1;
	d->engine.news_fd = d->engine.stop_fd = d->engine.ask_fd = -1;
	change_init(d);
	d->source_retry_ms = INT64_MAX;
	d->compare_ms = INT64_MAX;
	d->watchdog_next_ms = INT64_MAX;
	d->started_ns = fim_time_now();
	d->hasher = fim_hasher_new();
	d->read_buf = malloc(READ_BUF_SIZE);
	if (!d->hasher || !d->read_buf || names_new("/etc/passwd", &d->users) ||
	    names_new("/etc/group", &d->groups) || processes_init(d) || map_init(&d->accesses) ||
	    map_init(&d->suspects) || tree_new("/", &d->host) || map_init(&d->container_table) ||
	    map_init(&d->identity_table) || rules_new(&d->rules))
		return -ENOMEM;
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0)
		return -errno;
	err = signals_open(d);
	return err ? err : timer_open(d);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void daemon_exit(struct daemon *d)
{
	struct pending *pending;

	status_close(d);
	request_close(d);
	engine_stop(&d->engine);
	if (d->source.ops)
		d->source.ops->close(&d->source);
	while ((pending = pending_due(d, true))) {
		pending_take(d, pending);
		pending_free(pending);
	}
	watch_exit(d);
	while (d->containers) {
		struct tree *tree = d->containers;

		d->containers = tree->next;
		tree_put(tree);
	}
	tree_put(d->host);
	containers_exit(d);
	history_exit(&d->history);
	trail_close(d);
	rules_free(d->rules);
	sinks_close(d);
	close_fd(&d->mount_fd);
	close_fd(&d->timer_fd);
	close_fd(&d->clock_fd);
	close_fd(&d->signal_fd);
	close_fd(&d->epoll_fd);
	fim_json_free(d->comparison);
	fim_json_free(d->compare_who);
	alerts_exit(d);
	change_exit(d);
	processes_exit(d);
	accesses_exit(d);
	outsiders_exit(d);
	own_exit(d);
	names_free(d->users);
	names_free(d->groups);
	fim_hasher_free(d->hasher);
	free(d->read_buf);
	fim_baseline_free(d->baseline);
	fim_journal_close(d->journal);
	fim_config_free(d->config);
}
