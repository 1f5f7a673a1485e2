/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim report: from the journal to a document for an assessor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* Command lines in it may hold secrets: not for everybody on the host. */
#define REPORT_MODE 0640

/* A CSV file may be as large as the journal. */
#define OUT_SIZE (256 << 10)

#define USAGE                                                                             \
	"usage: ecs-fim report [--journal DIR] [--standard V] [--from T] [--to T]\n"      \
	"               [--format json|html|pdf|csv|oscal] [--lang en|ja] [--sign KEY]\n" \
	"               [-o FILE]\n"

static const char help[] = USAGE
	"\n"
	"Makes the PCI DSS file-integrity report out of the journal, and of nothing else: the\n"
	"same journal gives the same report, on any host. For each requirement it says met, not\n"
	"met, or insufficient evidence, why, and which records show it. Whether the standard is\n"
	"met is for the assessor to say.\n"
	"\n"
	"  --journal DIR     journal file or its directory; default: from the configuration\n"
	"  --standard V      numbering: pci-dss-4.0.1 (default; 11.5.2) or pci-dss-3.2.1 (11.5);\n"
	"                    4.0.1 and 3.2.1 will do\n"
	"  --from T          first moment, 2026-11-22 or 2026-11-22T09:41:00Z, in UTC;\n"
	"                    default: the first record\n"
	"  --to T            last moment; a date is meant with the whole day; default: the last\n"
	"                    record. A host that fell silent before it has insufficient evidence.\n"
	"  --format FORMAT   default: from the name given with -o, else json\n"
	"                      json   everything, for machines; its schema is installed\n"
	"                      html   one page, for people; no script, nothing fetched\n"
	"                      pdf    the same on paper\n"
	"                      csv    every change, one a line\n"
	"                      oscal  NIST OSCAL assessment-results 1.0.4 (name: *.oscal.json)\n"
	"  --lang LANG       en (default) or ja; what the journal holds is not translated\n"
	"  --sign KEY        private key in PEM; the detached signature is put beside the report,\n"
	"                    FILE.sig; check: openssl dgst -sha256 -verify PUB -signature FILE.sig FILE\n"
	"  -o FILE           write there, all or nothing; default: standard output\n"
	"\n"
	"A damaged journal still gives a report, of its undamaged beginning, that says so.\n"
	"\n"
	"exit status: 0 the report was written, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim report -o report.html\n"
	"  ecs-fim report --from 2026-11-01 --to 2026-11-30 -o november.pdf --sign key.pem\n"
	"  ecs-fim report --lang ja -o report.html\n"
	"  ecs-fim report | jq '.statements[] | {requirement, status, reasons}'\n";

enum format {
	FORMAT_JSON = 0,
	FORMAT_HTML,
	FORMAT_PDF,
	FORMAT_CSV,
	FORMAT_OSCAL,
	FORMATS,
};

/* The ending of a file that means it; the first that fits. */
static const struct {
	const char *name;
	const char *ending;
} formats[FORMATS] = {
	[FORMAT_JSON] = {"json", NULL},
	[FORMAT_HTML] = {"html", ".html"},
	[FORMAT_PDF] = {"pdf", ".pdf"},
	[FORMAT_CSV] = {"csv", ".csv"},
	[FORMAT_OSCAL] = {"oscal", ".oscal.json"},
};

/**
 * struct report - arguments of "report"
 * @params: what to report; @params.journal NULL: from the configuration
 * @format: how
 * @output: NULL: standard output
 * @key: signs it; NULL: nobody does
 */
struct report {
	struct fim_report_params params;
	enum format format;
	const char *output;
	const char *key;
};

static int put_json(const struct fim_json *json, FILE *out)
{
	char *text;
	size_t len;
	int err = fim_json_dump_pretty(json, &text, &len);

	if (err)
		return err;
	fwrite(text, 1, len, out);
	fputc('\n', out);
	free(text);
	return 0;
}

static int put_oscal(const struct fim_json *json, FILE *out)
{
	struct fim_json *oscal;
	int err = fim_report_oscal(json, &oscal);

	if (err)
		return err;
	err = put_json(oscal, out);
	fim_json_free(oscal);
	return err;
}

/* The changes are in @out already: they were written while the journal was read. */
static int put_csv_end(const struct fim_json *json, FILE *out)
{
	fim_report_csv_end(json, out);
	return 0;
}

static int put_report(struct report *report, FILE *out)
{
	static int (*const put[FORMATS])(const struct fim_json *, FILE *) = {
		[FORMAT_JSON] = put_json,      [FORMAT_HTML] = fim_report_html,
		[FORMAT_PDF] = fim_report_pdf, [FORMAT_CSV] = put_csv_end,
		[FORMAT_OSCAL] = put_oscal,
	};
	struct fim_json *json;
	int err;

	if (report->format == FORMAT_CSV)
		report->params.changes_csv = out;
	setvbuf(out, NULL, _IOFBF, OUT_SIZE);
	err = fim_report_build(&report->params, &json);
	if (err)
		return err;
	err = put[report->format](json, out);
	if (!err && (fflush(out) || ferror(out)))
		err = -EIO;
	if (err)
		cli_error("cannot make the report: %s", strerror(-err));
	fim_json_free(json);
	return err;
}

/* Mapped, not read: a CSV file may be large. */
static int sign_file(const struct report *report, const char *path, int fd)
{
	char key_id[FIM_KEY_ID_SIZE], *name = NULL;
	unsigned char *signature = NULL;
	size_t signature_len;
	struct stat stat;
	void *bytes = MAP_FAILED;
	int err;

	if (fstat(fd, &stat) || asprintf(&name, "%s.sig", report->output) < 0)
		return -ENOMEM;
	bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		err = -errno;
		cli_error("%s: %s", path, strerror(errno));
		goto out;
	}
	err = fim_sign(report->key, bytes, (size_t)stat.st_size, &signature, &signature_len,
		       key_id);
	munmap(bytes, (size_t)stat.st_size);
	if (!err)
		err = fim_file_write_atomic(name, signature, signature_len, REPORT_MODE);
out:
	free(signature);
	free(name);
	return err;
}

/* Beside the file first, so that there is all of it or nothing. */
static int write_file(struct report *report)
{
	char *path = NULL;
	FILE *out = NULL;
	int fd, err;

	if (asprintf(&path, "%s.XXXXXX", report->output) < 0)
		return -ENOMEM;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		out = fdopen(fd, "w+");
	if (!out) {
		err = -errno;
		cli_error("%s: %s", path, strerror(errno));
		if (fd >= 0)
			goto out_close;
		goto out_path;
	}
	err = fchmod(fd, REPORT_MODE) ? -errno : put_report(report, out);
	if (!err && report->key)
		err = sign_file(report, path, fd);
	if (!err && (fsync(fd) || rename(path, report->output))) {
		err = -errno;
		cli_error("%s: %s", report->output, strerror(errno));
	}
	fclose(out);
	fd = -1;
out_close:
	if (fd >= 0)
		close(fd);
	if (err)
		unlink(path);
out_path:
	free(path);
	return err;
}

static int make_report(struct report *report)
{
	struct fim_config *config = NULL;
	int err = 0;

	if (!report->params.journal) {
		err = fim_config_load(NULL, &config);
		if (err)
			goto out;
		report->params.journal = config->journal_dir;
	}
	/* A failure of standard output shows in main(). */
	err = report->output ? write_file(report) : put_report(report, stdout);
out:
	fim_config_free(config);
	return err ? FIM_EXIT_ERROR : FIM_EXIT_CLEAN;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static enum format format_of_name(const char *name)
{
	int i;

	for (i = FORMAT_JSON + 1; name && i < FORMATS; i++)
		if (ends_with(name, formats[i].ending))
			return (enum format)i;
	return name && ends_with(name, ".htm") ? FORMAT_HTML : FORMAT_JSON;
}

static int read_format(struct report *report, const char *name)
{
	int i;

	for (i = 0; i < FORMATS; i++)
		if (strcmp(name, formats[i].name) == 0)
			break;
	if (i == FORMATS)
		return cli_usage_error(
			USAGE, "%s: the formats known are json, html, pdf, csv and oscal", name);
	report->format = (enum format)i;
	return 0;
}

/* One option; 0, or the exit status that ends the command. */

static int check_options(const struct report *report)
{
	if (report->params.to_ns && report->params.to_ns < report->params.from_ns)
		return cli_usage_error(USAGE, "report: --to is before --from");
	if (report->key && !report->output)
		return cli_usage_error(USAGE,
				       "report: --sign needs -o: the signature is put beside it");
	return 0;
}

int cmd_report(int argc, char **argv)
{
	struct report report = {.output = NULL};
	const char *format = NULL;
	const struct cli_option options[] = {
		{"journal", .text = &report.params.journal},
		{"standard", .take = cli_take_standard, .ctx = &report.params.standard},
		{"from", .take = cli_take_time, .ctx = &report.params.from_ns},
		{"to", .take = cli_take_end, .ctx = &report.params.to_ns},
		{"format", .text = &format},
		{"lang", .take = cli_take_lang, .ctx = &report.params.lang},
		{"sign", .text = &report.key},
		{"output", 'o', .take = cli_take_output, .ctx = &report.output},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, options, &status))
		return status;
	if (argv[optind])
		return cli_usage_error(USAGE, "report: %s: not expected", argv[optind]);
	report.format = format_of_name(report.output);
	status = format ? read_format(&report, format) : 0;
	if (!status)
		status = check_options(&report);
	return status ? status : make_report(&report);
}
