/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of lib/ share among themselves and nobody else may include.
 * Sections in reading order: from bytes on disk to a baseline.
 */
#ifndef LIB_PRIVATE_H
#define LIB_PRIVATE_H

#include <string.h>
#include <sys/stat.h>

#include "libfim.h"

#define FIM_PATH_MAX 4096 /* bytes of an absolute path with its NUL, as PATH_MAX */

/* ----------------------------------------------------------------- text.c */

/* Bytes of the UTF-8 sequence at @bytes, @len > 0; 0: none, and @codepoint_ret is untouched. */
size_t fim_utf8_next(const char *bytes, size_t len, uint32_t *codepoint_ret);
/* Controls, line separators and bidirectional formatting: what can forge a terminal or a log. */
bool fim_codepoint_is_unsafe(uint32_t codepoint);

/* ----------------------------------------------------------------- scan.c */

enum fim_span_kind {
	FIM_SPAN_NONE = 0,
	FIM_SPAN_STRING,
	FIM_SPAN_NUMBER,
	FIM_SPAN_OBJECT,
	FIM_SPAN_ARRAY,
	FIM_SPAN_TRUE,
	FIM_SPAN_FALSE,
	FIM_SPAN_NULL,
};

/**
 * struct fim_span - a value inside a JSON text
 * @text: points into the text; of a string, what is between the quotes
 * @len: bytes
 * @kind: what it is
 * @escaped: a string with a backslash in it
 * @plain: a string of printable ASCII only: it stands for itself in CSV and on a terminal
 */
struct fim_span {
	const char *text;
	size_t len;
	enum fim_span_kind kind;
	bool escaped;
	bool plain;
};

/* Members of the object (@parent NULL) and of the objects in it; non-zero stops. */
#define FIM_SCAN_DEPTH 2
typedef int (*fim_scan_fn)(void *ctx, const struct fim_span *parent, const struct fim_span *key,
			   const struct fim_span *value);
/* -EINVAL: not a JSON object; else what @fn returned. An object comes after its members. */
int fim_scan(const char *text, size_t len, fim_scan_fn fn, void *ctx);

/* Bytes at the start of @text that JSON, CSV and a terminal take as they are: printable ASCII,
 * no quote, no backslash. */
size_t fim_plain_run(const char *text, size_t len);

/* Inline: of a constant, the length is one, too. */
static inline bool fim_span_is(const struct fim_span *span, const char *text)
{
	size_t len = strlen(text);

	return span->len == len && memcmp(span->text, text, len) == 0;
}

/* More than any record of ours has. */
#define FIM_MEMBERS_MAX 256

/* What fim_scan() told of; @parent of kind FIM_SPAN_NONE: a member of the record itself. */
struct fim_member {
	struct fim_span parent;
	struct fim_span key;
	struct fim_span value;
};

/**
 * struct fim_members - what fim_scan() told of a line, for whoever looks at it next
 * @items: in its order
 * @count: how many there were; those beyond FIM_MEMBERS_MAX are not in @items
 */
struct fim_members {
	size_t count;
	struct fim_member *items;
};

/* @members->items has room for FIM_MEMBERS_MAX. */
void fim_members_add(struct fim_members *members, const struct fim_span *parent,
		     const struct fim_span *key, const struct fim_span *value);

/* fim_scan() of the line, but that it is read once however many look. */
int fim_line_scan(const struct fim_line *line, fim_scan_fn fn, void *ctx);

/* False: not a string, escaped, or too long for @text_ret. */
bool fim_span_copy(const struct fim_span *span, char *text_ret, size_t size);
int64_t fim_span_int(const struct fim_span *span, int64_t fallback);

/* --------------------------------------------------------------- crypto.c */

int fim_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
		    unsigned char mac_ret[FIM_SHA256_SIZE]);
/*
 * Common name of who issued the first signer's certificate of a CMS message: what modinfo(8)
 * calls the signer. False: there is none.
 */
bool fim_cms_signer(const void *bytes, size_t len, char *name_ret, size_t size);

/* ----------------------------------------------------------------- gzip.c */

/* Reads a file as it is, or decompressed if it is gzip. */
struct fim_gunzip;
/* Takes over @fd, also on failure. */
int fim_gunzip_open(int fd, bool gzip, struct fim_gunzip **gunzip_ret);
/* -EBADMSG: it is damaged, or ends too early. */
ssize_t fim_gunzip_read(struct fim_gunzip *gunzip, void *buf, size_t size);
void fim_gunzip_close(struct fim_gunzip *gunzip);
/* All that is to be read from @from, compressed to @to. */
int fim_gzip_file(int from, int to);

/* ----------------------------------------------------------------- file.c */

/*
 * A file that has no name until it is complete, so that neither a signal nor a
 * crash leaves half of one behind.
 */
struct fim_stage;

/* Whatever write(2) takes at once. */
int fim_write_all(int fd, const void *data, size_t len);
/* -EINVAL: something that is not a regular file has the name @path. */
int fim_stage_open(const char *path, struct fim_stage **stage_ret);
int fim_stage_write(struct fim_stage *stage, const void *bytes, size_t len);
/* Make durable, then visible under its name in one step. Once only. */
int fim_stage_commit(struct fim_stage *stage, mode_t mode);
void fim_stage_free(struct fim_stage *stage);

/* ------------------------------------------------------------- library.c */

/* Loads a library for good; @functions_ret gets the @count functions of @names. -ELIBACC: logged. */
int fim_library_load(const char *soname, const char *const *names, size_t count,
		     void **functions_ret);

/* --------------------------------------------------------------- state.c */

/* Copies name and value; call fim_state_sort_xattrs() after the last. */
int fim_state_add_xattr(struct fim_state *state, const char *name, const void *value, size_t len);
void fim_state_sort_xattrs(struct fim_state *state);

/* -------------------------------------------------------------- docker.c */

/*
 * Finds the JSON objects in a stream that is cut anywhere.  @fn gets each; non-zero
 * stops and is returned.  -EPROTO: something else than an object.  -EMSGSIZE: an
 * object over 1 MiB.  After an error the splitter can only be freed.
 */
struct fim_splitter;
struct fim_splitter *fim_splitter_new(int (*fn)(void *ctx, const char *text, size_t len),
				      void *ctx);
void fim_splitter_free(struct fim_splitter *splitter);
int fim_splitter_feed(struct fim_splitter *splitter, const char *bytes, size_t len);
/* True between two objects. */
bool fim_splitter_is_empty(const struct fim_splitter *splitter);

/* ---------------------------------------------------------------- open.c */

/* What the functions of libfim.h do where there is no openat2. */
int fim_open_beneath_stepwise(int dirfd, const char *path, int flags);
int fim_open_dir_inside_stepwise(int rootfd, const char *path);
/* A name in @dirfd on the mount that @dirfd is on; any error: ask fim_open_beneath(). */
int fim_open_same_mount(int dirfd, const char *name, int flags);

/* ------------------------------------------------------------- measure.c */

/**
 * fim_measure_known() - fim_measure_as(), and on failure what is known without content
 * @dirfd: as fim_measure_at(), likewise @path, @hasher, @state_ret
 * @path: relative
 * @rule: as fim_measure_as(), likewise @expected
 * @expected: may be NULL
 * @hasher: scratch
 * @state_ret: set on failure too
 */
int fim_measure_known(int dirfd, const char *path, const struct fim_rule *rule,
		      const struct fim_state *expected, struct fim_hasher *hasher,
		      struct fim_state *state_ret);
#define FIM_MEASURE_SMALL (1u << 8) /* -EINPROGRESS: content that takes long was not read */

#define FIM_MEASURE_LATE (1u << 9) /* if it is what is expected, it is looked at only after */

/**
 * struct fim_reading - a file that is measured but for its content
 * @fd: opened for reading, at its beginning
 * @may_grow: it may get longer meanwhile
 * @expected: its attributes are read after the content, which must be this one's; NULL: no
 * @before: what it was
 * @state: all but the digest; @size bytes of content are to be read
 */
struct fim_reading {
	int fd;
	bool may_grow;
	const struct fim_state *expected;
	struct statx before;
	struct fim_state state;
};

/*
 * The first half of fim_measure_entry(), for whoever hashes the content itself. -EINPROGRESS:
 * as there, and @before is known; -ENOTSUP: nothing is open, fim_measure_entry() is to be asked.
 */
int fim_measure_begin(int dirfd, const char *name, uint32_t flags, const struct fim_rule *rule,
		      const struct fim_state *expected, struct fim_reading *reading_ret);
/* The second: @err is how reading went. Failed: fim_measure_entry() is to be asked. Closes. */
int fim_measure_end(struct fim_reading *reading, int err,
		    const unsigned char digest[FIM_SHA256_SIZE]);
/* The same for a name right in @dirfd, on the shortest way to a regular file that can be read. */
int fim_measure_entry(int dirfd, const char *name, uint32_t flags, const struct fim_rule *rule,
		      const struct fim_state *expected, struct fim_hasher *hasher,
		      struct fim_state *state_ret);
/* What stands for any content that matches a template: it is no content's own digest. */
int fim_template_digest(const char *template, unsigned char digest_ret[FIM_SHA256_SIZE]);
/* Whether all of @bytes match. */
int fim_template_match(const char *template, const char *bytes, size_t len, bool *matches_ret);

/* --------------------------------------------------------------- state.c */

/* What is wrong with the text of an fs-verity digest; NULL: nothing. */
const char *fim_verity_fault(const char *text);

/* -------------------------------------------------------------- config.c */

/* The text of a configuration; fim_config_load() without the file. */
int fim_config_parse(const char *text, size_t len, const char *file,
		     struct fim_config **config_ret);

/* -------------------------------------------------------------- policy.c */

/* What is wrong with a path of a policy or a baseline; NULL: nothing. */
const char *fim_path_fault(const char *path);
/* True if @path lies inside @directory; not for @directory itself. Both without fault. */
bool fim_path_is_below(const char *path, const char *directory);
/* The text of a policy; fim_policy_load() without the file. */
int fim_policy_parse(const char *text, size_t len, const char *file,
		     struct fim_policy **policy_ret);
/* True if a rule makes something inside an excluded directory compared. */
bool fim_policy_compares_below(const struct fim_policy *policy, const char *directory);

/* ---------------------------------------------------------------- bind.c */

/**
 * struct fim_bind - a place of the host inside a container; strings are owned
 * @source: where it is on the host, lexically normalised
 * @shown: as Docker reports it, with the field's name
 * @writable: not read-only
 * @shared: mounts below it propagate back to the host
 * @order: position in the document
 */
struct fim_bind {
	char *source;
	char *shown;
	bool writable;
	bool shared;
	size_t order;
};

/* Sorted by source, none twice. */
struct fim_binds {
	struct fim_bind *binds;
	size_t count;
};

int fim_binds_read(const struct fim_json *inspect, struct fim_binds *binds_ret);
void fim_binds_clear(struct fim_binds *binds);

/**
 * struct fim_host_path - a place of the host that should stay the host's
 * @path: absolute
 * @below: also what is below it (the longest row that covers a path counts)
 * @gives_host: who writes there becomes root on the host
 * @harmless: an exception to a row above it
 */
struct fim_host_path {
	const char *path;
	bool below;
	bool gives_host;
	bool harmless;
};

/* The row that covers a normalised path; NULL: none, or a harmless one. */
const struct fim_host_path *fim_host_path_lookup(const char *path);
/* Lexically: "//", "/./" and "/../" gone, no '/' at the end, as the engine does it; malloc'ed. */
char *fim_path_normalise(const char *path);

/* ----------------------------------------------------------- container.c */

/* Takes over @flag's evidence, also on failure. -ENOMEM. */
int fim_container_add_flag(struct fim_container *container, const struct fim_flag *flag);
bool fim_container_has_flag(const struct fim_container *container, const char *id);

/* ------------------------------------------------------------- docker.c */

/*
 * One GET over TCP.  At most 1 MiB.
 * *@json_ret is NULL unless the status is 200.
 */
int fim_http_get_json(const char *url, uint32_t timeout_ms, long *status_ret,
		      struct fim_json **json_ret);

/* -------------------------------------------------------------- agent.c */

/* What an answer of the ECS agent makes of a container's labels. @task: NULL unless status 200. */
int fim_agent_judge(long status, const struct fim_json *task, int64_t now_ns,
		    struct fim_container *container);
/*
 * Of its answer to /v1/metadata: {"container_instance_arn", "cluster_arn", "cluster",
 * "agent_version"} as far as they are well formed; NULL: it does not name an instance.
 */
struct fim_json *fim_agent_instance_of(const struct fim_json *metadata);

/* ----------------------------------------------------------- image_tar.c */

#define FIM_IMAGE_ID_SIZE 72 /* "sha256:", 64 digits, NUL */
/* -ENOENT, -EINVAL, -EFBIG: not one image; reported. */
int fim_image_tar_id(const char *path, char id_ret[FIM_IMAGE_ID_SIZE]);
/* The same of an open file, nothing reported; @name: for the JSON parser's messages. */
int fim_image_tar_read(int fd, const char *name, char id_ret[FIM_IMAGE_ID_SIZE]);

/* ----------------------------------------------------------- mountinfo.c */

/* Flags the places of the host that a container's mounts show. -ENOMEM. */
int fim_mounts_judge(const char *host_text, const char *text, struct fim_container *container);

/* --------------------------------------------------------------- truth.c */

/* A container that no engine told about, by its first process alone. -ENOMEM. */
int fim_container_from_truth(const struct fim_truth *truth, const struct fim_truth *host,
			     struct fim_container **container_ret);

/* The text of /proc/PID/status; what is not in it stays 0. */
void fim_truth_parse_status(const char *text, struct fim_truth *truth);

/* ----------------------------------------------------------- privilege.c */

/* Sets effectively_privileged and flags of a container that knows if it is privileged. */
int fim_privilege_judge(const struct fim_json *inspect, struct fim_container *container);

/* ----------------------------------------------------------- sha256_x16.c */

#define FIM_LANES	 16
#define FIM_SHA256_BLOCK 64

/* Which of its instructions for SHA-256 OpenSSL uses on this processor. */
const char *fim_cpu_sha256(void);
bool fim_has_sha_ni(void);
/* The processor and the kernel can. */
bool fim_sha256_x16_works(void);
/* @blocks blocks of each of sixteen messages; states and messages are the caller's. */
void fim_sha256_x16(uint32_t state[8][FIM_LANES], const unsigned char *const data[FIM_LANES],
		    size_t blocks);
/* The same for one message, by OpenSSL. crypto.c */
void fim_sha256_blocks(uint32_t state[8], const void *bytes, size_t blocks);

/* --------------------------------------------------------------- lanes.c */

struct fim_lanes;
/* A file is done: @err, or @digest of its content. Its place is free again. */
typedef void (*fim_lanes_fn)(void *ctx, size_t index, int err,
			     const unsigned char digest[FIM_SHA256_SIZE]);
/* They can be used here, and were found to say what OpenSSL says. */
bool fim_lanes_work(void);
/* For one thread; NULL: they cannot be had. */
struct fim_lanes *fim_lanes_new(fim_lanes_fn fn, void *ctx);
void fim_lanes_free(struct fim_lanes *lanes);
/* A free place, after finishing others if there is none. */
size_t fim_lanes_place(struct fim_lanes *lanes);
/* Read @size bytes, not 0, of @fd at that place; the descriptor stays the caller's. */
void fim_lanes_start(struct fim_lanes *lanes, size_t index, int fd, uint64_t size);
/* Go on with all a little. */
void fim_lanes_step(struct fim_lanes *lanes);
/* Places taken; 0 of NULL. */
size_t fim_lanes_busy(const struct fim_lanes *lanes);
bool fim_lanes_has(const struct fim_lanes *lanes, size_t index);

/* ---------------------------------------------------------------- pool.c */

/**
 * struct fim_home - a directory that stays open while names in it wait to be measured
 * @fd: the directory
 * @users: how many wait, and the walk; only the walk's thread counts them
 * @open: how many directories are open
 */
struct fim_home {
	int fd;
	unsigned int users;
	size_t *open;
};

/* One user fewer; the last one closes it. NULL is nothing. */
void fim_home_put(struct fim_home *home);

/**
 * struct fim_pool_object - what is to be measured
 * @path: absolute, meant below the pool's root
 * @dir: number of the directory that holds it: objects with the same, put one after
 *	the other, are measured together
 * @home: that directory, open; NULL: it is opened again, by its path
 * @rule: how it is measured
 * @expected: what the baseline has, NULL: nothing or unknown
 * @walk_err: result's error should it turn out to be a directory
 * @packaged: what its package says is in it, NULL: nothing
 * @is_file: a regular file, as its directory has it
 * @look: its times are wanted
 * @known: and if they are these, it need not be measured; NULL: it must be
 */
struct fim_pool_object {
	const char *path;
	uint64_t dir;
	struct fim_home *home;
	const struct fim_rule *rule;
	const struct fim_state *expected;
	int walk_err;
	const struct fim_package_digest *packaged;
	bool is_file;
	bool look;
	const struct fim_memo_record *known;
};

/**
 * struct fim_pool_result - one object measured; valid during the call only
 * @path: absolute
 * @rule: as put
 * @state: FIM_TYPE_NONE: it is gone. If @err: as much as is known
 * @err: it could not be measured, or what is in it could not be read: -errno
 * @origin: how it relates to what its package says
 * @same: it was not measured: it is as it was known; @state has its identity only
 * @record: its times, if they were wanted
 */
struct fim_pool_result {
	const char *path;
	const struct fim_rule *rule;
	const struct fim_state *state;
	int err;
	enum fim_origin origin;
	bool same;
	const struct fim_memo_record *record;
};

/* Called on the caller's thread in the order of fim_pool_put(); non-zero stops. */
typedef int (*fim_pool_fn)(void *ctx, const struct fim_pool_result *result);

struct fim_pool;

/* @rate: bytes of content read per second, by all threads together; 0: as fast as it goes */
int fim_pool_open(int root_fd, uint64_t rate, fim_pool_fn fn, void *ctx,
		  struct fim_pool **pool_ret);
void fim_pool_close(struct fim_pool *pool);
/* Have an object measured; may deliver earlier ones first. What the callback returned, or -ENOMEM. */
int fim_pool_put(struct fim_pool *pool, const struct fim_pool_object *object);
/* Deliver until *@open, which fim_home_put() counts down, is below @max, or nothing is left. */
int fim_pool_relieve(struct fim_pool *pool, const size_t *open, size_t max);
/* Deliver all that is left. */
int fim_pool_drain(struct fim_pool *pool);
/* Processors that this process may run on. */
size_t fim_processor_count(void);

/* A rate that several threads keep to together. */
struct fim_pace;
/* Wait until @bytes more may be read. */
void fim_pace_take(struct fim_pace *pace, uint64_t bytes);
/* Every fim_hasher_update() waits its turn; NULL: none does. crypto.c */
void fim_hasher_set_pace(struct fim_hasher *hasher, struct fim_pace *pace);

/* --------------------------------------------------------------- links.c */

struct fim_links;
struct fim_links *fim_links_new(void);
void fim_links_free(struct fim_links *links);
/* The first path met of the file that @state was observed of; NULL: this one, or it has no other name. */
int fim_links_first(struct fim_links *links, const char *path, const struct fim_state *state,
		    const char **first_ret);

/* ---------------------------------------------------------------- memo.c */

/**
 * struct fim_memo_record - an object as it was when it was last read and found right
 * @dev: as statx(2) gave it before it was read, likewise all up to @nlink
 * @ino: inode number
 * @size: bytes
 * @ctime_ns: last status change
 * @mtime_ns: last content change
 * @btime_ns: birth, 0: the file system does not say
 * @mode: type and permissions
 * @nlink: links
 * @read_ns: when; 0: nothing is known
 */
struct fim_memo_record {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t ctime_ns;
	int64_t mtime_ns;
	int64_t btime_ns;
	uint32_t mode;
	uint32_t nlink;
	int64_t read_ns;
};

/* What is there now, @read_ns 0; true if it is as @known (with its @read_ns), which may be NULL. */
bool fim_memo_look(int dirfd, const char *name, const struct fim_memo_record *known,
		   struct fim_memo_record *record_ret);
/* NULL: nothing is known of this object of the baseline, or not lately enough. */
const struct fim_memo_record *fim_memo_known(const struct fim_memo *memo, size_t index);
/* @record NULL: forget. */
void fim_memo_note(struct fim_memo *memo, size_t index, const struct fim_memo_record *record);

/* -------------------------------------------------------------- policy.c */

/**
 * struct fim_policy_place - where the path that was looked up last is
 * @rule: for all that is below @dir; NULL: not known
 * @len: bytes of @dir
 * @dir: a directory below which no rule speaks of anything; not terminated
 */
struct fim_policy_place {
	const struct fim_rule *rule;
	size_t len;
	char dir[FIM_PATH_MAX];
};

/*
 * As fim_policy_lookup(), for paths that come in order: most are below the same directory
 * as the one before. @place: all zero before the first.
 */
const struct fim_rule *fim_policy_lookup_next(const struct fim_policy *policy,
					      struct fim_policy_place *place, const char *path);

/* As fim_policy_covers(), for paths that come in order. @root: which one it was; 0 before the first. */
bool fim_policy_covers_next(const struct fim_policy *policy, size_t *root, const char *path);

/* ---------------------------------------------------------------- walk.c */

/**
 * struct fim_walk_params - what to visit and whom to tell
 * @root_fd: directory that holds the system
 * @policy: what is covered
 * @rate: as fim_pool_open()
 * @packaged: what a path's package says is in it; may be NULL
 * @expect: what the baseline has at a path, called in order; may be NULL
 * @known: what is known of the path that @expect was asked for last; may be NULL
 * @fn: called for each object in byte order of the paths
 * @ctx: for all of them
 */
struct fim_walk_params {
	int root_fd;
	const struct fim_policy *policy;
	uint64_t rate;
	const struct fim_package_digest *(*packaged)(void *ctx, const char *path);
	const struct fim_state *(*expect)(void *ctx, const char *path);
	const struct fim_memo_record *(*known)(void *ctx);
	fim_pool_fn fn;
	void *ctx;
};

/* Measure all that the policy covers. */
int fim_walk(const struct fim_walk_params *params);
/* True if the error is a shortage of this process and says nothing about the object. */
bool fim_errno_is_ours(int err);

/* ------------------------------------------------------------- pending.c */

/* The text of a change window; fim_window_read() without the file. */
int fim_window_parse(const char *text, size_t len, const char *file, struct fim_json **window_ret);

/* ------------------------------------------------------------- package.c */

#define FIM_MD5_SIZE 16

enum fim_package_digest_kind {
	FIM_PACKAGE_DIGEST_NONE = 0,
	FIM_PACKAGE_DIGEST_MD5, /* dpkg's only one, and that of old RPMs */
	FIM_PACKAGE_DIGEST_SHA256,
};

/**
 * struct fim_package_digest - what a package says is in a file
 * @kind: which of the two
 * @bytes: as many as that kind has
 */
struct fim_package_digest {
	enum fim_package_digest_kind kind;
	unsigned char bytes[FIM_SHA256_SIZE];
};

struct fim_packages;

/* Read the records of dpkg and RPM in @root, open as @root_fd, as far as @policy covers them. */
int fim_packages_load(const char *root, int root_fd, const struct fim_policy *policy,
		      struct fim_packages **packages_ret);
/* Without any; NULL: out of memory. */
struct fim_packages *fim_packages_new(const struct fim_policy *policy);
void fim_packages_free(struct fim_packages *packages);
/* Name of the only package that has @path; NULL: none, unknown or several. */
const char *fim_packages_owner(const struct fim_packages *packages, const char *path);
/* What the package says is in it; NULL: nothing. */
const struct fim_package_digest *fim_packages_digest(const struct fim_packages *packages,
						     const char *path);
/* True if a package has @path. */
bool fim_packages_has(const struct fim_packages *packages, const char *path);
/* True if a package has @path, or no package is known at all. */
bool fim_packages_known(const struct fim_packages *packages, const char *path);
/* For whoever reads records: a package's name, then its paths. */
int fim_packages_name(struct fim_packages *packages, const char *name, size_t len,
		      uint32_t *package_ret);
int fim_packages_version(struct fim_packages *packages, const char *name, const char *version);
/* Object of name → version, sorted. */
struct fim_json *fim_packages_to_json(struct fim_packages *packages);
/* @named: as the package has it; @digest NULL: it does not say. */
int fim_packages_add(struct fim_packages *packages, const char *named, uint32_t package,
		     const struct fim_package_digest *digest);
/* The same by the name that a package has for the path: /bin/ls is /usr/bin/ls. */
bool fim_packages_names(const struct fim_packages *packages, const char *named);
/* A link that no package has may point to @target; and whether one may. */
int fim_packages_link(struct fim_packages *packages, const char *named, const char *target);
bool fim_packages_links(const struct fim_packages *packages, const char *path, const char *target);
/* One record of update-alternatives(1), which is cut into lines. */
int fim_alternatives_parse(struct fim_packages *packages, const char *name, char *text);
/* package_dpkg.c, package_rpm.c, package_alternatives.c: nothing is read where there is none. */
int fim_alternatives_load(int root_fd, struct fim_packages *packages);
int fim_dpkg_load(int root_fd, struct fim_packages *packages);
/* One file of dpkg's: "status", "NAME.list" or "NAME.md5sums". */
int fim_dpkg_parse(struct fim_packages *packages, const char *name, FILE *file);
int fim_rpm_load(const char *root, struct fim_packages *packages);

/* What @digest says of a file that was measured as @state; it is read again for MD5. measure.c */
enum fim_origin fim_origin_at(int dirfd, const char *name, const struct fim_state *state,
			      const struct fim_package_digest *digest);
/* MD5 of all that can be read from @fd; -ENOTSUP: not allowed here (FIPS). crypto.c */
int fim_md5_fd(int fd, unsigned char digest_ret[FIM_MD5_SIZE]);

/* ------------------------------------------------------------ baseline.c */

/* A descriptor of the directory that holds the system, or -errno, reported. */
int fim_open_root(const char *root);
/*
 * One line in the writer's own form; false: another form, or wrong, or no memory.
 * @last_package: the package's text named last, to be shared.
 */
struct fim_arena;
bool fim_baseline_line(const char *line, size_t len, struct fim_arena *arena, char **last_package,
		       struct fim_entry *entry_ret);
/* The bytes of a delta; fim_delta_open() without file and signature. */
int fim_delta_parse(const char *bytes, size_t len, const char *path,
		    struct fim_baseline **delta_ret);
/* One line of JSON, and the last line of a baseline or delta, to both. delta.c */
int fim_line_write(struct fim_stage *stage, struct fim_hasher *hasher, const struct fim_json *json);
int fim_trailer_write(struct fim_stage *stage, struct fim_hasher *hasher, size_t count);
/* The digest of what was hashed so far; more may follow. crypto.c */
int fim_hasher_peek(const struct fim_hasher *hasher, unsigned char digest_ret[FIM_SHA256_SIZE]);
/* The bytes of a baseline; fim_baseline_open() without file and signature. */
int fim_baseline_parse(const char *bytes, size_t len, const char *path,
		       struct fim_baseline **baseline_ret);

/* A UUID of version 5 in this project's namespace: same name, same UUID. crypto.c */
#define FIM_UUID_SIZE 37
int fim_uuid(const char *name, char text_ret[FIM_UUID_SIZE]);

/* ------------------------------------------------- report.c, statement.c */

#define FIM_NSEC_PER_SEC INT64_C(1000000000)
#define FIM_DAY_NS	 (86400 * FIM_NSEC_PER_SEC)
#define FIM_WEEK_NS	 (7 * FIM_DAY_NS)

/**
 * struct fim_outage - a time in which a part of the control did not work; strings are not owned
 * @component: as in a control record, likewise @state and @cause
 * @sink: which one, if @component is "sink"; "": all of them, or another component
 * @state: "down" or "degraded"
 * @cause: a sentence
 * @start_ns: from
 * @end_ns: to, 0: still open
 * @start_seq: record that says so
 * @end_seq: likewise, 0: still open
 * @recovery: what ended it, a sentence; NULL: not known, or still open
 * @inferred: nobody said so at the time; seen afterwards from what is missing
 * @findings: recorded while it lasted
 */
struct fim_outage {
	char *component;
	char *sink;
	char *state;
	char *cause;
	char *recovery;
	int64_t start_ns;
	int64_t end_ns;
	uint64_t start_seq;
	uint64_t end_seq;
	bool inferred;
	uint64_t findings;
};

/**
 * struct fim_loss - events that were lost
 * @component: where
 * @lost: how many
 * @time_ns: when it was recorded
 * @seq: by which record
 */
struct fim_loss {
	char *component;
	uint64_t lost;
	int64_t time_ns;
	uint64_t seq;
};

/**
 * struct fim_alert_sum - what became of alerts
 * @count: of the period
 * @by_state: unhandled, acknowledged, closed
 * @lives: records that people made about them
 * @undelivered: that no sink is recorded to have taken, an hour after
 * @oldest_ns: when the first unhandled one was raised, 0: there is none
 * @longest_ns: from an alert to the first that was said about it
 */
struct fim_alert_sum {
	uint64_t count;
	uint64_t by_state[3];
	uint64_t lives;
	uint64_t undelivered;
	int64_t oldest_ns;
	int64_t longest_ns;
};

/**
 * struct fim_ledger - what a journal says about a period; report.c fills, statement.c judges
 * @standard: numbering
 * @lang: of the statements
 * @check: what verifying the whole journal found
 * @from_ns: the period, as asked for or as recorded
 * @to_ns: its end
 * @first_ns: first record of the journal, 0: none
 * @last_ns: last record of the period or before it, 0: none
 * @records: records in the period
 * @malformed: records in the period that are chained but say nothing usable
 * @steps_back: how often the clock went back by more than a minute
 * @health_known: the daemon recorded its own state at all
 * @has_policy: a policy is known, so that complete comparisons can be recognised
 * @baseline_ns: when the first baseline was accepted, 0: never
 * @baseline_seq: record of the last one
 * @runs: comparisons in the period
 * @full_runs: those that covered all roots of the policy
 * @partial_runs: those of @full_runs in which something could not be read
 * @last_full_ns: start of the last complete comparison, 0: none
 * @last_full_end_ns: its end
 * @gap_ns: longest time without a complete comparison, as far as records go
 * @gap_from_ns: its start
 * @gap_to_ns: its end
 * @gap_seq: comparison that ended it, 0: none did
 * @findings: in the period
 * @authorized: those of them that were announced before
 * @growing: rules of the policy for files that may only grow
 * @growing_changes: findings about such files
 * @first_seq: first record read
 * @last_seq: last record read
 * @alerts: what became of those findings that somebody has to look at
 * @containers: seen in the period
 * @powerful: those of them with power over the host
 * @excepted: those of @powerful with an exception
 * @outages: that overlap the period, in order of start
 * @outage_count: their number
 * @losses: in the period
 * @loss_count: their number
 * @lost: events lost, altogether
 */
struct fim_ledger {
	enum fim_standard standard;
	enum fim_lang lang;
	struct fim_journal_check check;
	int64_t from_ns;
	int64_t to_ns;
	int64_t first_ns;
	int64_t last_ns;
	uint64_t records;
	uint64_t malformed;
	uint64_t steps_back;
	bool health_known;
	bool has_policy;
	int64_t baseline_ns;
	uint64_t baseline_seq;
	uint64_t runs;
	uint64_t full_runs;
	uint64_t partial_runs;
	int64_t last_full_ns;
	int64_t last_full_end_ns;
	int64_t gap_ns;
	int64_t gap_from_ns;
	int64_t gap_to_ns;
	uint64_t gap_seq;
	uint64_t findings;
	uint64_t authorized;
	uint64_t growing;
	uint64_t growing_changes;
	uint64_t first_seq;
	uint64_t last_seq;
	struct fim_alert_sum alerts;
	uint64_t containers;
	uint64_t powerful;
	uint64_t excepted;
	struct fim_outage *outages;
	size_t outage_count;
	struct fim_loss *losses;
	size_t loss_count;
	uint64_t lost;
};

/* "PCI DSS v4.0.1" */
const char *fim_standard_name(enum fim_standard standard);
/* Array of one object per statement. Pure. */
struct fim_json *fim_statements(const struct fim_ledger *ledger);

#endif /* LIB_PRIVATE_H */
