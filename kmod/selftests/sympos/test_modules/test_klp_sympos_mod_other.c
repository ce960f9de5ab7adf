// SPDX-License-Identifier: GPL-2.0

#include <linux/sysfs.h>
#include "test_klp_sympos_mod.h"

static noinline __used int test_klp_sympos_twin(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "-");
}

static noinline __used int test_klp_sympos_mixed(char *buf, int at)
	__asm__("test_klp_sympos_mixed.llvm.5678");

static int test_klp_sympos_mixed(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "-");
}

int test_klp_sympos_other(char *buf, int at)
{
	int written;

	written = test_klp_sympos_twin(buf, at);
	written += test_klp_sympos_mixed(buf, at + written);

	return written;
}
