/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim on-alert: run a program for each alert of the journal.
 *
 * The daemon may start no program, and its system call filter sees to that; this is a
 * process of its own, which reads the journal from where it stopped.  There is no shell:
 * the program is named by its path, and what the alert says comes on its standard input
 * and nowhere else.  At least once: after a crash the last few are run again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "outbox.h"

#define USAGE                                                                               \
	"usage: ecs-fim on-alert [--follow] [--jobs N] [--timeout SECONDS] [--from TIME]\n" \
	"                        [--state FILE] [--config FILE] [--journal PATH] -- PROGRAM [ARG …]\n"
#define SINK	   "command"
#define STATE_PATH "/var/lib/ecs-fim/on-alert.state"
#define JOBS_MAX   32
#define TRIES	   3
#define SAVE_EVERY 64 /* alerts: as many are run again after a crash */

static const char help[] = USAGE
	"\n"
	"Run PROGRAM for each alert that the journal got since the last time, with the journal's\n"
	"record as JSON on its standard input. There is no shell: PROGRAM is an absolute path, and\n"
	"its environment is PATH, LANG, ECS_FIM_SEQ, ECS_FIM_TYPE and ECS_FIM_SEVERITY. It is tried\n"
	"three times; one that succeeds (exit status 0) is recorded in the journal as delivered.\n"
	"\n"
	"  --follow           go on, and look every half second, until stopped\n"
	"  --jobs N           how many at once, 1 to 32 (default 4)\n"
	"  --timeout SECONDS  killed, with its children, after that (default 30)\n"
	"  --from TIME        the first time: begin with records of this time; default: with all\n"
	"  --state FILE       how far it was run (default: " STATE_PATH ")\n"
	"  --config FILE      the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"  --journal PATH     journal directory or file; default: from the configuration\n"
	"\n"
	"exit status: 0 every run succeeded, 1 one did not, or error, 2 wrong usage\n"
	"\n"
	"  ecs-fim on-alert --follow -- /usr/local/bin/page --team storage\n";

struct options {
	const char *path;
	const char *config;
	const char *state;
	char **argv;
	int64_t from_ns;
	unsigned int jobs;
	unsigned int timeout_s;
	bool follow;
};

struct job {
	pid_t pid; /* 0: free */
	uint64_t seq;
	unsigned int tries;
	int64_t deadline_ms;
	char *line;
	char type[24];
	const char *severity;
};

/* @problem: of this pass */
struct runner {
	const struct options *options;
	struct outbox outbox;
	struct job jobs[JOBS_MAX];
	unsigned int since_save;
	uint64_t ran;
	uint64_t failed;
	char problem[256];
};

/* ---------------------------------------------------------------------- jobs */

static int alert_file(const char *line)
{
	size_t len = strlen(line);
	int fd = memfd_create("alert", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, line, len) != (ssize_t)len || write(fd, "\n", 1) != 1 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static int spawn(struct runner *runner, struct job *job)
{
	char seq[48], type[48], severity[48];
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
	char *env[] = {path, lang, seq, type, severity, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int fd = alert_file(job->line), err;

	if (fd < 0)
		return fd;
	snprintf(seq, sizeof(seq), "ECS_FIM_SEQ=%" PRIu64, job->seq);
	snprintf(type, sizeof(type), "ECS_FIM_TYPE=%s", job->type);
	snprintf(severity, sizeof(severity), "ECS_FIM_SEVERITY=%s", job->severity);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	err = posix_spawn(&job->pid, runner->options->argv[0], &actions, &attr,
			  runner->options->argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
	job->tries++;
	job->deadline_ms = cli_now_ms() + (int64_t)runner->options->timeout_s * 1000;
	if (err)
		job->pid = 0;
	return -err;
}

static void job_end(struct job *job)
{
	free(job->line);
	*job = (struct job){.pid = 0};
}

static void job_failed(struct runner *runner, struct job *job, const char *how, int number)
{
	if (job->tries < TRIES) {
		cli_sleep_ms(100);
		if (spawn(runner, job) == 0)
			return;
	}
	runner->failed++;
	snprintf(runner->problem, sizeof(runner->problem), "%.120s for record %" PRIu64 ": %s %d",
		 runner->options->argv[0], job->seq, how, number);
	cli_error("%s", runner->problem);
	job_end(job);
}

static struct job *job_of(struct runner *runner, pid_t pid)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (runner->jobs[i].line && runner->jobs[i].pid == pid)
			return &runner->jobs[i];
	return NULL;
}

static void reap(struct runner *runner)
{
	siginfo_t info = {.si_pid = 0};
	int status;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
		struct job *job = job_of(runner, info.si_pid);

		/* Also what it left behind; its number is not anybody else's before it is reaped. */
		kill(-info.si_pid, SIGKILL);
		waitpid(info.si_pid, &status, 0);
		info.si_pid = 0;
		if (!job)
			continue;
		if (WIFEXITED(status) && !WEXITSTATUS(status)) {
			runner->ran++;
			outbox_delivered(&runner->outbox, job->seq);
			job_end(job);
		} else if (WIFEXITED(status)) {
			job_failed(runner, job, "exit status", WEXITSTATUS(status));
		} else {
			job_failed(runner, job, "ended by signal", WTERMSIG(status));
		}
	}
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (runner->jobs[i].line && cli_now_ms() > runner->jobs[i].deadline_ms)
			kill(-runner->jobs[i].pid, SIGKILL);
}

/* Until no more than @most run. */
static void wait_for(struct runner *runner, unsigned int most)
{
	for (;;) {
		unsigned int running = 0;

		reap(runner);
		for (size_t i = 0; i < JOBS_MAX; i++)
			running += runner->jobs[i].line != NULL;
		if (running <= most)
			return;
		cli_sleep_ms(10);
	}
}

/* Everything that was seen is done with after this. */
static int finish(struct runner *runner)
{
	int err;

	wait_for(runner, 0);
	if (runner->outbox.seen_seq <= runner->outbox.seq)
		return 0;
	runner->since_save = 0;
	err = outbox_finish(&runner->outbox);
	if (!err)
		outbox_record(&runner->outbox);
	return err;
}

static int start_job(struct runner *runner, const struct fim_line *line, enum fim_severity severity)
{
	struct job *job = NULL;
	int err;

	wait_for(runner, runner->options->jobs - 1);
	for (size_t i = 0; !job && i < JOBS_MAX; i++)
		if (!runner->jobs[i].line)
			job = &runner->jobs[i];
	*job = (struct job){.seq = line->seq, .severity = fim_severity_name(severity)};
	snprintf(job->type, sizeof(job->type), "%s", line->type);
	job->line = strndup(line->text, line->len);
	if (!job->line)
		return -ENOMEM;
	err = spawn(runner, job);
	if (err) {
		job->tries = TRIES;
		job_failed(runner, job, strerror(-err), -err);
	}
	return 0;
}

static int run_line(void *ctx, const struct fim_line *line)
{
	struct runner *runner = ctx;
	struct fim_json *record = NULL;
	char digest[FIM_SHA256_HEX_SIZE];
	enum fim_severity severity;
	int err = outbox_is_news(&runner->outbox, line, digest);

	if (err == -ESTALE)
		cli_error("this is another journal than that of %s", runner->options->state);
	if (err <= 0)
		return err;
	err = 0;
	if (line->time_ns >= runner->options->from_ns || runner->outbox.seq) {
		err = fim_json_parse(line->text, line->len, "record", &record);
		if (!err && fim_alert_of(record, &severity)) {
			err = start_job(runner, line, severity);
			runner->since_save++;
		}
		fim_json_free(record);
	}
	if (!err)
		outbox_see(&runner->outbox, line, digest);
	if (!err && runner->since_save >= SAVE_EVERY)
		err = finish(runner);
	return err;
}

/* ------------------------------------------------------------------- command */

static int pass(struct runner *runner)
{
	struct fim_journal_query query = {.path = runner->options->path,
					  .fn = run_line,
					  .ctx = runner,
					  .from_seq = runner->outbox.seq};
	uint64_t ran = runner->ran;
	int err, end;

	runner->problem[0] = '\0';
	err = fim_journal_verify(&query, NULL);
	end = finish(runner);
	err = err ? err : end;
	if (err && !*runner->problem)
		snprintf(runner->problem, sizeof(runner->problem), "%s", strerror(-err));
	if (*runner->problem || runner->ran != ran || runner->outbox.lost)
		outbox_tell_health(&runner->outbox, *runner->problem ? runner->problem : NULL,
				   runner->ran);
	return err;
}

/* Whether something was written since: its size and inode. */
static bool has_changed(const char *path, struct stat *last)
{
	struct stat now = {.st_ino = 0};
	char *name = NULL;
	bool changed;

	if (stat(path, &now) == 0 && S_ISDIR(now.st_mode) &&
	    asprintf(&name, "%s/journal.ndjson", path) >= 0) {
		if (stat(name, &now))
			now = (struct stat){.st_ino = 0};
		free(name);
	}
	changed = now.st_ino != last->st_ino || now.st_size != last->st_size;
	*last = now;
	return changed;
}

static int run(struct options *options)
{
	struct fim_config *config = NULL;
	struct runner *runner = calloc(1, sizeof(*runner));
	struct stat last = {.st_ino = 0};
	int err = runner ? fim_config_load(options->config, &config) : -ENOMEM;

	if (!err && !options->path)
		options->path = config->journal_dir;
	if (!err) {
		runner->options = options;
		runner->outbox = (struct outbox){.state = options->state,
						 .format = "ecs-fim-on-alert",
						 .sink = SINK,
						 .config = config};
		err = outbox_open(&runner->outbox);
	}
	do {
		if (!err && has_changed(options->path, &last))
			err = pass(runner);
		if (!err && options->follow)
			cli_sleep_ms(500);
	} while (!err && options->follow);
	if (!err && runner->failed)
		err = -EIO;
	if (runner && config) {
		for (size_t i = 0; i < JOBS_MAX; i++)
			free(runner->jobs[i].line);
		outbox_close(&runner->outbox);
	}
	free(runner);
	fim_config_free(config);
	return err ? FIM_EXIT_ERROR : FIM_EXIT_CLEAN;
}

static int take_number(const struct cli_option *option, const char *usage, const char *text,
		       unsigned int max)
{
	unsigned int *to = option->ctx;
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || !value || value > max)
		return cli_usage_error(usage, "on-alert: --%s is 1 to %u", option->name, max);
	*to = (unsigned int)value;
	return FIM_EXIT_CLEAN;
}

static int take_jobs(const struct cli_option *option, const char *usage, const char *value)
{
	return take_number(option, usage, value, JOBS_MAX);
}

static int take_timeout(const struct cli_option *option, const char *usage, const char *value)
{
	return take_number(option, usage, value, 86400);
}

int cmd_on_alert(int argc, char **argv)
{
	struct options options = {.state = STATE_PATH, .jobs = 4, .timeout_s = 30};
	const struct cli_option table[] = {
		{"follow", .flag = &options.follow},
		{"jobs", .take = take_jobs, .ctx = &options.jobs},
		{"timeout", .take = take_timeout, .ctx = &options.timeout_s},
		{"from", .take = cli_take_time, .ctx = &options.from_ns},
		{"state", .text = &options.state},
		{"config", .text = &options.config},
		{"journal", .text = &options.path},
		{.letter = '+'},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, table, &status))
		return status;
	options.argv = argv + optind;
	if (optind == argc || *options.argv[0] != '/')
		return cli_usage_error(USAGE, "on-alert: the absolute path of a program is needed");
	return run(&options);
}
