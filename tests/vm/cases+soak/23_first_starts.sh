#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A thousand starts of what is forbidden, and as many of what is not, by runc itself (tests/vm/first_starts_lib.sh).
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
: "${NSWARDEN_STARTS:=1000}"
source "$REPO/tests/vm/first_starts_lib.sh"
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
plan 8

# They share their root, but for /dev: each makes links in it.
mkdir -p "$WORK"/{state,root/{proc,dev}}
for program in forbidden allowed; do
  cp "$ACTS" "$WORK/root/$program"
  mkdir "$WORK/$program"
  jq -n --arg root "$WORK/root" --arg program "/$program" '{ociVersion: "1.0.2",
    process: {args: [$program, "idle"], cwd: "/", user: {uid: 0, gid: 0}}, root: {path: $root},
    mounts: [{destination: "/proc", type: "proc", source: "proc"}, {destination: "/dev", type: "tmpfs", source: "tmpfs"}],
    linux: {namespaces: [{type: "pid"}, {type: "mount"}]}}' >"$WORK/$program/config.json"
done
# No pivot_root: a guest's root is its first.
run_container() { runc --root "$WORK/state" run --no-pivot --bundle "$WORK/$1" "$2"; }

first_starts
check_equal "no container is left" "" "$(runc --root "$WORK/state" list -q)"
finish
