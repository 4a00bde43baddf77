# SPDX-License-Identifier: Apache-2.0
# Containers of a runtime whose acts are told to a shell in them. Sourced after e2e/lib.sh.
# shellcheck shell=bash

# container NAME IMAGE: a shell in it is its first process, and does what `in_container` gives it: where all is emulated a
# `docker exec` takes seconds.
declare -A shells=()
container() {
  local shell
  mkfifo "$WORK/$1.in"
  docker run -i --name "$1" --network none "$2" /bin/sh <"$WORK/$1.in" >>"$WORK/$1.out" 2>&1 &
  exec {shell}>"$WORK/$1.in"
  shells[$1]=$shell
  says '^status 0$' "$1" true
}
# in_container CONTAINER COMMAND...: what it printed, then `status N`.
in_container() {
  : >"$WORK/$1.out"
  printf '( %s ) 2>&1 </dev/null; echo "status $?"\n' "$(printf '%q ' "${@:2}")" >&"${shells[$1]}"
  wait_for 120 grep -q '^status ' "$WORK/$1.out" || true
  cat "$WORK/$1.out"
}
# says PATTERN CONTAINER COMMAND...
says() {
  local output
  output=$(in_container "${@:2}")
  grep -qiE "$1" <<<"$output" || { echo "$output"; return 1; }
}
# EPERM, as the program in the container saw it.
refused() { says 'operation not permitted' "$@"; }
allowed() { says '^status 0$' "$@"; }
