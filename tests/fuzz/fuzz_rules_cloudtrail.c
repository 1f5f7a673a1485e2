/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a log file holds, cut anywhere: records, or an end. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/rules_private.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char rules_text[] =
	"- rule: r\n"
	"  desc: d\n"
	"  priority: INFO\n"
	"  source: aws_cloudtrail\n"
	"  condition: ct.name exists or jevt.value[/a/0] = b or json.value[/] exists or\n"
	"             ct.user = x or s3.bytes > 3 or ec2.imageids in (ami) or ct.info exists\n"
	"  output: '%ct.info %ct.request %ct.resources %s3.uri %ec2.name %ct.shortsrc %json.obj\n"
	"           %json.value[/a~1b] %ct.readonly %ec2.imageids %ct.time %evt.time'\n";

struct fuzz {
	struct fim_rules_event *event;
	size_t records;
};

static int hit(void *ctx, struct fim_rules_event *event, const struct fim_rules_rule *rule)
{
	fim_json_free(fim_rules_hit_to_json(event, rule, 0));
	(void)ctx;
	return 0;
}

static int take(void *ctx, struct fim_str text, struct fim_str id)
{
	struct fuzz *fuzz = ctx;
	/* A copy of the very size, so that the sanitizer sees a byte too far. */
	char *copy = malloc(text.len ? text.len : 1);

	if (!copy || id.len > text.len)
		abort();
	memcpy(copy, text.bytes, text.len);
	fuzz->records++;
	fim_rules_event_reset(fuzz->event);
	if (!fim_rules_event_set_cloudtrail(fuzz->event, copy, text.len, NULL))
		fim_rules_eval(fuzz->event, hit, NULL);
	free(copy);
	return 0;
}

static size_t feed(struct fim_rules_event *event, const unsigned char *data, size_t size,
		   size_t piece)
{
	struct fuzz fuzz = {event, 0};
	struct fim_ct_stream_params params = {take, &fuzz};
	struct fim_ct_stream *stream;
	size_t at = 0;
	int err = 0;

	if (fim_ct_stream_new(&params, &stream))
		abort();
	while (at < size && !err) {
		size_t len = size - at < piece ? size - at : piece;

		err = fim_ct_stream_feed(stream, (const char *)data + at, len);
		at += len;
	}
	fim_ct_stream_free(stream);
	return fuzz.records;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct fim_rules *rules;
	static struct fim_rules_event *event;
	struct fim_rules_text text = {"x", rules_text, sizeof(rules_text) - 1};

	if (!rules && (fim_rules_build(&text, 1, NULL, &rules) ||
		       fim_rules_event_new(rules, "aws_cloudtrail", &event)))
		abort();
	/* Where it is cut makes no difference. */
	if (feed(event, data, size, size + 1) != feed(event, data, size, size % 7 + 1))
		abort();
	return 0;
}
