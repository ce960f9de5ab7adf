# SPDX-License-Identifier: GPL-2.0
#
# Where the BPF verifier finds what a BTF describes: in the object that the BTF is of and in no other one,
# by the name that the symbol has in the source if klp_sympos is loaded.

. /klp/ktap.sh

enabled=/sys/kernel/tracing/enabled_functions
function=tty_ldiscs_seq_show
full=$(awk -v name="$function.llvm." 'index($3, name) == 1 { print $3 }' /proc/kallsyms)
printed=/proc/tty/ldiscs
modules=/klp/modules
call=/sys/module/klp_btf/parameters/call

# attaches(place, file, target...) - whether a program is attached there and nowhere else, and runs when the
# file is read
attaches() {
	local place=$1 file=$2
	shift 2
	klp-guest fentry "$@" sh -c "cat $file >/tmp/printed; cat $enabled >/tmp/enabled" >/tmp/fentry
	local status=$?
	cat /tmp/fentry
	[ $status = 0 ] || return 1
	grep -v '^[[:space:]]' /tmp/enabled | sed 's/ *(.*//' | tee /tmp/places
	[ "$(cat /tmp/places)" = "$place" ] && ! grep -qx 'runs: 0' /tmp/fentry
}

# refused(command, target...) - whether the kernel refuses it, since there is no such symbol
refused() {
	klp-guest "$@" $([ "$1" = ksym ] || echo true) >/tmp/refused
	local status=$?
	cat /tmp/refused
	[ $status = 1 ] && grep -qE 'address of function .* cannot be found|find the address for kernel symbol' \
		/tmp/refused
}

# has_address_of(object, name, target...) - whether a program gets the address of this symbol
has_address_of() {
	local object=$1 name=$2
	shift 2
	awk -v object="$object" -v name="$name" '
		$3 == name && (NF > 3 ? $4 : "[vmlinux]") == "[" object "]" { print substr($1, 9) }
	' /proc/kallsyms >/tmp/expected
	klp-guest ksym "$@" >/tmp/address
	local status=$?
	cat /tmp/expected /tmp/address
	[ $status = 0 ] && [ "$(wc -l </tmp/expected)" = 1 ] && diff /tmp/expected /tmp/address
}

# is_explained(lines, target...) - whether it is refused, and the log says what there is to choose from
is_explained() {
	local lines=$1
	shift
	log_mark
	refused fentry "$@" || return 1
	log_since | sed -n 's/^\[[ 0-9.]*\] kallsyms: //p' >/tmp/logged
	cat /tmp/logged
	diff /tmp/logged <(echo "$lines")
}

ktap_suite bpf 21
check 'stock kernel: a promoted function is not found' refused fentry $function
check 'stock kernel: nor is its address' refused ksym $function
insmod $modules/klp_namesakes.ko
check 'stock kernel: a function of a module is not taken for one of vmlinux' refused fentry $function
check 'stock kernel: nor is its address' refused ksym $function
rmmod klp_namesakes

insmod $modules/klp_btf.ko
insmod $modules/klp_promoted.ko
shared=tty_ldisc_release
check 'stock kernel: a function of a module, although vmlinux has one of its name' \
	attaches "$shared [klp_btf]" $call --btf klp_btf $shared
check 'stock kernel: and its address' has_address_of klp_btf $shared --btf klp_btf $shared
check 'stock kernel: the address of the one of vmlinux' has_address_of vmlinux $shared $shared
check 'stock kernel: the same by the BTF of a module' has_address_of vmlinux $shared --btf klp_btf --base $shared
check 'stock kernel: but it is not attached to by that' refused fentry --btf klp_btf --base $shared
check 'stock kernel: a promoted function of a module is not found' \
	refused fentry --btf klp_promoted klp_promoted_show

modprobe klp_sympos
check 'a promoted function' attaches "$full" $printed $function
check 'its address' has_address_of vmlinux "$full" $function
insmod $modules/klp_namesakes.ko
check 'a module has a function of exactly this name' attaches "$full" $printed $function
check 'its address' has_address_of vmlinux "$full" $function
insmod $modules/klp_twins.ko
check 'another module has one that was promoted' attaches "$full" $printed $function
check 'a promoted function of a module' attaches 'klp_promoted_show.llvm.700 [klp_promoted]' \
	/sys/module/klp_promoted/parameters/show --btf klp_promoted klp_promoted_show
check 'its address' has_address_of klp_promoted klp_promoted_show.llvm.700 --btf klp_promoted klp_promoted_show
rmmod klp_twins klp_namesakes
check 'a variable has exactly the name of a promoted function' \
	attaches 'klp_btf_hidden.llvm.1 [klp_btf]' $call --btf klp_btf klp_btf_hidden
check 'its address' has_address_of klp_btf klp_btf_hidden.llvm.1 --btf klp_btf klp_btf_hidden
# pahole leaves those of vmlinux out.
check 'two functions of one name: the log says which' is_explained "'klp_btf_both' may stand for 2 symbols:
  1: klp_btf_both.llvm.1 [klp_btf]
  2: klp_btf_both.llvm.2 [klp_btf]" --btf klp_btf klp_btf_both
rmmod klp_sympos
check 'without klp_sympos it is not found again' refused fentry $function
