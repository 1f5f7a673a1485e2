/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a bundle: the manifest up to a line "==", the records after it.  Once as it
 * is; once with a manifest that has the members of the input, and the digests, sizes and
 * ends that let the records be read.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libfim.h"
#include "userspace/lib/fleet.h"

#define MARK "\n==\n"
#define DAY  "records/dt=2026-11-02/account=1/cluster=c/host=h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz-bundle-XXXXXX";
static char manifest_path[64], records_path[128];

static void clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		fprintf(stderr, "%s stays\n", dir);
}

static void prepare(void)
{
	static const char *const parts[] = {"records", "records/dt=2026-11-02",
					    "records/dt=2026-11-02/account=1",
					    "records/dt=2026-11-02/account=1/cluster=c", DAY};
	char path[128];

	assert(mkdtemp(dir));
	atexit(clean);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		assert(mkdir(path, 0700) == 0);
	}
	snprintf(manifest_path, sizeof(manifest_path), "%s/manifest.json", dir);
	snprintf(records_path, sizeof(records_path), "%s/" DAY "/records.ndjson", dir);
}

static void put(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	assert(file && fwrite(bytes, 1, len, file) == len);
	fclose(file);
}

static int count_line(void *ctx, const struct fim_bundle *bundle, const char *line, size_t len)
{
	(void)bundle;
	assert(len && !memchr(line, '\n', len));
	++*(uint64_t *)ctx;
	return 0;
}

static void try_bundle(void)
{
	struct fim_bundle bundle;
	uint64_t lines = 0;
	int err = fim_bundle_read(dir, NULL, count_line, &lines, &bundle);

	assert((err == 0 && !*bundle.reason) || (err == -EBADMSG && *bundle.reason));
	assert(lines <= bundle.records && *bundle.host);
}

static void digest_hex(const void *bytes, size_t len, char hex[FIM_SHA256_HEX_SIZE])
{
	unsigned char digest[FIM_SHA256_SIZE];

	assert(fim_sha256(bytes, len, digest) == 0);
	fim_hex_encode(digest, sizeof(digest), hex);
}

/* Where the last line that is whole begins. */
static const char *last_line(const char *records, size_t len, size_t *len_ret)
{
	const char *end = memrchr(records, '\n', len), *start;

	if (!end)
		return NULL;
	start = memrchr(records, '\n', (size_t)(end - records));
	start = start ? start + 1 : records;
	*len_ret = (size_t)(end - start) + 1;
	return start;
}

static void put_fitting(const char *text, size_t text_len, const char *records, size_t len)
{
	struct fim_json *manifest = NULL, *journal, *files, *file;
	char hex[FIM_SHA256_HEX_SIZE], *out;
	const char *line;
	size_t line_len = 0;

	if (fim_json_parse(text, text_len, NULL, &manifest) || !fim_json_is_object(manifest)) {
		fim_json_free(manifest);
		manifest = fim_json_object();
	}
	journal = fim_json_object();
	files = fim_json_array();
	file = fim_json_object();
	fim_json_set_str(manifest, "format", "ecs-fim-bundle");
	fim_json_set_int(manifest, "version", 1);
	fim_json_set_str(manifest, "account", "1");
	fim_json_set_str(manifest, "cluster", "c");
	fim_json_set_str(manifest, "host", "h");
	fim_json_set_str(journal, "verification", "verified");
	memset(hex, '0', sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	fim_json_set_str(journal, "prev", hex);
	line = last_line(records, len, &line_len);
	if (line)
		digest_hex(line, line_len, hex);
	fim_json_set_str(journal, "head", hex);
	fim_json_set_str(file, "path", DAY "/records.ndjson");
	fim_json_set_int(file, "bytes", (int64_t)len);
	digest_hex(records, len, hex);
	fim_json_set_str(file, "sha256", hex);
	fim_json_append(files, file);
	fim_json_set(manifest, "files", files);
	fim_json_set(manifest, "journal", journal);
	assert(fim_json_dump(manifest, &out, &text_len) == 0);
	put(manifest_path, out, text_len);
	free(out);
	fim_json_free(manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *mark = memmem(data, size, MARK, strlen(MARK));
	size_t manifest_len = mark ? (size_t)(mark - text) : size;
	const char *records = mark ? mark + strlen(MARK) : text + size;
	size_t records_len = (size_t)(text + size - records);

	if (!*manifest_path)
		prepare();
	put(manifest_path, text, manifest_len);
	put(records_path, records, records_len);
	try_bundle();
	put_fitting(text, manifest_len, records, records_len);
	try_bundle();
	return 0;
}
