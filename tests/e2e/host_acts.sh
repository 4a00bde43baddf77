#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Acts of the table in tests/acts on this very kernel, whatever it gives: those that need no rights beyond a container's and no
# program on a function. tests/vm/cases/40_acts.sh performs all of them. NSWARDEN_ACTS names others, for looking by hand.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
ACTS=$REPO/build/release/tests/acts/nsw_acts
default="end-status end-signal end-fault execve-terminal fork int80-clone int80-clone-refused int80-chown16
  int80-setuid16 int80-setuid16-none int80-setgid16 int80-setfsuid16 int80-setfsgid16 int80-setreuid16 int80-setregid16
  int80-setresuid16 int80-setresgid16"
read -r -d '' -a acts <<<"${NSWARDEN_ACTS-$default}" || true
plan $((${#acts[@]} + 3))

start_dockerd
"$E2E/image" acts/busybox
mkdir -p "$POLICIES"
"$ACTS" policy >"$POLICIES/acts.yaml"
check_engine "the engine starts"

# Docker's filter of system calls would turn some of them down before they are any act.
perform() {
  docker run --rm --name acts --network none --security-opt seccomp=unconfined -v "$ACTS:/program:ro" acts/busybox /program run /srv "${acts[@]}" >"$WORK/run"
}
told() { [[ $(alerts '.output_fields["evt.type"] == "procexit" and .output_fields["proc.vpid"] == 1') == 1 ]]; }

check "the acts are performed" perform
check "the last event has come" wait_for 30 told
"$ACTS" check "$ALERTS" "$WORK/run" >"$WORK/result" || true
sed -E "s|^(ok\|not ok) |\1 $CASE: |" "$WORK/result"
! grep -q '^not ok' "$WORK/result" || not_ok_count=1
finish
