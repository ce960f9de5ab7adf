/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/linkage.h>

	.text

SYM_FUNC_START_WEAK(klp_planted_weak)
	leal	7(%rdi), %eax
	RET
SYM_FUNC_END(klp_planted_weak)
