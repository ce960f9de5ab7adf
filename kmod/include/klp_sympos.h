/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For livepatch authors: how to name symbols that are not exported.
 *
 * A declaration is tied to a symbol of the running kernel by its position among
 * the symbols of one name (sympos), as klp_func.old_sympos does for functions:
 *
 *	extern void third_init_once(void *obj)
 *		KLP_SYMPOS(vmlinux, init_once.llvm.*, 3);
 *
 * name			matches
 * foo			the symbols called foo; if there are none, those that
 *			ThinLTO renamed from foo to foo.llvm.<hash>
 * foo.llvm.*		both of them; only klp_sympos resolves it
 * function.symbol	a static local, by its whole name
 *
 * sympos 0 means the only match, n the n-th: by address in vmlinux, by symbol
 * table order in a module. `klp-gen symbols` lists names and positions, and
 * `klp-gen convert` turns the references into livepatch relocations. A plain
 * declaration without KLP_SYMPOS() serves where the name is unique.
 *
 * Never declare such a symbol weak: a livepatch that was not converted would
 * load with its address 0, and jump there.
 */
#ifndef _LINUX_KLP_SYMPOS_H
#define _LINUX_KLP_SYMPOS_H

#define KLP_SYMPOS(objname, name, sympos) \
	__asm__(".klp.sym." #objname "." #name "," #sympos)

#endif /* _LINUX_KLP_SYMPOS_H */
