/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what a hit of a rule looks like as a finding of the journal. */
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

enum fim_severity fim_rules_severity(enum fim_rules_priority priority)
{
	switch (priority) {
	case FIM_RULES_EMERGENCY:
	case FIM_RULES_ALERT:
	case FIM_RULES_CRITICAL:
		return FIM_SEVERITY_CRITICAL;
	case FIM_RULES_ERROR:
		return FIM_SEVERITY_HIGH;
	case FIM_RULES_WARNING:
		return FIM_SEVERITY_MEDIUM;
	case FIM_RULES_NOTICE:
		return FIM_SEVERITY_LOW;
	default:
		return FIM_SEVERITY_INFO;
	}
}

static int add_member(void *ctx, const char *key, struct fim_json *value)
{
	if (strcmp(key, "time") != 0)
		fim_json_set(ctx, key, fim_json_ref(value));
	return 0;
}

struct fim_json *fim_rules_finding(struct fim_rules_event *event, const struct fim_rules_rule *rule,
				   int64_t time_ns)
{
	struct fim_json *hit = fim_rules_hit_to_json(event, rule, time_ns), *body;
	char time[FIM_TIME_SIZE];

	if (!hit)
		return NULL;
	body = fim_json_object();
	fim_time_format(time_ns, time);
	fim_json_set_str(body, "kind", "rule");
	fim_json_set_str(body, "severity", fim_severity_name(fim_rules_severity(rule->priority)));
	fim_json_set_str(body, "event_time", time);
	fim_json_each(hit, add_member, body);
	fim_json_free(hit);
	return body;
}

/* -------------------------------------------------------------- CloudTrail */

/* The first of the places where a record may have it that does. */
static void set_first(struct fim_json *json, const char *key, const struct fim_json *record,
		      const char *const *places)
{
	for (; *places; places++) {
		const char *text = fim_json_str(fim_json_at(record, *places));

		if (text && *text) {
			fim_json_set_str(json, key, text);
			return;
		}
	}
}

static void set_mfa(struct fim_json *json, const struct fim_json *record)
{
	static const char *const places[] = {
		"userIdentity/sessionContext/attributes/mfaAuthenticated",
		"additionalEventData/MFAUsed",
	};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const char *text = fim_json_str(fim_json_at(record, places[i]));

		if (text)
			fim_json_set_bool(json, "mfa",
					  !strcmp(text, "true") || !strcmp(text, "Yes"));
	}
}

struct fim_json *fim_rules_cloudtrail_summary(const char *text, size_t len)
{
	static const struct {
		const char *key;
		const char *places[5];
	} members[] = {
		{"event_name", {"eventName"}},
		{"event_source", {"eventSource"}},
		{"region", {"awsRegion"}},
		{"account", {"recipientAccountId", "userIdentity/accountId"}},
		{"source_ip", {"sourceIPAddress"}},
		{"error", {"errorCode"}},
		{"user_type", {"userIdentity/type"}},
		{"user_name",
		 {"userIdentity/userName", "userIdentity/sessionContext/sessionIssuer/userName",
		  "userIdentity/invokedBy"}},
		{"user_arn", {"userIdentity/arn"}},
		{"principal", {"userIdentity/principalId"}},
		{"cluster",
		 {"responseElements/clusterArn", "responseElements/cluster/clusterArn",
		  "requestParameters/cluster", "requestParameters/clusterName"}},
		{"task",
		 {"responseElements/taskArn", "responseElements/task/taskArn",
		  "requestParameters/task"}},
		{"session", {"responseElements/session/sessionId"}},
		{"resource", {"requestParameters/name", "requestParameters/taskDefinition"}},
	};
	struct fim_json *record = NULL, *json;
	size_t i;

	if (fim_json_parse(text, len, NULL, &record))
		return NULL;
	json = fim_json_object();
	for (i = 0; i < sizeof(members) / sizeof(*members); i++)
		set_first(json, members[i].key, record, members[i].places);
	set_mfa(json, record);
	fim_json_free(record);
	return json;
}

struct fim_json *fim_rules_cloudtrail_finding(struct fim_rules_event *event,
					      const struct fim_rules_rule *rule, int64_t time_ns,
					      const char *text, size_t len)
{
	struct fim_json *body = fim_rules_finding(event, rule, time_ns), *summary;
	struct fim_str id = {NULL, 0};
	uint32_t token;

	if (!body)
		return NULL;
	fim_json_set_str(body, "scope", "account");
	fim_json_set_str(body, "detected_by", "cloudtrail");
	token = fim_scan_find(event->scan, (struct fim_str){"eventID", 7});
	if (token != UINT32_MAX && fim_scan_plain(event->scan, token, &id))
		fim_json_set_bytes(body, "event_id", id.bytes, id.len);
	summary = fim_rules_cloudtrail_summary(text, len);
	if (summary)
		fim_json_set(body, "cloudtrail", summary);
	return body;
}
