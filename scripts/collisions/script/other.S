/* SPDX-License-Identifier: GPL-2.0 */
	.globl	call_other
	.type	call_other, @function
call_other:
	leal	7(%rdi), %eax
	ret
	.size	call_other, . - call_other

	.section .note.GNU-stack, "", @progbits
