#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/image/base.sh
# Prints the path of a Debian root (tar.zst) that stands for the published AMI, building it
# when the cache has none of these packages.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/common.sh
. tests/vm/common.sh
packages='systemd systemd-sysv udev dbus kmod procps iproute2 iptables docker.io apparmor auditd e2fsprogs
jq openssl diffutils util-linux libcurl4 libjansson4 libaudit1 libseccomp2 libyaml-0-2 libpcre2-8-0 libssl3
libsqlite3-0 zlib1g rsyslog python3-minimal busybox-static strace'
base=$ECS_FIM_CACHE/image-base-$(printf '%s' "$packages" | sha256sum | cut -c1-12).tar.zst
lock image-base
if [ ! -e "$base" ]; then
	say 'building the base image (the stand-in for the published AMI)'
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	sources bookworm bookworm-updates bookworm-security |
		mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
			--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' \
			--include="$(tr -s ' \n' , <<<"$packages")" bookworm "$tmp/base.tar" - >&2
	zstd -q -3 -T0 --rm "$tmp/base.tar" -o "$base.new"
	mv "$base.new" "$base"
fi
echo "$base"
