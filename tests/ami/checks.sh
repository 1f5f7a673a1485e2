# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What is checked of ami/, each check a function of the folder that it looks at: check.sh
# calls them with ami, planted.sh with copies that have a mistake. A check prints what is
# wrong and fails.

# For the scripts that source this: TAP, and status=1 if it fails.
check() { # $1: what; the rest: a command
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok - $what"
	else
		echo "not ok - $what"
		printf '%s\n' "$out" | head -n 30 | sed 's/^/# /'
		status=1
	fi
}

# npm's copy of the schemas of CloudFormation; pinned, kept in the cache.
ami_npm='@aws-cdk/aws-service-spec@0.1.216 @aws-cdk/service-spec-types@0.0.282 @cdklabs/tskb@0.0.4'

shell_scripts() {
	grep -lE '^#!.*\b(ba)?sh\b' "$1"/libexec/* "$1"/package/* "$1"/packer/* "$1"/ecs-anywhere/*
}

shell_is_clean() { # $1: ami
	local files
	mapfile -t files < <(shell_scripts "$1")
	[ ${#files[@]} -ge 12 ] || { echo "${#files[@]} scripts only" && return 1; }
	shellcheck -x "${files[@]}" "$1/completions/ecs-fim.bash"
}

exposure() { # $1: ami
	local out
	out=$(systemd-analyze security --offline=true --threshold=25 "$1/systemd/ecs-fimd.service" --no-pager 2>&1) && return 0
	printf '%s\n' "$out" | tail -n 1
	return 1
}

# Removing some of these does not raise the exposure's first decimal.
hardened() { # $1: ami
	local key missing=''
	for key in CapabilityBoundingSet AmbientCapabilities NoNewPrivileges LockPersonality MemoryDenyWriteExecute \
		RestrictRealtime RestrictSUIDSGID RestrictNamespaces RestrictAddressFamilies IPAddressDeny PrivateNetwork \
		ProtectHostname ProtectClock ProtectKernelLogs ProtectKernelTunables ProtectControlGroups ProtectSystem \
		ProtectHome PrivateMounts DevicePolicy DeviceAllow KeyringMode RemoveIPC SystemCallArchitectures \
		SystemCallFilter SystemCallErrorNumber UMask MemoryMax TasksMax WatchdogSec; do
		grep -q "^$key=" "$1/systemd/ecs-fimd.service" || missing="$missing $key"
	done
	grep -q '^SystemCallFilter=@' "$1/systemd/ecs-fimd.service" || missing="$missing SystemCallFilter=@"
	grep -q '^SystemCallFilter=~' "$1/systemd/ecs-fimd.service" || missing="$missing SystemCallFilter=~"
	[ -z "$missing" ] || { echo "ecs-fimd.service lost:$missing" && return 1; }
}

packer_order() { # $1: ami
	python3 tests/ami/packer_order.py "$1/packer/ecs-fim.pkr.hcl" &&
		python3 tests/ami/packer_order.py "$1/packer/amazon-ecs-ami.pkr.hcl.in"
}

# Packer 1.6 of Debian 12 does not know required_plugins.
packer_formatted() { # $1: ami
	local copy
	copy=$(mktemp --suffix=.pkr.hcl) || return 1
	sed '/^packer {/,/^}/d' "$1/packer/ecs-fim.pkr.hcl" >"$copy"
	packer fmt -check "$copy" && CHECKPOINT_DISABLE=1 packer validate -syntax-only "$copy"
	local status=$?
	rm -f "$copy"
	return $status
}

# Makes the file $1: what npm knows of the types that the template $2 uses.
cloudformation_spec() {
	local cache types
	cache=${ECS_FIM_CACHE:-/var/cache/ecs-fim}/npm-ami-$(echo "$ami_npm" | sha256sum | cut -c 1-12)
	if [ ! -e "$cache/done" ]; then
		mkdir -p "$cache"
		# shellcheck disable=SC2086 # a list
		npm install --silent --no-save --no-fund --no-audit --prefix "$cache" $ami_npm >&2 || return 1
		touch "$cache/done"
	fi
	mapfile -t types < <(python3 tests/ami/cloudformation.py --types "$2")
	node tests/ami/spec.mjs "$cache" "${types[@]}" >"$1"
}

cloudformation() { # $1: ami, $2: the file of cloudformation_spec
	python3 tests/ami/cloudformation.py "$1/cloudformation/ecs-fim.yaml" "$2"
}

# Each call has its permission, each permission its call; user data is of the policy.
calls_and_permissions() { # $1: ami
	python3 tests/ami/iam.py "$1" baselines/al2023.yaml
}

ssm_documents() { # $1: ami
	python3 tests/ami/ssm.py check "$1"/ssm/*.yaml
}
