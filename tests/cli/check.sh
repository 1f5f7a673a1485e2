#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands on baselines, from policy to enrollment, on a small system in a directory.
# Speaks TAP; works on any machine, as any user.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
export fim=$top/build/ecs-fim
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0

report() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

check() { # what, command
	local what=$1 status
	shift
	"$@" >log 2>&1
	status=$?
	report $status "$what"
	[ $status -eq 0 ] || sed 's/^/# /' log
}

is() { # what, got, wanted
	[ "$2" = "$3" ]
	local status=$?
	report $status "$1"
	[ $status -eq 0 ] || printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
}

# what, status, text of the message, command
fails() {
	local what=$1 want=$2 text=$3 status
	shift 3
	"$@" >log 2>&1
	status=$?
	[ $status -eq "$want" ] && grep -qF -- "$text" log
	local bad=$?
	report $bad "$what"
	[ $bad -eq 0 ] || { echo "# status $status, wanted $want and \"$text\""; sed 's/^/# /' log; }
}

# shellcheck source=/dev/null
. "$top/tests/cli/fixture.sh"
for part in "$top"/tests/cli/test_*.sh; do
	mkdir "$work/${part##*/}" && cd "$work/${part##*/}" || exit 1
	# shellcheck source=/dev/null
	. "$part"
done
echo "1..$number"
