/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is, or should be, at a path: copying, comparing, and its form in JSON.
 * Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib_private.h"

/* A name that is not UTF-8 cannot be a key; no attribute namespace is called "hex:". */
#define XATTR_HEX_PREFIX "hex:"

/* clang-format off */
static const char *const type_names[] = {
	[FIM_TYPE_NONE]	   = "none",
	[FIM_TYPE_FILE]	   = "file",
	[FIM_TYPE_DIR]	   = "dir",
	[FIM_TYPE_SYMLINK] = "symlink",
	[FIM_TYPE_CHAR]	   = "char",
	[FIM_TYPE_BLOCK]   = "block",
	[FIM_TYPE_FIFO]	   = "fifo",
	[FIM_TYPE_SOCKET]  = "socket",
};

static const struct {
	uint32_t bit;
	const char *name;
} diff_names[] = {
	{ FIM_DIFF_TYPE,   "type" },
	{ FIM_DIFF_MODE,   "mode" },
	{ FIM_DIFF_UID,	   "uid" },
	{ FIM_DIFF_GID,	   "gid" },
	{ FIM_DIFF_SIZE,   "size" },
	{ FIM_DIFF_DIGEST, "sha256" },
	{ FIM_DIFF_TARGET, "target" },
	{ FIM_DIFF_XATTRS, "xattrs" },
	{ FIM_DIFF_FLAGS,  "flags" },
	{ FIM_DIFF_NLINK,  "nlink" },
	{ FIM_DIFF_RDEV,   "rdev" },
	{ FIM_DIFF_VERITY, "verity" },
	{ FIM_DIFF_LINKS,  "links" },
};
/* clang-format on */

#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

const char *fim_type_name(enum fim_type type)
{
	return (size_t)type < TYPE_COUNT ? type_names[type] : "unknown";
}

const char *fim_diff_name(uint32_t bit)
{
	size_t i;

	for (i = 0; i < sizeof(diff_names) / sizeof(diff_names[0]); i++)
		if (diff_names[i].bit == bit)
			return diff_names[i].name;
	return "unknown";
}

void fim_state_clear(struct fim_state *state)
{
	size_t i;

	for (i = 0; i < state->xattr_count; i++) {
		free(state->xattrs[i].name);
		free(state->xattrs[i].value);
	}
	free(state->xattrs);
	free(state->target);
	free(state->verity);
	memset(state, 0, sizeof(*state));
}

int fim_state_add_xattr(struct fim_state *state, const char *name, const void *value, size_t len)
{
	struct fim_xattr *larger, xattr = {.len = len};

	larger = reallocarray(state->xattrs, state->xattr_count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	state->xattrs = larger;
	xattr.name = strdup(name);
	xattr.value = malloc(len + 1); /* an empty value is a value */
	if (!xattr.name || !xattr.value) {
		free(xattr.name);
		free(xattr.value);
		return -ENOMEM;
	}
	if (len)
		memcpy(xattr.value, value, len);
	larger[state->xattr_count++] = xattr;
	return 0;
}

static int xattr_order(const void *a, const void *b)
{
	const struct fim_xattr *left = a, *right = b;

	return strcmp(left->name, right->name);
}

void fim_state_sort_xattrs(struct fim_state *state)
{
	if (state->xattr_count > 1)
		qsort(state->xattrs, state->xattr_count, sizeof(*state->xattrs), xattr_order);
}

int fim_state_copy(const struct fim_state *from, struct fim_state *to_ret)
{
	struct fim_state copy = *from;
	size_t i;

	copy.target = NULL;
	copy.verity = NULL;
	copy.xattrs = NULL;
	copy.xattr_count = 0;
	if (from->target) {
		copy.target = strdup(from->target);
		if (!copy.target)
			goto err_clear;
	}
	if (from->verity) {
		copy.verity = strdup(from->verity);
		if (!copy.verity)
			goto err_clear;
	}
	for (i = 0; i < from->xattr_count; i++)
		if (fim_state_add_xattr(&copy, from->xattrs[i].name, from->xattrs[i].value,
					from->xattrs[i].len))
			goto err_clear;
	*to_ret = copy;
	return 0;

err_clear:
	fim_state_clear(&copy);
	return -ENOMEM;
}

/* ---- comparing */

static bool xattrs_equal(const struct fim_state *a, const struct fim_state *b)
{
	size_t i;

	if (a->xattr_count != b->xattr_count)
		return false;
	for (i = 0; i < a->xattr_count; i++)
		if (strcmp(a->xattrs[i].name, b->xattrs[i].name) ||
		    a->xattrs[i].len != b->xattrs[i].len ||
		    memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len))
			return false;
	return true;
}

static bool digests_equal(const struct fim_state *a, const struct fim_state *b)
{
	if (a->has_digest != b->has_digest)
		return false;
	return !a->has_digest || !memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

uint32_t fim_state_diff(const struct fim_state *a, const struct fim_state *b)
{
	uint32_t diff = 0;

	/* Members that a type does not have are 0 on its side and so differ by themselves. */
	diff |= a->type != b->type ? FIM_DIFF_TYPE : 0;
	diff |= a->mode != b->mode ? FIM_DIFF_MODE : 0;
	diff |= a->uid != b->uid ? FIM_DIFF_UID : 0;
	diff |= a->gid != b->gid ? FIM_DIFF_GID : 0;
	diff |= a->size != b->size ? FIM_DIFF_SIZE : 0;
	diff |= a->nlink != b->nlink ? FIM_DIFF_NLINK : 0;
	diff |= !digests_equal(a, b) ? FIM_DIFF_DIGEST : 0;
	diff |= !texts_equal(a->target, b->target) ? FIM_DIFF_TARGET : 0;
	diff |= !texts_equal(a->verity, b->verity) ? FIM_DIFF_VERITY : 0;
	diff |= !xattrs_equal(a, b) ? FIM_DIFF_XATTRS : 0;
	if (a->immutable != b->immutable || a->append_only != b->append_only)
		diff |= FIM_DIFF_FLAGS;
	if (a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor)
		diff |= FIM_DIFF_RDEV;
	return diff & ~(a->unknown | b->unknown);
}

/* ---- to JSON */

static void flags_to_json(const struct fim_state *state, struct fim_json *object)
{
	struct fim_json *flags;

	if (!state->immutable && !state->append_only)
		return;
	flags = fim_json_array();
	if (state->immutable)
		fim_json_append_str(flags, "immutable");
	if (state->append_only)
		fim_json_append_str(flags, "append");
	fim_json_set(object, "flags", flags);
}

/* malloc'ed; NULL: out of memory */
static char *hex_dup(const char *prefix, const void *bytes, size_t len)
{
	size_t prefix_len = strlen(prefix);
	char *text = malloc(prefix_len + 2 * len + 1);

	if (!text)
		return NULL;
	memcpy(text, prefix, prefix_len);
	fim_hex_encode(bytes, len, text + prefix_len);
	return text;
}

static void xattr_to_json(const struct fim_xattr *xattr, struct fim_json *object)
{
	size_t name_len = strlen(xattr->name);
	char *value = hex_dup("", xattr->value, xattr->len);
	char *name = fim_is_utf8(xattr->name, name_len)
			     ? strdup(xattr->name)
			     : hex_dup(XATTR_HEX_PREFIX, xattr->name, name_len);

	if (value && name)
		fim_json_set_str(object, name, value);
	else
		fim_json_set(object, "", NULL); /* the document must fail, not lack this */
	free(name);
	free(value);
}

static void xattrs_to_json(const struct fim_state *state, struct fim_json *object)
{
	struct fim_json *xattrs;
	size_t i;

	if (!state->xattr_count)
		return;
	xattrs = fim_json_object();
	for (i = 0; i < state->xattr_count; i++)
		xattr_to_json(&state->xattrs[i], xattrs);
	fim_json_set(object, "xattrs", xattrs);
}

static void unknown_to_json(const struct fim_state *state, struct fim_json *object)
{
	struct fim_json *names;
	uint32_t bit;

	if (!state->unknown)
		return;
	names = fim_json_array();
	for (bit = 1; bit & FIM_DIFF_ALL; bit <<= 1)
		if (state->unknown & bit)
			fim_json_append_str(names, fim_diff_name(bit));
	fim_json_set(object, "unknown", names);
}

void fim_state_to_json(const struct fim_state *state, struct fim_json *object)
{
	const uint32_t unknown = state->unknown;
	char text[FIM_SHA256_HEX_SIZE];

	fim_json_set_str(object, "type", fim_type_name(state->type));
	if (state->type == FIM_TYPE_NONE)
		return;
	snprintf(text, sizeof(text), "%04o", state->mode);
	fim_json_set_str(object, "mode", unknown & FIM_DIFF_MODE ? NULL : text);
	if (!(unknown & FIM_DIFF_UID))
		fim_json_set_int(object, "uid", state->uid);
	if (!(unknown & FIM_DIFF_GID))
		fim_json_set_int(object, "gid", state->gid);
	if ((state->type == FIM_TYPE_FILE || state->type == FIM_TYPE_SYMLINK) &&
	    !(unknown & FIM_DIFF_SIZE))
		fim_json_set_int(object, "size", (int64_t)state->size);
	if (state->type == FIM_TYPE_FILE && state->has_digest) {
		fim_hex_encode(state->sha256, sizeof(state->sha256), text);
		fim_json_set_str(object, "sha256", text);
	}
	if (state->type == FIM_TYPE_FILE && !(unknown & FIM_DIFF_NLINK))
		fim_json_set_int(object, "nlink", state->nlink);
	if (state->type == FIM_TYPE_FILE)
		fim_json_set_str(object, "verity", state->verity);
	if (state->type == FIM_TYPE_SYMLINK && state->target)
		fim_json_set_bytes(object, "target", state->target, strlen(state->target));
	if ((state->type == FIM_TYPE_CHAR || state->type == FIM_TYPE_BLOCK) &&
	    !(unknown & FIM_DIFF_RDEV)) {
		snprintf(text, sizeof(text), "%u:%u", state->rdev_major, state->rdev_minor);
		fim_json_set_str(object, "rdev", text);
	}
	flags_to_json(state, object);
	xattrs_to_json(state, object);
	unknown_to_json(state, object);
}

/* ---- from JSON */

static int invalid(const char *what, const char *member, const char *reason)
{
	fim_log(LOG_ERR, "%s: \"%s\" %s", what, member, reason);
	return -EINVAL;
}

static int number_from_json(const struct fim_json *object, const char *key, const char *what,
			    int64_t max, int64_t *value_ret)
{
	const struct fim_json *json = fim_json_get(object, key);
	int64_t value;

	if (!json)
		return invalid(what, key, "is missing");
	if (!fim_json_is_int(json))
		return invalid(what, key, "is not a whole number");
	value = fim_json_get_int(object, key, -1);
	if (value < 0 || value > max)
		return invalid(what, key, "is out of range");
	*value_ret = value;
	return 0;
}

static int type_from_json(const struct fim_json *object, const char *what, enum fim_type *type_ret)
{
	const char *name = fim_json_get_str(object, "type");
	size_t i;

	if (!name)
		return invalid(what, "type", "is missing or not a string");
	for (i = 0; i < TYPE_COUNT; i++) {
		if (strcmp(name, type_names[i]))
			continue;
		*type_ret = (enum fim_type)i;
		return 0;
	}
	return invalid(what, "type", "is unknown");
}

static int mode_from_json(const struct fim_json *object, const char *what, uint32_t *mode_ret)
{
	const char *text = fim_json_get_str(object, "mode");

	if (!text)
		return invalid(what, "mode", "is missing or not a string");
	if (strlen(text) != 4 || strspn(text, "01234567") != 4)
		return invalid(what, "mode", "is not four octal digits");
	*mode_ret = (uint32_t)strtoul(text, NULL, 8);
	return 0;
}

static int owner_from_json(const struct fim_json *object, const char *what, struct fim_state *state)
{
	int64_t uid = 0, gid = 0;
	int err = 0;

	if (!(state->unknown & FIM_DIFF_UID))
		err = number_from_json(object, "uid", what, UINT32_MAX, &uid);
	if (!err && !(state->unknown & FIM_DIFF_GID))
		err = number_from_json(object, "gid", what, UINT32_MAX, &gid);
	if (err)
		return err;
	state->uid = (uint32_t)uid;
	state->gid = (uint32_t)gid;
	return 0;
}

static int digest_from_json(const struct fim_json *object, const char *what,
			    struct fim_state *state)
{
	const struct fim_json *json = fim_json_get(object, "sha256");
	const char *hex = fim_json_str(json);

	if (!json)
		return 0;
	if (!hex || strlen(hex) != 2 * sizeof(state->sha256) ||
	    strspn(hex, "0123456789abcdef") != 2 * sizeof(state->sha256))
		return invalid(what, "sha256", "is not 64 lower-case hex digits");
	state->has_digest = true;
	return fim_hex_decode(hex, state->sha256, sizeof(state->sha256));
}

const char *fim_verity_fault(const char *text)
{
	size_t len;

	if (strncmp(text, "sha256:", 7) && strncmp(text, "sha512:", 7))
		return "does not begin with sha256: or sha512:";
	len = text[3] == '2' ? 64 : 128;
	if (strlen(text + 7) != len || strspn(text + 7, "0123456789abcdef") != len)
		return "is not as many lower-case hex digits as its kind has";
	return NULL;
}

static int verity_from_json(const struct fim_json *object, const char *what,
			    struct fim_state *state)
{
	const struct fim_json *json = fim_json_get(object, "verity");
	const char *text = fim_json_str(json);
	const char *fault;

	if (!json)
		return 0;
	fault = text ? fim_verity_fault(text) : "is not a string";
	if (fault)
		return invalid(what, "verity", fault);
	state->verity = strdup(text);
	return state->verity ? 0 : -ENOMEM;
}

static int file_from_json(const struct fim_json *object, const char *what, struct fim_state *state)
{
	int64_t size = 0, nlink = 0;
	int err = 0;

	if (!(state->unknown & FIM_DIFF_SIZE))
		err = number_from_json(object, "size", what, INT64_MAX, &size);
	if (!err && !(state->unknown & FIM_DIFF_NLINK))
		err = number_from_json(object, "nlink", what, UINT32_MAX, &nlink);
	if (err)
		return err;
	state->size = (uint64_t)size;
	state->nlink = (uint32_t)nlink;
	err = digest_from_json(object, what, state);
	return err ? err : verity_from_json(object, what, state);
}

static int symlink_from_json(const struct fim_json *object, const char *what,
			     struct fim_state *state)
{
	int64_t size = 0;
	size_t len;
	int err = 0;

	if (!(state->unknown & FIM_DIFF_SIZE))
		err = number_from_json(object, "size", what, INT64_MAX, &size);
	if (err)
		return err;
	state->size = (uint64_t)size;
	if (state->unknown & FIM_DIFF_TARGET)
		return 0;
	err = fim_json_get_bytes(object, "target", &state->target, &len);
	if (err == -ENOENT)
		return invalid(what, "target", "is missing");
	if (err == -EINVAL)
		return invalid(what, "target", "is not a string or not hex");
	if (!err && strlen(state->target) != len)
		return invalid(what, "target", "contains a NUL");
	return err;
}

/* Plain decimal without sign or leading zero, so that equal numbers are equal text. */
static const char *decimal_parse(const char *text, uint32_t *value_ret)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && p - text < 10; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	if (p == text || value > UINT32_MAX || (*text == '0' && p - text > 1))
		return NULL;
	*value_ret = (uint32_t)value;
	return p;
}

static int device_from_json(const struct fim_json *object, const char *what,
			    struct fim_state *state)
{
	const char *text = fim_json_get_str(object, "rdev");

	if (state->unknown & FIM_DIFF_RDEV)
		return 0;
	if (!text)
		return invalid(what, "rdev", "is missing or not a string");
	text = decimal_parse(text, &state->rdev_major);
	if (text && *text == ':')
		text = decimal_parse(text + 1, &state->rdev_minor);
	else
		text = NULL;
	return text && !*text ? 0 : invalid(what, "rdev", "is not MAJOR:MINOR");
}

static int flags_from_json(const struct fim_json *object, const char *what, struct fim_state *state)
{
	const struct fim_json *flags = fim_json_get(object, "flags");
	const char *flag;
	bool *set;
	size_t i;

	if (!flags)
		return 0;
	if (!fim_json_is_array(flags) || !fim_json_count(flags))
		return invalid(what, "flags", "is not an array of names");
	for (i = 0; i < fim_json_count(flags); i++) {
		flag = fim_json_str(fim_json_index(flags, i));
		if (flag && !strcmp(flag, "immutable"))
			set = &state->immutable;
		else if (flag && !strcmp(flag, "append"))
			set = &state->append_only;
		else
			return invalid(what, "flags", "holds an unknown flag");
		if (*set)
			return invalid(what, "flags", "names a flag twice");
		*set = true;
	}
	return 0;
}

/**
 * struct xattr_reader - where members of "xattrs" go
 * @what: for messages
 * @state: receives them
 */
struct xattr_reader {
	const char *what;
	struct fim_state *state;
};

/* malloc'ed bytes of a hex string; -EINVAL, -ENOMEM */
static int hex_bytes(const char *hex, unsigned char **bytes_ret, size_t *len_ret)
{
	size_t len = strlen(hex) / 2;
	unsigned char *bytes = malloc(len + 1);
	int err;

	if (!bytes)
		return -ENOMEM;
	err = fim_hex_decode(hex, bytes, len);
	if (err) {
		free(bytes);
		return err;
	}
	bytes[len] = '\0';
	*bytes_ret = bytes;
	*len_ret = len;
	return 0;
}

static int xattr_from_json(void *ctx, const char *key, struct fim_json *json)
{
	const struct xattr_reader *reader = ctx;
	const char *hex = fim_json_str(json), *name = key;
	unsigned char *value = NULL, *name_bytes = NULL;
	size_t len = 0, name_len = 0;
	int err = -EINVAL;

	if (hex)
		err = hex_bytes(hex, &value, &len);
	if (!err && !strncmp(key, XATTR_HEX_PREFIX, strlen(XATTR_HEX_PREFIX))) {
		err = hex_bytes(key + strlen(XATTR_HEX_PREFIX), &name_bytes, &name_len);
		name = (const char *)name_bytes;
		if (!err && (strlen(name) != name_len || fim_is_utf8(name, name_len)))
			err = -EINVAL;
	}
	if (!err && !*name)
		err = -EINVAL;
	if (err == -EINVAL)
		invalid(reader->what, "xattrs", "holds a name or a value that is not hex");
	if (!err)
		err = fim_state_add_xattr(reader->state, name, value, len);
	free(name_bytes);
	free(value);
	return err;
}

static int xattrs_from_json(const struct fim_json *object, const char *what,
			    struct fim_state *state)
{
	struct xattr_reader reader = {.what = what, .state = state};
	const struct fim_json *xattrs = fim_json_get(object, "xattrs");
	int err;

	if (!xattrs)
		return 0;
	if (!fim_json_is_object(xattrs) || !fim_json_count(xattrs))
		return invalid(what, "xattrs", "is not an object of names and values");
	err = fim_json_each(xattrs, xattr_from_json, &reader);
	if (!err)
		fim_state_sort_xattrs(state);
	return err;
}

/* What a type does not have, it must not claim: nothing of a baseline is read past. */
static int members_check(const struct fim_json *object, const char *what, enum fim_type type)
{
	static const struct {
		const char *key;
		uint32_t types;
	} members[] = {
		{"size", 1u << FIM_TYPE_FILE | 1u << FIM_TYPE_SYMLINK},
		{"sha256", 1u << FIM_TYPE_FILE},
		{"nlink", 1u << FIM_TYPE_FILE},
		{"verity", 1u << FIM_TYPE_FILE},
		{"target", 1u << FIM_TYPE_SYMLINK},
		{"target_hex", 1u << FIM_TYPE_SYMLINK},
		{"rdev", 1u << FIM_TYPE_CHAR | 1u << FIM_TYPE_BLOCK},
		{"mode", ~(1u << FIM_TYPE_NONE)},
		{"uid", ~(1u << FIM_TYPE_NONE)},
		{"gid", ~(1u << FIM_TYPE_NONE)},
		{"flags", ~(1u << FIM_TYPE_NONE)},
		{"xattrs", ~(1u << FIM_TYPE_NONE)},
		{"unknown", ~(1u << FIM_TYPE_NONE)},
	};
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!(members[i].types & 1u << type) && fim_json_get(object, members[i].key))
			return invalid(what, members[i].key, "does not belong to this type");
	return 0;
}

/* Bit of the attribute that a baseline's line calls @name; 0: there is none, or it is never unknown. */
static uint32_t bit_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(diff_names) / sizeof(diff_names[0]); i++)
		if (diff_names[i].bit != FIM_DIFF_TYPE && !strcmp(diff_names[i].name, name))
			return diff_names[i].bit;
	return 0;
}

/* What is not known must not be there as well. */
static int unknown_check(const struct fim_json *object, const char *what, uint32_t unknown)
{
	size_t i;

	for (i = 0; i < sizeof(diff_names) / sizeof(diff_names[0]); i++)
		if (unknown & diff_names[i].bit && fim_json_get(object, diff_names[i].name))
			return invalid(what, diff_names[i].name, "is there and \"unknown\"");
	if (unknown & FIM_DIFF_TARGET && fim_json_get(object, "target_hex"))
		return invalid(what, "target_hex", "is there and \"unknown\"");
	return 0;
}

static int unknown_from_json(const struct fim_json *object, const char *what, uint32_t *unknown_ret)
{
	const struct fim_json *names = fim_json_get(object, "unknown");
	uint32_t unknown = 0, bit;
	const char *name;
	size_t i;

	if (!names)
		return 0;
	if (!fim_json_is_array(names) || !fim_json_count(names))
		return invalid(what, "unknown", "is not an array of names");
	for (i = 0; i < fim_json_count(names); i++) {
		name = fim_json_str(fim_json_index(names, i));
		bit = name ? bit_of(name) : 0;
		if (!bit || unknown & bit)
			return invalid(what, "unknown", "names no attribute, or one twice");
		unknown |= bit;
	}
	*unknown_ret = unknown;
	return unknown_check(object, what, unknown);
}

static int content_from_json(const struct fim_json *object, const char *what,
			     struct fim_state *state)
{
	switch (state->type) {
	case FIM_TYPE_FILE:
		return file_from_json(object, what, state);
	case FIM_TYPE_SYMLINK:
		return symlink_from_json(object, what, state);
	case FIM_TYPE_CHAR:
	case FIM_TYPE_BLOCK:
		return device_from_json(object, what, state);
	default:
		return 0;
	}
}

int fim_state_from_json(const struct fim_json *object, const char *what,
			struct fim_state *state_ret)
{
	struct fim_state state = {0};
	int err;

	err = type_from_json(object, what, &state.type);
	if (!err)
		err = members_check(object, what, state.type);
	if (err || state.type == FIM_TYPE_NONE)
		goto out;
	err = unknown_from_json(object, what, &state.unknown);
	if (!err && !(state.unknown & FIM_DIFF_MODE))
		err = mode_from_json(object, what, &state.mode);
	if (!err)
		err = owner_from_json(object, what, &state);
	if (!err)
		err = content_from_json(object, what, &state);
	if (!err)
		err = flags_from_json(object, what, &state);
	if (!err)
		err = xattrs_from_json(object, what, &state);
out:
	if (err)
		fim_state_clear(&state);
	else
		*state_ret = state;
	return err;
}
