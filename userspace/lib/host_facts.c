/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host this is and what watches it, for the report's reader.  Only files that root
 * wrote are asked: no network, since the daemon has none.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib_private.h"

#define SMALL_MAX   4096
#define CLOUD_MAX   (1u << 20)
#define MODULES_MAX (8u << 20)
#define PROGRAM_MAX (64u << 20)
#define ID_MAX	    64
#define GROUP_MAX   255

/* NULL: there is none, which most hosts say of most of them, or it cannot be read. */
static char *read_below(const char *root, const char *path, size_t max, size_t *len_ret)
{
	char *full, *bytes = NULL;

	if (asprintf(&full, "%s%s", root, path) < 0)
		return NULL;
	if (access(full, F_OK) || fim_file_read(full, max, &bytes, len_ret))
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

/* ------------------------------------------------------------------ module */

#define SIGNED_MARK "~Module signature appended~\n"
#define PKCS7	    2

/* What stands before the mark: include/linux/module_signature.h of the kernel. */
struct signature {
	uint8_t algo, hash, id_type, signer_len, key_id_len, pad[3];
	uint32_t len; /* big-endian */
};

static void set_signer(struct fim_json *facts, const char *bytes, size_t len)
{
	const size_t mark = sizeof(SIGNED_MARK) - 1;
	struct signature signature;
	char name[128], *safe = NULL;
	size_t size;

	if (len < mark + sizeof(signature) || memcmp(bytes + len - mark, SIGNED_MARK, mark) != 0)
		return;
	len -= mark + sizeof(signature);
	memcpy(&signature, bytes + len, sizeof(signature));
	size = be32toh(signature.len);
	if (signature.id_type == PKCS7 && size <= len &&
	    fim_cms_signer(bytes + len - size, size, name, sizeof(name)))
		safe = fim_escape(name, strlen(name));
	fim_json_set_str(facts, "module_signer", safe);
	free(safe);
}

/* "extra/ecs_fim.ko.xz" of depmod's list, in which modprobe looks; malloc'ed, NULL: it has none. */
static char *find_module(const char *root, const char *release)
{
	char *path, *list = NULL, *line, *save = NULL, *found = NULL;
	size_t len = 0;

	if (asprintf(&path, "/lib/modules/%s/modules.dep", release) < 0)
		return NULL;
	list = read_below(root, path, MODULES_MAX, &len);
	free(path);
	for (line = list ? strtok_r(list, "\n", &save) : NULL; line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *slash;

		line[strcspn(line, ":")] = '\0';
		slash = strrchr(line, '/');
		if (strncmp(slash ? slash + 1 : line, "ecs_fim.ko", 10) == 0 &&
		    asprintf(&found, "/lib/modules/%s/%s", release, line) < 0)
			found = NULL;
	}
	free(list);
	return found;
}

/*
 * The file that modprobe loads, unless it can be seen not to be the one that runs: another
 * may have been put there since.
 */
static void set_module_file(struct fim_json *facts, const char *root, const char *release)
{
	char *path = find_module(root, release), *bytes = NULL, build[80], *safe;
	const char *running = fim_json_get_str(facts, "module_srcversion");
	bool packed = path && !strcmp(path + strlen(path) - 3, ".ko") ? false : true;
	size_t len = 0;

	if (path)
		bytes = read_below(root, path, PROGRAM_MAX, &len);
	snprintf(build, sizeof(build), "srcversion=%s", running ? running : "");
	if (!bytes || !running || (!packed && !memmem(bytes, len, build, strlen(build) + 1)))
		goto out;
	safe = fim_escape(path, strlen(path));
	fim_json_set_str(facts, "module_file", safe);
	free(safe);
	set_digest(facts, "module_sha256", root, path);
	if (!packed)
		set_signer(facts, bytes, len);
out:
	free(bytes);
	free(path);
}

/* ------------------------------------------------------------------- cloud */

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
	const char *group;
	char *safe;

	set_id(facts, "instance_id", fim_json_str(fim_json_at(cloud, "v1/instance_id")));
	set_id(facts, "region", fim_json_str(fim_json_at(cloud, "v1/region")));
	set_id(facts, "image_id", fim_json_str(fim_json_at(cloud, "ds/meta_data/ami-id")));
	/* Where the instance's tags are part of its metadata. */
	group = fim_json_str(
		fim_json_at(cloud, "ds/meta_data/tags/instance/aws:autoscaling:groupName"));
	safe = group && *group && strlen(group) <= GROUP_MAX ? fim_escape(group, strlen(group))
							     : NULL;
	fim_json_set_str(facts, "auto_scaling_group", safe);
	free(safe);
	/* ECS Anywhere: mi-… */
	set_id(facts, "instance_id", fim_json_get_str(managed, "ManagedInstanceID"));
	set_id(facts, "region", fim_json_get_str(managed, "Region"));
	fim_json_free(cloud);
	fim_json_free(managed);
	set_line(facts, "instance_id", root, "/var/lib/cloud/data/instance-id");
}

/* ------------------------------------------------------------------- clock */

const char *fim_clock_state(int64_t *error_us_ret)
{
	struct timex clock = {.modes = 0};
	int state = adjtimex(&clock);

	if (state < 0)
		return NULL;
	*error_us_ret = clock.maxerror;
	return state == TIME_ERROR || clock.status & STA_UNSYNC ? "not synchronised"
								: "synchronised";
}

/* A pid file outlives its process; another process may have its number by then. */
static bool runs(const char *root, const char *pid_file, const char *name)
{
	char path[64] = "", *text;
	size_t len = 0;
	long pid;
	bool same;

	text = read_below(root, pid_file, SMALL_MAX, &len);
	pid = text ? strtol(text, NULL, 10) : 0;
	free(text);
	if (pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	text = read_below(root, path, SMALL_MAX, &len);
	same = text && strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '\n';
	free(text);
	return same;
}

/* Whose work it is, as far as it leaves a trace; NULL: nobody's that we know. */
static const char *clock_service(const char *root)
{
	char *mark;
	size_t len;

	if (runs(root, "/run/chrony/chronyd.pid", "chronyd"))
		return "chronyd";
	if (runs(root, "/run/ntpd.pid", "ntpd"))
		return "ntpd";
	/* Touched at each synchronisation, and gone with the service. */
	mark = read_below(root, "/run/systemd/timesync/synchronized", SMALL_MAX, &len);
	free(mark);
	return mark ? "systemd-timesyncd" : NULL;
}

struct fim_json *fim_clock_facts(const char *root)
{
	struct fim_json *facts = fim_json_object();
	int64_t error_us = 0;
	const char *state = fim_clock_state(&error_us);

	fim_json_set_str(facts, "state", state);
	if (state)
		fim_json_set_int(facts, "max_error_us", error_us);
	fim_json_set_str(facts, "service", clock_service(root));
	return facts;
}

struct fim_json *fim_host_facts(const char *root)
{
	struct fim_json *facts = fim_json_object();
	struct utsname name = {.release = ""};

	if (uname(&name) == 0) {
		fim_json_set_str(facts, "hostname", name.nodename);
		fim_json_set_str(facts, "kernel", name.release);
		fim_json_set_str(facts, "machine", name.machine);
	}
	set_digest(facts, "daemon_sha256", "", "/proc/self/exe");
	set_digest(facts, "tool_sha256", root, "/usr/bin/ecs-fim");
	set_module(facts, root);
	if (fim_json_get(facts, "module_srcversion"))
		set_module_file(facts, root, name.release);
	set_cloud(facts, root);
	fim_json_set(facts, "clock", fim_clock_facts(root));
	return facts;
}
