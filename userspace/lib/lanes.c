/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of up to sixteen files at once, of one thread: which file is in which lane of
 * sha256_x16.c, what was read of it, and what is left.  With fewer files than make that
 * worth it, OpenSSL goes on with each from where it is.
 *
 * A file that is not in the page cache is asked for when it is put, and waited for only
 * when all lanes are taken or nothing else is to be put: the disk has as many orders at
 * once as there are lanes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib_private.h"

#define LANE_SIZE   (32u << 10)
#define PAD_MAX	    (2 * FIM_SHA256_BLOCK)
#define LENGTH_SIZE 8
/* How much of a file that is not in the cache is asked for at once. */
#define AHEAD_SIZE (1u << 20)
/*
 * As many files are worth sixteen lanes: one round of all of them takes as long as
 * OpenSSL takes for 8 files with SHA-NI, for 3 without.
 */
#define WORTH_SHA_NI 8
#define WORTH_PLAIN  3

/**
 * struct lane - a file being read
 * @busy: there is one
 * @fd: it
 * @size: its bytes
 * @left: bytes not read yet
 * @at: the next block in @bytes
 * @blocks: blocks there
 * @err: it could not be read
 * @bytes: what was read; room for the padding
 */
struct lane {
	bool busy;
	int fd;
	uint64_t size;
	uint64_t left;
	size_t at;
	size_t blocks;
	int err;
	unsigned char *bytes;
};

struct fim_lanes {
	fim_lanes_fn fn;
	void *ctx;
	size_t worth;
	size_t busy;
	struct lane lanes[FIM_LANES];
	uint32_t state[8][FIM_LANES];
	unsigned char *bytes;
};

/* FIPS 180-4, 5.3.3 */
static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* Sixteen messages of four blocks, each with other bytes: both ways must say the same. */
static bool agrees_with_openssl(void)
{
	unsigned char bytes[FIM_LANES][4 * FIM_SHA256_BLOCK];
	const unsigned char *data[FIM_LANES];
	uint32_t state[8][FIM_LANES], one[8];
	size_t lane, i;

	for (lane = 0; lane < FIM_LANES; lane++) {
		for (i = 0; i < sizeof(bytes[0]); i++)
			bytes[lane][i] = (unsigned char)((lane + 1) * (i + 7) * 0x9e3779b1u >> 21);
		for (i = 0; i < 8; i++)
			state[i][lane] = initial[i];
		data[lane] = bytes[lane];
	}
	fim_sha256_x16(state, data, 4);
	for (lane = 0; lane < FIM_LANES; lane++) {
		memcpy(one, initial, sizeof(one));
		fim_sha256_blocks(one, bytes[lane], 4);
		for (i = 0; i < 8; i++)
			if (one[i] != state[i][lane])
				return false;
	}
	return true;
}

bool fim_lanes_work(void)
{
	static int known; /* 0: not yet; several threads may find the same */
	int works = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (!works) {
		works = fim_sha256_x16_works() && agrees_with_openssl() ? 1 : -1;
		__atomic_store_n(&known, works, __ATOMIC_RELAXED);
	}
	return works > 0;
}

struct fim_lanes *fim_lanes_new(fim_lanes_fn fn, void *ctx)
{
	struct fim_lanes *lanes;
	size_t i;

	if (!fim_lanes_work())
		return NULL;
	lanes = calloc(1, sizeof(*lanes));
	if (!lanes)
		return NULL;
	lanes->bytes = malloc((size_t)FIM_LANES * (LANE_SIZE + PAD_MAX));
	if (!lanes->bytes) {
		free(lanes);
		return NULL;
	}
	for (i = 0; i < FIM_LANES; i++)
		lanes->lanes[i].bytes = lanes->bytes + i * (LANE_SIZE + PAD_MAX);
	lanes->worth = fim_has_sha_ni() ? WORTH_SHA_NI : WORTH_PLAIN;
	lanes->fn = fn;
	lanes->ctx = ctx;
	return lanes;
}

void fim_lanes_free(struct fim_lanes *lanes)
{
	if (lanes)
		free(lanes->bytes);
	free(lanes);
}

size_t fim_lanes_busy(const struct fim_lanes *lanes)
{
	return lanes ? lanes->busy : 0;
}

bool fim_lanes_has(const struct fim_lanes *lanes, size_t index)
{
	return lanes->lanes[index].busy;
}

/* ---- one lane */

/* One bit, zeros, and the length in bits: FIPS 180-4, 5.1.1. */
static size_t pad(unsigned char *bytes, size_t len, uint64_t size)
{
	size_t end = (len + 1 + LENGTH_SIZE + FIM_SHA256_BLOCK - 1) &
		     ~(size_t)(FIM_SHA256_BLOCK - 1);
	int i;

	memset(bytes + len, 0, end - len);
	bytes[len] = 0x80;
	for (i = 0; i < LENGTH_SIZE; i++)
		bytes[end - 1 - (size_t)i] = (unsigned char)(size * 8 >> 8 * i);
	return end;
}

/* Whole blocks, or all that is left with its padding. @flags: RWF_NOWAIT: -EWOULDBLOCK if it would wait */
static int refill(struct lane *lane, int flags)
{
	size_t want = lane->left < LANE_SIZE ? (size_t)lane->left : LANE_SIZE, len = 0;
	struct iovec iov;
	ssize_t n;

	while (len < want) {
		iov = (struct iovec){lane->bytes + len, want - len};
		n = preadv2(lane->fd, &iov, 1, (off_t)(lane->size - lane->left + len), flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* That this was all of it the size will say, when it is asked for again. */
		if (!n)
			return -EBUSY;
		len += (size_t)n;
	}
	lane->left -= len;
	lane->at = 0;
	if (!lane->left)
		len = pad(lane->bytes, len, lane->size);
	lane->blocks = len / FIM_SHA256_BLOCK;
	return 0;
}

static void finish(struct fim_lanes *lanes, size_t index)
{
	struct lane *lane = &lanes->lanes[index];
	unsigned char digest[FIM_SHA256_SIZE];
	size_t i;

	for (i = 0; i < sizeof(digest); i++)
		digest[i] = (unsigned char)(lanes->state[i / 4][index] >> (24 - 8 * (i % 4)));
	lane->busy = false;
	lanes->busy--;
	/* It was shorter than it had been. */
	lanes->fn(lanes->ctx, index, lane->err == -EBUSY ? -EAGAIN : lane->err, digest);
}

void fim_lanes_start(struct fim_lanes *lanes, size_t index, int fd, uint64_t size)
{
	struct lane *lane = &lanes->lanes[index];
	size_t i;
	int err;

	lane->busy = true;
	lane->fd = fd;
	lane->size = size;
	lane->left = size;
	lane->blocks = 0;
	lane->err = 0;
	lanes->busy++;
	for (i = 0; i < 8; i++)
		lanes->state[i][index] = initial[i];
	err = refill(lane, RWF_NOWAIT);
	/* Not to be had without waiting, or not in this way on this file system: in a step. */
	if (err == -EWOULDBLOCK)
		posix_fadvise(fd, 0, size < AHEAD_SIZE ? (off_t)size : AHEAD_SIZE,
			      POSIX_FADV_WILLNEED);
}

/* ---- all of them */

static void step_together(struct fim_lanes *lanes)
{
	const unsigned char *data[FIM_LANES], *any = NULL;
	size_t i, blocks = SIZE_MAX;

	for (i = 0; i < FIM_LANES; i++) {
		const struct lane *lane = &lanes->lanes[i];

		data[i] = lane->busy ? lane->bytes + lane->at : NULL;
		if (!data[i])
			continue;
		any = data[i];
		blocks = lane->blocks < blocks ? lane->blocks : blocks;
	}
	/* What an empty lane computes nobody asks for; its bytes must only be there. */
	for (i = 0; i < FIM_LANES; i++)
		data[i] = data[i] ? data[i] : any;
	fim_sha256_x16(lanes->state, data, blocks);
	for (i = 0; i < FIM_LANES; i++)
		if (lanes->lanes[i].busy) {
			lanes->lanes[i].at += blocks * FIM_SHA256_BLOCK;
			lanes->lanes[i].blocks -= blocks;
		}
}

static void step_alone(struct fim_lanes *lanes, size_t index)
{
	struct lane *lane = &lanes->lanes[index];
	uint32_t state[8];
	size_t i;

	for (i = 0; i < 8; i++)
		state[i] = lanes->state[i][index];
	fim_sha256_blocks(state, lane->bytes + lane->at, lane->blocks);
	for (i = 0; i < 8; i++)
		lanes->state[i][index] = state[i];
	lane->blocks = 0;
}

void fim_lanes_step(struct fim_lanes *lanes)
{
	struct lane *lane;
	size_t i;

	for (i = 0; i < FIM_LANES; i++) {
		lane = &lanes->lanes[i];
		if (!lane->busy || lane->blocks)
			continue;
		lane->err = refill(lane, 0);
		if (lane->err)
			finish(lanes, i);
	}
	if (lanes->busy >= lanes->worth)
		step_together(lanes);
	for (i = 0; i < FIM_LANES; i++) {
		lane = &lanes->lanes[i];
		if (lane->busy && lanes->busy < lanes->worth && lane->blocks)
			step_alone(lanes, i);
		if (lane->busy && !lane->blocks && !lane->left)
			finish(lanes, i);
	}
}

size_t fim_lanes_place(struct fim_lanes *lanes)
{
	size_t i;

	while (lanes->busy == FIM_LANES)
		fim_lanes_step(lanes);
	for (i = 0; lanes->lanes[i].busy; i++)
		;
	return i;
}
