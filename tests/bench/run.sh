#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints one JSON line per metric: name, value, unit and, for a comparison, against and
# ratio (ours / theirs: below 1 is better).  Wall times are medians of alternating runs
# on a warm cache; the kernel figures are executed guest instructions (see kernel/).
set -euo pipefail
cd "$(dirname "$0")/../.."
RUNS=${RUNS:-7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# $1: file that collects the wall time; the rest: the command.
timed() {
	local times=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	"$@" >/dev/null
	echo $((${EPOCHREALTIME/[.,]/} - start)) >>"$times"
}

metric() { # name, value, unit, against, ratio
	jq -nc --arg name "$1" --argjson value "$2" --arg unit "$3" --arg against "${4:-}" --argjson ratio "${5:-null}" \
		'{name: $name, value: $value, unit: $unit} + if $ratio then {against: $against, ratio: $ratio} else {} end'
}

# shellcheck disable=SC2016 # expands in the inner shell
verify_speed() {
	local key=$work/key.pem bytes i
	printf 'name: bench\nversion: 1\nroots: [/usr/bin, /usr/sbin, /etc]\nrules: []\n' >"$work/policy.yaml"
	openssl ecparam -name prime256v1 -genkey -noout -out "$key" 2>/dev/null
	openssl ec -in "$key" -pubout -out "$work/pub.pem" 2>/dev/null
	build/ecs-fim baseline create --quiet --root / --policy "$work/policy.yaml" -o "$work/b.ndjson"
	build/ecs-fim baseline sign --key "$key" "$work/b.ndjson" >/dev/null
	bytes=$(jq -s 'map(select(.type == "file").size) | add' "$work/b.ndjson")
	for ((i = 0; i <= RUNS; i++)); do
		# The first pair warms the cache and is not counted.
		[ "$i" -ne 1 ] || rm -f "$work/ours" "$work/theirs"
		timed "$work/ours" build/ecs-fim verify --quiet --baseline "$work/b.ndjson" \
			--signature "$work/b.sig" --key "$work/pub.pem"
		timed "$work/theirs" sh -c 'find /usr/bin /usr/sbin /etc -xdev -type f -print0 |
			xargs -0 -P"$(nproc)" -n 256 sha256sum'
	done
	local ours theirs
	ours=$(median "$work/ours") theirs=$(median "$work/theirs")
	metric verify_wall "$(jq -n "$ours / 1e6")" s "find | xargs -P$(nproc) sha256sum" "$(jq -n "$ours / $theirs * 1000 | round / 1000")"
	metric verify_rate "$(jq -n "$bytes / $ours | round")" MB/s
}

tests/vm/deps.sh all >&2
tests/vm/deps.sh bench >&2
make --no-print-directory -j"$(nproc)" all >&2
verify_speed
make --no-print-directory build/bench/journal >&2
build/bench/journal "$work"
tests/bench/baseline.sh
tests/bench/rules.sh
tests/bench/report.sh
tests/bench/kernel/run.sh 6.1
