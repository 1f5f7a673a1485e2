#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An image is built, sealed and booted as an AMI would be, with systemd, nobody touching
# it: install the package, take the baseline last, hand out its digest, sign outside, put
# the signature back; first boot, verification, a change, the alert, the report, the final
# bundle at shutdown. Then faults, each with its outcome. Prints TAP.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD
# shellcheck source=tests/vm/common.sh
. tests/vm/common.sh
kernel=${1:-6.1}
work=$top/build/image-$kernel
kdir=$(tests/vm/fetch.sh kernel "$kernel")
qemu=$(tests/vm/fetch.sh qemu)
release=$(cat "$kdir/release")
packages='systemd systemd-sysv udev dbus kmod procps iproute2 iptables docker.io apparmor auditd e2fsprogs
jq openssl diffutils util-linux libcurl4 libjansson4 libaudit1 libseccomp2 libyaml-0-2 libpcre2-8-0 libssl3
libsqlite3-0 zlib1g rsyslog python3-minimal busybox-static strace'

rm -rf "$work"
mkdir -p "$work/tree"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem" 2>/dev/null
openssl ec -in "$work/key.pem" -pubout -out "$work/key.pub" 2>/dev/null
make --no-print-directory -s all
tests/kmod/build.sh "$kernel" "build/kmod-$kernel" >&2
ami/package/build deb --kernel "$release=build/kmod-$kernel/kmod/ecs_fim.ko" -o "$work/debs" >&2

# ------------------------------------------------------------------ the published image
key=$(printf '%s' "$packages" | sha256sum | cut -c1-12)
base=$ECS_FIM_CACHE/image-base-$key.tar.zst
if [ ! -e "$base" ]; then
	say 'building the base image (the stand-in for the published AMI)'
	sources bookworm bookworm-updates bookworm-security |
		mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
			--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' \
			--include="$(tr -s ' \n' , <<<"$packages" | sed 's/,$//')" bookworm "$work/base.tar" - >&2
	zstd -q -3 -T0 --rm "$work/base.tar" -o "$work/base.tar.zst"
	mv "$work/base.tar.zst" "$base"
fi
tree=$work/tree
zstd -qdc "$base" | tar -x -C "$tree" --numeric-owner
mkdir -p "$tree/lib/modules/$release" "$tree/usr/lib/ecs-fim-test" "$tree/root/debs"
cp -r "$kdir/modules/." "$tree/lib/modules/$release/"
cp "$work"/debs/ecs-fim_*.deb "$work"/debs/ecs-fim-kmod-*.deb "$tree/root/debs/"
cp "$work/key.pub" "$tree/root/debs/baseline.pem"
cp ami/packer/provision.sh "$tree/root/provision.sh"
cp tests/image/build.sh tests/image/guest.sh tests/image/*-boot.sh "$tree/usr/lib/ecs-fim-test/"
chmod +x "$tree"/usr/lib/ecs-fim-test/*
printf '#!/bin/sh\numount /usr/lib/modules/%s\nexec /lib/systemd/systemd </dev/console >/dev/console 2>&1\n' \
	"$release" >"$tree/usr/lib/ecs-fim-test/init"
chmod +x "$tree/usr/lib/ecs-fim-test/init"
echo ecs-image >"$tree/etc/hostname"
: >"$tree/etc/machine-id"
echo '/dev/vda / ext4 defaults 0 1' >"$tree/etc/fstab"
# Stands for the ECS agent: it only has to be held back or let go.
cat >"$tree/usr/lib/systemd/system/ecs.service" <<'UNIT'
[Unit]
Description=stand-in for the ECS agent
After=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
UNIT
mkdir -p "$tree/var/lib/ecs"
cat >"$tree/usr/lib/systemd/system/ecs-fim-test.service" <<'UNIT'
[Unit]
Description=the test's own part
After=multi-user.target docker.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/usr/lib/ecs-fim-test/run >/dev/virtio-ports/log 2>&1'
PassEnvironment=FIM_TEST
TimeoutStartSec=900
[Install]
WantedBy=default.target
UNIT
sed -i 's/^WantedBy=default.target/WantedBy=graphical.target/' "$tree/usr/lib/systemd/system/ecs-fim-test.service"
ln -sf /usr/lib/ecs-fim-test/guest.sh "$tree/usr/lib/ecs-fim-test/run"
mkdir -p "$tree/etc/systemd/system/graphical.target.wants"
ln -s /usr/lib/systemd/system/ecs-fim-test.service "$tree/etc/systemd/system/graphical.target.wants/"
ln -s /usr/lib/systemd/system/ecs.service "$tree/etc/systemd/system/multi-user.target.wants/ecs.service"
truncate -s 3G "$work/disk"
/sbin/mkfs.ext4 -q -F -L root -d "$tree" "$work/disk" >&2
rm -rf "$tree"

# ------------------------------------------------------------------------------- boots
# $1: name; what the guest writes to its log port appears in NAME.log. The signer port
# is the way out and in of digest and signature.
boot() {
	local drive="-drive file=$work/disk,if=none,format=raw,cache=unsafe,id=root -device virtio-blk-pci,drive=root,serial=root"
	: >"$work/$1.log"
	# shellcheck disable=SC2086 # words
	timeout -k 5 "${2:-600}" "$qemu" -nodefaults -no-user-config -display none -no-reboot -machine q35 \
		-accel tcg,thread=multi -cpu max -smp 2 -m 2048 -kernel "$kdir/vmlinuz" -initrd "$kdir/initrd" \
		-append "console=ttyS0 panic=-1 mitigations=off tsc=reliable systemd.show_status=0 ${3:-}" \
		-serial "file:$work/$1.console" -device virtio-rng-pci -device virtio-serial-pci \
		-chardev "file,id=log,path=$work/$1.log" -device virtserialport,chardev=log,name=log \
		-chardev "pipe,id=sign,path=$work/signer" -device virtserialport,chardev=sign,name=signer \
		$drive -drive "file=$kdir/modules.img,if=none,format=raw,id=mod,snapshot=on" \
		-device virtio-blk-pci,drive=mod,serial=modules </dev/null >&2
}

mkfifo "$work/signer.in" "$work/signer.out"
# The signing service: a digest comes, a signature goes. The private key stays on this side.
(
	exec 3<>"$work/signer.in" 4<>"$work/signer.out"
	read -r word hex <&4
	if [ "$word" = digest ]; then
		echo "$hex" >"$work/digest"
		printf '%s' "$hex" | xxd -r -p >"$work/digest.bin"
		openssl pkeyutl -sign -inkey "$work/key.pem" -in "$work/digest.bin" -out "$work/sig"
		{
			base64 -w0 "$work/sig"
			echo
		} >&3
	fi
	sleep 1000
) &
signer=$!
trap 'kill $signer 2>/dev/null || :' EXIT

status=0
run() {
	boot "$@" || echo "not ok - $1: the guest ends by itself (status $?)" >>"$work/$1.log"
	cat "$work/$1.log"
	if ! grep -q '^# end' "$work/$1.log"; then
		echo "not ok - $1: the guest came to its end"
		tail -n 30 "$work/$1.console" | sed 's/^/# /'
	fi
	! grep -q '^not ok' "$work/$1.log" || status=1
}
# The image build. The test's own unit runs build.sh on this boot only.
start=$SECONDS
run build 600 systemd.setenv=FIM_TEST=build
say "image built in $((SECONDS - start)) s"
start=$SECONDS
run first-boot 900
say "first boot took $((SECONDS - start)) s"
run second-boot 900
exit $status
