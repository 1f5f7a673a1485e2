/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the rule engine share. */
#ifndef RULES_FIXTURE_H
#define RULES_FIXTURE_H

#include <glob.h>
#include <stdarg.h>

#include "fixture.h"
#include "userspace/lib/rules_private.h"

/* Errors and warnings of loading: "CODE item: text\n" each. */
static char fixture_messages[1 << 16];

static inline void fixture_message(void *ctx, const struct fim_rules_message *message)
{
	size_t len = strlen(fixture_messages);

	(void)ctx;
	snprintf(fixture_messages + len, sizeof(fixture_messages) - len, "%s %u:%u %s %s: %s\n",
		 message->code, message->line, message->column, message->item_type, message->item,
		 message->text);
}

static const struct fim_rules_params fixture_params = {.message = fixture_message,
						       .with_disabled = true};

static inline int fixture_build(const char *yaml, struct fim_rules **rules_ret)
{
	struct fim_rules_text text = {"rules.yaml", yaml, strlen(yaml)};

	fixture_messages[0] = '\0';
	return fim_rules_build(&text, 1, &fixture_params, rules_ret);
}

static inline struct fim_rules *must_build(const char *yaml)
{
	struct fim_rules *rules = NULL;
	int err = fixture_build(yaml, &rules);

	ck_assert_msg(!err, "%d: %s", err, fixture_messages);
	return rules;
}

/* Text as a YAML string in quotes; malloc'ed. */
static inline char *quoted(const char *text)
{
	struct fim_text out = {0};

	fim_text_adds(&out, "\"");
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			fim_text_addf(&out, "\\x%02x", (unsigned char)*text);
		else if (*text == '"' || *text == '\\')
			fim_text_addf(&out, "\\%c", *text);
		else
			fim_text_add(&out, text, 1);
	}
	fim_text_adds(&out, "\"");
	ck_assert(!out.failed);
	return out.bytes;
}

/* One rule named "r" with this condition and output. */
static inline int build_condition(const char *source, const char *condition, const char *output,
				  struct fim_rules **rules_ret)
{
	char *quoted_condition = quoted(condition), *quoted_output = quoted(output), *yaml;
	int err;

	ck_assert_int_gt(asprintf(&yaml,
				  "- {rule: r, desc: d, source: %s, priority: INFO, "
				  "condition: %s, output: %s}\n",
				  source, quoted_condition, quoted_output),
			 0);
	err = fixture_build(yaml, rules_ret);
	free(quoted_condition);
	free(quoted_output);
	free(yaml);
	return err;
}

static inline int count_hit(void *ctx, struct fim_rules_event *event,
			    const struct fim_rules_rule *rule)
{
	(void)event;
	(void)rule;
	(*(size_t *)ctx)++;
	return 0;
}

/* For fim_rules_eval(): @ctx is a char *, which gets the output of the last hit. */
static inline int take_output(void *ctx, struct fim_rules_event *event,
			      const struct fim_rules_rule *rule)
{
	size_t len;

	free(*(char **)ctx);
	return fim_rules_output(event, rule, ctx, &len);
}

/* Path of a file that the engine answered questions in; NULL: there is none here. */
static inline const char *falco_path(const char *name)
{
	static char path[3 * PATH_MAX];
	static char start[PATH_MAX];
	const char *data = getenv("FALCO_DATA");
	glob_t found;

	if (data) {
		snprintf(path, sizeof(path), "%s/%s", data, name);
	} else {
		if (!*start && !getcwd(start, sizeof(start)))
			return NULL;
		if (glob("../*/falco", 0, NULL, &found))
			return NULL;
		snprintf(path, sizeof(path), "%s/%s/%s", start, found.gl_pathv[0], name);
		globfree(&found);
	}
	return access(path, R_OK) ? NULL : path;
}

#endif /* RULES_FIXTURE_H */
