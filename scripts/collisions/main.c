// SPDX-License-Identifier: GPL-2.0
/* Which foo() each side gets: the static adds 100, the other one 7. */

#include <stdio.h>

int call_static(int x);
int call_other(int x);

int main(void)
{
	printf("static %d other %d\n", call_static(0) - 1000, call_other(0));
	return 0;
}
