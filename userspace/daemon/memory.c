/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving back what a start or a comparison needed and a quiet host does not: this daemon is
 * a guest on somebody else's.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon.h"

/*
 * "START-END PERMISSIONS …". Code is what the file says: without its pages it is read again,
 * page by page as it is called. Data may differ from the file, and stays.
 */
static void code_give_back(const char *line)
{
	char *end;
	unsigned long start = strtoul(line, &end, 16);
	unsigned long stop = *end == '-' ? strtoul(end + 1, &end, 16) : 0;

	if (stop > start && strncmp(end, " r-xp ", 6) == 0 && strchr(end, '/'))
		madvise((void *)start, stop - start, MADV_DONTNEED);
}

void memory_give_back(void)
{
	char *maps = NULL;
	size_t len;

	malloc_trim(0);
	if (fim_file_read("/proc/self/maps", 1 << 20, &maps, &len))
		return;
	for (char *line = maps; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		code_give_back(line);
	}
	free(maps);
}
