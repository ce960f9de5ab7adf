# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Attaches fentry to each promoted function, without klp_sympos and with it, and prints the table. It is for a
# kernel on which klp_sympos is not loaded yet, and fails if something is refused, or attached, without a reason.

klp-guest promoted --every >/tmp/promoted
klp-bpf fentry-each </tmp/promoted >/tmp/stock
modprobe klp_sympos
klp-bpf fentry-each </tmp/promoted >/tmp/loaded
status=$?
rmmod klp_sympos

echo '| fentry, each promoted function | functions |'
echo '| --- | --- |'
sed -n 's/^\([0-9]*\) promoted functions$/| all of vmlinux | \1 |/p' /tmp/loaded
for kernel in stock loaded; do
	[ $kernel = stock ] && how=without || how=with
	sed -n "s/^\([0-9]*\) attached$/| attached $how klp_sympos | \1 |/p" /tmp/$kernel
done
sed -n 's/^\([0-9]*\) refused: \(.*\)$/| \2 | \1 |/p' /tmp/loaded | sort -t '|' -k 3nr
sed -n 's/^\([0-9]*\) unexplained$/| refused, or attached, for no reason that is known | \1 |/p' /tmp/loaded
grep -v '^[0-9]* \(promoted\|attached\|refused\)' /tmp/loaded >&2
exit $status
