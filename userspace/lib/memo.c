/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a comparison remembers for the next one: of each object of the baseline that was
 * as it should be, its identity and times as the kernel gave them before it was read.
 * As long as these are the same, nobody has written to it through a file system since:
 * a restored mtime moves the ctime, a replaced file is another inode or was born later.
 *
 * What that cannot see: writes to the device below the file system, a bug of the file
 * system, and a ctime that was forged with the clock. Therefore a record is good for a
 * limited time only, after which the content is read again: that is the full pass, and
 * because each record has its own time, one that was killed goes on where it was.
 *
 * The file is bound to the baseline and its deltas, and to the root. An HMAC with a key
 * that only root can read keeps accidents and other users out; whoever is root can
 * forge it, as they could forge this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define MEMO_MAGIC "ecs-fim memo 1\n"
#define MEMO_MAX   (1u << 30)
#define MEMO_MODE  0600
#define KEY_SIZE   32
#define STATX_MEMO (STATX_BASIC_STATS | STATX_BTIME)

/**
 * struct memo_header - first bytes of the file; the records follow, then the HMAC
 * @magic: MEMO_MAGIC
 * @head: digest of the baseline's last delta, or its own
 * @root_dev: the system's root directory
 * @root_ino: likewise
 * @count: records: one per object of the baseline
 */
struct memo_header {
	char magic[16];
	char head[FIM_SHA256_HEX_SIZE + 7];
	uint64_t root_dev;
	uint64_t root_ino;
	uint64_t count;
};

struct fim_memo {
	char *path;
	unsigned char key[KEY_SIZE];
	struct memo_header header;
	int64_t max_age_ns;
	int64_t now_ns;
	bool is_new; /* something was noted that the file does not have */
	struct fim_memo_record *records;
};

/* ---- one object */

static int64_t time_of(const struct statx_timestamp *time)
{
	return time->tv_sec * FIM_NSEC_PER_SEC + time->tv_nsec;
}

bool fim_memo_look(int dirfd, const char *name, const struct fim_memo_record *known,
		   struct fim_memo_record *record_ret)
{
	struct fim_memo_record record = {0};
	struct statx stx;

	*record_ret = record;
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_MEMO, &stx))
		return false;
	record.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	record.ino = stx.stx_ino;
	record.size = stx.stx_size;
	record.ctime_ns = time_of(&stx.stx_ctime);
	record.mtime_ns = time_of(&stx.stx_mtime);
	record.btime_ns = stx.stx_mask & STATX_BTIME ? time_of(&stx.stx_btime) : 0;
	record.mode = stx.stx_mode;
	record.nlink = stx.stx_nlink;
	*record_ret = record;
	if (!known || !known->read_ns)
		return false;
	record.read_ns = known->read_ns;
	if (memcmp(known, &record, sizeof(record)) != 0)
		return false;
	*record_ret = record;
	return true;
}

/* ---- all of them */

const struct fim_memo_record *fim_memo_known(const struct fim_memo *memo, size_t index)
{
	const struct fim_memo_record *record = &memo->records[index];

	/* One from the future is from before a clock was set. */
	if (record->read_ns <= 0 || record->read_ns > memo->now_ns ||
	    memo->now_ns - record->read_ns >= memo->max_age_ns)
		return NULL;
	return record;
}

void fim_memo_note(struct fim_memo *memo, size_t index, const struct fim_memo_record *record)
{
	memo->is_new = true;
	memo->records[index] = record ? *record : (struct fim_memo_record){0};
}

/* ---- the key */

static int key_make(const char *path, unsigned char key_ret[KEY_SIZE])
{
	if (getrandom(key_ret, KEY_SIZE, 0) != KEY_SIZE)
		return -EIO;
	return fim_file_write_atomic(path, key_ret, KEY_SIZE, MEMO_MODE);
}

static int key_load(const char *memo_path, unsigned char key_ret[KEY_SIZE])
{
	char *path = NULL, *bytes = NULL;
	struct stat st;
	size_t len = 0;
	int err;

	if (asprintf(&path, "%s.key", memo_path) < 0)
		return -ENOMEM;
	if (stat(path, &st) && errno == ENOENT) {
		err = key_make(path, key_ret);
	} else {
		err = fim_file_read(path, KEY_SIZE, &bytes, &len);
		if (!err && (len != KEY_SIZE || st.st_mode & 077))
			err = key_make(path, key_ret);
		else if (!err)
			memcpy(key_ret, bytes, KEY_SIZE);
	}
	free(bytes);
	free(path);
	return err;
}

/* ---- the file */

/* NULL: it is what was written for this baseline and root. */
static const char *file_fault(const struct fim_memo *memo, const char *bytes, size_t len)
{
	size_t payload = sizeof(memo->header) + memo->header.count * sizeof(*memo->records);
	unsigned char mac[FIM_SHA256_SIZE];

	if (len != payload + sizeof(mac))
		return "it is for another baseline, or damaged";
	if (fim_hmac_sha256(memo->key, KEY_SIZE, bytes, payload, mac) ||
	    memcmp(mac, bytes + payload, sizeof(mac)) != 0)
		return "it was changed";
	if (memcmp(bytes, &memo->header, sizeof(memo->header)) != 0)
		return "it is for another baseline or root";
	return NULL;
}

/* Whatever is wrong with it: everything is read then. */
static int file_load(struct fim_memo *memo)
{
	const char *fault;
	char *bytes = NULL;
	size_t len;
	int err;

	if (access(memo->path, F_OK))
		return 0;
	err = fim_file_read(memo->path, MEMO_MAX, &bytes, &len);
	if (err)
		return err == -ENOMEM ? err : 0;
	fault = file_fault(memo, bytes, len);
	if (fault)
		fim_log(LOG_WARNING, "%s: not used: %s", memo->path, fault);
	else
		memcpy(memo->records, bytes + sizeof(memo->header),
		       memo->header.count * sizeof(*memo->records));
	free(bytes);
	return 0;
}

int fim_memo_save(struct fim_memo *memo)
{
	size_t size = memo->header.count * sizeof(*memo->records);
	size_t payload = sizeof(memo->header) + size;
	char *bytes;
	int err;

	if (!memo->is_new)
		return 0;
	bytes = malloc(payload + FIM_SHA256_SIZE);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &memo->header, sizeof(memo->header));
	memcpy(bytes + sizeof(memo->header), memo->records, size);
	err = fim_hmac_sha256(memo->key, KEY_SIZE, bytes, payload,
			      (unsigned char *)bytes + payload);
	if (!err)
		err = fim_file_write_atomic(memo->path, bytes, payload + FIM_SHA256_SIZE,
					    MEMO_MODE);
	memo->is_new = err;
	free(bytes);
	return err;
}

int fim_memo_open(const char *path, const char *root, const struct fim_baseline *baseline,
		  int64_t max_age_ns, struct fim_memo **memo_ret)
{
	struct fim_memo *memo = calloc(1, sizeof(*memo));
	struct stat st;
	int err = -ENOMEM;

	if (!memo)
		return -ENOMEM;
	memo->path = strdup(path);
	memo->records = calloc(fim_baseline_count(baseline) + 1, sizeof(*memo->records));
	memo->max_age_ns = max_age_ns;
	memo->now_ns = fim_time_now();
	memcpy(memo->header.magic, MEMO_MAGIC, sizeof(MEMO_MAGIC));
	snprintf(memo->header.head, sizeof(memo->header.head), "%s", fim_baseline_head(baseline));
	memo->header.count = fim_baseline_count(baseline);
	if (memo->path && memo->records)
		err = stat(root, &st) ? -errno : 0;
	if (!err) {
		memo->header.root_dev = st.st_dev;
		memo->header.root_ino = st.st_ino;
		err = key_load(path, memo->key);
	}
	if (!err)
		err = file_load(memo);
	if (err)
		fim_memo_free(memo);
	else
		*memo_ret = memo;
	return err;
}

void fim_memo_free(struct fim_memo *memo)
{
	if (!memo)
		return;
	free(memo->records);
	free(memo->path);
	free(memo);
}
