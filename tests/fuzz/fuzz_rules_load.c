/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a rules file says: a set that can be evaluated, or an error; and the same twice. */
#include <stdlib.h>
#include <string.h>

#include "libfim_rules.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void ignore(void *ctx, const struct fim_rules_message *message)
{
	*(size_t *)ctx += strlen(message->text) + strlen(message->item) + message->line;
}

static int hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	struct fim_json *json = fim_rules_hit_to_json(event, rule, 0);

	fim_json_free(json);
	*(size_t *)ctx += 1;
	return 0;
}

static void eval(struct fim_rules *rules, const char *source)
{
	static const char *const names[] = {"sh", "sshd", "systemd"};
	struct fim_rules_event *event;
	size_t hits = 0;

	if (fim_rules_event_new(rules, source, &event))
		abort();
	fim_rules_event_set_str(event, "evt.type", "open");
	fim_rules_event_set_str(event, "evt.is_open_write", "true");
	fim_rules_event_set_str(event, "fd.name", "/etc/shadow");
	fim_rules_event_set_str(event, "fd.directory", "/etc");
	fim_rules_event_set_str(event, "proc.name", "touch");
	fim_rules_event_set_str(event, "proc.cmdline", "touch -a \xff\n/etc/shadow");
	fim_rules_event_set_list(event, "proc.aname", names, 3);
	fim_rules_event_set_int(event, "user.uid", 0);
	fim_rules_event_set_int(event, "fd.num", 3);
	fim_rules_event_set_str(event, "ct.name", "ExecuteCommand");
	fim_rules_event_set_str(event, "ct.user", "");
	fim_rules_eval(event, hit, &hits);
	fim_rules_event_free(event);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	size_t seen = 0, i;
	struct fim_rules_params params = {.message = ignore, .ctx = &seen, .with_disabled = true};
	struct fim_rules_text texts[2] = {{"a", (const char *)data, size},
					  {"b", (const char *)data, size}};
	struct fim_rules *rules = NULL;
	const char *cut = size ? memchr(data, '\0', size) : NULL;

	/* A NUL divides two files. */
	if (cut) {
		texts[0].len = (size_t)(cut - (const char *)data);
		texts[1].text = cut + 1;
		texts[1].len = size - texts[0].len - 1;
	}
	if (fim_rules_build(texts, cut ? 2 : 1, &params, &rules))
		return 0;
	for (i = 0; i < fim_rules_count(rules); i++)
		seen += strlen(fim_rules_index(rules, i)->condition);
	eval(rules, "syscall");
	eval(rules, "aws_cloudtrail");
	fim_rules_free(rules);
	return 0;
}
