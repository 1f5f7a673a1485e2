#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: install.sh --packages DIR --key baseline.pem [--policy FILE] [--forward HOST:PORT] [--dkms] [--start-ecs]
#        install.sh --attach baseline.sig [--start-ecs]
#
# On an on-premises host (Debian, Ubuntu, Amazon Linux 2023), from files alone: run it
# after "ecs-anywhere-install.sh ... --no-start" and before ECS starts.
#
#	--packages DIR   the debs or RPMs; nothing is downloaded
#	--key FILE       the public key that signs baselines
#	--policy FILE    default: the one of this distribution
#	--forward H:P    rsyslog sends the alerts there, over TCP, with a queue on disk
#	--dkms           build the module here (needs compiler and headers), if no package
#	                 of a built module fits this kernel
#	--attach FILE    the signature of the digest that the first call printed
#	--start-ecs      then start the ECS agent
#
# Whatever it refuses (status 1), it refuses before it changes anything. A host that is
# installed is refused, too: its baseline is evidence, and upgrades are the packages'.
set -eu

lib=/var/lib/ecs-fim
trusted=/etc/ecs-fim/trusted-keys.d/baseline.pem

packages='' key='' policy='' forward='' attach='' dkms='' start=''

die() {
	echo "install.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '3,4s/^# //p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--packages | --key | --policy | --forward | --attach)
		[ $# -ge 2 ] || usage
		case $1 in
		--packages) packages=$2 ;;
		--key) key=$2 ;;
		--policy) policy=$2 ;;
		--forward) forward=$2 ;;
		--attach) attach=$2 ;;
		esac
		shift
		;;
	--dkms) dkms=1 ;;
	--start-ecs) start=1 ;;
	-h | --help)
		sed -n '3,22s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*) usage ;;
	esac
	shift
done
[ "$(id -u)" -eq 0 ] || die 'run it as root'

# Enrolled now, not on some later boot: nothing may have changed since the baseline.
start_all() {
	systemctl start ecs-fim-module ecs-fim-enroll ecs-fimd ecs-fim-compare.timer ecs-fim-final
	[ -z "$start" ] || systemctl start --no-block ecs
	ecs-fim doctor || :
}

if [ -n "$attach" ]; then
	[ -e $lib/baseline.ndjson ] || die 'there is no baseline: run it with --packages first'
	[ ! -e $lib/baseline.sig ] || die "the baseline of this host has its signature"
	openssl dgst -sha256 -verify $trusted -signature "$attach" $lib/baseline.ndjson >/dev/null 2>&1 ||
		die 'the signature does not fit baseline and key'
	install -m 0600 "$attach" $lib/baseline.sig
	if ! ecs-fimd --check; then
		rm -f $lib/baseline.sig
		die 'ecs-fimd does not take the baseline'
	fi
	start_all
	exit 0
fi
if [ -z "$packages" ] || [ -z "$key" ]; then
	usage
fi
[ ! -e $lib/baseline.sig ] || die "this host is installed; to upgrade, install the packages"
[ ! -e $lib/baseline.ndjson ] ||
	die "a baseline waits for its signature (--attach): $(sha256sum $lib/baseline.ndjson | cut -d' ' -f1)"
# What it says, not its status: that is 0 in a chroot.
[ "$(systemctl is-active ecs 2>/dev/null)" != active ] ||
	die 'the ECS agent runs already: containers may have changed the host. Install with --no-start'
openssl pkey -pubin -in "$key" -noout 2>/dev/null || die "$key is no public key"
if [ -n "$forward" ]; then
	# It goes into a configuration.
	case ${forward%:*} in '' | "$forward" | *[!][A-Za-z0-9.:-]*) die "--forward: $forward is not HOST:PORT" ;; esac
	case ${forward##*:} in '' | *[!0-9]*) die "--forward: $forward is not HOST:PORT" ;; esac
	[ -d /etc/rsyslog.d ] || die '--forward: there is no rsyslog here'
fi
. /etc/os-release
release=$(uname -r)
case "$ID ${ID_LIKE:-}" in
*debian* | *ubuntu*) kind=deb name=debian-12 ;;
*amzn* | *fedora* | *rhel*) kind=rpm name=al2023 ;;
*) die "$ID is not supported: Debian, Ubuntu, Amazon Linux 2023" ;;
esac
policy=${policy:-/usr/share/ecs-fim/baselines/$name.yaml}

# Names of packages are ours, so a pattern that matches nothing is an error.
pick() {
	for file in "$packages"/$1; do
		[ ! -e "$file" ] || echo "$file"
	done
}
files=$(pick "ecs-fim[_-][0-9]*.$kind")
[ -n "$files" ] || die "there is no ecs-fim package in $packages"
module=$(pick "ecs-fim-kmod-${release}[_-]*.$kind")
[ -n "$module" ] || [ -z "$dkms" ] || module=$(pick "ecs-fim-dkms[_-]*.$kind")
[ -n "$module" ] || echo "install.sh: no module for $release: fanotify is used instead, which sees less" >&2
# shellcheck disable=SC2086 # lists
case $kind in
deb) dpkg -i $files $module ;;
rpm) rpm -U --replacepkgs $files $module ;;
esac
if [ -n "$module" ] && ! modinfo -k "$release" ecs_fim >/dev/null 2>&1; then
	echo "install.sh: no module was built for $release: fanotify is used instead, which sees less" >&2
fi
install -D -m 0644 "$key" $trusted
if [ -n "$forward" ]; then
	cat >/etc/rsyslog.d/30-ecs-fim.conf <<CONF
# ecs-fim: alerts leave the host; what cannot be sent waits on disk
if \$programname == 'ecs-fimd' then {
    action(type="omfwd" target="${forward%:*}" port="${forward##*:}" protocol="tcp"
           queue.type="LinkedList" queue.filename="ecs-fim" queue.maxDiskSpace="64m"
           queue.saveOnShutdown="on" action.resumeRetryCount="-1")
}
CONF
	systemctl try-restart rsyslog || :
fi
ecs-fim baseline create --root / --policy "$policy" -o /var/lib/ecs-fim/baseline.ndjson --quiet
echo "Sign this digest where the private key is, then: install.sh --attach baseline.sig --start-ecs"
sha256sum /var/lib/ecs-fim/baseline.ndjson
