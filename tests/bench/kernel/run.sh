#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What listening costs: executed guest instructions per operation, without and with
# the module, fanotify, inotify and auditd, in one boot.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: tests/bench/kernel/run.sh [--table] KERNEL

KERNEL   5.10, 6.1, 6.12 or newest, as tests/vm/fetch.sh knows them
--table  print a table of all means of listening, not JSON lines of the module

Under QEMU's -icount the time stamp counter counts instructions, so the figures
repeat whatever the machine is doing. One line per metric:
  kernel_OP_outside   median, same file system, not in the watch
  kernel_OP_inside    median, in the watch, one event or more per operation
  kernel_OP_inside_with_reader   mean, the reader's own work included
  kernel_OP_outside_floor   median with one mark of inotify's that never has anything to
                     tell, and a hook at open that does nothing: no listener with
                     marks and a hook can cost less
"ratio" is against the same operation while nobody listens. In the table each
cell is the median and that ratio, and for what is inside also the mean's ratio.
USAGE
}

table=
if [ "${1:-}" = --table ]; then
	table=1
	shift
fi
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
rm -rf "build/kmod-$kernel/floor"
cp -r tests/bench/kernel/floor "build/kmod-$kernel/"
tests/vm/kmod-build.sh "$kernel" "build/kmod-$kernel/floor" modules >&2
cp "build/kmod-$kernel/floor/floor.ko" "$job/"
gcc -static -std=gnu11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$job/bench" tests/bench/kernel/bench.c
printf '#!/bin/sh\nALL=%s\n' "$table" >"$job/run"
cat >>"$job/run" <<'JOB'
# SPDX-License-Identifier: GPL-2.0-only
set -e
mkdir -p /var/tmp/inside /var/tmp/outside
sleep 30 # what booting left to do is done; sleeping costs nothing here
measure() { ./bench /var/tmp/outside /var/tmp/inside >"out/$1"; }
with_listener() {
	./bench "--$1" /var/tmp/inside >ready &
	while [ ! -s ready ]; do sleep 0.1; done
	measure "$1"
	kill $!
	wait $! 2>/dev/null || true
	rm ready
}
measure nobody
insmod ./floor.ko
with_listener mark
rmmod floor
mv out/mark out/floor
sleep 5
insmod ./ecs_fim.ko
with_listener module
rmmod ecs_fim
[ -n "$ALL" ] || exit 0
sleep 5
with_listener fanotify
with_listener inotify
# Last: a process is audited from its birth on for as long as it lives.
/usr/lib/ecs-fim-test/start-auditd
auditctl -b 65536 >/dev/null
auditctl -w /var/tmp/inside -p wa >/dev/null
measure auditd
JOB
chmod +x "$job/run"
mkdir -p "$job/result"
tests/vm/run.sh --kernel "$kernel" --job "$job" --out "$job/result" --icount --quiet >&2 || {
	cat "$job/result/job.log" "$job/result/console.log" >&2
	exit 1
}
# Columns: operation, place, median, mean.
if [ -n "$table" ]; then
	cd "$job/result"
	awk '
		FILENAME != last { last = FILENAME; who[++n] = FILENAME }
		{ median[FILENAME, $1, $2] = $3; mean[FILENAME, $1, $2] = $4 }
		NR == FNR { op[++ops] = $1; place[ops] = $2 }
		END {
			printf "| operation |"
			for (w = 1; w <= n; w++) printf " %s |", who[w]
			print ""
			for (i = 1; i <= ops; i++) {
				printf "| %s %s |", op[i], place[i]
				for (w = 1; w <= n; w++) {
					m = median[who[w], op[i], place[i]]
					printf " %d", m
					if (w > 1) printf " (%.2f×", m / median[who[1], op[i], place[i]]
					if (w > 1 && place[i] == "inside")
						printf ", %.2f×", mean[who[w], op[i], place[i]] / mean[who[1], op[i], place[i]]
					printf "%s", (w > 1 ? ") |" : " |")
				}
				print ""
			}
		}' nobody floor module fanotify inotify auditd
	exit
fi
awk '
	function metric(name, value, base) {
		printf "{\"name\":\"kernel_%s\",\"value\":%d,\"unit\":\"instructions\",", name, value
		printf "\"against\":\"nobody\",\"ratio\":%.3f}\n", value / base
	}
	FILENAME ~ /nobody$/ { median[$1, $2] = $3; mean[$1, $2] = $4; next }
	FILENAME ~ /floor$/ {
		if ($2 == "outside")
			metric($1 "_outside_floor", $3, median[$1, $2])
		next
	}
	{
		metric($1 "_" $2, $3, median[$1, $2])
		if ($2 == "inside")
			metric($1 "_inside_with_reader", $4, mean[$1, $2])
	}
' "$job/result/nobody" "$job/result/floor" "$job/result/module"
