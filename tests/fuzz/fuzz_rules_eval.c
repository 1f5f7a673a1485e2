/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever an event holds: an operation on each value, of each kind, ends.  The first byte
 * chooses the condition, the next two its constant's length; then the constant, then what
 * the event holds.
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/rules_private.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char *const fields[] = {
	"proc.name",
	"fd.name",
	"fd.num",
	"user.uid",
	"evt.is_open_write",
	"evt.buffer",
	"fd.ip",
	"fd.net",
	"proc.aname",
	"tolower(proc.name)",
	"basename(fd.name)",
	"b64(proc.cmdline)",
	"len(proc.cmdline)",
	"concat(proc.name, fd.name)",
	"join(\",\", (proc.name, fd.name))",
	"getopt(proc.aname, \"ab:\")",
	"evt.rawtime",
};
static const char *const operators[] = {
	"=",	       "!=",	     "<",	   "<=",     ">",	">=",	      "contains",
	"icontains",   "startswith", "endswith",   "glob",   "iglob",	"regex",      "bcontains",
	"bstartswith", "in",	     "intersects", "pmatch", "= anyof", "glob oneof", "regex allof",
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	fim_json_free(fim_rules_hit_to_json(event, rule, 0));
	(void)ctx;
	return 0;
}

static void quote(struct fim_text *out, const unsigned char *bytes, size_t len)
{
	size_t i;

	fim_text_adds(out, "\"");
	for (i = 0; i < len; i++)
		if (bytes[i] == '"' || bytes[i] == '\\')
			fim_text_addf(out, "\\%c", bytes[i]);
		else if (bytes[i] < ' ' || bytes[i] > '~')
			fim_text_addf(out, "\\x%02x", bytes[i]);
		else
			fim_text_add(out, (const char *)&bytes[i], 1);
	fim_text_adds(out, "\"");
}

static void run(struct fim_rules *rules, const unsigned char *value, size_t len)
{
	struct fim_rules_event *event;
	size_t i, half = len / 2;
	const char *names[2];
	char *first = strndup((const char *)value, half);
	char *second = strndup((const char *)value + half, len - half);

	if (fim_rules_event_new(rules, "syscall", &event) || !first || !second)
		abort();
	for (i = 0; i < COUNT(fields); i++)
		fim_rules_event_set(event, fields[i], (const char *)value, len);
	fim_rules_event_set(event, "proc.cmdline", (const char *)value, len);
	names[0] = first;
	names[1] = second;
	fim_rules_event_set_list(event, "proc.aname", names, 2);
	fim_rules_eval(event, hit, NULL);
	fim_rules_event_free(event);
	free(first);
	free(second);
}

/* The operand, as the operator wants it: one value, or a list. */
static void operand(struct fim_text *out, const char *op, const unsigned char *bytes, size_t len)
{
	bool is_set = !strcmp(op, "in") || !strcmp(op, "intersects") || !strcmp(op, "pmatch");
	bool is_list = is_set || strstr(op, "of");
	size_t half = len / 2;

	if (!is_list) {
		quote(out, bytes, len);
		return;
	}
	fim_text_adds(out, "(x, ");
	quote(out, bytes, half);
	fim_text_adds(out, ", ");
	quote(out, bytes + half, len - half);
	fim_text_adds(out, ")");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct fim_text yaml = {0}, condition = {0};
	struct fim_rules *rules = NULL;
	struct fim_rules_text text;
	struct fim_rules_params params = {0};
	const char *op;
	size_t len;

	if (size < 3)
		return 0;
	op = operators[data[1] % COUNT(operators)];
	len = data[2] < size - 3 ? data[2] : size - 3;
	/* Where the operator does not go with the field, at least a plain one is evaluated. */
	fim_text_addf(&condition, "%s %s ", fields[data[0] % COUNT(fields)], op);
	operand(&condition, op, data + 3, len);
	fim_text_adds(&yaml, "- {rule: p, desc: d, priority: INFO, condition: proc.name exists, "
			     "output: '%proc.name %20fd.name %tolower(proc.name) %proc.aname'}\n"
			     "- {rule: r, desc: d, priority: INFO, skip-if-unknown-filter: true, "
			     "output: '%proc.cmdline %3user.uid %len(fd.name)', condition: ");
	quote(&yaml, (const unsigned char *)condition.bytes, condition.len);
	fim_text_adds(&yaml, "}\n");
	text = (struct fim_rules_text){"x", yaml.bytes, yaml.len};
	if (fim_rules_build(&text, 1, &params, &rules)) {
		text.len = (size_t)(strchr(yaml.bytes, '\n') + 1 - yaml.bytes);
		if (fim_rules_build(&text, 1, &params, &rules))
			abort(); /* then nothing would ever be evaluated */
	}
	run(rules, data + 3 + len, size - 3 - len);
	fim_rules_free(rules);
	fim_text_free(&yaml);
	fim_text_free(&condition);
	return 0;
}
