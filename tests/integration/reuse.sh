#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Process ids that are used again and again: each change says itself who made it, and
# none may be given to another process.  Runs as root in a virtual machine made for it, in
# the folder that holds bin/ and ecs_fim.ko; prints TAP and figures.  The file "burst"
# holds how many thousand changes are made.

cd "$(dirname "$0")" || exit 1
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh
thousands=$(cat burst)

findings() { ecs-fim status --json | jq .findings; }
found() { [ "$(findings)" -ge "$1" ]; }

mkdir -p /etc/storm
watch_etc "docker_socket: '',"

ln bin/storm bin/storm-a
cp bin/storm bin/storm-b
first=$(findings)
echo 600 >/proc/sys/kernel/pid_max
for batch in $(seq 0 $((thousands * 2 - 1))); do
	bin/storm reuse /etc/storm $((batch * 50)) 50 10
	# It is attribution that is tried here, and not how much can wait.
	wait_until 300 found $((first + (batch + 1) * 500)) || break
done
all_records --type finding | python3 reuse.py "$(sha256sum bin/storm | cut -d' ' -f1)" >verdicts
grep -m 3 '^wrong' verdicts | sed 's/^/# /'
is "$((thousands * 1000)) changes by processes whose ids are used again: none is given to the wrong one" \
	"$(cut -f1 verdicts | cut -d' ' -f1 | sort | uniq -c | tr -s ' \n' ' ')" " $((thousands * 1000)) right "
most=$(cut -f2,3 verdicts | sort -u | cut -f1 | sort | uniq -c | sort -rn | awk 'NR == 1 {print $1}')
echo "# one id was that of $most processes"
is "ids were used again" "$((most > 1))" 1
is "arguments, captured in the kernel, are always there" "$(cut -f4 verdicts | sort -u)" True

end_well
