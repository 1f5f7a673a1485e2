/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what fields mean in a CloudTrail record.  A record is scanned once; a field is
 * looked for when the first rule asks for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

/* One field: a path into the record, or something that is worked out. */
struct fim_ct_field {
	const char *name;
	const char *path;
	bool (*get)(struct fim_rules_event *event, const struct fim_ct_field *field,
		    struct fim_cell *cell);
};

/* ---------------------------------------------------------------- looking */

static uint32_t find(const struct fim_rules_event *event, const char *path)
{
	return fim_scan_find(event->scan, (struct fim_str){path, strlen(path)});
}

/* Any value: strings decoded, the rest as in the record without blanks. */
static bool set_token(struct fim_rules_event *event, uint32_t token, struct fim_cell *cell)
{
	struct fim_str text;

	if (token == UINT32_MAX)
		return false;
	if (fim_scan_plain(event->scan, token, &text)) {
		fim_cell_set(event, cell, text);
		return true;
	}
	event->scratch.len = 0;
	fim_scan_write(event->scan, token, &event->scratch);
	return fim_event_set_scratch(event, cell);
}

static bool set_word(struct fim_rules_event *event, const char *word, struct fim_cell *cell)
{
	fim_cell_set(event, cell, (struct fim_str){word, strlen(word)});
	return true;
}

static bool is_string(const struct fim_rules_event *event, uint32_t token)
{
	return token != UINT32_MAX && event->scan->tokens[token].kind == FIM_TOKEN_STRING;
}

static bool token_is(const struct fim_rules_event *event, uint32_t token, const char *text)
{
	struct fim_str plain;

	return token != UINT32_MAX && fim_scan_plain(event->scan, token, &plain) &&
	       fim_str_is(plain, text);
}

static bool set_string(struct fim_rules_event *event, const char *path, struct fim_cell *cell)
{
	uint32_t token = find(event, path);

	return is_string(event, token) && set_token(event, token, cell);
}

/* The string at @path, valid until the next reset; false: there is none. */
static bool get_string(struct fim_rules_event *event, const char *path, struct fim_str *text_ret)
{
	struct fim_cell cell;

	if (!set_string(event, path, &cell))
		return false;
	*text_ret = cell.value.text;
	return true;
}

/* ----------------------------------------------------------- kinds of fields */

static bool get_path(struct fim_rules_event *event, const struct fim_ct_field *field,
		     struct fim_cell *cell)
{
	return set_string(event, field->path, cell);
}

static bool get_value(struct fim_rules_event *event, const struct fim_ct_field *field,
		      struct fim_cell *cell)
{
	uint32_t token = find(event, field->path);

	return !token_is(event, token, "null") && set_token(event, token, cell);
}

static bool get_flag(struct fim_rules_event *event, const struct fim_ct_field *field,
		     struct fim_cell *cell)
{
	uint32_t token = find(event, field->path);

	return token != UINT32_MAX &&
	       set_word(event, token_is(event, token, "true") ? "true" : "false", cell);
}

/* Older records do not say: then the verb tells. */
static bool get_readonly(struct fim_rules_event *event, const struct fim_ct_field *field,
			 struct fim_cell *cell)
{
	static const char *const writes[] = {
		"Start",    "Stop",	  "Create",   "Destroy",   "Delete",	   "Add",
		"Remove",   "Terminate",  "Put",      "Associate", "Disassociate", "Attach",
		"Detach",   "Open",	  "Close",    "Wipe",	   "Update",	   "Upgrade",
		"Unlink",   "Assign",	  "Unassign", "Suspend",   "Set",	   "Run",
		"Register", "Deregister", "Reboot",   "Purchase",  "Modify",	   "Initialize",
		"Enable",   "Disable",	  "Cancel",   "Admin",	   "Activate",
	};
	struct fim_str name;
	size_t i;

	if (get_flag(event, field, cell))
		return true;
	if (!get_string(event, "eventName", &name))
		return false;
	for (i = 0; i < sizeof(writes) / sizeof(*writes); i++)
		if (name.len >= strlen(writes[i]) &&
		    !memcmp(name.bytes, writes[i], strlen(writes[i])))
			return set_word(event, "false", cell);
	return set_word(event, "true", cell);
}

static bool get_shortsrc(struct fim_rules_event *event, const struct fim_ct_field *field,
			 struct fim_cell *cell)
{
	static const char trailer[] = ".amazonaws.com";
	size_t len = sizeof(trailer) - 1;
	struct fim_str *text = &cell->value.text;

	if (!set_string(event, field->path, cell))
		return false;
	if (text->len > len && !memcmp(text->bytes + text->len - len, trailer, len))
		text->len -= len;
	return true;
}

static bool get_user(struct fim_rules_event *event, const struct fim_ct_field *field,
		     struct fim_cell *cell)
{
	uint32_t type = find(event, "userIdentity/type");

	(void)field;
	if (token_is(event, type, "Root") || token_is(event, type, "IAMUser"))
		return set_string(event, "userIdentity/userName", cell);
	if (token_is(event, type, "AWSService"))
		return set_string(event, "userIdentity/invokedBy", cell);
	if (token_is(event, type, "AssumedRole"))
		return set_string(event, "userIdentity/sessionContext/sessionIssuer/userName",
				  cell) ||
		       set_word(event, "AssumedRole", cell);
	if (token_is(event, type, "AWSAccount") || token_is(event, type, "FederatedUser"))
		return set_token(event, type, cell);
	return false;
}

/* The objects of an array, without its brackets. */
static bool get_resources(struct fim_rules_event *event, const struct fim_ct_field *field,
			  struct fim_cell *cell)
{
	uint32_t token = find(event, field->path), at, end;

	if (token == UINT32_MAX || event->scan->tokens[token].kind != FIM_TOKEN_ARRAY)
		return false;
	end = event->scan->tokens[token].next;
	event->scratch.len = 0;
	for (at = token + 1; at < end; at = event->scan->tokens[at].next) {
		if (event->scratch.len)
			fim_text_adds(&event->scratch, ",");
		fim_scan_write(event->scan, at, &event->scratch);
	}
	return event->scratch.len && fim_event_set_scratch(event, cell);
}

/* -------------------------------------------------------------------- S3 */

static bool get_uri(struct fim_rules_event *event, const struct fim_ct_field *field,
		    struct fim_cell *cell)
{
	struct fim_str bucket, key;

	(void)field;
	if (!get_string(event, "requestParameters/bucketName", &bucket) ||
	    !get_string(event, "requestParameters/key", &key))
		return false;
	event->scratch.len = 0;
	fim_text_adds(&event->scratch, "s3://");
	fim_text_add(&event->scratch, bucket.bytes, bucket.len);
	fim_text_adds(&event->scratch, "/");
	fim_text_add(&event->scratch, key.bytes, key.len);
	return fim_event_set_scratch(event, cell);
}

/* Counts come as 33 and as 33.0; false: there is none. */
static bool read_bytes(struct fim_rules_event *event, const char *path, uint64_t *bytes)
{
	uint32_t token = find(event, path);
	struct fim_str text;
	char digits[64];
	double value;

	if (token == UINT32_MAX)
		return false;
	if (event->scan->tokens[token].kind != FIM_TOKEN_OTHER ||
	    !fim_scan_plain(event->scan, token, &text) || text.len >= sizeof(digits))
		return true;
	memcpy(digits, text.bytes, text.len);
	digits[text.len] = '\0';
	value = strtod(digits, NULL);
	if (strspn(digits, "0123456789") == text.len)
		*bytes += strtoull(digits, NULL, 10);
	else if (value > 0 && value < 1e19)
		*bytes += (uint64_t)value;
	return true;
}

static bool set_number(struct fim_rules_event *event, uint64_t number, struct fim_cell *cell)
{
	event->scratch.len = 0;
	fim_text_addf(&event->scratch, "%llu", (unsigned long long)number);
	return fim_event_set_scratch(event, cell);
}

static bool get_bytes(struct fim_rules_event *event, const struct fim_ct_field *field,
		      struct fim_cell *cell)
{
	uint64_t bytes = 0;

	return read_bytes(event, field->path, &bytes) && set_number(event, bytes, cell);
}

static bool get_all_bytes(struct fim_rules_event *event, const struct fim_ct_field *field,
			  struct fim_cell *cell)
{
	uint64_t bytes = 0;
	bool in = read_bytes(event, "additionalEventData/bytesTransferredIn", &bytes);
	bool out = read_bytes(event, "additionalEventData/bytesTransferredOut", &bytes);

	(void)field;
	return (in || out) && set_number(event, bytes, cell);
}

/* 1 for the operation that @path names; of the others the count does not exist. */
static bool get_count(struct fim_rules_event *event, const struct fim_ct_field *field,
		      struct fim_cell *cell)
{
	return token_is(event, find(event, "eventName"), field->path) && set_word(event, "1", cell);
}

static bool get_other_count(struct fim_rules_event *event, const struct fim_ct_field *field,
			    struct fim_cell *cell)
{
	uint32_t name = find(event, "eventName");

	(void)field;
	return !token_is(event, name, "GetObject") && !token_is(event, name, "PutObject") &&
	       set_word(event, "1", cell);
}

/* ------------------------------------------------------------------- EC2 */

/* The tag "Name" that instances get. */
static bool get_instance(struct fim_rules_event *event, const struct fim_ct_field *field,
			 struct fim_cell *cell)
{
	const struct fim_scan *scan = event->scan;
	uint32_t items = find(event, field->path), at, tag;
	bool found = false;

	if (items == UINT32_MAX || scan->tokens[items].kind != FIM_TOKEN_ARRAY)
		return false;
	for (at = items + 1; at < scan->tokens[items].next; at = scan->tokens[at].next) {
		uint32_t tags = fim_scan_member(scan, at, (struct fim_str){"tags", 4});

		if (!token_is(event,
			      fim_scan_member(scan, at, (struct fim_str){"resourceType", 12}),
			      "instance") ||
		    tags == UINT32_MAX || scan->tokens[tags].kind != FIM_TOKEN_ARRAY)
			continue;
		for (tag = tags + 1; tag < scan->tokens[tags].next; tag = scan->tokens[tag].next) {
			uint32_t value = fim_scan_member(scan, tag, (struct fim_str){"value", 5});

			if (!token_is(event, fim_scan_member(scan, tag, (struct fim_str){"key", 3}),
				      "Name"))
				continue;
			found = is_string(event, value) && scan->tokens[value].len &&
				set_token(event, value, cell);
			break;
		}
	}
	return found;
}

static bool get_images(struct fim_rules_event *event, const struct fim_ct_field *field,
		       struct fim_cell *cell)
{
	const struct fim_scan *scan = event->scan;
	uint32_t items = find(event, field->path), at;
	struct fim_value *list;
	size_t count = 0;

	if (items == UINT32_MAX || scan->tokens[items].kind != FIM_TOKEN_ARRAY)
		return false;
	for (at = items + 1; at < scan->tokens[items].next; at = scan->tokens[at].next)
		count++;
	list = fim_event_alloc(event, (count + 1) * sizeof(*list));
	if (!list)
		return false;
	count = 0;
	for (at = items + 1; at < scan->tokens[items].next; at = scan->tokens[at].next) {
		uint32_t id = fim_scan_member(scan, at, (struct fim_str){"imageId", 7});

		if (!is_string(event, id) || !set_token(event, id, cell))
			continue;
		list[count++] = (struct fim_value){.text = cell->value.text};
	}
	fim_cell_set(event, cell, (struct fim_str){"", 0});
	cell->list = list;
	cell->count = count;
	return count;
}

/* --------------------------------------------------------------- summary */

static void add_part(struct fim_rules_event *event, const char *name, const char *path,
		     struct fim_text *out)
{
	struct fim_str text;

	if (!get_string(event, path, &text))
		return;
	fim_text_addf(out, " %s=", name);
	fim_text_add(out, text.bytes, text.len);
}

static void add_subject(struct fim_rules_event *event, struct fim_text *out)
{
	struct fim_cell cell;
	uint64_t bytes = 0;
	bool sized = read_bytes(event, "additionalEventData/bytesTransferredIn", &bytes);

	sized |= read_bytes(event, "additionalEventData/bytesTransferredOut", &bytes);
	if (sized)
		fim_text_addf(out, " Size=%llu", (unsigned long long)bytes);
	if (get_uri(event, NULL, &cell)) {
		fim_text_adds(out, " URI=");
		fim_text_add(out, cell.value.text.bytes, cell.value.text.len);
	} else if (is_string(event, find(event, "requestParameters/bucketName"))) {
		add_part(event, "Bucket", "requestParameters/bucketName", out);
	} else if (is_string(event, find(event, "requestParameters/key"))) {
		add_part(event, "Key", "requestParameters/key", out);
	} else {
		add_part(event, "Host", "requestParameters/Host", out);
	}
}

/* Who, from where, failed or not, reading or writing, what. */
static bool get_info(struct fim_rules_event *event, const struct fim_ct_field *field,
		     struct fim_cell *cell)
{
	static const struct fim_ct_field readonly = {"ct.readonly", "readOnly", get_readonly};
	struct fim_cell user, word;
	struct fim_text out = {0};
	struct fim_str ip, name;
	bool writes;

	(void)field;
	if (!get_user(event, NULL, &user))
		return set_word(event, "<invalid cloudtrail event: userIdentity field missing>",
				cell);
	if (!get_string(event, "sourceIPAddress", &ip))
		return set_word(event, "<invalid cloudtrail event: eventSource field missing>",
				cell);
	if (!get_string(event, "eventName", &name))
		return set_word(event, "<invalid cloudtrail event: eventName field missing>", cell);
	writes = get_readonly(event, &readonly, &word) && fim_str_is(word.value.text, "false");
	fim_text_add(&out, user.value.text.bytes, user.value.text.len);
	if (fim_str_cmp(user.value.text, ip)) {
		fim_text_adds(&out, " via ");
		fim_text_add(&out, ip.bytes, ip.len);
	}
	fim_text_addf(&out, " %s%s ", is_string(event, find(event, "errorCode")) ? "!" : "",
		      writes ? "\xe2\x86\x92" : "\xe2\x86\x90");
	fim_text_add(&out, name.bytes, name.len);
	add_subject(event, &out);
	event->scratch.len = 0;
	fim_text_add(&event->scratch, out.bytes, out.len);
	fim_text_free(&out);
	return fim_event_set_scratch(event, cell);
}

/* ------------------------------------------------------------------ table */

#define REQUEST	 "requestParameters/"
#define RESPONSE "responseElements/"
#define TLS	 "tlsDetails/"

/*
 * Sorted by name.  ct.request.documentname is never found by the engine's own plugin, an
 * error that nobody can rely on; ec2.imageid is looked for where it is.
 */
/* clang-format off */
static const struct fim_ct_field fields[] = {
	{ "ct.addendum.originaleventid", "addendum/originalEventID", get_path },
	{ "ct.addendum.originalrequestid", "addendum/originalRequestID", get_path },
	{ "ct.addendum.reason", "addendum/reason", get_path },
	{ "ct.addendum.updatedfields", "addendum/updatedFields", get_path },
	{ "ct.additionaleventdata", "additionalEventData", get_value },
	{ "ct.apiversion", "apiVersion", get_path },
	{ "ct.edgedevicedetails", "edgeDeviceDetails", get_value },
	{ "ct.error", "errorCode", get_path },
	{ "ct.errormessage", "errorMessage", get_path },
	{ "ct.eventcategory", "eventCategory", get_path },
	{ "ct.eventtype", "eventType", get_path },
	{ "ct.id", "eventID", get_path },
	{ "ct.info", NULL, get_info },
	{ "ct.managementevent", "managementEvent", get_flag },
	{ "ct.name", "eventName", get_path },
	{ "ct.originaluser", "userIdentity/sessionContext/sourceIdentity", get_path },
	{ "ct.readonly", "readOnly", get_readonly },
	{ "ct.recipientaccountid", "recipientAccountId", get_path },
	{ "ct.region", "awsRegion", get_path },
	{ "ct.request", "requestParameters", get_value },
	{ "ct.request.availabilityzone", REQUEST "availabilityZone", get_path },
	{ "ct.request.cluster", REQUEST "cluster", get_path },
	{ "ct.request.documentname", REQUEST "documentName", get_path },
	{ "ct.request.functionname", REQUEST "functionName", get_path },
	{ "ct.request.groupname", REQUEST "groupName", get_path },
	{ "ct.request.host", REQUEST "Host", get_path },
	{ "ct.request.name", REQUEST "name", get_path },
	{ "ct.request.policy", REQUEST "policy", get_path },
	{ "ct.request.reason", REQUEST "reason", get_path },
	{ "ct.request.serialnumber", REQUEST "serialNumber", get_path },
	{ "ct.request.servicename", REQUEST "serviceName", get_path },
	{ "ct.request.subnetid", REQUEST "subnetId", get_path },
	{ "ct.request.target", REQUEST "target", get_path },
	{ "ct.request.taskdefinition", REQUEST "taskDefinition", get_path },
	{ "ct.request.username", REQUEST "userName", get_path },
	{ "ct.requestid", "requestID", get_path },
	{ "ct.resources", "resources", get_resources },
	{ "ct.response", "responseElements", get_value },
	{ "ct.response.reservationid", RESPONSE "reservationId", get_path },
	{ "ct.response.subnetid", RESPONSE "subnetId", get_path },
	{ "ct.serviceeventdetails", "serviceEventDetails", get_value },
	{ "ct.sessioncredentialfromconsole", "sessionCredentialFromConsole", get_flag },
	{ "ct.sharedeventid", "sharedEventID", get_path },
	{ "ct.shortsrc", "eventSource", get_shortsrc },
	{ "ct.src", "eventSource", get_path },
	{ "ct.srcip", "sourceIPAddress", get_path },
	{ "ct.time", "eventTime", get_path },
	{ "ct.tlsdetails.ciphersuite", TLS "cipherSuite", get_path },
	{ "ct.tlsdetails.clientprovidedhostheader", TLS "clientProvidedHostHeader", get_path },
	{ "ct.tlsdetails.tlsversion", TLS "tlsVersion", get_path },
	{ "ct.user", NULL, get_user },
	{ "ct.user.accountid", "userIdentity/accountId", get_path },
	{ "ct.user.arn", "userIdentity/arn", get_path },
	{ "ct.user.identitytype", "userIdentity/type", get_path },
	{ "ct.user.principalid", "userIdentity/principalId", get_path },
	{ "ct.useragent", "userAgent", get_path },
	{ "ct.vpcendpointid", "vpcEndpointId", get_path },
	{ "ec2.imageid", "responseElements/instancesSet/items/0/imageId", get_path },
	{ "ec2.imageids", "responseElements/instancesSet/items", get_images },
	{ "ec2.name", REQUEST "tagSpecificationSet/items", get_instance },
	{ "ecr.image.tag", REQUEST "imageTag", get_path },
	{ "ecr.imagetag", REQUEST "imageTag", get_path },
	{ "ecr.repository", REQUEST "repositoryName", get_path },
	{ "iam.policy", REQUEST "policyName", get_path },
	{ "iam.role", REQUEST "roleName", get_path },
	{ "s3.bucket", REQUEST "bucketName", get_path },
	{ "s3.bytes", NULL, get_all_bytes },
	{ "s3.bytes.in", "additionalEventData/bytesTransferredIn", get_bytes },
	{ "s3.bytes.out", "additionalEventData/bytesTransferredOut", get_bytes },
	{ "s3.cnt.get", "GetObject", get_count },
	{ "s3.cnt.other", NULL, get_other_count },
	{ "s3.cnt.put", "PutObject", get_count },
	{ "s3.key", REQUEST "key", get_path },
	{ "s3.uri", NULL, get_uri },
};
/* clang-format on */

static int by_name(const void *name, const void *field)
{
	return strcmp(name, ((const struct fim_ct_field *)field)->name);
}

const struct fim_ct_field *fim_ct_field(const char *name)
{
	return bsearch(name, fields, sizeof(fields) / sizeof(*fields), sizeof(*fields), by_name);
}

/* ---------------------------------------------------------------- records */

static bool extract(struct fim_rules_event *event, const struct fim_slot *slot,
		    struct fim_cell *cell)
{
	const char *name = slot->ref.field->name;

	if (slot->ct)
		return slot->ct->get(event, slot->ct, cell);
	if (!strcmp(name, "json.value") || !strcmp(name, "jevt.value"))
		return set_token(event, fim_scan_find(event->scan, slot->ref.arg), cell);
	if (!strcmp(name, "json.obj") || !strcmp(name, "jevt.obj")) {
		event->scratch.len = 0;
		fim_scan_indent(event->scan, 0, &event->scratch);
		return fim_event_set_scratch(event, cell);
	}
	return false;
}

static void read_time(struct fim_rules_event *event, int64_t *time_ret)
{
	uint32_t token = find(event, "eventTime");
	struct fim_str text;
	char time[64];
	int64_t ns;

	if (!is_string(event, token) || !fim_scan_plain(event->scan, token, &text) ||
	    text.len >= sizeof(time))
		return;
	memcpy(time, text.bytes, text.len);
	time[text.len] = '\0';
	if (fim_time_parse(time, &ns))
		return;
	event->time_ns = ns;
	if (time_ret)
		*time_ret = ns;
}

int fim_rules_event_set_cloudtrail(struct fim_rules_event *event, const char *text, size_t len,
				   int64_t *time_ret)
{
	int err = fim_scan_parse(event->scan, text, len);

	if (err)
		return err;
	if (event->scan->tokens[0].kind != FIM_TOKEN_OBJECT &&
	    event->scan->tokens[0].kind != FIM_TOKEN_ARRAY)
		return -EINVAL;
	event->extract = extract;
	read_time(event, time_ret);
	return 0;
}
