/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns the matcher of last resort: an automaton whose time is linear in the subject,
 * whatever the pattern.  It is built out of sets of places in the pattern where matching
 * may be; sets that were met are kept with where each character leads from them, so that
 * a subject that repeats itself, as hostile ones do, costs a look-up for each character.
 */
#include <errno.h>
#include <string.h>

#include "lib_private.h"
#include "rules_private.h"

#define PROGRAM_MAX 20000u
#define STEPS_MAX   200000u /* some 0.7 ms */
#define SETS_MAX    128u
#define POOL_MAX    32768u
#define LETTERS_MAX 512u

enum step_kind {
	STEP_CLASS,
	STEP_BEGIN_LINE,
	STEP_END_LINE,
	STEP_SPLIT,
	STEP_MATCH,
};

struct step {
	enum step_kind kind;
	uint32_t next;
	uint32_t other; /* STEP_SPLIT */
	const struct fim_re *class;
};

/* Steps, each once, in the order in which they were reached. */
struct places {
	uint32_t *list;
	uint32_t *where; /* index into @list, for those that are in it */
	uint32_t count;
};

/* A set that was met: where it is in the pool, and whether a line begins there. */
struct set {
	uint32_t first;
	uint32_t count;
	bool at_begin;
};

struct fim_automaton {
	struct fim_arena *arena;
	struct step *program; /* step 0 is the end */
	uint32_t size;
	uint32_t start;
	struct places now;
	struct places then;
	uint32_t *stack;
	uint32_t steps;
	/* Characters that no class of the pattern tells apart are one letter. */
	uint32_t *bounds; /* where letters begin, sorted; the first one is 0 */
	size_t letters;
	uint16_t ascii[128];
	struct set *sets; /* NULL: not used yet */
	uint32_t set_count;
	uint32_t *pool;
	uint32_t pool_used;
	uint32_t *table;    /* by set and letter: the next set, from 1 */
	uint32_t forgotten; /* how often */
};

/* --------------------------------------------------------------- building */

static uint32_t emit(struct fim_automaton *a, struct step step)
{
	uint32_t at = a->size;

	if (at >= PROGRAM_MAX)
		return PROGRAM_MAX;
	if (fim_arena_grow(a->arena, &a->program, at, sizeof(struct step))) {
		a->size = PROGRAM_MAX;
		return PROGRAM_MAX;
	}
	a->program[at] = step;
	a->size++;
	return at;
}

/* Builds backwards: the program for @re that goes on at @next; where it begins. */
static uint32_t build(struct fim_automaton *a, const struct fim_re *re, uint32_t next)
{
	uint32_t at, i;

	if (next >= PROGRAM_MAX)
		return PROGRAM_MAX;
	switch (re->kind) {
	case FIM_RE_CLASS:
		return emit(a, (struct step){STEP_CLASS, next, 0, re});
	case FIM_RE_BEGIN_LINE:
		return emit(a, (struct step){STEP_BEGIN_LINE, next, 0, NULL});
	case FIM_RE_END_LINE:
		return emit(a, (struct step){STEP_END_LINE, next, 0, NULL});
	case FIM_RE_CAT:
		for (i = (uint32_t)re->count; i-- > 0;)
			next = build(a, re->children[i], next);
		return next;
	case FIM_RE_ALT:
		at = build(a, re->children[0], next);
		for (i = 1; i < re->count; i++)
			at = emit(a, (struct step){STEP_SPLIT, at, build(a, re->children[i], next),
						   NULL});
		return at;
	case FIM_RE_REPEAT:
		break;
	}
	if (re->max < 0) {
		at = emit(a, (struct step){STEP_SPLIT, next, next, NULL});
		if (at < PROGRAM_MAX) {
			uint32_t body = build(a, re->children[0], at);

			if (body < PROGRAM_MAX)
				a->program[at].other = body;
		}
		next = at;
	}
	for (i = re->max < 0 ? 0 : (uint32_t)(re->max - re->min); i && next < PROGRAM_MAX; i--)
		next = emit(a,
			    (struct step){STEP_SPLIT, next, build(a, re->children[0], next), NULL});
	for (i = (uint32_t)re->min; i && next < PROGRAM_MAX; i--)
		next = build(a, re->children[0], next);
	return next;
}

static bool class_has(const struct fim_re *re, uint32_t c)
{
	size_t i;

	for (i = 0; i < re->range_count; i++)
		if (c <= re->ranges[i].hi)
			return c >= re->ranges[i].lo;
	return false;
}

static int add_bound(struct fim_automaton *a, uint32_t bound)
{
	size_t at = a->letters;
	int err;

	while (at && a->bounds[at - 1] > bound)
		at--;
	if (at && a->bounds[at - 1] == bound)
		return 0;
	err = fim_arena_grow(a->arena, &a->bounds, a->letters, sizeof(*a->bounds));
	if (err)
		return err;
	memmove(a->bounds + at + 1, a->bounds + at, (a->letters - at) * sizeof(*a->bounds));
	a->bounds[at] = bound;
	a->letters++;
	return 0;
}

static uint32_t letter_of(const struct fim_automaton *a, uint32_t c)
{
	size_t low = 0, high = a->letters;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (a->bounds[middle] <= c)
			low = middle;
		else
			high = middle;
	}
	return (uint32_t)low;
}

static int build_letters(struct fim_automaton *a)
{
	int err = add_bound(a, 0);
	uint32_t i, k;

	if (!err)
		err = add_bound(a, '\n');
	if (!err)
		err = add_bound(a, '\n' + 1);
	for (i = 0; i < a->size && !err; i++)
		for (k = 0; a->program[i].class && k < a->program[i].class->range_count && !err;
		     k++) {
			const struct fim_re_range *range = &a->program[i].class->ranges[k];

			err = add_bound(a, range->lo);
			if (!err)
				err = add_bound(a, range->hi + 1);
			if (a->letters > LETTERS_MAX)
				return -E2BIG;
		}
	for (i = 0; i < 128 && !err; i++)
		a->ascii[i] = (uint16_t)letter_of(a, i);
	return err;
}

static int build_room(struct fim_automaton *a)
{
	size_t room = a->size * sizeof(uint32_t);

	a->now.list = fim_arena_alloc(a->arena, room);
	a->now.where = fim_arena_alloc(a->arena, room);
	a->then.list = fim_arena_alloc(a->arena, room);
	a->then.where = fim_arena_alloc(a->arena, room);
	a->stack = fim_arena_alloc(a->arena, 2 * room + 2 * sizeof(uint32_t));
	return a->now.list && a->now.where && a->then.list && a->then.where && a->stack ? 0
											: -ENOMEM;
}

int fim_automaton_new(struct fim_arena *arena, const struct fim_re *re,
		      struct fim_automaton **automaton_ret)
{
	struct fim_automaton *a = fim_arena_alloc(arena, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->arena = arena;
	emit(a, (struct step){STEP_MATCH, 0, 0, NULL});
	a->start = build(a, re, 0);
	*automaton_ret = NULL;
	if (a->start >= PROGRAM_MAX || a->size >= PROGRAM_MAX)
		return 0;
	err = build_letters(a);
	if (!err)
		err = build_room(a);
	if (err == -E2BIG)
		return 0;
	if (!err)
		*automaton_ret = a;
	return err;
}

/* ------------------------------------------------------------------- sets */

static bool has(const struct places *places, uint32_t at)
{
	return places->where[at] < places->count && places->list[places->where[at]] == at;
}

/* Adds step @at and all that it reaches without a character. */
static void follow(struct fim_automaton *a, struct places *places, uint32_t at, bool at_begin,
		   bool at_end)
{
	uint32_t depth = 0;

	a->stack[depth++] = at;
	while (depth) {
		const struct step *step;

		at = a->stack[--depth];
		if (has(places, at))
			continue;
		a->steps++;
		places->where[at] = places->count;
		places->list[places->count++] = at;
		step = &a->program[at];
		if (step->kind == STEP_SPLIT)
			a->stack[depth++] = step->other;
		if (step->kind == STEP_SPLIT || (step->kind == STEP_BEGIN_LINE && at_begin) ||
		    (step->kind == STEP_END_LINE && at_end))
			a->stack[depth++] = step->next;
	}
}

/* Whether a line ends is known only now: goes on behind each "$". */
static void end_line(struct fim_automaton *a, bool at_begin)
{
	uint32_t i;

	for (i = 0; i < a->now.count; i++)
		if (a->program[a->now.list[i]].kind == STEP_END_LINE)
			follow(a, &a->now, a->program[a->now.list[i]].next, at_begin, true);
}

static void load(struct fim_automaton *a, const struct set *set)
{
	uint32_t i;

	a->now.count = 0;
	for (i = 0; i < set->count; i++) {
		uint32_t at = a->pool[set->first + i];

		a->now.where[at] = a->now.count;
		a->now.list[a->now.count++] = at;
	}
	a->steps += set->count;
}

static void forget(struct fim_automaton *a)
{
	a->set_count = 0;
	a->pool_used = 0;
	a->forgotten++;
	memset(a->table, 0, SETS_MAX * a->letters * sizeof(*a->table));
	a->steps += (uint32_t)(SETS_MAX * a->letters / 64);
}

/* What of @places can still do something, as a set: its number. */
static uint32_t keep(struct fim_automaton *a, const struct places *places, bool at_begin)
{
	uint32_t *pool, count = 0, i;

	if (a->set_count == SETS_MAX || POOL_MAX - a->pool_used < places->count)
		forget(a);
	pool = a->pool + a->pool_used;
	for (i = 0; i < places->count; i++) {
		enum step_kind kind = a->program[places->list[i]].kind;

		if (kind == STEP_CLASS || kind == STEP_END_LINE || kind == STEP_MATCH)
			pool[count++] = places->list[i];
	}
	for (i = 0; i < a->set_count; i++)
		if (a->sets[i].count == count && a->sets[i].at_begin == at_begin &&
		    !memcmp(a->pool + a->sets[i].first, pool, count * sizeof(*pool)))
			return i;
	a->steps += a->set_count;
	a->sets[a->set_count] = (struct set){a->pool_used, count, at_begin};
	a->pool_used += count;
	return a->set_count++;
}

/* Where @letter leads from the set @from. */
static uint32_t advance(struct fim_automaton *a, uint32_t from, uint32_t letter)
{
	uint32_t c = a->bounds[letter], forgotten = a->forgotten, i, to;

	load(a, &a->sets[from]);
	if (c == '\n')
		end_line(a, a->sets[from].at_begin);
	a->then.count = 0;
	for (i = 0; i < a->now.count; i++) {
		const struct step *step = &a->program[a->now.list[i]];

		a->steps++;
		if (step->kind == STEP_CLASS && class_has(step->class, c))
			follow(a, &a->then, step->next, c == '\n', false);
	}
	to = keep(a, &a->then, c == '\n');
	if (a->forgotten == forgotten)
		a->table[from * a->letters + letter] = to + 1;
	return to;
}

/* Made when it is needed first: most patterns never do. */
static int make_room(struct fim_automaton *a)
{
	if (a->sets)
		return 0;
	a->table = fim_arena_alloc(a->arena, SETS_MAX * a->letters * sizeof(*a->table));
	a->pool = fim_arena_alloc(a->arena, POOL_MAX * sizeof(*a->pool));
	if (!a->table || !a->pool)
		return -ENOMEM;
	a->sets = fim_arena_alloc(a->arena, SETS_MAX * sizeof(*a->sets));
	return a->sets ? 0 : -ENOMEM;
}

int fim_automaton_match(struct fim_automaton *a, struct fim_str subject, bool *matches_ret)
{
	size_t at = 0;
	uint32_t set;
	int err = make_room(a);

	if (err)
		return err;
	a->steps = 0;
	a->then.count = 0;
	follow(a, &a->then, a->start, true, false);
	if (a->then.count > POOL_MAX)
		return -EOVERFLOW;
	set = keep(a, &a->then, true);
	while (at < subject.len && a->sets[set].count) {
		uint32_t c = (unsigned char)subject.bytes[at], letter, next;
		size_t len = 1;

		if (c < 0x80) {
			letter = a->ascii[c];
		} else {
			len = fim_utf8_next(subject.bytes + at, subject.len - at, &c);
			letter = letter_of(a, c);
		}
		at += len ? len : 1;
		next = a->table[set * a->letters + letter];
		set = next ? next - 1 : advance(a, set, letter);
		if (a->steps > STEPS_MAX)
			return -EOVERFLOW;
	}
	load(a, &a->sets[set]);
	end_line(a, a->sets[set].at_begin);
	*matches_ret = at == subject.len && has(&a->now, 0);
	return 0;
}
