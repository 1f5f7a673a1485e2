#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kmod-build.sh KERNEL SRCDIR [MAKE ARG...]
#
# Build the out-of-tree module in SRCDIR (a folder with a Kbuild, built in
# place) for a kernel of fetch.sh, and exit with make's status.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/common.sh disable=SC1091
. "$here/common.sh"

[ $# -ge 2 ] || die 'usage: kmod-build.sh KERNEL SRCDIR [MAKE ARG...]'
kernel=$1
src=$(realpath "$2")
shift 2
dir=$("$here/fetch.sh" kernel "$kernel")
read -r args <"$dir/make-args" || :
args="-j$(nproc) $args"
unset MAKEFLAGS MAKELEVEL # of the make that called us

if [ ! -d "$dir/chroot" ]; then
	# shellcheck disable=SC2086 # a list
	exec make -C "$dir/kdir" M="$src" $args "$@"
fi

[ "$(id -u)" -eq 0 ] || die "building for $kernel needs root (chroot)"
# The sources appear in the chroot under their own path, with what lies beside
# them (shared headers): the repository, or else the parent folder.
top=$(realpath "$here/../..")
case $src/ in
"$top"/*) ;;
*) top=$(dirname "$src") ;;
esac
[ "$top" != / ] || top=$src
# In a mount namespace of their own, the mounts vanish with the build. objtool
# reads /proc.
# shellcheck disable=SC2016,SC2086 # expands in the inner shell; a list
exec unshare -m sh -euc '
	chroot=$1 top=$2
	shift 2
	mkdir -p "$chroot$top"
	mount --bind "$top" "$chroot$top"
	mount -t proc proc "$chroot/proc"
	exec chroot "$chroot" make "$@"
' sh "$dir/chroot" "$top" -C "/usr/src/linux-headers-$(cat "$dir/release")" M="$src" $args "$@"
