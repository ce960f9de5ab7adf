/* SPDX-License-Identifier: GPL-2.0 */
/* The questions of klp-bpf to its programs. */
#ifndef KLP_BPF_SHARED_H
#define KLP_BPF_SHARED_H

/* A question to bpf_kallsyms_lookup_name(), and its answer. */
struct lookup {
	char name[64];
	long error;
	unsigned long address;
};

#endif
