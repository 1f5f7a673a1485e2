#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/ami/rpm.sh DIR
# The RPMs in a root of their own, with an RPM database and with their scripts run by that
# root's own shell: install, upgrade to a newer version, removal. Prints TAP; needs root.
#
# There is no Amazon Linux here, so what the packages depend on is packaged from this
# machine, as one RPM: dash and busybox for the scripts, systemctl, kmod, and the libraries
# that the programs are linked with. rpmbuild finds out what these provide, as it finds out
# what ours require; by name it provides only what NAMES says. Nothing is installed with
# --nodeps or --noscripts.
# shellcheck disable=SC2317 # functions are called through check
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/ami/checks.sh
. tests/ami/checks.sh
work=${1:?usage: tests/ami/rpm.sh DIR}
root=$work/root
status=0
NAMES='systemd rpm-libs libcurl.so.4()(64bit) libsqlite3.so.0()(64bit) rtld(GNU_HASH)'
newer=9.0.1

# ------------------------------------------------------------------- what stands in
# $1: folder to put it into, the rest: programs. With their libraries, below /usr.
copy_programs() {
	local to=$1 file
	shift
	for file in "$@" $(ldd "$@" | grep -v ':$' | grep -o '/[^ ]*' | sort -u); do
		mkdir -p "$to/usr$(dirname "${file#/usr}")"
		cp -L "$file" "$to/usr${file#/usr}"
	done
}

base_rpm() {
	local base=$work/base applet name
	mkdir -p "$base/usr/bin" "$base/usr/sbin" "$base/usr/lib64" "$base/usr/lib" "$base/etc"
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$base/$name"; done
	copy_programs "$base" /bin/dash /bin/busybox /bin/systemctl /bin/kmod build/ecs-fim build/ecs-fimd || return 1
	rm -rf "${base:?}/usr/build"
	ln -s dash "$base/usr/bin/sh"
	ln -s ../bin/kmod "$base/usr/sbin/depmod"
	for applet in cat chmod grep ls mkdir mv rm sync true; do ln -s busybox "$base/usr/bin/$applet"; done
	cat >"$work/base.spec" <<-SPEC
		%global debug_package %{nil}
		%global __os_install_post %{nil}
		%define _build_id_links none
		Name: stand-in-base
		Version: 1
		Release: 1
		Summary: what this machine lends to the test
		License: none
		AutoReq: no
		$(for name in $NAMES; do echo "Provides: $name"; done)
		%description
		Of Debian, for the test of the packages.
		%install
		cp -a $base/. %{buildroot}/
		%files
		%defattr(-,root,root,-)
		/*
	SPEC
	rpmbuild -bb --quiet --nodeps --define "_topdir $work/rpmbuild" "$work/base.spec" &&
		mv "$work"/rpmbuild/RPMS/*/stand-in-base-*.rpm "$work/"
}

in_root() { chroot "$root" "$@"; }
rpm_root() { rpm --root "$root" "$@"; }
# $1: pattern of a file that has to be there, once
one() { [ "$(find "$root$(dirname "$1")" -maxdepth 1 -name "$(basename "$1")" | wc -l)" -eq 1 ]; }
linked() { # $1: number of units that start by themselves
	local found
	found=$(find "$root/etc/systemd/system" -type l 2>/dev/null | wc -l)
	echo "$found links, wanted $1"
	[ "$found" -eq "$1" ]
}

rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
root=$work/root
check "the module is built for a real kernel" tests/kmod/build.sh 6.1 build/kmod-6.1
release=$(cat "$(tests/vm/fetch.sh kernel 6.1)/release")
ko=$release=build/kmod-6.1/kmod/ecs_fim.ko
check "RPMs are built" ami/package/build rpm --kernel "$ko" -o "$work/old"
check "and of a newer version, which is a build option" ami/package/build rpm --version "$newer" --kernel "$ko" -o "$work/new"
version=$(build/ecs-fim --version | sed 's/.* //')
check "what they depend on is packaged from this machine" base_rpm
echo "# by name it provides: $NAMES; by contents, libraries:" \
	"$(rpm -qp --provides "$work"/stand-in-base-*.rpm 2>/dev/null | sed -n 's/()(64bit).*//p' | sort -u | tr '\n' ' ')"

# Nothing of this machine is in reach of a script that goes astray but /dev/null.
mkdir -p "$root/dev" "$root/proc"
mknod -m 0666 "$root/dev/null" c 1 3
rpm_root --initdb

refused() {
	local out
	out=$(rpm_root -i "$work/old/ecs-fim-$version-1."*.rpm 2>&1) && return 1
	printf '%s\n' "$out" | grep -q 'systemd is needed'
}
check "without what it needs it is refused" refused
check "that is installed" rpm_root -i "$work"/stand-in-base-*.rpm
mkdir -p "$root/usr/lib/modules/$release/kernel" # as the kernel's package leaves it
check "RPMs install, with dependencies and scripts" \
	rpm_root -i "$work/old/ecs-fim-$version-1."*.rpm "$work"/old/ecs-fim-kmod-*.rpm
says_version() { [ "$(in_root ecs-fim --version)" = "ecs-fim $1" ] && [ "$(in_root ecs-fimd --version)" = "ecs-fimd $1" ]; }
check "the programs run there" says_version "$version"
check "the module is where modprobe finds it" grep -q '^extra/ecs_fim.ko:' "$root/lib/modules/$release/modules.dep"
check "and is of that kernel" sh -c \
	"modinfo -F vermagic $root/lib/modules/$release/extra/ecs_fim.ko | grep -q '^$release '"
check "the script made the state's folder, root's own" sh -c \
	"[ \"\$(stat -c %a $root/var/lib/ecs-fim $root/var/lib/ecs-fim/journal | tr '\n' ' ')\" = '700 700 ' ]"
check "the script enabled the units" linked "$(grep -l '^\[Install\]' ami/systemd/{ecs-fim-module.service,ecs-fimd.service,ecs-fim-enroll.service,ecs-fim-gate.service,ecs-fim-final.service,ecs-fim-compare.timer} | wc -l)"
check "rpm knows every file" rpm_root -V ecs-fim "ecs-fim-kmod-$release"
check "configuration is marked so" sh -c "rpm -qp --configfiles $work/old/ecs-fim-$version-1.*.rpm | grep -q config.yaml"

# ------------------------------------------------------------------------- upgrade
echo '# the owner was here' >>"$root/etc/ecs-fim/config.yaml"
printf 'evidence\n' >"$root/var/lib/ecs-fim/journal/00000001.ndjson"
printf 'evidence\n' >"$root/var/lib/ecs-fim/baseline.ndjson"
printf 'key\n' >"$root/etc/ecs-fim/trusted-keys.d/baseline.pem"
evidence() {
	[ "$(cat "$root/var/lib/ecs-fim/journal/00000001.ndjson" "$root/var/lib/ecs-fim/baseline.ndjson")" = "evidence
evidence" ] && one "/etc/ecs-fim/trusted-keys.d/baseline.pem"
}
check "a newer version takes its place" rpm_root -U "$work/new/ecs-fim-$newer-1."*.rpm "$work"/new/ecs-fim-kmod-*.rpm
check "and is it" says_version "$newer"
check "only it is there" sh -c "[ \"\$(rpm --root $root -q ecs-fim)\" = ecs-fim-$newer-1.$(uname -m) ]"
check "an upgrade leaves the evidence" evidence
check "and the owner's configuration" grep -q 'the owner was here' "$root/etc/ecs-fim/config.yaml"
check "and the units enabled" linked 6
check "an older version is refused" sh -c "! rpm --root $root -U $work/old/ecs-fim-$version-1.*.rpm"

# ------------------------------------------------------------------------- removal
rpm_root -e ecs-fim "ecs-fim-kmod-$release" >"$work/erase.log" 2>&1
check "it is removed" sh -c "cat $work/erase.log; ! rpm --root $root -q ecs-fim && ! test -e $root/usr/bin/ecs-fim"
check "removal leaves the evidence" evidence
check "and says so" grep -q 'they are evidence' "$work/erase.log"
check "and leaves no unit enabled" linked 0
check "and no module" sh -c "! test -e $root/lib/modules/$release/extra/ecs_fim.ko && ! grep -q ecs_fim $root/lib/modules/$release/modules.dep"
check "the configuration that the owner changed is kept aside" one "/etc/ecs-fim/config.yaml.rpmsave"
exit $status
