#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/integration/check.sh [KERNEL [SCRIPT [BURST]]]
# Runs story.sh, or SCRIPT.sh of this folder, in a virtual machine with the module, a real dockerd and auditd, and
# prints its TAP.  Programs are taken from build/ (BIN= to move).
set -eu
cd "$(dirname "$0")/../.."
kernel=${1:-6.1}
script=${2:-story}
bin=${BIN:-build}
work=build/integration-$kernel-$script
tests/kmod/build.sh "$kernel" "build/kmod-$kernel" >&2
rm -rf "$work"
mkdir -p "$work/job/bin"
cp "$bin/ecs-fim" "$bin/ecs-fimd" "$work/job/bin/"
cp "build/kmod-$kernel/kmod/ecs_fim.ko" "$work/job/"
cp "tests/integration/$script.sh" "$work/job/run"
cp tests/integration/liar.py "$work/job/"
echo "${3:-6}" >"$work/job/burst"
chmod +x "$work/job/run"
exec tests/vm/run.sh --kernel "$kernel" --timeout 1800 --job "$work/job" --out "$work/out"
