#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Full and incremental verify against what people use instead, on trees of the machine and
# on 100,000 small files: each pair in alternation, on a warm cache, medians of RUNS.
# AIDE=1 compares with Debian's aide as well, if it is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUNS=${RUNS:-3}
fim=$PWD/build/ecs-fim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jobs=$(nproc)

metric() { # name, microseconds ours, theirs' name, microseconds theirs
	jq -nc --arg name "$1" --argjson ours "$2" --arg against "$3" --argjson theirs "$4" \
		'{name: $name, value: ($ours / 1e6), unit: "s", against: $against, ratio: ($ours / $theirs * 1000 | round / 1000)}'
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
timed() {
	local times=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	"$@" >/dev/null 2>&1 || [ $? -lt 64 ] || return
	echo $((${EPOCHREALTIME/[.,]/} - start)) >>"$times"
}
# name, ours, theirs' name, theirs: functions or commands without arguments
against() {
	local i
	rm -f "$work/ours" "$work/theirs"
	for ((i = 0; i < RUNS; i++)); do
		timed "$work/ours" "$2"
		timed "$work/theirs" "$4"
	done
	metric "$1" "$(median "$work/ours")" "$3" "$(median "$work/theirs")"
}

tree=
full() { "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub"; }
incremental() { full_with --incremental --state "$work/state"; }
full_with() { "$fim" verify --quiet --baseline "$work/b.ndjson" --key "$work/key.pub" "$@"; }
sums() { find "$tree" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 256 sha256sum; }
dgst() { find "$tree" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 256 openssl dgst -sha256; }
reads() { find "$tree" -xdev -type f -print0 | xargs -0 -P"$jobs" -n 256 cat; }
stats() { find "$tree" -xdev -printf '%p %y %m %U %G %s %n %C@ %T@ %i %l\n'; }
aide_check() { aide --config="$work/aide.conf" --check; }

prepare() { # directory
	tree=$1
	printf 'name: bench\nversion: "1"\nroots: [%s]\n' "$tree" >"$work/policy.yaml"
	"$fim" baseline create --quiet --policy "$work/policy.yaml" -o "$work/b.ndjson"
	"$fim" baseline sign --key "$work/key.pem" "$work/b.ndjson" >/dev/null
	rm -f "$work"/state*
	incremental >/dev/null || true
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/key.pem" 2>/dev/null
openssl pkey -in "$work/key.pem" -pubout -out "$work/key.pub"

prepare "${TREE:-/usr/lib}"
jq -nc --argjson value "$(($(wc -l <"$work/b.ndjson") - 2))" '{name: "baseline_tree", value: $value, unit: "objects"}'
against baseline_full full "find, xargs -P$jobs sha256sum" sums
against baseline_full_dgst full "find, xargs -P$jobs openssl dgst" dgst
against baseline_full_read full "find, xargs -P$jobs cat" reads
against baseline_incremental incremental "find -printf" stats
if [ "${AIDE:-0}" = 1 ] && command -v aide >/dev/null; then
	printf 'database_in=file:%s/aide.db\ndatabase_out=file:%s/aide.db\ngzip_dbout=no\nreport_url=stdout\n%s p+i+n+u+g+s+acl+xattrs+sha256\n' \
		"$work" "$work" "$tree" >"$work/aide.conf"
	aide --config="$work/aide.conf" --init >/dev/null 2>&1 || true
	RUNS=1 against baseline_full_aide full "aide --check, sha256" aide_check
fi

mkdir "$work/small"
python3 - "$work/small" <<'PYTHON'
import os, random, sys
random.seed(1)
for i in range(100000):
    d = os.path.join(sys.argv[1], "%03d" % (i // 500))
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, str(i)), "wb") as f:
        f.write(random.randbytes(random.randint(1024, 4096)))
PYTHON
prepare "$work/small"
against baseline_small full "find, xargs -P$jobs sha256sum" sums
against baseline_small_read full "find, xargs -P$jobs cat" reads
jq -nc --argjson value "$(/usr/bin/env -i /bin/sh -c "$fim verify --quiet --baseline $work/b.ndjson --key $work/key.pub & p=\$!; m=0; while [ -e /proc/\$p/status ] && kill -0 \$p 2>/dev/null; do n=\$(awk '/VmHWM/ { print \$2 }' /proc/\$p/status 2>/dev/null); [ \"\${n:-0}\" -gt \$m ] && m=\$n; sleep 0.02; done; echo \$m")" \
	'{name: "baseline_small_rss", value: $value, unit: "KiB"}'
