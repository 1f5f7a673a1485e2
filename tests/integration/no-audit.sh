#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A host booted with audit=0: there is no audit socket. Runs as root in a virtual machine
# booted so, in the folder that holds bin/ and ecs_fim.ko; prints TAP.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh

check "this host has no audit" grep -qw audit=0 /proc/cmdline
check "the module loads" insmod ecs_fim.ko
make_key
printf 'trusted_keys: [%s]\ndocker_socket: ""\nsink_syslog: false\nrules: []\n' $lib/keys >/etc/ecs-fim/config.yaml
printf 'name: no-audit\nversion: "1"\nroots: [/usr/sbin]\n' >policy.yaml
check "a baseline is taken" take_baseline policy.yaml
ecs-fimd >"$out/alerts.ndjson" 2>"$out/daemon.log" &
daemon=$!
wait_until 60 at_least '.type == "comparison"' 1
sink='.type == "control" and .component == "sink" and .state == "degraded" and (.cause | contains("audit"))'
is "the journal says that audit takes nothing" "$(count "$sink")" 1
is "status shows it" "$(ecs-fim status --json | jq -r .controls.sink)" degraded
ecs-fim status >/dev/null
is "with status 3" $? 3
echo x >/usr/sbin/no-audit
wait_until 30 at_least '.path == "/usr/sbin/no-audit"' 1
is "a change is a finding all the same" "$(count '.type == "finding" and .path == "/usr/sbin/no-audit"')" 1
check "and leaves by the other sinks" grep -q '"/usr/sbin/no-audit"' "$out/alerts.ndjson"
is "it is said once" "$(count "$sink")" 1
ecs-fim doctor --json >doctor.json
check "doctor says so, and what to do" jq -se 'any(.[]; .check == "audit" and .state != "ok" and .fix != null)' doctor.json
ecs-fim report --format json -o report.json
check "so does the report" jq -e '.outages.items | any(.component == "sink" and (.cause | contains("audit")))' report.json
kill $daemon
wait $daemon
finish
