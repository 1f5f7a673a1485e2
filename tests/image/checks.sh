# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what the sourcing script has
# Sourced by what checks a Debian root without booting it, with $work, $root and status=0.

check() { # $1: what; the rest: a command
	local what=$1 code=0
	shift
	"$@" >"$work/check.log" 2>&1 || code=$?
	if [ "$code" -eq 0 ]; then
		echo "ok - $what"
	else
		echo "not ok - $what"
		sed 's/^/# /' "$work/check.log" | tail -n 20
		status=1
	fi
}
in_root() { SYSTEMD_OFFLINE=1 unshare --mount --pid --net --fork --kill-child --root="$root" --mount-proc "$@"; }
here() { in_root sh -c "$1"; }
