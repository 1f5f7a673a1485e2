#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Attribution under load: five thousand changes a second in a container.  Runs as root in
# a virtual machine made for it, in the folder that holds bin/ and ecs_fim.ko; prints TAP
# and figures.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh

/usr/lib/ecs-fim-test/start-docker --debug >/dev/null
docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:storm >/dev/null
watch_etc ''
wait_until 20 sh -c 'ecs-fim status --json | jq -e ".docker.state == \"up\""'

# ------------------------------------------------------------------ load in a container

docker run -d --name load --network none -v "$PWD/bin/storm:/storm:ro" \
	--label com.amazonaws.ecs.task-arn=arn:aws:ecs:eu-west-1:123456789012:task/demo/load \
	busybox:storm /storm load /usr/bin 5000 20 >/dev/null
sleep 9
calls() { grep -c 'Calling GET' /var/log/dockerd.log; }
ticks() { awk '{print $14 + $15}' /proc/$daemon/stat; }
before=$(calls) events=$(ecs-fim status --json | jq .events) busy=$(ticks)
sleep 10
after=$(calls) events=$(($(ecs-fim status --json | jq .events) - events)) busy=$(($(ticks) - busy))
echo "# in 10 s of the load: $events events, the daemon took $busy/1000 of a CPU"
docker wait load >/dev/null
echo "# load: $(docker logs load)"
sleep 2
is "no question to Docker while $events events were attributed" "$((after - before))" 0
# Milliseconds from the event to the record, and whose: of the files whose names begin with $1.
latencies() {
	all_records --type finding | jq -r 'select((.path // "") | startswith("/usr/bin/'"$1"'-")) |
		def ns: capture("(?<s>.*)\\.(?<n>[0-9]+)Z") | ((.s + "Z") | fromdate) * 1000000000 + (.n | tonumber);
		[((.time | ns) - (.event_time | ns)) / 1000000, .container.name, .container.task_arn] | join(" ")' | sort -n
}
figures() { # $1: of what
	awk -v what="$1" '{v[NR] = $1} END {printf "# event to journaled finding, ms, of %d %s: p50 %.1f, p90 %.1f, p99 %.1f, worst %.1f\n",
		NR, what, v[int(NR * .5) + 1], v[int(NR * .9) + 1], v[int(NR * .99) + 1], v[NR]}'
}
latencies target | figures "files made at once, before the load"
latencies probe >probes
figures "files made under the load" <probes
is "each with its container and task" "$(awk '{print $2, $3}' probes | sort -u)" \
	"load arn:aws:ecs:eu-west-1:123456789012:task/demo/load"
is "99 of 100 findings are in the journal within 50 ms of the event" \
	"$(awk '{v[NR] = $1} END {print v[int(NR * .99) + 1] <= 50}' probes)" 1
is "nothing was lost" "$(ecs-fim status --json | jq .lost)" 0
docker rm load >/dev/null

end_well
