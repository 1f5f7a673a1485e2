// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a hook at open costs: one that does nothing, asked for as cheaply as
 * ecs_fim asks for its own.
 */
#include <linux/ftrace.h>
#include <linux/module.h>

#include "compat.h"

static void notrace nothing(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			    struct fim_hook_regs *regs)
{
}

static struct ftrace_ops ops = {
	.func = nothing,
	.flags = FIM_FTRACE_DIRECT | FIM_FTRACE_REGS,
};

static int __init floor_init(void)
{
	static char name[] = "security_file_open";
	int err = ftrace_set_filter(&ops, name, strlen(name), 1);

	return err ?: register_ftrace_function(&ops);
}

static void __exit floor_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_set_filter(&ops, NULL, 0, 1);
}

module_init(floor_init);
module_exit(floor_exit);

MODULE_DESCRIPTION("A hook at open that does nothing");
MODULE_LICENSE("GPL");
