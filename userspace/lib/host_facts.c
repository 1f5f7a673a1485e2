/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host this is and what watches it, for the report's reader.  Only files that root
 * wrote are asked: no network, since the daemon has none.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib_private.h"

#define SMALL_MAX   4096
#define CLOUD_MAX   (1u << 20)
#define PROGRAM_MAX (64u << 20)
#define ID_MAX	    64

/* NULL: it cannot be read, or is too large. */
static char *read_below(const char *root, const char *path, size_t max, size_t *len_ret)
{
	char *full, *bytes = NULL;

	if (asprintf(&full, "%s%s", root, path) < 0)
		return NULL;
	if (fim_file_read(full, max, &bytes, len_ret))
		bytes = NULL;
	free(full);
	return bytes;
}

static void set_digest(struct fim_json *facts, const char *key, const char *root, const char *path)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char hex[FIM_SHA256_HEX_SIZE], *bytes;
	size_t len = 0;

	bytes = read_below(root, path, PROGRAM_MAX, &len);
	if (bytes && !fim_sha256(bytes, len, digest)) {
		fim_hex_encode(digest, sizeof(digest), hex);
		fim_json_set_str(facts, key, hex);
	}
	free(bytes);
}

/* Ids are of few letters; whatever else is there is none. */
static bool is_id(const char *text)
{
	return text && *text && strlen(text) <= ID_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(text);
}

static void set_id(struct fim_json *facts, const char *key, const char *text)
{
	if (is_id(text) && !fim_json_get(facts, key))
		fim_json_set_str(facts, key, text);
}

static void set_line(struct fim_json *facts, const char *key, const char *root, const char *path)
{
	size_t len = 0;
	char *text = read_below(root, path, SMALL_MAX, &len);

	if (text) {
		text[strcspn(text, "\n")] = '\0';
		set_id(facts, key, text);
	}
	free(text);
}

/* "E" among the taints: the kernel could not check a signature, or there was none. */
static void set_module(struct fim_json *facts, const char *root)
{
	size_t len = 0;
	char *taint = read_below(root, "/sys/module/ecs_fim/taint", SMALL_MAX, &len);

	if (taint)
		fim_json_set_str(facts, "module_signature",
				 strchr(taint, 'E') ? "unsigned" : "signed");
	free(taint);
	set_line(facts, "module_version", root, "/sys/module/ecs_fim/version");
	set_line(facts, "module_srcversion", root, "/sys/module/ecs_fim/srcversion");
}

static struct fim_json *read_json(const char *root, const char *path)
{
	struct fim_json *json = NULL;
	size_t len = 0;
	char *text = read_below(root, path, CLOUD_MAX, &len);

	if (text && fim_json_parse(text, len, NULL, &json))
		json = NULL;
	free(text);
	return json;
}

static void set_cloud(struct fim_json *facts, const char *root)
{
	struct fim_json *cloud = read_json(root, "/run/cloud-init/instance-data.json");
	struct fim_json *managed = read_json(root, "/var/lib/amazon/ssm/registration");

	set_id(facts, "instance_id", fim_json_str(fim_json_at(cloud, "v1/instance_id")));
	set_id(facts, "region", fim_json_str(fim_json_at(cloud, "v1/region")));
	set_id(facts, "image_id", fim_json_str(fim_json_at(cloud, "ds/meta_data/ami-id")));
	/* ECS Anywhere: mi-… */
	set_id(facts, "instance_id", fim_json_get_str(managed, "ManagedInstanceID"));
	set_id(facts, "region", fim_json_get_str(managed, "Region"));
	fim_json_free(cloud);
	fim_json_free(managed);
	set_line(facts, "instance_id", root, "/var/lib/cloud/data/instance-id");
}

struct fim_json *fim_host_facts(const char *root)
{
	struct fim_json *facts = fim_json_object();
	struct utsname name;

	if (uname(&name) == 0) {
		fim_json_set_str(facts, "hostname", name.nodename);
		fim_json_set_str(facts, "kernel", name.release);
		fim_json_set_str(facts, "machine", name.machine);
	}
	set_digest(facts, "daemon_sha256", "", "/proc/self/exe");
	set_digest(facts, "tool_sha256", root, "/usr/bin/ecs-fim");
	set_module(facts, root);
	set_cloud(facts, root);
	return facts;
}
