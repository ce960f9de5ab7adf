/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TEST_KLP_SYMPOS_MOD_H
#define _TEST_KLP_SYMPOS_MOD_H

int test_klp_sympos_other(char *buf, int at);

#endif
