#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetch into the cache, from Debian's packages and without installing them:
#
#   fetch.sh kernel NAME	prints the folder, which holds
#	vmlinuz, initrd, modules.img	what run.sh boots
#	release		uname -r
#	modules		its /lib/modules/$(uname -r), with modules.dep
#	kdir		its KERNELDIR (kmod-build.sh knows how to use it)
#	make-args	what its make line needs in addition
#	chroot		only where the host's toolchain cannot build for it
#   fetch.sh qemu [arm64]	prints the path of a qemu wrapper
#
# NAME: 5.10, 6.1, 6.12, newest; 6.1-arm64; debug (6.1 with debug.config).
# A cached piece is never looked up again: remove its folder to refresh it.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/common.sh disable=SC1091
. "$here/common.sh"

# linux_closure PACKAGE...: these and the kernel packages they depend on. How
# Debian splits a kernel (image, binary, modules, kbuild) differs by release,
# their dependencies say it.
linux_closure()
{
	todo=$*
	seen=
	while [ -n "$todo" ]; do
		next=
		for pkg in $todo; do
			case " $seen " in *" $pkg "*) continue ;; esac
			seen="$seen $pkg"
			next="$next $(apt_run apt-cache depends --important "$pkg" |
				sed -n 's/^ *\(Pre\)\?Depends: \(linux-\(image\|base\|binary\|modules\|headers\|kbuild\)-.*\)/\2/p')"
		done
		todo=${next# }
		[ -n "$(echo "$todo" | tr -d ' ')" ] || todo=
	done
	echo "$seen"
}

# fix_kdir FOLDER: header packages include each other by their absolute
# installed path; point these at where we unpacked them.
fix_kdir()
{
	for file in "$1"/usr/src/linux-headers-*/Makefile "$1"/usr/src/linux-headers-*/.kernelvariables; do
		[ ! -f "$file" ] || sed -i "s#\([ =]\)/usr/src/linux-#\1$1/usr/src/linux-#g" "$file"
	done
}

# The initramfs only brings up the disks; everything else runs from the root
# image with the kernel's own modprobe.
make_initrd()
{
	tmp=$dir/initrd.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp/bin" "$tmp/dev" "$tmp/proc" "$tmp/sys" "$tmp/root" "$tmp/m"
	if [ -e "$dir/tree/bin/busybox" ]; then
		cp "$dir/tree/bin/busybox" "$tmp/bin/"
	else
		cp /bin/busybox "$tmp/bin/"
	fi
	install -m 755 "$here/guest/initrd-init" "$tmp/init"
	for mod in virtio_pci virtio_blk virtio_console virtio_rng ext4; do
		/sbin/modprobe -d "$dir/tree" -S "$(cat "$dir/release")" --show-depends "$mod" >>"$tmp/list" ||
			die "kernel $name has no $mod"
	done
	# "builtin NAME", or "insmod FILE" for each file in the order of loading
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$tmp/list" | while read -r ko; do
		base=${ko##*/}
		case $base in
		# busybox's insmod knows no compression
		*.xz) base=${base%.xz}; xz -dc "$ko" >"$tmp/m/$base" ;;
		*.zst) base=${base%.zst}; zstd -qdc "$ko" >"$tmp/m/$base" ;;
		*) cp "$ko" "$tmp/m/" ;;
		esac
		echo "$base"
	done >"$tmp/modules.list"
	rm "$tmp/list"
	(cd "$tmp" && find . | cpio --quiet -o -H newc -R 0:0 | lz4 -q -l -9 >"$dir/initrd.new")
	mv "$dir/initrd.new" "$dir/initrd"
	rm -rf "$tmp"
}

# The last step: the modules of the guest, as a disk.
pack_modules()
{
	ln -s "tree/lib/modules/$(cat "$dir/release")" "$dir/modules"
	/sbin/depmod -b "$dir/tree" "$(cat "$dir/release")"
	size=$(du -sm "$dir/modules/" | cut -f1)
	truncate -s "$((size + size / 4 + 16))M" "$dir/modules.img"
	/sbin/mkfs.ext4 -q -F -O ^has_journal -d "$dir/modules/" "$dir/modules.img" >&2
	touch "$dir/complete"
}

fetch_kernel()
{
	name=$1
	args=
	chroot=
	flavour=cloud-amd64
	case $name in
	5.10) meta=$flavour suites='bullseye bullseye-security' args=CC=gcc-12 ;;
	6.1) meta=$flavour suites='bookworm bookworm-updates bookworm-security' args=CC=gcc-12 ;;
	# The module's BTF would need pahole and vmlinux.
	6.12) meta=6.12-$flavour suites='bookworm bookworm-updates bookworm-security'
		args='CC=gcc-12 CONFIG_DEBUG_INFO_BTF_MODULES=' ;;
	# Its host tools need a newer libc, its config a newer compiler.
	newest) meta=$flavour suites=trixie-backports chroot=trixie ;;
	6.1-arm64) flavour=cloud-arm64 meta=$flavour:arm64 suites='bookworm bookworm-updates bookworm-security'
		args='ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-12'
		apt_archs='amd64 arm64' ;;
	debug) ;;
	*) die "unknown kernel '$name' (5.10, 6.1, 6.12, newest, 6.1-arm64, debug)" ;;
	esac

	dir=$ECS_FIM_CACHE/kernel-$name
	[ "$name" != debug ] ||
		dir=$dir-$(grep CONFIG_ "$here/debug.config" | sha256sum | cut -c1-12)
	key=$(sha256sum <"$here/guest/initrd-init" | cut -c1-16)
	if [ "$(cat "$dir/initrd.key" 2>/dev/null)" = "$key" ]; then
		echo "$dir"
		return
	fi
	lock "kernel-$name"
	if [ "$name" = debug ] && [ ! -e "$dir/complete" ]; then
		"$here/debug-kernel.sh" "$dir"
		pack_modules
	elif [ ! -e "$dir/complete" ]; then
		# shellcheck disable=SC2086 # a list
		apt_open "kernel-$name" $suites
		release=$(apt_run apt-cache depends "linux-image-$meta" |
			sed -n "s/^ *Depends: linux-image-\(.*-$flavour\)\(:arm64\)\?\$/\1/p")
		[ -n "$release" ] || die "linux-image-$meta names no kernel"
		pkgs="linux-image-$release"
		[ -n "$chroot" ] || pkgs="$pkgs linux-headers-$release"
		# The programs that build run here, what they build runs there.
		# shellcheck disable=SC2086 # a list
		case $flavour in
		*-arm64) pkgs="linux-image-$release:arm64 linux-headers-$release:arm64 busybox-static:arm64
			linux-headers-${release%-"$flavour"}-common linux-kbuild-6.1:amd64" ;;
		*) pkgs=$(linux_closure $pkgs) ;;
		esac
		say "fetching kernel $release"
		rm -rf "$dir"
		mkdir -p "$dir/debs" "$dir/tree"
		# shellcheck disable=SC2086 # a list
		(cd "$dir/debs" && apt_run apt-get -qq download $pkgs) ||
			die "cannot download $pkgs"
		apt_close
		for deb in "$dir"/debs/*.deb; do
			dpkg-deb -x "$deb" "$dir/tree"
		done
		# Some releases ship modules below /usr/lib; depmod wants /lib.
		if [ ! -e "$dir/tree/lib/modules" ]; then
			mkdir -p "$dir/tree/lib"
			ln -s ../usr/lib/modules "$dir/tree/lib/modules"
		fi
		rm -rf "$dir/debs" "$dir/tree/usr/share" "$dir/tree/lib/modules/$release/build" \
			"$dir/tree/lib/modules/$release/source"
		for image in "$dir/tree/boot/vmlinuz-$release" \
			"$dir/tree/lib/modules/$release/vmlinuz"; do
			[ ! -e "$image" ] || cp "$image" "$dir/vmlinuz"
		done
		echo "$release" >"$dir/release"
		echo "$args" >"$dir/make-args"
		if [ -n "$chroot" ]; then
			say "building a $chroot chroot to compile for $release"
			# shellcheck disable=SC2086 # a list
			sources $chroot $chroot-updates $chroot-security $suites |
				mmdebstrap --quiet --variant=minbase \
					--aptopt='Acquire::Check-Valid-Until "false"' \
					--include="gcc,make,linux-headers-$release" \
					"$chroot" "$dir/chroot" - >&2 ||
				die "mmdebstrap of $chroot failed"
			ln -s "chroot/usr/src/linux-headers-$release" "$dir/kdir"
		else
			fix_kdir "$dir/tree"
			ln -s "tree/usr/src/linux-headers-$release" "$dir/kdir"
		fi
		pack_modules
	fi
	make_initrd
	echo "$key" >"$dir/initrd.key"
	unlock
	echo "$dir"
}

# The qemu of Debian 12's backports: its fork and exec under TCG are about
# eight times as fast as those of the installed 7.2, which is the fallback.
# apt picks the libraries that this machine lacks.
fetch_qemu()
{
	package=qemu-system-x86 program=qemu-system-x86_64 dir=$ECS_FIM_CACHE/qemu
	[ "$1" != arm64 ] || package=qemu-system-arm program=qemu-system-aarch64 dir=$dir-arm64
	suite=bookworm-backports
	if "$dir/qemu" --version >/dev/null 2>&1; then
		echo "$dir/qemu"
		return
	fi
	lock qemu
	if ! "$dir/qemu" --version >/dev/null 2>&1; then
		rm -rf "$dir"
		mkdir -p "$dir"
		cat >"$dir/qemu" <<-EOF
			#!/bin/sh
			export LD_LIBRARY_PATH=$dir/usr/lib/x86_64-linux-gnu:$dir/lib/x86_64-linux-gnu
			exec $dir/usr/bin/$program -L $dir/usr/share/qemu -L $dir/usr/share/seabios -L /usr/share/seabios "\$@"
		EOF
		chmod +x "$dir/qemu"
		(
			apt_open qemu bookworm bookworm-updates bookworm-security "$suite"
			# shellcheck disable=SC2154 # set by apt_open
			cp /var/lib/dpkg/status "$apt_dir/status"
			apt_run apt-get -qq -y --no-install-recommends --download-only install \
				"$package/$suite" "qemu-system-common/$suite" \
				"qemu-system-data/$suite" seabios >&2 || exit
			for deb in "$apt_dir"/archives/*.deb; do
				dpkg-deb -x "$deb" "$dir" || exit
			done
			apt_close
			"$dir/qemu" --version >/dev/null
		) || say "no qemu from $suite, falling back to the installed one"
	fi
	unlock
	if "$dir/qemu" --version >/dev/null 2>&1; then
		echo "$dir/qemu"
	else
		command -v $program || die "no $program"
	fi
}

case $#:${1-} in
2:kernel) fetch_kernel "$2" ;;
1:qemu) fetch_qemu '' ;;
2:qemu) fetch_qemu "$2" ;;
*) die "usage: fetch.sh kernel NAME | fetch.sh qemu [arm64]" ;;
esac
