#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The books balance: acts of a known number are stored, not wanted, or lost with a reason, exactly; and each reason that can
# be provoked here moves its counter alone. The others: tests/vm/cases+once/25_ledger.sh, and the unit tests. Nothing else on the
# machine may act in a mount namespace of its own meanwhile: its acts are in the books, too.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
source "$E2E/ledger.sh"
plan 14

echo content >"$WORK/file"
mkfifo "$WORK/fifo"
ledger_engine

begin
in_flood open 150000 "$WORK/file"
check_ledger "calm: every open is accounted for"
check "... and none is lost" lost_alone open
check_equal "... all are stored" 150000 "$(moved open stored)"

begin
in_flood mixed 20000 "$WORK/file" 9
check_ledger "calm: acts of four kinds, those that failed too, are accounted for"
check "... no open is lost" lost_alone open
check "... no connect is lost" lost_alone connect

begin
kill -STOP "$ENGINE_PID"
in_flood open 150000 "$WORK/file"
kill -CONT "$ENGINE_PID"
check_ledger "overload: while nobody reads the ring, too"
check "... the full ring is the one reason" lost_alone open lost_ring_full

begin
in_flood block 9000 "$WORK/fifo" "$WORK/file"
check_ledger "more calls asleep at once than there is room for (L2, L3)"
# Where kprobes take the returns, their pool is full before the room is.
if "$NSWARDEN" probe | grep -qE '^kprobe +yes'; then
  check "... no room is among the reasons" test "$(moved open lost_no_scratch)" -gt 0
else
  check "... no room is the one reason" lost_alone open lost_no_scratch
fi

begin
ACTS='exec=1'
unshare --mount --pid --fork --mount-proc /bin/true "$(printf '%05000d' 0)"
check_ledger "arguments too long for a record"
check "... are told of, cut, and counted as that" test "$(moved exec truncated)" = 1 -a "$(moved exec stored)" = 1

check_file "the history's rows add up to what is said to be stored"
finish
