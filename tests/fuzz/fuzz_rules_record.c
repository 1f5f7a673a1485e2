/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a journal's record or an inspection holds: fields, or nothing. */
#include <stdlib.h>
#include <string.h>

#include "libfim_rules.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char rules_text[] =
	"- rule: r\n"
	"  desc: d\n"
	"  priority: INFO\n"
	"  condition: evt.type exists or evt.type = container\n"
	"  output: '%evt.type %fd.name %fd.directory %evt.arg.flags %evt.arg.mode %evt.arg.oldpath\n"
	"           %evt.arg.newpath %fs.path.name %proc.cmdline %proc.args %user.name %user.uid\n"
	"           %container.id %container.image.repository %container.image.tag\n"
	"           %container.mount.dest[/etc*] %container.mounts %container.labels\n"
	"           %container.label[a] %thread.cap_permitted %evt.time %evt.hostname'\n";

static int hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	fim_json_free(fim_rules_hit_to_json(event, rule, 0));
	(void)ctx;
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct fim_rules *rules;
	static struct fim_rules_event *event;
	struct fim_rules_text text = {"x", rules_text, sizeof(rules_text) - 1};
	struct fim_json *json;
	int64_t time_ns;

	if (!rules && (fim_rules_build(&text, 1, NULL, &rules) ||
		       fim_rules_event_new(rules, "syscall", &event)))
		abort();
	if (fim_json_parse((const char *)data, size, NULL, &json))
		return 0;
	fim_rules_event_reset(event);
	if (!fim_rules_event_set_record(event, json, &time_ns))
		fim_rules_eval(event, hit, NULL);
	fim_rules_event_reset(event);
	if (!fim_rules_event_set_inspect(event, json, &time_ns))
		fim_rules_eval(event, hit, NULL);
	fim_rules_event_reset(event);
	if (!fim_rules_event_set_fields(event, json))
		fim_rules_eval(event, hit, NULL);
	fim_json_free(json);
	return 0;
}
