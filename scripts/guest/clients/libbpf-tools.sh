# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A tool of bcc's libbpf-tools that takes a function of the user's.

# funclatency(name, file) - how often it was hit, while the file was read again and again
funclatency() {
	funclatency-libbpf --duration 15 "$1" >/tmp/funclatency &
	while kill -0 $! 2>/dev/null; do
		cat "$2" >/dev/null
		sleep 0.5
	done
	wait $! || return
	# A row of the histogram: `4096 -> 8191 : 3 |****|`.
	awk '$2 == "->" { hits += $5 } END { print hits + 0 }' /tmp/funclatency
}

client counted funclatency '`funclatency foo` of libbpf-tools'
