# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Asks clients that people trace with for a promoted function, by the name that it has in the source:
#
#	run.sh CLIENT...	prints the rows of the table of docs/tracing.md for the files of this directory
#
# A client is a function that gets a name and a file, traces the function of this name while it reads the
# file, and prints how often it was hit, or the functions that it saw. It fails if the name is refused.

here=/klp/clients
for programs in /klp/trixie/*/bin; do
	PATH=$PATH:$programs
done
full=$(klp-guest promoted --unique | awk '$1 == "tty_ldiscs_seq_show" { print $2 }')

# The clients in the order of the table's rows, and the cells by state and client.
clients=()
declare -A kinds titles cells

# client(counted|listed|graphed|found, function, title) - a row: how to read what it prints, and what one types
client() {
	clients+=("$2")
	kinds[$2]=$1
	titles[$2]=$3
}

# foreign(name) - whether the trace of functions in /tmp/said has others, the function itself being called so
foreign() {
	grep -F '<-' /tmp/said | grep -vqE " $1(\.llvm\.[0-9]+)?( \[[a-z_]+\])? ?<-"
}

# outermost() - the functions in the graph of /tmp/said that none of its functions calls: two spaces behind the bar. Its
# first line may be of any other: a guest that is slow sees many interrupts, and the buffer keeps the last of them.
outermost() {
	sed -nE 's/^[^|]*\|  ([^ ].*)\(\)( \{|;).*/\1/p' /tmp/said
}

# outcome(client, name, file) - what came of it, in a word
outcome() {
	local name=${2%%.llvm.*}
	if ! "$1" "$2" "$3" >/tmp/said 2>/tmp/errors; then
		echo refused
		return
	fi
	case ${kinds[$1]} in
	counted)
		if [ "$(tail -n 1 /tmp/said)" -gt 0 ]; then echo hit; else echo 'not hit'; fi
		;;
	found) echo found ;;
	listed)
		if foreign "$name"; then
			echo '**all functions**'
		elif grep -qE " $name(\.llvm\.[0-9]+)?( \[[a-z_]+\])? ?<-" /tmp/said; then
			echo hit
		else
			echo 'not hit'
		fi
		;;
	graphed)
		if outermost | grep -qvxE "$name(\.llvm\.[0-9]+)?( \[[a-z_]+\])?"; then
			echo '**all functions**'
		elif outermost | grep -q .; then
			echo hit
		else
			echo 'not hit'
		fi
		;;
	esac
}

# ask(state, name, file) - the column of a state
ask() {
	local client
	for client in "${clients[@]}"; do
		cells[$1/$client]=$(outcome "$client" "$2" "$3")
		printf '# %s %s: %s (%s s)\n' "$1" "$client" "${cells[$1/$client]}" "$SECONDS" >&2
		sed 's/^/#   /' /tmp/errors | head -n 5 >&2
	done
}

# The program of scripts/guest/bpf, and how it is started.
klp_bpf=(klp-bpf)

# hits(way, name, file) - how often a program ran that is attached so
hits() {
	"${klp_bpf[@]}" "$1" "$2" "$3" >/tmp/klp-bpf || { cat /tmp/klp-bpf; return 1; }
	sed -n 's/^attached, \([0-9]*\) hits$/\1/p' /tmp/klp-bpf
}

# advice(client) - what to write, by what was measured
advice() {
	if found "${cells[loaded/$1]}"; then
		echo '`foo`'
	elif found "${cells[full/$1]}"; then
		echo '`FULL`'
	else
		echo '–'
	fi
}

# found(cell) - whether the function itself was found, and nothing else
found() {
	[ "$1" = hit ] || [ "$1" = found ]
}

for file; do
	. "$here/$file.sh"
done
ask stock tty_ldiscs_seq_show /proc/tty/ldiscs
ask full "$full" /proc/tty/ldiscs
modprobe klp_sympos
ask loaded tty_ldiscs_seq_show /proc/tty/ldiscs
insmod /klp/modules/klp_twins.ko
ask ambiguous tty_ldiscs_seq_show /proc/tty/ldiscs
rmmod klp_twins
insmod /klp/modules/klp_promoted.ko
ask module klp_promoted_show /sys/module/klp_promoted/parameters/show
rmmod klp_promoted
rmmod klp_sympos
for client in "${clients[@]}"; do
	row="| ${titles[$client]} |"
	for state in stock loaded ambiguous module full; do
		row+=" ${cells[$state/$client]} |"
	done
	echo "$row $(advice "$client") |"
done
