/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report keeps of changes without keeping them: the worst of them in full, and
 * of all of them how many there were, where, and when.  Memory is bounded however long
 * the journal is; every change is in the CSV file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* ---------------------------------------------------------------- the worst */

/* True if @a is shown rather than @b: worse, or as bad and earlier. */
static bool outranks(const struct fim_kept *a, const struct fim_kept *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	return a->seq < b->seq;
}

static void swap(struct fim_kept *a, struct fim_kept *b)
{
	struct fim_kept held = *a;

	*a = *b;
	*b = held;
}

/* The first is the one that goes next. */
static void sift_down(struct fim_keep *keep)
{
	size_t at = 0, child;

	for (;;) {
		child = 2 * at + 1;
		if (child >= keep->count)
			return;
		if (child + 1 < keep->count &&
		    outranks(&keep->items[child], &keep->items[child + 1]))
			child++;
		if (outranks(&keep->items[child], &keep->items[at]))
			return;
		swap(&keep->items[at], &keep->items[child]);
		at = child;
	}
}

static void sift_up(struct fim_keep *keep)
{
	size_t at = keep->count - 1, parent;

	while (at) {
		parent = (at - 1) / 2;
		if (outranks(&keep->items[at], &keep->items[parent]))
			return;
		swap(&keep->items[at], &keep->items[parent]);
		at = parent;
	}
}

int fim_keep_add(struct fim_keep *keep, int rank, uint64_t seq, const char *text, size_t len)
{
	struct fim_kept item = {.rank = rank, .seq = seq};

	keep->seen++;
	if (!keep->items)
		keep->items = calloc(FIM_REPORT_SHOWN, sizeof(*keep->items));
	if (!keep->items)
		return -ENOMEM;
	if (keep->count == FIM_REPORT_SHOWN && !outranks(&item, &keep->items[0]))
		return 0;
	item.text = malloc(len);
	if (!item.text)
		return -ENOMEM;
	memcpy(item.text, text, len);
	item.len = len;
	if (keep->count == FIM_REPORT_SHOWN) {
		free(keep->items[0].text);
		keep->items[0] = item;
		sift_down(keep);
	} else {
		keep->items[keep->count++] = item;
		sift_up(keep);
	}
	return 0;
}

static int by_seq(const void *a, const void *b)
{
	const struct fim_kept *left = a, *right = b;

	return left->seq < right->seq ? -1 : left->seq > right->seq;
}

void fim_keep_sort(struct fim_keep *keep)
{
	if (keep->count)
		qsort(keep->items, keep->count, sizeof(*keep->items), by_seq);
}

void fim_keep_clear(struct fim_keep *keep)
{
	size_t i;

	for (i = 0; i < keep->count; i++)
		free(keep->items[i].text);
	free(keep->items);
	*keep = (struct fim_keep){.count = 0};
}

/* -------------------------------------------------------------- directories */

static uint64_t hash_of(const char *bytes, size_t len)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
	return hash;
}

/* A directory beyond the limit is counted as "other": names are the attacker's to choose. */
static struct fim_place *find_place(struct fim_places *places, const char *dir, size_t len)
{
	size_t at = hash_of(dir, len) % FIM_PLACE_SLOTS;
	struct fim_place *place;

	for (;; at = (at + 1) % FIM_PLACE_SLOTS) {
		place = places->slots[at];
		if (place && place->len == len && memcmp(place->dir, dir, len) == 0)
			return place;
		if (!place)
			break;
	}
	if (places->count >= FIM_PLACE_MAX)
		return &places->other;
	place = calloc(1, sizeof(*place));
	if (place)
		place->dir = malloc(len + 1);
	if (!place || !place->dir) {
		free(place);
		return NULL;
	}
	memcpy(place->dir, dir, len);
	place->dir[len] = '\0';
	place->len = len;
	places->slots[at] = place;
	places->count++;
	return place;
}

int fim_places_add(struct fim_places *places, const char *path, size_t len,
		   enum fim_severity severity)
{
	struct fim_place *place;

	while (len > 1 && path[len - 1] != '/')
		len--;
	if (len > 1)
		len--;
	place = find_place(places, path, len);
	if (!place)
		return -ENOMEM;
	place->count++;
	place->by_severity[severity]++;
	return 0;
}

/* Most changes first; then by name, so that equal input gives equal output. */
static int by_count(const void *a, const void *b)
{
	const struct fim_place *left = *(struct fim_place *const *)a;
	const struct fim_place *right = *(struct fim_place *const *)b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->dir, right->dir);
}

static struct fim_json *place_json(const struct fim_place *place)
{
	struct fim_json *item = fim_json_object(), *severities = fim_json_object();
	int i;

	if (place->dir)
		fim_json_set_bytes(item, "directory", place->dir, place->len);
	fim_json_set_int(item, "count", (int64_t)place->count);
	for (i = FIM_SEVERITY_CRITICAL; i >= FIM_SEVERITY_INFO; i--)
		fim_json_set_int(severities, fim_severity_name((enum fim_severity)i),
				 (int64_t)place->by_severity[i]);
	fim_json_set(item, "by_severity", severities);
	return item;
}

struct fim_json *fim_places_json(struct fim_places *places)
{
	struct fim_json *section = fim_json_object(), *items = fim_json_array();
	struct fim_place **sorted, rest = places->other;
	size_t i, count = 0;
	int s;

	sorted = calloc(places->count + 1, sizeof(*sorted));
	if (!sorted) {
		fim_json_free(items);
		return section;
	}
	for (i = 0; i < FIM_PLACE_SLOTS; i++)
		if (places->slots[i])
			sorted[count++] = places->slots[i];
	qsort(sorted, count, sizeof(*sorted), by_count);
	for (i = 0; i < count; i++) {
		if (i < FIM_PLACE_SHOWN) {
			fim_json_append(items, place_json(sorted[i]));
			continue;
		}
		rest.count += sorted[i]->count;
		for (s = 0; s <= FIM_SEVERITY_CRITICAL; s++)
			rest.by_severity[s] += sorted[i]->by_severity[s];
	}
	fim_json_set_int(section, "count", (int64_t)count);
	fim_json_set_bool(section, "complete", places->other.count == 0);
	fim_json_set(section, "items", items);
	fim_json_set(section, "rest", place_json(&rest));
	free(sorted);
	return section;
}

void fim_places_clear(struct fim_places *places)
{
	size_t i;

	for (i = 0; i < FIM_PLACE_SLOTS; i++) {
		if (!places->slots[i])
			continue;
		free(places->slots[i]->dir);
		free(places->slots[i]);
		places->slots[i] = NULL;
	}
	places->count = 0;
}

/* ---------------------------------------------------------------- timeline */

static void halve(struct fim_histogram *histogram)
{
	struct fim_bin *bins = histogram->bins;
	size_t i;
	int s;

	for (i = 0; i < FIM_HISTOGRAM_BINS; i++) {
		struct fim_bin sum = {.count = {0}};

		for (s = 0; s <= FIM_SEVERITY_CRITICAL && i < FIM_HISTOGRAM_BINS / 2; s++)
			sum.count[s] = bins[2 * i].count[s] + bins[2 * i + 1].count[s];
		bins[i] = sum;
	}
	histogram->width_ns *= 2;
}

void fim_histogram_add(struct fim_histogram *histogram, int64_t time_ns, enum fim_severity severity)
{
	int64_t at;

	if (!histogram->width_ns) {
		histogram->start_ns = time_ns;
		histogram->width_ns = FIM_NSEC_PER_SEC;
	}
	at = time_ns - histogram->start_ns;
	/* The clock was set back: shown at the earliest moment that there is. */
	if (at < 0)
		at = 0;
	while (at / histogram->width_ns >= FIM_HISTOGRAM_BINS)
		halve(histogram);
	histogram->bins[at / histogram->width_ns].count[severity]++;
}

struct fim_json *fim_histogram_json(const struct fim_histogram *histogram)
{
	struct fim_json *section = fim_json_object(), *items = fim_json_array(), *item;
	char text[FIM_TIME_SIZE];
	uint64_t count;
	size_t i;
	int s;

	for (i = 0; i < FIM_HISTOGRAM_BINS; i++) {
		for (count = 0, s = 0; s <= FIM_SEVERITY_CRITICAL; s++)
			count += histogram->bins[i].count[s];
		if (!count)
			continue;
		item = fim_json_object();
		fim_time_format(histogram->start_ns + (int64_t)i * histogram->width_ns, text);
		fim_json_set_str(item, "start", text);
		fim_json_set_int(item, "count", (int64_t)count);
		for (s = FIM_SEVERITY_CRITICAL; !histogram->bins[i].count[s];)
			s--;
		fim_json_set_str(item, "worst", fim_severity_name((enum fim_severity)s));
		fim_json_append(items, item);
	}
	fim_json_set_int(section, "bin_ms", histogram->width_ns / FIM_NSEC_PER_MSEC);
	fim_json_set(section, "items", items);
	return section;
}
