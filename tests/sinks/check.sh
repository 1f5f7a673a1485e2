#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What leaves the host, in the hands of those who take it: validators, a server that checks
# signatures, rsyslogd, promtool.  Prints TAP; needs no network.
# shellcheck disable=SC2016,SC2317 # what must not expand; functions that a trap calls
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/tests/sinks
tool=$PWD/build/ecs-fim
work=$PWD/build/sinks
status=0

packages='ajv@8.20.0 ajv-formats@3.0.1'
cache=${ECS_FIM_CACHE:-/var/cache/ecs-fim}/npm-sinks-$(echo "$packages" | sha256sum | cut -c 1-12)
if [ ! -e "$cache/done" ]; then
	mkdir -p "$cache"
	# shellcheck disable=SC2086 # a list
	npm install --silent --no-save --no-fund --no-audit --prefix "$cache" $packages >&2 || exit 1
	touch "$cache/done"
fi
make --no-print-directory -j"$(nproc)" all build/sinks-bin/send >&2 || exit 1
rm -rf "$work"
mkdir -p "$work"

ok() { # $1: status of what was tried, $2: what
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		status=1
	fi
}

# The compiled schema of OCSF is not part of this project; where it is, it judges, too.
for dir in ../*/schemas; do
	[ ! -e "$dir/ocsf_file_activity.json" ] || export OCSF_SCHEMAS=${OCSF_SCHEMAS:-$PWD/$dir}
done

# Debian's Python has botocore; another one on the path has it perhaps not.
python=/usr/bin/python3

formats() {
	local sample=tests/data/report/journal.ndjson rare=$work/rare.ndjson
	$python "$here/journal.py" "$rare"
	"$tool" journal verify "$rare" >"$work/verify.log"
	ok $? "the journal of the rare is one"
	for format in ocsf asff; do
		"$tool" journal export --format $format "$sample" >"$work/sample.$format" &&
			"$tool" journal export --format $format "$rare" >"$work/rare.$format"
		ok $? "both journals are exported as $format"
		"$tool" journal export --format $format "$rare" | cmp -s - "$work/rare.$format"
		ok $? "the same journal gives the same $format"
	done
	NODE_MODULES=$cache/ node "$here/ocsf.mjs" "$work"/{sample,rare}.ocsf || status=1
	cat "$work"/{sample,rare}.asff >"$work/all.asff"
	$python "$here/asff.py" "$work/all.asff" 30 || status=1
	head -1 "$rare" >"$work/short.ndjson"
	"$tool" journal export --format ocsf "$work/short.ndjson" | grep -q '"hostname":"ip-10-0-3-17"'
	ok $? "the daemon's record says which host it is"
	sed -n 1p "$rare" | sed 's/"state":"up"/"state":"down"/' >"$work/nowhere.ndjson"
	! "$tool" journal export --format asff "$work/nowhere.ndjson" >/dev/null 2>&1
	ok $? "without account and region there is no finding"
	"$tool" journal export --format asff --account 123456789012 --region cn-north-1 "$work/nowhere.ndjson" |
		grep -q '"ProductArn":"arn:aws-cn:securityhub:cn-north-1:123456789012:product/123456789012/default"'
	ok $? "unless somebody says them"
}

# ------------------------------------------------------------------ Security Hub

server='' syslogd='' journald='' daemons=''
stop_server() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	server=''
}
stop_all() {
	stop_server
	[ -z "$syslogd" ] || kill "$syslogd" 2>/dev/null
	[ -z "$journald" ] || kill "$journald" 2>/dev/null
	# shellcheck disable=SC2086 # a list
	[ -z "$daemons" ] || kill $daemons 2>/dev/null
}
trap stop_all EXIT

words() { echo "$*" >"$work/hub.script"; }
calls() { jq -c "select($1)" "$work/hub.log" | wc -l; }
taken() { jq -r 'select(.status == 200) | .ids[]' "$work/hub.log" | sort | "$@"; }
fresh() { rm -rf "$work/send.state" "$work/hub.log" && touch "$work/hub.log" && words; }

start_server() {
	words
	touch "$work/hub.log"
	PYTHONDONTWRITEBYTECODE=1 $python "$here/hub.py" "$work/hub.port" "$work/hub.log" "$work/hub.script" 2>"$work/hub.err" &
	server=$!
	for _ in $(seq 100); do [ ! -e "$work/hub.port" ] || break; sleep 0.1; done
	url=http://127.0.0.1:$(cat "$work/hub.port")
}

# $1: where credentials are: environment, file, role or none. The rest: arguments.
send() {
	local where=$1 env=(AWS_EC2_METADATA_DISABLED=true HOME="$work/nobody" PATH="$PATH")
	shift
	case $where in
	environment) env+=(AWS_ACCESS_KEY_ID=AKIDENVIRONMENT00001 AWS_SECRET_ACCESS_KEY=secret/of+environment) ;;
	wrong) env+=(AWS_ACCESS_KEY_ID=AKIDENVIRONMENT00001 AWS_SECRET_ACCESS_KEY=secret/of+somebody) ;;
	file) env+=(HOME="$work/home") ;;
	role) env=(HOME="$work/nobody" PATH="$PATH" AWS_EC2_METADATA_SERVICE_ENDPOINT="$url") ;;
	esac
	env -i "${env[@]}" "$tool" send-asff --config "$work/config.yaml" --state "$work/send.state" \
		--endpoint-url "$url" --account 123456789012 --region eu-central-1 "$@" >"$work/send.out" 2>"$work/send.err"
}

hub() {
	local alerts=250 journal=$work/many.ndjson before
	start_server
	printf 'status_socket: %s/nobody/status.sock\n' "$work" >"$work/config.yaml"
	$python "$here/journal.py" "$journal" $alerts
	mkdir -p "$work/home/.aws"
	printf '[other]\naws_access_key_id = X\n[default]\n# ECS Anywhere\naws_access_key_id = AKIDSHAREDFILE000001\naws_secret_access_key = secret/of+file\naws_session_token = token/of+file==\nregion = eu-central-1\n' >"$work/home/.aws/credentials"

	fresh
	send environment "$journal"
	ok $? "everything is sent with credentials of the environment"
	ok "$([ "$(taken wc -l)" -eq $alerts ] && [ "$(taken uniq | wc -l)" -eq $alerts ]; echo $?)" "each of $alerts alerts was taken, once"
	ok "$([ "$(calls '.status == 200')" -eq 3 ] && [ "$(calls '.status != 200')" -eq 0 ]; echo $?)" "in 3 calls, of 100 findings at most, whose signatures botocore accepts"
	send environment "$journal"
	ok "$([ "$(calls true)" -eq 3 ]; echo $?)" "nothing is sent again"
	for where in file role; do
		fresh
		send $where "$journal"
		ok $? "everything is sent with credentials of the $where"
	done
	ok "$(grep -q ASIAINSTANCEROLE0001 "$work/hub.log"; echo $?)" "that of the role came over IMDSv2"
	fresh
	! send none --retry-for 0 "$journal" && grep -q 'no AWS credentials' "$work/send.err"
	ok $? "without credentials it says so"
	! send wrong --retry-for 0 "$journal" && grep -q SignatureDoesNotMatch "$work/send.err" && ! grep -q 'secret/of' "$work"/send.{out,err,state}
	ok $? "a wrong secret is refused, and in no message"
	send environment "$journal"
	ok "$([ "$(taken uniq | wc -l)" -eq $alerts ]; echo $?)" "and nothing is lost of what failed before"

	# $1: words, the rest: what must be true after it.
	for words in "throttle limit error" "expired" "drop" "large" "invalid" "full full full" \
		"short" "none" "page" "cut"; do
		fresh
		# shellcheck disable=SC2086 # several words
		words $words
		send environment --retry-for 30 "$journal"
		ok $? "after $words everything is sent"
		ok "$([ "$(taken uniq | wc -l)" -eq $alerts ]; echo $?)" "after $words each alert was taken, under one Id"
	done
	fresh
	words ok refuse ok
	! send environment --retry-for 5 "$journal" && jq -e '.held | length == 1' "$work/send.state" >/dev/null && grep -q 'refused the finding' "$work/send.err"
	ok $? "a finding that is refused is kept, and said"
	ok "$([ "$(taken uniq | wc -l)" -eq $((alerts - 1)) ]; echo $?)" "the others are taken"
	send environment "$journal"
	ok "$([ "$(taken uniq | wc -l)" -eq $alerts ] && jq -e '.held == []' "$work/send.state" >/dev/null; echo $?)" "and it is sent by the next run"
	fresh
	words denied
	! send environment --retry-for 5 "$journal"
	ok $? "what is denied fails"
	send environment "$journal"
	ok "$([ "$(taken uniq | wc -l)" -eq $alerts ]; echo $?)" "and is sent when it is not any more"

	fresh
	head -100 "$journal" >"$work/part.ndjson"
	send environment "$work/part.ndjson"
	before=$(taken wc -l)
	send environment "$journal"
	ok "$([ "$before" -eq 99 ] && [ "$(taken wc -l)" -eq $alerts ]; echo $?)" "what the journal got meanwhile is sent, and no more"
	! send environment "$work/rare.ndjson" && grep -q 'another journal' "$work/send.err"
	ok $? "another journal is not mistaken for the rest of this one"
	fresh
	send environment "$work/rare.ndjson"
	ok $? "what is rare or hostile is taken as well"
	fresh
	(flock 9; ! send environment "$journal") 9>"$work/send.state.lock"
	ok $? "two cannot send at once"
	stop_server
	! send environment --retry-for 1 "$journal"
	ok $? "nobody answers: that is said"
	rm "$work/hub.port"
	start_server
	send environment "$journal"
	ok "$([ "$(taken uniq | wc -l)" -eq $alerts ]; echo $?)" "and everything is sent when somebody does"
	! send environment --endpoint-url http://example.com "$journal" && grep -q 'https' "$work/send.err"
	ok $? "nothing is sent without TLS to another host"

	cli_and_tampering
	hub_limits
	hub_refuses
	stop_server
}

# 100 findings and 6,000,000 bytes in a call.  Findings of ours are small; what a state
# holds, which is sent first, may be as large as Security Hub takes.
hub_limits() {
	local count
	for count in 99 100 101; do
		fresh
		$python "$here/journal.py" "$work/count.ndjson" $count
		send environment "$work/count.ndjson"
		ok "$([ "$(jq -s -c 'map(.tried)' "$work/hub.log")" = "$([ $count -gt 100 ] && echo "[100,1]" || echo "[$count]")" ]; echo $?)" \
			"$count findings are $(((count + 99) / 100)) calls"
	done
	fresh
	head -2 "$work/count.ndjson" >"$work/two.ndjson"
	send environment "$work/two.ndjson"
	"$tool" journal export --format asff "$work/count.ndjson" | head -95 |
		jq -c --slurpfile state "$work/send.state" -s '$state[0] + {held: (to_entries | map({seq: (.key + 1), alert: false,
			finding: (.value | .ProductFields += ([range(35) | {key: "x/\(.)", value: ("y" * 2048)}] | from_entries))}))}' >"$work/large.state"
	cp "$work/large.state" "$work/send.state"
	: >"$work/hub.log"
	send environment "$work/two.ndjson"
	ok $? "95 findings of 70 kB are sent"
	ok "$(jq -se '(map(.tried) | add == 95) and length == 2 and all(.status == 200 and .bytes <= 6000000) and .[0].bytes > 5900000' "$work/hub.log" >/dev/null; echo $?)" \
		"in two calls of less than 6 MB, the first as full as it can be"
	ok "$(jq -e '.held == []' "$work/send.state" >/dev/null; echo $?)" "and none is kept"
}

# Security Hub refuses everything: 1000 findings are kept, then nothing more is sent, and what
# the journal gives up meanwhile is said to be lost, once.
hub_refuses() {
	local daemon all=1300
	$python "$here/journal.py" "$work/all.ndjson" $all
	rm -f "$work/daemon.sock" "$work/control.sock"
	printf 'status_socket: %s/daemon.sock\n' "$work" >"$work/config.yaml"
	: >"$work/control.log"
	fresh
	words never
	! send environment --retry-for 5 "$work/all.ndjson" && grep -q 'more findings than are kept' "$work/send.err"
	ok $? "more than 1000 refused findings: that is said"
	ok "$(jq -e '(.held | length == 1000) and .seq < 1010' "$work/send.state" >/dev/null; echo $?)" "1000 are kept, and the rest waits in the journal"
	# The journal forgets records 1 to 1149; the sender was done with up to .seq.
	tail -n +1150 "$work/all.ndjson" >"$work/rest.ndjson"
	local done_with lost
	done_with=$(jq .seq "$work/send.state")
	lost=$((1149 - done_with))
	! send environment --retry-for 5 "$work/rest.ndjson" && grep -q "^ecs-fim: $lost records were removed" "$work/send.err"
	ok $? "what the journal gave up is said ($lost records)"
	ok "$(jq -e ".lost == $lost" "$work/send.state" >/dev/null; echo $?)" "without a daemon it waits to be recorded"
	$python "$here/control.py" "$work/control.sock" "$work/control.log" &
	daemon=$!
	daemons="$daemons $daemon"
	for _ in $(seq 100); do [ ! -S "$work/control.sock" ] || break; sleep 0.1; done
	for _ in 1 2; do send environment --retry-for 5 "$work/rest.ndjson"; done
	ok "$([ "$(jq -s 'map(select(.op == "sink").lost // 0) | add' "$work/control.log")" = "$lost" ]; echo $?)" "the daemon is told $lost once, in two runs"
	ok "$(jq -se 'map(select(.op == "sink")) | length == 2 and all(.failing)' "$work/control.log" >/dev/null; echo $?)" "and both times that the sink fails"
	# Half of what is kept is taken, then something else fails: nothing of it is forgotten.
	words ok ok denied
	! send environment --retry-for 5 "$work/rest.ndjson"
	ok "$(jq -e '.held | length == 1000' "$work/send.state" >/dev/null; echo $?)" "a retry that fails half way keeps all"
	words ok
	send environment --retry-for 5 "$work/rest.ndjson"
	ok $? "it is taken when somebody looked after it"
	ok "$([ "$(taken uniq | wc -l)" -eq $((1000 + all + 1 - 1149)) ] && jq -e '.held == [] and .lost == 0' "$work/send.state" >/dev/null; echo $?)" \
		"each kept finding and each of the rest was taken, under one Id"
	ok "$(jq -se 'map(select(.op == "sink"))[-1] | (.failing | not) and (.lost // 0) == 0' "$work/control.log" >/dev/null; echo $?)" "and the daemon knows"
	kill "$daemon"
}

# The same by Amazon's own client; and requests that somebody changed on the way.
cli_and_tampering() {
	fresh
	head -50 "$work/all.asff" | jq -s '{Findings: unique_by(.Id)}' >"$work/cli.json"
	env -i HOME="$work/nobody" PATH="/usr/bin:/bin" AWS_ACCESS_KEY_ID=AKIDENVIRONMENT00001 AWS_SECRET_ACCESS_KEY=secret/of+environment \
		AWS_DEFAULT_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true \
		/usr/bin/aws securityhub batch-import-findings --endpoint-url "$url" --cli-input-json "file://$work/cli.json" >"$work/cli.out" 2>&1
	ok $? "aws securityhub batch-import-findings sends what we exported, and is accepted"
	ok "$(jq -e ".SuccessCount == $(jq '.Findings | length' "$work/cli.json")" "$work/cli.out" >/dev/null; echo $?)" "every finding of it is taken"
	$python "$here/tamper.py" "$url" "$work/cli.json" || status=1
}

# --------------------------------------------------------------- syslog, journald

# $1: name of the case; standard input: the configuration. Sends the alerts of send.c.
send_alerts() {
	mkdir -p "$work/journal-$1"
	{
		echo "sink_audit: false"
		echo "sink_stdout: false"
		cat
	} >"$work/$1.yaml"
	build/sinks-bin/send "$work/$1.yaml" "$work/journal-$1" >"$work/$1.status" 2>"$work/$1.err"
}

# Waits until $2 lines are in file $1.
lines() {
	for _ in $(seq 100); do
		[ "$(grep -c modified "$1" 2>/dev/null)" -ge "$2" ] && return 0
		sleep 0.1
	done
	return 1
}

receive_syslog() {
	local udp=$((20000 + RANDOM % 20000)) tcp
	tcp=$((udp + 1))
	mkdir -p "$work/rsyslog"
	cat >"$work/rsyslog.conf" <<-CONF
		global(workDirectory="$work/rsyslog" parser.escapeControlCharactersOnReceive="on")
		module(load="imuxsock" SysSock.Use="off")
		module(load="imudp")
		module(load="imtcp")
		module(load="mmpstrucdata")
		template(name="json" type="string"
			string="{\\"app\\":\\"%app-name%\\",\\"msgid\\":\\"%msgid%\\",\\"pri\\":\\"%pri%\\",\\"msg\\":\\"%msg:::json%\\",\\"sd\\":%\$!rfc5424-sd%}\\n")
		ruleset(name="unix") { action(type="mmpstrucdata") action(type="omfile" file="$work/unix.json" template="json") }
		ruleset(name="udp") { action(type="mmpstrucdata") action(type="omfile" file="$work/udp.json" template="json") }
		ruleset(name="tcp") { action(type="mmpstrucdata") action(type="omfile" file="$work/tcp.json" template="json") }
		input(type="imuxsock" Socket="$work/rsyslog.sock" UseSpecialParser="off" RateLimit.Interval="0" ruleset="unix")
		input(type="imudp" address="127.0.0.1" port="$udp" ruleset="udp")
		input(type="imtcp" address="127.0.0.1" port="$tcp" ruleset="tcp")
	CONF
	rsyslogd -n -i "$work/rsyslog.pid" -f "$work/rsyslog.conf" >"$work/rsyslog.log" 2>&1 &
	syslogd=$!
	for _ in $(seq 100); do [ ! -S "$work/rsyslog.sock" ] || break; sleep 0.1; done
	sleep 0.5
	for kind in unix:$work/rsyslog.sock udp:udp:127.0.0.1:$udp tcp:tcp:127.0.0.1:$tcp; do
		local name=${kind%%:*} target=${kind#*:}
		printf 'syslog_format: rfc5424\nsyslog_target: "%s"\n' "$target" | send_alerts "$name"
		ok $? "alerts go to rsyslog over $name"
		lines "$work/$name.json" 4 && $python "$here/received.py" rsyslog "$work/$name.json"
		ok $? "rsyslogd parses each member of them, whatever a file is called ($name)"
		"$tool" journal show --type alert "$work/journal-$name" | jq -e 'select(.sink == "syslog") | .alerts | length == 4' >/dev/null
		ok $? "and the journal says that it has them ($name)"
	done
	kill "$syslogd"
	wait "$syslogd" 2>/dev/null
	syslogd=''
	printf 'syslog_format: rfc5424\nsyslog_target: tcp:127.0.0.1:%s\n' "$tcp" | send_alerts nobody
	jq -e '.[] | select(.name == "syslog") | .state == "failing" and .sent == 0 and .failed > 3' "$work/nobody.status" >/dev/null &&
		"$tool" journal show --type control "$work/journal-nobody" | grep -q '"state":"degraded","sink":"syslog","cause":"alerts do not reach syslog'
	ok $? "when rsyslog is gone, that is an outage"
	sed "s#/etc/ecs-fim/syslog-#$work/syslog-#" ami/rsyslog/ecs-fim.conf >"$work/tls.conf"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout "$work/syslog-key.pem" -out "$work/syslog-cert.pem" 2>/dev/null
	cp "$work/syslog-cert.pem" "$work/syslog-ca.pem"
	rsyslogd -N1 -f "$work/tls.conf" >"$work/tls.log" 2>&1
	ok $? "rsyslogd -N1 accepts the sample that forwards over TLS"
	sed -i 's/queue.maxDiskSpace/queue.maxDiscSpace/' "$work/tls.conf"
	! rsyslogd -N1 -f "$work/tls.conf" >/dev/null 2>&1
	ok $? "and refuses a misspelled one"
}

# A certificate for name $1, signed by authority $2.
certificate() {
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$work/$1-key.pem" -out "$work/$1.csr" 2>/dev/null &&
		openssl x509 -req -days 2 -in "$work/$1.csr" -CA "$work/$2-ca.pem" -CAkey "$work/$2-ca-key.pem" -CAcreateserial \
			-extfile <(echo "subjectAltName=DNS:$1") -out "$work/$1-cert.pem" 2>/dev/null
}

# rsyslogd with configuration $work/$1.conf. It makes parameters for TLS before it listens.
rsyslog_start() {
	mkdir -p "$work/$1.d"
	rsyslogd -n -i "$work/$1.pid" -f "$work/$1.conf" >"$work/$1.log" 2>&1 &
	daemons="$daemons $!"
}
rsyslog_stop() {
	# shellcheck disable=SC2086 # a list
	kill $daemons
	# shellcheck disable=SC2086 # a list
	wait $daemons 2>/dev/null
	daemons=''
}
forward_alerts() { # $1: case, $2: the authority that it trusts
	sed -e "s#/etc/ecs-fim/syslog-ca#$work/$2-ca#;s#/etc/ecs-fim/syslog-cert#$work/host.example.com-cert#" \
		-e "s#/etc/ecs-fim/syslog-key#$work/host.example.com-key#;s#/run/rsyslog-ecs-fim.sock#$work/$1.sock#" \
		-e "s#target=\"logs.example.com\" port=\"6514\"#target=\"127.0.0.1\" port=\"$port\"#" \
		-e "s#^global(#&workDirectory=\"$work/$1.d\"#;s#module(load=\"imuxsock\")#module(load=\"imuxsock\" SysSock.Use=\"off\")#" \
		ami/rsyslog/ecs-fim.conf >"$work/$1.conf"
	rsyslog_start "$1"
	for _ in $(seq 300); do [ ! -S "$work/$1.sock" ] || break; sleep 0.1; done
	printf 'syslog_format: rfc5424\nsyslog_target: %s/%s.sock\n' "$work" "$1" | send_alerts "$1"
}

# The sample that forwards over TLS, and a receiver that wants a certificate as well.
receive_tls() {
	local port=$((20000 + RANDOM % 20000)) name
	for name in ours theirs; do
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" -keyout "$work/$name-ca-key.pem" -out "$work/$name-ca.pem" 2>/dev/null
	done
	certificate host.example.com ours && certificate logs.example.com ours
	ok $? "an authority, and certificates for a host and a receiver"
	cat >"$work/receiver.conf" <<-CONF
		global(workDirectory="$work/receiver.d" parser.escapeControlCharactersOnReceive="on"
			defaultNetstreamDriverCAFile="$work/ours-ca.pem"
			defaultNetstreamDriverCertFile="$work/logs.example.com-cert.pem"
			defaultNetstreamDriverKeyFile="$work/logs.example.com-key.pem")
		module(load="mmpstrucdata")
		module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1"
			StreamDriver.AuthMode="x509/name" PermittedPeer=["host.example.com"])
		template(name="json" type="string"
			string="{\\"app\\":\\"%app-name%\\",\\"msgid\\":\\"%msgid%\\",\\"pri\\":\\"%pri%\\",\\"msg\\":\\"%msg:::json%\\",\\"sd\\":%\$!rfc5424-sd%}\\n")
		ruleset(name="tls") { action(type="mmpstrucdata") action(type="omfile" file="$work/tls.json" template="json") }
		input(type="imtcp" address="127.0.0.1" port="$port" ruleset="tls")
	CONF
	rsyslog_start receiver
	# Forwarding over it makes them wait for each other long enough.
	for _ in $(seq 600); do
		! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
		sleep 0.1
	done
	forward_alerts forward ours
	ok $? "alerts go to rsyslog, which forwards them over TLS"
	touch "$work/tls.json"
	for _ in $(seq 10); do lines "$work/tls.json" 4 && break; done
	$python "$here/received.py" rsyslog "$work/tls.json"
	ok $? "the receiver has each member of them"
	! (echo '<86>1 - h ecs-fimd - finding - modified in the clear' >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || sleep 1
	! grep -q 'in the clear' "$work/tls.json"
	ok $? "what comes without TLS is not taken"
	cp "$work/tls.json" "$work/tls.before"
	forward_alerts stranger theirs
	for _ in $(seq 100); do grep -q 'not.*valid\|not permitted\|certificate' "$work/stranger.log" && break; sleep 0.2; done
	grep -q 'certificate' "$work/stranger.log" && cmp -s "$work/tls.json" "$work/tls.before"
	ok $? "a receiver whose certificate another authority signed gets nothing"
	rsyslog_stop
}

# In a mount namespace: its socket has a fixed name.
receive_journald() {
	echo "sink_syslog: false
sink_journald: true" >"$work/journald.part"
	unshare -m sh -s "$work" "$PWD" <<-'INSIDE' >"$work/journald.log" 2>&1
		set -e
		work=$1
		mount -t tmpfs tmpfs /run
		mkdir -p /run/log/journal /run/systemd/journal
		/lib/systemd/systemd-journald >/dev/null 2>&1 &
		daemon=$!
		for i in $(seq 100); do [ ! -S /run/systemd/journal/socket ] || break; sleep 0.1; done
		mkdir -p "$work/journal-journald"
		{ echo "sink_audit: false"; echo "sink_stdout: false"; cat "$work/journald.part"; } >"$work/journald.yaml"
		build/sinks-bin/send "$work/journald.yaml" "$work/journal-journald" >"$work/journald.status"
		sleep 1
		journalctl --sync >/dev/null 2>&1 || :
		journalctl --directory=/run/log/journal -o json --all ECS_FIM_TYPE=finding >"$work/journald.json"
		kill $daemon
		wait $daemon || :
	INSIDE
	lines "$work/journald.json" 4 && $python "$here/received.py" journald "$work/journald.json"
	ok $? "systemd-journald has every member of the alerts, byte for byte"
	jq -e '.[] | select(.name == "journald") | .state == "up"' "$work/journald.status" >/dev/null
	ok $? "and the sink is up"
}

receive_ocsf() {
	printf 'sink_syslog: false\nsink_ocsf: %s/live.ocsf\n' "$work" | send_alerts ocsf
	ok $? "alerts go to a file as OCSF"
	NODE_MODULES=$cache/ node "$here/ocsf.mjs" --few "$work/live.ocsf" || status=1
	"$tool" journal export --format ocsf "$work/journal-ocsf" | jq -r .metadata.uid | sort >"$work/uids"
	jq -r .metadata.uid "$work/live.ocsf" | sort | cmp -s - "$work/uids"
	ok $? "they are those that an export of the journal has"
}

# ---------------------------------------------------------------------- metrics

# Prometheus' own checker. The package would start a server: it is unpacked, not installed.
promtool_path() {
	local found=${ECS_FIM_CACHE:-/var/cache/ecs-fim}/promtool
	command -v promtool && return
	if [ ! -x "$found/usr/bin/promtool" ]; then
		mkdir -p "$found" && (cd "$found" && apt-get -qq download prometheus >&2 && dpkg -x prometheus_*.deb . && rm -f prometheus_*.deb)
	fi
	echo "$found/usr/bin/promtool"
}

metrics() {
	local promtool port=$((20000 + RANDOM % 20000)) pid
	promtool=$(promtool_path)
	$python "$here/status.py" "$work/status.sock" &
	server=$!
	for _ in $(seq 100); do [ ! -S "$work/status.sock" ] || break; sleep 0.1; done
	"$tool" metrics --socket "$work/status.sock" --textfile "$work/ecs-fim.prom"
	ok $? "metrics are written to a file"
	"$promtool" check metrics <"$work/ecs-fim.prom" >"$work/promtool.log" 2>&1 && [ ! -s "$work/promtool.log" ]
	ok $? "promtool finds no fault in them"
	! sed '0,/^# TYPE/s/^# TYPE.*/# TYPE ecs_fim_up gouge/' "$work/ecs-fim.prom" | "$promtool" check metrics >/dev/null 2>&1
	ok $? "and one in changed ones"
	grep -qx 'ecs_fim_up 1' "$work/ecs-fim.prom" && grep -qx 'ecs_fim_control_up{component="ring"} 0' "$work/ecs-fim.prom" &&
		grep -qx 'ecs_fim_sink_up{sink="securityhub"} 0' "$work/ecs-fim.prom" && grep -qx 'ecs_fim_findings_total 7' "$work/ecs-fim.prom" &&
		grep -qx 'ecs_fim_comparison_time_seconds 1795845600' "$work/ecs-fim.prom"
	ok $? "they say what the daemon said"
	! "$tool" metrics --socket "$work/status.sock" --listen 0.0.0.0:1 2>/dev/null
	ok $? "nobody listens for other hosts"
	for address in "127.0.0.1:$port" "$work/metrics.sock"; do
		"$tool" metrics --socket "$work/status.sock" --listen "$address" 2>"$work/listen.err" &
		pid=$!
		sleep 0.7
		case $address in
		/*) set -- --unix-socket "$address" http://localhost/metrics ;;
		*) set -- "http://$address/metrics" ;;
		esac
		curl -sS --noproxy '*' -o "$work/http.prom" "$@" && cmp -s "$work/http.prom" "$work/ecs-fim.prom"
		ok $? "the same over HTTP (${address##*/})"
		[ "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "${@/%metrics/etc}")" = 404 ] &&
			[ "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' -X POST "$@")" = 405 ]
		ok $? "other paths and methods are refused (${address##*/})"
		if [ "${address#/}" = "$address" ]; then
			exec 8<>"/dev/tcp/127.0.0.1/$port"
			timeout 10 curl -s --noproxy '*' -o /dev/null "$@"
			ok $? "who says nothing keeps others waiting for two seconds only"
			exec 8>&-
		fi
		kill $pid
		wait $pid 2>/dev/null
	done
	stop_server
	"$tool" metrics --socket "$work/nobody.sock" 2>/dev/null | tee "$work/down.prom" | "$promtool" check metrics >/dev/null 2>&1 && grep -qx 'ecs_fim_up 0' "$work/down.prom"
	ok $? "a daemon that does not answer is a value, too"
}

# ------------------------------------------------------------- a program per alert

on_alert() {
	local journal=$work/many.ndjson program=$work/program out=$work/on
	printf 'status_socket: %s/nobody/status.sock\n' "$work" >"$work/config.yaml"
	$python "$here/journal.py" "$journal" 100
	$python "$here/journal.py" "$work/rare.ndjson"
	cat >"$program" <<-'PROGRAM'
		#!/bin/sh
		dir=$1
		n=$(ls "$dir"/running 2>/dev/null | wc -l)
		mkdir -p "$dir/running" && : >"$dir/running/$$"
		[ "$n" -le "$(cat "$dir/most" 2>/dev/null || echo 0)" ] || echo "$n" >"$dir/most"
		cat >"$dir/$ECS_FIM_SEQ.json"
		env >"$dir/env"
		printf '%s\n' "$@" >"$dir/args"
		rm "$dir/running/$$"
		if [ -e "$dir/fail" ]; then exit 7; fi
		if [ -e "$dir/hang" ]; then sleep 60 & sleep 60; fi
	PROGRAM
	chmod +x "$program"
	run_on() { # $1: journal; the rest: options
		local from=$1
		shift
		SECRET=1 "$tool" on-alert --config "$work/config.yaml" --state "$work/on.state" --journal "$from" "$@" \
			-- "$program" "$out" '$(id)' '; rm -rf /tmp/x' "a b" >"$work/on.out" 2>"$work/on.err"
	}
	rm -rf "$out" "$work/on.state" && mkdir "$out"
	run_on "$journal" --jobs 3
	ok $? "a program runs for each alert"
	ok "$([ "$(find "$out" -name '*.json' | wc -l)" -eq 100 ]; echo $?)" "each of 100 alerts came on its standard input"
	"$tool" journal show "$journal" | sed -n 57p | cmp -s - "$out/57.json"
	ok $? "as the journal has it"
	ok "$([ "$(sed -n 2,4p "$out/args" | tr '\n' '|')" = '$(id)|; rm -rf /tmp/x|a b|' ]; echo $?)" "arguments are arguments: there is no shell"
	ok "$([ "$(grep -cvE '^(PATH|LANG|ECS_FIM_(SEQ|TYPE|SEVERITY)|PWD|SHLVL|_|OLDPWD)=' "$out/env")" -eq 0 ]; echo $?)" "and nothing of our environment"
	ok "$([ "$(cat "$out/most")" -le 2 ]; echo $?)" "never more at once than was said"
	ok "$(jq -e '.seq == 101 and (.unrecorded | length == 100)' "$work/on.state" >/dev/null; echo $?)" "deliveries wait for a daemon to record them"
	rm -f "$out"/*.json
	run_on "$journal"
	ok "$([ "$(find "$out" -name '*.json' | wc -l)" -eq 0 ]; echo $?)" "nothing runs twice"
	rm -f "$work/on.state"
	run_on "$work/rare.ndjson"
	ok $? "hostile names are no more than bytes on standard input"
	rm -f "$work/on.state" "$out"/*.json
	: >"$out/fail"
	head -3 "$journal" >"$work/three.ndjson"
	! run_on "$work/three.ndjson" && grep -q 'exit status 7' "$work/on.err"
	ok $? "a program that fails is tried again, and said"
	ok "$(jq -e '.unrecorded == []' "$work/on.state" >/dev/null; echo $?)" "and is no delivery"
	rm -f "$work/on.state" "$out/fail"
	: >"$out/hang"
	! timeout 30 "$tool" on-alert --timeout 1 --config "$work/config.yaml" --state "$work/on.state" --journal "$work/three.ndjson" -- "$program" "$out" 2>"$work/on.err" &&
		grep -q 'ended by signal 9' "$work/on.err"
	ok $? "one that hangs is killed"
	rm -f "$out/hang"
	! "$tool" on-alert -- program 2>/dev/null
	ok $? "a program without a path is none"
	rm -f "$work/on.state"
	! "$tool" on-alert --config "$work/config.yaml" --state "$work/on.state" --journal "$work/three.ndjson" -- /nonexistent 2>"$work/on.err" && grep -q nonexistent "$work/on.err"
	ok $? "one that is not there is said"
}

# One part: ONLY=receive_syslog.
if [ -n "${ONLY:-}" ]; then
	$ONLY
	exit $status
fi
formats
hub
receive_syslog
receive_tls
receive_journald
receive_ocsf
metrics
on_alert
exit $status
