# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Reading only what may have changed: what it skips, what it must not miss, and what it can.
again() { verify --incremental --json "$@" 2>err; }
# What it found and how many it did not read.
outcome() { again "$@" | jq -r 'if .type == "finding" then .kind + " " + .path else "skipped " + (.skipped | tostring) end' | tr '\n' ','; }
make_signed
for i in 1 2 3 4 5; do echo "content $i" >"root/usr/bin/tool$i"; done
ln root/usr/bin/tool1 root/usr/bin/link1
sleep 0.05
take
$fim baseline sign --key key.pem base.ndjson >/dev/null
all=$(($(wc -l <base.ndjson) - 2))
is "the first time everything is read" "$(outcome)" "skipped 0,"
is "the second time nothing is" "$(outcome)" "skipped $all,"

stamp=$(stat -c %y root/usr/bin/tool2)
printf 'CONTENT 2\n' >root/usr/bin/tool2
touch -d "$stamp" root/usr/bin/tool2
is "a change of the same size under a restored mtime is found" "$(outcome)" "modified /usr/bin/tool2,skipped $((all - 1)),"
is "and found again: it is not remembered as right" "$(outcome)" "modified /usr/bin/tool2,skipped $((all - 1)),"
echo "content 2" >root/usr/bin/tool2
is "until it is right again" "$(outcome)" "skipped $((all - 1)),"
is "and then it is" "$(outcome)" "skipped $all,"

cp -p root/usr/bin/tool3 copy && echo evil >copy && touch -r root/usr/bin/tool3 copy && mv copy root/usr/bin/tool3
is "a file put in another's place is found" "$(outcome)" "modified /usr/bin/tool3,skipped $((all - 2)),"
echo "content 3" >root/usr/bin/tool3
chmod 0644 root/usr/bin/tool3
outcome >/dev/null
chmod 4755 root/usr/bin/tool4
is "so are a mode" "$(outcome)" "attributes /usr/bin/tool4,skipped $((all - 1)),"
chmod 0644 root/usr/bin/tool4
if setfattr -n user.x -v y root/usr/bin/tool5 2>/dev/null || python3 -c 'import os; os.setxattr("root/usr/bin/tool5", "user.x", b"y")'; then
	is "an extended attribute" "$(outcome | grep -o 'attributes [^,]*')" "attributes /usr/bin/tool5"
	python3 -c 'import os; os.removexattr("root/usr/bin/tool5", "user.x")' 2>/dev/null || setfattr -x user.x root/usr/bin/tool5
fi
outcome >/dev/null
ln -sfn tool1 root/usr/bin/dir
is "a link that points elsewhere" "$(outcome | grep -o 'modified [^,]*')" "modified /usr/bin/dir"
ln -sfn ls root/usr/bin/dir
rm root/usr/bin/link1
echo new >root/usr/bin/new
is "what is gone and what is new" "$(outcome | grep -oE '(added|removed) [^,]*' | tr '\n' ',')" "removed /usr/bin/link1,added /usr/bin/new,"
ln root/usr/bin/tool1 root/usr/bin/link1
rm root/usr/bin/new
outcome >/dev/null
is "all is right" "$(outcome)" "skipped $all,"

is "what was read too long ago is read again" "$(outcome --full-every 0)" "skipped 0,"
printf 'x' | dd of=verify.state bs=1 seek=300 conv=notrunc 2>/dev/null
is "a state that was changed is not used" "$(outcome)" "skipped 0,"
check "and that is said" grep -q 'not used: it was changed' err
head -c 100 verify.state >cut && mv cut verify.state
is "nor one that was cut off" "$(outcome)" "skipped 0,"
rm verify.state.key
is "nor one whose key is gone" "$(outcome)" "skipped 0,"
is "another baseline makes another state" "$(sleep 0.05; take; $fim baseline sign --key key.pem base.ndjson >/dev/null; outcome)" "skipped 0,"
is "the state is root's alone" "$(stat -c %a verify.state verify.state.key | tr '\n' ' ')" "600 600 "

# What it can miss: a write below the file system.
if [ "$(id -u)" -eq 0 ] && mkdir mnt && truncate -s 16M disk && mkfs.ext4 -q disk && mount -o loop disk mnt 2>/dev/null; then
	cp -a root mnt/root
	printf 'needle-in-a-block' >mnt/root/usr/bin/needle
	sync
	sleep 0.05
	take mnt/root raw.ndjson
	$fim baseline sign --key key.pem raw.ndjson >/dev/null
	raw() { $fim verify --incremental --json --root mnt/root --baseline raw.ndjson --key key.pub --state raw.state "$@" 2>/dev/null |
		jq -r 'if .type == "finding" then .path else "skipped " + (.skipped | tostring) end' | tr '\n' ','; }
	raw >/dev/null
	umount mnt
	python3 - <<-'RAW'
		bytes = open("disk", "rb").read()
		at = bytes.index(b"needle-in-a-block")
		with open("disk", "r+b") as disk:
		    disk.seek(at)
		    disk.write(b"n33dle")
	RAW
	mount -o loop disk mnt
	all=$(($(wc -l <raw.ndjson) - 2))
	case $(raw) in
	"skipped $all,") report 0 "a write to the device below the file system is not seen, as documented" ;;
	"/usr/bin/needle,"*) report 0 "a write to the device below was seen: the file system has another id after mounting" ;;
	*) report 1 "after a write to the device: $(raw)" ;;
	esac
	is "and the full pass finds it" "$(raw --full-every 0)" "/usr/bin/needle,skipped 0,"
	umount mnt
fi
fails "--full-every wants hours" 2 'not 0 to' verify --incremental --full-every never

# A pass that is killed goes on where it was.
mkdir root/usr/bin/many
for i in $(seq 40); do head -c 65536 /dev/urandom >"root/usr/bin/many/$i"; done
sleep 0.05
take
$fim baseline sign --key key.pem base.ndjson >/dev/null
verify --incremental --rate 0.15 >/dev/null 2>&1 &
killed=$!
for _ in $(seq 300); do [ -s verify.state ] && [ verify.state -nt base.sig ] && break; sleep 0.1; done
kill -9 $killed
wait $killed 2>/dev/null
skipped=$(again | jq .skipped)
check "a pass that was killed goes on where it was (skipped $skipped)" test "$skipped" -gt 0
is "and ends right" "$(outcome)" "skipped $(($(wc -l <base.ndjson) - 2)),"
