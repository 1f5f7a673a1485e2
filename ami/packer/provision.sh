#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: provision.sh install DIR | seal POLICY | attach SIGNATURE
#
# What happens on the instance that becomes the image; called by ecs-fim.pkr.hcl and, on a
# fork of amazon-ecs-ami, by its own template.
#
#	install  DIR holds packages and baseline.pem, the public key: before the reboot
#	seal     literally last: takes the baseline and prints its SHA-256, which leaves the
#	         image to be signed
#	attach   puts the signature beside it, outside of what the baseline covers
set -eu

lib=/var/lib/ecs-fim
keys=/etc/ecs-fim/trusted-keys.d

install_packages() {
	if command -v dnf >/dev/null; then
		dnf install -y "$1"/*.rpm >&2
	elif command -v yum >/dev/null; then
		yum localinstall -y "$1"/*.rpm >&2
	else
		dpkg -i "$1"/*.deb >&2
	fi
	install -D -m 0644 "$1/baseline.pem" "$keys/baseline.pem"
}

seal() {
	ecs-fim baseline create --root / --policy "$1" -o "$lib/baseline.ndjson" --quiet >&2
	sync
	sha256sum "$lib/baseline.ndjson" | cut -d' ' -f1
}

attach() {
	install -m 0600 "$1" "$lib/baseline.sig"
	openssl dgst -sha256 -verify "$keys/baseline.pem" -signature "$lib/baseline.sig" "$lib/baseline.ndjson" >&2
	ecs-fimd --check >&2
	sync
}

case "${1:-}:$#" in
install:2) install_packages "$2" ;;
seal:2) seal "$2" ;;
attach:2) attach "$2" ;;
*)
	sed -n '3s/^# //p' "$0" >&2
	exit 2
	;;
esac
