/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as findings of AWS Security Hub, in its format (ASFF 2018-10-08).  The limits of
 * lengths are those of the documentation: the service model does not have them, and the
 * service refuses a finding that breaks one.  Pure.
 *
 * A control that failed is a finding, too, and the same finding is archived when it works
 * again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

#define TITLE_MAX	256
#define DESCRIPTION_MAX 1024
#define GENERATOR_MAX	512
#define VALUE_MAX	1024 /* of ProductFields and Details: 2048 are allowed */
#define UID_SIZE	640

static const char *type_of(const struct fim_json *record)
{
	return fim_json_get_str(record, "type");
}

static bool is_control(const struct fim_json *record)
{
	return !strcmp(type_of(record), "control");
}

static bool is_wanted(const struct fim_exchange *exchange)
{
	const char *state = fim_json_get_str(exchange->record, "state");

	if (is_control(exchange->record))
		return fim_exchange_is_failure(exchange->record) ||
		       (state && !strcmp(state, "up") &&
			fim_json_get_str(exchange->record, "since"));
	return fim_alert_of(exchange->record, &(enum fim_severity){0});
}

static const char *partition_of(const char *region)
{
	if (!strncmp(region, "cn-", 3))
		return "aws-cn";
	return !strncmp(region, "us-gov-", 7) ? "aws-us-gov" : "aws";
}

static void set_time(struct fim_json *object, const char *key, int64_t time_ns)
{
	char text[FIM_TIME_SIZE];

	/* Milliseconds: "…:00.000000000Z" without the last six digits. */
	fim_time_format(time_ns, text);
	if (strlen(text) == sizeof("2026-11-22T09:41:00.000000000Z") - 1)
		memcpy(text + 23, "Z", 2);
	fim_json_set_str(object, key, text);
}

static struct fim_json *list_of(const char *first, const char *second)
{
	struct fim_json *list = fim_json_array();

	fim_json_append_str(list, first);
	if (second)
		fim_json_append_str(list, second);
	return list;
}

static struct fim_json *severity_json(const struct fim_exchange *exchange)
{
	static const char *const labels[] = {"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
	struct fim_json *object = fim_json_object();
	bool over = is_control(exchange->record) && !fim_exchange_is_failure(exchange->record);

	fim_json_set_str(object, "Label", labels[over ? FIM_SEVERITY_INFO : exchange->severity]);
	fim_json_set_str(object, "Original", fim_severity_name(exchange->severity));
	return object;
}

static struct fim_json *types_json(const struct fim_exchange *exchange)
{
	const char *type = type_of(exchange->record);

	if (!strcmp(type, "container"))
		return list_of("Software and Configuration Checks/Industry and Regulatory "
			       "Standards/CIS Docker Benchmark",
			       NULL);
	return list_of(!strcmp(type, "access") ? "Unusual Behaviors/Container"
		       : is_control(exchange->record)
			       ? "Software and Configuration Checks/Monitoring"
			       : "Unusual Behaviors/VM",
		       "Software and Configuration Checks/Industry and Regulatory "
		       "Standards/PCI-DSS");
}

/* ---------------------------------------------------------------- resources */

static struct fim_json *resource(const struct fim_exchange *exchange, const char *type)
{
	const char *region = exchange->origin->region;
	struct fim_json *object = fim_json_object();

	fim_json_set_str(object, "Type", type);
	fim_json_set_str(object, "Partition", partition_of(region));
	fim_json_set_str(object, "Region", region);
	return object;
}

static void set_details(struct fim_json *resource_json, const char *key, struct fim_json *value)
{
	struct fim_json *details;

	if (!fim_json_count(value)) {
		fim_json_free(value);
		return;
	}
	details = fim_json_object();
	fim_json_set(details, key, value);
	fim_json_set(resource_json, "Details", details);
}

static struct fim_json *host_json(const struct fim_exchange *exchange)
{
	const struct fim_host *origin = exchange->origin;
	bool ec2 = !strncmp(origin->host, "i-", 2);
	struct fim_json *object = resource(exchange, ec2 ? "AwsEc2Instance" : "Other");
	struct fim_json *other = fim_json_object();
	char id[512];

	if (ec2)
		snprintf(id, sizeof(id), "arn:%s:ec2:%s:%s:instance/%s",
			 partition_of(origin->region), origin->region, origin->account,
			 origin->host);
	else
		snprintf(id, sizeof(id), "%s",
			 *origin->host	     ? origin->host
			 : *origin->hostname ? origin->hostname
					     : "unknown");
	fim_json_set_str(object, "Id", id);
	fim_exchange_put_str(other, "Hostname", origin->hostname, VALUE_MAX);
	fim_exchange_put_str(other, "Kernel", origin->kernel, VALUE_MAX);
	fim_exchange_put(other, "Path", exchange->record, "path", VALUE_MAX);
	set_details(object, "Other", other);
	return object;
}

static struct fim_json *container_json(const struct fim_exchange *exchange)
{
	const struct fim_json *container = exchange->container;
	struct fim_json *object = resource(exchange, "Container"), *details = fim_json_object();

	fim_exchange_put(object, "Id", container, "id", 512);
	fim_exchange_put(details, "Name", container, "name", 128);
	fim_exchange_put(details, "ImageId", container, "image_id", 512);
	fim_exchange_put(details, "ImageName", container, "image", 512);
	if (fim_json_get(container, "privileged"))
		fim_json_set_bool(details, "Privileged",
				  fim_json_get_bool(container, "privileged", false));
	set_details(object, "Container", details);
	return object;
}

static struct fim_json *task_json(const struct fim_exchange *exchange)
{
	const struct fim_json *container = exchange->container;
	struct fim_json *object = resource(exchange, "AwsEcsTask"), *details = fim_json_object();
	char *family = fim_exchange_text(container, "family", 255);
	char group[300];

	fim_exchange_put(object, "Id", container, "task_arn", 512);
	fim_exchange_put(details, "ClusterArn", container, "cluster_arn", 512);
	if (family) {
		snprintf(group, sizeof(group), "family:%s", family);
		fim_json_set_str(details, "Group", group);
	}
	set_details(object, "AwsEcsTask", details);
	free(family);
	return object;
}

static struct fim_json *resources(const struct fim_exchange *exchange)
{
	struct fim_json *list = fim_json_array();
	char *id = fim_exchange_text(exchange->container, "id", 512);
	char *task = fim_exchange_text(exchange->container, "task_arn", 512);

	fim_json_append(list, host_json(exchange));
	if (id)
		fim_json_append(list, container_json(exchange));
	if (task)
		fim_json_append(list, task_json(exchange));
	free(id);
	free(task);
	return list;
}

/* ------------------------------------------------------------------- fields */

static struct fim_json *product_fields(const struct fim_exchange *exchange)
{
	static const char *const texts[][2] = {
		{"kind", "ecs-fim/kind"},
		{"path", "ecs-fim/path"},
		{"old_path", "ecs-fim/old_path"},
		{"category", "ecs-fim/category"},
		{"scope", "ecs-fim/scope"},
		{"detected_by", "ecs-fim/detected_by"},
		{"rule", "ecs-fim/rule"},
		{"component", "ecs-fim/component"},
		{"cause", "ecs-fim/cause"},
		{"action", "ecs-fim/action"},
		{"session_id", "ecs-fim/session_id"},
	};
	const struct fim_json *record = exchange->record;
	const struct fim_json *actor = fim_json_get(record, "actor");
	struct fim_json *fields = fim_json_object();

	fim_exchange_put_number(fields, "ecs-fim/journal_seq", record, "seq");
	fim_json_set_str(fields, "ecs-fim/journal_sha256", exchange->digest);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		fim_exchange_put(fields, texts[i][1], record, texts[i][0], VALUE_MAX);
	fim_exchange_put(fields, "ecs-fim/before_sha256", fim_json_get(record, "before"), "sha256",
			 VALUE_MAX);
	fim_exchange_put(fields, "ecs-fim/after_sha256", fim_json_get(record, "after"), "sha256",
			 VALUE_MAX);
	fim_exchange_put(fields, "ecs-fim/before_mode", fim_json_get(record, "before"), "mode",
			 VALUE_MAX);
	fim_exchange_put(fields, "ecs-fim/after_mode", fim_json_get(record, "after"), "mode",
			 VALUE_MAX);
	fim_exchange_put(fields, "ecs-fim/user", actor, "user", VALUE_MAX);
	fim_exchange_put(fields, "ecs-fim/login_user", actor, "login_user", VALUE_MAX);
	fim_exchange_put_number(fields, "ecs-fim/uid", actor, "uid");
	return fields;
}

static void set_process(const struct fim_exchange *exchange, struct fim_json *finding)
{
	const struct fim_json *actor = fim_json_get(exchange->record, "actor");
	struct fim_json *process;

	if (!fim_json_is_object(actor) || fim_json_get_int(actor, "pid", 0) <= 0)
		return;
	process = fim_json_object();
	fim_exchange_put(process, "Name", actor, "comm", 64);
	fim_exchange_put(process, "Path", actor, "exe", 512);
	fim_json_set_int(process, "Pid", fim_json_get_int(actor, "pid", 0));
	if (fim_json_get_int(actor, "ppid", 0) > 0)
		fim_json_set_int(process, "ParentPid", fim_json_get_int(actor, "ppid", 0));
	fim_json_set(finding, "Process", process);
}

static struct fim_json *compliance(const struct fim_exchange *exchange)
{
	struct fim_json *object = fim_json_object(), *related = fim_json_array();
	const struct fim_json *flags = fim_json_get(exchange->container, "flags");
	bool over = is_control(exchange->record) && !fim_exchange_is_failure(exchange->record);
	char *id, text[64];

	fim_json_set_str(object, "Status", over ? "PASSED" : "FAILED");
	if (is_control(exchange->record))
		fim_json_append_str(related, "PCI DSS v4.0.1/10.7.2");
	else if (strcmp(type_of(exchange->record), "container") != 0)
		fim_json_append_str(related, "PCI DSS v4.0.1/11.5.2");
	else
		for (size_t i = 0; i < fim_json_count(flags) && fim_json_count(related) < 32; i++) {
			id = fim_exchange_text(fim_json_index(flags, i), "cis", 16);
			snprintf(text, sizeof(text), "CIS Docker Benchmark 1.6.0/%s", id ? id : "");
			if (id)
				fim_json_append_str(related, text);
			free(id);
		}
	if (fim_json_count(related))
		fim_json_set(object, "RelatedRequirements", related);
	else
		fim_json_free(related);
	return object;
}

static void set_names(const struct fim_exchange *exchange, struct fim_json *finding)
{
	const struct fim_host *origin = exchange->origin;
	const char *type = type_of(exchange->record);
	const char *kind = fim_json_get_str(exchange->record, "kind");
	char *what, *rule, *title = fim_exchange_title(exchange), *text = NULL;
	char uid[UID_SIZE], arn[200], generator[GENERATOR_MAX + 1];

	fim_exchange_uid(exchange, uid, sizeof(uid));
	fim_exchange_put_str(finding, "Id", uid, 512);
	snprintf(arn, sizeof(arn), "arn:%s:securityhub:%s:%s:product/%s/default",
		 partition_of(origin->region), origin->region, origin->account, origin->account);
	fim_json_set_str(finding, "ProductArn", arn);
	rule = fim_exchange_text(exchange->record, "rule", 400);
	what = fim_exchange_text(exchange->record,
				 is_control(exchange->record) ? "component"
				 : kind			      ? "kind"
							      : "action",
				 64);
	snprintf(generator, sizeof(generator), "ecs-fim/%s%s%s", type, rule || what ? "/" : "",
		 rule	? rule
		 : what ? what
			: "");
	fim_exchange_put_str(finding, "GeneratorId", generator, GENERATOR_MAX);
	fim_exchange_put_str(finding, "Title", title ? title : "finding", TITLE_MAX);
	if (asprintf(&text, "%s (severity %s, host %s, journal record %" PRId64 ")",
		     title ? title : "finding", fim_severity_name(exchange->severity),
		     *origin->hostname ? origin->hostname : "unknown",
		     fim_json_get_int(exchange->record, "seq", 0)) < 0)
		text = NULL;
	fim_exchange_put_str(finding, "Description", text ? text : "finding", DESCRIPTION_MAX);
	free(rule);
	free(what);
	free(title);
	free(text);
}

int fim_asff(const struct fim_host *origin, const struct fim_json *record, const char *digest,
	     struct fim_json **finding_ret)
{
	struct fim_json *finding, *provider;
	struct fim_exchange exchange;
	bool over;

	if (fim_exchange_init(&exchange, origin, record, digest) || !is_wanted(&exchange))
		return -ENOMSG;
	if (!*origin->account || !*origin->region)
		return -EDESTADDRREQ;
	finding = fim_json_object();
	fim_json_set_str(finding, "SchemaVersion", "2018-10-08");
	set_names(&exchange, finding);
	fim_json_set_str(finding, "AwsAccountId", origin->account);
	fim_json_set_str(finding, "CompanyName", "ecs-fim");
	fim_json_set_str(finding, "ProductName", "ecs-fim");
	set_time(finding, "CreatedAt", exchange.time_ns);
	set_time(finding, "UpdatedAt", exchange.logged_ns);
	fim_json_set(finding, "Severity", severity_json(&exchange));
	fim_json_set(finding, "Types", types_json(&exchange));
	provider = fim_json_object();
	fim_json_set(provider, "Severity", severity_json(&exchange));
	fim_json_set(provider, "Types", types_json(&exchange));
	fim_json_set(finding, "FindingProviderFields", provider);
	fim_json_set(finding, "Resources", resources(&exchange));
	fim_json_set(finding, "ProductFields", product_fields(&exchange));
	fim_json_set(finding, "Compliance", compliance(&exchange));
	set_process(&exchange, finding);
	over = is_control(record) && !fim_exchange_is_failure(record);
	fim_json_set_str(finding, "RecordState", over ? "ARCHIVED" : "ACTIVE");
	*finding_ret = finding;
	return 0;
}
