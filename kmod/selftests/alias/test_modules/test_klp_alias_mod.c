// SPDX-License-Identifier: GPL-2.0

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static DECLARE_COMPLETION(held_release);
static atomic_t held_tasks;

/* One function that has two names. Both are used, or LLVM would keep only one. */
static noinline __used ssize_t test_klp_alias_f(char *buf)
{
	return sysfs_emit(buf, "%s\n", "original");
}

static ssize_t test_klp_alias_g(char *buf) __used __alias(test_klp_alias_f);

/*
 * Keeps its caller until "release" is written. A livepatch that replaces this
 * function has to wait for the task, which then calls test_klp_alias_f() as a
 * task that is still in the state from before the transition.
 */
static noinline ssize_t test_klp_alias_hold(char *buf)
{
	int ret;

	atomic_inc(&held_tasks);
	/* Not interruptible: livepatch sends a fake signal after a while. */
	ret = wait_for_completion_killable(&held_release);
	atomic_dec(&held_tasks);
	if (ret)
		return ret;

	return test_klp_alias_f(buf);
}

static ssize_t value_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return test_klp_alias_f(buf);
}

static ssize_t held_value_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return test_klp_alias_hold(buf);
}

static ssize_t held_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&held_tasks));
}

static ssize_t release_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	complete_all(&held_release);
	return count;
}

static struct kobj_attribute value_attr = __ATTR_RO(value);
static struct kobj_attribute held_value_attr = __ATTR_RO(held_value);
static struct kobj_attribute held_attr = __ATTR_RO(held);
static struct kobj_attribute release_attr = __ATTR_WO(release);

static struct attribute *attrs[] = {
	&value_attr.attr,
	&held_value_attr.attr,
	&held_attr.attr,
	&release_attr.attr,
	NULL
};

static const struct attribute_group group = {
	.attrs = attrs,
};

static struct kobject *kobj;

static int test_klp_alias_mod_init(void)
{
	int ret;

	kobj = kobject_create_and_add(KBUILD_MODNAME, kernel_kobj);
	if (!kobj)
		return -ENOMEM;

	ret = sysfs_create_group(kobj, &group);
	if (ret)
		kobject_put(kobj);
	return ret;
}

static void test_klp_alias_mod_exit(void)
{
	kobject_put(kobj);
}

module_init(test_klp_alias_mod_init);
module_exit(test_klp_alias_mod_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Livepatch test: a function that has two names");
