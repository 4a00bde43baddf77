#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A container's policies are in force at its first instruction: its first program waits for them, not for ever. That a stopped
# daemon holds up nobody unless it is asked to is in 20_enforce.sh.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
export NSWARDEN_START_DEADLINE=300 NSWARDEN_ALERT_DEADLINE=60
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
plan 8

use_guest_docker
"$E2E/image" demo/first
mkdir -p "$POLICIES"
cat >"$POLICIES/first.yaml" <<'POLICY'
nswarden: 1
policy: first
images: [demo/first]
mode: enforce
deny:
  exec: [/forbidden]
POLICY
# Where all is emulated a decision takes its time.
printf 'history: {events: [accept]}\nhold: 10s\nunbound: closed\n' >"$WORK/config.yaml"

# runs PROGRAM...: as the first of a container.
runs() {
  timeout 120 docker run --rm --network none -v "$ACTS:/forbidden:ro" demo/first "$@" 2>&1
}
refused() {
  local said
  said=$(runs /forbidden count) && return 1
  [[ $said == *'operation not permitted'* ]] || { echo "$said"; return 1; }
}
several() {
  local pids=() pid
  for _ in 1 2 3 4; do refused & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}
denied='.verdict == "denied" and .rule == "first/exec//forbidden"'

check_engine "the engine starts" --config "$WORK/config.yaml"
check "the first program of a container is judged (I7)" refused
check "... of several at once" several
check "... is alerted on, each once" alerts_become 5 "$denied"
check "a program that may run does" runs /bin/true
check_equal "nothing else was refused" 5 "$(alerts '.verdict == "denied"')"
kill -STOP "$ENGINE_PID"
check "while the engine is stopped, a container does not start, as was asked for" eval '! runs /bin/true'
kill -CONT "$ENGINE_PID"
check "... which is told of when it goes on" alerts_become 1 '.verdict == "denied" and .rule == "container without a decision"'
finish
