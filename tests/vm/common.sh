# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Sourced by the scripts of this folder: the cache, messages, a private apt.

ECS_FIM_CACHE=${ECS_FIM_CACHE:-/var/cache/ecs-fim}
ECS_FIM_MIRROR=${ECS_FIM_MIRROR:-http://deb.debian.org/debian}
ECS_FIM_MIRROR_SECURITY=${ECS_FIM_MIRROR_SECURITY:-http://deb.debian.org/debian-security}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
self=${0##*/}
case $ECS_FIM_CACHE in
/*) ;;
*) ECS_FIM_CACHE=$PWD/$ECS_FIM_CACHE ;;
esac

say()
{
	echo "$self: $*" >&2
}

# 125 for every failure of the harness itself, so that no caller takes it for
# the status of a job.
die()
{
	say "$*"
	exit 125
}

# Two runs may need the same missing piece: one makes it, the other waits.
lock()
{
	mkdir -p "$ECS_FIM_CACHE" || die "cannot write to the cache $ECS_FIM_CACHE"
	exec 9>"$ECS_FIM_CACHE/$1.lock"
	flock 9
}

unlock()
{
	exec 9>&-
}

# sources SUITE...: sources.list lines.
sources()
{
	for suite; do
		case $suite in
		*-security) mirror=$ECS_FIM_MIRROR_SECURITY ;;
		*) mirror=$ECS_FIM_MIRROR ;;
		esac
		echo "deb [signed-by=$keyring] $mirror $suite main"
	done
}

# debian_root NAME WHAT PACKAGES: path of a root (tar.zst) with these, built when the cache has none.
debian_root()
{
	root_path=$ECS_FIM_CACHE/$1-$(printf '%s' "$3" | sha256sum | cut -c1-12).tar.zst
	lock "$1"
	if [ ! -e "$root_path" ]; then
		say "$2"
		root_tmp=$(mktemp -d)
		sources bookworm bookworm-updates bookworm-security |
			mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
				--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
				--dpkgopt='path-exclude=/usr/share/locale/*' \
				--include="$(printf '%s' "$3" | tr -s ' \n\t' ,)" bookworm "$root_tmp/root.tar" - >&2
		zstd -q -3 -T0 --rm "$root_tmp/root.tar" -o "$root_path.new"
		mv "$root_path.new" "$root_path"
		rmdir "$root_tmp"
	fi
	unlock
	echo "$root_path"
}

# Architectures whose packages apt_run knows, the machine's own first.
apt_archs=amd64

# apt_open NAME SUITE...: an apt that knows only these suites and keeps its
# state in the cache, so that the machine's own apt never hears of them. It is
# for one use between lock and unlock, then apt_close.
apt_open()
{
	apt_dir=$ECS_FIM_CACHE/apt-$1
	shift
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/archives/partial"
	sources "$@" >"$apt_dir/sources.list"
	: >"$apt_dir/status"
	# A mirror in the middle of an update fails for a moment only.
	apt_run apt-get -qq update >&2 || { sleep 5; apt_run apt-get -qq update >&2; } ||
		die "apt-get update failed for: $*"
}

apt_close()
{
	rm -rf "$apt_dir"
}

# apt_run TOOL ARG...: no Valid-Until, because the archive stops renewing the
# Release files of old suites (5.10 lives in one).
apt_run()
{
	tool=$1
	shift
	# shellcheck disable=SC2046 # words
	"$tool" $(printf ' -o APT::Architectures::=%s' $apt_archs) -o Dir::State="$apt_dir" -o Dir::State::lists="$apt_dir/lists" \
		-o Dir::State::status="$apt_dir/status" \
		-o Dir::Cache="$apt_dir" -o Dir::Cache::archives="$apt_dir/archives" \
		-o Dir::Etc::sourcelist="$apt_dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none \
		-o Acquire::Retries=3 -o APT::Update::Error-Mode=any \
		-o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		"$@"
}
