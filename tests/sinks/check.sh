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

formats
exit $status
