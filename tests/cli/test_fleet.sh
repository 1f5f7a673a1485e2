# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Do the bundles of a host make one journal? What does not is insufficient evidence, by name.
make_ec_key fleet
make_ec_key other

# A journal of ten hours; $1: its comparisons' scope.
hours() {
	local prev line i
	prev=$(printf '0%.0s' {1..64})
	for i in {1..10}; do
		line=$(printf '{"seq":%d,"time":"2026-11-02T%02d:00:00Z","boot_id":"b","type":"comparison","prev":"%s","scope":[%s],"end":"2026-11-02T%02d:00:00Z"}' \
			"$i" $((i - 1)) "$prev" "$1" $((i - 1)))
		echo "$line"
		prev=$(echo "$line" | sha256sum | cut -c1-64)
	done
}
hours '' >one.ndjson
hours 1 >two.ndjson
echo "journal_dir: $PWD" >config.yaml
echo '{"account":"1","cluster":"c","host":"h"}' >expected
bundle() { # name, from, to, journal, key
	"$fim" bundle --config config.yaml -o "s/$1" --sign "${5:-fleet}.pem" --account 1 --cluster c --host h \
		--from "2026-11-02T$2:00:00Z" --to "2026-11-02T$3:00:00Z" "${4:-one}.ndjson" >/dev/null
}
# What became of each bundle, of the host, how many comparisons count, what is shown, and whether
# weekly comparisons are met.
verdict() {
	"$fim" fleet verify --key fleet.pub --json s | jq -r .status | tr '\n' ' '
	"$fim" fleet report --quiet --key fleet.pub --expected expected -o report.json s
	jq -r '[.coverage.items[0].state, .totals.comparisons, (.rejected.items | length), .statements[1].status] | join(" ")' report.json
	rm -rf s
}
mkdir s; bundle 1 00 05; bundle 2 05 10
is "bundles that continue each other are accepted" "$(verdict)" "accepted accepted reporting 10 0 met"
mkdir s; bundle 1 00 07; bundle 2 04 10
is "so are those that overlap; a record counts once" "$(verdict)" "accepted accepted reporting 10 0 met"
mkdir s; bundle 1 00 10; cp -r s/1 s/2
is "and one that came twice" "$(verdict)" "accepted accepted reporting 10 0 met"
mkdir s; bundle 1 00 04; bundle 2 06 10
is "one before which records are missing is incomplete, and counts" "$(verdict)" \
	"accepted incomplete incomplete 8 1 insufficient evidence"
is "by name" "$(jq -r '.rejected.items[0] | .host + " " + .directory + ": " + .reason' report.json)" \
	"h s/2: records 5 to 6, before it, are in no bundle"
mkdir s; bundle 2 00 04; bundle 1 06 10
is "whichever comes first" "$(verdict)" "incomplete accepted incomplete 8 1 insufficient evidence"
mkdir s; bundle 1 00 05; bundle 2 00 05 two
is "two that claim the same day are both rejected" "$(verdict)" "rejected rejected rejected 0 2 insufficient evidence"
is "by name" "$(jq -r '[.rejected.items[] | .directory + ": " + .reason] | unique | join("; ")' report.json)" \
	"s/1: another bundle of this host has another record 1; s/2: another bundle of this host has another record 1"
mkdir s; bundle 1 00 05; bundle 2 05 10 two
is "so are two of which one does not continue the other's chain" "$(verdict)" \
	"rejected rejected rejected 0 2 insufficient evidence"
mkdir s; bundle 1 00 05; bundle 2 00 05 two; bundle 3 05 10
is "and a third, since nobody knows which of them is right" "$(verdict)" \
	"rejected rejected rejected rejected 0 3 insufficient evidence"
mkdir s; bundle 1 00 05; bundle 2 05 10 one other
is "one that an unknown key signed is rejected" "$(verdict)" "accepted rejected rejected 5 1 insufficient evidence"
is "by name" "$(jq -r '.rejected.items[0].reason' report.json)" "manifest.json was not signed by a trusted key"
mkdir s; bundle 1 00 10
echo '{"account":"1","cluster":"c","host":"absent"}' >>expected
is "a host that was expected and sent nothing is missing" "$(verdict)" "accepted missing 10 0 insufficient evidence"
is "by name" "$(jq -r '.coverage.items[] | select(.state == "missing").host' report.json)" absent
mkdir s; bundle 1 00 04; bundle 2 06 10
fails "verify says it, too" 3 's/2: incomplete: records 5 to 6' "$fim" fleet verify --key fleet.pub s
"$fim" fleet report --quiet --key fleet.pub -o report.json s
is "and the report's status" $? 3
