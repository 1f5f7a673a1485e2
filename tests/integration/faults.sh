#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong with the control itself, each thing for real: what the journal, status and
# the report say of it, and whether a change made meanwhile is found. The table is in
# ecs-fimd(8), FAULTS. Runs as root in a virtual machine made for it, in the folder that holds
# bin/ and ecs_fim.ko; prints TAP.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
fault=
said=() attacks=()
started=$SECONDS

# ------------------------------------------------------------------------- helpers

begin() { # $1: the fault's name, also of the file that is changed meanwhile
	fault=$1
	mark_journal
	syslog_mark=$(wc -l <"$out/syslog")
	echo "# $fault at $((SECONDS - started)) s"
}

# $1: component, $2: state, $3: what its cause contains, $4: seconds. The report is asked at the end.
says() {
	local filter='.type == "control" and .component == "'$1'" and .state == "'$2'" and (.cause | contains("'$3'"))'
	wait_until "${4:-30}" at_least "$filter" 1
	report $? "$fault: the journal says $1 $2: $3"
	said+=("$(jq -nc '$ARGS.positional' --args "$fault" "$@")")
}

ends() { # $1: component: it says "up", and how long it was not
	local filter='.type == "control" and .component == "'$1'" and .state == "up"'
	wait_until "${2:-60}" at_least "$filter" 1
	report $? "$fault: then $1 is up again"
}

shows() { # $1: jq filter that status must fulfil, soon
	wait_until 10 sh -c "ecs-fim status --json 2>/dev/null | jq -e '$1'" >/dev/null
	is "$fault: status shows it: $1" "$(ecs-fim status --json 2>/dev/null | jq "$1")" true
}

works() { # nothing is left of it; $1: seconds
	wait_until "${1:-60}" ecs-fim status
	report $? "$fault: at the end status says that everything works"
}

# A change in the middle of a fault; then found says that it is a finding, whoever found it.
change() { echo "$fault" >"${1:-/etc}/fault-$fault"; }

found() { # $1: directory, $2: seconds
	wait_until "${2:-60}" at_least '.type == "finding" and .path == "'"${1:-/etc}/fault-$fault"'"' 1
	report $? "$fault: the change made meanwhile is found"
}

start_daemon() {
	"$@" ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
	daemon=$!
}

compared() { # the start-up comparison after the mark is over
	wait_until 90 at_least '.type == "comparison" and .trigger == "start-up"' 1 ||
		echo "# the start-up comparison did not come"
}

stop_daemon() {
	kill "$daemon"
	wait "$daemon"
}

restart() { # $*: what it is started by
	start_daemon "$@"
	compared
}

refuses() { # $1: what it says on standard error
	timeout 60 ecs-fimd >>"$out/alerts.ndjson" 2>"$out/refused-$fault.log"
	is "$fault: the daemon does not start" $? 1
	check "$fault: and says what to do" grep -q "$1" "$out/refused-$fault.log"
}

alerted() { tail -n +$((syslog_mark + 1)) "$out/syslog" | grep -q "$1"; }

# $1: what was tried, $2: the signal or null, $3: how bad, $4: by whom. The report is asked at the end.
attacked() {
	local filter='.type == "place" and .action == "'$1'" and .signal == '$2' and .severity == "'$3'" and .actor.comm == "'$4'"'
	wait_until 20 at_least "$filter" 1
	report $? "$fault: that $4 did it is a record: $1, $3"
	check "$fault: and an alert" wait_until 10 alerted "$1: "
	attacks+=("$(jq -nc '$ARGS.positional' --args "$fault" "$1")")
}

# Where the module is armed, root has to give a reason first.
unload() { ecs-fim disarm --by test --reason test >/dev/null 2>&1; }

doctor() { # $1: check, $2: state, $3: the fix's words
	ecs-fim doctor --json >doctor.json
	check "$fault: doctor says so, and how to mend it" jq -se 'any(.[]; .check == "'"$1"'" and .state == "'"$2"'" and (.fix // "" | contains("'"$3"'")))' doctor.json
}

disk() { # $1: mount point, $2: size in MiB
	mkdir -p "$1" /disks
	truncate -s "$2M" "/disks/$(basename "$1")"
	mkfs.ext4 -q -m 0 "/disks/$(basename "$1")"
	mount -o loop "/disks/$(basename "$1")" "$1"
}

listen_syslog() {
	rm -f /dev/log
	python3 -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
with open("/job/out/syslog", "ab", 0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")
' &
	syslogd=$!
	wait_until 20 test -S /dev/log
}

# ------------------------------------------------------------------------- prepare

/usr/lib/ecs-fim-test/start-auditd >/dev/null
/usr/lib/ecs-fim-test/start-docker >/dev/null
listen_syslog
disk "$lib/journal" 24
disk /srv/watched 8
mkdir -p /srv/watched/sub /rules
# As its package installs it: it is watched, and is not what is loaded.
module=/lib/modules/$(uname -r)/extra/ecs_fim.ko
mkdir -p "${module%/*}" && cp ecs_fim.ko "$module"
check "the module loads, with a small ring" insmod ecs_fim.ko ring_kb=64
make_key
mkdir /keys && cp "$lib/keys/baseline.pem" /keys/
cat >/etc/ecs-fim/config.yaml <<-CONFIG
	trusted_keys: [/keys]
	rules: [/rules]
	journal_max_mib: 20
	exceptions: /rules/exceptions.yaml
CONFIG
cp /etc/ecs-fim/config.yaml good.yaml
cat >policy.yaml <<-'POLICY'
	name: faults
	version: "1"
	roots: [/etc, /srv/watched]
	rules:
	  - {path: /etc, class: strict, category: configuration}
	  - {path: /etc/ecs-fim/config.yaml, class: excluded, reason: test, approver: test}
	  - {path: /srv/watched, class: strict, category: data}
POLICY
cat >/rules/good.yaml <<-'RULE'
	- rule: never
	  desc: fires on nothing
	  condition: fd.name = /none
	  output: none
	  priority: INFO
RULE
check "a baseline is taken" take_baseline policy.yaml
cp $lib/baseline.sig good.sig
begin start
restart
wait_until 30 at_least '.component == "docker" and .state == "up"' 1
works

# -------------------------------------------------------------------------- the daemon

begin kill
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
change
restart
says daemon down killed
ends daemon
found
is "$fault: with who did it, which the ring kept" \
	"$(records '.path == "/etc/fault-kill"' | jq -r '.detected_by + " " + .actor.comm')" "event run"
attacked signalled 9 high run
works

begin oom
mkdir -p /sys/fs/cgroup/fim
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
stop_daemon
mark_journal
# Its memory is charged to the group only if it is in there from the start.
restart sh -c 'echo $$ >/sys/fs/cgroup/fim/cgroup.procs; exec "$@"' sh
mark_journal
echo 0 >/sys/fs/cgroup/fim/memory.max
wait "$daemon" 2>/dev/null
is "$fault: the kernel killed it" "$(sed -n 's/^oom_kill //p' /sys/fs/cgroup/fim/memory.events)" 1
change
restart
says daemon down killed
ends daemon
found

begin term
bash -c "kill -TERM $daemon; sleep 5; :" &
wait "$daemon"
change
restart
says daemon down "/bash, uid 0"
ends daemon
found

begin usr1
kill -USR1 "$daemon"
change
says daemon info ignored
found
works

begin stop
kill -STOP "$daemon"
change
sleep 1
kill -CONT "$daemon"
says daemon info Continued
found
attacked signalled 19 high run

begin traced
strace -o /dev/null -p "$daemon" &
tracer=$!
change
says daemon degraded traces 60
shows '.controls.daemon == "degraded"'
attacked traced null critical strace
kill $tracer
ends daemon 90
found
works

begin overflow
kill -STOP "$daemon"
for i in {1..200}; do : >"/etc/flood-$i"; done
change
kill -CONT "$daemon"
says ring loss "ring was full"
ends ring
found
wait_until 60 at_least '.type == "finding" and (.path | startswith("/etc/flood-"))' 200
is "$fault: all 200 changes are findings" "$(count '.type == "finding" and (.path | startswith("/etc/flood-"))')" 200
rm -f /etc/flood-*
works

# ------------------------------------------------------------- module, kernel, clock

begin unload
# rmmod(8) looks first whether it is in use, and then does not ask.
! busybox rmmod ecs_fim 2>/dev/null
report $? "$fault: rmmod is refused while the daemon listens"
attacked unload null high busybox
change
found
works

begin ftrace
! sysctl -q kernel.ftrace_enabled=0 2>/dev/null
report $? "$fault: it cannot be switched off while the module is loaded"
change
found
works

begin kprobes
[ ! -e /sys/kernel/debug/kprobes/enabled ] || echo 0 >/sys/kernel/debug/kprobes/enabled
change
found
is "$fault: by event: the module uses none" "$(records '.path == "/etc/fault-kprobes"' | jq -r .detected_by)" event
[ ! -e /sys/kernel/debug/kprobes/enabled ] || echo 1 >/sys/kernel/debug/kprobes/enabled

begin clock-forward
date -s '+2 hours' >/dev/null
change
says daemon info "the clock was set by +7"
found

begin clock-back
date -s '-2 hours' >/dev/null
change
says daemon info "the clock was set by -7"
found
works

# ------------------------------------------------------------------ Docker, sinks

begin docker-gone
dockerd=$(cat /var/run/docker.pid)
kill -KILL "$dockerd"
rm -f /run/docker.sock
change
says docker down "no connection"
shows '.controls.docker == "down"'
found
doctor docker warning "start Docker"
rm -f /var/run/docker.pid
setsid dockerd --containerd /run/containerd/containerd.sock >/var/log/dockerd.log 2>&1 </dev/null &
ends docker 120
works

begin docker-hangs
dockerd=$(cat /var/run/docker.pid)
kill -STOP "$dockerd"
change
found
is "$fault: findings do not wait for it" "$(records '.path == "/etc/fault-docker-hangs"' | jq -r .detected_by)" event
kill -CONT "$dockerd"
wait_until 60 ecs-fim status
works

begin syslog
kill $syslogd
rm -f /dev/log
change
says sink degraded syslog
shows '.controls.sink == "degraded"'
found
listen_syslog
echo "# again" >>/etc/fault-syslog
ends sink
works

begin audit
stop_daemon
mark_journal
change
restart setpriv --bounding-set -audit_write
says sink degraded audit
shows '.controls.sink == "degraded"'
found
stop_daemon
restart
echo "# again" >>/etc/fault-audit
ends sink
works

begin audit-off
auditctl -e 0 >/dev/null
change
says sink degraded "audit_enabled is 0"
shows '.controls.sink == "degraded" and .module.audit == false'
found
auditctl -e 1 >/dev/null
ends sink
works

begin inotify
stop_daemon
instances=$(sysctl -n fs.inotify.max_user_instances)
sysctl -q fs.inotify.max_user_instances=0
mkdir -p /cloudtrail
echo "cloudtrail_dir: /cloudtrail" >>/etc/ecs-fim/config.yaml
mark_journal
change
restart
says cloudtrail down "cannot be watched"
shows '.controls.cloudtrail == "down"'
found
sysctl -q fs.inotify.max_user_instances="$instances"
kill -HUP "$daemon"
ends cloudtrail
cp good.yaml /etc/ecs-fim/config.yaml
stop_daemon
restart
works

# --------------------------------------------------- configuration, rules, baseline

begin config
echo "no_such_key: 1" >>/etc/ecs-fim/config.yaml
kill -HUP "$daemon"
change
says daemon info "is refused, the configuration stays as it is"
found
cp good.yaml /etc/ecs-fim/config.yaml
kill -HUP "$daemon"
says daemon info "was read again"
works

begin rules
echo "- rule: [" >/rules/bad.yaml
kill -HUP "$daemon"
change
says rules degraded "those loaded before stay"
shows '.controls.rules == "degraded"'
found
rm /rules/bad.yaml
kill -HUP "$daemon"
ends rules
works

stop_daemon
begin baseline-missing
mv $lib/baseline.ndjson saved.ndjson
change
refuses "ecs-fim baseline create"
says baseline down "not accepted"
doctor baseline fail "ecs-fim baseline create"
mv saved.ndjson $lib/baseline.ndjson
restart
ends baseline
found

stop_daemon
begin signature-invalid
openssl dgst -sha256 -sign signing-key.pem -out $lib/baseline.sig /etc/hostname
change
refuses "it is not what was signed"
says baseline down "not accepted"
doctor baseline fail "restore baseline and signature"
cp good.sig $lib/baseline.sig
restart
ends baseline
found

stop_daemon
begin key-missing
mv /keys/baseline.pem .
change
refuses "put the public key"
says baseline down "not accepted"
doctor baseline fail "put the public key"
mv baseline.pem /keys/
restart
ends baseline
found
works

stop_daemon
begin baseline-replaced
cp $lib/baseline.ndjson good.ndjson
sleep 1
take_baseline policy.yaml
restart
change
found
is "$fault: by a signed one: the journal names the one before" \
	"$(records '.type == "baseline"' | jq -c '.previous == "'"$(sha256sum good.ndjson | cut -d' ' -f1)"'"')" true
stop_daemon
cp good.ndjson $lib/baseline.ndjson
cp good.sig $lib/baseline.sig
mark_journal
restart
works

# --------------------------------------------------------------------------- places

begin directory-replaced
mv /srv/watched/sub /srv/away
mkdir /srv/watched/sub
change /srv/watched/sub
found /srv/watched/sub

begin covered
mount -t tmpfs none /srv/watched/sub
change /srv/watched/sub
wait_until 20 at_least '.type == "place" and .action == "shadowed"' 1
report $? "$fault: the mount over it is a record"
found /srv/watched/sub
umount /srv/watched/sub
wait_until 20 at_least '.type == "place" and .action == "uncovered"' 1
report $? "$fault: and its end"

begin umount-lazy
umount -l /srv/watched
says watch degraded "/srv/watched is"
mkdir -p /srv/watched
change /srv/watched
found /srv/watched
rm -f /srv/watched/fault-umount-lazy
mark_journal
mount -o loop /disks/watched /srv/watched
says watch degraded "/srv/watched is"
ends watch
echo "# again" >/srv/watched/mounted-again
wait_until 30 at_least '.type == "finding" and .path == "/srv/watched/mounted-again"' 1
report $? "$fault: what is mounted there again is watched"
is "$fault: by event" "$(records '.path == "/srv/watched/mounted-again"' | jq -r .detected_by | head -n 1)" event
rm -f /srv/watched/mounted-again
works 60

# ------------------------------------------------ what the control itself consists of

own() { # $1: path, $2: part, $3: severity
	wait_until 30 at_least '.type == "place" and .action == "own-changed" and .path == "'"$1"'"' 1
	report $? "$fault: that somebody changed it is a record"
	is "$fault: which says of what it is a part, how bad that is, and who did it" \
		"$(records '.action == "own-changed" and .path == "'"$1"'"' | jq -r '.part + " " + .severity + " " + .actor.comm' | head -n 1)" "$2 $3 $4"
	[ "$3" = low ] || check "$fault: and an alert" wait_until 10 grep -q "own-changed: $1" "$out/syslog"
}

begin own-baseline
cp $lib/baseline.ndjson other.ndjson
cp other.ndjson $lib/baseline.ndjson
own $lib/baseline.ndjson baseline high cp

begin own-signature
chmod 0666 $lib/baseline.sig
own $lib/baseline.sig baseline high chmod
chmod 0600 $lib/baseline.sig

begin own-program
mv bin/ecs-fimd bin/ecs-fimd.away
own "$PWD/bin/ecs-fimd" program high mv
mv bin/ecs-fimd.away bin/ecs-fimd

begin own-module
echo x >>"$module"
own "$(realpath "$module")" module high run

begin own-module-replaced
sed 's/vermagic=6\.1/vermagic=6.0/' ecs_fim.ko >"$module.new"
mv "$module.new" "$module"
own "$(realpath "$module")" module high mv
doctor module fail "of the running kernel"
cp ecs_fim.ko "$module"
works

begin own-rules
echo "# comment" >>/rules/good.yaml
own /rules/good.yaml rule high run

begin own-keys
cp signing-key.pem /keys/more.pem
own /keys/more.pem key high cp
rm /keys/more.pem

begin own-configuration
echo "# comment" >>/etc/ecs-fim/config.yaml
own /etc/ecs-fim/config.yaml configuration high run
cp good.yaml /etc/ecs-fim/config.yaml

begin own-unit
mkdir -p /lib/systemd/system
echo "[Unit]" >/lib/systemd/system/ecs-fimd.service
own "$(realpath /lib/systemd/system)/ecs-fimd.service" unit high run
rm /lib/systemd/system/ecs-fimd.service

begin own-journal
check "$fault: a record of the daemon's own is no such change" sh -c \
	"! jq -e 'select(.action == \"own-changed\" and .part == \"journal\")' $journal"
cp $journal copy.ndjson
ln copy.ndjson $lib/journal/0.ndjson 2>/dev/null || cp copy.ndjson $lib/journal/0.ndjson
own $lib/journal/0.ndjson journal high cp
rm -f $lib/journal/0.ndjson
works

# -------------------------------------------------------------------------- journal

begin disk-full
dd if=/dev/zero of=$lib/journal/full bs=64k 2>/dev/null
dd if=/dev/zero of=$lib/journal/full2 bs=512 2>/dev/null
# The journal's last block has room for a record or two.
for i in {1..8}; do echo "$i" >"/etc/full-$i"; done
change
wait_until 30 grep -q '/etc/fault-disk-full' "$out/syslog"
report $? "$fault: the alert leaves while nothing can be recorded"
wait_until 30 grep -q 'control journal down' "$out/syslog"
report $? "$fault: and another says that"
shows '.controls.journal == "down"'
doctor disk fail "make room"
rm -f $lib/journal/full $lib/journal/full2 /etc/full-*
sleep 11 # it is tried again every 10 s
echo "# again" >>/etc/fault-disk-full
says journal loss "alerts were sent that are not in it"
ends journal
found
works 90 # a comparison that failed is made again after a minute

begin journal-deleted
chattr -a "$journal" && rm -f "$journal"
change
says journal degraded "was removed by somebody"
ends journal
found
check "$fault: nothing that it held is lost" ecs-fim journal verify
works

begin directory-deleted
chattr -aiR $lib/journal
(cd $lib/journal && find . -mindepth 1 -delete)
change
says journal degraded "was removed by somebody"
ends journal
found
works

begin journal-read-only
mount -o remount,abort $lib/journal
change
wait_until 30 grep -q '/etc/fault-journal-read-only' "$out/syslog"
report $? "$fault: the alert leaves while nothing can be recorded"
shows '.controls.journal == "down"'
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
refuses "journal"
check "$fault: what could not start said so by syslog" grep -q 'nothing is watched' "$out/syslog"
umount $lib/journal
e2fsck -fy /disks/journal >/dev/null 2>&1
mount -o loop /disks/journal $lib/journal
# What the file system had not written is not there any more.
mark_journal
restart
says daemon down killed
found
works

# --------------------------------------------------------------- without the module

stop_daemon
begin device-busy
sleep 1000 3</dev/ecs_fim &
reader=$!
change
restart
says module degraded busy
shows '.source.kind == "fanotify"'
found
kill $reader
ends module
works

unload
stop_daemon
rmmod ecs_fim
begin module-gone
change
restart
says module degraded "events come from fanotify"
shows '.source.kind == "fanotify" and .controls.module == "degraded"'
found
doctor loaded fail modprobe

begin module-of-another-kernel
# With versions of symbols the kernel takes another release's module, if the rest fits.
sed 's/vermagic=6\.1/vermagic=6.0/; s/mod_unload modversions/mod_unlaod modversions/' ecs_fim.ko >other.ko
! insmod other.ko 2>/dev/null
report $? "$fault: the kernel refuses it"
change
found
dir=/lib/modules/$(uname -r)
mount -t tmpfs none "$dir"
mkdir "$dir/extra" && cp other.ko "$dir/extra/ecs_fim.ko"
doctor module fail "of the running kernel"

begin kernel-updated
rm -r "$dir/extra"
doctor module fail "install ecs-fim-kmod"
change
found
umount "$dir"

begin fanotify-queue
stop_daemon
sysctl -q fs.fanotify.max_queued_events=16
restart
mark_journal
kill -STOP "$daemon"
for i in {1..100}; do : >"/etc/flood-$i"; done
change
kill -CONT "$daemon"
says ring loss "queue was full"
ends ring
found
is "$fault: all 100 changes are findings" "$(count '.type == "finding" and (.path | startswith("/etc/flood-"))')" 100
rm -f /etc/flood-*
sysctl -q fs.fanotify.max_queued_events=16384

begin no-source
stop_daemon
groups=$(sysctl -n fs.fanotify.max_user_groups)
sysctl -q fs.fanotify.max_user_groups=0
mark_journal
change
restart
says module down "only comparisons find changes"
shows '.source.kind == "none" and .controls.module == "down"'
found
sysctl -q fs.fanotify.max_user_groups="$groups"
says module degraded "events come from fanotify"

begin module-back
(for i in {1..60}; do
	echo "$i" >"/etc/switch-$i"
	sleep 0.1
done) &
switcher=$!
insmod ecs_fim.ko
ends module
wait $switcher
wait_until 30 at_least '.path // "" | startswith("/etc/switch-")' 60
is "$fault: no change is lost or told twice while the sources are switched" \
	"$(records '.path // "" | startswith("/etc/switch-")' | jq -r .path | sort -u | wc -l) $(count '.path // "" | startswith("/etc/switch-")')" \
	"60 60"
change
found
works

begin live-patch
if [ -e livepatch.ko ]; then
	insmod livepatch.ko
	change
	says host degraded "the live patch" 60
	shows '.controls.host == "degraded" and .host.livepatch != ""'
	found
	is "$fault: and it did what it does" "$(grep -c 'this has been live patched' /proc/cmdline)" 1
	for patch in /sys/kernel/livepatch/*/; do echo 0 >"$patch/enabled"; done
	ends host 120
	works
else
	report 1 "$fault: there is a live patch"
fi

begin lockdown
unload
stop_daemon
rmmod ecs_fim
mark_journal
echo integrity >/sys/kernel/security/lockdown
! insmod ecs_fim.ko 2>/dev/null
report $? "$fault: the kernel refuses a module without a signature it knows"
change
restart
says module degraded "events come from fanotify"
shows '.source.kind == "fanotify"'
found
doctor lockdown warning "signed by a key of the kernel"

# --------------------------------------------------------------------------- report

stop_daemon
check "the journal's chain is whole" ecs-fim journal verify
ecs-fim report --format json -o report.json
for line in "${said[@]}"; do
	report "$(jq --argjson s "$line" '[.outages.items[], .losses.items[], .control_notes.items[]] |
		any(.component == $s[1] and (.cause | contains($s[3]))) | if . then 0 else 1 end' report.json)" \
		"$(jq -nr --argjson s "$line" '"\($s[0]): the report has \($s[1]) \($s[2]): \($s[3])"')"
done
for line in "${attacks[@]}"; do
	report "$(jq --argjson a "$line" '[.alerts.items[].text] |
		any((. // "") | startswith($a[1] + " ")) | if . then 0 else 1 end' report.json)" \
		"$(jq -nr --argjson a "$line" '"\($a[0]): the report has it among its alerts: \($a[1])"')"
done
check "no bug in the kernel's log" sh -c "! dmesg | grep -E 'BUG|WARNING|Oops'"
cp "$journal" report.json "$out/"
echo "# ${#said[@]} statements, $((SECONDS - started)) s"
finish
