/* SPDX-License-Identifier: Apache-2.0 */
/* The module's records: nothing that is wrong with their bytes gets past the parser. */
#include "fixture.h"
#include "records.h"

static struct records records;
static struct fim_record_ref ref;
static size_t pos;

static int next(void)
{
	return fim_record_next(records.bytes, records.len, &pos, &ref);
}

static struct fim_change *parse_one(void)
{
	struct fim_change *change = NULL;

	pos = 0;
	ck_assert_int_eq(next(), 0);
	ck_assert_int_eq(fim_change_parse(&ref, &change), 0);
	return change;
}

static void assert_refused(void)
{
	struct fim_change *change = NULL;

	pos = 0;
	ck_assert_int_eq(next(), 0);
	ck_assert_int_eq(fim_change_parse(&ref, &change), -EBADMSG);
	ck_assert_ptr_null(change);
}

START_TEST(an_empty_buffer_holds_no_record)
{
	ck_assert_int_eq(next(), -ENODATA);
	ck_assert_uint_eq(pos, 0);
}
END_TEST

START_TEST(a_truncated_buffer_holds_no_record)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);
	size_t whole;

	record_text(&records, event, FIM_ATTR_FS_PATH, "/etc/passwd");
	whole = records.len;
	for (records.len = 1; records.len < whole; records.len++) {
		pos = 0;
		ck_assert_int_eq(next(), -EBADMSG);
		ck_assert_uint_eq(pos, 0);
	}
}
END_TEST

START_TEST(a_record_is_read_whole)
{
	struct fim_event *event = record_event(&records, FIM_OP_RENAME);
	struct fim_change *change;

	event->watch_id = 7;
	event->depth = 2;
	event->actor.tgid = 42;
	record_text(&records, event, FIM_ATTR_FS_PATH, "/etc/a");
	record_text(&records, event, FIM_ATTR_VIEW_PATH, "/mnt/etc/a");
	record_text(&records, event, FIM_ATTR_OLD_FS_PATH, "/etc/old");
	record_text(&records, event, FIM_ATTR_OLD_VIEW_PATH, "/mnt/etc/old");
	record_text(&records, event, FIM_ATTR_EXE, "/bin/mv");
	record_text(&records, event, FIM_ATTR_CGROUP, "/system.slice");
	record_text(&records, event, FIM_ATTR_XATTR_NAME, "user.x");
	record_text(&records, event, FIM_ATTR_PARENT_COMM, "sh");
	change = parse_one();
	ck_assert_uint_eq(change->event.op, FIM_OP_RENAME);
	ck_assert_uint_eq(change->event.watch_id, 7);
	ck_assert_uint_eq(change->event.actor.tgid, 42);
	ck_assert_str_eq(change->fs_path, "/etc/a");
	ck_assert_str_eq(change->view_path, "/mnt/etc/a");
	ck_assert_str_eq(change->old_fs_path, "/etc/old");
	ck_assert_str_eq(change->old_view_path, "/mnt/etc/old");
	ck_assert_str_eq(change->exe, "/bin/mv");
	ck_assert_str_eq(change->cgroup, "/system.slice");
	ck_assert_str_eq(change->xattr_name, "user.x");
	ck_assert_str_eq(change->parent_comm, "sh");
	fim_change_free(change);
	ck_assert_int_eq(next(), -ENODATA);
}
END_TEST

START_TEST(arguments_power_and_ancestors_are_read)
{
	static const struct fim_ancestor ancestors[] = {{.tgid = 7, .comm = "sh"}, {.tgid = 1}};
	static const struct fim_process process = {.cap_effective = 5, .user_ns = 9};
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);
	struct fim_change *change;

	record_attr(&records, event, FIM_ATTR_ARGS, "touch\0/x", 9);
	record_attr(&records, event, FIM_ATTR_PROCESS, &process, sizeof(process));
	record_attr(&records, event, FIM_ATTR_ANCESTORS, ancestors, sizeof(ancestors));
	change = parse_one();
	ck_assert_uint_eq(change->args_len, 9);
	ck_assert_mem_eq(change->args, "touch\0/x", 9);
	ck_assert_uint_eq(change->process.cap_effective, 5);
	ck_assert_uint_eq(change->ancestor_count, 2);
	ck_assert_uint_eq(change->ancestors[0].tgid, 7);
	fim_change_free(change);
}
END_TEST

START_TEST(half_a_process_and_half_an_ancestor_are_refused)
{
	static const unsigned char zeros[sizeof(struct fim_process)];
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);

	record_attr(&records, event, FIM_ATTR_PROCESS, zeros, sizeof(zeros) - 1);
	assert_refused();
	records.len = 0;
	event = record_event(&records, FIM_OP_WRITE);
	record_attr(&records, event, FIM_ATTR_ANCESTORS, zeros, sizeof(struct fim_ancestor) - 1);
	assert_refused();
}
END_TEST

START_TEST(records_follow_each_other_and_unknown_types_are_stepped_over)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);

	event->rec.type = 999;
	record_overflow(&records, 5);
	record_event(&records, FIM_OP_CREATE);
	ck_assert_int_eq(next(), 0);
	ck_assert_uint_eq(ref.head.type, 999);
	ck_assert_int_eq(next(), 0);
	ck_assert_uint_eq(ref.head.type, FIM_REC_OVERFLOW);
	ck_assert_int_eq(next(), 0);
	ck_assert_uint_eq(ref.head.seq, 7);
	ck_assert_int_eq(next(), -ENODATA);
}
END_TEST

START_TEST(an_unknown_attribute_is_skipped_and_the_first_of_two_counts)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);
	struct fim_change *change;

	record_text(&records, event, 999, "something new");
	record_text(&records, event, FIM_ATTR_FS_PATH, "/first");
	record_text(&records, event, FIM_ATTR_FS_PATH, "/second");
	change = parse_one();
	ck_assert_str_eq(change->fs_path, "/first");
	ck_assert_ptr_null(change->view_path);
	fim_change_free(change);
}
END_TEST

START_TEST(members_that_a_newer_module_appended_are_left_out)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);
	struct fim_change *change;

	event->rec.fixed_len += 16;
	event->rec.len += 16;
	records.len += 16;
	record_text(&records, event, FIM_ATTR_FS_PATH, "/etc/a");
	change = parse_one();
	ck_assert_str_eq(change->fs_path, "/etc/a");
	fim_change_free(change);
}
END_TEST

/* clang-format off */
static const struct {
	const char *name;
	uint32_t len;
} bad_lengths[] = {
	{ "zero", 0 },
	{ "shorter than a head", 16 },
	{ "no multiple of 8", sizeof(struct fim_event) + 4 },
	{ "longer than the buffer", sizeof(struct fim_event) + 4096 },
	{ "as long as can be", UINT32_MAX - 7 },
};
/* clang-format on */

START_TEST(a_record_with_a_bad_length_is_none)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);

	event->rec.len = bad_lengths[_i].len;
	ck_assert_int_eq(next(), -EBADMSG);
}
END_TEST

START_TEST(a_fixed_part_that_does_not_fit_is_refused)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);
	static const uint16_t lengths[] = {0,
					   8,
					   sizeof(struct fim_event) - 8,
					   sizeof(struct fim_event) + 4,
					   sizeof(struct fim_event) + 8,
					   65528};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		event->rec.fixed_len = lengths[i];
		assert_refused();
	}
}
END_TEST

START_TEST(an_attribute_longer_than_its_record_is_refused)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);
	struct fim_attr *attr = (struct fim_attr *)(void *)(records.bytes + records.len);

	record_text(&records, event, FIM_ATTR_FS_PATH, "/etc/a");
	attr->len = 9;
	assert_refused();
	attr->len = UINT16_MAX;
	assert_refused();
}
END_TEST

START_TEST(a_nul_inside_a_path_is_refused)
{
	struct fim_event *event = record_event(&records, FIM_OP_WRITE);

	record_attr(&records, event, FIM_ATTR_FS_PATH, "/etc/a\0b", 8);
	assert_refused();
}
END_TEST

START_TEST(another_type_is_not_taken_for_an_event)
{
	struct fim_overflow overflow;

	record_overflow(&records, 3);
	assert_refused();
	ck_assert_int_eq(fim_overflow_parse(&ref, &overflow), 0);
	ck_assert_uint_eq(overflow.lost, 3);
}
END_TEST

START_TEST(the_last_components_of_a_path_are_found)
{
	ck_assert_str_eq(fim_path_below("/usr/bin/ls", 0), "");
	ck_assert_str_eq(fim_path_below("/usr/bin/ls", 1), "ls");
	ck_assert_str_eq(fim_path_below("/usr/bin/ls", 3), "usr/bin/ls");
	ck_assert_ptr_null(fim_path_below("/usr/bin/ls", 4));
	ck_assert_ptr_null(fim_path_below("", 1));
	ck_assert_str_eq(fim_path_below("", 0), "");
}
END_TEST

START_TEST(every_op_has_a_name)
{
	for (uint32_t op = FIM_OP_WRITE; op <= FIM_OP_ATTRIB; op++)
		ck_assert_str_ne(fim_op_name(op), "unknown");
	ck_assert_str_eq(fim_op_name(0), "unknown");
	ck_assert_str_eq(fim_op_name(UINT32_MAX), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event");
	TCase *tcase = tcase_create("event");

	tcase_add_test(tcase, an_empty_buffer_holds_no_record);
	tcase_add_test(tcase, a_truncated_buffer_holds_no_record);
	tcase_add_test(tcase, a_record_is_read_whole);
	tcase_add_test(tcase, arguments_power_and_ancestors_are_read);
	tcase_add_test(tcase, half_a_process_and_half_an_ancestor_are_refused);
	tcase_add_test(tcase, records_follow_each_other_and_unknown_types_are_stepped_over);
	tcase_add_test(tcase, an_unknown_attribute_is_skipped_and_the_first_of_two_counts);
	tcase_add_test(tcase, members_that_a_newer_module_appended_are_left_out);
	tcase_add_loop_test(tcase, a_record_with_a_bad_length_is_none, 0,
			    sizeof(bad_lengths) / sizeof(bad_lengths[0]));
	tcase_add_test(tcase, a_fixed_part_that_does_not_fit_is_refused);
	tcase_add_test(tcase, an_attribute_longer_than_its_record_is_refused);
	tcase_add_test(tcase, a_nul_inside_a_path_is_refused);
	tcase_add_test(tcase, another_type_is_not_taken_for_an_event);
	tcase_add_test(tcase, the_last_components_of_a_path_are_found);
	tcase_add_test(tcase, every_op_has_a_name);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
