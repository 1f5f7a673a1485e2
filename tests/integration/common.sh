# shellcheck shell=bash disable=SC2034 # those who source it use the variables
# SPDX-License-Identifier: Apache-2.0
#
# What the scripts of this folder share.  In the virtual machine it lies beside them; they
# source it from the folder that holds bin/.

set -u
export PATH=$PWD/bin:$PATH
out=$PWD/out
lib=/var/lib/ecs-fim
journal=$lib/journal/journal.ndjson
daemon=
number=0
failed=0
mark=0
mkdir -p "$out"

# --------------------------------------------------------------------------- TAP

report() { # $1: status, $2: what
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		failed=$((failed + 1))
		echo "not ok $number - $2"
	fi
}

check() { # $1: what, the rest: a command that must succeed
	local what=$1
	shift
	"$@" >"$out/check.log" 2>&1
	local status=$?
	report $status "$what"
	[ $status -eq 0 ] || sed 's/^/# /' "$out/check.log" | head -n 20
	return $status
}

is() { # $1: what, $2: got, $3: wanted
	[ "$2" = "$3" ]
	local status=$?
	report $status "$1"
	[ $status -eq 0 ] || printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
	return $status
}

finish() { # the plan; last in a script, whose status is this one's
	echo "1..$number"
	[ "$failed" -eq 0 ]
}

# The file "only", if it is there, holds a regular expression: what it does not match is left out.
wanted() { # $1: name of a part
	[ ! -s only ] || grep -qE -f only <<<"$1"
}

wait_until() { # $1: seconds, the rest: a command
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

# ----------------------------------------------------------------------- journal

mark_journal() { mark=$(wc -l <"$journal"); }

records() { # $1: jq filter; compact records since the mark
	tail -n +$((mark + 1)) "$journal" 2>/dev/null | jq -c "select($1)"
}

# The journal has segments: all of them, oldest first.
all_records() { ecs-fim journal show "$@"; }

count() { records "$1" | wc -l; }

at_least() { [ "$(count "$1")" -ge "$2" ]; }

# ---------------------------------------------------------------------- baseline

# The key stays here; the host trusts its public half.
make_key() {
	mkdir -p "$lib/keys" /etc/ecs-fim /run/ecs-fim
	openssl ecparam -name prime256v1 -genkey -noout -out signing-key.pem 2>/dev/null
	openssl ec -in signing-key.pem -pubout -out "$lib/keys/baseline.pem" 2>/dev/null
}

take_baseline() { # $1: policy
	ecs-fim baseline create --policy "$1" -o "$lib/baseline.ndjson" --quiet &&
		ecs-fim baseline sign --key signing-key.pem "$lib/baseline.ndjson"
}

# -------------------------------------------------------------------- containers

# The file "cgroup", if it is there, asks for version 1, mounted as systemd does.
if [ -e cgroup ]; then
	umount /sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
	for controllers in cpuset cpu,cpuacct blkio memory devices freezer net_cls,net_prio perf_event pids none,name=systemd; do
		mkdir "/sys/fs/cgroup/${controllers#none,name=}"
		mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/${controllers#none,name=}"
	done
fi

# Programs beside Docker, unpacked: installing them takes a minute where the processor is emulated.
[ ! -d engines ] || tar -C engines -cf - . | tar -C / --keep-directory-symlink -xf -

# What a runtime runs without an engine: a shell in FOLDER/rootfs.
make_bundle() { # $1: runtime, $2: folder, $3: what the shell does, $4: jq filter: more changes
	(cd "$2" && "$1" spec && jq --arg command "$3" '.process.terminal = false | .root.readonly = false
		| .process.args = ["sh", "-c", $command] | '"${4:-.}" config.json >new && mv new config.json)
}

# ---------------------------------------------------------------- changes under load

# The module, a daemon that watches /etc and says nothing to anybody, and its first comparison.
watch_etc() { # $1: more of the configuration, each member followed by a comma
	insmod ecs_fim.ko || exit 1
	make_key
	echo "{$1 trusted_keys: [$lib/keys], sink_audit: false, sink_syslog: false, sink_stdout: false, rules: []}" \
		>/etc/ecs-fim/config.yaml
	printf 'name: storm\nversion: "1"\nroots: [/etc]\nrules: [{path: /etc, class: strict}]\n' >policy.yaml
	take_baseline policy.yaml
	ecs-fimd 2>"$out/daemon.log" &
	daemon=$!
	wait_until 120 sh -c 'ecs-fim status --json | jq -e .last_comparison.end'
}

end_well() { # last in a script, as finish
	kill "$daemon"
	wait "$daemon"
	is "the daemon ends well" $? 0
	is "no bug in the kernel's log" "$(dmesg | grep -cE 'BUG|WARNING|Oops|Call Trace')" 0
	cp "$journal" "$out/journal.ndjson"
	finish
}
