#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The whole product on a real kernel: module, daemon, Docker, audit.  Runs as root in
# a virtual machine made for it, in the folder that holds bin/ and ecs_fim.ko; prints
# TAP, leaves journal and logs in out/.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
uuid=2597de70-c942-4424-b039-5e15a86fd380

# ------------------------------------------------------------------------- helpers

# Findings since the mark, one line each, in the order of the journal.
findings() { records '.type == "finding"' | jq -r '[.kind, .scope, (.path // .path_hex)] | join(" ")'; }

settled() { # $1: number of findings to wait for; then time for one too many
	wait_until 20 at_least '.type == "finding"' "$1"
	sleep 1
}

start_daemon() {
	mark_journal 2>/dev/null
	local before=$mark
	ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
	daemon=$!
	wait_until 120 at_least '.type == "comparison" and .trigger == "start-up"' 1 ||
		echo "# the start-up comparison did not come"
	mark=$before
}

stop_daemon() {
	kill "$daemon" && wait "$daemon"
	local status=$?
	daemon=
	return $status
}

chain_is_whole() {
	local previous line
	previous=$(printf '0%.0s' {1..64})
	while IFS= read -r line; do
		case $line in *"\"prev\":\"$previous\""*) ;; *)
			echo "broken at: $line"
			return 1
			;;
		esac
		previous=$(printf '%s\n' "$line" | sha256sum | cut -d' ' -f1)
	done <"$journal"
}

digest() { sha256sum "$1" | cut -d' ' -f1; }

# ------------------------------------------------------------------------- prepare

/usr/lib/ecs-fim-test/start-auditd >/dev/null
/usr/lib/ecs-fim-test/start-docker >/dev/null
docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:story >/dev/null
# Who a syslog message is sent to.
python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
with open("/job/out/syslog", "ab", 0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")
' &
wait_until 20 test -S /dev/log
check "the module loads" insmod ecs_fim.ko

make_key
cat >/etc/ecs-fim/config.yaml <<-CONFIG
	trusted_keys: [$lib/keys]
CONFIG
cat >policy.yaml <<-POLICY
	name: story
	version: "1"
	roots: [/etc, /usr/bin, /usr/sbin]
	rules:
	  - {path: /etc, class: strict, category: configuration and parameter files}
	  - {path: /usr/bin, class: strict, category: system executables}
	  - {path: /usr/sbin, class: strict, category: system executables}
	  - {path: /etc/excluded, class: excluded, reason: test, approver: test}
POLICY

# ----------------------------------------------------------------- baseline, signature

check "without a baseline --check fails" sh -c '! ecs-fimd --check'
check "without a baseline the daemon does not start" sh -c '! ecs-fimd'
is "and a control record says so" \
	"$(records '.type == "control" and .component == "baseline" and .state == "down"' | wc -l)" 1
check "a baseline is taken" ecs-fim baseline create --policy policy.yaml -o $lib/baseline.ndjson --quiet
check "an unsigned baseline is refused" sh -c '! ecs-fimd --check'
check "it is signed" ecs-fim baseline sign --key signing-key.pem $lib/baseline.ndjson
check "openssl accepts the signature" openssl dgst -sha256 -verify $lib/keys/baseline.pem \
	-signature $lib/baseline.sig $lib/baseline.ndjson
check "--check accepts it" ecs-fimd --check
check "sha256sum agrees with every digest" \
	sh -c "ecs-fim baseline export --format sha256sums $lib/baseline.ndjson | sha256sum -c --quiet"

# --------------------------------------------------------------------------- quiet start

start_daemon
is "a run that was refused its baseline did not end uncleanly" \
	"$(count '.component == "daemon" and .state == "down"')" 0
is "the start-up comparison finds nothing" \
	"$(records '.type == "comparison"' | jq -c '[.trigger, .added, .removed, .changed, .unreadable]')" \
	'["start-up",0,0,0,0]'
is "the accepted baseline is recorded" "$(records '.type == "baseline"' | jq -r '.signature')" valid
wait_until 20 at_least '.component == "docker" and .state == "up"' 1
check "status says that everything works" ecs-fim status
is "it watches the three directories" "$(ecs-fim status --json | jq .watches.host)" 3
is "it keeps five capabilities" "$(sed -n 's/^CapEff:\s*//p' /proc/$daemon/status)" 0000000020280204
is "it can gain no privileges" "$(sed -n 's/^NoNewPrivs:\s*//p' /proc/$daemon/status)" 1

# ------------------------------------------------------------------------------- the story

mark_journal
old_passwd=$(digest /etc/passwd)
bash -c 'echo $$ >pid; exec tee -a /etc/passwd' <<<'mallory:x:0:0::/:/bin/sh' >/dev/null
passwd_pid=$(cat pid)

docker run -d --name plain --network none \
	--label com.amazonaws.ecs.cluster=demo --label com.amazonaws.ecs.container-name=web \
	--label com.amazonaws.ecs.task-arn=arn:aws:ecs:eu-west-1:123456789012:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314 \
	busybox:story sleep 1000 >plain.id
docker exec plain sh -c 'echo $$ >/tmp/pid; exec touch /usr/bin/'$uuid
touch_vpid=$(docker exec plain cat /tmp/pid)

docker run --name first --network none busybox:story touch "/usr/bin/$uuid"

old_ls=$(digest /usr/bin/ls)
cp -a /usr/bin/ls /root/ls.trojan
printf '\0' >>/root/ls.trojan
new_ls=$(digest /root/ls.trojan)
bash -c 'echo $$ >pid; exec mv /root/ls.trojan /usr/bin/ls'
ls_pid=$(cat pid)

chmod u+s /usr/bin/find
docker run -d --name privileged --privileged --network none busybox:story sleep 1000 >/dev/null
settled 5
wait_until 20 at_least '.type == "container"' 3

is "exactly the five changes are findings" "$(findings)" "modified host /etc/passwd
added container /usr/bin/$uuid
added container /usr/bin/$uuid
modified host /usr/bin/ls
attributes host /usr/bin/find"
is "who appended to passwd" "$(records '.path == "/etc/passwd"' | jq -c '[.actor.pid, .actor.exe, .actor.uid, .actor.user, .container, .op]')" \
	"[$passwd_pid,\"/usr/bin/tee\",0,\"root\",null,\"write\"]"
is "digests of passwd before and after" \
	"$(records '.path == "/etc/passwd"' | jq -r '.before.sha256, .after.sha256' | tr '\n' ' ')" \
	"$old_passwd $(digest /etc/passwd) "
is "digests of ls before and after" \
	"$(records '.path == "/usr/bin/ls"' | jq -r '.before.sha256, .after.sha256' | tr '\n' ' ')" \
	"$old_ls $new_ls "
is "who replaced ls, and from where" \
	"$(records '.path == "/usr/bin/ls"' | jq -c '[.actor.pid, .actor.exe, .op, .old_path, .severity]')" \
	"[$ls_pid,\"/usr/bin/mv\",\"rename\",\"/root/ls.trojan\",\"critical\"]"
is "set-uid: old and new mode" \
	"$(records '.path == "/usr/bin/find"' | jq -c '[.before.mode, .after.mode, .changed, .severity, .actor.exe]')" \
	'["0755","4755",["mode"],"critical","/usr/bin/chmod"]'
is "the file touched in the container: whose, by which process" \
	"$(records '.type == "finding" and .container_id == "'"$(cat plain.id)"'"' | jq -c '[.container.name, .container.task_arn, .container.image, .actor.vpid, .actor.exe]')" \
	"[\"plain\",\"arn:aws:ecs:eu-west-1:123456789012:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314\",\"busybox:story\",$touch_vpid,\"/bin/busybox\"]"
is "the first instruction of a container is seen, with its actor" \
	"$(records '.path == "/usr/bin/'$uuid'" and .container.name == "first"' | jq -c '[.detected_by, .container_id == .container.id, .actor.vpid]')" \
	'["event",true,1]'
is "one container is privileged" \
	"$(records '.type == "container"' | jq -r 'select(.container.privileged) | .container.name')" privileged
is "three containers are recorded" "$(records '.type == "container"' | jq -r .container.name | sort -u | tr '\n' ' ')" \
	"first plain privileged "

ausearch --input-logs -m ANOM_RBAC_INTEGRITY_FAIL >"$out/audit" 2>/dev/null
is "audit has every finding" "$(grep -c '^type=ANOM_RBAC_INTEGRITY_FAIL' "$out/audit")" 5
for path in /etc/passwd /usr/bin/ls /usr/bin/find "/usr/bin/$uuid"; do
	check "ausearch finds $path" grep -qF "path=\"$path\"" "$out/audit"
done
check "audit has the digest of ls" grep -q "old_sha256=$old_ls new_sha256=$new_ls" "$out/audit"
is "audit has one privileged container" \
	"$(ausearch --input-logs -m ANOM_ROOT_TRANS 2>/dev/null | grep -c '^type=ANOM_ROOT_TRANS')" 1
is "syslog has every finding" "$(grep -c ' finding ' "$out/syslog")" 5
is "standard output has the journal's own lines" \
	"$(records '.type == "finding"' | wc -l)" "$(grep -cFxf <(records '.type == "finding"') <(jq -c . "$out/alerts.ndjson"))"
is "no alert but those and the privileged container" "$(jq -r .type "$out/alerts.ndjson" | grep -v control | sort | uniq -c | tr -s ' \n' ' ')" \
	" 1 container 5 finding "

# ------------------------------------------------------------- honest, and few, findings

mark_journal
touch /usr/bin/env                                     # times only
python3 -c 'open("/usr/bin/env", "r+b").close()'       # opened for writing
chmod 755 /usr/bin/env                                 # the mode it has
mkdir -p /root/x && echo x >/root/x/f
sleep 1
is "touch, open and a chmod without effect are none" "$(findings)" ""
sed -i s/mallory/mallet/ /etc/passwd
settled 1
is "sed -i is one" "$(findings)" "modified host /etc/passwd"
mark_journal
cp -a /usr/bin/env /root/env
bash -c 'exec 3<>/usr/bin/env; printf X >&3'
settled 1
mark_journal
cat /root/env >/usr/bin/env
settled 1
is "put back is restored" "$(findings)" "restored host /usr/bin/env"
mark_journal
python3 - <<-'PYTHON'
	data = open("/usr/bin/env", "rb").read()
	for content in (b"evil", data):
	    with open("/usr/bin/env", "wb") as f:
	        f.write(content)
PYTHON
settled 1
is "changed and changed back at once is transient" "$(findings)" "transient host /usr/bin/env"
is "with who did it" "$(records '.kind == "transient"' | jq -r .actor.comm)" python3
mark_journal
mv /root/x /etc/x
settled 2
mv /etc/x /etc/y
settled 3
rm -r /etc/y
settled 5
is "a directory moved in, renamed and removed" "$(findings | sort)" "added host /etc/x
added host /etc/x/f
moved host /etc/y
restored host /etc/y
restored host /etc/y/f"
mark_journal
python3 -c '
import os
for name in (b"/etc/new\nline", b"/etc/\xff\xfe", b"/etc/\x1b[31mred"):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
'
settled 3
is "hostile names are three lines" "$(count '.type == "finding"')" 3
check "and nothing in syslog can move a cursor" sh -c "! grep -q \$(printf '\\033') $out/syslog"
mark_journal
ln /usr/bin/tac /root/tac
settled 1
echo x >>/root/tac
settled 2
is "a hard link elsewhere, and a write through it" "$(findings)" "attributes host /usr/bin/tac
modified host /usr/bin/tac"
mark_journal
python3 - <<-'PYTHON'
	import mmap, os
	fd = os.open("/usr/bin/head", os.O_RDWR)
	m = mmap.mmap(fd, 0)
	os.close(fd)
	m[100] ^= 1
	m.close()
PYTHON
settled 1
is "a store through a mapping, with who opened the file" \
	"$(records '.type == "finding"' | jq -c '[.kind, .path, .actor.comm]')" '["modified","/usr/bin/head","python3"]'
mark_journal
setcap cap_net_raw+ep /usr/bin/wc
settled 1
is "a file capability" "$(records '.type == "finding"' | jq -c '[.kind, .path, .changed]')" '["attributes","/usr/bin/wc",["xattrs"]]'
rm -f /etc/new* /etc/$'\xff\xfe' /etc/$'\x1b[31mred'
echo x >/etc/excluded
sleep 1

# --------------------------------------------------------------------------- containers

mark_journal
docker exec plain sh -c 'rm /usr/bin/awk; echo x >>/etc/passwd; mv /etc/group /etc/grp'
settled 3
is "a container's own files: removed, modified, moved" "$(findings | sort)" "modified container /etc/passwd
moved container /etc/grp
removed container /usr/bin/awk"
is "its states before are the image's" \
	"$(records '.path == "/usr/bin/awk"' | jq -c '[.before.type, .before.target, .after.type]')" '["symlink","/bin/busybox","none"]'
mark_journal
docker exec plain sh -c 'rm -r /usr/sbin; mkdir /usr/sbin; echo x >/usr/sbin/new'
wait_until 20 at_least '.path == "/usr/sbin/new"' 1
is "a scope that the container replaced is watched again" "$(records '.path == "/usr/sbin/new"' | jq -r .kind)" added
mark_journal
docker exec plain sh -c 'echo y >>/usr/sbin/new'
settled 1
is "and events come from it" "$(records '.type == "finding"' | jq -c '[.kind, .path, .detected_by]')" '["modified","/usr/sbin/new","event"]'
mark_journal
docker restart -t 0 plain >/dev/null
wait_until 20 at_least '.type == "container"' 1
sleep 2
is "a container that starts again is not told again" "$(findings)" ""
docker exec plain touch /usr/bin/again
settled 1
is "but still watched" "$(findings)" "added container /usr/bin/again"
mark_journal
docker run --rm --network none busybox:story sh -c 'echo x >/usr/bin/short'
settled 1
is "a container that is gone at once is not missed" "$(records '.type == "finding"' | jq -r .path)" /usr/bin/short

# ------------------------------------------------------------------------------- endings

check "SIGTERM ends it well" stop_daemon
is "and is recorded" "$(tail -n 1 "$journal" | jq -c '[.type, .component, .state]')" '["control","daemon","down"]'
check "the journal's chain is whole" chain_is_whole

for file in $lib/baseline.ndjson $lib/baseline.sig; do
	cp "$file" saved
	size=$(stat -c %s "$file")
	printf '\x5a' | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc status=none
	cmp -s "$file" saved && printf '\x5b' | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc status=none
	mark_journal
	check "one changed byte in ${file##*/}: the daemon refuses" sh -c '! timeout 60 ecs-fimd 2>refused.log'
	is "and records it" "$(records '.component == "baseline"' | jq -r .state)" down
	check "and names the file" grep -q "$lib/baseline" refused.log
	check "and ecs-fim verify refuses" sh -c "! ecs-fim verify --baseline $lib/baseline.ndjson --key $lib/keys/baseline.pem"
	cp saved "$file"
done

mv $lib/keys/baseline.pem .
openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl ec -pubout -out $lib/keys/other.pem 2>/dev/null
check "a signature by a key that is not trusted is refused" sh -c '! ecs-fimd --check'
mv baseline.pem $lib/keys/
rm $lib/keys/other.pem

start_daemon
is "a restart tells nothing again" "$(findings)" ""
mark_journal
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
echo "# nobody looks" >>/etc/hosts.deny
start_daemon
settled 1
is "an unclean end is said" \
	"$(records '.component == "daemon" and .state == "down"' | jq -c '[(.cause | test("killed")), (.since != null)]')" '[true,true]'
is "what changed meanwhile waited in the ring, with its actor" \
	"$(records '.type == "finding"' | jq -c '[.kind, .path, .detected_by, .actor.comm]')" '["modified","/etc/hosts.deny","event","run"]'

# ------------------------------------------------------------------------------ overflow

mark_journal
kill -STOP "$daemon"
yes /usr/bin/env | head -n 20000 | xargs touch
echo "# unseen" >>/etc/hosts.allow
kill -CONT "$daemon"
wait_until 60 at_least '.type == "comparison" and .trigger == "overflow"' 1
wait_until 20 at_least '.component == "ring" and .state == "up"' 1
check "a full ring is a loss record with a count" \
	test "$(records '.component == "ring" and .state == "loss"' | jq -s 'map(.lost) | add')" -gt 0
is "the comparison finds what was lost" "$(records '.type == "finding"' | jq -c '[.kind, .path, .detected_by]')" \
	'["modified","/etc/hosts.allow","overflow"]'
check "after it everything works again" ecs-fim status
mark_journal
ecs-fim verify --record >/dev/null
is "another process compares, as the timer does, and finds what is known" $? 3
is "which is a scheduled comparison of the journal, and no finding" \
	"$(records '.type == "comparison" or .type == "finding"' | jq -c '[.type, .trigger, .who.comm, .who.uid]')" \
	'["comparison","scheduled","ecs-fim",0]'

# ------------------------------------------------------------------------- no module

mark_journal
bash -c 'kill -USR1 "$1"; kill -0 "$1"; busybox rmmod ecs_fim; exit 0' actor "$daemon" 2>/dev/null
check "the armed module does not unload" test -e /sys/module/ecs_fim
check "two attacks on the product itself are recorded" wait_until 20 at_least '.type == "place"' 2
is "a signal and an unload, by whom" \
	"$(records '.type == "place"' | jq -c '[.action, .signal, .severity, .actor.comm, .actor.parent_comm, .path]')" \
	"[\"signalled\",10,\"high\",\"bash\",\"run\",\"$PWD/bin/ecs-fimd\"]
[\"unload\",null,\"high\",\"busybox\",\"bash\",\"/sys/module/ecs_fim\"]"
check "which are alerts" sh -c 'ecs-fim alerts --json | grep -q "unload /sys/module/ecs_fim"'
check "whoever says why can disarm it" ecs-fim disarm --by tester --reason "end of the story" --ticket T-1
wait_until 20 at_least '.action == "disarmed"' 1
is "the journal has why, and who" \
	"$(records '.detail.reason or .action == "disarmed"' | jq -c '[.type, .detail.by, .detail.ticket, .actor.comm]')" \
	'["control","tester","T-1",null]
["place",null,null,"ecs-fim"]'
stop_daemon
check "the module unloads" rmmod ecs_fim
echo "# without a module" >>/etc/hosts.deny
start_daemon
is "without the module fanotify watches, which is degraded and says so" \
	"$(records '.component == "module"' | jq -r .state)" degraded
is "status names the source" "$(ecs-fim status --json | jq -c '[.source.kind, (.source.blind | length > 100)]')" \
	'["fanotify",true]'
is "what changed is found by the start-up comparison" \
	"$(records '.type == "finding"' | jq -c '[.kind, .path, .detected_by]')" '["modified","/etc/hosts.deny","start-up"]'
ecs-fim status >/dev/null
is "status is 3" $? 3
mark_journal
bash -c 'echo $$ >pid; echo "# fanotify" >>/etc/hosts.deny; mv /etc/hosts.allow /etc/hosts.moved; mkdir -p /etc/new/deep; echo x >/etc/new/deep/file; chmod 700 /etc/hosts.deny; sleep 2'
settled 7
is "fanotify leads to the same findings" "$(findings | sort)" "added host /etc/new
added host /etc/new/deep
added host /etc/new/deep/file
attributes host /etc/hosts.deny
modified host /etc/hosts.deny
moved host /etc/hosts.moved"
is "with who did it, where the process still is" \
	"$(records '.path == "/etc/hosts.deny" and .kind == "modified"' | jq -c '[.detected_by, .actor.pid, .actor.exe]')" \
	"[\"event\",$(cat pid),\"/usr/bin/bash\"]"
docker run -d --name fanotify --network none busybox:story \
	sh -c 'echo x >>/etc/passwd; mkdir /usr/sbin/new; rm /usr/bin/awk; sleep 1000' >/dev/null
wait_until 30 at_least '.type == "finding" and .scope == "container"' 3
is "contents and names of a container are found" "$(findings | grep container | sort)" "added container /usr/sbin/new
modified container /etc/passwd
removed container /usr/bin/awk"
docker rm -f fanotify >/dev/null
mv /etc/hosts.moved /etc/hosts.allow
rm -r /etc/new
settled 10
mark_journal
# A change every tenth of a second, before, while and after the module comes back.
(for i in $(seq 150); do
	echo "$i" >"/etc/switch-$i"
	sleep 0.1
done) &
switcher=$!
sleep 1
insmod ecs_fim.ko
wait_until 30 at_least '.component == "module" and .state == "up"' 1
wait_until 60 at_least '.type == "comparison"' 1
wait $switcher
settled 150
is "no change is lost or told twice while the sources are switched" \
	"$(records '.path // "" | startswith("/etc/switch-")' | jq -r '.kind + .path' | sort -u | wc -l) $(count '.path // "" | startswith("/etc/switch-")')" \
	"150 150"
is "and none of them needed the comparison" "$(records '.path // "" | startswith("/etc/switch-")' | jq -r .detected_by | sort -u)" event
mark_journal
echo "# with it again" >>/etc/hosts.deny
settled 1
is "the module is used when it comes" "$(findings)" "modified host /etc/hosts.deny"

# ------------------------------------------------------------------------ no Docker

mark_journal
kill "$(cat /var/run/docker.pid)"
wait_until 30 at_least '.component == "docker" and .state == "down"' 1
is "losing Docker is a control record" "$(records '.component == "docker"' | jq -r .state)" down

stop_daemon
check "the journal's chain is whole to the end" chain_is_whole
check "no bug in the kernel's log" sh -c "! dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'"
cp "$journal" "$out/journal.ndjson"
finish
