/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/init.h>

struct seq_file;

int __init call_init_before(struct seq_file *m);
int __init call_init_after(struct seq_file *m);
