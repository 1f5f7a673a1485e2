/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures many objects at once and delivers them in the order in which they were
 * put.
 *
 * A ring of slots; put, taken and delivered only ever grow. The caller's thread puts,
 * delivers, and, instead of waiting, measures like the workers do: with one
 * processor there are no workers at all. One lock guards the counters and every
 * slot's status; a slot's content belongs to whoever its status says: QUEUED nobody,
 * BUSY the thread that took it, DONE and FREE the caller's thread.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define SLOT_COUNT  512
#define WORKERS_MAX 15

enum status {
	STATUS_FREE,
	STATUS_QUEUED,
	STATUS_BUSY,
	STATUS_DONE,
};

struct slot {
	enum status status;
	struct fim_pool_result result;
	uint32_t flags;
	int walk_err;
};

struct fim_pool {
	int root_fd;
	fim_pool_fn fn;
	void *ctx;
	struct fim_hasher *hasher; /* of the caller's thread */
	pthread_mutex_t lock;
	pthread_cond_t work; /* something was put, or stop */
	pthread_cond_t done; /* a slot is DONE */
	bool stop;
	uint64_t put;
	uint64_t taken;
	uint64_t delivered;
	size_t worker_count;
	pthread_t workers[WORKERS_MAX];
	struct slot slots[SLOT_COUNT];
};

static struct slot *slot_at(struct fim_pool *pool, uint64_t number)
{
	return &pool->slots[number % SLOT_COUNT];
}

/* ---- measuring: any thread */

static void measure(const struct fim_pool *pool, struct slot *slot, struct fim_hasher *hasher)
{
	struct fim_pool_result *result = &slot->result;

	/* "" for "/" */
	result->err = fim_measure_known(pool->root_fd, result->path + 1, slot->flags, hasher,
					&result->state);
	if (!result->err && result->state.type == FIM_TYPE_DIR)
		result->err = slot->walk_err;
}

/* Take and measure one slot; called and returns with the lock held. False: none is queued. */
static bool take_one(struct fim_pool *pool, struct fim_hasher *hasher)
{
	struct slot *slot;

	if (pool->taken == pool->put)
		return false;
	slot = slot_at(pool, pool->taken++);
	slot->status = STATUS_BUSY;
	pthread_mutex_unlock(&pool->lock);
	measure(pool, slot, hasher);
	pthread_mutex_lock(&pool->lock);
	slot->status = STATUS_DONE;
	/* Nobody waits for any slot but the oldest. */
	if (slot == slot_at(pool, pool->delivered))
		pthread_cond_signal(&pool->done);
	return true;
}

static void *worker(void *arg)
{
	struct fim_hasher *hasher = fim_hasher_new();
	struct fim_pool *pool = arg;

	if (!hasher)
		return NULL; /* the others do its part */
	pthread_mutex_lock(&pool->lock);
	while (!pool->stop)
		if (!take_one(pool, hasher))
			pthread_cond_wait(&pool->work, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	fim_hasher_free(hasher);
	return NULL;
}

/* ---- delivering: the caller's thread */

static int deliver_oldest(struct fim_pool *pool)
{
	struct slot *slot = slot_at(pool, pool->delivered);
	int err;

	pthread_mutex_lock(&pool->lock);
	while (slot->status != STATUS_DONE)
		if (!take_one(pool, pool->hasher))
			pthread_cond_wait(&pool->done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	err = pool->fn(pool->ctx, &slot->result);
	fim_state_clear(&slot->result.state);
	pthread_mutex_lock(&pool->lock);
	slot->status = STATUS_FREE;
	pool->delivered++;
	pthread_mutex_unlock(&pool->lock);
	return err;
}

int fim_pool_put(struct fim_pool *pool, const char *path, uint32_t flags, int walk_err)
{
	struct slot *slot;
	size_t size = strlen(path) + 1;
	int err;

	if (pool->put - pool->delivered == SLOT_COUNT) {
		err = deliver_oldest(pool);
		if (err)
			return err;
	}
	slot = slot_at(pool, pool->put);
	if (size > slot->result.path_size) {
		free(slot->result.path);
		slot->result.path_size = 0;
		slot->result.path = malloc(size);
		if (!slot->result.path)
			return -ENOMEM;
		slot->result.path_size = size;
	}
	memcpy(slot->result.path, path, size);
	slot->flags = flags;
	slot->walk_err = walk_err;
	pthread_mutex_lock(&pool->lock);
	slot->status = STATUS_QUEUED;
	pool->put++;
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	return 0;
}

int fim_pool_drain(struct fim_pool *pool)
{
	int err = 0;

	while (!err && pool->delivered != pool->put)
		err = deliver_oldest(pool);
	return err;
}

/* ---- opening and closing */

static size_t processor_count(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (size_t)CPU_COUNT(&set);
}

/* A thread that cannot be had is one worker fewer, not an error. */
static void start_workers(struct fim_pool *pool)
{
	size_t want = processor_count() - 1;
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

int fim_pool_open(int root_fd, fim_pool_fn fn, void *ctx, struct fim_pool **pool_ret)
{
	struct fim_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->hasher = fim_hasher_new();
	if (!pool->hasher) {
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
	size_t i;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->worker_count; i++)
		pthread_join(pool->workers[i], NULL);
	for (i = 0; i < SLOT_COUNT; i++) {
		fim_state_clear(&pool->slots[i].result.state);
		free(pool->slots[i].result.path);
	}
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	fim_hasher_free(pool->hasher);
	free(pool);
}
