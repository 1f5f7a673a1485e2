/* SPDX-License-Identifier: Apache-2.0 */
/* Owns compression. The only file that includes zlib. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>

#include "lib_private.h"
#include "rules_private.h"

struct fim_gzip {
	z_stream stream;
	bool is_done;
};

#define GZIP_ONLY (16 + MAX_WBITS)

int fim_gzip_new(struct fim_gzip **gzip_ret)
{
	struct fim_gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip || inflateInit2(&gzip->stream, GZIP_ONLY) != Z_OK) {
		free(gzip);
		return -ENOMEM;
	}
	*gzip_ret = gzip;
	return 0;
}

void fim_gzip_free(struct fim_gzip *gzip)
{
	if (gzip)
		inflateEnd(&gzip->stream);
	free(gzip);
}

bool fim_gzip_is_done(const struct fim_gzip *gzip)
{
	return gzip->is_done;
}

int fim_gzip_feed(struct fim_gzip *gzip, const char *bytes, size_t len,
		  int (*fn)(void *ctx, const char *bytes, size_t len), void *ctx)
{
	unsigned char out[64 << 10];
	z_stream *stream = &gzip->stream;
	int status = Z_OK, err;

	stream->next_in = (const Bytef *)bytes;
	stream->avail_in = (uInt)len;
	do {
		/* Several streams one behind the other are one file. */
		if (gzip->is_done && stream->avail_in) {
			if (inflateReset(stream) != Z_OK)
				return -EBADMSG;
			gzip->is_done = false;
		}
		stream->next_out = out;
		stream->avail_out = sizeof(out);
		status = inflate(stream, Z_NO_FLUSH);
		if (status == Z_MEM_ERROR)
			return -ENOMEM;
		if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
			return -EBADMSG;
		gzip->is_done = status == Z_STREAM_END;
		err = fn(ctx, (const char *)out, sizeof(out) - stream->avail_out);
		if (err)
			return err;
	} while (stream->avail_in ? status != Z_BUF_ERROR : !stream->avail_out);
	return 0;
}

/* ------------------------------------------------------------------- files */

#define FILE_BUF (64 << 10)

/* Deflate, no name, no time, level 6, UNIX (RFC 1952). */
static const unsigned char file_head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

struct fim_gunzip {
	int fd;
	bool gzip;
	bool is_begun;
	bool is_done;
	bool at_end; /* of the file */
	z_stream stream;
	unsigned char in[FILE_BUF];
};

static ssize_t read_some(int fd, void *buf, size_t size)
{
	ssize_t got;

	do
		got = read(fd, buf, size);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int fim_gunzip_open(int fd, bool gzip, struct fim_gunzip **gunzip_ret)
{
	struct fim_gunzip *gunzip = calloc(1, sizeof(*gunzip));

	if (!gunzip || (gzip && inflateInit2(&gunzip->stream, GZIP_ONLY) != Z_OK)) {
		close(fd);
		free(gunzip);
		return -ENOMEM;
	}
	gunzip->fd = fd;
	gunzip->gzip = gzip;
	*gunzip_ret = gunzip;
	return 0;
}

void fim_gunzip_close(struct fim_gunzip *gunzip)
{
	if (!gunzip)
		return;
	if (gunzip->gzip)
		inflateEnd(&gunzip->stream);
	close(gunzip->fd);
	free(gunzip);
}

static int fill(struct fim_gunzip *gunzip)
{
	ssize_t got = read_some(gunzip->fd, gunzip->in, sizeof(gunzip->in));

	if (got < 0)
		return (int)got;
	gunzip->at_end = got == 0;
	gunzip->stream.next_in = gunzip->in;
	gunzip->stream.avail_in = (uInt)got;
	/* As fim_gzip_file() writes it; what inflate() does not look at may not differ either. */
	if (!gunzip->is_begun &&
	    ((size_t)got < sizeof(file_head) || memcmp(gunzip->in, file_head, sizeof(file_head))))
		return -EBADMSG;
	gunzip->is_begun = true;
	return 0;
}

/* The bits between the last block and the check sum are no part of either. */
static bool padding_is_zero(const z_stream *stream)
{
	int unused = stream->data_type & 7;

	if (!(stream->data_type & 64) || !(stream->data_type & 128) || !unused)
		return true;
	return stream->next_in[-1] >> (8 - unused) == 0;
}

ssize_t fim_gunzip_read(struct fim_gunzip *gunzip, void *buf, size_t size)
{
	z_stream *stream = &gunzip->stream;
	int status, err;

	if (!gunzip->gzip)
		return read_some(gunzip->fd, buf, size);
	stream->next_out = buf;
	stream->avail_out = (uInt)size;
	while (stream->avail_out == size) {
		if (!stream->avail_in && !gunzip->at_end) {
			err = fill(gunzip);
			if (err)
				return err;
		}
		/* One stream is a segment; whatever follows it was put there by somebody. */
		if (gunzip->is_done)
			return stream->avail_in ? -EBADMSG : 0;
		if (!stream->avail_in && gunzip->at_end)
			return -EBADMSG;
		status = inflate(stream, Z_BLOCK);
		if (status == Z_MEM_ERROR)
			return -ENOMEM;
		if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) ||
		    (status == Z_OK && !padding_is_zero(stream)))
			return -EBADMSG;
		gunzip->is_done = status == Z_STREAM_END;
	}
	return (ssize_t)(size - stream->avail_out);
}

int fim_gzip_file(int from, int to)
{
	unsigned char in[FILE_BUF], out[FILE_BUF];
	z_stream stream = {0};
	int err = 0, status = Z_OK;

	if (deflateInit2(&stream, 6, Z_DEFLATED, GZIP_ONLY, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	while (!err && status != Z_STREAM_END) {
		ssize_t got = read_some(from, in, sizeof(in));

		if (got < 0) {
			err = (int)got;
			break;
		}
		stream.next_in = in;
		stream.avail_in = (uInt)got;
		do {
			stream.next_out = out;
			stream.avail_out = sizeof(out);
			status = deflate(&stream, got ? Z_NO_FLUSH : Z_FINISH);
			err = fim_write_all(to, out, sizeof(out) - stream.avail_out);
		} while (!err && !stream.avail_out);
	}
	deflateEnd(&stream);
	return err;
}
