/* SPDX-License-Identifier: Apache-2.0 */
/* Owns sets of rules: from files or texts to a set, and what a set tells about itself. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "rules_private.h"

size_t fim_rules_count(const struct fim_rules *rules)
{
	return rules->count;
}

const struct fim_rules_rule *fim_rules_index(const struct fim_rules *rules, size_t index)
{
	return index < rules->count ? &rules->compiled[index].info : NULL;
}

bool fim_rules_has_tag(const struct fim_rules_rule *rule, const char *tag)
{
	size_t i;

	for (i = 0; i < rule->tag_count; i++)
		if (!strcmp(rule->tags[i], tag))
			return true;
	return false;
}

void fim_rules_free(struct fim_rules *rules)
{
	size_t i;

	if (!rules)
		return;
	for (i = 0; i < rules->regex_count; i++)
		fim_regex_free(rules->regexes[i]);
	for (i = 0; i < FIM_SOURCE_COUNT; i++) {
		fim_names_free(&rules->programs[i].slot_names);
		fim_names_free(&rules->programs[i].bucket_names);
	}
	fim_names_free(&rules->term_names);
	fim_arena_free(&rules->arena);
	free(rules);
}

/* --------------------------------------------------------------- building */

static const struct fim_rules_params defaults;

static void build_end(struct fim_build *build)
{
	fim_names_free(&build->list_names);
	fim_names_free(&build->macro_names);
	fim_names_free(&build->rule_names);
	fim_arena_free(&build->arena);
}

/* One more file: read, and everything so far compiled; the set is replaced. */
static void build_text(struct fim_build *build, const struct fim_rules_text *text, bool is_last,
		       struct fim_rules **rules)
{
	build->file = fim_arena_copy(&build->arena, text->name, strlen(text->name));
	if (!build->file) {
		build->file = text->name;
		fim_build_nomem(build);
		return;
	}
	if (text->len > FIM_RULES_MAX_BYTES) {
		fim_build_error(build, "LOAD_ERR_FILE_READ", NULL, "larger than %u MiB",
				FIM_RULES_MAX_BYTES >> 20);
		return;
	}
	fim_rules_read(build, text->text, text->len);
	fim_rules_free(*rules);
	*rules = calloc(1, sizeof(**rules));
	if (!*rules)
		fim_build_nomem(build);
	build->quiet = !is_last;
	if (!build->err)
		fim_rules_compile(build, *rules);
	build->quiet = false;
}

int fim_rules_build(const struct fim_rules_text *texts, size_t count,
		    const struct fim_rules_params *params, struct fim_rules **rules_ret)
{
	struct fim_build build = {.params = params ? params : &defaults, .file = ""};
	struct fim_rules *rules = NULL;
	size_t i;

	for (i = 0; i < count && !build.err; i++)
		build_text(&build, &texts[i], i + 1 == count, &rules);
	if (!count) {
		rules = calloc(1, sizeof(*rules));
		if (!rules || fim_program_index(rules))
			fim_build_nomem(&build);
	}
	build_end(&build);
	if (build.err) {
		fim_rules_free(rules);
		return build.err;
	}
	*rules_ret = rules;
	return 0;
}

/* ------------------------------------------------------------------ files */

struct texts {
	const struct fim_rules_params *params;
	struct fim_rules_text *items;
	size_t count;
};

static void texts_free(struct texts *texts)
{
	size_t i;

	for (i = 0; i < texts->count; i++) {
		free((char *)texts->items[i].name);
		free((char *)texts->items[i].text);
	}
	free(texts->items);
}

static int read_error(struct texts *texts, const char *path, int err)
{
	struct fim_rules_message message = {true, "LOAD_ERR_FILE_READ", "", path, 0, 0, "", ""};

	message.text = strerror(-err);
	if (texts->params->message)
		texts->params->message(texts->params->ctx, &message);
	return err;
}

static int add_file(struct texts *texts, const char *path)
{
	struct fim_rules_text *items =
		realloc(texts->items, (texts->count + 1) * sizeof(*texts->items));
	char *name = strdup(path), *text = NULL;
	size_t len = 0;
	int err;

	if (items)
		texts->items = items;
	if (!items || !name) {
		free(name);
		fim_log(LOG_ERR, "%s: out of memory", path);
		return -ENOMEM;
	}
	err = fim_file_read(path, FIM_RULES_MAX_BYTES, &text, &len);
	if (err) {
		free(name);
		return read_error(texts, path, err);
	}
	if (texts->params->file)
		texts->params->file(texts->params->ctx, path, text, len);
	items[texts->count++] = (struct fim_rules_text){name, text, len};
	return 0;
}

static int is_rules_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && ((len > 5 && !strcmp(entry->d_name + len - 5, ".yaml")) ||
					   (len > 4 && !strcmp(entry->d_name + len - 4, ".yml")));
}

/* By bytes: the order must not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_dir(struct texts *texts, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_rules_file, by_name), i, err = 0;

	if (count < 0) {
		err = -errno;
		fim_log(LOG_ERR, "%s: %s", path, strerror(-err));
		return read_error(texts, path, err);
	}
	for (i = 0; i < count; i++) {
		char *name = NULL;

		if (!err && asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0) {
			fim_log(LOG_ERR, "%s: out of memory", path);
			err = -ENOMEM;
		}
		if (!err)
			err = add_file(texts, name);
		free(name);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int fim_rules_load(const char *const *paths, const struct fim_rules_params *params,
		   struct fim_rules **rules_ret)
{
	struct texts texts = {.params = params ? params : &defaults};
	struct stat stat_buf;
	int err = 0;

	for (; *paths && !err; paths++) {
		if (!stat(*paths, &stat_buf) && S_ISDIR(stat_buf.st_mode))
			err = add_dir(&texts, *paths);
		else
			err = add_file(&texts, *paths);
	}
	if (!err)
		err = fim_rules_build(texts.items, texts.count, params, rules_ret);
	texts_free(&texts);
	return err;
}

/* ---------------------------------------------------- a condition by itself */

static int compile_alone(const struct fim_node *node, const char *source,
			 struct fim_filter_error *error)
{
	int id = fim_rules_source_id((struct fim_str){source, strlen(source)});
	struct fim_rules *rules = calloc(1, sizeof(*rules));
	struct fim_compiler compiler = {
		.rules = rules, .source = (enum fim_rules_source_id)id, .error = error};
	uint32_t term;
	int err = -ENOENT;

	if (!rules)
		return -ENOMEM;
	if (id >= 0)
		err = fim_compile_condition(&compiler, node, &term);
	fim_rules_free(rules);
	return err;
}

int fim_rules_condition(const char *condition, size_t len, const char *source, char **canonical_ret,
			char **error_ret)
{
	struct fim_filter_error error = {0};
	struct fim_text canonical = {0};
	struct fim_arena arena = {0};
	struct fim_parser parser;
	struct fim_node *node;
	char *message = NULL;
	int err;

	fim_parser_init(&parser, &arena, (struct fim_str){condition, len}, &error);
	node = fim_parser_condition(&parser);
	err = parser.err;
	if (!err && source)
		err = compile_alone(node, source, &error);
	if (!err && canonical_ret) {
		fim_node_print(node, &canonical);
		fim_text_add(&canonical, "", 1);
		err = canonical.failed ? -ENOMEM : 0;
	}
	fim_arena_free(&arena);
	if (err == -EINVAL && error_ret &&
	    asprintf(&message, "%u:%u: %s", error.pos.line, error.pos.col, error.text) < 0)
		err = -ENOMEM;
	if (err == -EINVAL && error_ret)
		*error_ret = message;
	if (err || !canonical_ret)
		fim_text_free(&canonical);
	else
		*canonical_ret = canonical.bytes;
	return err;
}
