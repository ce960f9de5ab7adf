// SPDX-License-Identifier: GPL-2.0
/* A member of a library that nothing refers to, so that it is not linked. */

__attribute__((noinline)) int foo(int x)
{
	return x + 3;
}

int call_library(int x)
{
	return foo(x);
}
