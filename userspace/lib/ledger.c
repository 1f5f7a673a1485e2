/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a comparison's record says, whoever compared.  Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib_private.h"

#define TOLD_WITHIN_NS (600 * FIM_NSEC_PER_SEC)

int fim_difference_digest(struct fim_hasher *hasher, const struct fim_difference *difference)
{
	struct fim_json *json = fim_json_object();
	char *text = NULL;
	size_t len = 0;
	int err;

	fim_json_set_path(json, "path", difference->path);
	fim_json_set_str(json, "kind", fim_kind_name(difference->kind));
	fim_state_to_json(difference->after, json);
	err = fim_json_dump(json, &text, &len);
	if (!err)
		err = fim_hasher_update(hasher, text, len + 1);
	free(text);
	fim_json_free(json);
	return err;
}

void fim_comparison_times_to_json(const struct fim_comparison *totals, struct fim_json *json)
{
	char time[FIM_TIME_SIZE];

	fim_time_format(totals->start_ns, time);
	fim_json_set_str(json, "start", time);
	fim_time_format(totals->end_ns, time);
	fim_json_set_str(json, "end", time);
}

void fim_comparison_counts_to_json(const struct fim_comparison *totals, struct fim_json *json)
{
	fim_json_set_int(json, "expected", (int64_t)totals->expected);
	fim_json_set_int(json, "compared", (int64_t)totals->compared);
	fim_json_set_int(json, "added", (int64_t)totals->added);
	fim_json_set_int(json, "removed", (int64_t)totals->removed);
	fim_json_set_int(json, "changed", (int64_t)totals->changed);
	fim_json_set_int(json, "unreadable", (int64_t)totals->unreadable);
	fim_json_set_int(json, "bytes", (int64_t)totals->bytes);
	fim_json_set_int(json, "skipped", (int64_t)totals->skipped);
}

void fim_comparison_to_json(const struct fim_comparison *totals, const struct fim_policy *policy,
			    struct fim_json *json)
{
	struct fim_json *scope = fim_json_array();

	for (size_t i = 0; i < fim_policy_root_count(policy); i++)
		fim_json_append_str(scope, fim_policy_root(policy, i));
	fim_json_set(json, "scope", scope);
	fim_comparison_times_to_json(totals, json);
	fim_comparison_counts_to_json(totals, json);
}

static bool get_count(const struct fim_json *request, const char *key, uint64_t *count_ret)
{
	int64_t count = fim_json_get_int(request, key, -1);

	*count_ret = count < 0 ? 0 : (uint64_t)count;
	return count >= 0;
}

static const char *check_told(const struct fim_json *request, const struct fim_baseline *baseline,
			      struct fim_comparison *totals_ret)
{
	const char *against = fim_json_get_str(request, "baseline");
	const char *digest = fim_json_get_str(request, "result_digest");
	const char *start = fim_json_get_str(request, "start");
	const char *end = fim_json_get_str(request, "end");
	unsigned char bytes[FIM_SHA256_SIZE];
	struct fim_comparison *totals = totals_ret;
	int64_t now = fim_time_now();

	if (!baseline)
		return "there is no baseline that could have been compared with";
	if (!against || strcmp(against, fim_baseline_head(baseline)) != 0)
		return "baseline: it was compared with another one than is in use";
	if (!digest || fim_hex_decode(digest, bytes, sizeof(bytes)))
		return "result_digest: 64 hexadecimal digits are needed";
	if (!start || !end || fim_time_parse(start, &totals->start_ns) ||
	    fim_time_parse(end, &totals->end_ns) || totals->start_ns > totals->end_ns ||
	    totals->end_ns > now + FIM_NSEC_PER_SEC || totals->end_ns < now - TOLD_WITHIN_NS)
		return "start, end: of a comparison that has just ended are needed";
	if (!get_count(request, "expected", &totals->expected) ||
	    !get_count(request, "compared", &totals->compared) ||
	    !get_count(request, "added", &totals->added) ||
	    !get_count(request, "removed", &totals->removed) ||
	    !get_count(request, "changed", &totals->changed) ||
	    !get_count(request, "unreadable", &totals->unreadable) ||
	    !get_count(request, "bytes", &totals->bytes))
		return "expected, compared, added, removed, changed, unreadable, bytes: counts are "
		       "needed";
	return NULL;
}

/*
 * Whoever compares may say how the clock is: the daemon's own unit does not let it ask.
 * Nothing but what fim_clock_facts() says is taken over.
 */
static void take_clock(const struct fim_json *request, struct fim_json *body)
{
	const struct fim_json *clock = fim_json_get(request, "clock");
	const char *state = fim_json_get_str(clock, "state");
	const char *service = fim_json_get_str(clock, "service");
	int64_t error_us = fim_json_get_int(clock, "max_error_us", -1);
	struct fim_json *taken;

	if (!state || (strcmp(state, "synchronised") && strcmp(state, "not synchronised")))
		return;
	taken = fim_json_object();
	fim_json_set_str(taken, "state", state);
	if (error_us >= 0)
		fim_json_set_int(taken, "max_error_us", error_us);
	if (service && strlen(service) <= 32)
		fim_json_set_str(taken, "service", service);
	fim_json_set(body, "clock", taken);
}

int fim_comparison_body(const struct fim_json *request, const struct fim_baseline *baseline,
			struct fim_json *who, const char **error_ret, struct fim_json **body_ret)
{
	struct fim_comparison totals = {0};
	const char *error = check_told(request, baseline, &totals);
	struct fim_json *body;

	if (error) {
		fim_json_free(who);
		*error_ret = error;
		return -EINVAL;
	}
	body = fim_json_object();
	fim_json_set_str(body, "trigger", "scheduled");
	fim_json_set(body, "who", who);
	fim_comparison_to_json(&totals, fim_baseline_policy(baseline), body);
	fim_json_set_str(body, "result_digest", fim_json_get_str(request, "result_digest"));
	take_clock(request, body);
	*body_ret = body;
	return 0;
}
