# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# check_clients(file...) - a case for each client of these files: its row in the table of docs/tracing.md

check_clients() {
	local measured title
	bash /klp/clients/run.sh "$@" >/tmp/rows
	while read -r measured; do
		title=${measured#| }
		title=${title%% | *}
		check "$title" row_is_documented "$title" "$measured"
	done </tmp/rows
}

# row_is_documented(title, row) - whether the document has this row; if not, the row that it has is shown
row_is_documented() {
	grep -qFx -- "$2" /klp/tracing.md && return
	echo "measured: $2"
	grep -F -- "| $1 |" /klp/tracing.md
	return 1
}
