# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Commands and options are asked from ecs-fim itself, so that they are never old.
_ecs_fim() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=() i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in -*) ;; *) words+=("${COMP_WORDS[i]}") ;; esac
	done
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(ecs-fim "${words[@]:0:2}" --help 2>/dev/null |
			grep -oE -- '--[a-z][a-z-]+' | sort -u)" -- "$cur")
	elif [[ ${#words[@]} -eq 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(ecs-fim --help 2>/dev/null |
			sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		if [[ ${#words[@]} -eq 1 ]]; then
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(ecs-fim "${words[0]}" --help 2>/dev/null |
				sed -nE "s/^( *|usage: *)ecs-fim ${words[0]} ([a-z]+) .*/\2/p" | sort -u)" -- "$cur")
		fi
	fi
}
complete -o filenames -F _ecs_fim ecs-fim
