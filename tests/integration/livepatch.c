// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live patch that is harmless and can be seen: /proc/cmdline says so, as the kernel's
 * own sample does.
 */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int patched_cmdline_proc_show(struct seq_file *file, void *v)
{
	seq_puts(file, "this has been live patched\n");
	return 0;
}

static struct klp_func funcs[] = {
	{.old_name = "cmdline_proc_show", .new_func = patched_cmdline_proc_show},
	{},
};

static struct klp_object objects[] = {
	{.funcs = funcs}, /* of vmlinux */
	{},
};

static struct klp_patch patch = {.mod = THIS_MODULE, .objs = objects};

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("live patch of the tests");
MODULE_INFO(livepatch, "Y");
