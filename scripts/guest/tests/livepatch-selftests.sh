# SPDX-License-Identifier: GPL-2.0
#
# Runs the kernel's own tools/testing/selftests/livepatch. Each of its scripts becomes a suite of the
# tests that it announces with `TEST: ... ok`; its exit status is the suite's result.

cd /klp/selftests/livepatch || exit 1
scripts=(test-*.sh)

# to_ktap() - turn the output of one script into the results of its tests
to_ktap() {
	awk '
		/^TEST: .* \.\.\. ok$/ {
			name = $0
			sub(/^TEST: /, "", name)
			sub(/ \.\.\. ok$/, "", name)
			printf "    ok %d - %s\n", ++count, name
			next
		}
		/^TEST: .* \.\.\. not ok$/ {
			# The difference to the expected log follows; it belongs in front of the result.
			failed = $0
			sub(/^TEST: /, "", failed)
			sub(/ \.\.\. not ok$/, "", failed)
			next
		}
		NF { print "    # " $0 }
		END {
			if (failed != "")
				printf "    not ok %d - %s\n", ++count, failed
			printf "    1..%d\n", count
		}
	'
}

printf 'KTAP version 1\n# Subtest: livepatch-selftests\n1..%d\n' "${#scripts[@]}"
number=0
for script in "${scripts[@]}"; do
	number=$((number + 1))
	printf '    KTAP version 1\n    # Subtest: %s\n' "$script"
	bash "./$script" >/tmp/selftest 2>&1
	status=$?
	to_ktap </tmp/selftest
	case $status in
	0) echo "ok $number - $script" ;;
	4) echo "not ok $number - $script # SKIP $(tail -n 1 /tmp/selftest)" ;;
	*) echo "not ok $number - $script" ;;
	esac
done
