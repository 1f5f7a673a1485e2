/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the bundles of a fleet, as large as asked for, and expected.ndjson beside them:
 * on each day a comparison and some of everything else; three baselines, hosts that end,
 * hosts that fall silent, one that is expected and sent nothing.
 *
 * usage: fleet_gen DIR HOSTS DAYS KEY.pem
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libfim.h"

#define NS	 INT64_C(1000000000)
#define DAY_NS	 (86400 * NS)
#define START_NS INT64_C(1785542400000000000) /* 2026-08-01 */
#define ZEROS	 "0000000000000000000000000000000000000000000000000000000000000000"
#define ACCOUNT	 "111122223333"
#define ROOTS	 "[\"/etc\",\"/usr/bin\",\"/usr/sbin\"]"

/*
 * struct host - a bundle being written
 * @day: its file's bytes
 * @files: members of the manifest's array
 */
struct host {
	int number;
	int days;
	char name[32];
	char dir[512];
	uint64_t seq;
	char prev[FIM_SHA256_HEX_SIZE];
	FILE *files;
	FILE *day;
};

static void die(const char *what)
{
	fprintf(stderr, "fleet_gen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void emit(struct host *host, int64_t time_ns, const char *type, const char *body)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char time[FIM_TIME_SIZE], line[4096];
	int len;

	fim_time_format(time_ns, time);
	len = snprintf(line, sizeof(line),
		       "{\"seq\":%" PRIu64
		       ",\"time\":\"%s\",\"boot_id\":\"boot-%d\",\"type\":\"%s\","
		       "\"prev\":\"%s\",%s}\n",
		       ++host->seq, time, host->number, type, host->prev, body);
	if (len <= 0 || (size_t)len >= sizeof(line) || fim_sha256(line, (size_t)len, digest))
		die("line");
	fim_hex_encode(digest, sizeof(digest), host->prev);
	fwrite(line, 1, (size_t)len, host->day);
}

static void emit_start(struct host *host, int64_t at)
{
	char body[1024];

	emit(host, at, "control",
	     "\"component\":\"daemon\",\"state\":\"up\",\"cause\":\"started\"");
	emit(host, at + NS, "control",
	     "\"component\":\"module\",\"state\":\"up\",\"cause\":\"/dev/ecs_fim is open\"");
	snprintf(body, sizeof(body),
		 "\"path\":\"/b\",\"digest\":\"%064x\",\"key_id\":\"k\",\"signature\":\"valid\","
		 "\"count\":18231,\"policy\":{\"name\":\"al2023-ecs\",\"roots\":" ROOTS
		 ",\"rules\":[]},\"policy_digest\":\"p\",\"provenance\":{\"image_id\":\"ami-%d\"}",
		 host->number % 3 + 1, host->number % 3 + 1);
	emit(host, at + 2 * NS, "baseline", body);
}

static void emit_comparison(struct host *host, int64_t at)
{
	char body[1024], start[FIM_TIME_SIZE], end[FIM_TIME_SIZE];

	fim_time_format(at - 40 * NS, start);
	fim_time_format(at, end);
	snprintf(body, sizeof(body),
		 "\"trigger\":\"scheduled\",\"scope\":" ROOTS
		 ",\"start\":\"%s\",\"end\":\"%s\",\"expected\":18231,\"compared\":18231,"
		 "\"added\":0,\"removed\":0,\"changed\":0,\"unreadable\":0,\"result_digest\":\"x\"",
		 start, end);
	emit(host, at + NS / 50, "comparison", body);
}

static void emit_container(struct host *host, int64_t at, int day)
{
	bool powerful = host->number % 50 == 0;
	char body[1024];

	snprintf(body, sizeof(body),
		 "\"trigger\":\"start\",\"container\":{\"id\":\"%032x%032x\",\"name\":\"web\","
		 "\"image\":\"registry.example/web:%d\",\"family\":\"web\",\"privileged\":%s,"
		 "\"effectively_privileged\":%s,\"flags\":[]}",
		 host->number, day, day / 30, powerful ? "true" : "false",
		 powerful ? "true" : "false");
	emit(host, at, "container", body);
}

static void emit_change(struct host *host, int64_t at, int day)
{
	static const char *const severities[] = {"low", "medium", "high", "critical"};
	char body[2048];

	snprintf(
		body, sizeof(body),
		"\"kind\":\"modified\",\"severity\":\"%s\",\"path\":\"/etc/app/%d \\\"%d\\\"\","
		"\"scope\":\"host\",\"op\":\"write\",\"changed\":[\"sha256\"],\"before\":{\"type\":"
		"\"file\",\"mode\":\"0644\",\"sha256\":\"" ZEROS "\"},\"after\":{\"type\":\"file\","
		"\"mode\":\"0644\",\"sha256\":\"%064x\"},\"actor\":{\"pid\":4242,\"exe\":\"/usr/bin/dnf\","
		"\"args\":[\"dnf\",\"update\"]},\"container\":null%s",
		severities[(host->number + day) % 4], host->number, day, day,
		day % 7 == 0 ? ",\"change\":{\"id\":\"CHG-1\"}" : "");
	emit(host, at, "finding", body);
}

/* A part fails and comes back; on every hundredth host it does not. */
static void emit_trouble(struct host *host, int64_t at, int day)
{
	emit(host, at, "control",
	     "\"component\":\"docker\",\"state\":\"down\",\"cause\":\"the engine does not answer\"");
	emit(host, at + 30 * NS, "control",
	     "\"component\":\"docker\",\"state\":\"down\",\"cause\":\"the engine does not answer\"");
	if (host->number % 100 || day < host->days - 10)
		emit(host, at + 600 * NS, "control",
		     "\"component\":\"docker\",\"state\":\"up\",\"cause\":\"it answers again\"");
	/* Two sinks; the one that fails later is up first. */
	emit(host, at + 620 * NS, "control",
	     "\"component\":\"sink\",\"sink\":\"audit\",\"state\":\"degraded\",\"cause\":\"full\"");
	emit(host, at + 630 * NS, "control",
	     "\"component\":\"sink\",\"sink\":\"hub\",\"state\":\"degraded\",\"cause\":\"refused\"");
	emit(host, at + 640 * NS, "control",
	     "\"component\":\"sink\",\"sink\":\"hub\",\"state\":\"up\",\"cause\":\"again\"");
	emit(host, at + 690 * NS, "control",
	     "\"component\":\"sink\",\"sink\":\"audit\",\"state\":\"up\",\"cause\":\"again\"");
	emit(host, at + 700 * NS, "control",
	     "\"component\":\"ring\",\"state\":\"loss\",\"cause\":\"full\",\"lost\":17");
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
}

static void write_day(struct host *host, int day, const char *bytes, size_t len, uint64_t first)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char time[FIM_TIME_SIZE], path[300], full[1024], hex[FIM_SHA256_HEX_SIZE], *at;
	FILE *out;

	fim_time_format(START_NS + day * DAY_NS, time);
	snprintf(path, sizeof(path),
		 "records/dt=%.10s/account=" ACCOUNT "/cluster=prod/host=%s/records.ndjson", time,
		 host->name);
	snprintf(full, sizeof(full), "%s/%s", host->dir, path);
	for (at = full + strlen(host->dir) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		make_dir(full);
		*at = '/';
	}
	out = fopen(full, "w");
	if (!out || fwrite(bytes, 1, len, out) != len || fclose(out))
		die(full);
	fim_sha256(bytes, len, digest);
	fim_hex_encode(digest, sizeof(digest), hex);
	fprintf(host->files,
		"%s{\"path\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\",\"records\":%" PRIu64
		",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 "}",
		day ? "," : "", path, len, hex, host->seq - first + 1, first, host->seq);
}

static void one_day(struct host *host, int day)
{
	int64_t at = START_NS + day * DAY_NS;
	uint64_t first = host->seq + 1;
	char *bytes;
	size_t len;

	host->day = open_memstream(&bytes, &len);
	if (!day)
		emit_start(host, at);
	emit_change(host, at + 3600 * NS, day);
	emit_container(host, at + 7200 * NS, day);
	/* Every three-hundredth host stops comparing for nine days. */
	if (host->number % 300 || day < 20 || day > 28)
		emit_comparison(host, at + (10800 + host->number % 600) * NS);
	if ((host->number + day) % 10 == 0)
		emit_trouble(host, at + 14400 * NS, day);
	emit_change(host, at + 20000 * NS, day + 1);
	if (day + 1 == host->days && host->number % 20 == 0)
		emit(host, at + 21000 * NS, "control",
		     "\"component\":\"daemon\",\"state\":\"down\",\"cause\":\"stopped\"");
	fclose(host->day);
	write_day(host, day, bytes, len, first);
	free(bytes);
}

static void write_manifest(const struct host *host, const char *files, const char *key)
{
	char *text, path[640], to[FIM_TIME_SIZE], from[FIM_TIME_SIZE], key_id[FIM_KEY_ID_SIZE];
	unsigned char *signature;
	size_t signature_len;

	fim_time_format(START_NS, from);
	fim_time_format(START_NS + host->days * DAY_NS, to);
	if (asprintf(
		    &text,
		    "{\"format\":\"ecs-fim-bundle\",\"version\":1,\"tool\":\"ecs-fim\",\"account\":"
		    "\"" ACCOUNT
		    "\",\"cluster\":\"prod\",\"host\":\"%s\",\"from\":\"%s\",\"to\":\"%s\","
		    "\"journal\":{\"verification\":\"verified\",\"first_seq\":1,\"last_seq\":%" PRIu64
		    ",\"prev\":\"" ZEROS "\",\"head\":\"%s\"},\"files\":[%s]}\n",
		    host->name, from, to, host->seq, host->prev, files) < 0)
		die("memory");
	snprintf(path, sizeof(path), "%s/manifest.json", host->dir);
	if (fim_file_write_atomic(path, text, strlen(text), 0644) ||
	    fim_sign(key, text, strlen(text), &signature, &signature_len, key_id))
		die(path);
	snprintf(path, sizeof(path), "%s/manifest.sig", host->dir);
	if (fim_file_write_atomic(path, signature, signature_len, 0644))
		die(path);
	free(signature);
	free(text);
}

int main(int argc, char **argv)
{
	int hosts = argc == 5 ? atoi(argv[2]) : 0, days = argc == 5 ? atoi(argv[3]) : 0, n, day;
	struct host host;
	char path[600], *files;
	FILE *expected;
	size_t len;

	if (hosts <= 0 || days <= 0) {
		fprintf(stderr, "usage: fleet_gen DIR HOSTS DAYS KEY.pem\n");
		return 2;
	}
	make_dir(argv[1]);
	snprintf(path, sizeof(path), "%s/expected.ndjson", argv[1]);
	expected = fopen(path, "w");
	if (!expected)
		die(path);
	for (n = 0; n <= hosts; n++)
		fprintf(expected,
			"{\"account\":\"" ACCOUNT "\",\"cluster\":\"prod\",\"host\":\"i-%08x\"}\n",
			n);
	fclose(expected);
	for (n = 0; n < hosts; n++) {
		host = (struct host){.number = n, .days = n % 40 == 7 ? days / 2 + 1 : days};
		snprintf(host.name, sizeof(host.name), "i-%08x", n);
		snprintf(host.dir, sizeof(host.dir), "%.400s/%s", argv[1], host.name);
		strcpy(host.prev, ZEROS);
		make_dir(host.dir);
		host.files = open_memstream(&files, &len);
		for (day = 0; day < host.days; day++)
			one_day(&host, day);
		fclose(host.files);
		write_manifest(&host, files, argv[4]);
		free(files);
	}
	return 0;
}
