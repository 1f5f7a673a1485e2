#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   rootfs.sh [arm64]
#
# Print the path of the guest's root image (raw ext4), building it when the
# cache has none made from the same packages and guest scripts. Building needs
# root: the image keeps the owners of the files.
#   rootfs.sh sysroot-arm64
# Print the path of a folder with the libraries and headers to build for arm64.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/common.sh disable=SC1091
. "$here/common.sh"

suite=bookworm
size=4G
packages='kmod procps psmisc iproute2 iptables docker.io apparmor auditd
e2fsprogs xfsprogs btrfs-progs stress-ng attr acl strace jq openssl inotify-tools libcap2-bin
diffutils util-linux coreutils findutils python3-minimal busybox-static
libcurl4 libjansson4 libaudit1 libyaml-0-2 libpcre2-8-0 libssl3 librpm9 libsqlite3-0'

# Without Docker and auditd: nothing of theirs runs without being installed, and
# what is for another machine can only be unpacked.
packages_arm64='base-files base-passwd dash bash sed grep gawk tar gzip
hostname kmod procps iproute2 e2fsprogs xfsprogs attr acl util-linux mount
coreutils findutils diffutils libcurl4 libjansson4 libaudit1 libyaml-0-2
libpcre2-8-0 libssl3 libseccomp2 libsqlite3-0 zlib1g libsubunit0 openssl'
packages_sysroot='libc6-dev libssl-dev libjansson-dev libaudit-dev
libcurl4-openssl-dev libseccomp-dev libyaml-dev libpcre2-dev libsqlite3-dev zlib1g-dev check libsubunit-dev'

# unpack_arm64 PACKAGES TAR
unpack_arm64()
{
	# shellcheck disable=SC2086 # a list
	sources $suite $suite-updates $suite-security |
		mmdebstrap --quiet --variant=extract --architectures=arm64 \
			--aptopt='Acquire::Check-Valid-Until "false"' \
			--dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/doc/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' \
			--include="$(echo $1 | tr -s ' \n' ',')" \
			$suite "$2" - >&2 || die 'mmdebstrap for arm64 failed'
}

# What maintainer scripts would have done.
configure_arm64()
{
	for file in passwd group; do
		[ -e "$1/etc/$file" ] || cp "$1/usr/share/base-passwd/$file.master" "$1/etc/$file"
	done
	[ -e "$1/usr/bin/awk" ] || ln -s gawk "$1/usr/bin/awk"
	[ -e "$1/bin/sh" ] || ln -s dash "$1/bin/sh"
}

hash_of()
{
	cat "$@" | sha256sum | cut -c1-12
}

# What 'docker import' turns into an image, without a registry.
make_container()
{
	box=$tmp/busybox
	for folder in bin sbin usr/bin usr/sbin etc root home var/log var/tmp proc sys dev; do
		mkdir -p "$box/$folder"
	done
	mkdir -m 1777 "$box/tmp"
	cp "$tree/bin/busybox" "$box/bin/busybox"
	"$box/bin/busybox" --list-full | while read -r applet; do
		[ -e "$box/$applet" ] || ln -s /bin/busybox "$box/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$box/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$box/etc/group"
	tar -C "$box" -cf "$tree/usr/share/ecs-fim-test/busybox.tar" --owner=0 --group=0 --numeric-owner .
}

case ${1-} in
'') arch='' base_packages=$packages ;;
arm64) arch=-arm64 base_packages=$packages_arm64 ;;
sysroot-arm64)
	sysroot=$ECS_FIM_CACHE/sysroot-arm64-$(echo "$packages_sysroot" | hash_of)
	lock sysroot
	if [ ! -e "$sysroot" ]; then
		rm -rf "$sysroot.tmp"
		mkdir -p "$sysroot.tmp"
		say 'unpacking the libraries for arm64'
		unpack_arm64 "$packages_sysroot" "$sysroot.tar"
		tar -x -C "$sysroot.tmp" -f "$sysroot.tar" --exclude=./dev
		rm "$sysroot.tar"
		# The linker follows links in this machine's tree.
		find "$sysroot.tmp/usr/lib" -type l -lname '/*' | while read -r link; do
			ln -sfn "$sysroot$(readlink "$link")" "$link"
		done
		mv "$sysroot.tmp" "$sysroot"
	fi
	echo "$sysroot"
	exit 0
	;;
*) die 'usage: rootfs.sh [arm64|sysroot-arm64]' ;;
esac

# Two steps: half a minute for the packages, seconds for the guest's scripts.
base_key=$(echo "$base_packages" | hash_of)
image_key=$(hash_of "$here/rootfs.sh" "$here"/guest/*)
base=$ECS_FIM_CACHE/rootfs$arch-$base_key.tar.zst
image=$ECS_FIM_CACHE/rootfs$arch-$image_key.ext4

# The clean-up below goes by age; what is in use is not old.
touch -c "$image" "$base" 2>/dev/null || :
if [ -e "$image" ]; then
	echo "$image"
	exit 0
fi

[ "$(id -u)" -eq 0 ] || die 'building the root image needs root'
lock rootfs
if [ -e "$image" ]; then
	echo "$image"
	exit 0
fi
tmp=$(mktemp -d "$ECS_FIM_CACHE/rootfs.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 125' INT TERM

if [ ! -e "$base" ] && [ -n "$arch" ]; then
	say "unpacking the $suite root file system for arm64"
	unpack_arm64 "$packages_arm64" "$tmp/base.tar"
elif [ ! -e "$base" ]; then
	say "building the $suite root file system"
	# shellcheck disable=SC2086 # a list
	sources $suite $suite-updates $suite-security |
		mmdebstrap --quiet --variant=minbase \
			--aptopt='Acquire::Check-Valid-Until "false"' \
			--dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/doc/*' \
			--dpkgopt='path-exclude=/usr/share/info/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' \
			--include="$(echo $packages | tr ' ' ',')" \
			$suite "$tmp/base.tar" - >&2 || die 'mmdebstrap failed'
fi
if [ ! -e "$base" ]; then
	zstd -q -3 -T0 --rm "$tmp/base.tar" -o "$tmp/base.tar.zst"
	mv "$tmp/base.tar.zst" "$base"
fi

say 'packing the root image'
tree=$tmp/tree
mkdir "$tree"
zstd -qdc "$base" | tar -x -C "$tree" --numeric-owner

lib=$tree/usr/lib/ecs-fim-test
mkdir -p "$lib" "$tree/job" "$tree/usr/share/ecs-fim-test"
for script in init start-docker start-auditd; do
	install -m 755 "$here/guest/$script" "$lib/"
done
echo ecs-fim-vm >"$tree/etc/hostname"
: >"$tree/etc/resolv.conf" # mmdebstrap copied this machine's
echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
printf '127.0.0.1 localhost ecs-fim-vm\n::1 localhost\n' >"$tree/etc/hosts"

[ -z "$arch" ] || configure_arm64 "$tree"
[ -n "$arch" ] || make_container

truncate -s "$size" "$tmp/image"
/sbin/mkfs.ext4 -q -F -L root -d "$tree" "$tmp/image" >&2
mv "$tmp/image" "$image"
find "$ECS_FIM_CACHE" -maxdepth 1 -name 'rootfs-*' -type f -mmin +1440 -delete
echo "$image"
