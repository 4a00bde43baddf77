#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `nswarden demo` on this very kernel: every act gets the word that this kernel makes possible, and nothing is left.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/demo.sh"
plan 12

check "it needs root and says so" eval '! setpriv --reuid=65534 --clear-groups "$NSWARDEN" demo 2>"$WORK/err"; grep -q "needs root" "$WORK/err"'
run_demo
check_demo
if grep -q 'This kernel can refuse' "$OUTPUT"; then
  check "five acts are refused" test "$(grep -c 'REFUSED by rule' "$OUTPUT")" = 5
else
  check "five acts would be refused" test "$(grep -c 'WOULD BE REFUSED by rule' "$OUTPUT")" = 5
fi

# It wants the host to itself: its engine would be the second.
exec 9>/run/nswarden.lock
flock -n 9
check "with an engine running it does nothing" eval '! "$NSWARDEN" demo 2>"$WORK/err"; grep -q "an engine watches this host already" "$WORK/err"'
exec 9>&-

"$NSWARDEN" demo >"$WORK/interrupted" 2>&1 &
demo=$!
wait_for 30 grep -q '^1\. ' "$WORK/interrupted" || true
kill -TERM "$demo"
status=0
wait "$demo" || status=$?
check_equal "interrupted, it fails" 1 "$status"
check "... and leaves nothing either" nothing_left
finish
