#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# In the guest, started by systemd on every boot: checks, then powers off. FIM_TEST names
# the script, else it is first-boot, and from then on second-boot.
# shellcheck disable=SC1091 # beside it in the guest
set -u
here=/usr/lib/ecs-fim-test
journal=/var/lib/ecs-fim/journal
boot_id=$(cat /proc/sys/kernel/random/boot_id)
number=0
log=/run/check.log

report() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; fi
}

check() { # $1: what, the rest: a command that must succeed
	local what=$1 status
	shift
	"$@" >$log 2>&1
	status=$?
	report $status "$what"
	[ $status -eq 0 ] || sed 's/^/# /' $log | tail -n 60
}

is() {
	[ "$2" = "$3" ]
	local status=$?
	report $status "$1"
	[ $status -eq 0 ] || printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
}

wait_until() {
	local deadline=$((SECONDS + 5 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.2
	done
}

# What the other side of the port answers. It is opened once: what has come when somebody closes it is lost.
answer=
ask() {
	exec 3<>/dev/virtio-ports/signer
	echo "$*" >&3
	# shellcheck disable=SC2034 # who asked uses it
	read -r -t 300 answer <&3
	exec 3>&-
}

mark=0
all() { cat $journal/*.ndjson; }
mark_journal() { mark=$(all | wc -l); }
records() { all | tail -n +$((mark + 1)) | jq -c "select($1)"; }
count() { records "$1" | wc -l; }
at_least() { [ "$(count "$1")" -ge "$2" ]; }
# Of this boot: the journal has those before it, too.
compared() { at_least '.type == "comparison" and .trigger == "start-up" and .boot_id == "'"$boot_id"'"' 1; }
# The daemon's own process; it may have been started again.
daemon() { systemctl show -P MainPID ecs-fimd; }
started_again() { [ "$(daemon)" != "$1" ] && [ "$(daemon)" != 0 ] && ecs-fim status --json; }
# What is known now, as the outcome of a fault: component and state, and status' exit.
outcome() { records '.type == "control"' | jq -r '.component + " " + .state' | sort -u | tr '\n' ','; }

if [ -n "${FIM_TEST:-}" ]; then
	# shellcheck disable=SC1090
	. "$here/$FIM_TEST.sh"
elif [ ! -e /var/lib/first-boot-done ]; then
	. $here/first-boot.sh
	touch /var/lib/first-boot-done
else
	. $here/second-boot.sh
fi
echo "# end of $number checks"
systemctl poweroff --no-block
