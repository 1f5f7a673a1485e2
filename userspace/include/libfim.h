/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfim: what a change means.
 *
 * Conventions, stated once:
 *
 * - An action returns 0 or -errno; a predicate returns bool; an object that
 *   cannot be made is reported as -ENOMEM.  Output parameters come last, are
 *   named *_ret, and are untouched on failure.
 * - Whoever detects a failure reports it once through the log callback, with the
 *   name it is about; callers only pass the number on.
 * - Every *_free() accepts NULL.
 * - A path is a C string of arbitrary bytes: never assumed to be UTF-8, never
 *   holding a NUL.  It is escaped once, where it leaves the program.
 * - Times are nanoseconds since 1970 UTC unless a name says otherwise.
 * - Nothing here keeps global state but the log callback; an object may be used
 *   by one thread at a time.
 */
#ifndef LIBFIM_H
#define LIBFIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifndef FIM_VERSION
#define FIM_VERSION "0.1.0"
#endif

/* Exit status of every program of this project. */
enum fim_exit {
	FIM_EXIT_CLEAN = 0,
	FIM_EXIT_ERROR = 1,
	FIM_EXIT_USAGE = 2,
	FIM_EXIT_FINDINGS = 3,
};

#define FIM_SHA256_SIZE	    32
#define FIM_SHA256_HEX_SIZE 65 /* with the NUL */

/* ------------------------------------------------------------------ log.c */

typedef void (*fim_log_fn)(void *ctx, int priority, const char *message);

/**
 * fim_log_set() - install where messages go; silent until then
 * @fn: called with a syslog(3) priority and one line without newline; NULL: silent
 * @ctx: passed to @fn
 */
void fim_log_set(fim_log_fn fn, void *ctx);

/* Report one message; preserves errno. @priority as syslog(3): LOG_ERR … LOG_DEBUG. */
void fim_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ----------------------------------------------------------------- text.c */

/* True if @len bytes are valid UTF-8 without NUL (RFC 3629: no surrogates, no overlongs). */
bool fim_is_utf8(const char *bytes, size_t len);

void fim_hex_encode(const unsigned char *bytes, size_t len, char *hex_ret /* 2*len+1 */);
/* -EINVAL: not exactly 2*@len lower- or upper-case hex digits. */
int fim_hex_decode(const char *hex, unsigned char *bytes_ret, size_t len);

/**
 * fim_escape() - make bytes safe for a terminal or a log line
 * @bytes: any bytes
 * @len: their number
 *
 * Control characters, DEL, backslash, C1 controls, bidirectional overrides and
 * bytes that are not UTF-8 become \xHH.  Returns a malloc'ed string, NULL if out
 * of memory.
 */
char *fim_escape(const char *bytes, size_t len);

/* RFC 3339 in UTC with nanoseconds, "2026-11-22T09:41:00.000000000Z". */
#define FIM_TIME_SIZE 40
void fim_time_format(int64_t time_ns, char text_ret[FIM_TIME_SIZE]);
/* Accepts what fim_time_format() writes, with or without fraction, and YYYY-MM-DD. */
int fim_time_parse(const char *text, int64_t *time_ns_ret);
int64_t fim_time_now(void);

/* ----------------------------------------------------------------- json.c */
/*
 * The only file that includes jansson.  A struct fim_json * is a counted
 * reference; containers take over ("steal") the values put into them, also on
 * failure, so that building needs no clean-up code: errors stick to the root and
 * fim_json_dump() reports -ENOMEM.
 */
struct fim_json;

#define FIM_JSON_MAX_BYTES (64u << 20)
#define FIM_JSON_MAX_DEPTH 128

/**
 * fim_json_parse() - read one JSON document
 * @text: bytes; duplicates of a key, NUL in strings and depth over
 *	FIM_JSON_MAX_DEPTH are refused
 * @len: their number, at most FIM_JSON_MAX_BYTES (-E2BIG)
 * @what: name for the message, e.g. a file and line; NULL: no message is logged
 * @json_ret: the document, freed with fim_json_free()
 *
 * -EINVAL: not JSON.
 */
int fim_json_parse(const char *text, size_t len, const char *what, struct fim_json **json_ret);
struct fim_json *fim_json_object(void);
struct fim_json *fim_json_array(void);
struct fim_json *fim_json_ref(const struct fim_json *json);
void fim_json_free(struct fim_json *json);

void fim_json_set(struct fim_json *object, const char *key, struct fim_json *value);
void fim_json_set_str(struct fim_json *object, const char *key,
		      const char *text); /* NULL: nothing */
void fim_json_set_int(struct fim_json *object, const char *key, int64_t value);
void fim_json_set_bool(struct fim_json *object, const char *key, bool value);
void fim_json_set_null(struct fim_json *object, const char *key);
/**
 * fim_json_set_bytes() - store bytes that may not be text
 * @object: an object
 * @key: used as is when @bytes are UTF-8; otherwise @key with "_hex" appended,
 *	whose value is lower-case hex
 * @bytes: the bytes; NULL: nothing is stored
 * @len: their number
 */
void fim_json_set_bytes(struct fim_json *object, const char *key, const char *bytes, size_t len);
void fim_json_set_path(struct fim_json *object, const char *key, const char *path);
void fim_json_append(struct fim_json *array, struct fim_json *value);
void fim_json_append_str(struct fim_json *array, const char *text);
void fim_json_append_int(struct fim_json *array, int64_t value);

/* Look-ups return borrowed references, NULL (or @fallback) when missing or of another type. */
struct fim_json *fim_json_get(const struct fim_json *object, const char *key);
/* Walks keys separated by '/', e.g. "HostConfig/Privileged". */
struct fim_json *fim_json_at(const struct fim_json *object, const char *keys);
const char *fim_json_str(const struct fim_json *json);
int64_t fim_json_int(const struct fim_json *json, int64_t fallback);
const char *fim_json_get_str(const struct fim_json *object, const char *key);
int64_t fim_json_get_int(const struct fim_json *object, const char *key, int64_t fallback);
bool fim_json_get_bool(const struct fim_json *object, const char *key, bool fallback);
/* The reverse of fim_json_set_bytes(): malloc'ed, NUL-terminated; -ENOENT, -EINVAL (bad hex). */
int fim_json_get_bytes(const struct fim_json *object, const char *key, char **bytes_ret,
		       size_t *len_ret);
bool fim_json_is_object(const struct fim_json *json);
bool fim_json_is_array(const struct fim_json *json);
bool fim_json_is_int(const struct fim_json *json);
bool fim_json_is_bool(const struct fim_json *json);
bool fim_json_is_null(const struct fim_json *json);
size_t fim_json_count(const struct fim_json *json); /* members or elements */
/* One of its elements is this text. */
bool fim_json_array_has(const struct fim_json *array, const char *text);
struct fim_json *fim_json_index(const struct fim_json *array, size_t index);
/* Calls @fn for each member in insertion order until it returns non-zero, which is returned. */
int fim_json_each(const struct fim_json *object,
		  int (*fn)(void *ctx, const char *key, struct fim_json *value), void *ctx);

/* One line, compact, insertion order, control bytes escaped; malloc'ed and NUL-terminated. */
int fim_json_dump(const struct fim_json *json, char **text_ret, size_t *len_ret);
int fim_json_dump_pretty(const struct fim_json *json, char **text_ret, size_t *len_ret);

/* ----------------------------------------------------------------- pool.c */

/* A thread that gets no signal: these are for the program's own. 0 or a negative errno. */
int fim_thread_start(pthread_t *thread_ret, void *(*fn)(void *), void *arg);

/* --------------------------------------------------------------- crypto.c */
/* The only file that includes OpenSSL. */

struct fim_hasher;
struct fim_hasher *fim_hasher_new(void); /* SHA-256; NULL: out of memory */
void fim_hasher_free(struct fim_hasher *hasher);
int fim_hasher_reset(struct fim_hasher *hasher);
int fim_hasher_update(struct fim_hasher *hasher, const void *bytes, size_t len);
int fim_hasher_final(struct fim_hasher *hasher, unsigned char digest_ret[FIM_SHA256_SIZE]);
/* How SHA-256 of many files is made on this processor at @rate (0: none), for people. */
const char *fim_sha256_way(uint64_t rate);
int fim_sha256(const void *bytes, size_t len, unsigned char digest_ret[FIM_SHA256_SIZE]);

/* The id of a public key: SHA-256 of its DER SubjectPublicKeyInfo, hex. */
#define FIM_KEY_ID_SIZE FIM_SHA256_HEX_SIZE

/**
 * fim_sign() - make an ordinary detached signature
 * @key_path: PEM private key: ECDSA P-256/P-384, RSA (PSS with a salt as long as the
 *	digest), or Ed25519
 * @bytes: what to sign
 * @len: its length
 * @signature_ret: malloc'ed signature, DER for ECDSA
 * @signature_len_ret: its length
 * @key_id_ret: id of the public half
 */
int fim_sign(const char *key_path, const void *bytes, size_t len, unsigned char **signature_ret,
	     size_t *signature_len_ret, char key_id_ret[FIM_KEY_ID_SIZE]);

/**
 * fim_signature_check() - find the trusted key that made a signature
 * @key_paths: PEM public keys or certificates (or directories of *.pem),
 *	NULL-terminated; of RSA both paddings are accepted
 * @bytes: what was signed
 * @len: its length
 * @signature: the detached signature
 * @signature_len: its length
 * @key_id_ret: id of the key that matched
 * @key_path_ret: malloc'ed file name of that key; may be NULL
 *
 * -EKEYREJECTED: no trusted key made this signature. -ENOKEY: no key could be read.
 */
int fim_signature_check(const char *const *key_paths, const void *bytes, size_t len,
			const unsigned char *signature, size_t signature_len,
			char key_id_ret[FIM_KEY_ID_SIZE], char **key_path_ret);

/**
 * struct fim_signed - a signature over something that is too large to be passed around
 * @digest: its SHA-256
 * @load: all of it, malloc'ed; asked only if a key is of a kind that signs messages and
 *	not digests (Ed25519)
 * @load_ctx: for @load
 * @signature: the detached signature
 * @signature_len: its length
 * @chain: certificates in PEM that came with it, the signer's first; NULL: none
 * @chain_len: their length
 */
struct fim_signed {
	unsigned char digest[FIM_SHA256_SIZE];
	int (*load)(void *ctx, char **bytes_ret, size_t *len_ret);
	void *load_ctx;
	const unsigned char *signature;
	size_t signature_len;
	const char *chain;
	size_t chain_len;
};
/**
 * fim_sign_once() - sign with a key that is made for this and forgotten at once
 * @bytes: what to sign
 * @len: its length
 * @signature_ret: malloc'ed signature (ECDSA P-256, DER)
 * @signature_len_ret: its length
 * @public_ret: malloc'ed public key in PEM
 * @public_len_ret: its length
 * @key_id_ret: its id
 *
 * Nobody can ever sign anything else with it: what it says is that these bytes are
 * those that were there when it existed.
 */
int fim_sign_once(const void *bytes, size_t len, unsigned char **signature_ret,
		  size_t *signature_len_ret, char **public_ret, size_t *public_len_ret,
		  char key_id_ret[FIM_KEY_ID_SIZE]);
/* Bytes out of base64 text with line breaks, malloc'ed; -EINVAL: it is not all base64. */
int fim_base64_decode(const char *text, size_t len, unsigned char **bytes_ret, size_t *len_ret);
/* As fim_signature_check(); a certificate that is trusted may vouch for the signer's. */
int fim_signed_check(const char *const *key_paths, const struct fim_signed *what,
		     char key_id_ret[FIM_KEY_ID_SIZE], char **key_path_ret);

/* ----------------------------------------------------------------- file.c */

/* Read a regular file whole; -EFBIG over @max_bytes. malloc'ed, NUL added after the last byte. */
int fim_file_read(const char *path, size_t max_bytes, char **bytes_ret, size_t *len_ret);
/* Write durably: temporary file beside @path, fsync, rename, fsync of the directory. */
int fim_file_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode);

/* In place: \040 and the like, as the kernel writes blanks, tabs, newlines and backslashes in a mount table. */
void fim_mount_unescape(char *text);

/* --------------------------------------------------------------- config.c */
/* YAML through lib/yaml.c, the only file that includes libyaml. */

/**
 * struct fim_config - /etc/ecs-fim/config.yaml; every string is owned by the config
 * @baseline: baseline file; default /var/lib/ecs-fim/baseline.ndjson
 * @signature: its signature; default @baseline with .sig appended after removing .ndjson
 * @trusted_keys: NULL-terminated; PEM files or directories; default /etc/ecs-fim/trusted-keys.d
 * @journal_dir: default /var/lib/ecs-fim/journal
 * @journal_segment_mib: a segment is closed when it is larger; default 16, 1 … 1024
 * @journal_retention_days: how long records are kept; default 366, 1 … 3660
 * @journal_max_mib: of the whole journal; default 1024, 8 … 1048576
 * @journal_full: what to do then: "stop" (default) or "drop-oldest"
 * @journal_protect: set the append-only and immutable attributes; default true
 * @realert_s: remind of alerts that nobody acknowledged, seconds; default 86400, 0: never
 * @docker_socket: default /run/docker.sock; empty: no Docker
 * @exceptions: containers that may have the power they have; default FIM_EXCEPTIONS_PATH,
 *	which need not exist; empty: none
 * @ecs_agent: where the ECS agent tells its tasks, FIM_ECS_AGENT; default empty: it is not
 *	asked
 * @device: default /dev/ecs_fim
 * @module_armed: the module cannot be unloaded; default true
 * @status_socket: default /run/ecs-fim/status.sock
 * @sink_audit: Linux audit; default true
 * @sink_syslog: syslog(3) facility authpriv; default true
 * @syslog_format: "rfc3164" (default) or "rfc5424"
 * @syslog_target: as fim_address_parse() reads it; default /dev/log
 * @sink_journald: systemd's journal, in its own protocol; default false
 * @sink_ocsf: file that gets OCSF events; default "": none
 * @sink_stdout: findings as JSON lines on standard output; default true
 * @compare_interval_s: comparison at least this often, seconds; default 86400,
 *	60 … 604800
 * @compare_full_interval_s: and every file read again at least this often, seconds;
 *	default 604800, 0 … 2592000, 0: by every comparison
 * @settle_ms: how long an unsettled change may wait for its last close; default 1000
 * @watch_containers: watch usr/bin, usr/sbin and etc of containers; default true
 * @rules: NULL-terminated rules files and directories of them, in this order; default NULL:
 *	FIM_RULES_SHIPPED and FIM_RULES_LOCAL, as far as they exist
 * @rules_tags: NULL-terminated: only rules with one of these tags; default none: all
 * @cloudtrail_dir: directory in which CloudTrail log files appear; default "": none
 * @cloudtrail_state: what was read of it; default /var/lib/ecs-fim/cloudtrail.state
 */
struct fim_config {
	char *baseline;
	char *signature;
	char **trusted_keys;
	char *journal_dir;
	uint32_t journal_segment_mib;
	uint32_t journal_retention_days;
	uint32_t journal_max_mib;
	char *journal_full;
	bool journal_protect;
	uint32_t realert_s;
	char *docker_socket;
	char *exceptions;
	char *ecs_agent;
	char *device;
	bool module_armed;
	char *status_socket;
	bool sink_audit;
	bool sink_syslog;
	char *syslog_format;
	char *syslog_target;
	bool sink_journald;
	char *sink_ocsf;
	bool sink_stdout;
	uint32_t compare_interval_s;
	uint32_t compare_full_interval_s;
	uint32_t settle_ms;
	bool watch_containers;
	char **rules;
	char **rules_tags;
	char *cloudtrail_dir;
	char *cloudtrail_state;
};

#define FIM_CONFIG_PATH	  "/etc/ecs-fim/config.yaml"
#define FIM_RULES_SHIPPED "/usr/share/ecs-fim/rules"
#define FIM_RULES_LOCAL	  "/etc/ecs-fim/rules.d"

/**
 * fim_config_load() - read a configuration
 * @path: file; NULL: FIM_CONFIG_PATH, and all defaults if that does not exist
 * @config_ret: freed with fim_config_free()
 *
 * An unknown key, a wrong type or a value out of range is -EINVAL with
 * file:line:column in the message.
 */
int fim_config_load(const char *path, struct fim_config **config_ret);
void fim_config_free(struct fim_config *config);
/* How to keep the journal; points into @config. */
struct fim_journal_params;
void fim_config_journal(const struct fim_config *config, struct fim_journal_params *params_ret);
/* Where root gives the daemon orders: beside @status_socket, "control.sock"; malloc'ed. */
char *fim_config_control_socket(const struct fim_config *config);
/**
 * fim_config_update() - take over what a running daemon can
 * @config: gets those values of @fresh that may change
 * @fresh: the file as it is now; afterwards it has the old values and is freed as usual
 * @changed: called for each key that differs; @taken: false if it needs a restart
 * @ctx: for @changed
 */
void fim_config_update(struct fim_config *config, struct fim_config *fresh,
		       void (*changed)(void *ctx, const char *key, bool taken), void *ctx);

/* ---------------------------------------------------------------- state.c */

enum fim_type {
	FIM_TYPE_NONE = 0, /* there is nothing of this name */
	FIM_TYPE_FILE,
	FIM_TYPE_DIR,
	FIM_TYPE_SYMLINK,
	FIM_TYPE_CHAR,
	FIM_TYPE_BLOCK,
	FIM_TYPE_FIFO,
	FIM_TYPE_SOCKET,
};
const char *fim_type_name(enum fim_type type); /* "none", "file", "dir", … */

/**
 * struct fim_xattr - one extended attribute, owned by its state
 * @name: name with its namespace, e.g. security.capability
 * @value: bytes
 * @len: their number
 */
struct fim_xattr {
	char *name;
	unsigned char *value;
	size_t len;
};

/**
 * struct fim_state - what is, or should be, at a path
 * @type: FIM_TYPE_NONE: nothing there, every other member is 0
 * @mode: permission bits, 07777
 * @uid: owner
 * @gid: group
 * @size: bytes; files and symlinks only, else 0
 * @nlink: link count; files only, else 0
 * @has_digest: @sha256 is set; files only. False for an observed file: it could not be read
 * @sha256: FIPS 180-4 digest of the content
 * @target: symlinks: where it points, else NULL
 * @verity: fs-verity digest, "sha256:<hex>"; NULL if the file has none
 * @rdev_major: devices: major number
 * @rdev_minor: devices: minor number
 * @immutable: chattr +i
 * @append_only: chattr +a
 * @xattrs: sorted by name; NULL if none
 * @xattr_count: their number
 * @unknown: FIM_DIFF_ bits that whoever wrote this state down said nothing of: they
 *	differ from nothing; 0 for everything that was measured
 * @dev: observed only: st_dev; never stored nor compared, as all below
 * @ino: observed only: inode number
 * @ctime_ns: observed only: last status change
 * @mtime_ns: observed only: last content change
 */
struct fim_state {
	enum fim_type type;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	uint32_t nlink;
	bool has_digest;
	unsigned char sha256[FIM_SHA256_SIZE];
	char *target;
	char *verity;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	bool immutable;
	bool append_only;
	struct fim_xattr *xattrs;
	size_t xattr_count;
	uint32_t unknown;
	uint64_t dev;
	uint64_t ino;
	int64_t ctime_ns;
	int64_t mtime_ns;
};

void fim_state_clear(struct fim_state *state); /* frees what it owns, leaves FIM_TYPE_NONE */
int fim_state_copy(const struct fim_state *from, struct fim_state *to_ret);

/* Attributes that a comparison can find different. */
#define FIM_DIFF_TYPE	(1u << 0)
#define FIM_DIFF_MODE	(1u << 1)
#define FIM_DIFF_UID	(1u << 2)
#define FIM_DIFF_GID	(1u << 3)
#define FIM_DIFF_SIZE	(1u << 4)
#define FIM_DIFF_DIGEST (1u << 5)
#define FIM_DIFF_TARGET (1u << 6)
#define FIM_DIFF_XATTRS (1u << 7)
#define FIM_DIFF_FLAGS	(1u << 8)
#define FIM_DIFF_NLINK	(1u << 9)
#define FIM_DIFF_RDEV	(1u << 10)
#define FIM_DIFF_VERITY (1u << 11)
#define FIM_DIFF_LINKS	(1u << 12) /* comparisons only: not the same file as another name of it */
#define FIM_DIFF_CONTENT \
	(FIM_DIFF_TYPE | FIM_DIFF_SIZE | FIM_DIFF_DIGEST | FIM_DIFF_TARGET | FIM_DIFF_RDEV)
#define FIM_DIFF_ALL ((1u << 13) - 1)

/* Name of one FIM_DIFF_ bit: "mode", "sha256", … ; the same names as in JSON. */
const char *fim_diff_name(uint32_t bit);
/* Which attributes differ, of those known of both. Pure. A missing digest on one side only is FIM_DIFF_DIGEST. */
uint32_t fim_state_diff(const struct fim_state *a, const struct fim_state *b);
/* As stored in a baseline line and in findings: adds members to @object ("type":"none" if absent). */
void fim_state_to_json(const struct fim_state *state, struct fim_json *object);
/* -EINVAL: a member is missing, unknown types, wrong type or out of range; @what names it in the message. */
int fim_state_from_json(const struct fim_json *object, const char *what,
			struct fim_state *state_ret);

/* ----------------------------------------------------------------- open.c */

/**
 * fim_open_beneath() - open(2) that follows no symbolic link and never leaves a directory
 * @dirfd: the directory
 * @path: relative path below it; "": the directory itself
 * @flags: of open(2); O_NOFOLLOW and O_CLOEXEC are added
 *
 * A descriptor or -errno.
 */
int fim_open_beneath(int dirfd, const char *path, int flags);
/**
 * fim_open_dir_inside() - a directory, as a process sees it whose root is @rootfd
 * @rootfd: the root: absolute links start there, and ".." does not lead above it
 * @path: path below it
 *
 * An O_PATH descriptor or -errno.
 */
int fim_open_dir_inside(int rootfd, const char *path);

/* -------------------------------------------------------------- measure.c */

#define FIM_MEASURE_NO_DIGEST (1u << 0) /* do not read content */
#define FIM_MEASURE_BOUNDED   (1u << 2) /* nor that of a file larger than FIM_MEASURE_BOUND */
#define FIM_MEASURE_BOUND     (512u << 20)
/*
 * A file that changed within the current tick of the kernel's clock can change again
 * without its ctime moving, so that tick is waited for. Whoever hears of every change need
 * not wait: refused, it is -EBUSY, and later is soon enough; hasty, it is read as it is.
 */
#define FIM_MEASURE_REFUSE_FRESH (1u << 3)
#define FIM_MEASURE_HASTY	 (1u << 4)
/* The longest tick of a kernel clock (CONFIG_HZ=100): how coarse a ctime may be. */
#define FIM_TICK_NS 10000000LL

/**
 * fim_measure_at() - observe what is at a path, race-free
 * @dirfd: directory to start from
 * @path: relative path below it; "" or ".": the directory itself
 * @flags: FIM_MEASURE_*
 * @hasher: scratch, reset by the call
 * @state_ret: cleared by the caller with fim_state_clear()
 *
 * No symbolic link in @path is followed and "..", magic links and mount points
 * are not crossed upwards (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
 * RESOLVE_NO_MAGICLINKS).  Everything is read through one O_PATH descriptor; only
 * regular files are opened for reading, so a FIFO or device never blocks.
 *
 * 0 with FIM_TYPE_NONE: there is nothing (ENOENT, ENOTDIR, or a component is a
 * symlink).  -EAGAIN: the file kept changing while it was read.  -EACCES, -EIO, …:
 * it exists and could not be read.
 */
int fim_measure_at(int dirfd, const char *path, uint32_t flags, struct fim_hasher *hasher,
		   struct fim_state *state_ret);

struct fim_rule;

/**
 * fim_measure_as() - the same, in the terms of a path's class
 * @dirfd: as fim_measure_at(), likewise @path, @hasher, @state_ret
 * @path: relative
 * @flags: FIM_MEASURE_REFUSE_FRESH, FIM_MEASURE_HASTY
 * @rule: its class says what is read; content that matches a template becomes what
 *	every such content becomes (size 0 and a digest of the template)
 * @expected: what the baseline has there, NULL: nothing or unknown; of a file that is
 *	append-only as much is read as the baseline has
 * @hasher: scratch
 * @state_ret: cleared by the caller with fim_state_clear()
 */
int fim_measure_as(int dirfd, const char *path, uint32_t flags, const struct fim_rule *rule,
		   const struct fim_state *expected, struct fim_hasher *hasher,
		   struct fim_state *state_ret);

/* --------------------------------------------------------------- policy.c */

/**
 * enum fim_class - how a path is compared; README of baselines/ explains them
 * @FIM_CLASS_STRICT: every attribute must match
 * @FIM_CLASS_ONCE: as strict, but the first boot may change it once: see fim_enroll()
 * @FIM_CLASS_TEMPLATED: as strict, but content that matches the rule's template is
 *	as good as any other that does
 * @FIM_CLASS_METADATA: type, mode, owner, target; not content, size, or link count
 * @FIM_CLASS_APPEND_ONLY: as strict, but the file may have grown: what it held when
 *	the baseline was taken must still be its beginning
 * @FIM_CLASS_EXCLUDED: not compared; reason and approver are printed in the report
 */
enum fim_class {
	FIM_CLASS_STRICT = 0,
	FIM_CLASS_ONCE,
	FIM_CLASS_TEMPLATED,
	FIM_CLASS_METADATA,
	FIM_CLASS_APPEND_ONLY,
	FIM_CLASS_EXCLUDED,
};
const char *fim_class_name(enum fim_class cls);
/* One sentence for people: what a finding in this class means. */
const char *fim_class_meaning(enum fim_class cls);
/* Which FIM_DIFF_ bits count in this class. */
uint32_t fim_class_mask(enum fim_class cls);

/**
 * struct fim_rule - one line of a policy; strings are owned by the policy
 * @path: absolute, without trailing '/'; the rule holds for it and all below it
 *	unless a deeper rule matches. '*', '?' and '[…]' match within one component,
 *	'\\' takes the next character as it is; of two rules equally deep, one
 *	without any of them counts, else the first in byte order
 * @cls: class
 * @reason: why; required unless strict
 * @approver: who agreed; required for excluded
 * @category: PCI DSS 11.5.2 category, e.g. "system executables"; may be NULL
 * @template: FIM_CLASS_TEMPLATED: regular expression (RE2's POSIX syntax) that all of
 *	the content must match
 * @writers: FIM_CLASS_ONCE, FIM_CLASS_TEMPLATED: programs that write it at first boot,
 *	absolute paths as globs; NULL-terminated, NULL: any
 * @is_glob: @path has one of '*', '?', '['
 * @depth: components of @path
 */
struct fim_rule {
	char *path;
	enum fim_class cls;
	char *reason;
	char *approver;
	char *category;
	char *template;
	char **writers;
	bool is_glob;
	size_t depth;
};

struct fim_policy;

/* -EINVAL with file:line:column in the message; a policy is never half loaded. */
int fim_policy_load(const char *path, struct fim_policy **policy_ret);
/* The same from / to the object in a baseline's header. */
int fim_policy_from_json(const struct fim_json *json, const char *what,
			 struct fim_policy **policy_ret);
struct fim_json *fim_policy_to_json(const struct fim_policy *policy);
void fim_policy_free(struct fim_policy *policy);
const char *fim_policy_name(const struct fim_policy *policy);
/* SHA-256 of the compact JSON of fim_policy_to_json(), hex. */
const char *fim_policy_digest(const struct fim_policy *policy);
/* Directories to baseline and to watch, sorted, none inside another. */
size_t fim_policy_root_count(const struct fim_policy *policy);
const char *fim_policy_root(const struct fim_policy *policy, size_t index);
size_t fim_policy_rule_count(const struct fim_policy *policy);
const struct fim_rule *fim_policy_rule(const struct fim_policy *policy, size_t index);
/* The deepest rule that covers @path; a strict default rule if none. Never NULL. */
const struct fim_rule *fim_policy_lookup(const struct fim_policy *policy, const char *path);
/* True if @path is a root or below one. */
bool fim_policy_covers(const struct fim_policy *policy, const char *path);

/* ------------------------------------------------------------- baseline.c */

/**
 * enum fim_origin - what the package database says of a file
 * @FIM_ORIGIN_UNKNOWN: no database, or it has no digest of this file
 * @FIM_ORIGIN_PACKAGED: content is what the package delivered
 * @FIM_ORIGIN_DIFFERS: a package delivered it, with other content
 * @FIM_ORIGIN_UNPACKAGED: no package has it
 */
enum fim_origin {
	FIM_ORIGIN_UNKNOWN = 0,
	FIM_ORIGIN_PACKAGED,
	FIM_ORIGIN_DIFFERS,
	FIM_ORIGIN_UNPACKAGED,
};
const char *fim_origin_name(enum fim_origin origin); /* "as-packaged", "differs", "unpackaged" */

/**
 * struct fim_entry - one object of a baseline; owned by the baseline
 * @path: absolute
 * @state: expected state
 * @link: first path of the same file, if it is another; NULL: this one
 * @package: owning package, NULL if none or unknown
 * @why: deltas only: what this entry is justified by; NULL: nothing was said
 * @origin: how the content relates to what the package says
 */
struct fim_entry {
	char *path;
	struct fim_state state;
	char *link;
	char *package;
	char *why;
	enum fim_origin origin;
};

/**
 * struct fim_progress - how far a walk has come
 * @files: objects done
 * @bytes: content bytes hashed
 * @total: objects expected, 0 if unknown
 * @part: of all the work, 0 to 1; 0 if unknown
 */
struct fim_progress {
	uint64_t files;
	uint64_t bytes;
	uint64_t total;
	double part;
};
typedef void (*fim_progress_fn)(void *ctx, const struct fim_progress *progress);

/**
 * struct fim_baseline_params - how to take a baseline
 * @root: directory that holds the system, "/" or a mounted image
 * @policy: what to baseline
 * @provenance: object copied into the header as "provenance" (image id, build
 *	id, …); NULL: {}
 * @expires_ns: from when on it is refused; 0: never
 * @rate: bytes of content read per second; 0: as fast as it goes
 * @progress: called now and then; may be NULL
 * @progress_ctx: for @progress
 */
struct fim_baseline_params {
	const char *root;
	const struct fim_policy *policy;
	const struct fim_json *provenance;
	int64_t expires_ns;
	uint64_t rate;
	fim_progress_fn progress;
	void *progress_ctx;
};

struct fim_baseline;

/* Measures and writes @output atomically; two runs on the same tree differ only in the header. */
int fim_baseline_create(const struct fim_baseline_params *params, const char *output,
			struct fim_progress *done_ret);

/**
 * fim_baseline_open() - read, check and parse a baseline
 * @path: the file
 * @signature_path: detached signature; checked over the very bytes that are parsed.
 *	NULL together with @key_paths NULL: no check (export, diff; never the daemon);
 *	certificates of the signer are read from the signature's name with .chain.pem
 *	appended, if that is there
 * @key_paths: trusted public keys as fim_signature_check()
 * @baseline_ret: freed with fim_baseline_free()
 *
 * -EKEYREJECTED, -ENOKEY: as fim_signature_check(). -ENOENT: a file is missing.
 * -EKEYEXPIRED: its time is over. -EINVAL: not a baseline, or order, count, root digest or a line is wrong; the
 * message names the line and the reason.
 */
int fim_baseline_open(const char *path, const char *signature_path, const char *const *key_paths,
		      struct fim_baseline **baseline_ret);
void fim_baseline_free(struct fim_baseline *baseline);
/* SHA-256 of a file that may be as large as a baseline. */
int fim_file_digest(const char *path, unsigned char digest_ret[FIM_SHA256_SIZE]);
/* As fim_baseline_open() does: any file and the detached signature over it. */
int fim_signature_check_digest(const char *path, const char *signature_path,
			       const char *const *key_paths,
			       const unsigned char digest[FIM_SHA256_SIZE],
			       char key_id_ret[FIM_KEY_ID_SIZE]);
const struct fim_policy *fim_baseline_policy(const struct fim_baseline *baseline);
/* The header line's object; borrowed. */
const struct fim_json *fim_baseline_header(const struct fim_baseline *baseline);
/* SHA-256 of the whole file, hex. */
const char *fim_baseline_digest(const struct fim_baseline *baseline);
/* Key that signed it, "" if the signature was not checked. */
const char *fim_baseline_key_id(const struct fim_baseline *baseline);
size_t fim_baseline_count(const struct fim_baseline *baseline);
const struct fim_entry *fim_baseline_index(const struct fim_baseline *baseline, size_t index);
const struct fim_entry *fim_baseline_lookup(const struct fim_baseline *baseline, const char *path);
/* Format of sha256sum(1), regular files only, escaped as coreutils does; paths below @root. */
int fim_baseline_export_sha256sums(const struct fim_baseline *baseline, FILE *out);
/* Format of mtree(5), paths relative to the root; what mtree cannot say (xattrs) is left out. */
int fim_baseline_export_mtree(const struct fim_baseline *baseline, FILE *out);
/* One JSON document: {"header":{…},"objects":[{…},…]}. */
int fim_baseline_export_json(const struct fim_baseline *baseline, FILE *out);

/* --------------------------------------------------------------- import.c */

/**
 * struct fim_import_params - what to make a baseline of
 * @file: an mtree(5)
 * @root: directory that holds the system; its passwd and group turn names into numbers
 * @prefix: directory of the system that the mtree's "." is
 * @policy: what is covered; NULL: what the mtree is about
 * @provenance: object copied into the header, beside "imported_…"; NULL: {}
 */
struct fim_import_params {
	const char *file;
	const char *root;
	const char *prefix;
	const struct fim_policy *policy;
	const struct fim_json *provenance;
};

/**
 * struct fim_import_result - what became of it
 * @objects: lines of the baseline
 * @without_digest: files among them whose content is not compared
 * @outside: objects that the policy does not cover
 * @left_out: rules that keywords of the mtree made: "optional", "ignore"
 */
struct fim_import_result {
	size_t objects;
	size_t without_digest;
	size_t outside;
	size_t left_out;
};

/* -EINVAL: not an mtree, FILE:LINE in the message; nothing is written then. */
int fim_import_mtree(const struct fim_import_params *params, const char *output,
		     struct fim_import_result *result_ret);

/* ---------------------------------------------------------------- delta.c */
/*
 * A delta is what a baseline's owner agreed to change after it was signed: entries
 * that replace, add, or (type "none") take away. It names the digest of the baseline
 * and of the delta before it, so that none can be left out or put in another order,
 * and it has a signature of its own. Accessors of a baseline serve for it too, but
 * for its policy.
 */

/* As fim_baseline_open(). */
int fim_delta_open(const char *path, const char *signature_path, const char *const *key_paths,
		   struct fim_baseline **delta_ret);
/**
 * fim_baseline_apply() - make a delta part of a baseline
 * @baseline: the baseline, with the deltas before this one already applied
 * @delta: unchanged
 * @name: for messages
 *
 * -EINVAL: it is for another baseline or does not follow what was applied last, or
 * changes what the policy does not let its kind change.
 */
int fim_baseline_apply(struct fim_baseline *baseline, const struct fim_baseline *delta,
		       const char *name);
/**
 * fim_baseline_apply_dir() - apply all *.ndjson in a directory, in their chain's order
 * @baseline: the baseline
 * @dir: the directory; that it does not exist is no error
 * @key_paths: trusted keys
 * @applied_ret: how many were applied; may be NULL
 *
 * Each needs a valid signature: one without is passed over with a warning, because a
 * file that anybody can put there must not stop the comparison. What follows it in the
 * chain cannot be applied either.
 */
int fim_baseline_apply_dir(struct fim_baseline *baseline, const char *dir,
			   const char *const *key_paths, size_t *applied_ret);
/* Where a baseline's deltas are: "deltas" in its directory; malloc'ed. */
char *fim_deltas_dir(const char *baseline_path);
/* What holds on this host: fim_baseline_open(), then the deltas of fim_deltas_dir(). */
int fim_baseline_open_current(const char *path, const char *signature_path,
			      const char *const *key_paths, struct fim_baseline **baseline_ret);
/* True if the file begins as a delta does. */
bool fim_is_delta(const char *path);

/* The enrollment's file in fim_deltas_dir(); beside it .sig and, if it was signed by
 * fim_sign_once(), .pem. */
#define FIM_ENROLLMENT_NAME "enrollment.ndjson"

/**
 * struct fim_delta_info - a delta that was applied
 * @digest: SHA-256 of its file, hex
 * @key_id: key that signed it
 * @kind: "enrollment" or "change"
 * @count: entries
 * @entries: of an enrollment, as many as a record of the journal has room for, each {"path",
 *	"class", "type", "sha256", "why"} as far as it has them; else none
 */
struct fim_delta_info {
	char digest[FIM_SHA256_HEX_SIZE];
	char key_id[FIM_KEY_ID_SIZE];
	char kind[16];
	size_t count;
	struct fim_json *entries;
};
/* In the order in which they were applied; NULL: there are no more. */
const struct fim_delta_info *fim_baseline_delta(const struct fim_baseline *baseline, size_t index);

struct fim_delta_writer;
/**
 * fim_delta_create() - begin to write a delta
 * @baseline: what it is for, with all deltas before it applied
 * @kind: "enrollment" or "change"
 * @change: object that says who, why and when; not consumed
 * @output: file, there only when fim_delta_finish() has succeeded
 * @writer_ret: for fim_delta_add(), in byte order of the paths
 */
int fim_delta_create(const struct fim_baseline *baseline, const char *kind,
		     const struct fim_json *change, const char *output,
		     struct fim_delta_writer **writer_ret);
int fim_delta_add(struct fim_delta_writer *writer, const struct fim_entry *entry);
/* Consumes the writer, whatever it returns. */
int fim_delta_finish(struct fim_delta_writer *writer, char digest_ret[FIM_SHA256_HEX_SIZE]);
void fim_delta_abandon(struct fim_delta_writer *writer);
/* Members as in a line of a baseline. */
void fim_entry_to_json(const struct fim_entry *entry, struct fim_json *json);

/* Digest of the last delta applied, or of the baseline: what the next delta follows. */
const char *fim_baseline_head(const struct fim_baseline *baseline);

/* ----------------------------------------------------------------- memo.c */

struct fim_memo;
/**
 * fim_memo_open() - what comparisons before this one found right
 * @path: file; beside it, .key appended, a key that is made if there is none
 * @root: directory that holds the system
 * @baseline: with its deltas applied
 * @max_age_ns: what was read longer ago is read again
 * @memo_ret: empty if there is no file, or it is not for this baseline and root, or was
 *	changed; freed with fim_memo_free()
 */
int fim_memo_open(const char *path, const char *root, const struct fim_baseline *baseline,
		  int64_t max_age_ns, struct fim_memo **memo_ret);
int fim_memo_save(struct fim_memo *memo);
void fim_memo_free(struct fim_memo *memo);

/* -------------------------------------------------------------- compare.c */

enum fim_kind {
	FIM_KIND_MODIFIED = 0, /* content, type or target differs */
	FIM_KIND_ADDED,
	FIM_KIND_REMOVED,
	FIM_KIND_ATTRIBUTES, /* only mode, owner, xattrs, flags or link count differ */
	FIM_KIND_MOVED,	     /* the same object, under another name */
	FIM_KIND_RESTORED,   /* was different, is as the baseline says again */
	FIM_KIND_TRANSIENT,  /* changed and undone before it could be measured */
	FIM_KIND_UNREADABLE, /* exists and could not be measured: nothing is known */
};
const char *fim_kind_name(enum fim_kind kind); /* "modified", … */
/* What a difference amounts to. Pure; not for two equal states. */
enum fim_kind fim_kind_of(const struct fim_state *before, const struct fim_state *after,
			  uint32_t diff);

/**
 * struct fim_difference - one result of a comparison; valid during the call only
 * @path: absolute, as in the baseline
 * @kind: what it is
 * @diff: FIM_DIFF_ bits that count in this path's class
 * @before: expected state
 * @after: observed state
 * @rule: policy rule that applies
 * @err: FIM_KIND_UNREADABLE: -errno
 * @link_before: first path of the same file in the baseline, NULL: this one, or unknown
 * @link_after: the same on disk
 */
struct fim_difference {
	const char *path;
	enum fim_kind kind;
	uint32_t diff;
	const struct fim_state *before;
	const struct fim_state *after;
	const struct fim_rule *rule;
	int err;
	const char *link_before;
	const char *link_after;
};

/**
 * struct fim_comparison - totals of a comparison run
 * @start_ns: wall clock
 * @end_ns: wall clock
 * @expected: objects in the baseline that are compared
 * @compared: objects measured and compared
 * @added: objects that the baseline does not know
 * @removed: baseline objects that are not there
 * @changed: objects that differ
 * @unreadable: objects that could not be measured
 * @bytes: content bytes hashed
 * @skipped: those of @compared that were not read, because they are as they were
 */
struct fim_comparison {
	int64_t start_ns;
	int64_t end_ns;
	uint64_t expected;
	uint64_t compared;
	uint64_t added;
	uint64_t removed;
	uint64_t changed;
	uint64_t unreadable;
	uint64_t bytes;
	uint64_t skipped;
};

/**
 * struct fim_compare_params - how to compare
 * @root: directory that holds the system
 * @difference: called for each difference, in path order; non-zero stops and is returned
 * @observed: called for each object measured, equal or not; may be NULL
 * @progress: may be NULL
 * @ctx: for all three
 * @rate: bytes of content read per second; 0: as fast as it goes
 * @memo: what is known from before, brought up to date; NULL: everything is read
 */
struct fim_compare_params {
	const char *root;
	int (*difference)(void *ctx, const struct fim_difference *difference);
	void (*observed)(void *ctx, const char *path, const struct fim_state *state);
	fim_progress_fn progress;
	void *ctx;
	uint64_t rate;
	struct fim_memo *memo;
};

/* Full comparison of everything that the baseline's policy covers. */
int fim_compare(const struct fim_baseline *baseline, const struct fim_compare_params *params,
		struct fim_comparison *totals_ret);

/* --------------------------------------------------------------- ledger.c */

/* One difference, in the order of fim_compare(), into the digest of a comparison's result. */
int fim_difference_digest(struct fim_hasher *hasher, const struct fim_difference *difference);
/* start, end; and the numbers, expected to skipped: as a comparison record and verify have them. */
void fim_comparison_times_to_json(const struct fim_comparison *totals, struct fim_json *json);
void fim_comparison_counts_to_json(const struct fim_comparison *totals, struct fim_json *json);
/* The members of a comparison record that totals and scope give: scope, and both. */
void fim_comparison_to_json(const struct fim_comparison *totals, const struct fim_policy *policy,
			    struct fim_json *json);
/**
 * fim_comparison_body() - make the body of a comparison record out of what another process says
 * @request: the members of the record, and baseline: fim_baseline_head() of what it compared
 *	with
 * @baseline: in use now; NULL: none
 * @who: what the kernel says of who says so: taken over
 * @error_ret: what is wrong, static
 * @body_ret: for fim_journal_append(); its trigger is "scheduled"
 *
 * -EINVAL: see *@error_ret.
 */
int fim_comparison_body(const struct fim_json *request, const struct fim_baseline *baseline,
			struct fim_json *who, const char **error_ret, struct fim_json **body_ret);

/* ----------------------------------------------------------------- diff.c */

/**
 * struct fim_baseline_change - a path that two baselines have differently; valid as long as both
 * @path: absolute
 * @before: NULL: the first has none
 * @after: NULL: the second has none
 * @diff: FIM_DIFF_ bits, of any class
 * @kind: FIM_KIND_ADDED, _REMOVED, _MODIFIED or _ATTRIBUTES
 * @package: whose it is, after or before; NULL: nobody's, or unknown
 */
struct fim_baseline_change {
	const char *path;
	const struct fim_entry *before;
	const struct fim_entry *after;
	uint32_t diff;
	enum fim_kind kind;
	const char *package;
};

/**
 * fim_baseline_diff() - what two baselines have differently
 * @before: the first
 * @after: the second
 * @changes_ret: malloc'ed, by package, then in byte order of the paths
 * @count_ret: their number
 */
int fim_baseline_diff(const struct fim_baseline *before, const struct fim_baseline *after,
		      struct fim_baseline_change **changes_ret, size_t *count_ret);
/* Version of a package by a baseline's header; NULL: not installed, or unknown. */
const char *fim_baseline_version(const struct fim_baseline *baseline, const char *package);
/**
 * fim_change_explanation() - a sentence on why a change is what a reader may expect, or not
 * @change: of fim_baseline_diff()
 * @explained_ret: false: somebody should look at it
 */
const char *fim_change_explanation(const struct fim_baseline_change *change, bool *explained_ret);

/* --------------------------------------------------------------- enroll.c */

/**
 * struct fim_enroll_params - a first boot
 * @root: directory that holds the system
 * @baseline: of the image, no delta applied
 * @dir: directory of the deltas; made if it is not there
 * @unsigned_only: leave the delta to be signed elsewhere
 * @boot_id: of this boot; may be NULL
 * @finding: called for each difference that the policy does not leave to the first
 *	boot; may be NULL
 * @ctx: for it
 */
struct fim_enroll_params {
	const char *root;
	const struct fim_baseline *baseline;
	const char *dir;
	bool unsigned_only;
	const char *boot_id;
	int (*finding)(void *ctx, const struct fim_difference *difference);
	void *ctx;
};

/**
 * struct fim_enrollment - what came of it
 * @totals: of the comparison
 * @enrolled: paths in the delta
 * @findings: differences that are not
 * @digest: of the delta, hex
 * @key_id: key that was made for it, "" if it is not signed
 */
struct fim_enrollment {
	struct fim_comparison totals;
	uint64_t enrolled;
	uint64_t findings;
	char digest[FIM_SHA256_HEX_SIZE];
	char key_id[FIM_KEY_ID_SIZE];
};

/**
 * fim_enroll() - make what a first boot changed part of what is expected
 * @params: what to do
 * @enrollment_ret: what came of it
 *
 * Of class once any change is taken over, of class templated one that matches the
 * template; everything else stays a finding. -EEXIST: this host is enrolled.
 */
int fim_enroll(const struct fim_enroll_params *params, struct fim_enrollment *enrollment_ret);

/* --------------------------------------------------------------- window.c */

/**
 * struct fim_window_params - a change
 * @root: directory that holds the system
 * @baseline: with all signed deltas applied
 * @dir: directory of the deltas
 * @file: where the open window is noted
 * @reason: begin: why
 * @ticket: begin: where that was agreed to; may be NULL
 * @by: begin: who says so
 * @package_manager: begin: what the package database vouches for is authorized
 * @paths: begin: what else is, with all below; NULL-terminated, NULL: nothing
 * @finding: end: called for each difference that is not authorized; may be NULL
 * @ctx: for it
 */
struct fim_window_params {
	const char *root;
	const struct fim_baseline *baseline;
	const char *dir;
	const char *file;
	const char *reason;
	const char *ticket;
	const char *by;
	bool package_manager;
	const char *const *paths;
	int (*finding)(void *ctx, const struct fim_difference *difference);
	void *ctx;
};

/**
 * struct fim_window_result - what came of it
 * @totals: of the comparison
 * @findings: begin: differences that there were before; end: that are not authorized
 * @authorized: end: paths in the delta
 * @path: end: the delta, malloc'ed; NULL: nothing was authorized
 * @digest: end: its digest, to be signed
 */
struct fim_window_result {
	struct fim_comparison totals;
	uint64_t findings;
	uint64_t authorized;
	char *path;
	char digest[FIM_SHA256_HEX_SIZE];
};

/* -EEXIST: one is open. Compares: what differs now is not what the change will have done. */
int fim_window_begin(const struct fim_window_params *params, struct fim_window_result *result_ret);
/* -ENOENT: none is open. Writes the delta, unsigned, in the place of one that waits. */
int fim_window_end(const struct fim_window_params *params, struct fim_window_result *result_ret);
/* Where the open window of a baseline is noted: beside it, "change.json"; malloc'ed. */
char *fim_window_path(const char *baseline_path);
/* -ENOENT: none is open. Reported. */
int fim_window_read(const char *file, struct fim_json **window_ret);
/* What is said of a change, without what differed before it. @end_ns 0: it is under way. */
struct fim_json *fim_window_change(const struct fim_json *window, int64_t end_ns);
/**
 * fim_pending_open() - the delta that waits for its signature
 * @baseline: with all signed deltas applied
 * @dir: directory of the deltas
 * @path_ret: its file, malloc'ed; may be NULL
 * @pending_ret: the delta; both are untouched if there is none
 */
int fim_pending_open(const struct fim_baseline *baseline, const char *dir, char **path_ret,
		     struct fim_baseline **pending_ret);
/* What an unsigned delta says for a difference; NULL: nothing. @pending may be NULL. */
const struct fim_entry *fim_pending_lookup(const struct fim_baseline *pending,
					   const struct fim_difference *difference);

/* -------------------------------------------------------------- journal.c */
/*
 * A directory of segments: closed ones journal-FIRST.ndjson[.gz], named by their first
 * record, and the one being written, journal.ndjson.  Every line is a JSON object whose
 * first members are seq, time, boot_id, type, prev; prev is the SHA-256 of the line
 * before (its bytes with the newline), also over the end of a segment, 64 zeros for the
 * first.  In a sealed journal the last member is seal.
 */
struct fim_journal;

enum fim_journal_full {
	FIM_JOURNAL_STOP = 0, /* refuse records: what is kept stays, until somebody makes room */
	FIM_JOURNAL_DROP,     /* remove the oldest segments although they should be kept */
};

/**
 * struct fim_journal_params - how to keep a journal; 0 means the default
 * @dir: directory, made with mode 0700
 * @segment_bytes: a segment is closed when it is larger; default 16 MiB
 * @segment_s: or when its first record is older, seconds; default one day
 * @retention_days: closed segments are removed when their last record is older; default 366
 * @max_bytes: of all files together; default 1 GiB
 * @full: what to do then
 * @keep_plain: do not compress closed segments
 * @protect: set the append-only attribute on the segment being written and the immutable
 *	one on closed ones, where the file system has them and the process may
 */
struct fim_journal_params {
	const char *dir;
	uint64_t segment_bytes;
	uint32_t segment_s;
	uint32_t retention_days;
	uint64_t max_bytes;
	enum fim_journal_full full;
	bool keep_plain;
	bool protect;
};

/**
 * fim_journal_open() - open for appending; one writer (-EBUSY), created if missing
 * @params: copied
 * @journal_ret: closed with fim_journal_close()
 *
 * A torn last line (crash) is cut and said with a record of type "control", component
 * "journal".  Any other fault in the segment being written or the one before, and a
 * seal that is wrong or missing there, is -EBADMSG and nothing is written.
 */
int fim_journal_open(const struct fim_journal_params *params, struct fim_journal **journal_ret);
void fim_journal_close(struct fim_journal *journal);
/**
 * fim_journal_append() - add a record; durable (fdatasync) when the call returns
 * @journal: the journal; any number of threads may append at once, and those that
 *	wait share one fdatasync
 * @type: lower-case letters, digits, '-' and '_'; at most 23
 * @body: object whose members follow the common ones; not consumed
 * @seq_ret: its number; may be NULL
 * @line_ret: the line as written, malloc'ed, without newline, for sinks; may be NULL
 *
 * -ENOSPC: the disk is full, or @max_bytes are used and @full says stop.
 */
int fim_journal_append(struct fim_journal *journal, const char *type, const struct fim_json *body,
		       uint64_t *seq_ret, char **line_ret);
/* The same for what need not be durable yet: written at once, durable with the next append or sync. */
int fim_journal_append_lazy(struct fim_journal *journal, const char *type,
			    const struct fim_json *body, uint64_t *seq_ret, char **line_ret);
int fim_journal_sync(struct fim_journal *journal);
/* Number and digest of the last record. */
void fim_journal_head(struct fim_journal *journal, uint64_t *seq_ret,
		      char head_ret[FIM_SHA256_HEX_SIZE]);
/* Bytes of all files, and how many @max_bytes allows. */
void fim_journal_usage(struct fim_journal *journal, uint64_t *used_ret, uint64_t *max_ret);
bool fim_journal_is_sealed(const struct fim_journal *journal);
/* True once after somebody removed the active segment: it was written again from what is open. */
bool fim_journal_was_removed(struct fim_journal *journal);

#define FIM_SEAL_TEXT_SIZE 128
/**
 * fim_journal_seal() - begin to seal
 * @journal: open, and not sealed yet with a key that somebody saw (-EEXIST)
 * @text_ret: the verification key; this is the only time that it exists on the host
 *
 * Until fim_journal_seal_seen() the key counts as lost: sealing can be begun again.
 */
int fim_journal_seal(struct fim_journal *journal, char text_ret[FIM_SEAL_TEXT_SIZE]);
/* The key is where it was to go. */
int fim_journal_seal_seen(struct fim_journal *journal);

/* --------------------------------------------------------- journal_read.c */

/**
 * struct fim_journal_check - what reading a journal found
 * @records: whole records with a correct chain
 * @first_seq: number of the first record; over 1: earlier ones were removed, or @path is
 *	a later segment
 * @head: digest of the last good line, hex
 * @first_bad: number of the first bad record, 0 if none
 * @reason: what is wrong there
 * @torn: the last line is incomplete (a crash, not an attack)
 * @segments: files read
 * @removed_ns: when records before @first_seq were removed, 0: they were not
 * @removed_why: "age" or "space"
 * @sealed: records whose seal is right; 0 without key
 * @back_steps: records that claim an earlier time than their seal's hour allows
 * @first_back: the first of them
 * @first_ns: time of the first record
 * @last_ns: time of the last good record
 */
struct fim_journal_check {
	uint64_t records;
	uint64_t first_seq;
	char head[FIM_SHA256_HEX_SIZE];
	uint64_t first_bad;
	char reason[160];
	bool torn;
	uint32_t segments;
	int64_t removed_ns;
	char removed_why[16];
	uint64_t sealed;
	uint64_t back_steps;
	uint64_t first_back;
	int64_t first_ns;
	int64_t last_ns;
};

/**
 * struct fim_line - a record whose place in the chain was verified
 * @text: the line, without newline; valid during the call only
 * @len: its length
 * @prev: digest of the line before, hex
 * @seq: its number
 * @time_ns: when it was written
 * @type: what it is, "" if longer than any type of ours
 * @boot_id: of the host's start, cut if too long
 * @members: of the library, which read them already; NULL in a line that was not read
 */
struct fim_line {
	const char *text;
	size_t len;
	char prev[FIM_SHA256_HEX_SIZE];
	uint64_t seq;
	int64_t time_ns;
	char type[24];
	char boot_id[40];
	const struct fim_members *members;
};
/* Digest of the line with its newline, hex: what the next one's "prev" says. */
int fim_line_digest(const struct fim_line *line, char digest_ret[FIM_SHA256_HEX_SIZE]);

/**
 * struct fim_journal_query - how to read
 * @path: directory, or one segment
 * @fn: called for each good record in order; non-zero stops and is returned, except that
 *	-EBADMSG makes the record the first bad one; may be NULL
 * @ctx: for @fn
 * @key: verification key, to check the seals too; NULL: the chain only
 * @retention_days: with @key: records that were removed younger than that are a fault;
 *	0: 365
 * @from_seq: begin with the segment that holds this record, without @key only; 0: with the
 *	first.  What was before it is not asked for then
 */
struct fim_journal_query {
	const char *path;
	int (*fn)(void *ctx, const struct fim_line *line);
	void *ctx;
	const char *key;
	uint32_t retention_days;
	uint64_t from_seq;
};

/**
 * fim_journal_verify() - read and verify; may run while the journal is written
 * @query: see there
 * @check_ret: what was found, also with -EBADMSG; may be NULL
 *
 * -EBADMSG: a record is bad; it stops there. -ENOENT: no journal. -EKEYREJECTED: @key is
 * no verification key.
 */
int fim_journal_verify(const struct fim_journal_query *query, struct fim_journal_check *check_ret);

/*
 * The same without a key.  No tree is built of a record: that is ten times faster, and
 * @fn parses what it wants to keep.
 */
int fim_journal_scan(const char *path, int (*fn)(void *ctx, const struct fim_line *line), void *ctx,
		     struct fim_journal_check *check_ret);

/* The same for callers who want every record as JSON. */
int fim_journal_read(const char *path, int (*fn)(void *ctx, const struct fim_json *record),
		     void *ctx, struct fim_journal_check *check_ret);

/* --------------------------------------------------------------- docker.c */
/* Docker Engine API over its UNIX socket, with libcurl. */

struct fim_docker;

#define FIM_DOCKER_API_MIN 24 /* 1.24 */
#define FIM_DOCKER_API_MAX 44 /* 1.44: what ECS hosts run */

/**
 * fim_docker_open() - connect and agree on an API version
 * @socket_path: e.g. /run/docker.sock
 * @timeout_ms: for every request but the event stream
 * @docker_ret: closed with fim_docker_close()
 *
 * -ECONNREFUSED, -ENOENT: no engine. -EPROTO: not an engine, or older than 1.24.
 * -ETIMEDOUT.
 */
int fim_docker_open(const char *socket_path, uint32_t timeout_ms, struct fim_docker **docker_ret);
/* The same; a request ends with -ECANCELED when @wake_fd is readable. */
int fim_docker_open_wakeable(const char *socket_path, uint32_t timeout_ms, int wake_fd,
			     struct fim_docker **docker_ret);
void fim_docker_close(struct fim_docker *docker);
/* GET /exec/{id}/json. -ENOENT: it ended some minutes ago, or its container is gone. */
int fim_docker_exec(struct fim_docker *docker, const char *id, struct fim_json **exec_ret);
const char *fim_docker_api_version(const struct fim_docker *docker); /* "1.41" */
/* GET /containers/json: array. @all: stopped ones too. */
int fim_docker_list(struct fim_docker *docker, bool all, struct fim_json **containers_ret);
/*
 * Its element of that list. -ENOENT: no such container.  An engine answers this at once, an
 * inspection only when it does not hold the container locked, as it does all through a start.
 */
int fim_docker_summary(struct fim_docker *docker, const char *id, struct fim_json **summary_ret);
/*
 * GET /containers/{id}/json. -ENOENT: no such container.  A member "Engine" is added
 * (Socket, CgroupVersion, SecurityOptions): settings mean different things on different engines.
 */
int fim_docker_inspect(struct fim_docker *docker, const char *id, struct fim_json **container_ret);
/**
 * fim_docker_events() - follow events until the stream ends
 * @docker: an own connection is used
 * @since_ns: replay from here; 0: from now on
 * @event: called for each event; non-zero ends the stream and is returned
 * @stop_fd: the stream ends with -ECANCELED when this descriptor becomes readable; -1: none
 * @ctx: for @event
 */
int fim_docker_events(struct fim_docker *docker, int64_t since_ns,
		      int (*event)(void *ctx, const struct fim_json *event), int stop_fd,
		      void *ctx);

/* ------------------------------------------------------------ container.c */
/* Pure: from Docker's JSON and cgroup paths to what they mean. */

enum fim_severity {
	FIM_SEVERITY_INFO = 0,
	FIM_SEVERITY_LOW,
	FIM_SEVERITY_MEDIUM,
	FIM_SEVERITY_HIGH,
	FIM_SEVERITY_CRITICAL,
};
const char *fim_severity_name(enum fim_severity severity);

/**
 * struct fim_flag - one setting that gives a container power; owned by its container
 * @id: stable name, e.g. "privileged", "docker-socket", "cap-sys-admin"
 * @severity: as in userspace/README.md
 * @evidence: field and value as Docker reports them, e.g. "HostConfig.Privileged=true"
 * @cis: CIS Docker Benchmark 1.6.0 section, "" if none
 * @security_hub: Security Hub control, "" if none
 */
struct fim_flag {
	const char *id;
	enum fim_severity severity;
	char *evidence;
	const char *cis;
	const char *security_hub;
};

/**
 * struct fim_container - a container as far as findings need it; strings are owned
 * @id: 64 hex digits
 * @name: without the leading '/'
 * @image: reference, e.g. nginx:1.25
 * @image_id: sha256:…
 * @image_digest: of the image in its registry, sha256:…; "" if it never was in one
 * @task_arn: ECS label, "" if none; likewise the next four
 * @cluster: ECS cluster name or ARN
 * @family: task definition family
 * @revision: task definition revision
 * @ecs_container: name in the task definition
 * @account: 12 digits out of @task_arn, "" if none
 * @region: out of @task_arn
 * @cluster_arn: from @task_arn and @cluster
 * @engine: static: "docker"; else who made it, as far as its cgroup tells, or "unknown"
 * @task_check: static: what the ECS agent says about the labels: "confirmed", "refuted",
 *	"unknown" (it is new, or one of the agent's own), "unreachable"; NULL: not asked
 * @created_ns: when it was made, 0: unknown
 * @exec_armed: the programs of ECS Exec are bound into it
 * @excepted: everything that would flag it is covered by an exception
 * @owner: of that exception, "" if none; likewise the next
 * @reason: why
 * @expires_ns: when the exception ends
 * @pid: first process, host view; 0 if not running
 * @running: state
 * @identity_only: nobody said (yet) what it may do: what follows is not known
 * @privileged: HostConfig.Privileged
 * @effectively_privileged: privileged, or the flags together give the host
 * @flags: what was found, most severe first
 * @flag_count: their number
 */
struct fim_container {
	char *id;
	char *name;
	char *image;
	char *image_id;
	char *task_arn;
	char *cluster;
	char *family;
	char *revision;
	char *ecs_container;
	char *account;
	char *region;
	char *image_digest;
	char *cluster_arn;
	const char *engine;
	const char *task_check;
	int64_t created_ns;
	bool exec_armed;
	bool excepted;
	char *owner;
	char *reason;
	int64_t expires_ns;
	int64_t pid;
	bool running;
	bool identity_only;
	bool privileged;
	bool effectively_privileged;
	struct fim_flag *flags;
	size_t flag_count;
};

/* -EINVAL: not an inspect document. */
int fim_container_from_inspect(const struct fim_json *inspect,
			       struct fim_container **container_ret);
/*
 * Who it is, from an element of the engine's list; what it may do, nobody said: @identity_only.
 * -EINVAL: not such an element.
 */
int fim_container_from_summary(const struct fim_json *summary,
			       struct fim_container **container_ret);
void fim_container_free(struct fim_container *container);
/* Privileged, in effect or by name, or with a setting rated high or worse; and not excepted. */
bool fim_container_is_flagged(const struct fim_container *container);
struct fim_json *fim_container_to_json(const struct fim_container *container);

#define FIM_CONTAINER_ID_SIZE 65
/* Last 64-hex component of a cgroup path (…/<id>, docker-<id>.scope); false: not in a container. */
bool fim_cgroup_container_id(const char *cgroup, char id_ret[FIM_CONTAINER_ID_SIZE]);

/*
 * Who made a cgroup, as far as its path tells: "docker", "containerd", "podman",
 * "buildkit", "lxc", "nspawn"; NULL: it does not tell.
 */
const char *fim_cgroup_engine(const char *cgroup);

/* --------------------------------------------------------------- agent.c */

/* Port of the agent's introspection on its host. */
#define FIM_ECS_AGENT "http://127.0.0.1:51678"

/**
 * fim_agent_check() - ask the ECS agent which task a container belongs to
 * @url: of its introspection, e.g. http://127.0.0.1:51678; "": it is not asked
 * @timeout_ms: for the answer
 * @container: with a task's label; gets task_check, and the flag "task-refuted"
 *
 * Labels are whatever the caller of Docker says; the agent knows what it started.  What
 * answers on that port is not authenticated either: it confirms or refutes, and adds
 * nothing.  -ENOMEM.
 */
int fim_agent_check(const char *url, uint32_t timeout_ms, struct fim_container *container);
/*
 * Which container instance the agent says that this host is; NULL: it cannot be asked, is not
 * registered yet, or says nothing usable.
 */
struct fim_json *fim_agent_instance(const char *url, uint32_t timeout_ms);

/* ----------------------------------------------------------- exceptions.c */
/* Containers that may have the power they have, by image and settings. */

struct fim_exceptions;
#define FIM_EXCEPTIONS_PATH "/etc/ecs-fim/exceptions.yaml"

/* -EINVAL: reported as FILE:LINE:COLUMN. No text: no exceptions. */
int fim_exceptions_parse(const char *text, size_t len, const char *file,
			 struct fim_exceptions **exceptions_ret);
/* "" or a file that does not exist: no exceptions. */
int fim_exceptions_load(const char *path, struct fim_exceptions **exceptions_ret);
void fim_exceptions_free(struct fim_exceptions *exceptions);
/* Sets @container's excepted, owner, reason, expires_ns; to be called once flags are complete. */
int fim_exceptions_apply(const struct fim_exceptions *exceptions, int64_t now_ns,
			 struct fim_container *container);

/* ---------------------------------------------------------------- truth.c */
/* Pure: what the kernel says of a container's first process, against what its engine says. */

enum fim_ns {
	FIM_NS_MNT = 0,
	FIM_NS_PID,
	FIM_NS_NET,
	FIM_NS_IPC,
	FIM_NS_UTS,
	FIM_NS_USER,
	FIM_NS_CGROUP,
	FIM_NS_COUNT,
};

#define FIM_CGROUP_MAX 512

/**
 * struct fim_truth - one process as the kernel shows it; holds no pointers
 * @pid: in our pid namespace
 * @ppid: its parent
 * @start_ticks: field 22 of /proc/PID/stat: with @pid a process for good
 * @age_ms: how long ago that was; for a moment a container's first process is the runtime,
 *	which gives up its power just before it runs what it was asked to
 * @ns: inode numbers of its namespaces, 0: not readable
 * @cap_effective: sets of 1 << CAP_*
 * @cap_permitted: the same
 * @cap_bounding: the same: what a set-uid program in it could get
 * @seccomp: 0 off, 1 strict, 2 filter
 * @no_new_privs: execve(2) grants it nothing
 * @comm: its name, not trustworthy
 * @parent: its parent's name, likewise
 * @cgroup: the path that names a container, else that of the default or systemd's hierarchy
 * @label: what the security module calls it ("docker-default (enforce)"), "" if there is none
 */
struct fim_truth {
	int64_t pid;
	int64_t ppid;
	uint64_t start_ticks;
	int64_t age_ms;
	uint64_t ns[FIM_NS_COUNT];
	uint64_t cap_effective;
	uint64_t cap_permitted;
	uint64_t cap_bounding;
	unsigned int seccomp;
	bool no_new_privs;
	char comm[32];
	char parent[32];
	char cgroup[FIM_CGROUP_MAX];
	char label[128];
};

/**
 * fim_truth_is_starting() - may this still be the runtime, with all its power?
 * @truth: of a container's first process
 *
 * A runtime's name makes it so for longer, for hosts that are busy; not for ever, since
 * anybody can take that name.
 */
bool fim_truth_is_starting(const struct fim_truth *truth);
/* Its engine (see @inspect) has started it not long before @now_ns, and its runtime is still there. */
bool fim_truth_is_begun(const struct fim_json *inspect, const struct fim_truth *truth,
			int64_t now_ns);

/**
 * fim_truth_judge() - add what the kernel shows beyond what the engine says
 * @inspect: the engine's document; NULL: no engine, an ordinary container is expected
 * @truth: of the container's first process
 * @host: of process 1 of the host
 * @container: gets flags "kernel-…", and effectively_privileged if they give the host
 *
 * -ENOMEM.
 */
int fim_truth_judge(const struct fim_json *inspect, const struct fim_truth *truth,
		    const struct fim_truth *host, struct fim_container *container);
/* Flag one in the cgroup of an engine that does not know it. -ENOMEM. */
int fim_container_disown(struct fim_container *container, const struct fim_truth *truth);
bool fim_container_is_disowned(const struct fim_container *container);
/* True if the kernel shows more power than the engine told. */
bool fim_container_is_stronger(const struct fim_container *container);

/* ----------------------------------------------------------------- proc.c */

/* -ESRCH: there is no such process (any more). */
int fim_truth_read(int64_t pid, struct fim_truth *truth_ret);

/**
 * fim_truth_each() - find the containers of this host, whoever made them
 * @fn: called with the oldest process of each mount namespace in which "/" is another
 *	directory than the host's; what it returns other than 0 ends the search
 * @ctx: for @fn
 *
 * Needs CAP_SYS_PTRACE to see them all.  -ENOMEM, or what opening /proc said.
 */
int fim_truth_each(int (*fn)(void *ctx, const struct fim_truth *truth), void *ctx);

/*
 * A container that no engine told about, named after its cgroup: by its first process, and
 * by the places of the host that its mounts show. -ENOMEM.
 */
int fim_container_outside(const struct fim_truth *truth, const struct fim_truth *host,
			  struct fim_container **container_ret);

/*
 * fim_truth_judge() with what the kernel shows now of a container that @inspect describes;
 * nothing is added if it does not run, or its first process is gone.  May wait a fifth of
 * a second for a runtime to be done; -EAGAIN: it is still at work, and nothing was added.
 * -ENOMEM.
 */
int fim_truth_check(const struct fim_json *inspect, struct fim_container *container);
/* --------------------------------------------------------------- host_facts.c */
/*
 * What a report says of where and with what it was watched: hostname, kernel, machine;
 * daemon_sha256, tool_sha256; module_version, module_srcversion, module_signature
 * ("signed", or "unsigned"; the kernel's verdict when it was loaded), module_file,
 * module_sha256, module_signer (name in its signature); instance_id, image_id,
 * auto_scaling_group, region as cloud-init or the SSM agent wrote them down.  What is not known is absent.
 * @root: put before every path; "": the host itself.
 */
struct fim_json *fim_host_facts(const char *root);
/* Of them "clock": {"state", "max_error_us", "service"}: what the kernel says of its own clock, and
 * which service is known to set it. */
struct fim_json *fim_clock_facts(const char *root);
/* "synchronised" or "not synchronised", and how far off it may be; NULL: it cannot be asked. */
const char *fim_clock_state(int64_t *error_us_ret);

/* -------------------------------------------------------- journal_alert.c */
/*
 * The life of an alert: records of type "alert".  An alert is a finding, container,
 * access or place record of severity medium or worse; its number is the record's.
 */

#define FIM_ALERTS_PER_RECORD 1000

/* Severity of a record that is an alert; false: it is none. */
bool fim_alert_of(const struct fim_json *record, enum fim_severity *severity_ret);
/* One line about it, escaped; malloc'ed. */
char *fim_alert_text(const struct fim_json *record);
/**
 * fim_alert_body() - make the body of an alert record out of what somebody asked for
 * @request: action ("acknowledged", "closed", "delivered"), alerts (array of numbers),
 *	by, reason, ticket, sink; of which action needs which: userspace/README.md
 * @last_seq: the last record there is
 * @who: what the kernel says of who asked: taken over; NULL: nobody but ourselves
 * @error_ret: what is wrong, static
 * @body_ret: for fim_journal_append()
 *
 * -EINVAL: see *@error_ret.
 */
int fim_alert_body(const struct fim_json *request, uint64_t last_seq, struct fim_json *who,
		   const char **error_ret, struct fim_json **body_ret);

/* ------------------------------------------------------------- exchange.c */
/* Records in formats of others. */

/**
 * struct fim_host - the host that records come from; "" where it is not known
 * @account: AWS account, 12 digits
 * @region: AWS region
 * @host: EC2 instance id, or that of ECS Anywhere (mi-…)
 * @hostname: its name
 * @kernel: release of the kernel that runs
 */
struct fim_host {
	char account[13];
	char region[32];
	char host[256];
	char hostname[256];
	char kernel[128];
};

/* Take from a record what is not known yet: the daemon's start, a task's account and region. */
void fim_host_learn(struct fim_host *origin, const struct fim_json *record);

/* The same from a line of a journal; true: account, region and name are known. */
bool fim_host_learn_line(struct fim_host *origin, const struct fim_line *line);

/* Whether @text is the number of an AWS account: 12 digits. */
bool fim_is_account(const char *text);

/* ----------------------------------------------------------------- ocsf.c */

#define FIM_OCSF_VERSION "1.9.0"

/**
 * fim_ocsf() - a record as an OCSF event
 * @origin: where it comes from
 * @record: of any type
 * @digest: SHA-256 of its line with the newline, hex: the event's uid
 * @event_ret: file_activity (1001), compliance_finding (2003) or detection_finding (2004)
 *
 * -ENOMSG: records of this type are no events.
 */
int fim_ocsf(const struct fim_host *origin, const struct fim_json *record, const char *digest,
	     struct fim_json **event_ret);

/* ----------------------------------------------------------------- asff.c */

/**
 * fim_asff() - a record as a finding of AWS Security Hub (ASFF 2018-10-08)
 * @origin: where it comes from; account and region must be known
 * @record: of any type
 * @digest: as for fim_ocsf(): the finding's Id, so that sending it again changes nothing
 * @finding_ret: for BatchImportFindings
 *
 * -ENOMSG: nobody has to come for it: not an alert, and not the health of a control.
 * -EDESTADDRREQ: account or region are not known.
 */
int fim_asff(const struct fim_host *origin, const struct fim_json *record, const char *digest,
	     struct fim_json **finding_ret);

/* -------------------------------------------------------------- metrics.c */

/* The daemon's status (NULL: it does not answer) in Prometheus' text format. Pure. */
void fim_metrics(const struct fim_json *status, FILE *out);

/* --------------------------------------------------------------- syslog.c */
/* Messages for syslog and for systemd's journal. Pure. */

/* @name is a word of ours; @value: any bytes, NULL: left out. */
struct fim_syslog_param {
	const char *name;
	const char *value;
};

/**
 * struct fim_syslog - a message
 * @priority: facility and severity as in syslog(3)
 * @time_ns: when
 * @host: NULL or "": "-"
 * @app: the program
 * @pid: its process
 * @msgid: kind of message
 * @params: structured data
 * @param_count: how many
 * @text: one line, escaped
 */
struct fim_syslog {
	int priority;
	int64_t time_ns;
	const char *host;
	const char *app;
	int pid;
	const char *msgid;
	const struct fim_syslog_param *params;
	size_t param_count;
	const char *text;
};

/* RFC 5424, malloc'ed, at most @max bytes: structured data that does not fit is left out. */
int fim_syslog5424(const struct fim_syslog *message, size_t max, char **text_ret, size_t *len_ret);

/* A field in the native protocol of systemd-journald: any bytes. */
void fim_journald_field(FILE *out, const char *name, const char *value, size_t len);

enum fim_address_kind {
	FIM_ADDRESS_UNIX,
	FIM_ADDRESS_UDP,
	FIM_ADDRESS_TCP,
};
/* Path of a socket, or an IPv4 address of this host and its port. */
struct fim_address {
	enum fim_address_kind kind;
	char name[108];
	uint16_t port;
};
/* "/dev/log", "udp:127.0.0.1:514", "tcp:127.0.0.1:601". -EINVAL, -ENAMETOOLONG. */
int fim_address_parse(const char *text, struct fim_address *address_ret);

/* ------------------------------------------------------------------ aws.c */
/* The other file that uses libcurl. */

/**
 * struct fim_aws_credentials - what requests are signed with
 * @key_id: access key id
 * @secret: never logged, never written
 * @token: session token, "": none
 * @source: where they are from, static
 */
struct fim_aws_credentials {
	char key_id[132];
	char secret[260];
	char token[8192];
	const char *source;
};

/**
 * fim_aws_credentials_find() - as every AWS tool does: environment, shared file, instance role
 * @credentials_ret: cleared with fim_aws_credentials_clear()
 *
 * -ENOENT: there are none. -EINVAL: what was found are none. Others: nobody answers.
 */
int fim_aws_credentials_find(struct fim_aws_credentials *credentials_ret);
void fim_aws_credentials_clear(struct fim_aws_credentials *credentials);
/* A profile of a shared credentials file. -ENOENT: it is not in it; -EINVAL. */
int fim_aws_credentials_parse(const char *text, size_t len, const char *profile,
			      struct fim_aws_credentials *credentials_ret);
/* What the metadata service says of a role. -EINVAL. */
int fim_aws_role_parse(const char *text, size_t len, struct fim_aws_credentials *credentials_ret);

/* What is not known of @host yet, as the metadata service says (IMDSv2). */
int fim_aws_host(struct fim_host *host);

/**
 * struct fim_aws_reply - answer to a request
 * @status: HTTP status, 0: there was no answer
 * @body: malloc'ed and NUL-terminated; NULL: none
 * @len: its length
 */
struct fim_aws_reply {
	long status;
	char *body;
	size_t len;
};
void fim_aws_reply_clear(struct fim_aws_reply *reply);

/* True for https, and for http to this host. */
bool fim_aws_url_is_safe(const char *url);
/**
 * fim_aws_post() - send JSON, signed
 * @credentials: to sign with
 * @service: name in the signature
 * @region: the same
 * @url: where to
 * @body: the JSON
 * @len: its length
 * @reply_ret: cleared before; also filled on failure as far as there is something
 *
 * -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EPROTO: no whole answer. -EKEYREJECTED: the
 * server's certificate is none. -EINVAL: @url is not safe.
 */
int fim_aws_post(const struct fim_aws_credentials *credentials, const char *service,
		 const char *region, const char *url, const char *body, size_t len,
		 struct fim_aws_reply *reply_ret);

/* ---------------------------------------------------------- securityhub.c */
/* BatchImportFindings of AWS Security Hub. Pure. */

#define FIM_HUB_FINDINGS_MAX 100
#define FIM_HUB_BYTES_MAX    6000000 /* "6 MB", which is less than 6 MiB */

/* A finding as one line of JSON, @len bytes. */
struct fim_hub_finding {
	const char *text;
	size_t len;
};

/* The body of a call, malloc'ed. -EINVAL: none or too many; -EFBIG. */
int fim_hub_body(const struct fim_hub_finding *findings, size_t count, char **body_ret,
		 size_t *len_ret);

/**
 * enum fim_hub_verdict - what to do after a call
 * @FIM_HUB_TAKEN: Security Hub has them, but for what fim_hub_refused() names
 * @FIM_HUB_LATER: the same again, later: throttled, out of order, credentials that expired
 * @FIM_HUB_SPLIT: too large, or one of them is not as it should be: each half for itself
 * @FIM_HUB_REFUSED: no use to try again before somebody changed something
 */
enum fim_hub_verdict {
	FIM_HUB_TAKEN,
	FIM_HUB_LATER,
	FIM_HUB_SPLIT,
	FIM_HUB_REFUSED,
};
/* @status: HTTP, 0: no answer; @answer_ret: the body, NULL if it is no JSON object. */
enum fim_hub_verdict fim_hub_judge(long status, const char *body, size_t len,
				   struct fim_json **answer_ret);
/* What the service says is wrong, escaped; malloc'ed. */
char *fim_hub_reason(long status, const struct fim_json *answer);
/* True if the finding was not taken; why, points into @answer, may be NULL. */
bool fim_hub_refused(const struct fim_json *answer, const char *id, const char **code_ret,
		     const char **message_ret);

/* ---------------------------------------------------------------- event.c */
/* Pure: from the module's bytes to structs. kmod/uapi/ecs_fim.h explains every member. */

#include "kmod/uapi/ecs_fim.h"

/**
 * struct fim_record_ref - one record inside a buffer
 * @head: its head, copied
 * @bytes: the record, points into the buffer, @head.len bytes, not aligned
 */
struct fim_record_ref {
	struct fim_record head;
	const unsigned char *bytes;
};

/**
 * fim_record_next() - find the next record in what read(2) gave
 * @buf: the bytes
 * @len: their number
 * @pos: where to look, 0 at first; advanced past the record on success
 * @record_ret: the record, of any type
 *
 * -ENODATA: nothing is left. -EBADMSG: what is there is not a record; nothing
 * behind it can be found either.
 */
int fim_record_next(const void *buf, size_t len, size_t *pos, struct fim_record_ref *record_ret);

/**
 * struct fim_change - one FIM_REC_EVENT; strings are owned, NULL if not sent
 * @event: the fixed part
 * @fs_path: as enum fim_attr_type says, likewise the next seven
 * @view_path: FIM_ATTR_VIEW_PATH
 * @old_fs_path: FIM_ATTR_OLD_FS_PATH
 * @old_view_path: FIM_ATTR_OLD_VIEW_PATH
 * @exe: FIM_ATTR_EXE
 * @cgroup: FIM_ATTR_CGROUP
 * @xattr_name: FIM_ATTR_XATTR_NAME
 * @parent_comm: FIM_ATTR_PARENT_COMM
 * @args: FIM_ATTR_ARGS; may hold NUL
 * @args_len: its bytes
 * @process: FIM_ATTR_PROCESS; @process.user_ns is 0 if it was not sent
 * @ancestors: FIM_ATTR_ANCESTORS, the parent first
 * @ancestor_count: their number
 */
struct fim_change {
	struct fim_event event;
	char *fs_path;
	char *view_path;
	char *old_fs_path;
	char *old_view_path;
	char *exe;
	char *cgroup;
	char *xattr_name;
	char *parent_comm;
	char *args;
	size_t args_len;
	struct fim_process process;
	struct fim_ancestor *ancestors;
	size_t ancestor_count;
};

/**
 * fim_change_parse() - read a FIM_REC_EVENT
 * @record: from fim_record_next(); unknown attributes are skipped, of an
 *	attribute sent twice the first counts
 * @change_ret: freed with fim_change_free()
 *
 * -EBADMSG: a length does not fit, or a string holds a NUL.
 */
int fim_change_parse(const struct fim_record_ref *record, struct fim_change **change_ret);
void fim_change_free(struct fim_change *change);
/* The fixed parts of the other record types; -EBADMSG: too short. */
int fim_overflow_parse(const struct fim_record_ref *record, struct fim_overflow *overflow_ret);
int fim_session_parse(const struct fim_record_ref *record, struct fim_session *session_ret);
int fim_state_change_parse(const struct fim_record_ref *record,
			   struct fim_state_change *change_ret);

/* "write", "create", …; "unknown" for anything else. */
const char *fim_op_name(uint32_t op);
/* The last @depth components of @fs_path ("" for 0); NULL if it has fewer. Points into @fs_path. */
const char *fim_path_below(const char *fs_path, unsigned int depth);

/* True if @path is @dir or below it; both without "." and "..", and no '/' at the end. */
bool fim_path_is_in(const char *path, const char *dir);

/* ------------------------------------------------------------- appraise.c */
/* Pure: what the states of a path and the events about it amount to. */

/**
 * struct fim_evidence - what the events about one name showed, until it is measured
 * @ops: set of 1u << FIM_OP_*
 * @appeared: something came to be at this name (created, linked, moved in)
 * @vanished: what was at this name went away (deleted, moved away)
 * @moved_inside: what went away was moved to another covered name
 * @modified: content was written
 * @mode_or: permission bits seen in attribute events, or-ed
 * @mode_and: the same, and-ed
 * @mode_count: how many such events
 * @other_count: how many events about owner, extended attributes or ACL
 * @size_min: smallest size that a truncation left, UINT64_MAX if none
 * @size_max: largest size that a truncation left
 */
struct fim_evidence {
	uint32_t ops;
	bool appeared;
	bool vanished;
	bool moved_inside;
	bool modified;
	uint32_t mode_or;
	uint32_t mode_and;
	uint32_t mode_count;
	uint32_t other_count;
	uint64_t size_min;
	uint64_t size_max;
};
#define FIM_EVIDENCE_INIT                                 \
	{                                                 \
		.mode_and = 07777, .size_min = UINT64_MAX \
	}

/* Which side of an event a name is on. */
enum fim_side {
	FIM_SIDE_NAME = 0,   /* the name that the event is about */
	FIM_SIDE_OLD_INSIDE, /* rename: the old name, when the new one is covered too */
	FIM_SIDE_OLD,	     /* rename: the old name, when the new one is not covered */
};
void fim_evidence_add(struct fim_evidence *evidence, const struct fim_event *event,
		      enum fim_side side);
/* What came before @later becomes part of it. */
void fim_evidence_merge(struct fim_evidence *later, const struct fim_evidence *before);
/* How much an event of this kind says about who changed the path; the actor of the highest counts. */
unsigned int fim_op_weight(const struct fim_event *event);

/**
 * struct fim_appraisal - everything that is known of one path
 * @baseline: expected state, FIM_TYPE_NONE if the baseline does not know the path
 * @last: state last recorded; its dev, ino and times are 0 if never observed
 * @now: state observed
 * @mask: FIM_DIFF_ bits that count here; 0: nothing does
 * @evidence: the events since @last; NULL: found by comparison
 */
struct fim_appraisal {
	const struct fim_state *baseline;
	const struct fim_state *last;
	const struct fim_state *now;
	uint32_t mask;
	const struct fim_evidence *evidence;
};

/**
 * fim_appraise() - decide what a path's states amount to
 * @appraisal: see there
 * @kind_ret: what it is
 * @diff_ret: FIM_DIFF_ bits between @last and @now that count; 0 for
 *	FIM_KIND_TRANSIENT
 *
 * False: nothing happened that counts.
 */
bool fim_appraise(const struct fim_appraisal *appraisal, enum fim_kind *kind_ret,
		  uint32_t *diff_ret);
/* True if what was last at one name is what is now at another, where nothing was. */
bool fim_is_move(const struct fim_state *origin_last, const struct fim_state *origin_now,
		 const struct fim_state *target_last, const struct fim_state *target_now);
/* The table is in appraise.c and in ecs-fimd(8). @path: as inside the host or the container. */
enum fim_severity fim_severity_of(enum fim_kind kind, enum fim_class cls, const char *path,
				  const struct fim_state *before, const struct fim_state *after);

/* --------------------------------------------------------------- report.c */

enum fim_standard {
	FIM_PCI_DSS_4_0_1 = 0,
	FIM_PCI_DSS_3_2_1,
};
/* Accepts "4.0.1", "pci-dss-4.0.1", "3.2.1", "pci-dss-3.2.1"; -EINVAL. */
int fim_standard_parse(const char *text, enum fim_standard *standard_ret);

enum fim_lang {
	FIM_LANG_EN = 0,
	FIM_LANG_JA,
};
/* "en", "ja"; -EINVAL. */
int fim_lang_parse(const char *text, enum fim_lang *lang_ret);

/**
 * struct fim_report_params - what to report
 * @journal: directory or file
 * @standard: numbering used in the report
 * @lang: of all texts but those that the journal holds
 * @from_ns: first moment, 0: the first record
 * @to_ns: last moment, 0: the last record
 * @changes_csv: every change of the period is written there; NULL: nowhere
 * @comparisons_csv: the same for comparisons
 */
struct fim_report_params {
	const char *journal;
	enum fim_standard standard;
	enum fim_lang lang;
	int64_t from_ns;
	int64_t to_ns;
	FILE *changes_csv;
	FILE *comparisons_csv;
};

/* Pure function of the journal: same journal and parameters, same report. */
int fim_report_build(const struct fim_report_params *params, struct fim_json **report_ret);
/* One self-contained page; no script, no external asset. */
int fim_report_html(const struct fim_json *report, FILE *out);
/* A PDF 1.4 file of the same content. */
int fim_report_pdf(const struct fim_json *report, FILE *out);
/* OSCAL assessment-results 1.0.4. */
int fim_report_oscal(const struct fim_json *report, struct fim_json **oscal_ret);
/**
 * fim_report_csv_end() - name in @changes_csv the journal that it was made of
 * @report: what fim_report_build() made while it wrote the rest
 * @out: the same file
 *
 * One more line, of kind "journal".
 */
void fim_report_csv_end(const struct fim_json *report, FILE *out);

/* ------------------------------------------------------------- sessions.c */
/* Sessions of ECS Exec: the journal's side and CloudTrail's, joined by the session's id. */

struct fim_sessions;
struct fim_sessions *fim_sessions_new(void); /* NULL: out of memory */
void fim_sessions_free(struct fim_sessions *sessions);
/* A record of the journal; those that tell of no session are passed over. */
void fim_sessions_record(struct fim_sessions *sessions, const struct fim_json *record);
/* What fim_rules_cloudtrail_summary() says of a record; @time: its eventTime, NULL: unknown. */
void fim_sessions_cloudtrail(struct fim_sessions *sessions, const struct fim_json *summary,
			     const char *time);
/**
 * fim_sessions_each() - call @fn for every session, in the order in which they were met
 * @sessions: from fim_sessions_new()
 * @fn: @session is {"session_id","state","first","last","container","changes","files",
 *	"request"}: userspace/README.md
 * @ctx: for @fn
 *
 * Returns what @fn returned other than 0.
 */
int fim_sessions_each(const struct fim_sessions *sessions,
		      int (*fn)(void *ctx, const struct fim_json *session), void *ctx);

/* ---------------------------------------------------------------- fleet.c */

struct fim_bundle;

/**
 * struct fim_fleet_params - a report over many hosts
 * @dirs: NULL-terminated; bundles are looked for in and below them
 * @keys: as for fim_signature_check(); NULL: signatures are not checked, and that is said
 * @expected: NDJSON of account, cluster, host; NULL: not known
 * @database: SQLite file that is left behind; NULL: a temporary one
 * @standard: numbering
 * @lang: of all texts but those of the journals
 * @progress: called after each bundle; may be NULL
 * @progress_ctx: for @progress
 */
struct fim_fleet_params {
	const char *const *dirs;
	const char *const *keys;
	const char *expected;
	const char *database;
	enum fim_standard standard;
	enum fim_lang lang;
	void (*progress)(void *ctx, const struct fim_bundle *bundle, bool rejected);
	void *progress_ctx;
};

/* "account=A/cluster=C/host=H", as a bundle's files are under; NULL or "": "unknown". malloc'ed. */
char *fim_bundle_place(const char *account, const char *cluster, const char *host);
/* Verifies every bundle and reports over all. What is rejected is in it, by name. -ENOENT: none. */
int fim_fleet_report(const struct fim_fleet_params *params, struct fim_json **report_ret);
/* One self-contained page. */
int fim_fleet_html(const struct fim_json *report, FILE *out);
/*
 * Verifies every bundle in and below @dirs, and that those of a host make one journal.
 * @fn gets each as a row of the table "bundles", and owns it.  -ENOENT: there is none.
 */
int fim_fleet_verify(const char *const *dirs, const char *const *keys,
		     int (*fn)(void *ctx, struct fim_json *row), void *ctx);

#endif /* LIBFIM_H */
