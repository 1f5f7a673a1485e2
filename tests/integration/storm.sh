#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Attribution under load: process ids that are used again and again, and thousands of
# changes a second in a container.  Runs as root in a virtual machine made for it, in the
# folder that holds bin/ and ecs_fim.ko; prints TAP and figures.  The file "burst" holds
# how many thousand changes the first part makes.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
thousands=$(cat burst)

# The journal has segments: all of them, oldest first.
records() { ecs-fim journal show "$@"; }
findings() { ecs-fim status --json | jq .findings; }
found() { [ "$(findings)" -ge "$1" ]; }
drained() { [ "$(ecs-fim status --json | jq .module.ring_used)" -lt 65536 ]; }

mkdir -p /etc/storm
/usr/lib/ecs-fim-test/start-docker --debug >/dev/null
docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:storm >/dev/null
insmod ecs_fim.ko || exit 1
make_key
echo "{trusted_keys: [$lib/keys], sink_audit: false, sink_syslog: false, sink_stdout: false, rules: []}" >/etc/ecs-fim/config.yaml
printf 'name: storm\nversion: "1"\nroots: [/etc]\nrules: [{path: /etc, class: strict}]\n' >policy.yaml
take_baseline policy.yaml
ecs-fimd 2>"$out/daemon.log" &
daemon=$!
wait_until 120 sh -c 'ecs-fim status --json | jq -e .last_comparison.end'
wait_until 20 sh -c 'ecs-fim status --json | jq -e ".docker.state == \"up\""'

# ------------------------------------------------------------------ load in a container

docker run -d --name load --network none -v "$PWD/bin/storm:/storm:ro" \
	--label com.amazonaws.ecs.task-arn=arn:aws:ecs:eu-west-1:123456789012:task/demo/load \
	busybox:storm /storm load /usr/bin 5000 20 >/dev/null
sleep 6
calls() { grep -c 'Calling GET' /var/log/dockerd.log; }
before=$(calls) events=$(ecs-fim status --json | jq .events)
sleep 10
after=$(calls) events=$(($(ecs-fim status --json | jq .events) - events))
docker wait load >/dev/null
echo "# load: $(docker logs load)"
sleep 2
is "no question to Docker while $events events were attributed" "$((after - before))" 0
records --type finding | jq -r 'select((.path // "") | startswith("/usr/bin/probe-")) |
	def ns: capture("(?<s>.*)\\.(?<n>[0-9]+)Z") | ((.s + "Z") | fromdate) * 1000000000 + (.n | tonumber);
	[((.time | ns) - (.event_time | ns)) / 1000000, .container.name, .container.task_arn] | join(" ")' >latencies
sort -n latencies | awk '{v[NR] = $1} END {printf "# event to journaled finding, ms, of %d: p50 %.1f, p90 %.1f, p99 %.1f, worst %.1f\n",
	NR, v[int(NR * .5) + 1], v[int(NR * .9) + 1], v[int(NR * .99) + 1], v[NR]}'
is "each with its container and task" "$(awk '{print $2, $3}' latencies | sort -u)" \
	"load arn:aws:ecs:eu-west-1:123456789012:task/demo/load"
is "99 of 100 findings are in the journal within 50 ms of the event" \
	"$(sort -n latencies | awk '{v[NR] = $1} END {print v[int(NR * .99) + 1] <= 50}')" 1
is "nothing was lost" "$(ecs-fim status --json | jq .lost)" 0
docker rm load >/dev/null

# ------------------------------------------------------------------------ process ids

ln bin/storm bin/storm-a
cp bin/storm bin/storm-b
first=$(findings)
echo 600 >/proc/sys/kernel/pid_max
for batch in $(seq 0 $((thousands * 2 - 1))); do
	bin/storm reuse /etc/storm $((batch * 50)) 50 10
	wait_until 60 drained
done
wait_until 120 found $((first + thousands * 1000))
sleep 1
records --type finding | jq -r 'select((.path // "") | startswith("/etc/storm/")) |
	(.path | ltrimstr("/etc/storm/") | split(".")) as $said | .actor as $a |
	if $a == null then "unattributed"
	elif ($a.pid | tostring) == $said[1] and ($a.exe | endswith("/storm-" + $said[2])) and
		(($a.args == null) or $a.args[2] == $said[0]) and ($a.comm == "storm-" + $said[2]) and
		(($a.exe_sha256 == null) or $a.exe_sha256 == "'"$(sha256sum bin/storm | cut -d' ' -f1)"'") and .container == null
	then "right" else "wrong " + (tojson | .[:600]) end' >verdicts
grep -m 3 '^wrong' verdicts | sed 's/^/# /'
is "$((thousands * 1000)) changes by processes whose ids are used again: none is given to the wrong one" \
	"$(cut -d' ' -f1 verdicts | sort | uniq -c | tr -s ' \n' ' ')" " $((thousands * 1000)) right "
records --type finding | jq -r 'select((.path // "") | startswith("/etc/storm/")) | [.actor.pid, .actor.start_ns] | @tsv' |
	sort -u | cut -f1 | sort | uniq -c | sort -rn | awk 'NR == 1 {print $1}' >most
echo "# one id was that of $(cat most) processes"
is "ids were used again" "$(($(cat most) > 1))" 1
is "arguments, captured in the kernel, are always there" \
	"$(records --type finding | jq -r 'select((.path // "") | startswith("/etc/storm/")) | .actor.args == null' | sort -u)" false

kill $daemon
wait $daemon
is "the daemon ends well" $? 0
is "no bug in the kernel's log" "$(dmesg | grep -cE 'BUG|WARNING|Oops|Call Trace')" 0
finish
