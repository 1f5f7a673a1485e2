// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ladder up and down. Owns the ring's memory and the counters.
 *
 * Whoever produces starts after whoever consumes, and stops before: a record
 * always finds the ring, a hook always finds its table.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/vmalloc.h>

#include "ecs_fim.h"

#define RING_KB_MIN 64
#define RING_KB_MAX 65536

static unsigned int ring_kb = 4096;
module_param(ring_kb, uint, 0444);
MODULE_PARM_DESC(ring_kb, "size of the event ring in KiB, 64 to 65536 (default 4096)");

struct fim_counters fim_counters;
DEFINE_PER_CPU(u64, fim_filtered);
struct fim_ring fim_ring;

static int ring_memory_init(void)
{
	unsigned int kb = clamp_t(unsigned int, ring_kb, RING_KB_MIN, RING_KB_MAX);
	void *buf;

	if (kb != ring_kb)
		pr_warn("ring_kb=%u is out of range, using %u\n", ring_kb, kb);
	ring_kb = kb;
	buf = vmalloc(kb * 1024);
	if (!buf) {
		pr_err("not loaded: no memory for a ring of %u KiB\n", kb);
		return -ENOMEM;
	}
	fim_ring_init(&fim_ring, buf, kb * 1024);
	return 0;
}

static void ring_memory_exit(void)
{
	fim_ring_exit(&fim_ring);
	vfree(fim_ring.buf);
}

static int __init fim_init(void)
{
	int err;

	if (!fim_selftest())
		return -EIO;
	fim_actor_init();
	fim_who_init();
	fim_intent_init();
	err = ring_memory_init();
	if (err)
		return err;
	err = fim_event_init();
	if (err)
		goto err_ring;
	err = fim_opener_init();
	if (err)
		goto err_event;
	err = fim_mark_init();
	if (err)
		goto err_opener;
	fim_hook_init();
	fim_check_init();
	err = fim_chardev_init();
	if (err)
		goto err_hook;
	pr_info("loaded, ABI %u, ring %u KiB, features %#llx\n", FIM_ABI_VERSION, ring_kb,
		fim_hook_features());
	return 0;

err_hook:
	fim_check_exit();
	fim_hook_exit();
	fim_newroot_exit();
	fim_later_exit();
	fim_mark_exit();
err_opener:
	fim_opener_exit();
	fim_who_exit();
err_event:
	fim_event_exit();
err_ring:
	ring_memory_exit();
	return err;
}

/* The device is closed: an open one holds a reference to the module. */
static void __exit fim_exit(void)
{
	fim_chardev_exit();
	fim_check_exit();
	fim_hook_exit();
	fim_newroot_exit();
	fim_later_exit();
	fim_watch_exit();
	fim_mark_exit();
	fim_check_exit();
	fim_opener_exit();
	fim_who_exit();
	fim_event_exit();
	ring_memory_exit();
	pr_info("unloaded\n");
}

module_init(fim_init);
module_exit(fim_exit);

MODULE_DESCRIPTION("File-integrity events for Amazon ECS hosts");
MODULE_AUTHOR("ecs-fim authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
