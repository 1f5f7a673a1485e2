/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A baseline in the formats of other tools, so that nobody has to trust this one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "baseline.h"
#include "lib_private.h"

static int finish(FILE *out)
{
	int err = 0;

	if (fflush(out) || ferror(out)) {
		err = errno ? -errno : -EIO;
		fim_log(LOG_ERR, "cannot write the export: %s", strerror(-err));
	}
	return err;
}

/* ---- sha256sum(1) */

/* As sha256sum(1): a line with an escaped name begins with a backslash. */
static void write_sum(FILE *out, const char *root, const struct fim_entry *entry)
{
	char hex[FIM_SHA256_HEX_SIZE];
	const char *parts[] = {root, entry->path};
	const char *p;
	size_t i;

	fim_hex_encode(entry->state.sha256, sizeof(entry->state.sha256), hex);
	if (strpbrk(root, "\n\r\\") || strpbrk(entry->path, "\n\r\\"))
		fputc('\\', out);
	fprintf(out, "%s  ", hex);
	for (i = 0; i < 2; i++) {
		for (p = parts[i]; *p; p++) {
			if (*p == '\n')
				fputs("\\n", out);
			else if (*p == '\r')
				fputs("\\r", out);
			else if (*p == '\\')
				fputs("\\\\", out);
			else
				fputc(*p, out);
		}
	}
	fputc('\n', out);
}

int fim_baseline_export_sha256sums(const struct fim_baseline *baseline, FILE *out)
{
	const struct fim_entry *entry;
	char *root = NULL;
	size_t i, len;
	int err;

	err = fim_json_get_bytes(baseline->header, "root", &root, &len);
	if (err)
		return err;
	for (i = 0; i < baseline->count; i++) {
		entry = &baseline->entries[i];
		if (entry->state.type == FIM_TYPE_FILE && entry->state.has_digest)
			write_sum(out, len == 1 ? "" : root, entry);
	}
	free(root);
	return finish(out);
}

/* ---- mtree(5) */

/* As vis(3) with VIS_OCTAL: what is not plain becomes a backslash and three octal digits. */
static void put_vis(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte <= ' ' || byte >= 0x7f || strchr("\\#=*?[", byte))
			fprintf(out, "\\%03o", byte);
		else
			fputc(byte, out);
	}
}

static const char *mtree_type(enum fim_type type)
{
	return type == FIM_TYPE_SYMLINK ? "link" : fim_type_name(type);
}

/* mtree wants every directory above said; of those above a root nothing is known but that. */
static void write_parents(FILE *out, const struct fim_baseline *baseline, size_t index)
{
	const char *path = baseline->entries[index].path, *slash = path;
	const char *before = index ? baseline->entries[index - 1].path : "";
	char parent[FIM_PATH_MAX];

	while ((slash = strchr(slash + 1, '/'))) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		if (fim_path_is_below(before, parent) || fim_baseline_lookup(baseline, parent))
			continue;
		fputc('.', out);
		put_vis(out, parent);
		fputs(" type=dir\n", out);
	}
}

static void write_mtree(FILE *out, const struct fim_entry *entry)
{
	const struct fim_state *state = &entry->state;
	char hex[FIM_SHA256_HEX_SIZE];

	fputc('.', out);
	put_vis(out, strcmp(entry->path, "/") ? entry->path : "");
	fprintf(out, " type=%s", mtree_type(state->type));
	if (!(state->unknown & FIM_DIFF_MODE))
		fprintf(out, " mode=%04o", state->mode);
	if (!(state->unknown & FIM_DIFF_UID))
		fprintf(out, " uid=%u", state->uid);
	if (!(state->unknown & FIM_DIFF_GID))
		fprintf(out, " gid=%u", state->gid);
	/* The size that stands for a template is nobody's. */
	if (state->type == FIM_TYPE_FILE && state->has_digest) {
		fim_hex_encode(state->sha256, sizeof(state->sha256), hex);
		if (!(state->unknown & FIM_DIFF_NLINK))
			fprintf(out, " nlink=%u", state->nlink);
		if (!(state->unknown & FIM_DIFF_SIZE))
			fprintf(out, " size=%" PRIu64, state->size);
		fprintf(out, " sha256=%s", hex);
	}
	if (state->type == FIM_TYPE_SYMLINK && state->target) {
		fputs(" link=", out);
		put_vis(out, state->target);
	}
	if ((state->type == FIM_TYPE_CHAR || state->type == FIM_TYPE_BLOCK) &&
	    !(state->unknown & FIM_DIFF_RDEV))
		fprintf(out, " device=linux,%u,%u", state->rdev_major, state->rdev_minor);
	fputc('\n', out);
}

int fim_baseline_export_mtree(const struct fim_baseline *baseline, FILE *out)
{
	size_t i;

	fputs("#mtree\n", out);
	if (!fim_baseline_lookup(baseline, "/"))
		fputs(". type=dir\n", out);
	for (i = 0; i < baseline->count; i++) {
		write_parents(out, baseline, i);
		write_mtree(out, &baseline->entries[i]);
	}
	return finish(out);
}

/* ---- JSON */

static int put_json(FILE *out, const char *before, struct fim_json *json)
{
	char *text = NULL;
	size_t len;
	int err;

	err = fim_json_dump(json, &text, &len);
	if (!err)
		fprintf(out, "%s%s", before, text);
	free(text);
	fim_json_free(json);
	return err;
}

int fim_baseline_export_json(const struct fim_baseline *baseline, FILE *out)
{
	struct fim_json *json;
	size_t i;
	int err;

	err = put_json(out, "{\"header\":", fim_json_ref(baseline->header));
	if (!err)
		fputs(",\n\"objects\":[", out);
	for (i = 0; i < baseline->count && !err; i++) {
		json = fim_json_object();
		fim_entry_to_json(&baseline->entries[i], json);
		err = put_json(out, i ? ",\n" : "\n", json);
	}
	if (err)
		return err;
	fputs("\n]}\n", out);
	return finish(out);
}
