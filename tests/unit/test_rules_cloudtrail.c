/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char data_dir[PATH_MAX]; /* tests/data, before the fixture changes the directory */

/* ------------------------------------------------------------------- JSON */

static const char document[] =
	"{ \"a\" : [1, 2.50, {\"b\": \"x\\u00e9\\n\"}], \"a\": 2, \"\": \"empty\","
	" \"s/t\": 1e3, \"u~v\": true, \"n\": null, \"k\\u0065y\": \"esc\","
	" \"big\": 12345678901234567890, \"e\": {}, \"l\": [] }";

static const struct {
	const char *pointer;
	const char *text; /* NULL: there is none */
} pointers[] = {
	{"/a/0", "1"},
	{"a/0", "1"},
	{"/a/1", "2.50"},
	{"/a/01", "2.50"},
	{"/a/3", NULL},
	{"/a/-1", NULL},
	{"/a/x", NULL},
	{"/a/2/b", "x\xc3\xa9\n"},
	{"/a/2", "{\"b\":\"x\\u00e9\\n\"}"},
	{"/a", "[1,2.50,{\"b\":\"x\\u00e9\\n\"}]"},
	{"/", "empty"},
	{"/s~1t", "1e3"},
	{"/u~0v", "true"},
	{"/n", "null"},
	{"/n/x", NULL},
	{"/key", "esc"},
	{"/big", "12345678901234567890"},
	{"/e", "{}"},
	{"/l", "[]"},
	{"/l/0", NULL},
	{"/nothing", NULL},
};

START_TEST(pointers_find_the_first_and_keep_its_text)
{
	struct fim_scan scan = {0};
	struct fim_text text = {0};
	uint32_t at;

	ck_assert_int_eq(fim_scan_parse(&scan, document, strlen(document)), 0);
	at = fim_scan_find(&scan,
			   (struct fim_str){pointers[_i].pointer, strlen(pointers[_i].pointer)});
	ck_assert_int_eq(at != UINT32_MAX, pointers[_i].text != NULL);
	if (at != UINT32_MAX) {
		fim_scan_write(&scan, at, &text);
		fim_text_add(&text, "", 1);
		ck_assert_str_eq(text.bytes, pointers[_i].text);
	}
	fim_text_free(&text);
	fim_scan_free(&scan);
}
END_TEST

START_TEST(the_whole_document_is_printed_small_or_for_people)
{
	static const char in[] = "[ {\"a\":1 , \"b\":[ ] }, \"x\", [2] ]";
	struct fim_scan scan = {0};
	struct fim_text text = {0};

	ck_assert_int_eq(fim_scan_parse(&scan, in, strlen(in)), 0);
	fim_scan_write(&scan, fim_scan_find(&scan, (struct fim_str){"", 0}), &text);
	fim_text_add(&text, "", 1);
	ck_assert_str_eq(text.bytes, "[{\"a\":1,\"b\":[]},\"x\",[2]]");
	text.len = 0;
	fim_scan_indent(&scan, 0, &text);
	fim_text_add(&text, "", 1);
	ck_assert_str_eq(text.bytes, "[\n  {\n    \"a\": 1,\n    \"b\": []\n  },\n  \"x\",\n  [\n"
				     "    2\n  ]\n]");
	fim_text_free(&text);
	fim_scan_free(&scan);
}
END_TEST

static const char *const no_json[] = {
	"",	 "{",	 "}",	 "[1,]",    "{\"a\":}", "{\"a\" 1}",  "{a:1}",	   "[01]",
	"[1.]",	 "[+1]", "[.5]", "[1e]",    "\"",	"\"\n\"",     "\"\\x\"",   "\"\\u12g4\"",
	"[1 2]", "{}{}", "nul",	 "[truex]", "[,1]",	"{\"a\":1,}", "[\"a\":1]", "\"\\",
};

START_TEST(what_is_not_json_is_refused)
{
	struct fim_scan scan = {0};
	/* A copy of the very size, for the sanitizer. */
	char *text = strndup(no_json[_i], strlen(no_json[_i]));

	ck_assert_int_eq(fim_scan_parse(&scan, text, strlen(no_json[_i])), -EINVAL);
	free(text);
	fim_scan_free(&scan);
}
END_TEST

START_TEST(depth_is_limited)
{
	char text[2 * 129 + 1] = "";
	struct fim_scan scan = {0};

	memset(text, '[', 128);
	memset(text + 128, ']', 128);
	ck_assert_int_eq(fim_scan_parse(&scan, text, 256), 0);
	memset(text, '[', 129);
	memset(text + 129, ']', 129);
	ck_assert_int_eq(fim_scan_parse(&scan, text, 258), -EINVAL);
	fim_scan_free(&scan);
}
END_TEST

/* ----------------------------------------------------------------- fields */

static const char assumed[] =
	"{\"eventVersion\":\"1.09\",\"userIdentity\":{\"type\":\"AssumedRole\",\"accountId\":\"1\","
	"\"sessionContext\":{\"sessionIssuer\":{\"userName\":\"Op\"}}},"
	"\"eventTime\":\"2026-03-02T09:41:00Z\",\"eventSource\":\"s3.amazonaws.com\","
	"\"eventName\":\"PutObject\",\"awsRegion\":\"eu\",\"sourceIPAddress\":\"1.2.3.4\","
	"\"requestParameters\":{ \"bucketName\" : \"b\", \"key\":\"k/1\"},"
	"\"additionalEventData\":{\"bytesTransferredIn\":33.0,\"bytesTransferredOut\":1},"
	"\"errorCode\":null,\"readOnly\":false,\"resources\":[{\"ARN\":\"x\"},{\"ARN\":\"y\"}],"
	"\"eventID\":\"6b0e5d4c-0000-4000-8000-000000000001\"}";

static const struct {
	const char *field;
	const char *record;
	const char *text; /* NULL: missing */
} fields[] = {
	{"ct.name", assumed, "PutObject"},
	{"ct.src", assumed, "s3.amazonaws.com"},
	{"ct.shortsrc", assumed, "s3"},
	{"ct.shortsrc", "{\"eventSource\":\".amazonaws.com\"}", ".amazonaws.com"},
	{"ct.user", assumed, "Op"},
	{"ct.user", "{\"userIdentity\":{\"type\":\"AssumedRole\"}}", "AssumedRole"},
	{"ct.user", "{\"userIdentity\":{\"type\":\"Root\",\"userName\":\"r\"}}", "r"},
	{"ct.user", "{\"userIdentity\":{\"type\":\"IAMUser\"}}", NULL},
	{"ct.user", "{\"userIdentity\":{\"type\":\"AWSService\",\"invokedBy\":\"x.com\"}}",
	 "x.com"},
	{"ct.user", "{\"userIdentity\":{\"type\":\"AWSAccount\"}}", "AWSAccount"},
	{"ct.user", "{\"userIdentity\":{\"type\":\"Unknown\"}}", NULL},
	{"ct.error", assumed, NULL},
	{"ct.request", assumed, "{\"bucketName\":\"b\",\"key\":\"k/1\"}"},
	{"ct.resources", assumed, "{\"ARN\":\"x\"},{\"ARN\":\"y\"}"},
	{"ct.response", assumed, NULL},
	{"ct.readonly", assumed, "false"},
	{"ct.readonly", "{\"eventName\":\"DeleteTrail\"}", "false"},
	{"ct.readonly", "{\"eventName\":\"ListBuckets\"}", "true"},
	{"ct.readonly", "{}", NULL},
	{"ct.managementevent", "{\"managementEvent\":true}", "true"},
	{"ct.info", assumed, "Op via 1.2.3.4 \xe2\x86\x92 PutObject Size=34 URI=s3://b/k/1"},
	{"s3.uri", assumed, "s3://b/k/1"},
	{"s3.bytes", assumed, "34"},
	{"s3.bytes.in", assumed, "33"},
	{"s3.cnt.put", assumed, "1"},
	{"s3.cnt.get", assumed, NULL},
	{"s3.cnt.other", assumed, NULL},
	{"ct.time", assumed, "2026-03-02T09:41:00Z"},
	{"evt.time.iso8601", assumed, "2026-03-02T09:41:00+0000"},
	{"evt.source", assumed, "aws_cloudtrail"},
	{"jevt.value[/errorCode]", assumed, "null"},
	{"json.value[requestParameters/key]", assumed, "k/1"},
	{"jevt.value[/additionalEventData/bytesTransferredIn]", assumed, "33.0"},
	{"ec2.imageids",
	 "{\"responseElements\":{\"instancesSet\":{\"items\":[{\"imageId\":\"a\"},"
	 "{\"imageId\":\"b\"}]}}}",
	 "(a,b)"},
	{"ec2.name",
	 "{\"requestParameters\":{\"tagSpecificationSet\":{\"items\":[{\"resourceType\":"
	 "\"instance\",\"tags\":[{\"key\":\"Name\",\"value\":\"web\"}]}]}}}",
	 "web"},
};

START_TEST(fields_are_found_in_records)
{
	struct fim_rules_event *event;
	struct fim_rules *rules;
	char output[128], *text = NULL;
	int64_t time_ns = 7;

	snprintf(output, sizeof(output), "%%%s", fields[_i].field);
	ck_assert_msg(!build_condition("aws_cloudtrail", "not ct.id = none", output, &rules), "%s",
		      fixture_messages);
	ck_assert_int_eq(fim_rules_event_new(rules, "aws_cloudtrail", &event), 0);
	ck_assert_int_eq(fim_rules_event_set_cloudtrail(event, fields[_i].record,
							strlen(fields[_i].record), &time_ns),
			 0);
	ck_assert_int_eq(fim_rules_eval(event, take_output, &text), 0);
	ck_assert_str_eq(text, fields[_i].text ? fields[_i].text : "<NA>");
	ck_assert_int_eq(time_ns, fields[_i].record == assumed ? 1772444460000000000 : 7);
	free(text);
	fim_rules_event_free(event);
	fim_rules_free(rules);
}
END_TEST

/* ---------------------------------------------------------------- streams */

struct seen {
	char text[1024];
	size_t count;
};

static int take_record(void *ctx, struct fim_str text, struct fim_str id)
{
	struct seen *seen = ctx;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s#%.*s;", (int)text.len,
		 text.bytes, (int)id.len, id.bytes);
	seen->count++;
	return 0;
}

static const struct {
	const char *in;
	const char *records;
	uint64_t malformed;
	int err;
	bool whole;
} streams[] = {
	{"", "", 0, 0, true},
	{"{\"Records\":[]}", "", 0, 0, true},
	{"{\"Records\":[{\"eventID\":\"x\",\"a\":\"]}\\\"\"}, {\"b\":{}}]}",
	 "{\"eventID\":\"x\",\"a\":\"]}\\\"\"}#x;{\"b\":{}}#;", 0, 0, true},
	{"{\"x\":1, \"Records\" : [ {\"a\":1} ] }\n", "{\"a\":1}#;", 0, 0, true},
	{"{\"a\":{\"eventID\":\"no\"},\"eventID\":\"1\"}\n{\"eventID\":\"2\"}",
	 "{\"a\":{\"eventID\":\"no\"},\"eventID\":\"1\"}#1;{\"eventID\":\"2\"}#2;", 0, 0, true},
	{"[{\"a\":[1,2]},{}]", "{\"a\":[1,2]}#;{}#;", 0, 0, true},
	{"[1,{\"a\":1},\"x\",[{}],null]", "{\"a\":1}#;", 4, 0, true},
	{"{\"Records\":[3]}", "", 1, 0, true},
	{"{\"a\":1}x", "{\"a\":1}#;", 0, -EINVAL, true},
	{"{\"a\":1", "", 0, 0, false},
	{"{\"Records\":[{\"a\":1},{\"b", "{\"a\":1}#;", 0, 0, false},
	{"nonsense", "", 0, -EINVAL, true},
};

START_TEST(records_are_found_wherever_the_stream_is_cut)
{
	const char *in = streams[_i].in;
	size_t len = strlen(in), piece;

	for (piece = 1; piece <= len + 1; piece++) {
		struct seen seen = {.count = 0};
		struct fim_ct_stream_params params = {take_record, &seen};
		struct fim_ct_stream *stream;
		size_t at = 0;
		int err = 0;

		ck_assert_int_eq(fim_ct_stream_new(&params, &stream), 0);
		while (at < len && !err) {
			size_t part = len - at < piece ? len - at : piece;
			char *copy = malloc(part);

			memcpy(copy, in + at, part);
			err = fim_ct_stream_feed(stream, copy, part);
			free(copy);
			at += part;
		}
		ck_assert_str_eq(seen.text, streams[_i].records);
		ck_assert_int_eq(err, streams[_i].err);
		ck_assert_uint_eq(fim_ct_stream_malformed(stream), streams[_i].malformed);
		if (!err)
			ck_assert_int_eq(fim_ct_stream_is_whole(stream), streams[_i].whole);
		fim_ct_stream_free(stream);
	}
}
END_TEST

/* ------------------------------------------------------------------ files */

static int count_record(void *ctx, const char *text, size_t len)
{
	ck_assert(text[0] == '{' && text[len - 1] == '}');
	if (memmem(text, len, "refuse", 6))
		return -EINVAL;
	(*(size_t *)ctx)++;
	return 0;
}

/* What a new reader finds at @path. */
static struct fim_cloudtrail_totals read_path(const char *path, const char *state, int expected)
{
	size_t count = 0;
	struct fim_cloudtrail_params params = {count_record, &count, state};
	struct fim_cloudtrail_totals totals;
	struct fim_cloudtrail *reader;

	ck_assert_int_eq(fim_cloudtrail_open(&params, &reader), 0);
	ck_assert_int_eq(fim_cloudtrail_read(reader, path), expected);
	ck_assert_int_eq(fim_cloudtrail_save(reader), 0);
	totals = fim_cloudtrail_totals(reader);
	ck_assert_uint_eq(totals.records, count);
	fim_cloudtrail_close(reader);
	return totals;
}

#define ID(n) "{\"eventID\":\"6b0e5d4c-0000-4000-8000-00000000000" n "\",\"a\":1}"

START_TEST(plain_and_gzip_are_read)
{
	put_text("a.json", "{\"Records\":[" ID("1") "," ID("2") "]}");
	shell("gzip -k a.json; cat a.json.gz a.json.gz > two.gz");
	ck_assert_uint_eq(read_path("a.json", NULL, 0).records, 2);
	ck_assert_uint_eq(read_path("a.json.gz", NULL, 0).records, 2);
	/* Two gzip members are one file; the second's records are the first's. */
	ck_assert_uint_eq(read_path("two.gz", NULL, 0).duplicates, 2);
}
END_TEST

START_TEST(a_record_delivered_twice_is_one)
{
	struct fim_cloudtrail_totals totals;

	put_dir("d");
	put_dir("d/x");
	put_dir("d/CloudTrail-Digest");
	put_text("d/1.json", "{\"Records\":[" ID("1") "," ID("2") "," ID("1") "]}");
	put_text("d/x/2.json", "{\"Records\":[" ID("2") "," ID("3") ",{\"b\":1},{\"b\":1}]}");
	put_text("d/notes.txt", ID("9"));
	put_text("d/CloudTrail-Digest/3.json", ID("8"));
	shell("ln -s /etc/passwd d/link.json; mkfifo d/fifo.json");
	totals = read_path("d", NULL, 0);
	ck_assert_uint_eq(totals.files, 2);
	ck_assert_uint_eq(totals.records, 5); /* without an id it cannot be known again */
	ck_assert_uint_eq(totals.duplicates, 2);
	ck_assert_uint_eq(totals.malformed, 0);
}
END_TEST

START_TEST(what_was_read_is_remembered_over_a_restart)
{
	struct fim_cloudtrail_totals totals;

	put_dir("d");
	put_text("d/1.json", ID("1"));
	ck_assert_uint_eq(read_path("d", "state", 0).records, 1);
	ck_assert_uint_eq(read_path("d", "state", 0).files, 0);
	put_text("d/2.json", ID("1") "\n" ID("2"));
	totals = read_path("d", "state", 0);
	ck_assert_uint_eq(totals.files, 1);
	ck_assert_uint_eq(totals.records, 1);
	ck_assert_uint_eq(totals.duplicates, 1);
	/* A file that grows is read again, its old records are known. */
	put_text("d/2.json", ID("1") "\n" ID("2") "\n" ID("4"));
	totals = read_path("d", "state", 0);
	ck_assert_uint_eq(totals.records, 1);
	ck_assert_uint_eq(totals.duplicates, 2);
	/* A damaged state is not the end. */
	put_text("state", "{");
	ck_assert_uint_eq(read_path("d", "state", 0).records, 3);
}
END_TEST

START_TEST(what_is_damaged_is_counted_and_left)
{
	put_dir("d");
	put_text("d/1.json", ID("1") ID("2") "x");
	put_text("d/2.json", "{\"Records\":[" ID("3") ",");
	put_text("d/3.json", "{\"refuse\":1}" ID("4"));
	put_text("4.json", ID("5"));
	shell("gzip 4.json; head -c 40 4.json.gz > d/4.json.gz; printf '\\037\\213junk' > d/5.json.gz");
	put_text("d/6.json", "");
	ck_assert_uint_eq(read_path("d", NULL, 0).malformed, 5);
	ck_assert_uint_eq(read_path("d", NULL, 0).records, 4);
	ck_assert_uint_eq(read_path("nowhere", NULL, -ENOENT).files, 0);
	assert_logged("nowhere");
}
END_TEST

static int stop_at_once(void *ctx, const char *text, size_t len)
{
	(void)text;
	(void)len;
	(*(size_t *)ctx)++;
	return -ECANCELED;
}

START_TEST(the_caller_can_stop_and_gets_the_record_again)
{
	size_t count = 0;
	struct fim_cloudtrail_params params = {stop_at_once, &count, NULL};
	struct fim_cloudtrail *reader;

	put_text("a.json", ID("1") ID("2"));
	ck_assert_int_eq(fim_cloudtrail_open(&params, &reader), 0);
	ck_assert_int_eq(fim_cloudtrail_read(reader, "a.json"), -ECANCELED);
	ck_assert_int_eq(fim_cloudtrail_read(reader, "a.json"), -ECANCELED);
	ck_assert_uint_eq(count, 2);
	fim_cloudtrail_close(reader);
}
END_TEST

START_TEST(many_records_are_known_and_old_ones_forgotten)
{
	struct fim_text text = {0};
	struct fim_cloudtrail_totals totals;
	int i;

	/* Ids that are no UUID, twice over more than are remembered. */
	for (i = 0; i < 300000; i++)
		fim_text_addf(&text, "{\"eventID\":\"%d\"}\n", i % 150000);
	put_bytes("a.json", text.bytes, text.len);
	totals = read_path("a.json", NULL, 0);
	ck_assert_uint_eq(totals.records, 300000);
	text.len = 0;
	for (i = 0; i < 200000; i++)
		fim_text_addf(&text, "{\"eventID\":\"%d\"}\n", i % 100000);
	put_bytes("b.json", text.bytes, text.len);
	totals = read_path("b.json", "state", 0);
	ck_assert_uint_eq(totals.records, 100000);
	ck_assert_uint_eq(totals.duplicates, 100000);
	put_bytes("c.json", text.bytes, text.len);
	ck_assert_uint_eq(read_path("c.json", "state", 0).duplicates, 200000);
	fim_text_free(&text);
}
END_TEST

START_TEST(a_log_file_as_it_is_delivered_is_read)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/cloudtrail.json.gz", data_dir);
	ck_assert_uint_eq(read_path(path, NULL, 0).records, 4);
	ck_assert_uint_eq(read_path(path, NULL, 0).malformed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_cloudtrail");
	TCase *tcase = tcase_create("cloudtrail");

	if (!realpath("tests/data", data_dir))
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tcase, pointers_find_the_first_and_keep_its_text, 0, COUNT(pointers));
	tcase_add_test(tcase, the_whole_document_is_printed_small_or_for_people);
	tcase_add_loop_test(tcase, what_is_not_json_is_refused, 0, COUNT(no_json));
	tcase_add_test(tcase, depth_is_limited);
	tcase_add_loop_test(tcase, fields_are_found_in_records, 0, COUNT(fields));
	tcase_add_loop_test(tcase, records_are_found_wherever_the_stream_is_cut, 0, COUNT(streams));
	tcase_add_test(tcase, plain_and_gzip_are_read);
	tcase_add_test(tcase, a_record_delivered_twice_is_one);
	tcase_add_test(tcase, what_was_read_is_remembered_over_a_restart);
	tcase_add_test(tcase, what_is_damaged_is_counted_and_left);
	tcase_add_test(tcase, the_caller_can_stop_and_gets_the_record_again);
	tcase_add_test(tcase, many_records_are_known_and_old_ones_forgotten);
	tcase_add_test(tcase, a_log_file_as_it_is_delivered_is_read);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
