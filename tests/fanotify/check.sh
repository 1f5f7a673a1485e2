#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The module's test programs, run with the daemon's fanotify source in its place.
# What differs must be in tests/fanotify/known, with the reason; what is listed there
# and does not differ must go from it.
set -u

usage() {
	cat <<'USAGE'
usage: tests/fanotify/check.sh [--show] KERNEL

KERNEL   5.10, 6.1, 6.12 or newest, as tests/vm/fetch.sh knows them
--show   print the differences found in the form of the known list, compare nothing

Programs that test the module's device or its loading are not run: see known.
USAGE
}

cd "$(dirname "$0")/../.." || exit 1
show=
case ${1:-} in
--show) show=1 && shift ;;
--help | -h)
	usage
	exit 0
	;;
esac
[ $# -eq 1 ] || {
	usage >&2
	exit 2
}
kernel=$1
known=tests/fanotify/known
out=build/fanotify-$kernel-out
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT

make --no-print-directory -s build/libdaemon.a build/libfim.a || exit 1
programs=
for source in tests/kmod/test_*.c; do
	name=$(basename "$source" .c)
	grep -q "^$name \* " $known && continue
	programs="$programs $name"
	gcc -std=gnu11 -O2 -g -D_GNU_SOURCE -I. -Iuserspace/include -Wall -Wextra -Werror -o "$job/$name" \
		"$source" tests/kmod/fimtest.c tests/fanotify/shim.c \
		-Wl,--wrap=open,--wrap=ioctl,--wrap=read,--wrap=close,--wrap=_exit,--wrap=waitpid \
		build/libdaemon.a build/libfim.a \
		-laudit -lseccomp -lcrypto -ljansson -lyaml -lcurl -lpcre2-8 -lz -lpthread || exit 1
done
cat >"$job/run" <<GUEST
#!/bin/sh
for test in $programs; do
	timeout 120 ./\$test >out/\$test.tap 2>&1
	code=\$?
	case \$code in 0 | 1 | 4) ;; *) echo "# \$test: status \$code" >>out/\$test.tap ;; esac
done
GUEST
chmod +x "$job/run"
mkdir -p "$out"
rm -f "$out"/*.tap
tests/vm/run.sh --quiet --kernel "$kernel" --timeout 600 --job "$job" --out "$out" ||
	echo "not ok - the guest ran to its end"

# The differences: "PROGRAM NAME OF THE TEST", and programs that did not reach their plan.
for name in $programs; do
	sed -n "s/^not ok [0-9]* - /$name /p" "$out/$name.tap"
	grep -qE '^1\.\.[0-9]+$' "$out/$name.tap" || echo "$name did not run to its end"
done | sort >"$out/differences"
if [ "$show" ]; then
	cat "$out/differences"
	exit
fi
# Known: "PROGRAM [KERNELS] NAME # REASON"; kernels: a list with commas, * for all.
sed -nE "s/^(test_[a-z]+) \[(\*|[0-9a-z.,]*)\] (.*[^ ]) +# .+/\1\t\2\t\3/p" $known |
	awk -F '\t' -v kernel="$kernel" '$2 == "*" || index("," $2 ",", "," kernel ",") { print $1 " " $3 }' |
	sort >"$out/known"
same=$(cat "$out"/*.tap | grep -cE '^ok [0-9]+ - ')
echo "ok - $same tests of the module pass with fanotify as they are"
while IFS= read -r line; do
	echo "not ok - an unlisted difference: $line"
	program=${line%% *}
	grep -aFA8 -e "- ${line#* }" "$out/$program.tap" | cut -c1-400 | sed 's/^/# /'
done < <(comm -23 "$out/differences" "$out/known")
while IFS= read -r line; do
	echo "not ok - listed as a difference, and is none: $line"
done < <(comm -13 "$out/differences" "$out/known")
while IFS= read -r line; do
	echo "ok - known difference: $line"
done < <(comm -12 "$out/differences" "$out/known")
