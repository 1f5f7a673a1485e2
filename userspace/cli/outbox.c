/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli.h"
#include "outbox.h"

#define STATE_MAX      (16u << 20)
#define UNRECORDED_MAX 100000 /* as many deliveries wait for a daemon that does not run */

/* Two at once would do everything twice. */
static int lock(struct outbox *outbox)
{
	char *path = NULL;
	int err = 0;

	outbox->lock_fd = -1;
	if (asprintf(&path, "%s.lock", outbox->state) < 0)
		return -ENOMEM;
	outbox->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (outbox->lock_fd < 0 || flock(outbox->lock_fd, LOCK_EX | LOCK_NB)) {
		err = -errno;
		cli_error("%s: %s", path, err == -EAGAIN ? "another one runs" : strerror(-err));
	}
	free(path);
	return err;
}

static int take(struct outbox *outbox)
{
	const char *digest = fim_json_get_str(outbox->members, "digest");
	const char *format = fim_json_get_str(outbox->members, "format");
	const struct fim_json *unrecorded = fim_json_get(outbox->members, "unrecorded");

	if (!format || strcmp(format, outbox->format) != 0 || !digest ||
	    strlen(digest) != FIM_SHA256_HEX_SIZE - 1 ||
	    fim_json_get_int(outbox->members, "seq", -1) < 0) {
		cli_error("%s: not a state of this command; with another --state it begins anew",
			  outbox->state);
		return -EINVAL;
	}
	outbox->seq = (uint64_t)fim_json_get_int(outbox->members, "seq", 0);
	outbox->lost = (uint64_t)fim_json_get_int(outbox->members, "lost", 0);
	outbox->lost_through = (uint64_t)fim_json_get_int(outbox->members, "lost_through", 0);
	strcpy(outbox->digest, digest);
	if (fim_json_is_array(unrecorded))
		outbox->unrecorded = fim_json_ref(unrecorded);
	return 0;
}

static int load(struct outbox *outbox)
{
	char *text = NULL;
	size_t len = 0;
	int err = 0;

	if (access(outbox->state, F_OK) == 0 || errno != ENOENT) {
		err = fim_file_read(outbox->state, STATE_MAX, &text, &len);
		if (!err)
			err = fim_json_parse(text, len, outbox->state, &outbox->members);
		if (!err)
			err = take(outbox);
		free(text);
	}
	if (!outbox->members)
		outbox->members = fim_json_object();
	if (!outbox->unrecorded)
		outbox->unrecorded = fim_json_array();
	return err;
}

int outbox_open(struct outbox *outbox)
{
	int err = lock(outbox);

	return err ? err : load(outbox);
}

void outbox_close(struct outbox *outbox)
{
	fim_json_free(outbox->members);
	fim_json_free(outbox->unrecorded);
	if (outbox->lock_fd >= 0)
		close(outbox->lock_fd);
}

/* Those between the last record that is done with and @line are not in the journal any more. */
static void count_lost(struct outbox *outbox, const struct fim_line *line)
{
	uint64_t last = outbox->seen_seq ? outbox->seen_seq : outbox->seq;

	if (!last || line->seq <= last + 1)
		return;
	/* Where nothing can be sent, the same gap is met in each run. */
	if (last < outbox->lost_through)
		last = outbox->lost_through;
	if (line->seq <= last + 1)
		return;
	outbox->lost += line->seq - 1 - last;
	outbox->lost_through = line->seq - 1;
}

int outbox_is_news(struct outbox *outbox, const struct fim_line *line,
		   char digest_ret[FIM_SHA256_HEX_SIZE])
{
	int err = fim_line_digest(line, digest_ret);

	if (err)
		return err;
	if (line->seq == outbox->seq && strcmp(digest_ret, outbox->digest) != 0)
		return -ESTALE;
	if (line->seq > outbox->seq)
		count_lost(outbox, line);
	return line->seq > outbox->seq;
}

void outbox_see(struct outbox *outbox, const struct fim_line *line, const char *digest)
{
	outbox->seen_seq = line->seq;
	strcpy(outbox->seen_digest, digest);
}

int outbox_save(struct outbox *outbox)
{
	char *text = NULL;
	size_t len = 0;
	int err;

	fim_json_set_str(outbox->members, "format", outbox->format);
	fim_json_set_int(outbox->members, "version", 1);
	fim_json_set_int(outbox->members, "seq", (int64_t)outbox->seq);
	fim_json_set_str(outbox->members, "digest", outbox->digest);
	if (outbox->lost_through) {
		fim_json_set_int(outbox->members, "lost", (int64_t)outbox->lost);
		fim_json_set_int(outbox->members, "lost_through", (int64_t)outbox->lost_through);
	}
	fim_json_set(outbox->members, "unrecorded", fim_json_ref(outbox->unrecorded));
	err = fim_json_dump(outbox->members, &text, &len);
	if (!err)
		err = fim_file_write_atomic(outbox->state, text, len, 0600);
	free(text);
	return err;
}

int outbox_finish(struct outbox *outbox)
{
	if (outbox->seen_seq) {
		outbox->seq = outbox->seen_seq;
		strcpy(outbox->digest, outbox->seen_digest);
	}
	return outbox_save(outbox);
}

void outbox_delivered(struct outbox *outbox, uint64_t seq)
{
	if (fim_json_count(outbox->unrecorded) < UNRECORDED_MAX)
		fim_json_append_int(outbox->unrecorded, (int64_t)seq);
}

/* Takes over @request. */
static int tell(const struct outbox *outbox, struct fim_json *request)
{
	struct fim_json *answer = NULL;
	int err;

	fim_json_set_str(request, "sink", outbox->sink);
	err = cli_request(outbox->config, request, &answer);
	if (!err && !fim_json_get_bool(answer, "ok", false)) {
		cli_error("the daemon did not record it: %s", fim_json_get_str(answer, "error"));
		err = -EIO;
	}
	fim_json_free(answer);
	fim_json_free(request);
	return err;
}

int outbox_record(struct outbox *outbox)
{
	int err = 0;

	while (!err && fim_json_count(outbox->unrecorded)) {
		struct fim_json *request = fim_json_object(), *now = fim_json_array();
		struct fim_json *later = fim_json_array();

		for (size_t i = 0; i < fim_json_count(outbox->unrecorded); i++)
			fim_json_append_int(i < FIM_ALERTS_PER_RECORD ? now : later,
					    fim_json_int(fim_json_index(outbox->unrecorded, i), 0));
		fim_json_set_str(request, "op", "alert");
		fim_json_set_str(request, "action", "delivered");
		fim_json_set(request, "alerts", now);
		err = tell(outbox, request);
		if (err) {
			fim_json_free(later);
			break;
		}
		fim_json_free(outbox->unrecorded);
		outbox->unrecorded = later;
		err = outbox_save(outbox);
	}
	return err;
}

void outbox_tell_health(struct outbox *outbox, const char *problem, uint64_t sent)
{
	struct fim_json *request = fim_json_object();
	bool lost = outbox->lost;

	fim_json_set_str(request, "op", "sink");
	fim_json_set_bool(request, "failing", problem);
	if (problem)
		fim_json_set_bytes(request, "cause", problem, strlen(problem));
	if (lost)
		fim_json_set_int(request, "lost", (int64_t)outbox->lost);
	fim_json_set_int(request, "sent", (int64_t)sent);
	if (tell(outbox, request) == 0)
		outbox->lost = 0;
	if (lost)
		outbox_save(outbox);
}
