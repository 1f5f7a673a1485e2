#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/integration/check.sh [KERNEL]
# Runs story.sh in a virtual machine with the module, a real dockerd and auditd, and
# prints its TAP.  Programs are taken from build/ (BIN= to move).
set -eu
cd "$(dirname "$0")/../.."
kernel=${1:-6.1}
bin=${BIN:-build}
work=build/integration-$kernel
tests/kmod/build.sh "$kernel" "build/kmod-$kernel" >&2
rm -rf "$work"
mkdir -p "$work/job/bin"
cp "$bin/ecs-fim" "$bin/ecs-fimd" "$work/job/bin/"
cp "build/kmod-$kernel/kmod/ecs_fim.ko" "$work/job/"
cp tests/integration/story.sh "$work/job/run"
chmod +x "$work/job/run"
exec tests/vm/run.sh --kernel "$kernel" --timeout 900 --job "$work/job" --out "$work/out"
