/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's options from a table that says where each value goes. --help and -h are
 * every command's.
 */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define OPTIONS_MAX 24
/* Long options are told by their row; letters are below. */
#define ROW 256

#define MIB	 (1024.0 * 1024.0)
#define DATE_LEN 10 /* of 2026-11-28 */
#define DAY_NS	 INT64_C(86400000000000)

/* ---- values */

int cli_take_time(const struct cli_option *option, const char *usage, const char *value)
{
	if (fim_time_parse(value, option->ctx))
		return cli_usage_error(usage, "--%s %s: not a time", option->name, value);
	return FIM_EXIT_CLEAN;
}

int cli_take_end(const struct cli_option *option, const char *usage, const char *value)
{
	int64_t *time_ns = option->ctx;
	int status = cli_take_time(option, usage, value);

	if (!status && strlen(value) == DATE_LEN)
		*time_ns += DAY_NS - 1;
	return status;
}

int cli_take_rate(const struct cli_option *option, const char *usage, const char *value)
{
	uint64_t *rate = option->ctx;
	char *end;
	double mib = strtod(value, &end);

	if (end == value || *end || !(mib > 0) || mib > 1e6)
		return cli_usage_error(usage, "--%s %s: not a number of MiB", option->name, value);
	*rate = (uint64_t)(mib * MIB);
	return FIM_EXIT_CLEAN;
}

static int take_name(const struct cli_option *option, const char *usage, const char *value,
		     char *to, size_t size)
{
	if (!*value || strlen(value) >= size)
		return cli_usage_error(usage, "--%s: \"%s\" is none", option->name, value);
	memcpy(to, value, strlen(value) + 1);
	return FIM_EXIT_CLEAN;
}

int cli_take_account(const struct cli_option *option, const char *usage, const char *value)
{
	struct fim_host *host = option->ctx;

	if (!fim_is_account(value))
		return cli_usage_error(usage, "--%s: \"%s\" is not 12 digits", option->name, value);
	return take_name(option, usage, value, host->account, sizeof(host->account));
}

int cli_take_region(const struct cli_option *option, const char *usage, const char *value)
{
	struct fim_host *host = option->ctx;

	return take_name(option, usage, value, host->region, sizeof(host->region));
}

int cli_take_host(const struct cli_option *option, const char *usage, const char *value)
{
	struct fim_host *host = option->ctx;

	return take_name(option, usage, value, host->host, sizeof(host->host));
}

int cli_take_standard(const struct cli_option *option, const char *usage, const char *value)
{
	if (fim_standard_parse(value, option->ctx))
		return cli_usage_error(
			usage, "%s: the standards known are pci-dss-4.0.1 and pci-dss-3.2.1",
			value);
	return FIM_EXIT_CLEAN;
}

int cli_take_lang(const struct cli_option *option, const char *usage, const char *value)
{
	if (fim_lang_parse(value, option->ctx))
		return cli_usage_error(usage, "%s: the languages known are en and ja", value);
	return FIM_EXIT_CLEAN;
}

int cli_take_output(const struct cli_option *option, const char *usage, const char *value)
{
	const char **output = option->ctx;

	(void)usage;
	*output = strcmp(value, "-") ? value : NULL;
	return FIM_EXIT_CLEAN;
}

/* ---- getopt_long(3) */

/* What is wrong with the option it stopped at; @opt is '?' or ':'. */
static int complain(const char *usage, int opt, char **argv)
{
	const char *before = argv[optind - 1], *at = argv[optind];

	if (opt == ':')
		return cli_usage_error(usage, "option %s needs a value", before);
	if (!optopt)
		return cli_usage_error(usage, "option %s is unknown", before);
	/* A letter, unless it stands for a long option that got a value. In the middle of
	 * several letters getopt has not stepped over them yet. */
	if (!strncmp(before, "--", 2) && strchr(before, '=') &&
	    !(at && at[0] == '-' && at[1] != '-' && strchr(at, optopt)))
		return cli_usage_error(usage, "option %s takes no value", before);
	return cli_usage_error(usage, "option -%c is unknown", optopt);
}

/* What it wants: @rows and @letters. */
static size_t describe(const struct cli_option *options, struct option *rows, char *letters)
{
	size_t i, at = 0;

	for (i = 0; options[i].name; i++)
		assert(i < OPTIONS_MAX);
	if (options[i].letter == '+')
		letters[at++] = '+';
	letters[at++] = ':';
	letters[at++] = 'h';
	for (i = 0; options[i].name; i++) {
		rows[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].flag ? no_argument : required_argument,
			.val = ROW + (int)i,
		};
		if (!options[i].letter)
			continue;
		letters[at++] = options[i].letter;
		if (!options[i].flag)
			letters[at++] = ':';
	}
	rows[i] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
	rows[i + 1] = (struct option){0};
	letters[at] = '\0';
	return i;
}

static const struct cli_option *find(const struct cli_option *options, size_t count, int opt)
{
	size_t i;

	if (opt >= ROW)
		return &options[opt - ROW];
	for (i = 0; i < count; i++)
		if (options[i].letter == opt)
			return &options[i];
	return NULL;
}

static int take(const struct cli_option *option, const char *usage, const char *value)
{
	if (option->flag)
		*option->flag = true;
	else if (option->text)
		*option->text = value;
	else if (option->list)
		option->list[(*option->count)++] = value;
	else
		return option->take(option, usage, value);
	return FIM_EXIT_CLEAN;
}

bool cli_take_options(int argc, char **argv, const char *usage, const char *help,
		      const struct cli_option *options, int *status_ret)
{
	struct option rows[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 4];
	size_t count = describe(options, rows, letters);
	int opt;

	opterr = 0;
	*status_ret = FIM_EXIT_CLEAN;
	while ((opt = getopt_long(argc, argv, letters, rows, NULL)) != -1) {
		const struct cli_option *option = find(options, count, opt);

		if (opt == 'h')
			fputs(help, stdout);
		else if (!option)
			*status_ret = complain(usage, opt, argv);
		else
			*status_ret = take(option, usage, optarg);
		if (opt == 'h' || *status_ret)
			return false;
	}
	return true;
}
