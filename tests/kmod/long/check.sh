#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The module's tests that take long, each in a guest of its own, as TAP.
set -u

usage() {
	cat <<'USAGE'
usage: tests/kmod/long/check.sh NAME KERNEL [AMOUNT]

NAME and what AMOUNT counts:
  cycles   load, watch, unload under writers, mounts and containers (1000 times)
  fuzz     random ioctl and read on the device (1800 seconds)
  fault    every allocation of every operation fails once (needs KERNEL debug)
  stress   stress-ng's file system stressors, armed and not (600 seconds)
  transparent  random calls, good and bad, without the module and with it (5000)
  rate     two writers, a reader: nothing lost (60 seconds)
  burst    a reader that stands still (200000 events); counts instructions
KERNEL   one that tests/vm/fetch.sh knows
USAGE
}

cd "$(dirname "$0")/../../.." || exit 1
case ${1:-} in
--help | -h)
	usage
	exit 0
	;;
esac
[ $# -ge 2 ] || {
	usage >&2
	exit 2
}
name=$1 kernel=$2 amount=${3:-}
options=(--smp 2)
programs=()
case $name in
cycles)
	command="./cycles.sh ${amount:=1000}" seconds=$((amount * 5)) programs=(test_reload)
	;;
fuzz) command="./fuzz ${amount:=1800}" seconds=$amount programs=(long/fuzz) ;;
fault) command=./fault seconds=3000 programs=(long/fault) options=() ;;
stress) command="./stress.sh ${amount:=600}" seconds=$((amount * 6)) programs=(fimdump) ;;
transparent) command="./transparent ecs_fim.ko ${amount:=5000}" seconds=$((amount / 5)) programs=(long/transparent) ;;
rate) command="./rate ${amount:=60}" seconds=$amount programs=(long/rate) ;;
burst)
	command="env ICOUNT=1 ./rate --burst ${amount:=200000}" seconds=1800 programs=(long/rate)
	options=(--icount)
	;;
*)
	usage >&2
	exit 2
	;;
esac
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT
out=build/kmod-$kernel-$name
mkdir -p "$out"

prepare() {
	local program
	tests/kmod/build.sh "$kernel" "build/kmod-$kernel" || return 1
	for program in "${programs[@]}"; do
		gcc -static -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Werror -o "$job/${program##*/}" \
			"tests/kmod/$program.c" tests/kmod/fimtest.c -pthread || return 1
	done
	cp "build/kmod-$kernel/kmod/ecs_fim.ko" tests/kmod/long/*.sh tests/kmod/health "$job/" || return 1
	cat >"$job/run" <<-GUEST
		#!/bin/sh
		. ./health
		health_begin $name
		status=0
		case $name in cycles | stress | transparent) ;; *) insmod ./ecs_fim.ko || exit 1 ;; esac
		$command || status=1
		case $name in cycles | stress | transparent) ;; *) rmmod ecs_fim; result \$? "$name: the module unloads" ;; esac
		log_is_clean $name
		nothing_leaks $name
		exit \$status
	GUEST
	chmod +x "$job/run"
}

tap=$out/tap.log
if prepare; then
	tests/vm/run.sh --kernel "$kernel" --job "$job" --out "$out" --timeout $((seconds + 900)) \
		"${options[@]}" --append slub_debug=FZPU | tee "$tap"
	code=${PIPESTATUS[0]}
	[ "$code" -lt 2 ] || echo "not ok - the guest ran to its end (status $code)" | tee -a "$tap"
else
	echo "not ok - module and programs build" | tee "$tap"
fi
# A program that ends without its plan has ended too early.
case $name in
stress) ;;
*) grep -qE '^1\.\.[0-9]+$' "$tap" || echo "not ok - $name ran to its end" | tee -a "$tap" ;;
esac
! grep -qE '^not ok\b' "$tap" && grep -qE '^ok\b' "$tap"
