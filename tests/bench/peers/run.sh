#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Which techniques of changing a file does who report? ecs_fim, inotifywait -r,
# fanotify and auditd's -w watch the same directory in one guest.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: tests/bench/peers/run.sh [KERNEL]

KERNEL  5.10, 6.1 (default), 6.12 or newest, as tests/vm/fetch.sh knows them

Prints a Markdown table on standard error and JSON lines on standard output: how
many techniques each reports with path and actor, and how many with the path only.
  path+actor  the path in the watched directory and the process that did it
  path        the path, but not who, or somebody else
USAGE
}

case ${1:-} in
--help | -h)
	usage
	exit 0
	;;
-*)
	usage >&2
	exit 2
	;;
esac
kernel=${1:-6.1}
cd "$(dirname "$0")/../../.."
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT
tests/kmod/build.sh "$kernel" "build/kmod-$kernel" >&2
cp "build/kmod-$kernel/kmod/ecs_fim.ko" "$job/"
cflags="-static -std=gnu11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror"
# shellcheck disable=SC2086 # options
{
	gcc $cflags -o "$job/act" tests/bench/peers/act.c tests/kmod/fimtest.c
	gcc $cflags -o "$job/fimdump" tests/kmod/fimdump.c tests/kmod/fimtest.c
	gcc $cflags -o "$job/fanotify" tests/bench/peers/fanotify.c
}
cat >"$job/run" <<'JOB'
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
set -e
dir=/var/lib/watched out=/var/lib/outside
mkdir -p $dir $out
/usr/lib/ecs-fim-test/start-auditd
insmod ./ecs_fim.ko
./act $dir $out >out/acts &
act=$!
until grep -q ready out/acts; do sleep 0.1; done
# A rule makes every later system call be looked at, those of older tasks, too, if
# auditing was on when they started: start-auditd came first.
auditctl -w $dir -p wa -k peers
./fimdump $dir >out/ecs_fim &
inotifywait -m -r -q --format '%w%f %e' -e modify,attrib,close_write,move,create,delete $dir >out/inotify &
./fanotify $dir >out/fanotify &
sleep 3
touch $out/go
wait $act
sleep 2
ausearch --input-logs -k peers -i >out/auditd 2>&1 || true
JOB
chmod +x "$job/run"
result=build/peers-$kernel
mkdir -p "$result"
tests/vm/run.sh --kernel "$kernel" --job "$job" --out "$result" --quiet >&2 || {
	cat "$result/job.log" >&2
	tail -n 20 "$result/console.log" >&2
	exit 1
}
tests/bench/peers/table.py "$result"
