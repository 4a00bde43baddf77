#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel's verdicts are those of the user-space matcher: 100,000 random pairs of a plan and a file or an address.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
CHECK=${NSWARDEN_VERDICT_DIFFERENTIAL:-$REPO/build/release/tests/nsw_verdict_differential}
seed=${NSWARDEN_SEED:-$(date +%s)}

plan 2
status=0
"$CHECK" "$WORK/v" "$seed" 750 >"$WORK/results" 2>&1 || status=$?
pairs=$(awk '$1 == "ok" { print $2 }' "$WORK/results")
check_equal "all pairs are equal (seed $seed)" 0 "$status"
if ((${pairs:-0} >= 100000)); then ok "they are 100,000 or more"; else not_ok "they are 100,000 or more"; diag "$(tail -n 40 "$WORK/results")"; fi
finish
