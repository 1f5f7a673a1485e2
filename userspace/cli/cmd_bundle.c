/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim bundle: a host's records of a period as files that a fleet's report and SQL
 * engines read, with a signed manifest.  The layout is in userspace/README.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define USAGE                                                                                 \
	"usage: ecs-fim bundle -o DIR [--from TIME] [--to TIME] [--sign KEY] [--account A]\n" \
	"                      [--cluster C] [--host H] [--config FILE] [PATH]\n"
#define NAME_MAX_BYTES 200

static const char help[] = USAGE
	"\n"
	"Write a host's evidence of a period below DIR, ready to be copied to an object store:\n"
	"its records by day and host, and a signed manifest that names every file with its digest.\n"
	"The journal is verified on the way; if a record is bad, nothing is written.\n"
	"\n"
	"  -o DIR         where to write; a new directory\n"
	"  --from TIME    records from this time on (2026-11-27 or 2026-11-27T10:00:00Z)\n"
	"  --to TIME      records before this time\n"
	"  --sign KEY     private key (PEM) for the manifest; default: a key that is made for this\n"
	"                 bundle and forgotten: it proves that nothing changed since, not who made it\n"
	"  --account A    AWS account; default: of the tasks in the records, else \"unknown\"\n"
	"  --cluster C    ECS cluster; the same\n"
	"  --host H       default: what the daemon recorded, else \"unknown\"\n"
	"  --config FILE  the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"  PATH           journal directory or file; default: from the configuration\n"
	"\n"
	"exit status: 0 written, 3 the journal is broken, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim bundle -o /var/lib/ecs-fim/evidence --from 2026-11-01 --to 2026-12-01\n"
	"  openssl dgst -sha256 -verify KEY.pub -signature manifest.sig manifest.json\n";

struct options {
	const char *output;
	const char *key;
	const char *config;
	const char *path;
	char *account;
	char *cluster;
	char *host;
	int64_t from_ns;
	int64_t to_ns;
};

/* One day's file. */
struct bundle {
	const struct options *options;
	char *place; /* account=A/cluster=C/host=H */
	char day[11];
	char *path; /* of the file being written, from the top */
	FILE *out;
	struct fim_hasher *hasher;
	uint64_t file_first;
	uint64_t file_records;
	uint64_t file_bytes;
	struct fim_json *files;
	uint64_t first;
	uint64_t last;
	uint64_t sealed;
	int64_t first_ns;
	int64_t last_ns;
	bool reaches; /* there is a record before the period */
	char prev[FIM_SHA256_HEX_SIZE];
};

/* ---------------------------------------------------------------- directories */

/* Directories of @path, from @top on. */
static int make_dirs(const char *path)
{
	char *copy = strdup(path);
	int err = copy ? 0 : -ENOMEM;

	for (char *at = copy ? strchr(copy + 1, '/') : NULL; at && !err; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			err = -errno;
		*at = '/';
	}
	if (err)
		cli_error("%s: cannot make its directory: %s", path, strerror(-err));
	free(copy);
	return err;
}

/* ---------------------------------------------------------------------- names */

static void take_name(char **name, const char *text)
{
	if (!*name && text && *text && strlen(text) <= NAME_MAX_BYTES)
		*name = strdup(text);
}

/* Which host, account and cluster: what the records say first. */
static int on_name(void *ctx, const struct fim_line *line)
{
	struct options *options = ctx;
	struct fim_json *record = NULL;
	const struct fim_json *container;
	const char *component;

	if (options->host && options->account && options->cluster)
		return -ECANCELED;
	if (strcmp(line->type, "control") != 0 && strcmp(line->type, "container") != 0)
		return 0;
	if (fim_json_parse(line->text, line->len, NULL, &record))
		return 0;
	component = fim_json_get_str(record, "component");
	container = fim_json_get(record, "container");
	if (component && strcmp(component, "daemon") == 0)
		take_name(&options->host,
			  fim_json_get_str(fim_json_get(record, "detail"), "hostname"));
	take_name(&options->account, fim_json_get_str(container, "account"));
	take_name(&options->cluster, fim_json_get_str(container, "cluster"));
	fim_json_free(record);
	return 0;
}

/* ---------------------------------------------------------------------- files */

static int file_close(struct bundle *bundle)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE];
	struct fim_json *file;
	int err = 0;

	if (!bundle->out)
		return 0;
	if (fflush(bundle->out) || fsync(fileno(bundle->out)))
		err = -errno;
	if (fclose(bundle->out) && !err)
		err = -errno;
	bundle->out = NULL;
	if (err)
		cli_error("%s: %s", bundle->path, strerror(-err));
	if (!err)
		err = fim_hasher_final(bundle->hasher, digest);
	if (err)
		return err;
	fim_hex_encode(digest, sizeof(digest), hex);
	file = fim_json_object();
	fim_json_set_str(file, "path", bundle->path);
	fim_json_set_int(file, "bytes", (int64_t)bundle->file_bytes);
	fim_json_set_str(file, "sha256", hex);
	fim_json_set_int(file, "first_seq", (int64_t)bundle->file_first);
	fim_json_set_int(file, "last_seq", (int64_t)bundle->last);
	fim_json_set_int(file, "records", (int64_t)bundle->file_records);
	fim_json_append(bundle->files, file);
	free(bundle->path);
	bundle->path = NULL;
	return 0;
}

static int file_open(struct bundle *bundle, uint64_t seq)
{
	char *full = NULL;
	int fd, err = -ENOMEM;

	bundle->file_first = seq;
	bundle->file_records = bundle->file_bytes = 0;
	if (asprintf(&bundle->path, "records/dt=%s/%s/records.ndjson", bundle->day, bundle->place) <
	    0)
		bundle->path = NULL;
	if (!bundle->path || asprintf(&full, "%s/%s", bundle->options->output, bundle->path) < 0)
		return -ENOMEM;
	err = make_dirs(full);
	if (err)
		goto out;
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bundle->out = fd < 0 ? NULL : fdopen(fd, "w");
	err = bundle->out ? fim_hasher_reset(bundle->hasher) : -errno;
	if (err)
		cli_error("%s: %s", full, strerror(-err));
out:
	free(full);
	return err;
}

static int on_line(void *ctx, const struct fim_line *line)
{
	struct bundle *bundle = ctx;
	const struct options *options = bundle->options;
	char time[FIM_TIME_SIZE];
	int err = 0;

	if (line->time_ns < options->from_ns && !bundle->first) {
		bundle->reaches = true;
		return 0;
	}
	/* A clock that was set back does not tear a hole into the chain. */
	if (options->to_ns && line->time_ns >= options->to_ns)
		return bundle->first ? -ECANCELED : 0;
	fim_time_format(line->time_ns, time);
	time[10] = '\0';
	if (!bundle->first) {
		bundle->first = line->seq;
		bundle->first_ns = line->time_ns;
		memcpy(bundle->prev, line->prev, sizeof(bundle->prev));
	}
	/* Nor into a day: what comes after a later one stays with it. */
	if (strcmp(time, bundle->day) > 0) {
		err = file_close(bundle);
		memcpy(bundle->day, time, sizeof(bundle->day));
		if (!err)
			err = file_open(bundle, line->seq);
	}
	if (err)
		return err;
	bundle->last = line->seq;
	bundle->last_ns = line->time_ns;
	bundle->file_records++;
	bundle->file_bytes += line->len + 1;
	/* Only the journal writes a member of this name, and always as the last. */
	bundle->sealed += memmem(line->text, line->len, ",\"seal\":\"", 9) != NULL;
	err = fim_hasher_update(bundle->hasher, line->text, line->len);
	if (!err)
		err = fim_hasher_update(bundle->hasher, "\n", 1);
	if (!err && (fwrite(line->text, 1, line->len, bundle->out) != line->len ||
		     putc('\n', bundle->out) == EOF)) {
		err = errno ? -errno : -EIO;
		cli_error("%s: %s", bundle->path, strerror(-err));
	}
	return err;
}

/* ------------------------------------------------------------------- manifest */

static void set_time(struct fim_json *json, const char *key, int64_t time_ns)
{
	char time[FIM_TIME_SIZE];

	fim_time_format(time_ns, time);
	fim_json_set_str(json, key, time);
}

/* Digest of the last line of the bundle, as the next record's "prev" would say it. */
struct head {
	uint64_t last;
	struct fim_hasher *hasher;
	char hex[FIM_SHA256_HEX_SIZE];
};

static int on_head(void *ctx, const struct fim_line *line)
{
	struct head *head = ctx;
	unsigned char digest[FIM_SHA256_SIZE];
	int err;

	if (line->seq != head->last)
		return 0;
	err = fim_hasher_reset(head->hasher);
	if (!err)
		err = fim_hasher_update(head->hasher, line->text, line->len);
	if (!err)
		err = fim_hasher_update(head->hasher, "\n", 1);
	if (!err)
		err = fim_hasher_final(head->hasher, digest);
	if (!err)
		fim_hex_encode(digest, sizeof(digest), head->hex);
	return err ? err : -ECANCELED;
}

static struct fim_json *manifest_json(const struct bundle *bundle, const char *head)
{
	const struct options *options = bundle->options;
	struct fim_json *json = fim_json_object(), *journal = fim_json_object();

	fim_json_set_str(json, "format", "ecs-fim-bundle");
	fim_json_set_int(json, "version", 1);
	fim_json_set_str(json, "tool", "ecs-fim " FIM_VERSION);
	fim_json_set_str(json, "account", options->account ? options->account : "unknown");
	fim_json_set_str(json, "cluster", options->cluster ? options->cluster : "unknown");
	fim_json_set_str(json, "host", options->host ? options->host : "unknown");
	set_time(json, "from", options->from_ns ? options->from_ns : bundle->first_ns);
	set_time(json, "to", options->to_ns ? options->to_ns : bundle->last_ns);
	fim_json_set_str(journal, "verification", "verified");
	fim_json_set_int(journal, "first_seq", (int64_t)bundle->first);
	fim_json_set_int(journal, "last_seq", (int64_t)bundle->last);
	fim_json_set_str(journal, "prev", bundle->prev);
	fim_json_set_str(journal, "head", head);
	fim_json_set(json, "journal", journal);
	fim_json_set_int(json, "records", (int64_t)(bundle->last - bundle->first + 1));
	fim_json_set_bool(json, "complete", bundle->first == 1 || bundle->reaches);
	fim_json_set_int(json, "sealed", (int64_t)bundle->sealed);
	fim_json_set(json, "files", fim_json_ref(bundle->files));
	return json;
}

static int write_part(const struct bundle *bundle, const char *suffix, const void *bytes,
		      size_t len)
{
	char *path;
	int err;

	if (asprintf(&path, "%s/manifest.%s", bundle->options->output, suffix) < 0)
		return -ENOMEM;
	err = make_dirs(path);
	if (!err)
		err = fim_file_write_atomic(path, bytes, len, 0600);
	if (!err && strcmp(suffix, "json") == 0)
		printf("%" PRIu64 " records, %zu files, manifest %s\n",
		       bundle->last - bundle->first + 1, fim_json_count(bundle->files), path);
	free(path);
	return err;
}

/* The manifest last: a bundle without one was not finished. */
static int manifest_write(const struct bundle *bundle, const char *head)
{
	struct fim_json *json = manifest_json(bundle, head);
	unsigned char *signature = NULL;
	size_t len = 0, signature_len = 0, public_len = 0;
	char *text = NULL, *public = NULL, key_id[FIM_KEY_ID_SIZE];
	int err = fim_json_dump_pretty(json, &text, &len);

	if (!err && bundle->options->key)
		err = fim_sign(bundle->options->key, text, len, &signature, &signature_len, key_id);
	else if (!err)
		err = fim_sign_once(text, len, &signature, &signature_len, &public, &public_len,
				    key_id);
	if (!err)
		err = write_part(bundle, "sig", signature, signature_len);
	if (!err && public)
		err = write_part(bundle, "pem", public, public_len);
	if (!err)
		err = write_part(bundle, "json", text, len);
	free(signature);
	free(public);
	free(text);
	fim_json_free(json);
	return err;
}

/* -------------------------------------------------------------------- command */

static int write_all(struct bundle *bundle)
{
	const char *path = bundle->options->path;
	struct head head = {.hasher = bundle->hasher};
	int err = fim_journal_scan(path, on_line, bundle, NULL);

	if (err == -ECANCELED)
		err = 0;
	if (!err)
		err = file_close(bundle);
	if (!err && !bundle->first) {
		cli_error("%s: there is no record of this period", path);
		err = -ENODATA;
	}
	head.last = bundle->last;
	if (!err)
		err = fim_journal_scan(path, on_head, &head, NULL);
	if (err == -ECANCELED)
		err = 0;
	return err ? err : manifest_write(bundle, head.hex);
}

static int bundle_write(struct options *options)
{
	struct bundle bundle = {.options = options};
	struct fim_journal_check check = {0};
	int err = fim_journal_scan(options->path, NULL, NULL, &check);

	if (err == -EBADMSG) {
		cli_error("%s: record %" PRIu64 " is bad: %s: nothing is written", options->path,
			  check.first_bad, check.reason);
		return FIM_EXIT_FINDINGS;
	}
	if (!err)
		err = fim_journal_scan(options->path, on_name, options, NULL);
	if (err && err != -ECANCELED)
		return cli_exit(err);
	if (mkdir(options->output, 0700)) {
		cli_error("%s: %s%s", options->output, strerror(errno),
			  errno == EEXIST ? ": a bundle is a directory of its own" : "");
		return FIM_EXIT_ERROR;
	}
	bundle.place = fim_bundle_place(options->account, options->cluster, options->host);
	bundle.hasher = fim_hasher_new();
	bundle.files = fim_json_array();
	err = bundle.place && bundle.hasher ? write_all(&bundle) : -ENOMEM;
	if (bundle.out)
		fclose(bundle.out);
	free(bundle.path);
	free(bundle.place);
	fim_hasher_free(bundle.hasher);
	fim_json_free(bundle.files);
	return cli_exit(err);
}

static int run(struct options *options)
{
	struct fim_config *config = NULL;
	int status;

	if (fim_config_load(options->config, &config))
		return FIM_EXIT_ERROR;
	if (!options->path)
		options->path = config->journal_dir;
	status = bundle_write(options);
	fim_config_free(config);
	return status;
}

static int take_text(const struct cli_option *option, const char *usage, const char *value)
{
	(void)usage;
	take_name(option->ctx, value);
	return FIM_EXIT_CLEAN;
}

int cmd_bundle(int argc, char **argv)
{
	struct options options = {.output = NULL};
	const struct cli_option table[] = {
		{"output", 'o', .text = &options.output},
		{"from", .take = cli_take_time, .ctx = &options.from_ns},
		{"to", .take = cli_take_time, .ctx = &options.to_ns},
		{"sign", .text = &options.key},
		{"account", .take = take_text, .ctx = &options.account},
		{"cluster", .take = take_text, .ctx = &options.cluster},
		{"host", .take = take_text, .ctx = &options.host},
		{"config", .text = &options.config},
		{0},
	};
	int status;

	if (cli_take_options(argc, argv, USAGE, help, table, &status)) {
		options.path = argv[optind];
		if (!options.output)
			status = cli_usage_error(USAGE, "bundle: -o DIR is needed");
		else if (argc - optind > 1)
			status = cli_usage_error(USAGE, "bundle: one PATH only");
		else
			status = run(&options);
	}
	free(options.account);
	free(options.cluster);
	free(options.host);
	return status;
}
