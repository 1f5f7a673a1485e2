/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what belongs together: records that share a task, a cluster, a container, a
 * session of ECS Exec or a principal become one incident, in the order of event time,
 * whenever and wherever they were recorded.
 *
 * Of each record its text and the keys are kept; the tree is built again for those that
 * are shown.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libfim_rules.h"

#define ROOM_MIN 64
/* How far back a record of the same cluster is looked for whose account is no other. */
#define BACK_MAX 64

enum key {
	KEY_TASK,
	KEY_CLUSTER,
	KEY_SESSION,
	KEY_PRINCIPAL,
	KEY_CONTAINER,
	KEY_COUNT,
};

/* As it is called in an incident, and whether it is told there. */
static const char *const key_names[KEY_COUNT] = {"task", "cluster", "session", "principal",
						 "container"};
static const char *const list_names[KEY_COUNT] = {"tasks", "clusters", "sessions", NULL,
						  "containers"};

/**
 * struct item - one record
 * @time_ns: of the event
 * @recorded_ns: when it came into the journal; 0: out of a file
 * @order: in which it was added
 * @text: the record
 * @host: whose journal
 * @keys: what it shares with others; of ARNs of tasks and clusters the last part
 * @account: AWS account and region; NULL: unknown
 * @user: name of the user as a person says it
 * @event_id: of the event, with @rule: what is told twice
 * @severity: of the finding
 * @parent: index of an item of the same incident (union-find)
 */
struct item {
	int64_t time_ns;
	int64_t recorded_ns;
	size_t order;
	char *text;
	size_t len;
	char *host;
	char *keys[KEY_COUNT];
	char *account;
	char *region;
	char *user;
	char *event_id;
	char *rule;
	enum fim_severity severity;
	size_t parent;
};

struct fim_timeline {
	struct fim_timeline_params params;
	struct item *items;
	size_t count;
	size_t room;
};

int fim_timeline_new(const struct fim_timeline_params *params, struct fim_timeline **timeline_ret)
{
	struct fim_timeline *timeline = calloc(1, sizeof(*timeline));

	if (!timeline)
		return -ENOMEM;
	if (params)
		timeline->params = *params;
	if (!timeline->params.window_ns)
		timeline->params.window_ns = FIM_TIMELINE_WINDOW_NS;
	*timeline_ret = timeline;
	return 0;
}

static void item_exit(struct item *item)
{
	for (size_t key = 0; key < KEY_COUNT; key++)
		free(item->keys[key]);
	free(item->text);
	free(item->host);
	free(item->account);
	free(item->region);
	free(item->user);
	free(item->event_id);
	free(item->rule);
}

void fim_timeline_free(struct fim_timeline *timeline)
{
	if (!timeline)
		return;
	for (size_t i = 0; i < timeline->count; i++)
		item_exit(&timeline->items[i]);
	free(timeline->items);
	free(timeline);
}

/* -------------------------------------------------------------------- keys */

/* The N-th part of an ARN, "arn:PARTITION:SERVICE:REGION:ACCOUNT:…"; NULL: none, or empty. */
static char *arn_part(const char *arn, unsigned int part)
{
	size_t len;

	if (!arn || strncmp(arn, "arn:", 4) != 0)
		return NULL;
	while (part--) {
		arn = strchr(arn, ':');
		if (!arn)
			return NULL;
		arn++;
	}
	len = strcspn(arn, ":");
	return len ? strndup(arn, len) : NULL;
}

#define ARN_REGION  3
#define ARN_ACCOUNT 4

static const char *last_part(const char *text)
{
	const char *slash = text ? strrchr(text, '/') : NULL;

	return slash && slash[1] ? slash + 1 : text;
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

/* Of "arn:…:task/CLUSTER/ID"; older ARNs have no cluster in them. */
static char *cluster_of_task(const char *task)
{
	const char *first = task ? strchr(task, '/') : NULL;
	const char *last = task ? strrchr(task, '/') : NULL;

	return first && last > first + 1 ? strndup(first + 1, (size_t)(last - first - 1)) : NULL;
}

static void set_place(struct item *item, const char *task, const char *cluster)
{
	item->keys[KEY_TASK] = copy(last_part(task));
	item->keys[KEY_CLUSTER] = copy(last_part(cluster));
	if (!item->keys[KEY_CLUSTER])
		item->keys[KEY_CLUSTER] = cluster_of_task(task);
	if (!item->account)
		item->account = arn_part(task, ARN_ACCOUNT);
	if (!item->account)
		item->account = arn_part(cluster, ARN_ACCOUNT);
	if (!item->region)
		item->region = arn_part(task, ARN_REGION);
	if (!item->region)
		item->region = arn_part(cluster, ARN_REGION);
}

static void keys_of_container(struct item *item, const struct fim_json *record)
{
	const struct fim_json *container = fim_json_get(record, "container");
	const char *id = fim_json_get_str(record, "container_id");
	const char *session = fim_json_get_str(record, "session_id");
	const char *login = fim_json_str(fim_json_at(record, "actor/login_user"));

	item->account = copy(fim_json_get_str(container, "account"));
	item->region = copy(fim_json_get_str(container, "region"));
	set_place(item, fim_json_get_str(container, "task_arn"),
		  fim_json_get_str(container, "cluster"));
	item->keys[KEY_CONTAINER] = copy(id ? id : fim_json_get_str(container, "id"));
	if (!session)
		session = fim_json_str(fim_json_at(record, "access/session_id"));
	item->keys[KEY_SESSION] = copy(session);
	item->user = copy(login);
}

static void keys_of_cloudtrail(struct item *item, const struct fim_json *call)
{
	const char *arn = fim_json_get_str(call, "user_arn");

	item->account = copy(fim_json_get_str(call, "account"));
	item->region = copy(fim_json_get_str(call, "region"));
	set_place(item, fim_json_get_str(call, "task"), fim_json_get_str(call, "cluster"));
	item->keys[KEY_SESSION] = copy(fim_json_get_str(call, "session"));
	item->keys[KEY_PRINCIPAL] = copy(arn ? arn : fim_json_get_str(call, "principal"));
	item->user = copy(fim_json_get_str(call, "user_name"));
}

/* Findings, who got into a container, and containers with power that were started. */
static bool is_evidence(const struct fim_json *record)
{
	const char *type = fim_json_get_str(record, "type");
	const char *trigger = fim_json_get_str(record, "trigger");

	if (!type)
		return fim_json_get_str(record, "kind") != NULL;
	if (strcmp(type, "container") == 0)
		return trigger && strcmp(trigger, "start") == 0 &&
		       fim_json_get_bool(fim_json_get(record, "container"), "privileged", false);
	return strcmp(type, "finding") == 0 || strcmp(type, "access") == 0;
}

static enum fim_severity severity_of(const struct fim_json *record)
{
	const char *name = fim_json_get_str(record, "severity");
	enum fim_severity severity = FIM_SEVERITY_INFO;
	const struct fim_json *flags;

	if (name) {
		for (; severity < FIM_SEVERITY_CRITICAL; severity++)
			if (strcmp(name, fim_severity_name(severity)) == 0)
				break;
		return severity;
	}
	if (fim_json_get_bool(fim_json_get(record, "container"), "privileged", false) ||
	    fim_json_get_bool(record, "privileged", false))
		return FIM_SEVERITY_CRITICAL;
	flags = fim_json_get(record, "flags");
	return fim_json_count(flags) ? FIM_SEVERITY_MEDIUM : FIM_SEVERITY_INFO;
}

static int item_init(struct item *item, const struct fim_json *record)
{
	const struct fim_json *call = fim_json_get(record, "cloudtrail");
	const char *time = fim_json_get_str(record, "event_time");
	const char *recorded = fim_json_get_str(record, "time");

	if (recorded && fim_time_parse(recorded, &item->recorded_ns))
		return -EINVAL;
	item->time_ns = item->recorded_ns;
	if (time && fim_time_parse(time, &item->time_ns))
		return -EINVAL;
	if (!time && !recorded)
		return -EINVAL;
	if (call)
		keys_of_cloudtrail(item, call);
	else
		keys_of_container(item, record);
	item->event_id = copy(fim_json_get_str(record, "event_id"));
	item->rule = copy(fim_json_get_str(record, "rule"));
	item->severity = severity_of(record);
	return 0;
}

static int make_room(struct fim_timeline *timeline)
{
	size_t room = timeline->room ? 2 * timeline->room : ROOM_MIN;
	struct item *items;

	if (timeline->count < timeline->room)
		return 0;
	if (timeline->count >= FIM_TIMELINE_MAX)
		return -E2BIG;
	items = realloc(timeline->items, room * sizeof(*items));
	if (!items)
		return -ENOMEM;
	timeline->items = items;
	timeline->room = room;
	return 0;
}

int fim_timeline_add(struct fim_timeline *timeline, const char *host, const char *text, size_t len)
{
	const struct fim_timeline_params *params = &timeline->params;
	struct fim_json *record = NULL;
	struct item item = {0};
	int err = fim_json_parse(text, len, NULL, &record);

	if (err)
		return err;
	if (!is_evidence(record))
		goto out;
	err = item_init(&item, record);
	if (err || item.time_ns < params->from_ns ||
	    (params->to_ns && item.time_ns > params->to_ns))
		goto out;
	err = make_room(timeline);
	if (err)
		goto out;
	/* As long as it was parsed: what follows a NUL byte is not cut off. */
	item.text = malloc(len + 1);
	if (item.text)
		memcpy(item.text, text, len);
	item.len = len;
	item.host = host && fim_is_utf8(host, strlen(host)) ? copy(host) : NULL;
	item.order = timeline->count;
	err = item.text ? 0 : -ENOMEM;
	if (err)
		goto out;
	timeline->items[timeline->count++] = item;
	item = (struct item){0};
out:
	item_exit(&item);
	fim_json_free(record);
	return err;
}

/* ----------------------------------------------------------------- joining */

static size_t root_of(struct item *items, size_t index)
{
	while (items[index].parent != index) {
		items[index].parent = items[items[index].parent].parent;
		index = items[index].parent;
	}
	return index;
}

/* The smaller index is the root: items are in the order of time. */
static void join(struct item *items, size_t a, size_t b)
{
	size_t one = root_of(items, a), other = root_of(items, b);

	items[one < other ? other : one].parent = one < other ? one : other;
}

static int compare_item(const void *a, const void *b)
{
	const struct item *one = a, *other = b;

	if (one->time_ns != other->time_ns)
		return one->time_ns < other->time_ns ? -1 : 1;
	return one->order < other->order ? -1 : one->order > other->order;
}

struct by {
	struct item *items;
	enum key key;
};

static int compare_key(const void *a, const void *b, void *ctx)
{
	const struct by *by = ctx;
	size_t one = *(const size_t *)a, other = *(const size_t *)b;
	int order = strcmp(by->items[one].keys[by->key], by->items[other].keys[by->key]);

	if (order)
		return order;
	return one < other ? -1 : one > other;
}

static bool differs(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

/* Every account has a cluster "default". */
static bool is_elsewhere(const struct item *a, const struct item *b)
{
	return differs(a->account, b->account) || differs(a->region, b->region);
}

/* A session's id is its own, however long it lasts; what else is shared lives longer. */
static void join_one(const struct fim_timeline *timeline, const struct by *by,
		     const size_t *indexes, size_t at)
{
	struct item *items = by->items;
	const struct item *item = &items[indexes[at]];

	for (size_t back = 1; back <= at && back <= BACK_MAX; back++) {
		const struct item *before = &items[indexes[at - back]];

		if (strcmp(before->keys[by->key], item->keys[by->key]) != 0)
			return;
		if (by->key != KEY_SESSION &&
		    item->time_ns - before->time_ns > timeline->params.window_ns)
			return;
		if (by->key == KEY_CLUSTER && is_elsewhere(item, before))
			continue;
		join(items, indexes[at - back], indexes[at]);
		return;
	}
}

static void join_by(const struct fim_timeline *timeline, enum key key, size_t *indexes)
{
	struct by by = {timeline->items, key};
	size_t count = 0;

	for (size_t i = 0; i < timeline->count; i++)
		if (timeline->items[i].keys[key])
			indexes[count++] = i;
	qsort_r(indexes, count, sizeof(*indexes), compare_key, &by);
	for (size_t i = 1; i < count; i++)
		join_one(timeline, &by, indexes, i);
}

/* NULL in front. */
static int compare_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : !b - !a;
}

static int compare_event(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int order = compare_text(one->event_id, other->event_id);

	if (!order)
		order = compare_text(one->rule, other->rule);
	if (order)
		return order;
	return one->order < other->order ? -1 : one->order > other->order;
}

/* The same hit out of a journal and out of CloudTrail's own file. */
static void drop_repeats(struct fim_timeline *timeline)
{
	struct item *items = timeline->items;
	size_t kept = 0;

	qsort(items, timeline->count, sizeof(*items), compare_event);
	for (size_t i = 0; i < timeline->count; i++) {
		if (kept && items[i].event_id &&
		    !compare_text(items[i].event_id, items[kept - 1].event_id) &&
		    !compare_text(items[i].rule, items[kept - 1].rule)) {
			item_exit(&items[i]);
			continue;
		}
		items[kept++] = items[i];
	}
	timeline->count = kept;
}

/* ----------------------------------------------------------------- showing */

/* An incident: its items in the order of time, and those that say whose a session is. */
struct group {
	const struct item **items;
	size_t count;
	const struct item **owners;
	size_t owner_count;
};

struct telling {
	const struct fim_timeline_query *query;
	int (*fn)(void *ctx, struct fim_json *incident);
	void *ctx;
};

/* By their incidents, those that began first in front. */
static int compare_group(const void *a, const void *b, void *ctx)
{
	const struct item *items = ctx;
	size_t one = *(const size_t *)a, other = *(const size_t *)b;
	size_t root = items[one].parent, other_root = items[other].parent;

	if (root != other_root)
		return root < other_root ? -1 : 1;
	return one < other ? -1 : one > other;
}

static bool has_text(const struct fim_json *array, const char *text)
{
	for (size_t i = 0; i < fim_json_count(array); i++)
		if (strcmp(fim_json_str(fim_json_index(array, i)), text) == 0)
			return true;
	return false;
}

static void add_once(struct fim_json *array, const char *text)
{
	if (text && !has_text(array, text))
		fim_json_append_str(array, text);
}

/* Whose session it is; NULL: no record says so. */
static const char *principal_of(const struct group *group, const struct item *item)
{
	if (item->keys[KEY_PRINCIPAL] || !item->keys[KEY_SESSION])
		return item->keys[KEY_PRINCIPAL];
	for (size_t i = 0; i < group->owner_count; i++)
		if (strcmp(group->owners[i]->keys[KEY_SESSION], item->keys[KEY_SESSION]) == 0)
			return group->owners[i]->keys[KEY_PRINCIPAL];
	return NULL;
}

static struct fim_json *item_json(const struct group *group, const struct item *item, bool late)
{
	struct fim_json *json = fim_json_object(), *record = NULL;
	char time[FIM_TIME_SIZE];

	fim_time_format(item->time_ns, time);
	fim_json_set_str(json, "time", time);
	if (item->recorded_ns) {
		fim_time_format(item->recorded_ns, time);
		fim_json_set_str(json, "recorded", time);
	}
	fim_json_set_bool(json, "late", late);
	fim_json_set_str(json, "severity", fim_severity_name(item->severity));
	if (item->host)
		fim_json_set_bytes(json, "host", item->host, strlen(item->host));
	for (size_t key = 0; key < KEY_COUNT; key++)
		if (key != KEY_PRINCIPAL)
			fim_json_set_str(json, key_names[key], item->keys[key]);
	fim_json_set_str(json, key_names[KEY_PRINCIPAL], principal_of(group, item));
	if (!fim_json_parse(item->text, item->len, NULL, &record))
		fim_json_set(json, "record", record);
	return json;
}

/* False if one of the calls was made without MFA, true if all that say so had it. */
static void add_mfa(struct fim_json *principals, const char *arn, const struct fim_json *record)
{
	const struct fim_json *mfa = fim_json_at(record, "cloudtrail/mfa");
	struct fim_json *principal = NULL;

	for (size_t i = 0; i < fim_json_count(principals) && !principal; i++) {
		struct fim_json *one = fim_json_index(principals, i);

		if (strcmp(fim_json_get_str(one, "arn"), arn) == 0)
			principal = one;
	}
	if (!principal) {
		principal = fim_json_object();
		fim_json_set_str(principal, "arn", arn);
		fim_json_append(principals, principal);
	}
	if (fim_json_is_bool(mfa))
		fim_json_set_bool(principal, "mfa",
				  fim_json_get_bool(principal, "mfa", true) &&
					  fim_json_get_bool(fim_json_get(record, "cloudtrail"),
							    "mfa", false));
}

/* It was recorded after something that happened later. */
static bool *late_of(const struct group *group)
{
	bool *late = calloc(group->count, sizeof(*late));
	int64_t earliest_ns = INT64_MAX;

	for (size_t i = group->count; late && i > 0; i--) {
		int64_t recorded_ns = group->items[i - 1]->recorded_ns;

		if (!recorded_ns)
			continue;
		late[i - 1] = recorded_ns > earliest_ns;
		if (recorded_ns < earliest_ns)
			earliest_ns = recorded_ns;
	}
	return late;
}

static struct fim_json *group_json(const struct group *group)
{
	struct fim_json *json = fim_json_object(), *lists[KEY_COUNT] = {NULL};
	struct fim_json *principals = fim_json_array(), *rules = fim_json_array();
	struct fim_json *hosts = fim_json_array(), *events = fim_json_array();
	enum fim_severity severity = FIM_SEVERITY_INFO;
	bool *late = late_of(group);
	char time[FIM_TIME_SIZE];

	for (size_t key = 0; key < KEY_COUNT; key++)
		lists[key] = list_names[key] ? fim_json_array() : NULL;
	for (size_t i = 0; i < group->count; i++) {
		const struct item *item = group->items[i];
		struct fim_json *event = item_json(group, item, late && late[i]);

		for (size_t key = 0; key < KEY_COUNT; key++)
			if (lists[key])
				add_once(lists[key], item->keys[key]);
		if (item->keys[KEY_PRINCIPAL])
			add_mfa(principals, item->keys[KEY_PRINCIPAL],
				fim_json_get(event, "record"));
		add_once(rules, item->rule);
		add_once(hosts, item->host);
		if (item->severity > severity)
			severity = item->severity;
		fim_json_append(events, event);
	}
	fim_time_format(group->items[0]->time_ns, time);
	fim_json_set_str(json, "start", time);
	fim_time_format(group->items[group->count - 1]->time_ns, time);
	fim_json_set_str(json, "end", time);
	fim_json_set_str(json, "severity", fim_severity_name(severity));
	for (size_t key = 0; key < KEY_COUNT; key++)
		if (lists[key])
			fim_json_set(json, list_names[key], lists[key]);
	fim_json_set(json, "principals", principals);
	fim_json_set(json, "hosts", hosts);
	fim_json_set(json, "rules", rules);
	fim_json_set(json, "events", events);
	free(late);
	return json;
}

/* ------------------------------------------------------------------ asking */

static bool is_place(const struct item *item, enum key key, const char *asked)
{
	char *account, *region;
	bool same;

	if (!item->keys[key] || strcmp(item->keys[key], last_part(asked)) != 0)
		return false;
	account = arn_part(asked, ARN_ACCOUNT);
	region = arn_part(asked, ARN_REGION);
	same = !differs(item->account, account) && !differs(item->region, region);
	free(account);
	free(region);
	return same;
}

/* An ARN, what stands at its end, or a name. */
static bool is_user(const struct item *item, const char *asked)
{
	const char *arn = item->keys[KEY_PRINCIPAL];
	const char *end = last_part(arn);

	return (arn && strcmp(arn, asked) == 0) || (end && strcmp(end, asked) == 0) ||
	       (item->user && strcmp(item->user, asked) == 0);
}

static bool is_asked(const struct group *group, const struct fim_timeline_query *query)
{
	bool task = !query->task, cluster = !query->cluster, user = !query->user;
	bool session = !query->session;

	for (size_t i = 0; i < group->count; i++) {
		const struct item *item = group->items[i];

		task = task || is_place(item, KEY_TASK, query->task);
		cluster = cluster || is_place(item, KEY_CLUSTER, query->cluster);
		user = user || is_user(item, query->user);
		session = session || (item->keys[KEY_SESSION] &&
				      strcmp(item->keys[KEY_SESSION], query->session) == 0);
	}
	return task && cluster && user && session;
}

static bool is_any(const struct fim_timeline_query *query)
{
	return !query->task && !query->cluster && !query->user && !query->session;
}

/* Repeats away, in the order of time, each item's parent the first of its incident. */
static void arrange(struct fim_timeline *timeline, size_t *indexes)
{
	struct item *items = timeline->items;

	drop_repeats(timeline);
	qsort(items, timeline->count, sizeof(*items), compare_item);
	for (size_t i = 0; i < timeline->count; i++)
		items[i].parent = i;
	for (enum key key = 0; key < KEY_COUNT; key++)
		join_by(timeline, key, indexes);
	for (size_t i = 0; i < timeline->count; i++) {
		items[i].parent = root_of(items, i);
		indexes[i] = i;
	}
	qsort_r(indexes, timeline->count, sizeof(*indexes), compare_group, items);
}

static int tell_groups(const struct fim_timeline *timeline, const size_t *indexes,
		       struct group *group, const struct telling *telling)
{
	const struct item *items = timeline->items;

	for (size_t i = 0; i < timeline->count; i += group->count) {
		size_t root = items[indexes[i]].parent;
		int err;

		group->count = group->owner_count = 0;
		while (i + group->count < timeline->count &&
		       items[indexes[i + group->count]].parent == root) {
			const struct item *item = &items[indexes[i + group->count]];

			group->items[group->count++] = item;
			if (item->keys[KEY_PRINCIPAL] && item->keys[KEY_SESSION])
				group->owners[group->owner_count++] = item;
		}
		if (is_any(telling->query) ? group->count < 2 : !is_asked(group, telling->query))
			continue;
		err = telling->fn(telling->ctx, group_json(group));
		if (err)
			return err;
	}
	return 0;
}

int fim_timeline_build(struct fim_timeline *timeline, const struct fim_timeline_query *query,
		       int (*fn)(void *ctx, struct fim_json *incident), void *ctx)
{
	const struct telling telling = {query, fn, ctx};
	size_t room = timeline->count + 1;
	size_t *indexes = calloc(room, sizeof(*indexes));
	struct group group = {
		.items = calloc(room, sizeof(struct item *)),
		.owners = calloc(room, sizeof(struct item *)),
	};
	int err = timeline->count ? -ENOMEM : 0;

	if (err && indexes && group.items && group.owners) {
		arrange(timeline, indexes);
		err = tell_groups(timeline, indexes, &group, &telling);
	}
	free(group.owners);
	free(group.items);
	free(indexes);
	return err;
}
