/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a journal; and, since guessing digests leads nowhere, any lines with
 * the common members and a correct chain put before them, up to the finished page.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libfim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The members that make a chain are replaced, all others kept; time if it is one. */
static struct fim_json *chained(struct fim_json *body, uint64_t seq, const char *prev)
{
	const char *time = fim_json_get_str(body, "time");
	int64_t time_ns;
	char text[FIM_TIME_SIZE];

	if (!time || fim_time_parse(time, &time_ns)) {
		fim_time_format((int64_t)seq * 3600000000000, text);
		fim_json_set_str(body, "time", text);
	}
	fim_json_set_int(body, "seq", (int64_t)seq);
	fim_json_set_str(body, "prev", prev);
	if (!fim_json_get_str(body, "boot_id"))
		fim_json_set_str(body, "boot_id", "b");
	if (!fim_json_get_str(body, "type") || !*fim_json_get_str(body, "type"))
		fim_json_set_str(body, "type", "finding");
	return body;
}

static void chain(int fd, const char *data, size_t size)
{
	char prev[FIM_SHA256_HEX_SIZE], *line, *grown;
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_json *body;
	uint64_t seq = 0;
	size_t len, line_len;

	memset(prev, '0', sizeof(prev) - 1);
	prev[sizeof(prev) - 1] = '\0';
	for (; size; data += len, size -= len) {
		const char *newline = memchr(data, '\n', size);

		len = newline ? (size_t)(newline - data) + 1 : size;
		if (fim_json_parse(data, len, NULL, &body))
			continue;
		if (fim_json_is_object(body) &&
		    fim_json_dump(chained(body, seq + 1, prev), &line, &line_len) == 0) {
			grown = realloc(line, line_len + 1);
			grown[line_len++] = '\n';
			assert(write(fd, grown, line_len) == (ssize_t)line_len);
			assert(fim_sha256(grown, line_len, digest) == 0);
			fim_hex_encode(digest, sizeof(digest), prev);
			free(grown);
			seq++;
		}
		fim_json_free(body);
	}
}

static void try_report(const char *path, enum fim_standard standard)
{
	struct fim_report_params params = {.journal = path, .standard = standard};
	struct fim_json *report;
	char *html = NULL;
	size_t len;
	FILE *out;

	if (fim_report_build(&params, &report))
		return;
	out = open_memstream(&html, &len);
	assert(fim_report_html(report, out) == 0);
	fclose(out);
	assert(fim_is_utf8(html, len) && !strstr(html, "<script"));
	free(html);
	fim_json_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_journal_check check;
	int raw = memfd_create("raw", MFD_CLOEXEC), whole = memfd_create("whole", MFD_CLOEXEC);
	char path[32];
	int err;

	assert(raw >= 0 && whole >= 0);
	assert(write(raw, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", raw);
	err = fim_journal_read(path, NULL, NULL, &check);
	assert((err == 0 && !check.first_bad) || (err == -EBADMSG && check.first_bad));
	close(raw);
	chain(whole, (const char *)data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", whole);
	assert(fim_journal_read(path, NULL, NULL, &check) == 0);
	try_report(path, size % 2 ? FIM_PCI_DSS_3_2_1 : FIM_PCI_DSS_4_0_1);
	close(whole);
	return 0;
}
