/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fimd: arguments, and the ladder from a configuration to the loop.
 *
 * Each step needs the ones before it.  What fails before the journal is open can only
 * be said on standard error; from then on every failure is a record as well.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon.h"

static void log_line(void *ctx, int priority, const char *message)
{
	const int *max = ctx;

	/* One write per line: two threads do not mix theirs. */
	if (priority <= *max)
		dprintf(STDERR_FILENO, "<%d>%s\n", priority, message);
}

static void usage(FILE *out)
{
	fputs("usage: ecs-fimd [--foreground] [--config FILE] [--check] [--verbose]\n"
	      "       ecs-fimd --help | --version\n"
	      "\n"
	      "Watch the files of a signed baseline and the containers of this host.\n"
	      "\n"
	      "  --config FILE  read FILE instead of " FIM_CONFIG_PATH "\n"
	      "  --check        check configuration, baseline and signature, then exit\n"
	      "  --foreground   do not detach; this is what it does anyway\n"
	      "  --verbose      say more on standard error\n",
	      out);
}

/* --------------------------------------------------------------------------- ladder */

static const char *baseline_fix(int err)
{
	switch (err) {
	case -ENOENT:
		return "make it with \"ecs-fim baseline create\" and \"ecs-fim baseline sign\"";
	case -ENOKEY:
		return "put the public key that signs baselines into a trusted_keys directory";
	case -EKEYREJECTED:
		return "sign it with a trusted key, or restore it: it is not what was signed";
	default:
		return "restore it from where it was signed";
	}
}

static int open_baseline(const struct fim_config *config, struct fim_baseline **baseline_ret)
{
	int err = fim_baseline_open_current(config->baseline, config->signature,
					    (const char *const *)config->trusted_keys,
					    baseline_ret);

	if (err)
		fim_log(LOG_ERR, "baseline %s (signature %s) is not accepted: %s: %s",
			config->baseline, config->signature, strerror(-err), baseline_fix(err));
	return err;
}

/* Which host this is, for the report's reader. */
static struct fim_json *host_detail(void)
{
	struct fim_json *detail = fim_host_facts("");
	struct host host;

	host_read(&host);
	host_to_json(&host, detail);
	return detail;
}

/* The run before should have said "down". */
static void say_history(struct daemon *d)
{
	const struct history *history = &d->history;
	struct control control = {.component = COMPONENT_DAEMON, .state = CONTROL_DOWN};
	char boot_id[64] = "";
	char *text = NULL;
	size_t len;

	if (!history->unclean)
		return;
	control.since_ns = history->last_ns;
	if (!fim_file_read("/proc/sys/kernel/random/boot_id", sizeof(boot_id), &text, &len))
		snprintf(boot_id, sizeof(boot_id), "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	control_say(d, &control, "the last run ended without saying so: %s",
		    strcmp(boot_id, history->boot_id) == 0 ? "it was killed or it crashed"
							   : "the host was restarted");
}

/*
 * What was not up when the run before ended is not up now: the interval goes on until a
 * record of this run ends it.  Every part says its state anew; but what was lost, and a
 * journal that could not be written, nobody would mention again.
 */
static void take_controls(struct daemon *d)
{
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		if (!d->control_since_ns[i])
			d->control_since_ns[i] = d->history.control_since_ns[i];
		if (d->history.controls[i] == CONTROL_LOSS || i == COMPONENT_JOURNAL)
			d->controls[i] = d->history.controls[i];
	}
	d->sinks.health = d->history.sinks;
}

/* What is not in use any more would stay down for ever. */
static void end_unused(struct daemon *d)
{
	if (!d->config->docker_socket[0] && d->control_since_ns[COMPONENT_DOCKER])
		control_set(d, COMPONENT_DOCKER, CONTROL_UP, "no engine is configured any more");
	if (!d->config->cloudtrail_dir[0] && d->control_since_ns[COMPONENT_CLOUDTRAIL])
		control_set(d, COMPONENT_CLOUDTRAIL, CONTROL_UP,
			    "no CloudTrail directory is configured any more");
	if ((d->controls[COMPONENT_JOURNAL] == CONTROL_DOWN ||
	     d->controls[COMPONENT_JOURNAL] == CONTROL_LOSS) &&
	    !d->unrecorded)
		control_set(d, COMPONENT_JOURNAL, CONTROL_UP, "the journal is written again");
}

static int open_journal(struct daemon *d)
{
	struct fim_journal_params params;
	int err;

	fim_config_journal(d->config, &params);
	err = fim_journal_open(&params, &d->journal);
	if (!err)
		err = history_read(d->config->journal_dir, &d->history);
	if (err) {
		fim_log(LOG_ERR, "journal in %s cannot be continued: %s: %s",
			d->config->journal_dir, strerror(-err),
			err == -EBADMSG ? "keep it as evidence: move it away, then start again"
			: err == -EBUSY ? "another ecs-fimd has it"
					: "look at the messages above");
		return err;
	}
	say_history(d);
	take_controls(d);
	return 0;
}

/* What was agreed to since the baseline was signed; so that none can be swapped unnoticed. */
static struct fim_json *deltas_json(const struct fim_baseline *baseline)
{
	const struct fim_delta_info *info;
	struct fim_json *list = fim_json_array();

	for (size_t i = 0; (info = fim_baseline_delta(baseline, i)); i++) {
		struct fim_json *json = fim_json_object();

		fim_json_set_str(json, "kind", info->kind);
		fim_json_set_str(json, "digest", info->digest);
		fim_json_set_str(json, "key_id", info->key_id);
		fim_json_set_int(json, "count", (int64_t)info->count);
		fim_json_set(json, "entries", fim_json_ref(info->entries));
		fim_json_append(list, json);
	}
	return list;
}

static int accept_baseline(struct daemon *d)
{
	const struct fim_config *config = d->config;
	const struct fim_json *header;
	struct fim_json *body;
	int err = open_baseline(config, &d->baseline);

	if (err) {
		control_set(d, COMPONENT_BASELINE, CONTROL_DOWN,
			    "baseline %s (signature %s) is not accepted: %s", config->baseline,
			    config->signature, strerror(-err));
		return err;
	}
	header = fim_baseline_header(d->baseline);
	body = fim_json_object();
	fim_json_set_path(body, "path", config->baseline);
	fim_json_set_str(body, "digest", fim_baseline_digest(d->baseline));
	if (d->history.baseline[0] &&
	    strcmp(d->history.baseline, fim_baseline_digest(d->baseline)) != 0)
		fim_json_set_str(body, "previous", d->history.baseline);
	fim_json_set_str(body, "key_id", fim_baseline_key_id(d->baseline));
	fim_json_set_str(body, "signature", "valid");
	fim_json_set_int(body, "count", fim_baseline_count(d->baseline));
	fim_json_set_str(body, "created", fim_json_get_str(header, "created"));
	fim_json_set_str(body, "tool", fim_json_get_str(header, "tool"));
	fim_json_set(body, "policy", fim_policy_to_json(fim_baseline_policy(d->baseline)));
	fim_json_set_str(body, "policy_digest",
			 fim_policy_digest(fim_baseline_policy(d->baseline)));
	if (fim_json_get(header, "provenance"))
		fim_json_set(body, "provenance", fim_json_ref(fim_json_get(header, "provenance")));
	if (fim_baseline_delta(d->baseline, 0))
		fim_json_set(body, "deltas", deltas_json(d->baseline));
	err = record_append(d, "baseline", body, NULL);
	/* That the journal is down may have been said before there were sinks. */
	if (err)
		control_set(d, COMPONENT_BASELINE, CONTROL_DOWN,
			    "the baseline cannot be recorded in %s: %s: ecs-fimd does not start, "
			    "nothing is watched",
			    config->journal_dir, strerror(-err));
	else
		control_set(d, COMPONENT_BASELINE, CONTROL_UP,
			    "baseline %s of %zu objects is signed by key %.16s…", config->baseline,
			    fim_baseline_count(d->baseline), fim_baseline_key_id(d->baseline));
	return err;
}

static int watch_fd(struct daemon *d, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int start_containers(struct daemon *d)
{
	struct fim_truth host;
	int err = 0;

	if (!fim_truth_read(1, &host))
		d->host_mnt_ns = host.ns[FIM_NS_MNT];
	d->mount_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	err = d->mount_fd < 0 ? -errno : watch_fd(d, d->mount_fd, EPOLLPRI);
	if (err) {
		fim_log(LOG_ERR, "/proc/self/mountinfo: %s", strerror(-err));
		return err;
	}
	mounts_refresh(d);
	if (!d->engine_starting)
		return 0;
	err = engine_start(&d->engine, d->config->docker_socket, d->config->ecs_agent,
			   ENGINE_TIMEOUT_MS);
	if (!err)
		err = watch_fd(d, d->engine.news_fd, EPOLLIN);
	if (err)
		fim_log(LOG_ERR, "the Docker thread cannot be started: %s", strerror(-err));
	return err;
}

static int start(struct daemon *d)
{
	int err = open_journal(d);

	/* Another ecs-fimd has it, and watches. */
	if (err == -EBUSY)
		return err;
	sinks_open(d);
	if (err) {
		/* Nothing can be recorded; that nobody watches is said all the same. */
		control_set(d, COMPONENT_DAEMON, CONTROL_DOWN,
			    "the journal in %s cannot be continued: %s: ecs-fimd does not start, "
			    "nothing is watched",
			    d->config->journal_dir, strerror(-err));
		return err;
	}
	err = accept_baseline(d);
	if (err)
		return err;
	control_say(d,
		    &(struct control){.component = COMPONENT_DAEMON,
				      .state = CONTROL_UP,
				      .version = FIM_VERSION,
				      .detail = host_detail()},
		    "ecs-fimd " FIM_VERSION " started");
	host_start(d);
	own_init(d);
	/* What the run before had found already is no news. */
	err = history_replay(d);
	if (err)
		return err;
	containers_load_exceptions(d);
	rules_load(d);
	daemon_open_source(d);
	err = privilege_drop();
	if (!err)
		err = seccomp_enter(d->config->ecs_agent[0] != '\0' ||
				    (d->config->sink_syslog && d->config->syslog_target[0] != '/'));
	if (!err)
		err = status_open(d);
	if (!err)
		err = watch_fd(d, d->status_fd, EPOLLIN);
	if (!err)
		err = request_open(d);
	if (!err)
		err = watch_fd(d, d->request_fd, EPOLLIN);
	if (err)
		return err;
	watch_host(d);
	/* From now on there may be findings in containers; their ids are Docker's to tell. */
	d->engine_starting = d->config->docker_socket[0] != '\0';
	/* What waited in the ring knows who did it: read it before looking at the files. */
	events_read(d);
	err = start_containers(d);
	if (err)
		return err;
	/* From here on nothing happens unseen: what waits for us may start. */
	notify("READY=1\nSTATUS=watching");
	d->watchdog_ms = notify_watchdog_ms();
	d->watchdog_next_ms = now_ms();
	comparison_run(d, TRIGGER_START_UP);
	trail_open(d);
	end_unused(d);
	return 0;
}

static void stop(struct daemon *d, int err)
{
	notify("STOPPING=1");
	if (!d->journal || !d->baseline)
		return;
	events_read(d);
	settle(d, SIZE_MAX, true);
	finding_flush(d, true);
	rules_flush(d, true);
	sinks_record(d);
	if (err)
		control_set(d, COMPONENT_DAEMON, CONTROL_DOWN, "stopped by an error: %s",
			    strerror(-err));
	else
		control_set(d, COMPONENT_DAEMON, CONTROL_DOWN, "stopped by signal %d (%s), sent %s",
			    d->stop_signal, strsignal(d->stop_signal), d->stop_sender);
}

static int check(const struct fim_config *config)
{
	struct fim_baseline *baseline;
	int err = open_baseline(config, &baseline);

	if (err)
		return FIM_EXIT_ERROR;
	printf("configuration and baseline are valid: %zu objects, key %s\n",
	       fim_baseline_count(baseline), fim_baseline_key_id(baseline));
	fim_baseline_free(baseline);
	return FIM_EXIT_CLEAN;
}

static int run(struct fim_config *config, const char *config_path)
{
	struct daemon d;
	int err = daemon_init(&d, config);

	d.config_path = config_path;
	if (err)
		fim_log(LOG_ERR, "cannot start: %s", strerror(-err));
	else
		err = start(&d);
	if (!err)
		err = daemon_loop(&d);
	stop(&d, err);
	daemon_exit(&d);
	return err ? FIM_EXIT_ERROR : FIM_EXIT_CLEAN;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"foreground", no_argument, NULL, 'f'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	const char *config_path = NULL;
	struct fim_config *config;
	int max_priority = LOG_NOTICE;
	bool check_only = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config_path = optarg;
			break;
		case 'k':
			check_only = true;
			break;
		case 'f':
			break;
		case 'v':
			max_priority = LOG_DEBUG;
			break;
		case 'h':
			usage(stdout);
			return FIM_EXIT_CLEAN;
		case 'V':
			puts("ecs-fimd " FIM_VERSION);
			return FIM_EXIT_CLEAN;
		default:
			usage(stderr);
			return FIM_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return FIM_EXIT_USAGE;
	}
	fim_log_set(log_line, &max_priority);
	if (fim_config_load(config_path, &config))
		return FIM_EXIT_ERROR;
	if (check_only) {
		int status = check(config);

		fim_config_free(config);
		return status;
	}
	return run(config, config_path);
}
