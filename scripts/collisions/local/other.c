// SPDX-License-Identifier: GPL-2.0
/* Assembler that is in C, and a name of its own. */

asm(".pushsection .text\n"
    ".type foo, @function\n"
    "foo: leal 7(%rdi), %eax\n"
    "ret\n"
    ".size foo, . - foo\n"
    ".globl call_other\n"
    ".type call_other, @function\n"
    "call_other: jmp foo\n"
    ".size call_other, . - call_other\n"
    ".popsection\n");
