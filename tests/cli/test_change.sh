# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# An upgrade that was announced, and what somebody slips in with it.
at() { "$fim" change "$@" --root root --baseline base.ndjson --key key.pub; }
begin() { at begin --reason 'security updates' --ticket CHG-42 --by jane "$@"; }
make_system
mkdir -p root/var/lib/dpkg/info root/usr/bin
upgrade() { # version: what dpkg does
	echo "tool $1" >root/usr/bin/tool
	echo "new in $1" >"root/usr/bin/new$1"
	printf 'Package: demo\nStatus: install ok installed\nVersion: %s\n' "$1" >root/var/lib/dpkg/status
	printf '/usr/bin\n/usr/bin/tool\n/usr/bin/new%s\n' "$1" >root/var/lib/dpkg/info/demo.list
	(cd root && md5sum usr/bin/tool "usr/bin/new$1") >root/var/lib/dpkg/info/demo.md5sums
}
upgrade 1
make_ec_key key
take
$fim baseline sign --key key.pem base.ndjson >/dev/null
sum=$(sha256sum base.ndjson)
fails "a change needs a reason" 2 '--reason and --by' at begin --package-manager
fails "and something that is expected" 2 'what is expected' begin
fails "what has not begun cannot end" 1 'no change is under way' at end
echo early >>root/etc/passwd
check "a change begins" begin --package-manager
fails "and only one" 1 'under way already' begin --package-manager
upgrade 2
rm root/usr/bin/new1
echo evil >root/usr/bin/evil
chmod 4755 root/usr/bin/ls
at end --json >out
is "what nobody vouches for ends with status 3" $? 3
is "and is named; so is what was there before" "$(jq -r 'select(.type == "finding") | .kind + " " + .path' out)" \
	"modified /etc/passwd
added /usr/bin/evil
attributes /usr/bin/ls"
delta=$(echo deltas/change-*.ndjson)
is "what dpkg did is in the delta, with its reason" "$(jq -r 'select(.path) | [.path, .type, .why] | join(" ")' "$delta")" \
	"/usr/bin/new1 none its package has it no more
/usr/bin/new2 file as the package delivers it
/usr/bin/tool file as the package delivers it"
is "and who said so" "$(head -n 1 "$delta" | jq -r '.change | .by, .ticket' | tr '\n' ' ')" "jane CHG-42 "
is "the baseline was not touched" "$(sha256sum base.ndjson)" "$sum"
verify --json 2>err >out
is "unsigned, it explains and does not hide" "$(jq -r 'select(.change) | .path + " " + .change.ticket' out)" \
	"/usr/bin/new1 CHG-42
/usr/bin/new2 CHG-42
/usr/bin/tool CHG-42"
is "and is counted" "$(jq -r 'select(.type == "comparison").authorized' out)" 3
check "a second change adds to it" begin --path /etc/extra
echo extra >root/etc/extra
at end --quiet >/dev/null
is "in one delta" "$(jq -r 'select(.path).path' deltas/change-*.ndjson | tr '\n' ' ')" "/etc/extra /usr/bin/new1 /usr/bin/new2 /usr/bin/tool "
is "only one waits" "$(find deltas -name 'change-*.ndjson' | wc -l)" 1
$fim baseline sign --key key.pem deltas/change-*.ndjson >/dev/null
is "signed, it is what is expected" "$(differences)" "modified /etc/passwd,added /usr/bin/evil,attributes /usr/bin/ls,"
echo worse >root/usr/bin/tool
is "and holds: what changes later is a finding" "$(differences)" \
	"modified /etc/passwd,added /usr/bin/evil,attributes /usr/bin/ls,modified /usr/bin/tool,"
echo 'tool 2' >root/usr/bin/tool
check "a change is given up" sh -c "$fim change begin --reason r --by b --path /etc/x --root root --baseline base.ndjson --key key.pub &&
	$fim change abort --baseline base.ndjson --key key.pub && test ! -e change.json"
alternative() { # what the packages have of it
	mkdir -p root/var/lib/dpkg/alternatives root/etc/alternatives
	printf 'auto\n/usr/bin/editor\neditor.1\n/etc/editor.1\n\n/bin/elsewhere\n50\n\n\n/usr/bin/tool\n40\n/etc/tool.1\n\n' \
		>root/var/lib/dpkg/alternatives/editor
}
check "a change of links begins" begin --package-manager
alternative
ln -s /usr/bin/tool root/etc/alternatives/editor
ln -s /etc/alternatives/editor root/usr/bin/editor
ln -s /etc/tool.1 root/etc/alternatives/editor.1
ln -s /tmp/evil root/etc/editor.1
at end --json >out
is "an alternative is vouched for if a package has what it points to" \
	"$(jq -r 'select(.type == "finding") | .path' out | grep -e editor -e alternatives)" "/etc/alternatives
/etc/editor.1"
rm root/usr/bin/editor root/etc/editor.1
check "another begins" begin --package-manager
ln -sf /bin/elsewhere root/etc/alternatives/editor
at end --json >out
is "but not one of nobody's" "$(jq -r 'select(.type == "finding") | .path' out | grep alternatives)" "/etc/alternatives
/etc/alternatives/editor"
make_ec_key mallory
begin --package-manager >/dev/null
upgrade 3
at end --quiet >/dev/null
$fim baseline sign --key mallory.pem "$(find deltas -name 'change-*' -newer key.pub | tail -n 1)" >/dev/null 2>&1
check "a delta that somebody else signed counts for nothing" \
	sh -c "$fim verify --root root --baseline base.ndjson --key key.pub --json 2>/dev/null | grep -q '\"path\":\"/usr/bin/tool\"'"
