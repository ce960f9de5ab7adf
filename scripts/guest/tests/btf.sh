# SPDX-License-Identifier: GPL-2.0
#
# The kernel and the modules have BTF that the kernel takes, modules that were built outside of it as well.

. /klp/ktap.sh

btf=/sys/kernel/btf

# btf_strings(object) - every string in the BTF of vmlinux or of a module
btf_strings() {
	tr '\0' '\n' <"$btf/$1"
}

# has_btf(module) - whether the kernel has taken the BTF that came with a module
has_btf() {
	ls -l "$btf/$1"
	[ -s "$btf/$1" ]
}

# Generic types are of Rust; no name in C has such a character.
no_type_of_rust() {
	! btf_strings vmlinux | grep -am1 -E '^(Option|Result|NonNull|Opaque|PhantomData)<'
}

# Of the functions that have a suffix, those whose name in the source occurs in the BTF.
promoted_functions_by_source_name() {
	local all known
	sed -nE 's/^[0-9a-f]+ t ([^ .]+)\.llvm\.[0-9]+$/\1/p' /proc/kallsyms | sort -u >/tmp/promoted
	btf_strings vmlinux | LC_ALL=C sort -u >/tmp/strings
	all=$(wc -l </tmp/promoted)
	known=$(LC_ALL=C sort /tmp/promoted | LC_ALL=C comm -12 - /tmp/strings | wc -l)
	echo "$known of $all promoted functions"
	[ "$all" -gt 100 ] && [ "$((known * 10))" -gt "$((all * 9))" ]
}

no_hash_in_btf() {
	! btf_strings vmlinux | grep -am1 -F .llvm.
}

# Where the first unit of a module is of Rust, pahole leaves the others out as well.
modules_in_rust_load() {
	modprobe rust_minimal && modprobe klp_sympos && [ ! -e "$btf/rust_minimal" ] && [ ! -e "$btf/klp_sympos" ]
}

nothing_refused() {
	! dmesg | grep -E 'BPF: |failed to validate module|invalid BTF|BTF: '
}

ktap_suite btf 10
check 'the kernel has BTF' has_btf vmlinux
check 'no type of Rust is in it' no_type_of_rust
check 'promoted functions are, by their names in the source' promoted_functions_by_source_name
check 'no name has the suffix of a promotion' no_hash_in_btf
modprobe livepatch-sample
check 'a livepatch of the kernel has BTF' has_btf livepatch_sample
insmod /klp/modules/klp_target.ko
check 'a module that is built outside has it' has_btf klp_target
check 'modules in Rust load without it' modules_in_rust_load
check 'a livepatch that klp-gen converted loads' load_livepatch livepatch_ldiscs
check 'and has kept its BTF' has_btf livepatch_ldiscs
check 'the kernel refused none of it' nothing_refused
