// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what tasks are about to change on watched inodes: left by a hook before
 * the change, taken by the fsnotify event after it, of the same task and inode.
 *
 * A small table. An intent whose operation failed stays until the task tries
 * again or the slot is needed, and does no harm: every change that fsnotify
 * reports for a dentry passes a hook first, which replaces it.
 */
#include <linux/hash.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "ecs_fim.h"

#define BUCKET_BITS  6
#define BUCKET_SLOTS 4

struct slot {
	const struct task_struct *task;
	const struct inode *inode;
	struct fim_intent intent;
	/* extended attribute */
	char name[XATTR_NAME_MAX + 1];
};

static struct bucket {
	spinlock_t lock;
	unsigned int next;
	struct slot slots[BUCKET_SLOTS];
} buckets[1 << BUCKET_BITS];

static struct bucket *current_bucket(void)
{
	return &buckets[hash_ptr(current, BUCKET_BITS)];
}

static struct slot *slot_find(struct bucket *bucket, const struct inode *inode)
{
	int i;

	for (i = 0; i < BUCKET_SLOTS; i++) {
		struct slot *slot = &bucket->slots[i];

		if (slot->task == current && slot->inode == inode)
			return slot;
	}
	return NULL;
}

/* The slot of this task and inode, or else the one that was used longest ago. */
static struct slot *slot_get(struct bucket *bucket, const struct inode *inode)
{
	struct slot *slot = slot_find(bucket, inode);

	if (!slot) {
		slot = &bucket->slots[bucket->next];
		bucket->next = (bucket->next + 1) % BUCKET_SLOTS;
		slot->task = current;
		slot->inode = inode;
	}
	return slot;
}

void fim_intent_setattr(struct dentry *dentry, const struct iattr *attr)
{
	struct bucket *bucket = current_bucket();
	struct slot *slot;

	if (fim_is_reader() || !fim_is_watched(dentry))
		return;
	spin_lock(&bucket->lock);
	slot = slot_get(bucket, d_inode(dentry));
	slot->intent.op = 0;
	slot->intent.ia_valid = attr->ia_valid;
	slot->intent.writer = attr->ia_valid & ATTR_FILE && attr->ia_file &&
			      attr->ia_file->f_mode & FMODE_WRITE;
	slot->name[0] = '\0';
	spin_unlock(&bucket->lock);
}

void fim_intent_flags(struct dentry *dentry)
{
	struct bucket *bucket = current_bucket();
	struct slot *slot;

	if (fim_is_reader() || !fim_is_watched(dentry))
		return;
	spin_lock(&bucket->lock);
	slot = slot_get(bucket, d_inode(dentry));
	slot->intent.op = FIM_OP_FLAGS;
	slot->intent.ia_valid = 0;
	slot->intent.writer = false;
	slot->name[0] = '\0';
	spin_unlock(&bucket->lock);
}

static bool is_acl(const char *name)
{
	return !strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) ||
	       !strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT);
}

void fim_intent_xattr(struct dentry *dentry, const char *name)
{
	struct bucket *bucket = current_bucket();
	struct slot *slot;

	if (fim_is_reader() || !fim_is_watched(dentry))
		return;
	spin_lock(&bucket->lock);
	slot = slot_get(bucket, d_inode(dentry));
	slot->intent.op = is_acl(name) ? FIM_OP_ACL : FIM_OP_XATTR;
	slot->intent.ia_valid = 0;
	slot->intent.writer = false;
	strscpy(slot->name, name, sizeof(slot->name));
	spin_unlock(&bucket->lock);
}

static void slot_clear(struct slot *slot)
{
	slot->task = NULL;
	slot->inode = NULL;
}

bool fim_intent_take(const struct inode *inode, struct fim_intent *intent_ret)
{
	struct bucket *bucket = current_bucket();
	struct slot *slot;

	spin_lock(&bucket->lock);
	slot = slot_find(bucket, inode);
	if (slot) {
		*intent_ret = slot->intent;
		if (!slot->name[0])
			slot_clear(slot);
	}
	spin_unlock(&bucket->lock);
	return slot;
}

void fim_intent_take_name(const struct inode *inode, char *name_ret)
{
	struct bucket *bucket = current_bucket();
	struct slot *slot;

	name_ret[0] = '\0';
	spin_lock(&bucket->lock);
	slot = slot_find(bucket, inode);
	if (slot) {
		strscpy(name_ret, slot->name, sizeof(slot->name));
		slot_clear(slot);
	}
	spin_unlock(&bucket->lock);
}

void fim_intent_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(buckets); i++)
		spin_lock_init(&buckets[i].lock);
}
