# SPDX-License-Identifier: Apache-2.0
# Completion for bash. What there is to complete is asked of the program's own help, so that it is never behind.
# shellcheck shell=bash

_nswarden_verbs() {
  nswarden --help 2>/dev/null | awk '/^Subcommands:/ {on = 1; next} on && $1 {print $1}'
}

_nswarden_options() { # VERB
  nswarden "$1" --help 2>/dev/null | grep -Eo '^ +(-[^ ]+)' | tr -s ' ,' '\n\n'
}

_nswarden() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$(_nswarden_verbs) --help --version" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_nswarden_options "${COMP_WORDS[1]}")" -- "$word")
  else
    case $before in
      --output)
        mapfile -t COMPREPLY < <(compgen -W "$(nswarden "${COMP_WORDS[1]}" --help 2>/dev/null |
          sed -n 's/^ *--output[^{]*{\([^}]*\)}.*/\1/p' | tr ',' ' ')" -- "$word")
        ;;
      --verdict) mapfile -t COMPREPLY < <(compgen -W "denied would_deny" -- "$word") ;;
      *) compopt -o default ;; # files
    esac
  fi
}

complete -F _nswarden nswarden
