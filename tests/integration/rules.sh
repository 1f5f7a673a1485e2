#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Rules on a real kernel with a real dockerd: of Falco's own files each rule that we say can
# fire does, by what somebody really does; then the story of the account, out of CloudTrail
# files that come late and twice, as one incident.  Runs as root in a virtual machine made
# for it, in the folder that holds bin/, ecs_fim.ko, rules/ and, if there are any, falco/;
# prints TAP, leaves journal and logs in out/.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
trail=$PWD/trail

start_daemon() {
	ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
	daemon=$!
	wait_until 180 at_least '.type == "comparison" and .trigger == "start-up"' 1
	wait_until 60 at_least '.component == "docker" and .state == "up"' 1
}

# ------------------------------------------------------------------------- prepare

mkdir -p "$trail" /etc/ecs-fim/rules.d
/usr/lib/ecs-fim-test/start-docker >/dev/null
docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:rules >/dev/null
insmod ecs_fim.ko || exit 1
roots=(/boot /dev /etc /root /usr/bin /var/lib/rpm /var/log)
mkdir -p /boot /var/lib/rpm /etc/apt/sources.list.d /root/.ssh
echo 'ls' >/root/.bash_history
echo 'something happened' >/var/log/syslog
{
	printf 'name: rules\nversion: "1"\nroots: [%s]\nrules:\n' "$(IFS=,; echo "${roots[*]}")"
	printf '  - {path: %s, class: metadata, reason: only events matter here}\n' "${roots[@]}"
} >policy.yaml
make_key
# Without a daemon each of the tests below would wait in vain.
if ! take_baseline policy.yaml; then
	echo "not ok 1 - a baseline is taken and signed"
	exit 1
fi

falco=()
if [ -d falco ]; then
	falco=("$PWD"/falco/falco_rules.yaml "$PWD"/falco/falco-incubating_rules.yaml "$PWD"/falco/falco-sandbox_rules.yaml)
	# Four are off as they come, and one asks for a list of what is allowed.
	cat >/etc/ecs-fim/rules.d/on.yaml <<-'RULES'
		- {rule: Create Hidden Files or Directories, enabled: true, override: {enabled: replace}}
		- {rule: Container Drift Detected (chmod), enabled: true, override: {enabled: replace}}
		- {rule: Container Drift Detected (open+create), enabled: true, override: {enabled: replace}}
		- {rule: Modify Container Entrypoint, enabled: true, override: {enabled: replace}}
		- {rule: Container Run as Root User, enabled: true, override: {enabled: replace}}
		- {macro: allowed_containers, condition: not container.name = disallowed, override: {condition: replace}}
	RULES
fi
sets=("$PWD/rules" "${falco[@]}" /etc/ecs-fim/rules.d)
cat >/etc/ecs-fim/config.yaml <<-CONFIG
	trusted_keys: [$lib/keys]
	sink_audit: false
	sink_syslog: false
	rules: [$(IFS=,; echo "${sets[*]}")]
	cloudtrail_dir: $trail
	cloudtrail_state: $lib/cloudtrail.state
CONFIG
start_daemon
is "the rules are loaded" "$(records '.type == "rules"' | jq -r .action)" loaded
is "nothing fires while nothing happens" "$(records '.kind == "rule"' | jq -r .rule)" ""

# ---------------------------------------------------------------------- Falco's own rules

# $1: rule, $2: path that it must name; the rest: what is done. One operation, one hit.
fires() {
	local rule=$1 path=$2
	shift 2
	mark_journal
	"$@" >>"$out/fires.log" 2>&1
	wait_until 60 at_least ".kind == \"rule\" and .rule == \"$rule\"" 1
	is "$rule" "$(records ".kind == \"rule\" and .rule == \"$rule\"" | jq -r '[.path, .source] | join(" ")')" "$path syscall"
}

# $1: rule, $2: container's name, the rest: how it is started
starts() {
	local rule=$1 name=$2
	shift 2
	mark_journal
	docker run -d --name "$name" --network none "$@" busybox:rules sleep 1000 >/dev/null
	wait_until 60 at_least ".kind == \"rule\" and .rule == \"$rule\"" 1
	is "$rule" "$(records ".kind == \"rule\" and .rule == \"$rule\"" | jq -r '[.container.name, .detected_by] | join(" ")')" "$name container"
}

if [ -d falco ]; then
	fires "Clear Log Activities" /var/log/syslog cp /dev/null /var/log/syslog
	fires "Create Symlink Over Sensitive Files" /etc/symlink ln -s /etc/shadow /etc/symlink
	fires "Create Hardlink Over Sensitive Files" /etc/hardlink ln /etc/shadow /etc/hardlink
	fires "Modify Shell Configuration File" /root/.bashrc tee -a /root/.bashrc <<<'alias ls=true'
	fires "Create files below dev" /dev/hidden-here touch /dev/hidden-here
	fires "Delete or rename shell history" /root/.bash_history rm /root/.bash_history
	fires "Set Setuid or Setgid bit" /usr/bin/find chmod u+s /usr/bin/find
	fires "Adding ssh keys to authorized_keys" /root/.ssh/authorized_keys tee /root/.ssh/authorized_keys <<<'ssh-ed25519 AAAA'
	fires "Update Package Repository" /etc/apt/sources.list.d/x.list touch /etc/apt/sources.list.d/x.list
	fires "Write below binary dir" /usr/bin/2597de70 touch /usr/bin/2597de70
	fires "Modify binary dirs" /usr/bin/2597de70 rm /usr/bin/2597de70
	fires "Mkdir binary dirs" /usr/bin/directory mkdir /usr/bin/directory
	fires "Write below monitored dir" /boot/vmlinuz-x touch /boot/vmlinuz-x
	fires "Write below etc" /etc/written touch /etc/written
	fires "Write below root" /root/written touch /root/written
	fires "Write below rpm database" /var/lib/rpm/Packages touch /var/lib/rpm/Packages
	fires "Create Hidden Files or Directories" /etc/.hidden touch /etc/.hidden
	starts "Launch Privileged Container" privileged --privileged
	fires "Detect release_agent File Container Escapes" /etc/release_agent docker exec privileged touch /etc/release_agent
	starts "Launch Excessively Capable Container" capable --cap-add SYS_ADMIN
	starts "Launch Sensitive Mount Container" mounted -v /etc:/host
	starts "Launch Disallowed Container" disallowed
	starts "Container Run as Root User" root
	fires "Container Drift Detected (chmod)" /etc/passwd docker exec root chmod 755 /etc/passwd
	fires "Container Drift Detected (open+create)" /usr/bin/dropped docker exec root cp /bin/busybox /usr/bin/dropped
	# Below a root of its own: of the link in the real /proc only the file that it leads to is seen.
	fires "Modify Container Entrypoint" /etc/jail/proc/self/fd/3 docker exec root sh -c \
		'mkdir -p /etc/jail/bin /etc/jail/proc/self/fd; cp /bin/busybox /etc/jail/bin/sh; chroot /etc/jail /bin/sh -c "echo x >/proc/self/fd/3"'
	mark_journal
	docker run -d --name plain --network none --user 1000 busybox:rules sleep 1000 >/dev/null
	wait_until 60 at_least '.type == "container" and .container.name == "plain"' 1
	sleep 1
	is "a plain container fires none of the five" "$(records '.kind == "rule"' | jq -r .rule)" ""
	docker rm -f privileged capable mounted disallowed root plain >/dev/null
else
	for rule in 21 5; do
		number=$((number + 1))
		echo "ok $number - Falco's own rules, $rule of them # SKIP its files are not here"
	done
fi

# --------------------------------------------------------------------------- the story

arn=arn:aws:ecs:eu-west-1:111122223333
task=$arn:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314
session=ecs-execute-command-0123456789abcdef0

# $1: minutes ago, $2: service, $3: name, $4: id, $5: more members
call() {
	local when
	when=$(date -u -d "$1 minutes ago" +%FT%TZ)
	printf '{"eventVersion":"1.09","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/mallory","accountId":"111122223333","userName":"mallory"},"eventTime":"%s","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.7","eventID":"6b0e5d4c-0000-4000-8000-00000000000%s","recipientAccountId":"111122223333",%s}' \
		"$when" "$2" "$3" "$4" "$5"
}

mark_journal
docker run -d --name web --network none --label com.amazonaws.ecs.cluster=demo --label com.amazonaws.ecs.container-name=web \
	--label com.amazonaws.ecs.task-arn=$task busybox:rules sleep 1000 >/dev/null
docker exec web touch /usr/bin/2597de70-c942-4424-b039-5e15a86fd380
wait_until 60 at_least '.kind == "rule" and .rule == "Write below a binary directory"' 1
is "a file in a task fires our own rule" \
	"$(records '.kind == "rule" and .rule == "Write below a binary directory"' | jq -r '[.path, .container.task_arn] | join(" ")')" \
	"/usr/bin/2597de70-c942-4424-b039-5e15a86fd380 $task"
deleted=$(call -2 ecs DeleteCluster 3 '"requestParameters":{"cluster":"demo"},"responseElements":{"cluster":{"clusterArn":"'$arn':cluster/demo","status":"INACTIVE"}}')
printf '{"Records":[%s,%s]}' "$deleted" "$(call -4 cloudtrail DeleteTrail 4 '"requestParameters":{"name":"main"}')" | gzip >new.json.gz
mkdir -p "$trail/AWSLogs/2026"
mv new.json.gz "$trail/AWSLogs/2026/late.json.gz"
wait_until 60 at_least '.rule == "CloudTrail trail deleted"' 1
is "a compressed file in a new directory is read" "$(records '.detected_by == "cloudtrail"' | jq -r .rule)" "ECS cluster deleted
CloudTrail trail deleted"
# What happened first comes last, with a record that was there before.
printf '{"Records":[%s,%s,%s]}' "$deleted" \
	"$(call 9 signin ConsoleLogin 1 '"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}')" \
	"$(call 5 ecs ExecuteCommand 2 '"requestParameters":{"cluster":"demo","task":"'$task'","container":"web","interactive":true,"command":"/bin/sh"},"responseElements":{"session":{"sessionId":"'$session'"}}')" >new.json
mv new.json "$trail/later.json"
wait_until 60 at_least '.rule == "Terminal shell in ECS container"' 1
is "what comes twice is told once" "$(records '.rule == "ECS cluster deleted"' | wc -l)" 1

wanted="AWS console login without MFA
Terminal shell in ECS container
Write below a binary directory
ECS cluster deleted
CloudTrail trail deleted"
ours() { jq -r '.events[].record | select(.rule) | .rule' | grep -xF "$wanted" | uniq; }
for ask in "--task $task" "--task ${task##*/}" "--cluster demo" "--cluster $arn:cluster/demo" "--user mallory" "--session $session"; do
	# shellcheck disable=SC2086 # option and value
	ecs-fim timeline --json $ask >timeline.json
	is "timeline $ask: status 3" $? 3
	is "one incident, in the order of events" "$(wc -l <timeline.json) $(ours <timeline.json)" "1 $wanted"
done
is "by a user without MFA, in this task and cluster" \
	"$(jq -c '[.principals, .tasks, .clusters, .severity]' timeline.json)" \
	'[[{"arn":"arn:aws:iam::111122223333:user/mallory","mfa":false}],["0f3c5a1b2d4e4f60a7b8c9d0e1f20314"],["demo"],"critical"]'
is "what was recorded after it happened late is said to be late" \
	"$(jq -r '.events[] | select(.late) | .record | select(.detected_by == "cloudtrail") | .rule' timeline.json)" "AWS console login without MFA
Terminal shell in ECS container"
ecs-fim timeline --cluster demo >"$out/timeline.txt"
check "people read it, too" grep -q 'mallory, without MFA' "$out/timeline.txt"
sed 's/^/# /' "$out/timeline.txt" | cut -c1-150
ecs-fim timeline --user nobody >/dev/null
is "somebody else did nothing" $? 0
check "without the journal's, out of the files alone, the account's part is there" sh -c \
	"ecs-fim timeline --json --user mallory --journal $journal --cloudtrail $trail --rules rules | jq -e '[.events[].record.rule] | map(select(. == \"ECS cluster deleted\")) | length == 1'"

# ------------------------------------------------------------------- reload, restart

mark_journal
echo '- rule: broken' >/etc/ecs-fim/rules.d/broken.yaml
kill -HUP $daemon
wait_until 60 at_least '.type == "rules" and .action == "refused"' 1
check "rules that do not load are refused, with the place" \
	grep -q 'broken.yaml:1:3' <(records '.type == "rules"' | jq -r .error)
docker exec web touch /usr/bin/after-refusal
wait_until 60 at_least '.rule == "Write below a binary directory"' 1
is "and the old ones go on" "$(records '.rule == "Write below a binary directory"' | jq -r .path)" /usr/bin/after-refusal
mark_journal
rm /etc/ecs-fim/rules.d/broken.yaml
sed -i 's/^sink_audit/rules_tags: [MITRE_T1485]\n&/' /etc/ecs-fim/config.yaml
kill -HUP $daemon
wait_until 60 at_least '.type == "rules" and .action == "replaced"' 1
is "a tag chooses" "$(records '.type == "rules"' | jq -c '[.rules, .tags]')" '[1,["MITRE_T1485"]]'
kill $daemon
wait $daemon
mark_journal
start_daemon
sleep 2
is "after a restart no file is read again" "$(records '.detected_by == "cloudtrail"' | jq -r .rule)" ""
printf '{"Records":[%s]}' "$(call 0 ecs DeleteCluster 5 '"requestParameters":{"cluster":"other"}')" >"$trail/next.json"
wait_until 60 at_least '.rule == "ECS cluster deleted"' 1
is "a new one is" "$(records '.rule == "ECS cluster deleted"' | jq -r .cloudtrail.cluster)" other
kill $daemon
wait $daemon
# By now what comes late is there, too: a file that is made and closed is one hit.
is "one operation, one hit" "$(jq -r 'select(.rule == "Write below a binary directory" and .container.name == "web") | .path' "$journal")" \
	"/usr/bin/2597de70-c942-4424-b039-5e15a86fd380
/usr/bin/after-refusal"
check "the journal's chain is whole" ecs-fim journal verify
check "no bug in the kernel's log" sh -c "! dmesg | grep -E 'BUG|WARNING|Oops|Call Trace'"
cp "$journal" "$out/journal.ndjson"
finish
