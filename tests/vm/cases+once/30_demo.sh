#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `nswarden demo` where the kernel can refuse: it must really be seen to. Emulated, it may take longer than a minute.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/demo.sh"
plan 11

NSWARDEN_DEMO_LIMIT=300
run_demo
check_demo
check "it knows that this kernel can refuse" grep -q 'This kernel can refuse' "$OUTPUT"
check "five acts are refused by the rules they break" test "$(grep -c 'REFUSED by rule .demo/' "$OUTPUT")" = 5
check "the programs were told so" test "$(grep -c 'Operation not permitted$' "$OUTPUT")" -ge 5
check "the password hashes were not read" eval '! grep -F "\$6\$" "$OUTPUT"'
finish
