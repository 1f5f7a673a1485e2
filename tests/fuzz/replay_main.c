/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzzer's function on the files and directories given, where there is no libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/include/libfim.h"

#define INPUT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	char *bytes = NULL;
	size_t len;
	int err;

	err = fim_file_read(path, INPUT_MAX, &bytes, &len);
	if (err) {
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
		return -1;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)bytes, len);
	free(bytes);
	return 1;
}

static int replay_directory(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	char *file;
	int count = 0;

	if (!dir) {
		perror(path);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0) {
			count = -1;
			break;
		}
		count = replay_file(file) < 0 ? -1 : count + 1;
		free(file);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	struct stat st;
	int i, count, total = 0;

	for (i = 1; i < argc; i++) {
		count = !stat(argv[i], &st) && S_ISDIR(st.st_mode) ? replay_directory(argv[i])
								   : replay_file(argv[i]);
		if (count < 0)
			return EXIT_FAILURE;
		total += count;
	}
	/* An empty corpus proves nothing. */
	printf("%s: %d inputs\n", argv[0], total);
	return total ? EXIT_SUCCESS : EXIT_FAILURE;
}
