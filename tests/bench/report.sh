#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The report over RECORDS journal records, and the fleet's over HOSTS hosts of DAYS days:
# wall time, processor time and memory.  One JSON line per metric, as run.sh prints them.
set -euo pipefail
cd "$(dirname "$0")/../.."
RECORDS=${RECORDS:-1000000} HOSTS=${HOSTS:-2000} DAYS=${DAYS:-90}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

metric() {
	jq -nc --arg name "$1" --argjson value "$2" --arg unit "$3" '{name: $name, value: $value, unit: $unit}'
}

# $1: prefix of the names; the rest: the command.
measure() {
	local name=$1 wall user system memory
	shift
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@"
	read -r wall user system memory < <(tail -n 1 "$work/time")
	metric "${name}_wall" "$wall" s
	metric "${name}_cpu" "$(jq -n "$user + $system")" s
	metric "${name}_rss" "$(jq -n "$memory / 1024 | floor")" MiB
}

make --no-print-directory -j"$(nproc)" all build/bench/journal_gen build/bench/fleet_gen >&2
build/bench/journal_gen "$RECORDS" 365 >"$work/journal.ndjson"
for format in json html pdf csv oscal; do
	measure "report_${format}" build/ecs-fim report --journal "$work/journal.ndjson" --format $format -o "$work/report"
done
rm "$work/journal.ndjson"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem" 2>/dev/null
openssl ec -in "$work/key.pem" -pubout -out "$work/pub.pem" 2>/dev/null
build/bench/fleet_gen "$work/fleet" "$HOSTS" "$DAYS" "$work/key.pem"
measure fleet build/ecs-fim fleet report --quiet --key "$work/pub.pem" \
	--expected "$work/fleet/expected.ndjson" -o "$work/fleet.json" "$work/fleet"
