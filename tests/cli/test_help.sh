# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What --help says of a command is in its manual page as well.
options() { grep -oE -- '(^|[^[:alnum:]_-])--[a-z][a-z0-9-]*' | grep -oE -- '--.*' | sort -u; }
# shellcheck disable=SC2154 # check.sh sets them
for name in $("$fim" --help | sed -n 's/^  \([a-z][a-z-]*\)   *[a-z].*/\1/p'); do
	page=$top/userspace/man/ecs-fim-$name.1
	case $name in
	alerts | close) page=$top/userspace/man/ecs-fim-ack.1 ;;
	esac
	[ -e "$page" ] || page=$top/userspace/man/ecs-fim.1
	# What follows -- is an example's own command.
	"$fim" "$name" --help | sed 's/ -- .*//' | options >said
	sed 's/\\-/-/g' "$page" | options >written
	is "every option of $name is in ${page##*/}" "$(comm -23 said written)" ""
	is "$name is named in ecs-fim.1" "$(sed 's/\\-/-/g' "$top/userspace/man/ecs-fim.1" | grep -cwF -- "$name" | sed 's/[1-9].*/some/')" some
done
