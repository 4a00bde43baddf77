#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Five thousand threads that sleep in accept and are woken at once: each return is reported (L2). A kretprobe with the
# kernel's default pool would lose nearly all of them.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS="accept"
export NSWARDEN_START_DEADLINE=300
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
CROWD=${NSWARDEN_CROWD:-5000}
plan 3

use_guest_docker
"$E2E/image" acts/crowd
mkdir -p "$POLICIES"
check_engine "the engine starts"
check "a crowd waits, and is woken" docker run --rm --name crowd --network none -v "$ACTS:/program:ro" acts/crowd /program crowd "$CROWD"

returned() { history_rows --container crowd --event accept --limit 0 | jq -s 'map(select(.result == -22) | .count) | add // 0'; }
all_returned() { [[ $(returned) == "$CROWD" ]]; }
wait_for 60 all_returned || true
check_equal "every return is reported (L2)" "$CROWD" "$(returned)"
finish
