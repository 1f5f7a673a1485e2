#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# In the guest, on the boot that makes the image: what Packer's provisioners do.
# shellcheck disable=SC2154 # set by guest.sh
provision=/root/provision.sh
check "the packages install" $provision install /root/debs
check "nothing runs yet: there is no baseline" sh -c '! systemctl is-active -q ecs-fimd'
check "an upgrade to the same version keeps the units enabled" \
	sh -c 'dpkg -i /root/debs/ecs-fim_*.deb && systemctl is-enabled ecs-fimd'
# The clean-up of an image, before the last step.
rm -rf /root/debs /var/log/journal/* /tmp/*
: >/etc/machine-id
digest=$($provision seal /usr/share/ecs-fim/baselines/debian-12.yaml)
check "the last step gives a digest" test ${#digest} -eq 64
ask "digest $digest"
echo "$answer" | base64 -d >/run/baseline.sig
check "the signature that came back is accepted" $provision attach /run/baseline.sig
