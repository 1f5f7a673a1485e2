#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # set by guest.sh
# The boot after: what the shutdown left, then faults. Sourced by guest.sh.
wait_until 120 compared
final=/var/lib/ecs-fim/final
check "the shutdown left a final report" sh -c "ls $final/report-*.html"
check "and a bundle" sh -c "ls $final/bundle-*.tar"
check "whose journal ends with the daemon's end" sh -c \
	"tar -xOf $final/bundle-*.tar --wildcards '*.ndjson' | jq -r 'select(.component == \"daemon\") | .state' | tail -n 1 | grep -x down"
is "and the end says who asked for it" "$(all | jq -r 'select(.component == "daemon" and .state == "down") | .cause' |
	grep -c 'sent by pid 1 ')" 1
check "a second boot is not enrolled again" sh -c '! journalctl -b -u ecs-fim-enroll | grep -q "Starting"'
is "what is known is not told again" "$(count '.kind == "modified" and .path == "/etc/passwd"')" 1
is "the gate says that it deviates, and lets it in" "$(cat /run/ecs-fim-gate/result) $(systemctl is-active ecs)" "deviating active"

# ------------------------------------------------------------------------------ faults
# $1: name, $2: what the journal must say (jq on a record), $3: seconds
fault() {
	wait_until "${3:-30}" at_least "$2" 1
	is "fault $1: it is in the journal" "$(count "$2" | sed 's/^[1-9][0-9]*$/yes/')" yes
}
# Without the module status is not 0: lockdown stays until the host is booted again.
answers() { ecs-fim status --json | jq -e .version; }
recovered() { # $1: name; a change made meanwhile is found
	wait_until 90 at_least '.type == "finding" and (.path | endswith("'"$1"'"))' 1
	is "fault $1: the change made meanwhile is found" \
		"$(count '.type == "finding" and (.path | endswith("'"$1"'"))' | sed 's/^[1-9][0-9]*$/yes/')" yes
}

mark_journal
pid=$(daemon)
kill -KILL "$pid"
echo x >/etc/fault-kill
fault kill '.component == "daemon" and .state == "down" and (.cause | contains("killed"))' 60
recovered fault-kill

mark_journal
wait_until 30 ecs-fim status --json
pid=$(daemon)
bash -c "kill -TERM $pid; sleep 10; :" &
echo x >/etc/fault-term
fault term '.component == "daemon" and .state == "down" and (.cause | contains("/bash, uid 0"))' 30
wait_until 60 started_again "$pid"
recovered fault-term

mark_journal
pid=$(daemon)
kill -USR1 "$pid"
fault usr1 '.component == "daemon" and .state == "info" and (.cause | contains("ignored"))'
is "fault usr1: it still runs" "$(daemon)" "$pid"

mark_journal
kill -STOP "$pid"
echo x >/etc/fault-stop-cont
sleep 2
kill -CONT "$pid"
fault cont '.component == "daemon" and (.cause | contains("SIGCONT") or contains("Continued"))'
recovered fault-stop-cont

mark_journal
kill -STOP "$pid"
echo x >/etc/fault-stop
wait_until 120 started_again "$pid"
fault stop '.component == "daemon" and .state == "down" and (.cause | contains("killed"))' 60
recovered fault-stop

# Traced, a comparison would take longer than the watchdog waits.
wait_until 120 compared
mark_journal
pid=$(daemon)
strace -o /dev/null -p "$pid" &
tracer=$!
fault "ptrace, by whom" '.type == "place" and .action == "traced" and .actor.comm == "strace"'
fault ptrace '.component == "daemon" and .state == "degraded" and (.cause | contains("traces"))' 90
kill $tracer

mark_journal
check "fault unload: rmmod is refused while armed" sh -c '! rmmod ecs_fim'
check "fault ftrace: it cannot be switched off" sh -c '! sysctl -q kernel.ftrace_enabled=0'

mark_journal
systemctl stop docker.socket docker
fault docker '.component == "docker" and .state == "down"'
systemctl start docker

mark_journal
date -s '+2 hours' >/dev/null
fault clock '.component == "daemon" and (.cause | contains("clock"))'
date -s '-2 hours' >/dev/null

systemctl stop ecs-fimd
mark_journal
sleep 1000 3</dev/ecs_fim &
reader=$!
echo x >/etc/fault-busy
systemctl start ecs-fimd
fault busy '.component == "module" and .state == "degraded" and (.cause | contains("busy"))' 60
recovered fault-busy
kill $reader
fault "busy ends" '.component == "module" and .state == "up"'

ecs-fim disarm --by test --reason 'fault lockdown'
systemctl stop ecs-fimd
rmmod ecs_fim
mark_journal
echo integrity >/sys/kernel/security/lockdown
check "fault lockdown: an unsigned module is refused" sh -c '! modprobe ecs_fim'
echo x >/etc/fault-lockdown
systemctl start ecs-fimd
fault lockdown '.component == "module" and .state == "degraded"' 60
recovered fault-lockdown
is "fault lockdown: status is 3" "$(ecs-fim status >/dev/null; echo $?)" 3
echo y >/etc/fault-lockdown-event
recovered fault-lockdown-event

systemctl stop ecs-fimd
sysctl -q fs.fanotify.max_queued_events=16
systemctl start ecs-fimd
wait_until 60 answers
mark_journal
for i in $(seq 400); do : >"/etc/fault-queue-$i"; done
fault queue '.component == "ring" and .state == "loss"'
wait_until 90 at_least '.type == "finding" and (.path | startswith("/etc/fault-queue-"))' 400
is "fault queue: nothing is lost" "$(records '.path // "" | startswith("/etc/fault-queue-")' | jq -r .path | sort -u | wc -l)" 400
sysctl -q fs.fanotify.max_queued_events=16384

systemctl stop ecs-fimd
mark_journal
mv /var/lib/ecs-fim/baseline.sig /root/
systemctl start --no-block ecs-fimd
fault "no baseline" '.component == "baseline" and .state == "down"'
systemctl start ecs-fim-gate 2>/dev/null
systemctl restart ecs-fim-gate
is "fault no baseline: the gate says unverified" "$(cat /run/ecs-fim-gate/result)" unverified
echo ECS_FIM_GATE=keep-out >/etc/ecs-fim/gate.conf
check "policy keep-out: the gate fails" sh -c '! systemctl restart ecs-fim-gate'
check "and the agent does not start" sh -c 'systemctl stop ecs; ! systemctl start ecs'
mv /root/baseline.sig /var/lib/ecs-fim/
wait_until 90 answers
check "fault no baseline: with it the daemon runs again" answers

systemctl stop ecs-fimd
dd if=/dev/zero of=/var/lib/ecs-fim/full bs=1M 2>/dev/null
dd if=/dev/zero of=/var/lib/ecs-fim/full2 bs=512 2>/dev/null
mark_journal
systemctl start --no-block ecs-fimd
sleep 10
rm -f /var/lib/ecs-fim/full /var/lib/ecs-fim/full2
echo x >/etc/fault-full
wait_until 90 answers
recovered fault-full
check "the chain of the journal is whole" ecs-fim journal verify
check "no bug in the kernel's log" sh -c "! dmesg | grep -E 'BUG|WARNING:|Oops|Call Trace'"
dpkg -r ecs-fim >/root/remove.log 2>&1
check "removal leaves evidence in place and says so" sh -c "grep -q evidence /root/remove.log && ls $journal/*.ndjson"
