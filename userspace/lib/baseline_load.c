/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A baseline of a usual size in memory: while one thread reads the file, counts its lines
 * and makes the entries' memory, the other computes the digest of what is there already.
 * No line is looked into here: nobody has checked the signature yet.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

/* Below it a thread takes longer to start than it saves. */
#define WORTH_SIZE (1u << 20)
#define CHUNK_SIZE (1u << 20)
/*
 * No object takes less. Of a file that may be anybody's, one with shorter lines gets no memory
 * before its signature was checked.
 */
#define LINE_MIN 32

/**
 * struct load - a file being read
 * @fd: it
 * @size: its bytes
 * @bytes: room for them and one more
 * @lock: guards what follows; its last two belong to the reading thread until @result is set
 * @more: there is more
 * @len: bytes that are there
 * @result: 1 while it is being read, then 0 or -errno
 * @lines: newlines
 * @entries: zeroes, one for each line; NULL: not made here
 */
struct load {
	int fd;
	size_t size;
	char *bytes;
	pthread_mutex_t lock;
	pthread_cond_t more;
	size_t len;
	int result;
	size_t lines;
	struct fim_entry *entries;
};

/* On the pages that are within. What a kernel does not know (before 5.14) takes longer. */
static void advise(void *memory, size_t size, int advice)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
	uintptr_t end = ((uintptr_t)memory + size) / page * page;

	if (memory && end > begin)
		madvise((void *)begin, end - begin, advice);
}

ssize_t fim_read_some(int fd, char *bytes, size_t len)
{
	ssize_t n;

	do
		n = read(fd, bytes, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* All of it will be written to: one call takes less than a fault for each page. */
struct fim_entry *fim_entries_new(size_t lines)
{
	struct fim_entry *entries = calloc(lines, sizeof(*entries));

	advise(entries, lines * sizeof(*entries), MADV_HUGEPAGE);
	advise(entries, lines * sizeof(*entries), MADV_POPULATE_WRITE);
	return entries;
}

size_t fim_lines_count(const char *bytes, size_t len)
{
	const char *end = bytes + len;
	size_t lines = 0;

	for (; (bytes = memchr(bytes, '\n', (size_t)(end - bytes))); bytes++)
		lines++;
	return lines;
}

/* ---- reading */

static void publish(struct load *load, size_t len, int result)
{
	pthread_mutex_lock(&load->lock);
	load->len = len;
	load->result = result;
	pthread_cond_signal(&load->more);
	pthread_mutex_unlock(&load->lock);
}

static void *read_all(void *arg)
{
	struct load *load = arg;
	size_t len = 0, want;
	ssize_t n = 1;

	while (n > 0 && len <= load->size) {
		want = load->size + 1 - len;
		want = want < CHUNK_SIZE ? want : CHUNK_SIZE;
		advise(load->bytes + len, want, MADV_POPULATE_WRITE);
		n = fim_read_some(load->fd, load->bytes + len, want);
		if (n <= 0)
			break;
		load->lines += fim_lines_count(load->bytes + len, (size_t)n);
		len += (size_t)n;
		publish(load, len < load->size ? len : load->size, 1);
	}
	if (!n && len == load->size && load->lines <= load->size / LINE_MIN)
		load->entries = fim_entries_new(load->lines);
	publish(load, load->size, n < 0 ? (int)n : !n && len == load->size ? 0 : -EAGAIN);
	return NULL;
}

/* ---- the digest */

/* At least one byte more than @seen, or all. */
static int wait_for(struct load *load, size_t seen, size_t *len_ret)
{
	int result;

	pthread_mutex_lock(&load->lock);
	while (load->result > 0 && load->len == seen)
		pthread_cond_wait(&load->more, &load->lock);
	*len_ret = load->len;
	result = load->result;
	pthread_mutex_unlock(&load->lock);
	return result;
}

/*
 * The last line is not part of the digest that it names. Where it begins is known when all is
 * there; one that is longer than this is no such line, and its digest nobody looks at.
 */
static int hash_above(struct load *load, struct fim_hasher *hasher, size_t *hashed_ret)
{
	size_t end = load->size > FIM_TRAILER_SIZE ? load->size - FIM_TRAILER_SIZE : 0;
	size_t seen = 0, hashed = 0, upto;
	int err = 0, result;

	do {
		result = wait_for(load, seen, &seen);
		upto = seen < end ? seen : end;
		if (!err && upto > hashed)
			err = fim_hasher_update(hasher, load->bytes + hashed, upto - hashed);
		hashed = upto;
	} while (result > 0);
	*hashed_ret = hashed;
	return result ? result : err;
}

static int hash_end(const struct load *load, struct fim_hasher *hasher, size_t hashed,
		    struct fim_facts *facts)
{
	const char *newline = load->size > 1 ? memrchr(load->bytes, '\n', load->size - 1) : NULL;
	size_t above = newline ? (size_t)(newline + 1 - load->bytes) : 0;
	int err = 0;

	if (above >= hashed) {
		err = fim_hasher_update(hasher, load->bytes + hashed, above - hashed);
		hashed = above;
		if (!err)
			err = fim_hasher_peek(hasher, facts->above);
	}
	if (!err)
		err = fim_hasher_update(hasher, load->bytes + hashed, load->size - hashed);
	return err ? err : fim_hasher_final(hasher, facts->digest);
}

static int take_facts(struct load *load, struct fim_facts *facts_ret)
{
	struct fim_hasher *hasher = fim_hasher_new();
	struct fim_facts facts = {.size = load->size};
	size_t hashed;
	int err = hasher ? hash_above(load, hasher, &hashed) : -ENOMEM;

	if (!err)
		err = hash_end(load, hasher, hashed, &facts);
	fim_hasher_free(hasher);
	if (err)
		return err;
	facts.last = load->size ? load->bytes[load->size - 1] : '\0';
	*facts_ret = facts;
	return 0;
}

/* ---- both */

static void load_init(struct load *load)
{
	pthread_mutex_init(&load->lock, NULL);
	pthread_cond_init(&load->more, NULL);
}

static void load_destroy(struct load *load)
{
	pthread_cond_destroy(&load->more);
	pthread_mutex_destroy(&load->lock);
}

int fim_facts_of(const char *bytes, size_t len, struct fim_facts *facts_ret)
{
	struct load load = {.size = len, .bytes = (char *)bytes, .len = len};
	int err;

	load_init(&load);
	err = take_facts(&load, facts_ret);
	if (!err)
		facts_ret->lines = fim_lines_count(bytes, len);
	load_destroy(&load);
	return err;
}

int fim_facts_load(int fd, size_t size, char **bytes_ret, struct fim_entry **entries_ret,
		   struct fim_facts *facts_ret)
{
	struct load load = {.fd = fd, .size = size, .bytes = malloc(size + 1), .result = 1};
	pthread_t thread;
	bool other;
	int err;

	if (!load.bytes)
		return -ENOMEM;
	load_init(&load);
	advise(load.bytes, size, MADV_HUGEPAGE);
	other = size >= WORTH_SIZE && fim_processor_count() > 1 &&
		!fim_thread_start(&thread, read_all, &load);
	if (!other)
		read_all(&load);
	err = take_facts(&load, facts_ret);
	if (other)
		pthread_join(thread, NULL);
	load_destroy(&load);
	if (err) {
		free(load.entries);
		free(load.bytes);
		return err;
	}
	facts_ret->lines = load.lines;
	*bytes_ret = load.bytes;
	*entries_ret = load.entries;
	return 0;
}
