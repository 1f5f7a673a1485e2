/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as events of the Open Cybersecurity Schema Framework, version 1.9.0 (2026-08-03).
 * Pure.
 *
 *	finding                       file_activity 1001
 *	finding of a rule, place,
 *	access                        detection_finding 2004
 *	container, comparison,
 *	control                       compliance_finding 2003
 *
 * What OCSF has no attribute for is in "unmapped"; "metadata.uid" is the digest of the
 * journal's line, which has everything.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

#define TEXT_MAX  4096
#define UID_SIZE  640
#define NS_PER_MS 1000000

enum ocsf_class {
	CLASS_NONE = 0,
	CLASS_FILE_ACTIVITY = 1001,
	CLASS_COMPLIANCE_FINDING = 2003,
	CLASS_DETECTION_FINDING = 2004,
};

static enum ocsf_class class_of(const struct fim_json *record)
{
	const char *type = fim_json_get_str(record, "type");
	const char *kind = fim_json_get_str(record, "kind");

	if (!strcmp(type, "finding"))
		return kind && !strcmp(kind, "rule") ? CLASS_DETECTION_FINDING
						     : CLASS_FILE_ACTIVITY;
	if (!strcmp(type, "place") || !strcmp(type, "access"))
		return CLASS_DETECTION_FINDING;
	if (!strcmp(type, "container") || !strcmp(type, "comparison") || !strcmp(type, "control"))
		return CLASS_COMPLIANCE_FINDING;
	return CLASS_NONE;
}

static struct fim_json *object_with_int(const char *key, int64_t value)
{
	struct fim_json *object = fim_json_object();

	fim_json_set_int(object, key, value);
	return object;
}

static void set_ms(struct fim_json *object, const char *key, int64_t time_ns)
{
	fim_json_set_int(object, key, time_ns / NS_PER_MS);
}

/* An object that is there only if something is in it. */
static void set_filled(struct fim_json *object, const char *key, struct fim_json *value)
{
	if (fim_json_count(value))
		fim_json_set(object, key, value);
	else
		fim_json_free(value);
}

/* ------------------------------------------------------------------ objects */

static struct fim_json *metadata(const struct fim_exchange *exchange)
{
	struct fim_json *object = fim_json_object(), *product = fim_json_object();
	struct fim_json *profiles = fim_json_array();

	fim_json_set_str(product, "name", "ecs-fim");
	fim_json_set_str(product, "vendor_name", "ecs-fim");
	fim_json_set_str(product, "version", FIM_VERSION);
	fim_json_append_str(profiles, "cloud");
	fim_json_append_str(profiles, "host");
	fim_json_set_str(object, "version", FIM_OCSF_VERSION);
	fim_json_set(object, "product", product);
	fim_json_set(object, "profiles", profiles);
	fim_json_set_str(object, "uid", exchange->digest);
	fim_json_set_int(object, "sequence", fim_json_get_int(exchange->record, "seq", 0));
	fim_json_set_str(object, "log_name", "journal");
	set_ms(object, "logged_time", exchange->logged_ns);
	fim_exchange_put(object, "original_time", exchange->record, "time", 64);
	return object;
}

static struct fim_json *cloud(const struct fim_host *origin)
{
	struct fim_json *object = fim_json_object(), *account;

	fim_json_set_str(object, "provider", "AWS");
	if (*origin->region)
		fim_json_set_str(object, "region", origin->region);
	if (*origin->account) {
		account = object_with_int("type_id", 10 /* AWS account */);
		fim_json_set_str(account, "uid", origin->account);
		fim_json_set(object, "account", account);
	}
	return object;
}

static struct fim_json *device(const struct fim_host *origin)
{
	struct fim_json *object = object_with_int("type_id", 1 /* server */), *os;

	fim_json_set_str(object, "hostname", *origin->hostname ? origin->hostname : "unknown");
	if (*origin->host) {
		fim_json_set_str(object, "uid", origin->host);
		fim_json_set_str(object, "instance_uid", origin->host);
	}
	if (*origin->region)
		fim_json_set_str(object, "region", origin->region);
	os = object_with_int("type_id", 200 /* Linux */);
	fim_json_set_str(os, "name", "Linux");
	if (*origin->kernel)
		fim_json_set_str(os, "build", origin->kernel);
	fim_json_set(object, "os", os);
	return object;
}

static struct fim_json *user(const struct fim_json *actor)
{
	int64_t uid = fim_json_get_int(actor, "euid", fim_json_get_int(actor, "uid", -1));
	struct fim_json *object = object_with_int("type_id", uid == 0 ? 2 /* admin */ : 0);
	char text[24];

	fim_exchange_put(object, "name", actor, "user", TEXT_MAX);
	if (uid >= 0) {
		snprintf(text, sizeof(text), "%" PRId64, uid);
		fim_json_set_str(object, "uid", text);
	} else if (!fim_json_get_str(object, "name")) {
		fim_json_set_str(object, "name", "unknown");
	}
	return object;
}

static struct fim_json *executable(const struct fim_json *actor)
{
	char *path = fim_exchange_text(actor, "exe", TEXT_MAX);
	struct fim_json *object;
	const char *name;

	if (!path)
		return NULL;
	name = strrchr(path, '/');
	object = object_with_int("type_id", 1 /* regular file */);
	fim_json_set_str(object, "path", path);
	fim_json_set_str(object, "name", name && name[1] ? name + 1 : path);
	free(path);
	return object;
}

static struct fim_json *process(const struct fim_json *actor)
{
	struct fim_json *object = fim_json_object(), *parent, *file = executable(actor);
	char *command = fim_exchange_command(actor, TEXT_MAX);

	fim_json_set_int(object, "pid", fim_json_get_int(actor, "pid", 0));
	if (fim_json_is_int(fim_json_get(actor, "tid")))
		fim_json_set_int(object, "tid", fim_json_get_int(actor, "tid", 0));
	fim_exchange_put(object, "name", actor, "comm", TEXT_MAX);
	fim_json_set_str(object, "cmd_line", command);
	if (file)
		fim_json_set(object, "file", file);
	fim_json_set(object, "user", user(actor));
	if (fim_json_get_int(actor, "ppid", 0) > 0) {
		parent = object_with_int("pid", fim_json_get_int(actor, "ppid", 0));
		fim_exchange_put(parent, "name", actor, "parent_comm", TEXT_MAX);
		fim_json_set(object, "parent_process", parent);
	}
	free(command);
	return object;
}

/* Found by comparison: nobody was seen doing it. */
static struct fim_json *actor_of(const struct fim_exchange *exchange)
{
	const struct fim_json *actor = fim_json_get(exchange->record, "actor");
	struct fim_json *object = fim_json_object(), *session = fim_json_object(), *nobody;

	if (fim_json_is_object(actor) && fim_json_get_int(actor, "pid", 0) > 0) {
		fim_json_set(object, "process", process(actor));
		fim_json_set(object, "user", user(actor));
		fim_exchange_put_number(session, "uid", actor, "sessionid");
	} else {
		nobody = object_with_int("type_id", 0);
		fim_json_set_str(nobody, "name", "unknown");
		fim_json_set(object, "user", nobody);
	}
	set_filled(object, "session", session);
	return object;
}

static int64_t file_type(const struct fim_json *state)
{
	static const char *const types[] = {"file",   "dir",  "char",	"block",
					    "socket", "fifo", "symlink"};
	const char *type = fim_json_get_str(state, "type");

	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i]))
			return (int64_t)i + 1;
	return 0;
}

static void set_digest(struct fim_json *file, const struct fim_json *state)
{
	struct fim_json *list, *print;

	if (!fim_json_get_str(state, "sha256"))
		return;
	print = object_with_int("algorithm_id", 3);
	fim_json_set_str(print, "algorithm", "SHA-256");
	fim_exchange_put(print, "value", state, "sha256", 128);
	list = fim_json_array();
	fim_json_append(list, print);
	fim_json_set(file, "hashes", list);
}

/* @key of @record is its path; @state what is known of it. */
static struct fim_json *file(const struct fim_json *record, const char *key,
			     const struct fim_json *state)
{
	char *path = fim_exchange_text(record, key, TEXT_MAX);
	struct fim_json *object = object_with_int("type_id", file_type(state)), *owner;
	const char *slash = path ? strrchr(path, '/') : NULL;

	fim_json_set_str(object, "name", slash && slash[1] ? slash + 1 : path ? path : "unknown");
	fim_json_set_str(object, "path", path);
	if (fim_json_get_int(state, "size", -1) >= 0)
		fim_json_set_int(object, "size", fim_json_get_int(state, "size", 0));
	if (fim_json_is_int(fim_json_get(state, "uid"))) {
		owner = fim_json_object();
		fim_exchange_put_number(owner, "uid", state, "uid");
		fim_json_set(object, "owner", owner);
	}
	fim_exchange_put(object, "security_descriptor", state, "mode", 16);
	set_digest(object, state);
	free(path);
	return object;
}

static struct fim_json *resource(const struct fim_exchange *exchange)
{
	const struct fim_json *container = exchange->container;
	const struct fim_host *origin = exchange->origin;
	struct fim_json *object = fim_json_object();

	if (container && fim_json_get_str(container, "id")) {
		fim_json_set_str(object, "type", "Container");
		fim_exchange_put(object, "uid", container, "id", TEXT_MAX);
		fim_exchange_put(object, "name", container, "name", TEXT_MAX);
		fim_json_set(object, "data", fim_json_ref(container));
	} else {
		fim_json_set_str(object, "type", "Host");
		fim_json_set_str(object, "uid", *origin->host ? origin->host : origin->hostname);
		fim_json_set_str(object, "name", *origin->hostname ? origin->hostname : "unknown");
	}
	if (*origin->region)
		fim_json_set_str(object, "region", origin->region);
	return object;
}

static struct fim_json *finding_info(const struct fim_exchange *exchange, const char *title)
{
	struct fim_json *object = fim_json_object(), *analytic;
	char uid[UID_SIZE];

	fim_exchange_uid(exchange, uid, sizeof(uid));
	fim_json_set_str(object, "uid", uid);
	fim_json_set_str(object, "title", title);
	set_ms(object, "created_time", exchange->time_ns);
	set_ms(object, "modified_time", exchange->logged_ns);
	fim_exchange_put(object, "desc", exchange->record, "output", TEXT_MAX);
	if (fim_json_get_str(exchange->record, "rule")) {
		analytic = object_with_int("type_id", 1 /* rule */);
		fim_exchange_put(analytic, "name", exchange->record, "rule", TEXT_MAX);
		fim_json_set(object, "analytic", analytic);
	}
	return object;
}

/* What has no attribute of its own; the common members and what became one are not in it. */
static int add_unmapped(void *ctx, const char *key, struct fim_json *value)
{
	static const char *const mapped[] = {"seq",  "time", "boot_id", "type",	 "actor",
					     "path", "seal", "after",	"before"};

	for (size_t i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
		if (!strcmp(key, mapped[i]))
			return 0;
	fim_json_set(ctx, key, fim_json_ref(value));
	return 0;
}

/* ------------------------------------------------------------------ classes */

static int64_t file_activity(const struct fim_json *record, const char **name_ret)
{
	static const struct {
		const char *kind;
		int64_t id;
		const char *name;
	} activities[] = {
		{"added", 1, "Create"},	   {"modified", 3, "Update"},
		{"restored", 3, "Update"}, {"removed", 4, "Delete"},
		{"moved", 5, "Rename"},	   {"attributes", 6, "Set Attributes"},
	};
	const char *kind = fim_json_get_str(record, "kind");

	for (size_t i = 0; kind && i < sizeof(activities) / sizeof(activities[0]); i++)
		if (!strcmp(kind, activities[i].kind)) {
			*name_ret = activities[i].name;
			return activities[i].id;
		}
	*name_ret = kind && !strcmp(kind, "transient")	  ? "transient"
		    : kind && !strcmp(kind, "unreadable") ? "unreadable"
							  : "other";
	return 99;
}

static bool has_state(const struct fim_json *state)
{
	const char *type = fim_json_get_str(state, "type");

	return type && strcmp(type, "none") != 0;
}

static void fill_file_activity(const struct fim_exchange *exchange, struct fim_json *event)
{
	const struct fim_json *record = exchange->record;
	const struct fim_json *before = fim_json_get(record, "before");
	const struct fim_json *after = fim_json_get(record, "after");
	char *old = fim_exchange_text(record, "old_path", TEXT_MAX);

	/* "file" is what it was done to, "file_result" what came of it. */
	fim_json_set(event, "file",
		     file(record, old ? "old_path" : "path", has_state(before) ? before : after));
	if (has_state(after))
		fim_json_set(event, "file_result", file(record, "path", after));
	fim_json_set(event, "actor", actor_of(exchange));
	free(old);
}

static void fill_detection(const struct fim_exchange *exchange, struct fim_json *event,
			   const char *title)
{
	const struct fim_json *actor = fim_json_get(exchange->record, "actor");
	struct fim_json *evidences = fim_json_array(), *evidence = fim_json_object();
	struct fim_json *resources = fim_json_array();

	if (fim_json_is_object(actor) && fim_json_get_int(actor, "pid", 0) > 0)
		fim_json_set(evidence, "process", process(actor));
	if (fim_json_get_str(exchange->record, "path") ||
	    fim_json_get_str(exchange->record, "path_hex"))
		fim_json_set(evidence, "file", file(exchange->record, "path", NULL));
	set_filled(evidence, "data", fim_json_ref(fim_json_get(exchange->record, "output_fields")));
	if (fim_json_count(evidence))
		fim_json_append(evidences, evidence);
	else
		fim_json_free(evidence);
	set_filled(event, "evidences", evidences);
	fim_json_append(resources, resource(exchange));
	fim_json_set(event, "resources", resources);
	fim_json_set(event, "finding_info", finding_info(exchange, title));
	fim_json_set_int(event, "status_id", 1 /* new */);
}

/* Requirements, and whether they are met: 1 yes, 2 in part, 3 no. */
static int64_t judge(const struct fim_exchange *exchange, struct fim_json *requirements,
		     const char **control_ret)
{
	const struct fim_json *record = exchange->record, *flags;
	const char *type = fim_json_get_str(record, "type");
	char text[80];

	if (!strcmp(type, "comparison")) {
		*control_ret = "PCI DSS v4.0.1 11.5.2";
		fim_json_append_str(requirements, "PCI DSS v4.0.1 11.5.2");
		if (fim_json_get_int(record, "unreadable", 0))
			return 2;
		return fim_json_get_int(record, "added", 0) ||
				       fim_json_get_int(record, "removed", 0) ||
				       fim_json_get_int(record, "changed", 0)
			       ? 3
			       : 1;
	}
	if (!strcmp(type, "control")) {
		*control_ret = "PCI DSS v4.0.1 10.7.2";
		fim_json_append_str(requirements, "PCI DSS v4.0.1 10.7.2");
		return fim_exchange_is_failure(record) ? 3 : 1;
	}
	*control_ret = "CIS Docker Benchmark 1.6.0";
	flags = fim_json_get(exchange->container, "flags");
	for (size_t i = 0; i < fim_json_count(flags) && i < 64; i++) {
		char *cis = fim_exchange_text(fim_json_index(flags, i), "cis", 32);

		snprintf(text, sizeof(text), "CIS Docker Benchmark 1.6.0 %s", cis ? cis : "");
		if (cis)
			fim_json_append_str(requirements, text);
		free(cis);
	}
	return exchange->severity >= FIM_SEVERITY_MEDIUM ? 3 : 1;
}

static void fill_compliance(const struct fim_exchange *exchange, struct fim_json *event,
			    const char *title)
{
	static const char *const statuses[] = {"Unknown", "Pass", "Warning", "Fail"};
	struct fim_json *compliance = fim_json_object(), *standards = fim_json_array();
	struct fim_json *requirements = fim_json_array(), *resources = fim_json_array();
	const char *control = NULL, *type = fim_json_get_str(exchange->record, "type");
	int64_t status = judge(exchange, requirements, &control);

	fim_json_append_str(standards, !strcmp(type, "container") ? "CIS Docker Benchmark 1.6.0"
								  : "PCI DSS 4.0.1");
	fim_json_set(compliance, "standards", standards);
	fim_json_set_str(compliance, "control", control);
	set_filled(compliance, "requirements", requirements);
	fim_json_set_int(compliance, "status_id", status);
	fim_json_set_str(compliance, "status", statuses[status]);
	fim_json_set(event, "compliance", compliance);
	fim_json_append(resources, resource(exchange));
	fim_json_set(event, "resources", resources);
	fim_json_set(event, "finding_info", finding_info(exchange, title));
	fim_json_set_int(event, "status_id", status == 1 ? 4 /* resolved */ : 1 /* new */);
}

static void set_class(struct fim_json *event, enum ocsf_class class, int64_t activity,
		      const char *name)
{
	static const char *const categories[] = {"", "System Activity", "Findings"};

	fim_json_set_int(event, "class_uid", class);
	fim_json_set_str(event, "class_name",
			 class == CLASS_FILE_ACTIVITY	    ? "File System Activity"
			 : class == CLASS_DETECTION_FINDING ? "Detection Finding"
							    : "Compliance Finding");
	fim_json_set_int(event, "category_uid", class / 1000);
	fim_json_set_str(event, "category_name", categories[class / 1000]);
	fim_json_set_int(event, "activity_id", activity);
	fim_json_set_str(event, "activity_name", name);
	fim_json_set_int(event, "type_uid", (int64_t) class * 100 + activity);
}

int fim_ocsf(const struct fim_host *origin, const struct fim_json *record, const char *digest,
	     struct fim_json **event_ret)
{
	struct fim_exchange exchange;
	struct fim_json *event, *unmapped;
	const char *name = "Create";
	enum ocsf_class class;
	int64_t activity = 1;
	char *title;

	if (fim_exchange_init(&exchange, origin, record, digest))
		return -ENOMSG;
	class = class_of(record);
	if (class == CLASS_NONE)
		return -ENOMSG;
	event = fim_json_object();
	title = fim_exchange_title(&exchange);
	if (class == CLASS_FILE_ACTIVITY)
		activity = file_activity(record, &name);
	set_class(event, class, activity, name);
	set_ms(event, "time", exchange.time_ns);
	fim_json_set_int(event, "severity_id", (int64_t)exchange.severity + 1);
	fim_json_set_str(event, "severity", fim_severity_name(exchange.severity));
	fim_json_set_str(event, "message", title);
	fim_json_set(event, "metadata", metadata(&exchange));
	fim_json_set(event, "cloud", cloud(origin));
	fim_json_set(event, "device", device(origin));
	if (class == CLASS_FILE_ACTIVITY)
		fill_file_activity(&exchange, event);
	else if (class == CLASS_DETECTION_FINDING)
		fill_detection(&exchange, event, title ? title : "finding");
	else
		fill_compliance(&exchange, event, title ? title : "finding");
	unmapped = fim_json_object();
	fim_json_each(record, add_unmapped, unmapped);
	set_filled(event, "unmapped", unmapped);
	free(title);
	*event_ret = event;
	return 0;
}
