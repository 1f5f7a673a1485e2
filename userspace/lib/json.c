/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON; the only file that includes jansson. A struct fim_json is a json_t seen
 * through an opaque pointer.
 *
 * Building needs no checks: the container that lost a value because memory ran out is
 * emptied and gets a value instead that jansson cannot dump, and so neither can
 * anything that holds it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <jansson.h>

#include "lib_private.h"

#define HEX_SUFFIX "_hex"

static json_t *unwrap(const struct fim_json *json)
{
	return (json_t *)json;
}

static struct fim_json *wrap(json_t *json)
{
	return (struct fim_json *)json;
}

/* Of no type that jansson knows, and of a count that says "never free this". */
static json_t broken = {.type = (json_type)0x62726f6b, .refcount = (size_t)-1};
/* Not UTF-8: no other member can take its place. */
#define BROKEN_KEY "\xff"

static void poison(json_t *container)
{
	int err = 0;

	/* What emptying gives back is more than the new member takes. */
	if (json_is_object(container)) {
		json_object_clear(container);
		err = json_object_set_new_nocheck(container, BROKEN_KEY, &broken);
	} else if (json_is_array(container)) {
		json_array_clear(container);
		err = json_array_append_new(container, &broken);
	}
	if (err)
		container->type = broken.type; /* leaks rather than lies */
}

/* jansson allows 2048 levels; a recursive reader of ours should not have to. */
static bool too_deep(const char *text, size_t len)
{
	size_t i, depth = 0;
	bool in_string = false;

	for (i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > FIM_JSON_MAX_DEPTH)
				return true;
		} else if ((text[i] == '}' || text[i] == ']') && depth) {
			depth--;
		}
	}
	return false;
}

int fim_json_parse(const char *text, size_t len, const char *what, struct fim_json **json_ret)
{
	json_error_t error;
	json_t *json;

	if (len > FIM_JSON_MAX_BYTES) {
		if (what)
			fim_log(LOG_ERR, "%s: JSON is larger than %u bytes", what,
				FIM_JSON_MAX_BYTES);
		return -E2BIG;
	}
	if (too_deep(text, len)) {
		if (what)
			fim_log(LOG_ERR, "%s: JSON is nested deeper than %d levels", what,
				FIM_JSON_MAX_DEPTH);
		return -EINVAL;
	}
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!json) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		if (what)
			fim_log(LOG_ERR, "%s: not JSON, at byte %d: %s", what, error.position,
				error.text);
		return -EINVAL;
	}
	*json_ret = wrap(json);
	return 0;
}

struct fim_json *fim_json_object(void)
{
	return wrap(json_object());
}

struct fim_json *fim_json_array(void)
{
	return wrap(json_array());
}

struct fim_json *fim_json_ref(const struct fim_json *json)
{
	return wrap(json_incref(unwrap(json)));
}

void fim_json_free(struct fim_json *json)
{
	json_decref(unwrap(json));
}

static void set_new(struct fim_json *object, const char *key, json_t *value)
{
	if (json_object_set_new(unwrap(object), key, value))
		poison(unwrap(object));
}

void fim_json_set(struct fim_json *object, const char *key, struct fim_json *value)
{
	set_new(object, key, unwrap(value));
}

void fim_json_set_str(struct fim_json *object, const char *key, const char *text)
{
	if (text)
		fim_json_set_bytes(object, key, text, strlen(text));
}

void fim_json_set_int(struct fim_json *object, const char *key, int64_t value)
{
	set_new(object, key, json_integer(value));
}

void fim_json_set_bool(struct fim_json *object, const char *key, bool value)
{
	set_new(object, key, json_boolean(value));
}

void fim_json_set_null(struct fim_json *object, const char *key)
{
	set_new(object, key, json_null());
}

void fim_json_set_bytes(struct fim_json *object, const char *key, const char *bytes, size_t len)
{
	char *hex = NULL, *hex_key = NULL;

	if (!bytes)
		return;
	if (fim_is_utf8(bytes, len)) {
		set_new(object, key, json_stringn_nocheck(bytes, len));
		return;
	}
	hex = malloc(2 * len + 1);
	if (!hex || asprintf(&hex_key, "%s" HEX_SUFFIX, key) < 0) {
		hex_key = NULL;
		poison(unwrap(object));
		goto out;
	}
	fim_hex_encode((const unsigned char *)bytes, len, hex);
	set_new(object, hex_key, json_string_nocheck(hex));
out:
	free(hex_key);
	free(hex);
}

void fim_json_set_path(struct fim_json *object, const char *key, const char *path)
{
	fim_json_set_str(object, key, path);
}

void fim_json_append(struct fim_json *array, struct fim_json *value)
{
	if (json_array_append_new(unwrap(array), unwrap(value)))
		poison(unwrap(array));
}

void fim_json_append_str(struct fim_json *array, const char *text)
{
	size_t len = strlen(text);
	char *escaped;

	if (fim_is_utf8(text, len)) {
		fim_json_append(array, wrap(json_stringn_nocheck(text, len)));
		return;
	}
	/* An element has no key that could say "hex": escaping keeps it readable. */
	escaped = fim_escape(text, len);
	fim_json_append(array, wrap(escaped ? json_string_nocheck(escaped) : NULL));
	free(escaped);
}

void fim_json_append_int(struct fim_json *array, int64_t value)
{
	fim_json_append(array, wrap(json_integer(value)));
}

struct fim_json *fim_json_get(const struct fim_json *object, const char *key)
{
	return wrap(json_object_get(unwrap(object), key));
}

struct fim_json *fim_json_at(const struct fim_json *object, const char *keys)
{
	json_t *json = unwrap(object);
	size_t len;

	for (;;) {
		len = strcspn(keys, "/");
		json = json_object_getn(json, keys, len);
		if (!json || !keys[len])
			return wrap(json);
		keys += len + 1;
	}
}

const char *fim_json_str(const struct fim_json *json)
{
	return json_string_value(unwrap(json));
}

const char *fim_json_get_str(const struct fim_json *object, const char *key)
{
	return fim_json_str(fim_json_get(object, key));
}

int64_t fim_json_int(const struct fim_json *json, int64_t fallback)
{
	const json_t *value = unwrap(json);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

int64_t fim_json_get_int(const struct fim_json *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(unwrap(object), key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool fim_json_get_bool(const struct fim_json *object, const char *key, bool fallback)
{
	const json_t *value = json_object_get(unwrap(object), key);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static int bytes_dup(const char *bytes, size_t len, char **bytes_ret, size_t *len_ret)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	*bytes_ret = copy;
	*len_ret = len;
	return 0;
}

static int hex_dup(const char *hex, char **bytes_ret, size_t *len_ret)
{
	size_t len = strlen(hex) / 2;
	char *bytes = malloc(len + 1);
	int err;

	if (!bytes)
		return -ENOMEM;
	err = fim_hex_decode(hex, (unsigned char *)bytes, len);
	bytes[len] = '\0';
	/* Text has one spelling only: itself. */
	if (!err && fim_is_utf8(bytes, len))
		err = -EINVAL;
	if (err) {
		free(bytes);
		return err;
	}
	*bytes_ret = bytes;
	*len_ret = len;
	return 0;
}

int fim_json_get_bytes(const struct fim_json *object, const char *key, char **bytes_ret,
		       size_t *len_ret)
{
	const json_t *plain = json_object_get(unwrap(object), key), *hex;
	char *hex_key;

	if (asprintf(&hex_key, "%s" HEX_SUFFIX, key) < 0)
		return -ENOMEM;
	hex = json_object_get(unwrap(object), hex_key);
	free(hex_key);
	if (!plain && !hex)
		return -ENOENT;
	if ((plain && hex) || (plain && !json_is_string(plain)) || (hex && !json_is_string(hex)))
		return -EINVAL;
	if (plain)
		return bytes_dup(json_string_value(plain), json_string_length(plain), bytes_ret,
				 len_ret);
	return hex_dup(json_string_value(hex), bytes_ret, len_ret);
}

bool fim_json_is_object(const struct fim_json *json)
{
	return json_is_object(unwrap(json));
}

bool fim_json_is_array(const struct fim_json *json)
{
	return json_is_array(unwrap(json));
}

bool fim_json_is_int(const struct fim_json *json)
{
	return json_is_integer(unwrap(json));
}

bool fim_json_is_bool(const struct fim_json *json)
{
	return json_is_boolean(unwrap(json));
}

bool fim_json_is_null(const struct fim_json *json)
{
	return json_is_null(unwrap(json));
}

size_t fim_json_count(const struct fim_json *json)
{
	if (fim_json_is_object(json))
		return json_object_size(unwrap(json));
	return json_array_size(unwrap(json)); /* 0 if it is not an array */
}

struct fim_json *fim_json_index(const struct fim_json *array, size_t index)
{
	return wrap(json_array_get(unwrap(array), index));
}

bool fim_json_array_has(const struct fim_json *array, const char *text)
{
	const char *element;
	size_t i;

	for (i = 0; i < fim_json_count(array); i++) {
		element = fim_json_str(fim_json_index(array, i));
		if (element && strcmp(element, text) == 0)
			return true;
	}
	return false;
}

int fim_json_each(const struct fim_json *object,
		  int (*fn)(void *ctx, const char *key, struct fim_json *value), void *ctx)
{
	json_t *value;
	const char *key;
	int err;

	json_object_foreach(unwrap(object), key, value) {
		err = fn(ctx, key, wrap(value));
		if (err)
			return err;
	}
	return 0;
}

/*
 * jansson leaves DEL, C1 controls and bidirectional overrides as they are; they
 * can only stand inside strings, so that replacing them needs no parsing.
 */
static int escape_unsafe(const char *json, char **text_ret, size_t *len_ret)
{
	size_t len = strlen(json), i, step, out = 0, unsafe = 0;
	uint32_t codepoint = 0;
	char *text;

	for (i = 0; i < len; i += step) {
		step = fim_utf8_next(json + i, len - i, &codepoint);
		step = step ? step : 1;
		unsafe += fim_codepoint_is_unsafe(codepoint) && codepoint >= 0x7f;
	}
	text = malloc(len + 6 * unsafe + 1);
	if (!text)
		return -ENOMEM;
	for (i = 0; i < len; i += step) {
		step = fim_utf8_next(json + i, len - i, &codepoint);
		step = step ? step : 1;
		if (codepoint >= 0x7f && fim_codepoint_is_unsafe(codepoint)) {
			snprintf(text + out, 7, "\\u%04X", codepoint);
			out += 6;
		} else {
			memcpy(text + out, json + i, step);
			out += step;
		}
	}
	text[out] = '\0';
	*text_ret = text;
	*len_ret = out;
	return 0;
}

static int dump(const struct fim_json *json, size_t flags, char **text_ret, size_t *len_ret)
{
	char *text = json_dumps(unwrap(json), flags | JSON_ENCODE_ANY);
	int err;

	if (!text)
		return -ENOMEM;
	err = escape_unsafe(text, text_ret, len_ret);
	free(text);
	return err;
}

int fim_json_dump(const struct fim_json *json, char **text_ret, size_t *len_ret)
{
	return dump(json, JSON_COMPACT, text_ret, len_ret);
}

int fim_json_dump_pretty(const struct fim_json *json, char **text_ret, size_t *len_ret)
{
	return dump(json, JSON_INDENT(2), text_ret, len_ret);
}
