#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# In the guest, on the boot that Packer's last step tests: what SSM was told to run.
# Sourced by guest.sh.
# shellcheck disable=SC2154 # set by guest.sh
ask command
echo "$answer" | base64 -d >/run/command
sh /run/command >/run/command.out 2>&1
echo "# status $?"
sed 's/^/# | /' /run/command.out
