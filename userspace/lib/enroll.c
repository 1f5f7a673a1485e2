/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first boot of a host: what the policy leaves to it becomes a delta to the
 * image's baseline, once. The daemon does not run yet; so who wrote is not known here,
 * and the delta names the writers that the policy expects.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "baseline.h"
#include "lib_private.h"

#define PART_MODE 0600
#define DELTA_MAX (64u << 20)

/**
 * struct enrolling - an enrollment under way
 * @params: what was asked for
 * @writer: the delta
 * @result: so far
 */
struct enrolling {
	const struct fim_enroll_params *params;
	struct fim_delta_writer *writer;
	struct fim_enrollment result;
};

static bool matches_template(const struct fim_difference *difference)
{
	unsigned char digest[FIM_SHA256_SIZE];
	const struct fim_state *after = difference->after;

	return after->type == FIM_TYPE_FILE && after->has_digest &&
	       !fim_template_digest(difference->rule->template, digest) &&
	       !memcmp(digest, after->sha256, sizeof(digest));
}

/* Of what has a template only the content is anybody's choice. */
static bool is_first_boots(const struct fim_difference *difference)
{
	if (difference->kind == FIM_KIND_UNREADABLE)
		return false;
	if (difference->rule->cls == FIM_CLASS_ONCE)
		return true;
	return difference->rule->cls == FIM_CLASS_TEMPLATED && matches_template(difference) &&
	       (difference->kind == FIM_KIND_ADDED ||
		!(difference->diff & ~(FIM_DIFF_DIGEST | FIM_DIFF_SIZE)));
}

/* malloc'ed */
static char *why_text(const struct fim_rule *rule)
{
	size_t len, i;
	FILE *out;
	char *text = NULL;

	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	fprintf(out, "first boot: %s", rule->reason ? rule->reason : fim_class_name(rule->cls));
	for (i = 0; rule->writers && rule->writers[i]; i++)
		fprintf(out, "%s%s", i ? ", " : " (written by ", rule->writers[i]);
	fputs(i ? ")" : "", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int on_difference(void *ctx, const struct fim_difference *difference)
{
	struct enrolling *run = ctx;
	const struct fim_enroll_params *params = run->params;
	struct fim_entry entry = {.path = (char *)difference->path, .state = *difference->after};
	const struct fim_entry *before;
	int err;

	if (!is_first_boots(difference)) {
		run->result.findings++;
		return params->finding ? params->finding(params->ctx, difference) : 0;
	}
	before = fim_baseline_lookup(params->baseline, difference->path);
	entry.package = before ? before->package : NULL;
	entry.link = (char *)difference->link_after;
	entry.why = why_text(difference->rule);
	err = entry.why ? fim_delta_add(run->writer, &entry) : -ENOMEM;
	free(entry.why);
	run->result.enrolled += !err;
	return err;
}

static char *beside(const char *dir, const char *suffix)
{
	size_t stem = strlen(FIM_ENROLLMENT_NAME) - strlen(".ndjson");
	char *path;

	return asprintf(&path, "%s/%.*s%s", dir, (int)stem, FIM_ENROLLMENT_NAME, suffix) < 0 ? NULL
											     : path;
}

/* The signature comes last: without one the delta counts for nothing. */
static int sign(struct enrolling *run, const char *delta, const char *key, const char *signature)
{
	unsigned char *made = NULL;
	char *bytes = NULL, *pem = NULL;
	size_t len, made_len, pem_len;
	int err;

	err = fim_file_read(delta, DELTA_MAX, &bytes, &len);
	if (!err)
		err = fim_sign_once(bytes, len, &made, &made_len, &pem, &pem_len,
				    run->result.key_id);
	if (!err)
		err = fim_file_write_atomic(key, pem, pem_len, PART_MODE);
	if (!err)
		err = fim_file_write_atomic(signature, made, made_len, PART_MODE);
	free(bytes);
	free(made);
	free(pem);
	return err;
}

static int compare(struct enrolling *run, const char *delta)
{
	const struct fim_enroll_params *params = run->params;
	struct fim_compare_params comparison = {
		.root = params->root, .difference = on_difference, .ctx = run};
	struct fim_json *change = fim_json_object();
	int err;

	fim_json_set_str(change, "reason", "first boot of this host");
	fim_json_set_str(change, "boot_id", params->boot_id);
	err = fim_delta_create(params->baseline, "enrollment", change, delta, &run->writer);
	fim_json_free(change);
	if (err)
		return err;
	err = fim_compare(params->baseline, &comparison, &run->result.totals);
	if (!err)
		return fim_delta_finish(run->writer, run->result.digest);
	fim_delta_abandon(run->writer);
	return err;
}

static int check_first(const struct fim_enroll_params *params, const char *signature)
{
	if (!access(signature, F_OK)) {
		fim_log(LOG_ERR, "%s: this host is enrolled already: a host is, once", signature);
		return -EEXIST;
	}
	if (params->baseline->delta_count) {
		fim_log(LOG_ERR, "%s: an enrollment comes before any other change", params->dir);
		return -EEXIST;
	}
	if (mkdir(params->dir, 0700) && errno != EEXIST) {
		int err = -errno;

		fim_log(LOG_ERR, "%s: cannot make the directory: %s", params->dir, strerror(-err));
		return err;
	}
	return 0;
}

int fim_enroll(const struct fim_enroll_params *params, struct fim_enrollment *enrollment_ret)
{
	struct enrolling run = {.params = params};
	char *delta = beside(params->dir, ".ndjson"), *key = beside(params->dir, ".pem");
	char *signature = beside(params->dir, ".sig");
	int err = delta && key && signature ? 0 : -ENOMEM;

	if (!err)
		err = check_first(params, signature);
	if (!err)
		err = compare(&run, delta);
	if (!err && !params->unsigned_only)
		err = sign(&run, delta, key, signature);
	if (!err)
		*enrollment_ret = run.result;
	free(delta);
	free(key);
	free(signature);
	return err;
}
