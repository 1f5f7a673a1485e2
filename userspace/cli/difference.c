/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One difference between what is expected and what is, as text or JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- differences for people */

static enum cli_colour kind_colour(enum fim_kind kind)
{
	return kind == FIM_KIND_ADDED || kind == FIM_KIND_ATTRIBUTES ? CLI_YELLOW : CLI_RED;
}

static void put_xattrs(const struct fim_state *state)
{
	const struct fim_xattr *xattr;
	size_t i;

	if (!state->xattr_count)
		fputs("none", stdout);
	for (i = 0; i < state->xattr_count; i++) {
		char *value;

		xattr = &state->xattrs[i];
		value = fim_escape((const char *)xattr->value, xattr->len);
		fputs(i ? ", " : "", stdout);
		cli_put_escaped(stdout, xattr->name);
		printf("=%s", value ? value : "?");
		free(value);
	}
}

static const char *flags_name(const struct fim_state *state)
{
	if (state->immutable)
		return state->append_only ? "immutable, append" : "immutable";
	return state->append_only ? "append" : "none";
}

static void put_value(const struct fim_state *state, uint32_t bit)
{
	char hex[FIM_SHA256_HEX_SIZE] = "unknown";

	switch (bit) {
	case FIM_DIFF_TYPE:
		fputs(fim_type_name(state->type), stdout);
		break;
	case FIM_DIFF_MODE:
		printf("%04o", state->mode);
		break;
	case FIM_DIFF_UID:
		printf("%u", state->uid);
		break;
	case FIM_DIFF_GID:
		printf("%u", state->gid);
		break;
	case FIM_DIFF_SIZE:
		printf("%llu", (unsigned long long)state->size);
		break;
	case FIM_DIFF_DIGEST:
		if (state->has_digest)
			fim_hex_encode(state->sha256, sizeof(state->sha256), hex);
		fputs(hex, stdout);
		break;
	case FIM_DIFF_TARGET:
		cli_put_escaped(stdout, state->target ? state->target : "none");
		break;
	case FIM_DIFF_XATTRS:
		put_xattrs(state);
		break;
	case FIM_DIFF_FLAGS:
		fputs(flags_name(state), stdout);
		break;
	case FIM_DIFF_NLINK:
		printf("%u", state->nlink);
		break;
	case FIM_DIFF_RDEV:
		printf("%u:%u", state->rdev_major, state->rdev_minor);
		break;
	}
}

/* Of what came or went, and of a change of type, the other attributes say nothing. */
static uint32_t shown_bits(const struct fim_difference *difference)
{
	if (difference->before->type == FIM_TYPE_NONE || difference->after->type == FIM_TYPE_NONE)
		return 0;
	return difference->diff & FIM_DIFF_TYPE ? FIM_DIFF_TYPE : difference->diff;
}

static void put_text(const struct fim_difference *difference, const struct fim_entry *agreed)
{
	uint32_t bits = shown_bits(difference), bit;

	printf("%s%-10s%s ", cli_colour(stdout, kind_colour(difference->kind)),
	       fim_kind_name(difference->kind), cli_colour(stdout, CLI_PLAIN));
	cli_put_escaped(stdout, difference->path);
	if (difference->kind == FIM_KIND_UNREADABLE)
		printf(": %s", strerror(-difference->err));
	else if (difference->kind == FIM_KIND_ADDED)
		printf(" (%s)", fim_type_name(difference->after->type));
	else if (difference->kind == FIM_KIND_REMOVED)
		printf(" (%s)", fim_type_name(difference->before->type));
	if (agreed) {
		fputs(": of a change, not signed yet: ", stdout);
		cli_put_escaped(stdout, agreed->why ? agreed->why : "no reason given");
	}
	putchar('\n');
	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1) {
		if (!(bits & bit))
			continue;
		printf("           %-7s ", fim_diff_name(bit));
		put_value(difference->before, bit);
		fputs(" → ", stdout);
		put_value(difference->after, bit);
		putchar('\n');
	}
}

/* ---- differences for programs: members as in a finding of the journal */

static struct fim_json *state_json(const struct fim_state *state)
{
	struct fim_json *json = fim_json_object();

	fim_state_to_json(state, json);
	return json;
}

static int copy_member(void *to, const char *key, struct fim_json *value)
{
	fim_json_set(to, key, fim_json_ref(value));
	return 0;
}

/* Who said so is in the header of the delta. */
static struct fim_json *agreed_json(const struct fim_baseline *pending,
				    const struct fim_entry *agreed)
{
	struct fim_json *json = fim_json_object();

	fim_json_each(fim_json_get(fim_baseline_header(pending), "change"), copy_member, json);
	fim_json_set_str(json, "why", agreed->why);
	fim_json_set_bool(json, "signed", false);
	return json;
}

static int put_json(const struct fim_difference *difference, const struct fim_baseline *pending,
		    const struct fim_entry *agreed)
{
	struct fim_json *json = fim_json_object(), *changed = fim_json_array();
	uint32_t bit;

	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (difference->diff & bit)
			fim_json_append_str(changed, fim_diff_name(bit));
	fim_json_set_str(json, "type", "finding");
	fim_json_set_str(json, "kind", fim_kind_name(difference->kind));
	fim_json_set_path(json, "path", difference->path);
	fim_json_set_str(json, "class", fim_class_name(difference->rule->cls));
	fim_json_set_str(json, "category", difference->rule->category);
	fim_json_set(json, "changed", changed);
	fim_json_set(json, "before", state_json(difference->before));
	fim_json_set(json, "after", state_json(difference->after));
	if (difference->kind == FIM_KIND_UNREADABLE)
		fim_json_set_str(json, "error", strerror(-difference->err));
	if (agreed)
		fim_json_set(json, "change", agreed_json(pending, agreed));
	return cli_put_json(stdout, json);
}

int cli_put_difference(const struct fim_difference *difference, const struct fim_baseline *pending,
		       bool as_json)
{
	const struct fim_entry *agreed = fim_pending_lookup(pending, difference);

	if (as_json)
		return put_json(difference, pending, agreed);
	put_text(difference, agreed);
	return 0;
}
