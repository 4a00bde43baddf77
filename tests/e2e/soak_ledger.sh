#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ten million acts of a known number, with and without overload: generated = stored + not wanted + lost, exactly. Nothing
# else on the machine may act in a mount namespace of its own meanwhile: its acts are in the books, too.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
source "$E2E/ledger.sh"
plan 10
NSWARDEN_REST_DEADLINE=600

echo content >"$WORK/file"
ledger_engine

begin
in_flood open 4000000 "$WORK/file"
check_ledger "4 million opens"
check "... none lost" lost_alone open

begin
in_flood mixed 1000000 "$WORK/file" 9
check_ledger "3 million acts of four kinds"

# Nobody reads for as long as it takes to fill the ring, again and again.
begin
for _ in {1..10}; do
  kill -STOP "$ENGINE_PID"
  in_flood open 300000 "$WORK/file"
  kill -CONT "$ENGINE_PID"
  end
done
ACTS='open=3000000'
check_ledger "3 million opens while the engine is held up again and again"
check "... the full ring is the one reason" lost_alone open lost_ring_full

# Two containers at a time, on every processor.
begin
in_flood open 1000000 "$WORK/file" &
flood=$!
in_flood open 1000000 "$WORK/file"
wait "$flood"
ACTS='open=2000000'
check_ledger "2 million opens of two containers at a time"

check_file "the history's rows add up to what is said to be stored"
check "the engine is well" "$NSWARDEN" status
check_equal "the history is intact" ok "$(sqlite3 "$HISTORY" 'PRAGMA integrity_check')"
finish
