# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The story of a host's journal and CloudTrail's files, as one incident.

arn=arn:aws:ecs:eu-west-1:111122223333
task=$arn:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314
session=ecs-execute-command-0123456789abcdef0
previous=$(printf '0%.0s' {1..64})
seq=0

journal() { # type, members
	seq=$((seq + 1))
	local line
	line=$(printf '{"seq":%d,"time":"2026-03-02T10:00:0%d.000000000Z","boot_id":"0b8f6a52-93d5-4f0e-8d4f-2a1d8e1c5a01","type":"%s","prev":"%s",%s}' \
		$seq $seq "$1" "$previous" "$2")
	printf '%s\n' "$line" >>journal.ndjson
	previous=$(printf '%s\n' "$line" | sha256sum | cut -d' ' -f1)
}

call() { # time, service, name, id, members
	printf '{"eventVersion":"1.09","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/mallory","accountId":"111122223333","userName":"mallory"},"eventTime":"2026-03-02T%sZ","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.7","eventID":"6b0e5d4c-0000-4000-8000-00000000000%s","recipientAccountId":"111122223333",%s}' "$@"
}

journal control '"component":"daemon","state":"up","cause":"started","detail":{"hostname":"ecs-1"}'
journal comparison '"trigger":"start-up"'
journal finding '"kind":"added","severity":"high","path":"/usr/bin/x\ny","scope":"container","container_id":"c1","op":"create","event_time":"2026-03-02T09:50:00.250000000Z","actor":{"exe":"/bin/busybox","user":"root"},"container":{"id":"c1","name":"web","task_arn":"'$task'","cluster":"demo","account":"111122223333","region":"eu-west-1"},"access":{"by":"ecs-exec","session_id":"'$session'"}'
journal finding '"kind":"modified","severity":"high","path":"/etc/passwd","scope":"host","event_time":"2026-03-02T09:51:00.000000000Z","actor":{"exe":"/usr/bin/tee","user":"root"},"container":null'
mkdir -p trail/eu-west-1
deleted=$(call 09:55:00 ecs DeleteCluster 3 '"requestParameters":{"cluster":"demo"}')
printf '{"Records":[%s,%s]}' "$deleted" "$(call 09:58:00 cloudtrail DeleteTrail 4 '"requestParameters":{"name":"main"}')" | gzip >trail/eu-west-1/a.json.gz
printf '{"Records":[%s,%s,%s]}' "$deleted" \
	"$(call 09:41:00 signin ConsoleLogin 1 '"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}')" \
	"$(call 09:45:00 ecs ExecuteCommand 2 '"requestParameters":{"cluster":"demo","task":"'$task'","container":"web","interactive":true,"command":"/bin/sh"},"responseElements":{"session":{"sessionId":"'$session'"}}')" >trail/z.json

timeline() { "$fim" timeline --journal journal.ndjson --cloudtrail trail --rules "$top/rules" "$@"; }
story() { jq -r '.events[].record | .rule // .kind' | tr '\n' ','; }
wanted="AWS console login without MFA,Terminal shell in ECS container,added,ECS cluster deleted,CloudTrail trail deleted,"
check "the made-up journal is whole" "$fim" journal verify journal.ndjson
for ask in "" "--task $task" "--task ${task##*/}" "--cluster demo" "--cluster $arn:cluster/demo" "--user mallory" \
	"--user arn:aws:iam::111122223333:user/mallory" "--session $session" "--task $task --user mallory" "--window 10m"; do
	# shellcheck disable=SC2086 # options and values
	timeline --json $ask >told.json
	is "timeline $ask: an incident is status 3" $? 3
	is "timeline $ask: one, in the order of events" "$(wc -l <told.json) $(story <told.json)" "1 $wanted"
done
is "who, without MFA, where" "$(jq -c '[.principals, .tasks, .clusters, .sessions, .hosts, .severity]' told.json)" \
	'[[{"arn":"arn:aws:iam::111122223333:user/mallory","mfa":false}],["0f3c5a1b2d4e4f60a7b8c9d0e1f20314"],["demo"],["'$session'"],["ecs-1"],"critical"]'
is "the session names the person behind a change in the container" \
	"$(jq -r '.events[] | select(.record.kind == "added") | .principal' told.json)" arn:aws:iam::111122223333:user/mallory
is "a shorter window takes it apart" "$(timeline --json --window 200s --user mallory | while read -r line; do story <<<"$line"; echo; done)" \
	"AWS console login without MFA,
Terminal shell in ECS container,added,
ECS cluster deleted,CloudTrail trail deleted,"
is "from and to" "$(timeline --json --from 2026-03-02T09:45:00Z --to 2026-03-02T09:55:00Z | story)" \
	"Terminal shell in ECS container,added,ECS cluster deleted,"
for ask in "--task ffffffffffffffffffffffffffffffff" "--cluster other" "--user alice" "--session x" "--cluster arn:aws:ecs:us-east-1:111122223333:cluster/demo"; do
	# shellcheck disable=SC2086 # option and value
	is "timeline $ask: none" "$(timeline $ask; echo $?)" "no incident
0"
done
timeline --cluster demo >told.txt
check "people read who it was" grep -q 'user/mallory, without MFA' told.txt
check "and what was in which session" grep -q 'added /usr/bin/x.x0ay by /bin/busybox as root in web, in a session of arn:' told.txt
is "a name with a newline makes no line" "$(grep -c '^  2026-' told.txt)" 5
is "no colour in a file" "$(grep -c "$(printf '\033')" told.txt)" 0
is "the journal alone" "$("$fim" timeline --journal journal.ndjson --task $task --json | story)" added,
is "CloudTrail on standard input" "$("$fim" timeline --journal journal.ndjson --rules "$top/rules" --cloudtrail - --user mallory --json <trail/z.json | story)" \
	"AWS console login without MFA,Terminal shell in ECS container,added,ECS cluster deleted,"
sed 's/mallory/alice/' journal.ndjson | sed '3s/busybox/busyb0x/' >bad.ndjson
fails "a journal that was changed is an error" 1 'is not what was written' "$fim" timeline --journal bad.ndjson --cluster demo
fails "no such journal" 1 'nowhere' "$fim" timeline --journal nowhere
fails "no such file of CloudTrail" 1 'nowhere' "$fim" timeline --journal journal.ndjson --rules "$top/rules" --cloudtrail nowhere
fails "a window is a time" 2 'not a time like' "$fim" timeline --window soon
fails "a window is not nothing" 2 'not a time like' "$fim" timeline --window 0
fails "rules go with CloudTrail" 2 'goes with --cloudtrail' "$fim" timeline --rules x
fails "an end before its beginning" 2 'is before' "$fim" timeline --from 2026-03-02 --to 2026-03-01
fails "an empty name" 2 'is empty' "$fim" timeline --user ''
check "help teaches" grep -q 'ecs-fim timeline --cluster demo' <("$fim" timeline --help)
