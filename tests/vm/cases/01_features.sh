#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What this kernel gives, as README's table tells it (tests/vm/table): the trials' outcome, and the hooks that were chosen.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 3

start_tool
keep_features suite
check "the trials' outcome is kept" test -s "$FEATURES/suite"
check "no need went untried" test "$(grep -c '^feature ' "$FEATURES/suite")" = "$("$NSWARDEN" probe | grep -c '^[^ ]')"
check "every call is watched somehow" eval '! grep -vE "attached ($YOUNG): " "$FEATURES/suite" | grep "not watched"'
stop_tool
finish
