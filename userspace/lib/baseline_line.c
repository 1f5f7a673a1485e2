/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a baseline, read the short way: exactly as the writer writes it, without
 * escapes, member after member. Whatever is not like that is left to the JSON reader,
 * which takes ten times as long and knows what to say. What is taken here, it would
 * take too, and read the same: a fuzzer compares the two.
 */
#include <errno.h>
#include <string.h>

#include "baseline.h"
#include "lib_private.h"

#define XATTRS_MAX 64

/**
 * struct scan - a line being read
 * @at: the next byte
 * @end: behind the last
 */
struct scan {
	const char *at;
	const char *end;
};

struct text {
	const char *bytes;
	size_t len;
};

static bool literal(struct scan *scan, const char *text, size_t len)
{
	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, text, len))
		return false;
	scan->at += len;
	return true;
}

#define LITERAL(scan, text) literal(scan, text, sizeof(text) - 1)

#define EACH(byte) (0x0101010101010101u * (byte))

/* Eight bytes at once: none is a control character, a backslash, or not ASCII. */
static bool plain_word(const char *bytes)
{
	uint64_t word, slash;

	memcpy(&word, bytes, sizeof(word));
	slash = word ^ EACH(0x5cu);
	return !((((word - EACH(0x20u)) & ~word) | ((slash - EACH(1u)) & ~slash) | word) &
		 EACH(0x80u));
}

static bool plain_text(const char *bytes, size_t len)
{
	bool ascii = true;
	size_t i = 0;

	while (i < len) {
		unsigned char byte = (unsigned char)bytes[i];

		if (len - i >= sizeof(uint64_t) && plain_word(bytes + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		if (byte < ' ' || byte == '\\')
			return false;
		ascii = ascii && byte < 0x80;
		i++;
	}
	return ascii || fim_is_utf8(bytes, len);
}

/* Up to the closing quote, which is passed. */
static bool string(struct scan *scan, struct text *text_ret)
{
	const char *start = scan->at;
	const char *quote = memchr(start, '"', (size_t)(scan->end - start));

	if (!quote)
		return false;
	*text_ret = (struct text){start, (size_t)(quote - start)};
	scan->at = quote + 1;
	return plain_text(start, text_ret->len);
}

static bool number(struct scan *scan, uint64_t max, uint64_t *value_ret)
{
	const char *start = scan->at;
	uint64_t value = 0;

	for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
		if (scan->at - start == 18)
			return false;
		value = value * 10 + (uint64_t)(*scan->at - '0');
	}
	if (scan->at == start || value > max || (*start == '0' && scan->at - start > 1))
		return false;
	*value_ret = value;
	return true;
}

/* Value of a lower-case hex digit and one more; 0: it is none. */
static const unsigned char hex_values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool hex(const char *text, size_t len, unsigned char *bytes_ret)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned int high = hex_values[(unsigned char)text[2 * i]];
		unsigned int low = hex_values[(unsigned char)text[2 * i + 1]];

		if (!high || !low)
			return false;
		bytes_ret[i] = (unsigned char)((high - 1) << 4 | (low - 1));
	}
	return true;
}

static bool read_type(struct scan *scan, struct fim_state *state)
{
	struct text name;

	if (!LITERAL(scan, ",\"type\":\"") || !string(scan, &name))
		return false;
	switch (name.len) {
	case 4:
		state->type = !memcmp(name.bytes, "file", 4) ? FIM_TYPE_FILE : FIM_TYPE_NONE;
		break;
	case 3:
		state->type = !memcmp(name.bytes, "dir", 3) ? FIM_TYPE_DIR : FIM_TYPE_NONE;
		break;
	case 7:
		state->type = !memcmp(name.bytes, "symlink", 7) ? FIM_TYPE_SYMLINK : FIM_TYPE_NONE;
		break;
	}
	/* The others are rare. */
	return state->type != FIM_TYPE_NONE;
}

static bool read_mode_and_owner(struct scan *scan, struct fim_state *state)
{
	uint64_t uid, gid;
	struct text mode;
	size_t i;

	if (!LITERAL(scan, ",\"mode\":\"") || !string(scan, &mode) || mode.len != 4)
		return false;
	for (i = 0; i < 4; i++) {
		if (mode.bytes[i] < '0' || mode.bytes[i] > '7')
			return false;
		state->mode = state->mode << 3 | (uint32_t)(mode.bytes[i] - '0');
	}
	if (!LITERAL(scan, ",\"uid\":") || !number(scan, UINT32_MAX, &uid) ||
	    !LITERAL(scan, ",\"gid\":") || !number(scan, UINT32_MAX, &gid))
		return false;
	state->uid = (uint32_t)uid;
	state->gid = (uint32_t)gid;
	return true;
}

static bool read_file(struct scan *scan, struct fim_state *state)
{
	uint64_t nlink;

	if (LITERAL(scan, ",\"sha256\":\"")) {
		if (scan->end - scan->at < 65 || scan->at[64] != '"' ||
		    !hex(scan->at, sizeof(state->sha256), state->sha256))
			return false;
		scan->at += 65;
		state->has_digest = true;
	}
	if (!LITERAL(scan, ",\"nlink\":") || !number(scan, UINT32_MAX, &nlink))
		return false;
	state->nlink = (uint32_t)nlink;
	return true;
}

static bool read_content(struct scan *scan, struct fim_arena *arena, struct fim_state *state)
{
	struct text target;

	if (state->type == FIM_TYPE_DIR)
		return true;
	if (!LITERAL(scan, ",\"size\":") || !number(scan, INT64_MAX, &state->size))
		return false;
	if (state->type == FIM_TYPE_FILE)
		return read_file(scan, state);
	if (!LITERAL(scan, ",\"target\":\"") || !string(scan, &target))
		return false;
	state->target = fim_arena_copy(arena, target.bytes, target.len);
	return state->target;
}

/* Names in order, so that none can be there twice. */
static bool read_xattrs(struct scan *scan, struct fim_arena *arena, struct fim_state *state)
{
	struct fim_xattr xattrs[XATTRS_MAX];
	struct text name, value;
	size_t count = 0;

	do {
		if (count == XATTRS_MAX || !LITERAL(scan, "\"") || !string(scan, &name) ||
		    !name.len || !LITERAL(scan, ":\"") || !string(scan, &value) || value.len % 2 ||
		    (name.len >= 4 && !memcmp(name.bytes, "hex:", 4)))
			return false;
		xattrs[count].len = value.len / 2;
		xattrs[count].name = fim_arena_copy(arena, name.bytes, name.len);
		xattrs[count].value =
			(unsigned char *)fim_arena_copy(arena, value.bytes, value.len / 2);
		if (!xattrs[count].name || !xattrs[count].value ||
		    !hex(value.bytes, value.len / 2, xattrs[count].value) ||
		    (count && strcmp(xattrs[count - 1].name, xattrs[count].name) >= 0))
			return false;
		count++;
	} while (LITERAL(scan, ","));
	if (!LITERAL(scan, "}"))
		return false;
	state->xattrs = fim_arena_alloc(arena, count * sizeof(*xattrs));
	if (!state->xattrs)
		return false;
	memcpy(state->xattrs, xattrs, count * sizeof(*xattrs));
	state->xattr_count = count;
	return true;
}

static bool read_origin(struct scan *scan, struct fim_entry *entry)
{
	if (LITERAL(scan, "as-packaged\""))
		entry->origin = FIM_ORIGIN_PACKAGED;
	else if (LITERAL(scan, "differs\""))
		entry->origin = FIM_ORIGIN_DIFFERS;
	else if (LITERAL(scan, "unpackaged\""))
		entry->origin = FIM_ORIGIN_UNPACKAGED;
	return entry->origin != FIM_ORIGIN_UNKNOWN;
}

/* Packages come in runs: most of them are that of the line before. */
static bool read_package(struct scan *scan, struct fim_arena *arena, char **last,
			 struct fim_entry *entry)
{
	struct text name;

	if (!string(scan, &name))
		return false;
	if (!*last || strlen(*last) != name.len || memcmp(*last, name.bytes, name.len))
		*last = fim_arena_copy(arena, name.bytes, name.len);
	entry->package = *last;
	return entry->package;
}

bool fim_baseline_line(const char *line, size_t len, struct fim_arena *arena, char **last_package,
		       struct fim_entry *entry_ret)
{
	struct scan scan = {.at = line, .end = line + len};
	struct fim_entry entry = {0};
	struct text path, link;

	if (!LITERAL(&scan, "{\"path\":\"") || !string(&scan, &path) ||
	    !read_type(&scan, &entry.state) || !read_mode_and_owner(&scan, &entry.state) ||
	    !read_content(&scan, arena, &entry.state))
		return false;
	if (LITERAL(&scan, ",\"xattrs\":{") && !read_xattrs(&scan, arena, &entry.state))
		return false;
	if (LITERAL(&scan, ",\"link\":\"")) {
		if (!string(&scan, &link))
			return false;
		entry.link = fim_arena_copy(arena, link.bytes, link.len);
		if (!entry.link)
			return false;
	}
	if (LITERAL(&scan, ",\"package\":\"") && !read_package(&scan, arena, last_package, &entry))
		return false;
	if (LITERAL(&scan, ",\"origin\":\"") && !read_origin(&scan, &entry))
		return false;
	if (!LITERAL(&scan, "}") || scan.at != scan.end)
		return false;
	entry.path = fim_arena_copy(arena, path.bytes, path.len);
	if (!entry.path)
		return false;
	*entry_ret = entry;
	return true;
}
