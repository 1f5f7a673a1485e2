#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install the Debian packages that building, linting and VM testing need.
# Asks dpkg first, so that a call with nothing to do costs milliseconds and
# needs neither root nor the network.

set -eu

# Compiler, and the libraries that the daemon and its unit tests link against.
build='build-essential pkg-config libssl-dev libjansson-dev libaudit-dev
libcurl4-openssl-dev libseccomp-dev libyaml-dev libpcre2-dev zlib1g-dev librpm-dev
libsqlite3-dev check time'

# Kernel images, module builds, root image and QEMU. libelf1 is for objtool
# (from Debian's linux-kbuild, which we unpack instead of installing).
vm='build-essential qemu-system-x86 mmdebstrap busybox-static kmod e2fsprogs
libelf1 cpio lz4 xz-utils zstd jq debian-archive-keyring'

# The cross compiler, and the emulator if that of backports cannot be had.
arm64='gcc-12-aarch64-linux-gnu binutils-aarch64-linux-gnu libc6-dev-arm64-cross
qemu-system-arm file'

# To build a kernel (debug-kernel.sh).
debug='build-essential gcc-12 flex bison bc libelf-dev libssl-dev xz-utils'

# The formatter is pinned: every clang-format release formats differently. bsdtar and mtree
# read what we export.
lint='libarchive-tools mtree-netbsd clang-format-14 rpm packer systemd python3-yaml zsh clang libclang-rt-14-dev sparse shellcheck mandoc groff'

# Reports: a browser, PDF tools with the fonts that they fall back on; npm packages are pinned
# in tests/report/check.sh.
report='chromium poppler-utils poppler-data qpdf fonts-ipafont-gothic jq openssl'
# A nodejs from elsewhere brings its own npm, and Debian's will not go beside it.
command -v npm >/dev/null || report="$report nodejs npm"

# Sinks: those who receive and judge; npm packages are pinned in tests/sinks/check.sh.
sinks='awscli python3-botocore rsyslog rsyslog-gnutls jq'
command -v npm >/dev/null || sinks="$sinks nodejs npm"

# Benchmarks: what we are measured against. aide-common would set up a daily run.
bench='aide jq openssl python3 procps'

usage()
{
	echo "usage: deps.sh [build|vm|lint|report|sinks|all|arm64|debug|bench]" >&2
	exit 2
}

[ $# -le 1 ] || usage
case ${1:-all} in
build) want=$build ;;
vm) want=$vm ;;
lint) want=$lint ;;
arm64) want=$arm64 ;;
debug) want=$debug ;;
report) want=$report ;;
sinks) want=$sinks ;;
bench) want=$bench ;;
all) want="$build $vm $lint $report $sinks" ;;
*) usage ;;
esac

missing=
# shellcheck disable=SC2086 # a list
for pkg in $(printf '%s\n' $want | sort -u); do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$pkg" 2>/dev/null) || :
	[ "$state" = installed ] || missing="$missing $pkg"
done
missing=${missing# }

if [ -z "$missing" ]; then
	echo "deps.sh: ${1:-all}: nothing to install"
	exit 0
fi

cmd="apt-get install -y --no-install-recommends $missing"
if [ "$(id -u)" -ne 0 ]; then
	echo "deps.sh: missing packages: $missing" >&2
	echo "deps.sh: run as root: apt-get update && $cmd" >&2
	exit 1
fi

echo "deps.sh: installing $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# dpkg's progress is noise in a build log; its errors are not. A machine that has just
# been started may be upgrading itself.
log=$(mktemp)
if ! $cmd -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 >"$log" 2>&1; then
	cat "$log" >&2
	rm -f "$log"
	echo "deps.sh: apt-get failed" >&2
	exit 1
fi
rm -f "$log"
