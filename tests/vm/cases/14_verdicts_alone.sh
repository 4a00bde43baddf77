#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The verdicts by themselves, without a hook: paths of every form, doors, lists, conditions, addresses, keys, 10,000 entries.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
pass_on "${NSWARDEN_VERDICT_CHECK:-$REPO/build/release/tests/nsw_verdict_check}" "$WORK/v"
