#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/integration/packages-chroot.sh
# Runs packages.sh without kernel module and daemon, in a chroot made of the guest's own
# packages: minutes less than in a virtual machine. Needs root; nothing of it touches the
# machine's own packages. BIN= as check.sh.
set -eu
cd "$(dirname "$0")/../.."
tests/vm/rootfs.sh >/dev/null # whose packages are those of the newest archive in the cache
# shellcheck disable=SC2012 # names of our own making
base=$(ls -t "${ECS_FIM_CACHE:-/var/cache/ecs-fim}"/rootfs-[0-9a-f]*.tar.zst | head -n 1)
debs=$(tests/vm/debs.sh)
root=$(mktemp -d "${TMPDIR:-/tmp}/ecs-fim-packages.XXXXXX")
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM
zstd -qdc "$base" | tar -x -C "$root" --numeric-owner
mkdir -p "$root/job/bin" "$root/usr/share/ecs-fim"
cp "${BIN:-build}/ecs-fim" "$root/job/bin/"
cp tests/integration/packages.sh tests/integration/common.sh baselines/debian-12.yaml "$root/job/"
cp -r "$debs" "$root/job/debs"
# Mounts of its own, which are gone with it, and no network.
# shellcheck disable=SC2016 # the shell in there expands it
unshare --mount --net --pid --fork sh -eu -c '
	mount -t proc proc "$1/proc"
	mount -t tmpfs tmpfs "$1/dev"
	mknod -m 666 "$1/dev/null" c 1 3
	mknod -m 666 "$1/dev/urandom" c 1 9
	exec chroot "$1" /bin/bash /job/packages.sh' sh "$root"
