# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by check.sh: a small system in root/, its policy, keys.

make_system() {
	mkdir -p root/etc/ssh root/usr/bin
	echo 'root:x:0:0' >root/etc/passwd
	: >root/etc/machine-id
	echo '#!/bin/true' >root/usr/bin/ls
	echo log >root/etc/log
	ln -s ls root/usr/bin/dir
	cat >policy.yaml <<-'POLICY'
		name: small
		version: "1"
		roots: [/etc, /usr/bin]
		rules:
		  - {path: /etc/machine-id, class: templated, template: '[0-9a-f]{32}\n', reason: written by systemd}
		  - {path: '/etc/ssh/ssh_host_*_key', class: once, reason: host keys, writers: [/usr/bin/ssh-keygen]}
		  - {path: /etc/hostname, class: once, reason: cloud-init}
		  - {path: /etc/log, class: append-only, reason: grows}
		  - {path: /etc/cache, class: excluded, reason: rebuilt, approver: jane@example.com}
	POLICY
}

make_key() { # name, openssl genpkey arguments
	local name=$1
	shift
	openssl genpkey "$@" -out "$name.pem" 2>/dev/null
	openssl pkey -in "$name.pem" -pubout -out "$name.pub"
}

make_ec_key() { make_key "$1" -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }

take() { "$fim" baseline create --quiet --root "${1:-root}" --policy policy.yaml -o "${2:-base.ndjson}"; }

make_signed() {
	make_system
	make_ec_key key
	take
	"$fim" baseline sign --key key.pem base.ndjson >/dev/null
}

verify() { "$fim" verify --root root --baseline base.ndjson --key key.pub "$@"; }

# What verify finds, in one line.
differences() { verify --json 2>/dev/null | jq -r 'select(.type == "finding") | .kind + " " + .path' | tr '\n' ','; }
