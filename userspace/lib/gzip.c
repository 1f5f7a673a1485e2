/* SPDX-License-Identifier: Apache-2.0 */
/* Owns decompression. The only file that includes zlib. */
#include <errno.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

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
