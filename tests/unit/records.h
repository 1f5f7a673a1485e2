/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as the module writes them, for tests: a growing buffer and one call per
 * part.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <string.h>

#include "libfim.h"

struct records {
	_Alignas(8) unsigned char bytes[65536];
	size_t len;
	uint64_t seq; /* given out so far */
};

static inline struct fim_event *record_event(struct records *records, uint32_t op)
{
	struct fim_event *event = (struct fim_event *)(void *)(records->bytes + records->len);

	memset(event, 0, sizeof(*event));
	event->rec.len = sizeof(*event);
	event->rec.fixed_len = sizeof(*event);
	event->rec.type = FIM_REC_EVENT;
	event->rec.seq = ++records->seq;
	event->rec.time_ns = 1000;
	event->op = op;
	records->len += sizeof(*event);
	return event;
}

/* Adds to @event, which must be the last record. */
static inline void record_attr(struct records *records, struct fim_event *event, uint16_t type,
			       const void *data, size_t len)
{
	struct fim_attr *attr = (struct fim_attr *)(void *)(records->bytes + records->len);
	size_t room = sizeof(*attr) + (len + 7) / 8 * 8;

	memset(attr, 0, room);
	attr->type = type;
	attr->len = (uint16_t)len;
	memcpy(attr->data, data, len);
	records->len += room;
	event->rec.len += (uint32_t)room;
}

static inline void record_text(struct records *records, struct fim_event *event, uint16_t type,
			       const char *text)
{
	record_attr(records, event, type, text, strlen(text));
}

static inline void record_overflow(struct records *records, uint64_t lost)
{
	struct fim_overflow overflow = {
		.rec = {.len = sizeof(overflow),
			.type = FIM_REC_OVERFLOW,
			.fixed_len = sizeof(overflow),
			.seq = records->seq + 1,
			.time_ns = 1000},
		.last_seq = records->seq + lost,
		.lost = lost,
		.first_time_ns = 1000,
	};

	memcpy(records->bytes + records->len, &overflow, sizeof(overflow));
	records->len += sizeof(overflow);
	records->seq += lost;
}

static inline void record_state(struct records *records, uint32_t state, uint32_t watch_id)
{
	struct fim_state_change change = {
		.rec = {.len = sizeof(change),
			.type = FIM_REC_STATE,
			.fixed_len = sizeof(change),
			.seq = records->seq + 1,
			.time_ns = 1000},
		.state = state,
		.watch_id = watch_id,
	};

	memcpy(records->bytes + records->len, &change, sizeof(change));
	records->len += sizeof(change);
	records->seq++;
}

#endif /* RECORDS_H */
