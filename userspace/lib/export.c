/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A baseline in the formats of other tools, so that nobody has to trust this one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "baseline.h"
#include "lib_private.h"

/* As sha256sum(1): a line with an escaped name begins with a backslash. */
static void write_sum(FILE *out, const char *root, const struct fim_entry *entry)
{
	char hex[FIM_SHA256_HEX_SIZE];
	const char *parts[] = {root, entry->path};
	const char *p;
	size_t i;

	fim_hex_encode(entry->state.sha256, sizeof(entry->state.sha256), hex);
	if (strpbrk(root, "\n\r\\") || strpbrk(entry->path, "\n\r\\"))
		fputc('\\', out);
	fprintf(out, "%s  ", hex);
	for (i = 0; i < 2; i++) {
		for (p = parts[i]; *p; p++) {
			if (*p == '\n')
				fputs("\\n", out);
			else if (*p == '\r')
				fputs("\\r", out);
			else if (*p == '\\')
				fputs("\\\\", out);
			else
				fputc(*p, out);
		}
	}
	fputc('\n', out);
}

int fim_baseline_export_sha256sums(const struct fim_baseline *baseline, FILE *out)
{
	const struct fim_entry *entry;
	char *root = NULL;
	size_t i, len;
	int err;

	err = fim_json_get_bytes(baseline->header, "root", &root, &len);
	if (err)
		return err;
	for (i = 0; i < baseline->count; i++) {
		entry = &baseline->entries[i];
		if (entry->state.type == FIM_TYPE_FILE && entry->state.has_digest)
			write_sum(out, len == 1 ? "" : root, entry);
	}
	free(root);
	if (fflush(out) || ferror(out)) {
		err = errno ? -errno : -EIO;
		fim_log(LOG_ERR, "cannot write digests: %s", strerror(-err));
	}
	return err;
}
