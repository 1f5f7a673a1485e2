/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg's records: the first byte says which file the rest is. What is read of them owns
 * only what the policy covers, and a link is vouched for only if a package has its target.
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/lib/lib_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] = "name: f\nversion: \"1\"\nroots: [/etc, /usr/bin]\nrules: []\n";

static void parse_file(struct fim_packages *packages, const char *name, const char *text,
		       size_t len)
{
	FILE *file = len ? fmemopen((void *)text, len, "r") : NULL;

	if (!file)
		return;
	fim_dpkg_parse(packages, name, file);
	fclose(file);
}

static void check(const struct fim_packages *packages)
{
	if (fim_packages_has(packages, "/outside") || fim_packages_digest(packages, "/outside"))
		abort();
	if (fim_packages_has(packages, "/usr/bin/nobodys"))
		return;
	if (fim_packages_links(packages, "/etc/alternatives/editor", "/usr/bin/nobodys"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"status", "demo.list", "demo:amd64.md5sums"};
	static struct fim_policy *policy;
	struct fim_packages *packages;
	struct fim_json *json;
	char *copy;

	if (!policy && fim_policy_parse(policy_text, strlen(policy_text), "fuzz", &policy))
		abort();
	if (size < 2)
		return 0;
	packages = fim_packages_new(policy);
	copy = malloc(size);
	if (packages && copy) {
		memcpy(copy, data + 1, size - 1);
		copy[size - 1] = '\0';
		parse_file(packages, "known.list", "/usr/bin/nano\n", 14);
		if (data[0] % 4 < 3)
			parse_file(packages, names[data[0] % 4], copy, size - 1);
		else
			fim_alternatives_parse(packages, "editor", copy);
		check(packages);
		json = fim_packages_to_json(packages);
		fim_json_free(json);
	}
	free(copy);
	fim_packages_free(packages);
	return 0;
}
