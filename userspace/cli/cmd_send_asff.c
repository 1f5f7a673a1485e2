/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecs-fim send-asff: what the journal has for AWS Security Hub, sent.
 *
 * The journal is the spool: it is durable before anything leaves, bounded, and says itself
 * what it gave up.  What is kept beside it is how far it was sent, and what Security Hub
 * refused.  A finding's Id is made of its record: whatever is sent again, after a crash or
 * an answer that did not arrive, is the same finding.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli.h"
#include "outbox.h"

#define USAGE                                                                                  \
	"usage: ecs-fim send-asff [--account A] [--region R] [--host H] [--from TIME]\n"       \
	"                         [--retry-for SECONDS] [--endpoint-url URL] [--state FILE]\n" \
	"                         [--config FILE] [--json] [PATH]\n"
#define STATE_PATH	 "/var/lib/ecs-fim/securityhub.state"
#define HELD_MAX	 1000
#define HELD_BYTES_MAX	 ((size_t)12 << 20) /* of the 16 MiB that a state may have */
#define MESSAGE_MAX	 400
#define RETRY_S		 60
#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS	 20000
#define BETWEEN_MS	 100 /* 10 calls in a second are allowed */
#define SINK		 "securityhub"

static const char help[] = USAGE
	"\n"
	"Send alerts, and outages of controls, from the journal to AWS Security Hub\n"
	"(BatchImportFindings): what was not sent before. Nothing is lost when that fails: it is\n"
	"sent by the next run, under the same Ids. What Security Hub took is recorded in the journal,\n"
	"and the daemon is told whether this works. A timer calls this every minute:\n"
	"\n"
	"  systemctl enable --now ecs-fim-send-asff.timer\n"
	"\n"
	"  --account A           AWS account; default: as the instance's metadata say, or the tasks in\n"
	"                        the journal\n"
	"  --region R            AWS region; default: AWS_REGION, else the same\n"
	"  --host H              instance id; default: what the daemon recorded, or the metadata\n"
	"  --from TIME           the first time: begin with records of this time; default: with all\n"
	"  --retry-for SECONDS   how long to try (default 60)\n"
	"  --endpoint-url URL    another address of Security Hub (https, or http on this host)\n"
	"  --state FILE          how far it was sent (default: " STATE_PATH ")\n"
	"  --config FILE         the daemon's configuration (default: " FIM_CONFIG_PATH ")\n"
	"  --json                what was done as one JSON object\n"
	"  PATH                  journal directory or file; default: from the configuration\n"
	"\n"
	"Credentials are taken from the environment (AWS_ACCESS_KEY_ID, …), the shared file\n"
	"(AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials: ECS Anywhere), or the instance's role\n"
	"(IMDSv2). They need securityhub:BatchImportFindings.\n"
	"\n"
	"exit status: 0 everything is sent, 1 something waits for the next run, 2 wrong usage\n";

struct options {
	const char *path;
	const char *config;
	const char *state;
	const char *url;
	struct fim_host host;
	int64_t from_ns;
	unsigned int retry_s;
	bool json;
};

struct item {
	uint64_t seq;
	bool alert; /* its delivery is recorded */
	char *id;
	struct fim_json *finding;
	char *text;
	size_t len;
};

/*
 * struct sender - one run
 * @held: what Security Hub refused, as in the state file
 * @held_bytes: of the findings in it
 * @retried: what it had refused before, while that is tried again; NULL: it is not
 * @problem: why not everything is sent; NULL: nothing is wrong
 */
struct sender {
	const struct options *options;
	struct outbox outbox;
	struct fim_host host;
	char *url;
	struct fim_json *held;
	size_t held_bytes;
	const struct fim_json *retried;
	struct item items[FIM_HUB_FINDINGS_MAX];
	size_t count;
	size_t bytes;
	int64_t deadline_ms;
	char *problem;
	uint64_t sent;
	uint64_t calls;
};

/* Takes over @text; the first one stays. */
static void set_problem(struct sender *sender, char *text)
{
	if (sender->problem)
		free(text);
	else
		sender->problem = text ? text : strdup("out of memory");
}

/* -------------------------------------------------------------------- state */

static int open_state(struct sender *sender)
{
	int err = outbox_open(&sender->outbox);
	const struct fim_json *held = fim_json_get(sender->outbox.members, "held");
	const char *host = fim_json_get_str(sender->outbox.members, "host");

	if (host && strlen(host) < sizeof(sender->host.host))
		strcpy(sender->host.host, host);
	sender->held = fim_json_is_array(held) ? fim_json_ref(held) : fim_json_array();
	return err;
}

/* In the Ids of outages the host is the same for ever, also when nobody can be asked any more. */
static void set_members(struct sender *sender)
{
	fim_json_set_str(sender->outbox.members, "host", sender->host.host);
	/* Half of a retry is none: what was taken meanwhile is taken again, and nothing is lost. */
	fim_json_set(sender->outbox.members, "held",
		     fim_json_ref(sender->retried ? sender->retried : sender->held));
}

/* ------------------------------------------------------------------ sending */

/* Anywhere up to twice as long as before: many hosts must not come back together. */
static bool wait_before(struct sender *sender, unsigned int attempt)
{
	int64_t most = BACKOFF_FIRST_MS, left;
	uint32_t random = 0;

	while (attempt-- > 1 && most < BACKOFF_MAX_MS)
		most *= 2;
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint32_t)cli_now_ms();
	most = most / 2 + (int64_t)(random % (uint32_t)(most / 2 + 1));
	left = sender->deadline_ms - cli_now_ms();
	if (left <= 0)
		return false;
	cli_sleep_ms(most < left ? most : left);
	return true;
}

static int hold(struct sender *sender, const struct item *item, const char *code,
		const char *message)
{
	struct fim_json *held = fim_json_object();
	char *text = NULL;

	if (fim_json_count(sender->held) >= HELD_MAX ||
	    sender->held_bytes + item->len > HELD_BYTES_MAX) {
		fim_json_free(held);
		return -ENOSPC;
	}
	sender->held_bytes += item->len;
	fim_json_set_int(held, "seq", (int64_t)item->seq);
	fim_json_set_bool(held, "alert", item->alert);
	if (code)
		fim_json_set_bytes(held, "code", code, strnlen(code, MESSAGE_MAX));
	if (message)
		fim_json_set_bytes(held, "message", message, strnlen(message, MESSAGE_MAX));
	fim_json_set(held, "finding", fim_json_ref(item->finding));
	fim_json_append(sender->held, held);
	if (asprintf(&text, "Security Hub refused the finding of record %" PRIu64 ": %.60s: %.400s",
		     item->seq, code ? code : "?", message ? message : "?") < 0)
		text = NULL;
	set_problem(sender, text);
	return 0;
}

static int settle(struct sender *sender, const struct item *items, size_t count,
		  const struct fim_json *answer)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const char *code = NULL, *message = NULL;

		if (fim_hub_refused(answer, items[i].id, &code, &message)) {
			err = hold(sender, &items[i], code, message);
			continue;
		}
		sender->sent++;
		if (items[i].alert)
			outbox_delivered(&sender->outbox, items[i].seq);
	}
	return err;
}

/* One call. *@answer_ret is what was said; *@reason_ret why not, if not. */
static enum fim_hub_verdict call(struct sender *sender, const char *body, size_t len,
				 struct fim_json **answer_ret, char **reason_ret)
{
	struct fim_aws_credentials credentials = {.source = ""};
	struct fim_aws_reply reply = {.status = 0};
	enum fim_hub_verdict verdict = FIM_HUB_LATER;
	/* Each time: what expired was renewed by somebody meanwhile, perhaps. */
	int err = fim_aws_credentials_find(&credentials);

	if (err) {
		*reason_ret = strdup("there are no AWS credentials");
		return FIM_HUB_LATER;
	}
	sender->calls++;
	err = fim_aws_post(&credentials, SINK, sender->host.region, sender->url, body, len, &reply);
	fim_aws_credentials_clear(&credentials);
	if (err && asprintf(reason_ret, "%s: %s", sender->url, strerror(-err)) < 0)
		*reason_ret = NULL;
	if (!err)
		verdict = fim_hub_judge(reply.status, reply.body, reply.len, answer_ret);
	if (!err && verdict != FIM_HUB_TAKEN)
		*reason_ret = fim_hub_reason(reply.status, *answer_ret);
	fim_aws_reply_clear(&reply);
	return verdict;
}

/* Is each finding either counted as taken or named as refused? Else some may be in neither hand. */
static bool is_accounted_for(const struct item *items, size_t count, const struct fim_json *answer,
			     char **reason_ret)
{
	int64_t taken = fim_json_get_int(answer, "SuccessCount", 0);
	const char *code, *message;
	size_t refused = 0;

	for (size_t i = 0; i < count; i++)
		refused += fim_hub_refused(answer, items[i].id, &code, &message);
	if (taken >= 0 && (uint64_t)taken + refused >= count)
		return true;
	if (asprintf(reason_ret,
		     "Security Hub said of %zu findings only that %" PRId64
		     " were taken and %zu refused",
		     count, taken, refused) < 0)
		*reason_ret = NULL;
	return false;
}

/* Until it is taken, refused, or time is over. */
static int send_items(struct sender *sender, const struct item *items, size_t count)
{
	struct fim_hub_finding findings[FIM_HUB_FINDINGS_MAX];
	enum fim_hub_verdict verdict;
	struct fim_json *answer = NULL;
	char *body = NULL, *reason = NULL;
	size_t len = 0;
	int err;

	for (size_t i = 0; i < count; i++)
		findings[i] = (struct fim_hub_finding){items[i].text, items[i].len};
	err = fim_hub_body(findings, count, &body, &len);
	if (err)
		return err;
	for (unsigned int attempt = 1;; attempt++) {
		verdict = call(sender, body, len, &answer, &reason);
		if (verdict == FIM_HUB_TAKEN && !is_accounted_for(items, count, answer, &reason))
			verdict = FIM_HUB_LATER;
		if (verdict != FIM_HUB_LATER || !wait_before(sender, attempt))
			break;
		fim_json_free(answer);
		free(reason);
		answer = NULL;
		reason = NULL;
	}
	free(body);
	if (verdict == FIM_HUB_TAKEN) {
		err = settle(sender, items, count, answer);
	} else if (verdict == FIM_HUB_SPLIT && count > 1) {
		err = send_items(sender, items, count / 2);
		if (!err)
			err = send_items(sender, items + count / 2, count - count / 2);
	} else if (verdict == FIM_HUB_SPLIT) {
		err = hold(sender, items, "InvalidInput", reason);
	} else {
		set_problem(sender, reason);
		reason = NULL;
		err = -EAGAIN;
	}
	free(reason);
	fim_json_free(answer);
	return err;
}

static void items_clear(struct sender *sender)
{
	for (size_t i = 0; i < sender->count; i++) {
		free(sender->items[i].id);
		free(sender->items[i].text);
		fim_json_free(sender->items[i].finding);
	}
	sender->count = 0;
	sender->bytes = 0;
}

/* Everything up to the last record that was seen is dealt with after this. */
static int flush(struct sender *sender)
{
	int err = 0;

	if (sender->count) {
		err = send_items(sender, sender->items, sender->count);
		if (!err)
			cli_sleep_ms(BETWEEN_MS);
	}
	items_clear(sender);
	if (err == -ENOSPC) {
		free(sender->problem);
		sender->problem =
			strdup("Security Hub refused more findings than are kept: nothing "
			       "more is sent before they are looked after");
	}
	if (err)
		return err;
	set_members(sender);
	err = outbox_finish(&sender->outbox);
	if (!err)
		outbox_record(&sender->outbox);
	return err;
}

/* Takes over @finding. */
static int add(struct sender *sender, uint64_t seq, bool alert, struct fim_json *finding)
{
	struct item item = {.seq = seq, .alert = alert, .finding = finding};
	const char *id = fim_json_get_str(finding, "Id");
	int err = id ? fim_json_dump(finding, &item.text, &item.len) : -EINVAL;
	bool twice = false;

	item.id = id ? strdup(id) : NULL;
	if (!err && !item.id)
		err = -ENOMEM;
	/* Of the same finding twice in one call, one is refused. */
	for (size_t i = 0; i < sender->count && !err; i++)
		twice = twice || strcmp(sender->items[i].id, item.id) == 0;
	if (!err && (twice || sender->count == FIM_HUB_FINDINGS_MAX ||
		     sender->bytes + item.len + 64 > FIM_HUB_BYTES_MAX))
		err = flush(sender);
	if (err) {
		free(item.id);
		free(item.text);
		fim_json_free(item.finding);
		return err;
	}
	sender->items[sender->count++] = item;
	sender->bytes += item.len + 1;
	return 0;
}

/* -------------------------------------------------------------- the journal */

static int learn_line(void *ctx, const struct fim_line *line)
{
	struct sender *sender = ctx;

	return fim_host_learn_line(&sender->host, line);
}

static int another_journal(struct sender *sender)
{
	char *text;

	if (asprintf(&text,
		     "%s is another journal than the one that was sent up to record %" PRIu64
		     ": remove %s to send all of this one",
		     sender->options->path, sender->outbox.seq, sender->options->state) < 0)
		text = NULL;
	set_problem(sender, text);
	return -ESTALE;
}

static int send_line(void *ctx, const struct fim_line *line)
{
	struct sender *sender = ctx;
	struct outbox *outbox = &sender->outbox;
	struct fim_json *record = NULL, *finding = NULL;
	enum fim_severity severity;
	char digest[FIM_SHA256_HEX_SIZE];
	int err = outbox_is_news(outbox, line, digest);

	if (err == -ESTALE)
		return another_journal(sender);
	if (err <= 0)
		return err;
	err = 0;
	if (line->time_ns >= sender->options->from_ns || outbox->seq) {
		err = fim_json_parse(line->text, line->len, "record", &record);
		if (!err)
			err = fim_asff(&sender->host, record, digest, &finding);
		if (!err)
			err = add(sender, line->seq, fim_alert_of(record, &severity), finding);
		fim_json_free(record);
		if (err == -ENOMSG)
			err = 0;
	}
	if (!err)
		outbox_see(outbox, line, digest);
	return err;
}

/* What was refused, once in a run. */
static int send_held(struct sender *sender)
{
	struct fim_json *held = sender->held;
	size_t i = 0;
	int err = 0;

	if (!fim_json_count(held))
		return 0;
	sender->held = fim_json_array();
	sender->retried = held;
	for (; i < fim_json_count(held) && !err; i++) {
		const struct fim_json *one = fim_json_index(held, i);

		err = add(sender, (uint64_t)fim_json_get_int(one, "seq", 0),
			  fim_json_get_bool(one, "alert", false),
			  fim_json_ref(fim_json_get(one, "finding")));
	}
	/* The last call of them decides what is refused now. */
	sender->retried = NULL;
	if (!err)
		err = flush(sender);
	if (err) {
		fim_json_free(sender->held);
		sender->held = held;
		return err;
	}
	fim_json_free(held);
	return 0;
}

static void take_known(struct sender *sender)
{
	char before[sizeof(sender->host.host)];

	memcpy(before, sender->host.host, sizeof(before));
	sender->host = sender->options->host;
	if (!*sender->host.host)
		memcpy(sender->host.host, before, sizeof(before));
}

static int know_host(struct sender *sender)
{
	const char *region = getenv("AWS_REGION");
	struct fim_journal_check check = {0};
	int err;

	take_known(sender);
	if (!region || !*region)
		region = getenv("AWS_DEFAULT_REGION");
	if (!*sender->host.region && region && strlen(region) < sizeof(sender->host.region))
		strcpy(sender->host.region, region);
	/* The instance knows better than a task's label. */
	if (!*sender->host.account || !*sender->host.region || !*sender->host.host)
		fim_aws_host(&sender->host);
	err = fim_journal_scan(sender->options->path, learn_line, sender, &check);
	if (err < 0 && err != -EBADMSG)
		return err;
	if (!*sender->host.host)
		memcpy(sender->host.host, sender->host.hostname, sizeof(sender->host.host));
	if (*sender->host.account && *sender->host.region)
		return 0;
	set_problem(sender, strdup("account or region are not known: say --account and --region"));
	return -EDESTADDRREQ;
}

static int make_url(struct sender *sender)
{
	const char *region = sender->host.region;

	if (strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region)) {
		set_problem(sender, strdup("the region is none"));
		return -EINVAL;
	}
	if (asprintf(&sender->url, "%s%s%s%s/findings/import",
		     sender->options->url ? sender->options->url : "https://securityhub.",
		     sender->options->url ? "" : region,
		     sender->options->url ? "" : ".amazonaws.com",
		     !sender->options->url && !strncmp(region, "cn-", 3) ? ".cn" : "") < 0) {
		sender->url = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int send_all(struct sender *sender)
{
	struct fim_journal_query query = {
		.path = sender->options->path, .fn = send_line, .ctx = sender};
	struct fim_journal_check check = {0};
	int err;

	sender->deadline_ms = cli_now_ms() + (int64_t)sender->options->retry_s * 1000;
	err = know_host(sender);
	if (!err)
		err = make_url(sender);
	if (!err)
		err = send_held(sender);
	query.from_seq = sender->outbox.seq;
	if (!err)
		err = fim_journal_verify(&query, &check);
	if (!err && check.records && check.first_seq + check.records - 1 < sender->outbox.seq)
		err = another_journal(sender);
	/* What is good before a bad record is sent all the same. */
	if ((!err || err == -EBADMSG) && sender->outbox.seen_seq > sender->outbox.seq &&
	    flush(sender))
		err = err ? err : -EAGAIN;
	if (err == -EBADMSG)
		set_problem(sender, strdup("the journal is broken: what comes after is not sent"));
	else if (err && !sender->problem)
		set_problem(sender, strdup(strerror(-err)));
	return err;
}

/* ------------------------------------------------------------------ command */

static void put_result(const struct sender *sender)
{
	struct fim_json *json;

	if (!sender->options->json) {
		printf("%" PRIu64 " findings sent in %" PRIu64 " calls, %zu refused, up to record "
		       "%" PRIu64 "\n",
		       sender->sent, sender->calls, fim_json_count(sender->held),
		       sender->outbox.seq);
		return;
	}
	json = fim_json_object();
	fim_json_set_int(json, "sent", (int64_t)sender->sent);
	fim_json_set_int(json, "calls", (int64_t)sender->calls);
	fim_json_set_int(json, "refused", (int64_t)fim_json_count(sender->held));
	fim_json_set_int(json, "lost", (int64_t)sender->outbox.lost);
	fim_json_set_int(json, "seq", (int64_t)sender->outbox.seq);
	if (sender->problem)
		fim_json_set_bytes(json, "problem", sender->problem, strlen(sender->problem));
	cli_put_json(stdout, json);
}

static int run(struct options *options)
{
	struct fim_config *config = NULL;
	struct sender *sender = calloc(1, sizeof(*sender));
	uint64_t lost = 0;
	int err = sender ? 0 : -ENOMEM;

	if (!err)
		err = fim_config_load(options->config, &config);
	if (!err && !options->path)
		options->path = config->journal_dir;
	if (err) {
		free(sender);
		fim_config_free(config);
		return FIM_EXIT_ERROR;
	}
	sender->options = options;
	sender->outbox = (struct outbox){.state = options->state,
					 .format = "ecs-fim-send-asff",
					 .sink = SINK,
					 .config = config};
	err = open_state(sender);
	if (!err) {
		err = send_all(sender);
		lost = sender->outbox.lost;
		put_result(sender);
		outbox_tell_health(&sender->outbox, sender->problem, sender->sent);
	}
	if (sender->problem)
		cli_error("not everything is sent: %s", sender->problem);
	if (lost)
		cli_error("%" PRIu64 " records were removed from the journal before they were sent",
			  lost);
	err = err || sender->problem;
	items_clear(sender);
	fim_json_free(sender->held);
	outbox_close(&sender->outbox);
	free(sender->problem);
	free(sender->url);
	free(sender);
	fim_config_free(config);
	return err ? FIM_EXIT_ERROR : FIM_EXIT_CLEAN;
}

static int take_retry(const struct cli_option *option, const char *usage, const char *text)
{
	unsigned int *retry_s = option->ctx;
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (!*text || *end || seconds > 86400)
		return cli_usage_error(usage, "send-asff: --retry-for is 0 to 86400 seconds");
	*retry_s = (unsigned int)seconds;
	return FIM_EXIT_CLEAN;
}

static int take_url(const struct cli_option *option, const char *usage, const char *value)
{
	const char **url = option->ctx;

	if (!fim_aws_url_is_safe(value))
		return cli_usage_error(usage,
				       "send-asff: --endpoint-url: https, or http on this host");
	*url = value;
	return FIM_EXIT_CLEAN;
}

int cmd_send_asff(int argc, char **argv)
{
	struct options options = {.state = STATE_PATH, .retry_s = RETRY_S};
	const struct cli_option table[] = {
		{"account", .take = cli_take_account, .ctx = &options.host},
		{"region", .take = cli_take_region, .ctx = &options.host},
		{"host", .take = cli_take_host, .ctx = &options.host},
		{"from", .take = cli_take_time, .ctx = &options.from_ns},
		{"retry-for", .take = take_retry, .ctx = &options.retry_s},
		{"endpoint-url", .take = take_url, .ctx = &options.url},
		{"state", .text = &options.state},
		{"config", .text = &options.config},
		{"json", .flag = &options.json},
		{0},
	};
	int status;

	if (!cli_take_options(argc, argv, USAGE, help, table, &status))
		return status;
	if (argc - optind > 1)
		return cli_usage_error(USAGE, "send-asff: too many arguments");
	options.path = argv[optind];
	return run(&options);
}
