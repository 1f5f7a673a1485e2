/* SPDX-License-Identifier: Apache-2.0 */
/* What the actions of ecs-fim rules share. */
#ifndef CMD_RULES_H
#define CMD_RULES_H

#include "cli.h"
#include "libfim_rules.h"

/* Rules that the package installs. */
#define RULES_DIR "/usr/share/ecs-fim/rules"

/**
 * struct rules_options - what the command line says
 * @paths: rules files and directories, NULL-terminated; from --rules
 * @path_count: their number
 * @tags: NULL-terminated, from --tag
 * @tag_count: their number
 * @source: --source
 * @fields: --fields
 * @state: --state
 * @condition: --condition
 * @json: --json
 * @follow: --follow
 * @args: what is left of the command line, NULL-terminated
 * @arg_count: its number
 */
struct rules_options {
	const char **paths;
	size_t path_count;
	const char **tags;
	size_t tag_count;
	const char *source;
	const char *fields;
	const char *state;
	const char *condition;
	bool json;
	bool follow;
	const char *const *args;
	size_t arg_count;
};

/* Reports errors; warnings are left out. Of @paths, or what is installed if there are none. */
int rules_load(const struct rules_options *options, const char *const *paths, bool with_disabled,
	       struct fim_rules **rules_ret);

/* cmd_rules_eval.c; each returns an enum fim_exit. */
int rules_eval(const struct rules_options *options);
int rules_test(const struct rules_options *options);

#endif /* CMD_RULES_H */
