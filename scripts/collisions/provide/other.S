/* SPDX-License-Identifier: GPL-2.0 */
/* foo is what the linker script provides: seven. */
	.globl	call_other
	.type	call_other, @function
call_other:
	jmp	foo
	.size	call_other, . - call_other

	.globl	seven
	.type	seven, @function
seven:
	leal	7(%rdi), %eax
	ret
	.size	seven, . - seven

	.section .note.GNU-stack, "", @progbits
