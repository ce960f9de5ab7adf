# SPDX-License-Identifier: GPL-2.0
#
# The kernel is what the other tests take it for, before anything of ours is loaded.

. /klp/ktap.sh

# The kernel is where it was asked to be: at its link-time address with nokaslr, elsewhere without.
kaslr_as_asked() {
	local text
	text=$(awk '$3 == "_text" { print $1 }' /proc/kallsyms)
	echo "_text is at $text"
	if grep -qw nokaslr /proc/cmdline; then
		[ "$text" = ffffffff81000000 ]
	else
		[ -n "$text" ] && [ "$text" != ffffffff81000000 ]
	fi
}

rust_module_comes_and_goes() {
	modprobe rust_minimal && log_says 'rust_minimal: Rust minimal sample (init)' &&
		rmmod rust_minimal && log_says 'rust_minimal: Rust minimal sample (exit)'
}

# String literals have a suffix in every lane: each file calls its own .str.
kallsyms_has_suffixes() {
	local literals others
	literals=$(grep -c ' \.str[.0-9]*\.llvm\.' /proc/kallsyms)
	others=$(grep '\.llvm\.' /proc/kallsyms | grep -vc ' \.str[.0-9]*\.llvm\.')
	echo "$literals string literals and $others others have the suffix of a promotion"
	[ "$literals" -gt 0 ] || return 1
	if suffix_reduced; then
		# Only what shares its name with something in another file.
		[ "$others" -lt 10 ]
	else
		[ "$others" -gt 100 ]
	fi
}

original=$(cat /proc/cmdline)
log_mark

ktap_suite smoke 6
check 'KASLR is as asked for' kaslr_as_asked
check 'what was promoted has a suffix, or as good as nothing' kallsyms_has_suffixes
check 'a Rust module loads and unloads' rust_module_comes_and_goes
check 'a livepatch loads' load_livepatch livepatch-sample
check 'it changes what /proc/cmdline says' grep -q 'this has been live patched' /proc/cmdline
unload_livepatch livepatch-sample >/dev/null
check 'without it /proc/cmdline is as before' test "$(cat /proc/cmdline)" = "$original"
