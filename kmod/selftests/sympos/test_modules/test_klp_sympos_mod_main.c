// SPDX-License-Identifier: GPL-2.0

#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>
#include "test_klp_sympos_mod.h"

/* The other file has one of this name as well. */
static noinline __used int test_klp_sympos_twin(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "-");
}

/*
 * What ThinLTO makes of a static function that it promotes. The label stands
 * for that, so that the test does not depend on the compiler.
 */
static noinline __used int test_klp_sympos_promoted(char *buf, int at)
	__asm__("test_klp_sympos_promoted.llvm.1234");

static int test_klp_sympos_promoted(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "-");
}

/* The other file has one of this name that is promoted. */
static noinline __used int test_klp_sympos_mixed(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "-");
}

/* twin, promoted, mixed, and of the other file: twin, mixed.llvm.5678 */
static ssize_t values_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	int at = 0;

	at += test_klp_sympos_twin(buf, at);
	at += test_klp_sympos_promoted(buf, at);
	at += test_klp_sympos_mixed(buf, at);
	at += test_klp_sympos_other(buf, at);
	at += sysfs_emit_at(buf, at, "\n");

	return at;
}

static struct kobj_attribute values_attr = __ATTR_RO(values);
static struct kobject *kobj;

static int test_klp_sympos_mod_init(void)
{
	int ret;

	kobj = kobject_create_and_add(KBUILD_MODNAME, kernel_kobj);
	if (!kobj)
		return -ENOMEM;

	ret = sysfs_create_file(kobj, &values_attr.attr);
	if (ret)
		kobject_put(kobj);
	return ret;
}

static void test_klp_sympos_mod_exit(void)
{
	kobject_put(kobj);
}

module_init(test_klp_sympos_mod_init);
module_exit(test_klp_sympos_mod_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Livepatch test: functions that share names");
