#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# debug-kernel.sh DIR: build Debian's 6.1 with debug.config into DIR, as
# fetch.sh lays a kernel out. Called by fetch.sh, with its lock held.
#
# About 20 minutes of CPU time, at low priority; the cache keeps the result,
# and a build that was interrupted goes on where it was.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/common.sh disable=SC1091
. "$here/common.sh"

[ $# -eq 1 ] || die 'usage: debug-kernel.sh DIR'
dir=$1
src=$dir/src
if [ ! -e "$dir/unpacked" ]; then
	rm -rf "$dir"
	mkdir -p "$dir/debs" "$dir/tree" "$src"
	apt_open kernel-debug bookworm bookworm-updates bookworm-security
	(cd "$dir/debs" && apt_run apt-get -qq download linux-source-6.1) ||
		die 'cannot download linux-source-6.1'
	apt_close
	dpkg-deb -x "$dir"/debs/linux-source-*.deb "$dir/debs/x"
	tar -xf "$dir/debs/x/usr/src/linux-source-6.1.tar.xz" -C "$src" --strip-components=1
	rm -rf "$dir/debs"
	touch "$dir/unpacked"
fi

run_make()
{
	nice -n 5 make -C "$src" -j"$(nproc)" CC=gcc-12 "$@" >>"$dir/build.log" 2>&1 || {
		tail -n 20 "$dir/build.log" >&2
		die "make $* failed, see $dir/build.log"
	}
}

run_make KCONFIG_ALLCONFIG="$here/debug.config" alldefconfig
# Kconfig drops in silence what it cannot have.
if grep -vE '^#|^$' "$here/debug.config" | grep -vxFf "$src/.config" >&2; then
	die 'the kernel cannot have these settings of debug.config'
fi
say "building the debug kernel (progress: $dir/build.log)"
run_make bzImage modules
run_make INSTALL_MOD_PATH="$dir/tree" modules_install
make -s -C "$src" kernelrelease >"$dir/release"
cp "$src/arch/x86/boot/bzImage" "$dir/vmlinuz"
echo CC=gcc-12 >"$dir/make-args"

# What building a module never reads: 2 GB.
find "$src" \( -path "$src/scripts" -o -path "$src/tools" \) -prune -o \
	\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name 'vmlinux*' \) -type f -exec rm -f {} +
rm -rf "$src/Documentation" "$src/sound" "$src/samples"
find "$src/drivers" "$src/net" "$src/fs" -type f -name '*.[ch]' -delete
ln -sfn src "$dir/kdir"
