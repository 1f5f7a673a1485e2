# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# An assessor's jq: each number of the report, out of the exported journal and nothing else.
journal_file=$top/tests/data/report/journal.ndjson
"$fim" report --journal "$journal_file" -o report.json
"$fim" journal export -o records.ndjson "$journal_file" >/dev/null

# $1: what; $2: where the report has it; $3: the same of all records
number_is() {
	is "jq counts the report's $1" "$(jq -c "$2" report.json)" "$(jq -sc "$3" records.ndjson)"
}
changes='[.[] | select(.type == "finding" and .kind != "rule")]'
number_is records '[.journal.records, .period.records]' '[length, length]'
number_is "journal's ends" '[.journal.first_seq, .journal.last_seq]' '[.[0].seq, .[-1].seq]'
number_is boots .journal.boots '[.[].boot_id] | unique | length'
number_is changes .summary.changes "$changes | length"
number_is kinds '.summary.changes_by_kind | with_entries(select(.value > 0)) | to_entries | sort' \
	"$changes | group_by(.kind) | map({key: .[0].kind, value: length}) | sort"
number_is severities '.summary.changes_by_severity | with_entries(select(.value > 0)) | to_entries | sort' \
	"$changes | group_by(.severity) | map({key: .[0].severity, value: length}) | sort"
number_is scopes '.summary.changes_by_scope' \
	"$changes | {host: map(select(.scope != \"container\")) | length, container: map(select(.scope == \"container\")) | length}"
number_is "announced changes" .changes.authorized \
	"($changes | map(select(.change)) | length) + ([.[] | select(.type == \"change\" and .action == \"ended\") | .authorized // [] | length] | add // 0)"
number_is comparisons .summary.comparisons 'map(select(.type == "comparison")) | length'
number_is "lost events" .summary.lost_events 'map(select(.state == "loss") | .lost) | add'
number_is losses .losses.count 'map(select(.type == "control" and .state == "loss")) | length'
number_is containers .summary.containers '[.[] | select(.type == "container").container.id] | unique | length'
number_is "containers with power" .containers.effectively_privileged \
	'[.[] | select(.type == "container").container] | group_by(.id) | map(.[-1] | select(.privileged or .effectively_privileged)) | length'
number_is accesses .accesses.count 'map(select(.type == "access")) | length'
number_is baselines '[.baselines.items[].digest]' '[.[] | select(.type == "baseline").digest]'
number_is rules '.scope | (.rules + .exclusions) | length' \
	'[.[] | select(.type == "baseline")][-1].policy.rules | length'
is "and the head is what sha256sum says of the last line" "$(jq -r .journal.head report.json)" \
	"$(tail -n 1 records.ndjson | sha256sum | cut -d' ' -f1)"
