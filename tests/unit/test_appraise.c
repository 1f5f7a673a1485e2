/* SPDX-License-Identifier: Apache-2.0 */
/* What states and events amount to: one table row per story. */
#include "fixture.h"

#define NOTHING (-1)

static const struct fim_state none;
static struct fim_state file;	 /* as the baseline says */
static struct fim_state changed; /* other content */
static struct fim_state mode;	 /* other permissions */

static void states_setup(void)
{
	file = (struct fim_state){.type = FIM_TYPE_FILE,
				  .mode = 0755,
				  .size = 10,
				  .nlink = 1,
				  .has_digest = true,
				  .dev = 1,
				  .ino = 100,
				  .ctime_ns = 1000,
				  .mtime_ns = 1000};
	changed = file;
	changed.sha256[0] = 1;
	changed.ctime_ns = 2000;
	mode = file;
	mode.mode = 04755;
	mode.ctime_ns = 2000;
}

/* What was done, as events; ends with op 0. */
struct step {
	uint32_t op;
	uint32_t flags;
	uint32_t mode;
	uint64_t size;
	enum fim_side side;
};

#define STEPS_MAX 4

struct story {
	const char *name;
	const struct fim_state *baseline;
	const struct fim_state *last;
	const struct fim_state *now;
	bool comparison; /* no events */
	bool touched;	 /* the inode's times moved */
	struct step steps[STEPS_MAX];
	int kind;
	uint32_t diff;
};

#define ALL_MASK FIM_DIFF_ALL

/* clang-format off */
static const struct story stories[] = {
	{ "append", &file, &file, &changed, .steps = { { FIM_OP_WRITE, FIM_EV_MODIFIED } },
	  .kind = FIM_KIND_MODIFIED, .diff = FIM_DIFF_DIGEST },
	{ "found by comparison", &file, &file, &changed, .comparison = true,
	  .kind = FIM_KIND_MODIFIED, .diff = FIM_DIFF_DIGEST },
	{ "equal by comparison", &file, &file, &file, .comparison = true, .kind = NOTHING },
	{ "created", &none, &none, &file,
	  .steps = { { FIM_OP_CREATE, FIM_EV_OPEN_FOR_WRITE }, { FIM_OP_WRITE, 0 } },
	  .kind = FIM_KIND_ADDED },
	{ "deleted", &file, &file, &none, .steps = { { FIM_OP_DELETE, 0 } },
	  .kind = FIM_KIND_REMOVED },
	{ "chmod u+s", &file, &file, &mode, .steps = { { FIM_OP_MODE, 0, .mode = 04755 } },
	  .kind = FIM_KIND_ATTRIBUTES, .diff = FIM_DIFF_MODE },
	{ "already told", &file, &changed, &changed, .steps = { { FIM_OP_WRITE, 0 } },
	  .kind = NOTHING },
	{ "already told, comparison", &file, &changed, &changed, .comparison = true,
	  .kind = NOTHING },
	{ "put back", &file, &changed, &file, .steps = { { FIM_OP_WRITE, FIM_EV_MODIFIED } },
	  .kind = FIM_KIND_RESTORED, .diff = FIM_DIFF_DIGEST },
	{ "unknown file removed again", &none, &file, &none, .steps = { { FIM_OP_DELETE, 0 } },
	  .kind = FIM_KIND_RESTORED },
	{ "opened for writing, nothing written", &file, &file, &file,
	  .steps = { { FIM_OP_WRITE, 0 } }, .kind = NOTHING },
	{ "times set", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_TIMES, 0 } }, .kind = NOTHING },
	{ "touch of a file that is there", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_TIMES, FIM_EV_OPEN_FOR_WRITE }, { FIM_OP_WRITE, 0 } },
	  .kind = NOTHING },
	{ "written and written back", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_WRITE, FIM_EV_MODIFIED }, { FIM_OP_WRITE, FIM_EV_MODIFIED } },
	  .kind = FIM_KIND_TRANSIENT },
	{ "stored through a mapping and stored back", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_WRITE, 0 } }, .kind = FIM_KIND_TRANSIENT },
	{ "emptied and filled again", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_TRUNCATE, 0, .size = 0 }, { FIM_OP_TRUNCATE, 0, .size = 10 } },
	  .kind = FIM_KIND_TRANSIENT },
	{ "truncated to the size it has", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_TRUNCATE, 0, .size = 10 } }, .kind = NOTHING },
	{ "created and deleted", &none, &none, &none,
	  .steps = { { FIM_OP_CREATE, 0 }, { FIM_OP_DELETE, 0 } },
	  .kind = FIM_KIND_TRANSIENT },
	{ "created, then gone with its container", &none, &none, &none,
	  .steps = { { FIM_OP_CREATE, 0 } }, .kind = FIM_KIND_TRANSIENT },
	{ "deleted and made again as it was", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_DELETE, 0 }, { FIM_OP_CREATE, 0 } },
	  .kind = FIM_KIND_TRANSIENT },
	{ "moved away and back", &file, &file, &file,
	  .steps = { { FIM_OP_RENAME, 0, .side = FIM_SIDE_OLD }, { FIM_OP_RENAME, 0 } },
	  .kind = FIM_KIND_TRANSIENT },
	{ "replaced at once by its equal", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_RENAME, 0 } }, .kind = NOTHING },
	{ "set-uid for a moment", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_MODE, 0, .mode = 04755 }, { FIM_OP_MODE, 0, .mode = 0755 } },
	  .kind = FIM_KIND_TRANSIENT },
	{ "chmod to the mode it has", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_MODE, 0, .mode = 0755 } }, .kind = NOTHING },
	{ "other owner for a moment", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_OWNER, 0 }, { FIM_OP_OWNER, 0 } }, .kind = FIM_KIND_TRANSIENT },
	{ "chown to the owner it has", &file, &file, &file, .touched = true,
	  .steps = { { FIM_OP_OWNER, 0 } }, .kind = NOTHING },
	{ "a temporary file that became another name", &none, &none, &none,
	  .steps = { { FIM_OP_CREATE, 0 }, { FIM_OP_WRITE, FIM_EV_MODIFIED },
		     { FIM_OP_RENAME, 0, .side = FIM_SIDE_OLD_INSIDE } },
	  .kind = NOTHING },
	{ "a temporary file that left", &none, &none, &none,
	  .steps = { { FIM_OP_CREATE, 0 }, { FIM_OP_RENAME, 0, .side = FIM_SIDE_OLD } },
	  .kind = FIM_KIND_TRANSIENT },
};
/* clang-format on */

static struct fim_evidence gather(const struct story *story)
{
	struct fim_evidence evidence = FIM_EVIDENCE_INIT;

	for (int i = 0; i < STEPS_MAX && story->steps[i].op; i++) {
		const struct step *step = &story->steps[i];
		struct fim_event event = {.op = step->op,
					  .flags = step->flags,
					  .mode = step->mode,
					  .size = step->size};

		fim_evidence_add(&evidence, &event, step->side);
	}
	return evidence;
}

START_TEST(a_story_amounts_to_its_kind)
{
	const struct story *story = &stories[_i];
	struct fim_evidence evidence = gather(story);
	struct fim_state now = *story->now;
	struct fim_appraisal appraisal = {story->baseline, story->last, &now, ALL_MASK,
					  story->comparison ? NULL : &evidence};
	enum fim_kind kind = FIM_KIND_UNREADABLE;
	uint32_t diff = 0;
	bool found;

	if (story->touched) {
		now.ctime_ns += 1000;
		now.mtime_ns += 1000;
	}
	found = fim_appraise(&appraisal, &kind, &diff);
	if (story->kind == NOTHING) {
		ck_assert_msg(!found, "%s: a finding: %s", story->name, fim_kind_name(kind));
		return;
	}
	ck_assert_msg(found, "%s: no finding", story->name);
	ck_assert_msg((int)kind == story->kind, "%s: %s", story->name, fim_kind_name(kind));
	if (story->diff)
		ck_assert_uint_eq(diff, story->diff);
	if (kind == FIM_KIND_TRANSIENT)
		ck_assert_uint_eq(diff, 0);
}
END_TEST

START_TEST(nothing_counts_where_the_policy_excludes)
{
	struct fim_evidence evidence = FIM_EVIDENCE_INIT;
	struct fim_appraisal appraisal = {&file, &file, &changed, 0, &evidence};
	enum fim_kind kind;
	uint32_t diff;

	ck_assert(!fim_appraise(&appraisal, &kind, &diff));
}
END_TEST

START_TEST(content_does_not_count_in_class_metadata)
{
	struct story story = {.steps = {{FIM_OP_WRITE, FIM_EV_MODIFIED}}};
	struct fim_evidence evidence = gather(&story);
	struct fim_appraisal appraisal = {&file, &file, &changed,
					  fim_class_mask(FIM_CLASS_METADATA), &evidence};
	enum fim_kind kind;
	uint32_t diff;

	ck_assert(!fim_appraise(&appraisal, &kind, &diff));
	appraisal.now = &mode;
	ck_assert(fim_appraise(&appraisal, &kind, &diff));
	ck_assert_int_eq(kind, FIM_KIND_ATTRIBUTES);
}
END_TEST

START_TEST(a_state_never_observed_cannot_prove_that_nothing_was_written)
{
	struct story story = {.steps = {{FIM_OP_WRITE, FIM_EV_MODIFIED}}};
	struct fim_evidence evidence = gather(&story);
	struct fim_state last = file;
	struct fim_appraisal appraisal = {&file, &last, &file, ALL_MASK, &evidence};
	enum fim_kind kind;
	uint32_t diff;

	last.dev = last.ino = 0;
	last.ctime_ns = last.mtime_ns = 0;
	ck_assert(fim_appraise(&appraisal, &kind, &diff));
	ck_assert_int_eq(kind, FIM_KIND_TRANSIENT);
}
END_TEST

START_TEST(a_move_is_one_object_under_another_name)
{
	struct fim_state other = file;
	struct fim_state unseen = file;

	other.ino = 200;
	unseen.ino = unseen.dev = 0;
	ck_assert(fim_is_move(&file, &none, &none, &file));
	ck_assert_msg(!fim_is_move(&file, &none, &none, &other), "another inode");
	ck_assert_msg(!fim_is_move(&file, &file, &none, &file), "the old name is still there");
	ck_assert_msg(!fim_is_move(&file, &none, &changed, &file), "something was replaced");
	ck_assert_msg(!fim_is_move(&none, &none, &none, &file), "nothing was there");
	ck_assert_msg(!fim_is_move(&file, &none, &none, &none), "nothing is there");
	ck_assert_msg(fim_is_move(&unseen, &none, &none, &other), "equal is enough if not seen");
	ck_assert_msg(!fim_is_move(&unseen, &none, &none, &changed), "not equal");
}
END_TEST

START_TEST(the_actor_who_changed_content_outweighs_who_touched_it)
{
	struct fim_event written = {.op = FIM_OP_WRITE, .flags = FIM_EV_MODIFIED};
	struct fim_event closed = {.op = FIM_OP_WRITE};
	struct fim_event created = {.op = FIM_OP_CREATE};
	struct fim_event attributes = {.op = FIM_OP_MODE};
	struct fim_event times = {.op = FIM_OP_TIMES};
	struct fim_event unknown = {.op = 31};

	ck_assert_uint_gt(fim_op_weight(&written), fim_op_weight(&created));
	ck_assert_uint_gt(fim_op_weight(&created), fim_op_weight(&attributes));
	ck_assert_uint_gt(fim_op_weight(&attributes), fim_op_weight(&closed));
	ck_assert_uint_gt(fim_op_weight(&closed), fim_op_weight(&times));
	ck_assert_uint_eq(fim_op_weight(&unknown), 0);
}
END_TEST

/* clang-format off */
static const struct {
	enum fim_kind kind;
	enum fim_class cls;
	const char *path;
	bool set_id;
	enum fim_severity severity;
} severities[] = {
	{ FIM_KIND_MODIFIED, FIM_CLASS_STRICT, "/usr/bin/ls", false, FIM_SEVERITY_CRITICAL },
	{ FIM_KIND_MODIFIED, FIM_CLASS_STRICT, "/usr/sbin/sshd", false, FIM_SEVERITY_CRITICAL },
	{ FIM_KIND_MODIFIED, FIM_CLASS_STRICT, "/usr/lib64/libc.so.6", false, FIM_SEVERITY_CRITICAL },
	{ FIM_KIND_MODIFIED, FIM_CLASS_STRICT, "/etc/passwd", false, FIM_SEVERITY_HIGH },
	{ FIM_KIND_MODIFIED, FIM_CLASS_STRICT, "/etc/binaries", false, FIM_SEVERITY_HIGH },
	{ FIM_KIND_MODIFIED, FIM_CLASS_METADATA, "/etc/machine-id", false, FIM_SEVERITY_MEDIUM },
	{ FIM_KIND_ADDED, FIM_CLASS_STRICT, "/usr/bin/new", false, FIM_SEVERITY_HIGH },
	{ FIM_KIND_ADDED, FIM_CLASS_STRICT, "/etc/new", false, FIM_SEVERITY_MEDIUM },
	{ FIM_KIND_ADDED, FIM_CLASS_STRICT, "/etc/new", true, FIM_SEVERITY_CRITICAL },
	{ FIM_KIND_ATTRIBUTES, FIM_CLASS_STRICT, "/usr/bin/find", true, FIM_SEVERITY_CRITICAL },
	{ FIM_KIND_ATTRIBUTES, FIM_CLASS_METADATA, "/opt/find", true, FIM_SEVERITY_CRITICAL },
	{ FIM_KIND_REMOVED, FIM_CLASS_STRICT, "/usr/bin/ls", false, FIM_SEVERITY_HIGH },
	{ FIM_KIND_RESTORED, FIM_CLASS_STRICT, "/usr/bin/ls", false, FIM_SEVERITY_LOW },
	{ FIM_KIND_TRANSIENT, FIM_CLASS_STRICT, "/usr/bin/ls", false, FIM_SEVERITY_HIGH },
};
/* clang-format on */

START_TEST(severity_follows_the_table)
{
	struct fim_state after = severities[_i].set_id ? mode : file;

	ck_assert_msg(fim_severity_of(severities[_i].kind, severities[_i].cls, severities[_i].path,
				      &file, &after) == severities[_i].severity,
		      "%s %s", fim_kind_name(severities[_i].kind), severities[_i].path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("appraise");
	TCase *tcase = tcase_create("appraise");

	tcase_add_checked_fixture(tcase, states_setup, NULL);
	tcase_add_loop_test(tcase, a_story_amounts_to_its_kind, 0,
			    sizeof(stories) / sizeof(stories[0]));
	tcase_add_test(tcase, nothing_counts_where_the_policy_excludes);
	tcase_add_test(tcase, content_does_not_count_in_class_metadata);
	tcase_add_test(tcase, a_state_never_observed_cannot_prove_that_nothing_was_written);
	tcase_add_test(tcase, a_move_is_one_object_under_another_name);
	tcase_add_test(tcase, the_actor_who_changed_content_outweighs_who_touched_it);
	tcase_add_loop_test(tcase, severity_follows_the_table, 0,
			    sizeof(severities) / sizeof(severities[0]));
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
