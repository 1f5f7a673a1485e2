#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Boot a Debian kernel under QEMU and run a job in it.
#
#   run.sh --kernel NAME --job DIR [--out DIR] [--smp N]
#          [--mem MB] [--timeout S] [--icount|--icount-io] [--append ARGS] [--root ext4]
#          [--disk IMAGE --disk-log FILE] [--quiet]
#
# NAME is one that fetch.sh knows. DIR is copied to the guest's /job, where
# /job/run is run as root. Its output
# appears here while it runs, the files it leaves in /job/out come back in the
# --out DIR (with console.log, dmesg.log and job.log), its status becomes ours.
# 125 means that there is no status: crash, timeout or a failing harness.
#
# IMAGE becomes a disk with the serial "extra". All that is written to it and all
# flushes go to FILE as well, in their order and in the format of dm-log-writes
# (tests/journal/power.py reads it).
#
# ECS_FIM_ACCEL=kvm uses KVM. It is not tried by default: a /dev/kvm that opens
# may still hang the guest.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/common.sh disable=SC1091
. "$here/common.sh"

usage()
{
	sed -n '5,9s/^# *//p' "$0" >&2
	exit 125
}

kernel='' job='' out='' smp=1 mem=2048 timeout=600 icount='' append='' quiet='' disk='' disk_log=''
while [ $# -gt 0 ]; do
	case $1 in
	--icount) icount=off ;;
	--icount-io) icount=on ;;
	--quiet) quiet=1 ;;
	--kernel | --job | --out | --smp | --mem | --timeout | --append | --root | --disk | --disk-log)
		[ $# -ge 2 ] || usage
		case $1 in
		--kernel) kernel=$2 ;;
		--job) job=$2 ;;
		--out) out=$2 ;;
		--smp) smp=$2 ;;
		--mem) mem=$2 ;;
		--timeout) timeout=$2 ;;
		--append) append=$2 ;;
		--disk) disk=$2 ;;
		--disk-log) disk_log=$2 ;;
		--root) [ "$2" = ext4 ] || die "no root image of type $2" ;;
		esac
		shift
		;;
	*) usage ;;
	esac
	shift
done
if [ -z "$kernel" ] || [ -z "$job" ]; then
	usage
fi
[ -x "$job/run" ] || die "$job/run is not an executable file"

kdir=$("$here/fetch.sh" kernel "$kernel")
arch='' machine=q35 console=ttyS0 cpu=max
case $kernel in
*-arm64) arch=arm64 machine=virt,gic-version=3 console=ttyAMA0 cpu=cortex-a72 ;;
esac
# shellcheck disable=SC2086 # a word or none
image=$("$here/rootfs.sh" $arch)
# shellcheck disable=SC2086 # a word or none
qemu=$("$here/fetch.sh" qemu $arch)

tmp=$(mktemp -d)
qemu_pid=
# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 125' INT TERM HUP

[ -n "$out" ] || out=$tmp/out
mkdir -p "$out"
rm -f "$out/console.log" "$out/dmesg.log" "$out/job.log"

tar -C "$job" --exclude=./out -cf "$tmp/job" .
truncate -s %512 "$tmp/job" # whole sectors
truncate -s 1G "$tmp/out.tar"

accel=tcg,thread=multi
clock=
if [ -n "$icount" ]; then
	# Guest time is the number of executed instructions; while nothing is executed, it
	# leaps to the next timer (off), or is the host's (on).
	accel=tcg,thread=single
	smp=1
elif [ "${ECS_FIM_ACCEL:-tcg}" = kvm ]; then
	accel=kvm
	cpu=host
elif [ -z "$arch" ] && ! grep -qw aperfmperf /proc/cpuinfo; then
	# TCG's time stamp counter is the host's. On a loaded host the guest once
	# measured its frequency four times too low, so tell it, unless "cpu MHz"
	# is a momentary value here.
	# Its timer, which must tick in time while the kernel boots, it need not check.
	clock=$(awk '/^cpu MHz/ { printf "no_timer_check tsc_early_khz=%d", $4 * 1000; exit }' /proc/cpuinfo)
fi

# The job's output goes through a pipe to show it while it appears. We hold it
# open in both directions: no order of starting and ending can block us.
mkfifo "$tmp/log"
exec 3<>"$tmp/log"
if [ -n "$quiet" ]; then
	cat <"$tmp/log" >"$out/job.log" 3>&- &
else
	say "kernel $(cat "$kdir/release"), $("$qemu" --version | sed -n '1s/QEMU emulator/QEMU/p'), $accel"
	tee -p "$out/job.log" <"$tmp/log" 3>&- &
fi
log_pid=$!

drive()
{
	echo "-drive file=$2,if=none,format=raw,cache=unsafe,id=$1$3 -device virtio-blk-pci,drive=$1,serial=$1"
}

extra=
if [ -n "$disk" ]; then
	: >"$disk_log"
	extra="-blockdev driver=file,filename=$disk,node-name=extra-data
		-blockdev driver=file,filename=$disk_log,node-name=extra-log
		-blockdev driver=blklogwrites,file=extra-data,log=extra-log,node-name=extra
		-device virtio-blk-pci,drive=extra,serial=extra"
fi

# shellcheck disable=SC2046,SC2086 # lists of words
timeout -k 5 "$timeout" "$qemu" -nodefaults -no-user-config -display none -no-reboot \
	-machine "$machine" -accel "$accel" ${icount:+-icount shift=0,sleep=$icount} \
	-cpu "$cpu" -smp "$smp" -m "$mem" \
	-kernel "$kdir/vmlinuz" -initrd "$kdir/initrd" \
	-append "console=$console panic=-1 mitigations=off tsc=reliable $clock log_buf_len=2M $append" \
	-serial "file:$out/console.log" \
	-device virtio-rng-pci -device virtio-serial-pci \
	-chardev "file,id=log,path=$tmp/log" -device virtserialport,chardev=log,name=log \
	-chardev "file,id=status,path=$tmp/status" -device virtserialport,chardev=status,name=status \
	$(drive root "$image" ,snapshot=on) \
	$(drive modules "$kdir/modules.img" ,snapshot=on) \
	$(drive job "$tmp/job" ,readonly=on) \
	$(drive out "$tmp/out.tar" '') $extra </dev/null >&2 3>&- &
qemu_pid=$!
code=0
wait "$qemu_pid" || code=$?
qemu_pid=
exec 3>&-
wait "$log_pid" || :

status=$(sed -n 's/^VMEXIT //p' "$tmp/status" 2>/dev/null || :)
tar -xf "$tmp/out.tar" -C "$out" --no-same-owner --warning=no-timestamp || say 'cannot unpack the output files'
if [ -z "$status" ]; then
	if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
		say "timeout after $timeout s; the console ends with:"
	else
		say "the guest ended without a status (qemu: $code); the console ends with:"
	fi
	tail -n 50 "$out/console.log" >&2 || :
	exit 125
fi
[ "$code" -eq 0 ] || say "the job ended, but the guest did not power off (qemu: $code)"
exit "$status"
