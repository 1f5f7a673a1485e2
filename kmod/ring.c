// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the queue of records between any number of producers and one reader.
 *
 * A record is queued whole or lost whole, and loss stays in order: numbers of
 * lost records collect in the gap, and one FIM_REC_OVERFLOW goes before the
 * next record that fits. Room for that record is always kept free, so that a
 * reader that drains the ring gets to see the gap even if nothing else happens.
 * What could not even be made a record has a number as well, and is lost with it.
 *
 * The lock covers a header and a memcpy. Bytes between tail and head are the
 * reader's: producers never overwrite them, so it copies without the lock.
 */
#include <linux/string.h>

#include "ecs_fim.h"

#define GAP_LEN ((u32)sizeof(struct fim_overflow))

/*
 * A reader that sleeps is woken when so much waits, or some milliseconds after
 * something does: waking it for every record would cost more than the record.
 */
#define WAKE_BYTES   (128 << 10)
#define WAKE_PART    4 /* of the ring, if that is less */
#define WAKE_JIFFIES msecs_to_jiffies(4)

/* Producers wait meanwhile. */
#define MOVE_MAX 16384

static u32 advance(const struct fim_ring *ring, u32 pos, u32 len)
{
	return len < ring->size - pos ? pos + len : len - (ring->size - pos);
}

static void append(struct fim_ring *ring, const struct fim_record *rec)
{
	u32 first = min(rec->len, ring->size - ring->head);

	fim_copy(ring->buf + ring->head, rec, first);
	fim_copy(ring->buf, (const u8 *)rec + first, rec->len - first);
	ring->head = advance(ring, ring->head, rec->len);
	ring->used += rec->len;
	ring->records++;
}

static void gap_add(struct fim_ring *ring, const struct fim_record *rec)
{
	struct fim_overflow *gap = &ring->gap;

	if (!gap->lost) {
		gap->rec.len = GAP_LEN;
		gap->rec.type = FIM_REC_OVERFLOW;
		gap->rec.fixed_len = GAP_LEN;
		gap->rec.seq = rec->seq;
		gap->first_time_ns = rec->time_ns;
	}
	gap->rec.time_ns = rec->time_ns;
	gap->last_seq = rec->seq;
	gap->lost++;
	ring->lost++;
}

static void gap_flush(struct fim_ring *ring)
{
	append(ring, &ring->gap.rec);
	ring->gap.lost = 0;
}

static void gap_flush_if_room(struct fim_ring *ring)
{
	if (ring->gap.lost && ring->size - ring->used >= 2 * GAP_LEN)
		gap_flush(ring);
}

static void wake_later(struct work_struct *work)
{
	struct fim_ring *ring = container_of(to_delayed_work(work), struct fim_ring, wake);

	spin_lock(&ring->lock);
	gap_flush_if_room(ring);
	spin_unlock(&ring->lock);
	wake_up_interruptible(&ring->readers);
}

void fim_ring_init(struct fim_ring *ring, void *buf, u32 size)
{
	memset(ring, 0, sizeof(*ring));
	INIT_DELAYED_WORK(&ring->wake, wake_later);
	spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->readers);
	ring->buf = buf;
	ring->size = size;
}

void fim_ring_put(struct fim_ring *ring, struct fim_record *rec)
{
	u32 need = rec->len + GAP_LEN;

	spin_lock(&ring->lock);
	rec->seq = ++ring->seq;
	if (ring->gap.lost)
		need += GAP_LEN;
	if (ring->size - ring->used < need) {
		gap_add(ring, rec);
	} else {
		if (ring->gap.lost)
			gap_flush(ring);
		append(ring, rec);
	}
	spin_unlock(&ring->lock);
	if (!wq_has_sleeper(&ring->readers))
		return;
	if (READ_ONCE(ring->used) >= min_t(u32, WAKE_BYTES, ring->size / WAKE_PART))
		wake_up_interruptible(&ring->readers);
	else if (!delayed_work_pending(&ring->wake))
		schedule_delayed_work(&ring->wake, WAKE_JIFFIES);
}

/* Nobody waits for less than a gap: it is told with the next wake-up. */
void fim_ring_lose(struct fim_ring *ring, struct fim_record *rec)
{
	spin_lock(&ring->lock);
	rec->seq = ++ring->seq;
	gap_add(ring, rec);
	spin_unlock(&ring->lock);
	schedule_delayed_work(&ring->wake, WAKE_JIFFIES);
}

void fim_ring_exit(struct fim_ring *ring)
{
	cancel_delayed_work_sync(&ring->wake);
}

static void copy_out(const struct fim_ring *ring, u32 off, void *dst, u32 len)
{
	u32 pos = advance(ring, ring->tail, off);
	u32 first = min(len, ring->size - pos);

	fim_copy(dst, ring->buf + pos, first);
	fim_copy((u8 *)dst + first, ring->buf, len - first);
}

void *fim_ring_move(struct fim_ring *ring, void *buf)
{
	void *old = NULL;

	spin_lock(&ring->lock);
	if (ring->used <= MOVE_MAX) {
		copy_out(ring, 0, buf, ring->used);
		ring->tail = 0;
		ring->head = ring->used;
		old = ring->buf;
		ring->buf = buf;
	}
	spin_unlock(&ring->lock);
	return old;
}

/* Records begin at a multiple of 8: their first word is never split. */
static u32 len_at(const struct fim_ring *ring, u32 off)
{
	const struct fim_record *rec = (const void *)(ring->buf + advance(ring, ring->tail, off));

	return rec->len;
}

bool fim_ring_peek(struct fim_ring *ring, u32 room, u32 records, struct fim_batch *batch_ret)
{
	struct fim_batch batch = {};
	u32 used, len;

	/* With the lock: then the bytes are there as well. */
	spin_lock(&ring->lock);
	used = ring->used;
	spin_unlock(&ring->lock);
	for (; batch.records < records && batch.len < used; batch.len += len) {
		len = len_at(ring, batch.len);
		if (len > room - batch.len)
			break;
		batch.last = batch.len;
		batch.records++;
	}
	*batch_ret = batch;
	return batch.records;
}

const void *fim_ring_bytes(const struct fim_ring *ring, u32 off, u32 len, u32 *len_ret)
{
	u32 pos = advance(ring, ring->tail, off);

	*len_ret = min(len, ring->size - pos);
	return ring->buf + pos;
}

void fim_ring_consume(struct fim_ring *ring, const struct fim_batch *batch)
{
	struct fim_overflow last;

	spin_lock(&ring->lock);
	copy_out(ring, batch->last, &last, sizeof(last.rec));
	ring->tail_seq = last.rec.seq;
	if (last.rec.type == FIM_REC_OVERFLOW) {
		copy_out(ring, batch->last, &last, sizeof(last));
		ring->tail_seq = last.last_seq;
	}
	ring->tail = advance(ring, ring->tail, batch->len);
	ring->used -= batch->len;
	ring->records -= batch->records;
	gap_flush_if_room(ring);
	spin_unlock(&ring->lock);
}
