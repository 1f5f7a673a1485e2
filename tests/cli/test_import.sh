# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Baselines out of what bsdtar and mtree wrote down.
make_ec_key key
imported() { # mtree, then more arguments; signed, as base.ndjson
	rm -f base.ndjson base.sig
	"$fim" baseline import mtree "$@" -o base.ndjson --quiet &&
		"$fim" baseline sign --key key.pem base.ndjson >/dev/null
}
refused() { # what, message, text of the mtree
	printf '%b' "$3" >bad.mtree
	fails "$1" 1 "$2" "$fim" baseline import mtree bad.mtree -o bad.ndjson
	check "  and nothing is written" test ! -e bad.ndjson
}

# --- a real tree, there and back
printf 'name: programs\nversion: "1"\nroots: [/usr/bin]\n' >policy.yaml
"$fim" baseline create --quiet --policy policy.yaml -o real.ndjson
"$fim" baseline export --format mtree real.ndjson >real.mtree
check "our own export of /usr/bin is imported" imported real.mtree
check "and holds" "$fim" verify --quiet --baseline base.ndjson --key key.pub
"$fim" baseline export --format mtree base.ndjson >again.mtree
check "and exports as the same bytes" cmp real.mtree again.mtree
is "every object of it" "$(jq -r 'select(.path).path' base.ndjson | wc -l)" "$(jq -r 'select(.path).path' real.ndjson | wc -l)"
bsdtar -cf bsdtar.mtree --format=mtree --options='!all,use-set,type,mode,uid,gid,size,sha256,link,nlink' -C / usr/bin
check "bsdtar's is imported, /set and all" imported bsdtar.mtree
check "and holds" "$fim" verify --quiet --baseline base.ndjson --key key.pub
mtree -c -k type,mode,uname,gname,size,sha256,link,nlink -p /usr/bin >netbsd.mtree
check "NetBSD's is imported, with relative names and names of owners" imported netbsd.mtree --prefix /usr/bin
check "and holds" "$fim" verify --quiet --baseline base.ndjson --key key.pub
is "with a digest of each file" "$(jq -c 'select(.type == "file" and .sha256 == null)' base.ndjson)" ""

# --- what is compared
make_system
printf x >$'root/etc/\xff\xfe'
printf x >$'root/etc/new\nline'
printf x >'root/etc/a # b=c[*?\d'
mkfifo root/etc/fifo
change_all() {
	echo more >>root/usr/bin/ls
	chmod 4755 root/etc/log
	ln -sf elsewhere root/usr/bin/dir
	rm $'root/etc/\xff\xfe'
	: >root/etc/new
	touch -d 2001-01-01 root/etc/passwd
	ln root/etc/passwd root/usr/bin/hard
}
undo_all() {
	rm root/etc/new root/usr/bin/hard
	printf x >$'root/etc/\xff\xfe'
	ln -sf ls root/usr/bin/dir
	chmod 644 root/etc/log
	echo '#!/bin/true' >root/usr/bin/ls
}
changes() { verify --json 2>/dev/null | jq -r 'select(.type == "finding") | [.kind, .path // .path_hex, (.changed | join("+"))] | join(" ")'; }
found='added /etc/new type+mode+sha256+nlink
attributes /etc/log mode
removed 2f6574632ffffe type+mode+size+sha256
added /usr/bin/hard type+mode+size+sha256+nlink
modified /usr/bin/dir size+target
modified /usr/bin/ls size+sha256'
bsdtar -cf bsdtar.mtree --format=mtree --options='!all,type,mode,size,sha256,link' -C root etc usr/bin
mtree -c -k type,mode,size,sha256,link -p root >netbsd.mtree
mtree -C -f netbsd.mtree -k type,mode,size,link >netbsd-full.mtree
for tool in bsdtar netbsd netbsd-full; do
	check "$tool: names of any bytes are imported" imported $tool.mtree
	is "$tool: and found where they are" "$(changes)" ""
done
imported bsdtar.mtree
change_all
is "what it says is compared, and nothing else" "$(changes | sort)" "$(echo "$found" | sort)"
undo_all
imported netbsd-full.mtree
change_all
is "without digests and modes of links, the size tells" "$(changes | grep -c 'modified /usr/bin/ls size$')" 1
undo_all
is "where it is from is in the header" "$(sed -n 1p base.ndjson | jq -r '.provenance | [.imported_format, .imported_file, .imported_sha256] | join(" ")')" \
	"mtree netbsd-full.mtree $(sha256sum netbsd-full.mtree | cut -d' ' -f1)"
is "what is not known is said of each object" "$(jq -c 'select(.path == "/usr/bin/ls").unknown' base.ndjson)" \
	'["uid","gid","sha256","xattrs","flags","nlink","verity","links"]'

# --- /set, /unset, continued lines, keywords
sha=$(sha256sum root/usr/bin/ls | cut -d' ' -f1)
printf '#mtree\n/set type=file mode=0644 # a comment\n.. \n' >set.mtree
fails "there is no way up from the top" 1 'set.mtree:3: ..: there is no directory to leave' "$fim" baseline import mtree set.mtree -o no.ndjson
cat >set.mtree <<-MTREE
	#mtree
	.    type=dir
	/set type=file mode=0600 size=1
	etc  type=dir \\
	     mode=0755
	    log
	/unset mode
	    passwd nochange
	    cache optional
	    ssh type=dir ignore
	    ..
	..
	usr/bin/ls size=12 \\
	    sha256digest=$sha
	/usr/bin/dir type=link link=ls
MTREE
mkdir -p root/etc/cache
echo anything >root/etc/ssh/key
check "/set and /unset, relative and full names, lines that go on" imported set.mtree
is "each object has what held at its line" "$(jq -c 'select(.path) | [.path, .type, .mode, .size]' base.ndjson)" \
	'["/etc","dir","0755",null]
["/etc/log","file","0600",1]
["/etc/passwd","file",null,null]
["/etc/ssh","dir",null,null]
["/usr/bin/dir","symlink",null,2]
["/usr/bin/ls","file",null,12]'
is "places that it is about are covered" "$(sed -n 1p base.ndjson | jq -c '.policy.roots')" '["/etc","/usr/bin/dir","/usr/bin/ls"]'
is "optional and ignored ones are left out, nochange has its type" "$(changes | grep -c -e cache -e ssh/key -e passwd)" 0
printf '. type=dir\n./etc/passwd type=file mode=0600\n./etc/log type=file mode=644\n./usr/bin/ls type=file size=12\n' >part.mtree
cat >part.yaml <<-'POLICY'
	name: part
	version: "1"
	roots: [/etc]
	rules:
	  - {path: /etc/log, class: append-only, reason: grows}
POLICY
is "a policy says what of it is covered" "$("$fim" baseline import mtree part.mtree --policy part.yaml -o part.ndjson)" \
	"part.ndjson: 2 objects, 2 files without SHA-256, whose content is not compared, 2 outside of the policy left out"
rm root/etc/passwd
printf 'root:x:0:0::/:\njane:x:1234:5::/:\n' >root/etc/passwd
printf 'wheel:x:77:\n' >root/etc/group
printf './etc/log type=file uname=jane gname=wheel\n' >names.mtree
"$fim" baseline import mtree --root root names.mtree --quiet -o names.ndjson
is "names of owners are those of the system" "$(jq -c 'select(.path) | [.uid, .gid]' names.ndjson)" '[1234,77]'
printf './dev/null type=char device=native,1,3\n./dev/x type=block device=linux,8,17\n./dev/y type=char device=0x103\n' >device.mtree
"$fim" baseline import mtree device.mtree --quiet -o device.ndjson
is "device numbers" "$(jq -r 'select(.path).rdev' device.ndjson | tr '\n' ' ')" '1:3 8:17 1:3 '

# --- what is refused
refused "an unknown keyword" 'bad.mtree:2: blake2: a keyword that this program does not know' '#mtree\n./a type=file blake2=00\n'
refused "a digest that is none" 'bad.mtree:1: 12: not 64 hex digits' './a type=file sha256=12\n'
refused "a mode that is none" 'bad.mtree:1: 0999: not the octal digits of a mode' './a type=file mode=0999\n'
refused "an object twice" 'bad.mtree:3: /a: is there twice' './a type=file\n./b type=file\na type=dir\n'
refused "an object without type" 'its type is not said' './a mode=644\n'
refused "a way out of the tree" 'has a component "." or ".."' './a/../../b type=file\n'
refused "a hidden way out" 'a name with a slash in it' '\\057etc type=file\n'
refused "a name that vis(3) does not write" 'not what vis(3) writes' './a\\q type=file\n'
refused "a NUL" 'not text' './a type=file\0000\n'
refused "a user that nobody is" 'no user or group of the system has this name' './a type=file uname=nobody-of-this-name\n'
refused "a list of nothing" 'there is no object in it' '#mtree\n/set type=file\n'
refused "only the ways to something" 'more than that it is a directory' '. type=dir\n'
refused "half a line" 'the last line is not complete' './a type=file \\\n'
refused "a line without end" 'the line is too long' "./a type=file $(printf 'x%.0s' {1..70000})\n"
fails "another format" 2 'a format that this cannot import' "$fim" baseline import tar x -o y
