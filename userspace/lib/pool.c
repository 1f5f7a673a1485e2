/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures many objects at once and delivers them in the order in which they were
 * put.
 *
 * A ring of slots, each a batch of names of one directory, which is opened once for
 * all of them; put, taken and delivered only ever grow. The caller's thread puts,
 * delivers, and, instead of waiting, measures like the workers do: with one
 * processor there are no workers at all. Large files leave their batch and are work
 * of their own, so that the rest of the batch does not wait behind them. One lock
 * guards the counters and every slot's status; a slot's content belongs to whoever
 * its status says: QUEUED nobody, BUSY the threads that took parts of it, DONE and
 * FREE the caller's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib_private.h"

#define SLOT_COUNT  128
#define BATCH	    32
#define BIG_COUNT   (SLOT_COUNT * BATCH)
#define WORKERS_MAX 15

enum status {
	STATUS_FREE,
	STATUS_QUEUED,
	STATUS_BUSY,
	STATUS_DONE,
};

/**
 * struct job - one object of a batch
 * @name: its name, an offset into the slot's text
 * @rule: how it is measured
 * @expected: what the baseline has, NULL: nothing
 * @walk_err: its error should it be a directory
 * @packaged: what its package says is in it, NULL: nothing
 * @origin: how it relates to that
 * @look: its times are wanted
 * @same: it is as it was known, and was not measured
 * @known: how it was known, NULL: it was not
 * @record: how it is
 * @err: it could not be measured
 * @state: what was measured
 */
struct job {
	size_t name;
	const struct fim_rule *rule;
	const struct fim_state *expected;
	int walk_err;
	const struct fim_package_digest *packaged;
	enum fim_origin origin;
	bool look;
	bool same;
	const struct fim_memo_record *known;
	struct fim_memo_record record;
	int err;
	struct fim_state state;
};

/**
 * struct slot - a batch
 * @status: who it belongs to
 * @dir: number of the directory
 * @home: the directory, NULL: it is opened for the batch
 * @text: path of the directory, "" for the root, then the names
 * @used: bytes of @text
 * @room: bytes allocated for it
 * @count: jobs
 * @left: jobs not done yet
 * @jobs: the jobs
 */
struct slot {
	enum status status;
	uint64_t dir;
	struct fim_home *home;
	char *text;
	size_t used;
	size_t room;
	size_t count;
	size_t left;
	struct job jobs[BATCH];
};

struct big {
	struct slot *slot;
	struct job *job;
};

struct fim_pool {
	int root_fd;
	fim_pool_fn fn;
	void *ctx;
	struct fim_pace *pace;
	struct fim_hasher *hasher; /* of the caller's thread */
	pthread_mutex_t lock;
	pthread_cond_t work; /* something was queued, or stop */
	pthread_cond_t done; /* a slot is DONE */
	bool stop;
	size_t idle; /* workers that wait */
	uint64_t put;
	uint64_t taken;
	uint64_t delivered;
	uint64_t big_put;
	uint64_t big_taken;
	size_t worker_count;
	pthread_t workers[WORKERS_MAX];
	char path[FIM_PATH_MAX]; /* of what is being delivered */
	struct slot slots[SLOT_COUNT];
	struct big bigs[BIG_COUNT];
};

static struct slot *slot_at(struct fim_pool *pool, uint64_t number)
{
	return &pool->slots[number % SLOT_COUNT];
}

/* ---- keeping to a rate: any thread */

struct fim_pace {
	pthread_mutex_t lock;
	uint64_t rate;	 /* bytes per second */
	int64_t free_ns; /* when the next byte may be read */
};

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * FIM_NSEC_PER_SEC + now.tv_nsec;
}

void fim_pace_take(struct fim_pace *pace, uint64_t bytes)
{
	struct timespec until;
	int64_t now = monotonic_ns(), free_ns;

	pthread_mutex_lock(&pace->lock);
	if (pace->free_ns < now)
		pace->free_ns = now;
	free_ns = pace->free_ns;
	pace->free_ns += (int64_t)((double)bytes * FIM_NSEC_PER_SEC / (double)pace->rate);
	pthread_mutex_unlock(&pace->lock);
	if (free_ns <= now)
		return;
	until.tv_sec = free_ns / FIM_NSEC_PER_SEC;
	until.tv_nsec = free_ns % FIM_NSEC_PER_SEC;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static struct fim_pace *pace_new(uint64_t rate)
{
	struct fim_pace *pace = calloc(1, sizeof(*pace));

	if (pace) {
		pthread_mutex_init(&pace->lock, NULL);
		pace->rate = rate;
	}
	return pace;
}

static void pace_free(struct fim_pace *pace)
{
	if (!pace)
		return;
	pthread_mutex_destroy(&pace->lock);
	free(pace);
}

/* ---- measuring: any thread */

static void finish(struct job *job)
{
	if (!job->err && job->state.type == FIM_TYPE_DIR)
		job->err = job->walk_err;
}

void fim_home_put(struct fim_home *home)
{
	if (!home || --home->users)
		return;
	close(home->fd);
	--*home->open;
	free(home);
}

static int open_directory(const struct fim_pool *pool, const struct slot *slot)
{
	if (slot->home)
		return slot->home->fd;
	return fim_open_beneath(pool->root_fd, *slot->text ? slot->text + 1 : "",
				O_PATH | O_DIRECTORY);
}

static void close_directory(const struct slot *slot, int fd)
{
	if (fd >= 0 && !slot->home)
		close(fd);
}

/* The directory is no more, or is none: ask for the object by its whole path. */
static void measure_by_path(const struct fim_pool *pool, const struct slot *slot, struct job *job,
			    struct fim_hasher *hasher)
{
	char path[FIM_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", slot->text, slot->text + job->name);
	job->err = fim_measure_known(pool->root_fd, path + 1, job->rule, job->expected, hasher,
				     &job->state);
}

/* While what was read is still in the page cache. */
static void compare_with_package(int dir_fd, const char *name, struct job *job)
{
	if (!job->err && job->packaged && dir_fd >= 0)
		job->origin = fim_origin_at(dir_fd, name, &job->state, job->packaged);
}

static void measure_in(const struct fim_pool *pool, const struct slot *slot, int dir_fd,
		       struct job *job, uint32_t flags, struct fim_hasher *hasher)
{
	const char *name = slot->text + job->name;

	if (job->look && dir_fd >= 0 &&
	    fim_memo_look(dir_fd, *name ? name : ".", job->known, &job->record)) {
		job->same = true;
		job->state.type = FIM_TYPE_FILE;
		job->state.dev = job->record.dev;
		job->state.ino = job->record.ino;
		job->state.nlink = S_ISREG(job->record.mode) ? job->record.nlink : 0;
		return;
	}
	if (dir_fd < 0)
		measure_by_path(pool, slot, job, hasher);
	else
		job->err = fim_measure_entry(dir_fd, *name ? name : ".", flags, job->rule,
					     job->expected, hasher, &job->state);
	if (job->err == -EINPROGRESS)
		return;
	finish(job);
	compare_with_package(dir_fd, name, job);
}

/* @count jobs of a slot are done; with the lock held. */
static void slot_progress(struct fim_pool *pool, struct slot *slot, size_t count)
{
	slot->left -= count;
	if (slot->left)
		return;
	slot->status = STATUS_DONE;
	/* Nobody waits for any slot but the oldest. */
	if (slot == slot_at(pool, pool->delivered))
		pthread_cond_signal(&pool->done);
}

static void take_big(struct fim_pool *pool, struct fim_hasher *hasher)
{
	struct big big = pool->bigs[pool->big_taken++ % BIG_COUNT];
	int fd;

	pthread_mutex_unlock(&pool->lock);
	fd = open_directory(pool, big.slot);
	measure_in(pool, big.slot, fd, big.job, 0, hasher);
	close_directory(big.slot, fd);
	pthread_mutex_lock(&pool->lock);
	slot_progress(pool, big.slot, 1);
}

static void take_batch(struct fim_pool *pool, struct fim_hasher *hasher)
{
	struct slot *slot = slot_at(pool, pool->taken++);
	size_t i, done = 0;
	int fd;

	slot->status = STATUS_BUSY;
	pthread_mutex_unlock(&pool->lock);
	fd = open_directory(pool, slot);
	for (i = 0; i < slot->count; i++) {
		struct job *job = &slot->jobs[i];

		measure_in(pool, slot, fd, job, slot->count > 1 ? FIM_MEASURE_SMALL : 0, hasher);
		if (job->err != -EINPROGRESS) {
			done++;
			continue;
		}
		pthread_mutex_lock(&pool->lock);
		pool->bigs[pool->big_put++ % BIG_COUNT] = (struct big){slot, job};
		if (pool->idle)
			pthread_cond_signal(&pool->work);
		pthread_mutex_unlock(&pool->lock);
	}
	close_directory(slot, fd);
	pthread_mutex_lock(&pool->lock);
	slot_progress(pool, slot, done);
}

/* Take and measure something; called and returns with the lock held. False: nothing is queued. */
static bool take_one(struct fim_pool *pool, struct fim_hasher *hasher)
{
	if (pool->big_taken != pool->big_put)
		take_big(pool, hasher);
	else if (pool->taken != pool->put)
		take_batch(pool, hasher);
	else
		return false;
	return true;
}

static void *worker(void *arg)
{
	struct fim_hasher *hasher = fim_hasher_new();
	struct fim_pool *pool = arg;

	if (!hasher)
		return NULL; /* the others do its part */
	fim_hasher_set_pace(hasher, pool->pace);
	pthread_mutex_lock(&pool->lock);
	while (!pool->stop) {
		if (take_one(pool, hasher))
			continue;
		pool->idle++;
		pthread_cond_wait(&pool->work, &pool->lock);
		pool->idle--;
	}
	pthread_mutex_unlock(&pool->lock);
	fim_hasher_free(hasher);
	return NULL;
}

/* ---- delivering: the caller's thread */

static int deliver_job(struct fim_pool *pool, const struct slot *slot, size_t dir_len,
		       struct job *job)
{
	struct fim_pool_result result = {.path = pool->path,
					 .rule = job->rule,
					 .state = &job->state,
					 .err = job->err,
					 .origin = job->origin,
					 .same = job->same,
					 .record = &job->record};
	int err;

	/* It fits: it was cut out of such a path. */
	strcpy(pool->path + dir_len, slot->text + job->name);
	err = pool->fn(pool->ctx, &result);
	if (!job->same)
		fim_state_clear(&job->state);
	return err;
}

static int deliver_oldest(struct fim_pool *pool)
{
	struct slot *slot = slot_at(pool, pool->delivered);
	size_t i, dir_len = strlen(slot->text);
	int err = 0;

	pthread_mutex_lock(&pool->lock);
	while (slot->status != STATUS_DONE)
		if (!take_one(pool, pool->hasher))
			pthread_cond_wait(&pool->done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	memcpy(pool->path, slot->text, dir_len);
	pool->path[dir_len++] = '/';
	for (i = 0; i < slot->count && !err; i++)
		err = deliver_job(pool, slot, dir_len, &slot->jobs[i]);
	for (; i < slot->count; i++)
		fim_state_clear(&slot->jobs[i].state);
	fim_home_put(slot->home);
	slot->home = NULL;
	pthread_mutex_lock(&pool->lock);
	slot->count = 0;
	slot->status = STATUS_FREE;
	pool->delivered++;
	pthread_mutex_unlock(&pool->lock);
	return err;
}

/* ---- putting: the caller's thread */

/* The batch being filled; nobody else looks at it yet. */
static struct slot *open_batch(struct fim_pool *pool)
{
	return slot_at(pool, pool->put);
}

static int queue_batch(struct fim_pool *pool)
{
	struct slot *slot = open_batch(pool);

	if (!slot->count)
		return 0;
	pthread_mutex_lock(&pool->lock);
	slot->left = slot->count;
	slot->status = STATUS_QUEUED;
	pool->put++;
	if (pool->idle)
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	/* The next one must be free to be filled. */
	return pool->put - pool->delivered == SLOT_COUNT ? deliver_oldest(pool) : 0;
}

static int add_text(struct slot *slot, const char *text, size_t len)
{
	size_t room = slot->room ? slot->room : 1024;
	char *larger;

	while (room < slot->used + len + 1)
		room *= 2;
	if (room != slot->room) {
		larger = realloc(slot->text, room);
		if (!larger)
			return -ENOMEM;
		slot->text = larger;
		slot->room = room;
	}
	memcpy(slot->text + slot->used, text, len);
	slot->text[slot->used + len] = '\0';
	slot->used += len + 1;
	return 0;
}

int fim_pool_put(struct fim_pool *pool, const struct fim_pool_object *object)
{
	const char *name = strrchr(object->path, '/') + 1;
	struct slot *slot = open_batch(pool);
	struct job *job;
	int err = 0;

	if (slot->count && (slot->count == BATCH || slot->dir != object->dir)) {
		err = queue_batch(pool);
		slot = open_batch(pool);
	}
	if (!err && !slot->count) {
		slot->dir = object->dir;
		slot->home = object->home;
		if (slot->home)
			slot->home->users++;
		slot->used = 0;
		err = add_text(slot, object->path, (size_t)(name - object->path) - 1);
	}
	if (err)
		return err;
	job = &slot->jobs[slot->count];
	*job = (struct job){.name = slot->used,
			    .rule = object->rule,
			    .expected = object->expected,
			    .walk_err = object->walk_err,
			    .packaged = object->packaged,
			    .look = object->look,
			    .known = object->known};
	err = add_text(slot, name, strlen(name));
	slot->count += !err;
	return err;
}

int fim_pool_drain(struct fim_pool *pool)
{
	int err = queue_batch(pool);

	while (!err && pool->delivered != pool->put)
		err = deliver_oldest(pool);
	return err;
}

/* ---- opening and closing */

size_t fim_processor_count(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (size_t)CPU_COUNT(&set);
}

/* A thread that cannot be had is one worker fewer, not an error. */
static void start_workers(struct fim_pool *pool)
{
	size_t want = fim_processor_count() - 1;
	sigset_t all, before;

	want = want < WORKERS_MAX ? want : WORKERS_MAX;
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->worker_count < want &&
	       !pthread_create(&pool->workers[pool->worker_count], NULL, worker, pool))
		pool->worker_count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int fim_pool_open(int root_fd, uint64_t rate, fim_pool_fn fn, void *ctx, struct fim_pool **pool_ret)
{
	struct fim_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->hasher = fim_hasher_new();
	pool->pace = rate ? pace_new(rate) : NULL;
	if (!pool->hasher || (rate && !pool->pace)) {
		fim_hasher_free(pool->hasher);
		free(pool);
		return -ENOMEM;
	}
	fim_hasher_set_pace(pool->hasher, pool->pace);
	pool->root_fd = root_fd;
	pool->fn = fn;
	pool->ctx = ctx;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	start_workers(pool);
	*pool_ret = pool;
	return 0;
}

void fim_pool_close(struct fim_pool *pool)
{
	size_t i, j;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->worker_count; i++)
		pthread_join(pool->workers[i], NULL);
	for (i = 0; i < SLOT_COUNT; i++) {
		for (j = 0; j < pool->slots[i].count; j++)
			fim_state_clear(&pool->slots[i].jobs[j].state);
		fim_home_put(pool->slots[i].home);
		free(pool->slots[i].text);
	}
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	fim_hasher_free(pool->hasher);
	pace_free(pool->pace);
	free(pool);
}
