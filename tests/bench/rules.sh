#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What rules cost, one JSON line per metric. What needs Falco's own rules and events is
# left out unless FALCO_DATA names a directory that has them.
set -euo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${FALCO_DATA:-}" ]; then
	for dir in ../*/falco; do
		[ ! -e "$dir/rules/falco_rules.yaml" ] || FALCO_DATA=$dir
	done
fi
make --no-print-directory O="$O" "$O/bench/rules" >&2
"$O/bench/rules" "${FALCO_DATA:-}" rules "$work"
