// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what a hook saw coming and nothing tells the outcome of: chattr, mounts,
 * refused attempts. The hook may not sleep and is before the operation; so it
 * notes who and what, and a worker looks at the object a little later: has it
 * happened? Only then it is an event, with the actor of the hook's time.
 *
 * An item pins its inode, and the superblock with it. One that does not come
 * true is looked at again, ever later, and dropped after LOOKS_MAX, or as soon as
 * nothing but items pins the superblock: then it is unmounted, and no call can be
 * under way there. An unmount makes the looks follow each other closely again, so
 * that a device is free when umount(8) has returned, or a few milliseconds later.
 *
 * What was mounted over something watched stays in a list until it is lifted, and
 * what is open for writing by a file that fsnotify ignores, until nobody has it open:
 * that is a WRITE, and so is, once a second, what changes before.
 *
 * lock protects the lists. Hooks take it; nothing sleeps under it.
 */
#include <linux/dcache.h>
#include <linux/iversion.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "ecs_fim.h"

/* 1 jiffy, 2, 4, …: a second in all. */
#define LOOKS_MAX   8
#define ITEMS_MAX   1024
#define COVERS_MAX  256
#define COVERS_LOOK (5 * HZ)
#define SILENT_LOOK (HZ / 10)
#define SILENT_TELL HZ

/* What a change of attributes that are no fsnotify event leaves behind. */
struct traces {
	unsigned int i_flags;
	u32 generation;
	u64 version;
	struct timespec64 ctime;
	unsigned int nlink;
};

struct item {
	struct list_head list;
	u32 op;
	u32 flags;
	enum fim_later_when when;
	struct inode *inode;
	bool seen;
	bool lifted; /* what its inode is on */
	struct traces traces;
	struct fim_opener opener;
	unsigned long due;
	unsigned int looks;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(items);
static LIST_HEAD(covers);
static LIST_HEAD(silent);
static unsigned int items_count;
static unsigned int covers_count;
/* Who lifted a mount last, for the covers that are gone. */
static struct fim_opener lifter;
static unsigned int lifter_looks;

static void look_at_items(struct work_struct *work);
static void look_at_covers(struct work_struct *work);
static void look_at_silent(struct work_struct *work);
static DECLARE_DELAYED_WORK(items_work, look_at_items);
static DECLARE_DELAYED_WORK(covers_work, look_at_covers);
static DECLARE_DELAYED_WORK(silent_work, look_at_silent);

static struct traces traces_of(struct inode *inode)
{
	return (struct traces){
		.i_flags = READ_ONCE(inode->i_flags),
		.generation = inode->i_generation,
		.version = inode_peek_iversion_raw(inode),
		.ctime = inode_get_ctime(inode),
		.nlink = inode->i_nlink,
	};
}

static bool is_changed(struct inode *inode, const struct traces *before)
{
	struct traces now = traces_of(inode);

	return now.i_flags != before->i_flags || now.generation != before->generation ||
	       now.version != before->version || !timespec64_equal(&now.ctime, &before->ctime);
}

static void item_free(struct item *item)
{
	struct super_block *sb = item->inode->i_sb;

	fim_opener_free(&item->opener);
	iput(item->inode);
	deactivate_super(sb);
	kfree(item);
}

static void item_queue(struct item *item)
{
	spin_lock(&lock);
	list_add_tail(&item->list, &items);
	items_count++;
	spin_unlock(&lock);
	schedule_delayed_work(&items_work, item->when == FIM_LATER_NOW ? 0 : 1);
}

static struct item *item_new(u32 op, u32 flags, enum fim_later_when when, struct inode *inode)
{
	struct item *item;

	if (READ_ONCE(items_count) >= ITEMS_MAX)
		goto missed;
	item = kzalloc(sizeof(*item), GFP_NOWAIT | __GFP_NOWARN);
	if (!item)
		goto missed;
	if (!atomic_inc_not_zero(&inode->i_sb->s_active)) {
		kfree(item);
		return NULL;
	}
	ihold(inode);
	item->op = op;
	item->flags = flags;
	item->when = when;
	item->inode = inode;
	item->traces = traces_of(inode);
	item->due = jiffies + 1;
	return item;
missed:
	atomic64_inc(&fim_counters.later_missed);
	fim_event_lost();
	return NULL;
}

void fim_later(u32 op, u32 flags, enum fim_later_when when, struct inode *inode,
	       const struct path *path)
{
	struct item *item = item_new(op, flags, when, inode);

	if (!item)
		return;
	fim_opener_fill(&item->opener, 0, path);
	item_queue(item);
}

void fim_later_link(struct inode *inode, struct dentry *name)
{
	struct item *item = item_new(FIM_OP_LINK, FIM_EV_ALIAS, FIM_LATER_LINKED, inode);

	if (!item)
		return;
	fim_opener_fill(&item->opener, 0, NULL);
	fim_opener_view(&item->opener, name->d_parent, &name->d_name);
	item_queue(item);
}

/* Of one process, one open is as good as many. Called with lock held. */
static bool is_silent_known(const struct inode *inode)
{
	const struct item *item;

	list_for_each_entry(item, &silent, list) {
		if (item->inode == inode && fim_opener_is_current(&item->opener))
			return true;
	}
	return false;
}

void fim_later_silent(struct inode *inode, const struct path *path)
{
	const u32 flags = FIM_EV_ACTOR_OPENER | FIM_EV_MODIFIED;
	struct item *item;
	bool known;

	spin_lock(&lock);
	known = is_silent_known(inode);
	spin_unlock(&lock);
	item = known ? NULL : item_new(FIM_OP_WRITE, flags, FIM_LATER_SETTLED, inode);
	if (!item)
		return;
	item->due = jiffies + SILENT_TELL;
	fim_opener_fill(&item->opener, 0, path);
	spin_lock(&lock);
	list_add_tail(&item->list, &silent);
	items_count++;
	spin_unlock(&lock);
	schedule_delayed_work(&silent_work, SILENT_LOOK);
}

static bool is_true(const struct item *item, const struct dentry *dentry)
{
	switch (item->when) {
	case FIM_LATER_NOW:
		return true;
	case FIM_LATER_CHANGED:
		return is_changed(item->inode, &item->traces);
	case FIM_LATER_COVERED:
		return item->seen || d_mountpoint(dentry);
	case FIM_LATER_LINKED:
		return item->inode->i_nlink > item->traces.nlink;
	case FIM_LATER_SETTLED:
		return atomic_read(&item->inode->i_writecount) <= 0;
	}
	return false;
}

/* In a watch, or above: then it concerns every watch below. */
static void emit(const struct item *item, u32 op, struct dentry *dentry,
		 const struct fim_opener *opener)
{
	struct fim_change change = {
		.op = op,
		.flags = item->flags | (opener->flags & FIM_EV_ACTOR_PARTIAL),
		.inode = item->inode,
		.dentry = dentry,
		.opener = opener,
	};

	if (op == FIM_OP_DEVICE || !fim_mark_emit(&change, dentry))
		fim_watch_emit_below(&change, dentry);
}

static int pins(const struct list_head *list, const struct super_block *sb)
{
	const struct item *item;
	int n = 0;

	list_for_each_entry(item, list, list)
		n += item->inode->i_sb == sb;
	return n;
}

/*
 * Nothing else pins a file system that is to be unmounted: it is. Called with lock held.
 * What the other worker has in hand is not counted, and then it is seen at the next look.
 */
static bool is_unmounted(const struct super_block *sb, const struct list_head *rest,
			 const struct list_head *done)
{
	return atomic_read(&sb->s_active) == pins(rest, sb) + pins(done, sb) + pins(&items, sb) +
						     pins(&covers, sb) + pins(&silent, sb);
}

/* True: it is over with this item. */
static bool look(struct item *item)
{
	struct dentry *dentry = d_find_any_alias(item->inode);
	bool done;

	/* Who opens a device by a node of their own may remove it at once: what was opened counts. */
	if (!dentry && item->op != FIM_OP_DEVICE)
		return true;
	done = !dentry || is_true(item, dentry);
	if (done && item->when == FIM_LATER_LINKED)
		fim_mark_link(item->inode, dentry);
	if (done)
		emit(item, item->op, dentry, &item->opener);
	dput(dentry);
	return done || ++item->looks >= LOOKS_MAX;
}

static void look_at_items(struct work_struct *work)
{
	struct item *item, *next;
	const struct super_block *sb = NULL;
	bool unmounted = false;
	LIST_HEAD(taken);
	LIST_HEAD(rest);
	LIST_HEAD(done);
	u32 count = 0;

	spin_lock(&lock);
	list_splice_init(&items, &taken);
	spin_unlock(&lock);
	list_for_each_entry_safe(item, next, &taken, list) {
		if (item->when != FIM_LATER_NOW && time_before(jiffies, item->due)) {
			list_move_tail(&item->list, &rest);
		} else if (!look(item)) {
			item->due = jiffies + (1 << item->looks);
			list_move_tail(&item->list, &rest);
		} else {
			list_move_tail(&item->list, &done);
			count++;
		}
	}
	spin_lock(&lock);
	list_for_each_entry_safe(item, next, &rest, list) {
		if (!item->lifted)
			continue;
		if (item->inode->i_sb != sb) {
			sb = item->inode->i_sb;
			unmounted = is_unmounted(sb, &rest, &done);
		}
		if (unmounted) {
			item->looks = LOOKS_MAX;
			list_move_tail(&item->list, &done);
			count++;
		}
	}
	list_splice(&rest, &items);
	items_count -= count;
	if (!list_empty(&items))
		schedule_delayed_work(&items_work, 1);
	list_for_each_entry_safe(item, next, &done, list) {
		if (item->op == FIM_OP_MOUNT && covers_count < COVERS_MAX &&
		    item->looks < LOOKS_MAX) {
			list_move_tail(&item->list, &covers);
			covers_count++;
			schedule_delayed_work(&covers_work, COVERS_LOOK);
		}
	}
	spin_unlock(&lock);
	list_for_each_entry_safe(item, next, &done, list)
		item_free(item);
}

/* Whoever never closes it is not to write in silence. */
static void tell_unsettled(struct item *item)
{
	struct dentry *dentry;

	if (time_before(jiffies, item->due) || !is_changed(item->inode, &item->traces))
		return;
	item->traces = traces_of(item->inode);
	item->due = jiffies + SILENT_TELL;
	dentry = d_find_any_alias(item->inode);
	if (dentry)
		emit(item, item->op, dentry, &item->opener);
	dput(dentry);
}

static void look_at_silent(struct work_struct *work)
{
	struct item *item, *next;
	LIST_HEAD(taken);
	LIST_HEAD(done);
	u32 count = 0;

	spin_lock(&lock);
	list_splice_init(&silent, &taken);
	spin_unlock(&lock);
	list_for_each_entry_safe(item, next, &taken, list) {
		item->looks = 0;
		if (look(item)) {
			list_move_tail(&item->list, &done);
			count++;
		} else {
			tell_unsettled(item);
		}
	}
	spin_lock(&lock);
	list_splice(&taken, &silent);
	items_count -= count;
	if (!list_empty(&silent))
		schedule_delayed_work(&silent_work, SILENT_LOOK);
	spin_unlock(&lock);
	list_for_each_entry_safe(item, next, &done, list)
		item_free(item);
}

/* A directory has one dentry, and of a file one is as good as the other. */
static bool is_covered(struct inode *inode)
{
	struct dentry *alias;
	bool covered = false;

	spin_lock(&inode->i_lock);
	hlist_for_each_entry(alias, &inode->i_dentry, fim_d_alias)
		covered |= d_mountpoint(alias);
	spin_unlock(&inode->i_lock);
	return covered;
}

void fim_later_lifted(const struct super_block *sb)
{
	struct fim_opener opener, old;
	struct item *item;

	spin_lock(&lock);
	list_for_each_entry(item, &items, list) {
		/* Mounted and lifted again before it was looked at. */
		item->seen |= item->when == FIM_LATER_COVERED && is_covered(item->inode);
		/* Once: whoever tries it again and again does not keep what is looked at. */
		if (item->inode->i_sb == sb && !item->lifted) {
			item->lifted = true;
			item->due = jiffies + 1;
			item->looks = 0;
		}
	}
	spin_unlock(&lock);
	if (!READ_ONCE(covers_count) && !READ_ONCE(items_count))
		return;
	if (!list_empty(&silent))
		mod_delayed_work(system_wq, &silent_work, 2);
	fim_opener_fill(&opener, 0, NULL);
	spin_lock(&lock);
	old = lifter;
	lifter = opener;
	lifter_looks = 0;
	spin_unlock(&lock);
	fim_opener_free(&old);
	mod_delayed_work(system_wq, &covers_work, 2);
}

static bool is_lifted(struct item *item, const struct fim_opener *by)
{
	struct dentry *dentry = d_find_any_alias(item->inode);
	bool lifted = !dentry || !d_mountpoint(dentry);

	if (dentry && lifted)
		emit(item, FIM_OP_UMOUNT, dentry, by);
	dput(dentry);
	return lifted;
}

/* Who lifts a mount is known before it is lifted: for some looks. */
static bool lifter_keep(struct fim_opener *by)
{
	bool kept = by->actor.tgid && !lifter.actor.tgid && lifter_looks < LOOKS_MAX;

	if (kept) {
		lifter = *by;
		lifter_looks++;
	}
	return kept;
}

static void look_at_covers(struct work_struct *work)
{
	struct item *item, *next;
	struct fim_opener by;
	LIST_HEAD(taken);
	bool any = false, kept;

	spin_lock(&lock);
	list_splice_init(&covers, &taken);
	by = lifter;
	memset(&lifter, 0, sizeof(lifter));
	spin_unlock(&lock);
	list_for_each_entry_safe(item, next, &taken, list) {
		if (!is_lifted(item, &by))
			continue;
		any = true;
		list_del(&item->list);
		item_free(item);
		covers_count--;
	}
	spin_lock(&lock);
	list_splice(&taken, &covers);
	kept = !any && lifter_keep(&by);
	if (!list_empty(&covers))
		schedule_delayed_work(&covers_work, kept ? 1 << lifter_looks : COVERS_LOOK);
	spin_unlock(&lock);
	if (!kept)
		fim_opener_free(&by);
}

void fim_later_exit(void)
{
	struct item *item, *next;

	cancel_delayed_work_sync(&items_work);
	cancel_delayed_work_sync(&covers_work);
	cancel_delayed_work_sync(&silent_work);
	list_splice_init(&items, &covers);
	list_splice_init(&silent, &covers);
	list_for_each_entry_safe(item, next, &covers, list)
		item_free(item);
	fim_opener_free(&lifter);
}
