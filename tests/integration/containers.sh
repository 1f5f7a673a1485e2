#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Who did it, in which container and task, and how they got in; and an engine that
# goes away, hangs and lies.  Runs as root in a virtual machine made for it, in the
# folder that holds bin/ and ecs_fim.ko; prints TAP.  The file "burst" holds the number
# of containers that are started at once.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
burst=$(cat burst 2>/dev/null || echo 6)

is_up() { [ "$(ecs-fim status --json | jq -r .docker.state)" = up ]; }

arn=arn:aws:ecs:eu-west-1:123456789012
task=$arn:task/demo/0f3c5a1b2d4e4f60a7b8c9d0e1f20314
labels=(--label com.amazonaws.ecs.cluster=demo --label com.amazonaws.ecs.container-name=web
	--label com.amazonaws.ecs.task-definition-family=shop --label com.amazonaws.ecs.task-definition-version=7)

# A runtime that gives more than it was asked for.
cat >strong-runtime <<'RUNTIME'
#!/bin/sh
bundle= previous=
for word; do
	[ "$previous" != --bundle ] || bundle=$word
	previous=$word
done
if [ -n "$bundle" ]; then
	jq '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"]) | del(.linux.seccomp)' \
		"$bundle/config.json" >"$bundle/new" && mv "$bundle/new" "$bundle/config.json"
fi
exec runc "$@"
RUNTIME
chmod +x strong-runtime
ip link set lo up
/usr/lib/ecs-fim-test/start-docker --add-runtime strong="$PWD/strong-runtime" >/dev/null
docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:story >/dev/null
insmod ecs_fim.ko || exit 1
make_key
cat >/etc/ecs-fim/config.yaml <<-CONFIG
	trusted_keys: [$lib/keys]
	sink_audit: false
	sink_syslog: false
	ecs_agent: http://127.0.0.1:51678
CONFIG
echo '{}' >agent.json
python3 agent.py agent.json &
echo "# cgroups of version $(docker info -f '{{.CgroupVersion}}')"
image_id=$(docker image inspect -f '{{.Id}}' busybox:story)
cat >/etc/ecs-fim/exceptions.yaml <<-EXCEPTIONS
	exceptions:
	  - {image_id: "$image_id", flags: [ipc-host, cap-net-admin], owner: network team, reason: test, expires: 2099-01-01}
	  - {image_id: "$image_id", flags: [cap-sys-boot], owner: nobody, reason: test, expires: 2001-01-01}
EXCEPTIONS
cat >policy.yaml <<-POLICY
	name: containers
	version: "1"
	roots: [/etc, /usr/sbin]
	rules:
	  - {path: /etc, class: strict}
	  - {path: /usr/sbin, class: strict}
POLICY
take_baseline policy.yaml
ecs-fimd >"$out/alerts.ndjson" 2>"$out/daemon.log" &
daemon=$!
wait_until 120 at_least '.type == "comparison"' 1
wait_until 20 at_least '.component == "docker" and .state == "up"' 1
docker run -d --name plain --network none "${labels[@]}" --label com.amazonaws.ecs.task-arn=$task \
	busybox:story sleep 1000 >/dev/null

# ---------------------------------------------------------------- the alert's seven fields

on_alert() {
	mark_journal
	docker exec -u root plain touch /usr/bin/seed
	wait_until 20 at_least '.type == "finding"' 1
	wait_until 10 at_least '.type == "access"' 1
	finding=$(records '.path == "/usr/bin/seed"')
	is "account, image, cluster, task, image id, container, process with arguments" \
		"$(jq -r '[.container.account, .container.image, .container.cluster_arn, .container.task_arn, .container.image_id, .container.name, .actor.command] | join(" ")' <<<"$finding")" \
		"123456789012 busybox:story $arn:cluster/demo $task $image_id plain touch /usr/bin/seed"
	is "the same in the alert" "$(jq -r 'select(.path == "/usr/bin/seed") | .actor.command' "$out/alerts.ndjson")" "touch /usr/bin/seed"
	is "relative to which image" "$(jq -r '[.kind, .image.id] | join(" ")' <<<"$finding")" "added $image_id"
	is "the program is the image's, by its digest" \
		"$(jq -r '[.actor.exe_origin, .actor.exe_sha256] | join(" ")' <<<"$finding")" \
		"image $(docker cp plain:/bin/busybox - | tar xO | sha256sum | cut -d' ' -f1)"
	is "ancestors reach process 1" "$(jq -r '.actor.ancestors[-1].pid' <<<"$finding")" 1
	is "it came in through an exec" "$(jq -r '.access.by' <<<"$finding")" exec
	is "which is a record, by user root" \
		"$(records '.action == "docker-exec"' | jq -c '[.action, .user, .privileged, .command, [.flags[].cis]]' | head -n 1)" \
		'["docker-exec","root",false,["touch","/usr/bin/seed"],["5.24"]]'
	mark_journal
	docker exec --privileged plain true
	wait_until 10 at_least '.type == "access"' 1
	is "a privileged exec is critical" \
		"$(records '.type == "access"' | jq -c '.flags[0] | [.id, .severity, .cis]')" '["exec-privileged","critical","5.23"]'
	mark_journal
	docker exec plain sh -c 'cp /bin/busybox /usr/bin/dropped; exec -a sh /usr/bin/dropped -c "echo x >/usr/bin/by-drift"'
	wait_until 20 at_least '.path == "/usr/bin/by-drift"' 1
	is "a program that the image does not have is drift" \
		"$(records '.path == "/usr/bin/dropped"' | jq -c .drift) $(records '.path == "/usr/bin/by-drift"' | jq -r .actor.exe)" "true /usr/bin/dropped"
	mark_journal
	docker run --rm --network none -v /etc:/host busybox:story touch /host/from-container
	wait_until 20 at_least '.path == "/etc/from-container"' 1
	is "a container that writes the host's /etc: the host's file, the container's deed" \
		"$(records '.path == "/etc/from-container"' | jq -c '[.scope, .container.image, .actor.command]')" \
		'["host","busybox:story","touch /host/from-container"]'
	rm /etc/from-container
}

# ------------------------------------------------------------------------------ ECS Exec

on_ecs_exec() {
	deps=/var/lib/ecs/deps/execute-command/bin/3.3.4108.0
	session=ecs-execute-command-062049f67691b9fa8
	mkdir -p $deps forged work
	docker cp plain:/bin/busybox $deps/ssm-session-worker
	cp $deps/ssm-session-worker forged/ssm-session-worker
	for kind in real forged; do
		source=$deps
		[ $kind = real ] || source=$PWD/forged
		# busybox goes by its first argument; as sh it reads the session's file as a script.
		echo "touch /usr/bin/by-$kind" >work/$session
		mark_journal
		docker run --rm --network none -v "$source"/ssm-session-worker:/ecs-execute-command-1/ssm-session-worker:ro \
			-v "$PWD/work:/w:ro" -w /w busybox:story \
			sh -c "exec -a sh /ecs-execute-command-1/ssm-session-worker $session"
		wait_until 20 at_least '.type == "finding"' 1
		wait_until 5 at_least '.type == "access"' 1
		if [ $kind = real ]; then
			is "what an ECS Exec session touched has the session's id" \
				"$(records '.path == "/usr/bin/by-real"' | jq -c '[.access.by, .access.session_id]')" "[\"ecs-exec\",\"$session\"]"
			is "the session is a record" "$(records '.type == "access" and .action != "attach"' | jq -r .action)" ecs-exec-used
			is "a container with the programs bound in is armed" \
				"$(records '.type == "container"' | jq -c .container.exec_armed)" true
		else
			is "a program of the same name with another inode is a forgery" \
				"$(records '.path == "/usr/bin/by-forged"' | jq -r .access.by)" forged-ecs-exec
			is "and alarms" "$(jq -r 'select(.type == "access") | .action' "$out/alerts.ndjson" | tail -n 1)" ecs-exec-forged
		fi
	done
}

# ---------------------------------------------------------------------------- a burst

ticks_of() { awk '{print $14 + $15}' "/proc/$1/stat"; }
ticks_of_all() { awk '/^cpu / {print $2 + $3 + $4 + $7 + $8}' /proc/stat; }

on_burst() {
	mark_journal
	SECONDS=0
	ours=$(ticks_of "$daemon") all=$(ticks_of_all)
	python3 burst.py "$burst" busybox:story $arn:task/demo >burst.ids
	started=$SECONDS
	wait_until 120 sh -c "[ \$(tail -n +$((mark + 1)) $journal | grep -c '\"path\":\"/usr/bin/first-') -ge $burst ]"
	echo "# $burst were created and had run after $started s, all findings were there after $SECONDS s"
	sleep 2
	echo "# ecs-fimd took $(($(ticks_of "$daemon") - ours)) of $(($(ticks_of_all) - all)) ticks of the processor"
	records '.type == "finding"' | jq -r '[.path, .container_id, .container.id, .container.task_arn, .container.image_id] | join(" ")' | sort >got
	while read -r i cid; do
		echo "/usr/bin/first-$i $cid $cid $arn:task/demo/$(printf %032x "$i") $image_id"
	done <burst.ids | sort >wanted
	is "$burst containers were started" "$(wc -l <wanted)" "$burst"
	is "$burst containers whose first action is a touch: each once, its own container and task" \
		"$(diff wanted got | grep -c '^[<>]')" 0
	diff wanted got | head -n 6 | sed 's/^/# /'
	records '.type == "finding"' | jq -r .detected_by | sort | uniq -c | sed 's/^/# detected by:/'
	records '.type == "container"' | jq -r '.container.flags[] | select(.id == "unknown-to-engine" or (.id | startswith("kernel-"))) | .id' | sort | uniq -c >strange
	is "none of them is taken for one of somebody else, or for one that is stronger than Docker says" "$(wc -l <strange)" 0
	sed 's/^/# /' strange
}

# --------------------------------------------------- what the kernel and the agent say

on_truth() {
	mark_journal
	docker run -d --name strong --runtime strong --network none busybox:story sleep 1000 >/dev/null
	wait_until 20 at_least '.container.name == "strong"' 1
	is "a container that is stronger than Docker says is a finding of its own" \
		"$(records '.container.name == "strong"' | jq -c '[.container.privileged, .container.effectively_privileged, [.container.flags[].id | select(startswith("kernel-"))]]')" \
		'[false,true,["kernel-capabilities","kernel-seccomp"]]'
	is "and alarms" "$(jq -r 'select(.container.name == "strong") | .type' "$out/alerts.ndjson")" container
	is "no other container is, and nothing else is taken for one" "$(jq -r 'select(.type == "container" and .container.name != "strong") | .container.flags[].id' "$journal" | grep -c ^kernel-)" 0
	docker rm -f strong >/dev/null

	mark_journal
	docker create --name true --network none "${labels[@]}" --label com.amazonaws.ecs.task-arn=$task busybox:story sleep 1000 >true.id
	docker create --name forged --network none "${labels[@]}" --label com.amazonaws.ecs.task-arn=$task busybox:story sleep 1000 >forged.id
	jq -n --arg true "$(cat true.id)" --arg forged "$(cat forged.id)" --arg task $task '
		def task($arn; $id): {Arn: $arn, DesiredStatus: "RUNNING", KnownStatus: "RUNNING", Family: "shop", Version: "7",
			Containers: [{DockerId: $id, DockerName: "ecs-shop-7-web-aabb", Name: "web"}]};
		{($true): task($task; $true), ($forged): task($task + "0"; $forged)}' >agent.json
	docker start true forged >/dev/null
	wait_until 20 at_least '.type == "container"' 2
	is "the agent confirms a task's labels, and refutes forged ones" \
		"$(records '.type == "container"' | jq -r '[.container.name, .container.task_check, ([.container.flags[].id] | index("task-refuted") != null)] | join(" ")' | sort)" \
		"forged refuted true
true confirmed false"
	docker rm -f true forged >/dev/null

	mark_journal
	docker run -d --name excepted --network none --cap-add NET_ADMIN busybox:story sleep 1000 >/dev/null
	docker run -d --name expired --network none --cap-add SYS_BOOT busybox:story sleep 1000 >/dev/null
	wait_until 20 at_least '.type == "container"' 2
	is "an exception covers its image until it expires" \
		"$(records '.type == "container"' | jq -r '[.container.name, .container.flagged, .container.exception.owner] | join(" ")' | sort)" \
		"excepted false network team
expired true "
	ecs-fim containers >"$out/table"
	is "flagged containers are exit status 3" $? 3
	sed 's/^/# /' "$out/table"
	docker rm -f expired >/dev/null

	mark_journal
	docker run -d --name secret --network none -e DB_PASSWORD=hunter2hunter2 busybox:story sleep 1000 >/dev/null
	wait_until 20 at_least '.container.name == "secret"' 1
	is "a secret in the environment is flagged" \
		"$(records '.container.name == "secret"' | jq -r '.container.flags[] | select(.id == "secret-in-env") | .evidence')" \
		"Config.Env: DB_PASSWORD (value not recorded)"
	ecs-fim containers --json >"$out/containers.ndjson"
	is "and its value is in no journal, alert, table or log" \
		"$(grep -rl hunter2hunter2 $lib "$out" | wc -l) $(grep -c DB_PASSWORD "$out/containers.ndjson")" "0 1"
	docker rm -f secret >/dev/null
}

# ------------------------------------------------------------------- outside Docker

on_outside() {
	ecs-fim containers --watch --json >"$out/watch.ndjson" &
	watcher=$!
	docker save busybox:story | ctr images import - >/dev/null
	mark_journal
	ctr run --rm docker.io/library/busybox:story short touch /usr/bin/by-containerd
	wait_until 20 at_least '.path == "/usr/bin/by-containerd"' 1
	is "a container of containerd: its file, its deed, its name, from its first action" \
		"$(records '.path == "/usr/bin/by-containerd"' | jq -r '[.kind, .scope, .container_id, .container.id, .detected_by] | join(" ")')" \
		"added container short short event"
	mark_journal
	ctr run -d --privileged --mount type=bind,src=/etc,dst=/host/etc,options=rbind:rw docker.io/library/busybox:story power sleep 1000
	wait_until 30 at_least '.type == "container" and .container.id == "power"' 1
	is "its power is seen in the kernel" \
		"$(records '.type == "container" and .container.id == "power"' | jq -c '[.container.engine, .container.effectively_privileged, [.container.flags[].id | select(. == "kernel-capabilities" or . == "kernel-host-path")]]')" \
		'["containerd",true,["kernel-capabilities","kernel-host-path"]]'
	mkdir -p bundle/rootfs bundle/upper bundle/work
	mount -t overlay overlay -o "lowerdir=$(docker inspect -f '{{.GraphDriver.Data.UpperDir}}' plain):$(docker inspect -f '{{.GraphDriver.Data.LowerDir}}' plain),upperdir=$PWD/bundle/upper,workdir=$PWD/bundle/work" bundle/rootfs
	hidden=$(printf 'ab%.0s' {1..32})
	make_bundle runc bundle 'touch /usr/bin/by-runc; sleep 1000' '.linux.cgroupsPath = "/docker/'"$hidden"'"'
	mark_journal
	runc run -d --bundle bundle hidden >/dev/null 2>&1 </dev/null
	wait_until 40 at_least '.type == "container" and .container.id == "'"$hidden"'"' 1
	is "a container in Docker's cgroup that Docker does not know" \
		"$(records '.type == "container"' | jq -c '[.container.engine, [.container.flags[].id | select(. == "unknown-to-engine")], .container.flagged]')" \
		'["docker",["unknown-to-engine"],true]'
	is "and what it did" "$(records '.path == "/usr/bin/by-runc"' | jq -r '[.kind, .scope, .container.id] | join(" ")')" "added container $hidden"
	kill -INT $watcher
	wait $watcher
	is "--watch tells what came, and ends with 3 when something was flagged" \
		"$? $(jq -r 'select(.id == "power" or .id == "'"$hidden"'") | [.change, .engine, .flagged] | join(" ")' "$out/watch.ndjson" | sort | tr '\n' ',')" \
		"3 added containerd true,added docker true,"
	ctr task kill -s KILL power >/dev/null 2>&1
	runc kill hidden KILL 2>/dev/null
}

# --------------------------------------------------------------------- a hostile engine

on_hostile() {
	mv /run/docker.sock /run/docker.real
	for manner in hang garbage half huge; do
		mark_journal
		python3 liar.py $manner &
		liar=$!
		sleep 3
		echo "# $manner" >>/etc/hosts.deny
		wait_until 10 at_least '.path == "/etc/hosts.deny"' 1
		is "$manner: changes are appraised, and Docker is said to be down" \
			"$(records '.path == "/etc/hosts.deny"' | jq -r .kind) $(ecs-fim status --json | jq -r .docker.state)" "modified down"
		is "$manner: memory is bounded" "$(($(sed -n 's/^VmHWM:\s*\([0-9]*\).*/\1/p' /proc/$daemon/status) < 400000))" 1
		kill $liar
		wait $liar 2>/dev/null
		rm -f /run/docker.sock
		ln /run/docker.real /run/docker.sock
		start=$(date +%s%N)
		wait_until 20 is_up
		took=$((($(date +%s%N) - start) / 1000000))
		is "$manner: recovers in 5 s" "$((took <= 5000))" 1
		echo "# $manner: $took ms"
		rm -f /run/docker.sock
	done
	ln /run/docker.real /run/docker.sock
}

# --------------------------------------------- an engine that is killed; user namespaces

on_killed() {
	wait_until 20 is_up
	mark_journal
	kill -9 "$(cat /run/docker.pid)"
	wait_until 10 at_least '.component == "docker" and .state == "down"' 1
	rm -f /run/docker.sock /run/docker.real /run/docker.pid
	touch /etc/without-docker
	wait_until 10 at_least '.path == "/etc/without-docker"' 1
	is "killed: changes are appraised" "$(records '.path == "/etc/without-docker"' | jq -r .kind)" added
	setsid dockerd --containerd /run/containerd/containerd.sock --userns-remap default >/var/log/dockerd-2.log 2>&1 </dev/null &
	until docker info >/dev/null 2>&1; do sleep 0.1; done
	start=$(date +%s%N)
	wait_until 20 is_up
	took=$((($(date +%s%N) - start) / 1000000))
	is "killed: recovers in 5 s of the engine's return" "$((took <= 5000))" 1
	echo "# killed: $took ms"
	docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox:story >/dev/null
	mark_journal
	docker run --rm --name remapped --network none busybox:story touch /usr/bin/remapped
	wait_until 20 at_least '.path == "/usr/bin/remapped"' 1
	is "in a user namespace: the uid is the host's" \
		"$(records '.path == "/usr/bin/remapped"' | jq -c '[.kind, .container.name, .actor.uid > 0, .actor.exe_origin]')" \
		'["added","remapped",true,"image"]'
	mark_journal
	docker run --rm --network none --read-only busybox:story touch /usr/bin/not-there 2>/dev/null
	docker run --rm --network none --read-only --tmpfs /tmp busybox:story sh -c 'touch /tmp/x'
	sleep 2
	is "a read-only container changes nothing" "$(records '.type == "finding"' | wc -l)" 0
}

! wanted alert || on_alert
! wanted ecs-exec || on_ecs_exec
! wanted burst || on_burst
! wanted truth || on_truth
! wanted outside || on_outside
! wanted hostile || on_hostile
! wanted killed || on_killed

end_well
