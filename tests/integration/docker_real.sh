#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/integration/docker_real.sh   (root, docker.io, busybox; ECS_FIM=build/ecs-fim)
# What a real Docker engine reports for each setting, and what we make of it.  The engine
# is our own: own mount and network namespace, own /run, own data; one that runs on this
# machine already does not notice.
# shellcheck disable=SC2317 # functions are called through ok() and trap
set -u
cd "$(dirname "$0")/../.." || exit 1
ecs_fim=$(realpath "${ECS_FIM:-build/ecs-fim}")
number=0 status=0

ok() { # $1: what; the rest: a command
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$dir/out" 2>&1; then
		echo "ok $number - docker: $name"
	else
		echo "not ok $number - docker: $name"
		head -n 20 "$dir/out" | sed 's/^/# /'
		status=1
	fi
}

skip_all() {
	echo "ok 1 - docker: real engine # SKIP $1"
	echo 1..1
	exit 0
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for program in dockerd docker busybox jq unshare; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done
dir=$(mktemp -d /tmp/ecs-fim-docker.XXXXXX) || exit 1
sock=$dir/d.sock
export DOCKER_HOST=unix://$sock DOCKER_CONFIG=$dir/client
engine=

stop_engine() {
	local waited=0
	[ -s "$dir/docker.pid" ] && kill "$(cat "$dir/docker.pid")" 2>/dev/null
	while [ -n "$engine" ] && kill -0 "$engine" 2>/dev/null && [ $((waited += 1)) -lt 100 ]; do
		sleep 0.1
	done
	[ -n "$engine" ] && kill -9 "$engine" 2>/dev/null
	engine=
}

clean_up() {
	stop_engine
	# Made by the engine for its containers; only ours, and only if they are empty.
	rmdir /sys/fs/cgroup/*/"${dir##*/}" 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

start_engine() {
	local waited=0
	echo '{}' >"$dir/daemon.json"
	# A /run of its own: neither containerd's socket nor a bind of /run is the machine's.
	# shellcheck disable=SC2016 # $1 is for the inner shell
	unshare -n -m --propagation private sh -c 'mount -t tmpfs tmpfs /run && exec dockerd "$@"' sh \
		--data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" \
		-H "unix://$sock" --config-file "$dir/daemon.json" --cgroup-parent "${dir##*/}" \
		--iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none \
		--storage-driver=vfs >"$dir/log" 2>&1 &
	engine=$!
	until docker version >/dev/null 2>&1; do
		sleep 0.1
		if ! kill -0 "$engine" 2>/dev/null || [ $((waited += 1)) -gt 300 ]; then
			tail -n 5 "$dir/log" | sed 's/^/# /'
			return 1
		fi
	done
}

import_image() {
	mkdir -p "$dir/root/bin" && cp "$(command -v busybox)" "$dir/root/bin/sh" &&
		tar -C "$dir/root" -c . | docker import -c 'CMD ["/bin/sh"]' - "$1" >/dev/null
}

# One container as JSON.
container() {
	"$ecs_fim" containers --all --json --docker-socket "$sock" | jq --arg name "$1" 'select(.name == $name)'
}

# $1: expected flags, sorted, without the three that an ordinary container has;
# $2: effectively privileged; the rest: options of docker create.
expect() {
	local flags=$1 effectively=$2 found id
	shift 2
	id=$(docker create --name probe "$@" probe:1 2>"$dir/err") || {
		cat "$dir/err"
		return 1
	}
	container probe >"$dir/probe.json"
	found=$(jq -r '[.flags[].id] - ["root-user", "writable-root", "new-privileges"] | unique | join(" ")' "$dir/probe.json")
	cat "$dir/probe.json"
	docker rm -f "$id" >/dev/null
	[ "$found" = "$flags" ] || {
		echo "found: $found; expected: $flags"
		return 1
	}
	[ "$(jq -r .effectively_privileged "$dir/probe.json")" = "$effectively" ] || {
		echo "effectively_privileged is not $effectively"
		return 1
	}
}

exit_status() { # $1: expected; the rest: a command
	local expected=$1 got
	shift
	"$@"
	got=$?
	[ "$got" -eq "$expected" ] || {
		echo "exit status $got, expected $expected"
		return 1
	}
}

if ! start_engine; then
	skip_all "dockerd does not start here"
fi
import_image probe:1 || exit 1

ok "no container is no finding" exit_status 0 "$ecs_fim" containers --all --docker-socket "$sock"
ok "ordinary" expect "" false
ok "--user, --read-only, no-new-privileges" expect "" false --user 1000 --read-only --security-opt no-new-privileges
ok "--privileged" expect "privileged" true --privileged
ok "--privileged with --cap-add" expect "privileged" true --privileged --cap-add SYS_ADMIN
for cap in SYS_ADMIN SYS_MODULE SYS_RAWIO DAC_READ_SEARCH; do
	id=cap-$(echo $cap | tr 'A-Z_' 'a-z-')
	ok "--cap-add $cap" expect "$id" true --cap-add "$cap"
done
for cap in SYS_PTRACE SYS_BOOT SYSLOG MAC_ADMIN MAC_OVERRIDE LINUX_IMMUTABLE AUDIT_CONTROL NET_ADMIN; do
	id=cap-$(echo $cap | tr 'A-Z_' 'a-z-')
	ok "--cap-add $cap" expect "$id" false --cap-add "$cap"
done
ok "--cap-add all" expect "cap-all" true --cap-add all
ok "--cap-add cap_sys_admin" expect "cap-sys-admin" true --cap-add cap_sys_admin
ok "--cap-add CHOWN is a default" expect "" false --cap-add CHOWN
ok "--cap-add IPC_LOCK" expect "cap-other" false --cap-add IPC_LOCK
ok "Docker socket" expect "docker-socket" true -v /var/run/docker.sock:/var/run/docker.sock
ok "Docker socket, read-only" expect "docker-socket" true -v /run/docker.sock:/d.sock:ro
ok "Docker socket through /run" expect "containerd-socket docker-socket host-path-read systemd-socket" true -v /run:/host/run:ro
ok "Docker socket through /var/run" expect "containerd-socket docker-socket host-path-write systemd-socket" true -v /var/run:/host/run
ok "the socket this engine listens on, wherever" expect "docker-socket" true --mount type=bind,src="$sock",dst=/d.sock,readonly
ok "root of the host" expect "containerd-socket docker-socket host-path-write systemd-socket" true -v /:/host
ok "/etc" expect "host-path-write" true -v /etc:/host/etc
ok "/etc, read-only" expect "host-path-read" false -v /etc:/host/etc:ro
ok "/etc through --mount" expect "host-path-write" true --mount type=bind,src=/etc,dst=/e
ok "/proc, read-only" expect "host-path-read" false -v /proc:/host/proc:ro
ok "/data" expect "" false -v "$dir/app:/data"
ok "a volume" expect "" false -v named:/data
ok "a volume that is a bind" expect "host-path-write" true \
	--mount 'type=volume,dst=/e,volume-driver=local,"volume-opt=type=none","volume-opt=o=bind","volume-opt=device=/etc"'
ok "shared propagation" expect "shared-propagation" false -v "$dir/app:/data:rshared"
ok "--device" expect "device" false --device /dev/null:/dev/mynull
ok "--device-cgroup-rule" expect "device-rule" true --device-cgroup-rule 'b 8:* rmw'
ok "--gpus" expect "device-request" false --gpus all
ok "--pid host" expect "pid-host" false --pid host
ok "--pid host with SYS_PTRACE" expect "cap-sys-ptrace pid-host" true --pid host --cap-add SYS_PTRACE
ok "--ipc host" expect "ipc-host" false --ipc host
ok "--network host" expect "net-host" false --network host
ok "--uts host" expect "uts-host" false --uts host
ok "--userns host" expect "userns-host" false --userns host
ok "seccomp=unconfined" expect "seccomp-unconfined" false --security-opt seccomp=unconfined
echo '{"defaultAction":"SCMP_ACT_ALLOW"}' >"$dir/allow.json"
ok "seccomp profile that allows all" expect "seccomp-unconfined" false --security-opt "seccomp=$dir/allow.json"
ok "apparmor=unconfined" expect "apparmor-unconfined" false --security-opt apparmor=unconfined
ok "label=disable" expect "label-disable" false --security-opt label=disable
ok "systempaths=unconfined" expect "masked-paths readonly-paths" true --security-opt systempaths=unconfined
ok "--log-driver none" expect "no-log" false --log-driver none
ok "a secret in the environment" expect "secret-in-env" false -e DB_PASSWORD=hunter2
case $(docker info -f '{{.CgroupVersion}}') in
1) ok "--cgroupns host is the default on cgroup v1" expect "" false --cgroupns host ;;
*) ok "--cgroupns host" expect "cgroupns-host" false --cgroupns host ;;
esac

docker create --name other probe:1 >/dev/null 2>&1
ok "--pid container:" expect "pid-container" false --pid container:other
ok "--volumes-from" bash -c 'docker create --name donor -v /run/docker.sock:/d probe:1 >/dev/null 2>&1'
ok "--volumes-from brings the socket along" expect "docker-socket" true --volumes-from donor
docker rm donor >/dev/null

docker create --name task --label com.amazonaws.ecs.task-arn=arn:aws:ecs:eu-west-1:123456789012:task/prod/0a1b \
	--label com.amazonaws.ecs.cluster=prod --label com.amazonaws.ecs.task-definition-family=web \
	--label com.amazonaws.ecs.task-definition-version=7 probe:1 >/dev/null 2>&1
ok "labels become the task" bash -c "'$ecs_fim' containers --all --json --docker-socket '$sock' |
	jq -es 'map(select(.name == \"task\"))[0] | .account == \"123456789012\" and .region == \"eu-west-1\" and .family == \"web\" and .revision == \"7\"'"
ok "unflagged containers are exit status 0" exit_status 0 "$ecs_fim" containers --all --docker-socket "$sock"
docker create --name bad --privileged probe:1 >/dev/null 2>&1
ok "a flagged container is exit status 3" exit_status 3 "$ecs_fim" containers --all --docker-socket "$sock"
ok "stopped containers are not asked for without --all" exit_status 0 "$ecs_fim" containers --docker-socket "$sock"
"$ecs_fim" containers --all --docker-socket "$sock" | sed 's/^/# /'

stop_engine
ok "an engine that is gone is an error" exit_status 1 "$ecs_fim" containers --docker-socket "$sock"
echo "1..$number"
exit $status
