#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/kmod/build.sh KERNEL DIR [MAKE ARG...]
# Builds ecs_fim.ko for a kernel that tests/vm/fetch.sh knows, out of a copy of the
# sources in DIR: kbuild writes beside them, and several kernels may build at once.
# Any warning is an error.  The module is DIR/kmod/ecs_fim.ko.
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 2 ] || {
	echo "usage: tests/kmod/build.sh KERNEL DIR [MAKE ARG...]" >&2
	exit 2
}
kernel=$1 dir=$2
shift 2
mkdir -p "$dir"
cp -rup Kbuild kmod "$dir"/
log=$dir/build.log
tests/vm/kmod-build.sh "$kernel" "$dir" W=1 KCFLAGS=-Werror "$@" modules >"$log" 2>&1 || {
	cat "$log" >&2
	exit 1
}
# modpost and sparse warn without failing; a gcc that differs from the kernel's is fine.
if grep -E 'warning:|WARNING:' "$log" | grep -vE 'compiler differs|vmlinux BTF|Skipping BTF' >&2; then
	echo "tests/kmod/build.sh: warnings in $log" >&2
	exit 1
fi
