/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of the image in an archive that "docker save" wrote: ECS keeps its agent and its
 * daemons so (/var/cache/ecs/ecs-agent.tar).  The id is the digest of the image's
 * configuration, and manifest.json names the file that holds it.
 *
 * Format: POSIX.1-1988 ustar headers, image specification v1.2 of github.com/moby/docker-image-spec.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib_private.h"

#define BLOCK	     512
#define MEMBERS_MAX  65536
#define MANIFEST_MAX 1048576
#define SIZE_AT	     124 /* of the member, octal */
#define SIZE_LEN     12
#define NAME_LEN     100
#define HEX_LEN	     64

static int64_t member_size(const unsigned char *header)
{
	int64_t size = 0;
	int i;

	for (i = 0; i < SIZE_LEN && header[SIZE_AT + i] == ' '; i++)
		;
	for (; i < SIZE_LEN && header[SIZE_AT + i] >= '0' && header[SIZE_AT + i] <= '7'; i++)
		size = size * 8 + (header[SIZE_AT + i] - '0');
	return size;
}

/* Text of manifest.json; -ENOENT: there is none. */
static int manifest_read(int fd, char **text_ret, size_t *len_ret)
{
	unsigned char header[BLOCK];
	off_t at = 0;
	int members;

	for (members = 0; members < MEMBERS_MAX; members++) {
		int64_t size;
		char *text;

		if (pread(fd, header, BLOCK, at) != BLOCK || !header[0])
			return -ENOENT;
		size = member_size(header);
		at += BLOCK;
		if (strncmp((const char *)header, "manifest.json", NAME_LEN) == 0) {
			if (size > MANIFEST_MAX)
				return -EFBIG;
			text = malloc((size_t)size + 1);
			if (!text)
				return -ENOMEM;
			if (pread(fd, text, (size_t)size, at) != size) {
				free(text);
				return -EINVAL;
			}
			*text_ret = text;
			*len_ret = (size_t)size;
			return 0;
		}
		at += (size + BLOCK - 1) / BLOCK * BLOCK;
	}
	return -EFBIG;
}

/* "HEX.json", or "blobs/sha256/HEX" since Docker 25. */
static int id_from_manifest(const struct fim_json *manifest, char id_ret[FIM_IMAGE_ID_SIZE])
{
	const char *config = fim_json_get_str(fim_json_index(manifest, 0), "Config");
	const char *slash = config ? strrchr(config, '/') : NULL;
	const char *hex = slash ? slash + 1 : config;

	/* Of several images none is meant. */
	if (!hex || fim_json_count(manifest) != 1 || strspn(hex, "0123456789abcdef") != HEX_LEN)
		return -EINVAL;
	snprintf(id_ret, FIM_IMAGE_ID_SIZE, "sha256:%.*s", HEX_LEN, hex);
	return 0;
}

int fim_image_tar_read(int fd, const char *name, char id_ret[FIM_IMAGE_ID_SIZE])
{
	struct fim_json *manifest = NULL;
	char *text = NULL;
	size_t len = 0;
	int err = manifest_read(fd, &text, &len);

	if (!err)
		err = fim_json_parse(text, len, name, &manifest);
	if (!err)
		err = id_from_manifest(manifest, id_ret);
	fim_json_free(manifest);
	free(text);
	return err;
}

int fim_image_tar_id(const char *path, char id_ret[FIM_IMAGE_ID_SIZE])
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	int err = fd < 0 ? -errno : fim_image_tar_read(fd, path, id_ret);

	if (err)
		fim_log(LOG_WARNING, "%s: not one image as \"docker save\" writes it: %s", path,
			strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}
