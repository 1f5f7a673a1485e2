#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the module and its test programs for a kernel, boots that kernel under
# QEMU with slub_debug=FZPU and prints the TAP of all programs.
set -u

usage() {
	cat <<'USAGE'
usage: tests/kmod/check.sh [--fs "FS..."] [--smp N] [--timeout S] [--out DIR] KERNEL [TEST...]

KERNEL   5.10, 6.1, 6.12, newest, debug or 6.1-arm64, as tests/vm/fetch.sh knows them
TEST     programs to run (default: every tests/kmod/test_*.c)
--fs     file systems to run on: ext4 (default) xfs btrfs tmpfs overlay; on all
         but ext4 only the programs that say "every file system" at their top
--smp    virtual CPUs (default 1; 2 is slower and finds races)
--timeout  seconds for the whole guest (default 3600)
--out    where logs go (default build/kmod-KERNEL-out)

The last line is "# kmod-KERNEL: N passed, N failed, N skipped". A crash, a
timeout or a program without a plan is a failure.
USAGE
}

cd "$(dirname "$0")/../.." || exit 1
smp=1 timeout=3600 out='' filesystems=ext4
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h)
		usage
		exit 0
		;;
	--fs) filesystems=$2 && shift ;;
	--smp) smp=$2 && shift ;;
	--timeout) timeout=$2 && shift ;;
	--out) out=$2 && shift ;;
	-*)
		usage >&2
		exit 2
		;;
	*) break ;;
	esac
	shift
done
if [ $# -eq 0 ]; then
	usage >&2
	exit 2
fi
kernel=$1
shift
tests=("$@")
if [ $# -eq 0 ]; then
	for source in tests/kmod/test_*.c; do
		tests+=("$(basename "$source" .c)")
	done
fi
cc=gcc
case $kernel in *-arm64) cc=aarch64-linux-gnu-gcc-12 ;; esac
build=build/kmod-$kernel
out=${out:-build/kmod-$kernel-out}
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT

# Which programs depend on the file system, they say themselves.
tests_on() {
	local test list=()
	for test in "${tests[@]}"; do
		if [ "$1" = ext4 ] || grep -q 'every file system' "tests/kmod/$test.c"; then
			list+=("$test")
		fi
	done
	echo "${list[*]}"
}

# Without either there is nothing to run, which is one failure.
prepare() {
	local test fs
	tests/kmod/build.sh "$kernel" "$build" || return 1
	for test in "${tests[@]}"; do
		"$cc" -static -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Werror -o "$job/$test" \
			"tests/kmod/$test.c" tests/kmod/fimtest.c || return 1
	done
	rm -rf "$build/rogue"
	cp -r tests/kmod/rogue "$build/" || return 1
	tests/vm/kmod-build.sh "$kernel" "$build/rogue" modules >"$build/rogue.log" 2>&1 || {
		cat "$build/rogue.log" >&2
		return 1
	}
	cp "$build/rogue/rogue.ko" "$job/" || return 1
	cp "$build/kmod/ecs_fim.ko" tests/kmod/enter tests/kmod/health "$job/" && cp tests/kmod/run "$job/tap" || return 1
	printf '#!/bin/sh\nstatus=0\n' >"$job/run"
	for fs in $filesystems; do
		printf './tap %s %s || status=1\n' "$fs" "$(tests_on "$fs")"
	done >>"$job/run"
	echo "exit \$status" >>"$job/run"
	chmod +x "$job/run" "$job/tap"
	mkdir -p "$out"
}

tap=$out/tap.log
mkdir -p "$out"
if prepare; then
	tests/vm/run.sh --kernel "$kernel" --job "$job" --out "$out" --smp "$smp" --timeout "$timeout" \
		--append slub_debug=FZPU | tee "$tap"
	code=${PIPESTATUS[0]}
	if [ "$code" -ge 2 ]; then
		echo "not ok - the guest ran to its end (status $code)" | tee -a "$tap"
	fi
else
	echo "not ok - module and tests build" | tee "$tap"
fi

skipped=$(grep -cE '^ok\b.*# SKIP' "$tap")
failed=$(grep -cE '^not ok\b' "$tap")
passed=$(($(grep -cE '^ok\b' "$tap") - skipped))
echo "# kmod-$kernel: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
