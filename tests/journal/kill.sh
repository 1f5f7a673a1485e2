#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill.sh N: N times, 8 writers append and are killed (SIGKILL) at a random moment, also while
# they start. Every alert that left is in the journal, which verifies but for a torn last line;
# the next start cuts that and says so. Each journal lives through ten kills; after one of them
# half a line is added, as a write(2) that was interrupted would leave it. Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
kills=${1:-20}
make --no-print-directory -s all build/journal-bin/load || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/journal/judge.sh
. tests/journal/judge.sh

bad=0 alerts=0
for ((i = 0; i < kills; i++)); do
	dir=$work/$((i / 10))
	if ((i % 10 == 0)); then
		rm -rf "${work:?}"/*
		new_journal "$dir"
	fi
	"$load" write "$dir" "$dir.alerts" 0 2>"$dir.err" &
	pid=$!
	sleep "0.$(printf %03d $((RANDOM % 400)))"
	kill -KILL $pid
	wait $pid 2>/dev/null
	[ $? -eq 137 ] || { echo "# kill $i: the writers had ended: $(cat "$dir.err")" && bad=$((bad + 1)); }
	touch "$dir.alerts"
	((i % 10 != 5)) || printf '%s' '{"seq":99999,"time":"2026-01-01T00:00:00.000000000Z","boot' >>"$dir/journal.ndjson"
	judge "$dir" "$dir.alerts" >"$work/said"
	[ ! -s "$work/said" ] || { sed "s/^/# kill $i: /" "$work/said" && bad=$((bad + 1)); }
	((i % 10 != 9 && i + 1 != kills)) || alerts=$((alerts + $(wc -l <"$dir.alerts")))
done
[ $torn_seen -ge $(((kills + 4) / 10)) ] || bad=$((bad + 1))
report $bad "$kills kills: each of $alerts alerts is in the journal, which verifies ($torn_seen torn last lines, all declared)"

# Would a loss be seen? Without the last record, and with one that was never written.
sed -i '$d' "$dir/journal.ndjson" && "$load" check "$dir" <(tail -n +1 "$dir.alerts"; echo "99999999 $(printf x | sha256sum | cut -c1-64)") >/dev/null
report $(($? != 3)) "an alert that is not in the journal is missed"
"$fim" journal verify --key "$dir.key" "$dir" >/dev/null 2>&1
report $(($? != 3)) "so is a record cut off the end"
echo "1..$number"
