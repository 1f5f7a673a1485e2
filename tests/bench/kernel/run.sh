#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What the module costs: executed guest instructions per operation, without and
# with it, in one boot, as JSON lines.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: tests/bench/kernel/run.sh KERNEL

KERNEL  5.10, 6.1, 6.12 or newest, as tests/vm/fetch.sh knows them

Under QEMU's -icount the time stamp counter counts instructions, so the figures
repeat whatever the machine is doing. One line per metric:
  kernel_OP_outside   median, same file system, not in the watch
  kernel_OP_inside    median, in the watch, one event or more per operation
  kernel_OP_inside_with_reader   mean, the reader's own work included
"ratio" is against the same operation before the module was loaded.
USAGE
}

case ${1:-} in
--help | -h)
	usage
	exit 0
	;;
'' | -*)
	usage >&2
	exit 2
	;;
esac
kernel=$1
cd "$(dirname "$0")/../../.."
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT
tests/kmod/build.sh "$kernel" "build/kmod-$kernel" >&2
cp "build/kmod-$kernel/kmod/ecs_fim.ko" "$job/"
gcc -static -std=gnu11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$job/bench" tests/bench/kernel/bench.c
cat >"$job/run" <<'JOB'
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
set -e
mkdir -p /var/tmp/inside /var/tmp/outside
sleep 30 # what booting left to do is done; sleeping costs nothing here
./bench /var/tmp/outside /var/tmp/inside >out/no_module
insmod ./ecs_fim.ko
./bench --reader /var/tmp/inside >out/ready &
while [ ! -s out/ready ]; do sleep 0.1; done
./bench /var/tmp/outside /var/tmp/inside >out/module
JOB
chmod +x "$job/run"
mkdir -p "$job/result"
tests/vm/run.sh --kernel "$kernel" --job "$job" --out "$job/result" --icount --quiet >&2 || {
	cat "$job/result/job.log" "$job/result/console.log" >&2
	exit 1
}
# Columns: operation, place, median, mean.
awk '
	function metric(name, value, base) {
		printf "{\"name\":\"kernel_%s\",\"value\":%d,\"unit\":\"instructions\",", name, value
		printf "\"against\":\"no_module\",\"ratio\":%.3f}\n", value / base
	}
	NR == FNR { median[$1, $2] = $3; mean[$1, $2] = $4; next }
	{
		metric($1 "_" $2, $3, median[$1, $2])
		if ($2 == "inside")
			metric($1 "_inside_with_reader", $4, mean[$1, $2])
	}
' "$job/result/no_module" "$job/result/module"
