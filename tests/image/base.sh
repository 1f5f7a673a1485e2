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
debian_root image-base 'building the base image (the stand-in for the published AMI)' "$packages"
