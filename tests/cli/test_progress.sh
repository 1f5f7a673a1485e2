# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # fim is set by check.sh
# How far a run has come, and how its digests are made.

make_signed
for i in $(seq 500); do head -c 4096 /dev/urandom >"root/usr/bin/$i"; done
take
"$fim" baseline sign --key key.pem base.ndjson >/dev/null
verify() { "$fim" verify --root root --baseline base.ndjson --key key.pub "$@"; }

verify --quiet --progress --rate 1 2>lines
check "a run tells files, bytes, rate and time left" jq -es '
	length > 2 and all(.[]; .type == "progress" and .total > 500 and .files <= .total and .rate >= 0) and
	(.[-1].bytes > .[0].bytes) and (.[-1].left_ms < .[0].left_ms)' lines
is "the first line says how many objects, whose signature and how digests are made" \
	"$(verify | head -1 | grep -cE '^[0-9]+ objects, signed by key [0-9a-f]{12}; sha256 by (AVX-512|OpenSSL)')" 1
is "at a rate it is OpenSSL" "$(verify --json --rate 1000 | jq -r '.sha256_by | .[0:7]')" OpenSSL
verify --json | jq -r .sha256_by >way
check "where there is AVX-512 it is used" sh -c \
	'grep -q "avx512bw" /proc/cpuinfo && grep -q ^AVX-512 way || { ! grep -q avx512bw /proc/cpuinfo && grep -q ^OpenSSL way; }'
"$fim" baseline create --quiet --rate 1000 --root root --policy policy.yaml -o slow.ndjson
is "both ways take the same baseline" "$(tail -n +2 slow.ndjson | head -n -1 | sha256sum)" \
	"$(tail -n +2 base.ndjson | head -n -1 | sha256sum)"
