/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures many objects at once and delivers them in the order in which they were
 * put.
 *
 * A ring of slots, each a batch of names of one directory, which is opened once for
 * all of them; put, taken and delivered only ever grow. The caller's thread puts,
 * delivers, and, instead of waiting, measures like the workers do: with one
 * processor there are no workers at all. Large files leave their batch and are work
 * of their own, so that the rest of the batch does not wait behind them. Where the
 * processor hashes several files at once (lanes.c), each thread has content of up to
 * sixteen under way, of one batch or of several. One lock
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

#define SLOT_COUNT  512
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
 * @is_file: it was a regular file when its directory was read
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
	bool is_file;
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
 * @left: jobs not done yet, and one more while somebody goes through them
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

/**
 * struct task - one job of a slot, apart from the rest
 * @slot: it
 * @job: the job
 * @size: bytes of content, of what is too big for its batch
 */
struct task {
	struct slot *slot;
	struct job *job;
	uint64_t size;
};

/**
 * struct hand - what one thread measures with
 * @pool: the pool
 * @hasher: for one file after the other
 * @lanes: for many at once; NULL: not on this processor, or not at a rate
 * @tasks: what is in the lanes
 * @readings: likewise
 */
struct hand {
	struct fim_pool *pool;
	struct fim_hasher *hasher;
	struct fim_lanes *lanes;
	struct task tasks[FIM_LANES];
	struct fim_reading readings[FIM_LANES];
};

struct fim_pool {
	int root_fd;
	fim_pool_fn fn;
	void *ctx;
	struct fim_pace *pace;
	struct hand *hand; /* of the caller's thread */
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
	struct task bigs[BIG_COUNT];
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

/* True: it is as it was known. */
static bool look(const struct slot *slot, int dir_fd, struct job *job)
{
	const char *name = slot->text + job->name;

	if (!job->look || dir_fd < 0 ||
	    !fim_memo_look(dir_fd, *name ? name : ".", job->known, &job->record))
		return false;
	job->same = true;
	job->state.type = FIM_TYPE_FILE;
	job->state.dev = job->record.dev;
	job->state.ino = job->record.ino;
	job->state.nlink = S_ISREG(job->record.mode) ? job->record.nlink : 0;
	return true;
}

/* 0: its content is in a lane now; otherwise as fim_measure_begin(). */
static int measure_in_lane(struct hand *hand, struct slot *slot, int dir_fd, struct job *job,
			   uint32_t flags, uint64_t *size_ret)
{
	const char *name = slot->text + job->name;
	struct fim_reading *reading;
	size_t place;
	int err;

	if (!hand->lanes || dir_fd < 0 || !*name)
		return -ENOTSUP;
	/* What is remembered of its times is from before it was read. */
	if (job->is_file && !job->look)
		flags |= FIM_MEASURE_LATE;
	place = fim_lanes_place(hand->lanes);
	reading = &hand->readings[place];
	err = fim_measure_begin(dir_fd, name, flags, job->rule, job->expected, reading);
	*size_ret = reading->before.stx_size;
	if (err)
		return err;
	hand->tasks[place] = (struct task){.slot = slot, .job = job};
	fim_lanes_start(hand->lanes, place, reading->fd, reading->state.size);
	return 0;
}

/* False: it is not done yet, but in a lane, or, with -EINPROGRESS in @job->err, too big. */
static bool measure_in(struct hand *hand, struct slot *slot, int dir_fd, struct job *job,
		       uint32_t flags, uint64_t *size_ret)
{
	const char *name = slot->text + job->name;

	if (look(slot, dir_fd, job))
		return true;
	job->err = measure_in_lane(hand, slot, dir_fd, job, flags, size_ret);
	if (!job->err || job->err == -EINPROGRESS)
		return false;
	if (dir_fd < 0)
		measure_by_path(hand->pool, slot, job, hand->hasher);
	else
		job->err = fim_measure_entry(dir_fd, *name ? name : ".", flags, job->rule,
					     job->expected, hand->hasher, &job->state);
	if (job->err == -EINPROGRESS)
		return false;
	finish(job);
	compare_with_package(dir_fd, name, job);
	return true;
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

/* A file in a lane was read to its end, or could not be. */
static void lane_done(void *ctx, size_t place, int err, const unsigned char digest[FIM_SHA256_SIZE])
{
	struct hand *hand = ctx;
	struct slot *slot = hand->tasks[place].slot;
	struct job *job = hand->tasks[place].job;
	struct fim_reading *reading = &hand->readings[place];
	int fd;

	err = fim_measure_end(reading, err, digest);
	if (err) {
		measure_by_path(hand->pool, slot, job, hand->hasher);
		finish(job);
	} else {
		job->state = reading->state;
	}
	if (job->packaged) {
		fd = open_directory(hand->pool, slot);
		compare_with_package(fd, slot->text + job->name, job);
		close_directory(slot, fd);
	}
	pthread_mutex_lock(&hand->pool->lock);
	slot_progress(hand->pool, slot, 1);
	pthread_mutex_unlock(&hand->pool->lock);
}

/* What takes longest is begun first; with the lock held. */
static struct task largest(struct fim_pool *pool)
{
	struct task *first = &pool->bigs[pool->big_taken % BIG_COUNT], *best = first, *big, task;
	uint64_t i;

	for (i = pool->big_taken + 1; i != pool->big_put; i++) {
		big = &pool->bigs[i % BIG_COUNT];
		if (big->size > best->size)
			best = big;
	}
	task = *best;
	*best = *first;
	pool->big_taken++;
	return task;
}

static void take_big(struct hand *hand)
{
	struct fim_pool *pool = hand->pool;
	struct task big = largest(pool);
	bool done;
	int fd;

	pthread_mutex_unlock(&pool->lock);
	fd = open_directory(pool, big.slot);
	done = measure_in(hand, big.slot, fd, big.job, 0, &big.size);
	close_directory(big.slot, fd);
	pthread_mutex_lock(&pool->lock);
	if (done)
		slot_progress(pool, big.slot, 1);
}

static void put_big(struct fim_pool *pool, const struct task *task)
{
	pthread_mutex_lock(&pool->lock);
	pool->bigs[pool->big_put++ % BIG_COUNT] = *task;
	if (pool->idle)
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

static void take_batch(struct hand *hand)
{
	struct fim_pool *pool = hand->pool;
	struct slot *slot = slot_at(pool, pool->taken++);
	struct task big = {.slot = slot};
	size_t i, count = slot->count, done = 0;
	int fd;

	slot->status = STATUS_BUSY;
	pthread_mutex_unlock(&pool->lock);
	fd = open_directory(pool, slot);
	for (i = 0; i < count; i++) {
		struct job *job = &slot->jobs[i];

		big.job = job;
		big.size = job->expected ? job->expected->size : 0;
		if (measure_in(hand, slot, fd, job, count > 1 ? FIM_MEASURE_SMALL : 0, &big.size))
			done++;
		else if (job->err)
			put_big(pool, &big);
	}
	close_directory(slot, fd);
	pthread_mutex_lock(&pool->lock);
	slot_progress(pool, slot, done + 1);
}

/* Take and measure something; called and returns with the lock held. False: there is nothing. */
static bool take_one(struct hand *hand)
{
	struct fim_pool *pool = hand->pool;
	size_t busy = fim_lanes_busy(hand->lanes);

	/* Of few large files each thread gets some, if it is to be had. */
	if (pool->big_taken != pool->big_put && !(pool->idle && busy)) {
		take_big(hand);
	} else if (pool->taken != pool->put) {
		take_batch(hand);
	} else if (busy) {
		pthread_mutex_unlock(&pool->lock);
		fim_lanes_step(hand->lanes);
		pthread_mutex_lock(&pool->lock);
	} else {
		return false;
	}
	return true;
}

static void hand_free(struct hand *hand)
{
	size_t i;

	if (!hand)
		return;
	for (i = 0; hand->lanes && i < FIM_LANES; i++)
		if (fim_lanes_has(hand->lanes, i)) {
			close(hand->readings[i].fd);
			fim_state_clear(&hand->readings[i].state);
		}
	fim_lanes_free(hand->lanes);
	fim_hasher_free(hand->hasher);
	free(hand);
}

static struct hand *hand_new(struct fim_pool *pool)
{
	struct hand *hand = calloc(1, sizeof(*hand));

	if (!hand)
		return NULL;
	hand->pool = pool;
	hand->hasher = fim_hasher_new();
	if (!hand->hasher) {
		hand_free(hand);
		return NULL;
	}
	fim_hasher_set_pace(hand->hasher, pool->pace);
	/* Whoever keeps to a rate has time. */
	if (!pool->pace)
		hand->lanes = fim_lanes_new(lane_done, hand);
	return hand;
}

static void *worker(void *arg)
{
	struct fim_pool *pool = arg;
	struct hand *hand = hand_new(pool);

	if (!hand)
		return NULL; /* the others do its part */
	pthread_mutex_lock(&pool->lock);
	while (!pool->stop) {
		if (take_one(hand))
			continue;
		pool->idle++;
		pthread_cond_wait(&pool->work, &pool->lock);
		pool->idle--;
	}
	pthread_mutex_unlock(&pool->lock);
	hand_free(hand);
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
		if (!take_one(pool->hand))
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
	slot->left = slot->count + 1;
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
			    .is_file = object->is_file,
			    .look = object->look,
			    .known = object->known};
	err = add_text(slot, name, strlen(name));
	slot->count += !err;
	return err;
}

int fim_pool_relieve(struct fim_pool *pool, const size_t *open, size_t max)
{
	int err = 0;

	while (!err && *open >= max && pool->delivered != pool->put)
		err = deliver_oldest(pool);
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

int fim_thread_start(pthread_t *thread_ret, void *(*fn)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(thread_ret, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

/* A thread that cannot be had is one worker fewer, not an error. */
static void start_workers(struct fim_pool *pool)
{
	size_t want = fim_processor_count() - 1;

	want = want < WORKERS_MAX ? want : WORKERS_MAX;
	while (pool->worker_count < want &&
	       !fim_thread_start(&pool->workers[pool->worker_count], worker, pool))
		pool->worker_count++;
}

int fim_pool_open(int root_fd, uint64_t rate, fim_pool_fn fn, void *ctx, struct fim_pool **pool_ret)
{
	struct fim_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->pace = rate ? pace_new(rate) : NULL;
	if (!rate || pool->pace)
		pool->hand = hand_new(pool);
	if (!pool->hand) {
		pace_free(pool->pace);
		free(pool);
		return -ENOMEM;
	}
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
	hand_free(pool->hand);
	for (i = 0; i < SLOT_COUNT; i++) {
		for (j = 0; j < pool->slots[i].count; j++)
			fim_state_clear(&pool->slots[i].jobs[j].state);
		fim_home_put(pool->slots[i].home);
		free(pool->slots[i].text);
	}
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	pace_free(pool->pace);
	free(pool);
}
