#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Thirty starts of what is forbidden, and as many of what is not, by dockerd (tests/vm/first_starts_lib.sh).
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
: "${NSWARDEN_STARTS:=30}"
source "$REPO/tests/vm/first_starts_lib.sh"
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
plan 8

use_guest_docker
"$E2E/image" demo/first
run_container() { timeout 600 docker run --rm --network none --name "$2" -v "$ACTS:/$1:ro" demo/first "/$1" idle; }

first_starts
check_equal "no container is left" "" "$(docker ps -aq)"
finish
