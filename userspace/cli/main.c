/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim: finds the command and runs it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cli.h"

static const struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"baseline", "take, sign, show and export baselines", cmd_baseline},
	{"policy", "check a policy, explain what it says of a path", cmd_policy},
	{"enroll", "take over what the first boot of a host may change", cmd_enroll},
	{"verify", "compare the whole system with its baseline now", cmd_verify},
	{"change", "say before what will change, sign for it after", cmd_change},
	{"status", "show what the daemon knows about itself", cmd_status},
	{"doctor", "say why something does not work, and what to do", cmd_doctor},
	{"containers", "list containers and the settings that give them power", cmd_containers},
	{"sessions", "list sessions of ECS Exec, their files and principals", cmd_sessions},
	{"report", "make the PCI DSS report out of the journal", cmd_report},
	{"fleet", "verify the bundles of many hosts, make one report of them", cmd_fleet},
	{"journal", "check, print, export and seal the journal", cmd_journal},
	{"metrics", "what the daemon knows about itself, for Prometheus", cmd_metrics},
	{"on-alert", "run a program for each alert", cmd_on_alert},
	{"send-asff", "send alerts and outages to AWS Security Hub", cmd_send_asff},
	{"alerts", "list alerts and what became of them", cmd_alerts},
	{"ack", "acknowledge alerts: who looks after them, and why", cmd_ack},
	{"close", "close alerts that are done with", cmd_ack},
	{"bundle", "write a host's evidence of a period, for the fleet's report", cmd_bundle},
	{"disarm", "let the kernel module be unloaded, and say why", cmd_disarm},
	{"rules", "check and run detections written in the Falco language", cmd_rules},
	{"timeline", "tell what happened on hosts and in the AWS account as incidents",
	 cmd_timeline},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: ecs-fim COMMAND [OPTION …]\n"
	      "\n"
	      "File integrity of a host: what is on disk against a signed baseline.\n"
	      "\n"
	      "commands:\n",
	      out);
	for (i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "  ecs-fim COMMAND --help   explains a command\n"
	      "  ecs-fim --version        prints the version\n"
	      "\n"
	      "From nothing to a first comparison:\n"
	      "  ecs-fim baseline create --policy /usr/share/ecs-fim/baselines/al2023.yaml -o base.ndjson\n"
	      "  ecs-fim baseline sign --key signing-key.pem base.ndjson\n"
	      "  ecs-fim verify --baseline base.ndjson --key public-key.pem\n"
	      "\n"
	      "exit status: 0 clean, 1 error, 2 wrong usage, 3 findings\n",
	      out);
}

/* Messages carry names of files, which may carry anything. */
static void show_message(void *ctx, int priority, const char *message)
{
	(void)ctx;
	if (priority <= LOG_WARNING)
		cli_error("%s%s", priority == LOG_WARNING ? "warning: " : "", message);
}

static int run(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		usage(stderr);
		return FIM_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return FIM_EXIT_CLEAN;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("ecs-fim " FIM_VERSION);
		return FIM_EXIT_CLEAN;
	}
	for (i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1);
	cli_error("%s: unknown %s", argv[1], *argv[1] == '-' ? "option" : "command");
	usage(stderr);
	return FIM_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int status;

	fim_log_set(show_message, NULL);
	status = run(argc, argv);
	/* A full disk must not look like a clean system. */
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write to standard output: %s", strerror(errno));
		status = FIM_EXIT_ERROR;
	}
	return status;
}
