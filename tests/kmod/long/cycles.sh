#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: cycles.sh COUNT
# Load, watch, unload the module COUNT times, while others write, mount and
# unmount, and start containers if there is a Docker.

cd "$(dirname "$0")" || exit 1
pids=
# Kill what runs in the background, and what it started.
end()
{
	for pid in $pids; do
		kill -KILL -- "-$pid" 2>/dev/null
	done
}

background()
{
	setsid sh -c "$1" >/dev/null 2>&1 &
	pids="$pids $!"
}

background 'mkdir -p /mnt/t; while :; do
	mount -t tmpfs tmpfs /mnt/t && mkdir /mnt/t/etc && echo x >/mnt/t/etc/file
	umount /mnt/t; done'
background 'mkdir -p /var/ovl/l/etc /var/ovl/u /var/ovl/w /mnt/o; echo x >/var/ovl/l/etc/file; while :; do
	mount -t overlay -o lowerdir=/var/ovl/l,upperdir=/var/ovl/u,workdir=/var/ovl/w overlay /mnt/o
	echo y >>/mnt/o/etc/file; rm -f /mnt/o/etc/file; umount /mnt/o; done'
background 'truncate -s 16M /var/loop.img; mkfs.ext4 -q /var/loop.img; mkdir -p /mnt/l; while :; do
	mount -o loop /var/loop.img /mnt/l; mkdir -p /mnt/l/etc; echo x >/mnt/l/etc/file; umount /mnt/l; done'
if /usr/lib/ecs-fim-test/start-docker >/dev/null 2>&1 &&
	docker import -c 'CMD ["/bin/sh"]' /usr/share/ecs-fim-test/busybox.tar busybox >/dev/null; then
	background 'while :; do docker run --rm --network none busybox touch /usr/bin/x; echo >>/run/containers; done'
else
	echo '# no Docker in this guest: no containers'
fi
./test_reload ecs_fim.ko "$1"
status=$?
end
[ ! -e /run/containers ] || echo "# $(wc -l </run/containers) containers came and went meanwhile"
exit $status
