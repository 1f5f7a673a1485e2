#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules that a compiler does not know, one TAP line each.
# shellcheck disable=SC2317 # functions are called through rule()
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0

# $1: the rule; the rest: a command that prints what breaks it and fails.
rule() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok - $name"
	else
		echo "not ok - $name"
		printf '%s\n' "$out" | head -n 40 | sed 's/^/# /'
		status=1
	fi
}

# Turns "grep found something" into a failure.
none() {
	! "$@"
}

sources() {
	find .ci Makefile Kbuild kmod userspace baselines rules ami tests \
		-type f ! -path 'tests/fuzz/corpus/*' ! -path 'tests/data/*' ! -name '*.md' "$@"
}

top_level() {
	local allowed=" Kbuild Makefile kmod userspace baselines rules ami tests README.md build " name
	for name in *; do
		case $name in
		LICENSE*) ;;
		*) [[ $allowed == *" $name "* ]] || {
			echo "unexpected at the top level: $name"
			return 1
		} ;;
		esac
	done
}

spdx() {
	local file bad=0
	while IFS= read -r file; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ' || {
			echo "$file: no SPDX-License-Identifier in its first lines"
			bad=1
		}
	done < <(sources)
	return "$bad"
}

licences() {
	local bad=0
	grep -LE '^(/\*|//|#) SPDX-License-Identifier: GPL-2.0-only' kmod/*.[ch] kmod/Kbuild Kbuild | grep . && bad=1
	grep -rLE 'SPDX-License-Identifier: Apache-2.0' --include='*.[ch]' userspace | grep . && bad=1
	return "$bad"
}

scripts() {
	local file
	sources -print0 | while IFS= read -r -d '' file; do
		head -c 64 "$file" | head -n 1 | grep -qE '^#!.*\b(ba)?sh\b' && printf '%s\0' "$file"
	done | xargs -0 shellcheck -x
}

kernel_doc() {
	local kernel
	kernel=$(tests/vm/fetch.sh kernel 6.1) || return 1
	perl "$(find -L "$kernel" -path '*/scripts/kernel-doc' | head -n 1)" -none -Werror \
		kmod/uapi/ecs_fim.h kmod/*.[ch] userspace/include/*.h
}

sparse_module() {
	rm -rf build/lint-kmod
	tests/kmod/build.sh 6.1 build/lint-kmod C=2 CHECK=sparse
}

# $1: header regex; the rest: the only files that may include it.
only_in() {
	local header=$1 found
	shift
	found=$(grep -rlE "#include <$header" --include='*.[ch]' userspace) || return 0
	for found in $found; do
		[[ " $* " == *" $found "* ]] || {
			echo "$found includes <$header>; only $* may"
			return 1
		}
	done
}

third_party() {
	only_in 'openssl/' userspace/lib/crypto.c &&
		only_in 'jansson' userspace/lib/json.c &&
		only_in 'yaml' userspace/lib/yaml.c userspace/lib/rules_yaml.c &&
		only_in 'pcre2' userspace/lib/regex.c &&
		only_in 'zlib' userspace/lib/gzip.c &&
		only_in 'curl/' userspace/lib/curl.h &&
		only_in 'sqlite3' userspace/lib/fleet_db.c &&
		only_in 'libaudit' userspace/daemon/sink_audit.c
}

arrows() {
	! grep -nE '#include "([a-z./]*(daemon|cli)/|[a-z./]*(lib|rules)_private|[a-z./]*lib/)' \
		userspace/cli/*.[ch] userspace/daemon/*.[ch] &&
		! grep -nE '#include "[a-z./]*(daemon|cli)/' userspace/lib/*.[ch] &&
		! grep -nE '#include "(\.\./)*userspace' kmod/*.[ch]
}

symbols() {
	make --no-print-directory build/libfim.a >/dev/null &&
		none grep -vE ' fim_' <(nm -g --defined-only build/libfim.a | grep -E ' [A-Z] ')
}

kernel_versions() {
	none grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' kmod/*.c kmod/ecs_fim.h
}

no_shell() {
	none grep -rnE '\b(system|popen|execlp|execvp)\(' --include='*.[ch]' userspace
}

unfinished() {
	none grep -rnE '\b(TODO|FIXME|XXX)\b' kmod userspace tests/unit tests/kmod tests/fuzz --include='*.[ch]'
}

man_pages() {
	local page bad=0 out
	for page in userspace/man/*.[1-9]; do
		out=$(mandoc -T lint -W warning "$page") || {
			echo "$out"
			bad=1
		}
		out=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
		[ -z "$out" ] || {
			echo "$out"
			bad=1
		}
	done
	return "$bad"
}

rule 'the top level is what README says' top_level
rule 'every file names its licence' spdx
rule 'module and userspace carry their own licences' licences
rule 'C sources are formatted (make fmt)' tests/lint/format.sh
rule 'shell scripts pass shellcheck' scripts
rule 'kernel-doc comments are complete' kernel_doc
rule 'the module is clean under sparse and W=1' sparse_module
rule 'each third-party library lives behind one file' third_party
rule 'includes point from cli and daemon to lib to uapi' arrows
rule 'every symbol of the library starts with fim_' symbols
rule 'kernel versions are known in compat.h only' kernel_versions
rule 'no program is run through a shell' no_shell
rule 'nothing is marked unfinished' unfinished
rule 'manual pages have no warning' man_pages
echo '1..14'
exit $status
