/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of ecs-fim share.
 */
#ifndef CLI_H
#define CLI_H

#include "libfim.h"

struct cli_option;

/* ----------------------------------------------------------------- cmd_*.c */
/* argv[0] is the command's name. Each returns an enum fim_exit. */

int cmd_baseline(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_containers(int argc, char **argv);
int cmd_sessions(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_fleet(int argc, char **argv);
int cmd_journal(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_enroll(int argc, char **argv);
int cmd_change(int argc, char **argv);
int cmd_alerts(int argc, char **argv);
int cmd_bundle(int argc, char **argv);
int cmd_ack(int argc, char **argv); /* also "close" */
int cmd_disarm(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_on_alert(int argc, char **argv);
int cmd_send_asff(int argc, char **argv);
int cmd_timeline(int argc, char **argv);

/* ----------------------------------------------------------------- clock.c */

int64_t cli_now_ms(void); /* CLOCK_MONOTONIC */
void cli_sleep_ms(int64_t ms);

/* ---------------------------------------------------- cmd_baseline_sign.c */

int cmd_baseline_sign(int argc, char **argv);
int cmd_baseline_digest(int argc, char **argv);
int cmd_baseline_attach(int argc, char **argv);
int cmd_baseline_check(int argc, char **argv);
/* cmd_baseline_diff.c */
int cmd_baseline_diff(int argc, char **argv);
/* cmd_baseline_import.c */
int cmd_baseline_import(int argc, char **argv);
/* cmd_baseline.c: KEY=VALUE becomes a member of the object that is @ctx. */
int cli_take_provenance(const struct cli_option *option, const char *usage, const char *value);

/* Where the signature of a baseline is by custom: .ndjson → .sig; malloc'ed. */
char *cli_signature_path(const char *baseline);

/* ------------------------------------------------------------ difference.c */

/*
 * On standard output; a colon and lines of attributes, or members as in a finding of the
 * journal. @pending: unsigned delta that may explain it, NULL: none.
 */
int cli_put_difference(const struct fim_difference *difference, const struct fim_baseline *pending,
		       bool as_json);

/* ------------------------------------------------------------ cmd_status.c */

/* What the daemon says on its status socket. Failure is reported. */
int cli_ask_status(const char *path, struct fim_json **status_ret);

/* --------------------------------------------------------------- request.c */

/**
 * cli_request() - give the daemon an order
 * @config: where it listens
 * @request: not consumed
 * @answer_ret: what it said, also if that is a refusal
 *
 * -ENOENT, -ECONNREFUSED: it does not run, nothing is reported. Everything else is.
 */
int cli_request(const struct fim_config *config, const struct fim_json *request,
		struct fim_json **answer_ret);

/**
 * cli_record() - have a record made: by the daemon, or in its place when it does not run
 * @config: where it listens, where the journal is
 * @request: what the daemon is asked
 * @type: of the record
 * @body: makes it when there is no daemon; takes over @who; *@error_ret: why not, static
 * @ctx: for @body
 *
 * Returns 1 if the daemon does not run and the record was made all the same. Failure is reported.
 */
int cli_record(const struct fim_config *config, const struct fim_json *request, const char *type,
	       int (*body)(void *ctx, const struct fim_json *request, struct fim_json *who,
			   const char **error_ret, struct fim_json **body_ret),
	       void *ctx);

/* --------------------------------------------------------------- options.c */

/**
 * struct cli_option - an option, and what becomes of its value; one of four
 * @name: the long one
 * @letter: the short one, 0: none
 * @flag: takes no value, and sets this
 * @text: the value goes here
 * @list: the value is added there, which has room for as many as there are arguments
 * @count: of @list
 * @take: is given the value, and @usage for its complaint; an enum fim_exit
 * @ctx: what @take writes to
 */
struct cli_option {
	const char *name;
	char letter;
	bool *flag;
	const char **text;
	const char **list;
	size_t *count;
	int (*take)(const struct cli_option *option, const char *usage, const char *value);
	void *ctx;
};

/* For @take. @ctx of each: int64_t of nanoseconds; the same, a date is its end; */
int cli_take_time(const struct cli_option *option, const char *usage, const char *value);
int cli_take_end(const struct cli_option *option, const char *usage, const char *value);
/* uint64_t of bytes per second, the value is MiB; */
int cli_take_rate(const struct cli_option *option, const char *usage, const char *value);
/* struct fim_host; */
int cli_take_account(const struct cli_option *option, const char *usage, const char *value);
int cli_take_region(const struct cli_option *option, const char *usage, const char *value);
int cli_take_host(const struct cli_option *option, const char *usage, const char *value);
/* enum fim_standard; enum fim_lang; */
int cli_take_standard(const struct cli_option *option, const char *usage, const char *value);
int cli_take_lang(const struct cli_option *option, const char *usage, const char *value);
/* const char *, "-" is NULL: standard output. */
int cli_take_output(const struct cli_option *option, const char *usage, const char *value);

/*
 * The first argument that is none is argv[optind] then. @options does without --help and ends
 * with a row that has no name; if its letter is '+', what follows the first argument is that
 * argument's. False: nothing is left to do but return *@status_ret.
 */
bool cli_take_options(int argc, char **argv, const char *usage, const char *help,
		      const struct cli_option *options, int *status_ret);

/* -------------------------------------------------------------------- qr.c */

/* Draws @text on a terminal; false: the library for it is not on this host. */
bool cli_put_qr(FILE *out, const char *text);

/* ------------------------------------------------------------------ term.c */

/* The exit status for what a library call returned. */
int cli_exit(int err);

/* Print a complaint and @usage to stderr; returns FIM_EXIT_USAGE. */
int cli_usage_error(const char *usage, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Report that memory ran out or similar; for failures that the library did not name. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Write bytes so that they cannot move the cursor or forge a line. */
void cli_put_escaped(FILE *out, const char *text);

enum cli_colour {
	CLI_RED,
	CLI_GREEN,
	CLI_YELLOW,
	CLI_BOLD,
	CLI_PLAIN,
};
/* The escape sequence, or "" if @out is not a terminal or NO_COLOR is set. */
const char *cli_colour(FILE *out, enum cli_colour colour);

/* 1.5 KiB, 3.2 GiB, … */
#define CLI_SIZE_SIZE 16
void cli_format_size(uint64_t bytes, char text_ret[CLI_SIZE_SIZE]);

/* One compact line; frees @json. 0 or -errno, reported. */
int cli_put_json(FILE *out, struct fim_json *json);

/**
 * struct cli_progress - how progress is shown on stderr
 * @quiet: not at all
 * @json: as JSON lines, whatever stderr is; otherwise one line, rewritten, on a
 *	terminal only
 * @start_ns: set by cli_progress_start()
 * @shown_ns: when something was shown last
 * @drawn: the line has to be cleared
 */
struct cli_progress {
	bool quiet;
	bool json;
	int64_t start_ns;
	int64_t shown_ns;
	bool drawn;
};
void cli_progress_start(struct cli_progress *progress);
void cli_progress_show(struct cli_progress *progress, const struct fim_progress *now);
/* Clears the line. */
void cli_progress_end(struct cli_progress *progress);

#endif /* CLI_H */
