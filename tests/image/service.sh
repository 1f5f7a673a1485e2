#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an operator does to a host that runs: the SSM documents' steps, an upgrade, removal.
# Of this boot nothing is kept. Sourced by guest.sh.
# shellcheck disable=SC2154 # set by guest.sh
lib=/var/lib/ecs-fim
wait_until 120 compared
check "the daemon is up" wait_until 60 ecs-fim status --json

# ---------------------------------------------------------------------- SSM documents
before=$(find $lib/final -name 'report-*' | wc -l)
check "SSM, report: its steps run" sh "$here/ssm-report"
is "and there is one report more" "$(find $lib/final -name 'report-*' | wc -l)" $((before + 1))
before=$(find $lib/final -name 'bundle-*.tar' | wc -l)
pid=$(daemon)
check "SSM, collect: its steps run" sh "$here/ssm-collect"
is "and there is one bundle more" "$(find $lib/final -name 'bundle-*.tar' | wc -l)" $((before + 1))
is "while the daemon runs on" "$(daemon)" "$pid"
check "the bundle is whole" sh -c "mkdir /run/bundle && cd /run/bundle &&
	tar -xf \"\$(ls -t $lib/final/bundle-*.tar | head -n 1)\" && ecs-fim fleet verify ."
baseline=$(sha256sum <$lib/baseline.ndjson)
check "SSM, rebaseline: its steps run" sh -c "sh $here/ssm-rebaseline >/run/rebaseline"
is "it prints the digest of the new baseline" "$(cut -d' ' -f1 /run/rebaseline)" \
	"$(sha256sum $lib/baseline.new.ndjson | cut -d' ' -f1)"
is "the one that is signed stays" "$(sha256sum <$lib/baseline.ndjson)" "$baseline"
check "and the daemon keeps to it" sh -c "ecs-fimd --check && ecs-fim status --json >/dev/null"
rm -f $lib/baseline.new.ndjson

# ---------------------------------------------------------------------------- upgrade
all >/run/journal.before
old=$(ecs-fim --version)
mark_journal
check "a newer version is installed" dpkg -i "$here"/newer/*.deb
check "and it is another one" sh -c "ecs-fim --version | grep -qvx '$old'"
wait_until 120 started_again "$pid"
is "the daemon is of the new version" "$(ecs-fim status --json | jq -r .version)" "$(ecs-fim --version | cut -d' ' -f2)"
check "the journal starts with what it was before" sh -c \
	"cat $journal/*.ndjson | head -c $(stat -c %s /run/journal.before) | cmp - /run/journal.before"
check "its chain goes on over the upgrade" ecs-fim journal verify
is "it has the old daemon's end" "$(count '.component == "daemon" and .state == "down"')" 1
check "the baseline, its signature and the key are as they were" sh -c \
	"[ '$baseline' = \"\$(sha256sum <$lib/baseline.ndjson)\" ] && openssl dgst -sha256 -verify \
	/etc/ecs-fim/trusted-keys.d/baseline.pem -signature $lib/baseline.sig $lib/baseline.ndjson"
wait_until 120 at_least '.path == "/usr/sbin/ecs-fimd"' 1
check "that our own programs were changed is told" at_least '.path == "/usr/sbin/ecs-fimd"' 1

# ---------------------------------------------------------------------------- removal
evidence() { [ -s $lib/baseline.ndjson ] && [ -s $lib/baseline.sig ] && ls $lib/final/bundle-*.tar &&
	cat "$journal"/*.ndjson | head -c "$(stat -c %s /run/journal.before)" | cmp - /run/journal.before; }
dpkg -r ecs-fim >/run/remove.log 2>&1
check "removal says that evidence stays" grep 'they are evidence' /run/remove.log
check "and it does" evidence
is "nothing of ours runs" "$(pgrep -c ecs-fimd)" 0
dpkg -P ecs-fim >/run/purge.log 2>&1
check "so does purging" grep 'they are evidence' /run/purge.log
check "and it does, too" evidence
check "purging removes the configuration" sh -c '! test -e /etc/ecs-fim/config.yaml'
dpkg -P "ecs-fim-kmod-$(uname -r)" >/run/purge-module.log 2>&1
check "and with its package the module is gone, and from modprobe's index" sh -c \
	"! test -e /lib/modules/$(uname -r)/extra/ecs_fim.ko && ! grep ecs_fim /lib/modules/$(uname -r)/modules.dep"
