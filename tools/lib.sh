# SPDX-License-Identifier: Apache-2.0
# Helpers of the scripts in tools/ and tests/; sourced, never run. Bash, under `set -euo pipefail`.
# shellcheck shell=bash

# The folder of downloads and whatever else is dear to make again; safe to delete.
NSWARDEN_CACHE=${NSWARDEN_CACHE:-/var/cache/nswarden}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# Exit status of a test script that cannot do its work here; it says why on a line `cannot run: REASON`.
CANNOT_RUN=77
cannot_run() { printf 'cannot run: %s\n' "$*"; exit "$CANNOT_RUN"; }

# retry TIMES COMMAND...: until COMMAND succeeds, with a growing pause; its last status.
retry() {
  local times=$1 try status=0
  shift
  for ((try = 1; try <= times; try++)); do
    "$@" && return 0 || status=$?
    ((try < times)) && { say "attempt $try of $times failed ($status): $*"; sleep $((try * 3)); }
  done
  return "$status"
}

# Those missing among the packages named, one a line. No network, no lock.
missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' || true)
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$installed")
}

# compile_alike FOLDER: let ccache know the files beneath FOLDER again wherever it lies, be it a checkout or a copy, and
# whatever the language of the messages.
compile_alike() { export CCACHE_BASEDIR=$1 CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=locale; }

# configure_and_build PRESET [NINJA_TARGET...]: into build/PRESET. The array `under` may name a command to run it under.
configure_and_build() {
  local preset=$1
  shift
  compile_alike "$PWD"
  "${under[@]}" cmake --preset "$preset" >/dev/null || return
  "${under[@]}" cmake --build "build/$preset" -j "$(nproc)" ${1+--target "$@"}
}
under=()

# run_logged LIMIT LOG PREFIX COMMAND...: COMMAND with a time limit (of timeout(1)) and no input, its output in LOG and, as
# it comes, on stdout, results named with PREFIX. Returns its status. If we are told to end, it is told too, and waited
# for; what it left running cannot hold us up.
run_logged() {
  local limit=$1 log=$2 prefix=$3 child reader status=0
  shift 3
  : >"$log"
  timeout --kill-after=60 "$limit" "$@" </dev/null >"$log" 2>&1 &
  child=$!
  tail -n +1 -s 0.2 -f --pid="$child" "$log" | sed -u -E "s|^(ok\|not ok\|plan [0-9]+) |\\1 $prefix|" &
  reader=$!
  # shellcheck disable=SC2064
  trap "kill $child; wait $child; exit 143" INT TERM
  wait "$child" || status=$?
  wait "$reader" || true
  trap - INT TERM
  return "$status"
}
