#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/image/check.sh [KERNEL [STAGE...]]
#
# An image is built, sealed and booted as an AMI would be, with systemd, nobody touching
# it: install the package, take the baseline last, hand out its digest, sign outside, put
# the signature back; the boot test of Packer, which has to fail where something was changed
# after the baseline; first boot, verification, a change, the alert, the report, the final
# bundle at shutdown, which is checked outside. Then what an operator does (the SSM
# documents, an upgrade, removal), faults, and a host of ECS Anywhere. Prints TAP.
#
# Stages, by default all, in this order: boot-test first-boot service second-boot anywhere chroot dkms.
# The image is built every time; what comes after first-boot needs that.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD
# shellcheck source=tests/vm/common.sh
. tests/vm/common.sh
kernel=${1:-6.1}
[ $# -eq 0 ] || shift
stages=${*:-boot-test first-boot service second-boot anywhere chroot dkms}
newer=9.0.1
work=$top/build/image-$kernel
kdir=$(tests/vm/fetch.sh kernel "$kernel")
qemu=$(tests/vm/fetch.sh qemu)
release=$(cat "$kdir/release")
# As in tests/vm/run.sh: a loaded host makes a guest measure its clock wrong, or give its timer up.
clock=no_timer_check
grep -qw aperfmperf /proc/cpuinfo ||
	clock="$clock $(awk '/^cpu MHz/ { printf "tsc_early_khz=%d", $4 * 1000; exit }' /proc/cpuinfo)"
rm -rf "$work"
mkdir -p "$work/tree"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem" 2>/dev/null
openssl ec -in "$work/key.pem" -pubout -out "$work/key.pub" 2>/dev/null
make --no-print-directory -s all
tests/kmod/build.sh "$kernel" "build/kmod-$kernel" >&2
ami/package/build deb --kernel "$release=build/kmod-$kernel/kmod/ecs_fim.ko" -o "$work/debs" >&2
ami/package/build deb --version "$newer" --kernel "$release=build/kmod-$kernel/kmod/ecs_fim.ko" -o "$work/newer" >&2

# ------------------------------------------------------------------ the published image
base=$(tests/image/base.sh)
tree=$work/tree
zstd -qdc "$base" | tar -x -C "$tree" --numeric-owner
mkdir -p "$tree/lib/modules/$release" "$tree/usr/lib/ecs-fim-test" "$tree/root/debs"
cp -r "$kdir/modules/." "$tree/lib/modules/$release/"
cp "$work"/debs/ecs-fim_*.deb "$work"/debs/ecs-fim-kmod-*.deb "$tree/root/debs/"
cp "$work/key.pub" "$tree/root/debs/baseline.pem"
cp ami/packer/provision.sh ami/ecs-anywhere/install.sh "$tree/root/"
for script in guest build boot-test first-boot service second-boot anywhere; do
	cp "tests/image/$script.sh" "$tree/usr/lib/ecs-fim-test/"
done
# What the SSM agent would run.
for document in report collect; do
	python3 tests/ami/ssm.py script ami/ssm/ecs-fim-$document.yaml >"$tree/usr/lib/ecs-fim-test/ssm-$document"
done
python3 tests/ami/ssm.py script ami/ssm/ecs-fim-rebaseline.yaml \
	Policy=/usr/share/ecs-fim/baselines/debian-12.yaml >"$tree/usr/lib/ecs-fim-test/ssm-rebaseline"
mkdir "$tree/usr/lib/ecs-fim-test/newer"
cp "$work"/newer/ecs-fim_*.deb "$work"/newer/ecs-fim-kmod-*.deb "$tree/usr/lib/ecs-fim-test/newer/"
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
TimeoutStartSec=infinity
[Install]
WantedBy=default.target
UNIT
sed -i 's/^WantedBy=default.target/WantedBy=graphical.target/' "$tree/usr/lib/systemd/system/ecs-fim-test.service"
ln -sf /usr/lib/ecs-fim-test/guest.sh "$tree/usr/lib/ecs-fim-test/run"
mkdir -p "$tree/etc/systemd/system/graphical.target.wants"
ln -s /usr/lib/systemd/system/ecs-fim-test.service "$tree/etc/systemd/system/graphical.target.wants/"
ln -s /usr/lib/systemd/system/ecs.service "$tree/etc/systemd/system/multi-user.target.wants/ecs.service"
truncate -s 3G "$work/disk" "$work/anywhere.disk"
/sbin/mkfs.ext4 -q -F -L root -d "$tree" "$work/disk" >&2
# The other host: what "ecs-anywhere-install.sh --no-start" leaves is an agent that does not start.
rm "$tree/etc/systemd/system/multi-user.target.wants/ecs.service"
echo 11111111111111111111111111111111 >"$tree/etc/machine-id"
/sbin/mkfs.ext4 -q -F -L root -d "$tree" "$work/anywhere.disk" >&2
rm -rf "$tree"

# ------------------------------------------------------------------------------- boots
# $1: name; what the guest writes to its log port appears in NAME.log. $2: seconds; $3: disk;
# $4: words for the kernel; $5: snapshot: what the guest writes is forgotten. The signer
# port is the way out and in of digest and signature. There is no network.
boot() {
	: >"$work/$1.log"
	# shellcheck disable=SC2086 # words
	timeout -k 5 "$2" "$qemu" -nodefaults -no-user-config -display none -no-reboot -machine q35 \
		-accel tcg,thread=multi -cpu max -smp 2 -m 2048 -kernel "$kdir/vmlinuz" -initrd "$kdir/initrd" \
		-append "console=ttyS0 panic=-1 mitigations=off tsc=reliable $clock systemd.show_status=0 $4" \
		-serial "file:$work/$1.console" -device virtio-rng-pci -device virtio-serial-pci \
		-chardev "file,id=log,path=$work/$1.log" -device virtserialport,chardev=log,name=log \
		-chardev "pipe,id=sign,path=$work/signer" -device virtserialport,chardev=sign,name=signer \
		-drive "file=$3,if=none,format=raw,cache=unsafe,id=root${5:+,snapshot=on}" \
		-device virtio-blk-pci,drive=root,serial=root \
		-drive "file=$kdir/modules.img,if=none,format=raw,id=mod,snapshot=on" \
		-device virtio-blk-pci,drive=mod,serial=modules </dev/null >&2
}

mkfifo "$work/signer.in" "$work/signer.out"
# The other side of the port. A digest comes, a signature goes: the private key stays here.
# The boot test asks for the command that SSM was told to run.
(
	exec 3<>"$work/signer.in" 4<>"$work/signer.out"
	while read -r word hex <&4; do
		case $word in
		digest)
			printf '%s' "$hex" | xxd -r -p >"$work/digest.bin"
			openssl pkeyutl -sign -inkey "$work/key.pem" -in "$work/digest.bin" -out "$work/sig"
			base64 -w0 "$work/sig" >&3
			echo >&3
			;;
		command) base64 -w0 "$work/command" >&3 && echo >&3 ;;
		esac
	done
) &
signer=$!
trap 'kill $signer 2>/dev/null || :' EXIT

status=0
ok() { # $1: status of what was tried, $2: what
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		status=1
	fi
}
try() { # $1: what; the rest: a command, whose output is shown if it fails
	local what=$1 code=0
	shift
	"$@" >"$work/try.log" 2>&1 || code=$?
	ok "$code" "$what"
	[ "$code" -eq 0 ] || sed 's/^/# /' "$work/try.log" | tail -n 20
}
run() { # as boot
	local start=$SECONDS
	boot "$@" || echo "not ok - $1: the guest ends by itself (status $?)" >>"$work/$1.log"
	cat "$work/$1.log"
	if ! grep -q '^# end' "$work/$1.log"; then
		echo "not ok - $1: the guest came to its end"
		tail -n 30 "$work/$1.console" | sed 's/^/# /'
		status=1
	fi
	! grep -q '^not ok' "$work/$1.log" || status=1
	echo "# $1: $((SECONDS - start)) s, load $(cut -d' ' -f1 /proc/loadavg)"
}

# $1: name, $2: disk. Packer's last step, with a stand-in for the AWS CLI that starts a
# guest where that one starts an instance.
boot_test() {
	local code=0
	echo '{"builds":[{"artifact_id":"us-east-1:ami-0123456789abcdef0"}]}' >"$work/manifest.json"
	rm -f "$work/invocation.json" "$work/terminated"
	boot_test_disk=$2 boot_test_name=$1 PATH=$PWD/tests/image/shim:$PATH SUBNET=subnet-1 INSTANCE_PROFILE=ssm \
		ami/packer/boot-test us-east-1 "$work/manifest.json" >"$work/$1.out" 2>&1 || code=$?
	[ -e "$work/terminated" ] || echo "the instance was left running" >>"$work/$1.out"
	return $code
}
# For the shim: between the two is a sh that passes no functions on.
declare -f boot >"$work/boot"
export work kdir qemu clock

stage_boot_test() {
	local code=0
	cp --sparse=always "$work/disk" "$work/surprise.disk"
	printf '#!/bin/sh\necho surprise\n' >"$work/surprise"
	/sbin/debugfs -w -R "write $work/surprise /usr/bin/surprise" "$work/surprise.disk" 2>/dev/null
	boot_test surprise "$work/surprise.disk" || code=$?
	rm -f "$work/surprise.disk"
	try "a program put in after the baseline makes the boot test, and so the build, fail" test "$code" -ne 0
	try "which names it" grep -q '/usr/bin/surprise' "$work/surprise.out"
	ok "$(grep -q left "$work/surprise.out"; echo $((1 - $?)))" "and leaves no instance running"
	code=0
	boot_test sealed "$work/disk" || code=$?
	try "the image as it was sealed passes" sh -c "cat $work/sealed.out; exit $code"
	ok "$(grep -q left "$work/sealed.out"; echo $((1 - $?)))" "and leaves no instance running, either"
}

# What the shutdown left, in the hands of somebody else.
bundle_verify() {
	local dir=$work/final bundle
	rm -rf "$dir"
	mkdir -p "$dir"
	/sbin/debugfs -R "rdump /var/lib/ecs-fim/final $dir" "$work/disk" 2>/dev/null
	mv "$dir"/final/* "$dir/"
	bundle=$dir/bundle
	mkdir "$bundle"
	try "the final bundle is in the image's file system" tar -C "$bundle" -xf "$dir"/bundle-*.tar
	local manifest
	manifest=$(find "$bundle" -name manifest.json)
	try "openssl accepts the signature of its manifest" openssl dgst -sha256 -verify "${manifest%.json}.pem" \
		-signature "${manifest%.json}.sig" "$manifest"
	# Paths of files are from the bundle's top.
	jq -r '.files[] | .sha256 + "  " + .path' "$manifest" >"$dir/sums"
	try "sha256sum accepts each of its files" sh -c "test -s $dir/sums && cd $bundle && sha256sum -c --strict $dir/sums"
	try "the chain of its records starts with the first and is whole" \
		jq -e '.complete and .journal.first_seq == 1 and .records == .journal.last_seq' "$manifest"
	find "$bundle" -name '*.ndjson' -print0 | sort -z | xargs -0 cat >"$dir/records"
	try "the records have the change, who made it, and the daemon's end as the last word" jq -es '
		any(.[]; .type == "finding" and .path == "/etc/passwd" and .actor.exe != null) and
		([.[] | select(.component == "daemon") | .state] | last == "down")' "$dir/records"
	jq -c '{account, cluster, host}' "$manifest" >"$dir/expected"
	try "ecs-fim fleet report takes the host" build/ecs-fim fleet report --quiet --key "${manifest%.json}.pem" \
		--expected "$dir/expected" -o "$dir/fleet.json" "$bundle"
	try "and rejects nothing" jq -e '[.. | .rejected? // empty | select(type == "number")] | add == 0 or . == null' "$dir/fleet.json"
	printf 'x' | dd of="$(find "$bundle" -name '*.ndjson' | head -n 1)" bs=1 seek=100 conv=notrunc status=none
	try "after a change of one byte the fleet report rejects it" sh -c \
		"build/ecs-fim fleet verify --key ${manifest%.json}.pem $bundle; test \$? -eq 3"
	try "and so does sha256sum" sh -c "cd $bundle && ! sha256sum -c --status $dir/sums"
}

# The image build. The test's own unit runs build.sh on this boot only.
run build 3600 "$work/disk" systemd.setenv=FIM_TEST=build
[ $status -eq 0 ] || exit 1
for stage in $stages; do
	case $stage in
	chroot) tests/image/chroot.sh "$work/chroot" || status=1 ;;
	dkms) tests/image/dkms.sh "$work/dkms" "$kernel" || status=1 ;;
	boot-test) stage_boot_test ;;
	first-boot)
		run first-boot 3600 "$work/disk" ''
		bundle_verify
		;;
	service) run service 3600 "$work/disk" systemd.setenv=FIM_TEST=service snapshot ;;
	second-boot) run second-boot 5400 "$work/disk" '' ;;
	anywhere) run anywhere 3600 "$work/anywhere.disk" systemd.setenv=FIM_TEST=anywhere ;;
	*)
		echo "not ok - there is no stage $stage"
		status=1
		;;
	esac
done
exit $status
