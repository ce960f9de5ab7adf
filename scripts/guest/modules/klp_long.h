/* SPDX-License-Identifier: GPL-2.0 */
/* Names as long as kallsyms takes them, and one byte more. */
#define TIMES_4(s)	s s s s
#define TIMES_5(s)	s s s s s
#define TIMES_100(s)	TIMES_5(TIMES_5(TIMES_4(s)))
#define TIMES_500(s)	TIMES_5(TIMES_100(s))

#define BYTES_504(c)	TIMES_500(c) TIMES_4(c)
#define BYTES_511(c)	BYTES_504(c) TIMES_5(c) c c

/* With 504 bytes left of the suffix there is just room for `.llvm.*`. */
#define PATCHED		BYTES_511("p")
#define CALLED		BYTES_511("c")
#define PROMOTED	BYTES_504("q") ".llvm.5"
#define PROMOTED_ANY	BYTES_504("q") ".llvm.*"
#define TOO_LONG	BYTES_511("t") "t"
