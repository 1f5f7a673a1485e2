# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Every line of doctor that can fail, made to fail: on a machine that is a directory, whose /proc, /sys
# and /lib/modules are files of ours. Each names what to do.
make_signed
release=$(uname -r)
jail=$PWD/jail
module=$jail/lib/modules/$release/extra/ecs_fim.ko
other=
[ "$(id -u)" -eq 0 ] || other=-r

make_jail() {
	mkdir -p jail/usr jail/etc/ecs-fim/keys jail/var/lib/ecs-fim/journal jail/dev jail/run "${module%/*}" \
		jail/proc/sys/kernel jail/proc/self jail/sys/kernel/security jail/sys/kernel/livepatch \
		jail/sys/module/ecs_fim jail/sys/module/module/parameters jail/watched
	local dir
	for dir in /bin /lib64 /lib/*-linux-gnu; do
		[ ! -e "$dir" ] || ln -s "/usr${dir#/usr}" "jail$dir"
	done
	# shellcheck disable=SC2154 # check.sh sets it
	cp "$fim" jail/ecs-fim
	cp /etc/ld.so.cache jail/etc/
	cp key.pub jail/etc/ecs-fim/keys/key.pem
	sed 's,roots: .*,roots: [/watched],; /^  - /d; s,^rules:,rules: [{path: /watched\, class: strict}],' policy.yaml >jail.yaml
	"$fim" baseline create --quiet --root jail --policy jail.yaml -o jail/var/lib/ecs-fim/baseline.ndjson
	"$fim" baseline sign --key key.pem jail/var/lib/ecs-fim/baseline.ndjson >/dev/null
	printf 'vermagic=%s SMP\n' "$release" >"$module"
	echo 1 >jail/proc/sys/kernel/ftrace_enabled
	echo 0 >jail/proc/self/loginuid
	echo N >jail/sys/module/module/parameters/sig_enforce
	echo '[none] integrity confidentiality' >jail/sys/kernel/security/lockdown
	echo 1 >jail/run/auditd.pid
	: >jail/dev/ecs_fim
	: >jail/dev/null
	echo 'trusted_keys: [/etc/ecs-fim/keys]' >jail/etc/ecs-fim/config.yaml
	mkdir jail/run/ecs-fim
	# A clock that says what it is told to: CLOCK_AT, seconds; CLOCK_STATUS, as in adjtimex(2).
	cc -shared -fPIC -xc -o jail/clock.so - <<-'EOF'
		#define _GNU_SOURCE
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <sys/timex.h>
		#include <time.h>
		#include <unistd.h>

		int adjtimex(struct timex *timex)
		{
			timex->status = atoi(getenv("CLOCK_STATUS"));
			return 0;
		}

		int clock_gettime(clockid_t clock, struct timespec *now)
		{
			long ret = syscall(SYS_clock_gettime, clock, now);

			if (clock == CLOCK_REALTIME && getenv("CLOCK_AT"))
				now->tv_sec = atol(getenv("CLOCK_AT"));
			return (int)ret;
		}
	EOF
	python3 -c '
import os, socket, sys, time
os.chdir("jail/run")
keep = []
for path in ("docker.sock", "ecs-fim/status.sock"):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(64)
    keep.append(s)
open("../../listening", "w").close()
time.sleep(600)' &
	listener=$!
	for _ in {1..100}; do
		[ ! -e listening ] || break
		sleep 0.1
	done
}

doctor() { # $*: what it is started by
	# shellcheck disable=SC2016,SC2086 # a word or none
	unshare $other -m sh -c 'mount --rbind /usr "$0/usr" && {
		[ -z "$SMALL" ] || mount -t tmpfs -o size=1m none "$0$SMALL"
	} && exec chroot "$0" "$@"' "$jail" "$@" /ecs-fim doctor --json
}

# A file system of 1 MiB on this directory of the jail.
export SMALL=

# $1: check, $2: state, $3: words of its text, $4: words of what to do; the rest: what it is started by
says() {
	local check=$1 state=$2 text=$3 fix=$4
	shift 4
	doctor "$@" >doctor.json 2>doctor.log
	local status=$?
	[ $status -eq 3 ] && jq -se 'any(.[]; .check == $c and .state == $s and (.text | contains($t)) and (.fix | contains($f)))' \
		--arg c "$check" --arg s "$state" --arg t "$text" --arg f "$fix" doctor.json >/dev/null
	local bad=$?
	report $bad "$check $state: $text → $fix"
	[ $bad -eq 0 ] || { echo "# status $status"; cat doctor.log doctor.json; } | sed 's/^[^#]/# &/'
}

# A line of the jail is another for one case. $1: file
keep() { mv "jail/$1" kept; }
back() { rm -rf "jail/${1:?}" && mv kept "jail/$1"; }

make_jail
if ! unshare $other -m true 2>/dev/null; then
	echo "ok $((++number)) - doctor # SKIP no mount namespace may be made"
else
	doctor >doctor.json 2>doctor.log
	is "on a machine where everything is right every line but the clock's is ok" \
		"$(jq -r 'select(.check != "clock" and .check != "disk" and .state != "ok") | .check' doctor.json)" ""
	is "and there is a line for each thing that it needs" "$(jq -r .check doctor.json | sort -u | tr '\n' ' ')" \
		"audit baseline clock daemon disk docker kernel loaded lockdown module policy signature "

	clock="env LD_PRELOAD=/clock.so CLOCK_STATUS"
	# shellcheck disable=SC2086 # words
	doctor $clock=0 >doctor.json 2>doctor.log
	is "a clock that something keeps right is ok" "$(jq -r 'select(.check == "clock") | .state + " " + .text' doctor.json)" \
		"ok synchronized"
	# shellcheck disable=SC2086 # words
	says clock warning "nothing keeps it right" "start chronyd" $clock=64
	# shellcheck disable=SC2086 # words
	says clock fail "it is before 2024" "set it, and start chronyd" $clock=0 CLOCK_AT=1703980800
	says kernel fail "is too old" "use Linux 5.10" setarch --uname-2.6
	echo 0 >jail/proc/sys/kernel/ftrace_enabled
	says ftrace warning "it is off" "sysctl kernel.ftrace_enabled=1"
	echo 1 >jail/proc/sys/kernel/ftrace_enabled
	mkdir jail/sys/kernel/livepatch/patch_of_somebody
	says livepatch warning "patch_of_somebody is applied" "signed package"
	rmdir jail/sys/kernel/livepatch/patch_of_somebody

	keep "lib/modules/$release/extra/ecs_fim.ko"
	says module warning "there is none for $release" "install ecs-fim-kmod"
	printf 'vermagic=%s-other SMP\n' "$release" >"$module"
	says module fail "was built for $release-other" "of the running kernel"
	echo compressed >"$module"
	says module warning "does not show which kernel" "modinfo"
	rm "$module" && mkdir "$module"
	says module fail "cannot be read" "install its package again"
	rmdir "$module"
	back "lib/modules/$release/extra/ecs_fim.ko"
	echo Y >jail/sys/module/module/parameters/sig_enforce
	says signature fail "is not signed" "sign it"
	echo N >jail/sys/module/module/parameters/sig_enforce
	keep sys/module/ecs_fim
	says loaded fail "is not loaded" "modprobe ecs_fim"
	echo 'none [integrity] confidentiality' >jail/sys/kernel/security/lockdown
	says lockdown warning "[integrity]" "signed by a key of the kernel"
	echo '[none] integrity confidentiality' >jail/sys/kernel/security/lockdown
	back sys/module/ecs_fim
	keep dev/ecs_fim
	says loaded fail "does not exist" "device:"
	back dev/ecs_fim

	keep run/docker.sock
	says docker warning "containers have no names" "start Docker"
	back run/docker.sock
	keep run/ecs-fim
	says daemon fail "does not answer" "systemctl start ecs-fimd"
	back run/ecs-fim
	keep run/auditd.pid
	says audit warning "auditd does not run" "systemctl enable"
	back run/auditd.pid
	keep proc/self
	says audit fail "has no audit" "audit=1"
	back proc/self
	keep var/lib/ecs-fim/journal
	says disk fail "/var/lib/ecs-fim/journal" "start the daemon once"
	back var/lib/ecs-fim/journal
	SMALL=/var/lib/ecs-fim/journal
	says disk fail "has 1.0 MiB free" "make room"
	SMALL=

	keep var/lib/ecs-fim/baseline.ndjson
	says baseline fail "is not accepted" "ecs-fim baseline create"
	cp base.ndjson jail/var/lib/ecs-fim/baseline.ndjson
	says baseline fail "is not accepted" "restore baseline and signature"
	back var/lib/ecs-fim/baseline.ndjson
	keep etc/ecs-fim/keys/key.pem
	says baseline fail "is not accepted" "put the public key"
	back etc/ecs-fim/keys/key.pem
	keep watched
	says policy warning "/watched does not exist" "for this host"
	back watched
fi
kill "$listener"
wait "$listener" 2>/dev/null
