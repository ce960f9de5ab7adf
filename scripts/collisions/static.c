// SPDX-License-Identifier: GPL-2.0
/* A static that another file needs, since that imports its caller. */

#ifdef REMEDY
#define __used __attribute__((used))
#else
#define __used
#endif

static __used __attribute__((noinline)) int foo(int x)
{
	return x + 100;
}

int call_static(int x)
{
	return foo(x) + 1000;
}
