// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns /dev/ecs_fim: its one reader, the session, read, poll and the ioctls.
 *
 * Watches and unread records outlive the reader. read_mutex makes the reader's
 * side of the ring exclusive if the descriptor is shared by several threads.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/ktime.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "ecs_fim.h"

/* What sizeof was in the first version of the contract: a smaller struct was never valid. */
#define INFO_SIZE_MIN	   offsetof(struct fim_info, later_missed)
#define WATCH_SIZE_MIN	   sizeof(struct fim_watch)
#define WATCH_REF_SIZE_MIN sizeof(struct fim_watch_ref)
#define RULE_SIZE_MIN	   sizeof(struct fim_root_rule)
#define ARM_SIZE_MIN	   sizeof(struct fim_arm)

/* Copied between two looks at what else there is to do. */
#define BATCH_RECORDS 64

static DEFINE_MUTEX(read_mutex);
static atomic_t opened;
static struct pid *reader_pid;

/* Protected by read_mutex; the session's record is pending until it is read. */
static struct fim_session session;
static bool session_pending;

bool fim_is_reader_task(struct task_struct *task)
{
	return READ_ONCE(reader_pid) == task_tgid(task);
}

bool fim_is_reader(void)
{
	return fim_is_reader_task(current);
}

static void session_begin(void)
{
	mutex_lock(&read_mutex);
	session.session++;
	session.tgid = task_tgid_nr(current);
	session.rec.len = sizeof(session);
	session.rec.type = FIM_REC_SESSION;
	session.rec.fixed_len = sizeof(session);
	session.rec.time_ns = ktime_get_real_ns();
	spin_lock(&fim_ring.lock);
	session.rec.seq = fim_ring.tail_seq;
	session.lost = fim_ring.lost;
	session.unread = fim_ring.records;
	spin_unlock(&fim_ring.lock);
	WRITE_ONCE(session_pending, true);
	mutex_unlock(&read_mutex);
}

/*
 * The ring is the reader's memory: its control group pays for it. A reader that cannot
 * gets the one that there is, as does who has much to read first.
 */
static void charge_ring(void)
{
	void *buf = __vmalloc(fim_ring.size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	vfree(buf ? fim_ring_move(&fim_ring, buf) ?: buf : NULL);
}

static int device_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* Who does not read may be beside the one who does. */
	if (!(file->f_mode & FMODE_READ))
		return stream_open(inode, file);
	if (atomic_cmpxchg(&opened, 0, 1))
		return -EBUSY;
	WRITE_ONCE(reader_pid, get_pid(task_tgid(current)));
	charge_ring();
	session_begin();
	return stream_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct pid *pid = reader_pid;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	WRITE_ONCE(reader_pid, NULL);
	put_pid(pid);
	atomic_set_release(&opened, 0);
	return 0;
}

static bool is_readable(void)
{
	return READ_ONCE(session_pending) || READ_ONCE(fim_ring.used);
}

/* By the word, for the reason that fim_copy() has: records are some hundred bytes. */
static int copy_words(void __user *to, const void *from, u32 len)
{
	u64 __user *target = to;
	const u64 *source = from;
	u32 words = len / 8;

	if (!user_access_begin(to, len))
		return -EFAULT;
	for (; words >= 4; words -= 4, source += 4, target += 4) {
		unsafe_put_user(source[0], &target[0], fault);
		unsafe_put_user(source[1], &target[1], fault);
		unsafe_put_user(source[2], &target[2], fault);
		unsafe_put_user(source[3], &target[3], fault);
	}
	for (; words; words--)
		unsafe_put_user(*source++, target++, fault);
	user_access_end();
	return 0;

fault:
	user_access_end();
	return -EFAULT;
}

static int copy_records(char __user *buf, u32 len)
{
	u32 off, part;

	for (off = 0; off < len; off += part) {
		const void *bytes = fim_ring_bytes(&fim_ring, off, len - off, &part);

		if (copy_words(buf + off, bytes, part))
			return -EFAULT;
	}
	return 0;
}

/*
 * Whole records as long as they fit. One that faults stays unread: those before it are
 * found by going on one by one.
 */
static ssize_t read_records(char __user *buf, size_t size)
{
	u32 records = BATCH_RECORDS;
	struct fim_batch batch;
	size_t len = 0;

	if (session_pending) {
		if (copy_to_user(buf, &session, sizeof(session)))
			return -EFAULT;
		WRITE_ONCE(session_pending, false);
		len = sizeof(session);
	}
	while (fim_ring_peek(&fim_ring, min_t(size_t, size - len, INT_MAX), records, &batch)) {
		if (copy_records(buf + len, batch.len)) {
			if (records == 1)
				return len ?: -EFAULT;
			records = 1;
			continue;
		}
		fim_ring_consume(&fim_ring, &batch);
		len += batch.len;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return len;
}

static ssize_t device_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	ssize_t len;

	if (size < FIM_READ_MIN)
		return -EINVAL;
	for (;;) {
		if (mutex_lock_interruptible(&read_mutex))
			return -ERESTARTSYS;
		len = read_records(buf, size);
		mutex_unlock(&read_mutex);
		if (len)
			return len;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(fim_ring.readers, is_readable()))
			return -ERESTARTSYS;
	}
}

static __poll_t device_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &fim_ring.readers, wait);
	return is_readable() ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Every argument starts with its size; openat2(2) has set the rules. */
static int copy_arg(void *arg, size_t size, size_t size_min, const void __user *uarg,
		    u32 *usize_ret)
{
	u32 usize;

	if (get_user(usize, (const u32 __user *)uarg))
		return -EFAULT;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	if (usize < size_min)
		return -EINVAL;
	*usize_ret = usize;
	return copy_struct_from_user(arg, size, uarg, usize);
}

static long ioctl_info(void __user *uarg)
{
	struct fim_info info;
	u32 usize;
	int cpu, err;

	err = copy_arg(&info, sizeof(info), INFO_SIZE_MIN, uarg, &usize);
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	info.size = usize;
	info.abi = FIM_ABI_VERSION;
	info.features = fim_hook_features();
	spin_lock(&fim_ring.lock);
	info.ring_size = fim_ring.size;
	info.ring_used = fim_ring.used;
	info.seq = fim_ring.seq;
	info.lost = fim_ring.lost;
	spin_unlock(&fim_ring.lock);
	info.events = atomic64_read(&fim_counters.events);
	for_each_possible_cpu(cpu)
		info.filtered += READ_ONCE(per_cpu(fim_filtered, cpu));
	info.path_missing = atomic64_read(&fim_counters.path_missing);
	info.actor_partial = atomic64_read(&fim_counters.actor_partial);
	info.opener_missed = atomic64_read(&fim_counters.opener_missed);
	mutex_lock(&read_mutex);
	info.session = session.session;
	mutex_unlock(&read_mutex);
	info.watches = fim_watch_count();
	info.later_missed = atomic64_read(&fim_counters.later_missed);
	info.attempts_unsaid = atomic64_read(&fim_counters.attempts_unsaid);
	info.marks = fim_tree_count(&info.wide);
	info.armed = fim_guard_is_armed();
	info.audit = audit_enabled ? FIM_AUDIT_ON : FIM_AUDIT_OFF;
	return copy_to_user(uarg, &info, min_t(size_t, usize, sizeof(info))) ? -EFAULT : 0;
}

static long ioctl_watch_add(void __user *uarg)
{
	struct fim_watch watch;
	u32 usize;
	int err;

	err = copy_arg(&watch, sizeof(watch), WATCH_SIZE_MIN, uarg, &usize);
	if (err)
		return err;
	if (watch.flags || watch.reserved)
		return -EINVAL;
	err = fim_watch_add(&watch);
	if (err && err != -EEXIST)
		return err;
	if (!copy_to_user(uarg, &watch, min_t(size_t, usize, sizeof(watch))))
		return err;
	/* Nobody would know the id of this watch. */
	if (!err)
		fim_watch_del(watch.watch_id);
	return -EFAULT;
}

static long ioctl_watch_del(void __user *uarg)
{
	struct fim_watch_ref ref;
	u32 usize;
	int err;

	err = copy_arg(&ref, sizeof(ref), WATCH_REF_SIZE_MIN, uarg, &usize);
	if (err)
		return err;
	return fim_watch_del(ref.watch_id);
}

static long ioctl_rule_add(void __user *uarg)
{
	struct fim_root_rule rule;
	u32 usize;
	int err;

	err = copy_arg(&rule, sizeof(rule), RULE_SIZE_MIN, uarg, &usize);
	if (err)
		return err;
	if (rule.flags)
		return -EINVAL;
	return fim_newroot_rule_add(&rule);
}

static long ioctl_arm(void __user *uarg)
{
	struct fim_arm arm;
	u32 usize;
	int err;

	err = copy_arg(&arm, sizeof(arm), ARM_SIZE_MIN, uarg, &usize);
	if (err)
		return err;
	if (arm.flags & ~FIM_ARM_OFF)
		return -EINVAL;
	if (arm.flags & FIM_ARM_OFF)
		return fim_guard_disarm();
	fim_guard_arm();
	return 0;
}

/* The number in cmd counts, not its size: that may be another version's. */
static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	if (_IOC_TYPE(cmd) != FIM_IOC_MAGIC)
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(FIM_IOC_INFO):
		return ioctl_info(uarg);
	case _IOC_NR(FIM_IOC_ARM):
		return ioctl_arm(uarg);
	}
	/* What a reader watches, it alone decides. */
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(FIM_IOC_WATCH_ADD):
		return ioctl_watch_add(uarg);
	case _IOC_NR(FIM_IOC_WATCH_DEL):
		return ioctl_watch_del(uarg);
	case _IOC_NR(FIM_IOC_RULE_ADD):
		return ioctl_rule_add(uarg);
	}
	return -ENOTTY;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.poll = device_poll,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
	.mode = 0600,
};

int fim_chardev_init(void)
{
	int err = misc_register(&device);

	if (err)
		pr_err("not loaded: cannot register " FIM_DEVICE_PATH ": error %d\n", err);
	return err;
}

void fim_chardev_exit(void)
{
	misc_deregister(&device);
}
