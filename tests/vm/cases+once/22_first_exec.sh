#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A container's policies are in force at its first instruction: its first program waits for them, not for ever; here, what nobody
# decides on is refused. That otherwise a stopped daemon holds up nobody is in cases/20_enforce.sh.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS=accept
SETTINGS=$'hold: 10s\nunbound: closed' # where all is emulated a decision takes its time
export NSWARDEN_START_DEADLINE=300 NSWARDEN_ALERT_DEADLINE=60
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
plan 6

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

# runs PROGRAM...: as the first of a container.
runs() {
  timeout 120 docker run --rm --network none -v "$ACTS:/forbidden:ro" demo/first "$@" 2>&1
}
refused() {
  local said
  said=$(runs /forbidden count) && return 1
  [[ $said == *'operation not permitted'* ]] || { echo "$said"; return 1; }
}

check_engine "the engine starts"
check "the first program of a container is judged (I7)" refused
check "a program that may run does" runs /bin/true
check_equal "nothing else was refused" 1 "$(alerts '.verdict == "denied"')"
kill -STOP "$ENGINE_PID"
check "while the engine is stopped, a container does not start, as was asked for" eval '! runs /bin/true'
kill -CONT "$ENGINE_PID"
check "... which is told of when it goes on" alerts_become 1 '.verdict == "denied" and .rule == "container without a decision"'
finish
