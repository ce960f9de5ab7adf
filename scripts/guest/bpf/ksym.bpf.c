// SPDX-License-Identifier: GPL-2.0
/*
 * A reference without a type to the symbol KSYM: libbpf looks it up.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "shared.h"

extern const void KSYM __ksym __weak;

SEC("syscall")
int lookup(struct lookup *request)
{
	request->address = (unsigned long)&KSYM;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
