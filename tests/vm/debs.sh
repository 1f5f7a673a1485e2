#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   debs.sh
#
# Fetch packages for the guest, which has no network, into the cache and print the
# folder: old/ is what is there at first (an older version of each that has one), new/
# what is installed and upgraded then, tools/ what judges, engines/ what runs containers
# besides Docker.
# Looked up once: remove the folder to get newer ones.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/common.sh disable=SC1091
. "$here/common.sh"

suite=bookworm
upgrade='unzip zip openssl libssl3 xz-utils liblzma5 curl libcurl4'
install='tree bc file libmagic1 libmagic-mgc patch nano less'
tools='aide libmhash2'
engines='podman crun conmon golang-github-containers-common golang-github-containers-image
netavark libgpgme11 libassuan0 libglib2.0-0 libsubid4 libyajl2'

# get FOLDER first|last PACKAGE...: the newest or the oldest version of each. Every call of
# apt reads all lists, so there are few.
get()
{
	folder=$1 which=$2
	shift 2
	mkdir -p "$folder"
	# shellcheck disable=SC2046 # words
	set -- $(apt_run apt-cache madison "$@" | awk -v which="$which" '
		!(($1, $3) in seen) { seen[$1, $3] = 1; if (which == "last" || !($1 in version)) version[$1] = $3 }
		END { for (name in version) print name "=" version[name] }')
	(cd "$folder" && apt_run apt-get -qq download "$@" >&2) || die "cannot download: $*"
}

key=$(echo "$upgrade $install $tools $engines" | sha256sum | cut -c1-12)
debs=$ECS_FIM_CACHE/debs-$key
lock debs
if [ ! -e "$debs" ]; then
	rm -rf "$debs.tmp"
	say 'fetching packages to install, to upgrade and to run containers'
	apt_open debs $suite $suite-updates $suite-security
	# shellcheck disable=SC2086 # lists
	get "$debs.tmp/new" first $upgrade $install
	# shellcheck disable=SC2086
	get "$debs.tmp/old" last $upgrade
	# shellcheck disable=SC2086
	get "$debs.tmp/tools" first $tools
	# shellcheck disable=SC2086
	get "$debs.tmp/engines" first $engines
	apt_close
	mv "$debs.tmp" "$debs"
fi
echo "$debs"
