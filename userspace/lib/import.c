/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A baseline out of what another tool wrote down: only what that says is compared, and
 * the header says where it is from. It is unsigned, like every baseline that was just
 * made.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"
#include "mtree.h"

#define MTREE_MAX     (1u << 29)
#define NAMES_MAX     (16u << 20)
#define ROOTS_MAX     1024
#define BASELINE_MODE 0644

/**
 * struct import - an import under way
 * @params: what was asked for
 * @mtree: what was read
 * @policy: what of it is covered
 * @digest: SHA-256 of the file, hex
 * @stage: the baseline
 * @hasher: over all bytes of it so far
 * @result: so far
 */
struct import {
	const struct fim_import_params *params;
	struct fim_mtree mtree;
	struct fim_policy *policy;
	char digest[FIM_SHA256_HEX_SIZE];
	struct fim_stage *stage;
	struct fim_hasher *hasher;
	struct fim_import_result result;
};

/* ---- reading */

/* A small file of the system, malloc'ed; NULL: there is none that can be read. */
static char *system_text(int root_fd, const char *path)
{
	struct stat st;
	char *text = NULL;
	ssize_t len = -1;
	int fd = fim_open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= NAMES_MAX)
		text = malloc((size_t)st.st_size + 1);
	if (text)
		len = pread(fd, text, (size_t)st.st_size, 0);
	close(fd);
	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static int read_mtree(struct import *import)
{
	const struct fim_import_params *params = import->params;
	struct fim_mtree_source source = {.file = params->file, .prefix = params->prefix};
	unsigned char digest[FIM_SHA256_SIZE];
	char *text = NULL, *passwd, *group;
	int root_fd, err;
	size_t len;

	err = fim_file_read(params->file, MTREE_MAX, &text, &len);
	if (err)
		return err;
	root_fd = fim_open_root(params->root);
	if (root_fd < 0) {
		free(text);
		return root_fd;
	}
	source.passwd = passwd = system_text(root_fd, "etc/passwd");
	source.group = group = system_text(root_fd, "etc/group");
	close(root_fd);
	err = fim_sha256(text, len, digest);
	if (!err) {
		fim_hex_encode(digest, sizeof(digest), import->digest);
		err = fim_mtree_parse(text, len, &source, &import->mtree);
	}
	if (!err && !import->mtree.count) {
		fim_log(LOG_ERR, "%s: there is no object in it", params->file);
		err = -EINVAL;
	}
	free(passwd);
	free(group);
	free(text);
	return err;
}

/* ---- what is covered */

static int refuse_path(const struct import *import, const struct fim_mtree_entry *entry,
		       const char *reason)
{
	char *shown = fim_escape(entry->path, strlen(entry->path));

	fim_log(LOG_ERR, "%s:%zu: %s: %s", import->params->file, entry->line, shown ? shown : "?",
		reason);
	free(shown);
	return -EINVAL;
}

/*
 * Without a policy the list says itself what it is about: a directory of which it knows
 * nothing is only the way to what is below.
 */
static int roots_of(const struct import *import, struct fim_json *roots)
{
	const char *root = NULL;
	size_t i;

	for (i = 0; i < import->mtree.count; i++) {
		const struct fim_mtree_entry *entry = &import->mtree.entries[i];

		if (entry->is_bare || (root && fim_path_is_below(entry->path, root)))
			continue;
		if (!fim_is_utf8(entry->path, strlen(entry->path)))
			return refuse_path(import, entry,
					   "a root that is not UTF-8 needs a policy: --policy");
		if (fim_json_count(roots) == ROOTS_MAX)
			return refuse_path(
				import, entry,
				"too many places that are not below one another: say with --policy what is covered");
		root = entry->path;
		fim_json_append_str(roots, root);
	}
	if (root)
		return 0;
	fim_log(LOG_ERR, "%s: it says of no object more than that it is a directory",
		import->params->file);
	return -EINVAL;
}

/* A rule's path is a pattern: what would be one is taken as it is. malloc'ed */
static char *rule_path(const char *path, const char *below)
{
	char *text = malloc(2 * strlen(path) + strlen(below) + 1), *to = text;

	if (!text)
		return NULL;
	for (; *path; path++) {
		if (strchr("*?[\\", *path))
			*to++ = '\\';
		*to++ = *path;
	}
	strcpy(to, below);
	return text;
}

static int exclude(struct import *import, struct fim_json *rules,
		   const struct fim_mtree_entry *entry, const char *below, const char *reason)
{
	struct fim_json *rule;
	char *path;

	if (!fim_is_utf8(entry->path, strlen(entry->path)))
		return refuse_path(import, entry, "cannot be left out: it is not UTF-8");
	path = rule_path(!strcmp(entry->path, "/") ? "" : entry->path, below);
	if (!path)
		return -ENOMEM;
	rule = fim_json_object();
	fim_json_set_str(rule, "path", path);
	fim_json_set_str(rule, "class", "excluded");
	fim_json_set_str(rule, "reason", reason);
	fim_json_set_str(rule, "approver", "the imported mtree");
	fim_json_append(rules, rule);
	free(path);
	import->result.left_out++;
	return 0;
}

static int add_exclusions(struct import *import, struct fim_json *rules)
{
	size_t i;
	int err = 0;

	for (i = 0; i < import->mtree.count && !err; i++) {
		const struct fim_mtree_entry *entry = &import->mtree.entries[i];

		if (entry->optional)
			err = exclude(import, rules, entry, "", "\"optional\" in the mtree");
		else if (entry->ignore && entry->state.type == FIM_TYPE_DIR)
			err = exclude(import, rules, entry, "/*", "below \"ignore\" in the mtree");
	}
	return err;
}

static int make_policy(struct import *import)
{
	const struct fim_policy *given = import->params->policy;
	struct fim_json *json, *roots;
	int err = 0;

	if (given) {
		json = fim_policy_to_json(given);
	} else {
		json = fim_json_object();
		roots = fim_json_array();
		fim_json_set_str(json, "name", "mtree");
		fim_json_set_str(json, "version", "1");
		fim_json_set(json, "roots", roots);
		fim_json_set(json, "rules", fim_json_array());
		err = roots_of(import, roots);
	}
	if (!err)
		err = add_exclusions(import, fim_json_get(json, "rules"));
	if (!err)
		err = fim_policy_from_json(json, import->params->file, &import->policy);
	fim_json_free(json);
	return err;
}

/* ---- writing */

static int copy_member(void *to, const char *key, struct fim_json *value)
{
	fim_json_set(to, key, fim_json_ref(value));
	return 0;
}

static struct fim_json *provenance_of(const struct import *import)
{
	struct fim_json *json = fim_json_object();

	if (import->params->provenance)
		fim_json_each(import->params->provenance, copy_member, json);
	fim_json_set_str(json, "imported_format", "mtree");
	fim_json_set_path(json, "imported_file", import->params->file);
	fim_json_set_str(json, "imported_sha256", import->digest);
	return json;
}

static int write_header(const struct import *import)
{
	struct fim_json *header = fim_baseline_header_new(import->params->root, import->policy, 0,
							  provenance_of(import));
	int err;

	err = fim_line_write(import->stage, import->hasher, header);
	fim_json_free(header);
	return err;
}

/* What a class reads of a file is not always what the list says of it. */
static int in_terms_of(const struct fim_rule *rule, struct fim_state *state)
{
	int err = 0;

	if (state->type != FIM_TYPE_FILE)
		return 0;
	/* Any content that matches is as good as what was there. */
	if (rule->cls == FIM_CLASS_TEMPLATED && state->has_digest) {
		state->size = 0;
		state->unknown &= ~FIM_DIFF_SIZE;
		err = fim_template_digest(rule->template, state->sha256);
	}
	/* Its beginning can be looked at only by whoever knows how long that is. */
	if (rule->cls == FIM_CLASS_METADATA ||
	    (rule->cls == FIM_CLASS_APPEND_ONLY && state->unknown & FIM_DIFF_SIZE)) {
		state->has_digest = false;
		state->unknown |= FIM_DIFF_DIGEST;
	}
	return err;
}

static int write_entry(struct import *import, const struct fim_mtree_entry *entry)
{
	struct fim_state state = entry->state;
	const struct fim_rule *rule;
	struct fim_json *json;
	int err;

	if (!fim_policy_covers(import->policy, entry->path)) {
		import->result.outside++;
		return 0;
	}
	rule = fim_policy_lookup(import->policy, entry->path);
	if (rule->cls == FIM_CLASS_EXCLUDED)
		return 0;
	err = in_terms_of(rule, &state);
	if (err)
		return err;
	json = fim_json_object();
	fim_json_set_path(json, "path", entry->path);
	fim_state_to_json(&state, json);
	err = fim_line_write(import->stage, import->hasher, json);
	fim_json_free(json);
	import->result.objects++;
	import->result.without_digest += state.type == FIM_TYPE_FILE && !state.has_digest;
	return err;
}

static int write_baseline(struct import *import)
{
	size_t i;
	int err = write_header(import);

	for (i = 0; i < import->mtree.count && !err; i++)
		err = write_entry(import, &import->mtree.entries[i]);
	if (!err && !import->result.objects) {
		fim_log(LOG_ERR, "%s: the policy covers nothing of it", import->params->file);
		err = -EINVAL;
	}
	if (!err)
		err = fim_trailer_write(import->stage, import->hasher, import->result.objects);
	return err ? err : fim_stage_commit(import->stage, BASELINE_MODE);
}

int fim_import_mtree(const struct fim_import_params *params, const char *output,
		     struct fim_import_result *result_ret)
{
	struct import import = {.params = params, .hasher = fim_hasher_new()};
	const char *fault = fim_path_fault(params->prefix);
	int err = import.hasher ? 0 : -ENOMEM;

	if (fault) {
		fim_log(LOG_ERR, "%s: %s", params->prefix, fault);
		err = -EINVAL;
	}
	if (!err)
		err = read_mtree(&import);
	if (!err)
		err = make_policy(&import);
	if (!err)
		err = fim_stage_open(output, &import.stage);
	if (!err)
		err = write_baseline(&import);
	if (!err)
		*result_ret = import.result;
	fim_stage_free(import.stage);
	fim_hasher_free(import.hasher);
	fim_policy_free(import.policy);
	fim_mtree_clear(&import.mtree);
	return err;
}
