#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The engine's matcher against a naive evaluator, with the shipped policies, on what this very kernel tells of twenty
# containers. The figures are for tools/bench: a machine that runs tests is too busy for them.
source "$(dirname "$(realpath "$0")")/lib.sh"
plan 3

bench=$REPO/build/release/tests/bench/nsw_bench
check "events of twenty containers are captured, and none is lost" "$bench" capture "$WORK/corpus" 20 20000
check "every one is judged as the naive evaluator judges it" eval '"$bench" verify "$WORK/corpus" "$REPO/policies" >"$WORK/verified"'
check "among them matches of several rules" test "$(grep -c '^ ' "$WORK/verified")" -ge 4
finish
