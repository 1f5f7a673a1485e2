// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the periodic look at what everything else relies on: do the hooks answer, has
 * somebody taken a mark of ours away? Only another module can do either; the reader
 * is told, and what lost a mark is heard as a part of its whole filesystem until the
 * reader adds the watch again.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include "ecs_fim.h"

static unsigned int check_s = 60;
module_param(check_s, uint, 0444);
MODULE_PARM_DESC(check_s, "seconds between two checks of hooks and marks, 1 to 3600 (default 60)");

static void look(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(look_work, look);

static bool over;

static void look_later(void)
{
	queue_delayed_work(system_power_efficient_wq, &look_work,
			   clamp_t(unsigned int, check_s, 1, 3600) * HZ);
}

static void look(struct work_struct *work)
{
	if (READ_ONCE(over))
		return;
	fim_hook_check();
	fim_tree_check();
	look_later();
}

void fim_check_now(void)
{
	mod_delayed_work(system_power_efficient_wq, &look_work, 0);
}

void fim_check_init(void)
{
	look_later();
}

void fim_check_exit(void)
{
	WRITE_ONCE(over, true);
	cancel_delayed_work_sync(&look_work);
}
