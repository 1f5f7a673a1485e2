#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can be said about packages, units, templates and scripts without running them on
# AWS. Prints TAP.
# shellcheck disable=SC2317 # functions are called through check
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/ami/checks.sh
. tests/ami/checks.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

root=$work/root
make --no-print-directory -s install DESTDIR="$root" >/dev/null || exit 1
# What the units call or depend on, and a checker's root lacks.
mkdir -p "$root/bin" "$root/sbin" "$root/usr/lib/systemd/system"
for program in /bin/true /sbin/modprobe /bin/kill; do
	printf '#!/bin/sh\n' >"$root$program" && chmod +x "$root$program"
done
for unit in sysinit.target basic.target multi-user.target timers.target shutdown.target local-fs.target \
	systemd-journald.socket system.slice -.slice umount.target network-online.target network.target; do
	[ ! -e "/usr/lib/systemd/system/$unit" ] || cp "/usr/lib/systemd/system/$unit" "$root/usr/lib/systemd/system/"
done
printf '[Service]\nExecStart=/bin/true\n' >"$root/usr/lib/systemd/system/ecs.service"

verify_unit() {
	local out
	out=$(systemd-analyze verify --root="$root" --man=no "$root/usr/lib/systemd/system/$1" 2>&1 |
		grep -E "^($1|/.*$1)" | grep -v 'Failed to create')
	printf '%s\n' "$out"
	[ -z "$out" ]
}
for unit in ami/systemd/*.service ami/systemd/*.timer; do
	check "systemd accepts $(basename "$unit")" verify_unit "$(basename "$unit")"
done
check "systemd accepts the drop-in of ecs.service" verify_unit ecs.service
check "ecs-fimd's exposure is at most 2.5" exposure ami
check "and keeps each line that hardens it" hardened ami
check "the shell scripts are clean" shell_is_clean ami

completes() {
	local answer
	answer=$(PATH=$root/usr/bin:$PATH bash -c '. "$1"; COMP_WORDS=(ecs-fim "$2"); COMP_CWORD=1; _ecs_fim
		printf "%s " "${COMPREPLY[@]}"' bash ami/completions/ecs-fim.bash doc)
	[ "$answer" = "doctor " ] || { echo "doc is completed to: $answer" && return 1; }
	answer=$(PATH=$root/usr/bin:$PATH bash -c '. "$1"; COMP_WORDS=(ecs-fim status --js); COMP_CWORD=2; _ecs_fim
		printf "%s " "${COMPREPLY[@]}"' bash ami/completions/ecs-fim.bash)
	[ "$answer" = "--json " ] || { echo "status --js is completed to: $answer" && return 1; }
}
check "bash completes commands and options" completes
if command -v zsh >/dev/null; then
	check "zsh can read its completion" zsh -n ami/completions/_ecs-fim
else
	echo "ok - zsh can read its completion # SKIP no zsh"
fi

# ------------------------------------------------------------------------------ Packer
hcl=ami/packer/ecs-fim.pkr.hcl
if command -v packer >/dev/null; then
	check "the Packer template is formatted, and its syntax is right" packer_formatted ami
else
	echo "ok - the Packer template is formatted, and its syntax is right # SKIP no packer"
fi
check "the baseline is the last change of the image, by both templates" packer_order ami
check "the key and the digest go into manifest and tags" sh -c \
	"grep -q 'ecs-fim:key-id' $hcl && grep -q 'post-processor \"manifest\"' $hcl && grep -q 'ecs-fim:baseline-digest' ami/packer/tag-image"

# ---------------------------------------------------------------------------- packages
version=$(sed -n 's/^#define FIM_VERSION *"\(.*\)"/\1/p' userspace/include/libfim.h)
printf 'not a module\n' >"$work/ecs_fim.ko"
cp build/ecs-fim "$work/elf.ko"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -days 2 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
check "a module is signed" ami/package/sign-module "$work/key.pem" "$work/cert.pem" "$work/elf.ko"
check "the signature verifies" ami/package/sign-module --verify "$work/cert.pem" "$work/elf.ko"
flip() {
	printf 'X' | dd of="$work/elf.ko" bs=1 seek=1000 conv=notrunc status=none
	! ami/package/sign-module --verify "$work/cert.pem" "$work/elf.ko"
}
check "and does not after a change" flip
check "debs are built" ami/package/build deb --kernel "6.1.0-test=build/ecs-fim" -o "$work/deb"
check "with provision.sh, which a fork's template calls" sh -c "dpkg-deb -c $work/deb/ecs-fim_${version}_*.deb | grep -q libexec/ecs-fim/provision.sh"
check "with the units and without the state" sh -c \
	"dpkg-deb -c $work/deb/ecs-fim_${version}_*.deb | grep -q ecs-fimd.service && ! dpkg-deb -c $work/deb/ecs-fim_${version}_*.deb | grep -q var/lib"
# dkms runs what dkms.conf says with a kernel's headers; those of Debian 12 stand for the host's.
dkms_builds() {
	dpkg-deb -x "$work/deb/ecs-fim-dkms_${version}_all.deb" "$work/dkms" || return 1
	local source=$work/dkms/usr/src/ecs-fim-$version
	grep -qF "M=\${dkms_tree}/ecs-fim/$version/build modules" "$source/dkms.conf" || return 1
	tests/vm/kmod-build.sh 6.1 "$source" modules || return 1
	modinfo -F license "$source/kmod/ecs_fim.ko" | grep -x GPL
}
check "the module builds out of the DKMS package alone" dkms_builds
tests/ami/rpm.sh "$work/rpm" || status=1

# --------------------------------------------------------------- CloudFormation, SSM
check "what CloudFormation knows is there" cloudformation_spec "$work/spec.json" ami/cloudformation/ecs-fim.yaml
check "the CloudFormation template is by its schemas, and least in what it allows" cloudformation ami "$work/spec.json"
check "every call has its permission, every permission its call, and user data is of the policy" calls_and_permissions ami
check "SSM documents are of schema 2.2, and no parameter becomes a command" ssm_documents ami
refuses() { ! python3 tests/ami/ssm.py script ami/ssm/ecs-fim-rebaseline.yaml "Policy=/x; rm -rf /" >/dev/null; }
check "the one that is hostile is refused" refuses
tests/ami/planted.sh "$work/spec.json" || status=1
exit $status
