# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Two builds of an image, and a baseline in the formats of others.
make_system
record() { # version, then paths: what dpkg says of package demo
	local version=$1 path
	shift
	mkdir -p root/var/lib/dpkg/info
	printf 'Package: demo\nStatus: install ok installed\nVersion: %s\n' "$version" >root/var/lib/dpkg/status
	printf '/%s\n' "$@" >root/var/lib/dpkg/info/demo.list
	for path in "$@"; do
		(cd root && md5sum "$path")
	done >root/var/lib/dpkg/info/demo.md5sums
}
echo one >root/usr/bin/tool
echo old >root/usr/bin/old
record 1.0 usr/bin/tool usr/bin/old
take root a.ndjson
check "two runs on the same tree: nothing differs" sh -c "$fim baseline create --quiet --root root --policy policy.yaml -o b.ndjson &&
	test \"\$($fim baseline diff --format json a.ndjson b.ndjson | jq -c '[.added, .removed, .changed]')\" = '[0,0,0]'"
echo two >root/usr/bin/tool
rm root/usr/bin/old
echo new >root/usr/bin/new
record 1.1 usr/bin/tool usr/bin/new
chmod 4755 root/usr/bin/ls
echo backdoor >"root/usr/bin/<b>&"
take root b.ndjson
$fim baseline diff --format json a.ndjson b.ndjson >diff.json
is "every change is there with its reason" "$(jq -r 'select(.type == "change") | [.kind, .path, (.explained | tostring)] | join(" ")' diff.json)" \
	"added /usr/bin/new true
removed /usr/bin/old true
modified /usr/bin/tool true
added /usr/bin/<b>& false
attributes /usr/bin/ls false"
is "and the package with its versions" "$(jq -c 'select(.type == "diff").packages[0] | [.package, .from, .to, .added, .removed, .changed, .unexplained]' diff.json)" \
	'["demo","1.0","1.1",1,1,1,0]'
$fim baseline diff a.ndjson b.ndjson >diff.txt
check "for people: the upgrade" grep -qF 'demo 1.0 → 1.1: 1 added, 1 removed, 1 changed' diff.txt
check "and what nobody explains" grep -qF '!~ /usr/bin/ls (mode)' diff.txt
$fim baseline diff --format html a.ndjson b.ndjson >diff.html
check "a name does not become markup" grep -qF '/usr/bin/&lt;b&gt;&amp;' diff.html
check "and there is no other" sh -c '! grep -qF "<b>&" diff.html'
$fim baseline diff --exit-code a.ndjson b.ndjson >/dev/null
is "--exit-code says that something is not explained" $? 3
fails "two are expected" 2 'two baselines' $fim baseline diff a.ndjson

printf 'nl\n' >$'root/etc/new\nline'
printf x >$'root/etc/\xff\xfe'
printf x >'root/etc/a # b=c'
ln -s 'to here' root/etc/link
mkfifo root/etc/fifo
take
$fim baseline export --format json base.ndjson >base.json
is "as one JSON document" "$(jq '.objects | length' base.json)" "$(($(wc -l <base.ndjson) - 2))"
is "with the same members" "$(jq -c '.objects[0]' base.json)" "$(sed -n 2p base.ndjson)"
check "sha256sum -c agrees, whatever the names" sh -c "$fim baseline export --format sha256sums base.ndjson | sha256sum -c --quiet"
$fim baseline export --format mtree base.ndjson >base.mtree
bsdtar -tf base.mtree 2>log | sort >listed
is "bsdtar reads every object of the mtree, and the two directories above the roots" \
	"$(wc -l <listed)" "$(($(wc -l <base.ndjson) - 2 + 2))"
mtree -p root -f base.mtree >said 2>&1
is "mtree finds nothing different" "$?:$(grep -v '^extra: ' said)" 0:
echo changed >>root/etc/passwd
mtree -p root -f base.mtree >said 2>&1
check "and what is changed afterwards" grep -q '^etc/passwd' said
fails "an unknown format is refused" 2 '--format tar: unknown' $fim baseline export --format tar base.ndjson
