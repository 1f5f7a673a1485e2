# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the daily timer runs: a comparison for the record; here without a daemon.
mkdir -p host keys
echo one >host/one
cat >policy.yaml <<-POLICY
	name: record
	version: "1"
	roots: [$PWD/host]
	rules:
	  - {path: $PWD/host, class: strict}
POLICY
cat >config.yaml <<-CONFIG
	baseline: $PWD/base.ndjson
	trusted_keys: [$PWD/keys]
	journal_dir: $PWD/journal
	status_socket: $PWD/run/status.sock
	journal_protect: false
CONFIG
make_ec_key key
cp key.pub keys/key.pem
take / base.ndjson
"$fim" baseline sign --key key.pem base.ndjson >/dev/null
record() { "$fim" verify --record --config config.yaml "$@"; }
last() { tail -n 1 journal/journal.ndjson; }

fails "a comparison is recorded, and that there is no daemon is said" 0 \
	'the daemon does not run: the comparison was recorded' record
is "it is a scheduled one, of this scope" "$(last | jq -c '[.type, .trigger, .scope, .changed]')" \
	"[\"comparison\",\"scheduled\",[\"$PWD/host\"],0]"
is "with what the kernel knows" "$(last | jq .who.uid)" "$(id -u)"
is "and how the clock is" "$(last | jq '.clock.state | IN("synchronised", "not synchronised")')" true
is "which the report says" "$("$fim" report --journal journal --format json 2>/dev/null | jq .clock.state)" \
	"$(last | jq .clock.state)"
clean=$(last | jq -r .result_digest)
echo two >host/one
echo three >host/two
fails "what differs is status 3" 3 'differences' record
is "and counted" "$(last | jq -c '[.added, .changed]')" '[1,1]'
is "its digest is of what was found" "$(last | jq -r ".result_digest != \"$clean\"")" true
report=$("$fim" report --journal journal --format json 2>/dev/null | jq -c '[.comparisons.items[].trigger]')
is "the report's ledger has both" "$report" '["scheduled","scheduled"]'
fails "only of this host" 2 'not with --root' record --root host
fails "and of all of it" 2 'not with --root' record --incremental
mv journal journal.away
echo >journal
fails "what cannot be recorded is an error" 1 'the comparison is not in the journal' record
rm journal
mv journal.away journal
check "the journal is good" "$fim" journal verify journal
