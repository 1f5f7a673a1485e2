/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mtree(5) as a list; mtree.c reads it, import.c makes a baseline of it.
 */
#ifndef MTREE_H
#define MTREE_H

#include "libfim.h"
#include "rules_private.h"

/**
 * struct fim_mtree_entry - one object of an mtree
 * @path: absolute; text of the list's arena, as @state's target
 * @state: what is said of it; FIM_DIFF_ bits of what is not said are in its "unknown"
 * @line: where
 * @is_bare: a directory of which nothing is said but that it is one
 * @nochange: only its type counts
 * @optional: it need not be there
 * @ignore: a directory: what is below does not count
 */
struct fim_mtree_entry {
	const char *path;
	struct fim_state state;
	size_t line;
	bool is_bare;
	bool nochange;
	bool optional;
	bool ignore;
};

/**
 * struct fim_mtree - all of it
 * @entries: in byte order of the paths, none twice
 * @count: their number
 * @arena: texts
 */
struct fim_mtree {
	struct fim_mtree_entry *entries;
	size_t count;
	struct fim_arena arena;
};

/**
 * struct fim_mtree_source - where the text is from
 * @file: name, for messages
 * @prefix: directory of the system that its "." is; absolute, without fault
 * @passwd: text of passwd(5) that turns names of users into numbers; NULL: none
 * @group: the same of group(5)
 */
struct fim_mtree_source {
	const char *file;
	const char *prefix;
	const char *passwd;
	const char *group;
};

/*
 * -EINVAL with FILE:LINE in the message. Free with fim_mtree_clear(), also after a
 * failure.
 */
int fim_mtree_parse(const char *text, size_t len, const struct fim_mtree_source *source,
		    struct fim_mtree *mtree);
void fim_mtree_clear(struct fim_mtree *mtree);

#endif /* MTREE_H */
