/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process's status and cgroup, which whoever starts it can influence; with 't' in front an
 * archive of an image, with 'm' a table of mounts.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void image_tar(const uint8_t *data, size_t size)
{
	char id[FIM_IMAGE_ID_SIZE] = "";
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (fim_image_tar_read(fd, NULL, id) == 0 && strlen(id) != FIM_IMAGE_ID_SIZE - 1)
		abort();
	close(fd);
}

static void judge_mounts(const char *text)
{
	static const char host[] = "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
				   "25 22 0:22 / /run rw,nosuid - tmpfs tmpfs rw\n";
	struct fim_container container = {.name = NULL};

	if (fim_mounts_judge(host, text, &container))
		abort();
	for (size_t i = 0; i < container.flag_count; i++)
		free(container.flags[i].evidence);
	free(container.flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_truth host = {.ns = {1, 2, 3, 4, 5, 6, 7}};
	struct fim_truth truth = {.ns = {1, 2, 3, 14, 15, 16, 17}};
	struct fim_container *container = NULL;
	size_t cgroup;
	char *text;

	if (size && data[0] == 't') {
		image_tar(data + 1, size - 1);
		return 0;
	}
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (text[0] == 'm') {
		judge_mounts(text + 1);
		free(text);
		return 0;
	}
	cgroup = strcspn(text, "\n");
	snprintf(truth.cgroup, sizeof(truth.cgroup), "%.*s", (int)cgroup, text);
	fim_truth_parse_status(text + cgroup, &truth);
	if (fim_container_from_truth(&truth, &host, &container))
		abort();
	/* It has the host's mount namespace. */
	if (!container->effectively_privileged || !container->id[0] ||
	    strlen(container->id) >= FIM_CGROUP_MAX)
		abort();
	fim_json_free(fim_container_to_json(container));
	fim_container_free(container);
	free(text);
	return 0;
}
