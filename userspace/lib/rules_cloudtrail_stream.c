/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns where records begin and end in a stream of JSON that may be cut anywhere: the
 * objects of {"Records":[…]}, of an array, or one behind the other.  What is inside a
 * record is for its reader to check; here only brackets, strings, and the record's
 * eventID are looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

#define NO_RECORDS UINT32_MAX

struct fim_ct_stream {
	struct fim_ct_stream_params params;
	char *bytes; /* from the start of the record that is not complete */
	size_t len;
	size_t size;
	size_t at; /* of the next byte to look at */
	uint32_t depth;
	uint32_t base; /* depth at which records open; NO_RECORDS: behind "Records" */
	bool in_record;
	size_t record;
	bool in_string;
	bool escaped;  /* the next byte is */
	size_t string; /* start of the last string */
	size_t string_len;
	bool is_key;	    /* a string was just complete */
	bool wants_id;	    /* behind "eventID": */
	bool wants_records; /* behind "Records": */
	bool has_id;
	size_t id;
	size_t id_len;
	bool junk; /* something that is no object stands where a record should */
	uint64_t malformed;
};

int fim_ct_stream_new(const struct fim_ct_stream_params *params, struct fim_ct_stream **stream_ret)
{
	struct fim_ct_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->params = *params;
	*stream_ret = stream;
	return 0;
}

void fim_ct_stream_free(struct fim_ct_stream *stream)
{
	if (stream)
		free(stream->bytes);
	free(stream);
}

static int emit(struct fim_ct_stream *stream)
{
	struct fim_str record = {stream->bytes + stream->record, stream->at - stream->record};
	struct fim_str id = {stream->bytes + stream->id, stream->has_id ? stream->id_len : 0};
	int err = stream->params.record(stream->params.ctx, record, id);

	stream->in_record = false;
	stream->has_id = false;
	return err;
}

static void open_bracket(struct fim_ct_stream *stream, char c)
{
	if (!stream->depth) {
		stream->base = c == '[';
	} else if (stream->wants_records && c == '[') {
		/* Not a record, but what holds them. */
		stream->base = 2;
		stream->in_record = false;
		stream->has_id = false;
	}
	if (stream->depth == stream->base) {
		if (c == '{') {
			stream->in_record = true;
			stream->record = stream->at - 1;
			stream->has_id = false;
		} else {
			stream->junk = true;
		}
	}
	stream->depth++;
}

static int close_bracket(struct fim_ct_stream *stream)
{
	int err = 0;

	if (stream->depth == stream->base) {
		stream->malformed += stream->junk;
		stream->junk = false;
		stream->base = NO_RECORDS;
	}
	stream->depth--;
	if (stream->in_record && stream->depth == stream->base)
		err = emit(stream);
	return err;
}

/* A string is complete; the quote behind it was read. */
static void end_string(struct fim_ct_stream *stream)
{
	stream->string_len = stream->at - 1 - stream->string;
	stream->is_key = true;
	if (stream->wants_id && !stream->has_id && stream->depth == stream->base + 1) {
		stream->has_id = true;
		stream->id = stream->string;
		stream->id_len = stream->string_len;
	}
	stream->wants_id = false;
	if (stream->depth == stream->base)
		stream->junk = true;
}

static bool string_is(const struct fim_ct_stream *stream, const char *text)
{
	return stream->string_len == strlen(text) &&
	       !memcmp(stream->bytes + stream->string, text, stream->string_len);
}

static void colon(struct fim_ct_stream *stream)
{
	if (!stream->is_key || stream->depth != stream->base + 1 || !stream->in_record)
		return;
	stream->wants_id = string_is(stream, "eventID");
	stream->wants_records = !stream->base && string_is(stream, "Records");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* One byte outside of strings. */
static int token(struct fim_ct_stream *stream, char c)
{
	int err = 0;

	if (!stream->depth && c != '{' && c != '[')
		return is_blank(c) ? 0 : -EINVAL;
	switch (c) {
	case '{':
	case '[':
		open_bracket(stream, c);
		break;
	case '}':
	case ']':
		err = close_bracket(stream);
		break;
	case '"':
		stream->in_string = true;
		stream->string = stream->at;
		return 0;
	case ':':
		colon(stream);
		stream->is_key = false;
		return 0;
	case ',':
		stream->malformed += stream->junk && stream->depth == stream->base;
		stream->junk = stream->junk && stream->depth != stream->base;
		break;
	default:
		if (is_blank(c))
			return 0;
		if (stream->depth == stream->base)
			stream->junk = true;
	}
	stream->wants_id = stream->wants_records = stream->is_key = false;
	return err;
}

static void skip_string(struct fim_ct_stream *stream)
{
	const char *at = stream->bytes + stream->at, *end = stream->bytes + stream->len;

	while (at < end) {
		char c = *at++;

		if (stream->escaped) {
			stream->escaped = false;
		} else if (c == '\\') {
			stream->escaped = true;
		} else if (c == '"') {
			stream->in_string = false;
			break;
		}
	}
	stream->at = (size_t)(at - stream->bytes);
	if (!stream->in_string)
		end_string(stream);
}

/* Forgets what no record needs any more. */
static void drop(struct fim_ct_stream *stream)
{
	size_t keep = stream->in_record	  ? stream->record
		      : stream->in_string ? stream->string
					  : stream->at;

	if (!keep)
		return;
	memmove(stream->bytes, stream->bytes + keep, stream->len - keep);
	stream->len -= keep;
	stream->at -= keep;
	stream->record -= stream->in_record ? keep : stream->record;
	stream->string -= stream->string < keep ? stream->string : keep;
	stream->id -= stream->id < keep ? stream->id : keep;
}

static int append(struct fim_ct_stream *stream, const char *bytes, size_t len)
{
	size_t size = stream->size ? stream->size : 64 << 10;
	char *grown;

	if (stream->len + len > FIM_CT_RECORD_MAX)
		return -EMSGSIZE;
	while (size < stream->len + len)
		size *= 2;
	if (size != stream->size) {
		grown = realloc(stream->bytes, size);
		if (!grown)
			return -ENOMEM;
		stream->bytes = grown;
		stream->size = size;
	}
	memcpy(stream->bytes + stream->len, bytes, len);
	stream->len += len;
	return 0;
}

int fim_ct_stream_feed(struct fim_ct_stream *stream, const char *bytes, size_t len)
{
	int err = append(stream, bytes, len);

	while (!err && stream->at < stream->len) {
		if (stream->in_string)
			skip_string(stream);
		else
			err = token(stream, stream->bytes[stream->at++]);
	}
	if (!err)
		drop(stream);
	return err;
}

uint64_t fim_ct_stream_malformed(const struct fim_ct_stream *stream)
{
	return stream->malformed;
}

bool fim_ct_stream_is_whole(const struct fim_ct_stream *stream)
{
	return !stream->depth;
}
