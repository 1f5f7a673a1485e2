/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim journal: check the journal, print and export its records, begin to seal it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define USAGE                                                                                   \
	"usage: ecs-fim journal verify [--key KEY] [--json] [PATH]\n"                           \
	"       ecs-fim journal show [--type TYPE] [--from TIME] [--to TIME] [PATH]\n"          \
	"       ecs-fim journal export [--from TIME] [--to TIME] [-o FILE] [PATH]\n"            \
	"       ecs-fim journal export --format ocsf|asff [--account A] [--region R]\n"         \
	"                              [--host H] [--from TIME] [--to TIME] [-o FILE] [PATH]\n" \
	"       ecs-fim journal seal [--config FILE]\n"

#define KEY_FILE_MAX 4096

static const char help[] = USAGE
	"\n"
	"The journal is what the daemon recorded: findings, comparisons, containers, and its own\n"
	"health. Every record holds the digest of the one before, so that none can be changed,\n"
	"removed, inserted or moved unnoticed. Whoever can write all of it could make a new chain;\n"
	"seals prevent that: with the verification key, which is not on the host, nothing that was\n"
	"written before somebody took the host can be changed or cut off without being noticed.\n"
	"\n"
	"  verify         check every record; say how many there are and the last digest, or name\n"
	"                 the first bad record and what is wrong with it\n"
	"  show           print the records, one JSON object per line, and check them\n"
	"  export         the journal's own lines, which \"verify\" and \"sha256sum\" can check\n"
	"  seal           begin to seal: shows the verification key, once; keep it off the host\n"
	"  --key KEY      verification key (ECSFIM1-…), or a file that holds it, or - for standard\n"
	"                 input: check the seals too\n"
	"  --type TYPE    only records of this type: finding, comparison, baseline, container,\n"
	"                 access, control, watch, rules, alert, journal\n"
	"  --from TIME    only records from this time on (2026-11-27 or 2026-11-27T10:00:00Z)\n"
	"  --to TIME      only records before this time\n"
	"  -o FILE        write there (mode 0600) instead of to standard output\n"
	"  --format F     export in another format, one JSON object per line: ocsf (events of the\n"
	"                 Open Cybersecurity Schema Framework " FIM_OCSF_VERSION
	"), asff (alerts and outages as\n"
	"                 findings of AWS Security Hub); journal (default): the lines as they are\n"
	"  --account A    AWS account in it; default: of the tasks in the journal\n"
	"  --region R     AWS region in it; the same\n"
	"  --host H       instance id in it; default: what the daemon recorded\n"
	"  --json         the result as one JSON object\n"
	"  --config FILE  the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"  PATH           journal directory or one of its files; default: from the configuration\n"
	"\n"
	"exit status: 0 all records are good, 3 a record is not, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim journal verify --key host-17.key\n"
	"  ecs-fim journal show --type finding | jq -r .path\n"
	"  ecs-fim journal export --from 2026-11-01 --to 2026-12-01 -o november.ndjson\n"
	"  ecs-fim journal export --format ocsf --from 2026-11-27 | jq -c 'select(.class_uid == 1001)'\n";

struct options {
	const char *action;
	const char *path;
	const char *type;
	const char *key;
	const char *output;
	const char *config;
	const char *format;
	struct fim_host origin; /* as far as somebody said it */
	int64_t from_ns;
	int64_t to_ns;
	bool json;
};

typedef int (*format_fn)(const struct fim_host *origin, const struct fim_json *record,
			 const char *digest, struct fim_json **json_ret);

/* ------------------------------------------------------------------- verify */

/* The key itself, or what a file of it holds; malloc'ed. */
static int read_key(const char *key, char **text_ret)
{
	char *text = NULL;
	size_t len = 0;
	int err;

	if (strncmp(key, "ECSFIM", 6) == 0) {
		*text_ret = strdup(key);
		return *text_ret ? 0 : -ENOMEM;
	}
	if (strcmp(key, "-") != 0) {
		err = fim_file_read(key, KEY_FILE_MAX, text_ret, &len);
		if (!err)
			(*text_ret)[strcspn(*text_ret, "\n")] = '\0';
		return err;
	}
	text = calloc(1, KEY_FILE_MAX);
	if (!text || !fgets(text, KEY_FILE_MAX, stdin)) {
		cli_error("no key on standard input");
		free(text);
		return -EINVAL;
	}
	text[strcspn(text, "\n")] = '\0';
	*text_ret = text;
	return 0;
}

static void put_result_json(const struct fim_journal_check *check, bool keyed)
{
	struct fim_json *json = fim_json_object();
	char time[FIM_TIME_SIZE];

	fim_json_set_bool(json, "good", !check->first_bad);
	fim_json_set_int(json, "records", (int64_t)check->records);
	fim_json_set_int(json, "first_seq", (int64_t)check->first_seq);
	fim_json_set_str(json, "head", check->head);
	fim_json_set_int(json, "segments", check->segments);
	fim_json_set_bool(json, "torn", check->torn);
	if (check->first_bad) {
		fim_json_set_int(json, "first_bad", (int64_t)check->first_bad);
		fim_json_set_bytes(json, "reason", check->reason, strlen(check->reason));
	}
	if (keyed) {
		fim_json_set_int(json, "sealed", (int64_t)check->sealed);
		fim_json_set_int(json, "back_steps", (int64_t)check->back_steps);
	}
	if (check->removed_ns) {
		fim_time_format(check->removed_ns, time);
		fim_json_set_str(json, "removed", time);
		fim_json_set_str(json, "removed_why", check->removed_why);
	}
	cli_put_json(stdout, json);
}

static void put_result(const struct fim_journal_check *check, bool keyed)
{
	char time[FIM_TIME_SIZE];

	if (check->first_bad) {
		printf("%sbroken%s: record %" PRIu64 ": ", cli_colour(stdout, CLI_RED),
		       cli_colour(stdout, CLI_PLAIN), check->first_bad);
		cli_put_escaped(stdout, check->reason);
		printf("\ngood before it: %" PRIu64 " records, last digest %s\n", check->records,
		       check->head);
		return;
	}
	printf("%sverified%s: %" PRIu64 " records, last digest %s\n", cli_colour(stdout, CLI_GREEN),
	       cli_colour(stdout, CLI_PLAIN), check->records, check->head);
	if (keyed)
		printf("sealed: %" PRIu64 " of them, and each seal is right\n", check->sealed);
	if (check->back_steps)
		printf("the clock went back: %" PRIu64
		       " records claim an earlier hour than their seal, the first is %" PRIu64 "\n",
		       check->back_steps, check->first_back);
	if (check->removed_ns) {
		fim_time_format(check->removed_ns, time);
		printf("begins with record %" PRIu64 ": earlier ones were removed %s (%s)\n",
		       check->first_seq, time, check->removed_why);
	} else if (check->first_seq > 1) {
		printf("begins with record %" PRIu64 "\n", check->first_seq);
	}
	if (check->torn)
		puts("the last line is incomplete: it is being written, or a crash left it");
}

static int verify(const struct options *options, const struct fim_config *config)
{
	struct fim_journal_query query = {.path = options->path,
					  .retention_days = config->journal_retention_days};
	struct fim_journal_check check = {0};
	char *key = NULL;
	int err = options->key ? read_key(options->key, &key) : 0;

	query.key = key;
	if (!err)
		err = fim_journal_verify(&query, &check);
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	if (err == -EKEYREJECTED)
		cli_error("--key: this is no verification key, or it is mistyped");
	if (err && err != -EBADMSG)
		return cli_exit(err);
	if (options->json)
		put_result_json(&check, options->key);
	else
		put_result(&check, options->key);
	return check.first_bad ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}

/* ------------------------------------------------------------- show, export */

struct put {
	const struct options *options;
	format_fn format; /* NULL: as it is */
	struct fim_host origin;
	FILE *out;
	uint64_t records;
};

/* Before the first record is written: which host, account and region they are of. */
static int learn_line(void *ctx, const struct fim_line *line)
{
	struct put *put = ctx;

	return fim_host_learn_line(&put->origin, line);
}

static int put_formatted(struct put *put, const struct fim_line *line)
{
	struct fim_json *record = NULL, *json = NULL;
	char digest[FIM_SHA256_HEX_SIZE], *text = NULL;
	size_t len = 0;
	int err = fim_line_digest(line, digest);

	if (!err)
		err = fim_json_parse(line->text, line->len, "record", &record);
	if (!err)
		err = put->format(&put->origin, record, digest, &json);
	if (!err)
		err = fim_json_dump(json, &text, &len);
	if (!err) {
		put->records++;
		if (fwrite(text, 1, len, put->out) != len || putc('\n', put->out) == EOF)
			err = -EIO;
	}
	if (err == -EDESTADDRREQ)
		cli_error("record %" PRIu64 ": the journal does not say which account and region "
			  "it is of: say --account and --region",
			  line->seq);
	free(text);
	fim_json_free(json);
	fim_json_free(record);
	return err == -ENOMSG ? 0 : err;
}

/* As it is in the journal: whoever exports a period gets a piece of the same chain. */
static int put_line(void *ctx, const struct fim_line *line)
{
	struct put *put = ctx;
	const struct options *options = put->options;

	if ((options->type && strcmp(line->type, options->type) != 0) ||
	    (options->from_ns && line->time_ns < options->from_ns) ||
	    (options->to_ns && line->time_ns >= options->to_ns))
		return 0;
	if (put->format)
		return put_formatted(put, line);
	put->records++;
	if (fwrite(line->text, 1, line->len, put->out) != line->len || putc('\n', put->out) == EOF)
		return -EIO;
	return 0;
}

static int put_all(const struct options *options, FILE *out, uint64_t *records_ret)
{
	struct put put = {.options = options, .out = out, .origin = options->origin};
	struct fim_journal_check check = {0};
	int err = 0;

	if (options->format && strcmp(options->format, "journal") != 0) {
		put.format = strcmp(options->format, "ocsf") == 0 ? fim_ocsf : fim_asff;
		err = fim_journal_scan(options->path, learn_line, &put, &check);
	}
	if (err >= 0 || err == -EBADMSG)
		err = fim_journal_scan(options->path, put_line, &put, &check);
	if (err == -EBADMSG) {
		cli_error("%s: record %" PRIu64 " is bad: %s: what comes after it is left out",
			  options->path, check.first_bad, check.reason);
		*records_ret = put.records;
		return FIM_EXIT_FINDINGS;
	}
	*records_ret = put.records;
	return cli_exit(err);
}

/* Complete under its name, or not there. */
static int export_file(const struct options *options)
{
	uint64_t records = 0;
	char *part = NULL;
	FILE *out = NULL;
	int fd, status = FIM_EXIT_ERROR;

	if (asprintf(&part, "%s.part", options->output) < 0)
		return cli_exit(-ENOMEM);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out) {
		cli_error("%s: %s", part, strerror(errno));
		goto out;
	}
	status = put_all(options, out, &records);
	if (fflush(out) || fsync(fd) || rename(part, options->output)) {
		cli_error("%s: %s", options->output, strerror(errno));
		status = FIM_EXIT_ERROR;
	}
	fclose(out);
	if (status != FIM_EXIT_ERROR)
		printf("%" PRIu64 " records in %s\n", records, options->output);
out:
	if (status == FIM_EXIT_ERROR)
		unlink(part);
	free(part);
	return status;
}

static int export(const struct options *options)
{
	uint64_t records;

	return options->output ? export_file(options) : put_all(options, stdout, &records);
}

/* --------------------------------------------------------------------- seal */

/* Without the daemon the journal is ours to open. */
static int open_alone(const struct fim_config *config, struct fim_journal **journal_ret)
{
	struct fim_journal_params params;

	fim_config_journal(config, &params);
	return fim_journal_open(&params, journal_ret);
}

static int ask(const struct fim_config *config, const char *op, struct fim_json **answer_ret)
{
	struct fim_json *request = fim_json_object();
	int err;

	fim_json_set_str(request, "op", op);
	err = cli_request(config, request, answer_ret);
	fim_json_free(request);
	return err;
}

static int seal_asked(const struct fim_config *config, char *key_ret)
{
	struct fim_json *answer = NULL;
	int err = ask(config, "seal", &answer);
	const char *key;

	if (err)
		return err;
	key = fim_json_get_str(answer, "key");
	if (key)
		snprintf(key_ret, FIM_SEAL_TEXT_SIZE, "%s", key);
	else
		cli_error("the daemon did not seal the journal: %s",
			  fim_json_get_str(answer, "error"));
	fim_json_free(answer);
	return key ? 0 : -EIO;
}

static void put_key(const char *key)
{
	if (!isatty(STDOUT_FILENO)) {
		puts(key);
		return;
	}
	printf("The journal is sealed from now on. This is its verification key; it is "
	       "shown only now\nand is not kept on this host. Write it down or "
	       "photograph it, and keep it elsewhere:\n\n  %s%s%s\n\n",
	       cli_colour(stdout, CLI_BOLD), key, cli_colour(stdout, CLI_PLAIN));
	if (!cli_put_qr(stdout, key))
		puts("(no QR code: libqrencode is not installed)");
	puts("\nWith it, anywhere: ecs-fim journal verify --key KEY PATH");
}

/* Only what reached standard output counts as seen: else the next "seal" makes another key. */
static int show_key(const char *key)
{
	put_key(key);
	if (fflush(stdout) == 0)
		return 0;
	cli_error("cannot show the key: %s; it is lost, and \"journal seal\" will make another",
		  strerror(errno));
	return -EIO;
}

static int seen_asked(const struct fim_config *config)
{
	struct fim_json *answer = NULL;
	int err = ask(config, "seal-seen", &answer);

	if (!err && !fim_json_get_bool(answer, "ok", false))
		err = -EIO;
	fim_json_free(answer);
	if (err)
		cli_error("the key is good, but the daemon could not be told that it was shown: "
			  "another \"journal seal\" would replace it");
	return err;
}

static int seal_alone(const struct fim_config *config, char *key_ret)
{
	struct fim_journal *journal = NULL;
	int err = open_alone(config, &journal);

	if (!err)
		err = fim_journal_seal(journal, key_ret);
	if (err == -EEXIST)
		cli_error("%s is sealed already: its key was shown then, and is nowhere on this "
			  "host",
			  config->journal_dir);
	if (!err)
		err = show_key(key_ret);
	if (!err)
		err = fim_journal_seal_seen(journal);
	fim_journal_close(journal);
	return err;
}

static int seal(const struct fim_config *config)
{
	char key[FIM_SEAL_TEXT_SIZE] = "";
	int err = seal_asked(config, key);

	if (err == -ENOENT || err == -ECONNREFUSED) {
		err = seal_alone(config, key);
	} else if (!err) {
		err = show_key(key);
		if (!err)
			err = seen_asked(config);
	}
	explicit_bzero(key, sizeof(key));
	return err ? cli_exit(err) : FIM_EXIT_CLEAN;
}

/* ------------------------------------------------------------------ command */

static int run(struct options *options)
{
	struct fim_config *config = NULL;
	int status = FIM_EXIT_ERROR;

	if (fim_config_load(options->config, &config))
		return FIM_EXIT_ERROR;
	if (!options->path)
		options->path = config->journal_dir;
	if (strcmp(options->action, "verify") == 0)
		status = verify(options, config);
	else if (strcmp(options->action, "seal") == 0)
		status = seal(config);
	else
		status = export(options);
	fim_config_free(config);
	return status;
}

static int check_options(const struct options *options, int count)
{
	static const char *const actions[] = {"verify", "show", "export", "seal"};
	bool known = false, put;

	for (size_t i = 0; options->action && i < sizeof(actions) / sizeof(actions[0]); i++)
		known = known || strcmp(options->action, actions[i]) == 0;
	if (!known)
		return cli_usage_error(USAGE, "journal: say verify, show, export or seal");
	put = strcmp(options->action, "show") == 0 || strcmp(options->action, "export") == 0;
	if (!put && (options->type || options->from_ns || options->to_ns || options->output))
		return cli_usage_error(USAGE, "journal: --type, --from, --to and -o go with show "
					      "and export");
	if (options->type && strcmp(options->action, "export") == 0)
		return cli_usage_error(USAGE, "journal: --type goes with show: an export is a "
					      "piece of the chain");
	if ((options->format || *options->origin.account || *options->origin.region ||
	     *options->origin.host) &&
	    strcmp(options->action, "export") != 0)
		return cli_usage_error(USAGE,
				       "journal: --format, --account, --region and --host go "
				       "with export");
	if (options->format && strcmp(options->format, "ocsf") != 0 &&
	    strcmp(options->format, "asff") != 0 && strcmp(options->format, "journal") != 0)
		return cli_usage_error(USAGE,
				       "journal: --format is ocsf, asff or journal, not \"%s\"",
				       options->format);
	if ((options->key || options->json) && strcmp(options->action, "verify") != 0)
		return cli_usage_error(USAGE, "journal: --key and --json go with verify");
	if (count > 2 || (count > 1 && strcmp(options->action, "seal") == 0))
		return cli_usage_error(USAGE, "journal: too many arguments");
	return 0;
}

int cmd_journal(int argc, char **argv)
{
	struct options options = {.action = NULL};
	const struct cli_option table[] = {
		{"type", .text = &options.type},
		{"key", .text = &options.key},
		{"from", .take = cli_take_time, .ctx = &options.from_ns},
		{"to", .take = cli_take_time, .ctx = &options.to_ns},
		{"output", 'o', .text = &options.output},
		{"config", .text = &options.config},
		{"format", .text = &options.format},
		{"account", .take = cli_take_account, .ctx = &options.origin},
		{"region", .take = cli_take_region, .ctx = &options.origin},
		{"host", .take = cli_take_host, .ctx = &options.origin},
		{"json", .flag = &options.json},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, table, &status))
		return status;
	options.action = argv[optind];
	status = check_options(&options, argc - optind);
	if (status)
		return status;
	options.path = argv[optind + 1];
	return run(&options);
}
