#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A host without Docker: containers of podman, and of crun alone, in layers and in a
# directory.  Runs as root in a virtual machine made for it, in the folder that holds bin/,
# ecs_fim.ko and engines/ (podman, crun and what they need); prints TAP.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
tar=/usr/share/ecs-fim-test/busybox.tar
passwd=$(tar xOf $tar ./etc/passwd | sha256sum | cut -d' ' -f1)

# There is no systemd that could keep cgroups and events.
podman_run() {
	podman --cgroup-manager cgroupfs --events-backend file run --network none --log-driver none "$@"
}

facts() { # $1: path; of the finding about it
	records '.type == "finding" and .path == "'"$1"'"' |
		jq -r '[.kind, .scope, .container_id, .container.id, .detected_by, .actor.command] | join(" ")'
}

# $1: id; as it is in the journal
container_facts() {
	records '.type == "container" and .container.id == "'"$1"'"' | story
}

# The same from a container's record and from the list.
story() {
	jq -r '.container // . | [.id, .engine, .effectively_privileged, ([.flags[].id | select(. == "kernel-capabilities" or
		. == "kernel-seccomp" or . == "kernel-pid-ns" or . == "kernel-ipc-ns")] | sort | join(","))] | join(" ")'
}

on_podman() {
	mark_journal
	podman_run --cidfile first.id busybox:1 touch /usr/bin/by-podman
	id=$(cat first.id)
	wait_until 20 at_least '.path == "/usr/bin/by-podman"' 1
	is "podman: what a container does first, with its id" "$(facts /usr/bin/by-podman)" "added container $id $id event touch /usr/bin/by-podman"
	mark_journal
	id=$(podman_run -d busybox:1 sh -c '/bin/busybox echo x >>/etc/passwd; sleep 100000')
	wait_until 20 at_least '.path == "/etc/passwd"' 1
	is "podman: its /etc, and what was there in the image" \
		"$(records '.path == "/etc/passwd"' | jq -r '[.kind, .before.sha256, .scope, .container.id] | join(" ")')" "modified $passwd container $id"
	wait_until 60 at_least '.type == "container" and .container.id == "'"$id"'"' 1
	is "podman: an ordinary container is not privileged" "$(container_facts "$id")" "$id podman false "
	mark_journal
	strong=$(podman_run -d --privileged --pid host busybox:1 sleep 100000)
	wait_until 60 at_least '.type == "container" and .container.id == "'"$strong"'"' 1
	is "podman: a privileged one is" "$(container_facts "$strong")" "$strong podman true kernel-capabilities,kernel-pid-ns,kernel-seccomp"
	ecs-fim containers --docker-socket '' --json >"$out/containers.ndjson"
	is "ecs-fim containers ends with 3" $? 3
	is "and lists both" "$(story <"$out/containers.ndjson" | sort)" \
		"$(printf '%s\n' "$id podman false " "$strong podman true kernel-capabilities,kernel-pid-ns,kernel-seccomp" | sort)"
	ecs-fim containers >"$out/table"
	is "asked for Docker's too, which does not answer, it ends with 1" $? 1
	is "and lists these" "$(tail -n 1 "$out/table")" "2 containers, 1 flagged"
	sed 's/^/# /' "$out/table"
	mark_journal
	podman --cgroup-manager cgroupfs --events-backend file exec "$id" touch /usr/bin/by-exec
	wait_until 20 at_least '.path == "/usr/bin/by-exec"' 1
	is "podman exec: whose file and deed" "$(facts /usr/bin/by-exec)" "added container $id $id event touch /usr/bin/by-exec"
	podman --cgroup-manager cgroupfs --events-backend file kill "$id" "$strong" >/dev/null
}

on_crun() {
	mkdir -p layers/{image,upper,work,rootfs}
	tar xf $tar -C layers/image
	mount -t overlay overlay -o "lowerdir=$PWD/layers/image,upperdir=$PWD/layers/upper,workdir=$PWD/layers/work" layers/rootfs
	make_bundle crun layers '/bin/busybox touch /usr/bin/by-crun; echo x >>/etc/passwd; sleep 100000'
	mark_journal
	crun run -d --bundle layers layered >>"$out/crun.log" 2>&1 </dev/null
	wait_until 60 at_least '.type == "container" and .container.id == "layered"' 1
	is "crun alone, in layers: what it does first" "$(records '.path == "/usr/bin/by-crun"' |
		jq -r '[.kind, .scope, .detected_by, .actor.command, .container.id // "layered"] | join(" ")')" \
		"added container event /bin/busybox touch /usr/bin/by-crun layered"
	is "and what was there below" "$(records '.path == "/etc/passwd"' | jq -r '[.kind, .before.sha256] | join(" ")')" "modified $passwd"
	is "crun alone: it is listed, without a filter of system calls" "$(container_facts layered)" "layered unknown false kernel-seccomp"
	crun delete -f layered

	mkdir -p directory/rootfs
	tar xf $tar -C directory/rootfs
	make_bundle crun directory '/bin/busybox touch /usr/bin/by-crun; sleep 100000' \
		'.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"]) | .linux.namespaces |= map(select(.type != "ipc"))'
	mark_journal
	crun run -d --bundle directory strong >>"$out/crun.log" 2>&1 </dev/null
	wait_until 20 at_least '.action == "unmeasured"' 1
	is "crun alone, in a directory: who did what, without digests" \
		"$(records '.action == "unmeasured"' | jq -r '[.severity, .view_path, .actor.command] | join(" ")' | head -n 1)" \
		"high /usr/bin/by-crun /bin/busybox touch /usr/bin/by-crun"
	ecs-fim containers --docker-socket '' --json >"$out/containers.ndjson"
	is "and its power is seen" "$? $(story <"$out/containers.ndjson")" "3 strong unknown true kernel-capabilities,kernel-ipc-ns,kernel-seccomp"
	crun delete -f strong
}

insmod ecs_fim.ko || exit 1
make_key
echo "{trusted_keys: [$lib/keys], sink_audit: false, sink_syslog: false, rules: []}" >/etc/ecs-fim/config.yaml
printf 'name: engines\nversion: "1"\nroots: [/etc, /usr/sbin]\nrules: [{path: /etc, class: strict}, {path: /usr/sbin, class: strict}]\n' >policy.yaml
podman import $tar localhost/busybox:1 >"$out/podman.log" 2>&1 || { cat "$out/podman.log" && exit 1; }
take_baseline policy.yaml
ecs-fimd >"$out/alerts.ndjson" 2>"$out/daemon.log" &
daemon=$!
wait_until 120 at_least '.type == "comparison"' 1

! wanted podman || on_podman
! wanted crun || on_crun
end_well
