/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel allows, and what was done to it: whatever decides if the module
 * can load, and whether what it tells can be believed.  Recorded at the start, and when
 * it changes.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"

enum fact {
	FACT_LOCKDOWN,
	FACT_SIG_ENFORCE,
	FACT_TAINTED,
	FACT_FTRACE,
	FACT_LIVEPATCH,
	FACT_CLOCK
};

/* clang-format off */
static const struct {
	const char *name;
	const char *path;
} facts[HOST_FACTS] = {
	[FACT_LOCKDOWN]    = { "lockdown", "/sys/kernel/security/lockdown" },
	[FACT_SIG_ENFORCE] = { "module_signatures_enforced", "/sys/module/module/parameters/sig_enforce" },
	[FACT_TAINTED]     = { "tainted", "/proc/sys/kernel/tainted" },
	[FACT_FTRACE]      = { "ftrace_enabled", "/proc/sys/kernel/ftrace_enabled" },
	[FACT_LIVEPATCH]   = { "livepatch", "/sys/kernel/livepatch" },
	[FACT_CLOCK]       = { "clock_state", NULL },
};
/* clang-format on */

/* "none [integrity] confidentiality": the one in brackets. */
static void take_choice(char *text)
{
	const char *open = strchr(text, '[');
	size_t len = open ? strcspn(open + 1, "]") : 0;

	if (!open)
		return;
	memmove(text, open + 1, len);
	text[len] = '\0';
}

static void read_file(const char *path, char value[HOST_FACT_SIZE])
{
	char *text = NULL;
	size_t len;

	value[0] = '\0';
	if (access(path, F_OK) || fim_file_read(path, 4096, &text, &len))
		return;
	snprintf(value, HOST_FACT_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
}

static void read_names(const char *path, char value[HOST_FACT_SIZE])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t len = 0;

	value[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		int more;

		if (entry->d_name[0] == '.')
			continue;
		more = snprintf(value + len, HOST_FACT_SIZE - len, "%s%s", len ? " " : "",
				entry->d_name);
		if (more < 0 || (size_t)more >= HOST_FACT_SIZE - len)
			break;
		len += (size_t)more;
	}
	if (dir)
		closedir(dir);
}

static void read_clock(char value[HOST_FACT_SIZE])
{
	int64_t error_us;
	const char *state = fim_clock_state(&error_us);

	snprintf(value, HOST_FACT_SIZE, "%s", state ? state : "");
}

void host_read(struct host *host_ret)
{
	for (int i = 0; i < HOST_FACTS; i++) {
		if (i == FACT_LIVEPATCH)
			read_names(facts[i].path, host_ret->value[i]);
		else if (i == FACT_CLOCK)
			read_clock(host_ret->value[i]);
		else
			read_file(facts[i].path, host_ret->value[i]);
	}
	take_choice(host_ret->value[FACT_LOCKDOWN]);
}

void host_to_json(const struct host *host, struct fim_json *json)
{
	for (int i = 0; i < HOST_FACTS; i++)
		fim_json_set_bytes(json, facts[i].name, host->value[i], strlen(host->value[i]));
}

/* Who replaces the kernel's functions can make it tell what they like. */
static void judge(struct daemon *d, const char *what)
{
	const struct host *host = &d->host_facts;

	if (host->value[FACT_LIVEPATCH][0])
		control_set(d, COMPONENT_HOST, CONTROL_DEGRADED,
			    "%sthe live patch %s is applied to the kernel: it may redirect what is "
			    "watched",
			    what, host->value[FACT_LIVEPATCH]);
	else if (host->value[FACT_FTRACE][0] == '0')
		control_set(d, COMPONENT_HOST, CONTROL_DEGRADED,
			    "%skernel.ftrace_enabled is 0: the module cannot tell which attribute "
			    "changed, nor who opened a file",
			    what);
	else if (d->controls[COMPONENT_HOST] != CONTROL_UP)
		control_set(d, COMPONENT_HOST, CONTROL_UP,
			    "%sno live patch is applied, lockdown is %s", what,
			    host->value[FACT_LOCKDOWN][0] ? host->value[FACT_LOCKDOWN]
							  : "not built in");
	else if (what[0])
		control_set(d, COMPONENT_HOST, CONTROL_INFO, "%s", what);
}

/* Times in the journal are as good as the clock: the report says which they are. */
static void say_clock(struct daemon *d)
{
	struct fim_json *detail = fim_json_object();
	const char *state = d->host_facts.value[FACT_CLOCK];

	fim_json_set(detail, "clock", fim_clock_facts(""));
	control_say(d,
		    &(struct control){
			    .component = COMPONENT_HOST, .state = CONTROL_INFO, .detail = detail},
		    "the clock is %s", state[0] ? state : "not to be asked for its state");
}

void host_start(struct daemon *d)
{
	host_read(&d->host_facts);
	judge(d, "");
}

void host_poll(struct daemon *d)
{
	struct host now;

	if (d->controls[COMPONENT_HOST] == CONTROL_UNKNOWN)
		return;
	host_read(&now);
	for (int i = 0; i < HOST_FACTS; i++) {
		char what[3 * HOST_FACT_SIZE];

		if (strcmp(now.value[i], d->host_facts.value[i]) == 0)
			continue;
		snprintf(what, sizeof(what), "%s was \"%s\", is \"%s\": ", facts[i].name,
			 d->host_facts.value[i], now.value[i]);
		memcpy(d->host_facts.value[i], now.value[i], HOST_FACT_SIZE);
		if (i == FACT_CLOCK)
			say_clock(d);
		else
			judge(d, what);
	}
}
