#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/lint/format.sh [--write]
# Refuses (or with --write rewrites) C sources that clang-format 14 would change.
set -eu
cd "$(dirname "$0")/../.."
mapfile -t files < <(find kmod userspace tests -name '*.[ch]' -type f | sort)
if [ "${1:-}" = --write ]; then
	exec clang-format-14 -i "${files[@]}"
fi
exec clang-format-14 --dry-run -Werror --ferror-limit=3 "${files[@]}"
