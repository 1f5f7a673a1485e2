#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What reports look like to those who get them: validators, a browser, PDF tools, openssl,
# another SQL engine.  Prints TAP; screenshots are left in build/report/.
set -euo pipefail
cd "$(dirname "$0")/../.."

packages='playwright-core@1.65.1 axe-core@4.14.1 ajv@8.20.0 ajv-formats@3.0.1 @duckdb/node-api@1.5.6-r.1'
cache=${ECS_FIM_CACHE:-/var/cache/ecs-fim}/npm-report-$(echo "$packages" | sha256sum | cut -c 1-12)
if [ ! -e "$cache/done" ]; then
	mkdir -p "$cache"
	# shellcheck disable=SC2086 # a list
	npm install --silent --no-save --no-fund --no-audit --prefix "$cache" $packages >&2
	touch "$cache/done"
fi
make --no-print-directory -j"$(nproc)" all build/bench/journal_gen build/bench/fleet_gen >&2
mkdir -p build/report
NODE_MODULES=$cache/ exec node tests/report/check.mjs
