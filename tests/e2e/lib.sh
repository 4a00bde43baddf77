# SPDX-License-Identifier: Apache-2.0
# What a test script in tests/e2e or tests/vm/cases starts with:
#
#   source "$(dirname "$(realpath "$0")")/lib.sh"
#   plan 2                                    # how many cases it will report; dying before that is a failure
#   check "the daemon answers" curl ...       # one case: the command succeeds
#   wait_for 10 test -S "$socket" && ok "..." || not_ok "..."
#
# On a host and in a guest alike. There is no way to skip a case: a script that cannot run ends with `cannot_run
# REASON`, which fails the tier. The last line of a script is `finish`, whose status is the script's.
# shellcheck shell=bash
# shellcheck source=../../tools/lib.sh
set -euo pipefail
REPO=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
source "$REPO/tools/lib.sh"
E2E=$REPO/tests/e2e
CASE=$(basename "$0" .sh)
export NSWARDEN=${NSWARDEN:-$REPO/build/release/tools/nswarden}

# A folder of the script's own, short enough for sockets in it; gone when the script ends.
WORK=$(mktemp -d /tmp/nsw.XXXXXX)

not_ok_count=0
plan() { printf 'plan %d %s\n' "$1" "$CASE"; }
ok() { printf 'ok %s: %s\n' "$CASE" "$1"; }
not_ok() {
  printf 'not ok %s: %s\n' "$CASE" "$1"
  not_ok_count=$((not_ok_count + 1))
}
# More about what went wrong; indented, so that it is not taken for a result.
diag() { printf '  # %s\n' "${*//$'\n'/$'\n'  # }"; }
finish() { exit $((not_ok_count > 0)); }

# check NAME COMMAND...: a case that passes if COMMAND succeeds; its output is shown if not.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    ok "$name"
  else
    not_ok "$name"
    diag "$*"
    diag "$output"
  fi
}

# check_equal NAME WANTED GOT
check_equal() {
  if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1"; diag "wanted: $2"; diag "got:    $3"; fi
}

# wait_for SECONDS COMMAND...: try COMMAND until it succeeds; fails once SECONDS have passed. Its output is dropped. At first it
# looks often, then more and more rarely: where all is emulated, looking takes a third of the time from what is waited for.
wait_for() {
  local deadline=$((SECONDS + $1)) pause=2
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep "0.$pause"
    ((pause == 9)) || pause=$((pause + 1))
  done
}

# at_exit COMMAND...: run when the script ends, however it does; the last one first.
exit_commands=()
at_exit() { exit_commands+=("$(printf '%q ' "$@")"); }
run_exit_commands() {
  local status=$? index
  set +e
  for ((index = ${#exit_commands[@]} - 1; index >= 0; index--)); do eval "${exit_commands[index]}"; done
  rm -rf "$WORK"
  exit "$status"
}
trap run_exit_commands EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# start_dockerd: a private Docker daemon for this script, stopped when it ends; sets DOCKER_HOST and DOCKERD_PID.
start_dockerd() {
  at_exit "$E2E/dockerd" stop "$WORK/docker"
  local environment
  environment=$("$E2E/dockerd" start "$WORK/docker")
  eval "$environment"
}

# use_guest_docker: in a guest, its one Docker daemon, started by the first script that asks.
use_guest_docker() {
  "$REPO/tests/vm/guest-docker" >/dev/null
  export DOCKER_HOST=unix:///run/docker.sock
}
