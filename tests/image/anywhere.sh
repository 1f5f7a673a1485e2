#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A host on premises, after "ecs-anywhere-install.sh --no-start": an agent that does not
# run, no network, our files in a folder. Sourced by guest.sh.
# shellcheck disable=SC2154 # set by guest.sh
install=/root/install.sh
lib=/var/lib/ecs-fim
key=/root/debs/baseline.pem
refuses() { # $1: what it says; the rest: its arguments
	local says=$1 code=0
	shift
	sh $install "$@" >/run/install.log 2>&1 || code=$?
	cat /run/install.log
	[ $code -eq 1 ] && grep -q -- "$says" /run/install.log
}
nothing() { ! dpkg -s ecs-fim && [ ! -e $lib ] && [ ! -e /etc/ecs-fim ]; }

check "this machine has no network" sh -c '! ls /sys/class/net | grep -vE "^(lo|docker0)$"'
check "the agent does not run" sh -c '! systemctl is-active -q ecs'
sed 's/^ID=.*/ID=gentoo/; /^ID_LIKE/d' /usr/lib/os-release >/run/os-release
mount --bind /run/os-release /usr/lib/os-release
check "a distribution that is not supported is refused" refuses 'gentoo is not supported' --packages /root/debs --key $key
umount /usr/lib/os-release
check "a folder without packages is refused" refuses 'no ecs-fim package' --packages /run --key $key
check "a key that is none is refused" refuses 'no public key' --packages /root/debs --key /etc/passwd
check "a target that is none is refused" refuses 'HOST:PORT' --packages /root/debs --key $key \
	--forward '127.0.0.1:514" action(type="omprog")'
systemctl start ecs
check "it comes too late when the agent runs" refuses 'runs already' --packages /root/debs --key $key
systemctl stop ecs
check "so far nothing was installed" nothing

# It ends with a connection, and rsyslog makes one more each time it is started.
rsyslog_receiver() { while :; do busybox nc -l -p 5514 </dev/null || sleep 1; done >>/run/forwarded; }
rsyslog_receiver &
check "it installs from files alone" sh -c "sh $install --packages /root/debs --key $key --forward 127.0.0.1:5514 >/run/install.out"
digest=$(sed -n 's/^\([0-9a-f]\{64\}\) .*/\1/p' /run/install.out)
is "it prints the digest of the baseline" "$digest" "$(sha256sum $lib/baseline.ndjson | cut -d' ' -f1)"
check "nothing runs before it is signed" sh -c '! systemctl is-active -q ecs-fimd && ! systemctl is-active -q ecs'
check "rsyslog takes its configuration" rsyslogd -N1
check "a second run is refused while the signature is awaited" refuses 'attach' --packages /root/debs --key $key
openssl ecparam -name prime256v1 -genkey -noout -out /run/other.pem 2>/dev/null
openssl dgst -sha256 -sign /run/other.pem -out /run/other.sig $lib/baseline.ndjson
check "a signature of somebody else is refused" refuses 'does not fit' --attach /run/other.sig --start-ecs
check "and is not left there, nor is anything started" sh -c \
	"! test -e $lib/baseline.sig && ! systemctl is-active -q ecs-fimd && ! systemctl is-active -q ecs"
ask "digest $digest"
echo "$answer" | base64 -d >/run/baseline.sig
check "with the right one it starts" sh -c "sh $install --attach /run/baseline.sig --start-ecs"
check "the daemon is up" wait_until 120 ecs-fim status --json
wait_until 60 systemctl is-active ecs
started() { systemctl show -P ActiveEnterTimestampMonotonic "$1"; }
check "and was before the agent" test "$(started ecs-fimd)" -lt "$(started ecs)"
check "the module is the one of the package" grep -q '^ecs_fim ' /proc/modules
check "it is enrolled now: a later boot accepts nothing" test -e $lib/enrolled
wait_until 120 compared
is "the start-up comparison finds nothing" "$(count '.type == "finding"')" 0
mark_journal
echo 'mallory:x:0:0::/:/bin/sh' >>/etc/passwd
wait_until 30 at_least '.type == "finding"' 1
check "a change arrives at the other end of rsyslog" wait_until 60 grep -q 'modified: /etc/passwd' /run/forwarded
baseline=$(sha256sum $lib/baseline.ndjson $lib/baseline.sig)
lines=$(all | wc -l)
check "a second run is refused" refuses 'is installed' --packages /root/debs --key $key
is "and leaves the baseline" "$(sha256sum $lib/baseline.ndjson $lib/baseline.sig)" "$baseline"
check "and the journal" test "$(all | wc -l)" -ge "$lines"
check "and the daemon" systemctl is-active ecs-fimd
check "a second signature is refused, too" refuses 'has its signature' --attach /run/baseline.sig
