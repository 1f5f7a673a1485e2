/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim doctor: why does it not work?  One line per thing that it needs, each with
 * what to do about it.  Looks, changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli.h"

#define DOCTOR_USAGE "usage: ecs-fim doctor [--json] [--config FILE]\n"
#define DISK_LOW     (256u << 20)
#define MODULE_MAGIC "~Module signature appended~\n"
#define MODULE_MAX   (64u << 20)
#define CLOCK_2024   1704067200

static const char doctor_help[] = DOCTOR_USAGE
	"\n"
	"Say why something does not work, and what to do: kernel, module, lockdown, device,\n"
	"Docker, audit, disk, clock, baseline, policy, daemon. Nothing is changed.\n"
	"\n"
	"  --json         one JSON object per line: check, state (ok, warning, fail), text, fix\n"
	"  --config FILE  the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"\n"
	"exit status: 0 nothing to do, 1 error, 2 wrong usage, 3 something to do\n";

enum state {
	STATE_OK,
	STATE_WARNING,
	STATE_FAIL
};

struct doctor {
	const struct fim_config *config;
	bool json;
	bool found;
	int err;
};

/* @fix: NULL if there is nothing to do. */
static void say(struct doctor *doctor, const char *check, enum state state, const char *fix,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void say(struct doctor *doctor, const char *check, enum state state, const char *fix,
		const char *fmt, ...)
{
	static const char *const names[] = {"ok", "warning", "fail"};
	static const enum cli_colour colours[] = {CLI_GREEN, CLI_YELLOW, CLI_RED};
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doctor->found |= state != STATE_OK;
	if (doctor->json) {
		struct fim_json *line = fim_json_object();

		fim_json_set_str(line, "check", check);
		fim_json_set_str(line, "state", names[state]);
		fim_json_set_bytes(line, "text", text, strlen(text));
		if (fix)
			fim_json_set_str(line, "fix", fix);
		if (cli_put_json(stdout, line))
			doctor->err = -EIO;
		return;
	}
	printf("%s%-8s%s %-9s ", cli_colour(stdout, colours[state]), names[state],
	       cli_colour(stdout, CLI_PLAIN), check);
	cli_put_escaped(stdout, text);
	putchar('\n');
	if (fix)
		printf("%19s→ %s\n", "", fix);
}

static bool read_small(const char *path, char *text, size_t size)
{
	ssize_t len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return len >= 0;
}

static void check_kernel(struct doctor *doctor, const struct utsname *name)
{
	char text[64] = "";
	unsigned int major = 0, minor = 0;

	sscanf(name->release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 10))
		say(doctor, "kernel", STATE_FAIL,
		    "use Linux 5.10 or newer (Amazon Linux 2: kernel-5.10)",
		    "%s %s is too old for the module and for fanotify", name->release,
		    name->machine);
	else
		say(doctor, "kernel", STATE_OK, NULL, "%s %s", name->release, name->machine);
	if (read_small("/proc/sys/kernel/ftrace_enabled", text, sizeof(text)) && text[0] == '0')
		say(doctor, "ftrace", STATE_WARNING,
		    "sysctl kernel.ftrace_enabled=1, load the module again",
		    "it is off: the module cannot tell which attribute changed, nor who opened a file");
}

static void check_livepatch(struct doctor *doctor)
{
	DIR *dir = opendir("/sys/kernel/livepatch");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			say(doctor, "livepatch", STATE_WARNING,
			    "see that its file belongs to a signed package; it may redirect what is watched",
			    "%s is applied", entry->d_name);
	if (dir)
		closedir(dir);
}

/* In the places that packages and DKMS use; malloc'ed. */
static char *module_find(const char *release)
{
	static const char *const places[] = {"extra", "updates/dkms", "updates"};
	static const char *const packings[] = {"", ".xz", ".zst", ".gz"};
	const size_t packing_count = sizeof(packings) / sizeof(packings[0]);
	char *path;

	for (size_t i = 0; i < packing_count * sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "/lib/modules/%s/%s/ecs_fim.ko%s", release,
			     places[i / packing_count], packings[i % packing_count]) < 0)
			return NULL;
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static void check_module_file(struct doctor *doctor, const char *path, const char *release)
{
	const char key[] = "vermagic=";
	char enforced[8] = "";
	char *bytes = NULL;
	const char *magic;
	bool is_signed;
	size_t len;

	if (fim_file_read(path, MODULE_MAX, &bytes, &len)) {
		say(doctor, "module", STATE_FAIL, "install its package again", "%s cannot be read",
		    path);
		return;
	}
	magic = memmem(bytes, len, key, sizeof(key) - 1);
	magic = magic ? magic + sizeof(key) - 1 : NULL;
	if (!magic) /* compressed */
		say(doctor, "module", STATE_WARNING, "ask modinfo -F vermagic",
		    "%s does not show which kernel it is for", path);
	else if (strncmp(magic, release, strlen(release)) != 0 || magic[strlen(release)] != ' ')
		say(doctor, "module", STATE_FAIL, "install ecs-fim-kmod of the running kernel",
		    "%s was built for %.*s", path, (int)strcspn(magic, " "), magic);
	else
		say(doctor, "module", STATE_OK, NULL, "%s is for this kernel", path);
	is_signed = len > sizeof(MODULE_MAGIC) && !memcmp(bytes + len - sizeof(MODULE_MAGIC) + 1,
							  MODULE_MAGIC, sizeof(MODULE_MAGIC) - 1);
	read_small("/sys/module/module/parameters/sig_enforce", enforced, sizeof(enforced));
	if (!is_signed && enforced[0] == 'Y')
		say(doctor, "signature", STATE_FAIL,
		    "sign it (ami/package/sign-module) with a key that this kernel trusts",
		    "%s is not signed, and the kernel demands it", path);
	else
		say(doctor, "signature", STATE_OK, NULL, "%s, %s",
		    is_signed ? "signed" : "not signed",
		    enforced[0] == 'Y' ? "the kernel demands it" : "the kernel does not demand it");
	free(bytes);
}

static void check_module(struct doctor *doctor, const struct utsname *name)
{
	bool loaded = access("/sys/module/ecs_fim", F_OK) == 0;
	char *path = module_find(name->release);
	char lockdown[64] = "";

	if (path)
		check_module_file(doctor, path, name->release);
	else
		say(doctor, "module", loaded ? STATE_WARNING : STATE_FAIL,
		    "install ecs-fim-kmod of the running kernel, or ecs-fim-dkms and its headers",
		    "there is none for %s: fanotify is used instead, which sees less",
		    name->release);
	free(path);
	if (read_small("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown)) &&
	    !strstr(lockdown, "[none]"))
		say(doctor, "lockdown", loaded ? STATE_OK : STATE_WARNING,
		    loaded ? NULL
			   : "only modules signed by a key of the kernel load; else live with fanotify",
		    "%s", lockdown);
	else
		say(doctor, "lockdown", STATE_OK, NULL, "%s",
		    lockdown[0] ? lockdown : "not built in");
	if (!loaded)
		say(doctor, "loaded", STATE_FAIL,
		    "modprobe ecs_fim; if that fails, dmesg says why; grep ecs_fim /etc/modprobe.d/*",
		    "the module is not loaded");
	else if (access(doctor->config->device, F_OK))
		say(doctor, "loaded", STATE_FAIL, "look for \"device:\" in the configuration",
		    "%s does not exist", doctor->config->device);
	else
		say(doctor, "loaded", STATE_OK, NULL, "%s exists", doctor->config->device);
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		err = -ENAMETOOLONG;
	if (!err) {
		strcpy(addr.sun_path, path);
		err = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static void check_sockets(struct doctor *doctor)
{
	const char *docker = doctor->config->docker_socket;
	char text[64] = "";
	int err;

	err = docker[0] ? connect_to(docker) : 0;
	if (err)
		say(doctor, "docker", STATE_WARNING,
		    "start Docker, correct docker_socket, or set it to \"\" if there is none",
		    "%s: %s: containers have no names", docker, strerror(-err));
	else
		say(doctor, "docker", STATE_OK, NULL, "%s", docker[0] ? docker : "not used");
	err = connect_to(doctor->config->status_socket);
	if (err)
		say(doctor, "daemon", STATE_FAIL,
		    "systemctl start ecs-fimd; journalctl -u ecs-fimd says why it ended",
		    "it does not answer on %s: %s", doctor->config->status_socket, strerror(-err));
	else
		say(doctor, "daemon", STATE_OK, NULL, "it answers; \"ecs-fim status\" says more");
	if (!doctor->config->sink_audit)
		say(doctor, "audit", STATE_OK, NULL, "not used (sink_audit: false)");
	else if (access("/proc/self/loginuid", F_OK) ||
		 !read_small("/proc/self/loginuid", text, sizeof(text)))
		say(doctor, "audit", STATE_FAIL, "boot with audit=1, or set sink_audit: false",
		    "this kernel has no audit");
	else if (access("/run/auditd.pid", F_OK) && access("/var/run/auditd.pid", F_OK))
		say(doctor, "audit", STATE_WARNING, "systemctl enable --now auditd",
		    "auditd does not run: records go to the kernel's log, or nowhere");
	else
		say(doctor, "audit", STATE_OK, NULL, "auditd runs");
}

static void check_disk(struct doctor *doctor)
{
	const char *dir = doctor->config->journal_dir;
	char free_text[CLI_SIZE_SIZE];
	struct statvfs fs;
	uint64_t room;

	if (statvfs(dir, &fs) < 0) {
		say(doctor, "disk", STATE_FAIL,
		    "start the daemon once, or make the directory (mode 0700)", "%s: %s", dir,
		    strerror(errno));
		return;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	cli_format_size(room, free_text);
	if (room < DISK_LOW || (fs.f_files && fs.f_favail < 64))
		say(doctor, "disk", STATE_FAIL, "make room: without it nothing can be recorded",
		    "%s has %s free, %llu inodes", dir, free_text, (unsigned long long)fs.f_favail);
	else
		say(doctor, "disk", STATE_OK, NULL, "%s has %s free", dir, free_text);
}

static void check_clock(struct doctor *doctor)
{
	struct timex timex = {0};
	int state = adjtimex(&timex);

	if (fim_time_now() / 1000000000 < CLOCK_2024)
		say(doctor, "clock", STATE_FAIL, "set it, and start chronyd", "it is before 2024");
	else if (state < 0 || timex.status & STA_UNSYNC)
		say(doctor, "clock", STATE_WARNING,
		    "start chronyd (Amazon Time Sync: 169.254.169.123)",
		    "nothing keeps it right: times in the report are the host's opinion (10.6)");
	else
		say(doctor, "clock", STATE_OK, NULL, "synchronized");
}

static void check_baseline(struct doctor *doctor)
{
	const struct fim_config *config = doctor->config;
	struct fim_baseline *baseline = NULL;
	const struct fim_policy *policy;
	int err = fim_baseline_open_current(config->baseline, config->signature,
					    (const char *const *)config->trusted_keys, &baseline);

	if (err) {
		say(doctor, "baseline", STATE_FAIL,
		    err == -ENOENT   ? "ecs-fim baseline create, sign it outside, put both back"
		    : err == -ENOKEY ? "put the public key that signs baselines into trusted_keys"
		    : err == -EACCES ? "run it as root"
				     : "restore baseline and signature from where they were signed",
		    "%s (signature %s) is not accepted: %s", config->baseline, config->signature,
		    strerror(-err));
		return;
	}
	say(doctor, "baseline", STATE_OK, NULL, "%zu objects, signed by key %.16s…",
	    fim_baseline_count(baseline), fim_baseline_key_id(baseline));
	policy = fim_baseline_policy(baseline);
	if (!fim_policy_root_count(policy))
		say(doctor, "policy", STATE_FAIL,
		    "take the baseline with a policy that names directories",
		    "it names no directory: nothing is watched");
	for (size_t i = 0; i < fim_policy_root_count(policy); i++)
		if (access(fim_policy_root(policy, i), F_OK))
			say(doctor, "policy", STATE_WARNING,
			    "take a baseline with a policy for this host", "%s does not exist",
			    fim_policy_root(policy, i));
	if (fim_policy_root_count(policy))
		say(doctor, "policy", STATE_OK, NULL, "%zu directories",
		    (size_t)fim_policy_root_count(policy));
	fim_baseline_free(baseline);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor doctor = {0};
	struct fim_config *config = NULL;
	const char *config_path = NULL;
	struct utsname name;
	const struct cli_option options[] = {
		{"json", .flag = &doctor.json},
		{"config", .text = &config_path},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, DOCTOR_USAGE, doctor_help, options, &status))
		return status;
	if (optind < argc)
		return cli_usage_error(DOCTOR_USAGE, "%s: not expected", argv[optind]);
	if (fim_config_load(config_path, &config) || uname(&name) < 0)
		return FIM_EXIT_ERROR;
	doctor.config = config;
	check_kernel(&doctor, &name);
	check_livepatch(&doctor);
	check_module(&doctor, &name);
	check_sockets(&doctor);
	check_disk(&doctor);
	check_clock(&doctor);
	check_baseline(&doctor);
	fim_config_free(config);
	if (doctor.err)
		return FIM_EXIT_ERROR;
	return doctor.found ? FIM_EXIT_FINDINGS : FIM_EXIT_CLEAN;
}
