/* SPDX-License-Identifier: GPL-2.0 */
/* What klp-bpf and its programs tell each other. */
#ifndef KLP_BPF_SHARED_H
#define KLP_BPF_SHARED_H

/* A question to bpf_kallsyms_lookup_name(), and its answer. */
struct lookup {
	char name[64];
	long error;
	unsigned long address;
};

#endif
