#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/demo/run.sh [vm|host]
# `make demo`: installs what it needs, builds, and shows the main job; the results are
# in build/demo/.  vm: in QEMU with Debian's 6.1 kernel.  host: on this machine, in a
# scratch directory, with the module loaded into the running kernel.
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=${1:-vm}
out=$PWD/build/demo
began=$SECONDS

say() { printf '[%4d s] %s\n' $((SECONDS - began)) "$*"; }
die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

build() {
	tests/vm/deps.sh build
	say "building the daemon and the CLI"
	make --no-print-directory -j"$(nproc)" all >"$out/build.log" 2>&1 || {
		tail -n 30 "$out/build.log" >&2
		die "the build failed (log: $out/build.log)"
	}
}

run_vm() {
	tests/vm/deps.sh vm
	build
	say "fetching Debian's 6.1 kernel and building the module for it"
	tests/kmod/build.sh 6.1 build/kmod-6.1
	local job=build/demo/job
	rm -rf "$job" build/demo/guest
	mkdir -p "$job/bin"
	cp build/ecs-fim build/ecs-fimd "$job/bin/"
	cp build/kmod-6.1/kmod/ecs_fim.ko baselines/debian-12.yaml tests/demo/scenario.sh "$job/"
	cat >"$job/run" <<-'RUN'
		#!/bin/sh
		BIN=/job/bin MODULE=/job/ecs_fim.ko POLICY=/job/debian-12.yaml OUT=/job/out exec /job/scenario.sh
	RUN
	chmod +x "$job/run"
	say "preparing the root image and booting it in QEMU (the first time takes some minutes)"
	tests/vm/run.sh --kernel 6.1 --timeout 900 --job "$job" --out build/demo/guest ||
		die "the run in the VM failed with status $? (console: build/demo/guest/console.log)"
	local file
	for file in report.html report.json journal.ndjson baseline.ndjson baseline.sig baseline.pub; do
		mv "build/demo/guest/$file" "$out/$file"
	done
}

run_host() {
	[ "$(id -u)" -eq 0 ] || die "HOST=1 loads a kernel module: run it as root"
	[ -e /proc/modules ] || die "this kernel has no loadable modules; run 'make demo' (in a VM) instead"
	if [ ! -e "/lib/modules/$(uname -r)/build" ]; then
		apt-get install -y "linux-headers-$(uname -r)" || die "no headers for kernel $(uname -r)"
	fi
	build
	if ! command -v jq >/dev/null || ! command -v insmod >/dev/null; then
		apt-get install -y jq kmod || die "the demo needs jq and kmod"
	fi
	say "building the module for the running kernel $(uname -r)"
	make --no-print-directory kmod >>"$out/build.log" 2>&1 || die "the module does not build (log: $out/build.log)"
	local docker=no scope
	if docker info >/dev/null 2>&1 && docker image inspect busybox:demo >/dev/null 2>&1; then
		docker=yes
	else
		say "no Docker engine with an image busybox:demo here: the container steps are left out"
	fi
	scope=$(mktemp -d /var/tmp/ecs-fim-demo.XXXXXX)
	# shellcheck disable=SC2064 # the directory is known now
	trap "rm -rf '$scope'" EXIT
	BIN=$PWD/build MODULE=$PWD/build/kmod/ecs_fim.ko OUT=$out SCOPE=$scope DOCKER=$docker tests/demo/scenario.sh
}

mkdir -p "$out"
rm -f "$out"/report.* "$out"/journal.ndjson "$out"/baseline.*
case $mode in
vm) run_vm ;;
host) run_host ;;
*) die "usage: tests/demo/run.sh [vm|host]" ;;
esac

# What an assessor would do, with nothing of ours.
openssl dgst -sha256 -verify "$out/baseline.pub" -signature "$out/baseline.sig" "$out/baseline.ndjson" >/dev/null ||
	die "openssl does not accept the baseline's signature"
chmod a+r "$out"/report.* "$out"/journal.ndjson
say "openssl accepts baseline.sig; done. Open $out/report.html"
ls -l "$out"/report.html "$out"/report.json "$out"/journal.ndjson "$out"/baseline.ndjson "$out"/baseline.sig
