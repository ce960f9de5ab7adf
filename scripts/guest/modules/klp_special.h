/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KLP_SPECIAL_H
#define KLP_SPECIAL_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct seq_file;

DECLARE_STATIC_KEY_FALSE(special_key);

int special_show(struct seq_file *m);
void special_call_update(bool second);

#endif /* KLP_SPECIAL_H */
