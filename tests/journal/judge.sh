# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by kill.sh, power.sh and reset.sh: what must be true of a journal that a crash left.

number=0
fim=build/ecs-fim
load=build/journal-bin/load
torn_seen=0

# In the guests of power.sh and reset.sh: the disk under test, mounted.
# shellcheck disable=SC2016,SC2034 # expands in the guest, whose script has it
mount_extra='for serial in /sys/block/*/serial; do
	[ "$(cat "$serial")" = extra ] || continue
	disk=${serial%/serial}
	disk=/dev/${disk##*/}
done
mkdir /mnt/extra && mount -t ext4 "$disk" /mnt/extra || exit 1'

report() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

# A new journal in $1, its key in $1.key.
new_journal() {
	rm -rf "$1" "$1.key" "$1.yaml"
	cat >"$1.yaml" <<-CONFIG
		journal_dir: $1
		status_socket: $1.run/status.sock
		journal_protect: false
	CONFIG
	"$fim" journal seal --config "$1.yaml" >"$1.key" 2>/dev/null
}

# good, torn, records of journal $1
verify() { "$fim" journal verify --json --key "$1.key" "$1" 2>/dev/null | jq -r '[.good, .torn, .records] | join(" ")'; }

# What a crash left in $1, whose alerts went to $2: says what is wrong with it, nothing if all is well.
judge() {
	local good torn records cut=
	read -r good torn records < <(verify "$1")
	[ "$good" = true ] || { "$fim" journal verify --key "$1.key" "$1" 2>&1 && echo "no verdict"; return; }
	"$load" check "$1" "$2" >"$1.log" 2>&1 || { cat "$1.log" && return; }
	if [ "$torn" = true ]; then
		torn_seen=$((torn_seen + 1))
		cut=$(tail -n 1 "$1/journal.ndjson" | sha256sum | cut -d ' ' -f 1)
	fi
	# The next start, and what it must have said.
	"$load" repair "$1" 2>"$1.log" || { cat "$1.log" && return; }
	local after
	after=$("$fim" journal show "$1" 2>/dev/null | tail -n 1 |
		jq -r '[.type, .component, .state, .detail.cut_sha256] | join(" ")')
	[ -z "$cut" ] || [ "$after" = "control journal loss $cut" ] || echo "the torn line was not declared: $after"
	[ -z "$cut" ] || grep -q 'incomplete last record' "$1.log" || echo "the torn line was not logged"
	read -r good torn records < <(verify "$1")
	[ "$good $torn" = "true false" ] || echo "not repaired: $good $torn"
	"$load" check "$1" "$2" >"$1.log" 2>&1 || cat "$1.log"
}
