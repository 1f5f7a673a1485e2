#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Where a container's files can be: the storage drivers overlay2, vfs and btrfs, read-only
# roots, user namespaces, mounts in mounts, a directory that runc is given; and an engine
# that is away while its containers run.  Runs as root in a virtual machine made for it, in the folder that holds bin/ and
# ecs_fim.ko; prints TAP.
# shellcheck disable=SC2016 # what the containers' shells expand

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
tar=/usr/share/ecs-fim-test/busybox.tar
passwd=$(tar xOf $tar ./etc/passwd | sha256sum | cut -d' ' -f1)

is_up() { [ "$(ecs-fim status --json | jq -r .docker.state)" = up ]; }

engine() { # options of dockerd
	setsid dockerd --containerd /run/containerd/containerd.sock "$@" >>"$out/dockerd.log" 2>&1 </dev/null &
	until docker info >/dev/null 2>&1; do sleep 0.2; done
	wait_until 20 is_up
	docker import -c 'CMD ["/bin/sh"]' $tar busybox:1 >/dev/null
	image_id=$(docker image inspect -f '{{.Id}}' busybox:1)
}

engine_end() {
	local pid
	pid=$(cat /run/docker.pid)
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

run() { docker run --network none "$@"; }

facts() { # $1: path; of the finding about it
	records '.type == "finding" and .path == "'"$1"'"' |
		jq -r '[.kind, .scope, .container.name, .container.image_id // "", .detected_by, .actor.command] | join(" ")'
}

# Where the files of a container of vfs or btrfs are, as its storage has it written down.
place_of() { # $1: data root, $2: driver, $3: container
	local id
	id=$(docker inspect -f '{{.Id}}' "$3")
	id=$(cat "$1/image/$2/layerdb/mounts/$id/mount-id")
	echo "$1"/*/*/"$id"
}

changes() { # $1: driver
	mark_journal
	run --name first busybox:1 touch /usr/bin/first
	wait_until 20 at_least '.path == "/usr/bin/first"' 1
	docker rm first >/dev/null
	is "$1: what a container does first is told, with its image" "$(facts /usr/bin/first)" \
		"added container first $image_id event touch /usr/bin/first"
	mark_journal
	run --name second busybox:1 sh -c 'echo x >>/etc/passwd; rm /etc/group; sleep 1'
	wait_until 20 at_least '.type == "finding"' 2
	is "$1: what it was in the image" \
		"$(records '.path == "/etc/passwd"' | jq -r '[.kind, .before.sha256, .container.name] | join(" ")')" "modified $passwd second"
	is "$1: removed, relative to the image" \
		"$(records '.path == "/etc/group"' | jq -r '[.kind, .before.size > 0, .image.id] | join(" ")')" "removed true $image_id"
	docker rm -f second >/dev/null
	sleep 2
	is "$1: nothing of what the engine does when it removes them" "$(count '.type == "finding"')" 2
}

# What happens to a directory while nobody lives in it is compared when somebody does again.
offline() { # $1: driver, $2: data root
	local root
	run -d --name third busybox:1 sleep 1000 >/dev/null
	root=$(place_of "$2" "$1" third)
	docker stop -t 0 third >/dev/null
	mark_journal
	touch "$root/usr/bin/offline"
	rm "$root/usr/bin/awk"
	sleep 1
	docker start third >/dev/null
	wait_until 20 at_least '.type == "finding"' 2
	is "$1: what was done to it while it was stopped is found" \
		"$(records '.type == "finding"' | jq -r '[.kind, .path, .detected_by, .container_id != null] | join(" ")' | sort)" \
		"added /usr/bin/offline watch true
removed /usr/bin/awk watch true"
	mark_journal
	docker exec third touch /usr/bin/again
	wait_until 20 at_least '.path == "/usr/bin/again"' 1
	is "$1: started again, it is watched" "$(facts /usr/bin/again)" "added container third $image_id event touch /usr/bin/again"
	docker rm -f third >/dev/null
}

on_overlay2() {
	changes overlay2
	mark_journal
	run --rm --read-only busybox:1 touch /usr/bin/not-there 2>/dev/null
	run --rm --read-only --tmpfs /etc/app busybox:1 touch /etc/app/x 2>/dev/null
	run --rm --tmpfs /etc/app busybox:1 touch /etc/app/x
	sleep 2
	is "a read-only root, and what is mounted over a directory of it, change nothing" \
		"$(records '.type == "finding"' | jq -r '[.kind, .path, .after.type] | join(" ")' | sort -u)" "added /etc/app dir"
	mkdir -p /etc/nest work/outer
	wait_until 10 at_least '.path == "/etc/nest"' 1
	mark_journal
	run --rm --name nested -v "$PWD/work/outer:/data" -v /etc/nest:/data/inner busybox:1 touch /data/inner/deep
	run --rm --name below -v /etc/nest:/usr/bin/plugins busybox:1 touch /usr/bin/plugins/there
	run --rm --name volume -v /etc:/host:rw --user 0 busybox:1 touch /host/from-volume
	wait_until 20 at_least '.type == "finding"' 4
	is "a mount in a mount: the host's file, the container's deed" "$(facts /etc/nest/deep)" \
		"added host nested $image_id event touch /data/inner/deep"
	is "a mount in a watched directory" "$(facts /etc/nest/there)" "added host below $image_id event touch /usr/bin/plugins/there"
	is "a volume of the host's /etc" "$(facts /etc/from-volume)" "added host volume $image_id event touch /host/from-volume"
	is "and nothing else but where it is mounted" \
		"$(records '.type == "finding" and .path != "/etc/nest/deep" and .path != "/etc/nest/there" and .path != "/etc/from-volume"' |
			jq -r '[.kind, .scope, .path, .after.type] | join(" ")')" "added container /usr/bin/plugins dir"
	rm -r /etc/nest /etc/from-volume
}

# An engine that goes and comes back while its containers run.
on_live_restore() {
	run -d --name alive -v "$PWD/work:/w:ro" busybox:1 sh -c \
		'for i in 1 2 3; do until [ -e /w/go-$i ]; do sleep 0.2; done; /bin/busybox touch /usr/bin/alive-$i; done; sleep 1000' >/dev/null
	wait_until 20 at_least '.type == "container" and .container.name == "alive"' 1
	engine_end
	mark_journal
	touch work/go-1
	wait_until 20 at_least '.path == "/usr/bin/alive-1"' 1
	is "the engine is stopped: a container's deed has its name" "$(facts /usr/bin/alive-1)" \
		"added container alive $image_id event /bin/busybox touch /usr/bin/alive-1"
	kill $daemon
	wait $daemon
	ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
	daemon=$!
	wait_until 120 sh -c 'ecs-fim status --json | jq -e .last_comparison.end'
	mark_journal
	touch work/go-2
	wait_until 20 at_least '.path == "/usr/bin/alive-2"' 1
	is "the daemon started without the engine: a container's deed has its id" \
		"$(records '.path == "/usr/bin/alive-2"' | jq -r '[.scope, (.container.id | length), .detected_by, .actor.command] | join(" ")')" \
		"container 64 event /bin/busybox touch /usr/bin/alive-2"
	setsid dockerd --containerd /run/containerd/containerd.sock --live-restore --data-root /var/lib/docker-overlay2 \
		>>"$out/dockerd.log" 2>&1 </dev/null &
	until docker info >/dev/null 2>&1; do sleep 0.2; done
	wait_until 20 is_up
	touch work/go-3
	wait_until 20 at_least '.path == "/usr/bin/alive-3"' 1
	is "the engine is back: the name, too" "$(facts /usr/bin/alive-3)" "added container alive $image_id event /bin/busybox touch /usr/bin/alive-3"
	docker rm -f alive >/dev/null
}

on_vfs() {
	changes vfs
	offline vfs /var/lib/docker-vfs
	run -d --name before busybox:1 sh -c 'touch /usr/bin/before; sleep 1000' >/dev/null
	wait_until 20 at_least '.path == "/usr/bin/before"' 1
	kill $daemon
	wait $daemon
	docker exec before touch /usr/bin/meanwhile
	mark_journal
	ecs-fimd >>"$out/alerts.ndjson" 2>>"$out/daemon.log" &
	daemon=$!
	wait_until 120 at_least '.path == "/usr/bin/meanwhile"' 1
	sleep 2
	is "vfs: what it did while the daemon was away is found, once" \
		"$(records '.type == "finding" and .scope == "container"' | jq -r '[.kind, .path, .detected_by] | join(" ")')" "added /usr/bin/meanwhile watch"
	docker rm -f before >/dev/null
}

on_userns() {
	mark_journal
	run --name remapped busybox:1 touch /usr/bin/remapped
	wait_until 20 at_least '.path == "/usr/bin/remapped"' 1
	is "vfs in a user namespace: the uid is the host's" \
		"$(records '.path == "/usr/bin/remapped"' | jq -c '[.kind, .container.name, .actor.uid > 0, .before.type]')" \
		'["added","remapped",true,"none"]'
}

# A root that is a directory and of which no engine knows.
on_runc() {
	mkdir -p bundle/rootfs
	tar xf $tar -C bundle/rootfs
	make_bundle runc bundle '/bin/busybox touch /usr/bin/by-runc; sleep 5'
	mark_journal
	runc run -d --bundle bundle alone >/dev/null 2>&1 </dev/null
	wait_until 20 at_least '.action == "unmeasured"' 1
	is "runc alone, without layers: who did what, without digests" \
		"$(records '.action == "unmeasured"' | jq -r '[.severity, .view_path, .actor.comm, .actor.command] | join(" ")' | head -n 1)" \
		"high /usr/bin/by-runc busybox /bin/busybox touch /usr/bin/by-runc"
	runc delete -f alone
}

on_btrfs() {
	changes btrfs
	offline btrfs /var/lib/docker-btrfs
}

mkdir -p work
ip link set lo up
insmod ecs_fim.ko || exit 1
make_key
echo "{trusted_keys: [$lib/keys], sink_audit: false, sink_syslog: false, rules: []}" >/etc/ecs-fim/config.yaml
printf 'name: drivers\nversion: "1"\nroots: [/etc, /usr/sbin]\nrules: [{path: /etc, class: strict}, {path: /usr/sbin, class: strict}]\n' >policy.yaml
setsid containerd >"$out/containerd.log" 2>&1 </dev/null &
wait_until 30 [ -S /run/containerd/containerd.sock ]
# What the engine writes down about itself is there before the baseline is taken.
setsid dockerd --containerd /run/containerd/containerd.sock --live-restore --data-root /var/lib/docker-overlay2 \
	>>"$out/dockerd.log" 2>&1 </dev/null &
until docker info >/dev/null 2>&1; do sleep 0.2; done
grep -q dockremap /etc/passwd || { groupadd -r dockremap && useradd -r -g dockremap dockremap &&
	echo dockremap:165536:65536 | tee -a /etc/subuid >>/etc/subgid; }
take_baseline policy.yaml
ecs-fimd >"$out/alerts.ndjson" 2>"$out/daemon.log" &
daemon=$!
wait_until 120 at_least '.type == "comparison"' 1
wait_until 20 is_up
docker import -c 'CMD ["/bin/sh"]' $tar busybox:1 >/dev/null
image_id=$(docker image inspect -f '{{.Id}}' busybox:1)

! wanted overlay2 || on_overlay2
! wanted runc || on_runc
! wanted live-restore || on_live_restore
engine_end
if wanted vfs; then
	engine --storage-driver vfs --data-root /var/lib/docker-vfs
	on_vfs
	engine_end
fi
if wanted userns; then
	engine --storage-driver vfs --data-root /var/lib/docker-userns --userns-remap default
	on_userns
	engine_end
fi
if wanted btrfs; then
	truncate -s 500M btrfs.img && mkfs.btrfs -q btrfs.img && mkdir -p /var/lib/docker-btrfs && modprobe btrfs
	mount -o loop btrfs.img /var/lib/docker-btrfs
	engine --storage-driver btrfs --data-root /var/lib/docker-btrfs
	on_btrfs
	engine_end
fi
end_well
