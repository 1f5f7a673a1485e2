#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first boot of the image: nobody has touched it. Sourced by guest.sh.
wait_until 120 compared
check "the daemon is up, told to be by nobody" systemctl is-active ecs-fimd
check "the module is loaded by its own unit" grep -q '^ecs_fim ' /proc/modules
check "it is enrolled" test -e /var/lib/ecs-fim/enrolled
is "and will not be again" "$(systemctl show -P ActiveState ecs-fim-enroll)" active
is "the start-up comparison finds what first boot may do, and nothing else" \
	"$(records '.type == "finding"' | jq -r '.kind + " " + .path' | sort | tr '\n' ',')" ""
is "the gate verified the host" "$(cat /run/ecs-fim-gate/result)" verified
check "the agent gets the attribute" grep -qx 'ECS_INSTANCE_ATTRIBUTES={"fim":"verified"}' /var/lib/ecs/ecs.config
check "and starts" systemctl is-active ecs
wait_until 60 at_least '.component == "docker" and .state == "up"' 1
check "status says that everything works" ecs-fim status

# What the unit forbids the daemon must not be what it needs to watch containers.
mkdir -p /run/box/bin /run/box/usr/bin /run/box/etc
cp /bin/busybox /run/box/bin/
ln -s busybox /run/box/bin/sh
mark_journal
check "a container runs" sh -c 'tar -C /run/box -c . | docker import -c "CMD [\"/bin/sh\"]" - box:test &&
	docker run -d --name box --network none box:test /bin/sh -c "busybox sleep 5; : >/usr/bin/dropped; busybox sleep 1000"'
check "what it drops into its /usr/bin is a finding" \
	wait_until 60 at_least '.type == "finding" and .path == "/usr/bin/dropped"' 1
is "with its name and the process" "$(records '.path == "/usr/bin/dropped" and .kind == "added"' | jq -r '.scope + " " + .detected_by + " " + .container.name')" \
	"container event box"
docker rm -f box >/dev/null
check "and all of it is watched" ecs-fim status
check "the timer waits for its time" systemctl is-active ecs-fim-compare.timer
is "the daemon is filtered" "$(sed -n 's/^Seccomp:\s*//p' "/proc/$(daemon)/status")" 2
is "and keeps five capabilities" "$(sed -n 's/^CapBnd:\s*//p' "/proc/$(daemon)/status")" 0000000020280204
mark_journal
echo 'mallory:x:0:0::/:/bin/sh' >>/etc/passwd
wait_until 30 at_least '.type == "finding"' 1
is "a change is a finding" "$(records '.type == "finding" and .kind != "rule"' | jq -r '.kind + " " + .path')" "modified /etc/passwd"
check "and an alert in the system's log" sh -c 'for i in 1 2 3 4 5 6; do
	journalctl -q --no-pager SYSLOG_FACILITY=10 | grep -q "modified: /etc/passwd" && exit 0; sleep 1; done
	ecs-fim status --json | jq -c .counters; journalctl -q --no-pager SYSLOG_FACILITY=10 | tail -n 5; ls -l /dev/log; exit 1'
check "the report is made" ecs-fim report -o /root/report.html
check "and names what was changed" grep -q /etc/passwd /root/report.html
check "the timer's service fails on a finding" sh -c '! systemctl start ecs-fim-compare.service'

# --------------------------------------------------------------------------- idle cost
pid=$(daemon)
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
# What was asked for above may still be under way.
rests() {
	local before
	before=$(ticks)
	sleep 10
	[ "$(ticks)" -le $((before + 1)) ]
}
check "the daemon comes to rest" wait_until 120 rests
switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/task/"*/status; }
# Where the host of this guest is busy, what the daemon does takes longer, never shorter: the
# least of three minutes is nearest to the truth.
for _ in 1 2 3; do
	before=$(ticks) switches=$(switches)
	sleep 60
	used=$(($(ticks) - before)) woken=$(($(switches) - switches))
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
	echo "# idle for 60 s: $used ticks of 10 ms, $woken switches, RSS $rss KiB"
	if [ "$used" -le 6 ] && [ "$woken" -le 12 ]; then break; fi
done
check "an idle daemon uses at most 0.1 % of a CPU" test "$used" -le 6
check "and wakes at most every ten seconds" test "$woken" -le 12
check "and takes at most 24 MiB" test "$rss" -le 24576
