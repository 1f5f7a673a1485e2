/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person sees: complaints, escaping, colour, sizes, progress.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define NSEC_PER_SEC	   1000000000LL
#define PROGRESS_PERIOD_NS (NSEC_PER_SEC / 5)
#define MIB		   (1024.0 * 1024.0)
/* Of less than this nobody can say how long the rest takes. */
#define PART_MIN 0.01

int cli_exit(int err)
{
	return err ? FIM_EXIT_ERROR : FIM_EXIT_CLEAN;
}

static void complain(const char *fmt, va_list args)
{
	char *message = NULL;

	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	fputs("ecs-fim: ", stderr);
	cli_put_escaped(stderr, message ? message : "out of memory");
	fputc('\n', stderr);
	free(message);
}

void cli_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
}

int cli_usage_error(const char *usage, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	fputs(usage, stderr);
	return FIM_EXIT_USAGE;
}

void cli_put_escaped(FILE *out, const char *text)
{
	char *escaped = fim_escape(text, strlen(text));

	fputs(escaped ? escaped : "(out of memory)", out);
	free(escaped);
}

const char *cli_colour(FILE *out, enum cli_colour colour)
{
	static const char *const sequences[] = {
		[CLI_RED] = "\033[31m", [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
		[CLI_BOLD] = "\033[1m", [CLI_PLAIN] = "\033[0m",
	};
	const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org */

	if (!isatty(fileno(out)) || (no_colour && *no_colour))
		return "";
	return sequences[colour];
}

void cli_format_size(uint64_t bytes, char text_ret[CLI_SIZE_SIZE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1024;
		unit++;
	}
	snprintf(text_ret, CLI_SIZE_SIZE, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

int cli_put_json(FILE *out, struct fim_json *json)
{
	char *line = NULL;
	size_t len;
	int err;

	err = fim_json_dump(json, &line, &len);
	if (!err) {
		fwrite(line, 1, len, out);
		fputc('\n', out);
	} else {
		cli_error("cannot write JSON: %s", strerror(-err));
	}
	free(line);
	fim_json_free(json);
	return err;
}

void cli_progress_start(struct cli_progress *progress)
{
	progress->start_ns = fim_time_now();
	progress->shown_ns = progress->start_ns;
	progress->drawn = false;
}

/* 0: not known, or too early to say. */
static int64_t left_ns(const struct fim_progress *now, int64_t elapsed_ns)
{
	return now->part < PART_MIN ? 0
				    : (int64_t)((double)elapsed_ns * (1 - now->part) / now->part);
}

static void show_json(const struct fim_progress *now, int64_t elapsed_ns)
{
	struct fim_json *json = fim_json_object();

	fim_json_set_str(json, "type", "progress");
	fim_json_set_int(json, "files", (int64_t)now->files);
	fim_json_set_int(json, "total", (int64_t)now->total);
	fim_json_set_int(json, "bytes", (int64_t)now->bytes);
	fim_json_set_int(json, "elapsed_ms", elapsed_ns / 1000000);
	fim_json_set_int(json, "rate",
			 (int64_t)((double)now->bytes * NSEC_PER_SEC / (double)elapsed_ns));
	if (now->part >= PART_MIN)
		fim_json_set_int(json, "left_ms", left_ns(now, elapsed_ns) / 1000000);
	cli_put_json(stderr, json);
}

static void show_line(const struct fim_progress *now, int64_t elapsed_ns)
{
	double seconds = (double)elapsed_ns / NSEC_PER_SEC;
	int64_t left_s = (left_ns(now, elapsed_ns) + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
	char size[CLI_SIZE_SIZE];

	cli_format_size(now->bytes, size);
	fprintf(stderr, "\r\033[K%llu", (unsigned long long)now->files);
	if (now->total)
		fprintf(stderr, " of %llu", (unsigned long long)now->total);
	fprintf(stderr, " objects, %s, %.0f MiB/s", size, (double)now->bytes / MIB / seconds);
	if (now->part >= PART_MIN)
		fprintf(stderr, ", %lld:%02lld left", (long long)left_s / 60,
			(long long)left_s % 60);
	fflush(stderr);
}

void cli_progress_show(struct cli_progress *progress, const struct fim_progress *now)
{
	int64_t time_ns = fim_time_now();

	if (progress->quiet && !progress->json)
		return;
	if (time_ns - progress->shown_ns < PROGRESS_PERIOD_NS)
		return;
	progress->shown_ns = time_ns;
	if (progress->json) {
		show_json(now, time_ns - progress->start_ns);
	} else if (isatty(STDERR_FILENO)) {
		show_line(now, time_ns - progress->start_ns);
		progress->drawn = true;
	}
}

void cli_progress_end(struct cli_progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}
