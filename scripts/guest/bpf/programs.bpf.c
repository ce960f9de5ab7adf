// SPDX-License-Identifier: GPL-2.0
/*
 * A program for each way in which klp-bpf attaches one. It counts its calls.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static __always_inline int count(void)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&hits, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("kprobe")
int on_kprobe(void *ctx)
{
	return count();
}

SEC("kretprobe")
int on_kretprobe(void *ctx)
{
	return count();
}

SEC("kprobe.multi")
int on_multi(void *ctx)
{
	return count();
}

SEC("kretprobe.multi")
int on_return_multi(void *ctx)
{
	return count();
}

SEC("fentry")
int on_fentry(void *ctx)
{
	return count();
}

SEC("fexit")
int on_fexit(void *ctx)
{
	return count();
}

SEC("syscall")
int lookup(struct lookup *request)
{
	char name[sizeof(request->name)] __attribute__((aligned(8)));
	__u64 address = 0;

	/* The helper takes no name that is in the context. */
	__builtin_memcpy(name, request->name, sizeof(name));
	request->error = bpf_kallsyms_lookup_name(name, sizeof(name), 0, &address);
	request->address = address;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
