/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rule engine's files share among themselves and nobody else may include.
 * Sections in reading order: from a rules file to a verdict.
 *
 *   text (YAML) -> definitions -> expanded condition -> tree -> program -> verdict
 */
#ifndef RULES_PRIVATE_H
#define RULES_PRIVATE_H

#include "libfim.h"
#include "libfim_rules.h"

/* ----------------------------------------------------------- rules_text.c */

/* Memory that is given back all at once: everything a set of rules consists of. */
struct fim_arena {
	struct fim_arena_chunk *chunk;
	size_t total;
};

void *fim_arena_alloc(struct fim_arena *arena, size_t size); /* zeroed, aligned; NULL: -ENOMEM */
char *fim_arena_copy(struct fim_arena *arena, const char *bytes, size_t len); /* adds a NUL */
/* What lives in @from lives in @to then. */
void fim_arena_move(struct fim_arena *to, struct fim_arena *from);
void fim_arena_free(struct fim_arena *arena);

/*
 * Makes room for one more item: doubles @items inside the arena when @count fills it.
 * The old array stays behind, which costs less than keeping track of it.
 */
int fim_arena_grow(struct fim_arena *arena, void *items, size_t count, size_t item_size);

/* A text under construction; failure sticks and is seen once, at the end. */
struct fim_text {
	char *bytes;
	size_t len;
	size_t size;
	bool failed;
};

void fim_text_add(struct fim_text *text, const char *bytes, size_t len);
void fim_text_adds(struct fim_text *text, const char *string);
void fim_text_addf(struct fim_text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void fim_text_free(struct fim_text *text);

/* A string with its length; borrowed. */
struct fim_str {
	const char *bytes;
	size_t len;
};

bool fim_str_is(struct fim_str str, const char *string);
int fim_str_cmp(struct fim_str a, struct fim_str b);
uint64_t fim_str_hash(struct fim_str str);

/* Open addressing from strings to numbers; keys are borrowed. */
struct fim_names {
	struct fim_names_slot *slots;
	size_t size;
	size_t count;
};

#define FIM_NAMES_NONE UINT32_MAX
uint32_t fim_names_find(const struct fim_names *names, struct fim_str key);
int fim_names_set(struct fim_names *names, struct fim_str key, uint32_t value);
void fim_names_free(struct fim_names *names);

/* ----------------------------------------------------------- rules_yaml.c */

enum fim_doc_kind {
	FIM_DOC_SCALAR,
	FIM_DOC_SEQUENCE,
	FIM_DOC_MAPPING,
};

/* A node; an alias is the node that it names. Children of a mapping: key, value, key, … */
struct fim_doc_node {
	enum fim_doc_kind kind;
	bool is_null; /* plain, without tag, and empty, "~" or null */
	struct fim_str scalar;
	struct fim_doc_node **children;
	size_t count;
	uint32_t line; /* from 1 */
	uint32_t column;
};

struct fim_doc_error {
	char text[160];
	uint32_t line;
	uint32_t column;
};

#define FIM_DOC_MAX_NODES (1u << 20)
#define FIM_DOC_MAX_DEPTH 64

/* Every document of a stream; a document without a node is left out. -EINVAL: *@error_ret. */
int fim_doc_parse(struct fim_arena *arena, const char *text, size_t len,
		  struct fim_doc_node ***docs_ret, size_t *count_ret,
		  struct fim_doc_error *error_ret);
/* Value of the first key of this name, as the engine sees it; NULL if there is none. */
struct fim_doc_node *fim_doc_get(const struct fim_doc_node *mapping, const char *key);

/* ------------------------------------------------- rules_ast.c, _lexer, _parser */

enum fim_filter_op {
	FIM_CMP_NONE,
	FIM_CMP_EXISTS,
	FIM_CMP_LE,
	FIM_CMP_LT,
	FIM_CMP_GE,
	FIM_CMP_GT,
	FIM_CMP_EQ,
	FIM_CMP_NE,
	FIM_CMP_GLOB,
	FIM_CMP_IGLOB,
	FIM_CMP_CONTAINS,
	FIM_CMP_ICONTAINS,
	FIM_CMP_BCONTAINS,
	FIM_CMP_STARTSWITH,
	FIM_CMP_BSTARTSWITH,
	FIM_CMP_ENDSWITH,
	FIM_CMP_REGEX,
	FIM_CMP_INTERSECTS,
	FIM_CMP_IN,
	FIM_CMP_PMATCH,
};

enum fim_filter_mod {
	FIM_MOD_NONE,
	FIM_MOD_ONEOF,
	FIM_MOD_ANYOF,
	FIM_MOD_ALLOF,
};

enum fim_operator_class {
	FIM_OPCLASS_UNARY,
	FIM_OPCLASS_NUMBER,
	FIM_OPCLASS_STRING,
	FIM_OPCLASS_LIST,
};

/* One spelling of an operator; @blank: a blank has to follow. */
struct fim_operator {
	const char *text;
	enum fim_filter_op op;
	enum fim_operator_class cls;
	bool blank;
};

extern const struct fim_operator fim_operators[]; /* in the order in which they are tried */
extern const size_t fim_operator_count;
extern const char *const fim_modifiers[4]; /* by enum fim_filter_mod */
extern const char *const fim_transformers[];
extern const size_t fim_transformer_count;
/* "=", "contains", …: the spelling that messages use. */
const char *fim_filter_op_name(enum fim_filter_op op);

/* Index in bytes from 0; line and column from 1. */
struct fim_filter_pos {
	uint32_t idx;
	uint32_t line;
	uint32_t col;
};

enum fim_node_kind {
	FIM_NODE_AND,
	FIM_NODE_OR,
	FIM_NODE_NOT,
	FIM_NODE_IDENT,	 /* use of a macro */
	FIM_NODE_UNARY,	 /* child 0: left; @operator */
	FIM_NODE_BINARY, /* child 0: left, child 1: right */
	FIM_NODE_VALUE,
	FIM_NODE_LIST, /* children: values */
	FIM_NODE_FIELD,
	FIM_NODE_TRANSFORM, /* children: arguments */
	FIM_NODE_TLIST,	    /* list of arguments inside a transformer */
};

struct fim_node {
	enum fim_node_kind kind;
	struct fim_filter_pos pos;
	struct fim_str text; /* identifier, value, field or transformer name */
	struct fim_str arg;
	bool has_arg;
	const struct fim_operator *operator;
	enum fim_filter_mod mod;
	struct fim_node **children;
	size_t count;
	uint32_t weight; /* nodes below and including it, were nothing shared */
	uint32_t height;
};

#define FIM_NODE_WEIGHT_MAX (1u << 18)
#define FIM_NODE_HEIGHT_MAX 2000u

struct fim_node *fim_node_new(struct fim_arena *arena, enum fim_node_kind kind,
			      struct fim_filter_pos pos);
int fim_node_add(struct fim_arena *arena, struct fim_node *node, struct fim_node *child);
/* The canonical text. */
void fim_node_print(const struct fim_node *node, struct fim_text *text);
void fim_filter_escape(struct fim_text *text, struct fim_str value);

struct fim_filter_error {
	char text[512];
	struct fim_filter_pos pos;
};

struct fim_parser {
	struct fim_arena *arena;
	struct fim_str input;
	struct fim_filter_pos pos;
	struct fim_str token; /* what was read last; errors quote it */
	uint32_t depth;
	uint32_t max_depth;
	struct fim_filter_error *error;
	int err; /* first failure; sticks */
};

#define FIM_FILTER_DEPTH      100  /* what the engine allows a condition that stands alone */
#define FIM_FILTER_RULE_DEPTH 1000 /* and one in a rule */

void fim_parser_init(struct fim_parser *parser, struct fim_arena *arena, struct fim_str input,
		     struct fim_filter_error *error);
void fim_parser_fail(struct fim_parser *parser, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The whole input as a condition; NULL: parser->err. */
struct fim_node *fim_parser_condition(struct fim_parser *parser);
/* A field or transformer at the start of the input; the rest is left. */
struct fim_node *fim_parser_field(struct fim_parser *parser);

/* Lexer: each returns whether it read something, which is then in parser->token. */
bool fim_lex_blank(struct fim_parser *parser);
bool fim_lex_str(struct fim_parser *parser, const char *string);
bool fim_lex_not(struct fim_parser *parser);
bool fim_lex_identifier(struct fim_parser *parser);
bool fim_lex_field_name(struct fim_parser *parser);
bool fim_lex_field_arg(struct fim_parser *parser);
bool fim_lex_hex(struct fim_parser *parser);
bool fim_lex_number(struct fim_parser *parser);
bool fim_lex_bare(struct fim_parser *parser);
bool fim_lex_quoted(struct fim_parser *parser);
const struct fim_operator *fim_lex_operator(struct fim_parser *parser, enum fim_operator_class cls);
/* "tolower(", …; the token is the name without the parenthesis. */
bool fim_lex_transformer(struct fim_parser *parser);
char fim_lex_peek(const struct fim_parser *parser); /* NUL at the end */

/* ----------------------------------------------------------- rules_type.c */

enum fim_value_kind {
	FIM_VK_STRING,
	FIM_VK_BYTES,
	FIM_VK_SIGNED,
	FIM_VK_UNSIGNED,
	FIM_VK_BOOL,
	FIM_VK_IP,
	FIM_VK_NET,
	FIM_VK_OPAQUE, /* known to the engine, comparable with nothing */
};

struct fim_type_info {
	const char *name; /* as in the engine's messages */
	enum fim_value_kind kind;
	uint8_t bits;
	bool hex; /* printed in hexadecimal */
};

enum fim_value_type {
	FIM_VT_CHARBUF,
	FIM_VT_FSPATH,
	FIM_VT_BYTEBUF,
	FIM_VT_INT16,
	FIM_VT_INT32,
	FIM_VT_INT64,
	FIM_VT_UINT8,
	FIM_VT_UINT16,
	FIM_VT_UINT32,
	FIM_VT_UINT64,
	FIM_VT_ERRNO,
	FIM_VT_FD,
	FIM_VT_PID,
	FIM_VT_UID,
	FIM_VT_GID,
	FIM_VT_SYSCALLID,
	FIM_VT_SIGTYPE,
	FIM_VT_RELTIME,
	FIM_VT_ABSTIME,
	FIM_VT_PORT,
	FIM_VT_FLAGS8,
	FIM_VT_FLAGS16,
	FIM_VT_FLAGS32,
	FIM_VT_DOUBLE,
	FIM_VT_BOOL,
	FIM_VT_IPADDR,
	FIM_VT_IPNET,
	FIM_VT_SOCKADDR,
	FIM_VT_SOCKTUPLE,
	FIM_VT_FDLIST,
	FIM_VT_SIGSET,
};

extern const struct fim_type_info fim_types[];

struct fim_net {
	uint8_t addr[16];
	uint8_t size; /* 4 or 16 */
	uint8_t prefix;
};

/* A value that a check compares: text always, the rest by kind. */
struct fim_value {
	struct fim_str text; /* NUL-terminated when it is text */
	uint64_t number;     /* two's complement when signed; 0 or 1 for a boolean */
	uint64_t hash;	     /* of the text; 0: not computed yet */
	struct fim_net net;
};

/* Whether @op may be used on a field of this type; false: why in @error_ret. */
bool fim_type_allows(const struct fim_type_info *type, bool is_list, enum fim_filter_op op,
		     char *error_ret, size_t size);
/* A constant in a condition. -EINVAL: why in @error_ret. */
int fim_value_constant(const struct fim_type_info *type, struct fim_str text,
		       struct fim_value *value_ret, char *error_ret, size_t size);
/* What an event says; false: it cannot be a value of this type. Needs value->text. */
bool fim_value_parse(const struct fim_type_info *type, struct fim_value *value);
bool fim_parse_net(struct fim_str text, bool with_prefix, struct fim_net *net_ret);

/* ----------------------------------------------------------- rules_glob.c */

/* fnmatch(@pattern, @text, 0) in the C locale, in time proportional to the product of lengths. */
bool fim_glob_match(struct fim_str pattern, struct fim_str text, bool fold_case);
/* pmatch: the components of @pattern lead those of @path. */
bool fim_path_match(struct fim_str pattern, struct fim_str path);

/* ------------------------------------------------- rules_regex.c, regex.c */
/*
 * Regular expressions of RE2's POSIX syntax.  rules_regex.c reads the syntax and owns
 * the matcher of last resort; regex.c is the only file that includes PCRE2.
 */
struct fim_regex;

/* -EINVAL: why in @error_ret. */
int fim_regex_new(struct fim_str pattern, struct fim_regex **regex_ret, char *error_ret,
		  size_t size);
void fim_regex_free(struct fim_regex *regex);
/*
 * Whether the whole of @subject matches; bytes that are not UTF-8 count as U+FFFD.
 * Bounded: -EOVERFLOW when both matchers gave up.
 */
int fim_regex_match(struct fim_regex *regex, struct fim_str subject, bool *matches_ret);
/* The matcher of last resort alone: linear, but slow; tests compare it with the other. */
int fim_regex_match_slowly(struct fim_regex *regex, struct fim_str subject, bool *matches_ret);

/* A regular expression that was read. */
enum fim_re_kind {
	FIM_RE_CLASS,
	FIM_RE_BEGIN_LINE,
	FIM_RE_END_LINE,
	FIM_RE_CAT,
	FIM_RE_ALT,
	FIM_RE_REPEAT,
};

struct fim_re_range {
	uint32_t lo;
	uint32_t hi;
};

struct fim_re {
	enum fim_re_kind kind;
	struct fim_re_range *ranges; /* FIM_RE_CLASS: sorted, apart */
	size_t range_count;
	struct fim_re **children;
	size_t count;
	int min;
	int max; /* -1: no upper bound */
};

/* rules_automaton.c; *@automaton_ret is NULL if it would be too large. */
struct fim_automaton;
int fim_automaton_new(struct fim_arena *arena, const struct fim_re *re,
		      struct fim_automaton **automaton_ret);
/* @subject is UTF-8. -EOVERFLOW: too many steps. */
int fim_automaton_match(struct fim_automaton *automaton, struct fim_str subject, bool *matches_ret);

struct fim_pcre;
int fim_pcre_new(const char *pattern, size_t len, struct fim_pcre **pcre_ret, char *error_ret,
		 size_t size);
void fim_pcre_free(struct fim_pcre *pcre);
/* -EOVERFLOW: over the limits. */
int fim_pcre_match(struct fim_pcre *pcre, const char *subject, size_t len, bool *matches_ret);

/* --------------------------------------------------------- rules_fields.c */

#define FIM_FIELD_ARG_ALLOWED  (1u << 0)
#define FIM_FIELD_ARG_REQUIRED (1u << 1)
#define FIM_FIELD_ARG_INDEX    (1u << 2) /* a number */
#define FIM_FIELD_ARG_DOT      (1u << 3) /* also as .name behind the field */
#define FIM_FIELD_LIST	       (1u << 4)
#define FIM_FIELD_ANY	       (1u << 5) /* without argument: any of several, e.g. ancestors */
#define FIM_FIELD_PAIR	       (1u << 6) /* two values; != has to hold for both */
#define FIM_FIELD_NO_RHS       (1u << 7)
#define FIM_FIELD_NO_TRANSFORM (1u << 8)
#define FIM_FIELD_FILTER_ONLY  (1u << 9)
#define FIM_FIELD_FILE	       (1u << 10) /* filled for a file event */
#define FIM_FIELD_START	       (1u << 11) /* filled for the start of a container */
#define FIM_FIELD_CLOUDTRAIL   (1u << 12) /* filled for a CloudTrail record */

struct fim_field {
	const char *name;
	uint8_t type;	 /* enum fim_value_type */
	uint8_t sources; /* 1 << enum fim_rules_source_id */
	uint16_t flags;
};

enum fim_rules_source_id {
	FIM_SOURCE_SYSCALL,
	FIM_SOURCE_CLOUDTRAIL,
	FIM_SOURCE_COUNT,
};

/* A field with its argument, as a condition or an output names it. */
struct fim_field_ref {
	const struct fim_field *field;
	uint8_t type;	/* evt.rawarg takes that of the argument */
	uint16_t flags; /* those of the field, less what an argument settles */
	struct fim_str arg;
};

extern const struct fim_field fim_fields[];
extern const size_t fim_field_count;
const char *fim_rules_source_name(enum fim_rules_source_id source);
int fim_rules_source_id(struct fim_str name); /* -ENOENT */
/* -EINVAL: why in @error_ret, in the engine's words. */
int fim_field_find(enum fim_rules_source_id source, struct fim_str name, struct fim_str arg,
		   struct fim_field_ref *ref_ret, char *error_ret, size_t size);
/* Types of events: known to the engine; emitted by us. */
bool fim_event_type_is_known(struct fim_str name);
bool fim_event_type_is_emitted(struct fim_str name);

/* ------------------------------------------------- rules_defs.c, _loader */

/* Where something was said, for messages. */
struct fim_place {
	const char *file;
	uint32_t line;
	uint32_t column;
	const char *item_type;
	struct fim_str item;
};

struct fim_def_list {
	struct fim_str name;
	struct fim_str *items;
	size_t count;
	uint32_t index;
	uint32_t visibility;
	struct fim_place place;
};

struct fim_def_macro {
	struct fim_str name;
	struct fim_str condition;
	uint32_t index;
	uint32_t visibility;
	struct fim_place place;
	struct fim_place condition_place;
};

/* A text or a list of them: what "fields", "comps" and values of exceptions are. */
struct fim_def_entry {
	bool is_list;
	struct fim_str text;
	struct fim_def_entry *items;
	size_t count;
};

struct fim_def_exception {
	struct fim_str name;
	struct fim_def_entry fields;
	struct fim_def_entry comps;
	struct fim_def_entry *values;
	size_t value_count;
	struct fim_place place;
};

#define FIM_DEF_CONDITION  (1u << 0)
#define FIM_DEF_OUTPUT	   (1u << 1)
#define FIM_DEF_DESC	   (1u << 2)
#define FIM_DEF_PRIORITY   (1u << 3)
#define FIM_DEF_TAGS	   (1u << 4)
#define FIM_DEF_EXCEPTIONS (1u << 5)
#define FIM_DEF_ENABLED	   (1u << 6)
#define FIM_DEF_WARN	   (1u << 7)
#define FIM_DEF_SKIP	   (1u << 8)
#define FIM_DEF_CAPTURE	   (1u << 9)
#define FIM_DEF_SOURCE	   (1u << 10)

/* A rule, or what an item says about one: then only what is in @has. */
struct fim_def_rule {
	uint32_t has;
	struct fim_str name;
	struct fim_str condition;
	struct fim_str output;
	struct fim_str desc;
	struct fim_str source;
	int source_id; /* -ENOENT: unknown, the rule is left out */
	enum fim_rules_priority priority;
	struct fim_str *tags; /* sorted, each once */
	size_t tag_count;
	struct fim_def_exception *exceptions;
	size_t exception_count;
	bool enabled;
	bool warn_evttypes;
	bool skip_unknown;
	uint32_t index;
	uint32_t visibility;
	struct fim_place place;
	struct fim_place condition_place;
	struct fim_place output_place;
};

/* Everything that the files so far define. */
struct fim_build {
	const struct fim_rules_params *params;
	struct fim_arena arena; /* scratch: gone when the set is made */
	const char *file;
	struct fim_def_list *lists;
	size_t list_count;
	struct fim_names list_names;
	struct fim_def_macro *macros;
	size_t macro_count;
	struct fim_names macro_names;
	struct fim_def_rule *rules;
	size_t rule_count;
	struct fim_names rule_names;
	uint32_t next_index;
	bool quiet; /* no warnings: not the last file yet */
	int err;
};

void fim_build_error(struct fim_build *build, const char *code, const struct fim_place *place,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void fim_build_warn(struct fim_build *build, const char *code, const struct fim_place *place,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void fim_build_nomem(struct fim_build *build);

/* Each gives build->err on failure, with the message said. */
void fim_defs_list(struct fim_build *build, struct fim_def_list *list, bool append);
void fim_defs_macro(struct fim_build *build, struct fim_def_macro *macro, bool append);
void fim_defs_rule(struct fim_build *build, struct fim_def_rule *rule);
void fim_defs_rule_append(struct fim_build *build, struct fim_def_rule *update);
void fim_defs_rule_replace(struct fim_build *build, struct fim_def_rule *update);
void fim_defs_rule_enable(struct fim_build *build, const struct fim_def_rule *rule);
void fim_defs_tag(struct fim_build *build, struct fim_def_rule *rule, struct fim_str tag);
/* rules_exception.c: the condition with its exceptions; false: build->err. */
bool fim_exception_check(struct fim_build *build, const struct fim_def_rule *rule,
			 struct fim_def_exception *exception);
bool fim_exception_apply(struct fim_build *build, const struct fim_def_rule *rule,
			 struct fim_text *condition);
/* Reads one file's items into @build. */
void fim_rules_read(struct fim_build *build, const char *text, size_t len);

/* -------------------------------------------------- rules_compile, _expand */

/* Replaces the names of lists by their items; marks the lists that were used. */
void fim_expand_lists(struct fim_build *build, struct fim_text *condition, bool *used);

#define FIM_MACRO_DEPTH_MAX 256

/* What replacing macros needs: which may be seen, and what they are. */
struct fim_macros {
	const struct fim_build *build;
	struct fim_arena *arena;
	struct fim_node **trees; /* by macro */
	bool *used;
	uint32_t visibility;
	uint32_t path[FIM_MACRO_DEPTH_MAX];
	size_t depth;
	struct fim_filter_error *error;
	int err;
};

/* The tree with every macro replaced; macros->err. */
struct fim_node *fim_macros_resolve(struct fim_macros *macros, struct fim_node *node);

/* Compiles all definitions into a set; build->err. */
void fim_rules_compile(struct fim_build *build, struct fim_rules *rules);
/* Which event types a condition can be true for: few and named, or all but some. */
struct fim_type_set {
	bool inverted;
	struct fim_str *names;
	size_t count;
};
int fim_type_set_of(struct fim_arena *arena, const struct fim_node *node, const char *field,
		    struct fim_type_set *set_ret);
/*
 * The engine's view of it, which decides about a warning only: it also knows syscall.type,
 * and what evt.num can be.
 */
int fim_type_set_warned_of(struct fim_arena *arena, const struct fim_node *node,
			   struct fim_type_set *set_ret);

/* ---------------------------------------------------------- rules_program.c */

struct fim_slot; /* a field that some rule uses */

enum fim_expr_kind {
	FIM_EXPR_SLOT,
	FIM_EXPR_CONST,
	FIM_EXPR_TOLOWER,
	FIM_EXPR_TOUPPER,
	FIM_EXPR_B64,
	FIM_EXPR_BASENAME,
	FIM_EXPR_LEN,
	FIM_EXPR_JOIN,
	FIM_EXPR_CONCAT,
	FIM_EXPR_GETOPT,
	FIM_EXPR_TLIST,
};

/* Something that has values: a field, a constant, or a transformer of such. */
struct fim_expr {
	enum fim_expr_kind kind;
	uint32_t slot;
	uint8_t type;
	uint16_t flags;	     /* LIST, ANY, PAIR, … */
	struct fim_str text; /* constant; selector of getopt */
	bool has_selector;
	struct fim_expr **args;
	size_t count;
};

struct fim_check {
	enum fim_filter_op op;
	enum fim_filter_mod mod;
	const struct fim_expr *left;
	const struct fim_expr *right; /* NULL: constants */
	struct fim_value *values;
	size_t count;
	struct fim_regex **regexes;
	/* Of "in" over many strings: open addressing, indices into @values, from 1. */
	uint32_t *set;
	size_t set_size;
	size_t min_len;
	size_t max_len;
};

enum fim_term_kind {
	FIM_TERM_AND,
	FIM_TERM_OR,
	FIM_TERM_NOT,
	FIM_TERM_CHECK,
};

/* A part of a condition; equal parts of all rules are one term, evaluated once per event. */
struct fim_term {
	enum fim_term_kind kind;
	struct fim_check *check;
	uint32_t *children;
	size_t count;
};

/* One piece of an output. */
struct fim_piece {
	struct fim_str text; /* literal; of an expression: as it is named in output_fields */
	const struct fim_expr *expr; /* NULL: literal */
	uint32_t width;
};

struct fim_compiled {
	struct fim_rules_rule info;
	enum fim_rules_source_id source;
	uint32_t term;
	struct fim_piece *pieces;
	size_t piece_count;
	struct fim_type_set types;
};

struct fim_slot {
	struct fim_str key; /* "proc.aname[2]" */
	struct fim_field_ref ref;
	bool is_common;		       /* every event has it: its number, time, … */
	const struct fim_ct_field *ct; /* how it is found in a CloudTrail record */
};

/* Rules to evaluate for one value of the index field. */
struct fim_bucket {
	uint32_t *rules;
	size_t count;
};

/* What is kept per source. */
struct fim_program {
	struct fim_slot *slots;
	size_t slot_count;
	struct fim_names slot_names;
	struct fim_names bucket_names; /* by value of the index field */
	struct fim_bucket *buckets;    /* 0: every rule; 1: any value that no rule names */
	size_t bucket_count;
	uint32_t index_slot; /* FIM_NAMES_NONE: none */
};

struct fim_rules {
	struct fim_arena arena;
	struct fim_compiled *compiled;
	size_t count;
	struct fim_term *terms;
	size_t term_count;
	struct fim_names term_names;
	struct fim_regex **regexes; /* to be freed */
	size_t regex_count;
	struct fim_program programs[FIM_SOURCE_COUNT];
};

/* What a compiler of one condition or output needs to know. */
struct fim_compiler {
	struct fim_rules *rules;
	enum fim_rules_source_id source;
	struct fim_filter_error *error;
	void (*warn)(void *ctx, struct fim_filter_pos pos, const char *text);
	void *ctx;
	int err;
};

/* Field that rules of a source are indexed by. */
const char *fim_index_field(enum fim_rules_source_id source);
uint32_t fim_program_slot(struct fim_compiler *compiler, const struct fim_field_ref *ref);
/* NULL: compiler->err, said in compiler->error. */
struct fim_expr *fim_compile_expr(struct fim_compiler *compiler, const struct fim_node *node);
int fim_compile_condition(struct fim_compiler *compiler, const struct fim_node *node,
			  uint32_t *term_ret);
/* -EINVAL: why in compiler->error->text. */
int fim_compile_output(struct fim_compiler *compiler, struct fim_str output,
		       struct fim_piece **pieces_ret, size_t *count_ret);
int fim_program_index(struct fim_rules *rules);
/* Fills info.never and info.missing. */
int fim_program_review(struct fim_rules *rules, struct fim_compiled *compiled,
		       const struct fim_node *node);

/* ----------------------------------------------------------- rules_event.c */

enum fim_cell_state {
	FIM_CELL_MISSING,
	FIM_CELL_SET,
	FIM_CELL_UNREAD, /* set, its number not read yet */
};

struct fim_cell {
	uint32_t generation; /* of the event that filled it */
	enum fim_cell_state state;
	struct fim_value value;
	struct fim_value *list; /* LIST and ANY fields */
	size_t count;
};

struct fim_scan; /* rules_scan.c */

struct fim_rules_event {
	struct fim_rules *rules;
	enum fim_rules_source_id source;
	const struct fim_program *program;
	uint32_t generation;
	struct fim_cell *cells;
	uint32_t *memo; /* by term: memo_generation * 2 + result */
	uint32_t memo_generation;
	struct fim_text scratch;	  /* results of transformers; only grows */
	struct fim_event_buffer *buffers; /* bytes that live until the next reset */
	struct fim_event_buffer *buffer;
	struct fim_scan *scan; /* CloudTrail */
	uint64_t number;       /* evt.num */
	bool failed;	       /* memory ran out */
	bool is_closed;	       /* it has the fields that were set, and no others */
	/* Start of a container: older rules know it as an event of a type of its own. */
	const char *second_type;
	struct fim_mount *mounts;
	size_t mount_count;
	const struct fim_json *labels;
	const struct fim_rules_change *change;
	int64_t time_ns;
	uint64_t gave_up;
	/* What a getter found missing is looked for once per event. */
	bool (*extract)(struct fim_rules_event *event, const struct fim_slot *slot,
			struct fim_cell *cell);
};

#define FIM_TIME_UNKNOWN INT64_MIN

/* Memory that lives until the next reset and is used again after it; NULL: event->failed. */
void *fim_event_alloc(struct fim_rules_event *event, size_t size);
/* What was written to event->scratch, in such memory; false: event->failed. */
bool fim_event_take_scratch(struct fim_rules_event *event, struct fim_str *text_ret);
bool fim_event_set_scratch(struct fim_rules_event *event, struct fim_cell *cell);
/* Forgets which terms are true: a field has changed. */
void fim_event_forget(struct fim_rules_event *event);
struct fim_cell *fim_event_cell(struct fim_rules_event *event, const char *field, size_t len);
void fim_cell_set(struct fim_rules_event *event, struct fim_cell *cell, struct fim_str text);
int fim_event_set_list(struct fim_rules_event *event, struct fim_cell *cell,
		       const char *const *strings, size_t count);

struct fim_values {
	const struct fim_value *values;
	size_t count;
};

/* Values of a field; false: it is missing. */
bool fim_slot_values(struct fim_rules_event *event, uint32_t slot, uint8_t type,
		     struct fim_values *values_ret);
void fim_cut_at_nul(struct fim_str *text);

/* ------------------------------------------------------- rules_transform.c */

char fim_to_lower(char c); /* ASCII */
/* Values of an expression; false: it has none. */
bool fim_expr_values(struct fim_rules_event *event, const struct fim_expr *expr,
		     struct fim_values *values_ret);

/* ------------------------------------------------------- rules_container.c */

#define FIM_START_TYPE	     "execve" /* of the event that the start of a container is */
#define FIM_CAPABILITIES_ALL ((1ull << 41) - 1)
void fim_event_set_capabilities(struct fim_rules_event *event, uint64_t mask);
/* Who a container is, out of a record. */
void fim_event_set_identity(struct fim_rules_event *event, const struct fim_json *container);
void fim_event_set_container(struct fim_rules_event *event, const struct fim_container *container);
/* Its start: out of the container of a record, or what Docker says. -EINVAL: it is not such. */
int fim_event_set_start(struct fim_rules_event *event, const struct fim_json *container);
int fim_event_set_inspected(struct fim_rules_event *event, const struct fim_json *inspect);

/* ------------------------------------------------------ rules_cloudtrail.c */

/* How a field is found; NULL: not a field of CloudTrail records. */
const struct fim_ct_field *fim_ct_field(const char *name);

/* ----------------------------------------------- rules_cloudtrail_stream.c */

#define FIM_CT_RECORD_MAX (16u << 20) /* bytes of one record, with what was read behind it */

/* @record gets each record and its eventID, as it is written; non-zero stops and is returned. */
struct fim_ct_stream_params {
	int (*record)(void *ctx, struct fim_str text, struct fim_str id);
	void *ctx;
};

struct fim_ct_stream;
int fim_ct_stream_new(const struct fim_ct_stream_params *params, struct fim_ct_stream **stream_ret);
void fim_ct_stream_free(struct fim_ct_stream *stream);
/* -EINVAL: not JSON; -EMSGSIZE: a record is too large. Then it can only be freed. */
int fim_ct_stream_feed(struct fim_ct_stream *stream, const char *bytes, size_t len);
uint64_t fim_ct_stream_malformed(const struct fim_ct_stream *stream);
bool fim_ct_stream_is_whole(const struct fim_ct_stream *stream);

/* ------------------------------------------------------------ rules_scan.c */
/* JSON without a tree: tokens over the text, numbers stay text. */

enum fim_token_kind {
	FIM_TOKEN_OBJECT,
	FIM_TOKEN_ARRAY,
	FIM_TOKEN_STRING,
	FIM_TOKEN_OTHER, /* number, true, false, null */
};

struct fim_token {
	uint32_t start; /* of a string: behind the quote */
	uint32_t len;
	uint32_t next; /* token behind this one and all in it */
	uint8_t kind;
	bool escaped; /* a string with a backslash */
};

struct fim_scan {
	const char *text;
	size_t len;
	struct fim_token *tokens;
	size_t count;
	size_t size;
};

#define FIM_SCAN_MAX_DEPTH 128

/* -EINVAL: not one JSON value; -E2BIG: over 4 GiB. Keeps @scan's memory from call to call. */
int fim_scan_parse(struct fim_scan *scan, const char *text, size_t len);
void fim_scan_free(struct fim_scan *scan);
/* RFC 6901, the leading slash may be missing; UINT32_MAX: there is no such value. */
uint32_t fim_scan_find(const struct fim_scan *scan, struct fim_str pointer);
uint32_t fim_scan_member(const struct fim_scan *scan, uint32_t object, struct fim_str key);
/* A string decoded, anything else minified; @out is appended to. */
void fim_scan_write(const struct fim_scan *scan, uint32_t token, struct fim_text *out);
/* Text of a string without escapes, of a number or a word; false: it has to be written. */
bool fim_scan_plain(const struct fim_scan *scan, uint32_t token, struct fim_str *text_ret);
/* For people: a line for each member, indented by two. */
void fim_scan_indent(const struct fim_scan *scan, uint32_t token, struct fim_text *out);

/* ----------------------------------------------------------------- gzip.c */
/* The only file that includes zlib. */

struct fim_gzip;
int fim_gzip_new(struct fim_gzip **gzip_ret);
void fim_gzip_free(struct fim_gzip *gzip);
/**
 * fim_gzip_feed() - decompress
 * @gzip: one stream
 * @bytes: compressed bytes
 * @len: their number
 * @fn: called with what comes out; non-zero stops and is returned
 *
 * -EBADMSG: not gzip, or damaged.
 */
int fim_gzip_feed(struct fim_gzip *gzip, const char *bytes, size_t len,
		  int (*fn)(void *ctx, const char *bytes, size_t len), void *ctx);
bool fim_gzip_is_done(const struct fim_gzip *gzip);

#endif /* RULES_PRIVATE_H */
