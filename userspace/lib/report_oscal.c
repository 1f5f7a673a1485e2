/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as NIST OSCAL assessment-results 1.0.4.  There is no OSCAL catalogue of
 * PCI DSS: control ids are "pci-dss-VERSION_NUMBER", statements of one requirement are
 * numbered.  Every UUID is made of the journal's digest and the thing's place: same
 * journal, same bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define PROPERTY_NS "https://ecs-fim.example/ns/oscal"
#define NAME_SIZE   160

/*
 * struct oscal - a document being made
 * @seed: what every UUID depends on
 * @collected: when there is no better time
 */
struct oscal {
	const struct fim_json *report;
	char seed[NAME_SIZE];
	const char *collected;
	int err;
};

static void set_uuid(struct oscal *oscal, struct fim_json *object, const char *what, int64_t number)
{
	char name[2 * NAME_SIZE], uuid[FIM_UUID_SIZE];
	int err;

	snprintf(name, sizeof(name), "%s/%s/%" PRId64, oscal->seed, what, number);
	err = fim_uuid(name, uuid);
	if (err)
		oscal->err = err;
	else
		fim_json_set_str(object, "uuid", uuid);
}

static void add_property(struct fim_json *properties, const char *name, const char *value)
{
	struct fim_json *property;

	if (!value || !*value)
		return;
	property = fim_json_object();
	fim_json_set_str(property, "name", name);
	fim_json_set_str(property, "ns", PROPERTY_NS);
	fim_json_set_str(property, "value", value);
	fim_json_append(properties, property);
}

static void add_number(struct fim_json *properties, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	add_property(properties, name, text);
}

/* A fact about the host as it is, where OSCAL takes it: no blank at its ends. */
static int add_fact(void *ctx, const char *key, struct fim_json *value)
{
	const char *text = fim_json_str(value);

	if (text && *text && !strchr(" \t", *text) && !strchr(" \t", text[strlen(text) - 1]))
		add_property(ctx, key, text);
	return 0;
}

static void add_baseline(const struct oscal *oscal, struct fim_json *properties)
{
	const struct fim_json *items = fim_json_at(oscal->report, "baselines/items"), *last;

	if (!fim_json_count(items))
		return;
	last = fim_json_index(items, fim_json_count(items) - 1);
	add_property(properties, "baseline-sha256", fim_json_get_str(last, "digest"));
	add_property(properties, "baseline-key-sha256", fim_json_get_str(last, "key_id"));
	add_property(properties, "baseline-signer", fim_json_get_str(last, "signer"));
}

/* "pci-dss-4.0.1_11.5.2" */
static void control_id(const struct oscal *oscal, const char *requirement, char text_ret[NAME_SIZE])
{
	snprintf(text_ret, NAME_SIZE, "pci-dss-%s_%s",
		 fim_json_str(fim_json_at(oscal->report, "standard/version")), requirement);
}

static const struct fim_json *statement_at(const struct oscal *oscal, size_t index)
{
	return fim_json_index(fim_json_get(oscal->report, "statements"), index);
}

/* How many statements before this one are about the same requirement. */
static int place_of(const struct oscal *oscal, size_t index)
{
	const char *requirement = fim_json_get_str(statement_at(oscal, index), "requirement");
	int before = 0;
	size_t i;

	for (i = 0; i < index; i++)
		before += strcmp(fim_json_get_str(statement_at(oscal, i), "requirement"),
				 requirement) == 0;
	return before;
}

/* The reasons, one sentence after the other. */
static char *reasons_of(const struct fim_json *statement)
{
	const struct fim_json *reasons = fim_json_get(statement, "reasons");
	char *text = NULL;
	size_t i, len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (i = 0; i < fim_json_count(reasons); i++)
		fprintf(out, "%s%s", i ? " " : "", fim_json_str(fim_json_index(reasons, i)));
	if (!i)
		fputs("-", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static struct fim_json *metadata(const struct oscal *oscal)
{
	struct fim_json *section = fim_json_object(), *properties = fim_json_array();
	const struct fim_json *journal = fim_json_get(oscal->report, "journal");

	fim_json_set_str(section, "title",
			 fim_tr(fim_report_lang(oscal->report), "File-integrity report"));
	fim_json_set_str(section, "last-modified", oscal->collected);
	fim_json_set_str(section, "version", "1");
	fim_json_set_str(section, "oscal-version", "1.0.4");
	add_property(properties, "tool", fim_json_get_str(oscal->report, "tool"));
	add_number(properties, "journal-first-record", fim_json_get_int(journal, "first_seq", 0));
	add_number(properties, "journal-last-record", fim_json_get_int(journal, "last_seq", 0));
	add_property(properties, "journal-sha256", fim_json_get_str(journal, "head"));
	add_property(properties, "journal-verification", fim_json_get_str(journal, "verification"));
	fim_json_set(section, "props", properties);
	return section;
}

static struct fim_json *reviewed_controls(const struct oscal *oscal)
{
	struct fim_json *section = fim_json_object(), *selections = fim_json_array();
	struct fim_json *selection = fim_json_object(), *controls = fim_json_array(), *control;
	char id[NAME_SIZE];
	size_t i;

	for (i = 0; statement_at(oscal, i); i++) {
		if (place_of(oscal, i))
			continue;
		control_id(oscal, fim_json_get_str(statement_at(oscal, i), "requirement"), id);
		control = fim_json_object();
		fim_json_set_str(control, "control-id", id);
		fim_json_append(controls, control);
	}
	fim_json_set(selection, "include-controls", controls);
	fim_json_append(selections, selection);
	fim_json_set(section, "control-selections", selections);
	return section;
}

static struct fim_json *observation(struct oscal *oscal, const char *what, int64_t number,
				    const char *title, const char *description)
{
	struct fim_json *item = fim_json_object(), *methods = fim_json_array();

	set_uuid(oscal, item, what, number);
	fim_json_set_str(item, "title", title);
	fim_json_set_str(item, "description", description);
	fim_json_append_str(methods, "TEST");
	fim_json_set(item, "methods", methods);
	return item;
}

static struct fim_json *statement_observation(struct oscal *oscal, size_t index)
{
	const struct fim_json *statement = statement_at(oscal, index);
	const struct fim_json *records = fim_json_get(statement, "records");
	struct fim_json *item, *properties = fim_json_array();
	char *reasons = reasons_of(statement);
	size_t i;

	if (!reasons)
		oscal->err = -ENOMEM;
	item = observation(oscal, "observation", (int64_t)index,
			   fim_json_get_str(statement, "title"), reasons);
	for (i = 0; i < fim_json_count(records); i++)
		add_number(properties, "journal-record",
			   fim_json_get_int(fim_json_index(records, i), "seq", 0));
	if (fim_json_count(properties))
		fim_json_set(item, "props", fim_json_ref(properties));
	fim_json_free(properties);
	fim_json_set_str(item, "collected", oscal->collected);
	fim_json_set_str(item, "remarks", fim_json_get_str(statement, "not_shown"));
	free(reasons);
	return item;
}

static struct fim_json *change_observation(struct oscal *oscal, const struct fim_json *change)
{
	const char *before = fim_json_str(fim_json_at(change, "before/sha256"));
	const char *after = fim_json_str(fim_json_at(change, "after/sha256"));
	int64_t id = fim_json_get_int(change, "id", 0);
	struct fim_json *item, *properties = fim_json_array();
	char *bytes = NULL, *path = NULL, title[NAME_SIZE];
	size_t len;

	if (fim_json_get_bytes(change, "path", &bytes, &len) == 0)
		path = fim_escape(bytes, len);
	snprintf(title, sizeof(title), "%s (%s)", fim_json_get_str(change, "kind"),
		 fim_json_get_str(change, "severity"));
	item = observation(oscal, "change", id, title, path && *path ? path : "-");
	add_number(properties, "journal-record", id);
	add_property(properties, "sha256-before", before);
	add_property(properties, "sha256-after", after);
	fim_json_set(item, "props", properties);
	fim_json_set_str(item, "collected", fim_json_get_str(change, "time"));
	free(path);
	free(bytes);
	return item;
}

static struct fim_json *finding(struct oscal *oscal, size_t index)
{
	const struct fim_json *statement = statement_at(oscal, index);
	const char *status = fim_json_get_str(statement, "status");
	bool met = strcmp(status, "met") == 0, not_met = strcmp(status, "not met") == 0;
	struct fim_json *item = fim_json_object(), *target = fim_json_object();
	struct fim_json *state = fim_json_object(), *related = fim_json_array();
	struct fim_json *link = fim_json_object(), *observed = fim_json_object();
	char id[NAME_SIZE], numbered[NAME_SIZE + 16];
	char *reasons = reasons_of(statement);

	set_uuid(oscal, item, "finding", (int64_t)index);
	fim_json_set_str(item, "title", fim_json_get_str(statement, "title"));
	fim_json_set_str(item, "description", reasons ? reasons : "-");
	control_id(oscal, fim_json_get_str(statement, "requirement"), id);
	snprintf(numbered, sizeof(numbered), "%s_smt.%d", id, place_of(oscal, index) + 1);
	fim_json_set_str(target, "type", "statement-id");
	fim_json_set_str(target, "target-id", numbered);
	/* OSCAL has two states; what there is no evidence for is not satisfied, and why is said. */
	fim_json_set_str(state, "state", met ? "satisfied" : "not-satisfied");
	fim_json_set_str(state, "reason", met ? "pass" : not_met ? "fail" : "other");
	fim_json_set_str(state, "remarks", status);
	fim_json_set(target, "status", state);
	fim_json_set(item, "target", target);
	/* The observation's UUID again: the same place gives the same one. */
	set_uuid(oscal, observed, "observation", (int64_t)index);
	fim_json_set_str(link, "observation-uuid", fim_json_get_str(observed, "uuid"));
	fim_json_free(observed);
	fim_json_append(related, link);
	fim_json_set(item, "related-observations", related);
	free(reasons);
	return item;
}

static struct fim_json *result(struct oscal *oscal)
{
	const struct fim_json *changes = fim_json_at(oscal->report, "changes/items");
	const char *from = fim_json_str(fim_json_at(oscal->report, "period/from"));
	const char *to = fim_json_str(fim_json_at(oscal->report, "period/to"));
	const char *host = fim_json_str(fim_json_at(oscal->report, "host/hostname"));
	struct fim_json *item = fim_json_object(), *properties = fim_json_array();
	struct fim_json *observations = fim_json_array(), *findings = fim_json_array();
	enum fim_lang lang = fim_report_lang(oscal->report);
	size_t i;

	set_uuid(oscal, item, "result", 0);
	fim_json_set_str(item, "title", host ? host : "host");
	fim_json_set_str(
		item, "description",
		fim_tr(lang, "What this host's journal shows about each requirement. Whether the "
			     "entity meets the standard is for the assessor to say."));
	fim_json_set_str(item, "start", from ? from : oscal->collected);
	fim_json_set_str(item, "end", to);
	add_number(properties, "changes",
		   fim_json_get_int(fim_json_get(oscal->report, "changes"), "count", 0));
	add_number(properties, "changes-omitted",
		   fim_json_get_int(fim_json_get(oscal->report, "changes"), "omitted", 0));
	fim_json_each(fim_json_get(oscal->report, "host"), add_fact, properties);
	fim_json_each(fim_json_get(oscal->report, "identity"), add_fact, properties);
	add_baseline(oscal, properties);
	fim_json_set(item, "props", properties);
	fim_json_set(item, "reviewed-controls", reviewed_controls(oscal));
	for (i = 0; statement_at(oscal, i); i++) {
		fim_json_append(observations, statement_observation(oscal, i));
		fim_json_append(findings, finding(oscal, i));
	}
	for (i = 0; i < fim_json_count(changes); i++)
		fim_json_append(observations,
				change_observation(oscal, fim_json_index(changes, i)));
	fim_json_set(item, "observations", observations);
	fim_json_set(item, "findings", findings);
	return item;
}

/* There is no assessment plan in OSCAL: the policy signed with the baseline is it. */
static void set_plan(struct oscal *oscal, struct fim_json *document)
{
	struct fim_json *matter = fim_json_object(), *resources = fim_json_array();
	struct fim_json *plan = fim_json_object(), *import = fim_json_object();
	struct fim_json *properties = fim_json_array();
	char href[FIM_UUID_SIZE + 1];

	set_uuid(oscal, plan, "plan", 0);
	snprintf(href, sizeof(href), "#%s", fim_json_get_str(plan, "uuid"));
	fim_json_set_str(import, "href", href);
	fim_json_set_str(plan, "title", "Policy that was signed with the baseline");
	add_property(properties, "policy",
		     fim_json_str(fim_json_at(oscal->report, "scope/policy")));
	add_property(properties, "policy-sha256",
		     fim_json_str(fim_json_at(oscal->report, "scope/policy_digest")));
	if (fim_json_count(properties))
		fim_json_set(plan, "props", fim_json_ref(properties));
	fim_json_free(properties);
	fim_json_append(resources, plan);
	fim_json_set(matter, "resources", resources);
	fim_json_set(document, "import-ap", import);
	fim_json_set(document, "back-matter", matter);
}

int fim_report_oscal(const struct fim_json *report, struct fim_json **oscal_ret)
{
	struct oscal oscal = {.report = report};
	struct fim_json *document = fim_json_object(), *results = fim_json_array(), *root;
	const char *generated = fim_json_get_str(report, "generated");

	oscal.collected = generated ? generated : "1970-01-01T00:00:00Z";
	snprintf(oscal.seed, sizeof(oscal.seed), "%s/%.16s/%.30s/%.30s",
		 fim_json_str(fim_json_at(report, "journal/head")),
		 fim_json_str(fim_json_at(report, "standard/version")),
		 generated ? fim_json_str(fim_json_at(report, "period/from")) : "-",
		 generated ? fim_json_str(fim_json_at(report, "period/to")) : "-");
	set_uuid(&oscal, document, "document", 0);
	fim_json_set(document, "metadata", metadata(&oscal));
	set_plan(&oscal, document);
	fim_json_append(results, result(&oscal));
	fim_json_set(document, "results", results);
	root = fim_json_object();
	fim_json_set(root, "assessment-results", document);
	if (oscal.err) {
		fim_json_free(root);
		return oscal.err;
	}
	*oscal_ret = root;
	return 0;
}
