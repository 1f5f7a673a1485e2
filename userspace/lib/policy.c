/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is covered and how it is compared. A policy comes from YAML, written by
 * people, or from the header of a baseline; both end in the same object with the
 * same checks. Rules are kept sorted by path, so that the digest does not depend on
 * the order in which somebody wrote them.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib_private.h"
#include "rules_private.h"
#include "yaml.h"

#define POLICY_FILE_MAX (1u << 20)
/* Each is compared with all others when it is added. */
#define ROOTS_MAX 1024
#define RULES_MAX 8192
#define WILDCARDS "*?["
#define STARS_MAX 8

/**
 * struct glob - a rule with wildcards, prepared for looking up
 * @rule: the rule
 * @literal: bytes before its first wildcard or backslash
 */
struct glob {
	const struct fim_rule *rule;
	size_t literal;
};

struct fim_policy {
	char *name;
	char *version;
	char **roots;
	size_t root_count;
	struct fim_rule *rules;
	size_t rule_count;
	struct glob *globs;
	size_t glob_count;
	struct fim_rule fallback;
	char digest[FIM_SHA256_HEX_SIZE];
};

/* clang-format off */
static const struct {
	const char *name;
	uint32_t mask;
	const char *meaning;
} classes[] = {
	[FIM_CLASS_STRICT]	= { "strict", FIM_DIFF_ALL,
		"every attribute must be as in the baseline; any difference is a finding" },
	[FIM_CLASS_ONCE]	= { "once", FIM_DIFF_ALL,
		"the first boot may change it once, and enrollment records that; any other difference is a finding" },
	[FIM_CLASS_TEMPLATED]	= { "templated", FIM_DIFF_ALL,
		"its content may be anything that matches the template; all else must be as in the baseline" },
	[FIM_CLASS_METADATA]	= { "metadata", FIM_DIFF_ALL & ~(FIM_DIFF_SIZE | FIM_DIFF_DIGEST |
								 FIM_DIFF_NLINK | FIM_DIFF_VERITY |
								 FIM_DIFF_LINKS),
		"type, mode, owner, target and extended attributes must match; content is not read" },
	[FIM_CLASS_APPEND_ONLY] = { "append-only", FIM_DIFF_ALL & ~FIM_DIFF_VERITY,
		"it may grow; its beginning and its attributes must be as in the baseline" },
	[FIM_CLASS_EXCLUDED]	= { "excluded", 0,
		"it is not looked at, and nothing below it is" },
};
/* clang-format on */

#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))

const char *fim_class_name(enum fim_class cls)
{
	return (size_t)cls < CLASS_COUNT ? classes[cls].name : "unknown";
}

const char *fim_class_meaning(enum fim_class cls)
{
	return (size_t)cls < CLASS_COUNT ? classes[cls].meaning : "unknown";
}

uint32_t fim_class_mask(enum fim_class cls)
{
	return (size_t)cls < CLASS_COUNT ? classes[cls].mask : FIM_DIFF_ALL;
}

static int class_parse(const char *name, enum fim_class *cls_ret)
{
	size_t i;

	for (i = 0; i < CLASS_COUNT; i++) {
		if (strcmp(classes[i].name, name))
			continue;
		*cls_ret = (enum fim_class)i;
		return 0;
	}
	return -EINVAL;
}

/* ---- paths */

const char *fim_path_fault(const char *path)
{
	const char *component = path + 1;
	size_t len;

	if (*path != '/')
		return "is not absolute";
	if (strlen(path) >= FIM_PATH_MAX)
		return "is too long";
	if (!path[1])
		return NULL;
	for (;;) {
		len = (size_t)(strchrnul(component, '/') - component);
		if (!len)
			return component[0] ? "has an empty component" : "ends with '/'";
		if (!strncmp(component, ".", len) || (len == 2 && !strncmp(component, "..", 2)))
			return "has a component \".\" or \"..\"";
		if (!component[len])
			return NULL;
		component += len + 1;
	}
}

bool fim_path_is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	if (len == 1) /* "/" */
		return path[1] != '\0';
	return !strncmp(path, directory, len) && path[len] == '/';
}

static bool is_at_or_below(const char *path, const char *directory)
{
	return !strcmp(path, directory) || fim_path_is_below(path, directory);
}

/* ---- building */

static void strings_free(char **strings)
{
	size_t i;

	for (i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

static void rule_clear(struct fim_rule *rule)
{
	strings_free(rule->writers);
	free(rule->template);
	free(rule->path);
	free(rule->reason);
	free(rule->approver);
	free(rule->category);
}

void fim_policy_free(struct fim_policy *policy)
{
	size_t i;

	if (!policy)
		return;
	for (i = 0; i < policy->root_count; i++)
		free(policy->roots[i]);
	for (i = 0; i < policy->rule_count; i++)
		rule_clear(&policy->rules[i]);
	free(policy->roots);
	free(policy->rules);
	free(policy->globs);
	free(policy->fallback.path);
	free(policy->version);
	free(policy->name);
	free(policy);
}

static int policy_new(size_t roots, size_t rules, struct fim_policy **policy_ret)
{
	struct fim_policy *policy;

	if (roots > ROOTS_MAX || rules > RULES_MAX) {
		fim_log(LOG_ERR, "a policy may have %d roots and %d rules", ROOTS_MAX, RULES_MAX);
		return -EINVAL;
	}
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return -ENOMEM;
	policy->fallback.path = strdup("/");
	policy->fallback.cls = FIM_CLASS_STRICT;
	policy->roots = calloc(roots + 1, sizeof(*policy->roots));
	policy->rules = calloc(rules + 1, sizeof(*policy->rules));
	policy->globs = calloc(rules + 1, sizeof(*policy->globs));
	if (!policy->fallback.path || !policy->roots || !policy->rules || !policy->globs) {
		fim_policy_free(policy);
		return -ENOMEM;
	}
	*policy_ret = policy;
	return 0;
}

/*
 * The checks below return what is wrong with the thing last added, NULL if nothing
 * is, so that each reader can say where it stands.
 */

static const char *root_fault(const struct fim_policy *policy, const char *root)
{
	const char *fault = fim_path_fault(root);
	size_t i;

	for (i = 0; i < policy->root_count && !fault; i++) {
		if (!strcmp(root, policy->roots[i]))
			fault = "is there twice";
		else if (fim_path_is_below(root, policy->roots[i]))
			fault = "lies inside another root";
		else if (fim_path_is_below(policy->roots[i], root))
			fault = "contains another root";
	}
	return fault;
}

static size_t depth_of(const char *path)
{
	size_t depth = 0;

	for (; *path; path++)
		depth += *path == '/' && path[1];
	return depth;
}

/*
 * A pattern that ends with a backslash, or opens a bracket that nothing closes, matches
 * nothing; one with many stars takes for ever.
 */
static bool is_pattern_broken(const char *pattern)
{
	size_t stars = 0;

	for (; *pattern; pattern++) {
		stars += *pattern == '*';
		if (stars > STARS_MAX)
			return true;
		if (*pattern == '\\' && !*++pattern)
			return true;
		if (*pattern == '[') {
			pattern = strpbrk(pattern + 1, "]/");
			if (!pattern || *pattern == '/')
				return true;
		}
	}
	return false;
}

/* True if something below @directory can match @pattern. */
static bool may_match_below(const char *pattern, const char *directory)
{
	size_t depth = depth_of(directory);
	const char *end = pattern;
	char *head;
	bool may;

	for (depth++; depth && end; depth--)
		end = strchr(end + 1, '/');
	if (!end && depth_of(pattern) <= depth_of(directory))
		return false;
	head = end ? strndup(pattern, (size_t)(end - pattern)) : NULL;
	if (!head)
		return true; /* rather too much than too little */
	*strrchr(head, '/') = '\0';
	may = !*head || !fnmatch(head, directory, FNM_PATHNAME);
	free(head);
	return may;
}

static bool is_within_roots(const struct fim_policy *policy, const struct fim_rule *rule)
{
	const char *path = rule->path;
	size_t i, literal = strcspn(path, WILDCARDS "\\");

	for (i = 0; i < policy->root_count; i++) {
		const char *root = policy->roots[i];
		size_t len = strlen(root);

		if (is_at_or_below(path, root) || fim_path_is_below(root, path) || len == 1)
			return true;
		/* A wildcard in what would have to be the root: it may be that. */
		if (literal <= len && !strncmp(path, root, literal) && rule->is_glob)
			return true;
	}
	return false;
}

static const char *template_fault(const char *template)
{
	static _Thread_local char fault[256];
	struct fim_regex *regex = NULL;
	char error[160] = "";

	if (fim_regex_new((struct fim_str){template, strlen(template)}, &regex, error,
			  sizeof(error))) {
		snprintf(fault, sizeof(fault), "has a template that is no regular expression: %s",
			 error);
		return fault;
	}
	fim_regex_free(regex);
	return NULL;
}

static const char *writers_fault(const struct fim_rule *rule)
{
	size_t i;

	for (i = 0; rule->writers && rule->writers[i]; i++)
		if (rule->writers[i][0] != '/' || is_pattern_broken(rule->writers[i]))
			return "has a writer that is not an absolute path or pattern";
	return NULL;
}

static const char *rule_fault(const struct fim_policy *policy, struct fim_rule *rule)
{
	const char *fault = fim_path_fault(rule->path);
	size_t i;

	if (fault)
		return fault;
	rule->is_glob = strpbrk(rule->path, WILDCARDS) != NULL;
	rule->depth = depth_of(rule->path);
	for (i = 0; i < policy->rule_count; i++)
		if (!strcmp(rule->path, policy->rules[i].path))
			return "has a rule already";
	if (rule->is_glob && is_pattern_broken(rule->path))
		return "is not a pattern: a '[' is not closed, a '\\' is the last character, or there are more than 8 '*'";
	if (rule->cls != FIM_CLASS_STRICT && !rule->reason)
		return "needs a reason, because it is not strict";
	if (rule->cls == FIM_CLASS_EXCLUDED && !rule->approver)
		return "needs an approver, because it is excluded";
	if (rule->cls == FIM_CLASS_TEMPLATED && !rule->template)
		return "needs a template, because it is templated";
	if (rule->cls != FIM_CLASS_TEMPLATED && rule->template)
		return "has a template and is not templated";
	if (rule->cls != FIM_CLASS_TEMPLATED && rule->cls != FIM_CLASS_ONCE && rule->writers)
		return "has writers and is neither once nor templated";
	fault = rule->template ? template_fault(rule->template) : NULL;
	if (!fault)
		fault = writers_fault(rule);
	if (!fault && !is_within_roots(policy, rule))
		fault = "is outside all roots";
	return fault;
}

static int root_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int rule_order(const void *a, const void *b)
{
	return strcmp(((const struct fim_rule *)a)->path, ((const struct fim_rule *)b)->path);
}

static int policy_seal(struct fim_policy *policy)
{
	unsigned char digest[FIM_SHA256_SIZE];
	struct fim_json *json;
	char *text = NULL;
	size_t len, i;
	int err;

	qsort(policy->roots, policy->root_count, sizeof(*policy->roots), root_order);
	qsort(policy->rules, policy->rule_count, sizeof(*policy->rules), rule_order);
	for (i = 0; i < policy->rule_count; i++) {
		const struct fim_rule *rule = &policy->rules[i];

		if (rule->is_glob)
			policy->globs[policy->glob_count++] = (struct glob){
				.rule = rule, .literal = strcspn(rule->path, WILDCARDS "\\")};
	}
	json = fim_policy_to_json(policy);
	err = fim_json_dump(json, &text, &len);
	if (!err)
		err = fim_sha256(text, len, digest);
	if (!err)
		fim_hex_encode(digest, sizeof(digest), policy->digest);
	free(text);
	fim_json_free(json);
	return err;
}

/* ---- from YAML */

/**
 * struct policy_yaml - a policy as written
 * @name: its name
 * @version: its version
 * @roots: borrowed
 * @rules: borrowed
 */
struct policy_yaml {
	char *name;
	char *version;
	const struct fim_yaml *roots;
	const struct fim_yaml *rules;
};

/**
 * struct rule_yaml - a rule as written; pointers are handed on to the policy's rule
 * @path: the path
 * @cls: name of the class
 * @reason: why
 * @approver: who
 * @category: PCI DSS category
 * @template: expression
 * @writers: programs
 */
struct rule_yaml {
	char *path;
	char *cls;
	char *reason;
	char *approver;
	char *category;
	char *template;
	char **writers;
};

/* clang-format off */
static const struct fim_yaml_field policy_fields[] = {
	{ .key = "name",    .type = FIM_YAML_STRING, .offset = offsetof(struct policy_yaml, name) },
	{ .key = "version", .type = FIM_YAML_STRING, .offset = offsetof(struct policy_yaml, version) },
	{ .key = "roots",   .type = FIM_YAML_NODE,   .offset = offsetof(struct policy_yaml, roots) },
	{ .key = "rules",   .type = FIM_YAML_NODE,   .offset = offsetof(struct policy_yaml, rules) },
};

static const struct fim_yaml_field rule_fields[] = {
	{ .key = "path",     .type = FIM_YAML_STRING, .offset = offsetof(struct rule_yaml, path) },
	{ .key = "class",    .type = FIM_YAML_STRING, .offset = offsetof(struct rule_yaml, cls) },
	{ .key = "reason",   .type = FIM_YAML_STRING, .offset = offsetof(struct rule_yaml, reason) },
	{ .key = "approver", .type = FIM_YAML_STRING, .offset = offsetof(struct rule_yaml, approver) },
	{ .key = "category", .type = FIM_YAML_STRING, .offset = offsetof(struct rule_yaml, category) },
	{ .key = "template", .type = FIM_YAML_STRING, .offset = offsetof(struct rule_yaml, template) },
	{ .key = "writers",  .type = FIM_YAML_STRINGS, .offset = offsetof(struct rule_yaml, writers) },
};
/* clang-format on */

static int roots_from_yaml(const char *file, const struct fim_yaml *roots,
			   struct fim_policy *policy)
{
	const struct fim_yaml *node;
	const char *fault;

	for (node = roots->first; node; node = node->next) {
		if (node->kind != FIM_YAML_SCALAR)
			return fim_yaml_fail(file, node, "a root must be a path");
		fault = root_fault(policy, node->text);
		if (fault)
			return fim_yaml_fail(file, node, "root \"%s\" %s", node->text, fault);
		policy->roots[policy->root_count] = strdup(node->text);
		if (!policy->roots[policy->root_count])
			return -ENOMEM;
		policy->root_count++;
	}
	return 0;
}

static int rule_from_yaml(const char *file, const struct fim_yaml *node, struct fim_policy *policy)
{
	struct rule_yaml raw = {0};
	struct fim_rule rule = {0};
	const char *fault;
	int err;

	err = fim_yaml_read(file, node, rule_fields, sizeof(rule_fields) / sizeof(rule_fields[0]),
			    &raw);
	if (!err && !raw.path)
		err = fim_yaml_fail(file, node, "a rule needs a \"path\"");
	if (!err && !raw.cls)
		err = fim_yaml_fail(file, node, "a rule needs a \"class\"");
	if (!err && class_parse(raw.cls, &rule.cls))
		err = fim_yaml_fail(
			file, node,
			"unknown class \"%s\": strict, once, templated, metadata, append-only or excluded",
			raw.cls);
	rule.path = raw.path;
	rule.reason = raw.reason;
	rule.approver = raw.approver;
	rule.category = raw.category;
	rule.template = raw.template;
	rule.writers = raw.writers;
	free(raw.cls);
	fault = err ? NULL : rule_fault(policy, &rule);
	if (fault)
		err = fim_yaml_fail(file, node, "\"%s\" %s", rule.path, fault);
	if (err)
		rule_clear(&rule);
	else
		policy->rules[policy->rule_count++] = rule;
	return err;
}

static int policy_from_yaml(const char *file, const struct fim_yaml *root, struct policy_yaml *raw,
			    struct fim_policy **policy_ret)
{
	const struct fim_yaml *node;
	struct fim_policy *policy = NULL;
	int err;

	if (!raw->name || !raw->version || !raw->roots)
		return fim_yaml_fail(file, root,
				     "a policy needs \"name\", \"version\" and \"roots\"");
	if (raw->roots->kind != FIM_YAML_SEQUENCE || !raw->roots->count)
		return fim_yaml_fail(file, raw->roots, "\"roots\" must be a list of paths");
	if (raw->rules && raw->rules->kind != FIM_YAML_SEQUENCE)
		return fim_yaml_fail(file, raw->rules, "\"rules\" must be a list");
	err = policy_new(raw->roots->count, raw->rules ? raw->rules->count : 0, &policy);
	if (err)
		return err;
	policy->name = raw->name;
	policy->version = raw->version;
	raw->name = NULL;
	raw->version = NULL;
	err = roots_from_yaml(file, raw->roots, policy);
	for (node = raw->rules ? raw->rules->first : NULL; node && !err; node = node->next)
		err = rule_from_yaml(file, node, policy);
	if (!err)
		err = policy_seal(policy);
	if (err)
		fim_policy_free(policy);
	else
		*policy_ret = policy;
	return err;
}

int fim_policy_parse(const char *text, size_t len, const char *file, struct fim_policy **policy_ret)
{
	struct policy_yaml raw = {0};
	struct fim_yaml *root = NULL;
	int err;

	err = fim_yaml_parse(text, len, file, &root);
	if (err)
		return err;
	if (!root)
		err = fim_yaml_fail(file, NULL, "the policy is empty");
	if (!err)
		err = fim_yaml_read(file, root, policy_fields,
				    sizeof(policy_fields) / sizeof(policy_fields[0]), &raw);
	if (!err)
		err = policy_from_yaml(file, root, &raw, policy_ret);
	free(raw.name);
	free(raw.version);
	fim_yaml_free(root);
	return err;
}

int fim_policy_load(const char *path, struct fim_policy **policy_ret)
{
	char *text = NULL;
	size_t len;
	int err;

	err = fim_file_read(path, POLICY_FILE_MAX, &text, &len);
	if (!err)
		err = fim_policy_parse(text, len, path, policy_ret);
	free(text);
	return err;
}

/* ---- from and to JSON */

static int json_fail(const char *what, const char *name, const char *fault)
{
	fim_log(LOG_ERR, "%s: policy: %s %s", what, name, fault);
	return -EINVAL;
}

/**
 * struct member_reader - members of a JSON object that may be there
 * @what: for messages
 * @allowed: NULL-terminated names
 */
struct member_reader {
	const char *what;
	const char *const *allowed;
};

static int member_known(void *ctx, const char *key, struct fim_json *value)
{
	const struct member_reader *reader = ctx;
	size_t i;

	(void)value;
	for (i = 0; reader->allowed[i]; i++)
		if (!strcmp(reader->allowed[i], key))
			return 0;
	return json_fail(reader->what, key, "is unknown");
}

static int members_known(const struct fim_json *object, const char *what,
			 const char *const *allowed)
{
	struct member_reader reader = {.what = what, .allowed = allowed};

	if (!fim_json_is_object(object))
		return json_fail(what, "a part", "is not an object");
	return fim_json_each(object, member_known, &reader);
}

/* Copies a string that may be absent; an empty one is as good as none and so refused. */
static int member_dup(const struct fim_json *object, const char *key, const char *what,
		      char **text_ret)
{
	const struct fim_json *json = fim_json_get(object, key);
	const char *text = fim_json_str(json);

	if (!json)
		return 0;
	if (!text || !*text)
		return json_fail(what, key, "is not a string or empty");
	*text_ret = strdup(text);
	return *text_ret ? 0 : -ENOMEM;
}

static int writers_from_json(const struct fim_json *object, const char *what, char ***writers_ret)
{
	const struct fim_json *writers = fim_json_get(object, "writers");
	size_t i, count = fim_json_count(writers);
	char **strings;
	const char *text;

	if (!writers)
		return 0;
	if (!fim_json_is_array(writers) || !count)
		return json_fail(what, "writers", "is not a list of paths");
	strings = calloc(count + 1, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	*writers_ret = strings;
	for (i = 0; i < count; i++) {
		text = fim_json_str(fim_json_index(writers, i));
		if (!text)
			return json_fail(what, "writers", "is not a list of paths");
		strings[i] = strdup(text);
		if (!strings[i])
			return -ENOMEM;
	}
	return 0;
}

static int roots_from_json(const struct fim_json *roots, const char *what,
			   struct fim_policy *policy)
{
	const char *root, *fault;
	size_t i;

	for (i = 0; i < fim_json_count(roots); i++) {
		root = fim_json_str(fim_json_index(roots, i));
		if (!root)
			return json_fail(what, "a root", "is not a string");
		fault = root_fault(policy, root);
		if (fault)
			return json_fail(what, root, fault);
		policy->roots[policy->root_count] = strdup(root);
		if (!policy->roots[policy->root_count])
			return -ENOMEM;
		policy->root_count++;
	}
	return 0;
}

static int rule_from_json(const struct fim_json *json, const char *what, struct fim_policy *policy)
{
	static const char *const allowed[] = {"path",	  "class",    "reason",	 "approver",
					      "category", "template", "writers", NULL};
	const char *cls = fim_json_get_str(json, "class"), *fault;
	struct fim_rule rule = {0};
	int err;

	err = members_known(json, what, allowed);
	if (!err)
		err = member_dup(json, "path", what, &rule.path);
	if (!err)
		err = member_dup(json, "reason", what, &rule.reason);
	if (!err)
		err = member_dup(json, "approver", what, &rule.approver);
	if (!err)
		err = member_dup(json, "category", what, &rule.category);
	if (!err)
		err = member_dup(json, "template", what, &rule.template);
	if (!err)
		err = writers_from_json(json, what, &rule.writers);
	if (!err && !rule.path)
		err = json_fail(what, "a rule", "has no path");
	if (!err && (!cls || class_parse(cls, &rule.cls)))
		err = json_fail(what, rule.path, "has no class that is known");
	fault = err ? NULL : rule_fault(policy, &rule);
	if (fault)
		err = json_fail(what, rule.path, fault);
	if (err)
		rule_clear(&rule);
	else
		policy->rules[policy->rule_count++] = rule;
	return err;
}

static int policy_check_json(const struct fim_json *json, const char *what)
{
	static const char *const allowed[] = {"name", "version", "roots", "rules", NULL};
	const struct fim_json *roots, *rules;
	int err;

	err = members_known(json, what, allowed);
	if (err)
		return err;
	roots = fim_json_get(json, "roots");
	rules = fim_json_get(json, "rules");
	if (!fim_json_is_array(roots) || !fim_json_count(roots))
		return json_fail(what, "roots", "is not a list of paths");
	if (!fim_json_is_array(rules))
		return json_fail(what, "rules", "is not a list");
	if (!fim_json_get(json, "name") || !fim_json_get(json, "version"))
		return json_fail(what, "name or version", "is missing");
	return 0;
}

int fim_policy_from_json(const struct fim_json *json, const char *what,
			 struct fim_policy **policy_ret)
{
	const struct fim_json *roots = fim_json_get(json, "roots");
	const struct fim_json *rules = fim_json_get(json, "rules");
	struct fim_policy *policy = NULL;
	size_t i;
	int err;

	err = policy_check_json(json, what);
	if (err)
		return err;
	err = policy_new(fim_json_count(roots), fim_json_count(rules), &policy);
	if (err)
		return err;
	err = member_dup(json, "name", what, &policy->name);
	if (!err)
		err = member_dup(json, "version", what, &policy->version);
	if (!err)
		err = roots_from_json(roots, what, policy);
	for (i = 0; i < fim_json_count(rules) && !err; i++)
		err = rule_from_json(fim_json_index(rules, i), what, policy);
	if (!err)
		err = policy_seal(policy);
	if (err)
		fim_policy_free(policy);
	else
		*policy_ret = policy;
	return err;
}

static struct fim_json *writers_to_json(char *const *writers)
{
	struct fim_json *json = fim_json_array();

	for (; *writers; writers++)
		fim_json_append_str(json, *writers);
	return json;
}

struct fim_json *fim_policy_to_json(const struct fim_policy *policy)
{
	struct fim_json *json = fim_json_object();
	struct fim_json *roots = fim_json_array();
	struct fim_json *rules = fim_json_array();
	struct fim_json *object;
	size_t i;

	for (i = 0; i < policy->root_count; i++)
		fim_json_append_str(roots, policy->roots[i]);
	for (i = 0; i < policy->rule_count; i++) {
		object = fim_json_object();
		fim_json_set_str(object, "path", policy->rules[i].path);
		fim_json_set_str(object, "class", fim_class_name(policy->rules[i].cls));
		fim_json_set_str(object, "reason", policy->rules[i].reason);
		fim_json_set_str(object, "approver", policy->rules[i].approver);
		fim_json_set_str(object, "category", policy->rules[i].category);
		fim_json_set_str(object, "template", policy->rules[i].template);
		if (policy->rules[i].writers)
			fim_json_set(object, "writers", writers_to_json(policy->rules[i].writers));
		fim_json_append(rules, object);
	}
	fim_json_set_str(json, "name", policy->name);
	fim_json_set_str(json, "version", policy->version);
	fim_json_set(json, "roots", roots);
	fim_json_set(json, "rules", rules);
	return json;
}

/* ---- asking */

const char *fim_policy_name(const struct fim_policy *policy)
{
	return policy->name;
}

const char *fim_policy_digest(const struct fim_policy *policy)
{
	return policy->digest;
}

size_t fim_policy_root_count(const struct fim_policy *policy)
{
	return policy->root_count;
}

const char *fim_policy_root(const struct fim_policy *policy, size_t index)
{
	return index < policy->root_count ? policy->roots[index] : NULL;
}

size_t fim_policy_rule_count(const struct fim_policy *policy)
{
	return policy->rule_count;
}

const struct fim_rule *fim_policy_rule(const struct fim_policy *policy, size_t index)
{
	return index < policy->rule_count ? &policy->rules[index] : NULL;
}

/* The rule for exactly the first @len bytes of @path. */
static const struct fim_rule *rule_find(const struct fim_policy *policy, const char *path,
					size_t len)
{
	size_t low = 0, high = policy->rule_count, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strncmp(policy->rules[middle].path, path, len);
		if (!order && policy->rules[middle].path[len])
			order = 1;
		if (!order)
			return &policy->rules[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/*
 * Globs that could match something at or above @path: few have a beginning in common
 * with any given path. Returns how many were put into @some.
 */
static size_t globs_for(const struct fim_policy *policy, const char *path, const struct glob **some,
			size_t room)
{
	size_t i, count = 0;

	for (i = 0; i < policy->glob_count && count < room; i++)
		if (!strncmp(policy->globs[i].rule->path, path, policy->globs[i].literal))
			some[count++] = &policy->globs[i];
	return count;
}

static size_t parent_len(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	while (len && path[len - 1] == '/')
		len--;
	return len;
}

/* The rule with wildcards that matches exactly the first @len bytes of @path. */
static const struct fim_rule *glob_find(const struct glob *const *globs, size_t count,
					const char *path, size_t len)
{
	char head[FIM_PATH_MAX];
	size_t i, depth;

	if (!count || len >= sizeof(head))
		return NULL;
	memcpy(head, path, len);
	head[len] = '\0';
	depth = depth_of(head);
	for (i = 0; i < count; i++)
		if (globs[i]->rule->depth == depth &&
		    !fnmatch(globs[i]->rule->path, head, FNM_PATHNAME))
			return globs[i]->rule;
	return NULL;
}

const struct fim_rule *fim_policy_lookup(const struct fim_policy *policy, const char *path)
{
	const struct glob *few[64], **globs = few;
	const struct fim_rule *rule = NULL;
	size_t len = strlen(path), count;

	count = globs_for(policy, path, few, sizeof(few) / sizeof(few[0]));
	if (count == sizeof(few) / sizeof(few[0])) {
		globs = calloc(policy->glob_count, sizeof(*globs));
		if (globs)
			count = globs_for(policy, path, globs, policy->glob_count);
		else
			globs = few;
	}
	while (len && !rule) {
		rule = rule_find(policy, path, len);
		if (!rule || rule->is_glob)
			rule = glob_find(globs, count, path, len);
		len = parent_len(path, len);
	}
	if (!rule)
		rule = rule_find(policy, "/", 1);
	if (globs != few)
		free(globs);
	return rule ? rule : &policy->fallback;
}

/* No rule speaks of anything below the first @len bytes of @path: one rule is for all of it. */
static bool is_uniform(const struct fim_policy *policy, const char *path, size_t len)
{
	size_t i, common;

	for (i = 0; i < policy->rule_count; i++)
		if (!policy->rules[i].is_glob && !strncmp(policy->rules[i].path, path, len) &&
		    policy->rules[i].path[len] == '/')
			return false;
	for (i = 0; i < policy->glob_count; i++) {
		common = policy->globs[i].literal;
		common = common < len + 1 ? common : len + 1;
		if (!strncmp(policy->globs[i].rule->path, path, common))
			return false;
	}
	return true;
}

const struct fim_rule *fim_policy_lookup_next(const struct fim_policy *policy,
					      struct fim_policy_place *place, const char *path)
{
	size_t len, best = 0;

	if (place->rule && !strncmp(path, place->dir, place->len) && path[place->len] == '/')
		return place->rule;
	place->rule = fim_policy_lookup(policy, path);
	len = parent_len(path, strlen(path));
	while (len && is_uniform(policy, path, len)) {
		best = len;
		len = parent_len(path, len);
	}
	if (!best || best >= sizeof(place->dir)) {
		const struct fim_rule *rule = place->rule;

		place->rule = NULL;
		return rule;
	}
	memcpy(place->dir, path, best);
	place->len = best;
	return place->rule;
}

bool fim_policy_covers(const struct fim_policy *policy, const char *path)
{
	size_t i;

	for (i = 0; i < policy->root_count; i++)
		if (is_at_or_below(path, policy->roots[i]))
			return true;
	return false;
}

bool fim_policy_covers_next(const struct fim_policy *policy, size_t *root, const char *path)
{
	size_t i;

	for (i = 0; i < policy->root_count; i++) {
		if (is_at_or_below(path, policy->roots[*root]))
			return true;
		*root = (*root + 1) % policy->root_count;
	}
	return false;
}

bool fim_policy_compares_below(const struct fim_policy *policy, const char *directory)
{
	size_t i;

	for (i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].cls != FIM_CLASS_EXCLUDED &&
		    (fim_path_is_below(policy->rules[i].path, directory) ||
		     (policy->rules[i].is_glob &&
		      may_match_below(policy->rules[i].path, directory))))
			return true;
	return false;
}
