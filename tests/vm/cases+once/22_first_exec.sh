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
plan 11

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

# runs PROGRAM...: as the first of a container, with the options of docker's in `options`.
options=()
runs() {
  timeout 120 docker run --rm --network none "${options[@]}" -v "$ACTS:/forbidden:ro" demo/first "$@" 2>&1
}
refused() {
  local said
  said=$(runs /forbidden count) && return 1
  [[ $said == *'operation not permitted'* ]] || { echo "$said"; return 1; }
}

check_engine "the engine starts"
check "the first program of a container is judged (I7)" refused
check "a program that may run does" runs /bin/true
options=(--pid host)
check "... so it is where the container has the host's PID namespace (I7)" refused
check "... and one that may run does" runs /bin/true
options=()
check_equal "nothing else was refused" 2 "$(alerts '.verdict == "denied"')"
kill -STOP "$ENGINE_PID"
check "while the engine is stopped, a container does not start, as was asked for" eval '! runs /bin/true'
# Services of the host, as systemd's PrivateTmp= and RootDirectory= make them.
mkdir "$WORK/root"
cp /bin/busybox "$WORK/root"
began=$SECONDS
check "... a service of the host with a mount namespace of its own does" timeout 60 unshare --mount /bin/sh -c 'mount -t tmpfs tmpfs /mnt && exec /bin/true'
check "... at once" eval '((SECONDS - began < 8))'
check "... and so does one with a root of its own, if not at once" timeout 60 unshare --mount chroot "$WORK/root" /busybox true
kill -CONT "$ENGINE_PID"
check "... which is told of when it goes on" alerts_become 1 '.verdict == "denied" and .rule == "container without a decision"'
finish
