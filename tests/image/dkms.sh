#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/image/dkms.sh DIR [KERNEL]
# The way without a module package: a host of ECS Anywhere with DKMS, a compiler and the headers of
# two kernels, neither of which runs while install.sh is run. What DKMS made is loaded by the
# kernel that it is for, in a guest. Prints TAP; needs root.
# shellcheck disable=SC2317 # functions are called through check
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/vm/common.sh
. tests/vm/common.sh
mkdir -p "${1:?usage: tests/image/dkms.sh DIR [KERNEL]}"
work=$(cd "$1" && pwd)
kernel=${2:-6.1}
root=$work/root
newer=9.0.1
status=0
release=$(cat "$(tests/vm/fetch.sh kernel "$kernel")/release")
other=${release/-cloud/}

# shellcheck source=tests/image/checks.sh
. tests/image/checks.sh

base() {
	debian_root image-dkms 'building the root of a host that builds its modules' "dkms gcc make kmod systemd openssl
		linux-headers-$release linux-headers-$other
		libcurl4 libjansson4 libaudit1 libseccomp2 libyaml-0-2 libpcre2-8-0 libssl3 libsqlite3-0 zlib1g"
}

rm -rf "$root"
mkdir -p "$root"
zstd -qdc "$(base)" | tar -x -C "$root" --numeric-owner
openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem" 2>/dev/null
openssl ec -in "$work/key.pem" -pubout -out "$root/root/baseline.pem" 2>/dev/null
cp build/ecs-fim "$work/none.ko" # of a kernel that is not here
version=$(sed -n 's/^#define FIM_VERSION *"\(.*\)"/\1/p' userspace/include/libfim.h)
for other_version in '' "$newer"; do
	ami/package/build deb ${other_version:+--version "$other_version"} --kernel "0.0.0-test=$work/none.ko" \
		-o "$root/root/debs$other_version" >/dev/null 2>"$work/build.log" || { cat "$work/build.log" >&2 && exit 1; }
done
cp ami/ecs-anywhere/install.sh "$root/root/"
file() { echo "/lib/modules/$1/updates/dkms/ecs_fim.ko"; }
built() { # $1: release
	here "modinfo -F vermagic $(file "$1") | grep '^$1 ' && grep ecs_fim /lib/modules/$1/modules.dep"
}
gone() { here "! test -e $(file "$1") && ! grep ecs_fim /lib/modules/$1/modules.dep"; }

check "install.sh --dkms installs from files alone" here \
	'sh /root/install.sh --packages /root/debs --key /root/baseline.pem --dkms >/root/out 2>&1 || { cat /root/out; exit 1; }'
check "and says that the kernel that runs has no headers, so no module" grep "no module was built for $(uname -r)" "$root/root/out"
for each in "$release" "$other"; do
	check "DKMS built and indexed the module for $each" built "$each"
done
cp "$root$(file "$release")" "$work/ecs_fim.ko"
check "a kernel that is removed takes its module along" here "dkms remove -m ecs-fim -v $version -k $other && ! test -e $(file "$other")"
check "one whose headers come later gets it by the hook of DKMS" here "/etc/kernel/header_postinst.d/dkms $other"
check "which is built" built "$other"
check "a newer version replaces it" here "dpkg -i /root/debs$newer/ecs-fim_*.deb /root/debs$newer/ecs-fim-dkms_*.deb"
check "for both kernels" here "[ \"\$(dkms status ecs-fim | grep -c '/$newer, .*installed')\" = 2 ] && ! dkms status ecs-fim | grep -v '/$newer,'"
check "without a compiler" here 'mv /usr/bin/gcc-12 /root/ && dpkg -r ecs-fim-dkms && dpkg -i /root/debs/ecs-fim-dkms_*.deb >/root/out 2>&1'
check "that no module was built is said, for each kernel" sh -c "grep 'no module for $release:' $root/root/out && grep 'no module for $other:' $root/root/out"
check "with it again, it is" here 'mv /root/gcc-12 /usr/bin/ && dpkg -r ecs-fim-dkms && dpkg -i /root/debs/ecs-fim-dkms_*.deb'
check "and removed with its package" here 'dpkg -r ecs-fim-dkms'
for each in "$release" "$other"; do
	check "from $each, too" gone "$each"
done
mkdir -p "$work/job"
cp "$work/ecs_fim.ko" "$work/job/"
printf '#!/bin/sh\ninsmod ./ecs_fim.ko && test -c /dev/ecs_fim && rmmod ecs_fim\n' >"$work/job/run"
chmod +x "$work/job/run"
check "the kernel that it is for loads what DKMS built" tests/vm/run.sh --quiet --kernel "$kernel" --job "$work/job"
rm -rf "$root"
exit $status
