#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# power.sh N [SECONDS]: the power of a guest is cut N times under load. One guest is booted and 8
# writers append in it for SECONDS; QEMU notes every write and every flush that reaches the
# disk. Then the disk is what it was at N random points of that: with all that the guest had
# written, or with what a disk may keep of what was not flushed, sector by sector. Its file
# system is recovered, and each alert that had left is in the journal (judge.sh). Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
cuts=${1:-20} seconds=${2:-15}
make --no-print-directory -s all build/journal-bin/load || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/journal/judge.sh
. tests/journal/judge.sh
file_system=64 disk=96 # MiB; the rest is the sink

mkdir "$work/job" "$work/vm" "$work/cuts"
cp $load $fim "$work/job/"
cat >"$work/job/run" <<GUEST
#!/bin/sh
$mount_extra
printf 'journal_dir: /mnt/extra/journal\nstatus_socket: /run/none\njournal_protect: false\n' >config.yaml
./ecs-fim journal seal --config config.yaml >out/key || exit 1
timeout -s KILL $seconds ./load write /mnt/extra/journal "\$disk" $((file_system << 20))
[ \$? -eq 137 ]
GUEST
chmod +x "$work/job/run"
truncate -s ${disk}M "$work/disk.img"
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$work/disk.img" ${file_system}M || exit 1
cp "$work/disk.img" "$work/before.img"
tests/vm/run.sh --quiet --kernel 6.1 --job "$work/job" --out "$work/vm" \
	--disk "$work/disk.img" --disk-log "$work/log"
report $? "a guest wrote until it was stopped"

# The journal of image $1, put in order by what a kernel does at the next mount.
recover() {
	e2fsck -fy "$1" >"$work/e2fsck" 2>&1
	[ $? -le 1 ] || { cat "$work/e2fsck" && return 1; }
	rm -rf "$work/root" && mkdir "$work/root"
	debugfs -R "rdump /journal $work/root" "$1" >/dev/null 2>&1
	cp "$work/vm/key" "$work/root/journal.key"
}

coproc power { python3 tests/journal/power.py "$work/log" "$work/before.img" $((file_system << 20)) "$cuts" "$work/cuts"; }
bad=0 done=0 alerts=0
power_pid=$!
read -r figures <&"${power[0]}"
while read -r name <&"${power[0]}"; do
	image=$work/cuts/$name.img
	if [ "$name" = unflushed ]; then
		recover "$image"
		"$load" check "$work/root/journal" "$told" >/dev/null 2>&1
		report $(($? == 0)) "of a disk that lies about flushes, alerts are missed"
	elif recover "$image" >"$work/said"; then
		told=$work/cuts/last.alerts
		mv "$work/cuts/$name.alerts" "$told"
		alerts=$(wc -l <"$told")
		# The power failed before there was a journal.
		if [ -e "$work/root/journal" ] || [ "$alerts" -gt 0 ]; then
			judge "$work/root/journal" "$told" >"$work/said"
		fi
		done=$((done + 1))
	fi
	[ ! -s "$work/said" ] || { sed "s/^/# cut $name: /" "$work/said" && bad=$((bad + 1)); }
	rm -f "$image"
	echo next >&"${power[1]}"
done
wait "$power_pid" 2>/dev/null
[ "$done" -eq "$cuts" ] || bad=$((bad + 1))
report $bad "$done cuts of the power in $figures: each alert is in the journal, which verifies ($torn_seen torn last lines, all declared)"
echo "1..$number"
