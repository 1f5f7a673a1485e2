#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Full and incremental verify against what people use instead: each pair in alternation, on
# a warm cache, medians of RUNS. A line has the bar that the ratio (ours / theirs) is held to.
#   TREE="DIR ..."  what is compared instead of about 60,000 objects of the machine's /usr
#   MILLION=0       without the baseline of 1,000,000 entries
#   COLD=1          also on a cold cache: drops that of the whole machine, needs root
# aide is Debian's; without it its line is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUNS=${RUNS:-3}
fim=$PWD/build/ecs-fim
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
jobs=$(nproc)

# name, microseconds ours, theirs' name, microseconds theirs, bar
metric() {
	jq -nc --arg name "$1" --argjson ours "$2" --arg against "$3" --argjson theirs "$4" --argjson bar "$5" \
		'($ours / $theirs * 1000 | round / 1000) as $ratio
		| {name: $name, value: ($ours / 1e6), unit: "s", against: $against, ratio: $ratio}
		+ if $bar then {bar: $bar, met: ($ratio <= $bar)} else {} end'
}
# name, value, unit, bar: no more than that
amount() {
	jq -nc --arg name "$1" --argjson value "$2" --arg unit "$3" --argjson bar "${4:-null}" \
		'{name: $name, value: $value, unit: $unit} + if $bar then {bar: $bar, met: ($value <= $bar)} else {} end'
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# Status 1 of aide and 123 of xargs say what they found, not that they did not run.
timed() {
	local times=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	"$@" >/dev/null 2>&1 || [ $? -lt 124 ] || return
	echo $((${EPOCHREALTIME/[.,]/} - start)) >>"$times"
}
# name, ours, theirs' name, theirs, bar or null; ours and theirs: functions without arguments
against() {
	local i
	rm -f "$work/ours" "$work/theirs"
	for ((i = 0; i < RUNS; i++)); do
		"${before:-true}"
		timed "$work/ours" "$2"
		"${before:-true}"
		timed "$work/theirs" "$4"
	done
	metric "$1" "$(median "$work/ours")" "$3" "$(median "$work/theirs")" "$5"
}
# Bytes a second of the ours that ran last, against one process of OpenSSL per processor that
# hashes the same 16 KiB again and again.
against_speed() { # name, bytes hashed, bar: no less than that
	local theirs
	theirs=$(openssl speed -evp sha256 -bytes 16384 -seconds 2 -multi "$jobs" 2>/dev/null |
		awk '/sha256/ { sub("k$", "", $NF); print $NF * 1000 }' | tail -1)
	jq -nc --arg name "$1" --argjson bytes "$2" --argjson us "$(median "$work/ours")" --argjson theirs "$theirs" \
		--argjson bar "$3" --arg by "$("$fim" verify --json --baseline "$work/b.ndjson" --key "$work/key.pub" | jq -r '.sha256_by // empty')" \
		'($bytes / $us * 1e6) as $rate | ($rate / $theirs * 1000 | round / 1000) as $ratio
		| {name: $name, value: ($rate / 1e6 | round), unit: "MB/s", sha256_by: $by, against: "openssl speed -multi", ratio: $ratio,
		   bar: $bar, met: ($ratio >= $bar)}'
}
peak() { # KiB
	python3 -c 'import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

trees=()
full() { "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub"; }
incremental() { "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub" --incremental --state "$work/state"; }
sums() { find "${trees[@]}" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 256 sha256sum; }
dgst() { find "${trees[@]}" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 256 openssl dgst -sha256; }
dgst_each() { find "${trees[@]}" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 1 openssl dgst -sha256; }
reads() { find "${trees[@]}" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 256 cat; }
stats() { find "${trees[@]}" -xdev -printf '%p %y %m %U %G %s %n %C@ %T@ %i %l\n'; }
aide_check() { aide --config="$work/aide.conf" --check; }
drop_caches() { sync && echo 3 >/proc/sys/vm/drop_caches; }
entries() { echo $(($(wc -l <"$work/b.ndjson") - 2)); }
content() { jq -s 'map(select(.type == "file").size) | add' "$work/b.ndjson"; }

prepare() { # directories
	trees=("$@")
	printf 'name: bench\nversion: "1"\nroots: [%s]\n' "$(IFS=,; echo "${trees[*]}")" >"$work/policy.yaml"
	"$fim" baseline create --quiet --policy "$work/policy.yaml" -o "$work/b.ndjson"
	"$fim" baseline sign --key "$work/key.pem" "$work/b.ndjson" >/dev/null
	rm -f "$work"/state*
	# The second one finds nothing new to write down.
	incremental || true
	incremental || true
}

# Like an AMI: programs and libraries whole, then directories until it is about as large.
like_an_ami() {
	local dir objects=0 mib=0 more size
	for dir in /usr/bin /usr/sbin /usr/lib/*-linux-gnu /usr/share/[a-o]* /usr/lib/[g-z]* /usr/share/[p-z]*; do
		if [ ! -d "$dir" ] || [ -L "$dir" ] || [[ $dir == *[!A-Za-z0-9/._+-]* ]]; then continue; fi
		more=$(find "$dir" -xdev | wc -l) size=$(du -smx "$dir" | cut -f1)
		if [ $((objects + more)) -gt 62000 ] || [ $((mib + size)) -gt 3200 ]; then continue; fi
		objects=$((objects + more)) mib=$((mib + size))
		echo "$dir"
	done
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/key.pem" 2>/dev/null
openssl pkey -in "$work/key.pem" -pubout -out "$work/key.pub"

read -ra dirs <<<"${TREE:-$(like_an_ami | tr '\n' ' ')}"
prepare "${dirs[@]}"
bytes=$(content)
amount baseline_tree "$(entries)" objects
amount baseline_tree_bytes "$bytes" bytes
against baseline_full full "find, xargs -P$jobs sha256sum" sums 0.25
against baseline_full_dgst full "find, xargs -P$jobs openssl dgst" dgst 0.334
against_speed baseline_full_rate "$bytes" 1
# No hash at all: what a full run against openssl dgst could be at best.
against baseline_read_dgst reads "find, xargs -P$jobs openssl dgst" dgst null
against baseline_full_read full "find, xargs -P$jobs cat" reads null
RUNS=7 against baseline_incremental incremental "find -printf" stats 0.7
if command -v aide >/dev/null; then
	{
		printf 'database_in=file:%s/aide.db\ndatabase_out=file:%s/aide.db\ngzip_dbout=no\nreport_url=stdout\n' "$work" "$work"
		printf '%s p+i+n+u+g+s+acl+xattrs+sha256\n' "${trees[@]}"
	} >"$work/aide.conf"
	aide --config="$work/aide.conf" --init >/dev/null 2>&1 || true
	RUNS=1 against baseline_full_aide full "aide --check, sha256" aide_check 0.1
fi
if [ "${COLD:-0}" = 1 ]; then
	RUNS=2 before=drop_caches against baseline_full_cold full "find, xargs -P$jobs cat, cold cache" reads 1.1
fi

mkdir "$work/big"
for i in 1 2 3 4 5 6 7 8; do head -c $((i * 40))M /dev/urandom >"$work/big/$i"; done
prepare "$work/big"
against baseline_big full "find, xargs -P$jobs -n 1 openssl dgst" dgst_each 1
against_speed baseline_big_rate "$(content)" 0.8
rm -r "$work/big"

small() { # directory, files, least bytes, most
	python3 - "$@" <<'PYTHON'
import os, random, sys
root, count, least, most = sys.argv[1], *map(int, sys.argv[2:])
random.seed(1)
for i in range(count):
    d = os.path.join(root, "%04d" % (i // 500))
    if i % 500 == 0:
        os.makedirs(d)
    with open(os.path.join(d, str(i)), "wb") as f:
        f.write(random.randbytes(random.randint(least, most)))
PYTHON
}
small "$work/small" 100000 1024 4096
prepare "$work/small"
against baseline_small full "find, xargs -P$jobs sha256sum" sums 0.25
against baseline_small_read full "find, xargs -P$jobs cat" reads 1.6
amount baseline_small_rss "$(peak "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub")" KiB 49152
rm -r "$work/small"
if [ "${MILLION:-1}" = 1 ]; then
	small "$work/million" 1000000 0 0
	prepare "$work/million"
	amount baseline_million "$(entries)" objects
	amount baseline_million_rss "$(peak "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub")" KiB 409600
	amount baseline_million_incremental_rss "$(peak "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub" \
		--incremental --state "$work/state")" KiB 409600
fi
