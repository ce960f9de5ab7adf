/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For livepatch authors: how to name symbols that are not exported.
 *
 * A plain declaration serves where the name is unique. Where it is not, the
 * declaration says which of the symbols is meant, by the source file or by the
 * position among the symbols of that name (sympos):
 *
 *	extern void inode_init_once(void *obj)
 *		KLP_SYMFILE(vmlinux, init_once, "fs/inode.c");
 *	extern void third_init_once(void *obj)
 *		KLP_SYMPOS(vmlinux, init_once.llvm.*, 3);
 *
 * klp-gen turns such references into livepatch relocations. The function to be
 * replaced is named in the same ways: .old_name = "init_once,fs/inode.c", or
 * .old_name and .old_sympos. No kernel understands the former: a livepatch that
 * klp-gen has not seen is refused.
 *
 * name			matches
 * foo			the symbols called foo; if there are none, those that
 *			ThinLTO renamed from foo to foo.llvm.<hash>
 * foo.llvm.<hash>	the symbol of that build, or none
 * foo.llvm.*		both of them; only klp_sympos resolves it
 * function.symbol	a static local, by its whole name
 *
 * sympos 0 means the only match, n the n-th: by address in vmlinux, by symbol
 * table order in a module. `klp-gen symbols` lists names and positions.
 *
 * Never declare such a symbol weak: a livepatch that was not converted would
 * load with its address 0, and jump there.
 */
#ifndef _LINUX_KLP_SYMPOS_H
#define _LINUX_KLP_SYMPOS_H

/* The symbol at this position among those called name. */
#define KLP_SYMPOS(objname, name, sympos) \
	__asm__(".klp.sym." #objname "." #name "," #sympos)

/*
 * The static symbol called name of a C file, which is a string: a path from the
 * top of the kernel tree, or the end of one.
 */
#define KLP_SYMFILE(objname, name, file) \
	__asm__(".klp.sym." #objname "." #name "," file)

#endif /* _LINUX_KLP_SYMPOS_H */
