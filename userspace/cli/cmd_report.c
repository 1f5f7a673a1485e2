/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim report: from the journal to a document for an assessor.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Command lines in it may hold secrets: not for everybody on the host. */
#define REPORT_MODE 0640
#define DATE_LEN    10
#define DAY_NS	    INT64_C(86400000000000)

#define USAGE                                                                                  \
	"usage: ecs-fim report [--journal DIR] [--standard 4.0.1|3.2.1] [--from T] [--to T]\n" \
	"               [--format json|html] [-o FILE]\n"

static const char help[] = USAGE
	"\n"
	"Makes the PCI DSS file-integrity report out of the journal, and of nothing else: the\n"
	"same journal gives the same report, on any host. For each requirement it says met, not\n"
	"met, or insufficient evidence, why, and which records show it. Whether the standard is\n"
	"met is for the assessor to say.\n"
	"\n"
	"  --journal DIR     journal file or its directory; default: from the configuration\n"
	"  --standard V      numbering: 4.0.1 (default; 11.5.2) or 3.2.1 (11.5)\n"
	"  --from T          first moment, 2026-11-22 or 2026-11-22T09:41:00Z, in UTC;\n"
	"                    default: the first record\n"
	"  --to T            last moment; a date is meant with the whole day; default: the last\n"
	"                    record. A host that fell silent before it has insufficient evidence.\n"
	"  --format FORMAT   json or html; default: from the name given with -o, else json\n"
	"  -o FILE           write there, all or nothing; default: standard output\n"
	"\n"
	"A damaged journal still gives a report, of its undamaged beginning, that says so.\n"
	"\n"
	"exit status: 0 the report was written, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim report -o report.html\n"
	"  ecs-fim report --from 2026-11-01 --to 2026-11-30 -o november.html\n"
	"  ecs-fim report | jq '.statements[] | {requirement, status, reasons}'\n";

/**
 * struct report - arguments of "report"
 * @params: what to report; @params.journal NULL: from the configuration
 * @html: as HTML
 * @output: NULL: standard output
 */
struct report {
	struct fim_report_params params;
	bool html;
	const char *output;
};

static int render(const struct fim_json *json, bool html, char **bytes_ret, size_t *len_ret)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out;
	int err;

	if (!html)
		return fim_json_dump_pretty(json, bytes_ret, len_ret);
	out = open_memstream(&bytes, &len);
	if (!out)
		return -ENOMEM;
	err = fim_report_html(json, out);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err) {
		free(bytes);
		return err;
	}
	*bytes_ret = bytes;
	*len_ret = len;
	return 0;
}

static int deliver(const struct report *report, const char *bytes, size_t len)
{
	if (report->output)
		return fim_file_write_atomic(report->output, bytes, len, REPORT_MODE);
	/* A failure shows in main(). */
	fwrite(bytes, 1, len, stdout);
	if (!report->html)
		putchar('\n');
	return 0;
}

static int make_report(struct report *report)
{
	struct fim_config *config = NULL;
	struct fim_json *json = NULL;
	char *bytes = NULL;
	size_t len;
	int err = 0;

	if (!report->params.journal) {
		err = fim_config_load(NULL, &config);
		if (err)
			goto out;
		report->params.journal = config->journal_dir;
	}
	err = fim_report_build(&report->params, &json);
	if (err)
		goto out;
	err = render(json, report->html, &bytes, &len);
	if (err) {
		cli_error("cannot make the report: %s", strerror(-err));
		goto out;
	}
	err = deliver(report, bytes, len);
out:
	free(bytes);
	fim_json_free(json);
	fim_config_free(config);
	return err ? FIM_EXIT_ERROR : FIM_EXIT_CLEAN;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* One option; 0, or the exit status that ends the command. */
static int read_option(struct report *report, int opt, const char **format)
{
	switch (opt) {
	case 'j':
		report->params.journal = optarg;
		return 0;
	case 's':
		if (fim_standard_parse(optarg, &report->params.standard))
			return cli_usage_error(USAGE, "%s: the standards known are 4.0.1 and 3.2.1",
					       optarg);
		return 0;
	case 'f':
		if (fim_time_parse(optarg, &report->params.from_ns))
			return cli_usage_error(USAGE, "%s: not a time", optarg);
		return 0;
	case 't':
		if (fim_time_parse(optarg, &report->params.to_ns))
			return cli_usage_error(USAGE, "%s: not a time", optarg);
		if (strlen(optarg) == DATE_LEN)
			report->params.to_ns += DAY_NS - 1;
		return 0;
	case 'F':
		*format = optarg;
		if (strcmp(optarg, "json") != 0 && strcmp(optarg, "html") != 0)
			return cli_usage_error(USAGE, "%s: the formats known are json and html",
					       optarg);
		return 0;
	default:
		report->output = strcmp(optarg, "-") == 0 ? NULL : optarg;
		return 0;
	}
}

int cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{"journal", required_argument, NULL, 'j'},
		{"standard", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"format", required_argument, NULL, 'F'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct report report = {.output = NULL};
	const char *format = NULL;
	int opt, status;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return FIM_EXIT_CLEAN;
		}
		if (opt == '?' || opt == ':')
			return cli_option_error(USAGE, opt, argv);
		status = read_option(&report, opt, &format);
		if (status)
			return status;
	}
	if (argv[optind])
		return cli_usage_error(USAGE, "report: %s: not expected", argv[optind]);
	if (report.params.to_ns && report.params.to_ns < report.params.from_ns)
		return cli_usage_error(USAGE, "report: --to is before --from");
	report.html = format ? strcmp(format, "html") == 0
			     : report.output && (ends_with(report.output, ".html") ||
						 ends_with(report.output, ".htm"));
	return make_report(&report);
}
