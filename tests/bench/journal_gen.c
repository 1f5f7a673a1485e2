/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a journal as large as asked for: what a busy host would have written in the
 * days before, one record in ten of another kind than a finding.
 *
 * usage: journal_gen RECORDS DAYS >journal.ndjson
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libfim.h"

#define START_NS     INT64_C(1761955200000000000) /* 2025-11-01 */
#define DAY_NS	     INT64_C(86400000000000)
#define MAX_LINE     4096
#define ZERO_DIGEST  "0000000000000000000000000000000000000000000000000000000000000000"
#define CONTAINER_ID "4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f"
#define DIGEST_A     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST_B     "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"

static char line[MAX_LINE];
static char prev[FIM_SHA256_HEX_SIZE] = ZERO_DIGEST;
static uint64_t seq;

static void emit(int64_t time_ns, const char *type, const char *body)
{
	unsigned char digest[FIM_SHA256_SIZE];
	char time[FIM_TIME_SIZE];
	int len;

	fim_time_format(time_ns, time);
	len = snprintf(
		line, sizeof(line),
		"{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"boot_id\":"
		"\"0b8f6a52-93d5-4f0e-8d4f-2a1d8e1c5a01\",\"type\":\"%s\",\"prev\":\"%s\",%s}\n",
		++seq, time, type, prev, body);
	if (len <= 0 || (size_t)len >= sizeof(line) || fim_sha256(line, (size_t)len, digest))
		exit(1);
	fim_hex_encode(digest, sizeof(digest), prev);
	fwrite(line, 1, (size_t)len, stdout);
}

static void finding(int64_t time_ns, uint64_t i)
{
	static const char *const severities[] = {"info", "low", "medium", "high", "critical"};
	static const char *const dirs[] = {
		"/usr/bin", "/usr/sbin",	   "/etc",
		"/etc/ssh", "/etc/systemd/system", "/usr/lib/modules/6.1"};
	char body[MAX_LINE - 512], time[FIM_TIME_SIZE];

	fim_time_format(time_ns - 1000000, time);
	snprintf(body, sizeof(body),
		 "\"kind\":\"modified\",\"severity\":\"%s\",\"path\":\"%s/file-%" PRIu64
		 "\",\"scope\":\"%s\",\"class\":\"strict\",\"category\":\"system executables\","
		 "\"op\":\"write\",\"detected_by\":\"event\",\"event_seq\":%" PRIu64
		 ",\"event_time\":\"%s\",\"changed\":[\"size\",\"sha256\"],"
		 "\"before\":{\"type\":\"file\",\"mode\":\"0755\",\"uid\":0,\"gid\":0,"
		 "\"size\":1035472,\"sha256\":\"" DIGEST_A "\",\"nlink\":1},"
		 "\"after\":{\"type\":\"file\",\"mode\":\"0755\",\"uid\":0,\"gid\":0,"
		 "\"size\":%" PRIu64 ",\"sha256\":\"" DIGEST_B "\",\"nlink\":1},"
		 "\"actor\":{\"pid\":%" PRIu64 ",\"tid\":31337,\"ppid\":31328,\"vpid\":7,"
		 "\"uid\":0,\"gid\":0,\"euid\":0,\"egid\":0,\"user\":\"root\",\"loginuid\":null,"
		 "\"login_user\":null,\"sessionid\":null,\"comm\":\"cp\",\"parent_comm\":\"sh\","
		 "\"exe\":\"/usr/bin/busybox\",\"args\":[\"cp\",\"/tmp/a\",\"/usr/bin/ssh\"],"
		 "\"cgroup\":\"/ecs/0123456789abcdef/" CONTAINER_ID "\",\"from\":\"writer\"},"
		 "\"container\":{\"id\":\"" CONTAINER_ID "\",\"name\":\"ecs-web-7-nginx\","
		 "\"image\":\"nginx:1.25\",\"task_arn\":\"arn:aws:ecs:eu-central-1:123456789012:"
		 "task/prod/9f8e7d6c5b4a39281706f5e4d3c2b1a0\",\"cluster\":\"prod\","
		 "\"family\":\"web\",\"revision\":\"7\",\"account\":\"123456789012\","
		 "\"region\":\"eu-central-1\",\"running\":true,\"pid\":4242,\"privileged\":false,"
		 "\"effectively_privileged\":false}",
		 severities[i % 5], dirs[i % 6], i % 5000, i % 3 ? "host" : "container", i, time,
		 1000000 + i % 777, 1000 + i % 30000);
	emit(time_ns, "finding", body);
}

static void comparison(int64_t time_ns)
{
	char body[1024], start[FIM_TIME_SIZE], end[FIM_TIME_SIZE];

	fim_time_format(time_ns - INT64_C(41000000000), start);
	fim_time_format(time_ns, end);
	snprintf(body, sizeof(body),
		 "\"trigger\":\"scheduled\",\"scope\":[\"/etc\",\"/usr/bin\",\"/usr/sbin\"],"
		 "\"start\":\"%s\",\"end\":\"%s\",\"expected\":18231,\"compared\":18231,"
		 "\"added\":0,\"removed\":0,\"changed\":0,\"unreadable\":0,\"bytes\":1937741824,"
		 "\"result_digest\":\"" DIGEST_A "\"",
		 start, end);
	emit(time_ns, "comparison", body);
}

static void other(int64_t time_ns, uint64_t i)
{
	char body[1024];

	switch (i / 10 % 4) {
	case 0:
		comparison(time_ns);
		return;
	case 1:
		snprintf(body, sizeof(body),
			 "\"component\":\"docker\",\"state\":\"%s\",\"cause\":\"%s\"",
			 i / 10 % 8 == 1 ? "down" : "up",
			 i / 10 % 8 == 1 ? "the engine does not answer" : "the engine answers");
		emit(time_ns, "control", body);
		return;
	case 2:
		snprintf(
			body, sizeof(body),
			"\"trigger\":\"start\",\"container\":{\"id\":\"%064" PRIx64
			"\",\"name\":\"c%" PRIu64 "\",\"image\":\"nginx:1.25\",\"running\":true,"
			"\"pid\":4242,\"privileged\":%s,\"effectively_privileged\":%s,\"flags\":[]}",
			i % 2000, i % 2000, i % 50 ? "false" : "true", i % 50 ? "false" : "true");
		emit(time_ns, "container", body);
		return;
	default:
		snprintf(body, sizeof(body),
			 "\"action\":\"added\",\"scope\":\"container\",\"path\":\"/usr/bin\","
			 "\"container_id\":\"%064" PRIx64 "\"",
			 i % 2000);
		emit(time_ns, "watch", body);
	}
}

int main(int argc, char **argv)
{
	uint64_t count, i;
	int64_t span_ns;

	if (argc != 3) {
		fputs("usage: journal_gen RECORDS DAYS >journal.ndjson\n", stderr);
		return FIM_EXIT_USAGE;
	}
	count = strtoull(argv[1], NULL, 10);
	span_ns = (int64_t)strtoull(argv[2], NULL, 10) * DAY_NS;
	emit(START_NS, "control",
	     "\"component\":\"daemon\",\"state\":\"up\",\"cause\":\"started\","
	     "\"detail\":{\"hostname\":\"ip-10-0-3-17\",\"kernel\":\"6.1.141\"}");
	emit(START_NS, "baseline",
	     "\"path\":\"/var/lib/ecs-fim/baseline.ndjson\",\"digest\":\"" DIGEST_A
	     "\",\"key_id\":\"" DIGEST_B "\",\"signature\":\"valid\",\"count\":18231,"
	     "\"created\":\"2025-10-30T11:20:00Z\",\"tool\":\"ecs-fim 0.1.0\","
	     "\"policy\":{\"name\":\"al2023-ecs\",\"version\":\"3\",\"roots\":[\"/etc\","
	     "\"/usr/bin\",\"/usr/sbin\"],\"rules\":[]},\"policy_digest\":\"" DIGEST_A "\"");
	for (i = 2; i < count; i++) {
		int64_t time_ns = START_NS + (int64_t)((double)span_ns * (double)i / (double)count);

		if (i % 10)
			finding(time_ns, i);
		else
			other(time_ns, i);
	}
	return fflush(stdout) ? 1 : 0;
}
