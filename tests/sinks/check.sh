#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What leaves the host, in the hands of those who take it: validators, a server that checks
# signatures, rsyslogd, promtool.  Prints TAP; needs no network.
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
make --no-print-directory -j"$(nproc)" all >&2 || exit 1
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

server=
stop_server() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	server=
}
trap stop_server EXIT

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
	for words in "throttle limit error" "expired" "drop" "large" "invalid" "full full full"; do
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
	stop_server
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

formats
hub
exit $status
