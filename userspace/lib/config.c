/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one table of keys, defaults before, checks after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib_private.h"
#include "yaml.h"

#define CONFIG_FILE_MAX (1u << 20)
#define BASELINE_SUFFIX ".ndjson"

/* A daemon has no directory that a relative path could mean. */
#define PATH_FIELD(member)                                                  \
	{                                                                   \
		.key = #member, .type = FIM_YAML_STRING,                    \
		.offset = offsetof(struct fim_config, member), .path = true \
	}
/* Empty: there is none. */
#define NO_PATH_FIELD(member)                                               \
	{                                                                   \
		.key = #member, .type = FIM_YAML_TEXT,                      \
		.offset = offsetof(struct fim_config, member), .path = true \
	}
#define STRING_FIELD(member)                                  \
	{                                                     \
		.key = #member, .type = FIM_YAML_STRING,      \
		.offset = offsetof(struct fim_config, member) \
	}
#define U32_FIELD(member, low, high)                                               \
	{                                                                          \
		.key = #member, .type = FIM_YAML_U32, .min = (low), .max = (high), \
		.offset = offsetof(struct fim_config, member)                      \
	}
#define BOOL_FIELD(member)                                    \
	{                                                     \
		.key = #member, .type = FIM_YAML_BOOL,        \
		.offset = offsetof(struct fim_config, member) \
	}

/* clang-format off */
static const struct fim_yaml_field fields[] = {
	PATH_FIELD(baseline),
	PATH_FIELD(signature),
	{ .key = "trusted_keys", .type = FIM_YAML_STRINGS, .path = true, .filled = true,
	  .offset = offsetof(struct fim_config, trusted_keys) },
	PATH_FIELD(journal_dir),
	U32_FIELD(journal_segment_mib, 1, 1024),
	U32_FIELD(journal_retention_days, 1, 3660),
	U32_FIELD(journal_max_mib, 8, 1 << 20),
	STRING_FIELD(journal_full),
	BOOL_FIELD(journal_protect),
	U32_FIELD(realert_s, 0, 2592000),
	NO_PATH_FIELD(docker_socket),
	NO_PATH_FIELD(exceptions),
	{ .key = "ecs_agent", .type = FIM_YAML_TEXT,
	  .offset = offsetof(struct fim_config, ecs_agent) },
	PATH_FIELD(device),
	BOOL_FIELD(module_armed),
	PATH_FIELD(status_socket),
	BOOL_FIELD(sink_audit),
	BOOL_FIELD(sink_syslog),
	STRING_FIELD(syslog_format),
	STRING_FIELD(syslog_target),
	BOOL_FIELD(sink_journald),
	BOOL_FIELD(sink_stdout),
	NO_PATH_FIELD(sink_ocsf),
	U32_FIELD(compare_interval_s, 60, 604800),
	U32_FIELD(compare_full_interval_s, 0, 2592000),
	U32_FIELD(settle_ms, 0, 60000),
	BOOL_FIELD(watch_containers),
	{ .key = "rules", .type = FIM_YAML_STRINGS, .path = true,
	  .offset = offsetof(struct fim_config, rules) },
	{ .key = "rules_tags", .type = FIM_YAML_STRINGS,
	  .offset = offsetof(struct fim_config, rules_tags) },
	NO_PATH_FIELD(cloudtrail_dir),
	PATH_FIELD(cloudtrail_state),
};
/* clang-format on */

/* What a running daemon can take over; everything else is read at its start only. */
static const char *const live[] = {
	"sink_journald",
	"sink_ocsf",
	"syslog_format",
	"syslog_target",
	"sink_audit",
	"sink_syslog",
	"sink_stdout",
	"compare_interval_s",
	"compare_full_interval_s",
	"settle_ms",
	"rules",
	"rules_tags",
	"cloudtrail_dir",
	"exceptions",
	"realert_s",
};

static void strings_free(char **strings)
{
	size_t i;

	for (i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

void fim_config_free(struct fim_config *config)
{
	if (!config)
		return;
	strings_free(config->trusted_keys);
	strings_free(config->rules);
	strings_free(config->rules_tags);
	free(config->cloudtrail_dir);
	free(config->cloudtrail_state);
	free(config->baseline);
	free(config->signature);
	free(config->journal_dir);
	free(config->journal_full);
	free(config->docker_socket);
	free(config->exceptions);
	free(config->syslog_format);
	free(config->syslog_target);
	free(config->sink_ocsf);
	free(config->ecs_agent);
	free(config->device);
	free(config->status_socket);
	free(config);
}

static struct fim_config *config_default(void)
{
	struct fim_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->baseline = strdup("/var/lib/ecs-fim/baseline.ndjson");
	config->journal_dir = strdup("/var/lib/ecs-fim/journal");
	config->journal_segment_mib = 16;
	config->journal_retention_days = 366;
	config->journal_max_mib = 1024;
	config->journal_full = strdup("stop");
	config->journal_protect = true;
	config->realert_s = 86400;
	config->docker_socket = strdup("/run/docker.sock");
	config->exceptions = strdup(FIM_EXCEPTIONS_PATH);
	config->ecs_agent = strdup("");
	config->device = strdup("/dev/ecs_fim");
	config->module_armed = true;
	config->status_socket = strdup("/run/ecs-fim/status.sock");
	config->trusted_keys = calloc(2, sizeof(*config->trusted_keys));
	if (config->trusted_keys)
		config->trusted_keys[0] = strdup("/etc/ecs-fim/trusted-keys.d");
	config->sink_audit = true;
	config->sink_syslog = true;
	config->syslog_format = strdup("rfc3164");
	config->syslog_target = strdup("/dev/log");
	config->sink_ocsf = strdup("");
	config->sink_stdout = true;
	config->compare_interval_s = 86400;
	config->compare_full_interval_s = 604800;
	config->settle_ms = 1000;
	config->watch_containers = true;
	config->cloudtrail_dir = strdup("");
	config->cloudtrail_state = strdup("/var/lib/ecs-fim/cloudtrail.state");
	config->rules_tags = calloc(1, sizeof(*config->rules_tags));
	if (!config->cloudtrail_dir || !config->cloudtrail_state || !config->rules_tags ||
	    !config->baseline || !config->journal_dir || !config->docker_socket ||
	    !config->exceptions || !config->ecs_agent || !config->device ||
	    !config->status_socket || !config->syslog_format || !config->syslog_target ||
	    !config->sink_ocsf || !config->trusted_keys || !config->trusted_keys[0]) {
		fim_config_free(config);
		return NULL;
	}
	return config;
}

static const struct fim_yaml *member(const struct fim_yaml *mapping, const char *key)
{
	const struct fim_yaml *node;

	for (node = mapping->first; node; node = node->next)
		if (!strcmp(node->key, key))
			return node;
	return NULL;
}

static int full_check(const char *file, const struct fim_yaml *root)
{
	const struct fim_yaml *node = member(root, "journal_full");

	if (!node || !strcmp(node->text, "stop") || !strcmp(node->text, "drop-oldest"))
		return 0;
	return fim_yaml_fail(file, node, "journal_full is stop or drop-oldest, not \"%s\"",
			     node->text);
}

static int syslog_check(const char *file, const struct fim_yaml *root)
{
	const struct fim_yaml *format = member(root, "syslog_format");
	const struct fim_yaml *target = member(root, "syslog_target");
	struct fim_address address;

	if (format && strcmp(format->text, "rfc3164") != 0 && strcmp(format->text, "rfc5424") != 0)
		return fim_yaml_fail(file, format,
				     "syslog_format is rfc3164 or rfc5424, not \"%s\"",
				     format->text);
	if (target && fim_address_parse(target->text, &address))
		return fim_yaml_fail(file, target,
				     "syslog_target is a socket, udp:127.0.0.1:PORT or "
				     "tcp:127.0.0.1:PORT, not \"%s\"",
				     target->text);
	return 0;
}

/* The signature lies beside the baseline unless somebody says otherwise. */
static int signature_default(struct fim_config *config)
{
	size_t len = strlen(config->baseline);

	if (config->signature)
		return 0;
	if (len > strlen(BASELINE_SUFFIX) &&
	    !strcmp(config->baseline + len - strlen(BASELINE_SUFFIX), BASELINE_SUFFIX))
		len -= strlen(BASELINE_SUFFIX);
	if (asprintf(&config->signature, "%.*s.sig", (int)len, config->baseline) < 0) {
		config->signature = NULL;
		return -ENOMEM;
	}
	return 0;
}

int fim_config_parse(const char *text, size_t len, const char *file, struct fim_config **config_ret)
{
	struct fim_config *config = NULL;
	struct fim_yaml *root = NULL;
	int err;

	err = fim_yaml_parse(text, len, file, &root);
	if (err)
		return err;
	config = config_default();
	err = config ? 0 : -ENOMEM;
	if (!err && root)
		err = fim_yaml_read(file, root, fields, sizeof(fields) / sizeof(fields[0]), config);
	if (!err && root)
		err = full_check(file, root);
	if (!err && root)
		err = syslog_check(file, root);
	if (!err)
		err = signature_default(config);
	fim_yaml_free(root);
	if (err)
		fim_config_free(config);
	else
		*config_ret = config;
	return err;
}

int fim_config_load(const char *path, struct fim_config **config_ret)
{
	char *text = NULL;
	size_t len;
	int err;

	/* Only the file that nobody named may be missing. */
	if (!path && access(FIM_CONFIG_PATH, F_OK) && errno == ENOENT)
		return fim_config_parse("", 0, FIM_CONFIG_PATH, config_ret);
	path = path ? path : FIM_CONFIG_PATH;
	err = fim_file_read(path, CONFIG_FILE_MAX, &text, &len);
	if (!err)
		err = fim_config_parse(text, len, path, config_ret);
	free(text);
	return err;
}

void fim_config_journal(const struct fim_config *config, struct fim_journal_params *params_ret)
{
	*params_ret = (struct fim_journal_params){
		.dir = config->journal_dir,
		.segment_bytes = (uint64_t)config->journal_segment_mib << 20,
		.retention_days = config->journal_retention_days,
		.max_bytes = (uint64_t)config->journal_max_mib << 20,
		.full = strcmp(config->journal_full, "stop") == 0 ? FIM_JOURNAL_STOP
								  : FIM_JOURNAL_DROP,
		.protect = config->journal_protect,
	};
}

char *fim_config_control_socket(const struct fim_config *config)
{
	const char *slash = strrchr(config->status_socket, '/');
	char *path;

	if (asprintf(&path, "%.*s/control.sock", (int)(slash - config->status_socket),
		     config->status_socket) < 0)
		return NULL;
	return path;
}

/* --------------------------------------------------------------- reloading */

static bool strings_equal(char **a, char **b)
{
	size_t i;

	if (!a || !b)
		return a == b;
	for (i = 0; a[i] && b[i]; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return a[i] == b[i];
}

static bool value_equal(const struct fim_yaml_field *field, const void *a, const void *b)
{
	switch (field->type) {
	case FIM_YAML_STRINGS:
		return strings_equal(*(char **const *)a, *(char **const *)b);
	case FIM_YAML_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case FIM_YAML_U32:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	default:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	}
}

static bool is_live(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(live) / sizeof(*live); i++)
		if (!strcmp(live[i], key))
			return true;
	return false;
}

static void value_swap(const struct fim_yaml_field *field, void *a, void *b)
{
	size_t size = field->type == FIM_YAML_BOOL  ? sizeof(bool)
		      : field->type == FIM_YAML_U32 ? sizeof(uint32_t)
						    : sizeof(void *);
	unsigned char bytes[sizeof(void *)];

	memcpy(bytes, a, size);
	memcpy(a, b, size);
	memcpy(b, bytes, size);
}

void fim_config_update(struct fim_config *config, struct fim_config *fresh,
		       void (*changed)(void *ctx, const char *key, bool taken), void *ctx)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		void *mine = (char *)config + fields[i].offset;
		void *other = (char *)fresh + fields[i].offset;

		if (value_equal(&fields[i], mine, other))
			continue;
		if (is_live(fields[i].key))
			value_swap(&fields[i], mine, other);
		changed(ctx, fields[i].key, is_live(fields[i].key));
	}
}
