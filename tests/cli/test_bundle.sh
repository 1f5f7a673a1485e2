# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A host's evidence as files; without a daemon.
make_ec_key bundle
cp "$top/tests/data/report/journal.ndjson" .
echo "journal_dir: $PWD" >config.yaml
bundle() { "$fim" bundle --config config.yaml "$@"; }

check "a bundle is written" bundle -o all --sign bundle.pem journal.ndjson
manifest=all/manifest.json
check "openssl accepts its manifest" \
	openssl dgst -sha256 -verify bundle.pub -signature "${manifest%.json}.sig" "$manifest"
check "sha256sum accepts its files" sh -c "cd all && jq -r '.files[] | .sha256 + \"  \" + .path' ../$manifest | sha256sum -c --quiet"
jq -r '.files[].path' "$manifest" | (cd all && xargs cat) >joined.ndjson
check "together they are the journal's bytes" cmp joined.ndjson journal.ndjson
is "counted" "$(jq -r '[.records, .journal.first_seq, .complete] | join(" ")' "$manifest")" "$(wc -l <journal.ndjson) 1 true"
is "head is the last line's digest" "$(jq -r .journal.head "$manifest")" "$(tail -n 1 journal.ndjson | sha256sum | cut -d' ' -f1)"
is "a file holds one day" \
	"$(jq -r '.files[].path' "$manifest" | while read -r f; do jq -r '.time[:10]' "all/$f" | sort -u; done | sort | uniq -d)" ""
is "and says which" "$(jq -r '.files[0].path' "$manifest" | cut -d/ -f2)" "dt=$(head -n 1 journal.ndjson | jq -r '.time[:10]')"

from=$(sed -n 20p journal.ndjson | jq -r '.time[:10]')
bundle -o part --from "$from" --host '../../x y' journal.ndjson >/dev/null
manifest=part/manifest.json
check "without a key one is made and forgotten" \
	openssl dgst -sha256 -verify "${manifest%.json}.pem" -signature "${manifest%.json}.sig" "$manifest"
is "no private key is left" "$(grep -rl PRIVATE part)" ""
is "prev is the digest of the line before" "$(jq -r .journal.prev "$manifest")" \
	"$(sed -n "$(($(jq .journal.first_seq "$manifest") - 1))p" journal.ndjson | sha256sum | cut -d' ' -f1)"
is "a host's name does not leave the directory" "$(find part -name 'host=*' -printf '%f\n' | sort -u)" "host=%2E.%2F..%2Fx%20y"
sed '20s/"type"/"typo"/' journal.ndjson >broken.ndjson
fails "of a broken journal there is none" 3 'record 20 is bad' bundle -o broken broken.ndjson
fails "nothing of it is written" 2 'No such file' ls broken
fails "nor of a period without records" 1 'no record of this period' bundle -o none --from 2099-01-01 journal.ndjson
fails "it needs a place" 2 '-o DIR' bundle journal.ndjson
fails "a directory holds one bundle" 1 'a directory of its own' bundle -o all journal.ndjson
check "the fleet's verifier takes it" "$fim" fleet verify --key bundle.pub all
