/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree that knows where each value stands; the part of it that policies
 * and configurations need. Anchors, aliases, tags, several documents and duplicate
 * keys are refused: what a person reads is what the program reads.
 */
/* Not YAML_H: that is libyaml's own guard. */
#ifndef FIM_YAML_H
#define FIM_YAML_H

#include "libfim.h"

enum fim_yaml_kind {
	FIM_YAML_SCALAR,
	FIM_YAML_SEQUENCE,
	FIM_YAML_MAPPING,
};

/**
 * struct fim_yaml - one value; owns all below it
 * @kind: which of the members count
 * @line: from 1
 * @column: from 1
 * @key: its name if it is a member of a mapping, else NULL
 * @key_line: where the name stands
 * @key_column: likewise
 * @text: scalar: NUL-terminated, holds no other NUL
 * @plain: scalar: written without quotes
 * @first: mapping, sequence: first child
 * @last: last child
 * @next: next child of the same parent
 * @count: children
 */
struct fim_yaml {
	enum fim_yaml_kind kind;
	size_t line;
	size_t column;
	char *key;
	size_t key_line;
	size_t key_column;
	char *text;
	bool plain;
	struct fim_yaml *first;
	struct fim_yaml *last;
	struct fim_yaml *next;
	size_t count;
};

/**
 * fim_yaml_parse() - read one document
 * @text: bytes
 * @len: their number
 * @name: for messages, "NAME:LINE:COLUMN: reason"
 * @root_ret: freed with fim_yaml_free(); NULL if there is nothing but comments
 *
 * -EINVAL: not YAML, or one of the things refused.
 */
int fim_yaml_parse(const char *text, size_t len, const char *name, struct fim_yaml **root_ret);
void fim_yaml_free(struct fim_yaml *node);

/* Reports "NAME:LINE:COLUMN: message" for @node and returns -EINVAL. */
int fim_yaml_fail(const char *name, const struct fim_yaml *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

enum fim_yaml_type {
	FIM_YAML_STRING,  /* char *: malloc'ed, not empty */
	FIM_YAML_TEXT,	  /* char *: malloc'ed, may be empty */
	FIM_YAML_STRINGS, /* char **: malloc'ed, NULL-terminated; one string or a list */
	FIM_YAML_BOOL,	  /* bool */
	FIM_YAML_U32,	  /* uint32_t between min and max */
	FIM_YAML_NODE,	  /* const struct fim_yaml *: borrowed, for the caller to read */
};

/**
 * struct fim_yaml_field - one key that a mapping may have
 * @key: its name
 * @type: what is stored
 * @offset: where in the target; what a pointer there owned is freed first
 * @path: strings: each is an absolute path, or empty
 * @filled: FIM_YAML_STRINGS: there is at least one
 * @min: FIM_YAML_U32: smallest
 * @max: FIM_YAML_U32: largest
 */
struct fim_yaml_field {
	const char *key;
	enum fim_yaml_type type;
	size_t offset;
	bool path;
	bool filled;
	uint32_t min;
	uint32_t max;
};

/* Store the members of @mapping in @target. -EINVAL: unknown key or wrong type, reported. */
int fim_yaml_read(const char *name, const struct fim_yaml *mapping,
		  const struct fim_yaml_field *fields, size_t count, void *target);

#endif /* FIM_YAML_H */
