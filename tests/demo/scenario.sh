#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job, from a baseline to a report, on whatever machine this runs on: a
# virtual machine made for it, or (SCOPE set) a scratch directory of a real host.
#
#   BIN      folder with ecs-fim and ecs-fimd
#   MODULE   ecs_fim.ko for the running kernel
#   OUT      where the five files of the demo go
#   SCOPE    empty: /usr/bin, /usr/sbin and /etc of this system; else a scratch
#            directory that is filled with copies
#   POLICY   policy to use when SCOPE is empty
#   DOCKER   yes: start containers as well

set -euo pipefail
: "${BIN:?}" "${MODULE:?}" "${OUT:?}" "${SCOPE=}" "${DOCKER=yes}"
export PATH="$BIN:$PATH"
work=$(mktemp -d /run/ecs-fim-demo.XXXXXX)
began=${EPOCHREALTIME/[.,]/}
daemon=
printer=
loaded=
syslogd=

say() {
	local now=${EPOCHREALTIME/[.,]/}
	printf '[%6.1f s] %s\n' "$(((now - began) / 100000))e-1" "$*"
}

stop() { # $1: pid, may be empty
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

stop_daemon() {
	stop "$daemon"
	stop "$printer"
	daemon='' printer=''
}

cleanup() {
	local status=$?
	stop_daemon
	stop "$syslogd"
	[ -z "$loaded" ] || rmmod ecs_fim || true
	[ "$DOCKER" != yes ] || docker rm -f ecs-fim-demo-plain ecs-fim-demo-privileged >/dev/null 2>&1 || true
	[ "$status" -eq 0 ] || cat "$work/daemon.log" 2>/dev/null
	rm -rf "$work"
	exit "$status"
}
trap cleanup EXIT

# One line a person can read for each finding or flagged container, as it comes.
print_alerts() {
	tail -n +1 -F "$work/alerts.ndjson" 2>/dev/null | jq --unbuffered -r '
		def who: if .actor then " by \(.actor.exe // .actor.comm) (pid \(.actor.pid), uid \(.actor.uid)"
			+ (if .container then ", container \(.container.name // .container.id[:12])" else "" end) + ")" else "" end;
		def digest: if .kind == "attributes" then ": \(.changed | join(", ")) \(.before.mode // "") → \(.after.mode // "")"
			elif .after.sha256 then ": sha256 \((.before.sha256 // "none")[:12]) → \(.after.sha256[:12])" else "" end;
		if .type == "finding" then "            ALERT \(.severity) \(.kind) \(.path)\(who)\(digest)"
		elif .type == "container" and .container.effectively_privileged
			then "            ALERT privileged container \(.container.name) (\(.container.image))"
		else empty end'
}

wait_until() { # $1: seconds, $2: what for, the rest: a command
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || {
			echo "gave up waiting for $what" >&2
			return 1
		}
		sleep 0.2
	done
}

count() { # $1: jq filter over the journal's records
	jq -s "[.[] | select($1)] | length" "$work/journal/journal.ndjson"
}

at_least() { # $1: jq filter, $2: number
	[ "$(count "$1")" -ge "$2" ]
}

# ------------------------------------------------------------------ prepare

mkdir -p "$OUT" "$work/keys"
if [ -n "$SCOPE" ]; then
	mkdir -p "$SCOPE/etc" "$SCOPE/usr/bin"
	cp -a /etc/passwd /etc/group "$SCOPE/etc/"
	cp -a /usr/bin/ls /usr/bin/find /usr/bin/env "$SCOPE/usr/bin/"
	POLICY=$work/policy.yaml
	printf 'name: demo\nversion: 1\nroots:\n  - %s/etc\n  - %s/usr/bin\nrules:\n  - {path: %s/etc, class: strict}\n' \
		"$SCOPE" "$SCOPE" "$SCOPE" >"$POLICY"
fi

if [ "$DOCKER" = yes ] && [ -z "$SCOPE" ]; then
	say "starting syslogd, auditd and a real dockerd"
	busybox syslogd -n -O "$work/syslog" &
	syslogd=$!
	/usr/lib/ecs-fim-test/start-auditd >/dev/null
	/usr/lib/ecs-fim-test/start-docker >/dev/null
	docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:demo >/dev/null
	say "docker $(docker version -f '{{.Server.Version}}') is up"
fi

say "loading the module on kernel $(uname -r)"
insmod "$MODULE"
loaded=yes

say "taking a baseline (policy: $(basename "$POLICY"))"
ecs-fim baseline create --root / --policy "$POLICY" -o "$OUT/baseline.ndjson" --provenance image_id=demo --quiet
say "signing it: $(($(wc -l <"$OUT/baseline.ndjson") - 2)) objects (on an AMI the key is not on the machine)"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/signing-key.pem" 2>/dev/null
openssl ec -in "$work/signing-key.pem" -pubout -out "$work/keys/baseline.pem" 2>/dev/null
ecs-fim baseline sign --key "$work/signing-key.pem" "$OUT/baseline.ndjson" >/dev/null
rm "$work/signing-key.pem"
cp "$work/keys/baseline.pem" "$OUT/baseline.pub"
openssl dgst -sha256 -verify "$OUT/baseline.pub" -signature "$OUT/baseline.sig" "$OUT/baseline.ndjson" |
	sed 's/^/            openssl dgst -sha256 -verify: /'

cat >"$work/config.yaml" <<CONFIG
baseline: $OUT/baseline.ndjson
signature: $OUT/baseline.sig
trusted_keys: [$work/keys]
journal_dir: $work/journal
journal_protect: false
module_armed: false
status_socket: $work/status.sock
CONFIG
[ "$DOCKER" = yes ] || echo "docker_socket: ''" >>"$work/config.yaml"

say "starting ecs-fimd: it checks the signature, sets the watches, compares everything once"
: >"$work/alerts.ndjson"
ecs-fimd --config "$work/config.yaml" >>"$work/alerts.ndjson" 2>"$work/daemon.log" &
daemon=$!
print_alerts &
printer=$!
wait_until 120 "the start-up comparison" at_least '.type == "comparison" and .trigger == "start-up"' 1
say "armed: $(jq -s -r '[.[] | select(.type == "comparison")][0] | "\(.compared) objects compared, \(.added + .removed + .changed) differ"' "$work/journal/journal.ndjson")"

# ------------------------------------------------------------------- change

expect=0
say "append a line to $SCOPE/etc/passwd"
echo 'mallory:x:0:0::/:/bin/sh' >>"$SCOPE/etc/passwd"
expect=$((expect + 1))
wait_until 30 "the alert" at_least '.type == "finding"' $expect

if [ "$DOCKER" = yes ]; then
	say "start one plain and one privileged container"
	docker run -d --name ecs-fim-demo-plain --network none \
		--label com.amazonaws.ecs.cluster=demo \
		--label com.amazonaws.ecs.container-name=web \
		--label com.amazonaws.ecs.task-definition-family=storefront \
		--label com.amazonaws.ecs.task-definition-version=7 \
		--label com.amazonaws.ecs.task-arn=arn:aws:ecs:ap-northeast-1:123456789012:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314 \
		busybox:demo sleep 600 >/dev/null
	docker run -d --name ecs-fim-demo-privileged --privileged --network none busybox:demo sleep 600 >/dev/null
	wait_until 60 "both containers to be inspected" at_least '.type == "container"' 2
	say "touch /usr/bin/2597de70-c942-4424-b039-5e15a86fd380 inside the plain container"
	docker exec ecs-fim-demo-plain touch /usr/bin/2597de70-c942-4424-b039-5e15a86fd380
	expect=$((expect + 1))
	wait_until 30 "the alert" at_least '.type == "finding"' $expect
fi

say "replace $SCOPE/usr/bin/ls by rename"
cp -a "$SCOPE/usr/bin/ls" "${SCOPE:-/root}/ls.trojan"
printf '\0' >>"${SCOPE:-/root}/ls.trojan"
mv "${SCOPE:-/root}/ls.trojan" "$SCOPE/usr/bin/ls"
expect=$((expect + 1))
wait_until 30 "the alert" at_least '.type == "finding"' $expect

say "chmod u+s $SCOPE/usr/bin/find"
chmod u+s "$SCOPE/usr/bin/find"
expect=$((expect + 1))
wait_until 30 "the alert" at_least '.type == "finding"' $expect

{ ecs-fim status --socket "$work/status.sock" || true; } | sed 's/^./            &/'
[ "$DOCKER" != yes ] || docker rm -f ecs-fim-demo-plain ecs-fim-demo-privileged >/dev/null
# Whatever else should not be there has time to show itself.
sleep 2
if [ -x /usr/sbin/ausearch ] && ausearch -m ANOM_RBAC_INTEGRITY_FAIL --raw >"$work/audit" 2>/dev/null; then
	say "ausearch -m ANOM_RBAC_INTEGRITY_FAIL finds $(wc -l <"$work/audit") records"
fi
[ -z "$syslogd" ] || say "syslog has $(grep -c ecs-fim "$work/syslog") lines"

# ------------------------------------------------------------------- report
# From a journal that is still being written to, as on a host that stays up.

cp "$work/journal/journal.ndjson" "$OUT/journal.ndjson"
ecs-fim report --journal "$OUT/journal.ndjson" -o "$OUT/report.json"
ecs-fim report --journal "$OUT/journal.ndjson" -o "$OUT/report.html"
say "report written: $(wc -c <"$OUT/report.html") bytes of HTML, $(count 'true') journal records"

findings=$(count '.type == "finding"')
privileged=$(jq -s '[.[] | select(.type == "container" and .container.privileged) | .container.id] | unique | length' "$OUT/journal.ndjson")
want_privileged=$([ "$DOCKER" = yes ] && echo 1 || echo 0)
if [ "$findings" -ne "$expect" ] || [ "$privileged" -ne "$want_privileged" ]; then
	echo "expected $expect findings and $want_privileged privileged container(s), got $findings and $privileged:" >&2
	jq -c 'select(.type == "finding") | {seq, kind, path, detected_by, op}' "$OUT/journal.ndjson" >&2
	exit 1
fi
say "stopping the daemon"
stop_daemon
say "exactly $expect changes and $privileged privileged container(s) reported, nothing else"
