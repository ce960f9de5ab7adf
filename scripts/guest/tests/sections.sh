# SPDX-License-Identifier: GPL-2.0
#
# Livepatches of a module whose symbol table is another while it initialises: livepatches/sections.txt has what
# the kernel does, in each order of loading, and whether `klp-gen check` let them pass on the host.

. /klp/ktap.sh

target=/klp/modules/klp_sections.ko

# livepatched(functions) - whether these are the functions that ran livepatched, and no others did
livepatched() {
	cat /proc/klp_sections
	[ "$(sed -n 's/ livepatched$//p' /proc/klp_sections | sort)" = "$1" ]
}

# refused(livepatch, text) - whether loading fails and the log says the text
refused() {
	log_mark
	! insmod "/klp/modules/$1.ko" && log_says "$2"
}

# with_livepatch(livepatch, functions) - whether it loads and livepatches the functions
with_livepatch() {
	load_livepatch "/klp/modules/$1.ko" && livepatched "$2"
}

# with_module(functions) - whether the module loads and the functions are livepatched
with_module() {
	insmod "$target" && livepatched "$1"
}

# module_first(title, livepatch, function) - one case: it is livepatched, or why it is not
module_first() {
	insmod "$target"
	case $3 in
	symbol*) check "$1: module first: refused" refused "$2" "$3" ;;
	*)
		check "$1: module first: $3" with_livepatch "$2" "$3"
		unload_livepatch "$2"
		;;
	esac
	rmmod klp_sections
}

# module_later(title, livepatch, function) - two cases: the module comes, goes and comes again
module_later() {
	load_livepatch "/klp/modules/$2.ko"
	check "$1: livepatch first: $3" with_module "$3"
	rmmod klp_sections
	check "$1: module again: $3" with_module "$3"
	unload_livepatch "$2"
	rmmod klp_sections
}

list() {
	grep -v '^#' /klp/sections.txt
}

ktap_suite sections 11
module_first stock sections_after 'core after'
module_later stock sections_after 'core after'
modprobe klp_sympos
while IFS=$'\t' read -r livepatch _ first _; do
	module_first "$livepatch" "$livepatch" "$first"
done < <(list)
while IFS=$'\t' read -r livepatch _ _ later; do
	module_later "$livepatch" "$livepatch" "$later"
done < <(list | awk -F '\t' '$2 == "ok"')

# The others, all together and last: the kernel warns when it is to unpatch an init function that is gone.
while IFS=$'\t' read -r livepatch _; do
	load_livepatch "/klp/modules/$livepatch.ko"
done < <(list | awk -F '\t' '$2 == "refused"')
check 'those that klp-gen refuses: livepatch first: other functions' with_module \
	"$(list | awk -F '\t' '$2 == "refused" { print $4 }' | sort -u)"
