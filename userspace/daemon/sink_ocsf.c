/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSF events as lines of a file, for whoever ships files.  A file that was renamed or
 * removed (logrotate) is made anew by the next event.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon.h"

static int ocsf_open(struct sink *sink)
{
	sink->fd =
		open(sink->config->sink_ocsf,
		     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		     0640);
	return sink->fd < 0 ? -errno : 0;
}

static bool is_current(const struct sink *sink)
{
	struct stat open_st, named_st;

	return sink->fd >= 0 && fstat(sink->fd, &open_st) == 0 &&
	       stat(sink->config->sink_ocsf, &named_st) == 0 && open_st.st_ino == named_st.st_ino &&
	       open_st.st_dev == named_st.st_dev;
}

static void know_host(struct sink *sink, const struct fim_json *record)
{
	struct utsname name;

	if (!*sink->host.hostname && uname(&name) == 0) {
		snprintf(sink->host.hostname, sizeof(sink->host.hostname), "%s", name.nodename);
		snprintf(sink->host.kernel, sizeof(sink->host.kernel), "%s", name.release);
	}
	fim_host_learn(&sink->host, record);
}

static int event_line(struct sink *sink, const struct alert *alert, char **line_ret)
{
	struct fim_line line = {.text = alert->line, .len = strlen(alert->line)};
	struct fim_json *record = NULL, *event = NULL;
	char digest[FIM_SHA256_HEX_SIZE], *text = NULL;
	size_t len = 0;
	int err = fim_line_digest(&line, digest);

	if (!err)
		err = fim_json_parse(line.text, line.len, NULL, &record);
	if (!err) {
		know_host(sink, record);
		err = fim_ocsf(&sink->host, record, digest, &event);
	}
	if (!err)
		err = fim_json_dump(event, &text, &len);
	if (!err && asprintf(line_ret, "%s\n", text) < 0)
		err = -ENOMEM;
	free(text);
	fim_json_free(event);
	fim_json_free(record);
	return err;
}

static int ocsf_send(struct sink *sink, const struct alert *alert)
{
	char *line = NULL;
	int err = event_line(sink, alert, &line);
	ssize_t done;

	/* A reminder is no event of its own. */
	if (err)
		return err == -ENOMSG ? 0 : err;
	if (!is_current(sink)) {
		sink_close_fd(sink);
		err = ocsf_open(sink);
	}
	if (!err) {
		done = write(sink->fd, line, strlen(line));
		if (done < 0)
			err = -errno;
		else if ((size_t)done < strlen(line))
			err = -ENOSPC;
	}
	free(line);
	return err;
}

static bool ocsf_wanted(const struct fim_config *config)
{
	return config->sink_ocsf[0] != '\0';
}

const struct sink_ops sink_ocsf = {
	.name = "ocsf",
	.wanted = ocsf_wanted,
	.open = ocsf_open,
	.send = ocsf_send,
	.close = sink_close_fd,
};
