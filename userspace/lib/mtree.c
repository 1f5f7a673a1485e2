/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading mtree(5), as bsdtar, NetBSD's and FreeBSD's mtree write it. Pure.
 *
 * What this does not understand it refuses: a keyword that is passed over could be the
 * one that somebody relies on. Everything is bounded: the line, the path, the number of
 * objects and the memory for their names.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <syslog.h>

#include "lib_private.h"
#include "mtree.h"

#define LINE_MAX_SIZE (64u << 10) /* with what continues it */
#define ENTRIES_MAX   (4u << 20)
#define NAMES_MAX     (1u << 30)
#define DEPTH_MAX     (FIM_PATH_MAX / 2)

/* What an mtree can never say. */
#define UNSAID (FIM_DIFF_XATTRS | FIM_DIFF_VERITY | FIM_DIFF_LINKS)

enum word {
	WORD_IGNORED = 0, /* says nothing that a baseline has */
	WORD_TYPE,
	WORD_MODE,
	WORD_UID,
	WORD_GID,
	WORD_UNAME,
	WORD_GNAME,
	WORD_SIZE,
	WORD_NLINK,
	WORD_SHA256,
	WORD_LINK,
	WORD_FLAGS,
	WORD_DEVICE,
	WORD_OPTIONAL,
	WORD_NOCHANGE,
	WORD_IGNORE,
};

/* clang-format off */
static const struct {
	const char *name;
	enum word word;
	bool has_value;
} words[] = {
	{ "type",	     WORD_TYPE,	    true  },
	{ "mode",	     WORD_MODE,	    true  },
	{ "uid",	     WORD_UID,	    true  },
	{ "gid",	     WORD_GID,	    true  },
	{ "uname",	     WORD_UNAME,    true  },
	{ "gname",	     WORD_GNAME,    true  },
	{ "size",	     WORD_SIZE,	    true  },
	{ "nlink",	     WORD_NLINK,    true  },
	{ "sha256",	     WORD_SHA256,   true  },
	{ "sha256digest",    WORD_SHA256,   true  },
	{ "link",	     WORD_LINK,	    true  },
	{ "flags",	     WORD_FLAGS,    true  },
	{ "device",	     WORD_DEVICE,   true  },
	{ "optional",	     WORD_OPTIONAL, false },
	{ "nochange",	     WORD_NOCHANGE, false },
	{ "ignore",	     WORD_IGNORE,   false },
	{ "time",	     WORD_IGNORED,  true  },
	{ "cksum",	     WORD_IGNORED,  true  },
	{ "md5",	     WORD_IGNORED,  true  },
	{ "md5digest",	     WORD_IGNORED,  true  },
	{ "rmd160",	     WORD_IGNORED,  true  },
	{ "rmd160digest",    WORD_IGNORED,  true  },
	{ "ripemd160digest", WORD_IGNORED,  true  },
	{ "sha1",	     WORD_IGNORED,  true  },
	{ "sha1digest",	     WORD_IGNORED,  true  },
	{ "sha384",	     WORD_IGNORED,  true  },
	{ "sha384digest",    WORD_IGNORED,  true  },
	{ "sha512",	     WORD_IGNORED,  true  },
	{ "sha512digest",    WORD_IGNORED,  true  },
	{ "inode",	     WORD_IGNORED,  true  },
	{ "resdevice",	     WORD_IGNORED,  true  },
	{ "contents",	     WORD_IGNORED,  true  },
	{ "content",	     WORD_IGNORED,  true  },
	{ "tags",	     WORD_IGNORED,  true  },
};
/* clang-format on */

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

/**
 * struct said - keywords in force
 * @known: FIM_DIFF_ bits that were said
 * @state: their values
 * @uname: user by name, NULL: not said
 * @gname: group by name, NULL: not said
 * @nochange: keyword, as the next two
 * @optional: keyword
 * @ignore: keyword
 */
struct said {
	uint32_t known;
	struct fim_state state;
	const char *uname;
	const char *gname;
	bool nochange;
	bool optional;
	bool ignore;
};

/**
 * struct names - the last name that was looked up
 * @name: it, NULL: none yet
 * @id: its number
 */
struct names {
	const char *name;
	uint32_t id;
};

/**
 * struct parser - an mtree being read
 * @source: where it is from
 * @mtree: the result
 * @room: for how many entries there is memory
 * @line: number of the line being read, from 1
 * @defaults: by /set
 * @where: directory that relative names are in
 * @len: its length; 1: "/"
 * @lens: lengths of @where to go back to
 * @depth: their number
 * @user: looked up last
 * @group: the same
 */
struct parser {
	const struct fim_mtree_source *source;
	struct fim_mtree *mtree;
	size_t room;
	size_t line;
	struct said defaults;
	char where[FIM_PATH_MAX];
	size_t len;
	uint16_t lens[DEPTH_MAX];
	size_t depth;
	struct names user;
	struct names group;
};

/* @word: NULL, or what the reason is about; bytes of the file, so escaped. */
static int refuse_at(const struct parser *parser, size_t line, const char *word, const char *reason)
{
	char *shown = word ? fim_escape(word, strlen(word)) : NULL;

	fim_log(LOG_ERR, "%s:%zu: %s%s%s", parser->source->file, line, shown ? shown : "",
		shown ? ": " : "", reason);
	free(shown);
	return -EINVAL;
}

static int refuse(const struct parser *parser, const char *word, const char *reason)
{
	return refuse_at(parser, parser->line, word, reason);
}

/* ---- vis(3) */

static int octal(const char *text)
{
	int i, value = 0;

	for (i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '7')
			return -1;
		value = value * 8 + (text[i] - '0');
	}
	return value > 0xff ? -1 : value;
}

/* The character behind "\^" or "\M^" is a control character by its letter; '?' is DEL. */
static int control(char c)
{
	return c == '?' ? 0x7f : c >= '@' && c <= '_' ? c & 0x1f : -1;
}

/* One character behind the backslash at @text; how many bytes it was is in @used_ret. -1: none. */
static int unvis_one(const char *text, size_t *used_ret)
{
	static const char letters[] = "nrbavtfsE", bytes[] = "\n\r\b\a\v\t\f \033";
	const char *letter;
	int value;

	*used_ret = 2;
	if (text[1] == 'M' && text[2] == '-' && text[3]) {
		*used_ret = 4;
		return (unsigned char)text[3] < 0x80 ? text[3] | 0x80 : -1;
	}
	if (text[1] == 'M' && text[2] == '^') {
		*used_ret = 4;
		value = control(text[3]);
		return value < 0 ? -1 : value | 0x80;
	}
	if (text[1] == '^') {
		*used_ret = 3;
		return control(text[2]);
	}
	if (text[1] >= '0' && text[1] <= '7' && (value = octal(text + 1)) >= 0) {
		*used_ret = 4;
		return value;
	}
	letter = text[1] ? strchr(letters, text[1]) : NULL;
	if (letter)
		return (unsigned char)bytes[letter - letters];
	return ispunct((unsigned char)text[1]) ? text[1] : -1;
}

/* In place, as it never becomes longer. False: not what vis(3) writes, or a NUL. */
static bool unvis(char *text)
{
	char *to = text;
	size_t used;
	int value;

	for (; *text; text += used) {
		used = 1;
		value = (unsigned char)*text;
		if (*text == '\\')
			value = unvis_one(text, &used);
		if (value <= 0)
			return false;
		*to++ = (char)value;
	}
	*to = '\0';
	return true;
}

/* ---- values */

static bool number(const char *text, int base, uint64_t max, uint64_t *value_ret)
{
	uint64_t value = 0;
	const char *p;

	for (p = text; *p; p++) {
		int digit = isdigit((unsigned char)*p)	  ? *p - '0'
			    : isxdigit((unsigned char)*p) ? tolower((unsigned char)*p) - 'a' + 10
							  : 99;

		if (digit >= base || value > (max - (uint64_t)digit) / (uint64_t)base)
			return false;
		value = value * (uint64_t)base + (uint64_t)digit;
	}
	*value_ret = value;
	return p != text;
}

static bool number32(const char *text, int base, uint32_t max, uint32_t *value_ret)
{
	uint64_t value;

	if (!number(text, base, max, &value))
		return false;
	*value_ret = (uint32_t)value;
	return true;
}

static const char *type_said(struct said *said, const char *text)
{
	static const struct {
		const char *name;
		enum fim_type type;
	} types[] = {{"file", FIM_TYPE_FILE},	 {"dir", FIM_TYPE_DIR},
		     {"link", FIM_TYPE_SYMLINK}, {"char", FIM_TYPE_CHAR},
		     {"block", FIM_TYPE_BLOCK},	 {"fifo", FIM_TYPE_FIFO},
		     {"socket", FIM_TYPE_SOCKET}};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(types[i].name, text)) {
			said->state.type = types[i].type;
			return NULL;
		}
	return "no type that a Linux system has";
}

/* BSD has two of each, Linux one. Others say nothing of what is compared. */
static const char *flags_said(struct said *said, char *text)
{
	static const char *const immutable[] = {"schg", "schange", "simmutable",
						"uchg", "uchange", "uimmutable"};
	static const char *const append[] = {"sappnd", "sappend", "uappnd", "uappend"};
	char *flag, *rest = NULL;
	size_t i;

	said->state.immutable = false;
	said->state.append_only = false;
	for (flag = strtok_r(text, ",", &rest); flag; flag = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < sizeof(immutable) / sizeof(immutable[0]); i++)
			said->state.immutable |= !strcmp(flag, immutable[i]);
		for (i = 0; i < sizeof(append) / sizeof(append[0]); i++)
			said->state.append_only |= !strcmp(flag, append[i]);
	}
	return NULL;
}

/* "linux,8,1", "native,8,1", or one number as the kernel has it */
static const char *device_said(struct said *said, char *text)
{
	char *major_text = strchr(text, ','), *minor_text;
	uint32_t major_nr, minor_nr;
	uint64_t whole;

	if (!major_text) {
		if (!strncmp(text, "0x", 2) ? !number(text + 2, 16, UINT64_MAX, &whole)
					    : !number(text, 10, UINT64_MAX, &whole))
			return "no device number";
		said->state.rdev_major = major(whole);
		said->state.rdev_minor = minor(whole);
		return NULL;
	}
	*major_text++ = '\0';
	minor_text = strchr(major_text, ',');
	if (minor_text)
		*minor_text++ = '\0';
	if (strcmp(text, "linux") && strcmp(text, "native"))
		return "a device number that is not Linux's";
	if (!minor_text || !number32(major_text, 10, UINT32_MAX, &major_nr) ||
	    !number32(minor_text, 10, UINT32_MAX, &minor_nr))
		return "not FORMAT,MAJOR,MINOR";
	said->state.rdev_major = major_nr;
	said->state.rdev_minor = minor_nr;
	return NULL;
}

static const char *sha256_said(struct said *said, const char *text)
{
	if (strlen(text) != 2 * sizeof(said->state.sha256) ||
	    fim_hex_decode(text, said->state.sha256, sizeof(said->state.sha256)))
		return "not 64 hex digits";
	said->state.has_digest = true;
	return NULL;
}

static int text_said(struct parser *parser, char *text, const char **text_ret)
{
	if (!unvis(text) || !*text)
		return refuse(parser, text, "not what vis(3) writes");
	*text_ret = fim_arena_copy(&parser->mtree->arena, text, strlen(text));
	return *text_ret ? 0 : -ENOMEM;
}

/* FIM_DIFF_ bit of a keyword; 0: it has none */
static uint32_t bit_of(enum word word)
{
	static const uint32_t bits[] = {
		[WORD_TYPE] = FIM_DIFF_TYPE,	 [WORD_MODE] = FIM_DIFF_MODE,
		[WORD_UID] = FIM_DIFF_UID,	 [WORD_GID] = FIM_DIFF_GID,
		[WORD_SIZE] = FIM_DIFF_SIZE,	 [WORD_NLINK] = FIM_DIFF_NLINK,
		[WORD_SHA256] = FIM_DIFF_DIGEST, [WORD_LINK] = FIM_DIFF_TARGET,
		[WORD_FLAGS] = FIM_DIFF_FLAGS,	 [WORD_DEVICE] = FIM_DIFF_RDEV,
	};

	return (size_t)word < sizeof(bits) / sizeof(bits[0]) ? bits[word] : 0;
}

static int say(struct parser *parser, struct said *said, enum word word, char *value)
{
	struct fim_state *state = &said->state;
	const char *fault = NULL, *target;
	int err = 0;

	switch (word) {
	case WORD_TYPE:
		fault = type_said(said, value);
		break;
	case WORD_MODE:
		if (!number32(value, 8, 07777, &state->mode))
			fault = "not the octal digits of a mode";
		break;
	case WORD_UID:
		if (!number32(value, 10, UINT32_MAX, &state->uid))
			fault = "not the number of a user";
		break;
	case WORD_GID:
		if (!number32(value, 10, UINT32_MAX, &state->gid))
			fault = "not the number of a group";
		break;
	case WORD_UNAME:
		err = text_said(parser, value, &said->uname);
		break;
	case WORD_GNAME:
		err = text_said(parser, value, &said->gname);
		break;
	case WORD_SIZE:
		if (!number(value, 10, INT64_MAX, &state->size))
			fault = "not a size in bytes";
		break;
	case WORD_NLINK:
		if (!number32(value, 10, UINT32_MAX, &state->nlink))
			fault = "not a number of links";
		break;
	case WORD_SHA256:
		fault = sha256_said(said, value);
		break;
	case WORD_LINK:
		err = text_said(parser, value, &target);
		state->target = err ? NULL : (char *)target;
		break;
	case WORD_FLAGS:
		fault = flags_said(said, value);
		break;
	case WORD_DEVICE:
		fault = device_said(said, value);
		break;
	case WORD_OPTIONAL:
		said->optional = true;
		break;
	case WORD_NOCHANGE:
		said->nochange = true;
		break;
	case WORD_IGNORE:
		said->ignore = true;
		break;
	case WORD_IGNORED:
		break;
	}
	if (fault)
		return refuse(parser, value, fault);
	said->known |= err ? 0 : bit_of(word);
	return err;
}

/* WORD_COUNT: there is none of this name */
static size_t word_find(const char *name)
{
	size_t i;

	for (i = 0; i < WORD_COUNT && strcmp(words[i].name, name); i++)
		;
	return i;
}

static int say_keyword(struct parser *parser, struct said *said, char *text)
{
	char *value = strchr(text, '=');
	size_t i;

	if (value)
		*value++ = '\0';
	i = word_find(text);
	if (i == WORD_COUNT)
		return refuse(parser, text, "a keyword that this program does not know");
	if (words[i].has_value != !!value)
		return refuse(parser, text, value ? "has no value" : "needs a value");
	return say(parser, said, words[i].word, value);
}

static void unsay(struct said *said, enum word word)
{
	said->known &= ~bit_of(word);
	if (word == WORD_UNAME)
		said->uname = NULL;
	if (word == WORD_GNAME)
		said->gname = NULL;
	if (word == WORD_OPTIONAL)
		said->optional = false;
	if (word == WORD_NOCHANGE)
		said->nochange = false;
	if (word == WORD_IGNORE)
		said->ignore = false;
}

/* ---- names of users and groups */

/* "root:x:0:…": the number of @name in @text; false: it has none there. */
static bool id_in(const char *text, const char *name, uint32_t *id_ret)
{
	size_t len = strlen(name);
	const char *line, *field, *end;
	char digits[16];

	for (line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, name, len) || line[len] != ':')
			continue;
		field = line + len + 1;
		field += strcspn(field, ":\n");
		if (*field != ':')
			return false;
		field++;
		end = field + strcspn(field, ":\n");
		if ((size_t)(end - field) >= sizeof(digits))
			return false;
		memcpy(digits, field, (size_t)(end - field));
		digits[end - field] = '\0';
		return number32(digits, 10, UINT32_MAX, id_ret);
	}
	return false;
}

/* As mtree(8): a name that nobody has may be a number. */
static int resolve(const struct parser *parser, const char *text, const char *name,
		   struct names *last, uint32_t *id_ret)
{
	if (!last->name || strcmp(last->name, name) != 0) {
		if (!(text && id_in(text, name, &last->id)) &&
		    !number32(name, 10, UINT32_MAX, &last->id))
			return refuse(parser, name, "no user or group of the system has this name");
		last->name = name;
	}
	*id_ret = last->id;
	return 0;
}

static int resolve_owner(struct parser *parser, struct said *said)
{
	int err = 0;

	if (said->uname && !(said->known & FIM_DIFF_UID)) {
		err = resolve(parser, parser->source->passwd, said->uname, &parser->user,
			      &said->state.uid);
		said->known |= FIM_DIFF_UID;
	}
	if (!err && said->gname && !(said->known & FIM_DIFF_GID)) {
		err = resolve(parser, parser->source->group, said->gname, &parser->group,
			      &said->state.gid);
		said->known |= FIM_DIFF_GID;
	}
	return err;
}

/* ---- paths */

static int too_long(const struct parser *parser)
{
	return refuse(parser, NULL, "the path is too long");
}

static int join(const struct parser *parser, const char *dir, size_t len, const char *name,
		char path_ret[FIM_PATH_MAX])
{
	int written =
		snprintf(path_ret, FIM_PATH_MAX, "%.*s/%s", len == 1 ? 0 : (int)len, dir, name);

	return written < 0 || written >= FIM_PATH_MAX ? too_long(parser) : 0;
}

/* Of a name with a slash in it: below the prefix, wherever the list is. */
static int full_path(const struct parser *parser, const char *name, char path_ret[FIM_PATH_MAX])
{
	const char *prefix = parser->source->prefix;

	if (name[0] == '.' && name[1] == '/')
		name++;
	while (*name == '/')
		name++;
	if (*name)
		return join(parser, prefix, strlen(prefix), name, path_ret);
	snprintf(path_ret, FIM_PATH_MAX, "%s", prefix);
	return 0;
}

static int path_of(const struct parser *parser, const char *name, bool is_full,
		   char path_ret[FIM_PATH_MAX])
{
	const char *fault;
	int err;

	if (!is_full && !strcmp(name, ".") && !parser->depth) {
		snprintf(path_ret, FIM_PATH_MAX, "%s", parser->source->prefix);
		return 0;
	}
	/* A slash that vis(3) hid would be part of a name. */
	if (!is_full && strchr(name, '/'))
		return refuse(parser, name, "a name with a slash in it");
	err = is_full ? full_path(parser, name, path_ret)
		      : join(parser, parser->where, parser->len, name, path_ret);
	if (err)
		return err;
	fault = fim_path_fault(path_ret);
	return fault ? refuse(parser, name, fault) : 0;
}

static int enter(struct parser *parser, const char *path)
{
	if (parser->depth == DEPTH_MAX)
		return too_long(parser);
	parser->lens[parser->depth++] = (uint16_t)parser->len;
	parser->len = strlen(path);
	memcpy(parser->where, path, parser->len + 1);
	return 0;
}

static int leave(struct parser *parser)
{
	if (!parser->depth)
		return refuse(parser, "..", "there is no directory to leave");
	parser->len = parser->lens[--parser->depth];
	parser->where[parser->len] = '\0';
	return 0;
}

/* ---- objects */

/* Attributes that an object of a type has; the others are 0 and known to be. */
static uint32_t attributes_of(enum fim_type type)
{
	const uint32_t all = FIM_DIFF_MODE | FIM_DIFF_UID | FIM_DIFF_GID | FIM_DIFF_FLAGS |
			     FIM_DIFF_XATTRS;

	switch (type) {
	case FIM_TYPE_FILE:
		return all | FIM_DIFF_SIZE | FIM_DIFF_DIGEST | FIM_DIFF_NLINK | FIM_DIFF_VERITY |
		       FIM_DIFF_LINKS;
	case FIM_TYPE_SYMLINK:
		return all | FIM_DIFF_SIZE | FIM_DIFF_TARGET;
	case FIM_TYPE_CHAR:
	case FIM_TYPE_BLOCK:
		return all | FIM_DIFF_RDEV;
	default:
		return all;
	}
}

/* Only what was said and what this type has; the rest is 0 and unknown. */
static struct fim_state state_of(const struct said *said)
{
	const struct fim_state *from = &said->state;
	uint32_t has = attributes_of(from->type), known = said->known & has & ~UNSAID;
	struct fim_state state = {.type = from->type};

	if (said->nochange)
		known = 0;
	state.mode = known & FIM_DIFF_MODE ? from->mode : 0;
	state.uid = known & FIM_DIFF_UID ? from->uid : 0;
	state.gid = known & FIM_DIFF_GID ? from->gid : 0;
	state.size = known & FIM_DIFF_SIZE ? from->size : 0;
	state.nlink = known & FIM_DIFF_NLINK ? from->nlink : 0;
	if (known & FIM_DIFF_DIGEST) {
		state.has_digest = true;
		memcpy(state.sha256, from->sha256, sizeof(state.sha256));
	}
	if (known & FIM_DIFF_TARGET) {
		state.target = from->target;
		state.size = strlen(from->target);
		known |= FIM_DIFF_SIZE;
	}
	if (known & FIM_DIFF_RDEV) {
		state.rdev_major = from->rdev_major;
		state.rdev_minor = from->rdev_minor;
	}
	if (known & FIM_DIFF_FLAGS) {
		state.immutable = from->immutable;
		state.append_only = from->append_only;
	}
	state.unknown = has & ~known;
	return state;
}

static int add_entry(struct parser *parser, const char *path, const struct said *said)
{
	struct fim_mtree *mtree = parser->mtree;
	struct fim_mtree_entry entry = {.line = parser->line,
					.state = state_of(said),
					.nochange = said->nochange,
					.optional = said->optional,
					.ignore = said->ignore};
	struct fim_mtree_entry *larger;

	if (mtree->count == ENTRIES_MAX || mtree->arena.total > NAMES_MAX)
		return refuse(parser, NULL, "too many objects, or too long names");
	if (mtree->count == parser->room) {
		parser->room = parser->room ? 2 * parser->room : 256;
		larger = reallocarray(mtree->entries, parser->room, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		mtree->entries = larger;
	}
	entry.is_bare = entry.state.type == FIM_TYPE_DIR && !said->nochange && !said->optional &&
			!said->ignore && entry.state.unknown == attributes_of(FIM_TYPE_DIR);
	entry.path = fim_arena_copy(&mtree->arena, path, strlen(path));
	if (!entry.path)
		return -ENOMEM;
	mtree->entries[mtree->count++] = entry;
	return 0;
}

static int object_line(struct parser *parser, char *name, char **rest)
{
	struct said said = parser->defaults;
	bool is_full = strchr(name, '/') != NULL;
	char path[FIM_PATH_MAX], *text;
	int err = 0;

	if (!unvis(name))
		return refuse(parser, name, "not what vis(3) writes");
	while (!err && (text = strtok_r(NULL, " \t", rest)))
		err = say_keyword(parser, &said, text);
	if (err)
		return err;
	if (!(said.known & FIM_DIFF_TYPE))
		return refuse(parser, name, "its type is not said");
	err = resolve_owner(parser, &said);
	if (!err)
		err = path_of(parser, name, is_full, path);
	if (!err)
		err = add_entry(parser, path, &said);
	if (!err && !is_full && said.state.type == FIM_TYPE_DIR)
		err = enter(parser, path);
	return err;
}

/* ---- lines */

static int set_line(struct parser *parser, char **rest)
{
	char *text;
	int err = 0;

	while (!err && (text = strtok_r(NULL, " \t", rest)))
		err = say_keyword(parser, &parser->defaults, text);
	return err;
}

static int unset_line(struct parser *parser, char **rest)
{
	char *text;
	size_t i;

	while ((text = strtok_r(NULL, " \t", rest))) {
		i = word_find(text);
		if (!strcmp(text, "all"))
			parser->defaults = (struct said){0};
		else if (i == WORD_COUNT)
			return refuse(parser, text, "a keyword that this program does not know");
		else
			unsay(&parser->defaults, words[i].word);
	}
	return 0;
}

static int whole_line(struct parser *parser, char *line)
{
	char *rest = NULL, *first = strtok_r(line, " \t", &rest);

	if (!first)
		return 0;
	if (!strcmp(first, "/set"))
		return set_line(parser, &rest);
	if (!strcmp(first, "/unset"))
		return unset_line(parser, &rest);
	if (!strcmp(first, ".."))
		return leave(parser);
	return object_line(parser, first, &rest);
}

/* Where a comment begins, or the end: "#" without a backslash before it. */
static size_t code_len(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len && line[i] != '#'; i++)
		i += line[i] == '\\' && i + 1 < len;
	return i < len ? i : len;
}

static bool continues(const char *line, size_t len)
{
	size_t backslashes = 0;

	while (backslashes < len && line[len - 1 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2;
}

static int read_lines(struct parser *parser, const char *text, size_t len, char *line)
{
	const char *end = text + len, *newline;
	size_t used = 0, code;
	bool more;
	int err = 0;

	for (; !err && text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		newline = newline ? newline : end;
		parser->line++;
		len = (size_t)(newline - text);
		code = code_len(text, len);
		more = code == len && continues(text, len);
		code -= more;
		if (memchr(text, '\0', len))
			return refuse(parser, NULL, "not text: there is a NUL in it");
		if (code >= LINE_MAX_SIZE - used)
			return refuse(parser, NULL, "the line is too long");
		memcpy(line + used, text, code);
		used += code;
		line[used] = '\0';
		if (more && newline < end)
			continue;
		used = 0;
		err = whole_line(parser, line);
	}
	return err ? err : used ? refuse(parser, NULL, "the last line is not complete") : 0;
}

static int entry_order(const void *a, const void *b)
{
	const struct fim_mtree_entry *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	return order ? order : left->line < right->line ? -1 : left->line > right->line;
}

static int check_unique(const struct parser *parser)
{
	const struct fim_mtree *mtree = parser->mtree;
	size_t i;

	for (i = 1; i < mtree->count; i++)
		if (!strcmp(mtree->entries[i - 1].path, mtree->entries[i].path))
			return refuse_at(parser, mtree->entries[i].line, mtree->entries[i].path,
					 "is there twice");
	return 0;
}

int fim_mtree_parse(const char *text, size_t len, const struct fim_mtree_source *source,
		    struct fim_mtree *mtree)
{
	struct parser *parser = calloc(1, sizeof(*parser));
	char *line = malloc(LINE_MAX_SIZE);
	int err = parser && line ? 0 : -ENOMEM;

	if (!err) {
		parser->source = source;
		parser->mtree = mtree;
		parser->len = (size_t)snprintf(parser->where, sizeof(parser->where), "%s",
					       source->prefix);
		err = read_lines(parser, text, len, line);
	}
	if (!err && mtree->count) {
		qsort(mtree->entries, mtree->count, sizeof(*mtree->entries), entry_order);
		err = check_unique(parser);
	}
	free(line);
	free(parser);
	return err;
}

void fim_mtree_clear(struct fim_mtree *mtree)
{
	free(mtree->entries);
	fim_arena_free(&mtree->arena);
	*mtree = (struct fim_mtree){0};
}
