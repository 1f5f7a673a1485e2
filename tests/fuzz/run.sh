#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/fuzz/run.sh SECONDS FUZZER...
# Runs each libFuzzer program from its seed corpus; new inputs stay in build/.
# FUZZ_SEED=n makes it walk the same way twice, as `make check` wants; without, it explores.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=$1
shift
status=0
for fuzzer in "$@"; do
	name=$(basename "$fuzzer")
	work=build/fuzz/corpus/$name
	[ -z "${FUZZ_SEED:-}" ] || rm -rf "$work"
	mkdir -p "$work"
	log=build/fuzz/$name.log
	if "$fuzzer" -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/$name-" \
		-print_final_stats=1 "$work" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
		echo "ok - $name ran $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
	else
		echo "not ok - $name (log: $log)"
		tail -n 30 "$log" | sed 's/^/# /'
		status=1
	fi
done
exit $status
