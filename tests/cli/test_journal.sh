# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # fixture.sh sets them
# The journal and its alerts, without a daemon.
mkdir journal
cp "$top/tests/data/report/journal.ndjson" journal/
cat >config.yaml <<-CONFIG
	journal_dir: $PWD/journal
	status_socket: $PWD/run/status.sock
	journal_protect: false
CONFIG
journal() { "$fim" journal "$@"; }
alerts() { "$fim" alerts --config config.yaml "$@"; }
ack() { "$fim" ack --config config.yaml "$@"; }

records=$(wc -l <journal/journal.ndjson)
head=$(tail -n 1 journal/journal.ndjson | sha256sum | cut -d' ' -f1)
is "a good journal is counted, its head is the last line's digest" \
	"$(journal verify --json journal | jq -r '[.good, .records, .head] | join(" ")')" "true $records $head"
journal show --type finding journal | jq -r .type | sort -u >types
is "show prints one type" "$(cat types)" finding
journal export --from 2020-01-01 -o all.ndjson journal >/dev/null
check "an export is the journal's bytes" cmp all.ndjson journal/journal.ndjson
is "for its owner only" "$(stat -c %a all.ndjson)" 600
time=$(sed -n 10p journal/journal.ndjson | jq -r .time)
journal export --from "$time" -o tail.ndjson journal >/dev/null
check "an export of a period is a piece of the chain" "$fim" journal verify tail.ndjson
is "from the moment that was said" "$(head -n 1 tail.ndjson | jq .seq)" 10
sed '20s/"type"/"typo"/' all.ndjson >edited.ndjson
fails "the first bad record is named" 3 'broken: record 20' "$fim" journal verify edited.ndjson
sed 15d all.ndjson >deleted.ndjson
fails "also when one was removed" 3 'broken: record 15' "$fim" journal verify deleted.ndjson
fails "a period that is none" 2 'not a time' "$fim" journal show --from yesterday journal
fails "a key that is none" 1 'no verification key' "$fim" journal verify --key ECSFIM1-AAAA journal

fails "there are unacknowledged alerts" 3 'not acknowledged' alerts
id=$(alerts --json | jq -r 'select(.state == "open") | .id' | head -n 1)
open=$(alerts --json | jq -r 'select(.state == "open") | .id' | wc -l)
check "one is acknowledged" ack "$id" --by s.ito --reason 'a test' --ticket OPS-1
is "which is a record, with what the kernel knows" \
	"$(tail -n 1 journal/journal.ndjson | jq -c '[.type, .action, .by, .reason, .ticket, .alerts, .who.uid]')" \
	"[\"alert\",\"acknowledged\",\"s.ito\",\"a test\",\"OPS-1\",[$id],$(id -u)]"
is "it is not open any more" "$(alerts --json | jq -r "select(.id == $id) | .state")" acknowledged
check "it is closed" "$fim" close "$id" --by s.ito --reason "done" --config config.yaml
is "and not listed any more" "$(alerts --json | jq -r "select(.id == $id) | .state")" ""
is "unless one asks" "$(alerts --all --json | jq -r "select(.id == $id) | .state")" closed
check "a range of them" ack 1-1000000 --by s.ito --reason 'all of them'
is "each once" "$(tail -n 1 journal/journal.ndjson | jq '.alerts | length')" $((open - 1))
check "now all are acknowledged" alerts
fails "what is no alert cannot be acknowledged" 1 'no such alert' ack 1 --by x --reason y
fails "nor without a reason" 2 '--by and --reason' ack "$id" --by x
fails "nor without a number" 2 'numbers of alerts, or --all' ack --by x --reason y
fails "nor by nobody" 2 '--by and --reason' ack --all --by '' --reason y
cp journal/journal.ndjson before
check "nothing is recorded twice" ack "$id" --by x --reason y
check "or at all" cmp before journal/journal.ndjson
check "a name cannot forge a record" "$fim" close --all --by $'x\n{"seq":1}' --reason y --config config.yaml
check "the journal is still good" "$fim" journal verify journal

printf 'journal_dir: %s/new-journal\njournal_protect: false\nstatus_socket: %s/nobody.sock\n' "$PWD" "$PWD" >new.yaml
is "a journal that is not there yet is made and sealed, without a complaint" \
	"$(journal seal --config new.yaml 2>&1 | cut -d- -f1)" ECSFIM1
fails "a key that cannot be shown is lost, and it is said" 1 'cannot show the key' \
	sh -c "'$fim' journal seal --config config.yaml >/dev/full"
key=$(journal seal --config config.yaml)
is "and the next one says why there is another" \
	"$(journal show journal | jq -r 'select(.action == "sealed") | .why // "first"' | tail -n 1)" \
	"nobody is known to have seen the key before"
is "the key is shown" "${key%%-*}" ECSFIM1
fails "once" 1 'sealed already' "$fim" journal seal --config config.yaml
check "it is nowhere on the host" sh -c "! grep -rqF '$key' journal"
"$fim" close 1-100000 --by s.ito --reason sealed --config config.yaml >/dev/null
is "seals are checked" "$(journal verify --key "$key" --json journal | jq .sealed)" 1
echo "$key" >key.txt
check "with the key in a file" "$fim" journal verify --key key.txt journal
sed -i '$d' journal/journal.ndjson
fails "a record that was cut off is missed" 3 'broken' "$fim" journal verify --key key.txt journal
