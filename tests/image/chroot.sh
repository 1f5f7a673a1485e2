#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/image/chroot.sh DIR
# What needs no kernel of its own: the installer of ECS Anywhere, the steps of the SSM
# documents, upgrade and removal of the debs, in a Debian root (base.sh) with processes,
# mounts and network of its own: none. systemctl enables units there, and starts nothing
# (SYSTEMD_OFFLINE): what is started is seen in the guests of check.sh. Prints TAP; needs root.
# shellcheck disable=SC2317 # functions are called through check
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "${1:?usage: tests/image/chroot.sh DIR}"
work=$(cd "$1" && pwd)
root=$work/root
newer=9.0.1
status=0

# shellcheck source=tests/image/checks.sh
. tests/image/checks.sh
refuses() { # $1: what it says; the rest: arguments of the installer
	local says=$1 code=0
	shift
	in_root sh /root/install.sh "$@" >"$work/out" 2>&1 || code=$?
	cat "$work/out"
	[ "$code" -eq 1 ] && grep -q -- "$says" "$work/out"
}
not() { ! "$@"; }

rm -rf "$root"
mkdir -p "$root"
base=$(tests/image/base.sh)
zstd -qdc "$base" | tar -x -C "$root" --numeric-owner
openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem" 2>/dev/null
openssl ec -in "$work/key.pem" -pubout -out "$work/key.pub" 2>/dev/null
printf 'x' >"$work/none.ko"
cp build/ecs-fim "$work/none.ko" # no kernel loads it here
for version in '' "$newer"; do
	ami/package/build deb ${version:+--version "$version"} --kernel "0.0.0-test=$work/none.ko" \
		-o "$root/root/debs$version" >/dev/null 2>"$work/build.log" || { cat "$work/build.log" >&2 && exit 1; }
done
cp "$work/key.pub" "$root/root/debs/baseline.pem"
cp ami/ecs-anywhere/install.sh "$root/root/"
key=/root/debs/baseline.pem lib=$root/var/lib/ecs-fim

# ---------------------------------------------------------------------- ECS Anywhere
nothing() { not here 'dpkg -s ecs-fim' && [ ! -e "$lib" ] && [ ! -e "$root/etc/ecs-fim" ]; }
cp "$root/usr/lib/os-release" "$work/os-release"
sed -i 's/^ID=.*/ID=gentoo/; /^ID_LIKE/d' "$root/usr/lib/os-release"
check "a distribution that is not supported is refused" refuses 'gentoo is not supported' --packages /root/debs --key $key
cp "$work/os-release" "$root/usr/lib/os-release"
check "a folder without packages is refused" refuses 'no ecs-fim package' --packages /mnt --key $key
check "a key that is none is refused" refuses 'no public key' --packages /root/debs --key /etc/passwd
for target in '127.0.0.1:514" action(type="omprog")' 'siem' 'siem:' ':514' 'siem:5x4' 'a b:514'; do
	check "a target that is none is refused: $target" refuses 'is not HOST:PORT' --packages /root/debs --key $key --forward "$target"
done
check "a signature before a baseline is refused" refuses 'no baseline' --attach /root/x
check "so far nothing was installed" nothing
install_it() { in_root sh /root/install.sh --packages /root/debs --key "$key" --forward 127.0.0.1:5514 >"$work/install.out"; }
check "it installs from files alone, without a module for this kernel" install_it
digest=$(sed -n 's/^\([0-9a-f]\{64\}\) .*/\1/p' "$work/install.out")
check "it prints the digest of the baseline" sh -c "sha256sum $lib/baseline.ndjson | grep '^$digest '"
check "a second run is refused while the signature is awaited" refuses "$digest" --packages /root/debs --key $key
openssl ecparam -name prime256v1 -genkey -noout -out "$work/other.pem" 2>/dev/null
openssl dgst -sha256 -sign "$work/other.pem" -out "$root/root/other.sig" "$lib/baseline.ndjson"
check "a signature of somebody else is refused" refuses 'does not fit' --attach /root/other.sig
check "and is not left there" not test -e "$lib/baseline.sig"
printf '%s' "$digest" | xxd -r -p >"$work/digest.bin"
openssl pkeyutl -sign -inkey "$work/key.pem" -in "$work/digest.bin" -out "$root/root/baseline.sig"
check "the right one, made of the printed digest alone, is taken" in_root sh /root/install.sh --attach /root/baseline.sig
before=$(cat "$lib/baseline.ndjson" "$lib/baseline.sig" | sha256sum)
kept() { [ "$before" = "$(cat "$lib/baseline.ndjson" "$lib/baseline.sig" | sha256sum)" ]; }
check "a second run is refused" refuses 'is installed' --packages /root/debs --key $key
check "and so is a second signature" refuses 'has its signature' --attach /root/baseline.sig
check "neither changed baseline or signature" kept
check "rsyslog takes its configuration" in_root rsyslogd -N1
cat >"$root/root/forward" <<'INSIDE'
ip link set lo up
busybox nc -l -p 5514 </dev/null >/root/forwarded &
rsyslogd -n &
for i in 1 2 3 4 5 6 7 8 9 10; do [ -S /dev/log ] && break; sleep 1; done
logger -t other 'not ours'
logger -t ecs-fimd 'modified /etc/passwd'
for i in $(seq 20); do grep -q 'modified /etc/passwd' /root/forwarded && break; sleep 1; done
INSIDE
rm -f "$root/dev/log"
check "rsyslog runs with it" in_root timeout 60 sh /root/forward
check "and forwards what is ours, and nothing else" sh -c \
	"grep 'ecs-fimd.* modified /etc/passwd' $root/root/forwarded && ! grep 'not ours' $root/root/forwarded"

# --------------------------------------------------------------------- SSM documents
step() { # $1: document; the rest: its parameters
	local document=$1
	shift
	python3 tests/ami/ssm.py script "ami/ssm/ecs-fim-$document.yaml" "$@" >"$root/root/step" &&
		in_root sh /root/step >"$work/step.out"
}
# There is no daemon: the record is made in its place, and with it the journal.
check "the host is as signed, which is recorded" here 'ecs-fim verify --record'
check "SSM, report: its steps run" step report
check "and leave a report of that comparison" sh -c "grep -l comparison $lib/final/report-*.html"
check "SSM, collect: its steps run" step collect
# shellcheck disable=SC2016 # for the shell in the root
check "and leave a bundle that verifies" here \
	'mkdir /root/b && tar -C /root/b -xf /var/lib/ecs-fim/final/bundle-*.tar && ecs-fim fleet verify --key "$(find /root/b -name manifest.pem)" /root/b'
check "SSM, rebaseline: its steps run" step rebaseline Policy=/usr/share/ecs-fim/baselines/debian-12.yaml
check "and print the digest of a new baseline" sh -c \
	"[ \"\$(cut -d' ' -f1 $work/step.out)\" = \"\$(sha256sum $lib/baseline.new.ndjson | cut -d' ' -f1)\" ]"
check "the one that is signed stays" kept
check "SSM, rebaseline: a policy that is not there fails" not step rebaseline Policy=/usr/share/ecs-fim/baselines/none.yaml
for value in '; rm -rf /' '/usr/share/ecs-fim/baselines/al2.yaml; rm -rf /' "\$(reboot)" '/usr/share/ecs-fim/baselines/..'; do
	check "SSM, rebaseline: refused before it runs: $value" not step rebaseline "Policy=$value"
done

# ----------------------------------------------------------------- upgrade, removal
cat "$lib"/journal/*.ndjson >"$work/journal.before"
evidence() { kept && cat "$lib"/journal/*.ndjson | head -c "$(stat -c %s "$work/journal.before")" | cmp - "$work/journal.before" &&
	ls "$lib"/final/bundle-*.tar; }
echo '# the owner was here' >>"$root/etc/ecs-fim/config.yaml"
check "a newer version is installed" here "dpkg -i /root/debs$newer/ecs-fim_*.deb"
check "and runs" here "ecs-fim --version | grep -x 'ecs-fim $newer' && ecs-fimd --version | grep -x 'ecs-fimd $newer'"
check "the evidence is as it was" evidence
check "and so is the owner's configuration" grep 'the owner was here' "$root/etc/ecs-fim/config.yaml"
check "the chain of the journal goes on" here 'ecs-fim verify --record; ecs-fim journal verify'
check "removal says that evidence stays" here 'dpkg -r ecs-fim 2>&1 | grep "they are evidence"'
check "and it does" evidence
check "purging says so, too" here 'dpkg -P ecs-fim 2>&1 | grep "they are evidence"'
check "and it does, too" evidence
check "and the configuration is gone" not test -e "$root/etc/ecs-fim/config.yaml"
chattr -R -f -a -i "$lib" || :
rm -rf "$root"
exit $status
