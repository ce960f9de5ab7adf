// SPDX-License-Identifier: GPL-2.0
/*
 * klp_sections - statics of one name, some of which go when the module is live
 *
 * While a module initialises, livepatch sees its whole symbol table; afterwards
 * only what is not in an init section.
 *
 * name		in the table			live
 * after	core, init			core
 * before	init, core			core
 * risen	init, risen.llvm.5 (core)	risen.llvm.5
 *
 * /proc/klp_sections says which versions of the functions ran.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "klp_sections.h"

static noinline int after(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

static noinline int before(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

noinline int risen(struct seq_file *m, void *v) __asm__("risen.llvm.5");

noinline int risen(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

/* What the functions of the init sections wrote. */
static char init_text[256];

static int sections_show(struct seq_file *m, void *v)
{
	seq_puts(m, init_text);
	seq_puts(m, "core after ");
	after(m, v);
	seq_puts(m, "core before ");
	before(m, v);
	seq_puts(m, "core risen ");
	risen(m, v);
	return 0;
}

static int __init klp_sections_init(void)
{
	struct seq_file text = { .buf = init_text, .size = sizeof(init_text) };

	call_init_before(&text);
	call_init_after(&text);
	return proc_create_single("klp_sections", 0400, NULL, sections_show) ?
		       0 :
		       -ENOMEM;
}

static void __exit klp_sections_exit(void)
{
	remove_proc_entry("klp_sections", NULL);
}

module_init(klp_sections_init);
module_exit(klp_sections_exit);
MODULE_DESCRIPTION("Symbols in init sections, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
