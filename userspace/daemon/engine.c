/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to Docker, in a thread of its own because a request blocks.
 *
 * The thread owns both Docker handles and whatever it builds until it is in the queue;
 * then the loop owns it.  Shared are only the queue and the list of ids asked for,
 * under one lock that nobody holds while waiting for anything.
 *
 * Events are a hint (Docker forgets them when a reader is slow or when it restarts);
 * the control is the full list every RECONCILE_S, after each reconnection, and soon
 * after events came late.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <poll.h>
#include <unistd.h>

#include "daemon.h"

#define RECONCILE_S	 300
#define LATE_MS		 2000  /* events that old: Docker drops what is not read */
#define LIST_SOON_MS	 10000 /* until the list that tells what was dropped, or not known yet */
#define BACKOFF_MIN_MS	 500
#define BACKOFF_MAX_MS	 2000  /* one connect(2) each: an engine that is back is noticed soon */
#define ABSENT_MAX_MS	 60000 /* nobody listens: whoever will makes the socket first */
#define ASKED_MAX	 1024
#define AGENT_TIMEOUT_MS 1000
#define CONFIRMED_MAX	 16384

/* The thread's own. */
struct follower {
	struct engine *engine;
	struct fim_docker *docker; /* for requests; events have a connection of their own */
	int wake_fd;		   /* epoll: stop, ask or time to reconcile */
	int timer_fd;
	int request_fd;	      /* epoll: what ends a request: stop, or the socket was replaced */
	int socket_fd;	      /* inotify: the socket's inode lost a name */
	int made_fd;	      /* inotify: something was made where the socket is */
	int64_t since_ns;     /* events before this were told */
	bool first;	      /* list since the start */
	bool up;	      /* this connection's list was answered */
	bool soon;	      /* the next list comes before its time */
	int64_t list_ms;      /* how long the last one took */
	struct map confirmed; /* ids whose task the ECS agent knows: it is not asked again */
	bool instance_told;
	char **later; /* asked for and identified, but not inspected yet */
	size_t later_count;
};

void engine_news_free(struct engine_news *news)
{
	if (!news)
		return;
	fim_container_free(news->container);
	fim_json_free(news->inspect);
	free(news->text);
	free(news->root);
	free(news->image);
	free(news->action);
	fim_json_free(news->exec);
	free(news);
}

static void post(struct engine *engine, struct engine_news *news)
{
	uint64_t one = 1;

	pthread_mutex_lock(&engine->lock);
	*engine->news_tail = news;
	engine->news_tail = &news->next;
	pthread_mutex_unlock(&engine->lock);
	if (write(engine->news_fd, &one, sizeof(one)) < 0)
		return; /* full: then it is readable anyway */
}

static void post_about(struct engine *engine, int what, const char *text, const char *trigger)
{
	struct engine_news *news = calloc(1, sizeof(*news));

	if (!news)
		return;
	news->what = what;
	news->trigger = trigger;
	news->text = strdup(text ? text : "");
	if (!news->text)
		engine_news_free(news);
	else
		post(engine, news);
}

static void post_text(struct engine *engine, int what, const char *text)
{
	post_about(engine, what, text, NULL);
}

static bool fd_take(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static bool is_readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

/* The stop descriptor stays readable: nobody takes what is in it. */
static bool is_stopped(const struct engine *engine)
{
	return is_readable(engine->stop_fd);
}

/* Where its root is mounted: overlay2 says so, other stores do not. */
static char *merged_dir(const struct fim_json *inspect)
{
	const char *dir = fim_json_str(fim_json_at(inspect, "GraphDriver/Data/MergedDir"));

	return strdup(dir ? dir : "");
}

static void confirmed_free(struct map_node *node)
{
	free(node);
}

/* Once, when the agent answers: it registers the host some time after it starts. */
static void tell_instance(struct follower *f)
{
	struct engine_news *news;
	struct fim_json *instance;

	if (f->instance_told)
		return;
	instance = fim_agent_instance(f->engine->agent, AGENT_TIMEOUT_MS);
	news = instance ? calloc(1, sizeof(*news)) : NULL;
	if (!news) {
		fim_json_free(instance);
		return;
	}
	news->what = ENGINE_INSTANCE;
	news->inspect = instance;
	f->instance_told = true;
	post(f->engine, news);
}

/* The agent's word on the labels, asked for until it is given. */
static int check_task(struct follower *f, struct fim_container *container)
{
	struct map_node *node;
	int err;

	if (!container->running || !*container->task_arn || container->task_check)
		return 0;
	if (map_find(&f->confirmed, container->id)) {
		container->task_check = "confirmed";
		return 0;
	}
	err = fim_agent_check(f->engine->agent, AGENT_TIMEOUT_MS, container);
	if (err || !container->task_check || strcmp(container->task_check, "confirmed") != 0)
		return err;
	tell_instance(f);
	if (f->confirmed.count >= CONFIRMED_MAX)
		map_clear(&f->confirmed, confirmed_free);
	node = calloc(1, sizeof(*node));
	if (node && map_put(&f->confirmed, container->id, node))
		free(node);
	return 0;
}

/* Where its root is: a mount, or a directory. */
static int root_set(struct engine_news *news, const struct fim_json *inspect)
{
	int err = plain_root(inspect, &news->root, &news->image);

	if (err == -ENOENT)
		news->root = merged_dir(inspect);
	return news->root ? 0 : -ENOMEM;
}

static bool is_only_created(const struct fim_json *inspect)
{
	const char *status = fim_json_str(fim_json_at(inspect, "State/Status"));

	return status && strcmp(status, "created") == 0;
}

/* A list sooner than usual, but not one after the other where each takes long. */
static void list_soon(struct follower *f)
{
	int64_t wait_ms = 10 * f->list_ms > LIST_SOON_MS ? 10 * f->list_ms : LIST_SOON_MS;
	struct itimerspec soon = {{RECONCILE_S, 0}, {wait_ms / 1000, 0}};

	if (!f->soon && wait_ms < RECONCILE_S * 1000)
		f->soon = !timerfd_settime(f->timer_fd, 0, &soon, NULL);
}

/* What the kernel shows; while the runtime is still at work that is looked at again later. */
static int check_truth(struct follower *f, const struct fim_json *inspect,
		       struct fim_container *container)
{
	int err = fim_truth_check(inspect, container);

	if (err == -EAGAIN)
		list_soon(f);
	return err == -EAGAIN ? 0 : err;
}

/* Takes over @inspect, which was asked for at @asked_ns. */
static struct engine_news *container_news(struct follower *f, struct fim_json *inspect,
					  const char *trigger, int64_t asked_ns)
{
	struct engine_news *news = calloc(1, sizeof(*news));

	if (!news) {
		fim_json_free(inspect);
		return NULL;
	}
	news->what = ENGINE_CONTAINER;
	news->inspect = inspect;
	news->trigger = trigger;
	news->untouched_ns = is_only_created(inspect) ? asked_ns : 0;
	if (root_set(news, inspect) || fim_container_from_inspect(inspect, &news->container) ||
	    check_truth(f, inspect, news->container) || check_task(f, news->container)) {
		engine_news_free(news);
		return NULL;
	}
	return news;
}

/* What ends the connection and not only this answer. */
static bool is_lost(int err)
{
	return err == -ECANCELED || err == -ETIMEDOUT || err == -ECONNREFUSED || err == -ECONNRESET;
}

/* Who it is: that the engine tells at once. */
static int tell_identity(struct follower *f, const char *id)
{
	struct fim_json *summary;
	struct engine_news *news;
	int err = fim_docker_summary(f->docker, id, &summary);

	if (err)
		return err;
	news = calloc(1, sizeof(*news));
	if (news)
		news->what = ENGINE_IDENTITY;
	err = news ? fim_container_from_summary(summary, &news->container) : -ENOMEM;
	fim_json_free(summary);
	if (err)
		engine_news_free(news);
	else
		post(f->engine, news);
	return err;
}

static bool is_later(const struct follower *f, const char *id)
{
	for (size_t i = 0; i < f->later_count; i++)
		if (strcmp(f->later[i], id) == 0)
			return true;
	return false;
}

/* Takes over @id. */
static void put_later(struct follower *f, char *id)
{
	char **later = f->later_count < ASKED_MAX && !is_later(f, id)
			       ? reallocarray(f->later, f->later_count + 1, sizeof(*later))
			       : NULL;

	if (!later) {
		free(id);
		return;
	}
	f->later = later;
	later[f->later_count++] = id;
}

static void forget_later(struct follower *f)
{
	while (f->later_count)
		free(f->later[--f->later_count]);
}

/* Somebody waits for these. */
static void identify_asked(struct follower *f)
{
	struct engine *engine = f->engine;
	char **asked;
	size_t count;
	int err = 0;

	if (!is_readable(engine->ask_fd))
		return;
	fd_take(engine->ask_fd);
	pthread_mutex_lock(&engine->lock);
	asked = engine->asked;
	count = engine->asked_count;
	engine->asked = NULL;
	engine->asked_count = 0;
	pthread_mutex_unlock(&engine->lock);
	for (size_t i = 0; i < count; i++) {
		if (!is_lost(err))
			err = tell_identity(f, asked[i]);
		put_later(f, asked[i]);
	}
	free(asked);
}

/*
 * An engine holds a container locked while it starts it and answers no inspection until then,
 * on a busy host for many seconds: whoever waits for another one is answered meanwhile.
 */
static int inspect(struct follower *f, const char *id, struct fim_json **inspect_ret)
{
	struct epoll_event event = {.events = EPOLLIN};
	const int64_t start = now_ms();
	int err;

	do {
		identify_asked(f);
		epoll_ctl(f->request_fd, EPOLL_CTL_ADD, f->engine->ask_fd, &event);
		err = fim_docker_inspect(f->docker, id, inspect_ret);
		epoll_ctl(f->request_fd, EPOLL_CTL_DEL, f->engine->ask_fd, NULL);
		/* What is not there is the socket: nobody said that the container is not. */
		if (err == -ENOENT && is_readable(f->socket_fd))
			return -ECANCELED;
		if (err != -ECANCELED || is_stopped(f->engine) || is_readable(f->socket_fd))
			return err;
	} while (now_ms() - start < f->engine->timeout_ms);
	return -ETIMEDOUT;
}

static int tell_container(struct follower *f, const char *id, const char *trigger)
{
	struct engine_news *news = NULL;
	struct fim_json *document = NULL;
	int64_t asked_ns = fim_time_now();
	int err = inspect(f, id, &document);

	/* Locked, maybe for good: an engine that can still list it does not hang. */
	if (err == -ETIMEDOUT && !is_lost(tell_identity(f, id)))
		err = -EBUSY;
	if (is_lost(err))
		return err;
	if (err == -ENOENT) {
		post_about(f->engine, ENGINE_GONE, id, trigger);
		return 0;
	}
	if (!err)
		news = container_news(f, document, trigger, asked_ns);
	if (news)
		post(f->engine, news);
	else
		post_text(f->engine, ENGINE_REFUSED, id);
	return 0;
}

static int answer_asked(struct follower *f)
{
	int err = 0;

	identify_asked(f);
	/* More of them may come while one is inspected. */
	while (f->later_count && !err) {
		char *id = f->later[0];

		f->later_count--;
		memmove(f->later, f->later + 1, f->later_count * sizeof(*f->later));
		err = tell_container(f, id, "event");
		free(id);
	}
	return err;
}

/* One state of containers of a list; whoever waits for an answer does not wait for all of them. */
static int tell_listed(struct follower *f, const struct fim_json *list, bool running)
{
	int err = 0;

	for (size_t i = 0; i < fim_json_count(list) && !err; i++) {
		const struct fim_json *entry = fim_json_index(list, i);
		const char *id = fim_json_get_str(entry, "Id");
		const char *state = fim_json_get_str(entry, "State");

		if (!id || (state && strcmp(state, "running") == 0) != running)
			continue;
		err = answer_asked(f);
		if (!err)
			err = tell_container(f, id, f->first ? "start-up" : "reconcile");
	}
	return err;
}

/*
 * An engine that lists its containers is up: each of thousands that ended long ago may be
 * asked about later.  One that can only say its name is not.
 */
static int tell_all(struct follower *f)
{
	int64_t start = now_ms();
	struct fim_json *list;
	int err = fim_docker_list(f->docker, true, &list);

	if (err)
		return err;
	f->soon = false; /* what comes up while these are told wants another one */
	if (!f->up)
		post_text(f->engine, ENGINE_UP, fim_docker_api_version(f->docker));
	f->up = true;
	err = tell_listed(f, list, true);
	if (!err)
		err = tell_listed(f, list, false);
	fim_json_free(list);
	if (err)
		return err;
	f->first = false;
	f->list_ms = now_ms() - start;
	post_text(f->engine, ENGINE_LISTED, NULL);
	return 0;
}

/*
 * What happens inside a container that its settings do not show.  The event does not say
 * how an exec was asked for; the engine forgets it after some minutes: ask at once.
 */
static void tell_access(struct follower *f, const char *id, const char *action,
			const struct fim_json *event)
{
	const char *exec_id = fim_json_str(fim_json_at(event, "Actor/Attributes/execID"));
	struct engine_news *news = calloc(1, sizeof(*news));

	if (!news)
		return;
	news->what = ENGINE_ACCESS;
	news->text = strdup(id);
	news->action = strndup(action, strcspn(action, ":"));
	if (exec_id && fim_docker_exec(f->docker, exec_id, &news->exec))
		news->exec = NULL;
	if (news->text && news->action)
		post(f->engine, news);
	else
		engine_news_free(news);
}

static bool is_access(const char *action)
{
	static const char *const actions[] = {"exec_start:",  "attach",		"copy",
					      "archive-path", "extract-to-dir", "commit"};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strncmp(action, actions[i], strlen(actions[i])) == 0)
			return true;
	return false;
}

static int event_tell(struct follower *f, const struct fim_json *event)
{
	static const char *const inspected[] = {"create", "start", "restart", "unpause",
						"die",	  "stop",  "update",  "rename"};
	const char *type = fim_json_get_str(event, "Type");
	const char *action = fim_json_get_str(event, "Action");
	const char *id = fim_json_str(fim_json_at(event, "Actor/ID"));

	if (!type || !action || !id || strcmp(type, "container") != 0)
		return 0;
	if (strcmp(action, "destroy") == 0) {
		post_text(f->engine, ENGINE_GONE, id);
		return 0;
	}
	if (is_access(action)) {
		tell_access(f, id, action, event);
		return 0;
	}
	for (size_t i = 0; i < sizeof(inspected) / sizeof(inspected[0]); i++)
		if (strcmp(action, inspected[i]) == 0)
			return tell_container(f, id,
					      strcmp(action, "start") == 0 ? "start" : "event");
	return 0;
}

/* What could not be told is asked for again after the next connection. */
static int on_event(void *ctx, const struct fim_json *event)
{
	struct follower *f = ctx;
	int64_t time_ns = fim_json_get_int(event, "timeNano", 0);
	int err = answer_asked(f);

	if (!err)
		err = event_tell(f, event);
	if (!err && time_ns >= f->since_ns)
		f->since_ns = time_ns + 1;
	if (fim_time_now() - time_ns >= LATE_MS * INT64_C(1000000))
		list_soon(f);
	return err;
}

/* Follow one connection until it ends; -ECANCELED: the thread must end. */
static int follow(struct follower *f)
{
	int err = 0;

	while (!err) {
		err = fim_docker_events(f->docker, f->since_ns, on_event, f->wake_fd, f);
		if (is_stopped(f->engine))
			return -ECANCELED;
		if (err != -ECANCELED)
			return err ? err : -EPIPE;
		if (is_readable(f->socket_fd))
			return -ECANCELED;
		err = answer_asked(f);
		if (!err && fd_take(f->timer_fd))
			err = tell_all(f);
	}
	return err;
}

/* What it told of so far does not count. */
static void inotify_drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/*
 * An answer may be waited for long, but not from one whose socket is not there any more:
 * whoever took its name is asked instead.
 */
static void socket_watch(struct follower *f)
{
	inotify_drain(f->socket_fd);
	/* Not there: then there is nobody to wait for either. */
	inotify_add_watch(f->socket_fd, f->engine->socket,
			  IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
}

/* Why it ended. */
static int connect_and_follow(struct follower *f, int64_t *backoff_ms)
{
	int err;

	f->up = false;
	socket_watch(f);
	err = fim_docker_open_wakeable(f->engine->socket, f->engine->timeout_ms, f->request_fd,
				       &f->docker);

	if (!err) {
		/* From before the list, so that nothing falls between the two; what the engine
		 * still knows of the time without it is told, too. */
		if (!f->since_ns)
			f->since_ns = fim_time_now();
		err = tell_all(f);
		if (!err) {
			*backoff_ms = BACKOFF_MIN_MS;
			err = follow(f);
		}
		fim_docker_close(f->docker);
		f->docker = NULL;
		forget_later(f); /* the next list has them */
	}
	if (!is_stopped(f->engine))
		post_text(f->engine, ENGINE_DOWN,
			  err == -ECANCELED ? "its socket was replaced"
			  : err == -EPIPE   ? "the stream of events ended"
					    : strerror(-err));
	return err;
}

/* From before the next attempt: what is made after it is not missed. */
static void made_watch(struct follower *f)
{
	char *dir = strdup(f->engine->socket);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (slash) {
		slash[slash == dir] = '\0';
		inotify_add_watch(f->made_fd, dir, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
	}
	free(dir);
	inotify_drain(f->made_fd);
}

static bool is_made(const struct follower *f)
{
	char events[4096] __attribute__((aligned(8)));
	ssize_t len = read(f->made_fd, events, sizeof(events));
	bool made = false;

	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(events + at);

		made |= event->len && strcmp(event->name, basename(f->engine->socket)) == 0;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return made;
}

/*
 * Wait before the next attempt, but no longer than until somebody makes the socket: an
 * engine that is back is asked at once. True: somebody did.
 */
static bool back_off(const struct follower *f, int64_t ms)
{
	int64_t until = now_ms() + ms;
	struct pollfd fds[] = {{.fd = f->engine->stop_fd, .events = POLLIN},
			       {.fd = f->made_fd, .events = POLLIN}};

	while (now_ms() < until && poll(fds, 2, (int)(until - now_ms())) > 0 && !fds[0].revents)
		if (is_made(f))
			return true;
	return false;
}

static int wake_open(struct follower *f)
{
	struct itimerspec every = {{RECONCILE_S, 0}, {RECONCILE_S, 0}};
	struct epoll_event event = {.events = EPOLLIN};
	const int fds[] = {f->engine->stop_fd, f->socket_fd, f->engine->ask_fd, f->timer_fd};

	if (f->wake_fd < 0 || f->request_fd < 0 || f->socket_fd < 0 || f->made_fd < 0 ||
	    f->timer_fd < 0 || timerfd_settime(f->timer_fd, 0, &every, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (epoll_ctl(f->wake_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
			return -errno;
		/* Of these the first two end what is being asked for as well. */
		if (i < 2 && epoll_ctl(f->request_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
			return -errno;
	}
	return 0;
}

static void *engine_thread(void *ctx)
{
	struct follower f = {.engine = ctx, .first = true};
	int64_t backoff_ms = BACKOFF_MIN_MS, max_ms;
	int err;

	f.wake_fd = epoll_create1(EPOLL_CLOEXEC);
	f.request_fd = epoll_create1(EPOLL_CLOEXEC);
	f.socket_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	f.made_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	f.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	err = map_init(&f.confirmed);
	if (!err)
		err = wake_open(&f);
	if (err) {
		post_text(f.engine, ENGINE_DOWN, strerror(-err));
		goto out;
	}
	while (!is_stopped(f.engine)) {
		made_watch(&f);
		err = connect_and_follow(&f, &backoff_ms);
		max_ms = err == -ENOENT || err == -ECONNREFUSED ? ABSENT_MAX_MS : BACKOFF_MAX_MS;
		/* It is made before anybody listens: the first attempts follow each other soon. */
		if (back_off(&f, backoff_ms))
			backoff_ms = BACKOFF_MIN_MS;
		else
			backoff_ms = 2 * backoff_ms < max_ms ? 2 * backoff_ms : max_ms;
	}
out:
	if (f.wake_fd >= 0)
		close(f.wake_fd);
	if (f.request_fd >= 0)
		close(f.request_fd);
	if (f.socket_fd >= 0)
		close(f.socket_fd);
	if (f.made_fd >= 0)
		close(f.made_fd);
	if (f.timer_fd >= 0)
		close(f.timer_fd);
	if (f.confirmed.slots)
		map_exit(&f.confirmed, confirmed_free);
	forget_later(&f);
	free(f.later);
	return NULL;
}

int engine_start(struct engine *engine, const char *socket, const char *agent, uint32_t timeout_ms)
{
	int err;

	engine->timeout_ms = timeout_ms;
	engine->socket = strdup(socket);
	engine->agent = strdup(agent);
	engine->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->news_tail = &engine->news;
	if (!engine->socket || !engine->agent || engine->news_fd < 0 || engine->stop_fd < 0 ||
	    engine->ask_fd < 0)
		return -ENOMEM;
	pthread_mutex_init(&engine->lock, NULL);
	err = fim_thread_start(&engine->thread, engine_thread, engine);
	engine->running = !err;
	return err;
}

struct engine_news *engine_take(struct engine *engine)
{
	struct engine_news *news;

	fd_take(engine->news_fd);
	pthread_mutex_lock(&engine->lock);
	news = engine->news;
	engine->news = NULL;
	engine->news_tail = &engine->news;
	pthread_mutex_unlock(&engine->lock);
	return news;
}

void engine_ask(struct engine *engine, const char *id)
{
	uint64_t one = 1;
	char **asked;

	if (!engine->running)
		return;
	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < engine->asked_count; i++)
		if (strcmp(engine->asked[i], id) == 0) {
			pthread_mutex_unlock(&engine->lock);
			return;
		}
	asked = engine->asked_count < ASKED_MAX
			? reallocarray(engine->asked, engine->asked_count + 1, sizeof(*asked))
			: NULL;
	if (asked) {
		engine->asked = asked;
		asked[engine->asked_count] = strdup(id);
		if (asked[engine->asked_count])
			engine->asked_count++;
	}
	pthread_mutex_unlock(&engine->lock);
	if (write(engine->ask_fd, &one, sizeof(one)) < 0)
		return; /* full: it is readable anyway */
}

void engine_stop(struct engine *engine)
{
	struct engine_news *news;
	uint64_t one = 1;

	if (engine->running) {
		if (write(engine->stop_fd, &one, sizeof(one)) != sizeof(one))
			fim_log(LOG_WARNING, "the Docker thread cannot be told to end");
		pthread_join(engine->thread, NULL);
		engine->running = false;
		news = engine_take(engine);
		while (news) {
			struct engine_news *next = news->next;

			engine_news_free(news);
			news = next;
		}
		for (size_t i = 0; i < engine->asked_count; i++)
			free(engine->asked[i]);
		free(engine->asked);
		pthread_mutex_destroy(&engine->lock);
	}
	if (engine->news_fd >= 0)
		close(engine->news_fd);
	if (engine->stop_fd >= 0)
		close(engine->stop_fd);
	if (engine->ask_fd >= 0)
		close(engine->ask_fd);
	free(engine->socket);
	free(engine->agent);
}
