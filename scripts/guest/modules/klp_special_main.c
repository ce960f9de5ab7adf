// SPDX-License-Identifier: GPL-2.0
/*
 * klp_special - a module of two objects that has each of the special sections
 *
 * A special section belongs to code in another one: __jump_table, .static_call_sites,
 * .altinstructions, __ex_table, __bug_table, .smp_locks, .kcfi_traps, .retpoline_sites, .call_sites,
 * __tracepoints, __dyndbg, .printk_index, _error_injection_whitelist. Each function of
 * klp_special_show.c needs one or two of them, and writes a line of /proc/klp_special, by which a
 * livepatch of it is seen. The module parameters switch what can be switched.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "klp_special.h"

static int key_set(const char *value, const struct kernel_param *kp)
{
	bool on;
	int error = kstrtobool(value, &on);

	if (error)
		return error;
	if (on)
		static_branch_enable(&special_key);
	else
		static_branch_disable(&special_key);
	return 0;
}

static int call_set(const char *value, const struct kernel_param *kp)
{
	bool second;
	int error = kstrtobool(value, &second);

	if (!error)
		special_call_update(second);
	return error;
}

static const struct kernel_param_ops key_ops = { .set = key_set };
static const struct kernel_param_ops call_ops = { .set = call_set };

module_param_cb(key, &key_ops, NULL, 0200);
MODULE_PARM_DESC(key, "Whether the static key is on");
module_param_cb(call, &call_ops, NULL, 0200);
MODULE_PARM_DESC(call, "Whether calls go to the second function");

static int klp_special_show(struct seq_file *m, void *v)
{
	return special_show(m);
}

static int __init klp_special_init(void)
{
	return proc_create_single("klp_special", 0400, NULL, klp_special_show) ?
		       0 :
		       -ENOMEM;
}

static void __exit klp_special_exit(void)
{
	remove_proc_entry("klp_special", NULL);
}

module_init(klp_special_init);
module_exit(klp_special_exit);
MODULE_DESCRIPTION("All special sections, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
