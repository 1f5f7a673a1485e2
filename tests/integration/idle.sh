#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A host on which nothing happens: what does the daemon cost it? A baseline of 60,000
# objects, the module, no Docker. Runs as root in a virtual machine made for it, in the
# folder that holds bin/, ecs_fim.ko and burst, which says for how many minutes; prints TAP.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
seconds=$(($(cat burst) * 60))

mkdir -p /opt/corpus
insmod ecs_fim.ko || exit 1
(cd /opt/corpus && for dir in {1..240}; do
	mkdir "$dir" && (cd "$dir" && for file in {1..250}; do echo "$dir $file" >"file-$file"; done)
done)
cat >policy.yaml <<-'POLICY'
	name: idle
	version: "1"
	roots: [/etc, /usr/bin, /usr/sbin, /opt/corpus]
	rules:
	  - {path: /etc, class: metadata, reason: only their number matters}
	  - {path: /usr/bin, class: strict, reason: programs}
	  - {path: /usr/sbin, class: strict, reason: programs}
	  - {path: /opt/corpus, class: strict, reason: a large image}
POLICY
make_key
if ! take_baseline policy.yaml; then
	echo "not ok 1 - a baseline is taken and signed"
	exit 1
fi
objects=$(($(wc -l <$lib/baseline.ndjson) - 2))
report $((objects < 60000)) "the baseline has 60,000 objects and more"
echo "# $objects objects"
printf 'trusted_keys: [%s]\nsink_audit: false\nsink_syslog: false\n' $lib/keys >/etc/ecs-fim/config.yaml
ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
daemon=$!
for ((i = 0; i < 600; i++)); do
	grep -q '"type":"comparison"' $journal 2>/dev/null && break
	sleep 1
done
report $((i == 600)) "the start-up comparison ends"
sleep 30 # what a start still does

# All threads: time on a processor in ticks, and how often each went to sleep.
usage() {
	local task
	for task in "/proc/$daemon/task"/*; do
		sed 's/.*) //' "$task/stat"
		sed -n 's/^voluntary_ctxt_switches:\t/switches /p' "$task/status"
	done | awk '$1 == "switches" { switches += $2; next } { ticks += $12 + $13 } END { print ticks, switches }'
}

read -r ticks switches <<<"$(usage)"
sleep $seconds
read -r ticks_after switches_after <<<"$(usage)"
rss=$(sed -n 's/^VmRSS:[ \t]*\([0-9]*\) kB/\1/p' /proc/$daemon/status)
ticks=$((ticks_after - ticks))
switches=$((switches_after - switches))
hz=$(getconf CLK_TCK)
echo "# in $seconds s: $ticks ticks of 1/$hz s, $switches times asleep, $rss KiB resident"
report $((ticks * 1000 > seconds * hz)) "at most 0.1 % of a processor"
report $((switches * 10 > seconds + 30)) "asleep for ten seconds at a time, and longer"
report $((rss > 24 * 1024)) "at most 24 MiB resident"
kill $daemon
wait $daemon
report $? "the daemon ends well"
finish
