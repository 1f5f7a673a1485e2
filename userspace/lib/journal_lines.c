/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This file owns getting the lines of a segment: read, hashed and scanned, which is most
 * of what reading a journal costs and needs to know nothing of the line before.  A second
 * thread does it ahead of the caller, some blocks at a time; who waits for a block does
 * one meanwhile, so that both processors are busy whatever the caller does with a line.
 * Whether a line is right is not judged here.
 */
#include "journal_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the processor's own cache holds together with the lines' members. */
#define READ_SIZE ((size_t)64 << 10)
#define BLOCKS	  8
/* Below it a thread takes longer to start than it saves. */
#define WORTH_SIZE (1 << 20)

enum state {
	FREE = 0,
	TAKEN, /* somebody hashes and scans it */
	READY,
};

/*
 * struct block - some lines
 * @buf: their text, and what of the next line was read with it
 * @len: of whole lines; @rest_len: behind them
 * @err: why nothing comes after these lines; @is_last: nothing does
 * @lines: of which @given were asked for
 * @members: of all lines, one after the other
 */
struct block {
	enum state state;
	char *buf;
	size_t size;
	size_t len;
	size_t rest_len;
	int err;
	bool is_last;
	struct fim_read_line *lines;
	size_t count;
	size_t room;
	size_t given;
	struct fim_member *members;
	size_t member_count;
	size_t member_room;
};

/*
 * struct fim_lines - a segment being read
 * @lock: for all below; a block that is TAKEN belongs to who took it, one that is READY to
 *	the caller once it is the one at @given
 * @filled: blocks read from the file so far; @given: blocks that the caller is done with
 * @at_end: nothing more is to be read
 */
struct fim_lines {
	struct fim_gunzip *in;
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t change;
	uint64_t filled;
	uint64_t given;
	bool at_end;
	bool stop;
	struct fim_hasher *hashers[2]; /* of the caller, of the thread */
	struct block blocks[BLOCKS];
};

static struct block *block_of(struct fim_lines *lines, uint64_t number)
{
	return &lines->blocks[number % BLOCKS];
}

/* ---------------------------------------------------------------- reading */

static int make_room(struct block *block, size_t size)
{
	char *grown;

	if (block->size >= size)
		return 0;
	grown = realloc(block->buf, size);
	if (!grown)
		return -ENOMEM;
	block->buf = grown;
	block->size = size;
	return 0;
}

/* What was read of a line that the block before could not hold. */
static int begin_block(struct fim_lines *lines, struct block *block)
{
	const struct block *before = lines->filled ? block_of(lines, lines->filled - 1) : NULL;
	size_t len = before ? before->rest_len : 0;
	int err = make_room(block, len + READ_SIZE);

	block->rest_len = 0;
	if (err || !len)
		return err;
	memcpy(block->buf, before->buf + before->len, len);
	block->rest_len = len;
	return 0;
}

/* Reads until there is a whole line. */
static void fill(struct fim_lines *lines, struct block *block)
{
	const char *newline = NULL;
	ssize_t got;

	block->len = 0;
	block->err = begin_block(lines, block);
	while (!block->err && !newline && !lines->at_end) {
		if (block->rest_len > FIM_JOURNAL_LINE_MAX) {
			block->err = -EMSGSIZE;
			break;
		}
		block->err = make_room(block, block->rest_len + READ_SIZE);
		if (block->err)
			break;
		got = fim_gunzip_read(lines->in, block->buf + block->rest_len, READ_SIZE);
		if (got < 0) {
			block->err = (int)got;
			break;
		}
		lines->at_end = got == 0;
		if (got)
			newline = memrchr(block->buf + block->rest_len, '\n', (size_t)got);
		block->rest_len += (size_t)got;
	}
	if (newline) {
		block->len = (size_t)(newline + 1 - block->buf);
		block->rest_len -= block->len;
	}
	if (block->rest_len > FIM_JOURNAL_LINE_MAX)
		block->err = -EMSGSIZE;
	lines->at_end |= block->err != 0;
	block->is_last = lines->at_end;
}

/* --------------------------------------------------------------- scanning */

static struct fim_span *head_member(struct fim_head *head, const struct fim_span *key)
{
	if (fim_span_is(key, "seq"))
		return &head->seq;
	if (fim_span_is(key, "time"))
		return &head->time;
	if (fim_span_is(key, "boot_id"))
		return &head->boot_id;
	if (fim_span_is(key, "type"))
		return &head->type;
	return fim_span_is(key, "prev") ? &head->prev : NULL;
}

static int note_member(void *ctx, const struct fim_span *parent, const struct fim_span *key,
		       const struct fim_span *value)
{
	struct fim_read_line *line = ctx;
	struct fim_span *member = parent ? NULL : head_member(&line->head, key);

	fim_members_add(&line->members, parent, key, value);
	if (!member)
		return 0;
	/* Twice: no two readers would agree on which counts. */
	if (member->kind != FIM_SPAN_NONE)
		return -EINVAL;
	*member = *value;
	return 0;
}

static int begin_line(struct block *block, const char *text, size_t len)
{
	struct fim_member *members = block->members;
	struct fim_read_line *lines = block->lines;
	size_t want = block->member_count + FIM_MEMBERS_MAX;

	if (block->count == block->room) {
		lines = realloc(lines, (block->room + 64) * sizeof(*lines));
		if (!lines)
			return -ENOMEM;
		block->lines = lines;
		block->room += 64;
	}
	if (want > block->member_room) {
		want += want / 2;
		members = realloc(members, want * sizeof(*members));
		if (!members)
			return -ENOMEM;
		block->members = members;
		block->member_room = want;
	}
	lines[block->count] = (struct fim_read_line){.text = text, .len = len};
	return 0;
}

static int digest_of(struct fim_hasher *hasher, struct fim_read_line *line)
{
	int err = fim_hasher_reset(hasher);

	if (!err)
		err = fim_hasher_update(hasher, line->text, line->len);
	return err ? err : fim_hasher_final(hasher, line->digest);
}

static size_t kept(const struct fim_read_line *line)
{
	return line->members.count < FIM_MEMBERS_MAX ? line->members.count : FIM_MEMBERS_MAX;
}

static int scan_line(struct block *block, struct fim_hasher *hasher, const char *text, size_t len)
{
	int err = begin_line(block, text, len);
	struct fim_read_line *line;

	if (err)
		return err;
	if (len > FIM_JOURNAL_LINE_MAX)
		return -EMSGSIZE;
	line = &block->lines[block->count];
	line->members.items = block->members + block->member_count;
	line->err = fim_scan(text, len - 1, note_member, line);
	block->member_count += kept(line);
	err = digest_of(hasher, line);
	block->count += !err;
	return err;
}

/* An error ends the reading at the line that it is about. */
static void scan_block(struct block *block, struct fim_hasher *hasher)
{
	const char *at = block->buf, *end = block->buf + block->len, *next;
	size_t first = 0, i;
	int err = 0;

	block->count = block->given = block->member_count = 0;
	for (; !err && at < end; at = next) {
		next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		err = scan_line(block, hasher, at, (size_t)(next - at));
	}
	if (err) {
		block->err = err;
		block->is_last = true;
	}
	/* Only now: the array may have moved as it grew. */
	for (i = 0; i < block->count; i++) {
		block->lines[i].members.items = block->members + first;
		first += kept(&block->lines[i]);
	}
}

/* ---------------------------------------------------------------- threads */

static bool can_take(const struct fim_lines *lines)
{
	return !lines->at_end && lines->filled - lines->given < BLOCKS;
}

/* Locked, and unlocked meanwhile: reading is in order, hashing and scanning is not. */
static void do_block(struct fim_lines *lines, struct fim_hasher *hasher)
{
	struct block *block = block_of(lines, lines->filled);

	block->state = TAKEN;
	fill(lines, block);
	lines->filled++;
	pthread_mutex_unlock(&lines->lock);
	scan_block(block, hasher);
	pthread_mutex_lock(&lines->lock);
	block->state = READY;
	lines->at_end |= block->is_last;
	pthread_cond_broadcast(&lines->change);
}

static void *read_ahead(void *arg)
{
	struct fim_lines *lines = arg;

	pthread_mutex_lock(&lines->lock);
	while (!lines->stop && !lines->at_end) {
		if (can_take(lines))
			do_block(lines, lines->hashers[1]);
		else
			pthread_cond_wait(&lines->change, &lines->lock);
	}
	pthread_mutex_unlock(&lines->lock);
	return NULL;
}

static struct block *wait_for_block(struct fim_lines *lines)
{
	struct block *block = block_of(lines, lines->given);

	pthread_mutex_lock(&lines->lock);
	while (block->state != READY) {
		if (can_take(lines))
			do_block(lines, lines->hashers[0]);
		else
			pthread_cond_wait(&lines->change, &lines->lock);
	}
	pthread_mutex_unlock(&lines->lock);
	return block;
}

static void give_back(struct fim_lines *lines, struct block *block)
{
	pthread_mutex_lock(&lines->lock);
	block->state = FREE;
	lines->given++;
	pthread_cond_broadcast(&lines->change);
	pthread_mutex_unlock(&lines->lock);
}

/* ---------------------------------------------------------------- callers */

int fim_lines_next(struct fim_lines *lines, const struct fim_read_line **line_ret)
{
	struct block *block;

	for (;;) {
		block = wait_for_block(lines);
		if (block->given < block->count) {
			*line_ret = &block->lines[block->given++];
			return 1;
		}
		if (block->is_last)
			return block->err;
		give_back(lines, block);
	}
}

const char *fim_lines_rest(struct fim_lines *lines, size_t *len_ret)
{
	const struct block *block = block_of(lines, lines->given);

	*len_ret = block->rest_len;
	return block->buf + block->len;
}

/* A thread that cannot be had is no error. */
static void start_thread(struct fim_lines *lines)
{
	lines->hashers[1] = fim_hasher_new();
	lines->has_thread = lines->hashers[1] &&
			    !fim_thread_start(&lines->thread, read_ahead, lines);
}

int fim_lines_open(int fd, bool gzip, struct fim_lines **lines_ret)
{
	struct fim_lines *lines = calloc(1, sizeof(*lines));
	struct stat st;
	bool large = !fstat(fd, &st) && st.st_size >= WORTH_SIZE;
	int err = -ENOMEM;

	if (!lines) {
		close(fd);
		return err;
	}
	pthread_mutex_init(&lines->lock, NULL);
	pthread_cond_init(&lines->change, NULL);
	lines->hashers[0] = fim_hasher_new();
	if (lines->hashers[0])
		err = fim_gunzip_open(fd, gzip, &lines->in);
	else
		close(fd);
	if (err) {
		fim_lines_close(lines);
		return err;
	}
	if (large && fim_processor_count() > 1)
		start_thread(lines);
	*lines_ret = lines;
	return 0;
}

void fim_lines_close(struct fim_lines *lines)
{
	if (!lines)
		return;
	if (lines->has_thread) {
		pthread_mutex_lock(&lines->lock);
		lines->stop = true;
		pthread_cond_broadcast(&lines->change);
		pthread_mutex_unlock(&lines->lock);
		pthread_join(lines->thread, NULL);
	}
	fim_gunzip_close(lines->in);
	for (size_t i = 0; i < BLOCKS; i++) {
		free(lines->blocks[i].buf);
		free(lines->blocks[i].lines);
		free(lines->blocks[i].members);
	}
	fim_hasher_free(lines->hashers[0]);
	fim_hasher_free(lines->hashers[1]);
	pthread_cond_destroy(&lines->change);
	pthread_mutex_destroy(&lines->lock);
	free(lines);
}
