#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The verdicts by themselves, without a hook: paths of every form, doors, lists, conditions, addresses, keys, 10,000 entries.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
CHECK=${NSWARDEN_VERDICT_CHECK:-$REPO/build/release/tests/nsw_verdict_check}

status=0
"$CHECK" "$WORK/v" >"$WORK/results" 2>&1 || status=$?
plan $(($(grep -cE '^(not )?ok ' "$WORK/results") + 1))
while IFS= read -r line; do
  case $line in
    'ok '*) ok "${line#ok }" ;;
    'not ok '*) not_ok "${line#not ok }" ;;
    *) diag "$line" ;;
  esac
done <"$WORK/results"
check_equal "it came to its end" 0 "$status"
finish
