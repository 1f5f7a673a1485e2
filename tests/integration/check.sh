#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/integration/check.sh [KERNEL [SCRIPT [BURST]]]
# Runs story.sh, or SCRIPT.sh of this folder, in a virtual machine with the module, a real dockerd and auditd, and
# prints its TAP.  Programs are taken from build/ (BIN= to move); VM_ARGS= for tests/vm/run.sh,
# VM_TIMEOUT= seconds; ONLY= regular expression: parts of SCRIPT by name, where it has names;
# CGROUP=1: with the first version of cgroups, as on Amazon Linux 2.
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
cp tests/integration/common.sh "$work/job/"
cp tests/integration/*.py "$work/job/"
if [ "$script" = faults ]; then
	mkdir -p "$work/livepatch"
	cp tests/integration/livepatch.c "$work/livepatch/"
	echo 'obj-m := livepatch.o' >"$work/livepatch/Kbuild"
	tests/vm/kmod-build.sh "$kernel" "$PWD/$work/livepatch" modules >"$work/livepatch/log" 2>&1 ||
		{ cat "$work/livepatch/log" >&2 && exit 1; }
	cp "$work/livepatch/livepatch.ko" "$work/job/"
fi
case $script in storm | reuse) gcc -O2 -static -o "$work/job/bin/storm" tests/integration/storm.c ;; esac
[ "$script" != packages ] || { cp -r "$(tests/vm/debs.sh)" "$work/job/debs" && cp baselines/debian-12.yaml "$work/job/"; }
if [ "$script" = engines ]; then
	debs=$(tests/vm/debs.sh)
	for deb in "$debs"/engines/*.deb; do dpkg -x "$deb" "$work/job/engines"; done
fi
cp -r rules "$work/job/"
# Falco's own rules are not part of this project; where they are, they are tried.
for data in "${FALCO_DATA:-}" ../*/falco; do
	[ ! -e "$data/rules/falco_rules.yaml" ] || [ -d "$work/job/falco" ] || cp -r "$data/rules" "$work/job/falco"
done
echo "${3:-6}" >"$work/job/burst"
[ -z "${ONLY:-}" ] || echo "$ONLY" >"$work/job/only"
[ "${CGROUP:-2}" != 1 ] || touch "$work/job/cgroup"
chmod +x "$work/job/run"
# shellcheck disable=SC2086 # several words
exec tests/vm/run.sh --kernel "$kernel" --timeout "${VM_TIMEOUT:-1800}" ${VM_ARGS-} --job "$work/job" --out "$work/out"
