/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that loads must come back from its JSON with the same digest. */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lookups(const struct fim_policy *policy)
{
	const struct fim_rule *rule;
	size_t i;

	for (i = 0; i < fim_policy_rule_count(policy); i++) {
		rule = fim_policy_rule(policy, i);
		/* A pattern need not match its own text. */
		if (rule->is_glob)
			continue;
		if (fim_policy_lookup(policy, rule->path) != rule)
			abort();
	}
	for (i = 0; i < fim_policy_root_count(policy); i++)
		if (!fim_policy_covers(policy, fim_policy_root(policy, i)))
			abort();
	if (fim_policy_lookup(policy, "/etc/ssh/sshd_config") == NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fim_policy *policy = NULL, *again = NULL;
	struct fim_json *json;

	if (fim_policy_parse((const char *)data, size, "fuzz", &policy))
		return 0;
	check_lookups(policy);
	json = fim_policy_to_json(policy);
	if (fim_policy_from_json(json, "fuzz", &again) ||
	    strcmp(fim_policy_digest(policy), fim_policy_digest(again)))
		abort();
	fim_policy_free(again);
	fim_json_free(json);
	fim_policy_free(policy);
	return 0;
}
