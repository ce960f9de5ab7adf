// SPDX-License-Identifier: GPL-2.0
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/cpufeature.h>
#include <linux/dynamic_debug.h>
#include <linux/error-injection.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>

#include "klp_special.h"

#define CREATE_TRACE_POINTS
#include "klp_special_trace.h"

static const char *call_first(void)
{
	return "first";
}

static const char *call_second(void)
{
	return "second";
}

static const char *(*const calls[])(void) = { call_first, call_second };
static int chosen;
static atomic_t shown;

DEFINE_STATIC_KEY_FALSE(special_key);
DEFINE_STATIC_CALL(special_call, call_first);

void special_call_update(bool second)
{
	WRITE_ONCE(chosen, second);
	static_call_update(special_call, calls[second]);
}

/* __jump_table */
static noinline void key_show(struct seq_file *m)
{
	if (static_branch_unlikely(&special_key))
		seq_puts(m, "static key on\n");
	else
		seq_puts(m, "static key off\n");
}

/* .static_call_sites */
static noinline void call_show(struct seq_file *m)
{
	seq_printf(m, "static call %s\n", static_call(special_call)());
}

/* .retpoline_sites, .kcfi_traps */
static noinline void pointer_show(struct seq_file *m)
{
	seq_printf(m, "pointer %s\n", calls[READ_ONCE(chosen)]());
}

/* .altinstructions */
static noinline void alternative_show(struct seq_file *m)
{
	seq_printf(m, "smap %s\n",
		   static_cpu_has(X86_FEATURE_SMAP) ? "yes" : "no");
}

/* Nothing is mapped at 0. */
static noinline int fault(void)
{
	const int __user *nothing = NULL;
	int value;

	if (!user_read_access_begin(nothing, sizeof(value)))
		return -EACCES;
	unsafe_get_user(value, nothing, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/* __ex_table */
static noinline void fault_show(struct seq_file *m)
{
	seq_printf(m, "fault %d\n", fault());
}

/* _error_injection_whitelist; the compiler must not know the result. */
static noinline int special_result(void)
{
	int result = 0;

	OPTIMIZER_HIDE_VAR(result);
	return result;
}
ALLOW_ERROR_INJECTION(special_result, ERRNO);

static noinline void result_show(struct seq_file *m)
{
	seq_printf(m, "result %d\n", special_result());
}

/* .smp_locks, __bug_table, .printk_index, __dyndbg, __tracepoints */
static noinline void shown_show(struct seq_file *m)
{
	int times = atomic_inc_return(&shown);

	WARN_ON_ONCE(times < 0);
	if (times == INT_MAX)
		pr_warn("klp_special: shown too often\n");
	pr_debug("shown %d times\n", times);
	trace_klp_special_shown(times);
	seq_printf(m, "shown %d\n", times);
}

static noinline int all_show(struct seq_file *m)
{
	key_show(m);
	call_show(m);
	pointer_show(m);
	alternative_show(m);
	fault_show(m);
	result_show(m);
	shown_show(m);
	return 0;
}

/* So small that ThinLTO imports it into klp_special_main.c, and promotes all_show() for that. */
int special_show(struct seq_file *m)
{
	return all_show(m);
}
