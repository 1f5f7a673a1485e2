// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks, at load, the code that touches nothing: the ring's arithmetic and the
 * layout of attributes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "ecs_fim.h"

#define CHECK(cond)                                                                    \
	do {                                                                           \
		if (!(cond)) {                                                         \
			pr_err("not loaded: selftest line %d: %s\n", __LINE__, #cond); \
			return false;                                                  \
		}                                                                      \
	} while (0)

/* Not a multiple of the record's size: every wrap splits it elsewhere. */
#define TEST_RING_SIZE	 1000
#define TEST_RECORD_SIZE 136
#define GAP_SIZE	 sizeof(struct fim_overflow)

struct test {
	struct fim_ring ring;
	union {
		struct fim_record rec;
		u8 bytes[TEST_RECORD_SIZE];
	} in, out;
	u8 buf[TEST_RING_SIZE];
};

static void __init put(struct test *test, u8 fill)
{
	memset(&test->in, fill, sizeof(test->in));
	test->in.rec.len = sizeof(test->in);
	test->in.rec.type = FIM_REC_STATE;
	test->in.rec.time_ns = fill;
	fim_ring_put(&test->ring, &test->in.rec);
}

/* The oldest record as a reader copies it, to test->out. */
static bool __init get(struct test *test)
{
	struct fim_batch batch;
	u32 off, part;

	if (!fim_ring_peek(&test->ring, sizeof(test->out), 1, &batch))
		return false;
	for (off = 0; off < batch.len; off += part) {
		const void *bytes = fim_ring_bytes(&test->ring, off, batch.len - off, &part);

		memcpy(test->out.bytes + off, bytes, part);
	}
	fim_ring_consume(&test->ring, &batch);
	return true;
}

/* Several at once: as many as fit, and no more than wanted. */
static bool __init test_ring_batches(struct test *test)
{
	struct fim_batch batch;
	u64 i;

	for (i = 0; i < 3; i++)
		put(test, i);
	CHECK(!fim_ring_peek(&test->ring, TEST_RECORD_SIZE - 1, 8, &batch));
	CHECK(fim_ring_peek(&test->ring, 2 * TEST_RECORD_SIZE + 8, 8, &batch));
	CHECK(batch.records == 2 && batch.len == 2 * TEST_RECORD_SIZE);
	CHECK(batch.last == TEST_RECORD_SIZE);
	fim_ring_consume(&test->ring, &batch);
	CHECK(test->ring.tail_seq == test->ring.seq - 1 && test->ring.records == 1);
	CHECK(get(test) && test->out.rec.seq == test->ring.seq && !get(test));
	return true;
}

static bool __init test_ring_wraps(struct test *test)
{
	u64 i;

	CHECK(!get(test));
	for (i = 1; i <= 50; i++) {
		put(test, i);
		CHECK(test->in.rec.seq == i);
		CHECK(get(test));
		CHECK(!memcmp(&test->in, &test->out, sizeof(test->in)));
		CHECK(test->ring.tail_seq == i && !test->ring.used && !test->ring.records);
	}
	return true;
}

/* Goes on after test_ring_wraps: 50 numbers are given out. */
static bool __init test_ring_overflows(struct test *test)
{
	const u64 fit = (TEST_RING_SIZE - GAP_SIZE) / TEST_RECORD_SIZE;
	const struct fim_overflow *gap = (void *)&test->out;
	u64 i;

	for (i = 1; i <= fit + 3; i++)
		put(test, i);
	CHECK(test->ring.records == fit && test->ring.lost == 3);
	/* One place is free, but the gap comes first and needs its own. */
	CHECK(get(test) && test->out.rec.seq == 51);
	CHECK(test->ring.size - test->ring.used >= GAP_SIZE);
	put(test, 100);
	for (i = 2; i <= fit; i++)
		CHECK(get(test) && test->out.rec.type == FIM_REC_STATE &&
		      test->out.rec.seq == 50 + i);
	CHECK(get(test) && gap->rec.type == FIM_REC_OVERFLOW && gap->rec.len == GAP_SIZE);
	CHECK(gap->rec.seq == 51 + fit && gap->lost == gap->last_seq - gap->rec.seq + 1);
	CHECK(gap->first_time_ns == fit + 1);
	CHECK(test->ring.tail_seq == gap->last_seq);
	/* Whatever came after is there, or in a gap of its own. */
	while (test->ring.tail_seq != test->ring.seq)
		CHECK(get(test));
	CHECK(!get(test) && !test->ring.gap.lost);
	return true;
}

/* A reader that drains sees the gap though nothing else happens. */
static bool __init test_ring_tells_last_gap(struct test *test)
{
	u64 first = test->ring.seq + 1;

	while (!test->ring.gap.lost)
		put(test, 1);
	for (; first < test->ring.seq; first++)
		CHECK(get(test) && test->out.rec.seq == first);
	CHECK(get(test) && test->out.rec.type == FIM_REC_OVERFLOW && test->out.rec.seq == first);
	CHECK(!get(test));
	return true;
}

static bool __init test_attr_is_padded(struct test *test)
{
	struct fim_attrs attrs = {.buf = test->buf, .size = 32};
	const struct fim_attr *attr = (void *)test->buf;

	memset(test->buf, 0xff, sizeof(test->buf));
	CHECK(fim_attr_put(&attrs, FIM_ATTR_EXE, "abc", 3));
	CHECK(attrs.len == 16 && attr->type == FIM_ATTR_EXE && attr->len == 3);
	CHECK(!attr->reserved && !memcmp(attr->data, "abc\0\0\0\0\0", 8));
	CHECK(!fim_attr_put(&attrs, FIM_ATTR_EXE, "abcdefghi", 9) && attrs.len == 16);
	CHECK(fim_attr_put(&attrs, FIM_ATTR_EXE, "abcdefgh", 8) && attrs.len == 32);
	CHECK(!fim_attr_put(&attrs, FIM_ATTR_EXE, "", 0));
	return true;
}

bool __init fim_selftest(void)
{
	struct test *test = kzalloc(sizeof(*test), GFP_KERNEL);
	bool ok;

	if (!test) {
		pr_err("not loaded: no memory for the selftest\n");
		return false;
	}
	fim_ring_init(&test->ring, test->buf, sizeof(test->buf));
	ok = test_ring_wraps(test) && test_ring_overflows(test) && test_ring_tells_last_gap(test) &&
	     test_ring_batches(test) && test_attr_is_padded(test);
	kfree(test);
	return ok;
}
