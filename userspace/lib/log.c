/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one piece of global state of the library: where messages go.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "lib_private.h"

/* Workers of a walk report too: one message at a time reaches the callback. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static fim_log_fn log_fn;
static void *log_ctx;

void fim_log_set(fim_log_fn fn, void *ctx)
{
	pthread_mutex_lock(&log_lock);
	log_fn = fn;
	log_ctx = ctx;
	pthread_mutex_unlock(&log_lock);
}

void fim_log(int priority, const char *fmt, ...)
{
	int saved_errno = errno;
	char *message = NULL;
	va_list args;

	pthread_mutex_lock(&log_lock);
	if (!log_fn)
		goto out;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	log_fn(log_ctx, priority, message ? message : "out of memory while reporting an error");
	free(message);
out:
	pthread_mutex_unlock(&log_lock);
	errno = saved_errno;
}
