#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reset.sh N: N guests are reset, each at a random moment of 8 writers' work: at once, with
# nothing written back and nothing unmounted (sysrq b). What the disk has then is recovered, and
# each alert that had left is in the journal (judge.sh). power.sh asks the same of more moments,
# and of disks that lose what was not flushed; here the whole machine stops. Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
resets=${1:-10}
make --no-print-directory -s all build/journal-bin/load || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/journal/judge.sh
. tests/journal/judge.sh
file_system=64 disk=96 # MiB; the rest is the sink
mkdir "$work/job" "$work/vm"
cp $load "$work/job/"

# A guest that writes for $1 tenths of a second to disk $work/disk.img, and is gone.
reset_guest() {
	cat >"$work/job/run" <<-GUEST
		#!/bin/sh
		$mount_extra
		./load write /mnt/extra/journal "\$disk" $((file_system << 20)) &
		sleep $(($1 / 10)).$(($1 % 10))
		echo b >/proc/sysrq-trigger
		sleep 60
	GUEST
	chmod +x "$work/job/run"
	tests/vm/run.sh --quiet --kernel 6.1 --job "$work/job" --out "$work/vm" \
		--disk "$work/disk.img" --disk-log "$work/log" 2>/dev/null
	[ $? -eq 125 ] || echo "the guest was not reset"
}

bad=0 alerts=0 busy=0
for ((i = 0; i < resets; i++)); do
	rm -rf "$work/root" "$work/disk.img"
	mkdir "$work/root"
	new_journal "$work/root/journal"
	mv "$work/root/journal.key" "$work/key" && rm -rf "$work"/root/journal.*
	truncate -s ${disk}M "$work/disk.img"
	mkfs.ext4 -q -F -d "$work/root" -E lazy_itable_init=0,lazy_journal_init=0 "$work/disk.img" ${file_system}M || exit 1
	reset_guest $((10 + RANDOM % 80)) >"$work/said"
	tail -c +$(((file_system << 20) + 1)) "$work/disk.img" | tr -d '\0' >"$work/alerts"
	e2fsck -fy "$work/disk.img" >"$work/e2fsck" 2>&1
	[ $? -le 1 ] || cat "$work/e2fsck" >>"$work/said"
	rm -rf "$work/root" && mkdir "$work/root"
	debugfs -R "rdump /journal $work/root" "$work/disk.img" >/dev/null 2>&1
	cp "$work/key" "$work/root/journal.key"
	judge "$work/root/journal" "$work/alerts" >>"$work/said"
	[ ! -s "$work/alerts" ] || busy=$((busy + 1))
	alerts=$((alerts + $(wc -l <"$work/alerts")))
	[ ! -s "$work/said" ] || { sed "s/^/# reset $i: /" "$work/said" && bad=$((bad + 1)); }
done
[ $((2 * busy)) -ge "$resets" ] || bad=$((bad + 1)) # else hardly anything was asked
report $bad "$resets resets, $busy after alerts had left: each of $alerts alerts is in the journal, which verifies ($torn_seen torn last lines, all declared)"
sed -i '$d' "$work/root/journal/journal.ndjson"
"$fim" journal verify --key "$work/root/journal.key" "$work/root/journal" >/dev/null 2>&1
report $(($? != 3)) "a record cut off the end is missed"
echo "1..$number"
