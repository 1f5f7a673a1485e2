// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the table of watched files that are open for writing: who opened them,
 * or who wrote to them last. So that the last close, which may happen in an
 * exiting process, in a kernel thread or in a process that was handed the
 * descriptor, still names the one that did it.
 *
 * A fixed number of entries; the oldest makes room. An entry never outvotes
 * fsnotify: it adds an actor to an event, it neither makes nor prevents one. It
 * holds no reference to its file and inode and never looks at them. An open
 * that fails after the hook leaves an entry behind; it goes when the same file
 * structure is used again for the same inode, or by age. When a filesystem is
 * not watched any more, closes are not told and its entries are forgotten.
 *
 * table_lock protects the table. Strings are made and freed outside it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/kernel.h>

#include "compat.h"
#include "ecs_fim.h"

#define ENTRIES	    16384
#define BUCKET_BITS 12

/* All paths together; beyond, files are kept without. */
#define VIEWS_MAX (16 << 20)

struct entry {
	struct hlist_node node;
	struct list_head age;
	const struct file *file;
	const struct inode *inode;
	const struct super_block *sb;
	u64 ino;
	u32 generation;
	struct fim_opener opener;
};

static DEFINE_SPINLOCK(table_lock);
static struct hlist_head buckets[1 << BUCKET_BITS];
static struct entry *entries;
static LIST_HEAD(unused);
static LIST_HEAD(by_age);
static atomic_long_t views_total = ATOMIC_LONG_INIT(0);

/* By inode, because whether an inode has an entry is asked as well. */
static struct hlist_head *bucket_of(const struct inode *inode)
{
	return &buckets[hash_ptr(inode, BUCKET_BITS)];
}

static struct entry *entry_find(const struct file *file)
{
	const struct inode *inode = file_inode(file);
	struct entry *entry;

	hlist_for_each_entry(entry, bucket_of(inode), node) {
		if (entry->file == file && entry->inode == inode && entry->ino == inode->i_ino &&
		    entry->generation == inode->i_generation)
			return entry;
	}
	return NULL;
}

/* Its opener now belongs to the caller. */
static struct fim_opener entry_drop(struct entry *entry)
{
	hlist_del(&entry->node);
	list_move(&entry->age, &unused);
	return entry->opener;
}

/* Whoever was thrown out for it is returned, to be freed; perhaps @opener itself. */
static struct fim_opener entry_add(const struct file *file, const struct fim_opener *opener)
{
	const struct inode *inode = file_inode(file);
	struct fim_opener old = {};
	struct entry *entry;

	if (list_empty(&unused)) {
		atomic64_inc(&fim_counters.opener_missed);
		/* All are being forgotten at this moment: this one is not kept. */
		if (list_empty(&by_age))
			return *opener;
		old = entry_drop(list_first_entry(&by_age, struct entry, age));
	}
	entry = list_first_entry(&unused, struct entry, age);
	entry->file = file;
	entry->inode = inode;
	entry->sb = inode->i_sb;
	entry->ino = inode->i_ino;
	entry->generation = inode->i_generation;
	entry->opener = *opener;
	hlist_add_head(&entry->node, bucket_of(inode));
	list_move_tail(&entry->age, &by_age);
	return old;
}

static u64 process_start(void)
{
	u64 start;

	rcu_read_lock();
	start = current->group_leader->start_boottime;
	rcu_read_unlock();
	return start;
}

bool fim_opener_is_current(const struct fim_opener *opener)
{
	return opener->actor.tgid == task_tgid_nr(current) &&
	       opener->exec_id == READ_ONCE(current->self_exec_id) &&
	       opener->actor.start_ns == process_start();
}

/* To compare with another process's; a stale value does no harm. */
static const void *current_root(void)
{
	struct fs_struct *fs = current->fs;

	return fs ? READ_ONCE(fs->root.dentry) : NULL;
}

static void view_keep(struct fim_opener *opener, struct fim_attrs *attrs, bool whole)
{
	if (!whole)
		opener->flags |= FIM_EV_TRUNCATED;
	if (attrs->len && atomic_long_add_return(attrs->len, &views_total) <= VIEWS_MAX)
		opener->view = kmemdup(attrs->buf, attrs->len, GFP_NOWAIT | __GFP_NOWARN);
	if (opener->view)
		opener->view_len = attrs->len;
	else
		atomic_long_sub(attrs->len, &views_total);
	fim_buf_put(attrs->buf);
}

/* The path by which the current process reaches the file; only it can tell. */
static void view_open(struct fim_opener *opener, const struct path *path)
{
	struct fim_attrs attrs = {.buf = fim_buf_get(), .size = FIM_RECORD_MAX};
	bool whole;

	if (!attrs.buf)
		return;
	opener->renames = read_seqbegin(&rename_lock);
	opener->view_is_fs = fim_path_is_view(path);
	whole = opener->view_is_fs ? fim_path_fs(&attrs, FIM_ATTR_VIEW_PATH, path->dentry, NULL)
				   : fim_path_open(&attrs, FIM_ATTR_VIEW_PATH, path);
	view_keep(opener, &attrs, whole);
}

/* No name of any file has changed since. Mounts may have: it is what the opener saw. */
bool fim_opener_view_is_good(const struct fim_opener *opener)
{
	return opener->view && !read_seqretry(&rename_lock, opener->renames);
}

void fim_opener_view(struct fim_opener *opener, struct dentry *dentry, const struct qstr *name)
{
	struct fim_attrs attrs = {.buf = fim_buf_get(), .size = FIM_RECORD_MAX};

	/* Then it would have to take references, and dropping one may sleep. */
	if (!current->fs || READ_ONCE(current->fs->users) > 1) {
		fim_buf_put(attrs.buf);
		return;
	}
	if (attrs.buf)
		view_keep(opener, &attrs, fim_path_view(&attrs, FIM_ATTR_VIEW_PATH, dentry, name));
}

void fim_opener_fill(struct fim_opener *opener, u32 flags, const struct path *path)
{
	opener->who = fim_who_get();
	if (opener->who) {
		opener->actor = opener->who->actor;
		fim_actor_comm(&opener->actor);
		flags |= opener->who->flags;
	} else {
		fim_actor_now(&opener->actor);
		flags |= FIM_EV_ACTOR_PARTIAL;
	}
	opener->exec_id = READ_ONCE(current->self_exec_id);
	opener->root = current_root();
	opener->flags = flags;
	opener->foreign = !fim_is_reader();
	opener->view = NULL;
	opener->view_len = 0;
	opener->view_is_fs = false;
	opener->renames = 0;
	if (path)
		view_open(opener, path);
}

void fim_opener_free(struct fim_opener *opener)
{
	fim_who_put(opener->who);
	atomic_long_sub(opener->view_len, &views_total);
	kfree(opener->view);
}

bool fim_opener_take(struct file *file, struct fim_opener *opener_ret)
{
	struct entry *entry;

	if (hlist_empty(bucket_of(file_inode(file))))
		return false;
	spin_lock(&table_lock);
	entry = entry_find(file);
	if (entry)
		*opener_ret = entry_drop(entry);
	spin_unlock(&table_lock);
	return entry;
}

/* Out of line: what the compiler clears on the stack, only whose file is heard shall pay. */
static noinline void open_heard(struct file *file)
{
	struct fim_opener opener, oldest;

	/* Whatever was known of this structure is of an earlier use of it. */
	if (fim_opener_take(file, &opener))
		fim_opener_free(&opener);
	if (!fim_is_watched(file->f_path.dentry))
		return;
	fim_opener_fill(&opener, FIM_EV_ACTOR_OPENER, &file->f_path);
	spin_lock(&table_lock);
	oldest = entry_add(file, &opener);
	spin_unlock(&table_lock);
	fim_opener_free(&oldest);
}

void fim_opener_open(struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;

	if (S_ISREG(mode)) {
		if (unlikely(fim_compat_file_is_silent(file)))
			fim_notice_silent(file);
		else if (fim_tree_hears(file->f_path.dentry))
			open_heard(file);
	} else if (S_ISBLK(mode)) {
		fim_notice_device(file);
	}
}

/*
 * A kernel thread, and the kernel in a process that has given its memory back (process
 * accounting), write for whoever gave them the file.
 */
static bool writes_for_others(void)
{
	return current->flags & PF_KTHREAD || !current->mm;
}

/* Note a write in the entry. False: there is none, or another process is in it. */
static bool modify_entry(const struct file *file)
{
	struct entry *entry;
	bool done = false;

	spin_lock(&table_lock);
	entry = entry_find(file);
	if (entry && (fim_opener_is_current(&entry->opener) || writes_for_others())) {
		entry->opener.flags |= FIM_EV_MODIFIED;
		done = true;
	}
	spin_unlock(&table_lock);
	return done;
}

/* The first write of another process, or of one that the table does not know. */
static noinline void modify_other(struct file *file)
{
	const u32 flags = FIM_EV_ACTOR_WRITER | FIM_EV_MODIFIED;
	struct fim_opener writer, same = {}, oldest;
	struct entry *entry;

	fim_opener_fill(&writer, flags, &file->f_path);
	spin_lock(&table_lock);
	entry = entry_find(file);
	if (entry) {
		same = entry_drop(entry);
		writer.foreign |= same.foreign;
	}
	oldest = entry_add(file, &writer);
	spin_unlock(&table_lock);
	fim_opener_free(&same);
	fim_opener_free(&oldest);
}

void fim_opener_modify(struct file *file)
{
	if (!S_ISREG(file_inode(file)->i_mode))
		return;
	if (!hlist_empty(bucket_of(file_inode(file))) && modify_entry(file))
		return;
	if (fim_is_watched(file->f_path.dentry))
		modify_other(file);
	else
		this_cpu_inc(fim_filtered);
}

bool fim_opener_take_inode(const struct inode *inode, struct fim_opener *opener_ret)
{
	struct entry *entry;

	spin_lock(&table_lock);
	hlist_for_each_entry(entry, bucket_of(inode), node) {
		if (entry->inode == inode && entry->ino == inode->i_ino) {
			*opener_ret = entry_drop(entry);
			break;
		}
	}
	spin_unlock(&table_lock);
	return entry;
}

void fim_opener_modify_all(void)
{
	struct entry *entry;

	spin_lock(&table_lock);
	list_for_each_entry(entry, &by_age, age) {
		if (entry->opener.actor.tgid == task_tgid_nr(current))
			entry->opener.flags |= FIM_EV_MODIFIED;
	}
	spin_unlock(&table_lock);
}

bool fim_opener_has_inode(const struct inode *inode)
{
	struct entry *entry;

	spin_lock(&table_lock);
	hlist_for_each_entry(entry, bucket_of(inode), node) {
		if (entry->inode == inode && entry->ino == inode->i_ino &&
		    entry->generation == inode->i_generation)
			break;
	}
	spin_unlock(&table_lock);
	return entry;
}

void fim_opener_forget(const struct super_block *sb)
{
	struct entry *entry, *next;
	LIST_HEAD(forgotten);

	spin_lock(&table_lock);
	list_for_each_entry_safe(entry, next, &by_age, age) {
		if (entry->sb == sb) {
			hlist_del(&entry->node);
			list_move(&entry->age, &forgotten);
		}
	}
	spin_unlock(&table_lock);
	list_for_each_entry(entry, &forgotten, age)
		fim_opener_free(&entry->opener);
	spin_lock(&table_lock);
	list_splice(&forgotten, &unused);
	spin_unlock(&table_lock);
}

int fim_opener_init(void)
{
	int i;

	entries = vzalloc(array_size(ENTRIES, sizeof(*entries)));
	if (!entries) {
		pr_err("not loaded: no memory for the table of open files\n");
		return -ENOMEM;
	}
	for (i = 0; i < ENTRIES; i++)
		list_add_tail(&entries[i].age, &unused);
	return 0;
}

void fim_opener_exit(void)
{
	struct entry *entry;

	list_for_each_entry(entry, &by_age, age)
		fim_opener_free(&entry->opener);
	vfree(entries);
}
