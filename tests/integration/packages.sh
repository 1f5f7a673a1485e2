#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Real packages installed and upgraded by apt-get: once without a word, once in an
# announced change. What verify, the daemon, Debian's aide and a plain list of the files
# say of it must be the same. Runs as root in a virtual machine made for it, in the folder
# that holds bin/, ecs_fim.ko, debs/ and debian-12.yaml; prints TAP. Without ecs_fim.ko
# (packages-chroot.sh) the daemon is left out.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
export DEBIAN_FRONTEND=noninteractive
module=$PWD/ecs_fim.ko
mapfile -t roots <<<"$(sed -n 's/^  - \(\/.*\)/\1/p' debian-12.yaml)"

# ------------------------------------------------------------------------- helpers

upgrade() { apt-get install -y --no-install-recommends "$PWD"/debs/new/*.deb; }

# What the files are, by tools that know nothing of baselines. The policy of metadata is:
# content, size and link count of these do not count.
manifest() {
	local file
	for file in "${roots[@]}"; do
		[ -d "$file" ] && find "$file" \
			! -type f -printf '%p\t%y %m %U %G %l\n' -o -printf '%p\t%y %m %U %G %n %s\n'
	done | sed -E 's#^(/etc/(ld.so.cache|resolv.conf|mtab|adjtime|.pwd.lock)\t[^ ]* [^ ]* [^ ]* [^ ]*).*#\1#' >"$1.a"
	for file in "${roots[@]}"; do
		[ -d "$file" ] && find "$file" -type f ! -path /etc/ld.so.cache ! -path /etc/resolv.conf \
			! -path /etc/mtab ! -path /etc/adjtime ! -path /etc/.pwd.lock -print0
	done | xargs -0 sha256sum | sed 's/^\([0-9a-f]*\)  \(.*\)/\2\t\1/' >"$1.b"
	sort "$1.a" "$1.b" >"$1"
}

changed_files() { diff "$1" "$2" | sed -n 's/^[<>] \([^\t]*\)\t.*/\1/p' | sort -u; }

aide_config() {
	echo "database_in=file:$PWD/aide.db"
	echo "database_out=file:$PWD/aide.db"
	echo "database_new=file:$PWD/aide.db"
	printf 'gzip_dbout=no\nreport_url=stdout\nreport_level=list_entries\nreport_grouped=no\n'
	echo 'Meta = ftype+p+u+g+acl+xattrs'
	echo 'File = ftype+p+u+g+s+n+sha256+acl+xattrs'
	echo 'Link = ftype+p+u+g+l'
	for file in /etc/ld.so.cache /etc/resolv.conf /etc/mtab /etc/adjtime /etc/.pwd.lock; do
		echo "$file\$ f Meta"
	done
	for file in "${roots[@]}"; do
		[ -d "$file" ] || continue
		printf '%s f File\n%s l Link\n%s d,p,c,b,s Meta\n' "$file" "$file" "$file"
	done
}

# "f++++++++++++++++: /usr/bin/tree" and the like
aide_list() {
	aide --config=aide.conf --check >"$out/aide" 2>&1
	sed -n -E 's/^[fdlbcps?!][^:]{8,}: (\/.*)/\1/p' "$out/aide" | sort -u
}

verified() { # what verify finds; "authorized" or not
	ecs-fim verify --json 2>"$out/verify.err" |
		jq -r "select(.type == \"finding\" and ${1:-true}) | .path" | sort -u
}

# What the daemon told last of each path, unless that it is as it was.
told() {
	records '.type == "finding"' | jq -r '
		(if .old_path and .kind == "moved" then "gone \(.old_path)" else empty end),
		(if .kind == "restored" or (.kind == "removed" and .baseline.type == "none") or .kind == "transient"
		 then "gone" else "is" end) + " " + .path' |
		awk '{ state[$2] = $1 } END { for (path in state) if (state[path] == "is") print path }' | sort -u
}

quiet() { # the journal does not grow any more
	local before=-1 now
	watched || return
	for _ in {1..60}; do
		now=$(wc -l <"$journal")
		[ "$now" -eq "$before" ] && return
		before=$now
		sleep 3
	done
}

watched() { [ -e "$module" ]; }

mark() { watched && mark_journal; }

stop_daemon() { watched && kill "$daemon" && wait "$daemon"; }

start_daemon() {
	watched || return
	ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
	daemon=$!
	wait_until 180 test -s "$journal"
	wait_until 180 sh -c "tail -n +$((${1:-0} + 1)) $journal | grep -q '\"trigger\":\"start-up\"'"
}

same() { # what, list, list
	sort -u <<<"$2" >list.1
	sort -u <<<"$3" >list.2
	cmp -s list.1 list.2
	report $? "$1"
	diff list.1 list.2 | sed 's/^/# /' | head -n 20
}

# ------------------------------------------------------------------------- prepare

dpkg -i --force-downgrade debs/tools/*.deb debs/old/*.deb >"$out/dpkg" 2>&1
is "ten packages and more" "$(($(find debs/new -name '*.deb' | wc -l) >= 10))" 1
newer=0
for deb in debs/old/*.deb; do
	name=$(dpkg-deb -f "$deb" Package)
	new=$(dpkg-deb -f debs/new/"$name"_*.deb Version)
	dpkg --compare-versions "$(dpkg-query -W -f '${Version}' "$name")" lt "$new" && newer=$((newer + 1))
done
echo "# $newer of them are upgrades"
check "there are upgrades among them" test $newer -gt 0
! watched || check "the module loads" insmod "$module"
make_key
printf 'trusted_keys: [%s]\ndocker_socket: ""\nsink_audit: false\nsink_syslog: false\n' $lib/keys >/etc/ecs-fim/config.yaml
check "a baseline is taken" take_baseline debian-12.yaml
aide_config >aide.conf
aide --config=aide.conf --init >"$out/aide-init" 2>&1
check "aide has its database" test -s aide.db
start_daemon
is "verify finds nothing yet" "$(verified)" ""
is "nor does aide" "$(aide_list)" ""

# ----------------------------------------------------------------- without a word

manifest before
mark
check "apt-get installs and upgrades" upgrade
quiet
manifest after
truth=$(changed_files before after)
count=$(wc -l <<<"$truth")
echo "# $count files and directories changed"
check "they changed something" test "$count" -gt 30
same "without a change, verify finds each of them and no other" "$(verified)" "$truth"
is "none of them is explained" "$(verified '.change')" ""
same "aide finds the same" "$(aide_list)" "$truth"
if watched; then
	same "and so did the daemon, by events" "$(told)" "$truth"
	is "of which none is of a change" "$(records '.announced' | wc -l)" 0
fi

# -------------------------------------------------------------------- there and back

stop_daemon
for deb in debs/new/*.deb; do
	name=$(dpkg-deb -f "$deb" Package)
	ls debs/old/"$name"_*.deb >/dev/null 2>&1 || echo "$name"
done | xargs dpkg --purge >"$out/purge" 2>&1
dpkg -i --force-downgrade debs/old/*.deb >>"$out/purge" 2>&1
check "a new baseline is taken" take_baseline debian-12.yaml
lines=$(watched && wc -l <"$journal")
start_daemon "$lines"

# ------------------------------------------------------------------- as announced

manifest before
mark
check "a change begins" ecs-fim change begin --reason 'security updates' --ticket CHG-7 --by jane --package-manager
check "apt-get does the same again" upgrade
ecs-fim change end --json >"$out/end" 2>"$out/end.err"
is "nothing is left that nobody vouches for" "$?:$(jq -r 'select(.type == "finding") | .kind + " " + .path' "$out/end")" "0:"
! watched || wait_until 60 at_least '.type == "change" and .action == "ended"' 1
quiet
manifest after
same "what is authorized is each file that changed, and no other" \
	"$(verified '.change.ticket == "CHG-7"')" "$(changed_files before after)"
is "and verify finds no other" "$(verified '(.change | not)')" ""
if watched; then
	check "the daemon found it meanwhile, as pending" at_least '.type == "finding" and .announced.state == "pending"' 50
	is "all that it found is of the change" "$(records '.type == "finding" and (.announced | not)' | jq -r '.kind + " " + .path')" ""
	open=$(records '.type == "change" and .action != "begun"' | jq '.open[]')
	is "at its end nothing stays open" "$(for seq in $open; do
		records ".seq == $seq" | jq -c '[.kind, .path, .old_path, .after.type, .actor.exe, .actor.exe_origin]'
done)" ""
	is "what was authorized is all of it" "$(records '.type == "change" and .action == "ended"' | jq '.authorized[]' | wc -l)" \
		"$(records '.type == "finding"' | wc -l)"
	is "and no alert waits for anybody" "$(ecs-fim alerts --json 2>/dev/null | jq -r 'select(.state == "open" and .seq > '"$lines"') | .seq' | head -n 3)" ""
	is "the journal is whole" "$(ecs-fim journal verify >/dev/null 2>&1; echo $?)" 0
	check "the report is made of it" ecs-fim report --format json -o "$out/report.json"
	is "and counts what was authorized" "$(jq .changes.authorized "$out/report.json")" \
		"$(records '.type == "change" and .action == "ended"' | jq '.authorized[]' | wc -l)"
fi

# ------------------------------------------------- what somebody slips in with it

mark
check "another change begins" ecs-fim change begin --reason 'one more' --ticket CHG-8 --by jane --package-manager
dpkg -i --force-downgrade debs/old/unzip_*.deb >>"$out/purge" 2>&1
cp /usr/bin/true /usr/bin/zip
echo evil >/usr/bin/unzip.dpkg-new
sleep 3
rm /usr/bin/unzip.dpkg-new
ecs-fim change end --json >"$out/end" 2>"$out/end.err"
is "what no package has delivered stays" "$(jq -r 'select(.type == "finding") | .kind + " " + .path' "$out/end")" "modified /usr/bin/zip"
if watched; then
	wait_until 60 at_least '.type == "change" and .action == "ended"' 1
	open=$(records '.type == "change" and .action == "ended"' | jq '.open[]')
	is "for the daemon too, whatever its name" "$(for seq in $open; do
		records ".seq == $seq" | jq -r '.kind + " " + .path'
	done | sort -u)" "added /usr/bin/unzip.dpkg-new
modified /usr/bin/zip"
	stop_daemon
	cp $lib/journal/*.ndjson "$out/"
fi
finish
