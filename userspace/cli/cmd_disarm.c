/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim disarm: let the module be unloaded, and say why.
 *
 * Why is recorded before, who is told by the module itself, whatever is said here: an
 * order that the daemon did not record is still an event.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

#define USAGE "usage: ecs-fim disarm --by NAME --reason TEXT [--ticket T] [--config FILE]\n"

static const char help[] = USAGE
	"\n"
	"Let the kernel module be unloaded. While the daemon runs with module_armed: true the module\n"
	"refuses that, and an attempt is an alert. The reason goes to the journal, and so does who\n"
	"did it, as the kernel saw it. It lasts until the daemon starts again.\n"
	"\n"
	"  --by NAME      who does it\n"
	"  --reason TEXT  why\n"
	"  --ticket T     where that is tracked\n"
	"  --config FILE  the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"\n"
	"exit status: 0 it can be unloaded, 1 error, 2 wrong usage\n"
	"\n"
	"  ecs-fim disarm --by s.ito --reason 'new module 0.2.0' --ticket OPS-18\n"
	"  systemctl stop ecs-fimd && rmmod ecs_fim\n";

struct options {
	const char *config;
	const char *by;
	const char *reason;
	const char *ticket;
};

/* Without the daemon the order stands: what the module tells waits for it. */
static int record(const struct fim_config *config, const struct options *options)
{
	struct fim_json *request = fim_json_object(), *answer = NULL;
	int err;

	fim_json_set_str(request, "op", "disarm");
	fim_json_set_str(request, "by", options->by);
	fim_json_set_str(request, "reason", options->reason);
	fim_json_set_str(request, "ticket", options->ticket);
	err = cli_request(config, request, &answer);
	if (err == -ENOENT || err == -ECONNREFUSED) {
		cli_error("the daemon does not run: it will record who did it, but not why");
		err = 0;
	} else if (!err && !fim_json_get_bool(answer, "ok", false)) {
		cli_error("the daemon refused: %s", fim_json_get_str(answer, "error"));
		err = -EIO;
	}
	fim_json_free(answer);
	fim_json_free(request);
	return err;
}

static int disarm(const char *device)
{
	struct fim_arm request = {.size = sizeof(request), .flags = FIM_ARM_OFF};
	/* To write only: the one who reads it is the daemon. */
	int fd = open(device, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		err = -errno;
	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		cli_error("%s: the module is not loaded", device);
	else if (err)
		cli_error("%s: %s", device, strerror(-err));
	if (!err && ioctl(fd, FIM_IOC_ARM, &request)) {
		err = -errno;
		cli_error("%s: %s%s", device, strerror(-err),
			  err == -EPERM ? ": CAP_SYS_MODULE is needed" : "");
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int run(const struct options *options)
{
	struct fim_config *config = NULL;
	int err = fim_config_load(options->config, &config);

	if (!err)
		err = record(config, options);
	if (!err)
		err = disarm(config->device);
	fim_config_free(config);
	return cli_exit(err);
}

int cmd_disarm(int argc, char **argv)
{
	struct options options = {0};
	const struct cli_option table[] = {
		{"by", .text = &options.by},
		{"reason", .text = &options.reason},
		{"ticket", .text = &options.ticket},
		{"config", .text = &options.config},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, table, &status))
		return status;
	if (!options.by || !*options.by || !options.reason || !*options.reason)
		return cli_usage_error(USAGE, "disarm: --by and --reason are needed: the journal "
					      "says who and why");
	if (optind < argc)
		return cli_usage_error(USAGE, "disarm: too many arguments");
	return run(&options);
}
