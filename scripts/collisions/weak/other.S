/* SPDX-License-Identifier: GPL-2.0 */
	.weak	foo
	.type	foo, @function
foo:
	leal	7(%rdi), %eax
	ret
	.size	foo, . - foo

	.globl	call_other
	.type	call_other, @function
call_other:
	jmp	foo
	.size	call_other, . - call_other

	.section .note.GNU-stack, "", @progbits
