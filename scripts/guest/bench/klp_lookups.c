// SPDX-License-Identifier: GPL-2.0
/*
 * klp_lookups - times symbol lookups of the running kernel
 *
 * Write "WAY SYMPOS CALLS NAME" to the parameter `measure`, then read from it
 * "NANOSECONDS ALLOCATIONS ADDRESS", for all CALLS together. A lookup that
 * fails gives address 0. The ways `list` and `list-source` look up all
 * functions that ftrace can trace and that are alone with their names, by their
 * full names or by those in the source, in one call; NAME is how many at most,
 * and ADDRESS how many there were.
 *
 * A livepatch in nothing but its relocations: what it calls is not exported.
 */
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/klp_sympos.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <trace/events/kmem.h>

/* The names differ, since <linux/kallsyms.h> declares two of them. */
extern int find_object_symbol(struct module *pmod, const char *objname,
			      const char *name, unsigned long sympos,
			      unsigned long *addr)
	KLP_SYMPOS(vmlinux, klp_find_object_symbol, 0);
typeof(kallsyms_lookup_name) lookup_name
	KLP_SYMPOS(vmlinux, kallsyms_lookup_name, 0);
typeof(kallsyms_on_each_match_symbol) on_each_match_symbol
	KLP_SYMPOS(vmlinux, kallsyms_on_each_match_symbol, 0);
typeof(kallsyms_on_each_symbol) on_each_symbol
	KLP_SYMPOS(vmlinux, kallsyms_on_each_symbol, 0);
typeof(ftrace_location) location KLP_SYMPOS(vmlinux, ftrace_location, 0);
typeof(ftrace_lookup_symbols) lookup_symbols
	KLP_SYMPOS(vmlinux, ftrace_lookup_symbols, 0);

struct match {
	unsigned long addr;
	unsigned long count;
	unsigned long pos;
};

/* As klp_match_callback(). */
static int match_callback(void *data, unsigned long addr)
{
	struct match *match = data;

	match->addr = addr;
	match->count++;
	return match->pos ? match->count == match->pos : match->count > 1;
}

/* klp_find_object_symbol() as it is without the patch that adds the hook. */
static unsigned long unpatched(const char *name, unsigned long sympos)
{
	struct match match = { .pos = sympos };

	on_each_match_symbol(match_callback, name, &match);
	return match.count == (sympos ?: 1) ? match.addr : 0;
}

static unsigned long livepatch(const char *name, unsigned long sympos)
{
	unsigned long addr;

	return find_object_symbol(THIS_MODULE, NULL, name, sympos, &addr) ? 0 : addr;
}

static unsigned long kallsyms(const char *name, unsigned long sympos)
{
	return lookup_name(name);
}

/* Names to be looked up in one call. */
struct list {
	const char **names;
	size_t count;
	size_t max;
	bool source;
	int error;
};

static int add_name(void *data, const char *name, unsigned long addr)
{
	const char *suffix = strstr(name, ".llvm.");
	struct list *list = data;

	if (!location(addr))
		return 0;

	if (!list->source)
		suffix = NULL;
	list->names[list->count] = suffix ?
		kstrndup(name, suffix - name, GFP_KERNEL) :
		kstrdup(name, GFP_KERNEL);
	if (!list->names[list->count]) {
		list->error = -ENOMEM;
		return 1;
	}
	return ++list->count == list->max;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char **)a, *(const char **)b);
}

/* What several symbols have is looked up by nobody. */
static void drop_repeated(struct list *list)
{
	size_t i, next, kept = 0;

	for (i = 0; i < list->count; i = next) {
		for (next = i + 1; next < list->count; next++) {
			if (strcmp(list->names[i], list->names[next]))
				break;
		}
		if (next == i + 1) {
			list->names[kept++] = list->names[i];
			continue;
		}
		while (i < next)
			kfree(list->names[i++]);
	}
	list->count = kept;
}

/* Does not count the time that it takes to make the list. */
static unsigned long look_up_list(const char *max, bool source, u64 *start)
{
	struct list list = { .source = source };
	unsigned long *addrs;
	size_t i;

	if (kstrtoul(max, 10, &list.max) || !list.max)
		return 0;

	list.names = kvcalloc(list.max, sizeof(*list.names), GFP_KERNEL);
	addrs = kvcalloc(list.max, sizeof(*addrs), GFP_KERNEL);
	if (list.names && addrs) {
		on_each_symbol(add_name, &list);
		sort(list.names, list.count, sizeof(*list.names), compare_names, NULL);
		drop_repeated(&list);
		*start = ktime_get_ns();
		if (list.error || lookup_symbols(list.names, list.count, addrs))
			*start = 0;
	}
	kvfree(addrs);
	for (i = 0; i < list.count; i++)
		kfree(list.names[i]);
	kvfree(list.names);
	return *start ? list.count : 0;
}

static const struct {
	const char *name;
	unsigned long (*look_up)(const char *name, unsigned long sympos);
} ways[] = {
	{ "unpatched", unpatched },
	{ "livepatch", livepatch },
	{ "kallsyms", kallsyms },
};

static struct task_struct *counted_task;
static unsigned long allocations;

static void count_kmalloc(void *data, unsigned long call_site, const void *ptr,
			  size_t bytes_req, size_t bytes_alloc, gfp_t flags,
			  int node)
{
	if (in_task() && current == READ_ONCE(counted_task))
		allocations++;
}

static void count_cache(void *data, unsigned long call_site, const void *ptr,
			struct kmem_cache *cache, gfp_t flags, int node)
{
	if (in_task() && current == READ_ONCE(counted_task))
		allocations++;
}

static DEFINE_MUTEX(measure_mutex);
static u64 nanoseconds;
static unsigned long address;

static int measure_set(const char *text, const struct kernel_param *kp)
{
	unsigned long sympos;
	unsigned int calls, way;
	char word[16];
	bool list;
	char *name;
	int at = 0;

	if (sscanf(text, "%15s %lu %u %n", word, &sympos, &calls, &at) < 3 || !at)
		return -EINVAL;

	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		if (!strcmp(ways[way].name, word))
			break;
	}
	list = !strcmp(word, "list") || !strcmp(word, "list-source");
	if (way == ARRAY_SIZE(ways) && !list)
		return -EINVAL;

	name = kstrdup(text + at, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	name = strim(name);

	scoped_guard(mutex, &measure_mutex) {
		u64 start;

		allocations = 0;
		WRITE_ONCE(counted_task, current);
		start = ktime_get_ns();
		if (list)
			address = look_up_list(name, !strcmp(word, "list-source"),
					       &start);
		else
			while (calls--)
				address = ways[way].look_up(name, sympos);
		nanoseconds = ktime_get_ns() - start;
		WRITE_ONCE(counted_task, NULL);
	}
	kfree(name);
	return 0;
}

static int measure_get(char *buffer, const struct kernel_param *kp)
{
	guard(mutex)(&measure_mutex);

	return sysfs_emit(buffer, "%llu %lu %lx\n", nanoseconds, allocations,
			  address);
}

static const struct kernel_param_ops measure_ops = {
	.set = measure_set,
	.get = measure_get,
};

module_param_cb(measure, &measure_ops, NULL, 0600);
MODULE_PARM_DESC(measure, "WAY SYMPOS CALLS NAME");

/* Whether the counter sees one allocation of each kind. */
static bool counts_allocations(void)
{
	struct kmem_cache *cache = KMEM_CACHE(match, 0);
	void *object, *memory;

	if (!cache)
		return false;

	allocations = 0;
	WRITE_ONCE(counted_task, current);
	memory = kmalloc(64, GFP_KERNEL);
	object = kmem_cache_alloc(cache, GFP_KERNEL);
	WRITE_ONCE(counted_task, NULL);
	kfree(memory);
	if (object)
		kmem_cache_free(cache, object);
	kmem_cache_destroy(cache);
	return allocations == 2;
}

static void stop_counting(void)
{
	unregister_trace_kmem_cache_alloc(count_cache, NULL);
	unregister_trace_kmalloc(count_kmalloc, NULL);
	tracepoint_synchronize_unregister();
}

static int __init klp_lookups_init(void)
{
	int ret;

	ret = register_trace_kmalloc(count_kmalloc, NULL);
	if (ret)
		return ret;
	ret = register_trace_kmem_cache_alloc(count_cache, NULL);
	if (ret) {
		unregister_trace_kmalloc(count_kmalloc, NULL);
		return ret;
	}
	if (!counts_allocations()) {
		pr_err("expected to count 2 allocations, found %lu\n", allocations);
		stop_counting();
		return -ENODEV;
	}
	return 0;
}

static void __exit klp_lookups_exit(void)
{
	stop_counting();
}

module_init(klp_lookups_init);
module_exit(klp_lookups_exit);
MODULE_DESCRIPTION("Times symbol lookups, for cargo xtask bench");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
