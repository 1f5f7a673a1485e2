/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Some alerts through the daemon's sinks, as a configuration says: send CONFIG JOURNAL.  The
 * last line of output is the status of the sinks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/daemon/daemon.h"

static struct daemon d;

static const char *const paths[] = {
	"/usr/bin/tool",
	"/etc/\"quoted\" ]bracket[ back\\slash = [x@1 y=\"z\"]",
	"/etc/a\nb\x1b]0;title\x07\r\t",
	"/etc/\xc3\xa9\xe3\x81\x82/\xff\xfe\xe9",
};

static void say(void *ctx, int priority, const char *message)
{
	(void)ctx;
	fprintf(stderr, "<%d>%s\n", priority, message);
}

static void send_one(const char *path)
{
	const struct alert_field fields[] = {
		{"op", "modified", true},
		{"severity", "high", true},
		{"path", path, false},
		{"old_path", NULL, false},
		{"actor_exe", "/usr/bin/vi", false},
		{"container", "c1c1", true},
	};
	struct fim_json *body = fim_json_object();
	char *shown = fim_escape(path, strlen(path)), *text = NULL, *line = NULL;
	struct alert alert = {
		.type = "finding",
		.severity = FIM_SEVERITY_HIGH,
		.failed = true,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	fim_json_set_str(body, "kind", "modified");
	fim_json_set_str(body, "severity", "high");
	fim_json_set_path(body, "path", path);
	record_append(&d, "finding", body, &line);
	if (asprintf(&text, "modified %s severity=high", shown) < 0)
		exit(1);
	alert.text = text;
	alert.line = line;
	sinks_send(&d, &alert);
	free(text);
	free(line);
	free(shown);
}

int main(int argc, char **argv)
{
	struct fim_journal_params params = {.dir = argc > 2 ? argv[2] : NULL};
	struct fim_json *status;
	char *text = NULL;
	size_t len;

	fim_log_set(say, NULL);
	if (argc != 3 || fim_config_load(argv[1], &d.config) ||
	    fim_journal_open(&params, &d.journal))
		return 1;
	d.hasher = fim_hasher_new();
	sinks_open(&d);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		send_one(paths[i]);
	sinks_record(&d);
	status = sinks_status(&d);
	if (fim_json_dump(status, &text, &len) == 0)
		puts(text);
	free(text);
	fim_json_free(status);
	sinks_close(&d);
	fim_journal_close(d.journal);
	fim_hasher_free(d.hasher);
	fim_config_free(d.config);
	return 0;
}
