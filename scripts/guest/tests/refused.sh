# SPDX-License-Identifier: GPL-2.0
#
# What the kernel refuses, by its own words: first without klp_sympos, then with it. livepatches/refusals.txt
# has the livepatches and the texts, which `klp-gen check` was held to on the host.

. /klp/ktap.sh

refusals=$(grep -v '^#' /klp/refusals.txt)

# refused(module, text) - whether loading fails and the log says the text
refused() {
	log_mark
	if insmod "/klp/modules/$1.ko"; then
		unload_livepatch "$1"
		return 1
	fi
	log_says "$2"
}

# unresolved(module, symbol) - whether loading fails for want of a symbol
unresolved() {
	log_mark
	! insmod "/klp/modules/$1.ko" && log_says "Unknown symbol $2"
}

# refused_and_logged(module) - store in /tmp/logged what klp_sympos logs while the livepatch is refused
refused_and_logged() {
	log_mark
	! insmod "/klp/modules/$1.ko" || return 1
	log_since | sed -n 's/^\[[ 0-9.]*\] \(klp_sympos:\)/\1/p' >/tmp/logged
	cat /tmp/logged
}

# lists_candidates(module, name) - whether klp_sympos logs the refusal and up to eight of the symbols
# that have the name, and nothing else
lists_candidates() {
	local matches
	matches=$(awk -v name="$2" '$3 == name' /proc/kallsyms | wc -l)
	refused_and_logged "$1" || return 1
	diff /tmp/logged <(
		echo "klp_sympos: unresolvable ambiguity for symbol '$2' in object 'vmlinux'"
		echo "klp_sympos: '$2' matches $matches symbols of 'vmlinux':"
		seq -f "klp_sympos:   %g: $2" $((matches < 8 ? matches : 8))
		if ((matches > 8)); then echo "klp_sympos:   and $((matches - 8)) more"; fi
	)
}

# lists_this_build(module, name) - whether klp_sympos logs that a hash is of another build, and up to eight of
# the symbols that have the name without it
lists_this_build() {
	local clean=${2%.llvm.*} matches
	awk -v name="$clean" 'NF == 3 && ($3 == name || $3 ~ "^" name "\\.llvm\\.[0-9]+$") { print $3 }' \
		/proc/kallsyms >/tmp/here
	matches=$(wc -l </tmp/here)
	refused_and_logged "$1" || return 1
	diff /tmp/logged <(
		echo "klp_sympos: symbol '$2' not found in symbol table"
		echo "klp_sympos: the livepatch is of another build; symbols called '$clean' in this 'vmlinux': $matches"
		head -n 8 /tmp/here | awk '{ print "klp_sympos:   " NR ": " $0 }'
		if ((matches > 8)); then echo "klp_sympos:   and $((matches - 8)) more"; fi
	)
}

loads_and_unloads() {
	load_livepatch "/klp/modules/$1.ko" && unload_livepatch "$1"
}

count=$(wc -l <<<"$refusals")
ktap_suite refused $((2 * count + 5))

while IFS=$'\t' read -r module stock _; do
	check "stock kernel: $module" refused "$module" "$stock"
done <<<"$refusals"
check 'stock kernel: a converted livepatch wants klp_sympos' \
	unresolved needs_klp_sympos klp_sympos_v1

modprobe klp_sympos
while IFS=$'\t' read -r module _ with; do
	if [ "$with" = - ]; then
		check "klp_sympos: $module loads" loads_and_unloads "$module"
	else
		check "klp_sympos: $module" refused "$module" "$with"
	fi
done <<<"$refusals"
check 'klp_sympos: a converted livepatch loads' loads_and_unloads needs_klp_sympos
check 'klp_sympos: a refusal lists what there is' lists_candidates refused_ambiguous event_show
check 'klp_sympos: the hash of another build lists what there is in this one' \
	lists_this_build refused_hash event_show.llvm.5
check 'klp_sympos: nothing that was refused or unloaded holds it' rmmod klp_sympos
